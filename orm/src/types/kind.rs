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
    /// A type that the declaration spells out itself, as in `#[column(sql_type = "DECIMAL(10,2)")]`.
    Named(&'static str),
}
