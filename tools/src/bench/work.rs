//! What is measured: one operation at a time, each with its own time.
//!
//! | work | one operation |
//! |---|---|
//! | point read | a row by its rowid, at a random place |
//! | range read | up to a hundred rows in the order of their rowids |
//! | scan | all rows of the table; the rate is that of rows |
//! | insert | a row inside of a transaction of ten thousand |
//! | update | a row by its rowid, inside of a transaction |
//! | commit | a row that is its own transaction, in each journal mode and at each level of synchronous |
//! | checkpoint | a log of a thousand commits brought into the file |

use std::time::{Duration, Instant};

use super::scratch::Random;
use super::store::Store;
use super::times::Times;
use crate::error::Failure;
use crate::interrupt::Interrupt;
use crate::shell::script::is_interrupt;

/// Rows of a transaction of `insert` and `update`.
const TRANSACTION_ROWS: usize = 10_000;
/// Commits in the log before a checkpoint.
const CHECKPOINT_COMMITS: usize = 1000;
/// No more operations than this are timed.
const OPERATIONS_MAX: usize = 1_000_000;
/// The share of the time that a work is warmed up for.
const WARM_UP: f64 = 0.1;

/// A work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    PointRead,
    RangeRead,
    Scan,
    Insert,
    Update,
    Commit(JournalMode, Synchronous),
    Checkpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JournalMode {
    Delete,
    Truncate,
    Persist,
    Wal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Synchronous {
    Off,
    Normal,
    Full,
    Extra,
}

/// How long a work goes on.
pub(super) struct Bounds<'i> {
    pub(super) time: Duration,
    pub(super) interrupts: &'i Interrupt,
}

/// What a work works on.
pub(super) struct Subject<'s> {
    pub(super) store: &'s mut dyn Store,
    /// The table that is read, in quotes.
    pub(super) table: &'s str,
    /// Its rowids.
    pub(super) rowids: (i64, i64),
    pub(super) random: Random,
}

impl Work {
    /// All works, in the order in which they run.
    pub(super) fn all() -> Vec<Work> {
        use JournalMode::{Delete, Persist, Truncate, Wal};
        use Synchronous::{Extra, Full, Normal, Off};
        let mut works = vec![
            Work::PointRead,
            Work::RangeRead,
            Work::Scan,
            Work::Insert,
            Work::Update,
        ];
        for mode in [Delete, Truncate, Persist, Wal] {
            works.extend([Off, Normal, Full, Extra].map(|level| Work::Commit(mode, level)));
        }
        works.push(Work::Checkpoint);
        works
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Work::PointRead => "point read",
            Work::RangeRead => "range read",
            Work::Scan => "scan",
            Work::Insert => "insert",
            Work::Update => "update",
            Work::Commit(..) => "commit",
            Work::Checkpoint => "checkpoint",
        }
    }

    /// The journal mode and the level of synchronous in which it runs.
    pub(super) fn setting(self) -> Option<(JournalMode, Synchronous)> {
        match self {
            Work::Commit(mode, level) => Some((mode, level)),
            Work::Insert | Work::Update | Work::Checkpoint => Some((JournalMode::Wal, Synchronous::Normal)),
            Work::PointRead | Work::RangeRead | Work::Scan => None,
        }
    }

    /// Name and setting.
    pub(super) fn title(self) -> String {
        match self.setting() {
            Some((mode, level)) => format!("{} {} {}", self.name(), mode.name(), level.name()),
            None => self.name().to_owned(),
        }
    }

    /// What its rate counts.
    pub(super) fn thing(self) -> &'static str {
        match self {
            Work::PointRead | Work::Scan | Work::Insert | Work::Update => "rows",
            Work::RangeRead => "ranges",
            Work::Commit(..) => "commits",
            Work::Checkpoint => "checkpoints",
        }
    }

    /// Measures it. After Ctrl-C: what there is so far.
    ///
    /// # Errors
    /// What the engine says.
    pub(super) fn measure(self, subject: &mut Subject<'_>, bounds: &Bounds<'_>) -> Result<Times, Failure> {
        if let Some((mode, level)) = self.setting() {
            let setting = format!(
                "PRAGMA journal_mode={}; PRAGMA synchronous={}",
                mode.name(),
                level.name()
            );
            subject.store.script(&setting)?;
            subject
                .store
                .script("DROP TABLE IF EXISTS dbtool_bench; CREATE TABLE dbtool_bench(a INTEGER, b TEXT)")?;
        }
        match self {
            Work::PointRead => self.read(subject, bounds, 1),
            Work::RangeRead => self.read(subject, bounds, 100),
            Work::Scan => self.scan(subject, bounds),
            Work::Insert | Work::Update => self.change(subject, bounds),
            Work::Commit(..) => commit(subject, bounds),
            Work::Checkpoint => checkpoint(subject, bounds),
        }
    }

    fn read(self, subject: &mut Subject<'_>, bounds: &Bounds<'_>, rows: u64) -> Result<Times, Failure> {
        let sql = format!("SELECT * FROM {} WHERE rowid >= ?1 LIMIT {rows}", subject.table);
        let (first, last) = subject.rowids;
        timed(bounds, |_| {
            let rowid = subject.random.between(first, last);
            let start = Instant::now();
            subject.store.query(&sql, rowid)?;
            Ok(start.elapsed())
        })
        .map(Times::of)
    }

    fn scan(self, subject: &mut Subject<'_>, bounds: &Bounds<'_>) -> Result<Times, Failure> {
        let sql = format!("SELECT * FROM {}", subject.table);
        let mut rows = 0;
        let times = timed(bounds, |is_measured| {
            let start = Instant::now();
            let count = subject.store.query(&sql, 0)?;
            rows += if is_measured { count } else { 0 };
            Ok(start.elapsed())
        })?;
        Ok(Times::of_things(times, rows))
    }

    /// Inserts or updates inside of transactions, whose own ends are not timed here: that is `commit`.
    fn change(self, subject: &mut Subject<'_>, bounds: &Bounds<'_>) -> Result<Times, Failure> {
        let sql = match self {
            Work::Update => "UPDATE dbtool_bench SET a = ?1, b = ?2 WHERE rowid = ?1",
            _ => "INSERT INTO dbtool_bench(a, b) VALUES (?1, ?2)",
        };
        let mut done = 0;
        subject.store.script("BEGIN")?;
        if self == Work::Update {
            for number in 1..=TRANSACTION_ROWS {
                subject.store.write(
                    "INSERT INTO dbtool_bench(a, b) VALUES (?1, ?2)",
                    number as i64,
                    "",
                )?;
            }
        }
        let times = timed(bounds, |_| {
            let number = subject.random.between(1, TRANSACTION_ROWS as i64);
            let text = subject.random.text();
            let start = Instant::now();
            subject.store.write(sql, number, &text)?;
            let time = start.elapsed();
            done += 1;
            if done % TRANSACTION_ROWS == 0 {
                subject.store.script("COMMIT; BEGIN")?;
            }
            Ok(time)
        });
        subject.store.script("COMMIT")?;
        times.map(Times::of)
    }
}

