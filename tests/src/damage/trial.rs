//! One damaged file under all that can be asked of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use aludel_sql::recover::{RecoverOptions, recover};
use aludel_sql::{Connection, Error};

use super::{Image, Limits, Meter};
use crate::rows::Rows;

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// D1.
    Panic,
    /// D2.
    Slow,
    /// D3.
    Memory,
    /// D4.
    Rows,
    /// D5.
    Recovery,
}

/// What is wrong, in words.
pub type Findings = Vec<(Kind, String)>;

/// What came of a trial.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) findings: Findings,
    /// Tables that SQLite read without an error, and we the same.
    pub(super) compared: u64,
    /// Tables of a damaged file that SQLite reads and that we refuse as damaged.
    pub(super) refused: u64,
    /// The file could be opened and its schema read.
    pub(super) opened: bool,
    /// The integrity check found something.
    pub(super) found_damage: bool,
    pub(super) longest: Duration,
    pub(super) most_memory: usize,
}

pub(super) struct Trial<'a> {
    folder: &'a Path,
    image: &'a Image,
    meter: &'a dyn Meter,
    limits: Limits,
    outcome: Outcome,
    /// SQLite's integrity check finds nothing.
    is_sound_to_sqlite: bool,
}

/// A table as SQLite read it.
struct Theirs {
    sql: String,
    digest: (u64, u64),
}

/// How long SQLite may take for a table before it is left aside.
const PATIENCE_OPS: i32 = 2_000;

