//! EXPLAIN ANALYZE: the statement runs, and each operator tells how many rows it put out, how often it was opened, and how long it took.
//!
//! ```text
//!   Sort                                  Metered(Sort)
//!     HashJoin                 becomes      Metered(HashJoin)
//!       TableScan  TableScan                  Metered(TableScan)  Metered(TableScan)
//! ```
//!
//! The operators are the ones that run without it, each behind one that counts what goes through; a batch costs two readings of the clock.
//! An operator's time has that of the operators under it in it. This is ours: SQLite has no such statement (its `EXPLAIN ANALYZE t` explains the
//! command ANALYZE, as it does here).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::batch::Batch;
use super::build::BuildContext;
use super::context::ExecContext;
use super::operator::Operator;
use crate::catalog::{IndexSource, Table};
use crate::error::Result;
use crate::plan::physical::{JoinKind, Node, Seek, SetOperator};
use crate::value::ValueRef;

/// The columns of the result.
pub(crate) const COLUMNS: [&str; 7] = ["id", "parent", "detail", "estimate", "rows", "loops", "ms"];

/// What went through one operator.
#[derive(Debug, Default)]
struct Meter {
    rows: AtomicU64,
    loops: AtomicU64,
    nanoseconds: AtomicU64,
}

/// An operator's line.
#[derive(Debug)]
struct Line {
    parent: usize,
    detail: String,
    /// The rows that the planner expected.
    estimate: Option<f64>,
    /// `None` where the operator above does the work itself: what went through is counted there.
    meter: Option<Arc<Meter>>,
}

/// A line of a plan: an operator, and how many rows the planner expects of it.
///
/// See [`Connection::plan`](crate::Connection::plan).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PlanLine {
    /// The line under which it stands, counted from 1; 0 for one at the top.
    pub parent: usize,
    /// What the operator does.
    pub detail: String,
    /// The rows that are expected each time that it is opened, where the planner made an estimate.
    pub estimate: Option<f64>,
}

/// The lines of a statement, in the order in which its operators are built: each after the one that reads from it.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    lines: Vec<Line>,
    /// The lines that are being built, outermost first.
    open: Vec<usize>,
}

/// An operator that is watched.
struct Metered {
    inner: Box<dyn Operator>,
    meter: Arc<Meter>,
}

/// The result of EXPLAIN ANALYZE of a query: runs it to its end, keeps no row, and puts out the lines.
struct Analysis {
    root: Box<dyn Operator>,
    meters: Meters,
    out: Batch,
    done: bool,
}

/// The operator that runs a query for its meters.
pub(crate) fn analysis(node: &Node, build: BuildContext) -> Result<Box<dyn Operator>> {
    let mut build = build.watched_by(Some(Meters::default()));
    let root = build.operator(node)?;
    Ok(Box::new(Analysis {
        root,
        meters: build.into_meters().unwrap_or_default(),
        out: Batch::new(COLUMNS.len()),
        done: false,
    }))
}

/// The lines of a query that has not run.
pub(crate) fn planned(node: &Node) -> Result<Vec<PlanLine>> {
    let mut build = BuildContext::default().watched_by(Some(Meters::default()));
    build.operator(node)?;
    Ok(build.into_meters().unwrap_or_default().plan_lines())
}

