-- The collation of rows that UNION ALL only appends was taken for how the rows before them compare.
CREATE TABLE t(a TEXT COLLATE NOCASE);
INSERT INTO t VALUES ('x');
-- ask: query
SELECT 'a' || '' INTERSECT SELECT 'A' || '' UNION ALL SELECT a FROM t;
-- ask: query order 1
SELECT 'a' || '' INTERSECT SELECT 'A' || '' UNION ALL SELECT a FROM t ORDER BY 1;
-- ask: query
SELECT 'a' || '' UNION ALL SELECT a FROM t INTERSECT SELECT 'X' || '';
-- ask: query
SELECT 'a' || '' EXCEPT SELECT 'A' || '' EXCEPT SELECT a FROM t;
