//! `diff`: what differs is found, and a patch applied by SQLite makes the second database of the first.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use aludel_tools::inspect::content::{HashOptions, content_hash};
use rusqlite::Connection;
use support::generate::{change, database};
use support::{answer, clean, dbtool, name};
use tempfile::TempDir;

/// What `dbtool hash` prints, without a process of its own.
fn hash(file: &Path) -> [u8; 20] {
    let connection = aludel_sql::Connection::open(file).unwrap();
    content_hash(&connection, &HashOptions::default()).unwrap()
}

/// A database and another that was made of it by changes.
fn pair(folder: &Path, seed: u64) -> [PathBuf; 2] {
    let [a, b] = ["a", "b"].map(|side| folder.join(format!("{seed}{side}.db")));
    database(&a, seed);
    fs::copy(&a, &b).unwrap();
    change(&b, seed);
    if seed.is_multiple_of(7) {
        // Another encoding and page size, and no row where it was.
        let sql = "PRAGMA page_size=8192; VACUUM";
        Connection::open(&b).unwrap().execute_batch(sql).unwrap();
    }
    if seed.is_multiple_of(2) { [b, a] } else { [a, b] }
}

/// What a patch does not carry over: the page size and the encoding, which are no content.
fn settings(file: &Path) -> String {
    let sql = "SELECT user_version || ' ' || application_id FROM pragma_user_version, pragma_application_id";
    Connection::open(file)
        .unwrap()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

fn sequences(file: &Path) -> String {
    let sqlite = Connection::open(file).unwrap();
    let sql =
        "SELECT coalesce(group_concat(name || seq), '') FROM (SELECT * FROM sqlite_sequence ORDER BY name)";
    sqlite.query_row(sql, [], |row| row.get(0)).unwrap_or_default()
}

#[test]
fn a_patch_makes_the_second_of_the_first_in_200_pairs() {
    // The program is a process for each call: two threads keep two of them busy.
    let different: usize = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| scope.spawn(move || patched_pairs((half..200).step_by(2))));
        halves.map(|half| half.join().unwrap()).iter().sum()
    });
    assert!(different > 120, "most pairs differ: {different}");
}

/// Patches the pairs of these seeds; how many differ.
fn patched_pairs(seeds: impl Iterator<Item = u64>) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let mut different = 0;
    for seed in seeds {
        let [a, b] = pair(folder.path(), seed);
        let same = hash(&a) == hash(&b) && settings(&a) == settings(&b);
        different += usize::from(!same);
        let sql = patch(&a, &b, same, seed);
        if seed % 10 < 2 {
            answer(&["diff", name(&a), name(&b)], i32::from(!same));
        }
        let sqlite = Connection::open(&a).unwrap();
        sqlite.execute_batch("PRAGMA synchronous=off").unwrap();
        if let Err(error) = sqlite.execute_batch(&sql) {
            panic!("seed {seed}: {error}\n{sql}");
        }
        assert_is_patched(&a, &b, &format!("seed {seed}:\n{sql}"));
        if seed % 10 < 4 {
            let more = answer(&["diff", name(&a), name(&b), "--patch"], 0);
            assert_eq!(more, "", "seed {seed}");
        }
        for file in [a, b] {
            fs::remove_file(file).unwrap();
        }
    }
    different
}

