//! Inserting and deleting in index trees.

use std::cmp::Ordering;

use smallvec::SmallVec;

use super::compare::compare;
use super::{Bound, IndexCursor, Place, RightEdge};
use crate::btree::balance::{self, Pending};
use crate::btree::descent::{Path, Stamp, Step};
use crate::btree::edit::PageEdit;
use crate::btree::overflow;
use crate::btree::pointer_map::{self, Use};
use crate::btree::tree::TreeKind;
use crate::error::{Error, Result, corrupt};
use crate::format::cell::{Cell, CellHead, PAYLOAD_LEN_MAX, PayloadLimits};
use crate::format::page::{PageKind, PageRef};
use crate::format::record::{self, EncodedSize, KeyValues};
use crate::format::{PageNo, ValueRef};
use crate::pager::Pager;

impl IndexCursor {
    /// Adds the record, or puts it in the place of the one that is equal on all columns of the order. Afterwards the cursor is on no
    /// entry.
    ///
    /// Ascending records go to the right edge without a descent.
    pub fn insert(&mut self, pager: &mut Pager, record: &[u8]) -> Result<()> {
        let mut key = KeyValues::new();
        record::decode_prefix(record, record.len(), self.order.columns.len(), &mut key)?;
        if record.len() <= PayloadLimits::index(pager.usable_size()).max_local {
            return self.insert_local(pager, &key, record.len(), |out| out.copy_from_slice(record));
        }
        if record.len() > PAYLOAD_LEN_MAX {
            return Err(Error::TooBig);
        }
        self.place = Place::Unset;
        let found = self.find(pager, &key, Bound::Lower, true)?;
        let cell = self.spilled_cell(pager, record)?;
        match found.equal {
            true => self.replace(pager, found.index, &cell),
            false => self.insert_cell(pager, found.index, cell.len(), |out| out.copy_from_slice(&cell)),
        }
    }

