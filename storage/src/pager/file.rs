//! The store behind a pager whose database is a file: snapshots, clean pages, and which journal serves.
//!
//! ```text
//!   rollback   begin_read: SHARED ─▶ hot journal? ─▶ change counter the same? ── yes ─▶ done
//!                                                                             └─ no ──▶ header, length, caches
//!   log        SHARED stays; begin_read: read mark ─▶ wal-index header the same? ...
//! ```
//!
//! The file's header says which of the two it is (read version 2: log), so a snapshot may turn one into the other.
//!
//! Invariants:
//! - I1 caches, length and page count belong to the change counter (or wal-index header) in `version` (or `wal`).
//! - I2 a poisoned store starts no transaction; a hot journal it left is for the next connection.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::busy::BusyPolicy;
use super::cache::CacheCounts;
use super::checksum::Checksums;
use super::options::{JournalMode, PagerOptions, Synchronous};
use super::page::Page;
use super::replace::NewGeometry;
use super::source::PageSource;
use crate::error::{Error, IoOperation, ReadOnlyReason, Result, corrupt};
use crate::format::header::HEADER_SIZE;
use crate::format::journal::{JOURNAL_SUFFIX, SPARE_SUFFIX};
use crate::format::wal::frame_page_offset;
use crate::format::{Header, PageNo};
use crate::journal::{self, Ending, Journal, Kept, Place, Syncs};
use crate::vfs::{File, LockLevel, OpenOptions, Vfs, read_whole, sibling};
use crate::wal::{Around, CheckpointKind, CheckpointReport, Wal, WalSyncs};

/// Bytes 24..40 of the header: change counter, page count, freelist. SQLite compares the same.
type Version = [u8; 16];
const VERSION_OFFSET: usize = 24;

/// Where the header says whether there is a log.
const READ_VERSION_OFFSET: usize = 19;

/// A database file and its journals.
pub(super) struct FileStore {
    pub(super) vfs: Arc<dyn Vfs>,
    pub(super) path: PathBuf,
    pub(super) journal_path: PathBuf,
    /// The file that may become the journal, see `journal`.
    pub(super) spare_path: PathBuf,
    /// The spare file that our last commit left.
    pub(super) kept: Option<Kept>,
    /// Whether a commit may leave one.
    pub(super) keeps_spare: bool,
    log_path: PathBuf,
    pub(super) file: Box<dyn File>,
    read_only: bool,
    /// The file says that only newer libraries may write it.
    newer_format: bool,
    /// The file ends inside its last page.
    is_cut: bool,
    pub(super) pages: PageSource,
    frames: PageSource,
    frames_salt: [u8; 8],
    pub(super) wal: Option<Wal>,
    /// The rollback mode to use when the file is not in WAL mode.
    pub(super) rollback_mode: JournalMode,
    pub(super) synchronous: Synchronous,
    pub(super) exclusive: bool,
    pub(super) version: Option<Version>,
    /// The version that our last commit with a journal left: if it is still there, the journal was ended by us.
    pub(super) own_end: Option<Version>,
    /// The header speaks of a log that has just been deleted; it is about to be rewritten.
    pub(super) ignores_log: bool,
    pub(super) page_size: usize,
    reserved: u8,
    pub(super) page_count: u32,
    /// How pages are verified, if the database has checksums.
    pub(super) checksums: Option<Checksums>,
    /// Whether a database that is created gets checksums.
    pub(super) wants_checksums: bool,
    /// A commit whose journal is complete and whose pages are in the file, between the two phases.
    pub(super) prepared: Option<Prepared>,
    pub(super) poison: Option<Arc<Error>>,
}

/// How a prepared commit can be ended.
#[derive(Debug)]
pub(super) enum Prepared {
    /// With its journal.
    Journal(Journal),
    /// With copies of the old pages, for a file of so many.
    Copies(Vec<(PageNo, Arc<[u8]>)>, u32),
    /// There is no way back, or the commit is complete already (log).
    Nothing,
}

