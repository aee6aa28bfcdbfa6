//! Aludel's page store: SQLite's file format, locks, B-trees, journals and WAL.

pub mod error;
pub mod format;

pub use error::{Error, Result};
