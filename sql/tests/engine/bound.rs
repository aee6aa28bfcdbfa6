//! INSERT and UPDATE of one row from parameters, as programs bind them: every kind of value into every kind of column, with constraints that let
//! it pass or do not, beside SQLite.

use aludel_sql::value::{Text, Value};

use crate::both::{Both, Outcome};

/// A value of each kind, and those on the edges between kinds.
fn values() -> Vec<Value> {
    let text = |text: &str| Value::Text(Text::from(text));
    vec![
        Value::Null,
        Value::Integer(0),
        Value::Integer(1),
        Value::Integer(-7),
        Value::Integer(1 << 50),
        Value::Integer(i64::MAX),
        Value::Real(0.0),
        Value::Real(-0.0),
        Value::Real(2.0),
        Value::Real(2.5),
        Value::Real(1e300),
        Value::Real(281_474_976_710_655.0),
        text(""),
        text("12"),
        text(" 3.0 "),
        text("1e2"),
        text("née"),
        Value::Blob(Vec::new()),
        Value::Blob(vec![0, 255]),
    ]
}

/// What rowids are asked for.
fn rowids() -> Vec<Value> {
    vec![
        Value::Null,
        Value::Integer(40),
        Value::Integer(3),
        Value::Real(41.0),
        Value::Text(Text::from("42")),
        Value::Real(4.5),
        Value::Integer(1_000_000),
        Value::Null,
    ]
}

/// Tables `t` with columns `id`, `a` and `b`.
const TABLES: [&str; 12] = [
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT)",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a REAL NOT NULL, b NUMERIC)",
    "CREATE TABLE t(a TEXT NOT NULL DEFAULT 'd', b REAL, id INTEGER PRIMARY KEY)",
    "CREATE TABLE t(id, a BLOB, b ANY)",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER CHECK (a <> 1), b TEXT NOT NULL ON CONFLICT IGNORE)",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER NOT NULL ON CONFLICT REPLACE DEFAULT 5, b REAL UNIQUE ON CONFLICT IGNORE)",
    "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a NUMERIC, b TEXT)",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c AS (a || b) STORED, d AS (length(b)))",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b TEXT); ALTER TABLE t ADD COLUMN c INT NOT NULL DEFAULT 9",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT); CREATE INDEX t_a ON t(a)",
    "CREATE TABLE p(k PRIMARY KEY); INSERT INTO p VALUES (1), (12); CREATE TABLE t(id INTEGER PRIMARY KEY, a REFERENCES p, b TEXT)",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT); CREATE TABLE log(x, y);
     CREATE TRIGGER t_b AFTER UPDATE OF b ON t BEGIN INSERT INTO log VALUES (old.b, new.b); END",
];

const STATEMENTS: [&str; 9] = [
    "INSERT INTO t(id, a, b) VALUES (?1, ?2, ?3)",
    "INSERT INTO t(a, b) VALUES (?2, ?3)",
    "INSERT INTO t(b, a) VALUES (?3, 'fixed')",
    "INSERT OR REPLACE INTO t(id, a, b) VALUES (?1, ?2, ?3)",
    "INSERT OR IGNORE INTO t(id, b) VALUES (?1, ?3)",
    "UPDATE t SET a = ?2 WHERE id = ?1",
    "UPDATE t SET b = ?3, a = ?2 WHERE id = ?1",
    "UPDATE OR IGNORE t SET b = ?3, a = 6 WHERE id = ?1",
    "UPDATE t SET b = ?3, a = ?2, id = id WHERE id = ?1",
];

fn run_both(both: &Both, sql: &str, bound: &[Value; 3]) -> (Outcome, Outcome) {
    let ours = || -> aludel_sql::Result<usize> {
        let mut statement = both.ours.prepare_cached(sql)?;
        for (number, value) in bound.iter().enumerate().take(statement.parameter_count()) {
            statement.bind_ref(number + 1, value.as_ref())?;
        }
        statement.execute(())
    };
    let theirs = || -> rusqlite::Result<usize> {
        let mut statement = both.theirs.prepare_cached(sql)?;
        for (number, value) in bound.iter().enumerate().take(statement.parameter_count()) {
            statement.raw_bind_parameter(number + 1, their_value(value))?;
        }
        statement.raw_execute()
    };
    let row = |changes: usize| vec![vec![changes.to_string()]];
    (
        ours()
            .map(row)
            .map_err(|error| (error.to_string(), error.extended_code())),
        theirs().map(row).map_err(|error| match error {
            rusqlite::Error::SqliteFailure(code, message) => {
                (message.unwrap_or_default(), code.extended_code)
            }
            other => (other.to_string(), -1),
        }),
    )
}

