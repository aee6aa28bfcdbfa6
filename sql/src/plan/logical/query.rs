//! Queries between binder and physical plan.

use ecow::EcoString;
use std::sync::Arc;

use super::column::TableId;
use super::scalar::Scalar;
use crate::catalog::Table;
use crate::functions::{Function, FunctionKind};
use crate::plan::physical::{ColumnOrigin, CteId, DatabaseIndex, FrameExclude, FrameUnit, SetOperator};
use crate::value::{Affinity, Collation};

/// A whole SELECT: a body, its order and its limit.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Query {
    /// What makes rows.
    pub body: Body,
    /// ORDER BY.
    pub order: Vec<Order>,
    /// LIMIT.
    pub limit: Option<Scalar>,
    /// OFFSET.
    pub offset: Option<Scalar>,
    /// The columns that come out.
    pub columns: Vec<OutputColumn>,
    /// Common tables of the WITH in front of this query that are referred to; each needs only those before it.
    pub common: Vec<CommonTable>,
    /// There may be queries inside its expressions.
    pub has_subqueries: bool,
}

/// A common table expression that is computed once, or not yet known to be needed only once.
#[derive(Clone, Debug)]
pub(in crate::plan) struct CommonTable {
    /// Its number.
    pub id: CteId,
    /// Its name, for EXPLAIN.
    pub name: EcoString,
    /// What it is.
    pub query: Query,
    /// How many times FROM clauses refer to it.
    pub uses: usize,
    /// MATERIALIZED.
    pub materialized: bool,
}

/// What makes a query's rows.
#[derive(Clone, Debug)]
pub(in crate::plan) enum Body {
    /// SELECT .. FROM ..
    Block(Box<Block>),
    /// VALUES.
    Values(Vec<Vec<Scalar>>),
    /// UNION and its kin, from left to right.
    Compound(Box<Compound>),
    /// A recursive common table.
    Recursive(Box<RecursiveBody>),
}

/// A compound: the first member and what follows.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Compound {
    /// The leftmost member.
    pub first: Body,
    /// The others with the operators before them.
    pub rest: Vec<(CompoundKind, Body)>,
    /// How each column compares.
    pub collations: Vec<Collation>,
}

/// How a member of a compound is combined with what stands left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum CompoundKind {
    /// UNION ALL.
    Append,
    /// UNION.
    Union,
    /// INTERSECT, EXCEPT.
    Set(SetOperator),
}

/// The body of a recursive common table; order and limit are the query's.
#[derive(Clone, Debug)]
pub(in crate::plan) struct RecursiveBody {
    /// Its number.
    pub table: CteId,
    /// The members that do not refer to the table.
    pub initial: Body,
    /// The members that do.
    pub steps: Vec<Body>,
    /// UNION instead of UNION ALL.
    pub distinct: bool,
    /// How each column compares.
    pub collations: Vec<Collation>,
}

/// A SELECT without ORDER BY.
#[derive(Clone, Debug, Default)]
pub(in crate::plan) struct Block {
    /// FROM; `None` makes one row.
    pub from: Option<From>,
    /// The terms of WHERE.
    pub filter: Vec<Scalar>,
    /// Tests of rows against other queries, made joins by the optimizer.
    pub semis: Vec<SemiJoin>,
    /// GROUP BY and aggregates.
    pub grouping: Option<Grouping>,
    /// The terms of HAVING.
    pub having: Vec<Scalar>,
    /// Window functions, by window.
    pub windows: Vec<WindowGroup>,
    /// What is selected.
    pub projection: Vec<Scalar>,
    /// DISTINCT: how each column compares.
    pub distinct: Option<Vec<Collation>>,
}

/// Rows are kept that have a match among the rows of `from`, or that have none.
#[derive(Clone, Debug)]
pub(in crate::plan) struct SemiJoin {
    /// Keep those without a match.
    pub anti: bool,
    /// Where matches come from.
    pub from: From,
    /// What holds of those rows alone.
    pub filter: Vec<Scalar>,
    /// What holds of a match.
    pub on: Vec<Scalar>,
}

