//! Process death in the middle of commits: a writer is killed with SIGKILL again and again.
//!
//! ```text
//!   parent ──spawn──> writer: BEGIN, rows, counter, COMMIT, "n\n" on stdout ──┐
//!      ^                                                                      │ after a random time: SIGKILL
//!      └── checks the file with SQLite and with Aludel in turn <──────────────┘
//! ```
//!
//! The contract: every transaction whose number was printed is there; at most one more (committed, not yet printed); no other; no part of one.

mod check;
mod writer;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

pub use check::{Engine, check};
pub use writer::write_until_killed;

use crate::random::Random;

/// The journal mode that the writer commits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Rollback journal, deleted at commit.
    Rollback,
    /// Write-ahead log.
    Wal,
}

impl Mode {
    /// As `PRAGMA journal_mode` names it.
    pub fn pragma(self) -> &'static str {
        match self {
            Mode::Rollback => "delete",
            Mode::Wal => "wal",
        }
    }
}

/// What a run of kills did.
#[derive(Debug, Default)]
pub struct Tally {
    /// Writers killed.
    pub kills: u32,
    /// Transactions acknowledged over all rounds.
    pub commits: u64,
}

/// Kills `rounds` writers on one file, checking after each. `program` is this crate's `kill` binary.
///
/// # Errors
/// A broken promise, in words that name the round, or a failure to run the writer.
pub fn run(
    program: &Path,
    file: &Path,
    mode: Mode,
    rounds: u32,
    random: &mut Random,
) -> Result<Tally, String> {
    let mut tally = Tally::default();
    for round in 0..rounds {
        let delay = Duration::from_micros(random.below(30_000) as u64);
        let acknowledged = kill_one(program, file, mode, random.number(), delay)?;
        let engine = if round % 2 == 0 {
            Engine::Sqlite
        } else {
            Engine::Aludel
        };
        let count = check(file, engine, tally.commits.max(acknowledged))
            .map_err(|error| format!("round {round} ({mode:?}, checked by {engine:?}): {error}"))?;
        tally.kills += 1;
        tally.commits = count;
    }
    Ok(tally)
}

/// Starts a writer, kills it after its first commit and a while; the last number that it printed, 0 for none.
fn kill_one(program: &Path, file: &Path, mode: Mode, seed: u64, delay: Duration) -> Result<u64, String> {
    let text = |error: std::io::Error| error.to_string();
    let mut child = Command::new(program)
        .args([
            "--writer",
            "--mode",
            if mode == Mode::Wal { "wal" } else { "rollback" },
        ])
        .args(["--seed", &seed.to_string()])
        .arg("--file")
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(text)?;
    let output = child.stdout.take().ok_or("the writer has no stdout")?;
    let (first, started) = channel();
    let reader = thread::spawn(move || {
        let mut last = 0;
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Ok(number) = line.trim().parse() {
                last = number;
            }
            // The parent stops listening after the first line.
            let _ = first.send(());
        }
        last
    });
    let began = started.recv_timeout(Duration::from_secs(20)).is_ok();
    thread::sleep(delay);
    child.kill().map_err(text)?;
    child.wait().map_err(text)?;
    let last = reader
        .join()
        .map_err(|_| "the reader of the writer's output panicked".to_owned())?;
    if began {
        Ok(last)
    } else {
        Err("the writer did not commit once in 20 s".to_owned())
    }
}
