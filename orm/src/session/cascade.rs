//! What a deletion takes with it.
//!
//! A declared relation says what becomes of the rows that refer to a deleted one: `cascade = "delete"` deletes them too;
//! without a cascade their reference becomes NULL, where it can. `passive` leaves rows that are not in the session to the
//! database. Links of a many-to-many always go with either end.
//!
//! What the database does by itself (`ON DELETE`) is followed in memory: the session does not go on showing rows that are
//! gone.

use rustc_hash::FxHashMap;

use super::Session;
use super::related::keys_condition;
use super::store::State;
use super::undo::Undo;
use crate::error::Result;
use crate::expr::{FromItem, Select, SourceId};
use crate::mapper::{ColumnNames, EntityMeta, ReferenceAction, RelationKind, RelationMeta, RowReader};
use crate::query::internals::marking_update;
use crate::query::variants;
use crate::types::{RawHandle, Value};

/// What becomes of rows that refer to a deleted one.
#[derive(Clone, Copy)]
struct Reach {
    /// They are deleted as well.
    delete: bool,
    /// For good, also where the entity marks deleted rows.
    purge: bool,
}

/// Can the rows of that entity only stay while what those columns refer to stays?
fn is_strict(target: &'static EntityMeta, columns: ColumnNames) -> bool {
    columns.iter().any(|name| {
        target
            .column(name)
            .is_some_and(|(_, column)| !column.is_nullable())
    })
}

impl Session {
    /// Marks what goes with the marked rows, and the orphans, until nothing more goes.
    pub(super) fn cascade_deletes(&mut self) -> Result<()> {
        self.mark_orphans();
        let mut done = vec![0_usize; self.store.arenas().len()];
        let mut arena = 0;
        while arena < self.store.arenas().len() {
            done.resize(self.store.arenas().len(), 0);
            let next = self
                .store
                .any(arena)
                .and_then(|any| any.core().marked.get(done[arena]).copied());
            let Some(slot) = next else {
                arena += 1;
                continue;
            };
            done[arena] += 1;
            let marked_before = self.marked_count();
            self.cascade_row(arena, slot)?;
            if self.marked_count() > marked_before {
                // Rows of an arena that was done with may be marked now.
                arena = 0;
            }
        }
        Ok(())
    }

    fn marked_count(&self) -> usize {
        self.store
            .arenas()
            .iter()
            .map(|arena| arena.core().marked.len())
            .sum()
    }

