//! Aggregates over frames.
//!
//! Rows enter the state as the frame's end passes them. When its start moves on, rows leave by the function's inverse; a function without one, or a
//! frame with EXCLUDE, starts over. Rows with equal frames share one result.

use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::frame::Frames;
use super::partition::{Partition, Row};
use crate::error::{Error, Result};
use crate::exec::{ExecContext, Vector};
use crate::functions::{Accumulator, AggregateFunction, FunctionContext, FunctionKind};
use crate::plan::physical::WindowCall;
use crate::value::{Collation, ValueRef, cast};

/// A call of an aggregate over frames, and its state.
pub(super) struct FrameAggregate {
    calls: Calls,
    state: Option<Box<dyn Accumulator>>,
    /// The rows that are in the state.
    inside: Range<usize>,
}

/// How rows get into a state.
struct Calls {
    function: Arc<dyn AggregateFunction>,
    collation: Collation,
    /// Stored columns that hold the arguments.
    arguments: Vec<usize>,
    /// The stored column that says whether a row counts.
    filter: Option<usize>,
}

impl FrameAggregate {
    pub(super) fn build(
        call: &WindowCall,
        arguments: Vec<usize>,
        filter: Option<usize>,
    ) -> Result<FrameAggregate> {
        let FunctionKind::Aggregate(function) = &call.function.kind else {
            return Err(Error::sql(format!(
                "{}() may not be used as a window function",
                call.function.name
            )));
        };
        Ok(FrameAggregate {
            calls: Calls {
                function: Arc::clone(function),
                collation: call.collation.clone(),
                arguments,
                filter,
            },
            state: None,
            inside: 0..0,
        })
    }

    /// Gets ready for a partition.
    pub(super) fn start(&mut self) {
        self.state = None;
        self.inside = 0..0;
    }

    /// Appends the results of some rows of a partition, which are asked for in their order.
    pub(super) fn compute(
        &mut self,
        context: &mut ExecContext<'_>,
        partition: &Partition<'_>,
        frames: &Frames,
        rows: Range<usize>,
        out: &mut Vector,
    ) -> Result<()> {
        let FrameAggregate { calls, state, inside } = self;
        let environment = &context.state.session.environment;
        let mut functions = FunctionContext::new(environment).with_collation(&calls.collation);
        if frames.excludes() {
            return calls.compute_each(&mut functions, partition, frames, rows, out);
        }
        let state = state.get_or_insert_with(|| calls.function.accumulator());
        for row in rows.clone() {
            let wanted = frames.range(partition, row)?;
            if row > rows.start && wanted == *inside {
                let before = out.len() - 1;
                out.push_copy(before);
                continue;
            }
            calls.slide(&mut functions, partition, state, inside, &wanted)?;
            *inside = wanted;
            state.value(&mut functions, out)?;
        }
        Ok(())
    }
}

impl Calls {
    /// Brings the state from the rows `inside` to the rows `wanted`.
    fn slide(
        &self,
        functions: &mut FunctionContext<'_>,
        partition: &Partition<'_>,
        state: &mut Box<dyn Accumulator>,
        inside: &Range<usize>,
        wanted: &Range<usize>,
    ) -> Result<()> {
        let grows = wanted.start == inside.start && wanted.end >= inside.end;
        let slides = self.function.supports_inverse()
            && wanted.start >= inside.start
            && wanted.end >= inside.end
            && wanted.start < inside.end;
        if !grows && !slides {
            *state = self.function.accumulator();
            return wanted
                .clone()
                .try_for_each(|row| self.step(functions, partition, state.as_mut(), row));
        }
        for row in inside.end..wanted.end {
            self.step(functions, partition, state.as_mut(), row)?;
        }
        for row in inside.start..wanted.start {
            let row = partition.row(row)?;
            if self.counts(&row) {
                state.inverse(functions, &self.arguments(&row))?;
            }
        }
        Ok(())
    }

    /// Starts over for each row: what EXCLUDE takes out comes back for the next.
    fn compute_each(
        &self,
        functions: &mut FunctionContext<'_>,
        partition: &Partition<'_>,
        frames: &Frames,
        rows: Range<usize>,
        out: &mut Vector,
    ) -> Result<()> {
        for row in rows {
            let mut state = self.function.accumulator();
            for other in frames.range(partition, row)? {
                if !frames.is_excluded(partition, row, other)? {
                    self.step(functions, partition, state.as_mut(), other)?;
                }
            }
            state.finalize(functions, out)?;
        }
        Ok(())
    }

    fn step(
        &self,
        functions: &mut FunctionContext<'_>,
        partition: &Partition<'_>,
        state: &mut dyn Accumulator,
        row: usize,
    ) -> Result<()> {
        let row = partition.row(row)?;
        if !self.counts(&row) {
            return Ok(());
        }
        match self.arguments.as_slice() {
            [column] => state.step(functions, &[row.get(*column)]),
            _ => state.step(functions, &self.arguments(&row)),
        }
    }

    fn counts(&self, row: &Row<'_>) -> bool {
        self.filter
            .is_none_or(|filter| cast::truth(row.get(filter)) == Some(true))
    }

    fn arguments<'r>(&self, row: &'r Row<'_>) -> SmallVec<[ValueRef<'r>; 4]> {
        self.arguments.iter().map(|column| row.get(*column)).collect()
    }
}
