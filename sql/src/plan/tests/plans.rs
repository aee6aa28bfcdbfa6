//! EXPLAIN QUERY PLAN in SQLite's words, where the plan has SQLite's shape.

use super::World;

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
";

fn check(statements: &[&str]) {
    check_in(SCHEMA, statements);
}

fn check_in(schema: &str, statements: &[&str]) {
    let world = World::new(schema);
    let mut failures = String::new();
    for sql in statements {
        let (expected, found) = (world.sqlite_plan(sql), world.plan(sql));
        if expected != found {
            failures.push_str(&format!("{sql}\n--- sqlite\n{expected}--- ours\n{found}\n"));
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// Paths keep a few equalities in place, and more of them elsewhere.
#[test]
fn an_index_of_many_columns() {
    let schema = "
        CREATE TABLE wide(a, b, c, d, e, f, g, h);
        CREATE UNIQUE INDEX wide_all ON wide(a, b, c, d, e, f, g);
        CREATE TABLE key(a, b, c, d, e, f, PRIMARY KEY(a, b, c, d, e, f)) WITHOUT ROWID;
    ";
    check_in(
        schema,
        &[
            "SELECT h FROM wide WHERE a = 1 AND b = 2 AND c = 3 AND d = 4",
            "SELECT h FROM wide WHERE a = 1 AND b = 2 AND c = 3 AND d = 4 AND e = 5",
            "SELECT h FROM wide WHERE a = 1 AND b = 2 AND c = 3 AND d = 4 AND e = 5 AND f > 6",
            "SELECT h FROM wide WHERE g = 7 AND f = 6 AND e = 5 AND d = 4 AND c = 3 AND b = 2 AND a = 1",
            "SELECT h FROM wide WHERE a = 1 AND b = 2 AND c = 3 AND d = 4 AND e = 5 AND f = 6 ORDER BY g",
            "SELECT * FROM key WHERE a = 1 AND b = 2 AND c = 3 AND d = 4 AND e = 5 AND f = 6",
        ],
    );
}

#[test]
fn one_table() {
    check(&[
        "SELECT * FROM t",
        "SELECT * FROM t WHERE id = 5",
        "SELECT * FROM t WHERE id > 5 AND id < 10",
        "SELECT * FROM t WHERE id BETWEEN ? AND ?",
        "SELECT * FROM t WHERE id IN (1, 2, 3)",
        "SELECT * FROM t WHERE rowid = ?",
        "SELECT * FROM t WHERE a = 5",
        "SELECT a, b FROM t WHERE a = 5",
        "SELECT a FROM t WHERE a = 5",
        "SELECT * FROM t WHERE a = 5 AND b > 'x'",
        "SELECT * FROM t WHERE a = 5 AND b > 'x' AND b <= 'y'",
        "SELECT * FROM t WHERE a > 5",
        "SELECT * FROM t WHERE a IN (1, 2) AND b = 'x'",
        "SELECT * FROM t WHERE a IS NULL",
        "SELECT * FROM t WHERE a IS ?",
        "SELECT * FROM t WHERE +a = 5",
        "SELECT * FROM t WHERE a = 5 OR d = 7.0",
        "SELECT * FROM t WHERE a = 5 OR e = 7",
        "SELECT * FROM t WHERE b = 'x'",
        "SELECT * FROM t WHERE c = 'x'",
        "SELECT * FROM t WHERE c = 'x' COLLATE BINARY",
        "SELECT * FROM t WHERE c LIKE 'abc%'",
        "SELECT * FROM t WHERE c LIKE '%abc'",
        "SELECT * FROM t WHERE b GLOB 'abc*' AND a = 4",
        "SELECT * FROM t WHERE d = 5",
        "SELECT * FROM t WHERE d < 5",
        "SELECT * FROM t WHERE lower(b) = 'x'",
        "SELECT * FROM t WHERE e = 5",
        "SELECT * FROM t WHERE e = 5 AND d > 5",
        "SELECT * FROM t INDEXED BY t_ab WHERE a = 5",
        "SELECT * FROM t NOT INDEXED WHERE a = 5",
        "SELECT * FROM u WHERE k = 'x'",
        "SELECT * FROM u WHERE v = 5",
        "SELECT k, v FROM u WHERE v = 5",
        "SELECT * FROM p WHERE name = 'x'",
        "SELECT 1",
        "VALUES (1), (2)",
    ]);
}

#[test]
fn order() {
    check(&[
        "SELECT * FROM t ORDER BY id",
        "SELECT * FROM t ORDER BY id DESC",
        "SELECT * FROM t ORDER BY a",
        "SELECT * FROM t ORDER BY a DESC, b DESC",
        "SELECT * FROM t ORDER BY a, b DESC",
        "SELECT * FROM t ORDER BY e",
        "SELECT * FROM t WHERE a = 5 ORDER BY b",
        "SELECT * FROM t WHERE a = 5 ORDER BY id",
        "SELECT * FROM t WHERE id = 5 ORDER BY e",
        "SELECT * FROM t ORDER BY d DESC",
        "SELECT * FROM t ORDER BY d",
        "SELECT * FROM t ORDER BY c",
        "SELECT * FROM t ORDER BY c COLLATE BINARY",
        "SELECT * FROM t ORDER BY a, e",
        "SELECT * FROM t ORDER BY b LIMIT 5",
        "SELECT * FROM u ORDER BY k",
        "SELECT * FROM u ORDER BY v",
        "SELECT a FROM t ORDER BY 1",
        "SELECT a AS z FROM t ORDER BY z",
    ]);
}

#[test]
fn joins() {
    check(&[
        "SELECT * FROM t JOIN p ON p.t_id = t.id",
        "SELECT * FROM t, p WHERE p.t_id = t.id AND t.a = 5",
        "SELECT * FROM t, p WHERE p.t_id = t.id AND p.id = 5",
        "SELECT * FROM t LEFT JOIN p ON p.t_id = t.id",
        "SELECT * FROM t LEFT JOIN p ON p.t_id = t.id WHERE t.a = 5",
        "SELECT * FROM t CROSS JOIN p ON p.t_id = t.id",
        "SELECT * FROM p CROSS JOIN t ON p.t_id = t.id",
        "SELECT * FROM t, p, u WHERE p.t_id = t.id AND u.v = p.id AND t.a = 5",
        "SELECT * FROM p, t WHERE p.t_id = t.id AND t.b = 'x' ORDER BY t.id",
        "SELECT * FROM t WHERE id IN (SELECT t_id FROM p WHERE x = 1)",
        "SELECT (SELECT name FROM p WHERE p.t_id = t.id) FROM t",
        "SELECT * FROM t WHERE a = (SELECT max(v) FROM u)",
        "SELECT min(a) FROM t",
        "SELECT max(id) FROM t",
        "SELECT max(b) FROM t WHERE a = 3",
        "SELECT count(*) FROM t GROUP BY e",
        "SELECT DISTINCT e FROM t",
        "SELECT x FROM bare UNION ALL SELECT a FROM t",
        "DELETE FROM t WHERE a = 5",
        "UPDATE t SET b = 1 WHERE id = 5",
        "INSERT INTO bare SELECT a, b, c FROM t WHERE a = 5",
    ]);
}
