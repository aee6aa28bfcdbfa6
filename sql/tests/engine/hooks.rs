//! Hooks, and transactions as values: what happens, and how often, is what happens with SQLite's.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aludel_sql::{
    CheckpointKind, Comparison, Connection, DropBehavior, Error, RowAction, TransactionBehavior,
};

fn count(connection: &Connection) -> i64 {
    connection
        .query_row("SELECT count(*) FROM t", (), |row| row.get(0))
        .unwrap()
}

fn with_table() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute("CREATE TABLE t(a UNIQUE)", ()).unwrap();
    connection
}

#[test]
fn commits_and_rollbacks_are_told_as_sqlite_tells_them() {
    let script = [
        "CREATE TABLE t(a UNIQUE)",
        "INSERT INTO t VALUES (1)",
        "SELECT * FROM t",
        "BEGIN",
        "COMMIT",
        "BEGIN",
        "INSERT INTO t VALUES (2)",
        "ROLLBACK",
        "BEGIN",
        "ROLLBACK",
        "BEGIN",
        "INSERT INTO t VALUES (3)",
        "INSERT INTO t VALUES (3)",
        "COMMIT",
        "INSERT INTO t VALUES (3)",
        "BEGIN",
        "INSERT OR ROLLBACK INTO t VALUES (3)",
        "SAVEPOINT s",
        "INSERT INTO t VALUES (4)",
        "ROLLBACK TO s",
        "RELEASE s",
        "UPDATE t SET a = a + 10",
        "INSERT OR FAIL INTO t VALUES (50), (50)",
        "DELETE FROM t WHERE a = 99",
        "PRAGMA user_version = 5",
        "DROP TABLE t",
    ];
    for refuses in [false, true] {
        let (ours, theirs) = (
            Arc::new(Mutex::new(String::new())),
            Arc::new(Mutex::new(String::new())),
        );
        let connection = Connection::open_in_memory().unwrap();
        let mut sqlite = rusqlite::Connection::open_in_memory().unwrap();
        let note = |log: &Arc<Mutex<String>>, letter: char| {
            let log = Arc::clone(log);
            move || log.lock().unwrap().push(letter)
        };
        let refuse = |log: &Arc<Mutex<String>>| {
            let told = note(log, 'c');
            let mut number = 0;
            move || {
                told();
                number += 1;
                refuses && number > 2
            }
        };
        connection.commit_hook(Some(refuse(&ours))).unwrap();
        connection.rollback_hook(Some(note(&ours, 'r'))).unwrap();
        sqlite.commit_hook(Some(refuse(&theirs))).unwrap();
        sqlite.rollback_hook(Some(note(&theirs, 'r'))).unwrap();
        for sql in script {
            let ran = connection
                .execute_batch(sql)
                .map_err(|error| error.extended_code());
            let expected = sqlite.execute_batch(sql).map_err(|error| match error {
                rusqlite::Error::SqliteFailure(failure, _) => failure.extended_code,
                other => panic!("{other}"),
            });
            assert_eq!(ran, expected, "{sql}");
            ours.lock().unwrap().push(' ');
            theirs.lock().unwrap().push(' ');
            assert_eq!(*ours.lock().unwrap(), *theirs.lock().unwrap(), "{sql}");
        }
        // The hooks must not be called any more when they are freed with the connection.
        sqlite.commit_hook(None::<fn() -> bool>).unwrap();
        sqlite.rollback_hook(None::<fn()>).unwrap();
    }
}

