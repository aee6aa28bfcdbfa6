//! Row values: comparisons of several values at once, spelled out as comparisons of single ones.

use smallvec::SmallVec;

use super::Binder;
use super::expression::{first_named, row_misused};
use super::operator::{compare, comparison};
use super::typed::{Kind, Typed, exact_rule};
use crate::error::Result;
use crate::plan::expr::CompareOp;
use crate::plan::logical::{Branch, Scalar};
use crate::syntax::ast::{self, BinaryOp, ExprKind, Span};

/// The members of a row value; a single value has one.
pub(super) type Row = SmallVec<[Typed; 2]>;

impl<'a> Binder<'a> {
    /// Binds an expression that may be a row value: `(a, b)`, or a subquery of several columns.
    pub(super) fn row(&mut self, expr: &'a ast::Expr) -> Result<Row> {
        match &expr.kind {
            ExprKind::Row(members) => members.iter().map(|member| self.expr(member)).collect(),
            ExprKind::Subquery(select) => self.row_subquery(select, expr.span),
            _ => Ok(std::iter::once(self.expr(expr)?).collect()),
        }
    }

    /// A comparison in which a side is, or may be, a row value.
    #[inline(never)]
    pub(super) fn compare_rows(
        &mut self,
        op: BinaryOp,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
        span: Span,
    ) -> Result<Typed> {
        let left_row = self.row(left)?;
        if let ([_], BinaryOp::Is | BinaryOp::IsNot) = (left_row.as_slice(), op)
            && let Some(truth) = self.truth_literal(right)
        {
            let operand: Scalar = Scalar::all(left_row.into_iter().map(|typed| typed.expr).collect());
            let negated = op == BinaryOp::IsNot;
            return Ok(Typed::plain(Scalar::IsTruth {
                operand: Box::new(operand),
                truth,
                negated,
            }));
        }
        let right_row = self.row(right)?;
        if left_row.len() != right_row.len() {
            let from_query = matches!(right.kind, ExprKind::Subquery(_));
            return Err(match left_row.len() {
                1 if from_query => super::subquery::wrong_width(right_row.len(), 1, right.span),
                _ => row_misused(span),
            });
        }
        Ok(compare_members(
            comparison(op).unwrap_or(CompareOp::Eq),
            left_row,
            right_row,
        ))
    }

    /// BETWEEN over row values: two comparisons.
    pub(super) fn between_rows(&mut self, between: &'a ast::Between) -> Result<Typed> {
        let operand = self.row(&between.operand)?;
        let low = self.row(&between.low)?;
        let high = self.row(&between.high)?;
        if operand.len() != low.len() || operand.len() != high.len() {
            return Err(row_misused(between.operand.span));
        }
        let above = compare_members(CompareOp::Ge, operand.clone(), low);
        let below = compare_members(CompareOp::Le, operand, high);
        let kind = Kind::inherited([&above, &below]);
        let test = Scalar::And(vec![above.expr, below.expr]);
        Ok(kind.of(if between.negated { test.negate() } else { test }))
    }

    /// CASE with a row value as operand: each WHEN becomes a condition.
    pub(super) fn case_of_row(&mut self, case: &'a ast::Case) -> Result<Typed> {
        let operand: Row = case
            .operand
            .as_ref()
            .map(|operand| self.row(operand))
            .transpose()?
            .unwrap_or_default();
        let mut kind = Kind::default();
        let mut branches = Vec::with_capacity(case.branches.len());
        for (when, then) in &case.branches {
            let value = self.row(when)?;
            if value.len() != operand.len() {
                return Err(row_misused(when.span));
            }
            let when = compare_members(CompareOp::Eq, operand.clone(), value);
            let then = self.expr(then)?;
            kind = first_named(kind, [&when, &then]);
            branches.push(Branch {
                when: when.expr,
                rule: exact_rule(),
                then: then.expr,
            });
        }
        let otherwise = case
            .otherwise
            .as_ref()
            .map(|otherwise| self.expr(otherwise))
            .transpose()?;
        kind = first_named(kind, &otherwise);
        let otherwise = otherwise.map(|otherwise| Box::new(otherwise.expr));
        Ok(kind.of(Scalar::Case {
            operand: None,
            branches,
            otherwise,
        }))
    }
}

/// Compares two rows of equal length.
fn compare_members(op: CompareOp, left: Row, right: Row) -> Typed {
    let kind = kind_of_rows(&left, &right);
    let mut pairs: SmallVec<[(Typed, Typed); 2]> = left.into_iter().zip(right).collect();
    if pairs.len() == 1
        && let Some((left, right)) = pairs.pop()
    {
        return compare(op, left, right);
    }
    kind.of(match op {
        CompareOp::Eq | CompareOp::Is => equal_members(op, pairs),
        CompareOp::Ne => equal_members(CompareOp::Eq, pairs).negate(),
        CompareOp::IsNot => equal_members(CompareOp::Is, pairs).negate(),
        _ => ordered_members(op, pairs),
    })
}

/// What whoever asks for the outcome's collation gets, which counts where it stands before another: as in SQLite the first row value with a COLLATE in
/// it names one, and that is its first member's.
fn kind_of_rows(left: &Row, right: &Row) -> Kind {
    let named = [left, right]
        .into_iter()
        .find(|row| row.iter().any(|member| member.explicit));
    let first = named.and_then(|row| row.first());
    first.map_or_else(Kind::default, |first| Kind {
        affinity: None,
        collation: Some(first.order_collation()),
        explicit: true,
    })
}

fn equal_members(op: CompareOp, pairs: SmallVec<[(Typed, Typed); 2]>) -> Scalar {
    let terms = pairs
        .into_iter()
        .map(|(left, right)| compare(op, left, right).expr);
    Scalar::And(terms.collect())
}

/// `(a, b) < (c, d)`: `a < c OR (a = c AND b < d)`, built from the last member to the first.
fn ordered_members(op: CompareOp, mut pairs: SmallVec<[(Typed, Typed); 2]>) -> Scalar {
    let strict = match op {
        CompareOp::Le => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Gt,
        other => other,
    };
    let mut rest: Option<Scalar> = None;
    while let Some((left, right)) = pairs.pop() {
        rest = Some(match rest {
            None => compare(op, left, right).expr,
            Some(rest) => {
                let first = compare(strict, left.clone(), right.clone());
                let equal = compare(CompareOp::Eq, left, right);
                Scalar::Or(vec![first.expr, Scalar::And(vec![equal.expr, rest])])
            }
        });
    }
    rest.unwrap_or_else(|| Scalar::integer(1))
}
