//! `store_diff --ops N`: random operations on the page store, compared with a model and with SQLite on the same file.
//!
//! Exits with 1 at the first difference and prints the seed that replays it. The last line of a good run begins with `store_diff:`.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use aludel_tests::progress::Progress;
use aludel_tests::store_diff::{Options, replay, run};
use clap::Parser;

/// Compares the page store with a model and with SQLite.
#[derive(Parser)]
struct Arguments {
    /// Operations in all.
    #[arg(long, default_value_t = 50_000)]
    ops: u64,
    /// Operations on one file.
    #[arg(long, default_value_t = 2_500)]
    episode: u64,
    /// The first file's seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs the file with this seed alone and prints what is done.
    #[arg(long, value_name = "SEED")]
    replay: Option<u64>,
    /// With --replay: leaves the file here.
    #[arg(long, value_name = "FOLDER", requires = "replay")]
    keep: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let result = match arguments.replay {
        Some(seed) => replay_one(seed, &arguments),
        None => {
            std::panic::set_hook(Box::new(|_| {}));
            compare(&arguments, started)
        }
    };
    match result {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            println!("store_diff: {what}");
            ExitCode::FAILURE
        }
    }
}

fn replay_one(seed: u64, arguments: &Arguments) -> Result<String, String> {
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = arguments.keep.as_deref().unwrap_or(scratch.path());
    replay(seed, arguments.episode, folder).map(|()| "store_diff: no difference".to_owned())
}

fn compare(arguments: &Arguments, started: Instant) -> Result<String, String> {
    let options = Options {
        ops: arguments.ops,
        episode_ops: arguments.episode,
        seed: arguments.seed,
    };
    let bar = Progress::new(arguments.ops, "store_diff");
    let tally = run(&options, &|done| bar.set(done));
    bar.end();
    let tally = tally?;
    Ok(format!(
        "store_diff: {} operations on {} files in {:.0} s, {} commits compared and checked, {} of them by SQLite: 0 differences (seed {})",
        tally.ops,
        tally.episodes,
        started.elapsed().as_secs_f64(),
        tally.commits,
        tally.oracle_checks,
        arguments.seed,
    ))
}
