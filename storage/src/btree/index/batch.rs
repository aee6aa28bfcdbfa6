//! [`IndexBatch`]: changes of an index tree that are made later, all together and in the order of their keys.
//!
//! Entries that come in no order each need a way from the root to a leaf of their own, and find neither in the processor's cache. Put in
//! order first, those of one leaf come one after the other, and those of an index that is new, or grows at its end, are appended.
//!
//! ```text
//!   add, remove ──▶ records, one after the other, and for each its place and the start of its key     apply: sorted, then made
//! ```
//!
//! - B1. Of two changes with equal keys the one that came first is made first.
//! - B2. An entry that is removed and then added again is left as it is, and one that is added and then removed is not made; whether it is
//!   there is not checked.
//! - B3. Starts of keys that differ are in the order of the keys ([`start_of`]); equal ones say nothing.

use std::cmp::Ordering;
use std::iter;
use std::sync::Arc;

use smallvec::SmallVec;

use super::needle::{Needle, order_of_texts};
use super::{Bound, Found, IndexCursor, Place};
use crate::btree::balance::{self, Pending};
use crate::btree::edit::{PageEdit, Piece};
use crate::error::{Result, corrupt};
use crate::format::cell::{CELL_SIZE_MIN, CellHead, PayloadLimits};
use crate::format::page::PageRef;
use crate::format::record::{self, KeyValues};
use crate::format::{Collation, KeyColumn, KeyOrder, ValueRef};
use crate::pager::Pager;

/// Changes of one index tree that wait.
#[derive(Debug)]
pub struct IndexBatch {
    order: Arc<KeyOrder>,
    records: Vec<u8>,
    changes: Vec<Change>,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    start: u128,
    at: u32,
    len: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Add,
    Remove,
}

