//! Values: what a cell of a table or a result holds, and the rules by which SQL converts and compares them.
//!
//! [`ValueRef`] borrows (mostly from a page), [`Value`] owns. Both know SQLite's five storage classes. Text is bytes: SQLite lets TEXT hold
//! invalid UTF-8 and NUL, so [`Text`] keeps the bytes and converts at the border. Everything above this floor holds text as UTF-8;
//! a UTF-16 file is converted where its records are decoded.
//!
//! | module | what it owns |
//! |---|---|
//! | [`number`] | text to number: prefixes, whole texts, hexadecimal literals |
//! | [`decimal`] | number to text: the digits of a real, `%!.17g`, integers |
//! | [`affinity`] | the type that a column prefers, and applying it |
//! | [`cast`] | CAST, truth values |
//! | [`arithmetic`] | `+ - * / % << >> & \| ~ \|\|` with SQLite's overflow and NULL rules |
//! | [`encoding`] | UTF-16 files |
//! | [`utf8`] | characters of texts that may not be valid UTF-8 |

pub mod affinity;
pub mod arithmetic;
pub mod cast;
pub mod decimal;
pub mod encoding;
pub mod number;
#[cfg(test)]
mod tests;
pub mod utf8;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

pub use affinity::{Affinity, apply_affinity, converted_by_affinity};
pub use aludel_storage::format::{Collation, CustomCollation, ValueRef, compare_values};

/// The order of two values under `collation`: NULL, numbers, text, blobs; integers and reals compare exactly.
#[inline]
pub fn compare(a: ValueRef<'_>, b: ValueRef<'_>, collation: &Collation) -> Ordering {
    compare_values(&a, &b, collation)
}

/// A value that owns its bytes.
#[derive(Clone, Debug, Default)]
#[repr(u32)]
pub enum Value {
    /// SQL's NULL.
    #[default]
    Null,
    /// A signed 64-bit integer.
    Integer(i64),
    /// A real number, never NaN once it went through a [`ValueSink`](crate::functions::ValueSink).
    Real(f64),
    /// Text.
    Text(Text),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// The same value, borrowed. Free.
    #[inline]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Integer(i) => ValueRef::Integer(*i),
            Value::Real(r) => ValueRef::Real(*r),
            Value::Text(t) => ValueRef::Text(t.as_bytes()),
            Value::Blob(b) => ValueRef::Blob(b),
        }
    }

    /// True for NULL.
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Stores `value` here, reusing the allocation of a text or blob that is replaced by one of its kind.
    #[inline]
    pub fn assign(&mut self, value: ValueRef<'_>) {
        match (&mut *self, value) {
            (Value::Integer(old), ValueRef::Integer(new)) => *old = new,
            (Value::Real(old), ValueRef::Real(new)) => *old = new,
            (Value::Text(Text(buffer)), ValueRef::Text(bytes))
            | (Value::Blob(buffer), ValueRef::Blob(bytes)) => {
                buffer.clear();
                buffer.extend_from_slice(bytes);
            }
            // One by one: a value that is put together first is waited for.
            (_, ValueRef::Null) => *self = Value::Null,
            (_, ValueRef::Integer(new)) => *self = Value::Integer(new),
            (_, ValueRef::Real(new)) => *self = Value::Real(new),
            (_, new) => *self = Value::from(new),
        }
    }

    /// The name of the storage class, as `typeof()` gives it.
    pub fn type_name(&self) -> &'static str {
        type_name(self.as_ref())
    }
}

/// The name of a value's storage class, as `typeof()` gives it.
pub fn type_name(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "null",
        ValueRef::Integer(_) => "integer",
        ValueRef::Real(_) => "real",
        ValueRef::Text(_) => "text",
        ValueRef::Blob(_) => "blob",
    }
}

/// Same storage class and same content: `1` is not `1.0`, and NULL equals NULL. SQL's own equality is [`compare`].
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.as_ref() == other.as_ref()
    }
}

/// Text as SQLite keeps it: bytes that are meant to be UTF-8 but need not be.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Vec<u8>);

impl Text {
    /// Text of these bytes, unchecked.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Text {
        Text(bytes.into())
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, owned.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The text, when it is valid UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text with each invalid sequence replaced by U+FFFD. Allocates only when there is one.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string_lossy(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string_lossy())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(text.as_bytes().to_vec())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(text.into_bytes())
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Value {
        match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(i) => Value::Integer(i),
            ValueRef::Real(r) => Value::Real(r),
            ValueRef::Text(bytes) => Value::Text(Text(bytes.to_vec())),
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        }
    }
}

macro_rules! value_from {
    ($($source:ty => |$v:ident| $build:expr;)*) => {
        $(impl From<$source> for Value {
            fn from($v: $source) -> Value {
                $build
            }
        })*
    };
}

value_from! {
    i64 => |v| Value::Integer(v);
    i32 => |v| Value::Integer(v.into());
    i16 => |v| Value::Integer(v.into());
    i8 => |v| Value::Integer(v.into());
    u32 => |v| Value::Integer(v.into());
    u16 => |v| Value::Integer(v.into());
    u8 => |v| Value::Integer(v.into());
    bool => |v| Value::Integer(v.into());
    f64 => |v| if v.is_nan() { Value::Null } else { Value::Real(v) };
    f32 => |v| Value::from(f64::from(v));
    Text => |v| Value::Text(v);
    &str => |v| Value::Text(v.into());
    String => |v| Value::Text(v.into());
    Vec<u8> => |v| Value::Blob(v);
    &[u8] => |v| Value::Blob(v.to_vec());
    () => |_v| Value::Null;
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}
