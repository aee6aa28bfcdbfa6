//! Floor 1: the world. Files, locks, shared memory, time and randomness come through these two traits and no other way.
//!
//! ```text
//!   Vfs    open, open_temporary, unlink, rename, exists, sync_dir, full_path | now, sleep, random
//!   File   read_at, write_at, set_len, len, sync | map | lock, unlock, check_reserved | shm_map, shm_lock, shm_barrier, shm_unmap
//! ```
//!
//! Two implementations: [`OsVfs`] over the operating system and [`MemoryVfs`], a small file system in memory whose files
//! several pagers of one process share, with the same lock rules. [`fault`] puts a simulated machine over either, for tests;
//! [`LayerVfs`] is for whoever else has something to say between the two.
//!
//! # Locks of the database file (lockingv3)
//!
//! ```text
//!   None ──▶ Shared ──▶ Reserved ──▶ (Pending) ──▶ Exclusive
//!
//!   0x40000000 PENDING byte | 0x40000001 RESERVED byte | 0x40000002 .. +510 SHARED range
//! ```
//!
//! Many hold Shared; one of them may hold Reserved beside it; Exclusive stands alone. Pending is passed through on the way to
//! Exclusive and keeps new readers out.

pub mod fault;
mod layer;
#[cfg(test)]
mod lock_tests;
mod memory;
#[cfg(unix)]
mod os;
mod shm;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;

pub use layer::{LayerFile, LayerVfs};
pub use memory::{MemoryImage, MemoryVfs};
#[cfg(unix)]
pub use os::{
    LockStyle, OsVfs, PENDING_BYTE, RESERVED_BYTE, ReadOnlyFile, SHARED_FIRST, SHARED_SIZE, SHM_READ_BYTE,
    SHM_USE_BYTE, SHM_WRITE_BYTE,
};
pub use shm::ShmRegion;

use crate::error::{Error, IoOperation, Result};

/// A place where files are.
pub trait Vfs: Send + Sync + fmt::Debug {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::CantOpen`].
    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Box<dyn File>>;

    /// A new empty file that nobody else sees and that is gone when it is closed, for what does not fit into memory.
    ///
    /// # Errors
    /// [`Error::CantOpen`].
    fn open_temporary(&self) -> Result<Box<dyn File>>;

    /// Deletes a file; `false` if there was none.
    fn unlink(&self, path: &Path) -> Result<bool>;

    /// Gives a file another name in its folder, in place of a file that has it already. Others see the old name or the new one, never both or
    /// none; a crash leaves one of them as well, the new one for sure after [`Vfs::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// True if there is a file of this name.
    fn exists(&self, path: &Path) -> Result<bool>;

    /// Makes the folder's list of names durable.
    fn sync_dir(&self, folder: &Path) -> Result<()>;

    /// The one name of a file: absolute, links resolved. Journals are named after it, so all connections must agree.
    fn full_path(&self, path: &Path) -> Result<PathBuf>;

    /// Time since 1970.
    fn now(&self) -> Duration;

    /// Waits.
    fn sleep(&self, duration: Duration);

    /// Fills `bytes` with random bytes (salts, nonces, names; no secrets).
    fn random(&self, bytes: &mut [u8]);
}

/// How [`Vfs::open`] opens a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions<'a> {
    /// Open for reading only.
    pub read_only: bool,
    /// Create the file if there is none.
    pub create: bool,
    /// Fall back to reading only when writing is not permitted.
    pub read_only_fallback: bool,
    /// A created file gets the permissions of this one.
    pub permissions_of: Option<&'a Path>,
}

/// What a sync must make durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncKind {
    /// The bytes and the length.
    Data,
    /// And all else that the file system knows of the file.
    Full,
}

/// The lock levels of a database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockLevel {
    /// None.
    None,
    /// Reads.
    Shared,
    /// Reads, and will write.
    Reserved,
    /// Waits for the readers to leave; no new ones come.
    Pending,
    /// Writes, alone.
    Exclusive,
}

/// The two ways to hold a wal-index lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShmLock {
    /// With others.
    Shared,
    /// Alone.
    Exclusive,
}

