//! `session_model --histories N --seed S [--url URL]`: random histories of sessions against a plain model.
//!
//! Exits with 1 at the first failure and prints the smallest history found that fails, as lines that `--replay` takes. The
//! last line of a good run begins with `session_model:`. The features `aludel/postgres`, `aludel/mysql` and
//! `aludel/sqlite-c` of the build bring their URLs.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use aludel_tests::progress::Progress;
use aludel_tests::session_model::{Fault, Options, replay, run};
use clap::Parser;

/// Compares sessions with a model.
#[derive(Parser)]
struct Arguments {
    /// Histories.
    #[arg(long, default_value_t = 20_000)]
    histories: u64,
    /// The first history's seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The most steps of a history.
    #[arg(long, default_value_t = 40)]
    steps: usize,
    /// An empty database.
    #[arg(long, default_value = "sqlite::memory:")]
    url: String,
    /// Gets one rule of the model wrong: the run must fail.
    #[arg(long, value_enum, default_value_t = Fault::None)]
    fault: Fault,
    /// Runs the history in this file alone.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match judge(&arguments) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            println!("session_model: {what}");
            ExitCode::FAILURE
        }
    }
}

fn judge(arguments: &Arguments) -> Result<String, String> {
    let options = Options {
        histories: arguments.histories,
        seed: arguments.seed,
        steps_max: arguments.steps,
        url: arguments.url.clone(),
        fault: arguments.fault,
    };
    if let Some(file) = &arguments.replay {
        let lines = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        return replay(&options, &lines).map(|()| "session_model: no difference".to_owned());
    }
    std::panic::set_hook(Box::new(|_| {}));
    let started = Instant::now();
    let bar = Progress::new(options.histories, "session_model");
    let tally = run(&options, &|done| bar.set(done));
    bar.end();
    let tally = tally?;
    Ok(format!(
        "session_model: {} histories, {} steps in {:.0} s: 0 differences (seed {})",
        tally.histories,
        tally.steps,
        started.elapsed().as_secs_f64(),
        options.seed,
    ))
}