impl Meter {
    fn add_time(&self, since: Instant) {
        let nanoseconds = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl Meters {
    /// Those of a statement that writes: its first line is the statement's own.
    pub(crate) fn of_write(detail: String) -> Meters {
        let mut meters = Meters::default();
        meters.open(detail, None);
        meters
    }

    /// Counts a run of the statement whose line is the first.
    pub(crate) fn wrote(&self, rows: u64, since: Instant) {
        if let Some(meter) = self.lines.first().and_then(|line| line.meter.as_ref()) {
            meter.rows.fetch_add(rows, Ordering::Relaxed);
            meter.loops.fetch_add(1, Ordering::Relaxed);
            meter.add_time(since);
        }
    }

    /// Opens the line of a node; the operators that are built until [`close`](Self::close) go under it.
    pub(super) fn open_node(&mut self, node: &Node) {
        self.open(words(node), estimate(node));
    }

    fn open(&mut self, detail: String, estimate: Option<f64>) {
        let parent = self.open.last().map_or(0, |line| line + 1);
        self.open.push(self.lines.len());
        self.lines.push(Line {
            parent,
            detail,
            estimate,
            meter: Some(Arc::default()),
        });
    }

    /// A line for a node, and for those under it, that has no operator: the one whose line is open looks the rows up itself.
    pub(super) fn note(&mut self, node: &Node) {
        self.open_node(node);
        if let Some(line) = self.lines.last_mut() {
            line.meter = None;
        }
        match node {
            Node::Filter(filter) => self.note(&filter.input),
            Node::Project { input, .. } => self.note(input),
            _ => {}
        }
        self.open.pop();
    }

    /// Ends the line that was opened last, with its operator.
    pub(super) fn close(&mut self, inner: Box<dyn Operator>) -> Box<dyn Operator> {
        let line = self.open.pop().and_then(|line| self.lines.get(line));
        match line.and_then(|line| line.meter.as_ref()) {
            Some(meter) => Box::new(Metered {
                inner,
                meter: Arc::clone(meter),
            }),
            None => inner,
        }
    }

    /// The lines, without what was counted.
    pub(crate) fn plan_lines(&self) -> Vec<PlanLine> {
        let lines = self.lines.iter();
        lines
            .map(|line| PlanLine {
                parent: line.parent,
                detail: line.detail.clone(),
                estimate: line.estimate,
            })
            .collect()
    }

    /// The lines as rows, with what was counted since the last time.
    pub(crate) fn take_rows(&self) -> Batch {
        let mut out = Batch::new(COLUMNS.len());
        let taken = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        for (place, line) in self.lines.iter().enumerate() {
            let integers = [place as i64 + 1, line.parent as i64];
            let estimate = line
                .estimate
                .map_or(ValueRef::Null, |rows| ValueRef::Integer(rows.round() as i64));
            let counted = line.meter.as_ref().map(|meter| {
                let milliseconds = taken(&meter.nanoseconds) as f64 / 1e6;
                [
                    ValueRef::Integer(taken(&meter.rows) as i64),
                    ValueRef::Integer(taken(&meter.loops) as i64),
                    ValueRef::Real((milliseconds * 1e3).round() / 1e3),
                ]
            });
            let row = integers
                .map(ValueRef::Integer)
                .into_iter()
                .chain([ValueRef::Text(line.detail.as_bytes()), estimate])
                .chain(counted.unwrap_or([ValueRef::Null; 3]));
            for (column, value) in out.columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        out.set_len(self.lines.len());
        out
    }
}

impl Operator for Metered {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let start = Instant::now();
        self.meter.loops.fetch_add(1, Ordering::Relaxed);
        let opened = self.inner.open(context);
        self.meter.add_time(start);
        opened
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let start = Instant::now();
        let more = self.inner.next(context);
        if let Ok(true) = more {
            let rows = self.inner.batch().selected_len() as u64;
            self.meter.rows.fetch_add(rows, Ordering::Relaxed);
        }
        self.meter.add_time(start);
        more
    }

    fn batch(&self) -> &Batch {
        self.inner.batch()
    }

    fn batch_mut(&mut self) -> &mut Batch {
        self.inner.batch_mut()
    }

    fn close(&mut self) {
        self.inner.close();
    }
}

impl Operator for Analysis {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.done = false;
        self.root.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(false);
        }
        while self.root.next(context)? {
            context.check_interrupt()?;
        }
        self.out = self.meters.take_rows();
        Ok(true)
    }

    fn batch(&self) -> &Batch {
        &self.out
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.out
    }

    fn close(&mut self) {
        self.root.close();
    }
}

// ---- words ---------------------------------------------------------------------------------------

fn estimate(node: &Node) -> Option<f64> {
    match node {
        Node::TableScan(scan) => Some(scan.estimate),
        Node::IndexScan(scan) => Some(scan.estimate),
        _ => None,
    }
}

