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
//! - B2. An entry that is removed and then added again is left as it is; that it is there is not checked.
//! - B3. Starts of keys that differ are in the order of the keys ([`start_of`]); equal ones say nothing.

use std::cmp::Ordering;
use std::sync::Arc;

use smallvec::SmallVec;

use super::compare::Needle;
use super::{Bound, Found, IndexCursor, Place};
use crate::btree::balance::{self, Pending};
use crate::btree::edit::PageEdit;
use crate::error::{Result, corrupt};
use crate::format::cell::{CellHead, PayloadLimits};
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
        changes.sort_unstable_by(|a, b| {
            let by_start = a.start.cmp(&b.start);
            by_start
                .then_with(|| self.compare_whole(a, b))
                .then(a.at.cmp(&b.at))
        });
        self.leave_out_returning(&mut changes);
        let made = self.make_all(pager, cursor, &changes);
        changes.clear();
        self.records.clear();
        self.changes = changes;
        made
    }

    /// An entry that goes and comes back stays.
    fn leave_out_returning(&self, changes: &mut Vec<Change>) {
        let mut kept = 0;
        for at in 0..changes.len() {
            let change = changes[at];
            let returns = kept > 0 && {
                let before = &changes[kept - 1];
                (before.kind, change.kind) == (Kind::Remove, Kind::Add)
                    && before.start == change.start
                    && self.record(before) == self.record(&change)
            };
            if returns {
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
        let mut key = KeyValues::new();
        let other = self.record(b);
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
            gone: SmallVec::new(),
            removed: false,
        };
        let (mut at, mut made) = (found.index, 0);
        let left_over = loop {
            let change = &changes[made];
            made += 1;
            at = match change.kind {
                Kind::Remove => {
                    run.gone.push(at);
                    at + 1
                }
                Kind::Add => {
                    at -= run.gone.len();
                    run.remove_gone(&mut page)?;
                    let record = batch.record(change);
                    if !place(&mut page, at, record, &limits)? {
                        let cell = [CellHead::index_leaf(record.len()).as_slice(), record].concat();
                        break Some(Pending { index: at, cell });
                    }
                    at + 1
                }
            };
            let found = match changes.get(made) {
                Some(next) if batch.is_behind(change, next) => run.find_ahead(&page.as_ref(), at, next)?,
                _ => None,
            };
            let Some(found) = found else { break None };
            at = found;
        };
        run.remove_gone(&mut page)?;
        let underfull =
            run.removed && self.stack.has_parents() && balance::is_underfull(page.free_bytes()?, usable);
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

/// Puts the cell of `record` in front of cell `at`; false when there is no room.
#[inline]
fn place(page: &mut PageEdit<'_>, at: usize, record: &[u8], limits: &PayloadLimits) -> Result<bool> {
    let head = CellHead::index_leaf(record.len());
    let head = head.as_slice();
    let Some(out) = page.place(at, head.len() + record.len(), limits)? else {
        return Ok(false);
    };
    let (out_head, out_record) = out.split_at_mut(head.len());
    out_head.copy_from_slice(head);
    out_record.copy_from_slice(record);
    Ok(true)
}

/// Changes that are made on one leaf.
struct Run<'b> {
    batch: &'b IndexBatch,
    limits: PayloadLimits,
    /// The leaf is the tree's rightmost: all that is behind its entries belongs there.
    rightmost: bool,
    /// Entries that are to be removed from the leaf, ascending.
    gone: SmallVec<[usize; 64]>,
    /// Some were removed.
    removed: bool,
}

impl Run<'_> {
    /// Where on the leaf the next change is made, not in front of entry `low`; `None` when it is not plainly made there.
    fn find_ahead(&self, page: &PageRef<'_>, low: usize, next: &Change) -> Result<Option<usize>> {
        if !self.batch.is_plain(next, &self.limits) {
            return Ok(None);
        }
        let high = page.count();
        let found = match low == high {
            true => Some((low, false)),
            false => self.search(page, (low, high), self.batch.record(next))?,
        };
        let plain = |(index, equal): &(usize, bool)| {
            (*index < high || self.rightmost) && *equal == (next.kind == Kind::Remove)
        };
        Ok(found.filter(plain).map(|(index, _)| index))
    }

    /// Where `record` is or would be among the cells `low..high`, and whether it is there. `None` when a cell on the way has to be looked
    /// at with care.
    fn search(
        &self,
        page: &PageRef<'_>,
        (mut low, mut high): (usize, usize),
        record: &[u8],
    ) -> Result<Option<(usize, bool)>> {
        let order = &self.batch.order;
        let needle = Needle::of_record(order, record);
        let mut key = KeyValues::new();
        loop {
            (low, high) = needle.narrow(page, &self.limits, (low, high));
            if low >= high {
                return Ok(Some((low, false)));
            }
            let middle = (low + high) / 2;
            let Some(entry) = page.whole_payload(middle, &self.limits) else {
                return Ok(None);
            };
            if entry == record {
                return Ok(Some((middle, true)));
            }
            if key.is_empty() {
                decode(record, order.columns.len(), &mut key)?;
            }
            match order.compare_short(entry, &key) {
                Some(Ordering::Less) => low = middle + 1,
                Some(Ordering::Greater) => high = middle,
                Some(Ordering::Equal) => return Ok(Some((middle, true))),
                None => return Ok(None),
            }
        }
    }

    fn remove_gone(&mut self, page: &mut PageEdit<'_>) -> Result<()> {
        self.removed |= !self.gone.is_empty();
        page.remove_all(&self.gone, &self.limits)?;
        self.gone.clear();
        Ok(())
    }
}

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
mod tests {
    use super::*;
    use crate::btree::model::Random;
    use crate::btree::{TreeKind, create_tree};
    use crate::pager::PagerOptions;

