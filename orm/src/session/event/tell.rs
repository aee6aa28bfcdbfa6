//! Calling the listeners.

use super::{AnyEntry, Call, Moment, WRITTEN};
use crate::error::Result;
use crate::session::undo::Undo;
use crate::session::{Change, Session};

impl Session {
    /// Takes in what the engine's listeners are now, and records loads from here on if anybody hears of them.
    pub(in crate::session) fn listen_now(&mut self) {
        let version = self.engine.attached_version();
        if self.heard.version != version {
            (self.heard.engine, self.heard.version) = (self.engine.attached(), version);
        }
        let loads = self.hears(Moment::AfterLoad);
        self.store.record_loads(loads);
    }

    pub(in crate::session) fn hears(&self, moment: Moment) -> bool {
        self.heard.hears(moment.bit())
    }

    /// Tells of rows that are about to be written.
    pub(in crate::session) fn tell_rows(&mut self, moment: Moment, rows: &[(usize, u32)]) -> Result<()> {
        if self.hears(moment) {
            for (arena, slot) in rows {
                self.tell_row(moment, *arena, *slot, None)?;
            }
        }
        Ok(())
    }

    /// Tells of the rows that were written since it last did.
    pub(in crate::session) fn tell_written(&mut self) -> Result<()> {
        if !self.heard.hears(WRITTEN) {
            self.told = self.undo.len();
            return Ok(());
        }
        while let Some(entry) = self.undo.get(self.told) {
            let (moment, arena, slots) = match entry {
                Undo::Inserts { arena, slots } => (Moment::AfterInsert, *arena, slots.clone()),
                Undo::Update { arena, slot, .. } => (Moment::AfterUpdate, *arena, *slot..*slot + 1),
                Undo::Delete { arena, slot } => (Moment::AfterDelete, *arena, *slot..*slot + 1),
                Undo::Expunged { .. } | Undo::Parts(_) => {
                    self.told += 1;
                    continue;
                }
            };
            let at = self.told;
            self.told += 1;
            for slot in slots {
                // A listener may have taken it out of the session.
                if self.undo.get(at).is_some_and(|entry| entry.is_of(arena, slot)) {
                    self.tell_row(moment, arena, slot, Some(at))?;
                }
            }
        }
        Ok(())
    }

    /// Is anybody to be told of each row that is inserted, before or after?
    pub(in crate::session) fn tells_of_inserts(&self) -> bool {
        self.hears(Moment::BeforeInsert) || self.heard.hears(WRITTEN)
    }

    /// Logs a row that was written past the unit of work: nobody is told of it.
    pub(in crate::session) fn log_untold(&mut self, entry: Undo) {
        self.told += usize::from(self.told == self.undo.len());
        self.undo.push(entry);
    }

    /// Tells of the entities that the last statement has read.
    pub(in crate::session) fn tell_loaded(&mut self) -> Result<()> {
        if !self.hears(Moment::AfterLoad) {
            return Ok(());
        }
        for (arena, slot) in self.store.take_loads() {
            self.tell_row(Moment::AfterLoad, arena, slot, None)?;
        }
        Ok(())
    }

    fn tell_row(&mut self, moment: Moment, arena: usize, slot: u32, undo: Option<usize>) -> Result<()> {
        let Some(entity) = self.store.any(arena).map(|any| any.entity()) else {
            return Ok(());
        };
        let heard = self.heard.clone();
        let raw = self.store.raw(arena as u32, slot);
        for call in heard.of(moment) {
            let Call::Row(only, call) = call else { continue };
            if only.is_none_or(|only| only == entity) {
                call(&mut AnyEntry {
                    session: self,
                    raw,
                    undo,
                })?;
            }
        }
        Ok(())
    }

    /// Tells of what the session as a whole does.
    pub(in crate::session) fn tell_session(&mut self, moment: Moment, changes: &[Change]) -> Result<()> {
        if !self.hears(moment) {
            return Ok(());
        }
        let heard = self.heard.clone();
        for call in heard.of(moment) {
            if let Call::Session(call) = call {
                call(self, changes)?;
            }
        }
        Ok(())
    }
}
