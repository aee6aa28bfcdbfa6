//! Expressions: operator precedence over a stack of our own.
//!
//! Operators, parentheses, calls, `CASE`, `CAST` and lists wait on a stack of open parts until they are complete, so an expression may
//! be as deep as it likes without using the thread's stack. The machine is in one of two states:
//!
//! ```text
//!            constant, column, parameter, (select) ...
//!   operand ─────────────────────────────────────────> operator ──> the end: nothing open, nothing fits
//!    │  ^ ^                                             │   ^  │
//!    └──┘ │           binary operator, `,` ...          │   └──┘ postfix operator, closing bracket
//!  prefix, └────────────────────────────────────────────┘
//!  opening bracket
//! ```
//!
//! An open operator is completed when the next token binds no tighter than it does; the table in `precedence` is SQLite's. What is open
//! and not an operator (a bracket, the first bound of `BETWEEN`) is a wall for that: its strength is 0. Two tokens have a
//! second meaning that depends on what is open: `AND` belongs to the nearest `BETWEEN` that still lacks it, and `ESCAPE` to the nearest `LIKE`.

use super::super::ast::{
    Between, BinaryOp, Expr, ExprKind, Ident, Like, LikeOp, Literal, ObjectName, Operands, QualifiedName,
    RaiseAction, Span, UnaryOp,
};
use super::super::token::TokenKind;
use super::call::OpenCall;
use super::input::{Fault, Parse, Tokens, check_height, ident_of, refuse};
use super::limits::OPEN_MAX;
use super::precedence::{BINDS_EQUAL, BINDS_NOT, BINDS_SIGN, binary_binding, binary_op, binding};
use nom::Err;

