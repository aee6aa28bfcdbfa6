//! Hash joins whose right side does not fit into memory.
//!
//! ```text
//!   right rows ──▶ partitions by key ─┐
//!   left rows, numbered ──▶ partitions ┴─▶ pair by pair: the join in memory ──▶ sorted by the left row's number ──▶ output
//! ```
//!
//! Rows that match have equal keys, so they meet in one pair of partitions. A pair whose right side is still too large is divided again. Sorted by
//! number, rows come out in the order of a join in memory; right rows without a match come last.

use std::collections::VecDeque;

use super::{Join, Phase, SideKeys};
use crate::error::Result;
use crate::exec::kernel::{Rows, Values};
use crate::exec::key_table::KeyTable;
use crate::exec::operator::Operator;
use crate::exec::sort::SortBuffer;
use crate::exec::spill::{Part, PartScan, Partitions};
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};

/// The number of right rows without a match.
const LAST: i64 = i64::MAX;

/// What is on disk.
pub(super) struct Spilled {
    /// Right and left side of the pairs that are still to be joined.
    pending: VecDeque<(Part, Part)>,
    results: SortBuffer,
    /// The operator's own sides, while partitions stand in for them.
    own: Option<[Box<dyn Operator>; 2]>,
    pub(super) batch: Batch,
}

impl Spilled {
    fn new(width: usize) -> Spilled {
        Spilled {
            pending: VecDeque::new(),
            results: SortBuffer::by_number(width),
            own: None,
            batch: Batch::new(width),
        }
    }
}

impl Join {
    /// Joins by way of the disk: the left side is open, the right side is being read and has filled the table. Afterwards the results are in order.
    pub(super) fn join_spilled(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let width = match self.only_left {
            true => self.left_width,
            false => self.left_width + self.right_width,
        };
        self.spilled = Some(Spilled::new(width));
        self.divide(context, 0)?;
        while let Some((right, left)) = self
            .spilled
            .as_mut()
            .and_then(|spilled| spilled.pending.pop_front())
        {
            let level = right.level();
            self.stand_in(
                Box::new(PartScan::new(right, self.right_width)),
                Box::new(PartScan::new(left, self.left_width)),
            );
            self.table.clear();
            self.pairs.restart();
            self.right.open(context)?;
            self.left.open(context)?;
            let budget = match Part::may_divide_at(level) {
                true => context.state.session.memory_budget_bytes / 2,
                false => usize::MAX,
            };
            if !self.read_opened_right(context, budget)? {
                self.divide(context, level)?;
                continue;
            }
            if self.pairs.keeps_right() {
                self.pairs.right_matched.resize(self.table.len(), false);
            }
            self.join_part(context)?;
        }
        self.table.release();
        if let Some(spilled) = &mut self.spilled {
            spilled.results.sort()?;
        }
        self.phase = Phase::Spilled;
        Ok(())
    }

    /// Puts the partitions in the place of both sides.
    fn stand_in(&mut self, mut right: Box<dyn Operator>, mut left: Box<dyn Operator>) {
        std::mem::swap(&mut right, &mut self.right);
        std::mem::swap(&mut left, &mut self.left);
        if let Some(spilled) = &mut self.spilled
            && spilled.own.is_none()
        {
            right.close();
            left.close();
            spilled.own = Some([right, left]);
        }
    }

    /// Gives the operator its own sides back and forgets what is on disk.
    pub(super) fn forget_spilled(&mut self) {
        if let Some(Spilled {
            own: Some([right, left]),
            ..
        }) = self.spilled.take()
        {
            (self.right, self.left) = (right, left);
        }
    }

