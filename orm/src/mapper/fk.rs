//! Foreign keys as one field.

use std::any::TypeId;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use super::{ColumnMeta, Embedded, Entity, EntityMeta, Handle, Mode, Required, RowReader};
use crate::expr::{BinaryOp, Comparable, Expr, Node, Settable, SourceId};
use crate::types::{ColumnType, DecodeError, Id, KeyPart, Kind, RawHandle, Reference, Value};

/// A reference to a row of `T`: its key, or the handle of an entity that may not be inserted yet.
///
/// One field, so key and object never disagree. Assign a key or a handle; a flush inserts the entity behind a handle
/// first and puts its key here.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct User {
///     #[column(primary_key)]
///     id: Id<User>,
///     name: String,
/// }
///
/// #[derive(Entity)]
/// struct Post {
///     #[column(primary_key)]
///     id: Id<Post>,
///     author: Fk<User>,
///     title: String,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![User, Post])?;
/// let mut session = engine.session()?;
/// let mike = session.add(User::new("Mike"));
/// let post = session.add(Post::new(mike, "hello")); // neither has a key yet
/// session.commit()?;
/// assert_eq!(session[post].author.key(), Some(&session[mike].id));
/// # Ok(())
/// # }
/// ```
#[non_exhaustive]
pub enum Fk<T: Entity> {
    /// The key of the row referred to.
    Key(T::Key),
    /// An entity of the session, inserted or not.
    Pending(Handle<T>),
    /// A key of several columns, while they are set one by one.
    #[doc(hidden)]
    Parts(Vec<Value<'static>>),
}

impl<T: Entity> Fk<T> {
    /// A reference to the row of that key.
    pub fn to(key: impl Into<T::Key>) -> Fk<T> {
        Fk::Key(key.into())
    }

    /// The key, where it is known: always after a flush.
    pub fn key(&self) -> Option<&T::Key> {
        match self {
            Fk::Key(key) => Some(key),
            Fk::Pending(_) | Fk::Parts(_) => None,
        }
    }
}

impl<T: Entity> From<Handle<T>> for Fk<T> {
    fn from(handle: Handle<T>) -> Fk<T> {
        Fk::Pending(handle)
    }
}

impl<T: Entity<Key = Id<T>>> From<Id<T>> for Fk<T> {
    fn from(id: Id<T>) -> Fk<T> {
        Fk::Key(id)
    }
}

impl<T: Entity> From<i64> for Fk<T>
where
    T::Key: From<i64>,
{
    fn from(number: i64) -> Fk<T> {
        Fk::Key(number.into())
    }
}

impl<T: Entity> From<&str> for Fk<T>
where
    T::Key: for<'a> From<&'a str>,
{
    fn from(text: &str) -> Fk<T> {
        Fk::Key(text.into())
    }
}

impl<T: Entity> From<String> for Fk<T>
where
    T::Key: From<String>,
{
    fn from(text: String) -> Fk<T> {
        Fk::Key(text.into())
    }
}

impl<T: Entity> Clone for Fk<T> {
    fn clone(&self) -> Fk<T> {
        match self {
            Fk::Key(key) => Fk::Key(key.clone()),
            Fk::Pending(handle) => Fk::Pending(*handle),
            Fk::Parts(parts) => Fk::Parts(parts.clone()),
        }
    }
}

impl<T: Entity> PartialEq for Fk<T> {
    fn eq(&self, other: &Fk<T>) -> bool {
        match (self, other) {
            (Fk::Key(a), Fk::Key(b)) => a == b,
            (Fk::Pending(a), Fk::Pending(b)) => a == b,
            (Fk::Parts(a), Fk::Parts(b)) => a == b,
            _ => false,
        }
    }
}

impl<T: Entity> Eq for Fk<T> {}

impl<T: Entity> fmt::Debug for Fk<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fk::Key(key) => write!(f, "Fk({key:?})"),
            Fk::Pending(handle) => write!(f, "Fk({handle:?})"),
            Fk::Parts(parts) => write!(f, "Fk({parts:?})"),
        }
    }
}

impl<T: Entity> ColumnType for Fk<T>
where
    T::Key: KeyPart + ColumnType<Base = T::Key>,
{
    type Base = T::Key;
    type Nullable = Option<Fk<T>>;
    const KIND: Kind = <T::Key as ColumnType>::KIND;
    const REFERENCE: Option<Reference> = Some(Reference {
        table: T::TABLE,
        column: T::KEY_COLUMN,
        entity: TypeId::of::<T>,
    });

    #[inline]
    fn encode(&self) -> Value<'_> {
        match self {
            Fk::Key(key) => key.encode(),
            Fk::Pending(handle) => Value::Pending(handle.raw),
            Fk::Parts(parts) => parts.first().map_or(Value::Null, Value::borrowed),
        }
    }

    #[inline]
    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        match value {
            Value::Pending(raw) => Ok(Fk::Pending(Handle::new(raw))),
            value => T::Key::decode(value).map(Fk::Key),
        }
    }
}

