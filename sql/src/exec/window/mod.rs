//! Window functions over an input that comes sorted by partition, then by order keys.
//!
//! ```text
//!   input batch ─> kernels: partition keys, order keys, arguments, filters ─> stored beside the input's columns
//!                      │ the partition key changes: the rows before it are a whole partition
//!                      v
//!   partition ─> peer groups ─> output batches: input's columns, and for each call the values of these rows by their frames
//! ```
//!
//! A partition is held in memory, or [on disk](large) when it takes more than a quarter of the memory budget. Rows of a partition that is
//! not complete yet are carried over when the ones before it are put out. Results are computed as rows are put out, in their order.
//!
//! Invariants: W1 `places` holds the rows in order of arrival, `starts` the ordinals at which partitions begin, ascending, the first 0;
//! W2 rows below `finished` are of complete partitions, of which the first `begun` were begun with; W3 rows in `large` come before those
//! in `rows`, and no partition has rows in both.
//!
//! Source: SQLite's page on window functions.

mod aggregate;
mod frame;
mod large;
mod partition;
mod ranking;

use std::cmp::Ordering;
use std::ops::Range;

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
use large::LargePartition;
use partition::{Order, Partition, Peers};
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
        begun: 0,
        peers: Peers::new(plan.distinct),
        large: None,
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
    /// Rows of partitions that are complete.
    finished: usize,
    /// Rows that were put out.
    sent: usize,
    /// Partitions of which rows were put out, and the peer groups of the last one.
    begun: usize,
    peers: Peers,
    /// A partition on disk, and how many of its rows were put out.
    large: Option<(LargePartition, usize)>,
    exhausted: bool,
    output: Batch,
}

/// A call.
struct Call {
    kind: CallKind,
    frames: Frames,
}

enum CallKind {
    Ranking(Ranking),
    Aggregate(FrameAggregate),
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
        Ok(Call { kind, frames })
    }

    /// Gets ready for a partition.
    fn start(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        match &mut self.kind {
            CallKind::Ranking(ranking) if !ranking.picks_values() => return Ok(()),
            CallKind::Ranking(_) => {}
            CallKind::Aggregate(aggregate) => aggregate.start(),
        }
        self.frames.start(context)
    }

    /// Appends the results of some rows.
    fn compute(
        &mut self,
        context: &mut ExecContext<'_>,
        partition: &Partition<'_>,
        rows: Range<usize>,
        out: &mut Vector,
    ) -> Result<()> {
        match &mut self.kind {
            CallKind::Ranking(ranking) if !ranking.picks_values() => ranking.compute(partition, rows, out),
            CallKind::Ranking(ranking) => ranking.pick(partition, &self.frames, rows, out),
            CallKind::Aggregate(aggregate) => aggregate.compute(context, partition, &self.frames, rows, out),
        }
    }
}

impl Window {
    /// Reads until a partition is complete.
    fn advance(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.drop_finished()?;
        let budget = context.state.session.memory_budget_bytes / 4;
        while self.starts.len() < 2 && !self.exhausted {
            context.check_interrupt()?;
            if !self.input.next(context)? {
                self.exhausted = true;
                self.input.close();
                break;
            }
            self.take(context)?;
            if self.large.is_some() && !self.starts.is_empty() {
                break;
            }
            if self.starts.len() == 1 && self.rows.memory() + self.places.len() * 4 > budget {
                self.move_to_disk()?;
            }
        }
        self.finished = match (self.exhausted, self.starts.last()) {
            (true, _) => self.places.len(),
            (false, Some(last)) => *last,
            (false, None) => 0,
        };
        if let Some((large, _)) = &mut self.large {
            self.calls.iter_mut().try_for_each(|call| call.start(context))?;
            large.finish()?;
        }
        Ok(())
    }

    /// The partition at hand takes too much memory: its rows go to disk, and so will further ones.
    fn move_to_disk(&mut self) -> Result<()> {
        let mut large = LargePartition::new(self.width);
        let mut batch = Batch::new(self.width);
        for places in self.places.chunks(BATCH_ROWS_MAX) {
            self.gather(places, &mut batch);
            let columns: Vec<Values<'_>> = batch.columns.iter().map(Values::dense).collect();
            large.append(&columns, places.len(), &self.order)?;
        }
        self.large = Some((large, 0));
        self.rows.clear();
        self.places = Vec::new();
        self.starts.clear();
        Ok(())
    }

