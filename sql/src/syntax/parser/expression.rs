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
//! An open operator is completed when the next token binds no tighter than it does; the table of [`binding`] is SQLite's. What is open
//! and not an operator (a bracket, the first bound of `BETWEEN`) is a wall for that: its strength is 0. Two tokens have a
//! second meaning that depends on what is open: `AND` belongs to the nearest `BETWEEN` that still lacks it, and `ESCAPE` to the nearest `LIKE`.

use super::super::ast::{
    Between, BinaryOp, Case, Expr, ExprKind, Ident, In, InSet, Like, LikeOp, Literal, ObjectName,
    QualifiedName, Raise, RaiseAction, Span, UnaryOp,
};
use super::super::token::{Token, TokenKind};
use super::call::{self, OpenCall};
use super::ddl::type_name;
use super::input::{Fault, Parse, Tokens, alias_name, check_height, ident_of, name, nested, refuse};
use super::limits::OPEN_MAX;
use super::literal::{literal, parameter};
use super::name::object_name;
use super::select::{select, starts_select};
use TokenKind as T;
use nom::Err;

/// An expression.
pub(super) fn expr(i: Tokens<'_>) -> Parse<'_, Expr> {
    let base = i.cx.open.borrow().len();
    let mut machine = Machine { i, base };
    loop {
        let Some(mut value) = machine.operand()? else {
            continue;
        };
        loop {
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

/// What the operator state leads to.
enum Step {
    /// An operand must follow.
    Operand,
    /// A larger expression is finished; an operator may follow.
    Value(Value),
    /// The whole is finished.
    Done(Value),
}

/// What waits for its next part.
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
    op: LikeOp,
    negated: bool,
    left: Value,
    pattern: Value,
}

/// `x BETWEEN low AND`.
pub(super) struct OpenHigh {
    negated: bool,
    operand: Value,
    low: Value,
}

/// `x IN (a,` or `x IN f(a,`.
pub(super) struct OpenList {
    negated: bool,
    operand: Value,
    table: Option<ObjectName>,
    members: Vec<Expr>,
    height: u32,
}

pub(super) struct OpenCase {
    start: u32,
    part: CasePart,
    operand: Option<Expr>,
    when: Option<Expr>,
    branches: Vec<(Expr, Expr)>,
    otherwise: Option<Expr>,
    height: u32,
}

/// Which part of a `CASE` comes.
#[derive(Clone, Copy)]
enum CasePart {
    Operand,
    When,
    Then,
    Else,
}

const BINDS_OR: u8 = 2;
const BINDS_AND: u8 = 4;
pub(in super::super) const BINDS_NOT: u8 = 6;
/// `NOT` after an operand (`NOT IN`) completes what binds tighter than a `NOT` in front, but not that `NOT` itself.
const BINDS_NOT_AFTER: u8 = 7;
pub(in super::super) const BINDS_EQUAL: u8 = 8;
const BINDS_COMPARE: u8 = 10;
const BINDS_BITS: u8 = 14;
const BINDS_ADD: u8 = 16;
const BINDS_MULTIPLY: u8 = 18;
const BINDS_CONCAT: u8 = 20;
pub(in super::super) const BINDS_COLLATE: u8 = 22;
pub(in super::super) const BINDS_SIGN: u8 = 24;

/// How tightly a token binds that stands after an operand; 1 for one that ends all open operators.
fn binding(kind: TokenKind) -> u8 {
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

impl Open {
    /// How tightly it holds the operand after it; 0 if it is no operator.
    fn binding(&self) -> u8 {
        match self {
            Self::Prefix { op: UnaryOp::Not, .. } => BINDS_NOT,
            Self::Prefix { .. } => BINDS_SIGN,
            Self::Binary { op, .. } => binary_binding(*op),
            Self::Like { .. } | Self::Escape(_) | Self::High(_) => BINDS_EQUAL,
            _ => 0,
        }
    }
}

/// The operator that a token is between two operands, where the token alone says so.
fn binary_op(kind: TokenKind) -> Option<BinaryOp> {
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

fn like_op(kind: TokenKind) -> Option<LikeOp> {
    Some(match kind {
        T::Like => LikeOp::Like,
        T::Glob => LikeOp::Glob,
        T::Regexp => LikeOp::Regexp,
        T::Match => LikeOp::Match,
        _ => return None,
    })
}

struct Machine<'a> {
    i: Tokens<'a>,
    /// How much was open before this expression began: below that nothing is its own.
    base: usize,
}

impl<'a> Machine<'a> {
    fn push(&mut self, open: Open) -> Result<(), Err<Fault>> {
        let stack = &mut *self.i.cx.open.borrow_mut();
        if stack.len() >= OPEN_MAX {
            return refuse("Recursion limit", None);
        }
        stack.push(open);
        Ok(())
    }

    fn pop(&mut self) -> Option<Open> {
        let stack = &mut *self.i.cx.open.borrow_mut();
        if stack.len() > self.base {
            stack.pop()
        } else {
            None
        }
    }

    /// Takes the innermost open thing if it is as wanted.
    fn pop_if(&mut self, wanted: impl FnOnce(&Open) -> bool) -> Option<Open> {
        let stack = &mut *self.i.cx.open.borrow_mut();
        let own = stack.get(self.base..).unwrap_or_default();
        if own.last().is_some_and(wanted) {
            stack.pop()
        } else {
            None
        }
    }

    /// Takes `count` tokens.
    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.i = self.i.skip();
        }
    }

    /// A value that ends with the last token taken.
    fn value(&self, kind: ExprKind, start: u32, height: u32) -> Result<Value, Err<Fault>> {
        check_height(height)?;
        Ok(Value {
            expr: Expr::new(kind, self.i.span_since(start)),
            height,
        })
    }

    // ---------------------------------------------------------------- the operand state

    /// Takes an operand, or opens something that has its operand further on (then `None`).
    fn operand(&mut self) -> Result<Option<Value>, Err<Fault>> {
        let token = self.i.head();
        match token.kind {
            T::LeftParen => self.open_paren(token),
            T::Minus => self.open_prefix(UnaryOp::Negate, token),
            T::Plus => self.open_prefix(UnaryOp::Plus, token),
            T::Tilde => self.open_prefix(UnaryOp::BitNot, token),
            T::Not => self.open_prefix(UnaryOp::Not, token),
            T::Case => self.open_case(token),
            T::Cast => {
                self.i = self.i.skip().expect(T::LeftParen)?;
                self.push(Open::Cast { start: token.start })?;
                Ok(None)
            }
            T::Exists => self.exists(token).map(Some),
            T::Raise => self.raise(token),
            T::Variable => {
                let number = parameter(self.i, token)?;
                self.skip(1);
                self.value(ExprKind::Parameter(number), token.start, 1).map(Some)
            }
            T::String if self.i.peek(1).kind == T::Dot => self.qualified(token).map(Some),
            _ => match literal(self.i, token)? {
                Some(constant) => {
                    self.skip(1);
                    self.value(ExprKind::Literal(constant), token.start, 1).map(Some)
                }
                None if token.kind.is_column() => self.column_or_call(token),
                None => self.i.unexpected(),
            },
        }
    }

    fn open_prefix(&mut self, op: UnaryOp, token: Token) -> Result<Option<Value>, Err<Fault>> {
        self.skip(1);
        self.push(Open::Prefix {
            op,
            start: token.start,
        })?;
        Ok(None)
    }

    fn open_paren(&mut self, token: Token) -> Result<Option<Value>, Err<Fault>> {
        self.skip(1);
        if starts_select(self.i.kind()) {
            let (i, (query, height)) = nested(self.i, select)?;
            self.i = i.expect(T::RightParen)?;
            return self
                .value(ExprKind::Subquery(query), token.start, height + 1)
                .map(Some);
        }
        self.push(Open::Paren {
            start: token.start,
            members: Vec::new(),
            height: 0,
        })?;
        Ok(None)
    }

    fn open_case(&mut self, token: Token) -> Result<Option<Value>, Err<Fault>> {
        self.skip(1);
        let (i, has_when) = self.i.accept(T::When);
        self.i = i;
        self.push(Open::Case(Box::new(OpenCase {
            start: token.start,
            part: if has_when {
                CasePart::When
            } else {
                CasePart::Operand
            },
            operand: None,
            when: None,
            branches: Vec::new(),
            otherwise: None,
            height: 0,
        })))?;
        Ok(None)
    }

    fn exists(&mut self, token: Token) -> Result<Value, Err<Fault>> {
        let i = self.i.skip().expect(T::LeftParen)?;
        let (i, (query, height)) = nested(i, select)?;
        self.i = i.expect(T::RightParen)?;
        self.value(ExprKind::Exists(query), token.start, height + 1)
    }

    fn raise(&mut self, token: Token) -> Result<Option<Value>, Err<Fault>> {
        self.i = self.i.skip().expect(T::LeftParen)?;
        let action = match self.i.kind() {
            T::Ignore => {
                self.i = self.i.skip().expect(T::RightParen)?;
                return self
                    .value(ExprKind::Raise(Box::new(Raise::Ignore)), token.start, 1)
                    .map(Some);
            }
            T::Rollback => RaiseAction::Rollback,
            T::Abort => RaiseAction::Abort,
            T::Fail => RaiseAction::Fail,
            _ => return self.i.unexpected(),
        };
        self.i = self.i.skip().expect(T::Comma)?;
        self.push(Open::Raise {
            start: token.start,
            action,
        })?;
        Ok(None)
    }

    fn column_or_call(&mut self, token: Token) -> Result<Option<Value>, Err<Fault>> {
        match self.i.peek(1).kind {
            T::LeftParen => self.call(token),
            T::Dot => self.qualified(token).map(Some),
            _ => {
                let kind = ExprKind::Name(ident_of(self.i, token));
                self.skip(1);
                self.value(kind, token.start, 1).map(Some)
            }
        }
    }

    /// `table.column` or `schema.table.column`.
    fn qualified(&mut self, token: Token) -> Result<Value, Err<Fault>> {
        let first = ident_of(self.i, token);
        let (i, second) = name(self.i.skip().expect(T::Dot)?)?;
        let (i, third) = super::input::after(T::Dot, name)(i)?;
        self.i = i;
        let name = match third {
            Some(column) => QualifiedName {
                schema: Some(first),
                table: second,
                column,
            },
            None => QualifiedName {
                schema: None,
                table: first,
                column: second,
            },
        };
        self.value(ExprKind::Qualified(Box::new(name)), token.start, 1)
    }

    /// A call: finished at once if it has no arguments, else open until its `)`.
    fn call(&mut self, token: Token) -> Result<Option<Value>, Err<Fault>> {
        let (i, open) = call::open(self.i, token)?;
        self.i = i;
        if open.takes_arguments {
            self.push(Open::Call(open))?;
            return Ok(None);
        }
        self.finish_call(*open).map(Some)
    }

    fn finish_call(&mut self, open: OpenCall) -> Result<Value, Err<Fault>> {
        let (i, value) = call::finish(self.i, open)?;
        self.i = i;
        Ok(value)
    }

    // ---------------------------------------------------------------- the operator state

    /// Takes what may follow an operand.
    fn operator(&mut self, value: Value) -> Result<Step, Err<Fault>> {
        let token = self.i.head();
        let value = self.complete(value, token.kind)?;
        if let Some(op) = binary_op(token.kind) {
            if op == BinaryOp::And
                && let Some(low) = self.pop_if(|open| matches!(open, Open::Low { .. }))
            {
                return self.second_bound(low, value);
            }
            self.skip(1);
            self.push(Open::Binary { op, left: value })?;
            return Ok(Step::Operand);
        }
        match token.kind {
            T::Is => self.is(value),
            T::Isnull => self.postfix(UnaryOp::IsNull, 1, value),
            T::Notnull => self.postfix(UnaryOp::NotNull, 1, value),
            T::Collate => self.collate(value),
            T::Not => self.negated_operator(value),
            T::In => self.in_set(value, false),
            T::Between => self.first_bound(value, false),
            T::Escape => self.escape(value),
            kind => match like_op(kind) {
                Some(op) => self.like(op, value, false),
                None => self.close(value),
            },
        }
    }

    /// Completes the open operators that hold `value` tighter than the next token does.
    fn complete(&mut self, mut value: Value, next: TokenKind) -> Result<Value, Err<Fault>> {
        let next_binding = binding(next);
        let wins = |open: &Open| {
            let is_escaped = next == T::Escape && matches!(open, Open::Like { .. });
            open.binding() >= next_binding && !is_escaped
        };
        while let Some(open) = self.pop_if(wins) {
            value = combine(open, value)?;
        }
        Ok(value)
    }

    fn postfix(&mut self, op: UnaryOp, tokens: usize, operand: Value) -> Result<Step, Err<Fault>> {
        self.skip(tokens);
        let (start, height) = (operand.expr.span.start, operand.height + 1);
        let kind = ExprKind::Unary {
            op,
            operand: Box::new(operand.expr),
        };
        self.value(kind, start, height).map(Step::Value)
    }

    fn collate(&mut self, operand: Value) -> Result<Step, Err<Fault>> {
        let (i, collation) = alias_name(self.i.skip())?;
        self.i = i;
        let (start, height) = (operand.expr.span.start, operand.height + 1);
        let kind = ExprKind::Collate {
            operand: Box::new(operand.expr),
            collation,
        };
        self.value(kind, start, height).map(Step::Value)
    }

    /// `IS [NOT] [DISTINCT FROM]`.
    fn is(&mut self, left: Value) -> Result<Step, Err<Fault>> {
        let (i, negated) = self.i.skip().accept(T::Not);
        let (i, distinct) = i.accept(T::Distinct);
        self.i = if distinct { i.expect(T::From)? } else { i };
        let op = if negated == distinct {
            BinaryOp::Is
        } else {
            BinaryOp::IsNot
        };
        self.push(Open::Binary { op, left })?;
        Ok(Step::Operand)
    }

    /// `NOT` after an operand: `NOT NULL`, `NOT IN`, `NOT LIKE`, `NOT BETWEEN`.
    fn negated_operator(&mut self, value: Value) -> Result<Step, Err<Fault>> {
        let next = self.i.peek(1).kind;
        if next == T::Null {
            return self.postfix(UnaryOp::NotNull, 2, value);
        }
        self.skip(1);
        match (next, like_op(next)) {
            (T::In, _) => self.in_set(value, true),
            (T::Between, _) => self.first_bound(value, true),
            (_, Some(op)) => self.like(op, value, true),
            _ => self.i.unexpected(),
        }
    }

    fn like(&mut self, op: LikeOp, left: Value, negated: bool) -> Result<Step, Err<Fault>> {
        self.skip(1);
        self.push(Open::Like { op, negated, left })?;
        Ok(Step::Operand)
    }

    fn escape(&mut self, pattern: Value) -> Result<Step, Err<Fault>> {
        match self.pop() {
            Some(Open::Like { op, negated, left }) => {
                self.skip(1);
                self.push(Open::Escape(Box::new(OpenEscape {
                    op,
                    negated,
                    left,
                    pattern,
                })))?;
                Ok(Step::Operand)
            }
            _ => self.i.unexpected(),
        }
    }

    fn first_bound(&mut self, operand: Value, negated: bool) -> Result<Step, Err<Fault>> {
        self.skip(1);
        self.push(Open::Low { negated, operand })?;
        Ok(Step::Operand)
    }

    fn second_bound(&mut self, open: Open, low: Value) -> Result<Step, Err<Fault>> {
        match open {
            Open::Low { negated, operand } => {
                self.skip(1);
                self.push(Open::High(Box::new(OpenHigh {
                    negated,
                    operand,
                    low,
                })))?;
                Ok(Step::Operand)
            }
            _ => self.i.unexpected(),
        }
    }

    fn in_set(&mut self, operand: Value, negated: bool) -> Result<Step, Err<Fault>> {
        self.skip(1);
        if self.i.kind() != T::LeftParen {
            let (i, table) = object_name(self.i)?;
            self.i = i;
            if self.i.kind() != T::LeftParen {
                let set = InSet::Table {
                    name: table,
                    arguments: None,
                };
                return self.finish_in(negated, operand, set, 0);
            }
            return self.open_list(negated, operand, Some(table));
        }
        if starts_select(self.i.peek(1).kind) {
            let (i, (query, height)) = nested(self.i.skip(), select)?;
            self.i = i.expect(T::RightParen)?;
            return self.finish_in(negated, operand, InSet::Select(query), height);
        }
        self.open_list(negated, operand, None)
    }

    fn open_list(
        &mut self,
        negated: bool,
        operand: Value,
        table: Option<ObjectName>,
    ) -> Result<Step, Err<Fault>> {
        self.skip(1);
        let list = OpenList {
            negated,
            operand,
            table,
            members: Vec::new(),
            height: 0,
        };
        if self.i.kind() == T::RightParen {
            return self.close_list(list);
        }
        self.push(Open::List(Box::new(list)))?;
        Ok(Step::Operand)
    }

    fn close_list(&mut self, list: OpenList) -> Result<Step, Err<Fault>> {
        self.i = self.i.expect(T::RightParen)?;
        let set = match list.table {
            Some(name) => InSet::Table {
                name,
                arguments: Some(list.members),
            },
            None => InSet::List(list.members),
        };
        self.finish_in(list.negated, list.operand, set, list.height)
    }

    fn finish_in(
        &mut self,
        negated: bool,
        operand: Value,
        set: InSet,
        set_height: u32,
    ) -> Result<Step, Err<Fault>> {
        let (start, height) = (operand.expr.span.start, operand.height.max(set_height) + 1);
        let kind = ExprKind::In(Box::new(In {
            negated,
            operand: operand.expr,
            set,
        }));
        self.value(kind, start, height).map(Step::Value)
    }

    /// The next token is no operator: it closes or continues the innermost bracket, or ends the expression.
    fn close(&mut self, value: Value) -> Result<Step, Err<Fault>> {
        match self.pop() {
            None => Ok(Step::Done(value)),
            Some(Open::Paren {
                start,
                members,
                height,
            }) => self.close_paren(start, members, height, value),
            Some(Open::List(list)) => self.close_member(list, value),
            Some(Open::Call(call)) => self.close_argument(call, value),
            Some(Open::Case(case)) => self.close_case(case, value),
            Some(Open::Cast { start }) => self.close_cast(start, value),
            Some(Open::Raise { start, action }) => {
                self.i = self.i.expect(T::RightParen)?;
                let raise = Raise::Fail {
                    action,
                    message: value.expr,
                };
                self.value(ExprKind::Raise(Box::new(raise)), start, value.height + 1)
                    .map(Step::Value)
            }
            // The first bound of a BETWEEN, whose AND is missing.
            Some(_) => self.i.unexpected(),
        }
    }

    fn close_paren(
        &mut self,
        start: u32,
        mut members: Vec<Expr>,
        height: u32,
        value: Value,
    ) -> Result<Step, Err<Fault>> {
        let (i, more) = self.i.accept(T::Comma);
        if more {
            self.i = i;
            members.push(value.expr);
            self.push(Open::Paren {
                start,
                members,
                height: height.max(value.height),
            })?;
            return Ok(Step::Operand);
        }
        self.i = self.i.expect(T::RightParen)?;
        if members.is_empty() {
            return Ok(Step::Value(value));
        }
        members.push(value.expr);
        self.value(ExprKind::Row(members), start, height.max(value.height) + 1)
            .map(Step::Value)
    }

    fn close_member(&mut self, mut list: Box<OpenList>, value: Value) -> Result<Step, Err<Fault>> {
        list.members.push(value.expr);
        list.height = list.height.max(value.height);
        let (i, more) = self.i.accept(T::Comma);
        if !more {
            return self.close_list(*list);
        }
        self.i = i;
        self.push(Open::List(list))?;
        Ok(Step::Operand)
    }

    fn close_argument(&mut self, mut call: Box<OpenCall>, value: Value) -> Result<Step, Err<Fault>> {
        call.add(value);
        let (i, more) = self.i.accept(T::Comma);
        if !more {
            return self.finish_call(*call).map(Step::Value);
        }
        self.i = i;
        self.push(Open::Call(call))?;
        Ok(Step::Operand)
    }

    fn close_case(&mut self, mut case: Box<OpenCase>, value: Value) -> Result<Step, Err<Fault>> {
        case.height = case.height.max(value.height);
        let next = self.i.kind();
        case.part = match (case.part, next) {
            (CasePart::Operand, T::When) => {
                case.operand = Some(value.expr);
                CasePart::When
            }
            (CasePart::When, T::Then) => {
                case.when = Some(value.expr);
                CasePart::Then
            }
            (CasePart::Then, T::When | T::Else | T::EndKeyword) => {
                case.branches
                    .extend(case.when.take().map(|when| (when, value.expr)));
                if next == T::When {
                    CasePart::When
                } else {
                    CasePart::Else
                }
            }
            (CasePart::Else, T::EndKeyword) => {
                case.otherwise = Some(value.expr);
                CasePart::Else
            }
            _ => return self.i.unexpected(),
        };
        self.skip(1);
        if next != T::EndKeyword {
            self.push(Open::Case(case))?;
            return Ok(Step::Operand);
        }
        let (start, height) = (case.start, case.height + 1);
        let OpenCase {
            operand,
            branches,
            otherwise,
            ..
        } = *case;
        let kind = ExprKind::Case(Box::new(Case {
            operand,
            branches,
            otherwise,
        }));
        self.value(kind, start, height).map(Step::Value)
    }

    fn close_cast(&mut self, start: u32, value: Value) -> Result<Step, Err<Fault>> {
        let (i, to) = type_name(self.i.expect(T::As)?)?;
        self.i = i.expect(T::RightParen)?;
        let kind = ExprKind::Cast {
            operand: Box::new(value.expr),
            to,
        };
        self.value(kind, start, value.height + 1).map(Step::Value)
    }
}

/// Completes an open operator with its last operand.
fn combine(open: Open, last: Value) -> Result<Value, Err<Fault>> {
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
            let span = left.expr.span.to(end);
            let height = left.height.max(last.height);
            (binary(op, left.expr, last.expr), span, height)
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
    check_height(height + 1)?;
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
            left: Box::new(left),
            right: Box::new(right),
        },
    }
}

/// A bare word as an expression.
pub(super) fn word(ident: Ident) -> Expr {
    let span = ident.span;
    Expr::new(ExprKind::Name(ident), span)
}
