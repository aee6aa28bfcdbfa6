//! The operating system's files (Unix).
//!
//! | module | what |
//! |---|---|
//! | `file` | reading, writing, syncing, mapping; the database lock levels over byte ranges |
//! | `look` | files that are only looked at, with shared locks |
//! | `range_lock` | byte-range locks: open-file-description locks, or classic ones with a table per process |
//! | `shared_index` | the wal-index file: its mapping, its locks, and the lock that tells the first user |

mod file;
mod look;
mod range_lock;
mod shared_index;

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use look::{
    PENDING_BYTE, RESERVED_BYTE, ReadOnlyFile, SHARED_FIRST, SHARED_SIZE, SHM_READ_BYTE, SHM_USE_BYTE,
    SHM_WRITE_BYTE,
};
pub use range_lock::LockStyle;

use super::{File, OpenOptions, Vfs};
use crate::error::{Error, IoOperation, Result};
use file::OsFile;

/// The operating system's file system.
#[derive(Debug)]
pub struct OsVfs {
    lock_style: LockStyle,
    random: AtomicU64,
}

impl Default for OsVfs {
    fn default() -> OsVfs {
        OsVfs::new()
    }
}

impl OsVfs {
    /// With the best locks that this system has.
    pub fn new() -> OsVfs {
        OsVfs::with_locks(LockStyle::BEST)
    }

    /// With locks of this style. All connections of a process to one file must use one style.
    pub fn with_locks(lock_style: LockStyle) -> OsVfs {
        // Each `RandomState` is seeded by the system.
        let seed = RandomState::new().build_hasher().finish();
        OsVfs {
            lock_style,
            random: AtomicU64::new(seed),
        }
    }
}

/// Permissions of files that have no model to follow; the umask takes its part.
const DEFAULT_MODE: u32 = 0o644;

impl Vfs for OsVfs {
    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Box<dyn File>> {
        let cannot = |source: io::Error| Error::CantOpen {
            path: path.into(),
            source: Some(Arc::new(source)),
        };
        let mode = match options.permissions_of {
            Some(model) if options.create => {
                fs::metadata(model).map_or(DEFAULT_MODE, |model| model.mode() & 0o777)
            }
            _ => DEFAULT_MODE,
        };
        let open = |read_only: bool| {
            fs::OpenOptions::new()
                .read(true)
                .write(!read_only)
                .create(options.create && !read_only)
                .truncate(false)
                .mode(mode)
                .custom_flags(libc::O_CLOEXEC)
                .open(path)
        };
        let (file, read_only) = match open(options.read_only) {
            Ok(file) => (file, options.read_only),
            Err(error) if options.read_only_fallback && is_write_refusal(&error) => {
                (open(true).map_err(|_| cannot(error))?, true)
            }
            Err(error) => return Err(cannot(error)),
        };
        let kind = file
            .metadata()
            .map_err(|error| Error::io(IoOperation::Stat, path, error))?;
        if kind.is_dir() {
            return Err(cannot(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Box::new(OsFile::new(
            file,
            path,
            read_only,
            &kind,
            self.lock_style,
        )))
    }

    /// In the folder that the environment variable `SQLITE_TMPDIR` names, else in the system's.
    fn open_temporary(&self) -> Result<Box<dyn File>> {
        let folder = std::env::var_os("SQLITE_TMPDIR")
            .map(PathBuf::from)
            .filter(|folder| folder.is_dir())
            .unwrap_or_else(std::env::temp_dir);
        let opened = tempfile::tempfile_in(&folder).and_then(|file| Ok((file.metadata()?, file)));
        let (kind, file) = opened.map_err(|source| Error::CantOpen {
            path: folder.as_path().into(),
            source: Some(Arc::new(source)),
        })?;
        Ok(Box::new(OsFile::new(
            file,
            &folder,
            false,
            &kind,
            self.lock_style,
        )))
    }

    fn unlink(&self, path: &Path) -> Result<bool> {
        match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io(IoOperation::Delete, path, error)),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        fs::rename(from, to).map_err(|error| Error::io(IoOperation::Rename, from, error))
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        match fs::metadata(path) {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(Error::io(IoOperation::Access, path, error)),
        }
    }

    fn sync_dir(&self, folder: &Path) -> Result<()> {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let result = fs::File::open(folder).and_then(|folder| folder.sync_all());
        match result {
            // Some file systems cannot sync a folder; SQLite leaves it at that as well.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            result => result.map_err(|error| Error::io(IoOperation::SyncDir, folder, error)),
        }
    }

    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        let cannot = |source: io::Error| Error::CantOpen {
            path: path.into(),
            source: Some(Arc::new(source)),
        };
        match fs::canonicalize(path) {
            Ok(path) => Ok(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let name = path.file_name().ok_or_else(|| cannot(error))?;
                let folder = match path.parent() {
                    Some(folder) if !folder.as_os_str().is_empty() => folder,
                    _ => Path::new("."),
                };
                Ok(fs::canonicalize(folder).map_err(cannot)?.join(name))
            }
            Err(error) => Err(cannot(error)),
        }
    }

    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn random(&self, bytes: &mut [u8]) {
        super::memory::fill_random(&self.random, bytes);
    }
}

fn is_write_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::lock_tests;

    #[test]
    fn locks_follow_the_rules_in_both_styles() {
        for style in [LockStyle::BEST, LockStyle::Classic] {
            let folder = tempfile::tempdir().unwrap();
            lock_tests::check_all(&OsVfs::with_locks(style), &folder.path().join("x.db"));
        }
    }

    #[test]
    fn paths_have_one_name() {
        let vfs = OsVfs::new();
        let folder = tempfile::tempdir().unwrap();
        let real = vfs.full_path(&folder.path().join("new.db")).unwrap();
        assert!(real.is_absolute() && real.ends_with("new.db"));
        fs::write(&real, b"x").unwrap();
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(vfs.full_path(&link).unwrap(), real);
        assert!(vfs.full_path(Path::new("/no/such/folder/x.db")).is_err());
    }

    #[test]
    fn opening_what_is_not_a_file() {
        let vfs = OsVfs::new();
        let folder = tempfile::tempdir().unwrap();
        let error = vfs
            .open(
                folder.path(),
                &OpenOptions {
                    read_only: true,
                    ..Default::default()
                },
            )
            .unwrap_err();
        assert_eq!(error.code(), 526);
        let error = vfs
            .open(&folder.path().join("none"), &OpenOptions::default())
            .unwrap_err();
        assert_eq!(error.code(), 14);
        assert!(!vfs.exists(&folder.path().join("none")).unwrap());
        vfs.sync_dir(folder.path()).unwrap();
    }
}