    fn cascade_row(&mut self, arena: usize, slot: u32) -> Result<()> {
        let Some(meta) = self.store.any(arena).map(|any| any.meta()) else {
            return Ok(());
        };
        let soft = self.store.soft_delete(arena, slot).is_some();
        let purge = !soft && meta.soft_delete.is_some();
        for relation in meta.relations {
            let marks = (relation.target)().soft_delete.is_some();
            if soft && !(marks && relation.cascade.delete && relation.through.is_none()) {
                // The row stays, so what refers to it can stay as well.
                continue;
            }
            match (relation.kind, relation.through) {
                (RelationKind::ManyToMany, Some((through, ends))) => {
                    self.cascade_to(
                        (arena, slot),
                        relation,
                        through(),
                        ends().0,
                        Reach {
                            delete: true,
                            purge: !soft,
                        },
                    )?;
                }
                (_, _) => {
                    let target = (relation.target)();
                    let delete = relation.cascade.delete;
                    // A child of a row that is gone cannot stay as a marked one.
                    let purge = purge || (!soft && delete && is_strict(target, (relation.by)()));
                    self.cascade_to(
                        (arena, slot),
                        relation,
                        target,
                        (relation.by)(),
                        Reach { delete, purge },
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Deals with the rows of `target` whose `column` refers to the row.
    fn cascade_to(
        &mut self,
        (arena, slot): (usize, u32),
        relation: &'static RelationMeta,
        target: &'static EntityMeta,
        columns: ColumnNames,
        Reach { delete, purge }: Reach,
    ) -> Result<()> {
        let indexes = columns.indexes(target);
        let Some(first) = indexes.first().and_then(|i| target.columns.get(*i)) else {
            return Ok(());
        };
        if !delete && (is_strict(target, columns) || first.on_delete != ReferenceAction::NoAction) {
            // The database refuses the deletion, or has its own way.
            return Ok(());
        }
        let key = self.store.stored_key(arena, slot);
        let Some(children) = self.arena_of_table(target) else {
            return if delete && !relation.cascade.passive {
                self.delete_unseen(target, columns, &key, purge)
            } else {
                Ok(())
            };
        };
        if !relation.cascade.passive && !key.iter().any(Value::is_null) {
            self.load_children(children, target, columns, &key)?;
        }
        let raw = self.store.raw(arena as u32, slot);
        let refers = |(value, key): (Value<'_>, &Value<'_>)| match value {
            Value::Pending(other) => other.key_part(0) == raw,
            Value::Null => false,
            value => value.sql_eq(key),
        };
        let Some(any) = self.store.any(children) else {
            return Ok(());
        };
        let affected: Vec<u32> = any
            .core()
            .live()
            .filter(|child| {
                indexes
                    .iter()
                    .map(|i| any.encode(*child, *i))
                    .zip(&key)
                    .all(refers)
            })
            .collect();
        for child in affected {
            if delete {
                if !purge && self.store.is_marked_deleted(children, child) {
                    // It has its mark already.
                    continue;
                }
                self.mark(children, child);
                if let Some(any) = self.store.any_mut(children).filter(|_| purge) {
                    any.core_mut().set_purge(child, true);
                }
            } else if let Some(any) = self.store.any_mut(children)
                && any.core().state(child) != State::Marked
            {
                any.touch(child);
                // The columns are nullable, so NULL fits them.
                for column in &indexes {
                    let _ = any.set(child, *column, Value::Null);
                }
            }
        }
        Ok(())
    }

    /// Forgets a row that was never inserted. What refers to its handle goes with it or refers to nothing, as the relations say;
    /// the database has no part in it.
    pub(super) fn forget_new(&mut self, arena: usize, slot: u32) {
        let raw = self.store.raw(arena as u32, slot);
        let Some(any) = self.store.any_mut(arena) else {
            return;
        };
        any.free(slot);
        for relation in any.meta().relations {
            match relation.through {
                Some((through, ends)) => self.let_go(raw, through(), ends().0, true),
                None => self.let_go(raw, (relation.target)(), (relation.by)(), relation.cascade.delete),
            }
        }
    }

    fn let_go(&mut self, gone: RawHandle, target: &'static EntityMeta, columns: ColumnNames, delete: bool) {
        let Some(children) = self.arena_of_table(target) else {
            return;
        };
        let Some(any) = self.store.any(children) else {
            return;
        };
        let indexes: Vec<usize> = columns
            .iter()
            .filter_map(|name| Some(target.column(name)?.0))
            .collect();
        let refers = |child: &u32| {
            let pending = |column: &usize| any.encode(*child, *column) == Value::Pending(gone);
            // A row that goes itself stays as it was until then.
            any.core().state(*child) != State::Marked && indexes.iter().any(pending)
        };
        let strict = is_strict(target, columns);
        let affected: Vec<u32> = any.core().live().filter(refers).collect();
        for child in affected {
            if delete {
                self.mark(children, child);
            } else if let Some(any) = self.store.any_mut(children).filter(|_| !strict) {
                any.touch(child);
                // The columns are nullable, so NULL fits them.
                for column in &indexes {
                    let _ = any.set(child, *column, Value::Null);
                }
            }
        }
    }

    fn arena_of_table(&self, meta: &'static EntityMeta) -> Option<usize> {
        self.store
            .arenas()
            .iter()
            .position(|arena| std::ptr::eq(arena.meta(), meta) || arena.meta().table == meta.table)
    }

    /// Rows of an entity that this session never met are deleted without being loaded.
    fn delete_unseen(
        &mut self,
        target: &'static EntityMeta,
        columns: ColumnNames,
        key: &[Value<'static>],
        purge: bool,
    ) -> Result<()> {
        if key.iter().any(Value::is_null) {
            return Ok(());
        }
        self.begin(true)?;
        let source = SourceId::fresh();
        let filter = keys_condition(source, columns, &[key.to_vec()]);
        let delete = crate::expr::Delete {
            source,
            using: None,
            table: crate::expr::Relation::table(target.table),
            filter: Some(filter),
            returning: Vec::new(),
        };
        let marking = marking_update(target, &delete).filter(|_| !purge);
        if target.joined {
            return match &marking {
                Some(update) => variants::update(self, target, update),
                None => variants::delete(self, target, &delete),
            }
            .map(|_| ());
        }
        let statement = match &marking {
            Some(update) => crate::expr::Statement::Update(update),
            None => crate::expr::Statement::Delete(&delete),
        };
        let rendered = crate::dialect::render(statement, self.engine.dialect())?;
        let params: Vec<Value<'_>> = rendered.params.iter().map(|value| value.borrowed()).collect();
        let Session { link, .. } = self;
        if let Some(link) = link.as_mut() {
            link.prepare(rendered.sql)?.execute(&params)?;
        }
        Ok(())
    }

    fn load_children(
        &mut self,
        children: usize,
        target: &'static EntityMeta,
        columns: ColumnNames,
        key: &[Value<'static>],
    ) -> Result<()> {
        self.begin(true)?;
        let source = SourceId::fresh();
        let mut select = Select::default();
        select.from.push(FromItem {
            source,
            relation: target.relation(),
            join: None,
        });
        select.columns = super::related::columns_of(target, source);
        select.filter = Some(keys_condition(source, columns, &[key.to_vec()]));
        let rendered =
            crate::dialect::render(crate::expr::Statement::Select(&select), self.engine.dialect())?;
        let params: Vec<Value<'_>> = rendered.params.iter().map(|value| value.borrowed()).collect();
        let Session { store, link, .. } = self;
        let Some(link) = link.as_mut() else { return Ok(()) };
        let mut prepared = link.prepare(rendered.sql)?;
        let mut rows = prepared.query(&params)?;
        while let Some(row) = rows.next()? {
            if let Some(any) = store.any_mut(children) {
                any.track_row(&RowReader::new(row))?;
            }
        }
        drop(rows);
        drop(prepared);
        self.tell_loaded()
    }

    /// Rows that lost the one they belonged to, by a relation with `delete-orphan`, are marked.
    fn mark_orphans(&mut self) {
        let mut orphaning: Vec<(usize, usize)> = Vec::new();
        for arena in self.store.arenas() {
            for relation in arena
                .meta()
                .relations
                .iter()
                .filter(|relation| relation.cascade.delete_orphan)
            {
                let target = (relation.target)();
                // Of a key of several columns all are NULL where one is.
                let column = (relation.by)().indexes(target).first().copied();
                orphaning.extend(self.arena_of_table(target).zip(column));
            }
        }
        for (children, column) in orphaning {
            let Some(any) = self.store.any(children) else {
                continue;
            };
            let lost = |slot: &u32| {
                let had = any
                    .core()
                    .base(*slot)
                    .and_then(|base| base.get(column))
                    .is_some_and(|value| !value.is_null());
                had && any.encode(*slot, column).is_null()
            };
            let orphans: Vec<u32> = any.core().dirty.iter().copied().filter(lost).collect();
            orphans.into_iter().for_each(|slot| self.mark(children, slot));
        }
    }

    /// After rows were deleted: tracked rows that referred to them with `ON DELETE CASCADE` are gone as well, and those with
    /// `ON DELETE SET NULL` refer to nothing.
    pub(super) fn follow_database_cascades(&mut self) {
        let all_told = self.told == self.undo.len();
        while self.followed < self.undo.len() {
            let gone = self.newly_deleted();
            self.follow_once(&gone);
        }
        if all_told {
            // What the database did by itself is told to nobody.
            self.told = self.undo.len();
        }
    }

    /// The keys of the rows that were deleted since this was asked last, by arena. (Not of all that this transaction deleted: the database may have given
    /// such a key to a new row meanwhile.)
    fn newly_deleted(&mut self) -> FxHashMap<usize, Vec<Vec<Value<'static>>>> {
        let mut gone: FxHashMap<usize, Vec<Vec<Value<'static>>>> = FxHashMap::default();
        for entry in self.undo.iter().skip(self.followed) {
            if let Undo::Delete { arena, slot } = *entry
                && self.store.soft_delete(arena, slot).is_none()
            {
                gone.entry(arena)
                    .or_default()
                    .push(self.store.stored_key(arena, slot));
            }
        }
        self.followed = self.undo.len();
        gone
    }

    /// One step of it.
    fn follow_once(&mut self, gone: &FxHashMap<usize, Vec<Vec<Value<'static>>>>) {
        if gone.is_empty() {
            return;
        }
        for arena in 0..self.store.arenas().len() {
            let Some(meta) = self.store.any(arena).map(|any| any.meta()) else {
                continue;
            };
            for key in meta.foreign_keys() {
                let Some(column) = meta.columns.get(key.start) else {
                    continue;
                };
                let cascades = matches!(
                    column.on_delete,
                    ReferenceAction::Cascade | ReferenceAction::SetNull
                );
                let Some(reference) = column.reference.filter(|_| cascades) else {
                    continue;
                };
                let parents = self.store.arena_of((reference.entity)());
                if let Some(gone) = parents.and_then(|parents| gone.get(&parents)) {
                    self.follow_key(arena, key, column.on_delete, gone);
                }
            }
        }
    }

    fn follow_key(
        &mut self,
        arena: usize,
        columns: std::ops::Range<usize>,
        action: ReferenceAction,
        gone: &[Vec<Value<'static>>],
    ) {
        let Some(any) = self.store.any(arena) else {
            return;
        };
        let refers = |slot: u32, key: &Vec<Value<'static>>| {
            columns
                .clone()
                .zip(key)
                .all(|(column, value)| any.encode(slot, column).sql_eq(value))
        };
        let affected: Vec<u32> = any
            .core()
            .live()
            .filter(|slot| any.core().state(*slot) == State::Clean)
            .filter(|slot| gone.iter().any(|key| refers(*slot, key)))
            .collect();
        let Some(any) = self.store.any_mut(arena) else {
            return;
        };
        for slot in &affected {
            if action == ReferenceAction::Cascade {
                any.unregister(*slot);
                any.core_mut().set_state(*slot, State::Deleted);
                self.undo.push(Undo::Delete { arena, slot: *slot });
                continue;
            }
            any.touch(*slot);
            // The columns are nullable: SET NULL was declared on them.
            for column in columns.clone() {
                let _ = any.set(*slot, column, Value::Null);
            }
            any.core_mut().dirty.retain(|other| other != slot);
            if let Some(base) = any.core_mut().take_base(*slot) {
                self.undo.push(Undo::Update {
                    arena,
                    slot: *slot,
                    base,
                });
            }
        }
    }
}
