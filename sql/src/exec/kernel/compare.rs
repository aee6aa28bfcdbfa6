//! Comparisons over vectors.
//!
//! Affinity is applied first, a whole column at once and only where it can change the outcome (a number stays as it is
//! under a numeric affinity, because integers and reals compare exactly anyway). What remains are typed loops over integers, reals and texts,
//! and a general loop over [`compare`](crate::value::compare).
//!
//! A comparison that selects rows writes positions and tests without a branch a row.

use std::cmp::Ordering;

use super::{Evaluate, Kernel, Rows, Slots, Values, convert_for_comparison, map_pairs, truth_value};
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::{Batch, Class, ExecContext, Vector};
use crate::plan::expr::{CompareOp, CompareRule, Expr};
use crate::value::{Collation, ValueRef, compare as compare_values, converted_by_affinity};

pub(super) fn compare(
    op: CompareOp,
    left: &Expr,
    right: &Expr,
    rule: &CompareRule,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    let comparison = Comparison::new(op, rule);
    let (left, right) = (
        Kernel::compile_in(left, build)?,
        Kernel::compile_in(right, build)?,
    );
    Ok(Box::new(Compare {
        comparison,
        left,
        right,
        out: Vector::new(),
    }))
}

pub(super) fn between(
    operand: &Expr,
    (low, low_rule): (&Expr, &CompareRule),
    (high, high_rule): (&Expr, &CompareRule),
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    Ok(Box::new(Between {
        operand: Kernel::compile_in(operand, build)?,
        low: Kernel::compile_in(low, build)?,
        high: Kernel::compile_in(high, build)?,
        from: Comparison::new(CompareOp::Ge, low_rule),
        to: Comparison::new(CompareOp::Le, high_rule),
        truths: [Vector::new(), Vector::new()],
        selected: Vec::new(),
        out: Vector::new(),
    }))
}

/// Whether `op` holds of two values that are ordered so; both are not NULL.
#[inline(always)]
pub(crate) fn holds(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Eq | CompareOp::Is => order == Ordering::Equal,
        CompareOp::Ne | CompareOp::IsNot => order != Ordering::Equal,
        CompareOp::Lt => order == Ordering::Less,
        CompareOp::Le => order != Ordering::Greater,
        CompareOp::Gt => order == Ordering::Greater,
        CompareOp::Ge => order != Ordering::Less,
    }
}

/// A comparison of two columns of values, with its buffers.
pub(crate) struct Comparison {
    op: CompareOp,
    rule: CompareRule,
    converted: [Vector; 2],
    scratch: [Vec<u64>; 2],
}

/// Both sides after affinity, and room to gather slots.
pub(crate) struct CompareInput<'a> {
    pub(crate) left: Values<'a>,
    pub(crate) right: Values<'a>,
}

impl Comparison {
    pub(crate) fn new(op: CompareOp, rule: &CompareRule) -> Comparison {
        let (converted, scratch) = Default::default();
        Comparison {
            op,
            rule: rule.clone(),
            converted,
            scratch,
        }
    }

    /// Appends 1, 0 or NULL for each pair to `out`; one row when both are constant.
    pub(crate) fn truths(&mut self, left: Values<'_>, right: Values<'_>, out: &mut Vector) {
        let len = left.distinct_len().max(right.distinct_len());
        if len == 0 {
            return;
        }
        let [left_scratch, right_scratch] = &mut self.scratch;
        let input = converted(&self.rule, left, right, &mut self.converted);
        let (a, b) = (input.left, input.right);
        let op = self.op;
        match (a.uniform_class(), b.uniform_class()) {
            (Some(Class::Integer), Some(Class::Integer)) => {
                let (a, b) = (a.slots(left_scratch), b.slots(right_scratch));
                truth_loop(op, a, b, out, |slot| slot as i64);
            }
            (Some(Class::Real), Some(Class::Real)) => {
                let (a, b) = (a.slots(left_scratch), b.slots(right_scratch));
                truth_loop(op, a, b, out, f64::from_bits);
            }
            _ => {
                for n in 0..len {
                    out.push_truth(compare_one(op, a.get(n), b.get(n), &self.rule.collation));
                }
            }
        }
    }