#[test]
fn a_transaction_ends_with_its_scope() {
    let mut connection = with_table();
    {
        let transaction = connection.transaction().unwrap();
        transaction.execute("INSERT INTO t VALUES (1)", ()).unwrap();
    }
    assert_eq!(count(&connection), 0);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    transaction.execute("INSERT INTO t VALUES (1)", ()).unwrap();
    transaction.commit().unwrap();
    let mut transaction = connection
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .unwrap();
    transaction.set_drop_behavior(DropBehavior::Commit);
    transaction.execute("INSERT INTO t VALUES (2)", ()).unwrap();
    drop(transaction);
    assert_eq!((count(&connection), connection.is_autocommit()), (2, true));
    let mut transaction = connection.transaction().unwrap();
    transaction.set_drop_behavior(DropBehavior::Ignore);
    transaction.execute("INSERT INTO t VALUES (3)", ()).unwrap();
    drop(transaction);
    assert!(!connection.is_autocommit());
    assert!(connection.unchecked_transaction().is_err());
    connection.execute_batch("ROLLBACK").unwrap();
    let transaction = connection.transaction().unwrap();
    transaction.execute("INSERT INTO t VALUES (4)", ()).unwrap();
    transaction.rollback().unwrap();
    assert_eq!(count(&connection), 2);
}

#[test]
fn a_transaction_that_an_error_ended_is_over() {
    let mut connection = with_table();
    let transaction = connection.transaction().unwrap();
    transaction.execute("INSERT INTO t VALUES (1)", ()).unwrap();
    let failed = transaction.execute("INSERT OR ROLLBACK INTO t VALUES (1)", ());
    assert!(failed.is_err());
    transaction.commit().unwrap();
    assert_eq!(count(&connection), 0);
}

#[test]
fn savepoints_are_taken_back_alone() {
    let mut connection = with_table();
    {
        let mut outer = connection.savepoint().unwrap();
        outer.execute("INSERT INTO t VALUES (1)", ()).unwrap();
        {
            let mut inner = outer.savepoint().unwrap();
            inner.execute("INSERT INTO t VALUES (2)", ()).unwrap();
            inner.rollback().unwrap();
            inner.execute("INSERT INTO t VALUES (3)", ()).unwrap();
            let innermost = inner.savepoint().unwrap();
            innermost.execute("INSERT INTO t VALUES (4)", ()).unwrap();
            innermost.commit().unwrap();
            inner.commit().unwrap();
        }
        {
            let dropped = outer.savepoint().unwrap();
            dropped.execute("INSERT INTO t VALUES (5)", ()).unwrap();
        }
        outer.commit().unwrap();
    }
    assert!(connection.is_autocommit());
    let rows: Vec<i64> = connection
        .prepare("SELECT a FROM t ORDER BY a")
        .unwrap()
        .query_map((), |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(rows, [1, 3, 4]);
    let mut transaction = connection.transaction().unwrap();
    let part = transaction.savepoint().unwrap();
    part.execute("DELETE FROM t", ()).unwrap();
    part.finish().unwrap();
    transaction.finish().unwrap();
    assert_eq!(count(&connection), 3);
}

#[test]
fn a_commit_that_fails_takes_the_changes_back() {
    let mut connection = with_table();
    connection.commit_hook(Some(|| true)).unwrap();
    let transaction = connection.transaction().unwrap();
    transaction.execute("INSERT INTO t VALUES (1)", ()).unwrap();
    assert_eq!(transaction.commit().unwrap_err().extended_code(), 531);
    assert!(connection.is_autocommit());
    assert_eq!(count(&connection), 0);
}

#[test]
fn progress_can_stop_a_statement() {
    let connection = with_table();
    let asked = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&asked);
    let handler = move || counter.fetch_add(1, Ordering::Relaxed) >= 4;
    connection.progress_handler(1, Some(handler)).unwrap();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let error = connection.query_row(endless, (), |_| Ok(())).unwrap_err();
    assert!(matches!(error, Error::Interrupt));
    assert_eq!(asked.load(Ordering::Relaxed), 5);
    connection.progress_handler(1, None::<fn() -> bool>).unwrap();
    assert_eq!(count(&connection), 0);
    assert_eq!(asked.load(Ordering::Relaxed), 5);
}