    fn gather(&self, places: &[u32], batch: &mut Batch) {
        batch.clear();
        for (number, column) in batch.columns.iter_mut().enumerate() {
            self.rows.copy_ascending(number, places, column);
        }
        batch.set_len(places.len());
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
            large,
            order,
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
        let mut from = 0;
        if let Some((large, _)) = large {
            let is_own = |n: &usize| {
                let mut keys = partition_keys.iter();
                keys.all(|(column, collation)| {
                    compare(large.last(*column), columns[*column].get(*n), collation) == Ordering::Equal
                })
            };
            from = (0..selected.len()).take_while(is_own).count();
            large.append(&columns, from, order)?;
        }
        for n in from..selected.len() {
            let same = |(column, collation): &(usize, Collation)| {
                let value = columns[*column].get(n);
                let before = match n.checked_sub(from + 1) {
                    Some(_) => Some(columns[*column].get(n - 1)),
                    None => places.last().map(|place| rows.get(*column, *place)),
                };
                before.is_some_and(|before| compare(before, value, collation) == Ordering::Equal)
            };
            let ordinal = places.len() + n - from;
            if ordinal == 0 || !partition_keys.iter().all(same) {
                starts.push(ordinal);
            }
        }
        rows.append_values(&columns, from..selected.len(), |place| places.push(place))
    }

    /// Puts the next rows of the partition on disk out; false when there are none.
    fn send_large(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let Some((large, sent)) = &mut self.large else {
            return Ok(false);
        };
        let (inputs, results) = self.output.columns.split_at_mut(self.input_width);
        let count = large.read(*sent, inputs)?;
        let partition = Partition::large(large, &self.order);
        for (call, out) in self.calls.iter_mut().zip(results) {
            context.check_interrupt()?;
            call.compute(context, &partition, *sent..*sent + count, out)?;
        }
        *sent += count;
        self.output.set_len(count);
        if count == 0 {
            self.large = None;
        }
        Ok(count > 0)
    }

    /// Puts the next of the rows in memory out; false when there are none that are finished.
    fn send(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let range = self.sent..(self.sent + BATCH_ROWS_MAX).min(self.finished);
        if range.is_empty() {
            return Ok(false);
        }
        let (inputs, results) = self.output.columns.split_at_mut(self.input_width);
        for (number, column) in inputs.iter_mut().enumerate() {
            self.rows
                .copy_ascending(number, &self.places[range.clone()], column);
        }
        let mut row = range.start;
        while row < range.end {
            let end_of = |begun: usize| self.starts.get(begun).copied().unwrap_or(self.finished);
            if self.starts.get(self.begun) == Some(&row) {
                let own = &self.places[row..end_of(self.begun + 1)];
                self.peers.find(&self.rows, own, &self.order);
                self.calls.iter_mut().try_for_each(|call| call.start(context))?;
                self.begun += 1;
                context.check_interrupt()?;
            }
            let (start, end) = (self.starts[self.begun - 1], end_of(self.begun));
            let partition = Partition::new(&self.rows, &self.places[start..end], &self.peers, &self.order);
            let until = end.min(range.end);
            for (call, out) in self.calls.iter_mut().zip(results.iter_mut()) {
                call.compute(context, &partition, row - start..until - start, out)?;
            }
            row = until;
        }
        self.output.set_len(range.len());
        self.sent = range.end;
        Ok(true)
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
                old.copy_ascending(number, places, column);
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
        self.finished = 0;
        self.sent = 0;
        self.begun = 0;
        Ok(())
    }

    fn reset(&mut self) {
        self.rows.clear();
        self.places.clear();
        self.starts.clear();
        self.finished = 0;
        self.sent = 0;
        self.begun = 0;
        self.large = None;
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
        if self.large.is_none() && self.sent == self.finished {
            self.advance(context)?;
        }
        if self.send_large(context)? || self.send(context)? {
            return Ok(true);
        }
        // A partition on disk has come to its end, and none behind it is complete.
        if !self.exhausted {
            self.advance(context)?;
            return Ok(self.send_large(context)? || self.send(context)?);
        }
        Ok(false)
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
