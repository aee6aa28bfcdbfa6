//! All seeds and their mutations, on all processors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::seeds::{self, Seed};
use super::trial::{Outcome, Trial};
use super::{Kind, Meter, mutate};
use crate::random::Random;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of damaged files, each of which is run as it is and damaged further.
    pub folder: Option<PathBuf>,
    /// Cases with a mutation.
    pub mutated: u64,
    /// What the mutations follow from.
    pub seed: u64,
    /// Go on after a finding, until there are so many.
    pub findings_max: usize,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Cases.
    pub cases: u64,
    /// Cases of which the schema could be read.
    pub opened: u64,
    /// Cases in which the integrity check found something.
    pub damaged: u64,
    /// Tables that both engines read, to the same rows.
    pub compared: u64,
    /// Tables of damaged files that SQLite reads and that we refuse as damaged.
    pub refused: u64,
    /// Findings by kind.
    pub by_kind: BTreeMap<Kind, u64>,
    /// Findings: the case and what is wrong.
    pub findings: Vec<(String, String)>,
    /// The longest step.
    pub longest: Duration,
    /// The case of the longest step.
    pub longest_case: String,
    /// The most memory that a step held.
    pub most_memory: usize,
    /// The case of it.
    pub most_memory_case: String,
}

impl Tally {
    fn add(&mut self, case: &str, outcome: Outcome) {
        self.cases += 1;
        self.opened += u64::from(outcome.opened);
        self.damaged += u64::from(outcome.found_damage);
        self.compared += outcome.compared;
        self.refused += outcome.refused;
        if outcome.longest > self.longest {
            (self.longest, self.longest_case) = (outcome.longest, case.to_owned());
        }
        if outcome.most_memory > self.most_memory {
            (self.most_memory, self.most_memory_case) = (outcome.most_memory, case.to_owned());
        }
        for (kind, what) in outcome.findings {
            *self.by_kind.entry(kind).or_default() += 1;
            self.findings.push((case.to_owned(), format!("{kind:?}: {what}")));
        }
    }
}

/// A file of more bytes is not damaged further: small ones have all that is to be damaged.
const MUTATED_LEN_MAX: usize = 100_000;
/// A case that takes longer than this hangs.
const HANG: Duration = Duration::from_secs(120);

/// Runs the cases; `progress` is told how many are done.
///
/// # Errors
/// The seeds cannot be read or made; a case that does not end is printed and ends the process.
pub fn run(options: &Options, meter: &dyn Meter, progress: &(dyn Fn(u64) + Sync)) -> Result<Tally, String> {
    let (as_they_are, to_mutate) = seeds_of(options.folder.as_deref())?;
    let cases = as_they_are.len() as u64 + options.mutated;
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    // A case that ends the whole process is found by the last names that were printed.
    let is_traced = std::env::var_os("ALUDEL_TRACE").is_some();
    let tally = Mutex::new(Tally::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let watched: Vec<Mutex<Option<(String, Instant)>>> = (0..threads).map(|_| Mutex::new(None)).collect();
    let finished = AtomicU64::new(0);
    let work = |watch: &Mutex<Option<(String, Instant)>>| -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= cases || lock(&tally).findings.len() >= options.findings_max {
                return Ok(());
            }
            let (seed, mutation) = match as_they_are.get(number as usize) {
                Some(seed) => (seed, 0),
                None => {
                    let mut random = Random::new(options.seed ^ number.wrapping_mul(0x9e37_79b9));
                    (random.pick(&to_mutate), 1 + random.number() / 2)
                }
            };
            let case = format!("{}:{mutation:x}", seed.name);
            *lock(watch) = Some((case.clone(), Instant::now()));
            if is_traced {
                eprintln!("{case}");
            }
            let outcome = try_case(seed, mutation, folder.path(), meter)?;
            lock(&tally).add(&case, outcome);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    let results: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let workers: Vec<_> = watched
            .iter()
            .map(|watch| {
                let (work, finished) = (&work, &finished);
                scope.spawn(move || {
                    let result = work(watch);
                    finished.fetch_add(1, Ordering::Relaxed);
                    result
                })
            })
            .collect();
        scope.spawn(|| {
            while finished.load(Ordering::Relaxed) < threads as u64 {
                std::thread::sleep(Duration::from_millis(50));
                watched.iter().for_each(|watch| end_if_hanging(&lock(watch)));
            }
        });
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err("a worker panicked".to_owned()))
            })
            .collect()
    });
    results.into_iter().collect::<Result<Vec<()>, String>>()?;
    Ok(tally
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn end_if_hanging(watch: &Option<(String, Instant)>) {
    if let Some((case, since)) = watch
        && since.elapsed() > HANG
    {
        println!("damage: {case} does not end");
        std::process::exit(1);
    }
}

/// The seeds to run as they are, and those to mutate.
fn seeds_of(folder: Option<&Path>) -> Result<(Vec<Seed>, Vec<Seed>), String> {
    let as_they_are = folder.map_or(Ok(Vec::new()), seeds::of_folder)?;
    let made = seeds::made()?;
    let small = |seed: &&Seed| seed.image.len() <= MUTATED_LEN_MAX;
    let mut to_mutate: Vec<Seed> = as_they_are.iter().filter(small).cloned().collect();
    // About as many of the made ones, which are sound and show more.
    let copies = to_mutate.len().div_ceil(made.len()).max(1);
    for _ in 0..copies {
        to_mutate.extend(made.iter().cloned());
    }
    Ok((as_they_are.into_iter().chain(made).collect(), to_mutate))
}

/// One case; one that was too slow is tried again, because the machine may have been busy.
fn try_case(seed: &Seed, mutation: u64, folder: &Path, meter: &dyn Meter) -> Result<Outcome, String> {
    let image = match mutation {
        0 => seed.image.clone(),
        number => mutate::mutate(&seed.image, number),
    };
    let mut outcome = Outcome::default();
    for _ in 0..3 {
        outcome = Trial::new(folder, &image, meter)
            .run()
            .map_err(|error| error.to_string())?;
        if !outcome.findings.iter().any(|(kind, _)| *kind == Kind::Slow) {
            break;
        }
    }
    Ok(outcome)
}

/// Runs one case by its name; with `keep`, its file is left there as `case.db`.
///
/// # Errors
/// There is no such case.
pub fn replay(
    case: &str,
    folder: Option<&Path>,
    keep: Option<&Path>,
    meter: &dyn Meter,
) -> Result<Tally, String> {
    let (name, mutation) = case.rsplit_once(':').ok_or("a case is SEED:NUMBER")?;
    let mutation = u64::from_str_radix(mutation, 16).map_err(|error| error.to_string())?;
    let (seeds, _) = seeds_of(folder)?;
    let seed = seeds
        .iter()
        .find(|seed| seed.name == name)
        .ok_or_else(|| format!("no seed {name}"))?;
    if let Some(keep) = keep {
        let image = match mutation {
            0 => seed.image.clone(),
            number => mutate::mutate(&seed.image, number),
        };
        image
            .write(&keep.join("case.db"))
            .map_err(|error| error.to_string())?;
    }
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut tally = Tally::default();
    tally.add(case, try_case(seed, mutation, scratch.path(), meter)?);
    Ok(tally)
}
