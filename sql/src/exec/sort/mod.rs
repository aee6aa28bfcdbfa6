//! ORDER BY.
//!
//! ```text
//!   input ──> keys encoded ──> entries (prefix, place) ──> sorted ──────────────────────────> output, gathered by place
//!               │ rows ──────> row store                     └─ over the budget: run file ─┐
//!               └─ LIMIT: rows behind the worst of the best n are not kept                 └─> merge ──> output
//! ```
//!
//! Rows are stored once and never moved; what is sorted are small entries. A sort by one integer or real compares the prefix alone.
//! Rows with equal keys keep the order in which they came.
//!
//! Invariants: S1 entries' places ascend in order of arrival, so `(key, place)` is a total order; S2 while a bound (LIMIT) is in
//! force, no row behind it is kept.

mod buffer;
mod entries;
mod entry_sort;
mod key;
mod queue;
mod radix;
mod run;

pub(crate) use buffer::SortBuffer;
pub(crate) use entry_sort::EntrySort;
pub(crate) use queue::PriorityQueue;
pub(super) use run::{Run, RunReader, RunWriter};

use super::build::BuildContext;
use super::kernel::{Kernel, Values};
use super::row_store::RowStore;
use super::{BATCH_ROWS_MAX, Batch, ExecContext, Operator};
use crate::error::Result;
use crate::plan::expr::Expr;
use crate::plan::physical::SortKey;
use crate::value::ValueRef;
use entries::Entries;
use key::KeyEncoder;
use run::Merge;

/// Beyond this many rows a bound is not worth its bookkeeping.
const TOP_ROWS_MAX: usize = 1 << 16;

/// See the module's head.
pub(crate) struct Sort {
    input: Box<dyn Operator>,
    keys: Vec<Kernel>,
    top: Option<Kernel>,
    width: usize,
    rows: RowStore,
    entries: Entries,
    runs: Vec<Run>,
    phase: Phase,
    output: Batch,
    /// Places of the rows of one output batch.
    places: Vec<u32>,
}

enum Phase {
    /// Nothing was read yet.
    Start,
    /// The next entry to put out.
    Memory(usize),
    /// Runs are being merged.
    Merging(Merge),
    /// All was put out.
    Done,
}

impl Sort {
    /// Builds the operator over `input`, whose layout has `width` columns.
    pub(crate) fn build(
        input: Box<dyn Operator>,
        width: usize,
        keys: &[SortKey],
        top: Option<&Expr>,
        build: &mut BuildContext,
    ) -> Result<Sort> {
        Ok(Sort {
            input,
            keys: Kernel::compile_all(keys.iter().map(|key| &key.expression), build)?,
            top: top.map(|top| Kernel::compile_in(top, build)).transpose()?,
            width,
            rows: RowStore::new(width),
            entries: Entries::new(KeyEncoder::new(keys)),
            runs: Vec::new(),
            phase: Phase::Start,
            output: Batch::new(width),
            places: Vec::new(),
        })
    }

    /// Reads the whole input.
    fn consume(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let bound = self.bound(context)?;
        if bound == Some(0) {
            self.phase = Phase::Done;
            return Ok(());
        }
        while self.input.next(context)? {
            context.check_interrupt()?;
            match bound {
                Some(bound) => self.take_best(context, bound)?,
                None => self.take(context)?,
            }
            // Sorting takes as much again as the entries have.
            let budget = context.state.session.memory_budget_bytes / 4 * 3;
            if self.rows.memory() + self.entries.memory() > budget {
                self.spill()?;
            }
        }
        self.input.close();
        if self.runs.is_empty() {
            self.entries.sort();
            if let Some(bound) = bound {
                self.entries.truncate(bound);
            }
            self.phase = Phase::Memory(0);
        } else {
            self.spill()?;
            let runs = std::mem::take(&mut self.runs);
            self.phase = Phase::Merging(Merge::of(runs, self.entries.encoder())?);
        }
        Ok(())
    }

