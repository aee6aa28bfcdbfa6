//! Queries.

use super::super::ast::{
    Compound, CompoundOp, Cte, Direction, Expr, ExprKind, FromClause, Limit, NamedWindow, Nulls,
    OrderingTerm, Query, ResultColumn, Select, SelectCore, SourceText, Span, With,
};
use super::super::token::TokenKind;
use super::call::{quantifier, window};
use super::expression::{expr, expr_into};
use super::from::from_clause_into;
use super::input::{Parse, Rest, Tokens, after, each, ident_of, name, nested, parenthesized};
use super::name::{alias_into, plain_name_list_opt};
use TokenKind as T;

/// Room for most lists.
pub(super) const LIST_LENGTH: usize = 4;

/// True for the tokens with which a query starts.
pub(super) fn starts_select(kind: TokenKind) -> bool {
    matches!(kind, T::Select | T::Values | T::With)
}

/// A query, with or without `WITH`.
pub(super) fn select(i: Tokens<'_>) -> Parse<'_, Box<Select>> {
    let start = i.head().start;
    let (i, with) = with(i)?;
    compound(i, with, start)
}

/// `WITH ..` or nothing.
pub(super) fn with(i: Tokens<'_>) -> Parse<'_, Option<Box<With>>> {
    if i.kind() != T::With {
        return Ok((i, None));
    }
    let (i, recursive) = i.skip().accept(T::Recursive);
    let (mut i, first) = cte(i)?;
    let mut ctes = vec![first];
    while i.kind() == T::Comma {
        let (rest, cte) = cte(i.skip())?;
        i = rest;
        if ctes.iter().any(|earlier| earlier.name.is(&cte.name.text)) {
            i.object(format!("duplicate WITH table name: {}", cte.name.text), None);
        }
        ctes.push(cte);
    }
    Ok((i, Some(Box::new(With { recursive, ctes }))))
}

fn cte(i: Tokens<'_>) -> Parse<'_, Cte> {
    let (i, name) = name(i)?;
    let (i, columns) = plain_name_list_opt(i)?;
    let i = i.expect(T::As)?;
    let (i, materialized) = match i.kind() {
        T::Materialized => (i.skip(), Some(true)),
        T::Not => (i.skip().expect(T::Materialized)?, Some(false)),
        _ => (i, None),
    };
    let (i, (select, _)) = parenthesized(|i| nested(i, select))(i)?;
    let select = *select;
    Ok((
        i,
        Cte {
            name,
            columns,
            materialized,
            select,
        },
    ))
}

/// A query after its `WITH`; the whole starts at `start`.
pub(super) fn compound<'a>(i: Tokens<'a>, with: Option<Box<With>>, start: u32) -> Parse<'a, Box<Select>> {
    let mut select = i.cx.spare.borrow_mut().select();
    select.with = with;
    let mut misplaced = None;
    let (mut i, core) = core(i, &mut select)?;
    select.first = core;
    while let Some((after_op, op)) = compound_op(i) {
        misplaced = take_tail(&mut select).map(|clause| (clause, op)).or(misplaced);
        let op_span = Span::new(i.head().start, after_op.last_end());
        i = next_core(after_op, op, op_span, &mut select)?;
    }
    if let Some((clause, op)) = misplaced {
        let message = format!("{clause} clause should come after {} not before", op.as_str());
        i.object(message, None);
    }
    let most = i.cx.limits.compound_max as usize;
    if most > 0 && select.compounds.len() >= most {
        i.object("too many terms in compound SELECT", None);
    }
    select.span = i.span_since(start);
    Ok((i, select))
}

/// Takes away the clauses that only the last member of a compound may have, and says which there was.
fn take_tail(select: &mut Select) -> Option<&'static str> {
    let (order_by, limit) = (std::mem::take(&mut select.order_by), select.limit.take());
    match (order_by.is_empty(), limit) {
        (false, _) => Some("ORDER BY"),
        (true, Some(_)) => Some("LIMIT"),
        (true, None) => None,
    }
}

fn next_core<'a>(i: Tokens<'a>, op: CompoundOp, op_span: Span, select: &mut Select) -> Rest<'a> {
    let (i, core) = core(i, select)?;
    select.compounds.push(Compound { op, op_span, core });
    Ok(i)
}

fn compound_op(i: Tokens<'_>) -> Option<(Tokens<'_>, CompoundOp)> {
    match i.kind() {
        T::Union => match i.skip().accept(T::All) {
            (i, true) => Some((i, CompoundOp::UnionAll)),
            (i, false) => Some((i, CompoundOp::Union)),
        },
        T::Intersect => Some((i.skip(), CompoundOp::Intersect)),
        T::Except => Some((i.skip(), CompoundOp::Except)),
        _ => None,
    }
}

