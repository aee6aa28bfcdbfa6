//! Sort keys as bytes that compare with `memcmp`.
//!
//! ```text
//!   NULL            00 (first) or ff (last), whatever the direction
//!   number          10, nearest f64 in 8 ordered bytes, then (from 2^53) what the integer differs from it in 2
//!   text            20, bytes folded by the collation, 00 as 00 ff, then 00 00 (NOCASE: 00 ff and the length end it)
//!   blob            30, likewise
//! ```
//!
//! A descending column has all its bytes but those of NULL inverted. The nearest `f64` of an `i64` is off by at most 512, so two
//! bytes hold the difference, and integers and reals compare exactly, without loss beyond 2^53.
//!
//! An application's collation has no such bytes. With one among the keys, a key is a record of its values, and comparing
//! decodes it.

use std::cmp::Ordering;

use aludel_storage::format::{self, KeyOrder, RecordView, record};
use smallvec::SmallVec;

use crate::exec::kernel::Values;
use crate::plan::physical::SortKey;
use crate::value::{Collation, ValueRef, compare};

const TAG_NULL_FIRST: u8 = 0x00;
const TAG_NUMBER: u8 = 0x10;
const TAG_TEXT: u8 = 0x20;
const TAG_BLOB: u8 = 0x30;
const TAG_NULL_LAST: u8 = 0xff;

/// The first sixteen bytes of a key.
pub(super) type Prefix = (u64, u64);

/// How keys are made and compared.
#[derive(Clone, Debug)]
pub(super) struct KeyEncoder {
    columns: Vec<KeyColumn>,
    /// Keys are records of values, because a collation is an application's.
    as_records: bool,
}

#[derive(Clone, Debug)]
struct KeyColumn {
    descending: bool,
    nulls_first: bool,
    collation: Collation,
}

impl KeyEncoder {
    pub(super) fn new(keys: &[SortKey]) -> KeyEncoder {
        let column = |key: &SortKey| KeyColumn {
            descending: key.descending,
            nulls_first: key.nulls_first,
            collation: key.collation.clone(),
        };
        KeyEncoder::of_columns(keys.iter().map(column).collect())
    }

    /// The order of an index tree, where NULL is the least value in each direction.
    pub(super) fn of_index(order: &KeyOrder) -> KeyEncoder {
        let column = |column: &format::KeyColumn| KeyColumn {
            descending: column.descending,
            nulls_first: !column.descending,
            collation: column.collation.clone(),
        };
        KeyEncoder::of_columns(order.columns.iter().map(column).collect())
    }

    fn of_columns(columns: Vec<KeyColumn>) -> KeyEncoder {
        let as_records = columns
            .iter()
            .any(|column| matches!(column.collation, Collation::Custom(_)));
        KeyEncoder { columns, as_records }
    }

    /// Whether one number decides: a single key of the built-in kind.
    pub(super) fn is_single(&self) -> bool {
        self.columns.len() == 1 && !self.as_records
    }

    /// Whether the first column is descending.
    pub(super) fn first_descends(&self) -> bool {
        self.columns.first().is_some_and(|column| column.descending)
    }

