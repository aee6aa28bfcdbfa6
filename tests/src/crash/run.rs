//! Runs scenarios until enough states are judged, on all processors, and tells what was reached.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use aludel_storage::format::journal::JOURNAL_SUFFIX;
use aludel_storage::vfs::fault::{Disk, FaultVfs, Op};
use aludel_storage::vfs::{MemoryImage, Vfs};

use super::contract::Contract;
use super::dump::Digest;
use super::judge::Judge;
use super::scenario::{Crash, End, Mode, Replay, Scenario, SyncLevel};
use super::states;
use super::workload::{self, Files, History, Wrap};
use crate::random::Random;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// States to judge, of the first level.
    pub states: u64,
    /// Where the scenarios' seeds come from.
    pub seed: u64,
    /// Which modes.
    pub modes: Vec<Mode>,
    /// Which sync levels.
    pub syncs: Vec<SyncLevel>,
    /// Whether a write that breaks the order is a failure before any crash shows it.
    pub live_checker: bool,
    /// States of each scenario.
    pub states_of_scenario: usize,
    /// One recovery in so many is crashed as well, at every level.
    pub recovery_in: usize,
    /// Crashed recoveries deep.
    pub levels: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            states: 20_000,
            seed: 1,
            modes: Mode::ALL.to_vec(),
            syncs: SyncLevel::ALL.to_vec(),
            live_checker: true,
            states_of_scenario: 120,
            recovery_in: 8,
            levels: 3,
        }
    }
}

/// What was reached.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Scenarios run.
    pub scenarios: u64,
    /// States judged, by level.
    pub states: [u64; 4],
    /// Of these, by mode.
    pub by_mode: BTreeMap<Mode, u64>,
    /// Ends by the death of all processes.
    pub killed: u64,
    /// Images with a journal or log that had to be looked at.
    pub recovered: u64,
    /// Images that held less than everything that was acknowledged, as the mode allows.
    pub shortened: u64,
}

/// A broken promise and how to see it again.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What to pass to `--replay`.
    pub replay: Replay,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  replay: crash --replay {}", self.what, self.replay)
    }
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.scenarios += other.scenarios;
        for (sum, more) in self.states.iter_mut().zip(other.states) {
            *sum += more;
        }
        for (mode, more) in &other.by_mode {
            *self.by_mode.entry(*mode).or_default() += more;
        }
        self.killed += other.killed;
        self.recovered += other.recovered;
        self.shortened += other.shortened;
    }
}

/// A folder in memory, if the system has one, that goes when this is dropped.
pub(super) fn scratch() -> Result<tempfile::TempDir, String> {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    tempfile::Builder::new()
        .prefix("aludel-crash-")
        .rand_bytes(8)
        .tempdir_in(base)
        .map_err(|error| error.to_string())
}

/// Runs until `options.states` are judged or a promise is broken. `progress` is told the states so far.
///
/// # Errors
/// The first broken promise.
pub fn run(options: &Options, wrap: &Wrap, progress: &(dyn Fn(u64) + Sync)) -> Result<Tally, Failure> {
    let (next, judged) = (AtomicU64::new(0), AtomicU64::new(0));
    let (total, failure) = (Mutex::new(Tally::default()), Mutex::new(None));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while judged.load(Ordering::Relaxed) < options.states
                    && failure.lock().is_ok_and(|failure| failure.is_none())
                {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let scenario = Scenario::numbered(number, options.seed, &options.modes, &options.syncs);
                    match guarded(scenario, || one_scenario(scenario, options, wrap)) {
                        Ok(tally) => {
                            let so_far =
                                judged.fetch_add(tally.states[0], Ordering::Relaxed) + tally.states[0];
                            progress(so_far);
                            if let Ok(mut total) = total.lock() {
                                total.add(&tally);
                            }
                        }
                        Err(found) => {
                            if let Ok(mut failure) = failure.lock() {
                                failure.get_or_insert(found);
                            }
                        }
                    }
                }
            });
        }
    });
    match failure.into_inner() {
        Ok(None) => Ok(total.into_inner().unwrap_or_default()),
        Ok(Some(failure)) => Err(failure),
        Err(poisoned) => Err(poisoned.into_inner().unwrap_or_else(|| Failure {
            replay: whole(Scenario::numbered(
                0,
                options.seed,
                &options.modes,
                &options.syncs,
            )),
            what: "a thread of the judge panicked".to_owned(),
        })),
    }
}

