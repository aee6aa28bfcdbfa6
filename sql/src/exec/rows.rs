//! The operators that pass rows on: VALUES, filter, LIMIT, UNION ALL.

use super::build::BuildContext;
use super::kernel::{Kernel, Rows};
use super::operator::Operator;
use super::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::error::{Error, Result};
use crate::plan::expr::Expr;
use crate::plan::physical;
use crate::value::{ValueRef, number};

pub(super) fn values(
    rows: &[Vec<Expr>],
    width: usize,
    build: &mut BuildContext,
) -> Result<Box<dyn Operator>> {
    let rows = rows
        .iter()
        .map(|row| Kernel::compile_all(row, build))
        .collect::<Result<_>>()?;
    let mut nothing = Batch::new(0);
    nothing.set_len(1);
    Ok(Box::new(Values {
        rows,
        next: 0,
        batch: Batch::new(width),
        nothing,
    }))
}

struct Values {
    rows: Vec<Vec<Kernel>>,
    next: usize,
    batch: Batch,
    nothing: Batch,
}

impl Operator for Values {
    fn open(&mut self, _: &mut ExecContext<'_>) -> Result<()> {
        self.next = 0;
        Ok(())
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let Values {
            rows,
            next,
            batch,
            nothing,
        } = self;
        batch.clear();
        let end = rows.len().min(*next + BATCH_ROWS_MAX);
        for row in &mut rows[*next..end] {
            for (kernel, column) in row.iter_mut().zip(&mut batch.columns) {
                let value = kernel.evaluate_rows(context, nothing, Rows::All(1))?;
                column.push_from(value.vector(), value.row(0));
            }
        }
        batch.set_len(end - *next);
        *next = end;
        Ok(!batch.is_empty())
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    fn close(&mut self) {
        self.batch.columns.iter_mut().for_each(Vector::release);
        self.batch.clear();
    }
}

pub(super) fn filter(input: Box<dyn Operator>, predicate: Kernel) -> Box<dyn Operator> {
    Box::new(Filter {
        input,
        predicate,
        selected: Vec::new(),
    })
}

/// Narrows the input's batches.
struct Filter {
    input: Box<dyn Operator>,
    predicate: Kernel,
    selected: Vec<u32>,
}

impl Operator for Filter {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.input.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        while self.input.next(context)? {
            let batch = self.input.batch();
            self.predicate
                .select(context, batch, Rows::of(batch), &mut self.selected)?;
            if self.selected.is_empty() {
                continue;
            }
            let batch = self.input.batch_mut();
            if self.selected.len() < batch.selected_len() {
                let spare = batch.take_selection();
                batch.select(std::mem::replace(&mut self.selected, spare));
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
    }
}

pub(super) fn limit(plan: &physical::Limit, build: &mut BuildContext) -> Result<Box<dyn Operator>> {
    let counts = RowCounts::compile(plan.limit.as_ref(), plan.offset.as_ref(), build)?;
    Ok(Box::new(Limit {
        input: build.sampled(&plan.input)?,
        counts,
        skip: 0,
        left: 0,
    }))
}

/// The LIMIT and OFFSET of a query.
pub(super) struct RowCounts {
    limit: Option<Kernel>,
    offset: Option<Kernel>,
    nothing: Batch,
}

impl RowCounts {
    pub(super) fn compile(
        limit: Option<&Expr>,
        offset: Option<&Expr>,
        build: &mut BuildContext,
    ) -> Result<RowCounts> {
        let mut compile =
            |count: Option<&Expr>| count.map(|count| Kernel::compile_in(count, build)).transpose();
        let (limit, offset) = (compile(limit)?, compile(offset)?);
        let mut nothing = Batch::new(0);
        nothing.set_len(1);
        Ok(RowCounts {
            limit,
            offset,
            nothing,
        })
    }

    /// How many rows to skip, and how many to pass on after them.
    pub(super) fn evaluate(&mut self, context: &mut ExecContext<'_>) -> Result<(u64, u64)> {
        let RowCounts {
            limit,
            offset,
            nothing,
        } = self;
        let mut count = |kernel: &mut Option<Kernel>, without: i64| match kernel {
            Some(kernel) => integer_count(kernel.evaluate_one(context, nothing)?),
            None => Ok(without),
        };
        let (limit, offset) = (count(limit, -1)?, count(offset, 0)?);
        Ok((
            u64::try_from(offset).unwrap_or(0),
            u64::try_from(limit).unwrap_or(u64::MAX),
        ))
    }
}

/// The value of a LIMIT or OFFSET: an integer, or what is one without loss.
pub(super) fn integer_count(value: ValueRef<'_>) -> Result<i64> {
    let number = match value {
        ValueRef::Integer(count) => return Ok(count),
        ValueRef::Real(real) => number::lossless_integer(real),
        ValueRef::Text(text) => match number::affinity_number(text) {
            Some(number::Number::Integer(count)) => Some(count),
            _ => None,
        },
        _ => None,
    };
    number.ok_or(Error::Mismatch)
}

struct Limit {
    input: Box<dyn Operator>,
    counts: RowCounts,
    skip: u64,
    left: u64,
}

impl Operator for Limit {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        (self.skip, self.left) = self.counts.evaluate(context)?;
        if self.left > 0 {
            self.input.open(context)?;
            if self.skip > 0 {
                self.skip -= self.input.skip(self.skip);
            }
        }
        Ok(())
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        while self.left > 0 && self.input.next(context)? {
            let batch = self.input.batch_mut();
            let rows = batch.selected_len() as u64;
            if rows <= self.skip {
                self.skip -= rows;
                continue;
            }
            let kept = (rows - self.skip).min(self.left);
            if kept < rows {
                cut(batch, self.skip as usize, kept as usize);
            }
            self.skip = 0;
            self.left -= kept;
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
    }
}

/// Narrows a batch to `len` of its selected rows, from the `start`-th on.
pub(super) fn cut(batch: &mut Batch, start: usize, len: usize) {
    let narrowed = batch.selection().is_some();
    let mut selection = batch.take_selection();
    if narrowed {
        selection.truncate(start + len);
        selection.drain(..start);
    } else {
        selection.clear();
        selection.extend(start as u32..(start + len) as u32);
    }
    batch.select(selection);
}

pub(super) fn append(inputs: Vec<Box<dyn Operator>>) -> Box<dyn Operator> {
    Box::new(Append {
        inputs,
        current: 0,
        opened: false,
    })
}

/// One input after the other; each is opened when the one before is at its end.
struct Append {
    inputs: Vec<Box<dyn Operator>>,
    current: usize,
    opened: bool,
}

impl Operator for Append {
    fn open(&mut self, _: &mut ExecContext<'_>) -> Result<()> {
        self.current = 0;
        self.opened = false;
        Ok(())
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        while let Some(input) = self.inputs.get_mut(self.current) {
            if !self.opened {
                input.open(context)?;
                self.opened = true;
            }
            if input.next(context)? {
                return Ok(true);
            }
            input.close();
            self.current += 1;
            self.opened = false;
        }
        Ok(false)
    }

    fn batch(&self) -> &Batch {
        self.inputs[self.current].batch()
    }

    fn batch_mut(&mut self) -> &mut Batch {
        self.inputs[self.current].batch_mut()
    }

    fn close(&mut self) {
        self.inputs.iter_mut().for_each(|input| input.close());
    }
}
