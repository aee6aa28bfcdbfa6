//! The page store under Aludel: files, locks, pages, B-trees and journals in SQLite's format.
//!
//! ```text
//!   maintenance    integrity check, vacuum, backup, salvage
//!   btree          cursors over table and index trees, freelist, overflow chains
//!   pager          the transaction: snapshot, dirty pages, savepoints, commit, rollback
//!   journal, wal   two ways to make a commit atomic: rollback journal, write-ahead log
//!   vfs            the world: files, locks, shared memory, clock, randomness
//!   format         bytes: header, page, cell, record, journal, log frames, wal-index
//! ```
//!
//! A module uses those below it and never one above. Only `vfs` touches the world, and `unsafe` stands only in its
//! modules that map memory and take locks.
#![deny(unsafe_code)]

pub mod btree;
pub mod error;
pub mod format;
mod journal;
pub mod maintenance;
pub mod pager;
pub mod vfs;
mod wal;

pub use error::{Error, Result};
