//! Floor 2b: the write-ahead log, which makes a commit atomic by appending it to a second file.
//!
//! ```text
//!   readers   take a read mark: "I use the log up to frame N" ── look up each page: newest frame <= N, else the database
//!   writer    takes the write lock, appends frames, the last one marked as commit, publishes the new frame count
//!   checkpoint copies the newest frame of each page to the database, as far as no reader needs the old page there
//!   restart   when all is copied and nobody reads the log, the next writer starts again at its beginning, with new salts
//! ```
//!
//! | lock | 0 | 1 | 2 | 3 | 4..7 |
//! |---|---|---|---|---|---|
//! | of | the writer | the checkpointer | recovery | readers of the database alone | readers up to mark 1..4 |
//!
//! | module | what |
//! |---|---|
//! | `index` | the wal-index: shared header, marks, hash tables |
//! | `read` | snapshots |
//! | `write` | appending a commit; restarting the log |
//! | `recovery` | rebuilding the wal-index from the log |
//! | `checkpoint` | copying frames into the database |
//!
//! Invariants:
//! - I1 a snapshot's frames are not overwritten while its read mark is locked.
//! - I2 a page of the database file is not overwritten while a reader may need it: a checkpoint stops at the lowest mark.
//! - I3 a frame is copied to the database only after the log was synced.
//! - I4 a restarted log's header is durable before frames overwrite the old ones.

mod checkpoint;
mod index;
mod read;
mod recovery;
mod write;

pub(crate) use write::{Commit, PageList};

use std::path::Path;

pub use checkpoint::{CheckpointKind, CheckpointReport};

use crate::error::{Error, Result};
use crate::format::PageNo;
use crate::format::wal::FrameNo;
use crate::format::wal_index::{HEADER_WORDS, IndexHeader, READ_MARKS};
use crate::vfs::{File, OpenOptions, ShmLock, Vfs};
use index::{Index, IndexHome};

const WRITE_LOCK: usize = 0;
const CHECKPOINT_LOCK: usize = 1;
const RECOVER_LOCK: usize = 2;

/// The lock of a read mark.
const fn read_lock(mark: usize) -> usize {
    3 + mark
}

/// Syncs that a log does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WalSyncs {
    /// Each commit.
    pub commit: bool,
    /// What keeps the file well-formed: restarts and checkpoints.
    pub order: bool,
}

/// One connection's view of a log.
#[derive(Debug)]
pub(crate) struct Wal {
    file: Box<dyn File>,
    /// The log itself cannot be written. That the connection only reads is no reason: it may recover the index for all.
    read_only: bool,
    index: Index,
    /// The snapshot, or the last one.
    header: IndexHeader,
    /// The same as it stands in the wal-index; `None` if the next snapshot must not pass for the last one.
    words: Option<[u32; HEADER_WORDS]>,
    /// The read mark that is locked.
    mark: Option<usize>,
    /// Frames that the snapshot looks at: none when it reads the database alone.
    first_frame: FrameNo,
    last_frame: FrameNo,
    writing: bool,
    checkpoint_sequence: u32,
    /// This connection has not synced the folder since it opened the log. Whoever created the log may not have done it either
    /// (with NORMAL it had no reason to), so the first sync of each connection does.
    name_is_new: bool,
    /// Gathers a commit.
    buffer: Vec<u8>,
}

/// What a wal needs of its surroundings.
pub(crate) struct Around<'a> {
    pub vfs: &'a dyn Vfs,
    pub database: &'a mut dyn File,
    /// The log's path.
    pub log: &'a Path,
    pub syncs: WalSyncs,
}

