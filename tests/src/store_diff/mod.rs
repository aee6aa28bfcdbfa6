//! The page store against a model and against SQLite: random operations on trees and transactions of one file.
//!
//! ```text
//!   random operation ──▶ pager, cursors ──▶ the file ◀── SQLite: changes it as well, checks it
//!          └───────────▶ model: BTreeMap of rows, sorted list of records, a copy for each savepoint
//! ```
//!
//! The store knows no SQL, so the schema's rows are written here. Rowid tables have an index over their first column, tables WITHOUT ROWID
//! have a key of two columns, of which one is NOCASE and one descending.
//!
//! - F1. After each commit every tree holds what the model holds, in its order, and the check finds nothing.
//! - F2. Every seek stands where the model says.
//! - F3. A reader's snapshot stays what it was when it began.
//! - F4. SQLite's integrity check finds nothing, and it reads the same values: after some commits, and at the end of each episode.
//!
//! An episode is a file's life, and follows from its seed.

mod changes;
mod episode;
mod model;
mod oracle;
mod records;
mod run;
mod schema;

pub use run::{Options, Tally, replay, run};
