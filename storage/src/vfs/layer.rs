//! Worlds over other worlds: whoever changes a few things about files says these, and all else goes through.
//!
//! ```text
//!   pager ──▶ layer ──▶ world beneath          what a layer does not do itself, its world does
//! ```
//!
//! A type that implements [`LayerVfs`] is a [`Vfs`], and one that implements [`LayerFile`] is a [`File`]. What is missing in a layer cannot be
//! forgotten: a new operation is forwarded here, for all of them.
//!
//! ```
//! use std::path::Path;
//! use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
//!
//! use aludel_storage::vfs::{File, LayerVfs, MemoryVfs, OpenOptions, Vfs};
//!
//! #[derive(Debug)]
//! struct CountsOpening(MemoryVfs, AtomicU32);
//!
//! impl LayerVfs for CountsOpening {
//!     fn world(&self) -> &dyn Vfs {
//!         &self.0
//!     }
//!
//!     fn open(&self, path: &Path, options: &OpenOptions<'_>) -> aludel_storage::Result<Box<dyn File>> {
//!         self.1.fetch_add(1, Ordering::Relaxed);
//!         self.0.open(path, options)
//!     }
//! }
//!
//! let counts = CountsOpening(MemoryVfs::new(), AtomicU32::new(0));
//! let vfs: &dyn Vfs = &counts;
//! let options = OpenOptions { create: true, ..OpenOptions::default() };
//! vfs.open(Path::new("a.db"), &options)?;
//! assert!(vfs.exists(Path::new("a.db"))?);
//! assert_eq!(counts.1.load(Ordering::Relaxed), 1);
//! # Ok::<(), aludel_storage::Error>(())
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;

use super::{File, LockLevel, OpenOptions, ShmLock, ShmRegion, SyncKind, Vfs};
use crate::error::Result;

/// A [`Vfs`] over another. Each method does what that of the world does, unless the layer does it itself; the errors are those of [`Vfs`].
#[allow(
    missing_docs,
    reason = "each is described at the method of `Vfs` with its name"
)]
pub trait LayerVfs: Send + Sync + fmt::Debug {
    /// The world beneath.
    fn world(&self) -> &dyn Vfs;

    /// The world beneath for a path, where it is not the same for all.
    fn world_of(&self, _: &Path) -> &dyn Vfs {
        self.world()
    }

    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Box<dyn File>> {
        self.world_of(path).open(path, options)
    }

    fn open_temporary(&self) -> Result<Box<dyn File>> {
        self.world().open_temporary()
    }

    fn unlink(&self, path: &Path) -> Result<bool> {
        self.world_of(path).unlink(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.world_of(from).rename(from, to)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.world_of(path).exists(path)
    }

    fn sync_dir(&self, folder: &Path) -> Result<()> {
        self.world_of(folder).sync_dir(folder)
    }

    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        self.world_of(path).full_path(path)
    }

    fn now(&self) -> Duration {
        self.world().now()
    }

    fn sleep(&self, duration: Duration) {
        self.world().sleep(duration);
    }

    fn random(&self, bytes: &mut [u8]) {
        self.world().random(bytes);
    }
}

impl<L: LayerVfs> Vfs for L {
    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Box<dyn File>> {
        LayerVfs::open(self, path, options)
    }

    fn open_temporary(&self) -> Result<Box<dyn File>> {
        LayerVfs::open_temporary(self)
    }

    fn unlink(&self, path: &Path) -> Result<bool> {
        LayerVfs::unlink(self, path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        LayerVfs::rename(self, from, to)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        LayerVfs::exists(self, path)
    }

    fn sync_dir(&self, folder: &Path) -> Result<()> {
        LayerVfs::sync_dir(self, folder)
    }

    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        LayerVfs::full_path(self, path)
    }

    fn now(&self) -> Duration {
        LayerVfs::now(self)
    }

    fn sleep(&self, duration: Duration) {
        LayerVfs::sleep(self, duration);
    }

    fn random(&self, bytes: &mut [u8]) {
        LayerVfs::random(self, bytes);
    }
}

/// A [`File`] over another. Each method does what that of the file beneath does, unless the layer does it itself; the errors are those of
/// [`File`].
#[allow(
    missing_docs,
    reason = "each is described at the method of `File` with its name"
)]
pub trait LayerFile: Send + fmt::Debug {
    /// The file beneath.
    fn file(&self) -> &dyn File;

    /// The file beneath, to lock it.
    fn file_mut(&mut self) -> &mut dyn File;

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        self.file().read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file().write_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file().set_len(len)
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.file().sync(kind)
    }

    fn map(&self, len: u64) -> Result<Option<Bytes>> {
        self.file().map(len)
    }
}

impl<L: LayerFile> File for L {
    fn path(&self) -> &Path {
        self.file().path()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        LayerFile::read_at(self, bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        LayerFile::write_at(self, bytes, offset)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        LayerFile::set_len(self, len)
    }

    fn len(&self) -> Result<u64> {
        self.file().len()
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        LayerFile::sync(self, kind)
    }

    fn map(&self, len: u64) -> Result<Option<Bytes>> {
        LayerFile::map(self, len)
    }

    fn is_read_only(&self) -> bool {
        self.file().is_read_only()
    }

    fn has_moved(&self) -> Result<bool> {
        self.file().has_moved()
    }

    fn sector_size(&self) -> u32 {
        self.file().sector_size()
    }

    fn lock(&mut self, level: LockLevel) -> Result<()> {
        self.file_mut().lock(level)
    }

    fn unlock(&mut self, level: LockLevel) -> Result<()> {
        self.file_mut().unlock(level)
    }

    fn lock_level(&self) -> LockLevel {
        self.file().lock_level()
    }

    fn check_reserved(&self) -> Result<bool> {
        self.file().check_reserved()
    }

    fn shm_map(&mut self, region: usize, extend: bool) -> Result<Option<ShmRegion>> {
        self.file_mut().shm_map(region, extend)
    }

    fn shm_lock(&mut self, first: usize, count: usize, kind: ShmLock) -> Result<()> {
        self.file_mut().shm_lock(first, count, kind)
    }

    fn shm_unlock(&mut self, first: usize, count: usize) -> Result<()> {
        self.file_mut().shm_unlock(first, count)
    }

    fn shm_barrier(&self) {
        self.file().shm_barrier();
    }

    fn shm_unmap(&mut self, delete: bool) -> Result<()> {
        self.file_mut().shm_unmap(delete)
    }
}
