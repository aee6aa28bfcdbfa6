//! [`TableCursor`]: a place in a table tree, and the changes made there.
//!
//! ```text
//!            seek hit, first, next            insert, delete
//!   Unset ─────────────────────▶ At ─────────────────────────▶ Moved ──┐
//!     ▲                           │ ▲                                  │ next: seek(Gt)
//!     │     seek miss             │ └──────────────────────────────────┘ prev: seek(Lt)
//!     │  ┌──────────────── Gap ◀──┘
//!     └──┘ end of the tree
//! ```
//!
//! Inserting at the right edge in ascending order is the case that has to be fastest: the cursor remembers the rightmost leaf and its
//! largest row id, and as long as nothing else has changed the pages the next row goes straight into that leaf. When another tree has
//! changed in between (an index of the same table), the way down the right edge is walked again, without any search.

mod patch;
mod payload;
mod search;

pub use payload::PayloadCursor;
use search::{Bounds, lower_bound};

use super::balance::{self, Pending, PendingCells};
use super::descent::{Path, Stack, Stamp};
use super::edit::PageEdit;
use super::leaf::LeafRows;
use super::tree::{TreeKind, count_rows, estimate_rows};
use super::{Seek, overflow};
use crate::error::{Error, Result};
use crate::format::cell::{CELL_SIZE_MIN, CellHead, PAYLOAD_LEN_MAX, PayloadLimits};
use crate::format::page::PageKind;
use crate::format::record::{self, EncodedSize};
use crate::format::{PageNo, ValueRef, varint};
use crate::pager::Pager;

/// A cursor over a table tree: rows in the order of their row ids.
///
/// A cursor does not borrow the pager; every call that reads or writes is given it. When pages change between two calls the cursor
/// finds its place again by row id. Between transactions a cursor keeps nothing that it trusts, so it may be kept and used again.
pub struct TableCursor {
    stack: Stack,
    place: Place,
    /// The current row's id, or in `Gap` and `Moved` the id that the place is next to.
    rowid: i64,
    edge: Option<RightEdge>,
    /// The cell behind the one that was patched last: often the next to be.
    next_patch: usize,
    /// Where a cell is put together that does not fit where it was.
    cell: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On no row, before the first move or behind the end.
    Unset,
    /// On the current cell of the stack.
    At,
    /// In front of the current cell of the stack, where `rowid` would be.
    Gap,
    /// Where `rowid` is or was; the stack does not say.
    Moved,
}

/// The rightmost leaf of the tree as the last insert left it.
#[derive(Clone, Copy)]
struct RightEdge {
    leaf: PageNo,
    last: i64,
    stamp: Stamp,
}

impl TableCursor {
    /// A cursor over the table tree with this root. Reads nothing.
    pub fn new(root: PageNo) -> TableCursor {
        TableCursor {
            stack: Stack::new(root, true),
            place: Place::Unset,
            rowid: 0,
            edge: None,
            next_patch: 0,
            cell: Vec::new(),
        }
    }

    /// The tree's root.
    pub fn root(&self) -> PageNo {
        self.stack.root()
    }

    /// Forgets the place and lets go of all pages.
    pub fn reset(&mut self) {
        self.stack.clear();
        self.place = Place::Unset;
        self.edge = None;
    }

    /// Forgets the place, for who comes back soon: no page is kept that somebody may want to change, and what is kept is used in this
    /// transaction only.
    #[inline]
    pub fn rest(&mut self) {
        self.stack.rest();
        self.place = Place::Unset;
        self.edge = None;
    }

    /// Says that no page of this tree has changed since this cursor was used last, whatever else has: it keeps what it knows of them. Who
    /// says so wrongly gets wrong places.
    #[inline]
    pub fn vouch(&mut self, pager: &Pager) {
        let now = Stamp::of(pager);
        self.stack.vouch(now);
        if let Some(edge) = &mut self.edge
            && edge.stamp != Stamp::NEVER
        {
            edge.stamp = now;
        }
    }

