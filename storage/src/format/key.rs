//! The order of an index tree's records.
//!
//! A [`KeyOrder`] says for each leading column of a record how it is collated and whether it descends. It compares a
//! record as it lies in a page with a key given as values, decoding only the columns that it needs.

use super::collation::Collation;
use super::record::{self, Located};
use super::value::{ValueRef, compare_values};
use crate::error::Result;
use std::cmp::Ordering;

/// The order of one column of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyColumn {
    /// How texts compare.
    pub collation: Collation,
    /// True when greater values come first.
    pub descending: bool,
}

/// The order of an index tree's records: one [`KeyColumn`] for each column that takes part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyOrder {
    /// The columns from the left; a record's columns past this list do not take part.
    pub columns: Vec<KeyColumn>,
}

impl KeyOrder {
    /// Ascending, binary order over `count` columns.
    pub fn binary(count: usize) -> KeyOrder {
        KeyOrder {
            columns: vec![KeyColumn::default(); count],
        }
    }

    /// The order of `record` relative to `key`, over the columns that both have: a `key` that is a prefix of the record
    /// compares equal. Decodes column by column and stops at the first difference; allocates nothing.
    #[inline]
    pub fn compare_record(&self, record: &[u8], key: &[ValueRef<'_>]) -> Result<Ordering> {
        match self.compare_local(record, record.len(), key)? {
            PartialOrdering::Known(order) => Ok(order),
            PartialOrdering::NeedsMore => Err(record::truncated()),
        }
    }

    /// As [`compare_record`](Self::compare_record) for a record of `total` bytes of which only the first, `local`, are at
    /// hand: `NeedsMore` when the rest would decide.
    #[inline]
    pub fn compare_local(&self, local: &[u8], total: usize, key: &[ValueRef<'_>]) -> Result<PartialOrdering> {
        match self.compare_short(local, key) {
            Some(order) if local.len() == total => Ok(PartialOrdering::Known(order)),
            _ => self.compare_columns(local, total, key),
        }
    }

    /// The common case: all of `record` is at hand and no varint in its header is long. `None` for any other, and for a record that
    /// contradicts itself; [`compare_local`](Self::compare_local) tells them apart.
    #[inline(always)]
    pub(crate) fn compare_short(&self, record: &[u8], key: &[ValueRef<'_>]) -> Option<Ordering> {
        let (&header_len, serials) = record.split_first()?;
        let mut body = usize::from(header_len);
        if header_len >= 0x80 || body > record.len() {
            return None;
        }
        let serials = serials.get(..body.saturating_sub(1))?;
        for ((column, wanted), &serial) in self.columns.iter().zip(key).zip(serials) {
            if serial >= 0x80 {
                return None;
            }
            let end = body + record::content_len(u64::from(serial));
            let order = compare_content(serial, record.get(body..end)?, wanted, &column.collation);
            if order != Ordering::Equal {
                return Some(if column.descending { order.reverse() } else { order });
            }
            body = end;
        }
        Some(Ordering::Equal)
    }

    #[inline(never)]
    fn compare_columns(&self, local: &[u8], total: usize, key: &[ValueRef<'_>]) -> Result<PartialOrdering> {
        let Some(mut columns) = record::columns_of(local, total)? else {
            return Ok(PartialOrdering::NeedsMore);
        };
        for (column, wanted) in self.columns.iter().zip(key) {
            let value = match columns.next_value()? {
                Located::Value(value) => value,
                Located::End => break,
                Located::Outside => return Ok(PartialOrdering::NeedsMore),
            };
            let order = compare_values(&value, wanted, &column.collation);
            if order != Ordering::Equal {
                let order = if column.descending { order.reverse() } else { order };
                return Ok(PartialOrdering::Known(order));
            }
        }
        Ok(PartialOrdering::Known(Ordering::Equal))
    }

    /// The order of two keys over the columns that both have.
    pub fn compare_keys(&self, a: &[ValueRef<'_>], b: &[ValueRef<'_>]) -> Ordering {
        for ((column, a), b) in self.columns.iter().zip(a).zip(b) {
            let order = compare_values(a, b, &column.collation);
            if order != Ordering::Equal {
                return if column.descending { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }

    /// The order of two whole records in whose headers no varint is long. `None` for others, and for records that contradict themselves.
    #[inline]
    fn compare_short_records(&self, a: &[u8], b: &[u8]) -> Option<Ordering> {
        let (&header_a, &header_b) = (a.first()?, b.first()?);
        if header_a >= 0x80 || header_b >= 0x80 {
            return None;
        }
        let (mut at_a, mut at_b) = (usize::from(header_a), usize::from(header_b));
        let serials = a.get(1..at_a)?.iter().zip(b.get(1..at_b)?);
        for (column, (&serial_a, &serial_b)) in self.columns.iter().zip(serials) {
            let is_odd = |serial| serial >= 0x80 || serial == 10 || serial == 11;
            if is_odd(serial_a) || is_odd(serial_b) {
                return None;
            }
            let (serial_b, from_a, from_b) = (u64::from(serial_b), at_a, at_b);
            at_a += record::content_len(u64::from(serial_a));
            at_b += record::content_len(serial_b);
            let wanted = record::decode_content(serial_b, b.get(from_b..at_b)?);
            let order = compare_content(serial_a, a.get(from_a..at_a)?, &wanted, &column.collation);
            if order != Ordering::Equal {
                return Some(if column.descending { order.reverse() } else { order });
            }
        }
        Some(Ordering::Equal)
    }

    /// The order of two whole records.
    pub fn compare_records(&self, a: &[u8], b: &[u8]) -> Result<Ordering> {
        if let Some(order) = self.compare_short_records(a, b) {
            return Ok(order);
        }
        let mut key = record::KeyValues::new();
        record::decode_prefix(b, b.len(), self.columns.len(), &mut key)?;
        self.compare_record(a, &key)
    }
}

/// The order of a stored value relative to `wanted`; the two pairs of types that keys mostly have come first.
#[inline(always)]
fn compare_content(serial: u8, content: &[u8], wanted: &ValueRef<'_>, collation: &Collation) -> Ordering {
    match (
        record::decode_content(u64::from(serial), content),
        wanted,
        collation,
    ) {
        (ValueRef::Integer(stored), ValueRef::Integer(wanted), _) => stored.cmp(wanted),
        (ValueRef::Text(stored), ValueRef::Text(wanted), Collation::Binary) => stored.cmp(wanted),
        (stored, _, _) => compare_values(&stored, wanted, collation),
    }
}

/// What a comparison with the first part of a record says about the whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartialOrdering {
    /// The order, whatever the rest of the record holds.
    Known(Ordering),
    /// Bytes past the part at hand decide.
    NeedsMore,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::record::encode;

    #[test]
    fn records_compare_by_prefix_and_direction() {
        use ValueRef::*;
        let mut record = Vec::new();
        encode(&[Integer(5), Text(b"Two"), Blob(b"x")], &mut record);
        let order = KeyOrder {
            columns: vec![
                KeyColumn {
                    descending: true,
                    ..KeyColumn::default()
                },
                KeyColumn {
                    collation: Collation::NoCase,
                    descending: false,
                },
            ],
        };
        let cases: &[(&[ValueRef<'_>], Ordering)] = &[
            (&[], Ordering::Equal),
            (&[Integer(5)], Ordering::Equal),
            (&[Real(5.5)], Ordering::Greater),
            (&[Null], Ordering::Less),
            (&[Integer(5), Text(b"two")], Ordering::Equal),
            (&[Integer(5), Text(b"three")], Ordering::Greater),
            (&[Integer(5), Text(b"TWO"), Blob(b"y")], Ordering::Equal),
        ];
        for (key, expected) in cases {
            assert_eq!(order.compare_record(&record, key).unwrap(), *expected, "{key:?}");
        }
    }
}