/// Number of wal-index locks.
pub const SHM_LOCK_COUNT: usize = 8;

/// An open file. Closing (dropping) it gives back its locks and its part of the wal-index.
pub trait File: Send + fmt::Debug {
    /// The name under which it was opened.
    fn path(&self) -> &Path;

    /// Reads at `offset`; fewer bytes than asked only at the end of the file.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize>;

    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()>;

    /// Cuts or lengthens the file.
    fn set_len(&self, len: u64) -> Result<()>;

    /// Length in bytes.
    fn len(&self) -> Result<u64>;

    /// True for an empty file.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Makes what was written durable. After an error nothing is known about what was written since the last success.
    fn sync(&self, kind: SyncKind) -> Result<()>;

    /// A view of the first `len` bytes that follows the file's changes, or `None` if this file cannot be mapped. The view may
    /// reach past the end of the file; whoever reads there without having checked the length is stopped by the system.
    fn map(&self, len: u64) -> Result<Option<Bytes>>;

    /// True if the file was opened for reading only (see [`OpenOptions::read_only_fallback`]).
    fn is_read_only(&self) -> bool;

    /// True if the file no longer is where it was opened: writing to it would be lost.
    fn has_moved(&self) -> Result<bool>;

    /// Smallest unit that a torn write leaves whole. Journal headers are padded to it.
    fn sector_size(&self) -> u32 {
        512
    }

    /// Raises the lock to `level`, which is not [`LockLevel::Pending`] (that is a stop on the way to `Exclusive`: an attempt
    /// that ends with `Busy` may leave it held).
    ///
    /// # Errors
    /// [`Error::Busy`] when another connection is in the way.
    fn lock(&mut self, level: LockLevel) -> Result<()>;

    /// Lowers the lock to `Shared` or `None`.
    fn unlock(&mut self, level: LockLevel) -> Result<()>;

    /// The lock level held now.
    fn lock_level(&self) -> LockLevel;

    /// True if any connection holds Reserved or more.
    fn check_reserved(&self) -> Result<bool>;

    /// A region of the wal-index, 32 KiB. `None` if it does not exist and `extend` is false. Opens the wal-index at first use; a
    /// wal-index that nobody else has open starts as zeros.
    ///
    /// # Errors
    /// [`Error::ReadOnly`] with `CantInit` if the medium is read-only: then no other connection can
    /// write either, and the caller can keep an index of its own.
    fn shm_map(&mut self, region: usize, extend: bool) -> Result<Option<ShmRegion>>;

    /// Takes `count` wal-index locks from `first` on, all or none, without waiting.
    ///
    /// # Errors
    /// [`Error::Busy`].
    fn shm_lock(&mut self, first: usize, count: usize, kind: ShmLock) -> Result<()>;

    /// Gives back wal-index locks.
    fn shm_unlock(&mut self, first: usize, count: usize) -> Result<()>;

    /// Orders all accesses to the wal-index before it and after it.
    fn shm_barrier(&self);

    /// Leaves the wal-index; deletes it if asked. The caller then holds the Exclusive lock.
    fn shm_unmap(&mut self, delete: bool) -> Result<()>;
}

/// Reads at `offset`; fewer bytes than asked only if the file really ends there. A disk that returns less than it has must not pass for
/// a file that ends: a journal would be played back in part, a page be filled up with zeros.
///
/// # Errors
/// Those of [`File::read_at`]; [`IoOperation::ShortRead`].
pub(crate) fn read_whole(file: &dyn File, bytes: &mut [u8], offset: u64) -> Result<usize> {
    // Once more, because the file may have grown since.
    for _ in 0..2 {
        let count = file.read_at(bytes, offset)?;
        if count == bytes.len() || file.len()? <= offset + count as u64 {
            return Ok(count);
        }
    }
    let short = io::ErrorKind::UnexpectedEof.into();
    Err(Error::io(IoOperation::ShortRead, file.path(), short))
}

/// The name beside a database: its path with `suffix` appended.
pub fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Bytes that are gathered before a write.
pub(crate) const WRITE_CHUNK: usize = 1 << 17;
