//! Decimal numbers, by the crate `rust_decimal`: prices and the like, which a binary fraction cannot hold.
//!
//! Servers keep them digit by digit. SQLite has no such type: a column of NUMERIC affinity keeps a whole number as such and any other as a
//! floating-point number, which is exact for fifteen digits; the drivers refuse values with more of them.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{ColumnType, DecodeError, KeyPart, Kind, Numeric, Value};

impl ColumnType for Decimal {
    type Base = Decimal;
    type Nullable = Option<Decimal>;
    const KIND: Kind = Kind::Decimal;

    fn encode(&self) -> Value<'_> {
        Value::Decimal(Cow::Owned(self.to_string()))
    }

    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        let decimal = match &value {
            Value::Int(int) => Some(Decimal::from(*int)),
            // Fifteen digits are what such a number is good for; sums have noise behind them.
            Value::Real(real) => Decimal::from_scientific(&format!("{real:.14e}"))
                .ok()
                .map(|decimal| decimal.normalize()),
            Value::Decimal(digits) | Value::Text(digits) => digits.parse().ok(),
            _ => None,
        };
        decimal.ok_or_else(|| DecodeError::new("a decimal number", &value))
    }
}

impl KeyPart for Decimal {
    fn key_part(&self) -> Option<Decimal> {
        Some(*self)
    }
}

impl Numeric for Decimal {}

crate::column_literals!(Decimal);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_backends_are_read() {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        for (value, expected) in [
            (Value::Int(12), "12"),
            (Value::Real(12.5), "12.5"),
            (Value::Real(0.1 + 0.2), "0.3"),
            (Value::Real(-1e-7), "-0.0000001"),
            (Value::Real(123_456_789_012.25), "123456789012.25"),
            (Value::Decimal("12.50".into()), "12.50"),
        ] {
            assert_eq!(Decimal::decode(value).unwrap(), decimal(expected));
        }
        assert!(Decimal::decode(Value::Real(1e300)).is_err());
        assert!(Decimal::decode(Value::Text("twelve".into())).is_err());
        assert_eq!(decimal("12.50").encode(), Value::Decimal("12.50".into()));
    }
}
