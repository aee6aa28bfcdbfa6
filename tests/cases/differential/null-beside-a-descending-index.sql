-- SQLite says 0 where the index has a descending column, and NULL without that index.
CREATE TABLE t1(a, b);
INSERT INTO t1 VALUES (3.75, 'a'), (8.5, NULL);
-- ask: query
SELECT (NULL, 2) IN (SELECT a, b FROM t1);
CREATE INDEX i1 ON t1(a DESC, b);
-- ask: query
SELECT (NULL, 2) IN (SELECT a, b FROM t1);
-- ask: query
SELECT (NULL, 2) IN (SELECT a, +b FROM t1);
-- ask: query
SELECT (NULL, 2) NOT IN (SELECT a, b FROM t1);
