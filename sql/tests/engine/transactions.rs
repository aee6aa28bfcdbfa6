//! BEGIN, COMMIT, ROLLBACK, savepoints, and what open statements make of them.

use super::both::{Both, run_ours};
use aludel_sql::Connection;

#[test]
fn transactions_and_savepoints() {
    let both = Both::with("CREATE TABLE t(a UNIQUE)");
    both.check(
        "COMMIT;
         ROLLBACK;
         RELEASE nothing;
         ROLLBACK TO nothing;
         BEGIN;
         BEGIN;
         INSERT INTO t VALUES(1);
         SAVEPOINT one;
         INSERT INTO t VALUES(2);
         SAVEPOINT two;
         INSERT INTO t VALUES(3);
         ROLLBACK TO one;
         SELECT * FROM t;
         ROLLBACK TO two;
         INSERT INTO t VALUES(4), (5), (1);
         SELECT * FROM t;
         RELEASE one;
         COMMIT;
         SELECT * FROM t;
         SAVEPOINT outer;
         INSERT INTO t VALUES(6);
         SAVEPOINT outer;
         DELETE FROM t;
         ROLLBACK TO outer;
         RELEASE outer;
         RELEASE outer;
         SELECT * FROM t;
         BEGIN IMMEDIATE;
         INSERT OR ROLLBACK INTO t VALUES(1);
         SELECT * FROM t;
         BEGIN EXCLUSIVE;
         INSERT INTO t VALUES(8);
         CREATE TABLE u(x);
         ROLLBACK;
         SELECT * FROM u;
         SELECT * FROM t",
    );
    both.check_files();
}

#[test]
fn schema_changes_are_undone_with_their_transaction() {
    let both = Both::new();
    both.check(
        "BEGIN;
         CREATE TABLE t(a);
         SAVEPOINT s;
         CREATE TABLE u(b);
         INSERT INTO u VALUES(1);
         ROLLBACK TO s;
         CREATE TABLE w(c);
         SELECT * FROM u;
         COMMIT;
         SELECT name FROM sqlite_schema",
    );
    both.check_files();
}

#[test]
fn several_statements_at_once() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(1), (2), (3)")
        .unwrap();
    let mut read = connection.prepare("SELECT a FROM t").unwrap();
    assert!(read.step().unwrap());
    connection.execute("INSERT INTO t VALUES(4)", ()).unwrap();
    let mut other = connection.prepare("SELECT count(*) FROM t").unwrap();
    assert!(other.step().unwrap());
    assert_eq!(other.get::<i64>(0).unwrap(), 4);
    let mut seen = 1;
    while read.step().unwrap() {
        seen += 1;
    }
    assert!(seen >= 3, "a read goes on while others write");
}

#[test]
fn a_statement_follows_the_schema() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(1)")
        .unwrap();
    let mut statement = connection.prepare("SELECT * FROM t").unwrap();
    assert!(statement.step().unwrap());
    statement.reset();
    connection
        .execute_batch("DROP TABLE t; CREATE TABLE t(x, y); INSERT INTO t VALUES(7, 8)")
        .unwrap();
    assert!(statement.step().unwrap());
    assert_eq!(
        (statement.column_count(), statement.get::<i64>(1).unwrap()),
        (2, 8)
    );
}

#[test]
fn two_connections_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared.db");
    let (a, b) = (Connection::open(&path).unwrap(), Connection::open(&path).unwrap());
    a.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES(1)")
        .unwrap();
    assert_eq!(run_ours(&b, "SELECT x FROM t").unwrap(), [["1"]]);
    b.execute_batch("ALTER TABLE t ADD COLUMN y").ok();
    b.execute("CREATE TABLE u(z)", ()).unwrap();
    assert_eq!(run_ours(&a, "SELECT count(*) FROM u").unwrap(), [["0"]]);
    a.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(b.execute("INSERT INTO t(x) VALUES(2)", ()).unwrap_err().code(), 5);
    a.execute_batch("COMMIT").unwrap();
    b.execute("INSERT INTO t(x) VALUES(2)", ()).unwrap();
}

