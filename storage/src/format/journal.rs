//! The rollback journal (fileformat2 3).
//!
//! ```text
//!   sector-sized header | record | record | ... | (next header at a sector border | records ...)* | super-journal trailer?
//!
//!   header    0 magic | 8 record count | 12 nonce | 16 pages before | 20 sector size | 24 page size | zeros
//!   record    page number | page as it was | checksum
//!   trailer   lock-byte page number | name | length | sum of the name's bytes | magic
//! ```
//!
//! A journal whose header is damaged is no journal: SQLite takes it for the end, and so do we.

use super::header::is_page_size;

/// What the name of a journal has behind its database's.
pub const JOURNAL_SUFFIX: &str = "-journal";

/// What the name of a file has behind its database's that may become the journal: one that is being written, or one that was ended and kept.
/// SQLite does not know it.
pub const SPARE_SUFFIX: &str = "-journal-spare";

/// The first eight bytes of a journal header, and the last of a super-journal trailer.
pub const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Bytes of the header that carry information; the rest of its sector is padding.
pub const HEADER_SIZE: usize = 28;

/// Record count that means "as many as the file holds".
pub const RECORD_COUNT_TO_END: u32 = 0xffff_ffff;

/// Where the record count stands in the header: it is written last.
pub const RECORD_COUNT_OFFSET: u64 = 8;

/// A decoded journal header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalHeader {
    /// Records that follow, or [`RECORD_COUNT_TO_END`].
    pub record_count: u32,
    /// Start value of each record's checksum.
    pub nonce: u32,
    /// Pages of the database before the transaction.
    pub page_count_before: u32,
    /// Sector size that headers are padded to.
    pub sector_size: u32,
    /// Page size of the records.
    pub page_size: u32,
}

impl JournalHeader {
    /// Reads a header; `None` for anything that is not one.
    pub fn decode(bytes: &[u8]) -> Option<JournalHeader> {
        let bytes: &[u8; HEADER_SIZE] = bytes.first_chunk()?;
        if bytes[..8] != MAGIC {
            return None;
        }
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Some(JournalHeader {
            record_count: word(8),
            nonce: word(12),
            page_count_before: word(16),
            sector_size: word(20),
            page_size: word(24),
        })
    }

    /// True if the sizes are possible. Only a journal's first header is asked: the others must repeat them.
    pub fn sizes_are_valid(&self) -> bool {
        is_page_size(self.page_size)
            && self.sector_size.is_power_of_two()
            && (32..=65536).contains(&self.sector_size)
    }

    /// Appends the header, padded to its sector.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        let words = [
            self.record_count,
            self.nonce,
            self.page_count_before,
            self.sector_size,
            self.page_size,
        ];
        for word in words {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.resize(start + self.sector_size as usize, 0);
    }

    /// Bytes of one page record.
    pub fn record_size(&self) -> u64 {
        u64::from(self.page_size) + 8
    }
}

/// The name of the super-journal in the last `tail` bytes of a journal of `journal_len` bytes; `None` when the journal
/// stands alone. `tail` must reach back far enough for the longest name that the caller takes.
pub fn super_journal_name(tail: &[u8]) -> Option<&[u8]> {
    let (rest, magic) = tail.split_last_chunk::<8>()?;
    let (rest, checksum) = rest.split_last_chunk::<4>()?;
    let (rest, length) = rest.split_last_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    if *magic != MAGIC || length == 0 || length > rest.len() {
        return None;
    }
    let name = &rest[rest.len() - length..];
    let sum = name_checksum(name);
    (sum == u32::from_be_bytes(*checksum)).then(|| name.split(|byte| *byte == 0).next().unwrap_or(name))
}

/// Appends the trailer that names a super-journal.
pub fn encode_super_journal(lock_byte_page: u32, name: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&lock_byte_page.to_be_bytes());
    out.extend_from_slice(name);
    out.extend_from_slice(&(name.len() as u32).to_be_bytes());
    out.extend_from_slice(&name_checksum(name).to_be_bytes());
    out.extend_from_slice(&MAGIC);
}

/// SQLite adds the bytes as signed characters.
fn name_checksum(name: &[u8]) -> u32 {
    name.iter().fold(0u32, |sum, byte| {
        sum.wrapping_add(i32::from(byte.cast_signed()).cast_unsigned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_round_trip_and_damage() {
        let header = JournalHeader {
            record_count: 3,
            nonce: 0xdead_beef,
            page_count_before: 9,
            sector_size: 512,
            page_size: 4096,
        };
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        assert_eq!(bytes.len(), 512);
        assert_eq!(JournalHeader::decode(&bytes), Some(header));
        assert!(header.sizes_are_valid());
        assert!(
            !JournalHeader {
                page_size: 1000,
                ..header
            }
            .sizes_are_valid()
        );
        assert!(
            !JournalHeader {
                sector_size: 16,
                ..header
            }
            .sizes_are_valid()
        );
        bytes[0] = 0;
        assert_eq!(JournalHeader::decode(&bytes), None);
        assert_eq!(JournalHeader::decode(&[]), None);
    }

    #[test]
    fn super_journal_names() {
        let mut bytes = vec![1, 2, 3];
        encode_super_journal(262_145, "/tmp/ü-mj01".as_bytes(), &mut bytes);
        assert_eq!(super_journal_name(&bytes), Some("/tmp/ü-mj01".as_bytes()));
        let last = bytes.len() - 1;
        for at in [last, last - 8, last - 12, last - 17] {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert_eq!(super_journal_name(&bad), None, "byte {at}");
        }
        assert_eq!(super_journal_name(&MAGIC), None);
    }
}
