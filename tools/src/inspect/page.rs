//! One page of a tree, read byte by byte with nothing taken on trust: what is wrong is noted, what is right is still told.
//!
//! ```text
//!   H header | P cell pointers | . unallocated | C cell head | D payload | O overflow pointer | F freeblock | f fragment | R reserved
//! ```
//!
//! The engine's [`PageRef`](aludel_storage::format::page::PageRef) stops at the first thing that is wrong; this goes on behind it. The two share the
//! numbers of the format and nothing else.

use super::finding::Finding;
use super::vocabulary::{Code, PageUse};

/// Offset of the tree header on page 1, behind the file header.
const FILE_HEADER_LEN: usize = 100;

/// The longest payload that the format allows.
const PAYLOAD_LEN_MAX: u64 = i32::MAX as u64;

/// The kinds of tree pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Entries and children of an index.
    IndexInterior,
    /// Row ids and children of a table.
    TableInterior,
    /// Entries of an index.
    IndexLeaf,
    /// Rows of a table.
    TableLeaf,
}

impl Kind {
    /// By the first byte of a page.
    pub fn of_byte(byte: u8) -> Option<Kind> {
        Some(match byte {
            2 => Kind::IndexInterior,
            5 => Kind::TableInterior,
            10 => Kind::IndexLeaf,
            13 => Kind::TableLeaf,
            _ => return None,
        })
    }

    /// Whether it has no children.
    pub fn is_leaf(self) -> bool {
        matches!(self, Kind::IndexLeaf | Kind::TableLeaf)
    }

    /// Whether it belongs to a tree with row ids.
    pub fn is_table(self) -> bool {
        matches!(self, Kind::TableLeaf | Kind::TableInterior)
    }

    /// What such a page is used for.
    pub fn page_use(self) -> PageUse {
        match self {
            Kind::IndexInterior => PageUse::IndexInterior,
            Kind::TableInterior => PageUse::TableInterior,
            Kind::IndexLeaf => PageUse::IndexLeaf,
            Kind::TableLeaf => PageUse::TableLeaf,
        }
    }
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellView {
    /// Its place among the cell pointers.
    pub index: usize,
    /// Where it begins.
    pub offset: usize,
    /// Bytes that it takes, four at least.
    pub size: usize,
    /// The child to the left, on interior pages.
    pub child: Option<u32>,
    /// The row id, in tables.
    pub rowid: Option<i64>,
    /// Length of the whole payload.
    pub total: u64,
    /// Where the part of the payload lies that is on this page.
    pub local: std::ops::Range<usize>,
    /// The first page with the rest.
    pub overflow: Option<u32>,
}

/// A page of a tree.
#[derive(Clone, Debug)]
pub struct PageView {
    /// Its number.
    pub number: u32,
    /// Where its header begins: 100 on page 1.
    pub start: usize,
    /// Its kind.
    pub kind: Kind,
    /// The first freeblock, as the header says; 0 for none.
    pub first_freeblock: usize,
    /// The number of cells, as the header says.
    pub cell_count: usize,
    /// Where cells begin, as the header says.
    pub content_start: usize,
    /// Fragmented bytes, as the header says.
    pub fragments: usize,
    /// The last child of an interior page.
    pub right_child: Option<u32>,
    /// The cells that make sense, in the order of their pointers.
    pub cells: Vec<CellView>,
    /// Freeblocks: where, and how long.
    pub freeblocks: Vec<(usize, usize)>,
    /// What is wrong inside the page.
    pub findings: Vec<Finding>,
    /// Bytes that trees may use.
    pub usable: usize,
}

impl PageView {
    /// Reads a page. `bytes` is all of it, `usable` what trees use of it.
    ///
    /// # Errors
    /// A finding when it is no tree page at all.
    pub fn read(number: u32, bytes: &[u8], usable: usize) -> Result<PageView, Finding> {
        let start = if number == 1 { FILE_HEADER_LEN } else { 0 };
        let bytes = bytes.get(..usable).unwrap_or(bytes);
        let kind = bytes.get(start).copied();
        let Some(kind) = kind.and_then(Kind::of_byte) else {
            return Err(Finding::new(Code::BadPageHeader, "this is not a page of a tree")
                .on(number)
                .at(start)
                .values(13, kind.unwrap_or(0)));
        };
        let mut view = PageView {
            number,
            start,
            kind,
            first_freeblock: half(bytes, start + 1),
            cell_count: half(bytes, start + 3),
            content_start: match half(bytes, start + 5) {
                0 => 65536,
                offset => offset,
            },
            fragments: bytes.get(start + 7).copied().map_or(0, usize::from),
            right_child: (!kind.is_leaf()).then(|| word(bytes, start + 8)),
            cells: Vec::new(),
            freeblocks: Vec::new(),
            findings: Vec::new(),
            usable,
        };
        view.read_cells(bytes);
        view.read_freeblocks(bytes);
        view.account();
        Ok(view)
    }

    /// Where the cell pointers begin.
    pub fn pointers_start(&self) -> usize {
        self.start + if self.kind.is_leaf() { 8 } else { 12 }
    }

