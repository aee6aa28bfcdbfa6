//! Texts that differ in constants only share a statement, and nobody can tell.

use aludel_sql::value::{Value, ValueRef};
use aludel_sql::{Connection, Limit};

use crate::both::Both;
use crate::histories::Random;

const SCHEMA: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, n INT, r REAL, CHECK (n IS NULL OR n < 900));
    CREATE TABLE u(x, y TEXT UNIQUE);
    CREATE TABLE log(what, id);
    CREATE INDEX tn ON t(n)";

/// What moves the ground under statements.
const CHANGES: [&str; 14] = [
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "DROP TABLE IF EXISTS u",
    "CREATE TABLE IF NOT EXISTS u(x, y TEXT UNIQUE)",
    "ALTER TABLE u ADD COLUMN z DEFAULT 'new'",
    "CREATE TEMP TABLE IF NOT EXISTS u(x INTEGER PRIMARY KEY, y)",
    "DROP TABLE IF EXISTS temp.u",
    "CREATE TRIGGER IF NOT EXISTS watch AFTER UPDATE ON t BEGIN INSERT INTO log VALUES ('t', old.id); END",
    "DROP TRIGGER IF EXISTS watch",
    "CREATE INDEX IF NOT EXISTS ta ON t(a)",
    "DROP INDEX IF EXISTS ta",
    "DELETE FROM t WHERE id > 30",
    "PRAGMA user_version = 3",
];

/// What is asked and told over and over; `#` is a constant.
const SHAPES: [&str; 22] = [
    "SELECT a, n FROM t WHERE id = #",
    "SELECT * FROM t WHERE rowid=#",
    "SELECT a FROM t WHERE id = # AND n > #",
    "SELECT a FROM t WHERE id = # AND a = # AND r <> -#",
    "SELECT id AS i FROM t AS q WHERE q.id = #;",
    "SELECT # + n FROM t WHERE id = #",
    "INSERT INTO t(id, a, n) VALUES (#, #, #)",
    "INSERT INTO t VALUES (#, #, -#, #)",
    "INSERT INTO t(n, a) VALUES (#, #), (#, #), (NULL, #) ; ",
    "INSERT OR REPLACE INTO t(id, n) VALUES (#, #)",
    "INSERT OR IGNORE INTO u VALUES (#, #)",
    "INSERT INTO u(y, x) VALUES (#, - #)",
    "INSERT INTO t(n) VALUES (#) RETURNING id, n",
    "UPDATE t SET n = # WHERE id = #",
    "UPDATE t SET n = #, a = # WHERE id = # AND n < #",
    "UPDATE t SET r = # WHERE id = # /* # */",
    "UPDATE OR IGNORE u SET y = # WHERE rowid = #",
    "UPDATE t SET id = # WHERE id = #",
    "DELETE FROM t WHERE id = #",
    "DELETE FROM t WHERE id = # AND n = # -- #;",
    "DELETE FROM u WHERE rowid = #",
    "SELECT count(*) FROM log WHERE id < #",
];

fn constant(random: &mut Random) -> String {
    match random.below(16) {
        0 => "NULL".to_owned(),
        1 => "'x'".to_owned(),
        2 => "'X'".to_owned(),
        3 => format!("'it''s {}'", random.below(3)),
        4 => "''".to_owned(),
        5 => format!("'{}'", random.below(20)),
        6 => format!("{}.5", random.below(20)),
        7 => "1234567890123456789".to_owned(),
        8 => "1234567890123456789012".to_owned(),
        9 => "0x1f".to_owned(),
        10 => format!("00{}", random.below(20)),
        11 => "1000".to_owned(),
        _ => random.below(20).to_string(),
    }
}

fn text(random: &mut Random) -> String {
    let shape = random.pick(&SHAPES);
    let mut parts = shape.split('#');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(&constant(random));
        text.push_str(part);
    }
    text
}

