//! Core scalar functions over numbers and state: `abs`, `sign`, `round`, `random`, `typeof`, `max`, `min`, `nullif`, counters, versions.

use super::aggregate::Extreme;
use super::{FunctionContext, ValueSink};
use crate::error::{Error, Result};
use crate::value::cast::numeric_argument;
use crate::value::number;
use crate::value::{ValueRef, compare, type_name};

type Args<'a, 'b> = &'a [ValueRef<'b>];

pub(super) fn abs(_: &mut FunctionContext<'_>, args: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    match args[0] {
        ValueRef::Null => out.null(),
        ValueRef::Integer(i) => out.integer(i.checked_abs().ok_or_else(|| Error::sql("integer overflow"))?),
        other => out.real(number::real_of(other).abs()),
    }
    Ok(())
}

pub(super) fn sign(_: &mut FunctionContext<'_>, args: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    match numeric_argument(args[0]).map(|n| n.to_real()) {
        None => out.null(),
        Some(r) => out.integer(i64::from(r > 0.0) - i64::from(r < 0.0)),
    }
    Ok(())
}

pub(super) fn type_of(
    _: &mut FunctionContext<'_>,
    args: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    out.text(type_name(args[0]).as_bytes());
    Ok(())
}

pub(super) fn max(cx: &mut FunctionContext<'_>, args: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    extreme(cx, args, out, Extreme::Max)
}

pub(super) fn min(cx: &mut FunctionContext<'_>, args: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    extreme(cx, args, out, Extreme::Min)
}

/// The first of several equal extremes wins for `max`, the last one for `min`.
fn extreme(
    cx: &mut FunctionContext<'_>,
    args: Args<'_, '_>,
    out: &mut dyn ValueSink,
    extreme: Extreme,
) -> Result<()> {
    let mut best = args[0];
    for &candidate in args {
        if candidate.is_null() {
            out.null();
            return Ok(());
        }
        let keep = match extreme {
            Extreme::Max => compare(candidate, best, cx.collation).is_le(),
            Extreme::Min => compare(candidate, best, cx.collation).is_gt(),
        };
        if !keep {
            best = candidate;
        }
    }
    out.value(best);
    Ok(())
}

pub(super) fn null_if(
    cx: &mut FunctionContext<'_>,
    args: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    if compare(args[0], args[1], cx.collation).is_eq() {
        out.null()
    } else {
        out.value(args[0])
    }
    Ok(())
}

pub(super) fn changes(cx: &mut FunctionContext<'_>, _: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    out.integer(cx.environment.changes.get());
    Ok(())
}

pub(super) fn total_changes(
    cx: &mut FunctionContext<'_>,
    _: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    out.integer(cx.environment.total_changes.get());
    Ok(())
}

pub(super) fn last_insert_rowid(
    cx: &mut FunctionContext<'_>,
    _: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    out.integer(cx.environment.last_insert_rowid.get());
    Ok(())
}
