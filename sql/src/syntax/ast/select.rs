//! Queries: `SELECT`, `VALUES`, compounds, CTEs, joins and windows.

use super::{Expr, Ident, ObjectName, SourceText, Span};

/// A query: one or more cores joined by compound operators, in front of them CTEs, after them order and limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// `WITH`.
    pub with: Option<Box<With>>,
    /// The first core; the only one in most queries.
    pub first: SelectCore,
    /// `UNION` and so on, left to right.
    pub compounds: Vec<Compound>,
    /// `ORDER BY` of the whole.
    pub order_by: Vec<OrderingTerm>,
    /// `LIMIT`.
    pub limit: Option<Box<Limit>>,
    /// From the first token to the last.
    pub span: Span,
}

/// `WITH [RECURSIVE]`.
#[derive(Clone, Debug, PartialEq)]
pub struct With {
    /// True if the word `RECURSIVE` is there; CTEs may recurse without it as well.
    pub recursive: bool,
    /// The CTEs in order.
    pub ctes: Vec<Cte>,
}

/// One common table expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Cte {
    /// Its name.
    pub name: Ident,
    /// The names of its columns, where given.
    pub columns: Vec<Ident>,
    /// `[NOT] MATERIALIZED`.
    pub materialized: Option<bool>,
    /// Its query.
    pub select: Select,
}

/// What follows a compound operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Compound {
    /// The operator.
    pub op: CompoundOp,
    /// Where the operator stands.
    pub op_span: Span,
    /// The query after it.
    pub core: SelectCore,
}

/// Operators between queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompoundOp {
    /// `UNION`.
    Union,
    /// `UNION ALL`.
    UnionAll,
    /// `INTERSECT`.
    Intersect,
    /// `EXCEPT`.
    Except,
}

impl CompoundOp {
    /// The operator as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Union => "UNION",
            Self::UnionAll => "UNION ALL",
            Self::Intersect => "INTERSECT",
            Self::Except => "EXCEPT",
        }
    }
}

/// One member of a compound.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectCore {
    /// `SELECT ...`.
    Query(Box<Query>),
    /// `VALUES (..), (..)`: at least one row; rows may differ in length, which is an error for later.
    Values(Vec<Vec<Expr>>),
}

/// `SELECT` up to, and without, `ORDER BY`.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// True with `DISTINCT`; `ALL` is the default and leaves no trace.
    pub distinct: bool,
    /// What is selected.
    pub columns: Vec<ResultColumn>,
    /// `FROM`.
    pub from: Option<FromClause>,
    /// `WHERE`.
    pub selection: Option<Expr>,
    /// `GROUP BY`.
    pub group_by: Vec<Expr>,
    /// `HAVING`; allowed without `GROUP BY` by the grammar.
    pub having: Option<Expr>,
    /// `WINDOW`.
    pub windows: Vec<NamedWindow>,
    /// From `SELECT` to the last token of the core.
    pub span: Span,
}

/// One entry of the list after `SELECT` or `RETURNING`.
#[derive(Clone, Debug, PartialEq)]
pub enum ResultColumn {
    /// An expression.
    Expr {
        /// The expression.
        expr: Expr,
        /// `AS alias`, also without the `AS`.
        alias: Option<Ident>,
        /// The text that names the column if it has no alias and is not a plain column: empty when the expression is a name that is
        /// spelled `table.column`, else the expression with parentheses
        /// as written, and comments up to the next token. Empty if there is an alias.
        text: SourceText,
        /// Where that text stands.
        span: Span,
    },
    /// `*`.
    Star(Span),
    /// `table.*`.
    TableStar {
        /// The table or its alias.
        table: Ident,
        /// From the name to the star.
        span: Span,
    },
}

/// What stands after `FROM`.
#[derive(Clone, Debug, PartialEq)]
pub struct FromClause {
    /// The first table.
    pub first: TableRef,
    /// The tables joined to it, left to right.
    pub joins: Vec<Join>,
}

impl FromClause {
    /// What stands in the place of a clause that is yet to come.
    pub(in crate::syntax) fn vacant() -> FromClause {
        FromClause {
            first: TableRef::vacant(),
            joins: Vec::new(),
        }
    }
}

/// A table that is joined to all that stand left of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// How.
    pub op: JoinOp,
    /// What.
    pub table: TableRef,
    /// `ON` or `USING`.
    pub constraint: Option<JoinConstraint>,
}

/// The operator between two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JoinOp {
    /// Its kind.
    pub kind: JoinKind,
    /// True with `NATURAL`; together with a constraint it is an error of the binder's, which looks for the tables first.
    pub natural: bool,
}

