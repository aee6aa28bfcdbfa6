//! Window functions over an input that comes sorted by partition, then by order keys.
//!
//! ```text
//!   input batch ─> kernels: partition keys, order keys, arguments, filters ─> stored beside the input's columns
//!                      │ the partition key changes: the rows before it are a whole partition
//!                      v
//!   partition ─> peer groups ─> for each call: frames, values ─> output batches: input's columns, a column a call
//! ```
//!
//! A partition is held in memory. Rows of a partition that is not complete yet are carried over when the ones before it are
//! put out.
//!
//! Invariants: W1 `places` holds the rows in order of arrival, `starts` the ordinals at which partitions begin, ascending, the first 0;
//! W2 results exist for rows below `finished`, one a call each.
//!
//! Source: SQLite's page on window functions.

mod aggregate;
mod frame;
mod partition;
mod ranking;

use std::cmp::Ordering;

use super::build::BuildContext;
use super::kernel::{Kernel, Rows, Values};
use super::operator::Operator;
use super::row_store::RowStore;
use super::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::error::Result;
use crate::functions::FunctionKind;
use crate::plan::physical::{self, WindowCall};
use crate::value::{Collation, compare};
use aggregate::FrameAggregate;
use frame::Frames;
use partition::{Order, Partition};
use ranking::Ranking;

/// Builds the operator over `input`, whose layout has `width` columns.
pub(super) fn window(
    input: Box<dyn Operator>,
    width: usize,
    plan: &physical::Window,
    build: &mut BuildContext,
) -> Result<Box<dyn Operator>> {
    let mut stored = width;
    let mut kernels = Vec::new();
    let mut store = |expressions: &mut dyn Iterator<Item = &crate::plan::expr::Expr>| -> Result<Vec<usize>> {
        let mut columns = Vec::new();
        for expression in expressions {
            let kernel = Kernel::compile_in(expression, build)?;
            columns.push(kernel.as_column().unwrap_or(stored));
            if kernel.as_column().is_none() {
                stored += 1;
                kernels.push(kernel);
            }
        }
        Ok(columns)
    };
    let partition_columns = store(&mut plan.partition.iter().map(|key| &key.expression))?;
    let order_columns = store(&mut plan.order.iter().map(|key| &key.expression))?;
    let mut sites = Vec::with_capacity(plan.calls.len());
    for call in &plan.calls {
        let arguments = store(&mut call.arguments.iter())?;
        let filter = store(&mut call.filter.iter())?.first().copied();
        sites.push((arguments, filter));
    }
    let mut calls = Vec::with_capacity(plan.calls.len());
    for (call, (arguments, filter)) in plan.calls.iter().zip(sites) {
        calls.push(Call::build(call, arguments, filter, build)?);
    }
    let collations = plan.partition.iter().map(|key| key.collation.clone());
    Ok(Box::new(Window {
        input,
        input_width: width,
        kernels,
        partition_keys: partition_columns.into_iter().zip(collations).collect(),
        order: Order::new(order_columns, &plan.order),
        rows: RowStore::new(stored),
        width: stored,
        places: Vec::new(),
        starts: Vec::new(),
        finished: 0,
        sent: 0,
        exhausted: false,
        output: Batch::new(width + calls.len()),
        calls,
    }))
}

/// See the module's head.
struct Window {
    input: Box<dyn Operator>,
    /// Columns of the input.
    input_width: usize,
    /// What is stored behind the input's columns.
    kernels: Vec<Kernel>,
    /// Stored columns and their collations.
    partition_keys: Vec<(usize, Collation)>,
    order: Order,
    calls: Vec<Call>,
    rows: RowStore,
    /// Columns of `rows`.
    width: usize,
    places: Vec<u32>,
    starts: Vec<usize>,
    /// Rows whose results are computed.
    finished: usize,
    /// Rows that were put out.
    sent: usize,
    exhausted: bool,
    output: Batch,
}

/// A call and its results.
struct Call {
    kind: CallKind,
    frames: Frames,
    results: Results,
}

enum CallKind {
    Ranking(Ranking),
    Aggregate(FrameAggregate),
}

/// Results of a call, one a row.
enum Results {
    /// Values of their own.
    Computed(Vector),
    /// Values of stored columns: column and place, `None` for NULL.
    Picked(Vec<Option<(usize, u32)>>),
}

impl Call {
    fn build(
        call: &WindowCall,
        arguments: Vec<usize>,
        filter: Option<usize>,
        build: &mut BuildContext,
    ) -> Result<Call> {
        let frames = Frames::build(&call.frame, build)?;
        let kind = match &call.function.kind {
            FunctionKind::Window(function) => CallKind::Ranking(Ranking::new(*function, arguments)),
            _ => CallKind::Aggregate(FrameAggregate::build(call, arguments, filter)?),
        };
        let results = match &kind {
            CallKind::Ranking(ranking) if ranking.picks_values() => Results::Picked(Vec::new()),
            _ => Results::Computed(Vector::new()),
        };
        Ok(Call {
            kind,
            frames,
            results,
        })
    }

