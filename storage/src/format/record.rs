//! Records: the payload of table rows and the keys of index trees.
//!
//! ```text
//! ┌─────────────┬──────────┬──────────┬───┬─────────┬─────────┬───┐
//! │ header size │ serial 0 │ serial 1 │ … │ value 0 │ value 1 │ … │
//! └─────────────┴──────────┴──────────┴───┴─────────┴─────────┴───┘
//!  varint, counts  varints                 lengths as the serials say
//!  itself too
//! ```
//!
//! A serial type names the storage class and the length of a value:
//!
//! | serial | bytes | value |
//! |---|---|---|
//! | 0 | 0 | NULL |
//! | 1 2 3 4 5 6 | 1 2 3 4 6 8 | big-endian signed integer |
//! | 7 | 8 | big-endian IEEE real (a NaN reads as NULL) |
//! | 8, 9 | 0 | the integers 0 and 1 |
//! | 10, 11 | 0 | reserved; read as NULL |
//! | even, from 12 | (n-12)/2 | blob |
//! | odd, from 13 | (n-13)/2 | text |
//!
//! Readers take any bytes: a header or a value that does not fit gives an error and nothing is read outside the slice. They
//! also work on the first part of a record whose rest lies on overflow pages ([`columns_of`]): values that lie
//! within the part at hand are decoded, others are [`Located::Outside`].
//!
//! [`encode`] writes values as they are given. That a REAL column keeps integral reals as integers is a rule of the SQL
//! layer and applied there.

use super::value::ValueRef;
use super::varint;
use crate::error::{Error, Result, corrupt};
use smallvec::SmallVec;

/// Values of a key, in place up to eight columns.
pub type KeyValues<'a> = SmallVec<[ValueRef<'a>; 8]>;

/// The content lengths of the serial types below 12.
const FIXED_LEN: [u8; 12] = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];

/// A record whose bytes are all at hand.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    columns: Columns<'a>,
}

impl<'a> RecordView<'a> {
    /// Reads the header's size. The serial types and values are checked when they are asked for.
    #[inline]
    pub fn parse(record: &'a [u8]) -> Result<RecordView<'a>> {
        let columns = columns_of(record, record.len())?.ok_or_else(truncated)?;
        Ok(RecordView { columns })
    }

    /// The value of column `index`; NULL when the record has fewer columns.
    #[inline]
    pub fn column(&self, index: usize) -> Result<ValueRef<'a>> {
        Ok(self.get(index)?.unwrap_or_default())
    }

    /// The value of column `index`, `None` when the record has fewer columns (the column was added to the table later and
    /// has its default value).
    #[inline]
    pub fn get(&self, index: usize) -> Result<Option<ValueRef<'a>>> {
        let mut columns = self.columns;
        for _ in 0..index {
            if columns.next_field()?.is_none() {
                return Ok(None);
            }
        }
        columns.next_whole()
    }

    /// All values from the left.
    pub fn columns(&self) -> impl Iterator<Item = Result<ValueRef<'a>>> + use<'a> {
        let mut columns = self.columns;
        std::iter::from_fn(move || {
            let next = columns.next_whole();
            if next.is_err() {
                columns.stop();
            }
            next.transpose()
        })
    }

    /// Calls `take(i, value)` for each `wanted[i]`, in one pass over the header. `wanted` ascends. Columns past the end of the
    /// record are not reported.
    #[inline]
    pub fn decode(&self, wanted: &[usize], mut take: impl FnMut(usize, ValueRef<'a>)) -> Result<()> {
        let mut columns = self.columns;
        let mut next = 0;
        for (i, &column) in wanted.iter().enumerate() {
            while next < column {
                if columns.next_field()?.is_none() {
                    return Ok(());
                }
                next += 1;
            }
            let Some(value) = columns.next_whole()? else {
                return Ok(());
            };
            take(i, value);
            next += 1;
        }
        Ok(())
    }

    /// The number of columns.
    pub fn count(&self) -> Result<usize> {
        let mut columns = self.columns;
        let mut count = 0;
        while columns.next_field()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// Where a value lies in its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The serial type.
    pub serial: u64,
    /// The offset of the value from the start of the record.
    pub offset: usize,
    /// The length of the value in bytes.
    pub len: usize,
}

/// A value of a record of which only the first part may be at hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Located<'a> {
    /// It lies in the part at hand.
    Value(ValueRef<'a>),
    /// It lies, at least in part, behind the part at hand.
    Outside,
    /// The record has no more columns.
    End,
}

/// A pass over a record's columns from the left.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    local: &'a [u8],
    /// Offset of the next serial type, and the end of the header.
    header: usize,
    header_end: usize,
    /// Offset of the next value, and the end of the record.
    body: usize,
    total: usize,
}

