//! The trait of Rust types that can be columns.

use super::{Kind, Value};
use crate::mapper::{ColumnMeta, EntityMeta, RowReader};

/// A Rust type that can be a column: a field of an entity, or the result of an expression.
///
/// Implemented for integers, floats, `bool`, `String`, `Vec<u8>`, [`Id`](crate::Id), [`Fk`](crate::Fk) and `Option` of
/// each. Implement it for a type of your own to keep it in a column; most types pass one of these through:
///
/// ```
/// use aludel::prelude::*;
/// use aludel::{ColumnType, DecodeError, Kind, Value};
///
/// #[derive(Debug, Clone, PartialEq)]
/// struct Celsius(f64);
///
/// impl ColumnType for Celsius {
///     type Base = Celsius;
///     type Nullable = Option<Celsius>;
///     const KIND: Kind = f64::KIND;
///     fn encode(&self) -> Value<'_> {
///         self.0.encode()
///     }
///     fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
///         f64::decode(value).map(Celsius)
///     }
/// }
/// assert_eq!(Celsius::decode(Value::Real(21.5)).unwrap(), Celsius(21.5));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a column type",
    label = "no SQL type is known for `{Self}`",
    note = "implement `aludel::ColumnType` for it, or leave the field out of the table with `#[column(skip)]`"
)]
pub trait ColumnType: Sized + 'static {
    /// What two columns must share to be compared: `Option<T>` compares as `T`, `Fk<User>` as `User`'s key.
    type Base: ColumnType;
    /// The type of this column on the far side of a left join.
    type Nullable: ColumnType<Base = Self::Base>;
    /// The SQL type that the column is declared with.
    const KIND: Kind;
    /// May the column be NULL?
    const NULLABLE: bool = false;
    /// As a primary key: does the database assign it, unless told otherwise?
    const AUTO_KEY: bool = false;
    /// Do queries for whole entities leave the column out? See [`Deferred`](crate::Deferred).
    const DEFERRED: bool = false;
    /// The table and key that this type refers to, where it is a foreign key.
    const REFERENCE: Option<Reference> = None;

    /// A column of this type with no name yet. Derived code asks for it here, where a type that is none is one error.
    #[doc(hidden)]
    const COLUMN: ColumnMeta = ColumnMeta::of::<Self>("");

    /// The value to bind, borrowed from the field where possible.
    fn encode(&self) -> Value<'_>;

    /// The field from a value read.
    ///
    /// # Errors
    /// A [`DecodeError`] where the value is not one of this type.
    fn decode(value: Value<'_>) -> Result<Self, DecodeError>;

    /// The field from a row; see [`RowReader::column`].
    #[doc(hidden)]
    #[inline]
    fn read(row: &RowReader<'_>, meta: &'static EntityMeta, index: usize) -> crate::Result<Self> {
        row.column(meta, index)
    }
}

/// The far end of a foreign key.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// The table referred to.
    pub table: &'static str,
    /// Its key column.
    pub column: &'static str,
    /// The entity referred to.
    pub entity: fn() -> std::any::TypeId,
}

/// A column type that can be (part of) a primary key: comparable for equality, hashable, and able to say that it has no
/// value yet.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a primary key",
    note = "keys are integers, `String`, `Vec<u8>`, `bool`, `Id<T>`, `Fk<T>`, or a type that implements `aludel::KeyPart`"
)]
pub trait KeyPart: ColumnType {
    /// The key as the identity map keeps it; `None` while it is not assigned.
    fn key_part(&self) -> Option<Self::Base>;
}

/// A type with arithmetic in SQL.
#[diagnostic::on_unimplemented(message = "arithmetic needs a numeric column, and `{Self}` is none")]
pub trait Numeric: ColumnType {}

/// A type with text operators in SQL: `like`, `lower` and the rest.
#[diagnostic::on_unimplemented(message = "this operator needs a text column, and `{Self}` is none")]
pub trait Textual: ColumnType {}

/// A value that does not fit the Rust type it is read into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}{}", hint(self))]
pub struct DecodeError {
    expected: &'static str,
    found: String,
    null: bool,
}

impl DecodeError {
    /// An error that says what was expected and what came instead.
    #[cold]
    pub fn new(expected: &'static str, found: &Value<'_>) -> DecodeError {
        let shown = match found {
            Value::Null => "NULL".to_owned(),
            other => format!("{} ({other})", other.kind_name()),
        };
        DecodeError {
            expected,
            found: shown,
            null: found.is_null(),
        }
    }
}

fn hint(error: &DecodeError) -> &'static str {
    if error.null {
        " (make the field an `Option`, or call `.nullable()` on the expression)"
    } else {
        ""
    }
}

/// A type that can hold the present moment: what `#[column(default = now())]` asks of a field's type.
#[diagnostic::on_unimplemented(
    message = "`default = now()`, `created` and `updated` need a date-and-time type, and `{Self}` is none"
)]
pub trait CurrentTime {
    /// The present moment.
    fn now() -> Self;
}
