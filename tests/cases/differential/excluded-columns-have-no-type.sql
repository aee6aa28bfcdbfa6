-- A column of excluded is a value: no affinity and no collation go with it.
CREATE TABLE t(d UNIQUE, c TEXT COLLATE NOCASE, n INT, r);
INSERT INTO t VALUES (1, 'a', 1, NULL);
INSERT INTO t VALUES (1, 'abc', '10', 0) ON CONFLICT(d) DO UPDATE SET r = (excluded.c <= 7) || (excluded.c = 'ABC') || (excluded.n = '10') || (excluded.c = c);
SELECT * FROM t;
INSERT INTO t VALUES (1, 10.75, '10', 0) ON CONFLICT(d) DO UPDATE SET r = 'no' WHERE excluded.c <= 7;
SELECT * FROM t;