/// Kinds of join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// `,`.
    Comma,
    /// `JOIN`, `INNER JOIN`.
    Inner,
    /// `CROSS JOIN`: an inner join whose order of tables stays as written.
    Cross,
    /// `LEFT [OUTER] JOIN`.
    Left,
    /// `RIGHT [OUTER] JOIN`.
    Right,
    /// `FULL [OUTER] JOIN`, also what SQLite makes of `LEFT RIGHT JOIN`; a bare `OUTER JOIN` is an error.
    Full,
}

/// `ON expr` or `USING (a, b)`.
#[derive(Clone, Debug, PartialEq)]
pub enum JoinConstraint {
    /// `ON`.
    On(Expr),
    /// `USING`.
    Using(Vec<Ident>),
}

/// What rows can come from.
#[derive(Clone, Debug, PartialEq)]
pub enum TableRef {
    /// A table, view or CTE.
    Table {
        /// Its name.
        name: ObjectName,
        /// Its alias.
        alias: Option<Ident>,
        /// `INDEXED BY`, `NOT INDEXED`.
        indexed: Option<Indexed>,
    },
    /// A table-valued function.
    Function {
        /// Its name.
        name: ObjectName,
        /// Its arguments.
        arguments: Vec<Expr>,
        /// Its alias.
        alias: Option<Ident>,
    },
    /// `(select)`.
    Subquery {
        /// The query.
        select: Box<Select>,
        /// Its alias.
        alias: Option<Ident>,
    },
    /// `(a JOIN b ...)`.
    Parenthesized {
        /// What stands between the parentheses.
        from: Box<FromClause>,
        /// Its alias.
        alias: Option<Ident>,
    },
}

impl TableRef {
    /// What stands in the place of a table that is yet to come: one without a name.
    pub(in crate::syntax) fn vacant() -> TableRef {
        TableRef::Table {
            name: ObjectName::bare(Ident::default()),
            alias: None,
            indexed: None,
        }
    }
}

/// Index hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indexed {
    /// `INDEXED BY name`: that index or an error.
    By(Ident),
    /// `NOT INDEXED`: no index but the rowid.
    Not,
}

/// One term of `ORDER BY`, or one column of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderingTerm {
    /// What is ordered by.
    pub expr: Expr,
    /// `ASC` or `DESC`, where written.
    pub direction: Option<Direction>,
    /// `NULLS FIRST` or `NULLS LAST`, where written.
    pub nulls: Option<Nulls>,
}

impl OrderingTerm {
    /// True with `DESC`.
    #[must_use]
    pub fn descending(&self) -> bool {
        self.direction == Some(Direction::Descending)
    }
}

/// Sort direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `ASC`.
    Ascending,
    /// `DESC`.
    Descending,
}

/// Where NULLs sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// `NULLS FIRST`.
    First,
    /// `NULLS LAST`.
    Last,
}

/// `LIMIT limit [OFFSET offset]`; `LIMIT offset, limit` is turned round.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// How many rows at most.
    pub limit: Expr,
    /// How many rows are skipped.
    pub offset: Option<Expr>,
}

/// `name AS (window)` in the `WINDOW` clause.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedWindow {
    /// Its name.
    pub name: Ident,
    /// Its definition.
    pub window: WindowDefinition,
}

/// What stands between the parentheses of `OVER (...)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WindowDefinition {
    /// The window that this one builds on.
    pub base: Option<Ident>,
    /// `PARTITION BY`.
    pub partition_by: Vec<Expr>,
    /// `ORDER BY`.
    pub order_by: Vec<OrderingTerm>,
    /// The frame, where written.
    pub frame: Option<Frame>,
}

/// `ROWS | RANGE | GROUPS ...`.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// What the bounds count.
    pub unit: FrameUnit,
    /// Where the frame starts.
    pub start: FrameBound,
    /// Where it ends; `None` where only a start is written, which means the current row.
    pub end: Option<FrameBound>,
    /// `EXCLUDE`, where written.
    pub exclude: Option<FrameExclude>,
}

/// What the bounds of a frame count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameUnit {
    /// Rows.
    Rows,
    /// Distance in the value of the order by term.
    Range,
    /// Groups of peers.
    Groups,
}

/// One bound of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    /// `UNBOUNDED PRECEDING`.
    UnboundedPreceding,
    /// `expr PRECEDING`.
    Preceding(Expr),
    /// `CURRENT ROW`.
    CurrentRow,
    /// `expr FOLLOWING`.
    Following(Expr),
    /// `UNBOUNDED FOLLOWING`.
    UnboundedFollowing,
}

/// What a frame leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameExclude {
    /// `EXCLUDE NO OTHERS`.
    NoOthers,
    /// `EXCLUDE CURRENT ROW`.
    CurrentRow,
    /// `EXCLUDE GROUP`.
    Group,
    /// `EXCLUDE TIES`.
    Ties,
}
