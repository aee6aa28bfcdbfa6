//! The verbs of a transaction: begin, upgrade, commit in two phases, roll back.

use std::path::Path;
use std::sync::Arc;

use super::checksum::SealedPages;
use super::commit::Changes;
use super::overlay::DirtyPages;
use super::replace::Replacement;
use super::spill::{Held, Slot};
use super::{Afterwards, Pager, Store, TransactionState};
use crate::error::{Error, ReadOnlyReason, Result};
use crate::format::PageNo;
use crate::format::header::{Header, SQLITE_VERSION_NUMBER};
use crate::wal::PageList;

impl Pager {
    /// Opens a read transaction: every later read sees the database as it is now. Nothing happens when a
    /// transaction is open. Waits for other connections as the busy policy says.
    ///
    /// Takes SHARED, or a read mark of the log. Rolls back a hot journal and recovers a log that a crash left.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::NotADatabase`] and [`Error::Corrupt`] for a header that is none; [`Error::ReadOnly`] if something has
    /// to be recovered and may not be; I/O errors.
    pub fn begin_read(&mut self) -> Result<()> {
        if self.state != TransactionState::None {
            return Ok(());
        }
        let changed = match &mut self.store {
            Store::Memory(_) => false,
            Store::File(store) => store.begin_read(&mut self.busy)?,
        };
        self.enter_snapshot(changed);
        Ok(())
    }

    fn enter_snapshot(&mut self, changed: bool) {
        match &self.store {
            Store::Memory(store) => self.page_count = store.page_count(),
            Store::File(store) => {
                self.page_count = store.page_count;
                if changed {
                    let (page_size, reserved) = store.geometry();
                    self.set_geometry(page_size, reserved);
                    self.change_token += 1;
                }
            }
        }
        self.page_count_before = self.page_count;
        self.snapshot += 1;
        self.state = TransactionState::Read;
    }

    /// Opens a write transaction, or turns the open read transaction into one. Creates page 1 of an empty database.
    ///
    /// Waits for another writer as the busy policy says, but only if no read transaction was open: one that keeps its snapshot while it
    /// waits may be what the other is waiting for.
    ///
    /// # Errors
    /// [`Error::Busy`] when another connection writes, [`Error::BusySnapshot`] when the open snapshot is not the newest,
    /// [`Error::ReadOnly`], and those of [`Pager::begin_read`].
    pub fn begin_write(&mut self) -> Result<()> {
        match self.state {
            TransactionState::Write => return Ok(()),
            TransactionState::Read => self.upgrade()?,
            TransactionState::None => self.begin_write_from_nothing()?,
        }
        self.state = TransactionState::Write;
        if self.page_count == 0 {
            let first = self.creation_header().first_page();
            self.page_count = 1;
            self.overlay.insert(PageNo::ONE, first.into());
        }
        Ok(())
    }

    fn upgrade(&mut self) -> Result<()> {
        match &mut self.store {
            Store::Memory(_) if self.options.read_only => Err(Error::ReadOnly(ReadOnlyReason::Plain)),
            Store::Memory(_) => Ok(()),
            Store::File(store) => store.begin_write(),
        }
    }

    fn begin_write_from_nothing(&mut self) -> Result<()> {
        let Store::File(store) = &mut self.store else {
            self.begin_read()?;
            return self
                .upgrade()
                .inspect_err(|_| self.state = TransactionState::None);
        };
        store.check_writable()?;
        let vfs = Arc::clone(&store.vfs);
        let mut changed = false;
        let began = self.busy.retry(&*vfs, || {
            changed |= store.begin_read_once()?;
            store.begin_write().inspect_err(|_| store.end_read())
        });
        if began.is_ok() || changed {
            // The store tells of a change once only: a caller whose write lock is refused must hear of it as well.
            self.enter_snapshot(changed);
        }
        began.inspect_err(|_| self.state = TransactionState::None)
    }

    /// As [`Pager::begin_write`], and keeps readers out as well where the journal mode knows such a lock (EXCLUSIVE; not with a
    /// log).
    pub fn begin_exclusive(&mut self) -> Result<()> {
        let before = self.state;
        self.begin_write()?;
        let Store::File(store) = &mut self.store else {
            return Ok(());
        };
        let locked = store.lock_exclusive(&mut self.busy);
        if locked.is_err() && before == TransactionState::None {
            self.rollback()?;
        }
        locked
    }

