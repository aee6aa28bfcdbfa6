//! How tightly operators bind: SQLite's table, and which operator a token is.
//!
//! A larger number binds tighter. Operators of one line are one group and bind from left to right, but for `NOT`, the signs and `~`,
//! which stand in front of their operand.

use super::super::ast::{BinaryOp, LikeOp};
use super::super::token::TokenKind;
use TokenKind as T;

pub(super) const BINDS_OR: u8 = 2;
pub(super) const BINDS_AND: u8 = 4;
pub(in super::super) const BINDS_NOT: u8 = 6;
/// `NOT` after an operand (`NOT IN`) completes what binds tighter than a `NOT` in front, but not that `NOT` itself.
pub(super) const BINDS_NOT_AFTER: u8 = 7;
pub(in super::super) const BINDS_EQUAL: u8 = 8;
pub(super) const BINDS_COMPARE: u8 = 10;
pub(super) const BINDS_BITS: u8 = 14;
pub(super) const BINDS_ADD: u8 = 16;
pub(super) const BINDS_MULTIPLY: u8 = 18;
pub(super) const BINDS_CONCAT: u8 = 20;
pub(in super::super) const BINDS_COLLATE: u8 = 22;
pub(in super::super) const BINDS_SIGN: u8 = 24;

/// How tightly a token binds that stands after an operand; 1 for one that ends all open operators.
pub(super) fn binding(kind: TokenKind) -> u8 {
    match kind {
        T::Or => BINDS_OR,
        T::And => BINDS_AND,
        T::Not => BINDS_NOT_AFTER,
        T::Is | T::Like | T::Glob | T::Regexp | T::Match | T::Between | T::In | T::Isnull | T::Notnull => {
            BINDS_EQUAL
        }
        T::Eq | T::Ne => BINDS_EQUAL,
        T::Lt | T::Le | T::Gt | T::Ge => BINDS_COMPARE,
        T::Ampersand | T::Pipe | T::ShiftLeft | T::ShiftRight => BINDS_BITS,
        T::Plus | T::Minus => BINDS_ADD,
        T::Star | T::Slash | T::Percent => BINDS_MULTIPLY,
        T::Concat | T::Arrow | T::LongArrow => BINDS_CONCAT,
        T::Collate => BINDS_COLLATE,
        _ => 1,
    }
}

/// How tightly a binary operator holds its right operand.
pub(in super::super) fn binary_binding(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => BINDS_OR,
        BinaryOp::And => BINDS_AND,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Is | BinaryOp::IsNot => BINDS_EQUAL,
        BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => BINDS_COMPARE,
        BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::ShiftLeft | BinaryOp::ShiftRight => BINDS_BITS,
        BinaryOp::Add | BinaryOp::Subtract => BINDS_ADD,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => BINDS_MULTIPLY,
        BinaryOp::Concat | BinaryOp::JsonExtract | BinaryOp::JsonExtractValue => BINDS_CONCAT,
    }
}

/// The operator that a token is between two operands, where the token alone says so.
pub(super) fn binary_op(kind: TokenKind) -> Option<BinaryOp> {
    Some(match kind {
        T::Or => BinaryOp::Or,
        T::And => BinaryOp::And,
        T::Eq => BinaryOp::Eq,
        T::Ne => BinaryOp::Ne,
        T::Lt => BinaryOp::Lt,
        T::Le => BinaryOp::Le,
        T::Gt => BinaryOp::Gt,
        T::Ge => BinaryOp::Ge,
        T::Ampersand => BinaryOp::BitAnd,
        T::Pipe => BinaryOp::BitOr,
        T::ShiftLeft => BinaryOp::ShiftLeft,
        T::ShiftRight => BinaryOp::ShiftRight,
        T::Plus => BinaryOp::Add,
        T::Minus => BinaryOp::Subtract,
        T::Star => BinaryOp::Multiply,
        T::Slash => BinaryOp::Divide,
        T::Percent => BinaryOp::Modulo,
        T::Concat => BinaryOp::Concat,
        T::Arrow => BinaryOp::JsonExtract,
        T::LongArrow => BinaryOp::JsonExtractValue,
        _ => return None,
    })
}

pub(super) fn like_op(kind: TokenKind) -> Option<LikeOp> {
    Some(match kind {
        T::Like => LikeOp::Like,
        T::Glob => LikeOp::Glob,
        T::Regexp => LikeOp::Regexp,
        T::Match => LikeOp::Match,
        _ => return None,
    })
}
