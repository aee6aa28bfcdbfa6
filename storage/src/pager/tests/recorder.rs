//! A file system that writes down what is done to it, so that a test can rebuild what a crash at any moment may leave.
//!
//! - The death of the process keeps everything that was done.
//! - The loss of power keeps what was synced, and of the rest any part: each sector of each write, each change of length, by itself;
//!   the folder's changes as far as any point in their order.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::error::Result;
use crate::vfs::{File, LockLevel, MemoryImage, MemoryVfs, OpenOptions, ShmLock, ShmRegion, SyncKind, Vfs};

const SECTOR: usize = 512;

#[derive(Debug, Clone)]
pub(super) enum Op {
    Create {
        path: PathBuf,
        inode: usize,
    },
    Unlink {
        path: PathBuf,
    },
    SyncDir,
    Write {
        inode: usize,
        offset: usize,
        bytes: Vec<u8>,
    },
    SetLen {
        inode: usize,
        len: usize,
    },
    Sync {
        inode: usize,
    },
    /// The test was told that this commit is done.
    Acknowledge(usize),
}

#[derive(Debug, Default)]
struct Record {
    ops: Vec<Op>,
    names: HashMap<PathBuf, usize>,
    inodes: usize,
}

#[derive(Debug, Clone, Default)]
pub(super) struct RecordingVfs {
    inner: MemoryVfs,
    record: Arc<Mutex<Record>>,
}

impl RecordingVfs {
    pub(super) fn acknowledge(&self, commit: usize) {
        self.record.lock().ops.push(Op::Acknowledge(commit));
    }

    pub(super) fn ops(&self) -> Vec<Op> {
        self.record.lock().ops.clone()
    }
}

/// What the process's death after the first `count` operations leaves.
pub(super) fn killed(ops: &[Op]) -> MemoryImage {
    Disk::after(ops, &mut |_| true).image()
}

/// What a loss of power after these operations may leave; `keep` decides about each piece that was not synced.
pub(super) fn powerless(ops: &[Op], keep: &mut dyn FnMut(usize) -> bool) -> MemoryImage {
    Disk::after(ops, keep).image()
}

#[derive(Default)]
struct Disk {
    names: BTreeMap<PathBuf, usize>,
    files: HashMap<usize, Vec<u8>>,
}

impl Disk {
    fn after(ops: &[Op], keep: &mut dyn FnMut(usize) -> bool) -> Disk {
        let mut disk = Disk::default();
        let last_dir_sync = ops.iter().rposition(|op| matches!(op, Op::SyncDir)).unwrap_or(0);
        let mut last_sync: HashMap<usize, usize> = HashMap::new();
        for (at, op) in ops.iter().enumerate() {
            if let Op::Sync { inode } = op {
                last_sync.insert(*inode, at);
            }
        }
        let durable = |inode: usize, at: usize| last_sync.get(&inode).is_some_and(|sync| at < *sync);
        let mut folder_goes_on = true;
        for (at, op) in ops.iter().enumerate() {
            match op {
                Op::Create { .. } | Op::Unlink { .. } => {
                    folder_goes_on = at < last_dir_sync || (folder_goes_on && keep(at));
                    if folder_goes_on {
                        disk.change_folder(op);
                    }
                    if let Op::Create { inode, .. } = op {
                        disk.files.entry(*inode).or_default();
                    }
                }
                Op::Write { inode, offset, bytes } => {
                    for (sector, piece) in sectors(*offset, bytes) {
                        if durable(*inode, at) || keep(at) {
                            disk.write(*inode, sector, piece);
                        }
                    }
                }
                Op::SetLen { inode, len } => {
                    if durable(*inode, at) || keep(at) {
                        disk.files.entry(*inode).or_default().resize(*len, 0);
                    }
                }
                Op::SyncDir | Op::Sync { .. } | Op::Acknowledge(_) => {}
            }
        }
        disk
    }

    fn change_folder(&mut self, op: &Op) {
        match op {
            Op::Create { path, inode } => drop(self.names.insert(path.clone(), *inode)),
            Op::Unlink { path } => drop(self.names.remove(path)),
            _ => {}
        }
    }

    fn write(&mut self, inode: usize, offset: usize, bytes: &[u8]) {
        let file = self.files.entry(inode).or_default();
        if file.len() < offset + bytes.len() {
            file.resize(offset + bytes.len(), 0);
        }
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    fn image(self) -> MemoryImage {
        let mut image = MemoryImage::default();
        for (path, inode) in self.names {
            image
                .files
                .insert(path, self.files.get(&inode).cloned().unwrap_or_default());
        }
        image
    }
}

/// The pieces of a write that lie in one sector each.
fn sectors(offset: usize, bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = (SECTOR - (offset + at) % SECTOR + at).min(bytes.len());
        pieces.push((offset + at, &bytes[at..end]));
        at = end;
    }
    pieces
}

impl Vfs for RecordingVfs {
    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Box<dyn File>> {
        let existed = self.inner.exists(path)?;
        let inner = self.inner.open(path, options)?;
        let mut record = self.record.lock();
        if !existed {
            record.inodes += 1;
            let inode = record.inodes;
            record.names.insert(path.to_owned(), inode);
            record.ops.push(Op::Create {
                path: path.to_owned(),
                inode,
            });
        }
        let inode = record.names[path];
        Ok(Box::new(RecordingFile {
            inner,
            inode,
            record: Arc::clone(&self.record),
        }))
    }

    fn unlink(&self, path: &Path) -> Result<bool> {
        let gone = self.inner.unlink(path)?;
        if gone {
            self.record.lock().ops.push(Op::Unlink {
                path: path.to_owned(),
            });
        }
        Ok(gone)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.inner.exists(path)
    }

    fn sync_dir(&self, _folder: &Path) -> Result<()> {
        self.record.lock().ops.push(Op::SyncDir);
        Ok(())
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
struct RecordingFile {
    inner: Box<dyn File>,
    inode: usize,
    record: Arc<Mutex<Record>>,
}

impl RecordingFile {
    fn note(&self, op: Op) {
        self.record.lock().ops.push(op);
    }
}

impl File for RecordingFile {
    fn path(&self) -> &Path {
        self.inner.path()
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        self.inner.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.inner.write_at(bytes, offset)?;
        self.note(Op::Write {
            inode: self.inode,
            offset: offset as usize,
            bytes: bytes.to_vec(),
        });
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.inner.set_len(len)?;
        self.note(Op::SetLen {
            inode: self.inode,
            len: len as usize,
        });
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        self.inner.len()
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.inner.sync(kind)?;
        self.note(Op::Sync { inode: self.inode });
        Ok(())
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
