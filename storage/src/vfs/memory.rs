//! A file system in memory, shared by all who hold a clone of it, with the lock rules of the real one.
//!
//! For tests of everything that needs more than one connection or a crash ([`MemoryVfs::image`] is what a killed process
//! leaves behind), and for databases that live in memory and are shared between connections.
//!
//! Locks: the same as in the operating system's implementation, kept in a table beside each file's bytes. A wal-index that
//! nobody has open any more is forgotten, as a machine's crash would do.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::Mutex;

use super::{File, LockLevel, OpenOptions, SHM_LOCK_COUNT, ShmLock, ShmRegion, SyncKind, Vfs};
use crate::error::{Error, IoOperation, ReadOnlyReason, Result};

/// A file system in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryVfs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    files: Mutex<BTreeMap<PathBuf, Arc<Mutex<Inode>>>>,
    next_handle: AtomicU64,
    read_only: AtomicBool,
    file_len_max: AtomicU64,
    random: AtomicU64,
}

impl Default for Shared {
    fn default() -> Shared {
        Shared {
            files: Mutex::default(),
            next_handle: AtomicU64::new(0),
            read_only: AtomicBool::new(false),
            file_len_max: AtomicU64::new(u64::MAX),
            random: AtomicU64::new(0),
        }
    }
}

#[derive(Debug, Default)]
struct Inode {
    bytes: Vec<u8>,
    locks: DatabaseLocks,
    shm: Shm,
    unlinked: bool,
}

/// Who holds which lock, by handle.
#[derive(Debug, Default)]
struct DatabaseLocks {
    shared: Vec<u64>,
    reserved: Option<u64>,
    pending: Option<u64>,
    exclusive: Option<u64>,
}

#[derive(Debug, Default)]
struct Shm {
    users: Vec<u64>,
    regions: Vec<ShmRegion>,
    locks: [ShmLockState; SHM_LOCK_COUNT],
}

#[derive(Debug, Default)]
struct ShmLockState {
    exclusive: Option<u64>,
    shared: Vec<u64>,
}

/// The files of a [`MemoryVfs`] at one moment, without locks and wal-index: what processes that die leave behind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryImage {
    /// Bytes of each file.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

impl MemoryVfs {
    /// An empty file system.
    pub fn new() -> MemoryVfs {
        MemoryVfs::default()
    }

    /// A file system with these files.
    pub fn from_image(image: &MemoryImage) -> MemoryVfs {
        let vfs = MemoryVfs::new();
        for (path, bytes) in &image.files {
            let inode = Inode {
                bytes: bytes.clone(),
                ..Inode::default()
            };
            vfs.shared
                .files
                .lock()
                .insert(path.clone(), Arc::new(Mutex::new(inode)));
        }
        vfs
    }

    /// Makes this a medium that cannot be written, or one that can. Files that are open for writing stay so.
    pub fn set_read_only(&self, read_only: bool) {
        self.shared.read_only.store(read_only, Ordering::Relaxed);
    }

    /// No file grows past this length: an attempt finds the medium full.
    pub fn set_file_len_max(&self, len: u64) {
        self.shared.file_len_max.store(len, Ordering::Relaxed);
    }

    /// A copy of all files as they are now.
    pub fn image(&self) -> MemoryImage {
        let files = self.shared.files.lock();
        MemoryImage {
            files: files
                .iter()
                .map(|(path, inode)| (path.clone(), inode.lock().bytes.clone()))
                .collect(),
        }
    }
}

impl Vfs for MemoryVfs {
    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Box<dyn File>> {
        let medium_read_only = self.shared.read_only.load(Ordering::Relaxed);
        let mut files = self.shared.files.lock();
        let may_create = options.create && !options.read_only;
        if medium_read_only && !options.read_only && !(options.read_only_fallback && files.contains_key(path))
        {
            let source = Some(Arc::new(io::ErrorKind::ReadOnlyFilesystem.into()));
            return Err(Error::CantOpen {
                path: path.into(),
                source,
            });
        }
        let inode = match files.get(path) {
            Some(inode) => Arc::clone(inode),
            None if may_create => {
                let inode = Arc::<Mutex<Inode>>::default();
                files.insert(path.to_owned(), Arc::clone(&inode));
                inode
            }
            None => {
                let source = Some(Arc::new(io::ErrorKind::NotFound.into()));
                return Err(Error::CantOpen {
                    path: path.into(),
                    source,
                });
            }
        };
        Ok(Box::new(MemoryFile {
            handle: self.shared.next_handle.fetch_add(1, Ordering::Relaxed),
            path: path.into(),
            shared: Arc::clone(&self.shared),
            inode,
            read_only: options.read_only || medium_read_only,
            medium_read_only,
            level: LockLevel::None,
        }))
    }

    fn open_temporary(&self) -> Result<Box<dyn File>> {
        let mut name = [0; 8];
        self.random(&mut name);
        let path = PathBuf::from(format!("temporary-{:016x}", u64::from_le_bytes(name)));
        let options = OpenOptions {
            create: true,
            ..OpenOptions::default()
        };
        let file = self.open(&path, &options)?;
        // The handle keeps the bytes.
        self.unlink(&path)?;
        Ok(file)
    }

