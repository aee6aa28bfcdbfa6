-- A column of a compound in FROM was compared by the collation of any member, where only the first has a say.
CREATE TABLE t1(a TEXT COLLATE NOCASE, b TEXT);
INSERT INTO t1 VALUES ('q', 'x'), ('R', 'a'), ('r', 'B');
-- ask: query
SELECT 'abd' >= x FROM (SELECT quote(NULL) AS x EXCEPT SELECT a FROM t1);
-- ask: query
SELECT x = 'Q', x < 'Z', x IN ('R') FROM (SELECT NULL AS x UNION SELECT a FROM t1 WHERE a <> 'r');
-- ask: query
SELECT x = 'Q' FROM (SELECT a AS x FROM t1 INTERSECT SELECT a FROM t1 UNION ALL SELECT b FROM t1);
-- ask: query
SELECT min(x), max(x) FROM (SELECT NULL AS x UNION ALL SELECT a FROM t1 WHERE a <> 'R');