impl FileStore {
    pub(super) fn open(
        vfs: Arc<dyn Vfs>,
        path: &std::path::Path,
        options: &PagerOptions,
    ) -> Result<FileStore> {
        let path = vfs.full_path(path)?;
        let file = vfs.open(
            &path,
            &OpenOptions {
                read_only: options.read_only,
                create: options.create && !options.read_only,
                read_only_fallback: true,
                permissions_of: None,
            },
        )?;
        let rollback_mode = match options.journal_mode {
            JournalMode::Wal => JournalMode::Delete,
            mode => mode,
        };
        Ok(FileStore {
            journal_path: sibling(&path, JOURNAL_SUFFIX),
            spare_path: sibling(&path, SPARE_SUFFIX),
            kept: None,
            keeps_spare: true,
            log_path: sibling(&path, "-wal"),
            read_only: options.read_only || file.is_read_only(),
            newer_format: false,
            is_cut: false,
            pages: PageSource::new(options.mmap_limit, options.cache_pages),
            frames: PageSource::new(options.mmap_limit, options.cache_pages),
            frames_salt: [0; 8],
            wal: None,
            rollback_mode,
            synchronous: options.synchronous,
            exclusive: options.exclusive,
            version: None,
            own_end: None,
            ignores_log: false,
            page_size: options.page_size as usize,
            reserved: options.reserved,
            page_count: 0,
            checksums: None,
            wants_checksums: options.page_checksum,
            prepared: None,
            poison: None,
            path,
            file,
            vfs,
        })
    }

    // ---- reading ---------------------------------------------------------------------------------

    /// A clean page of the snapshot.
    #[inline(always)]
    pub(super) fn page(&self, page: PageNo) -> Result<Page> {
        if self.checksums.is_some() {
            return self.checked_page(page);
        }
        let (bytes, _, _) = self.raw_page(page)?;
        Ok(bytes)
    }

    /// A clean page, whatever its checksum says, with its number in the file that it came from.
    #[inline(always)]
    pub(super) fn raw_page(&self, page: PageNo) -> Result<(Page, &PageSource, u32)> {
        if let Some(wal) = &self.wal
            && let Some(frame) = wal.find(page)?
        {
            let offset = frame_page_offset(frame, self.page_size);
            let bytes = self.frames.page(wal.file(), frame, offset, self.page_size)?;
            return Ok((bytes, &self.frames, frame));
        }
        let offset = page.offset(self.page_size);
        let bytes = self.pages.page(&*self.file, page.get(), offset, self.page_size)?;
        Ok((bytes, &self.pages, page.get()))
    }

    /// Page size and reserved bytes as of the last snapshot.
    pub(super) fn geometry(&self) -> (u32, u8) {
        (self.page_size as u32, self.reserved)
    }

    /// Sizes for a file that is still empty.
    pub(super) fn set_geometry(&mut self, page_size: u32, reserved: u8) {
        self.page_size = page_size as usize;
        self.reserved = reserved;
        self.pages.forget();
    }

    pub(super) fn set_map_limit(&self, limit: u64) {
        self.pages.set_map_limit(limit);
        self.frames.set_map_limit(limit);
    }

    pub(super) fn cache_counts(&self) -> CacheCounts {
        self.pages.cache_counts().and(self.frames.cache_counts())
    }

    pub(super) fn set_cache_pages(&self, pages: usize) {
        self.pages.set_cache_pages(pages);
        self.frames.set_cache_pages(pages);
    }

    // ---- snapshots -------------------------------------------------------------------------------

    /// Takes a snapshot; `true` if the database is not as it was at the last one. Waits as `busy` says.
    pub(super) fn begin_read(&mut self, busy: &mut BusyPolicy) -> Result<bool> {
        let vfs = Arc::clone(&self.vfs);
        busy.retry(&*vfs, || self.begin_read_once())
    }

    pub(super) fn begin_read_once(&mut self) -> Result<bool> {
        self.check_poison()?;
        let result = self.try_begin_read();
        if result.is_err() {
            // The log may have been seen and the database behind it not: the next attempt looks at both again.
            if let Some(wal) = &mut self.wal {
                wal.distrust_snapshot();
            }
            self.end_read();
        }
        result
    }

