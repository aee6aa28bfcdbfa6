//! A run to be crashed: connections of a simulated machine and SQLite in memory do the same, and what SQLite holds after each
//! commit is what a crash may leave.
//!
//! ```text
//!   process 0   ┐ BEGIN, changes, COMMIT ──▶ machine: record of operations | Mark k
//!   process 1   ┘     (one dies now and then in the middle)                     │
//!   SQLite in memory: the same statements ──▶ digest k  ◀───────────────────────┘
//! ```
//!
//! After each step another connection reads: what it finds must be the newest digest. In WAL mode a reader may keep an old snapshot over
//! several steps, and must find the same in it all the time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aludel_sql::{Connection, OpenOptions};
use aludel_storage::vfs::fault::{Fault, FaultPlan, FaultVfs, Op, Promise};
use aludel_storage::vfs::{MemoryImage, Vfs};

use super::dump::{self, Digest};
use super::scenario::{Mode, Scenario, SyncLevel};
use crate::random::Random;

/// Puts something between the engine and the machine; the judge's own run puts nothing.
pub(super) type Wrap = dyn Fn(Arc<dyn Vfs>) -> Arc<dyn Vfs> + Sync;

/// A run and all that is needed to judge its crashes.
pub(super) struct History {
    /// What was done to the disk; `Mark(k)` acknowledges commit `k`.
    pub(super) ops: Vec<Op>,
    /// The content after each commit; 0 is before the first.
    pub(super) digests: Vec<Digest>,
    /// Content that a dead process had written whole but that nobody saw: possible while so many commits are acknowledged.
    pub(super) ghosts: Vec<(usize, Digest)>,
    /// Commits of processes that died before they were told of them. Others have seen them, but their last sync may be missing.
    pub(super) found: Vec<usize>,
    /// What the live checker found.
    pub(super) broken: Vec<String>,
}

/// The files of a scenario in this folder.
pub(super) struct Files {
    /// The main database.
    pub(super) main: PathBuf,
    /// The attached one.
    pub(super) two: PathBuf,
}

impl Files {
    /// Their names.
    pub(super) fn within(folder: &Path) -> Files {
        Files {
            main: folder.join("x.db"),
            two: folder.join("y.db"),
        }
    }
}

impl Scenario {
    /// The databases that a connection of this scenario has.
    pub(super) fn databases(&self) -> &'static [&'static str] {
        if self.mode == Mode::Multi {
            &["main", "two"]
        } else {
            &["main"]
        }
    }

    fn promise(&self) -> Promise {
        match (self.mode.is_on_disk(), self.sync) {
            (false, _) => Promise::Nothing,
            (true, SyncLevel::Off) => Promise::Process,
            (true, _) => Promise::Power,
        }
    }
}

/// Opens a scenario's databases through `vfs`.
///
/// # Errors
/// Those of opening.
pub(super) fn open(scenario: &Scenario, vfs: Arc<dyn Vfs>, files: &Files) -> aludel_sql::Result<Connection> {
    let connection = Connection::open_with(&files.main, &OpenOptions::new().vfs(vfs))?;
    if scenario.mode == Mode::Multi {
        connection.execute_batch(&format!("ATTACH '{}' AS two", files.two.display()))?;
    }
    Ok(connection)
}

/// Runs the workload of a scenario.
///
/// # Errors
/// An error that the engine should not have returned, or a read that was not what was committed, in words.
pub(super) fn run(scenario: &Scenario, folder: &Path, wrap: &Wrap) -> Result<History, String> {
    let machine = FaultVfs::new(&MemoryImage::default(), scenario.seed);
    machine.set_promise(scenario.promise());
    let mut run = Run::new(*scenario, machine, folder, wrap)?;
    let result = run.all();
    let machine = run.machine.clone();
    let (digests, ghosts) = (std::mem::take(&mut run.digests), std::mem::take(&mut run.ghosts));
    let found = std::mem::take(&mut run.found);
    drop(run);
    result?;
    Ok(History {
        ops: machine.ops(),
        digests,
        ghosts,
        found,
        broken: machine.broken_promises(),
    })
}

/// Prints what is run, with `ALUDEL_TRACE` set: to look at a replay.
fn trace(who: usize, sql: &str) {
    if std::env::var_os("ALUDEL_TRACE").is_some() {
        eprintln!("{who}> {sql}");
    }
}

