//! Queries inside expressions: EXISTS, IN, scalar and row subqueries.

use std::rc::Rc;

use super::Binder;
use super::always_false::is_settled;
use super::expression::row_misused;
use super::row::Row;
use super::scope::Clause;
use super::typed::{Kind, Typed, compare_rule, list_rule};
use crate::error::{Error, Result};
use crate::plan::logical::{Body, OutputColumn, Query, Scalar};
use crate::syntax::ast::{self, ExprKind, InSet, Span};
use crate::value::Value;

impl<'a> Binder<'a> {
    /// Notes a query inside an expression; fails where none may stand.
    fn enter_subquery(&mut self, span: Span) -> Result<()> {
        self.subqueries += 1;
        self.check_prohibited("subqueries", span)
    }

    #[inline(never)]
    pub(super) fn exists(&mut self, select: &'a ast::Select, span: Span) -> Result<Typed> {
        self.enter_subquery(span)?;
        let query = Rc::new(self.select(select)?);
        Ok(Typed::plain(Scalar::Exists {
            query,
            negated: false,
        }))
    }

    #[inline(never)]
    pub(super) fn scalar_subquery(&mut self, select: &'a ast::Select, span: Span) -> Result<Typed> {
        self.enter_subquery(span)?;
        let query = self.select(select)?;
        if query.width() != 1 {
            return Err(wrong_width(query.width(), 1, span));
        }
        let affinity = query.columns[0].affinity;
        let expr = Scalar::Query {
            query: Rc::new(query),
            column: 0,
        };
        Ok(Typed {
            affinity,
            ..Typed::plain(expr)
        })
    }

    /// A subquery as a row value: one expression for each of its columns.
    pub(super) fn row_subquery(&mut self, select: &'a ast::Select, span: Span) -> Result<Row> {
        self.enter_subquery(span)?;
        let query = Rc::new(self.select(select)?);
        let member = |(column, output): (usize, &OutputColumn)| Typed {
            affinity: output.affinity,
            ..Typed::plain(Scalar::Query {
                query: Rc::clone(&query),
                column,
            })
        };
        Ok(query.columns.iter().enumerate().map(member).collect())
    }

    #[inline(never)]
    pub(super) fn in_test(&mut self, test: &'a ast::In, span: Span) -> Result<Typed> {
        match &test.set {
            InSet::List(_) if is_settled(test) => {
                Ok(Typed::plain(Scalar::Literal(Value::Integer(test.negated.into()))))
            }
            InSet::List(list) => self.in_list(test, list),
            InSet::Select(select) => {
                self.enter_subquery(span)?;
                let operands = self.row(&test.operand)?;
                let query = self.select(select)?;
                in_query(operands, query, test.negated, span)
            }
            InSet::Table { name, arguments } => {
                self.enter_subquery(span)?;
                let operands = self.row(&test.operand)?;
                let query = self.whole_table(name, arguments.as_deref())?;
                in_query(operands, query, test.negated, span)
            }
        }
    }

    fn in_list(&mut self, test: &'a ast::In, list: &'a [ast::Expr]) -> Result<Typed> {
        let mut operands = match self.row(&test.operand) {
            Err(error) if std::mem::take(&mut self.soft) => return Err(self.read_on(error, list)),
            operands => operands?,
        };
        if operands.len() > 1 {
            return self.in_list_of_rows(operands, list, test);
        }
        let Some(operand) = operands.pop() else {
            return Err(row_misused(test.operand.span));
        };
        let values = self.exprs(list)?;
        let rule = list_rule(&operand.kind());
        let kind = Kind::inherited(std::iter::once(&operand).chain(&values));
        Ok(kind.of(Scalar::InList {
            operand: Box::new(operand.expr),
            list: values.into_iter().map(|value| value.expr).collect(),
            rule: Box::new(rule),
            negated: test.negated,
        }))
    }

    /// `(a, b) IN ((1, 2), (3, 4))`: the list is a VALUES of its own.
    fn in_list_of_rows(&mut self, operands: Row, list: &'a [ast::Expr], test: &'a ast::In) -> Result<Typed> {
        let mut rows = Vec::with_capacity(list.len());
        for element in list {
            let ExprKind::Row(members) = &element.kind else {
                return Err(wrong_element(1, operands.len(), element.span));
            };
            if members.len() != operands.len() {
                return Err(wrong_element(members.len(), operands.len(), element.span));
            }
            let members = self.in_clause(Clause::Value, |binder| binder.exprs(members))?;
            rows.push(members.into_iter().map(|member| member.expr).collect());
        }
        let query = Query::of(Body::Values(rows), vec![OutputColumn::nameless(); operands.len()]);
        in_query(operands, query, test.negated, test.operand.span)
    }
}

fn in_query(operands: Row, query: Query, negated: bool, span: Span) -> Result<Typed> {
    if operands.len() != query.width() {
        return Err(wrong_width(query.width(), operands.len(), span));
    }
    let column_kind = |column: &OutputColumn| Kind {
        affinity: column.affinity,
        collation: column.collation.clone(),
        explicit: column.explicit,
    };
    let pairs = operands.iter().zip(&query.columns);
    let rules = pairs
        .map(|(operand, column)| compare_rule(&operand.kind(), &column_kind(column)))
        .collect();
    let kind = match operands.as_slice() {
        [operand] => Kind::inherited([operand]),
        // What COLLATE says inside a row value stays inside.
        _ => Kind::default(),
    };
    let operands = operands.into_iter().map(|operand| operand.expr).collect();
    Ok(kind.of(Scalar::InQuery {
        operands,
        query: Rc::new(query),
        rules,
        negated,
    }))
}

pub(super) fn wrong_width(found: usize, expected: usize, span: Span) -> Error {
    let message = format!("sub-select returns {found} columns - expected {expected}");
    Error::sql_at(message, span.start as usize)
}

fn wrong_element(found: usize, expected: usize, span: Span) -> Error {
    let plural = if found == 1 { "" } else { "s" };
    let message = format!("IN(...) element has {found} term{plural} - expected {expected}");
    Error::sql_at(message, span.start as usize)
}
