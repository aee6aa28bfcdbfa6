//! Groups beyond the memory budget.
//!
//! ```text
//!   rows ── of a group that is known ──▶ its states
//!        └─ of another ──▶ put aside by key ──▶ .. at the end of the input, partition by partition, as an input of its own
//!   groups of each round ──▶ sorted by key, in runs ──▶ output
//! ```
//!
//! Once the groups take half of the budget no new ones are taken in. A row that is put aside meets its group's other rows in its partition, in the order
//! in which they came, so that all that depends on the first row or the order of rows stays as it is.

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::Aggregation;
use crate::error::Result;
use crate::exec::kernel::{Rows, Values};
use crate::exec::key_table::ABSENT;
use crate::exec::operator::Operator;
use crate::exec::sort::SortBuffer;
use crate::exec::spill::{Part, PartScan, Partitions};
use crate::exec::{BATCH_ROWS_MAX, ExecContext};

/// What is on disk.
pub(super) struct Spilled {
    /// Takes the rows of groups that are not known, once no group is taken in any more.
    partitions: Option<Partitions>,
    pending: VecDeque<Part>,
    /// How often the rows that are read now were divided.
    level: u32,
    /// The groups that are finished.
    results: SortBuffer,
    /// The operator's own input, while a partition stands in for it.
    input: Option<Box<dyn Operator>>,
}

impl Aggregation {
    /// Takes no more groups in when those that there are take too much memory.
    pub(super) fn mind_budget(&mut self, context: &ExecContext<'_>) {
        let budget = context.state.session.memory_budget_bytes / 2;
        if self.sorted || self.keys.is_empty() || self.memory() <= budget {
            return;
        }
        let keys = self.key_order();
        let width = self.batch.columns.len();
        let spilled = self.spilled.get_or_insert_with(|| Spilled {
            partitions: None,
            pending: VecDeque::new(),
            level: 0,
            results: SortBuffer::new(width, &keys),
            input: None,
        });
        if spilled.partitions.is_none() && Part::may_divide_at(spilled.level) {
            spilled.partitions = Some(Partitions::new(spilled.level));
        }
    }

    fn memory(&self) -> usize {
        let calls: usize = self.calls.iter().map(super::Call::memory).sum();
        self.groups.table.memory()
            + self.groups.rows.memory()
            + self.groups.places.capacity() * 4
            + self.picked.values.capacity() * size_of::<crate::value::Value>()
            + calls
    }

    /// Puts the rows of the input's batch aside whose group is not known, if no group is taken in any more; whether rows are left.
    pub(super) fn put_aside(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let Some(partitions) = self
            .spilled
            .as_mut()
            .and_then(|spilled| spilled.partitions.as_mut())
        else {
            return Ok(true);
        };
        let mut known = Vec::new();
        {
            let batch = self.input.batch();
            let rows = Rows::of(batch);
            let mut keys: SmallVec<[Values<'_>; 4]> = SmallVec::new();
            for key in self.keys.iter_mut() {
                keys.push(key.evaluate_rows(context, batch, rows)?);
            }
            let groups = &mut self.groups;
            groups.table.find_all(&keys, rows.len(), &mut groups.numbers);
            for n in 0..rows.len() {
                let row = rows.row(n);
                if groups.numbers[n] != ABSENT {
                    known.push(row as u32);
                    continue;
                }
                let hash = groups.table.hash_of(&keys, n);
                partitions.push(hash, 0, batch, self.input_width, row)?;
            }
        }
        let left = !known.is_empty();
        self.input.batch_mut().select(known);
        Ok(left)
    }

    /// The input is read and some of it was put aside: hands the groups at hand to the results, and goes on with a partition; false when
    /// there is none left and the results are in order.
    pub(super) fn next_partition(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        self.order.clear();
        self.order.extend(0..self.groups.len() as u32);
        self.next = 0;
        while self.next < self.order.len() {
            self.emit(context)?;
            let keys: SmallVec<[Values<'_>; 4]> = self.batch.columns[..self.keys.len()]
                .iter()
                .map(Values::dense)
                .collect();
            if let Some(spilled) = &mut self.spilled {
                spilled.results.push(&self.batch, &keys)?;
                let budget = context.state.session.memory_budget_bytes;
                spilled.results.spill_beyond(budget / 4)?;
            }
        }
        self.order.clear();
        self.next = 0;
        self.forget_groups();
        let Some(spilled) = &mut self.spilled else {
            return Ok(false);
        };
        if let Some(partitions) = spilled.partitions.take() {
            partitions.finish(&mut spilled.pending)?;
        }
        let Some(part) = spilled.pending.pop_front() else {
            spilled.results.sort()?;
            return Ok(false);
        };
        spilled.level = part.level();
        let mut scan: Box<dyn Operator> = Box::new(PartScan::new(part, self.input_width));
        scan.open(context)?;
        std::mem::swap(&mut scan, &mut self.input);
        // What was the input is an earlier partition, or the operator's own.
        if spilled.input.is_none() {
            scan.close();
            spilled.input = Some(scan);
        }
        Ok(true)
    }

    /// Puts out the next of the results.
    pub(super) fn take_result(&mut self) -> Result<bool> {
        match &mut self.spilled {
            Some(spilled) => Ok(spilled.results.take(BATCH_ROWS_MAX, &mut self.batch)? > 0),
            None => Ok(false),
        }
    }

    /// Forgets what is on disk; the operator's own input comes back.
    pub(super) fn forget_spilled(&mut self) {
        if let Some(Spilled {
            input: Some(input), ..
        }) = self.spilled.take()
        {
            self.input = input;
        }
    }
}
