//! Runs scripts and mutated statements, with a watcher that interrupts what takes long.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aludel_sql::{Connection, InterruptHandle};

use super::mutate::mutate;
use super::{BYTES_MAX, GRACE_MS, STATEMENT_MS_MAX, Script};
use crate::damage::Meter;
use crate::differential::{PROFILES, session};
use crate::random::Random;

/// How much is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Scripts to run as they are.
    pub scripts: Vec<Script>,
    /// Mutated statements.
    pub mutated: u64,
    /// What the mutations follow from.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Scripts that were run to their end.
    pub scripts: u64,
    /// Statements, of scripts and mutated ones.
    pub statements: u64,
    /// Of them, those that were compiled.
    pub compiled: u64,
    /// Of them, those that were interrupted.
    pub interrupted: u64,
    /// The longest statement.
    pub longest_ms: u64,
    /// The most memory that one held.
    pub most_bytes: usize,
    /// What must not be: panics, hangs, too much memory.
    pub findings: Vec<String>,
}

/// Mutated statements that share a database.
const SHARED: u64 = 200;

/// Rows that are read of one statement.
const ROWS_MAX: usize = 1_000;

/// Runs everything.
pub fn run(options: &Options, meter: &dyn Meter, progress: &dyn Fn(u64)) -> Tally {
    let mut worker = Worker {
        meter,
        watcher: Watcher::start(),
        tally: Tally::default(),
    };
    let mut done = 0;
    for script in &options.scripts {
        if let Some(connection) = open(None) {
            worker.run_text(&connection, &script.sql, &script.name);
        }
        worker.tally.scripts += 1;
        done += 1;
        progress(done);
    }
    let mut random = Random::new(options.seed);
    let mut number = 0;
    while number < options.mutated {
        let profile = PROFILES[(number / SHARED) as usize % PROFILES.len()];
        let seeds: Vec<String> = session(profile, random.number(), 40)
            .iter()
            .map(|statement| statement.tree.to_string())
            .collect();
        let Some(connection) = open(Some(&seeds)) else {
            continue;
        };
        for _ in 0..SHARED.min(options.mutated - number) {
            let text = match options.scripts.len() {
                0 => random.pick(&seeds).clone(),
                _ if random.percent(60) => random.pick(&seeds).clone(),
                _ => random.pick(&options.scripts).sql.clone(),
            };
            let other = random.pick(&seeds).clone();
            let mutated = mutate(&text, &other, &mut random);
            worker.run_text(
                &connection,
                &mutated,
                &format!("mutated {number} (seed {})", options.seed),
            );
            number += 1;
        }
        done += SHARED;
        progress(done);
    }
    worker.tally
}

/// A database in memory, with what a session begins with.
fn open(seeds: Option<&[String]>) -> Option<Connection> {
    let connection = Connection::open_in_memory().ok()?;
    for sql in seeds.unwrap_or_default().iter().take(8) {
        let _ = connection.execute_batch(sql);
    }
    Some(connection)
}

struct Worker<'m> {
    meter: &'m dyn Meter,
    watcher: Watcher,
    tally: Tally,
}

impl Worker<'_> {
    /// Runs the statements of a text, one after the other.
    fn run_text(&mut self, connection: &Connection, text: &str, name: &str) {
        let mut start = 0;
        while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
            self.meter.reset();
            self.watcher.begin(connection.interrupt_handle(), name);
            let began = Instant::now();
            let ran = catch_unwind(AssertUnwindSafe(|| run_one(connection, rest)));
            let took = self.watcher.end(began.elapsed());
            let peak = self.meter.peak();
            self.tally.statements += 1;
            self.tally.longest_ms = self.tally.longest_ms.max(took);
            self.tally.most_bytes = self.tally.most_bytes.max(peak);
            let shown: String = rest.chars().take(400).collect();
            if peak > BYTES_MAX {
                self.tally.findings.push(format!("{name}: {peak} bytes: {shown}"));
            }
            let Ok((tail, compiled, interrupted)) = ran else {
                self.tally.findings.push(format!("{name}: panic: {shown}"));
                return;
            };
            self.tally.compiled += u64::from(compiled);
            self.tally.interrupted += u64::from(interrupted);
            if tail == 0 {
                return;
            }
            start += tail;
        }
    }
}

/// Runs one statement: where the next one begins (0: nowhere), whether it was compiled, whether it was interrupted.
fn run_one(connection: &Connection, text: &str) -> (usize, bool, bool) {
    let Ok(mut statement) = connection.prepare(text) else {
        return (0, false, false);
    };
    let mut interrupted = false;
    for _ in 0..ROWS_MAX {
        match statement.step() {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                interrupted = error.to_string() == "interrupted";
                break;
            }
        }
    }
    (statement.tail(), true, interrupted)
}

/// Interrupts what takes long, and ends the program when that does not help.
///
/// Time is what the watcher was awake for: while the whole program is stopped, or the machine sleeps, none passes.
struct Watcher {
    /// Which statement runs, counted from 1; 0 while none runs.
    number: Arc<AtomicU64>,
    count: AtomicU64,
    /// For how long the running statement was seen to run.
    ran_ms: Arc<AtomicU64>,
    running: Arc<Mutex<Option<(InterruptHandle, String)>>>,
}

/// How often the watcher looks.
const TICK_MS: u64 = 100;

impl Watcher {
    fn start() -> Watcher {
        let watcher = Watcher {
            number: Arc::default(),
            count: AtomicU64::new(0),
            ran_ms: Arc::default(),
            running: Arc::default(),
        };
        let (number, running) = (Arc::clone(&watcher.number), Arc::clone(&watcher.running));
        let seen_ms = Arc::clone(&watcher.ran_ms);
        std::thread::spawn(move || {
            let (mut seen, mut ran_ms) = (0, 0);
            loop {
                std::thread::sleep(Duration::from_millis(TICK_MS));
                let now = number.load(Ordering::Relaxed);
                ran_ms = if now == seen { ran_ms + TICK_MS } else { 0 };
                seen = now;
                seen_ms.store(ran_ms, Ordering::Relaxed);
                if now == 0 || ran_ms < STATEMENT_MS_MAX {
                    continue;
                }
                let Ok(running) = running.lock() else { return };
                let Some((handle, name)) = &*running else { continue };
                handle.interrupt();
                if ran_ms > STATEMENT_MS_MAX + GRACE_MS {
                    println!("hostile_sql: {name} hangs");
                    std::process::exit(1);
                }
            }
        });
        watcher
    }

    fn begin(&self, handle: InterruptHandle, name: &str) {
        if let Ok(mut running) = self.running.lock() {
            *running = Some((handle, name.to_owned()));
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        self.number.store(number, Ordering::Relaxed);
    }

    /// How long the statement took in milliseconds, by the clock at most.
    fn end(&self, by_clock: Duration) -> u64 {
        self.number.store(0, Ordering::Relaxed);
        let seen_ms = self.ran_ms.swap(0, Ordering::Relaxed);
        seen_ms
            .saturating_add(2 * TICK_MS)
            .min(by_clock.as_millis() as u64)
    }
}
