//! [`IndexCursor`]: a place in an index tree, and the changes made there.
//!
//! An index tree's entries are records, in the order that a [`KeyOrder`] gives; WITHOUT ROWID tables are such trees. Entries lie on interior pages
//! as well: in order of traversal, interior cell `i` comes between the subtree of child `i` and that of child `i + 1`.
//!
//! Keys are compared where they lie. Only when the columns at hand are equal and the next one reaches into an overflow page is a
//! record put together first.
//!
//! When pages change under a cursor it finds its place again by its record, which the page that it holds still has. A record whose key
//! columns reach into overflow pages is copied when the cursor comes to it, because those pages may be gone by then.

mod batch;
mod change;
mod compare;
mod needle;

use std::cmp::Ordering;
use std::mem;
use std::sync::Arc;

pub use batch::IndexBatch;
use compare::{compare, has_columns};
use needle::Needle;

use super::descent::{Stack, Stamp};
use super::leaf::LeafRows;
use super::tree::{TreeKind, count_rows, estimate_rows};
use super::{Seek, overflow};
use crate::error::{Error, Result};
use crate::format::cell::Cell;
use crate::format::record::{self, KeyValues};
use crate::format::{KeyOrder, PageNo, ValueRef};
use crate::pager::Pager;

/// A cursor over an index tree: records in the order of their keys.
///
/// A cursor does not borrow the pager; every call that reads or writes is given it. When pages change between two calls the cursor
/// finds its place again by key. Between transactions a cursor keeps nothing that it trusts, so it may be kept and used again.
pub struct IndexCursor {
    stack: Stack,
    order: Arc<KeyOrder>,
    place: Place,
    /// The record that the place is known by, or the part of it that has the key: in `Moved`, and in `At` when `keeps_key`.
    key: Vec<u8>,
    key_total: usize,
    keeps_key: bool,
    edge: Option<RightEdge>,
    /// The stack stands where a record belongs that was looked for and not found.
    gap: bool,
    /// Where records with overflow pages are put together for a comparison.
    spill: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On no entry, before the first move or behind the end.
    Unset,
    /// On the current cell of the stack, which may be on an interior page.
    At,
    /// Where `key` was; the stack does not say.
    Moved,
}

/// The rightmost leaf of the tree as the last insert left it.
#[derive(Clone, Copy)]
struct RightEdge {
    leaf: PageNo,
    stamp: Stamp,
}

/// Where a key is or would be.
#[derive(Clone, Copy)]
struct Found {
    index: usize,
    /// The entry at `index` is equal on all columns, and the search stopped there.
    equal: bool,
    /// Some entry that the search looked at is equal on the key's columns.
    met_equal: bool,
}

/// Where a key is, seen from a leaf.
enum Side {
    /// On the leaf.
    Here,
    /// Behind all entries of the tree, of which the leaf has the last.
    BehindAll,
    /// Not known.
    Elsewhere,
}

/// Which of the entries that are equal on the key's columns a search stops at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    /// In front of the first of them.
    Lower,
    /// Behind the last of them.
    Upper,
}

impl IndexCursor {
    /// A cursor over the index tree with this root and order. Reads nothing.
    pub fn new(root: PageNo, order: Arc<KeyOrder>) -> IndexCursor {
        IndexCursor {
            stack: Stack::new(root, false),
            order,
            place: Place::Unset,
            key: Vec::new(),
            key_total: 0,
            keeps_key: false,
            edge: None,
            gap: false,
            spill: Vec::new(),
        }
    }

    /// The tree's root.
    pub fn root(&self) -> PageNo {
        self.stack.root()
    }

    /// The order of the entries.
    pub fn order(&self) -> &Arc<KeyOrder> {
        &self.order
    }