    /// As [`insert`](Self::insert) with the record of `values`, which is encoded straight into the page.
    pub fn insert_values(&mut self, pager: &mut Pager, values: &[ValueRef<'_>]) -> Result<()> {
        let size = EncodedSize::of(values);
        if size.total() <= PayloadLimits::index(pager.usable_size()).max_local {
            let key = &values[..values.len().min(self.order.columns.len())];
            return self.insert_local(pager, key, size.total(), |out| record::write(values, size, out));
        }
        let mut record = Vec::with_capacity(size.total());
        record::encode(values, &mut record);
        self.insert(pager, &record)
    }

    /// As [`insert_values`](Self::insert_values) of a record that begins with the key that the last call, of [`probe`](Self::probe), has
    /// not found: its place is known.
    pub fn insert_probed(&mut self, pager: &mut Pager, values: &[ValueRef<'_>]) -> Result<()> {
        let size = EncodedSize::of(values);
        let local = size.total() <= PayloadLimits::index(pager.usable_size()).max_local;
        if !std::mem::take(&mut self.gap) || !self.stack.is_current(pager) || !local {
            return self.insert_values(pager, values);
        }
        (self.place, self.edge) = (Place::Unset, None);
        self.insert_record(pager, self.stack.index(), size.total(), |out| {
            record::write(values, size, out);
        })
    }

    /// Adds a record of `len` bytes that needs no overflow pages; `fill` writes it.
    #[inline]
    fn insert_local(
        &mut self,
        pager: &mut Pager,
        key: &[ValueRef<'_>],
        len: usize,
        fill: impl Fn(&mut [u8]),
    ) -> Result<()> {
        self.place = Place::Unset;
        if self.edge.is_some() && self.append(pager, key, len, &fill)? {
            return Ok(());
        }
        let found = self.find(pager, key, Bound::Lower, true)?;
        if !found.equal {
            return self.insert_record(pager, found.index, len, fill);
        }
        let head = CellHead::index_leaf(len);
        let head = head.as_slice();
        let mut cell: SmallVec<[u8; 256]> = SmallVec::from_elem(0, head.len() + len);
        cell[..head.len()].copy_from_slice(head);
        fill(&mut cell[head.len()..]);
        self.replace(pager, found.index, &cell)
    }

    /// The cell of a record for a leaf when not all of it has room there; the rest goes to overflow pages.
    fn spilled_cell(&self, pager: &mut Pager, record: &[u8]) -> Result<Vec<u8>> {
        let limits = PayloadLimits::index(pager.usable_size());
        let (local, rest) = record.split_at(limits.local(record.len()));
        let mut cell = CellHead::index_leaf(record.len()).as_slice().to_vec();
        cell.extend_from_slice(local);
        let first = overflow::write(pager, rest, self.stack.current().no)?;
        cell.extend_from_slice(&first.get().to_be_bytes());
        Ok(cell)
    }

    /// Removes the entry that is equal to `key`, which has all columns of the order; false when there is none. Afterwards the cursor is on no
    /// entry.
    pub fn remove(&mut self, pager: &mut Pager, key: &[ValueRef<'_>]) -> Result<bool> {
        self.place = Place::Unset;
        let found = self.find(pager, key, Bound::Lower, true)?;
        if !found.equal {
            return Ok(false);
        }
        self.edge = None;
        let cell = self.current_cell_at(found.index)?;
        let chain = cell.overflow.map(|first| (first, cell.total - cell.local.len()));
        if self.stack.at_leaf() {
            let leaf = self.stack.pop_leaf();
            debug_assert_eq!(leaf.index, found.index);
            free_chain(pager, chain)?;
            self.remove_popped(pager, leaf)?;
        } else {
            self.delete_interior(pager, chain)?;
        }
        Ok(true)
    }

    /// Removes the current entry. Afterwards `next` goes to the entry behind it, `prev` to the one before.
    ///
    /// # Errors
    /// [`Error::Misuse`] when the cursor is on no entry.
    pub fn delete(&mut self, pager: &mut Pager) -> Result<()> {
        self.require_entry()?;
        self.keep_key(pager)?;
        if !self.stack.is_current(pager) && !self.find_kept_key(pager)? {
            self.place = Place::Moved;
            return Ok(());
        }
        self.edge = None;
        let cell = self.current_cell()?;
        let chain = cell.overflow.map(|first| (first, cell.total - cell.local.len()));
        self.place = Place::Moved;
        if self.stack.at_leaf() {
            let leaf = self.stack.pop_leaf();
            free_chain(pager, chain)?;
            return self.remove_popped(pager, leaf);
        }
        self.delete_interior(pager, chain)
    }

    /// Puts a record behind the last entry when the last insert was there, too, and it belongs there.
    fn append(
        &mut self,
        pager: &mut Pager,
        key: &[ValueRef<'_>],
        len: usize,
        fill: impl Fn(&mut [u8]),
    ) -> Result<bool> {
        let Some(edge) = self.edge.take() else {
            return Ok(false);
        };
        let (usable, limits) = (pager.usable_size(), PayloadLimits::index(pager.usable_size()));
        let leaf = {
            let known = if edge.stamp == Stamp::of(pager) {
                edge.leaf
            } else {
                self.root()
            };
            let level = balance::right_edge(pager, known, false)?;
            let Some(last) = usize::from(level.count).checked_sub(1) else {
                return Ok(false);
            };
            let page = level.view(usable);
            let order = compare(pager, &self.order, &page, last, &limits, key, &mut self.spill)?;
            if order != Ordering::Less {
                return Ok(false);
            }
            level.no
        };
        // The stack may hold this leaf as it was.
        self.stack.distrust();
        let head = CellHead::index_leaf(len);
        let head = head.as_slice();
        let mut page = PageEdit::parse(leaf, pager.page_mut(leaf)?, usable)?;
        let Some(out) = page.append(head.len() + len) else {
            return Ok(false);
        };
        let (out_head, out_record) = out.split_at_mut(head.len());
        out_head.copy_from_slice(head);
        fill(out_record);
        self.edge = Some(RightEdge {
            leaf,
            stamp: Stamp::of(pager),
        });
        Ok(true)
    }

    /// Puts the record of `len` bytes that `fill` writes in front of entry `index` of the current leaf.
    #[inline]
    fn insert_record(
        &mut self,
        pager: &mut Pager,
        index: usize,
        len: usize,
        fill: impl Fn(&mut [u8]),
    ) -> Result<()> {
        let head = CellHead::index_leaf(len);
        let head = head.as_slice();
        self.insert_cell(pager, index, head.len() + len, |out| {
            let (out_head, out_record) = out.split_at_mut(head.len());
            out_head.copy_from_slice(head);
            fill(out_record);
        })
    }

    #[inline]
    fn insert_cell(
        &mut self,
        pager: &mut Pager,
        index: usize,
        len: usize,
        fill: impl Fn(&mut [u8]),
    ) -> Result<()> {
        let (usable, limits) = (self.stack.usable(), *self.stack.limits());
        let at_edge = self.stack.is_right_edge(index);
        let way = self.stack.pop_leaf();
        let leaf = way.no;
        let mut page = PageEdit::parse(leaf, pager.page_mut(leaf)?, usable)?;
        let Some(out) = page.place(index, len, &limits)? else {
            let mut cell = vec![0; len];
            fill(&mut cell);
            return self.rebalance(pager, self.stack.path_to(way), Some(Pending { index, cell }));
        };
        fill(out);
        self.stack.restamp(pager);
        if at_edge {
            self.edge = Some(RightEdge {
                leaf,
                stamp: Stamp::of(pager),
            });
        }
        Ok(())
    }

    /// Puts a cell, given as for a leaf, in the place of the current one.
    fn replace(&mut self, pager: &mut Pager, index: usize, leaf_cell: &[u8]) -> Result<()> {
        let old = self.current_cell_at(index)?;
        let chain = old.overflow.map(|first| (first, old.total - old.local.len()));
        let (old_len, child) = (old.bytes.len(), old.child);
        let mut path = self.stack.path();
        if let Some(step) = path.last_mut() {
            step.index = index;
        }
        self.edge = None;
        self.stack.clear();
        free_chain(pager, chain)?;
        match child {
            None => self.write_in_place(pager, path, old_len, leaf_cell).map(|_| ()),
            Some(child) => {
                let cell = [&child.get().to_be_bytes(), leaf_cell].concat();
                self.write_in_place(pager, path, old_len, &cell).map(|_| ())
            }
        }
    }

    /// Overwrites the cell at the end of `path`, of `old_len` bytes; true when the page had to be balanced for it.
    fn write_in_place(&mut self, pager: &mut Pager, path: Path, old_len: usize, cell: &[u8]) -> Result<bool> {
        let Some(&step) = path.last() else {
            return Ok(false);
        };
        let (usable, limits) = (pager.usable_size(), PayloadLimits::index(pager.usable_size()));
        let mut page = PageEdit::parse(step.no, pager.page_mut(step.no)?, usable)?;
        if old_len == cell.len() {
            page.cell_bytes(step.index, &limits)?.copy_from_slice(cell);
        } else {
            page.remove(step.index, &limits)?;
            match page.place(step.index, cell.len(), &limits)? {
                Some(out) => out.copy_from_slice(cell),
                None => {
                    let pending = Pending {
                        index: step.index,
                        cell: cell.to_vec(),
                    };
                    self.rebalance(pager, path, Some(pending))?;
                    return Ok(true);
                }
            }
        }
        let chain = PageRef::parse(step.no, &pager.page(step.no)?, usable)?
            .cell(step.index, &limits)?
            .overflow;
        if let Some(chain) = chain
            && pointer_map::is_kept(pager)?
        {
            pointer_map::put(pager, chain, Use::OverflowFirst(step.no))?;
        }
        Ok(false)
    }

    /// Removes the current entry of an interior page: the last entry of its left subtree takes its place.
    fn delete_interior(&mut self, pager: &mut Pager, chain: Option<(PageNo, usize)>) -> Result<()> {
        let old = self.current_cell()?;
        let (old_len, child) = (old.bytes.len(), old.child);
        let depth = self.stack.path().len();
        let index = self.stack.index();
        self.stack.descend_last(pager, index)?;
        let Some(child) = child else {
            return Err(corrupt(
                self.stack.current().no,
                0,
                "interior cell without a child",
            ));
        };
        let substitute = self.current_cell()?.bytes.to_vec();
        let path = self.stack.path();
        self.stack.clear();
        free_chain(pager, chain)?;

        let cell = [&child.get().to_be_bytes(), &substitute[..]].concat();
        let above: Path = path[..depth].iter().copied().collect();
        let moved = self.write_in_place(pager, above, old_len, &cell)?;
        // When that balanced pages, the substitute's old place has to be sought: it is the first of the two that are equal now.
        let path = if moved {
            self.path_to_leaf_cell(pager, &substitute)?
        } else {
            path
        };
        let index = path.last().map_or(0, |step| step.index);
        self.stack.clear();
        self.remove_leaf_cell(pager, path, index)
    }

    /// The way to the leaf cell with these bytes, of which an interior cell is a copy.
    fn path_to_leaf_cell(&mut self, pager: &Pager, cell: &[u8]) -> Result<Path> {
        let limits = PayloadLimits::index(pager.usable_size());
        let parsed = Cell::parse(PageKind::IndexLeaf, cell, 0, &limits)
            .map_err(|what| corrupt(self.root(), 0, what))?;
        let mut whole = Vec::new();
        let record = match parsed.overflow {
            None => parsed.local,
            Some(first) => overflow::assemble(pager, parsed.local, first, parsed.total, &mut whole)?,
        };
        let mut key = KeyValues::new();
        record::decode_prefix(record, record.len(), self.order.columns.len(), &mut key)?;
        let found = self.find(pager, &key, Bound::Lower, false)?;
        if found.index >= usize::from(self.stack.current().count)
            || self.current_cell_at(found.index)?.bytes != cell
        {
            return Err(corrupt(
                self.stack.current().no,
                0,
                "index entries are out of order",
            ));
        }
        self.stack.set_index(found.index);
        Ok(self.stack.path())
    }

    /// Removes the cell of the leaf that was popped.
    #[inline]
    fn remove_popped(&mut self, pager: &mut Pager, leaf: Step) -> Result<()> {
        let (usable, limits) = (self.stack.usable(), *self.stack.limits());
        let mut page = PageEdit::parse(leaf.no, pager.page_mut(leaf.no)?, usable)?;
        page.remove(leaf.index, &limits)?;
        if self.stack.has_parents() && balance::is_underfull(page.free_bytes()?, usable) {
            return self.rebalance(pager, self.stack.path_to(leaf), None);
        }
        self.stack.restamp(pager);
        Ok(())
    }

    fn remove_leaf_cell(&mut self, pager: &mut Pager, path: Path, index: usize) -> Result<()> {
        let Some(step) = path.last() else { return Ok(()) };
        let (usable, limits) = (pager.usable_size(), PayloadLimits::index(pager.usable_size()));
        let mut page = PageEdit::parse(step.no, pager.page_mut(step.no)?, usable)?;
        page.remove(index, &limits)?;
        if path.len() > 1 && balance::is_underfull(page.free_bytes()?, usable) {
            return self.rebalance(pager, path, None);
        }
        self.stack.restamp(pager);
        Ok(())
    }

    pub(super) fn rebalance(
        &mut self,
        pager: &mut Pager,
        path: Path,
        pending: Option<Pending>,
    ) -> Result<()> {
        self.stack.clear();
        self.edge = None;
        balance::balance(pager, TreeKind::Index, path, pending.into_iter().collect())
    }
}

fn free_chain(pager: &mut Pager, chain: Option<(PageNo, usize)>) -> Result<()> {
    match chain {
        Some((first, rest)) => overflow::free(pager, first, rest),
        None => Ok(()),
    }
}
