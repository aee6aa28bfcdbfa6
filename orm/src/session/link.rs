//! Linking and unlinking entities along a relation.

use super::Session;
use crate::error::{Error, Result};
use crate::expr::{
    BinaryOp, ConflictAction, Delete, Insert, InsertRows, Node, OnConflict, Relation as Rows, SourceId,
    Statement,
};
use crate::mapper::{ColumnNames, Columns, Entity, Handle, Required};
use crate::query::Executor;
use crate::query::internals::execute;
use crate::relation::{Path, Relation, column};
use crate::types::{RawHandle, Value};

impl Session {
    /// Links two entities along a relation: sets the `Fk` that makes it, or inserts the row between two ends of a
    /// many-to-many (whose other columns must have defaults in the table). Linking twice is linking once.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// #[many_to_many(groups: Group, through = Membership)]
    /// struct User {
    ///     #[column(primary_key)]
    ///     id: Id<User>,
    ///     name: String,
    /// }
    ///
    /// #[derive(Entity)]
    /// struct Group {
    ///     #[column(primary_key)]
    ///     id: Id<Group>,
    /// }
    ///
    /// #[derive(Entity)]
    /// struct Membership {
    ///     #[column(primary_key)]
    ///     user: Fk<User>,
    ///     #[column(primary_key)]
    ///     group: Fk<Group>,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// # let engine = Engine::open("sqlite::memory:")?;
    /// # engine.create_all(schema![User, Group, Membership])?;
    /// let mut session = engine.session()?;
    /// let mike = session.add(User::new("Mike"));
    /// let group = session.add(Group::new());
    /// session.link(mike, |u| u.groups, group)?;
    /// session.unlink(mike, |u| u.groups, group)?;
    /// assert_eq!(session.query::<Membership>().count()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Handle`] for a dead handle; for a many-to-many whatever the INSERT runs into.
    pub fn link<T: Entity, R: Relation>(
        &mut self,
        of: Handle<T>,
        relation: impl FnOnce(T::Columns<Required>) -> R,
        to: Handle<R::Target>,
    ) -> Result<()> {
        let path = relation(Columns::at(SourceId::NONE)).path();
        self.check_ends(&path, of.raw, to.raw)?;
        match (path.second, path.declared) {
            (Some(_), _) => self.insert_link(&path, of.raw, to.raw),
            (None, Some(_)) => self.set_reference(to.raw, path.first.far, Some(of.raw)),
            (None, None) => self.set_reference(of.raw, path.first.near, Some(to.raw)),
        }
    }

    /// Takes the link between two entities away: the `Fk` becomes NULL (it must be an `Option`), or the row between them is
    /// deleted. Where they are not linked, nothing happens.
    ///
    /// # Errors
    /// [`Error::Handle`] for a dead handle; [`Error::Decode`] where the `Fk` cannot be NULL.
    pub fn unlink<T: Entity, R: Relation>(
        &mut self,
        of: Handle<T>,
        relation: impl FnOnce(T::Columns<Required>) -> R,
        from: Handle<R::Target>,
    ) -> Result<()> {
        let path = relation(Columns::at(SourceId::NONE)).path();
        self.check_ends(&path, of.raw, from.raw)?;
        let (holder, column, other) = match (path.second, path.declared) {
            (Some(_), _) => return self.delete_link(&path, of.raw, from.raw),
            (None, Some(_)) => (from.raw, path.first.far, of.raw),
            (None, None) => (of.raw, path.first.near, from.raw),
        };
        if self.refers_to(holder, column, other)? {
            self.set_reference(holder, column, None)
        } else {
            Ok(())
        }
    }

    fn check_ends(&self, path: &Path, of: RawHandle, to: RawHandle) -> Result<()> {
        self.store.check(of)?;
        self.store.check(to)?;
        match path.problem() {
            Some(problem) => Err(Error::Schema(problem)),
            None => Ok(()),
        }
    }