    fn unlink(&self, path: &Path) -> Result<bool> {
        let gone = self.shared.files.lock().remove(path);
        if let Some(inode) = &gone {
            inode.lock().unlinked = true;
        }
        Ok(gone.is_some())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut files = self.shared.files.lock();
        let inode = files
            .remove(from)
            .ok_or_else(|| Error::io(IoOperation::Rename, from, io::ErrorKind::NotFound.into()))?;
        if let Some(gone) = files.insert(to.to_owned(), inode) {
            gone.lock().unlinked = true;
        }
        Ok(())
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        Ok(self.shared.files.lock().contains_key(path))
    }

    fn sync_dir(&self, _folder: &Path) -> Result<()> {
        Ok(())
    }

    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        Ok(path.to_owned())
    }

    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn random(&self, bytes: &mut [u8]) {
        fill_random(&self.shared.random, bytes);
    }
}

/// A splitmix64 sequence whose state several threads advance.
pub(super) fn fill_random(state: &AtomicU64, bytes: &mut [u8]) {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    for chunk in bytes.chunks_mut(8) {
        let mut z = state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
    }
}

#[derive(Debug)]
struct MemoryFile {
    handle: u64,
    path: Arc<Path>,
    shared: Arc<Shared>,
    inode: Arc<Mutex<Inode>>,
    read_only: bool,
    medium_read_only: bool,
    level: LockLevel,
}

impl MemoryFile {
    fn refuse_writing(&self, operation: IoOperation) -> Result<()> {
        if self.read_only {
            return Err(Error::io(
                operation,
                &self.path,
                io::ErrorKind::PermissionDenied.into(),
            ));
        }
        Ok(())
    }

    /// Makes the file `len` bytes long.
    fn resize(&self, inode: &mut Inode, len: usize) -> Result<()> {
        let more = len.saturating_sub(inode.bytes.len());
        if more > 0 && len as u64 > self.shared.file_len_max.load(Ordering::Relaxed) {
            return Err(Error::Full);
        }
        inode.bytes.try_reserve(more).map_err(|_| Error::Full)?;
        inode.bytes.resize(len, 0);
        Ok(())
    }

    fn too_long(&self, operation: IoOperation) -> Error {
        Error::io(operation, &self.path, io::ErrorKind::FileTooLarge.into())
    }
}

