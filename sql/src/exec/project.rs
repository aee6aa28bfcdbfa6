//! New columns from old.
//!
//! Columns that are only passed on are swapped out of the input's batch, not copied, as long as all rows of it count. A projection
//! that changes nothing is left out.

use super::build::BuildContext;
use super::kernel::{Kernel, Rows};
use super::operator::Operator;
use super::{Batch, ExecContext, Vector};
use crate::error::Result;
use crate::plan::expr::Expr;

pub(super) fn project(
    input: Box<dyn Operator>,
    input_width: usize,
    expressions: &[Expr],
    build: &mut BuildContext,
) -> Result<Box<dyn Operator>> {
    let kernels = Kernel::compile_all(expressions, build)?;
    let identity = kernels.len() == input_width
        && kernels
            .iter()
            .enumerate()
            .all(|(place, kernel)| kernel.as_column() == Some(place));
    if identity {
        return Ok(input);
    }
    let mut taken = vec![false; input_width];
    let swapped = kernels.iter().map(|kernel| match kernel.as_column() {
        Some(column) => !std::mem::replace(&mut taken[column], true),
        None => false,
    });
    Ok(Box::new(Project {
        input,
        swapped: swapped.collect(),
        batch: Batch::new(kernels.len()),
        kernels,
    }))
}

struct Project {
    input: Box<dyn Operator>,
    kernels: Vec<Kernel>,
    /// The kernels that pass on a column which no earlier kernel passes on.
    swapped: Vec<bool>,
    batch: Batch,
}

impl Operator for Project {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.input.open(context)
    }

    fn skip(&mut self, count: u64) -> u64 {
        self.input.skip(count)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if !self.input.next(context)? {
            return Ok(false);
        }
        let Project {
            input,
            kernels,
            swapped,
            batch,
        } = self;
        let dense = input.batch().selection().is_none();
        let rows = input.batch().selected_len();
        batch.clear();
        // What is computed or passed on twice comes first: it reads the columns that are swapped out afterwards.
        for ((kernel, swapped), out) in kernels.iter_mut().zip(swapped.iter()).zip(&mut batch.columns) {
            if !(*swapped && dense) {
                let input = input.batch();
                kernel
                    .evaluate_rows(context, input, Rows::of(input))?
                    .append_to(out);
            }
        }
        if dense {
            let columns = &mut input.batch_mut().columns;
            for ((kernel, swapped), out) in kernels.iter().zip(swapped.iter()).zip(&mut batch.columns) {
                if let (true, Some(column)) = (*swapped, kernel.as_column()) {
                    std::mem::swap(out, &mut columns[column]);
                }
            }
        }
        batch.set_len(rows);
        batch.check_size()?;
        Ok(true)
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    fn close(&mut self) {
        self.input.close();
        self.batch.columns.iter_mut().for_each(Vector::release);
        self.batch.clear();
    }
}