    fn compute(&mut self, context: &mut ExecContext<'_>, partition: &Partition<'_>) -> Result<()> {
        match (&mut self.kind, &mut self.results) {
            (CallKind::Ranking(ranking), Results::Computed(out)) => ranking.compute(partition, out),
            (CallKind::Ranking(ranking), Results::Picked(out)) => {
                self.frames.start(context, partition)?;
                ranking.pick(partition, &mut self.frames, out)
            }
            (CallKind::Aggregate(aggregate), Results::Computed(out)) => {
                self.frames.start(context, partition)?;
                aggregate.compute(context, partition, &mut self.frames, out)
            }
            (CallKind::Aggregate(_), Results::Picked(_)) => Ok(()),
        }
    }
}

impl Results {
    fn clear(&mut self) {
        match self {
            Results::Computed(values) => values.clear(),
            Results::Picked(picks) => picks.clear(),
        }
    }

    fn copy(&self, rows: &RowStore, range: std::ops::Range<usize>, out: &mut Vector) {
        match self {
            Results::Computed(values) => out.extend_range(values, range),
            Results::Picked(picks) => {
                for pick in &picks[range] {
                    match pick {
                        Some((column, place)) => out.push(rows.get(*column, *place)),
                        None => out.push_null(),
                    }
                }
            }
        }
    }
}

impl Window {
    /// Reads until a partition is complete, and computes all that are.
    fn advance(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.drop_finished()?;
        while self.starts.len() < 2 && !self.exhausted {
            context.check_interrupt()?;
            if self.input.next(context)? {
                self.take(context)?;
            } else {
                self.exhausted = true;
                self.input.close();
            }
        }
        let mut ends: Vec<usize> = self.starts.iter().skip(1).copied().collect();
        if self.exhausted && !self.starts.is_empty() {
            ends.push(self.places.len());
        }
        for (start, end) in self.starts.iter().zip(&ends) {
            context.check_interrupt()?;
            let partition = Partition::new(&self.rows, &self.places[*start..*end], &self.order);
            for call in &mut self.calls {
                call.compute(context, &partition)?;
            }
            self.finished = *end;
        }
        Ok(())
    }

    /// Stores the input's batch and marks where partitions begin.
    fn take(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let Window {
            input,
            kernels,
            rows,
            places,
            starts,
            partition_keys,
            ..
        } = self;
        let batch = input.batch();
        let selected = Rows::of(batch);
        let mut columns: Vec<Values<'_>> = batch
            .columns
            .iter()
            .map(|column| Values::of_column(column, selected))
            .collect();
        for kernel in kernels {
            columns.push(kernel.evaluate(context, batch)?);
        }
        for n in 0..selected.len() {
            let same = |(column, collation): &(usize, Collation)| {
                let value = columns[*column].get(n);
                let before = match n.checked_sub(1) {
                    Some(before) => Some(columns[*column].get(before)),
                    None => places.last().map(|place| rows.get(*column, *place)),
                };
                before.is_some_and(|before| compare(before, value, collation) == Ordering::Equal)
            };
            let ordinal = places.len() + n;
            if ordinal == 0 || !partition_keys.iter().all(same) {
                starts.push(ordinal);
            }
        }
        rows.append_values(&columns, selected.len(), |place| places.push(place))
    }

    /// Forgets rows that were put out; those of an incomplete partition move to the front.
    fn drop_finished(&mut self) -> Result<()> {
        if self.finished == 0 {
            return Ok(());
        }
        let carried = self.places.split_off(self.finished);
        let old = std::mem::replace(&mut self.rows, RowStore::new(self.width));
        self.places.clear();
        let mut batch = Batch::new(self.width);
        for places in carried.chunks(BATCH_ROWS_MAX) {
            batch.clear();
            for (number, column) in batch.columns.iter_mut().enumerate() {
                old.gather(number, places, column);
            }
            batch.set_len(places.len());
            self.rows.append(&batch, |place| self.places.push(place))?;
        }
        let finished = self.finished;
        self.starts.retain_mut(|start| {
            let kept = *start >= finished;
            *start = start.saturating_sub(finished);
            kept
        });
        self.calls.iter_mut().for_each(|call| call.results.clear());
        self.finished = 0;
        self.sent = 0;
        Ok(())
    }

    fn reset(&mut self) {
        self.rows.clear();
        self.places.clear();
        self.starts.clear();
        self.calls.iter_mut().for_each(|call| call.results.clear());
        self.finished = 0;
        self.sent = 0;
        self.exhausted = false;
    }
}

impl Operator for Window {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.reset();
        self.input.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        self.output.clear();
        if self.sent == self.finished {
            self.advance(context)?;
        }
        let range = self.sent..(self.sent + BATCH_ROWS_MAX).min(self.finished);
        if range.is_empty() {
            return Ok(false);
        }
        let (inputs, results) = self.output.columns.split_at_mut(self.input_width);
        for (number, column) in inputs.iter_mut().enumerate() {
            self.rows.gather(number, &self.places[range.clone()], column);
        }
        for (call, column) in self.calls.iter().zip(results) {
            call.results.copy(&self.rows, range.clone(), column);
        }
        self.output.set_len(range.len());
        self.sent = range.end;
        Ok(true)
    }

    fn batch(&self) -> &Batch {
        &self.output
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.output
    }

    fn close(&mut self) {
        self.input.close();
        self.reset();
    }
}
