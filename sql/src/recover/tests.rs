use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aludel_storage::btree::TreeKind;
use aludel_storage::format::PageNo;
use aludel_storage::maintenance::Salvage;
use aludel_storage::vfs::OsVfs;

use super::{RecoverOptions, RecoverReport, recover};
use crate::error::Error;

const PAGE_SIZE: usize = 1024;

/// A file of real SQLite with all kinds of things in it.
fn sample(file: &Path, pragmas: &str) {
    let sqlite = rusqlite::Connection::open(file).unwrap();
    sqlite
        .execute_batch(&format!(
            "PRAGMA page_size = {PAGE_SIZE}; {pragmas};
             CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a UNIQUE, b TEXT, c REAL);
             CREATE TABLE plain(x, y);
             CREATE TABLE k(x TEXT, y, z, PRIMARY KEY(z, x)) WITHOUT ROWID;
             CREATE TABLE g(a INT CHECK(a > 0), b AS (a * 2), c AS (a + 1) STORED, d TEXT DEFAULT 'new');
             CREATE INDEX t_b ON t(b, a); CREATE INDEX g_c ON g(c) WHERE a > 5;
             CREATE VIEW v AS SELECT a FROM t;
             CREATE TRIGGER r AFTER INSERT ON plain BEGIN DELETE FROM t; END;
             CREATE TABLE n(i) ;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
             INSERT INTO t SELECT i * 3, 'a' || i, 'text ' || (i * 7919 % 1009), i FROM n;
             UPDATE t SET b = hex(zeroblob(2000 + id)) WHERE id % 60 = 0;
             INSERT INTO k SELECT b, a, id FROM t; INSERT INTO g(a) SELECT id FROM t WHERE id < 200;
             ALTER TABLE n ADD COLUMN late DEFAULT 'early'; INSERT INTO n(i) SELECT id FROM t WHERE id < 30;
             DELETE FROM t WHERE id > 1150; ANALYZE"
        ))
        .unwrap();
    let mut plain = sqlite.prepare("INSERT INTO plain VALUES(?, ?)").unwrap();
    sqlite.execute_batch("DROP TRIGGER r").unwrap();
    for i in 0..100 {
        plain
            .execute((i, (0..i * 30).map(|b| b as u8).collect::<Vec<u8>>()))
            .unwrap();
    }
    sqlite
        .execute_batch("CREATE TRIGGER r AFTER INSERT ON plain BEGIN DELETE FROM t; END")
        .unwrap();
}

const TABLES: [(&str, &str); 6] = [
    ("t", "id"),
    ("plain", "rowid"),
    ("k", "z, x"),
    ("g", "rowid"),
    ("n", "rowid"),
    ("sqlite_sequence", "name"),
];

type Rows = BTreeMap<String, BTreeSet<String>>;

/// All rows of all tables as text, as SQLite reads them.
fn rows_of(file: &Path) -> Rows {
    let sqlite = rusqlite::Connection::open(file).unwrap();
    let mut all = Rows::new();
    for (table, key) in TABLES {
        let mut found = BTreeSet::new();
        if let Ok(mut statement) = sqlite.prepare(&format!("SELECT {key}, * FROM {table}")) {
            let count = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let values: Vec<_> = (0..count).map(|i| row.get_ref(i).unwrap()).collect();
                found.insert(format!("{values:?}"));
            }
        }
        all.insert(table.to_owned(), found);
    }
    all
}

#[track_caller]
fn recovered(folder: &Path, damaged: &Path) -> (RecoverReport, Rows) {
    let target = folder.join("new.db");
    let _ = std::fs::remove_file(&target);
    let report = recover(damaged, &target, &RecoverOptions::new()).unwrap();
    let sqlite = rusqlite::Connection::open(&target).unwrap();
    sqlite
        .execute_batch("PRAGMA ignore_check_constraints = on")
        .unwrap();
    let verdict: String = sqlite
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    drop(sqlite);
    let rows = rows_of(&target);
    (report, rows)
}

