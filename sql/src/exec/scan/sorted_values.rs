//! The values of IN (SELECT) in the order of a tree, where they are more than there is memory for: sorted in files, and given in pieces.

use crate::error::Result;
use crate::exec::kernel::Values;
use crate::exec::sort::SortBuffer;
use crate::exec::{BATCH_ROWS_MAX, Batch, Vector};
use crate::plan::expr::Expr;
use crate::plan::physical::SortKey;
use crate::value::{Collation, Value, compare};

/// In which order a scan meets the values of a column.
#[derive(Clone)]
pub(super) struct ValueOrder {
    pub(super) collation: Collation,
    pub(super) descending: bool,
}

/// See the module's head.
pub(super) struct SortedValues {
    order: ValueOrder,
    rows: SortBuffer,
    batch: Batch,
    /// The last value that was given.
    last: Value,
}

impl SortedValues {
    pub(super) fn new(order: ValueOrder) -> SortedValues {
        let key = SortKey {
            expression: Expr::Column(0),
            descending: order.descending,
            nulls_first: true,
            collation: order.collation.clone(),
        };
        SortedValues {
            order,
            rows: SortBuffer::new(1, &[key]),
            batch: Batch::new(1),
            last: Value::Null,
        }
    }

    /// Takes the values over; NULLs are left out.
    pub(super) fn take(&mut self, values: &mut Vec<Value>, budget: usize) -> Result<()> {
        for some in values.chunks(BATCH_ROWS_MAX) {
            self.batch.clear();
            let column: &mut Vector = &mut self.batch.columns[0];
            let present = some.iter().filter(|value| !value.is_null());
            present.for_each(|value| column.push(value.as_ref()));
            let len = column.len();
            self.batch.set_len(len);
            self.rows
                .push(&self.batch, &[Values::dense(&self.batch.columns[0])])?;
            self.rows.spill_beyond(budget)?;
        }
        values.clear();
        Ok(())
    }

    /// All values are there: they can be [given](SortedValues::give).
    pub(super) fn sort(&mut self) -> Result<()> {
        self.rows.sort()
    }

    /// Puts the next values into `values`, each once; none are left when there are none in it.
    pub(super) fn give(&mut self, values: &mut Vec<Value>) -> Result<()> {
        values.clear();
        while values.is_empty() {
            self.batch.clear();
            if self.rows.take(BATCH_ROWS_MAX, &mut self.batch)? == 0 {
                return Ok(());
            }
            let column = &self.batch.columns[0];
            for row in 0..column.len() {
                let value = column.get(row);
                if compare(value, self.last.as_ref(), &self.order.collation).is_ne() {
                    self.last.assign(value);
                    values.push(self.last.clone());
                }
            }
        }
        Ok(())
    }
}
