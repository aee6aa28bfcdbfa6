//! The wal-index: the shared memory that says where in the log each page is (walformat 2).
//!
//! ```text
//!   region 0:  header | header again | checkpoint state | page[4062] | slot[8192]
//!   region n:                                             page[4096] | slot[8192]
//!
//!   header, words of the machine's order
//!     0 version | 1 zero | 2 change counter | 3 init u8, big-endian sums u8, page size u16 | 4 frame count | 5 database pages
//!     6,7 checksum of the last frame | 8,9 the log's salts, as bytes | 10,11 checksum of words 0..10
//!   checkpoint state, words 24..34
//!     24 frames backfilled | 25..30 read marks | 30,31 the eight lock bytes | 32 backfill attempted | 33 unused
//! ```
//!
//! `page[i]` is the page of the region's `i`th frame; `slot` is an open-addressed hash table from page number to `i + 1`, zero for free.

use super::PageNo;
use super::checksum::WordOrder;
use super::header::{decode_page_size, encode_page_size};
use super::wal::{FrameNo, VERSION};

/// Bytes of a region.
pub const REGION_SIZE: usize = 32768;

/// Frames that region 0 describes; its front is the header.
pub const FRAMES_IN_FIRST: u32 = 4062;

/// Frames that every other region describes.
pub const FRAMES_IN_REGION: u32 = 4096;

/// Slots of each region's hash table.
pub const SLOTS: usize = 8192;

/// Words of the index header.
pub const HEADER_WORDS: usize = 12;

/// Word of the backfilled frame count.
pub const BACKFILL_WORD: usize = 24;

/// Word of read mark 0; there are [`READ_MARKS`].
pub const READ_MARK_WORD: usize = 25;

/// Word of the attempted backfill.
pub const BACKFILL_ATTEMPTED_WORD: usize = 32;

/// Number of read marks.
pub const READ_MARKS: usize = 5;

/// Read mark that no reader uses.
pub const READ_MARK_UNUSED: u32 = 0xffff_ffff;

const WORDS_BEFORE_PAGES_IN_FIRST: usize = 34;
const SLOTS_BYTE: usize = FRAMES_IN_REGION as usize * 4;

const _: () = assert!(WORDS_BEFORE_PAGES_IN_FIRST + FRAMES_IN_FIRST as usize == FRAMES_IN_REGION as usize);
const _: () = assert!(SLOTS_BYTE + SLOTS * 2 == REGION_SIZE);

/// Halfword of the first slot of a region.
pub const SLOT_HALFWORD: usize = SLOTS_BYTE / 2;

/// The region that describes a frame.
#[inline]
pub const fn region_of(frame: FrameNo) -> usize {
    ((frame as u64 + (FRAMES_IN_REGION - FRAMES_IN_FIRST) as u64 - 1) / FRAMES_IN_REGION as u64) as usize
}

/// The last frame before those of a region.
#[inline]
pub const fn frames_before(region: usize) -> FrameNo {
    match region {
        0 => 0,
        _ => FRAMES_IN_FIRST + (region as u32 - 1) * FRAMES_IN_REGION,
    }
}

/// Word of a region's first `page` entry.
#[inline]
pub const fn pages_word(region: usize) -> usize {
    if region == 0 {
        WORDS_BEFORE_PAGES_IN_FIRST
    } else {
        0
    }
}

/// Frames that a region describes.
#[inline]
pub const fn frames_in(region: usize) -> u32 {
    if region == 0 {
        FRAMES_IN_FIRST
    } else {
        FRAMES_IN_REGION
    }
}

/// The first slot to look at for a page.
#[inline]
pub const fn hash(page: PageNo) -> usize {
    page.get().wrapping_mul(383) as usize & (SLOTS - 1)
}

/// The slot to look at after `slot`.
#[inline]
pub const fn next_slot(slot: usize) -> usize {
    (slot + 1) & (SLOTS - 1)
}

/// The decoded index header: what a reader's snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexHeader {
    /// Counts the commits.
    pub change: u32,
    /// Byte order that the log's checksums add up.
    pub order: WordOrder,
    /// Page size; 0 in the index of a log that nothing was written to.
    pub page_size: u32,
    /// Committed frames in the log.
    pub frame_count: FrameNo,
    /// Pages of the database after the last commit in the log.
    pub page_count: u32,
    /// Checksum of the last frame, which the next continues.
    pub frame_checksum: [u32; 2],
    /// The log's salts.
    pub salt: [u8; 8],
}