fn whole(scenario: Scenario) -> Replay {
    Replay {
        scenario,
        crashes: Vec::new(),
    }
}

/// A panic of the engine is a broken promise as well.
fn guarded<T>(scenario: Scenario, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Failure {
            replay: whole(scenario),
            what: format!("panic: {}", text.unwrap_or_default()),
        })
    })
}

/// All levels of one scenario.
fn one_scenario(scenario: Scenario, options: &Options, wrap: &Wrap) -> Result<Tally, Failure> {
    let failed = |what: String| Failure {
        replay: whole(scenario),
        what,
    };
    let folder = scratch().map_err(failed)?;
    let history = workload::run(&scenario, folder.path(), wrap).map_err(failed)?;
    if let Some(broken) = history.broken.first().filter(|_| options.live_checker) {
        return Err(failed(format!("live checker: {broken}")));
    }
    let mut court = Court {
        judge: Judge {
            scenario,
            folder: folder.path(),
            wrap,
        },
        options,
        random: Random::new(scenario.seed ^ 0x5747),
        tally: Tally {
            scenarios: 1,
            ..Tally::default()
        },
        path: Vec::new(),
    };
    let result = court.first_level(&history);
    match result {
        Ok(()) => Ok(court.tally),
        Err(what) => Err(Failure {
            replay: Replay {
                scenario,
                crashes: court.path,
            },
            what,
        }),
    }
}

struct Court<'a> {
    judge: Judge<'a>,
    options: &'a Options,
    random: Random,
    tally: Tally,
    /// The crashes that lead to the state at hand.
    path: Vec<Crash>,
}

impl Court<'_> {
    fn first_level(&mut self, history: &History) -> Result<(), String> {
        let scenario = self.judge.scenario;
        let files = Files::within(self.judge.folder);
        let contract = std::cell::RefCell::new(Contract::new(scenario, history, files));
        let mut random = self.random.clone();
        states::for_each(
            &Disk::default(),
            &history.ops,
            self.options.states_of_scenario,
            &mut random,
            &mut |op| contract.borrow_mut().pass(op),
            &mut |crash, image| {
                let contract = contract.borrow();
                let Some(window) = contract.window(crash.end) else {
                    return Ok(());
                };
                let found = self.state(crash, image, &contract.legal(&window), 0)?;
                self.tally.shortened +=
                    u64::from(window.floor < window.top && found == history.digests[window.floor]);
                Ok(())
            },
        )
    }

    /// Judges a state and, now and then, the crashes of its recovery.
    fn state(
        &mut self,
        crash: Crash,
        image: &MemoryImage,
        legal: &[Digest],
        level: usize,
    ) -> Result<Digest, String> {
        self.path.push(crash);
        let found = self.judge.judge(image, legal)?;
        self.tally.states[level] += 1;
        *self.tally.by_mode.entry(self.judge.scenario.mode).or_default() += 1;
        self.tally.killed += u64::from(crash.end == End::Killed);
        if needs_recovery(image) {
            self.tally.recovered += 1;
            if level < self.options.levels && self.random.one_in(self.options.recovery_in) {
                self.recovery(image, found, level + 1)?;
            }
        }
        self.path.pop();
        Ok(found)
    }

    /// The recovery of an image is crashed as well. Once it was begun there is one content only.
    fn recovery(&mut self, image: &MemoryImage, content: Digest, level: usize) -> Result<(), String> {
        let ops = record_recovery(&self.judge, image)?;
        let budget = if level == 1 { 8 } else { 3 };
        let mut random = self.random.clone();
        self.random.number();
        states::for_each(
            &Disk::from_image(image),
            &ops,
            budget,
            &mut random,
            &mut |_| {},
            &mut |crash, image| self.state(crash, image, &[content], level).map(drop),
        )
    }
}

fn needs_recovery(image: &MemoryImage) -> bool {
    image.files.iter().any(|(path, bytes)| {
        let name = path.to_string_lossy();
        (name.ends_with(JOURNAL_SUFFIX) && bytes.first().is_some_and(|byte| *byte != 0))
            || (name.ends_with("-wal") && bytes.len() > 32)
    })
}

