//! Files, journals and logs from SQLite to us and back, also at the same time.

use std::fs;
use std::path::PathBuf;

use super::sqlite_process::SqliteProcess;
use super::*;

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place {
        path: folder.path().join("x.db"),
        _folder: folder,
    }
}

fn open(path: &Path) -> Pager {
    Pager::open(Arc::new(OsVfs::new()), path, &PagerOptions::default()).unwrap()
}

fn user_version(pager: &mut Pager) -> i32 {
    pager.begin_read().unwrap();
    let version = pager.header().unwrap().user_version;
    pager.end_read();
    version
}

fn set_user_version(pager: &mut Pager, version: i32) -> Result<()> {
    pager.begin_write()?;
    pager.update_header(|header| header.user_version = version)?;
    pager.commit()
}

/// All pages as the pager sees them.
fn dump(pager: &mut Pager) -> Vec<Vec<u8>> {
    pager.begin_read().unwrap();
    let pages = (1..=pager.page_count())
        .map(|page| pager.page(number(page)).unwrap().to_vec())
        .collect();
    pager.end_read();
    pages
}

const FILL: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY, b); \
    WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<500) INSERT INTO t SELECT i, randomblob(50) FROM n; \
    CREATE INDEX i ON t(b);";

#[test]
fn files_that_sqlite_wrote_are_read_page_by_page() {
    for page_size in [512, 1024, 4096, 65536] {
        let place = place();
        let mut sqlite = SqliteProcess::open(&place.path);
        sqlite.ok(&format!(
            "PRAGMA page_size={page_size}; PRAGMA user_version=42; {FILL}"
        ));
        let mut pager = open(&place.path);
        let pages = dump(&mut pager);
        assert_eq!(pager.page_size(), page_size);
        assert_eq!(pages.concat(), fs::read(&place.path).unwrap());
        assert_eq!(user_version(&mut pager), 42);
        let token = pager.change_token();
        sqlite.ok("PRAGMA user_version=43");
        assert_eq!(user_version(&mut pager), 43);
        assert_ne!(pager.change_token(), token);
        // Our own commits are no news to us.
        let token = pager.change_token();
        set_user_version(&mut pager, 44).unwrap();
        assert_eq!(user_version(&mut pager), 44);
        assert_eq!(pager.change_token(), token);
        assert_eq!(sqlite.ok("PRAGMA user_version"), "44");
    }
}

#[test]
fn files_that_we_write_are_read_by_sqlite() {
    for journal_mode in ALL_MODES {
        for page_size in [512, 4096, 65536] {
            let place = place();
            let options = PagerOptions {
                journal_mode,
                page_size,
                reserved: 8,
                ..PagerOptions::default()
            };
            let mut pager = Pager::open(Arc::new(OsVfs::new()), &place.path, &options).unwrap();
            set_user_version(&mut pager, 7).unwrap();
            let mut sqlite = SqliteProcess::open(&place.path);
            assert_eq!(sqlite.ok("PRAGMA user_version"), "7");
            assert_eq!(sqlite.ok("PRAGMA page_size"), page_size.to_string());
            sqlite.ok(FILL);
            let pages = dump(&mut pager).len();
            assert_eq!(sqlite.ok("PRAGMA page_count"), pages.to_string());
            set_user_version(&mut pager, 8).unwrap();
            assert_eq!(sqlite.ok("PRAGMA user_version"), "8");
            assert_eq!(sqlite.ok("PRAGMA integrity_check"), "ok");
            let mode = if journal_mode == JournalMode::Wal {
                "wal"
            } else {
                "delete"
            };
            assert_eq!(sqlite.ok("PRAGMA journal_mode"), mode);
        }
    }
}

