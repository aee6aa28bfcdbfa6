//! Right answers: what an image shows of files that a crash left is what stock SQLite has of a copy after it recovered that.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aludel_tools::inspect::{Image, ImageOptions, connect};
use rusqlite::Connection;

/// A generator of numbers that gives the same ones again for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

fn seed() -> u64 {
    std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5eed)
}

/// Schemas that differ in what matters to pages: row ids, keys, indexes, overflow, names that need quotes.
const TABLES: &[&str] = &[
    "CREATE TABLE a(id INTEGER PRIMARY KEY, t TEXT, b BLOB); CREATE INDEX a_t ON a(t)",
    "CREATE TABLE b(k TEXT PRIMARY KEY, n, m REAL) WITHOUT ROWID",
    "CREATE TABLE c(x, y INTEGER, z TEXT COLLATE NOCASE UNIQUE)",
    "CREATE TABLE \"d \"\"q\"(id INTEGER PRIMARY KEY AUTOINCREMENT, \"group\" TEXT, total AS (id * 2))",
];

fn value(random: &mut Random) -> String {
    match random.below(8) {
        0 => "NULL".to_owned(),
        1 => (random.next() as i64).to_string(),
        2 => format!("{}", random.below(50)),
        3 => format!("{}.5e{}", random.below(1000), random.below(20)),
        4 => format!("zeroblob({})", random.below(4000)),
        5 => format!("x'{:016x}'", random.next()),
        6 => format!(
            "'it''s' || char({}, 10, 13) || '{}'",
            200 + random.below(60_000),
            random.below(99)
        ),
        _ => format!("'text {}'", random.below(1000)),
    }
}

/// One statement of some kind on some table.
fn change(random: &mut Random) -> String {
    let (v, w) = (value(random), value(random));
    let k = random.below(60);
    match random.below(9) {
        0 | 1 => format!("INSERT OR REPLACE INTO a VALUES({k}, {v}, {w})"),
        2 => format!("INSERT OR REPLACE INTO b VALUES('key {k}', {v}, {w})"),
        3 => format!("INSERT OR IGNORE INTO c VALUES({v}, {w}, 'u{k}')"),
        4 => format!("INSERT INTO \"d \"\"q\"(\"group\") VALUES({v})"),
        5 => format!("DELETE FROM a WHERE id % 7 = {}", k % 7),
        6 => format!("DELETE FROM c WHERE rowid % 5 = {}", k % 5),
        7 => format!("UPDATE a SET t = {v} WHERE id > {k}"),
        _ => format!("UPDATE b SET n = {v} WHERE k > 'key {k}'"),
    }
}

fn database(folder: &Path, random: &mut Random) -> (PathBuf, Connection) {
    let file = folder.join("a.db");
    let sqlite = Connection::open(&file).unwrap();
    let size = 512 << random.below(4);
    let mode = ["delete", "truncate", "persist", "wal", "wal"][random.below(5) as usize];
    let vacuum = random.below(3);
    let encoding = ["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"][random.below(4) as usize];
    sqlite
        .execute_batch(&format!(
            "PRAGMA encoding='{encoding}'; PRAGMA page_size={size}; PRAGMA auto_vacuum={vacuum}; PRAGMA journal_mode={mode}; \
             PRAGMA wal_autocheckpoint={}; PRAGMA synchronous=off; {}",
            20 + random.below(200),
            TABLES.join(";")
        ))
        .unwrap();
    for _ in 0..random.below(60) {
        sqlite.execute_batch(&change(random)).unwrap();
    }
    (file, sqlite)
}

/// All files of a folder under other names, some with their end cut off or a byte changed, as a machine that stops leaves them.
fn crashed(folder: &Path, to: &Path, random: &mut Random) -> PathBuf {
    for (path, mut bytes) in support::picture(folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with("-shm") && random.below(2) == 0 {
            continue;
        }
        let is_beside = name.ends_with("-wal") || name.ends_with("-journal");
        if is_beside && random.below(3) == 0 {
            let len = bytes.len() as u64;
            bytes.truncate((len - random.below(len / 2 + 1)) as usize);
        }
        if is_beside && !bytes.is_empty() && random.below(4) == 0 {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << random.below(8);
        }
        fs::write(to.join(name), bytes).unwrap();
    }
    to.join("a.db")
}

/// All rows of all tables as they are, in an order of their own.
const CONTENT: &[&str] = &[
    "SELECT type, name, sql FROM sqlite_schema ORDER BY name",
    "SELECT id, t, b FROM a ORDER BY id",
    "SELECT k, n, m FROM b ORDER BY k",
    "SELECT rowid, x, y, z FROM c ORDER BY rowid",
    "SELECT id, \"group\", total FROM \"d \"\"q\" ORDER BY id",
];

