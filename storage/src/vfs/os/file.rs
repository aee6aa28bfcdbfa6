//! One open file of the operating system, with SQLite's lock levels over its lock bytes.
#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use bytes::Bytes;

use super::look::{PENDING_BYTE, RESERVED_BYTE, SHARED_FIRST, SHARED_SIZE};
use super::range_lock::{LockStyle, Mode, RangeLocks};
use super::shared_index::SharedIndex;
use crate::error::{Error, IoOperation, Result};
use crate::vfs::{File, LockLevel, ShmLock, ShmRegion, SyncKind};

/// An open file.
#[derive(Debug)]
pub(super) struct OsFile {
    path: Arc<Path>,
    read_only: bool,
    /// Device and inode: the file's identity while names change.
    identity: (u64, u64),
    level: LockLevel,
    lock_style: LockStyle,
    shm: Option<SharedIndex>,
    locks: RangeLocks,
}

impl OsFile {
    pub(super) fn new(
        file: fs::File,
        path: &Path,
        read_only: bool,
        metadata: &fs::Metadata,
        lock_style: LockStyle,
    ) -> OsFile {
        let identity = (metadata.dev(), metadata.ino());
        OsFile {
            path: path.into(),
            read_only,
            identity,
            level: LockLevel::None,
            lock_style,
            shm: None,
            locks: RangeLocks::new(file, identity, lock_style),
        }
    }

    fn file(&self) -> &fs::File {
        self.locks.file()
    }

    fn failed(&self, operation: IoOperation) -> impl Fn(io::Error) -> Error + '_ {
        move |error| Error::io(operation, &self.path, error)
    }

    /// Takes a byte-range lock or says who cannot have it.
    fn take(&mut self, mode: Mode, start: u64, len: u64) -> Result<()> {
        let operation = if mode == Mode::Shared {
            IoOperation::ReadLock
        } else {
            IoOperation::Lock
        };
        match self.locks.set(mode, start, len) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Busy),
            Err(error) => Err(Error::io(operation, &self.path, error)),
        }
    }

    fn lock_shared(&mut self) -> Result<()> {
        // Looking at PENDING is for fairness to a waiting writer only. Correctness needs the SHARED range alone, so nothing is
        // lost if a writer comes between the two calls: it waits for us as for any reader.
        if self
            .locks
            .is_taken(Mode::Shared, PENDING_BYTE, 1)
            .map_err(self.failed(IoOperation::ReadLock))?
        {
            return Err(Error::Busy);
        }
        self.take(Mode::Shared, SHARED_FIRST, SHARED_SIZE)?;
        self.level = LockLevel::Shared;
        Ok(())
    }

    fn lock_exclusive(&mut self, level: LockLevel) -> Result<()> {
        // A hot journal is rolled back from Shared straight to Exclusive: whoever fails there must not keep readers out.
        if self.level == LockLevel::Reserved {
            self.take(Mode::Exclusive, PENDING_BYTE, 1)?;
            self.level = LockLevel::Pending;
        }
        if level == LockLevel::Exclusive {
            self.take(Mode::Exclusive, SHARED_FIRST, SHARED_SIZE)?;
            self.level = LockLevel::Exclusive;
        }
        Ok(())
    }
}

