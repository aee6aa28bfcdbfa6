//! The unit of work's DELETEs.

use rustc_hash::FxHashMap;

use super::{Moment, RowRef, Session, statements_of};
use crate::error::{Error, Result};
use crate::mapper::show_key;
use crate::session::store::State;
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
            self.delete_order(group, rows)
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
