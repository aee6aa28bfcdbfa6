//! What the files looked like, to tell afterwards whether somebody changed them.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use aludel_storage::format::header::HEADER_SIZE;
use aludel_storage::format::wal;
use aludel_storage::vfs::{ReadOnlyFile, sibling};

/// A look at a database and the files beside it. What is appended to a log changes nothing that was read, so its length is not looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Witness {
    database: Traits,
    header: [u8; HEADER_SIZE],
    log: Option<[u8; wal::HEADER_SIZE]>,
    journal: Option<Traits>,
}

/// Length, identity and time of the last change.
#[derive(Debug, PartialEq, Eq)]
struct Traits {
    len: u64,
    inode: u64,
    modified: Option<SystemTime>,
}

impl Traits {
    fn of(metadata: &Metadata) -> Traits {
        Traits {
            len: metadata.len(),
            inode: metadata.ino(),
            modified: metadata.modified().ok(),
        }
    }
}

impl Witness {
    pub(super) fn take(database: &ReadOnlyFile, path: &Path) -> io::Result<Witness> {
        let mut header = [0; HEADER_SIZE];
        database.read_at(&mut header, 0)?;
        let log = ReadOnlyFile::open(&sibling(path, "-wal")).ok().map(|log| {
            let mut front = [0; wal::HEADER_SIZE];
            // What cannot be read shows as zeros, both times.
            let _ = log.read_at(&mut front, 0);
            front
        });
        Ok(Witness {
            database: Traits::of(&database.metadata()?),
            header,
            log,
            journal: sibling(path, "-journal")
                .metadata()
                .ok()
                .map(|journal| Traits::of(&journal)),
        })
    }

    /// What is different now, if anything is.
    pub(super) fn difference(&self, now: &Witness) -> Option<&'static str> {
        if self.database != now.database {
            Some("its length or the time of its last change is another")
        } else if self.header != now.header {
            Some("its header is another")
        } else if self.log != now.log {
            Some("its log was begun anew")
        } else if self.journal != now.journal {
            Some("its journal is another")
        } else {
            None
        }
    }
}
