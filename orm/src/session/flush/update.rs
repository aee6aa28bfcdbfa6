//! The unit of work's UPDATEs.

use super::variants::changes_variant;
use super::{
    Moment, ROWS_AT_ONCE, RowRef, Session, decode_error, returned_columns, statements_of, write_row,
};
use crate::dialect::Dialect;
use crate::engine::{Connection, Prepared};
use crate::error::{Error, Result};
use crate::mapper::{ColumnMeta, EntityMeta, show_key};
use crate::session::statements::Statements;
use crate::session::store::{State, Store};
use crate::session::undo::Undo;
use crate::types::Value;

impl Session {
    pub(super) fn update_arena(&mut self, arena: usize) -> Result<()> {
        self.tell_updates(arena)?;
        let Some(any) = self.store.any_mut(arena) else {
            return Ok(());
        };
        let dirty = std::mem::take(&mut any.core_mut().dirty);
        if dirty.is_empty() {
            return Ok(());
        }
        self.forget_relations_to(arena);
        let mut done = 0;
        let written = self.update_rows(arena, &dirty, &mut done);
        let written = written.and_then(|()| self.read_computed(arena, dirty.get(..done).unwrap_or_default()));
        if let Some(any) = self.store.any_mut(arena) {
            // What was not reached is still dirty; rows marked for deletion keep their base until then.
            any.core_mut().dirty.extend(dirty.into_iter().skip(done));
        }
        written?;
        self.tell_written()
    }

    /// Tells of the rows of which a column differs, and asks their rules.
    fn tell_updates(&mut self, arena: usize) -> Result<()> {
        let validated = self.store.any(arena).is_some_and(|any| any.is_validated());
        if !validated && !self.hears(Moment::BeforeUpdate) {
            return Ok(());
        }
        for row in self.rows(arena, |core| &core.dirty) {
            if Change::default().read(&self.store, arena, row.1)? {
                self.tell_rows(Moment::BeforeUpdate, &[row])?;
                self.validate(&[row])?;
            }
        }
        Ok(())
    }

    fn update_rows(&mut self, arena: usize, dirty: &[u32], done: &mut usize) -> Result<()> {
        let Session {
            store,
            link,
            statements,
            undo,
            engine,
            ..
        } = self;
        let (Some(meta), Some(link)) = (store.any(arena).map(|a| a.meta()), link.as_mut()) else {
            return Ok(());
        };
        let returning = returned_columns(meta, engine.dialect());
        // What the database computes may be part of a key that the next row refers to.
        let at_once = if returning.is_empty() { ROWS_AT_ONCE } else { 1 };
        let mut run = UpdateRun {
            meta,
            arena,
            columns: Vec::new(),
            returning,
            dialect: engine.dialect(),
            looked_at: Vec::new(),
        };
        while let Some(rest) = dirty.get(*done..).filter(|rest| !rest.is_empty()) {
            let slots = &rest[..at_once.min(rest.len())];
            let written = run.write(store, slots, link, statements_of(statements, arena));
            *done += run.looked_at.len();
            let noted = run.note(store, undo);
            written.and(noted)?;
        }
        Ok(())
    }
}

/// Rows of which the same columns change, which are updated by one statement.
pub(super) struct UpdateRun<'d> {
    pub(super) meta: &'static EntityMeta,
    pub(super) arena: usize,
    pub(super) columns: Vec<usize>,
    pub(super) returning: Vec<usize>,
    pub(super) dialect: &'d dyn Dialect,
    /// The rows so far.
    pub(super) looked_at: Vec<LookedAt>,
}

