//! A write-ahead log, read and nothing else.
//!
//! A frame counts while salts and checksums hold from the first on; the state is that of the last commit among those. What lies behind is left over
//! from before the log was begun anew, or half written.

use std::io;
use std::path::Path;

use aludel_storage::format::wal::{
    FRAME_HEADER_SIZE, Frame, HEADER_SIZE, WalHeader, frame_offset, frame_page_offset,
};
use aludel_storage::vfs::ReadOnlyFile;

use super::Places;

/// A log that has been read through.
#[derive(Debug)]
pub struct LogScan {
    file: ReadOnlyFile,
    /// Its header.
    pub header: WalHeader,
    /// Bytes of the file.
    pub len: u64,
    /// Frames that have room in the file.
    pub frames_in_file: u32,
    /// Frames from the first on whose salts and checksums are right.
    pub sound: u32,
    /// The last frame of the last commit; 0 when nothing was committed.
    pub committed: u32,
    /// Commits up to there.
    pub commits: u32,
    /// Pages of the database after it.
    pub page_count: u32,
    /// Where in the log the newest version of each page lies.
    pub places: Places,
}

/// A frame of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogFrame {
    /// Its number, from 1 on.
    pub number: u32,
    /// The page that it holds, as its header says.
    pub page: u32,
    /// Pages of the database after the commit that it ends; else 0.
    pub commit_size: u32,
    /// The salts, which the log's header has as well.
    pub salt: [u8; 8],
    /// The checksum.
    pub checksum: [u32; 2],
    /// Whether it counts: salts and checksums are right up to here.
    pub is_sound: bool,
}

impl LogScan {
    /// Reads a log through. `limit` is the last frame to look at. `None` when there is no file, or no header of a log at its start.
    ///
    /// # Errors
    /// Those of reading.
    pub fn open(path: &Path, limit: Option<u32>) -> io::Result<Option<LogScan>> {
        let Some(mut reader) = LogReader::open(path)? else {
            return Ok(None);
        };
        let (mut places, mut pending) = (Places::new(), Vec::new());
        let (mut sound, mut committed, mut commits, mut page_count) = (0, 0, 0, 0);
        let size = reader.header.page_size as usize;
        while let Some(frame) = reader.next_frame()? {
            if limit.is_some_and(|limit| frame.number > limit) {
                break;
            }
            // Up to the limit others vouch for the frames: a wal-index in use has been built from them.
            if !frame.is_sound && limit.is_none() {
                break;
            }
            sound = if frame.is_sound { frame.number } else { sound };
            pending.push((frame.page, frame_page_offset(frame.number, size)));
            if frame.commit_size > 0 {
                (committed, page_count) = (frame.number, frame.commit_size);
                commits += 1;
                places.extend(pending.drain(..));
            }
        }
        Ok(Some(LogScan {
            header: reader.header,
            len: reader.len,
            frames_in_file: reader.frames_in_file(),
            file: reader.file,
            sound,
            committed,
            commits,
            page_count,
            places,
        }))
    }

    /// Bytes of a page.
    pub fn page_size(&self) -> u32 {
        self.header.page_size
    }

    pub(super) fn file(&self) -> &ReadOnlyFile {
        &self.file
    }
}

/// Reads the frames of a log one by one, those that no longer count as well.
#[derive(Debug)]
pub struct LogReader {
    file: ReadOnlyFile,
    /// The log's header.
    pub header: WalHeader,
    len: u64,
    next: u32,
    checksum: [u32; 2],
    is_sound: bool,
    page: Vec<u8>,
}

impl LogReader {
    /// Opens a log. `None` when there is none, or no header at its start.
    ///
    /// # Errors
    /// Those of reading.
    pub fn open(path: &Path) -> io::Result<Option<LogReader>> {
        let file = match ReadOnlyFile::open(path) {
            Ok(file) => file,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::IsADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let mut bytes = [0; HEADER_SIZE];
        file.read_at(&mut bytes, 0)?;
        let Ok(Some((header, checksum))) = WalHeader::decode(&bytes) else {
            return Ok(None);
        };
        let len = file.metadata()?.len();
        Ok(Some(LogReader {
            file,
            header,
            len,
            next: 1,
            checksum,
            is_sound: true,
            page: Vec::new(),
        }))
    }

    /// Frames that have room in the file.
    pub fn frames_in_file(&self) -> u32 {
        let frame = u64::from(self.header.page_size) + FRAME_HEADER_SIZE as u64;
        let count = self.len.saturating_sub(HEADER_SIZE as u64) / frame;
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// The next frame of the file.
    ///
    /// # Errors
    /// Those of reading.
    pub fn next_frame(&mut self) -> io::Result<Option<LogFrame>> {
        let size = self.header.page_size as usize;
        if self.next > self.frames_in_file() {
            return Ok(None);
        }
        self.page.resize(size + FRAME_HEADER_SIZE, 0);
        if self.file.read_at(&mut self.page, frame_offset(self.next, size))? < self.page.len() {
            return Ok(None);
        }
        let Some((head, page)) = self.page.split_first_chunk::<FRAME_HEADER_SIZE>() else {
            return Ok(None);
        };
        let (order, salt) = (self.header.order, self.header.salt);
        self.is_sound &= Frame::decode(head, page, order, salt, &mut self.checksum).is_some();
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let mut found = [0; 8];
        found.copy_from_slice(&head[8..16]);
        let frame = LogFrame {
            number: self.next,
            page: word(0),
            commit_size: word(4),
            salt: found,
            checksum: [word(16), word(20)],
            is_sound: self.is_sound,
        };
        self.next = self.next.saturating_add(1);
        Ok(Some(frame))
    }

    /// The page of the frame that was read last.
    pub fn page(&self) -> &[u8] {
        self.page.get(FRAME_HEADER_SIZE..).unwrap_or_default()
    }
}