#[test]
fn a_busy_handler_is_asked_until_it_gives_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("busy.db");
    let first = Connection::open(&path).unwrap();
    first.execute("CREATE TABLE t(a)", ()).unwrap();
    first.execute_batch("BEGIN IMMEDIATE").unwrap();
    let second = Connection::open(&path).unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let handler = move |times: u32| {
        log.lock().unwrap().push(times);
        times < 3
    };
    second.busy_handler(Some(handler)).unwrap();
    let error = second.execute("INSERT INTO t VALUES (1)", ()).unwrap_err();
    assert_eq!(error.code(), 5);
    assert_eq!(*asked.lock().unwrap(), [0, 1, 2, 3]);
    // What is attached later waits in the same way.
    let other = folder.path().join("other.db");
    let third = Connection::open(&other).unwrap();
    third.execute_batch("CREATE TABLE o(a); BEGIN IMMEDIATE").unwrap();
    second
        .execute("ATTACH ?1 AS other", (other.to_str().unwrap(),))
        .unwrap();
    asked.lock().unwrap().clear();
    let error = second.execute("INSERT INTO other.o VALUES (1)", ()).unwrap_err();
    assert_eq!(error.code(), 5, "{error}");
    assert_eq!(*asked.lock().unwrap(), [0, 1, 2, 3]);
    // A timeout takes its place.
    second.busy_timeout(Duration::ZERO).unwrap();
    asked.lock().unwrap().clear();
    assert!(second.execute("INSERT INTO t VALUES (1)", ()).is_err());
    assert!(asked.lock().unwrap().is_empty());
}

#[test]
fn a_statement_waits_for_another_writer() {
    for mode in ["delete", "wal"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("busy.db");
        let first = Connection::open(&path).unwrap();
        first
            .execute_batch(&format!(
                "PRAGMA journal_mode = {mode}; CREATE TABLE t(a); INSERT INTO t VALUES (0)"
            ))
            .unwrap();
        // Its commits wait as well: the other holds a shared lock for the moment in which it asks.
        first.busy_timeout(Duration::from_secs(60)).unwrap();
        let mut second = Connection::open(&path).unwrap();
        assert_eq!(count(&second), 1);
        for sql in [
            "INSERT INTO t VALUES (1)",
            "UPDATE t SET a = a + 1",
            "CREATE TABLE u(a)",
            "BEGIN; INSERT INTO t SELECT a FROM t; COMMIT",
            "PRAGMA user_version = 7",
            "DROP TABLE u",
        ] {
            first
                .execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (9)")
                .unwrap();
            let asked = Arc::new(AtomicU32::new(0));
            let counter = Arc::clone(&asked);
            let handler = move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
                true
            };
            second.busy_handler(Some(handler)).unwrap();
            let waits = std::thread::spawn(move || second.execute_batch(sql).map(|()| second));
            // The lock is given up once the other has asked for it.
            while asked.load(Ordering::Relaxed) < 3 && !waits.is_finished() {
                std::thread::yield_now();
            }
            first.execute_batch("COMMIT").unwrap();
            let ran = waits.join().unwrap();
            second = ran.unwrap_or_else(|error| panic!("{mode}: {sql}: {error}"));
        }
    }
}

#[test]
fn a_snapshot_that_was_read_before_is_not_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("busy.db");
    let first = Connection::open(&path).unwrap();
    first
        .execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t(a)")
        .unwrap();
    let second = Connection::open(&path).unwrap();
    second
        .busy_handler(Some(|_| panic!("nobody must be asked")))
        .unwrap();
    second.execute_batch("BEGIN; SELECT * FROM t").unwrap();
    assert_eq!(count(&second), 0);
    first
        .execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")
        .unwrap();
    assert_eq!(
        second.execute("INSERT INTO t VALUES (2)", ()).unwrap_err().code(),
        5
    );
    first.execute_batch("COMMIT").unwrap();
    let stale = second.execute("INSERT INTO t VALUES (2)", ()).unwrap_err();
    assert_eq!(stale.extended_code(), 517);
    assert_eq!(count(&second), 0);
}

