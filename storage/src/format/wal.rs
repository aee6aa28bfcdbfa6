//! The write-ahead log (fileformat2 4.1).
//!
//! ```text
//!   32-byte header | frame 1 | frame 2 | ...
//!
//!   header   0 magic | 4 version | 8 page size | 12 checkpoint sequence | 16 salts | 24 checksum of bytes 0..24
//!   frame    0 page number | 4 database size after a commit, else 0 | 8 salts | 16 checksum | 24 the page
//! ```
//!
//! A frame's checksum continues that of the frame before it, over the first 8 bytes of the frame header and the page.
//! A frame counts if its salts are the header's and its checksum is right; the log ends with the last commit frame
//! before the first frame that does not count.

use super::PageNo;
use super::checksum::{WordOrder, wal_checksum};
use super::header::is_page_size;
use crate::error::{Error, Result};

/// Bytes of the log header.
pub const HEADER_SIZE: usize = 32;

/// Bytes of a frame header.
pub const FRAME_HEADER_SIZE: usize = 24;

/// The only version of the log and of the wal-index.
pub const VERSION: u32 = 3_007_000;

const MAGIC: u32 = 0x377f_0682;

/// The number of a frame: 1 is the first of the log, 0 stands for "none".
pub type FrameNo = u32;

/// The header of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalHeader {
    /// Byte order that the checksums add up.
    pub order: WordOrder,
    /// Page size of the frames.
    pub page_size: u32,
    /// Counts the restarts of the log.
    pub checkpoint_sequence: u32,
    /// The bytes that each frame must repeat.
    pub salt: [u8; 8],
}

impl WalHeader {
    /// Reads a header, and with it the checksum that the first frame continues. `Ok(None)` for what is no header: such a
    /// log is empty.
    ///
    /// # Errors
    /// A correct header of a version we do not know is [`Error::NotADatabase`]: reading past it would be wrong.
    pub fn decode(bytes: &[u8; HEADER_SIZE]) -> Result<Option<(WalHeader, [u32; 2])>> {
        let magic = be32(bytes, 0);
        let page_size = be32(bytes, 8);
        if magic & !1 != MAGIC || !is_page_size(page_size) {
            return Ok(None);
        }
        let order = if magic & 1 == 1 {
            WordOrder::Big
        } else {
            WordOrder::Little
        };
        let checksum = wal_checksum(order, &bytes[..24], [0, 0]);
        if checksum != [be32(bytes, 24), be32(bytes, 28)] {
            return Ok(None);
        }
        if be32(bytes, 4) != VERSION {
            return Err(Error::NotADatabase);
        }
        let mut salt = [0; 8];
        salt.copy_from_slice(&bytes[16..24]);
        let checkpoint_sequence = be32(bytes, 12);
        Ok(Some((
            WalHeader {
                order,
                page_size,
                checkpoint_sequence,
                salt,
            },
            checksum,
        )))
    }

    /// The header's bytes and their checksum, which the first frame continues.
    pub fn encode(&self) -> ([u8; HEADER_SIZE], [u32; 2]) {
        let mut bytes = [0; HEADER_SIZE];
        let magic = MAGIC | u32::from(self.order == WordOrder::Big);
        put32(&mut bytes, 0, magic);
        put32(&mut bytes, 4, VERSION);
        put32(&mut bytes, 8, self.page_size);
        put32(&mut bytes, 12, self.checkpoint_sequence);
        bytes[16..24].copy_from_slice(&self.salt);
        let checksum = wal_checksum(self.order, &bytes[..24], [0, 0]);
        put32(&mut bytes, 24, checksum[0]);
        put32(&mut bytes, 28, checksum[1]);
        (bytes, checksum)
    }
}

/// What a frame says besides its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The page that the frame holds.
    pub page: PageNo,
    /// For the last frame of a commit, the pages of the database after it; else 0.
    pub commit_size: u32,
}

