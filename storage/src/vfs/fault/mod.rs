//! A simulated machine for tests: several processes, one disk, and every way in which they fail.
//!
//! ```text
//!   process 0    process 1   ...            each a FaultVfs: its own handles and locks, its own death
//!       └────┬───────┘
//!          plan: which call fails           plan
//!          checker: may this be written?    order
//!          record of what was done          disk: seen and durable bytes, ordered folder log
//!            │
//!     the world below: MemoryVfs (or OsVfs, for real maps)
//! ```
//!
//! Seen bytes, file locks and shared memory are those of the world below; the machine beside it knows what of it is durable. Time is the
//! machine's own and random numbers come from its seed, so that one process after another, the same calls give the same run.
//!
//! Two ends: [`FaultVfs::kill`] ends a process, whose locks go and whose writes stay visible; a loss of power ends everything and
//! leaves one of many images ([`Disk::powerless`], chosen by a [`Choice`]).
//!
//! The locks are those of the [`File`] trait, which belong to a connection. How POSIX locks, which belong to a process, are made to behave like
//! that is the business of the operating system's implementation and is tested there.

mod choice;
mod disk;
mod order;
mod plan;
mod temporary;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

pub use choice::{Choice, Decide, Outcome};
pub use disk::{Disk, InodeNo, Op, SECTOR};
pub use order::Promise;
pub use plan::{Call, Fault, FaultPlan};

use super::{File, LockLevel, MemoryImage, MemoryVfs, OpenOptions, ShmLock, ShmRegion, SyncKind, Vfs};
use crate::error::{Error, IoOperation, Result};
use order::{Act, Held, Role};
use plan::Watch;
use temporary::TemporaryFile;

/// One process of a simulated machine. Clones are the same process.
#[derive(Debug, Clone)]
pub struct FaultVfs {
    machine: Arc<Machine>,
    process: u32,
}

#[derive(Debug)]
struct Machine {
    below: Arc<dyn Vfs>,
    state: Mutex<State>,
    random: AtomicU64,
    nanoseconds: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    disk: Disk,
    ops: Vec<Op>,
    watch: Watch,
    promise: Promise,
    broken: Vec<String>,
    processes: u32,
    dead: Vec<u32>,
    handles: HashMap<u64, Handle>,
    next_handle: u64,
    calls: u64,
}

/// An open file as the machine knows it.
#[derive(Debug)]
struct Handle {
    process: u32,
    path: Arc<Path>,
    file: Slot,
    level: LockLevel,
    shm_alone: u8,
}

/// The file below; gone when its process died.
type Slot = Arc<Mutex<Option<Box<dyn File>>>>;

impl FaultVfs {
    /// The first process of a machine in memory with these files, all durable.
    pub fn new(image: &MemoryImage, seed: u64) -> FaultVfs {
        let disk = Disk::from_image(image);
        FaultVfs::with(Arc::new(MemoryVfs::from_image(image)), disk, seed)
    }

    /// The first process of a machine over another file system. Its files count as durable when they are first opened.
    pub fn over(below: Arc<dyn Vfs>, seed: u64) -> FaultVfs {
        FaultVfs::with(below, Disk::default(), seed)
    }

    fn with(below: Arc<dyn Vfs>, disk: Disk, seed: u64) -> FaultVfs {
        let state = State {
            disk,
            processes: 1,
            ..State::default()
        };
        FaultVfs {
            machine: Arc::new(Machine {
                below,
                state: Mutex::new(state),
                random: AtomicU64::new(seed),
                nanoseconds: AtomicU64::new(0),
            }),
            process: 0,
        }
    }

    /// Another process of the same machine.
    pub fn process(&self) -> FaultVfs {
        let mut state = self.machine.state.lock();
        let process = state.processes;
        state.processes += 1;
        FaultVfs {
            machine: Arc::clone(&self.machine),
            process,
        }
    }

    // ---- driving ---------------------------------------------------------------------------------

    /// From now on, calls of any process fail as this plan says, counted from now.
    pub fn set_plan(&self, plan: Option<FaultPlan>) {
        self.machine.state.lock().watch.set(plan);
    }

    /// How many calls the plan has struck.
    pub fn struck(&self) -> u64 {
        self.machine.state.lock().watch.struck()
    }

    /// Says what the connections promise, for the live checker.
    pub fn set_promise(&self, promise: Promise) {
        self.machine.state.lock().promise = promise;
    }

    /// Puts a remark into the record.
    pub fn mark(&self, number: u64) {
        self.machine.state.lock().ops.push(Op::Mark(number));
    }

    /// The process dies: its locks go, its files are closed, and each call from now on fails.
    pub fn kill(&self) {
        self.machine.state.lock().kill(self.process);
    }

