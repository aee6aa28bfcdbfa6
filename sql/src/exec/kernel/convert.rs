//! CAST, affinity, and the affinity that comparisons apply.

use super::{Evaluate, Kernel, Rows, Values};
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::{Batch, Class, ExecContext, Vector};
use crate::plan::expr::Expr;
use crate::value::number::may_be_number;
use crate::value::{Affinity, ValueRef, cast as casts, converted_by_affinity};

pub(super) fn cast(operand: &Expr, target: Affinity, build: &mut BuildContext) -> Result<Box<dyn Evaluate>> {
    Ok(Box::new(Convert {
        target,
        forced: true,
        operand: Kernel::compile_in(operand, build)?,
        out: Vector::new(),
    }))
}

pub(super) fn apply_affinity(
    operand: &Expr,
    affinity: Affinity,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    let operand = Kernel::compile_in(operand, build)?;
    Ok(Box::new(Convert {
        target: affinity,
        forced: false,
        operand,
        out: Vector::new(),
    }))
}

struct Convert {
    target: Affinity,
    /// CAST rather than affinity.
    forced: bool,
    operand: Kernel,
    out: Vector,
}

impl Evaluate for Convert {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Convert {
            target,
            forced,
            operand,
            out,
        } = self;
        let encoding = context.state.session.environment.encoding.get();
        let operand = operand.evaluate_rows(context, input, rows)?;
        if operand
            .uniform_class()
            .is_some_and(|class| is_settled(class, *target))
        {
            return Ok(operand);
        }
        let constant = operand.is_constant() && !rows.is_empty();
        out.clear();
        for n in 0..if constant { 1 } else { rows.len() } {
            let value = operand.get(n);
            match *forced {
                true => out.push(casts::cast_in(value, *target, encoding).as_ref()),
                false => push_converted(value, *target, out),
            }
        }
        Ok(Values::computed(out, constant, rows.len()))
    }

    fn evaluate_first<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
    ) -> Result<ValueRef<'a>> {
        let Convert {
            target,
            forced,
            operand,
            out,
        } = self;
        let value = operand.evaluate_one(context, input)?;
        if is_settled(Class::of(value), *target) {
            return Ok(value);
        }
        let converted = match *forced {
            true => Some(casts::cast(value, *target)),
            false => converted_by_affinity(value, *target),
        };
        let Some(converted) = converted else {
            return Ok(value);
        };
        out.set(converted.as_ref());
        Ok(out.get(0))
    }
}

/// Whether all values of `class` stay as they are under CAST and under affinity.
fn is_settled(class: Class, target: Affinity) -> bool {
    match target {
        Affinity::Integer => matches!(class, Class::Null | Class::Integer),
        Affinity::Numeric => matches!(class, Class::Null | Class::Integer),
        Affinity::Text => matches!(class, Class::Null | Class::Text),
        Affinity::Real => class == Class::Null,
        Affinity::Blob => matches!(class, Class::Null | Class::Blob),
    }
}

#[inline]
fn push_converted(value: ValueRef<'_>, affinity: Affinity, out: &mut Vector) {
    match converted_by_affinity(value, affinity) {
        Some(converted) => out.push(converted.as_ref()),
        None => out.push(value),
    }
}

/// Whether applying `affinity` to a value of `class` leaves every comparison with it as it was.
#[inline]
fn compares_the_same(class: Class, affinity: Affinity) -> bool {
    match affinity {
        Affinity::Blob => true,
        Affinity::Text => !matches!(class, Class::Integer | Class::Real),
        // Integers and reals compare exactly with each other, so whether 1.0 becomes 1 does not matter.
        Affinity::Numeric | Affinity::Integer => !matches!(class, Class::Text | Class::Json),
        Affinity::Real => !matches!(class, Class::Text | Class::Json | Class::Integer),
    }
}

/// `values` under `affinity` as far as a comparison can tell; copied to `out` only when something changes.
pub(crate) fn convert_for_comparison<'a>(
    values: Values<'a>,
    affinity: Option<Affinity>,
    out: &'a mut Vector,
) -> Values<'a> {
    let Some(affinity) = affinity else { return values };
    let settled = match values.uniform_class() {
        Some(class) if compares_the_same(class, affinity) => true,
        Some(Class::Text) => {
            let texts = (0..values.distinct_len()).map(|n| values.vector().bytes_of(values.slot(n)));
            { texts }.all(|text| !may_be_number(text))
        }
        Some(_) => false,
        None => (0..values.distinct_len()).all(|n| compares_the_same(values.class(n), affinity)),
    };
    if settled {
        return values;
    }
    out.clear();
    for n in 0..values.distinct_len() {
        push_converted(values.get(n), affinity, out);
    }
    Values::computed(out, values.is_constant() && !values.is_empty(), values.len())
}