#[test]
fn they_do_what_each_would_do_alone() {
    for seed in 0..8 {
        println!("seed {seed}");
        let mut random = Random(seed);
        let both = Both::with(SCHEMA);
        for _ in 0..600 {
            let sql = match random.below(12) {
                0 => random.pick(&CHANGES).to_owned(),
                1 => "SELECT * FROM t ORDER BY id".to_owned(),
                _ => text(&mut random),
            };
            // The messages of errors are compared where the statements are: a comment may hold what splits a text.
            match sql.contains("--") {
                true => both.check_loosely(&sql),
                false => both.check(&sql),
            }
        }
        both.check("SELECT * FROM t ORDER BY id");
    }
}

#[test]
fn scripts_go_on_after_their_semicolons() {
    let mut random = Random(7);
    let both = Both::with(SCHEMA);
    let mut script = String::new();
    for number in 0..300 {
        let (a, n) = (random.below(1000), random.below(50));
        script.push_str(&format!(
            "INSERT INTO t(id, a, n) VALUES({number},'a;{a}',{n});\n"
        ));
        if number % 3 == 0 {
            script.push_str(&format!("UPDATE t SET n = -{n} WHERE id = {};", number / 2));
        }
        if number % 7 == 0 {
            script.push_str(&format!("DELETE FROM t WHERE id = {} -- ;\n;", number / 3));
        }
    }
    both.ours.execute_batch(&script).unwrap();
    both.theirs.execute_batch(&script).unwrap();
    both.check("SELECT * FROM t ORDER BY id");
    both.check("SELECT count(*), sum(n) FROM t INDEXED BY tn WHERE n < 20");
}

fn one(connection: &Connection) -> i64 {
    connection
        .query_row("SELECT sum(n) FROM t", (), |row| row.get(0))
        .unwrap()
}

fn filled() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    for id in 1..=9 {
        let sql = format!("INSERT INTO t(id, a, n) VALUES ({id}, 'row {id}', {id})");
        connection.execute(&sql, ()).unwrap();
    }
    connection
}

#[test]
fn a_statement_shows_its_own_text_and_parameters() {
    let connection = filled();
    for id in [3, 4, 117] {
        let sql = format!("SELECT a FROM t WHERE id = {id} AND n < ?1 AND a <> :name;");
        let mut statement = connection.prepare(&sql).unwrap();
        assert_eq!(statement.sql(), sql);
        assert_eq!(statement.tail(), sql.len());
        assert_eq!(statement.parameter_count(), 2);
        assert_eq!(statement.parameter_name(2), Some(":name"));
        assert_eq!(
            statement.expanded_sql(),
            sql.replace("?1", "NULL").replace(":name", "NULL")
        );
        assert!(!statement.step().unwrap(), "nothing is bound");
        assert!(statement.bind(3, 1).is_err(), "constants cannot be bound");
        assert!(statement.bind_all([ValueRef::Null; 3]).is_err());
        statement.reset();
        statement.bind(1, 100).unwrap();
        statement.bind(2, "none").unwrap();
        assert_eq!(statement.step().unwrap(), id < 10);
        statement.reset();
        statement.clear_bindings();
        assert!(!statement.step().unwrap());
        statement
            .bind_all([ValueRef::Integer(100), ValueRef::Text(b"")])
            .unwrap();
        assert_eq!(statement.step().unwrap(), id < 10);
    }
}

#[test]
fn statements_of_one_shape_are_apart() {
    let connection = filled();
    let mut rows = Vec::new();
    let mut open: Vec<_> = (1..=9)
        .map(|id| {
            connection
                .prepare(&format!("SELECT n FROM t WHERE id = {id}"))
                .unwrap()
        })
        .collect();
    for statement in &mut open {
        assert!(statement.step().unwrap());
    }
    for statement in &open {
        rows.push(statement.get::<i64>(0).unwrap());
    }
    assert_eq!(rows, (1..=9).collect::<Vec<_>>());
    drop(open);
    for id in 1..=9 {
        let n: i64 = connection
            .query_row(&format!("SELECT n FROM t WHERE id = {id}"), (), |row| row.get(0))
            .unwrap();
        assert_eq!(n, id);
    }
}

