//! Rows that go: with their index entries, and those that REPLACE takes out of the way.
//!
//! A row is removed at the place where the cursor of its table stands, after what its indexes hold of it was computed from its
//! old values. What REPLACE removes sets off DELETE triggers only where triggers may be recursive, and foreign keys always, as in SQLite.

use aludel_storage::btree::Seek;

use super::index::Side;
use super::stored::in_file_encoding;
use super::target::{Locator, Target, Tree, deleted, detached};
use super::{Failure, Fate};
use crate::connection::RowAction;
use crate::error::{Error, Result};
use crate::exec::{ExecContext, Pin};
use crate::syntax::ast::{ConflictAction, TriggerTime};
use crate::value::Value;

impl Target {
    /// Removes the row `old`, at which the cursor stands, and all its index entries.
    pub(super) fn remove(&mut self, context: &mut ExecContext<'_>, old: &[Value]) -> Result<()> {
        self.remove_or_leave(context, old, None)
    }

    /// Whether a row that REPLACE puts in the place of another with the same key can be written over it.
    pub(super) fn overwrites(&self) -> bool {
        matches!(self.tree, Tree::Rowid(_)) && !self.has_programs() && !self.tells_changes
    }

    /// Removes the index entries of the row that `locator` leads to, except those that are to wait and are the entries of `new` as well. The row
    /// itself stays, to be overwritten by `new`, for which the indexes are prepared.
    pub(super) fn remove_entries_of(
        &mut self,
        context: &mut ExecContext<'_>,
        locator: &Locator,
        new: &[Value],
    ) -> Result<()> {
        self.check_pin(context)?;
        if self.indexes.is_empty() || !self.seek(&context.state.databases, locator)? {
            return Ok(());
        }
        let mut victim = std::mem::take(&mut self.victim);
        let read = self.read(context, &mut victim);
        let removed = read.and_then(|()| self.remove_or_leave(context, &victim, Some(new)));
        self.victim = victim;
        removed
    }

    /// Removes the index entries of the row `old`, at which the cursor stands, and the row unless it is to stay for `new`.
    fn remove_or_leave(
        &mut self,
        context: &mut ExecContext<'_>,
        old: &[Value],
        new: Option<&[Value]>,
    ) -> Result<()> {
        self.check_pin(context)?;
        self.tell_before(context, RowAction::Delete, (Some(old), None));
        self.prepare_indexes(context, Side::Old, old, |_| true)?;
        let state = &mut *context.state;
        let pager = &mut state.databases.get_mut(self.database).ok_or_else(detached)?.pager;
        let deferred = &mut state.deferred;
        self.look_around(pager);
        let stored = in_file_encoding(old, self.encoding, &mut self.stored_old);
        for index in &mut self.indexes {
            if index.is_present(Side::Old) && !index.waits(deferred) {
                index.delete(pager, stored)?;
            }
        }
        self.tree.vouch(pager);
        match &mut self.tree {
            _ if new.is_some() => {}
            Tree::Rowid(cursor) => cursor.delete(pager)?,
            Tree::Clustered(cursor) => cursor.delete(pager)?,
        }
        let stored_new = new.map(|new| in_file_encoding(new, self.encoding, &mut self.stored_new));
        for index in &mut self.indexes {
            if !index.waits(deferred) || stored_new.is_some_and(|new| index.keep_if_unchanged(stored, new)) {
                continue;
            }
            if index.is_present(Side::Old) {
                index.delete_later(deferred, self.database, stored);
            }
        }
        self.end_change(state)
    }

    /// Removes the row at which the cursor stands, as it is now: programs that ran since it was read may have changed it.
    pub(super) fn remove_here(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let mut current = std::mem::take(&mut self.current);
        let removed = self
            .read(context, &mut current)
            .and_then(|()| self.remove(context, &current));
        self.current = current;
        removed
    }

    /// Removes a row of a rowid table, of which only the [`key_reads`](Self::key_reads) are known, and all its index entries; false when it
    /// is not there.
    pub(super) fn remove_unseen(&mut self, context: &mut ExecContext<'_>, old: &[Value]) -> Result<bool> {
        if !self.indexes.is_empty() {
            self.prepare_indexes(context, Side::Old, old, |_| true)?;
        }
        let state = &mut *context.state;
        let pager = &mut state.databases.get_mut(self.database).ok_or_else(detached)?.pager;
        let deferred = &mut state.deferred;
        self.look_around(pager);
        let (Tree::Rowid(cursor), Some(Value::Integer(rowid))) = (&mut self.tree, old.last()) else {
            return Err(Error::misuse("a row of another kind of table"));
        };
        let stored = in_file_encoding(old, self.encoding, &mut self.stored_old);
        for index in &mut self.indexes {
            if index.is_present(Side::Old) && !index.waits(deferred) {
                index.delete(pager, stored)?;
            }
        }
        cursor.vouch(pager);
        let found = cursor.seek(pager, *rowid, Seek::Eq)?;
        if found {
            cursor.delete(pager)?;
        }
        for index in &self.indexes {
            if found && index.is_present(Side::Old) && index.waits(deferred) {
                index.delete_later(deferred, self.database, stored);
            }
        }
        self.end_change(state)?;
        Ok(found)
    }

    /// Removes the row that stands in the way of one that replaces it. True when that set off anything, which may have written any row.
    pub(super) fn remove_victim(
        &mut self,
        context: &mut ExecContext<'_>,
        locator: &Locator,
    ) -> Result<bool, Failure> {
        if !self.seek(&context.state.databases, locator)? {
            return Ok(self.has_programs());
        }
        let mut victim = std::mem::take(&mut self.victim);
        let removed = match self.read(context, &mut victim) {
            Ok(()) => self.remove_read_victim(context, &victim, locator),
            Err(error) => Err(error.into()),
        };
        self.victim = victim;
        removed.map(|()| self.has_programs())
    }

    /// DELETE triggers see a victim only if triggers may be recursive; foreign keys always do.
    fn remove_read_victim(
        &mut self,
        context: &mut ExecContext<'_>,
        victim: &[Value],
        locator: &Locator,
    ) -> Result<(), Failure> {
        let fires = self
            .programs
            .as_ref()
            .is_some_and(|programs| programs.recursive());
        let change = deleted(victim, Some(ConflictAction::Replace));
        if fires
            && (self.fire(context, TriggerTime::Before, change)? == Fate::Skipped
                || !self.seek(&context.state.databases, locator)?)
        {
            return Ok(());
        }
        if !self.has_programs() {
            return Ok(self.remove(context, victim)?);
        }
        if !self.seek(&context.state.databases, locator)? {
            return Ok(());
        }
        self.remove_here(context)?;
        self.restrict(context, change)?;
        self.keep_references(context, change)?;
        if fires {
            self.fire(context, TriggerTime::After, change)?;
        }
        Ok(())
    }

    /// Removes a row that stands in the way of an UPDATE, as [`Target::remove_victim`] does; what that sets off may not
    /// write this table, because the row that is updated is half-way between its old and its new state.
    pub(super) fn remove_victim_of_update(
        &mut self,
        context: &mut ExecContext<'_>,
        locator: &Locator,
    ) -> Result<bool, Failure> {
        let outer = context.state.session.pinned;
        context.state.session.pinned = Some(Pin::new(
            self.database,
            self.table.root,
            context.state.session.depth,
        ));
        let removed = self.remove_victim(context, locator);
        context.state.session.pinned = outer;
        removed
    }
}
