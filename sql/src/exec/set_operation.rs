//! INTERSECT and EXCEPT.
//!
//! ```text
//!   right rows ──▶ key table        left rows ── there, or not ──▶ DISTINCT ──▶ output
//!        └─ new, and there is no memory ──▶ put aside by key
//!                                         left rows that are not in the table, numbered ──▶ put aside by key
//!        at the end: partition by partition, the same again ──▶ sorted by number ──▶ DISTINCT
//! ```
//!
//! The right side is not read before the left side has a row, nor the rest of the left side where INTERSECT finds nothing on the right.
//! Rows come out in the order in which they first came from the left, each once: that is DISTINCT's business, which sits on top.
//! Equal rows meet in one pair of partitions. A pair whose right side is still too large is divided again.

use std::collections::VecDeque;

use super::distinct::distinct;
use super::kernel::{Rows, Values};
use super::key_table::{ABSENT, KeyTable};
use super::operator::Operator;
use super::sort::SortBuffer;
use super::spill::{Part, PartScan, Partitions};
use super::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::error::Result;
use crate::plan::physical::SetOperator;
use crate::value::Collation;

/// Builds the operator; both sides have one column for each of `collations`.
pub(super) fn set_operation(
    op: SetOperator,
    left: Box<dyn Operator>,
    right: Box<dyn Operator>,
    collations: &[Collation],
) -> Box<dyn Operator> {
    let width = collations.len();
    let chosen = Box::new(Chosen {
        left,
        right,
        width,
        right_keys: RightKeys {
            table: KeyTable::new(collations),
            numbers: Vec::new(),
            aside: None,
            wanted: op == SetOperator::Intersect,
        },
        is_built: false,
        first_is_read: false,
        kept: Vec::new(),
        spilled: None,
    });
    distinct(chosen, width, collations)
}

/// The left rows that are on the right, or those that are not. It narrows the left side's batches and hands them on.
struct Chosen {
    left: Box<dyn Operator>,
    right: Box<dyn Operator>,
    width: usize,
    right_keys: RightKeys,
    is_built: bool,
    /// The left side's first batch was read to see that there is one, and is still to be chosen from.
    first_is_read: bool,
    kept: Vec<u32>,
    spilled: Option<Spilled>,
}

/// The rows of the right side.
struct RightKeys {
    table: KeyTable,
    numbers: Vec<u32>,
    /// Takes the new ones once there is no memory.
    aside: Option<Partitions>,
    /// Whether rows are wanted that are on the right.
    wanted: bool,
}

/// Left rows that wait for right rows which were put aside.
struct Spilled {
    results: SortBuffer,
    batch: Batch,
}

impl RightKeys {
    /// Takes in what `right` has, which was divided `level` times.
    fn read(
        &mut self,
        context: &mut ExecContext<'_>,
        right: &mut dyn Operator,
        width: usize,
        level: u32,
    ) -> Result<()> {
        let budget = context.state.session.memory_budget_bytes / 2;
        while right.next(context)? {
            context.check_interrupt()?;
            let batch = right.batch();
            let keys = columns(batch, width);
            let Some(aside) = &mut self.aside else {
                self.table.insert(&keys, batch.selected_len(), &mut self.numbers);
                if self.table.memory() > budget && Part::may_divide_at(level) {
                    self.aside = Some(Partitions::new(level));
                }
                continue;
            };
            self.table
                .find_all(&keys, batch.selected_len(), &mut self.numbers);
            for n in 0..batch.selected_len() {
                if self.numbers[n] == ABSENT {
                    let hash = self.table.hash_of(&keys, n);
                    aside.push(hash, 0, batch, width, batch.selected_row(n))?;
                }
            }
        }
        right.close();
        Ok(())
    }

    /// Puts the rows of a batch that are wanted into `kept`; those of which it is not known yet go to `open`.
    fn choose(
        &mut self,
        batch: &Batch,
        width: usize,
        kept: &mut Vec<u32>,
        mut open: impl FnMut(u64, usize, usize) -> Result<()>,
    ) -> Result<()> {
        let keys = columns(batch, width);
        self.table
            .find_all(&keys, batch.selected_len(), &mut self.numbers);
        kept.clear();
        for n in 0..batch.selected_len() {
            let is_there = self.numbers[n] != ABSENT;
            if !is_there && self.aside.is_some() {
                open(self.table.hash_of(&keys, n), n, batch.selected_row(n))?;
            } else if is_there == self.wanted {
                kept.push(batch.selected_row(n) as u32);
            }
        }
        Ok(())
    }
}

