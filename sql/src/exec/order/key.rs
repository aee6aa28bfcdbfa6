//! Sort keys as bytes: two keys compare as their bytes do.
//!
//! ```text
//!   NULL        00 (first) or FF (last)
//!   number      10, the greatest double that is not above it (8 bytes, order-preserving), what is missing to it (2 bytes)
//!   text        20, its bytes folded by the collation, 00 00        a 00 inside is written 00 FF
//!   blob        30, its bytes, 00 00                                likewise
//!   DESC        all bytes but NULL's inverted
//! ```
//!
//! An integer beyond 2^53 lies between two doubles; the two bytes hold its distance from the lower one, so that integers and
//! reals compare exactly. An application's collation has no such bytes; keys with one are compared value by value.

use std::cmp::Ordering;

use crate::plan::physical::SortKey;
use crate::value::{Collation, ValueRef, compare};

/// How one column of a key is ordered.
#[derive(Clone, Debug)]
pub(crate) struct ColumnOrder {
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
    pub(crate) collation: Collation,
}

impl ColumnOrder {
    /// Ascending, NULLs first.
    pub(crate) fn ascending(collation: Collation) -> ColumnOrder {
        ColumnOrder {
            descending: false,
            nulls_first: true,
            collation,
        }
    }

    /// The order of a sort key.
    pub(crate) fn of(key: &SortKey) -> ColumnOrder {
        ColumnOrder {
            descending: key.descending,
            nulls_first: key.nulls_first,
            collation: key.collation.clone(),
        }
    }

    /// The order of two values.
    pub(crate) fn compare(&self, a: ValueRef<'_>, b: ValueRef<'_>) -> Ordering {
        let nulls = |first_is_null: bool| match first_is_null == self.nulls_first {
            true => Ordering::Less,
            false => Ordering::Greater,
        };
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => nulls(true),
            (false, true) => nulls(false),
            (false, false) if self.descending => compare(b, a, &self.collation),
            (false, false) => compare(a, b, &self.collation),
        }
    }
}

/// Writes keys of some columns as bytes.
#[derive(Clone, Debug)]
pub(crate) struct KeyEncoder {
    columns: Vec<ColumnOrder>,
}

const NULL_FIRST: u8 = 0x00;
const NULL_LAST: u8 = 0xff;
const NUMBER: u8 = 0x10;
const TEXT: u8 = 0x20;
const BLOB: u8 = 0x30;

impl KeyEncoder {
    pub(crate) fn new(columns: Vec<ColumnOrder>) -> KeyEncoder {
        KeyEncoder { columns }
    }

    pub(crate) fn columns(&self) -> &[ColumnOrder] {
        &self.columns
    }

    /// Whether keys have bytes: no application's collation takes part.
    pub(crate) fn is_encodable(&self) -> bool {
        !self
            .columns
            .iter()
            .any(|column| matches!(column.collation, Collation::Custom(_)))
    }

