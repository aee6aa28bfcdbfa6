//! Incremental blobs: what can be opened, what is read and written, and what ends them.

use std::io::{Read, Seek, SeekFrom, Write};

use aludel_sql::{Blob, Connection};

use crate::both::Both;

type Answer = Result<String, (String, i32)>;

fn ours_failed(error: &aludel_sql::Error) -> (String, i32) {
    (error.to_string(), error.extended_code())
}

fn theirs_failed(error: rusqlite::Error) -> (String, i32) {
    match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            (message.unwrap_or_default(), failure.extended_code)
        }
        // Its length is 0 by then, so rusqlite does not even ask.
        rusqlite::Error::BlobSizeError => (String::new(), 4),
        other => panic!("{other:?}"),
    }
}

/// Opens on both, reads all and compares.
#[track_caller]
fn open_both(both: &Both, schema: &str, table: &str, column: &str, rowid: i64, writable: bool) {
    let ours: Answer = match both.ours.blob_open(schema, table, column, rowid, writable) {
        Ok(mut blob) => {
            let mut bytes = vec![0; blob.len()];
            blob.read_at(&mut bytes, 0).unwrap();
            Ok(format!("{bytes:?}"))
        }
        Err(error) => Err(ours_failed(&error)),
    };
    let theirs: Answer = match both.theirs.blob_open(schema, table, column, rowid, !writable) {
        Ok(mut blob) => {
            let mut bytes = Vec::new();
            blob.read_to_end(&mut bytes).unwrap();
            Ok(format!("{bytes:?}"))
        }
        Err(error) => Err(theirs_failed(error)),
    };
    assert_eq!(
        ours, theirs,
        "{schema}.{table}.{column} row {rowid} writable {writable}"
    );
}

const SCHEMA: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT, k, e, f REFERENCES p(x));
    CREATE TABLE p(x PRIMARY KEY);
    CREATE INDEX tk ON t(k);
    CREATE TABLE ex(a, b); CREATE INDEX exi ON ex(a + 1);
    CREATE TABLE part(a, b); CREATE INDEX parti ON part(a) WHERE b > 1;
    CREATE TABLE w(a PRIMARY KEY, b) WITHOUT ROWID;
    CREATE TABLE g(a, b AS (a || 'x'));
    CREATE VIEW v AS SELECT a FROM t;
    CREATE TEMP TABLE tt(a);
    INSERT INTO tt VALUES(x'0102');
    INSERT INTO p VALUES(x'01');
    INSERT INTO t VALUES(1, x'00010203', 'text', x'0a', x'', x'01');
    INSERT INTO t VALUES(2, NULL, 7, 8, 1.5, NULL);
    INSERT INTO t VALUES(3, zeroblob(100000), 'x', NULL, 0, NULL);
    INSERT INTO ex VALUES(x'01', x'02');
    INSERT INTO part VALUES(x'01', x'02');
    INSERT INTO w VALUES(x'01', x'02');
    INSERT INTO g(a) VALUES(x'01');
    ALTER TABLE t ADD COLUMN late DEFAULT x'0909';
";

#[test]
fn what_can_be_opened() {
    let both = Both::with(SCHEMA);
    for foreign_keys in ["OFF", "ON"] {
        both.check(&format!("PRAGMA foreign_keys = {foreign_keys}"));
        for writable in [false, true] {
            for column in ["id", "a", "B", "k", "e", "f", "late", "nope", "rowid"] {
                for row in [1, 2, 3, 4, -1] {
                    open_both(&both, "main", "t", column, row, writable);
                }
            }
            for (schema, table, column) in [
                ("main", "ex", "a"),
                ("main", "ex", "b"),
                ("main", "part", "a"),
                ("main", "part", "b"),
                ("main", "w", "b"),
                ("main", "g", "a"),
                ("main", "v", "a"),
                ("main", "none", "a"),
                ("none", "t", "a"),
                ("temp", "tt", "a"),
                ("main", "tt", "a"),
                ("temp", "t", "a"),
                ("main", "p", "x"),
                ("main", "sqlite_schema", "name"),
                ("MAIN", "T", "A"),
            ] {
                open_both(&both, schema, table, column, 1, writable);
            }
        }
    }
    both.check_files();
}

#[test]
fn it_reads_and_writes_anywhere_also_on_overflow_pages() {
    for pages in ["512", "4096", "65536"] {
        let both = Both::new();
        both.check(&format!("PRAGMA page_size = {pages}"));
        both.check(
            "CREATE TABLE t(x, a, y);
             INSERT INTO t VALUES(printf('%.*c', 700, 'x'), zeroblob(60000), 'behind');
             INSERT INTO t VALUES(1, zeroblob(10), 2)",
        );
        let mut ours = both.ours.blob_open("main", "t", "a", 1, true).unwrap();
        let mut theirs = both.theirs.blob_open("main", "t", "a", 1, false).unwrap();
        let mut random = 7u64;
        for round in 0..200u64 {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let at = (random >> 33) as usize % 60_000;
            let len = ((random >> 20) as usize % 3000).min(60_000 - at);
            let bytes: Vec<u8> = (0..len).map(|n| (n as u64 ^ round) as u8).collect();
            ours.write_at(&bytes, at).unwrap();
            theirs.write_at(&bytes, at).unwrap();
            let mut back = vec![0; len];
            ours.read_at(&mut back, at).unwrap();
            assert_eq!(back, bytes);
        }
        ours.reopen(2).unwrap();
        theirs.reopen(2).unwrap();
        ours.write_all(b"0123456789").unwrap();
        theirs.write_all(b"0123456789").unwrap();
        assert_eq!(ours.write(b"more").unwrap(), 0, "it never grows");
        ours.close().unwrap();
        theirs.close().unwrap();
        both.check("SELECT length(x), hex(a), y FROM t");
        both.check_files();
    }
}

