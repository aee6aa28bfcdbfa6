//! The bytes of a database as of its recovered state, in memory over a file that is only read.
//!
//! ```text
//!   page n ──▶ newest committed frame of the log ──▶ original in the hot journal ──▶ the file
//! ```
//!
//! What a connection would see after recovery is seen here without recovery: where SQLite rolls a hot journal back into the file, or makes a wal-index,
//! this only notes which page lies where.
//!
//! - I1 Files are opened for reading only ([`ReadOnlyFile`]); nothing is created, renamed or deleted.
//! - I2 What lies under the image does not change while it lives: `lock` holds SQLite's shared lock, and a read mark where there is a
//!   wal-index. Where that cannot be had, [`Image::verify`] tells afterwards.
//! - I3 Any bytes give an image. Offsets and lengths from files are compared with the length of the file before they are used.
//! - I4 Memory: a few bytes for each page that lies beside the file, one page for each reader.

mod ahead;
mod engine;
mod journal;
mod lock;
mod log;
mod witness;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aludel_storage::format::header::{HEADER_SIZE, Header, MAGIC};
use aludel_storage::vfs::{ReadOnlyFile, sibling};

pub use engine::{ImageAndDisk, ImageVfs, connect};
pub use journal::{JournalRecord, JournalScan, JournalSegment, SuperJournal};
pub use lock::Hold;
pub use log::{LogFrame, LogReader, LogScan};
use witness::Witness;

/// How an image is opened.
#[derive(Clone, Debug)]
pub struct ImageOptions {
    /// Take no lock. [`Image::verify`] then tells whether somebody wrote meanwhile.
    pub no_lock: bool,
    /// How long to wait for a writer that is about to commit.
    pub wait: Duration,
}

impl Default for ImageOptions {
    fn default() -> ImageOptions {
        ImageOptions {
            no_lock: false,
            wait: Duration::from_secs(5),
        }
    }
}

/// Why there is no image, or none to rely on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file, or one beside it, cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    CannotOpen {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is none of SQLite's.
    #[error("cannot open {}: it is not an SQLite database", path.display())]
    NotADatabase {
        /// Which.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody writes and does not end.
    #[error("{} is locked by a writer: wait longer with --wait, or look without locks with --no-lock", path.display())]
    Busy {
        /// Which.
        path: PathBuf,
    },
    /// What was read was not locked, and somebody changed it meanwhile.
    #[error("{} changed while it was read: {what}; the answer may mix two states", path.display())]
    Changed {
        /// Which.
        path: PathBuf,
        /// How that shows.
        what: &'static str,
    },
}

/// Which state an image shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageState {
    /// The file as it is.
    File,
    /// The file with the originals of an unfinished transaction laid over it.
    RolledBack {
        /// Pages that came from the journal.
        pages: usize,
    },
    /// The file with the committed frames of the log laid over it.
    WithLog {
        /// The last frame that counts.
        frames: u32,
        /// Pages that came from the log.
        pages: usize,
    },
    /// Both, the log above: a WAL database whose last change of mode was cut off.
    RolledBackWithLog {
        /// Pages that came from the journal.
        journal_pages: usize,
        /// The last frame of the log that counts.
        frames: u32,
    },
}

impl ImageState {
    /// The name in machine formats.
    pub fn code(&self) -> &'static str {
        match self {
            ImageState::File => "file",
            ImageState::RolledBack { .. } => "rolled_back",
            ImageState::WithLog { .. } => "with_log",
            ImageState::RolledBackWithLog { .. } => "rolled_back_with_log",
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            ImageState::File => "the file as it is".to_owned(),
            ImageState::RolledBack { pages } => {
                format!("rolled back in memory from a hot journal: {pages} pages")
            }
            ImageState::WithLog { frames, pages } => {
                format!("with the log up to frame {frames}: {pages} pages from there")
            }
            ImageState::RolledBackWithLog {
                journal_pages,
                frames,
            } => format!(
                "rolled back in memory from a hot journal ({journal_pages} pages), with the log up to frame {frames}"
            ),
        }
    }
}

/// Where a page of an image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSource {
    /// The file.
    File,
    /// The hot journal, at this offset.
    Journal(u64),
    /// The log, at this offset.
    Log(u64),
    /// Nowhere: the file ends before it, and it reads as zeros.
    Nowhere,
}

/// A database as of its recovered state. Reading needs `&self` only, from any number of threads.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    database: ReadOnlyFile,
    file_len: u64,
    journal: Option<JournalScan>,
    log: Option<LogScan>,
    hold: Hold,
    witness: Witness,
    page_size: u32,
    page_count: u32,
    header: Option<Header>,
}

