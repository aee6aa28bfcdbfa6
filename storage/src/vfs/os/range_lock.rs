//! Byte-range locks on a file, in two styles with one interface.
//!
//! - **Open-file-description locks** (Linux): belong to the open file, so two connections of one process exclude each other, and closing
//!   another descriptor of the file does not drop them. They exclude classic locks and are excluded by them.
//! - **Classic locks** (everywhere): belong to the process. A table per process keeps its own connections apart, and no descriptor of a file
//!   is closed while another one of it is open here: closing any would drop the locks of all.
//!
//! Ranges are used as units: two ranges of one file are equal or do not overlap, but for clearing and for runs of
//! single bytes.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

/// Which locks to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockStyle {
    /// Open-file-description locks. Linux only; elsewhere the same as `Classic`.
    OpenFileDescription,
    /// Classic POSIX locks with a table per process.
    Classic,
}

impl LockStyle {
    /// The best style of this system.
    pub const BEST: LockStyle = if cfg!(target_os = "linux") {
        LockStyle::OpenFileDescription
    } else {
        LockStyle::Classic
    };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Shared,
    Exclusive,
}

/// A file and the locks that this handle holds on it.
#[derive(Debug)]
pub(super) struct RangeLocks {
    file: Option<fs::File>,
    /// A lock was taken through this handle.
    used: bool,
    classic: Option<Classic>,
}

/// This handle's place in the process's table.
#[derive(Debug)]
struct Classic {
    identity: (u64, u64),
    owner: u64,
    table: Arc<Mutex<Table>>,
}

/// The locks that this process holds on one file.
#[derive(Debug, Default)]
struct Table {
    handles: usize,
    held: Vec<Held>,
    /// Closed handles' descriptors, kept until the last handle goes.
    parked: Vec<fs::File>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    owner: u64,
    start: u64,
    len: u64,
    mode: Mode,
}

/// The tables of all files that are open in this process, by device and inode.
type Tables = HashMap<(u64, u64), Arc<Mutex<Table>>>;

static TABLES: LazyLock<Mutex<Tables>> = LazyLock::new(Mutex::default);
static NEXT_OWNER: AtomicU64 = AtomicU64::new(0);

impl RangeLocks {
    pub(super) fn new(file: fs::File, identity: (u64, u64), style: LockStyle) -> RangeLocks {
        let classic = (style == LockStyle::Classic || LockStyle::BEST == LockStyle::Classic).then(|| {
            let mut tables = TABLES.lock();
            let table = Arc::clone(tables.entry(identity).or_default());
            table.lock().handles += 1;
            Classic {
                identity,
                owner: NEXT_OWNER.fetch_add(1, Ordering::Relaxed),
                table,
            }
        });
        RangeLocks {
            file: Some(file),
            used: false,
            classic,
        }
    }

    pub(super) fn file(&self) -> &fs::File {
        match &self.file {
            Some(file) => file,
            // The file is taken out by `drop` only.
            None => unreachable!("a dropped handle is not used"),
        }
    }

    /// Takes a lock, or changes the one held on the same range; `false` if somebody is in the way.
    pub(super) fn set(&mut self, mode: Mode, start: u64, len: u64) -> io::Result<bool> {
        self.used = true;
        match &self.classic {
            None => open_file::set(self.file(), Some(mode), start, len),
            Some(classic) => classic.set(self.file(), mode, start, len),
        }
    }

    /// Gives back all locks inside the range.
    pub(super) fn clear(&mut self, start: u64, len: u64) -> io::Result<()> {
        match &self.classic {
            None => open_file::set(self.file(), None, start, len).map(|_| ()),
            Some(classic) => classic.clear(self.file(), start, len),
        }
    }

    /// True if a lock of somebody else would refuse `mode`.
    pub(super) fn is_taken(&self, mode: Mode, start: u64, len: u64) -> io::Result<bool> {
        match &self.classic {
            None => open_file::is_taken(self.file(), mode, start, len),
            Some(classic) => {
                let table = classic.table.lock();
                Ok(table.conflicts(classic.owner, mode, start, len)
                    || process::is_taken(self.file(), mode, start, len)?)
            }
        }
    }
}

impl Classic {
    fn set(&self, file: &fs::File, mode: Mode, start: u64, len: u64) -> io::Result<bool> {
        let mut table = self.table.lock();
        if table.conflicts(self.owner, mode, start, len) {
            return Ok(false);
        }
        // The process may hold the range for another handle already; asking again changes nothing then.
        if !process::set(file, Some(mode), start, len)? {
            return Ok(false);
        }
        table
            .held
            .retain(|held| held.owner != self.owner || !held.overlaps(start, len));
        table.held.push(Held {
            owner: self.owner,
            start,
            len,
            mode,
        });
        Ok(true)
    }

    fn clear(&self, file: &fs::File, start: u64, len: u64) -> io::Result<()> {
        let mut table = self.table.lock();
        let (gone, kept): (Vec<Held>, Vec<Held>) = table
            .held
            .iter()
            .partition(|held| held.owner == self.owner && held.overlaps(start, len));
        for held in &gone {
            // What was taken as a run is given back byte by byte where a part of it is somebody else's too.
            let (from, to) = (held.start.max(start), (held.start + held.len).min(start + len));
            if kept.iter().any(|other| other.overlaps(from, to - from)) {
                for byte in (from..to).filter(|byte| !kept.iter().any(|other| other.overlaps(*byte, 1))) {
                    process::set(file, None, byte, 1)?;
                }
            } else {
                process::set(file, None, from, to - from)?;
            }
        }
        table.held = kept;
        for held in gone {
            let (end, cleared_end) = (held.start + held.len, start + len);
            if held.start < start {
                table.held.push(Held {
                    len: start - held.start,
                    ..held
                });
            }
            if end > cleared_end {
                table.held.push(Held {
                    start: cleared_end,
                    len: end - cleared_end,
                    ..held
                });
            }
        }
        Ok(())
    }
}

