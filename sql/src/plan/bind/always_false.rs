//! `0 AND x`: what SQLite drops before any name in it is looked up.
//!
//! Where one side of AND is the integer 0 (or an empty IN, a literal that IS NULL, or such an AND), and neither side calls a function, both sides are 0 as soon as they
//! are parsed: tables and columns on the other side need not be there, and nobody is asked whether they may be read. A call is kept for what it
//! may do. What counts as a call, and where one is not noticed, is SQLite's: inside a subquery and behind
//! COLLATE. Without one, `x IN ()` is dropped for its result in the same way.
//!
//! A text in which something is to be renamed is not folded, so that the names in it are found.

use super::Binder;
use super::expression::Pending;
use crate::syntax::ast::{self, BinaryOp, ExprKind, InSet, Literal, UnaryOp};

impl<'a> Binder<'a> {
    /// How many of the innermost operators of a chain, which begins with `first`, come to 0 together.
    pub(super) fn count_always_false(&self, first: &ast::Expr, pending: &Pending<'a>) -> usize {
        let may_fold = |(op, right, _): &(BinaryOp, &ast::Expr, ast::Span)| {
            *op == BinaryOp::And && (is_short(first) || is_short(right))
        };
        match self.uses.is_none() && pending.iter().any(may_fold) {
            true => count(first, pending.iter().rev().map(|(op, right, _)| (*op, *right))),
            false => 0,
        }
    }
}

/// Whether an expression is of a kind that may be 0 without a look at names.
fn is_short(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::In(_) => true,
        ExprKind::Unary { op, .. } => *op == UnaryOp::IsNull,
        ExprKind::Binary { op, .. } => matches!(op, BinaryOp::And | BinaryOp::Is),
        _ => false,
    }
}

/// As [`Binder::count_always_false`]; the operators come innermost first.
fn count<'e>(first: &ast::Expr, operators: impl Iterator<Item = (BinaryOp, &'e ast::Expr)>) -> usize {
    let (mut is_false, mut calls) = (is_always_false(first), has_call(first));
    let mut folded = 0;
    for (number, (op, right)) in operators.enumerate() {
        calls |= has_call(right) || is_call(op);
        is_false = match op {
            BinaryOp::And => !calls && (is_false || is_always_false(right)),
            BinaryOp::Is => number == 0 && one_is_null(first, right),
            _ => false,
        };
        if is_false {
            folded = number + 1;
        }
    }
    folded
}

fn is_always_false(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(Literal::Integer(0) | Literal::Hex(0)) => true,
        ExprKind::In(test) => !test.negated && is_settled(test),
        ExprKind::Unary {
            op: UnaryOp::IsNull,
            operand,
        } => is_value(operand),
        ExprKind::Binary { .. } => {
            let (first, operators) = chain(expr);
            count(first, operators.iter().rev().copied()) == operators.len()
        }
        _ => false,
    }
}

/// Whether one of two is NULL, and the other a literal that is not.
fn one_is_null(a: &ast::Expr, b: &ast::Expr) -> bool {
    let is_null = |expr: &ast::Expr| matches!(expr.kind, ExprKind::Literal(Literal::Null));
    (is_null(b) && is_value(a)) || (is_null(a) && is_value(b))
}

/// Whether an expression is a literal, with or without signs, that is not NULL.
fn is_value(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ExprKind::Unary {
            op: UnaryOp::Plus | UnaryOp::Negate,
            operand,
        } => is_value(operand),
        ExprKind::Literal(literal) => matches!(
            literal,
            Literal::Integer(_)
                | Literal::Hex(_)
                | Literal::Number(_)
                | Literal::String(_)
                | Literal::Blob(_)
        ),
        _ => false,
    }
}

/// Whether nothing is sought in an empty list, and nothing called for it.
pub(super) fn is_settled(test: &ast::In) -> bool {
    matches!(&test.set, InSet::List(list) if list.is_empty()) && !has_call(&test.operand)
}

/// The leftmost operand of a chain, and its operators, outermost first.
fn chain(top: &ast::Expr) -> (&ast::Expr, Vec<(BinaryOp, &ast::Expr)>) {
    let (mut at, mut operators) = (top, Vec::new());
    while let ExprKind::Binary { op, operands } = &at.kind {
        operators.push((*op, &operands.right));
        at = &operands.left;
    }
    (at, operators)
}

/// Operators that are functions.
fn is_call(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::JsonExtract | BinaryOp::JsonExtractValue)
}

/// Whether a call is noticed in an expression.
fn has_call(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ExprKind::Call(_) | ExprKind::Like(_) => true,
        ExprKind::Literal(literal) => matches!(
            literal,
            Literal::CurrentDate | Literal::CurrentTime | Literal::CurrentTimestamp
        ),
        ExprKind::Unary { operand, .. } | ExprKind::Cast { operand, .. } => has_call(operand),
        ExprKind::Binary { .. } => {
            let (first, operators) = chain(expr);
            has_call(first)
                || operators
                    .iter()
                    .any(|(op, right)| is_call(*op) || has_call(right))
        }
        ExprKind::Between(between) => [&between.operand, &between.low, &between.high]
            .into_iter()
            .any(has_call),
        ExprKind::In(test) => match &test.set {
            InSet::List(list) => has_call(&test.operand) || list.iter().any(has_call),
            InSet::Select(_) | InSet::Table { .. } => has_call(&test.operand),
        },
        ExprKind::Row(members) => members.iter().any(has_call),
        ExprKind::Case(case) => {
            let mut parts = case.operand.iter().chain(&case.otherwise);
            let mut branches = case.branches.iter();
            parts.any(has_call) || branches.any(|(when, then)| has_call(when) || has_call(then))
        }
        ExprKind::Name(_)
        | ExprKind::Qualified(_)
        | ExprKind::Parameter(_)
        | ExprKind::Collate { .. }
        | ExprKind::Exists(_)
        | ExprKind::Subquery(_)
        | ExprKind::Raise(_) => false,
    }
}
