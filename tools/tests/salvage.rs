//! `salvage` on damaged files: 89 classes of damage, each with several seeds.
//!
//! Every row has a name and a text that belongs to it, so that a right row is known wherever it is found, in its table or in
//! `lost_and_found`. At least the rows on pages that nobody touched must be there, and a new file in which a row is missing must not be called
//! whole, but for what nobody can see ([`BLIND`]). With a shell of SQLite that has `.recover` (a command in ALUDEL_RECOVER_SHELL), there are at
//! least as many right rows in each class as it finds.
//!
//! Everything runs within 256 MB of address space and some seconds. ALUDEL_SALVAGE_SEEDS: how many seeds each class has. ALUDEL_DATA: a folder
//! whose `fuzzdb` has damaged files of all kinds, of which every ALUDEL_SALVAGE_STRIDE-th is taken.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use aludel_storage::btree::TreeKind;
use aludel_storage::format::PageNo;
use aludel_storage::maintenance::Salvage;
use aludel_storage::vfs::OsVfs;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use support::damage::{CLASSES, Pages};
use support::generate::Random;
use support::{answer, dbtool, name};

/// A sound file: trees of three levels, long rows, a table without row ids, free pages.
fn sample(file: &Path, pragmas: &str) {
    let sqlite = Connection::open(file).unwrap();
    sqlite
        .execute_batch(&format!(
            "PRAGMA page_size=1024; {pragmas}; PRAGMA synchronous=off; BEGIN;
             CREATE TABLE note(id INTEGER PRIMARY KEY, name TEXT, body TEXT, n REAL);
             CREATE TABLE long(name TEXT, body TEXT);
             CREATE TABLE pair(k INT, name TEXT, body TEXT, PRIMARY KEY(k, name)) WITHOUT ROWID;
             CREATE TABLE small(name TEXT UNIQUE, body TEXT, late DEFAULT 5);
             CREATE INDEX note_name ON note(name, n); CREATE INDEX note_n ON note(n);
             CREATE VIEW v AS SELECT name FROM note;
             CREATE TRIGGER r AFTER DELETE ON small BEGIN DELETE FROM note; END;
             CREATE TABLE gone(x);
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
             INSERT INTO note SELECT i, 'row-note-' || i, printf('body of %d %.*c', i, i * 7 % 90, 'x'), i / 3.0 FROM n;
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
             INSERT INTO long SELECT 'row-long-' || i, printf('long %d %.*c', i, i * 331, 'y') FROM n;
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
             INSERT INTO pair SELECT i * 7919 % 301, 'row-pair-' || i, printf('pair %d %.*c', i, i % 60, 'z') FROM n;
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
             INSERT INTO small SELECT 'row-small-' || i, 'small ' || i, i FROM n;
             INSERT INTO gone SELECT body FROM note; DROP TABLE gone; COMMIT"
        ))
        .unwrap();
}

/// Damage that nothing in the file shows, because a byte of a value is a byte like any other: the new file may be called whole although so
/// many rows, at most, are not what they were. A class of which no seed does that any more is to be taken off.
const BLIND: &[(&str, usize, &str)] = &[
    ("file: a wrong byte", 1, "it may be one of a value"),
    (
        "file: wrong bytes here and there",
        30,
        "each may be one of a value",
    ),
    (
        "table leaf: overflow page",
        1,
        "the last bytes of a cell without an overflow page are those of its last value",
    ),
    (
        "table leaf: record header",
        1,
        "a text becomes a blob, or an integer a real, of the same length",
    ),
    (
        "any page: zero",
        1,
        "the last page of an overflow chain is all values",
    ),
];

/// With how many seeds a class of [`BLIND`] is tried at least, so that one of them shows it.
const BLIND_SEEDS: u64 = 12;

/// The text that belongs to each row's name.
type Rows = BTreeMap<String, String>;

