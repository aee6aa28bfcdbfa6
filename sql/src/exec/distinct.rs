//! DISTINCT: each row once, in the order of first appearance.
//!
//! ```text
//!   rows ── known ──▶ left out
//!        ├─ new, and there is memory ──▶ put out at once
//!        └─ new, and there is none ──▶ put aside by key, numbered ──▶ .. at the end of the input, partition by partition
//!                                      what is distinct of them ──▶ sorted by number ──▶ put out
//! ```

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::kernel::{Rows, Values};
use super::key_table::{ABSENT, KeyTable};
use super::operator::Operator;
use super::sort::SortBuffer;
use super::spill::{Part, PartScan, Partitions};
use super::{BATCH_ROWS_MAX, Batch, ExecContext};
use crate::error::Result;
use crate::value::Collation;

/// Each row of `input`, which has `width` columns, once; the first of its columns count, one for each collation.
pub(super) fn distinct(
    input: Box<dyn Operator>,
    width: usize,
    collations: &[Collation],
) -> Box<dyn Operator> {
    Box::new(Distinct {
        input,
        width,
        seen: Seen::new(collations),
        fresh: Vec::new(),
        spilled: None,
    })
}

/// The rows that were there before.
pub(super) struct Seen {
    keys: KeyTable,
    numbers: Vec<u32>,
}

impl Seen {
    pub(super) fn new(collations: &[Collation]) -> Seen {
        Seen {
            keys: KeyTable::new(collations),
            numbers: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
    }

    pub(super) fn release(&mut self) {
        self.keys.release();
    }

    /// Puts the selected rows of `batch` that were not there before into `fresh`, as positions in the batch.
    pub(super) fn add(&mut self, batch: &Batch, fresh: &mut Vec<u32>) {
        let rows = Rows::of(batch);
        let columns = columns(batch, rows);
        let mut known = self.keys.len() as u32;
        self.keys.insert(&columns, rows.len(), &mut self.numbers);
        fresh.clear();
        for (n, &number) in self.numbers.iter().enumerate() {
            if number == known {
                known += 1;
                fresh.push(rows.row(n) as u32);
            }
        }
    }
}

fn columns<'b>(batch: &'b Batch, rows: Rows<'b>) -> SmallVec<[Values<'b>; 8]> {
    let columns = batch.columns.iter().map(|column| Values::of_column(column, rows));
    columns.collect()
}

struct Distinct {
    input: Box<dyn Operator>,
    width: usize,
    seen: Seen,
    fresh: Vec<u32>,
    spilled: Option<Spilled>,
}

/// New rows for which there was no memory.
struct Spilled {
    partitions: Option<Partitions>,
    /// The number of the next row.
    number: i64,
    /// Those of them that are distinct.
    results: SortBuffer,
    sorted: bool,
    batch: Batch,
}

impl Spilled {
    fn new(width: usize) -> Spilled {
        Spilled {
            partitions: Some(Partitions::new(0)),
            number: 0,
            results: SortBuffer::by_number(width),
            sorted: false,
            batch: Batch::new(width),
        }
    }
}

impl Distinct {
    /// Puts the new rows of the input's batch aside.
    fn put_aside(&mut self) -> Result<()> {
        let Some(spilled) = &mut self.spilled else {
            return Ok(());
        };
        if let Some(partitions) = &mut spilled.partitions {
            let batch = self.input.batch();
            let rows = Rows::of(batch);
            let first = spilled.number;
            spilled.number += rows.len() as i64;
            let number = |n: usize, _: usize| first + n as i64;
            divide(&mut self.seen, batch, self.width, number, partitions)?;
        }
        Ok(())
    }

    /// Finds the distinct ones among the rows that were put aside.
    fn finish(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let Some(spilled) = &mut self.spilled else {
            return Ok(());
        };
        let mut pending = VecDeque::new();
        if let Some(partitions) = spilled.partitions.take() {
            partitions.finish(&mut pending)?;
        }
        let budget = context.state.session.memory_budget_bytes;
        while let Some(part) = pending.pop_front() {
            self.seen.release();
            let level = part.level();
            let mut divided: Option<Partitions> = None;
            let mut scan = PartScan::new(part, self.width);
            scan.open(context)?;
            while scan.next(context)? {
                context.check_interrupt()?;
                let batch = scan.batch_mut();
                // The last column is the row's number.
                let Some(numbers) = batch.columns.pop() else {
                    continue;
                };
                match &mut divided {
                    Some(divided) => {
                        let number = |_: usize, row: usize| numbers.slots()[row] as i64;
                        divide(&mut self.seen, batch, self.width, number, divided)?;
                    }
                    None => {
                        self.seen.add(batch, &mut self.fresh);
                        batch.select(std::mem::take(&mut self.fresh));
                        let number = Values::of_column(&numbers, Rows::of(batch));
                        spilled.results.push(batch, &[number])?;
                        spilled.results.spill_beyond(budget / 4)?;
                        if self.seen.keys.memory() > budget / 2 && Part::may_divide_at(level) {
                            divided = Some(Partitions::new(level));
                        }
                    }
                }
                batch.columns.push(numbers);
            }
            if let Some(divided) = divided {
                divided.finish(&mut pending)?;
            }
        }
        self.seen.release();
        spilled.sorted = true;
        spilled.results.sort()
    }
}

/// Puts those rows of a batch aside that were not seen.
fn divide(
    seen: &mut Seen,
    batch: &Batch,
    width: usize,
    number: impl Fn(usize, usize) -> i64,
    partitions: &mut Partitions,
) -> Result<()> {
    let rows = Rows::of(batch);
    let columns = columns(batch, rows);
    seen.keys.find_all(&columns, rows.len(), &mut seen.numbers);
    for n in 0..rows.len() {
        if seen.numbers[n] == ABSENT {
            let (row, hash) = (rows.row(n), seen.keys.hash_of(&columns, n));
            partitions.push(hash, number(n, row), batch, width, row)?;
        }
    }
    Ok(())
}

impl Operator for Distinct {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.seen.clear();
        self.spilled = None;
        self.input.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let budget = context.state.session.memory_budget_bytes / 2;
        while !self.spilled.as_ref().is_some_and(|spilled| spilled.sorted) {
            if !self.input.next(context)? {
                if self.spilled.is_none() {
                    return Ok(false);
                }
                self.finish(context)?;
                break;
            }
            context.check_interrupt()?;
            if self.spilled.is_some() {
                self.put_aside()?;
                continue;
            }
            let batch = self.input.batch();
            self.seen.add(batch, &mut self.fresh);
            if self.seen.keys.memory() > budget {
                self.spilled = Some(Spilled::new(self.width));
            }
            if self.fresh.is_empty() {
                continue;
            }
            if self.fresh.len() < batch.selected_len() {
                let batch = self.input.batch_mut();
                let spare = batch.take_selection();
                batch.select(std::mem::replace(&mut self.fresh, spare));
            }
            return Ok(true);
        }
        match &mut self.spilled {
            Some(spilled) => Ok(spilled.results.take(BATCH_ROWS_MAX, &mut spilled.batch)? > 0),
            None => Ok(false),
        }
    }

    fn batch(&self) -> &Batch {
        match &self.spilled {
            Some(spilled) if spilled.sorted => &spilled.batch,
            _ => self.input.batch(),
        }
    }

    fn batch_mut(&mut self) -> &mut Batch {
        match &mut self.spilled {
            Some(spilled) if spilled.sorted => &mut spilled.batch,
            _ => self.input.batch_mut(),
        }
    }

    fn close(&mut self) {
        self.input.close();
        self.seen.release();
        self.spilled = None;
    }
}
