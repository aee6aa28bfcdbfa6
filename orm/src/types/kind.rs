//! What a column is declared as.

/// The SQL type of a column, apart from any backend: a dialect says how it is spelled there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A truth value.
    Bool,
    /// A whole number kept in this many bits (8, 16, 32 or 64).
    Int(u8),
    /// A floating-point number of this many bits (32 or 64).
    Real(u8),
    /// A decimal number, kept digit by digit where the backend can.
    Decimal,
    /// Text of any length.
    Text,
    /// Bytes of any length.
    Bytes,
    /// A point in time, to the microsecond at least; UTC.
    Timestamp,
    /// A date and a time of day, of no particular zone.
    DateTime,
    /// A date.
    Date,
    /// A time of day.
    Time,
    /// A length of time, to the microsecond.
    Interval,
    /// A UUID.
    Uuid,
    /// JSON.
    Json,
    /// An array of these.
    Array(&'static Kind),
    /// One of these texts.
    Enum(&'static [&'static str]),
    /// One of these texts, as a type of its own where the backend has such.
    NativeEnum(&'static NativeEnum),
    /// A type that the declaration spells out itself, as in `#[column(sql_type = "DECIMAL(10,2)")]`.
    Named(&'static str),
}

/// An enum that is a type of its own in the database: what `#[column_type(native = "..")]` makes.
///
/// ```
/// use aludel::Kind;
/// use aludel::prelude::*;
///
/// #[derive(ColumnType, Debug, PartialEq)]
/// #[column_type(native = "mood")]
/// enum Mood {
///     Sad,
///     Glad,
/// }
///
/// let mood = Mood::KIND.native_enum().unwrap();
/// assert_eq!((mood.name, mood.values), ("mood", &["sad", "glad"][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NativeEnum {
    /// The type's name.
    pub name: &'static str,
    /// The texts that it has, in their order.
    pub values: &'static [&'static str],
}

impl Kind {
    /// The native enum that it is, or that its elements are.
    pub fn native_enum(self) -> Option<&'static NativeEnum> {
        match self {
            Kind::NativeEnum(of) => Some(of),
            Kind::Array(element) => element.native_enum(),
            _ => None,
        }
    }
}
