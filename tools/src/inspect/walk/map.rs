//! The pointer map of auto-vacuum files, compared with what the walk meets.

use super::Walk;
use crate::inspect::finding::Finding;
use crate::inspect::page::word;
use crate::inspect::vocabulary::Code;

/// Pointer map pages that are kept.
const KEPT: usize = 8;

const ENTRY_LEN: u32 = 5;

/// What entries of a pointer map say, by their first byte.
pub fn entry_words(kind: u8) -> &'static str {
    match kind {
        1 => "root",
        2 => "free",
        3 => "first overflow page",
        4 => "overflow page",
        5 => "tree page",
        _ => "unknown",
    }
}

/// The pointer map page that has the entry of `page`, and where on it.
pub fn map_place(page: u32, page_size: usize, usable: usize) -> Option<(u32, usize)> {
    let per_map = usable as u32 / ENTRY_LEN;
    let group = page.checked_sub(2)? / (per_map + 1);
    let mut map = group * (per_map + 1) + 2;
    let lock_byte_page = (0x4000_0000 / page_size as u64) as u32 + 1;
    if map == lock_byte_page {
        map += 1;
    }
    if page <= map {
        // A map page itself, or the lock-byte page in front of one.
        return None;
    }
    Some((map, ((page - map - 1) * ENTRY_LEN) as usize))
}

impl Walk<'_> {
    pub(super) fn is_map_page(&self, page: u32) -> bool {
        let per_map = self.usable as u32 / ENTRY_LEN;
        let Some(inside) = page.checked_sub(2) else {
            return false;
        };
        let map = inside / (per_map + 1) * (per_map + 1) + 2;
        page == if map == self.lock_byte_page() {
            map + 1
        } else {
            map
        }
    }

    /// Compares the pointer map entry of a page with how it is used.
    pub(super) fn map_entry(&mut self, page: u32, kind: u8, parent: u32) {
        if !self.is_mapped || page == 1 {
            return;
        }
        let Some((map, at)) = map_place(page, self.page_size, self.usable) else {
            return;
        };
        let found = self.map_page(map);
        let found_kind = found.get(at).copied().unwrap_or(0);
        let found_parent = word(found, at + 1);
        if (found_kind, found_parent) == (kind, parent) {
            return;
        }
        let message = format!(
            "the entry of page {page} says {} of page {found_parent}; it is a {} of page {parent}",
            entry_words(found_kind),
            entry_words(kind)
        );
        let finding = Finding::new(Code::PointerMap, message).on(map).at(at);
        self.find(finding.values(
            u64::from(kind) << 32 | u64::from(parent),
            u64::from(found_kind) << 32 | u64::from(found_parent),
        ));
    }

    fn map_page(&mut self, map: u32) -> &[u8] {
        if !self.maps.contains_key(&map) {
            if self.maps.len() >= KEPT {
                self.maps.clear();
            }
            let mut bytes = Vec::new();
            self.read(map, &mut bytes);
            self.maps.insert(map, bytes);
        }
        self.maps.get(&map).map_or(&[], Vec::as_slice)
    }
}
