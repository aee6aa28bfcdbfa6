//! [`PayloadCursor`]: the bytes of one row's payload, read and overwritten where they lie.
//!
//! ```text
//!   payload   |......local......|....chain[0]....|....chain[1]....|..chain[2]..|
//!                  on the leaf       overflow pages, known as far as somebody came
//! ```
//!
//! Reading a part in the middle follows the chain up to there once; the page numbers are kept. They stand as long as no page has
//! changed but through this cursor; after that the row is sought again.

use super::TableCursor;
use crate::btree::descent::Stamp;
use crate::error::{Error, Result, corrupt};
use crate::format::PageNo;
use crate::format::page::read_page_no;
use crate::format::record::{self, Field};
use crate::format::varint::{self, VARINT_LEN_MAX};
use crate::pager::Pager;
use crate::{btree::Seek, btree::overflow};

/// Random access to the payload of one row of a table tree. Overwrites bytes, never changes the length.
pub struct PayloadCursor {
    cursor: TableCursor,
    place: Option<RowPlace>,
}

/// Where a row lies.
struct RowPlace {
    stamp: Stamp,
    leaf: PageNo,
    /// Offset and length of the part on the leaf.
    local_at: usize,
    local_len: usize,
    total: usize,
    /// The overflow pages as far as they are known: the first at least, where there are any.
    chain: Vec<PageNo>,
}

/// A stretch of payload bytes on one page.
struct Stretch {
    page: PageNo,
    at: usize,
    len: usize,
}

impl PayloadCursor {
    /// A cursor over the table tree with this root. Reads nothing.
    pub fn new(root: PageNo) -> PayloadCursor {
        PayloadCursor {
            cursor: TableCursor::new(root),
            place: None,
        }
    }

    /// Goes to the row `rowid`: the length of its payload, or `None` when there is no such row.
    ///
    /// # Errors
    /// [`Error::Corrupt`], I/O errors.
    pub fn seek(&mut self, pager: &Pager, rowid: i64) -> Result<Option<usize>> {
        self.place = None;
        if !self.cursor.seek(pager, rowid, Seek::Eq)? {
            self.cursor.reset();
            return Ok(None);
        }
        let stack = &self.cursor.stack;
        let (view, index) = (stack.current().view(stack.usable()), stack.index());
        let cell = view.cell(index, stack.limits())?;
        let tail = if cell.overflow.is_some() { 4 } else { 0 };
        let local_at = view.cell_offset(index)? + cell.bytes.len() - tail - cell.local.len();
        let rest = cell.total - cell.local.len();
        if overflow::page_count(rest, stack.usable()) as u64 > u64::from(pager.page_count()) {
            return Err(corrupt(
                stack.current().no,
                local_at,
                "payload is longer than the file",
            ));
        }
        let place = RowPlace {
            stamp: Stamp::of(pager),
            leaf: stack.current().no,
            local_at,
            local_len: cell.local.len(),
            total: cell.total,
            chain: cell.overflow.into_iter().collect(),
        };
        // A page that is looked at is copied when it changes.
        self.cursor.reset();
        let total = place.total;
        self.place = Some(place);
        Ok(Some(total))
    }

    /// Whether the place of the row is still known: no page has changed but through this cursor.
    pub fn is_current(&self, pager: &Pager) -> bool {
        self.place
            .as_ref()
            .is_some_and(|place| place.stamp == Stamp::of(pager))
    }

    /// Where column `column` of the row's record lies; `None` when the record has fewer columns.
    ///
    /// # Errors
    /// Those of [`PayloadCursor::read`].
    pub fn field(&mut self, pager: &Pager, column: usize) -> Result<Option<Field>> {
        let total = self.current(pager)?.total;
        let mut start = [0; VARINT_LEN_MAX];
        let start = &mut start[..total.min(VARINT_LEN_MAX)];
        self.read(pager, 0, start)?;
        let header_len = match varint::read(start) {
            Some((len, _)) if len <= total as u64 => len as usize,
            _ => return Err(record::truncated()),
        };
        let mut header = vec![0; header_len];
        self.read(pager, 0, &mut header)?;
        let Some(mut columns) = record::columns_of(&header, total)? else {
            return Err(record::truncated());
        };
        for _ in 0..column {
            if columns.next_field()?.is_none() {
                return Ok(None);
            }
        }
        columns.next_field()
    }

    /// Fills `out` with the payload's bytes from `offset` on.
    ///
    /// # Errors
    /// [`Error::Misuse`] past the end of the payload, or when the place is not current; [`Error::Corrupt`], I/O errors.
    pub fn read(&mut self, pager: &Pager, offset: usize, out: &mut [u8]) -> Result<()> {
        let mut done = 0;
        while done < out.len() {
            let stretch = self.stretch(pager, offset + done, out.len() - done)?;
            let page = pager.page(stretch.page)?;
            let bytes = page
                .get(stretch.at..stretch.at + stretch.len)
                .ok_or_else(|| corrupt(stretch.page, stretch.at, "payload ends behind its page"))?;
            out[done..done + stretch.len].copy_from_slice(bytes);
            done += stretch.len;
        }
        Ok(())
    }

    /// Overwrites the payload's bytes from `offset` on.
    ///
    /// # Errors
    /// As [`PayloadCursor::read`]; [`Error::Misuse`] outside a write transaction.
    pub fn write(&mut self, pager: &mut Pager, offset: usize, bytes: &[u8]) -> Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            let stretch = self.stretch(pager, offset + done, bytes.len() - done)?;
            let page = pager.page_mut(stretch.page)?;
            let place = page
                .get_mut(stretch.at..stretch.at + stretch.len)
                .ok_or_else(|| corrupt(stretch.page, stretch.at, "payload ends behind its page"))?;
            place.copy_from_slice(&bytes[done..done + stretch.len]);
            done += stretch.len;
            if let Some(place) = &mut self.place {
                place.stamp = Stamp::of(pager);
            }
        }
        Ok(())
    }

    /// The page with the byte at `offset`, and how many of the next `wanted` bytes are on it.
    fn stretch(&mut self, pager: &Pager, offset: usize, wanted: usize) -> Result<Stretch> {
        let usable = pager.usable_size();
        let place = self.current(pager)?;
        if offset >= place.total || wanted > place.total - offset {
            return Err(Error::Misuse("past the end of the payload"));
        }
        let Some(behind) = offset.checked_sub(place.local_len) else {
            return Ok(Stretch {
                page: place.leaf,
                at: place.local_at + offset,
                len: wanted.min(place.local_len - offset),
            });
        };
        let (number, within) = (behind / (usable - 4), behind % (usable - 4));
        let page = place.overflow_page(pager, number)?;
        Ok(Stretch {
            page,
            at: 4 + within,
            len: wanted.min(usable - 4 - within),
        })
    }

    fn current(&mut self, pager: &Pager) -> Result<&mut RowPlace> {
        let now = Stamp::of(pager);
        match &mut self.place {
            Some(place) if place.stamp == now => Ok(place),
            _ => Err(Error::Misuse("the row has to be sought again")),
        }
    }
}

impl RowPlace {
    /// The overflow page number `number`, from 0.
    fn overflow_page(&mut self, pager: &Pager, number: usize) -> Result<PageNo> {
        while self.chain.len() <= number {
            let last = *self.chain.last().ok_or_else(|| self.short())?;
            let next = read_page_no(&pager.page(last)?, 0).ok_or_else(|| self.short())?;
            self.chain.push(next);
        }
        Ok(self.chain[number])
    }

    fn short(&self) -> Error {
        corrupt(self.leaf, self.local_at, "overflow chain ends before its payload")
    }
}
