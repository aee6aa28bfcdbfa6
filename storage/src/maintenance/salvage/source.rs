//! The pages of a damaged file as they are to be read: over the file's own bytes lie those of its log or its hot journal.
//!
//! Nothing is written, not even to recover: what is damaged stays as evidence. Nothing of the header is needed: a page size and a count of
//! reserved bytes that are not to be believed are guessed from where the cells of B-tree pages end.
//!
//! - S1. Every page has the page size: what the file does not hold reads as zeros.

use std::path::Path;

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::format::cell::PayloadLimits;
use crate::format::checksum::journal_checksum;
use crate::format::header::{HEADER_SIZE, Header, MAGIC, USABLE_SIZE_MIN, decode_page_size};
use crate::format::journal::{self, JournalHeader, RECORD_COUNT_TO_END};
use crate::format::page::{PageRef, read_u32};
use crate::format::wal::{self, FRAME_HEADER_SIZE, Frame, WalHeader, frame_offset, frame_page_offset};
use crate::format::{AutoVacuum, PageNo, TextEncoding};
use crate::vfs::{File, LockLevel, OpenOptions, Vfs, read_whole, sibling};

/// What a damaged file's header says, as far as it can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SalvagedHeader {
    /// The header is that of a database.
    pub is_sound: bool,
    /// Page size, guessed where the header does not say it.
    pub page_size: u32,
    /// Reserved bytes of each page.
    pub reserved: u8,
    /// The encoding of texts.
    pub encoding: TextEncoding,
    /// The auto-vacuum mode.
    pub auto_vacuum: AutoVacuum,
    /// `PRAGMA user_version`.
    pub user_version: i32,
    /// `PRAGMA application_id`.
    pub application_id: i32,
    /// The first freelist trunk.
    pub freelist_trunk: Option<PageNo>,
}

/// The pages, the newest version of each.
pub(super) struct Pages {
    file: Box<dyn File>,
    /// The log or the hot journal, and where in it which pages lie.
    beside: Option<(Box<dyn File>, FxHashMap<u32, u64>)>,
    pub(super) header: SalvagedHeader,
    pub(super) count: u32,
}

const READ_ONLY: OpenOptions<'static> = OpenOptions {
    read_only: true,
    create: false,
    read_only_fallback: false,
    permissions_of: None,
};

impl Pages {
    pub(super) fn open(vfs: &dyn Vfs, path: &Path) -> Result<Pages> {
        let path = vfs.full_path(path)?;
        let mut file = vfs.open(&path, &READ_ONLY)?;
        file.lock(LockLevel::Shared)?;
        let mut first = [0; HEADER_SIZE];
        read_whole(&*file, &mut first, 0)?;
        let beside = match Log::open(vfs, &path)? {
            Some(log) => Some(log),
            None if file.check_reserved()? => None,
            None => Journal::open(vfs, &path, &first)?,
        };
        if let Some(page) = beside.as_ref().and_then(|beside| beside.places.get(&1)) {
            // The header is that of the newest page 1.
            let beside = beside.as_ref().map(|beside| &beside.file);
            beside.map_or(Ok(0), |file| read_whole(&**file, &mut first, *page))?;
        }
        let len = file.len()?;
        let told = beside.as_ref().map(|beside| beside.page_size);
        let mut header = believed(&first);
        let page_size = told.or(header.is_sound.then_some(header.page_size));
        header.page_size = match page_size {
            Some(size) if has_tree_at_start(&*file, size, header.reserved)? || beside.is_some() => size,
            _ => guess_page_size(&*file, len, header.reserved)?.unwrap_or(header.page_size),
        };
        let reserved = reserved_bytes_of(&*file, len, &header)?;
        header.is_sound &= reserved == header.reserved;
        header.reserved = reserved;
        let held = u32::try_from(len.div_ceil(u64::from(header.page_size))).unwrap_or(u32::MAX);
        let count = match &beside {
            Some(beside) => beside.page_count.unwrap_or(held),
            // The header may say less: pages that it leaves out and that no tree leads to come up as strays.
            None => held,
        };
        // A log may hold pages that the file has no room for yet, one in each frame; nothing else can.
        let more = beside.as_ref().map_or(0, |beside| beside.places.len());
        let most = held.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        Ok(Pages {
            file,
            beside: beside.map(|beside| (beside.file, beside.places)),
            header,
            count: count.min(most),
        })
    }

