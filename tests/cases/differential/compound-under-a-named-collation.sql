-- A compound whose ORDER BY names a collation was ordered by that of any member, where only the first has a say then.
CREATE TABLE t1(a TEXT COLLATE NOCASE, b TEXT);
INSERT INTO t1 VALUES ('q', 'x'), ('R', 'a'), ('r', 'B');
-- ask: query order 2 1
SELECT NULL, 5 UNION SELECT a, 5 FROM t1 UNION ALL SELECT 'M', 5 ORDER BY 2 COLLATE NOCASE, 1;
-- ask: query order 2 1
SELECT NULL, 5 UNION SELECT a, 5 FROM t1 WHERE a <> 'r' ORDER BY 2, 1;
-- ask: query order 2 1
SELECT a, 5 FROM t1 WHERE b < 'b' EXCEPT SELECT b, 5 FROM t1 ORDER BY 2 COLLATE BINARY, 1;
-- ask: query order 2 1
SELECT b, 5 FROM t1 UNION SELECT a, 5 FROM t1 ORDER BY 2 COLLATE BINARY, 1;
-- ask: query order 2 1
SELECT NULL, 5 UNION ALL SELECT a, 5 FROM t1 WHERE b <> 'B' ORDER BY 2 COLLATE NOCASE, 1;
