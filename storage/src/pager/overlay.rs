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
//! When there are more pages than memory is allowed for them, the undo images and those dirty pages that were not changed for the longest
//! time go to the [spill file](super::spill), half of what is allowed at a time. A page comes back when it is changed again.
//!
//! Invariants:
//! - I1 epochs grow and are never used again, so "saved since the top savepoint began" is one comparison.
//! - I2 undo lists, applied newest first, lead back to the state at their savepoint's beginning.
//! - I3 no dirty page lies past the current page count.
//! - I4 a slot of the spill file belongs to one page: it is in one place of this table, or in `freed`.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::spill::{Held, Slot, SpillFile};
use crate::error::{Error, Result};
use crate::format::PageNo;
use crate::wal::PageList;

/// Dirty pages and savepoints of the write transaction.
#[derive(Default)]
pub(super) struct Overlay {
    dirty: FxHashMap<PageNo, Dirty>,
    savepoints: Vec<Savepoint>,
    /// Epoch of the top savepoint; zero when there is none.
    epoch: u64,
    last_epoch: u64,
    /// Buffers in memory, undo images among them.
    resident: usize,
    /// Undo images in memory.
    resident_undo: usize,
    /// Counts changes, to tell which pages were changed last.
    clock: u64,
    /// Slots that are no longer needed, for the spill file to take back.
    freed: Vec<Slot>,
    /// Undo images that are no longer needed, as memory for the next ones: each statement saves a few pages.
    spare: Vec<Arc<[u8]>>,
    /// The memory of an undo list.
    spare_undo: Vec<Undo>,
}

/// Buffers kept for the next undo images.
const SPARE_MAX: usize = 32;

struct Dirty {
    held: Held,
    saved_epoch: u64,
    changed_at: u64,
}

struct Savepoint {
    epoch: u64,
    page_count: u32,
    undo: Vec<Undo>,
}

struct Undo {
    page: PageNo,
    /// `None`: the page was clean.
    image: Option<Held>,
    saved_epoch: u64,
}

impl Overlay {
    pub(super) fn is_empty(&self) -> bool {
        self.dirty.is_empty()
    }

    #[inline]
    pub(super) fn get(&self, page: PageNo) -> Option<&Held> {
        self.dirty.get(&page).map(|dirty| &dirty.held)
    }

