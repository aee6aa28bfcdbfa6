-- A JSON text was still taken for JSON when it had come out of a subquery, and nullif() forgot that it was.
CREATE TABLE t1(a, b);
INSERT INTO t1 VALUES (1, 'x'), (2, 'y');
CREATE VIEW v1 AS SELECT json_array(a) AS c FROM t1;
-- ask: query
SELECT json_quote(c2) FROM (SELECT NULL AS c1, json_group_array(a ORDER BY a) AS c2 FROM t1 GROUP BY 1);
-- ask: query
SELECT json_quote(c), json_array(c, json_array(c)), json_object('c', coalesce(NULL, c)) FROM v1;
-- ask: query
SELECT json_quote((SELECT json_array(1))), json_set('[]', '$[0]', (SELECT c FROM v1));
-- ask: query
SELECT json_group_array(c ORDER BY c), json_group_object(c, c ORDER BY c) FROM v1;
-- ask: query
SELECT json_quote(nullif(json_array(a), 2)), json_quote(coalesce(NULL, json_array(a))) FROM t1 GROUP BY a;
-- ask: query
SELECT json_array(c -> '$', json(c)) FROM v1 UNION ALL SELECT json_quote(column1) FROM (VALUES (json_array(1)));
-- ask: query
WITH w(c) AS MATERIALIZED (SELECT json_array(a) FROM t1) SELECT json_array(c), (SELECT json_quote(c)) FROM w;
-- ask: query
SELECT json_array(value), json_quote(value) FROM json_each('[[1], {"a": 2}]');
-- ask: query
SELECT json_quote((SELECT value FROM json_each('[[1]]'))), json_group_array(value) FROM (SELECT value FROM json_each('[3, [1], "[2]"]'));
