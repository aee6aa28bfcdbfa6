//! UPDATE and DELETE by query in a session: the identity map stays right.
//!
//! With entities of the type in the session, the statement also returns the rows it changed, and those that are tracked
//! get their new values. Where a backend has no RETURNING, a query asks for the rows before the statement runs, and those that are tracked are
//! read again after an UPDATE.

use std::any::TypeId;

use super::Session;
use super::store::State;
use crate::dialect::Feature;
use crate::error::Result;
use crate::expr::{FromItem, Node, Relation, Select, SourceId, Statement};
use crate::mapper::{Entity, Required, RowReader};
use crate::query::internals::{all_columns, execute, run};
use crate::query::{Delete, Executor, Update, variants};
use crate::types::Value;

impl Session {
    /// An UPDATE of many rows in one statement; tracked entities among them get their new values.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Post {
    ///     #[column(primary_key)]
    ///     id: Id<Post>,
    ///     likes: i64,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// # let engine = Engine::open("sqlite::memory:")?;
    /// # engine.create_all(schema![Post])?;
    /// let mut session = engine.session()?;
    /// let post = session.add(Post::new(1));
    /// session.update::<Post>().set(|p| p.likes.to(p.likes + 1)).filter(|p| p.likes.lt(10)).run()?;
    /// assert_eq!(session[post].likes, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn update<T: Entity>(&mut self) -> Update<T, &mut Session> {
        Update::start(self)
    }

    /// A DELETE of many rows in one statement, without cascades of the session; tracked entities among them are gone with
    /// the commit.
    pub fn delete_where<T: Entity>(&mut self) -> Delete<T, &mut Session> {
        Delete::start(self)
    }

    fn tracks<T: Entity>(&self) -> bool {
        let arena = self
            .store
            .arena_of(TypeId::of::<T>())
            .and_then(|arena| self.store.any(arena));
        arena.is_some_and(|arena| arena.core().live().next().is_some())
    }
}

impl<T: Entity, C> Update<T, &mut Session, C> {
    /// Runs it: the number of rows changed.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn run(mut self) -> Result<u64> {
        self.stamp();
        let session = self.executor;
        session.before_statement(true)?;
        session.forget_relations::<T>();
        if T::META.joined {
            let changed = variants::update(session, T::META, &self.update)?;
            for key in session.tracked_keys::<T>(&changed) {
                session.read_again::<T>(&key)?;
            }
            return Ok(changed.len() as u64);
        }
        if !session.tracks::<T>() {
            return execute(session, Statement::Update(&self.update));
        }
        if !session.dialect().supports(Feature::Returning) {
            let update = self.update;
            let rows = session.rows_of::<T>(
                update.source,
                &update.table,
                update.using.as_ref(),
                update.filter.as_ref(),
                self.own,
            )?;
            let changed = execute(session, Statement::Update(&update))?;
            for key in rows.iter().filter_map(Entity::key) {
                session.read_again::<T>(&key)?;
            }
            return Ok(changed);
        }
        self.update.returning = all_columns::<T>(self.own);
        let changed = run(session, Statement::Update(&self.update), |rows| {
            let mut changed: Vec<T> = Vec::new();
            while let Some(row) = rows.next()? {
                changed.push(T::decode(&RowReader::new(row))?);
            }
            Ok(changed)
        })?;
        let count = changed.len() as u64;
        for entity in changed {
            session.overwrite(entity);
        }
        Ok(count)
    }
}

impl<T: Entity, C> Delete<T, &mut Session, C> {
    /// Runs it: the number of rows deleted.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn run(mut self) -> Result<u64> {
        self.executor.before_statement(true)?;
        self.executor.forget_relations::<T>();
        if T::META.joined {
            let marking = self.marking();
            let session = self.executor;
            let gone = match &marking {
                Some(update) => variants::update(session, T::META, update)?,
                None => variants::delete(session, T::META, &self.delete)?,
            };
            let keys = session.tracked_keys::<T>(&gone);
            session.forget_all_deleted::<T>(keys, marking.is_none());
            return Ok(gone.len() as u64);
        }
        if !self.executor.tracks::<T>() {
            return match self.marking() {
                Some(update) => execute(self.executor, Statement::Update(&update)),
                None => execute(self.executor, Statement::Delete(&self.delete)),
            };
        }
        if !self.executor.dialect().supports(Feature::Returning) {
            return self.run_without_returning();
        }
        self.delete.returning = all_columns::<T>(self.own);
        let marking = self.marking();
        let statement = match &marking {
            Some(update) => Statement::Update(update),
            None => Statement::Delete(&self.delete),
        };
        let keys = run(self.executor, statement, |rows| {
            let mut keys: Vec<T::Key> = Vec::new();
            while let Some(row) = rows.next()? {
                keys.push(T::decode_key(&RowReader::new(row))?);
            }
            Ok(keys)
        })?;
        let count = keys.len() as u64;
        self.executor.forget_all_deleted::<T>(keys, marking.is_none());
        Ok(count)
    }

    fn run_without_returning(self) -> Result<u64> {
        let marking = self.marking();
        let Delete {
            delete,
            own,
            executor: session,
            ..
        } = self;
        let filter = marking.as_ref().map_or(&delete.filter, |update| &update.filter);
        let rows = session.rows_of::<T>(
            delete.source,
            &delete.table,
            delete.using.as_ref(),
            filter.as_ref(),
            own,
        )?;
        let deleted = match &marking {
            Some(update) => execute(session, Statement::Update(update))?,
            None => execute(session, Statement::Delete(&delete))?,
        };
        let keys = rows.iter().filter_map(Entity::key).collect();
        session.forget_all_deleted::<T>(keys, marking.is_none());
        Ok(deleted)
    }
}

