//! Making a write transaction's pages permanent.
//!
//! ```text
//!   rollback   EXCLUSIVE ─▶ journal of the old pages, durable ─▶ new pages to the file ─▶ sync  ║ prepared ║  ─▶ end the journal
//!   log        frames to the log, published                                                    ║ prepared ║
//! ```
//!
//! How the journal comes to be and ends is told in [`journal`](crate::journal).
//!
//! Two phases, so that a commit over several files can bring all of them to "prepared" and then end them together through a
//! super-journal. An error before "prepared" puts the file back as it was and leaves the transaction open.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::busy::BusyPolicy;
use super::file::{FileStore, Prepared};
use super::options::{JournalMode, Synchronous};
use crate::error::{Error, ReadOnlyReason, Result};
use crate::format::PageNo;
use crate::journal::{Ending, Journal, Place, Spare, Syncs};
use crate::vfs::{File, SyncKind, WRITE_CHUNK, folder_of};
use crate::wal::{Commit, PageList};

/// A write transaction that wants to become permanent.
pub(super) struct Changes<'a> {
    /// Changed pages, in page order.
    pub(super) pages: &'a dyn PageList,
    pub(super) page_count_before: u32,
    pub(super) page_count: u32,
    /// Bytes at an offset of the file that belong to no page which has to be kept, see [`replace`](super::replace).
    pub(super) beside: Option<(u64, &'a [u8])>,
}

impl FileStore {
    /// First phase: everything but the act that makes the commit final.
    ///
    /// # Errors
    /// `Busy` if readers do not go away, and I/O errors: the file is as it was, unless the store is poisoned now.
    pub(super) fn prepare(
        &mut self,
        changes: &Changes<'_>,
        super_journal: Option<&Path>,
        busy: &mut BusyPolicy,
    ) -> Result<()> {
        self.check_writable()?;
        let prepared = if self.wal.is_some() {
            self.append_to_log(changes).map(|()| Prepared::Nothing)
        } else {
            self.lock_exclusive(busy)?;
            self.change_file(changes, super_journal)
        };
        self.prepared = Some(self.note_sync_failure(prepared)?);
        for at in 0..changes.pages.count() {
            self.pages.written(changes.pages.page_no(at).get());
        }
        Ok(())
    }

    /// Second phase: the commit is final when this returns.
    ///
    /// # Errors
    /// The journal could not be ended. Whether the commit holds is decided by the next connection, which finds the
    /// journal or does not; this one is poisoned.
    pub(super) fn finish(&mut self) -> Result<()> {
        let result = match self.prepared.take() {
            Some(Prepared::Journal(journal)) => journal.finish(&self.place()),
            Some(Prepared::Copies(..) | Prepared::Nothing) | None => return Ok(()),
        };
        match result {
            Ok(left) => {
                self.kept = left.or(self.kept);
                Ok(())
            }
            Err(error) => Err(self.poison(error)),
        }
    }

    /// Takes a prepared commit back.
    pub(super) fn abandon(&mut self) -> Result<()> {
        match self.prepared.take() {
            Some(Prepared::Journal(journal)) => self.undo(journal),
            Some(Prepared::Copies(copies, page_count)) => self.restore(&copies, page_count),
            Some(Prepared::Nothing) | None => Ok(()),
        }
    }