    /// Ends a read transaction. A write transaction ends by [`Pager::commit`] or [`Pager::rollback`] only, so
    /// then nothing happens.
    pub fn end_read(&mut self) {
        if self.state == TransactionState::Read {
            self.leave();
        }
    }

    /// Gives back snapshot and locks.
    fn leave(&mut self) {
        self.state = TransactionState::None;
        if let Store::File(store) = &mut self.store {
            store.end_read();
        }
    }

    /// Makes the changes of the write transaction permanent, all or none, and ends the transaction. A read transaction just ends.
    ///
    /// # Errors
    /// After [`Error::Busy`] (readers did not go away) and any error that found the file unchanged the transaction is still open:
    /// commit again or roll back. After an error that leaves it in doubt what the disk holds, the connection is
    /// [poisoned](Error::Poisoned); roll back and reopen.
    pub fn commit(&mut self) -> Result<()> {
        if self.state != TransactionState::Write {
            self.end_read();
            return Ok(());
        }
        self.commit_then(Afterwards::Leave)
    }

    /// As [`Pager::commit`]; what comes of the snapshot is the caller's choice.
    ///
    /// # Errors
    /// Those of [`Pager::commit`].
    pub fn commit_then(&mut self, then: Afterwards) -> Result<()> {
        if self.state != TransactionState::Write {
            return Ok(());
        }
        self.prepare_commit(None)?;
        self.finish_commit(then)
    }

    /// First phase of a commit: everything but the act that makes it final.
    pub(super) fn prepare_commit(&mut self, super_journal: Option<&Path>) -> Result<()> {
        self.stamp_commit()?;
        let stamp = self.stamp_of_commit()?;
        let Store::File(store) = &mut self.store else {
            return Ok(());
        };
        if self.overlay.is_empty() {
            // As in SQLite, a writer waits for the readers although it has nothing to write.
            return store.lock_exclusive(&mut self.busy);
        }
        let pages = DirtyPages::of(&self.overlay, self.spill.as_ref());
        let sealed;
        let pages: &dyn PageList = match stamp {
            Some((stamp, _)) => {
                sealed = SealedPages { pages, stamp };
                &sealed
            }
            None => &pages,
        };
        let changes = Changes {
            pages,
            page_count_before: self.page_count_before,
            page_count: self.page_count,
            beside: self.replaced.as_ref().and_then(Replacement::beside),
        };
        store.prepare(&changes, super_journal, &mut self.busy)?;
        self.seals = stamp.map(|(_, sealed)| sealed);
        Ok(())
    }

    /// Second phase: makes it final and ends the transaction.
    pub(super) fn finish_commit(&mut self, then: Afterwards) -> Result<()> {
        self.change_watches.note(self.overlay.page_numbers());
        match &mut self.store {
            Store::Memory(store) => {
                let freed = store.commit(self.overlay.drain(), self.page_count, self.page_size);
                // When the disk is full they stay in memory.
                if let Some(spill) = &mut self.spill
                    && store.resident() > self.resident_max
                {
                    let _ = store.spill(spill, self.page_size, self.resident_max / 2);
                }
                self.free_slots(freed);
                if let Some(new) = self.replaced.take() {
                    self.take_new_geometry(new);
                }
            }
            Store::File(store) => {
                let finished = store.finish();
                if finished.is_ok() && !self.overlay.is_empty() {
                    let first_page = self.overlay.get(PageNo::ONE).and_then(Held::in_memory);
                    store.committed(first_page.map(|page| &**page), self.page_count);
                }
                // Checksums are put into copies on their way to the file.
                if finished.is_ok() && store.checksums.is_none() {
                    self.recent.keep(&self.overlay, self.change_token);
                } else {
                    self.recent.clear();
                }
                self.forget_changes();
                self.note_seal(finished.is_ok());
                let same_pages = self.replaced.is_none();
                if let Some(new) = self.replaced.take()
                    && finished.is_ok()
                {
                    self.take_new_geometry(new);
                }
                if finished.is_ok() && same_pages && then == Afterwards::KeepReading {
                    return self.keep_reading();
                }
                self.leave();
                finished?;
                return match then {
                    Afterwards::Leave => self.checkpoint_if_due(),
                    Afterwards::KeepReading => self.begin_read(),
                };
            }
        }
        match then {
            Afterwards::Leave => self.leave(),
            Afterwards::KeepReading => self.enter_snapshot(false),
        }
        Ok(())
    }

