//! The unit of work's INSERTs.

use rustc_hash::FxHashMap;

use super::{Moment, RowRef, Session, decode_error, returned_columns, statements_of, write_row};
use crate::dialect::GeneratedKey;
use crate::error::{Error, Result};
use crate::mapper::EntityMeta;
use crate::session::statements::insert_columns;
use crate::session::store::{Core, State, Store};
use crate::session::undo::Undo;
use crate::topology::components;
use crate::types::{RawHandle, Value};

impl Session {
    pub(super) fn insert_group(&mut self, group: &[usize]) -> Result<()> {
        let rows: Vec<RowRef> = group
            .iter()
            .flat_map(|arena| self.rows(*arena, |core| &core.new))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.tell_rows(Moment::BeforeInsert, &rows)?;
        self.validate(&rows)?;
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
        let mut returning = returned_columns(meta, dialect);
        let key = meta.auto_key().filter(|_| keyless);
        if dialect.generated_key() == GeneratedKey::Returning || !returning.is_empty() {
            returning.extend(key);
        }
        let sql = statements_of(statements, arena).insert(meta, keyless, &returning, dialect);
        let columns: Vec<usize> = insert_columns(meta, keyless).collect();
        let mut prepared = link.prepare(&*sql)?;
        let mut spare: Vec<Value<'static>> = Vec::with_capacity(columns.len());
        undo.reserve(slots.len());
        if let Some(any) = store.any_mut(arena) {
            any.expect_keys(slots.len());
        }
        for &slot in slots {
            let mut late: Vec<usize> = Vec::new();
            let mut resolved: Vec<(usize, Value<'static>)> = Vec::new();
            let Some(any) = store.any(arena) else { break };
            let mut params = recycled(spare);
            for &column in &columns {
                let value = any.encode(slot, column);
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
        drop(prepared);
        self.read_computed(arena, slots)
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
fn set_base_null(core: &mut Core, slot: u32, columns: &[usize]) {
    if let Some(base) = core.header_mut(slot).and_then(|header| header.base.as_mut()) {
        columns
            .iter()
            .filter_map(|i| base.get_mut(*i).map(|value| *value = Value::Null))
            .for_each(drop);
    }
}

/// An empty vector with the memory of another: parameters of each row borrow from that row, so their lifetimes differ
/// while the memory need not.
fn recycled<'b>(mut params: Vec<Value<'_>>) -> Vec<Value<'b>> {
    params.clear();
    params.into_iter().map(|_| Value::Null).collect()
}