/// The tables of a block and how they are joined.
#[derive(Clone, Debug)]
pub(in crate::plan) enum From {
    /// One table.
    Source(Source),
    /// An inner join of any number of items.
    Inner {
        /// What is joined, as written from left to right.
        items: Vec<JoinItem>,
        /// The terms of the ON clauses.
        on: Vec<Scalar>,
    },
    /// LEFT, RIGHT or FULL JOIN.
    Outer {
        /// Which.
        kind: OuterKind,
        /// The left side.
        left: Box<From>,
        /// The right side.
        right: Box<From>,
        /// The terms of ON.
        on: Vec<Scalar>,
    },
}

/// A member of an inner join.
#[derive(Clone, Debug)]
pub(in crate::plan) struct JoinItem {
    /// What is joined.
    pub from: From,
    /// CROSS JOIN: everything left of it stays before it.
    pub fixed: bool,
}

/// Kinds of outer join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum OuterKind {
    /// All left rows.
    Left,
    /// All right rows.
    Right,
    /// All rows.
    Full,
}

/// One table of FROM.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Source {
    /// Its number.
    pub table: TableId,
    /// What it is.
    pub kind: SourceKind,
    /// INDEXED BY, NOT INDEXED.
    pub hint: IndexHint,
}

/// What a table of FROM is.
#[derive(Clone, Debug)]
pub(in crate::plan) enum SourceKind {
    /// A table of the schema.
    Table {
        database: DatabaseIndex,
        table: Arc<Table>,
    },
    /// A virtual table; the arguments of a table-valued function stand for its hidden columns in order.
    Virtual {
        table: Arc<Table>,
        arguments: Box<[Scalar]>,
    },
    /// A subquery or view.
    Query(Box<Query>),
    /// A common table.
    Common(CteId),
    /// The rows that a recursive common table's step works on.
    Recursion(CteId),
}

/// Index hints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::plan) enum IndexHint {
    /// None.
    #[default]
    Free,
    /// NOT INDEXED.
    NotIndexed,
    /// INDEXED BY.
    By(Box<str>),
}

/// GROUP BY and aggregates of a block.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Grouping {
    /// The pseudo-table whose columns are the keys.
    pub keys: TableId,
    /// The keys, over the tables of FROM.
    pub terms: Vec<GroupTerm>,
    /// The pseudo-table whose columns are the results of `calls`.
    pub results: TableId,
    /// The aggregates.
    pub calls: Vec<AggregateCall>,
}

/// A term of GROUP BY or PARTITION BY.
#[derive(Clone, Debug)]
pub(in crate::plan) struct GroupTerm {
    /// The expression.
    pub expression: Scalar,
    /// By which texts are equal.
    pub collation: Collation,
}

/// A call of an aggregate.
#[derive(Clone, Debug)]
pub(in crate::plan) struct AggregateCall {
    /// The function.
    pub function: Arc<Function>,
    /// Its arguments.
    pub arguments: Vec<Scalar>,
    /// DISTINCT.
    pub distinct: bool,
    /// FILTER.
    pub filter: Option<Scalar>,
    /// ORDER BY among the arguments.
    pub order: Vec<OrderKey>,
    /// For min, max, DISTINCT.
    pub collation: Collation,
}

impl AggregateCall {
    /// Whether it is the built-in min() or max(), which pick the row that bare columns come from.
    pub fn picks_row(&self) -> bool {
        self.function.builtin
            && matches!(self.function.kind, FunctionKind::Aggregate(_))
            && matches!(&*self.function.name, "min" | "max")
    }
}

/// Window functions over one window.
#[derive(Clone, Debug)]
pub(in crate::plan) struct WindowGroup {
    /// The pseudo-table whose columns are the results of `calls`.
    pub results: TableId,
    /// PARTITION BY.
    pub partition: Vec<GroupTerm>,
    /// ORDER BY.
    pub order: Vec<OrderKey>,
    /// The calls.
    pub calls: Vec<WindowCall>,
}

/// A call of a window function.
#[derive(Clone, Debug)]
pub(in crate::plan) struct WindowCall {
    /// The function.
    pub function: Arc<Function>,
    /// Its arguments.
    pub arguments: Vec<Scalar>,
    /// FILTER.
    pub filter: Option<Scalar>,
    /// The frame.
    pub frame: Frame,
    /// For min and max.
    pub collation: Collation,
}