    fn set_reference(
        &mut self,
        holder: RawHandle,
        columns: ColumnNames,
        to: Option<RawHandle>,
    ) -> Result<()> {
        self.relations.clear();
        let Some(any) = self.store.any_mut(holder.arena as usize) else {
            return Ok(());
        };
        let meta = any.meta();
        any.touch(holder.slot);
        for (part, index) in columns.indexes(meta).into_iter().enumerate() {
            let value = to.map_or(Value::Null, |raw| Value::Pending(raw.key_part(part)));
            let name = || format!("column `{}.{}`", meta.table, columns.get(part).unwrap_or("?"));
            any.set(holder.slot, index, value)
                .map_err(|error| Error::decode(name(), error))?;
        }
        Ok(())
    }

    /// Do those columns refer to that entity?
    fn refers_to(&self, holder: RawHandle, columns: ColumnNames, other: RawHandle) -> Result<bool> {
        let arena = self.store.check(holder)?;
        let refers = |(part, index): (usize, usize)| match arena.encode(holder.slot, index) {
            Value::Null => false,
            Value::Pending(raw) => raw == other.key_part(part),
            key => self
                .store
                .key_of(other.key_part(part))
                .is_ok_and(|other| other.sql_eq(&key)),
        };
        let indexes = columns.indexes(arena.meta());
        Ok(!indexes.is_empty() && indexes.into_iter().enumerate().all(refers))
    }

    /// The key of an entity, as the values of the columns that refer to it.
    fn link_key(&self, of: RawHandle, columns: ColumnNames) -> Result<Vec<Value<'static>>> {
        (0..columns.len())
            .map(|part| self.store.key_of(of.key_part(part)))
            .collect()
    }

    fn insert_link(&mut self, path: &Path, of: RawHandle, to: RawHandle) -> Result<()> {
        let Some(second) = path.second else { return Ok(()) };
        self.before_statement(true)?;
        let mut values = self.link_key(of, path.first.far)?;
        values.extend(self.link_key(to, second.near)?);
        let columns = path
            .first
            .far
            .iter()
            .chain(second.near.iter())
            .map(Into::into)
            .collect();
        let insert = Insert {
            source: SourceId::fresh(),
            table: Rows::table(path.first.to.table),
            columns,
            rows: InsertRows::Values { rows: 1, values },
            conflict: Some(OnConflict {
                target: Vec::new(),
                action: ConflictAction::Nothing,
            }),
            returning: Vec::new(),
        };
        self.relations.clear();
        execute(self, Statement::Insert(&insert)).map(|_| ())
    }

    fn delete_link(&mut self, path: &Path, of: RawHandle, from: RawHandle) -> Result<()> {
        let Some(second) = path.second else { return Ok(()) };
        self.before_statement(true)?;
        let source = SourceId::fresh();
        let mut key = self.link_key(of, path.first.far)?;
        key.extend(self.link_key(from, second.near)?);
        let names = path.first.far.iter().chain(second.near.iter());
        let equals = |(name, value)| Node::binary(BinaryOp::Eq, column(source, name), Node::Value(value));
        let ends = Node::Logic {
            all: true,
            parts: names.zip(key).map(equals).collect(),
        };
        let delete = Delete {
            source,
            table: Rows::table(path.first.to.table),
            using: None,
            filter: Some(ends),
            returning: Vec::new(),
        };
        self.relations.clear();
        // A tracked row between the two ends is gone as well.
        self.expire_table(path.first.to.table);
        execute(self, Statement::Delete(&delete)).map(|_| ())
    }

    fn expire_table(&mut self, table: &str) {
        for arena in 0..self.store.arenas().len() {
            if let Some(any) = self.store.any_mut(arena).filter(|any| any.meta().table == table) {
                any.core_mut()
                    .headers
                    .iter_mut()
                    .for_each(|header| header.expired = true);
            }
        }
    }
}
