//! Columns that queries leave out until they are asked for.

use crate::expr::{Comparable, Node, Settable};
use crate::types::{ColumnType, DecodeError, Kind, Numeric, Textual, Value};

/// The value of a column that is only loaded when it is asked for: long texts, images.
///
/// Queries for the whole entity leave the column out; [`Session::load_columns`](crate::Session::load_columns) reads it, for many
/// entities in one statement, and [`Session::load_group`](crate::Session::load_group) those that share a `group`. Nothing loads
/// by itself: where it is not loaded, [`get`](Deferred::get) is `None`. A value that was not loaded is never written.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Book {
///     #[column(primary_key)]
///     id: Id<Book>,
///     title: String,
///     text: Deferred<String>,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// # let engine = Engine::open("sqlite::memory:")?;
/// # engine.create_all(schema![Book])?;
/// # let mut session = engine.session()?;
/// session.add(Book::new("Emma", "Emma Woodhouse, handsome, clever, and rich, .."));
/// session.commit()?;
///
/// let mut session = engine.session()?;
/// let books = session.query::<Book>().all()?;
/// assert_eq!(session[books[0]].text.get(), None);
/// session.load_columns(&books, |b| b.text)?;
/// assert!(session[books[0]].text.get().unwrap().starts_with("Emma"));
/// // Conditions can be over it, and it can be selected by itself.
/// let texts = session.query::<Book>().filter(|b| b.text.like("Emma%")).select(|b| (b.title, b.text)).fetch()?;
/// assert!(texts[0].1.get().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Deferred<T> {
    /// In the database, but not here.
    #[default]
    NotLoaded,
    /// Here: loaded, or given to a new entity.
    Loaded(T),
}

impl<T> Deferred<T> {
    /// The value, where it is loaded.
    pub fn get(&self) -> Option<&T> {
        match self {
            Deferred::NotLoaded => None,
            Deferred::Loaded(value) => Some(value),
        }
    }

    /// The value, where it is loaded.
    pub fn into_inner(self) -> Option<T> {
        match self {
            Deferred::NotLoaded => None,
            Deferred::Loaded(value) => Some(value),
        }
    }

    /// Is it loaded?
    pub fn is_loaded(&self) -> bool {
        self.get().is_some()
    }
}

impl<T> From<T> for Deferred<T> {
    fn from(value: T) -> Deferred<T> {
        Deferred::Loaded(value)
    }
}

impl From<&str> for Deferred<String> {
    fn from(text: &str) -> Deferred<String> {
        Deferred::Loaded(text.to_owned())
    }
}

impl<T: ColumnType> ColumnType for Deferred<T> {
    type Base = T::Base;
    type Nullable = T::Nullable;
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = T::NULLABLE;
    const DEFERRED: bool = true;

    fn encode(&self) -> Value<'_> {
        self.get().map_or(Value::Absent, T::encode)
    }

    fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
        match value {
            Value::Absent => Ok(Deferred::NotLoaded),
            value => T::decode(value).map(Deferred::Loaded),
        }
    }
}

impl<T: Numeric> Numeric for Deferred<T> {}
impl<T: Textual> Textual for Deferred<T> {}

impl<T: ColumnType> Comparable<T::Base> for Deferred<T> {
    fn into_node(self) -> Node {
        Node::Value(self.encode().into_owned())
    }
}

impl<T: ColumnType> Settable<Deferred<T>> for Deferred<T> {
    fn into_node(self) -> Node {
        Node::Value(self.encode().into_owned())
    }
}
