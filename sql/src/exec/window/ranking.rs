//! The functions that exist only over windows.

use super::frame::Frames;
use super::partition::Partition;
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

    /// Appends the numbers of all rows of a partition.
    pub(super) fn compute(&self, partition: &Partition<'_>, out: &mut Vector) -> Result<()> {
        let count = partition.len();
        match self.function {
            WindowFunction::RowNumber => out.extend_integers(1..=count as i64),
            WindowFunction::Rank => {
                out.extend_integers((0..count).map(|row| partition.peers(row).0 as i64 + 1))
            }
            WindowFunction::DenseRank => {
                out.extend_integers((0..count).map(|row| partition.group(row) as i64 + 1));
            }
            WindowFunction::PercentRank => {
                let others = count.saturating_sub(1);
                let share = |row: usize| partition.peers(row).0 as f64 / others as f64;
                (0..count).for_each(|row| out.push_real(if others == 0 { 0.0 } else { share(row) }));
            }
            WindowFunction::CumeDist => {
                (0..count).for_each(|row| out.push_real(partition.peers(row).1 as f64 / count as f64));
            }
            WindowFunction::Ntile => self.ntile(partition, out)?,
            other => return Err(Error::misuse(format!("{other:?} is not a ranking"))),
        }
        Ok(())
    }

    /// Larger buckets first; with more buckets than rows each row has its own.
    fn ntile(&self, partition: &Partition<'_>, out: &mut Vector) -> Result<()> {
        let buckets = self.positive(partition, 0, 0, "argument of ntile must be a positive integer")?;
        let (small, larger) = (partition.len() / buckets, partition.len() % buckets);
        let in_larger = larger * (small + 1);
        let bucket = |row: usize| match row.checked_sub(in_larger) {
            None => row / (small + 1),
            // Past the larger buckets there are rows only when the small ones hold some.
            Some(rest) => larger + rest / small.max(1),
        };
        out.extend_integers((0..partition.len()).map(|row| bucket(row) as i64 + 1));
        Ok(())
    }

    /// Appends which values the rows of a partition get.
    pub(super) fn pick(
        &self,
        partition: &Partition<'_>,
        frames: &mut Frames,
        out: &mut Vec<Option<(usize, u32)>>,
    ) -> Result<()> {
        let value = self.arguments.first().copied().unwrap_or_default();
        for row in 0..partition.len() {
            let found = match self.function {
                WindowFunction::Lag => self.neighbour(partition, row, -1),
                WindowFunction::Lead => self.neighbour(partition, row, 1),
                WindowFunction::FirstValue => nth_in_frame(partition, frames, row, 1),
                WindowFunction::LastValue => last_in_frame(partition, frames, row),
                _ => {
                    let message = "second argument to nth_value must be a positive integer";
                    let nth = self.positive(partition, 1, row, message)?;
                    nth_in_frame(partition, frames, row, nth)
                }
            };
            let is_neighbour = matches!(self.function, WindowFunction::Lag | WindowFunction::Lead);
            out.push(match (found, self.arguments.get(2)) {
                (Some(other), _) => Some((value, partition.place(other))),
                (None, Some(default)) if is_neighbour => Some((*default, partition.place(row))),
                (None, _) => None,
            });
        }
        Ok(())
    }

    /// The row that lag or lead looks at.
    fn neighbour(&self, partition: &Partition<'_>, row: usize, direction: i64) -> Option<usize> {
        let offset = match self.arguments.get(1) {
            None => 1,
            Some(column) => match cast::cast(partition.value(*column, row), Affinity::Integer) {
                Value::Integer(offset) => offset,
                _ => return None,
            },
        };
        let other = i64::try_from(row)
            .ok()?
            .checked_add(offset.checked_mul(direction)?)?;
        usize::try_from(other)
            .ok()
            .filter(|other| *other < partition.len())
    }

    /// An argument that has to be a positive whole number.
    fn positive(
        &self,
        partition: &Partition<'_>,
        argument: usize,
        row: usize,
        message: &str,
    ) -> Result<usize> {
        let number = match self
            .arguments
            .get(argument)
            .map(|column| partition.value(*column, row))
        {
            Some(ValueRef::Integer(number)) => Some(number),
            Some(ValueRef::Real(number)) if number.fract() == 0.0 => Some(number as i64),
            Some(ValueRef::Text(_)) if self.function == WindowFunction::Ntile => {
                match cast::cast(partition.value(self.arguments[argument], row), Affinity::Integer) {
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

fn nth_in_frame(partition: &Partition<'_>, frames: &Frames, row: usize, nth: usize) -> Option<usize> {
    let range = frames.range(partition, row);
    if !frames.excludes() {
        return range
            .start
            .checked_add(nth - 1)
            .filter(|other| *other < range.end);
    }
    range
        .filter(|other| !frames.is_excluded(partition, row, *other))
        .nth(nth - 1)
}

fn last_in_frame(partition: &Partition<'_>, frames: &Frames, row: usize) -> Option<usize> {
    frames
        .range(partition, row)
        .rev()
        .find(|other| !frames.is_excluded(partition, row, *other))
}
