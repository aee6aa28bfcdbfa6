//! Comparing the entries of a page with a key, where they lie.

use std::cmp::Ordering;

use crate::btree::overflow;
use crate::error::{Error, Result, corrupt};
use crate::format::cell::{Cell, PayloadLimits};
use crate::format::page::PageRef;
use crate::format::{Collation, KeyOrder, PageNo, PartialOrdering, ValueRef, record};
use crate::pager::Pager;

/// A key that is compared with many entries. Mostly its first column decides, and where that is an integer or a text in binary order it
/// is compared without a look at anything else.
pub(super) struct Needle<'k> {
    first: First<'k>,
    descending: bool,
}

enum First<'k> {
    Integer(i64),
    /// A text, and its first eight bytes.
    Text(&'k [u8], Option<u64>),
    Other,
}

impl<'k> Needle<'k> {
    #[inline]
    pub(super) fn new(order: &KeyOrder, key: &[ValueRef<'k>]) -> Needle<'k> {
        let column = order.columns.first();
        let first = match (key.first(), column.map(|column| &column.collation)) {
            (Some(ValueRef::Integer(integer)), Some(_)) => First::Integer(*integer),
            (Some(ValueRef::Text(text)), Some(Collation::Binary)) => First::Text(text, start_of(text)),
            _ => First::Other,
        };
        Needle {
            first,
            descending: column.is_some_and(|column| column.descending),
        }
    }

    /// The order of `record` relative to the key when the first column tells; `None` when it is equal, or another comparison has to
    /// find out.
    #[inline(always)]
    fn quick(&self, record: &[u8]) -> Option<Ordering> {
        let &[header_len, serial] = record.first_chunk()?;
        if !(2..0x80).contains(&header_len) {
            return None;
        }
        let body = record.get(usize::from(header_len)..)?;
        let order = match &self.first {
            First::Integer(wanted) => {
                let shift = match serial {
                    1..=4 => 64 - 8 * u32::from(serial),
                    5 => 16,
                    6 => 0,
                    _ => return None,
                };
                let word = match body.first_chunk::<8>() {
                    Some(bytes) => i64::from_be_bytes(*bytes),
                    None => {
                        let len = 8 - shift as usize / 8;
                        let mut bytes = [0; 8];
                        bytes[..len].copy_from_slice(body.get(..len)?);
                        i64::from_be_bytes(bytes)
                    }
                };
                (word >> shift).cmp(wanted)
            }
            First::Text(wanted, start) => {
                if !(13..0x80).contains(&serial) || serial & 1 == 0 {
                    return None;
                }
                let text = body.get(..usize::from(serial - 13) / 2)?;
                match (start_of(text), start) {
                    (Some(a), Some(b)) if a != *b => a.cmp(b),
                    _ => text.cmp(wanted),
                }
            }
            First::Other => return None,
        };
        match (order, self.descending) {
            (Ordering::Equal, _) => None,
            (order, false) => Some(order),
            (order, true) => Some(order.reverse()),
        }
    }
}

#[inline(always)]
fn start_of(text: &[u8]) -> Option<u64> {
    text.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The order of cell `index` of `page` relative to `key`, of which `needle` was made.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the innermost step of each search")]
pub(super) fn compare_needle(
    needle: &Needle<'_>,
    pager: &Pager,
    order: &KeyOrder,
    page: &PageRef<'_>,
    index: usize,
    limits: &PayloadLimits,
    key: &[ValueRef<'_>],
    spill: &mut Vec<u8>,
) -> Result<Ordering> {
    match page
        .whole_payload(index, limits)
        .and_then(|record| needle.quick(record))
    {
        Some(order) => Ok(order),
        None => compare(pager, order, page, index, limits, key, spill),
    }
}

/// The order of cell `index` of `page` relative to `key`.
#[inline]
pub(super) fn compare(
    pager: &Pager,
    order: &KeyOrder,
    page: &PageRef<'_>,
    index: usize,
    limits: &PayloadLimits,
    key: &[ValueRef<'_>],
    spill: &mut Vec<u8>,
) -> Result<Ordering> {
    let short = page
        .whole_payload(index, limits)
        .and_then(|record| order.compare_short(record, key));
    match short {
        Some(order) => Ok(order),
        None => compare_long(pager, order, page, index, limits, key, spill),
    }
}

#[inline(never)]
fn compare_long(
    pager: &Pager,
    order: &KeyOrder,
    page: &PageRef<'_>,
    index: usize,
    limits: &PayloadLimits,
    key: &[ValueRef<'_>],
    spill: &mut Vec<u8>,
) -> Result<Ordering> {
    let cell = page.cell(index, limits)?;
    match order.compare_local(cell.local, cell.total, key) {
        Ok(PartialOrdering::Known(order)) => Ok(order),
        Ok(PartialOrdering::NeedsMore) => compare_spilled(pager, order, page, &cell, key, spill),
        Err(error) => Err(on_page(error, page.no())),
    }
}

#[cold]
fn compare_spilled(
    pager: &Pager,
    order: &KeyOrder,
    page: &PageRef<'_>,
    cell: &Cell<'_>,
    key: &[ValueRef<'_>],
    spill: &mut Vec<u8>,
) -> Result<Ordering> {
    let first = cell
        .overflow
        .ok_or_else(|| on_page(record::truncated(), page.no()))?;
    let record = overflow::assemble(pager, cell.local, first, cell.total, spill)?;
    order
        .compare_record(record, key)
        .map_err(|error| on_page(error, page.no()))
}

/// Adds the page to what a record's reader, which does not know it, found wrong.
#[cold]
fn on_page(error: Error, no: PageNo) -> Error {
    match error {
        Error::Corrupt {
            page: None,
            offset,
            what,
        } => corrupt(no, offset, what),
        other => other,
    }
}

/// True when the first `count` columns lie in the part of the record that is at hand.
pub(super) fn has_columns(local: &[u8], total: usize, count: usize) -> Result<bool> {
    let Some(mut columns) = record::columns_of(local, total)? else {
        return Ok(false);
    };
    for _ in 0..count {
        match columns.next_field()? {
            Some(field) if field.offset + field.len > local.len() => return Ok(false),
            Some(_) => {}
            None => break,
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::KeyColumn;

    #[test]
    fn a_needle_agrees_with_the_whole_comparison() {
        use ValueRef::*;
        let samples = [
            Null,
            Integer(i64::MIN),
            Integer(-70_000),
            Integer(-1),
            Integer(0),
            Integer(1),
            Integer(2),
            Integer(127),
            Integer(128),
            Integer(1 << 40),
            Integer(i64::MAX),
            Real(-1.5),
            Real(2.0),
            Text(b""),
            Text(b"abcdefg"),
            Text(b"abcdefgh"),
            Text(b"abcdefghi"),
            Text(b"abcdefgi"),
            Text(b"ABCDEFGH"),
            Text(&[b'x'; 200]),
            Blob(b"abcdefgh"),
        ];
        for collation in [Collation::Binary, Collation::NoCase] {
            for descending in [false, true] {
                let column = KeyColumn {
                    collation: collation.clone(),
                    descending,
                };
                let order = KeyOrder {
                    columns: vec![column, KeyColumn::default()],
                };
                for stored in samples {
                    for wanted in samples {
                        let mut entry = Vec::new();
                        record::encode(&[stored, Integer(5)], &mut entry);
                        let key = [wanted, Integer(7)];
                        let needle = Needle::new(&order, &key);
                        let whole = order.compare_record(&entry, &key).unwrap();
                        let quick = needle.quick(&entry);
                        assert!(quick.is_none_or(|quick| quick == whole), "{stored:?} {wanted:?}");
                        // Cut or changed anywhere it answers something, and reads nothing outside.
                        for at in 0..entry.len().min(8) {
                            let _ = needle.quick(&entry[..at]);
                            entry[at] ^= 0x55;
                            let _ = needle.quick(&entry);
                        }
                    }
                }
            }
        }
    }
}