fn commit(subject: &mut Subject<'_>, bounds: &Bounds<'_>) -> Result<Times, Failure> {
    timed(bounds, |_| {
        let (number, text) = (subject.random.between(0, i64::MAX), subject.random.text());
        let start = Instant::now();
        subject
            .store
            .write("INSERT INTO dbtool_bench(a, b) VALUES (?1, ?2)", number, &text)?;
        Ok(start.elapsed())
    })
    .map(Times::of)
}

fn checkpoint(subject: &mut Subject<'_>, bounds: &Bounds<'_>) -> Result<Times, Failure> {
    subject
        .store
        .script("PRAGMA wal_autocheckpoint=0; PRAGMA wal_checkpoint(TRUNCATE)")?;
    timed(bounds, |_| {
        for _ in 0..CHECKPOINT_COMMITS {
            let (number, text) = (subject.random.between(0, i64::MAX), subject.random.text());
            subject
                .store
                .write("INSERT INTO dbtool_bench(a, b) VALUES (?1, ?2)", number, &text)?;
        }
        let start = Instant::now();
        subject.store.script("PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(start.elapsed())
    })
    .map(Times::of)
}

/// Repeats an operation: first to warm up, then for its times. `operation` is told whether it counts.
fn timed(
    bounds: &Bounds<'_>,
    mut operation: impl FnMut(bool) -> Result<Duration, Failure>,
) -> Result<Vec<Duration>, Failure> {
    let start = Instant::now();
    let mut measured_from = None;
    let mut times = Vec::new();
    loop {
        let elapsed = start.elapsed();
        if measured_from.is_none() && elapsed >= bounds.time.mul_f64(WARM_UP) {
            measured_from = Some(elapsed);
        }
        let ended = measured_from.is_some_and(|from| elapsed - from >= bounds.time) && !times.is_empty();
        if ended || times.len() >= OPERATIONS_MAX || bounds.interrupts.was_pressed() {
            return Ok(times);
        }
        match operation(measured_from.is_some()) {
            Ok(time) if measured_from.is_some() => times.push(time),
            Ok(_) => {}
            Err(failure) if is_interrupt(&failure) => return Ok(times),
            Err(failure) => return Err(failure),
        }
    }
}

impl JournalMode {
    pub(super) fn name(self) -> &'static str {
        match self {
            JournalMode::Delete => "delete",
            JournalMode::Truncate => "truncate",
            JournalMode::Persist => "persist",
            JournalMode::Wal => "wal",
        }
    }
}

impl Synchronous {
    pub(super) fn name(self) -> &'static str {
        match self {
            Synchronous::Off => "off",
            Synchronous::Normal => "normal",
            Synchronous::Full => "full",
            Synchronous::Extra => "extra",
        }
    }
}
