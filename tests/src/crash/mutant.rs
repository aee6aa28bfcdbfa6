//! Canaries: engines with one fault each, made by a file system that does not do as it is told. The judge must catch every one.
//!
//! ```text
//!   engine ──▶ mutant: drops, changes or reorders one kind of call ──▶ the simulated machine, which records what really happened
//! ```
//!
//! The engine that ships has no switch for this. A mutant stands for the mistake in the engine that would have made the same calls: a sync that
//! was forgotten, a header field that was not changed, a lock that was not looked at.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aludel_storage::Result;
use aludel_storage::format::journal::{JOURNAL_SUFFIX, SPARE_SUFFIX};
use aludel_storage::format::wal::{FRAME_HEADER_SIZE, Frame, HEADER_SIZE, WalHeader};
use aludel_storage::format::wal_index::BACKFILL_WORD;
use aludel_storage::vfs::{File, LockLevel, OpenOptions, ShmLock, ShmRegion, SyncKind, Vfs, sibling};
use bytes::Bytes;

use super::scenario::{Mode, SyncLevel};
use super::workload::Files;

/// A fault of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// The journal is not synced.
    JournalNotSynced,
    /// The journal is synced once only, after its header says that it is complete.
    JournalSyncedOnce,
    /// The database is written before its journal.
    DatabaseBeforeJournal,
    /// The database is not synced.
    DatabaseNotSynced,
    /// The folder is not synced.
    FolderNotSynced,
    /// The log is not synced at a commit.
    CommitNotSynced,
    /// The log is not synced before a checkpoint copies it.
    BackfillNotSynced,
    /// A log that starts again keeps its salts.
    SaltKept,
    /// Every frame says that a commit ends with it.
    EveryFrameCommits,
    /// The count of copied frames outlives the restart of the log.
    BackfillStale,
    /// The change counter stands still.
    CounterKept,
    /// A journal that somebody left is not looked at.
    HotJournalIgnored,
    /// A super-journal is taken to be there when it is gone.
    SuperJournalForever,
    /// A rollback leaves the file a page longer than it was.
    RollbackTooLong,
    /// A checkpoint does not ask whether readers need the old pages.
    ReadersIgnored,
    /// The file is written without waiting for EXCLUSIVE.
    ExclusiveIgnored,
    /// The count of free pages is one too many.
    FreelistCountOff,
    /// A page of each transaction is not written.
    PageLost,
    /// A journal gets its name before it is synced.
    NamedBeforeSync,
    /// The folder is not synced when the journal has got its name.
    NameNotSynced,
    /// The database is written before the journal gets its name.
    DatabaseBeforeName,
    /// The folder is not synced when the journal has lost its name.
    EndNotSynced,
    /// A journal loses its name before the database is synced.
    EndBeforeDatabase,
    /// A spare journal is written again whoever left it.
    SpareOfStranger,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Mutant; 24] = [
        Mutant::JournalNotSynced,
        Mutant::JournalSyncedOnce,
        Mutant::DatabaseBeforeJournal,
        Mutant::DatabaseNotSynced,
        Mutant::FolderNotSynced,
        Mutant::CommitNotSynced,
        Mutant::BackfillNotSynced,
        Mutant::SaltKept,
        Mutant::EveryFrameCommits,
        Mutant::BackfillStale,
        Mutant::CounterKept,
        Mutant::HotJournalIgnored,
        Mutant::SuperJournalForever,
        Mutant::RollbackTooLong,
        Mutant::ReadersIgnored,
        Mutant::ExclusiveIgnored,
        Mutant::FreelistCountOff,
        Mutant::PageLost,
        Mutant::NamedBeforeSync,
        Mutant::NameNotSynced,
        Mutant::DatabaseBeforeName,
        Mutant::EndNotSynced,
        Mutant::EndBeforeDatabase,
        Mutant::SpareOfStranger,
    ];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Mutant> {
        Mutant::ALL.into_iter().find(|mutant| mutant.to_string() == name)
    }

    /// The modes in which it can show.
    pub fn modes(self) -> &'static [Mode] {
        match self {
            Mutant::CommitNotSynced
            | Mutant::BackfillNotSynced
            | Mutant::SaltKept
            | Mutant::EveryFrameCommits
            | Mutant::BackfillStale
            | Mutant::ReadersIgnored => &[Mode::Wal],
            Mutant::SuperJournalForever => &[Mode::Multi],
            Mutant::NamedBeforeSync
            | Mutant::NameNotSynced
            | Mutant::DatabaseBeforeName
            | Mutant::EndNotSynced
            | Mutant::EndBeforeDatabase
            | Mutant::SpareOfStranger => &[Mode::Delete],
            Mutant::JournalNotSynced | Mutant::JournalSyncedOnce | Mutant::RollbackTooLong => {
                &[Mode::Delete, Mode::Persist]
            }
            _ => &[Mode::Delete, Mode::Truncate],
        }
    }

    /// The sync levels in which it can show.
    pub fn syncs(self) -> Vec<SyncLevel> {
        match self {
            Mutant::CommitNotSynced
            | Mutant::NamedBeforeSync
            | Mutant::NameNotSynced
            | Mutant::DatabaseBeforeName
            | Mutant::EndNotSynced
            | Mutant::EndBeforeDatabase
            | Mutant::SpareOfStranger => vec![SyncLevel::Full, SyncLevel::Extra],
            _ => vec![SyncLevel::Normal, SyncLevel::Full],
        }
    }

    /// Puts the mutant between an engine and its world.
    pub fn wrap(self, below: Arc<dyn Vfs>) -> Arc<dyn Vfs> {
        Arc::new(MutantVfs {
            mutant: self,
            below,
            shared: Arc::default(),
        })
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[derive(Debug)]
struct MutantVfs {
    mutant: Mutant,
    below: Arc<dyn Vfs>,
    shared: Arc<Mutex<Shared>>,
}

/// What the files of one engine know together.
#[derive(Debug, Default)]
struct Shared {
    /// Journal writes that wait until the database is written.
    late: BTreeMap<PathBuf, Vec<(u64, Vec<u8>)>>,
    /// New names that wait until the database is written or synced.
    late_name: Option<(PathBuf, PathBuf)>,
    /// The next sync of a folder is left out.
    folder_not_synced: bool,
    /// The engine holds the checkpointer's lock.
    checkpoints: bool,
    /// How often a super-journal was asked for.
    claims: u32,
}

fn ends_with(path: &Path, suffix: &str) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(suffix.as_bytes())
}

