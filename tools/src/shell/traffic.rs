//! What a statement asked of the disk: the world of files, with a count of what goes through.
//!
//! The shell's connections read pages by calls and not through a memory map, so that a page that comes from the file is one read, and a
//! page that is still in the cache is none.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aludel_storage::Result;
use aludel_storage::vfs::{File, LockLevel, OpenOptions, ShmLock, ShmRegion, SyncKind, Vfs};
use bytes::Bytes;

/// What was counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) reads: u64,
    pub(crate) bytes_read: u64,
    pub(crate) writes: u64,
    pub(crate) bytes_written: u64,
    pub(crate) syncs: u64,
}

#[derive(Debug, Default)]
struct Counters {
    reads: AtomicU64,
    bytes_read: AtomicU64,
    writes: AtomicU64,
    bytes_written: AtomicU64,
    syncs: AtomicU64,
}

/// Files that are counted.
#[derive(Debug)]
pub(crate) struct Traffic {
    world: Arc<dyn Vfs>,
    counters: Arc<Counters>,
}

impl Traffic {
    /// Counts what goes through to `world`.
    pub(crate) fn over(world: Arc<dyn Vfs>) -> Arc<Traffic> {
        Arc::new(Traffic {
            world,
            counters: Arc::default(),
        })
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            reads: of(&self.counters.reads),
            bytes_read: of(&self.counters.bytes_read),
            writes: of(&self.counters.writes),
            bytes_written: of(&self.counters.bytes_written),
            syncs: of(&self.counters.syncs),
        }
    }

    fn counted(&self, inner: Box<dyn File>) -> Box<dyn File> {
        Box::new(Counted {
            inner,
            counters: Arc::clone(&self.counters),
        })
    }
}

impl Counts {
    /// What was added since `earlier`.
    pub(crate) fn since(self, earlier: Counts) -> Counts {
        Counts {
            reads: self.reads - earlier.reads,
            bytes_read: self.bytes_read - earlier.bytes_read,
            writes: self.writes - earlier.writes,
            bytes_written: self.bytes_written - earlier.bytes_written,
            syncs: self.syncs - earlier.syncs,
        }
    }
}

impl Vfs for Traffic {
    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Box<dyn File>> {
        Ok(self.counted(self.world.open(path, options)?))
    }

    fn open_temporary(&self) -> Result<Box<dyn File>> {
        Ok(self.counted(self.world.open_temporary()?))
    }

    fn unlink(&self, path: &Path) -> Result<bool> {
        self.world.unlink(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.world.rename(from, to)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.world.exists(path)
    }

    fn sync_dir(&self, folder: &Path) -> Result<()> {
        self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        self.world.sync_dir(folder)
    }

    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        self.world.full_path(path)
    }

    fn now(&self) -> Duration {
        self.world.now()
    }

    fn sleep(&self, duration: Duration) {
        self.world.sleep(duration);
    }

    fn random(&self, bytes: &mut [u8]) {
        self.world.random(bytes);
    }
}

#[derive(Debug)]
struct Counted {
    inner: Box<dyn File>,
    counters: Arc<Counters>,
}

impl File for Counted {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        let count = self.inner.read_at(bytes, offset)?;
        self.counters.reads.fetch_add(1, Ordering::Relaxed);
        self.counters
            .bytes_read
            .fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.counters.writes.fetch_add(1, Ordering::Relaxed);
        self.counters
            .bytes_written
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.inner.write_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.inner.set_len(len)
    }

    fn len(&self) -> Result<u64> {
        self.inner.len()
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        self.inner.sync(kind)
    }

    fn map(&self, len: u64) -> Result<Option<Bytes>> {
        self.inner.map(len)
    }

    fn is_read_only(&self) -> bool {
        self.inner.is_read_only()
    }

    fn has_moved(&self) -> Result<bool> {
        self.inner.has_moved()
    }

    fn sector_size(&self) -> u32 {
        self.inner.sector_size()
    }

    fn lock(&mut self, level: LockLevel) -> Result<()> {
        self.inner.lock(level)
    }

    fn unlock(&mut self, level: LockLevel) -> Result<()> {
        self.inner.unlock(level)
    }

    fn lock_level(&self) -> LockLevel {
        self.inner.lock_level()
    }

    fn check_reserved(&self) -> Result<bool> {
        self.inner.check_reserved()
    }

    fn shm_map(&mut self, region: usize, extend: bool) -> Result<Option<ShmRegion>> {
        self.inner.shm_map(region, extend)
    }

    fn shm_lock(&mut self, first: usize, count: usize, kind: ShmLock) -> Result<()> {
        self.inner.shm_lock(first, count, kind)
    }

    fn shm_unlock(&mut self, first: usize, count: usize) -> Result<()> {
        self.inner.shm_unlock(first, count)
    }

    fn shm_barrier(&self) {
        self.inner.shm_barrier();
    }

    fn shm_unmap(&mut self, delete: bool) -> Result<()> {
        self.inner.shm_unmap(delete)
    }
}