/// Why the words are no header yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexHeaderFault {
    /// Not initialised, or its checksum is wrong.
    Invalid,
    /// Correct, but of a version that we do not know.
    Version,
}

impl Default for IndexHeader {
    fn default() -> IndexHeader {
        IndexHeader {
            change: 0,
            order: WordOrder::NATIVE,
            page_size: 0,
            frame_count: 0,
            page_count: 0,
            frame_checksum: [0; 2],
            salt: [0; 8],
        }
    }
}

impl IndexHeader {
    /// Reads the words of one copy of the header.
    pub fn decode(words: &[u32; HEADER_WORDS]) -> Result<IndexHeader, IndexHeaderFault> {
        let [init, big_endian, size_low, size_high] = words[3].to_ne_bytes();
        if init == 0 || checksum_of(words) != [words[10], words[11]] {
            return Err(IndexHeaderFault::Invalid);
        }
        if words[0] != VERSION {
            return Err(IndexHeaderFault::Version);
        }
        let mut salt = [0; 8];
        salt[..4].copy_from_slice(&words[8].to_ne_bytes());
        salt[4..].copy_from_slice(&words[9].to_ne_bytes());
        Ok(IndexHeader {
            change: words[2],
            order: if big_endian != 0 {
                WordOrder::Big
            } else {
                WordOrder::Little
            },
            page_size: decode_page_size(u16::from_ne_bytes([size_low, size_high])).unwrap_or(0),
            frame_count: words[4],
            page_count: words[5],
            frame_checksum: [words[6], words[7]],
            salt,
        })
    }

    /// The words of one copy of the header.
    pub fn encode(&self) -> [u32; HEADER_WORDS] {
        let size = encode_page_size(self.page_size).to_ne_bytes();
        let [a, b, c, d, e, f, g, h] = self.salt;
        let mut words = [
            VERSION,
            0,
            self.change,
            u32::from_ne_bytes([1, u8::from(self.order == WordOrder::Big), size[0], size[1]]),
            self.frame_count,
            self.page_count,
            self.frame_checksum[0],
            self.frame_checksum[1],
            u32::from_ne_bytes([a, b, c, d]),
            u32::from_ne_bytes([e, f, g, h]),
            0,
            0,
        ];
        let sum = checksum_of(&words);
        words[10] = sum[0];
        words[11] = sum[1];
        words
    }
}

fn checksum_of(words: &[u32; HEADER_WORDS]) -> [u32; 2] {
    let [mut s0, mut s1] = [0u32; 2];
    for pair in words[..10].chunks_exact(2) {
        s0 = s0.wrapping_add(pair[0]).wrapping_add(s1);
        s1 = s1.wrapping_add(pair[1]).wrapping_add(s0);
    }
    [s0, s1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::checksum::wal_checksum;

    #[test]
    fn header_round_trip_and_damage() {
        let header = IndexHeader {
            change: 5,
            order: WordOrder::Big,
            page_size: 65536,
            frame_count: 77,
            page_count: 12,
            frame_checksum: [1, 2],
            salt: *b"abcdefgh",
        };
        let words = header.encode();
        assert_eq!(IndexHeader::decode(&words), Ok(header));
        for at in 0..HEADER_WORDS {
            let mut bad = words;
            bad[at] ^= 0x0101_0101;
            assert_eq!(
                IndexHeader::decode(&bad),
                Err(IndexHeaderFault::Invalid),
                "word {at}"
            );
        }
        assert_eq!(
            IndexHeader::decode(&[0; HEADER_WORDS]),
            Err(IndexHeaderFault::Invalid)
        );
    }

    #[test]
    fn the_words_sum_like_their_bytes() {
        let words = IndexHeader::default().encode();
        let bytes: Vec<u8> = words[..10].iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(
            wal_checksum(WordOrder::NATIVE, &bytes, [0, 0]),
            [words[10], words[11]]
        );
    }

    #[test]
    fn frames_find_their_regions() {
        for (frame, region) in [(1, 0), (4062, 0), (4063, 1), (8158, 1), (8159, 2)] {
            assert_eq!(region_of(frame), region, "frame {frame}");
            assert!(frame > frames_before(region) && frame <= frames_before(region) + frames_in(region));
        }
        assert!(hash(PageNo::new(u32::MAX).unwrap()) < SLOTS);
        assert_eq!(next_slot(SLOTS - 1), 0);
    }
}
