//! What a row listener gets: the entity, what it was before, and the connection.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::engine::Connection;
use crate::error::{Error, Result};
use crate::expr::{Column, SourceId};
use crate::mapper::{Columns, Entity, EntityMeta, Handle, Required};
use crate::session::Session;
use crate::session::undo::Undo;
use crate::types::{ColumnType, RawHandle, Value};

/// A tracked entity in an event, of any type: columns go by their names.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Note {
///     #[column(primary_key)]
///     id: Id<Note>,
///     text: String,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Note])?;
/// engine.connect()?.execute("CREATE TABLE log (line TEXT)", &[])?;
/// engine.listen(|on| {
///     on.after_any_update(|row| {
///         let line = format!("{} {}: {}", row.entity(), row.key(), row.changed().join(", "));
///         row.connection()?.execute("INSERT INTO log VALUES (?1)", &[line.into()])?;
///         Ok(())
///     })
/// });
/// let mut session = engine.session()?;
/// let note = session.add(Note::new("draft"));
/// session.commit()?;
/// session[note].text = "final".into();
/// session.commit()?;
/// let line: String = engine.connect()?.scalar("SELECT line FROM log", &[])?;
/// assert_eq!(line, "Note 1: text");
/// # Ok(())
/// # }
/// ```
pub struct AnyEntry<'s> {
    pub(super) session: &'s mut Session,
    pub(super) raw: RawHandle,
    /// Where the undo log has the values before, once the row is written.
    pub(super) undo: Option<usize>,
}

impl AnyEntry<'_> {
    /// The description of the entity.
    pub fn meta(&self) -> &'static EntityMeta {
        match self.session.store.any(self.arena()) {
            Some(any) => any.meta(),
            None => unreachable!("an event is about a row of this session"),
        }
    }

    /// The entity's type, by name.
    pub fn entity(&self) -> &'static str {
        self.meta().name
    }

    /// The table.
    pub fn table(&self) -> &'static str {
        self.meta().table
    }

    /// The key, in SQL's spelling.
    pub fn key(&self) -> String {
        crate::mapper::show_key(&self.session.store.stored_key(self.arena(), self.raw.slot))
    }

    /// The handle, where the entity is a `T`.
    pub fn handle<T: Entity>(&self) -> Option<Handle<T>> {
        let arena = self.session.store.arena_of(std::any::TypeId::of::<T>());
        (arena == Some(self.arena())).then(|| Handle::new(self.raw))
    }

    /// The value of a column; `None` where there is no such column.
    pub fn get(&self, column: &str) -> Option<Value<'_>> {
        let any = self.session.store.any(self.arena())?;
        let (index, _) = any.meta().column(column)?;
        Some(any.encode(self.raw.slot, index))
    }

    /// The value of a column before the change that the event is about; `None` for a new row.
    pub fn before(&self, column: &str) -> Option<Value<'_>> {
        let (index, _) = self.meta().column(column)?;
        self.base().map_or_else(
            || self.get(column).filter(|_| !self.is_insert()),
            |base| base.get(index).map(Value::borrowed),
        )
    }

    /// The columns that the event changes; none for a row that is inserted or deleted.
    pub fn changed(&self) -> Vec<&'static str> {
        let (Some(any), Some(base)) = (self.session.store.any(self.arena()), self.base()) else {
            return Vec::new();
        };
        let differs = |i: &usize| {
            !base
                .get(*i)
                .is_some_and(|was| any.encode(self.raw.slot, *i).sql_eq(was))
        };
        let columns = any.meta().columns;
        (0..columns.len())
            .filter(differs)
            .filter_map(|i| columns.get(i).map(|c| c.name))
            .collect()
    }

    /// Sets a column. After an insert that is a change for the UPDATE that follows, after an update for the next flush.
    ///
    /// # Errors
    /// Where there is no such column, or the value does not fit it.
    pub fn set<'v>(&mut self, column: &str, value: impl Into<Value<'v>>) -> Result<()> {
        let (meta, arena, slot) = (self.meta(), self.arena(), self.raw.slot);
        let Some((index, _)) = meta.column(column) else {
            return Err(Error::Schema(format!("`{}` has no column `{column}`", meta.name)));
        };
        let Some(any) = self.session.store.any_mut(arena) else {
            return Ok(());
        };
        any.touch(slot);
        any.set(slot, index, value.into())
            .map_err(|error| Error::decode(format!("column `{}.{column}`", meta.table), error))
    }

    /// The session, to look at other entities.
    pub fn session(&self) -> &Session {
        self.session
    }

    /// The connection of the open transaction, for statements that belong to the event. They are not seen by the session.
    ///
    /// # Errors
    /// [`Error::Closed`] where there is none any more.
    pub fn connection(&mut self) -> Result<&mut Connection> {
        self.session.begin(true)?;
        self.session.open_link()
    }

    fn arena(&self) -> usize {
        self.raw.arena as usize
    }

    fn is_insert(&self) -> bool {
        let state = self
            .session
            .store
            .any(self.arena())
            .map(|any| any.core().state(self.raw.slot));
        let undo = self.undo.and_then(|at| self.session.undo.get(at));
        state == Some(crate::session::store::State::New) || undo.is_some_and(Undo::is_insert)
    }

    /// All columns as they were.
    fn base(&self) -> Option<&[Value<'static>]> {
        match self.undo.and_then(|at| self.session.undo.get(at)) {
            Some(Undo::Update { base, .. }) => Some(base),
            Some(_) => None,
            None => self.session.store.any(self.arena())?.core().base(self.raw.slot),
        }
    }
}