/// One member of a compound; its `ORDER BY` and `LIMIT` go to the whole.
fn core<'a>(i: Tokens<'a>, select: &mut Select) -> Parse<'a, SelectCore> {
    match i.kind() {
        T::Select => query(i, select),
        T::Values => values(i.skip()),
        _ => i.unexpected(),
    }
}

fn values(i: Tokens<'_>) -> Parse<'_, SelectCore> {
    let mut rows = Vec::new();
    let i = each(i, |i| {
        let (i, row) = parenthesized(exprs)(i)?;
        rows.push(row);
        Ok(i)
    })?;
    Ok((i, SelectCore::Values(rows)))
}

fn query<'a>(i: Tokens<'a>, select: &mut Select) -> Parse<'a, SelectCore> {
    let mut query = i.cx.spare.borrow_mut().query();
    let i = clauses_into(i, &mut query)?;
    let i = tail_into(i, select)?;
    Ok((i, SelectCore::Query(query)))
}

fn clauses_into<'a>(i: Tokens<'a>, query: &mut Query) -> Rest<'a> {
    let start = i.head().start;
    let (i, distinct) = quantifier(i.skip());
    query.distinct = distinct;
    let mut i = result_columns_into(i, &mut query.columns)?;
    if i.kind() == T::From {
        let from = query.from.get_or_insert_with(FromClause::vacant);
        i = from_clause_into(i.skip(), from)?;
    }
    i = condition_into(i, T::Where, &mut query.selection)?;
    if matches!(i.kind(), T::Group | T::Having | T::Window) {
        i = groups_into(i, query)?;
    }
    query.span = i.span_since(start);
    Ok(i)
}

/// `GROUP BY`, `HAVING` and `WINDOW`.
#[inline(never)]
fn groups_into<'a>(mut i: Tokens<'a>, query: &mut Query) -> Rest<'a> {
    if i.kind() == T::Group {
        i = exprs_into(i.skip().expect(T::By)?, &mut query.group_by)?;
    }
    i = condition_into(i, T::Having, &mut query.having)?;
    if i.kind() == T::Window {
        i = windows_into(i.skip(), &mut query.windows)?;
    }
    Ok(i)
}

/// An expression after the word `before`, if that word is there.
fn condition_into<'a>(i: Tokens<'a>, before: TokenKind, place: &mut Option<Expr>) -> Rest<'a> {
    if i.kind() != before {
        return Ok(i);
    }
    expr_into(i.skip(), place.get_or_insert(Expr::VACANT))
}

fn exprs_into<'a>(i: Tokens<'a>, list: &mut Vec<Expr>) -> Rest<'a> {
    each(i, |i| {
        let (i, expr) = expr(i)?;
        list.push(expr);
        Ok(i)
    })
}

/// One or more expressions.
pub(super) fn exprs(i: Tokens<'_>) -> Parse<'_, Vec<Expr>> {
    let mut list = Vec::with_capacity(LIST_LENGTH);
    let i = exprs_into(i, &mut list)?;
    Ok((i, list))
}

fn windows_into<'a>(i: Tokens<'a>, windows: &mut Vec<NamedWindow>) -> Rest<'a> {
    each(i, |i| {
        let (i, window) = named_window(i)?;
        windows.push(window);
        Ok(i)
    })
}

fn tail_into<'a>(mut i: Tokens<'a>, select: &mut Select) -> Rest<'a> {
    if i.kind() == T::Order {
        i = ordering_terms_into(i.skip().expect(T::By)?, &mut select.order_by)?;
    }
    if i.kind() == T::Limit {
        let vacant = || i.cx.spare.borrow_mut().limit();
        i = limit_into(i.skip(), select.limit.get_or_insert_with(vacant))?;
    }
    Ok(i)
}

