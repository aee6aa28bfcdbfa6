//! The live checker: looks at each write before it happens and says which promise it breaks.
//!
//! | rule | before | must be true |
//! |---|---|---|
//! | W1 | the database is written | its writer holds EXCLUSIVE, or the checkpointer's lock of the wal-index |
//! | W2 | ... without a log | the durable journal under its durable name holds each page that is overwritten |
//! | W3 | ... with a log | the log and its name are durable |
//! | W4 | a complete journal ends: it is overwritten, cut, deleted, or given another name | the database is durable |
//! | W5 | ... | page 1 has another change counter than before, or its old content |
//! | W6 | the log is written | its writer holds the write lock, or EXCLUSIVE; the checkpointer may write what is there over itself |
//! | W7 | the log starts again | the database is durable, the salts are new |
//! | W8 | frames follow | the header of a log that started again is durable |
//! | W9 | a spare file gets the journal's name | its writer holds EXCLUSIVE; it is a complete journal, and durable |
//! | W10 | a spare file is written, cut or deleted | its user holds RESERVED or more |
//! | W11 | ... written or cut | a loss of power cannot leave it with the journal's name |
//!
//! Durability is asked only where the connection's mode promises it ([`Promise`]).

use std::path::{Path, PathBuf};

use super::disk::{Disk, InodeNo};
use crate::format::journal::{JOURNAL_SUFFIX, JournalHeader, RECORD_COUNT_TO_END, SPARE_SUFFIX};
use crate::format::wal::{HEADER_SIZE as LOG_HEADER_SIZE, WalHeader};
use crate::vfs::{LockLevel, sibling};

/// What the connections of a machine promise about the order of their writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Promise {
    /// Nothing: no journal, or one that is not on the disk.
    #[default]
    Nothing,
    /// A journal or a log, but no syncs.
    Process,
    /// What is needed is durable first.
    Power,
}

/// The write that is about to happen.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act<'a> {
    Write { offset: u64, bytes: &'a [u8] },
    SetLen(u64),
    Unlink,
    Rename(&'a Path),
}

/// The locks that the writing process holds on the database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) level: LockLevel,
    /// Wal-index locks held alone, a bit each.
    pub(super) shm_alone: u8,
}

impl Held {
    fn exclusive(self) -> bool {
        self.level == LockLevel::Exclusive
    }

    fn writes_log(self) -> bool {
        self.exclusive() || self.shm_alone & 1 != 0
    }

    fn checkpoints(self) -> bool {
        self.exclusive() || self.shm_alone & 2 != 0
    }
}

/// What a file is, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Database,
    /// The journal of this database.
    Journal(PathBuf),
    /// What can become the journal of this database.
    Spare(PathBuf),
    /// The log of this database.
    Log(PathBuf),
    /// A super-journal.
    Super,
}

impl Role {
    pub(super) fn of(path: &Path) -> Role {
        let Some(name) = path.to_str() else {
            return Role::Database;
        };
        let own_name = path
            .file_name()
            .map(|name| name.to_string_lossy())
            .unwrap_or_default();
        if let Some(database) = name.strip_suffix(SPARE_SUFFIX) {
            Role::Spare(database.into())
        } else if let Some(database) = name.strip_suffix(JOURNAL_SUFFIX) {
            Role::Journal(database.into())
        } else if let Some(database) = name.strip_suffix("-wal") {
            Role::Log(database.into())
        } else if own_name.contains("-mj") {
            Role::Super
        } else {
            Role::Database
        }
    }
}

/// The rule that `act` breaks, in words.
pub(super) fn broken_rule(
    disk: &Disk,
    promise: Promise,
    path: &Path,
    inode: InodeNo,
    held: Held,
    act: Act<'_>,
) -> Option<String> {
    let broken = match Role::of(path) {
        Role::Database => before_database(disk, promise, path, held, act),
        Role::Journal(database) => before_journal(disk, promise, &database, inode, act),
        Role::Spare(database) => before_spare(disk, promise, &database, inode, held, act),
        Role::Log(database) => before_log(disk, promise, &database, inode, held, act),
        Role::Super => None,
    };
    broken.map(|rule| format!("{rule} ({}, {act})", path.display()))
}

