//! Floor 3: the transaction over the pages of one database.
//!
//! ```text
//!            begin_read            begin_write
//!   None  ───────────────▶  Read  ───────────────▶  Write
//!     ▲        end_read       │                       │
//!     └───────────────────────┘   commit, rollback    │
//!     └───────────────────────────────────────────────┘
//! ```
//!
//! Where statements of the connection still read, commit and rollback lead from Write to Read instead ([`Afterwards::KeepReading`]).
//!
//! A pager knows pages and nothing of what is on them, but for the header at the start of page 1. Reading hands out shared
//! views of clean pages; writing copies a page into a private buffer at its first change and keeps it there until the commit
//! (`overlay`), so a rollback forgets buffers and a reader never sees half a transaction.
//!
//! An empty database (no page yet) reads as if its first page were there; the first write transaction creates it.
//!
//! Invariants:
//! - I1 a page handed out by `page` within a transaction is the newest of that transaction: dirty before clean.
//! - I2 dirty pages exist in `Write` only.
//! - I3 the lock-byte page is neither read, written nor handed out by `append_page`.

mod busy;
mod cache;
mod checksum;
mod commit;
mod file;
mod memory;
mod modes;
mod multi;
mod options;
mod overlay;
mod page;
mod recent;
mod replace;
mod source;
mod spill;
mod transaction;
mod watch;

use std::path::Path;
use std::sync::Arc;

pub use busy::{BusyHandler, Waiting};
pub use cache::CacheCounts;
pub use multi::commit_all;
pub use options::{JournalMode, PagerOptions, Synchronous};
pub use page::Page;
pub use watch::{ChangeWatch, RowWatch};

pub use crate::wal::{CheckpointKind, CheckpointReport};

use crate::error::{Error, Result, corrupt};
use crate::format::header::{USABLE_SIZE_MIN, is_page_size};
use crate::format::page_checksum::PAGE_CHECKSUM_SIZE;
use crate::format::{AutoVacuum, Header, PageNo, TextEncoding};
use crate::vfs::Vfs;
use busy::BusyPolicy;
use file::FileStore;
use memory::MemoryStore;
use overlay::Overlay;
use recent::RecentPages;
use replace::Replacement;
use spill::{Held, SpillFile};
use watch::{ChangeWatches, RowWatches};

/// Highest page number that the format allows.
pub const PAGE_COUNT_MAX: u32 = 0xffff_fffe;

/// What a connection has open on its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransactionState {
    /// Nothing: no snapshot, no locks.
    None,
    /// A read transaction: a snapshot.
    Read,
    /// A write transaction.
    Write,
}

/// What comes after the end of a write transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Afterwards {
    /// Snapshot and locks are given back.
    Leave,
    /// A read transaction that sees what the writer left. The writer's lock becomes the reader's without a moment in which others could
    /// write: cursors of the connection go on where they are. No automatic checkpoint is made.
    KeepReading,
}

/// One connection's transactions over one database.
pub struct Pager {
    state: TransactionState,
    page_size: usize,
    usable_size: usize,
    lock_byte_page: PageNo,
    /// Pages of the database as this transaction sees it.
    page_count: u32,
    /// Pages of the committed database.
    page_count_before: u32,
    page_count_max: u32,
    secure_delete: bool,
    overlay: Overlay,
    recent: RecentPages,
    /// Where pages go that have no room; `None` for a database that has to stay in memory.
    spill: Option<SpillFile>,
    /// Most changed pages in memory.
    resident_max: usize,
    mutation_count: u64,
    change_token: u64,
    /// See [`Pager::snapshot`].
    snapshot: u64,
    busy: BusyPolicy,
    /// Sizes that come with the commit.
    replaced: Option<Replacement>,
    /// All checksums are right with the commit.
    sealing: bool,
    /// Whether the prepared commit leaves all checksums right.
    seals: Option<bool>,
    watches: RowWatches,
    change_watches: ChangeWatches,
    store: Store,
    options: PagerOptions,
}

/// Where the committed pages are.
enum Store {
    Memory(MemoryStore),
    File(Box<FileStore>),
}

