//! The switches of a connection: journal mode, synchronous, locking, waiting, mapping, and checkpoints.

use std::path::Path;
use std::time::Duration;

use super::busy::{BusyHandler, Waiting};
use super::cache::CacheCounts;
use super::options::{JournalMode, Synchronous};
use super::{Pager, Store, TransactionState};
use crate::error::{Error, Result};
use crate::vfs::LockLevel;
use crate::wal::{CheckpointKind, CheckpointReport, Wal};

impl Pager {
    // ---- journal mode ----------------------------------------------------------------------------

    /// The journal mode as of the last transaction. A database in memory keeps its journal there.
    pub fn journal_mode(&self) -> JournalMode {
        match &self.store {
            Store::Memory(store) => store.journal_mode(),
            Store::File(store) => store.journal_mode(),
        }
    }

    /// Changes the journal mode and returns the one in effect afterwards: a read-only database and a transaction that has changed something
    /// keep theirs. Going to WAL and back writes the file's header; going back copies the whole log to the database and needs to be alone.
    ///
    /// # Errors
    /// [`Error::Misuse`] for a change to or from WAL inside a transaction, [`Error::Busy`], I/O errors.
    pub fn set_journal_mode(&mut self, mode: JournalMode) -> Result<JournalMode> {
        if self.state == TransactionState::Write && self.has_changes() {
            return Ok(self.journal_mode());
        }
        if let Store::Memory(store) = &mut self.store {
            return Ok(store.set_journal_mode(mode));
        }
        if self.state != TransactionState::None {
            return self.set_rollback_mode(mode);
        }
        // Who else changed the mode shows in the header.
        self.begin_read()?;
        self.end_read();
        let now = self.journal_mode();
        let Store::File(store) = &mut self.store else {
            return Ok(now);
        };
        if now == mode || store.is_read_only() {
            return Ok(now);
        }
        match (now, mode) {
            (_, JournalMode::Wal) => self.enter_wal()?,
            (JournalMode::Wal, _) => {
                store.leave_log(&mut self.busy)?;
                store.rollback_mode = mode;
                store.ignores_log = true;
                let written = self.write_versions(1);
                if let Store::File(store) = &mut self.store {
                    store.ignores_log = false;
                }
                written?;
            }
            _ => {
                store.rollback_mode = mode;
                if store.has_left_journals(now) {
                    self.delete_left_journals(now)?;
                }
            }
        }
        Ok(self.journal_mode())
    }

    /// Another kind of rollback journal, inside a transaction that has changed nothing.
    fn set_rollback_mode(&mut self, mode: JournalMode) -> Result<JournalMode> {
        let now = self.journal_mode();
        if now == mode {
            return Ok(now);
        }
        if [now, mode].contains(&JournalMode::Wal) {
            return Err(Error::Misuse(
                "the journal mode cannot change to or from WAL inside a transaction",
            ));
        }
        let Store::File(store) = &mut self.store else {
            return Ok(now);
        };
        if store.is_read_only() {
            return Ok(now);
        }
        store.rollback_mode = mode;
        if store.has_left_journals(now) {
            // Where somebody else writes, the journal that was left is his by now.
            let alone = self.state == TransactionState::Write || unless_busy(store.begin_write())?;
            if alone {
                store.delete_left_journals(now)?;
            }
            if alone && self.state == TransactionState::Read {
                store.file.unlock(LockLevel::Shared)?;
            }
        }
        Ok(mode)
    }

    fn enter_wal(&mut self) -> Result<()> {
        self.write_versions(2)?;
        self.begin_read()?;
        self.end_read();
        Ok(())
    }

    /// Writes the header's format versions in a transaction of its own.
    fn write_versions(&mut self, version: u8) -> Result<()> {
        self.begin_write()?;
        self.keep_spare(false);
        let written = self.update_header(|header| {
            header.write_version = version;
            header.read_version = version;
        });
        let committed = written.and_then(|()| self.commit());
        self.keep_spare(true);
        match committed {
            Ok(()) => Ok(()),
            Err(error) => {
                self.rollback()?;
                Err(error)
            }
        }
    }