    /// Appends the bytes of column `column` of a key.
    #[inline]
    pub(crate) fn encode(&self, column: usize, value: ValueRef<'_>, out: &mut Vec<u8>) {
        let order = &self.columns[column];
        let start = out.len();
        match value {
            ValueRef::Null => {
                out.push(if order.nulls_first { NULL_FIRST } else { NULL_LAST });
                return;
            }
            ValueRef::Integer(integer) => encode_integer(integer, out),
            ValueRef::Real(real) => encode_number(real, 0, out),
            ValueRef::Text(text) => encode_text(text, &order.collation, out),
            ValueRef::Blob(blob) => {
                out.push(BLOB);
                escape(blob.iter().copied(), out);
            }
        }
        if order.descending {
            out[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
}

/// The bits of a double, ordered as unsigned integers.
#[inline]
fn ordered_bits(real: f64) -> u64 {
    // Negative zero is zero.
    let bits = if real == 0.0 { 0 } else { real.to_bits() };
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

#[inline]
fn encode_number(lower: f64, rest: u16, out: &mut Vec<u8>) {
    let mut bytes = [NUMBER; 11];
    bytes[1..9].copy_from_slice(&ordered_bits(lower).to_be_bytes());
    bytes[9..].copy_from_slice(&rest.to_be_bytes());
    out.extend_from_slice(&bytes);
}

#[inline]
fn encode_integer(integer: i64, out: &mut Vec<u8>) {
    const EXACT: u64 = 1 << 53;
    let nearest = integer as f64;
    if integer.unsigned_abs() <= EXACT {
        return encode_number(nearest, 0, out);
    }
    let above = nearest as i128 > i128::from(integer);
    let lower = if above { nearest.next_down() } else { nearest };
    let rest = i128::from(integer) - lower as i128;
    encode_number(lower, rest as u16, out);
}

fn encode_text(text: &[u8], collation: &Collation, out: &mut Vec<u8>) {
    out.push(TEXT);
    match collation {
        Collation::NoCase => escape(text.iter().map(u8::to_ascii_lowercase), out),
        Collation::RTrim => {
            let end = text
                .iter()
                .rposition(|byte| *byte != b' ')
                .map_or(0, |last| last + 1);
            escape(text[..end].iter().copied(), out);
        }
        _ if memchr::memchr(0, text).is_none() => {
            out.extend_from_slice(text);
            out.extend_from_slice(&[0, 0]);
        }
        _ => escape(text.iter().copied(), out),
    }
}

fn escape(bytes: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REALS: [f64; 12] = [
        f64::NEG_INFINITY,
        -1e300,
        -9223372036854775808.0,
        -1.5,
        -0.0,
        0.0,
        5e-324,
        0.5,
        9007199254740992.0,
        9223372036854774784.0,
        9223372036854775808.0,
        f64::INFINITY,
    ];
    const INTEGERS: [i64; 14] = [
        i64::MIN,
        i64::MIN + 1,
        -9007199254740993,
        -1,
        0,
        1,
        2,
        9007199254740991,
        9007199254740992,
        9007199254740993,
        9223372036854774784,
        9223372036854774785,
        i64::MAX - 1,
        i64::MAX,
    ];
    const TEXTS: [&[u8]; 9] = [b"", b" ", b"a", b"A", b"a ", b"a\0", b"a\0b", b"ab", b"\xff\xff"];

    fn check(a: ValueRef<'_>, b: ValueRef<'_>) {
        for collation in [Collation::Binary, Collation::NoCase, Collation::RTrim] {
            for (descending, nulls_first) in [(false, true), (true, true), (false, false), (true, false)] {
                let order = ColumnOrder {
                    descending,
                    nulls_first,
                    collation: collation.clone(),
                };
                let encoder = KeyEncoder::new(vec![order.clone()]);
                let (mut x, mut y) = (Vec::new(), Vec::new());
                encoder.encode(0, a, &mut x);
                encoder.encode(0, b, &mut y);
                assert_eq!(x.cmp(&y), order.compare(a, b), "{a:?} {b:?} {order:?}");
            }
        }
    }

    #[test]
    fn bytes_compare_as_values_do() {
        let mut values = vec![ValueRef::Null];
        values.extend(REALS.map(ValueRef::Real));
        values.extend(INTEGERS.map(ValueRef::Integer));
        values.extend(TEXTS.map(ValueRef::Text));
        values.extend(TEXTS.map(ValueRef::Blob));
        for a in &values {
            values.iter().for_each(|b| check(*a, *b));
        }
    }

    proptest! {
        #[test]
        fn numbers_compare_exactly(a: i64, b in any::<i64>(), real in any::<f64>()) {
            check(ValueRef::Integer(a), ValueRef::Integer(b));
            if !real.is_nan() {
                check(ValueRef::Integer(a), ValueRef::Real(real));
            }
            check(ValueRef::Integer(a), ValueRef::Real(b as f64));
            check(ValueRef::Integer(a), ValueRef::Real(a as f64));
        }
    }
}
