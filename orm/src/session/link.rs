//! Linking and unlinking entities along a relation.

use super::Session;
use crate::error::{Error, Result};
use crate::expr::{
    BinaryOp, ConflictAction, Delete, Insert, InsertRows, Node, OnConflict, Relation as Rows, SourceId,
    Statement,
};
use crate::mapper::{Columns, Entity, Handle, Required};
use crate::query::Executor;
use crate::query::internals::execute;
use crate::relation::{Path, Relation};
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
            (None, Some(_)) => self.set_reference(to.raw, path.first.far, Value::Pending(of.raw)),
            (None, None) => self.set_reference(of.raw, path.first.near, Value::Pending(to.raw)),
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
            self.set_reference(holder, column, Value::Null)
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

    fn set_reference(&mut self, holder: RawHandle, column: &str, value: Value<'static>) -> Result<()> {
        self.relations.clear();
        let Some(any) = self.store.any_mut(holder.arena as usize) else {
            return Ok(());
        };
        let meta = any.meta();
        let Some((index, column)) = meta.column(column) else {
            return Ok(());
        };
        any.touch(holder.slot);
        any.set(holder.slot, index, value)
            .map_err(|error| Error::decode(format!("column `{}.{}`", meta.table, column.name), error))
    }

    /// Does that column refer to that entity?
    fn refers_to(&self, holder: RawHandle, column: &str, other: RawHandle) -> Result<bool> {
        let arena = self.store.check(holder)?;
        let Some((index, _)) = arena.meta().column(column) else {
            return Ok(false);
        };
        Ok(match arena.encode(holder.slot, index) {
            Value::Null => false,
            Value::Pending(raw) => raw == other,
            key => self.store.key_of(other).is_ok_and(|other| other.sql_eq(&key)),
        })
    }

    fn insert_link(&mut self, path: &Path, of: RawHandle, to: RawHandle) -> Result<()> {
        let Some(second) = path.second else { return Ok(()) };
        self.before_statement(true)?;
        let values = vec![self.store.key_of(of)?, self.store.key_of(to)?];
        let columns = vec![path.first.far.into(), second.near.into()];
        let insert = Insert {
            source: SourceId::fresh(),
            table: Rows::table(path.first.table),
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
        let equals = |column: &'static str, key| {
            Node::binary(
                BinaryOp::Eq,
                Node::Column {
                    source,
                    name: column.into(),
                },
                Node::Value(key),
            )
        };
        let ends =
            equals(path.first.far, self.store.key_of(of)?).and(equals(second.near, self.store.key_of(from)?));
        let delete = Delete {
            source,
            table: Rows::table(path.first.table),
            using: None,
            filter: Some(ends),
            returning: Vec::new(),
        };
        self.relations.clear();
        // A tracked row between the two ends is gone as well.
        self.expire_table(path.first.table);
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