/// The rows of a file that are right, wherever they are.
fn right_rows(file: &Path, known: &Rows) -> BTreeSet<String> {
    let sqlite = Connection::open(file).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut names = sqlite.prepare(sql).unwrap();
    let tables: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().flatten().collect();
    let mut right = BTreeSet::new();
    for table in tables {
        let Ok(mut statement) = sqlite.prepare(&format!("SELECT * FROM \"{}\"", table.replace('"', "\"\"")))
        else {
            continue;
        };
        let count = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Ok(Some(row)) = rows.next() {
            let text = |column| match row.get_ref(column) {
                Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
                _ => String::new(),
            };
            for column in 1..count {
                let row_name = text(column - 1);
                if known.get(&row_name).is_some_and(|body| *body == text(column)) {
                    right.insert(row_name);
                }
            }
        }
    }
    right
}

/// The rows of the sound file, and of each the page that it lies on; none for a row of several pages.
struct Sound {
    bytes: Vec<u8>,
    pages: Pages,
    rows: Rows,
    place: BTreeMap<String, usize>,
}

fn sound(folder: &Path, pragmas: &str) -> Sound {
    let file = folder.join("sound.db");
    let _ = fs::remove_file(&file);
    sample(&file, pragmas);
    let (mut rows, mut place) = (Rows::new(), BTreeMap::new());
    let sqlite = Connection::open(&file).unwrap();
    for (table, kind) in [
        ("note", TreeKind::Table),
        ("long", TreeKind::Table),
        ("pair", TreeKind::Index),
        ("small", TreeKind::Table),
    ] {
        let mut statement = sqlite
            .prepare(&format!("SELECT name, body FROM {table}"))
            .unwrap();
        let found = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        let found: Rows = found.map(Result::unwrap).collect();
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?";
        let root: u32 = sqlite.query_row(sql, [table], |row| row.get(0)).unwrap();
        let mut salvage = Salvage::open(&OsVfs::new(), &file).unwrap();
        salvage
            .walk::<aludel_storage::Error>(PageNo::new(root).unwrap(), kind, &mut |row| {
                let payload = String::from_utf8_lossy(row.payload).into_owned();
                // The name is followed by the text, which begins with the table's word.
                let start = payload.find("row-").unwrap();
                let rest = &payload[start..];
                let of_row = found
                    .keys()
                    .filter(|name| rest.starts_with(&***name))
                    .max_by_key(|name| name.len());
                if row.total < 900 {
                    place.insert(of_row.unwrap().clone(), row.page.get() as usize - 1);
                }
                Ok(())
            })
            .unwrap();
        rows.extend(found);
    }
    drop(sqlite);
    let pages = Pages::of(&file);
    Sound {
        bytes: fs::read(&file).unwrap(),
        pages,
        rows,
        place,
    }
}

impl Sound {
    /// The rows that lie on pages which are as they were.
    fn untouched(&self, damaged: &[u8]) -> BTreeSet<&String> {
        let size = self.pages.size;
        let is_whole = |page: usize| {
            damaged.get(page * size..(page + 1) * size) == Some(&self.bytes[page * size..(page + 1) * size])
        };
        self.place
            .iter()
            .filter(|(_, page)| is_whole(**page))
            .map(|(row, _)| row)
            .collect()
    }
}

/// Runs the program in 256 MB of address space, the program itself among it, and for some seconds at most.
fn bounded(arguments: &[&str]) -> Output {
    Command::new("timeout")
        .args([
            "30",
            "sh",
            "-c",
            "ulimit -v 262144; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_dbtool"),
        ])
        .args(arguments)
        .output()
        .unwrap()
}

