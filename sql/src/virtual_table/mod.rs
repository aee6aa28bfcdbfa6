//! Virtual tables: tables whose rows come from code instead of a tree. The contract between that code and the engine.
//!
//! ```text
//!   Module ── create, connect ──▶ Connected { declaration, VirtualTable }
//!                                                │
//!              planning: best_index ◀────────────┤
//!              reading:  open ─▶ VirtualCursor: filter, fill, fill, ..
//!              writing:  begin, update.., sync, commit | rollback
//!              DDL:      rename, destroy
//! ```
//!
//! A module is registered under a name ([`Connection::create_module`](crate::Connection::create_module)). `CREATE VIRTUAL TABLE t USING module(..)`
//! makes a table of it; a table-valued function is a module that needs no CREATE ([`ModuleUsage`]). The table says what its columns are by the text of a CREATE TABLE
//! statement, in which a type with the word HIDDEN hides a column from `*`; hidden columns are the arguments of a table-valued function.
//!
//! Tables keep what they have to keep in ordinary tables of the same database (shadow tables `t_name`), which they read and write
//! through the [`VirtualContext`] that each call gets: by SQL, inside the transaction of the statement that runs.
//!
//! - I1. A table object lives from its connection until the schema is read anew; all that lasts is in shadow tables.
//! - I2. Methods take `&self`: statements share the object, and a nested statement may come back to it. Who keeps state between
//!   calls holds no lock while it calls the context.

mod context;
mod index;
mod nested;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;

pub use context::VirtualContext;
pub use index::{ArgumentUse, ConstraintOp, Distinct, IndexConstraint, IndexOrder, IndexPlan, IndexQuestion};
pub(crate) use nested::NestedState;
pub use nested::Prepared;

use crate::error::{Error, Result};
use crate::exec::Batch;
use crate::functions::Function;
use crate::plan::physical::DatabaseIndex;
use crate::syntax::ast::ConflictAction;
use crate::value::Value;

/// A kind of virtual table.
pub trait Module: Debug + Send + Sync {
    /// How tables of this kind come about.
    fn usage(&self) -> ModuleUsage {
        ModuleUsage::Created
    }

    /// CREATE VIRTUAL TABLE: makes the shadow tables, then connects.
    fn create(&self, context: &mut VirtualContext<'_>, arguments: &ModuleArguments<'_>) -> Result<Connected> {
        self.connect(context, arguments)
    }

    /// Takes up a table that was created before, or one that needs no creation.
    fn connect(&self, context: &mut VirtualContext<'_>, arguments: &ModuleArguments<'_>)
    -> Result<Connected>;

    /// Whether `t_SUFFIX` is a shadow table of a table `t` of this kind.
    fn is_shadow_name(&self, _suffix: &str) -> bool {
        false
    }
}

/// How tables of a module come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleUsage {
    /// By CREATE VIRTUAL TABLE only.
    Created,
    /// By CREATE VIRTUAL TABLE, and there is one under the module's own name in any case.
    Either,
    /// Only the one under the module's own name: table-valued functions.
    EponymousOnly,
}

/// What a table is made from.
#[derive(Clone, Copy, Debug)]
pub struct ModuleArguments<'a> {
    /// The name of the module.
    pub module: &'a str,
    /// The database that the table is in, at this moment; `schema` is what stays.
    pub database: DatabaseIndex,
    /// The name of the database: `main`, `temp`, ..
    pub schema: &'a str,
    /// The name of the table.
    pub table: &'a str,
    /// The texts between the parentheses, cut at the commas, blanks around them cut off.
    pub arguments: &'a [Arc<str>],
}

/// A table that a module has made or taken up.
#[derive(Debug)]
pub struct Connected {
    /// Its columns, as the text of a CREATE TABLE statement: `CREATE TABLE x(a, b HIDDEN)`. WITHOUT ROWID says that rows have no rowid but a
    /// primary key of one column. Keys and constraints else mean nothing.
    pub declaration: String,
    /// The table.
    pub table: Arc<dyn VirtualTable>,
}

/// Where a virtual table may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Risk {
    /// Everywhere, but not from a schema that is not trusted.
    #[default]
    Normal,
    /// Everywhere.
    Innocuous,
    /// In statements only, not in triggers and views.
    DirectOnly,
}

/// A virtual table.
pub trait VirtualTable: Debug + Send + Sync {
    // ---- reading ---------------------------------------------------------------------------------

