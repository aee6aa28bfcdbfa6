//! A database as a value that threads share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use aludel_sql::functions::{Arity, Function, FunctionFlags};
use aludel_sql::value::ValueRef;
use aludel_sql::{Connection, Database, OpenOptions};

const THREADS: usize = 4;
const ROWS: usize = 50;

fn count(connection: &Connection) -> i64 {
    connection
        .query_row("SELECT count(*) FROM t", (), |row| row.get(0))
        .unwrap()
}

/// Threads write, each through a connection of its own; all that they wrote is there.
fn threads_write(database: &Database) {
    database
        .connect()
        .unwrap()
        .execute("CREATE TABLE t(thread, n)", ())
        .unwrap();
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (database, start) = (database.clone(), &start);
            scope.spawn(move || {
                let connection = database.connect().unwrap();
                start.wait();
                for n in 0..ROWS {
                    let row = (thread as i64, n as i64);
                    connection.execute("INSERT INTO t VALUES (?, ?)", row).unwrap();
                }
            });
        }
    });
    let connection = database.connect().unwrap();
    assert_eq!(count(&connection), (THREADS * ROWS) as i64);
    let sound: String = connection
        .query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn threads_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for mode in ["delete", "wal"] {
        let database = Database::open(folder.path().join(mode)).unwrap();
        let connection = database.connect().unwrap();
        connection.pragma_update(None, "journal_mode", mode).unwrap();
        connection.pragma_update(None, "synchronous", "off").unwrap();
        drop(connection);
        let database = database.on_connect(|connection| connection.pragma_update(None, "synchronous", "off"));
        threads_write(&database);
        assert!(database.path().is_some_and(|path| path.ends_with(mode)));
    }
}

#[test]
fn threads_share_memory() {
    for mode in ["delete", "wal"] {
        let database = Database::open_in_memory().unwrap();
        let kept = database.connect().unwrap();
        let set: String = kept
            .pragma_update_and_check(None, "journal_mode", mode, |row| row.get(0))
            .unwrap();
        assert_eq!(set, mode);
        threads_write(&database);
        assert_eq!((database.path(), kept.path("main").as_deref()), (None, Some("")));
        assert_eq!(count(&kept), (THREADS * ROWS) as i64);
    }
}

/// Two handles in memory are two databases; a clone is the same. What is in memory lives as long as somebody has it.
#[test]
fn what_is_in_memory_belongs_to_its_handle() {
    let (one, other) = (
        Database::open_in_memory().unwrap(),
        Database::open(":memory:").unwrap(),
    );
    let connection = one.clone().connect().unwrap();
    connection
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)")
        .unwrap();
    assert!(!other.connect().unwrap().table_exists(None, "t").unwrap());
    assert_eq!(count(&one.connect().unwrap()), 1);
    // A connection that was opened from the handle keeps the database; the handle too.
    drop(connection);
    assert_eq!(count(&one.connect().unwrap()), 1);
    let last = one.connect().unwrap();
    drop(one);
    assert_eq!(count(&last), 1);
    // Readers see what was committed, and no more.
    let database = Database::open_in_memory().unwrap();
    let (writer, reader) = (database.connect().unwrap(), database.connect().unwrap());
    writer.pragma_update(None, "journal_mode", "wal").unwrap();
    writer
        .execute_batch("CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)")
        .unwrap();
    assert_eq!(count(&reader), 0);
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(count(&reader), 1);
    // What ATTACH names is a file, or a database in memory of the connection's own.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("attached.db");
    writer
        .execute("ATTACH ? AS aux", (file.to_string_lossy().into_owned(),))
        .unwrap();
    writer
        .execute_batch("CREATE TABLE aux.u AS SELECT * FROM t")
        .unwrap();
    assert!(file.exists());
}

/// Functions, collations and settings are said once, and each connection has them; an error of them is told.
#[test]
fn each_connection_is_set_up() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let database = Database::open_in_memory()
        .unwrap()
        .on_connect(|connection| {
            let twice = Function::scalar(
                "twice",
                Arity::Exact(1),
                FunctionFlags::default(),
                |_, arguments, out| {
                    if let [ValueRef::Integer(integer)] = arguments {
                        out.integer(integer * 2);
                    }
                    Ok(())
                },
            );
            connection.register_function(twice)
        })
        .on_connect(move |connection| {
            counted.fetch_add(1, Ordering::Relaxed);
            connection.register_collation("backwards", |a, b| b.cmp(a))?;
            connection.pragma_update(None, "foreign_keys", true)
        });
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let connection = database.connect().unwrap();
                let sql =
                    "SELECT twice(21), 'a' < 'b' COLLATE backwards, foreign_keys FROM pragma_foreign_keys";
                let row = connection
                    .query_row(sql, (), |row| {
                        Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?))
                    })
                    .unwrap();
                assert_eq!(row, (42, 0, 1));
            });
        }
    });
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    let broken = database
        .clone()
        .on_connect(|connection| connection.execute_batch("SELECT nope"));
    assert_eq!(broken.connect().unwrap_err().to_string(), "no such column: nope");
    assert!(database.connect().is_ok());
    let missing = Database::open_with("/nowhere/at/all.db", &OpenOptions::new().create(false));
    assert!(missing.is_err());
}

#[test]
fn handles_go_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    fn moved<T: Send + 'static>() {}
    shared::<Database>();
    moved::<Connection>();
}