/// Starts a pass over the record of `total` bytes that begins with `local`. `None` when its header reaches past `local`.
#[inline]
pub fn columns_of(local: &[u8], total: usize) -> Result<Option<Columns<'_>>> {
    let Some((header_end, header)) = varint::read(local) else {
        return match total {
            // A record without even a header has no columns.
            0 => Ok(Some(Columns {
                local,
                header: 0,
                header_end: 0,
                body: 0,
                total,
            })),
            _ if local.len() < total => Ok(None),
            _ => Err(truncated()),
        };
    };
    if header_end > total as u64 {
        return Err(corrupt(None, 0, "record header is longer than the record"));
    }
    let header_end = header_end as usize;
    if header_end > local.len() {
        return Ok(None);
    }
    Ok(Some(Columns {
        local,
        header,
        header_end,
        body: header_end,
        total,
    }))
}

impl<'a> Columns<'a> {
    /// The next column's serial type and place, without its value.
    #[inline(always)]
    pub fn next_field(&mut self) -> Result<Option<Field>> {
        if self.header >= self.header_end {
            return Ok(None);
        }
        // `columns_of` saw that the header lies within `local`.
        let Some((serial, len)) = varint::read(&self.local[self.header..self.header_end]) else {
            return Err(corrupt(
                None,
                self.header,
                "serial type runs past the record header",
            ));
        };
        self.header += len;
        let offset = self.body;
        let len = content_len(serial);
        if len > self.total - offset {
            return Err(truncated());
        }
        self.body += len;
        Ok(Some(Field { serial, offset, len }))
    }

    /// The next column's value.
    #[inline(always)]
    pub fn next_value(&mut self) -> Result<Located<'a>> {
        let Some(field) = self.next_field()? else {
            return Ok(Located::End);
        };
        Ok(match self.local.get(field.offset..field.offset + field.len) {
            Some(content) => Located::Value(decode_content(field.serial, content)),
            None => Located::Outside,
        })
    }

    /// The next column's value, when all of the record is at hand.
    #[inline(always)]
    fn next_whole(&mut self) -> Result<Option<ValueRef<'a>>> {
        match self.next_value()? {
            Located::Value(value) => Ok(Some(value)),
            Located::End => Ok(None),
            Located::Outside => Err(truncated()),
        }
    }

    /// Where the serial types that are left begin and end.
    #[inline(always)]
    pub(super) fn serials(&self) -> (usize, usize) {
        (self.header, self.header_end)
    }

    fn stop(&mut self) {
        self.header = self.header_end;
    }
}

/// The length in bytes of a value of serial type `serial`; saturated where it exceeds the address space.
#[inline(always)]
pub fn content_len(serial: u64) -> usize {
    match FIXED_LEN.get(serial as usize) {
        Some(&len) if serial < 12 => usize::from(len),
        _ => usize::try_from((serial - 12) / 2).unwrap_or(usize::MAX),
    }
}

