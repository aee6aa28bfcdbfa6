//! The session: tracked entities, and the unit of work that writes their changes.
//!
//! ```text
//!   add, delete, session[handle].field = ..     memory only
//!            |
//!          flush         INSERT, UPDATE, DELETE in an order that foreign keys allow, within one transaction
//!            |
//!          commit        permanent          or  rollback: database and memory as they were
//! ```
//!
//! Every method that may run a statement takes `&mut Session`: no reference into a session survives a flush, and reading
//! an entity never does I/O.

mod batches;
mod bulk;
mod cascade;
mod changes;
mod deferred;
mod eager;
mod event;
mod flush;
mod groups;
mod identity;
mod joined;
mod link;
mod query;
mod related;
mod statements;
mod store;
mod transaction;
mod undo;

use std::ops::{Index, IndexMut};
use std::sync::atomic::{AtomicU32, Ordering};

pub use changes::{Change, ChangeKind};
pub use deferred::DeferredColumns;
pub use eager::{Eager, RelatedQuery, WithRelated};
pub use event::{AnyEntry, Entry, ListenerId, Listeners};
pub use joined::{GatheredQuery, HandleAndList, JoinSet, Joined, Partner, WithJoined};
pub use query::Tracked;

use crate::dialect::{Dialect, TransactionMode};
use crate::engine::{Connection, Engine};
use crate::error::{Error, Result};
use crate::mapper::{Entity, Handle, Required, RowReader};
use crate::query::{Executor, Insert, InsertInto, Query, Selection, Sql};
use crate::types::{RawHandle, Value};
use event::{Heard, Moment};
use related::Relations;
pub(crate) use statements::{Statements, insert_columns};
use store::{State, Store, ValueRow, shown_key};
use undo::Undo;

/// Tracks entities and writes their changes.
///
/// `session[handle]` reads an entity, `session[handle].field = ..` changes it; a flush writes only the columns that
/// differ. A session belongs to one thread at a time and can be sent to another. It takes a connection from the engine's
/// pool when it runs its first statement, and gives it back at [`commit`](Session::commit) and
/// [`rollback`](Session::rollback). Dropped, it rolls back.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// #[entity(table = "users")]
/// struct User {
///     #[column(primary_key)]
///     id: Id<User>,
///     name: String,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![User])?;
///
/// let mut session = engine.session()?;
/// let mike = session.add(User::new("Mike"));
/// session.add_all(["Nick", "Mick", "Nike"].map(User::new));
/// session.commit()?;
/// assert_eq!(session[mike].id, 1);
///
/// for user in session.query::<User>().filter(|u| u.name.like("M%")).all()? {
///     session[user].name.push('!');
/// }
/// session.commit()?;
/// assert_eq!(session[mike].name, "Mike!");
///
/// session.delete(mike);
/// session.commit()?;
/// assert_eq!(session.query::<User>().count()?, 3);
/// # Ok(())
/// # }
/// ```
pub struct Session {
    engine: Engine,
    link: Option<Connection>,
    store: Store,
    statements: Vec<Statements>,
    undo: Vec<Undo>,
    /// How often the undo log was made shorter.
    undo_cuts: u64,
    /// The memory for a key's values as parameters.
    key_params: Vec<Value<'static>>,
    relations: Relations,
    in_transaction: bool,
    savepoints: u32,
    /// Rows were changed in this transaction past the identity map.
    bypassed: bool,
    autoflush: bool,
    expire_on_commit: bool,
    read_only: bool,
    heard: Heard,
    /// How much of the undo log the listeners were told of.
    told: usize,
    /// How much of the undo log was looked at for rows that the database deleted along with others.
    followed: usize,
    /// A flush is under way: what listeners run does not begin another one.
    flushing: bool,
}

impl Engine {
    /// A new session. It takes a connection only when it runs its first statement.
    ///
    /// # Errors
    /// None today; sessions that connect at once are to come.
    pub fn session(&self) -> Result<Session> {
        Ok(Session::new(self.clone()))
    }