    /// Puts those of `rows` into `out` of which the comparison is true.
    pub(crate) fn select(&mut self, left: Values<'_>, right: Values<'_>, rows: Rows<'_>, out: &mut Vec<u32>) {
        out.clear();
        if rows.is_empty() {
            return;
        }
        let [left_scratch, right_scratch] = &mut self.scratch;
        let input = converted(&self.rule, left, right, &mut self.converted);
        let (a, b) = (input.left, input.right);
        let op = self.op;
        match (a.uniform_class(), b.uniform_class()) {
            (Some(Class::Integer), Some(Class::Integer)) => {
                let (a, b) = (a.slots(left_scratch), b.slots(right_scratch));
                select_loop(op, a, b, rows, out, |slot| slot as i64);
            }
            (Some(Class::Real), Some(Class::Real)) => {
                let (a, b) = (a.slots(left_scratch), b.slots(right_scratch));
                select_loop(op, a, b, rows, out, f64::from_bits);
            }
            (Some(Class::Text), Some(Class::Text)) if matches!(self.rule.collation, Collation::Binary) => {
                select_text(op, a, b, rows, out);
            }
            _ => {
                let collation = &self.rule.collation;
                select_where(rows, out, |n| {
                    match order_of_numbers(a.classed(n), b.classed(n)) {
                        Some(order) => holds(op, order),
                        None => compare_one(op, a.get(n), b.get(n), collation) == Some(true),
                    }
                });
            }
        }
    }
}

/// Both sides under the rule's affinities.
fn converted<'a>(
    rule: &CompareRule,
    left: Values<'a>,
    right: Values<'a>,
    [left_out, right_out]: &'a mut [Vector; 2],
) -> CompareInput<'a> {
    CompareInput {
        left: convert_for_comparison(left, rule.left, left_out),
        right: convert_for_comparison(right, rule.right, right_out),
    }
}

/// The outcome for two values; `None` is NULL.
#[inline]
pub(crate) fn compare_one(
    op: CompareOp,
    a: ValueRef<'_>,
    b: ValueRef<'_>,
    collation: &Collation,
) -> Option<bool> {
    match (op, a.is_null(), b.is_null()) {
        (_, false, false) => Some(holds(op, compare_values(a, b, collation))),
        (CompareOp::Is, a, b) => Some(a == b),
        (CompareOp::IsNot, a, b) => Some(a != b),
        _ => None,
    }
}

/// The order of two numbers, given as slots, where it needs no more than a comparison of machine numbers.
#[inline(always)]
fn order_of_numbers(a: (Class, u64), b: (Class, u64)) -> Option<Ordering> {
    /// Integers up to here are reals, too.
    const EXACT: u64 = 1 << 53;
    let real = |(class, slot): (Class, u64)| match class {
        Class::Real => Some(f64::from_bits(slot)),
        Class::Integer if (slot as i64).unsigned_abs() <= EXACT => Some(slot as i64 as f64),
        _ => None,
    };
    match (a, b) {
        ((Class::Integer, a), (Class::Integer, b)) => Some((a as i64).cmp(&(b as i64))),
        (a, b) => real(a)?.partial_cmp(&real(b)?),
    }
}

#[inline(always)]
fn truth_loop<T: PartialOrd>(
    op: CompareOp,
    a: Slots<'_>,
    b: Slots<'_>,
    out: &mut Vector,
    read: impl Fn(u64) -> T,
) {
    let class = Class::Integer;
    match op {
        CompareOp::Eq | CompareOp::Is => map_pairs(a, b, out, class, |a, b| u64::from(read(a) == read(b))),
        CompareOp::Ne | CompareOp::IsNot => map_pairs(a, b, out, class, |a, b| u64::from(read(a) != read(b))),
        CompareOp::Lt => map_pairs(a, b, out, class, |a, b| u64::from(read(a) < read(b))),
        CompareOp::Le => map_pairs(a, b, out, class, |a, b| u64::from(read(a) <= read(b))),
        CompareOp::Gt => map_pairs(a, b, out, class, |a, b| u64::from(read(a) > read(b))),
        CompareOp::Ge => map_pairs(a, b, out, class, |a, b| u64::from(read(a) >= read(b))),
    }
}

