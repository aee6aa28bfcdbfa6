//! Floor 0: the bytes of SQLite's files and nothing else. No I/O, no state.
//!
//! Each module owns one structure of the format: it reads it from a byte slice, checks it, and writes it back.

pub mod header;
mod page_no;

pub use header::{AutoVacuum, Header, TextEncoding};
pub use page_no::PageNo;
