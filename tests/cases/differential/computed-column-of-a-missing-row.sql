-- A virtual generated column that is not NULL for NULLs was computed for rows that an outer join, or an aggregate without rows, lacks.
CREATE TABLE t(id INTEGER PRIMARY KEY, a, c AS (coalesce(a, 5)), d AS (1));
CREATE TABLE u(k INT, a, c AS (coalesce(a, 5)), PRIMARY KEY(k)) WITHOUT ROWID;
INSERT INTO t(id, a) VALUES (1, 2), (2, NULL);
INSERT INTO u(k, a) VALUES (2, NULL), (3, 4);
-- ask: query
SELECT t.id, u.k, u.c, t.d FROM t LEFT JOIN u ON u.k = t.id;
-- ask: query
SELECT t.id, u.k, u.c, t.c, t.d FROM t FULL JOIN u ON u.k = t.id WHERE t.d IS NULL OR u.c IS NULL OR u.c = 5;
-- ask: query
SELECT t.id, t.c FROM u LEFT JOIN (t JOIN t AS o ON o.c = t.c) ON t.id = u.k WHERE (t.c IN (5)) IS NOT FALSE;
-- ask: query
SELECT c, d, max(a) FROM t WHERE id > 9;
-- ask: query
SELECT u.k, (SELECT max(t.d) FROM t WHERE t.id = u.k) FROM t AS x LEFT JOIN u ON u.k = x.id AND u.c = 5;
