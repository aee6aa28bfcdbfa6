//! The unit of work: what changed in memory, written to the database in an order that foreign keys allow.
//!
//! ```text
//!   arenas in groups, those referred to first           (topology over the entities' foreign keys)
//!     for each group:     INSERT new rows, then UPDATE changed ones
//!     backwards:          DELETE marked rows
//! ```
//!
//! Within a group of entities that refer to each other (or to themselves), rows are ordered by the handles in their `Fk`s;
//! where rows form a circle, a nullable reference is left NULL at first and set by the update that follows.
//!
//! A flush that fails half-way leaves memory saying exactly what is written and what is not: the row that failed is still
//! new, dirty or marked. Mend it and flush again, or roll back.
//!
//! Invariants:
//! I1. Every row written is in the undo log before the next one is. (`insert_run`, `update_arena`, `delete_run`)
//! I2. Rows of one shape that follow each other share one prepared statement. (same)

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Session;
use super::statements::{Statements, computed_columns, insert_columns};
use super::store::{State, Store};
use super::undo::Undo;
use crate::dialect::GeneratedKey;
use crate::engine::{Connection, Prepared};
use crate::error::{Error, Result};
use crate::mapper::{EntityMeta, RowReader, show_key};
use crate::topology::components;
use crate::types::{RawHandle, Value};

/// A row to write: its arena and slot.
type RowRef = (usize, u32);

impl Session {
    /// Writes all changes to the database, within the open transaction.
    ///
    /// Queries do it by themselves first (see [`set_autoflush`](Session::set_autoflush)), and so does
    /// [`commit`](Session::commit). New entities get their keys; `Fk`s that held handles hold keys afterwards.
    ///
    /// # Errors
    /// Constraints and conflicts; [`Error::Stale`] where a row was changed or deleted by someone else since it was read.
    pub fn flush(&mut self) -> Result<()> {
        if !self.store.has_changes() {
            return Ok(());
        }
        if self.read_only {
            return Err(Error::ReadOnly("it has changes that would be written"));
        }
        self.cascade_deletes()?;
        self.begin(true)?;
        let groups = self.groups();
        for group in &groups {
            self.insert_group(group)?;
            for arena in group {
                self.update_arena(*arena)?;
            }
        }
        for group in groups.iter().rev() {
            self.delete_group(group)?;
        }
        self.follow_database_cascades();
        Ok(())
    }

