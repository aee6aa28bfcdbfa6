//! The database header: the first 100 bytes of page 1 (fileformat2 1.3).
//!
//! ```text
//!  0  magic "SQLite format 3\0"        48  default cache size
//! 16  page size (1 means 65536)        52  largest root page (auto-vacuum)
//! 18  write version, read version      56  text encoding
//! 20  reserved bytes per page          60  user version
//! 21  payload fractions 64, 32, 32     64  incremental vacuum
//! 24  change counter                   68  application id
//! 28  page count                       72  zeros
//! 32  first freelist trunk             92  version-valid-for
//! 36  freelist page count              96  SQLite version number
//! 40  schema cookie, 44 schema format
//! ```
//!
//! [`Header::decode`] refuses what SQLite refuses with "file is not a database"; everything above that (a
//! freelist that points nowhere, say) is found by those who follow it.

use crate::error::{Error, Result};

/// The first sixteen bytes of every database file.
pub const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Length of the header in bytes.
pub const HEADER_SIZE: usize = 100;

/// Written at offset 96 of files we change: the library version whose format this crate follows.
pub const SQLITE_VERSION_NUMBER: u32 = 3_051_003;

/// Smallest usable size of a page: what its four smallest cells need.
pub const USABLE_SIZE_MIN: usize = 480;

const PAYLOAD_FRACTIONS: [u8; 3] = [64, 32, 32];

/// The text encoding of a database, fixed when it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TextEncoding {
    /// UTF-8 (1).
    #[default]
    Utf8,
    /// UTF-16, least significant byte first (2).
    Utf16le,
    /// UTF-16, most significant byte first (3).
    Utf16be,
}

impl TextEncoding {
    /// From the header's number; SQLite looks at the low two bits and takes zero for UTF-8.
    pub const fn from_number(number: u32) -> TextEncoding {
        match number & 3 {
            2 => TextEncoding::Utf16le,
            3 => TextEncoding::Utf16be,
            _ => TextEncoding::Utf8,
        }
    }

    /// The header's number.
    pub const fn number(self) -> u32 {
        match self {
            TextEncoding::Utf8 => 1,
            TextEncoding::Utf16le => 2,
            TextEncoding::Utf16be => 3,
        }
    }
}

/// Whether the file keeps pointer-map pages and gives freed pages back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AutoVacuum {
    /// No pointer map; freed pages stay on the freelist.
    #[default]
    None,
    /// Each commit moves pages to the front and truncates the file.
    Full,
    /// As `Full`, but only when `PRAGMA incremental_vacuum` asks.
    Incremental,
}

/// The decoded database header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Page size in bytes: a power of two, 512 to 65536.
    pub page_size: u32,
    /// File format write version: 1 rollback journal, 2 WAL.
    pub write_version: u8,
    /// File format read version: 1 rollback journal, 2 WAL.
    pub read_version: u8,
    /// Bytes at the end of each page that the B-tree leaves alone.
    pub reserved: u8,
    /// Counts commits in the rollback modes.
    pub change_counter: u32,
    /// Database size in pages; trust it only if [`Header::page_count_is_valid`].
    pub page_count: u32,
    /// First freelist trunk page, zero for none.
    pub freelist_trunk: u32,
    /// Number of pages on the freelist.
    pub freelist_count: u32,
    /// Changes with each schema change.
    pub schema_cookie: u32,
    /// Schema format 1..4.
    pub schema_format: u32,
    /// `PRAGMA default_cache_size`.
    pub default_cache_size: i32,
    /// Largest root page in the auto-vacuum modes, else zero.
    pub largest_root: u32,
    /// Encoding of all text.
    pub encoding: TextEncoding,
    /// `PRAGMA user_version`.
    pub user_version: i32,
    /// Non-zero for incremental vacuum.
    pub incremental_vacuum: u32,
    /// `PRAGMA application_id`.
    pub application_id: i32,
    /// Value of the change counter when `page_count` and `sqlite_version` were written.
    pub version_valid_for: u32,
    /// Version number of the library that wrote last.
    pub sqlite_version: u32,
}

