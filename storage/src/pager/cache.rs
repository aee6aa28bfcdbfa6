//! A bounded cache of pages that were read from a file which cannot be mapped.
//!
//! Two generations: what is used moves to the young one; when that is full, it becomes the old one and the old one is dropped. Nothing is
//! counted, sorted or chained, and a scan costs at most half the cache.

use std::sync::Arc;

use rustc_hash::FxHashMap;

/// How pages were come by that are not slices of a memory map, see [`Pager::cache_counts`](super::Pager::cache_counts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Pages that the cache had.
    pub hits: u64,
    /// Pages that were read from the file, or from its log.
    pub misses: u64,
}

impl CacheCounts {
    /// What was added since `earlier`. A database that was detached meanwhile took its counts away.
    #[must_use]
    pub fn since(self, earlier: CacheCounts) -> CacheCounts {
        CacheCounts {
            hits: self.hits.saturating_sub(earlier.hits),
            misses: self.misses.saturating_sub(earlier.misses),
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: CacheCounts) -> CacheCounts {
        CacheCounts {
            hits: self.hits + other.hits,
            misses: self.misses + other.misses,
        }
    }
}

/// Pages by a number that the owner chooses (page or frame).
#[derive(Debug)]
pub(super) struct PageCache {
    young: FxHashMap<u32, Arc<[u8]>>,
    old: FxHashMap<u32, Arc<[u8]>>,
    generation_max: usize,
}

impl PageCache {
    /// A cache of at most `capacity` pages.
    pub(super) fn new(capacity: usize) -> PageCache {
        PageCache {
            young: FxHashMap::default(),
            old: FxHashMap::default(),
            generation_max: (capacity / 2).max(1),
        }
    }

    pub(super) fn get(&mut self, number: u32) -> Option<Arc<[u8]>> {
        if let Some(bytes) = self.young.get(&number) {
            return Some(Arc::clone(bytes));
        }
        let bytes = self.old.remove(&number)?;
        self.insert(number, Arc::clone(&bytes));
        Some(bytes)
    }

    pub(super) fn insert(&mut self, number: u32, bytes: Arc<[u8]>) {
        if self.young.len() >= self.generation_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(number, bytes);
    }

    pub(super) fn remove(&mut self, number: u32) {
        self.young.remove(&number);
        self.old.remove(&number);
    }

    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.generation_max = (capacity / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_its_bounds_and_keeps_what_is_used() {
        let mut cache = PageCache::new(10);
        for number in 0..100u32 {
            cache.insert(number, Arc::from([number as u8]));
            assert!(cache.get(0).is_some(), "0 is in use");
            assert!(cache.young.len() + cache.old.len() <= 10);
        }
        assert!(cache.get(50).is_none());
        assert_eq!(*cache.get(99).unwrap(), [99]);
        cache.remove(99);
        assert!(cache.get(99).is_none());
    }
}
