//! The content of databases: schema and rows, whatever their pages look like.
//!
//! ```text
//!   diff ──▶ patch      what differs between two, as records or as SQL
//!   dump                one as SQL
//!   hash                one as twenty bytes
//!   catalogue           which objects there are, and how the rows of a table are told apart
//! ```
//!
//! All of it asks a [connection on an image](crate::inspect::connect) and streams: what is kept in memory is one row of each side.
//!
//! - C1 What differs between two databases is exactly what their [hashes](content_hash) differ by, and the settings of their headers.
//! - C2 SQL that is written here is read by any SQLite since 3.8.3, in any encoding, and gives the values again bit by bit.

mod catalogue;
mod diff;
mod dump;
mod hash;
mod pages;
mod patch;

pub use catalogue::{Catalogue, Column, Object, ObjectKind, TableShape};
pub use diff::{
    Change, KeyChoice, RowDifference, RowKey, RowTally, SchemaDifference, Side, TablePair, TakeDifference,
    compare_rows, is_same, schema_differences,
};
pub use dump::{DumpOptions, DumpTally, Settings, dump};
pub use hash::{HashOptions, content_hash};
pub use pages::{PageDifference, PageTally, compare_pages};
pub use patch::write_patch;

/// Why an answer about the content stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The engine refused a statement, or found damage.
    #[error("{error}")]
    Sql {
        /// What it says.
        error: aludel_sql::Error,
        /// The statement.
        sql: String,
    },
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Output(#[from] std::io::Error),
}

impl ContentError {
    /// Turns what a statement says into one.
    pub(crate) fn of(sql: &str) -> impl Fn(aludel_sql::Error) -> ContentError + '_ {
        move |error| ContentError::Sql {
            error,
            sql: sql.to_owned(),
        }
    }

    /// Whether damage of the file is the reason.
    pub fn is_damage(&self) -> bool {
        const CORRUPT: i32 = 11;
        let is_corrupt =
            matches!(self, ContentError::Sql { error, .. } if error.extended_code() & 0xff == CORRUPT);
        is_corrupt || self.is_contradiction()
    }

    /// Whether the schema contradicts itself: its row names a table, and the definition in that row is that of another one. The names in
    /// the statements of this module are all the schema's own, so a table that is missing can only be such a one.
    pub(crate) fn is_contradiction(&self) -> bool {
        matches!(self, ContentError::Sql { error, .. } if error.to_string().starts_with("no such table: "))
    }

    /// Whether it was stopped from outside.
    pub fn is_interrupt(&self) -> bool {
        matches!(
            self,
            ContentError::Sql {
                error: aludel_sql::Error::Interrupt,
                ..
            }
        )
    }
}
