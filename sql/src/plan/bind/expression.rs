//! Expressions: the dispatch over the kinds of AST node, literals and the simple operators.
//!
//! Long chains of operators lean to the left; they are walked in a loop, so that only real nesting costs stack.

use smallvec::SmallVec;

use super::Binder;
use super::typed::{Kind, Typed, compare_rule, exact_rule};
use crate::error::{Error, Result};
use crate::plan::expr::{CompareRule, RaiseAction, UnaryOp};
use crate::plan::logical::{Branch, Scalar};
use crate::syntax::ast::{self, BinaryOp, ExprKind, Literal, Span};
use crate::value::{Affinity, Text, Value, number};

/// Operators of a chain with their right operands, outermost first.
pub(super) type Pending<'a> = SmallVec<[(BinaryOp, &'a ast::Expr, Span); 4]>;

impl<'a> Binder<'a> {
    /// Binds an expression that has to be a single value.
    pub(super) fn expr(&mut self, expr: &'a ast::Expr) -> Result<Typed> {
        self.stack.check()?;
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, expr.span),
            ExprKind::Name(name) => self.name(name),
            ExprKind::Qualified(name) => self.qualified_name(name, expr.span),
            ExprKind::Parameter(number) => self.parameter(*number, expr.span),
            ExprKind::Unary { op, operand } => self.unary(*op, operand),
            ExprKind::Binary { .. } => self.binary_chain(expr),
            ExprKind::Collate { operand, collation } => self.collate(operand, collation),
            ExprKind::Like(like) => self.like(like, expr.span),
            ExprKind::Between(between) => self.between(between),
            ExprKind::In(test) => self.in_test(test, expr.span),
            ExprKind::Exists(select) => self.exists(select, expr.span),
            ExprKind::Subquery(select) => self.scalar_subquery(select, expr.span),
            ExprKind::Row(_) => Err(row_misused(expr.span)),
            ExprKind::Case(case) => self.case(case),
            ExprKind::Cast { operand, to } => self.cast(operand, &to.text),
            ExprKind::Call(call) => self.call(call, expr.span),
            ExprKind::Raise(raise) => self.raise(raise, expr.span),
        }
    }

    /// Binds a list of expressions.
    pub(super) fn exprs(&mut self, list: &'a [ast::Expr]) -> Result<Vec<Typed>> {
        list.iter().map(|expr| self.expr(expr)).collect()
    }

    fn literal(&mut self, literal: &Literal, span: Span) -> Result<Typed> {
        let value = match literal {
            Literal::Null => Value::Null,
            Literal::Integer(value) => Value::Integer(*value),
            Literal::Hex(bits) => Value::Integer(*bits as i64),
            Literal::Number(text) => number_literal(text, false, span)?,
            Literal::String(bytes) | Literal::Blob(bytes)
                if bytes.len() > self.context.settings.length_max =>
            {
                return Err(Error::TooBig);
            }
            Literal::String(bytes) => Value::Text(Text::from_bytes(bytes.to_vec())),
            Literal::Blob(bytes) => Value::Blob(bytes.to_vec()),
            Literal::CurrentDate => return self.clock("current_date", span),
            Literal::CurrentTime => return self.clock("current_time", span),
            Literal::CurrentTimestamp => return self.clock("current_timestamp", span),
        };
        Ok(Typed::plain(Scalar::Literal(value)))
    }

    fn parameter(&mut self, number: u32, span: Span) -> Result<Typed> {
        self.check_prohibited("parameters", span)?;
        if self.context.trigger.is_some() {
            return Err(Error::sql_at("trigger cannot use variables", span.start as usize));
        }
        Ok(Typed::plain(Scalar::Parameter(number.saturating_sub(1) as usize)))
    }

    #[inline(never)]
    fn unary(&mut self, op: ast::UnaryOp, operand: &'a ast::Expr) -> Result<Typed> {
        if let (ast::UnaryOp::Negate, ExprKind::Literal(literal)) = (op, &operand.kind)
            && let Some(negated) = negative_literal(literal, operand.span)?
        {
            return Ok(Typed::plain(Scalar::Literal(negated)));
        }
        let operand = self.expr(operand)?;
        let kind = Kind::inherited([&operand]);
        let boxed = |operand: Typed| Box::new(operand.expr);
        let plain = |op, operand: Typed| Scalar::Unary {
            op,
            operand: boxed(operand),
        };
        Ok(match op {
            ast::UnaryOp::Plus => {
                let kind = Kind {
                    affinity: None,
                    ..operand.kind()
                };
                kind.of(Scalar::Plus(boxed(operand)))
            }
            ast::UnaryOp::Negate => kind.of(plain(UnaryOp::Negate, operand)),
            ast::UnaryOp::BitNot => kind.of(plain(UnaryOp::BitNot, operand)),
            ast::UnaryOp::Not => kind.of(operand.expr.negate()),
            ast::UnaryOp::IsNull => kind.of(Scalar::IsNull {
                operand: boxed(operand),
                negated: false,
            }),
            ast::UnaryOp::NotNull => kind.of(Scalar::IsNull {
                operand: boxed(operand),
                negated: true,
            }),
        })
    }

    /// A chain of binary operators that leans to the left.
    #[inline(never)]
    fn binary_chain(&mut self, top: &'a ast::Expr) -> Result<Typed> {
        let mut pending = Pending::new();
        let mut at = top;
        while let ExprKind::Binary { op, operands } = &at.kind {
            let ast::Operands { left, right } = &**operands;
            pending.push((*op, right, at.span));
            if is_comparison(*op) && (is_row(left) || is_row(right)) {
                pending.pop();
                break;
            }
            at = left;
        }
        let folded = self.count_always_false(at, &pending);
        pending.truncate(pending.len() - folded);
        let first = match &at.kind {
            _ if folded > 0 => Ok(Typed::plain(Scalar::Literal(Value::Integer(0)))),
            ExprKind::Binary { op, operands } => {
                self.compare_rows(*op, &operands.left, &operands.right, at.span)
            }
            _ => self.expr(at),
        };
        match first {
            Ok(first) => self.finish_chain(first, pending),
            Err(error) => Err(self.chain_failed(error, pending)),
        }
    }

    fn finish_chain(&mut self, mut left: Typed, mut pending: Pending<'a>) -> Result<Typed> {
        while let Some((op, right, span)) = pending.pop() {
            if let Err(error) = self.binary(op, &mut left, right, span) {
                return Err(self.chain_failed(error, pending));
            }
        }
        Ok(left)
    }

    #[cold]
    fn chain_failed(&mut self, error: Error, pending: Pending<'a>) -> Error {
        match std::mem::take(&mut self.soft) {
            true => self.read_on(error, pending.into_iter().rev().map(|(_, right, _)| right)),
            false => error,
        }
    }

    #[inline(never)]
    fn collate(&mut self, operand: &'a ast::Expr, collation: &'a ast::Ident) -> Result<Typed> {
        let operand = self.expr(operand)?;
        let collation = Some(self.collation(collation)?);
        Ok(Typed {
            collation,
            explicit: true,
            ..operand
        })
    }

    #[inline(never)]
    fn cast(&mut self, operand: &'a ast::Expr, type_name: &str) -> Result<Typed> {
        let operand = self.expr(operand)?;
        let target = Affinity::of_cast_type(type_name);
        let kind = Kind {
            affinity: Some(target),
            ..operand.kind()
        };
        Ok(kind.of(Scalar::Cast {
            operand: Box::new(operand.expr),
            target,
        }))
    }

    #[inline(never)]
    fn like(&mut self, like: &'a ast::Like, span: Span) -> Result<Typed> {
        let operand = self.expr(&like.left)?;
        let pattern = self.expr(&like.pattern)?;
        let escape = like.escape.as_ref().map(|escape| self.expr(escape)).transpose()?;
        let kind = Kind::inherited([&operand, &pattern].into_iter().chain(&escape));
        let name = like.op.function_name();
        let count = if escape.is_some() { 3 } else { 2 };
        let found = self.find_function(&ast::Ident::new(name), count, span);
        // SQLite names the operator, in capitals.
        let function = found.map_err(|error| match like.op {
            ast::LikeOp::Regexp => Error::sql_at("no such function: REGEXP", span.start as usize),
            _ => error,
        })?;
        if self.asker.is_some() && !self.ask_to_call(&function, &name.to_ascii_uppercase(), span)? {
            return Ok(Typed::plain(Scalar::NULL));
        }
        let mut operand = operand;
        let overload = self.overloaded(&mut operand.expr, name, count);
        let built_in = overload.is_none()
            && function.builtin
            && matches!(like.op, ast::LikeOp::Like | ast::LikeOp::Glob);
        if built_in && (escape.is_none() || like.op == ast::LikeOp::Like) {
            return Ok(kind.of(Scalar::Like {
                operand: Box::new(operand.expr),
                pattern: Box::new(pattern.expr),
                escape: escape.map(|escape| Box::new(escape.expr)),
                glob: like.op == ast::LikeOp::Glob,
                negated: like.negated,
            }));
        }
        let function = overload.unwrap_or(function);
        let arguments = [pattern.expr, operand.expr]
            .into_iter()
            .chain(escape.map(|e| e.expr))
            .collect();
        let call = Scalar::Call {
            function,
            arguments,
            collation: Default::default(),
        };
        Ok(kind.of(if like.negated { call.negate() } else { call }))
    }

    #[inline(never)]
    fn between(&mut self, between: &'a ast::Between) -> Result<Typed> {
        if [&between.operand, &between.low, &between.high]
            .into_iter()
            .any(is_row)
        {
            return self.between_rows(between);
        }
        let operand = self.expr(&between.operand)?;
        let low = self.expr(&between.low)?;
        let high = self.expr(&between.high)?;
        let kind = Kind::inherited([&operand, &low, &high]);
        let own = operand.kind();
        let test = Scalar::Between {
            low_rule: Box::new(compare_rule(&own, &low.kind())),
            high_rule: Box::new(compare_rule(&own, &high.kind())),
            operand: Box::new(operand.expr),
            low: Box::new(low.expr),
            high: Box::new(high.expr),
        };
        Ok(kind.of(if between.negated { test.negate() } else { test }))
    }

    #[inline(never)]
    fn case(&mut self, case: &'a ast::Case) -> Result<Typed> {
        if case.operand.as_ref().is_some_and(is_row) {
            return self.case_of_row(case);
        }
        let operand = case
            .operand
            .as_ref()
            .map(|operand| self.expr(operand))
            .transpose()?;
        let own = operand.as_ref().map(Typed::kind);
        let mut kind = Kind::inherited(&operand);
        let mut branches = Vec::with_capacity(case.branches.len());
        for (when, then) in &case.branches {
            let when = self.expr(when)?;
            let then = self.expr(then)?;
            kind = first_named(kind, [&when, &then]);
            let rule: CompareRule = own
                .as_ref()
                .map_or_else(exact_rule, |own| compare_rule(own, &when.kind()));
            branches.push(Branch {
                when: when.expr,
                rule,
                then: then.expr,
            });
        }
        let otherwise = case
            .otherwise
            .as_ref()
            .map(|otherwise| self.expr(otherwise))
            .transpose()?;
        kind = first_named(kind, &otherwise);
        Ok(kind.of(Scalar::Case {
            operand: operand.map(|operand| Box::new(operand.expr)),
            branches,
            otherwise: otherwise.map(|otherwise| Box::new(otherwise.expr)),
        }))
    }

    fn raise(&mut self, raise: &'a ast::Raise, span: Span) -> Result<Typed> {
        if self.context.trigger.is_none() {
            return Err(Error::sql_at(
                "RAISE() may only be used within a trigger-program",
                span.start as usize,
            ));
        }
        let (action, message) = match raise {
            ast::Raise::Ignore => (RaiseAction::Ignore, None),
            ast::Raise::Fail { action, message } => {
                let action = match action {
                    ast::RaiseAction::Rollback => RaiseAction::Rollback,
                    ast::RaiseAction::Abort => RaiseAction::Abort,
                    ast::RaiseAction::Fail => RaiseAction::Fail,
                };
                (action, Some(Box::new(self.expr(message)?.expr)))
            }
        };
        Ok(Typed::plain(Scalar::Raise { action, message }))
    }
}

