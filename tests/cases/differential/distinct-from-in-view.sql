-- IS DISTINCT FROM x.b was taken for a FROM clause over a database x.
CREATE TABLE t1(id INTEGER PRIMARY KEY, a, b);
INSERT INTO t1 VALUES (1, 2, 3), (2, 4, NULL);
CREATE VIEW v6(c1) AS SELECT x9.a FROM t1 AS x9 WHERE (x9.b IS NOT DISTINCT FROM x9.b);
-- ask: query
SELECT * FROM v6;