    pub(super) fn usable(&self) -> usize {
        self.header.page_size as usize - usize::from(self.header.reserved)
    }

    /// The page; `None` for one that is not in the file.
    pub(super) fn page(&self, no: PageNo) -> Result<Option<Vec<u8>>> {
        let size = self.header.page_size as usize;
        if no.get() > self.count || no == PageNo::lock_byte_page(size) {
            return Ok(None);
        }
        let mut bytes = vec![0; size];
        match &self.beside {
            Some((file, places)) if places.contains_key(&no.get()) => {
                read_whole(&**file, &mut bytes, places[&no.get()])?;
            }
            _ => {
                read_whole(&*self.file, &mut bytes, no.offset(size))?;
            }
        }
        Ok(Some(bytes))
    }
}

/// The pages that lie beside the file.
struct Beside {
    file: Box<dyn File>,
    page_size: u32,
    page_count: Option<u32>,
    places: FxHashMap<u32, u64>,
}

fn open_beside(vfs: &dyn Vfs, path: &Path, suffix: &str) -> Result<Option<(Box<dyn File>, u64)>> {
    let path = sibling(path, suffix);
    if !vfs.exists(&path)? {
        return Ok(None);
    }
    let file = vfs.open(&path, &READ_ONLY)?;
    let len = file.len()?;
    Ok((len > 0).then_some((file, len)))
}

/// The write-ahead log: committed frames, the last of each page.
struct Log;

impl Log {
    fn open(vfs: &dyn Vfs, path: &Path) -> Result<Option<Beside>> {
        let Some((file, len)) = open_beside(vfs, path, "-wal")? else {
            return Ok(None);
        };
        let mut bytes = [0; wal::HEADER_SIZE];
        read_whole(&*file, &mut bytes, 0)?;
        let Ok(Some((header, mut checksum))) = WalHeader::decode(&bytes) else {
            return Ok(None);
        };
        let size = header.page_size as usize;
        let (mut places, mut pending) = (FxHashMap::default(), Vec::new());
        let mut page_count = None;
        let mut page = vec![0; size];
        for number in 1.. {
            let (at, page_at) = (frame_offset(number, size), frame_page_offset(number, size));
            if page_at + size as u64 > len {
                break;
            }
            let mut head = [0; FRAME_HEADER_SIZE];
            read_whole(&*file, &mut head, at)?;
            read_whole(&*file, &mut page, page_at)?;
            let Some(frame) = Frame::decode(&head, &page, header.order, header.salt, &mut checksum) else {
                break;
            };
            pending.push((frame.page.get(), page_at));
            if frame.commit_size > 0 {
                page_count = Some(frame.commit_size);
                places.extend(pending.drain(..));
            }
        }
        Ok((!places.is_empty()).then_some(Beside {
            file,
            page_size: header.page_size,
            page_count,
            places,
        }))
    }
}

/// A rollback journal that a crash left: the pages as they were.
struct Journal;

