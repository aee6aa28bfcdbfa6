//! The operator state of the expression machine: what may follow a value, and what the end of a part closes.

use super::super::ast::{
    Between, BinaryOp, Case, Expr, ExprKind, In, InSet, Like, LikeOp, ObjectName, Raise, UnaryOp,
};
use super::super::token::TokenKind;
use super::call::OpenCall;
use super::ddl::type_name;
use super::expression::{CasePart, Machine, Open, OpenCase, OpenList, Step, Value};
use super::input::{Fault, alias_name, nested};
use super::name::object_name;
use super::precedence::like_op;
use super::select::{select, starts_select};
use TokenKind as T;
use nom::Err;

impl Machine<'_> {
    /// Takes what may follow an operand, but for binary operators.
    #[inline(never)]
    pub(super) fn operator(&mut self, value: Value) -> Result<Step, Err<Fault>> {
        match self.i.kind() {
            T::And => self.second_bound(value),
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
        let Value { mut expr, height } = left;
        self.push_binary(op, &mut expr, height)?;
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
        let like = Box::new(Like {
            op,
            negated,
            left: left.expr,
            pattern: Expr::VACANT,
            escape: None,
        });
        let height = left.height;
        self.push(Open::Like { height, like })?;
        Ok(Step::Operand)
    }

    fn escape(&mut self, pattern: Value) -> Result<Step, Err<Fault>> {
        match self.pop() {
            Some(Open::Like { height, mut like }) => {
                self.skip(1);
                like.pattern = pattern.expr;
                let height = height.max(pattern.height);
                self.push(Open::Escape { height, like })?;
                Ok(Step::Operand)
            }
            _ => self.i.unexpected(),
        }
    }

    fn first_bound(&mut self, operand: Value, negated: bool) -> Result<Step, Err<Fault>> {
        self.skip(1);
        let between = Box::new(Between {
            negated,
            operand: operand.expr,
            low: Expr::VACANT,
            high: Expr::VACANT,
        });
        let height = operand.height;
        self.push(Open::Low { height, between })?;
        Ok(Step::Operand)
    }

    fn second_bound(&mut self, low: Value) -> Result<Step, Err<Fault>> {
        match self.pop() {
            Some(Open::Low { height, mut between }) => {
                self.skip(1);
                between.low = low.expr;
                let height = height.max(low.height);
                self.push(Open::High { height, between })?;
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
