//! Pages that have no room in memory: a temporary file of page-sized slots.
//!
//! ```text
//!   Held::Memory(bytes)  ── more pages than allowed, the coldest first ──▶  Held::Spilled(slot)
//!            ▲                                                                   │
//!            └───────────────────── changed again ◀──────────────────────────────┘   read: a copy, the slot stays
//! ```
//!
//! Dirty pages of a large transaction go here, and the committed pages of a temporary database. No other connection sees the file, and no
//! crash leaves it behind, so nothing of it is ever synced. A slot is used again as soon as nobody needs its page; that is why pages are
//! read from it as private copies and never as slices of a map.

use std::sync::Arc;

use super::page::Page;
use super::source::PageSource;
use crate::error::{Error, IoOperation, Result};
use crate::vfs::{File, Vfs, WRITE_CHUNK, read_whole};

/// A page's place in the spill file.
pub(super) type Slot = u32;

/// The bytes of a page that belongs to this connection alone.
#[derive(Clone, Debug)]
pub(super) enum Held {
    Memory(Arc<[u8]>),
    Spilled(Slot),
}

/// The spill file of a pager, made when it is first needed.
#[derive(Debug)]
pub(super) struct SpillFile {
    vfs: Arc<dyn Vfs>,
    file: Option<Box<dyn File>>,
    page_size: usize,
    slot_count: Slot,
    free: Vec<Slot>,
    cache: PageSource,
}

/// Pages that are read from the file again and again without being changed (the upper pages of trees).
const CACHED_PAGES: usize = 512;

impl SpillFile {
    pub(super) fn new(vfs: Arc<dyn Vfs>) -> SpillFile {
        SpillFile {
            vfs,
            file: None,
            page_size: 0,
            slot_count: 0,
            free: Vec::new(),
            cache: PageSource::new(0, CACHED_PAGES),
        }
    }

    /// Writes pages to slots of their own. After an error none of them has one.
    ///
    /// # Errors
    /// [`Error::CantOpen`], I/O errors, [`Error::Full`].
    pub(super) fn store<'a>(
        &mut self,
        page_size: usize,
        pages: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> Result<Vec<Slot>> {
        if self.slot_count as usize == self.free.len() {
            self.clear();
            self.page_size = page_size;
        }
        debug_assert_eq!(self.page_size, page_size);
        let count = pages.len();
        let reused = self.free.len().min(count);
        let fresh = u32::try_from(count - reused).map_err(|_| Error::Full)?;
        let end = self.slot_count.checked_add(fresh).ok_or(Error::Full)?;
        // Neighbours are written together.
        self.free.sort_unstable_by_key(|slot| std::cmp::Reverse(*slot));
        let kept = self.free.len() - reused;
        let slots: Vec<Slot> = self.free[kept..]
            .iter()
            .rev()
            .copied()
            .chain(self.slot_count..end)
            .collect();
        self.write(&slots, pages)?;
        self.free.truncate(kept);
        self.slot_count = end;
        Ok(slots)
    }

    fn write<'a>(&mut self, slots: &[Slot], pages: impl Iterator<Item = &'a [u8]>) -> Result<()> {
        let page_size = self.page_size;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.vfs.open_temporary()?),
        };
        let mut buffer = Vec::with_capacity(WRITE_CHUNK.min(slots.len() * page_size));
        let mut first = 0;
        for (at, (slot, page)) in slots.iter().zip(pages).enumerate() {
            self.cache.written(*slot);
            buffer.extend_from_slice(page);
            let goes_on = slots.get(at + 1) == Some(&(slot + 1)) && buffer.len() + page_size <= WRITE_CHUNK;
            if !goes_on {
                file.write_at(&buffer, u64::from(slots[first]) * page_size as u64)?;
                buffer.clear();
                first = at + 1;
            }
        }
        Ok(())
    }

    /// The page in a slot, shared with a cache.
    pub(super) fn page(&self, slot: Slot) -> Result<Page> {
        let file = self.file()?;
        let offset = u64::from(slot) * self.page_size as u64;
        self.cache.page(file, slot, offset, self.page_size)
    }

    /// The page in a slot, for its owner alone.
    pub(super) fn load(&self, slot: Slot) -> Result<Arc<[u8]>> {
        let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, self.page_size).collect();
        let offset = u64::from(slot) * self.page_size as u64;
        let file = self.file()?;
        if read_whole(file, Arc::make_mut(&mut bytes), offset)? < self.page_size {
            return Err(Error::io(
                IoOperation::ShortRead,
                file.path(),
                std::io::ErrorKind::UnexpectedEof.into(),
            ));
        }
        Ok(bytes)
    }

    fn file(&self) -> Result<&dyn File> {
        self.file
            .as_deref()
            .ok_or(Error::Misuse("nothing was spilled to the temporary file"))
    }

    /// Checks that none of these slots is free.
    #[cfg(test)]
    pub(super) fn check_in_use(&self, slots: &[Slot]) {
        for slot in slots {
            assert!(
                *slot < self.slot_count && !self.free.contains(slot),
                "slot {slot}"
            );
        }
    }

    /// Takes slots back.
    pub(super) fn free(&mut self, slots: impl IntoIterator<Item = Slot>) {
        self.free.extend(slots);
        if self.slot_count as usize == self.free.len() {
            self.clear();
        }
    }

    /// No slot is in use any more: the disk gets its room back.
    fn clear(&mut self) {
        self.file = None;
        self.free.clear();
        self.slot_count = 0;
        self.cache.forget();
    }
}

impl Held {
    /// The bytes, when they are in memory.
    pub(super) fn in_memory(&self) -> Option<&Arc<[u8]>> {
        match self {
            Held::Memory(bytes) => Some(bytes),
            Held::Spilled(_) => None,
        }
    }

    pub(super) fn slot(&self) -> Option<Slot> {
        match self {
            Held::Memory(_) => None,
            Held::Spilled(slot) => Some(*slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::MemoryVfs;

    #[test]
    fn slots_are_used_again_and_the_file_goes_when_none_is_needed() {
        let mut spill = SpillFile::new(Arc::new(MemoryVfs::new()));
        let pages: Vec<Vec<u8>> = (0..100u8).map(|n| vec![n; 512]).collect();
        let slots = spill.store(512, pages.iter().map(|page| &**page)).unwrap();
        spill.free(slots[10..20].to_vec());
        let again = spill.store(512, pages[..15].iter().map(|page| &**page)).unwrap();
        assert!(again[..10].iter().all(|slot| slots[10..20].contains(slot)));
        assert_eq!(spill.slot_count, 105);
        for (slot, page) in slots[20..]
            .iter()
            .zip(&pages[20..])
            .chain(again.iter().zip(&pages))
        {
            assert_eq!(*spill.load(*slot).unwrap(), **page);
            assert_eq!(*spill.page(*slot).unwrap(), **page);
        }
        spill.free(slots[..10].iter().chain(&slots[20..]).chain(&again).copied());
        assert!(spill.file.is_none());
        let slots = spill.store(1024, std::iter::once(&[7; 1024][..])).unwrap();
        assert_eq!(*spill.load(slots[0]).unwrap(), [7; 1024]);
    }
}
