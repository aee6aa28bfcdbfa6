//! `+ - * /` and kin over vectors.
//!
//! Integers and reals have typed loops, and so have mixtures of them. An integer loop that sees an overflow is thrown away and the batch goes row by row, because there the
//! overflowing rows become reals; likewise a real loop that makes a NaN, which is NULL.

use super::{Evaluate, Kernel, Rows, Slots, Values, map_pairs};
use crate::error::{Error, Result};
use crate::exec::build::BuildContext;
use crate::exec::{Batch, Class, ExecContext, Vector};
use crate::plan::expr::{BinaryOp, Expr, UnaryOp};
use crate::value::{ValueRef, arithmetic};

pub(super) fn binary(
    op: BinaryOp,
    left: &Expr,
    right: &Expr,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    let (left, right) = (
        Kernel::compile_in(left, build)?,
        Kernel::compile_in(right, build)?,
    );
    Ok(Box::new(Binary {
        op,
        left,
        right,
        out: Vector::new(),
        scratch: Default::default(),
    }))
}

pub(super) fn concat(left: &Expr, right: &Expr, build: &mut BuildContext) -> Result<Box<dyn Evaluate>> {
    let (left, right) = (
        Kernel::compile_in(left, build)?,
        Kernel::compile_in(right, build)?,
    );
    Ok(Box::new(Concat {
        left,
        right,
        out: Vector::new(),
    }))
}

pub(super) fn unary(op: UnaryOp, operand: &Expr, build: &mut BuildContext) -> Result<Box<dyn Evaluate>> {
    let operand = Kernel::compile_in(operand, build)?;
    Ok(Box::new(Unary {
        op,
        operand,
        out: Vector::new(),
    }))
}

struct Binary {
    op: BinaryOp,
    left: Kernel,
    right: Kernel,
    out: Vector,
    scratch: [Vec<u64>; 2],
}

impl Evaluate for Binary {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Binary {
            op,
            left,
            right,
            out,
            scratch,
        } = self;
        let left = left.evaluate_rows(context, input, rows)?;
        let right = right.evaluate_rows(context, input, rows)?;
        let constant = left.is_constant() && right.is_constant() && !rows.is_empty();
        out.clear();
        if !typed(*op, left, right, out, scratch) {
            out.clear();
            let len = if constant { 1 } else { rows.len() };
            let apply = row_operator(*op);
            (0..len).for_each(|n| out.push(apply(left.get(n), right.get(n))));
        }
        Ok(Values::computed(out, constant, rows.len()))
    }

    fn evaluate_first<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
    ) -> Result<ValueRef<'a>> {
        let a = self.left.evaluate_one(context, input)?;
        let b = self.right.evaluate_one(context, input)?;
        Ok(row_operator(self.op)(a, b))
    }
}

