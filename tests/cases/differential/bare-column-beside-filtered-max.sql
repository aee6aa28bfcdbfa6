-- Where FILTER left min() or max() nothing to pick, bare columns were NULL instead of the first row's.
CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);
INSERT INTO t VALUES (1, 'x', 5);
-- ask: query
SELECT a, max(b) FILTER (WHERE b > 9) FROM t;
-- ask: query
SELECT quote(a IN (SELECT id FROM t)), min(b) FILTER (WHERE NULL) FROM t GROUP BY b, quote(a IN (SELECT id FROM t));
