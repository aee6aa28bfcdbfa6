//! `conformance PATH..`: replays recorded sessions and says how many answers and segments are right.
//!
//! `--serve` speaks the line protocol on stdin and stdout instead. `--engine sqlite` judges the bundled SQLite, which
//! proves the harness. The exit code is 0 when the run came to its end, however many answers were right, unless
//! `--at-least` asks for a share.

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use aludel_tests::conformance::{files, record, replay, serve};
use aludel_tests::subject::EngineName;
use clap::Parser;

/// Replays recorded SQLite sessions and compares each answer.
#[derive(Parser)]
struct Arguments {
    /// Record files, or folders of them.
    paths: Vec<PathBuf>,
    /// Show each mismatch of the files of this name (`select1`, or `all`).
    #[arg(long)]
    verbose: Option<String>,
    /// Speak the line protocol on stdin and stdout.
    #[arg(long)]
    serve: bool,
    /// The engine that is judged.
    #[arg(long, value_enum, default_value = "aludel")]
    engine: EngineName,
    /// Fail when less than this share of the answers (in percent) is right.
    #[arg(long)]
    at_least: Option<f64>,
}

/// Sums over segments, and over files.
#[derive(Default)]
struct Totals {
    answers: usize,
    right: usize,
    segments: usize,
    whole: usize,
    panics: usize,
    timeouts: usize,
}

impl Totals {
    fn add(&mut self, other: &Totals) {
        self.answers += other.answers;
        self.right += other.right;
        self.segments += other.segments;
        self.whole += other.whole;
        self.panics += other.panics;
        self.timeouts += other.timeouts;
    }

    fn of(verdict: &replay::Verdict) -> Totals {
        Totals {
            answers: verdict.answers,
            right: verdict.right,
            segments: 1,
            whole: usize::from(verdict.whole),
            panics: usize::from(verdict.panicked),
            timeouts: usize::from(verdict.timed_out),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.serve {
        return exit(serve::serve(
            arguments.engine,
            io::stdin().lock(),
            io::stdout().lock(),
        ));
    }
    // The replay reports panics itself, with the statement that caused them.
    std::panic::set_hook(Box::new(|_| {}));
    match run(&arguments) {
        Ok(totals) => judge(&totals, arguments.at_least),
        Err(error) => exit(Err(error)),
    }
}

fn exit(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<Totals> {
    let mut totals = Totals::default();
    for path in files(&arguments.paths, "jsonl")? {
        totals.add(&run_file(&path, arguments)?);
    }
    let mut out = io::stdout().lock();
    if totals.panics + totals.timeouts > 0 {
        writeln!(
            out,
            "panics {}, statements over time {}",
            totals.panics, totals.timeouts
        )?;
    }
    let Totals {
        answers,
        right,
        segments,
        whole,
        ..
    } = totals;
    writeln!(
        out,
        "conformance: answers {right} of {answers}, segments {whole} of {segments}"
    )?;
    Ok(totals)
}

fn run_file(path: &Path, arguments: &Arguments) -> io::Result<Totals> {
    let name = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let verbose = arguments
        .verbose
        .as_deref()
        .is_some_and(|wanted| wanted == "all" || wanted == name);
    let mut totals = Totals::default();
    for segment in record::read(path)? {
        let verdict = replay::run(Arc::new(segment), arguments.engine)?;
        totals.add(&Totals::of(&verdict));
        if verbose || verdict.panicked || verdict.timed_out {
            show(&name, &verdict, verbose)?;
        }
    }
    let Totals {
        answers,
        right,
        segments,
        whole,
        ..
    } = totals;
    writeln!(
        io::stdout().lock(),
        "{name} answers {right}/{answers} segments {whole}/{segments}"
    )?;
    Ok(totals)
}

/// Shows all mismatches, or only the one that ended the segment.
fn show(name: &str, verdict: &replay::Verdict, all: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let skipped = if all {
        0
    } else {
        verdict.mismatches.len().saturating_sub(1)
    };
    for (line, sql, difference) in verdict.mismatches.iter().skip(skipped) {
        writeln!(out, "{name}:{line}: {sql}\n    {difference}")?;
    }
    Ok(())
}

fn judge(totals: &Totals, at_least: Option<f64>) -> ExitCode {
    let Some(percent) = at_least else {
        return ExitCode::SUCCESS;
    };
    let share = 100.0 * totals.right as f64 / totals.answers.max(1) as f64;
    if share >= percent {
        return ExitCode::SUCCESS;
    }
    eprintln!("conformance: {share:.2}% of the answers are right, fewer than the {percent}% asked");
    ExitCode::FAILURE
}