/// Both directions, every pair of what one holds and the other wants, in rollback mode.
#[test]
fn rollback_locks_exclude_both_ways() {
    let place = place();
    let mut sqlite = SqliteProcess::open(&place.path);
    sqlite.ok("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    let mut pager = open(&place.path);
    let busy = |answer: String| answer.starts_with("error 5:");

    pager.begin_read().unwrap();
    assert_eq!(sqlite.ok("SELECT a FROM t"), "1");
    sqlite.ok("BEGIN IMMEDIATE");
    assert!(matches!(pager.begin_write(), Err(Error::Busy)));
    sqlite.ok("UPDATE t SET a=2");
    assert!(busy(sqlite.run("COMMIT")), "our SHARED keeps EXCLUSIVE away");
    let mut late = open(&place.path);
    assert!(
        matches!(late.begin_read(), Err(Error::Busy)),
        "their PENDING keeps new readers away"
    );
    pager.end_read();
    sqlite.ok("COMMIT");
    // `late` held no lock, and SQLite's locks in the other process are not ours to lose.
    drop(late);

    pager.begin_write().unwrap();
    assert_eq!(sqlite.ok("SELECT a FROM t"), "2");
    assert!(busy(sqlite.run("BEGIN IMMEDIATE")), "our RESERVED");
    sqlite.ok("BEGIN; SELECT * FROM t");
    pager.update_header(|header| header.user_version = 9).unwrap();
    assert!(matches!(pager.commit(), Err(Error::Busy)), "their SHARED");
    assert_eq!(pager.state(), TransactionState::Write);
    assert_eq!(pager.lock_level(), crate::vfs::LockLevel::Pending);
    sqlite.ok("COMMIT");
    assert!(busy(sqlite.run("SELECT * FROM t")), "our PENDING");
    pager.commit().unwrap();
    assert_eq!(sqlite.ok("PRAGMA user_version"), "9");

    pager.begin_exclusive().unwrap();
    assert!(busy(sqlite.run("SELECT * FROM t")), "our EXCLUSIVE");
    pager.rollback().unwrap();
    sqlite.ok("BEGIN EXCLUSIVE");
    assert!(matches!(pager.begin_read(), Err(Error::Busy)), "their EXCLUSIVE");
    sqlite.ok("COMMIT");
    assert_eq!(user_version(&mut pager), 9);
}

#[test]
fn wal_locks_exclude_both_ways() {
    let place = place();
    let mut sqlite = SqliteProcess::open(&place.path);
    assert_eq!(sqlite.ok("PRAGMA journal_mode=wal"), "wal");
    sqlite.ok("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    let mut pager = open(&place.path);
    assert_eq!(user_version(&mut pager), 0);
    assert_eq!(pager.journal_mode(), JournalMode::Wal);

    pager.begin_write().unwrap();
    pager.update_header(|header| header.user_version = 1).unwrap();
    assert!(sqlite.run("BEGIN IMMEDIATE").starts_with("error 5:"));
    assert_eq!(sqlite.ok("PRAGMA user_version"), "0", "readers go on");
    sqlite.ok("BEGIN; SELECT * FROM t");
    pager.commit().unwrap();
    assert_eq!(sqlite.ok("PRAGMA user_version"), "0", "their snapshot stays");
    assert!(
        sqlite.run("UPDATE t SET a=2").starts_with("error 517:"),
        "busy snapshot"
    );
    sqlite.ok("COMMIT");
    assert_eq!(sqlite.ok("PRAGMA user_version"), "1");

    pager.begin_read().unwrap();
    sqlite.ok("PRAGMA user_version=2");
    assert_eq!(pager.header().unwrap().user_version, 1, "our snapshot stays");
    assert!(matches!(pager.begin_write(), Err(Error::BusySnapshot)));
    assert!(
        sqlite.ok("PRAGMA wal_checkpoint(TRUNCATE)").starts_with('1'),
        "our read mark is in the way"
    );
    assert_eq!(pager.header().unwrap().user_version, 1);
    pager.end_read();
    assert_eq!(sqlite.ok("PRAGMA wal_checkpoint(TRUNCATE)"), "0");
    assert_eq!(user_version(&mut pager), 2);

    sqlite.ok("BEGIN; SELECT * FROM t");
    set_user_version(&mut pager, 3).unwrap();
    let report = pager.checkpoint(CheckpointKind::Full).unwrap();
    assert_eq!(
        (report.busy, report.checkpointed_frames),
        (true, 0),
        "they read the database file alone"
    );
    assert_eq!(sqlite.ok("PRAGMA user_version"), "2");
    sqlite.ok("COMMIT");
    assert!(!pager.checkpoint(CheckpointKind::Truncate).unwrap().busy);
    assert_eq!(sqlite.ok("PRAGMA integrity_check"), "ok");
}

#[test]
fn modes_that_the_other_side_switches_are_noticed() {
    let place = place();
    let mut sqlite = SqliteProcess::open(&place.path);
    sqlite.ok(FILL);
    let mut pager = open(&place.path);
    set_user_version(&mut pager, 1).unwrap();
    assert_eq!(sqlite.ok("PRAGMA journal_mode=wal"), "wal");
    set_user_version(&mut pager, 2).unwrap();
    assert_eq!(pager.journal_mode(), JournalMode::Wal);
    assert_eq!(sqlite.ok("PRAGMA user_version"), "2");
    // As long as both are there, neither can leave.
    assert!(sqlite.run("PRAGMA journal_mode=delete").starts_with("error 5"));
    assert!(matches!(
        pager.set_journal_mode(JournalMode::Delete),
        Err(Error::Busy)
    ));
    set_user_version(&mut pager, 3).unwrap();
    drop(pager);
    assert_eq!(sqlite.ok("PRAGMA journal_mode=delete"), "delete");
    assert_eq!(sqlite.ok("PRAGMA user_version"), "3");
    let mut pager = open(&place.path);
    assert_eq!(
        pager.set_journal_mode(JournalMode::Wal).unwrap(),
        JournalMode::Wal
    );
    assert_eq!(sqlite.ok("SELECT count(*) FROM t; PRAGMA journal_mode"), "wal");
    drop(sqlite);
    assert_eq!(
        pager.set_journal_mode(JournalMode::Persist).unwrap(),
        JournalMode::Persist
    );
    assert!(!sibling_exists(&place, "-wal") && !sibling_exists(&place, "-shm"));
    set_user_version(&mut pager, 4).unwrap();
    assert!(sibling_exists(&place, "-journal"));
    assert_eq!(
        pager.set_journal_mode(JournalMode::Delete).unwrap(),
        JournalMode::Delete
    );
    assert!(!sibling_exists(&place, "-journal"));
    assert_eq!(SqliteProcess::open(&place.path).ok("PRAGMA user_version"), "4");
}

fn sibling_exists(place: &Place, suffix: &str) -> bool {
    crate::vfs::sibling(&place.path, suffix).exists()
}

#[test]
fn the_last_one_out_deletes_the_log() {
    let place = place();
    let mut pager = open(&place.path);
    pager.set_journal_mode(JournalMode::Wal).unwrap();
    set_user_version(&mut pager, 1).unwrap();
    let mut sqlite = SqliteProcess::open(&place.path);
    assert_eq!(sqlite.ok("PRAGMA user_version"), "1");
    drop(pager);
    assert!(sibling_exists(&place, "-wal"), "SQLite still uses it");
    assert_eq!(sqlite.ok("PRAGMA user_version=2; PRAGMA user_version"), "2");
    drop(sqlite);
    assert!(!sibling_exists(&place, "-wal") && !sibling_exists(&place, "-shm"));
    assert_eq!(user_version(&mut open(&place.path)), 2);
}

#[test]
fn a_log_that_a_killed_sqlite_left_is_recovered() {
    let place = place();
    let mut sqlite = SqliteProcess::open(&place.path);
    sqlite.ok("PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0");
    sqlite.ok(FILL);
    sqlite.ok("UPDATE t SET b=randomblob(60); PRAGMA user_version=5");
    // Not committed, but in the log.
    sqlite.ok("PRAGMA cache_size=2; BEGIN; UPDATE t SET b=randomblob(70); PRAGMA user_version=6");
    let expected = {
        let copy = place.path.with_extension("copy");
        fs::copy(&place.path, &copy).unwrap();
        fs::copy(
            crate::vfs::sibling(&place.path, "-wal"),
            crate::vfs::sibling(&copy, "-wal"),
        )
        .unwrap();
        sqlite.kill();
        let mut other = SqliteProcess::open(&copy);
        assert_eq!(other.ok("PRAGMA wal_checkpoint(TRUNCATE)"), "0");
        drop(other);
        fs::read(copy).unwrap()
    };
    let mut pager = open(&place.path);
    assert_eq!(dump(&mut pager).concat(), expected);
    assert_eq!(user_version(&mut pager), 5);
    set_user_version(&mut pager, 7).unwrap();
    drop(pager);
    let mut sqlite = SqliteProcess::open(&place.path);
    assert_eq!(sqlite.ok("PRAGMA user_version"), "7");
    assert_eq!(sqlite.ok("PRAGMA integrity_check"), "ok");
}

#[test]
fn a_hot_journal_that_a_killed_sqlite_left_is_rolled_back() {
    for mode in ["delete", "truncate", "persist"] {
        let place = place();
        let mut sqlite = SqliteProcess::open(&place.path);
        sqlite.ok(&format!(
            "PRAGMA journal_mode={mode}; PRAGMA user_version=5; {FILL}"
        ));
        let before = fs::read(&place.path).unwrap();
        // A cache of two pages writes the transaction to the file while it goes on.
        sqlite.ok("PRAGMA cache_size=2; BEGIN; UPDATE t SET b=randomblob(90); PRAGMA user_version=6");
        sqlite.kill();
        assert_ne!(fs::read(&place.path).unwrap(), before, "the file was changed");
        let mut reader = Pager::open(
            Arc::new(OsVfs::new()),
            &place.path,
            &PagerOptions {
                read_only: true,
                ..PagerOptions::default()
            },
        )
        .unwrap();
        assert_eq!(reader.begin_read().unwrap_err().code(), 776);
        let mut pager = open(&place.path);
        assert_eq!(user_version(&mut pager), 5);
        assert_eq!(fs::read(&place.path).unwrap(), before);
        assert!(!sibling_exists(&place, "-journal"));
        assert_eq!(user_version(&mut reader), 5);
    }
}

/// Nothing is lost when both write, each waiting for the other.
#[test]
fn both_sides_count() {
    const EACH: usize = 40;
    for mode in ["delete", "truncate", "persist", "wal"] {
        let place = place();
        let mut sqlite = SqliteProcess::open(&place.path);
        assert_eq!(sqlite.ok(&format!("PRAGMA journal_mode={mode}")), mode);
        sqlite.ok(
            "PRAGMA busy_timeout=10000; PRAGMA synchronous=off; CREATE TABLE c(n); INSERT INTO c VALUES(0)",
        );
        let options = PagerOptions {
            busy_timeout: std::time::Duration::from_secs(10),
            synchronous: Synchronous::Off,
            journal_mode: if mode == "truncate" {
                JournalMode::Truncate
            } else {
                JournalMode::Delete
            },
            ..PagerOptions::default()
        };
        let mut pager = Pager::open(Arc::new(OsVfs::new()), &place.path, &options).unwrap();
        for _ in 0..EACH {
            sqlite.send("BEGIN IMMEDIATE; UPDATE c SET n=n+1; COMMIT; SELECT 'done'");
        }
        for _ in 0..EACH {
            pager.begin_write().unwrap();
            pager.update_header(|header| header.user_version += 1).unwrap();
            pager.commit().unwrap();
        }
        for _ in 0..EACH {
            assert_eq!(sqlite.answer(), "done");
        }
        assert_eq!(sqlite.ok("SELECT n FROM c"), EACH.to_string());
        assert_eq!(user_version(&mut pager), EACH as i32);
        assert_eq!(sqlite.ok("PRAGMA integrity_check"), "ok");
    }
}
