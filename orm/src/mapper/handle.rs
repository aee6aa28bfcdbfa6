//! Handles: how code names a tracked entity.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use super::Entity;
use crate::expr::{Comparable, Node, NullColumn, Settable};
use crate::types::{ColumnType, RawHandle, Value};

/// A tracked entity of a session: `session[handle]` is the entity itself.
///
/// Copy, like an index. One row has one handle within a session, so handles of equal rows are equal. In a query a handle
/// stands for its entity's key: `p.author.eq(mike)`.
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
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![User])?;
/// let mut session = engine.session()?;
/// let mike = session.add(User::new("Mike"));
/// session[mike].name.push('!');
/// session.commit()?;
/// assert_eq!(session.get::<User>(1)?, mike);
/// # Ok(())
/// # }
/// ```
pub struct Handle<T> {
    pub(crate) raw: RawHandle,
    entity: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    pub(crate) fn new(raw: RawHandle) -> Handle<T> {
        Handle {
            raw,
            entity: PhantomData,
        }
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Handle<T> {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> PartialEq for Handle<T> {
    fn eq(&self, other: &Handle<T>) -> bool {
        self.raw == other.raw
    }
}

impl<T> Eq for Handle<T> {}

impl<T> Hash for Handle<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.raw.slot)
    }
}

impl<T: Entity> Comparable<T::Key> for Handle<T> {
    fn into_node(self) -> Node {
        Node::Value(Value::Pending(self.raw))
    }
}

impl<T: Entity, C: ColumnType<Base = T::Key>> Settable<C> for Handle<T> {
    fn into_node(self) -> Node {
        Node::Value(Value::Pending(self.raw))
    }
}

impl<T: Entity, C: NullColumn<Base = T::Key>> Settable<C> for Option<Handle<T>> {
    fn into_node(self) -> Node {
        Node::Value(self.map_or(Value::Null, |handle| Value::Pending(handle.raw)))
    }
}
