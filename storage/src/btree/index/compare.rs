//! Comparing the entries of a page with a key, where they lie.

use std::cmp::Ordering;
use std::hint::select_unpredictable;

use crate::btree::overflow;
use crate::error::{Error, Result, corrupt};
use crate::format::cell::{Cell, PayloadLimits};
use crate::format::page::PageRef;
use crate::format::{Collation, KeyOrder, PageNo, PartialOrdering, ValueRef, record};
use crate::pager::Pager;

/// A key that is compared with many entries. Mostly its first column decides, and where that is an integer or a text in binary order it
/// is compared without a look at anything else.
pub(super) struct Needle {
    first: First,
    descending: bool,
}

enum First {
    Integer(i64),
    /// A text's first sixteen bytes.
    Text(u128),
    Other,
}

impl Needle {
    #[inline]
    pub(super) fn new(order: &KeyOrder, key: &[ValueRef<'_>]) -> Needle {
        let column = order.columns.first();
        let first = match (key.first(), column.map(|column| &column.collation)) {
            (Some(ValueRef::Integer(integer)), Some(_)) => First::Integer(*integer),
            (Some(ValueRef::Text(text)), Some(Collation::Binary)) => {
                First::Text(start_of(first_bytes(text), text.len()))
            }
            _ => First::Other,
        };
        Needle {
            first,
            descending: column.is_some_and(|column| column.descending),
        }
    }

    /// As [`new`](Self::new) for the key of a record.
    #[inline]
    pub(super) fn of_record(order: &KeyOrder, record: &[u8]) -> Needle {
        let column = order.columns.first();
        let binary = column.is_some_and(|column| column.collation == Collation::Binary);
        let first = FirstColumn::of_record(record).map_or(First::Other, |first| match first.integer() {
            Some(integer) => First::Integer(integer),
            None => match first.text_start() {
                Some(start) if binary => First::Text(start),
                _ => First::Other,
            },
        });
        Needle {
            first,
            descending: column.is_some_and(|column| column.descending),
        }
    }

    /// Halves the cells `low..high` of `page` as long as the first column alone tells which half the key belongs to. What is left has
    /// to be halved by a whole comparison.
    #[inline]
    pub(super) fn narrow(
        &self,
        page: &PageRef<'_>,
        limits: &PayloadLimits,
        (low, high): (usize, usize),
    ) -> (usize, usize) {
        match self.first {
            First::Integer(wanted) => {
                self.halve(page, limits, (low, high), |column| column.integer_order(wanted))
            }
            First::Text(wanted) => self.halve(page, limits, (low, high), |column| column.text_order(wanted)),
            First::Other => (low, high),
        }
    }

    #[inline(always)]
    fn halve(
        &self,
        page: &PageRef<'_>,
        limits: &PayloadLimits,
        (mut low, mut high): (usize, usize),
        order: impl Fn(FirstColumn<'_>) -> Option<(bool, bool)>,
    ) -> (usize, usize) {
        let bytes = page.bytes();
        let Some((pointers, _)) = bytes
            .get(page.pointers_start()..page.pointers_end())
            .map(<[u8]>::as_chunks::<2>)
        else {
            return (low, high);
        };
        let skipped = if page.kind().is_leaf() { 0 } else { 4 };
        while low < high {
            let middle = (low + high) / 2;
            let Some(pointer) = pointers.get(middle) else {
                break;
            };
            let at = usize::from(u16::from_be_bytes(*pointer)) + skipped;
            let Some((before, after)) = FirstColumn::of_cell(bytes, at, limits).and_then(&order) else {
                break;
            };
            if before == after {
                break;
            }
            let goes_up = before != self.descending;
            low = select_unpredictable(goes_up, middle + 1, low);
            high = select_unpredictable(goes_up, high, middle);
        }
        (low, high)
    }
}

/// The first column of an entry that lies on its page whole.
struct FirstColumn<'p> {
    serial: u8,
    /// From the column's content to the end of the page.
    rest: &'p [u8],
}

impl<'p> FirstColumn<'p> {
    /// That of the cell whose payload length is at `at`; `None` for a cell that is not small, or is damaged.
    #[inline(always)]
    fn of_cell(bytes: &'p [u8], at: usize, limits: &PayloadLimits) -> Option<FirstColumn<'p>> {
        let &[total, header_len, serial] = bytes.get(at..)?.first_chunk()?;
        if (total | header_len | serial) >= 0x80 || usize::from(total) > limits.max_local || header_len < 2 {
            return None;
        }
        let content_len = record::content_len(u64::from(serial));
        if usize::from(header_len) + content_len > usize::from(total) {
            return None;
        }
        let rest = bytes.get(at + 1 + usize::from(header_len)..)?;
        (content_len <= rest.len()).then_some(FirstColumn { serial, rest })
    }

    /// That of a record; `None` when it is not small, or contradicts itself.
    #[inline(always)]
    fn of_record(record: &'p [u8]) -> Option<FirstColumn<'p>> {
        let &[header_len, serial] = record.first_chunk()?;
        let rest = record.get(usize::from(header_len)..)?;
        let fits = record::content_len(u64::from(serial)) <= rest.len();
        (header_len | serial < 0x80 && header_len >= 2 && fits).then_some(FirstColumn { serial, rest })
    }

    /// The content's first eight bytes as a number; those behind the end of the page are zeros.
    #[inline(always)]
    fn word(&self) -> u64 {
        match self.rest.first_chunk() {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => (cut_bytes(self.rest) >> 64) as u64,
        }
    }

    /// The integer that it is; `None` when it is none, or one without content.
    #[inline(always)]
    fn integer(&self) -> Option<i64> {
        let shift = match self.serial {
            1..=4 => 64 - 8 * u32::from(self.serial),
            5 => 16,
            6 => 0,
            _ => return None,
        };
        Some((self.word() as i64) >> shift)
    }

    /// The start of the text that it is.
    #[inline(always)]
    fn text_start(&self) -> Option<u128> {
        if self.serial < 13 || self.serial & 1 == 0 {
            return None;
        }
        Some(start_of(
            first_bytes(self.rest),
            usize::from(self.serial - 13) / 2,
        ))
    }

    /// Whether it is below and above an integer; `None` when it is no integer, or one without content.
    #[inline(always)]
    fn integer_order(&self, wanted: i64) -> Option<(bool, bool)> {
        let stored = self.integer()?;
        Some((stored < wanted, stored > wanted))
    }

    /// Whether it starts below and above the start of a text; `None` when it is no text.
    #[inline(always)]
    fn text_order(&self, wanted: u128) -> Option<(bool, bool)> {
        let stored = self.text_start()?;
        Some((stored < wanted, stored > wanted))
    }
}

/// The first sixteen bytes of a text of `len` bytes as a number, where `bytes` has them and what follows. Shorter texts are filled up
/// with zeros: so numbers that differ tell the order of the texts.
#[inline(always)]
fn start_of(bytes: u128, len: usize) -> u128 {
    match len {
        0 => 0,
        1..16 => bytes >> (128 - 8 * len) << (128 - 8 * len),
        _ => bytes,
    }
}

/// The first sixteen bytes as a number, zeros where there are fewer.
#[inline(always)]
fn first_bytes(bytes: &[u8]) -> u128 {
    match bytes.first_chunk() {
        Some(first) => u128::from_be_bytes(*first),
        None => cut_bytes(bytes),
    }
}

#[inline(never)]
fn cut_bytes(bytes: &[u8]) -> u128 {
    let mut first = [0; 16];
    let len = bytes.len().min(16);
    first[..len].copy_from_slice(&bytes[..len]);
    u128::from_be_bytes(first)
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
    use crate::btree::edit::PageEdit;
    use crate::format::KeyColumn;
    use crate::format::page::PageKind;

    const NO: PageNo = PageNo::new(2).unwrap();

    /// A leaf whose only entry is `record`.
    fn page_of(record: &[u8]) -> Vec<u8> {
        let limits = PayloadLimits::index(512);
        let mut page = vec![0; 512];
        let mut edit = PageEdit::init(NO, &mut page, 512, PageKind::IndexLeaf);
        let cell = edit.place(0, record.len() + 1, &limits).unwrap().unwrap();
        cell[0] = record.len() as u8;
        cell[1..].copy_from_slice(record);
        page
    }

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
            Text(b"abcdefghijklmno"),
            Text(b"abcdefghijklmnop"),
            Text(b"abcdefghijklmnopq"),
            Text(b"abcdefghijklmnoq"),
            Text(b"ABCDEFGH"),
            Text(&[b'x'; 90]),
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
                        let mut wanted_record = Vec::new();
                        record::encode(&key, &mut wanted_record);
                        let of_record = Needle::of_record(&order, &wanted_record);
                        let mut page = page_of(&entry);
                        let narrow = |page: &[u8]| {
                            let page = PageRef::parse(NO, page, 512).unwrap();
                            needle.narrow(&page, &PayloadLimits::index(512), (0, 1))
                        };
                        let halved = match order.compare_record(&entry, &key).unwrap() {
                            Ordering::Less => (1, 1),
                            _ => (0, 0),
                        };
                        let narrowed = narrow(&page);
                        assert!(narrowed == (0, 1) || narrowed == halved, "{stored:?} {wanted:?}");
                        let view = PageRef::parse(NO, &page, 512).unwrap();
                        let narrowed = of_record.narrow(&view, &PayloadLimits::index(512), (0, 1));
                        assert!(narrowed == (0, 1) || narrowed == halved, "{stored:?} {wanted:?}");
                        // Changed anywhere it answers something, and reads nothing outside.
                        let cell = 512 - entry.len() - 1;
                        for at in (8..10).chain(cell..cell + 5) {
                            for mask in [0x01, 0x80, 0xff] {
                                page[at] ^= mask;
                                let _ = narrow(&page);
                                page[at] ^= mask;
                            }
                        }
                    }
                }
            }
        }
    }
}
