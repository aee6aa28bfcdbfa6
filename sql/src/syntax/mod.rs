//! From SQL text to a tree: SQLite's whole language.
//!
//! [`ast`] is what the floors above see.

pub mod ast;