#[test]
fn it_reads_like_a_file() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES('0123456789')")
        .unwrap();
    let mut blob = connection.blob_open("main", "t", "a", 1, false).unwrap();
    let mut text = String::new();
    blob.read_to_string(&mut text).unwrap();
    assert_eq!(text, "0123456789");
    assert_eq!(blob.seek(SeekFrom::End(-3)).unwrap(), 7);
    let mut two = [0; 2];
    blob.read_exact(&mut two).unwrap();
    assert_eq!(&two, b"78");
    assert_eq!(blob.seek(SeekFrom::Current(-4)).unwrap(), 5);
    assert!(blob.seek(SeekFrom::Current(-6)).is_err());
    assert_eq!(blob.seek(SeekFrom::Start(100)).unwrap(), 100);
    assert_eq!(blob.read(&mut two).unwrap(), 0);
    let error = blob.write_at(b"x", 0).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (8, "attempt to write a readonly database")
    );
    for (offset, len) in [(9, 2), (11, 0), (usize::MAX, 1)] {
        assert_eq!(blob.read_at(&mut vec![0; len], offset).unwrap_err().code(), 1);
    }
    blob.read_at(&mut [], 10).unwrap();
}

/// Does the same to a blob open on each side, then reads and writes through it.
#[track_caller]
fn after(steps: &str, writable: bool, prelude: &str) {
    let both = Both::with(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES(x'010203', 1), (x'040506', 2), (x'070809', 3)",
    );
    both.check(prelude);
    let mut ours = both.ours.blob_open("main", "t", "a", 2, writable).unwrap();
    let mut theirs = both.theirs.blob_open("main", "t", "a", 2, !writable).unwrap();
    both.check(steps);
    let what = format!("after {prelude:?}, {steps:?}, writable {writable}");
    for _ in 0..2 {
        let mut bytes = [0; 3];
        let read = (
            ours.read_at(&mut bytes, 0)
                .map(|()| bytes)
                .map_err(|error| error.extended_code()),
            theirs
                .read_at_exact(&mut bytes, 0)
                .map(|()| bytes)
                .map_err(|error| theirs_failed(error).1),
        );
        assert_eq!(read.0, read.1, "reading {what}");
        let written = (
            ours.write_at(b"abc", 0).map_err(|error| error.extended_code()),
            theirs.write_at(b"abc", 0).map_err(|error| theirs_failed(error).1),
        );
        assert_eq!(written.0, written.1, "writing {what}");
        assert_eq!(ours.len(), theirs.len(), "length {what}");
    }
    both.check("SELECT hex(a), b FROM t; COMMIT; BEGIN");
    let reopened = (
        ours.reopen(1).map_err(|error| ours_failed(&error)),
        theirs.reopen(1).map_err(theirs_failed),
    );
    assert_eq!(reopened.0, reopened.1, "reopening {what}");
    let closed = (ours.close().is_ok(), theirs.close().is_ok());
    assert_eq!(closed.0, closed.1, "closing {what}");
    both.check("SELECT hex(a), b FROM t; COMMIT; SELECT count(*) FROM t");
    both.check_files();
}

#[test]
fn what_ends_a_blob() {
    for prelude in ["SELECT 1", "BEGIN", "BEGIN; UPDATE t SET b = b + 1; SAVEPOINT s"] {
        for writable in [false, true] {
            for steps in [
                "SELECT 1",
                "UPDATE t SET b = 9 WHERE rowid = 2",
                "UPDATE t SET a = x'ffffff' WHERE rowid = 2",
                "UPDATE t SET b = 9 WHERE rowid = 1",
                "UPDATE t SET b = zeroblob(5000) WHERE rowid <> 2",
                "DELETE FROM t WHERE rowid = 2",
                "DELETE FROM t WHERE rowid = 1",
                "DELETE FROM t",
                "REPLACE INTO t(rowid, a, b) VALUES(2, x'ffffff', 0)",
                "INSERT INTO t VALUES(4, 5)",
                "CREATE INDEX i ON t(b)",
                "ALTER TABLE t ADD COLUMN c",
                "DROP TABLE t",
                "CREATE TABLE u(x)",
                "VACUUM",
                "SAVEPOINT n; DELETE FROM t WHERE rowid = 3; ROLLBACK TO n; RELEASE n",
                "ROLLBACK TO s",
                "ROLLBACK",
                "COMMIT",
            ] {
                after(steps, writable, prelude);
            }
        }
    }
}

#[test]
fn a_writer_in_autocommit_commits_when_it_is_closed() {
    let both = Both::with("CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(3))");
    let elsewhere = |path: &str| rusqlite::Connection::open(path).unwrap();
    let path = both.ours.path("main").unwrap();
    let stored = || -> Vec<u8> {
        elsewhere(&path)
            .query_row("SELECT a FROM t", (), |row| row.get(0))
            .unwrap()
    };
    let mut blob: Blob<'_> = both.ours.blob_open("main", "t", "a", 1, true).unwrap();
    blob.write_all(b"abc").unwrap();
    both.ours.execute("INSERT INTO t VALUES(1)", ()).unwrap();
    assert_eq!(stored(), [0; 3]);
    let busy = elsewhere(&path)
        .execute("INSERT INTO t VALUES(2)", ())
        .unwrap_err();
    assert_eq!(theirs_failed(busy).1, 5);
    blob.close().unwrap();
    assert_eq!(stored(), b"abc");
    elsewhere(&path).execute("INSERT INTO t VALUES(2)", ()).unwrap();
}
