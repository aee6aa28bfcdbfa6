//! The unit of work for entities whose variants have tables of their own: the wide row taken apart.
//!
//! ```text
//!   INSERT   base, then the table of its variant (under the key that the base got)
//!   UPDATE   base: what changed there, the version, the discriminator;   then for each table of a variant
//!              as before     UPDATE, if one of its columns changed
//!              not any more  DELETE
//!              from now on   INSERT
//!   DELETE   the table of its variant, then the base
//! ```
//!
//! A row is more than one statement, so those of a row (of some rows, for INSERT and DELETE) stand in a savepoint: a flush that fails has
//! written whole rows only, as memory says.
//!
//! Nothing here runs for entities that are one table.

use super::delete::stored_version;
use super::insert::{InsertRun, Inserted, check_late};
use super::update::{Change, LookedAt, UpdateRun};
use super::{Session, statements_of, write_row};
use crate::engine::Connection;
use crate::error::{Error, Result};
use crate::mapper::{EntityMeta, Variant, show_key};
use crate::query::variants::atomically;
use crate::session::statements::Statements;
use crate::session::store::{AnyArena, Store};
use crate::types::Value;

impl InsertRun {
    /// Inserts what variants have of their own, of rows whose base was just inserted.
    pub(super) fn write_variants(
        &self,
        store: &Store,
        link: &mut Connection,
        texts: &mut Statements,
        inserted: &mut [Inserted],
    ) -> Result<()> {
        let (Some(any), engine) = (store.any(self.arena), link.engine()) else {
            return Ok(());
        };
        for variant in self.meta.variants() {
            let is_it = |row: &&mut Inserted| variant.is(&any.encode(row.slot, variant.tag));
            let mut rows = inserted.iter_mut().filter(is_it).peekable();
            if rows.peek().is_none() {
                continue;
            }
            let sql = texts.variant_insert(self.meta, &variant, engine.dialect());
            let mut prepared = link.prepare(&*sql)?;
            for row in rows {
                let params = self.variant_row(store, any, &variant, row)?;
                prepared.execute(&params)?;
            }
        }
        Ok(())
    }

    /// The key and the own columns of a variant's row.
    fn variant_row<'s>(
        &self,
        store: &'s Store,
        any: &'s dyn AnyArena,
        variant: &Variant,
        row: &mut Inserted,
    ) -> Result<Vec<Value<'s>>> {
        let mut params: Vec<Value<'s>> = Vec::new();
        for column in self.meta.key {
            params.push(
                match (row.given(*column), row.key.filter(|_| self.key == Some(*column))) {
                    (Some(value), _) => value,
                    (None, Some(id)) => Value::Int(id),
                    (None, None) => any.encode(row.slot, *column),
                },
            );
        }
        for column in variant.written(self.meta) {
            params.push(match any.encode(row.slot, column) {
                Value::Pending(raw) => self.resolve(store, column, raw, row.more_mut())?,
                value => value,
            });
        }
        check_late(self.meta, &row.more_mut().late)?;
        Ok(params)
    }
}

/// A statement for one of the tables of a row that changed.
struct TableWrite<'s> {
    sql: std::sync::Arc<str>,
    params: Vec<Value<'s>>,
    /// The table, where a row has to be there.
    table: Option<&'static str>,
    returning: &'s [usize],
}