/// What a node does.
fn words(node: &Node) -> String {
    let keys = |count: usize, of: &str| match count {
        1 => format!("1 {of}"),
        count => format!("{count} {of}S"),
    };
    match node {
        Node::Values { rows, .. } => match rows.len() {
            1 => "CONSTANT ROW".to_owned(),
            count => format!("{count} CONSTANT ROWS"),
        },
        Node::TableScan(scan) => {
            let key: Vec<Option<usize>> = match &scan.table.without_rowid {
                Some(tree) => tree.stored.iter().map(|column| Some(*column)).collect(),
                None => vec![None],
            };
            let terms = seek_words(&scan.seek, |place| {
                column_name(&scan.table, key.get(place).copied().flatten())
            });
            access_words(&scan.table, " USING PRIMARY KEY", &terms, scan.filter.is_some())
        }
        Node::IndexScan(scan) => {
            let kind = if scan.covering { "COVERING INDEX" } else { "INDEX" };
            let terms = seek_words(&scan.seek, |place| {
                match scan.index.columns.get(place).map(|column| &column.source) {
                    Some(IndexSource::Column(column)) => column_name(&scan.table, Some(*column)),
                    Some(IndexSource::Expression(_)) => "<expr>".to_owned(),
                    _ => "rowid".to_owned(),
                }
            });
            let using = format!(" USING {kind} {}", scan.index.name);
            let words = access_words(&scan.table, &using, &terms, scan.filter.is_some());
            match terms.is_empty() {
                true => words.replacen(&scan.table.name, &format!("{}{using}", scan.table.name), 1),
                false => words,
            }
        }
        Node::RowidUnion(scan) => format!("{} BY SEVERAL INDEXES", scan.table.name),
        Node::VirtualScan(scan) => format!("SCAN {} VIRTUAL TABLE", scan.table.name),
        Node::Filter(_) => "FILTER".to_owned(),
        Node::Project { expressions, .. } => format!("COMPUTE {}", keys(expressions.len(), "COLUMN")),
        Node::NestedLoop(join) => format!("{}NESTED LOOP", join_words(join.kind)),
        Node::HashJoin(join) => format!(
            "{}HASH JOIN ON {}",
            join_words(join.kind),
            keys(join.keys.len(), "KEY")
        ),
        Node::Aggregate(plan) if plan.keys.is_empty() => "AGGREGATE".to_owned(),
        Node::Aggregate(plan) => {
            let how = if plan.sorted { "IN ORDER" } else { "BY HASH" };
            format!("GROUP BY {} {how}", keys(plan.keys.len(), "KEY"))
        }
        Node::Distinct { .. } => "DISTINCT".to_owned(),
        Node::Sort(sort) => {
            let kind = if sort.top.is_some() { "TOP ROWS" } else { "SORT" };
            let sorted = match sort.sorted_prefix {
                0 => String::new(),
                prefix => format!(", {prefix} SORTED BEFORE"),
            };
            format!("{kind} BY {}{sorted}", keys(sort.keys.len(), "KEY"))
        }
        Node::Limit(_) => "LIMIT".to_owned(),
        Node::Append { .. } => "UNION ALL".to_owned(),
        Node::SetOperation { op, .. } => match op {
            SetOperator::Intersect => "INTERSECT".to_owned(),
            SetOperator::Except => "EXCEPT".to_owned(),
        },
        Node::With { .. } => "WITH".to_owned(),
        Node::CteScan { .. } => "SCAN COMMON TABLE".to_owned(),
        Node::Recursive(_) => "RECURSIVE TABLE".to_owned(),
        Node::RecursiveScan { .. } => "SCAN NEW ROWS".to_owned(),
        Node::Window(window) => format!("WINDOW WITH {}", keys(window.calls.len(), "CALL")),
    }
}

fn access_words(table: &Table, using: &str, terms: &str, filters: bool) -> String {
    let filter = if filters { " WITH FILTER" } else { "" };
    match terms {
        "" => format!("SCAN {}{filter}", table.name),
        terms => format!("SEARCH {}{using} ({terms}){filter}", table.name),
    }
}

/// `a=? AND b>?`; nothing for a scan of everything.
fn seek_words(seek: &Seek, name: impl Fn(usize) -> String) -> String {
    let mut terms: Vec<String> = (0..seek.equal.len())
        .map(|place| format!("{}=?", name(place)))
        .collect();
    let next = seek.equal.len();
    terms.extend(seek.lower.iter().map(|_| format!("{}>?", name(next))));
    terms.extend(seek.upper.iter().map(|_| format!("{}<?", name(next))));
    terms.join(" AND ")
}

fn column_name(table: &Table, column: Option<usize>) -> String {
    let column = column.filter(|column| table.rowid_alias != Some(*column));
    let column = column.and_then(|column| table.columns.get(column));
    column.map_or_else(|| "rowid".to_owned(), |column| column.name.clone())
}

fn join_words(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "",
        JoinKind::Left => "LEFT ",
        JoinKind::Right => "RIGHT ",
        JoinKind::Full => "FULL ",
        JoinKind::Semi => "SEMI ",
        JoinKind::Anti => "ANTI ",
    }
}
