//! Page checksums: created, found damage, written by SQLite, renewed.

use std::path::{Path, PathBuf};

use aludel_sql::{Backup, Connection};

use crate::both::{run_ours, run_theirs};

const CONTENT: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX tb ON t(b);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO t SELECT i, printf('%.*c', i % 90, 'x') FROM n;
    INSERT INTO t VALUES(1000, zeroblob(9000)); DELETE FROM t WHERE a BETWEEN 50 AND 90";

fn made(folder: &Path, name: &str, setup: &str) -> (PathBuf, Connection) {
    let path = folder.join(name);
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA page_checksum = on").unwrap();
    connection.execute_batch(setup).unwrap();
    connection.execute_batch(CONTENT).unwrap();
    (path, connection)
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, (), |row| row.get(0)).unwrap()
}

#[track_caller]
fn misfits(connection: &Connection) -> Vec<(i64, String)> {
    let mut statement = connection.prepare("PRAGMA page_checksum_check").unwrap();
    let rows = statement
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[track_caller]
fn check_ok(path: &Path, connection: &Connection) {
    if let Err(error) = connection.execute_batch("SELECT * FROM sqlite_schema") {
        panic!("{error:?}");
    }
    assert_eq!(
        run_ours(connection, "PRAGMA integrity_check").unwrap(),
        [["'ok'"]]
    );
    let theirs = rusqlite::Connection::open(path).unwrap();
    assert_eq!(run_theirs(&theirs, "PRAGMA integrity_check").unwrap(), [["'ok'"]]);
}

#[test]
fn every_flipped_bit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (path, connection) = made(folder.path(), "db", "PRAGMA page_size = 512");
    assert_eq!(number(&connection, "PRAGMA page_checksum"), 1);
    assert_eq!(misfits(&connection), []);
    check_ok(&path, &connection);
    drop(connection);
    let good = std::fs::read(&path).unwrap();
    let hit = folder.path().join("hit");
    // SQLite writes the file once, so that there is no seal.
    for sealed in [true, false] {
        let mut good = good.clone();
        if !sealed {
            std::fs::write(&hit, &good).unwrap();
            rusqlite::Connection::open(&hit)
                .unwrap()
                .execute_batch("UPDATE t SET b = 'new' WHERE a = 3")
                .unwrap();
            let ours = Connection::open(&hit).unwrap();
            let stale = misfits(&ours);
            assert!(!stale.is_empty() && stale.iter().all(|(_, state)| state == "stale"));
            good = std::fs::read(&hit).unwrap();
        }
        for bit in (0..good.len() * 8).step_by(if sealed { 1201 } else { 5003 }) {
            let page = bit as i64 / 8 / 512 + 1;
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&hit, &bytes).unwrap();
            let ours = Connection::open(&hit).unwrap();
            let listed = match ours
                .prepare("PRAGMA page_checksum_check")
                .and_then(|mut statement| {
                    statement
                        .query_map((), |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)))?
                        .collect::<Result<Vec<_>, _>>()
                }) {
                Ok(listed) => listed,
                Err(error) => {
                    assert!(
                        page == 1 && [11, 26].contains(&error.code()),
                        "bit {bit}: {error}"
                    );
                    continue;
                }
            };
            // Without a seal the page may be newer than its checksum; but for page 1.
            let state = if sealed || page == 1 { "damaged" } else { "stale" };
            assert!(
                listed.contains(&(page, state.to_owned())),
                "sealed {sealed}, bit {bit} of page {page}: {listed:?}"
            );
            let verdict = run_ours(&ours, "PRAGMA integrity_check").unwrap();
            let says = verdict[0][0].contains(&format!("Page {page}: checksum does not match"));
            assert!(says || !sealed, "{verdict:?}");
        }
    }
}

#[test]
fn damage_is_an_error_where_it_is_read_and_can_be_read_around() {
    let folder = tempfile::tempdir().unwrap();
    for mmap in [true, false] {
        let (path, connection) = made(folder.path(), &format!("db-{mmap}"), "");
        let root = number(
            &connection,
            "SELECT rootpage FROM sqlite_schema WHERE name = 'tb'",
        );
        let sum = number(&connection, "SELECT sum(length(b)) FROM t NOT INDEXED");
        drop(connection);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[root as usize * 4096 - 300] ^= 0x55;
        std::fs::write(&path, &bytes).unwrap();
        let options = aludel_sql::OpenOptions::new().mmap(mmap);
        let connection = Connection::open_with(&path, &options).unwrap();
        assert_eq!(
            number(&connection, "SELECT sum(length(b)) FROM t NOT INDEXED"),
            sum
        );
        let error = connection
            .execute("INSERT INTO t(b) VALUES('x')", ())
            .unwrap_err();
        assert_eq!(error.code(), 11);
        let aludel_sql::Error::Storage(aludel_storage::Error::Corrupt { page, .. }) = error else {
            panic!("{error}");
        };
        assert_eq!(page.map(|page| i64::from(page.get())), Some(root));
        assert_eq!(misfits(&connection), [(root, "damaged".to_owned())]);
        assert_eq!(
            connection
                .execute("PRAGMA page_checksum = renew", ())
                .unwrap_err()
                .code(),
            11
        );
        connection
            .execute_batch("PRAGMA checksum_verification = off; INSERT INTO t(b) VALUES('x')")
            .unwrap();
    }
}