fn is_super(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().contains("-mj"))
}

impl Vfs for MutantVfs {
    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Box<dyn File>> {
        Ok(Box::new(MutantFile {
            mutant: self.mutant,
            below: self.below.open(path, options)?,
            vfs: Arc::clone(&self.below),
            path: path.to_owned(),
            shared: Arc::clone(&self.shared),
            level: LockLevel::None,
            shm: None,
        }))
    }

    fn open_temporary(&self) -> Result<Box<dyn File>> {
        self.below.open_temporary()
    }

    fn unlink(&self, path: &Path) -> Result<bool> {
        if self.mutant == Mutant::SpareOfStranger && ends_with(path, SPARE_SUFFIX) {
            return Ok(false);
        }
        self.below.unlink(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = ends_with(to, SPARE_SUFFIX);
        match self.mutant {
            Mutant::NameNotSynced if !ends => shared.folder_not_synced = true,
            Mutant::EndNotSynced if ends => shared.folder_not_synced = true,
            Mutant::DatabaseBeforeName if !ends => {
                shared.late_name = Some((from.to_owned(), to.to_owned()));
                return Ok(());
            }
            // It has happened already.
            Mutant::EndBeforeDatabase if ends => return Ok(()),
            _ => {}
        }
        self.below.rename(from, to)?;
        if self.mutant == Mutant::NamedBeforeSync && !ends {
            let journal = self.below.open(to, &OpenOptions::default())?;
            journal.sync(SyncKind::Data)?;
        }
        Ok(())
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        match self.mutant {
            Mutant::HotJournalIgnored if ends_with(path, JOURNAL_SUFFIX) => Ok(false),
            Mutant::SuperJournalForever if is_super(path) => self.is_named(path),
            _ => self.below.exists(path),
        }
    }

    fn sync_dir(&self, folder: &Path) -> Result<()> {
        if self.mutant == Mutant::FolderNotSynced {
            return Ok(());
        }
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut shared.folder_not_synced) {
            return Ok(());
        }
        self.below.sync_dir(folder)
    }

    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        self.below.full_path(path)
    }

    fn now(&self) -> Duration {
        self.below.now()
    }

    fn sleep(&self, duration: Duration) {
        self.below.sleep(duration);
    }

    fn random(&self, bytes: &mut [u8]) {
        self.below.random(bytes);
    }
}

impl MutantVfs {
    /// True if there is a journal that may name this super-journal: it is asked for before it is written as well.
    fn is_named(&self, super_journal: &Path) -> Result<bool> {
        let files = Files::within(super_journal.parent().unwrap_or(Path::new("")));
        let mut there = self.below.exists(super_journal)?;
        for database in [files.main, files.two] {
            there |= self.below.exists(&sibling(&database, JOURNAL_SUFFIX))?;
        }
        // The engine looks for a name that is free: it has to find one in the end.
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.claims += 1;
        Ok(there && !shared.claims.is_multiple_of(4))
    }
}

