//! The preupdate hook tells what SQLite's tells. What is expected was recorded from SQLite 3.54.1; rusqlite has the hook only where bindings are made
//! anew.

use std::io::Write;
use std::sync::{Arc, Mutex};

use aludel_sql::value::ValueRef;
use aludel_sql::{Connection, RowAction, RowChange};

const SCHEMA: &str = "
    CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE, c REAL DEFAULT 1.5);
    CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;
    CREATE TABLE log(x);
    CREATE TABLE child(p REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE);
    PRAGMA foreign_keys = on;
    CREATE TABLE many(a, b);
    CREATE INDEX i ON many(b);
    ATTACH ':memory:' AS aux;
    CREATE TABLE aux.t2(a);
    CREATE TABLE au(a INTEGER PRIMARY KEY AUTOINCREMENT);
    CREATE TRIGGER tr AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (old.a); END;
";

/// Statements, and what is told of each: what is done, to which table, rowids before and after, the row before and after, how deep.
const TOLD: &[(&str, &[&str])] = &[
    (
        "INSERT INTO t VALUES (5, 'x', 1), (7, 'y', 2)",
        &[
            "insert main.t 5 5 - (5, x, 1.0) depth 0",
            "insert main.t 7 7 - (7, y, 2.0) depth 0",
        ],
    ),
    (
        "INSERT INTO child VALUES (5), (7)",
        &[
            "insert main.child 1 1 - (5) depth 0",
            "insert main.child 2 2 - (7) depth 0",
        ],
    ),
    (
        "UPDATE t SET c = 9",
        &[
            "update main.t 5 5 (5, x, 1.0) (5, x, 9.0) depth 0",
            "insert main.log 1 1 - (5) depth 1",
            "update main.t 7 7 (7, y, 2.0) (7, y, 9.0) depth 0",
            "insert main.log 2 2 - (7) depth 1",
        ],
    ),
    (
        "UPDATE t SET a = 6 WHERE a = 5",
        &[
            "update main.t 5 6 (5, x, 9.0) (6, x, 9.0) depth 0",
            "update main.child 1 1 (5) (6) depth 1",
            "insert main.log 3 3 - (5) depth 1",
        ],
    ),
    (
        "INSERT OR REPLACE INTO t VALUES (6, 'y', 3)",
        &[
            "delete main.t 6 6 (6, x, 9.0) - depth 0",
            "delete main.child 1 1 (6) - depth 1",
            "delete main.t 7 7 (7, y, 9.0) - depth 0",
            "delete main.child 2 2 (7) - depth 1",
            "insert main.t 6 6 - (6, y, 3.0) depth 0",
        ],
    ),
    ("INSERT OR IGNORE INTO t VALUES (6, 'q', 3)", &[]),
    (
        "INSERT INTO t VALUES (6, 'q', 3) ON CONFLICT DO UPDATE SET c = 10",
        &[
            "update main.t 6 6 (6, y, 3.0) (6, y, 10.0) depth 0",
            "insert main.log 4 4 - (6) depth 1",
        ],
    ),
    (
        "UPDATE OR REPLACE t SET b = 'z'",
        &[
            "update main.t 6 6 (6, y, 10.0) (6, z, 10.0) depth 0",
            "insert main.log 5 5 - (6) depth 1",
        ],
    ),
    (
        "INSERT INTO w VALUES (1, 2), (2, 3)",
        &[
            "insert main.w 0 0 - (1, 2) depth 0",
            "insert main.w 0 0 - (2, 3) depth 0",
        ],
    ),
    (
        "REPLACE INTO w VALUES (1, 5)",
        &[
            "delete main.w 0 0 (1, 2) - depth 0",
            "insert main.w 0 0 - (1, 5) depth 0",
        ],
    ),
    (
        "UPDATE w SET v = 7 WHERE k = 1",
        &["update main.w 0 0 (1, 5) (1, 7) depth 0"],
    ),
    (
        "UPDATE w SET k = 9 WHERE k = 1",
        &["update main.w 0 0 (1, 7) (9, 7) depth 0"],
    ),
    (
        "DELETE FROM w WHERE k = 9",
        &["delete main.w 0 0 (9, 7) - depth 0"],
    ),
    ("DELETE FROM w", &["delete main.w 0 0 (2, 3) - depth 0"]),
    (
        "INSERT INTO aux.t2 VALUES (1), (2)",
        &[
            "insert aux.t2 1 1 - (1) depth 0",
            "insert aux.t2 2 2 - (2) depth 0",
        ],
    ),
    (
        "DELETE FROM aux.t2",
        &[
            "delete aux.t2 1 1 (1) - depth 0",
            "delete aux.t2 2 2 (2) - depth 0",
        ],
    ),
    (
        "INSERT INTO au DEFAULT VALUES",
        &["insert main.au 1 1 - (1) depth 0"],
    ),
    (
        "UPDATE sqlite_sequence SET seq = 5",
        &["update main.sqlite_sequence 1 1 (au, 1) (au, 5) depth 0"],
    ),
    (
        "INSERT INTO many VALUES (1, 2), (2, x'ff'), (3, NULL)",
        &[
            "insert main.many 1 1 - (1, 2) depth 0",
            "insert main.many 2 2 - (2, x'ff') depth 0",
            "insert main.many 3 3 - (3, NULL) depth 0",
        ],
    ),
    (
        "REPLACE INTO many(rowid, a, b) VALUES (1, 'n', 'm')",
        &[
            "delete main.many 1 1 (1, 2) - depth 0",
            "insert main.many 1 1 - (n, m) depth 0",
        ],
    ),
    (
        "UPDATE many SET b = a",
        &[
            "update main.many 1 1 (n, m) (n, n) depth 0",
            "update main.many 2 2 (2, x'ff') (2, 2) depth 0",
            "update main.many 3 3 (3, NULL) (3, 3) depth 0",
        ],
    ),
    (
        "UPDATE many SET a = a WHERE rowid = 2",
        &["update main.many 2 2 (2, 2) (2, 2) depth 0"],
    ),
    (
        "UPDATE many SET rowid = rowid + 100 WHERE a = 2",
        &["update main.many 2 102 (2, 2) (2, 2) depth 0"],
    ),
    (
        "DELETE FROM many WHERE b = 3",
        &["delete main.many 3 3 (3, 3) - depth 0"],
    ),
    (
        "DELETE FROM many WHERE rowid = 1",
        &["delete main.many 1 1 (n, n) - depth 0"],
    ),
    (
        "DELETE FROM t WHERE a = 6",
        &["delete main.t 6 6 (6, z, 10.0) - depth 0"],
    ),
    ("DELETE FROM many", &["delete main.many 102 102 (2, 2) - depth 0"]),
    ("CREATE TABLE later AS SELECT 1 AS one", &[]),
    ("ALTER TABLE later ADD COLUMN two", &[]),
    ("DROP TABLE later", &[]),
];

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(integer) => integer.to_string(),
        ValueRef::Real(real) => format!("{real:?}"),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(blob) => format!(
            "x'{}'",
            blob.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        ),
    }
}

