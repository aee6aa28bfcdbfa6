//! Appending a commit to the log.
//!
//! ```text
//!   write lock ─▶ (restart the log if all of it is in the database) ─▶ frames, one gathered write ─▶ (sync) ─▶ wal-index ─▶ header
//! ```
//!
//! Until the header is published nobody looks at the new frames, and recovery stops at the last commit frame: a writer that dies at any
//! point has either committed or not.

use std::borrow::Cow;

use super::{Around, MARKED_READERS, WRITE_LOCK, Wal, read_lock, unless_busy};
use crate::error::{Error, ReadOnlyReason, Result, corrupt};
use crate::format::PageNo;
use crate::format::checksum::WordOrder;
use crate::format::wal::{FRAME_HEADER_SIZE, Frame, FrameNo, WalHeader, frame_offset};
use crate::format::wal_index::{IndexHeader, READ_MARK_UNUSED, READ_MARKS};
use crate::vfs::{File, ShmLock, SyncKind, WRITE_CHUNK, folder_of};

/// What is appended to the log in one piece.
pub(crate) struct Commit<'a> {
    /// The changed pages, in page order.
    pub pages: &'a dyn PageList,
    pub page_size: u32,
    /// Pages of the database after the commit.
    pub page_count: u32,
}

/// Pages that are to be written somewhere, in page order. They are asked for one by one, so that not all have to be in memory.
pub(crate) trait PageList {
    /// How many there are.
    fn count(&self) -> usize;

    /// The number of the page at place `at`.
    fn page_no(&self, at: usize) -> PageNo;

    /// The bytes of the page at place `at`.
    fn bytes(&self, at: usize) -> Result<Cow<'_, [u8]>>;
}

impl PageList for &[(PageNo, &[u8])] {
    fn count(&self) -> usize {
        self.len()
    }

    fn page_no(&self, at: usize) -> PageNo {
        self[at].0
    }

    fn bytes(&self, at: usize) -> Result<Cow<'_, [u8]>> {
        Ok(Cow::Borrowed(self[at].1))
    }
}

impl Wal {
    /// Becomes the writer.
    ///
    /// # Errors
    /// [`Error::Busy`] while somebody else writes, [`Error::BusySnapshot`] if somebody has written since the snapshot was taken.
    pub(crate) fn begin_write(&mut self, database: &mut dyn File) -> Result<()> {
        if self.read_only {
            return Err(Error::ReadOnly(ReadOnlyReason::Plain));
        }
        self.lock(database, WRITE_LOCK, 1, ShmLock::Exclusive)?;
        if self.header_stands() {
            self.writing = true;
            return Ok(());
        }
        self.unlock(database, WRITE_LOCK, 1);
        Err(Error::BusySnapshot)
    }

    /// Appends a commit and publishes it. After an error nothing is published: the commit has not happened, unless its
    /// sync failed after its frames reached the disk.
    pub(crate) fn commit(&mut self, around: &mut Around<'_>, commit: &Commit<'_>) -> Result<()> {
        debug_assert!(self.writing);
        self.restart_if_done(around)?;
        let mut next = self.header;
        if next.frame_count == 0 {
            next = self.start_log(around, commit.page_size)?;
        }
        if next.page_size != commit.page_size {
            return Err(corrupt(
                None,
                8,
                "the log has another page size than the database",
            ));
        }
        self.write_frames(commit, &mut next)?;
        if around.syncs.commit
            && let Err(error) = self.sync_log(around)
        {
            // The system may have dropped these frames and call them clean: whoever found them could build on what no later sync
            // makes durable. Cut off they are gone for all.
            let first = frame_offset(self.header.frame_count + 1, commit.page_size as usize);
            let _ = self.file.set_len(first);
            return Err(error);
        }
        let mut frame = self.header.frame_count;
        for at in 0..commit.pages.count() {
            frame += 1;
            self.index
                .append(around.database, frame, commit.pages.page_no(at))?;
        }
        next.change = next.change.wrapping_add(1);
        next.page_count = commit.page_count;
        self.index.write_header(around.database, &next)?;
        self.set_header(next);
        Ok(())
    }

    /// Syncs the log, and its name if that is new.
    pub(super) fn sync_log(&mut self, around: &Around<'_>) -> Result<()> {
        self.file.sync(SyncKind::Data)?;
        if self.name_is_new {
            around.vfs.sync_dir(folder_of(around.log))?;
            self.name_is_new = false;
        }
        Ok(())
    }

