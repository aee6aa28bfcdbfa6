//! `FROM`: tables and joins.

use super::super::ast::{FromClause, Ident, Join, JoinConstraint, JoinKind, JoinOp, ObjectName, TableRef};
use super::super::token::{Token, TokenKind as T};
use super::expression::expr;
use super::input::{Fault, Parse, Tokens, nested, parenthesized};
use super::name::{alias, indexed, name_list, object_name};
use super::select::{exprs, select, starts_select};
use nom::Err;

/// What follows `FROM`.
pub(super) fn from_clause(i: Tokens<'_>) -> Parse<'_, FromClause> {
    let (i, first) = table_ref(i)?;
    let (mut i, constraint) = join_constraint(i)?;
    match constraint {
        Some(JoinConstraint::On(_)) => i.object("a JOIN clause is required before ON", None),
        Some(JoinConstraint::Using(_)) => i.object("a JOIN clause is required before USING", None),
        None => {}
    }
    let mut joins = Vec::new();
    while let Some((after_op, op)) = join_op(i)? {
        let (after_table, table) = table_ref(after_op)?;
        let (after_join, constraint) = join_constraint(after_table)?;
        joins.push(Join {
            op,
            table,
            constraint,
        });
        i = after_join;
    }
    Ok((i, FromClause { first, joins }))
}

fn table_ref(i: Tokens<'_>) -> Parse<'_, TableRef> {
    if i.kind() != T::LeftParen {
        let (i, name) = object_name(i)?;
        return if i.kind() == T::LeftParen {
            function(i, name)
        } else {
            table(i, name)
        };
    }
    if starts_select(i.peek(1).kind) {
        let (i, (select, height)) = parenthesized(|i| nested(i, select))(i)?;
        i.cx.note_height(height + 1);
        let (i, alias) = alias(i)?;
        return Ok((i, TableRef::Subquery { select, alias }));
    }
    let (i, (from, height)) = parenthesized(|i| nested(i, from_clause))(i)?;
    i.cx.note_height(height + 1);
    let (i, alias) = alias(i)?;
    Ok((
        i,
        TableRef::Parenthesized {
            from: Box::new(from),
            alias,
        },
    ))
}

fn table(i: Tokens<'_>, name: ObjectName) -> Parse<'_, TableRef> {
    let (i, alias) = alias(i)?;
    let (i, indexed) = indexed(i)?;
    Ok((i, TableRef::Table { name, alias, indexed }))
}

fn function(i: Tokens<'_>, name: ObjectName) -> Parse<'_, TableRef> {
    let i = i.expect(T::LeftParen)?;
    let (i, arguments) = if i.kind() == T::RightParen {
        (i, Vec::new())
    } else {
        exprs(i)?
    };
    let (i, alias) = alias(i.expect(T::RightParen)?)?;
    Ok((
        i,
        TableRef::Function {
            name,
            arguments,
            alias,
        },
    ))
}

/// `ON ..`, `USING (..)` or nothing.
fn join_constraint(i: Tokens<'_>) -> Parse<'_, Option<JoinConstraint>> {
    match i.kind() {
        T::On => expr(i.skip()).map(|(i, on)| (i, Some(JoinConstraint::On(on)))),
        T::Using => {
            let (i, columns): (_, Vec<Ident>) = name_list(i.skip())?;
            Ok((i, Some(JoinConstraint::Using(columns))))
        }
        _ => Ok((i, None)),
    }
}

/// A comma, `JOIN`, or up to three words and `JOIN`.
fn join_op(i: Tokens<'_>) -> Result<Option<(Tokens<'_>, JoinOp)>, Err<Fault>> {
    let plain = |kind| JoinOp { kind, natural: false };
    match i.kind() {
        T::Comma => return Ok(Some((i.skip(), plain(JoinKind::Comma)))),
        T::Join => return Ok(Some((i.skip(), plain(JoinKind::Inner)))),
        kind if !kind.is_join_word() => return Ok(None),
        _ => {}
    }
    let mut words = [None; 3];
    let mut rest = i;
    for (n, word) in words.iter_mut().enumerate() {
        let token = rest.head();
        if token.kind == T::Join {
            break;
        }
        if n > 0 && !token.kind.is_name() {
            return rest.unexpected();
        }
        *word = Some(token);
        rest = rest.skip();
    }
    let rest = rest.expect(T::Join)?;
    Ok(Some((rest, join_op_of(rest, words))))
}

const INNER: u8 = 1;
const CROSS: u8 = 2;
const NATURAL: u8 = 4;
const LEFT: u8 = 8;
const RIGHT: u8 = 16;
const OUTER: u8 = 32;
const UNKNOWN: u8 = 64;

fn join_word(kind: T) -> u8 {
    match kind {
        T::Natural => NATURAL,
        T::Left => LEFT | OUTER,
        T::Right => RIGHT | OUTER,
        T::Full => LEFT | RIGHT | OUTER,
        T::Outer => OUTER,
        T::Inner => INNER,
        T::Cross => INNER | CROSS,
        _ => UNKNOWN,
    }
}

/// What the words mean together; the order does not count.
fn join_op_of(rest: Tokens<'_>, words: [Option<Token>; 3]) -> JoinOp {
    let tokens = || words.iter().flatten();
    let bits = tokens().fold(0, |bits, word| bits | join_word(word.kind));
    let contradicts = bits & (INNER | OUTER) == INNER | OUTER;
    let sideless = bits & (OUTER | LEFT | RIGHT) == OUTER;
    if contradicts || sideless || bits & UNKNOWN != 0 {
        let text: Vec<_> = tokens()
            .map(|&word| String::from_utf8_lossy(rest.text(word)))
            .collect();
        let start = tokens().next().map(|word| word.start);
        rest.object(format!("unknown join type: {}", text.join(" ")), start);
    }
    let kind = match bits & (LEFT | RIGHT) {
        LEFT => JoinKind::Left,
        RIGHT => JoinKind::Right,
        0 if bits & CROSS != 0 => JoinKind::Cross,
        0 => JoinKind::Inner,
        _ => JoinKind::Full,
    };
    JoinOp {
        kind,
        natural: bits & NATURAL != 0,
    }
}
