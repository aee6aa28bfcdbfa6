//! Runs one workload in alternating rounds.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::types::Value;

use super::answer::{Answer, difference};
use super::peer::{Failure, Peer, PeerName};
use super::template::Templates;
use super::workloads::{Inputs, Start, Work, Workload};

/// How a run is sized.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Rounds of each engine; at least five.
    pub rounds: usize,
}

/// What a workload took.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The workload.
    pub name: &'static str,
    /// Aludel's median time of one work, in nanoseconds; or why it could not be measured.
    pub ours_ns: Result<f64, Failure>,
    /// SQLite's.
    pub sqlite_ns: f64,
}

impl Measured {
    /// Ours over SQLite's: lower is better.
    pub fn ratio(&self) -> Option<f64> {
        self.ours_ns.as_ref().ok().map(|ours| ours / self.sqlite_ns)
    }
}

/// An engine in the middle of a workload.
struct Side {
    name: PeerName,
    file: PathBuf,
    open: Option<Box<dyn Peer>>,
    times: Vec<Duration>,
    checksum: Option<u64>,
}

/// Measures a workload.
///
/// # Errors
/// When SQLite itself cannot do the work, or the two engines' answers differ. What Aludel cannot do yet is no error but part of the result.
pub fn measure(workload: &Workload, templates: &Templates, settings: Settings) -> Result<Measured, Failure> {
    let mut ours = Side::new(PeerName::Ours);
    let mut theirs = Side::new(PeerName::Sqlite);
    let mut unsupported = None;
    let inputs = workload.work.inputs(templates.rows());
    // The first round of each warms caches and is not counted.
    for _ in 0..=settings.rounds.max(5) {
        if unsupported.is_none() {
            unsupported = ours.round(workload, templates, &inputs).err();
        }
        theirs.round(workload, templates, &inputs)?;
    }
    if unsupported.is_none() {
        let different = match &workload.work {
            Work::Answer(sql) => difference(&ours.answer(sql)?, &theirs.answer(sql)?),
            _ if !workload.check.is_empty() => {
                difference(&ours.answer(workload.check)?, &theirs.answer(workload.check)?)
            }
            _ => (ours.checksum != theirs.checksum).then(|| String::from("checksums")),
        };
        if let Some(how) = different {
            return Err(format!("{}: the engines' answers differ: {how}", workload.name));
        }
    }
    let count = workload.work.count(templates) as f64;
    let ours_ns = match unsupported {
        Some(why) => Err(why),
        None => Ok(ours.median_ns() / count),
    };
    Ok(Measured {
        name: workload.name,
        ours_ns,
        sqlite_ns: theirs.median_ns() / count,
    })
}

/// Each engine's plan of a workload's query, a step a line.
///
/// # Errors
/// When the query fails.
pub fn plans(workload: &Workload, templates: &Templates) -> Result<Vec<(PeerName, Vec<String>)>, Failure> {
    let Some(sql) = workload.work.query() else {
        return Ok(Vec::new());
    };
    let mut plans = Vec::new();
    for (name, explain) in [
        (PeerName::Sqlite, "EXPLAIN QUERY PLAN"),
        (PeerName::Ours, "EXPLAIN QUERY PLAN"),
        (PeerName::Ours, "EXPLAIN"),
    ] {
        let mut side = Side::new(name);
        side.reopen(workload, templates)?;
        let answer = side.answer(&format!("{explain} {sql}"))?;
        let line = |row: &Vec<Value>| match row.last() {
            Some(Value::Text(text)) => text.clone(),
            other => format!("{other:?}"),
        };
        plans.push((name, answer.iter().map(line).collect()));
    }
    Ok(plans)
}

impl Side {
    fn new(name: PeerName) -> Side {
        Side {
            name,
            file: PathBuf::new(),
            open: None,
            times: Vec::new(),
            checksum: None,
        }
    }

    fn round(&mut self, workload: &Workload, templates: &Templates, inputs: &Inputs) -> Result<(), Failure> {
        if self.open.is_none() || !workload.start.is_kept() {
            self.reopen(workload, templates)?;
        }
        let Some(peer) = self.open.as_deref() else {
            return Ok(());
        };
        let start = Instant::now();
        let checksum = workload.work.perform(peer, self.name, &self.file, inputs)?;
        self.times.push(start.elapsed());
        self.checksum = Some(checksum);
        Ok(())
    }

    /// The whole answer of a query on the open database.
    fn answer(&self, sql: &str) -> Result<Answer, Failure> {
        let mut answer = Answer::new();
        if let Some(peer) = self.open.as_deref() {
            peer.with_statement(sql, &mut |statement| {
                answer = statement.answer()?;
                Ok(0)
            })?;
        }
        Ok(answer)
    }

    fn reopen(&mut self, workload: &Workload, templates: &Templates) -> Result<(), Failure> {
        self.open = None;
        let name = match self.name {
            PeerName::Ours => "ours.db",
            PeerName::Sqlite => "sqlite.db",
        };
        self.file = match workload.start {
            Start::Empty => templates.empty(name)?,
            Start::Shared(template) | Start::Copy(template) => templates.copy(template, name)?,
        };
        let peer = self.name.open(&self.file)?;
        peer.batch(workload.setup)?;
        self.open = Some(peer);
        Ok(())
    }

    /// The median of all rounds but the first.
    fn median_ns(&self) -> f64 {
        let mut times: Vec<f64> = self
            .times
            .iter()
            .skip(1)
            .map(|time| time.as_nanos() as f64)
            .collect();
        times.sort_unstable_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
    }
}