/// A row that was updated, with the values that memory does not have yet; or one that was as it is in the database.
pub(super) struct LookedAt {
    pub(super) slot: u32,
    pub(super) updated: Option<Vec<(usize, Value<'static>)>>,
}

impl UpdateRun<'_> {
    /// Updates rows, as long as the same columns change.
    fn write(
        &mut self,
        store: &Store,
        slots: &[u32],
        link: &mut Connection,
        texts: &mut Statements,
    ) -> Result<()> {
        if self.meta.joined {
            return self.write_tables(store, slots, link, texts);
        }
        let (mut slots, mut change) = (slots.iter().copied(), Change::default());
        let Some(mut slot) = self.next_changed(store, &mut slots, &mut change)? else {
            return Ok(());
        };
        self.columns.clone_from(&change.columns);
        let sql = texts.update(self.meta, &self.columns, &self.returning, self.dialect);
        let mut prepared = link.prepare(&*sql)?;
        while change.columns == self.columns {
            let values = self.update(store, slot, &mut change, &mut prepared)?;
            self.looked_at.push(LookedAt {
                slot,
                updated: Some(values),
            });
            match self.next_changed(store, &mut slots, &mut change)? {
                Some(next) => slot = next,
                None => break,
            }
        }
        Ok(())
    }

    /// The next row that differs from the database, and how.
    pub(super) fn next_changed<'s>(
        &mut self,
        store: &'s Store,
        slots: &mut impl Iterator<Item = u32>,
        change: &mut Change<'s>,
    ) -> Result<Option<u32>> {
        for slot in slots {
            if change.read(store, self.arena, slot)? {
                return Ok(Some(slot));
            }
            self.looked_at.push(LookedAt { slot, updated: None });
        }
        Ok(None)
    }

    fn update<'s>(
        &self,
        store: &'s Store,
        slot: u32,
        change: &mut Change<'s>,
        prepared: &mut Prepared<'_>,
    ) -> Result<Vec<(usize, Value<'static>)>> {
        store.push_stored_key(self.arena, slot, &mut change.values);
        if let Some(version) = self.meta.version {
            let base = store.any(self.arena).and_then(|any| any.core().base(slot));
            let before = base.and_then(|base| base.get(version));
            change.values.push(before.map_or(Value::Null, Value::borrowed));
        }
        let back = write_row(prepared, &change.values, &self.returning)?;
        if back.rows == 0 {
            return Err(Error::Stale {
                table: self.meta.table,
                key: show_key(&store.stored_key(self.arena, slot)),
            });
        }
        let mut values = std::mem::take(&mut change.resolved);
        values.extend(back.values);
        Ok(values)
    }

    /// Has memory say what was updated.
    fn note(&mut self, store: &mut Store, undo: &mut Vec<Undo>) -> Result<()> {
        let moves = self.columns.iter().any(|column| self.meta.key.contains(column));
        let mut noted = Ok(());
        for row in self.looked_at.drain(..) {
            match row.updated {
                None => forget_unchanged(store, self.arena, row.slot),
                Some(values) => {
                    let row = (self.arena, row.slot);
                    noted = noted.and(note_updated(store, undo, self.meta, row, moves, values));
                }
            }
        }
        noted
    }
}

/// What an UPDATE has to write: the columns, their new values, and the handles that became keys.
#[derive(Default)]
pub(super) struct Change<'s> {
    pub(super) columns: Vec<usize>,
    values: Vec<Value<'s>>,
    pub(super) resolved: Vec<(usize, Value<'static>)>,
}

