//! Snapshots: which frames of the log, if any, a reader uses, and the lock that keeps them.
//!
//! ```text
//!   all frames are in the database    lock mark 0: "I read the database alone"
//!   else                              lock the highest mark <= the frame count, raising one if all are lower
//! ```
//!
//! Between reading the header and holding the lock the world may have moved on, so both are compared again under the lock, and
//! the attempt starts over if they differ.

use std::time::Duration;

use super::index::decode;
use super::{Around, RECOVER_LOCK, WRITE_LOCK, Wal, read_lock, unless_busy};
use crate::error::{Error, ReadOnlyReason, Result};
use crate::format::wal::FrameNo;
use crate::format::wal_index::READ_MARKS;
use crate::vfs::{File, ShmLock};

/// Attempts before the protocol is declared broken.
const ATTEMPTS_MAX: u32 = 100;

/// Attempts before the first pause: most races are over at once.
const ATTEMPTS_WITHOUT_PAUSE: u32 = 5;

enum Attempt {
    Done,
    Again,
}

impl Wal {
    /// Takes a snapshot; `true` if it differs from the last one, so that caches are out of date.
    pub(crate) fn begin_read(&mut self, around: &mut Around<'_>) -> Result<bool> {
        debug_assert!(self.mark.is_none());
        let mut changed = false;
        self.settle(around, &mut changed, false)?;
        Ok(changed)
    }

    /// Attempts a snapshot until it holds.
    pub(super) fn settle(&mut self, around: &mut Around<'_>, changed: &mut bool, in_log: bool) -> Result<()> {
        for attempt in 0..ATTEMPTS_MAX {
            pause(around, attempt);
            if let Attempt::Done = self.try_begin_read(around, changed, in_log)? {
                return Ok(());
            }
        }
        Err(Error::Protocol)
    }

    /// Gives back the snapshot, and with it the writer's lock.
    pub(crate) fn leave(&mut self, database: &mut dyn File) {
        let last = self.mark.take().map(read_lock);
        // The locks in between are not ours, so one call gives back both.
        match (self.writing, last) {
            (true, Some(last)) => self.unlock(database, WRITE_LOCK, last - WRITE_LOCK + 1),
            (true, None) => self.unlock(database, WRITE_LOCK, 1),
            (false, Some(last)) => self.unlock(database, last, 1),
            (false, None) => {}
        }
        self.writing = false;
        self.last_frame = 0;
    }

    /// Gives back the writer's lock and keeps the snapshot, which has the commit of this writer in it.
    pub(crate) fn end_write(&mut self, database: &mut dyn File) {
        debug_assert!(self.mark.is_some());
        if self.writing {
            self.unlock(database, WRITE_LOCK, 1);
            self.writing = false;
        }
        // Whoever reads the database alone goes on doing so: nothing was written then.
        if self.mark != Some(0) {
            self.last_frame = self.frames_from(self.first_frame);
        }
    }

    /// The last frame of a snapshot that looks for pages in frame `first` and those behind it; 0 if there are none.
    fn frames_from(&self, first: FrameNo) -> FrameNo {
        if first > self.header.frame_count {
            0
        } else {
            self.header.frame_count
        }
    }

    /// One attempt at a snapshot. With `in_log` it keeps the header and looks for a mark in the log only: the caller writes and has just
    /// restarted it.
    fn try_begin_read(
        &mut self,
        around: &mut Around<'_>,
        changed: &mut bool,
        in_log: bool,
    ) -> Result<Attempt> {
        if !in_log {
            match self.read_header(around, changed) {
                Ok(()) => {}
                Err(Error::Busy) => return self.who_recovers(around),
                Err(error) => return Err(error),
            }
            if self.index.backfilled()? == self.header.frame_count
                && unless_busy(self.lock(around.database, read_lock(0), 1, ShmLock::Shared))?
            {
                around.database.shm_barrier();
                if !self.header_stands() {
                    self.unlock(around.database, read_lock(0), 1);
                    return Ok(Attempt::Again);
                }
                self.mark = Some(0);
                self.first_frame = 0;
                self.last_frame = 0;
                return Ok(Attempt::Done);
            }
        }
        self.lock_mark(around)
    }