    const TEXTS: [&[u8]; 8] = [
        b"",
        b"a",
        b"a\0",
        b"A",
        b"abcdefghijklmnopq",
        b"abcdefghijklmnopqr",
        b"abcdefghijklmnop",
        b"b",
    ];

    fn some_value(random: &mut Random) -> ValueRef<'static> {
        const NUMBERS: [f64; 9] = [
            0.0,
            -0.0,
            0.5,
            -1.0,
            1e300,
            9007199254740992.0,
            9007199254740994.0,
            f64::INFINITY,
            5.000_000_000_000_001,
        ];
        const INTEGERS: [i64; 8] = [
            0,
            1,
            -1,
            5,
            i64::MAX,
            i64::MIN,
            9007199254740993,
            9007199254740992,
        ];
        match random.below(6) {
            0 => ValueRef::Null,
            1 => ValueRef::Integer(INTEGERS[random.below(INTEGERS.len())]),
            2 => ValueRef::Integer(random.below(300) as i64 - 150),
            3 => ValueRef::Real(NUMBERS[random.below(NUMBERS.len())]),
            4 => ValueRef::Text(TEXTS[random.below(TEXTS.len())]),
            _ => ValueRef::Blob(TEXTS[random.below(TEXTS.len())]),
        }
    }

    fn orders() -> Vec<KeyOrder> {
        let column = |collation: &Collation, descending| KeyColumn {
            collation: collation.clone(),
            descending,
        };
        let mut orders = Vec::new();
        for collation in [Collation::Binary, Collation::NoCase] {
            for descending in [(false, false), (true, false), (false, true), (true, true)] {
                orders.push(KeyOrder {
                    columns: vec![
                        column(&collation, descending.0),
                        column(&collation, descending.1),
                        column(&Collation::Binary, false),
                    ],
                });
            }
        }
        orders
    }

    #[test]
    fn starts_that_differ_are_in_the_order_of_the_keys() {
        let mut random = Random::new(7);
        for order in orders() {
            for _ in 0..20_000 {
                let keys = [
                    [some_value(&mut random), some_value(&mut random)],
                    [some_value(&mut random), some_value(&mut random)],
                ];
                let [a, b] = keys.map(|key| start_of(&order.columns, &key));
                if a != b {
                    let whole = order.compare_keys(&keys[0], &keys[1]);
                    assert_eq!(a.cmp(&b), whole, "{keys:?} {order:?}");
                }
            }
        }
    }

    #[test]
    fn a_batch_leaves_what_single_changes_leave() {
        let mut random = Random::new(11);
        for order in orders() {
            let order = Arc::new(order);
            let mut pager = Pager::in_memory(&PagerOptions::default()).unwrap();
            pager.begin_write().unwrap();
            let roots = [(); 2].map(|()| create_tree(&mut pager, TreeKind::Index).unwrap());
            let [mut single, mut batched] = roots.map(|root| IndexCursor::new(root, Arc::clone(&order)));
            let mut batch = IndexBatch::new(Arc::clone(&order));
            let mut rows: Vec<[ValueRef<'static>; 3]> = Vec::new();
            for step in 0..3_000_i64 {
                if !rows.is_empty() && random.below(3) == 0 {
                    let row = rows.swap_remove(random.below(rows.len()));
                    assert!(single.remove(&mut pager, &row).unwrap());
                    batch.remove(&row);
                } else {
                    let row = [
                        some_value(&mut random),
                        some_value(&mut random),
                        ValueRef::Integer(step),
                    ];
                    single.insert_values(&mut pager, &row).unwrap();
                    batch.add(&row);
                    rows.push(row);
                }
                if random.below(500) == 0 {
                    batch.apply(&mut pager, &mut batched).unwrap();
                    assert!(batch.is_empty());
                }
            }
            batch.apply(&mut pager, &mut batched).unwrap();
            let (mut a, mut b) = (single.first(&pager).unwrap(), batched.first(&pager).unwrap());
            let (mut spill_a, mut spill_b) = (Vec::new(), Vec::new());
            while a && b {
                assert_eq!(
                    single.payload(&pager, &mut spill_a).unwrap(),
                    batched.payload(&pager, &mut spill_b).unwrap()
                );
                (a, b) = (single.next(&pager).unwrap(), batched.next(&pager).unwrap());
            }
            assert_eq!((a, b), (false, false));
        }
    }

    #[test]
    fn the_removal_of_an_entry_that_is_not_there_is_an_error() {
        let order = Arc::new(KeyOrder::binary(2));
        let mut pager = Pager::in_memory(&PagerOptions::default()).unwrap();
        pager.begin_write().unwrap();
        let root = create_tree(&mut pager, TreeKind::Index).unwrap();
        let mut cursor = IndexCursor::new(root, Arc::clone(&order));
        let mut batch = IndexBatch::new(order);
        batch.remove(&[ValueRef::Integer(1), ValueRef::Integer(1)]);
        assert!(batch.apply(&mut pager, &mut cursor).is_err());
        assert!(batch.is_empty());
    }
}
