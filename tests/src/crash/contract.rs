//! Which contents a crash may leave: the contract of each journal mode and sync level.
//!
//! | | the processes die | the power goes |
//! |---|---|---|
//! | full, extra | every acknowledged commit, and the one under way or not | the same |
//! | normal, delete | same | but for the last acknowledged one, whose journal may come back |
//! | normal, truncate and persist | same | as full |
//! | normal, log | same | what was acknowledged before the last sync of the log |
//! | normal, mixed | same | any commit, whole |
//! | off | same | (not judged) |
//! | memory, off (journal) | between commits: exactly the last one | the same, unless sync is off |

use aludel_storage::vfs::fault::Op;

use super::dump::Digest;
use super::scenario::{End, Mode, Scenario, SyncLevel};
use super::workload::{Files, History};

/// The contents that are legal at one moment.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// First commit that may be the last one there.
    pub(super) floor: usize,
    /// Last one.
    pub(super) top: usize,
}

/// Walks through a history and knows at each operation what is promised.
pub(super) struct Contract<'h> {
    scenario: Scenario,
    history: &'h History,
    files: Files,
    log: Option<usize>,
    acknowledged: usize,
    /// Acknowledged when the log was last synced, and when that will be known to be so.
    synced: usize,
    synced_soon: Option<usize>,
    last_was_mark: bool,
}

impl<'h> Contract<'h> {
    /// At the beginning.
    pub(super) fn new(scenario: Scenario, history: &'h History, files: Files) -> Contract<'h> {
        Contract {
            scenario,
            history,
            files,
            log: None,
            acknowledged: 0,
            synced: 0,
            synced_soon: None,
            last_was_mark: true,
        }
    }

    /// Moves on past an operation.
    pub(super) fn pass(&mut self, op: &Op) {
        if !matches!(op, Op::SyncDir { .. })
            && let Some(synced) = self.synced_soon.take()
        {
            self.synced = synced;
        }
        self.last_was_mark = false;
        match op {
            Op::Mark(commit) => {
                self.acknowledged = *commit as usize;
                self.last_was_mark = true;
            }
            Op::Create { path, inode } if *path == aludel_storage::vfs::sibling(&self.files.main, "-wal") => {
                self.log = Some(*inode);
            }
            Op::Sync { inode } if Some(*inode) == self.log => self.synced_soon = Some(self.acknowledged),
            _ => {}
        }
    }

    /// What may be there if it ends now; `None` if nothing is promised.
    pub(super) fn window(&self, end: End) -> Option<Window> {
        let acknowledged = self.acknowledged;
        let power = end != End::Killed;
        if power && self.scenario.sync == SyncLevel::Off {
            return None;
        }
        if !self.scenario.mode.is_on_disk() {
            return self.last_was_mark.then_some(Window {
                floor: acknowledged,
                top: acknowledged,
            });
        }
        let floor = match (power, self.scenario.sync, self.scenario.mode) {
            (true, SyncLevel::Normal, Mode::Delete | Mode::Multi) => acknowledged.saturating_sub(1),
            (true, SyncLevel::Normal, Mode::Wal) => self.synced,
            (true, SyncLevel::Normal, Mode::Mixed) => 0,
            // Its process died, maybe before the last sync, and nobody was told that it is durable. (A log is synced before others see
            // the commit.)
            (true, _, mode) if mode != Mode::Wal && self.history.found.contains(&acknowledged) => {
                acknowledged.saturating_sub(1)
            }
            _ => acknowledged,
        };
        Some(Window {
            floor,
            top: (acknowledged + 1).min(self.history.digests.len() - 1),
        })
    }

    /// The digests of a window.
    pub(super) fn legal(&self, window: &Window) -> Vec<Digest> {
        let ghosts = self.history.ghosts.iter();
        let ghosts = ghosts.filter(|(at, _)| (window.floor..=window.top).contains(at));
        let mut legal = self.history.digests[window.floor..=window.top].to_vec();
        legal.extend(ghosts.map(|(_, digest)| *digest));
        legal
    }
}