/// A tracked entity in an event: reads and writes like the entity itself.
pub struct Entry<'s, T> {
    any: AnyEntry<'s>,
    entity: PhantomData<fn() -> T>,
}

impl<'s, T: Entity> Entry<'s, T> {
    /// The caller vouches for the type.
    pub(super) fn of(row: &'s mut AnyEntry<'_>) -> Entry<'s, T> {
        Entry {
            any: AnyEntry {
                session: &mut *row.session,
                raw: row.raw,
                undo: row.undo,
            },
            entity: PhantomData,
        }
    }

    /// The entity's handle.
    pub fn handle(&self) -> Handle<T> {
        Handle::new(self.any.raw)
    }

    /// What a column was before the change that the event is about: `post.before(|p| p.title)`; `None` for a new row.
    pub fn before<V: ColumnType>(&self, column: impl FnOnce(T::Columns<Required>) -> Column<V>) -> Option<V> {
        let column = column(Columns::at(SourceId::NONE));
        V::decode(self.any.before(column.name())?).ok()
    }

    /// Does the event change that column? Always for a row that is inserted.
    pub fn is_changed<V: ColumnType>(&self, column: impl FnOnce(T::Columns<Required>) -> Column<V>) -> bool {
        let name = column(Columns::at(SourceId::NONE)).name();
        self.any.is_insert() || self.any.changed().contains(&name)
    }

    /// The session, to look at other entities.
    pub fn session(&self) -> &Session {
        self.any.session()
    }

    /// The connection of the open transaction, for statements that belong to the event. They are not seen by the session.
    ///
    /// # Errors
    /// [`Error::Closed`] where there is none any more.
    pub fn connection(&mut self) -> Result<&mut Connection> {
        self.any.connection()
    }
}

impl<T: Entity> Deref for Entry<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.any.session[self.handle()]
    }
}

/// To change the entity: before it is written, that is written; after an insert it is written by an UPDATE that follows, after an
/// update by the next flush.
impl<T: Entity> DerefMut for Entry<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        let handle = self.handle();
        &mut self.any.session[handle]
    }
}

impl std::fmt::Debug for AnyEntry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.entity(), self.key())
    }
}

impl<T> std::fmt::Debug for Entry<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.any.fmt(f)
    }
}
