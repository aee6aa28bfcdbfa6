//! Many processes of both engines on one live file, while a killer ends random ones with SIGKILL.
//!
//! ```text
//!   supervisor ──spawns──▶ writers, readers, keepers, auditors; of each, ours and SQLite's
//!       ▲                     │ one line for each thing done, on its stdout: "commit 1207 33 850"
//!       ├──── the ledger ◀────┘
//!       ├──── every half second or so: SIGKILL to one of them, and another in its place
//!       └──── at the end: the ledger against the file, read by both engines
//! ```
//!
//! - K1. A commit that was printed is in the file, once. (lost, duplicated)
//! - K2. The counter has no gap: each commit takes the number after the last. Two that took the same are a lost update.
//! - K3. In every snapshot that a reader takes, the accounts have the same sum, the counter is the ledger's last number, and nothing moves
//!   until it ends; a reader's later snapshot is not older than its earlier one. (corrupt)
//! - K4. Overflow rows hold the bytes that their number says; `integrity_check` of either engine finds nothing. (corrupt)
//! - K5. Nobody ends by itself: an error that is not "busy" is a failure.

mod check;
mod ledger;
mod place;
mod roles;

use std::path::Path;
use std::time::Duration;

pub use check::after as check_after;
pub use ledger::{Commit, Ledger};
pub use roles::{Role, run as work};

use crate::subject::EngineName;

/// The journal mode that all processes use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Rollback journal, deleted at commit.
    Delete,
    /// Rollback journal, cut at commit.
    Truncate,
    /// Rollback journal, its header overwritten at commit.
    Persist,
    /// Write-ahead log.
    Wal,
}

impl Mode {
    /// All modes.
    pub const ALL: [Mode; 4] = [Mode::Delete, Mode::Truncate, Mode::Persist, Mode::Wal];

    /// As `PRAGMA journal_mode` and the command line name it.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Delete => "delete",
            Mode::Truncate => "truncate",
            Mode::Persist => "persist",
            Mode::Wal => "wal",
        }
    }
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The journal mode.
    pub mode: Mode,
    /// The engine of one half of the processes.
    pub engine: EngineName,
    /// The engine of the other half.
    pub peer: EngineName,
    /// How long.
    pub time: Duration,
    /// What the kills and the processes' work follow from. (Which commit a kill meets is the system's affair.)
    pub seed: u64,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Commits that were acknowledged.
    pub commits: u64,
    /// Snapshots that readers found in order.
    pub snapshots: u64,
    /// Checkpoints and vacuums.
    pub upkeeps: u64,
    /// Integrity checks while the others worked.
    pub audits: u64,
    /// Processes killed.
    pub kills: u64,
    /// Acknowledged commits that are not in the file.
    pub lost: u64,
    /// Commits that are in the file more than once, or share a number.
    pub duplicated: u64,
    /// Broken promises about the content.
    pub corrupt: u64,
    /// Times that a process was told "busy" after its whole timeout.
    pub refused: u64,
    /// The longest time that a transaction waited for locks.
    pub longest_wait: Duration,
    /// What was wrong, in words, at most a few.
    pub findings: Vec<String>,
}

impl Tally {
    /// Whether all promises were kept.
    pub fn is_clean(&self) -> bool {
        self.lost == 0 && self.duplicated == 0 && self.corrupt == 0 && self.findings.is_empty()
    }

    fn find(&mut self, what: String) {
        if self.findings.len() < 10 {
            self.findings.push(what);
        }
    }
}

/// Runs the processes on `file`, which does not exist yet. `program` is this crate's `soak` binary; `progress` is told what there is so far.
///
/// # Errors
/// The processes cannot be run. Broken promises are in the tally.
pub fn run(
    program: &Path,
    file: &Path,
    options: Options,
    progress: &dyn Fn(&Tally, Duration),
) -> Result<Tally, String> {
    check::create(file, options)?;
    let (mut tally, ledger) = place::run(program, file, options, progress)?;
    for engine in [options.peer, options.engine] {
        check::after(file, engine, &ledger, &mut tally);
    }
    Ok(tally)
}
