//! `locks`: who holds which byte of a database and its wal-index, and what that means. From `/proc/locks`, so on Linux only.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aludel_storage::vfs::{
    PENDING_BYTE, RESERVED_BYTE, SHARED_FIRST, SHARED_SIZE, SHM_READ_BYTE, SHM_USE_BYTE, SHM_WRITE_BYTE,
    sibling,
};

use crate::cli::Target;
use crate::error::{Exit, Failure};
use crate::output::{Field, Part, Report};

/// Prints the locks.
///
/// # Errors
/// A file that is not there; a system that does not list locks.
pub(super) fn locks(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    let path = target
        .file
        .canonicalize()
        .map_err(|error| Failure::cannot_open(&target.file, error))?;
    let listed = fs::read_to_string("/proc/locks")
        .map_err(|error| Failure::cannot_open(Path::new("/proc/locks"), error))?;
    let mut part = Part::new(
        "locks",
        &[
            "file",
            "mode",
            "first_byte",
            "last_byte",
            "pid",
            "program",
            "meaning",
        ],
    );
    for (name, suffix) in [("database", ""), ("wal-index", "-shm")] {
        let Ok(metadata) = sibling(&path, suffix).metadata() else {
            continue;
        };
        let meaning: fn(&Lock) -> String = if suffix.is_empty() {
            database_meaning
        } else {
            index_meaning
        };
        for lock in listed
            .lines()
            .filter_map(Lock::parse)
            .filter(|lock| lock.is_on(&metadata))
        {
            let program = lock
                .pid
                .map_or(Field::Null, |pid| program(pid).map_or(Field::Null, Field::Text));
            part.push(vec![
                name.into(),
                if lock.is_exclusive { "exclusive" } else { "shared" }.into(),
                Field::Number(lock.first as i64),
                lock.last.map_or(Field::Null, |last| Field::Number(last as i64)),
                Field::number(lock.pid),
                program,
                meaning(&lock).into(),
            ]);
        }
    }
    let mut report = Report::new("dbtool/locks/1");
    report.fact("held", Field::Count(part.rows.len() as u64));
    report.part(part);
    report.print(&target.print.style(), out)?;
    Ok(Exit::Done)
}

/// A line of `/proc/locks`.
#[derive(Debug, PartialEq, Eq)]
struct Lock {
    is_exclusive: bool,
    /// Unknown for locks that belong to an open file.
    pid: Option<u32>,
    device: (u32, u32),
    inode: u64,
    first: u64,
    /// `None` for the end of the file, wherever it is.
    last: Option<u64>,
}

impl Lock {
    /// `3: POSIX  ADVISORY  READ 4242 08:02:1234 1073741826 1073742335`. Waiting ones have an arrow and are left out.
    fn parse(line: &str) -> Option<Lock> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, kind, _, mode, pid, place, first, last] = words[..] else {
            return None;
        };
        if !matches!(kind, "POSIX" | "OFDLCK") {
            return None;
        }
        let mut place = place.split(':');
        let mut number = |radix| u64::from_str_radix(place.next()?, radix).ok();
        Some(Lock {
            is_exclusive: mode == "WRITE",
            pid: pid.parse().ok(),
            device: (u32::try_from(number(16)?).ok()?, u32::try_from(number(16)?).ok()?),
            inode: number(10)?,
            first: first.parse().ok()?,
            last: last.parse().ok(),
        })
    }

    /// The device is left aside where file systems have several names for one: two files of one inode number that are locked at SQLite's
    /// bytes at one time are rare, and the list is for reading.
    fn is_on(&self, file: &fs::Metadata) -> bool {
        self.inode == file.ino()
    }

    fn covers(&self, byte: u64) -> bool {
        self.first <= byte && self.last.is_none_or(|last| byte <= last)
    }
}

fn database_meaning(lock: &Lock) -> String {
    let shared = lock.covers(SHARED_FIRST) || lock.covers(SHARED_FIRST + SHARED_SIZE - 1);
    let mut words = Vec::new();
    if lock.covers(PENDING_BYTE) {
        words.push("waits for readers to leave");
    }
    if lock.covers(RESERVED_BYTE) {
        words.push("will write");
    }
    match (shared, lock.is_exclusive) {
        (true, true) => words.push("writes: nobody else may read"),
        (true, false) => words.push("reads, or has a WAL database open"),
        _ => {}
    }
    if words.is_empty() {
        "not a byte that SQLite locks".to_owned()
    } else {
        words.join("; ")
    }
}

fn index_meaning(lock: &Lock) -> String {
    let mut words = Vec::new();
    for (byte, what) in [(0, "writes"), (1, "checkpoints"), (2, "recovers")] {
        if lock.covers(SHM_WRITE_BYTE + byte) {
            words.push(what.to_owned());
        }
    }
    for mark in 0..5 {
        if lock.covers(SHM_READ_BYTE + mark) {
            let verb = if lock.is_exclusive { "changes" } else { "reader on" };
            words.push(format!("{verb} mark {mark}"));
        }
    }
    if lock.covers(SHM_USE_BYTE) {
        words.push("has it open".to_owned());
    }
    if words.is_empty() {
        "not a byte that SQLite locks".to_owned()
    } else {
        words.join("; ")
    }
}

fn program(pid: u32) -> Option<String> {
    Some(
        fs::read_to_string(format!("/proc/{pid}/comm"))
            .ok()?
            .trim_end()
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let lock = Lock::parse("3: POSIX  ADVISORY  READ 4242 08:02:1234 1073741826 1073742335").unwrap();
        assert_eq!((lock.pid, lock.inode, lock.device), (Some(4242), 1234, (8, 2)));
        assert_eq!(database_meaning(&lock), "reads, or has a WAL database open");
        let lock = Lock::parse("4: OFDLCK ADVISORY  WRITE -1 00:31:77 120 120").unwrap();
        assert_eq!((lock.pid, index_meaning(&lock)), (None, "writes".to_owned()));
        assert_eq!(Lock::parse("5: -> POSIX ADVISORY WRITE 1 00:31:77 0 EOF"), None);
        assert_eq!(Lock::parse("6: FLOCK  ADVISORY  WRITE 1 00:31:77 0 EOF"), None);
    }
}
