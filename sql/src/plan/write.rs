//! Plans of INSERT, UPDATE and DELETE: what the binder hands to the executor of writes.
//!
//! All expressions that concern one row of the target table (CHECK, generated columns, index expressions, partial-index
//! filters, RETURNING) are bound over the *table row layout*: columns 0..n are the table's columns in declaration
//! order, column n is the rowid (NULL for a WITHOUT ROWID table).
//!
//! An UPDATE or DELETE first runs `input`, whose layout begins with the old table row in table row layout (n + 1 columns, virtual generated
//! ones NULL); the columns after that are those of an UPDATE .. FROM. The executor collects these rows before it changes anything.

use std::sync::Arc;

use super::expr::Expr;
use super::physical::{DatabaseIndex, Node, ResultColumn};
use crate::catalog::Table;
use crate::syntax::ast::ConflictAction;

/// What the executor needs to know to keep one table and its indexes right.
#[derive(Clone, Debug)]
pub struct TargetTable {
    /// The database of the table.
    pub database: DatabaseIndex,
    /// The table.
    pub table: Arc<Table>,
    /// CHECK constraints in order: the label for "CHECK constraint failed: .." and the expression over the table row.
    pub checks: Vec<(String, Expr)>,
    /// The DEFAULT of each NOT NULL column that has one: what ON CONFLICT REPLACE puts in place of NULL.
    pub defaults: Vec<(usize, Expr)>,
    /// Generated columns and how they are computed over the table row, in an order in which each needs only earlier ones.
    pub generated: Vec<(usize, Expr)>,
    /// For each index of the table, in its order: the key expressions and filter over the table row. Empty where no index has an expression or a
    /// filter, unless it is asked for: entries are columns of the row then.
    pub indexes: Vec<IndexMaintenance>,
    /// RETURNING, over the table row layout.
    pub returning: Option<Returning>,
}

/// How one index follows its table.
#[derive(Clone, Debug)]
pub struct IndexMaintenance {
    /// The key columns over the table row layout; plain columns are `Expr::Column`.
    pub key: Vec<Expr>,
    /// The WHERE of a partial index over the table row layout.
    pub filter: Option<Expr>,
}

/// RETURNING.
#[derive(Clone, Debug)]
pub struct Returning {
    /// Over the table row layout (the new row; the old one for DELETE).
    pub expressions: Vec<Expr>,
    /// Their names and types.
    pub columns: Vec<ResultColumn>,
}

/// An INSERT or REPLACE.
#[derive(Clone, Debug)]
pub struct InsertPlan {
    /// The table.
    pub target: TargetTable,
    /// The rows. DEFAULT VALUES is one row of no columns.
    pub source: Node,
    /// Whether the source may read the target table, so that its rows must be collected first.
    pub source_reads_target: bool,
    /// What each table column gets, in declaration order; generated columns get `Null` here and are computed later.
    pub values: Vec<InsertValue>,
    /// What the rowid gets when no column stands for it: a source column named `rowid`, `_rowid_` or `oid`.
    pub rowid: Option<usize>,
    /// OR REPLACE, OR IGNORE, ..; `None` leaves it to each constraint.
    pub conflict: Option<ConflictAction>,
    /// ON CONFLICT clauses in order.
    pub upserts: Vec<Upsert>,
}

/// What an inserted column gets.
#[derive(Clone, Debug)]
pub enum InsertValue {
    /// A column of the source.
    Source(usize),
    /// The default, an expression that reads no row.
    Default(Expr),
    /// NULL.
    Null,
}

/// An ON CONFLICT clause of INSERT.
#[derive(Clone, Debug)]
pub struct Upsert {
    /// The constraint it is for; `None`: any.
    pub target: Option<UpsertTarget>,
    /// DO UPDATE SET; `None`: DO NOTHING.
    pub update: Option<UpsertUpdate>,
}

/// The uniqueness constraint that an ON CONFLICT names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpsertTarget {
    /// The rowid (INTEGER PRIMARY KEY), or the key of a WITHOUT ROWID table.
    PrimaryKey,
    /// The index at this place of the table's list.
    Index(usize),
}

/// DO UPDATE SET .. WHERE ..
///
/// Expressions are over the old row in table row layout followed by the row that was to be inserted (`excluded`) in table row layout.
#[derive(Clone, Debug)]
pub struct UpsertUpdate {
    /// Column and new value; column n (after the last) is the rowid.
    pub sets: Vec<(usize, Expr)>,
    /// WHERE.
    pub filter: Option<Expr>,
}

/// An UPDATE.
#[derive(Clone, Debug)]
pub struct UpdatePlan {
    /// The table.
    pub target: TargetTable,
    /// The rows to change.
    pub input: Node,
    /// UPDATE .. FROM: a row may come several times, and is changed once, by the last.
    pub joined: bool,
    /// Column and new value over the input's layout; column n (after the last) is the rowid.
    pub sets: Vec<(usize, Expr)>,
    /// OR REPLACE, OR IGNORE, ..
    pub conflict: Option<ConflictAction>,
}

/// A DELETE.
#[derive(Clone, Debug)]
pub struct DeletePlan {
    /// The table.
    pub target: TargetTable,
    /// The rows to delete.
    pub input: Node,
    /// Whether these are all rows of the table, so that its trees can be cleared as a whole when nothing looks at single rows
    /// (triggers, foreign keys, RETURNING).
    pub unconditional: bool,
}