/// What SQLite says of the structure and content of a file, but for virtual tables: theirs are taken over as they are found, and what these say to
/// each other is the module's matter.
fn findings_of_sqlite(file: &Path) -> Vec<String> {
    let copy = file.with_extension("checked");
    fs::copy(file, &copy).unwrap();
    Connection::open(&copy)
        .unwrap()
        .execute_batch(
            "PRAGMA writable_schema=on; DELETE FROM sqlite_schema WHERE type = 'table' AND rootpage = 0",
        )
        .unwrap();
    let sqlite = Connection::open(&copy).unwrap();
    sqlite
        .execute_batch("PRAGMA ignore_check_constraints=on")
        .unwrap();
    let mut statement = sqlite.prepare("PRAGMA integrity_check").unwrap();
    let lines = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    lines.map(Result::unwrap).filter(|line| line != "ok").collect()
}

fn salvaged(damaged: &Path, to: &Path, what: &str) -> i32 {
    let _ = fs::remove_file(to);
    let output = bounded(&["salvage", name(damaged), "-o", name(to), "-f", "json"]);
    let code = output.status.code().unwrap_or(-1);
    assert!(matches!(code, 0 | 4), "{what}: {output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["whole"], code == 0, "{what}");
    let sql = "SELECT count(*) FROM sqlite_schema";
    let opens = Connection::open(to)
        .unwrap()
        .query_row(sql, [], |row| row.get::<_, i64>(0));
    assert!(
        opens.is_ok(),
        "{what}: SQLite does not open the new file: {opens:?}"
    );
    let verdict = findings_of_sqlite(to);
    assert!(verdict.is_empty(), "{what}: {verdict:?}");
    code
}

/// What SQLite's own recovery makes of a file.
fn recovered_by_sqlite(shell: &str, damaged: &Path, folder: &Path) -> PathBuf {
    let (copy, to) = (folder.join("copy.db"), folder.join("recovered.db"));
    fs::copy(damaged, &copy).unwrap();
    let _ = fs::remove_file(&to);
    let sql = Command::new("sh")
        .args(["-c", &format!("{shell} \"$0\" .recover"), name(&copy)])
        .output()
        .unwrap()
        .stdout;
    let mut reader = Command::new("sh")
        .args(["-c", &format!("{shell} \"$0\" > /dev/null 2>&1"), name(&to)])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = reader.stdin.take().unwrap();
    let _ = input.write_all(&[&b"PRAGMA synchronous=off;\n"[..], &sql].concat());
    drop(input);
    reader.wait().unwrap();
    to
}

/// What came of all damages of one sound file.
#[derive(Default)]
struct Outcome {
    damages: usize,
    classes: BTreeSet<&'static str>,
    faults: Vec<String>,
    /// Classes of [`BLIND`] that were called whole and were not.
    unseen: BTreeSet<&'static str>,
    /// Of each class the right rows that we and SQLite's recovery have.
    beside_sqlite: BTreeMap<&'static str, (usize, usize)>,
}

impl Outcome {
    fn add(&mut self, other: Outcome) {
        self.damages += other.damages;
        self.classes.extend(other.classes);
        self.faults.extend(other.faults);
        self.unseen.extend(other.unseen);
        for (class, (ours, theirs)) in other.beside_sqlite {
            let sum = self.beside_sqlite.entry(class).or_default();
            *sum = (sum.0 + ours, sum.1 + theirs);
        }
    }

    /// One damage: whether the right rows are there.
    fn judge(
        &mut self,
        class: &'static str,
        case: &str,
        code: i32,
        right: &BTreeSet<String>,
        sound: &Sound,
        bytes: &[u8],
    ) {
        self.damages += 1;
        self.classes.insert(class);
        let untouched = sound.untouched(bytes).into_iter();
        let lost: Vec<_> = untouched.filter(|row| !right.contains(*row)).collect();
        if !lost.is_empty() {
            let some = &lost[..lost.len().min(5)];
            let fault = format!("{case}: {} rows of sound pages are lost: {some:?}", lost.len());
            self.faults.push(fault);
        }
        let missing = sound.rows.len() - right.len();
        if code == 4 || missing == 0 {
            return;
        }
        match BLIND.iter().find(|blind| blind.0 == class) {
            Some((_, most, _)) if missing <= *most => _ = self.unseen.insert(class),
            _ => self
                .faults
                .push(format!("{case}: called whole, and {missing} rows are not")),
        }
    }
}

/// Damages a sound file in all classes.
fn damaged_in_all_classes(pragmas: &str, number: u64, seeds: u64, shell: Option<&str>) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let sound = sound(folder.path(), pragmas);
    let (damaged, to) = (folder.path().join("damaged.db"), folder.path().join("new.db"));
    let mut outcome = Outcome::default();
    for (class, what) in CLASSES {
        let is_blind = BLIND.iter().any(|blind| blind.0 == *class);
        for seed in 0..if is_blind { seeds.max(BLIND_SEEDS) } else { seeds } {
            let case = format!("{class}, {pragmas} seed {seed}");
            let mut bytes = sound.bytes.clone();
            let mut random = Random::new(seed * 2 + number);
            if !what.apply(&mut bytes, &sound.pages, &mut random) {
                continue;
            }
            fs::write(&damaged, &bytes).unwrap();
            let code = salvaged(&damaged, &to, &case);
            let right = right_rows(&to, &sound.rows);
            outcome.judge(class, &case, code, &right, &sound, &bytes);
            if let Some(shell) = shell {
                let theirs = right_rows(&recovered_by_sqlite(shell, &damaged, folder.path()), &sound.rows);
                if theirs.len() > right.len() {
                    let more: Vec<_> = theirs.difference(&right).take(3).collect();
                    println!("{case}: {} against {}: {more:?}", right.len(), theirs.len());
                }
                let sum = outcome.beside_sqlite.entry(class).or_default();
                *sum = (sum.0 + right.len(), sum.1 + theirs.len());
            }
        }
    }
    outcome
}

