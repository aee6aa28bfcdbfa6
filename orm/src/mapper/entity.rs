//! The trait that `#[derive(Entity)]` implements.

use std::fmt::Debug;
use std::hash::Hash;

use super::{Columns, EntityMeta, Invalid, Mode, RowReader};
use crate::error::Result;
use crate::types::{DecodeError, KeyPart, Value};

/// A struct that is kept as a row of a table. Derive it; there is no need to implement it by hand.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// #[entity(table = "users")]
/// struct User {
///     #[column(primary_key)]
///     id: Id<User>,
///     #[column(unique)]
///     name: String,
///     email: Option<String>,
/// }
///
/// assert_eq!(User::META.table, "users");
/// assert_eq!(User::new("Mike").email, None);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entity",
    label = "not an entity",
    note = "put `#[derive(Entity)]` on the struct"
)]
pub trait Entity: Sized + Send + 'static {
    /// The type of the primary key: an [`Id`](crate::Id), an integer, a `String`, or a tuple of these.
    type Key: Key;

    /// The column handles that queries hand to closures.
    type Columns<M: Mode>: Columns<Entity = Self, Mode = M>;

    /// The description of the table.
    const META: &'static EntityMeta;

    /// The table's name.
    const TABLE: &'static str;

    /// The name of the key's first column: what foreign keys refer to.
    const KEY_COLUMN: &'static str;

    /// The names of all of the key's columns.
    const KEY_COLUMNS: &'static [&'static str];

    /// The value of the column of that index.
    fn encode(&self, column: usize) -> Value<'_>;

    /// Sets the column of that index.
    ///
    /// # Errors
    /// Where the value does not fit the field.
    fn set(&mut self, column: usize, value: Value<'_>) -> Result<(), DecodeError>;

    /// The entity from a row that has its columns in order.
    ///
    /// # Errors
    /// Where a value does not fit its field.
    fn decode(row: &RowReader<'_>) -> Result<Self>;

    /// The key alone, from such a row.
    ///
    /// # Errors
    /// Where a value does not fit.
    fn decode_key(row: &RowReader<'_>) -> Result<Self::Key>;

    /// Overwrites all columns with those of such a row. Fields that are no columns stay.
    ///
    /// # Errors
    /// Where a value does not fit its field; the entity is then as it was.
    fn restore(&mut self, row: &RowReader<'_>) -> Result<()> {
        *self = Self::decode(row)?;
        Ok(())
    }

    /// Has it rules of its own? See [`validate`](Entity::validate).
    const VALIDATED: bool = false;

    /// Asks the rules that `#[column(validate = ..)]` and `#[entity(validate = ..)]` declare. Sessions do, before each INSERT
    /// and UPDATE of the entity, and a broken rule is [`Error::Invalid`](crate::Error::Invalid).
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// fn is_address(email: &str) -> Result<(), &'static str> {
    ///     email.contains('@').then_some(()).ok_or("has no `@`")
    /// }
    ///
    /// #[derive(Entity)]
    /// #[entity(validate = Member::check)]
    /// struct Member {
    ///     #[column(primary_key)]
    ///     id: Id<Member>,
    ///     name: String,
    ///     #[column(validate = is_address)]
    ///     email: Option<String>,
    /// }
    ///
    /// impl Member {
    ///     fn check(&self) -> Result<(), String> {
    ///         if self.name.is_empty() { Err("a member has a name".into()) } else { Ok(()) }
    ///     }
    /// }
    ///
    /// let mut mike = Member::new("Mike");
    /// assert!(mike.validate().is_ok());
    /// mike.email = Some("mike".into());
    /// assert_eq!(mike.validate().unwrap_err().field, "email");
    /// ```
    ///
    /// # Errors
    /// The first rule that is broken.
    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }

    /// The key; `None` while a part of it is not assigned.
    fn key(&self) -> Option<Self::Key>;
}

/// A primary key: one value or a tuple of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a primary key",
    note = "keys are integers, `String`, `Vec<u8>`, `bool`, `Id<T>`, `Fk<T>`, or a type that implements `aludel::KeyPart`"
)]
pub trait Key: Clone + Eq + Hash + Debug + Send + 'static {
    /// Appends the key's values.
    fn push_values(&self, values: &mut Vec<Value<'static>>);

    /// The number that the key is, where it is one; equal for equal keys, and different for others.
    #[doc(hidden)]
    #[inline]
    fn number(&self) -> Option<i64> {
        None
    }

    /// The key, in SQL's spelling.
    fn shown(&self) -> String {
        let mut values = Vec::new();
        self.push_values(&mut values);
        show_key(&values)
    }
}

/// A key in SQL's spelling: `5`, `('CH', 3)`.
pub(crate) fn show_key(values: &[Value<'_>]) -> String {
    let shown: Vec<String> = values.iter().map(ToString::to_string).collect();
    if shown.len() == 1 {
        shown.concat()
    } else {
        format!("({})", shown.join(", "))
    }
}

#[diagnostic::do_not_recommend]
impl<T: KeyPart + Clone + Eq + Hash + Debug + Send> Key for T {
    fn push_values(&self, values: &mut Vec<Value<'static>>) {
        values.push(self.encode().into_owned());
    }

    #[inline]
    fn number(&self) -> Option<i64> {
        match self.encode() {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }
}

/// A field that is (part of) a primary key, as derived code names it: a type that cannot be one is one error, at the field.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a primary key",
    label = "not a type of keys",
    note = "keys are integers, `String`, `Vec<u8>`, `bool`, `Id<T>`, `Fk<T>`, or a type that implements `aludel::KeyPart`"
)]
pub trait KeyColumn: Sized {
    /// The key's type.
    type Key: Key;

    /// The key as the identity map keeps it; `None` while it is not assigned.
    fn key_of(&self) -> Option<Self::Key>;

    /// The key from a row.
    fn read_key(row: &RowReader<'_>, meta: &'static EntityMeta, index: usize) -> Result<Self::Key>;
}

#[diagnostic::do_not_recommend]
impl<T: KeyPart> KeyColumn for T
where
    T::Base: Key,
{
    type Key = T::Base;

    #[inline]
    fn key_of(&self) -> Option<T::Base> {
        self.key_part()
    }

    #[inline]
    fn read_key(row: &RowReader<'_>, meta: &'static EntityMeta, index: usize) -> Result<T::Base> {
        row.column(meta, index)
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($name: KeyPart + Clone + Eq + Hash + Debug + Send),*> Key for ($($name,)*) {
            #[allow(non_snake_case)]
            fn push_values(&self, values: &mut Vec<Value<'static>>) {
                let ($($name,)*) = self;
                $(values.push($name.encode().into_owned());)*
            }
        }
    };
}
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
