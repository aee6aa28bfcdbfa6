//! Rolling a database back from a journal: its own transaction's, or a hot one that a crash left.
//!
//! A journal is believed as far as it is sound and no further: a bad header, a record whose checksum is wrong or a file that is
//! too short end it there, as in SQLite. Everything up to that point was synced before the database changed; what comes after was not.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Place, finish};
use crate::error::{Error, Result};
use crate::format::PageNo;
use crate::format::checksum::journal_checksum;
use crate::format::header::decode_page_size;
use crate::format::journal::{HEADER_SIZE, JournalHeader, RECORD_COUNT_TO_END, super_journal_name};
use crate::vfs::{File, LockLevel, OpenOptions, SyncKind, Vfs, WRITE_CHUNK, folder_of, read_whole};

/// Whose journal is played back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Playback {
    /// That of this connection's transaction.
    Own,
    /// One that somebody left behind.
    Hot,
}

/// Longest super-journal name that is looked for.
const SUPER_JOURNAL_NAME_MAX: usize = 4096;

/// True if the journal has to be rolled back: it is there, nobody is writing, and its header is not empty. The caller holds
/// Shared.
///
/// A journal beside an empty database is no transaction's: somebody deleted the database and forgot its journal. It is deleted.
pub(crate) fn is_hot(vfs: &dyn Vfs, journal: &Path, database: &mut dyn File) -> Result<bool> {
    if !vfs.exists(journal)? || database.check_reserved()? {
        return Ok(false);
    }
    if database.is_empty()? {
        if !database.is_read_only() && database.lock(LockLevel::Reserved).is_ok() {
            vfs.unlink(journal)?;
            database.unlock(LockLevel::Shared)?;
        }
        return Ok(false);
    }
    let file = match vfs.open(
        journal,
        &OpenOptions {
            read_only: true,
            ..OpenOptions::default()
        },
    ) {
        Ok(file) => file,
        // Gone since we looked; whoever deleted it has rolled it back or committed.
        Err(error) => {
            return if vfs.exists(journal)? {
                Err(error)
            } else {
                Ok(false)
            };
        }
    };
    has_begun(&*file)
}

/// True unless the journal is empty or was ended in place.
fn has_begun(journal: &dyn File) -> Result<bool> {
    let mut first = [0];
    Ok(read_whole(journal, &mut first, 0)? == 1 && first[0] != 0)
}

/// Rolls back a hot journal and ends it. The caller holds Exclusive.
///
/// A journal that names a super-journal which is gone belongs to a commit that succeeded: it is only ended.
pub(crate) fn roll_back_hot(place: &Place<'_>, database: &dyn File) -> Result<()> {
    let options = OpenOptions::default();
    let file = match place.vfs.open(place.journal, &options) {
        Ok(file) => file,
        Err(error) => {
            return if place.vfs.exists(place.journal)? {
                Err(error)
            } else {
                Ok(())
            };
        }
    };
    if place.syncs.content {
        // Its writer may have died before the syncs; nothing may change in it, or take its name away, while we follow it.
        file.sync(SyncKind::Data)?;
        place.vfs.sync_dir(folder_of(place.journal))?;
    }
    let super_journal = super_journal_of(&*file)?;
    let undone = match &super_journal {
        Some(name) => place.vfs.exists(name)?,
        None => true,
    };
    if undone {
        play_back(&*file, database, Playback::Hot)?;
        if place.syncs.content {
            database.sync(SyncKind::Data)?;
        }
    }
    if let Some(name) = &super_journal
        && !undone
        && place.syncs.content
    {
        make_absence_durable(place.vfs, name)?;
    }
    finish(place, file)?;
    if undone && let Some(name) = super_journal {
        delete_if_stale(place.vfs, &name)?;
    }
    Ok(())
}

/// Makes sure that a super-journal which is gone stays so. Whoever deleted it may have died before that was durable, and were it to come
/// back after one of its journals ended, the others would still be rolled back: half a commit.
fn make_absence_durable(vfs: &dyn Vfs, super_journal: &Path) -> Result<()> {
    match vfs.sync_dir(folder_of(super_journal)) {
        // The files were moved here from elsewhere; nothing comes back in a folder that is not there.
        Err(Error::Io { source, .. })
            if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// The super-journal that a journal names.
fn super_journal_of(journal: &dyn File) -> Result<Option<PathBuf>> {
    let len = journal.len()?;
    let start = len.saturating_sub((SUPER_JOURNAL_NAME_MAX + 16) as u64);
    let mut tail = vec![0; (len - start) as usize];
    let count = read_whole(journal, &mut tail, start)?;
    if count < tail.len() {
        return Ok(None);
    }
    Ok(super_journal_name(&tail).map(path_of))
}

#[cfg(unix)]
fn path_of(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(OsString::from_vec(name.to_vec()))
}

#[cfg(not(unix))]
fn path_of(name: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from(String::from_utf8_lossy(name).into_owned()))
}

/// Deletes a super-journal that no journal points to any more (lockingv3 4.2).
pub(crate) fn delete_if_stale(vfs: &dyn Vfs, super_journal: &Path) -> Result<()> {
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    let Ok(file) = vfs.open(super_journal, &options) else {
        return Ok(());
    };
    let len = file.len()?.min(1 << 20);
    let mut names = vec![0; len as usize];
    let count = read_whole(&*file, &mut names, 0)?;
    drop(file);
    for name in names[..count]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let journal = path_of(name);
        if !vfs.exists(&journal)? {
            continue;
        }
        let file = vfs.open(&journal, &options)?;
        // A journal that is kept has its old trailer still.
        if has_begun(&*file)? && super_journal_of(&*file)?.as_deref() == Some(super_journal) {
            return Ok(());
        }
    }
    vfs.unlink(super_journal)?;
    Ok(())
}

