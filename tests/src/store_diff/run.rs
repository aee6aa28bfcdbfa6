//! Episodes on all processors, until there were enough operations.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::episode::{Counts, Episode};

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Operations, all episodes together.
    pub ops: u64,
    /// Operations of an episode.
    pub episode_ops: u64,
    /// The seed of the first episode; the others follow.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            ops: 50_000,
            episode_ops: 2_500,
            seed: 1,
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Files.
    pub episodes: u64,
    /// Operations.
    pub ops: u64,
    /// Commits, each followed by a comparison and a check.
    pub commits: u64,
    /// Times that SQLite checked and compared.
    pub oracle_checks: u64,
}

/// Runs episodes; `progress` is told how many operations are done.
///
/// # Errors
/// The first difference, with the episode's seed.
pub fn run(options: &Options, progress: &(dyn Fn(u64) + Sync)) -> Result<Tally, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    let failure: Mutex<Option<String>> = Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let done = tally.lock().map_or(u64::MAX, |tally| tally.ops);
                    if done >= options.ops || failure.lock().map_or(true, |failure| failure.is_some()) {
                        return;
                    }
                    let seed = options.seed.wrapping_add(next.fetch_add(1, Ordering::Relaxed));
                    match one(folder.path(), seed, options.episode_ops, false) {
                        Ok(counts) => {
                            if let Ok(mut tally) = tally.lock() {
                                tally.episodes += 1;
                                tally.ops += counts.ops;
                                tally.commits += counts.commits;
                                tally.oracle_checks += counts.oracle_checks;
                                progress(tally.ops.min(options.ops));
                            }
                        }
                        Err(what) => {
                            if let Ok(mut failure) = failure.lock() {
                                failure
                                    .get_or_insert(format!("{what}\n  replay: store_diff --replay {seed}"));
                            }
                        }
                    }
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

/// Runs one episode and prints its operations.
///
/// # Errors
/// The first difference.
pub fn replay(seed: u64, episode_ops: u64, folder: &Path) -> Result<(), String> {
    one(folder, seed, episode_ops, true).map(drop)
}

fn one(folder: &Path, seed: u64, ops: u64, is_traced: bool) -> Result<Counts, String> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        Episode::begin(folder, seed, is_traced).and_then(|episode| episode.run(ops))
    }));
    let result = result.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    });
    if result.is_ok() {
        for suffix in ["", "-wal", "-shm", "-journal", "-journal-spare"] {
            // Some of them never were.
            let _ = std::fs::remove_file(folder.join(format!("episode-{seed:x}.db{suffix}")));
        }
    }
    result
}
