//! Frames: which rows of the partition a call sees from a row.
//!
//! A frame is a range of row numbers, less what EXCLUDE takes out. Both ends only ever grow from row to row, except
//! that a frame may be empty; the aggregates rely on the first.

use std::cell::Cell;
use std::cmp::Ordering;
use std::ops::Range;

use super::partition::Partition;
use crate::error::{Error, Result};
use crate::exec::build::BuildContext;
use crate::exec::kernel::Kernel;
use crate::exec::{Batch, ExecContext};
use crate::plan::physical::{Frame, FrameBound, FrameExclude, FrameUnit};
use crate::value::{Value, ValueRef, arithmetic};

/// The frames of a call.
pub(super) struct Frames {
    unit: FrameUnit,
    start: Bound,
    end: Bound,
    exclude: FrameExclude,
    /// Where the last frames of RANGE began and ended: the next ones are near.
    near: (Cell<usize>, Cell<usize>),
}

/// One end of a frame, with its offset as evaluated for the partition at hand.
struct Bound {
    side: Side,
    kernel: Option<Kernel>,
    offset: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    UnboundedPreceding,
    Preceding,
    CurrentRow,
    Following,
    UnboundedFollowing,
}

impl Bound {
    fn build(bound: &FrameBound, build: &mut BuildContext) -> Result<Bound> {
        let (side, offset) = match bound {
            FrameBound::UnboundedPreceding => (Side::UnboundedPreceding, None),
            FrameBound::Preceding(offset) => (Side::Preceding, Some(offset)),
            FrameBound::CurrentRow => (Side::CurrentRow, None),
            FrameBound::Following(offset) => (Side::Following, Some(offset)),
            FrameBound::UnboundedFollowing => (Side::UnboundedFollowing, None),
        };
        let kernel = offset
            .map(|offset| Kernel::compile_in(offset, build))
            .transpose()?;
        Ok(Bound {
            side,
            kernel,
            offset: Value::Null,
        })
    }

    /// Evaluates the offset, which may be no negative number, nor other than whole where rows are counted.
    fn start(&mut self, context: &mut ExecContext<'_>, unit: FrameUnit, which: &str) -> Result<()> {
        let Some(kernel) = &mut self.kernel else {
            return Ok(());
        };
        let no_row = Batch::new(0);
        let value = kernel.evaluate_one(context, &no_row)?;
        let allowed = match (unit, value) {
            (_, ValueRef::Integer(offset)) => offset >= 0,
            (FrameUnit::Range, ValueRef::Real(offset)) => offset >= 0.0,
            (_, ValueRef::Real(offset)) => offset >= 0.0 && offset.fract() == 0.0 && offset < i64::MAX as f64,
            _ => false,
        };
        if !allowed {
            let kind = if unit == FrameUnit::Range {
                "number"
            } else {
                "integer"
            };
            return Err(Error::sql(format!(
                "frame {which} offset must be a non-negative {kind}"
            )));
        }
        self.offset = Value::from(value);
        Ok(())
    }

    /// The offset as a count of rows or groups.
    fn count(&self) -> usize {
        match self.offset {
            Value::Integer(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Value::Real(count) => count as usize,
            _ => 0,
        }
    }
}

impl Frames {
    pub(super) fn build(frame: &Frame, build: &mut BuildContext) -> Result<Frames> {
        Ok(Frames {
            unit: frame.unit,
            start: Bound::build(&frame.start, build)?,
            end: Bound::build(&frame.end, build)?,
            exclude: frame.exclude,
            near: Default::default(),
        })
    }

    /// Gets ready for a partition.
    pub(super) fn start(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.near = Default::default();
        self.start.start(context, self.unit, "starting")?;
        self.end.start(context, self.unit, "ending")
    }

    /// Whether rows inside the range are left out.
    pub(super) fn excludes(&self) -> bool {
        self.exclude != FrameExclude::NoOthers
    }

    /// The rows that the frame of `row` spans, before EXCLUDE.
    pub(super) fn range(&self, partition: &Partition<'_>, row: usize) -> Result<Range<usize>> {
        let start = self.first(partition, row)?.min(partition.len());
        let end = self.behind_last(partition, row)?.min(partition.len());
        Ok(start..end.max(start))
    }

