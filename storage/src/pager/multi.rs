//! One commit over several databases.
//!
//! ```text
//!   write the super-journal ─▶ prepare each file (its journal names the super-journal) ─▶ delete the super-journal ─▶ end each journal
//!                                                        all roll back ◀── the commit ──▶ none rolls back
//! ```
//!
//! That holds for files with a rollback journal on the disk. A log, and a journal that is not on the disk, commit by themselves: each file is
//! atomic, the set is not. The same is true of SQLite.

use std::path::PathBuf;
use std::sync::Arc;

use super::options::{JournalMode, Synchronous};
use super::{Afterwards, Pager, Store, TransactionState};
use crate::error::{Error, Result};
use crate::journal::{delete_if_stale, write_super_journal};
use crate::vfs::{Vfs, folder_of};

/// Commits the write transactions of all pagers, all or none as far as their journal modes allow (see the module). Read transactions
/// just end.
///
/// # Errors
/// Those of [`Pager::commit`]; as there, the transactions are still open if the files are unchanged.
pub fn commit_all(pagers: &mut [&mut Pager], then: Afterwards) -> Result<()> {
    let journals: Vec<PathBuf> = pagers
        .iter()
        .filter_map(|pager| pager.journal_of_commit())
        .collect();
    let super_journal = match journals.len() {
        0 | 1 => None,
        _ => SuperJournal::write(pagers, &journals)?,
    };
    let path = super_journal.as_ref().map(|it| it.path.as_path());
    // What cannot be taken back comes last.
    for final_at_once in [false, true] {
        for at in 0..pagers.len() {
            let pager = &mut pagers[at];
            if pager.state != TransactionState::Write || pager.commits_at_once() != final_at_once {
                continue;
            }
            let name = if pager.journal_of_commit().is_some() {
                path
            } else {
                None
            };
            if let Err(error) = pager.prepare_commit(name) {
                return Err(take_back(pagers, super_journal, error));
            }
        }
    }
    if let Some(super_journal) = super_journal {
        super_journal
            .delete()
            .map_err(|error| take_back_all(pagers, error))?;
    }
    let mut result = Ok(());
    for pager in pagers.iter_mut() {
        let finished = if pager.state == TransactionState::Write {
            pager.finish_commit(then)
        } else {
            pager.commit()
        };
        result = result.and(finished);
    }
    result
}

struct SuperJournal {
    vfs: Arc<dyn Vfs>,
    path: PathBuf,
    synced: bool,
}

impl SuperJournal {
    fn write(pagers: &[&mut Pager], journals: &[PathBuf]) -> Result<Option<SuperJournal>> {
        let Some((vfs, database)) = pagers.iter().find_map(|pager| match &pager.store {
            Store::File(store) if pager.journal_of_commit().is_some() => Some((&store.vfs, &store.path)),
            _ => None,
        }) else {
            return Ok(None);
        };
        let synced = pagers.iter().any(|pager| pager.synchronous() > Synchronous::Off);
        let path = write_super_journal(&**vfs, database, journals, synced)?;
        Ok(Some(SuperJournal {
            vfs: Arc::clone(vfs),
            path,
            synced,
        }))
    }

    fn delete(self) -> Result<()> {
        self.vfs.unlink(&self.path)?;
        if self.synced {
            self.vfs.sync_dir(folder_of(&self.path))
        } else {
            Ok(())
        }
    }
}

/// Nothing is final yet: puts the prepared files back.
fn take_back(pagers: &mut [&mut Pager], super_journal: Option<SuperJournal>, error: Error) -> Error {
    for pager in pagers.iter_mut() {
        if let Store::File(store) = &mut pager.store {
            // A file that cannot be put back is poisoned and has its journal still, with the super-journal that makes it hot.
            let _ = store.abandon();
        }
    }
    if let Some(super_journal) = super_journal {
        // What is left over does no harm, so an error here changes nothing.
        let _ = delete_if_stale(&*super_journal.vfs, &super_journal.path);
    }
    error
}

/// The super-journal's end is in doubt, and with it the whole commit.
fn take_back_all(pagers: &mut [&mut Pager], error: Error) -> Error {
    for pager in pagers.iter_mut() {
        if let Store::File(store) = &mut pager.store
            && store.prepared.is_some()
        {
            store.prepared = None;
            store.poison(error.clone());
        }
    }
    error
}

impl Pager {
    /// The journal file that a commit now would write.
    fn journal_of_commit(&self) -> Option<PathBuf> {
        match &self.store {
            Store::File(store) if self.state == TransactionState::Write && self.has_changes() => {
                match store.journal_mode() {
                    JournalMode::Delete | JournalMode::Truncate | JournalMode::Persist => {
                        Some(store.journal_path.clone())
                    }
                    JournalMode::Memory | JournalMode::Off | JournalMode::Wal => None,
                }
            }
            _ => None,
        }
    }

    /// True if the first phase of a commit is the whole of it.
    fn commits_at_once(&self) -> bool {
        match &self.store {
            Store::File(store) => matches!(store.journal_mode(), JournalMode::Wal | JournalMode::Off),
            Store::Memory(_) => false,
        }
    }
}
