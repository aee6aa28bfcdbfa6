//! A rollback journal, read and nothing else.
//!
//! It is believed as far as it is sound, as in SQLite: a bad header, a record whose checksum is wrong, or the end of the file end it there. What
//! came before was synced before the database changed.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use aludel_storage::format::PageNo;
use aludel_storage::format::checksum::journal_checksum;
use aludel_storage::format::journal::{HEADER_SIZE, JournalHeader, RECORD_COUNT_TO_END, super_journal_name};
use aludel_storage::vfs::ReadOnlyFile;

use super::Places;

/// Longest name of a super-journal that is looked for.
const SUPER_JOURNAL_NAME_MAX: u64 = 4096;

/// A journal that has been read through.
#[derive(Debug)]
pub struct JournalScan {
    file: ReadOnlyFile,
    /// Bytes of the file.
    pub len: u64,
    /// Whether its first byte says that it holds a transaction: zero is a journal that was ended in place.
    pub has_begun: bool,
    /// Bytes of a page.
    pub page_size: u32,
    /// Pages of the database before the transaction.
    pub page_count_before: u32,
    /// Its parts, each with a header.
    pub segments: Vec<JournalSegment>,
    /// Where in the journal the original of each page lies.
    pub places: Places,
    /// The journal of the journals of a commit over several files, if this one names it.
    pub super_journal: Option<SuperJournal>,
}

/// The file that ties the journals of one commit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuperJournal {
    /// Its path.
    pub path: PathBuf,
    /// Whether it is there. Gone, the commit succeeded, and the journal is not to be rolled back.
    pub exists: bool,
}

/// A header of a journal and the records behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSegment {
    /// Where the header is.
    pub offset: u64,
    /// What it says.
    pub header: JournalHeader,
    /// Records that count.
    pub sound: u64,
    /// Records that it announces and that have room in the file.
    pub announced: u64,
}

/// A record of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    /// Where it is.
    pub offset: u64,
    /// The page of which it holds the original.
    pub page: u32,
    /// Whether its checksum is right and its page can be one.
    pub is_sound: bool,
}

impl JournalScan {
    /// Reads a journal through; `None` when there is none. `page_size` is the database's, for journals that do not say theirs.
    ///
    /// # Errors
    /// Those of reading.
    pub fn open(path: &Path, page_size: Option<u32>) -> io::Result<Option<JournalScan>> {
        JournalScan::read(path, page_size, &mut |_| ())
    }

    /// As [`JournalScan::open`], and shows each record.
    ///
    /// # Errors
    /// Those of reading.
    pub fn read(
        path: &Path,
        page_size: Option<u32>,
        each: &mut dyn FnMut(JournalRecord),
    ) -> io::Result<Option<JournalScan>> {
        let file = match ReadOnlyFile::open(path) {
            Ok(file) => file,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::IsADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let len = file.metadata()?.len();
        let mut first = [0];
        let has_begun = file.read_at(&mut first, 0)? == 1 && first[0] != 0;
        let super_journal = super_journal_of(&file, len)?;
        let mut scan = JournalScan {
            file,
            len,
            has_begun,
            page_size: 0,
            page_count_before: 0,
            segments: Vec::new(),
            places: Places::new(),
            super_journal,
        };
        scan.segments(page_size, each)?;
        Ok(Some(scan))
    }

    /// Whether SQLite would roll it back, if nobody is writing: it holds a transaction that was not committed.
    pub fn is_hot(&self) -> bool {
        let undone = self.super_journal.as_ref().is_none_or(|name| name.exists);
        self.has_begun && undone && !self.segments.is_empty()
    }

    pub(super) fn file(&self) -> &ReadOnlyFile {
        &self.file
    }

    fn segments(&mut self, page_size: Option<u32>, each: &mut dyn FnMut(JournalRecord)) -> io::Result<()> {
        let mut at = 0;
        loop {
            let mut bytes = [0; HEADER_SIZE];
            if self.file.read_at(&mut bytes, at)? < bytes.len() {
                return Ok(());
            }
            let Some(mut header) = JournalHeader::decode(&bytes) else {
                return Ok(());
            };
            match self.segments.first() {
                // The sizes are those of the first header; before SQLite 3.5.8 the database says the page size.
                Some(first) => {
                    (header.page_size, header.sector_size) = (self.page_size, first.header.sector_size)
                }
                None => {
                    if header.page_size == 0 {
                        header.page_size = page_size.unwrap_or(0);
                    }
                    if !header.sizes_are_valid() {
                        return Ok(());
                    }
                    (self.page_size, self.page_count_before) = (header.page_size, header.page_count_before);
                }
            }
            let start = at + u64::from(header.sector_size);
            if start > self.len {
                return Ok(());
            }
            let fits = (self.len - start) / header.record_size();
            let announced = match header.record_count {
                RECORD_COUNT_TO_END => fits,
                count => u64::from(count).min(fits),
            };
            let sound = self.records(&header, start, announced, each)?;
            self.segments.push(JournalSegment {
                offset: at,
                header,
                sound,
                announced,
            });
            if sound < announced {
                return Ok(());
            }
            at = (start + announced * header.record_size()).next_multiple_of(u64::from(header.sector_size));
        }
    }

    /// Notes where the originals of a segment lie; how many count.
    fn records(
        &mut self,
        header: &JournalHeader,
        start: u64,
        count: u64,
        each: &mut dyn FnMut(JournalRecord),
    ) -> io::Result<u64> {
        let size = header.page_size as usize;
        let mut record = vec![0; size + 8];
        for number in 0..count {
            let offset = start + number * header.record_size();
            if self.file.read_at(&mut record, offset)? < record.len() {
                return Ok(number);
            }
            let page = word(&record, 0);
            let sum = journal_checksum(header.nonce, &record[4..4 + size]);
            let is_sound =
                page != 0 && page != PageNo::lock_byte_page(size).get() && sum == word(&record, size + 4);
            each(JournalRecord {
                offset,
                page,
                is_sound,
            });
            if !is_sound {
                return Ok(number);
            }
            if page <= self.page_count_before {
                self.places.insert(page, offset + 4);
            }
        }
        Ok(count)
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let part = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    part.map_or(0, |part| u32::from_be_bytes(*part))
}

fn super_journal_of(file: &ReadOnlyFile, len: u64) -> io::Result<Option<SuperJournal>> {
    let start = len.saturating_sub(SUPER_JOURNAL_NAME_MAX + 16);
    let mut tail = vec![0; (len - start) as usize];
    if file.read_at(&mut tail, start)? < tail.len() {
        return Ok(None);
    }
    Ok(super_journal_name(&tail).map(|name| {
        let path = PathBuf::from(OsString::from_vec(name.to_vec()));
        let exists = path.exists();
        SuperJournal { path, exists }
    }))
}