impl UpdateRun<'_> {
    /// Updates the next row that changed, in all of its tables.
    pub(super) fn write_tables(
        &mut self,
        store: &Store,
        slots: &[u32],
        link: &mut Connection,
        texts: &mut Statements,
    ) -> Result<()> {
        let (mut slots, mut change) = (slots.iter().copied(), Change::default());
        let Some(slot) = self.next_changed(store, &mut slots, &mut change)? else {
            return Ok(());
        };
        self.columns.clone_from(&change.columns);
        let writes = self.table_writes(store, slot, &change, texts);
        let run = |link: &mut Connection| {
            let mut back = Vec::new();
            for write in &writes {
                let mut prepared = link.prepare(&*write.sql)?;
                let written = write_row(&mut prepared, &write.params, write.returning)?;
                if let Some(table) = write.table.filter(|_| written.rows == 0) {
                    let key = show_key(&store.stored_key(self.arena, slot));
                    return Err(Error::Stale { table, key });
                }
                back.extend(written.values);
            }
            Ok(back)
        };
        let back = match writes.len() {
            0 | 1 => run(link)?,
            _ => atomically(link, run)?,
        };
        let mut values = std::mem::take(&mut change.resolved);
        values.extend(back);
        self.looked_at.push(LookedAt {
            slot,
            updated: Some(values),
        });
        Ok(())
    }

    fn table_writes<'s>(
        &'s self,
        store: &'s Store,
        slot: u32,
        change: &Change<'s>,
        texts: &mut Statements,
    ) -> Vec<TableWrite<'s>> {
        let (Some(any), meta) = (store.any(self.arena), self.meta) else {
            return Vec::new();
        };
        let base = any.core().base(slot).unwrap_or_default();
        let of = |columns: &[usize]| columns.iter().map(|i| change.value(*i)).collect::<Vec<_>>();
        let stored = store.stored_key(self.arena, slot);
        let mut writes = Vec::new();
        let own: Vec<usize> = self.changed(change, |i| is_own(meta, i));
        if !own.is_empty() {
            let mut params = of(&own);
            params.extend(stored.iter().cloned());
            let version = meta.version.and_then(|version| base.get(version));
            params.extend(version.map(Value::borrowed));
            writes.push(TableWrite {
                sql: texts.update(meta, &own, &self.returning, self.dialect),
                params,
                table: Some(meta.table),
                returning: &self.returning,
            });
        }
        // A key that changes with the base changes in the variant's table along, by its foreign key.
        let key: Vec<Value<'s>> = meta
            .key
            .iter()
            .zip(stored)
            .map(|(i, stored)| change.find(*i).unwrap_or(stored))
            .collect();
        for variant in meta.variants() {
            let was = base.get(variant.tag).is_some_and(|tag| variant.is(tag));
            let write = |sql, mut params: Vec<Value<'s>>, key_first: bool, must: bool| {
                match key_first {
                    true => drop(params.splice(0..0, key.iter().cloned())),
                    false => params.extend(key.iter().cloned()),
                }
                let table = must.then_some(variant.table.table);
                TableWrite {
                    sql,
                    params,
                    table,
                    returning: &[],
                }
            };
            match (was, variant.is(&any.encode(slot, variant.tag))) {
                (true, true) => {
                    let changed = self.changed(change, |i| variant.columns.contains(&i));
                    if !changed.is_empty() {
                        let sql = texts.update(meta, &changed, &[], self.dialect);
                        writes.push(write(sql, of(&changed), false, true));
                    }
                }
                (true, false) => {
                    let sql = texts.variant_delete(meta, &variant, self.dialect);
                    writes.push(write(sql, Vec::new(), false, false));
                }
                (false, true) => {
                    let sql = texts.variant_insert(meta, &variant, self.dialect);
                    let columns: Vec<usize> = variant.written(meta).collect();
                    writes.push(write(sql, of(&columns), true, false));
                }
                (false, false) => {}
            }
        }
        writes
    }

    fn changed(&self, change: &Change<'_>, which: impl Fn(usize) -> bool) -> Vec<usize> {
        change.columns.iter().copied().filter(|i| which(*i)).collect()
    }
}

fn is_own(meta: &EntityMeta, column: usize) -> bool {
    meta.columns
        .get(column)
        .is_some_and(|column| column.variant.is_none())
}

/// Does the row become another variant than that which has the column, or become that one?
#[cold]
pub(super) fn changes_variant(any: &dyn AnyArena, slot: u32, base: &[Value<'static>], column: usize) -> bool {
    let variants = any.meta().variants();
    let of = variants.iter().find(|variant| variant.columns.contains(&column));
    of.is_some_and(|variant| {
        let before = base.get(variant.tag);
        before.is_some_and(|before| !any.encode(slot, variant.tag).sql_eq(before))
    })
}

impl Session {
    /// Deletes rows from the tables of their variants and from their own.
    pub(super) fn delete_tables(&mut self, arena: usize, slots: &[u32]) -> Result<()> {
        let Session {
            store,
            link,
            statements,
            engine,
            ..
        } = self;
        let (Some(any), Some(link)) = (store.any(arena), link.as_mut()) else {
            return Ok(());
        };
        let (meta, dialect) = (any.meta(), engine.dialect());
        let texts = statements_of(statements, arena);
        atomically(link, |link| {
            for variant in meta.variants() {
                let sql = texts.variant_delete(meta, &variant, dialect);
                let mut prepared = link.prepare(&*sql)?;
                for &slot in slots {
                    let stored = any.core().base(slot).and_then(|base| base.get(variant.tag));
                    let tag = stored.map_or_else(|| any.encode(slot, variant.tag), Value::borrowed);
                    if variant.is(&tag) {
                        prepared.execute(&store.stored_key(arena, slot))?;
                    }
                }
            }
            let sql = texts.delete(meta, dialect);
            let mut prepared = link.prepare(&*sql)?;
            for &slot in slots {
                let mut params = store.stored_key(arena, slot);
                params.extend(stored_version(store, meta, arena, slot));
                if prepared.execute(&params)?.rows == 0 && meta.version.is_some() {
                    let key = show_key(&store.stored_key(arena, slot));
                    return Err(Error::Stale {
                        table: meta.table,
                        key,
                    });
                }
            }
            Ok(())
        })
    }
}
