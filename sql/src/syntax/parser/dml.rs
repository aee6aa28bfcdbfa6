//! `INSERT`, `UPDATE`, `DELETE`, as statements and as steps of a trigger.

use super::super::ast::{
    Assignment, ConflictAction, Delete, Ident, Indexed, Insert, InsertSource, ObjectName, ResultColumn,
    Update, Upsert, UpsertAction, UpsertTarget, With,
};
use super::super::token::TokenKind as T;
use super::expression::expr;
use super::from::from_clause;
use super::index::check_nulls;
use super::input::{Fault, Parse, Tokens, after, comma_list, name, parenthesized};
use super::name::{indexed, name_list, name_list_opt, object_name};
use super::select::{condition, ordering_terms, result_columns, select, starts_select};
use nom::Err;

/// Where a statement stands: a trigger refuses some clauses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On its own.
    Top,
    /// In the body of a trigger.
    Trigger,
}

type WithClause = Option<Box<With>>;

/// `OR action` or nothing.
fn or_action(i: Tokens<'_>) -> Parse<'_, Option<ConflictAction>> {
    after(T::Or, conflict_action)(i)
}

/// The word after `OR` and `ON CONFLICT`.
pub(super) fn conflict_action(i: Tokens<'_>) -> Parse<'_, ConflictAction> {
    let action = match i.kind() {
        T::Rollback => ConflictAction::Rollback,
        T::Abort => ConflictAction::Abort,
        T::Fail => ConflictAction::Fail,
        T::Ignore => ConflictAction::Ignore,
        T::Replace => ConflictAction::Replace,
        _ => return i.unexpected(),
    };
    Ok((i.skip(), action))
}

/// The table that is changed, with its alias.
fn target(i: Tokens<'_>) -> Parse<'_, (ObjectName, Option<Ident>)> {
    let (i, table) = object_name(i)?;
    let (i, alias) = after(T::As, name)(i)?;
    Ok((i, (table, alias)))
}

fn index_hint(i: Tokens<'_>, place: Place) -> Parse<'_, Option<Indexed>> {
    let (i, hint) = indexed(i)?;
    let clause = match (place, &hint) {
        (Place::Top, _) | (_, None) => return Ok((i, hint)),
        (_, Some(Indexed::By(_))) => "INDEXED BY",
        (_, Some(Indexed::Not)) => "NOT INDEXED",
    };
    i.object(
        format!("the {clause} clause is not allowed on UPDATE or DELETE statements within triggers"),
        None,
    );
    Ok((i, hint))
}

/// `INSERT ..` or `REPLACE ..`.
pub(super) fn insert(i: Tokens<'_>, with: WithClause, place: Place) -> Parse<'_, Insert> {
    let (i, or) = if i.kind() == T::Replace {
        (i.skip(), Some(ConflictAction::Replace))
    } else {
        or_action(i.expect(T::Insert)?)?
    };
    let (i, (table, alias)) = target(i.expect(T::Into)?)?;
    let (i, columns) = name_list_opt(i)?;
    if place == Place::Top && i.kind() == T::Default {
        let (i, returning) = returning(i.skip().expect(T::Values)?)?;
        let source = InsertSource::DefaultValues;
        return Ok((
            i,
            Insert {
                with,
                or,
                table,
                alias,
                columns,
                source,
                upserts: Vec::new(),
                returning,
            },
        ));
    }
    if !starts_select(i.kind()) {
        return i.unexpected();
    }
    let (i, query) = select(i)?;
    let source = InsertSource::Select(query);
    let (i, upserts) = upserts(i)?;
    let (i, returning) = returning(i)?;
    if place == Place::Trigger && !returning.is_empty() {
        i.object("cannot use RETURNING in a trigger", None);
    }
    Ok((
        i,
        Insert {
            with,
            or,
            table,
            alias,
            columns,
            source,
            upserts,
            returning,
        },
    ))
}

/// `ON CONFLICT` clauses; one without a target is the last.
fn upserts(mut i: Tokens<'_>) -> Parse<'_, Vec<Upsert>> {
    let mut upserts: Vec<Upsert> = Vec::new();
    while i.kind() == T::On && upserts.last().is_none_or(|last| last.target.is_some()) {
        let (rest, upsert) = upsert(i.skip().expect(T::Conflict)?)?;
        check_nulls(rest, upsert.target.as_ref().map_or(&[], |target| &target.columns));
        upserts.push(upsert);
        i = rest;
    }
    Ok((i, upserts))
}

fn upsert(i: Tokens<'_>) -> Parse<'_, Upsert> {
    let (i, target) = if i.kind() == T::LeftParen {
        let (i, columns) = parenthesized(ordering_terms)(i)?;
        let (i, selection) = condition(i)?;
        (i, Some(UpsertTarget { columns, selection }))
    } else {
        (i, None)
    };
    let i = i.expect(T::Do)?;
    if i.kind() == T::Nothing {
        return Ok((
            i.skip(),
            Upsert {
                target,
                action: UpsertAction::Nothing,
            },
        ));
    }
    let (i, assignments) = assignments(i.expect(T::Update)?.expect(T::Set)?)?;
    let (i, selection) = condition(i)?;
    Ok((
        i,
        Upsert {
            target,
            action: UpsertAction::Update {
                assignments,
                selection,
            },
        },
    ))
}

/// What follows `SET`.
fn assignments(i: Tokens<'_>) -> Parse<'_, Vec<Assignment>> {
    comma_list(|i: Tokens<'_>| {
        let row = i.kind() == T::LeftParen;
        let (i, columns) = if row {
            name_list(i)?
        } else {
            name(i).map(|(i, column)| (i, vec![column]))?
        };
        let (i, value) = expr(i.expect(T::Eq)?)?;
        Ok((i, Assignment { columns, row, value }))
    })(i)
}

/// `RETURNING ..` or nothing.
fn returning(i: Tokens<'_>) -> Parse<'_, Vec<ResultColumn>> {
    if i.kind() == T::Returning {
        result_columns(i.skip())
    } else {
        Ok((i, Vec::new()))
    }
}

/// `UPDATE ..`.
pub(super) fn update(i: Tokens<'_>, with: WithClause, place: Place) -> Parse<'_, Update> {
    let (i, or) = or_action(i.expect(T::Update)?)?;
    let (i, (table, alias)) = target(i)?;
    let (i, indexed) = index_hint(i, place)?;
    let (i, assignments) = assignments(i.expect(T::Set)?)?;
    let (i, from) = after(T::From, from_clause)(i)?;
    let (i, selection) = condition(i)?;
    let (i, returning) = returning_at(i, place)?;
    Ok((
        i,
        Update {
            with,
            or,
            table,
            alias,
            indexed,
            assignments,
            from,
            selection,
            returning,
            order_by: Vec::new(),
            limit: None,
        },
    ))
}

/// `DELETE ..`.
pub(super) fn delete(i: Tokens<'_>, with: WithClause, place: Place) -> Parse<'_, Delete> {
    let i = i.expect(T::Delete)?.expect(T::From)?;
    let (i, (table, alias)) = target(i)?;
    let (i, indexed) = index_hint(i, place)?;
    let (i, selection) = condition(i)?;
    let (i, returning) = returning_at(i, place)?;
    Ok((
        i,
        Delete {
            with,
            table,
            alias,
            indexed,
            selection,
            returning,
            order_by: Vec::new(),
            limit: None,
        },
    ))
}

/// In a trigger the grammar of `UPDATE` and `DELETE` has no `RETURNING`.
fn returning_at(i: Tokens<'_>, place: Place) -> Result<(Tokens<'_>, Vec<ResultColumn>), Err<Fault>> {
    match place {
        Place::Top => returning(i),
        Place::Trigger => Ok((i, Vec::new())),
    }
}
