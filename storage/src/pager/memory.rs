//! The committed pages of a database that lives in memory only.

use std::sync::Arc;

use super::options::JournalMode;
use super::page::Page;
use crate::error::{Result, corrupt};
use crate::format::PageNo;

/// Pages in shared private buffers, page 1 first.
pub(super) struct MemoryStore {
    pages: Vec<Arc<[u8]>>,
    /// Whether it stands for a temporary file, which may be told any journal mode that a file without a log has.
    temporary: bool,
    /// What is said of its journal. A commit is final in memory at once, whatever that is.
    journal_mode: JournalMode,
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
    pub(super) fn page(&self, page: PageNo) -> Result<Page> {
        match self.pages.get(page.get() as usize - 1) {
            Some(bytes) => Ok(Page::private(Arc::clone(bytes))),
            None => Err(corrupt(page, 0, "page past the end of the database")),
        }
    }

    /// Makes `dirty` the committed content of a database of `page_count` pages.
    pub(super) fn commit(
        &mut self,
        dirty: impl Iterator<Item = (PageNo, Arc<[u8]>)>,
        page_count: u32,
        page_size: usize,
    ) {
        if self.pages.len() != page_count as usize {
            // Pages that were appended and then dropped from the dirty table do not exist; the lock-byte page does
            // but is never written.
            let zeros: Arc<[u8]> = std::iter::repeat_n(0, page_size).collect();
            self.pages.resize(page_count as usize, zeros);
        }
        for (page, bytes) in dirty {
            if let Some(slot) = self.pages.get_mut(page.get() as usize - 1) {
                *slot = bytes;
            }
        }
    }

    /// Cuts the same bytes into `page_count` pages of another size.
    pub(super) fn cut_anew(&mut self, page_size: usize, page_count: u32) {
        let bytes: Vec<u8> = self.pages.iter().flat_map(|page| page.iter().copied()).collect();
        let pages = bytes.chunks_exact(page_size).take(page_count as usize);
        self.pages = pages.map(Arc::from).collect();
    }
}
