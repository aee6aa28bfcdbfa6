-- A row without its parent stayed when an UPDATE set the key that others refer to in the same table.
CREATE TABLE t1(id INTEGER PRIMARY KEY, a, p INTEGER DEFAULT 1 REFERENCES t1(id) ON UPDATE RESTRICT);
PRAGMA foreign_keys = OFF;
INSERT INTO t1(id, a, p) VALUES (7, 2, 1), (8, 3, NULL), (9, 4, 9);
PRAGMA foreign_keys = ON;
UPDATE t1 SET a = 5;
UPDATE t1 SET id = 7 WHERE id = 7;
UPDATE t1 SET id = 8 WHERE id = 8;
UPDATE t1 SET id = 9, a = 6 WHERE id = 9;
UPDATE t1 SET id = id;
SELECT * FROM t1;
