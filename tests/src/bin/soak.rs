//! `soak --seconds N --mode M --peer sqlite`: processes of both engines write, read, check and vacuum one file while random ones of them are killed.
//!
//! The last line is `soak: MODE ...`; it exits with 1 when anything was lost, there twice, or corrupt. With `--role` this program is one
//! of the processes. `--engine sqlite` judges the judge.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use aludel_tests::progress::Progress;
use aludel_tests::soak::{Mode, Options, Role, Tally, run, work};
use aludel_tests::subject::EngineName;
use clap::Parser;

/// Runs many processes on one file, kills some, and counts what is lost.
#[derive(Parser)]
struct Arguments {
    /// How long, in each mode.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The journal mode; all four in turn when none is given.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// The engine of one half of the processes.
    #[arg(long, value_enum, default_value = "aludel")]
    engine: EngineName,
    /// The engine of the other half.
    #[arg(long, value_enum, default_value = "sqlite")]
    peer: EngineName,
    /// What the work and the kills follow from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Be a process of a run.
    #[arg(long, value_enum, requires = "file")]
    role: Option<Role>,
    /// The process's file.
    #[arg(long)]
    file: Option<PathBuf>,
    /// The process's number.
    #[arg(long, default_value_t = 0)]
    worker: i64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let (Some(role), Some(file)) = (arguments.role, &arguments.file) {
        let mode = arguments.mode.unwrap_or(Mode::Delete);
        work(
            role,
            arguments.engine,
            file,
            mode,
            arguments.worker,
            arguments.seed,
        );
        return ExitCode::SUCCESS;
    }
    match soak(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all modes were clean.
fn soak(arguments: &Arguments) -> Result<bool, String> {
    let modes = arguments.mode.map_or(Mode::ALL.to_vec(), |mode| vec![mode]);
    let mut clean = true;
    for mode in modes {
        let options = Options {
            mode,
            engine: arguments.engine,
            peer: arguments.peer,
            time: Duration::from_secs(arguments.seconds),
            seed: arguments.seed,
        };
        let tally = soak_mode(options)?;
        clean &= tally.is_clean();
        for finding in &tally.findings {
            println!("  {finding}");
        }
        println!("{}", line(mode, &tally, arguments.seed));
    }
    Ok(clean)
}

fn soak_mode(options: Options) -> Result<Tally, String> {
    let said = |error: std::io::Error| error.to_string();
    let program = std::env::current_exe().map_err(said)?;
    let mut folder = tempfile::tempdir().map_err(said)?;
    let file = folder.path().join("soak.db");
    let bar = Progress::new(options.time.as_secs(), options.mode.word());
    let tally = run(&program, &file, options, &|tally, elapsed| {
        bar.set(elapsed.as_secs());
        bar.say(&format!("{} commits, {} kills", tally.commits, tally.kills));
    })?;
    bar.end();
    if !tally.is_clean() {
        folder.disable_cleanup(true);
        println!("  the file is left in {}", folder.path().display());
    }
    Ok(tally)
}

fn line(mode: Mode, tally: &Tally, seed: u64) -> String {
    format!(
        "soak: {} {} commits, {} kills, {} lost, {} duplicated, {} corrupt; {} snapshots, {} upkeeps, {} audits, longest busy {:.1} s, {} refused (seed {seed})",
        mode.word(),
        tally.commits,
        tally.kills,
        tally.lost,
        tally.duplicated,
        tally.corrupt,
        tally.snapshots,
        tally.upkeeps,
        tally.audits,
        tally.longest_wait.as_secs_f64(),
        tally.refused,
    )
}
