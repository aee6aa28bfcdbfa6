//! Putting another database's content in place of this one's: how VACUUM ends.
//!
//! ```text
//!   old pages of 4096   │    1    │    2    │    3    │        the journal keeps these
//!   new pages of 1024   │1 │2 │3 │4 │5 │6 │7 │                written as bytes over the old pages
//! ```
//!
//! The new content may have another page size. Until the commit is final the transaction goes on in the old pages, as slices of the new
//! content's bytes, so that the journal, a rollback and the recovery after a crash need to know nothing of it. Only
//! when the commit stands does the pager take on the new sizes.
//!
//! One page cannot be written so: that with the lock byte at 1 GiB. When the new pages are smaller, all of them but the first in its place
//! hold content. These bytes are written beside the pages. No journal has to keep what was there, because in the old content nothing was.
//!
//! A database in memory takes the new pages as they are.
//!
//! - R1. Nothing but the commit or the rollback follows a replacement.

use super::transaction::stamp_header;
use super::{Pager, Store};
use crate::error::{Error, Result};
use crate::format::page_checksum::{self, PAGE_CHECKSUM_SIZE};
use crate::format::{Header, PageNo};

/// A content that has been put in place and is not yet committed.
pub(super) struct Replacement {
    geometry: NewGeometry,
    /// The content of the old lock-byte page, from an offset of the file on.
    beside: Option<(u64, Vec<u8>)>,
    /// All of it, for a database in memory.
    whole: Option<Box<Pager>>,
}

/// The sizes of the new content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NewGeometry {
    pub(super) page_size: u32,
    pub(super) reserved: u8,
    pub(super) page_count: u32,
    pub(super) page_checksum: bool,
}

impl NewGeometry {
    pub(super) fn len(&self) -> u64 {
        u64::from(self.page_count) * u64::from(self.page_size)
    }
}

impl Replacement {
    pub(super) fn page_count(&self) -> u32 {
        self.geometry.page_count
    }

    /// Whether the new pages have another size than `page_size`.
    pub(super) fn is_resized(&self, page_size: usize) -> bool {
        self.whole.is_none() && self.geometry.page_size as usize != page_size
    }

    /// Whether the new content has page checksums.
    pub(super) fn has_checksums(&self) -> bool {
        self.geometry.page_checksum
    }

    /// Bytes that are written at an offset, beside the pages.
    pub(super) fn beside(&self) -> Option<(u64, &[u8])> {
        self.beside.as_ref().map(|(offset, bytes)| (*offset, &**bytes))
    }
}

/// Where the lock-byte page begins: it is another page for another page size.
const LOCK_BYTE: u64 = 1 << 30;

impl Pager {
    /// Makes this database's content that of `packed`, page size and reserved bytes included, when the write transaction is committed. The change
    /// counter and the journal versions stay. Neither content has to fit into memory. `page_checksum` says whether a file has page checksums
    /// from then on, for which the pages of `packed` need reserved bytes.
    ///
    /// # Errors
    /// [`Error::Misuse`] outside a write transaction; for another page size also inside a savepoint and in a database with a log. Those of
    /// [`Pager::page_mut`].
    pub fn replace_content(&mut self, mut packed: Pager, page_checksum: bool) -> Result<()> {
        self.require_write()?;
        packed.begin_read()?;
        let before = self.header()?;
        let (old, new) = (self.page_size, packed.page_size);
        if old != new {
            self.check_resizable()?;
        }
        let geometry = NewGeometry {
            page_size: new as u32,
            reserved: (new - packed.usable_size) as u8,
            page_count: packed.page_count,
            page_checksum,
        };
        if page_checksum && geometry.reserved < PAGE_CHECKSUM_SIZE {
            return Err(Error::Misuse("page checksums need 16 reserved bytes"));
        }
        let mut replacement = Replacement {
            geometry,
            beside: None,
            whole: None,
        };
        if let Store::Memory(_) = &self.store {
            packed.begin_write()?;
            packed.update_header(|header| {
                header.change_counter = before.change_counter;
                header.write_version = before.write_version;
                header.read_version = before.read_version;
            })?;
            packed.commit()?;
            replacement.whole = Some(Box::new(packed));
            self.replaced = Some(replacement);
            // The commit looks for changes.
            self.page_mut(PageNo::ONE)?;
            return Ok(());
        }
        let units = u32::try_from(geometry.len().div_ceil(old as u64)).map_err(|_| Error::Full)?;
        while self.page_count < units {
            self.append_page()?;
        }
        self.set_page_count(units.max(1))?;
        let own = |header: &mut Header| {
            header.change_counter = before.change_counter;
            header.version_valid_for = before.version_valid_for;
            header.write_version = before.write_version;
            header.read_version = before.read_version;
        };
        if old == new {
            self.take_pages(&packed)?;
            self.update_header(own)?;
        } else {
            packed.begin_write()?;
            packed.update_header(|header| {
                own(header);
                stamp_header(header, geometry.page_count, page_checksum);
            })?;
            replacement.beside = self.take_bytes(&packed, units, page_checksum)?;
        }
        self.replaced = Some(replacement);
        Ok(())
    }