#[test]
fn sqlite_writes_and_the_checksums_are_renewed() {
    let folder = tempfile::tempdir().unwrap();
    for setup in [
        "",
        "PRAGMA journal_mode = WAL",
        "PRAGMA auto_vacuum = FULL; PRAGMA page_size = 1024",
    ] {
        let (path, connection) = made(folder.path(), &format!("db-{}", setup.len()), setup);
        let theirs = rusqlite::Connection::open(&path).unwrap();
        for round in 0..3 {
            theirs
                .execute_batch(&format!(
                    "UPDATE t SET b = 'theirs' || a WHERE a % 7 = {round}; INSERT INTO t(b) VALUES(zeroblob(20000));
                     DELETE FROM t WHERE a = 1000; CREATE TABLE IF NOT EXISTS other(a); INSERT INTO other VALUES({round})"
                ))
                .unwrap();
            check_ok(&path, &connection);
            let stale = misfits(&connection);
            assert!(
                !stale.is_empty() && stale.iter().all(|(_, state)| state == "stale"),
                "{setup} {round} {stale:?}"
            );
            connection
                .execute_batch("UPDATE t SET b = 'ours' WHERE a % 11 = 1")
                .unwrap();
            check_ok(&path, &connection);
            assert!(misfits(&connection).len() <= stale.len());
            assert!(number(&connection, "PRAGMA page_checksum = renew") > 0);
            assert_eq!(misfits(&connection), []);
            connection
                .execute_batch("INSERT INTO t(b) VALUES('ours')")
                .unwrap();
            assert_eq!(misfits(&connection), []);
            check_ok(&path, &connection);
        }
        assert_eq!(number(&connection, "SELECT count(*) FROM other"), 3);
        drop(theirs);
        drop(connection);
        // Sealed again.
        let mut bytes = std::fs::read(&path).unwrap();
        let len = bytes.len();
        bytes[len - 600..].fill(0x5a);
        std::fs::write(&path, &bytes).unwrap();
        let connection = Connection::open(&path).unwrap();
        assert_eq!(misfits(&connection).last().unwrap().1, "damaged", "{setup}");
    }
}

#[test]
fn vacuum_and_backups_carry_them() {
    let folder = tempfile::tempdir().unwrap();
    for (at, setup) in ["", "PRAGMA page_size = 1024", "PRAGMA journal_mode = WAL"]
        .into_iter()
        .enumerate()
    {
        let path = folder.path().join(at.to_string());
        let ours = Connection::open(&path).unwrap();
        ours.execute_batch(setup).unwrap();
        ours.execute_batch(CONTENT).unwrap();
        let sum = number(&ours, "SELECT sum(length(b)) FROM t");
        let sizes = if setup.contains("WAL") {
            vec![4096]
        } else {
            vec![4096, 512, 65536, 1024]
        };
        for size in sizes {
            for on in [1, 0, 1] {
                ours.execute_batch(&format!("PRAGMA page_size = {size}; PRAGMA page_checksum = {on}"))
                    .unwrap();
                ours.execute_batch("VACUUM").unwrap();
                assert_eq!(number(&ours, "PRAGMA page_checksum"), on);
                assert_eq!(number(&ours, "PRAGMA page_size"), size);
                assert_eq!(misfits(&ours), []);
                ours.execute_batch("UPDATE t SET b = b || '' WHERE a % 3 = 0")
                    .unwrap();
                assert_eq!(misfits(&ours), []);
                check_ok(&path, &ours);
                let again = Connection::open(&path).unwrap();
                assert_eq!(number(&again, "PRAGMA page_checksum"), on);
                assert_eq!(number(&again, "SELECT sum(length(b)) FROM t"), sum);
            }
        }
        let into = folder.path().join(format!("{at}-into"));
        ours.execute("VACUUM INTO ?1", (into.to_str().unwrap(),)).unwrap();
        let copy = folder.path().join(format!("{at}-copy"));
        let mut target = Connection::open(&copy).unwrap();
        Backup::new(&ours, "main", &mut target, "main")
            .unwrap()
            .step(u32::MAX)
            .unwrap();
        let bytes = folder.path().join(format!("{at}-bytes"));
        std::fs::write(&bytes, ours.serialize("main").unwrap()).unwrap();
        for path in [&into, &copy, &bytes] {
            let copied = Connection::open(path).unwrap();
            assert_eq!(number(&copied, "PRAGMA page_checksum"), 1, "{path:?}");
            assert_eq!(misfits(&copied), [], "{path:?}");
            assert_eq!(number(&copied, "SELECT sum(length(b)) FROM t"), sum);
            check_ok(path, &copied);
        }
        // In memory there are none.
        let mut memory = Connection::open_in_memory().unwrap();
        Backup::new(&ours, "main", &mut memory, "main")
            .unwrap()
            .step(u32::MAX)
            .unwrap();
        assert_eq!(number(&memory, "PRAGMA page_checksum"), 0);
        std::fs::write(&bytes, memory.serialize("main").unwrap()).unwrap();
        let plain = Connection::open(&bytes).unwrap();
        assert_eq!(number(&plain, "PRAGMA page_checksum"), 0);
        check_ok(&bytes, &plain);
        // SQLite's own copies are stale at most.
        let theirs = rusqlite::Connection::open(&path).unwrap();
        let copy = folder.path().join(format!("{at}-theirs"));
        theirs
            .backup("main", &copy, None::<fn(rusqlite::backup::Progress)>)
            .unwrap();
        let copied = Connection::open(&copy).unwrap();
        assert!(misfits(&copied).iter().all(|(_, state)| state == "stale"));
        check_ok(&copy, &copied);
        theirs.execute_batch("VACUUM").unwrap();
        check_ok(&path, &ours);
    }
}