#[test]
fn statements_are_traced_and_timed() {
    let connection = with_table();
    let log = Arc::new(Mutex::new(Vec::<String>::new()));
    let (begun, ended) = (Arc::clone(&log), Arc::clone(&log));
    connection
        .trace(Some(move |sql: &str| {
            begun.lock().unwrap().push(format!("> {sql}"))
        }))
        .unwrap();
    connection
        .profile(Some(move |sql: &str, took: Duration| {
            assert!(took < Duration::from_secs(600));
            ended.lock().unwrap().push(format!("< {sql}"));
        }))
        .unwrap();
    connection
        .execute_batch("INSERT INTO t VALUES (1); SELECT a FROM t")
        .unwrap();
    assert!(connection.execute("INSERT INTO t VALUES (1)", ()).is_err());
    connection.trace(None::<fn(&str)>).unwrap();
    connection.profile(None::<fn(&str, Duration)>).unwrap();
    assert_eq!(count(&connection), 1);
    let log: Vec<String> = log
        .lock()
        .unwrap()
        .iter()
        .map(|line| {
            line.replace(">  ", "> ")
                .replace("<  ", "< ")
                .trim_end_matches(';')
                .to_owned()
        })
        .collect();
    assert_eq!(
        log,
        [
            "> INSERT INTO t VALUES (1)",
            "< INSERT INTO t VALUES (1)",
            "> SELECT a FROM t",
            "< SELECT a FROM t",
            "> INSERT INTO t VALUES (1)",
            "< INSERT INTO t VALUES (1)"
        ]
    );
}

/// The same statements on both engines, and what the hook was told of each.
#[test]
fn rows_are_told_as_sqlite_tells_them() {
    use rusqlite::hooks::Action;
    let connection = Connection::open_in_memory().unwrap();
    let mut sqlite = rusqlite::Connection::open_in_memory().unwrap();
    let (ours, theirs) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let (our_log, their_log) = (Arc::clone(&ours), Arc::clone(&theirs));
    let schema = "CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE, c); CREATE TABLE log(x); CREATE TABLE w(k PRIMARY KEY) WITHOUT ROWID;
         CREATE TABLE child(p REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE); PRAGMA foreign_keys = on;
         CREATE TABLE many(a, b); CREATE INDEX i ON many(b); ATTACH ':memory:' AS aux; CREATE TABLE aux.t2(a);
         CREATE TRIGGER tr AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (old.a), (new.a); UPDATE many SET b = b + 1 WHERE a = 1; END";
    connection.execute_batch(schema).unwrap();
    sqlite.execute_batch(schema).unwrap();
    // Prepared before there is a hook.
    let mut early = connection
        .prepare("UPDATE many SET b = b + 1 WHERE a < 3")
        .unwrap();
    connection
        .update_hook(Some(move |action, database: &str, table: &str, rowid| {
            let action = match action {
                RowAction::Insert => 'i',
                RowAction::Update => 'u',
                RowAction::Delete => 'd',
            };
            our_log
                .lock()
                .unwrap()
                .push(format!("{action} {database}.{table} {rowid}"));
        }))
        .unwrap();
    sqlite
        .update_hook(Some(move |action, database: &str, table: &str, rowid| {
            let action = match action {
                Action::SQLITE_INSERT => 'i',
                Action::SQLITE_UPDATE => 'u',
                Action::SQLITE_DELETE => 'd',
                other => panic!("{other:?}"),
            };
            their_log
                .lock()
                .unwrap()
                .push(format!("{action} {database}.{table} {rowid}"));
        }))
        .unwrap();
    for sql in [
        "INSERT INTO t VALUES (5, 'x', 1), (7, 'y', 2)",
        "INSERT INTO child VALUES (5), (7), (7)",
        "UPDATE t SET c = 9",
        "UPDATE t SET a = 6 WHERE a = 5",
        "INSERT OR REPLACE INTO t VALUES (6, 'y', 3)",
        "INSERT OR IGNORE INTO t VALUES (6, 'q', 3)",
        "INSERT INTO t VALUES (6, 'q', 3) ON CONFLICT DO UPDATE SET c = 10",
        "INSERT INTO w VALUES (1), (2)",
        "DELETE FROM w WHERE k = 1",
        "INSERT INTO aux.t2 VALUES (1), (2), (3)",
        "DELETE FROM aux.t2 WHERE a > 1",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) INSERT INTO many SELECT i, i * 2 FROM n",
        "UPDATE many SET b = b + 1 WHERE a < 5",
        "UPDATE many SET a = a + 1",
        "UPDATE many SET rowid = rowid + 100 WHERE a = 2",
        "DELETE FROM many WHERE rowid = 7",
        "DELETE FROM many WHERE b < 10",
        "DELETE FROM many WHERE a > 15 RETURNING a",
        "DELETE FROM t WHERE a = 6",
        "DELETE FROM many",
        "INSERT INTO t VALUES (6, 'q', 3), (6, 'r', 4)",
        "SELECT * FROM t",
        "CREATE TABLE later AS SELECT 1",
        "DROP TABLE log",
    ] {
        let ran = connection.execute_batch(sql).is_ok();
        assert_eq!(ran, sqlite.execute_batch(sql).is_ok(), "{sql}");
        let (mut ours, mut theirs) = (ours.lock().unwrap(), theirs.lock().unwrap());
        // The order of the rows of one statement is the plan's.
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(*ours, *theirs, "{sql}");
        ours.clear();
        theirs.clear();
    }
    connection
        .execute_batch("INSERT INTO many VALUES (1, 1), (2, 2), (3, 3)")
        .unwrap();
    ours.lock().unwrap().clear();
    early.execute(()).unwrap();
    assert_eq!(ours.lock().unwrap().len(), 2);
    connection
        .update_hook(None::<fn(RowAction, &str, &str, i64)>)
        .unwrap();
    early.execute(()).unwrap();
    assert_eq!(ours.lock().unwrap().len(), 2);
    sqlite.update_hook(None::<fn(Action, &str, &str, i64)>).unwrap();
}

