-- A column under COLLATE lost the name that AS or the head of the view gave it.
CREATE TABLE t1(a, b);
INSERT INTO t1 VALUES (1, 'x'), (2, 'X ');
CREATE VIEW v1 AS SELECT (b COLLATE RTRIM) AS c1 FROM t1;
CREATE VIEW v2(c1) AS SELECT b COLLATE NOCASE FROM t1;
CREATE VIEW v3 AS SELECT b COLLATE NOCASE FROM t1;
-- ask: query
SELECT c1 FROM v1;
-- ask: query
SELECT x.c1, count(*) FROM v2 AS x GROUP BY x.c1 HAVING x.c1 = 'x';
-- ask: query
SELECT * FROM v3;
SELECT b FROM v1;
