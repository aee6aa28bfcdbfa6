//! Foreign keys as one field.

use std::any::TypeId;
use std::fmt;

use super::{Entity, Handle};
use crate::expr::{Comparable, Node, Settable};
use crate::types::{ColumnType, DecodeError, Id, KeyPart, Kind, Reference, Value};

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
pub enum Fk<T: Entity> {
    /// The key of the row referred to.
    Key(T::Key),
    /// An entity of the session, inserted or not.
    Pending(Handle<T>),
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
            Fk::Pending(_) => None,
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
        }
    }
}

impl<T: Entity> PartialEq for Fk<T> {
    fn eq(&self, other: &Fk<T>) -> bool {
        match (self, other) {
            (Fk::Key(a), Fk::Key(b)) => a == b,
            (Fk::Pending(a), Fk::Pending(b)) => a == b,
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
