//! What a damaged header does not say, or says wrongly, found out from the pages: their size, the bytes reserved at their ends, the encoding.
//!
//! Cells of B-tree pages end where the page does, so only the right size and the right number of reserved bytes make many pages fit; and the
//! rows of the schema begin with one of four words, which only the right encoding spells.

use crate::error::Result;
use crate::format::cell::PayloadLimits;
use crate::format::header::USABLE_SIZE_MIN;
use crate::format::page::{PageKind, PageRef};
use crate::format::record::{Located, columns_of};
use crate::format::{PageNo, TextEncoding, ValueRef};
use crate::vfs::{File, read_whole};

use super::source::SalvagedHeader;

pub(super) fn has_tree_at_start(file: &dyn File, page_size: u32, reserved: u8) -> Result<bool> {
    let mut page = vec![0; page_size as usize];
    read_whole(file, &mut page, 0)?;
    let usable = (page_size as usize).saturating_sub(usize::from(reserved));
    Ok(usable >= USABLE_SIZE_MIN && PageRef::parse(PageNo::ONE, &page, usable).is_ok())
}

/// Whether a tree's page lies where a file with auto-vacuum has its first pointer map.
pub(super) fn has_tree_for_map(file: &dyn File, header: &SalvagedHeader) -> Result<bool> {
    let size = header.page_size as usize;
    let mut page = vec![0; size];
    let Some(no) = PageNo::new(2) else {
        return Ok(false);
    };
    read_whole(file, &mut page, no.offset(size))?;
    Ok(fills_its_page(no, &page, size - usize::from(header.reserved)))
}

/// The most pages of each size that a guess looks at.
const GUESS_PAGES_MAX: u64 = 2_000;

/// The page size at which most bytes are those of B-tree pages whose first cell ends where the page does: at its end, or before so many
/// `reserved` bytes, as far as a page of any size can have them.
pub(super) fn guess_page_size(file: &dyn File, len: u64, reserved: u8) -> Result<Option<u32>> {
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
pub(super) fn reserved_bytes_of(file: &dyn File, len: u64, header: &SalvagedHeader) -> Result<u8> {
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

/// The encoding in which the rows of the schema spell the kinds of their objects; what the header says where there are none.
pub(super) fn encoding_of(file: &dyn File, len: u64, header: &SalvagedHeader) -> Result<TextEncoding> {
    const ALL: [TextEncoding; 3] = [TextEncoding::Utf8, TextEncoding::Utf16le, TextEncoding::Utf16be];
    let usable = header.page_size as usize - usize::from(header.reserved);
    let mut votes = [0u32; ALL.len()];
    for_each_page(file, len, header.page_size, |no, page| {
        // Other tables may have such words as well: they count where the schema's own page says nothing.
        if no == PageNo::ONE || votes == [0; ALL.len()] {
            for kind in kinds_of_objects(no, page, usable) {
                let spelt = ALL.iter().position(|encoding| *encoding == kind);
                votes[spelt.unwrap_or(0)] += 1;
            }
        }
    })?;
    let told = ALL.iter().position(|encoding| *encoding == header.encoding);
    let most = votes.iter().copied().max().unwrap_or(0);
    if told.is_some_and(|told| votes[told] == most) {
        return Ok(header.encoding);
    }
    let likely = votes.iter().position(|count| *count == most);
    Ok(likely.map_or(header.encoding, |likely| ALL[likely]))
}

/// Of each row on a page that may be one of the schema, the encoding of the word it begins with.
fn kinds_of_objects(no: PageNo, page: &[u8], usable: usize) -> Vec<TextEncoding> {
    let limits = PayloadLimits::table(usable);
    let view = PageRef::parse(no, page, usable).ok();
    let view = view.filter(|view| view.kind() == PageKind::TableLeaf);
    let cells = view.iter().flat_map(|view| {
        let count = view.count();
        (0..count).filter_map(|index| view.cell(index, &limits).ok())
    });
    cells
        .filter_map(|cell| {
            let mut columns = columns_of(cell.local, cell.total).ok()??;
            match columns.next_value().ok()? {
                Located::Value(ValueRef::Text(kind)) => encoding_of_kind(kind),
                _ => None,
            }
        })
        .collect()
}

/// The encoding in which this is the kind of an object.
fn encoding_of_kind(kind: &[u8]) -> Option<TextEncoding> {
    let spelt = |word: &str, encoding: TextEncoding| match encoding {
        TextEncoding::Utf8 => kind == word.as_bytes(),
        TextEncoding::Utf16le => kind.iter().copied().eq(word.bytes().flat_map(|byte| [byte, 0])),
        TextEncoding::Utf16be => kind.iter().copied().eq(word.bytes().flat_map(|byte| [0, byte])),
    };
    let encodings = [TextEncoding::Utf8, TextEncoding::Utf16le, TextEncoding::Utf16be];
    let is_kind = |encoding| {
        let words = ["table", "index", "view", "trigger"];
        words.iter().any(|word| spelt(word, encoding))
    };
    encodings.into_iter().find(|encoding| is_kind(*encoding))
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
