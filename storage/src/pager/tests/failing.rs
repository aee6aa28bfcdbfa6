//! A file system whose n-th call fails, once or from then on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::error::{Error, IoOperation, Result};
use crate::vfs::{File, LockLevel, MemoryVfs, OpenOptions, ShmLock, ShmRegion, SyncKind, Vfs};

#[derive(Debug, Clone)]
pub(super) struct FailingVfs {
    pub(super) inner: MemoryVfs,
    plan: Arc<Plan>,
}

#[derive(Debug)]
struct Plan {
    calls: AtomicUsize,
    fail_at: usize,
    for_ever: bool,
}

impl FailingVfs {
    /// Call number `fail_at` (from 0) fails; with `for_ever` all later ones do.
    pub(super) fn new(inner: MemoryVfs, fail_at: usize, for_ever: bool) -> FailingVfs {
        FailingVfs {
            inner,
            plan: Arc::new(Plan {
                calls: AtomicUsize::new(0),
                fail_at,
                for_ever,
            }),
        }
    }

    /// True once a call has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.plan.calls.load(Ordering::Relaxed) > self.plan.fail_at
    }
}

impl Plan {
    fn pass(&self, operation: IoOperation, path: &Path) -> Result<()> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if call == self.fail_at || (self.for_ever && call > self.fail_at) {
            return Err(Error::io(operation, path, std::io::Error::other("injected")));
        }
        Ok(())
    }
}

impl Vfs for FailingVfs {
    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Box<dyn File>> {
        self.plan.pass(IoOperation::Other, path)?;
        let inner = self.inner.open(path, options)?;
        Ok(Box::new(FailingFile {
            inner,
            path: path.to_owned(),
            plan: Arc::clone(&self.plan),
        }))
    }

    fn unlink(&self, path: &Path) -> Result<bool> {
        self.plan.pass(IoOperation::Delete, path)?;
        self.inner.unlink(path)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.plan.pass(IoOperation::Access, path)?;
        self.inner.exists(path)
    }

    fn sync_dir(&self, folder: &Path) -> Result<()> {
        self.plan.pass(IoOperation::SyncDir, folder)?;
        self.inner.sync_dir(folder)
    }

    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        self.inner.full_path(path)
    }

    fn now(&self) -> Duration {
        self.inner.now()
    }

    fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration);
    }

    fn random(&self, bytes: &mut [u8]) {
        self.inner.random(bytes);
    }
}

#[derive(Debug)]
struct FailingFile {
    inner: Box<dyn File>,
    path: PathBuf,
    plan: Arc<Plan>,
}

impl File for FailingFile {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        self.plan.pass(IoOperation::Read, &self.path)?;
        self.inner.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        if let Err(error) = self.plan.pass(IoOperation::Write, &self.path) {
            // A write that fails has been done in part.
            let half = bytes.len() / 2;
            self.inner.write_at(&bytes[..half], offset)?;
            return Err(error);
        }
        self.inner.write_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.plan.pass(IoOperation::Truncate, &self.path)?;
        self.inner.set_len(len)
    }

    fn len(&self) -> Result<u64> {
        self.plan.pass(IoOperation::Stat, &self.path)?;
        self.inner.len()
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.plan.pass(IoOperation::Sync, &self.path)?;
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

    fn lock(&mut self, level: LockLevel) -> Result<()> {
        self.plan.pass(IoOperation::Lock, &self.path)?;
        self.inner.lock(level)
    }

    fn unlock(&mut self, level: LockLevel) -> Result<()> {
        // A lock that is not given back hinders others for ever; the file's end gives it back.
        self.inner.unlock(level)
    }

    fn lock_level(&self) -> LockLevel {
        self.inner.lock_level()
    }

    fn check_reserved(&self) -> Result<bool> {
        self.plan.pass(IoOperation::CheckReserved, &self.path)?;
        self.inner.check_reserved()
    }

    fn shm_map(&mut self, region: usize, extend: bool) -> Result<Option<ShmRegion>> {
        self.plan.pass(IoOperation::ShmMap, &self.path)?;
        self.inner.shm_map(region, extend)
    }

    fn shm_lock(&mut self, first: usize, count: usize, kind: ShmLock) -> Result<()> {
        self.plan.pass(IoOperation::ShmLock, &self.path)?;
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
