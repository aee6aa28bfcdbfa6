#![forbid(unsafe_code)]
//! Floor 0: the bytes of SQLite's files and nothing else. No I/O, no state.
//!
//! Each module owns one structure of the format: it reads it from a byte slice, checks it, and writes it back.

pub mod cell;
pub mod checksum;
pub mod collation;
pub mod header;
pub mod journal;
pub mod key;
pub mod page;
pub mod page_checksum;
mod page_no;
pub mod patch;
pub mod record;
pub mod value;
pub mod varint;
pub mod wal;
pub mod wal_index;

pub use collation::{Collation, CompareText, CustomCollation};
pub use header::{AutoVacuum, Header, TextEncoding};
pub use key::{KeyColumn, KeyOrder, PartialOrdering};
pub(crate) use page_no::LOCK_BYTES_OFFSET;
pub use page_no::PageNo;
pub use record::RecordView;
pub use value::{ValueRef, compare_values};