/// The value of serial type `serial` whose bytes are `content`, as long as [`content_len`] says; NULL when they are fewer.
#[inline(always)]
pub fn decode_content(serial: u64, content: &[u8]) -> ValueRef<'_> {
    let integer = match (serial, content) {
        (1, &[a, ..]) => i64::from(a as i8),
        (2, &[a, b, ..]) => i64::from(i16::from_be_bytes([a, b])),
        (3, &[a, b, c, ..]) => i64::from(i32::from_be_bytes([a, b, c, 0]) >> 8),
        (4, &[a, b, c, d, ..]) => i64::from(i32::from_be_bytes([a, b, c, d])),
        (5, &[a, b, c, d, e, f, ..]) => i64::from_be_bytes([a, b, c, d, e, f, 0, 0]) >> 16,
        (6, &[a, b, c, d, e, f, g, h, ..]) => i64::from_be_bytes([a, b, c, d, e, f, g, h]),
        (7, &[a, b, c, d, e, f, g, h, ..]) => {
            let real = f64::from_be_bytes([a, b, c, d, e, f, g, h]);
            return if real.is_nan() {
                ValueRef::Null
            } else {
                ValueRef::Real(real)
            };
        }
        (8, _) => 0,
        (9, _) => 1,
        (12.., _) => {
            return if serial & 1 == 0 {
                ValueRef::Blob(content)
            } else {
                ValueRef::Text(content)
            };
        }
        _ => return ValueRef::Null,
    };
    ValueRef::Integer(integer)
}

/// Decodes at most `count` columns of the record of `total` bytes that begins with `local`, which has to hold those columns.
pub fn decode_prefix<'a>(
    local: &'a [u8],
    total: usize,
    count: usize,
    values: &mut KeyValues<'a>,
) -> Result<()> {
    let mut columns = columns_of(local, total)?.ok_or_else(truncated)?;
    values.clear();
    while values.len() < count {
        let Some(value) = columns.next_whole()? else { break };
        values.push(value);
    }
    Ok(())
}

/// The error for a record that ends before its header says.
#[cold]
pub fn truncated() -> Error {
    corrupt(None, 0, "record ends inside a value")
}