/// What each kind of database makes of each journal mode, also inside a transaction.
#[test]
fn journal_modes_of_each_kind_of_database() {
    let modes = ["delete", "truncate", "persist", "memory", "off"];
    let both = Both::with("CREATE TABLE t(a); CREATE TEMP TABLE x(a)");
    for (from, to) in modes.iter().flat_map(|from| modes.map(|to| (*from, to))) {
        both.check(&format!(
            "PRAGMA journal_mode = {from}; INSERT INTO t VALUES(1); BEGIN; INSERT INTO t VALUES(2); PRAGMA journal_mode = {to};
             PRAGMA journal_mode; COMMIT; PRAGMA journal_mode = {to}; PRAGMA journal_mode; DELETE FROM t"
        ));
        both.check(&format!(
            "PRAGMA temp.journal_mode = {from}; PRAGMA temp.journal_mode = {to}; PRAGMA temp.journal_mode"
        ));
    }
    both.check("PRAGMA temp.journal_mode = delete; PRAGMA temp.journal_mode = wal; PRAGMA temp.journal_mode");
    both.check_files();
    for name in ["", ":memory:"] {
        let both = Both::new();
        both.check(&format!("ATTACH '{name}' AS other; CREATE TABLE other.t(a)"));
        for mode in modes.iter().chain(&["wal", "nonsense"]) {
            both.check(&format!(
                "PRAGMA other.journal_mode = {mode}; PRAGMA other.journal_mode"
            ));
        }
    }
    let both = Both::with("PRAGMA page_size = 512; CREATE TEMP TABLE x(a); PRAGMA page_size = 1024");
    both.check("PRAGMA temp.page_size; CREATE TABLE t(a); PRAGMA page_size; VACUUM; PRAGMA page_size; PRAGMA temp.page_size");
}

/// ROLLBACK TO read the schema again and took it for that of the file: a table that was dropped before the savepoint stayed away
/// after ROLLBACK.
#[test]
fn a_schema_change_before_a_savepoint_is_undone_with_the_transaction() {
    let both = Both::with("CREATE TABLE t(a); CREATE TABLE gone(a); CREATE INDEX i ON t(a)");
    both.check(
        "BEGIN;
         DROP TABLE gone;
         SAVEPOINT s;
         DROP INDEX i;
         ROLLBACK TO s;
         SELECT count(*) FROM sqlite_schema;
         RELEASE s;
         ROLLBACK;
         INSERT INTO gone VALUES(1);
         SELECT * FROM gone;",
    );
}

/// One connection goes from each journal mode to each other and back, with changes in each, so that every journal is made, used, left and made again.
#[test]
fn data_survives_changes_of_the_journal_mode() {
    let modes = ["delete", "wal", "truncate", "persist", "memory", "off"];
    let both = Both::with(
        "PRAGMA synchronous = OFF; PRAGMA page_size = 1024; CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE INDEX ta ON t(a)",
    );
    let pairs = modes.iter().flat_map(|from| modes.map(|to| (*from, to)));
    for (round, (from, to)) in pairs.enumerate() {
        both.check(&format!(
            "PRAGMA journal_mode = {from};
             CREATE TABLE t{round}(x); INSERT INTO t{round} VALUES(zeroblob(900));
             INSERT INTO t(a, b) VALUES({round}, zeroblob({round} * 50)), ({round} + 1, 'x');
             PRAGMA journal_mode = {to};
             INSERT INTO t(a, b) VALUES({round}, zeroblob(700)); SELECT count(*), sum(a), sum(length(b)) FROM t;
             UPDATE t SET b = 'short' WHERE a = {round} - 3; DROP TABLE t{round};
             SELECT count(*), sum(a), sum(length(b)) FROM t INDEXED BY ta"
        ));
    }
    both.check("PRAGMA integrity_check");
    both.check_content();
}

