//! The operand state of the expression machine: what may stand where a value is expected.

use super::super::ast::{Expr, ExprKind, QualifiedName, Raise, RaiseAction, UnaryOp};
use super::super::token::{Token, TokenKind as T};
use super::call::{self, OpenCall};
use super::expression::{CasePart, Machine, Open, OpenCase, Value};
use super::input::{Failed, Fault, check_height, ident_of, name, nested};
use super::literal::{integer, literal, parameter};
use super::select::{select, starts_select};
use nom::Err;

impl Machine<'_> {
    /// Takes an operand into a vacant place and gives its height, or opens something that has its operand further on (then `None`).
    #[inline(never)]
    pub(super) fn operand(&mut self, place: &mut Expr) -> Result<Option<u32>, Failed> {
        let token = self.i.head();
        let kind = match token.kind {
            T::Variable => ExprKind::Parameter(parameter(self.i, token)?),
            T::Integer => ExprKind::Literal(integer(self.i.text(token))),
            _ => return self.other_operand(place),
        };
        check_height(self.i, 1)?;
        self.skip(1);
        place.fill(Expr::new(kind, token.span()));
        Ok(Some(1))
    }

    #[inline(never)]
    fn other_operand(&mut self, place: &mut Expr) -> Result<Option<u32>, Failed> {
        let value = self.operand_of_any_kind()?;
        Ok(value.map(|value| {
            place.fill(value.expr);
            value.height
        }))
    }

    fn operand_of_any_kind(&mut self) -> Result<Option<Value>, Err<Fault>> {
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
        self.i = i;
        let name = match i.kind() {
            T::Dot => {
                let (i, column) = name(i.skip())?;
                self.i = i;
                QualifiedName {
                    schema: Some(Box::new(first)),
                    table: second,
                    column,
                }
            }
            _ => QualifiedName {
                schema: None,
                table: first,
                column: second,
            },
        };
        self.value(ExprKind::Qualified(name), token.start, 1)
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

    pub(super) fn finish_call(&mut self, open: OpenCall) -> Result<Value, Err<Fault>> {
        let (i, value) = call::finish(self.i, open)?;
        self.i = i;
        Ok(value)
    }
}