impl Pager {
    /// Opens a database file, and creates it if `options` allow. Nothing is read and no lock is taken yet, unless the options ask
    /// for WAL mode and the file is not in it.
    ///
    /// # Errors
    /// [`Error::CantOpen`]; [`Error::Misuse`] for a page size or reserved size that the format does not allow.
    pub fn open(vfs: Arc<dyn Vfs>, path: &Path, options: &PagerOptions) -> Result<Pager> {
        let options = &with_room_for_checksums(options);
        check_page_size(options.page_size, options.reserved)?;
        let store = FileStore::open(Arc::clone(&vfs), path, options)?;
        let mut pager = Pager::over(Store::File(Box::new(store)), Some(vfs), options);
        if options.journal_mode == JournalMode::Wal && !options.read_only {
            pager.set_journal_mode(JournalMode::Wal)?;
        }
        Ok(pager)
    }

    /// An empty database that lives in memory and ends with this pager.
    ///
    /// # Errors
    /// [`Error::Misuse`] for a page size or reserved size that the format does not allow.
    pub fn in_memory(options: &PagerOptions) -> Result<Pager> {
        check_page_size(options.page_size, options.reserved)?;
        Ok(Pager::over(Store::Memory(MemoryStore::new(false)), None, options))
    }

    /// An empty database for what is temporary. It ends with this pager. Pages for which there is no room in memory
    /// ([`PagerOptions::spill_limit`]) go to a temporary file of `vfs`.
    ///
    /// # Errors
    /// As [`Pager::in_memory`].
    pub fn temporary(vfs: Arc<dyn Vfs>, options: &PagerOptions) -> Result<Pager> {
        check_page_size(options.page_size, options.reserved)?;
        Ok(Pager::over(
            Store::Memory(MemoryStore::new(true)),
            Some(vfs),
            options,
        ))
    }

    fn over(store: Store, vfs: Option<Arc<dyn Vfs>>, options: &PagerOptions) -> Pager {
        let mut pager = Pager {
            state: TransactionState::None,
            page_size: 0,
            usable_size: 0,
            lock_byte_page: PageNo::ONE,
            page_count: 0,
            page_count_before: 0,
            page_count_max: PAGE_COUNT_MAX,
            secure_delete: false,
            overlay: Overlay::default(),
            spill: vfs.map(SpillFile::new),
            resident_max: usize::MAX,
            mutation_count: 0,
            change_token: 0,
            snapshot: 0,
            recent: RecentPages::default(),
            busy: BusyPolicy::new(options.busy_timeout),
            replaced: None,
            sealing: false,
            seals: None,
            watches: RowWatches::default(),
            change_watches: ChangeWatches::default(),
            store,
            options: options.clone(),
        };
        pager.set_geometry(options.page_size, options.reserved);
        pager
    }

    fn set_geometry(&mut self, page_size: u32, reserved: u8) {
        self.page_size = page_size as usize;
        self.usable_size = page_size as usize - reserved as usize;
        self.lock_byte_page = PageNo::lock_byte_page(self.page_size);
        self.set_spill_limit(self.options.spill_limit);
    }

    // ---- savepoints ------------------------------------------------------------------------------

    /// Opens a savepoint and returns its depth, 0 for the outermost. Costs no copy.
    ///
    /// # Errors
    /// [`Error::Misuse`] outside a write transaction.
    pub fn savepoint(&mut self) -> Result<usize> {
        self.require_write()?;
        Ok(self.overlay.savepoint(self.page_count))
    }

    /// Keeps what changed since savepoint `depth` and closes it and all deeper ones.
    ///
    /// # Errors
    /// [`Error::Misuse`] if there is no such savepoint.
    pub fn release(&mut self, depth: usize) -> Result<()> {
        self.require_savepoint(depth)?;
        self.overlay.release(depth);
        Ok(())
    }

    /// Takes back what changed since savepoint `depth`. The savepoint stays open, deeper ones are closed.
    ///
    /// # Errors
    /// [`Error::Misuse`] if there is no such savepoint.
    pub fn rollback_to(&mut self, depth: usize) -> Result<()> {
        self.require_savepoint(depth)?;
        if let Some(page_count) = self.overlay.rollback_to(depth) {
            self.page_count = page_count;
        }
        self.mutation_count += 1;
        Ok(())
    }

    /// Number of open savepoints.
    pub fn savepoint_depth(&self) -> usize {
        self.overlay.depth()
    }

