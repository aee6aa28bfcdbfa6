//! A B-tree page, read in place.
//!
//! ```text
//!  0 (page 1: 100)                                                              usable size
//!  ├────────────┬──────────────────────┬──────────────┬─────────────────────────┤
//!  │ header     │ cell pointers, 2 × n │ unallocated  │ cells, freeblocks,      │ reserved
//!  │ 8 / 12     │ in key order         │              │ fragments, in any order │ bytes
//!  └────────────┴──────────────────────┴──────────────┴─────────────────────────┘
//!
//!  header: kind(1) first freeblock(2) cell count(2) content start(2, 0 = 65536) fragments(1) [right child(4)]
//! ```
//!
//! [`PageRef`] is the one reader of these bytes. [`PageRef::parse`] checks the header; each cell is checked when it is
//! looked at, so that reading a row of a large page does not pay for the others. Nothing here trusts a byte:
//!
//! - P1. The kind is one of four, and cell pointers end within the usable size (`parse`).
//! - P2. A cell lies within the usable size (`cell`); one that is to be changed begins behind the cell pointers (`cell_offset`).
//! - P3. A child pointer is not zero (`child`). That it lies within the file is checked by whoever fetches the page.

use std::ops::Range;

use super::PageNo;
use super::cell::{Cell, PayloadLimits};
use super::varint;
use crate::error::{Error, Result, corrupt};

/// Bytes of the file header that precede the B-tree header on page 1.
pub const FILE_HEADER_LEN: usize = 100;

/// The four kinds of B-tree pages; the value is the kind byte of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PageKind {
    /// Keys and children of an index tree.
    IndexInterior = 2,
    /// Row ids and children of a table tree.
    TableInterior = 5,
    /// Keys of an index tree.
    IndexLeaf = 10,
    /// Rows of a table tree.
    TableLeaf = 13,
}

impl PageKind {
    /// The kind with this kind byte.
    #[inline]
    pub const fn from_byte(byte: u8) -> Option<PageKind> {
        Some(match byte {
            2 => PageKind::IndexInterior,
            5 => PageKind::TableInterior,
            10 => PageKind::IndexLeaf,
            13 => PageKind::TableLeaf,
            _ => return None,
        })
    }

    /// True for pages without children.
    #[inline]
    pub const fn is_leaf(self) -> bool {
        matches!(self, PageKind::IndexLeaf | PageKind::TableLeaf)
    }

    /// True for pages of table trees.
    #[inline]
    pub const fn is_table(self) -> bool {
        matches!(self, PageKind::TableInterior | PageKind::TableLeaf)
    }

    /// Length of the page header.
    #[inline]
    pub const fn header_len(self) -> usize {
        if self.is_leaf() { 8 } else { 12 }
    }

    /// The leaf kind of the same tree.
    #[inline]
    pub const fn leaf(self) -> PageKind {
        if self.is_table() {
            PageKind::TableLeaf
        } else {
            PageKind::IndexLeaf
        }
    }

    /// The interior kind of the same tree.
    #[inline]
    pub const fn interior(self) -> PageKind {
        if self.is_table() {
            PageKind::TableInterior
        } else {
            PageKind::IndexInterior
        }
    }
}

/// Where the B-tree header of page `no` begins.
#[inline]
pub const fn header_start(no: PageNo) -> usize {
    if no.get() == 1 { FILE_HEADER_LEN } else { 0 }
}

/// A B-tree page whose header has been checked.
#[derive(Clone, Copy)]
pub struct PageRef<'a> {
    /// The page's bytes up to the usable size.
    bytes: &'a [u8],
    no: PageNo,
    kind: PageKind,
    count: u16,
}

impl<'a> PageRef<'a> {
    /// Reads the header of page `no`; `bytes` is the whole page, of which the first `usable` are used.
    #[inline(always)]
    pub fn parse(no: PageNo, bytes: &'a [u8], usable: usize) -> Result<PageRef<'a>> {
        let start = header_start(no);
        let Some(bytes) = bytes.get(..usable) else {
            return Err(corrupt(no, 0, "page is shorter than its usable size"));
        };
        let Some(&[kind, _, _, high, low]) = bytes.get(start..).and_then(|header| header.first_chunk())
        else {
            return Err(corrupt(no, start, "page is too short for a header"));
        };
        let count = u16::from_be_bytes([high, low]);
        let Some(kind) = PageKind::from_byte(kind) else {
            return Err(corrupt(no, start, "not a b-tree page"));
        };
        if start + kind.header_len() + 2 * usize::from(count) > bytes.len() {
            return Err(corrupt(no, start + 3, "too many cells for the page"));
        }
        Ok(PageRef {
            bytes,
            no,
            kind,
            count,
        })
    }

    /// The page that `parse` has checked before, when nothing has changed it since.
    #[inline(always)]
    pub(crate) fn checked(
        no: PageNo,
        bytes: &'a [u8],
        usable: usize,
        kind: PageKind,
        count: u16,
    ) -> PageRef<'a> {
        PageRef {
            bytes: bytes.get(..usable).unwrap_or(bytes),
            no,
            kind,
            count,
        }
    }

