-- COLLATE inside a row value was taken for the collation of the expression around it.
CREATE TABLE t1(a TEXT, b);
INSERT INTO t1 VALUES ('a', 1), ('NULL', 2);
-- ask: query order 1
SELECT CASE WHEN 1 THEN a ELSE ('12x', ('abc' COLLATE NOCASE)) < (NULL, b) END FROM t1 ORDER BY 1;
-- ask: query order 1
SELECT CASE WHEN 1 THEN a ELSE (b, b) BETWEEN ('12x', ('abc' COLLATE NOCASE)) AND (NULL, b) END FROM t1 ORDER BY 1;
-- ask: query order 1
SELECT CASE WHEN 1 THEN a ELSE ('12x', ('abc' COLLATE NOCASE)) IN (SELECT NULL, b) END FROM t1 ORDER BY 1;
-- ask: query order 1
SELECT CASE WHEN 1 THEN a ELSE CASE ('12x', ('abc' COLLATE NOCASE)) WHEN (1, 2) THEN 5 END END FROM t1 ORDER BY 1;
-- ask: query order 1
SELECT CASE WHEN 1 THEN a ELSE ('abc' COLLATE NOCASE) < b END FROM t1 ORDER BY 1;