impl Header {
    /// The header of a database that is about to be created.
    pub fn new(page_size: u32, reserved: u8, encoding: TextEncoding, auto_vacuum: AutoVacuum) -> Header {
        Header {
            page_size,
            write_version: 1,
            read_version: 1,
            reserved,
            change_counter: 0,
            page_count: 1,
            freelist_trunk: 0,
            freelist_count: 0,
            schema_cookie: 0,
            schema_format: 4,
            default_cache_size: 0,
            largest_root: u32::from(auto_vacuum != AutoVacuum::None),
            encoding,
            user_version: 0,
            incremental_vacuum: u32::from(auto_vacuum == AutoVacuum::Incremental),
            application_id: 0,
            version_valid_for: 0,
            sqlite_version: SQLITE_VERSION_NUMBER,
        }
    }

    /// Reads and checks the header at the start of `bytes`.
    ///
    /// # Errors
    /// [`Error::NotADatabase`] for a wrong magic, page size, payload fraction, a usable size below 480, or a read
    /// version that we do not know.
    pub fn decode(bytes: &[u8]) -> Result<Header> {
        let bytes: &[u8; HEADER_SIZE] = bytes.first_chunk().ok_or(Error::NotADatabase)?;
        if !bytes.starts_with(MAGIC) || bytes[21..24] != PAYLOAD_FRACTIONS {
            return Err(Error::NotADatabase);
        }
        let page_size =
            decode_page_size(u16::from_be_bytes([bytes[16], bytes[17]])).ok_or(Error::NotADatabase)?;
        let header = Header {
            page_size,
            write_version: bytes[18],
            read_version: bytes[19],
            reserved: bytes[20],
            change_counter: be32(bytes, 24),
            page_count: be32(bytes, 28),
            freelist_trunk: be32(bytes, 32),
            freelist_count: be32(bytes, 36),
            schema_cookie: be32(bytes, 40),
            schema_format: be32(bytes, 44),
            default_cache_size: be32(bytes, 48).cast_signed(),
            largest_root: be32(bytes, 52),
            encoding: TextEncoding::from_number(be32(bytes, 56)),
            user_version: be32(bytes, 60).cast_signed(),
            incremental_vacuum: be32(bytes, 64),
            application_id: be32(bytes, 68).cast_signed(),
            version_valid_for: be32(bytes, 92),
            sqlite_version: be32(bytes, 96),
        };
        if header.read_version > 2 || header.usable_size() < USABLE_SIZE_MIN {
            return Err(Error::NotADatabase);
        }
        Ok(header)
    }

    /// Writes the header over the first 100 bytes of page 1. Bytes 72..92 stay as they are.
    pub fn encode(&self, page: &mut [u8]) {
        let Some(bytes) = page.first_chunk_mut::<HEADER_SIZE>() else {
            debug_assert!(false, "page 1 is at least 512 bytes");
            return;
        };
        bytes[..16].copy_from_slice(MAGIC);
        bytes[16..18].copy_from_slice(&encode_page_size(self.page_size).to_be_bytes());
        bytes[18] = self.write_version;
        bytes[19] = self.read_version;
        bytes[20] = self.reserved;
        bytes[21..24].copy_from_slice(&PAYLOAD_FRACTIONS);
        let words = [
            (24, self.change_counter),
            (28, self.page_count),
            (32, self.freelist_trunk),
            (36, self.freelist_count),
            (40, self.schema_cookie),
            (44, self.schema_format),
            (48, self.default_cache_size.cast_unsigned()),
            (52, self.largest_root),
            (56, self.encoding.number()),
            (60, self.user_version.cast_unsigned()),
            (64, self.incremental_vacuum),
            (68, self.application_id.cast_unsigned()),
            (92, self.version_valid_for),
            (96, self.sqlite_version),
        ];
        for (offset, word) in words {
            bytes[offset..offset + 4].copy_from_slice(&word.to_be_bytes());
        }
    }