    /// Where they end, if there are as many as the header says.
    pub fn pointers_end(&self) -> usize {
        self.pointers_start() + 2 * self.cell_count
    }

    /// Bytes that no cell takes.
    pub fn free_bytes(&self) -> usize {
        let taken: usize = self.cells.iter().map(|cell| cell.size).sum();
        self.usable
            .saturating_sub(self.start)
            .saturating_sub(self.pointers_end() - self.start + taken)
    }

    /// How full it is, of a hundred.
    pub fn fill(&self) -> u8 {
        let room = self.usable.saturating_sub(self.start).max(1);
        (100 - (self.free_bytes().min(room) * 100 / room).min(100)) as u8
    }

    /// The children, left to right.
    pub fn children(&self) -> impl Iterator<Item = u32> + '_ {
        self.cells
            .iter()
            .filter_map(|cell| cell.child)
            .chain(self.right_child)
    }

    /// A letter for each byte, see the head of this module.
    pub fn byte_map(&self, page_len: usize) -> Vec<u8> {
        let mut map = vec![b'R'; page_len];
        let mut mark = |from: usize, to: usize, letter: u8| {
            let to = to.min(page_len);
            if let Some(part) = map.get_mut(from..to) {
                part.fill(letter);
            }
        };
        mark(0, self.start, b'H');
        mark(self.start, self.usable, b'.');
        mark(self.content_start, self.usable, b'f');
        mark(self.start, self.pointers_start(), b'H');
        mark(self.pointers_start(), self.pointers_end(), b'P');
        self.freeblocks
            .iter()
            .for_each(|(at, len)| mark(*at, at + len, b'F'));
        for cell in &self.cells {
            mark(cell.offset, cell.offset + cell.size, b'C');
            mark(cell.local.start, cell.local.end, b'D');
            if cell.overflow.is_some() {
                mark(cell.local.end, cell.local.end + 4, b'O');
            }
        }
        map
    }

    fn note(&mut self, code: Code, offset: usize, message: impl Into<String>, values: (usize, usize)) {
        let finding = Finding::new(code, message).on(self.number).at(offset);
        self.findings.push(finding.values(values.0, values.1));
    }

    fn read_cells(&mut self, bytes: &[u8]) {
        let (first, room) = (
            self.pointers_start(),
            self.usable.saturating_sub(self.pointers_start()) / 2,
        );
        if self.cell_count > room {
            let message = "the header says more cells than have room";
            self.note(
                Code::BadPageHeader,
                self.start + 3,
                message,
                (room, self.cell_count),
            );
            self.cell_count = room;
        }
        self.cells.reserve(self.cell_count);
        for index in 0..self.cell_count {
            let at = first + 2 * index;
            let offset = half(bytes, at);
            if offset < self.pointers_end() || offset + 4 > self.usable {
                let message = format!("the pointer of cell {index} leads out of the content area");
                self.note(
                    Code::CellOffsetOutOfRange,
                    at,
                    message,
                    (self.content_start, offset),
                );
                continue;
            }
            match read_cell(self.kind, bytes, index, offset) {
                Ok(cell) => {
                    if offset < self.content_start {
                        let message = format!("cell {index} lies before the content area");
                        self.note(
                            Code::CellOffsetOutOfRange,
                            at,
                            message,
                            (self.content_start, offset),
                        );
                    }
                    self.cells.push(cell);
                }
                Err((code, what)) => {
                    let message = format!("cell {index} {what}");
                    self.note(code, offset, message, (self.usable, offset));
                }
            }
        }
    }

    fn read_freeblocks(&mut self, bytes: &[u8]) {
        let mut at = self.first_freeblock;
        let mut link = self.start + 1;
        while at != 0 {
            let len = half(bytes, at + 2);
            let lowest = self
                .freeblocks
                .last()
                .map_or(self.content_start, |(at, len)| at + len);
            if at < lowest || at + 4 > self.usable {
                self.note(
                    Code::BadFreeSpace,
                    link,
                    "a freeblock lies where none can be",
                    (lowest, at),
                );
                return;
            }
            if len < 4 || at + len > self.usable {
                self.note(
                    Code::BadFreeSpace,
                    at + 2,
                    "a freeblock has a length that it cannot have",
                    (4, len),
                );
                return;
            }
            self.freeblocks.push((at, len));
            link = at;
            at = half(bytes, at);
        }
    }

