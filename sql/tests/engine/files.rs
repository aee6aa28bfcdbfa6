//! What a commit needs of the file's locks, and what deletions leave in its bytes.

use aludel_sql::Connection;

use crate::both::{Both, run_ours, run_theirs};

/// Commits beside a reader: those that write pages wait for it, those that do not need not.
#[test]
fn commits_beside_a_reader() {
    let both = Both::with(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(1, 2), (3, 4); CREATE TABLE e(a)",
    );
    let (our_path, their_path) = (
        both.ours.path("main").unwrap(),
        both.theirs.path().unwrap().to_owned(),
    );
    for statements in [
        "",
        "SELECT * FROM t",
        "UPDATE t SET b = 5 WHERE a = 100",
        "UPDATE t SET b = b",
        "UPDATE t SET b = 2 WHERE a = 1",
        "DELETE FROM t WHERE a = 100",
        "DELETE FROM e",
        "INSERT OR IGNORE INTO t VALUES(1, 2)",
        "INSERT INTO t SELECT 9, 9 WHERE 0",
        "SAVEPOINT s; INSERT INTO t VALUES(9, 9); ROLLBACK TO s; RELEASE s",
        "INSERT INTO t VALUES(9, 9)",
        "PRAGMA user_version = 0",
        "CREATE TABLE IF NOT EXISTS t(a)",
    ] {
        let (our_reader, their_reader) = (
            Connection::open(&our_path).unwrap(),
            rusqlite::Connection::open(&their_path).unwrap(),
        );
        our_reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        their_reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        let (ours, theirs) = (
            Connection::open(&our_path).unwrap(),
            rusqlite::Connection::open(&their_path).unwrap(),
        );
        ours.execute_batch(&format!("BEGIN IMMEDIATE; {statements}"))
            .unwrap();
        theirs
            .execute_batch(&format!("BEGIN IMMEDIATE; {statements}"))
            .unwrap();
        assert_eq!(
            run_ours(&ours, "COMMIT"),
            run_theirs(&theirs, "COMMIT"),
            "after {statements:?}"
        );
    }
}

/// Words that are deleted in every way there is are nowhere in the file afterwards.
#[test]
fn secure_delete_leaves_no_trace() {
    for (page_size, mode) in [(512, "NONE"), (1024, "FULL"), (4096, "INCREMENTAL")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(&format!(
                "PRAGMA page_size = {page_size}; PRAGMA auto_vacuum = {mode}; PRAGMA secure_delete = ON; PRAGMA synchronous = OFF;
                 CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE INDEX tb ON t(b); CREATE INDEX tc ON t(c, a);
                 CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE gone(x); CREATE INDEX gx ON gone(x)"
            ))
            .unwrap();
        let mut random = 12345u64;
        let mut below = |bound: u64| {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (random >> 33) % bound
        };
        for round in 0..16 {
            connection.execute_batch("BEGIN").unwrap();
            for _ in 0..30 {
                let (row, len) = (
                    below(200),
                    below(40) + if below(12) == 0 { below(9000) } else { 0 },
                );
                let word = format!("printf('%.*c', {len}, 'y') || 'SECRET' || {row} || 'SECRET'");
                let sql = match below(7) {
                    0..3 => format!("REPLACE INTO t VALUES({row}, {word}, {word})"),
                    3 => format!("REPLACE INTO w VALUES({row} % 50, {word})"),
                    4 => format!("UPDATE t SET b = {word} WHERE a BETWEEN {row} AND {row} + 5"),
                    5 => format!("DELETE FROM t WHERE a BETWEEN {row} AND {row} + 9"),
                    _ => format!("INSERT INTO gone VALUES({word})"),
                };
                connection.execute_batch(&sql).unwrap();
            }
            connection
                .execute_batch(if round % 5 == 4 { "ROLLBACK" } else { "COMMIT" })
                .unwrap();
            if round % 8 == 7 {
                connection
                    .execute_batch(
                        "UPDATE t SET b = 'x' || a, c = zeroblob(length(c) % 300); UPDATE w SET v = NULL; DELETE FROM w WHERE k % 2;
                         DELETE FROM t WHERE a % 3 = 0; DROP TABLE gone; CREATE TABLE gone(x); CREATE INDEX gx ON gone(x);
                         PRAGMA incremental_vacuum",
                    )
                    .unwrap();
                let bytes = std::fs::read(&path).unwrap();
                let trace = bytes.windows(6).position(|window| window == b"SECRET");
                assert_eq!(
                    trace.map(|at| at / page_size + 1),
                    None,
                    "page size {page_size}, round {round}: a trace on this page"
                );
            }
        }
        assert_eq!(
            run_ours(&connection, "PRAGMA integrity_check").unwrap(),
            [["'ok'"]]
        );
    }
}