    /// The arenas, in groups that refer to each other, those referred to first.
    fn groups(&self) -> Vec<Vec<usize>> {
        let refers_to = |meta: &'static EntityMeta| {
            let entities = meta
                .columns
                .iter()
                .filter_map(|column| column.reference)
                .map(|r| (r.entity)());
            entities
                .filter_map(|entity| self.store.arena_of(entity))
                .collect::<Vec<usize>>()
        };
        let depends_on: Vec<Vec<usize>> = self
            .store
            .arenas()
            .iter()
            .map(|arena| refers_to(arena.meta()))
            .collect();
        components(&depends_on)
    }

    /// Does an entity of this group refer to one of the group?
    fn is_circular(&self, group: &[usize]) -> bool {
        group.len() > 1
            || group
                .first()
                .is_some_and(|arena| !self.inner_references(*arena, group).is_empty())
    }

    /// The columns of an arena that refer to entities of the group.
    fn inner_references(&self, arena: usize, group: &[usize]) -> Vec<usize> {
        let Some(arena) = self.store.any(arena) else {
            return Vec::new();
        };
        let inner = |entity| {
            self.store
                .arena_of(entity)
                .is_some_and(|other| group.contains(&other))
        };
        let columns = arena.meta().columns.iter().enumerate();
        columns
            .filter(|(_, c)| c.reference.is_some_and(|r| inner((r.entity)())))
            .map(|(i, _)| i)
            .collect()
    }

    // --- insert --------------------------------------------------------------------------------------------------

    fn insert_group(&mut self, group: &[usize]) -> Result<()> {
        let rows: Vec<RowRef> = group
            .iter()
            .flat_map(|arena| self.rows(*arena, |core| &core.new))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let (ordered, circular) = if self.is_circular(group) {
            self.insert_order(group, rows)
        } else {
            (rows, false)
        };
        let mut at = 0;
        while let Some((arena, first)) = ordered.get(at).copied() {
            let keyless = self.is_keyless(arena, first);
            let same = |row: &&RowRef| row.0 == arena && self.is_keyless(arena, row.1) == keyless;
            let run: Vec<u32> = ordered
                .iter()
                .skip(at)
                .take_while(same)
                .map(|row| row.1)
                .collect();
            at += run.len();
            let written = self.insert_run(arena, keyless, &run, circular);
            if let Some(arena) = self.store.any_mut(arena) {
                let core = arena.core_mut();
                let mut new = std::mem::take(&mut core.new);
                new.retain(|slot| core.state(*slot) == State::New);
                core.new = new;
            }
            written?;
        }
        Ok(())
    }

    fn rows(&self, arena: usize, list: impl Fn(&super::store::Core) -> &Vec<u32>) -> Vec<RowRef> {
        let slots = self
            .store
            .any(arena)
            .map(|a| list(a.core()).clone())
            .unwrap_or_default();
        slots.into_iter().map(|slot| (arena, slot)).collect()
    }

    /// Will the database assign the key?
    fn is_keyless(&self, arena: usize, slot: u32) -> bool {
        let Some(arena) = self.store.any(arena) else {
            return false;
        };
        arena
            .meta()
            .auto_key()
            .is_some_and(|key| arena.encode(slot, key).is_null())
    }

    /// The rows, each after those that its handles point to; and whether there is a circle among them.
    fn insert_order(&self, group: &[usize], rows: Vec<RowRef>) -> (Vec<RowRef>, bool) {
        let number: FxHashMap<RowRef, usize> = rows.iter().enumerate().map(|(n, row)| (*row, n)).collect();
        let references: FxHashMap<usize, Vec<usize>> = group
            .iter()
            .map(|arena| (*arena, self.inner_references(*arena, group)))
            .collect();
        let depends_on: Vec<Vec<usize>> = rows
            .iter()
            .map(|(arena, slot)| {
                let columns = references.get(arena).map_or(&[][..], Vec::as_slice);
                let pending = columns.iter().filter_map(|column| {
                    match self.store.any(*arena)?.encode(*slot, *column) {
                        Value::Pending(raw) => number.get(&(raw.arena as usize, raw.slot)).copied(),
                        _ => None,
                    }
                });
                pending.collect()
            })
            .collect();
        let groups = components(&depends_on);
        let on_itself = depends_on.iter().enumerate().any(|(n, needs)| needs.contains(&n));
        let circular = on_itself || groups.iter().any(|group| group.len() > 1);
        (
            groups
                .into_iter()
                .flatten()
                .filter_map(|n| rows.get(n).copied())
                .collect(),
            circular,
        )
    }

    /// Inserts rows of one shape with one statement. With `circular`, references to rows that are not there yet are left
    /// NULL and made dirty.
    fn insert_run(&mut self, arena: usize, keyless: bool, slots: &[u32], circular: bool) -> Result<()> {
        self.forget_relations_to(arena);
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
        let mut returning = computed_columns(meta);
        let key = meta.auto_key().filter(|_| keyless);
        if dialect.generated_key() == GeneratedKey::Returning || !returning.is_empty() {
            returning.extend(key);
        }
        let sql = statements_of(statements, arena).insert(meta, keyless, &returning, dialect);
        let columns: Vec<usize> = insert_columns(meta, keyless).collect();
        let mut prepared = link.prepare(&*sql)?;
        let mut spare: Vec<Value<'static>> = Vec::with_capacity(columns.len());
        for &slot in slots {
            let mut late: Vec<usize> = Vec::new();
            let mut resolved: Vec<(usize, Value<'static>)> = Vec::new();
            let mut params = recycled(spare);
            for &column in &columns {
                let value = store.any(arena).map_or(Value::Null, |a| a.encode(slot, column));
                params.push(match value {
                    Value::Pending(raw) if circular && is_unwritten(store, raw) => {
                        late.push(column);
                        Value::Null
                    }
                    Value::Pending(raw) => {
                        let key = store.key_of(raw)?;
                        resolved.push((column, key.clone()));
                        key
                    }
                    value => value,
                });
            }
            check_late(meta, &late)?;
            let mut back = write_row(&mut prepared, &params, &returning)?;
            spare = recycled(params);
            if let (Some(key), Some(id), true) = (key, back.last_insert_id, !returning.contains(&meta.key[0]))
            {
                back.values.push((key, Value::Int(id)));
            }
            let Some(any) = store.any_mut(arena) else { continue };
            for (column, value) in resolved.into_iter().chain(back.values) {
                any.set(slot, column, value)
                    .map_err(|error| decode_error(meta, column, error))?;
            }
            any.register(slot);
            any.core_mut().set_state(slot, State::Clean);
            undo.push(Undo::Insert { arena, slot });
            if !late.is_empty() {
                any.touch(slot);
                set_base_null(any.core_mut(), slot, &late);
            }
        }
        Ok(())
    }

    // --- update --------------------------------------------------------------------------------------------------

    fn update_arena(&mut self, arena: usize) -> Result<()> {
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
        if let Some(any) = self.store.any_mut(arena) {
            // What was not reached is still dirty; rows marked for deletion keep their base until then.
            any.core_mut().dirty.extend(dirty.into_iter().skip(done));
        }
        written
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
        let returning = computed_columns(meta);
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

    // --- delete --------------------------------------------------------------------------------------------------

    fn delete_group(&mut self, group: &[usize]) -> Result<()> {
        let rows: Vec<RowRef> = group
            .iter()
            .rev()
            .flat_map(|arena| self.rows(*arena, |core| &core.marked))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let ordered = if self.is_circular(group) {
            self.delete_order(group, rows)
        } else {
            rows
        };
        let mut at = 0;
        while let Some((arena, _)) = ordered.get(at).copied() {
            let run: Vec<u32> = ordered
                .iter()
                .skip(at)
                .take_while(|row| row.0 == arena)
                .map(|row| row.1)
                .collect();
            at += run.len();
            let written = self.delete_run(arena, &run);
            if let Some(arena) = self.store.any_mut(arena) {
                let core = arena.core_mut();
                let mut marked = std::mem::take(&mut core.marked);
                marked.retain(|slot| core.state(*slot) == State::Marked);
                core.marked = marked;
            }
            written?;
        }
        Ok(())
    }

    /// The rows, each before the one that it refers to.
    fn delete_order(&self, group: &[usize], rows: Vec<RowRef>) -> Vec<RowRef> {
        let number: FxHashMap<RowRef, usize> = rows.iter().enumerate().map(|(n, row)| (*row, n)).collect();
        let mut depends_on: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
        for (n, (arena, slot)) in rows.iter().enumerate() {
            for column in self.inner_references(*arena, group) {
                if let Some(parent) = self
                    .referred(*arena, *slot, column)
                    .and_then(|row| number.get(&row))
                {
                    // The parent waits for this row.
                    if *parent != n {
                        depends_on[*parent].push(n);
                    }
                }
            }
        }
        components(&depends_on)
            .into_iter()
            .flatten()
            .filter_map(|n| rows.get(n).copied())
            .collect()
    }

    /// The row of the session that a reference points to.
    fn referred(&self, arena: usize, slot: u32, column: usize) -> Option<RowRef> {
        let any = self.store.any(arena)?;
        let reference = any.meta().columns.get(column)?.reference?;
        match any.encode(slot, column) {
            Value::Null => None,
            Value::Pending(raw) => Some((raw.arena as usize, raw.slot)),
            key => {
                let target = self.store.arena_of((reference.entity)())?;
                Some((target, self.store.any(target)?.slot_of(&key)?))
            }
        }
    }

    fn delete_run(&mut self, arena: usize, slots: &[u32]) -> Result<()> {
        self.forget_relations_to(arena);
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
        let sql = statements_of(statements, arena).delete(meta, engine.dialect());
        let mut prepared = link.prepare(&*sql)?;
        for &slot in slots {
            let mut params = store.stored_key(arena, slot);
            if let Some(version) = meta.version {
                let base = store
                    .any(arena)
                    .and_then(|a| Some(a.core().base(slot)?.get(version)?.clone()));
                let current = || {
                    store
                        .any(arena)
                        .map_or(Value::Null, |a| a.encode(slot, version).into_owned())
                };
                params.push(base.unwrap_or_else(current));
            }
            let outcome = prepared.execute(&params)?;
            // Without a version, a row that is gone already is as it should be.
            if outcome.rows == 0 && meta.version.is_some() {
                return Err(Error::Stale {
                    table: meta.table,
                    key: show_key(&store.stored_key(arena, slot)),
                });
            }
            let Some(any) = store.any_mut(arena) else { continue };
            any.unregister(slot);
            any.core_mut().set_state(slot, State::Deleted);
            undo.push(Undo::Delete { arena, slot });
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
        values: Vec::new(),
        resolved: Vec::new(),
    };
    for (column, before) in base.iter().enumerate() {
        if Some(column) == meta.version || meta.columns.get(column).is_none_or(|c| c.generated.is_some()) {
            continue;
        }
        let mut value = any.encode(slot, column);
        if let Value::Pending(raw) = value {
            let key = store.key_of(raw)?;
            change.resolved.push((column, key.clone()));
            value = key;
        }
        if !value.sql_eq(before) {
            change.columns.push(column);
            change.values.push(value.into_owned());
        }
    }
    let Some(version) = meta.version.filter(|_| !change.columns.is_empty()) else {
        return Ok(if change.columns.is_empty() {
            None
        } else {
            Some(change)
        });
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
    let key = store.stored_key(arena, slot);
    params.extend(key.iter().map(Value::borrowed));
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
            key: show_key(&key),
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

/// What came back from writing a row.
struct Back {
    rows: u64,
    last_insert_id: Option<i64>,
    values: Vec<(usize, Value<'static>)>,
}

fn write_row(prepared: &mut Prepared<'_>, params: &[Value<'_>], returning: &[usize]) -> Result<Back> {
    if returning.is_empty() {
        let outcome = prepared.execute(params)?;
        return Ok(Back {
            rows: outcome.rows,
            last_insert_id: outcome.last_insert_id,
            values: Vec::new(),
        });
    }
    let mut back = Back {
        rows: 0,
        last_insert_id: None,
        values: Vec::new(),
    };
    let mut rows = prepared.query(params)?;
    while let Some(row) = rows.next()? {
        back.rows += 1;
        let row = RowReader::new(row);
        back.values = returning
            .iter()
            .enumerate()
            .map(|(n, i)| (*i, row.value(n).into_owned()))
            .collect();
    }
    Ok(back)
}

fn statements_of(statements: &mut Vec<Statements>, arena: usize) -> &mut Statements {
    if statements.len() <= arena {
        statements.resize_with(arena + 1, Statements::default);
    }
    &mut statements[arena]
}

impl Session {
    /// The text of an entity's SELECT by key.
    pub(super) fn select_sql(&mut self, arena: usize) -> Option<Arc<str>> {
        let meta = self.store.any(arena)?.meta();
        Some(statements_of(&mut self.statements, arena).select(meta, self.engine.dialect()))
    }

    /// The connection of the open transaction.
    pub(super) fn open_link(&mut self) -> Result<&mut Connection> {
        self.link.as_mut().ok_or(Error::Closed)
    }
}

fn is_unwritten(store: &Store, raw: RawHandle) -> bool {
    store
        .check(raw)
        .is_ok_and(|arena| arena.core().state(raw.slot) == State::New)
}

fn check_late(meta: &'static EntityMeta, late: &[usize]) -> Result<()> {
    match late
        .iter()
        .filter_map(|i| meta.columns.get(*i))
        .find(|column| !column.nullable)
    {
        Some(column) => Err(Error::Flush(format!(
            "rows of `{}` refer to each other in a circle, and `{}` cannot be NULL for a moment: make it an `Option`",
            meta.table, column.name
        ))),
        None => Ok(()),
    }
}

/// In the base, those columns are NULL: so the row is dirty in them.
fn set_base_null(core: &mut super::store::Core, slot: u32, columns: &[usize]) {
    if let Some(base) = core.header_mut(slot).and_then(|header| header.base.as_mut()) {
        columns
            .iter()
            .filter_map(|i| base.get_mut(*i).map(|value| *value = Value::Null))
            .for_each(drop);
    }
}

fn decode_error(meta: &'static EntityMeta, column: usize, error: crate::types::DecodeError) -> Error {
    let name = meta.columns.get(column).map_or("?", |column| column.name);
    Error::decode(format!("column `{}.{name}`", meta.table), error)
}

/// An empty vector with the memory of another: parameters of each row borrow from that row, so their lifetimes differ
/// while the memory need not.
fn recycled<'b>(mut params: Vec<Value<'_>>) -> Vec<Value<'b>> {
    params.clear();
    params.into_iter().map(|_| Value::Null).collect()
}
