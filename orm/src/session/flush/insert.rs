//! The unit of work's INSERTs.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{
    Moment, ROWS_AT_ONCE, RowRef, Session, decode_error, returned_columns, statements_of, write_row,
};
use crate::dialect::GeneratedKey;
use crate::engine::Prepared;
use crate::error::{Error, Result};
use crate::mapper::EntityMeta;
use crate::query::variants::atomically;
use crate::session::statements::insert_columns;
use crate::session::store::{AnyArena, Core, State, Store};
use crate::session::undo::Undo;
use crate::topology::components;
use crate::types::{RawHandle, Value};

impl Session {
    pub(super) fn insert_group(&mut self, group: &[usize]) -> Result<()> {
        match group {
            [arena] if !self.tells_of_inserts() && !self.is_circular(group) => self.insert_arena(*arena),
            _ => self.insert_rows(group),
        }
    }

    /// Inserts the new rows of one entity, of which nobody is told and no order matters.
    fn insert_arena(&mut self, arena: usize) -> Result<()> {
        if self.store.any(arena).is_some_and(|any| any.is_validated()) {
            self.validate(&self.rows(arena, |core| &core.new))?;
        }
        let Some(any) = self.store.any_mut(arena) else {
            return Ok(());
        };
        let mut new = std::mem::take(&mut any.core_mut().new);
        if new.is_empty() {
            return Ok(());
        }
        let mut written = Ok(());
        let mut rest = new.as_slice();
        while let Some(first) = rest.first().filter(|_| written.is_ok()) {
            let keyless = self.is_keyless(arena, *first);
            let same = rest
                .iter()
                .take_while(|slot| self.is_keyless(arena, **slot) == keyless);
            let (run, behind) = rest.split_at(same.count());
            written = self.insert_run(arena, keyless, run, (ROWS_AT_ONCE, false));
            rest = behind;
        }
        if let Some(any) = self.store.any_mut(arena).filter(|_| written.is_err()) {
            // What was not reached is still new.
            let core = any.core_mut();
            new.retain(|slot| core.state(*slot) == State::New);
            core.new = new;
        }
        self.tell_written()?;
        written
    }

    /// Inserts the new rows of entities that refer to each other, or of which somebody is told.
    fn insert_rows(&mut self, group: &[usize]) -> Result<()> {
        let rows: Vec<RowRef> = group
            .iter()
            .flat_map(|arena| self.rows(*arena, |core| &core.new))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.tell_rows(Moment::BeforeInsert, &rows)?;
        self.validate(&rows)?;
        let (ordered, way) = match self.is_circular(group) {
            true => {
                let (ordered, circular) = self.insert_order(group, rows);
                (ordered, (1, circular))
            }
            false => (rows, (ROWS_AT_ONCE, false)),
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
            let written = self.insert_run(arena, keyless, &run, way);
            if let Some(arena) = self.store.any_mut(arena) {
                let core = arena.core_mut();
                let mut new = std::mem::take(&mut core.new);
                new.retain(|slot| core.state(*slot) == State::New);
                core.new = new;
            }
            written?;
            self.tell_written()?;
        }
        Ok(())
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

    /// Inserts rows of one shape with one statement, so many `at_once`: of a row that others refer to, memory has to know the key before they
    /// are written. With `circular`, references to rows that are not there yet are left NULL and made dirty.
    fn insert_run(
        &mut self,
        arena: usize,
        keyless: bool,
        slots: &[u32],
        (at_once, circular): (usize, bool),
    ) -> Result<()> {
        self.forget_relations_to(arena);
        let each_told = self.tells_of_inserts();
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
        let mut returning = returned_columns(meta, dialect);
        let key = meta.auto_key().filter(|_| keyless);
        if dialect.generated_key() == GeneratedKey::Returning || !returning.is_empty() {
            returning.extend(key);
        }
        let sql = statements_of(statements, arena).insert(meta, keyless, &returning, dialect);
        let run = InsertRun {
            meta,
            arena,
            columns: insert_columns(meta, keyless).collect(),
            key: key.filter(|key| !returning.contains(key)),
            refers: meta.columns.iter().any(|column| column.reference.is_some()),
            returning,
            circular,
            each_told,
        };
        let mut inserted = Vec::with_capacity(at_once.min(slots.len()));
        if meta.joined {
            let texts = statements_of(statements, arena);
            for slots in slots.chunks(at_once) {
                let written = atomically(link, |link| {
                    run.write(store, slots, &mut link.prepare(&*sql)?, &mut inserted)?;
                    run.write_variants(store, link, texts, &mut inserted)
                });
                if written.is_err() {
                    // The base rows are gone again.
                    inserted.clear();
                }
                let noted = run.note(store, undo, &mut inserted);
                written.and(noted)?;
            }
            return self.read_computed(arena, slots);
        }
        let mut prepared = link.prepare(&*sql)?;
        for slots in slots.chunks(at_once) {
            let written = run.write(store, slots, &mut prepared, &mut inserted);
            let noted = run.note(store, undo, &mut inserted);
            written.and(noted)?;
        }
        drop(prepared);
        self.read_computed(arena, slots)
    }
}

/// Rows that are inserted by one statement.
pub(super) struct InsertRun {
    pub(super) meta: &'static EntityMeta,
    pub(super) arena: usize,
    columns: Vec<usize>,
    returning: Vec<usize>,
    /// The column that gets the key that the backend tells.
    pub(super) key: Option<usize>,
    /// Has it columns that may hold handles?
    refers: bool,
    circular: bool,
    /// Each row has an entry of its own in the undo log.
    each_told: bool,
}

/// A row that was inserted, and what memory does not have of it yet. Most have a key at most, so the rest is apart.
pub(super) struct Inserted {
    pub(super) slot: u32,
    pub(super) key: Option<i64>,
    more: Option<Box<More>>,
}

#[derive(Default)]
pub(super) struct More {
    values: Vec<(usize, Value<'static>)>,
    /// References that were left NULL.
    pub(super) late: Vec<usize>,
}

impl Inserted {
    /// What memory is still to have in that column.
    pub(super) fn given(&self, column: usize) -> Option<Value<'static>> {
        let values = &self.more.as_ref()?.values;
        values
            .iter()
            .find(|(i, _)| *i == column)
            .map(|(_, value)| value.clone())
    }