/// Appends the record of `values` to `out`.
///
/// A NaN is written as NULL. The serial types 8 and 9 are used for 0 and 1 (schema format 4, what every file
/// made since 2006 has).
pub fn encode(values: &[ValueRef<'_>], out: &mut Vec<u8>) {
    let start = out.len();
    if encode_short(values, out) {
        return;
    }
    out.truncate(start);
    let size = EncodedSize::of(values);
    out.resize(start + size.total(), 0);
    write(values, size, &mut out[start..]);
}

/// As [`encode`] when each length takes one byte, in one pass; false when one does not.
#[inline]
fn encode_short(values: &[ValueRef<'_>], out: &mut Vec<u8>) -> bool {
    const SERIAL_MAX: u64 = 0x7f;
    let start = out.len();
    let header = values.len() + 1;
    if header > SERIAL_MAX as usize {
        return false;
    }
    out.resize(start + header, header as u8);
    for (value, at) in values.iter().zip(start + 1..) {
        let (serial, len) = serial_of(value);
        if serial > SERIAL_MAX {
            return false;
        }
        out[at] = serial as u8;
        match value {
            ValueRef::Integer(integer) if len > 0 => {
                // Eight bytes at once, and then those that are too many are dropped.
                let end = out.len() + len;
                out.extend_from_slice(&(integer << (64 - 8 * len)).to_be_bytes());
                out.truncate(end);
            }
            ValueRef::Real(real) if len > 0 => out.extend_from_slice(&real.to_be_bytes()),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => out.extend_from_slice(bytes),
            _ => {}
        }
    }
    true
}

/// The size of a record before it is written, so that its bytes can be placed where they stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodedSize {
    header: usize,
    body: usize,
}

impl EncodedSize {
    /// The size of the record of `values`.
    #[inline]
    pub fn of(values: &[ValueRef<'_>]) -> EncodedSize {
        let (mut serials, mut body) = (0, 0);
        for value in values {
            let (serial, len) = serial_of(value);
            serials += varint::len(serial);
            body += len;
        }
        EncodedSize {
            header: header_len(serials),
            body,
        }
    }

    /// All bytes of the record.
    #[inline]
    pub fn total(self) -> usize {
        self.header + self.body
    }
}

/// The header's length when its serial types take `serials` bytes: it counts its own length, too.
#[inline]
pub(super) fn header_len(serials: usize) -> usize {
    let mut own = 1;
    while varint::len((serials + own) as u64) > own {
        own += 1;
    }
    serials + own
}

/// Writes the record of `values`, whose size is `size`, at the start of `out`.
///
/// # Panics
/// When `out` is shorter than `size.total()`.
#[inline]
pub fn write(values: &[ValueRef<'_>], size: EncodedSize, out: &mut [u8]) {
    let (header, body) = out.split_at_mut(size.header);
    let (mut serial_at, mut at) = (varint::write(size.header as u64, header), 0);
    for value in values {
        let (serial, len) = serial_of(value);
        serial_at += varint::write(serial, &mut header[serial_at..]);
        write_content(value, serial, &mut body[at..at + len]);
        at += len;
    }
}

/// The serial type and content length that `value` is stored with.
#[inline]
pub fn serial_of(value: &ValueRef<'_>) -> (u64, usize) {
    match value {
        ValueRef::Null => (0, 0),
        ValueRef::Integer(integer) => integer_serial(*integer),
        ValueRef::Real(real) if real.is_nan() => (0, 0),
        ValueRef::Real(_) => (7, 8),
        ValueRef::Blob(bytes) => (bytes.len() as u64 * 2 + 12, bytes.len()),
        ValueRef::Text(bytes) => (bytes.len() as u64 * 2 + 13, bytes.len()),
    }
}

#[inline]
fn integer_serial(integer: i64) -> (u64, usize) {
    // Negative numbers need as many bits as their complement.
    let magnitude = (integer ^ (integer >> 63)) as u64;
    match magnitude {
        0..=1 if integer >= 0 => (8 + magnitude, 0),
        0..=0x7f => (1, 1),
        0x80..=0x7fff => (2, 2),
        0x8000..=0x7f_ffff => (3, 3),
        0x80_0000..=0x7fff_ffff => (4, 4),
        0x8000_0000..=0x7fff_ffff_ffff => (5, 6),
        _ => (6, 8),
    }
}

#[inline]
pub(super) fn write_content(value: &ValueRef<'_>, serial: u64, out: &mut [u8]) {
    match value {
        ValueRef::Integer(integer) if serial < 8 => {
            let bytes = integer.to_be_bytes();
            // Copies of a known length are no calls.
            match out.len() {
                1 => out.copy_from_slice(&bytes[7..]),
                2 => out.copy_from_slice(&bytes[6..]),
                3 => out.copy_from_slice(&bytes[5..]),
                4 => out.copy_from_slice(&bytes[4..]),
                len => out.copy_from_slice(&bytes[8 - len..]),
            }
        }
        ValueRef::Real(real) if serial == 7 => out.copy_from_slice(&real.to_be_bytes()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => out.copy_from_slice(bytes),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ValueRef::*;
    use proptest::prelude::*;

    fn record_of(values: &[ValueRef<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(values, &mut out);
        out
    }

    fn check_round_trip(values: &[ValueRef<'_>]) {
        let record = record_of(values);
        let view = RecordView::parse(&record).unwrap();
        let back: Vec<_> = view.columns().collect::<Result<_>>().unwrap();
        assert_eq!(back, values);
        assert_eq!(view.count().unwrap(), values.len());
        for (i, value) in values.iter().enumerate() {
            assert_eq!(view.column(i).unwrap(), *value);
        }
        assert_eq!(view.get(values.len()).unwrap(), None);
        let odd: Vec<usize> = (0..values.len() + 3).filter(|i| i % 2 == 1).collect();
        let mut taken = Vec::new();
        view.decode(&odd, |i, value| taken.push((odd[i], value))).unwrap();
        let expected: Vec<_> = values
            .iter()
            .copied()
            .enumerate()
            .filter(|(i, _)| i % 2 == 1)
            .collect();
        assert_eq!(taken, expected);
    }

    #[test]
    fn bytes_are_those_of_the_format() {
        let cases: &[(&[ValueRef<'_>], &[u8])] = &[
            (&[], &[1]),
            (&[Null, Integer(0), Integer(1)], &[4, 0, 8, 9]),
            (&[Integer(-1), Integer(2)], &[3, 1, 1, 0xff, 2]),
            (&[Integer(-128), Integer(-129)], &[3, 1, 2, 0x80, 0xff, 0x7f]),
            (&[Integer(0x7f_ffff)], &[2, 3, 0x7f, 0xff, 0xff]),
            (&[Integer(-0x80_0001)], &[2, 4, 0xff, 0x7f, 0xff, 0xff]),
            (&[Integer(1 << 40)], &[2, 5, 1, 0, 0, 0, 0, 0]),
            (&[Integer(i64::MIN)], &[2, 6, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            (&[Real(1.0)], &[2, 7, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
            (&[Text(b"hi"), Blob(b"\0")], &[3, 17, 14, b'h', b'i', 0]),
        ];
        for (values, expected) in cases {
            assert_eq!(record_of(values), *expected, "{values:?}");
            check_round_trip(values);
        }
        assert_eq!(record_of(&[Real(f64::NAN)]), [2, 0]);
    }

    #[test]
    fn a_header_may_need_a_longer_size() {
        for count in [125, 126, 127, 128, 200] {
            check_round_trip(&vec![Integer(1); count]);
        }
        for count in [16380, 16381, 16382, 16383, 16384] {
            let record = record_of(&vec![Integer(1); count]);
            assert_eq!(RecordView::parse(&record).unwrap().count().unwrap(), count);
        }
        let long = vec![7u8; 100_000];
        check_round_trip(&[Text(&long), Integer(300), Blob(&long)]);
    }

    #[test]
    fn a_part_of_a_record_gives_what_it_holds() {
        let record = record_of(&[Integer(1000), Text(b"abcdef"), Integer(7)]);
        let at = |local: usize| -> Vec<Located<'_>> {
            let Some(mut columns) = columns_of(&record[..local], record.len()).unwrap() else {
                return vec![];
            };
            (0..4).map(|_| columns.next_value().unwrap()).collect()
        };
        use Located::*;
        assert_eq!(at(3), []);
        assert_eq!(at(5), [Outside, Outside, Outside, End]);
        assert_eq!(at(7), [Value(Integer(1000)), Outside, Outside, End]);
        assert_eq!(
            at(12),
            [Value(Integer(1000)), Value(Text(b"abcdef")), Outside, End]
        );
    }

    #[test]
    fn wrong_records_are_errors() {
        assert_eq!(RecordView::parse(&[]).unwrap().columns().count(), 0);
        let cases: &[&[u8]] = &[
            &[5, 1],
            &[0x81],
            &[2, 6, 0],
            &[2, 0x81, 0],
            &[3, 13, 0xff],
            &[2, 30, 1, 2, 3],
        ];
        for bytes in cases {
            let read = |bytes| RecordView::parse(bytes)?.columns().collect::<Result<Vec<_>>>();
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[derive(Clone, Debug)]
    enum Owned {
        Null,
        Integer(i64),
        Real(f64),
        Text(Vec<u8>),
        Blob(Vec<u8>),
    }

    impl Owned {
        fn borrow(&self) -> ValueRef<'_> {
            match self {
                Owned::Null => Null,
                Owned::Integer(integer) => Integer(*integer),
                Owned::Real(real) => Real(*real),
                Owned::Text(bytes) => Text(bytes),
                Owned::Blob(bytes) => Blob(bytes),
            }
        }
    }

    fn value() -> impl Strategy<Value = Owned> {
        prop_oneof![
            Just(Owned::Null),
            (any::<i64>(), 0u32..64).prop_map(|(integer, shift)| Owned::Integer(integer >> shift)),
            any::<f64>()
                .prop_filter("NaN is stored as NULL", |real| !real.is_nan())
                .prop_map(Owned::Real),
            proptest::collection::vec(any::<u8>(), 0..200).prop_map(Owned::Text),
            proptest::collection::vec(any::<u8>(), 0..200).prop_map(Owned::Blob),
        ]
    }

    proptest! {
        #[test]
        fn every_record_comes_back(values in proptest::collection::vec(value(), 0..12)) {
            let values: Vec<_> = values.iter().map(Owned::borrow).collect();
            check_round_trip(&values);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), total in 0usize..100) {
            if let Ok(view) = RecordView::parse(&bytes) {
                let _ = view.columns().count();
                let _ = view.decode(&[1, 3], |_, _| {});
            }
            if let Ok(Some(mut columns)) = columns_of(&bytes, total.max(bytes.len())) {
                while let Ok(Located::Value(_) | Located::Outside) = columns.next_value() {}
            }
        }
    }
}
