//! One call of the world fails: every call site, every kind of fault, once or for good.
//!
//! ```text
//!   script over every operation ── call n fails ──▶ each step: done, or not done and said so, or the connection is dead
//!        once: the rest of the script goes on      for good: until the connection is closed, then the world is well again
//!   end: no file open, none locked, none left over; both engines find every step that was done
//! ```
//!
//! A connection that is dead says so at every call; a new one finds the step done or not done. A connection that is not dead must find it not done
//! when it returned an error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use aludel_sql::Connection;
use aludel_storage::vfs::fault::{Choice, Fault, FaultPlan, FaultVfs};
use aludel_storage::vfs::{MemoryImage, OsVfs, Vfs};

use super::dump::{self, Digest};
use super::judge::Judge;
use super::run::{describe, scratch};
use super::scenario::{Mode, Scenario, SyncLevel};
use super::workload::{self, Files};

/// The modes that the script runs in.
const MODES: [Mode; 6] = [
    Mode::Delete,
    Mode::Truncate,
    Mode::Persist,
    Mode::Wal,
    Mode::Multi,
    Mode::Memory,
];

/// What a run over all call sites did.
#[derive(Clone, Debug, Default)]
pub struct FaultTally {
    /// Cases in which a call failed, by fault.
    pub cases: BTreeMap<String, u64>,
    /// Cases in which a connection was dead afterwards.
    pub dead: u64,
    /// Cases in which a step had been done although its connection died over it.
    pub done: u64,
}

/// A case that broke the promise.
#[derive(Clone, Debug)]
pub struct FaultFailure {
    /// `MODE:FAULT:N:once|good`, as `--fault` takes it.
    pub case: String,
    /// What is wrong.
    pub what: String,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    mode: Mode,
    fault: Fault,
    after: u64,
    for_good: bool,
}

impl Case {
    fn plan(self) -> FaultPlan {
        FaultPlan {
            for_good: self.for_good,
            ..FaultPlan::once(self.fault, self.after)
        }
    }

    fn name(self) -> String {
        let often = if self.for_good { "good" } else { "once" };
        format!("{:?}:{:?}:{}:{often}", self.mode, self.fault, self.after)
    }

    fn parse(text: &str) -> Option<Case> {
        let mut parts = text.split(':');
        let (mode, fault) = (parts.next()?, parts.next()?);
        Some(Case {
            mode: MODES.into_iter().find(|it| format!("{it:?}") == mode)?,
            fault: Fault::ANSWERS.into_iter().find(|it| format!("{it:?}") == fault)?,
            after: parts.next()?.parse().ok()?,
            for_good: parts.next()? == "good",
        })
    }
}

/// Runs every `stride`th call site of every mode and fault.
///
/// # Errors
/// The first broken promise.
pub fn run_all(stride: u64, progress: &(dyn Fn(u64) + Sync)) -> Result<FaultTally, FaultFailure> {
    let mut lines = Vec::new();
    for mode in MODES {
        for fault in Fault::ANSWERS {
            for for_good in [false, true] {
                // Without a journal on the disk a fault that stays cannot be undone.
                if mode != Mode::Memory || !for_good {
                    lines.push((mode, fault, for_good));
                }
            }
        }
    }
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let (tally, failure) = (Mutex::new(FaultTally::default()), Mutex::new(None));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((mode, fault, for_good)) =
                    lines.get(next.fetch_add(1, Ordering::Relaxed) as usize)
                {
                    let mut after = 0;
                    while failure.lock().is_ok_and(|failure| failure.is_none()) {
                        let case = Case {
                            mode: *mode,
                            fault: *fault,
                            after,
                            for_good: *for_good,
                        };
                        match guarded(case) {
                            Ok(outcome) if !outcome.struck => break,
                            Ok(outcome) => {
                                progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                                if let Ok(mut tally) = tally.lock() {
                                    *tally.cases.entry(format!("{fault:?}")).or_default() += 1;
                                    tally.dead += u64::from(outcome.dead);
                                    tally.done += u64::from(outcome.done);
                                }
                            }
                            Err(what) => {
                                if let Ok(mut failure) = failure.lock() {
                                    failure.get_or_insert(FaultFailure {
                                        case: case.name(),
                                        what,
                                    });
                                }
                            }
                        }
                        after += stride;
                    }
                }
            });
        }
    });
    match failure.into_inner() {
        Ok(Some(failure)) => Err(failure),
        _ => Ok(tally.into_inner().unwrap_or_default()),
    }
}

/// Runs one case by its name.
///
/// # Errors
/// What is wrong.
pub fn run_one(name: &str) -> Result<String, FaultFailure> {
    let failed = |what| FaultFailure {
        case: name.to_owned(),
        what,
    };
    let case = Case::parse(name).ok_or_else(|| failed("no such case".to_owned()))?;
    let outcome = guarded(case).map_err(failed)?;
    Ok(format!("{outcome:?}"))
}