fn named_window(i: Tokens<'_>) -> Parse<'_, NamedWindow> {
    let (i, name) = name(i)?;
    let (i, window) = window(i.expect(T::As)?)?;
    Ok((i, NamedWindow { name, window }))
}

/// `WHERE ..` or nothing.
pub(super) fn condition(i: Tokens<'_>) -> Parse<'_, Option<Expr>> {
    after(T::Where, expr)(i)
}

/// The list after `SELECT` or `RETURNING`.
pub(super) fn result_columns(i: Tokens<'_>) -> Parse<'_, Vec<ResultColumn>> {
    let mut columns = Vec::new();
    let i = result_columns_into(i, &mut columns)?;
    Ok((i, columns))
}

fn result_columns_into<'a>(i: Tokens<'a>, columns: &mut Vec<ResultColumn>) -> Rest<'a> {
    each(i, |i| match star(i) {
        Some((i, star)) => {
            columns.push(star);
            Ok(i)
        }
        None => result_expr(i, columns),
    })
}

/// `*` or `table.*`.
fn star(i: Tokens<'_>) -> Option<(Tokens<'_>, ResultColumn)> {
    let first = i.head();
    if first.kind == T::Star {
        return Some((i.skip(), ResultColumn::Star(first.span())));
    }
    let starts_expr = matches!(
        first.kind,
        T::Cast | T::Raise | T::CurrentDate | T::CurrentTime | T::CurrentTimestamp
    );
    if i.peek(1).kind != T::Dot || i.peek(2).kind != T::Star || !first.kind.is_name() || starts_expr {
        return None;
    }
    let table = ident_of(i, first);
    let i = i.skip().skip().skip();
    Some((
        i,
        ResultColumn::TableStar {
            table,
            span: i.span_since(first.start),
        },
    ))
}

/// An expression with its alias, or with the text that names it.
fn result_expr<'a>(i: Tokens<'a>, columns: &mut Vec<ResultColumn>) -> Rest<'a> {
    columns.push(ResultColumn::Expr {
        expr: Expr::VACANT,
        alias: None,
        text: SourceText::default(),
        span: Span::default(),
    });
    let Some(ResultColumn::Expr {
        expr,
        alias,
        text,
        span,
    }) = columns.last_mut()
    else {
        return i.unexpected();
    };
    let start = i.head().start;
    let i = expr_into(i, expr)?;
    *span = i.trimmed(i.span_to_next(start));
    let i = alias_into(i, alias)?;
    if alias.is_none() {
        match &expr.kind {
            ExprKind::Qualified(name) if name.is_spelled_in(*span) => {}
            ExprKind::Name(name) if name.span().start == span.start && !name.is_quoted() => {
                *text = name.text.clone().into();
            }
            _ => *text = i.text_lossy(*span).into(),
        }
    }
    Ok(i)
}

/// `ORDER BY ..` or nothing.
pub(super) fn order_by(i: Tokens<'_>) -> Parse<'_, Vec<OrderingTerm>> {
    if i.kind() != T::Order {
        return Ok((i, Vec::new()));
    }
    ordering_terms(i.skip().expect(T::By)?)
}

/// Expressions, each with direction and place of NULLs.
pub(super) fn ordering_terms(i: Tokens<'_>) -> Parse<'_, Vec<OrderingTerm>> {
    let mut terms = Vec::new();
    let i = ordering_terms_into(i, &mut terms)?;
    Ok((i, terms))
}

fn ordering_terms_into<'a>(i: Tokens<'a>, terms: &mut Vec<OrderingTerm>) -> Rest<'a> {
    each(i, |i| {
        terms.push(OrderingTerm {
            expr: Expr::VACANT,
            direction: None,
            nulls: None,
        });
        let Some(term) = terms.last_mut() else {
            return i.unexpected();
        };
        let i = expr_into(i, &mut term.expr)?;
        let (i, direction) = direction(i);
        term.direction = direction;
        if i.kind() != T::Nulls {
            return Ok(i);
        }
        let (i, nulls) = nulls(i)?;
        term.nulls = nulls;
        Ok(i)
    })
}

/// `NULLS FIRST`, `NULLS LAST` or nothing.
fn nulls(i: Tokens<'_>) -> Parse<'_, Option<Nulls>> {
    if i.kind() != T::Nulls {
        return Ok((i, None));
    }
    let i = i.skip();
    match i.kind() {
        T::First => Ok((i.skip(), Some(Nulls::First))),
        T::Last => Ok((i.skip(), Some(Nulls::Last))),
        _ => i.unexpected(),
    }
}

/// `ASC`, `DESC` or neither.
pub(super) fn direction(i: Tokens<'_>) -> (Tokens<'_>, Option<Direction>) {
    match i.kind() {
        T::Asc => (i.skip(), Some(Direction::Ascending)),
        T::Desc => (i.skip(), Some(Direction::Descending)),
        _ => (i, None),
    }
}

/// What follows `LIMIT`.
fn limit_into<'a>(i: Tokens<'a>, limit: &mut Limit) -> Rest<'a> {
    let i = expr_into(i, &mut limit.limit)?;
    match i.kind() {
        T::Offset => expr_into(i.skip(), limit.offset.get_or_insert(Expr::VACANT)),
        T::Comma => {
            limit.offset = Some(limit.limit.take());
            expr_into(i.skip(), &mut limit.limit)
        }
        _ => Ok(i),
    }
}