/// An expression.
pub(super) fn expr(i: Tokens<'_>) -> Parse<'_, Expr> {
    // Most expressions of a statement are a column and nothing more.
    let (count, next) = column_tokens(i);
    if count > 0 && ends_expression(next) {
        i.cx.note_height(1);
        return Ok((i.skip_many(count), column(i, count)));
    }
    machine(i)
}

/// How many tokens `column` or `table.column` takes, unless it may be something else (then none), and what comes after them.
#[inline]
fn column_tokens(i: Tokens<'_>) -> (u32, TokenKind) {
    let more = |kind: TokenKind| matches!(kind, TokenKind::Dot | TokenKind::LeftParen);
    if i.kind() != TokenKind::Id {
        return (0, TokenKind::End);
    }
    let next = i.peek(1).kind;
    if !more(next) {
        return (1, next);
    }
    let after = i.peek(3).kind;
    let is_qualified = next == TokenKind::Dot && i.peek(2).kind == TokenKind::Id && !more(after);
    (if is_qualified { 3 } else { 0 }, after)
}

/// The column that so many tokens name.
fn column(i: Tokens<'_>, count: u32) -> Expr {
    let (first, last) = (i.head(), i.peek(count - 1));
    let kind = match count {
        1 => ExprKind::Name(ident_of(i, first)),
        _ => ExprKind::Qualified(QualifiedName {
            schema: None,
            table: ident_of(i, first),
            column: ident_of(i, last),
        }),
    };
    Expr::new(kind, Span::new(first.start, last.end))
}

/// Whether a token after an operand neither continues it nor closes what is open around it.
fn ends_expression(kind: TokenKind) -> bool {
    binding(kind) == 1 && kind != TokenKind::Escape
}

/// Reads any expression.
fn machine(i: Tokens<'_>) -> Parse<'_, Expr> {
    let base = i.cx.open.borrow().len();
    let mut machine = Machine { i, base };
    loop {
        let mut value = match column_tokens(machine.i) {
            (0, _) => match machine.operand()? {
                Some(value) => value,
                None => continue,
            },
            (count, _) => {
                let expr = column(machine.i, count);
                machine.i = machine.i.skip_many(count);
                Value { expr, height: 1 }
            }
        };
        loop {
            // The common ends of an operand, without a detour: a binary operator, and the end.
            let next = machine.i.kind();
            if machine.has_tighter(next) {
                machine.complete(&mut value, next)?;
            }
            match binary_op(next) {
                Some(op) if op != BinaryOp::And || !machine.awaits_bound() => {
                    machine.skip(1);
                    machine.push(Open::Binary { op, left: value })?;
                    break;
                }
                None if machine.is_empty() && ends_expression(next) => {
                    i.cx.note_height(value.height);
                    return Ok((machine.i, value.expr));
                }
                _ => {}
            }
            match machine.operator(value)? {
                Step::Operand => break,
                Step::Value(next) => value = next,
                Step::Done(value) => {
                    i.cx.note_height(value.height);
                    return Ok((machine.i, value.expr));
                }
            }
        }
    }
}

/// A finished expression with the height of its tree.
pub(super) struct Value {
    pub(super) expr: Expr,
    pub(super) height: u32,
}

impl Value {
    /// The value; what is left in its place is to be overwritten.
    pub(super) fn take(&mut self) -> Value {
        let empty = Expr::new(ExprKind::Literal(Literal::Null), self.expr.span);
        Value {
            expr: std::mem::replace(&mut self.expr, empty),
            height: self.height,
        }
    }
}

/// What the operator state leads to.
#[repr(u32)]
pub(super) enum Step {
    /// An operand must follow.
    Operand,
    /// A larger expression is finished; an operator may follow.
    Value(Value),
    /// The whole is finished.
    Done(Value),
}

/// What waits for its next part.
#[repr(u32)]
pub(super) enum Open {
    Prefix {
        op: UnaryOp,
        start: u32,
    },
    Binary {
        op: BinaryOp,
        left: Value,
    },
    Like {
        op: LikeOp,
        negated: bool,
        left: Value,
    },
    Escape(Box<OpenEscape>),
    /// `x BETWEEN`, and the first bound comes.
    Low {
        negated: bool,
        operand: Value,
    },
    High(Box<OpenHigh>),
    Paren {
        start: u32,
        members: Vec<Expr>,
        height: u32,
    },
    List(Box<OpenList>),
    Call(Box<OpenCall>),
    Case(Box<OpenCase>),
    Cast {
        start: u32,
    },
    Raise {
        start: u32,
        action: RaiseAction,
    },
}

/// `x LIKE pattern ESCAPE`.
pub(super) struct OpenEscape {
    pub(super) op: LikeOp,
    pub(super) negated: bool,
    pub(super) left: Value,
    pub(super) pattern: Value,
}

/// `x BETWEEN low AND`.
pub(super) struct OpenHigh {
    pub(super) negated: bool,
    pub(super) operand: Value,
    pub(super) low: Value,
}

/// `x IN (a,` or `x IN f(a,`.
pub(super) struct OpenList {
    pub(super) negated: bool,
    pub(super) operand: Value,
    pub(super) table: Option<ObjectName>,
    pub(super) members: Vec<Expr>,
    pub(super) height: u32,
}

pub(super) struct OpenCase {
    pub(super) start: u32,
    pub(super) part: CasePart,
    pub(super) operand: Option<Expr>,
    pub(super) when: Option<Expr>,
    pub(super) branches: Vec<(Expr, Expr)>,
    pub(super) otherwise: Option<Expr>,
    pub(super) height: u32,
}

/// Which part of a `CASE` comes.
#[derive(Clone, Copy)]
pub(super) enum CasePart {
    Operand,
    When,
    Then,
    Else,
}

impl Open {
    /// How tightly it holds the operand after it; 0 if it is no operator.
    pub(super) fn binding(&self) -> u8 {
        match self {
            Self::Prefix { op: UnaryOp::Not, .. } => BINDS_NOT,
            Self::Prefix { .. } => BINDS_SIGN,
            Self::Binary { op, .. } => binary_binding(*op),
            Self::Like { .. } | Self::Escape(_) | Self::High(_) => BINDS_EQUAL,
            _ => 0,
        }
    }
}

pub(super) struct Machine<'a> {
    pub(super) i: Tokens<'a>,
    /// How much was open before this expression began: below that nothing is its own.
    pub(super) base: usize,
}

impl Machine<'_> {
    pub(super) fn push(&mut self, open: Open) -> Result<(), Err<Fault>> {
        let stack = &mut *self.i.cx.open.borrow_mut();
        if stack.len() >= OPEN_MAX {
            return refuse("Recursion limit", None);
        }
        stack.push(open);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<Open> {
        let stack = &mut *self.i.cx.open.borrow_mut();
        if stack.len() > self.base {
            stack.pop()
        } else {
            None
        }
    }

    /// Takes the innermost open thing if it is as wanted.
    pub(super) fn pop_if(&mut self, wanted: impl FnOnce(&Open) -> bool) -> Option<Open> {
        let stack = &mut *self.i.cx.open.borrow_mut();
        let own = stack.get(self.base..).unwrap_or_default();
        if own.last().is_some_and(wanted) {
            stack.pop()
        } else {
            None
        }
    }

    /// Whether nothing is open.
    fn is_empty(&self) -> bool {
        self.i.cx.open.borrow().len() <= self.base
    }

    /// Whether a `BETWEEN` is open that lacks its AND.
    fn awaits_bound(&self) -> bool {
        let stack = self.i.cx.open.borrow();
        let own = stack.get(self.base..).unwrap_or_default();
        matches!(own.last(), Some(Open::Low { .. }))
    }

    /// Whether an open operator holds its operand tighter than the next token does.
    fn has_tighter(&self, next: TokenKind) -> bool {
        let stack = self.i.cx.open.borrow();
        let own = stack.get(self.base..).unwrap_or_default();
        own.last().is_some_and(|open| open.binding() >= binding(next))
    }

    /// Takes `count` tokens.
    pub(super) fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.i = self.i.skip();
        }
    }

    /// A value that ends with the last token taken.
    pub(super) fn value(&self, kind: ExprKind, start: u32, height: u32) -> Result<Value, Err<Fault>> {
        check_height(self.i, height)?;
        Ok(Value {
            expr: Expr::new(kind, self.i.span_since(start)),
            height,
        })
    }
}

