//! Queries.

use super::super::ast::{
    Compound, CompoundOp, Cte, Direction, Expr, Limit, NamedWindow, Nulls, OrderingTerm, Query, ResultColumn,
    Select, SelectCore, Span, With,
};
use super::super::token::TokenKind;
use super::call::{quantifier, window};
use super::expression::expr;
use super::from::from_clause;
use super::input::{Parse, Tokens, after, comma_list, ident_of, name, nested, parenthesized};
use super::limits::COMPOUND_MAX;
use super::name::{alias, plain_name_list_opt};
use TokenKind as T;
use std::sync::Arc;

/// True for the tokens with which a query starts.
pub(super) fn starts_select(kind: TokenKind) -> bool {
    matches!(kind, T::Select | T::Values | T::With)
}

/// A query, with or without `WITH`.
pub(super) fn select(i: Tokens<'_>) -> Parse<'_, Select> {
    let start = i.head().start;
    let (i, with) = with(i)?;
    let (i, mut select) = compound(i)?;
    select.with = with;
    select.span = i.span_since(start);
    Ok((i, select))
}

/// `WITH ..` or nothing.
pub(super) fn with(i: Tokens<'_>) -> Parse<'_, Option<Box<With>>> {
    if i.kind() != T::With {
        return Ok((i, None));
    }
    let (i, recursive) = i.skip().accept(T::Recursive);
    let (i, ctes) = comma_list(cte)(i)?;
    check_cte_names(i, &ctes);
    Ok((i, Some(Box::new(With { recursive, ctes }))))
}

fn check_cte_names(i: Tokens<'_>, ctes: &[Cte]) {
    for (n, cte) in ctes.iter().enumerate() {
        if ctes[..n].iter().any(|earlier| earlier.name.is(&cte.name.text)) {
            return i.object(format!("duplicate WITH table name: {}", cte.name.text), None);
        }
    }
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

/// One query of a compound with the clauses that belong to the whole, which only the last may have.
struct Member {
    core: SelectCore,
    order_by: Vec<OrderingTerm>,
    limit: Option<Box<Limit>>,
}

/// A query without `WITH`.
pub(super) fn compound(i: Tokens<'_>) -> Parse<'_, Select> {
    let start = i.head().start;
    let (mut i, mut last) = member(i)?;
    let mut misplaced = None;
    let mut select = Select {
        with: None,
        first: SelectCore::Values(Vec::new()),
        compounds: Vec::new(),
        order_by: Vec::new(),
        limit: None,
        span: Span::default(),
    };
    let mut pending: Option<(CompoundOp, Span)> = None;
    while let Some((after_op, op)) = compound_op(i) {
        if !last.order_by.is_empty() {
            misplaced = Some(("ORDER BY", op));
        } else if last.limit.is_some() {
            misplaced = Some(("LIMIT", op));
        }
        add_core(&mut select, pending.take(), last.core);
        pending = Some((op, Span::new(i.head().start, after_op.last_end())));
        (i, last) = member(after_op)?;
    }
    add_core(&mut select, pending, last.core);
    if let Some((clause, op)) = misplaced {
        i.object(
            format!("{clause} clause should come after {} not before", op.as_str()),
            None,
        );
    }
    if select.compounds.len() >= COMPOUND_MAX {
        i.object("too many terms in compound SELECT", None);
    }
    (select.order_by, select.limit) = (last.order_by, last.limit);
    select.span = i.span_since(start);
    Ok((i, select))
}

fn add_core(select: &mut Select, op: Option<(CompoundOp, Span)>, core: SelectCore) {
    match op {
        None => select.first = core,
        Some((op, op_span)) => select.compounds.push(Compound { op, op_span, core }),
    }
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

fn member(i: Tokens<'_>) -> Parse<'_, Member> {
    match i.kind() {
        T::Select => query(i),
        T::Values => {
            let (i, rows) = comma_list(parenthesized(comma_list(expr)))(i.skip())?;
            Ok((
                i,
                Member {
                    core: SelectCore::Values(rows),
                    order_by: Vec::new(),
                    limit: None,
                },
            ))
        }
        _ => i.unexpected(),
    }
}

fn query(i: Tokens<'_>) -> Parse<'_, Member> {
    let start = i.head().start;
    let (i, distinct) = quantifier(i.skip());
    let (i, columns) = result_columns(i)?;
    let (i, from) = after(T::From, from_clause)(i)?;
    let (i, selection) = condition(i)?;
    let (i, group_by) = after(T::Group, |i: Tokens<'_>| comma_list(expr)(i.expect(T::By)?))(i)?;
    let (i, having) = after(T::Having, expr)(i)?;
    let (i, windows) = after(T::Window, comma_list(named_window))(i)?;
    let span = i.span_since(start);
    let (i, order_by) = order_by(i)?;
    let (i, limit) = limit(i)?;
    let query = Query {
        distinct,
        columns,
        from,
        selection,
        group_by: group_by.unwrap_or_default(),
        having,
        windows: windows.unwrap_or_default(),
        span,
    };
    Ok((
        i,
        Member {
            core: SelectCore::Query(Box::new(query)),
            order_by,
            limit,
        },
    ))
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
    comma_list(result_column)(i)
}

fn result_column(i: Tokens<'_>) -> Parse<'_, ResultColumn> {
    let first = i.head();
    if first.kind == T::Star {
        return Ok((i.skip(), ResultColumn::Star(first.span())));
    }
    let starts_expr = matches!(
        first.kind,
        T::Cast | T::Raise | T::CurrentDate | T::CurrentTime | T::CurrentTimestamp
    );
    if i.peek(2).kind == T::Star && i.peek(1).kind == T::Dot && first.kind.is_name() && !starts_expr {
        let table = ident_of(i, first);
        let i = i.skip().skip().skip();
        return Ok((
            i,
            ResultColumn::TableStar {
                table,
                span: i.span_since(first.start),
            },
        ));
    }
    let (i, expr) = expr(i)?;
    let span = i.span_since(first.start);
    let (i, alias) = alias(i)?;
    let text = if alias.is_none() {
        i.text_lossy(span)
    } else {
        Arc::default()
    };
    Ok((
        i,
        ResultColumn::Expr {
            expr,
            alias,
            text: text.into(),
            span,
        },
    ))
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
    comma_list(ordering_term)(i)
}

fn ordering_term(i: Tokens<'_>) -> Parse<'_, OrderingTerm> {
    let (i, expr) = expr(i)?;
    let (i, direction) = direction(i);
    let (i, nulls) = after(T::Nulls, |i: Tokens<'_>| match i.kind() {
        T::First => Ok((i.skip(), Nulls::First)),
        T::Last => Ok((i.skip(), Nulls::Last)),
        _ => i.unexpected(),
    })(i)?;
    Ok((
        i,
        OrderingTerm {
            expr,
            direction,
            nulls,
        },
    ))
}

/// `ASC`, `DESC` or neither.
pub(super) fn direction(i: Tokens<'_>) -> (Tokens<'_>, Option<Direction>) {
    match i.kind() {
        T::Asc => (i.skip(), Some(Direction::Ascending)),
        T::Desc => (i.skip(), Some(Direction::Descending)),
        _ => (i, None),
    }
}

/// `LIMIT ..` or nothing.
pub(super) fn limit(i: Tokens<'_>) -> Parse<'_, Option<Box<Limit>>> {
    if i.kind() != T::Limit {
        return Ok((i, None));
    }
    let (i, first) = expr(i.skip())?;
    let (i, limit) = match i.kind() {
        T::Offset => {
            let (i, offset) = expr(i.skip())?;
            (
                i,
                Limit {
                    limit: first,
                    offset: Some(offset),
                },
            )
        }
        T::Comma => {
            let (i, limit) = expr(i.skip())?;
            (
                i,
                Limit {
                    limit,
                    offset: Some(first),
                },
            )
        }
        _ => (
            i,
            Limit {
                limit: first,
                offset: None,
            },
        ),
    };
    Ok((i, Some(Box::new(limit))))
}