    /// The dirty pages, in no order.
    pub(super) fn page_numbers(&self) -> impl Iterator<Item = PageNo> + Clone + '_ {
        self.dirty.keys().copied()
    }

    /// Buffers in memory.
    #[inline]
    pub(super) fn resident(&self) -> usize {
        self.resident
    }

    /// The buffer of a page for changing; a clean page becomes dirty with what `original` gives, a spilled one comes back with what `load`
    /// gives.
    #[inline]
    pub(super) fn change(
        &mut self,
        page: PageNo,
        original: impl FnOnce() -> Result<Arc<[u8]>>,
        load: impl FnOnce(Slot) -> Result<Arc<[u8]>>,
    ) -> Result<&mut [u8]> {
        let epoch = self.epoch;
        self.clock += 1;
        let dirty = match self.dirty.entry(page) {
            Entry::Occupied(entry) => {
                let dirty = entry.into_mut();
                dirty.changed_at = self.clock;
                let saves = dirty.saved_epoch < epoch;
                if let Held::Spilled(slot) = dirty.held {
                    let loaded = Held::Memory(load(slot)?);
                    let spilled = std::mem::replace(&mut dirty.held, loaded);
                    self.resident += 1;
                    if saves {
                        save(&mut self.savepoints, page, Some(spilled), dirty.saved_epoch);
                    } else {
                        self.freed.push(slot);
                    }
                } else if saves {
                    save(
                        &mut self.savepoints,
                        page,
                        Some(dirty.held.clone()),
                        dirty.saved_epoch,
                    );
                    self.resident += 1;
                    self.resident_undo += 1;
                }
                if saves {
                    dirty.saved_epoch = epoch;
                }
                dirty
            }
            Entry::Vacant(entry) => {
                let held = Held::Memory(original()?);
                save(&mut self.savepoints, page, None, 0);
                self.resident += 1;
                entry.insert(Dirty {
                    held,
                    saved_epoch: epoch,
                    changed_at: self.clock,
                })
            }
        };
        match &mut dirty.held {
            Held::Memory(bytes) => {
                if Arc::strong_count(bytes) > 1
                    && let Some(copy) = copy_into(self.spare.pop(), bytes)
                {
                    *bytes = copy;
                }
                Ok(Arc::make_mut(bytes))
            }
            Held::Spilled(_) => Err(Error::Misuse("a page that is changed is in memory")),
        }
    }

    /// Makes a clean page dirty with these bytes, or replaces a dirty page whole.
    pub(super) fn insert(&mut self, page: PageNo, bytes: Arc<[u8]>) {
        let epoch = self.epoch;
        self.clock += 1;
        self.resident += 1;
        match self.dirty.entry(page) {
            Entry::Occupied(entry) => {
                let dirty = entry.into_mut();
                dirty.changed_at = self.clock;
                let old = std::mem::replace(&mut dirty.held, Held::Memory(bytes));
                if dirty.saved_epoch < epoch {
                    self.resident_undo += usize::from(old.in_memory().is_some());
                    save(&mut self.savepoints, page, Some(old), dirty.saved_epoch);
                    dirty.saved_epoch = epoch;
                } else {
                    self.let_go(old);
                }
            }
            Entry::Vacant(entry) => {
                save(&mut self.savepoints, page, None, 0);
                entry.insert(Dirty {
                    held: Held::Memory(bytes),
                    saved_epoch: epoch,
                    changed_at: self.clock,
                });
            }
        }
    }

    /// A buffer that was counted is needed no more.
    fn let_go(&mut self, held: Held) {
        match held {
            Held::Memory(_) => self.resident -= 1,
            Held::Spilled(slot) => self.freed.push(slot),
        }
    }

    fn let_go_undo(&mut self, undo: Undo) {
        if let Some(held) = undo.image {
            self.resident_undo -= usize::from(held.in_memory().is_some());
            if let Held::Memory(bytes) = &held
                && self.spare.len() < SPARE_MAX
                && Arc::strong_count(bytes) == 1
            {
                self.spare.push(Arc::clone(bytes));
            }
            self.let_go(held);
        }
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
            let Some(dirty) = self.dirty.remove(&page) else {
                continue;
            };
            if dirty.saved_epoch < self.epoch {
                self.resident_undo += usize::from(dirty.held.in_memory().is_some());
                save(&mut self.savepoints, page, Some(dirty.held), dirty.saved_epoch);
            } else {
                self.let_go(dirty.held);
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
            undo: std::mem::take(&mut self.spare_undo),
        });
        self.savepoints.len() - 1
    }

    pub(super) fn depth(&self) -> usize {
        self.savepoints.len()
    }

    /// Keeps the changes since savepoint `depth` and drops it and all deeper ones.
    pub(super) fn release(&mut self, depth: usize) {
        while self.savepoints.len() > depth {
            let Some(mut child) = self.savepoints.pop() else {
                break;
            };
            let epoch = self.savepoints.last().map(|parent| parent.epoch);
            for undo in child.undo.drain(..) {
                match (self.savepoints.last_mut(), epoch) {
                    (Some(parent), Some(epoch)) if undo.saved_epoch < epoch => parent.undo.push(undo),
                    _ => self.let_go_undo(undo),
                }
            }
            self.spare_undo = child.undo;
        }
        self.epoch = self.savepoints.last().map_or(0, |top| top.epoch);
    }

    /// Takes back the changes since savepoint `depth`, which stays open, drops deeper ones and returns the page
    /// count at its beginning.
    pub(super) fn rollback_to(&mut self, depth: usize) -> Option<u32> {
        let page_count = self.savepoints.get(depth)?.page_count;
        for at in (depth..self.savepoints.len()).rev() {
            let undo = std::mem::take(&mut self.savepoints[at].undo);
            for undo in undo.into_iter().rev() {
                let undone = match undo.image {
                    Some(held) => {
                        self.resident_undo -= usize::from(held.in_memory().is_some());
                        self.dirty.insert(
                            undo.page,
                            Dirty {
                                held,
                                saved_epoch: undo.saved_epoch,
                                changed_at: self.clock,
                            },
                        )
                    }
                    None => self.dirty.remove(&undo.page),
                };
                if let Some(undone) = undone {
                    self.let_go(undone.held);
                }
            }
        }
        self.savepoints.truncate(depth + 1);
        self.epoch = self.savepoints.last().map_or(0, |top| top.epoch);
        Some(page_count)
    }

    /// Moves undo images and the pages that were changed the longest ago to the spill file, until at most `keep` buffers are left.
    ///
    /// # Errors
    /// Those of the spill file; nothing has moved then.
    pub(super) fn spill(&mut self, spill: &mut SpillFile, page_size: usize, keep: usize) -> Result<()> {
        spill.free(self.freed.drain(..));
        self.spill_undo(spill, page_size)?;
        let Some(excess) = self.resident.checked_sub(keep).filter(|excess| *excess > 0) else {
            return Ok(());
        };
        let mut pages: Vec<(u64, PageNo)> = self
            .dirty
            .iter()
            .filter(|(_, dirty)| dirty.held.in_memory().is_some())
            .map(|(page, dirty)| (dirty.changed_at, *page))
            .collect();
        let cold = excess.min(pages.len());
        if cold == 0 {
            return Ok(());
        }
        pages.select_nth_unstable(cold - 1);
        pages.truncate(cold);
        pages.sort_unstable_by_key(|(_, page)| *page);
        let bytes: Vec<&[u8]> = pages
            .iter()
            .filter_map(|(_, page)| self.dirty.get(page)?.held.in_memory())
            .map(|bytes| &**bytes)
            .collect();
        let slots = spill.store(page_size, bytes.into_iter())?;
        for ((_, page), slot) in pages.iter().zip(slots) {
            if let Some(dirty) = self.dirty.get_mut(page) {
                dirty.held = Held::Spilled(slot);
                self.resident -= 1;
            }
        }
        Ok(())
    }

    fn spill_undo(&mut self, spill: &mut SpillFile, page_size: usize) -> Result<()> {
        if self.resident_undo == 0 {
            return Ok(());
        }
        let images = |savepoints: &[Savepoint]| -> Vec<Arc<[u8]>> {
            let undo = savepoints.iter().flat_map(|savepoint| &savepoint.undo);
            undo.filter_map(|undo| undo.image.as_ref()?.in_memory().cloned())
                .collect()
        };
        let bytes = images(&self.savepoints);
        let slots = spill.store(page_size, bytes.iter().map(|bytes| &**bytes))?;
        let undo = self
            .savepoints
            .iter_mut()
            .flat_map(|savepoint| &mut savepoint.undo);
        let held = undo
            .filter_map(|undo| undo.image.as_mut())
            .filter(|held| held.in_memory().is_some());
        for (held, slot) in held.zip(slots) {
            *held = Held::Spilled(slot);
        }
        self.resident -= self.resident_undo;
        self.resident_undo = 0;
        Ok(())
    }

    /// Checks the counts, and I4.
    #[cfg(test)]
    pub(super) fn check_invariants(&self, spill: Option<&SpillFile>) {
        let undo = self.savepoints.iter().flat_map(|savepoint| &savepoint.undo);
        let undo: Vec<&Held> = undo.filter_map(|undo| undo.image.as_ref()).collect();
        let dirty: Vec<&Held> = self.dirty.values().map(|dirty| &dirty.held).collect();
        let in_memory = |held: &[&Held]| held.iter().filter(|held| held.in_memory().is_some()).count();
        assert_eq!(self.resident_undo, in_memory(&undo));
        assert_eq!(self.resident, in_memory(&undo) + in_memory(&dirty));
        let mut slots: Vec<Slot> = undo.iter().chain(&dirty).filter_map(|held| held.slot()).collect();
        slots.extend(&self.freed);
        let count = slots.len();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), count, "a slot has two owners");
        if let Some(spill) = spill {
            spill.check_in_use(&slots);
        }
    }

    /// Slots that are no longer needed.
    pub(super) fn take_freed(&mut self) -> Vec<Slot> {
        std::mem::take(&mut self.freed)
    }

    /// Hands out the dirty pages and forgets everything: the transaction is over.
    pub(super) fn drain(&mut self) -> Vec<(PageNo, Held)> {
        let dirty = std::mem::take(&mut self.dirty);
        self.clear();
        dirty
            .into_iter()
            .map(|(page, dirty)| (page, dirty.held))
            .collect()
    }

    /// The buffers of the dirty pages that are in memory, if there are at most `most` pages.
    pub(super) fn lend_few(&self, most: usize, out: &mut Vec<(PageNo, Arc<[u8]>)>) {
        if self.dirty.len() <= most {
            out.extend(self.dirty.iter().filter_map(|(page, dirty)| match &dirty.held {
                Held::Memory(bytes) => Some((*page, Arc::clone(bytes))),
                Held::Spilled(_) => None,
            }));
        }
    }

    /// Forgets everything: the transaction is over.
    pub(super) fn clear(&mut self) {
        let undo = self.savepoints.drain(..).flat_map(|savepoint| savepoint.undo);
        let images = undo.filter_map(|undo| undo.image);
        let dirty = self.dirty.drain().map(|(_, dirty)| dirty.held);
        self.freed
            .extend(images.chain(dirty).filter_map(|held| held.slot()));
        (self.epoch, self.resident, self.resident_undo) = (0, 0, 0);
        (self.spare, self.spare_undo) = (Vec::new(), Vec::new());
    }
}

