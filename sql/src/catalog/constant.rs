//! DEFAULT values: which are constant enough to be one, and what a constant one is.

use crate::syntax::ast::{Arguments, Expr, ExprKind, InSet, Literal, UnaryOp};
use crate::value::{Affinity, Text, Value, number};

/// The value of a DEFAULT that is a literal (with a sign, a cast), which rows hold that are older than the column. `None` for any
/// other expression.
pub fn constant_default(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Literal(literal) => literal_value(literal),
        ExprKind::Name(name) if name.is("true") => Some(Value::Integer(1)),
        ExprKind::Name(name) if name.is("false") => Some(Value::Integer(0)),
        ExprKind::Unary {
            op: UnaryOp::Plus,
            operand,
        } => constant_default(operand),
        ExprKind::Unary {
            op: UnaryOp::Negate,
            operand,
        } => negated(operand),
        ExprKind::Cast { operand, to } => {
            let value = constant_default(operand)?;
            Some(crate::value::cast::cast(
                value.as_ref(),
                Affinity::of_cast_type(&to.text),
            ))
        }
        _ => None,
    }
}

fn literal_value(literal: &Literal) -> Option<Value> {
    Some(match literal {
        Literal::Null => Value::Null,
        Literal::Integer(value) => Value::Integer(*value),
        Literal::Hex(bits) => Value::Integer(*bits as i64),
        Literal::Number(text) => Value::Real(number::real_prefix(text.as_bytes())),
        Literal::String(text) => Value::Text(Text::from_bytes(text.to_vec())),
        Literal::Blob(bytes) => Value::Blob(bytes.to_vec()),
        Literal::CurrentDate | Literal::CurrentTime | Literal::CurrentTimestamp => return None,
    })
}

/// The smallest integer has a magnitude that is no integer by itself.
fn negated(operand: &Expr) -> Option<Value> {
    match constant_default(operand)? {
        Value::Integer(value) => Some(
            value
                .checked_neg()
                .map_or(Value::Real(-(value as f64)), Value::Integer),
        ),
        Value::Real(value) if value == -(i64::MIN as f64) && is_smallest_integer(operand) => {
            Some(Value::Integer(i64::MIN))
        }
        Value::Real(value) => Some(Value::Real(-value)),
        Value::Text(text) => match number::operand_number(text.as_bytes()).into_value() {
            Value::Integer(value) => Some(
                value
                    .checked_neg()
                    .map_or(Value::Real(-(value as f64)), Value::Integer),
            ),
            Value::Real(value) => Some(Value::Real(-value)),
            other => Some(other),
        },
        Value::Null => Some(Value::Null),
        Value::Blob(_) => Some(Value::Integer(0)),
    }
}

fn is_smallest_integer(operand: &Expr) -> bool {
    matches!(&operand.kind, ExprKind::Literal(Literal::Number(text)) if text.trim_start_matches('0') == "9223372036854775808")
}

/// Whether a DEFAULT may be this: no columns, no parameters, no subqueries; functions are allowed.
pub fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) => true,
        ExprKind::Name(name) => name.is("true") || name.is("false"),
        ExprKind::Qualified(_)
        | ExprKind::Parameter(_)
        | ExprKind::Exists(_)
        | ExprKind::Subquery(_)
        | ExprKind::Raise(_) => false,
        ExprKind::Unary { operand, .. }
        | ExprKind::Collate { operand, .. }
        | ExprKind::Cast { operand, .. } => is_constant(operand),
        ExprKind::Binary { operands, .. } => is_constant(&operands.left) && is_constant(&operands.right),
        ExprKind::Like(like) => {
            is_constant(&like.left)
                && is_constant(&like.pattern)
                && like.escape.as_ref().is_none_or(is_constant)
        }
        ExprKind::Between(between) => {
            is_constant(&between.operand) && is_constant(&between.low) && is_constant(&between.high)
        }
        ExprKind::In(within) => {
            is_constant(&within.operand)
                && matches!(&within.set, InSet::List(list) if list.iter().all(is_constant))
        }
        ExprKind::Row(members) => members.iter().all(is_constant),
        ExprKind::Case(case) => {
            case.operand.as_ref().is_none_or(is_constant)
                && case
                    .branches
                    .iter()
                    .all(|(when, then)| is_constant(when) && is_constant(then))
                && case.otherwise.as_ref().is_none_or(is_constant)
        }
        ExprKind::Call(call) => match &call.arguments {
            _ if call.over.is_some() => false,
            Arguments::Star => true,
            Arguments::List(list) => list.iter().all(is_constant),
        },
    }
}