impl Image {
    /// Opens a database and whatever lies beside it.
    ///
    /// Reads the log, or the hot journal, once. Bytes that are no database give an image as well: see [`Image::require_database`].
    ///
    /// # Errors
    /// [`ImageError::CannotOpen`], [`ImageError::Read`], [`ImageError::Busy`].
    pub fn open(path: &Path, options: &ImageOptions) -> Result<Image, ImageError> {
        let cannot = |source| ImageError::CannotOpen {
            path: path.to_owned(),
            source,
        };
        // Journals are named after the file itself, not after a link to it.
        let resolved = path.canonicalize().map_err(cannot)?;
        let mut database = ReadOnlyFile::open(&resolved).map_err(cannot)?;
        let (hold, limit) = lock::hold(&mut database, &resolved, options)?;
        let read = |source| ImageError::Read {
            path: resolved.clone(),
            source,
        };
        let file_len = content_len(&database).map_err(read)?;
        let witness = Witness::take(&database, &resolved).map_err(read)?;
        let mut first = [0; HEADER_SIZE];
        database.read_at(&mut first, 0).map_err(read)?;
        let (mut journal, mut log) = (None, None);
        // Beside an empty file nothing counts: somebody deleted the database and forgot them.
        if file_len > 0 {
            if !database
                .is_locked(aludel_storage::vfs::RESERVED_BYTE, 1)
                .map_err(read)?
            {
                journal =
                    JournalScan::open(&sibling(&resolved, "-journal"), page_size_at(&first)).map_err(read)?;
            }
            journal = journal.filter(JournalScan::is_hot);
            log = LogScan::open(&sibling(&resolved, "-wal"), limit).map_err(read)?;
            log = log.filter(|log| log.committed > 0);
        }
        let mut image = Image {
            path: resolved.clone(),
            database,
            file_len,
            journal,
            log,
            hold,
            witness,
            page_size: 0,
            page_count: 0,
            header: None,
        };
        image.settle().map_err(read)?;
        Ok(image)
    }

    /// Finds page size, header and page count, in the order in which each is to be believed.
    fn settle(&mut self) -> io::Result<()> {
        let beside = self
            .log
            .as_ref()
            .map(|log| log.page_size())
            .or(self.journal.as_ref().map(|journal| journal.page_size));
        let mut first = [0; HEADER_SIZE];
        // Where page 1 lies does not depend on the page size.
        match self.place_of(1) {
            Some((file, at)) => file.read_at(&mut first, at)?,
            None => self.database.read_at(&mut first, 0)?,
        };
        self.page_size = beside.or(page_size_at(&first)).unwrap_or(DEFAULT_PAGE_SIZE);
        self.header = Header::decode(&first)
            .ok()
            .filter(|header| header.page_size == self.page_size);
        let in_file = u32::try_from(self.file_len.div_ceil(u64::from(self.page_size))).unwrap_or(u32::MAX);
        self.page_count = match (&self.log, &self.journal) {
            (Some(log), _) => log.page_count.min(in_file.saturating_add(log.committed)),
            (None, Some(journal)) => {
                // Pages that neither the file nor the journal has cannot be part of the old state.
                let most = in_file.saturating_add(u32::try_from(journal.places.len()).unwrap_or(u32::MAX));
                journal.page_count_before.min(most)
            }
            (None, None) => in_file,
        };
        Ok(())
    }

    /// The file's path, links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the database file itself.
    pub fn file_len(&self) -> u64 {
        self.file_len
    }

    /// Bytes of a page; 4096 where nothing says it.
    pub fn page_size(&self) -> usize {
        self.page_size as usize
    }

    /// Pages of the database, counted by its length: the last one may be cut off.
    pub fn page_count(&self) -> u32 {
        self.page_count
    }

    /// The header of page 1, if it is that of a database.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Bytes of each page that trees use.
    pub fn usable_size(&self) -> usize {
        let reserved = self
            .header
            .as_ref()
            .map_or(0, |header| usize::from(header.reserved));
        self.page_size() - reserved
    }

    /// Which state this is.
    pub fn state(&self) -> ImageState {
        match (&self.journal, &self.log) {
            (None, None) => ImageState::File,
            (Some(journal), None) => ImageState::RolledBack {
                pages: journal.places.len(),
            },
            (None, Some(log)) => ImageState::WithLog {
                frames: log.committed,
                pages: log.places.len(),
            },
            (Some(journal), Some(log)) => ImageState::RolledBackWithLog {
                journal_pages: journal.places.len(),
                frames: log.committed,
            },
        }
    }

    /// What keeps others from changing it.
    pub fn hold(&self) -> &Hold {
        &self.hold
    }

    /// The log, if it counts.
    pub fn log(&self) -> Option<&LogScan> {
        self.log.as_ref()
    }

    /// The journal, if it is hot.
    pub fn journal(&self) -> Option<&JournalScan> {
        self.journal.as_ref()
    }

    /// Whether this is the file's own bytes, all of them.
    pub fn is_plain(&self) -> bool {
        self.log.is_none() && self.journal.is_none()
    }

    /// This image, if its first bytes are those of a database, or of one that is damaged there; an empty file is a database without
    /// tables.
    ///
    /// # Errors
    /// [`ImageError::NotADatabase`].
    pub fn require_database(&self) -> Result<&Image, ImageError> {
        let mut first = [0; HEADER_SIZE];
        let read = self.read_at(&mut first, 0).unwrap_or(0);
        if self.file_len == 0 || self.header.is_some() || (read == HEADER_SIZE && resembles_header(&first)) {
            return Ok(self);
        }
        Err(ImageError::NotADatabase {
            path: self.path.clone(),
        })
    }

