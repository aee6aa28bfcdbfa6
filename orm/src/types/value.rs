//! One SQL value, borrowed or owned.
//!
//! The same type goes both ways: a field lends its text to a statement without a copy, and a driver lends the bytes of
//! a row to the decoder without a copy. What must outlive its source is made owned with [`Value::into_owned`].

use std::borrow::Cow;
use std::fmt;

use super::Array;

/// A value bound to a statement or read from a row.
///
/// Text and bytes are borrowed where they can be. Booleans are a variant of their own because servers have a boolean
/// type; SQLite keeps them as 0 and 1, and [`Value::sql_eq`] knows that.
///
/// ```
/// use aludel::Value;
///
/// let borrowed = Value::from("Mike");
/// let owned: Value<'static> = borrowed.clone().into_owned();
/// assert_eq!(borrowed, owned);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// SQL's NULL.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number of up to 64 bits.
    Int(i64),
    /// A double.
    Real(f64),
    /// Text, UTF-8.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// A number in decimal digits, of backends that keep such: `12.50`.
    Decimal(Cow<'a, str>),
    /// A length of time, in microseconds.
    Interval(i64),
    /// An array.
    Array(Box<Array>),
    /// The key of a tracked entity that may not have one yet. Only a session can bind it: it flushes first and puts
    /// the key in its place.
    Pending(RawHandle),
    /// The value of a deferred column that was not loaded: never written.
    Absent,
}

/// The untyped part of a handle: which session, which entity's arena, which slot, and the slot's generation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RawHandle {
    pub(crate) session: u32,
    pub(crate) slot: u32,
    pub(crate) generation: u32,
    pub(crate) arena: u16,
    /// As a value: which column of the entity's key it stands for.
    pub(crate) part: u8,
}

impl RawHandle {
    /// The same handle, as the value of that column of the key.
    pub(crate) fn key_part(self, part: usize) -> RawHandle {
        RawHandle {
            part: part as u8,
            ..self
        }
    }
}

impl Value<'_> {
    /// Copies what is borrowed, so that the value can outlive its source.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(b) => Value::Bool(b),
            Value::Int(i) => Value::Int(i),
            Value::Real(r) => Value::Real(r),
            Value::Text(t) => Value::Text(Cow::Owned(t.into_owned())),
            Value::Bytes(b) => Value::Bytes(Cow::Owned(b.into_owned())),
            Value::Decimal(d) => Value::Decimal(Cow::Owned(d.into_owned())),
            Value::Interval(micros) => Value::Interval(micros),
            Value::Array(array) => Value::Array(array),
            Value::Pending(handle) => Value::Pending(handle),
            Value::Absent => Value::Absent,
        }
    }

    /// The same value, borrowed from this one.
    #[inline]
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(b) => Value::Bool(*b),
            Value::Int(i) => Value::Int(*i),
            Value::Real(r) => Value::Real(*r),
            Value::Text(t) => Value::Text(Cow::Borrowed(t)),
            Value::Bytes(b) => Value::Bytes(Cow::Borrowed(b)),
            Value::Decimal(d) => Value::Decimal(Cow::Borrowed(d)),
            Value::Interval(micros) => Value::Interval(*micros),
            Value::Array(array) => Value::Array(array.clone()),
            Value::Pending(handle) => Value::Pending(*handle),
            Value::Absent => Value::Absent,
        }
    }

    /// Is this NULL?
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Do two values mean the same in a column? Unlike `==` this takes NULL as equal to NULL, NaN as equal to NaN and
    /// `true` as equal to 1: it answers "would writing the one over the other change anything".
    pub fn sql_eq(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Value::Bool(a), Value::Int(b)) | (Value::Int(b), Value::Bool(a)) => i64::from(*a) == *b,
            (Value::Interval(a), Value::Int(b)) | (Value::Int(b), Value::Interval(a)) => a == b,
            (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }

    /// What kind of value this is, in a word, for messages.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Null => "NULL",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Real(_) => "a real",
            Value::Text(_) => "text",
            Value::Bytes(_) => "bytes",
            Value::Decimal(_) => "a decimal number",
            Value::Interval(_) => "a length of time",
            Value::Array(_) => "an array",
            Value::Pending(_) => "the key of an entity that is not inserted yet",
            Value::Absent => "a value that was not loaded",
        }
    }
}

/// SQL's spelling, shortened where it is long: for logs and messages, not for building statements.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_MAX: usize = 64;
        match self {
            Value::Null => f.write_str("NULL"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(i) => write!(f, "{i}"),
            Value::Real(r) => write!(f, "{r:?}"),
            Value::Decimal(d) => f.write_str(d),
            Value::Interval(micros) => write!(f, "{micros} microseconds"),
            Value::Text(t) if t.chars().count() <= SHOWN_MAX => write!(f, "'{}'", t.replace('\'', "''")),
            Value::Text(t) => {
                let head: String = t.chars().take(SHOWN_MAX).collect();
                write!(f, "'{}..' ({} bytes)", head.replace('\'', "''"), t.len())
            }
            Value::Bytes(b) if b.len() <= SHOWN_MAX / 2 => {
                f.write_str("x'")?;
                b.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("'")
            }
            Value::Bytes(b) => write!(f, "<{} bytes>", b.len()),
            Value::Array(array) => fmt::Display::fmt(&Value::from(array.json()), f),
            Value::Pending(_) => f.write_str("<key not assigned yet>"),
            Value::Absent => f.write_str("<not loaded>"),
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(b: bool) -> Self {
        Value::Bool(b)
    }
}

impl From<f64> for Value<'_> {
    fn from(r: f64) -> Self {
        Value::Real(r)
    }
}

impl From<f32> for Value<'_> {
    fn from(r: f32) -> Self {
        Value::Real(f64::from(r))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(t: &'a str) -> Self {
        Value::Text(Cow::Borrowed(t))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(t: &'a String) -> Self {
        Value::Text(Cow::Borrowed(t))
    }
}

impl From<String> for Value<'_> {
    fn from(t: String) -> Self {
        Value::Text(Cow::Owned(t))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(b: &'a [u8]) -> Self {
        Value::Bytes(Cow::Borrowed(b))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(b: Vec<u8>) -> Self {
        Value::Bytes(Cow::Owned(b))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(option: Option<T>) -> Self {
        option.map_or(Value::Null, Into::into)
    }
}

macro_rules! from_int {
    ($($int:ty),*) => {$(
        impl From<$int> for Value<'_> {
            fn from(i: $int) -> Self {
                Value::Int(i64::from(i))
            }
        }
    )*};
}
from_int!(i8, i16, i32, i64, u8, u16, u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_that_decides_whether_to_write() {
        assert!(Value::Null.sql_eq(&Value::Null));
        assert!(Value::Bool(true).sql_eq(&Value::Int(1)));
        assert!(Value::Real(f64::NAN).sql_eq(&Value::Real(f64::NAN)));
        assert!(!Value::Int(1).sql_eq(&Value::from("1")));
    }

    #[test]
    fn display_quotes_and_shortens() {
        assert_eq!(Value::from("it's").to_string(), "'it''s'");
        assert_eq!(Value::from(vec![1, 255]).to_string(), "x'01ff'");
        assert!(Value::from("x".repeat(500)).to_string().ends_with("(500 bytes)"));
    }
}
