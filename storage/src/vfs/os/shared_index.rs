//! The wal-index file (`-shm`): mapped, locked by the byte, and emptied by its first user.
//!
//! ```text
//!   bytes 120..128   the eight wal-index locks
//!   byte  128        held shared by everyone who has the file open; whoever finds it free and takes it
//!                    exclusively is the first and empties what a crash may have left
//! ```
#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use memmap2::{MmapOptions, MmapRaw};

use super::range_lock::{LockStyle, Mode, RangeLocks};
use crate::error::{Error, IoOperation, ReadOnlyReason, Result};
use crate::format::wal_index::REGION_SIZE;
use crate::vfs::{SHM_LOCK_COUNT, ShmLock, ShmRegion, sibling};

const FIRST_LOCK_BYTE: u64 = 120;
const USER_BYTE: u64 = FIRST_LOCK_BYTE + SHM_LOCK_COUNT as u64;

/// Allocation unit that a growing file is touched in, so that a full disk is an error now and not a signal later.
const TOUCH_STEP: usize = 4096;

/// This connection's part of a wal-index file.
#[derive(Debug)]
pub(super) struct SharedIndex {
    path: PathBuf,
    regions: Vec<ShmRegion>,
    locks: RangeLocks,
}

impl SharedIndex {
    /// Opens, and creates if need be, the wal-index beside `database`.
    pub(super) fn open(database: &Path, style: LockStyle) -> Result<SharedIndex> {
        let path = sibling(database, "-shm");
        let mode = fs::metadata(database).map_or(0o644, |database| database.mode() & 0o777);
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(mode)
            .custom_flags(libc::O_CLOEXEC | libc::O_NOFOLLOW)
            .open(&path)
            .map_err(|error| cannot_open(&path, error))?;
        let metadata = file
            .metadata()
            .map_err(|error| Error::io(IoOperation::Stat, &path, error))?;
        let mut locks = RangeLocks::new(file, (metadata.dev(), metadata.ino()), style);
        join(&mut locks, &path)?;
        Ok(SharedIndex {
            path,
            regions: Vec::new(),
            locks,
        })
    }

    /// Maps a region, growing the file if `extend`.
    pub(super) fn region(&mut self, region: usize, extend: bool) -> Result<Option<ShmRegion>> {
        while self.regions.len() <= region {
            let next = self.regions.len();
            if !self.reach((next + 1) as u64 * REGION_SIZE as u64, extend)? {
                return Ok(None);
            }
            let mapped = map(self.locks.file(), next)
                .map_err(|error| Error::io(IoOperation::ShmMap, &self.path, error))?;
            self.regions.push(mapped);
        }
        Ok(self.regions.get(region).cloned())
    }

    /// True once the file is `len` bytes long.
    fn reach(&self, len: u64, extend: bool) -> Result<bool> {
        let file = self.locks.file();
        let failed = |error| Error::io(IoOperation::ShmSize, &self.path, error);
        let now = file.metadata().map_err(failed)?.len();
        if now >= len {
            return Ok(true);
        }
        if extend {
            let first = now / TOUCH_STEP as u64;
            for step in first..len / TOUCH_STEP as u64 {
                file.write_all_at(&[0], (step + 1) * TOUCH_STEP as u64 - 1)
                    .map_err(failed)?;
            }
        }
        Ok(extend)
    }

    pub(super) fn lock(&mut self, first: usize, count: usize, kind: ShmLock) -> Result<()> {
        let mode = match kind {
            ShmLock::Shared => Mode::Shared,
            ShmLock::Exclusive => Mode::Exclusive,
        };
        match self.locks.set(mode, FIRST_LOCK_BYTE + first as u64, count as u64) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Busy),
            Err(error) => Err(Error::io(IoOperation::ShmLock, &self.path, error)),
        }
    }

    pub(super) fn unlock(&mut self, first: usize, count: usize) -> Result<()> {
        self.locks
            .clear(FIRST_LOCK_BYTE + first as u64, count as u64)
            .map_err(|error| Error::io(IoOperation::ShmLock, &self.path, error))
    }

    /// Deletes the file. The caller has made sure that it is nobody else's.
    pub(super) fn delete(self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io(IoOperation::Delete, &self.path, error))
            }
            _ => Ok(()),
        }
    }
}

/// Becomes a user of the file; the first one empties it.
fn join(locks: &mut RangeLocks, path: &Path) -> Result<()> {
    let failed = |error| Error::io(IoOperation::ShmLock, path, error);
    if !locks.is_taken(Mode::Exclusive, USER_BYTE, 1).map_err(failed)?
        && locks.set(Mode::Exclusive, USER_BYTE, 1).map_err(failed)?
    {
        // Three bytes, not none, as SQLite does: a length of zero would look like a file that is being created.
        locks
            .file()
            .set_len(3)
            .map_err(|error| Error::io(IoOperation::ShmOpen, path, error))?;
    }
    if locks.set(Mode::Shared, USER_BYTE, 1).map_err(failed)? {
        Ok(())
    } else {
        Err(Error::Busy)
    }
}

fn map(file: &fs::File, region: usize) -> io::Result<ShmRegion> {
    let map: MmapRaw = MmapOptions::new()
        .offset(region as u64 * REGION_SIZE as u64)
        .len(REGION_SIZE)
        .map_raw(file)?;
    let start = NonNull::new(map.as_mut_ptr()).ok_or(io::ErrorKind::OutOfMemory)?;
    // SAFETY: the map is REGION_SIZE bytes from a page border, readable and writable, and lives in the region's owner. Nobody cuts
    // the file while the user byte is held.
    Ok(unsafe { ShmRegion::from_raw(start, Arc::new(map)) })
}

fn cannot_open(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        // Nobody writes there, so a reader can do without.
        io::ErrorKind::ReadOnlyFilesystem => Error::ReadOnly(ReadOnlyReason::CantInit),
        _ => Error::CantOpen {
            path: path.into(),
            source: Some(Arc::new(error)),
        },
    }
}
