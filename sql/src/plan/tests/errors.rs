//! Statements that SQLite refuses, or takes, and what it says.

use super::World;

const SCHEMA: &str = "
    CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c, d REAL COLLATE NOCASE);
    CREATE TABLE u(a, x, y);
    CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
    CREATE TABLE g(a, b AS (a+1) STORED, c AS (b*2));
    CREATE UNIQUE INDEX ux ON u(x);
    CREATE VIEW v1 AS SELECT a, b FROM t;
    CREATE VIEW v2(p, q) AS SELECT a, b FROM t;
";

fn check(statements: &[&str]) {
    let world = World::new(SCHEMA);
    let mut failures = String::new();
    for sql in statements {
        let (expected, found) = (world.sqlite_message(sql), world.message(sql));
        if expected != found {
            failures.push_str(&format!("{sql}\n  sqlite: {expected}\n  ours:   {found}\n"));
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
fn names() {
    check(&[
        "SELECT a, b, c FROM t",
        "SELECT nope FROM t",
        "SELECT t.nope FROM t",
        "SELECT nope.a FROM t",
        "SELECT main.t.a FROM t",
        "SELECT main.t.nope FROM t",
        "SELECT temp.t.a FROM t",
        "SELECT a FROM t, u",
        "SELECT t.a, u.a FROM t, u",
        "SELECT x.a FROM t AS x",
        "SELECT t.a FROM t AS x",
        "SELECT * FROM nope",
        "SELECT * FROM main.nope",
        "SELECT * FROM nope.t",
        "SELECT nope.* FROM t",
        "SELECT *",
        "SELECT rowid, _rowid_, oid FROM t",
        "SELECT rowid FROM t, u",
        "SELECT t.rowid FROM t, u",
        "SELECT rowid FROM w",
        "SELECT rowid FROM v1",
        "SELECT \"nope\" FROM t",
        "SELECT \"a\" FROM t",
        "SELECT [nope] FROM t",
        "SELECT `nope` FROM t",
        "SELECT true, false, TRUE FROM t",
        "SELECT a AS z FROM t WHERE z > 1 AND zz = 1",
        "SELECT a AS z FROM t WHERE z > 1 GROUP BY z HAVING z > 1 ORDER BY z",
        "SELECT p, q FROM v2",
        "SELECT a FROM v2",
        "SELECT (SELECT t.a) FROM t",
        "SELECT (SELECT u.a) FROM t",
        "SELECT * FROM (SELECT a AS n FROM t) AS s WHERE s.n = 1 AND s.a = 1",
        "SELECT a COLLATE nope = b FROM t",
        "SELECT a COLLATE rtrim FROM t",
    ]);
}

#[test]
fn joins() {
    check(&[
        "SELECT * FROM t JOIN u USING (a)",
        "SELECT a FROM t JOIN u USING (a)",
        "SELECT * FROM t JOIN u USING (b)",
        "SELECT * FROM t NATURAL JOIN u",
        "SELECT a FROM t NATURAL LEFT JOIN u",
        "SELECT a FROM t NATURAL FULL JOIN u",
        "SELECT * FROM t NATURAL JOIN u ON 1",
        "SELECT * FROM t LEFT JOIN u ON t.a = w.k JOIN w",
        "SELECT * FROM t JOIN u ON t.a = w.k JOIN w",
        "SELECT * FROM t JOIN u ON t.a = u.q",
        "SELECT * FROM (t JOIN u USING (a)) JOIN w ON t.b = w.k",
        "SELECT x FROM (t JOIN u USING (a))",
    ]);
}

#[test]
fn aggregates() {
    check(&[
        "SELECT count(*), sum(a) FROM t",
        "SELECT a FROM t WHERE count(*) > 1",
        "SELECT count(*) FROM t WHERE count(*) > 1",
        "SELECT a FROM t GROUP BY count(*)",
        "SELECT a, count(*) FROM t GROUP BY 2",
        "SELECT sum(count(*)) FROM t",
        "SELECT a FROM t HAVING a > 1",
        "SELECT count(*) FROM t HAVING count(*) > 1",
        "SELECT a FROM t ORDER BY count(*)",
        "SELECT count(*) AS n FROM t WHERE n > 1",
        "SELECT a FROM t GROUP BY a ORDER BY count(*)",
        "SELECT sum(a, b) FROM t",
        "SELECT sum() FROM t",
        "SELECT sum(*) FROM t",
        "SELECT count(DISTINCT a, b) FROM t",
        "SELECT count(DISTINCT *) FROM t",
        "SELECT nofunction(1)",
        "SELECT abs(1, 2)",
        "SELECT abs(*)",
        "SELECT abs(a) FILTER (WHERE a > 1) FROM t",
        "SELECT abs(a) OVER () FROM t",
        "SELECT row_number() FROM t",
        "SELECT row_number() OVER w FROM t",
        "SELECT sum(a) OVER (ORDER BY b) FROM t WHERE sum(a) OVER () > 1",
        "SELECT a FROM t GROUP BY sum(a) OVER ()",
        "SELECT sum(sum(a) OVER ()) FROM t",
        "SELECT sum(sum(a)) OVER () FROM t",
        "SELECT (SELECT sum(t.a)) FROM t",
        "SELECT 1 FROM t WHERE (SELECT sum(t.a)) > 1",
        "UPDATE t SET b = count(*)",
        "SELECT likelihood(a, 2) FROM t",
        "SELECT sum(a) OVER (ROWS BETWEEN UNBOUNDED FOLLOWING AND CURRENT ROW) FROM t",
        "SELECT sum(a) OVER (ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM t",
        "SELECT sum(a) OVER (RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
        "SELECT sum(DISTINCT a) OVER () FROM t",
        "SELECT row_number() FILTER (WHERE a > 1) OVER () FROM t",
    ]);
}

#[test]
fn order_and_limits() {
    check(&[
        "SELECT a FROM t ORDER BY 1",
        "SELECT a FROM t ORDER BY 2",
        "SELECT a FROM t ORDER BY 0",
        "SELECT a, b FROM t GROUP BY 3",
        "SELECT a, b FROM t ORDER BY 1, 2, 7",
        "SELECT a FROM t ORDER BY nope",
        "SELECT a FROM t UNION SELECT x FROM u ORDER BY 1",
        "SELECT a FROM t UNION SELECT x FROM u ORDER BY x",
        "SELECT a FROM t UNION SELECT x FROM u ORDER BY a",
        "SELECT a FROM t UNION SELECT x FROM u ORDER BY b",
        "SELECT a FROM t UNION SELECT x FROM u ORDER BY 2",
        "SELECT a+1 FROM t UNION SELECT x FROM u ORDER BY a+1",
        "SELECT a, b FROM t UNION SELECT x FROM u",
        "SELECT a FROM t INTERSECT SELECT x, y FROM u",
        "SELECT a FROM t EXCEPT SELECT x, y FROM u",
        "SELECT a FROM t UNION ALL SELECT x, y FROM u",
        "VALUES (1, 2), (3)",
        "SELECT a FROM t LIMIT a",
        "SELECT a FROM t LIMIT (SELECT 1) OFFSET 2",
    ]);
}

#[test]
fn rows_and_subqueries() {
    check(&[
        "SELECT (a, b) FROM t",
        "SELECT (a, b) = (1, 2) FROM t",
        "SELECT (a, b) = (1, 2, 3) FROM t",
        "SELECT (a, b) = 1 FROM t",
        "SELECT a = (1, 2) FROM t",
        "SELECT (a, b) < (SELECT x, y FROM u) FROM t",
        "SELECT (SELECT a, b FROM t)",
        "SELECT a IN (SELECT x, y FROM u) FROM t",
        "SELECT (a, b) IN (SELECT x, y FROM u) FROM t",
        "SELECT (a, b) IN (SELECT x FROM u) FROM t",
        "SELECT (a, b) IN ((1, 2), (3, 4)) FROM t",
        "SELECT (a, b) IN ((1, 2), (3, 4, 5)) FROM t",
        "SELECT (a, b) IN ((1, 2), 3) FROM t",
        "SELECT a IN u FROM t",
        "SELECT (a, b, c) IN u FROM t",
        "SELECT a IN nope FROM t",
        "SELECT EXISTS (SELECT nope FROM t)",
        "SELECT (a, b) BETWEEN (1, 2) AND (3, 4) FROM t",
        "SELECT CASE (a, b) WHEN (1, 2) THEN 1 END FROM t",
        "SELECT -(a, b) FROM t",
    ]);
}

#[test]
fn common_tables() {
    check(&[
        "WITH c AS (SELECT a FROM t) SELECT * FROM c",
        "WITH c(x, y) AS (SELECT a FROM t) SELECT * FROM c",
        "WITH c AS (SELECT nope FROM t) SELECT 1",
        "WITH c AS (SELECT nope FROM t) SELECT * FROM c",
        "WITH c AS (SELECT 1), c AS (SELECT 2) SELECT * FROM c",
        "WITH c AS (SELECT * FROM c) SELECT * FROM c",
        "WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM a",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5) SELECT * FROM c",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT sum(n) FROM c) SELECT * FROM c",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT c.n FROM c, c AS d) SELECT * FROM c",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT 1 FROM t WHERE a IN (SELECT n FROM c)) SELECT * FROM c",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n FROM c WHERE n IN (SELECT n FROM c)) SELECT * FROM c",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n FROM c, (SELECT n AS m FROM c)) SELECT * FROM c",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT m FROM (SELECT n AS m FROM c)) SELECT * FROM c",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT row_number() OVER () FROM c) SELECT * FROM c",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n, n FROM c) SELECT * FROM c",
        "WITH c AS (SELECT 1 AS z) SELECT z, (SELECT z FROM c) FROM c",
        "WITH c AS MATERIALIZED (SELECT a FROM t), d AS NOT MATERIALIZED (SELECT * FROM c) SELECT * FROM c, d, d AS e",
    ]);
}

