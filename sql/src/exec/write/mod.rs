//! INSERT, UPDATE and DELETE: rows through constraints into a table and its indexes.
//!
//! ```text
//!   source / input ── row ──▶ affinity, generated columns, NOT NULL, CHECK ──▶ uniqueness ──▶ indexes, table ──▶ RETURNING
//!                                                                    │
//!                                          OR IGNORE: next row  OR REPLACE: the row in the way goes  DO UPDATE: it changes
//! ```
//!
//! | module | what it owns |
//! |---|---|
//! | `target` | a table with its indexes, ready to be written: cursors, compiled expressions, buffers |
//! | `removal` | rows that go, and those that REPLACE takes out of the way |
//! | `stored` | rows and their records |
//! | `unique` | the order of uniqueness checks, and what a conflict leads to |
//! | `index` | one index of it: keys, membership, conflicts |
//! | `deferred` | entries of indexes that wait to be written in the order of their keys |
//! | `complete` | what a new row must be before it is looked up anywhere: types, generated columns, NOT NULL, CHECK |
//! | `index_build` | an index filled from its table's rows, sorted and bottom up |
//! | `rowid` | choosing rowids; AUTOINCREMENT |
//! | `collect`, `returned` | rows kept until the statement has read all that it will change; rows of RETURNING |
//! | `insert`, `update`, `delete` | the three statements |
//! | `alone` | the first run of a write of one row, without what later runs keep |
//! | `straight` | bound values that go into a record without a stop |
//! | `patch` | UPDATE of columns where they lie, when nothing else depends on them |
//! | `virtual_table` | the three statements for virtual tables |
//! | `program`, `foreign_key` | what a change sets off: triggers, foreign keys |
//!
//! Rows travel in *table row layout*: the table's columns in declaration order, then the rowid (NULL where there is none).
//!
//! - I1. A row of the table is never without its index entries, and the other way round, between two rows of a statement; entries that
//!   are `deferred` count as there.
//! - I2. All constraints of a row are checked before any of its bytes are written; only rows that REPLACE removes go earlier.
//! - I3. What an UPDATE or DELETE works on was read before the statement changed anything that could decide which rows these are.

mod alone;
mod collect;
mod complete;
mod deferred;
mod delete;
mod foreign_key;
mod index;
mod index_build;
mod insert;
mod patch;
mod program;
mod removal;
mod returned;
mod rowid;
mod stored;
mod straight;
mod target;
mod unique;
mod update;
mod virtual_table;

pub(crate) use alone::{insert_alone, may_insert_alone, may_update_alone, update_alone};
pub(crate) use deferred::{Deferred, Until, WAITING_BYTES_MAX};
pub use delete::Delete;
pub use foreign_key::{
    BrokenKey, ForeignKeyPlan, Ledger, ReferencePlan, check_statement_keys, check_transaction_keys,
};
pub use index_build::IndexBuild;
pub use insert::Insert;
pub(crate) use program::TRIGGER_DEPTH_MAX;
pub use program::{ProgramSet, RowEvent, TablePrograms, TriggerPlan};
pub use returned::Returned;
pub use stored::to_stored;
pub use update::Update;
pub use virtual_table::VirtualWrite;

use crate::error::Error;
use crate::syntax::ast::ConflictAction;

/// Why a statement stopped, and how much of it is to be undone: `Abort` the statement, `Fail` nothing, `Rollback`
/// the transaction.
#[derive(Debug)]
pub struct Failure {
    /// The error that the caller sees. Apart, so that to say that all went well takes no more than two registers.
    pub error: Box<Error>,
    /// How much is undone.
    pub action: ConflictAction,
}

impl Failure {
    /// An error that undoes so much.
    pub fn new(error: Error, action: ConflictAction) -> Failure {
        Failure {
            error: Box::new(error),
            action,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let action = program::action_of(&error);
        Failure::new(error, action)
    }
}

impl From<aludel_storage::Error> for Failure {
    fn from(error: aludel_storage::Error) -> Failure {
        Failure::from(Error::from(error))
    }
}

/// What became of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is fit, or it was written.
    Kept,
    /// A conflict clause says to leave it out.
    Skipped,
}

/// What a write statement leaves behind.
#[derive(Debug, Default)]
pub struct Written {
    /// Rows inserted, changed or deleted.
    pub changes: u64,
    /// Rows of a view that INSTEAD OF triggers took.
    pub intercepted: u64,
    /// Rows that an INSERT changed on behalf of an upsert.
    pub upserted: u64,
    /// Rows of RETURNING.
    pub returned: Returned,
}

impl Written {
    /// The rows that PRAGMA count_changes tells of: those of views count, those that an upsert changed do not.
    pub fn counted(&self) -> u64 {
        (self.changes + self.intercepted).saturating_sub(self.upserted)
    }

    /// Forgets all of it and keeps what memory it can.
    pub fn clear(&mut self) {
        self.changes = 0;
        (self.intercepted, self.upserted) = (0, 0);
        self.returned.clear();
    }
}

/// The conflict clause that counts: the statement's, else the constraint's own, else ABORT.
fn resolve(statement: Option<ConflictAction>, own: Option<ConflictAction>) -> ConflictAction {
    statement.or(own).unwrap_or(ConflictAction::Abort)
}