    /// The page's number.
    #[inline]
    pub fn no(&self) -> PageNo {
        self.no
    }

    /// The page's kind.
    #[inline]
    pub fn kind(&self) -> PageKind {
        self.kind
    }

    /// The number of cells.
    #[inline]
    pub fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// The bytes up to the usable size.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Offset of the page header.
    #[inline]
    pub fn header_start(&self) -> usize {
        header_start(self.no)
    }

    /// Offset of the first cell pointer.
    #[inline]
    pub fn pointers_start(&self) -> usize {
        self.header_start() + self.kind.header_len()
    }

    /// Offset behind the last cell pointer.
    #[inline]
    pub fn pointers_end(&self) -> usize {
        self.pointers_start() + 2 * self.count()
    }

    /// Offset of the first freeblock, 0 for none, as the header says.
    pub fn first_freeblock(&self) -> usize {
        usize::from(read_u16(self.bytes, self.header_start() + 1).unwrap_or(0))
    }

    /// Start of the cell content area as the header says.
    pub fn content_start(&self) -> usize {
        match read_u16(self.bytes, self.header_start() + 5) {
            None | Some(0) => 65536,
            Some(start) => usize::from(start),
        }
    }

    /// Fragmented free bytes as the header says.
    pub fn fragments(&self) -> usize {
        usize::from(self.bytes.get(self.header_start() + 7).copied().unwrap_or(0))
    }

    /// Offset of cell `index`.
    #[inline(always)]
    pub fn cell_offset(&self, index: usize) -> Result<usize> {
        let at = self.pointers_start() + 2 * index;
        match self.bytes.get(at..at + 2) {
            Some(&[high, low]) if index < self.count() => {
                let offset = usize::from(high) << 8 | usize::from(low);
                if offset >= self.pointers_end() && offset < self.bytes.len() {
                    return Ok(offset);
                }
                Err(self.corrupt(at, "cell pointer is outside the cell content area"))
            }
            _ => Err(self.corrupt(at, "no such cell")),
        }
    }

    /// The child to the left of cell `index`; `index == count` is the right child. Interior pages only.
    #[inline]
    pub fn child(&self, index: usize) -> Result<PageNo> {
        if index >= self.count() {
            return self.right_child();
        }
        let at = self.read_offset(index)?;
        self.page_no_at(at)
    }

    /// The rightmost child. Interior pages only.
    #[inline]
    pub fn right_child(&self) -> Result<PageNo> {
        self.page_no_at(self.header_start() + 8)
    }

    #[inline]
    fn page_no_at(&self, at: usize) -> Result<PageNo> {
        if self.kind.is_leaf() {
            return Err(self.corrupt(self.header_start(), "interior page expected"));
        }
        read_page_no(self.bytes, at).ok_or_else(|| self.corrupt(at, "child pointer is zero"))
    }

    /// The row id of cell `index`. Table trees only.
    #[inline(always)]
    pub fn rowid(&self, index: usize) -> Result<i64> {
        match self.read_rowid(index) {
            Some(rowid) => Ok(rowid),
            None => self.wrapped_rowid(index),
        }
    }

    #[cold]
    fn wrapped_rowid(&self, index: usize) -> Result<i64> {
        let offset = self.read_offset(index)?;
        let skipped = match self.kind {
            PageKind::TableLeaf => varint::skip_at(self.bytes, offset),
            _ => Some(offset + 4),
        };
        match skipped.and_then(|at| varint::read_at(self.bytes, at)) {
            Some((rowid, _)) => Ok(rowid as i64),
            None => Err(self.corrupt(self.pointers_start() + 2 * index, "cell has no row id")),
        }
    }

    /// Offset of cell `index` for reading only: as in SQLite it may lie anywhere on the page, and a pointer past the page wraps. Rows of
    /// damaged pages come out as they do there. Who changes the page asks for [`cell_offset`](Self::cell_offset).
    #[inline]
    fn read_offset(&self, index: usize) -> Result<usize> {
        match self.cell_offset(index) {
            Ok(offset) => Ok(offset),
            Err(error) => self.wrapped_offset(index).ok_or(error),
        }
    }

    #[cold]
    fn wrapped_offset(&self, index: usize) -> Option<usize> {
        let pointer =
            read_u16(self.bytes, self.pointers_start() + 2 * index).filter(|_| index < self.count())?;
        let offset = usize::from(pointer) & (self.bytes.len().next_power_of_two() - 1);
        (offset < self.bytes.len()).then_some(offset)
    }

