//! The physical plan: a tree of nodes that the executor turns into operators, one to one.
//!
//! A node's output is a row layout: columns 0..n. Expressions of a node see its input's layout; a join's is its left
//! side's columns followed by its right side's. Scans put out only the columns that somebody above them reads.
//!
//! ```text
//!   Limit <- Sort <- Project <- Aggregate <- HashJoin <- TableScan users   [id, name]
//!                                                     <- IndexScan posts   [author, likes]
//! ```
//!
//! A plan that depends on an outer row reads it through registers ([`Register`](super::expr::Register)); whoever owns the outer row sets them
//! and opens the plan again.

use ecow::EcoString;
use smallvec::SmallVec;
use std::sync::Arc;

use aludel_storage::format::Collation;

use super::expr::{CompareRule, Expr, RegisterBindings, Subquery};
use crate::catalog::{Index, Table};
use crate::functions::Function;
use crate::value::Affinity;
use crate::virtual_table::{CursorColumn, IndexPlan};

/// A query, ready to be built into operators.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The root node. Its layout is that of `columns`.
    pub root: Node,
    /// The result columns.
    pub columns: Vec<ResultColumn>,
}

/// A column of a result, as statement metadata tells it.
#[derive(Clone, Debug)]
pub struct ResultColumn {
    /// The name: the alias, or what SQLite would show.
    pub name: EcoString,
    /// The table column behind it, if it is one.
    pub origin: Option<ColumnOrigin>,
    /// The affinity of the expression, if it has one.
    pub affinity: Option<Affinity>,
}

impl ResultColumn {
    /// The declared type of the table column behind it.
    pub fn declared_type(&self) -> Option<&str> {
        self.origin.as_ref().and_then(ColumnOrigin::declared_type)
    }
}

/// A table's column behind a result column.
#[derive(Clone, Debug)]
pub enum ColumnOrigin {
    /// Of a table.
    Table {
        /// The database of the table.
        database: DatabaseIndex,
        /// The table.
        table: Arc<Table>,
        /// Its column; `None` for a rowid that no column stands for.
        column: Option<usize>,
    },
}

impl ColumnOrigin {
    /// The column's name.
    pub fn name(&self) -> &str {
        match self {
            ColumnOrigin::Table { table, column, .. } => {
                let column = column.and_then(|column| table.columns.get(column));
                column.map_or("rowid", |column| &column.name)
            }
        }
    }

    /// The declared type, as written.
    pub fn declared_type(&self) -> Option<&str> {
        match self {
            ColumnOrigin::Table {
                table,
                column: Some(column),
                ..
            } => table.columns.get(*column)?.declared_type.as_deref(),
            ColumnOrigin::Table { column: None, .. } => Some("INTEGER"),
        }
    }
}

/// The number of a common table expression (or view, or shared subquery) that is computed once and read by several scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CteId(pub usize);

/// Which attached database a table is in: 0 main, 1 temp, 2.. attached.
pub type DatabaseIndex = usize;

/// Some databases: few, mostly.
pub type DatabaseList = SmallVec<[DatabaseIndex; 3]>;

/// An operator of the plan.
#[derive(Clone, Debug)]
pub enum Node {
    /// Constant rows, each an expression a column. `SELECT 1` reads one row of no columns.
    Values {
        /// The rows.
        rows: Vec<Vec<Expr>>,
        /// Columns of each.
        width: usize,
    },
    /// A scan or seek of a table's own tree (rowid table or WITHOUT ROWID tree).
    TableScan(Box<TableScan>),
    /// A scan or seek through an index, with or without a look-up in the table.
    IndexScan(Box<IndexScan>),
    /// Rows of a table found through several indexes (OR): each input puts out rowids, which are united.
    RowidUnion(Box<RowidUnion>),
    /// Rows of a virtual table or table-valued function.
    VirtualScan(Box<VirtualScan>),
    /// Rows for which the predicate is true.
    Filter(Box<Filter>),
    /// New columns from old.
    Project {
        /// Where rows come from.
        input: Box<Node>,
        /// One expression a column.
        expressions: Vec<Expr>,
    },
    /// For each row of the outer side, the inner side opened anew with the registers set.
    NestedLoop(Arc<NestedLoop>),
    /// Equi-join through a hash table on the right side.
    HashJoin(Box<HashJoin>),
    /// GROUP BY and aggregates.
    Aggregate(Box<Aggregate>),
    /// Each distinct row once, the first of its kind.
    Distinct {
        /// Where rows come from.
        input: Box<Node>,
        /// The collation of each column that counts; columns past these are carried along from the row that is kept.
        collations: Vec<Collation>,
    },
    /// ORDER BY.
    Sort(Box<Sort>),
    /// LIMIT and OFFSET.
    Limit(Box<Limit>),
    /// UNION ALL: one input after the other.
    Append {
        /// The inputs, of one width.
        inputs: Vec<Node>,
    },
    /// INTERSECT and EXCEPT. (UNION is Distinct over Append.)
    SetOperation {
        /// Which.
        op: SetOperator,
        /// The left side.
        left: Box<Node>,
        /// The right side.
        right: Box<Node>,
        /// The collation of each column.
        collations: Vec<Collation>,
    },
    /// Computes the common tables, then runs the input, in which [`Node::CteScan`] reads them.
    With {
        /// The tables: number and plan; computed when first read.
        tables: Vec<(CteId, Node)>,
        /// The query.
        input: Box<Node>,
    },
    /// Rows of a common table that an enclosing [`Node::With`] computes.
    CteScan {
        /// Which.
        table: CteId,
        /// Its width.
        width: usize,
    },
    /// A recursive common table: the initial rows, then the step over each row or batch of the queue until it is empty.
    Recursive(Box<Recursive>),
    /// The rows that the step of an enclosing [`Node::Recursive`] is to work on.
    RecursiveScan {
        /// Which.
        table: CteId,
        /// Its width.
        width: usize,
    },
    /// Window functions over a sorted input.
    Window(Box<Window>),
}