    fn check_resizable(&self) -> Result<()> {
        let in_log = matches!(&self.store, Store::File(store) if store.wal.is_some());
        if in_log {
            return Err(Error::Misuse("a database with a log keeps its page size"));
        }
        if self.overlay.depth() > 0 {
            return Err(Error::Misuse("the page size cannot change inside a savepoint"));
        }
        Ok(())
    }

    fn take_pages(&mut self, packed: &Pager) -> Result<()> {
        for page in (1..=packed.page_count).filter_map(PageNo::new) {
            if page != self.lock_byte_page {
                self.put_page(page, &packed.page(page)?)?;
            }
        }
        Ok(())
    }

    /// The bytes of all of `packed`'s pages, cut into pages of ours. What belongs into our lock-byte page is returned.
    fn take_bytes(
        &mut self,
        packed: &Pager,
        units: u32,
        page_checksum: bool,
    ) -> Result<Option<(u64, Vec<u8>)>> {
        let stamp = page_checksum::stamp_of(&packed.page(PageNo::ONE)?, true);
        let mut source = (1..=packed.page_count).filter_map(PageNo::new);
        let mut bytes: Vec<u8> = Vec::with_capacity(self.page_size.max(packed.page_size) * 2);
        let mut beside = None;
        let size = self.page_size;
        for unit in (1..=units).filter_map(PageNo::new) {
            while bytes.len() < size {
                match source.next() {
                    Some(page) if page == packed.lock_byte_page => {
                        bytes.resize(bytes.len() + packed.page_size, 0);
                    }
                    Some(page) => {
                        let start = bytes.len();
                        bytes.extend_from_slice(&packed.page(page)?);
                        if page_checksum {
                            page_checksum::seal_page(page, &mut bytes[start..], stamp);
                        }
                    }
                    None => break,
                }
            }
            if unit == self.lock_byte_page {
                let taken = bytes.len().min(size);
                let content = bytes[..taken].get(packed.page_size..).unwrap_or_default();
                if !content.is_empty() {
                    beside = Some((LOCK_BYTE + packed.page_size as u64, content.to_vec()));
                }
            } else {
                bytes.resize(bytes.len().max(size), 0);
                self.put_page(unit, &bytes[..size])?;
            }
            bytes.drain(..size.min(bytes.len()));
        }
        Ok(beside)
    }

    /// Replaces a page whole.
    pub(super) fn put_page(&mut self, page: PageNo, bytes: &[u8]) -> Result<()> {
        self.mutation_count += 1;
        self.make_room()?;
        self.overlay.insert(page, bytes.into());
        Ok(())
    }

    /// Says that all pages of the database have been replaced in this transaction, by ones with or without room for checksums: with the commit
    /// the file has them or not.
    pub(crate) fn replace_page_checksums(&mut self, on: bool) {
        self.replaced = Some(Replacement {
            geometry: NewGeometry {
                page_size: self.page_size as u32,
                reserved: (self.page_size - self.usable_size) as u8,
                page_count: self.page_count,
                page_checksum: on,
            },
            beside: None,
            whole: None,
        });
    }

    /// The commit of a replaced content stands: the pager takes on its sizes.
    pub(super) fn take_new_geometry(&mut self, replacement: Replacement) {
        let new = replacement.geometry;
        match &mut self.store {
            Store::Memory(store) => {
                if let Some(mut packed) = replacement.whole
                    && let Store::Memory(pages) = &mut packed.store
                {
                    store.swap_pages(pages);
                    self.spill = packed.spill.take();
                }
            }
            Store::File(store) => store.take_new_geometry(&new),
        }
        self.set_geometry(new.page_size, new.reserved);
        self.page_count = new.page_count;
        self.change_token += 1;
        self.mutation_count += 1;
    }
}