impl Journal {
    fn open(vfs: &dyn Vfs, path: &Path, database: &[u8; HEADER_SIZE]) -> Result<Option<Beside>> {
        let Some((file, len)) = open_beside(vfs, path, journal::JOURNAL_SUFFIX)? else {
            return Ok(None);
        };
        let mut first: Option<JournalHeader> = None;
        let mut places = FxHashMap::default();
        let mut at = 0;
        loop {
            let mut bytes = [0; journal::HEADER_SIZE];
            if read_whole(&*file, &mut bytes, at)? < bytes.len() {
                break;
            }
            let Some(mut segment) = JournalHeader::decode(&bytes) else {
                break;
            };
            if segment.page_size == 0 {
                segment.page_size = believed(database).page_size;
            }
            let sizes = *first.get_or_insert(segment);
            if !sizes.sizes_are_valid() {
                return Ok(None);
            }
            at += u64::from(sizes.sector_size);
            let fits = len.saturating_sub(at) / sizes.record_size();
            let count = match segment.record_count {
                RECORD_COUNT_TO_END => fits,
                count => u64::from(count).min(fits),
            };
            let sound = take_records(&*file, &sizes, segment.nonce, (at, count), &mut places)?;
            at = (at + count * sizes.record_size()).next_multiple_of(u64::from(sizes.sector_size));
            if !sound || count == 0 {
                break;
            }
        }
        Ok(first.map(|first| Beside {
            file,
            page_size: first.page_size,
            page_count: Some(first.page_count_before),
            places,
        }))
    }
}

/// Notes where the pages of `count` records lie; false at the first that does not count.
fn take_records(
    file: &dyn File,
    sizes: &JournalHeader,
    nonce: u32,
    (start, count): (u64, u64),
    places: &mut FxHashMap<u32, u64>,
) -> Result<bool> {
    let size = sizes.page_size as usize;
    let mut record = vec![0; size + 8];
    for number in 0..count {
        let at = start + number * sizes.record_size();
        if read_whole(file, &mut record, at)? < record.len() {
            return Ok(false);
        }
        let page = read_u32(&record, 0).unwrap_or(0);
        let sum = read_u32(&record, size + 4).unwrap_or(0);
        if page == 0 || sum != journal_checksum(nonce, &record[4..4 + size]) {
            return Ok(false);
        }
        places.insert(page, at + 4);
    }
    Ok(true)
}

/// The header, field by field as far as it makes sense.
fn believed(first: &[u8; HEADER_SIZE]) -> SalvagedHeader {
    // A header of which most is not a header's says nothing.
    let fixed = first[..16]
        .iter()
        .zip(MAGIC)
        .chain(first[21..24].iter().zip(&[64, 32, 32]));
    let alike = fixed.filter(|(found, expected)| found == expected).count();
    let first = if alike >= 10 { first } else { &[0; HEADER_SIZE] };
    let word = |at| read_u32(first, at).unwrap_or(0);
    let page_size = decode_page_size(u16::from_be_bytes([first[16], first[17]]));
    let reserved = first[20];
    let auto_vacuum = match (word(52), word(64)) {
        (0, _) => AutoVacuum::None,
        (_, 0) => AutoVacuum::Full,
        _ => AutoVacuum::Incremental,
    };
    SalvagedHeader {
        is_sound: Header::decode(first).is_ok(),
        page_size: page_size.unwrap_or(4096),
        reserved,
        encoding: TextEncoding::from_number(word(56)),
        auto_vacuum,
        user_version: word(60).cast_signed(),
        application_id: word(68).cast_signed(),
        freelist_trunk: PageNo::new(word(32)),
    }
}

fn has_tree_at_start(file: &dyn File, page_size: u32, reserved: u8) -> Result<bool> {
    let mut page = vec![0; page_size as usize];
    read_whole(file, &mut page, 0)?;
    let usable = (page_size as usize).saturating_sub(usize::from(reserved));
    Ok(usable >= USABLE_SIZE_MIN && PageRef::parse(PageNo::ONE, &page, usable).is_ok())
}

/// The most pages of each size that a guess looks at.
const GUESS_PAGES_MAX: u64 = 2_000;

