//! Queries of every kind over one small database: ours and SQLite's rows.

use crate::both::{Both, run_ours, run_theirs};

const SCHEMA: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b TEXT, c TEXT COLLATE NOCASE, d REAL, e);
    CREATE INDEX t_a ON t(a);
    CREATE INDEX t_ab ON t(a, b);
    CREATE INDEX t_c ON t(c);
    CREATE INDEX t_d ON t(d DESC);
    CREATE INDEX t_lower ON t(lower(b));
    CREATE INDEX t_part ON t(e) WHERE d > 5;
    CREATE TABLE u(k TEXT PRIMARY KEY, v INT, w) WITHOUT ROWID;
    CREATE INDEX u_v ON u(v);
    CREATE TABLE p(id INTEGER PRIMARY KEY, t_id INT, name TEXT UNIQUE, x, y);
    CREATE INDEX p_t ON p(t_id);
    CREATE TABLE bare(x, y, z);
    CREATE TABLE g(a INT, b INT AS (a * 2) STORED, c TEXT AS ('n' || b));
    CREATE VIEW v1 AS SELECT id, a, b FROM t WHERE a > 2;
    CREATE VIEW v2(g, n) AS SELECT a, count(*) FROM t GROUP BY a;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
      INSERT INTO t SELECT i, i % 7, 'b' || (i % 5), CASE i % 3 WHEN 0 THEN 'Abc' WHEN 1 THEN 'aBD' ELSE 'xyz' END,
        i * 0.5, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN i ELSE 'e' || i END FROM n;
    INSERT INTO t VALUES (61, NULL, NULL, NULL, NULL, NULL), (62, 3, 'b3', 'ABC', 5.0, x'616263');
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
      INSERT INTO u SELECT 'k' || i, i % 6, i FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
      INSERT INTO p SELECT i, CASE WHEN i % 9 = 0 THEN NULL ELSE i * 2 END, 'name' || i, i % 3, i % 5 FROM n;
    INSERT INTO bare VALUES (1, 2, 3), (1, NULL, 'x'), ('1', 2.0, x'78'), (NULL, NULL, NULL), (3, 1, 2), (2, '2', 'X');
    INSERT INTO g(a) VALUES (1), (2), (3), (NULL);
";