/// Which commits reach a write-ahead log, and how long it is then, is what SQLite says.
#[test]
fn logs_are_told_as_sqlite_tells_them() {
    let folder = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let connection = Connection::open(folder.path().join("ours.db")).unwrap();
    let mut sqlite = rusqlite::Connection::open(folder.path().join("theirs.db")).unwrap();
    let theirs = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&theirs);
    connection.execute_batch("PRAGMA journal_mode = wal").unwrap();
    sqlite.execute_batch("PRAGMA journal_mode = wal").unwrap();
    let logged = Arc::clone(&told);
    connection
        .wal_hook(Some(move |database: &str, frames| {
            logged.lock().unwrap().push((database.to_owned(), frames));
            (frames > 20).then_some(CheckpointKind::Restart)
        }))
        .unwrap();
    let told_by_sqlite = move |wal: &mut rusqlite::hooks::Wal, frames| {
        let name = wal.name().to_str().unwrap().to_owned();
        log.lock().unwrap().push((name, frames as u32));
        match frames > 20 {
            true => wal
                .checkpoint_v2(rusqlite::wal::CheckpointMode::RESTART)
                .map(|_| ()),
            false => Ok(()),
        }
    };
    sqlite.wal_hook(Some(told_by_sqlite)).unwrap();
    let mut script: Vec<String> = [
        "CREATE TABLE t(a)",
        "SELECT * FROM t",
        "BEGIN",
        "INSERT INTO t VALUES (1)",
        "COMMIT",
        "BEGIN",
        "COMMIT",
        "BEGIN",
        "INSERT INTO t VALUES (2)",
        "ROLLBACK",
        "PRAGMA wal_autocheckpoint",
    ]
    .map(str::to_owned)
    .into();
    script.extend((0..30).map(|n| format!("INSERT INTO t VALUES ({n})")));
    script.extend(["PRAGMA wal_autocheckpoint = 7", "INSERT INTO t VALUES (1)"].map(str::to_owned));
    for sql in script {
        connection.execute_batch(&sql).unwrap();
        sqlite.execute_batch(&sql).unwrap();
        assert_eq!(*told.lock().unwrap(), *theirs.lock().unwrap(), "{sql}");
    }
    assert!(told.lock().unwrap().iter().any(|(_, frames)| *frames > 20));
    let after = |connection: &Connection| -> i64 {
        connection
            .query_row("PRAGMA wal_autocheckpoint", (), |row| row.get(0))
            .unwrap()
    };
    assert_eq!(after(&connection), 7);
    connection
        .wal_hook(None::<fn(&str, u32) -> Option<CheckpointKind>>)
        .unwrap();
    assert_eq!(after(&connection), 0);
}