    /// How many rows are enough, when that is few enough to pay.
    fn bound(&mut self, context: &mut ExecContext<'_>) -> Result<Option<usize>> {
        let Some(top) = &mut self.top else { return Ok(None) };
        let no_row = Batch::new(0);
        let count = match top.evaluate_one(context, &no_row)? {
            ValueRef::Integer(count) => usize::try_from(count).ok(),
            _ => None,
        };
        Ok(count.filter(|count| *count <= TOP_ROWS_MAX))
    }

    /// Keeps the input's batch.
    fn take(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let Sort {
            input,
            keys,
            rows,
            entries,
            ..
        } = self;
        let batch = input.batch();
        let values = evaluate_all(keys, context, batch)?;
        let first = entries.len();
        rows.append(batch, |place| entries.push_place(place))?;
        entries.fill_keys(first, &values);
        Ok(())
    }

    /// Keeps those rows of the input's batch that can be among the best `bound`.
    fn take_best(&mut self, context: &mut ExecContext<'_>, bound: usize) -> Result<()> {
        let Sort {
            input,
            keys,
            rows,
            entries,
            ..
        } = self;
        let batch = input.batch();
        let values = evaluate_all(keys, context, batch)?;
        let columns: Vec<Values<'_>> = batch
            .columns
            .iter()
            .map(|column| Values::of_column(column, super::kernel::Rows::of(batch)))
            .collect();
        for n in 0..batch.selected_len() {
            if entries.may_matter(&values, n) {
                let place = rows.push(&columns, n)?;
                entries.push_keyed(place);
            }
        }
        if entries.len() >= (2 * bound).max(BATCH_ROWS_MAX) {
            entries.keep_best(bound);
            self.compact()?;
        }
        Ok(())
    }

    /// Moves the rows that entries still name into a fresh store.
    fn compact(&mut self) -> Result<()> {
        let mut fresh = RowStore::new(self.width);
        let mut batch = Batch::new(self.width);
        let mut placed = Vec::with_capacity(self.entries.len());
        let old: Vec<u32> = self.entries.places().collect();
        for places in old.chunks(BATCH_ROWS_MAX) {
            gather(&self.rows, places, &mut batch);
            fresh.append(&batch, |place| placed.push(place))?;
        }
        self.entries.replace_places(&placed);
        self.rows = fresh;
        Ok(())
    }

    /// Writes what is in memory to a run file.
    fn spill(&mut self) -> Result<()> {
        if self.entries.len() == 0 {
            return Ok(());
        }
        self.entries.sort();
        self.runs.push(Run::write(&self.entries, &self.rows, self.width)?);
        self.entries.clear();
        self.rows.clear();
        Ok(())
    }
}

impl Operator for Sort {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.rows.clear();
        self.entries.clear();
        self.runs.clear();
        self.phase = Phase::Start;
        self.input.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if matches!(self.phase, Phase::Start) {
            self.consume(context)?;
        }
        self.output.clear();
        match &mut self.phase {
            Phase::Start | Phase::Done => Ok(false),
            Phase::Memory(from) => {
                self.places.clear();
                self.places.extend(self.entries.places_of(*from, BATCH_ROWS_MAX));
                *from += self.places.len();
                gather(&self.rows, &self.places, &mut self.output);
                Ok(!self.output.is_empty())
            }
            Phase::Merging(merge) => {
                context.check_interrupt()?;
                merge.fill(&mut self.output, BATCH_ROWS_MAX)?;
                Ok(!self.output.is_empty())
            }
        }
    }

    fn batch(&self) -> &Batch {
        &self.output
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.output
    }

    fn close(&mut self) {
        self.input.close();
        self.rows.clear();
        self.entries.release();
        self.runs.clear();
        self.phase = Phase::Done;
    }
}

fn evaluate_all<'v>(
    kernels: &'v mut [Kernel],
    context: &mut ExecContext<'_>,
    batch: &'v Batch,
) -> Result<Vec<Values<'v>>> {
    kernels
        .iter_mut()
        .map(|kernel| kernel.evaluate(context, batch))
        .collect()
}

fn gather(rows: &RowStore, places: &[u32], out: &mut Batch) {
    out.clear();
    for (number, column) in out.columns.iter_mut().enumerate() {
        rows.gather(number, places, column);
    }
    out.set_len(places.len());
}