    fn place(&self) -> Place<'_> {
        let ending = self.ending();
        let syncs = Syncs {
            content: self.synchronous >= Synchronous::Normal,
            ending: self.synchronous >= Synchronous::Full,
        };
        let spare = Spare {
            path: &self.spare_path,
            kept: self.kept,
            keep: self.keeps_spare,
        };
        Place {
            vfs: &*self.vfs,
            database: &self.path,
            journal: &self.journal_path,
            spare: (ending == Ending::Delete && syncs.ending).then_some(spare),
            ending,
            syncs,
            end_in_doubt: self.version.is_none() || self.version != self.own_end,
        }
    }

    fn append_to_log(&mut self, changes: &Changes<'_>) -> Result<()> {
        let commit = Commit {
            pages: changes.pages,
            page_size: self.page_size as u32,
            page_count: changes.page_count,
        };
        self.with_wal(|wal, around| wal.commit(around, &commit))
    }

    fn change_file(&mut self, changes: &Changes<'_>, super_journal: Option<&Path>) -> Result<Prepared> {
        match self.rollback_mode {
            JournalMode::Off => self.change_without_way_back(changes),
            JournalMode::Memory => self.change_with_copies(changes),
            _ => self.change_with_journal(changes, super_journal),
        }
    }

    fn change_with_journal(
        &mut self,
        changes: &Changes<'_>,
        super_journal: Option<&Path>,
    ) -> Result<Prepared> {
        if self.file.has_moved()? {
            // A journal under the old name would be of use to nobody.
            return Err(Error::ReadOnly(ReadOnlyReason::Moved));
        }
        // A damaged page is put back as it was.
        let originals = self
            .originals(changes)
            .map(|page| Ok((page, self.raw_page(page)?.0)));
        let journal = match Journal::write(
            &self.place(),
            self.page_size as u32,
            changes.page_count_before,
            super_journal,
            originals,
        ) {
            Ok(journal) => journal,
            Err(error) => {
                // The database is untouched, so a journal that came to be is of no use; if it cannot be deleted, playing it back
                // changes nothing.
                let _ = self.vfs.unlink(&self.journal_path);
                return Err(no_new_file(error));
            }
        };
        if journal.was_spare() {
            self.kept = None;
        }
        match self.write_pages(changes) {
            Ok(()) => {}
            Err(error) => {
                self.undo(journal)?;
                return Err(error);
            }
        }
        // A failed sync is not undone: the next connection finds the journal and does it. `prepare` poisons this one.
        self.sync_file()?;
        Ok(Prepared::Journal(journal))
    }

    /// Puts the file back from the journal of this transaction and deletes that.
    fn undo(&mut self, journal: Journal) -> Result<()> {
        self.forget_file();
        let undone = journal
            .undo(&*self.file)
            .and_then(|()| self.sync_file())
            .and_then(|()| journal.finish_undone(&self.place()));
        undone.map_err(|error| self.poison(error))
    }

    fn change_with_copies(&mut self, changes: &Changes<'_>) -> Result<Prepared> {
        let copies: Vec<(PageNo, Arc<[u8]>)> = self
            .originals(changes)
            .map(|page| Ok((page, Arc::from(&*self.raw_page(page)?.0))))
            .collect::<Result<_>>()?;
        if let Err(error) = self.write_pages(changes) {
            self.restore(&copies, changes.page_count_before)?;
            return Err(error);
        }
        self.sync_file_and_name(changes)?;
        Ok(Prepared::Copies(copies, changes.page_count_before))
    }

    /// Puts the file back from copies of its old pages.
    fn restore(&mut self, copies: &[(PageNo, Arc<[u8]>)], page_count: u32) -> Result<()> {
        self.forget_file();
        let copies: Vec<(PageNo, &[u8])> = copies.iter().map(|(page, bytes)| (*page, &**bytes)).collect();
        let len = u64::from(page_count) * self.page_size as u64;
        let undone = write_runs(&*self.file, self.page_size, &&copies[..])
            .and_then(|()| self.file.set_len(len))
            .and_then(|()| self.sync_file());
        undone.map_err(|error| self.poison(error))
    }

    fn change_without_way_back(&mut self, changes: &Changes<'_>) -> Result<Prepared> {
        if let Err(error) = self.write_pages(changes) {
            return Err(self.poison(error));
        }
        self.sync_file_and_name(changes)?;
        Ok(Prepared::Nothing)
    }

    fn write_pages(&self, changes: &Changes<'_>) -> Result<()> {
        write_runs(&*self.file, self.page_size, changes.pages)?;
        if let Some((offset, bytes)) = changes.beside {
            self.file.write_at(bytes, offset)?;
        }
        if changes.page_count < changes.page_count_before {
            self.file
                .set_len(u64::from(changes.page_count) * self.page_size as u64)?;
        }
        Ok(())
    }

    fn sync_file(&self) -> Result<()> {
        if self.synchronous >= Synchronous::Normal {
            self.file.sync(SyncKind::Data)
        } else {
            Ok(())
        }
    }

    /// As `sync_file`; a database that comes to be with this commit gets a durable name as well. With a journal on the disk the
    /// sync of its name has done that.
    fn sync_file_and_name(&self, changes: &Changes<'_>) -> Result<()> {
        self.sync_file()?;
        if changes.page_count_before == 0 && self.synchronous >= Synchronous::Normal {
            self.vfs.sync_dir(folder_of(&self.path))?;
        }
        Ok(())
    }

    /// What was known of the file may be wrong after a write that failed.
    fn forget_file(&mut self) {
        self.pages.forget();
    }

    /// The pages whose old content a rollback needs: those that are changed and those that are cut off.
    fn originals(&self, changes: &Changes<'_>) -> impl Iterator<Item = PageNo> {
        let before = changes.page_count_before;
        let kept = changes.page_count.min(before);
        let lock_byte_page = PageNo::lock_byte_page(self.page_size);
        let changed = (0..changes.pages.count())
            .map(|at| changes.pages.page_no(at))
            .filter(move |page| page.get() <= kept);
        let cut = (kept + 1..=before).filter_map(PageNo::new);
        changed.chain(cut).filter(move |page| *page != lock_byte_page)
    }
}

/// A journal that may not be created says something about the folder.
fn no_new_file(error: Error) -> Error {
    match error {
        Error::CantOpen {
            source: Some(source), ..
        } if source.kind() == io::ErrorKind::PermissionDenied => Error::ReadOnly(ReadOnlyReason::Folder),
        error => error,
    }
}

/// Writes pages to their places, runs of neighbours together.
fn write_runs(file: &dyn File, page_size: usize, pages: &dyn PageList) -> Result<()> {
    let mut buffer = Vec::new();
    let mut first = 0;
    while first < pages.count() {
        let start = pages.page_no(first);
        let run = (first..pages.count())
            .take(WRITE_CHUNK / page_size)
            .take_while(|at| pages.page_no(*at).get() as usize == start.get() as usize + at - first)
            .count()
            .max(1);
        if run == 1 {
            file.write_at(&pages.bytes(first)?, start.offset(page_size))?;
        } else {
            buffer.clear();
            for at in first..first + run {
                buffer.extend_from_slice(&pages.bytes(at)?);
            }
            file.write_at(&buffer, start.offset(page_size))?;
        }
        first += run;
    }
    Ok(())
}