/// Runs each query on both; rows count in order where the query orders them, else as a bag.
fn check(queries: &[&str]) {
    let both = Both::with(SCHEMA);
    let mut failures = String::new();
    for sql in queries {
        let (mut ours, mut theirs) = (run_ours(&both.ours, sql), run_theirs(&both.theirs, sql));
        if !sql.contains("ORDER BY") {
            ours.as_mut().map(|rows| rows.sort()).ok();
            theirs.as_mut().map(|rows| rows.sort()).ok();
        }
        if ours != theirs {
            failures.push_str(&format!(
                "{sql}\n  ours:   {}\n  sqlite: {}\n",
                brief(&ours),
                brief(&theirs)
            ));
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

fn brief(outcome: &crate::both::Outcome) -> String {
    let text = match outcome {
        Ok(rows) => format!("{} rows {rows:?}", rows.len()),
        Err(error) => format!("{error:?}"),
    };
    text.chars().take(400).collect()
}

#[test]
fn one_table() {
    check(&[
        "SELECT * FROM t",
        "SELECT * FROM t WHERE id = 5",
        "SELECT * FROM t WHERE id = '5'",
        "SELECT * FROM t WHERE id = 5.0",
        "SELECT * FROM t WHERE id = 5.5",
        "SELECT * FROM t WHERE id = 'x'",
        "SELECT * FROM t WHERE id > 5.5 AND id < 'x' AND id < 9",
        "SELECT id FROM t WHERE id BETWEEN 5 AND 9",
        "SELECT id FROM t WHERE id NOT BETWEEN 5 AND 55",
        "SELECT id FROM t WHERE id IN (3, 1, 2, 3, '7', 99, NULL)",
        "SELECT id FROM t WHERE id NOT IN (3, 1, 2) AND id < 6",
        "SELECT id FROM t WHERE id NOT IN (3, NULL) AND id < 6",
        "SELECT id FROM t WHERE id IN ()",
        "SELECT id FROM t WHERE a = 3",
        "SELECT a FROM t WHERE a = 3",
        "SELECT id FROM t WHERE a = '3'",
        "SELECT id FROM t WHERE a = 3 AND b > 'b1'",
        "SELECT id FROM t WHERE a = 3 AND b > 'b1' AND b <= 'b3'",
        "SELECT id FROM t WHERE a IN (1, 2) AND b = 'b1'",
        "SELECT id FROM t WHERE a IS NULL",
        "SELECT id FROM t WHERE a IS NOT NULL AND id > 58",
        "SELECT id FROM t WHERE a IS 3",
        "SELECT id FROM t WHERE a = 1 OR a = 2 OR a = 5",
        "SELECT id FROM t WHERE a = 1 OR d = 7.0",
        "SELECT id FROM t WHERE a = 1 OR b = 'b2'",
        "SELECT id FROM t WHERE c = 'ABC'",
        "SELECT id FROM t WHERE c = 'ABC' COLLATE BINARY",
        "SELECT id FROM t WHERE c LIKE 'ab%'",
        "SELECT id FROM t WHERE c LIKE 'AB_'",
        "SELECT id FROM t WHERE e LIKE 'ab%'",
        "SELECT id FROM t WHERE b GLOB 'b[12]*'",
        "SELECT id FROM t WHERE d = 5",
        "SELECT id FROM t WHERE d < 2",
        "SELECT id FROM t WHERE d BETWEEN 3 AND 5 ORDER BY d DESC",
        "SELECT id FROM t WHERE lower(b) = 'b1'",
        "SELECT id FROM t WHERE e = 'e30' AND d > 5",
        "SELECT id FROM t WHERE e = 13 AND d > 5",
        "SELECT id FROM t WHERE e IS NULL AND d > 5",
        "SELECT rowid, _rowid_, oid FROM t WHERE rowid < 4",
        "SELECT * FROM u WHERE k = 'k5'",
        "SELECT * FROM u WHERE v = 5",
        "SELECT k FROM u WHERE v >= 3 AND v < 5",
        "SELECT * FROM g",
        "SELECT c FROM g WHERE c = 'n4'",
        "SELECT 1, 'a', NULL, 1.5, x'00ff'",
        "VALUES (1, 2), (3, 4)",
        "SELECT 'a' WHERE 0",
        "SELECT count(*) FROM t",
        "SELECT min(id), max(id) FROM t",
        "SELECT min(a), max(a), min(d), max(d) FROM t",
        "SELECT min(a) FROM t WHERE a > 3",
        "SELECT max(b) FROM t WHERE a = 3",
    ]);
}

#[test]
fn comparisons() {
    check(&[
        "SELECT x, y, x = y, x < y, x IS y, x <> y FROM bare",
        "SELECT x = '1', x = 1, '1' = x, +x = '1' FROM bare",
        "SELECT a = '3', '3' = a, a < '10', b = 5, d = '2.5' FROM t WHERE id < 8",
        "SELECT id FROM t WHERE b = c",
        "SELECT id FROM t WHERE c = b",
        "SELECT x IN (1, 2), y IN ('2'), x IN (SELECT y FROM bare), x NOT IN (SELECT y FROM bare WHERE y IS NOT NULL) FROM bare",
        "SELECT a IN ('1', '2') FROM t WHERE id < 8",
        "SELECT (a, b) = (3, 'b3'), (a, b) < (3, 'b2'), (a, b) >= (3, 'b2') FROM t WHERE id < 20 OR id > 60",
        "SELECT id FROM t WHERE (a, b) IN ((1, 'b1'), (2, 'b2'), (3, NULL))",
        "SELECT id FROM t WHERE (a, b) IN (SELECT a, b FROM t WHERE id < 4)",
        "SELECT id FROM t WHERE (a, id) = (SELECT max(a), 6 FROM t)",
        "SELECT x BETWEEN 1 AND 2, y BETWEEN '0' AND '3' FROM bare",
        "SELECT x IS TRUE, x IS NOT FALSE, x IS NOT NULL, NOT x FROM bare",
        "SELECT CASE x WHEN 1 THEN 'one' WHEN '1' THEN 'text' ELSE 'other' END FROM bare",
        "SELECT CASE WHEN x > 1 THEN 'big' WHEN x IS NULL THEN 'null' END FROM bare",
        "SELECT coalesce(x, y, 'none'), ifnull(y, 0), nullif(x, 1), iif(x = 1, 'a', 'b') FROM bare",
        "SELECT x || y, -x, ~x, x + y, x / y, x % 2, x << 1, x & 3 FROM bare",
        "SELECT cast(x AS TEXT), cast(z AS BLOB), cast('12abc' AS INT), typeof(x) FROM bare",
        "SELECT id FROM t WHERE c COLLATE BINARY = 'Abc' AND a = 3",
        "SELECT 'a' < 'B', 'a' < 'B' COLLATE NOCASE, 'a' COLLATE NOCASE = 'A'",
        "SELECT id FROM t WHERE a = 3 AND a = 4",
        "SELECT id FROM t WHERE NOT (a = 3 OR b = 'b1') AND id < 12",
        "SELECT id FROM t WHERE likely(a = 3) AND unlikely(id > 20)",
        "SELECT max(x, y), min(x, 5) FROM bare",
    ]);
}

#[test]
fn order_and_limit() {
    check(&[
        "SELECT id FROM t ORDER BY id DESC LIMIT 5",
        "SELECT id FROM t ORDER BY id LIMIT 5 OFFSET 3",
        "SELECT id FROM t ORDER BY id LIMIT -1 OFFSET 58",
        "SELECT id FROM t ORDER BY id LIMIT 0",
        "SELECT id FROM t ORDER BY id LIMIT 3, 4",
        "SELECT id, a, b FROM t ORDER BY a, b DESC, id",
        "SELECT id, a, b FROM t ORDER BY a DESC, b DESC, id",
        "SELECT id, a FROM t ORDER BY a NULLS LAST, id",
        "SELECT id, a FROM t ORDER BY a DESC NULLS FIRST, id LIMIT 7",
        "SELECT id, c FROM t ORDER BY c, id",
        "SELECT id, c FROM t ORDER BY c COLLATE BINARY, id",
        "SELECT id AS z, a + 1 AS y FROM t ORDER BY y, z DESC",
        "SELECT a, id FROM t ORDER BY 1, 2",
        "SELECT a + id FROM t ORDER BY a + id",
        "SELECT id FROM t ORDER BY e, id",
        "SELECT DISTINCT a FROM t ORDER BY a",
        "SELECT DISTINCT a, b FROM t ORDER BY b, a",
        "SELECT DISTINCT a % 2 FROM t ORDER BY 1",
        "SELECT DISTINCT c FROM t WHERE c IS NOT NULL ORDER BY c COLLATE NOCASE",
        "SELECT k FROM u ORDER BY k",
        "SELECT k, v FROM u ORDER BY v, k DESC",
        "SELECT id FROM t WHERE a IN (3, 1) ORDER BY a, id LIMIT 5",
        "SELECT id FROM t WHERE a = 3 ORDER BY b, id",
        "SELECT id FROM t ORDER BY random() LIMIT 0",
        "SELECT id FROM t WHERE id > 3 ORDER BY abs(id - 10), id LIMIT 4",
        "SELECT x FROM bare ORDER BY x, y, z",
    ]);
}

#[test]
fn joins() {
    check(&[
        "SELECT t.id, p.id FROM t JOIN p ON p.t_id = t.id",
        "SELECT t.id, p.id FROM t, p WHERE p.t_id = t.id AND t.a = 5",
        "SELECT t.id, p.name FROM t LEFT JOIN p ON p.t_id = t.id ORDER BY t.id",
        "SELECT t.id, p.name FROM t LEFT JOIN p ON p.t_id = t.id AND p.x = 1 ORDER BY t.id",
        "SELECT t.id FROM t LEFT JOIN p ON p.t_id = t.id WHERE p.id IS NULL ORDER BY t.id",
        "SELECT t.id FROM t LEFT JOIN p ON p.t_id = t.id WHERE p.x = 1 ORDER BY t.id",
        "SELECT t.id, p.id FROM p LEFT JOIN t ON p.t_id = t.id AND t.a > 3 ORDER BY p.id",
        "SELECT t.id, p.id FROM t RIGHT JOIN p ON p.t_id = t.id AND t.a > 3",
        "SELECT t.id, p.id FROM t FULL JOIN p ON p.t_id = t.id",
        "SELECT t.id, p.id FROM t FULL JOIN p ON p.t_id = t.id AND t.a = 1 WHERE t.id < 5 OR p.id < 5",
        "SELECT x.x, y.y FROM bare AS x, bare AS y WHERE x.x = y.y",
        "SELECT x.x, y.y FROM bare AS x JOIN bare AS y ON x.x < y.y",
        "SELECT x.x, y.y FROM bare AS x LEFT JOIN bare AS y ON x.x > y.y",
        "SELECT x.x, y.x FROM bare AS x CROSS JOIN bare AS y",
        "SELECT t.id, p.id, u.k FROM t, p, u WHERE p.t_id = t.id AND u.v = p.x AND t.a = 5",
        "SELECT count(*) FROM t, p, u",
        "SELECT * FROM bare AS m JOIN (SELECT x, y AS q FROM bare) USING (x)",
        "SELECT * FROM (SELECT 1 AS a, 2 AS b) NATURAL JOIN (SELECT 1 AS a, 3 AS c)",
        "SELECT * FROM (SELECT 1 AS a, 2 AS b UNION ALL SELECT 5, 6) NATURAL LEFT JOIN (SELECT 1 AS a, 3 AS c)",
        "SELECT * FROM (SELECT 1 AS a, 2 AS b) NATURAL FULL JOIN (SELECT 7 AS a, 3 AS c)",
        "SELECT a FROM (SELECT 1 AS a, 2 AS b) FULL JOIN (SELECT 7 AS a, 3 AS c) USING (a)",
        "SELECT * FROM (SELECT 1 AS a, 2 AS b) RIGHT JOIN (SELECT 7 AS a, 3 AS c) USING (a)",
        "SELECT p.id, q.id FROM p JOIN p AS q ON p.x = q.y AND p.id < q.id AND q.id < 10",
        "SELECT t.id, p.id, u.k FROM t LEFT JOIN p ON p.t_id = t.id LEFT JOIN u ON u.w = p.id WHERE t.id < 12",
        "SELECT t.id, p.id, u.k FROM t LEFT JOIN (p JOIN u ON u.w = p.id) ON p.t_id = t.id WHERE t.id < 12",
        "SELECT t.id, u.k FROM t JOIN u ON u.v = t.a AND u.w < 4 ORDER BY t.id, u.k LIMIT 9",
        "SELECT t.id, p.id FROM t JOIN p ON t.id = p.t_id AND t.id = 8",
        "SELECT t.id, p.id FROM t JOIN p ON t.b = p.name",
        "SELECT v1.id, p.id FROM v1 JOIN p ON p.t_id = v1.id WHERE v1.a = 4",
        "SELECT * FROM v2 ORDER BY g",
        "SELECT * FROM v2 WHERE n > 8 ORDER BY g",
        "SELECT * FROM v2 JOIN u ON u.v = v2.g ORDER BY k",
        "SELECT p.id, q.g FROM p LEFT JOIN v2 AS q ON q.g = p.x ORDER BY p.id",
        "SELECT t.* FROM t JOIN p ON p.id = t.id WHERE p.name = 'name7'",
        "SELECT g.a, h.c FROM g JOIN g AS h ON h.b = g.a",
        "SELECT t.id AS i, p.t_id + 0 AS j FROM t LEFT JOIN p ON j = i ORDER BY i, j LIMIT 9",
    ]);
}

#[test]
fn groups() {
    check(&[
        "SELECT a, count(*), sum(id), min(b), max(d), avg(id), total(id) FROM t GROUP BY a ORDER BY a",
        "SELECT a, b, count(*) FROM t GROUP BY a, b ORDER BY 1, 2",
        "SELECT a % 2 AS odd, count(DISTINCT b) FROM t GROUP BY odd ORDER BY odd",
        "SELECT a, count(*) FROM t GROUP BY a HAVING count(*) > 8 ORDER BY a",
        "SELECT c, count(*) FROM t WHERE c IS NOT NULL GROUP BY c COLLATE BINARY ORDER BY count(*), c COLLATE BINARY",
        "SELECT count(*) FROM t WHERE a = 99",
        "SELECT sum(a), max(a), count(a) FROM t WHERE a = 99",
        "SELECT a FROM t WHERE a = 99 GROUP BY a",
        "SELECT max(id), b FROM t",
        "SELECT min(id), b FROM t WHERE a = 3",
        "SELECT a, max(id), b FROM t GROUP BY a ORDER BY a",
        "SELECT a, group_concat(id, '-') FROM (SELECT * FROM t ORDER BY id) GROUP BY a ORDER BY a",
        "SELECT count(*) FILTER (WHERE a > 3), sum(a) FILTER (WHERE b = 'b1') FROM t",
        "SELECT sum(DISTINCT a) FROM t",
        "SELECT a + 1, count(*) FROM t GROUP BY a + 1 ORDER BY a + 1",
        "SELECT t.a, count(p.id) FROM t LEFT JOIN p ON p.t_id = t.id GROUP BY t.a ORDER BY t.a",
        "SELECT (SELECT count(*) FROM p WHERE p.x = t.a), a FROM t GROUP BY a ORDER BY a",
        "SELECT a, (SELECT sum(t.id)) FROM t GROUP BY a ORDER BY a",
        "SELECT count(*) FROM (SELECT DISTINCT a, b FROM t)",
        "SELECT a FROM t GROUP BY a ORDER BY count(*) DESC, a",
        "SELECT count(*), a IS NULL FROM t GROUP BY a IS NULL ORDER BY 2",
        "SELECT max(a) - min(a) FROM t HAVING count(*) > 1",
        "SELECT v, group_concat(k) FROM (SELECT * FROM u ORDER BY k) GROUP BY v ORDER BY v",
    ]);
}

#[test]
fn subqueries() {
    check(&[
        "SELECT id FROM t WHERE id IN (SELECT t_id FROM p WHERE x = 1)",
        "SELECT id FROM t WHERE id NOT IN (SELECT t_id FROM p WHERE t_id IS NOT NULL)",
        "SELECT id FROM t WHERE id NOT IN (SELECT t_id FROM p)",
        "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM p WHERE p.t_id = t.id AND p.x = 2)",
        "SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM p WHERE p.t_id = t.id)",
        "SELECT id, (SELECT name FROM p WHERE p.t_id = t.id) FROM t",
        "SELECT id, (SELECT name FROM p WHERE p.t_id = t.id ORDER BY name DESC LIMIT 1) FROM t",
        "SELECT (SELECT max(v) FROM u), (SELECT 1 WHERE 0)",
        "SELECT id FROM t WHERE a = (SELECT max(v) FROM u)",
        "SELECT id FROM t WHERE a > (SELECT avg(v) FROM u) AND b = 'b1'",
        "SELECT id FROM t WHERE d > (SELECT avg(d) FROM t AS o WHERE o.a = t.a) ORDER BY id",
        "SELECT a IN (SELECT v FROM u WHERE w = t.id) FROM t",
        "SELECT * FROM (SELECT id, a FROM t WHERE a = 3) WHERE id > 20",
        "SELECT * FROM (SELECT a, count(*) AS n FROM t GROUP BY a) WHERE n > 8 ORDER BY a",
        "SELECT * FROM (SELECT id FROM t ORDER BY id DESC LIMIT 5) ORDER BY id",
        "SELECT * FROM (SELECT id FROM t UNION SELECT id FROM p) WHERE id > 58 ORDER BY id",
        "SELECT x.n FROM (SELECT (SELECT count(*) FROM p WHERE p.x = t.a) AS n FROM t) AS x WHERE x.n > 0",
        "SELECT id FROM t AS o WHERE id = (SELECT max(id) FROM t WHERE a = o.a) ORDER BY id",
        "SELECT 5 IN (SELECT id FROM t), 500 IN (SELECT id FROM t), NULL IN (SELECT id FROM t), NULL IN (SELECT 1 WHERE 0)",
        "SELECT 'k3' IN (SELECT k FROM u), 3 IN (SELECT k FROM u)",
        "SELECT EXISTS (SELECT 1 FROM t WHERE id = 900), EXISTS (SELECT 1 FROM t)",
        "SELECT (SELECT (SELECT t.a + u.v FROM u WHERE u.w = t.id) FROM p WHERE p.id = t.id) FROM t WHERE t.id < 10",
        "SELECT x IN bare FROM (SELECT 1 AS x)",
        "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM bare WHERE bare.x = t.a)",
        "SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM bare WHERE bare.x = t.a)",
        "SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM bare WHERE bare.x = t.a AND bare.y > t.id) AND b = 'b3'",
        "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM bare JOIN u ON u.v = bare.y WHERE bare.x = t.a AND u.w < t.id)",
        "SELECT id FROM t WHERE a IN (SELECT x FROM bare WHERE bare.y < t.id)",
        "SELECT id FROM t WHERE a NOT IN (SELECT x FROM bare WHERE bare.x < t.id)",
        "SELECT t.id, p.id FROM t JOIN p ON p.t_id = t.id WHERE EXISTS (SELECT 1 FROM bare WHERE bare.x = p.x) ORDER BY t.id",
        "SELECT count(*) FROM t WHERE EXISTS (SELECT 1 FROM bare WHERE bare.x = t.a) AND NOT EXISTS (SELECT 1 FROM bare WHERE y = t.a)",
        "SELECT id FROM t AS o WHERE EXISTS (SELECT 1 FROM t WHERE t.e = o.e AND t.id <> o.id)",
        "SELECT (SELECT count(*) FROM p WHERE EXISTS (SELECT 1 FROM bare WHERE bare.x = p.x AND bare.y = t.a)) FROM t",
        "DELETE FROM bare WHERE EXISTS (SELECT 1 FROM g WHERE g.a = bare.x)",
        "SELECT * FROM bare",
        "SELECT (x, y, z) IN bare FROM bare",
    ]);
}

#[test]
fn compounds_and_common_tables() {
    check(&[
        "SELECT a FROM t UNION SELECT v FROM u ORDER BY 1",
        "SELECT a FROM t UNION ALL SELECT v FROM u ORDER BY 1 LIMIT 10",
        "SELECT a FROM t INTERSECT SELECT v FROM u ORDER BY 1",
        "SELECT a FROM t EXCEPT SELECT v FROM u ORDER BY 1",
        "SELECT v FROM u EXCEPT SELECT a FROM t",
        "SELECT 1 UNION ALL SELECT 1 UNION SELECT 2",
        "SELECT a, b FROM t UNION SELECT v, k FROM u LIMIT 7 OFFSET 2",
        "SELECT a, b FROM t UNION SELECT v, k FROM u ORDER BY 2 DESC LIMIT 12",
        "SELECT b, a FROM t INTERSECT SELECT b, a FROM t WHERE id > 9 ORDER BY 2 LIMIT 5",
        "SELECT 1 UNION SELECT 1 UNION ALL SELECT 1",
        "SELECT 1, 2 UNION SELECT 1, 2.0 UNION SELECT 1, '2'",
        "SELECT c FROM t UNION SELECT 'ABC'",
        "SELECT b, a FROM t WHERE a = 1 UNION SELECT k, v FROM u WHERE v = 1 ORDER BY b DESC",
        "SELECT x FROM bare EXCEPT SELECT 1 ORDER BY x",
        "WITH c AS (SELECT id, a FROM t WHERE a = 3) SELECT * FROM c WHERE id > 20",
        "WITH c AS (SELECT id, a FROM t WHERE a = 3) SELECT x.id, y.id FROM c AS x, c AS y WHERE x.id < y.id",
        "WITH c(n) AS (SELECT count(*) FROM t) SELECT n, (SELECT n FROM c) FROM c",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i) FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT (i * 2) % 11 FROM n) SELECT i FROM n ORDER BY i",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5) SELECT * FROM n",
        "WITH RECURSIVE n(i, l) AS (VALUES (1, 0) UNION ALL SELECT i * 2, l + 1 FROM n WHERE l < 3 UNION ALL SELECT i * 2 + 1, l + 1 FROM n WHERE l < 3) SELECT * FROM n",
        "WITH RECURSIVE f(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f WHERE b < 100) SELECT a FROM f ORDER BY a",
        "WITH RECURSIVE tree(id, depth) AS (SELECT 1, 0 UNION ALL SELECT t.id, depth + 1 FROM tree JOIN t ON t.id = tree.id * 2 WHERE depth < 4 ORDER BY 2 DESC) SELECT * FROM tree",
        "SELECT (WITH c AS (SELECT t.a AS z) SELECT z + 1 FROM c) FROM t WHERE id < 5",
        "WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b",
        "WITH a AS MATERIALIZED (SELECT id FROM t WHERE id < 4) SELECT * FROM a WHERE id > 1",
        "WITH a AS NOT MATERIALIZED (SELECT id FROM t WHERE id < 4) SELECT * FROM a AS p, a AS q WHERE p.id > q.id",
        "VALUES (1, 'a'), (2, 'b') UNION ALL SELECT id, b FROM t WHERE id = 3",
    ]);
}

#[test]
fn windows() {
    check(&[
        "SELECT id, row_number() OVER (ORDER BY id DESC) FROM t ORDER BY id",
        "SELECT id, sum(id) OVER (PARTITION BY a ORDER BY id) FROM t ORDER BY id",
        "SELECT id, rank() OVER (ORDER BY a), dense_rank() OVER (ORDER BY a) FROM t ORDER BY id",
        "SELECT id, lag(id, 1) OVER w, lead(id, 2, -1) OVER w FROM t WINDOW w AS (PARTITION BY a ORDER BY id) ORDER BY id",
        "SELECT a, sum(count(*)) OVER (ORDER BY a) FROM t GROUP BY a ORDER BY a",
        "SELECT id, avg(id) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) FROM t ORDER BY id",
        "SELECT id, first_value(b) OVER (PARTITION BY a ORDER BY id), ntile(3) OVER (ORDER BY id) FROM t ORDER BY id",
        "SELECT * FROM (SELECT id, row_number() OVER (PARTITION BY a ORDER BY id) AS n FROM t) WHERE n = 1 ORDER BY id",
        "SELECT id, count(*) OVER () FROM t WHERE a = 3 ORDER BY id",
        "SELECT DISTINCT sum(a) OVER (PARTITION BY b) FROM t ORDER BY 1",
    ]);
}

#[test]
fn values_that_aggregate() {
    let both = Both::with("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (3, 4)");
    both.check(
        "VALUES (count(*)); VALUES (count(*) OVER ()); VALUES (count(*) OVER ()), (2); VALUES (2), (count(*) OVER ()), (sum(3));
         VALUES (sum(1)), (2); VALUES (1), (avg(2)), (total(1)); SELECT (VALUES (sum(a))) FROM t; SELECT * FROM (VALUES (max(1), 2));
         INSERT INTO t VALUES (sum(1), 2); INSERT INTO t VALUES (sum(1), 2), (3, 4); INSERT INTO t VALUES (1, 2), (3, min(4)); SELECT * FROM t",
    );
}

#[test]
fn the_last_of_several_unknown_names_is_told() {
    let both = Both::with("CREATE TABLE t(a, b)");
    both.check(
        "SELECT nosuch(a) FROM t; SELECT nosuch(c) FROM t; SELECT nosuch(1) + other(2) FROM t; SELECT nosuch(1, c) FROM t;
         SELECT nosuch(1) IN (c, 1) FROM t; SELECT nosuch(1) IN (1, c) FROM t; SELECT nosuch(other(a)) FROM t; SELECT abs(1, 2) = c FROM t;
         SELECT nosuch(a) + b + c FROM t; SELECT nosuch(a, other(b), c) FROM t; SELECT nosuch(a), c FROM t",
    );
}

#[test]
fn a_comparison_of_rows_names_a_collation_for_who_asks() {
    let both = Both::with(
        "CREATE TABLE t(a, b, c); INSERT INTO t VALUES (1, 2, 'Zebra'), (2, 3, 'né'), (3, 4, 'apple')",
    );
    for test in [
        "(b, (NULL COLLATE BINARY)) IS NOT (1, 2)",
        "(b COLLATE nocase, NULL) IS NOT (1, 2)",
        "(b, NULL) < (1 COLLATE nocase, 2)",
        "(b, NULL) = (1, 2 COLLATE nocase)",
        "(b, NULL) BETWEEN (1, 2) AND (3, 4 COLLATE nocase)",
        "(b, NULL) BETWEEN (1, 2) AND (3 COLLATE nocase, 4)",
    ] {
        for last in ["NULL COLLATE nocase", "NULL COLLATE binary"] {
            both.check(&format!(
                "SELECT CASE WHEN 1 THEN c WHEN 0 THEN {test} ELSE {last} END AS x FROM t ORDER BY x;
                 SELECT c FROM t WHERE CASE WHEN 1 THEN c WHEN 0 THEN {test} ELSE {last} END = 'ZEBRA'"
            ));
        }
    }
}

#[test]
fn the_greatest_of_several_stays_json() {
    let both = Both::new();
    both.check(
        "SELECT json_quote(max(json_array(1), 1)), json_quote(min(1, json_array(1))), json_array(max('a', json_array(1), 'b')),
                json_array(max('a', 'B', json_array(1))), json_quote(min(json_array(1), '[1]')), json_quote(max('[1]', json_array(1)))",
    );
}

#[test]
fn is_true_is_a_test_whatever_collation_is_named() {
    let both = Both::with("CREATE TABLE t(a REAL); INSERT INTO t VALUES (4.25), (1), (0), (NULL)");
    both.check(
        "SELECT a, a IS (TRUE COLLATE RTRIM), a IS NOT (FALSE COLLATE nocase COLLATE rtrim), a IS TRUE COLLATE nocase FROM t",
    );
}

#[test]
fn functions_of_bytes_in_files_of_both_widths() {
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        let both = Both::with(&format!(
            "PRAGMA encoding = '{encoding}'; CREATE TABLE t(a);
             INSERT INTO t VALUES ('abc'), ('\u{e4}\u{20ac}\u{1f600}'), (x'00ff'), (1.5), (-17), (NULL), (''), (x'')"
        ));
        both.check(
            "SELECT hex(a), quote(a), length(a), octet_length(a), typeof(a) FROM t;
             SELECT hex(CAST(a AS BLOB)), hex(CAST(a AS TEXT)), hex(-a), length(CAST(a AS BLOB)) FROM t;
             SELECT hex(a || ''), unicode(a), hex(substr(a, 2)), instr(a, 'b') FROM t WHERE typeof(a) <> 'blob';
             SELECT hex(unhex(hex(a))), hex(substr(CAST(a AS BLOB), 2, 1)) FROM t;
             SELECT hex(1.5), hex(17), hex('abc'), hex(x'616263'), hex(zeroblob(2)), hex(char(228, 8364)), hex(NULL) FROM t LIMIT 1",
        );
    }
}