    /// Forgets the place and lets go of all pages.
    pub fn reset(&mut self) {
        self.stack.clear();
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

    /// Goes to the first entry; false when there is none.
    pub fn first(&mut self, pager: &Pager) -> Result<bool> {
        (self.place, self.gap) = (Place::Unset, false);
        self.stack.go_to_edge(pager, true)?;
        self.settle_if_any(pager)
    }

    /// Goes to the last entry; false when there is none.
    pub fn last(&mut self, pager: &Pager) -> Result<bool> {
        (self.place, self.gap) = (Place::Unset, false);
        self.stack.go_to_edge(pager, false)?;
        self.settle_if_any(pager)
    }

    /// Goes to the next entry; false, and on no entry, behind the last.
    #[inline]
    pub fn next(&mut self, pager: &Pager) -> Result<bool> {
        if self.place != Place::At || !self.stack.is_current(pager) {
            return self.seek_from_here(pager, Seek::Gt);
        }
        let next = self.stack.index() + 1;
        if self.stack.at_leaf() {
            return self.go_to_index_or_up(pager, next);
        }
        self.place = Place::Unset;
        self.stack.descend_first(pager, next)?;
        self.settle(pager, 0)
    }

    /// Goes to the entry before; false, and on no entry, in front of the first.
    #[inline]
    pub fn prev(&mut self, pager: &Pager) -> Result<bool> {
        if self.place != Place::At || !self.stack.is_current(pager) {
            return self.seek_from_here(pager, Seek::Lt);
        }
        let index = self.stack.index();
        if self.stack.at_leaf() {
            return self.go_before(pager, index);
        }
        self.place = Place::Unset;
        self.stack.descend_last(pager, index)?;
        self.settle(pager, self.stack.index())
    }

    /// Goes to the entry that `how` says relative to `key`, which may have fewer columns than the entries: `Eq` finds the first entry that is equal on
    /// them, `Ge` the first that is not before them, `Gt` the first behind all that are equal, `Le` the last that is not behind,
    /// `Lt` the last before all that are equal. False when there is none.
    pub fn seek(&mut self, pager: &Pager, key: &[ValueRef<'_>], how: Seek) -> Result<bool> {
        self.place = Place::Unset;
        let bound = if matches!(how, Seek::Gt | Seek::Le) {
            Bound::Upper
        } else {
            Bound::Lower
        };
        let is_whole = key.len() >= self.order.columns.len();
        let found = self.find(pager, key, bound, is_whole)?;
        match how {
            Seek::Eq | Seek::Ge | Seek::Le if found.equal && is_whole => self.settle(pager, found.index),
            Seek::Gt if found.equal && is_whole => {
                self.settle(pager, found.index)?;
                self.next(pager)
            }
            Seek::Lt if found.equal && is_whole => {
                self.settle(pager, found.index)?;
                self.prev(pager)
            }
            Seek::Ge | Seek::Gt => self.go_to_index_or_up(pager, found.index),
            Seek::Le | Seek::Lt => self.go_before(pager, found.index),
            Seek::Eq if is_whole => Ok(false),
            Seek::Eq => {
                let hit = self.go_to_index_or_up(pager, found.index)?
                    && self.compare_current(pager, key)? == Ordering::Equal;
                if !hit {
                    self.place = Place::Unset;
                }
                Ok(hit)
            }
        }
    }

    /// Goes to the first entry that is equal to `key`, which may have fewer columns than the entries; false when there is none. Then
    /// [`insert_probed`](Self::insert_probed) may follow.
    pub fn probe(&mut self, pager: &Pager, key: &[ValueRef<'_>]) -> Result<bool> {
        self.place = Place::Unset;
        let found = self.find(pager, key, Bound::Lower, false)?;
        if found.met_equal {
            return self.go_to_index_or_up(pager, found.index);
        }
        self.gap = true;
        Ok(false)
    }

    /// The order of the current entry relative to `key`, over the columns that both have.
    pub fn compare_current(&mut self, pager: &Pager, key: &[ValueRef<'_>]) -> Result<Ordering> {
        self.require_entry()?;
        let page = self.stack.current().view(self.stack.usable());
        let limits = *self.stack.limits();
        compare(
            pager,
            &self.order,
            &page,
            self.stack.index(),
            &limits,
            key,
            &mut self.spill,
        )
    }

    /// True when the cursor is on an entry.
    #[inline]
    pub fn is_on_row(&self) -> bool {
        self.place == Place::At
    }

    /// The current entry's record: a slice of its page, or assembled in `spill` when it has overflow pages. It is the entry as it was when the
    /// cursor came to it.
    #[inline]
    pub fn payload<'a>(&'a self, pager: &Pager, spill: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        self.require_entry()?;
        let page = self.stack.current().view(self.stack.usable());
        if let Some(record) = page.whole_payload(self.stack.index(), self.stack.limits()) {
            return Ok(record);
        }
        let cell = self.current_cell()?;
        match cell.overflow {
            None => Ok(cell.local),
            Some(first) => overflow::assemble(pager, cell.local, first, cell.total, spill),
        }
    }

    /// The number of entries. Reads the pages' headers, not the entries.
    pub fn count(&self, pager: &Pager) -> Result<u64> {
        count_rows(pager, self.stack.root(), TreeKind::Index)
    }

    /// About how many there are, judged by one page of each level.
    pub fn estimate(&self, pager: &Pager) -> Result<u64> {
        estimate_rows(pager, self.stack.root(), TreeKind::Index)
    }

    // ---- whole leaves ----------------------------------------------------------------------------

    /// The entries from the current one on that can be had without moving: those to the end of the leaf, or just the current one
    /// when it lies on an interior page. Empty when the cursor is on no entry.
    pub fn leaf(&self) -> LeafRows<'_> {
        self.rows(|index, count| (index, count))
    }

    /// As [`leaf`](Self::leaf), but the entries up to the current one, for taking from the back.
    pub fn leaf_back(&self) -> LeafRows<'_> {
        self.rows(|index, _| (0, index + 1))
    }

    fn rows(&self, on_leaf: impl Fn(usize, usize) -> (usize, usize)) -> LeafRows<'_> {
        if self.place != Place::At {
            return LeafRows::empty();
        }
        let page = self.stack.current().view(self.stack.usable());
        let index = self.stack.index();
        let (from, to) = if self.stack.at_leaf() {
            on_leaf(index, page.count())
        } else {
            (index, index + 1)
        };
        LeafRows::new(page, *self.stack.limits(), from, to)
    }