    fn require_savepoint(&self, depth: usize) -> Result<()> {
        self.require_write()?;
        if depth < self.overlay.depth() {
            Ok(())
        } else {
            Err(Error::Misuse("no such savepoint"))
        }
    }

    // ---- pages -----------------------------------------------------------------------------------

    /// The page as this transaction sees it. Copies nothing.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a page past the end or the lock-byte page, [`Error::Misuse`] outside a transaction.
    #[inline]
    pub fn page(&self, page: PageNo) -> Result<Page> {
        self.page_inlined(page)
    }

    /// As [`page`](Self::page), for the one place where a call shows.
    #[inline(always)]
    pub(crate) fn page_inlined(&self, page: PageNo) -> Result<Page> {
        if page.get() > self.page_count || page == self.lock_byte_page || self.state == TransactionState::None
        {
            return self.page_refused(page);
        }
        if self.state == TransactionState::Write
            && let Some(held) = self.overlay.get(page)
        {
            return self.held_page(held);
        }
        self.store.page(page, self.spill.as_ref())
    }

    #[inline]
    fn held_page(&self, held: &Held) -> Result<Page> {
        match (held, &self.spill) {
            (Held::Memory(bytes), _) => Ok(Page::private(Arc::clone(bytes))),
            (Held::Spilled(slot), Some(spill)) => spill.page(*slot),
            (Held::Spilled(_), None) => Err(Error::Misuse("a pager without a spill file spilled nothing")),
        }
    }

    #[cold]
    fn page_refused(&self, page: PageNo) -> Result<Page> {
        if self.state == TransactionState::None {
            return Err(Error::Misuse("no transaction is open"));
        }
        if self.page_count == 0 && page == PageNo::ONE {
            return Ok(Page::private(self.creation_header().first_page().into()));
        }
        Err(not_a_page(page, self.lock_byte_page))
    }

    /// The page for changing: a private copy, made at the first call in this transaction. The original comes
    /// back with [`Pager::rollback`] and [`Pager::rollback_to`].
    ///
    /// # Errors
    /// Those of [`Pager::page`]; [`Error::Misuse`] outside a write transaction.
    #[inline]
    pub fn page_mut(&mut self, page: PageNo) -> Result<&mut [u8]> {
        self.require_write()?;
        self.mutation_count += 1;
        self.make_room()?;
        let (store, page_count, lock_byte_page) = (&self.store, self.page_count, self.lock_byte_page);
        let (spill, recent, token) = (self.spill.as_ref(), &mut self.recent, self.change_token);
        self.overlay.change(
            page,
            || {
                if page.get() > page_count || page == lock_byte_page {
                    return Err(not_a_page(page, lock_byte_page));
                }
                if let Some(bytes) = recent.take(page, token) {
                    return Ok(bytes);
                }
                Ok(Arc::from(&*store.page(page, spill)?))
            },
            |slot| match spill {
                Some(spill) => spill.load(slot),
                None => Err(Error::Misuse("a pager without a spill file spilled nothing")),
            },
        )
    }

    /// Sees to it that there is room in memory for another changed page.
    #[inline]
    fn make_room(&mut self) -> Result<()> {
        if self.overlay.resident() < self.resident_max {
            return Ok(());
        }
        self.spill_changes()
    }

    #[cold]
    fn spill_changes(&mut self) -> Result<()> {
        match &mut self.spill {
            Some(spill) => self.overlay.spill(spill, self.page_size, self.resident_max / 2),
            None => Ok(()),
        }
    }

    /// A new page of zeros at the end of the database.
    ///
    /// # Errors
    /// [`Error::Full`] at the maximum page count, [`Error::Misuse`] outside a write transaction.
    pub fn append_page(&mut self) -> Result<PageNo> {
        self.require_write()?;
        let mut next = self.page_count.checked_add(1).ok_or(Error::Full)?;
        if next == self.lock_byte_page.get() {
            next += 1;
        }
        if next > self.page_count_max {
            return Err(Error::Full);
        }
        let page = PageNo::new(next).ok_or(Error::Full)?;
        self.make_room()?;
        self.page_count = next;
        self.mutation_count += 1;
        self.overlay
            .insert(page, std::iter::repeat_n(0, self.page_size).collect());
        Ok(page)
    }

