//! What the tests of `dbtool` share: the program, databases in the states that a file can be in, and a picture of a folder.
#![allow(dead_code)]

pub(crate) mod damage;
pub(crate) mod generate;
pub(crate) mod terminal;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rusqlite::Connection;
use tempfile::TempDir;

/// Runs the program.
pub(crate) fn dbtool(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dbtool"))
        .args(arguments)
        .output()
        .unwrap()
}

/// A path as an argument.
pub(crate) fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The standard output of a run that ends with `code`.
#[track_caller]
pub(crate) fn answer(arguments: &[&str], code: i32) -> String {
    let output = dbtool(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Each file of a folder with its bytes.
pub(crate) fn picture(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect()
}

/// A database in some state, and what keeps it there.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) folder: TempDir,
    pub(crate) file: PathBuf,
    /// Connections that are in the middle of something.
    pub(crate) live: Vec<Connection>,
    /// Rows that `SELECT count(*) FROM note` gives after recovery.
    pub(crate) rows: i64,
}

const SCHEMA: &str = "
    CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT NOT NULL, body BLOB, author INTEGER REFERENCES author(id));
    CREATE INDEX note_title ON note(title);
    CREATE TABLE author(id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE tag(name TEXT PRIMARY KEY, weight REAL) WITHOUT ROWID;
    CREATE VIEW long_note AS SELECT * FROM note WHERE length(body) > 1000;
    CREATE TRIGGER note_gone AFTER DELETE ON note BEGIN DELETE FROM tag WHERE name = old.title; END;
    INSERT INTO author VALUES(1, 'Mike'), (2, 'Nick');
    INSERT INTO tag VALUES('x', 1.5), ('y', NULL);";

const ROWS: &str = "
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
    INSERT INTO note SELECT i, 'note ' || i, zeroblob(CASE WHEN i % 50 = 0 THEN 9000 ELSE 10 * (i % 7) END), 1 + i % 2 FROM n;";

/// A file in a folder of its own, with three hundred rows.
pub(crate) fn plain(folder: &Path, journal_mode: &str) -> (PathBuf, Connection) {
    let file = folder.join("notes.db");
    let sqlite = Connection::open(&file).unwrap();
    sqlite
        .execute_batch(&format!(
            "PRAGMA page_size=1024; PRAGMA journal_mode={journal_mode}; {SCHEMA} {ROWS}"
        ))
        .unwrap();
    (file, sqlite)
}

/// Copies all files of a folder, as a machine that stops leaves them.
fn stopped(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for (path, bytes) in picture(from) {
        fs::write(to.path().join(path.file_name().unwrap()), bytes).unwrap();
    }
    to
}

fn scene(name: &'static str, folder: TempDir, live: Vec<Connection>, rows: i64) -> Scene {
    let file = folder.path().join("notes.db");
    Scene {
        name,
        folder,
        file,
        live,
        rows,
    }
}

pub(crate) fn clean() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    plain(folder.path(), "delete");
    scene("clean", folder, Vec::new(), 300)
}

/// A log that nobody wrote back; its wal-index is there or not.
pub(crate) fn log_left_over(with_index: bool) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let (_, sqlite) = plain(folder.path(), "wal");
    sqlite
        .execute_batch("PRAGMA wal_checkpoint(truncate); DELETE FROM note WHERE id > 250")
        .unwrap();
    let copy = stopped(folder.path());
    if !with_index {
        fs::remove_file(copy.path().join("notes.db-shm")).unwrap();
    }
    let name = if with_index {
        "log and wal-index left over"
    } else {
        "log left over"
    };
    scene(name, copy, Vec::new(), 250)
}

/// A journal of a transaction that had begun to change the file.
pub(crate) fn hot_journal() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let (_, sqlite) = plain(folder.path(), "delete");
    // With no room in memory, pages are written to the file before the commit, after their originals to the journal.
    sqlite.execute_batch("PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN; DELETE FROM note WHERE id % 3 = 0; UPDATE note SET title = 'changed'").unwrap();
    let copy = stopped(folder.path());
    scene("hot journal", copy, Vec::new(), 300)
}

/// A log that is being written, with a reader of an older state.
pub(crate) fn live_log() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let (file, writer) = plain(folder.path(), "wal");
    writer.execute_batch("DELETE FROM note WHERE id > 290").unwrap();
    let reader = Connection::open(&file).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM note").unwrap();
    writer.execute_batch("DELETE FROM note WHERE id > 280").unwrap();
    writer.execute_batch("BEGIN; DELETE FROM note").unwrap();
    scene("live log", folder, vec![writer, reader], 280)
}

/// A writer with a rollback journal, before its commit.
pub(crate) fn live_rollback() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let (_, writer) = plain(folder.path(), "delete");
    writer
        .execute_batch("BEGIN; DELETE FROM note WHERE id > 5")
        .unwrap();
    scene("live rollback writer", folder, vec![writer], 300)
}

/// All of them.
pub(crate) fn scenes() -> Vec<Scene> {
    vec![
        clean(),
        log_left_over(true),
        log_left_over(false),
        hot_journal(),
        live_log(),
        live_rollback(),
    ]
}
