//! The plain Rust types as column types: integers, floats, bool, text, bytes and `Option` of each.

use std::borrow::Cow;

use super::{ColumnType, DecodeError, KeyPart, Kind, Numeric, Textual, Value};

macro_rules! column_int {
    ($($int:ty, $bits:literal, $what:literal;)*) => {$(
        impl ColumnType for $int {
            type Base = $int;
            type Nullable = Option<$int>;
            const KIND: Kind = Kind::Int($bits);

            #[inline]
            fn encode(&self) -> Value<'_> {
                Value::Int(i64::from(*self))
            }

            #[inline(always)]
            fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
                match value {
                    Value::Int(i) => <$int>::try_from(i).map_err(|_| DecodeError::new($what, &value)),
                    Value::Bool(b) => Ok(<$int>::from(b)),
                    other => Err(DecodeError::new($what, &other)),
                }
            }
        }

        impl KeyPart for $int {
            #[inline]
            fn key_part(&self) -> Option<Self> {
                Some(*self)
            }
        }

        impl Numeric for $int {}
    )*};
}
column_int! {
    i8, 8, "an integer from -128 to 127";
    i16, 16, "an integer of 16 bits";
    i32, 32, "an integer of 32 bits";
    i64, 64, "an integer";
    u8, 16, "an integer from 0 to 255";
    u16, 32, "an integer from 0 to 65535";
    u32, 64, "an integer from 0 to 4294967295";
}

impl ColumnType for f64 {
    type Base = f64;
    type Nullable = Option<f64>;
    const KIND: Kind = Kind::Real(64);

    #[inline]
    fn encode(&self) -> Value<'_> {
        Value::Real(*self)
    }

    #[inline(always)]
    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        match value {
            Value::Real(r) => Ok(r),
            // A whole number in a column of reals comes back as an integer from untyped columns.
            Value::Int(i) => Ok(i as f64),
            Value::Decimal(ref digits) => digits.parse().map_err(|_| DecodeError::new("a number", &value)),
            other => Err(DecodeError::new("a number", &other)),
        }
    }
}

impl ColumnType for f32 {
    type Base = f32;
    type Nullable = Option<f32>;
    const KIND: Kind = Kind::Real(32);

    #[inline]
    fn encode(&self) -> Value<'_> {
        Value::Real(f64::from(*self))
    }

    #[inline]
    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        f64::decode(value).map(|r| r as f32)
    }
}

impl Numeric for f64 {}
impl Numeric for f32 {}

impl ColumnType for bool {
    type Base = bool;
    type Nullable = Option<bool>;
    const KIND: Kind = Kind::Bool;

    #[inline]
    fn encode(&self) -> Value<'_> {
        Value::Bool(*self)
    }

    #[inline]
    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        match value {
            Value::Bool(b) => Ok(b),
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            other => Err(DecodeError::new("a boolean (0 or 1)", &other)),
        }
    }
}

impl KeyPart for bool {
    fn key_part(&self) -> Option<bool> {
        Some(*self)
    }
}

impl ColumnType for String {
    type Base = String;
    type Nullable = Option<String>;
    const KIND: Kind = Kind::Text;

    #[inline]
    fn encode(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }

    #[inline(always)]
    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        match value {
            Value::Text(text) => Ok(text.into_owned()),
            other => Err(DecodeError::new("text", &other)),
        }
    }
}

impl KeyPart for String {
    fn key_part(&self) -> Option<String> {
        Some(self.clone())
    }
}

impl Textual for String {}

impl ColumnType for Vec<u8> {
    type Base = Vec<u8>;
    type Nullable = Option<Vec<u8>>;
    const KIND: Kind = Kind::Bytes;

    #[inline]
    fn encode(&self) -> Value<'_> {
        Value::Bytes(Cow::Borrowed(self))
    }

    #[inline]
    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        match value {
            Value::Bytes(bytes) => Ok(bytes.into_owned()),
            other => Err(DecodeError::new("bytes", &other)),
        }
    }
}

impl KeyPart for Vec<u8> {
    fn key_part(&self) -> Option<Vec<u8>> {
        Some(self.clone())
    }
}

/// NULL is `None`. An `Option` of an `Option` is one `Option`: SQL has one NULL.
impl<T: ColumnType> ColumnType for Option<T> {
    type Base = T::Base;
    type Nullable = Option<T>;
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;
    const AUTO_KEY: bool = matches!(T::KIND, Kind::Int(_)) && T::REFERENCE.is_none();
    const REFERENCE: Option<super::Reference> = T::REFERENCE;

    #[inline]
    fn encode(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, T::encode)
    }

    #[inline(always)]
    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        if value.is_null() {
            Ok(None)
        } else {
            T::decode(value).map(Some)
        }
    }
}

/// A key that is `None` is one that the database assigns.
impl<T: KeyPart> KeyPart for Option<T> {
    fn key_part(&self) -> Option<T::Base> {
        self.as_ref().and_then(T::key_part)
    }
}

impl<T: Numeric> Numeric for Option<T> {}
impl<T: Textual> Textual for Option<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: ColumnType + PartialEq + std::fmt::Debug>(value: T) {
        assert_eq!(T::decode(value.encode().into_owned()).unwrap(), value);
    }

    #[test]
    fn each_type_comes_back() {
        round_trip(i8::MIN);
        round_trip(u32::MAX);
        round_trip(i64::MIN);
        round_trip(0.1_f64);
        round_trip(true);
        round_trip("text".to_owned());
        round_trip(vec![0_u8, 255]);
        round_trip(None::<String>);
        round_trip(Some(5_i32));
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_says_so() {
        let message = |r: Result<_, DecodeError>| r.map(|_: ()| ()).unwrap_err().to_string();
        assert_eq!(
            message(i8::decode(Value::Int(128)).map(|_| ())),
            "expected an integer from -128 to 127, found an integer (128)"
        );
        assert!(message(String::decode(Value::Null).map(|_| ())).contains("make the field an `Option`"));
        assert!(bool::decode(Value::Int(2)).is_err());
    }
}