/// The patch of a pair, with the exit code that tells whether they are the same.
fn patch(a: &Path, b: &Path, same: bool, seed: u64) -> String {
    let output = dbtool(&["diff", name(a), name(b), "--patch"]);
    let sql = String::from_utf8(output.stdout).unwrap();
    // Row ids and sequences are not hashed, but patched.
    let differs = !same || !sql.is_empty();
    assert_eq!(
        output.status.code(),
        Some(i32::from(differs)),
        "seed {seed}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    sql
}

fn assert_is_patched(a: &Path, b: &Path, what: &str) {
    assert_eq!(hash(a), hash(b), "{what}");
    assert_eq!(settings(a), settings(b), "{what}");
    assert_eq!(sequences(a), sequences(b), "{what}");
    let verdict: String = Connection::open(a)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok", "{what}");
}

/// Two files of notes; the second with these changes.
fn notes(changes: &str) -> (TempDir, PathBuf, PathBuf) {
    let scene = clean();
    let other = scene.folder.path().join("other.db");
    fs::copy(&scene.file, &other).unwrap();
    let sql = format!("PRAGMA foreign_keys=off; {changes}");
    Connection::open(&other).unwrap().execute_batch(&sql).unwrap();
    (scene.folder, scene.file, other)
}

#[track_caller]
fn check(changes: &str, arguments: &[&str], expected: &str) {
    let (_folder, a, b) = notes(changes);
    let code = i32::from(expected != "same\n");
    assert_eq!(
        answer(&[&["diff", name(&a), name(&b)], arguments].concat(), code),
        expected
    );
}

#[test]
fn differences_are_told_in_words() {
    check("", &[], "same\n");
    check(
        "VACUUM; PRAGMA journal_mode=wal; PRAGMA journal_mode=delete",
        &[],
        "same\n",
    );
    check(
        "UPDATE author SET name = 'it''s' WHERE id = 2; INSERT INTO author VALUES(3, NULL); DELETE FROM author WHERE id = 1",
        &[],
        "author: 1 added, 1 removed, 1 changed, 0 same\n  - 1: id=1, name='Mike'\n  ~ 2: name 'Nick' -> 'it''s'\n  + 3: id=3, name=NULL\n",
    );
    check(
        "UPDATE tag SET weight = 2 WHERE name = 'x'; PRAGMA user_version = 5; DROP VIEW long_note; CREATE INDEX tag_weight ON tag(weight)",
        &[],
        "~ user_version: 0 -> 5\n- view long_note\n+ index tag_weight on tag\ntag: 0 added, 0 removed, 1 changed, 1 same\n  ~ 'x': weight 1.5 -> 2.0\n",
    );
    check(
        "DELETE FROM note WHERE id > 10",
        &["--summary"],
        "note: 0 added, 290 removed, 0 changed, 10 same\n",
    );
    check(
        "DELETE FROM note WHERE id < 300",
        &["--limit", "1", "--table", "author"],
        "same\n",
    );
    check(
        "DELETE FROM author",
        &["--limit", "1"],
        "author: 0 added, 2 removed, 0 changed, 0 same\n  - 1: id=1, name='Mike'\n  (1 more; --limit shows them)\n",
    );
}

/// A row whose row id changed is the same row where the table has a key of its own.
#[test]
fn rows_are_told_apart_by_the_primary_key() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a.db", "b.db"].map(|file| folder.path().join(file));
    let make = |file: &Path, rows: &str| {
        let sql = format!("CREATE TABLE k(name TEXT PRIMARY KEY, v); INSERT INTO k VALUES {rows}");
        Connection::open(file).unwrap().execute_batch(&sql).unwrap();
    };
    make(&a, "('x', 1), ('y', 2)");
    make(&b, "('y', 2), ('x', 1)");
    assert_eq!(answer(&["diff", name(&a), name(&b)], 0), "same\n");
    assert!(answer(&["diff", name(&a), name(&b), "--by-rowid"], 1).contains("2 changed"));
    let sql = answer(&["diff", name(&a), name(&b), "--patch"], 1);
    Connection::open(&a).unwrap().execute_batch(&sql).unwrap();
    assert_eq!(hash(&a), hash(&b), "{sql}");
}

#[test]
fn differences_for_programs() {
    let (_folder, a, b) = notes(
        "UPDATE author SET name = x'00' WHERE id = 1; INSERT INTO tag VALUES('z', 1e999); DROP INDEX note_title",
    );
    let run = |format: &str| answer(&["diff", name(&a), name(&b), "-f", format], 1);
    let json: serde_json::Value = serde_json::from_str(&run("json")).unwrap();
    assert_eq!(json["schema"], "dbtool/diff/1");
    assert_eq!(json["same"], false);
    assert_eq!(json["schema_objects"][0]["name"], "note_title");
    assert_eq!(json["rows"][0]["a"], "'Mike'");
    assert_eq!(
        run("csv"),
        "table,change,key,column,a,b\nauthor,changed,1,name,'Mike',X'00'\ntag,added,'z',name,,'z'\ntag,added,'z',weight,,9e999\n"
    );
    assert_eq!(run("ndjson").lines().count(), 3);
    assert!(run("md").starts_with("| table | change |"));
    assert_eq!(
        dbtool(&["diff", name(&a), name(&b), "-f", "svg"]).status.code(),
        Some(2)
    );
}

#[test]
fn pages_are_compared_physically() {
    let (_folder, a, b) = notes("UPDATE author SET name = 'Nack' WHERE id = 2");
    let json: serde_json::Value =
        serde_json::from_str(&answer(&["diff", name(&a), name(&b), "--pages", "-f", "json"], 1)).unwrap();
    // The first page has the change counter.
    assert_eq!(json["pages_changed"], 2);
    assert_eq!(json["pages"][0]["page"], 1);
    assert_eq!(json["pages"][1]["bytes"], 1);
    assert_eq!(json["same"], false);
    answer(&["diff", name(&a), name(&a), "--pages"], 0);
}

#[test]
fn wrong_calls_and_files() {
    let (folder, a, b) = notes("");
    assert_eq!(dbtool(&["diff", name(&a)]).status.code(), Some(2));
    assert_eq!(
        dbtool(&["diff", name(&a), name(&b), "--table", "nothing"])
            .status
            .code(),
        Some(2)
    );
    assert_eq!(
        dbtool(&["diff", name(&a), name(&folder.path().join("none"))])
            .status
            .code(),
        Some(3)
    );
    let mut bytes = fs::read(&b).unwrap();
    // Somewhere in the middle of the notes.
    let middle = bytes.len() / 2 / 1024 * 1024;
    bytes[middle..middle + 1024].fill(0x55);
    fs::write(&b, &bytes).unwrap();
    let output = dbtool(&["diff", name(&a), name(&b)]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert_eq!(
        dbtool(&["diff", name(&a), name(&b), "--patch"]).status.code(),
        Some(4)
    );
}
