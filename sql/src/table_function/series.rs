//! `generate_series(start, stop, step)`.

use super::{argument, columns};
use crate::catalog::{VirtualColumn, VirtualCursor, VirtualTable};
use crate::error::{Error, Result};
use crate::exec::{Batch, ExecContext};
use crate::value::{Value, ValueRef, number};

pub(super) const NAME: &str = "generate_series";

const START: usize = 1;
const STOP: usize = 2;
const STEP: usize = 3;

#[derive(Debug)]
pub(super) struct Series {
    columns: Vec<VirtualColumn>,
}

impl Default for Series {
    fn default() -> Series {
        Series {
            columns: columns(&["value", "start", "stop", "step"], START),
        }
    }
}

impl VirtualTable for Series {
    fn name(&self) -> &str {
        NAME
    }

    fn columns(&self) -> &[VirtualColumn] {
        &self.columns
    }

    fn open(&self, _: &mut ExecContext<'_>, arguments: &[(usize, Value)]) -> Result<Box<dyn VirtualCursor>> {
        let given = [START, STOP, STEP].map(|column| argument(arguments, column));
        let Some(start) = given[0] else {
            return Err(Error::sql(
                "first argument to \"generate_series()\" missing or unusable",
            ));
        };
        let integer = |value: Option<ValueRef<'_>>, default| value.map_or(default, number::integer_of);
        let step = integer(given[2], 1);
        let bounds = [
            number::integer_of(start),
            integer(given[1], i64::MAX),
            if step == 0 { 1 } else { step },
        ];
        let unknown = given.iter().flatten().any(ValueRef::is_null);
        let next = (!unknown)
            .then_some(bounds[0])
            .filter(|first| !is_past(*first, &bounds));
        Ok(Box::new(Count { next, bounds }))
    }
}

/// Whether a value lies behind the stop, in the direction of the step.
fn is_past(value: i64, [_, stop, step]: &[i64; 3]) -> bool {
    if *step > 0 { value > *stop } else { value < *stop }
}

struct Count {
    next: Option<i64>,
    /// Start, stop, step.
    bounds: [i64; 3],
}

impl VirtualCursor for Count {
    fn fill(
        &mut self,
        _: &mut ExecContext<'_>,
        columns: &[usize],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let mut count = 0;
        while count < max
            && let Some(value) = self.next
        {
            for (vector, &column) in batch.columns.iter_mut().zip(columns) {
                let argument = column
                    .checked_sub(START)
                    .and_then(|argument| self.bounds.get(argument));
                vector.push_integer(argument.copied().unwrap_or(value));
            }
            self.next = value
                .checked_add(self.bounds[2])
                .filter(|next| !is_past(*next, &self.bounds));
            count += 1;
        }
        batch.set_len(batch.len() + count);
        Ok(count)
    }
}