    /// True after [`FaultVfs::kill`] or a planned death.
    pub fn is_dead(&self) -> bool {
        self.machine.state.lock().dead.contains(&self.process)
    }

    // ---- looking ---------------------------------------------------------------------------------

    /// What was done to the disk so far.
    pub fn ops(&self) -> Vec<Op> {
        self.machine.state.lock().ops.clone()
    }

    /// A copy of the disk.
    pub fn disk(&self) -> Disk {
        self.machine.state.lock().disk.clone()
    }

    /// The promises that were broken, in words.
    pub fn broken_promises(&self) -> Vec<String> {
        self.machine.state.lock().broken.clone()
    }

    /// Files that are open, in all processes.
    pub fn open_files(&self) -> Vec<PathBuf> {
        let state = self.machine.state.lock();
        state
            .handles
            .values()
            .map(|handle| handle.path.to_path_buf())
            .collect()
    }

    /// Files that are locked, in all processes.
    pub fn locked_files(&self) -> Vec<PathBuf> {
        let state = self.machine.state.lock();
        let locked = state
            .handles
            .values()
            .filter(|handle| handle.level > LockLevel::None);
        locked.map(|handle| handle.path.to_path_buf()).collect()
    }

    /// Calls so far, of all processes.
    pub fn call_count(&self) -> u64 {
        self.machine.state.lock().calls
    }

    // ---- inside ----------------------------------------------------------------------------------

    /// Counts a call and fails it if it is its turn. A fault that only lessens what the call does is returned.
    fn enter(
        &self,
        state: &mut State,
        call: Call,
        path: &Path,
        operation: IoOperation,
    ) -> Result<Option<Fault>> {
        state.calls += 1;
        if !state.dead.contains(&self.process) {
            match state.watch.meet(call, path) {
                None => return Ok(None),
                Some(Fault::Io) => return Err(failure(operation, path, io::ErrorKind::Other)),
                Some(Fault::Full) => return Err(failure(operation, path, io::ErrorKind::StorageFull)),
                Some(Fault::Interrupted) => return Err(failure(operation, path, io::ErrorKind::Interrupted)),
                Some(Fault::Busy) => return Err(Error::Busy),
                Some(Fault::Death) => state.kill(self.process),
                less => return Ok(less),
            }
        }
        Err(Error::io(
            operation,
            path,
            io::Error::new(io::ErrorKind::BrokenPipe, "the process is dead"),
        ))
    }
}

fn failure(operation: IoOperation, path: &Path, kind: io::ErrorKind) -> Error {
    Error::io(operation, path, kind.into())
}

impl State {
    fn kill(&mut self, process: u32) {
        self.dead.push(process);
        self.handles.retain(|_, handle| {
            let gone = handle.process == process;
            if gone {
                handle.file.lock().take();
            }
            !gone
        });
    }

    fn note(&mut self, op: Op) {
        self.disk.apply(&op);
        self.ops.push(op);
    }

    /// Asks the live checker.
    fn check(&mut self, process: u32, path: &Path, act: Act<'_>) {
        let Some(inode) = self.disk.inode(path) else {
            return;
        };
        let database: &Path = match &Role::of(path) {
            Role::Database | Role::Super => path,
            Role::Journal(database) | Role::Spare(database) | Role::Log(database) => &database.clone(),
        };
        let mut held = Held {
            level: LockLevel::None,
            shm_alone: 0,
        };
        let own = |handle: &&Handle| handle.process == process && *handle.path == *database;
        for handle in self.handles.values().filter(own) {
            held.level = held.level.max(handle.level);
            held.shm_alone |= handle.shm_alone;
        }
        if let Some(broken) = order::broken_rule(&self.disk, self.promise, path, inode, held, act) {
            self.broken.push(format!("op {}: {broken}", self.ops.len()));
        }
    }
}

impl Vfs for FaultVfs {
    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Box<dyn File>> {
        let below = &self.machine.below;
        let existed = below.exists(path)?;
        let call = if options.create && !existed {
            Call::Create
        } else {
            Call::Open
        };
        let mut state = self.machine.state.lock();
        self.enter(&mut state, call, path, IoOperation::Other)
            .map_err(|error| cannot_open(path, error))?;
        let file = below.open(path, options)?;
        let inode = match state.disk.inode(path) {
            Some(inode) => inode,
            None if existed => {
                let mut bytes = vec![0; file.len()? as usize];
                file.read_at(&mut bytes, 0)?;
                state.disk.adopt(path, bytes)
            }
            None => {
                let inode = state.disk.next_inode();
                state.note(Op::Create {
                    path: path.to_owned(),
                    inode,
                });
                inode
            }
        };
        let (path, file): (Arc<Path>, Slot) = (path.into(), Arc::new(Mutex::new(Some(file))));
        let handle = state.next_handle;
        state.next_handle += 1;
        state.handles.insert(
            handle,
            Handle {
                process: self.process,
                path: Arc::clone(&path),
                file: Arc::clone(&file),
                level: LockLevel::None,
                shm_alone: 0,
            },
        );
        Ok(Box::new(FaultFile {
            vfs: self.clone(),
            handle,
            path,
            inode,
            file,
        }))
    }