    /// For searches: any place within the page will do, because the cell is checked when it is used.
    #[inline(always)]
    fn read_rowid(&self, index: usize) -> Option<i64> {
        let at = self.pointers_start() + 2 * index;
        let &[high, low] = self.bytes.get(at..)?.first_chunk()?;
        let cell = self.bytes.get(usize::from(high) << 8 | usize::from(low)..)?;
        let key = match self.kind {
            PageKind::TableLeaf => match *cell {
                [a, ref key @ ..] if a < 0x80 => key,
                [_, b, ref key @ ..] if b < 0x80 => key,
                _ => cell.get(varint::skip_at(cell, 0)?..)?,
            },
            _ => cell.get(4..)?,
        };
        varint::read_wide(key).map(|(key, _)| key as i64)
    }

    /// Cell `index`, checked to lie within the page.
    #[inline]
    pub fn cell(&self, index: usize, limits: &PayloadLimits) -> Result<Cell<'a>> {
        let offset = self.read_offset(index)?;
        Cell::parse(self.kind, self.bytes, offset, limits).map_err(|what| self.corrupt(offset, what))
    }

    /// The row id and the payload of cell `index` of a leaf when all of it lies there, for scans; the row id is 0 in index trees. `None` when it
    /// has overflow pages or the cell is damaged; [`cell`](Self::cell) tells them apart.
    #[inline(always)]
    pub(crate) fn whole_row(&self, index: usize, limits: &PayloadLimits) -> Option<(i64, &'a [u8])> {
        if self.kind != PageKind::TableLeaf {
            return self.whole_payload(index, limits).map(|payload| (0, payload));
        }
        let at = self.pointers_start() + 2 * index;
        let &[high, low] = self.bytes.get(at..)?.first_chunk()?;
        let (total, key) = match *self.bytes.get(usize::from(high) << 8 | usize::from(low)..)? {
            [a, ref key @ ..] if a < 0x80 => (usize::from(a), key),
            [a, b, ref key @ ..] if b < 0x80 => (usize::from(a & 0x7f) << 7 | usize::from(b), key),
            _ => return None,
        };
        let (rowid, len) = varint::read_wide(key)?;
        let payload = key.get(len..)?.get(..total)?;
        if total > limits.max_local {
            None
        } else {
            Some((rowid as i64, payload))
        }
    }

    /// Where the payload of cell `index` of a leaf lies in [`bytes`](Self::bytes), and its length, when all of it lies there.
    #[inline(always)]
    pub(crate) fn whole_place(&self, index: usize, limits: &PayloadLimits) -> Option<(usize, usize)> {
        let at = self.pointers_start() + 2 * index;
        let &[high, low] = self.bytes.get(at..)?.first_chunk()?;
        let at = usize::from(high) << 8 | usize::from(low);
        let (at, total) = self.payload_place(at, self.kind, limits)?;
        (at + total <= self.bytes.len()).then_some((at, total))
    }

    /// The same for cells `from..to` of a table leaf, one after the other; false when one of them is not such.
    #[inline(never)]
    pub(crate) fn whole_places(
        &self,
        from: usize,
        to: usize,
        limits: &PayloadLimits,
        places: &mut Vec<(u32, u32)>,
    ) -> bool {
        let start = self.pointers_start();
        let pointers = self
            .bytes
            .get(start + 2 * from..start + 2 * to)
            .unwrap_or_default();
        places.reserve(to.saturating_sub(from));
        for pointer in pointers.chunks_exact(2) {
            let at = usize::from(pointer[0]) << 8 | usize::from(pointer[1]);
            let Some((at, total)) = self.payload_place(at, PageKind::TableLeaf, limits) else {
                return false;
            };
            if at + total > self.bytes.len() {
                return false;
            }
            places.push((at as u32, total as u32));
        }
        true
    }

    /// Where the payload of the cell at `at` begins, and its length, when no part of it is on overflow pages.
    #[inline(always)]
    fn payload_place(&self, at: usize, kind: PageKind, limits: &PayloadLimits) -> Option<(usize, usize)> {
        let at = if kind.is_leaf() { at } else { at + 4 };
        let cell = self.bytes.get(at..)?;
        // The usual cell has sixteen bytes behind its beginning; then its head is read without further checks.
        let (total, head) = match cell.first_chunk::<16>() {
            Some([a, rest @ ..]) if *a < 0x80 => {
                let rowid_len = match kind {
                    PageKind::TableLeaf => varint::len_wide(rest)?,
                    _ => 0,
                };
                (usize::from(*a), 1 + rowid_len)
            }
            Some([a, b, rest @ ..]) if *b < 0x80 => {
                let rowid_len = match kind {
                    PageKind::TableLeaf => varint::len_wide(rest)?,
                    _ => 0,
                };
                (usize::from(a & 0x7f) << 7 | usize::from(*b), 2 + rowid_len)
            }
            _ => {
                let (total, len) = varint::read(cell)?;
                let rowid_len = match kind {
                    PageKind::TableLeaf => varint::len_wide(cell.get(len..)?)?,
                    _ => 0,
                };
                (usize::try_from(total).ok()?, len + rowid_len)
            }
        };
        (total <= limits.max_local).then_some((at + head, total))
    }

    /// The payload of cell `index` of an index page when all of it lies there, for searches. `None` when it has overflow pages or the cell
    /// is damaged; [`cell`](Self::cell) tells them apart.
    #[inline(always)]
    pub(crate) fn whole_payload(&self, index: usize, limits: &PayloadLimits) -> Option<&'a [u8]> {
        let at = self.pointers_start() + 2 * index;
        let &[high, low] = self.bytes.get(at..)?.first_chunk()?;
        let mut at = usize::from(high) << 8 | usize::from(low);
        if !self.kind.is_leaf() {
            at += 4;
        }
        let (total, record) = match *self.bytes.get(at..)? {
            [a, ref record @ ..] if a < 0x80 => (usize::from(a), record),
            [a, b, ref record @ ..] if b < 0x80 => (usize::from(a & 0x7f) << 7 | usize::from(b), record),
            _ => return None,
        };
        if total > limits.max_local {
            None
        } else {
            record.get(..total)
        }
    }

    /// Where the bytes of cell `index` lie, checked to be within the page.
    #[inline]
    pub fn cell_range(&self, index: usize, limits: &PayloadLimits) -> Result<Range<usize>> {
        let offset = self.cell_offset(index)?;
        if self.kind.is_leaf()
            && let Some((at, total)) = self.payload_place(offset, self.kind, limits)
            && at + total <= self.bytes.len()
        {
            return Ok(offset..at + total);
        }
        self.long_cell_range(offset, limits)
    }

    #[inline(never)]
    fn long_cell_range(&self, offset: usize, limits: &PayloadLimits) -> Result<Range<usize>> {
        match Cell::end(self.kind, self.bytes, offset, limits) {
            Ok(end) => Ok(offset..end),
            Err(what) => Err(self.corrupt(offset, what)),
        }
    }

    /// The error for a wrong byte at `offset` of this page.
    #[cold]
    pub fn corrupt(&self, offset: usize, what: &'static str) -> Error {
        corrupt(self.no, offset, what)
    }
}