/// A window frame.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Frame {
    /// What it counts in.
    pub unit: FrameUnit,
    /// Where it starts.
    pub start: FrameBound,
    /// Where it ends.
    pub end: FrameBound,
    /// What it leaves out.
    pub exclude: FrameExclude,
}

/// One end of a frame.
#[derive(Clone, Debug)]
pub(in crate::plan) enum FrameBound {
    /// UNBOUNDED PRECEDING.
    UnboundedPreceding,
    /// n PRECEDING.
    Preceding(Scalar),
    /// CURRENT ROW.
    CurrentRow,
    /// n FOLLOWING.
    Following(Scalar),
    /// UNBOUNDED FOLLOWING.
    UnboundedFollowing,
}

/// A sort key.
#[derive(Clone, Debug)]
pub(in crate::plan) struct OrderKey {
    /// What is sorted by.
    pub expression: Scalar,
    /// DESC.
    pub descending: bool,
    /// NULLs before all other values.
    pub nulls_first: bool,
    /// How texts compare.
    pub collation: Collation,
}

/// A term of a query's ORDER BY.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Order {
    /// What is sorted by.
    pub target: OrderTarget,
    /// DESC.
    pub descending: bool,
    /// NULLs before all other values.
    pub nulls_first: bool,
    /// How texts compare.
    pub collation: Collation,
}

/// What an ORDER BY term refers to.
#[derive(Clone, Debug)]
pub(in crate::plan) enum OrderTarget {
    /// A result column.
    Output(usize),
    /// An expression over the block's tables.
    Expression(Scalar),
}

/// A column that comes out of a query.
#[derive(Clone, Debug)]
pub(in crate::plan) struct OutputColumn {
    /// Its name.
    pub name: EcoString,
    /// What a query around this one calls it, where that differs: a column has the name there by which it is written here, also under
    /// COLLATE. (The columns of a view go by their declared names.)
    pub inner_name: Option<Box<EcoString>>,
    /// Its affinity, if the expression has one.
    pub affinity: Option<Affinity>,
    /// Its collation, if the expression has one.
    pub collation: Option<Collation>,
    /// Whether COLLATE names it.
    pub explicit: bool,
    /// Whether it stands for one of the columns of a `*`.
    pub expanded: bool,
    /// The table column behind it.
    pub origin: Option<ColumnOrigin>,
}

impl OutputColumn {
    /// A column that nobody names, of an expression without affinity.
    pub fn nameless() -> OutputColumn {
        OutputColumn {
            name: EcoString::default(),
            inner_name: None,
            affinity: None,
            collation: None,
            explicit: false,
            expanded: false,
            origin: None,
        }
    }
}

impl Query {
    /// A query that is nothing but a body.
    pub fn of(body: Body, columns: Vec<OutputColumn>) -> Query {
        Query {
            body,
            order: Vec::new(),
            limit: None,
            offset: None,
            columns,
            common: Vec::new(),
            has_subqueries: true,
        }
    }

    /// How many columns come out.
    pub fn width(&self) -> usize {
        self.columns.len()
    }
}

impl From {
    /// Visits the tables whose rows may be missing: those on the other side of an outer join that keeps all rows of one.
    pub fn each_missing(&self, visit: &mut dyn FnMut(TableId)) {
        match self {
            From::Source(_) => {}
            From::Inner { items, .. } => items.iter().for_each(|item| item.from.each_missing(visit)),
            From::Outer {
                kind, left, right, ..
            } => {
                let sides = [(left, OuterKind::Left), (right, OuterKind::Right)];
                for (side, kept) in sides {
                    if *kind == kept {
                        side.each_missing(visit);
                    } else {
                        side.each_source(&mut |source| visit(source.table));
                    }
                }
            }
        }
    }

    /// Visits the tables from left to right.
    pub fn each_source<'a>(&'a self, visit: &mut dyn FnMut(&'a Source)) {
        match self {
            From::Source(source) => visit(source),
            From::Inner { items, .. } => items.iter().for_each(|item| item.from.each_source(visit)),
            From::Outer { left, right, .. } => {
                left.each_source(visit);
                right.each_source(visit);
            }
        }
    }
}