fn line(change: &RowChange<'_>) -> String {
    let action = match change.action() {
        RowAction::Insert => "insert",
        RowAction::Update => "update",
        RowAction::Delete => "delete",
    };
    let row = |value: &dyn Fn(usize) -> Option<String>| {
        let values: Option<Vec<String>> = (0..change.column_count()).map(value).collect();
        values.map_or("-".to_owned(), |values| format!("({})", values.join(", ")))
    };
    let (old, new) = (
        change.old_rowid().or(change.new_rowid()),
        change.new_rowid().or(change.old_rowid()),
    );
    format!(
        "{action} {}.{} {} {} {} {} depth {}",
        change.database(),
        change.table(),
        old.unwrap_or(0),
        new.unwrap_or(0),
        row(&|column| change.old_value(column).map(shown)),
        row(&|column| change.new_value(column).map(shown)),
        change.depth(),
    )
}

type Log = Arc<Mutex<Vec<String>>>;

fn watch(connection: &Connection) -> Log {
    let log = Log::default();
    let own = Arc::clone(&log);
    let told = move |change: &RowChange<'_>| own.lock().unwrap().push(line(change));
    connection.preupdate_hook(Some(told)).unwrap();
    log
}

#[test]
fn changes_are_told_as_sqlite_tells_them() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    let mut early = connection.prepare("UPDATE log SET x = x + 1").unwrap();
    let log = watch(&connection);
    let mut wrong = String::new();
    for (sql, expected) in TOLD {
        connection.execute_batch(sql).unwrap();
        let told = std::mem::take(&mut *log.lock().unwrap());
        if told != *expected {
            wrong += &format!(
                "{sql}\n  {}\n  expected\n  {}\n",
                told.join("\n  "),
                expected.join("\n  ")
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    // What was prepared before there was a hook tells too; without it nothing does.
    let changed = early.execute(()).unwrap();
    assert_eq!(log.lock().unwrap().len(), changed);
    connection.preupdate_hook(None::<fn(&RowChange<'_>)>).unwrap();
    early.execute(()).unwrap();
    assert_eq!(log.lock().unwrap().len(), changed);
}

/// A schema without triggers and foreign keys: nothing but the hooks keeps an UPDATE from changing columns where they lie.
#[test]
fn hooks_are_told_where_nothing_else_watches() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (3, 4)")
        .unwrap();
    let rows = Arc::new(Mutex::new(0));
    let count = Arc::clone(&rows);
    let told = move |_: RowAction, _: &str, _: &str, _: i64| *count.lock().unwrap() += 1;
    connection.update_hook(Some(told)).unwrap();
    connection.execute("UPDATE t SET b = b + 1", ()).unwrap();
    assert_eq!(*rows.lock().unwrap(), 2);
    connection
        .update_hook(None::<fn(RowAction, &str, &str, i64)>)
        .unwrap();
    let log = watch(&connection);
    connection
        .execute_batch("UPDATE t SET b = b + 1; DELETE FROM t WHERE a = 1; DELETE FROM t")
        .unwrap();
    assert_eq!(
        *log.lock().unwrap(),
        [
            "update main.t 1 1 (1, 3) (1, 4) depth 0",
            "update main.t 2 2 (3, 5) (3, 6) depth 0",
            "delete main.t 1 1 (1, 4) - depth 0",
            "delete main.t 2 2 (3, 6) - depth 0",
        ]
    );
}

/// Generated columns are there as the table has them; bytes that are written in place are told as a deletion with the column's number.
#[test]
fn generated_columns_and_blobs_are_told() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch("CREATE TABLE g(a, b AS (a * 2), c AS (a + 1) STORED); CREATE TABLE bl(a, b); INSERT INTO bl VALUES (1, zeroblob(4))")
        .unwrap();
    let log = watch(&connection);
    connection
        .execute_batch("INSERT INTO g(a) VALUES (1); UPDATE g SET a = 5; DELETE FROM g")
        .unwrap();
    assert_eq!(
        *log.lock().unwrap(),
        [
            "insert main.g 1 1 - (1, 2, 2) depth 0",
            "update main.g 1 1 (1, 2, 2) (5, 10, 6) depth 0",
            "delete main.g 1 1 (5, 10, 6) - depth 0",
        ]
    );
    log.lock().unwrap().clear();
    let columns = Arc::new(Mutex::new(Vec::new()));
    let (own, seen) = (Arc::clone(&log), Arc::clone(&columns));
    connection
        .preupdate_hook(Some(move |change: &RowChange<'_>| {
            own.lock().unwrap().push(line(change));
            seen.lock().unwrap().push(change.blob_column());
        }))
        .unwrap();
    let mut blob = connection.blob_open("main", "bl", "b", 1, true).unwrap();
    blob.write_all(b"ab").unwrap();
    blob.close().unwrap();
    assert_eq!(
        *log.lock().unwrap(),
        ["delete main.bl 1 1 (1, x'00000000') - depth 0"]
    );
    assert_eq!(*columns.lock().unwrap(), [Some(1)]);
}
