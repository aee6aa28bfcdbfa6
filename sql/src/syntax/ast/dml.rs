//! `INSERT`, `UPDATE`, `DELETE` and their clauses.

use super::{Expr, FromClause, Ident, Indexed, Limit, ObjectName, OrderingTerm, ResultColumn, Select, With};

/// What to do when a constraint is violated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConflictAction {
    /// Undo the transaction.
    Rollback,
    /// Undo the statement; the default.
    Abort,
    /// Stop, and keep what is done.
    Fail,
    /// Leave the row out and go on.
    Ignore,
    /// Delete the rows that are in the way.
    Replace,
}

/// `INSERT` or `REPLACE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// `WITH` in front.
    pub with: Option<Box<With>>,
    /// `INSERT OR action`; `REPLACE` is `Some(Replace)`.
    pub or: Option<ConflictAction>,
    /// The table.
    pub table: ObjectName,
    /// `AS alias`.
    pub alias: Option<Ident>,
    /// The columns, where listed.
    pub columns: Vec<Ident>,
    /// The rows.
    pub source: InsertSource,
    /// `ON CONFLICT` clauses in order.
    pub upserts: Vec<Upsert>,
    /// `RETURNING`.
    pub returning: Vec<ResultColumn>,
}

/// Where an insert's rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertSource {
    /// `VALUES` or `SELECT`.
    Select(Box<Select>),
    /// `DEFAULT VALUES`.
    DefaultValues,
}

/// `ON CONFLICT [target] DO ...`.
#[derive(Clone, Debug, PartialEq)]
pub struct Upsert {
    /// Which uniqueness constraint; `None` for any.
    pub target: Option<UpsertTarget>,
    /// What to do.
    pub action: UpsertAction,
}

/// `(columns) [WHERE ..]` of an upsert.
#[derive(Clone, Debug, PartialEq)]
pub struct UpsertTarget {
    /// The columns or expressions of the index.
    pub columns: Vec<OrderingTerm>,
    /// The condition of a partial index.
    pub selection: Option<Expr>,
}

/// `DO NOTHING` or `DO UPDATE`.
#[derive(Clone, Debug, PartialEq)]
pub enum UpsertAction {
    /// Leave the row out.
    Nothing,
    /// Change the row that is there.
    Update {
        /// `SET`.
        assignments: Vec<Assignment>,
        /// `WHERE`.
        selection: Option<Expr>,
    },
}

/// `column = expr` or `(a, b) = row`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The columns: one, or several from a parenthesized list (`row` is then set).
    pub columns: Vec<Ident>,
    /// True if the columns stand in parentheses, so that the value is a row value.
    pub row: bool,
    /// The new value.
    pub value: Expr,
}

/// `UPDATE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// `WITH` in front.
    pub with: Option<Box<With>>,
    /// `UPDATE OR action`.
    pub or: Option<ConflictAction>,
    /// The table.
    pub table: ObjectName,
    /// `AS alias`.
    pub alias: Option<Ident>,
    /// `INDEXED BY`, `NOT INDEXED`.
    pub indexed: Option<Indexed>,
    /// `SET`.
    pub assignments: Vec<Assignment>,
    /// `FROM`.
    pub from: Option<FromClause>,
    /// `WHERE`.
    pub selection: Option<Expr>,
    /// `RETURNING`.
    pub returning: Vec<ResultColumn>,
    /// `ORDER BY`, which counts together with `LIMIT` only.
    pub order_by: Vec<OrderingTerm>,
    /// `LIMIT`.
    pub limit: Option<Box<Limit>>,
}

/// `DELETE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    /// `WITH` in front.
    pub with: Option<Box<With>>,
    /// The table.
    pub table: ObjectName,
    /// `AS alias`.
    pub alias: Option<Ident>,
    /// `INDEXED BY`, `NOT INDEXED`.
    pub indexed: Option<Indexed>,
    /// `WHERE`.
    pub selection: Option<Expr>,
    /// `RETURNING`.
    pub returning: Vec<ResultColumn>,
    /// `ORDER BY`, which counts together with `LIMIT` only.
    pub order_by: Vec<OrderingTerm>,
    /// `LIMIT`.
    pub limit: Option<Box<Limit>>,
}
