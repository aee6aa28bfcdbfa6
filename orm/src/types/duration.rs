//! Lengths of time as columns: `std::time::Duration`, and with the feature `jiff` its signed sister `jiff::SignedDuration`.
//!
//! ```text
//!   SignedDuration --encode--> Value::Interval(microseconds) --driver--> PostgreSQL: interval; elsewhere: a number of microseconds
//!   SignedDuration <--decode-- Value::Interval or Int        <--driver--
//! ```
//!
//! A length is exact: microseconds, no months (whose length depends on where they begin). What is finer than a microsecond is cut off, and
//! what is longer than 292,000 years is kept as that. PostgreSQL's `interval` can hold months; reading one is an error.

use std::time::Duration;

use super::{ColumnType, DecodeError, KeyPart, Kind, Value};

/// A length of time in SQL, or an `Option` of one: what can be added to a date or time, and what is between two of them.
#[diagnostic::on_unimplemented(message = "a `{Self}` column is no length of time")]
pub trait Elapsed: ColumnType {}

impl<T: Elapsed> Elapsed for Option<T> {}

macro_rules! length_column {
    ($($ty:ty, $what:literal, |$v:ident| $micros:expr, |$number:ident| $from:expr;)*) => {$(
        impl ColumnType for $ty {
            type Base = $ty;
            type Nullable = Option<$ty>;
            const KIND: Kind = Kind::Interval;

            fn encode(&self) -> Value<'_> {
                let $v = self;
                Value::Interval($micros)
            }

            fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
                let length = microseconds(&value).and_then(|$number| $from);
                length.ok_or_else(|| DecodeError::new($what, &value))
            }
        }

        impl KeyPart for $ty {
            fn key_part(&self) -> Option<$ty> {
                Some(*self)
            }
        }

        impl Elapsed for $ty {}

        crate::column_literals!($ty);
    )*};
}

length_column! {
    Duration, "a length of time that is not negative, in microseconds",
        |v| i64::try_from(v.as_micros()).unwrap_or(i64::MAX),
        |n| u64::try_from(n).ok().map(Duration::from_micros);
}

#[cfg(feature = "jiff")]
length_column! {
    jiff::SignedDuration, "a length of time in microseconds",
        |v| saturated(v.as_micros()), |n| Some(jiff::SignedDuration::from_micros(n));
}

#[cfg(feature = "jiff")]
fn saturated(micros: i128) -> i64 {
    let nearest = if micros < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(micros).unwrap_or(nearest)
}

/// The microseconds that a value of any backend means: means and products come as numbers with a fraction.
fn microseconds(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Interval(micros) | Value::Int(micros) => Some(*micros),
        Value::Real(micros) => whole(*micros),
        Value::Decimal(digits) => whole(digits.parse().ok()?),
        _ => None,
    }
}

fn whole(micros: f64) -> Option<i64> {
    // 2^63 as a double is over the greatest i64.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let rounded = micros.round();
    (-END..END).contains(&rounded).then_some(rounded as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_backends_are_read() {
        for (value, micros) in [
            (Value::Interval(1_500_000), 1_500_000),
            (Value::Int(7), 7),
            (Value::Real(2.5), 3),
            (Value::Decimal("1000000.2500".into()), 1_000_000),
        ] {
            assert_eq!(Duration::decode(value).unwrap(), Duration::from_micros(micros));
        }
        assert_eq!(Duration::from_secs(2).encode(), Value::Interval(2_000_000));
        assert_eq!(Duration::MAX.encode(), Value::Interval(i64::MAX));
        assert!(Duration::decode(Value::Int(-1)).is_err());
        assert!(Duration::decode(Value::Real(1e300)).is_err());
        assert!(Duration::decode(Value::from("01:00:00")).is_err());
    }

    #[cfg(feature = "jiff")]
    #[test]
    fn signed_lengths_have_both_ends() {
        use jiff::SignedDuration;
        let back = SignedDuration::from_micros(-1);
        assert_eq!(SignedDuration::decode(back.encode()).unwrap(), back);
        assert_eq!(SignedDuration::MIN.encode(), Value::Interval(i64::MIN));
        assert_eq!(SignedDuration::MAX.encode(), Value::Interval(i64::MAX));
    }
}
