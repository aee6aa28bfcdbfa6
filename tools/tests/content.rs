//! `hash` and `dump`, against SQLite: the hash's rule, and that a dump read by SQLite has the same content.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use sha1::{Digest, Sha1};
use support::generate::{change, database};
use support::{answer, clean, dbtool, name, scenes};

/// The hash by its rule, over rows that SQLite reads.
fn hash_by_sqlite(file: &Path) -> String {
    let sqlite = Connection::open(file).unwrap();
    let mut bytes = Vec::new();
    let mut take = |sql: &str| {
        let mut statement = sqlite.prepare(sql).unwrap();
        let count = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..count {
                match row.get_ref(column).unwrap() {
                    ValueRef::Null => bytes.push(b'0'),
                    ValueRef::Integer(v) => bytes.extend([&b"1"[..], &v.to_be_bytes()].concat()),
                    ValueRef::Real(v) => bytes.extend([&b"2"[..], &v.to_be_bytes()].concat()),
                    ValueRef::Text(v) => bytes.extend([b"3", v].concat()),
                    ValueRef::Blob(v) => bytes.extend([b"4", v].concat()),
                }
            }
        }
    };
    let mut statement = sqlite
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'create virtual%' AND name NOT LIKE 'sqlite_%'
             ORDER BY name COLLATE nocase",
        )
        .unwrap();
    let names: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for name in names {
        take(&format!("SELECT * FROM \"{}\"", name.replace('"', "\"\"")));
    }
    take("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name COLLATE nocase");
    Sha1::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What the program says.
fn hash(file: &Path) -> String {
    answer(&["hash", name(file)], 0)
        .split(' ')
        .next()
        .unwrap()
        .to_owned()
}

/// Where SQLite's own utility is there (a path in ALUDEL_DBHASH), it is asked as well.
#[test]
fn the_hash_is_that_of_dbhash_on_200_files() {
    let folder = tempfile::tempdir().unwrap();
    let utility = std::env::var_os("ALUDEL_DBHASH");
    for seed in 0..200 {
        let file = folder.path().join(format!("{seed}.db"));
        database(&file, seed);
        let found = hash(&file);
        assert_eq!(found, hash_by_sqlite(&file), "seed {seed}");
        if let Some(utility) = &utility {
            let output = Command::new(utility).arg(&file).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert_eq!(found, text.split(' ').next().unwrap(), "seed {seed}");
        }
    }
}

#[test]
fn the_hash_looks_at_content_only() {
    let scene = clean();
    let before = hash(&scene.file);
    let sqlite = Connection::open(&scene.file).unwrap();
    sqlite
        .execute_batch(
            "PRAGMA page_size=4096; VACUUM; PRAGMA journal_mode=wal; PRAGMA user_version=7; REINDEX",
        )
        .unwrap();
    assert_eq!(hash(&scene.file), before);
    sqlite
        .execute_batch("UPDATE note SET title = title || 'x' WHERE id = 3")
        .unwrap();
    assert_ne!(hash(&scene.file), before);
}

#[test]
fn the_hash_of_a_part() {
    let scene = clean();
    let file = name(&scene.file);
    let part = |arguments: &[&str]| answer(&[&["hash", file], arguments].concat(), 0)[..40].to_owned();
    let all = [
        part(&[]),
        part(&["--schema-only"]),
        part(&["--without-schema"]),
        part(&["--like", "note"]),
        part(&["--like", "t%"]),
    ];
    let different: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    assert_eq!(part(&["--like", "NOTE"]), all[3]);
    assert_eq!(
        part(&["--like", "nothing"]),
        "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    );
    assert_eq!(
        dbtool(&["hash", file, "--schema-only", "--without-schema"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn the_hash_is_that_of_the_recovered_state() {
    for scene in scenes() {
        let copy = tempfile::tempdir().unwrap();
        for (path, bytes) in support::picture(scene.folder.path()) {
            fs::write(copy.path().join(path.file_name().unwrap()), bytes).unwrap();
        }
        let found = hash(&scene.file);
        assert_eq!(
            found,
            hash_by_sqlite(&copy.path().join("notes.db")),
            "{}",
            scene.name
        );
    }
}

/// Makes a database of a dump, as the sqlite3 shell does.
fn read_back(sql: &str, file: &Path) {
    let sqlite = Connection::open(file).unwrap();
    sqlite.execute_batch("PRAGMA synchronous=off").unwrap();
    if let Err(error) = sqlite.execute_batch(sql) {
        panic!("{error}");
    }
}

#[test]
fn a_dump_read_by_sqlite_has_the_same_content() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 1000..1150 {
        let [file, back] = ["a", "b"].map(|side| folder.path().join(format!("{seed}{side}.db")));
        database(&file, seed);
        change(&file, seed);
        let sql = answer(&["dump", name(&file)], 0);
        read_back(&sql, &back);
        assert_eq!(
            hash_by_sqlite(&back),
            hash_by_sqlite(&file),
            "seed {seed}:\n{sql}"
        );
        let settings = "SELECT user_version || ' ' || application_id || ' ' || encoding
                        FROM pragma_user_version, pragma_application_id, pragma_encoding";
        let all = |file: &Path| -> (String, String) {
            let sqlite = Connection::open(file).unwrap();
            let one = |sql: &str| sqlite.query_row(sql, [], |row| row.get(0)).unwrap();
            (one(settings), one("PRAGMA integrity_check"))
        };
        assert_eq!(all(&back), all(&file), "seed {seed}");
    }
}