/// The big-endian 16-bit integer at `at`.
#[inline(always)]
pub fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The big-endian 32-bit integer at `at`.
#[inline(always)]
pub fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The page number at `at`; `None` for zero and behind the end.
#[inline(always)]
pub fn read_page_no(bytes: &[u8], at: usize) -> Option<PageNo> {
    PageNo::new(read_u32(bytes, at)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_checked() {
        let two = PageNo::new(2).unwrap();
        let mut page = vec![0u8; 512];
        let what = |page: &[u8]| {
            PageRef::parse(two, page, 512)
                .err()
                .map(|error| error.to_string())
        };
        assert!(what(&page).unwrap().contains("not a b-tree page"));
        page[0] = 13;
        assert!(what(&page).is_none());
        page[4] = 252;
        assert!(what(&page).is_none());
        page[4] = 253;
        assert!(what(&page).unwrap().contains("too many cells"));
        assert!(what(&page[..511]).is_some());
    }

    /// What may be read lies on the page, wherever the pointer points; what may be changed lies behind the pointers.
    #[test]
    fn cells_lie_on_the_page_or_are_errors() {
        let two = PageNo::new(2).unwrap();
        let limits = PayloadLimits::table(512);
        for pointer in 0..=u16::MAX {
            let mut page = vec![0xffu8; 512];
            page[..8].copy_from_slice(&[13, 0, 0, 0, 1, 0, 0, 0]);
            page[8..10].copy_from_slice(&pointer.to_be_bytes());
            let page = PageRef::parse(two, &page, 512).unwrap();
            let _ = page.rowid(0);
            if let Ok(cell) = page.cell(0, &limits) {
                assert!(usize::from(pointer) % 512 < page.pointers_end(), "{pointer}");
                assert!(cell.local.len() <= cell.total);
            }
            let offset = page.cell_offset(0);
            assert_eq!(offset.is_ok(), (10..512).contains(&pointer), "{pointer}");
            assert!(page.cell_range(0, &limits).is_err());
            assert!(page.cell(1, &limits).is_err() && page.cell_offset(1).is_err());
        }
    }
}
