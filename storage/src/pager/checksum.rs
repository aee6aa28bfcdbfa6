//! Page checksums at work: pages are verified when they come from the disk, and get their checksum when they are written.
//!
//! What the checksum looks like and what it can tell is said in [`page_checksum`]. A page of
//! the map is verified when it is first looked at after the file was found changed; one that is read, at each read. A page that was changed by this
//! transaction has no checksum before its commit.
//!
//! A database in memory has none: what could damage it there would damage everything else.

use std::borrow::Cow;

use super::file::FileStore;
use super::overlay::DirtyPages;
use super::page::Page;
use super::{Pager, Store, check_page_size};
use crate::error::{Result, corrupt};
use crate::format::page_checksum::{self, PAGE_CHECKSUM_SIZE, Verdict};
use crate::format::{Header, PageNo};
use crate::wal::PageList;

/// How the pages of a file are verified.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checksums {
    /// No content can be newer than its checksum.
    pub(super) sealed: bool,
    verifies: bool,
}

impl Checksums {
    pub(super) fn of_new_file() -> Checksums {
        Checksums {
            sealed: true,
            verifies: true,
        }
    }
}

impl FileStore {
    /// Finds out from page 1 whether the snapshot has checksums, and verifies that page.
    pub(super) fn load_checksums(&mut self, header: &Header) -> Result<()> {
        let verifies = self.checksums.is_none_or(|checksums| checksums.verifies);
        self.checksums = None;
        let (first, _, _) = self.raw_page(PageNo::ONE)?;
        if !page_checksum::is_tagged(&first) {
            return Ok(());
        }
        let sealed = page_checksum::is_sealed(&first);
        match page_checksum::verdict(PageNo::ONE, &first, sealed) {
            // A flipped bit may be in the number of reserved bytes.
            Verdict::Damaged if verifies => return Err(mismatch(PageNo::ONE)),
            // By chance the content looks like the tag.
            _ if header.reserved < PAGE_CHECKSUM_SIZE => return Ok(()),
            _ => {}
        }
        self.checksums = Some(Checksums { sealed, verifies });
        Ok(())
    }

    /// A clean page that is not damaged.
    pub(super) fn checked_page(&self, page: PageNo) -> Result<Page> {
        let (bytes, source, number) = self.raw_page(page)?;
        let Some(checksums) = self.checksums.filter(|checksums| checksums.verifies) else {
            return Ok(bytes);
        };
        if source.is_verified(number) {
            return Ok(bytes);
        }
        if page_checksum::verdict(page, &bytes, checksums.sealed) == Verdict::Damaged {
            return Err(mismatch(page));
        }
        source.set_verified(number, true);
        Ok(bytes)
    }

    /// Asks for a new file with or without checksums.
    pub(super) fn want_checksums(&mut self, wanted: bool) {
        self.wants_checksums = wanted;
        self.checksums = wanted.then(Checksums::of_new_file);
    }
}

#[cold]
fn mismatch(page: PageNo) -> crate::Error {
    corrupt(page, 0, "the checksum does not match the page")
}

impl Pager {
    /// Whether the database has page checksums, as of the last transaction; of an empty one, whether it will have them.
    pub fn has_page_checksums(&self) -> bool {
        match &self.store {
            Store::Memory(_) => false,
            Store::File(store) => store.checksums.is_some(),
        }
    }

    /// Gives a database that is still empty page checksums, in the last of at least 16 reserved bytes, or takes them from it. Ignored, with
    /// `false`, once it has pages and in memory.
    ///
    /// # Errors
    /// Those of [`Pager::set_page_size`].
    pub fn set_page_checksum(&mut self, on: bool) -> Result<bool> {
        if self.is_in_memory() || !self.is_empty()? {
            return Ok(false);
        }
        let reserved = match on {
            true => self.options.reserved.max(PAGE_CHECKSUM_SIZE),
            false => 0,
        };
        check_page_size(self.page_size as u32, reserved)?;
        self.set_page_size(self.page_size as u32, reserved)?;
        self.options.page_checksum = on;
        if let Store::File(store) = &mut self.store {
            store.want_checksums(on);
        }
        Ok(true)
    }

    /// Whether pages are verified at all; a damaged file can be read as far as it goes without.
    pub fn verifies_checksums(&self) -> bool {
        match &self.store {
            Store::Memory(_) => false,
            Store::File(store) => store.checksums.is_some_and(|checksums| checksums.verifies),
        }
    }

