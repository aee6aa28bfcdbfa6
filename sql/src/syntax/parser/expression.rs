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
    Between, BinaryOp, Expr, ExprKind, Ident, Like, ObjectName, Operands, QualifiedName, RaiseAction, Span,
    UnaryOp,
};
use super::super::token::TokenKind;
use super::call::OpenCall;
use super::input::{Failed, Fault, Parse, Rest, Tokens, check_height, ident_of, refuse};
use super::limits::OPEN_MAX;
use super::precedence::{BINDS_EQUAL, BINDS_NOT, BINDS_SIGN, binary_binding, binary_op, binding};
use nom::Err;

/// An expression.
pub(super) fn expr(i: Tokens<'_>) -> Parse<'_, Expr> {
    let mut made = Expr::VACANT;
    let i = expr_into(i, &mut made)?;
    Ok((i, made))
}

/// An expression, which comes into a vacant place.
pub(super) fn expr_into<'a>(i: Tokens<'a>, place: &mut Expr) -> Rest<'a> {
    // Most expressions of a statement are a column and nothing more.
    let (count, next) = column_tokens(i);
    if count > 0 && ends_expression(next) {
        i.cx.note_height(1);
        column_into(i, count, place);
        return Ok(i.skip_many(count));
    }
    machine(i, place)
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
fn column_into(i: Tokens<'_>, count: u32, place: &mut Expr) {
    let (first, last) = (i.head(), i.peek(count - 1));
    let kind = match count {
        1 => ExprKind::Name(ident_of(i, first)),
        _ => ExprKind::Qualified(QualifiedName {
            schema: None,
            table: ident_of(i, first),
            column: ident_of(i, last),
        }),
    };
    place.fill(Expr::new(kind, Span::new(first.start, last.end)));
}

/// Whether a token after an operand neither continues it nor closes what is open around it.
fn ends_expression(kind: TokenKind) -> bool {
    binding(kind) == 1 && kind != TokenKind::Escape
}

/// Reads any expression. What is finished of it stands in its place; what is not is on the stack.
fn machine<'a>(i: Tokens<'a>, place: &mut Expr) -> Rest<'a> {
    let base = i.cx.open.borrow().len();
    let mut machine = Machine { i, base };
    loop {
        let mut height = match column_tokens(machine.i) {
            (0, _) => match machine.operand(place)? {
                Some(height) => height,
                None => continue,
            },
            (count, _) => {
                column_into(machine.i, count, place);
                machine.i = machine.i.skip_many(count);
                1
            }
        };
        loop {
            // The common ends of an operand, without a detour: a binary operator, and the end.
            let next = machine.i.kind();
            let mut hold = machine.hold();
            if hold >= i32::from(binding(next)) {
                machine.complete(place, &mut height, next)?;
                hold = machine.hold();
            }
            match binary_op(next) {
                Some(op) if op != BinaryOp::And || hold != HOLD_LOW => {
                    machine.skip(1);
                    machine.push_binary(op, place, height)?;
                    break;
                }
                None if hold == HOLD_NOTHING && ends_expression(next) => {
                    i.cx.note_height(height);
                    return Ok(machine.i);
                }
                _ => {}
            }
            let expr = place.take();
            match machine.operator(Value { expr, height })? {
                Step::Operand => break,
                Step::Value(next) => {
                    place.fill(next.expr);
                    height = next.height;
                }
                Step::Done(value) => {
                    i.cx.note_height(value.height);
                    place.fill(value.expr);
                    return Ok(machine.i);
                }
            }
        }
    }
}

/// [`Machine::hold`] of an empty stack, of a bracket, and of a `BETWEEN` that lacks its AND: less than any token's [`binding`].
const HOLD_NOTHING: i32 = 0;
const HOLD_WALL: i32 = -1;
const HOLD_LOW: i32 = -2;

/// A finished expression with the height of its tree.
pub(super) struct Value {
    pub(super) expr: Expr,
    pub(super) height: u32,
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

/// What waits for its next part. The operands that are there already are where the finished operator has them.
#[repr(u32)]
pub(super) enum Open {
    Prefix {
        op: UnaryOp,
        start: u32,
    },
    Binary {
        op: BinaryOp,
        /// Of the left operand.
        height: u32,
        operands: Box<Operands>,
    },
    Like {
        height: u32,
        like: Box<Like>,
    },
    /// `x LIKE pattern ESCAPE`.
    Escape {
        height: u32,
        like: Box<Like>,
    },
    /// `x BETWEEN`, and the first bound comes.
    Low {
        height: u32,
        between: Box<Between>,
    },
    /// `x BETWEEN low AND`.
    High {
        height: u32,
        between: Box<Between>,
    },
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
    /// How tightly it holds the operand after it; what is no operator holds less than any token binds.
    #[inline]
    fn hold(&self) -> i32 {
        match self {
            Self::Prefix { op: UnaryOp::Not, .. } => BINDS_NOT.into(),
            Self::Prefix { .. } => BINDS_SIGN.into(),
            Self::Binary { op, .. } => binary_binding(*op).into(),
            Self::Like { .. } | Self::Escape { .. } | Self::High { .. } => BINDS_EQUAL.into(),
            Self::Low { .. } => HOLD_LOW,
            _ => HOLD_WALL,
        }
    }
}

pub(super) struct Machine<'a> {
    pub(super) i: Tokens<'a>,
    /// How much was open before this expression began: below that nothing is its own.
    pub(super) base: usize,
}