/// A schema may name a collation that is only made when the file is opened.
#[test]
fn collations_are_asked_for_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let reversed = |a: &[u8], b: &[u8]| b.cmp(a);
    let connection = Connection::open(&path).unwrap();
    connection.register_collation("backwards", reversed).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE t(a TEXT COLLATE backwards PRIMARY KEY); INSERT INTO t VALUES ('a'), ('c'), ('b')",
        )
        .unwrap();
    drop(connection);
    let connection = Connection::open(&path).unwrap();
    let sql = "SELECT group_concat(a, '') FROM (SELECT a FROM t ORDER BY a)";
    let error = connection
        .query_row(sql, (), |row| row.get::<String>(0))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no such collation sequence: backwards"),
        "{error}"
    );
    let asked = Arc::new(Mutex::new(Vec::new()));
    let names = Arc::clone(&asked);
    connection
        .collation_needed(Some(move |name: &str| {
            names.lock().unwrap().push(name.to_owned());
            name.eq_ignore_ascii_case("backwards")
                .then(|| Box::new(reversed) as Comparison)
        }))
        .unwrap();
    for _ in 0..2 {
        let all: String = connection.query_row(sql, (), |row| row.get(0)).unwrap();
        assert_eq!(all, "cba");
    }
    assert_eq!(*asked.lock().unwrap(), ["backwards"]);
    let error = connection.prepare("SELECT 'a' < 'b' COLLATE other").unwrap_err();
    assert!(
        error.to_string().contains("no such collation sequence: other"),
        "{error}"
    );
    assert!(asked.lock().unwrap().iter().any(|name| name == "other"));
}