    /// Appends the key of row `n`.
    pub(super) fn encode(&self, values: &[Values<'_>], n: usize, out: &mut Vec<u8>) {
        if self.as_records {
            let row: SmallVec<[ValueRef<'_>; 8]> = values.iter().map(|values| values.get(n)).collect();
            record::encode(&row, out);
            return;
        }
        for (column, values) in self.columns.iter().zip(values) {
            column.encode(values.get(n), out);
        }
    }

    /// Appends the key of a single column's value.
    pub(super) fn encode_single(&self, value: ValueRef<'_>, out: &mut Vec<u8>) {
        if let Some(column) = self.columns.first() {
            column.encode(value, out);
        }
    }

    /// The first bytes of a key as numbers that order as they do; 0 when keys have no such order.
    pub(super) fn prefix(&self, key: &[u8]) -> Prefix {
        if self.as_records {
            return (0, 0);
        }
        if let (Some(high), Some(low)) = (
            key.first_chunk::<8>(),
            key.get(8..).and_then(|rest| rest.first_chunk::<8>()),
        ) {
            return (u64::from_be_bytes(*high), u64::from_be_bytes(*low));
        }
        let mut prefix = [0; 16];
        prefix[..key.len().min(16)].copy_from_slice(&key[..key.len().min(16)]);
        let all = u128::from_be_bytes(prefix);
        ((all >> 64) as u64, all as u64)
    }

    /// The order of two keys.
    pub(super) fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        if !self.as_records {
            return a.cmp(b);
        }
        // Keys are records of our own making; one that does not parse is ordered by its bytes.
        let (Ok(left), Ok(right)) = (RecordView::parse(a), RecordView::parse(b)) else {
            return a.cmp(b);
        };
        for (i, column) in self.columns.iter().enumerate() {
            let (Ok(left), Ok(right)) = (left.column(i), right.column(i)) else {
                return a.cmp(b);
            };
            let order = column.compare(left, right);
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

impl KeyColumn {
    fn encode(&self, value: ValueRef<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        match value {
            ValueRef::Null => {
                out.push(if self.nulls_first {
                    TAG_NULL_FIRST
                } else {
                    TAG_NULL_LAST
                });
                return;
            }
            ValueRef::Integer(v) => push_number(v as f64, integer_rest(v), out),
            ValueRef::Real(v) => push_number(v, 0, out),
            ValueRef::Text(v) => self.push_text(v, out),
            ValueRef::Blob(v) => push_bytes(TAG_BLOB, v.iter().copied(), out),
        }
        if self.descending {
            out[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }

    fn push_text(&self, text: &[u8], out: &mut Vec<u8>) {
        match self.collation {
            Collation::NoCase => match memchr::memchr(0, text) {
                None => push_bytes(TAG_TEXT, text.iter().map(u8::to_ascii_lowercase), out),
                // What is behind a NUL counts by its length only.
                Some(end) => {
                    out.push(TAG_TEXT);
                    out.extend(text[..end].iter().map(u8::to_ascii_lowercase));
                    out.extend_from_slice(&[0, 0xff]);
                    out.extend_from_slice(&(text.len() as u64).to_be_bytes());
                }
            },
            Collation::RTrim => push_bytes(TAG_TEXT, text.trim_suffix_spaces().iter().copied(), out),
            Collation::Binary | Collation::Custom(_) if memchr::memchr(0, text).is_none() => {
                out.push(TAG_TEXT);
                out.extend_from_slice(text);
                out.extend_from_slice(&[0, 0]);
            }
            Collation::Binary | Collation::Custom(_) => push_bytes(TAG_TEXT, text.iter().copied(), out),
        }
    }

    fn compare(&self, a: ValueRef<'_>, b: ValueRef<'_>) -> Ordering {
        let order = match (a, b) {
            (ValueRef::Null, ValueRef::Null) => return Ordering::Equal,
            (ValueRef::Null, _) => {
                return if self.nulls_first {
                    Ordering::Less
                } else {
                    Ordering::Greater
                };
            }
            (_, ValueRef::Null) => {
                return if self.nulls_first {
                    Ordering::Greater
                } else {
                    Ordering::Less
                };
            }
            (a, b) => compare(a, b, &self.collation),
        };
        if self.descending { order.reverse() } else { order }
    }
}

trait TrimSpaces {
    fn trim_suffix_spaces(&self) -> &[u8];
}

impl TrimSpaces for [u8] {
    fn trim_suffix_spaces(&self) -> &[u8] {
        let end = self
            .iter()
            .rposition(|byte| *byte != b' ')
            .map_or(0, |last| last + 1);
        &self[..end]
    }
}

/// What an integer is more than its nearest real.
fn integer_rest(v: i64) -> i16 {
    // 2^63 is the one nearest real that no i64 holds; i128 holds it.
    (i128::from(v) - (v as f64) as i128) as i16
}

/// Below this all integers are reals, and no rest follows.
const EXACT: f64 = (1u64 << 53) as f64;

fn push_number(nearest: f64, rest: i16, out: &mut Vec<u8>) {
    let mut bytes = [TAG_NUMBER; 9];
    bytes[1..].copy_from_slice(&ordered_real(nearest).to_be_bytes());
    out.extend_from_slice(&bytes);
    if nearest.abs() >= EXACT {
        out.extend_from_slice(&((rest as u16) ^ 0x8000).to_be_bytes());
    }
}

fn push_bytes(tag: u8, bytes: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    out.push(tag);
    for byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

/// A number that orders as the integer does.
pub(super) fn ordered_integer(v: i64) -> u64 {
    v as u64 ^ (1 << 63)
}

/// The integer behind [`ordered_integer`].
pub(super) fn integer_of(ordered: u64) -> i64 {
    (ordered ^ (1 << 63)) as i64
}

/// A number that orders as the real does; both zeros are one.
pub(super) fn ordered_real(v: f64) -> u64 {
    let bits = if v == 0.0 { 0 } else { v.to_bits() };
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// The real behind [`ordered_real`].
pub(super) fn real_of(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 {
        ordered ^ (1 << 63)
    } else {
        !ordered
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::expr::Expr;

    fn key(descending: bool, nulls_first: bool, collation: Collation) -> SortKey {
        SortKey {
            expression: Expr::Column(0),
            descending,
            nulls_first,
            collation,
        }
    }

    fn samples() -> Vec<ValueRef<'static>> {
        vec![
            ValueRef::Null,
            ValueRef::Integer(i64::MIN),
            ValueRef::Integer(i64::MIN + 1),
            ValueRef::Integer(-1),
            ValueRef::Integer(0),
            ValueRef::Integer((1 << 53) + 1),
            ValueRef::Integer(1 << 53),
            ValueRef::Integer(i64::MAX),
            ValueRef::Integer(i64::MAX - 1),
            ValueRef::Real(-0.0),
            ValueRef::Real(0.5),
            ValueRef::Real(-0.5),
            ValueRef::Real(9007199254740992.0),
            ValueRef::Real(9223372036854775808.0),
            ValueRef::Real(f64::INFINITY),
            ValueRef::Real(f64::NEG_INFINITY),
            ValueRef::Text(b""),
            ValueRef::Text(b"a"),
            ValueRef::Text(b"A"),
            ValueRef::Text(b"a "),
            ValueRef::Text(b"a\0"),
            ValueRef::Text(b"a\0b"),
            ValueRef::Text(b"A\0c"),
            ValueRef::Text(b"a\0"),
            ValueRef::Text(b"a\0bc"),
            ValueRef::Text(b"ab"),
            ValueRef::Text(b"_"),
            ValueRef::Blob(b""),
            ValueRef::Blob(b"\0"),
            ValueRef::Blob(b"\xff"),
        ]
    }

    #[test]
    fn bytes_order_as_values_do() {
        for collation in [Collation::Binary, Collation::NoCase, Collation::RTrim] {
            for (descending, nulls_first) in [(false, true), (true, true), (false, false), (true, false)] {
                let encoder = KeyEncoder::new(&[key(descending, nulls_first, collation.clone())]);
                for a in samples() {
                    for b in samples() {
                        let (mut left, mut right) = (Vec::new(), Vec::new());
                        encoder.encode_single(a, &mut left);
                        encoder.encode_single(b, &mut right);
                        let by_value = encoder.columns[0].compare(a, b);
                        assert_eq!(
                            left.cmp(&right),
                            by_value,
                            "{a:?} {b:?} {collation:?} {descending}"
                        );
                        let by_prefix = encoder.prefix(&left).cmp(&encoder.prefix(&right));
                        assert!(by_prefix == by_value || by_prefix == Ordering::Equal);
                    }
                }
            }
        }
    }

    #[test]
    fn ordered_numbers_lead_back() {
        for v in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert_eq!(integer_of(ordered_integer(v)), v);
        }
        for v in [f64::NEG_INFINITY, -1.5, 0.0, 1e-300, f64::MAX] {
            assert_eq!(real_of(ordered_real(v)), v);
        }
    }
}
