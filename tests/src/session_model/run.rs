//! Histories on all processors, until there were enough; a failure is made smaller.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aludel::Engine;

use super::step::{Step, history};
use super::subject::{Subject, clear, create};
use super::world::Fault;
use crate::random::Random;

/// The longest that one failure may be made smaller for.
const SHRINK_TIME_MAX: Duration = Duration::from_secs(20);

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Histories.
    pub histories: u64,
    /// The seed of the first; the others follow.
    pub seed: u64,
    /// The most steps of a history, those within savepoints aside.
    pub steps_max: usize,
    /// The database: an empty one, whose tables are made and emptied.
    pub url: String,
    /// What is wrong with the model.
    pub fault: Fault,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            histories: 200,
            seed: 1,
            steps_max: 40,
            url: "sqlite::memory:".to_owned(),
            fault: Fault::None,
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Histories.
    pub histories: u64,
    /// Steps, those within savepoints aside.
    pub steps: u64,
}

/// Runs histories; `progress` is told how many are done.
///
/// # Errors
/// The first failure: what differs, its seed, and the smallest history found that fails so.
pub fn run(options: &Options, progress: &(dyn Fn(u64) + Sync)) -> Result<Tally, String> {
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    let failure: Mutex<Option<String>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..workers(options) {
            scope.spawn(|| {
                let outcome = work(options, &next, &tally, &failure, progress);
                if let (Err(what), Ok(mut failure)) = (outcome, failure.lock()) {
                    failure.get_or_insert(what);
                }
            });
        }
    });
    match failure.into_inner() {
        Ok(None) => Ok(tally.into_inner().unwrap_or_default()),
        Ok(Some(failure)) => Err(failure),
        Err(_) => Err("a worker panicked".to_owned()),
    }
}

/// Databases in memory are one for each worker; the tables of a server are one for all.
fn workers(options: &Options) -> usize {
    match options.url.contains(":memory:") {
        true => std::thread::available_parallelism().map_or(1, usize::from),
        false => 1,
    }
}

fn work(
    options: &Options,
    next: &AtomicU64,
    tally: &Mutex<Tally>,
    failure: &Mutex<Option<String>>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), String> {
    let place = Place::new(&options.url)?;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= options.histories || failure.lock().map_or(true, |failure| failure.is_some()) {
            return Ok(());
        }
        let seed = options.seed.wrapping_add(number);
        let steps = of_seed(seed, options.steps_max);
        if let Err(what) = place.try_out(&steps, options.fault) {
            return Err(report(&place, seed, steps, what, options.fault));
        }
        if let Ok(mut tally) = tally.lock() {
            tally.histories += 1;
            tally.steps += steps.len() as u64;
            progress(tally.histories);
        }
    }
}

fn of_seed(seed: u64, steps_max: usize) -> Vec<Step> {
    let mut random = Random::new(seed);
    let length = 1 + random.below(steps_max);
    history(&mut random, length)
}

/// Replays a history: lines of JSON, as a failure prints them.
///
/// # Errors
/// Lines that are no steps; what differs.
pub fn replay(options: &Options, lines: &str) -> Result<(), String> {
    let lines = lines.lines().filter(|line| !line.trim().is_empty());
    let steps: Result<Vec<Step>, _> = lines.map(serde_json::from_str).collect();
    let steps = steps.map_err(|error| format!("not a history: {error}"))?;
    Place::new(&options.url)?.try_out(&steps, options.fault)
}

/// Where histories run, one after the other.
struct Place {
    url: String,
    /// A server's database; one in memory is made for each history.
    lasting: Option<Engine>,
}

impl Place {
    fn new(url: &str) -> Result<Place, String> {
        let mut place = Place {
            url: url.to_owned(),
            lasting: None,
        };
        if !url.contains(":memory:") {
            let engine = Engine::open(url).map_err(|error| error.to_string())?;
            create(&engine).map_err(|error| error.to_string())?;
            place.lasting = Some(engine);
        }
        Ok(place)
    }

    fn engine(&self) -> aludel::Result<Engine> {
        if let Some(engine) = &self.lasting {
            clear(engine)?;
            return Ok(engine.clone());
        }
        let engine = Engine::open(&self.url)?;
        create(&engine)?;
        Ok(engine)
    }

    /// Runs a history; a panic is a failure like others.
    fn try_out(&self, steps: &[Step], fault: Fault) -> Result<(), String> {
        let history = || {
            let engine = self.engine().map_err(|error| error.to_string())?;
            let mut subject = Subject::new(&engine, fault)?;
            steps.iter().try_for_each(|step| subject.perform(step))
        };
        catch_unwind(AssertUnwindSafe(history)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("panic: {}", text.unwrap_or_default()))
        })
    }
}

fn report(place: &Place, seed: u64, steps: Vec<Step>, what: String, fault: Fault) -> String {
    let (steps, what) = shrink(place, steps, what, fault);
    let lines: Vec<String> = steps
        .iter()
        .map(|step| serde_json::to_string(step).unwrap_or_else(|error| error.to_string()))
        .collect();
    format!(
        "seed {seed}: {what}\nreplay with --replay FILE, where FILE has these lines:\n{}",
        lines.join("\n")
    )
}

/// Leaves out steps, and takes savepoints apart, as long as the history still fails.
fn shrink(place: &Place, mut steps: Vec<Step>, mut what: String, fault: Fault) -> (Vec<Step>, String) {
    let until = Instant::now() + SHRINK_TIME_MAX;
    let mut again = true;
    while again && Instant::now() < until {
        again = false;
        for smaller in smaller(&steps) {
            if Instant::now() > until {
                break;
            }
            if let Err(other) = place.try_out(&smaller, fault) {
                (steps, what, again) = (smaller, other, true);
                break;
            }
        }
    }
    (steps, what)
}

/// Histories that are a little smaller, the smallest first.
fn smaller(steps: &[Step]) -> Vec<Vec<Step>> {
    let mut all = Vec::new();
    let mut run = steps.len() / 2;
    while run > 0 {
        for start in (0..steps.len()).step_by(run) {
            let kept = steps
                .iter()
                .enumerate()
                .filter(|(i, _)| *i < start || *i >= start + run);
            all.push(kept.map(|(_, step)| step.clone()).collect());
        }
        run /= 2;
    }
    for (i, step) in steps.iter().enumerate() {
        let Step::Savepoint { steps: inner, keep } = step else {
            continue;
        };
        let replaced = |with: Vec<Step>| [&steps[..i], &with[..], &steps[i + 1..]].concat();
        all.push(replaced(inner.clone()));
        for fewer in smaller(inner) {
            all.push(replaced(vec![Step::Savepoint {
                steps: fewer,
                keep: *keep,
            }]));
        }
    }
    all
}