/// A copy of `bytes` in the memory of a buffer that nobody else looks at; `None` without one of the same length.
#[inline]
fn copy_into(spare: Option<Arc<[u8]>>, bytes: &[u8]) -> Option<Arc<[u8]>> {
    let mut copy = spare?;
    let memory = Arc::get_mut(&mut copy).filter(|memory| memory.len() == bytes.len())?;
    memory.copy_from_slice(bytes);
    Some(copy)
}

fn save(savepoints: &mut [Savepoint], page: PageNo, image: Option<Held>, saved_epoch: u64) {
    if let Some(top) = savepoints.last_mut() {
        top.undo.push(Undo {
            page,
            image,
            saved_epoch,
        });
    }
}

/// The dirty pages in page order, for writing them out.
pub(super) struct DirtyPages<'a> {
    pages: Vec<(PageNo, &'a Held)>,
    spill: Option<&'a SpillFile>,
}

impl<'a> DirtyPages<'a> {
    pub(super) fn of(overlay: &'a Overlay, spill: Option<&'a SpillFile>) -> DirtyPages<'a> {
        let mut pages: Vec<(PageNo, &Held)> = overlay
            .dirty
            .iter()
            .map(|(page, dirty)| (*page, &dirty.held))
            .collect();
        pages.sort_unstable_by_key(|(page, _)| *page);
        DirtyPages { pages, spill }
    }
}

impl PageList for DirtyPages<'_> {
    fn count(&self) -> usize {
        self.pages.len()
    }

    fn page_no(&self, at: usize) -> PageNo {
        self.pages[at].0
    }

    fn bytes(&self, at: usize) -> Result<Cow<'_, [u8]>> {
        match (self.pages[at].1, self.spill) {
            (Held::Memory(bytes), _) => Ok(Cow::Borrowed(bytes)),
            (Held::Spilled(slot), Some(spill)) => Ok(Cow::Owned(spill.load(*slot)?.to_vec())),
            (Held::Spilled(_), None) => Err(Error::Misuse("a pager without a spill file spilled nothing")),
        }
    }
}
