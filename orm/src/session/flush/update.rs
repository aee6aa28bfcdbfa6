//! The unit of work's UPDATEs.

use super::{Moment, RowRef, Session, decode_error, returned_columns, statements_of, write_row};
use crate::engine::Prepared;
use crate::error::{Error, Result};
use crate::mapper::{ColumnMeta, EntityMeta, show_key};
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
            if change_of(&self.store, arena, row.1)?.is_some() {
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
        let dialect = engine.dialect();
        let returning = returned_columns(meta, dialect);
        let mut changed_before: Vec<usize> = Vec::new();
        let mut at = 0;
        while at < dirty.len() {
            let Some(&slot) = dirty.get(at) else { break };
            let Some(change) = change_of(store, arena, slot)? else {
                forget_unchanged(store, arena, slot);
                at += 1;
                *done = at;
                continue;
            };
            changed_before.clone_from(&change.columns);
            let sql = statements_of(statements, arena).update(meta, &changed_before, &returning, dialect);
            let mut prepared = link.prepare(&*sql)?;
            let mut next = Some(change);
            // The rows that follow and change the same columns go by the same statement.
            while let Some(change) = next.take_if(|change| change.columns == changed_before) {
                let slot = dirty[at];
                update_row(
                    store,
                    undo,
                    &mut prepared,
                    meta,
                    (arena, slot),
                    change,
                    &returning,
                )?;
                at += 1;
                *done = at;
                if let Some(&slot) = dirty.get(at) {
                    next = change_of(store, arena, slot)?;
                }
            }
        }
        Ok(())
    }
}

/// What an UPDATE has to write: the columns, their new values, and the handles that became keys.
struct Change {
    columns: Vec<usize>,
    values: Vec<Value<'static>>,
    resolved: Vec<(usize, Value<'static>)>,
}

impl Change {
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
}

fn fixed_column(meta: &'static EntityMeta, column: &ColumnMeta, key: &[Value<'_>]) -> Error {
    let why = match column.read_only {
        true => "is read-only: the database gives its value",
        false => "is immutable: it is only written when the row is inserted",
    };
    let key = show_key(key);
    Error::Flush(format!(
        "`{}` of the row of `{}` with the key {key} was changed, but it {why}; `session.refresh(..)` takes the change back",
        column.field, meta.table
    ))
}

/// The difference between a row and its base; `None` where there is none, or the row is to be deleted anyway.
fn change_of(store: &Store, arena: usize, slot: u32) -> Result<Option<Change>> {
    let Some(any) = store.any(arena) else {
        return Ok(None);
    };
    let (State::Clean, Some(base)) = (any.core().state(slot), any.core().base(slot)) else {
        return Ok(None);
    };
    let meta = any.meta();
    let mut change = Change {
        columns: Vec::new(),
        // The key and the version come behind.
        values: Vec::with_capacity(meta.key.len() + 3),
        resolved: Vec::new(),
    };
    for (column, before) in base.iter().enumerate() {
        if Some(column) == meta.version || meta.columns.get(column).is_none_or(|c| c.generated.is_some()) {
            continue;
        }
        let fixed = meta.columns.get(column).filter(|c| c.read_only || c.immutable);
        let mut value = any.encode(slot, column);
        if let Value::Pending(raw) = value {
            let key = store.key_of(raw)?;
            change.resolved.push((column, key.clone()));
            value = key;
        }
        if !value.sql_eq(before) {
            if let Some(fixed) = fixed {
                return Err(fixed_column(meta, fixed, &store.stored_key(arena, slot)));
            }
            change.columns.push(column);
            change.values.push(value.into_owned());
        }
    }
    if change.columns.is_empty() {
        return Ok(None);
    }
    change.stamp(meta);
    let Some(version) = meta.version else {
        return Ok(Some(change));
    };
    let Some(Value::Int(before)) = base.get(version) else {
        let message = format!("the version of `{}` is not a whole number", meta.name);
        return Err(Error::Flush(message));
    };
    change.columns.push(version);
    change.values.push(Value::Int(before.wrapping_add(1)));
    change
        .resolved
        .push((version, Value::Int(before.wrapping_add(1))));
    Ok(Some(change))
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
    if let Some(header) = any.core_mut().header_mut(slot) {
        header.base = None;
    }
}

fn update_row(
    store: &mut Store,
    undo: &mut Vec<Undo>,
    prepared: &mut Prepared<'_>,
    meta: &'static EntityMeta,
    (arena, slot): RowRef,
    change: Change,
    returning: &[usize],
) -> Result<()> {
    let mut params = change.values;
    params.extend(store.stored_key(arena, slot));
    if let Some(version) = meta.version {
        let base = store
            .any(arena)
            .and_then(|any| any.core().base(slot)?.get(version));
        params.push(base.cloned().unwrap_or_default());
    }
    let back = write_row(prepared, &params, returning)?;
    if back.rows == 0 {
        return Err(Error::Stale {
            table: meta.table,
            key: show_key(&store.stored_key(arena, slot)),
        });
    }
    let Some(any) = store.any_mut(arena) else {
        return Ok(());
    };
    let key_changed = change.columns.iter().any(|column| meta.key.contains(column));
    if key_changed {
        any.unregister(slot);
    }
    for (column, value) in change.resolved.into_iter().chain(back.values) {
        any.set(slot, column, value)
            .map_err(|error| decode_error(meta, column, error))?;
    }
    if key_changed {
        any.register(slot);
    }
    if let Some(base) = any
        .core_mut()
        .header_mut(slot)
        .and_then(|header| header.base.take())
    {
        undo.push(Undo::Update { arena, slot, base });
    }
    Ok(())
}