    /// Forgets what is known of the tree's pages, so that nothing can be [vouched](Self::vouch) for.
    #[inline]
    pub fn distrust(&mut self) {
        self.stack.distrust();
        if let Some(edge) = &mut self.edge {
            edge.stamp = Stamp::NEVER;
        }
    }

    // ---- moving ----------------------------------------------------------------------------------

    /// Goes to the first row; false when there is none.
    pub fn first(&mut self, pager: &Pager) -> Result<bool> {
        self.place = Place::Unset;
        self.stack.go_to_edge(pager, true)?;
        self.settle_if_any()
    }

    /// Goes to the last row; false when there is none.
    pub fn last(&mut self, pager: &Pager) -> Result<bool> {
        self.place = Place::Unset;
        self.stack.go_to_edge(pager, false)?;
        self.settle_if_any()
    }

    /// Goes to the next row; false, and on no row, behind the last.
    #[inline]
    pub fn next(&mut self, pager: &Pager) -> Result<bool> {
        let step = match self.place {
            Place::Unset => return Ok(false),
            Place::At if self.stack.is_current(pager) => 1,
            Place::Gap if self.stack.is_current(pager) => 0,
            _ => return self.seek(pager, self.rowid, Seek::Gt),
        };
        self.go_to_index_or_next_leaf(pager, self.stack.index() + step)
    }

    /// Goes to the row before; false, and on no row, in front of the first.
    #[inline]
    pub fn prev(&mut self, pager: &Pager) -> Result<bool> {
        match self.place {
            Place::Unset => Ok(false),
            Place::At | Place::Gap if self.stack.is_current(pager) => {
                self.go_before(pager, self.stack.index())
            }
            _ => self.seek(pager, self.rowid, Seek::Lt),
        }
    }

    /// Goes to the row that `how` says relative to `rowid`; false when there is none.
    pub fn seek(&mut self, pager: &Pager, rowid: i64, how: Seek) -> Result<bool> {
        let (index, found) = self.find(pager, rowid)?;
        match how {
            Seek::Eq => Ok(found),
            Seek::Ge => self.go_to_index_or_next_leaf(pager, index),
            Seek::Gt => self.go_to_index_or_next_leaf(pager, index + usize::from(found)),
            Seek::Le if found => Ok(true),
            Seek::Le | Seek::Lt => self.go_before(pager, index),
        }
    }

    /// The current row's id; 0 before the first move.
    #[inline]
    pub fn rowid(&self) -> i64 {
        self.rowid
    }

    /// True when the cursor is on a row.
    #[inline]
    pub fn is_on_row(&self) -> bool {
        self.place == Place::At
    }

