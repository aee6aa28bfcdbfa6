//! One column's value as it lies in a record, and the order of such values.
//!
//! The order is that of index keys: NULL, then numbers, then text, then blobs. Integers and reals are compared
//! exactly, without rounding the integer to a real. Text is ordered by a [`Collation`].

use super::collation::Collation;
use std::cmp::Ordering;

/// A value that borrows its bytes, mostly from a page.
///
/// `Text` carries bytes in the text encoding of the file, which need not be valid in that encoding.
#[derive(Clone, Copy, Debug, Default)]
pub enum ValueRef<'a> {
    /// SQL's NULL.
    #[default]
    Null,
    /// A signed 64-bit integer.
    Integer(i64),
    /// A real number; never NaN when it comes from a record (a stored NaN reads as NULL).
    Real(f64),
    /// Text in the file's encoding, not checked.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

impl ValueRef<'_> {
    /// True for NULL.
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, ValueRef::Null)
    }

    /// The place of the storage class in the order of values: NULL, numbers, text, blobs.
    #[inline]
    fn class(&self) -> u8 {
        match self {
            ValueRef::Null => 0,
            ValueRef::Integer(_) | ValueRef::Real(_) => 1,
            ValueRef::Text(_) => 2,
            ValueRef::Blob(_) => 3,
        }
    }
}

/// Equal storage class and equal content; an integer never equals a real here, and text is compared by bytes.
/// For SQL's notion of equality use [`compare_values`].
impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (ValueRef::Null, ValueRef::Null) => true,
            (ValueRef::Integer(a), ValueRef::Integer(b)) => a == b,
            (ValueRef::Real(a), ValueRef::Real(b)) => a.to_bits() == b.to_bits(),
            (ValueRef::Text(a), ValueRef::Text(b)) | (ValueRef::Blob(a), ValueRef::Blob(b)) => a == b,
            _ => false,
        }
    }
}

/// The order of two values in an index whose column has the collation `collation`.
#[inline]
pub fn compare_values(a: &ValueRef<'_>, b: &ValueRef<'_>, collation: &Collation) -> Ordering {
    match (a, b) {
        (ValueRef::Integer(a), ValueRef::Integer(b)) => a.cmp(b),
        (ValueRef::Text(a), ValueRef::Text(b)) => collation.compare(a, b),
        (ValueRef::Blob(a), ValueRef::Blob(b)) => a.cmp(b),
        (ValueRef::Real(a), ValueRef::Real(b)) => compare_reals(*a, *b),
        (ValueRef::Integer(a), ValueRef::Real(b)) => compare_integer_real(*a, *b),
        (ValueRef::Real(a), ValueRef::Integer(b)) => compare_integer_real(*b, *a).reverse(),
        _ => a.class().cmp(&b.class()),
    }
}

/// The order of two reals; NaN sorts below every number, as the NULL that it would be stored as.
#[inline]
pub fn compare_reals(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// The exact order of an integer and a real.
#[inline]
pub fn compare_integer_real(integer: i64, real: f64) -> Ordering {
    const BELOW_ALL: f64 = i64::MIN as f64;
    const ABOVE_ALL: f64 = -(i64::MIN as f64);
    if real.is_nan() || real < BELOW_ALL {
        return Ordering::Greater;
    }
    if real >= ABOVE_ALL {
        return Ordering::Less;
    }
    // The integral part of `real` fits an i64 now; when the integral parts agree, the fraction decides.
    let whole = real as i64;
    integer
        .cmp(&whole)
        .then_with(|| compare_reals(0.0, real - whole as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_reals_compare_without_rounding() {
        use Ordering::*;
        let cases = [
            (1, 1.0, Equal),
            (1, 1.5, Less),
            (-1, -1.5, Greater),
            (2, 1.5, Greater),
            (0, -0.0, Equal),
            (i64::MAX, i64::MAX as f64, Less),
            (i64::MIN, i64::MIN as f64, Equal),
            (i64::MIN, -1e300, Greater),
            (i64::MAX, f64::INFINITY, Less),
            (i64::MIN, f64::NEG_INFINITY, Greater),
            (9007199254740993, 9007199254740992.0, Greater),
            (9007199254740991, 9007199254740992.0, Less),
            (0, f64::NAN, Greater),
            (0, f64::MIN_POSITIVE, Less),
        ];
        for (integer, real, expected) in cases {
            assert_eq!(
                compare_integer_real(integer, real),
                expected,
                "{integer} against {real}"
            );
            let (a, b) = (ValueRef::Real(real), ValueRef::Integer(integer));
            assert_eq!(compare_values(&a, &b, &Collation::Binary), expected.reverse());
        }
    }

    #[test]
    fn storage_classes_are_ordered() {
        let ascending = [
            ValueRef::Null,
            ValueRef::Real(f64::NEG_INFINITY),
            ValueRef::Integer(-5),
            ValueRef::Real(2.5),
            ValueRef::Integer(3),
            ValueRef::Text(b""),
            ValueRef::Text(b"a"),
            ValueRef::Blob(b""),
            ValueRef::Blob(b"a"),
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(
                    compare_values(a, b, &Collation::Binary),
                    i.cmp(&j),
                    "{a:?} against {b:?}"
                );
            }
        }
    }
}
