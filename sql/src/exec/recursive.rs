//! Recursive common tables.
//!
//! ```text
//!   initial ──▶ queue ──▶ some rows ──▶ output
//!                 ▲           └──▶ work ──▶ steps ──┐
//!                 └─────────────────────────────────┘
//! ```
//!
//! Rows leave the queue in the order in which they came, or in that of ORDER BY, and are put out; the steps make further rows from them.
//! A step that goes through the queued rows in order, and keeps nothing from row to row, gets many at once: that changes neither its rows
//! nor their order. Other steps, and queues with an order of their own, get one row at a time.
//!
//! A step that is nothing but a filter and expressions over the queued row (counters, series) runs without a queue: each
//! row is made from the one before it, value by value.
//!
//! Queued rows beyond the memory budget are in files, as are the keys that tell UNION which rows were there before.
//!
//! Rows are worked on only as far as rows are asked for, so a LIMIT outside ends an endless recursion.

use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::batch::{BatchSize, Reading};
use super::build::BuildContext;
use super::distinct::Seen;
use super::kernel::{Kernel, Rows, Values};
use super::operator::Operator;
use super::row_log::RowLog;
use super::rows::{RowCounts, cut};
use super::sort::PriorityQueue;
use super::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::error::Result;
use crate::plan::physical::{self, CteId, Node};

/// The rows that the steps are to work on.
pub(crate) type Work = Arc<Mutex<Batch>>;

pub(super) fn recursive(plan: &physical::Recursive, build: &mut BuildContext) -> Result<Box<dyn Operator>> {
    let initial = build.sampled(&plan.initial)?;
    let work: Work = Arc::new(Mutex::new(Batch::new(plan.width)));
    build.add_work(plan.table, &work);
    let steps = plan
        .steps
        .iter()
        .map(|step| build.sampled(step))
        .collect::<Result<_>>()?;
    let in_order = plan.steps.len() == 1 && plan.steps.iter().all(|step| goes_in_order(step, plan.table));
    let queue = match plan.order_by.is_empty() {
        true => Queue::InOrder {
            rows: Batch::new(plan.width),
            waiting: RowLog::new(plan.width, 0),
            next_waiting: 0,
            at_once: if in_order { BATCH_ROWS_MAX } else { 1 },
        },
        false => Queue::Ordered {
            rows: PriorityQueue::new(plan.width, &plan.order_by),
            keys: Kernel::compile_all(plan.order_by.iter().map(|key| &key.expression), build)?,
        },
    };
    let series = match plan.steps.as_slice() {
        [step] if plan.distinct.is_none() && plan.order_by.is_empty() => {
            Series::compile(step, plan.table, build)?
        }
        _ => None,
    };
    Ok(Box::new(Recursive {
        initial,
        steps,
        series,
        work,
        queue,
        at_hand: Batch::new(plan.width),
        next_at_hand: 0,
        seen: plan.distinct.as_ref().map(|collations| Seen::new(collations)),
        fresh: Vec::new(),
        counts: RowCounts::compile(plan.limit.as_ref(), plan.offset.as_ref(), build)?,
        skip: 0,
        left: 0,
        started: false,
        size: BatchSize::new(build.batch_rows_max(), Reading::Free),
        output: Batch::new(plan.width),
    }))
}

/// Whether the rows of a step come in the order of the queued rows that they are made from, each made from one of them alone.
fn goes_in_order(node: &Node, table: CteId) -> bool {
    match node {
        Node::RecursiveScan { table: scanned, .. } => *scanned == table,
        Node::Filter(filter) => goes_in_order(&filter.input, table),
        Node::Project { input, .. } => goes_in_order(input, table),
        Node::NestedLoop(join) => goes_in_order(&join.outer, table),
        Node::HashJoin(join) => {
            let left_only = !matches!(join.kind, physical::JoinKind::Right | physical::JoinKind::Full);
            left_only && goes_in_order(&join.left, table)
        }
        _ => false,
    }
}

/// A step that makes at most one row from each, and reads nothing but that.
struct Series {
    filter: Option<Kernel>,
    expressions: Vec<Kernel>,
    /// The row that comes next.
    following: Batch,
}

impl Series {
    fn compile(step: &Node, table: CteId, build: &mut BuildContext) -> Result<Option<Series>> {
        let Node::Project { input, expressions } = step else {
            return Ok(None);
        };
        let (input, filter) = match input.as_ref() {
            Node::Filter(filter) => (&filter.input, Some(&filter.predicate)),
            input => (input, None),
        };
        if !matches!(input, Node::RecursiveScan { table: scanned, .. } if *scanned == table) {
            return Ok(None);
        }
        Ok(Some(Series {
            filter: filter
                .map(|filter| Kernel::compile_in(filter, build))
                .transpose()?,
            expressions: Kernel::compile_all(expressions, build)?,
            following: Batch::new(expressions.len()),
        }))
    }