    pub(super) fn more_mut(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }
}

impl InsertRun {
    /// Inserts rows, and says of each what came back.
    fn write(
        &self,
        store: &Store,
        slots: &[u32],
        prepared: &mut Prepared<'_>,
        inserted: &mut Vec<Inserted>,
    ) -> Result<()> {
        let Some(any) = store.any(self.arena) else {
            return Ok(());
        };
        let mut params = Vec::with_capacity(self.columns.len());
        let is_plain = !self.refers && self.returning.is_empty();
        // Only listeners before the flush can take new rows back, and these were gathered after them.
        debug_assert!(slots.iter().all(|slot| any.core().state(*slot) == State::New));
        for &slot in slots {
            params.clear();
            any.push_values(slot, &self.columns, &mut params);
            if is_plain {
                let outcome = prepared.execute(&params)?;
                inserted.push(Inserted {
                    slot,
                    key: outcome.last_insert_id.filter(|_| self.key.is_some()),
                    more: None,
                });
            } else {
                inserted.push(self.write_referring(store, slot, &mut params, prepared)?);
            }
        }
        Ok(())
    }

    /// Inserts a row that may hold handles, or of which values come back.
    fn write_referring(
        &self,
        store: &Store,
        slot: u32,
        params: &mut [Value<'_>],
        prepared: &mut Prepared<'_>,
    ) -> Result<Inserted> {
        let mut more = More::default();
        for (column, value) in self.columns.iter().zip(params.iter_mut()) {
            if let Value::Pending(raw) = *value {
                *value = self.resolve(store, *column, raw, &mut more)?;
            }
        }
        check_late(self.meta, &more.late)?;
        let back = write_row(prepared, params, &self.returning)?;
        match more.values.is_empty() {
            true => more.values = back.values,
            false => more.values.extend(back.values),
        }
        let has_more = !(more.values.is_empty() && more.late.is_empty());
        Ok(Inserted {
            slot,
            key: back.last_insert_id.filter(|_| self.key.is_some()),
            more: has_more.then(|| Box::new(more)),
        })
    }

    /// What a handle is in the row: the key of the entity, or NULL for a while.
    pub(super) fn resolve(
        &self,
        store: &Store,
        column: usize,
        raw: RawHandle,
        row: &mut More,
    ) -> Result<Value<'static>> {
        if self.circular && is_unwritten(store, raw) {
            row.late.push(column);
            return Ok(Value::Null);
        }
        let key = store.key_of(raw)?;
        row.values.push((column, key.clone()));
        Ok(key)
    }

    /// Has memory say what was inserted.
    fn note(&self, store: &mut Store, undo: &mut Vec<Undo>, inserted: &mut Vec<Inserted>) -> Result<()> {
        let Some(any) = store.any_mut(self.arena) else {
            return Ok(());
        };
        let mut noted = Ok(());
        let mut beside: Option<Range<u32>> = None;
        for row in inserted.drain(..) {
            let slot = row.slot;
            if let Err(error) = self.note_row(any, row) {
                noted = noted.and(Err(error));
                continue;
            }
            match &mut beside {
                Some(slots) if slots.end == slot && !self.each_told => slots.end += 1,
                _ => self.log(undo, beside.replace(slot..slot + 1)),
            }
        }
        self.log(undo, beside);
        noted
    }

    fn log(&self, undo: &mut Vec<Undo>, slots: Option<Range<u32>>) {
        let arena = self.arena;
        undo.extend(slots.map(|slots| Undo::Inserts { arena, slots }));
    }

    fn note_row(&self, any: &mut dyn AnyArena, row: Inserted) -> Result<()> {
        let slot = row.slot;
        let More { values, late } = row.more.map_or_else(More::default, |more| *more);
        for (column, value) in values {
            any.set(slot, column, value)
                .map_err(|error| decode_error(self.meta, column, error))?;
        }
        let told = self.key.zip(row.key);
        if let Err(error) = any.note_inserted(slot, told) {
            return Err(decode_error(self.meta, self.key.unwrap_or(0), error));
        }
        if !late.is_empty() {
            any.touch(slot);
            set_base_null(any.core_mut(), slot, &late);
        }
        Ok(())
    }
}

fn is_unwritten(store: &Store, raw: RawHandle) -> bool {
    store
        .check(raw)
        .is_ok_and(|arena| arena.core().state(raw.slot) == State::New)
}

pub(super) fn check_late(meta: &'static EntityMeta, late: &[usize]) -> Result<()> {
    match late
        .iter()
        .filter_map(|i| meta.columns.get(*i))
        .find(|column| !column.is_nullable())
    {
        Some(column) => Err(Error::Flush(format!(
            "rows of `{}` refer to each other in a circle, and `{}` cannot be NULL for a moment: make it an `Option`",
            meta.table, column.name
        ))),
        None => Ok(()),
    }
}

/// In the base, those columns are NULL: so the row is dirty in them.
fn set_base_null(core: &mut Core, slot: u32, columns: &[usize]) {
    if let Some(base) = core.base_mut(slot) {
        columns
            .iter()
            .filter_map(|i| base.get_mut(*i).map(|value| *value = Value::Null))
            .for_each(drop);
    }
}