impl Node {
    /// The rows of `self` for which the predicate is true; without one, all.
    #[must_use]
    pub fn filtered(self, predicate: Option<Expr>) -> Node {
        match predicate {
            Some(predicate) => Node::Filter(Box::new(Filter {
                input: self,
                predicate,
            })),
            None => self,
        }
    }
}

/// Rows for which a predicate is true.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Where rows come from.
    pub input: Node,
    /// The predicate over the input's layout.
    pub predicate: Expr,
}

/// Rows in order.
#[derive(Clone, Debug)]
pub struct Sort {
    /// Where rows come from.
    pub input: Node,
    /// What to sort by.
    pub keys: Vec<SortKey>,
    /// When LIMIT follows: how many rows are enough (limit plus offset); a heap is kept instead of all rows.
    pub top: Option<Expr>,
    /// How many leading keys the input is sorted by already.
    pub sorted_prefix: usize,
}

/// Some of the rows.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Where rows come from.
    pub input: Node,
    /// The most rows; negative or `None`: all.
    pub limit: Option<Expr>,
    /// Rows left out at first.
    pub offset: Option<Expr>,
}

/// What a scan puts out for one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanColumn {
    /// The rowid.
    Rowid,
    /// A column of the table (through the rowid alias as well).
    Table(usize),
}

/// The columns that a scan puts out: few, mostly.
pub type ScanColumns = SmallVec<[ScanColumn; 4]>;

/// A scan or seek of a table's own tree.
#[derive(Clone, Debug)]
pub struct TableScan {
    /// The database of the table.
    pub database: DatabaseIndex,
    /// The table.
    pub table: Arc<Table>,
    /// The output layout.
    pub columns: ScanColumns,
    /// Which rows: for a rowid table bounds on the rowid, for a WITHOUT ROWID table bounds on the key.
    pub seek: Seek,
    /// Backwards.
    pub descending: bool,
    /// Checked on the scan's own layout before anything above sees the row.
    pub filter: Option<Expr>,
    /// Rows that the planner expects; for EXPLAIN and for sizing.
    pub estimate: f64,
}

/// A scan or seek through an index.
#[derive(Clone, Debug)]
pub struct IndexScan {
    /// The database of the table.
    pub database: DatabaseIndex,
    /// The table.
    pub table: Arc<Table>,
    /// The index.
    pub index: Arc<Index>,
    /// Whether the index alone holds all columns of the layout.
    pub covering: bool,
    /// The output layout.
    pub columns: ScanColumns,
    /// Which entries.
    pub seek: Seek,
    /// Backwards.
    pub descending: bool,
    /// Checked on the scan's own layout before anything above sees the row.
    pub filter: Option<Expr>,
    /// Rows that the planner expects.
    pub estimate: f64,
}

/// Which keys a scan visits: an equality on each of the first columns, then at most one range.
///
/// Affinity is applied by the planner ([`Expr::with_affinity`]); a NULL in an `Equal` or bound means no row.
#[derive(Clone, Debug, Default)]
pub struct Seek {
    /// Equalities on the key's leading columns.
    pub equal: SmallVec<[SeekTerm; 1]>,
    /// Lower bound of the column after them.
    pub lower: Option<Box<Bound>>,
    /// Upper bound of that column.
    pub upper: Option<Box<Bound>>,
}

