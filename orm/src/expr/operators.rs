//! Rust's operators on columns and expressions: `&`, `|`, `!`, `+`, `-`, `*`, `/`, `%`.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Rem, Sub};

use super::compare::Comparable;
use super::operand::{Operand, Predicate};
use super::tree::{BinaryOp, Column, Expr, Node, UnaryOp};
use crate::types::{ColumnType, Kind, Numeric};

macro_rules! arithmetic {
    ($($op:ident, $method:ident, $binary:ident;)*) => {$(
        impl<T: Numeric, R: Comparable<T::Base>> $op<R> for Column<T> {
            type Output = Expr<T>;

            fn $method(self, right: R) -> Expr<T> {
                Expr::from_node(Node::binary(BinaryOp::$binary, self.node(), right.into_node()))
            }
        }

        impl<T: Numeric, R: Comparable<T::Base>> $op<R> for Expr<T> {
            type Output = Expr<T>;

            fn $method(self, right: R) -> Expr<T> {
                Expr::from_node(Node::binary(BinaryOp::$binary, self.node, right.into_node()))
            }
        }
    )*};
}
arithmetic! {
    Add, add, Add;
    Sub, sub, Subtract;
    Mul, mul, Multiply;
    Rem, rem, Remainder;
}

/// Whole numbers give a whole number, on every backend.
fn quotient<T: Numeric>(left: Node, right: Node) -> Expr<T> {
    let op = match T::KIND {
        Kind::Int(_) => BinaryOp::DivideWhole,
        _ => BinaryOp::Divide,
    };
    Expr::from_node(Node::binary(op, left, right))
}

impl<T: Numeric, R: Comparable<T::Base>> Div<R> for Column<T> {
    type Output = Expr<T>;

    fn div(self, right: R) -> Expr<T> {
        quotient(self.node(), right.into_node())
    }
}

impl<T: Numeric, R: Comparable<T::Base>> Div<R> for Expr<T> {
    type Output = Expr<T>;

    fn div(self, right: R) -> Expr<T> {
        quotient(self.node, right.into_node())
    }
}

impl<T: Numeric> Neg for Column<T> {
    type Output = Expr<T>;

    fn neg(self) -> Expr<T> {
        Expr::from_node(Node::Unary {
            op: UnaryOp::Minus,
            operand: Box::new(self.node()),
        })
    }
}

impl<T: Numeric> Neg for Expr<T> {
    type Output = Expr<T>;

    fn neg(self) -> Expr<T> {
        Expr::from_node(Node::Unary {
            op: UnaryOp::Minus,
            operand: Box::new(self.node),
        })
    }
}

macro_rules! logic {
    ($($ty:ident<$value:ty>),*) => {$(
        impl<R: Predicate> BitAnd<R> for $ty<$value> {
            type Output = Expr<bool>;

            fn bitand(self, right: R) -> Expr<bool> {
                Expr::from_node(self.into_condition().and(right.into_condition()))
            }
        }

        impl<R: Predicate> BitOr<R> for $ty<$value> {
            type Output = Expr<bool>;

            fn bitor(self, right: R) -> Expr<bool> {
                Expr::from_node(self.into_condition().or(right.into_condition()))
            }
        }

        impl Not for $ty<$value> {
            type Output = Expr<bool>;

            fn not(self) -> Expr<bool> {
                Expr::from_node(negated(self.into_condition()))
            }
        }
    )*};
}
logic!(Expr<bool>, Expr<Option<bool>>, Column<bool>, Column<Option<bool>>);

/// `NOT node`, written inside the operators that have a negated form of their own.
fn negated(node: Node) -> Node {
    match node {
        Node::Like {
            operand,
            pattern,
            case,
            escape,
            negated,
        } => Node::Like {
            operand,
            pattern,
            case,
            escape,
            negated: !negated,
        },
        Node::InList {
            operand,
            list,
            negated,
        } => Node::InList {
            operand,
            list,
            negated: !negated,
        },
        Node::InSelect {
            operand,
            select,
            negated,
        } => Node::InSelect {
            operand,
            select,
            negated: !negated,
        },
        Node::Between {
            operand,
            low,
            high,
            negated,
        } => Node::Between {
            operand,
            low,
            high,
            negated: !negated,
        },
        Node::IsNull { operand, negated } => Node::IsNull {
            operand,
            negated: !negated,
        },
        Node::Unary {
            op: UnaryOp::Not,
            operand,
        } => *operand,
        other => Node::Unary {
            op: UnaryOp::Not,
            operand: Box::new(other),
        },
    }
}

/// Turns an `Option<T>` column of a left join, or any column, into an expression: `column.into()`.
impl<T: ColumnType> From<Column<T>> for Expr<T> {
    fn from(column: Column<T>) -> Expr<T> {
        column.expr()
    }
}