impl Wal {
    /// Opens, and creates if need be, the log of a database on which Shared is held. `alone` says that Exclusive is held
    /// and that no memory needs to be shared.
    pub(crate) fn open(vfs: &dyn Vfs, database: &Path, log: &Path, alone: bool) -> Result<Wal> {
        let options = OpenOptions {
            create: true,
            read_only_fallback: true,
            permissions_of: Some(database),
            ..OpenOptions::default()
        };
        let file = vfs.open(log, &options)?;
        Ok(Wal {
            read_only: file.is_read_only(),
            file,
            index: Index::new(if alone {
                IndexHome::Private
            } else {
                IndexHome::Shared
            }),
            header: IndexHeader::default(),
            words: None,
            mark: None,
            first_frame: 0,
            last_frame: 0,
            writing: false,
            checkpoint_sequence: 0,
            name_is_new: true,
            buffer: Vec::new(),
        })
    }

    /// The frame that holds `page` in this snapshot; `None` if the database file does.
    #[inline]
    pub(crate) fn find(&self, page: PageNo) -> Result<Option<FrameNo>> {
        if self.last_frame == 0 {
            return Ok(None);
        }
        self.index.find(page, self.first_frame, self.last_frame)
    }

    /// The log file, for reading frames.
    #[inline]
    pub(crate) fn file(&self) -> &dyn File {
        &*self.file
    }

    /// Pages of the database in this snapshot; 0 if the log does not say.
    pub(crate) fn page_count(&self) -> u32 {
        if self.header.frame_count == 0 {
            0
        } else {
            self.header.page_count
        }
    }

    /// Page size of the log's frames; 0 if nothing was written to it.
    pub(crate) fn page_size(&self) -> u32 {
        if self.header.frame_count == 0 {
            0
        } else {
            self.header.page_size
        }
    }

    /// Frames in the log as of this snapshot.
    pub(crate) fn frame_count(&self) -> FrameNo {
        self.header.frame_count
    }

    /// The salts of the log: they change when its frames start again at the beginning.
    pub(crate) fn salt(&self) -> [u8; 8] {
        self.header.salt
    }

    /// Keeps the index in this connection's own memory: the medium cannot be written, so the log does not change.
    pub(crate) fn use_private_index(&mut self) {
        self.index = Index::new(IndexHome::Private);
        self.words = None;
    }

    /// The next snapshot must not pass for the last one.
    pub(crate) fn distrust_snapshot(&mut self) {
        self.words = None;
    }

    pub(crate) fn has_private_index(&self) -> bool {
        self.index.home == IndexHome::Private
    }

    /// Leaves the log for good. With `delete`, nobody else has it open and everything is checkpointed: its files go.
    pub(crate) fn close(mut self, around: &mut Around<'_>, delete: bool) -> Result<()> {
        self.leave(around.database);
        self.index.forget_regions();
        drop(self.file);
        if delete {
            around.vfs.unlink(around.log)?;
        }
        if self.index.home == IndexHome::Shared {
            around.database.shm_unmap(delete)
        } else {
            Ok(())
        }
    }

    fn set_header(&mut self, header: IndexHeader) {
        self.header = header;
        self.words = Some(header.encode());
    }

    // ---- locks -----------------------------------------------------------------------------------

    fn lock(&self, database: &mut dyn File, first: usize, count: usize, kind: ShmLock) -> Result<()> {
        match self.index.home {
            IndexHome::Shared => database.shm_lock(first, count, kind),
            IndexHome::Private => Ok(()),
        }
    }

    fn unlock(&self, database: &mut dyn File, first: usize, count: usize) {
        if self.index.home == IndexHome::Shared {
            // A lock that cannot be given back goes when the file is closed; until then others wait.
            let _ = database.shm_unlock(first, count);
        }
    }

    /// Runs `work` under exclusive locks.
    fn with_locks<T>(
        &mut self,
        around: &mut Around<'_>,
        first: usize,
        count: usize,
        work: impl FnOnce(&mut Wal, &mut Around<'_>) -> Result<T>,
    ) -> Result<T> {
        self.lock(around.database, first, count, ShmLock::Exclusive)?;
        let result = work(self, around);
        self.unlock(around.database, first, count);
        result
    }
}

/// All read marks but mark 0.
const MARKED_READERS: (usize, usize) = (read_lock(1), READ_MARKS - 1);

/// A busy lock as a value.
fn unless_busy(result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::Busy) => Ok(false),
        Err(error) => Err(error),
    }
}
