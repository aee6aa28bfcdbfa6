//! How a connection to one database file is opened.

use std::time::Duration;

use crate::format::{AutoVacuum, TextEncoding};

/// What makes a commit atomic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum JournalMode {
    /// Rollback journal, deleted at commit, or renamed and kept for the next one while the connection lives.
    #[default]
    Delete,
    /// Rollback journal, truncated to nothing at commit.
    Truncate,
    /// Rollback journal, its header zeroed at commit.
    Persist,
    /// Rollback journal in memory: a crash in mid-commit damages the file.
    Memory,
    /// No journal at all: a crash or an error in mid-commit damages the file.
    Off,
    /// Write-ahead log.
    Wal,
}

/// How much a commit waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Synchronous {
    /// Never: survives the death of the process, not of the machine.
    Off,
    /// The file stays well-formed whatever happens; the last commits may be lost with the machine.
    Normal,
    /// An acknowledged commit is on the disk.
    #[default]
    Full,
    /// As `Full`.
    Extra,
}

/// See [`PagerOptions::spill_limit`]. Large enough that only bulk changes ever come to it.
const SPILL_LIMIT: usize = 256 << 20;

/// Options of [`Pager::open`](super::Pager::open) and [`Pager::in_memory`](super::Pager::in_memory).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PagerOptions {
    /// Create the file if it does not exist.
    pub create: bool,
    /// Never write to the file.
    pub read_only: bool,
    /// Page size of a database that is created: a power of two, 512 to 65536.
    pub page_size: u32,
    /// Bytes at the end of each page that a created database sets aside.
    pub reserved: u8,
    /// Whether a file that is created gets page checksums, in the last of at least 16 reserved bytes. See
    /// [`page_checksum`](crate::format::page_checksum).
    pub page_checksum: bool,
    /// Text encoding of a database that is created.
    pub encoding: TextEncoding,
    /// Auto-vacuum mode of a database that is created.
    pub auto_vacuum: AutoVacuum,
    /// Journal mode among the rollback modes; `Wal` turns a rollback database into a WAL database at the first write.
    /// A WAL database stays one whatever is said here.
    pub journal_mode: JournalMode,
    /// How much a commit waits for the disk.
    pub synchronous: Synchronous,
    /// Keep the locks between transactions; a WAL database then needs no shared memory.
    pub exclusive: bool,
    /// Bytes of the file to read through a memory map; zero reads through the page cache instead.
    pub mmap_limit: u64,
    /// Pages that the cache keeps when the file is not mapped.
    pub cache_pages: usize,
    /// Bytes of changed pages that a transaction keeps in memory; more go to a temporary file. For a temporary database also those that are
    /// committed. A database in memory keeps all.
    pub spill_limit: usize,
    /// How long to wait for another connection's lock before [`Error::Busy`](crate::Error::Busy).
    pub busy_timeout: Duration,
    /// Checkpoint when a commit leaves at least this many frames in the log; zero never.
    pub wal_autocheckpoint: u32,
}

impl Default for PagerOptions {
    fn default() -> PagerOptions {
        PagerOptions {
            create: true,
            read_only: false,
            page_size: 4096,
            reserved: 0,
            page_checksum: false,
            encoding: TextEncoding::Utf8,
            auto_vacuum: AutoVacuum::None,
            journal_mode: JournalMode::Delete,
            synchronous: Synchronous::Full,
            exclusive: false,
            mmap_limit: u64::MAX,
            cache_pages: 2000,
            spill_limit: SPILL_LIMIT,
            busy_timeout: Duration::ZERO,
            wal_autocheckpoint: 1000,
        }
    }
}
