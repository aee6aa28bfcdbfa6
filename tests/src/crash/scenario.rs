//! What is run and where it ends, as one printable word each.
//!
//! ```text
//!   delete-full-4096-1f              scenario: mode, sync level, page size, seed of the workload
//!   delete-full-4096-1f:37:seed9c    state: power lost after 37 operations, by this choice
//!   delete-full-4096-1f:37:seed9c:5:killed   and its recovery was killed after 5 operations
//! ```

use std::fmt;
use std::str::FromStr;

use aludel_storage::vfs::fault::Choice;

/// What the connections of a scenario do about commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Mode {
    /// Rollback journal, deleted at commit.
    Delete,
    /// Rollback journal, cut at commit.
    Truncate,
    /// Rollback journal, its header overwritten at commit.
    Persist,
    /// Write-ahead log.
    Wal,
    /// Rollback journal in memory: only the time between commits is judged.
    Memory,
    /// No journal: only the time between commits is judged.
    Off,
    /// One connection that goes from mode to mode.
    Mixed,
    /// Rollback journals of two files that commit together.
    Multi,
}

impl Mode {
    /// All modes.
    pub const ALL: [Mode; 8] = [
        Mode::Delete,
        Mode::Truncate,
        Mode::Persist,
        Mode::Wal,
        Mode::Memory,
        Mode::Off,
        Mode::Mixed,
        Mode::Multi,
    ];

    /// True if a crash in the middle of a commit is covered by the contract.
    pub fn is_on_disk(self) -> bool {
        !matches!(self, Mode::Memory | Mode::Off)
    }

    /// What `PRAGMA journal_mode` is set to at first.
    pub fn pragma(self) -> &'static str {
        match self {
            Mode::Delete | Mode::Mixed | Mode::Multi => "delete",
            Mode::Truncate => "truncate",
            Mode::Persist => "persist",
            Mode::Wal => "wal",
            Mode::Memory => "memory",
            Mode::Off => "off",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Mode::Mixed => "mixed",
            Mode::Multi => "multi",
            _ => self.pragma(),
        }
    }
}

/// `PRAGMA synchronous`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SyncLevel {
    /// Survives the death of the process only.
    Off,
    /// Never corrupt.
    Normal,
    /// An acknowledged commit stays.
    Full,
    /// As full.
    Extra,
}

impl SyncLevel {
    /// All levels.
    pub const ALL: [SyncLevel; 4] = [
        SyncLevel::Off,
        SyncLevel::Normal,
        SyncLevel::Full,
        SyncLevel::Extra,
    ];

    /// As the pragma names it.
    pub fn word(self) -> &'static str {
        match self {
            SyncLevel::Off => "off",
            SyncLevel::Normal => "normal",
            SyncLevel::Full => "full",
            SyncLevel::Extra => "extra",
        }
    }
}

/// Page sizes that are run.
pub const PAGE_SIZES: [u32; 4] = [512, 1024, 4096, 65536];

/// A workload by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scenario {
    /// What makes a commit atomic.
    pub mode: Mode,
    /// How much a commit waits for the disk.
    pub sync: SyncLevel,
    /// Page size.
    pub page_size: u32,
    /// What is done.
    pub seed: u64,
}

impl Scenario {
    /// The scenario with this number: all combinations come once before one comes again.
    pub fn numbered(number: u64, seed: u64, modes: &[Mode], syncs: &[SyncLevel]) -> Scenario {
        let pick = |count: usize, divisor: usize| (number / divisor as u64 % count as u64) as usize;
        Scenario {
            mode: modes[pick(modes.len(), 1)],
            sync: syncs[pick(syncs.len(), modes.len())],
            page_size: PAGE_SIZES[pick(PAGE_SIZES.len(), modes.len() * syncs.len())],
            seed: seed.wrapping_mul(1_000_003).wrapping_add(number),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mode, sync) = (self.mode.word(), self.sync.word());
        write!(f, "{mode}-{sync}-{}-{:x}", self.page_size, self.seed)
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Scenario, String> {
        let wrong = || format!("{text} is no scenario: expected MODE-SYNC-PAGESIZE-SEED");
        let mut parts = text.split('-');
        let mut part = || parts.next().ok_or_else(wrong);
        let (mode, sync, page_size, seed) = (part()?, part()?, part()?, part()?);
        Ok(Scenario {
            mode: Mode::ALL
                .into_iter()
                .find(|it| it.word() == mode)
                .ok_or_else(wrong)?,
            sync: SyncLevel::ALL
                .into_iter()
                .find(|it| it.word() == sync)
                .ok_or_else(wrong)?,
            page_size: page_size.parse().map_err(|_| wrong())?,
            seed: u64::from_str_radix(seed, 16).map_err(|_| wrong())?,
        })
    }
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// All processes die.
    Killed,
    /// The machine loses power.
    Powerless(Choice),
}

/// An end at a moment: after so many operations on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crash {
    /// Operations that happened.
    pub after: usize,
    /// What came then.
    pub end: End,
}

/// A crash of a scenario, and crashes of the recoveries after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// What ran.
    pub scenario: Scenario,
    /// One crash for each level.
    pub crashes: Vec<Crash>,
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scenario.fmt(f)?;
        for crash in &self.crashes {
            match crash.end {
                End::Killed => write!(f, ":{}:killed", crash.after)?,
                End::Powerless(choice) => write!(f, ":{}:{choice}", crash.after)?,
            }
        }
        Ok(())
    }
}

impl FromStr for Replay {
    type Err = String;

    fn from_str(text: &str) -> Result<Replay, String> {
        let mut parts = text.split(':');
        let scenario = parts.next().unwrap_or_default().parse()?;
        let mut crashes = Vec::new();
        while let Some(after) = parts.next() {
            let after = after
                .parse()
                .map_err(|_| format!("{after} is no number of operations"))?;
            let end = match parts.next() {
                Some("killed") => End::Killed,
                Some(choice) => End::Powerless(choice.parse()?),
                None => return Err(format!("{text} does not say how it ends")),
            };
            crashes.push(Crash { after, end });
        }
        Ok(Replay { scenario, crashes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_one_word() {
        let text = "multi-normal-65536-1f:37:seed9c:5:killed:2:first3";
        let replay: Replay = text.parse().unwrap();
        assert_eq!(replay.to_string(), text);
        assert_eq!(replay.crashes.len(), 3);
        for bad in [
            "",
            "delete",
            "delete-full-512-x",
            "wal-full-512-1:3",
            "wal-full-512-1:a:none",
        ] {
            assert!(bad.parse::<Replay>().is_err(), "{bad}");
        }
    }

    #[test]
    fn all_combinations_come_once() {
        let count = (Mode::ALL.len() * SyncLevel::ALL.len() * PAGE_SIZES.len()) as u64;
        let mut all: Vec<(Mode, SyncLevel, u32)> = (0..count)
            .map(|number| Scenario::numbered(number, 1, &Mode::ALL, &SyncLevel::ALL))
            .map(|it| (it.mode, it.sync, it.page_size))
            .collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len() as u64, count);
    }
}
