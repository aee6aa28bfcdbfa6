//! The bytes of a database with what lies beside it.

use std::io;
use std::path::Path;

/// A database file, its log and its journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The database file.
    pub database: Vec<u8>,
    /// The write-ahead log, if there is one.
    pub log: Option<Vec<u8>>,
    /// The rollback journal, if there is one.
    pub journal: Option<Vec<u8>>,
}

impl Image {
    /// A database file alone.
    pub fn of(database: Vec<u8>) -> Image {
        Image {
            database,
            ..Image::default()
        }
    }

    /// Reads a file and what lies beside it.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn read(file: &Path) -> io::Result<Image> {
        Ok(Image {
            database: std::fs::read(file)?,
            log: std::fs::read(beside(file, "-wal"))
                .ok()
                .filter(|log| !log.is_empty()),
            journal: std::fs::read(beside(file, "-journal"))
                .ok()
                .filter(|journal| !journal.is_empty()),
        })
    }

    /// Writes it as `file`; what lay beside that is gone.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        std::fs::write(file, &self.database)?;
        for (suffix, bytes) in [("-wal", &self.log), ("-journal", &self.journal), ("-shm", &None)] {
            let path = beside(file, suffix);
            match bytes {
                Some(bytes) => std::fs::write(path, bytes)?,
                None => match std::fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                },
            }
        }
        Ok(())
    }

    /// All bytes.
    pub fn len(&self) -> usize {
        let len = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        self.database.len() + len(&self.log) + len(&self.journal)
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The page size that the header says, or a usual one.
    pub(super) fn page_size(&self) -> usize {
        match self.database.get(16..18) {
            Some(&[0, 1]) => 65536,
            Some(&[high, low]) => {
                let size = usize::from(high) << 8 | usize::from(low);
                if size.is_power_of_two() && size >= 512 {
                    size
                } else {
                    1024
                }
            }
            _ => 1024,
        }
    }
}

fn beside(file: &Path, suffix: &str) -> std::path::PathBuf {
    aludel_storage::vfs::sibling(file, suffix)
}