/// Runs a typed loop where there is one; false when the rows have to go one by one.
fn typed(
    op: BinaryOp,
    left: Values<'_>,
    right: Values<'_>,
    out: &mut Vector,
    scratch: &mut [Vec<u64>; 2],
) -> bool {
    if left.is_empty() {
        return true;
    }
    let [left_scratch, right_scratch] = scratch;
    let classes = (left.uniform_class(), right.uniform_class());
    match classes {
        (Some(Class::Integer), Some(Class::Integer)) => {
            let (a, b) = (left.slots(left_scratch), right.slots(right_scratch));
            match op {
                BinaryOp::Add => checked(a, b, out, i64::overflowing_add),
                BinaryOp::Subtract => checked(a, b, out, i64::overflowing_sub),
                BinaryOp::Multiply => checked(a, b, out, i64::overflowing_mul),
                BinaryOp::Divide => checked(a, b, out, divide),
                BinaryOp::Remainder => checked(a, b, out, remainder),
                BinaryOp::BitAnd => checked(a, b, out, |a, b| (a & b, false)),
                BinaryOp::BitOr => checked(a, b, out, |a, b| (a | b, false)),
                _ => false,
            }
        }
        (Some(Class::Real), Some(Class::Real)) => real_loop(op, left, right, out, scratch, |a| a, |b| b),
        (Some(Class::Integer), Some(Class::Real)) => real_loop(
            op,
            left,
            right,
            out,
            scratch,
            |a| (a as i64 as f64).to_bits(),
            |b| b,
        ),
        (Some(Class::Real), Some(Class::Integer)) => real_loop(
            op,
            left,
            right,
            out,
            scratch,
            |a| a,
            |b| (b as i64 as f64).to_bits(),
        ),
        (left_class, right_class) if may_hold_numbers(left_class) && may_hold_numbers(right_class) => {
            match op {
                BinaryOp::Add => classed(left, right, out, i64::overflowing_add, |a, b| a + b),
                BinaryOp::Subtract => classed(left, right, out, i64::overflowing_sub, |a, b| a - b),
                BinaryOp::Multiply => classed(left, right, out, i64::overflowing_mul, |a, b| a * b),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether rows of a class may be numbers: those of several classes may.
fn may_hold_numbers(class: Option<Class>) -> bool {
    matches!(class, None | Some(Class::Integer | Class::Real))
}

/// Runs over pairs of integers, reals and NULLs in any mixture, as columns of DECIMAL hold them; false when there is anything else, an
/// overflow, or a result that is not a number.
#[inline(always)]
fn classed(
    left: Values<'_>,
    right: Values<'_>,
    out: &mut Vector,
    of_integers: impl Fn(i64, i64) -> (i64, bool),
    of_reals: impl Fn(f64, f64) -> f64,
) -> bool {
    let len = left.distinct_len().max(right.distinct_len());
    let mut fails = false;
    let rows = (0..len).map(|n| {
        let real = match (left.classed(n), right.classed(n)) {
            ((Class::Real, a), (Class::Real, b)) => of_reals(real(a), real(b)),
            ((Class::Integer, a), (Class::Real, b)) => of_reals(a as i64 as f64, real(b)),
            ((Class::Real, a), (Class::Integer, b)) => of_reals(real(a), b as i64 as f64),
            ((Class::Integer, a), (Class::Integer, b)) => {
                let (result, over) = of_integers(a as i64, b as i64);
                fails |= over;
                return (Class::Integer, result as u64);
            }
            ((Class::Null, _), (Class::Null | Class::Integer | Class::Real, _))
            | ((Class::Integer | Class::Real, _), (Class::Null, _)) => return (Class::Null, 0),
            _ => f64::NAN,
        };
        fails |= real.is_nan();
        (Class::Real, real.to_bits())
    });
    out.extend_classed(rows);
    !fails
}

/// Runs `apply` over all pairs; false when one of them overflowed.
#[inline(always)]
fn checked(a: Slots<'_>, b: Slots<'_>, out: &mut Vector, apply: impl Fn(i64, i64) -> (i64, bool)) -> bool {
    let mut overflow = false;
    map_pairs(a, b, out, Class::Integer, |a, b| {
        let (result, over) = apply(a as i64, b as i64);
        overflow |= over;
        result as u64
    });
    !overflow
}

/// Runs `apply` over all pairs; false when one of the results is not a number.
#[inline(always)]
fn exact(a: Slots<'_>, b: Slots<'_>, out: &mut Vector, apply: impl Fn(u64, u64) -> f64) -> bool {
    let mut nan = false;
    map_pairs(a, b, out, Class::Real, |a, b| {
        let result = apply(a, b);
        nan |= result.is_nan();
        result.to_bits()
    });
    !nan
}

#[inline(always)]
fn real(bits: u64) -> f64 {
    f64::from_bits(bits)
}

/// A division by zero is NULL even where the reals have an infinity.
#[inline(always)]
fn quotient(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

/// Division of integers; what has no integer result goes row by row.
#[inline]
fn divide(a: i64, b: i64) -> (i64, bool) {
    a.checked_div(b).map_or((0, true), |result| (result, false))
}

#[inline]
fn remainder(a: i64, b: i64) -> (i64, bool) {
    a.checked_rem(b).map_or((0, true), |result| (result, false))
}

#[inline(always)]
fn real_loop(
    op: BinaryOp,
    left: Values<'_>,
    right: Values<'_>,
    out: &mut Vector,
    [left_scratch, right_scratch]: &mut [Vec<u64>; 2],
    left_bits: impl Fn(u64) -> u64,
    right_bits: impl Fn(u64) -> u64,
) -> bool {
    let (a, b) = (left.slots(left_scratch), right.slots(right_scratch));
    match op {
        BinaryOp::Add => exact(a, b, out, |a, b| real(left_bits(a)) + real(right_bits(b))),
        BinaryOp::Subtract => exact(a, b, out, |a, b| real(left_bits(a)) - real(right_bits(b))),
        BinaryOp::Multiply => exact(a, b, out, |a, b| real(left_bits(a)) * real(right_bits(b))),
        BinaryOp::Divide => exact(a, b, out, |a, b| {
            quotient(real(left_bits(a)), real(right_bits(b)))
        }),
        _ => false,
    }
}

fn row_operator(op: BinaryOp) -> fn(ValueRef<'_>, ValueRef<'_>) -> ValueRef<'static> {
    match op {
        BinaryOp::Add => arithmetic::add,
        BinaryOp::Subtract => arithmetic::sub,
        BinaryOp::Multiply => arithmetic::mul,
        BinaryOp::Divide => arithmetic::div,
        BinaryOp::Remainder => arithmetic::rem,
        BinaryOp::BitAnd => arithmetic::and,
        BinaryOp::BitOr => arithmetic::or,
        BinaryOp::ShiftLeft => arithmetic::shift_left,
        BinaryOp::ShiftRight => arithmetic::shift_right,
        // Concatenation has a kernel of its own.
        BinaryOp::Concat => |_, _| ValueRef::Null,
    }
}

struct Concat {
    left: Kernel,
    right: Kernel,
    out: Vector,
}

impl Evaluate for Concat {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Concat { left, right, out } = self;
        let left = left.evaluate_rows(context, input, rows)?;
        let right = right.evaluate_rows(context, input, rows)?;
        let constant = left.is_constant() && right.is_constant() && !rows.is_empty();
        let length_max = context.state.session.environment.length_max.get();
        out.clear();
        for n in 0..if constant { 1 } else { rows.len() } {
            let (a, b) = (left.get(n), right.get(n));
            if a.is_null() || b.is_null() {
                out.push_null();
                continue;
            }
            let before = out.heap_len();
            out.push_bytes_with(Class::Text, |heap| {
                arithmetic::concat(a, b, heap);
            });
            if out.heap_len() - before > length_max {
                return Err(Error::TooBig);
            }
        }
        Ok(Values::computed(out, constant, rows.len()))
    }
}

struct Unary {
    op: UnaryOp,
    operand: Kernel,
    out: Vector,
}

impl Evaluate for Unary {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Unary { op, operand, out } = self;
        let operand = operand.evaluate_rows(context, input, rows)?;
        let constant = operand.is_constant() && !rows.is_empty();
        let apply = match op {
            UnaryOp::Negate => arithmetic::neg,
            UnaryOp::BitNot => arithmetic::not,
            UnaryOp::Not => |value: ValueRef<'_>| match crate::value::cast::truth(value) {
                Some(truth) => ValueRef::Integer(i64::from(!truth)),
                None => ValueRef::Null,
            },
        };
        out.clear();
        for n in 0..if constant { 1 } else { rows.len() } {
            out.push(apply(operand.get(n)));
        }
        Ok(Values::computed(out, constant, rows.len()))
    }
}
