//! The handles that a session gave out, by the rows of the model that they are of.

use std::collections::{BTreeMap, BTreeSet};

use aludel::prelude::*;

use super::super::step::Pick;
use super::super::world::{Fate, Row, Serial, Table};
use super::{Found, Outcome, agree};

/// The handles of one entity, by the numbers of their rows.
pub(super) struct Handles<T: Entity> {
    pub(super) of: BTreeMap<Serial, Handle<T>>,
    pub(super) keys: BTreeMap<Serial, T::Key>,
}

impl<T: Entity> Handles<T> {
    pub(super) fn new() -> Handles<T> {
        Handles {
            of: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// One of the rows that stay, of those that a handle is known for.
    pub(super) fn pick<F>(&self, table: &Table<F>, pick: Pick) -> Option<Found<T>> {
        let is_kept = |serial: &Serial| table.get(serial).is_some_and(|row| row.fate == Fate::Kept);
        let kept: Vec<_> = self.of.iter().filter(|(serial, _)| is_kept(serial)).collect();
        let index = usize::from(pick).checked_rem(kept.len())?;
        kept.get(index).map(|(serial, handle)| (**serial, **handle))
    }

    /// The row in the database that has the key.
    pub(super) fn serial_of<F>(&self, table: &Table<F>, key: &T::Key) -> Option<Serial> {
        let is_it =
            |(serial, row): &(&Serial, &Row<F>)| row.stored.is_some() && self.keys.get(serial) == Some(key);
        table.iter().find(is_it).map(|(serial, _)| *serial)
    }

    /// A query gave that handle for that row: the only one for it.
    pub(super) fn meet(&mut self, serial: Serial, handle: Handle<T>) -> Outcome {
        match self.of.insert(serial, handle) {
            Some(other) if other != handle => Err(format!(
                "row {serial} of {} has two handles: {other:?}, {handle:?}",
                T::TABLE
            )),
            _ => Ok(()),
        }
    }
}

/// A query gave these handles: they are of the rows expected, each with the one handle that its row has.
pub(super) fn meet<T: Entity, F>(
    handles: &mut Handles<T>,
    table: &Table<F>,
    found: &[Handle<T>],
    keys: &[T::Key],
    expected: &BTreeSet<Serial>,
    what: &str,
) -> Outcome {
    let mut met = BTreeSet::new();
    for (handle, key) in found.iter().zip(keys) {
        let Some(serial) = handles.serial_of(table, key) else {
            return Err(format!("{what}: a row of key {key:?} should not be there"));
        };
        handles.meet(serial, *handle)?;
        met.insert(serial);
    }
    agree(what, expected, &met)?;
    agree(&format!("{what}, counted"), &expected.len(), &found.len())
}

/// Learns the keys of rows that were written.
pub(super) fn learn<T: Entity, F>(
    handles: &mut Handles<T>,
    table: &Table<F>,
    key: impl Fn(Handle<T>) -> Option<T::Key>,
) -> Outcome {
    for (serial, handle) in &handles.of {
        if handles.keys.contains_key(serial) || table.get(serial).is_none_or(|row| row.stored.is_none()) {
            continue;
        }
        match key(*handle) {
            Some(key) => handles.keys.insert(*serial, key),
            None => {
                return Err(format!(
                    "row {serial} of {} is written, and its handle is dead",
                    T::TABLE
                ));
            }
        };
    }
    Ok(())
}

/// Does the reference lead to that row, by key or by handle?
pub(super) fn same<T: Entity>(handles: &Handles<T>, fk: Option<&Fk<T>>, expected: Option<Serial>) -> bool {
    match (fk, expected) {
        (None, None) => true,
        (Some(Fk::Key(key)), Some(serial)) => handles.keys.get(&serial) == Some(key),
        (Some(Fk::Pending(handle)), Some(serial)) => handles.of.get(&serial) == Some(handle),
        _ => false,
    }
}

/// Each handle is alive where the model has its row, and reads so.
pub(super) fn each<T: Entity + std::fmt::Debug, F: std::fmt::Debug>(
    session: &Session,
    handles: &Handles<T>,
    table: &Table<F>,
    same: impl Fn(&T, &F) -> bool,
) -> Outcome {
    for (serial, handle) in &handles.of {
        match (table.get(serial), session.peek(*handle)) {
            (None, None) => {}
            (None, Some(entity)) => return Err(format!("row {serial} is gone, and memory has {entity:?}")),
            (Some(row), None) => return Err(format!("memory has lost row {serial}: {row:?}")),
            // What refers to rows that are gone need not be kept right.
            (Some(row), Some(_)) if row.fate == Fate::Deleted => {}
            (Some(row), Some(entity)) if same(entity, &row.now) => {}
            (Some(row), Some(entity)) => {
                return Err(format!(
                    "memory of row {serial}: expected {:?}, found {entity:?}",
                    row.now
                ));
            }
        }
    }
    Ok(())
}
