//! ORDER BY, and what numbers and names mean in it.

use super::Binder;
use crate::error::{Error, Result};
use crate::plan::logical::{Order, OrderTarget, OutputColumn};
use crate::syntax::ast::{self, ExprKind, Literal};
use crate::value::Collation;

impl<'a> Binder<'a> {
    /// ORDER BY of a single SELECT: numbers, aliases, result expressions, or any expression over its tables.
    pub(super) fn order_terms(
        &mut self,
        terms: &'a [ast::OrderingTerm],
        columns: &[OutputColumn],
    ) -> Result<Vec<Order>> {
        if terms.len() > self.context.settings.columns_max {
            return Err(Error::sql("too many terms in ORDER BY clause"));
        }
        let mut order = Vec::with_capacity(terms.len());
        for (place, term) in terms.iter().enumerate() {
            let (target, collation) = self.order_target(term, place)?;
            order.push(Order {
                collation: collation.unwrap_or_default(),
                target,
                descending: term.descending(),
                nulls_first: nulls_first(term),
            });
        }
        debug_assert!(
            order
                .iter()
                .all(|o| !matches!(o.target, OrderTarget::Output(n) if n >= columns.len()))
        );
        Ok(order)
    }

    fn order_target(
        &mut self,
        term: &'a ast::OrderingTerm,
        place: usize,
    ) -> Result<(OrderTarget, Option<Collation>)> {
        let (plain, collation) = self.without_collation(&term.expr)?;
        let by_alias = match &plain.kind {
            ExprKind::Name(name) => {
                let scope = self.scope();
                scope
                    .aliases
                    .iter()
                    .find(|alias| name.is(&alias.name))
                    .map(|alias| alias.output)
            }
            _ => None,
        };
        let output = match by_alias {
            Some(output) => Some((output, collation)),
            None => self.position(&term.expr, place, "ORDER")?,
        };
        if let Some((output, collation)) = output {
            let own = self.scope().outputs[output].collation.clone();
            return Ok((OrderTarget::Output(output), collation.or(own)));
        }
        let typed = self.expr(&term.expr)?;
        let output = self
            .scope()
            .outputs
            .iter()
            .position(|output| output.expr.same(&typed.expr));
        let target = match output {
            Some(output) => OrderTarget::Output(output),
            None => OrderTarget::Expression(typed.expr),
        };
        Ok((target, typed.collation))
    }

    /// The result column that an integer in ORDER BY or GROUP BY names, with the collation after it.
    pub(super) fn position(
        &mut self,
        expr: &'a ast::Expr,
        place: usize,
        clause: &str,
    ) -> Result<Option<(usize, Option<Collation>)>> {
        let (plain, collation) = self.without_collation(expr)?;
        let Some(number) = integer(plain) else {
            return Ok(None);
        };
        let most = self.scope().outputs.len();
        match usize::try_from(number) {
            Ok(number) if (1..=most).contains(&number) => Ok(Some((number - 1, collation))),
            _ => Err(out_of_range(place, clause, most, plain)),
        }
    }

    /// Takes COLLATE operators off an expression; the outermost counts.
    pub(super) fn without_collation(
        &self,
        mut expr: &'a ast::Expr,
    ) -> Result<(&'a ast::Expr, Option<Collation>)> {
        let mut outermost = None;
        while let ExprKind::Collate { operand, collation } = &expr.kind {
            if outermost.is_none() {
                outermost = Some(self.collation(collation)?);
            }
            expr = operand;
        }
        Ok((expr, outermost))
    }

    /// ORDER BY of a compound: each term has to be a result column of one of its members.
    pub(super) fn compound_order(
        &mut self,
        terms: &'a [ast::OrderingTerm],
        members: &[CompoundMember<'a>],
        collations: &[Collation],
    ) -> Result<Vec<Order>> {
        let width = collations.len();
        let mut order = Vec::with_capacity(terms.len());
        for (place, term) in terms.iter().enumerate() {
            let (plain, collation) = self.without_collation(&term.expr)?;
            let output = match integer(plain) {
                Some(number) => match usize::try_from(number) {
                    Ok(number) if (1..=width).contains(&number) => Some(number - 1),
                    _ => return Err(out_of_range(place, "ORDER", width, plain)),
                },
                None => members.iter().find_map(|member| member.column_like(plain)),
            };
            let Some(output) = output else {
                let message = format!(
                    "{} ORDER BY term does not match any column in the result set",
                    ordinal(place + 1)
                );
                return Err(Error::sql_at(message, plain.span.start as usize));
            };
            order.push(Order {
                target: OrderTarget::Output(output),
                descending: term.descending(),
                nulls_first: nulls_first(term),
                collation: collation.unwrap_or_else(|| collations[output].clone()),
            });
        }
        Ok(order)
    }
}

/// A member of a compound, as its ORDER BY sees it.
pub(super) struct CompoundMember<'a> {
    /// The result columns as written; `None` for VALUES.
    pub written: Option<&'a [ast::ResultColumn]>,
    /// The result columns.
    pub columns: Vec<OutputColumn>,
}

impl CompoundMember<'_> {
    /// The result column that `expr` names or repeats.
    fn column_like(&self, expr: &ast::Expr) -> Option<usize> {
        let name = match &expr.kind {
            ExprKind::Name(name) => Some(name),
            ExprKind::Qualified(name) => Some(&name.column),
            _ => None,
        };
        if let Some(name) = name {
            return self.columns.iter().position(|column| name.is(&column.name));
        }
        let written = self.written?;
        if written.len() != self.columns.len() {
            return None;
        }
        written
            .iter()
            .position(|result| matches!(result, ast::ResultColumn::Expr { expr: own, .. } if own == expr))
    }
}

/// Whether NULLs come first: as written, else they are the smallest values.
pub(super) fn nulls_first(term: &ast::OrderingTerm) -> bool {
    match term.nulls {
        Some(ast::Nulls::First) => true,
        Some(ast::Nulls::Last) => false,
        None => !term.descending(),
    }
}

fn integer(expr: &ast::Expr) -> Option<i64> {
    match &expr.kind {
        ExprKind::Literal(Literal::Integer(value)) => Some(*value),
        ExprKind::Unary {
            op: ast::UnaryOp::Negate,
            operand,
        } => integer(operand)?.checked_neg(),
        ExprKind::Unary {
            op: ast::UnaryOp::Plus,
            operand,
        } => integer(operand),
        _ => None,
    }
}

fn out_of_range(place: usize, clause: &str, most: usize, expr: &ast::Expr) -> Error {
    let ordinal = ordinal(place + 1);
    let message = format!("{ordinal} {clause} BY term out of range - should be between 1 and {most}");
    Error::sql_at(message, expr.span.start as usize)
}

/// 1st, 2nd, 3rd, 4th, .. 11th, 12th, ..
pub(super) fn ordinal(number: usize) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}
