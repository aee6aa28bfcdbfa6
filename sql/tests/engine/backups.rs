//! Online backups: what arrives, what a source that changes does to it, and what a target must be.

use std::time::Duration;

use aludel_sql::{Backup, BackupStep, Connection};

/// A source with `rows` rows, and SQLite's digest of it.
fn fill(connection: &Connection, rows: usize) {
    connection
        .execute_batch(&format!(
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX tb ON t(b); PRAGMA user_version = 7;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT INTO t SELECT i, printf('%.200c', char(97 + i % 26)) FROM n;
             CREATE VIEW v AS SELECT b FROM t"
        ))
        .unwrap();
}

fn digest(connection: &Connection) -> Vec<String> {
    let one = |sql: &str| connection.query_row(sql, (), |row| row.get::<String>(0)).unwrap();
    vec![
        one("SELECT count(*) || ' ' || total(a) || ' ' || total(length(b)) FROM t"),
        one("SELECT group_concat(name || rootpage || coalesce(sql, '')) FROM sqlite_schema"),
        one("SELECT user_version || '' FROM pragma_user_version"),
        one("PRAGMA integrity_check"),
    ]
}

#[track_caller]
fn check_with_sqlite(path: &std::path::Path) {
    let theirs = rusqlite::Connection::open(path).unwrap();
    let verdict: String = theirs
        .query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

#[test]
fn every_kind_of_database_to_every_other() {
    let setups = [
        "",
        "PRAGMA journal_mode = WAL",
        "PRAGMA page_size = 512",
        "PRAGMA page_size = 512; PRAGMA journal_mode = WAL",
        "PRAGMA page_size = 65536; PRAGMA auto_vacuum = FULL",
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    for from in setups {
        for memory in [false, true] {
            number += 1;
            let path = folder.path().join(format!("{number}-source"));
            let source = match memory {
                true => Connection::open_in_memory().unwrap(),
                false => Connection::open(&path).unwrap(),
            };
            source.execute_batch(from).unwrap();
            fill(&source, 300);
            let expected = digest(&source);
            for to in setups.iter().map(Some).chain([None]) {
                for content in [
                    "",
                    "; CREATE TABLE old(a); INSERT INTO old VALUES(zeroblob(300000))",
                ] {
                    number += 1;
                    let path = folder.path().join(format!("{number}-target"));
                    let mut target = match to {
                        Some(_) => Connection::open(&path).unwrap(),
                        None => Connection::open_in_memory().unwrap(),
                    };
                    target
                        .execute_batch(&format!("{}{content}", to.unwrap_or(&"")))
                        .unwrap();
                    let size = |connection: &Connection| {
                        connection
                            .query_row("PRAGMA page_size", (), |row| row.get::<i64>(0))
                            .unwrap()
                    };
                    let fixed = to.is_none() || to.is_some_and(|to| to.contains("WAL"));
                    let refused = fixed
                        && size(&target) != size(&source)
                        && (!content.is_empty() || to.is_some_and(|to| to.contains("WAL")));
                    let mut backup = Backup::new(&source, "main", &mut target, "main").unwrap();
                    let result = backup.run_to_completion(7, Duration::ZERO, |_| {});
                    drop(backup);
                    if refused {
                        assert_eq!(result.unwrap_err().code(), 8, "{from:?} to {to:?}{content}");
                        continue;
                    }
                    result.unwrap_or_else(|error| panic!("{from:?} to {to:?}{content}: {error}"));
                    assert_eq!(digest(&target), expected, "{from:?} to {to:?}{content}");
                    target
                        .execute_batch("INSERT INTO t(b) VALUES(1); DELETE FROM t WHERE b = 1")
                        .unwrap();
                    drop(target);
                    if to.is_some() {
                        check_with_sqlite(&path);
                        assert_eq!(digest(&Connection::open(&path).unwrap()), expected);
                    }
                }
            }
        }
    }
}

#[test]
fn changes_of_the_source_are_carried_over() {
    let folder = tempfile::tempdir().unwrap();
    for mode in ["DELETE", "WAL"] {
        let path = folder.path().join(format!("source-{mode}"));
        let source = Connection::open(&path).unwrap();
        source
            .execute_batch(&format!("PRAGMA journal_mode = {mode}"))
            .unwrap();
        fill(&source, 300);
        let copy = folder.path().join(format!("copy-{mode}"));
        let mut target = Connection::open(&copy).unwrap();
        let mut backup = Backup::new(&source, "main", &mut target, "main").unwrap();
        assert_eq!(backup.step(10).unwrap(), BackupStep::More);
        let (left, count) = (backup.remaining(), backup.page_count());
        assert_eq!(left, count - 10);
        // By the same connection: behind the line and in front of it.
        source
            .execute_batch(
                "UPDATE t SET b = 'x' || b WHERE a % 10 = 0; DELETE FROM t WHERE a BETWEEN 100 AND 120",
            )
            .unwrap();
        assert_eq!(backup.step(10).unwrap(), BackupStep::More);
        assert_eq!(backup.remaining(), backup.page_count() - 20);
        source.execute_batch("BEGIN; INSERT INTO t(b) VALUES(1)").unwrap();
        assert_eq!(backup.step(10).unwrap_err().code(), 5);
        source.execute_batch("COMMIT").unwrap();
        assert_eq!(backup.step(5).unwrap(), BackupStep::More);
        // By SQLite, as by another process: all over again.
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("INSERT INTO t(b) VALUES('theirs')").unwrap();
        assert_eq!(backup.step(1).unwrap(), BackupStep::More);
        assert_eq!(backup.remaining(), backup.page_count() - 1);
        // Vacuumed to fewer pages, and, without a log, to others.
        source
            .execute_batch("DELETE FROM t WHERE a > 150; PRAGMA page_size = 1024; VACUUM")
            .unwrap();
        assert_eq!(backup.step(2).unwrap(), BackupStep::More);
        backup.run_to_completion(3, Duration::ZERO, |_| {}).unwrap();
        assert_eq!(backup.remaining(), 0);
        assert_eq!(backup.step(1).unwrap(), BackupStep::Done);
        drop(backup);
        assert_eq!(digest(&target), digest(&source), "{mode}");
        drop(target);
        check_with_sqlite(&copy);
    }
}

#[test]
fn a_backup_that_is_given_up_leaves_the_target() {
    let folder = tempfile::tempdir().unwrap();
    let source = Connection::open_in_memory().unwrap();
    fill(&source, 100);
    let path = folder.path().join("target");
    let mut target = Connection::open(&path).unwrap();
    target
        .execute_batch("CREATE TABLE old(a); INSERT INTO old VALUES(5)")
        .unwrap();
    let reader = Connection::open(&path).unwrap();
    let old =
        |connection: &Connection| connection.query_row("SELECT a FROM old", (), |row| row.get::<i64>(0));
    let mut backup = Backup::new(&source, "main", &mut target, "main").unwrap();
    assert_eq!(backup.step(3).unwrap(), BackupStep::More);
    assert_eq!(old(&reader).unwrap_err().code(), 5, "the target is locked");
    drop(backup);
    assert_eq!(old(&reader).unwrap(), 5);
    assert_eq!(old(&target).unwrap(), 5);

    reader.execute_batch("BEGIN").unwrap();
    old(&reader).unwrap();
    let mut backup = Backup::new(&source, "main", &mut target, "main").unwrap();
    assert_eq!(backup.step(3).unwrap_err().code(), 5);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(backup.step(3).unwrap(), BackupStep::More);
    assert_eq!(backup.step(u32::MAX).unwrap(), BackupStep::Done);
    drop(backup);
    assert_eq!(digest(&target), digest(&source));
    assert!(old(&reader).unwrap_err().to_string().contains("no such table"));
    check_with_sqlite(&path);
}

#[test]
fn names_that_are_wrong_and_targets_in_use() {
    let source = Connection::open_in_memory().unwrap();
    source
        .execute_batch("ATTACH ':memory:' AS side; CREATE TABLE side.s(a)")
        .unwrap();
    let mut target = Connection::open_in_memory().unwrap();
    for (from, to) in [("none", "main"), ("main", "none")] {
        let error = Backup::new(&source, from, &mut target, to).unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            (1, "unknown database none")
        );
    }
    target.execute_batch("BEGIN; CREATE TABLE x(a)").unwrap();
    let error = Backup::new(&source, "main", &mut target, "main").unwrap_err();
    assert_eq!(error.to_string(), "destination database is in use");
    target.execute_batch("COMMIT").unwrap();
    Backup::new(&source, "side", &mut target, "temp")
        .unwrap()
        .step(u32::MAX)
        .unwrap();
    target.execute_batch("INSERT INTO temp.s VALUES(1)").unwrap();
    // An empty source makes an empty target.
    Backup::new(&source, "main", &mut target, "main")
        .unwrap()
        .step(u32::MAX)
        .unwrap();
    assert!(target.prepare("SELECT * FROM x").is_err());
    target.execute_batch("CREATE TABLE x(a)").unwrap();
}