impl Table {
    fn conflicts(&self, owner: u64, mode: Mode, start: u64, len: u64) -> bool {
        self.held.iter().any(|held| {
            held.owner != owner
                && held.overlaps(start, len)
                && (mode == Mode::Exclusive || held.mode == Mode::Exclusive)
        })
    }
}

impl Held {
    fn overlaps(&self, start: u64, len: u64) -> bool {
        self.start < start + len && start < self.start + self.len
    }
}

impl Drop for RangeLocks {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        let Some(classic) = &self.classic else {
            // A map of the file that is still in use keeps the open file, and its locks, alive past its descriptor. A failure
            // leaves locks that go with the last map.
            if self.used {
                let _ = open_file::set(&file, None, 0, i64::MAX as u64);
            }
            return;
        };
        // A failure leaves locks that go when the last descriptor closes.
        let _ = classic.clear(&file, 0, i64::MAX as u64);
        let mut tables = TABLES.lock();
        let mut table = classic.table.lock();
        table.handles -= 1;
        if table.handles == 0 {
            tables.remove(&classic.identity);
            table.parked.clear();
        } else {
            table.parked.push(file);
        }
    }
}

/// Locks that belong to the open file.
#[cfg(target_os = "linux")]
mod open_file {
    use super::{Mode, fs, get_lock, io, set_lock};

    pub(super) fn set(file: &fs::File, mode: Option<Mode>, start: u64, len: u64) -> io::Result<bool> {
        set_lock(file, libc::F_OFD_SETLK, mode, start, len)
    }

    pub(super) fn is_taken(file: &fs::File, mode: Mode, start: u64, len: u64) -> io::Result<bool> {
        get_lock(file, libc::F_OFD_GETLK, mode, start, len)
    }
}

#[cfg(not(target_os = "linux"))]
use process as open_file;

/// Locks that belong to the process.
mod process {
    use super::{Mode, fs, get_lock, io, set_lock};

    pub(super) fn set(file: &fs::File, mode: Option<Mode>, start: u64, len: u64) -> io::Result<bool> {
        set_lock(file, libc::F_SETLK, mode, start, len)
    }

    pub(super) fn is_taken(file: &fs::File, mode: Mode, start: u64, len: u64) -> io::Result<bool> {
        get_lock(file, libc::F_GETLK, mode, start, len)
    }
}

fn flock(mode: Option<Mode>, start: u64, len: u64) -> libc::flock {
    let kind = match mode {
        None => libc::F_UNLCK,
        Some(Mode::Shared) => libc::F_RDLCK,
        Some(Mode::Exclusive) => libc::F_WRLCK,
    };
    // SAFETY: `flock` is plain integers, for which zeros are valid; l_pid must be zero for open-file-description locks.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as _;
    lock.l_whence = libc::SEEK_SET as _;
    lock.l_start = start as _;
    lock.l_len = len as _;
    lock
}

fn set_lock(file: &fs::File, command: i32, mode: Option<Mode>, start: u64, len: u64) -> io::Result<bool> {
    let lock = flock(mode, start, len);
    loop {
        // SAFETY: the descriptor is open for as long as `file` is, and `lock` is a valid flock.
        if unsafe { libc::fcntl(file.as_raw_fd(), command, &raw const lock) } == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES | libc::EDEADLK) => return Ok(false),
            Some(libc::EINTR) => {}
            _ => return Err(error),
        }
    }
}

fn get_lock(file: &fs::File, command: i32, mode: Mode, start: u64, len: u64) -> io::Result<bool> {
    let mut lock = flock(Some(mode), start, len);
    loop {
        // SAFETY: the descriptor is open for as long as `file` is, and `lock` is a valid flock that the call may change.
        if unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) } == 0 {
            return Ok(lock.l_type != libc::F_UNLCK as libc::c_short);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(file: &tempfile::NamedTempFile) -> RangeLocks {
        RangeLocks::new(
            file.reopen().unwrap(),
            (0, file.path().as_os_str().len() as u64),
            LockStyle::Classic,
        )
    }

    /// Closing any descriptor of a file drops the process's classic locks on it, unless the table keeps it open.
    #[test]
    fn closing_one_handle_keeps_the_locks_of_another() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut a = open(&file);
        let b = open(&file);
        assert!(a.set(Mode::Exclusive, 100, 1).unwrap());
        drop(b);
        let outside = file.reopen().unwrap();
        if cfg!(target_os = "linux") {
            // An open-file-description lock is somebody else's to the process's own lock.
            assert!(!open_file::set(&outside, Some(Mode::Shared), 100, 1).unwrap());
        }
        std::mem::forget(outside);
        drop(a);
    }

    #[test]
    fn a_run_is_given_back_in_parts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (mut a, mut b) = (open(&file), open(&file));
        assert!(a.set(Mode::Exclusive, 10, 4).unwrap());
        a.clear(11, 2).unwrap();
        for (byte, free) in [(10, false), (11, true), (12, true), (13, false)] {
            assert_eq!(b.set(Mode::Shared, byte, 1).unwrap(), free, "byte {byte}");
        }
        b.clear(0, 100).unwrap();
        a.clear(0, 100).unwrap();
        assert!(b.set(Mode::Exclusive, 10, 4).unwrap());
    }
}