fn before_database(
    disk: &Disk,
    promise: Promise,
    path: &Path,
    held: Held,
    act: Act<'_>,
) -> Option<&'static str> {
    if matches!(act, Act::Unlink | Act::Rename(_)) {
        return None;
    }
    if !held.exclusive() && !held.checkpoints() {
        return Some("W1: the database is written without a lock");
    }
    let log = sibling(path, "-wal");
    if let Some(log_inode) = disk.inode(&log)
        && !disk.seen(log_inode).is_empty()
    {
        let durable = disk.is_synced(log_inode) && disk.name_is_durable(&log, log_inode);
        return (promise == Promise::Power && !durable)
            .then_some("W3: the database is written before the log is durable");
    }
    if promise == Promise::Nothing {
        return None;
    }
    before_journaled(disk, promise, &sibling(path, JOURNAL_SUFFIX), act)
}

/// W2.
fn before_journaled(disk: &Disk, promise: Promise, path: &Path, act: Act<'_>) -> Option<&'static str> {
    let Some(inode) = disk.inode(path) else {
        return Some("W2: the database is written without a journal");
    };
    let power = promise == Promise::Power;
    if power && !disk.name_is_durable(path, inode) {
        return Some("W2: the name of the journal is not durable");
    }
    let bytes = if power {
        disk.durable(inode)
    } else {
        disk.seen(inode)
    };
    let Some(journal) = OldPages::read(bytes) else {
        return Some("W2: the database is written before its journal is complete");
    };
    let (start, end) = match act {
        Act::Write { offset, bytes } => (offset, offset + bytes.len() as u64),
        Act::SetLen(len) => (len, u64::MAX),
        Act::Unlink | Act::Rename(_) => return None,
    };
    let page_size = u64::from(journal.header.page_size);
    let last = end
        .div_ceil(page_size)
        .min(u64::from(journal.header.page_count_before));
    let lock_byte_page = crate::format::LOCK_BYTES_OFFSET / page_size + 1;
    ((start / page_size + 1)..=last)
        .any(|page| page != lock_byte_page && !journal.has(page as u32))
        .then_some("W2: a page is overwritten that the journal does not hold")
}

fn before_journal(
    disk: &Disk,
    promise: Promise,
    database: &Path,
    inode: InodeNo,
    act: Act<'_>,
) -> Option<&'static str> {
    let ends = match act {
        Act::Unlink | Act::Rename(_) => true,
        Act::SetLen(len) => len < 28,
        Act::Write { offset, bytes } => offset == 0 && JournalHeader::decode(&padded(bytes)).is_none(),
    };
    if !ends || promise == Promise::Nothing {
        return None;
    }
    let journal = OldPages::read(disk.seen(inode))?;
    let database = disk.inode(database)?;
    if promise == Promise::Power && !disk.is_synced(database) {
        return Some("W4: the journal ends before the database is durable");
    }
    // A database that is put back to nothing has no counter.
    let (old, new) = (
        journal.page(1)?,
        disk.seen(database).get(..journal.header.page_size as usize)?,
    );
    (old != new && old.get(24..28) == new.get(24..28)).then_some("W5: the change counter stands still")
}

/// W9 to W11.
fn before_spare(
    disk: &Disk,
    promise: Promise,
    database: &Path,
    inode: InodeNo,
    held: Held,
    act: Act<'_>,
) -> Option<&'static str> {
    if held.level < LockLevel::Reserved {
        return Some("W10: a spare journal is touched without a lock");
    }
    let power = promise == Promise::Power;
    match act {
        Act::Unlink => None,
        Act::Rename(_) if !held.exclusive() => Some("W9: a journal comes to be without EXCLUSIVE"),
        Act::Rename(_) if power && !disk.is_synced(inode) => {
            Some("W9: a file becomes the journal before it is durable")
        }
        Act::Rename(_) => {
            let complete = OldPages::read(disk.seen(inode)).is_some_and(|journal| journal.is_whole());
            (!complete).then_some("W9: a file becomes the journal and is none")
        }
        Act::Write { .. } | Act::SetLen(_) => {
            let journal = disk.durable_inode(&sibling(database, JOURNAL_SUFFIX));
            (power && journal == Some(inode))
                .then_some("W11: a spare journal is written that a loss of power makes the journal again")
        }
    }
}

