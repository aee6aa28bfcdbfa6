//! Clean pages of one file: slices of its memory map, or buffers in the cache.
//!
//! A file is mapped when it was asked for a few pages: setting up a map, the faults on its pages and taking it down again cost more than reading
//! what a short visit needs.
//!
//! ```text
//!   file   |=====================|              length, as far as it was checked: `readable`
//!   map    |=====================·············|  reaches further, so that growth rarely means a new map
//! ```
//!
//! I1 nothing past `readable` is looked at through the map: the file may end there, and the system would stop the process.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use bytes::Bytes;

use super::cache::{CacheCounts, PageCache};
use super::page::Page;
use crate::error::Result;
use crate::vfs::{File, read_whole};

/// Smallest map; address space costs nothing.
const MAP_MIN: u64 = 1 << 20;

/// How many times pages are read (or found in the cache) before the file is mapped.
const READS_BEFORE_MAP: u32 = 16;

/// Reads pages of one file.
#[derive(Debug)]
pub(crate) struct PageSource {
    map: RefCell<Arc<Bytes>>,
    /// Bytes that the map covers and the file has, as last checked.
    readable: Cell<u64>,
    /// Length of the file, as last checked.
    file_len: Cell<Option<u64>>,
    map_limit: Cell<u64>,
    /// How many more pages are read before the file is mapped.
    reads_before_map: Cell<u32>,
    cache: RefCell<PageCache>,
    counts: Cell<CacheCounts>,
    /// Pages whose checksum was looked at, by number.
    verified: RefCell<Vec<u64>>,
}

impl PageSource {
    pub(crate) fn new(map_limit: u64, cache_pages: usize) -> PageSource {
        PageSource {
            map: RefCell::default(),
            readable: Cell::new(0),
            file_len: Cell::new(None),
            map_limit: Cell::new(map_limit),
            reads_before_map: Cell::new(READS_BEFORE_MAP),
            cache: RefCell::new(PageCache::new(cache_pages)),
            counts: Cell::default(),
            verified: RefCell::default(),
        }
    }

    /// The `page_size` bytes at `offset`. What lies past the end of the file reads as zeros. `number` names the page in the
    /// cache.
    #[inline(always)]
    pub(crate) fn page(&self, file: &dyn File, number: u32, offset: u64, page_size: usize) -> Result<Page> {
        let end = offset + page_size as u64;
        if end <= self.readable.get() {
            return Ok(Page::mapped(
                Arc::clone(&self.map.borrow()),
                offset as usize,
                page_size as u32,
            ));
        }
        self.page_slow(file, number, offset, page_size)
    }

    #[inline(never)]
    fn page_slow(&self, file: &dyn File, number: u32, offset: u64, page_size: usize) -> Result<Page> {
        let end = offset + page_size as u64;
        if self.is_worth_a_map() && self.remap(file, end)? {
            return Ok(Page::mapped(
                Arc::clone(&self.map.borrow()),
                offset as usize,
                page_size as u32,
            ));
        }
        let mut counts = self.counts.get();
        if let Some(bytes) = self.cache.borrow_mut().get(number) {
            counts.hits += 1;
            self.counts.set(counts);
            return Ok(Page::private(bytes));
        }
        counts.misses += 1;
        self.counts.set(counts);
        let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, page_size).collect();
        let count = read_whole(file, Arc::make_mut(&mut bytes), offset)?;
        self.set_verified(number, false);
        // A short page is not kept: the file may grow under the same snapshot (a checkpoint).
        if count == page_size {
            self.cache.borrow_mut().insert(number, Arc::clone(&bytes));
        }
        Ok(Page::private(bytes))
    }

    /// Whether enough pages were asked for; counts this one.
    fn is_worth_a_map(&self) -> bool {
        let left = self.reads_before_map.get();
        self.reads_before_map.set(left.saturating_sub(1));
        left == 0
    }

    /// Makes the map cover `end`, if the file has that many bytes; `false` if it cannot.
    fn remap(&self, file: &dyn File, end: u64) -> Result<bool> {
        let limit = self.map_limit.get();
        if end > limit {
            return Ok(false);
        }
        let len = match self.file_len.get() {
            Some(len) if len >= end => len,
            _ => {
                let len = file.len()?;
                self.file_len.set(Some(len));
                len
            }
        };
        if len < end {
            return Ok(false);
        }
        if (self.map.borrow().len() as u64) < end {
            let wanted = len.saturating_mul(2).max(MAP_MIN).min(limit);
            let Some(map) = file.map(wanted)? else {
                self.map_limit.set(0);
                return Ok(false);
            };
            self.map.replace(Arc::new(map));
            self.cache.borrow_mut().clear();
        }
        self.readable.set(len.min(self.map.borrow().len() as u64));
        Ok(end <= self.readable.get())
    }

    /// The bytes at the start of the file, if the map shows them without a system call.
    #[inline]
    pub(crate) fn peek<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        if (offset + N) as u64 > self.readable.get() {
            return None;
        }
        self.map.borrow().get(offset..offset + N)?.first_chunk().copied()
    }

    /// Somebody changed the file: what was cached or known of its length is out of date.
    pub(crate) fn forget(&self) {
        self.readable.set(0);
        self.file_len.set(None);
        self.cache.borrow_mut().clear();
        self.verified.borrow_mut().clear();
    }

    /// The next page comes from another file: the map, too, is of no more use.
    pub(crate) fn leave_file(&self) {
        self.forget();
        self.map.take();
    }

    /// Whether the page was found good since it came from the disk or the map was made.
    pub(super) fn is_verified(&self, number: u32) -> bool {
        let verified = self.verified.borrow();
        let word = verified.get(number as usize / 64);
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Says that the page was found good, or that it has to be looked at again.
    pub(super) fn set_verified(&self, number: u32, good: bool) {
        let mut verified = self.verified.borrow_mut();
        let at = number as usize / 64;
        if good && verified.len() <= at {
            verified.resize(at + 1, 0);
        }
        if let Some(word) = verified.get_mut(at) {
            *word = *word & !(1 << (number % 64)) | u64::from(good) << (number % 64);
        }
    }

    /// The file is (at least) this long now.
    pub(crate) fn set_file_len(&self, len: u64) {
        self.file_len.set(Some(len));
        self.readable.set(len.min(self.map.borrow().len() as u64));
    }

    /// This page was written: replaces what the cache has of it.
    pub(crate) fn written(&self, number: u32) {
        self.cache.borrow_mut().remove(number);
        self.set_verified(number, false);
    }

    /// Changes how much of the file is mapped; zero for none.
    pub(crate) fn set_map_limit(&self, limit: u64) {
        self.map_limit.set(limit);
        self.map.take();
        self.readable.set(0);
    }

    /// How many pages the cache had, and how many were read, since the file was opened.
    pub(crate) fn cache_counts(&self) -> CacheCounts {
        self.counts.get()
    }

    /// Changes the size of the cache.
    pub(crate) fn set_cache_pages(&self, pages: usize) {
        self.cache.borrow_mut().set_capacity(pages);
    }
}
