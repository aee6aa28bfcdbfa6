//! The unit of work's DELETEs.

use rustc_hash::FxHashMap;

use super::{Moment, RowRef, Session, statements_of};
use crate::error::{Error, Result};
use crate::mapper::{EntityMeta, show_key};
use crate::session::store::{State, Store};
use crate::session::undo::Undo;
use crate::topology::components;
use crate::types::Value;

impl Session {
    pub(super) fn delete_group(&mut self, group: &[usize]) -> Result<()> {
        let rows: Vec<RowRef> = group
            .iter()
            .rev()
            .flat_map(|arena| self.rows(*arena, |core| &core.marked))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.tell_rows(Moment::BeforeDelete, &rows)?;
        let ordered = if self.is_circular(group) {
            let (ordered, circling) = self.delete_order(group, rows);
            self.cut_circles(&circling)?;
            ordered
        } else {
            rows
        };
        let mut at = 0;
        while let Some((arena, slot)) = ordered.get(at).copied() {
            let soft = self.store.soft_delete(arena, slot).is_some();
            let run: Vec<u32> = ordered
                .iter()
                .skip(at)
                .take_while(|row| row.0 == arena && self.store.soft_delete(arena, row.1).is_some() == soft)
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
            self.tell_written()?;
        }
        Ok(())
    }

    /// The rows, each before the one that it refers to; and the references that have to be NULL before, because rows refer to
    /// each other in a circle.
    fn delete_order(&self, group: &[usize], rows: Vec<RowRef>) -> (Vec<RowRef>, Vec<(RowRef, usize)>) {
        let references = self.references_among(group, &rows);
        let circles = components(&waiting(rows.len(), &references, |_| true));
        let mut circle_of: Vec<usize> = vec![0; rows.len()];
        for (number, circle) in circles.iter().enumerate() {
            circle.iter().for_each(|row| circle_of[*row] = number);
        }
        let is_cut = |reference: &Among| {
            reference.nullable && circle_of[reference.child] == circle_of[reference.parent]
        };
        let circling = references.iter().filter(|reference| is_cut(reference));
        let circling = circling
            .map(|reference| (rows[reference.child], reference.column))
            .collect();
        let order = components(&waiting(rows.len(), &references, |reference| !is_cut(reference)));
        (
            order.into_iter().flatten().map(|row| rows[row]).collect(),
            circling,
        )
    }

    /// Which of the rows refer to which, as the database has them.
    fn references_among(&self, group: &[usize], rows: &[RowRef]) -> Vec<Among> {
        let number: FxHashMap<RowRef, usize> = rows.iter().enumerate().map(|(n, row)| (*row, n)).collect();
        let cuts_itself = !self.engine.dialect().deletes_what_refers_to_itself();
        let mut references = Vec::new();
        for (child, (arena, slot)) in rows.iter().enumerate() {
            for column in self.inner_references(*arena, group) {
                let parent = self.referred(*arena, *slot, column);
                let Some(&parent) = parent
                    .and_then(|row| number.get(&row))
                    .filter(|parent| **parent != child || cuts_itself)
                else {
                    continue;
                };
                let meta = self
                    .store
                    .any(*arena)
                    .and_then(|any| any.meta().columns.get(column));
                references.push(Among {
                    child,
                    parent,
                    column,
                    nullable: meta.is_some_and(|meta| meta.is_nullable()),
                });
            }
        }
        references
    }

    /// The row of the session that a reference points to in the database; `column` is the first of its columns.
    fn referred(&self, arena: usize, slot: u32, column: usize) -> Option<RowRef> {
        let any = self.store.any(arena)?;
        let reference = any.meta().columns.get(column)?.reference?;
        let columns = any.meta().foreign_keys().find(|key| key.start == column)?;
        let base = any.core().base(slot);
        let mut key = Vec::with_capacity(columns.len());
        for column in columns {
            let stored = base.and_then(|base| base.get(column));
            match stored.map_or_else(|| any.encode(slot, column), Value::borrowed) {
                Value::Null => return None,
                Value::Pending(raw) => return Some((raw.arena as usize, raw.slot)),
                value => key.push(value),
            }
        }
        let target = self.store.arena_of((reference.entity)())?;
        Some((target, self.store.any(target)?.slot_of(&key)?))
    }

