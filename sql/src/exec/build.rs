//! From plan to operators, one node to one operator.
//!
//! What several operators share is found through the [`BuildContext`]: common tables (one computes, several read), the queue
//! of a recursive table, and scalar subqueries that several expressions take columns of.

use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::batch::{BatchSize, Reading};
use super::common_table::CommonTable;
use super::kernel::{Kernel, SharedScalar};
use super::meter::Meters;
use super::operator::Operator;
use super::recursive::Work;
use super::sort::Sort;
use super::{
    BATCH_ROWS_MAX, aggregate, common_table, distinct, join, project, recursive, rows, scan, set_operation,
    window,
};
use crate::error::{Error, Result};
use crate::plan::expr::Subquery;
use crate::plan::physical::{CteId, Node};
use crate::stack::StackGuard;

/// Builds the operators of a plan.
///
/// # Errors
/// [`Error::Sql`] and [`Error::Misuse`] for plans that contradict themselves.
pub fn build(node: &Node) -> Result<Box<dyn Operator>> {
    BuildContext::default().operator(node)
}

/// What the operators of one statement share while they are built.
#[derive(Default)]
pub(crate) struct BuildContext {
    /// Where the recursion over nodes and expressions began.
    pub(crate) stack: StackGuard,
    scalars: Vec<(Arc<Subquery>, Arc<Mutex<SharedScalar>>)>,
    tables: FxHashMap<CteId, Arc<Mutex<CommonTable>>>,
    work: FxHashMap<CteId, Work>,
    pure_place: Option<&'static str>,
    batch_rows_max: Option<usize>,
    /// Counts what goes through the operators, for EXPLAIN ANALYZE.
    meters: Option<Meters>,
    /// How much is read of the operator that is built next.
    reading: Reading,
}

impl BuildContext {
    /// Builds operators whose scans put at most so many rows in a batch.
    pub(crate) fn with_batches_of(batch_rows_max: usize) -> BuildContext {
        BuildContext {
            batch_rows_max: Some(batch_rows_max),
            ..BuildContext::default()
        }
    }

    /// Builds operators that `meters` watch.
    pub(crate) fn watched_by(self, meters: Option<Meters>) -> BuildContext {
        BuildContext { meters, ..self }
    }

    /// The meters of what was built.
    pub(crate) fn into_meters(self) -> Option<Meters> {
        self.meters
    }

    /// The most rows that a scan puts in a batch.
    pub(crate) fn batch_rows_max(&self) -> usize {
        self.batch_rows_max.unwrap_or(BATCH_ROWS_MAX)
    }

    /// How large the batches of a scan are.
    pub(crate) fn batch_size(&self) -> BatchSize {
        BatchSize::new(self.batch_rows_max(), self.reading)
    }

    /// Builds an input that is read to its end before anything is put out.
    pub(crate) fn drained(&mut self, node: &Node) -> Result<Box<dyn Operator>> {
        self.reading(Reading::Drained, |build| build.operator(node))
    }

    /// Builds an input of which some rows may never be asked for.
    pub(crate) fn sampled(&mut self, node: &Node) -> Result<Box<dyn Operator>> {
        self.reading(Reading::Free, |build| build.operator(node))
    }

    /// Builds an input of which often only the first row is asked for.
    pub(crate) fn first_row(&mut self, node: &Node) -> Result<Box<dyn Operator>> {
        self.reading(Reading::FirstRow, |build| build.operator(node))
    }

    /// Builds what `work` builds as an input of which so much is read.
    pub(crate) fn reading<T>(&mut self, reading: Reading, work: impl FnOnce(&mut BuildContext) -> T) -> T {
        let outer = std::mem::replace(&mut self.reading, reading);
        let built = work(self);
        self.reading = outer;
        built
    }

    /// For expressions whose results must depend on the row only: `a CHECK constraint`, `a generated column`, `an index`.
    pub(crate) fn pure(place: &'static str) -> BuildContext {
        BuildContext {
            pure_place: Some(place),
            ..BuildContext::default()
        }
    }

