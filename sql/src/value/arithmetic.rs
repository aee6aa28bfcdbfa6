//! The operators on numbers and bits.
//!
//! Every operator with a NULL operand gives NULL. Integers stay integers as long as the result fits 64 bits, and become
//! reals when it does not; division by zero, and a result that is not a number, is NULL. The bit operators take integers, the way CAST makes
//! them. Text and blobs count by the number at their beginning.

use super::ValueRef;
use super::decimal;
use super::number::{self, Number};

/// The result of an operator that yields a number or NULL.
pub type Outcome = ValueRef<'static>;

#[inline]
fn real(r: f64) -> Outcome {
    if r.is_nan() {
        ValueRef::Null
    } else {
        ValueRef::Real(r)
    }
}

macro_rules! arithmetic {
    ($(#[$doc:meta])* $name:ident, $checked:ident, $operator:tt) => {
        $(#[$doc])*
        #[inline]
        pub fn $name(a: ValueRef<'_>, b: ValueRef<'_>) -> Outcome {
            let (Some(x), Some(y)) = (number::number_of(a), number::number_of(b)) else {
                return ValueRef::Null;
            };
            if let (Number::Integer(x), Number::Integer(y)) = (x, y)
                && let Some(exact) = x.$checked(y)
            {
                return ValueRef::Integer(exact);
            }
            // A text is read anew, as a real: '-0' is an integer without a sign, but a real with one.
            real(number::real_of(a) $operator number::real_of(b))
        }
    };
}

arithmetic!(
    /// `a + b`
    add, checked_add, +
);
arithmetic!(
    /// `a - b`
    sub, checked_sub, -
);
arithmetic!(
    /// `a * b`
    mul, checked_mul, *
);

/// `a / b`: integers divide without a remainder.
#[inline]
pub fn div(a: ValueRef<'_>, b: ValueRef<'_>) -> Outcome {
    let (Some(x), Some(y)) = (number::number_of(a), number::number_of(b)) else {
        return ValueRef::Null;
    };
    if y.to_real() == 0.0 {
        return ValueRef::Null;
    }
    if let (Number::Integer(x), Number::Integer(y)) = (x, y)
        && let Some(exact) = x.checked_div(y)
    {
        return ValueRef::Integer(exact);
    }
    real(number::real_of(a) / number::real_of(b))
}

/// `a % b`: the remainder of the integer parts, with the sign of `a`; a real when an operand is one.
#[inline]
pub fn rem(a: ValueRef<'_>, b: ValueRef<'_>) -> Outcome {
    let (Some(x), Some(y)) = (number::number_of(a), number::number_of(b)) else {
        return ValueRef::Null;
    };
    if let (Number::Integer(x), Number::Integer(y)) = (x, y) {
        return if y == 0 {
            ValueRef::Null
        } else {
            ValueRef::Integer(x.wrapping_rem(y))
        };
    }
    let (x, y) = (number::integer_of(a), number::integer_of(b));
    if y == 0 {
        ValueRef::Null
    } else {
        ValueRef::Real(x.wrapping_rem(y) as f64)
    }
}

/// `-a`
#[inline]
pub fn neg(a: ValueRef<'_>) -> Outcome {
    sub(ValueRef::Integer(0), a)
}

#[inline]
fn bits(a: ValueRef<'_>, b: ValueRef<'_>, operator: impl FnOnce(i64, i64) -> i64) -> Outcome {
    if a.is_null() || b.is_null() {
        return ValueRef::Null;
    }
    ValueRef::Integer(operator(number::integer_of(a), number::integer_of(b)))
}

/// `a & b`
#[inline]
pub fn and(a: ValueRef<'_>, b: ValueRef<'_>) -> Outcome {
    bits(a, b, |a, b| a & b)
}

/// `a | b`
#[inline]
pub fn or(a: ValueRef<'_>, b: ValueRef<'_>) -> Outcome {
    bits(a, b, |a, b| a | b)
}

/// `a << b`; a negative `b` shifts right.
#[inline]
pub fn shift_left(a: ValueRef<'_>, b: ValueRef<'_>) -> Outcome {
    bits(a, b, shift)
}

/// `a >> b`, keeping the sign; a negative `b` shifts left.
#[inline]
pub fn shift_right(a: ValueRef<'_>, b: ValueRef<'_>) -> Outcome {
    bits(a, b, |a, by| shift(a, by.checked_neg().unwrap_or(i64::MAX)))
}

/// Shifts left by `by` bits, right when it is negative; past the width only zeros or the sign are left.
#[inline]
fn shift(a: i64, by: i64) -> i64 {
    match by {
        0..=63 => ((a as u64) << by) as i64,
        64.. => 0,
        -63..=-1 => a >> -by,
        _ => a >> 63,
    }
}

/// `~a`
#[inline]
pub fn not(a: ValueRef<'_>) -> Outcome {
    if a.is_null() {
        ValueRef::Null
    } else {
        ValueRef::Integer(!number::integer_of(a))
    }
}

/// `a || b`, appended to `out`; false for NULL, and then `out` is as before.
pub fn concat(a: ValueRef<'_>, b: ValueRef<'_>, out: &mut Vec<u8>) -> bool {
    if a.is_null() || b.is_null() {
        return false;
    }
    for operand in [a, b] {
        match operand {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => out.extend_from_slice(bytes),
            number => decimal::write_number(number, out),
        }
    }
    true
}
