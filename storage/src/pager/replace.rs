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
//! - R1. Nothing but the commit or the rollback follows a replacement with another page size.

use super::{Pager, Store};
use crate::error::{Error, Result};
use crate::format::PageNo;

/// The sizes of a content that has been put in place and is not yet committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NewGeometry {
    pub(super) page_size: u32,
    pub(super) reserved: u8,
    pub(super) page_count: u32,
}

impl NewGeometry {
    pub(super) fn len(&self) -> u64 {
        u64::from(self.page_count) * u64::from(self.page_size)
    }
}

/// Where the lock-byte page begins: it is another page for another page size, and not all of it is out of reach for both.
const LOCK_BYTE: u64 = 1 << 30;

impl Pager {
    /// Makes this database's content that of `packed`, page size included, when the write transaction is committed. The change counter
    /// and the journal versions stay. Holds a copy of the content in memory.
    ///
    /// # Errors
    /// [`Error::Misuse`] outside a write transaction; for another page size also inside a savepoint, in a database with a log, and when either
    /// content reaches over the lock byte at 1 GiB. Those of [`Pager::page_mut`].
    pub fn replace_content(&mut self, packed: &Pager) -> Result<()> {
        self.require_write()?;
        let before = self.header()?;
        let (old, new) = (self.page_size, packed.page_size);
        let resized = (old, self.usable_size) != (new, packed.usable_size);
        if resized {
            self.check_resizable(packed)?;
        }
        let len = u64::from(packed.page_count) * new as u64;
        let units = u32::try_from(len.div_ceil(old as u64)).map_err(|_| Error::Full)?;
        while self.page_count < units {
            self.append_page()?;
        }
        self.set_page_count(units.max(1))?;
        if old == new {
            self.take_pages(packed)?;
        } else {
            self.take_bytes(packed, units)?;
        }
        self.update_header(|header| {
            header.change_counter = before.change_counter;
            header.version_valid_for = before.version_valid_for;
            header.write_version = before.write_version;
            header.read_version = before.read_version;
        })?;
        self.replaced = resized.then_some(NewGeometry {
            page_size: new as u32,
            reserved: (new - packed.usable_size) as u8,
            page_count: packed.page_count,
        });
        Ok(())
    }

    fn check_resizable(&self, packed: &Pager) -> Result<()> {
        let in_log = matches!(&self.store, Store::File(store) if store.wal.is_some());
        if in_log {
            return Err(Error::Misuse("a database with a log keeps its page size"));
        }
        if self.overlay.depth() > 0 {
            return Err(Error::Misuse("the page size cannot change inside a savepoint"));
        }
        let len = |pager: &Pager| u64::from(pager.page_count) * pager.page_size as u64;
        if len(self).max(len(packed)) > LOCK_BYTE {
            return Err(Error::Misuse("a database over 1 GiB keeps its page size"));
        }
        Ok(())
    }

    fn take_pages(&mut self, packed: &Pager) -> Result<()> {
        for page in (1..=packed.page_count).filter_map(PageNo::new) {
            if page != self.lock_byte_page {
                self.page_mut(page)?.copy_from_slice(&packed.page(page)?);
            }
        }
        Ok(())
    }

    /// The bytes of all of `packed`'s pages, cut into pages of ours.
    fn take_bytes(&mut self, packed: &Pager, units: u32) -> Result<()> {
        let mut source = (1..=packed.page_count).filter_map(PageNo::new);
        let mut bytes: Vec<u8> = Vec::with_capacity(self.page_size.max(packed.page_size) * 2);
        for unit in (1..=units).filter_map(PageNo::new) {
            while bytes.len() < self.page_size {
                match source.next() {
                    Some(page) => bytes.extend_from_slice(&packed.page(page)?),
                    None => bytes.resize(self.page_size, 0),
                }
            }
            let size = self.page_size;
            self.page_mut(unit)?.copy_from_slice(&bytes[..size]);
            bytes.drain(..size);
        }
        Ok(())
    }

    /// The commit of a replaced content stands: the pager takes on its sizes.
    pub(super) fn take_new_geometry(&mut self, new: NewGeometry) {
        match &mut self.store {
            Store::Memory(store) => store.cut_anew(new.page_size as usize, new.page_count),
            Store::File(store) => store.take_new_geometry(&new),
        }
        self.set_geometry(new.page_size, new.reserved);
        self.page_count = new.page_count;
        self.change_token += 1;
        self.mutation_count += 1;
    }
}
