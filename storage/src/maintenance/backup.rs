//! [`PageCopy`]: the pages of one database copied over those of another, a few at a time, while the source stays in use.
//!
//! ```text
//!   source   1 2 3 4 5 6 7 8 9        between two steps nothing is locked here
//!            ───────▶│                what this connection commits behind the line is copied again;
//!   target   1 2 3 4 5                what another one commits sends the line back to the start
//!                                     one write transaction from the first step to the last; the old content stands until its commit
//! ```
//!
//! The target takes on the source's page size and reserved bytes. While it is empty that is just a setting. Else the copy is gathered in a
//! temporary database and put in place as a whole at the end, as VACUUM does.
//!
//! - C1. At the commit the target's pages are those of one snapshot of the source: that of the last step.

use std::sync::Arc;

use crate::error::{Error, ReadOnlyReason, Result};
use crate::format::{PageNo, page_checksum};
use crate::pager::{ChangeWatch, JournalMode, Pager, PagerOptions, TransactionState};
use crate::vfs::Vfs;

/// A copy under way.
pub struct PageCopy {
    /// The next page to copy.
    next: u32,
    page_count: u32,
    /// The state of the source that the copied pages belong to.
    source_token: Option<u64>,
    watch: ChangeWatch,
    target: Target,
    vfs: Arc<dyn Vfs>,
}

/// Where the pages go.
enum Target {
    /// No step has locked it yet.
    Free,
    /// Its own write transaction.
    Itself,
    /// A database that will replace its content.
    Staged(Box<Pager>),
    /// All is done.
    Done,
}

impl PageCopy {
    /// A copy of `source` that has not begun. Ends with [`PageCopy::finish`]. `vfs` is where a temporary file would be.
    pub fn new(source: &mut Pager, vfs: Arc<dyn Vfs>) -> PageCopy {
        PageCopy {
            next: 1,
            page_count: 0,
            source_token: None,
            watch: source.watch_changes(),
            target: Target::Free,
            vfs,
        }
    }

    /// Pages of the source as of the last step.
    pub fn page_count(&self) -> u32 {
        self.page_count
    }

    /// Pages that are still to be copied, as of the last step.
    pub fn remaining(&self) -> u32 {
        (self.page_count + 1).saturating_sub(self.next)
    }

    /// Copies up to `pages` pages; true when the copy is complete and committed.
    ///
    /// # Errors
    /// [`Error::Busy`] while the source is being written by this connection or a lock cannot be had: try again.
    /// [`Error::ReadOnly`] when the target cannot take on the page size (in memory, or with a log). After any error but `Busy` only
    /// [`PageCopy::finish`] makes sense.
    pub fn step(&mut self, source: &mut Pager, target: &mut Pager, pages: u32) -> Result<bool> {
        if matches!(self.target, Target::Done) {
            return Ok(true);
        }
        if source.state() == TransactionState::Write {
            return Err(Error::Busy);
        }
        let opened = source.state() == TransactionState::None;
        source.begin_read()?;
        let result = self.step_in_snapshot(source, target, pages);
        if opened {
            source.end_read();
        }
        result
    }

    fn step_in_snapshot(&mut self, source: &mut Pager, target: &mut Pager, pages: u32) -> Result<bool> {
        self.notice_changes(source, target)?;
        if let Target::Free = self.target {
            self.lock(source, target)?;
        }
        self.page_count = source.page_count();
        let end = self
            .page_count
            .min(self.next.saturating_add(pages).saturating_sub(1));
        for page in (self.next..=end).filter_map(PageNo::new) {
            self.copy(source, target, page)?;
        }
        self.next = self.next.max(end.saturating_add(1));
        if self.next <= self.page_count {
            return Ok(false);
        }
        self.complete(source, target)?;
        Ok(true)
    }