impl<T: Entity> KeyPart for Fk<T>
where
    T::Key: KeyPart + ColumnType<Base = T::Key>,
{
    fn key_part(&self) -> Option<T::Key> {
        self.key().and_then(KeyPart::key_part)
    }
}

impl<T: Entity> Comparable<T::Key> for Fk<T>
where
    T::Key: KeyPart + ColumnType<Base = T::Key>,
{
    fn into_node(self) -> Node {
        Node::Value(self.encode().into_owned())
    }
}

impl<T: Entity, C: ColumnType<Base = T::Key>> Settable<C> for Fk<T>
where
    T::Key: KeyPart + ColumnType<Base = T::Key>,
{
    fn into_node(self) -> Node {
        Node::Value(self.encode().into_owned())
    }
}

impl<T: Entity<Key = Id<T>>> Settable<Option<Fk<T>>> for Option<Id<T>> {
    fn into_node(self) -> Node {
        Node::Value(self.encode().into_owned())
    }
}

/// A key of several columns, as what an [`Fk`] holds: tuples of [`KeyPart`]s.
///
/// An `Fk` to an entity with such a key is several columns, so it is flattened; its columns are named as the key's, after a
/// prefix.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// #[has_many(parcels: Parcel, by = line)]
/// struct OrderLine {
///     #[column(primary_key)]
///     order_no: i64,
///     #[column(primary_key)]
///     position: i32,
///     article: String,
/// }
///
/// #[derive(Entity)]
/// struct Parcel {
///     #[column(primary_key)]
///     id: Id<Parcel>,
///     #[column(flatten, prefix = "line_")]
///     line: Fk<OrderLine>, // line_order_no, line_position
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![OrderLine, Parcel])?;
/// let mut session = engine.session()?;
/// let line = session.add(OrderLine::new(7, 1, "ink"));
/// let parcel = session.add(Parcel::new(line));
/// session.commit()?;
/// assert_eq!(session[parcel].line.key(), Some(&(7, 1)));
/// assert_eq!(session.related(line, |l| l.parcels)?, [parcel]);
/// assert_eq!(session.query::<Parcel>().filter(|p| p.line.is((7, 1))).count()?, 1);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a key of one column",
    note = "leave `flatten` out: an `Fk` to an entity with a key of one column is one column"
)]
pub trait CompositeKey<T: Entity>: super::Key {
    /// The columns of a reference to it.
    #[doc(hidden)]
    const COLUMNS: &'static [ColumnMeta];

    /// The value of its column of that number.
    #[doc(hidden)]
    fn part(&self, column: usize) -> Value<'_>;

    /// The key of these values.
    #[doc(hidden)]
    fn from_parts(part: &dyn Fn(usize) -> Value<'static>) -> Result<Self, DecodeError>;
}

/// The column that refers to that column of the key of `T`.
const fn referring<T: Entity, P: ColumnType>(part: usize) -> ColumnMeta {
    let name = T::KEY_COLUMNS[part];
    let mut column = ColumnMeta::of::<P>(name);
    column.nullable = false;
    column.reference = Some(Reference {
        table: T::TABLE,
        column: name,
        entity: TypeId::of::<T>,
    });
    column.reference_part = part as u8;
    column
}

macro_rules! composite {
    ($($name:ident $i:tt)*) => {
        impl<T: Entity, $($name),*> CompositeKey<T> for ($($name,)*)
        where
            $($name: KeyPart + Clone + Eq + Hash + fmt::Debug + Send,)*
        {
            const COLUMNS: &'static [ColumnMeta] = &[$(referring::<T, $name>($i)),*];

            fn part(&self, column: usize) -> Value<'_> {
                match column {
                    $($i => self.$i.encode(),)*
                    _ => Value::Null,
                }
            }

            fn from_parts(part: &dyn Fn(usize) -> Value<'static>) -> Result<Self, DecodeError> {
                Ok(($($name::decode(part($i))?,)*))
            }
        }
    };
}
composite!(A 0 B 1);
composite!(A 0 B 1 C 2);
composite!(A 0 B 1 C 2 D 3);