/// `kind`, unless it names no collation and one of `operands` does.
pub(super) fn first_named<'t>(kind: Kind, operands: impl IntoIterator<Item = &'t Typed>) -> Kind {
    if kind.explicit {
        kind
    } else {
        Kind::inherited(operands)
    }
}

/// Whether the expression stands for several values, or may do so.
pub(super) fn is_row(expr: &ast::Expr) -> bool {
    matches!(expr.kind, ExprKind::Row(_) | ExprKind::Subquery(_))
}

/// The operators that compare row values too.
pub(super) fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge | Is | IsNot)
}

/// The error of a row value where a single value must stand.
pub(super) fn row_misused(span: Span) -> Error {
    Error::sql_at("row value misused", span.start as usize)
}

fn number_literal(text: &str, negative: bool, span: Span) -> Result<Value> {
    if text.len() > 2 && text.as_bytes()[1].eq_ignore_ascii_case(&b'x') {
        let sign = if negative { "-" } else { "" };
        return Err(Error::sql_at(
            format!("hex literal too big: {sign}{text}"),
            span.start as usize,
        ));
    }
    if negative && text.trim_start_matches('0') == "9223372036854775808" {
        return Ok(Value::Integer(i64::MIN));
    }
    let value = number::scan_real(text.as_bytes()).value;
    Ok(Value::Real(if negative { -value } else { value }))
}

/// `-literal` for numbers; the most negative integer has no positive counterpart.
pub(in crate::plan) fn negative_literal(literal: &Literal, span: Span) -> Result<Option<Value>> {
    Ok(match literal {
        Literal::Integer(value) => value.checked_neg().map(Value::Integer),
        Literal::Number(text) => Some(number_literal(text, true, span)?),
        _ => None,
    })
}
