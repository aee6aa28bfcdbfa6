//! `differential --statements N --seed S [--profile P]`: random sessions of the whole language on Aludel and on SQLite.
//!
//! Exits with 1 when anything differs. Each difference is printed small, with what replays it, and written to a file where `--cases` says so.
//! The last line of a good run begins with `differential:`.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use aludel_tests::differential::{
    Found, Options, Profile, SESSION_STATEMENTS, Tally, case, play, run, run_session, session,
};
use aludel_tests::progress::Progress;
use clap::{Parser, ValueEnum};

/// Compares random sessions of SQL with SQLite.
#[derive(Parser)]
struct Arguments {
    /// Statements in all.
    #[arg(long, default_value_t = 20_000)]
    statements: u64,
    /// The seed; without it one from the clock.
    #[arg(long)]
    seed: Option<u64>,
    /// One profile only.
    #[arg(long)]
    profile: Option<Profile>,
    /// Stop after so many differences.
    #[arg(long, default_value_t = 5)]
    differences: usize,
    /// Where cases are written.
    #[arg(long, value_name = "FOLDER")]
    cases: Option<PathBuf>,
    /// Runs one session (`profile:seed`), or the case in a file.
    #[arg(long, value_name = "SESSION")]
    replay: Option<String>,
    /// With --replay: only prints the statements.
    #[arg(long, requires = "replay")]
    print: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.replay {
        Some(what) => replay(what, arguments.print),
        None => {
            std::panic::set_hook(Box::new(tell_own_panic));
            compare(&arguments)
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(what) => {
            println!("differential: {what}");
            ExitCode::FAILURE
        }
    }
}

/// A panic of the engine is an outcome; one of the generator is told.
fn tell_own_panic(panic: &std::panic::PanicHookInfo<'_>) {
    if panic
        .location()
        .is_some_and(|at| at.file().contains("differential"))
    {
        eprintln!("{panic}");
    }
}

fn compare(arguments: &Arguments) -> Result<bool, String> {
    let seed = arguments.seed.unwrap_or_else(clock_seed);
    println!("seed {seed}");
    let options = Options {
        statements: arguments.statements,
        seed,
        profile: arguments.profile,
        differences_max: arguments.differences,
    };
    let started = Instant::now();
    let bar = Progress::new(arguments.statements, "differential");
    let tally = run(&options, &|tally: &Tally| {
        bar.set(tally.statements);
        bar.say(&format!("{} differ", tally.found.len()));
    });
    bar.end();
    let tally = tally?;
    for found in &tally.found {
        let text = case::write(found);
        println!("{text}");
        if let Some(folder) = &arguments.cases {
            keep(folder, found, &text)?;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "differential: {} statements in {} sessions in {seconds:.0} s ({:.0} a second), {} of them fail in both, {} rows compared, {} asked again, {} ended where SQLite accepts orphans: {} differences (seed {seed})",
        tally.statements,
        tally.sessions,
        tally.statements as f64 / seconds,
        tally.failed,
        tally.rows,
        tally.asked_again,
        tally.orphaned,
        tally.found.len(),
    );
    Ok(tally.found.is_empty())
}

fn clock_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |since| since.as_micros() as u64 % 1_000_000_007)
}

fn keep(folder: &Path, found: &Found, text: &str) -> Result<(), String> {
    let profile = format!("{:?}", found.profile).to_lowercase();
    let file = folder.join(format!("{profile}-{}.sql", found.seed));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&file, text))
        .map_err(|error| format!("{}: {error}", file.display()))
}

fn replay(what: &str, print: bool) -> Result<bool, String> {
    let mut tally = Tally::default();
    match what.split_once(':') {
        Some((profile, seed)) if Profile::from_str(profile, true).is_ok() => {
            let profile = Profile::from_str(profile, true)?;
            let seed = seed.parse().map_err(|_| format!("{seed} is no seed"))?;
            if print {
                for statement in session(profile, seed, SESSION_STATEMENTS) {
                    println!("{};", statement.tree);
                }
                return Ok(true);
            }
            run_session(profile, seed, &mut tally)?;
            tally
                .found
                .iter()
                .for_each(|found| println!("{}", case::write(found)));
        }
        _ => {
            let text = std::fs::read_to_string(what).map_err(|error| format!("{what}: {error}"))?;
            if let Some((at, found)) = play(&case::read(&text), None, &mut tally)? {
                println!("statement {}: {:?}\n{}", at + 1, found.kind, found.said);
                return Ok(false);
            }
        }
    }
    println!(
        "differential: {} statements replayed, {} differences",
        tally.statements,
        tally.found.len()
    );
    Ok(tally.found.is_empty())
}