    /// Runs something in a session of its own: committed if it succeeds, rolled back if it fails.
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
    /// engine.transaction(|session| {
    ///     session.add(Note::new("kept"));
    ///     Ok(())
    /// })?;
    /// assert_eq!(engine.connect()?.query::<Note>().count()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// That of `work`, or of the commit.
    pub fn transaction<T>(&self, work: impl FnOnce(&mut Session) -> Result<T>) -> Result<T> {
        let mut session = self.session()?;
        let value = work(&mut session)?;
        session.commit()?;
        Ok(value)
    }
}

impl Engine {
    /// As [`transaction`](Engine::transaction), tried again from the start, in a new session, when someone else was in the
    /// way: up to so many times in all. `work` must be good to run again.
    ///
    /// # Errors
    /// The first error that is not of the family [`Failure::Busy`](crate::Failure::Busy), or the last one.
    pub fn transaction_with_retry<T>(
        &self,
        attempts: u32,
        mut work: impl FnMut(&mut Session) -> Result<T>,
    ) -> Result<T> {
        let mut attempt = 1;
        loop {
            match self.transaction(&mut work) {
                Err(error) if error.failure() == Some(crate::Failure::Busy) && attempt < attempts => {
                    attempt += 1
                }
                done => return done,
            }
        }
    }
}