impl Machine<'_> {
    pub(super) fn push(&mut self, open: Open) -> Result<(), Failed> {
        let stack = &mut *self.i.cx.open.borrow_mut();
        if stack.len() >= OPEN_MAX {
            return Ok(refuse("Recursion limit", None)?);
        }
        stack.push(open);
        Ok(())
    }

    /// Opens a binary operator whose left operand is `left`, which is taken.
    pub(super) fn push_binary(&mut self, op: BinaryOp, left: &mut Expr, height: u32) -> Result<(), Failed> {
        let mut operands = self.i.cx.spare.borrow_mut().operands();
        operands.left.fill(left.take());
        self.push(Open::Binary { op, height, operands })
    }

    pub(super) fn pop(&mut self) -> Option<Open> {
        let stack = &mut *self.i.cx.open.borrow_mut();
        if stack.len() > self.base {
            stack.pop()
        } else {
            None
        }
    }

    /// How tightly what is open innermost holds the operand after it.
    #[inline]
    fn hold(&self) -> i32 {
        let stack = self.i.cx.open.borrow();
        match stack.last() {
            Some(open) if stack.len() > self.base => open.hold(),
            _ => HOLD_NOTHING,
        }
    }

    /// Completes the open operators that hold the expression in `place` tighter than the next token does.
    fn complete(&mut self, place: &mut Expr, height: &mut u32, next: TokenKind) -> Result<(), Failed> {
        let next_binding = i32::from(binding(next));
        let wins = |open: &mut Open| {
            let is_escaped = next == TokenKind::Escape && matches!(open, Open::Like { .. });
            open.hold() >= next_binding && !is_escaped
        };
        let stack = &mut *self.i.cx.open.borrow_mut();
        while stack.len() > self.base
            && let Some(open) = stack.pop_if(wins)
        {
            match open {
                Open::Binary {
                    op,
                    height: left,
                    operands,
                } => combine_binary(self.i, op, operands, left, place, height)?,
                open => combine(self.i, open, place, height)?,
            }
        }
        Ok(())
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
fn combine_binary(
    i: Tokens<'_>,
    op: BinaryOp,
    mut operands: Box<Operands>,
    left: u32,
    place: &mut Expr,
    height: &mut u32,
) -> Result<(), Failed> {
    *height = left.max(*height) + 1;
    check_height(i, *height)?;
    let span = operands.left.span.to(place.span);
    operands.right.fill(place.take());
    place.fill(Expr::new(binary(op, operands), span));
    Ok(())
}

/// Completes an open operator in the place of its last operand.
#[inline(never)]
fn combine(i: Tokens<'_>, open: Open, place: &mut Expr, height: &mut u32) -> Result<(), Failed> {
    let end = place.span;
    let (kind, span, others) = match open {
        Open::Prefix { op, start } => {
            let operand = Box::new(place.take());
            (ExprKind::Unary { op, operand }, Span::new(start, end.end), 0)
        }
        Open::Like { height, mut like } => {
            like.pattern.fill(place.take());
            let span = like.left.span.to(end);
            (ExprKind::Like(like), span, height)
        }
        Open::Escape { height, mut like } => {
            like.escape = Some(place.take());
            let span = like.left.span.to(end);
            (ExprKind::Like(like), span, height)
        }
        Open::High { height, mut between } => {
            between.high.fill(place.take());
            let span = between.operand.span.to(end);
            (ExprKind::Between(between), span, height)
        }
        // Binary operators are completed elsewhere, and nothing else holds an operand.
        _ => return Ok(()),
    };
    *height = others.max(*height) + 1;
    check_height(i, *height)?;
    place.fill(Expr::new(kind, span));
    Ok(())
}

/// A binary operation; a comparison with the constant `NULL` by `IS` becomes a test for NULL, as in SQLite.
fn binary(op: BinaryOp, operands: Box<Operands>) -> ExprKind {
    let test = match op {
        BinaryOp::Is => UnaryOp::IsNull,
        BinaryOp::IsNot => UnaryOp::NotNull,
        _ => return ExprKind::Binary { op, operands },
    };
    if !operands.right.is_null_literal() {
        return ExprKind::Binary { op, operands };
    }
    ExprKind::Unary {
        op: test,
        operand: Box::new(operands.left),
    }
}

/// A bare word as an expression.
pub(super) fn word(ident: Ident) -> Expr {
    let span = ident.span();
    Expr::new(ExprKind::Name(ident), span)
}