#[inline(always)]
fn select_loop<T: PartialOrd>(
    op: CompareOp,
    a: Slots<'_>,
    b: Slots<'_>,
    rows: Rows<'_>,
    out: &mut Vec<u32>,
    read: impl Fn(u64) -> T,
) {
    match op {
        CompareOp::Eq | CompareOp::Is => select_pairs(a, b, rows, out, |a, b| read(a) == read(b)),
        CompareOp::Ne | CompareOp::IsNot => select_pairs(a, b, rows, out, |a, b| read(a) != read(b)),
        CompareOp::Lt => select_pairs(a, b, rows, out, |a, b| read(a) < read(b)),
        CompareOp::Le => select_pairs(a, b, rows, out, |a, b| read(a) <= read(b)),
        // The other two are these from the other side.
        CompareOp::Gt => select_pairs(b, a, rows, out, |b, a| read(b) < read(a)),
        CompareOp::Ge => select_pairs(b, a, rows, out, |b, a| read(b) <= read(a)),
    }
}

#[inline(always)]
fn select_pairs(
    a: Slots<'_>,
    b: Slots<'_>,
    rows: Rows<'_>,
    out: &mut Vec<u32>,
    test: impl Fn(u64, u64) -> bool,
) {
    match (a, b) {
        (Slots::Rows(a), Slots::Rows(b)) => {
            let b = &b[..a.len()];
            select_where(rows, out, |n| test(a[n], b[n]));
        }
        (Slots::Rows(a), Slots::Constant(b)) => select_where(rows, out, |n| test(a[n], b)),
        (Slots::Constant(a), Slots::Rows(b)) => select_where(rows, out, |n| test(a, b[n])),
        (Slots::Constant(a), Slots::Constant(b)) => {
            if test(a, b) {
                out.extend(rows.iter());
            }
        }
    }
}

/// Puts the rows into `out` whose number passes `test`; without a branch a row.
#[inline(always)]
pub(super) fn select_where(rows: Rows<'_>, out: &mut Vec<u32>, test: impl Fn(usize) -> bool) {
    let len = rows.len();
    out.clear();
    out.resize(len, 0);
    let mut count = 0;
    match rows {
        Rows::All(_) => {
            for n in 0..len {
                out[count] = n as u32;
                count += usize::from(test(n));
            }
        }
        Rows::Some(picks) => {
            for (n, &row) in picks.iter().enumerate() {
                out[count] = row;
                count += usize::from(test(n));
            }
        }
    }
    out.truncate(count);
}

fn select_text(op: CompareOp, a: Values<'_>, b: Values<'_>, rows: Rows<'_>, out: &mut Vec<u32>) {
    let text_a = |n| a.vector().bytes_of(a.slot(n));
    let text_b = |n| b.vector().bytes_of(b.slot(n));
    match op {
        CompareOp::Eq | CompareOp::Is => select_where(rows, out, |n| text_a(n) == text_b(n)),
        CompareOp::Ne | CompareOp::IsNot => select_where(rows, out, |n| text_a(n) != text_b(n)),
        _ if b.is_constant() => {
            let bound = text_b(0);
            let head = head_of(bound);
            let below = |text: &[u8]| match head_of(text) {
                same if same == head => text < bound,
                other => other < head,
            };
            let above = |text: &[u8]| match head_of(text) {
                same if same == head => text > bound,
                other => other > head,
            };
            match op {
                CompareOp::Lt => select_where(rows, out, |n| below(text_a(n))),
                CompareOp::Ge => select_where(rows, out, |n| !below(text_a(n))),
                CompareOp::Gt => select_where(rows, out, |n| above(text_a(n))),
                _ => select_where(rows, out, |n| !above(text_a(n))),
            }
        }
        _ => select_where(rows, out, |n| holds(op, text_a(n).cmp(text_b(n)))),
    }
}

/// The first eight bytes as a number, zeros behind shorter texts: where they differ, they order texts as the texts themselves do.
#[inline(always)]
fn head_of(text: &[u8]) -> u64 {
    match text.first_chunk::<8>() {
        Some(head) => u64::from_be_bytes(*head),
        None => {
            let mut head = [0; 8];
            head[..text.len()].copy_from_slice(text);
            u64::from_be_bytes(head)
        }
    }
}

struct Compare {
    comparison: Comparison,
    left: Kernel,
    right: Kernel,
    out: Vector,
}