    /// Replaces the one row of `row` by the row made from it; false when there is none.
    #[inline]
    fn advance(&mut self, context: &mut ExecContext<'_>, row: &mut Batch) -> Result<bool> {
        if let Some(filter) = &mut self.filter
            && !filter.is_true(context, row)?
        {
            return Ok(false);
        }
        for (kernel, out) in self.expressions.iter_mut().zip(&mut self.following.columns) {
            out.set(kernel.evaluate_one(context, row)?);
        }
        std::mem::swap(&mut row.columns, &mut self.following.columns);
        Ok(true)
    }
}

/// Rows that are still to be put out and worked on.
enum Queue {
    InOrder {
        rows: Batch,
        /// Rows that came before those, beyond the memory budget, and the next of them.
        waiting: RowLog,
        next_waiting: usize,
        /// How many rows the steps may get together.
        at_once: usize,
    },
    Ordered {
        rows: PriorityQueue,
        keys: Vec<Kernel>,
    },
}

impl Queue {
    fn clear(&mut self) {
        match self {
            Queue::InOrder {
                rows,
                waiting,
                next_waiting,
                ..
            } => {
                rows.clear();
                waiting.restart(0);
                *next_waiting = 0;
            }
            Queue::Ordered { rows, .. } => rows.clear(),
        }
    }

    /// Adds the selected rows of a batch.
    fn push(&mut self, context: &mut ExecContext<'_>, batch: &Batch) -> Result<()> {
        let budget = context.state.session.memory_budget_bytes / 4;
        match self {
            Queue::InOrder { rows, waiting, .. } => {
                append(rows, batch);
                let memory = || rows.columns.iter().map(Vector::memory).sum::<usize>();
                if rows.len() > BATCH_ROWS_MAX && memory() > budget / 2 {
                    waiting.append(rows)?;
                    rows.columns.iter_mut().for_each(Vector::release);
                    rows.clear();
                }
                Ok(())
            }
            Queue::Ordered { rows, keys } => {
                let mut values: SmallVec<[Values<'_>; 2]> = SmallVec::new();
                for key in keys {
                    values.push(key.evaluate_rows(context, batch, Rows::of(batch))?);
                }
                rows.push(batch, &values, budget)
            }
        }
    }
}

/// Appends the selected rows of `batch` to `rows`.
fn append(rows: &mut Batch, batch: &Batch) {
    for (out, source) in rows.columns.iter_mut().zip(&batch.columns) {
        match batch.selection() {
            None => out.extend_range(source, 0..batch.len()),
            Some(selection) => out.extend_selected(source, selection),
        }
    }
    rows.set_len(rows.len() + batch.selected_len());
}

struct Recursive {
    initial: Box<dyn Operator>,
    steps: Vec<Box<dyn Operator>>,
    series: Option<Series>,
    work: Work,
    queue: Queue,
    /// Rows taken from the queue in order, and the next of them to put out.
    at_hand: Batch,
    next_at_hand: usize,
    seen: Option<Seen>,
    fresh: Vec<u32>,
    counts: RowCounts,
    skip: u64,
    left: u64,
    started: bool,
    size: BatchSize,
    output: Batch,
}

impl Recursive {
    /// Queues the rows of a batch; with UNION those that were not there before.
    fn enqueue(
        queue: &mut Queue,
        seen: &mut Option<Seen>,
        fresh: &mut Vec<u32>,
        context: &mut ExecContext<'_>,
        source: &mut dyn Operator,
    ) -> Result<()> {
        if let Some(seen) = seen {
            let budget = context.state.session.memory_budget_bytes / 4;
            seen.add_within(budget, source.batch(), fresh)?;
            if fresh.is_empty() {
                return Ok(());
            }
            let batch = source.batch_mut();
            let spare = batch.take_selection();
            batch.select(std::mem::replace(fresh, spare));
        }
        queue.push(context, source.batch())
    }

    fn start(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.started = true;
        let Recursive {
            initial,
            queue,
            seen,
            fresh,
            ..
        } = self;
        initial.open(context)?;
        while initial.next(context)? {
            Recursive::enqueue(queue, seen, fresh, context, initial.as_mut())?;
        }
        initial.close();
        Ok(())
    }

    /// Takes rows from the queue into the work batch, at most `max`; says how many.
    fn take_from_queue(&mut self, max: usize) -> Result<usize> {
        let Recursive {
            queue,
            at_hand,
            next_at_hand,
            work,
            ..
        } = self;
        let mut work = work.lock();
        work.clear();
        if max == 0 {
            return Ok(0);
        }
        match queue {
            Queue::InOrder {
                rows,
                waiting,
                next_waiting,
                at_once,
            } => {
                if *next_at_hand == at_hand.len() {
                    *next_at_hand = 0;
                    at_hand.clear();
                    if *next_waiting < waiting.len() {
                        *next_waiting += waiting.read(*next_waiting, BATCH_ROWS_MAX, at_hand)?;
                    } else {
                        std::mem::swap(at_hand, rows);
                        if *next_waiting > 0 {
                            waiting.restart(0);
                            *next_waiting = 0;
                        }
                    }
                }
                let take = (at_hand.len() - *next_at_hand).min(max).min(*at_once);
                if take == at_hand.len() {
                    // The usual case: what is at hand goes as a whole.
                    std::mem::swap(at_hand, &mut *work);
                    *next_at_hand = 0;
                    return Ok(take);
                }
                let range = *next_at_hand..*next_at_hand + take;
                for (out, source) in work.columns.iter_mut().zip(&at_hand.columns) {
                    out.extend_range(source, range.clone());
                }
                work.set_len(take);
                *next_at_hand += take;
                Ok(take)
            }
            Queue::Ordered { rows, .. } => Ok(usize::from(rows.pop(&mut work)?)),
        }
    }