#[test]
fn writes() {
    check(&[
        "INSERT INTO t VALUES (1, 2, 3, 4)",
        "INSERT INTO t VALUES (1, 2, 3)",
        "INSERT INTO t(a, b) VALUES (1, 2, 3)",
        "INSERT INTO t(a, nope) VALUES (1, 2)",
        "INSERT INTO main.t(a, nope) VALUES (1, 2)",
        "INSERT INTO t(rowid, b) VALUES (1, 2)",
        "INSERT INTO w(rowid, v) VALUES (1, 2)",
        "INSERT INTO g VALUES (1)",
        "INSERT INTO g(a, b) VALUES (1, 2)",
        "INSERT INTO g VALUES (1, 2, 3)",
        "INSERT INTO t SELECT * FROM u",
        "INSERT INTO t DEFAULT VALUES",
        "INSERT INTO nope VALUES (1)",
        "INSERT INTO v1 VALUES (1, 2)",
        "INSERT INTO sqlite_master VALUES (1, 2, 3, 4, 5)",
        "INSERT INTO u VALUES (1, 2, 3) ON CONFLICT (x) DO NOTHING",
        "INSERT INTO u VALUES (1, 2, 3) ON CONFLICT (y) DO NOTHING",
        "INSERT INTO t VALUES (1, 2, 3, 4) ON CONFLICT (a) DO UPDATE SET b = excluded.b, c = t.c + 1 WHERE t.b > 1",
        "INSERT INTO w VALUES (1, 2) ON CONFLICT (k) DO UPDATE SET v = excluded.v",
        "INSERT INTO u VALUES (1, 2, 3) ON CONFLICT (x) DO UPDATE SET nope = 1",
        "INSERT INTO u VALUES (1, 2, 3) ON CONFLICT (x) DO NOTHING ON CONFLICT (y) DO NOTHING",
        "INSERT INTO t VALUES (1, 2, 3, 4) RETURNING a, b AS z, *",
        "INSERT INTO t VALUES (1, 2, 3, 4) RETURNING nope",
        "INSERT INTO t VALUES (1, 2, 3, a)",
        "UPDATE t SET b = 1, c = a WHERE a = 3",
        "UPDATE t SET nope = 1",
        "UPDATE t SET b = nope",
        "UPDATE t SET (b, c) = (1, 2)",
        "UPDATE t SET (b, c) = (1, 2, 3)",
        "UPDATE t SET (b, c) = (SELECT x, y FROM u)",
        "UPDATE t SET (b, c) = (SELECT x FROM u)",
        "UPDATE t SET (b, c) = 1",
        "UPDATE t SET b = (1, 2)",
        "UPDATE g SET b = 1",
        "UPDATE t SET rowid = 5",
        "UPDATE t SET b = u.x FROM u WHERE u.a = t.a",
        "UPDATE t SET b = u.nope FROM u WHERE u.a = t.a",
        "UPDATE v1 SET a = 1",
        "UPDATE nope SET a = 1",
        "DELETE FROM t WHERE a = 1",
        "DELETE FROM t WHERE nope = 1",
        "DELETE FROM t RETURNING a, nope",
        "DELETE FROM nope",
        "DELETE FROM v1",
        "DELETE FROM sqlite_schema",
        "WITH c AS (SELECT 1 AS z) DELETE FROM t WHERE a IN (SELECT z FROM c)",
    ]);
}