    /// Where the expressions stand, when functions must refuse the clock there.
    pub(crate) fn pure_place(&self) -> Option<&'static str> {
        self.pure_place
    }

    /// Whether somebody wants to know how many rows go through each operator.
    pub(crate) fn is_watched(&self) -> bool {
        self.meters.is_some()
    }

    /// Builds the operator of a node.
    pub(crate) fn operator(&mut self, node: &Node) -> Result<Box<dyn Operator>> {
        let Some(meters) = &mut self.meters else {
            return self.plain_operator(node);
        };
        meters.open_node(node);
        let operator = self.plain_operator(node)?;
        Ok(match &mut self.meters {
            Some(meters) => meters.close(operator),
            None => operator,
        })
    }

    /// Tells the meters of a node whose work the operator that is being built does itself.
    pub(crate) fn note(&mut self, node: &Node) {
        if let Some(meters) = &mut self.meters {
            meters.note(node);
        }
    }

    fn plain_operator(&mut self, node: &Node) -> Result<Box<dyn Operator>> {
        match node {
            Node::Values { rows, width } => rows::values(rows, *width, self),
            Node::TableScan(plan) => scan::table_scan(plan, self),
            Node::IndexScan(plan) => scan::index_scan(plan, self),
            Node::RowidUnion(plan) => scan::rowid_union(plan, self),
            Node::VirtualScan(plan) => scan::virtual_scan(plan, self),
            Node::Filter(filter) => {
                let input = self.operator(&filter.input)?;
                Ok(rows::filter(input, Kernel::compile_in(&filter.predicate, self)?))
            }
            Node::Project { input, expressions } => {
                let width = width_of(input);
                let input = self.operator(input)?;
                project::project(input, width, expressions, self)
            }
            Node::Aggregate(plan) => match aggregate::count_of_table(plan) {
                Some(count) => Ok(count),
                None => aggregate::aggregate(plan, self),
            },
            Node::Limit(limit) => rows::limit(limit, self),
            Node::Append { inputs } => {
                let inputs = inputs
                    .iter()
                    .map(|input| self.operator(input))
                    .collect::<Result<_>>()?;
                Ok(rows::append(inputs))
            }
            Node::Sort(sort) => {
                let width = width_of(&sort.input);
                let input = self.drained(&sort.input)?;
                Ok(Box::new(Sort::build(input, width, sort, self)?))
            }
            Node::SetOperation {
                op,
                left,
                right,
                collations,
            } => {
                let (left, right) = (self.operator(left)?, self.operator(right)?);
                Ok(set_operation::set_operation(*op, left, right, collations))
            }
            Node::Window(plan) => {
                let input = self.operator(&plan.input)?;
                window::window(input, width_of(&plan.input), plan, self)
            }
            Node::NestedLoop(plan) => join::nested_loop(plan, self),
            Node::HashJoin(plan) => join::hash_join(plan, self),
            Node::Distinct { input, collations } => {
                let width = width_of(input);
                Ok(distinct::distinct(self.operator(input)?, width, collations))
            }
            Node::With { tables, input } => common_table::with(tables, input, self),
            Node::CteScan { table, width } => match self.tables.get(table) {
                Some(shared) => Ok(common_table::scan(Arc::clone(shared), *width)),
                None => Err(Error::misuse("a common table is read where nobody computes it")),
            },
            Node::Recursive(plan) => recursive::recursive(plan, self),
            Node::RecursiveScan { table, width } => match self.work.get(table) {
                Some(work) => Ok(recursive::scan(Arc::clone(work), *width)),
                None => Err(Error::misuse("a recursive table is read outside of its steps")),
            },
        }
    }

    /// Makes a common table known to the scans built after it.
    pub(super) fn add_table(&mut self, id: CteId, table: &Arc<Mutex<CommonTable>>) {
        self.tables.insert(id, Arc::clone(table));
    }

    /// Makes the work batch of a recursive table known to the scans in its steps.
    pub(super) fn add_work(&mut self, id: CteId, work: &Work) {
        self.work.insert(id, Arc::clone(work));
    }

    /// The one runner of a scalar subquery.
    pub(crate) fn shared_subquery(
        &mut self,
        subquery: &Arc<Subquery>,
        make: impl FnOnce(&Subquery, &mut BuildContext) -> Result<SharedScalar>,
    ) -> Result<Arc<Mutex<SharedScalar>>> {
        if let Some((_, shared)) = self
            .scalars
            .iter()
            .find(|(other, _)| Arc::ptr_eq(other, subquery))
        {
            return Ok(Arc::clone(shared));
        }
        let shared = Arc::new(Mutex::new(make(subquery, self)?));
        self.scalars.push((Arc::clone(subquery), Arc::clone(&shared)));
        Ok(shared)
    }
}

/// How many columns a node puts out.
pub(crate) fn width_of(node: &Node) -> usize {
    match node {
        Node::Values { width, .. } | Node::CteScan { width, .. } | Node::RecursiveScan { width, .. } => {
            *width
        }
        Node::TableScan(scan) => scan.columns.len(),
        Node::IndexScan(scan) => scan.columns.len(),
        Node::RowidUnion(scan) => scan.columns.len(),
        Node::VirtualScan(scan) => scan.columns.len(),
        Node::Filter(filter) => width_of(&filter.input),
        Node::Sort(sort) => width_of(&sort.input),
        Node::Limit(limit) => width_of(&limit.input),
        Node::Distinct { input, .. } | Node::With { input, .. } => width_of(input),
        Node::Project { expressions, .. } => expressions.len(),
        Node::NestedLoop(join) => join_width(join.kind, join.outer_width, join.inner_width),
        Node::HashJoin(join) => join_width(join.kind, join.left_width, join.right_width),
        Node::Aggregate(aggregate) => {
            aggregate.keys.len() + aggregate.aggregates.len() + aggregate.bare.len()
        }
        Node::Append { inputs } => inputs.first().map_or(0, width_of),
        Node::SetOperation { left, .. } => width_of(left),
        Node::Recursive(recursive) => recursive.width,
        Node::Window(window) => width_of(&window.input) + window.calls.len(),
    }
}

fn join_width(kind: crate::plan::physical::JoinKind, left: usize, right: usize) -> usize {
    use crate::plan::physical::JoinKind;
    match kind {
        JoinKind::Semi | JoinKind::Anti => left,
        _ => left + right,
    }
}
