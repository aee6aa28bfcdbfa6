//! The committed pages of a database that lives in memory, and the way from and to the bytes of a file.

use std::sync::Arc;

use super::options::{JournalMode, PagerOptions};
use super::page::Page;
use super::spill::{Held, Slot, SpillFile};
use super::{Pager, Store};
use crate::error::{Error, Result, corrupt};
use crate::format::{Header, PageNo, page_checksum};

/// Pages in shared private buffers, page 1 first.
pub(super) struct MemoryStore {
    pages: Vec<Held>,
    /// How many of them are in memory.
    resident: usize,
    /// Whether it stands for a temporary file, which may be told any journal mode that a file without a log has.
    temporary: bool,
    /// What is said of its journal. A commit is final in memory at once, whatever that is.
    journal_mode: JournalMode,
}

impl Pager {
    /// A database in memory with the content of a file.
    ///
    /// # Errors
    /// [`Error::NotADatabase`] and [`Error::Corrupt`] for a header that is none, or that speaks of more pages than there are.
    pub fn from_bytes(bytes: &[u8], options: &PagerOptions) -> Result<Pager> {
        if bytes.is_empty() {
            return Pager::in_memory(options);
        }
        let mut header = Header::decode(bytes)?;
        let page_size = header.page_size as usize;
        let in_bytes = u32::try_from(bytes.len().div_ceil(page_size)).map_err(|_| Error::Full)?;
        let page_count = match header.page_count_is_valid() {
            true => header.page_count,
            false => in_bytes,
        };
        if page_count > in_bytes {
            return Err(corrupt(
                PageNo::ONE,
                28,
                "the file is shorter than its header says",
            ));
        }
        let whole = |page: &[u8]| -> Held {
            let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, page_size).collect();
            Arc::make_mut(&mut bytes)[..page.len()].copy_from_slice(page);
            Held::Memory(bytes)
        };
        let mut pages: Vec<Held> = bytes
            .chunks(page_size)
            .take(page_count as usize)
            .map(whole)
            .collect();
        if let Some(Held::Memory(first)) = pages.first_mut() {
            // There is no log here.
            (header.write_version, header.read_version) = (header.write_version.min(1), 1);
            let first = Arc::make_mut(first);
            header.encode(first);
            page_checksum::untag(first, header.reserved);
        }
        let mut store = MemoryStore::new(false);
        store.resident = pages.len();
        store.pages = pages;
        let options = PagerOptions {
            page_size: header.page_size,
            reserved: header.reserved,
            ..options.clone()
        };
        Ok(Pager::over(Store::Memory(store), None, &options))
    }

    /// All pages of the open transaction's database, as they would be in a file.
    ///
    /// # Errors
    /// [`Error::TooBig`] when they do not fit into memory; those of [`Pager::page`].
    pub fn all_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let len = (self.page_count as usize).checked_mul(self.page_size);
        let reserved = len.map(|len| bytes.try_reserve_exact(len));
        if !matches!(reserved, Some(Ok(()))) {
            return Err(Error::TooBig);
        }
        for page in (1..=self.page_count).filter_map(PageNo::new) {
            if page == self.lock_byte_page {
                bytes.resize(bytes.len() + self.page_size, 0);
            } else {
                let start = bytes.len();
                bytes.extend_from_slice(&self.page(page)?);
                self.put_checksum(page, &mut bytes[start..])?;
            }
        }
        Ok(bytes)
    }
}

impl MemoryStore {
    pub(super) fn new(temporary: bool) -> MemoryStore {
        let journal_mode = if temporary {
            JournalMode::Delete
        } else {
            JournalMode::Memory
        };
        MemoryStore {
            pages: Vec::new(),
            resident: 0,
            temporary,
            journal_mode,
        }
    }

    pub(super) fn journal_mode(&self) -> JournalMode {
        self.journal_mode
    }

    /// Takes on a mode that the kind of database may have, and says which it has then.
    pub(super) fn set_journal_mode(&mut self, mode: JournalMode) -> JournalMode {
        let allowed = match mode {
            JournalMode::Memory | JournalMode::Off => true,
            JournalMode::Delete | JournalMode::Truncate | JournalMode::Persist => self.temporary,
            JournalMode::Wal => false,
        };
        if allowed {
            self.journal_mode = mode;
        }
        self.journal_mode
    }

    pub(super) fn page_count(&self) -> u32 {
        self.pages.len() as u32
    }

    #[inline]
    pub(super) fn page(&self, page: PageNo, spill: Option<&SpillFile>) -> Result<Page> {
        match (self.pages.get(page.get() as usize - 1), spill) {
            (Some(Held::Memory(bytes)), _) => Ok(Page::private(Arc::clone(bytes))),
            (Some(Held::Spilled(slot)), Some(spill)) => spill.page(*slot),
            _ => Err(corrupt(page, 0, "page past the end of the database")),
        }
    }

    /// Makes `dirty` the committed content of a database of `page_count` pages, and returns the slots of pages that are no more.
    pub(super) fn commit(
        &mut self,
        dirty: Vec<(PageNo, Held)>,
        page_count: u32,
        page_size: usize,
    ) -> Vec<Slot> {
        let kept = self.pages.len().min(page_count as usize);
        let mut replaced: Vec<Held> = self.pages.drain(kept..).collect();
        if self.pages.len() < page_count as usize {
            // Pages that were appended and then dropped from the dirty table do not exist; the lock-byte page does
            // but is never written.
            let zeros: Arc<[u8]> = std::iter::repeat_n(0, page_size).collect();
            self.resident += page_count as usize - self.pages.len();
            self.pages.resize(page_count as usize, Held::Memory(zeros));
        }
        for (page, held) in dirty {
            // No dirty page lies past the page count.
            if let Some(place) = self.pages.get_mut(page.get() as usize - 1) {
                self.resident += usize::from(held.in_memory().is_some());
                replaced.push(std::mem::replace(place, held));
            }
        }
        let slots: Vec<Slot> = replaced.iter().filter_map(Held::slot).collect();
        self.resident -= replaced.len() - slots.len();
        slots
    }

    /// Takes the pages of another one.
    pub(super) fn swap_pages(&mut self, other: &mut MemoryStore) {
        std::mem::swap(&mut self.pages, &mut other.pages);
        std::mem::swap(&mut self.resident, &mut other.resident);
    }

    /// Pages in memory as of the last commit or spill.
    pub(super) fn resident(&self) -> usize {
        self.resident
    }

    /// Moves pages to the spill file until at most `keep` are left in memory. Which ones is of no concern: what is read often is kept by the
    /// file's cache.
    pub(super) fn spill(&mut self, spill: &mut SpillFile, page_size: usize, keep: usize) -> Result<()> {
        let excess = self.resident.saturating_sub(keep);
        let in_memory = |held: &&mut Held| held.in_memory().is_some();
        let mut pages: Vec<&mut Held> = self.pages.iter_mut().filter(in_memory).take(excess).collect();
        let bytes: Vec<Arc<[u8]>> = pages
            .iter()
            .filter_map(|held| held.in_memory().cloned())
            .collect();
        let slots = spill.store(page_size, bytes.iter().map(|bytes| &**bytes))?;
        for (held, slot) in pages.iter_mut().zip(slots) {
            **held = Held::Spilled(slot);
        }
        self.resident -= excess;
        Ok(())
    }
}
