//! Statements as data: what the query builders fill in and a dialect renders.
//!
//! They live beside the expressions because each contains the other: a select has expressions, an expression can be a
//! subquery.

use std::sync::Arc;

use super::tree::{Name, Node, OrderTerm, SourceId};
use crate::types::{Kind, Value};

/// Any statement that reads or writes rows.
#[derive(Clone, Debug)]
pub enum Statement<'s> {
    /// A query.
    Select(&'s Select),
    /// New rows.
    Insert(&'s Insert),
    /// Changed rows.
    Update(&'s Update),
    /// Removed rows.
    Delete(&'s Delete),
}

/// `SELECT`, or a subquery.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// VALUES in the place of SELECT: then there are no columns, sources and filters.
    pub values: Option<Box<Values>>,
    /// DISTINCT.
    pub distinct: bool,
    /// The result's columns; none stand for all columns of the sources.
    pub columns: Vec<Output>,
    /// FROM; empty for a query of constants.
    pub from: Vec<FromItem>,
    /// WHERE.
    pub filter: Option<Node>,
    /// GROUP BY.
    pub group: Vec<Node>,
    /// HAVING.
    pub having: Option<Node>,
    /// UNION, INTERSECT, EXCEPT with further queries, from left to right.
    pub compound: Vec<Compound>,
    /// ORDER BY of the whole.
    pub order: Vec<OrderTerm>,
    /// LIMIT of the whole.
    pub limit: Option<Node>,
    /// OFFSET of the whole.
    pub offset: Option<Node>,
    /// FOR UPDATE, FOR SHARE.
    pub lock: Option<RowLock>,
}

/// Which lock a select takes on the rows that it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowLock {
    /// Against readers that lock as well, or against writers only.
    pub exclusive: bool,
    /// What happens where somebody else has locked a row.
    pub contended: Contended,
}

/// What becomes of a row that somebody else has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contended {
    /// It is waited for.
    Wait,
    /// It is an error.
    Fail,
    /// It is left out.
    Skip,
}

/// A column of a result, with its name where it was given one.
#[derive(Clone, Debug)]
pub struct Output {
    /// The expression.
    pub node: Node,
    /// AS.
    pub label: Option<Name>,
}

/// `VALUES`: rows that come with the statement.
#[derive(Clone, Debug)]
pub struct Values {
    /// The types of the columns.
    pub kinds: Vec<Kind>,
    /// The rows.
    pub rows: Vec<Vec<Value<'static>>>,
}

/// A common table expression. The renderer puts it before the outermost select that uses it.
#[derive(Clone, Debug)]
pub struct Cte {
    /// Its identity: one expression that is used twice is written once.
    pub source: SourceId,
    /// Names of its columns.
    pub columns: Vec<Name>,
    /// Its query.
    pub select: Select,
    /// Whether it reads itself, as [`Relation::Recursive`].
    pub recursive: bool,
    /// Whether it is to be computed once, or made part of what uses it.
    pub materialized: Option<bool>,
}

/// One more select, combined with those before it.
#[derive(Clone, Debug)]
pub struct Compound {
    /// How the rows come together.
    pub op: CompoundOp,
    /// The further query.
    pub select: Box<Select>,
}

/// Set operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompoundOp {
    /// Rows of either, each once.
    Union,
    /// Rows of both.
    UnionAll,
    /// Rows that both have, each once.
    Intersect,
    /// Rows of the left that the right lacks, each once.
    Except,
}

/// A source of rows; all but the first are joined.
#[derive(Clone, Debug)]
pub struct FromItem {
    /// What expressions call its rows by.
    pub source: SourceId,
    /// What its rows are.
    pub relation: Relation,
    /// How it is joined to the sources before it; `None` for the first.
    pub join: Option<Join>,
}

/// A join with what came before.
#[derive(Clone, Debug)]
pub struct Join {
    /// Which rows stay.
    pub kind: JoinKind,
    /// ON.
    pub on: Option<Node>,
}

/// Kinds of join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Pairs that meet the condition.
    Inner,
    /// The same, and rows of the left without a partner.
    Left,
    /// The same as inner, and rows of the right without a partner.
    Right,
    /// The same as inner, and rows of both sides without a partner.
    Full,
    /// All pairs.
    Cross,
}

/// What a source's rows are.
#[derive(Clone, Debug)]
pub enum Relation {
    /// A table or view of the database.
    Table {
        /// The schema, where it is not the connection's own.
        schema: Option<Name>,
        /// The name.
        name: Name,
    },
    /// The rows of a query.
    Select(Box<Select>),
    /// The rows of a query that sees the sources before it.
    Lateral(Box<Select>),
    /// The elements of an array, as rows of one column `value`. It sees the sources before it.
    Elements {
        /// The array.
        array: Box<Node>,
        /// What its elements are.
        element: Kind,
    },
    /// The rows of a common table expression.
    Cte(Arc<Cte>),
    /// Within a recursive common table expression: its rows so far.
    Recursive(SourceId),
}

impl Relation {
    /// The table of that name in the connection's own schema.
    pub fn table(name: impl Into<Name>) -> Relation {
        Relation::Table {
            schema: None,
            name: name.into(),
        }
    }
}

/// `INSERT`.
#[derive(Clone, Debug)]
pub struct Insert {
    /// What expressions call the table by.
    pub source: SourceId,
    /// The table that is written.
    pub table: Relation,
    /// The columns that get values.
    pub columns: Vec<Name>,
    /// The rows.
    pub rows: InsertRows,
    /// ON CONFLICT.
    pub conflict: Option<OnConflict>,
    /// RETURNING.
    pub returning: Vec<Output>,
}

/// Where an INSERT's rows come from.
#[derive(Clone, Debug)]
pub enum InsertRows {
    /// Rows of values, one `Vec` after the other.
    Values {
        /// How many.
        rows: usize,
        /// `rows` times as many values as there are columns.
        values: Vec<Value<'static>>,
    },
    /// One row of placeholders, bound by whoever runs the statement.
    Placeholders,
    /// The rows of a query.
    Select(Box<Select>),
}

/// What to do where a row of that key exists.
#[derive(Clone, Debug)]
pub struct OnConflict {
    /// The columns of the key.
    pub target: Vec<Name>,
    /// What happens then.
    pub action: ConflictAction,
}

/// What ON CONFLICT does.
#[derive(Clone, Debug)]
pub enum ConflictAction {
    /// The new row is left out.
    Nothing,
    /// The row that is there changes.
    Update {
        /// SET.
        assignments: Vec<Assignment>,
        /// WHERE; else all such rows.
        filter: Option<Node>,
    },
}

/// `column = expression`.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The column.
    pub column: Name,
    /// What it becomes.
    pub value: Node,
}

/// `UPDATE`.
#[derive(Clone, Debug)]
pub struct Update {
    /// What expressions call the table by.
    pub source: SourceId,
    /// The table that is written.
    pub table: Relation,
    /// A source beside the table, with the condition that joins the two.
    pub using: Option<FromItem>,
    /// SET.
    pub assignments: Vec<Assignment>,
    /// WHERE.
    pub filter: Option<Node>,
    /// RETURNING.
    pub returning: Vec<Output>,
}

/// `DELETE`.
#[derive(Clone, Debug)]
pub struct Delete {
    /// What expressions call the table by.
    pub source: SourceId,
    /// The table that is written.
    pub table: Relation,
    /// A source beside the table, with the condition that joins the two.
    pub using: Option<FromItem>,
    /// WHERE.
    pub filter: Option<Node>,
    /// RETURNING.
    pub returning: Vec<Output>,
}
