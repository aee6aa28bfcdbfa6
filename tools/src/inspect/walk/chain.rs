//! Chains: the freelist, and the overflow pages of a payload.

use super::Walk;
use crate::inspect::finding::Finding;
use crate::inspect::page::{CellView, word};
use crate::inspect::vocabulary::{Code, PageUse};

impl Walk<'_> {
    /// Follows the trunks of the freelist and notes the pages that they list.
    pub(super) fn freelist(&mut self) {
        let (mut trunk, told) = (word(&self.first, 32), word(&self.first, 36));
        let (mut from, mut offset) = (1, 32);
        let mut count = 0u64;
        let mut is_whole = true;
        let mut bytes = Vec::new();
        while trunk != 0 {
            if !self.claim(trunk, PageUse::FreelistTrunk, 0, from, offset) {
                is_whole = false;
                break;
            }
            self.map_entry(trunk, 2, 0);
            if !self.read(trunk, &mut bytes) {
                is_whole = false;
                break;
            }
            count += 1;
            self.layout.trunks += 1;
            let (listed, room) = (word(&bytes, 4) as usize, self.usable / 4 - 2);
            if listed > room {
                let message = "a trunk of the freelist lists more pages than it has room for";
                self.find(
                    Finding::new(Code::FreelistLeafCount, message)
                        .on(trunk)
                        .at(4)
                        .values(room, listed),
                );
                is_whole = false;
            }
            for index in 0..listed.min(room) {
                let at = 8 + 4 * index;
                let leaf = word(&bytes, at);
                if self.claim(leaf, PageUse::FreelistLeaf, 0, trunk, at) {
                    self.map_entry(leaf, 2, 0);
                    count += 1;
                    self.layout.free_pages += 1;
                } else {
                    is_whole = false;
                }
            }
            (from, offset) = (trunk, 0);
            trunk = word(&bytes, 0);
        }
        if count != u64::from(told) {
            let message = format!("the header counts {told} free pages, the list has {count}");
            let finding = Finding::new(Code::FreelistLength, message).on(1).at(36);
            // When the list itself is broken, that is said already; the number may be right.
            if is_whole {
                self.find(finding.values(count, told));
            }
        }
    }

    /// Follows the overflow chain of a cell.
    pub(super) fn overflow(&mut self, cell: &CellView, page: u32, owner: u32) {
        let Some(first) = cell.overflow else { return };
        let per_page = self.usable as u64 - 4;
        let rest = cell.total - cell.local.len() as u64;
        let expected = rest.div_ceil(per_page);
        let (mut next, mut from, mut offset, mut found) = (first, page, cell.local.end, 0u64);
        let mut bytes = Vec::new();
        while next != 0 && found < expected {
            if !self.claim(next, PageUse::Overflow, owner, from, offset) {
                return;
            }
            let (entry, parent) = if found == 0 { (3, page) } else { (4, from) };
            self.map_entry(next, entry, parent);
            if !self.read(next, &mut bytes) {
                return;
            }
            found += 1;
            let held = (rest - (found - 1) * per_page).min(per_page);
            if let Some(note) = self.layout.notes.entry(next) {
                note.fill = (held * 100 / per_page) as u8;
            }
            if let Some(tally) = self.tally(owner) {
                tally.overflow_pages += 1;
                tally.overflow_unused += per_page - held;
            }
            (from, offset) = (next, 0);
            next = word(&bytes, 0);
        }
        if found < expected || next != 0 {
            let owner = self.owner_name(owner);
            let message = if next == 0 {
                format!(
                    "the chain of cell {} on page {page} ends after {found} of {expected} pages",
                    cell.index
                )
            } else {
                format!(
                    "the chain of cell {} on page {page} goes on behind its {expected} pages",
                    cell.index
                )
            };
            let finding = Finding::new(Code::OverflowLength, message).on(from).at(offset);
            self.find(
                finding
                    .of(owner.as_deref())
                    .values(expected, found + u64::from(next != 0)),
            );
        }
    }
}