#[derive(Debug)]
struct MutantFile {
    mutant: Mutant,
    below: Box<dyn File>,
    vfs: Arc<dyn Vfs>,
    path: PathBuf,
    shared: Arc<Mutex<Shared>>,
    /// What the engine believes to hold.
    level: LockLevel,
    shm: Option<ShmRegion>,
}

impl MutantFile {
    /// A journal, by its own name or as spare file.
    fn is_journal(&self) -> bool {
        ends_with(&self.path, JOURNAL_SUFFIX) || self.is_spare()
    }

    fn is_spare(&self) -> bool {
        ends_with(&self.path, SPARE_SUFFIX)
    }

    fn is_log(&self) -> bool {
        ends_with(&self.path, "-wal")
    }

    fn is_database(&self) -> bool {
        !self.is_journal() && !self.is_log() && !is_super(&self.path)
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_database(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let mut bytes = bytes.to_vec();
        if offset == 0 && bytes.len() >= 100 {
            let mut old = [0; 100];
            let there = self.below.read_at(&mut old, 0)?;
            match self.mutant {
                Mutant::CounterKept if there == 100 => {
                    bytes[24..28].copy_from_slice(&old[24..28]);
                    bytes[92..96].copy_from_slice(&old[24..28]);
                }
                Mutant::FreelistCountOff => bytes[39] = bytes[39].wrapping_add(1),
                _ => {}
            }
        }
        if self.mutant == Mutant::PageLost && offset > 0 && self.level == LockLevel::Exclusive {
            return Ok(());
        }
        self.below.write_at(&bytes, offset)?;
        if self.mutant == Mutant::DatabaseBeforeJournal {
            self.write_late_journal()?;
        }
        let late_name = self.shared().late_name.take();
        if let Some((from, to)) = late_name {
            self.vfs.rename(&from, &to)?;
            self.vfs.sync_dir(to.parent().unwrap_or(Path::new("")))?;
        }
        Ok(())
    }

    fn write_late_journal(&self) -> Result<()> {
        let path = sibling(&self.path, JOURNAL_SUFFIX);
        let Some(writes) = self.shared().late.remove(&path) else {
            return Ok(());
        };
        let journal = self.vfs.open(&path, &OpenOptions::default())?;
        for (offset, bytes) in writes {
            journal.write_at(&bytes, offset)?;
        }
        journal.sync(SyncKind::Data)
    }

    /// Writes to the log with other salts or commit marks, and checksums to match.
    fn write_log(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let mut old = [0; HEADER_SIZE];
        let there = self.below.read_at(&mut old, 0)? == HEADER_SIZE;
        let old = if there { WalHeader::decode(&old)? } else { None };
        if offset == 0 {
            let mut header = match bytes.first_chunk().map(WalHeader::decode) {
                Some(Ok(Some((header, _)))) => header,
                _ => return self.below.write_at(bytes, offset),
            };
            if let Some((old, _)) = old
                && self.mutant == Mutant::SaltKept
            {
                header.salt = old.salt;
            }
            return self.below.write_at(&header.encode().0, 0);
        }
        let Some((header, mut checksum)) = old else {
            return self.below.write_at(bytes, offset);
        };
        let frame_size = header.page_size as usize + FRAME_HEADER_SIZE;
        if offset > HEADER_SIZE as u64 {
            let mut last = [0; FRAME_HEADER_SIZE];
            self.below.read_at(&mut last, offset - frame_size as u64)?;
            let word = |at: usize| u32::from_be_bytes([last[at], last[at + 1], last[at + 2], last[at + 3]]);
            checksum = [word(16), word(20)];
        }
        let mut out = Vec::with_capacity(bytes.len());
        for frame in bytes.chunks_exact(frame_size) {
            let (head, page) = frame.split_at(FRAME_HEADER_SIZE);
            let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
            let Some(number) = aludel_storage::format::PageNo::new(word(0)) else {
                continue;
            };
            let commit_size = match self.mutant {
                Mutant::EveryFrameCommits => word(4).max(number.get()),
                _ => word(4),
            };
            let frame = Frame {
                page: number,
                commit_size,
            };
            out.extend_from_slice(&frame.encode(page, header.order, header.salt, &mut checksum));
            out.extend_from_slice(page);
        }
        self.below.write_at(&out, offset)
    }
}

impl File for MutantFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        self.below.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        match self.mutant {
            Mutant::DatabaseBeforeJournal if self.is_journal() && bytes.len() > 28 => {
                let mut shared = self.shared();
                let late = shared.late.entry(self.path.clone()).or_default();
                late.push((offset, bytes.to_vec()));
                Ok(())
            }
            Mutant::DatabaseBeforeJournal if self.is_journal() && bytes.len() == 12 => {
                let mut shared = self.shared();
                let late = shared.late.entry(self.path.clone()).or_default();
                late.push((offset, bytes.to_vec()));
                Ok(())
            }
            Mutant::SaltKept | Mutant::EveryFrameCommits if self.is_log() => self.write_log(bytes, offset),
            _ if self.is_database() => self.write_database(bytes, offset),
            _ => self.below.write_at(bytes, offset),
        }
    }

    fn set_len(&self, len: u64) -> Result<()> {
        // A file that gets shorter while its journal is there is being put back.
        if self.mutant == Mutant::RollbackTooLong && self.is_database() && len > 0 {
            return self.below.set_len(len + 512);
        }
        self.below.set_len(len)
    }

    fn len(&self) -> Result<u64> {
        self.below.len()
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        let left_out = match self.mutant {
            Mutant::JournalNotSynced => self.is_journal(),
            Mutant::JournalSyncedOnce => {
                let mut first = [0];
                self.is_journal() && self.below.read_at(&mut first, 0)? == 1 && first[0] == 0
            }
            Mutant::NamedBeforeSync => self.is_spare(),
            Mutant::DatabaseNotSynced => self.is_database(),
            Mutant::CommitNotSynced => self.is_log() && !self.shared().checkpoints,
            Mutant::BackfillNotSynced => self.is_log() && self.shared().checkpoints,
            _ => false,
        };
        if self.mutant == Mutant::EndBeforeDatabase && self.is_database() {
            let (journal, spare) = (
                sibling(&self.path, JOURNAL_SUFFIX),
                sibling(&self.path, SPARE_SUFFIX),
            );
            if self.vfs.exists(&journal)? {
                self.vfs.rename(&journal, &spare)?;
            }
        }
        if left_out { Ok(()) } else { self.below.sync(kind) }
    }

    fn map(&self, len: u64) -> Result<Option<Bytes>> {
        self.below.map(len)
    }

    fn is_read_only(&self) -> bool {
        self.below.is_read_only()
    }

    fn has_moved(&self) -> Result<bool> {
        self.below.has_moved()
    }

    fn sector_size(&self) -> u32 {
        self.below.sector_size()
    }

    fn lock(&mut self, level: LockLevel) -> Result<()> {
        if self.mutant == Mutant::ExclusiveIgnored && level == LockLevel::Exclusive {
            self.level = level;
            return Ok(());
        }
        self.below.lock(level)?;
        self.level = self.below.lock_level();
        Ok(())
    }

    fn unlock(&mut self, level: LockLevel) -> Result<()> {
        self.level = self.level.min(level);
        self.below.unlock(level)
    }

    fn lock_level(&self) -> LockLevel {
        self.level.max(self.below.lock_level())
    }

    fn check_reserved(&self) -> Result<bool> {
        self.below.check_reserved()
    }

    fn shm_map(&mut self, region: usize, extend: bool) -> Result<Option<ShmRegion>> {
        let mapped = self.below.shm_map(region, extend)?;
        if region == 0 {
            self.shm.clone_from(&mapped);
        }
        Ok(mapped)
    }

    fn shm_lock(&mut self, first: usize, count: usize, kind: ShmLock) -> Result<()> {
        let alone = kind == ShmLock::Exclusive;
        if alone && first == 1 && count == 1 {
            self.shared().checkpoints = true;
        }
        let of_readers = first >= 4;
        if self.mutant == Mutant::ReadersIgnored && self.shared().checkpoints && alone && of_readers {
            return Ok(());
        }
        self.below.shm_lock(first, count, kind)
    }

    fn shm_unlock(&mut self, first: usize, count: usize) -> Result<()> {
        if first <= 1 && first + count > 1 {
            self.shared().checkpoints = false;
        }
        self.below.shm_unlock(first, count)
    }

    fn shm_barrier(&self) {
        self.below.shm_barrier();
        // The header of the log that starts again is published between two barriers; the count is cleared after it.
        if self.mutant == Mutant::BackfillStale
            && let Some(shm) = &self.shm
            && shm.word(BACKFILL_WORD).load(Ordering::Relaxed) == 0
            && shm.word(4).load(Ordering::Relaxed) > 1
        {
            shm.word(BACKFILL_WORD).store(1, Ordering::Relaxed);
        }
    }

    fn shm_unmap(&mut self, delete: bool) -> Result<()> {
        self.shm = None;
        self.below.shm_unmap(delete)
    }
}