impl<'a> Trial<'a> {
    pub(super) fn new(folder: &'a Path, image: &'a Image, meter: &'a dyn Meter) -> Trial<'a> {
        Trial {
            folder,
            image,
            meter,
            limits: Limits::of(image.len()),
            outcome: Outcome::default(),
            is_sound_to_sqlite: false,
        }
    }

    /// # Errors
    /// The scratch folder's.
    pub(super) fn run(mut self) -> std::io::Result<Outcome> {
        let theirs = self.read_with_sqlite()?;
        let file = self.folder.join("case.db");
        self.image.write(&file)?;
        let mut connection = None;
        self.step("open", || {
            connection = Connection::open(&file).ok();
        });
        if let Some(connection) = connection {
            self.question(&connection, &theirs);
            self.change(&connection);
            self.step("close", || drop(connection));
        }
        self.recover()?;
        Ok(self.outcome)
    }

    // ---- asking ----------------------------------------------------------------------------------

    fn question(&mut self, connection: &Connection, theirs: &[Theirs]) {
        let schema = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema";
        let read = self.step(schema, || connection.digest(schema));
        self.outcome.opened = matches!(read, Some(Ok(_)));
        let verdict = self.step("integrity_check", || connection.texts("PRAGMA integrity_check"));
        self.outcome.found_damage = !matches!(verdict, Some(Ok(lines)) if lines == ["ok"]);
        for table in theirs {
            let ours = self.step(&table.sql, || connection.digest(&table.sql));
            match ours {
                Some(Ok(digest)) if digest == table.digest => self.outcome.compared += 1,
                Some(Ok(digest)) => self.outcome.findings.push((
                    Kind::Rows,
                    format!(
                        "{}: {} values, SQLite has {}",
                        table.sql, digest.1, table.digest.1
                    ),
                )),
                Some(Err(error)) if is_damage(&error) && !self.is_sound_to_sqlite => {
                    self.outcome.refused += 1;
                }
                Some(Err(error)) => self.outcome.findings.push((
                    Kind::Rows,
                    format!(
                        "{}: {}, SQLite has {} values",
                        table.sql,
                        told(&error),
                        table.digest.1
                    ),
                )),
                None => {}
            }
        }
        for sql in self.own_questions(connection) {
            // An answer or an error, both will do.
            self.step(&sql, || connection.digest(&sql).map(drop).is_ok());
        }
    }

    /// Reads of every table and index that we know of.
    fn own_questions(&mut self, connection: &Connection) -> Vec<String> {
        let names = |sql| connection.texts(sql).unwrap_or_default();
        let mut questions = vec![
            "PRAGMA quick_check".to_owned(),
            "SELECT count(*) FROM sqlite_schema".to_owned(),
        ];
        let tables = names("SELECT name FROM sqlite_schema WHERE type = 'table' LIMIT 12");
        for table in tables {
            let table = quoted(&table);
            questions.push(format!("SELECT * FROM {table} ORDER BY 1 DESC, 2"));
            questions.push(format!("SELECT count(*), max(1) FROM {table}"));
            questions.push(format!("SELECT * FROM {table} WHERE rowid > 40 AND rowid < 60"));
        }
        let indexes = connection
            .texts("SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index' LIMIT 24")
            .unwrap_or_default();
        for pair in indexes.chunks_exact(2) {
            let (table, index) = (quoted(&pair[0]), quoted(&pair[1]));
            questions.push(format!("SELECT count(*) FROM {table} INDEXED BY {index}"));
        }
        questions
    }

    // ---- changing --------------------------------------------------------------------------------

    fn change(&mut self, connection: &Connection) {
        let tables = connection
            .texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 1 LIMIT 4")
            .unwrap_or_default();
        let mut script = vec!["BEGIN".to_owned()];
        for table in &tables {
            let table = quoted(table);
            script.push(format!("INSERT OR IGNORE INTO {table} DEFAULT VALUES"));
            script.push(format!(
                "INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 20"
            ));
            script.push(format!("DELETE FROM {table} WHERE rowid % 3 = 1"));
        }
        script.push("SAVEPOINT s".to_owned());
        script.extend(
            tables
                .first()
                .map(|table| format!("DROP TABLE {}", quoted(table))),
        );
        for sql in [
            "ROLLBACK TO s",
            "CREATE TABLE zz(a INTEGER PRIMARY KEY, b)",
            "INSERT INTO zz(b) VALUES(zeroblob(3000)), (1), (zeroblob(900))",
            "CREATE INDEX zz_b ON zz(b)",
            "DELETE FROM zz",
            "DROP TABLE zz",
            "COMMIT",
            "ROLLBACK",
            "PRAGMA incremental_vacuum",
            "PRAGMA wal_checkpoint(truncate)",
            "VACUUM",
            "PRAGMA integrity_check",
        ] {
            script.push(sql.to_owned());
        }
        for sql in script {
            self.step(&sql, || connection.digest(&sql).map(drop).is_ok());
        }
    }

    fn recover(&mut self) -> std::io::Result<()> {
        let (file, target) = (self.folder.join("case.db"), self.folder.join("new.db"));
        self.image.write(&file)?;
        Image::default().write(&target)?;
        std::fs::remove_file(&target)?;
        let report = self.step("recover", || recover(&file, &target, &RecoverOptions::new()));
        match report {
            None => {}
            Some(Err(error)) => self
                .outcome
                .findings
                .push((Kind::Recovery, format!("recover: {}", told(&error)))),
            Some(Ok(_)) => {
                let verdict = self.step("check of what is recovered", || {
                    let connection = Connection::open(&target)?;
                    connection.execute_batch("PRAGMA ignore_check_constraints = on")?;
                    connection.texts("PRAGMA integrity_check")
                });
                match verdict {
                    Some(Ok(lines)) if lines.iter().all(|line| is_sound(line)) => {}
                    Some(Ok(lines)) => self
                        .outcome
                        .findings
                        .push((Kind::Recovery, format!("what is recovered: {}", lines.join("; ")))),
                    Some(Err(error)) => self
                        .outcome
                        .findings
                        .push((Kind::Recovery, format!("what is recovered: {}", told(&error)))),
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Runs a step of ours under the limits; `None` when it panicked.
    fn step<T>(&mut self, what: &str, run: impl FnOnce() -> T) -> Option<T> {
        self.meter.reset();
        let started = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(run));
        let (took, peak) = (started.elapsed(), self.meter.peak());
        self.outcome.longest = self.outcome.longest.max(took);
        self.outcome.most_memory = self.outcome.most_memory.max(peak);
        if took > self.limits.time {
            self.outcome
                .findings
                .push((Kind::Slow, format!("{what}: {:.1} s", took.as_secs_f64())));
        }
        if peak > self.limits.memory {
            self.outcome
                .findings
                .push((Kind::Memory, format!("{what}: {} MiB", peak >> 20)));
        }
        match result {
            Ok(value) => Some(value),
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                self.outcome
                    .findings
                    .push((Kind::Panic, format!("{what}: {}", text.unwrap_or_default())));
                None
            }
        }
    }

    // ---- SQLite ----------------------------------------------------------------------------------

    /// The tables that SQLite reads from a copy without an error.
    fn read_with_sqlite(&mut self) -> std::io::Result<Vec<Theirs>> {
        let file = self.folder.join("theirs.db");
        self.image.write(&file)?;
        let Ok(mut connection) = rusqlite::Connection::open(&file) else {
            return Ok(Vec::new());
        };
        let mut patience = PATIENCE_OPS;
        let patient = connection.progress_handler(
            1_000,
            Some(move || {
                patience -= 1;
                patience <= 0
            }),
        );
        let mut found = Vec::new();
        let schema = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema".to_owned();
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 1";
        if let (Ok(()), Ok(digest)) = (patient, connection.digest(&schema)) {
            found.push(Theirs { sql: schema, digest });
            let verdict = connection.texts("PRAGMA integrity_check(1)");
            self.is_sound_to_sqlite = verdict.is_ok_and(|lines| lines == ["ok"]);
            for table in connection.texts(names).unwrap_or_default() {
                let sql = format!("SELECT * FROM {} NOT INDEXED", quoted(&table));
                // An index that has all columns is another tree, and another order.
                let plan = connection.texts(&format!("EXPLAIN QUERY PLAN {sql}"));
                if !plan.is_ok_and(|plan| plan.iter().all(|line| !line.contains("INDEX"))) {
                    continue;
                }
                if let Ok(digest) = connection.digest(&sql) {
                    found.push(Theirs { sql, digest });
                }
            }
        }
        Ok(found)
    }
}

fn is_damage(error: &Error) -> bool {
    matches!(error.extended_code() & 0xff, 11 | 26)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The error with its place.
fn told(error: &Error) -> String {
    match error {
        Error::Storage(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// Whether a line of integrity_check is no complaint about what recovery does. The shadow tables of virtual tables are recovered row for
/// row like all others; whether their rows agree with each other is their module's affair.
fn is_sound(line: &str) -> bool {
    line == "ok"
        || line.starts_with("In RTree ")
        || line.starts_with("malformed inverted index for ")
        || line.starts_with("unable to validate ")
}
