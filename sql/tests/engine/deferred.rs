//! Index entries that wait inside a transaction: nobody but the statements that leave them can tell.

use aludel_sql::connection::Otherwise;

use super::both::{Both, run_ours, run_theirs};

const SCHEMA: &str = "
    PRAGMA synchronous = off;
    CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT);
    CREATE INDEX t_a ON t(a);
    CREATE INDEX t_b ON t(b DESC, a) WHERE b > 2;
    CREATE INDEX t_e ON t(lower(a) || b);
    CREATE TABLE u(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT);
    CREATE INDEX u_b ON u(b);
    BEGIN;
    INSERT INTO t VALUES(1, 'X', 5);
    INSERT INTO t VALUES(2, 'm', 1);
    INSERT INTO t VALUES(3, 'b', 3);
    DELETE FROM t WHERE id = 1;
    INSERT INTO t VALUES(1, 'Y', 5);
    UPDATE t SET b = b WHERE id = 2;
    UPDATE t SET b = b + 2, a = a || 'b' WHERE id = 3;
    UPDATE t SET a = 'b', b = 3 WHERE id = 3;
    INSERT INTO u VALUES(1, 'p', 3);
    INSERT INTO u VALUES(2, 's', 3)";

#[test]
fn every_other_statement_finds_them_there() {
    for statement in [
        "SELECT id FROM t INDEXED BY t_a WHERE a >= 'Y' ORDER BY a",
        "SELECT id, b FROM t INDEXED BY t_b WHERE b > 2 ORDER BY b DESC, a",
        "SELECT count(*) FROM t INDEXED BY t_a WHERE a > ''",
        "UPDATE t SET a = a || '!' WHERE a = 'b'",
        "UPDATE t SET a = 'c' WHERE id = 3",
        "UPDATE t SET a = 'c' WHERE id = 4711",
        "UPDATE t SET a = 'c' WHERE id = 'x'",
        "UPDATE t SET a = (SELECT max(a) FROM t INDEXED BY t_a WHERE a > '') WHERE id = 3",
        "UPDATE t SET a = 'c' WHERE id = (SELECT id FROM t INDEXED BY t_a WHERE a = 'm')",
        "UPDATE t SET a = 'c' WHERE id = 3 RETURNING (SELECT count(*) FROM t INDEXED BY t_a WHERE a = 'c')",
        "UPDATE u SET a = 'p' WHERE id = 2",
        "UPDATE u SET a = 'p', b = 7 WHERE id = 1",
        "UPDATE u SET a = 'q' WHERE id = 1",
        "UPDATE t SET a = 1 / 0, b = abs(-9223372036854775807 - 1) WHERE id = 3",
        "UPDATE t SET b = (SELECT count(*) FROM t INDEXED BY t_a WHERE a > '') WHERE id = 2",
        "DELETE FROM t WHERE a = 'm'",
        "DELETE FROM t WHERE id = (SELECT id FROM t INDEXED BY t_a WHERE a = 'm')",
        "DELETE FROM t WHERE id = 2 RETURNING (SELECT count(*) FROM t INDEXED BY t_a WHERE a > '')",
        "INSERT INTO t VALUES(9, 'n', 9) RETURNING (SELECT count(*) FROM t INDEXED BY t_a WHERE a > '')",
        "INSERT OR REPLACE INTO t VALUES(3, 'n', 9)",
        "INSERT OR IGNORE INTO u VALUES(8, 'p', 1)",
        "INSERT INTO u VALUES(8, 'p', 1) ON CONFLICT DO UPDATE SET b = 2",
        "INSERT INTO u VALUES(8, 'p', 1)",
        "INSERT INTO t SELECT id + 10, a, b FROM t INDEXED BY t_a WHERE a > 'b'",
        "DELETE FROM t",
        "DROP INDEX t_a",
        "DROP TABLE u",
        "CREATE INDEX t_ab ON t(a, b)",
        "ALTER TABLE t RENAME COLUMN a TO z",
        "REINDEX t",
        "PRAGMA integrity_check",
        "PRAGMA quick_check",
        "SAVEPOINT s",
        "ROLLBACK",
        "COMMIT",
    ] {
        println!("{statement}");
        let both = Both::with(SCHEMA);
        both.check(statement);
        both.check("INSERT INTO t(b, id) VALUES(7, 77); DELETE FROM t WHERE id = 77; PRAGMA integrity_check");
        both.check_loosely("COMMIT; ROLLBACK");
        both.check_files();
    }
}