#[test]
fn rows_on_sound_pages_are_kept_in_every_class_of_damage() {
    let seeds = std::env::var("ALUDEL_SALVAGE_SEEDS").ok();
    let seeds = seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(1);
    let shell = std::env::var("ALUDEL_RECOVER_SHELL").ok();
    let mut outcome = Outcome::default();
    std::thread::scope(|scope| {
        let shell = shell.as_deref();
        let runs = ["", "PRAGMA auto_vacuum=1"]
            .into_iter()
            .enumerate()
            .map(|(number, pragmas)| {
                scope.spawn(move || damaged_in_all_classes(pragmas, number as u64, seeds, shell))
            });
        let runs: Vec<_> = runs.collect();
        for run in runs {
            outcome.add(run.join().unwrap());
        }
    });
    println!("{} classes, {} damages", outcome.classes.len(), outcome.damages);
    assert!(outcome.faults.is_empty(), "{}", outcome.faults.join("\n"));
    assert!(outcome.classes.len() >= 80, "{}", outcome.classes.len());
    for (class, _, why) in BLIND {
        assert!(
            outcome.unseen.contains(class),
            "{class} is on the list of damage that cannot be seen ({why}), and no seed shows that: take it off"
        );
    }
    let beside = &outcome.beside_sqlite;
    let sum = beside
        .values()
        .fold((0, 0), |sum, class| (sum.0 + class.0, sum.1 + class.1));
    println!("right rows: {} ours, {} of SQLite's recovery", sum.0, sum.1);
    let behind: Vec<_> = beside
        .iter()
        .filter(|(_, (ours, theirs))| ours < theirs)
        .collect();
    assert!(behind.is_empty(), "SQLite's recovery has more: {behind:?}");
}

/// A file whose schema calls a table by another name than the table's definition does.
fn renamed_in_schema(folder: &Path, table: &str, definition: &str) -> PathBuf {
    let file = folder.join("renamed.db");
    let _ = fs::remove_file(&file);
    Connection::open(&file)
        .unwrap()
        .execute_batch(&format!(
            "CREATE TABLE sound(a); INSERT INTO sound VALUES(7); {definition}; PRAGMA writable_schema=on;
             UPDATE sqlite_schema SET name = 'other', tbl_name = 'other' WHERE name = '{table}'"
        ))
        .unwrap();
    file
}