    fn try_begin_read(&mut self) -> Result<bool> {
        let mut changed = false;
        if self.wal.is_none() {
            self.file.lock(LockLevel::Shared)?;
            changed = self.take_file_snapshot()?;
        }
        if self.wal.is_some() {
            changed |= self.take_log_snapshot(changed)?;
        }
        Ok(changed)
    }

    fn take_log_snapshot(&mut self, changed: bool) -> Result<bool> {
        let changed = self.begin_log_read()? | changed;
        if changed {
            self.pages.forget();
            self.notice_salt();
            self.load_header()?;
        }
        Ok(changed)
    }

    fn begin_log_read(&mut self) -> Result<bool> {
        let result = self.with_wal(|wal, around| wal.begin_read(around));
        match (result, &mut self.wal) {
            (Err(Error::ReadOnly(ReadOnlyReason::CantInit)), Some(wal))
                if self.read_only && !wal.has_private_index() =>
            {
                wal.use_private_index();
                self.with_wal(|wal, around| wal.begin_read(around))
            }
            (result, _) => result,
        }
    }

    /// A log that starts again at its beginning has other frames under the same numbers.
    fn notice_salt(&mut self) {
        if let Some(wal) = &self.wal
            && wal.salt() != self.frames_salt
        {
            self.frames_salt = wal.salt();
            self.frames.forget();
        }
    }

    fn take_file_snapshot(&mut self) -> Result<bool> {
        if journal::is_hot(&*self.vfs, &self.journal_path, &mut *self.file)? {
            self.roll_back_hot()?;
        }
        let version = self.read_version()?;
        if self.version == Some(version) {
            return Ok(false);
        }
        self.pages.forget();
        self.load_header()?;
        self.version = Some(version);
        Ok(true)
    }

    fn read_version(&self) -> Result<Version> {
        if let Some(version) = self.pages.peek(VERSION_OFFSET) {
            return Ok(version);
        }
        let mut version = Version::default();
        // Past the end of the file there are zeros, as in an empty one.
        read_whole(&*self.file, &mut version, VERSION_OFFSET as u64)?;
        Ok(version)
    }

    fn roll_back_hot(&mut self) -> Result<()> {
        if self.read_only {
            return Err(Error::ReadOnly(ReadOnlyReason::Rollback));
        }
        self.file.lock(LockLevel::Exclusive)?;
        self.version = None;
        let synced = self.synchronous > Synchronous::Off;
        let place = Place {
            vfs: &*self.vfs,
            database: &self.path,
            journal: &self.journal_path,
            spare: None,
            ending: self.ending(),
            syncs: Syncs {
                content: synced,
                ending: synced,
            },
            end_in_doubt: false,
        };
        journal::roll_back_hot(&place, &*self.file)?;
        if self.exclusive {
            Ok(())
        } else {
            self.file.unlock(LockLevel::Shared)
        }
    }

    /// Reads page 1's header and takes from it what a snapshot needs: sizes, page count, and whether there is a log.
    fn load_header(&mut self) -> Result<()> {
        let file_len = self.file.len()?;
        let in_log = self.wal.as_ref().map_or(0, Wal::page_size);
        if in_log != 0 {
            self.page_size = in_log as usize;
        }
        if file_len == 0 && in_log == 0 {
            self.page_count = 0;
            self.checksums = self.wants_checksums.then(Checksums::of_new_file);
            return self.forget_log_of_empty_file();
        }
        let mut head = [0; HEADER_SIZE];
        if in_log != 0 {
            // How it is verified is said by what it says.
            head.copy_from_slice(&self.raw_page(PageNo::ONE)?.0[..HEADER_SIZE]);
        } else {
            read_whole(&*self.file, &mut head, 0)?;
        }
        let header = Header::decode(&head);
        // A checkpoint that a crash cut short may have left anything in the place of the header, but then it is in the log.
        let says_log = header.as_ref().is_ok_and(Header::is_wal);
        if self.wal.is_none() && !self.ignores_log && (says_log || self.vfs.exists(&self.log_path)?) {
            self.open_log()?;
            if self.wal.is_some() {
                return Ok(());
            }
        }
        let header = header?;
        self.page_size = header.page_size as usize;
        self.reserved = header.reserved;
        self.newer_format = header.write_version > 2;
        let in_file = u32::try_from(file_len.div_ceil(u64::from(header.page_size))).unwrap_or(u32::MAX);
        self.is_cut = !file_len.is_multiple_of(u64::from(header.page_size));
        self.page_count = match self.wal.as_ref().map_or(0, Wal::page_count) {
            0 if !header.page_count_is_valid() => in_file,
            0 if header.page_count > in_file => {
                return Err(corrupt(
                    PageNo::ONE,
                    28,
                    "the file is shorter than its header says",
                ));
            }
            0 => header.page_count,
            in_log => in_log,
        };
        self.load_checksums(&header)
    }