#[test]
fn savepoints_hold_what_waited_when_they_began() {
    let both = Both::with(SCHEMA);
    both.check(
        "SAVEPOINT s;
         INSERT INTO t VALUES(10, 'ten', 10);
         DELETE FROM t WHERE id = 3;
         ROLLBACK TO s;
         SELECT id FROM t INDEXED BY t_a WHERE a > '';
         INSERT INTO t VALUES(11, 'eleven', 11);
         SAVEPOINT r;
         INSERT INTO t VALUES(12, 'twelve', 12);
         RELEASE r;
         PRAGMA integrity_check;
         ROLLBACK TO s;
         RELEASE s;
         SELECT id FROM t INDEXED BY t_a WHERE a > ''",
    );
    both.check("COMMIT");
    both.check_files();
}

#[test]
fn a_query_that_runs_finds_them_there() {
    let both = Both::with(SCHEMA);
    let sql = "SELECT a FROM t INDEXED BY t_a WHERE a > '' ORDER BY a";
    let mut ours = both.ours.prepare(sql).unwrap();
    assert!(ours.step().unwrap());
    assert_eq!(ours.get::<String>(0).unwrap(), "Y");
    run_ours(&both.ours, "INSERT INTO t VALUES(30, 'zz', 3)").unwrap();
    run_theirs(&both.theirs, "INSERT INTO t VALUES(30, 'zz', 3)").unwrap();
    while ours.step().unwrap() {}
    drop(ours);
    both.check(sql);
    both.check("COMMIT");
    both.check_files();
}

#[test]
fn bytes_of_the_open_transaction_have_them() {
    let both = Both::with(SCHEMA);
    let bytes = both.ours.serialize("main").unwrap();
    both.ours.execute_batch("ROLLBACK").unwrap();
    let copy = aludel_sql::Connection::open_in_memory().unwrap();
    copy.deserialize("main", &bytes, Default::default()).unwrap();
    let verdict = run_ours(&copy, "PRAGMA integrity_check").unwrap();
    assert_eq!(verdict, vec![vec!["'ok'".to_owned()]]);
    let count = run_ours(&copy, "SELECT count(*) FROM t INDEXED BY t_a WHERE a > ''").unwrap();
    assert_eq!(count, vec![vec!["3".to_owned()]]);
}

#[test]
fn a_limit_on_pages_refuses_the_row() {
    let both = Both::with(
        "PRAGMA page_size = 512; CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX t_a ON t(a); PRAGMA max_page_count = 20",
    );
    both.ours.execute_batch("BEGIN").unwrap();
    let insert = |id: i64| {
        let sql = "INSERT INTO t VALUES(?1, 'some text that fills pages ' || ?1)";
        both.ours.execute(sql, (id,))
    };
    let count = (0..).find(|id| insert(*id).is_err()).unwrap();
    let full = insert(count).unwrap_err();
    assert_eq!(full.code(), 13, "{full}");
    both.ours.execute_batch("COMMIT").unwrap();
    let counted = run_ours(&both.ours, "SELECT count(*) FROM t INDEXED BY t_a WHERE a > ''").unwrap();
    assert_eq!(counted, vec![vec![count.to_string()]]);
    let sound = run_ours(&both.ours, "PRAGMA integrity_check").unwrap();
    assert_eq!(sound, vec![vec!["'ok'".to_owned()]]);
}

/// So that some are written in between.
fn little_waits(both: &Both) {
    both.ours
        .run_otherwise(Otherwise {
            waiting_bytes_max: 5_000,
            ..Otherwise::default()
        })
        .unwrap();
}