    /// Its calls can fail; what is done with it is no part of the record, because no crash leaves anything of it.
    fn open_temporary(&self) -> Result<Box<dyn File>> {
        let path = Path::new("temporary");
        let mut state = self.machine.state.lock();
        self.enter(&mut state, Call::Create, path, IoOperation::Other)
            .map_err(|error| cannot_open(path, error))?;
        Ok(Box::new(TemporaryFile {
            vfs: self.clone(),
            file: self.machine.below.open_temporary()?,
        }))
    }

    fn unlink(&self, path: &Path) -> Result<bool> {
        let mut state = self.machine.state.lock();
        self.enter(&mut state, Call::Unlink, path, IoOperation::Delete)?;
        state.check(self.process, path, Act::Unlink);
        let gone = self.machine.below.unlink(path)?;
        if gone && state.disk.inode(path).is_some() {
            state.note(Op::Unlink {
                path: path.to_owned(),
            });
        }
        Ok(gone)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut state = self.machine.state.lock();
        self.enter(&mut state, Call::Rename, from, IoOperation::Rename)?;
        state.check(self.process, from, Act::Rename(to));
        self.machine.below.rename(from, to)?;
        if state.disk.inode(from).is_some() {
            state.note(Op::Rename {
                from: from.to_owned(),
                to: to.to_owned(),
            });
        }
        Ok(())
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        let mut state = self.machine.state.lock();
        self.enter(&mut state, Call::Exists, path, IoOperation::Access)?;
        self.machine.below.exists(path)
    }

    fn sync_dir(&self, folder: &Path) -> Result<()> {
        let mut state = self.machine.state.lock();
        if self.enter(&mut state, Call::SyncDir, folder, IoOperation::SyncDir)? == Some(Fault::SyncLies) {
            return Ok(());
        }
        self.machine.below.sync_dir(folder)?;
        state.note(Op::SyncDir {
            folder: folder.to_owned(),
        });
        Ok(())
    }

    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        let mut state = self.machine.state.lock();
        self.enter(&mut state, Call::Exists, path, IoOperation::Other)
            .map_err(|error| cannot_open(path, error))?;
        self.machine.below.full_path(path)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.machine.nanoseconds.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.machine.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    fn random(&self, bytes: &mut [u8]) {
        super::memory::fill_random(&self.machine.random, bytes);
    }
}

fn cannot_open(path: &Path, error: Error) -> Error {
    match error {
        Error::Io { source, .. } => Error::CantOpen {
            path: path.into(),
            source: Some(source),
        },
        error => error,
    }
}

#[derive(Debug)]
struct FaultFile {
    vfs: FaultVfs,
    handle: u64,
    path: Arc<Path>,
    inode: InodeNo,
    file: Slot,
}

impl FaultFile {
    /// Counts the call, then runs `work` on the file below.
    fn call<T>(
        &self,
        call: Call,
        operation: IoOperation,
        work: impl FnOnce(&mut State, &mut dyn File, Option<Fault>) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.vfs.machine.state.lock();
        let less = self.vfs.enter(&mut state, call, &self.path, operation)?;
        self.below(|file| work(&mut state, file, less))
    }

    fn below<T>(&self, work: impl FnOnce(&mut dyn File) -> Result<T>) -> Result<T> {
        match self.file.lock().as_mut() {
            Some(file) => work(&mut **file),
            None => Err(failure(IoOperation::Other, &self.path, io::ErrorKind::BrokenPipe)),
        }
    }

    fn write_noted(&self, state: &mut State, file: &dyn File, bytes: &[u8], offset: u64) -> Result<()> {
        file.write_at(bytes, offset)?;
        state.note(Op::Write {
            inode: self.inode,
            offset,
            bytes: bytes.into(),
        });
        Ok(())
    }

    fn set_shm_alone(&self, state: &mut State, first: usize, count: usize, alone: bool) {
        let bits = ((1u16 << count) - 1) << first;
        if let Some(handle) = state.handles.get_mut(&self.handle) {
            handle.shm_alone &= !(bits as u8);
            handle.shm_alone |= if alone { bits as u8 } else { 0 };
        }
    }

    fn note_level(&self, state: &mut State, file: &dyn File) {
        if let Some(handle) = state.handles.get_mut(&self.handle) {
            handle.level = file.lock_level();
        }
    }
}

