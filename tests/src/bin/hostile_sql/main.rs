//! `hostile_sql --mutated N [SCRIPTS]`: scripts that fuzzers found, and N mutated statements.
//!
//! Exits with 1 when anything panicked, hung or took too much memory. The last line begins with `hostile_sql:`.

#![deny(unsafe_code)]

#[expect(unsafe_code, reason = "an allocator that counts is unsafe by its trait")]
#[path = "../damage/allocator.rs"]
mod allocator;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use allocator::Counting;
use aludel_tests::hostile::{Options, read_scripts, run};
use aludel_tests::progress::Progress;
use aludel_tests::scratch::Scratch;
use clap::Parser;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs hostile SQL.
#[derive(Parser)]
struct Arguments {
    /// A file of scripts (`.jsonl`), or a folder of such files.
    scripts: Option<PathBuf>,
    /// Mutated statements to run.
    #[arg(long, default_value_t = 20_000)]
    mutated: u64,
    /// What the mutations follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match hostile(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(what) => {
            println!("hostile_sql: {what}");
            ExitCode::FAILURE
        }
    }
}

fn hostile(arguments: &Arguments) -> Result<bool, String> {
    let scripts = match &arguments.scripts {
        Some(place) => read_scripts(place)?,
        None => Vec::new(),
    };
    // Scripts attach files by name.
    let _scratch = Scratch::enter().map_err(|error| error.to_string())?;
    std::panic::set_hook(Box::new(|_| {}));
    let bar = Progress::new(scripts.len() as u64 + arguments.mutated, "hostile_sql");
    let started = Instant::now();
    let options = Options {
        scripts,
        mutated: arguments.mutated,
        seed: arguments.seed,
    };
    let tally = run(&options, &ALLOCATOR, &|done| bar.set(done));
    bar.end();
    for finding in &tally.findings {
        println!("{finding}");
    }
    println!(
        "hostile_sql: {} scripts and {} mutated texts, {} statements in {:.0} s, {} of them compiled, {} interrupted, longest {} ms, most memory {:.1} MiB: {} findings (seed {})",
        tally.scripts,
        options.mutated,
        tally.statements,
        started.elapsed().as_secs_f64(),
        tally.compiled,
        tally.interrupted,
        tally.longest_ms,
        tally.most_bytes as f64 / f64::from(1 << 20),
        tally.findings.len(),
        arguments.seed,
    );
    Ok(tally.findings.is_empty())
}