    /// Replaces a page whole, also one behind the end: then the database is so long, and what lies between is for the caller to write.
    ///
    /// # Errors
    /// [`Error::Full`] at the maximum page count, [`Error::Misuse`] for the lock-byte page, for bytes of another length than a page has, and
    /// outside a write transaction.
    pub fn write_page(&mut self, page: PageNo, bytes: &[u8]) -> Result<()> {
        self.require_write()?;
        if page == self.lock_byte_page || bytes.len() != self.page_size {
            return Err(Error::Misuse("not a page that can be written"));
        }
        if page.get() > self.page_count_max {
            return Err(Error::Full);
        }
        self.page_count = self.page_count.max(page.get());
        self.put_page(page, bytes)
    }

    /// Cuts the database to its first `page_count` pages.
    ///
    /// # Errors
    /// [`Error::Misuse`] for zero or more pages than there are, or outside a write transaction.
    pub fn set_page_count(&mut self, page_count: u32) -> Result<()> {
        self.require_write()?;
        if page_count == 0 || page_count > self.page_count {
            return Err(Error::Misuse("set_page_count only makes a database shorter"));
        }
        self.overlay.truncate(self.page_count, page_count);
        self.page_count = page_count;
        self.mutation_count += 1;
        Ok(())
    }

    /// Pages of the database as this transaction sees it; zero for a database that nothing was written to.
    #[inline]
    pub fn page_count(&self) -> u32 {
        self.page_count
    }

    /// The limit for [`Pager::page_count`].
    pub fn max_page_count(&self) -> u32 {
        self.page_count_max
    }

    /// Sets the limit, but not below the pages that there are, and returns it.
    pub fn set_max_page_count(&mut self, count: u32) -> u32 {
        self.page_count_max = count.clamp(self.page_count.max(1), PAGE_COUNT_MAX);
        self.page_count_max
    }

    /// True when pages that are no longer used are to be overwritten with zeros.
    #[inline]
    pub fn secure_delete(&self) -> bool {
        self.secure_delete
    }

    /// Says whether pages that are no longer used are to be overwritten with zeros, for this connection.
    pub fn set_secure_delete(&mut self, on: bool) {
        self.secure_delete = on;
    }

    /// Page size in bytes.
    #[inline]
    pub fn page_size(&self) -> usize {
        self.page_size
    }

    /// Bytes of each page that the B-tree may use: the page size less the reserved bytes.
    #[inline]
    pub fn usable_size(&self) -> usize {
        self.usable_size
    }

    /// Whether the transaction has changed anything.
    pub fn has_changes(&self) -> bool {
        !self.overlay.is_empty() || self.page_count != self.page_count_before
    }

