//! The functions that exist only over windows.

use std::ops::Range;

use super::frame::Frames;
use super::partition::{Partition, Row};
use crate::error::{Error, Result};
use crate::exec::Vector;
use crate::functions::WindowFunction;
use crate::value::{Affinity, Value, ValueRef, cast};

/// A call of a window-only function.
pub(super) struct Ranking {
    function: WindowFunction,
    /// Stored columns that hold the arguments.
    arguments: Vec<usize>,
}

impl Ranking {
    pub(super) fn new(function: WindowFunction, arguments: Vec<usize>) -> Ranking {
        Ranking { function, arguments }
    }

    /// Whether results are values of other rows, not numbers of their own.
    pub(super) fn picks_values(&self) -> bool {
        matches!(
            self.function,
            WindowFunction::Lag
                | WindowFunction::Lead
                | WindowFunction::FirstValue
                | WindowFunction::LastValue
                | WindowFunction::NthValue
        )
    }

    /// Appends the numbers of some rows of a partition.
    pub(super) fn compute(
        &self,
        partition: &Partition<'_>,
        rows: Range<usize>,
        out: &mut Vector,
    ) -> Result<()> {
        let count = partition.len();
        match self.function {
            WindowFunction::RowNumber => out.extend_integers(rows.map(|row| row as i64 + 1)),
            WindowFunction::Rank => {
                for row in rows {
                    out.push_integer(partition.peers(row)?.0 as i64 + 1);
                }
            }
            WindowFunction::DenseRank => {
                for row in rows {
                    out.push_integer(partition.group(row)? as i64 + 1);
                }
            }
            WindowFunction::PercentRank => {
                let others = count.saturating_sub(1);
                for row in rows {
                    let share = partition.peers(row)?.0 as f64 / others as f64;
                    out.push_real(if others == 0 { 0.0 } else { share });
                }
            }
            WindowFunction::CumeDist => {
                for row in rows {
                    out.push_real(partition.peers(row)?.1 as f64 / count as f64);
                }
            }
            WindowFunction::Ntile => self.ntile(partition, rows, out)?,
            other => return Err(Error::misuse(format!("{other:?} is not a ranking"))),
        }
        Ok(())
    }

    /// Larger buckets first; with more buckets than rows each row has its own.
    fn ntile(&self, partition: &Partition<'_>, rows: Range<usize>, out: &mut Vector) -> Result<()> {
        let message = "argument of ntile must be a positive integer";
        let buckets = self.positive(&partition.row(0)?, 0, message)?;
        let (small, larger) = (partition.len() / buckets, partition.len() % buckets);
        let in_larger = larger * (small + 1);
        let bucket = |row: usize| match row.checked_sub(in_larger) {
            None => row / (small + 1),
            // Past the larger buckets there are rows only when the small ones hold some.
            Some(rest) => larger + rest / small.max(1),
        };
        out.extend_integers(rows.map(|row| bucket(row) as i64 + 1));
        Ok(())
    }

    /// Appends the values that some rows of a partition get from others.
    pub(super) fn pick(
        &self,
        partition: &Partition<'_>,
        frames: &Frames,
        rows: Range<usize>,
        out: &mut Vector,
    ) -> Result<()> {
        let value = self.arguments.first().copied().unwrap_or_default();
        let is_neighbour = matches!(self.function, WindowFunction::Lag | WindowFunction::Lead);
        for row in rows {
            let found = match self.function {
                WindowFunction::Lag => self.neighbour(partition, row, -1)?,
                WindowFunction::Lead => self.neighbour(partition, row, 1)?,
                WindowFunction::FirstValue => nth_in_frame(partition, frames, row, 1)?,
                WindowFunction::LastValue => last_in_frame(partition, frames, row)?,
                _ => {
                    let message = "second argument to nth_value must be a positive integer";
                    let nth = self.positive(&partition.row(row)?, 1, message)?;
                    nth_in_frame(partition, frames, row, nth)?
                }
            };
            match (found, self.arguments.get(2)) {
                (Some(other), _) => out.push(partition.row(other)?.get(value)),
                (None, Some(default)) if is_neighbour => out.push(partition.row(row)?.get(*default)),
                (None, _) => out.push_null(),
            }
        }
        Ok(())
    }

    /// The row that lag or lead looks at.
    fn neighbour(&self, partition: &Partition<'_>, row: usize, direction: i64) -> Result<Option<usize>> {
        let offset = match self.arguments.get(1) {
            None => 1,
            Some(column) => match cast::cast(partition.row(row)?.get(*column), Affinity::Integer) {
                Value::Integer(offset) => offset,
                _ => return Ok(None),
            },
        };
        let other = offset.checked_mul(direction);
        let other = other.and_then(|offset| i64::try_from(row).ok()?.checked_add(offset));
        let other = other.and_then(|other| usize::try_from(other).ok());
        Ok(other.filter(|other| *other < partition.len()))
    }

    /// An argument that has to be a positive whole number.
    fn positive(&self, row: &Row<'_>, argument: usize, message: &str) -> Result<usize> {
        let number = match self.arguments.get(argument).map(|column| row.get(*column)) {
            Some(ValueRef::Integer(number)) => Some(number),
            Some(ValueRef::Real(number)) if number.fract() == 0.0 => Some(number as i64),
            Some(text @ ValueRef::Text(_)) if self.function == WindowFunction::Ntile => {
                match cast::cast(text, Affinity::Integer) {
                    Value::Integer(number) => Some(number),
                    _ => None,
                }
            }
            _ => None,
        };
        let positive = number
            .filter(|number| *number > 0)
            .and_then(|number| usize::try_from(number).ok());
        positive.ok_or_else(|| Error::sql(message))
    }
}

fn nth_in_frame(partition: &Partition<'_>, frames: &Frames, row: usize, nth: usize) -> Result<Option<usize>> {
    let range = frames.range(partition, row)?;
    if !frames.excludes() {
        let other = range.start.checked_add(nth - 1);
        return Ok(other.filter(|other| *other < range.end));
    }
    let mut left = nth;
    for other in range {
        left -= usize::from(!frames.is_excluded(partition, row, other)?);
        if left == 0 {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

fn last_in_frame(partition: &Partition<'_>, frames: &Frames, row: usize) -> Result<Option<usize>> {
    for other in frames.range(partition, row)?.rev() {
        if !frames.is_excluded(partition, row, other)? {
            return Ok(Some(other));
        }
    }
    Ok(None)
}
