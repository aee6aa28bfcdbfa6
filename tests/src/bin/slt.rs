//! `slt PATH..`: runs sqllogictest files; the last line is `slt: N of M records passed`.

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use aludel_tests::conformance::files;
use aludel_tests::slt::{Outcome, run_file};
use aludel_tests::subject::EngineName;
use clap::Parser;

/// Runs sqllogictest files.
#[derive(Parser)]
struct Arguments {
    /// Test files, or folders of `.test` files.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Show each failure.
    #[arg(long)]
    verbose: bool,
    /// The engine that is judged.
    #[arg(long, value_enum, default_value = "aludel")]
    engine: EngineName,
    /// Fail when less than this share of the records (in percent) passes.
    #[arg(long)]
    at_least: Option<f64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok((passed, records)) => {
            let share = 100.0 * passed as f64 / records.max(1) as f64;
            if arguments.at_least.is_some_and(|percent| share < percent) {
                eprintln!("slt: {share:.3}% of the records pass, fewer than asked");
                return ExitCode::FAILURE;
            }
            ExitCode::SUCCESS
        }
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("slt: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<(usize, usize)> {
    let (mut passed, mut records) = (0, 0);
    for path in files(&arguments.paths, "test")? {
        let outcome = guarded(&path, arguments.engine)?;
        passed += outcome.passed;
        records += outcome.records;
        let mut out = io::stdout().lock();
        writeln!(out, "{} {}/{}", path.display(), outcome.passed, outcome.records)?;
        if arguments.verbose {
            for (line, sql, difference) in &outcome.failures {
                writeln!(out, "{}:{line}: {sql}\n    {difference}", path.display())?;
            }
        }
    }
    writeln!(io::stdout().lock(), "slt: {passed} of {records} records passed")?;
    Ok((passed, records))
}

/// Runs a file; a panic of the engine is one failed record and the end of the file.
fn guarded(path: &std::path::Path, engine: EngineName) -> io::Result<Outcome> {
    catch_unwind(AssertUnwindSafe(|| run_file(path, engine))).unwrap_or_else(|_| {
        let failures = vec![(0, String::new(), "panic".to_owned())];
        Ok(Outcome {
            records: 1,
            passed: 0,
            failures,
        })
    })
}