/// An equality in a seek.
#[derive(Clone, Debug)]
pub enum SeekTerm {
    /// The column has any value: they are visited one after the other, with what is sought behind the column. Only of leading columns, and
    /// with an equality or a bound behind them.
    Any,
    /// The column equals the value.
    Equal(Expr),
    /// The column IS the value: NULL finds NULL.
    Is(Expr),
    /// The column equals one of the values; they are visited in key order, each once.
    InList(Vec<Expr>),
    /// The column equals one of the first column's values of the subquery, likewise. The affinity is applied to each.
    InSubquery(Arc<Subquery>, Option<Affinity>),
}

/// One end of a range.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The value.
    pub value: Expr,
    /// Whether the value itself is inside.
    pub inclusive: bool,
}

/// Rows found through several indexes.
#[derive(Clone, Debug)]
pub struct RowidUnion {
    /// The database of the table.
    pub database: DatabaseIndex,
    /// The table.
    pub table: Arc<Table>,
    /// Plans that put out one column, the rowid.
    pub branches: Vec<Node>,
    /// The output layout.
    pub columns: ScanColumns,
    /// Checked on the layout.
    pub filter: Option<Expr>,
}

/// A scan of a virtual table or table-valued function.
#[derive(Clone, Debug)]
pub struct VirtualScan {
    /// The table.
    pub table: Arc<Table>,
    /// The scans that it consists of: one, or one for each branch of an OR. Of several, a row that was put out by one of them is left out by
    /// those after it; the layout has the rowid then.
    pub branches: Vec<VirtualBranch>,
    /// The output layout.
    pub columns: Vec<CursorColumn>,
    /// Checked on the layout.
    pub filter: Option<Expr>,
}

/// One scan of a virtual table.
#[derive(Clone, Debug)]
pub struct VirtualBranch {
    /// How it is done.
    pub plan: Arc<IndexPlan>,
    /// What the cursor gets: for each argument of the plan one value, or several that come one after the other.
    pub arguments: Vec<SeekTerm>,
    /// Checked on the layout.
    pub filter: Option<Expr>,
}

/// How two sides are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Matching pairs.
    Inner,
    /// And left rows without a match, right side NULL.
    Left,
    /// And right rows without a match, left side NULL.
    Right,
    /// Both.
    Full,
    /// Left rows that have a match; only the left side's columns are put out.
    Semi,
    /// Left rows that have none; only the left side's columns are put out.
    Anti,
}

/// A nested-loop join.
#[derive(Clone, Debug)]
pub struct NestedLoop {
    /// The outer (left) side.
    pub outer: Node,
    /// The inner (right) side; it may read `bindings`' registers.
    pub inner: Node,
    /// Expressions over the outer row that are put into registers before the inner side is opened.
    pub bindings: RegisterBindings,
    /// How. Right and Full are not possible here when the inner side reads registers.
    pub kind: JoinKind,
    /// What else must hold of a pair (ON), over the joined layout.
    pub on: Option<Expr>,
    /// Width of the outer side's layout.
    pub outer_width: usize,
    /// Width of the inner side's layout.
    pub inner_width: usize,
    /// Somebody relies on the order in which the inner rows of one outer row come.
    pub ordered: bool,
}

/// A hash join: the table is built from the right side, the left side probes and keeps its order.
#[derive(Clone, Debug)]
pub struct HashJoin {
    /// The probing side.
    pub left: Node,
    /// The side that is built into a hash table.
    pub right: Node,
    /// The keys of either side, each over its own side's layout, and how they compare. NULL keys match nothing.
    pub keys: Vec<HashKey>,
    /// How.
    pub kind: JoinKind,
    /// What else must hold of a pair, over the joined layout.
    pub on: Option<Expr>,
    /// Width of the left side's layout.
    pub left_width: usize,
    /// Width of the right side's layout.
    pub right_width: usize,
}

/// An equality of a hash join.
#[derive(Clone, Debug)]
pub struct HashKey {
    /// Over the left side's layout.
    pub left: Expr,
    /// Over the right side's layout.
    pub right: Expr,
    /// How they compare.
    pub rule: CompareRule,
    /// IS instead of `=`: NULL matches NULL.
    pub null_matches: bool,
}

