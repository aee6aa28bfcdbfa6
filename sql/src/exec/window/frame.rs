//! Frames: which rows of the partition a call sees from a row.
//!
//! A frame is a range of row numbers, less what EXCLUDE takes out. Both ends only ever grow from row to row, except
//! that a frame may be empty; the aggregates rely on the first.

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
        })
    }

    /// Gets ready for a partition.
    pub(super) fn start(&mut self, context: &mut ExecContext<'_>, _partition: &Partition<'_>) -> Result<()> {
        self.start.start(context, self.unit, "starting")?;
        self.end.start(context, self.unit, "ending")
    }

    /// Whether rows inside the range are left out.
    pub(super) fn excludes(&self) -> bool {
        self.exclude != FrameExclude::NoOthers
    }

    /// The rows that the frame of `row` spans, before EXCLUDE.
    pub(super) fn range(&self, partition: &Partition<'_>, row: usize) -> Range<usize> {
        let start = self.first(partition, row).min(partition.len());
        let end = self.behind_last(partition, row).min(partition.len());
        start..end.max(start)
    }

    /// Whether EXCLUDE leaves `other` out of the frame of `row`.
    pub(super) fn is_excluded(&self, partition: &Partition<'_>, row: usize, other: usize) -> bool {
        let is_peer = || partition.group(row) == partition.group(other);
        match self.exclude {
            FrameExclude::NoOthers => false,
            FrameExclude::CurrentRow => other == row,
            FrameExclude::Group => is_peer(),
            FrameExclude::Ties => other != row && is_peer(),
        }
    }

    fn first(&self, partition: &Partition<'_>, row: usize) -> usize {
        let bound = &self.start;
        match (self.unit, bound.side) {
            (_, Side::UnboundedPreceding) => 0,
            (_, Side::UnboundedFollowing) => partition.len(),
            (FrameUnit::Rows, Side::CurrentRow) => row,
            (_, Side::CurrentRow) => partition.peers(row).0,
            (FrameUnit::Rows, Side::Preceding) => row.saturating_sub(bound.count()),
            (FrameUnit::Rows, Side::Following) => row.saturating_add(bound.count()),
            (FrameUnit::Groups, Side::Preceding) => {
                partition.group_start(partition.group(row).saturating_sub(bound.count()))
            }
            (FrameUnit::Groups, Side::Following) => {
                partition.group_start(partition.group(row).saturating_add(bound.count()))
            }
            (FrameUnit::Range, side) => {
                let limit = shifted(partition, row, side, &bound.offset);
                first_where(partition, |other| {
                    partition.order_of(other, limit.as_ref()) != Ordering::Less
                })
            }
        }
    }

    fn behind_last(&self, partition: &Partition<'_>, row: usize) -> usize {
        let bound = &self.end;
        match (self.unit, bound.side) {
            (_, Side::UnboundedPreceding) => 0,
            (_, Side::UnboundedFollowing) => partition.len(),
            (FrameUnit::Rows, Side::CurrentRow) => row + 1,
            (_, Side::CurrentRow) => partition.peers(row).1,
            (FrameUnit::Rows, Side::Preceding) => (row + 1).saturating_sub(bound.count()),
            (FrameUnit::Rows, Side::Following) => row.saturating_add(bound.count()).saturating_add(1),
            (FrameUnit::Groups, Side::Preceding) => match partition.group(row).checked_sub(bound.count()) {
                Some(group) => partition.group_start(group + 1),
                None => 0,
            },
            (FrameUnit::Groups, Side::Following) => partition.group_start(
                partition
                    .group(row)
                    .saturating_add(bound.count())
                    .saturating_add(1),
            ),
            (FrameUnit::Range, side) => {
                let limit = shifted(partition, row, side, &bound.offset);
                first_where(partition, |other| {
                    partition.order_of(other, limit.as_ref()) == Ordering::Greater
                })
            }
        }
    }
}

/// The order key of `row`, moved by the offset of a RANGE bound. What is no number is not moved.
fn shifted(partition: &Partition<'_>, row: usize, side: Side, offset: &Value) -> Value {
    let value = partition.order_value(row);
    if !matches!(value, ValueRef::Integer(_) | ValueRef::Real(_)) {
        return Value::from(value);
    }
    let forward = (side == Side::Following) != partition.descends();
    let moved = match forward {
        true => arithmetic::add(value, offset.as_ref()),
        false => arithmetic::sub(value, offset.as_ref()),
    };
    Value::from(moved)
}

/// The first row for which a condition holds that holds for all rows after it; the number of rows when there is none.
fn first_where(partition: &Partition<'_>, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, partition.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle
        } else {
            low = middle + 1
        }
    }
    low
}