    /// The write transaction has ended: it becomes a read transaction that sees what it left. Nobody can write in between.
    fn keep_reading(&mut self) -> Result<()> {
        if let Store::File(store) = &mut self.store {
            store
                .end_write()
                .inspect_err(|_| self.state = TransactionState::None)?;
        }
        self.enter_snapshot(false);
        Ok(())
    }

    /// Forgets the changes of the write transaction and ends it. A read transaction just ends.
    ///
    /// # Errors
    /// Only if a commit of several files was prepared and the file could not be put back; the connection is poisoned then.
    pub fn rollback(&mut self) -> Result<()> {
        self.rollback_then(Afterwards::Leave)
    }

    /// As [`Pager::rollback`]; what comes of the snapshot is the caller's choice. A read transaction goes on if it is to.
    ///
    /// # Errors
    /// Those of [`Pager::rollback`].
    pub fn rollback_then(&mut self, then: Afterwards) -> Result<()> {
        let mut result = Ok(());
        (self.replaced, self.sealing, self.seals) = (None, false, None);
        if self.state == TransactionState::Write {
            if let Store::File(store) = &mut self.store {
                result = store.abandon();
            }
            self.forget_changes();
            self.mutation_count += 1;
        }
        if result.is_ok() && then == Afterwards::KeepReading {
            if self.state == TransactionState::Write {
                return self.keep_reading();
            }
            return Ok(());
        }
        self.leave();
        result
    }

    /// The dirty pages are dirty no more, or are no more.
    fn forget_changes(&mut self) {
        self.overlay.clear();
        self.free_slots(Vec::new());
    }

    /// Gives slots that nobody needs back to the spill file.
    fn free_slots(&mut self, slots: Vec<Slot>) {
        if let Some(spill) = &mut self.spill {
            spill.free(self.overlay.take_freed());
            spill.free(slots);
        }
    }

    /// What is open now.
    #[inline]
    pub fn state(&self) -> TransactionState {
        self.state
    }

    /// Page 1 says how long the database is and which commit wrote it. With a log that is needed only if its length changed or it
    /// is written anyway.
    fn stamp_commit(&mut self) -> Result<()> {
        let page_count = self
            .replaced
            .as_ref()
            .map_or(self.page_count, Replacement::page_count);
        let in_log = matches!(&self.store, Store::File(store) if store.wal.is_some());
        if self.overlay.is_empty() && page_count == self.page_count_before {
            return Ok(());
        }
        if in_log && page_count == self.page_count_before && self.overlay.get(PageNo::ONE).is_none() {
            return Ok(());
        }
        if matches!(&self.store, Store::File(store) if store.prepared.is_some()) {
            return Ok(());
        }
        if matches!(&self.replaced, Some(replaced) if replaced.is_resized(self.page_size)) {
            // Its header is the last one already.
            return Ok(());
        }
        let page_checksum = match &self.replaced {
            Some(replaced) => replaced.has_checksums(),
            None => self.has_page_checksums(),
        };
        self.update_header(|header| stamp_header(header, page_count, page_checksum))
    }
}

/// What a commit says in the header of a database that has so many pages then.
pub(super) fn stamp_header(header: &mut Header, page_count: u32, page_checksum: bool) {
    // With checksums and a log the count is left out, so that SQLite's commits show, see `page_checksum`.
    header.page_count = if page_checksum && header.is_wal() {
        0
    } else {
        page_count
    };
    header.change_counter = header.change_counter.wrapping_add(1);
    header.version_valid_for = header.change_counter;
    header.sqlite_version = SQLITE_VERSION_NUMBER;
}
