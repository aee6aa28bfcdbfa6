//! Cells: the entries of B-tree pages.
//!
//! ```text
//! table leaf       payload length │ row id │ payload … │ [first overflow page, 4]
//! table interior   left child, 4  │ row id
//! index leaf       payload length │ payload … │ [first overflow page, 4]
//! index interior   left child, 4  │ payload length │ payload … │ [first overflow page, 4]
//! ```
//!
//! Lengths and row ids are varints. A payload longer than [`PayloadLimits::max_local`] keeps its first bytes in the cell and the
//! rest on overflow pages. A cell takes at least four bytes of its page, so that a freeblock fits where it was.

use super::PageNo;
use super::page::{PageKind, read_page_no};
use super::varint::{self, VARINT_LEN_MAX};

/// The least number of bytes that a cell takes on its page.
pub const CELL_SIZE_MIN: usize = 4;

/// The longest payload that the format allows.
pub const PAYLOAD_LEN_MAX: usize = i32::MAX as usize;

/// The most bytes of a cell in front of its payload: child, length, row id.
pub const CELL_HEAD_LEN_MAX: usize = 4 + 2 * VARINT_LEN_MAX;

/// How much of a payload stays in its cell (fileformat2 1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadLimits {
    /// The longest payload that stays whole.
    pub max_local: usize,
    /// The least that stays of a longer one.
    pub min_local: usize,
    /// Payload bytes on one overflow page.
    pub per_overflow: usize,
}

impl PayloadLimits {
    /// The limits of table leaves.
    #[inline]
    pub const fn table(usable: usize) -> PayloadLimits {
        PayloadLimits {
            max_local: usable - 35,
            ..PayloadLimits::index(usable)
        }
    }

    /// The limits of index pages.
    #[inline]
    pub const fn index(usable: usize) -> PayloadLimits {
        PayloadLimits {
            max_local: (usable - 12) * 64 / 255 - 23,
            min_local: (usable - 12) * 32 / 255 - 23,
            per_overflow: usable - 4,
        }
    }

    /// How many bytes of a payload of `total` bytes stay in the cell.
    #[inline]
    pub const fn local(&self, total: usize) -> usize {
        if total <= self.max_local {
            total
        } else {
            self.local_of_spilled(total)
        }
    }

    #[inline(never)]
    const fn local_of_spilled(&self, total: usize) -> usize {
        let filling = self.min_local + (total - self.min_local) % self.per_overflow;
        if filling <= self.max_local {
            filling
        } else {
            self.min_local
        }
    }
}

/// A cell as it lies on a page.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    /// The child to the left; `None` on leaves.
    pub child: Option<PageNo>,
    /// The row id; 0 in index trees.
    pub rowid: i64,
    /// Length of the whole payload.
    pub total: usize,
    /// The part of the payload that lies in the cell.
    pub local: &'a [u8],
    /// The first overflow page when `local` is not all.
    pub overflow: Option<PageNo>,
    /// All bytes of the cell; may be fewer than it takes on the page, see [`size`](Cell::size).
    pub bytes: &'a [u8],
}

impl<'a> Cell<'a> {
    /// Reads the cell at `offset` of `page` (its bytes up to the usable size). The error says what does not fit.
    #[inline(always)]
    pub fn parse(
        kind: PageKind,
        page: &'a [u8],
        offset: usize,
        limits: &PayloadLimits,
    ) -> Result<Cell<'a>, &'static str> {
        let mut at = offset;
        let mut child = None;
        if !kind.is_leaf() {
            child = Some(read_page_no(page, at).ok_or("child pointer is zero or outside the page")?);
            at += 4;
        }
        if kind == PageKind::TableInterior {
            let (rowid, end) = varint::read_at(page, at).ok_or("cell ends inside its row id")?;
            let bytes = &page[offset..end];
            return Ok(Cell {
                child,
                rowid: rowid as i64,
                total: 0,
                local: &[],
                overflow: None,
                bytes,
            });
        }
        let (total, next) = varint::read_at(page, at).ok_or("cell ends inside its payload length")?;
        at = next;
        let mut rowid = 0;
        if kind == PageKind::TableLeaf {
            let (key, next) = varint::read_at(page, at).ok_or("cell ends inside its row id")?;
            (rowid, at) = (key as i64, next);
        }
        if total > PAYLOAD_LEN_MAX as u64 {
            return Err("payload is longer than the format allows");
        }
        let total = total as usize;
        let local_len = limits.local(total);
        let local = page
            .get(at..at + local_len)
            .ok_or("cell extends past the end of the page")?;
        at += local_len;
        let mut overflow = None;
        if local_len < total {
            overflow = Some(read_page_no(page, at).ok_or("overflow pointer is zero or outside the page")?);
            at += 4;
        }
        Ok(Cell {
            child,
            rowid,
            total,
            local,
            overflow,
            bytes: &page[offset..at],
        })
    }