    /// How a scan under some constraints is done, and what it costs. `None`: it cannot be done with the constraints that are usable.
    fn best_index(&self, question: &IndexQuestion<'_>) -> Result<Option<IndexPlan>>;

    /// Makes a cursor. It reads nothing before its first [`filter`](VirtualCursor::filter).
    fn open(&self) -> Result<Box<dyn VirtualCursor>>;

    // ---- writing ---------------------------------------------------------------------------------

    /// Whether [`update`](VirtualTable::update) does anything but fail.
    fn is_writable(&self) -> bool {
        false
    }

    /// Inserts, changes or deletes one row. An insert returns the new rowid (a table WITHOUT ROWID: nothing).
    ///
    /// `conflict` is what the statement says of constraints (OR REPLACE, ..; Abort when it says nothing). A table that does not look at it
    /// should fail with [`Error::Constraint`] where a constraint is broken.
    fn update(
        &self,
        _context: &mut VirtualContext<'_>,
        _change: Change<'_>,
        _conflict: ConflictAction,
    ) -> Result<Option<i64>> {
        Err(Error::sql("the virtual table may not be modified"))
    }

    /// Whether the table heeds the conflict mode of a statement itself. If not, a statement with OR REPLACE is an error like any other, and OR
    /// IGNORE skips the row.
    fn heeds_conflicts(&self) -> bool {
        false
    }

    // ---- transactions ----------------------------------------------------------------------------

    /// The first write to the table in a transaction is about to begin.
    fn begin(&self, _context: &mut VirtualContext<'_>) -> Result<()> {
        Ok(())
    }

    /// The transaction is about to be committed: the last chance to write, and to fail.
    fn sync(&self, _context: &mut VirtualContext<'_>) -> Result<()> {
        Ok(())
    }

    /// The transaction was committed.
    fn commit(&self) {}

    /// The transaction was rolled back.
    fn rollback(&self) {}

    /// A savepoint was opened above `depth` others. Changes that were held back belong to what is below it: write them now.
    fn savepoint(&self, _context: &mut VirtualContext<'_>, _depth: usize) -> Result<()> {
        Ok(())
    }

    /// The savepoints from `depth` on were released.
    fn release(&self, _context: &mut VirtualContext<'_>, _depth: usize) -> Result<()> {
        Ok(())
    }

    /// What was done since the savepoint at `depth` was undone; the savepoint stays open.
    fn rollback_to(&self, _depth: usize) {}

    // ---- definition ------------------------------------------------------------------------------

    /// ALTER TABLE RENAME: renames the shadow tables.
    fn rename(&self, _context: &mut VirtualContext<'_>, _new_name: &str) -> Result<()> {
        Ok(())
    }

    /// DROP TABLE: drops the shadow tables. (Without DROP, a table object is simply dropped.)
    fn destroy(&self, _context: &mut VirtualContext<'_>) -> Result<()> {
        Ok(())
    }

    // ---- the rest --------------------------------------------------------------------------------

    /// What the function `name` means where its first argument (of `a MATCH b`, LIKE, GLOB, REGEXP: the left side) is a column of this table.
    /// `None`: what it means everywhere.
    fn find_function(&self, _name: &str, _arguments: usize) -> Option<Overload> {
        None
    }

    /// What PRAGMA integrity_check (or quick_check) finds wrong; an empty list when all is well.
    fn integrity(&self, _context: &mut VirtualContext<'_>, _quick: bool) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Where it may be used.
    fn risk(&self) -> Risk {
        Risk::Normal
    }
}

/// A function as a virtual table redefines it.
#[derive(Clone, Debug)]
pub struct Overload {
    /// The function. Often a [`FunctionKind::Database`](crate::functions::FunctionKind), which can run statements.
    ///
    /// Its first argument (for `a MATCH b`, which is `match(b, a)`, the second), instead of the column's value, is what the cursor puts out for
    /// [`CursorColumn::Handle`].
    pub function: Arc<Function>,
    /// When set, `f(column, value)` in WHERE is offered to [`VirtualTable::best_index`] as [`ConstraintOp::Function`] of this number (150 to 255).
    pub constraint: Option<u8>,
}

/// A change of one row.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Deletes the row of this rowid (WITHOUT ROWID: of this primary key).
    Delete {
        /// Which.
        row: &'a Value,
    },
    /// Inserts a row.
    Insert {
        /// The rowid that the statement asks for; NULL when the table is to choose.
        rowid: &'a Value,
        /// A value for each column, hidden ones too.
        values: &'a [Value],
    },
    /// Changes a row.
    Update {
        /// Which.
        row: &'a Value,
        /// The rowid (primary key) that it is to have, mostly the same.
        new_row: &'a Value,
        /// A value for each column, hidden ones too.
        values: &'a [Value],
    },
}

/// A scan of a virtual table.
pub trait VirtualCursor: Send {
    /// Starts the scan, or starts it over, along a plan that [`VirtualTable::best_index`] made. `arguments` are the values of the
    /// constraints that the plan uses, in its order.
    fn filter(
        &mut self,
        context: &mut VirtualContext<'_>,
        plan: &IndexPlan,
        arguments: &[Value],
    ) -> Result<()>;

    /// Appends up to `max` rows to `batch` and returns how many; 0 at the end. The batch has one vector for each of `columns`, into each of which
    /// one value is pushed for each row. Then the new length is declared ([`Batch::set_len`]).
    fn fill(
        &mut self,
        context: &mut VirtualContext<'_>,
        columns: &[CursorColumn],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize>;
}

/// What a scan puts out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorColumn {
    /// A column by its number.
    Column(usize),
    /// The rowid.
    Rowid,
    /// What functions that the table redefines get to know the row by: a value of the cursor's choice, mostly a blob. It may be looked at after the
    /// cursor has gone on, and after it was closed, so it has to name both row and query.
    /// Which column the function was called with is told, since some mean something to it and some do not.
    Handle(usize),
}