    /// Starts again at the beginning if everything is in the database and nobody reads the log.
    fn restart_if_done(&mut self, around: &mut Around<'_>) -> Result<()> {
        if self.mark != Some(0) {
            return Ok(());
        }
        if self.index.backfilled()? > 0 {
            let (first, count) = MARKED_READERS;
            if unless_busy(self.lock(around.database, first, count, ShmLock::Exclusive))? {
                let restarted = self.restart(around);
                self.unlock(around.database, first, count);
                restarted?;
            }
        }
        // Our frames will be in the log, and a checkpoint must leave them to us: mark 0 promises the opposite.
        self.unlock(around.database, read_lock(0), 1);
        self.mark = None;
        self.settle(around, &mut false, true)
    }

    /// Makes the log empty, with new salts. The caller holds the write lock and the locks of all readers of the log.
    pub(super) fn restart(&mut self, around: &mut Around<'_>) -> Result<()> {
        let mut header = self.header;
        let [a, b, c, d, ..] = header.salt;
        let first = u32::from_be_bytes([a, b, c, d]).wrapping_add(1);
        header.salt[..4].copy_from_slice(&first.to_be_bytes());
        around.vfs.random(&mut header.salt[4..]);
        header.frame_count = 0;
        self.checkpoint_sequence = self.checkpoint_sequence.wrapping_add(1);
        self.index.write_header(around.database, &header)?;
        self.set_header(header);
        self.index.set_backfilled(0)?;
        self.index.set_backfill_attempted(0)?;
        self.index.set_read_mark(1, 0)?;
        for mark in 2..READ_MARKS {
            self.index.set_read_mark(mark, READ_MARK_UNUSED)?;
        }
        Ok(())
    }

    /// Writes the log's header. It must be durable before the first frame is: an old header with some old frames and some new ones
    /// would be a log that ends in the past. That the file is empty proves nothing, because the cut that emptied it may not be
    /// durable itself.
    ///
    /// A writer may have died after it wrote a header and frames and before it published them. Its frames are still there, so no two
    /// headers get the same salts: then nothing that stood in the file before can belong to the log that starts here.
    fn start_log(&mut self, around: &mut Around<'_>, page_size: u32) -> Result<IndexHeader> {
        let mut next = self.header;
        if self.checkpoint_sequence == 0 {
            around.vfs.random(&mut next.salt);
        } else {
            around.vfs.random(&mut next.salt[4..]);
        }
        let header = WalHeader {
            order: WordOrder::NATIVE,
            page_size,
            checkpoint_sequence: self.checkpoint_sequence,
            salt: next.salt,
        };
        let (bytes, checksum) = header.encode();
        self.file.write_at(&bytes, 0)?;
        if around.syncs.order {
            self.file.sync(SyncKind::Data)?;
        }
        next.order = header.order;
        next.page_size = page_size;
        next.frame_checksum = checksum;
        Ok(next)
    }

    /// Writes the frames after `next.frame_count`, and moves `next` past them.
    fn write_frames(&mut self, commit: &Commit<'_>, next: &mut IndexHeader) -> Result<()> {
        let page_size = commit.page_size as usize;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let mut start: FrameNo = next.frame_count + 1;
        let last = commit.pages.count().saturating_sub(1);
        let mut written = Ok(());
        for at in 0..commit.pages.count() {
            let bytes = match commit.pages.bytes(at) {
                Ok(bytes) => bytes,
                Err(error) => {
                    written = Err(error);
                    break;
                }
            };
            let frame = Frame {
                page: commit.pages.page_no(at),
                commit_size: if at == last { commit.page_count } else { 0 },
            };
            let head = frame.encode(&bytes, next.order, next.salt, &mut next.frame_checksum);
            buffer.extend_from_slice(&head);
            buffer.extend_from_slice(&bytes);
            next.frame_count = next.frame_count.checked_add(1).ok_or(Error::Full)?;
            if buffer.len() + page_size + FRAME_HEADER_SIZE > WRITE_CHUNK || at == last {
                written = self.file.write_at(&buffer, frame_offset(start, page_size));
                if written.is_err() {
                    break;
                }
                start = next.frame_count + 1;
                buffer.clear();
            }
        }
        self.buffer = buffer;
        written
    }
}
