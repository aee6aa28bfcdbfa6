//! Binary operators between single values.

use super::Binder;
use super::typed::{Kind, Typed, compare_rule};
use crate::error::Result;
use crate::plan::expr::{BinaryOp, CompareOp};
use crate::plan::logical::Scalar;
use crate::syntax::ast::{self, Span};

impl<'a> Binder<'a> {
    /// Binds `left op right`, where the left side is bound already.
    pub(super) fn binary(
        &mut self,
        op: ast::BinaryOp,
        left: Typed,
        right: &'a ast::Expr,
        span: Span,
    ) -> Result<Typed> {
        use ast::BinaryOp as Op;
        if matches!(op, Op::Is | Op::IsNot)
            && let Some(truth) = self.truth_literal(right)
        {
            let kind = Kind::inherited([&left]);
            let operand = Box::new(left.expr);
            return Ok(kind.of(Scalar::IsTruth {
                operand,
                truth,
                negated: op == Op::IsNot,
            }));
        }
        let right = self.expr(right)?;
        if let Some(op) = comparison(op) {
            return Ok(compare(op, left, right));
        }
        let kind = Kind::inherited([&left, &right]);
        Ok(kind.of(match op {
            Op::And => join_terms(left.expr, right.expr, true),
            Op::Or => join_terms(left.expr, right.expr, false),
            Op::JsonExtract => self.operator_call("->", left, right, span)?,
            Op::JsonExtractValue => self.operator_call("->>", left, right, span)?,
            op => Scalar::Binary {
                op: arithmetic(op),
                left: Box::new(left.expr),
                right: Box::new(right.expr),
            },
        }))
    }

    fn operator_call(&mut self, name: &str, left: Typed, right: Typed, span: Span) -> Result<Scalar> {
        let function = self.find_function(&ast::Ident::new(name), 2, span)?;
        let arguments = vec![left.expr, right.expr];
        Ok(Scalar::Call {
            function,
            arguments,
            collation: Default::default(),
        })
    }
}

/// `left op right`.
pub(super) fn compare(op: CompareOp, left: Typed, right: Typed) -> Typed {
    let kind = Kind::inherited([&left, &right]);
    let rule = compare_rule(&left.kind(), &right.kind());
    kind.of(Scalar::Compare {
        op,
        left: Box::new(left.expr),
        right: Box::new(right.expr),
        rule,
    })
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
