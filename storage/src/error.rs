//! Everything that can go wrong below the SQL layer, in one enum of three families.
//!
//! | family | meaning | variants |
//! |---|---|---|
//! | the file | its bytes are not what the format allows | [`Error::Corrupt`], [`Error::NotADatabase`] |
//! | the world | the system, the disk or another connection said no | [`Error::Io`], [`Error::Full`], [`Error::Busy`], ... |
//! | the caller | the call is not allowed now, or asks too much | [`Error::Misuse`], [`Error::TooBig`], [`Error::ReadOnly`] |
//!
//! [`Error::code`] gives SQLite's extended result code and [`Error::message`] SQLite's words; `Display` adds
//! what is known about the place.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::format::PageNo;

/// Result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call into the page store did not succeed.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum Error {
    /// The bytes of the file break the format. Made only by [`corrupt`]. Code 11.
    Corrupt {
        /// The page the finding is on, when it is known.
        page: Option<PageNo>,
        /// Byte offset inside that page (or inside the file when `page` is `None`).
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// The file is not an SQLite database, or one of a format we do not know. Code 26.
    NotADatabase,

    /// The system refused a file operation. Codes 10 | n << 8, see [`IoOperation`].
    Io {
        /// Which operation.
        operation: IoOperation,
        /// On which file.
        path: Arc<Path>,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// No space left on the device, or the database reached its maximum page count. Code 13.
    Full,
    /// Another connection holds the lock that this call needs. Code 5.
    Busy,
    /// Another connection is recovering the write-ahead log. Code 261.
    BusyRecovery,
    /// The read snapshot is no longer the newest, so it cannot become a write transaction. Code 517.
    BusySnapshot,
    /// A conflict inside one connection (a table in use by its own statement). Code 6.
    Locked,
    /// The database cannot be written: see the reason for the extended code. Codes 8, 264, 520, 776, 1032, 1288, 1544.
    ReadOnly(ReadOnlyReason),
    /// The file could not be opened. Code 14 (526 when the path is a directory).
    CantOpen {
        /// The path as given.
        path: Arc<Path>,
        /// The system's reason, when there is one.
        source: Option<Arc<io::Error>>,
    },
    /// The operation was interrupted on request. Code 9.
    Interrupt,
    /// The locking protocol of the wal-index could not be followed. Code 15.
    Protocol,
    /// Memory could not be allocated. Code 7.
    OutOfMemory,
    /// An earlier failure (a failed sync, a failed rollback) left this connection in doubt; it must be reopened.
    /// The database itself is recovered by the next connection. Code 10.
    Poisoned {
        /// What failed.
        cause: Arc<Error>,
    },

    /// The call is not allowed in this state. Code 21.
    Misuse(&'static str),
    /// A string, blob or database grew past its limit. Code 18.
    TooBig,
}

/// The file operation that an [`Error::Io`] speaks about; each has an SQLite extended code.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IoOperation {
    /// Reading (SQLITE_IOERR_READ, 266).
    Read,
    /// A read that came back shorter than the file's size promises (522).
    ShortRead,
    /// Writing (778).
    Write,
    /// Syncing a file (1034).
    Sync,
    /// Syncing a folder (1290).
    SyncDir,
    /// Changing a file's length (1546).
    Truncate,
    /// Asking for a file's length (1802).
    Stat,
    /// Releasing a lock (2058).
    Unlock,
    /// Taking a read lock (2314).
    ReadLock,
    /// Deleting (2570).
    Delete,
    /// Giving a file another name (10).
    Rename,
    /// Asking whether a file exists (3338).
    Access,
    /// Asking whether a RESERVED lock is held (3594).
    CheckReserved,
    /// Taking a lock (3850).
    Lock,
    /// Opening the wal-index (4618).
    ShmOpen,
    /// Growing the wal-index (4874).
    ShmSize,
    /// Locking the wal-index (5130).
    ShmLock,
    /// Mapping the wal-index (5386).
    ShmMap,
    /// Mapping the database or log (6154).
    Map,
    /// Any other folder operation (10).
    Other,
}

impl IoOperation {
    /// The extended result code.
    pub const fn code(self) -> i32 {
        match self {
            IoOperation::Read => 266,
            IoOperation::ShortRead => 522,
            IoOperation::Write => 778,
            IoOperation::Sync => 1034,
            IoOperation::SyncDir => 1290,
            IoOperation::Truncate => 1546,
            IoOperation::Stat => 1802,
            IoOperation::Unlock => 2058,
            IoOperation::ReadLock => 2314,
            IoOperation::Delete => 2570,
            IoOperation::Rename => 10,
            IoOperation::Access => 3338,
            IoOperation::CheckReserved => 3594,
            IoOperation::Lock => 3850,
            IoOperation::ShmOpen => 4618,
            IoOperation::ShmSize => 4874,
            IoOperation::ShmLock => 5130,
            IoOperation::ShmMap => 5386,
            IoOperation::Map => 6154,
            IoOperation::Other => 10,
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            IoOperation::Read => "read",
            IoOperation::ShortRead => "read (short)",
            IoOperation::Write => "write",
            IoOperation::Sync => "sync",
            IoOperation::SyncDir => "sync the folder of",
            IoOperation::Truncate => "set the length of",
            IoOperation::Stat => "stat",
            IoOperation::Unlock => "unlock",
            IoOperation::ReadLock => "read-lock",
            IoOperation::Delete => "delete",
            IoOperation::Rename => "rename",
            IoOperation::Access => "look for",
            IoOperation::CheckReserved => "check the RESERVED lock of",
            IoOperation::Lock => "lock",
            IoOperation::ShmOpen => "open the wal-index",
            IoOperation::ShmSize => "grow the wal-index",
            IoOperation::ShmLock => "lock the wal-index",
            IoOperation::ShmMap => "map the wal-index",
            IoOperation::Map => "map",
            IoOperation::Other => "operate on",
        }
    }
}

/// Why a database cannot be written.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadOnlyReason {
    /// Opened read-only, or the file's write version is newer than we know (SQLITE_READONLY, 8).
    Plain,
    /// The log needs recovery and the connection may not write (264).
    Recovery,
    /// The wal-index cannot be locked (520).
    CantLock,
    /// A hot journal must be rolled back and the connection may not write (776).
    Rollback,
    /// The file was moved or deleted under the connection (1032).
    Moved,
    /// The wal-index cannot be initialised (1288).
    CantInit,
    /// The folder does not let us create a journal (1544).
    Folder,
}

