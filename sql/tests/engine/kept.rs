//! Statements that are kept and used again mean what statements compiled then would mean.

use aludel_sql::Connection;
use aludel_sql::functions::{Arity, Function, FunctionFlags};

use crate::both::Both;
use crate::histories::Random;

/// What moves the ground under statements.
const CHANGES: [&str; 22] = [
    "CREATE TABLE IF NOT EXISTS t(a, b)",
    "DROP TABLE IF EXISTS t",
    "ALTER TABLE t ADD COLUMN c DEFAULT 7",
    "ALTER TABLE t DROP COLUMN c",
    "CREATE TEMP TABLE t AS SELECT 'temporary' AS a, 1 AS b",
    "DROP TABLE IF EXISTS temp.t",
    "CREATE VIEW IF NOT EXISTS v AS SELECT a, count(*) AS n FROM t GROUP BY a",
    "DROP VIEW IF EXISTS v",
    "CREATE INDEX IF NOT EXISTS ta ON t(a)",
    "DROP INDEX IF EXISTS ta",
    "CREATE UNIQUE INDEX IF NOT EXISTS tb ON t(b)",
    "DROP INDEX IF EXISTS tb",
    "CREATE TRIGGER IF NOT EXISTS tr AFTER INSERT ON t WHEN new.a < 100 BEGIN INSERT INTO t VALUES (new.a + 100, new.b); END",
    "DROP TRIGGER IF EXISTS tr",
    "PRAGMA case_sensitive_like = 1",
    "PRAGMA case_sensitive_like = 0",
    "PRAGMA recursive_triggers = 1",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "ATTACH ':memory:' AS other",
    "DETACH other",
];

/// What is run again and again.
const TEXTS: [&str; 14] = [
    "SELECT * FROM t ORDER BY a, b",
    "SELECT a, b FROM t WHERE a > 3 ORDER BY a, b;",
    "SELECT * FROM v ORDER BY 1",
    "SELECT count(*) FROM t WHERE b LIKE 'x%'",
    "SELECT 'a' LIKE 'A'",
    "SELECT max(a) FROM t",
    "INSERT INTO t VALUES (abs(random() % 9), 'X1')",
    "INSERT INTO t(a) VALUES (5) RETURNING *",
    "INSERT OR IGNORE INTO t(a, b) VALUES (6, 'x') RETURNING a + 1; ",
    "UPDATE t SET a = 4 WHERE a <> 4 AND b IS NOT NULL RETURNING a",
    "DELETE FROM t WHERE a = 4",
    "DELETE FROM t WHERE a > 100 RETURNING 1",
    "SELECT name FROM sqlite_schema ORDER BY name",
    "SELECT * FROM other.sqlite_schema",
];

#[test]
fn a_text_means_what_it_means_now() {
    for seed in 0..12 {
        let mut random = Random(seed);
        let both = Both::new();
        let mut history = Vec::new();
        for _ in 0..300 {
            let sql = match random.below(4) {
                0 => random.pick(&CHANGES),
                _ => random.pick(&TEXTS),
            };
            // The one with random values tells nothing of its own.
            let sql = sql.replace("abs(random() % 9)", &random.below(9).to_string());
            history.push(sql.clone());
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| both.check_loosely(&sql)));
            assert!(checked.is_ok(), "seed {seed}: {}", history.join(";\n"));
        }
    }
}

#[test]
fn columns_are_those_of_the_schema_now() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute("CREATE TABLE t(a)", ()).unwrap();
    let names = || {
        let statement = connection.prepare("SELECT * FROM t").unwrap();
        statement.column_names().join(" ")
    };
    for _ in 0..3 {
        assert_eq!(names(), "a");
    }
    connection.execute("ALTER TABLE t ADD COLUMN b", ()).unwrap();
    assert_eq!(names(), "a b");
    connection.execute("DROP TABLE t", ()).unwrap();
    let error = connection.prepare("SELECT * FROM t").unwrap_err();
    assert_eq!(error.to_string(), "no such table: t");
}

#[test]
fn another_connection_may_change_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let sqlite = rusqlite::Connection::open(&path).unwrap();
    sqlite
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)")
        .unwrap();
    let connection = Connection::open(&path).unwrap();
    let row = || {
        connection.query_row("SELECT * FROM t", (), |row| {
            Ok((row.get::<i64>(0)?, row.get::<Option<i64>>(1).ok().flatten()))
        })
    };
    for _ in 0..3 {
        assert_eq!(row().unwrap(), (1, None));
    }
    sqlite
        .execute_batch("ALTER TABLE t ADD COLUMN b DEFAULT 2")
        .unwrap();
    for _ in 0..3 {
        assert_eq!(row().unwrap(), (1, Some(2)));
    }
}

#[test]
fn parameters_rows_and_locks_do_not_stay() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join("x.db")).unwrap();
    connection
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)")
        .unwrap();
    let sql = "SELECT a, ?1 FROM t";
    for _ in 0..3 {
        let mut statement = connection.prepare(sql).unwrap();
        assert!(statement.step().unwrap());
        assert_eq!(
            statement.get::<Option<i64>>(1).unwrap(),
            None,
            "the parameter of the run before"
        );
        statement.reset();
        statement.bind(1, 5).unwrap();
        // It is dropped in the middle of its rows.
        assert!(statement.step().unwrap());
    }
    let other = rusqlite::Connection::open(folder.path().join("x.db")).unwrap();
    other.execute_batch("INSERT INTO t VALUES (4)").unwrap();
    for expected in 5..8 {
        let returned: Vec<i64> = connection
            .prepare("INSERT INTO t VALUES (?1) RETURNING a")
            .unwrap()
            .query_map((expected,), |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(returned, [expected]);
    }
}

#[test]
fn one_text_can_be_open_twice() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)")
        .unwrap();
    let sql = "SELECT a FROM t ORDER BY a";
    for _ in 0..3 {
        let mut outer = connection.prepare(sql).unwrap();
        let mut sums = Vec::new();
        while outer.step().unwrap() {
            let mut inner = connection.prepare(sql).unwrap();
            let mut sum = outer.get::<i64>(0).unwrap() * 100;
            while inner.step().unwrap() {
                sum += inner.get::<i64>(0).unwrap();
            }
            sums.push(sum);
        }
        assert_eq!(sums, [106, 206, 306]);
    }
}

#[test]
fn a_function_that_is_registered_again_is_the_new_one() {
    let connection = Connection::open_in_memory().unwrap();
    let register = |value: i64| {
        let function = Function::scalar(
            "f",
            Arity::Exact(0),
            FunctionFlags::default(),
            move |_, _, out| {
                out.integer(value);
                Ok(())
            },
        );
        connection.register_function(function).unwrap();
    };
    let call = || connection.query_row("SELECT f()", (), |row| row.get::<i64>(0));
    register(1);
    for _ in 0..3 {
        assert_eq!(call().unwrap(), 1);
    }
    register(2);
    assert_eq!(call().unwrap(), 2);
    connection.unregister_function("f", Arity::Exact(0)).unwrap();
    assert_eq!(call().unwrap_err().to_string(), "no such function: f");
}

#[test]
fn more_than_one_statement_is_refused_each_time() {
    let connection = Connection::open_in_memory().unwrap();
    for _ in 0..3 {
        assert_eq!(connection.execute("SELECT 1; \n", ()).unwrap(), 0);
        assert!(connection.execute("SELECT 1; SELECT 2", ()).is_err());
        let statement = connection.prepare("SELECT 1; SELECT 2").unwrap();
        assert_eq!((statement.sql(), statement.tail()), ("SELECT 1;", 9));
    }
}