    /// Where page `number` comes from.
    pub fn source(&self, number: u32) -> PageSource {
        if let Some(at) = self.log.as_ref().and_then(|log| log.places.get(&number)) {
            return PageSource::Log(*at);
        }
        if let Some(at) = self
            .journal
            .as_ref()
            .and_then(|journal| journal.places.get(&number))
        {
            return PageSource::Journal(*at);
        }
        if self.offset_of(number) < self.file_len {
            PageSource::File
        } else {
            PageSource::Nowhere
        }
    }

    /// Reads page `number` (from 1 on) into `page`, which gets the length of a page. What no file holds reads as zeros; `false` for a
    /// page that is not in the database.
    ///
    /// # Errors
    /// Those of reading.
    pub fn page(&self, number: u32, page: &mut Vec<u8>) -> io::Result<bool> {
        page.clear();
        page.resize(self.page_size(), 0);
        if number == 0 || number > self.page_count {
            return Ok(false);
        }
        match self.place_of(number) {
            Some((file, at)) => file.read_at(page, at)?,
            None => self.read_file(page, self.offset_of(number))?,
        };
        Ok(true)
    }

    /// Reads at `offset` of the image, as if it were a file; fewer bytes than asked only at its end.
    ///
    /// # Errors
    /// Those of reading.
    pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let size = self.page_size() as u64;
        let end = u64::from(self.page_count) * size;
        let wanted = (end.saturating_sub(offset)).min(bytes.len() as u64) as usize;
        let bytes = &mut bytes[..wanted];
        if self.is_plain() {
            // The last page may be cut off: then it ends where the file does.
            return self.database.read_at(bytes, offset);
        }
        bytes.fill(0);
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let (number, inside) = ((at / size) as u32 + 1, at % size);
            let part = ((size - inside) as usize).min(bytes.len() - done);
            let piece = &mut bytes[done..done + part];
            match self.place_of(number) {
                Some((file, start)) => file.read_at(piece, start + inside)?,
                None => self.read_file(piece, at)?,
            };
            done += part;
        }
        Ok(done)
    }

    /// Says whether what was read is one state. With a lock it is; without, the files are compared with what they were.
    ///
    /// # Errors
    /// [`ImageError::Changed`].
    pub fn verify(&self) -> Result<(), ImageError> {
        if self.hold.is_firm() {
            return Ok(());
        }
        let now = Witness::take(&self.database, &self.path).map_err(|source| ImageError::Read {
            path: self.path.clone(),
            source,
        })?;
        match self.witness.difference(&now) {
            None => Ok(()),
            Some(what) => Err(ImageError::Changed {
                path: self.path.clone(),
                what,
            }),
        }
    }

    fn offset_of(&self, number: u32) -> u64 {
        u64::from(number.saturating_sub(1)) * u64::from(self.page_size)
    }

    /// The file's own bytes as they were when the image was made.
    fn read_file(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let held = self.file_len.saturating_sub(offset).min(bytes.len() as u64) as usize;
        self.database.read_at(&mut bytes[..held], offset)
    }

    /// The file beside the database that page `number` is read from, and where.
    fn place_of(&self, number: u32) -> Option<(&ReadOnlyFile, u64)> {
        if let Some(log) = &self.log
            && let Some(at) = log.places.get(&number)
        {
            return Some((log.file(), *at));
        }
        let journal = self.journal.as_ref()?;
        journal.places.get(&number).map(|at| (journal.file(), *at))
    }
}

/// Page size of what does not say one.
const DEFAULT_PAGE_SIZE: u32 = 4096;

/// Where in a file the newest version of each page lies.
pub type Places = HashMap<u32, u64>;

/// Length of a file; SQLite has marked files without content with one byte on some systems, so that is none.
fn content_len(file: &ReadOnlyFile) -> io::Result<u64> {
    let len = file.metadata()?.len();
    Ok(if len == 1 { 0 } else { len })
}

/// The page size that these first bytes of a database name, if they do.
fn page_size_at(first: &[u8; HEADER_SIZE]) -> Option<u32> {
    let stored = u32::from(u16::from_be_bytes([first[16], first[17]]));
    let size = if stored == 1 { 65536 } else { stored };
    (resembles_header(first) && aludel_storage::format::header::is_page_size(size)).then_some(size)
}

/// Whether most of the bytes that are the same in every header are so here: a header with a damaged byte, not a letter.
fn resembles_header(first: &[u8; HEADER_SIZE]) -> bool {
    const ALIKE_MIN: usize = 10;
    let fixed = first[..16]
        .iter()
        .zip(MAGIC)
        .chain(first[21..24].iter().zip(&[64, 32, 32]));
    fixed.filter(|(found, expected)| found == expected).count() >= ALIKE_MIN
}
