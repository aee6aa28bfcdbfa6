//! CAST and truth.
//!
//! CAST forces: a text that is no number becomes 0, a blob becomes text byte for byte. Applying an affinity, which never loses anything, is in
//! [`affinity`](super::affinity).

use super::encoding::{TextEncoding, push_decoded, push_encoded};
use super::number::{self, Number};
use super::{Affinity, Text, Value, ValueRef, decimal};

/// `CAST(value AS ..)` to the type with affinity `target`.
pub fn cast(value: ValueRef<'_>, target: Affinity) -> Value {
    match (target, value) {
        (_, ValueRef::Null) => Value::Null,
        (Affinity::Integer, v) => Value::Integer(number::integer_of(v)),
        (Affinity::Real, v) => Value::Real(number::real_of(v)),
        (Affinity::Numeric, v) => match v {
            ValueRef::Text(text) | ValueRef::Blob(text) => number::cast_number(text).into_value(),
            number => Value::from(number),
        },
        (Affinity::Text, v) => Value::Text(Text::from_bytes(bytes(v))),
        (Affinity::Blob, v) => Value::Blob(bytes(v)),
    }
}

/// As [`cast`], in a database whose texts are in `encoding`: where text becomes a blob or a blob text, the bytes are those of the encoding.
pub fn cast_in(value: ValueRef<'_>, target: Affinity, encoding: TextEncoding) -> Value {
    if encoding == TextEncoding::Utf8 {
        return cast(value, target);
    }
    match (target, value) {
        (Affinity::Blob, ValueRef::Text(_) | ValueRef::Integer(_) | ValueRef::Real(_)) => {
            let mut out = Vec::new();
            push_encoded(&bytes(value), encoding, &mut out);
            Value::Blob(out)
        }
        (_, ValueRef::Blob(stored)) if target != Affinity::Blob => {
            let mut text = Vec::new();
            push_decoded(stored, encoding, &mut text);
            cast(ValueRef::Text(&text), target)
        }
        _ => cast(value, target),
    }
}

fn bytes(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
        number => {
            let mut out = Vec::with_capacity(24);
            decimal::write_number(number, &mut out);
            out
        }
    }
}

/// Whether a value counts as true where a condition is asked for; `None` for NULL. Text and blobs count by the number at their beginning.
#[inline]
pub fn truth(value: ValueRef<'_>) -> Option<bool> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(i) => Some(i != 0),
        ValueRef::Real(r) => Some(r != 0.0),
        ValueRef::Text(text) | ValueRef::Blob(text) => Some(number::real_prefix(text) != 0.0),
    }
}

/// The number that a value is or spells in full, for functions that refuse anything else; blobs spell nothing.
#[inline]
pub fn numeric_argument(value: ValueRef<'_>) -> Option<Number> {
    match value {
        ValueRef::Integer(i) => Some(Number::Integer(i)),
        ValueRef::Real(r) => Some(Number::Real(r)),
        ValueRef::Text(text) => number::argument_number(text),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}