impl IndexBatch {
    /// No changes yet, of a tree in this order.
    pub fn new(order: Arc<KeyOrder>) -> IndexBatch {
        IndexBatch {
            order,
            records: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// The record of `values` is to be added.
    #[inline]
    pub fn add(&mut self, values: &[ValueRef<'_>]) {
        self.push(values, Kind::Add);
    }

    /// The record of `values` is to be removed.
    #[inline]
    pub fn remove(&mut self, values: &[ValueRef<'_>]) {
        self.push(values, Kind::Remove);
    }

    fn push(&mut self, values: &[ValueRef<'_>], kind: Kind) {
        let at = self.records.len();
        record::encode(values, &mut self.records);
        self.changes.push(Change {
            start: start_of(&self.order.columns, values),
            at: at as u32,
            len: (self.records.len() - at) as u32,
            kind,
        });
    }

    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The memory that what waits takes. A batch of more than 4 GiB is not to be made.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.records.len() + self.changes.len() * size_of::<Change>()
    }

    /// Makes all changes, by a cursor over the tree. Afterwards nothing waits.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) when an entry that is to be removed is not there, and those of the pager. Which changes were made is not known then.
    pub fn apply(&mut self, pager: &mut Pager, cursor: &mut IndexCursor) -> Result<()> {
        let mut changes = std::mem::take(&mut self.changes);
        // Most starts differ, and numbers are sorted faster than what has to be looked up.
        changes.sort_unstable_by_key(|change| change.start);
        for alike in changes.chunk_by_mut(|a, b| a.start == b.start) {
            if alike.len() > 1 {
                alike.sort_unstable_by(|a, b| self.compare_whole(a, b).then(a.at.cmp(&b.at)));
            }
        }
        self.leave_out_undone(&mut changes);
        let made = self.make_all(pager, cursor, &changes);
        changes.clear();
        self.records.clear();
        self.changes = changes;
        made
    }

    /// An entry that goes and comes back stays; one that comes and goes never was.
    fn leave_out_undone(&self, changes: &mut Vec<Change>) {
        let mut kept = 0;
        for at in 0..changes.len() {
            let change = changes[at];
            let undoes = kept > 0 && {
                let before = &changes[kept - 1];
                before.kind != change.kind
                    && before.start == change.start
                    && self.record(before) == self.record(&change)
            };
            if undoes {
                kept -= 1;
            } else {
                changes[kept] = change;
                kept += 1;
            }
        }
        changes.truncate(kept);
    }

    fn make_all(&self, pager: &mut Pager, cursor: &mut IndexCursor, changes: &[Change]) -> Result<()> {
        let mut rest = changes;
        while let Some((first, others)) = rest.split_first() {
            rest = match cursor.make_run(pager, self, rest)? {
                0 => {
                    make(pager, cursor, first.kind, self.record(first))?;
                    others
                }
                made => &rest[made..],
            };
        }
        Ok(())
    }

    /// Whether no overflow pages are needed.
    #[inline]
    fn is_plain(&self, change: &Change, limits: &PayloadLimits) -> bool {
        change.len as usize <= limits.max_local
    }

    /// Whether the key of `b` is behind that of `a`, which is in front of it in the batch.
    #[inline]
    fn is_behind(&self, a: &Change, b: &Change) -> bool {
        b.start > a.start || self.compare_whole(a, b) == Ordering::Less
    }

    fn record(&self, change: &Change) -> &[u8] {
        &self.records[change.at as usize..][..change.len as usize]
    }

    #[inline(never)]
    fn compare_whole(&self, a: &Change, b: &Change) -> Ordering {
        let other = self.record(b);
        if let Some(order) = order_of_texts(&self.order, self.record(a), other) {
            return order;
        }
        let mut key = KeyValues::new();
        // Records that were encoded here can be decoded.
        record::decode_prefix(other, other.len(), self.order.columns.len(), &mut key)
            .and_then(|()| self.order.compare_record(self.record(a), &key))
            .unwrap_or(Ordering::Equal)
    }
}

fn make(pager: &mut Pager, cursor: &mut IndexCursor, kind: Kind, record: &[u8]) -> Result<()> {
    if kind == Kind::Add {
        return cursor.insert(pager, record);
    }
    let mut key = KeyValues::new();
    record::decode_prefix(record, record.len(), cursor.order().columns.len(), &mut key)?;
    match cursor.remove(pager, &key)? {
        true => Ok(()),
        false => Err(corrupt(cursor.root(), 0, "an index lacks the entry of a row")),
    }
}

impl IndexCursor {
    /// Makes the first changes of a sorted list, as many as belong to one leaf and are plainly made there, and returns how many. None when
    /// the first is not plain: it may need overflow pages or replace an entry, or lie on an interior page.
    fn make_run(&mut self, pager: &mut Pager, batch: &IndexBatch, changes: &[Change]) -> Result<usize> {
        let Some(first) = changes.first() else {
            return Ok(0);
        };
        let mut key = KeyValues::new();
        let width = self.order.columns.len();
        (self.place, self.edge) = (Place::Unset, None);
        decode(batch.record(first), width, &mut key)?;
        let found = self.find(pager, &key, Bound::Lower, true)?;
        if !self.stack.at_leaf() || found.equal != (first.kind == Kind::Remove) {
            return Ok(0);
        }
        let (usable, limits) = (self.stack.usable(), *self.stack.limits());
        if !batch.is_plain(first, &limits) || self.spills(found)? {
            return Ok(0);
        }
        let rightmost = self.stack.is_rightmost();
        let way = self.stack.pop_leaf();
        let mut page = PageEdit::parse(way.no, pager.page_mut(way.no)?, usable)?;
        let mut run = Run {
            batch,
            limits,
            rightmost,
            places: SmallVec::new(),
            removed: 0,
            free: page.free_bytes()?,
        };
        let crowded = run.gather(&page.as_ref(), found.index, changes)?;
        let made = run.places.len();
        run.make(&mut page, &changes[..made])?;
        let underfull =
            run.removed > 0 && self.stack.has_parents() && balance::is_underfull(run.free, usable);
        let left_over = crowded.map(|place| {
            let record = batch.record(&changes[made]);
            Pending {
                index: place - run.removed + (made - run.removed),
                cell: [CellHead::index_leaf(record.len()).as_slice(), record].concat(),
            }
        });
        let made = made + usize::from(left_over.is_some());
        if left_over.is_some() || underfull {
            self.rebalance(pager, self.stack.path_to(way), left_over)?;
        } else {
            self.stack.restamp(pager);
        }
        Ok(made)
    }

    /// Whether the entry that was found has overflow pages.
    fn spills(&self, found: Found) -> Result<bool> {
        Ok(found.equal && self.current_cell_at(found.index)?.overflow.is_some())
    }
}

fn decode<'r>(record: &'r [u8], width: usize, key: &mut KeyValues<'r>) -> Result<()> {
    record::decode_prefix(record, record.len(), width, key)
}

/// Changes that are made on one leaf.
struct Run<'b> {
    batch: &'b IndexBatch,
    limits: PayloadLimits,
    /// The leaf is the tree's rightmost: all that is behind its entries belongs there.
    rightmost: bool,
    /// For each change the entry, of those that the leaf has before, that is removed or that a new one goes in front of.
    places: SmallVec<[usize; 64]>,
    /// How many of the changes remove.
    removed: usize,
    /// Free bytes of the leaf when the changes are made.
    free: usize,
}

impl Run<'_> {
    /// Finds the places of as many changes as are plainly made on the leaf, the first at entry `at`. When the one behind them is an entry
    /// for which the leaf has no room, its place.
    fn gather(&mut self, page: &PageRef<'_>, mut at: usize, changes: &[Change]) -> Result<Option<usize>> {
        let mut change = &changes[0];
        loop {
            match change.kind {
                Kind::Remove => {
                    self.free += page.cell_range(at, &self.limits)?.len().max(CELL_SIZE_MIN) + 2;
                    self.removed += 1;
                    self.places.push(at);
                    at += 1;
                }
                Kind::Add => {
                    let len = change.len as usize;
                    let len = CellHead::index_leaf(len).as_slice().len() + len;
                    let Some(free) = self.free.checked_sub(len.max(CELL_SIZE_MIN) + 2) else {
                        return Ok(Some(at));
                    };
                    self.free = free;
                    self.places.push(at);
                }
            }
            let Some(next) = changes.get(self.places.len()) else {
                return Ok(None);
            };
            if !self.batch.is_behind(change, next) {
                return Ok(None);
            }
            match self.find_ahead(page, at, next)? {
                Some(found) => (at, change) = (found, next),
                None => return Ok(None),
            }
        }
    }

    /// Makes the changes: where they are many, by writing the leaf anew.
    fn make(&self, page: &mut PageEdit<'_>, changes: &[Change]) -> Result<()> {
        if changes.len() * REWRITTEN_SHARE >= page.count() && changes.len() > self.removed {
            return page.rewrite(self.pieces(page.count(), changes), &self.limits);
        }
        let gone = changes.iter().zip(&self.places);
        let gone: SmallVec<[usize; 64]> = gone
            .filter(|(change, _)| change.kind == Kind::Remove)
            .map(|(_, &place)| place)
            .collect();
        if !gone.is_empty() {
            page.remove_all(&gone, &self.limits)?;
        }
        let (mut removed, mut added) = (0, 0);
        for (change, place) in changes.iter().zip(&self.places) {
            if change.kind == Kind::Remove {
                removed += 1;
                continue;
            }
            self.place(page, place + added - removed, self.batch.record(change))?;
            added += 1;
        }
        Ok(())
    }

    /// What the leaf, which has `count` entries, holds when the changes are made.
    fn pieces<'r>(&'r self, count: usize, changes: &'r [Change]) -> impl Iterator<Item = Piece<'r>> {
        let mut kept = 0;
        let changed = changes
            .iter()
            .zip(&self.places)
            .flat_map(move |(change, &place)| {
                let before = Piece::Kept(kept..place);
                kept = place + usize::from(change.kind == Kind::Remove);
                let new = (change.kind == Kind::Add).then(|| Piece::Record(self.batch.record(change)));
                iter::once(before).chain(new)
            });
        let last = changes.iter().zip(&self.places).next_back();
        let rest = last.map_or(0, |(change, place)| {
            place + usize::from(change.kind == Kind::Remove)
        });
        changed.chain(iter::once(Piece::Kept(rest..count)))
    }

    /// Puts the cell of `record` in front of cell `at`.
    #[inline]
    fn place(&self, page: &mut PageEdit<'_>, at: usize, record: &[u8]) -> Result<()> {
        let head = CellHead::index_leaf(record.len());
        let head = head.as_slice();
        let no = page.as_ref().no();
        let Some(out) = page.place(at, head.len() + record.len(), &self.limits)? else {
            return Err(corrupt(no, 0, "free space does not add up"));
        };
        let (out_head, out_record) = out.split_at_mut(head.len());
        out_head.copy_from_slice(head);
        out_record.copy_from_slice(record);
        Ok(())
    }

    /// Where on the leaf the next change is made, not in front of entry `low`; `None` when it is not plainly made there.
    fn find_ahead(&self, page: &PageRef<'_>, low: usize, next: &Change) -> Result<Option<usize>> {
        if !self.batch.is_plain(next, &self.limits) {
            return Ok(None);
        }
        let high = page.count();
        let found = match low == high {
            true => Some((low, false)),
            false => self.search(page, low, self.batch.record(next))?,
        };
        let plain = |(index, equal): &(usize, bool)| {
            (*index < high || self.rightmost) && *equal == (next.kind == Kind::Remove)
        };
        Ok(found.filter(plain).map(|(index, _)| index))
    }

    /// Where `record` is or would be among the cells from `low` on, and whether it is there. `None` when a cell on the way has to be looked
    /// at with care.
    fn search(&self, page: &PageRef<'_>, mut low: usize, record: &[u8]) -> Result<Option<(usize, bool)>> {
        let order = &self.batch.order;
        let needle = Needle::of_record(order, record);
        let mut key = KeyValues::new();
        let mut compare = |index| -> Result<Option<Ordering>> {
            let Some(entry) = page.whole_payload(index, &self.limits) else {
                return Ok(None);
            };
            if entry == record {
                return Ok(Some(Ordering::Equal));
            }
            if key.is_empty() {
                decode(record, order.columns.len(), &mut key)?;
            }
            Ok(order.compare_short(entry, &key))
        };
        // Mostly it is not far: in steps that double.
        let (mut high, mut step) = (page.count(), 1);
        while low + step < high {
            let probe = low + step - 1;
            let told = match needle.order_of(page, &self.limits, probe) {
                Some(order) => Some(order),
                None => compare(probe)?,
            };
            match told {
                Some(Ordering::Less) => (low, step) = (probe + 1, 2 * step),
                Some(Ordering::Greater) => high = probe,
                Some(Ordering::Equal) => return Ok(Some((probe, true))),
                None => return Ok(None),
            }
        }
        loop {
            let narrowed = needle.narrow(page, &self.limits, (low, high));
            (low, high) = (narrowed.low, narrowed.high);
            if low >= high {
                return Ok(Some((low, false)));
            }
            let middle = (low + high) / 2;
            match compare(middle)? {
                Some(Ordering::Less) => low = middle + 1,
                Some(Ordering::Greater) => high = middle,
                Some(Ordering::Equal) => return Ok(Some((middle, true))),
                None => return Ok(None),
            }
        }
    }
}

/// A leaf is written anew when one change comes on this many entries.
const REWRITTEN_SHARE: usize = 12;

/// Bits that tell numbers, texts and blobs apart.
const CLASS_BITS: u32 = 2;
/// Bits of the start of a key that are the second column's, when the first is a number or NULL.
const SECOND_BITS: u32 = 62;
/// Below this number all integers are reals as well: equal reals are equal numbers.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A number in the order of the keys, as far as it can tell: the first column's class and value, and the start of the second column's
/// where the first is a number.
fn start_of(columns: &[KeyColumn], values: &[ValueRef<'_>]) -> u128 {
    let (Some(column), Some(value)) = (columns.first(), values.first()) else {
        return 0;
    };
    let (start, exact) = start_of_value(column, value);
    if !exact {
        return start;
    }
    let second = match (columns.get(1), values.get(1)) {
        (Some(column), Some(value)) => start_of_value(column, value).0,
        _ => 0,
    };
    start >> SECOND_BITS << SECOND_BITS | second >> (u128::BITS - SECOND_BITS)
}

/// The start of one column, from the highest bit on. True when the bits below the lowest [`SECOND_BITS`] tell all of the value: others
/// that have the same are equal to it.
fn start_of_value(column: &KeyColumn, value: &ValueRef<'_>) -> (u128, bool) {
    let (class, content, exact) = match *value {
        ValueRef::Null => (0, 0, true),
        ValueRef::Integer(integer) => of_number(integer as f64),
        ValueRef::Real(real) => of_number(real),
        ValueRef::Text(text) if column.collation == Collation::Binary => (2, of_bytes(text), false),
        ValueRef::Text(_) => (2, 0, false),
        ValueRef::Blob(blob) => (3, of_bytes(blob), false),
    };
    let start = class << (u128::BITS - CLASS_BITS) | content >> CLASS_BITS;
    (if column.descending { !start } else { start }, exact)
}

fn of_number(real: f64) -> (u128, u128, bool) {
    // There is one zero only.
    let bits = (real + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    (1, u128::from(ordered) << 64, real.abs() < EXACT_MAX)
}

fn of_bytes(bytes: &[u8]) -> u128 {
    match bytes.first_chunk() {
        Some(first) => u128::from_be_bytes(*first),
        None => {
            let mut first = [0; 16];
            first[..bytes.len()].copy_from_slice(bytes);
            u128::from_be_bytes(first)
        }
    }
}

#[cfg(test)]
mod tests;
