//! DISTINCT: each row once, in the order of first appearance.

use smallvec::SmallVec;

use super::kernel::{Rows, Values};
use super::key_table::KeyTable;
use super::operator::Operator;
use super::{Batch, ExecContext};
use crate::error::Result;
use crate::value::Collation;

pub(super) fn distinct(input: Box<dyn Operator>, collations: &[Collation]) -> Box<dyn Operator> {
    Box::new(Distinct {
        input,
        seen: Seen::new(collations),
        fresh: Vec::new(),
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
        let columns = batch.columns.iter().map(|column| Values::of_column(column, rows));
        let columns: SmallVec<[Values<'_>; 8]> = columns.collect();
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

struct Distinct {
    input: Box<dyn Operator>,
    seen: Seen,
    fresh: Vec<u32>,
}

impl Operator for Distinct {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.seen.clear();
        self.input.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        while self.input.next(context)? {
            context.check_interrupt()?;
            let batch = self.input.batch();
            self.seen.add(batch, &mut self.fresh);
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
        Ok(false)
    }

    fn batch(&self) -> &Batch {
        self.input.batch()
    }

    fn batch_mut(&mut self) -> &mut Batch {
        self.input.batch_mut()
    }

    fn close(&mut self) {
        self.input.close();
        self.seen.release();
    }
}