    /// Whether EXCLUDE leaves `other` out of the frame of `row`.
    pub(super) fn is_excluded(&self, partition: &Partition<'_>, row: usize, other: usize) -> Result<bool> {
        let is_peer = || Ok(partition.group(row)? == partition.group(other)?);
        match self.exclude {
            FrameExclude::NoOthers => Ok(false),
            FrameExclude::CurrentRow => Ok(other == row),
            FrameExclude::Group => is_peer(),
            FrameExclude::Ties => Ok(other != row && is_peer()?),
        }
    }

    fn first(&self, partition: &Partition<'_>, row: usize) -> Result<usize> {
        let bound = &self.start;
        let place = match (self.unit, bound.side) {
            (_, Side::UnboundedPreceding) => 0,
            (_, Side::UnboundedFollowing) => partition.len(),
            (FrameUnit::Rows, Side::CurrentRow) => row,
            (_, Side::CurrentRow) => partition.peers(row)?.0,
            (FrameUnit::Rows, Side::Preceding) => row.saturating_sub(bound.count()),
            (FrameUnit::Rows, Side::Following) => row.saturating_add(bound.count()),
            (FrameUnit::Groups, Side::Preceding) => {
                partition.group_start(partition.group(row)?.saturating_sub(bound.count()))?
            }
            (FrameUnit::Groups, Side::Following) => {
                partition.group_start(partition.group(row)?.saturating_add(bound.count()))?
            }
            (FrameUnit::Range, side) => {
                let limit = shifted(partition, row, side, &bound.offset)?;
                first_where(partition, &self.near.0, |other| {
                    Ok(partition.order_of(other, limit.as_ref())? != Ordering::Less)
                })?
            }
        };
        Ok(place)
    }

    fn behind_last(&self, partition: &Partition<'_>, row: usize) -> Result<usize> {
        let bound = &self.end;
        let place = match (self.unit, bound.side) {
            (_, Side::UnboundedPreceding) => 0,
            (_, Side::UnboundedFollowing) => partition.len(),
            (FrameUnit::Rows, Side::CurrentRow) => row + 1,
            (_, Side::CurrentRow) => partition.peers(row)?.1,
            (FrameUnit::Rows, Side::Preceding) => (row + 1).saturating_sub(bound.count()),
            (FrameUnit::Rows, Side::Following) => row.saturating_add(bound.count()).saturating_add(1),
            (FrameUnit::Groups, Side::Preceding) => match partition.group(row)?.checked_sub(bound.count()) {
                Some(group) => partition.group_start(group + 1)?,
                None => 0,
            },
            (FrameUnit::Groups, Side::Following) => partition.group_start(
                partition
                    .group(row)?
                    .saturating_add(bound.count())
                    .saturating_add(1),
            )?,
            (FrameUnit::Range, side) => {
                let limit = shifted(partition, row, side, &bound.offset)?;
                first_where(partition, &self.near.1, |other| {
                    Ok(partition.order_of(other, limit.as_ref())? == Ordering::Greater)
                })?
            }
        };
        Ok(place)
    }
}

/// The order key of `row`, moved by the offset of a RANGE bound. What is no number is not moved.
fn shifted(partition: &Partition<'_>, row: usize, side: Side, offset: &Value) -> Result<Value> {
    let value = partition.order_value(row)?;
    if !matches!(value, Value::Integer(_) | Value::Real(_)) {
        return Ok(value);
    }
    let forward = (side == Side::Following) != partition.descends();
    let moved = match forward {
        true => arithmetic::add(value.as_ref(), offset.as_ref()),
        false => arithmetic::sub(value.as_ref(), offset.as_ref()),
    };
    Ok(Value::from(moved))
}

/// The first row for which a condition holds that holds for all rows after it; the number of rows when there is none. It is looked for
/// in growing steps from where it was `near`, the last time.
fn first_where(
    partition: &Partition<'_>,
    near: &Cell<usize>,
    holds: impl Fn(usize) -> Result<bool>,
) -> Result<usize> {
    let from = near.get().min(partition.len());
    let (mut low, mut high, mut step) = (from, from, 1);
    // It lies in low..=high: no row below `low` has the condition, and `high` has it or is the end.
    while low > 0 && holds(low - 1)? {
        high = low - 1;
        low = high.saturating_sub(step);
        step *= 2;
    }
    if high == from {
        step = 1;
        while high < partition.len() && !holds(high)? {
            low = high + 1;
            high = (high + step).min(partition.len());
            step *= 2;
        }
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle)? {
            high = middle
        } else {
            low = middle + 1
        }
    }
    near.set(low);
    Ok(low)
}
