//! Copying frames into the database.
//!
//! ```text
//!   sync the log ─▶ write the newest frame of each page, in page order ─▶ (all copied: cut and sync the database) ─▶ backfilled = n
//! ```
//!
//! How far: to the lowest mark that a reader holds. What is copied is past all readers' marks or at them, so each reader finds
//! such a page in the log first.
//!
//! The header that says how many frames there are is read before the backfill count. A writer that restarts the log in between would make the two
//! speak of different logs, so after taking the lock of mark 0, which a restarting writer needs, the header is compared again. (SQLite
//! before 3.51.3 does not.)

use std::time::Duration;

use rustc_hash::FxHashMap;

use super::{Around, CHECKPOINT_LOCK, MARKED_READERS, WRITE_LOCK, Wal, read_lock, unless_busy};
use crate::error::{Error, ReadOnlyReason, Result, corrupt};
use crate::format::PageNo;
use crate::format::wal::{FRAME_HEADER_SIZE, FrameNo, frame_offset, frame_page_offset};
use crate::format::wal_index::{READ_MARK_UNUSED, READ_MARKS};
use crate::vfs::{ShmLock, SyncKind, WRITE_CHUNK, read_whole};

/// How long a checkpoint whose sync failed waits for a commit that is being written.
const WRITE_LOCK_PAUSES: u32 = 1000;
const WRITE_LOCK_PAUSE: Duration = Duration::from_millis(1);

/// How hard a checkpoint tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckpointKind {
    /// Copies what it can without waiting for anybody.
    Passive,
    /// Waits for the writer and for readers of old snapshots, then copies everything.
    Full,
    /// And waits until nobody reads the log, so that the next writer restarts it.
    Restart,
    /// And cuts the log to nothing.
    Truncate,
}

/// What a checkpoint found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckpointReport {
    /// It could not do all its kind asks: a reader or writer was in the way.
    pub busy: bool,
    /// Frames in the log.
    pub log_frames: u32,
    /// Of these, frames that are in the database.
    pub checkpointed_frames: u32,
}

/// Asked whether to try again when a lock is busy.
pub(crate) type Wait<'a> = dyn FnMut() -> bool + 'a;