struct Run<'w> {
    scenario: Scenario,
    machine: FaultVfs,
    files: Files,
    wrap: &'w Wrap,
    random: Random,
    connections: Vec<Process>,
    oracle: rusqlite::Connection,
    digests: Vec<Digest>,
    ghosts: Vec<(usize, Digest)>,
    found: Vec<usize>,
    /// The second connection has a snapshot open, of this content.
    snapshot: Option<Digest>,
    step: u64,
    tables: u32,
}

struct Process {
    vfs: FaultVfs,
    connection: Connection,
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl<'w> Run<'w> {
    fn new(scenario: Scenario, machine: FaultVfs, folder: &Path, wrap: &'w Wrap) -> Result<Run<'w>, String> {
        let oracle = rusqlite::Connection::open_in_memory().map_err(words)?;
        if scenario.mode == Mode::Multi {
            oracle.execute_batch("ATTACH ':memory:' AS two").map_err(words)?;
        }
        let empty = dump::theirs(&oracle, scenario.databases()).map_err(words)?;
        let mut run = Run {
            scenario,
            machine,
            files: Files::within(folder),
            wrap,
            random: Random::new(scenario.seed),
            connections: Vec::new(),
            oracle,
            digests: vec![empty],
            ghosts: Vec::new(),
            found: Vec::new(),
            snapshot: None,
            step: 0,
            tables: 0,
        };
        let first = run.machine.clone();
        run.connect(first)?;
        Ok(run)
    }

    fn connect(&mut self, vfs: FaultVfs) -> Result<(), String> {
        let scenario = &self.scenario;
        let wrapped = (self.wrap)(Arc::new(vfs.clone()));
        let connection = open(scenario, wrapped, &self.files).map_err(words)?;
        let auto_vacuum = scenario.seed % 3;
        let autocheckpoint = [0, 3, 8, 1000][(scenario.seed / 3 % 4) as usize];
        for database in scenario.databases() {
            connection
                .execute_batch(&format!(
                    "PRAGMA {database}.page_size = {}; PRAGMA {database}.auto_vacuum = {auto_vacuum};
                     PRAGMA {database}.synchronous = {}; PRAGMA {database}.journal_mode = {};",
                    scenario.page_size,
                    scenario.sync.word(),
                    scenario.mode.pragma(),
                ))
                .map_err(|error| format!("set-up: {error}"))?;
        }
        connection
            .execute_batch(&format!("PRAGMA wal_autocheckpoint = {autocheckpoint}"))
            .map_err(|error| format!("set-up: {error}"))?;
        self.connections.push(Process { vfs, connection });
        Ok(())
    }

    fn all(&mut self) -> Result<(), String> {
        self.commit(0, &self.schema())?;
        if self.scenario.mode != Mode::Mixed {
            self.connect(self.machine.process())?;
        }
        let steps = 4 + self.random.below(6);
        for _ in 0..steps {
            self.one_step()?;
            self.look()?;
        }
        self.release_snapshot()
    }

    fn schema(&self) -> Vec<String> {
        let mut sql = vec![
            "CREATE TABLE step(n INTEGER)".to_owned(),
            "INSERT INTO step VALUES(0)".to_owned(),
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB)".to_owned(),
            "CREATE INDEX t_a ON t(a)".to_owned(),
            "CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID".to_owned(),
        ];
        if self.scenario.mode == Mode::Multi {
            sql.push("CREATE TABLE two.t2(id INTEGER PRIMARY KEY, a TEXT)".to_owned());
        }
        sql
    }

    // ---- steps -----------------------------------------------------------------------------------

    fn one_step(&mut self) -> Result<(), String> {
        let who = self.random.below(self.connections.len());
        let writer = if self.snapshot.is_some() { 0 } else { who };
        match self.random.below(20) {
            0 | 1 if self.connections.len() > 1 && self.scenario.mode.is_on_disk() => self.death(writer),
            2 if self.snapshot.is_none() => self.maintain(writer, "VACUUM"),
            3 => self.maintain(writer, "PRAGMA incremental_vacuum(2)"),
            4..=6 if self.scenario.mode == Mode::Wal => self.checkpoint(writer),
            4..=6 if self.scenario.mode == Mode::Mixed => self.switch_mode(),
            7..=9 if self.scenario.mode == Mode::Wal => self.take_snapshot(),
            10 => self.rolled_back(writer),
            _ => {
                let sql = self.changes();
                self.commit(writer, &sql)
            }
        }
    }

    /// A transaction that both sides make and acknowledge.
    fn commit(&mut self, writer: usize, sql: &[String]) -> Result<(), String> {
        let run = |batch: &str| {
            trace(writer, batch);
            self.connections[writer]
                .connection
                .execute_batch(batch)
                .map_err(|error| format!("{batch}: {error}"))
        };
        run("BEGIN IMMEDIATE")?;
        for statement in sql {
            run(statement)?;
        }
        run("COMMIT")?;
        self.oracle.execute_batch("BEGIN").map_err(words)?;
        for statement in sql {
            self.oracle.execute_batch(statement).map_err(words)?;
        }
        self.oracle.execute_batch("COMMIT").map_err(words)?;
        self.acknowledge()
    }

    fn acknowledge(&mut self) -> Result<(), String> {
        self.machine.mark(self.digests.len() as u64);
        self.digests.push(self.oracle_digest()?);
        Ok(())
    }

    fn oracle_digest(&self) -> Result<Digest, String> {
        dump::theirs(&self.oracle, self.scenario.databases()).map_err(words)
    }

    /// A transaction that is taken back.
    fn rolled_back(&mut self, writer: usize) -> Result<(), String> {
        let mut sql = vec!["BEGIN IMMEDIATE".to_owned()];
        sql.extend(self.changes());
        sql.push("ROLLBACK".to_owned());
        self.step -= 1;
        self.maintain(writer, &sql.join(";"))
    }

    /// Something that changes no content.
    fn maintain(&mut self, who: usize, sql: &str) -> Result<(), String> {
        trace(who, sql);
        self.connections[who]
            .connection
            .execute_batch(sql)
            .map_err(|error| format!("{sql}: {error}"))
    }

    fn checkpoint(&mut self, who: usize) -> Result<(), String> {
        let kind = *self.random.pick(&["passive", "full", "restart", "truncate"]);
        self.maintain(who, &format!("PRAGMA wal_checkpoint({kind})"))
    }

    fn switch_mode(&mut self) -> Result<(), String> {
        let mode = *self.random.pick(&["delete", "truncate", "persist", "wal", "wal"]);
        self.maintain(0, &format!("PRAGMA journal_mode = {mode}"))
    }

    fn take_snapshot(&mut self) -> Result<(), String> {
        if self.snapshot.is_some() {
            return self.release_snapshot();
        }
        self.maintain(1, "BEGIN")?;
        self.snapshot = self.digests.last().copied();
        self.look()
    }

    fn release_snapshot(&mut self) -> Result<(), String> {
        if self.snapshot.take().is_some() {
            self.maintain(1, "COMMIT")?;
        }
        Ok(())
    }

    /// A process dies in the middle of its transaction; the other one finds out what became of it.
    fn death(&mut self, writer: usize) -> Result<(), String> {
        let sql = self.changes();
        let mut died = true;
        let dead = &self.connections[writer];
        let begun = dead.connection.execute_batch("BEGIN IMMEDIATE");
        begun.map_err(|error| format!("BEGIN IMMEDIATE: {error}"))?;
        self.machine
            .set_plan(Some(FaultPlan::once(Fault::Death, self.random.below(60) as u64)));
        let work = sql.iter().map(String::as_str).chain(["COMMIT"]);
        for statement in work {
            trace(writer, statement);
            if dead.connection.execute_batch(statement).is_err() {
                died = dead.vfs.is_dead();
                break;
            }
        }
        self.machine.set_plan(None);
        if !died {
            return Err("an error though the process lives".to_owned());
        }
        let old = self.connections.remove(writer);
        old.vfs.kill();
        drop(old);
        if self.snapshot.is_some() {
            self.release_after_death(writer)?;
        }
        let survivor = &self.connections[0].connection;
        let found = dump::our_text(survivor, "SELECT n FROM step")
            .map_err(|error| format!("after a death: {error}"))?;
        self.oracle.execute_batch("BEGIN").map_err(words)?;
        for statement in &sql {
            self.oracle.execute_batch(statement).map_err(words)?;
        }
        if found == self.step.to_string() {
            self.oracle.execute_batch("COMMIT").map_err(words)?;
            self.found.push(self.digests.len());
            self.acknowledge()?;
        } else {
            let ghost = self.oracle_digest()?;
            self.oracle.execute_batch("ROLLBACK").map_err(words)?;
            self.ghosts.push((self.digests.len() - 1, ghost));
            self.step -= 1;
        }
        self.connect(self.machine.process())
    }

    /// The reader's snapshot outlives the writer.
    fn release_after_death(&mut self, dead: usize) -> Result<(), String> {
        self.snapshot = None;
        // With the writer gone, the reader is the first in the list.
        if dead == 0 {
            self.maintain(0, "COMMIT")
        } else {
            Ok(())
        }
    }

    // ---- looking ---------------------------------------------------------------------------------

    fn look(&mut self) -> Result<(), String> {
        let last = self.digests.last().copied().unwrap_or_default();
        for (at, process) in self.connections.iter().enumerate() {
            let expected = match self.snapshot {
                Some(snapshot) if at == 1 => snapshot,
                _ => last,
            };
            let found = dump::ours(&process.connection, self.scenario.databases())
                .map_err(|error| format!("live read by {at} after step {}: {error}", self.step))?;
            if found != expected {
                self.trace_difference(&process.connection);
                return Err(format!(
                    "live read by {at} after step {}: not what was committed",
                    self.step
                ));
            }
        }
        Ok(())
    }

    /// With `ALUDEL_TRACE` set, what either engine has of each table.
    fn trace_difference(&self, connection: &Connection) {
        if std::env::var_os("ALUDEL_TRACE").is_none() {
            return;
        }
        for query in [
            "SELECT group_concat(name || coalesce(sql, '')) FROM (SELECT * FROM sqlite_schema ORDER BY name)",
            "SELECT group_concat(id || ' ' || quote(a) || quote(b)) FROM (SELECT * FROM t ORDER BY id)",
            "SELECT group_concat(k || ' ' || quote(v)) FROM (SELECT * FROM w ORDER BY k)",
        ] {
            let (ours, theirs) = (
                dump::our_text(connection, query),
                dump::their_text(&self.oracle, query),
            );
            eprintln!("ours   {ours:?}\ntheirs {theirs:?}");
        }
    }

    // ---- changes ---------------------------------------------------------------------------------

    /// The statements of one transaction.
    fn changes(&mut self) -> Vec<String> {
        self.step += 1;
        let mut sql = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            self.change(&mut sql);
        }
        if self.random.one_in(4) {
            sql.push("SAVEPOINT s".to_owned());
            self.change(&mut sql);
            sql.push("ROLLBACK TO s".to_owned());
            if self.random.one_in(2) {
                self.change(&mut sql);
            }
            sql.push("RELEASE s".to_owned());
        }
        if self.scenario.mode == Mode::Multi && !self.random.one_in(4) {
            let (step, len) = (self.step, self.random.below(300));
            sql.push(format!(
                "INSERT INTO two.t2(a) VALUES('{step}' || replace(hex(zeroblob({len})), '0', 'q'))"
            ));
        }
        sql.push(format!("UPDATE step SET n = {}", self.step));
        sql
    }