impl Frame {
    /// Checks and reads a frame; `checksum` is the chain before it and moves on past it. `None` for a frame that does not
    /// count: the log ends before it.
    pub fn decode(
        header: &[u8; FRAME_HEADER_SIZE],
        page: &[u8],
        order: WordOrder,
        salt: [u8; 8],
        checksum: &mut [u32; 2],
    ) -> Option<Frame> {
        if header[8..16] != salt {
            return None;
        }
        let number = PageNo::new(be32(header, 0))?;
        let sum = wal_checksum(order, page, wal_checksum(order, &header[..8], *checksum));
        if sum != [be32(header, 16), be32(header, 20)] {
            return None;
        }
        *checksum = sum;
        Some(Frame {
            page: number,
            commit_size: be32(header, 4),
        })
    }

    /// The frame's header; `checksum` is the chain before it and moves on past it.
    pub fn encode(
        &self,
        page: &[u8],
        order: WordOrder,
        salt: [u8; 8],
        checksum: &mut [u32; 2],
    ) -> [u8; FRAME_HEADER_SIZE] {
        let mut header = [0; FRAME_HEADER_SIZE];
        put32(&mut header, 0, self.page.get());
        put32(&mut header, 4, self.commit_size);
        header[8..16].copy_from_slice(&salt);
        *checksum = wal_checksum(order, page, wal_checksum(order, &header[..8], *checksum));
        put32(&mut header, 16, checksum[0]);
        put32(&mut header, 20, checksum[1]);
        header
    }
}

/// Offset of a frame's header in the log.
#[inline]
pub const fn frame_offset(frame: FrameNo, page_size: usize) -> u64 {
    HEADER_SIZE as u64 + (frame as u64 - 1) * (page_size + FRAME_HEADER_SIZE) as u64
}

/// Offset of a frame's page in the log.
#[inline]
pub const fn frame_page_offset(frame: FrameNo, page_size: usize) -> u64 {
    frame_offset(frame, page_size) + FRAME_HEADER_SIZE as u64
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn put32(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_round_trip_and_damage() {
        for order in [WordOrder::Little, WordOrder::Big] {
            let header = WalHeader {
                order,
                page_size: 65536,
                checkpoint_sequence: 7,
                salt: *b"saltsalt",
            };
            let (bytes, checksum) = header.encode();
            assert_eq!(WalHeader::decode(&bytes).unwrap(), Some((header, checksum)));
            for at in 0..HEADER_SIZE {
                let mut bad = bytes;
                bad[at] ^= 0x10;
                assert_eq!(WalHeader::decode(&bad).unwrap(), None, "byte {at}");
            }
        }
    }

    #[test]
    fn a_newer_version_is_refused() {
        let header = WalHeader {
            order: WordOrder::Big,
            page_size: 512,
            checkpoint_sequence: 0,
            salt: [1; 8],
        };
        let (mut bytes, _) = header.encode();
        put32(&mut bytes, 4, VERSION + 1);
        let sum = wal_checksum(WordOrder::Big, &bytes[..24], [0, 0]);
        put32(&mut bytes, 24, sum[0]);
        put32(&mut bytes, 28, sum[1]);
        assert!(WalHeader::decode(&bytes).is_err());
    }

    #[test]
    fn frames_are_chained() {
        let page = [7u8; 512];
        let (order, salt) = (WordOrder::NATIVE, [3; 8]);
        let mut written = [5, 6];
        let frames = [(1, 0), (9, 12)].map(|(page, commit_size)| Frame {
            page: PageNo::new(page).unwrap(),
            commit_size,
        });
        let headers = frames.map(|frame| frame.encode(&page, order, salt, &mut written));
        let mut read = [5, 6];
        for (frame, header) in frames.iter().zip(&headers) {
            assert_eq!(Frame::decode(header, &page, order, salt, &mut read), Some(*frame));
        }
        assert_eq!(read, written);
        // Out of its place in the chain, or with other salts, a frame does not count.
        assert_eq!(Frame::decode(&headers[1], &page, order, salt, &mut [5, 6]), None);
        assert_eq!(
            Frame::decode(&headers[0], &page, order, [4; 8], &mut [5, 6]),
            None
        );
        assert_eq!(frame_page_offset(2, 512), 32 + 24 + 512 + 24);
    }
}
