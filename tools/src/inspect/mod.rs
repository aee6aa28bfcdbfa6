//! What `dbtool` knows, for other programs: databases read without being changed.
//!
//! ```text
//!   content           schema and rows: their hash, their SQL, their differences
//!   check, map ...    findings, owners of pages
//!   walk              trees, chains, freelist, pointer map: around damage
//!   page, record      one page, one cell, one record: each byte has a meaning or is noted as wrong
//!   image             the bytes of the recovered state, from a file opened for reading only
//! ```
//!
//! A part uses those below it. [`image`] is the floor: it takes SQLite's locks, lays the committed frames of a log or the originals of a
//! hot journal over the file in memory, and answers for pages. Nothing is written and nothing is created, not even a wal-index. The walker is not
//! the engine's: it goes on behind damage, and tests hold the two against each other.
//!
//! ```
//! use aludel_tools::inspect::{Image, ImageOptions};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let file = folder.path().join("notes.db");
//! # aludel_sql::Connection::open(&file).unwrap().execute_batch("CREATE TABLE note(title); INSERT INTO note VALUES('milk')").unwrap();
//! let image = std::sync::Arc::new(Image::open(&file, &ImageOptions::default())?);
//! assert_eq!(image.page_count(), 2);
//! let connection = aludel_tools::inspect::connect(&image).unwrap();
//! let title: String = connection.query_row("SELECT title FROM note", (), |row| row.get(0)).unwrap();
//! assert_eq!(title, "milk");
//! image.verify()?;
//! # Ok::<(), aludel_tools::inspect::ImageError>(())
//! ```

pub mod check;
pub mod content;
mod finding;
pub mod image;
pub mod page;
pub mod record;
pub mod vocabulary;
pub mod walk;

pub use finding::Finding;
pub use image::{Image, ImageError, ImageOptions, ImageState, connect};
pub use vocabulary::{Code, PageUse, Severity};
pub use walk::{Layout, WalkOptions, walk, walk_schema};
