//! `damage --mutated N FOLDER`: damaged files, those of a folder and N mutated ones, under everything that can be asked of a file.
//!
//! Exits with 1 when anything panicked, hung, took too much memory, read other rows than SQLite, or was recovered into a damaged file. The last
//! line begins with `damage:`.

#![deny(unsafe_code)]

#[expect(unsafe_code, reason = "an allocator that counts is unsafe by its trait")]
mod allocator;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use allocator::Counting;
use aludel_tests::damage::{Options, Tally, replay, run};
use aludel_tests::progress::Progress;
use clap::Parser;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads, checks, writes and recovers damaged files.
#[derive(Parser)]
struct Arguments {
    /// A folder of damaged files.
    folder: Option<PathBuf>,
    /// Mutated files to make, of the folder's and of ones made here.
    #[arg(long, default_value_t = 2_000)]
    mutated: u64,
    /// What the mutations follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop after so many findings.
    #[arg(long, default_value_t = 20)]
    findings: usize,
    /// Runs one case by its name.
    #[arg(long, value_name = "CASE")]
    replay: Option<String>,
    /// With --replay: leaves the file of the case here.
    #[arg(long, value_name = "FOLDER", requires = "replay")]
    keep: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic is caught and reported with its case.
    if arguments.replay.is_none() {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let started = Instant::now();
    let result = match &arguments.replay {
        Some(case) => replay(
            case,
            arguments.folder.as_deref(),
            arguments.keep.as_deref(),
            &ALLOCATOR,
        ),
        None => run_all(&arguments),
    };
    match result {
        Ok(tally) => {
            for (case, what) in &tally.findings {
                println!("{case}  {what}");
            }
            println!("{}", line(&tally, &arguments, started));
            ExitCode::from(u8::from(!tally.findings.is_empty()))
        }
        Err(error) => {
            println!("damage: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run_all(arguments: &Arguments) -> Result<Tally, String> {
    let options = Options {
        folder: arguments.folder.clone(),
        mutated: arguments.mutated,
        seed: arguments.seed,
        findings_max: arguments.findings,
    };
    let bar = Progress::new(arguments.mutated, "damage");
    let tally = run(&options, &ALLOCATOR, &|done| bar.set(done));
    bar.end();
    tally
}

fn line(tally: &Tally, arguments: &Arguments, started: Instant) -> String {
    let of = |kind| tally.by_kind.get(&kind).copied().unwrap_or(0);
    use aludel_tests::damage::Kind;
    format!(
        "longest step {:.2} s ({}), most memory {:.1} MiB ({})\n\
         damage: {} files in {:.0} s, {} opened, {} found damaged, {} tables read as SQLite reads them, {} refused: {} panics, {} slow, {} over memory, {} other rows, {} bad recoveries (seed {})",
        tally.longest.as_secs_f64(),
        tally.longest_case,
        tally.most_memory as f64 / (1 << 20) as f64,
        tally.most_memory_case,
        tally.cases,
        started.elapsed().as_secs_f64(),
        tally.opened,
        tally.damaged,
        tally.compared,
        tally.refused,
        of(Kind::Panic),
        of(Kind::Slow),
        of(Kind::Memory),
        of(Kind::Rows),
        of(Kind::Recovery),
        arguments.seed,
    )
}
