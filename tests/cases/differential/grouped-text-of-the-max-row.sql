-- Beside min() and max() a text that is grouped by NOCASE, or a number by its value, is that of the row which is picked.
CREATE TABLE t(a TEXT COLLATE NOCASE, n, b INT);
INSERT INTO t VALUES ('x', 1, 1), ('X', 1.0, 3), ('x', 1, 2), ('y', 'z', 0);
-- ask: query
SELECT a, max(b) FROM t GROUP BY a;
-- ask: query
SELECT n, max(b), typeof(n) FROM t GROUP BY n HAVING n < 5 ORDER BY n;
-- ask: query
SELECT a || '!', min(b) FROM t GROUP BY a || '!' COLLATE NOCASE;
-- ask: query order 1
SELECT upper(a), a, max(b) FROM t GROUP BY upper(a), a ORDER BY 1;