    /// Has rows that are about to be deleted refer to nothing.
    fn cut_circles(&mut self, circling: &[(RowRef, usize)]) -> Result<()> {
        for &((arena, slot), column) in circling {
            let Session {
                store,
                link,
                statements,
                engine,
                ..
            } = self;
            let (Some(meta), Some(link)) = (store.any(arena).map(|a| a.meta()), link.as_mut()) else {
                return Ok(());
            };
            let sql = statements_of(statements, arena).update(meta, &[column], &[], engine.dialect());
            let mut params = vec![Value::Null];
            params.extend(store.stored_key(arena, slot));
            if meta
                .columns
                .get(column)
                .is_some_and(|column| column.variant.is_none())
            {
                params.extend(stored_version(store, meta, arena, slot));
            }
            link.prepare(&*sql)?.execute(&params)?;
        }
        Ok(())
    }

    fn delete_run(&mut self, arena: usize, slots: &[u32]) -> Result<()> {
        self.forget_relations_to(arena);
        let marks = slots
            .first()
            .is_some_and(|slot| self.store.soft_delete(arena, *slot).is_some());
        if !marks && self.store.any(arena).is_some_and(|any| any.meta().joined) {
            self.delete_tables(arena, slots)?;
            let Session { store, undo, .. } = self;
            slots
                .iter()
                .for_each(|slot| note_deleted(store, undo, arena, *slot));
            return Ok(());
        }
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
        let soft = slots.first().and_then(|slot| store.soft_delete(arena, *slot));
        let texts = statements_of(statements, arena);
        let sql = match soft {
            Some((column, _)) => texts.soft_delete(meta, column, engine.dialect()),
            None => texts.delete(meta, engine.dialect()),
        };
        let mut prepared = link.prepare(&*sql)?;
        for &slot in slots {
            let mut params: Vec<Value<'static>> = soft.iter().map(|(_, mark)| mark()).collect();
            params.extend(store.stored_key(arena, slot));
            params.extend(stored_version(store, meta, arena, slot));
            let outcome = prepared.execute(&params)?;
            // Without a version, a row that is gone already is as it should be.
            if outcome.rows == 0 && meta.version.is_some() {
                return Err(Error::Stale {
                    table: meta.table,
                    key: show_key(&store.stored_key(arena, slot)),
                });
            }
            note_deleted(store, undo, arena, slot);
        }
        Ok(())
    }
}

/// Has memory say that the row was deleted.
fn note_deleted(store: &mut Store, undo: &mut Vec<Undo>, arena: usize, slot: u32) {
    if let Some(any) = store.any_mut(arena) {
        any.unregister(slot);
        any.core_mut().set_state(slot, State::Deleted);
        undo.push(Undo::Delete { arena, slot });
    }
}

/// A reference between two of the rows to delete, by their places among them.
struct Among {
    child: usize,
    parent: usize,
    column: usize,
    nullable: bool,
}

/// For each row those that have to be deleted before it: the rows that refer to it.
fn waiting(rows: usize, references: &[Among], counts: impl Fn(&Among) -> bool) -> Vec<Vec<usize>> {
    let mut waits_for: Vec<Vec<usize>> = vec![Vec::new(); rows];
    for reference in references.iter().filter(|reference| counts(reference)) {
        waits_for[reference.parent].push(reference.child);
    }
    waits_for
}

/// The version that the database has of a row, where the entity has one.
pub(super) fn stored_version(
    store: &Store,
    meta: &'static EntityMeta,
    arena: usize,
    slot: u32,
) -> Option<Value<'static>> {
    let (version, any) = (meta.version?, store.any(arena)?);
    let stored = any.core().base(slot).and_then(|base| base.get(version));
    Some(stored.map_or_else(|| any.encode(slot, version).into_owned(), Value::clone))
}