    /// Locks the best mark for the header's frame count, raising one where none fits.
    fn lock_mark(&mut self, around: &mut Around<'_>) -> Result<Attempt> {
        let frame_count = self.header.frame_count;
        let mut best = None;
        for mark in 1..READ_MARKS {
            let frame = self.index.read_mark(mark)?;
            if frame <= frame_count && best.is_none_or(|(_, highest)| highest <= frame) {
                best = Some((mark, frame));
            }
        }
        // A mark that is raised is held alone for that moment and shared from then on, without letting go in between.
        let mut held = false;
        if best.is_none_or(|(_, frame)| frame < frame_count) {
            for mark in 1..READ_MARKS {
                if unless_busy(self.lock(around.database, read_lock(mark), 1, ShmLock::Exclusive))? {
                    self.index.set_read_mark(mark, frame_count)?;
                    best = Some((mark, frame_count));
                    held = true;
                    break;
                }
            }
        }
        let Some((mark, frame)) = best else {
            return Ok(Attempt::Again);
        };
        match unless_busy(self.lock(around.database, read_lock(mark), 1, ShmLock::Shared)) {
            Ok(true) => {}
            refused => {
                if held {
                    self.unlock(around.database, read_lock(mark), 1);
                }
                return refused.map(|_| Attempt::Again);
            }
        }
        // Frames up to this one are in the database, and whatever a checkpoint copies after this moment is in the log as well for
        // us.
        self.first_frame = self.index.backfilled()?.saturating_add(1);
        around.database.shm_barrier();
        if self.index.read_mark(mark)? != frame || !self.header_stands() {
            self.unlock(around.database, read_lock(mark), 1);
            return Ok(Attempt::Again);
        }
        self.mark = Some(mark);
        self.last_frame = self.frames_from(self.first_frame);
        Ok(Attempt::Done)
    }

    /// The header could not be read and the write lock is taken: is somebody recovering, or just writing?
    fn who_recovers(&mut self, around: &mut Around<'_>) -> Result<Attempt> {
        if unless_busy(self.lock(around.database, RECOVER_LOCK, 1, ShmLock::Shared))? {
            self.unlock(around.database, RECOVER_LOCK, 1);
            Ok(Attempt::Again)
        } else {
            Err(Error::BusyRecovery)
        }
    }

    /// Brings `self.header` up to date, recovering the wal-index if nobody has.
    ///
    /// # Errors
    /// [`Error::Busy`] if it needs recovery and another connection holds the write lock.
    pub(super) fn read_header(&mut self, around: &mut Around<'_>, changed: &mut bool) -> Result<()> {
        if !self.index.reach(around.database, 0, !self.read_only)? && self.read_only {
            return Err(Error::ReadOnly(ReadOnlyReason::Recovery));
        }
        if self.take_header(around, changed)? {
            return self.reach_frames(around);
        }
        let own = !self.writing;
        if own {
            self.lock(around.database, WRITE_LOCK, 1, ShmLock::Exclusive)?;
        }
        let result = self.take_header(around, changed).and_then(|good| {
            if !good {
                *changed = true;
                self.recover(around)?;
            }
            Ok(())
        });
        if own {
            self.unlock(around.database, WRITE_LOCK, 1);
        }
        result?;
        self.reach_frames(around)
    }

    fn take_header(&mut self, around: &mut Around<'_>, changed: &mut bool) -> Result<bool> {
        let Some(words) = self.index.read_words(around.database) else {
            return Ok(false);
        };
        if self.words != Some(words) {
            let Some(header) = decode(&words)? else {
                return Ok(false);
            };
            *changed = true;
            self.header = header;
            self.words = Some(words);
        }
        Ok(true)
    }

    /// True if the shared header is still that of the snapshot.
    pub(super) fn header_stands(&self) -> bool {
        self.words.is_some_and(|words| self.index.header_is(&words))
    }

    /// Maps what the header's frames need, so that look-ups need nothing.
    fn reach_frames(&mut self, around: &mut Around<'_>) -> Result<()> {
        if self.header.frame_count == 0 {
            return Ok(());
        }
        let region = crate::format::wal_index::region_of(self.header.frame_count);
        if self.index.reach(around.database, region, false)? {
            Ok(())
        } else {
            Err(Error::Protocol)
        }
    }
}

/// Waits longer with each attempt, ten seconds in all.
fn pause(around: &Around<'_>, attempt: u32) {
    if attempt > ATTEMPTS_WITHOUT_PAUSE {
        let step = u64::from(attempt.saturating_sub(9));
        around.vfs.sleep(Duration::from_micros((step * step * 39).max(1)));
    }
}
