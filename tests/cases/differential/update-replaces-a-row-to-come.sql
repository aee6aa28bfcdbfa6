-- The second row was replaced by the first one; when its turn came the file was called damaged.
CREATE TABLE t1(id INTEGER PRIMARY KEY, b INT UNIQUE ON CONFLICT REPLACE, d INT);
INSERT INTO t1 VALUES (17, 4, 8), (35, 8, 5);
UPDATE t1 SET b = d;
SELECT * FROM t1;
CREATE TABLE t2(id INTEGER PRIMARY KEY, b INT UNIQUE, d INT);
INSERT INTO t2 VALUES (17, 4, 8), (35, 8, 5), (36, 9, 9);
UPDATE OR REPLACE t2 SET b = d;
SELECT * FROM t2;
