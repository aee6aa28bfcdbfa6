//! ORDER BY.
//!
//! ```text
//!   input ──> keys encoded ──> entries (prefix, place) ──> sorted ──────────────────────────> output, gathered by place
//!               │ rows ──────> row store                     └─ over the budget: run file ─┐
//!               └─ LIMIT: rows behind the worst of the best n are not kept                 └─> merge ──> output
//! ```
//!
//! Input that comes sorted by the first keys is sorted block by block: what has equal first keys is put out before the next such rows are read.
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
use crate::plan::physical;
use crate::value::{Collation, Value, ValueRef, compare};
use entries::Entries;
use key::KeyEncoder;
use run::Merge;

/// Beyond this many rows a bound is not worth its bookkeeping.
const TOP_ROWS_MAX: usize = 1 << 16;

/// See the module's head.
pub(crate) struct Sort {
    input: Box<dyn Operator>,
    keys: Vec<Kernel>,
    /// How the keys that the input is sorted by compare.
    descriptions: Vec<Collation>,
    top: Option<Kernel>,
    width: usize,
    rows: RowStore,
    entries: Entries,
    runs: Vec<Run>,
    phase: Phase,
    blocks: Blocks,
    output: Batch,
    /// Places of the rows of one output batch.
    places: Vec<u32>,
}

/// How far input is read that comes sorted by the first keys.
#[derive(Default)]
struct Blocks {
    /// How many keys it is sorted by; 0: all of it is one block.
    prefix: usize,
    /// Those keys of the last row that was read.
    last: Vec<Value>,
    /// Rows of the batch at hand that belong to the next block.
    rest: Option<Vec<u32>>,
    /// Rows of blocks that were put out.
    sent: usize,
    exhausted: bool,
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
        sort: &physical::Sort,
        build: &mut BuildContext,
    ) -> Result<Sort> {
        let (keys, top) = (sort.keys.as_slice(), sort.top.as_ref());
        Ok(Sort {
            input,
            keys: Kernel::compile_all(keys.iter().map(|key| &key.expression), build)?,
            descriptions: keys.iter().map(|key| key.collation.clone()).collect(),
            top: top.map(|top| Kernel::compile_in(top, build)).transpose()?,
            width,
            rows: RowStore::new(width),
            entries: Entries::new(KeyEncoder::new(keys)),
            runs: Vec::new(),
            phase: Phase::Start,
            blocks: Blocks {
                prefix: if sort.sorted_prefix < keys.len() {
                    sort.sorted_prefix
                } else {
                    0
                },
                ..Blocks::default()
            },
            output: Batch::new(width),
            places: Vec::new(),
        })
    }

    /// Reads the whole input, or as far as it takes to know that some blocks are complete.
    fn consume(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let bound = self.bound(context)?;
        let bound = bound.map(|bound| bound.saturating_sub(self.blocks.sent));
        if bound == Some(0) {
            self.phase = Phase::Done;
            return Ok(());
        }
        while self.next_rows(context)? {
            context.check_interrupt()?;
            let complete = self.blocks.prefix > 0 && self.end_blocks(context)?;
            match bound {
                Some(bound) => self.take_best(context, bound)?,
                None => self.take(context)?,
            }
            // Sorting takes as much again as the entries have.
            let budget = context.state.session.memory_budget_bytes / 4 * 3;
            if self.rows.memory() + self.entries.memory() > budget {
                self.spill()?;
            }
            if complete {
                break;
            }
        }
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

    /// Goes to the rows of the batch at hand that are left, or to the next batch.
    fn next_rows(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if let Some(rest) = self.blocks.rest.take() {
            self.input.batch_mut().select(rest);
            return Ok(true);
        }
        if !self.input.next(context)? {
            self.blocks.exhausted = true;
            self.input.close();
            return Ok(false);
        }
        Ok(true)
    }

    /// Leaves only those rows of the input's batch that belong to complete blocks, if a block ends in it or before it; whether that is so.
    fn end_blocks(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let Sort {
            input,
            keys,
            descriptions,
            entries,
            runs,
            blocks,
            ..
        } = self;
        let batch = input.batch();
        let values = evaluate_all(&mut keys[..blocks.prefix], context, batch)?;
        let are_one = |a: usize, b: usize| {
            let mut keys = values.iter().zip(descriptions.iter());
            keys.all(|(values, key)| compare(values.get(a), values.get(b), key).is_eq())
        };
        let Some(end) = batch.selected_len().checked_sub(1) else {
            return Ok(false);
        };
        // Rows that are one with the last one follow each other.
        let (mut low, mut high) = (0, if are_one(0, end) { 0 } else { end });
        while low < high {
            let middle = low + (high - low) / 2;
            match are_one(middle, end) {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        let holds_rows = entries.len() > 0 || !runs.is_empty();
        let goes_on = || {
            let mut keys = values.iter().zip(&blocks.last).zip(descriptions.iter());
            keys.all(|((values, last), key)| compare(values.get(0), last.as_ref(), key).is_eq())
        };
        let complete = low > 0 || (holds_rows && !goes_on());
        blocks.last.clear();
        blocks
            .last
            .extend(values.iter().map(|values| Value::from(values.get(end))));
        if complete {
            let rows: Vec<u32> = batch.selected().map(|row| row as u32).collect();
            let (own, rest) = rows.split_at(low);
            blocks.rest = Some(rest.to_vec());
            self.input.batch_mut().select(own.to_vec());
        }
        Ok(complete)
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
        self.blocks.rest = None;
        (self.blocks.sent, self.blocks.exhausted) = (0, false);
        self.input.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        loop {
            if matches!(self.phase, Phase::Start) {
                self.consume(context)?;
            }
            self.output.clear();
            match &mut self.phase {
                Phase::Start | Phase::Done => return Ok(false),
                Phase::Memory(from) => {
                    self.places.clear();
                    self.places.extend(self.entries.places_of(*from, BATCH_ROWS_MAX));
                    *from += self.places.len();
                    gather(&self.rows, &self.places, &mut self.output);
                }
                Phase::Merging(merge) => {
                    context.check_interrupt()?;
                    merge.fill(&mut self.output, BATCH_ROWS_MAX)?;
                }
            }
            self.blocks.sent += self.output.len();
            if !self.output.is_empty() {
                return Ok(true);
            }
            if self.blocks.exhausted {
                return Ok(false);
            }
            self.rows.clear();
            self.entries.clear();
            self.phase = Phase::Start;
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
