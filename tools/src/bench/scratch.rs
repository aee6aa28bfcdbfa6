//! The scratch folder: what is measured lies there, beside the user's file and on its disk, and goes with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aludel_sql::{Backup, Connection};
use tempfile::TempDir;

use super::store::{Engine, Store};
use super::times::Times;
use super::work::{Bounds, Subject, Work};
use crate::cli::Bench;
use crate::error::Failure;
use crate::inspect::{Image, ImageOptions, connect};
use crate::interrupt::Interrupt;
use crate::output::identifier;

/// The table that `--new` makes.
const TABLE: &str = "note";
/// Characters of a row's text.
const TEXT_LEN: usize = 100;
const PAGES_A_STEP: u32 = 1000;

/// The folder with the base file.
pub(super) struct Scratch {
    folder: TempDir,
    parent: PathBuf,
    table: String,
    rowids: (i64, i64),
    rows: u64,
    seed: u64,
}

impl Scratch {
    /// Copies the file, or makes one.
    ///
    /// # Errors
    /// A file that cannot be opened, a folder that cannot be written, a file without rows to read.
    pub(super) fn of(arguments: &Bench, interrupts: &Interrupt) -> Result<Scratch, Failure> {
        let parent = match (&arguments.file, &arguments.folder) {
            (Some(file), _) => {
                let file = file
                    .canonicalize()
                    .map_err(|error| Failure::cannot_open(file, error))?;
                file.parent().unwrap_or(Path::new("/")).to_owned()
            }
            (None, Some(folder)) => folder.clone(),
            (None, None) => PathBuf::from("."),
        };
        let folder = tempfile::Builder::new()
            .prefix(".dbtool-bench-")
            .tempdir_in(&parent)
            .map_err(|error| Failure::cannot_write(&parent, error))?;
        let mut scratch = Scratch {
            folder,
            parent,
            table: TABLE.to_owned(),
            rowids: (1, 1),
            rows: 0,
            seed: arguments.seed,
        };
        match &arguments.file {
            Some(file) => scratch.copy(file)?,
            None => scratch.make(arguments.rows, interrupts)?,
        }
        scratch.choose_table()?;
        Ok(scratch)
    }

    fn base(&self) -> PathBuf {
        self.folder.path().join("base.db")
    }

    /// The folder that the scratch folder is in.
    pub(super) fn parent(&self) -> &Path {
        &self.parent
    }

    /// The table that is read.
    pub(super) fn table(&self) -> &str {
        &self.table
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Copies the file's recovered state; of the file itself nothing is written.
    fn copy(&self, file: &Path) -> Result<(), Failure> {
        let image = Arc::new(Image::open(file, &ImageOptions::default())?);
        image.require_database()?;
        let cannot_open = |error: aludel_sql::Error| Failure::cannot_open(file, error);
        let source = connect(&image).map_err(cannot_open)?;
        let base = self.base();
        let mut target = Connection::open(&base).map_err(|error| Failure::cannot_write(&base, error))?;
        Backup::new(&source, "main", &mut target, "main")
            .and_then(|mut backup| backup.run_to_completion(PAGES_A_STEP, Duration::ZERO, |_| {}))
            .map_err(cannot_open)
    }

    /// Makes a table of so many rows.
    fn make(&self, rows: u64, interrupts: &Interrupt) -> Result<(), Failure> {
        let mut store = Engine::Aludel.open(&self.base())?;
        let mut random = Random::new(self.seed);
        store.script(
            "PRAGMA synchronous=OFF; CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT, body TEXT); BEGIN",
        )?;
        for row in 1..=rows {
            let text = random.text();
            store.write(
                "INSERT INTO note VALUES (?1, substr(?2, 1, 20), ?2)",
                row as i64,
                &text,
            )?;
            if interrupts.was_pressed() {
                break;
            }
        }
        store.script("COMMIT")
    }

    /// The table with the most rows; those WITHOUT ROWID and virtual ones do not count.
    fn choose_table(&mut self) -> Result<(), Failure> {
        let connection =
            Connection::open(self.base()).map_err(|error| Failure::cannot_open(&self.base(), error))?;
        let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT wr AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
        let failed = |error| Failure::sql(error, sql);
        let mut statement = connection.prepare(sql).map_err(failed)?;
        let mut best: Option<(i64, String, (i64, i64))> = None;
        while statement.step().map_err(failed)? {
            let name: String = statement.get(0).map_err(failed)?;
            let count = format!(
                "SELECT count(*), min(rowid), max(rowid) FROM {}",
                identifier(&name)
            );
            // A damaged table is none to measure with.
            let read = connection.query_row(&count, (), |row| {
                Ok((
                    row.get::<i64>(0)?,
                    row.get::<Option<i64>>(1)?,
                    row.get::<Option<i64>>(2)?,
                ))
            });
            if let Ok((rows, Some(first), Some(last))) = read
                && best.as_ref().is_none_or(|(most, ..)| rows > *most)
            {
                best = Some((rows, name, (first, last)));
            }
        }
        let Some((rows, table, rowids)) = best else {
            return Err(Failure::Usage(
                "no table of the file has rows to read: measure with --new".to_owned(),
            ));
        };
        (self.rows, self.table, self.rowids) = (rows.unsigned_abs(), table, rowids);
        Ok(())
    }

    /// Measures a work on an engine, in the file that all share; what one writes goes before the next.
    ///
    /// # Errors
    /// What the engine says; a disk that is full.
    pub(super) fn measure(&self, work: Work, engine: Engine, bounds: &Bounds<'_>) -> Result<Times, Failure> {
        let mut store: Box<dyn Store> = engine.open(&self.base())?;
        let _running = store.stopped_by(bounds.interrupts);
        let mut subject = Subject {
            store: &mut *store,
            table: &identifier(&self.table),
            rowids: self.rowids,
            random: Random::new(self.seed),
        };
        work.measure(&mut subject, bounds)
    }
}

/// Numbers that are the same for the same seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number between two, both included.
    pub(super) fn between(&mut self, first: i64, last: i64) -> i64 {
        let span = last.wrapping_sub(first) as u64;
        let offset = match span.checked_add(1) {
            Some(count) => self.next() % count,
            None => self.next(),
        };
        first.wrapping_add(offset as i64)
    }

    /// A text of small letters.
    pub(super) fn text(&mut self) -> String {
        (0..TEXT_LEN)
            .map(|_| char::from(b'a' + (self.next() >> 33) as u8 % 26))
            .collect()
    }
}