    /// Sets [`Pager::verifies_checksums`], for a database that has checksums.
    pub fn set_verify_checksums(&mut self, verify: bool) {
        if let Store::File(store) = &mut self.store
            && let Some(checksums) = &mut store.checksums
        {
            checksums.verifies = verify;
        }
    }

    /// What the checksum of a page says; `None` in a database without, for a page that was changed in this transaction, and for the lock-byte
    /// page.
    ///
    /// # Errors
    /// I/O errors; [`Error::Corrupt`](crate::Error::Corrupt) for no page of the database. Damage is an answer.
    pub fn page_verdict(&self, page: PageNo) -> Result<Option<Verdict>> {
        let Store::File(store) = &self.store else {
            return Ok(None);
        };
        let Some(checksums) = store.checksums else {
            return Ok(None);
        };
        if page == self.lock_byte_page || self.overlay.get(page).is_some() {
            return Ok(None);
        }
        if page.get() > self.page_count {
            return Err(super::not_a_page(page, self.lock_byte_page));
        }
        let (bytes, _, _) = store.raw_page(page)?;
        Ok(Some(page_checksum::verdict(page, &bytes, checksums.sealed)))
    }

    /// Gives all stale pages their checksum with the next commit, and returns how many there are. Afterwards, until SQLite writes again, any damage
    /// shows.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) with the page for the first damaged one; [`Error::Misuse`](crate::Error::Misuse) outside a write
    /// transaction.
    pub fn renew_page_checksums(&mut self) -> Result<u32> {
        self.require_write()?;
        if !self.has_page_checksums() {
            return Ok(0);
        }
        let mut renewed = 0;
        for page in (1..=self.page_count).filter_map(PageNo::new) {
            match self.page_verdict(page)? {
                Some(Verdict::Damaged) => return Err(mismatch(page)),
                Some(Verdict::Stale) => {
                    self.page_mut(page)?;
                    renewed += 1;
                }
                Some(Verdict::Good) | None => {}
            }
        }
        self.page_mut(PageNo::ONE)?;
        self.sealing = true;
        Ok(renewed)
    }

    /// The stamp that the pages of this commit get, and whether it is a seal; `None` without checksums.
    pub(super) fn stamp_of_commit(&self) -> Result<Option<(u32, bool)>> {
        let Store::File(store) = &self.store else {
            return Ok(None);
        };
        let (on, all) = match &self.replaced {
            // Its pages have their checksums already, where they cannot be made here.
            Some(replaced) if replaced.is_resized(self.page_size) => return Ok(None),
            Some(replaced) => (replaced.has_checksums(), true),
            None => (store.checksums.is_some(), self.sealing),
        };
        if !on {
            return Ok(None);
        }
        let first = self.page(PageNo::ONE)?;
        let sealed = all || store.checksums.is_some_and(|checksums| checksums.sealed);
        Ok(Some((page_checksum::stamp_of(&first, sealed), sealed)))
    }

    /// The prepared commit stands, or does not.
    pub(super) fn note_seal(&mut self, stands: bool) {
        self.sealing = false;
        if let Store::File(store) = &mut self.store
            && let (Some(sealed), Some(checksums)) =
                (self.seals.take().filter(|_| stands), &mut store.checksums)
        {
            checksums.sealed = sealed;
        }
    }

    /// The changed pages of this transaction with checksums, where the database has them: as they would be in a file.
    pub(super) fn put_checksum(&self, page: PageNo, bytes: &mut [u8]) -> Result<()> {
        if self.overlay.get(page).is_some()
            && let Some((stamp, _)) = self.stamp_of_commit()?
        {
            page_checksum::seal_page(page, bytes, stamp);
        }
        Ok(())
    }
}

/// Dirty pages with their checksums.
pub(super) struct SealedPages<'a> {
    pub(super) pages: DirtyPages<'a>,
    pub(super) stamp: u32,
}

impl PageList for SealedPages<'_> {
    fn count(&self) -> usize {
        self.pages.count()
    }

    fn page_no(&self, at: usize) -> PageNo {
        self.pages.page_no(at)
    }

    fn bytes(&self, at: usize) -> Result<Cow<'_, [u8]>> {
        let mut bytes = self.pages.bytes(at)?.into_owned();
        page_checksum::seal_page(self.page_no(at), &mut bytes, self.stamp);
        Ok(Cow::Owned(bytes))
    }
}