#[test]
fn journal_modes_inside_transactions() {
    let modes = ["delete", "truncate", "persist", "memory", "off", "wal"];
    for from in modes {
        let both = Both::with(&format!("CREATE TABLE t(a); PRAGMA journal_mode = {from}"));
        for to in modes {
            for begin in [
                "BEGIN",
                "BEGIN; SELECT * FROM t",
                "BEGIN IMMEDIATE",
                "BEGIN EXCLUSIVE",
                "BEGIN; INSERT INTO t VALUES(1)",
            ] {
                both.check(&format!(
                    "{begin}; PRAGMA journal_mode = {to}; PRAGMA journal_mode; COMMIT; PRAGMA journal_mode; INSERT INTO t VALUES(2);
                     PRAGMA journal_mode = {from}"
                ));
            }
        }
        both.check_content();
    }
}

#[test]
fn settings_of_attached_databases() {
    let both = Both::with(
        "PRAGMA encoding = 'UTF-8'; CREATE TABLE t(a); PRAGMA secure_delete = on; ATTACH ':memory:' AS other",
    );
    both.check(
        "PRAGMA other.secure_delete; PRAGMA main.secure_delete = off; PRAGMA other.secure_delete; PRAGMA secure_delete;
         PRAGMA other.secure_delete = fast; PRAGMA secure_delete; PRAGMA other.secure_delete; PRAGMA secure_delete = on; PRAGMA other.secure_delete",
    );
    let folder = tempfile::tempdir().unwrap();
    let wide = folder.path().join("wide.db");
    let maker = rusqlite::Connection::open(&wide).unwrap();
    maker
        .execute_batch("PRAGMA encoding = 'UTF-16'; CREATE TABLE w(a)")
        .unwrap();
    both.check(&format!(
        "ATTACH '{}' AS wide; SELECT group_concat(name) FROM pragma_database_list WHERE name <> 'temp'",
        wide.display()
    ));
}

/// What is known of the schema goes back with each kind of rollback, whichever came first.
#[test]
fn schema_changes_and_savepoints() {
    let endings = [
        "ROLLBACK",
        "ROLLBACK TO one; ROLLBACK",
        "ROLLBACK TO one; COMMIT",
        "ROLLBACK TO one; CREATE TABLE late(z); ROLLBACK TO one; COMMIT",
        "ROLLBACK TO two; RELEASE one; COMMIT",
        "ROLLBACK TO two; ROLLBACK TO one; INSERT INTO early VALUES(1); ROLLBACK",
        "RELEASE one; ROLLBACK",
    ];
    for ending in endings {
        let both = Both::with("CREATE TABLE t(a)");
        both.check(&format!(
            "BEGIN; CREATE TABLE early(x); SAVEPOINT one; CREATE INDEX i ON t(a); ALTER TABLE t ADD COLUMN b; SAVEPOINT two;
             DROP TABLE early; INSERT INTO t VALUES(1, 2); {ending}"
        ));
        both.check("SELECT * FROM t; INSERT INTO t(a) VALUES(7); INSERT INTO t VALUES(1, 2); SELECT * FROM early; SELECT * FROM late");
        both.check("CREATE TABLE IF NOT EXISTS early(x); INSERT INTO early VALUES(5); SELECT name FROM sqlite_schema ORDER BY 1; PRAGMA integrity_check");
        both.check_content();
    }
}

#[test]
fn locking_mode_without_a_mode_tells_that_of_databases_to_come() {
    let both = Both::with("CREATE TABLE t(a)");
    both.check(
        "ATTACH ':memory:' AS m; PRAGMA locking_mode; PRAGMA m.locking_mode; PRAGMA locking_mode = EX00;
         PRAGMA main.locking_mode = exclusive; PRAGMA locking_mode; PRAGMA main.locking_mode;
         PRAGMA locking_mode = exclusive; PRAGMA main.locking_mode = normal; PRAGMA locking_mode; PRAGMA locking_mode = other;
         PRAGMA main.locking_mode; PRAGMA m.locking_mode = normal; PRAGMA m.locking_mode",
    );
}