impl File for MemoryFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        let inode = self.inode.lock();
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| inode.bytes.get(offset..))
            .unwrap_or_default();
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.refuse_writing(IoOperation::Write)?;
        let start = usize::try_from(offset).map_err(|_| self.too_long(IoOperation::Write))?;
        let end = start
            .checked_add(bytes.len())
            .ok_or_else(|| self.too_long(IoOperation::Write))?;
        let mut inode = self.inode.lock();
        if inode.bytes.len() < end {
            self.resize(&mut inode, end)?;
        }
        inode.bytes[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.refuse_writing(IoOperation::Truncate)?;
        let len = usize::try_from(len).map_err(|_| self.too_long(IoOperation::Truncate))?;
        self.resize(&mut self.inode.lock(), len)
    }

    fn len(&self) -> Result<u64> {
        Ok(self.inode.lock().bytes.len() as u64)
    }

    fn sync(&self, _kind: SyncKind) -> Result<()> {
        Ok(())
    }

    fn map(&self, _len: u64) -> Result<Option<Bytes>> {
        // The bytes move when the file grows.
        Ok(None)
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn has_moved(&self) -> Result<bool> {
        Ok(self.inode.lock().unlinked)
    }

    fn lock(&mut self, level: LockLevel) -> Result<()> {
        if level <= self.level {
            return Ok(());
        }
        if level >= LockLevel::Reserved {
            self.refuse_writing(IoOperation::Lock)?;
        }
        let mut inode = self.inode.lock();
        let locks = &mut inode.locks;
        let other = |holder: Option<u64>| holder.is_some_and(|holder| holder != self.handle);
        match level {
            LockLevel::None => {}
            LockLevel::Shared => {
                if locks.pending.is_some() || locks.exclusive.is_some() {
                    return Err(Error::Busy);
                }
                locks.shared.push(self.handle);
                self.level = LockLevel::Shared;
            }
            LockLevel::Reserved => {
                if other(locks.reserved) {
                    return Err(Error::Busy);
                }
                locks.reserved = Some(self.handle);
                self.level = LockLevel::Reserved;
            }
            LockLevel::Pending | LockLevel::Exclusive => {
                // Rolling back a hot journal goes from Shared to Exclusive without stopping at Pending: a connection that fails
                // there must not keep the readers out.
                if self.level == LockLevel::Reserved {
                    if other(locks.pending) {
                        return Err(Error::Busy);
                    }
                    locks.pending = Some(self.handle);
                    self.level = LockLevel::Pending;
                }
                if level == LockLevel::Pending {
                    return Ok(());
                }
                if locks.shared.iter().any(|holder| *holder != self.handle) {
                    return Err(Error::Busy);
                }
                locks.exclusive = Some(self.handle);
                self.level = LockLevel::Exclusive;
            }
        }
        Ok(())
    }

    fn unlock(&mut self, level: LockLevel) -> Result<()> {
        if level >= self.level {
            return Ok(());
        }
        let handle = self.handle;
        let mut inode = self.inode.lock();
        let locks = &mut inode.locks;
        for holder in [&mut locks.reserved, &mut locks.pending, &mut locks.exclusive] {
            if *holder == Some(handle) {
                *holder = None;
            }
        }
        if level == LockLevel::None {
            locks.shared.retain(|holder| *holder != handle);
        }
        self.level = level;
        Ok(())
    }

    fn lock_level(&self) -> LockLevel {
        self.level
    }

    fn check_reserved(&self) -> Result<bool> {
        let inode = self.inode.lock();
        Ok(inode.locks.reserved.is_some())
    }

    fn shm_map(&mut self, region: usize, extend: bool) -> Result<Option<ShmRegion>> {
        if self.medium_read_only {
            return Err(Error::ReadOnly(ReadOnlyReason::CantInit));
        }
        let mut inode = self.inode.lock();
        let shm = &mut inode.shm;
        if !shm.users.contains(&self.handle) {
            if shm.users.is_empty() {
                shm.regions.clear();
            }
            shm.users.push(self.handle);
        }
        if extend && shm.regions.len() <= region {
            shm.regions.resize_with(region + 1, ShmRegion::private);
        }
        Ok(shm.regions.get(region).cloned())
    }

    fn shm_lock(&mut self, first: usize, count: usize, kind: ShmLock) -> Result<()> {
        let handle = self.handle;
        let mut inode = self.inode.lock();
        let Some(locks) = inode.shm.locks.get_mut(first..first + count) else {
            return Err(Error::Misuse("no such wal-index lock"));
        };
        let blocked = |lock: &ShmLockState| {
            lock.exclusive.is_some_and(|holder| holder != handle)
                || (kind == ShmLock::Exclusive && lock.shared.iter().any(|holder| *holder != handle))
        };
        if locks.iter().any(blocked) {
            return Err(Error::Busy);
        }
        for lock in locks {
            lock.shared.retain(|holder| *holder != handle);
            match kind {
                ShmLock::Exclusive => lock.exclusive = Some(handle),
                ShmLock::Shared => {
                    lock.exclusive = None;
                    lock.shared.push(handle);
                }
            }
        }
        Ok(())
    }

    fn shm_unlock(&mut self, first: usize, count: usize) -> Result<()> {
        let mut inode = self.inode.lock();
        let Some(locks) = inode.shm.locks.get_mut(first..first + count) else {
            return Err(Error::Misuse("no such wal-index lock"));
        };
        locks.iter_mut().for_each(|lock| lock.release(self.handle));
        Ok(())
    }

    fn shm_barrier(&self) {
        std::sync::atomic::fence(Ordering::SeqCst);
    }

    fn shm_unmap(&mut self, delete: bool) -> Result<()> {
        let mut inode = self.inode.lock();
        let shm = &mut inode.shm;
        shm.locks.iter_mut().for_each(|lock| lock.release(self.handle));
        shm.users.retain(|user| *user != self.handle);
        if delete || shm.users.is_empty() {
            shm.regions.clear();
        }
        Ok(())
    }
}

impl ShmLockState {
    fn release(&mut self, handle: u64) {
        self.shared.retain(|holder| *holder != handle);
        if self.exclusive == Some(handle) {
            self.exclusive = None;
        }
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        // Neither can fail here: both only take entries out of tables.
        let _ = self.shm_unmap(false);
        let _ = self.unlock(LockLevel::None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::lock_tests;

    #[test]
    fn locks_follow_the_rules() {
        lock_tests::check_all(&MemoryVfs::new(), Path::new("locks.db"));
    }

    #[test]
    fn files_hold_what_was_written() {
        let vfs = MemoryVfs::new();
        let path = Path::new("a");
        assert!(vfs.open(path, &OpenOptions::default()).is_err());
        let file = vfs
            .open(
                path,
                &OpenOptions {
                    create: true,
                    ..OpenOptions::default()
                },
            )
            .unwrap();
        file.write_at(b"xyz", 5).unwrap();
        let mut bytes = [9; 10];
        assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 8);
        assert_eq!(&bytes, b"\0\0\0\0\0xyz\x09\x09");
        let copy = MemoryVfs::from_image(&vfs.image());
        file.set_len(2).unwrap();
        assert_eq!(copy.image().files[path], b"\0\0\0\0\0xyz");
        assert_eq!(vfs.image().files[path], b"\0\0");
        assert!(vfs.unlink(path).unwrap());
        assert!(!vfs.unlink(path).unwrap());
        assert!(file.has_moved().unwrap());
    }
}