impl<'s> Change<'s> {
    /// The new value of a column, if it changes.
    pub(super) fn find(&self, column: usize) -> Option<Value<'s>> {
        let at = self.columns.iter().position(|changed| *changed == column)?;
        self.values.get(at).cloned()
    }

    /// The new value of a column; NULL if it does not change.
    pub(super) fn value(&self, column: usize) -> Value<'s> {
        self.find(column).unwrap_or(Value::Null)
    }

    /// The difference between a row and its base; false where there is none, or the row is to be deleted anyway.
    fn read(&mut self, store: &'s Store, arena: usize, slot: u32) -> Result<bool> {
        self.columns.clear();
        self.values.clear();
        self.resolved.clear();
        let Some(any) = store.any(arena) else {
            return Ok(false);
        };
        let (State::Clean, Some(base)) = (any.core().state(slot), any.core().base(slot)) else {
            return Ok(false);
        };
        let meta = any.meta();
        for ((column, before), column_meta) in base.iter().enumerate().zip(meta.columns) {
            if Some(column) == meta.version || column_meta.generated.is_some() {
                continue;
            }
            let mut value = any.encode(slot, column);
            if let Value::Pending(raw) = value {
                let key = store.key_of(raw)?;
                self.resolved.push((column, key.clone()));
                value = key;
            }
            if !value.sql_eq(before) {
                let fixed = column_meta.read_only || column_meta.immutable || column_meta.query.is_some();
                if fixed && !changes_variant(any, slot, base, column) {
                    return Err(fixed_column(meta, column_meta, &store.stored_key(arena, slot)));
                }
                self.columns.push(column);
                self.values.push(value);
            }
        }
        if self.columns.is_empty() {
            return Ok(false);
        }
        self.stamp(meta);
        self.raise_version(meta, base)?;
        Ok(true)
    }

    /// Sets the columns that say when the row was last changed, unless the program did.
    fn stamp(&mut self, meta: &'static EntityMeta) {
        for (column, column_meta) in meta.columns.iter().enumerate() {
            if let Some(now) = column_meta.updated.filter(|_| !self.columns.contains(&column)) {
                let now = now();
                self.columns.push(column);
                self.values.push(now.clone());
                self.resolved.push((column, now));
            }
        }
    }

    fn raise_version(&mut self, meta: &'static EntityMeta, base: &[Value<'static>]) -> Result<()> {
        let Some(version) = meta.version else {
            return Ok(());
        };
        let Some(Value::Int(before)) = base.get(version) else {
            let message = format!("the version of `{}` is not a whole number", meta.name);
            return Err(Error::Flush(message));
        };
        let next = before.wrapping_add(1);
        self.columns.push(version);
        self.values.push(Value::Int(next));
        self.resolved.push((version, Value::Int(next)));
        Ok(())
    }
}

fn fixed_column(meta: &'static EntityMeta, column: &ColumnMeta, key: &[Value<'_>]) -> Error {
    let why = match column.read_only {
        _ if column.query.is_some() => "is what a query says, and no column of the table",
        true => "is read-only: the database gives its value",
        false => "is immutable: it is only written when the row is inserted",
    };
    let key = show_key(key);
    Error::Flush(format!(
        "`{}` of the row of `{}` with the key {key} was changed, but it {why}; `session.refresh(..)` takes the change back",
        column.field, meta.table
    ))
}

/// A row that was touched but is as it was: its base goes, unless a deletion will ask for it.
fn forget_unchanged(store: &mut Store, arena: usize, slot: u32) {
    let Some(any) = store.any_mut(arena) else { return };
    let meta = any.meta();
    let resolved: Vec<(usize, Value<'static>)> = match any.core().base(slot) {
        // A handle that stands for the key that is there already becomes that key.
        Some(base) => (0..meta.columns.len())
            .filter(|i| matches!(any.encode(slot, *i), Value::Pending(_)))
            .filter_map(|i| Some((i, base.get(i)?.clone())))
            .collect(),
        None => Vec::new(),
    };
    if any.core().state(slot) != State::Clean {
        return;
    }
    for (column, value) in resolved {
        // The value came from this very column.
        let _ = any.set(slot, column, value);
    }
    drop(any.core_mut().take_base(slot));
}

fn note_updated(
    store: &mut Store,
    undo: &mut Vec<Undo>,
    meta: &'static EntityMeta,
    (arena, slot): RowRef,
    moves: bool,
    values: Vec<(usize, Value<'static>)>,
) -> Result<()> {
    let Some(any) = store.any_mut(arena) else {
        return Ok(());
    };
    if moves {
        any.unregister(slot);
    }
    for (column, value) in values {
        any.set(slot, column, value)
            .map_err(|error| decode_error(meta, column, error))?;
    }
    if moves {
        any.register(slot);
    }
    if let Some(base) = any.core_mut().take_base(slot) {
        undo.push(Undo::Update { arena, slot, base });
    }
    Ok(())
}
