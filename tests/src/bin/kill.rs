//! `kill --rounds N --mode rollback|wal`: ends a writing process with SIGKILL in the middle of commits, N times.
//!
//! The last line is `kill: MODE N kills, M commits, 0 lost`. With `--writer` this program is the process that is killed.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use aludel_tests::kill::{Mode, run, write_until_killed};
use aludel_tests::random::Random;
use clap::Parser;

/// Kills writers and checks what they leave.
#[derive(Parser)]
struct Arguments {
    /// Writers to kill in each mode.
    #[arg(long, default_value_t = 200)]
    rounds: u32,
    /// The journal mode; both when none is given.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// The seed of the delays and of what is written.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Be the writer.
    #[arg(long, requires = "file")]
    writer: bool,
    /// The writer's file.
    #[arg(long)]
    file: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.file {
        Some(file) if arguments.writer => {
            let mode = arguments.mode.unwrap_or(Mode::Rollback);
            write_until_killed(file, mode, arguments.seed).map_err(|error| error.to_string())
        }
        _ => kill_in_modes(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kill: {error} (seed {})", arguments.seed);
            ExitCode::FAILURE
        }
    }
}

fn kill_in_modes(arguments: &Arguments) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let modes = arguments
        .mode
        .map_or(vec![Mode::Rollback, Mode::Wal], |mode| vec![mode]);
    for mode in modes {
        let file = folder.path().join(format!("{}.db", mode.pragma()));
        let mut random = Random::new(arguments.seed);
        let tally = run(&program, &file, mode, arguments.rounds, &mut random)?;
        println!(
            "kill: {mode:?} {} kills, {} commits, 0 lost",
            tally.kills, tally.commits
        );
    }
    Ok(())
}
