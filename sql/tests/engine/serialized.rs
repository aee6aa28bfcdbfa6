//! Databases as bytes: each engine takes what the other gives.

use std::io::Cursor;

use aludel_sql::{Connection, DeserializeOptions};

const CONTENT: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX tb ON t(b);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, zeroblob(i) FROM n;
    DELETE FROM t WHERE a % 7 = 0";

fn sum(connection: &Connection) -> i64 {
    connection
        .query_row("SELECT sum(length(b)) FROM t", (), |row| row.get(0))
        .unwrap()
}

fn their_sum(connection: &rusqlite::Connection) -> i64 {
    connection
        .query_row("SELECT sum(length(b)) FROM t", (), |row| row.get(0))
        .unwrap()
}

#[test]
fn bytes_are_those_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for (at, setup) in [
        "",
        "PRAGMA journal_mode = WAL",
        "PRAGMA page_size = 512",
        "PRAGMA auto_vacuum = 1",
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.path().join(at.to_string());
        let ours = Connection::open(&path).unwrap();
        ours.execute_batch(setup).unwrap();
        if setup.is_empty() {
            assert!(ours.serialize("main").unwrap().is_empty());
        }
        ours.execute_batch(CONTENT).unwrap();
        let bytes = ours.serialize("main").unwrap();
        let mut theirs = rusqlite::Connection::open(&path).unwrap();
        assert_eq!(bytes, &theirs.serialize("main").unwrap()[..], "{setup}");
        let expected = their_sum(&theirs);

        let copy = Connection::open(folder.path().join("other")).unwrap();
        copy.deserialize("main", &bytes, DeserializeOptions::new())
            .unwrap();
        assert_eq!((sum(&copy), copy.path("main").unwrap().as_str()), (expected, ""));
        copy.execute_batch("INSERT INTO t(b) VALUES(zeroblob(100000)); PRAGMA integrity_check")
            .unwrap();
        assert_eq!(sum(&copy), expected + 100_000);
        if !setup.contains("WAL") {
            let mut copy = rusqlite::Connection::open_in_memory().unwrap();
            copy.deserialize_read_exact("main", Cursor::new(&bytes), bytes.len(), true)
                .unwrap();
            assert_eq!(their_sum(&copy), expected);
        }
        // What the transaction changed is in it.
        ours.execute_batch("BEGIN; DELETE FROM t WHERE a > 10").unwrap();
        copy.deserialize(
            "main",
            &ours.serialize("main").unwrap(),
            DeserializeOptions::new(),
        )
        .unwrap();
        assert_eq!(sum(&copy), sum(&ours));
        ours.execute_batch("ROLLBACK").unwrap();
    }
}

#[test]
fn read_only_fixed_and_refused() {
    let source = Connection::open_in_memory().unwrap();
    source.execute_batch(CONTENT).unwrap();
    let bytes = source.serialize("MAIN").unwrap();
    let copy = Connection::open_in_memory().unwrap();
    copy.deserialize("main", &bytes, DeserializeOptions::new().read_only(true))
        .unwrap();
    assert_eq!(sum(&copy), sum(&source));
    let error = copy.execute("DELETE FROM t", ()).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (8, "attempt to write a readonly database")
    );

    copy.deserialize("main", &bytes, DeserializeOptions::new().resizable(false))
        .unwrap();
    copy.execute("DELETE FROM t WHERE a = 5", ()).unwrap();
    let error = copy
        .execute("INSERT INTO t(b) VALUES(zeroblob(1000000))", ())
        .unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (13, "database or disk is full")
    );
    assert_eq!(sum(&copy), sum(&source) - 5);

    let refused = |schema: &str, bytes: &[u8]| {
        copy.deserialize(schema, bytes, DeserializeOptions::new())
            .unwrap_err()
    };
    assert_eq!(refused("none", &bytes).to_string(), "unknown database none");
    assert_eq!(refused("temp", &bytes).code(), 1);
    assert_eq!(refused("main", b"no database at all").code(), 26);
    assert_eq!(refused("main", &bytes[..bytes.len() - 5000]).code(), 11);
    copy.execute_batch("BEGIN; SELECT * FROM t").unwrap();
    copy.query_row("SELECT 1 FROM t", (), |_| Ok(())).unwrap();
    assert_eq!(refused("main", &bytes).code(), 5);
    copy.execute_batch("COMMIT; ATTACH ':memory:' AS side").unwrap();
    copy.deserialize("side", &bytes, DeserializeOptions::new())
        .unwrap();
    assert_eq!(
        copy.query_row("SELECT count(*) FROM side.t", (), |row| row.get::<i64>(0))
            .unwrap(),
        258
    );
    copy.deserialize("side", &[], DeserializeOptions::new()).unwrap();
    assert!(copy.prepare("SELECT * FROM side.t").is_err());
}
