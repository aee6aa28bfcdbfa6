//! Files to damage: those of a folder, and files of each shape that SQLite makes here.

use std::path::Path;

use rusqlite::Connection;

use super::Image;

/// A file to damage, by its name.
#[derive(Clone, Debug)]
pub(super) struct Seed {
    pub(super) name: String,
    pub(super) image: Image,
}

/// The files of the folder, in the order of their names.
pub(super) fn of_folder(folder: &Path) -> Result<Vec<Seed>, String> {
    let said = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(said)? {
        let path = entry.map_err(said)?.path();
        if path.extension().is_some_and(|extension| extension == "db") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            seeds.push(Seed {
                name: name.into_owned(),
                image: Image::read(&path).map_err(said)?,
            });
        }
    }
    seeds.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(seeds)
}

/// What each made file begins with, by name.
const SHAPES: [(&str, &str); 10] = [
    ("plain-512", "PRAGMA page_size = 512"),
    ("plain-1024", "PRAGMA page_size = 1024"),
    ("plain-4096", "PRAGMA page_size = 4096"),
    ("plain-65536", "PRAGMA page_size = 65536"),
    ("auto-512", "PRAGMA page_size = 512; PRAGMA auto_vacuum = 1"),
    (
        "incremental-1024",
        "PRAGMA page_size = 1024; PRAGMA auto_vacuum = 2",
    ),
    (
        "utf16le-512",
        "PRAGMA page_size = 512; PRAGMA encoding = 'UTF-16le'",
    ),
    (
        "utf16be-1024",
        "PRAGMA page_size = 1024; PRAGMA encoding = 'UTF-16be'",
    ),
    ("log-512", "PRAGMA page_size = 512; PRAGMA journal_mode = wal"),
    ("journal-512", "PRAGMA page_size = 512"),
];

/// Trees of all kinds, overflow chains, free pages; the numbers say how large.
fn content(rows: usize) -> String {
    format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a, b TEXT UNIQUE, c REAL);
         CREATE INDEX t_a ON t(a DESC, c); CREATE INDEX t_x ON t(a + 1) WHERE a > 9;
         CREATE TABLE k(x TEXT COLLATE NOCASE, y, z BLOB, w DEFAULT 'w', PRIMARY KEY(x, y)) WITHOUT ROWID;
         CREATE INDEX k_z ON k(z);
         CREATE TABLE g(p, q AS (p * 2) STORED, r DEFAULT 'r' NOT NULL, CHECK(p IS NOT -7));
         CREATE VIEW v AS SELECT a, x FROM t JOIN k ON k.y = t.id;
         CREATE TRIGGER r AFTER DELETE ON t BEGIN UPDATE g SET p = old.id WHERE p = 1; END;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO t(a, b, c) SELECT i * 7919 % 101, 'text ' || i, i / 3.0 FROM n;
         UPDATE t SET a = zeroblob(300 + id * 11) WHERE id % 17 = 0;
         INSERT INTO k(x, y, z) SELECT b, id, a FROM t; INSERT INTO g(p) SELECT id FROM t WHERE id <= {rows} / 3;
         ALTER TABLE g ADD COLUMN late DEFAULT 12;
         DELETE FROM t WHERE id % 5 = 2; DELETE FROM k WHERE y > {rows} * 3 / 4;
         ANALYZE"
    )
}

/// Makes the files in a scratch folder.
pub(super) fn made() -> Result<Vec<Seed>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut seeds = Vec::new();
    for (name, pragmas) in SHAPES {
        let file = folder.path().join(name);
        let image = make(&file, name, pragmas).map_err(|error| format!("{name}: {error}"))?;
        seeds.push(Seed {
            name: name.to_owned(),
            image,
        });
    }
    Ok(seeds)
}

fn make(file: &Path, name: &str, pragmas: &str) -> Result<Image, Box<dyn std::error::Error>> {
    let rows = if name.ends_with("65536") { 400 } else { 120 };
    let connection = Connection::open(file)?;
    connection.execute_batch(pragmas)?;
    connection.execute_batch(&content(rows))?;
    if name.starts_with("log") {
        connection.execute_batch("PRAGMA wal_checkpoint(truncate)")?;
        connection.execute_batch(
            "UPDATE t SET c = c + 1; INSERT INTO g(p) VALUES(1), (2); DELETE FROM k WHERE y < 20",
        )?;
        return Ok(Image::read(file)?);
    }
    if name.starts_with("journal") {
        // What a process leaves that dies in the middle of a transaction which had to spill.
        connection.execute_batch(
            "PRAGMA cache_size = 2; BEGIN; UPDATE t SET c = c + 1; DELETE FROM k WHERE y < 90",
        )?;
        return Ok(Image::read(file)?);
    }
    drop(connection);
    Ok(Image::read(file)?)
}