/// The only maker of [`Error::Corrupt`]: a file's bytes break the format at `offset` of `page`.
#[cold]
#[inline(never)]
pub fn corrupt(page: impl Into<Option<PageNo>>, offset: usize, what: &'static str) -> Error {
    Error::Corrupt {
        page: page.into(),
        offset,
        what,
    }
}

impl Error {
    /// Wraps a system error. "No space" (and an exceeded quota) become [`Error::Full`].
    #[cold]
    pub fn io(operation: IoOperation, path: &Path, source: io::Error) -> Error {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded if is_write(operation) => Error::Full,
            io::ErrorKind::OutOfMemory => Error::OutOfMemory,
            _ => Error::Io {
                operation,
                path: Arc::from(path),
                source: Arc::new(source),
            },
        }
    }

    /// SQLite's extended result code.
    pub fn code(&self) -> i32 {
        match self {
            Error::Corrupt { .. } => 11,
            Error::NotADatabase => 26,
            Error::Io { operation, .. } => operation.code(),
            Error::Full => 13,
            Error::Busy => 5,
            Error::BusyRecovery => 261,
            Error::BusySnapshot => 517,
            Error::Locked => 6,
            Error::ReadOnly(reason) => reason.code(),
            Error::CantOpen { source, .. } => match source {
                Some(source) if source.kind() == io::ErrorKind::IsADirectory => 526,
                _ => 14,
            },
            Error::Interrupt => 9,
            Error::Protocol => 15,
            Error::OutOfMemory => 7,
            Error::Poisoned { .. } => 10,
            Error::Misuse(_) => 21,
            Error::TooBig => 18,
        }
    }

    /// SQLite's primary result code: the low byte of [`Error::code`].
    pub fn primary_code(&self) -> i32 {
        self.code() & 0xff
    }

    /// SQLite's words for this error, without the place.
    pub fn message(&self) -> &'static str {
        match self {
            Error::Corrupt { .. } => "database disk image is malformed",
            Error::NotADatabase => "file is not a database",
            Error::Io { .. } | Error::Poisoned { .. } => "disk I/O error",
            Error::Full => "database or disk is full",
            Error::Busy | Error::BusyRecovery | Error::BusySnapshot => "database is locked",
            Error::Locked => "database table is locked",
            Error::ReadOnly(_) => "attempt to write a readonly database",
            Error::CantOpen { .. } => "unable to open database file",
            Error::Interrupt => "interrupted",
            Error::Protocol => "locking protocol",
            Error::OutOfMemory => "out of memory",
            Error::Misuse(_) => "bad parameter or other API misuse",
            Error::TooBig => "string or blob too big",
        }
    }

    /// True for the errors that say "try again later": some other connection is in the way.
    pub fn is_busy(&self) -> bool {
        matches!(self, Error::Busy | Error::BusyRecovery | Error::BusySnapshot)
    }
}