    /// Whether no row waits behind those of the work batch.
    fn nothing_is_queued(&self) -> bool {
        let waiting = match &self.queue {
            Queue::InOrder {
                rows,
                waiting,
                next_waiting,
                ..
            } => rows.len() + waiting.len() - next_waiting,
            Queue::Ordered { .. } => return false,
        };
        waiting == 0 && self.next_at_hand == self.at_hand.len()
    }

    /// Puts out a series that begins with the one row of the work batch, up to `max` rows of it. The row that is to follow goes back
    /// to the queue, so that the next batch begins with it.
    fn run_series(&mut self, context: &mut ExecContext<'_>, max: usize) -> Result<()> {
        let Recursive {
            series,
            work,
            at_hand,
            next_at_hand,
            output,
            ..
        } = self;
        let (Some(series), mut row) = (series, work.lock()) else {
            return Ok(());
        };
        let mut count = 0;
        loop {
            for (out, source) in output.columns.iter_mut().zip(&row.columns) {
                out.push_from(source, 0);
            }
            count += 1;
            let goes_on = series.advance(context, &mut row)?;
            if !goes_on || count == max {
                output.set_len(output.len() + count);
                if goes_on {
                    std::mem::swap(at_hand, &mut *row);
                    *next_at_hand = 0;
                }
                return Ok(());
            }
        }
    }

    /// Puts the work batch out and runs the steps over it.
    fn run_steps(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        append(&mut self.output, &self.work.lock());
        let Recursive {
            steps,
            queue,
            seen,
            fresh,
            ..
        } = self;
        for step in steps {
            step.open(context)?;
            while step.next(context)? {
                Recursive::enqueue(queue, seen, fresh, context, step.as_mut())?;
            }
        }
        Ok(())
    }

    /// Leaves the rows of OFFSET out of the output and those behind LIMIT.
    fn cut_output(&mut self) {
        let rows = self.output.len() as u64;
        let skipped = rows.min(self.skip);
        let kept = (rows - skipped).min(self.left);
        self.skip -= skipped;
        self.left -= kept;
        if kept < rows {
            cut(&mut self.output, skipped as usize, kept as usize);
        }
    }
}

impl Operator for Recursive {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        (self.skip, self.left) = self.counts.evaluate(context)?;
        self.queue.clear();
        self.at_hand.clear();
        self.next_at_hand = 0;
        if let Some(seen) = &mut self.seen {
            seen.clear();
        }
        self.started = false;
        self.size.restart();
        Ok(())
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if !self.started {
            self.start(context)?;
        }
        while self.left > 0 {
            self.output.clear();
            self.size.grow();
            loop {
                // No row more than LIMIT is worked on: the steps of further ones might never end.
                let wanted = self
                    .skip
                    .saturating_add(self.left)
                    .saturating_sub(self.output.len() as u64);
                let room = self.size.room(&self.output) as u64;
                let taken = self.take_from_queue(room.min(wanted) as usize)?;
                if taken == 0 {
                    break;
                }
                match taken == 1 && self.series.is_some() && self.nothing_is_queued() {
                    true => self.run_series(context, room.min(wanted) as usize)?,
                    false => self.run_steps(context)?,
                }
                context.check_interrupt()?;
            }
            if self.output.is_empty() {
                return Ok(false);
            }
            self.cut_output();
            if self.output.selected_len() > 0 {
                return Ok(true);
            }
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
        self.initial.close();
        self.steps.iter_mut().for_each(|step| step.close());
        self.queue.clear();
        if let Some(seen) = &mut self.seen {
            seen.release();
        }
        for batch in [&mut self.at_hand, &mut self.output, &mut *self.work.lock()] {
            batch.columns.iter_mut().for_each(Vector::release);
            batch.clear();
        }
        self.left = 0;
    }
}

pub(super) fn scan(work: Work, width: usize) -> Box<dyn Operator> {
    Box::new(Scan {
        work,
        batch: Batch::new(width),
        fresh: false,
    })
}

/// Puts the work batch out, once for each opening.
struct Scan {
    work: Work,
    batch: Batch,
    fresh: bool,
}

impl Operator for Scan {
    fn open(&mut self, _: &mut ExecContext<'_>) -> Result<()> {
        self.fresh = true;
        Ok(())
    }

    fn next(&mut self, _: &mut ExecContext<'_>) -> Result<bool> {
        if !std::mem::take(&mut self.fresh) {
            return Ok(false);
        }
        self.batch.clear();
        append(&mut self.batch, &self.work.lock());
        Ok(!self.batch.is_empty())
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    fn close(&mut self) {
        self.batch.clear();
    }
}