/// A value with its class, long ones by their length and end.
fn shown_value(class: char, bytes: &[u8]) -> String {
    let hex: String = bytes
        .iter()
        .rev()
        .take(60)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{class}{}:{hex} ", bytes.len())
}

/// The first line that differs.
fn first_difference(ours: &str, theirs: &str) -> Option<(String, String)> {
    let (mut ours, mut theirs) = (ours.lines(), theirs.lines());
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => return Some((a.unwrap_or("(end)").to_owned(), b.unwrap_or("(end)").to_owned())),
        }
    }
}

/// What stock SQLite has after recovery, or why it has nothing.
fn recovered(file: &Path) -> Result<String, String> {
    let copy = tempfile::tempdir().unwrap();
    for (path, bytes) in support::picture(file.parent().unwrap()) {
        fs::write(copy.path().join(path.file_name().unwrap()), bytes).unwrap();
    }
    let sqlite = Connection::open(copy.path().join("a.db")).unwrap();
    let mut all = String::new();
    for sql in CONTENT {
        stock_rows(&sqlite, sql, &mut all).map_err(|error| error.to_string())?;
    }
    Ok(all)
}

fn stock_rows(sqlite: &Connection, sql: &str, all: &mut String) -> rusqlite::Result<()> {
    let mut statement = sqlite.prepare(sql)?;
    let count = statement.column_count();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..count {
            use rusqlite::types::ValueRef;
            all.push_str(&match row.get_ref(column)? {
                ValueRef::Null => "n ".to_owned(),
                ValueRef::Integer(number) => format!("i{number} "),
                ValueRef::Real(number) => format!("r{:x} ", number.to_bits()),
                ValueRef::Text(text) => shown_value('t', text),
                ValueRef::Blob(bytes) => shown_value('b', bytes),
            });
        }
        all.push('\n');
    }
    Ok(())
}

/// The same of the image.
fn shown(image: &Arc<Image>) -> Result<String, String> {
    use aludel_sql::value::ValueRef;
    let connection = connect(image).map_err(|error| error.to_string())?;
    let mut all = String::new();
    for sql in CONTENT {
        let mut statement = connection.prepare(sql).map_err(|error| error.to_string())?;
        while statement.step().map_err(|error| error.to_string())? {
            for column in 0..statement.column_count() {
                all.push_str(&match statement.value(column) {
                    ValueRef::Null => "n ".to_owned(),
                    ValueRef::Integer(number) => format!("i{number} "),
                    ValueRef::Real(number) => format!("r{:x} ", number.to_bits()),
                    ValueRef::Text(text) => shown_value('t', text),
                    ValueRef::Blob(bytes) => shown_value('b', bytes),
                });
            }
            all.push('\n');
        }
    }
    Ok(all)
}

#[test]
fn crashed_files_show_what_sqlite_recovers() {
    let mut random = Random(seed());
    let (mut journals, mut logs, mut damaged) = (0, 0, 0);
    for round in 0..500 {
        let (live, dead) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (_file, sqlite) = database(live.path(), &mut random);
        // With no room in memory, a transaction changes the file before it commits.
        sqlite
            .execute_batch("PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN")
            .unwrap();
        for _ in 0..random.below(20) {
            sqlite.execute_batch(&change(&mut random)).unwrap();
            if random.below(6) == 0 {
                sqlite.execute_batch("COMMIT; BEGIN").unwrap();
            }
        }
        let file = crashed(live.path(), dead.path(), &mut random);
        let before = support::picture(dead.path());
        let image = Arc::new(Image::open(&file, &ImageOptions::default()).unwrap());
        journals += u32::from(image.journal().is_some());
        logs += u32::from(image.log().is_some());
        let ours = shown(&image);
        image.verify().unwrap();
        drop(image);
        assert_eq!(
            support::picture(dead.path()),
            before,
            "SEED={} round {round}",
            seed()
        );
        match (recovered(&file), ours) {
            (Ok(theirs), Ok(ours)) => {
                assert_eq!(
                    first_difference(&ours, &theirs),
                    None,
                    "SEED={} round {round}",
                    seed()
                );
            }
            // A journal that lost a part may leave a damaged file: then both say so.
            (Err(_), Err(_)) => damaged += 1,
            (theirs, ours) => panic!(
                "SEED={} round {round}: SQLite {:?}, ours {:?}",
                seed(),
                theirs.map(|_| ()),
                ours.map(|_| ())
            ),
        }
    }
    println!("{journals} hot journals, {logs} logs, {damaged} damaged for both");
    assert!(
        journals > 50 && logs > 50 && damaged < 100,
        "{journals} journals, {logs} logs, {damaged} damaged"
    );
}