/// Completes a binary operator in the place of its last operand.
pub(super) fn combine_binary(
    i: Tokens<'_>,
    op: BinaryOp,
    left: Value,
    last: &mut Value,
) -> Result<(), Err<Fault>> {
    last.height = left.height.max(last.height) + 1;
    check_height(i, last.height)?;
    let own = last.expr.span;
    last.expr.span = left.expr.span.to(own);
    let kind = std::mem::replace(&mut last.expr.kind, ExprKind::Literal(Literal::Null));
    last.expr.kind = binary(op, left.expr, Expr::new(kind, own));
    Ok(())
}

/// Completes an open operator with its last operand.
#[inline(never)]
pub(super) fn combine(i: Tokens<'_>, open: Open, last: Value) -> Result<Value, Err<Fault>> {
    let end = last.expr.span;
    let (kind, span, height) = match open {
        Open::Prefix { op, start } => {
            let operand = Box::new(last.expr);
            (
                ExprKind::Unary { op, operand },
                Span::new(start, end.end),
                last.height,
            )
        }
        Open::Binary { op, left } => {
            let mut value = last;
            combine_binary(i, op, left, &mut value)?;
            return Ok(value);
        }
        Open::Like { op, negated, left } => {
            let (span, height) = (left.expr.span.to(end), left.height.max(last.height));
            let like = Like {
                op,
                negated,
                left: left.expr,
                pattern: last.expr,
                escape: None,
            };
            (ExprKind::Like(Box::new(like)), span, height)
        }
        Open::Escape(open) => {
            let OpenEscape {
                op,
                negated,
                left,
                pattern,
            } = *open;
            let span = left.expr.span.to(end);
            let height = left.height.max(pattern.height).max(last.height);
            let (left, pattern) = (left.expr, pattern.expr);
            let like = Like {
                op,
                negated,
                left,
                pattern,
                escape: Some(last.expr),
            };
            (ExprKind::Like(Box::new(like)), span, height)
        }
        Open::High(open) => {
            let OpenHigh {
                negated,
                operand,
                low,
            } = *open;
            let span = operand.expr.span.to(end);
            let height = operand.height.max(low.height).max(last.height);
            let between = Between {
                negated,
                operand: operand.expr,
                low: low.expr,
                high: last.expr,
            };
            (ExprKind::Between(Box::new(between)), span, height)
        }
        // Brackets hold with strength 0 and are never completed by an operator.
        _ => return Ok(last),
    };
    check_height(i, height + 1)?;
    Ok(Value {
        expr: Expr::new(kind, span),
        height: height + 1,
    })
}

/// A binary operation; a comparison with the constant `NULL` by `IS` becomes a test for NULL, as in SQLite.
fn binary(op: BinaryOp, left: Expr, right: Expr) -> ExprKind {
    let test = match op {
        BinaryOp::Is => Some(UnaryOp::IsNull),
        BinaryOp::IsNot => Some(UnaryOp::NotNull),
        _ => None,
    };
    match test {
        Some(op) if matches!(right.kind, ExprKind::Literal(Literal::Null)) => ExprKind::Unary {
            op,
            operand: Box::new(left),
        },
        _ => ExprKind::Binary {
            op,
            operands: Box::new(Operands { left, right }),
        },
    }
}

/// A bare word as an expression.
pub(super) fn word(ident: Ident) -> Expr {
    let span = ident.span();
    Expr::new(ExprKind::Name(ident), span)
}
