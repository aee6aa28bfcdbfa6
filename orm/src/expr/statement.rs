//! Statements as data: what the query builders fill in and a dialect renders.
//!
//! They live beside the expressions because each contains the other: a select has expressions, an expression can be a
//! subquery.

#![allow(missing_docs)]

use super::tree::{Name, Node, OrderTerm, SourceId};
use crate::types::Value;

/// Any statement that reads or writes rows.
#[derive(Clone, Debug)]
pub enum Statement<'s> {
    Select(&'s Select),
    Insert(&'s Insert),
    Update(&'s Update),
    Delete(&'s Delete),
}

/// `SELECT`, or a subquery.
#[derive(Clone, Debug, Default)]
pub struct Select {
    pub ctes: Vec<Cte>,
    pub distinct: bool,
    pub columns: Vec<Output>,
    pub from: Vec<FromItem>,
    pub filter: Option<Node>,
    pub group: Vec<Node>,
    pub having: Option<Node>,
    pub compound: Vec<Compound>,
    pub order: Vec<OrderTerm>,
    pub limit: Option<Node>,
    pub offset: Option<Node>,
}

/// A column of a result, with its name where it was given one.
#[derive(Clone, Debug)]
pub struct Output {
    pub node: Node,
    pub label: Option<Name>,
}

/// A common table expression.
#[derive(Clone, Debug)]
pub struct Cte {
    pub source: SourceId,
    pub columns: Vec<Name>,
    pub select: Box<Select>,
    pub recursive: bool,
}

/// One more select, combined with those before it.
#[derive(Clone, Debug)]
pub struct Compound {
    pub op: CompoundOp,
    pub select: Box<Select>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompoundOp {
    Union,
    UnionAll,
    Intersect,
    Except,
}

/// A source of rows; all but the first are joined.
#[derive(Clone, Debug)]
pub struct FromItem {
    pub source: SourceId,
    pub relation: Relation,
    pub join: Option<Join>,
}

#[derive(Clone, Debug)]
pub struct Join {
    pub kind: JoinKind,
    pub on: Option<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Cross,
}

/// What a source's rows are.
#[derive(Clone, Debug)]
pub enum Relation {
    Table {
        schema: Option<Name>,
        name: Name,
    },
    Select(Box<Select>),
    /// The common table expression of that source.
    Cte(SourceId),
}

impl Relation {
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
    pub source: SourceId,
    pub table: Relation,
    pub columns: Vec<Name>,
    pub rows: InsertRows,
    pub conflict: Option<OnConflict>,
    pub returning: Vec<Output>,
}

#[derive(Clone, Debug)]
pub enum InsertRows {
    /// Rows of values, one `Vec` after the other.
    Values {
        rows: usize,
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
    pub target: Vec<Name>,
    pub action: ConflictAction,
}

#[derive(Clone, Debug)]
pub enum ConflictAction {
    Nothing,
    Update {
        assignments: Vec<Assignment>,
        filter: Option<Node>,
    },
}

/// `column = expression`.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub column: Name,
    pub value: Node,
}

/// `UPDATE`.
#[derive(Clone, Debug)]
pub struct Update {
    pub source: SourceId,
    pub table: Relation,
    pub assignments: Vec<Assignment>,
    pub filter: Option<Node>,
    pub returning: Vec<Output>,
}

/// `DELETE`.
#[derive(Clone, Debug)]
pub struct Delete {
    pub source: SourceId,
    pub table: Relation,
    pub filter: Option<Node>,
    pub returning: Vec<Output>,
}
