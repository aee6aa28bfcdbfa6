//! Rust values to SQL values and back.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use crate::value::{Text, Value, ValueRef};

/// A Rust value that can be bound to a parameter.
pub trait ToValue {
    /// Puts the value into a parameter's place, reusing what memory is there.
    fn write_to(&self, slot: &mut Value);
}

/// A Rust value that can be read from a row.
///
/// Conversions lose nothing: an integer that does not fit, or text that is not UTF-8, is an error.
pub trait FromValue: Sized {
    /// The type's name in error messages.
    const NAME: &'static str;

    /// The value, unless it is of another kind.
    fn from_value(value: ValueRef<'_>) -> Option<Self>;
}

macro_rules! integers {
    ($($type:ty),+) => {
        $(impl ToValue for $type {
            #[inline]
            fn write_to(&self, slot: &mut Value) {
                *slot = Value::Integer(i64::from(*self));
            }
        }
        impl FromValue for $type {
            const NAME: &'static str = stringify!($type);
            #[inline]
            fn from_value(value: ValueRef<'_>) -> Option<Self> {
                match value {
                    ValueRef::Integer(integer) => Self::try_from(integer).ok(),
                    _ => None,
                }
            }
        })+
    };
}

integers!(i8, i16, i32, i64, u8, u16, u32);

macro_rules! wide_integers {
    ($($type:ty),+) => {
        $(
        /// Numbers past the largest 64-bit signed integer become reals.
        impl ToValue for $type {
            fn write_to(&self, slot: &mut Value) {
                *slot = i64::try_from(*self).map_or(Value::Real(*self as f64), Value::Integer);
            }
        }
        impl FromValue for $type {
            const NAME: &'static str = stringify!($type);
            fn from_value(value: ValueRef<'_>) -> Option<Self> {
                match value {
                    ValueRef::Integer(integer) => Self::try_from(integer).ok(),
                    _ => None,
                }
            }
        })+
    };
}

wide_integers!(u64, usize, isize);

impl ToValue for bool {
    fn write_to(&self, slot: &mut Value) {
        *slot = Value::Integer(i64::from(*self));
    }
}

impl FromValue for bool {
    const NAME: &'static str = "bool";
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Integer(integer) => Some(integer != 0),
            _ => None,
        }
    }
}

impl ToValue for f64 {
    fn write_to(&self, slot: &mut Value) {
        *slot = Value::from(*self);
    }
}

impl FromValue for f64 {
    const NAME: &'static str = "f64";
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Real(real) => Some(real),
            ValueRef::Integer(integer) => Some(integer as f64),
            _ => None,
        }
    }
}

impl ToValue for f32 {
    fn write_to(&self, slot: &mut Value) {
        *slot = Value::from(*self);
    }
}

impl FromValue for f32 {
    const NAME: &'static str = "f32";
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        f64::from_value(value).map(|real| real as f32)
    }
}

impl ToValue for str {
    fn write_to(&self, slot: &mut Value) {
        slot.assign(ValueRef::Text(self.as_bytes()));
    }
}

impl ToValue for String {
    fn write_to(&self, slot: &mut Value) {
        self.as_str().write_to(slot);
    }
}

impl FromValue for String {
    const NAME: &'static str = "String";
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Text(text) => std::str::from_utf8(text).ok().map(str::to_owned),
            _ => None,
        }
    }
}

impl FromValue for Box<str> {
    const NAME: &'static str = "Box<str>";
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        String::from_value(value).map(String::into_boxed_str)
    }
}

impl FromValue for Arc<str> {
    const NAME: &'static str = "Arc<str>";
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Text(text) => std::str::from_utf8(text).ok().map(Arc::from),
            _ => None,
        }
    }
}

impl ToValue for Text {
    fn write_to(&self, slot: &mut Value) {
        slot.assign(ValueRef::Text(self.as_bytes()));
    }
}

impl FromValue for Text {
    const NAME: &'static str = "Text";
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Text(text) => Some(Text::from_bytes(text.to_vec())),
            _ => None,
        }
    }
}

impl ToValue for [u8] {
    fn write_to(&self, slot: &mut Value) {
        slot.assign(ValueRef::Blob(self));
    }
}

impl<const N: usize> ToValue for [u8; N] {
    fn write_to(&self, slot: &mut Value) {
        slot.assign(ValueRef::Blob(self));
    }
}

impl ToValue for Vec<u8> {
    fn write_to(&self, slot: &mut Value) {
        slot.assign(ValueRef::Blob(self));
    }
}

impl FromValue for Vec<u8> {
    const NAME: &'static str = "Vec<u8>";
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Blob(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    const NAME: &'static str = "[u8; N]";
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Blob(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl ToValue for Value {
    fn write_to(&self, slot: &mut Value) {
        slot.assign(self.as_ref());
    }
}

impl FromValue for Value {
    const NAME: &'static str = "Value";
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        Some(Value::from(value))
    }
}

impl ToValue for ValueRef<'_> {
    fn write_to(&self, slot: &mut Value) {
        slot.assign(*self);
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn write_to(&self, slot: &mut Value) {
        match self {
            Some(value) => value.write_to(slot),
            None => *slot = Value::Null,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const NAME: &'static str = T::NAME;
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// NULL.
impl ToValue for () {
    fn write_to(&self, slot: &mut Value) {
        *slot = Value::Null;
    }
}

macro_rules! through_pointers {
    ($($pointer:ty),+) => {
        $(impl<T: ToValue + ?Sized> ToValue for $pointer {
            fn write_to(&self, slot: &mut Value) {
                (**self).write_to(slot);
            }
        })+
    };
}

through_pointers!(&T, Box<T>, Rc<T>, Arc<T>);

impl<T: ToValue + ToOwned + ?Sized> ToValue for Cow<'_, T> {
    fn write_to(&self, slot: &mut Value) {
        (**self).write_to(slot);
    }
}
