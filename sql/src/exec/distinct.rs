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
use super::key_runs::KeyRuns;
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
    /// Those for which there was no memory, where rows are asked for at once.
    elsewhere: KeyRuns,
}

impl Seen {
    pub(super) fn new(collations: &[Collation]) -> Seen {
        Seen {
            keys: KeyTable::new(collations),
            numbers: Vec::new(),
            elsewhere: KeyRuns::default(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.elsewhere.clear();
    }

    pub(super) fn release(&mut self) {
        self.keys.release();
        self.elsewhere.clear();
    }

    /// As [`Seen::add`], with keys beyond `budget` bytes in a file.
    pub(super) fn add_within(&mut self, budget: usize, batch: &Batch, fresh: &mut Vec<u32>) -> Result<()> {
        self.add(batch, fresh);
        if !self.elsewhere.is_empty() && !fresh.is_empty() {
            let rows = std::mem::take(fresh);
            let columns = columns(batch, Rows::Some(&rows));
            for (n, &row) in rows.iter().enumerate() {
                let (hash, key) = self.keys.encoded(&columns, n);
                if !self.elsewhere.contains(hash, key)? {
                    fresh.push(row);
                }
            }
        }
        if self.keys.memory() > budget {
            self.elsewhere.take(&mut self.keys)?;
        }
        Ok(())
    }

    /// Bytes of memory in use.
    pub(super) fn memory(&self) -> usize {
        self.keys.memory()
    }

    /// Puts the selected rows of `batch` that were not there before into `fresh`, as positions in the batch.
    pub(super) fn add(&mut self, batch: &Batch, fresh: &mut Vec<u32>) {
        let rows = Rows::of(batch);
        self.add_rows(&columns(batch, rows), rows.len(), fresh);
        if let Rows::Some(picks) = rows {
            fresh.iter_mut().for_each(|n| *n = picks[*n as usize]);
        }
    }

    /// Puts the numbers of those of `len` rows into `fresh` that were not there before.
    pub(super) fn add_rows(&mut self, columns: &[Values<'_>], len: usize, fresh: &mut Vec<u32>) {
        let mut known = self.keys.len() as u32;
        self.keys.insert(columns, len, &mut self.numbers);
        fresh.clear();
        for (n, &number) in self.numbers.iter().enumerate() {
            if number == known {
                known += 1;
                fresh.push(n as u32);
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
    spilled: Option<Aside>,
}

/// New rows for which there was no memory.
pub(super) struct Aside {
    width: usize,
    partitions: Option<Partitions>,
    /// The number of the next row.
    number: i64,
    /// Those of them that are distinct.
    results: SortBuffer,
    sorted: bool,
    batch: Batch,
}

impl Aside {
    pub(super) fn new(width: usize) -> Aside {
        Aside {
            width,
            partitions: Some(Partitions::new(0)),
            number: 0,
            results: SortBuffer::by_number(width),
            sorted: false,
            batch: Batch::new(width),
        }
    }

    /// Puts the rows of a batch aside that were not seen.
    pub(super) fn put(&mut self, seen: &mut Seen, batch: &Batch) -> Result<()> {
        if let Some(partitions) = &mut self.partitions {
            let first = self.number;
            self.number += batch.selected_len() as i64;
            let number = |n: usize, _: usize| first + n as i64;
            divide(seen, batch, self.width, number, partitions)?;
        }
        Ok(())
    }

    /// Finds the distinct ones among the rows that were put aside; what was seen before is forgotten.
    pub(super) fn finish(&mut self, seen: &mut Seen, context: &mut ExecContext<'_>) -> Result<()> {
        let mut pending = VecDeque::new();
        if let Some(partitions) = self.partitions.take() {
            partitions.finish(&mut pending)?;
        }
        let budget = context.state.session.memory_budget_bytes;
        let mut fresh = Vec::new();
        while let Some(part) = pending.pop_front() {
            seen.release();
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
                        divide(seen, batch, self.width, number, divided)?;
                    }
                    None => {
                        seen.add(batch, &mut fresh);
                        batch.select(std::mem::take(&mut fresh));
                        let number = Values::of_column(&numbers, Rows::of(batch));
                        self.results.push(batch, &[number])?;
                        self.results.spill_beyond(budget / 4)?;
                        if seen.memory() > budget / 4 && Part::may_divide_at(level) {
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
        seen.release();
        self.sorted = true;
        self.results.sort()
    }

    /// Takes some of the distinct rows into the batch, in the order in which they came; false at the end.
    pub(super) fn take(&mut self) -> Result<bool> {
        Ok(self.results.take(BATCH_ROWS_MAX, &mut self.batch)? > 0)
    }

    pub(super) fn batch(&self) -> &Batch {
        &self.batch
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
                let Some(spilled) = &mut self.spilled else {
                    return Ok(false);
                };
                spilled.finish(&mut self.seen, context)?;
                break;
            }
            context.check_interrupt()?;
            if let Some(spilled) = &mut self.spilled {
                spilled.put(&mut self.seen, self.input.batch())?;
                continue;
            }
            let batch = self.input.batch();
            self.seen.add(batch, &mut self.fresh);
            if self.seen.memory() > budget {
                self.spilled = Some(Aside::new(self.width));
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
            Some(spilled) => spilled.take(),
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