    /// A log beside an empty file belongs to a database that somebody deleted.
    fn forget_log_of_empty_file(&mut self) -> Result<()> {
        if self.wal.is_none() && !self.read_only && self.vfs.exists(&self.log_path)? {
            self.vfs.unlink(&self.log_path)?;
        }
        Ok(())
    }

    fn open_log(&mut self) -> Result<()> {
        if self.exclusive {
            self.file.lock(LockLevel::Exclusive)?;
        }
        match Wal::open(&*self.vfs, &self.path, &self.log_path, self.exclusive) {
            Ok(wal) => self.wal = Some(wal),
            // No log, and none can come to be: everything is in the database file.
            Err(Error::CantOpen {
                source: Some(source), ..
            }) if source.kind() == io::ErrorKind::ReadOnlyFilesystem
                && !self.vfs.exists(&self.log_path)? =>
            {
                self.ignores_log = true;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Gives the snapshot back. A database with a log keeps Shared: that is how others see that the log is in use.
    pub(super) fn end_read(&mut self) {
        match &mut self.wal {
            Some(wal) => {
                wal.leave(&mut *self.file);
                if !self.exclusive {
                    // What a writer took that wanted to be alone.
                    let _ = self.file.unlock(LockLevel::Shared);
                }
            }
            None if self.exclusive => {}
            // A lock that cannot be given back goes when the file is closed; until then others wait.
            None => drop(self.file.unlock(LockLevel::None)),
        }
    }

    /// Gives the writer's locks back and keeps the snapshot.
    ///
    /// # Errors
    /// The system's. Then nothing is held any more.
    pub(super) fn end_write(&mut self) -> Result<()> {
        match &mut self.wal {
            Some(wal) => wal.end_write(&mut *self.file),
            None if self.exclusive => {}
            None => {
                return self
                    .file
                    .unlock(LockLevel::Shared)
                    .inspect_err(|_| drop(self.file.unlock(LockLevel::None)));
            }
        }
        Ok(())
    }

    // ---- writing ---------------------------------------------------------------------------------

    /// Becomes the writer, from a snapshot. Does not wait: whoever is in the way may wait for us.
    pub(super) fn begin_write(&mut self) -> Result<()> {
        self.check_writable()?;
        match &mut self.wal {
            Some(wal) => {
                if self.exclusive && self.file.lock_level() < LockLevel::Exclusive {
                    let locked = self.file.lock(LockLevel::Exclusive);
                    locked.inspect_err(|_| drop(self.file.unlock(LockLevel::Shared)))?;
                }
                wal.begin_write(&mut *self.file)
            }
            None => self.file.lock(LockLevel::Reserved),
        }
    }

    /// Keeps the readers out as well. In a database with a log they are never in the way.
    pub(super) fn lock_exclusive(&mut self, busy: &mut BusyPolicy) -> Result<()> {
        if self.wal.is_some() {
            return Ok(());
        }
        let vfs = Arc::clone(&self.vfs);
        busy.retry(&*vfs, || self.file.lock(LockLevel::Exclusive))
    }

    pub(super) fn check_writable(&self) -> Result<()> {
        self.check_poison()?;
        if self.read_only || self.newer_format {
            return Err(Error::ReadOnly(ReadOnlyReason::Plain));
        }
        Ok(())
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.read_only || self.newer_format
    }

    /// The write transaction is over and its pages are the snapshot's: what was known of the file moves on.
    pub(super) fn committed(&mut self, first_page: Option<&[u8]>, page_count: u32) {
        self.page_count = page_count;
        if self.wal.is_some() {
            self.notice_salt();
            return;
        }
        if let Some(version) = first_page.and_then(|page| page.get(VERSION_OFFSET..)?.first_chunk()) {
            self.version = Some(*version);
            self.own_end = self.version.filter(|_| self.synchronous >= Synchronous::Normal);
        }
        if first_page.and_then(|page| page.get(READ_VERSION_OFFSET)) == Some(&2) {
            // The file has just been switched to a log: the next snapshot finds out.
            self.version = None;
        }
        if self.is_cut {
            // The last page was not whole, and unless it was written it is not now: what a map shows of it would stop the process.
            self.pages.forget();
        } else {
            self.pages
                .set_file_len(u64::from(page_count) * self.page_size as u64);
        }
    }

    /// A content with other page sizes has been committed. Called before the locks are given back.
    pub(super) fn take_new_geometry(&mut self, new: &NewGeometry) {
        // Bytes behind the last page do no harm: a failure to cut them off is none.
        if self.wal.is_none() && self.file.len().is_ok_and(|len| len > new.len()) {
            let _ = self.file.set_len(new.len());
        }
        self.set_geometry(new.page_size, new.reserved);
        self.page_count = new.page_count;
        self.checksums = new.page_checksum.then(Checksums::of_new_file);
        // The next snapshot reads all of it anew.
        self.version = None;
    }

    // ---- journals --------------------------------------------------------------------------------

    pub(super) fn ending(&self) -> Ending {
        match self.rollback_mode {
            JournalMode::Truncate => Ending::Truncate,
            JournalMode::Persist => Ending::ZeroMagic,
            _ => Ending::Delete,
        }
    }

    pub(super) fn journal_mode(&self) -> JournalMode {
        if self.wal.is_some() {
            JournalMode::Wal
        } else {
            self.rollback_mode
        }
    }

    /// Deletes what this connection's journals of this mode left behind when they ended. Reserved is held.
    pub(super) fn delete_left_journals(&mut self, mode: JournalMode) -> Result<()> {
        if self.kept.take().is_some() {
            self.vfs.unlink(&self.spare_path)?;
        }
        if matches!(mode, JournalMode::Truncate | JournalMode::Persist) {
            self.vfs.unlink(&self.journal_path)?;
        }
        Ok(())
    }

    /// True if this connection's journals of this mode may have left something behind.
    pub(super) fn has_left_journals(&self, mode: JournalMode) -> bool {
        self.kept.is_some() || matches!(mode, JournalMode::Truncate | JournalMode::Persist)
    }

    fn wal_syncs(&self) -> WalSyncs {
        WalSyncs {
            commit: self.synchronous >= Synchronous::Full,
            order: self.synchronous >= Synchronous::Normal,
        }
    }

    /// Runs `work` on the log.
    pub(super) fn with_wal<T>(
        &mut self,
        work: impl FnOnce(&mut Wal, &mut Around<'_>) -> Result<T>,
    ) -> Result<T> {
        let syncs = self.wal_syncs();
        let wal = self
            .wal
            .as_mut()
            .ok_or(Error::Misuse("the database has no log"))?;
        work(
            wal,
            &mut Around {
                vfs: &*self.vfs,
                database: &mut *self.file,
                log: &self.log_path,
                syncs,
            },
        )
    }

    /// Copies frames of the log to the database. Outside of a transaction.
    pub(super) fn checkpoint(
        &mut self,
        kind: CheckpointKind,
        busy: &mut BusyPolicy,
    ) -> Result<CheckpointReport> {
        self.check_writable()?;
        let vfs = Arc::clone(&self.vfs);
        let page_size = self.page_size as u32;
        let mut waiting = super::busy::Waiting::default();
        let mut wait = || waiting.again(busy, &*vfs);
        let result = self.with_wal(|wal, around| wal.checkpoint(around, page_size, kind, &mut wait));
        self.pages.forget();
        self.note_sync_failure(result)
    }

    /// Leaves the log for a rollback mode: everything goes to the database, the log's files go. Afterwards Exclusive is
    /// held.
    pub(super) fn leave_log(&mut self, busy: &mut BusyPolicy) -> Result<()> {
        self.check_writable()?;
        let vfs = Arc::clone(&self.vfs);
        busy.retry(&*vfs, || self.file.lock(LockLevel::Exclusive))?;
        let left = self.checkpoint(CheckpointKind::Full, busy).and_then(|report| {
            if report.busy || report.checkpointed_frames < report.log_frames {
                return Err(Error::Busy);
            }
            self.close_log(true)
        });
        if left.is_err() {
            self.file.unlock(LockLevel::Shared)?;
        }
        left
    }

    fn close_log(&mut self, delete: bool) -> Result<()> {
        let Some(wal) = self.wal.take() else { return Ok(()) };
        self.version = None;
        self.frames.leave_file();
        self.frames_salt = [0; 8];
        let syncs = self.wal_syncs();
        wal.close(
            &mut Around {
                vfs: &*self.vfs,
                database: &mut *self.file,
                log: &self.log_path,
                syncs,
            },
            delete,
        )
    }

    /// The connection ends. The last one to leave a log copies it to the database and deletes it.
    pub(super) fn close(&mut self) {
        self.end_read();
        if self.wal.is_some() {
            let last =
                self.poison.is_none() && !self.read_only && self.file.lock(LockLevel::Exclusive).is_ok();
            let delete = last && self.checkpoint_at_close();
            // What stays is found by the next connection.
            let _ = self.close_log(delete);
        }
        if self.kept.is_some() && self.poison.is_none() {
            // Where somebody else writes, the spare file is his by now.
            let _ = self.delete_spare();
        }
        let _ = self.file.unlock(LockLevel::None);
    }

    fn delete_spare(&mut self) -> Result<()> {
        self.file.lock(LockLevel::Shared)?;
        // Reserved would hide a hot journal from others.
        if !journal::is_hot(&*self.vfs, &self.journal_path, &mut *self.file)? {
            self.file.lock(LockLevel::Reserved)?;
            self.delete_left_journals(JournalMode::Delete)?;
        }
        Ok(())
    }

    fn checkpoint_at_close(&mut self) -> bool {
        let mut never = BusyPolicy::new(Duration::ZERO);
        let report = self.checkpoint(CheckpointKind::Passive, &mut never);
        matches!(report, Ok(report) if !report.busy && report.checkpointed_frames == report.log_frames)
    }

    // ---- poison ----------------------------------------------------------------------------------

    fn check_poison(&self) -> Result<()> {
        match &self.poison {
            None => Ok(()),
            Some(cause) => Err(Error::Poisoned {
                cause: Arc::clone(cause),
            }),
        }
    }

    /// After this error nothing is known for sure. Lets go of everything, so that the next connection can recover.
    pub(super) fn poison(&mut self, error: Error) -> Error {
        self.poison.get_or_insert_with(|| Arc::new(error.clone()));
        if self.wal.is_none() {
            let _ = self.file.unlock(LockLevel::None);
        }
        error
    }

    /// A failed sync poisons: what was written before it may or may not be on the disk, and asking again proves nothing.
    pub(super) fn note_sync_failure<T>(&mut self, result: Result<T>) -> Result<T> {
        match result {
            Err(error) if is_sync_failure(&error) => Err(self.poison(error)),
            result => result,
        }
    }
}

pub(super) fn is_sync_failure(error: &Error) -> bool {
    matches!(
        error,
        Error::Io {
            operation: IoOperation::Sync | IoOperation::SyncDir,
            ..
        }
    )
}
