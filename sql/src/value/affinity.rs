//! Affinity: the storage class that a column prefers.
//!
//! A declared type is free text; [`Affinity::of_declared_type`] reads the class from it. Applying an affinity
//! converts only what converts without loss (CAST, which forces, is in [`cast`](super::cast)).

use super::number::{self, Number};
use super::{Text, Value, ValueRef, decimal};

/// The storage class that a column or an expression prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Affinity {
    /// No preference: values stay as they are.
    #[default]
    Blob,
    /// Numbers become text.
    Text,
    /// Text that is a number becomes one; reals that are integers become integers.
    Numeric,
    /// As `Numeric` (the two differ in CAST only).
    Integer,
    /// As `Numeric`, and integers become reals.
    Real,
}

/// Parts of a declared type that decide, strongest first; the rest is NUMERIC.
const TYPE_PARTS: [(&[u8], Affinity); 8] = [
    (b"INT", Affinity::Integer),
    (b"CHAR", Affinity::Text),
    (b"CLOB", Affinity::Text),
    (b"TEXT", Affinity::Text),
    (b"BLOB", Affinity::Blob),
    (b"REAL", Affinity::Real),
    (b"FLOA", Affinity::Real),
    (b"DOUB", Affinity::Real),
];

impl Affinity {
    /// The affinity of a column declared with `type_name`; no type at all means no preference.
    pub fn of_declared_type(type_name: &str) -> Affinity {
        if type_name.is_empty() {
            Affinity::Blob
        } else {
            Affinity::of_cast_type(type_name)
        }
    }

    /// The affinity that `CAST(x AS type_name)` converts to; there no type at all means NUMERIC.
    pub fn of_cast_type(type_name: &str) -> Affinity {
        let name = type_name.as_bytes();
        let named = TYPE_PARTS
            .iter()
            .find(|(part, _)| contains_ignoring_case(name, part));
        named.map_or(Affinity::Numeric, |(_, affinity)| *affinity)
    }

    /// True for NUMERIC, INTEGER and REAL.
    #[inline]
    pub fn is_numeric(self) -> bool {
        matches!(self, Affinity::Numeric | Affinity::Integer | Affinity::Real)
    }
}

fn contains_ignoring_case(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len())
        .any(|window| window.eq_ignore_ascii_case(part))
}

/// Applies `affinity` to `value` in place.
#[inline]
pub fn apply_affinity(value: &mut Value, affinity: Affinity) {
    if let Some(converted) = converted_by_affinity(value.as_ref(), affinity) {
        *value = converted;
    }
}

/// What `value` becomes under `affinity`, or `None` when it stays as it is. Allocates only when a number becomes text.
#[inline]
pub fn converted_by_affinity(value: ValueRef<'_>, affinity: Affinity) -> Option<Value> {
    match (affinity, value) {
        (Affinity::Blob, _) | (_, ValueRef::Null | ValueRef::Blob(_)) => None,
        (Affinity::Text, ValueRef::Integer(_) | ValueRef::Real(_)) => Some(Value::Text(number_text(value))),
        (Affinity::Text, _) => None,
        (Affinity::Real, ValueRef::Integer(i)) => Some(Value::Real(i as f64)),
        // Negative zero counts as an integer, and comes back as plain zero.
        (Affinity::Real, ValueRef::Real(r)) => (r == 0.0 && r.is_sign_negative()).then_some(Value::Real(0.0)),
        (Affinity::Real, ValueRef::Text(text)) if !number::may_be_number(text) => None,
        (Affinity::Real, ValueRef::Text(text)) => {
            number::affinity_number(text).map(|n| Value::Real(n.to_real()))
        }
        (_, ValueRef::Integer(_)) => None,
        (_, ValueRef::Real(r)) => number::lossless_integer(r).map(Value::Integer),
        (_, ValueRef::Text(text)) if !number::may_be_number(text) => None,
        (_, ValueRef::Text(text)) => number::affinity_number(text).map(Number::into_value),
    }
}

fn number_text(number: ValueRef<'_>) -> Text {
    let mut out = Vec::with_capacity(24);
    decimal::write_number(number, &mut out);
    Text::from_bytes(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types() {
        for (declared, affinity) in [
            ("", Affinity::Blob),
            ("INT", Affinity::Integer),
            ("unsigned big int", Affinity::Integer),
            ("VARCHAR(255)", Affinity::Text),
            ("nclob", Affinity::Text),
            ("BLOB", Affinity::Blob),
            ("DOUBLE PRECISION", Affinity::Real),
            ("FLOAT", Affinity::Real),
            ("DECIMAL(10,5)", Affinity::Numeric),
            ("DATETIME", Affinity::Numeric),
            ("FLOATING POINT", Affinity::Integer),
            ("CHARINT", Affinity::Integer),
            ("STRING", Affinity::Numeric),
            ("BLOBREAL", Affinity::Blob),
        ] {
            assert_eq!(Affinity::of_declared_type(declared), affinity, "{declared:?}");
        }
    }
}
