-- A subquery above GROUP BY that reads a virtual generated column looked for the columns that it is computed from, which were gone.
CREATE TABLE t(id INT, a, n AS (a <> id));
INSERT INTO t(id, a) VALUES (1, 1), (2, 1);
-- ask: query
SELECT (SELECT min(x.a) FROM t AS x WHERE x.id IS DISTINCT FROM y.n) FROM t AS y GROUP BY (SELECT min(x.a) FROM t AS x WHERE x.id IS DISTINCT FROM y.n);