impl Session {
    /// Tracked rows of these keys are gone; `for_good` where the database has deleted them and not only marked.
    fn forget_all_deleted<T: Entity>(&mut self, keys: Vec<T::Key>, for_good: bool) {
        for key in keys {
            self.forget_deleted::<T>(&key, for_good);
        }
        self.follow_database_cascades();
    }
}

impl Session {
    /// The rows that a statement is about to write.
    fn rows_of<T: Entity>(
        &mut self,
        source: SourceId,
        table: &Relation,
        using: Option<&FromItem>,
        filter: Option<&Node>,
        columns: T::Columns<Required>,
    ) -> Result<Vec<T>> {
        let own = FromItem {
            source,
            relation: table.clone(),
            join: None,
        };
        let select = Select {
            columns: all_columns::<T>(columns),
            from: std::iter::once(own).chain(using.cloned()).collect(),
            filter: filter.cloned(),
            ..Select::default()
        };
        run(self, Statement::Select(&select), |rows| {
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(T::decode(&RowReader::new(row))?);
            }
            Ok(all)
        })
    }

    /// The keys of those rows that the session tracks.
    fn tracked_keys<T: Entity>(&self, rows: &[Vec<Value<'static>>]) -> Vec<T::Key> {
        let arena = self.store.arena_of(TypeId::of::<T>());
        let Some((arena, any)) = arena.and_then(|arena| Some((arena, self.store.any(arena)?))) else {
            return Vec::new();
        };
        let slots = rows.iter().filter_map(|key| any.slot_of(key));
        let entity = |slot| self.store.get(self.store.handle::<T>(arena as u32, slot)).ok();
        slots.filter_map(|slot| entity(slot)?.key()).collect()
    }

    /// A tracked entity gets the values that its row has now.
    fn read_again<T: Entity>(&mut self, key: &T::Key) -> Result<()> {
        let Some((handle, _)) = self.store.find::<T>(key) else {
            return Ok(());
        };
        let (arena, slot) = (handle.raw.arena as usize, handle.raw.slot);
        let values = self.store.stored_key(arena, slot);
        let Some(select) = self.select_by_key(arena)? else {
            return Ok(());
        };
        let mut prepared = self.open_link()?.prepare(&*select.sql)?;
        let params = select.params(values);
        let mut rows = prepared.query(&params)?;
        let entity = match rows.next()? {
            Some(row) => T::decode(&RowReader::new(row))?,
            // The statement gave it another key.
            None => return Ok(()),
        };
        drop(rows);
        drop(prepared);
        self.overwrite(entity);
        Ok(())
    }

    /// A tracked entity gets the values that its row now has; the former ones can be rolled back to.
    fn overwrite<T: Entity>(&mut self, entity: T) {
        let Some((handle, _)) = entity.key().and_then(|key| self.store.find::<T>(&key)) else {
            return;
        };
        let (arena, slot) = (handle.raw.arena as usize, handle.raw.slot);
        // The flush before the statement left no base: this one is the state that a rollback goes back to.
        let Ok(place) = self.store.get_mut(handle) else {
            return;
        };
        *place = entity;
        let Some(any) = self.store.any_mut(arena) else {
            return;
        };
        any.core_mut().dirty.retain(|other| *other != slot);
        if let Some(base) = any.core_mut().take_base(slot) {
            self.log_untold(super::undo::Undo::Update { arena, slot, base });
        }
    }

    fn forget_deleted<T: Entity>(&mut self, key: &T::Key, for_good: bool) {
        let Some((handle, _)) = self.store.find::<T>(key) else {
            return;
        };
        let (arena, slot) = (handle.raw.arena as usize, handle.raw.slot);
        let Some(any) = self.store.any_mut(arena) else {
            return;
        };
        any.unregister(slot);
        any.core_mut().set_state(slot, State::Deleted);
        any.core_mut().set_purge(slot, for_good);
        self.log_untold(super::undo::Undo::Delete { arena, slot });
    }
}
