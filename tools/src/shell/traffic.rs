//! What a statement asked of the disk: the world of files, with a count of what goes through.
//!
//! The shell's connections read pages by calls and not through a memory map, so that a page that comes from the file is one read, and a
//! page that is still in the cache is none.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aludel_storage::Result;
use aludel_storage::vfs::{File, LayerFile, LayerVfs, OpenOptions, SyncKind, Vfs};

/// What was counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) reads: u64,
    pub(crate) bytes_read: u64,
    pub(crate) writes: u64,
    pub(crate) bytes_written: u64,
    pub(crate) syncs: u64,
}

#[derive(Debug, Default)]
struct Counters {
    reads: AtomicU64,
    bytes_read: AtomicU64,
    writes: AtomicU64,
    bytes_written: AtomicU64,
    syncs: AtomicU64,
}

/// Files that are counted.
#[derive(Debug)]
pub(crate) struct Traffic {
    world: Arc<dyn Vfs>,
    counters: Arc<Counters>,
}

impl Traffic {
    /// Counts what goes through to `world`.
    pub(crate) fn over(world: Arc<dyn Vfs>) -> Arc<Traffic> {
        Arc::new(Traffic {
            world,
            counters: Arc::default(),
        })
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            reads: of(&self.counters.reads),
            bytes_read: of(&self.counters.bytes_read),
            writes: of(&self.counters.writes),
            bytes_written: of(&self.counters.bytes_written),
            syncs: of(&self.counters.syncs),
        }
    }

    fn counted(&self, inner: Box<dyn File>) -> Box<dyn File> {
        Box::new(Counted {
            inner,
            counters: Arc::clone(&self.counters),
        })
    }
}

impl Counts {
    /// What was added since `earlier`.
    pub(crate) fn since(self, earlier: Counts) -> Counts {
        Counts {
            reads: self.reads - earlier.reads,
            bytes_read: self.bytes_read - earlier.bytes_read,
            writes: self.writes - earlier.writes,
            bytes_written: self.bytes_written - earlier.bytes_written,
            syncs: self.syncs - earlier.syncs,
        }
    }
}

impl LayerVfs for Traffic {
    fn world(&self) -> &dyn Vfs {
        &*self.world
    }

    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Box<dyn File>> {
        Ok(self.counted(self.world.open(path, options)?))
    }

    fn open_temporary(&self) -> Result<Box<dyn File>> {
        Ok(self.counted(self.world.open_temporary()?))
    }

    fn sync_dir(&self, folder: &Path) -> Result<()> {
        self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        self.world.sync_dir(folder)
    }
}

#[derive(Debug)]
struct Counted {
    inner: Box<dyn File>,
    counters: Arc<Counters>,
}

impl LayerFile for Counted {
    fn file(&self) -> &dyn File {
        &*self.inner
    }

    fn file_mut(&mut self) -> &mut dyn File {
        &mut *self.inner
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        let count = self.inner.read_at(bytes, offset)?;
        self.counters.reads.fetch_add(1, Ordering::Relaxed);
        self.counters
            .bytes_read
            .fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.counters.writes.fetch_add(1, Ordering::Relaxed);
        self.counters
            .bytes_written
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.inner.write_at(bytes, offset)
    }

    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        self.inner.sync(kind)
    }
}