/// The page size at which most bytes are those of B-tree pages whose first cell ends where the page does: at its end, or before so many
/// `reserved` bytes, as far as a page of any size can have them.
fn guess_page_size(file: &dyn File, len: u64, reserved: u8) -> Result<Option<u32>> {
    let mut best = (0, None);
    for shift in 9..=16 {
        let size = 1u32 << shift;
        let mut score = 0u64;
        for_each_page(file, len, size, |no, page| {
            let fills = |reserved: u8| fills_its_page(no, page, page.len() - usize::from(reserved));
            if fills(0) || (1..=32).contains(&reserved) && fills(reserved) {
                score += u64::from(size);
            }
        })?;
        if score > best.0 {
            best = (score, Some(size));
        }
    }
    Ok(best.1)
}

/// The reserved bytes of each page: what the header says, unless the cells of more pages end where another number of them begins.
fn reserved_bytes_of(file: &dyn File, len: u64, header: &SalvagedHeader) -> Result<u8> {
    let size = header.page_size as usize;
    let is_possible = |reserved: u8| size >= USABLE_SIZE_MIN + usize::from(reserved);
    let told = if is_possible(header.reserved) {
        header.reserved
    } else {
        0
    };
    let likely = likely_reserved_bytes(file, len, header.page_size)?;
    if likely == told || !is_possible(likely) {
        return Ok(told);
    }
    // Where cells spill to overflow pages depends on the number itself: each is tried as the file's own.
    let (mut for_told, mut for_likely) = (0u32, 0u32);
    for_each_page(file, len, header.page_size, |no, page| {
        for_told += u32::from(fills_its_page(no, page, size - usize::from(told)));
        for_likely += u32::from(fills_its_page(no, page, size - usize::from(likely)));
    })?;
    // Cells in bytes that are said to be reserved speak for themselves; where cells end before, rows may have been deleted.
    let is_shown = if likely < told {
        for_likely > for_told
    } else {
        for_likely >= 8 && for_likely > 8 * for_told
    };
    Ok(if is_shown { likely } else { told })
}

/// The number of reserved bytes that the ends of the cells of most pages speak for; 0 for a file without cells.
fn likely_reserved_bytes(file: &dyn File, len: u64, size: u32) -> Result<u8> {
    let mut pages = [0u32; 256];
    for_each_page(file, len, size, |no, page| {
        let left = end_of_cells(no, page, page.len()).map(|end| page.len() - end);
        if let Some(count) = left.and_then(|left| pages.get_mut(left)) {
            *count += 1;
        }
    })?;
    let most = (0..=u8::MAX)
        .rev()
        .max_by_key(|reserved| pages[usize::from(*reserved)]);
    Ok(most.unwrap_or(0))
}

/// Gives the first pages of the file, as many as a guess looks at, to `look`.
fn for_each_page(file: &dyn File, len: u64, size: u32, mut look: impl FnMut(PageNo, &[u8])) -> Result<()> {
    let mut page = vec![0; size as usize];
    for index in 0..(len / u64::from(size)).min(GUESS_PAGES_MAX) {
        let Some(no) = PageNo::new(index as u32 + 1) else {
            break;
        };
        read_whole(file, &mut page, no.offset(size as usize))?;
        look(no, &page);
    }
    Ok(())
}

/// Whether this is a B-tree page with sound cells of which one ends with the usable part of the page.
fn fills_its_page(no: PageNo, page: &[u8], usable: usize) -> bool {
    end_of_cells(no, page, usable) == Some(usable)
}

/// Where the last cell of a B-tree page ends; `None` for a page without sound cells.
fn end_of_cells(no: PageNo, page: &[u8], usable: usize) -> Option<usize> {
    let view = PageRef::parse(no, page, usable).ok()?;
    let limits = if view.kind().is_table() {
        PayloadLimits::table(usable)
    } else {
        PayloadLimits::index(usable)
    };
    let mut end = None;
    for index in 0..view.count() {
        end = end.max(Some(view.cell_range(index, &limits).ok()?.end));
    }
    end
}