#[test]
fn many_are_written_in_between() {
    let both = Both::with(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT); CREATE INDEX t_a ON t(a); CREATE INDEX t_b ON t(b)",
    );
    little_waits(&both);
    let sql = "INSERT INTO t VALUES(?1, ?2, ?3)";
    both.check("BEGIN");
    {
        let mut ours = both.ours.prepare(sql).unwrap();
        let mut theirs = both.theirs.prepare(sql).unwrap();
        for id in 0_i64..500 {
            let (a, b) = (format!("{} is a number", id * 7919 % 503), id * 31 % 17);
            ours.execute((id, a.as_str(), b)).unwrap();
            theirs.execute((id, a, b)).unwrap();
        }
    }
    both.check("DELETE FROM t WHERE id = 432; COMMIT");
    both.check("SELECT sum(id * b) FROM t INDEXED BY t_b WHERE b > 3; PRAGMA integrity_check");
    both.check_files();
}

/// The same by one statement, which may fail after some were written.
#[test]
fn a_statement_that_fails_takes_its_entries_back() {
    let both = Both::with(
        "PRAGMA synchronous = off;
         CREATE TABLE s(id INTEGER PRIMARY KEY, a TEXT, u INT);
         CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, u INT UNIQUE);
         CREATE INDEX t_a ON t(a DESC);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
         INSERT INTO s SELECT i, (i * 7919 % 401) || ' is a number', i % 390 FROM n",
    );
    little_waits(&both);
    for or in ["", "OR FAIL", "OR IGNORE", "OR REPLACE"] {
        for begin in ["", "BEGIN"] {
            both.check(begin);
            both.check(&format!(
                "INSERT INTO t VALUES(9000, 'first', -1);
                 INSERT {or} INTO t SELECT * FROM s;
                 SELECT count(*), sum(id) FROM t INDEXED BY t_a WHERE a > '';
                 UPDATE {or} t SET a = a || 'x', u = u - id % 2 WHERE id % 3 = 1;
                 SELECT count(*), sum(id) FROM t INDEXED BY t_a WHERE a > '';
                 UPDATE t SET a = id % 100;
                 SELECT count(*), sum(id) FROM t INDEXED BY t_a WHERE a > '3';
                 DELETE FROM t WHERE id % 7 = 2;
                 DELETE FROM t WHERE a < '5';
                 PRAGMA integrity_check"
            ));
            both.check_loosely("COMMIT");
            both.check("DELETE FROM t WHERE id > 0");
        }
    }
    both.check_content();
}

/// A row is written over another, whose entries go first.
#[test]
fn rows_that_are_replaced() {
    for more in [
        "",
        "CREATE UNIQUE INDEX t_u ON t(u)",
        "CREATE INDEX t_u ON t(u, a) WHERE u > 4",
    ] {
        for begin in ["", "BEGIN"] {
            let both = Both::with(&format!(
                "PRAGMA synchronous = off;
                 CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL, u INT CHECK(u < 100), g AS (u * 2));
                 CREATE INDEX t_a ON t(a); CREATE INDEX t_g ON t(g);
                 {more};
                 {begin};
                 INSERT INTO t VALUES(1, 'one', 1), (2, 'two', 2), (3, 'three', 3), (4, 'four', 4);
                 REPLACE INTO t VALUES(2, 'zwei', 22);
                 REPLACE INTO t VALUES(2, 'zwei', 22);
                 REPLACE INTO t VALUES(3, 'trois', 4);
                 REPLACE INTO t VALUES(9, 'neun', 22);
                 REPLACE INTO t VALUES(1, NULL, 4);
                 REPLACE INTO t VALUES(1, 'eins', 100);
                 REPLACE INTO t VALUES('x', 'eins', 10);
                 INSERT OR REPLACE INTO t SELECT id, a || 'x', u + 1 FROM t;
                 REPLACE INTO t(a, u) VALUES('new', 22);
                 INSERT OR IGNORE INTO t VALUES(1, 'ignored', 50);
                 INSERT INTO t VALUES(1, 'refused', 50);
                 SELECT * FROM t;
                 SELECT id FROM t INDEXED BY t_a WHERE a > '' ORDER BY a;
                 SELECT id FROM t INDEXED BY t_g WHERE g > 0 ORDER BY g, id;
                 PRAGMA integrity_check"
            ));
            both.check_loosely("COMMIT");
            both.check_files();
        }
    }
}