impl Comparison {
    /// The outcome for two single values.
    fn outcome(&self, a: ValueRef<'_>, b: ValueRef<'_>) -> Option<bool> {
        let (left, right) = (self.rule.left, self.rule.right);
        let a_converted = left.and_then(|affinity| converted_by_affinity(a, affinity));
        let b_converted = right.and_then(|affinity| converted_by_affinity(b, affinity));
        let a = a_converted.as_ref().map_or(a, |value| value.as_ref());
        let b = b_converted.as_ref().map_or(b, |value| value.as_ref());
        compare_one(self.op, a, b, &self.rule.collation)
    }
}

impl Evaluate for Compare {
    fn evaluate_first<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
    ) -> Result<ValueRef<'a>> {
        let a = self.left.evaluate_one(context, input)?;
        let b = self.right.evaluate_one(context, input)?;
        Ok(truth_value(self.comparison.outcome(a, b)))
    }

    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let left = self.left.evaluate_rows(context, input, rows)?;
        let right = self.right.evaluate_rows(context, input, rows)?;
        let constant = left.is_constant() && right.is_constant() && !rows.is_empty();
        self.out.clear();
        self.comparison.truths(left, right, &mut self.out);
        Ok(Values::computed(&self.out, constant, rows.len()))
    }

    fn select(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let left = self.left.evaluate_rows(context, input, rows)?;
        let right = self.right.evaluate_rows(context, input, rows)?;
        self.comparison.select(left, right, rows, out);
        Ok(())
    }
}

struct Between {
    operand: Kernel,
    low: Kernel,
    high: Kernel,
    from: Comparison,
    to: Comparison,
    truths: [Vector; 2],
    selected: Vec<u32>,
    out: Vector,
}

impl Evaluate for Between {
    fn evaluate_first<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
    ) -> Result<ValueRef<'a>> {
        let operand = self.operand.evaluate_one(context, input)?;
        let above = self.from.outcome(operand, self.low.evaluate_one(context, input)?);
        let below = self.to.outcome(operand, self.high.evaluate_one(context, input)?);
        Ok(truth_value(conjunction(truth_value(above), truth_value(below))))
    }

    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Between {
            operand,
            low,
            high,
            from,
            to,
            truths: [above, below],
            out,
            ..
        } = self;
        let operand = operand.evaluate_rows(context, input, rows)?;
        above.clear();
        let low = low.evaluate_rows(context, input, rows)?;
        from.truths(operand, low, above);
        below.clear();
        let high = high.evaluate_rows(context, input, rows)?;
        to.truths(operand, high, below);
        let above = Values::computed(above, above.len() < rows.len(), rows.len());
        let below = Values::computed(below, below.len() < rows.len(), rows.len());
        out.clear();
        let constant = above.is_constant() && below.is_constant();
        for n in 0..if constant { 1 } else { rows.len() } {
            out.push_truth(conjunction(above.get(n), below.get(n)));
        }
        Ok(Values::computed(out, constant, rows.len()))
    }

    fn select(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let low = self.low.evaluate_rows(context, input, rows)?;
        let high = self.high.evaluate_rows(context, input, rows)?;
        if !low.is_constant() || !high.is_constant() {
            let values = self.evaluate(context, input, rows)?;
            super::select_true(values, rows, out);
            return Ok(());
        }
        let operand = self.operand.evaluate_rows(context, input, rows)?;
        self.from.select(operand, low, rows, &mut self.selected);
        if matches!(rows, Rows::All(_)) && operand.is_dense() {
            let left = Values::picked(operand.vector(), &self.selected);
            let high = Values::constant(high.vector(), self.selected.len());
            self.to.select(left, high, Rows::Some(&self.selected), out);
            return Ok(());
        }
        self.to.select(operand, high, rows, out);
        intersect(out, &self.selected);
        Ok(())
    }
}

/// AND of two truth values that are 1, 0 or NULL.
fn conjunction(a: ValueRef<'_>, b: ValueRef<'_>) -> Option<bool> {
    match (a, b) {
        (ValueRef::Integer(0), _) | (_, ValueRef::Integer(0)) => Some(false),
        (ValueRef::Null, _) | (_, ValueRef::Null) => None,
        _ => Some(true),
    }
}

/// Keeps the rows of `out` that `other` has too; both ascend.
fn intersect(out: &mut Vec<u32>, other: &[u32]) {
    let mut other = other.iter().peekable();
    out.retain(|row| {
        while other.next_if(|candidate| *candidate < row).is_some() {}
        other.peek() == Some(&row)
    });
}