/// Writes the pages of a journal back to the database and gives it its old length. Does not sync.
pub(super) fn play_back(journal: &dyn File, database: &dyn File, whose: Playback) -> Result<()> {
    let len = journal.len()?;
    let mut reader = Reader {
        journal,
        database,
        len,
        offset: 0,
        first: None,
    };
    while let Some(segment) = reader.next_segment(whose)? {
        if segment.is_first {
            restore_length(database, &segment.header)?;
        }
        if !reader.play_segment(&segment, database)? {
            break;
        }
    }
    Ok(())
}

fn restore_length(database: &dyn File, header: &JournalHeader) -> Result<()> {
    let wanted = u64::from(header.page_count_before) * u64::from(header.page_size);
    if database.len()? != wanted {
        database.set_len(wanted)?;
    }
    Ok(())
}

/// The page size in the header of a database file; 0 where there is none.
fn page_size_of(database: &dyn File) -> Result<u32> {
    let mut stored = [0; 2];
    read_whole(database, &mut stored, 16)?;
    Ok(decode_page_size(u16::from_be_bytes(stored)).unwrap_or(0))
}

struct Reader<'a> {
    journal: &'a dyn File,
    database: &'a dyn File,
    len: u64,
    offset: u64,
    first: Option<JournalHeader>,
}

struct Segment {
    header: JournalHeader,
    record_count: u64,
    is_first: bool,
}

impl Reader<'_> {
    /// The next header, at the next sector border. `None` at the end of what is sound.
    fn next_segment(&mut self, whose: Playback) -> Result<Option<Segment>> {
        if let Some(first) = &self.first {
            self.offset = self.offset.next_multiple_of(u64::from(first.sector_size));
        }
        let mut bytes = [0; HEADER_SIZE];
        if read_whole(self.journal, &mut bytes, self.offset)? < HEADER_SIZE {
            return Ok(None);
        }
        let Some(mut header) = JournalHeader::decode(&bytes) else {
            return Ok(None);
        };
        if header.page_size == 0 && self.first.is_none() {
            // Journals of SQLite before 3.5.8 leave it to the database to say.
            header.page_size = page_size_of(self.database)?;
        }
        let is_first = self.first.is_none();
        let sizes = match &self.first {
            None if !header.sizes_are_valid() => return Ok(None),
            None => header,
            Some(first) => *first,
        };
        self.first = Some(sizes);
        let header = JournalHeader {
            page_size: sizes.page_size,
            sector_size: sizes.sector_size,
            ..header
        };
        let start = self.offset + u64::from(header.sector_size);
        if start > self.len {
            return Ok(None);
        }
        let fits = (self.len - start) / header.record_size();
        let record_count = match header.record_count {
            RECORD_COUNT_TO_END => fits,
            // Our own journal is only read after it was completed, so zero means zero there as well.
            count => u64::from(count).min(fits),
        };
        debug_assert!(whose == Playback::Hot || record_count == u64::from(header.record_count));
        self.offset = start;
        Ok(Some(Segment {
            header,
            record_count,
            is_first,
        }))
    }

    /// Plays a segment's records; `false` if one of them was not sound.
    fn play_segment(&mut self, segment: &Segment, database: &dyn File) -> Result<bool> {
        let record_size = segment.header.record_size() as usize;
        let mut left = segment.record_count;
        let mut buffer = Vec::new();
        while left > 0 {
            let count = left.min((WRITE_CHUNK / record_size).max(1) as u64);
            buffer.resize(count as usize * record_size, 0);
            let read = read_whole(self.journal, &mut buffer, self.offset)?;
            for record in buffer[..read].chunks_exact(record_size) {
                if !play_record(
                    record,
                    self.first.as_ref().unwrap_or(&segment.header),
                    &segment.header,
                    database,
                )? {
                    return Ok(false);
                }
            }
            if read < buffer.len() {
                return Ok(false);
            }
            self.offset += read as u64;
            left -= count;
        }
        Ok(true)
    }
}

fn play_record(
    record: &[u8],
    first: &JournalHeader,
    header: &JournalHeader,
    database: &dyn File,
) -> Result<bool> {
    let Some((number, rest)) = record.split_first_chunk::<4>() else {
        return Ok(false);
    };
    let Some((page, checksum)) = rest.split_last_chunk::<4>() else {
        return Ok(false);
    };
    let page_size = header.page_size as usize;
    let Some(number) = PageNo::new(u32::from_be_bytes(*number)) else {
        return Ok(false);
    };
    if number == PageNo::lock_byte_page(page_size)
        || journal_checksum(header.nonce, page) != u32::from_be_bytes(*checksum)
    {
        return Ok(false);
    }
    // A page past the old end was appended by the transaction: cutting the file has taken it back.
    if number.get() <= first.page_count_before {
        database.write_at(page, number.offset(page_size))?;
    }
    Ok(true)
}