    /// Divides the rows in the table, the rest of the right side, and the left side into pairs of partitions.
    fn divide(&mut self, context: &mut ExecContext<'_>, level: u32) -> Result<()> {
        let mut hasher = KeyTable::new(&self.collations);
        let mut right = Partitions::new(level);
        let mut batch = Batch::new(self.right_width);
        for chunk in 0..self.table.rows.chunk_count() {
            let len = self.table.rows.chunk_len(chunk);
            for from in (0..len).step_by(BATCH_ROWS_MAX) {
                batch.clear();
                self.table
                    .rows
                    .copy_rows(chunk, from, BATCH_ROWS_MAX.min(len - from), &mut batch);
                let keys = &mut self.right_keys;
                put(
                    context,
                    &mut hasher,
                    keys,
                    &batch,
                    self.right_width,
                    |_| 0,
                    &mut right,
                )?;
            }
        }
        self.table.release();
        while self.right.next(context)? {
            context.check_interrupt()?;
            let (keys, batch) = (&mut self.right_keys, self.right.batch());
            put(
                context,
                &mut hasher,
                keys,
                batch,
                self.right_width,
                |_| 0,
                &mut right,
            )?;
        }
        self.right.close();
        let mut left = Partitions::new(level);
        let mut numbered = 0;
        while self.advance_left(context)? {
            context.check_interrupt()?;
            let (keys, batch) = (&mut self.left_keys, self.left.batch());
            let own = match level {
                0 => None,
                _ => batch.columns.get(self.left_width),
            };
            let number = |row: usize| match own {
                Some(numbers) => numbers.slots()[row] as i64,
                None => {
                    numbered += 1;
                    numbered
                }
            };
            put(
                context,
                &mut hasher,
                keys,
                batch,
                self.left_width,
                number,
                &mut left,
            )?;
        }
        self.left.close();
        let pairs = right.finish_all()?.into_iter().zip(left.finish_all()?);
        if let Some(spilled) = &mut self.spilled {
            spilled.pending.extend(pairs);
        }
        Ok(())
    }

    /// Joins a pair of partitions in memory and adds the rows to the results.
    fn join_part(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.probe.first.clear();
        self.probe.left = 0;
        self.phase = Phase::Probe;
        loop {
            let found = match self.phase {
                Phase::Probe if self.only_left => self.next_left_only(context)?,
                Phase::Probe => self.next_joined(context)?,
                Phase::Rest(from) => self.next_rest(from),
                _ => return Ok(()),
            };
            if found {
                self.add_result(context)?;
            }
        }
    }

    fn add_result(&mut self, context: &ExecContext<'_>) -> Result<()> {
        let Join {
            left,
            pairs,
            joined,
            phase,
            spilled,
            only_left,
            left_width,
            ..
        } = self;
        let Some(spilled) = spilled else { return Ok(()) };
        let left = left.batch();
        let mut numbers = Vector::new();
        let (batch, numbers) = match (*only_left, *phase) {
            (true, _) => (left, &left.columns[*left_width]),
            (false, Phase::Probe) => {
                numbers.extend_selected(&left.columns[*left_width], &pairs.left);
                (&*joined, &numbers)
            }
            (false, _) => {
                numbers.extend_integers((0..joined.len()).map(|_| LAST));
                (&*joined, &numbers)
            }
        };
        let key = Values::of_column(numbers, Rows::of(batch));
        spilled.results.push(batch, &[key])?;
        spilled
            .results
            .spill_beyond(context.state.session.memory_budget_bytes / 4)
    }

    /// Puts out the next of the results.
    pub(super) fn take_result(&mut self) -> Result<bool> {
        match &mut self.spilled {
            Some(spilled) => Ok(spilled.results.take(BATCH_ROWS_MAX, &mut spilled.batch)? > 0),
            None => Ok(false),
        }
    }
}

/// Puts the rows of a batch aside by their keys.
fn put(
    context: &mut ExecContext<'_>,
    hasher: &mut KeyTable,
    keys: &mut SideKeys,
    batch: &Batch,
    width: usize,
    mut number: impl FnMut(usize) -> i64,
    partitions: &mut Partitions,
) -> Result<()> {
    let keys = keys.evaluate(context, batch)?;
    for n in 0..batch.selected_len() {
        let row = batch.selected_row(n);
        let hash = hasher.hash_of(&keys, n);
        partitions.push(hash, number(row), batch, width, row)?;
    }
    Ok(())
}