    /// With a log, nothing is written to a spare journal any more.
    fn keep_spare(&mut self, keep: bool) {
        if let Store::File(store) = &mut self.store {
            store.keeps_spare = keep;
        }
    }

    /// A mode that ends leaves its journal file behind, or the spare one. It stays where somebody else writes: it is his by now.
    fn delete_left_journals(&mut self, mode: JournalMode) -> Result<()> {
        if !unless_busy(self.begin_write())? {
            return Ok(());
        }
        let deleted = match &mut self.store {
            Store::File(store) => store.delete_left_journals(mode),
            Store::Memory(_) => Ok(()),
        };
        self.rollback()?;
        deleted
    }

    // ---- checkpoints -----------------------------------------------------------------------------

    /// Copies the log to the database, as far as `kind` asks. Without a log the report says zero frames.
    ///
    /// # Errors
    /// [`Error::Locked`] inside a transaction, [`Error::Busy`] while another connection checkpoints, I/O errors. Being hindered by
    /// readers is no error: the report says so.
    pub fn checkpoint(&mut self, kind: CheckpointKind) -> Result<CheckpointReport> {
        if self.state != TransactionState::None {
            return Err(Error::Locked);
        }
        // The first transaction finds out whether there is a log.
        self.begin_read()?;
        self.end_read();
        match &mut self.store {
            Store::File(store) if store.wal.is_some() => store.checkpoint(kind, &mut self.busy),
            _ => Ok(CheckpointReport::default()),
        }
    }

    /// How many frames the write-ahead log has as this connection sees it; `None` when there is none.
    pub fn wal_frames(&self) -> Option<u32> {
        match &self.store {
            Store::File(store) => store.wal.as_ref().map(|wal| wal.frame_count()),
            _ => None,
        }
    }

    /// Frames after which a commit checkpoints by itself; zero never.
    pub fn wal_autocheckpoint(&self) -> u32 {
        self.options.wal_autocheckpoint
    }

    /// Sets [`Pager::wal_autocheckpoint`].
    pub fn set_wal_autocheckpoint(&mut self, frames: u32) {
        self.options.wal_autocheckpoint = frames;
    }

    /// The commit has happened whatever comes of this: only what poisons is an error.
    pub(super) fn checkpoint_if_due(&mut self) -> Result<()> {
        let limit = self.options.wal_autocheckpoint;
        let Store::File(store) = &mut self.store else {
            return Ok(());
        };
        let due = store
            .wal
            .as_ref()
            .is_some_and(|wal| limit > 0 && wal.frame_count() >= limit);
        if due {
            let _ = store.checkpoint(CheckpointKind::Passive, &mut self.busy);
        }
        Ok(())
    }

    // ---- the other switches ----------------------------------------------------------------------

    /// How much a commit waits for the disk.
    pub fn synchronous(&self) -> Synchronous {
        self.options.synchronous
    }

    /// Sets [`Pager::synchronous`], from the next transaction on.
    pub fn set_synchronous(&mut self, synchronous: Synchronous) {
        self.options.synchronous = synchronous;
        if let Store::File(store) = &mut self.store {
            store.synchronous = synchronous;
        }
    }

    /// True if the locks are kept between transactions.
    pub fn is_exclusive(&self) -> bool {
        self.options.exclusive
    }

    /// Keeps the locks between transactions, or stops doing so: then they go when the next transaction ends. A log that is already
    /// open in shared memory stays there; the next write transaction finds out whether this connection is alone.
    /// A log whose index is in this connection's own memory keeps others out for as long as it is open.
    pub fn set_exclusive(&mut self, exclusive: bool) {
        if let Store::File(store) = &self.store
            && store.wal.as_ref().is_some_and(Wal::has_private_index)
        {
            return;
        }
        self.options.exclusive = exclusive;
        if let Store::File(store) = &mut self.store {
            store.exclusive = exclusive;
        }
    }