    /// Goes to the entry with this [`index`](super::LeafRow::index) on the current page; false when the page has no such entry.
    pub fn stand_at(&mut self, pager: &Pager, index: usize) -> Result<bool> {
        self.require_entry()?;
        if index >= usize::from(self.stack.current().count) {
            return Ok(false);
        }
        self.settle(pager, index)
    }

    /// Goes to the first entry behind those of [`leaf`](Self::leaf); false when there is none.
    pub fn next_leaf(&mut self, pager: &Pager) -> Result<bool> {
        if self.place == Place::At && self.stack.at_leaf() {
            let last = usize::from(self.stack.current().count) - 1;
            self.settle(pager, last)?;
        }
        self.next(pager)
    }

    /// Goes to the last entry in front of those of [`leaf_back`](Self::leaf_back); false when there is none.
    pub fn prev_leaf(&mut self, pager: &Pager) -> Result<bool> {
        if self.place == Place::At && self.stack.at_leaf() {
            self.settle(pager, 0)?;
        }
        self.prev(pager)
    }

    // ---- places ----------------------------------------------------------------------------------

    /// Descends to where `key` is or would be. With `stop_at_equal`, which needs a key of all columns, it stops at the entry that
    /// is equal, on whatever page; else it goes down to a leaf.
    fn find(
        &mut self,
        pager: &Pager,
        key: &[ValueRef<'_>],
        bound: Bound,
        stop_at_equal: bool,
    ) -> Result<Found> {
        self.gap = false;
        let ties = (!stop_at_equal).then_some(bound);
        let needle = Needle::new(&self.order, key, ties);
        if self.stack.return_to_leaf(pager)? {
            match self.place_of_leaf(pager, &needle, key)? {
                Side::Here => return self.find_on_page(pager, &needle, key, bound, stop_at_equal),
                Side::BehindAll => {
                    let index = usize::from(self.stack.current().count);
                    self.stack.set_index(index);
                    return Ok(Found {
                        index,
                        equal: false,
                        met_equal: false,
                    });
                }
                Side::Elsewhere => {}
            }
        }
        self.stack.restart(pager)?;
        let mut met_equal = false;
        loop {
            let mut found = self.find_on_page(pager, &needle, key, bound, stop_at_equal)?;
            met_equal |= found.met_equal;
            if found.equal || self.stack.at_leaf() {
                self.stack.note_search();
                found.met_equal = met_equal;
                return Ok(found);
            }
            self.stack.descend(pager, found.index)?;
        }
    }

    /// Whether the entries that are equal to `key` can be on no other page than the current leaf, because others are in front of and behind
    /// them there; or whether there are none because it is behind the last of the tree.
    fn place_of_leaf(&mut self, pager: &Pager, needle: &Needle, key: &[ValueRef<'_>]) -> Result<Side> {
        let (page, limits) = (
            self.stack.current().view(self.stack.usable()),
            *self.stack.limits(),
        );
        let Some(last) = page.count().checked_sub(1) else {
            return Ok(Side::Elsewhere);
        };
        let mut order = |index| match needle.order_of(&page, &limits, index) {
            Some(order) => Ok(order),
            None => compare(pager, &self.order, &page, index, &limits, key, &mut self.spill),
        };
        Ok(match order(last)? {
            Ordering::Less if self.stack.is_rightmost() => Side::BehindAll,
            Ordering::Greater if order(0)? == Ordering::Less => Side::Here,
            _ => Side::Elsewhere,
        })
    }

    #[inline]
    fn find_on_page(
        &mut self,
        pager: &Pager,
        needle: &Needle,
        key: &[ValueRef<'_>],
        bound: Bound,
        stop_at_equal: bool,
    ) -> Result<Found> {
        let (page, limits) = (
            self.stack.current().view(self.stack.usable()),
            *self.stack.limits(),
        );
        let (mut low, mut high) = (0, page.count());
        let mut met_equal = false;
        loop {
            let narrowed = needle.narrow(&page, &limits, (low, high));
            (low, high) = (narrowed.low, narrowed.high);
            met_equal |= narrowed.met_equal;
            if low >= high {
                break;
            }
            let middle = (low + high) / 2;
            let order = compare(pager, &self.order, &page, middle, &limits, key, &mut self.spill)?;
            met_equal |= order == Ordering::Equal;
            if stop_at_equal && order == Ordering::Equal {
                self.stack.set_index(middle);
                return Ok(Found {
                    index: middle,
                    equal: true,
                    met_equal,
                });
            }
            if order == Ordering::Less || (order == Ordering::Equal && bound == Bound::Upper) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.stack.set_index(low);
        Ok(Found {
            index: low,
            equal: false,
            met_equal,
        })
    }

    /// Goes to cell `index` of the current leaf, or to the interior cell behind the leaf.
    #[inline]
    fn go_to_index_or_up(&mut self, pager: &Pager, index: usize) -> Result<bool> {
        if index < usize::from(self.stack.current().count) {
            return self.settle(pager, index);
        }
        self.place = Place::Unset;
        while self.stack.ascend() {
            let index = self.stack.index();
            if index < usize::from(self.stack.current().count) {
                return self.settle(pager, index);
            }
        }
        Ok(false)
    }

    #[inline]
    fn go_before(&mut self, pager: &Pager, index: usize) -> Result<bool> {
        if index > 0 {
            return self.settle(pager, index - 1);
        }
        self.place = Place::Unset;
        while self.stack.ascend() {
            if let Some(previous) = self.stack.index().checked_sub(1) {
                return self.settle(pager, previous);
            }
        }
        Ok(false)
    }

    fn settle_if_any(&mut self, pager: &Pager) -> Result<bool> {
        if self.stack.current().count == 0 {
            return Ok(false);
        }
        self.settle(pager, self.stack.index())
    }

    #[inline]
    fn settle(&mut self, pager: &Pager, index: usize) -> Result<bool> {
        self.stack.set_index(index);
        self.keeps_key = false;
        let page = self.stack.current().view(self.stack.usable());
        if page.whole_payload(index, self.stack.limits()).is_none() {
            self.settle_on_spilled(pager)?;
        }
        self.place = Place::At;
        Ok(true)
    }

    /// Copies the record when its key columns are not all on the page.
    #[cold]
    fn settle_on_spilled(&mut self, pager: &Pager) -> Result<()> {
        let cell = self.current_cell()?;
        if cell.overflow.is_some() && !has_columns(cell.local, cell.total, self.order.columns.len())? {
            self.keep_key(pager)?;
        }
        Ok(())
    }

    /// Copies the current record's key, or as much of the record as has it, to `self.key`.
    fn keep_key(&mut self, pager: &Pager) -> Result<()> {
        if self.keeps_key {
            return Ok(());
        }
        let mut key = mem::take(&mut self.key);
        let cell = self.current_cell()?;
        let total = cell.total;
        match cell.overflow {
            Some(first) if !has_columns(cell.local, total, self.order.columns.len())? => {
                overflow::assemble(pager, cell.local, first, total, &mut key)?;
            }
            _ => {
                key.clear();
                key.extend_from_slice(cell.local);
            }
        }
        (self.key, self.key_total, self.keeps_key) = (key, total, true);
        Ok(())
    }

    /// Seeks relative to the record that the cursor is or was on.
    fn seek_from_here(&mut self, pager: &Pager, how: Seek) -> Result<bool> {
        match self.place {
            Place::Unset => return Ok(false),
            Place::At => self.keep_key(pager)?,
            Place::Moved => {}
        }
        self.with_kept_key(|cursor, key| cursor.seek(pager, key, how))
    }

    /// Goes to the entry whose key is kept; false when it is gone.
    fn find_kept_key(&mut self, pager: &Pager) -> Result<bool> {
        let hit = self.with_kept_key(|cursor, key| cursor.seek(pager, key, Seek::Eq))?;
        self.keeps_key = true;
        Ok(hit)
    }

    fn with_kept_key<R>(&mut self, act: impl FnOnce(&mut Self, &[ValueRef<'_>]) -> Result<R>) -> Result<R> {
        let record = mem::take(&mut self.key);
        let mut values = KeyValues::new();
        let result = record::decode_prefix(&record, self.key_total, self.order.columns.len(), &mut values)
            .and_then(|()| act(self, &values));
        drop(values);
        if self.key.is_empty() {
            self.key = record;
        }
        result
    }

    fn current_cell(&self) -> Result<Cell<'_>> {
        self.current_cell_at(self.stack.index())
    }

    #[inline]
    fn current_cell_at(&self, index: usize) -> Result<Cell<'_>> {
        self.stack
            .current()
            .view(self.stack.usable())
            .cell(index, self.stack.limits())
    }

    fn require_entry(&self) -> Result<()> {
        if self.place == Place::At {
            Ok(())
        } else {
            Err(Error::Misuse("the cursor is on no entry"))
        }
    }
}