    /// The offset behind the cell at `offset`, which may be less than it takes on the page. For moving cells: nothing else of the cell is
    /// looked at.
    #[inline(always)]
    pub fn end(
        kind: PageKind,
        page: &[u8],
        offset: usize,
        limits: &PayloadLimits,
    ) -> Result<usize, &'static str> {
        let at = if kind.is_leaf() { offset } else { offset + 4 };
        let end = if kind == PageKind::TableInterior {
            varint::skip_at(page, at)
        } else {
            varint::read_at(page, at).and_then(|(total, at)| {
                let at = if kind == PageKind::TableLeaf {
                    varint::skip_at(page, at)?
                } else {
                    at
                };
                let total = usize::try_from(total)
                    .ok()
                    .filter(|total| *total <= PAYLOAD_LEN_MAX)?;
                let local = limits.local(total);
                Some(at + local + if local < total { 4 } else { 0 })
            })
        };
        end.filter(|end| *end <= page.len())
            .ok_or("cell extends past the end of the page")
    }

    /// The bytes that the cell takes on its page.
    #[inline]
    pub fn size(&self) -> usize {
        self.bytes.len().max(CELL_SIZE_MIN)
    }
}

/// The bytes of a cell in front of its payload, built on the stack.
#[derive(Clone, Copy)]
pub struct CellHead {
    bytes: [u8; CELL_HEAD_LEN_MAX],
    len: u8,
}

impl CellHead {
    /// The head of a table leaf cell.
    #[inline]
    pub fn table_leaf(total: usize, rowid: i64) -> CellHead {
        let mut bytes = [0; CELL_HEAD_LEN_MAX];
        let len = varint::write(total as u64, &mut bytes);
        let len = len + varint::write(rowid as u64, &mut bytes[len..]);
        CellHead {
            bytes,
            len: len as u8,
        }
    }

    /// The whole of a table interior cell.
    #[inline]
    pub fn table_interior(child: PageNo, rowid: i64) -> CellHead {
        let mut bytes = [0; CELL_HEAD_LEN_MAX];
        bytes[..4].copy_from_slice(&child.get().to_be_bytes());
        let len = 4 + varint::write(rowid as u64, &mut bytes[4..]);
        CellHead {
            bytes,
            len: len as u8,
        }
    }

    /// The head of an index leaf cell.
    #[inline]
    pub fn index_leaf(total: usize) -> CellHead {
        let mut bytes = [0; CELL_HEAD_LEN_MAX];
        let len = varint::write(total as u64, &mut bytes);
        CellHead {
            bytes,
            len: len as u8,
        }
    }

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_format() {
        let table = PayloadLimits::table(4096);
        let index = PayloadLimits::index(4096);
        assert_eq!((table.max_local, table.min_local), (4061, 489));
        assert_eq!((index.max_local, index.min_local), (1002, 489));
        let smallest = PayloadLimits::index(480);
        assert_eq!((smallest.max_local, smallest.min_local), (94, 35));
        assert_eq!(table.local(4061), 4061);
        assert_eq!(table.local(4062), 489);
        assert_eq!(table.local(489 + 4092 + 1), 490);
        // The part that would fill the last overflow page is more than a cell may hold.
        assert_eq!(index.local(1003), 489);
        assert_eq!(index.local(489 + 4092 + 514), 489);
        assert_eq!(index.local(489 + 4092 + 513), 1002);
    }

    #[test]
    fn cells_of_each_kind() {
        let limits = PayloadLimits::table(512);
        let head = CellHead::table_leaf(3, -1);
        let mut page = head.as_slice().to_vec();
        page.extend_from_slice(b"abc");
        let cell = Cell::parse(PageKind::TableLeaf, &page, 0, &limits).unwrap();
        assert_eq!(
            (cell.rowid, cell.total, cell.local, cell.overflow),
            (-1, 3, &b"abc"[..], None)
        );
        assert_eq!(cell.size(), 13);
        for cut in 0..page.len() {
            assert!(Cell::parse(PageKind::TableLeaf, &page[..cut], 0, &limits).is_err());
        }

        let child = PageNo::new(7).unwrap();
        let head = CellHead::table_interior(child, 300);
        let cell = Cell::parse(PageKind::TableInterior, head.as_slice(), 0, &limits).unwrap();
        assert_eq!((cell.child, cell.rowid, cell.size()), (Some(child), 300, 6));

        let cell = Cell::parse(PageKind::IndexLeaf, &[1, 9], 0, &limits).unwrap();
        assert_eq!((cell.local, cell.bytes.len(), cell.size()), (&[9][..], 2, 4));
    }
}