    /// The current row's payload: a slice of its page, or assembled in `spill` when it has overflow pages. It is the row as it was
    /// when the cursor came to it.
    #[inline]
    pub fn payload<'a>(&'a self, pager: &Pager, spill: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        self.require_row()?;
        let page = self.stack.current().view(self.stack.usable());
        let index = self.stack.index();
        if let Some((_, payload)) = page.whole_row(index, self.stack.limits()) {
            return Ok(payload);
        }
        let cell = page.cell(index, self.stack.limits())?;
        match cell.overflow {
            None => Ok(cell.local),
            Some(first) => overflow::assemble(pager, cell.local, first, cell.total, spill),
        }
    }

    /// The largest row id in the tree; the cursor goes there.
    pub fn max_rowid(&mut self, pager: &Pager) -> Result<Option<i64>> {
        Ok(self.last(pager)?.then_some(self.rowid))
    }

    /// The largest row id in the tree, without moving the cursor. Free while this cursor appends and nothing else is written.
    #[inline]
    pub fn largest_rowid(&mut self, pager: &Pager) -> Result<Option<i64>> {
        let edge = match self.edge {
            Some(edge) if edge.stamp == Stamp::of(pager) => edge,
            _ => self.walk_to_edge(pager)?,
        };
        if edge.last == i64::MAX {
            // The largest there can be, or no row at all.
            return Ok(self.last(pager)?.then_some(self.rowid));
        }
        self.edge = Some(edge);
        Ok(Some(edge.last))
    }

    /// Whether `rowid` is known to lie behind all rows: this cursor appended before, and the row would be the next.
    #[inline]
    pub fn is_behind_all(&mut self, pager: &Pager, rowid: i64) -> Result<bool> {
        if self.edge.is_none_or(|edge| rowid <= edge.last) {
            return Ok(false);
        }
        Ok(self.largest_rowid(pager)?.is_some_and(|last| rowid > last))
    }

    /// The number of rows. Reads the pages' headers, not the rows.
    pub fn count(&self, pager: &Pager) -> Result<u64> {
        count_rows(pager, self.stack.root(), TreeKind::Table)
    }

    /// About how many there are, judged by one page of each level.
    pub fn estimate(&self, pager: &Pager) -> Result<u64> {
        estimate_rows(pager, self.stack.root(), TreeKind::Table)
    }

    // ---- whole leaves ----------------------------------------------------------------------------

    /// The rows of the current leaf from the current row on. Empty when the cursor is on no row.
    pub fn leaf(&self) -> LeafRows<'_> {
        self.rows(|index, count| (index, count))
    }

    /// The rows of the current leaf up to the current row, for taking from the back.
    pub fn leaf_back(&self) -> LeafRows<'_> {
        self.rows(|index, _| (0, index + 1))
    }

    fn rows(&self, range: impl Fn(usize, usize) -> (usize, usize)) -> LeafRows<'_> {
        if self.place != Place::At {
            return LeafRows::empty();
        }
        let page = self.stack.current().view(self.stack.usable());
        let (from, to) = range(self.stack.index(), page.count());
        LeafRows::new(page, *self.stack.limits(), from, to)
    }

    /// Goes to the row with this [`index`](super::LeafRow::index) on the current leaf; false when the leaf has no such row.
    pub fn stand_at(&mut self, index: usize) -> Result<bool> {
        self.require_row()?;
        if index >= usize::from(self.stack.current().count) {
            return Ok(false);
        }
        self.settle(index)
    }

    /// Goes to the first row of the next leaf; false behind the last leaf.
    pub fn next_leaf(&mut self, pager: &Pager) -> Result<bool> {
        self.leave_leaf(pager, Seek::Gt, usize::MAX)
    }

    /// Goes to the last row of the leaf before; false in front of the first leaf.
    pub fn prev_leaf(&mut self, pager: &Pager) -> Result<bool> {
        self.leave_leaf(pager, Seek::Lt, 0)
    }

    fn leave_leaf(&mut self, pager: &Pager, how: Seek, edge: usize) -> Result<bool> {
        if self.place == Place::Unset {
            return Ok(false);
        }
        if !self.stack.is_current(pager) || self.place == Place::Moved {
            // The leaf's rows may lie elsewhere now: go on behind the last one that was handed out.
            if self.place == Place::At {
                let last = usize::from(self.stack.current().count) - 1;
                self.settle(edge.min(last))?;
            }
            return self.seek(pager, self.rowid, how);
        }
        if how == Seek::Gt {
            self.go_to_index_or_next_leaf(pager, usize::from(self.stack.current().count))
        } else {
            self.go_before(pager, 0)
        }
    }

    // ---- changing --------------------------------------------------------------------------------

    /// Adds the row, or replaces the payload of the row with this id. Afterwards the cursor is at that row for `next` and `prev`;
    /// its payload has to be sought.
    ///
    /// Ascending row ids go to the right edge without a descent.
    pub fn insert(&mut self, pager: &mut Pager, rowid: i64, payload: &[u8]) -> Result<()> {
        let limits = PayloadLimits::table(pager.usable_size());
        if payload.len() <= limits.max_local {
            return self.insert_local(pager, rowid, payload.len(), |out| out.copy_from_slice(payload));
        }
        if payload.len() > PAYLOAD_LEN_MAX {
            return Err(Error::TooBig);
        }
        let (index, found) = self.find(pager, rowid)?;
        let (local, rest) = payload.split_at(limits.local(payload.len()));
        let first = overflow::write(pager, rest, self.stack.current().no)?;
        self.insert_at(pager, index, found, payload.len(), local.len() + 4, |out| {
            let (head, pointer) = out.split_at_mut(local.len());
            head.copy_from_slice(local);
            pointer.copy_from_slice(&first.get().to_be_bytes());
        })
    }

    /// As [`insert`](Self::insert) with the record of `values`, which is encoded straight into the page.
    pub fn insert_values(&mut self, pager: &mut Pager, rowid: i64, values: &[ValueRef<'_>]) -> Result<()> {
        let size = EncodedSize::of(values);
        if size.total() <= PayloadLimits::table(pager.usable_size()).max_local {
            return self.insert_local(pager, rowid, size.total(), |out| record::write(values, size, out));
        }
        let mut payload = Vec::new();
        record::encode(values, &mut payload);
        self.insert(pager, rowid, &payload)
    }

    /// Removes the current row. Afterwards `next` goes to the row behind it, `prev` to the one before.
    ///
    /// # Errors
    /// [`Error::Misuse`] when the cursor is on no row.
    pub fn delete(&mut self, pager: &mut Pager) -> Result<()> {
        self.require_row()?;
        if !self.stack.is_current(pager) && !self.find(pager, self.rowid)?.1 {
            self.place = Place::Moved;
            return Ok(());
        }
        let (usable, limits, index) = (self.stack.usable(), *self.stack.limits(), self.stack.index());
        pager.note_row_change(self.stack.root(), self.rowid);
        let cell = self.stack.current().view(usable).cell(index, &limits)?;
        let (chain, rest) = (cell.overflow, cell.total - cell.local.len());
        (self.place, self.edge) = (Place::Moved, None);
        let leaf = self.stack.pop_leaf();
        if let Some(first) = chain {
            overflow::free(pager, first, rest)?;
        }
        let mut page = PageEdit::parse(leaf.no, pager.page_mut(leaf.no)?, usable)?;
        page.remove(index, &limits)?;
        if self.stack.has_parents() && balance::is_underfull(page.free_bytes()?, usable) {
            return self.rebalance(pager, self.stack.path_to(leaf), PendingCells::new());
        }
        self.stack.restamp(pager);
        Ok(())
    }

    #[inline]
    fn insert_local(
        &mut self,
        pager: &mut Pager,
        rowid: i64,
        len: usize,
        fill: impl Fn(&mut [u8]),
    ) -> Result<()> {
        if let Some(mut edge) = self.edge
            && rowid > edge.last
        {
            if edge.stamp != Stamp::of(pager) {
                edge = self.walk_to_edge(pager)?;
            }
            // The stack may hold this leaf as it was.
            self.stack.distrust();
            let cell_len = varint::len(len as u64) + varint::len(rowid as u64) + len;
            let usable = pager.usable_size();
            if rowid > edge.last
                && let Some(out) = append_cell(pager.page_mut(edge.leaf)?, usable, cell_len)
            {
                let at = varint::write(len as u64, out);
                let at = at + varint::write(rowid as u64, &mut out[at..]);
                fill(&mut out[at..]);
                self.edge = Some(RightEdge {
                    leaf: edge.leaf,
                    last: rowid,
                    stamp: Stamp::of(pager),
                });
                (self.place, self.rowid) = (Place::Moved, rowid);
                return Ok(());
            }
        }
        let (index, found) = self.find(pager, rowid)?;
        self.insert_at(pager, index, found, len, len, fill)
    }

    /// The right edge as it is now. Without rows on the rightmost leaf every row id would do, but none is right: `last` is the largest.
    #[inline(never)]
    fn walk_to_edge(&self, pager: &Pager) -> Result<RightEdge> {
        let level = balance::right_edge(pager, self.stack.root(), true)?;
        let last = match usize::from(level.count).checked_sub(1) {
            Some(index) => level.view(pager.usable_size()).rowid(index)?,
            None => i64::MAX,
        };
        // Page 1 has its header elsewhere, and is left to the ordinary way.
        let last = if level.no == PageNo::ONE { i64::MAX } else { last };
        Ok(RightEdge {
            leaf: level.no,
            last,
            stamp: Stamp::of(pager),
        })
    }

    /// Writes a cell of `stored` bytes behind its head at `index` of the current leaf, in place of the cell there when it is `found`.
    fn insert_at(
        &mut self,
        pager: &mut Pager,
        index: usize,
        found: bool,
        total: usize,
        stored: usize,
        fill: impl Fn(&mut [u8]),
    ) -> Result<()> {
        let (usable, limits, rowid) = (self.stack.usable(), *self.stack.limits(), self.rowid);
        let at_edge = !found && self.stack.is_right_edge(index);
        if found {
            pager.note_row_change(self.stack.root(), rowid);
        }
        let replaced = if found {
            Some(self.stack.current().view(usable).cell(index, &limits)?)
        } else {
            None
        };
        let chain = replaced.and_then(|cell| Some((cell.overflow?, cell.total - cell.local.len())));
        let replaced_len = replaced.map(|cell| cell.bytes.len());
        (self.place, self.edge) = (Place::Moved, None);
        let way = self.stack.pop_leaf();
        let leaf = way.no;
        if let Some((first, rest)) = chain {
            overflow::free(pager, first, rest)?;
        }
        let head = CellHead::table_leaf(total, rowid);
        let head = head.as_slice();
        let len = head.len() + stored;
        let write = |out: &mut [u8]| {
            let (out_head, out_stored) = out.split_at_mut(head.len());
            out_head.copy_from_slice(head);
            fill(out_stored);
        };
        let mut page = PageEdit::parse(leaf, pager.page_mut(leaf)?, usable)?;
        if replaced_len == Some(len) {
            write(page.cell_bytes(index, &limits)?);
        } else {
            if replaced_len.is_some() {
                page.remove(index, &limits)?;
            }
            let Some(out) = page.place(index, len, &limits)? else {
                let mut cell = vec![0; len];
                write(&mut cell);
                let pending = [Pending { index, cell }].into_iter().collect();
                return self.rebalance(pager, self.stack.path_to(way), pending);
            };
            write(out);
        }
        self.stack.restamp(pager);
        if at_edge && leaf != PageNo::ONE {
            self.edge = Some(RightEdge {
                leaf,
                last: rowid,
                stamp: Stamp::of(pager),
            });
        }
        Ok(())
    }

    fn rebalance(&mut self, pager: &mut Pager, path: Path, pending: PendingCells) -> Result<()> {
        self.stack.clear();
        balance::balance(pager, TreeKind::Table, path, pending)
    }

    // ---- places ----------------------------------------------------------------------------------

    /// Descends to the leaf where `rowid` is or would be: its index there and whether it is there.
    fn find(&mut self, pager: &Pager, rowid: i64) -> Result<(usize, bool)> {
        if matches!(self.place, Place::At | Place::Gap) && self.stack.is_current(pager) {
            if self.rowid == rowid {
                return Ok((self.stack.index(), self.place == Place::At));
            }
            if self.is_next_cell(rowid)? {
                return Ok((self.stack.index(), true));
            }
        }
        self.place = Place::Unset;
        let mut bounds = Bounds::default();
        let returned = self.stack.return_to_leaf(pager)?;
        if returned && self.is_cell(self.next_patch, rowid)? {
            self.stack.set_index(self.next_patch);
            (self.rowid, self.place) = (rowid, Place::At);
            return Ok((self.next_patch, true));
        }
        if !(returned && self.leaf_spans(rowid)?) {
            self.descend_to(pager, rowid, &mut bounds)?;
        }
        let page = self.stack.current().view(self.stack.usable());
        let (index, found) = lower_bound(&page, rowid, &mut bounds)?;
        self.stack.set_index(index);
        self.rowid = rowid;
        self.place = if found { Place::At } else { Place::Gap };
        Ok((index, found))
    }

    /// Goes to `rowid` when it is in the cell behind the current one: those who look for many rows often want neighbours.
    #[inline]
    fn is_next_cell(&mut self, rowid: i64) -> Result<bool> {
        let next = self.stack.index() + 1;
        if !self.stack.at_leaf() || !self.is_cell(next, rowid)? {
            return Ok(false);
        }
        self.stack.begin_search();
        self.stack.set_index(next);
        (self.rowid, self.place) = (rowid, Place::At);
        Ok(true)
    }

    /// True when cell `index` of the current leaf is that of `rowid`.
    #[inline]
    fn is_cell(&self, index: usize, rowid: i64) -> Result<bool> {
        let page = self.stack.current().view(self.stack.usable());
        Ok(index < page.count() && page.rowid(index)? == rowid)
    }

    /// True when `rowid` is not in front of the first nor behind the last row of the current leaf, so that it can be on no other.
    fn leaf_spans(&self, rowid: i64) -> Result<bool> {
        let page = self.stack.current().view(self.stack.usable());
        match page.count().checked_sub(1) {
            Some(last) => Ok(page.rowid(0)? <= rowid && rowid <= page.rowid(last)?),
            None => Ok(false),
        }
    }

    #[inline]
    fn descend_to(&mut self, pager: &Pager, rowid: i64, bounds: &mut Bounds) -> Result<()> {
        self.stack.restart(pager)?;
        let usable = self.stack.usable();
        while !self.stack.at_leaf() {
            let (child, _) = lower_bound(&self.stack.current().view(usable), rowid, bounds)?;
            self.stack.descend(pager, child)?;
        }
        self.stack.note_search();
        Ok(())
    }

    #[inline]
    fn go_to_index_or_next_leaf(&mut self, pager: &Pager, index: usize) -> Result<bool> {
        if index < usize::from(self.stack.current().count) {
            return self.settle(index);
        }
        self.place = Place::Unset;
        while self.stack.ascend() {
            let next = self.stack.index() + 1;
            if next <= usize::from(self.stack.current().count) {
                self.stack.descend_first(pager, next)?;
                return self.settle(0);
            }
        }
        Ok(false)
    }

    #[inline]
    fn go_before(&mut self, pager: &Pager, index: usize) -> Result<bool> {
        if index > 0 {
            return self.settle(index - 1);
        }
        self.place = Place::Unset;
        while self.stack.ascend() {
            if let Some(previous) = self.stack.index().checked_sub(1) {
                self.stack.descend_last(pager, previous)?;
                return self.settle(self.stack.index());
            }
        }
        Ok(false)
    }

    fn settle_if_any(&mut self) -> Result<bool> {
        if self.stack.current().count == 0 {
            return Ok(false);
        }
        self.settle(self.stack.index())
    }

    #[inline]
    fn settle(&mut self, index: usize) -> Result<bool> {
        self.stack.set_index(index);
        self.rowid = self.stack.current().view(self.stack.usable()).rowid(index)?;
        self.place = Place::At;
        Ok(true)
    }

    fn require_row(&self) -> Result<()> {
        if self.place == Place::At {
            Ok(())
        } else {
            Err(Error::Misuse("the cursor is on no row"))
        }
    }
}

/// Places a cell of `len` bytes behind the last cell of a table leaf other than page 1, when the gap has room, and hands out its bytes.
#[inline]
fn append_cell(page: &mut [u8], usable: usize, len: usize) -> Option<&mut [u8]> {
    let page = page.get_mut(..usable)?;
    let &[kind, _, _, count_high, count_low, start_high, start_low] = page.first_chunk()?;
    let count = usize::from(count_high) << 8 | usize::from(count_low);
    let content = match usize::from(start_high) << 8 | usize::from(start_low) {
        0 => 65536,
        start => start,
    };
    let pointer = 8 + 2 * count;
    let at = content.checked_sub(len.max(CELL_SIZE_MIN))?;
    if kind != PageKind::TableLeaf as u8 || pointer + 2 > at || content > usable {
        return None;
    }
    page[3..5].copy_from_slice(&(count as u16 + 1).to_be_bytes());
    page[5..7].copy_from_slice(&(at as u16).to_be_bytes());
    page[pointer..pointer + 2].copy_from_slice(&(at as u16).to_be_bytes());
    page.get_mut(at..at + len)
}