    fn change(&mut self, sql: &mut Vec<String>) {
        let page = self.scenario.page_size as usize;
        let (from, some) = (self.random.below(60), 1 + self.random.below(20));
        let letter = char::from(b'a' + self.random.below(26) as u8);
        let last = match self.random.below(12) {
            0..=2 => {
                let len = self.random.below(page / 6 + 20);
                format!(
                    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {some})
                     INSERT INTO t(a, b) SELECT '{letter}' || i || '-{from}', zeroblob({len}) FROM c"
                )
            }
            3 => {
                let len = page / 2 + self.random.below(page * 3);
                format!(
                    "INSERT INTO t(a, b) VALUES('{letter}', replace(hex(zeroblob({len})), '0', '{letter}'))"
                )
            }
            4 => format!("DELETE FROM t WHERE id % {} = 1", 2 + self.random.below(5)),
            5 => format!("DELETE FROM t WHERE id > {from}"),
            6 => format!("UPDATE t SET a = a || '{letter}' WHERE id % 7 = {}", from % 7),
            7 => format!(
                "UPDATE t SET b = zeroblob({}) WHERE id < {some}",
                self.random.below(page)
            ),
            8 => format!(
                "INSERT OR REPLACE INTO w SELECT a, id FROM t WHERE id BETWEEN {from} AND {}",
                from + some
            ),
            9 => "DELETE FROM w".to_owned(),
            10 if self.tables > 0 && self.random.one_in(2) => {
                self.tables -= 1;
                format!("DROP TABLE IF EXISTS extra{}", self.tables)
            }
            10 => {
                self.tables += 1;
                let name = self.tables - 1;
                sql.push(format!("DROP TABLE IF EXISTS extra{name}"));
                sql.push(format!(
                    "CREATE TABLE extra{name}(x INTEGER PRIMARY KEY, y UNIQUE)"
                ));
                format!("INSERT INTO extra{name} SELECT id, a || id FROM t WHERE id < {from}")
            }
            _ => {
                sql.push("DROP INDEX IF EXISTS t_b".to_owned());
                "CREATE INDEX IF NOT EXISTS t_b ON t(length(b), a)".to_owned()
            }
        };
        sql.push(last);
    }
}
