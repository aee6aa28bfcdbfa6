//! A file that is looked at and never written: opened for reading only, with the shared locks that keep others from changing what is looked at.
//!
//! ```text
//!   database   0x40000000 PENDING | 0x40000001 RESERVED | 0x40000002 .. +510 SHARED
//!   wal-index  120 WRITE | 121 CHECKPOINT | 122 RECOVER | 123 .. 127 READ 0 .. 4 | 128 in use
//! ```
//!
//! The pager's files write: they create, cut and map the wal-index. Tools that inspect must not, and take the same locks, at the same bytes,
//! through this type.
//!
//! - L1 The file is opened without write permission, so nothing here can change a byte of it.
//! - L2 Only shared locks are taken. They go with the value.

use std::fs;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::range_lock::{LockStyle, Mode, RangeLocks};
use crate::format::LOCK_BYTES_OFFSET;

/// The byte of a database that a writer locks while it waits for readers to leave.
pub const PENDING_BYTE: u64 = LOCK_BYTES_OFFSET;
/// The byte of a database that a connection locks which will write.
pub const RESERVED_BYTE: u64 = PENDING_BYTE + 1;
/// The first byte of a database that readers lock.
pub const SHARED_FIRST: u64 = PENDING_BYTE + 2;
/// How many bytes of a database readers lock.
pub const SHARED_SIZE: u64 = 510;
/// The byte of a wal-index that a writer locks.
pub const SHM_WRITE_BYTE: u64 = 120;
/// The byte of a wal-index for read mark 0; the other four follow.
pub const SHM_READ_BYTE: u64 = 123;
/// The byte of a wal-index that everybody who uses it has locked.
pub const SHM_USE_BYTE: u64 = 128;

/// A file opened for looking.
///
/// ```
/// use aludel_storage::vfs::ReadOnlyFile;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("a");
/// std::fs::write(&path, "look, do not touch")?;
/// let file = ReadOnlyFile::open(&path)?;
/// let mut word = [0; 4];
/// assert_eq!(file.read_at(&mut word, 0)?, 4);
/// assert_eq!(&word, b"look");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ReadOnlyFile {
    locks: RangeLocks,
}

impl ReadOnlyFile {
    /// Opens an existing file.
    ///
    /// # Errors
    /// Those of the system; a folder is [`io::ErrorKind::IsADirectory`].
    pub fn open(path: &Path) -> io::Result<ReadOnlyFile> {
        // Without O_NONBLOCK, opening a named pipe would wait for somebody to write to it.
        let file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_CLOEXEC | libc::O_NONBLOCK)
            .open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let locks = RangeLocks::new(file, (metadata.dev(), metadata.ino()), LockStyle::BEST);
        Ok(ReadOnlyFile { locks })
    }

    /// Reads at `offset`; fewer bytes than asked only at the end of the file.
    ///
    /// # Errors
    /// Those of the system.
    pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < bytes.len() {
            match self
                .locks
                .file()
                .read_at(&mut bytes[done..], offset + done as u64)
            {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// What the system knows of the file: length, time of the last change, identity.
    ///
    /// # Errors
    /// Those of the system.
    pub fn metadata(&self) -> io::Result<fs::Metadata> {
        self.locks.file().metadata()
    }

    /// Takes a shared lock, without waiting; `false` if somebody has an exclusive one there.
    ///
    /// # Errors
    /// Those of the system: a file system without locks, for one.
    pub fn share(&mut self, start: u64, len: u64) -> io::Result<bool> {
        self.locks.set(Mode::Shared, start, len)
    }

    /// Gives back all locks in the range.
    ///
    /// # Errors
    /// Those of the system.
    pub fn release(&mut self, start: u64, len: u64) -> io::Result<()> {
        self.locks.clear(start, len)
    }

    /// Whether somebody else holds any lock in the range.
    ///
    /// # Errors
    /// Those of the system.
    pub fn is_locked(&self, start: u64, len: u64) -> io::Result<bool> {
        self.locks.is_taken(Mode::Exclusive, start, len)
    }

    /// Whether somebody else holds an exclusive lock in the range.
    ///
    /// # Errors
    /// Those of the system.
    pub fn is_locked_exclusively(&self, start: u64, len: u64) -> io::Result<bool> {
        self.locks.is_taken(Mode::Shared, start, len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_share_and_a_writer_is_seen() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let sqlite = rusqlite::Connection::open(file.path()).unwrap();
        sqlite.execute_batch("CREATE TABLE t(x)").unwrap();
        let mut ours = ReadOnlyFile::open(file.path()).unwrap();
        assert!(!ours.is_locked(PENDING_BYTE, 2).unwrap());
        sqlite.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(ours.is_locked_exclusively(RESERVED_BYTE, 1).unwrap());
        assert!(ours.share(SHARED_FIRST, SHARED_SIZE).unwrap());
        // Our shared lock keeps the commit from touching the file.
        sqlite.execute_batch("INSERT INTO t VALUES(1)").unwrap();
        assert!(sqlite.execute_batch("COMMIT").is_err());
        ours.release(SHARED_FIRST, SHARED_SIZE).unwrap();
        sqlite.execute_batch("COMMIT").unwrap();
        sqlite.execute_batch("BEGIN EXCLUSIVE").unwrap();
        assert!(!ours.share(SHARED_FIRST, SHARED_SIZE).unwrap());
    }

    #[test]
    fn a_folder_and_a_missing_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let kind = |path: &Path| ReadOnlyFile::open(path).map(|_| ()).unwrap_err().kind();
        assert_eq!(kind(folder.path()), io::ErrorKind::IsADirectory);
        assert_eq!(kind(&folder.path().join("none")), io::ErrorKind::NotFound);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