/// A reference of several columns.
impl<T: Entity> Embedded for Fk<T>
where
    T::Key: CompositeKey<T>,
{
    type Columns<M: Mode> = FkColumns<T, M>;
    const COLUMNS: &'static [ColumnMeta] = <T::Key as CompositeKey<T>>::COLUMNS;

    fn columns<M: Mode>(source: SourceId, metas: &'static [ColumnMeta]) -> FkColumns<T, M> {
        FkColumns {
            source,
            metas: metas.get(..Self::COLUMNS.len()).unwrap_or_default(),
            ends: PhantomData,
        }
    }

    fn encode(&self, column: usize) -> Value<'_> {
        match self {
            Fk::Key(key) => key.part(column),
            Fk::Pending(handle) => Value::Pending(handle.raw.key_part(column)),
            Fk::Parts(parts) => parts.get(column).map_or(Value::Null, Value::borrowed),
        }
    }

    fn set(&mut self, column: usize, value: Value<'_>) -> Result<(), DecodeError> {
        if let Value::Pending(raw) = value {
            *self = Fk::Pending(Handle::new(raw.key_part(0)));
            return Ok(());
        }
        if value.is_null() {
            return Err(DecodeError::new("a key", &value));
        }
        let own = |i| {
            if i == column {
                value.clone().into_owned()
            } else {
                self.encode(i).into_owned()
            }
        };
        let parts: Vec<Value<'static>> = (0..Self::COLUMNS.len()).map(own).collect();
        let whole = !parts
            .iter()
            .any(|part| matches!(part, Value::Pending(_) | Value::Null));
        *self = match whole {
            true => Fk::Key(CompositeKey::from_parts(&|i| {
                parts.get(i).cloned().unwrap_or_default()
            })?),
            false => Fk::Parts(parts),
        };
        Ok(())
    }

    fn decode(row: &RowReader<'_>, meta: &'static EntityMeta, first: usize) -> crate::Result<Fk<T>> {
        if let Value::Pending(raw) = row.value(first) {
            return Ok(Fk::Pending(Handle::new(raw.key_part(0))));
        }
        let key = CompositeKey::from_parts(&|i| row.value(first + i).into_owned());
        key.map(Fk::Key).map_err(|error| {
            let column = meta.columns.get(first).map_or("?", |column| column.name);
            crate::Error::decode(format!("the reference from `{}.{column}`", meta.table), error)
        })
    }

    fn pending(raw: RawHandle) -> Option<Fk<T>> {
        Some(Fk::Pending(Handle::new(raw)))
    }
}

/// The columns of a reference of several columns, as queries hand them to closures: a relation, as the column of an `Fk` to a key
/// of one column is.
pub struct FkColumns<T, M = Required> {
    pub(crate) source: SourceId,
    pub(crate) metas: &'static [ColumnMeta],
    ends: PhantomData<fn() -> (T, M)>,
}

impl<T: Entity, M: Mode> FkColumns<T, M>
where
    T::Key: CompositeKey<T>,
{
    /// Does it refer to that row: a key, a handle?
    pub fn is(self, to: impl Into<Fk<T>>) -> Expr<bool> {
        let to = to.into();
        let part = |(i, column): (usize, &ColumnMeta)| {
            let value = Node::Value(Embedded::encode(&to, i).into_owned());
            Node::binary(BinaryOp::Eq, self.column(column.name), value)
        };
        Expr::from_node(Node::Logic {
            all: true,
            parts: self.metas.iter().enumerate().map(part).collect(),
        })
    }

    /// Does it refer to no row?
    pub fn is_null(self) -> Expr<bool> {
        let part = |column: &ColumnMeta| Node::IsNull {
            operand: Box::new(self.column(column.name)),
            negated: false,
        };
        Expr::from_node(Node::Logic {
            all: false,
            parts: self.metas.iter().map(part).collect(),
        })
    }

    fn column(self, name: &'static str) -> Node {
        Node::Column {
            source: self.source,
            name: name.into(),
        }
    }
}

impl<T, M> Clone for FkColumns<T, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, M> Copy for FkColumns<T, M> {}

impl<T, M> fmt::Debug for FkColumns<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.metas.iter().map(|column| column.name))
            .finish()
    }
}

/// A key of two columns, as a literal.
impl<T: Entity<Key = (A, B)>, A, B> From<(A, B)> for Fk<T> {
    fn from(key: (A, B)) -> Fk<T> {
        Fk::Key(key)
    }
}

/// A key of three columns, as a literal.
impl<T: Entity<Key = (A, B, C)>, A, B, C> From<(A, B, C)> for Fk<T> {
    fn from(key: (A, B, C)) -> Fk<T> {
        Fk::Key(key)
    }
}