impl Wal {
    /// Copies frames to the database. The caller has no snapshot open on this log.
    ///
    /// # Errors
    /// [`Error::Busy`] while somebody else checkpoints. A checkpoint that was hindered by readers is no error.
    pub(crate) fn checkpoint(
        &mut self,
        around: &mut Around<'_>,
        page_size: u32,
        kind: CheckpointKind,
        wait: &mut Wait<'_>,
    ) -> Result<CheckpointReport> {
        if self.read_only {
            return Err(Error::ReadOnly(ReadOnlyReason::Plain));
        }
        let mut never = || false;
        let wait: &mut Wait<'_> = if kind == CheckpointKind::Passive {
            &mut never
        } else {
            wait
        };
        self.lock_waiting(around, CHECKPOINT_LOCK, 1, wait)?;
        let result = self.checkpoint_locked(around, page_size, kind, wait);
        self.unlock(around.database, CHECKPOINT_LOCK, 1);
        result
    }

    fn checkpoint_locked(
        &mut self,
        around: &mut Around<'_>,
        page_size: u32,
        kind: CheckpointKind,
        wait: &mut Wait<'_>,
    ) -> Result<CheckpointReport> {
        // Beyond passive, no new frames may come meanwhile. If a writer does not go away, do what a passive one can.
        let mut done_kind = kind;
        let own_write_lock = kind != CheckpointKind::Passive && !self.writing;
        let mut locked = false;
        if own_write_lock {
            match self.lock_waiting(around, WRITE_LOCK, 1, wait) {
                Ok(()) => locked = true,
                Err(Error::Busy) => done_kind = CheckpointKind::Passive,
                Err(error) => return Err(error),
            }
            self.writing = locked;
        }
        let mut changed = false;
        let result = self
            .read_header(around, &mut changed)
            .and_then(|()| self.copy_frames(around, page_size, done_kind, wait))
            .and_then(|complete| {
                Ok(CheckpointReport {
                    busy: !complete || done_kind != kind,
                    log_frames: self.header.frame_count,
                    checkpointed_frames: self.index.backfilled()?.min(self.header.frame_count),
                })
            });
        if locked {
            self.writing = false;
            self.unlock(around.database, WRITE_LOCK, 1);
        }
        if changed {
            // The next snapshot must not look like the last one: pages that were cached for that are out of date.
            self.words = None;
        }
        result
    }

    /// `true` if the checkpoint did all that its kind asks.
    fn copy_frames(
        &mut self,
        around: &mut Around<'_>,
        page_size: u32,
        kind: CheckpointKind,
        wait: &mut Wait<'_>,
    ) -> Result<bool> {
        let frame_count = self.header.frame_count;
        if frame_count > 0 && self.header.page_size != page_size {
            return Err(corrupt(
                None,
                8,
                "the log has another page size than the database",
            ));
        }
        let mut waiting = true;
        if self.index.backfilled()? < frame_count {
            let safe = self.safe_frame(around, wait, &mut waiting)?;
            if self.index.backfilled()? < safe {
                let locked = if waiting {
                    unless_busy(self.lock_waiting(around, read_lock(0), 1, wait))?
                } else {
                    unless_busy(self.lock(around.database, read_lock(0), 1, ShmLock::Exclusive))?
                };
                if locked {
                    let result = self.backfill(around, safe);
                    self.unlock(around.database, read_lock(0), 1);
                    result?;
                }
            }
        }
        if kind == CheckpointKind::Passive {
            return Ok(true);
        }
        if self.index.backfilled()? < self.header.frame_count {
            return Ok(false);
        }
        if kind >= CheckpointKind::Restart {
            let (first, count) = MARKED_READERS;
            if !unless_busy(self.lock_waiting(around, first, count, wait))? {
                return Ok(false);
            }
            let result = if kind == CheckpointKind::Truncate {
                self.cut(around)
            } else {
                Ok(())
            };
            self.unlock(around.database, first, count);
            result?;
        }
        Ok(true)
    }

    /// The last frame that may be copied: no reader's mark is below it. Marks that nobody holds are moved out of the way.
    fn safe_frame(
        &mut self,
        around: &mut Around<'_>,
        wait: &mut Wait<'_>,
        waiting: &mut bool,
    ) -> Result<FrameNo> {
        let mut safe = self.header.frame_count;
        for mark in 1..READ_MARKS {
            let frame = self.index.read_mark(mark)?;
            if safe <= frame {
                continue;
            }
            let free = if *waiting {
                unless_busy(self.lock_waiting(around, read_lock(mark), 1, wait))?
            } else {
                unless_busy(self.lock(around.database, read_lock(mark), 1, ShmLock::Exclusive))?
            };
            if free {
                self.index
                    .set_read_mark(mark, if mark == 1 { safe } else { READ_MARK_UNUSED })?;
                self.unlock(around.database, read_lock(mark), 1);
            } else {
                safe = frame;
                *waiting = false;
            }
        }
        Ok(safe)
    }

    /// Copies the frames up to `safe`. The caller holds the lock of mark 0.
    fn backfill(&mut self, around: &mut Around<'_>, safe: FrameNo) -> Result<()> {
        around.database.shm_barrier();
        let done = self.index.backfilled()?;
        match self.index.read_header(around.database)? {
            Some(now) if now.salt == self.header.salt && now.frame_count >= safe => {}
            // The log was restarted since we read the header: what we know is about frames that are no more.
            _ => return Ok(()),
        }
        if done >= safe {
            return Ok(());
        }
        self.index.set_backfill_attempted(safe)?;
        if around.syncs.order
            && let Err(error) = self.sync_log(around)
        {
            // The system may have dropped these frames and call them clean: no later sync would make them durable, and the next checkpoint
            // would copy them. Written again they are the next sync's business. What fails here is left as it was.
            let _ = self.write_again(around, safe);
            return Err(error);
        }
        self.copy_pages(around, done + 1, safe)?;
        let complete = self
            .index
            .read_header(around.database)?
            .is_some_and(|now| now.frame_count == safe);
        if complete {
            let len = u64::from(self.header.page_count) * u64::from(self.header.page_size);
            if around.database.len()? != len {
                around.database.set_len(len)?;
            }
            if around.syncs.order {
                around.database.sync(SyncKind::Data)?;
            }
        }
        self.index.set_backfilled(safe)
    }

    /// Writes the log, frame `safe` at least, over itself. The caller holds the lock of mark 0, so nobody starts the log again meanwhile.
    ///
    /// Published frames do not change, so they are written without the writer's lock. What a writer has in the making is written when he is
    /// done. If that takes him too long it is his affair: his own sync tells him of the failure, if his mode has one.
    fn write_again(&self, around: &mut Around<'_>, safe: FrameNo) -> Result<()> {
        let vfs = around.vfs;
        self.write_frames_again(self.published(around, safe))?;
        let mut pauses = 0..WRITE_LOCK_PAUSES;
        let mut wait = || {
            vfs.sleep(WRITE_LOCK_PAUSE);
            pauses.next().is_some()
        };
        let locked = !self.writing;
        if locked {
            self.lock_waiting(around, WRITE_LOCK, 1, &mut wait)?;
        }
        let written = self.write_frames_again(self.published(around, safe));
        if locked {
            self.unlock(around.database, WRITE_LOCK, 1);
        }
        written
    }

    /// The last frame that is published, `safe` at least.
    fn published(&self, around: &mut Around<'_>, safe: FrameNo) -> FrameNo {
        let header = self.index.read_header(around.database).ok().flatten();
        header.map_or(safe, |header| header.frame_count.max(safe))
    }

    fn write_frames_again(&self, last: FrameNo) -> Result<()> {
        let end = frame_offset(last, self.header.page_size as usize) + FRAME_HEADER_SIZE as u64;
        let end = end + u64::from(self.header.page_size);
        let mut buffer = vec![0; WRITE_CHUNK];
        // The header was synced before the first frame.
        let mut offset = frame_offset(1, self.header.page_size as usize);
        while offset < end {
            let len = (end - offset).min(WRITE_CHUNK as u64) as usize;
            let count = read_whole(&*self.file, &mut buffer[..len], offset)?;
            self.file.write_at(&buffer[..count], offset)?;
            if count < len {
                break;
            }
            offset += len as u64;
        }
        Ok(())
    }

    /// Writes the newest of the frames `first..=last` of each page to its place, runs of neighbours together.
    fn copy_pages(&self, around: &mut Around<'_>, first: FrameNo, last: FrameNo) -> Result<()> {
        let page_size = self.header.page_size as usize;
        let mut newest: FxHashMap<PageNo, FrameNo> = FxHashMap::default();
        for frame in first..=last {
            if let Some(page) = self
                .index
                .page_of(frame)?
                .filter(|page| page.get() <= self.header.page_count)
            {
                newest.insert(page, frame);
            }
        }
        let mut pages: Vec<(PageNo, FrameNo)> = newest.into_iter().collect();
        pages.sort_unstable();
        let mut buffer: Vec<u8> = Vec::new();
        let mut start: Option<PageNo> = None;
        let mut end = 0;
        for (page, frame) in pages {
            if page.get() != end || buffer.len() + page_size > WRITE_CHUNK {
                if let Some(start) = start {
                    around.database.write_at(&buffer, start.offset(page_size))?;
                }
                buffer.clear();
                start = Some(page);
            }
            let at = buffer.len();
            buffer.resize(at + page_size, 0);
            let offset = frame_page_offset(frame, page_size);
            if read_whole(&*self.file, &mut buffer[at..], offset)? < page_size {
                return Err(corrupt(page, 0, "the log is shorter than its index says"));
            }
            end = page.get() + 1;
        }
        match start {
            Some(start) => around.database.write_at(&buffer, start.offset(page_size)),
            None => Ok(()),
        }
    }

    /// Restarts the log and cuts it to nothing. The caller holds the write lock and those of all readers of the log.
    fn cut(&mut self, around: &mut Around<'_>) -> Result<()> {
        self.restart(around)?;
        self.file.set_len(0)
    }

    fn lock_waiting(
        &self,
        around: &mut Around<'_>,
        first: usize,
        count: usize,
        wait: &mut Wait<'_>,
    ) -> Result<()> {
        loop {
            match self.lock(around.database, first, count, ShmLock::Exclusive) {
                Err(Error::Busy) if wait() => {}
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::vfs::{File, LockLevel, MemoryVfs, OpenOptions, Vfs};
    use crate::wal::{Commit, WalSyncs};

    const PAGE: usize = 512;

    struct Connection {
        vfs: MemoryVfs,
        file: Box<dyn File>,
        wal: Option<Wal>,
    }

    impl Connection {
        fn open(vfs: &MemoryVfs) -> Connection {
            let options = OpenOptions {
                create: true,
                ..OpenOptions::default()
            };
            let mut file = vfs.open(Path::new("db"), &options).unwrap();
            file.lock(LockLevel::Shared).unwrap();
            let wal = Wal::open(vfs, Path::new("db"), Path::new("db-wal"), false).unwrap();
            Connection {
                vfs: vfs.clone(),
                file,
                wal: Some(wal),
            }
        }

        fn with<T>(&mut self, work: impl FnOnce(&mut Wal, &mut Around<'_>) -> Result<T>) -> T {
            let mut wal = self.wal.take().unwrap();
            let mut around = Around {
                vfs: &self.vfs,
                database: &mut *self.file,
                log: Path::new("db-wal"),
                syncs: WalSyncs {
                    commit: false,
                    order: true,
                },
            };
            let result = work(&mut wal, &mut around).unwrap();
            self.wal = Some(wal);
            result
        }

        /// Commits page 1, filled with `byte`.
        fn commit(&mut self, byte: u8) {
            self.with(|wal, around| {
                wal.begin_read(around)?;
                wal.begin_write(around.database)?;
                let pages: [(PageNo, &[u8]); 1] = [(PageNo::ONE, &[byte; PAGE])];
                wal.commit(
                    around,
                    &Commit {
                        pages: &&pages[..],
                        page_size: PAGE as u32,
                        page_count: 1,
                    },
                )?;
                wal.leave(around.database);
                Ok(())
            });
        }

        fn checkpoint(&mut self, kind: CheckpointKind) -> CheckpointReport {
            self.with(|wal, around| wal.checkpoint(around, PAGE as u32, kind, &mut || false))
        }

        fn page_in_file(&self) -> u8 {
            let mut byte = [0];
            self.file.read_at(&mut byte, 0).unwrap();
            byte[0]
        }
    }

    /// SQLite up to 3.51.2: a checkpointer reads the header of the log, another one finishes it, a writer starts it again, and then
    /// the first takes frames of the new log for those of the old one and reports them as copied.
    #[test]
    fn a_checkpoint_with_an_old_header_leaves_a_restarted_log_alone() {
        let vfs = MemoryVfs::new();
        let (mut slow, mut other) = (Connection::open(&vfs), Connection::open(&vfs));
        for byte in 1..=5 {
            other.commit(byte);
        }
        slow.with(|wal, around| wal.read_header(around, &mut false));
        let report = other.checkpoint(CheckpointKind::Restart);
        assert_eq!((report.busy, report.checkpointed_frames), (false, 5));
        other.commit(6);
        assert_eq!(
            other.with(|wal, _| wal.index.backfilled()),
            0,
            "the log was started again"
        );

        slow.with(|wal, around| {
            wal.copy_frames(around, PAGE as u32, CheckpointKind::Passive, &mut || false)
                .map(|_| ())
        });
        assert_eq!(slow.page_in_file(), 5);
        assert_eq!(slow.with(|wal, _| wal.index.backfilled()), 0);
        let report = other.checkpoint(CheckpointKind::Full);
        assert_eq!(
            (report.busy, report.log_frames, report.checkpointed_frames),
            (false, 1, 1)
        );
        assert_eq!(slow.page_in_file(), 6);
    }

    #[test]
    fn a_checkpoint_stops_at_the_oldest_reader() {
        let vfs = MemoryVfs::new();
        let (mut reader, mut writer) = (Connection::open(&vfs), Connection::open(&vfs));
        writer.commit(1);
        reader.with(|wal, around| wal.begin_read(around));
        writer.commit(2);
        let report = writer.checkpoint(CheckpointKind::Full);
        assert_eq!(
            (report.busy, report.log_frames, report.checkpointed_frames),
            (true, 2, 1)
        );
        assert_eq!(writer.page_in_file(), 1);
        assert_eq!(reader.with(|wal, _| wal.find(PageNo::ONE)), Some(1));
        reader.with(|wal, around| {
            wal.leave(around.database);
            Ok(())
        });
        assert!(!writer.checkpoint(CheckpointKind::Truncate).busy);
        assert_eq!(writer.page_in_file(), 2);
        assert!(vfs.image().files[Path::new("db-wal")].is_empty());
    }
}