#[test]
fn a_sound_file_is_taken_over_whole() {
    let folder = tempfile::tempdir().unwrap();
    for pragmas in [
        "",
        "PRAGMA encoding = 'UTF-16le'",
        "PRAGMA encoding = 'UTF-16be'; PRAGMA auto_vacuum = 1",
        "PRAGMA user_version = 77; PRAGMA application_id = -5",
    ] {
        let file = folder.path().join("sample.db");
        let _ = std::fs::remove_file(&file);
        sample(&file, pragmas);
        let before = std::fs::read(&file).unwrap();
        let (report, rows) = recovered(folder.path(), &file);
        assert!(report.is_whole(), "{report:#?}");
        assert_eq!(rows, rows_of(&file));
        assert!(
            before == std::fs::read(&file).unwrap(),
            "the damaged file is only read"
        );
        let one = |file: &Path, sql: &str| -> String {
            let sqlite = rusqlite::Connection::open(file).unwrap();
            sqlite.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        let target = folder.path().join("new.db");
        for sql in [
            "SELECT group_concat(name || ' ' || sql, ';') FROM (SELECT * FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_stat%' ORDER BY name)",
            "SELECT encoding FROM pragma_encoding",
            "SELECT user_version || ' ' || auto_vacuum FROM pragma_user_version, pragma_auto_vacuum",
            "SELECT '' || application_id FROM pragma_application_id",
            "SELECT group_concat(tbl || idx || stat) FROM (SELECT * FROM sqlite_stat1 ORDER BY idx, tbl)",
        ] {
            assert_eq!(one(&target, sql), one(&file, sql), "{pragmas}: {sql}");
        }
    }
}

#[test]
fn what_is_in_the_log_counts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.db");
    sample(&file, "PRAGMA journal_mode = wal");
    let sqlite = rusqlite::Connection::open(&file).unwrap();
    sqlite
        .execute_batch("DELETE FROM t WHERE id % 2 = 0; INSERT INTO n VALUES('in the log', 1)")
        .unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(&file, &copy).unwrap();
    std::fs::copy(
        folder.path().join("sample.db-wal"),
        folder.path().join("copy.db-wal"),
    )
    .unwrap();
    let (report, rows) = recovered(folder.path(), &copy);
    assert!(report.is_whole(), "{report:#?}");
    assert_eq!(rows, rows_of(&file));
}

#[test]
fn a_hot_journal_counts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.db");
    sample(&file, "");
    let before = rows_of(&file);
    let sqlite = rusqlite::Connection::open(&file).unwrap();
    // Spills in mid-transaction: the file holds a part of it, the journal the rest of what was.
    sqlite
        .execute_batch("PRAGMA cache_size = 3; BEGIN; UPDATE t SET b = b || 'x'; DELETE FROM k; DELETE FROM plain WHERE x > 50")
        .unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(&file, &copy).unwrap();
    std::fs::copy(
        folder.path().join("sample.db-journal"),
        folder.path().join("copy.db-journal"),
    )
    .unwrap();
    let (report, rows) = recovered(folder.path(), &copy);
    assert!(report.is_whole(), "{report:#?}");
    assert_eq!(rows, before);
}

/// Rows that lie on sound leaves without an overflow chain, by table and row id.
fn rows_by_page(file: &Path) -> Vec<(String, i64, u32)> {
    let sqlite = rusqlite::Connection::open(file).unwrap();
    let mut salvage = Salvage::open(&OsVfs::new(), file).unwrap();
    let mut found = Vec::new();
    for table in ["t", "plain", "g", "n"] {
        let root: u32 = sqlite
            .query_row(
                "SELECT rootpage FROM sqlite_schema WHERE name = ?",
                [table],
                |row| row.get(0),
            )
            .unwrap();
        salvage
            .walk::<Error>(PageNo::new(root).unwrap(), TreeKind::Table, &mut |row| {
                if row.total < PAGE_SIZE - 35 {
                    found.push((table.to_owned(), row.rowid.unwrap(), row.page.get()));
                }
                Ok(())
            })
            .unwrap();
    }
    found
}

