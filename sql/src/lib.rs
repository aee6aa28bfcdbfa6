//! Aludel's SQL engine: SQLite's language, executed in column batches.
#![forbid(unsafe_code)]

pub mod error;
pub mod functions;
pub mod syntax;
pub mod value;

pub use error::{ConstraintKind, Error, Result};
