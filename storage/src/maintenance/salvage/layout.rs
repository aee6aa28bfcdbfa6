//! Whether the bytes of a B-tree page add up, and how many cells it has when its count is wrong.
//!
//! ```text
//!   header | cell pointers | gap | ◀── content start ── cells, free blocks, fragments ── end of the usable bytes ──▶
//! ```
//!
//! - L1. Behind the content start of a sound page each byte is in one cell or in one free block; as many as the header counts as fragments are
//!   in neither. A wrong byte in the header, in a pointer or in the length of a cell breaks this sum.
//! - L2. Cells are at least four bytes, so at most one number of cells makes the sum right: a count that is damaged is found again.

use std::ops::Range;

use crate::format::PageNo;
use crate::format::cell::{CELL_SIZE_MIN, Cell, PayloadLimits};
use crate::format::page::{PageKind, PageRef, header_start, read_u16};

/// What a page says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Every byte has its place.
    Sound,
    /// It would with this number of cells.
    OtherCount(u16),
    /// It has not, whatever the count.
    Odd,
}

/// Looks at a page of the kind that its first byte says. `usable` are its bytes up to the usable size.
pub(super) fn layout_of(no: PageNo, usable: &[u8], kind: PageKind, limits: &PayloadLimits) -> Layout {
    let told = read_u16(usable, header_start(no) + 3).unwrap_or(0);
    match count_that_adds_up(no, usable, kind, limits) {
        Some(count) if count == told => Layout::Sound,
        Some(count) => Layout::OtherCount(count),
        None => Layout::Odd,
    }
}

/// The number of cells with which each byte has its place (L2).
fn count_that_adds_up(no: PageNo, bytes: &[u8], kind: PageKind, limits: &PayloadLimits) -> Option<u16> {
    let view = PageRef::checked(no, bytes, bytes.len(), kind, 0);
    let (pointers, content) = (view.pointers_start(), view.content_start());
    let mut taken = Taken {
        start: content,
        is_taken: vec![false; bytes.len().checked_sub(content)?],
        left: bytes.len() - content,
    };
    taken.left = taken.left.checked_sub(view.fragments())?;
    take_free_blocks(&view, &mut taken)?;
    let most = content.checked_sub(pointers)? / 2;
    for count in 0..=u16::try_from(most).unwrap_or(u16::MAX) {
        if taken.left == 0 {
            return Some(count);
        }
        let offset = usize::from(read_u16(bytes, pointers + 2 * usize::from(count))?);
        let end = Cell::end(kind, bytes, offset, limits).ok()?;
        taken.take(offset..end.max(offset + CELL_SIZE_MIN))?;
    }
    None
}

/// Bytes behind the content start, and how many of them have no place yet.
struct Taken {
    start: usize,
    is_taken: Vec<bool>,
    left: usize,
}

impl Taken {
    /// Takes bytes; `None` if they are not there, or somebody else's.
    fn take(&mut self, range: Range<usize>) -> Option<()> {
        let start = range.start.checked_sub(self.start)?;
        let bytes = self.is_taken.get_mut(start..start + range.len())?;
        if bytes.contains(&true) {
            return None;
        }
        bytes.fill(true);
        self.left = self.left.checked_sub(range.len())?;
        Some(())
    }
}

/// Free blocks lie in the order of their offsets, so their chain ends.
fn take_free_blocks(view: &PageRef<'_>, taken: &mut Taken) -> Option<()> {
    let mut at = view.first_freeblock();
    while at != 0 {
        let next = usize::from(read_u16(view.bytes(), at)?);
        let len = usize::from(read_u16(view.bytes(), at + 2)?);
        if len < CELL_SIZE_MIN || (next != 0 && next <= at) {
            return None;
        }
        taken.take(at..at + len)?;
        at = next;
    }
    Some(())
}