/// What our engine does to the disk when it opens an image, reads and closes.
fn record_recovery(judge: &Judge<'_>, image: &MemoryImage) -> Result<Vec<Op>, String> {
    let machine = FaultVfs::new(image, judge.scenario.seed);
    let vfs: Arc<dyn Vfs> = (judge.wrap)(Arc::new(machine.clone()));
    let connection = workload::open(&judge.scenario, vfs, &Files::within(judge.folder))
        .map_err(|error| format!("recovery: {error}"))?;
    super::dump::ours(&connection, judge.scenario.databases())
        .map_err(|error| format!("recovery: {error}"))?;
    drop(connection);
    Ok(machine.ops())
}

/// Runs one state again; what it was found to be, in words. Leaves the image's files in `keep`. Without the live checker what the state itself
/// shows is told although the order of the writes was wrong before: that is how a seeded fault is proven.
///
/// # Errors
/// The broken promise.
pub fn replay(
    replay: &Replay,
    wrap: &Wrap,
    live_checker: bool,
    keep: Option<PathBuf>,
) -> Result<String, Failure> {
    let failed = |what: String| Failure {
        replay: replay.clone(),
        what,
    };
    let scenario = replay.scenario;
    let folder = scratch().map_err(failed)?;
    let history = workload::run(&scenario, folder.path(), wrap).map_err(failed)?;
    if let Some(broken) = history.broken.first().filter(|_| live_checker) {
        let at = broken
            .split([' ', ':'])
            .nth(1)
            .and_then(|at| at.parse().ok())
            .unwrap_or(0);
        let ops = describe(&history.ops, at, &MemoryImage::default());
        return Err(failed(format!("{ops}live checker: {broken}")));
    }
    let Some((first, deeper)) = replay.crashes.split_first() else {
        return Ok(format!(
            "{} operations, {} commits",
            history.ops.len(),
            history.digests.len() - 1
        ));
    };
    let judge = Judge {
        scenario,
        folder: folder.path(),
        wrap,
    };
    let mut contract = Contract::new(scenario, &history, Files::within(folder.path()));
    let mut disk = Disk::default();
    for op in history.ops.iter().take(first.after) {
        disk.apply(op);
        contract.pass(op);
    }
    let mut image = states::image(&disk, first.end);
    let window = contract
        .window(first.end)
        .ok_or_else(|| failed("nothing is promised for this state".to_owned()))?;
    let mut legal = contract.legal(&window);
    let mut said = describe(&history.ops, first.after, &image);
    let judged = (|| {
        for crash in deeper {
            legal = vec![judge.judge(&image, &legal)?];
            let ops = record_recovery(&judge, &image)?;
            let mut disk = Disk::from_image(&image);
            ops.iter().take(crash.after).for_each(|op| disk.apply(op));
            image = states::image(&disk, crash.end);
            said = describe(&ops, crash.after, &image);
        }
        judge.judge(&image, &legal)
    })();
    if let Some(keep) = keep {
        for (path, bytes) in &image.files {
            let name = path.file_name().unwrap_or_default();
            std::fs::write(keep.join(name), bytes).map_err(|error| failed(error.to_string()))?;
        }
    }
    match judged {
        Ok(found) => {
            let at = history.digests.iter().position(|digest| *digest == found);
            Ok(format!("{said}\nholds commit {at:?}, legal are {window:?}"))
        }
        Err(what) => Err(failed(format!("{said}\nlegal are {window:?}\n{what}"))),
    }
}

pub(super) fn describe(ops: &[Op], after: usize, image: &MemoryImage) -> String {
    let mut said = String::new();
    for (at, op) in ops
        .iter()
        .enumerate()
        .take(after + 3)
        .skip(after.saturating_sub(12))
    {
        let here = if at == after { "-- here --\n" } else { "" };
        let op = match op {
            Op::Write { inode, offset, bytes } => format!("Write {inode} at {offset}, {} bytes", bytes.len()),
            other => format!("{other:?}"),
        };
        said.push_str(&format!("{here}{at:5} {op}\n"));
    }
    for (path, bytes) in &image.files {
        said.push_str(&format!("{} {} bytes\n", path.display(), bytes.len()));
    }
    said
}