fn their_value(value: &Value) -> rusqlite::types::Value {
    match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Integer(integer) => rusqlite::types::Value::Integer(*integer),
        Value::Real(real) => rusqlite::types::Value::Real(*real),
        Value::Text(text) => rusqlite::types::Value::Text(text.to_string()),
        Value::Blob(bytes) => rusqlite::types::Value::Blob(bytes.clone()),
    }
}

fn run_table(schema: &str, encoding: &str) {
    let both = Both::with(&format!(
        "PRAGMA encoding = '{encoding}'; PRAGMA foreign_keys = on; {schema}"
    ));
    let (values, rowids) = (values(), rowids());
    both.check("BEGIN");
    let mut turn = 0;
    for a in &values {
        for b in &values {
            turn += 1;
            let bound = [rowids[turn % rowids.len()].clone(), a.clone(), b.clone()];
            let sql = STATEMENTS[turn % STATEMENTS.len()];
            let (ours, theirs) = run_both(&both, sql, &bound);
            assert_eq!(ours, theirs, "{schema}\n{sql}\n{bound:?}");
            both.check_loosely("SELECT changes(), total_changes()");
            if sql.starts_with("INSERT") && ours.is_ok_and(|rows| rows[0][0] == "1") {
                both.check("SELECT last_insert_rowid()");
            }
        }
        both.check_loosely("SELECT rowid, *, typeof(id), typeof(a), typeof(b) FROM t");
    }
    both.check_loosely("DELETE FROM t WHERE rowid > 1000; COMMIT; SELECT count(*) FROM t");
    both.check_files();
}

#[test]
fn values_of_all_kinds_go_into_columns_of_all_kinds() {
    for schema in TABLES {
        run_table(schema, "UTF-8");
    }
}

#[test]
fn files_in_another_encoding_get_them_converted() {
    for schema in &TABLES[..4] {
        run_table(schema, "UTF-16le");
    }
}

#[test]
fn rows_follow_each_other_and_go_between() {
    let both = Both::with("CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER NOT NULL, b TEXT); BEGIN");
    let insert = "INSERT INTO t(id, a, b) VALUES (?1, ?2, ?3)";
    for n in 0..3000_i64 {
        // Mostly behind all others, now and then in front of them, or where one is.
        let rowid = match n % 50 {
            7 => Value::Integer(-n),
            13 => Value::Integer(n / 2),
            21 => Value::Integer(n * 10),
            _ => Value::Null,
        };
        let bound = [
            rowid,
            Value::Integer(n),
            Value::Text(Text::from("x".repeat(n as usize % 60))),
        ];
        let (ours, theirs) = run_both(&both, insert, &bound);
        assert_eq!(ours, theirs, "{bound:?}");
        if n % 400 == 399 {
            both.check("SAVEPOINT s; DELETE FROM t WHERE id % 3 = 0; SELECT max(id) FROM t; ROLLBACK TO s; RELEASE s");
        }
    }
    let update = "UPDATE t SET b = ?3, a = ?2 WHERE id = ?1";
    for n in 0..3000_i64 {
        // In order, in steps, backwards; values that grow and shrink.
        let rowid = [n, 3000 - n, n * 7 % 3001, n + 9_000_000][(n / 500 % 4) as usize];
        let text = "y".repeat((n as usize * 31 % 90) + usize::from(n % 700 == 0) * 5000);
        let bound = [
            Value::Integer(rowid),
            Value::Integer(n),
            Value::Text(Text::from(text)),
        ];
        let (ours, theirs) = run_both(&both, update, &bound);
        assert_eq!(ours, theirs, "{rowid}");
    }
    both.check("COMMIT; SELECT count(*), sum(a), sum(length(b)) FROM t; SELECT * FROM t WHERE id % 37 = 0");
    both.check_files();
}

#[test]
fn a_program_may_not_write_the_table_of_a_row_that_is_half_changed() {
    let both = Both::with(
        "PRAGMA recursive_triggers = on; CREATE TABLE t(id INTEGER PRIMARY KEY, code UNIQUE, a); CREATE TABLE u(x);
         CREATE TRIGGER gone AFTER DELETE ON t BEGIN UPDATE t SET a = 5 WHERE id = 3; END;
         INSERT INTO t VALUES (1, 'x', 0), (2, 'y', 0), (3, 'z', 0)",
    );
    both.check("UPDATE OR REPLACE t SET code = 'y' WHERE id = 1; SELECT * FROM t; DELETE FROM t WHERE id = 2; SELECT * FROM t");
    both.check_files();
}