impl ReadOnlyReason {
    const fn code(self) -> i32 {
        match self {
            ReadOnlyReason::Plain => 8,
            ReadOnlyReason::Recovery => 264,
            ReadOnlyReason::CantLock => 520,
            ReadOnlyReason::Rollback => 776,
            ReadOnlyReason::Moved => 1032,
            ReadOnlyReason::CantInit => 1288,
            ReadOnlyReason::Folder => 1544,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        match self {
            Error::Corrupt {
                page: Some(page),
                offset,
                what,
            } => {
                write!(f, " (page {page}, offset {offset}: {what})")
            }
            Error::Corrupt {
                page: None,
                offset,
                what,
            } => write!(f, " (offset {offset}: {what})"),
            Error::Io {
                operation,
                path,
                source,
            } => {
                write!(
                    f,
                    " (could not {} {}: {source})",
                    operation.verb(),
                    path.display()
                )
            }
            Error::CantOpen {
                path,
                source: Some(source),
            } => write!(f, " ({}: {source})", path.display()),
            Error::CantOpen { path, source: None } => write!(f, " ({})", path.display()),
            Error::Poisoned { cause } => write!(f, " (reopen the connection after: {cause})"),
            Error::Misuse(what) => write!(f, " ({what})"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(&**source),
            Error::CantOpen {
                source: Some(source), ..
            } => Some(&**source),
            Error::Poisoned { cause } => Some(&**cause),
            _ => None,
        }
    }
}

fn is_write(operation: IoOperation) -> bool {
    // Not the syncs: whatever the reason, what was written before a failed sync is in doubt, and that must stay visible.
    matches!(
        operation,
        IoOperation::Write | IoOperation::Truncate | IoOperation::ShmSize
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_are_those_of_sqlite() {
        let path = Path::new("x.db");
        let cases: Vec<(Error, i32, &str)> = vec![
            (
                corrupt(PageNo::ONE, 3, "cell"),
                11,
                "database disk image is malformed (page 1, offset 3: cell)",
            ),
            (
                corrupt(None, 7, "size"),
                11,
                "database disk image is malformed (offset 7: size)",
            ),
            (Error::NotADatabase, 26, "file is not a database"),
            (Error::BusySnapshot, 517, "database is locked"),
            (
                Error::ReadOnly(ReadOnlyReason::Folder),
                1544,
                "attempt to write a readonly database",
            ),
            (
                Error::io(IoOperation::Write, path, io::ErrorKind::StorageFull.into()),
                13,
                "database or disk is full",
            ),
        ];
        for (error, code, text) in cases {
            assert_eq!(error.code(), code);
            assert_eq!(error.to_string(), text);
        }
        let io = Error::io(IoOperation::Sync, path, io::Error::other("gone"));
        assert_eq!((io.code(), io.primary_code()), (1034, 10));
        assert_eq!(io.to_string(), "disk I/O error (could not sync x.db: gone)");
    }
}
