//! Binary operators between single values.

use super::Binder;
use super::typed::{Typed, typed_compare_rule};
use crate::error::Result;
use crate::plan::expr::{BinaryOp, CompareOp};
use crate::plan::logical::Scalar;
use crate::syntax::ast::{self, Span};

impl<'a> Binder<'a> {
    /// Binds `left op right`, where the left side is bound already; the whole takes its place.
    pub(super) fn binary(
        &mut self,
        op: ast::BinaryOp,
        left: &mut Typed,
        right: &'a ast::Expr,
        span: Span,
    ) -> Result<()> {
        use ast::BinaryOp as Op;
        if matches!(op, Op::Is | Op::IsNot)
            && let Some(truth) = self.truth_literal(right)
        {
            left.inherit(None);
            left.expr = Scalar::IsTruth {
                operand: Box::new(left.expr.take()),
                truth,
                negated: op == Op::IsNot,
            };
            return Ok(());
        }
        let mut right = self.expr(right)?;
        if let Some(op) = comparison(op) {
            compare_in_place(op, left, right);
            return Ok(());
        }
        left.inherit(Some(&mut right));
        let (first, second) = (left.expr.take(), right.expr);
        left.expr = match op {
            Op::And => join_terms(first, second, true),
            Op::Or => join_terms(first, second, false),
            Op::JsonExtract => self.operator_call("->", first, second, span)?,
            Op::JsonExtractValue => self.operator_call("->>", first, second, span)?,
            op => Scalar::Binary {
                op: arithmetic(op),
                left: Box::new(first),
                right: Box::new(second),
            },
        };
        Ok(())
    }

    fn operator_call(&mut self, name: &str, left: Scalar, right: Scalar, span: Span) -> Result<Scalar> {
        let function = self.find_function(&ast::Ident::new(name), 2, span)?;
        if self.asker.is_some() && !self.ask_to_call(&function, name, span)? {
            return Ok(Scalar::NULL);
        }
        let arguments = vec![left, right];
        Ok(Scalar::Call {
            function,
            arguments: arguments.into(),
            collation: Default::default(),
        })
    }
}

/// `left op right`.
pub(super) fn compare(op: CompareOp, mut left: Typed, right: Typed) -> Typed {
    compare_in_place(op, &mut left, right);
    left
}

/// As [`compare`]; the comparison takes the place of its left side.
fn compare_in_place(op: CompareOp, left: &mut Typed, mut right: Typed) {
    let rule = typed_compare_rule(left, &right);
    left.inherit(Some(&mut right));
    left.expr = Scalar::compare(op, left.expr.take(), right.expr, rule);
}

/// AND or OR of two terms, flat.
fn join_terms(left: Scalar, right: Scalar, and: bool) -> Scalar {
    let mut terms = match (left, and) {
        (Scalar::And(terms), true) | (Scalar::Or(terms), false) => terms,
        (other, _) => {
            let mut terms = Vec::with_capacity(4);
            terms.push(other);
            terms
        }
    };
    match (right, and) {
        (Scalar::And(more), true) | (Scalar::Or(more), false) => terms.extend(more),
        (other, _) => terms.push(other),
    }
    if and {
        Scalar::And(terms)
    } else {
        Scalar::Or(terms)
    }
}

/// The comparison that an operator is, if it is one.
pub(super) fn comparison(op: ast::BinaryOp) -> Option<CompareOp> {
    use ast::BinaryOp as Op;
    Some(match op {
        Op::Eq => CompareOp::Eq,
        Op::Ne => CompareOp::Ne,
        Op::Lt => CompareOp::Lt,
        Op::Le => CompareOp::Le,
        Op::Gt => CompareOp::Gt,
        Op::Ge => CompareOp::Ge,
        Op::Is => CompareOp::Is,
        Op::IsNot => CompareOp::IsNot,
        _ => return None,
    })
}

fn arithmetic(op: ast::BinaryOp) -> BinaryOp {
    use ast::BinaryOp as Op;
    match op {
        Op::Add => BinaryOp::Add,
        Op::Subtract => BinaryOp::Subtract,
        Op::Multiply => BinaryOp::Multiply,
        Op::Divide => BinaryOp::Divide,
        Op::Modulo => BinaryOp::Remainder,
        Op::BitAnd => BinaryOp::BitAnd,
        Op::BitOr => BinaryOp::BitOr,
        Op::ShiftLeft => BinaryOp::ShiftLeft,
        Op::ShiftRight => BinaryOp::ShiftRight,
        _ => BinaryOp::Concat,
    }
}