#[test]
fn a_name_that_is_not_that_of_the_definition_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("new.db");
    for definition in [
        "CREATE TABLE t(a); INSERT INTO t VALUES(1), (2)",
        "CREATE TABLE t(a, b PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES(1, 2), (3, 4)",
        "CREATE VIRTUAL TABLE t USING fts5(a); INSERT INTO t VALUES('x')",
    ] {
        let file = renamed_in_schema(folder.path(), "t", definition);
        assert_eq!(salvaged(&file, &to, definition), 4);
        fs::remove_file(&to).unwrap();
        let report = answer(&["salvage", name(&file), "-o", name(&to)], 4);
        assert!(report.contains("other"), "{definition}: {report}");
        let sound: i64 = Connection::open(&to)
            .unwrap()
            .query_row("SELECT a FROM sound", [], |row| row.get(0))
            .unwrap();
        assert_eq!(sound, 7, "{definition}");
        if definition.starts_with("CREATE TABLE") {
            let sql = "SELECT count(*) FROM lost_and_found";
            let kept: i64 = Connection::open(&to)
                .unwrap()
                .query_row(sql, [], |row| row.get(0))
                .unwrap();
            assert_eq!(kept, 2, "{definition}");
            for arguments in [
                &["hash", name(&file)][..],
                &["dump", name(&file)],
                &["diff", name(&file), name(&file)],
                &["diff", name(&file), name(&to)],
                &["diff", name(&file), name(&file), "--patch"],
            ] {
                let output = dbtool(arguments);
                assert_eq!(output.status.code(), Some(4), "{arguments:?}: {output:?}");
            }
        }
    }
}

/// Commands that read all of a file, whatever is in it.
const READING: &[&[&str]] = &[
    &["info"],
    &["check"],
    &["schema"],
    &["tables"],
    &["space"],
    &["hash"],
    &["dump"],
    &["map", "-f", "svg"],
    &["freelist"],
    &["overflow"],
];

/// Files of fuzzers: whatever comes out is a sound database, in bounded memory and time.
#[test]
#[ignore = "needs ALUDEL_DATA"]
fn files_of_fuzzers_are_salvaged_or_refused() {
    let data = std::env::var_os("ALUDEL_DATA").expect("ALUDEL_DATA names the folder with fuzzdb");
    let stride = std::env::var("ALUDEL_SALVAGE_STRIDE").ok();
    let stride = stride.and_then(|stride| stride.parse().ok()).unwrap_or(1);
    let files = PathBuf::from(data).join("fuzzdb").read_dir().unwrap();
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let files: Vec<_> = files
        .iter()
        .filter(|file| file.is_file())
        .step_by(stride)
        .collect();
    assert!(!files.is_empty());
    std::thread::scope(|scope| {
        for half in 0..2 {
            let files = &files;
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                for file in files.iter().skip(half).step_by(2) {
                    survives_all(file, folder.path());
                }
            });
        }
    });
    println!("{} files", files.len());
}

/// Runs everything that reads the whole of a file.
fn survives_all(file: &Path, folder: &Path) {
    let what = file.display().to_string();
    let to = folder.join("new.db");
    salvaged(file, &to, &what);
    let diff = ["diff", name(&to), "--limit", "5"];
    for command in READING.iter().copied().chain([&diff[..]]) {
        let arguments: Vec<&str> = [command[0], name(file)]
            .into_iter()
            .chain(command[1..].iter().copied())
            .collect();
        let output = bounded(&arguments);
        let code = output.status.code().unwrap_or(-1);
        assert!(
            matches!(code, 0..=4),
            "{arguments:?}: {code} {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