    /// Page 1 of a new database: this header and an empty table leaf as root of `sqlite_schema`.
    pub fn first_page(&self) -> Vec<u8> {
        let mut page = vec![0; self.page_size as usize];
        self.encode(&mut page);
        page[HEADER_SIZE] = LEAF_TABLE;
        // Start of the cell content area; 65536 wraps to zero, as the format wants.
        let content_start = (self.usable_size() as u32 & 0xffff) as u16;
        page[HEADER_SIZE + 5..HEADER_SIZE + 7].copy_from_slice(&content_start.to_be_bytes());
        page
    }

    /// Bytes of each page that the B-tree may use.
    pub fn usable_size(&self) -> usize {
        (self.page_size as usize).saturating_sub(self.reserved as usize)
    }

    /// True if the in-header page count was written by a library that maintains it.
    pub fn page_count_is_valid(&self) -> bool {
        self.page_count != 0 && self.change_counter == self.version_valid_for
    }

    /// The auto-vacuum mode that the two header fields spell.
    pub fn auto_vacuum(&self) -> AutoVacuum {
        match (self.largest_root, self.incremental_vacuum) {
            (0, _) => AutoVacuum::None,
            (_, 0) => AutoVacuum::Full,
            _ => AutoVacuum::Incremental,
        }
    }

    /// True when the file is in WAL mode.
    pub fn is_wal(&self) -> bool {
        self.read_version == 2
    }
}

const LEAF_TABLE: u8 = 0x0d;

/// True for the page sizes that the format allows.
pub const fn is_page_size(size: u32) -> bool {
    size.is_power_of_two() && size >= 512 && size <= 65536
}

/// Decodes a two-byte page size, where 1 stands for 65536.
pub(crate) const fn decode_page_size(stored: u16) -> Option<u32> {
    let size = if stored == 1 { 65536 } else { stored as u32 };
    if is_page_size(size) { Some(size) } else { None }
}

/// The two-byte form of a page size.
pub(crate) const fn encode_page_size(size: u32) -> u16 {
    if size == 65536 { 1 } else { size as u16 }
}

fn be32(bytes: &[u8; HEADER_SIZE], offset: usize) -> u32 {
    u32::from_be_bytes([
        bytes[offset],
        bytes[offset + 1],
        bytes[offset + 2],
        bytes[offset + 3],
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_for_all_page_sizes() {
        for shift in 9..=16 {
            for reserved in [0u8, 1, 32, 255] {
                let header = Header::new(
                    1 << shift,
                    reserved,
                    TextEncoding::Utf16be,
                    AutoVacuum::Incremental,
                );
                let page = header.first_page();
                let decoded = Header::decode(&page);
                if header.usable_size() < USABLE_SIZE_MIN {
                    assert!(matches!(decoded, Err(Error::NotADatabase)));
                } else {
                    assert_eq!(decoded.unwrap(), header);
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_database() {
        let good = Header::new(4096, 0, TextEncoding::Utf8, AutoVacuum::None).first_page();
        for (offset, byte) in [
            (0, b's'),
            (15, 1),
            (16, 3),
            (17, 7),
            (19, 3),
            (21, 63),
            (22, 0),
            (23, 33),
        ] {
            let mut bad = good.clone();
            bad[offset] = byte;
            assert!(
                matches!(Header::decode(&bad), Err(Error::NotADatabase)),
                "byte {offset}"
            );
        }
        assert!(matches!(Header::decode(&good[..99]), Err(Error::NotADatabase)));
    }

    #[test]
    fn sqlite_writes_the_header_we_expect() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let db = rusqlite::Connection::open(file.path()).unwrap();
        db.execute_batch(
            "PRAGMA page_size=1024; PRAGMA auto_vacuum=2; PRAGMA user_version=-7; PRAGMA application_id=99;
             CREATE TABLE t(x)",
        )
        .unwrap();
        let header = Header::decode(&std::fs::read(file.path()).unwrap()).unwrap();
        assert_eq!(
            (header.page_size, header.user_version, header.application_id),
            (1024, -7, 99)
        );
        assert_eq!(header.auto_vacuum(), AutoVacuum::Incremental);
        assert!(header.page_count_is_valid() && !header.is_wal());
        assert_eq!(header.schema_format, 4);
    }
}