    /// How long to wait for other connections.
    pub fn busy_timeout(&self) -> Duration {
        self.busy.timeout()
    }

    /// Waits this long for other connections; replaces a busy handler.
    pub fn set_busy_timeout(&mut self, timeout: Duration) {
        self.busy.set_timeout(timeout);
    }

    /// Asks `handler` whether to try again; replaces a busy timeout. `None` never waits.
    pub fn set_busy_handler(&mut self, handler: Option<BusyHandler>) {
        self.busy.set_handler(handler);
    }

    /// Waits a little, or asks the busy handler; `false` when it is time to give up. For who gave back a snapshot because
    /// [`Pager::begin_write`] was refused over it, and is going to try again from nothing.
    pub fn wait_for_lock(&mut self, waiting: &mut Waiting) -> bool {
        match &self.store {
            Store::File(store) => waiting.again(&mut self.busy, &*store.vfs),
            Store::Memory(_) => false,
        }
    }

    /// Maps at most this many bytes of the file; zero reads through the page cache. Outside of a transaction.
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a transaction.
    pub fn set_mmap_limit(&mut self, limit: u64) -> Result<()> {
        if self.state != TransactionState::None {
            return Err(Error::Misuse("the map cannot change inside a transaction"));
        }
        self.options.mmap_limit = limit;
        if let Store::File(store) = &self.store {
            store.set_map_limit(limit);
        }
        Ok(())
    }

    /// Bytes of the file that may be mapped.
    pub fn mmap_limit(&self) -> u64 {
        self.options.mmap_limit
    }

    /// How often the cache had a page, and how often one was read, since the file was opened. Slices of a memory map are neither; a
    /// database in memory has no cache.
    pub fn cache_counts(&self) -> CacheCounts {
        match &self.store {
            Store::File(store) => store.cache_counts(),
            Store::Memory(_) => CacheCounts::default(),
        }
    }

    /// Pages that the cache keeps when the file is not mapped.
    pub fn set_cache_pages(&mut self, pages: usize) {
        self.options.cache_pages = pages;
        if let Store::File(store) = &self.store {
            store.set_cache_pages(pages);
        }
    }

    /// Bytes of changed pages that stay in memory, see [`PagerOptions::spill_limit`](super::PagerOptions::spill_limit). At least a few
    /// pages do.
    pub fn set_spill_limit(&mut self, bytes: usize) {
        self.options.spill_limit = bytes;
        self.resident_max = match &self.spill {
            Some(_) => (bytes / self.page_size).max(RESIDENT_PAGES_MIN),
            None => usize::MAX,
        };
    }

    /// See [`Pager::set_spill_limit`].
    pub fn spill_limit(&self) -> usize {
        self.options.spill_limit
    }

    /// True if no write transaction can begin: opened so, no permission, or a newer format.
    pub fn is_read_only(&self) -> bool {
        match &self.store {
            Store::Memory(_) => self.options.read_only,
            Store::File(store) => store.is_read_only(),
        }
    }

    /// The database file; `None` in memory.
    pub fn path(&self) -> Option<&Path> {
        match &self.store {
            Store::Memory(_) => None,
            Store::File(store) => Some(&store.path),
        }
    }

    /// The lock that this connection holds on the database file now.
    pub fn lock_level(&self) -> LockLevel {
        match &self.store {
            Store::Memory(_) => LockLevel::None,
            Store::File(store) => store.file.lock_level(),
        }
    }

    /// Why the connection must be reopened, if it must.
    pub fn poisoned_by(&self) -> Option<&Error> {
        match &self.store {
            Store::Memory(_) => None,
            Store::File(store) => store.poison.as_deref(),
        }
    }
}

/// A balance changes a few pages at a time, and each must find the others still there.
const RESIDENT_PAGES_MIN: usize = 32;

/// Whether it was done; `false` when somebody else's lock was in the way.
fn unless_busy(result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::Busy) => Ok(false),
        Err(error) => Err(error),
    }
}
