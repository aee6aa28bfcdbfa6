//! The pages that a write transaction has changed, and the way back.
//!
//! ```text
//!   dirty:  page -> (buffer, epoch of the innermost savepoint that has saved it)
//!
//!   savepoints:  [ epoch 3 | page count | undo: (page, image or "was clean", its epoch before), ... ]
//!                [ epoch 7 | ...                                                                  ]  <- top
//! ```
//!
//! A buffer is shared by reference count between the dirty table, the undo lists and the [`Page`](super::Page)s that readers
//! hold; it is copied only when it must change while someone else still looks at it. Saving a page for a savepoint is
//! therefore one pointer, and the copy happens with the first change after it.
//!
//! Invariants:
//! - I1 epochs grow and are never used again, so "saved since the top savepoint began" is one comparison.
//! - I2 undo lists, applied newest first, lead back to the state at their savepoint's beginning.
//! - I3 no dirty page lies past the current page count.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::format::PageNo;

/// Dirty pages and savepoints of the write transaction.
#[derive(Default)]
pub(super) struct Overlay {
    dirty: FxHashMap<PageNo, Dirty>,
    savepoints: Vec<Savepoint>,
    /// Epoch of the top savepoint; zero when there is none.
    epoch: u64,
    last_epoch: u64,
}

struct Dirty {
    bytes: Arc<[u8]>,
    saved_epoch: u64,
}

struct Savepoint {
    epoch: u64,
    page_count: u32,
    undo: Vec<Undo>,
}

struct Undo {
    page: PageNo,
    /// `None`: the page was clean.
    image: Option<Arc<[u8]>>,
    saved_epoch: u64,
}

impl Overlay {
    pub(super) fn is_empty(&self) -> bool {
        self.dirty.is_empty()
    }

    #[inline]
    pub(super) fn get(&self, page: PageNo) -> Option<&Arc<[u8]>> {
        self.dirty.get(&page).map(|dirty| &dirty.bytes)
    }

    /// The buffer of a page for changing; a clean page becomes dirty with what `original` gives.
    #[inline]
    pub(super) fn change(
        &mut self,
        page: PageNo,
        original: impl FnOnce() -> Result<Arc<[u8]>>,
    ) -> Result<&mut [u8]> {
        let epoch = self.epoch;
        let dirty = match self.dirty.entry(page) {
            Entry::Occupied(entry) => {
                let dirty = entry.into_mut();
                if dirty.saved_epoch < epoch {
                    save(
                        &mut self.savepoints,
                        page,
                        Some(Arc::clone(&dirty.bytes)),
                        dirty.saved_epoch,
                    );
                    dirty.saved_epoch = epoch;
                }
                dirty
            }
            Entry::Vacant(entry) => {
                let bytes = original()?;
                save(&mut self.savepoints, page, None, 0);
                entry.insert(Dirty {
                    bytes,
                    saved_epoch: epoch,
                })
            }
        };
        Ok(Arc::make_mut(&mut dirty.bytes))
    }

    /// Makes a clean page dirty with these bytes, or replaces a dirty page whole.
    pub(super) fn insert(&mut self, page: PageNo, bytes: Arc<[u8]>) -> &mut [u8] {
        let epoch = self.epoch;
        let dirty = match self.dirty.entry(page) {
            Entry::Occupied(entry) => {
                let dirty = entry.into_mut();
                let old = std::mem::replace(&mut dirty.bytes, bytes);
                if dirty.saved_epoch < epoch {
                    save(&mut self.savepoints, page, Some(old), dirty.saved_epoch);
                    dirty.saved_epoch = epoch;
                }
                dirty
            }
            Entry::Vacant(entry) => {
                save(&mut self.savepoints, page, None, 0);
                entry.insert(Dirty {
                    bytes,
                    saved_epoch: epoch,
                })
            }
        };
        Arc::make_mut(&mut dirty.bytes)
    }

    /// Forgets dirty pages past a page count that shrinks from `old` to `new`.
    pub(super) fn truncate(&mut self, old: u32, new: u32) {
        let gone: Vec<PageNo> = if ((old - new) as usize) < self.dirty.len() {
            (new + 1..=old)
                .filter_map(PageNo::new)
                .filter(|page| self.dirty.contains_key(page))
                .collect()
        } else {
            self.dirty
                .keys()
                .copied()
                .filter(|page| page.get() > new)
                .collect()
        };
        for page in gone {
            if let Some(dirty) = self.dirty.remove(&page)
                && dirty.saved_epoch < self.epoch
            {
                save(&mut self.savepoints, page, Some(dirty.bytes), dirty.saved_epoch);
            }
        }
    }

    /// Opens a savepoint and returns its depth, 0 for the outermost.
    pub(super) fn savepoint(&mut self, page_count: u32) -> usize {
        self.last_epoch += 1;
        self.epoch = self.last_epoch;
        self.savepoints.push(Savepoint {
            epoch: self.epoch,
            page_count,
            undo: Vec::new(),
        });
        self.savepoints.len() - 1
    }

    pub(super) fn depth(&self) -> usize {
        self.savepoints.len()
    }

    /// Keeps the changes since savepoint `depth` and drops it and all deeper ones.
    pub(super) fn release(&mut self, depth: usize) {
        while self.savepoints.len() > depth {
            let Some(child) = self.savepoints.pop() else { break };
            if let Some(parent) = self.savepoints.last_mut() {
                let epoch = parent.epoch;
                parent
                    .undo
                    .extend(child.undo.into_iter().filter(|undo| undo.saved_epoch < epoch));
            }
        }
        self.epoch = self.savepoints.last().map_or(0, |top| top.epoch);
    }

    /// Takes back the changes since savepoint `depth`, which stays open, drops deeper ones and returns the page
    /// count at its beginning.
    pub(super) fn rollback_to(&mut self, depth: usize) -> Option<u32> {
        let page_count = self.savepoints.get(depth)?.page_count;
        for savepoint in self.savepoints[depth..].iter_mut().rev() {
            for undo in savepoint.undo.drain(..).rev() {
                match undo.image {
                    Some(bytes) => {
                        self.dirty.insert(
                            undo.page,
                            Dirty {
                                bytes,
                                saved_epoch: undo.saved_epoch,
                            },
                        );
                    }
                    None => {
                        self.dirty.remove(&undo.page);
                    }
                }
            }
        }
        self.savepoints.truncate(depth + 1);
        self.epoch = self.savepoints.last().map_or(0, |top| top.epoch);
        Some(page_count)
    }

    /// The dirty pages, in page order.
    pub(super) fn sorted(&self) -> Vec<(PageNo, &[u8])> {
        let mut pages: Vec<(PageNo, &[u8])> = self
            .dirty
            .iter()
            .map(|(page, dirty)| (*page, &*dirty.bytes))
            .collect();
        pages.sort_unstable_by_key(|(page, _)| *page);
        pages
    }

    /// Hands out the dirty pages and forgets everything: the transaction is over.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (PageNo, Arc<[u8]>)> + '_ {
        self.savepoints.clear();
        self.epoch = 0;
        self.dirty.drain().map(|(page, dirty)| (page, dirty.bytes))
    }

    /// Forgets everything: the transaction is over.
    pub(super) fn clear(&mut self) {
        self.dirty.clear();
        self.savepoints.clear();
        self.epoch = 0;
    }
}

fn save(savepoints: &mut [Savepoint], page: PageNo, image: Option<Arc<[u8]>>, saved_epoch: u64) {
    if let Some(top) = savepoints.last_mut() {
        top.undo.push(Undo {
            page,
            image,
            saved_epoch,
        });
    }
}