#[test]
fn a_kept_statement_follows_the_schema() {
    let connection = filled();
    let read = |id: i64| -> Vec<Value> {
        let mut statement = connection
            .prepare(&format!("SELECT * FROM t WHERE id = {id}"))
            .unwrap();
        assert!(statement.step().unwrap());
        (0..statement.column_count())
            .map(|column| statement.value(column).into())
            .collect()
    };
    assert_eq!(read(1).len(), 4);
    assert_eq!(read(2).len(), 4);
    connection
        .execute_batch("ALTER TABLE t ADD COLUMN z DEFAULT 5")
        .unwrap();
    assert_eq!(read(3).last(), Some(&Value::Integer(5)));
    // One that is open while the schema moves is compiled anew, with its own constant.
    let mut open = connection.prepare("SELECT * FROM t WHERE id = 4").unwrap();
    connection
        .execute_batch("ALTER TABLE t ADD COLUMN zz DEFAULT 6")
        .unwrap();
    assert!(open.step().unwrap());
    assert_eq!((open.get::<i64>(0).unwrap(), open.get::<i64>(5).unwrap()), (4, 6));
    drop(open);
    assert_eq!(read(5).first(), Some(&Value::Integer(5)));
    connection
        .execute_batch("DROP TABLE t; CREATE VIEW t AS SELECT 8 AS id")
        .unwrap();
    assert_eq!(read(8), [Value::Integer(8)]);
}

#[test]
fn limits_and_capacity_hold() {
    let connection = filled();
    let update = |n: i64| connection.execute(&format!("UPDATE t SET n = {n} WHERE id = 1"), ());
    let before = one(&connection);
    assert_eq!(update(2).unwrap(), 1);
    assert_eq!(update(3).unwrap(), 1);
    assert_eq!(one(&connection), before + 2);
    connection.set_limit(Limit::SqlLength, 32).unwrap();
    assert_eq!(update(4).unwrap(), 1);
    assert!(update(500).is_err(), "a longer text than allowed");
    connection.set_limit(Limit::SqlLength, i32::MAX).unwrap();
    connection.set_limit(Limit::Length, 40).unwrap();
    let text = |length: usize| {
        let long = "x".repeat(length);
        connection.execute(&format!("UPDATE t SET a = '{long}' WHERE id = 1"), ())
    };
    assert!(text(3).is_ok() && text(5).is_ok());
    assert!(text(50).is_err());
    connection.set_limit(Limit::Length, i32::MAX).unwrap();
    connection.set_prepared_statement_cache_capacity(0).unwrap();
    assert!(update(6).is_ok() && update(7).is_ok());
    connection.set_prepared_statement_cache_capacity(2).unwrap();
    for round in 0..4 {
        for column in ["n", "r", "a"] {
            let sql = format!("UPDATE t SET {column} = {round} WHERE id = 2");
            assert_eq!(connection.execute(&sql, ()).unwrap(), 1);
        }
    }
    connection.flush_prepared_statement_cache().unwrap();
    let row = connection.query_row("SELECT n, r, a FROM t WHERE id = 2", (), |row| {
        Ok((row.get::<i64>(0)?, row.get::<f64>(1)?, row.get::<String>(2)?))
    });
    assert_eq!(row.unwrap(), (3, 3.0, "3".to_owned()));
}

#[test]
fn long_texts_and_many_constants_are_compiled() {
    let connection = filled();
    let before = one(&connection);
    for rows in [20_usize, 40, 40, 3000, 3000] {
        let values: Vec<String> = (0..rows).map(|n| format!("({}, 'b')", n % 100)).collect();
        let sql = format!("INSERT INTO t(n, a) VALUES {}", values.join(", "));
        assert_eq!(connection.execute(&sql, ()).unwrap(), rows);
        connection
            .execute(&format!("DELETE FROM t WHERE a = 'b' AND n <> {rows}"), ())
            .unwrap();
        assert_eq!(one(&connection), before);
    }
}
