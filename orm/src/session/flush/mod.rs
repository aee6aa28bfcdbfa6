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
//! I1. Every row written is in the undo log before anybody looks at it: listeners, other statements, rows that refer to it. Rows of a run are
//!     written some at a time, from memory that does not change meanwhile, and then noted, also when one of them fails.
//!     (`insert_run`, `update_rows`, `delete_run`)
//! I2. Rows of one shape that follow each other share one prepared statement. (same)

mod delete;
mod insert;
mod update;
mod variants;

use super::statements::{SelectByKey, computed_columns, of as statements_of};
use super::{Moment, Session};
use crate::dialect::{Dialect, Feature};
use crate::engine::{Connection, Prepared};
use crate::error::{Error, Result};
use crate::mapper::{EntityMeta, RowReader};
use crate::topology::components;
use crate::types::Value;

/// The most rows that are written before they are noted.
const ROWS_AT_ONCE: usize = 256;

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
        self.refuse_in_flush("flush")?;
        if !self.store.has_changes() {
            return Ok(());
        }
        if self.read_only {
            return Err(Error::ReadOnly("it has changes that would be written"));
        }
        self.listen_now();
        self.flushing = true;
        let written = self.write_changes();
        self.flushing = false;
        written
    }

    /// Listeners of a flush run in the midst of it: they cannot end it, or begin another one.
    pub(in crate::session) fn refuse_in_flush(&self, what: &str) -> Result<()> {
        match self.flushing {
            true => Err(Error::Flush(format!(
                "a listener that is called within a flush cannot {what}: what it changes is written by that flush or the next one"
            ))),
            false => Ok(()),
        }
    }

    fn write_changes(&mut self) -> Result<()> {
        self.tell_session(Moment::BeforeFlush, &[])?;
        self.cascade_deletes()?;
        let changes = match self.hears(Moment::AfterFlush) {
            true => self.changes(),
            false => Vec::new(),
        };
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
        self.tell_session(Moment::AfterFlush, &changes)
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

    fn rows(&self, arena: usize, list: impl Fn(&super::store::Core) -> &Vec<u32>) -> Vec<RowRef> {
        let core = self.store.any(arena).map(|any| any.core());
        core.map_or_else(Vec::new, |core| {
            list(core).iter().map(|slot| (arena, *slot)).collect()
        })
    }

    /// Asks the rules of rows that are about to be written.
    fn validate(&self, rows: &[RowRef]) -> Result<()> {
        for (arena, slot) in rows {
            let Some(any) = self.store.any(*arena).filter(|any| any.is_validated()) else {
                continue;
            };
            any.validate(*slot).map_err(|invalid| Error::Invalid {
                entity: any.meta().name,
                key: crate::mapper::show_key(&self.store.stored_key(*arena, *slot)),
                field: invalid.field,
                message: invalid.message,
            })?;
        }
        Ok(())
    }

    /// An entity's SELECT by key.
    pub(in crate::session) fn select_by_key(&mut self, arena: usize) -> Result<Option<SelectByKey>> {
        let Some(meta) = self.store.any(arena).map(|any| any.meta()) else {
            return Ok(None);
        };
        let texts = statements_of(&mut self.statements, arena);
        Ok(Some(texts.select(meta, self.engine.dialect())?.clone()))
    }

    /// Reads what the database has computed for rows just written, where statements cannot hand it back.
    fn read_computed(&mut self, arena: usize, slots: &[u32]) -> Result<()> {
        let Some(meta) = self.store.any(arena).map(|any| any.meta()) else {
            return Ok(());
        };
        let columns = computed_columns(meta);
        // The tables of variants hand nothing back.
        let in_variants = meta.joined && columns.iter().any(|i| meta.columns[*i].variant.is_some());
        let returned = self.engine.dialect().supports(Feature::Returning) && !in_variants;
        if columns.is_empty() || returned {
            return Ok(());
        }
        let Some(select) = self.select_by_key(arena)? else {
            return Ok(());
        };
        let Session { store, link, .. } = self;
        let mut prepared = link.as_mut().ok_or(Error::Closed)?.prepare(&*select.sql)?;
        for &slot in slots {
            let key = store.stored_key(arena, slot);
            let params = select.params(key);
            let mut rows = prepared.query(&params)?;
            let (Some(row), Some(any)) = (rows.next()?, store.any_mut(arena)) else {
                continue;
            };
            let row = RowReader::new(row);
            for &column in &columns {
                any.set(slot, column, row.value(column))
                    .map_err(|error| decode_error(meta, column, error))?;
            }
        }
        Ok(())
    }

    /// The connection of the open transaction.
    pub(in crate::session) fn open_link(&mut self) -> Result<&mut Connection> {
        self.link.as_mut().ok_or(Error::Closed)
    }
}

/// The columns that a statement hands back because the database computes them.
fn returned_columns(meta: &EntityMeta, dialect: &dyn Dialect) -> Vec<usize> {
    match dialect.supports(Feature::Returning) {
        true => {
            let own = |i: &usize| {
                meta.columns
                    .get(*i)
                    .is_some_and(|column| column.variant.is_none())
            };
            computed_columns(meta).into_iter().filter(own).collect()
        }
        false => Vec::new(),
    }
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

fn decode_error(meta: &'static EntityMeta, column: usize, error: crate::types::DecodeError) -> Error {
    let name = meta.columns.get(column).map_or("?", |column| column.name);
    Error::decode(format!("column `{}.{name}`", meta.table), error)
}
