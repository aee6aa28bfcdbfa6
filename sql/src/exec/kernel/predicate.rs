//! NOT, IS NULL, IS TRUE.

use super::compare::select_where;
use super::{Evaluate, Kernel, Rows, Values, truth_value};
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::{Batch, Class, ExecContext, Vector};
use crate::plan::expr::Expr;
use crate::value::{ValueRef, cast};

pub(super) fn not(operand: &Expr, build: &mut BuildContext) -> Result<Box<dyn Evaluate>> {
    predicate(operand, Test::Not, build)
}

pub(super) fn is_null(operand: &Expr, negated: bool, build: &mut BuildContext) -> Result<Box<dyn Evaluate>> {
    predicate(operand, Test::Null { negated }, build)
}

pub(super) fn is_truth(
    operand: &Expr,
    truth: bool,
    negated: bool,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    predicate(operand, Test::Truth { truth, negated }, build)
}

fn predicate(operand: &Expr, test: Test, build: &mut BuildContext) -> Result<Box<dyn Evaluate>> {
    Ok(Box::new(Predicate {
        test,
        operand: Kernel::compile_in(operand, build)?,
        out: Vector::new(),
    }))
}

#[derive(Clone, Copy)]
enum Test {
    Not,
    Null { negated: bool },
    Truth { truth: bool, negated: bool },
}

impl Test {
    #[inline]
    fn outcome(self, value: ValueRef<'_>) -> Option<bool> {
        match self {
            Test::Not => cast::truth(value).map(|truth| !truth),
            Test::Null { negated } => Some(value.is_null() != negated),
            Test::Truth { truth, negated } => Some((cast::truth(value) == Some(truth)) != negated),
        }
    }
}

struct Predicate {
    test: Test,
    operand: Kernel,
    out: Vector,
}

impl Evaluate for Predicate {
    fn evaluate_first<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
    ) -> Result<ValueRef<'a>> {
        Ok(truth_value(
            self.test.outcome(self.operand.evaluate_one(context, input)?),
        ))
    }

    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Predicate { test, operand, out } = self;
        let operand = operand.evaluate_rows(context, input, rows)?;
        let constant = operand.is_constant() && !rows.is_empty();
        out.clear();
        for n in 0..if constant { 1 } else { rows.len() } {
            out.push_truth(test.outcome(operand.get(n)));
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
        let Predicate { test, operand, .. } = self;
        let values = operand.evaluate_rows(context, input, rows)?;
        match (*test, values.uniform_class()) {
            (Test::Null { negated }, Some(class)) => {
                out.clear();
                if (class == Class::Null) != negated {
                    out.extend(rows.iter());
                }
            }
            (Test::Null { negated }, None) => {
                select_where(rows, out, |n| (values.class(n) == Class::Null) != negated);
            }
            (Test::Not, Some(Class::Integer)) => select_where(rows, out, |n| values.slot(n) == 0),
            (test, _) => select_where(rows, out, |n| test.outcome(values.get(n)) == Some(true)),
        }
        Ok(())
    }
}
