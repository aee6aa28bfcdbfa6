//! INTERSECT and EXCEPT.
//!
//! The right side's rows go into a hash table of keys; the left side's rows then pass or not, each distinct row once, in the order in
//! which it first came.

use super::kernel::{Rows, Values};
use super::key_table::{ABSENT, KeyTable};
use super::operator::Operator;
use super::{Batch, ExecContext};
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
    Box::new(SetOperation {
        op,
        left,
        right,
        on_right: KeyTable::new(collations),
        passed: KeyTable::new(collations),
        is_built: false,
    })
}

/// See the module's head. It narrows the left side's batches and hands them on.
struct SetOperation {
    op: SetOperator,
    left: Box<dyn Operator>,
    right: Box<dyn Operator>,
    on_right: KeyTable,
    passed: KeyTable,
    is_built: bool,
}

impl SetOperation {
    fn build(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let mut numbers = Vec::new();
        while self.right.next(context)? {
            context.check_interrupt()?;
            let batch = self.right.batch();
            self.on_right
                .insert(&columns(batch), batch.selected_len(), &mut numbers);
        }
        self.right.close();
        self.is_built = true;
        Ok(())
    }
}

fn columns(batch: &Batch) -> Vec<Values<'_>> {
    batch
        .columns
        .iter()
        .map(|column| Values::of_column(column, Rows::of(batch)))
        .collect()
}

impl Operator for SetOperation {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.on_right.clear();
        self.passed.clear();
        self.is_built = false;
        self.right.open(context)?;
        self.left.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if !self.is_built {
            self.build(context)?;
        }
        while self.left.next(context)? {
            context.check_interrupt()?;
            let batch = self.left.batch();
            let keys = columns(batch);
            let mut kept = Vec::new();
            for n in 0..batch.selected_len() {
                let is_on_right = self.on_right.find(&keys, n) != ABSENT;
                if is_on_right != (self.op == SetOperator::Intersect) {
                    continue;
                }
                let before = self.passed.len();
                if self.passed.insert_one(&keys, n) as usize == before {
                    kept.push(batch.selected_row(n) as u32);
                }
            }
            if !kept.is_empty() {
                self.left.batch_mut().select(kept);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn batch(&self) -> &Batch {
        self.left.batch()
    }

    fn batch_mut(&mut self) -> &mut Batch {
        self.left.batch_mut()
    }

    fn close(&mut self) {
        self.left.close();
        self.right.close();
        self.on_right.release();
        self.passed.release();
    }
}
