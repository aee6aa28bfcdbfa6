//! Temporary tables and databases: where they are, what ends them, and that more than memory holds goes to a file.

use aludel_sql::Connection;

use crate::both::Both;

#[test]
fn another_temp_store_ends_what_was_temporary() {
    let both = Both::new();
    for (from, to) in [(0, 2), (2, 1), (1, 0), (0, 0), (2, 2)] {
        both.check(&format!(
            "PRAGMA temp_store = {from};
             CREATE TEMP TABLE t(a); INSERT INTO t VALUES(1), (2);
             PRAGMA temp_store; PRAGMA temp.journal_mode;
             BEGIN; PRAGMA temp_store = {to}; COMMIT;
             PRAGMA temp_store = {to}; PRAGMA temp_store;
             SELECT count(*) FROM t; DROP TABLE IF EXISTS temp.t; SELECT * FROM sqlite_temp_schema"
        ));
    }
}

#[test]
fn each_database_has_its_cache_size() {
    let both = Both::new();
    both.check(
        "PRAGMA cache_size; PRAGMA cache_size = 10; PRAGMA cache_size; PRAGMA main.cache_size = -500;
         PRAGMA cache_size; PRAGMA temp.cache_size = 7; PRAGMA temp.cache_size; PRAGMA cache_size; PRAGMA cache_spill = OFF; PRAGMA cache_spill; PRAGMA cache_size",
    );
}

/// Large changes through a cache of a few pages, in each kind of database.
#[test]
fn more_than_the_cache_holds() {
    let statements = "PRAGMA cache_size = 10; PRAGMA temp.cache_size = 10;
        CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE INDEX tb ON t(b);
        BEGIN;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
            INSERT INTO t SELECT i, (i * 7919) % 3001, zeroblob(i % 300) FROM n;
        SAVEPOINT s; UPDATE t SET b = b + 1; DELETE FROM t WHERE a % 3 = 0;
        SELECT count(*), sum(b), sum(length(c)) FROM t;
        ROLLBACK TO s;
        SELECT count(*), sum(b), sum(length(c)) FROM t;
        DELETE FROM t WHERE a % 5 = 0;
        COMMIT;
        UPDATE t SET c = zeroblob(700) WHERE a % 100 = 1;
        BEGIN; DELETE FROM t; ROLLBACK;
        SELECT count(*), sum(b), sum(length(c)) FROM t; SELECT b FROM t WHERE b > 2990 ORDER BY b;
        PRAGMA integrity_check; VACUUM; PRAGMA integrity_check; SELECT count(*), sum(b), sum(length(c)) FROM t";
    let both = Both::new();
    both.check(statements);
    both.check_files();
    let both = Both::new();
    both.check("PRAGMA journal_mode = WAL");
    both.check(statements);
    both.check_files();
    let both = Both::new();
    both.check("PRAGMA journal_mode = MEMORY");
    both.check(statements);
    both.check_files();
    let both = Both::new();
    both.check(
        &statements
            .replace("CREATE TABLE", "CREATE TEMP TABLE")
            .replace("VACUUM", "VACUUM temp"),
    );
    let (ours, theirs) = (
        Connection::open("").unwrap(),
        rusqlite::Connection::open("").unwrap(),
    );
    for statement in statements.split(';') {
        assert_eq!(
            crate::both::run_ours(&ours, statement),
            crate::both::run_theirs(&theirs, statement),
            "{statement}"
        );
    }
}

#[test]
fn vacuum_numbers_rows_anew_where_nothing_names_them() {
    for mode in ["NONE", "FULL"] {
        let both = Both::new();
        both.check(&format!("PRAGMA auto_vacuum = {mode}"));
        both.check(
            "CREATE TABLE plain(a); CREATE TABLE keyed(id INTEGER PRIMARY KEY, a); CREATE TABLE indexed(a UNIQUE);
             CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, a); CREATE TABLE late(a); CREATE INDEX latei ON late(a);
             CREATE TABLE w(a PRIMARY KEY) WITHOUT ROWID; CREATE VIEW v AS SELECT 1; CREATE TABLE empty(a);
             CREATE TRIGGER tr AFTER INSERT ON plain BEGIN SELECT 1; END;
             INSERT INTO plain(rowid, a) VALUES(-5, 1), (10, 2), (20, 3); INSERT INTO keyed VALUES(10, 1), (20, 2);
             INSERT INTO indexed(rowid, a) VALUES(10, 1), (20, 2); INSERT INTO counted VALUES(10, 1), (20, 2);
             INSERT INTO late(rowid, a) VALUES(10, 1), (20, 2); INSERT INTO w VALUES(1), (2)",
        );
        // SQLite's VACUUM shows through in last_insert_rowid.
        both.ours.execute("VACUUM", ()).unwrap();
        both.theirs.execute_batch("VACUUM").unwrap();
        both.check("INSERT INTO keyed VALUES(30, 3)");
        for table in ["plain", "keyed", "indexed", "counted", "late"] {
            both.check(&format!("SELECT rowid, a FROM {table}"));
        }
        both.check(
            "SELECT * FROM w; SELECT type, name, rootpage FROM sqlite_schema; SELECT * FROM sqlite_sequence",
        );
        both.check_files();
    }
}
