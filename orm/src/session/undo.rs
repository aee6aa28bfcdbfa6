//! Taking memory back to where the transaction, or a savepoint, began.
//!
//! The log has what was written since the transaction began, in its order; a savepoint is a length of the log. There is an
//! entry for each row, but for new rows in slots beside each other: these share one, unless somebody is to be told of each.

use std::ops::Range;

use super::Session;
use super::store::{Base, State, ValueRow};
use crate::mapper::RowReader;
use crate::types::Value;

/// How to take written rows back.
#[derive(Debug)]
pub(crate) enum Undo {
    /// New rows, in these slots.
    Inserts {
        arena: usize,
        slots: Range<u32>,
    },
    /// The values before.
    Update {
        arena: usize,
        slot: u32,
        base: Base,
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
    /// New rows of one entry, some of which were taken out of the session.
    Parts(Vec<Undo>),
}

impl Undo {
    /// Is it about that row?
    pub(super) fn is_of(&self, of_arena: usize, of_slot: u32) -> bool {
        match self {
            Undo::Inserts { arena, slots } => *arena == of_arena && slots.contains(&of_slot),
            Undo::Update { arena, slot, .. } | Undo::Delete { arena, slot } => {
                (*arena, *slot) == (of_arena, of_slot)
            }
            Undo::Expunged { .. } => false,
            Undo::Parts(parts) => parts.iter().any(|part| part.is_of(of_arena, of_slot)),
        }
    }

    /// The rows that it is about, by arena and slot.
    pub(super) fn rows(&self) -> Vec<(usize, u32)> {
        match self {
            Undo::Inserts { arena, slots } => slots.clone().map(|slot| (*arena, slot)).collect(),
            Undo::Update { arena, slot, .. } | Undo::Delete { arena, slot } => vec![(*arena, *slot)],
            Undo::Expunged { .. } => Vec::new(),
            Undo::Parts(parts) => parts.iter().flat_map(Undo::rows).collect(),
        }
    }

    /// Is it of new rows?
    pub(super) fn is_insert(&self) -> bool {
        matches!(self, Undo::Inserts { .. } | Undo::Parts(_))
    }

    /// What is left of the entry when the entity of that slot, which it is about, goes.
    pub(super) fn expunge(&mut self, slot: u32, key: &[Value<'static>]) {
        let expunged = |arena, inserted| Undo::Expunged {
            arena,
            key: key.to_vec(),
            inserted,
        };
        match self {
            Undo::Inserts { arena, slots } => {
                let arena = *arena;
                let beside = [slots.start..slot, slot + 1..slots.end];
                let beside = beside.into_iter().filter(|slots| !slots.is_empty());
                let mut parts: Vec<Undo> = beside.map(|slots| Undo::Inserts { arena, slots }).collect();
                *self = match parts.is_empty() {
                    true => expunged(arena, true),
                    false => {
                        parts.push(expunged(arena, true));
                        Undo::Parts(parts)
                    }
                };
            }
            Undo::Update { arena, .. } | Undo::Delete { arena, .. } => *self = expunged(*arena, false),
            Undo::Expunged { .. } => {}
            Undo::Parts(parts) => {
                let holds =
                    |part: &&mut Undo| matches!(part, Undo::Inserts { slots, .. } if slots.contains(&slot));
                if let Some(part) = parts.iter_mut().find(holds) {
                    part.expunge(slot, key);
                }
            }
        }
    }
}

impl Session {
    /// Undoes what is not flushed, then what was flushed since the log had that length.
    pub(super) fn restore(&mut self, length: usize) {
        for arena in 0..self.store.arenas().len() {
            self.discard_unflushed(arena);
        }
        self.undo_cuts += 1;
        while self.undo.len() > length {
            if let Some(entry) = self.undo.pop() {
                self.take_back(entry);
            }
        }
        self.told = self.told.min(length);
        self.followed = self.followed.min(length);
        self.relations.clear();
    }

    fn take_back(&mut self, entry: Undo) {
        match entry {
            Undo::Inserts { arena, slots } => {
                if let Some(any) = self.store.any_mut(arena) {
                    slots.rev().for_each(|slot| any.free(slot));
                }
            }
            Undo::Update { arena, slot, base } => self.put_back(arena, slot, &base),
            Undo::Delete { arena, slot } => {
                if let Some(any) = self.store.any_mut(arena) {
                    any.core_mut().set_state(slot, State::Clean);
                    any.core_mut().set_purge(slot, false);
                    any.register(slot);
                }
            }
            Undo::Expunged { arena, key, inserted } => self.forget_loaded(arena, &key, inserted),
            Undo::Parts(parts) => parts.into_iter().for_each(|part| self.take_back(part)),
        }
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
                .and_then(|any| any.core_mut().take_base(slot));
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