#[test]
fn names_beside_zero_are_not_looked_up() {
    let sides = [
        "x.nosuch",
        "nosuch",
        "(SELECT 1 FROM nosuch)",
        "a",
        "abs(nosuch)",
        "nosuch COLLATE nocase",
        "abs(nosuch) COLLATE nocase",
        "nosuch BETWEEN abs(1) AND 2",
        "abs(nosuch) BETWEEN 1 AND 2",
        "nosuch IN (1, abs(2))",
        "nosuch IN ()",
        "abs(nosuch) IN ()",
        "nosuch NOT IN ()",
        "nosuch IN (SELECT abs(1))",
        "nosuch LIKE 'a'",
        "nosuch -> 'a'",
        "CURRENT_DATE > nosuch",
        "count(*) > nosuch",
        "CASE nosuch WHEN 1 THEN 2 END",
        "CASE WHEN 1 THEN abs(nosuch) END",
        "CAST(nosuch AS INT)",
        "NOT nosuch",
        "- nosuch",
        "nosuch IS NULL",
        "EXISTS (SELECT nosuch)",
        "(nosuch, 1) = (1, abs(2))",
        "(abs(nosuch), 1) = (1, 2)",
        "nosuch OR 1",
        "(nosuch OR 1)",
        "(nosuch AND 0)",
        "1 IS NULL",
        "(1 IS NULL)",
        "-+1 ISNULL",
        "~1 IS NULL",
        "NULL IS 'a'",
        "'a' IS NULL",
        "x'' IS NOT DISTINCT FROM NULL",
        "(NULL IS NOT DISTINCT FROM 1.5)",
        "1 IS NOT NULL",
        "NULL IS NULL",
        "nosuch IS NULL",
        "CURRENT_DATE IS NULL",
        "1 + 1 IS NULL",
        "1 COLLATE nocase IS NULL",
        "1 IS NULL = 0",
        "1 IS NULL IS NULL",
        "1 = NULL",
        "(abs(1) AND 0)",
        "nosuch + 1",
        "nosuch COLLATE nosuch",
        "+0",
        "(0)",
        "0x0",
        "0.0",
        "-0",
        "'0'",
        "00",
        "NULL",
    ];
    let mut queries = Vec::new();
    for side in sides {
        for around in [
            "0 AND #",
            "# AND 0",
            "(0) AND #",
            "1 AND # AND 0",
            "# AND 0 AND nosuch",
            "0 AND nosuch AND #",
            "0x0 AND #",
            "nosuch IN () AND #",
            "NOT (0 AND #)",
            "0 OR #",
        ] {
            let sql = around.replace('#', side);
            queries.push(format!("SELECT {sql} FROM t WHERE id < 4 ORDER BY id"));
            queries.push(format!("SELECT count(*) FROM t WHERE {sql}"));
        }
    }
    check(&queries.iter().map(String::as_str).collect::<Vec<_>>());
}
