//! Typed keys.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use super::{ColumnType, DecodeError, KeyPart, Kind, Value};

/// The integer key of an entity, typed by the entity: an `Id<User>` cannot be taken for an `Id<Post>`.
///
/// A new id is unassigned until the entity is inserted; the database chooses the number.
///
/// ```
/// use aludel::Id;
///
/// struct User;
/// let fresh: Id<User> = Id::unassigned();
/// assert!(!fresh.is_assigned());
/// assert_eq!(Id::<User>::from(7).get(), Some(7));
/// assert_eq!(Id::<User>::from(7).to_string(), "7");
/// ```
pub struct Id<T> {
    number: i64,
    entity: PhantomData<fn() -> T>,
}

/// Stands for "not assigned". The lowest of all rowids: no database hands it out by itself.
const UNASSIGNED: i64 = i64::MIN;

impl<T> Id<T> {
    /// An id that the database will choose at the insert.
    pub const fn unassigned() -> Id<T> {
        Id {
            number: UNASSIGNED,
            entity: PhantomData,
        }
    }

    /// Does the id have a number yet?
    pub const fn is_assigned(self) -> bool {
        self.number != UNASSIGNED
    }

    /// The number, where there is one.
    pub const fn get(self) -> Option<i64> {
        if self.is_assigned() {
            Some(self.number)
        } else {
            None
        }
    }
}

impl<T> From<i64> for Id<T> {
    fn from(number: i64) -> Id<T> {
        Id {
            number,
            entity: PhantomData,
        }
    }
}

/// Unassigned.
impl<T> Default for Id<T> {
    fn default() -> Id<T> {
        Id::unassigned()
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Id<T> {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Id<T>) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Id<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Id<T>) -> Ordering {
        self.number.cmp(&other.number)
    }
}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl<T> PartialEq<i64> for Id<T> {
    fn eq(&self, other: &i64) -> bool {
        self.number == *other
    }
}

impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Some(number) => number.fmt(f),
            None => f.pad("unassigned"),
        }
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

impl<T: 'static> ColumnType for Id<T> {
    type Base = Id<T>;
    type Nullable = Option<Id<T>>;
    const KIND: Kind = Kind::Int(64);
    const AUTO_KEY: bool = true;

    #[inline]
    fn encode(&self) -> Value<'_> {
        self.get().map_or(Value::Null, Value::Int)
    }

    #[inline]
    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        i64::decode(value).map(Id::from)
    }
}

impl<T: 'static> KeyPart for Id<T> {
    #[inline]
    fn key_part(&self) -> Option<Id<T>> {
        self.is_assigned().then_some(*self)
    }
}