impl File for FaultFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        self.call(Call::Read, IoOperation::Read, |_, file, less| {
            let count = file.read_at(bytes, offset)?;
            if less != Some(Fault::ShortRead) {
                return Ok(count);
            }
            // What lies behind what was read is not the caller's to look at.
            bytes[count / 2..].fill(0xe5);
            Ok(count / 2)
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.call(Call::Write, IoOperation::Write, |state, file, less| {
            state.check(self.vfs.process, &self.path, Act::Write { offset, bytes });
            if less == Some(Fault::ShortWrite) {
                self.write_noted(state, file, &bytes[..bytes.len() / 2], offset)?;
                return Err(failure(
                    IoOperation::Write,
                    &self.path,
                    io::ErrorKind::StorageFull,
                ));
            }
            self.write_noted(state, file, bytes, offset)
        })
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.call(Call::SetLen, IoOperation::Truncate, |state, file, _| {
            state.check(self.vfs.process, &self.path, Act::SetLen(len));
            file.set_len(len)?;
            state.note(Op::SetLen {
                inode: self.inode,
                len,
            });
            Ok(())
        })
    }

    fn len(&self) -> Result<u64> {
        self.call(Call::Len, IoOperation::Stat, |_, file, _| file.len())
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.call(Call::Sync, IoOperation::Sync, |state, file, less| {
            if less == Some(Fault::SyncDrops) {
                state.note(Op::SyncLost { inode: self.inode });
                return Err(failure(IoOperation::Sync, &self.path, io::ErrorKind::Other));
            }
            if less == Some(Fault::SyncLies) {
                return Ok(());
            }
            file.sync(kind)?;
            state.note(Op::Sync { inode: self.inode });
            Ok(())
        })
    }

    fn map(&self, len: u64) -> Result<Option<Bytes>> {
        self.call(Call::Map, IoOperation::Map, |_, file, less| match less {
            Some(_) => Ok(None),
            None => file.map(len),
        })
    }

    fn is_read_only(&self) -> bool {
        self.file.lock().as_ref().is_some_and(|file| file.is_read_only())
    }

    fn has_moved(&self) -> Result<bool> {
        self.call(Call::Exists, IoOperation::Stat, |_, file, _| file.has_moved())
    }

    fn sector_size(&self) -> u32 {
        SECTOR as u32
    }

    fn lock(&mut self, level: LockLevel) -> Result<()> {
        self.call(Call::Lock, IoOperation::Lock, |state, file, _| {
            let locked = file.lock(level);
            self.note_level(state, file);
            locked
        })
    }

    fn unlock(&mut self, level: LockLevel) -> Result<()> {
        self.call(Call::Unlock, IoOperation::Unlock, |state, file, _| {
            let unlocked = file.unlock(level);
            self.note_level(state, file);
            unlocked
        })
    }

    fn lock_level(&self) -> LockLevel {
        let file = self.file.lock();
        file.as_ref().map_or(LockLevel::None, |file| file.lock_level())
    }

    fn check_reserved(&self) -> Result<bool> {
        self.call(Call::CheckReserved, IoOperation::CheckReserved, |_, file, _| {
            file.check_reserved()
        })
    }

    fn shm_map(&mut self, region: usize, extend: bool) -> Result<Option<ShmRegion>> {
        self.call(Call::ShmMap, IoOperation::ShmMap, |_, file, _| {
            file.shm_map(region, extend)
        })
    }

    fn shm_lock(&mut self, first: usize, count: usize, kind: ShmLock) -> Result<()> {
        self.call(Call::ShmLock, IoOperation::ShmLock, |state, file, _| {
            file.shm_lock(first, count, kind)?;
            self.set_shm_alone(state, first, count, kind == ShmLock::Exclusive);
            Ok(())
        })
    }

    fn shm_unlock(&mut self, first: usize, count: usize) -> Result<()> {
        self.call(Call::ShmUnlock, IoOperation::ShmLock, |state, file, _| {
            self.set_shm_alone(state, first, count, false);
            file.shm_unlock(first, count)
        })
    }

    fn shm_barrier(&self) {
        if let Some(file) = self.file.lock().as_ref() {
            file.shm_barrier();
        }
    }

    fn shm_unmap(&mut self, delete: bool) -> Result<()> {
        self.call(Call::ShmUnlock, IoOperation::ShmMap, |state, file, _| {
            self.set_shm_alone(state, 0, super::SHM_LOCK_COUNT, false);
            file.shm_unmap(delete)
        })
    }
}

impl Drop for FaultFile {
    fn drop(&mut self) {
        let mut state = self.vfs.machine.state.lock();
        state.handles.remove(&self.handle);
        // The file below gives back its locks.
        self.file.lock().take();
    }
}
