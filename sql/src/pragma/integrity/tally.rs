//! Whether an index holds what its table asks for, without a search for each row.
//!
//! Rows come in the order of the table, entries in that of the index. So both are added up: each entry as a number that depends on all of its
//! values and on a secret of this run. When sums and counts agree the entries are the same, but for a chance of one in 2^64; when they do not, or
//! something else is odd, the rows are searched one by one, and that tells which.
//!
//! - T1. What an index takes for equal may add up differently (texts without case): that costs the search, no more. What it takes for different
//!   adds up differently.

use std::hash::{BuildHasher, RandomState};

use aludel_storage::btree::IndexCursor;
use aludel_storage::format::KeyOrder;
use aludel_storage::format::record::RecordView;
use aludel_storage::pager::Pager;

use crate::error::Result;
use crate::value::ValueRef;

/// Entries, added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    secret: u64,
    sum: u64,
    entries: u64,
}

impl Tally {
    /// Of no entries, with a secret that nobody can foresee.
    pub(super) fn new() -> Tally {
        Tally {
            secret: RandomState::new().hash_one(0),
            sum: 0,
            entries: 0,
        }
    }

    /// Adds an entry.
    pub(super) fn add<'v>(&mut self, values: impl Iterator<Item = ValueRef<'v>>) {
        let entry = values.fold(self.secret, mix_value);
        self.sum = self.sum.wrapping_add(mix(entry, self.secret));
        self.entries += 1;
    }

    /// The entries of an index, whose first `width` values count, with the same secret; `None` when two are equal on the columns of `unique`.
    pub(super) fn of_index(
        self,
        cursor: &mut IndexCursor,
        pager: &Pager,
        width: usize,
        unique: Option<usize>,
    ) -> Result<Option<Tally>> {
        let mut tally = Tally {
            sum: 0,
            entries: 0,
            ..self
        };
        let mut distinct = unique.map(|count| Distinct::new(cursor.order(), count));
        let mut spill = Vec::new();
        let mut more = cursor.first(pager)?;
        while more {
            for row in cursor.leaf() {
                let row = row?;
                let record = row.payload(pager, &mut spill)?;
                let mut columns = RecordView::parse(record)?.columns();
                let mut entry = tally.secret;
                for value in columns.by_ref().take(width) {
                    entry = mix_value(entry, value?);
                }
                tally.sum = tally.sum.wrapping_add(mix(entry, tally.secret));
                tally.entries += 1;
                if let Some(distinct) = &mut distinct
                    && !distinct.takes(record)?
                {
                    return Ok(None);
                }
            }
            more = cursor.next_leaf(pager)?;
        }
        Ok(Some(tally))
    }
}

/// Looks for neighbours with equal keys.
struct Distinct {
    key: KeyOrder,
    before: Vec<u8>,
}

impl Distinct {
    fn new(order: &KeyOrder, count: usize) -> Distinct {
        Distinct {
            key: KeyOrder {
                columns: order.columns.iter().take(count).cloned().collect(),
            },
            before: Vec::new(),
        }
    }

    /// False when the record's key, without a NULL in it, is that of the one before.
    fn takes(&mut self, record: &[u8]) -> Result<bool> {
        let equal = !self.before.is_empty() && self.key.compare_records(&self.before, record)?.is_eq();
        if equal {
            for value in RecordView::parse(record)?.columns().take(self.key.columns.len()) {
                if value? == ValueRef::Null {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        self.before.clear();
        self.before.extend_from_slice(record);
        Ok(true)
    }
}

/// Adds a value to what comes before it.
fn mix_value(before: u64, value: ValueRef<'_>) -> u64 {
    match value {
        ValueRef::Null => mix(before, 1),
        ValueRef::Integer(integer) => mix(mix(before, 2), integer as u64),
        ValueRef::Real(real) => match real as i64 {
            // A number is what it is, however it is stored.
            integer if integer as f64 == real && integer != i64::MAX => {
                mix_value(before, ValueRef::Integer(integer))
            }
            _ => mix(mix(before, 3), real.to_bits()),
        },
        ValueRef::Text(bytes) => mix_bytes(mix(before, 4), bytes),
        ValueRef::Blob(bytes) => mix_bytes(mix(before, 5), bytes),
    }
}

fn mix_bytes(before: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mixed = words
        .iter()
        .fold(before, |mixed, word| mix(mixed, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(mixed, u64::from_le_bytes(last)), bytes.len() as u64)
}

/// Both halves of a product of 128 bits.
#[inline]
fn mix(before: u64, word: u64) -> u64 {
    let product = u128::from(before ^ word) * 0x9e37_79b9_7f4a_7c15_u128;
    (product as u64 ^ (product >> 64) as u64).wrapping_add(before.rotate_left(29))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally_of(entries: &[&[ValueRef<'_>]], like: Tally) -> Tally {
        let mut tally = like;
        entries.iter().for_each(|entry| tally.add(entry.iter().copied()));
        tally
    }

    #[test]
    fn entries_count_with_all_their_values_in_any_order() {
        use ValueRef::*;
        let empty = Tally::new();
        let entries: [&[ValueRef<'_>]; 8] = [
            &[Integer(1), Integer(2)],
            &[Integer(2), Integer(1)],
            &[Null, Integer(2)],
            &[Text(b"12345678"), Integer(2)],
            &[Text(b"12345678\0"), Integer(2)],
            &[Blob(b"12345678"), Integer(2)],
            &[Real(1.5), Integer(2)],
            &[Text(b""), Integer(2)],
        ];
        let mut backwards = entries;
        backwards.reverse();
        let whole = tally_of(&entries, empty);
        assert_eq!(whole, tally_of(&backwards, empty));
        for (at, one) in entries.iter().enumerate() {
            for other in &entries[at + 1..] {
                assert_ne!(
                    tally_of(&[one], empty),
                    tally_of(&[other], empty),
                    "{one:?} {other:?}"
                );
            }
            assert_ne!(whole, tally_of(&entries[at + 1..], empty));
        }
        assert_eq!(
            tally_of(&[&[Real(3.0)]], empty),
            tally_of(&[&[Integer(3)]], empty)
        );
    }
}