/// A file whose schema names a collation that the connection has not: what compares by it is refused, and nothing is written in another order.
#[test]
fn a_missing_collation_is_refused_where_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let schema = "CREATE TABLE t(a TEXT COLLATE backwards PRIMARY KEY, b COLLATE backwards, c);
        CREATE TABLE w(a TEXT COLLATE backwards PRIMARY KEY, b) WITHOUT ROWID; CREATE TABLE u(k, x); CREATE TABLE v(k COLLATE backwards);
        INSERT INTO t VALUES ('a', 'x', 1), ('c', 'y', 2), ('b', 'z', 3); INSERT INTO w VALUES ('a', 1), ('b', 2); INSERT INTO u VALUES ('a', 1), ('b', 2);
        INSERT INTO v VALUES ('a'), ('b')";
    for encoding in ["UTF-8", "UTF-16le"] {
        let path = folder.path().join(encoding);
        let sqlite = rusqlite::Connection::open(&path).unwrap();
        sqlite
            .create_collation("backwards", |a: &str, b: &str| b.cmp(a))
            .unwrap();
        sqlite
            .execute_batch(&format!("PRAGMA encoding = '{encoding}'; {schema}"))
            .unwrap();
        drop(sqlite);
        for sql in [
            "SELECT * FROM t",
            "SELECT c, b IS NULL, typeof(b) FROM t",
            "SELECT a FROM t ORDER BY c",
            "SELECT a FROM t ORDER BY rowid DESC",
            "SELECT b FROM t ORDER BY b COLLATE binary",
            "SELECT b LIKE 'x' FROM t",
            "SELECT k FROM v",
            "UPDATE t SET c = 7",
            "UPDATE v SET k = k || 'x'",
            "DELETE FROM v WHERE rowid = 1",
            "INSERT INTO v VALUES ('c')",
            "SELECT * FROM u ORDER BY k",
            "SELECT a FROM t ORDER BY a",
            "SELECT b FROM t ORDER BY b",
            "SELECT k FROM v ORDER BY k",
            "SELECT a FROM t WHERE a > 'b'",
            "SELECT a FROM t WHERE b = 'b'",
            "SELECT a FROM t WHERE a = 'b'",
            "SELECT DISTINCT k FROM v",
            "SELECT max(k) FROM v",
            "SELECT max(a) FROM t",
            "SELECT k, count(*) FROM v GROUP BY k",
            "SELECT k FROM v UNION SELECT 'a'",
            "INSERT INTO t VALUES ('q', 1, 1)",
            "INSERT INTO w VALUES ('q', 1)",
            "UPDATE t SET a = a || 'x'",
            "DELETE FROM t WHERE c = 1",
            "DELETE FROM w WHERE b = 1",
            "SELECT k IN ('a', 'b') FROM v",
            "SELECT CASE k WHEN 'a' THEN 1 END FROM v",
            "SELECT sum(1) OVER (PARTITION BY k) FROM v",
            "SELECT sum(1) OVER (ORDER BY k) FROM v",
            "SELECT * FROM v, u WHERE v.k = u.k",
            "SELECT k BETWEEN 'a' AND 'b' FROM v",
            "SELECT max(k, 'b') FROM v",
            "SELECT nullif(k, 'b') FROM v",
            "CREATE INDEX v_k ON v(k)",
            "REINDEX",
            "INSERT INTO u SELECT k, 1 FROM v ORDER BY k",
            "UPDATE u SET x = (SELECT max(k) FROM v)",
            "SELECT * FROM w WHERE a = 'a'",
            "SELECT b FROM w ORDER BY a",
            "PRAGMA integrity_check",
        ] {
            for begun in [false, true] {
                let copies = ["ours", "theirs"].map(|name| folder.path().join(format!("{encoding}-{name}")));
                for copy in &copies {
                    std::fs::copy(&path, copy).unwrap();
                }
                let ours = Connection::open(&copies[0]).unwrap();
                let theirs = rusqlite::Connection::open(&copies[1]).unwrap();
                if begun {
                    ours.execute_batch("BEGIN").unwrap();
                    theirs.execute_batch("BEGIN").unwrap();
                }
                let (own, other) = (
                    crate::both::run_ours(&ours, sql),
                    crate::both::run_theirs(&theirs, sql),
                );
                assert_eq!(own.is_err(), other.is_err(), "{sql}: {own:?} {other:?}");
                let told = format!("{own:?}{other:?}");
                assert!(
                    own.is_ok() || told.matches("no such collation sequence: backwards").count() == 2,
                    "{sql}: {told}"
                );
                if begun {
                    ours.execute_batch("COMMIT").unwrap();
                }
                drop((ours, theirs));
                let sqlite = rusqlite::Connection::open(&copies[0]).unwrap();
                sqlite
                    .create_collation("backwards", |a: &str, b: &str| b.cmp(a))
                    .unwrap();
                let whole: String = sqlite
                    .query_row("PRAGMA integrity_check", (), |row| row.get(0))
                    .unwrap();
                assert_eq!(whole, "ok", "{sql}");
                let same = "SELECT count(*) FROM u WHERE x IN (1, 2)";
                assert_eq!(
                    sqlite.query_row(same, (), |row| row.get::<_, i64>(0)).unwrap(),
                    2,
                    "{sql}"
                );
            }
        }
    }
}
