//! A file without a name on a simulated machine: its calls fail as a plan says, and nothing of it is recorded.

use std::path::Path;

use bytes::Bytes;

use super::plan::{Call, Fault};
use super::{FaultVfs, failure};
use crate::error::{IoOperation, Result};
use crate::vfs::{File, LockLevel, ShmLock, ShmRegion, SyncKind};

#[derive(Debug)]
pub(super) struct TemporaryFile {
    pub(super) vfs: FaultVfs,
    pub(super) file: Box<dyn File>,
}

impl TemporaryFile {
    fn enter(&self, call: Call, operation: IoOperation) -> Result<Option<Fault>> {
        let mut state = self.vfs.machine.state.lock();
        self.vfs.enter(&mut state, call, self.file.path(), operation)
    }
}

impl File for TemporaryFile {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        let less = self.enter(Call::Read, IoOperation::Read)?;
        let count = self.file.read_at(bytes, offset)?;
        Ok(if less == Some(Fault::ShortRead) {
            count / 2
        } else {
            count
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        if self.enter(Call::Write, IoOperation::Write)? == Some(Fault::ShortWrite) {
            self.file.write_at(&bytes[..bytes.len() / 2], offset)?;
            let full = std::io::ErrorKind::StorageFull;
            return Err(failure(IoOperation::Write, self.file.path(), full));
        }
        self.file.write_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.enter(Call::SetLen, IoOperation::Truncate)?;
        self.file.set_len(len)
    }

    fn len(&self) -> Result<u64> {
        self.enter(Call::Len, IoOperation::Stat)?;
        self.file.len()
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.enter(Call::Sync, IoOperation::Sync)?;
        self.file.sync(kind)
    }

    fn map(&self, len: u64) -> Result<Option<Bytes>> {
        match self.enter(Call::Map, IoOperation::Map)? {
            Some(_) => Ok(None),
            None => self.file.map(len),
        }
    }

    fn is_read_only(&self) -> bool {
        self.file.is_read_only()
    }

    fn has_moved(&self) -> Result<bool> {
        self.file.has_moved()
    }

    fn lock(&mut self, level: LockLevel) -> Result<()> {
        self.file.lock(level)
    }

    fn unlock(&mut self, level: LockLevel) -> Result<()> {
        self.file.unlock(level)
    }

    fn lock_level(&self) -> LockLevel {
        self.file.lock_level()
    }

    fn check_reserved(&self) -> Result<bool> {
        self.file.check_reserved()
    }

    fn shm_map(&mut self, region: usize, extend: bool) -> Result<Option<ShmRegion>> {
        self.file.shm_map(region, extend)
    }

    fn shm_lock(&mut self, first: usize, count: usize, kind: ShmLock) -> Result<()> {
        self.file.shm_lock(first, count, kind)
    }

    fn shm_unlock(&mut self, first: usize, count: usize) -> Result<()> {
        self.file.shm_unlock(first, count)
    }

    fn shm_barrier(&self) {
        self.file.shm_barrier();
    }

    fn shm_unmap(&mut self, delete: bool) -> Result<()> {
        self.file.shm_unmap(delete)
    }
}