#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    struck: bool,
    dead: bool,
    done: bool,
}

fn guarded(case: Case) -> Result<Outcome, String> {
    std::panic::catch_unwind(|| run_case(case)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// A step of the script.
enum Step {
    /// A transaction.
    Commit(Vec<String>),
    /// Something that changes no content.
    Maintain(String),
    /// The connection is closed and opened.
    Reopen,
}

fn script(mode: Mode) -> Vec<Step> {
    let commit = |sql: &[&str]| Step::Commit(sql.iter().map(|sql| (*sql).to_owned()).collect());
    let maintain = |sql: &str| Step::Maintain(sql.to_owned());
    let mut steps = vec![
        commit(&[
            "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 60)
             INSERT INTO t(a, b) SELECT 'x' || i, zeroblob(i * 7) FROM c",
        ]),
        commit(&["INSERT INTO t(a, b) VALUES('long', replace(hex(zeroblob(3000)), '0', 'y'))"]),
        maintain("BEGIN; DELETE FROM t; ROLLBACK"),
        Step::Reopen,
        commit(&[
            "DELETE FROM t WHERE id % 3 = 0",
            "INSERT INTO w SELECT a, id FROM t",
        ]),
        commit(&[
            "CREATE TABLE other(x INTEGER PRIMARY KEY, y UNIQUE)",
            "INSERT INTO other SELECT id, a FROM t",
        ]),
        commit(&[
            "UPDATE t SET a = a || 'z'",
            "SAVEPOINT s",
            "DELETE FROM t",
            "ROLLBACK TO s",
            "RELEASE s",
        ]),
    ];
    if mode == Mode::Wal {
        for kind in ["passive", "full", "restart"] {
            steps.push(maintain(&format!("PRAGMA wal_checkpoint({kind})")));
            steps.push(commit(&["UPDATE t SET a = 'c' || id WHERE id < 20"]));
        }
        steps.push(maintain("PRAGMA wal_checkpoint(truncate)"));
        steps.push(maintain("PRAGMA journal_mode = delete"));
        steps.push(commit(&["INSERT INTO t(a) VALUES('between')"]));
        steps.push(maintain("PRAGMA journal_mode = wal"));
    }
    if matches!(mode, Mode::Delete | Mode::Truncate | Mode::Persist) {
        for next in ["persist", "truncate", "delete", "wal"] {
            steps.push(maintain(&format!("PRAGMA journal_mode = {next}")));
            steps.push(commit(&["UPDATE t SET a = 'm' || id WHERE id < 9"]));
        }
        steps.push(maintain(&format!("PRAGMA journal_mode = {}", mode.pragma())));
        steps.push(maintain(
            "PRAGMA page_size = 2048; VACUUM; PRAGMA page_size = 1024; VACUUM",
        ));
    }
    if mode == Mode::Multi {
        steps.push(commit(&[
            "INSERT INTO two.t2(a) VALUES('both')",
            "UPDATE t SET a = 'both' WHERE id = 1",
        ]));
        steps.push(commit(&["UPDATE two.t2 SET a = a || '!'", "DELETE FROM w"]));
    }
    steps.extend([
        // More changed pages than the cache holds: they go to a temporary file.
        commit(&[
            "INSERT INTO t(a, b) SELECT a || id, zeroblob(1500) FROM t WHERE id < 30",
            "SAVEPOINT s",
            "UPDATE t SET b = zeroblob(900) WHERE id % 2 = 0",
            "ROLLBACK TO s",
            "RELEASE s",
        ]),
        commit(&[
            "CREATE INDEX t_ab ON t(length(b), a DESC)",
            "CREATE INDEX w_v ON w(v)",
        ]),
        maintain("REINDEX"),
        maintain("ANALYZE"),
        commit(&[
            "DROP INDEX t_ab",
            "DROP TABLE other",
            "DELETE FROM t WHERE id > 10",
        ]),
        maintain("PRAGMA incremental_vacuum(3)"),
        maintain("PRAGMA incremental_vacuum"),
        maintain("VACUUM"),
        commit(&["INSERT INTO t(a, b) VALUES('end', zeroblob(5000))"]),
    ]);
    for (at, step) in steps.iter_mut().enumerate() {
        if let Step::Commit(sql) = step {
            sql.push(format!("UPDATE step SET n = {}", at + 1));
        }
    }
    steps
}

/// The connection says that it cannot be used any more.
fn is_dead(error: &aludel_sql::Error) -> bool {
    matches!(
        error,
        aludel_sql::Error::Storage(aludel_storage::Error::Poisoned { .. })
    )
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

struct Trial<'f> {
    case: Case,
    scenario: Scenario,
    machine: FaultVfs,
    files: &'f Files,
    oracle: rusqlite::Connection,
    connection: Option<Connection>,
    outcome: Outcome,
    /// The last step returned an error and is there all the same: until the next one, a power loss may take it back to this.
    in_doubt: Option<Digest>,
}

fn run_case(case: Case) -> Result<Outcome, String> {
    let scenario = Scenario {
        mode: case.mode,
        sync: SyncLevel::Full,
        page_size: 1024,
        seed: 1,
    };
    let folder = scratch()?;
    let (files, disk) = (Files::within(folder.path()), scratch()?);
    // Only real files can be mapped.
    let real = Files::within(disk.path());
    let (machine, files) = if case.fault == Fault::MapFails {
        (FaultVfs::over(Arc::new(OsVfs::new()), 1), &real)
    } else {
        (FaultVfs::new(&MemoryImage::default(), 1), &files)
    };
    let mut trial = Trial {
        case,
        scenario,
        machine,
        files,
        oracle: rusqlite::Connection::open_in_memory().map_err(words)?,
        connection: None,
        outcome: Outcome::default(),
        in_doubt: None,
    };
    trial.set_up()?;
    trial.machine.set_plan(Some(case.plan()));
    for (at, step) in script(case.mode).iter().enumerate() {
        let failed = |what| format!("step {at}: {what}");
        if !trial.step(step).map_err(failed)? {
            // It was not done, and nothing fails any more or the connection is usable: now it must be done.
            trial.step(step).map_err(failed)?;
        }
    }
    trial.connection = None;
    trial.outcome.struck |= trial.machine.struck() > 0;
    trial.machine.set_plan(None);
    let home = if case.fault == Fault::MapFails {
        disk.path()
    } else {
        folder.path()
    };
    trial.end(home).map_err(|what| {
        let ops = trial.machine.ops();
        let from = std::env::var("FAULT_OPS")
            .ok()
            .and_then(|n| n.parse().ok())
            .unwrap_or(ops.len());
        format!("{}{what}", describe(&ops, from, &MemoryImage::default()))
    })?;
    Ok(trial.outcome)
}

impl Trial<'_> {
    fn open(&self) -> aludel_sql::Result<Connection> {
        let vfs: Arc<dyn Vfs> = Arc::new(self.machine.clone());
        let connection = workload::open(&self.scenario, vfs, self.files)?;
        for database in self.scenario.databases() {
            connection.execute_batch(&format!(
                "PRAGMA {database}.page_size = 1024; PRAGMA {database}.auto_vacuum = 2;
                 PRAGMA {database}.journal_mode = {}; PRAGMA {database}.cache_size = 8; PRAGMA wal_autocheckpoint = 20;",
                self.scenario.mode.pragma()
            ))?;
        }
        Ok(connection)
    }

    fn set_up(&mut self) -> Result<(), String> {
        let connection = self.open().map_err(words)?;
        let mut schema = "CREATE TABLE step(n INTEGER); INSERT INTO step VALUES(0);
             CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB); CREATE INDEX t_a ON t(a);
             CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;"
            .to_owned();
        if self.case.mode == Mode::Multi {
            self.oracle
                .execute_batch("ATTACH ':memory:' AS two")
                .map_err(words)?;
            schema.push_str("CREATE TABLE two.t2(id INTEGER PRIMARY KEY, a TEXT);");
        }
        connection.execute_batch(&schema).map_err(words)?;
        self.oracle.execute_batch(&schema).map_err(words)?;
        self.connection = Some(connection);
        Ok(())
    }

    /// True if the step was done.
    fn step(&mut self, step: &Step) -> Result<bool, String> {
        if self.connection.is_none() || matches!(step, Step::Reopen) {
            self.connection = None;
            match self.open() {
                Ok(connection) => self.connection = Some(connection),
                // The world is well again only when nobody has the file open.
                Err(_) => return self.recover(),
            }
        }
        match step {
            Step::Reopen => Ok(true),
            Step::Maintain(sql) => match self.run(sql) {
                Ok(()) => Ok(true),
                Err(error) => self.after_error(&error, None),
            },
            Step::Commit(sql) => {
                let (before, after) = self.oracle_both(sql)?;
                let all = format!("BEGIN IMMEDIATE; {}; COMMIT", sql.join(";"));
                match self.run(&all) {
                    Ok(()) => {
                        self.in_doubt = None;
                        self.settle(true, true)
                    }
                    Err(error) => self.after_error(&error, Some((before, after))),
                }
            }
        }
    }

    fn run(&self, sql: &str) -> aludel_sql::Result<()> {
        match &self.connection {
            Some(connection) => connection.execute_batch(sql),
            None => Ok(()),
        }
    }

    fn oracle_digest(&self) -> Result<Digest, String> {
        dump::theirs(&self.oracle, self.scenario.databases()).map_err(words)
    }

    /// Begins the transaction on the oracle; what it held before and what it holds in it.
    fn oracle_both(&self, sql: &[String]) -> Result<(Digest, Digest), String> {
        let before = self.oracle_digest()?;
        self.oracle.execute_batch("BEGIN").map_err(words)?;
        self.oracle.execute_batch(&sql.join(";")).map_err(words)?;
        Ok((before, self.oracle_digest()?))
    }

    /// A step returned an error: is it undone, or the connection dead?
    fn after_error(
        &mut self,
        error: &aludel_sql::Error,
        both: Option<(Digest, Digest)>,
    ) -> Result<bool, String> {
        if self.machine.struck() == 0 {
            return Err(format!("an error without a fault: {error:?}"));
        }
        let (before, after) = match both {
            Some(both) => both,
            None => (self.oracle_digest()?, self.oracle_digest()?),
        };
        let Some(connection) = self.connection.take() else {
            return Err("no connection".to_owned());
        };
        if !connection.is_autocommit() {
            // What cannot be rolled back is dead, and is found to be so below.
            let _ = connection.execute_batch("ROLLBACK");
        }
        if !self.case.for_good {
            match dump::ours(&connection, self.scenario.databases()) {
                Ok(found) if found == before => {
                    self.connection = Some(connection);
                    return self.settle(both.is_some(), false);
                }
                Ok(found) if found == after => {
                    return Err(format!("an error, but the step is done: {error:?}"));
                }
                Ok(_) => return Err(format!("between before and after: {error:?}")),
                Err(dead) => {
                    let again = dump::ours(&connection, self.scenario.databases());
                    if again.is_ok() {
                        return Err(format!("neither dead nor alive: {error:?}, then {dead:?}"));
                    }
                    if !is_dead(&dead) {
                        return Err(format!("not clearly dead: {error:?}, then {dead:?}"));
                    }
                }
            }
        }
        self.outcome.dead = true;
        drop(connection);
        self.machine_recovers(both.is_some(), before, after)
    }

    fn settle(&mut self, in_transaction: bool, done: bool) -> Result<bool, String> {
        if in_transaction {
            let end = if done { "COMMIT" } else { "ROLLBACK" };
            self.oracle.execute_batch(end).map_err(words)?;
        }
        Ok(done)
    }

    /// Nobody has the file open and nothing fails any more: a new connection says what became of the step.
    fn machine_recovers(
        &mut self,
        in_transaction: bool,
        before: Digest,
        after: Digest,
    ) -> Result<bool, String> {
        self.outcome.struck = true;
        self.machine.set_plan(None);
        let connection = self
            .open()
            .map_err(|error| format!("a new connection: {error}"))?;
        let found = dump::ours(&connection, self.scenario.databases())
            .map_err(|error| format!("a new connection: {error}"))?;
        if found != before && found != after {
            return Err("a new connection finds something between before and after".to_owned());
        }
        if before != after && found == after {
            self.outcome.done = true;
            self.in_doubt = Some(before);
        }
        self.connection = Some(connection);
        self.settle(in_transaction, in_transaction && found == after)
    }

    /// Opening failed.
    fn recover(&mut self) -> Result<bool, String> {
        if self.machine.struck() == 0 {
            return Err("cannot be opened, without a fault".to_owned());
        }
        let now = self.oracle_digest()?;
        self.machine_recovers(false, now, now)?;
        Ok(false)
    }

    /// Everything is closed.
    fn end(&mut self, folder: &Path) -> Result<(), String> {
        let (open, locked) = (self.machine.open_files(), self.machine.locked_files());
        if !open.is_empty() || !locked.is_empty() {
            return Err(format!("left open: {open:?}, locked: {locked:?}"));
        }
        let expected = self.oracle_digest()?;
        let disk = self.machine.disk();
        let seen = disk.killed();
        let is_super = |path: &&PathBuf| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().contains("-mj"))
        };
        let odd = seen.files.keys().find(is_super);
        if let Some(odd) = odd
            && !self.case.for_good
        {
            return Err(format!("left over: {}", odd.display()));
        }
        let judge = Judge {
            scenario: self.scenario,
            folder,
            wrap: &|vfs| vfs,
        };
        judge.judge(&seen, &[expected])?;
        if self.case.mode == Mode::Memory {
            return Ok(());
        }
        let powerless = disk.powerless(&mut Choice::None.decider());
        if self.case.fault == Fault::SyncLies {
            // Nothing can be promised then; but whatever is there is an answer or an error.
            let _ = judge.judge(&powerless, &[expected]);
            return Ok(());
        }
        judge
            .judge(&powerless, &[expected, self.in_doubt.unwrap_or(expected)])
            .map(drop)
            .map_err(|what| format!("after a power loss at the end: {what}"))
    }
}