fn before_log(
    disk: &Disk,
    promise: Promise,
    database: &Path,
    inode: InodeNo,
    held: Held,
    act: Act<'_>,
) -> Option<&'static str> {
    let power = promise == Promise::Power;
    match act {
        Act::Unlink if !held.exclusive() => return Some("W6: the log is deleted by one of several users"),
        Act::Write { offset, bytes } if held.checkpoints() && is_there(disk.seen(inode), offset, bytes) => {}
        Act::Write { .. } | Act::SetLen(_) if !held.writes_log() => {
            return Some("W6: the log is written without a lock");
        }
        _ => {}
    }
    let database_is_durable = disk.inode(database).is_none_or(|inode| disk.is_synced(inode));
    let Act::Write { offset, bytes } = act else {
        return (power && !database_is_durable && !disk.seen(inode).is_empty())
            .then_some("W7: the log is cut before the database is durable");
    };
    let before = log_header(disk.seen(inode))?;
    if offset == 0 {
        let after = log_header(bytes)?;
        if after.salt == before.salt {
            return Some("W7: the log starts again with its old salts");
        }
        return (power && !database_is_durable)
            .then_some("W7: the log starts again before the database is durable");
    }
    let durable = disk.durable(inode);
    let old_frames = durable.len() > LOG_HEADER_SIZE;
    (power && old_frames && log_header(durable) != Some(before))
        .then_some("W8: frames are written over an old log before its new header is durable")
}

/// True if a write changes nothing that can be seen.
fn is_there(seen: &[u8], offset: u64, bytes: &[u8]) -> bool {
    usize::try_from(offset)
        .ok()
        .and_then(|start| seen.get(start..)?.get(..bytes.len()))
        == Some(bytes)
}

fn log_header(bytes: &[u8]) -> Option<WalHeader> {
    let (header, _) = WalHeader::decode(bytes.first_chunk()?).ok()??;
    Some(header)
}

fn padded(bytes: &[u8]) -> [u8; 28] {
    let mut out = [0; 28];
    let len = bytes.len().min(28);
    out[..len].copy_from_slice(&bytes[..len]);
    out
}

/// The pages that a journal holds. Only its first segment: our journals have one.
struct OldPages<'a> {
    header: JournalHeader,
    records: &'a [u8],
}

impl<'a> OldPages<'a> {
    fn read(bytes: &'a [u8]) -> Option<OldPages<'a>> {
        let header = JournalHeader::decode(bytes).filter(JournalHeader::sizes_are_valid)?;
        let records = bytes.get(header.sector_size as usize..)?;
        let size = header.record_size() as usize;
        let count = match header.record_count {
            RECORD_COUNT_TO_END => records.len() / size,
            count => (count as usize).min(records.len() / size),
        };
        Some(OldPages {
            header,
            records: &records[..count * size],
        })
    }

    /// True if every record that the header counts is there.
    fn is_whole(&self) -> bool {
        let count = self.records.len() as u64 / self.header.record_size();
        self.header.record_count == RECORD_COUNT_TO_END || count == u64::from(self.header.record_count)
    }

    fn page(&self, number: u32) -> Option<&'a [u8]> {
        let size = self.header.record_size() as usize;
        let record = self
            .records
            .chunks_exact(size)
            .find(|record| record[..4] == number.to_be_bytes())?;
        record.get(4..size - 4)
    }

    fn has(&self, number: u32) -> bool {
        self.page(number).is_some()
    }
}

impl std::fmt::Display for Act<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Act::Write { offset, bytes } => write!(f, "write of {} bytes at {offset}", bytes.len()),
            Act::SetLen(len) => write!(f, "length {len}"),
            Act::Unlink => f.write_str("delete"),
            Act::Rename(to) => write!(f, "new name {}", to.display()),
        }
    }
}
