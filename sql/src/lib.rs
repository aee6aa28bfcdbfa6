//! Aludel's SQL engine: SQLite's language, executed in column batches.
#![forbid(unsafe_code)]

pub mod syntax;