    /// Compares what cells and freeblocks take with what the header says.
    fn account(&mut self) {
        if self.content_start > self.usable && !(self.content_start == 65536 && self.cells.is_empty()) {
            let message = "the content area begins behind the page";
            self.note(
                Code::BadFreeSpace,
                self.start + 5,
                message,
                (self.usable, self.content_start),
            );
            return;
        }
        if self.content_start < self.pointers_end() {
            let message = "the content area begins before the cell pointers end";
            self.note(
                Code::BadFreeSpace,
                self.start + 5,
                message,
                (self.pointers_end(), self.content_start),
            );
            return;
        }
        if !self.findings.is_empty() {
            // With cells or freeblocks left out, the sums say nothing.
            return;
        }
        let mut pieces: Vec<(usize, usize)> =
            self.cells.iter().map(|cell| (cell.offset, cell.size)).collect();
        pieces.extend(&self.freeblocks);
        pieces.sort_unstable();
        let (mut end, mut gaps) = (self.content_start.min(self.usable), 0);
        for (at, len) in pieces {
            if at < end {
                self.note(
                    Code::Overlap,
                    at,
                    "two cells or freeblocks share bytes",
                    (end, at),
                );
                return;
            }
            gaps += at - end;
            end = at + len;
        }
        gaps += self.usable.saturating_sub(end);
        if gaps != self.fragments {
            let message = "the header has another number of fragmented bytes than there are";
            self.note(
                Code::Fragmentation,
                self.start + 7,
                message,
                (gaps, self.fragments),
            );
        }
    }
}

/// How much of a payload stays in a cell; the rest goes to overflow pages.
fn local_len(kind: Kind, usable: usize, total: u64) -> usize {
    let min = (usable - 12) * 32 / 255 - 23;
    let max = if kind == Kind::TableLeaf {
        usable - 35
    } else {
        (usable - 12) * 64 / 255 - 23
    };
    if total <= max as u64 {
        return total as usize;
    }
    let filling = min + ((total - min as u64) % (usable as u64 - 4)) as usize;
    if filling <= max { filling } else { min }
}

fn read_cell(
    kind: Kind,
    bytes: &[u8],
    index: usize,
    offset: usize,
) -> Result<CellView, (Code, &'static str)> {
    const CUT: (Code, &str) = (Code::CellOffPage, "reaches over the end of its page");
    let mut at = offset;
    let child = (!kind.is_leaf()).then(|| word(bytes, offset));
    if child.is_some() {
        at += 4;
    }
    let mut number = || -> Result<u64, (Code, &'static str)> {
        let (number, next) = varint(bytes, at).ok_or(CUT)?;
        at = next;
        Ok(number)
    };
    let total = if kind == Kind::TableInterior { 0 } else { number()? };
    let rowid = if kind.is_table() {
        Some(number()?.cast_signed())
    } else {
        None
    };
    if total > PAYLOAD_LEN_MAX {
        return Err((
            Code::PayloadTooLong,
            "has a payload longer than the format allows",
        ));
    }
    let local = local_len(kind, bytes.len(), total);
    let spills = (local as u64) < total;
    let end = at + local + if spills { 4 } else { 0 };
    if end > bytes.len() {
        return Err(CUT);
    }
    Ok(CellView {
        index,
        offset,
        size: (end - offset).max(4),
        child,
        rowid,
        total,
        local: at..at + local,
        overflow: spills.then(|| word(bytes, at + local)),
    })
}

/// Two bytes as a number; zero outside.
pub(crate) fn half(bytes: &[u8], at: usize) -> usize {
    let part = bytes.get(at..).and_then(|rest| rest.first_chunk::<2>());
    part.map_or(0, |part| usize::from(u16::from_be_bytes(*part)))
}

/// Four bytes as a number; zero outside.
pub(crate) fn word(bytes: &[u8], at: usize) -> u32 {
    let part = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    part.map_or(0, |part| u32::from_be_bytes(*part))
}

/// A variable-length number and where it ends.
pub(crate) fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut number = 0u64;
    for i in 0..8 {
        let byte = *bytes.get(at + i)?;
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((number, at + i + 1));
        }
    }
    let last = *bytes.get(at + 8)?;
    Some((number << 8 | u64::from(last), at + 9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aludel_storage::format::cell::PayloadLimits;
    use aludel_storage::format::varint as theirs;

    #[test]
    fn numbers_are_those_of_the_format() {
        for usable in [480, 512, 1000, 4096, 65536] {
            for total in (0..70_000u64).step_by(37) {
                let total_len = total as usize;
                assert_eq!(
                    local_len(Kind::TableLeaf, usable, total),
                    PayloadLimits::table(usable).local(total_len)
                );
                assert_eq!(
                    local_len(Kind::IndexLeaf, usable, total),
                    PayloadLimits::index(usable).local(total_len)
                );
            }
        }
        for number in [0, 127, 128, 16_383, 1 << 32, u64::MAX, i64::MAX as u64] {
            let mut bytes = Vec::new();
            theirs::push(number, &mut bytes);
            assert_eq!(varint(&bytes, 0), Some((number, bytes.len())));
            assert_eq!(varint(&bytes[..bytes.len() - 1], 0), None);
        }
    }

    #[test]
    fn any_bytes_are_a_page_or_none() {
        let mut state = 1u64;
        let mut page = vec![0; 512];
        for round in 0..20_000 {
            for byte in &mut page {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                *byte = (state >> 40) as u8;
            }
            page[0] = [2, 5, 10, 13][round % 4];
            page[3] = 0;
            let view = PageView::read(2, &page, 500).unwrap();
            assert!(view.fill() <= 100);
            assert_eq!(view.byte_map(512).len(), 512);
        }
    }
}
