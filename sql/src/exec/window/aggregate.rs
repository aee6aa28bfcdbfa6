//! Aggregates over frames.
//!
//! Rows enter the state as the frame's end passes them. When its start moves on, rows leave by the function's inverse; a function without one, or a
//! frame with EXCLUDE, starts over. Rows with equal frames share one result.

use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::frame::Frames;
use super::partition::Partition;
use crate::error::{Error, Result};
use crate::exec::{ExecContext, Vector};
use crate::functions::{Accumulator, AggregateFunction, FunctionContext, FunctionKind};
use crate::plan::physical::WindowCall;
use crate::value::{Collation, ValueRef, cast};

/// A call of an aggregate over frames.
pub(super) struct FrameAggregate {
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
            function: Arc::clone(function),
            collation: call.collation.clone(),
            arguments,
            filter,
        })
    }

    /// Appends the results of all rows of a partition.
    pub(super) fn compute(
        &self,
        context: &mut ExecContext<'_>,
        partition: &Partition<'_>,
        frames: &mut Frames,
        out: &mut Vector,
    ) -> Result<()> {
        let mut functions =
            FunctionContext::new(&context.state.session.environment).with_collation(&self.collation);
        if frames.excludes() {
            return self.compute_each(&mut functions, partition, frames, out);
        }
        let mut state = self.function.accumulator();
        let mut inside = 0..0;
        for row in 0..partition.len() {
            let wanted = frames.range(partition, row);
            if row > 0 && wanted == inside {
                let before = out.len() - 1;
                out.push_copy(before);
                continue;
            }
            self.slide(&mut functions, partition, &mut state, &inside, &wanted)?;
            inside = wanted;
            state.value(&mut functions, out)?;
        }
        Ok(())
    }

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
            if self.counts(partition, row) {
                state.inverse(functions, &self.row(partition, row))?;
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
        out: &mut Vector,
    ) -> Result<()> {
        for row in 0..partition.len() {
            let mut state = self.function.accumulator();
            for other in frames.range(partition, row) {
                if !frames.is_excluded(partition, row, other) {
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
        if self.counts(partition, row) {
            state.step(functions, &self.row(partition, row))
        } else {
            Ok(())
        }
    }

    fn counts(&self, partition: &Partition<'_>, row: usize) -> bool {
        self.filter
            .is_none_or(|filter| cast::truth(partition.value(filter, row)) == Some(true))
    }

    fn row<'p>(&self, partition: &Partition<'p>, row: usize) -> SmallVec<[ValueRef<'p>; 4]> {
        self.arguments
            .iter()
            .map(|column| partition.value(*column, row))
            .collect()
    }
}
