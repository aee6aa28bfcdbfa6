//! Taking memory back to where the transaction, or a savepoint, began.
//!
//! The log has one entry for each row written since the transaction began; a savepoint is a length of the log.

use super::Session;
use super::store::{State, ValueRow};
use crate::mapper::RowReader;
use crate::types::Value;

/// How to take one written row back.
#[derive(Debug)]
pub(crate) enum Undo {
    Insert {
        arena: usize,
        slot: u32,
    },
    /// The values before.
    Update {
        arena: usize,
        slot: u32,
        base: Box<[Value<'static>]>,
    },
    Delete {
        arena: usize,
        slot: u32,
    },
    /// Written, and then taken out of the session: a row of that key that was loaded since is not as it was before, and not
    /// there at all where it was `inserted`.
    Expunged {
        arena: usize,
        key: Vec<Value<'static>>,
        inserted: bool,
    },
}

impl Undo {
    /// Is it about that row?
    pub(super) fn is_of(&self, of_arena: usize, of_slot: u32) -> bool {
        match self {
            Undo::Insert { arena, slot }
            | Undo::Update { arena, slot, .. }
            | Undo::Delete { arena, slot } => (*arena, *slot) == (of_arena, of_slot),
            Undo::Expunged { .. } => false,
        }
    }

    /// What is left of the entry when the entity goes.
    pub(super) fn expunge(&mut self, key: &[Value<'static>]) {
        let (Undo::Insert { arena, .. } | Undo::Update { arena, .. } | Undo::Delete { arena, .. }) = *self
        else {
            return;
        };
        *self = Undo::Expunged {
            arena,
            key: key.to_vec(),
            inserted: matches!(self, Undo::Insert { .. }),
        };
    }
}

impl Session {
    /// Undoes what is not flushed, then what was flushed since the log had that length.
    pub(super) fn restore(&mut self, length: usize) {
        for arena in 0..self.store.arenas().len() {
            self.discard_unflushed(arena);
        }
        while self.undo.len() > length {
            match self.undo.pop() {
                Some(Undo::Insert { arena, slot }) => {
                    if let Some(any) = self.store.any_mut(arena) {
                        any.free(slot);
                    }
                }
                Some(Undo::Update { arena, slot, base }) => self.put_back(arena, slot, &base),
                Some(Undo::Delete { arena, slot }) => {
                    if let Some(any) = self.store.any_mut(arena) {
                        any.core_mut().set_state(slot, State::Clean);
                        any.core_mut().set_purge(slot, false);
                        any.register(slot);
                    }
                }
                Some(Undo::Expunged { arena, key, inserted }) => self.forget_loaded(arena, &key, inserted),
                None => break,
            }
        }
        self.told = self.told.min(length);
        self.followed = self.followed.min(length);
        self.relations.clear();
    }

    /// A row that this transaction wrote, of which the session has only what was loaded since.
    fn forget_loaded(&mut self, arena: usize, key: &[Value<'static>], inserted: bool) {
        let Some(any) = self.store.any_mut(arena) else {
            return;
        };
        match any.slot_of(key) {
            Some(slot) if inserted => any.free(slot),
            Some(slot) => {
                if let Some(header) = any.core_mut().header_mut(slot) {
                    header.expired = true;
                }
            }
            None => {}
        }
    }

    fn discard_unflushed(&mut self, arena: usize) {
        let Some(any) = self.store.any_mut(arena) else {
            return;
        };
        let core = any.core_mut();
        let (new, marked) = (std::mem::take(&mut core.new), std::mem::take(&mut core.marked));
        core.dirty.clear();
        for slot in &marked {
            core.set_state(*slot, State::Clean);
            core.set_purge(*slot, false);
        }
        new.iter().for_each(|slot| any.free(*slot));
        let touched: Vec<u32> = any
            .core()
            .live()
            .filter(|slot| any.core().base(*slot).is_some())
            .collect();
        for slot in touched {
            let base = self
                .store
                .any_mut(arena)
                .and_then(|any| any.core_mut().header_mut(slot)?.base.take());
            if let Some(base) = base {
                self.put_back(arena, slot, &base);
            }
        }
    }

    /// Gives a row its former values, and its former place in the identity map.
    fn put_back(&mut self, arena: usize, slot: u32, base: &[Value<'static>]) {
        let Some(any) = self.store.any_mut(arena) else {
            return;
        };
        let meta = any.meta();
        let registered = any.core().state(slot) != State::Deleted;
        let same_key = |i: &usize| {
            base.get(*i)
                .is_some_and(|value| any.encode(slot, *i).sql_eq(value))
        };
        let moved = !meta.key.iter().all(same_key);
        if registered && moved {
            any.unregister(slot);
        }
        // The values were this row's own, so they fit its fields.
        let _ = any.restore(slot, &RowReader::new(&ValueRow(base)));
        if registered && moved {
            any.register(slot);
        }
    }
}