    /// Whether the database is in no file.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.store, Store::Memory(_))
    }

    // ---- header ----------------------------------------------------------------------------------

    /// The decoded header of page 1.
    ///
    /// # Errors
    /// Those of [`Pager::page`] and of [`Header::decode`].
    pub fn header(&self) -> Result<Header> {
        if self.page_count == 0 && self.state != TransactionState::None {
            return Ok(self.creation_header());
        }
        Header::decode(&self.page(PageNo::ONE)?)
    }

    /// The header as it was before this write transaction.
    ///
    /// # Errors
    /// Those of [`Pager::header`].
    pub fn committed_header(&self) -> Result<Header> {
        if self.page_count_before == 0 {
            return Ok(self.creation_header());
        }
        Header::decode(&self.store.page(PageNo::ONE, self.spill.as_ref())?)
    }

    /// Changes header fields on page 1. The page size and the reserved bytes are fixed.
    pub fn update_header(&mut self, change: impl FnOnce(&mut Header)) -> Result<()> {
        self.require_write()?;
        let before = self.header()?;
        let mut header = before.clone();
        change(&mut header);
        if (header.page_size, header.reserved) != (before.page_size, before.reserved) {
            return Err(Error::Misuse("the page size of a database is fixed"));
        }
        if header != before {
            header.encode(self.page_mut(PageNo::ONE)?);
        }
        Ok(())
    }

    fn creation_header(&self) -> Header {
        let options = &self.options;
        Header::new(
            self.page_size as u32,
            options.reserved,
            options.encoding,
            options.auto_vacuum,
        )
    }

    /// Page size and reserved bytes of a database that is still empty. Ignored, with `false`, once it has pages.
    ///
    /// # Errors
    /// [`Error::Misuse`] for sizes that the format does not allow.
    pub fn set_page_size(&mut self, page_size: u32, reserved: u8) -> Result<bool> {
        check_page_size(page_size, reserved)?;
        let empty = self.is_empty()?;
        if empty {
            self.options.page_size = page_size;
            self.options.reserved = reserved;
            self.set_geometry(page_size, reserved);
            if let Store::File(store) = &mut self.store {
                store.set_geometry(page_size, reserved);
            }
        }
        Ok(empty)
    }

    /// The text encoding that a new database would get.
    pub fn encoding(&self) -> TextEncoding {
        self.options.encoding
    }

    /// The auto-vacuum mode that a new database would get.
    pub fn auto_vacuum(&self) -> AutoVacuum {
        self.options.auto_vacuum
    }

    /// Text encoding of a database that is still empty. Ignored, with `false`, once it has pages.
    pub fn set_encoding(&mut self, encoding: TextEncoding) -> Result<bool> {
        let empty = self.is_empty()?;
        if empty {
            self.options.encoding = encoding;
        }
        Ok(empty)
    }

    /// Auto-vacuum mode of a database that is still empty. Ignored, with `false`, once it has pages.
    pub fn set_auto_vacuum(&mut self, auto_vacuum: AutoVacuum) -> Result<bool> {
        let empty = self.is_empty()?;
        if empty {
            self.options.auto_vacuum = auto_vacuum;
        }
        Ok(empty)
    }

    fn is_empty(&mut self) -> Result<bool> {
        if self.state != TransactionState::None {
            return Ok(self.page_count == 0);
        }
        self.begin_read()?;
        let empty = self.page_count == 0;
        self.end_read();
        Ok(empty)
    }

    // ---- watching --------------------------------------------------------------------------------

    /// The number of the transaction, of those of this pager: pages of one may be kept until the next begins, and not longer.
    #[inline]
    pub(crate) fn snapshot(&self) -> u64 {
        self.snapshot
    }

    /// Changes whenever another connection's commit became visible to this one: what was cached from the
    /// database before is out of date.
    #[inline]
    pub fn change_token(&self) -> u64 {
        self.change_token
    }

    /// Grows with each change to any page and each rollback: a cursor that stands on a page sees by it that it has to seek
    /// again.
    #[inline]
    pub fn mutation_count(&self) -> u64 {
        self.mutation_count
    }

    fn require_write(&self) -> Result<()> {
        if self.state == TransactionState::Write {
            Ok(())
        } else {
            Err(Error::Misuse("no write transaction is open"))
        }
    }
}

impl Store {
    /// A clean page.
    #[inline(always)]
    fn page(&self, page: PageNo, spill: Option<&SpillFile>) -> Result<Page> {
        match self {
            Store::Memory(store) => store.page(page, spill),
            Store::File(store) => store.page(page),
        }
    }
}

#[cold]
fn not_a_page(page: PageNo, lock_byte_page: PageNo) -> Error {
    if page == lock_byte_page {
        corrupt(page, 0, "reference to the lock-byte page")
    } else {
        corrupt(page, 0, "page past the end of the database")
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        if self.state != TransactionState::None {
            // What cannot be put back is found by the next connection.
            let _ = self.rollback();
        }
        if let Store::File(store) = &mut self.store {
            store.close();
        }
    }
}

/// A database that is created with checksums reserves bytes for them.
fn with_room_for_checksums(options: &PagerOptions) -> PagerOptions {
    let mut options = options.clone();
    if options.page_checksum {
        options.reserved = options.reserved.max(PAGE_CHECKSUM_SIZE);
    }
    options
}

fn check_page_size(page_size: u32, reserved: u8) -> Result<()> {
    if is_page_size(page_size) && page_size as usize - reserved as usize >= USABLE_SIZE_MIN {
        Ok(())
    } else {
        Err(Error::Misuse(
            "a page size is a power of two from 512 to 65536 and leaves 480 usable bytes",
        ))
    }
}

/// A pager and the pages it hands out go from thread to thread.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Pager>();
    is_send::<Page>();
};

#[cfg(test)]
mod tests;
