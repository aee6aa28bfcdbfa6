//! A whole page of rows handed out at once.
//!
//! A scan that steps row by row pays for the cursor at each step. [`LeafRows`] walks the cells of one page instead, with nothing
//! but the decoding of the cell between two rows; the cursor is asked again at the end of the page.

use super::overflow;
use crate::error::Result;
use crate::format::PageNo;
use crate::format::cell::{Cell, PayloadLimits};
use crate::format::page::{PageKind, PageRef};
use crate::pager::Pager;

/// One row of a page.
#[derive(Clone, Copy, Debug)]
pub struct LeafRow<'a> {
    /// The row's place on its page, for [`TableCursor::stand_at`](super::TableCursor::stand_at).
    pub index: usize,
    /// The row id; 0 in index trees.
    pub rowid: i64,
    /// The part of the payload that lies on the page: all of it unless `overflow` is set.
    pub local: &'a [u8],
    /// Length of the whole payload.
    pub total: usize,
    /// The first page with the rest of the payload.
    pub overflow: Option<PageNo>,
}

impl<'a> LeafRow<'a> {
    fn of(index: usize, cell: Cell<'a>) -> LeafRow<'a> {
        LeafRow {
            index,
            rowid: cell.rowid,
            local: cell.local,
            total: cell.total,
            overflow: cell.overflow,
        }
    }

    /// The whole payload: a slice of the page, or assembled in `spill`.
    #[inline]
    pub fn payload<'s>(&self, pager: &Pager, spill: &'s mut Vec<u8>) -> Result<&'s [u8]>
    where
        'a: 's,
    {
        match self.overflow {
            None => Ok(self.local),
            Some(first) => overflow::assemble(pager, self.local, first, self.total, spill),
        }
    }
}

/// The rows of one page, from both ends.
#[derive(Clone)]
pub struct LeafRows<'a> {
    page: PageRef<'a>,
    limits: PayloadLimits,
    next: usize,
    end: usize,
}

impl<'a> LeafRows<'a> {
    pub(super) fn new(page: PageRef<'a>, limits: PayloadLimits, next: usize, end: usize) -> LeafRows<'a> {
        LeafRows {
            page,
            limits,
            next,
            end,
        }
    }

    /// No rows.
    pub(super) fn empty() -> LeafRows<'static> {
        let limits = PayloadLimits {
            max_local: 0,
            min_local: 0,
            per_overflow: 1,
        };
        LeafRows::new(
            PageRef::checked(PageNo::ONE, &[], 0, PageKind::TableLeaf, 0),
            limits,
            0,
            0,
        )
    }

    /// The number of rows that are left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.end.saturating_sub(self.next)
    }

    /// The places on the page of the rows that are left.
    #[inline]
    pub fn places(&self) -> std::ops::Range<usize> {
        self.next..self.end.max(self.next)
    }

    /// The row at a place of the page that one of these rows has, or had.
    #[inline]
    pub fn at(&self, index: usize) -> Result<LeafRow<'a>> {
        self.row(index)
    }

    /// The page's bytes.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.page.bytes()
    }

    /// Where the record of the row at a place lies in [`bytes`](Self::bytes), and its length, when all of it lies on the page; else
    /// [`at`](Self::at) tells more.
    #[inline(always)]
    pub fn record_at(&self, index: usize) -> Option<(usize, usize)> {
        self.page.whole_place(index, &self.limits)
    }

    /// Appends what [`record_at`](Self::record_at) says of each row of a table leaf at `places`; false when one of them is not whole on the page.
    pub fn records_at(&self, places: std::ops::Range<usize>, records: &mut Vec<(u32, u32)>) -> bool {
        self.page.kind() == PageKind::TableLeaf
            && self
                .page
                .whole_places(places.start, places.end, &self.limits, records)
    }

    /// The row id of the row at a place; 0 in index trees.
    #[inline]
    pub fn rowid_at(&self, index: usize) -> Result<i64> {
        match self.page.whole_row(index, &self.limits) {
            Some((rowid, _)) => Ok(rowid),
            None => self.unusual_row(index).map(|row| row.rowid),
        }
    }

    #[inline(always)]
    fn row(&self, index: usize) -> Result<LeafRow<'a>> {
        match self.page.whole_row(index, &self.limits) {
            Some((rowid, local)) => Ok(LeafRow {
                index,
                rowid,
                local,
                total: local.len(),
                overflow: None,
            }),
            None => self.unusual_row(index),
        }
    }

    #[cold]
    fn unusual_row(&self, index: usize) -> Result<LeafRow<'a>> {
        self.page
            .cell(index, &self.limits)
            .map(|cell| LeafRow::of(index, cell))
    }
}

impl<'a> Iterator for LeafRows<'a> {
    type Item = Result<LeafRow<'a>>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let index = self.next;
        self.next += 1;
        Some(self.row(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining(), Some(self.remaining()))
    }
}

impl DoubleEndedIterator for LeafRows<'_> {
    #[inline(always)]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        self.end -= 1;
        Some(self.row(self.end))
    }
}

impl ExactSizeIterator for LeafRows<'_> {}
