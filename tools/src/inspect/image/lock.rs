//! What keeps others from changing the files while an image of them lives.
//!
//! ```text
//!   rollback mode             SHARED: no commit touches the file, no one rolls a hot journal back
//!   a wal-index in use        SHARED, and a read mark: no checkpoint passes it, the log is not begun anew
//!   a wal-index left behind   SHARED, and read mark 1: whoever makes it anew finds the mark taken and leaves the log as it is
//!   a log without wal-index   SHARED only: the log is not deleted, but may be moved on; the witness tells
//!   --no-lock                 nothing: the witness tells
//! ```
//!
//! - L1 No byte of a wal-index is written. SQLite raises a mark to the newest frame where it can; here one that is there already is
//!   taken, which SQLite's readers of read-only folders do as well.
//! - L2 The header of the wal-index is read again after the mark is locked: what was chosen still holds then.
//! - L3 Only the frames up to the header's count are looked at, however much is appended later.

use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use aludel_storage::format::wal_index::{
    BACKFILL_WORD, HEADER_WORDS, IndexHeader, READ_MARK_WORD, READ_MARKS,
};
use aludel_storage::vfs::{
    PENDING_BYTE, ReadOnlyFile, SHARED_FIRST, SHARED_SIZE, SHM_READ_BYTE, SHM_USE_BYTE, sibling,
};

use super::{ImageError, ImageOptions};

/// What an image holds on to.
#[derive(Debug)]
pub enum Hold {
    /// SQLite's shared lock on the database.
    Shared,
    /// The shared lock and a read mark of a wal-index that others use.
    ReadMark {
        /// Which of the five marks.
        mark: usize,
        /// The wal-index, which holds the lock.
        index: ReadOnlyFile,
    },
    /// The shared lock and a mark of a wal-index that nobody uses.
    StaleIndex {
        /// The wal-index, which holds the lock.
        index: ReadOnlyFile,
    },
    /// The shared lock; there is a log but no wal-index.
    LogWithoutIndex,
    /// Nothing, as asked.
    None,
}

impl Hold {
    /// Whether nobody can change what the image shows.
    pub fn is_firm(&self) -> bool {
        !matches!(self, Hold::None | Hold::LogWithoutIndex)
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Hold::Shared => "shared lock".to_owned(),
            Hold::ReadMark { mark, .. } => format!("shared lock and read mark {mark}"),
            Hold::StaleIndex { .. } => "shared lock and a mark of the unused wal-index".to_owned(),
            Hold::LogWithoutIndex => "shared lock, and a comparison of the log at the end".to_owned(),
            Hold::None => "no lock, and a comparison of the files at the end".to_owned(),
        }
    }

    /// The name in machine formats.
    pub fn code(&self) -> &'static str {
        match self {
            Hold::Shared => "shared",
            Hold::ReadMark { .. } => "read_mark",
            Hold::StaleIndex { .. } => "stale_index",
            Hold::LogWithoutIndex => "log_without_index",
            Hold::None => "none",
        }
    }
}

/// How often a changing wal-index is looked at again before the waiting time counts.
const PAUSE: Duration = Duration::from_millis(2);

/// Takes the locks. The second value is the last frame of the log that may be looked at, `None` for all that is sound.
pub(super) fn hold(
    database: &mut ReadOnlyFile,
    path: &Path,
    options: &ImageOptions,
) -> Result<(Hold, Option<u32>), ImageError> {
    if options.no_lock {
        return Ok((Hold::None, None));
    }
    let read = |source| ImageError::Read {
        path: path.to_owned(),
        source,
    };
    let until = Instant::now() + options.wait;
    while !share_database(database).map_err(read)? {
        pause(until, path)?;
    }
    loop {
        let taken = hold_log(path).map_err(read)?;
        match taken {
            Some(taken) => return Ok(taken),
            None => pause(until, path)?,
        }
    }
}

/// Waits a moment, or says that it has been long enough.
fn pause(until: Instant, path: &Path) -> Result<(), ImageError> {
    if Instant::now() >= until {
        return Err(ImageError::Busy {
            path: path.to_owned(),
        });
    }
    thread::sleep(PAUSE);
    Ok(())
}

fn share_database(database: &mut ReadOnlyFile) -> io::Result<bool> {
    // A pending writer is let through, as by SQLite's readers.
    Ok(!database.is_locked_exclusively(PENDING_BYTE, 1)? && database.share(SHARED_FIRST, SHARED_SIZE)?)
}

/// The part of the hold that a log needs; `None` when somebody is just changing it.
fn hold_log(path: &Path) -> io::Result<Option<(Hold, Option<u32>)>> {
    let has_log = sibling(path, "-wal").metadata().is_ok_and(|log| log.len() > 0);
    let mut index = match ReadOnlyFile::open(&sibling(path, "-shm")) {
        Ok(index) => index,
        Err(_) if has_log => return Ok(Some((Hold::LogWithoutIndex, None))),
        Err(_) => return Ok(Some((Hold::Shared, None))),
    };
    if !has_log {
        return Ok(Some((Hold::Shared, None)));
    }
    if index.is_locked(SHM_USE_BYTE, 1)?
        && let Some(state) = IndexState::read(&index)?
    {
        let Some(mark) = state.choose() else {
            return Ok(None);
        };
        if !index.share(SHM_READ_BYTE + mark as u64, 1)? {
            return Ok(None);
        }
        // L2: a header or mark that moved on before the lock was there may stand for another log.
        if IndexState::read(&index)?.is_none_or(|now| !now.agrees(&state, mark)) {
            return Ok(None);
        }
        let limit = if mark == 0 { 0 } else { state.header.frame_count };
        return Ok(Some((Hold::ReadMark { mark, index }, Some(limit))));
    }
    if !index.share(SHM_READ_BYTE + 1, 1)? {
        return Ok(None);
    }
    Ok(Some((Hold::StaleIndex { index }, None)))
}

/// The front of a wal-index at one moment.
struct IndexState {
    header: IndexHeader,
    backfilled: u32,
    marks: [u32; READ_MARKS],
}

impl IndexState {
    /// `None` while it is being changed, or before anybody has filled it.
    fn read(index: &ReadOnlyFile) -> io::Result<Option<IndexState>> {
        let mut bytes = [0; (READ_MARK_WORD + READ_MARKS) * 4];
        if index.read_at(&mut bytes, 0)? < bytes.len() {
            return Ok(None);
        }
        let word = |at: usize| {
            let part = &bytes[at * 4..at * 4 + 4];
            u32::from_ne_bytes([part[0], part[1], part[2], part[3]])
        };
        let copy = |start: usize| -> [u32; HEADER_WORDS] { std::array::from_fn(|i| word(start + i)) };
        if copy(0) != copy(HEADER_WORDS) {
            return Ok(None);
        }
        let Ok(header) = IndexHeader::decode(&copy(0)) else {
            return Ok(None);
        };
        Ok(Some(IndexState {
            header,
            backfilled: word(BACKFILL_WORD),
            marks: std::array::from_fn(|i| word(READ_MARK_WORD + i)),
        }))
    }

    /// The mark to lock: 0 when the file has all of the log, else the highest that is not above the last frame.
    fn choose(&self) -> Option<usize> {
        if self.backfilled == self.header.frame_count {
            return Some(0);
        }
        (1..READ_MARKS)
            .filter(|mark| self.marks[*mark] <= self.header.frame_count)
            .max_by_key(|mark| self.marks[*mark])
    }

    fn agrees(&self, before: &IndexState, mark: usize) -> bool {
        self.header == before.header && self.marks[mark] == before.marks[mark]
    }
}