fn columns(batch: &Batch, width: usize) -> Vec<Values<'_>> {
    let rows = Rows::of(batch);
    let columns = batch.columns[..width].iter();
    columns.map(|column| Values::of_column(column, rows)).collect()
}

impl Chosen {
    /// Reads the right side where the left side has rows; false where nothing can come out.
    fn build(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if !self.left.next(context)? {
            return Ok(false);
        }
        self.first_is_read = true;
        self.right.open(context)?;
        self.right_keys
            .read(context, self.right.as_mut(), self.width, 0)?;
        let nothing = self.right_keys.wanted && self.right_keys.table.len() == 0;
        Ok(!nothing)
    }

    /// Goes through the left side and the partitions; the rows that are wanted are in order then.
    fn run_spilled(&mut self, context: &mut ExecContext<'_>) -> Result<Spilled> {
        let width = self.width;
        let budget = context.state.session.memory_budget_bytes / 4;
        let mut results = SortBuffer::by_number(width);
        let mut pending = VecDeque::new();
        let mut count = 0;
        let mut level = 0;
        let mut part: Option<PartScan> = None;
        loop {
            let mut divided = Partitions::new(level);
            let left: &mut dyn Operator = match &mut part {
                Some(part) => part,
                None => self.left.as_mut(),
            };
            while std::mem::take(&mut self.first_is_read) || left.next(context)? {
                context.check_interrupt()?;
                let batch = left.batch_mut();
                // The row's number is the last column of what was put aside.
                let numbers = match batch.columns.len() > width {
                    true => batch.columns.pop().unwrap_or_default(),
                    false => numbered(&mut count, batch),
                };
                let number = |row: usize| numbers.slots()[row] as i64;
                self.right_keys
                    .choose(batch, width, &mut self.kept, |hash, _, row| {
                        divided.push(hash, number(row), batch, width, row)
                    })?;
                if !self.kept.is_empty() {
                    batch.select(std::mem::take(&mut self.kept));
                    let number = Values::of_column(&numbers, Rows::of(batch));
                    results.push(batch, &[number])?;
                    results.spill_beyond(budget)?;
                }
                if level > 0 {
                    batch.columns.push(numbers);
                }
            }
            left.close();
            if let Some(right) = self.right_keys.aside.take() {
                let pairs = right.finish_all()?.into_iter().zip(divided.finish_all()?);
                pairs.rev().for_each(|pair| pending.push_front(pair));
            }
            self.right_keys.table.release();
            let Some((right_part, left_part)) = pending.pop_front() else {
                break;
            };
            level = right_part.level();
            let mut right = PartScan::new(right_part, width);
            right.open(context)?;
            self.right_keys.read(context, &mut right, width, level)?;
            let mut scan = PartScan::new(left_part, width);
            scan.open(context)?;
            part = Some(scan);
        }
        results.sort()?;
        Ok(Spilled {
            results,
            batch: Batch::new(width),
        })
    }
}

/// Numbers for the rows of a batch, counting on.
fn numbered(count: &mut i64, batch: &Batch) -> Vector {
    let mut numbers = Vector::new();
    numbers.extend_integers(*count..*count + batch.len() as i64);
    *count += batch.len() as i64;
    numbers
}

impl Operator for Chosen {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.right_keys.table.clear();
        self.right_keys.aside = None;
        self.spilled = None;
        self.is_built = false;
        self.first_is_read = false;
        self.left.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if !self.is_built {
            self.is_built = true;
            if !self.build(context)? {
                return Ok(false);
            }
            if self.right_keys.aside.is_some() {
                self.spilled = Some(self.run_spilled(context)?);
            }
        }
        if let Some(spilled) = &mut self.spilled {
            return Ok(spilled.results.take(BATCH_ROWS_MAX, &mut spilled.batch)? > 0);
        }
        while std::mem::take(&mut self.first_is_read) || self.left.next(context)? {
            context.check_interrupt()?;
            let batch = self.left.batch();
            self.right_keys
                .choose(batch, self.width, &mut self.kept, |_, _, _| Ok(()))?;
            if !self.kept.is_empty() {
                let batch = self.left.batch_mut();
                let spare = batch.take_selection();
                batch.select(std::mem::replace(&mut self.kept, spare));
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn batch(&self) -> &Batch {
        match &self.spilled {
            Some(spilled) => &spilled.batch,
            None => self.left.batch(),
        }
    }

    fn batch_mut(&mut self) -> &mut Batch {
        match &mut self.spilled {
            Some(spilled) => &mut spilled.batch,
            None => self.left.batch_mut(),
        }
    }

    fn close(&mut self) {
        self.left.close();
        self.right.close();
        self.right_keys.table.release();
        self.right_keys.aside = None;
        self.spilled = None;
    }
}