impl Session {
    fn new(engine: Engine) -> Session {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Session {
            engine,
            link: None,
            store: Store::new(NEXT.fetch_add(1, Ordering::Relaxed)),
            statements: Vec::new(),
            undo: Vec::new(),
            undo_cuts: 0,
            key_params: Vec::new(),
            relations: Relations::default(),
            in_transaction: false,
            savepoints: 0,
            bypassed: false,
            autoflush: true,
            expire_on_commit: false,
            read_only: false,
            heard: Heard::default(),
            told: 0,
            followed: 0,
            flushing: false,
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether queries write out changes first. They do, unless told otherwise: then they see the database as the last
    /// flush left it.
    pub fn set_autoflush(&mut self, on: bool) -> &mut Session {
        self.autoflush = on;
        self
    }

    /// Whether entities are read anew when a row of them comes by after a commit. Off at first: a session's entities stay
    /// as they are.
    pub fn set_expire_on_commit(&mut self, on: bool) -> &mut Session {
        self.expire_on_commit = on;
        self
    }

    /// Refuses every write: for sessions that only look.
    pub fn set_read_only(&mut self, on: bool) -> &mut Session {
        self.read_only = on;
        self
    }

    // --- entities --------------------------------------------------------------------------------------------------

    /// Tracks a new entity; the next flush inserts it.
    pub fn add<T: Entity>(&mut self, entity: T) -> Handle<T> {
        let (arena, slot) = self.store.with_arena::<T, _>(|arena| arena.add(entity));
        self.store.handle(arena, slot)
    }

    /// Tracks several new entities; they are inserted in this order.
    pub fn add_all<T: Entity>(&mut self, entities: impl IntoIterator<Item = T>) -> Vec<Handle<T>> {
        self.store.add_all(entities)
    }

    /// The entity of that key: from the session without a statement if it is there, else from the database.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such row; see [`find`](Session::find) for an `Option` instead.
    pub fn get<T: Entity>(&mut self, key: impl Into<T::Key>) -> Result<Handle<T>> {
        let key = key.into();
        match self.find_key::<T>(&key)? {
            Some(handle) => Ok(handle),
            None => Err(Error::NotFound {
                table: T::TABLE,
                key: shown_key::<T>(&key),
            }),
        }
    }

    /// As [`get`](Session::get), but `None` where there is no such row.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn find<T: Entity>(&mut self, key: impl Into<T::Key>) -> Result<Option<Handle<T>>> {
        self.find_key::<T>(&key.into())
    }

    /// The entities of those keys, in one statement for those that the session has not; keys without a row are left out.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn get_many<T: Entity>(&mut self, keys: impl IntoIterator<Item = T::Key>) -> Result<Vec<Handle<T>>> {
        // One statement for each key is what composite keys need; single keys go by IN.
        let keys: Vec<T::Key> = keys.into_iter().collect();
        if T::META.key.len() == 1 {
            let missing: Vec<Value<'static>> = keys
                .iter()
                .filter(|key| self.store.find::<T>(key).is_none_or(|(_, expired)| expired))
                .flat_map(|key| {
                    let mut values = Vec::new();
                    crate::mapper::Key::push_values(key, &mut values);
                    values
                })
                .collect();
            self.load_by_keys::<T>(missing)?;
            let alive = |handle: &Handle<T>| self.is_there(handle.raw);
            let found = keys
                .iter()
                .filter_map(|key| self.store.find::<T>(key).map(|(handle, _)| handle));
            return Ok(found.filter(alive).collect());
        }
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.extend(self.find_key::<T>(&key)?);
        }
        Ok(found)
    }

    /// Marks an entity for deletion; the next flush deletes it. One that was never inserted is just forgotten.
    ///
    /// Until the commit it can still be read; after it the handle is dead. Cascades run with the flush.
    ///
    /// # Panics
    /// As indexing does, on a handle that is not this session's or is dead.
    #[track_caller]
    pub fn delete<T: Entity>(&mut self, handle: Handle<T>) {
        if let Err(error) = self.store.check(handle.raw) {
            panic!("{error}");
        }
        self.mark(handle.raw.arena as usize, handle.raw.slot);
    }

    /// As [`delete`](Session::delete), for good: for entities whose deleted rows are otherwise only marked (see
    /// [`DeletedMark`](crate::mapper::DeletedMark)).
    ///
    /// # Panics
    /// As [`delete`](Session::delete).
    #[track_caller]
    pub fn purge<T: Entity>(&mut self, handle: Handle<T>) {
        self.delete(handle);
        if let Some(any) = self.store.any_mut(handle.raw.arena as usize) {
            any.core_mut().set_purge(handle.raw.slot, true);
        }
    }

    fn mark(&mut self, arena: usize, slot: u32) {
        let Some(any) = self.store.any_mut(arena) else {
            return;
        };
        match any.core().state(slot) {
            State::New => {
                any.core_mut().new.retain(|other| *other != slot);
                self.forget_new(arena, slot);
            }
            State::Clean => {
                any.core_mut().set_state(slot, State::Marked);
                any.core_mut().marked.push(slot);
            }
            State::Marked | State::Deleted | State::Free => {}
        }
    }

    /// The entity behind a handle, or `None` where the handle is dead or another session's: indexing without the panic.
    pub fn peek<T: Entity>(&self, handle: Handle<T>) -> Option<&T> {
        self.store.get(handle).ok()
    }

    /// Is the handle's entity in this session?
    pub fn contains<T: Entity>(&self, handle: Handle<T>) -> bool {
        self.store.check(handle.raw).is_ok()
    }

    /// Reads the entity anew from the database; unsaved changes to it are lost.
    ///
    /// # Errors
    /// [`Error::NotFound`] where its row is gone; [`Error::Handle`] for a dead handle.
    pub fn refresh<T: Entity>(&mut self, handle: Handle<T>) -> Result<()> {
        self.store.check(handle.raw)?;
        let (arena, slot) = (handle.raw.arena as usize, handle.raw.slot);
        let key = self.store.stored_key(arena, slot);
        let not_found = || Error::NotFound {
            table: T::TABLE,
            key: crate::mapper::show_key(&key),
        };
        self.begin(false)?;
        let Some(select) = self.select_by_key(arena)? else {
            return Err(not_found());
        };
        let Session { store, link, .. } = self;
        let mut prepared = link.as_mut().ok_or(Error::Closed)?.prepare(&*select.sql)?;
        let params = select.params(key.clone());
        let mut rows = prepared.query(&params)?;
        let Some(row) = rows.next()? else {
            return Err(not_found());
        };
        if let Some(any) = store.any_mut(arena) {
            any.unregister(slot);
            any.reload(slot, &RowReader::new(row))?;
            any.core_mut().dirty.retain(|other| *other != slot);
            any.register(slot);
        }
        drop(rows);
        drop(prepared);
        self.tell_loaded()
    }

    /// Lets the entity be read anew when a query or [`get`](Session::get) next comes by its row. Until then it reads as it
    /// is; unsaved changes keep it from being overwritten.
    pub fn expire<T: Entity>(&mut self, handle: Handle<T>) {
        if self.store.check(handle.raw).is_ok() {
            if let Some(header) = self
                .store
                .any_mut(handle.raw.arena as usize)
                .and_then(|a| a.core_mut().header_mut(handle.raw.slot))
            {
                header.expired = true;
            }
            self.relations.forget_of(handle.raw);
        }
    }

    /// [`expire`](Session::expire) for everything.
    pub fn expire_all(&mut self) {
        for arena in 0..self.store.arenas().len() {
            if let Some(any) = self.store.any_mut(arena) {
                any.core_mut()
                    .headers
                    .iter_mut()
                    .for_each(|header| header.expired = true);
            }
        }
        self.relations.clear();
    }

    /// Takes the entity out of the session: it is no longer tracked, and the handle is dead. Unsaved changes are in what is
    /// given back, and nowhere else.
    ///
    /// # Errors
    /// [`Error::Handle`] for a dead handle.
    pub fn expunge<T: Entity>(&mut self, handle: Handle<T>) -> Result<T> {
        self.store.check(handle.raw)?;
        let slot = handle.raw.slot;
        self.relations.clear();
        let arena = handle.raw.arena as usize;
        let key = self.store.stored_key(arena, slot);
        let written = self.undo.iter_mut().filter(|entry| entry.is_of(arena, slot));
        written.for_each(|entry| entry.expunge(slot, &key));
        let (_, value) = self.store.with_arena::<T, _>(|arena| {
            use store::AnyArena;
            let core = arena.core_mut();
            for list in [&mut core.new, &mut core.dirty, &mut core.marked] {
                list.retain(|other| *other != slot);
            }
            arena.take(slot)
        });
        value.ok_or(Error::Handle(crate::error::HandleError::Gone))
    }

    /// Brings a plain struct into the session: the entity of its key, here or in the database, gets its values; without
    /// such a row it is added.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn merge<T: Entity>(&mut self, entity: T) -> Result<Handle<T>> {
        let found = match entity.key() {
            Some(key) => self.find_key::<T>(&key)?,
            None => None,
        };
        let Some(handle) = found else {
            return Ok(self.add(entity));
        };
        let target = self.store.get_mut(handle)?;
        let merged: Vec<Value<'static>> = (0..T::META.columns.len())
            .map(|i| merged_value(target, &entity, i).into_owned())
            .collect();
        target.restore(&RowReader::new(&ValueRow(&merged)))?;
        Ok(handle)
    }

    // --- statements ------------------------------------------------------------------------------------------------

    /// A query that runs in this session: see [`Query`].
    pub fn query<T: Entity>(&mut self) -> Query<T, T::Columns<Required>, &mut Session> {
        Query::start(self)
    }

    /// A statement as text, run after the session's changes are written: see [`Sql`].
    pub fn sql<'q>(&mut self, text: &'q str) -> Sql<'q, &mut Session> {
        Sql::new(self, text)
    }

    /// An INSERT of plain values in one statement for many rows, past the identity map: see [`Insert`].
    pub fn insert<T: Entity>(&mut self, entities: impl IntoIterator<Item = T>) -> Insert<T, &mut Session> {
        Insert::start(self, entities)
    }

    /// An INSERT of the rows of a query, past the identity map: see
    /// [`Connection::insert_into`](crate::engine::Connection::insert_into).
    pub fn insert_into<T: Entity, C: Selection>(
        &mut self,
        columns: impl FnOnce(T::Columns<Required>) -> C,
    ) -> InsertInto<C, &mut Session> {
        InsertInto::start::<T>(self, columns)
    }

    fn find_key<T: Entity>(&mut self, key: &T::Key) -> Result<Option<Handle<T>>> {
        let arena = self.store.arena_index::<T>();
        if let Some((handle, false)) = self.store.find_in::<T>(arena, key) {
            return Ok(Some(handle).filter(|handle| self.is_there(handle.raw)));
        }
        self.before_statement(false)?;
        let Session {
            store,
            link,
            statements,
            engine,
            key_params,
            ..
        } = self;
        let link = link.as_mut().ok_or(Error::Closed)?;
        let texts = statements::of(statements, arena as usize);
        let select = texts.select(T::META, engine.dialect())?;
        key_params.clear();
        key_params.extend(select.own_params().iter().cloned());
        crate::mapper::Key::push_values(key, key_params);
        let (mut found, mut failed) = (None, None);
        link.first_row(&select.sql, key_params, &mut |row| {
            let tracked = store.track_in::<T>(arena, key, &RowReader::new(row));
            match tracked {
                Ok(slot) => found = Some(slot),
                Err(error) => failed = Some(error),
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        self.tell_loaded()?;
        Ok(found.and_then(|slot| self.store.there::<T>(arena, slot)))
    }

    /// Is the row neither to be deleted nor marked as deleted?
    fn is_there(&self, raw: RawHandle) -> bool {
        self.state_of(raw) != State::Marked && !self.store.is_marked_deleted(raw.arena as usize, raw.slot)
    }

    /// Writes out changes before a query, where that is wanted.
    fn autoflush(&mut self) -> Result<()> {
        if self.autoflush && !self.flushing {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn state_of(&self, raw: RawHandle) -> State {
        self.store
            .any(raw.arena as usize)
            .map_or(State::Free, |arena| arena.core().state(raw.slot))
    }

    /// Begins a transaction if none is open.
    fn begin(&mut self, writes: bool) -> Result<()> {
        self.listen_now();
        if self.in_transaction {
            return Ok(());
        }
        if self.link.is_none() {
            self.link = Some(self.engine.connect()?);
        }
        let mode = match self.engine.begin_mode() {
            _ if self.read_only => TransactionMode::ReadOnly,
            Some(mode) => mode,
            None if writes => TransactionMode::Write,
            None => TransactionMode::Deferred,
        };
        if let Err(error) = self.open_link()?.begin(mode) {
            self.link = None;
            return Err(error);
        }
        self.in_transaction = true;
        Ok(())
    }
}

/// The value that a merged entity has in a column: the key, what the database computes, and what was not loaded stay.
fn merged_value<'v, T: Entity>(target: &'v T, source: &'v T, column: usize) -> Value<'v> {
    let stays = |meta: &crate::mapper::ColumnMeta| meta.primary_key || meta.is_computed() || meta.immutable;
    match source.encode(column) {
        _ if T::META.columns.get(column).is_some_and(stays) => target.encode(column),
        Value::Absent => target.encode(column),
        value => value,
    }
}

/// A session runs queries, after it has written out its changes.
impl Executor for Session {
    fn before_statement(&mut self, writes: bool) -> Result<()> {
        if writes && self.read_only {
            return Err(Error::ReadOnly("this statement would write"));
        }
        self.autoflush()?;
        self.bypassed |= writes;
        self.begin(writes)
    }

    fn connection(&mut self) -> Result<&mut Connection> {
        self.open_link()
    }

    fn dialect(&self) -> &dyn Dialect {
        self.engine.dialect()
    }

    fn resolve(&self, handle: RawHandle) -> Result<Value<'static>> {
        self.store.key_of(handle)
    }
}

/// The entity behind the handle.
///
/// # Panics
/// On a handle of another session, and on one whose entity is gone; [`Session::peek`] gives an `Option`.
impl<T: Entity> Index<Handle<T>> for Session {
    type Output = T;

    #[track_caller]
    fn index(&self, handle: Handle<T>) -> &T {
        match self.store.get(handle) {
            Ok(entity) => entity,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The entity behind the handle, to change: the next flush writes what differs.
///
/// # Panics
/// As for reading.
impl<T: Entity> IndexMut<Handle<T>> for Session {
    #[track_caller]
    fn index_mut(&mut self, handle: Handle<T>) -> &mut T {
        match self.store.get_mut(handle) {
            Ok(entity) => entity,
            Err(error) => panic!("{error}"),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("in_transaction", &self.in_transaction)
            .finish_non_exhaustive()
    }
}