fn next(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// Whole pages are lost: every row of the others is there, in its table or in lost_and_found, and no row that never was.
#[test]
fn rows_of_sound_pages_are_kept_and_none_is_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.db");
    sample(&file, "");
    let (intact, by_page) = (rows_of(&file), rows_by_page(&file));
    let bytes = std::fs::read(&file).unwrap();
    let damaged = folder.path().join("damaged.db");
    for seed in 0..60u64 {
        let mut state = seed;
        let mut bad = bytes.clone();
        let mut lost = BTreeSet::new();
        for _ in 0..1 + next(&mut state) % 16 {
            let page = 1 + next(&mut state) % (bytes.len() / PAGE_SIZE) as u64;
            let at = (page as usize - 1) * PAGE_SIZE;
            bad[at..at + PAGE_SIZE].fill(if seed % 2 == 0 { 0 } else { 0xff });
            lost.insert(page as u32);
        }
        std::fs::write(&damaged, &bad).unwrap();
        let (report, rows) = recovered(folder.path(), &damaged);
        for (table, found) in &rows {
            let cut = report
                .tables
                .iter()
                .any(|it| it.name == *table && it.found.cut > 0);
            // A counter may be behind what it was, and a row that is cut is not what it was.
            if table != "sqlite_sequence" && !cut {
                // What is wrong in an overflow page cannot be seen.
                let new = found.difference(&intact[table]).filter(|row| row.len() < 900);
                let new: Vec<_> = new.collect();
                assert!(new.is_empty(), "seed {seed}: {table} has {new:?}");
            }
        }
        let sqlite = rusqlite::Connection::open(folder.path().join("new.db")).unwrap();
        let count =
            |sql: &str, rowid: i64| -> i64 { sqlite.query_row(sql, [rowid], |row| row.get(0)).unwrap_or(0) };
        for (table, rowid, page) in by_page.iter().filter(|(_, _, page)| !lost.contains(page)) {
            let there = count(&format!("SELECT count(*) FROM {table} WHERE rowid = ?"), *rowid)
                + count(
                    &format!("SELECT count(*) FROM lost_and_found WHERE pgno = {page} AND id = ?"),
                    *rowid,
                );
            assert!(
                there > 0,
                "seed {seed}: row {rowid} of {table} on page {page} is lost, damaged were {lost:?}: {report:#?}"
            );
        }
    }
}

/// Bytes are wrong here and there: whatever comes out, it is a sound database, and nothing panics or hangs.
#[test]
fn files_with_wrong_bytes_become_sound_ones() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.db");
    sample(&file, "PRAGMA auto_vacuum = 2");
    let bytes = std::fs::read(&file).unwrap();
    let damaged = folder.path().join("damaged.db");
    for seed in 0..60u64 {
        let mut state = seed ^ 0x5eed;
        let mut bad = bytes.clone();
        for _ in 0..1 + next(&mut state) % 40 {
            let mut at = next(&mut state) as usize % bad.len();
            if next(&mut state).is_multiple_of(2) {
                at = at / PAGE_SIZE * PAGE_SIZE + at % 24;
            }
            bad[at] = next(&mut state) as u8;
        }
        if next(&mut state).is_multiple_of(5) {
            bad.truncate(next(&mut state) as usize % bad.len());
        }
        std::fs::write(&damaged, &bad).unwrap();
        recovered(folder.path(), &damaged);
    }
}

/// A damaged first page: its page size is guessed, and the rest of the schema found.
#[test]
fn without_a_header_the_page_size_is_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.db");
    sample(&file, "");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..100].fill(0x55);
    std::fs::write(&file, &bytes).unwrap();
    let target = folder.path().join("new.db");
    let report = recover(&file, &target, &RecoverOptions::new()).unwrap();
    assert!(!report.header_was_sound);
    let kept = |name: &str| {
        let table = report.tables.iter().find(|table| table.name == name);
        table.map_or(0, |table| table.kept)
    };
    assert_eq!(
        (kept("t"), kept("plain"), kept("k")),
        (383, 100, 400),
        "{report:#?}"
    );
}

#[test]
fn what_is_there_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.db");
    sample(&file, "");
    assert!(matches!(
        recover(&file, &file, &RecoverOptions::new()),
        Err(Error::Misuse { .. })
    ));
}
