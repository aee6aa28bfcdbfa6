//! `FROM`: tables and joins.

use super::super::ast::{
    Expr, FromClause, Indexed, Join, JoinConstraint, JoinKind, JoinOp, ObjectName, TableRef,
};
use super::super::token::{Token, TokenKind as T};
use super::expression::expr_into;
use super::input::{Failed, Parse, Rest, Tokens, nested, parenthesized};
use super::name::{alias, alias_into, indexed, name_list, object_name_into};
use super::select::{exprs, select, starts_select};

/// What follows `FROM`.
pub(super) fn from_clause(i: Tokens<'_>) -> Parse<'_, FromClause> {
    let mut made = FromClause::vacant();
    let i = from_clause_into(i, &mut made)?;
    Ok((i, made))
}

/// What follows `FROM`, which comes into a vacant place.
pub(super) fn from_clause_into<'a>(i: Tokens<'a>, clause: &mut FromClause) -> Rest<'a> {
    let mut i = table_ref_into(i, &mut clause.first)?;
    if matches!(i.kind(), T::On | T::Using) {
        i = constraint_too_early(i)?;
    }
    while let Some((after_op, op)) = join_op(i)? {
        if clause.joins.capacity() == 0 {
            clause.joins = i.cx.spare.borrow_mut().joins();
        }
        clause.joins.push(Join {
            op,
            table: TableRef::vacant(),
            constraint: None,
        });
        let Some(join) = clause.joins.last_mut() else {
            return i.unexpected();
        };
        i = table_ref_into(after_op, &mut join.table)?;
        i = join_constraint_into(i, &mut join.constraint)?;
    }
    Ok(i)
}

/// A constraint after the first table.
#[cold]
fn constraint_too_early(i: Tokens<'_>) -> Rest<'_> {
    let word = if i.kind() == T::On { "ON" } else { "USING" };
    let i = join_constraint_into(i, &mut None)?;
    i.object(format!("a JOIN clause is required before {word}"), None);
    Ok(i)
}

fn table_ref_into<'a>(i: Tokens<'a>, place: &mut TableRef) -> Rest<'a> {
    if i.kind() == T::LeftParen {
        return in_parentheses_into(i, place);
    }
    if let TableRef::Table { name, alias, indexed } = place {
        let i = object_name_into(i, name)?;
        if i.kind() != T::LeftParen {
            let i = alias_into(i, alias)?;
            return indexed_into(i, indexed);
        }
        return function_into(i, place);
    }
    i.unexpected()
}

#[inline(never)]
fn indexed_into<'a>(i: Tokens<'a>, place: &mut Option<Indexed>) -> Rest<'a> {
    if matches!(i.kind(), T::Indexed | T::Not) {
        let (i, hint) = indexed(i)?;
        *place = hint;
        return Ok(i);
    }
    Ok(i)
}

/// A query or a join in parentheses.
#[inline(never)]
fn in_parentheses_into<'a>(i: Tokens<'a>, place: &mut TableRef) -> Rest<'a> {
    if starts_select(i.peek(1).kind) {
        let (i, (select, height)) = parenthesized(|i| nested(i, select))(i)?;
        i.cx.note_height(height + 1);
        let (i, alias) = alias(i)?;
        *place = TableRef::Subquery { select, alias };
        return Ok(i);
    }
    let (i, (from, height)) = parenthesized(|i| nested(i, from_clause))(i)?;
    i.cx.note_height(height + 1);
    let (i, alias) = alias(i)?;
    let from = Box::new(from);
    *place = TableRef::Parenthesized { from, alias };
    Ok(i)
}

/// A table function, whose name is in `place` as that of a table.
#[inline(never)]
fn function_into<'a>(i: Tokens<'a>, place: &mut TableRef) -> Rest<'a> {
    let TableRef::Table { name, .. } = std::mem::replace(place, TableRef::vacant()) else {
        return i.unexpected();
    };
    let (i, function) = function(i, name)?;
    *place = function;
    Ok(i)
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
fn join_constraint_into<'a>(i: Tokens<'a>, place: &mut Option<JoinConstraint>) -> Rest<'a> {
    match i.kind() {
        T::On => match place.get_or_insert(JoinConstraint::On(Expr::VACANT)) {
            JoinConstraint::On(condition) => expr_into(i.skip(), condition),
            JoinConstraint::Using(_) => i.unexpected(),
        },
        T::Using => {
            let (i, columns) = name_list(i.skip())?;
            *place = Some(JoinConstraint::Using(columns));
            Ok(i)
        }
        _ => Ok(i),
    }
}

/// A comma, `JOIN`, or up to three words and `JOIN`.
fn join_op(i: Tokens<'_>) -> Result<Option<(Tokens<'_>, JoinOp)>, Failed> {
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