    /// Catches up with what was committed to the source since the last step.
    fn notice_changes(&mut self, source: &mut Pager, target: &mut Pager) -> Result<()> {
        let changed = source.take_changes(self.watch);
        if self.source_token == Some(source.change_token()) {
            let behind = self.next.min(source.page_count().saturating_add(1));
            for page in changed.into_iter().filter(|page| page.get() < behind) {
                self.copy(source, target, page)?;
            }
            return Ok(());
        }
        self.source_token = Some(source.change_token());
        self.next = 1;
        let copy: &Pager = match &self.target {
            Target::Itself => target,
            Target::Staged(staged) => staged,
            Target::Free | Target::Done => return Ok(()),
        };
        if !same_geometry(source, copy) {
            // The source was vacuumed to another page size.
            target.rollback()?;
            self.target = Target::Free;
        }
        Ok(())
    }

    /// Locks the target and decides where the pages go.
    fn lock(&mut self, source: &Pager, target: &mut Pager) -> Result<()> {
        let (page_size, reserved) = geometry(source);
        target.set_page_size(page_size, reserved)?;
        target.begin_exclusive()?;
        if same_geometry(source, target) {
            self.target = Target::Itself;
            return Ok(());
        }
        if target.is_in_memory() || target.journal_mode() == JournalMode::Wal {
            target.rollback()?;
            return Err(Error::ReadOnly(ReadOnlyReason::Plain));
        }
        let options = PagerOptions {
            page_size,
            reserved,
            spill_limit: target.spill_limit(),
            ..PagerOptions::default()
        };
        let mut staged = Pager::temporary(Arc::clone(&self.vfs), &options)?;
        staged.begin_write()?;
        self.target = Target::Staged(Box::new(staged));
        Ok(())
    }

    fn copy(&mut self, source: &Pager, target: &mut Pager, page: PageNo) -> Result<()> {
        if page == PageNo::lock_byte_page(source.page_size()) {
            return Ok(());
        }
        let bytes = source.page(page)?;
        match &mut self.target {
            Target::Itself => target.write_page(page, &bytes),
            Target::Staged(staged) => staged.write_page(page, &bytes),
            Target::Free | Target::Done => Ok(()),
        }
    }

    /// All pages are there: gives the target what is its own of the header, and commits.
    fn complete(&mut self, source: &Pager, target: &mut Pager) -> Result<()> {
        let before = target.committed_header()?;
        let is_empty = self.page_count == 0;
        let is_log = target.journal_mode() == JournalMode::Wal;
        let in_memory = target.is_in_memory();
        let copy: &mut Pager = match &mut self.target {
            Target::Staged(staged) => staged,
            _ => target,
        };
        if is_empty {
            let mut first = vec![0; source.page_size()];
            first.copy_from_slice(&source.page(PageNo::ONE)?);
            copy.write_page(PageNo::ONE, &first)?;
        }
        copy.set_page_count(self.page_count.max(1))?;
        if in_memory || !source.has_page_checksums() {
            let (_, reserved) = geometry(copy);
            page_checksum::untag(copy.page_mut(PageNo::ONE)?, reserved);
        }
        copy.update_header(|header| {
            header.schema_cookie = before.schema_cookie.wrapping_add(1);
            header.change_counter = before.change_counter;
            let versions = if is_log { Some(2) } else { in_memory.then_some(1) };
            if let Some(version) = versions {
                (header.write_version, header.read_version) = (version, version);
            }
        })?;
        if let Target::Staged(mut staged) = std::mem::replace(&mut self.target, Target::Done) {
            staged.commit()?;
            target.replace_content(*staged, source.has_page_checksums())?;
        } else if !in_memory {
            target.replace_page_checksums(source.has_page_checksums());
        }
        self.target = Target::Done;
        target.commit()
    }

    /// Ends the copy. One that is not complete leaves the target as it was.
    ///
    /// # Errors
    /// Those of the rollback.
    pub fn finish(self, source: &mut Pager, target: &mut Pager) -> Result<()> {
        source.unwatch_changes(self.watch);
        if target.state() == TransactionState::Write {
            target.rollback()
        } else {
            Ok(())
        }
    }
}

fn geometry(pager: &Pager) -> (u32, u8) {
    let reserved = pager.page_size() - pager.usable_size();
    (pager.page_size() as u32, reserved as u8)
}

fn same_geometry(a: &Pager, b: &Pager) -> bool {
    geometry(a) == geometry(b)
}