impl File for OsFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        let mut done = 0;
        while done < bytes.len() {
            match self.file().read_at(&mut bytes[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(IoOperation::Read)(error)),
            }
        }
        Ok(done)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file()
            .write_all_at(bytes, offset)
            .map_err(self.failed(IoOperation::Write))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file()
            .set_len(len)
            .map_err(self.failed(IoOperation::Truncate))
    }

    fn len(&self) -> Result<u64> {
        let metadata = self.file().metadata();
        let len = metadata.map_err(self.failed(IoOperation::Stat))?.len();
        // One byte is how SQLite has marked files of no content on some systems: to it, and so to us, such a file is empty.
        Ok(if len == 1 { 0 } else { len })
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        match kind {
            SyncKind::Data => self.file().sync_data(),
            SyncKind::Full => self.file().sync_all(),
        }
        .map_err(self.failed(IoOperation::Sync))
    }

    fn map(&self, len: u64) -> Result<Option<Bytes>> {
        let Ok(len) = usize::try_from(len) else {
            return Ok(None);
        };
        // SAFETY: other connections change the file under the map. The locking protocol keeps the pages of a snapshot as they
        // are while its locks are held, and the pager looks at the map only then and never past the file's length.
        match unsafe { memmap2::MmapOptions::new().len(len).map(self.file()) } {
            Ok(map) => Ok(Some(Bytes::from_owner(map))),
            // No room in the address space, or a file that cannot be mapped: reading works without.
            Err(_) => Ok(None),
        }
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn has_moved(&self) -> Result<bool> {
        match fs::metadata(&self.path) {
            Ok(now) => Ok((now.dev(), now.ino()) != self.identity),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(self.failed(IoOperation::Stat)(error)),
        }
    }

    fn lock(&mut self, level: LockLevel) -> Result<()> {
        if level <= self.level {
            return Ok(());
        }
        match level {
            LockLevel::None => Ok(()),
            LockLevel::Shared => self.lock_shared(),
            LockLevel::Reserved => {
                self.take(Mode::Exclusive, RESERVED_BYTE, 1)?;
                self.level = LockLevel::Reserved;
                Ok(())
            }
            LockLevel::Pending | LockLevel::Exclusive => self.lock_exclusive(level),
        }
    }

    fn unlock(&mut self, level: LockLevel) -> Result<()> {
        if level >= self.level {
            return Ok(());
        }
        if level == LockLevel::Shared {
            if self.level == LockLevel::Exclusive {
                self.locks
                    .set(Mode::Shared, SHARED_FIRST, SHARED_SIZE)
                    .map_err(self.failed(IoOperation::ReadLock))?;
            }
            self.locks
                .clear(PENDING_BYTE, 2)
                .map_err(self.failed(IoOperation::Unlock))?;
            self.level = LockLevel::Shared;
        } else {
            let len = SHARED_FIRST + SHARED_SIZE - PENDING_BYTE;
            self.locks
                .clear(PENDING_BYTE, len)
                .map_err(self.failed(IoOperation::Unlock))?;
            self.level = LockLevel::None;
        }
        Ok(())
    }

    fn lock_level(&self) -> LockLevel {
        self.level
    }

    fn check_reserved(&self) -> Result<bool> {
        if self.level >= LockLevel::Reserved {
            return Ok(true);
        }
        // Asked with a shared lock's eyes: what is there must be somebody's RESERVED.
        self.locks
            .is_taken(Mode::Shared, RESERVED_BYTE, 1)
            .map_err(self.failed(IoOperation::CheckReserved))
    }

    fn shm_map(&mut self, region: usize, extend: bool) -> Result<Option<ShmRegion>> {
        let shm = match &mut self.shm {
            Some(shm) => shm,
            None => self.shm.insert(SharedIndex::open(&self.path, self.lock_style)?),
        };
        shm.region(region, extend)
    }

    fn shm_lock(&mut self, first: usize, count: usize, kind: ShmLock) -> Result<()> {
        match &mut self.shm {
            Some(shm) => shm.lock(first, count, kind),
            None => Err(Error::Misuse("the wal-index is not open")),
        }
    }

    fn shm_unlock(&mut self, first: usize, count: usize) -> Result<()> {
        match &mut self.shm {
            Some(shm) => shm.unlock(first, count),
            None => Ok(()),
        }
    }

    fn shm_barrier(&self) {
        fence(Ordering::SeqCst);
    }

    fn shm_unmap(&mut self, delete: bool) -> Result<()> {
        match self.shm.take() {
            Some(shm) if delete => shm.delete(),
            _ => Ok(()),
        }
    }
}