/// GROUP BY and aggregates. Output: keys, then aggregates, then bare columns; groups in the order of their keys.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Where rows come from.
    pub input: Node,
    /// What is grouped by. Empty: one row, also for no input.
    pub keys: Vec<GroupKey>,
    /// The aggregates.
    pub aggregates: Vec<AggregateCall>,
    /// Expressions that are neither keys nor aggregates: of the row where `bare_from` found its value, else of the group's first row.
    pub bare: Vec<Expr>,
    /// Which aggregate (the last min or max) picks the row for `bare`.
    pub bare_from: Option<usize>,
    /// Whether the input comes sorted by the keys, so that groups follow each other.
    pub sorted: bool,
}

/// A GROUP BY term.
#[derive(Clone, Debug)]
pub struct GroupKey {
    /// Over the input's layout.
    pub expression: Expr,
    /// By which texts are equal.
    pub collation: Collation,
}

/// A call of an aggregate function.
#[derive(Clone, Debug)]
pub struct AggregateCall {
    /// The function; the executor knows the built-in ones by name and runs typed loops for them.
    pub function: Arc<Function>,
    /// Arguments over the input's layout; `count(*)` has none.
    pub arguments: Vec<Expr>,
    /// DISTINCT.
    pub distinct: bool,
    /// FILTER (WHERE ..).
    pub filter: Option<Expr>,
    /// ORDER BY inside the call.
    pub order_by: Vec<SortKey>,
    /// The collation of min, max and DISTINCT.
    pub collation: Collation,
}

/// A sort key.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// Over the input's layout.
    pub expression: Expr,
    /// DESC.
    pub descending: bool,
    /// NULLs before all other values, whichever direction.
    pub nulls_first: bool,
    /// The collation of text.
    pub collation: Collation,
}

/// INTERSECT or EXCEPT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperator {
    /// Rows of both sides.
    Intersect,
    /// Rows of the left side that the right side has not.
    Except,
}

/// A recursive common table expression.
#[derive(Clone, Debug)]
pub struct Recursive {
    /// Its number, for the [`Node::RecursiveScan`] in `steps`.
    pub table: CteId,
    /// The first rows.
    pub initial: Node,
    /// What makes further rows from queued ones; several recursive terms run in turn.
    pub steps: Vec<Node>,
    /// UNION instead of UNION ALL: a row that was there is not queued again. The collation of each column.
    pub distinct: Option<Vec<Collation>>,
    /// ORDER BY: the queue is a priority queue, and rows are worked on one at a time.
    pub order_by: Vec<SortKey>,
    /// LIMIT on rows put out.
    pub limit: Option<Expr>,
    /// OFFSET.
    pub offset: Option<Expr>,
    /// Its width.
    pub width: usize,
}

/// Window functions that share partition and order. Output: the input's columns, then one column a call.
#[derive(Clone, Debug)]
pub struct Window {
    /// The input, sorted by partition keys, then order keys.
    pub input: Node,
    /// PARTITION BY.
    pub partition: Vec<GroupKey>,
    /// ORDER BY.
    pub order: Vec<SortKey>,
    /// No two rows agree in the ORDER BY.
    pub distinct: bool,
    /// The calls.
    pub calls: Vec<WindowCall>,
}

/// A window function call.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// A window-only function or an aggregate.
    pub function: Arc<Function>,
    /// Arguments over the input's layout.
    pub arguments: Vec<Expr>,
    /// FILTER.
    pub filter: Option<Expr>,
    /// The frame.
    pub frame: Frame,
    /// The collation of min and max.
    pub collation: Collation,
}

/// A window frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// ROWS, RANGE or GROUPS.
    pub unit: FrameUnit,
    /// Where it starts.
    pub start: FrameBound,
    /// Where it ends.
    pub end: FrameBound,
    /// EXCLUDE.
    pub exclude: FrameExclude,
}

/// What a frame counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUnit {
    /// Rows.
    Rows,
    /// Values of the order key.
    Range,
    /// Peer groups.
    Groups,
}

/// One end of a frame.
#[derive(Clone, Debug)]
pub enum FrameBound {
    /// UNBOUNDED PRECEDING.
    UnboundedPreceding,
    /// n PRECEDING.
    Preceding(Expr),
    /// CURRENT ROW.
    CurrentRow,
    /// n FOLLOWING.
    Following(Expr),
    /// UNBOUNDED FOLLOWING.
    UnboundedFollowing,
}

/// EXCLUDE of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameExclude {
    /// EXCLUDE NO OTHERS.
    NoOthers,
    /// EXCLUDE CURRENT ROW.
    CurrentRow,
    /// EXCLUDE GROUP.
    Group,
    /// EXCLUDE TIES.
    Ties,
}
