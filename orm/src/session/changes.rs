//! A look at what a flush would write.

use super::Session;
use super::store::State;
use crate::mapper::show_key;

/// One entity that the next flush will write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The entity's type.
    pub entity: &'static str,
    /// Its key; `NULL` while it has none.
    pub key: String,
    /// What will be done.
    pub kind: ChangeKind,
    /// For an update: the columns that differ.
    pub columns: Vec<&'static str>,
}

/// What a flush does to an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is inserted.
    Insert,
    /// It is updated.
    Update,
    /// It is deleted.
    Delete,
}

impl Session {
    /// What the next flush will write, by entity; cascades are not in it yet.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (number, arena) in self.store.arenas().iter().enumerate() {
            let (meta, core) = (arena.meta(), arena.core());
            let mut push = |slot: u32, kind, columns| {
                let key = show_key(&self.store.stored_key(number, slot));
                changes.push(Change {
                    entity: meta.name,
                    key,
                    kind,
                    columns,
                });
            };
            core.new
                .iter()
                .for_each(|slot| push(*slot, ChangeKind::Insert, Vec::new()));
            for slot in core
                .dirty
                .iter()
                .filter(|slot| core.state(**slot) == State::Clean)
            {
                let Some(base) = core.base(*slot) else { continue };
                let differs = |(i, _): &(usize, &crate::mapper::ColumnMeta)| {
                    base.get(*i)
                        .is_none_or(|before| !arena.encode(*slot, *i).sql_eq(before))
                };
                let columns: Vec<&'static str> = meta
                    .columns
                    .iter()
                    .enumerate()
                    .filter(differs)
                    .map(|(_, column)| column.name)
                    .collect();
                if !columns.is_empty() {
                    push(*slot, ChangeKind::Update, columns);
                }
            }
            core.marked
                .iter()
                .for_each(|slot| push(*slot, ChangeKind::Delete, Vec::new()));
        }
        changes
    }
}
