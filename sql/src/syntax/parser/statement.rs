//! Which statement it is, and the statements that are short.

use super::super::ast::{
    AlterAction, AlterTable, Attach, Drop, Explain, ObjectKind, Pragma, PragmaValue, PragmaValueKind,
    Statement, TableConstraint, TableConstraintKind, TransactionKind, Vacuum,
};
use super::super::token::TokenKind;
use super::ddl::{column_def, create_table, on_conflict, table_constraint};
use super::dml::{Place, delete, insert, update};
use super::expression::expr;
use super::index::{create_index, create_trigger, create_view, create_virtual_table};
use super::input::{Parse, Tokens, after, ident_of, name};
use super::name::object_name;
use super::select::{compound, select, with};
use TokenKind as T;

/// `EXPLAIN`, `EXPLAIN QUERY PLAN` or nothing.
pub(super) fn explain(i: Tokens<'_>) -> Parse<'_, Option<Explain>> {
    if i.kind() != T::Explain {
        return Ok((i, None));
    }
    let i = i.skip();
    match i.kind() {
        T::Query => Ok((i.skip().expect(T::Plan)?, Some(Explain::QueryPlan))),
        // EXPLAIN may stand before the command ANALYZE as well, which takes a name.
        T::Analyze if runs_a_plan(i.skip().kind()) => Ok((i.skip(), Some(Explain::Analyze))),
        _ => Ok((i, Some(Explain::Plan))),
    }
}

/// Whether the word begins a statement that has a plan.
fn runs_a_plan(word: T) -> bool {
    matches!(
        word,
        T::Select | T::Values | T::With | T::Insert | T::Replace | T::Update | T::Delete
    )
}

/// A statement without its semicolon.
pub(super) fn statement(i: Tokens<'_>) -> Parse<'_, Statement> {
    match i.kind() {
        T::Select | T::Values => select(i).map(|(i, s)| (i, Statement::Select(s))),
        _ => other_statement(i),
    }
}

/// A statement that is no query. The frame of this function is large, so queries do without it.
#[inline(never)]
fn other_statement(i: Tokens<'_>) -> Parse<'_, Statement> {
    let rest = i.skip();
    match i.kind() {
        T::With => with_statement(i),
        T::Insert | T::Replace => {
            insert(i, None, Place::Top).map(|(i, s)| (i, Statement::Insert(Box::new(s))))
        }
        T::Update => update(i, None, Place::Top).map(|(i, s)| (i, Statement::Update(Box::new(s)))),
        T::Delete => delete(i, None, Place::Top).map(|(i, s)| (i, Statement::Delete(Box::new(s)))),
        T::Create => create(rest),
        T::Drop => drop_object(rest),
        T::Alter => alter(rest.expect(T::Table)?),
        T::Pragma => pragma(rest),
        T::Begin => begin(rest),
        T::Commit | T::EndKeyword => transaction_name(rest).map(|(i, _)| (i, Statement::Commit)),
        T::Rollback => rollback(rest),
        T::Savepoint => name(rest).map(|(i, name)| (i, Statement::Savepoint(name))),
        T::Release => name(rest.accept(T::Savepoint).0).map(|(i, name)| (i, Statement::Release(name))),
        T::Attach => attach(rest.accept(T::Database).0),
        T::Detach => {
            expr(rest.accept(T::Database).0).map(|(i, schema)| (i, Statement::Detach(Box::new(schema))))
        }
        T::Vacuum => vacuum(rest),
        T::Analyze => optional_object(rest, Statement::Analyze),
        T::Reindex => optional_object(rest, Statement::Reindex),
        _ => i.unexpected(),
    }
}

fn with_statement(i: Tokens<'_>) -> Parse<'_, Statement> {
    let start = i.head().start;
    let (i, with) = with(i)?;
    match i.kind() {
        T::Insert | T::Replace => {
            insert(i, with, Place::Top).map(|(i, s)| (i, Statement::Insert(Box::new(s))))
        }
        T::Update => update(i, with, Place::Top).map(|(i, s)| (i, Statement::Update(Box::new(s)))),
        T::Delete => delete(i, with, Place::Top).map(|(i, s)| (i, Statement::Delete(Box::new(s)))),
        _ => {
            let (i, select) = compound(i, with, start)?;
            Ok((i, Statement::Select(select)))
        }
    }
}

fn create(i: Tokens<'_>) -> Parse<'_, Statement> {
    let rest = i.skip();
    match i.kind() {
        T::Table => create_table(rest, false).map(|(i, s)| (i, Statement::CreateTable(Box::new(s)))),
        T::View => create_view(rest, false).map(|(i, s)| (i, Statement::CreateView(Box::new(s)))),
        T::Trigger => create_trigger(rest, false).map(|(i, s)| (i, Statement::CreateTrigger(Box::new(s)))),
        T::Index => create_index(rest, false).map(|(i, s)| (i, Statement::CreateIndex(Box::new(s)))),
        T::Unique => {
            let rest = rest.expect(T::Index)?;
            create_index(rest, true).map(|(i, s)| (i, Statement::CreateIndex(Box::new(s))))
        }
        T::Virtual => {
            let rest = rest.expect(T::Table)?;
            create_virtual_table(rest).map(|(i, s)| (i, Statement::CreateVirtualTable(Box::new(s))))
        }
        T::Temp | T::Temporary => create_temporary(rest),
        _ => i.unexpected(),
    }
}

fn create_temporary(i: Tokens<'_>) -> Parse<'_, Statement> {
    let rest = i.skip();
    match i.kind() {
        T::Table => create_table(rest, true).map(|(i, s)| (i, Statement::CreateTable(Box::new(s)))),
        T::View => create_view(rest, true).map(|(i, s)| (i, Statement::CreateView(Box::new(s)))),
        T::Trigger => create_trigger(rest, true).map(|(i, s)| (i, Statement::CreateTrigger(Box::new(s)))),
        _ => i.unexpected(),
    }
}

fn drop_object(i: Tokens<'_>) -> Parse<'_, Statement> {
    let kind = match i.kind() {
        T::Table => ObjectKind::Table,
        T::Index => ObjectKind::Index,
        T::View => ObjectKind::View,
        T::Trigger => ObjectKind::Trigger,
        _ => return i.unexpected(),
    };
    let (i, if_exists) = i.skip().accept(T::If);
    let i = if if_exists { i.expect(T::Exists)? } else { i };
    let (i, name) = object_name(i)?;
    Ok((
        i,
        Statement::Drop(Box::new(Drop {
            kind,
            if_exists,
            name,
        })),
    ))
}

fn alter(i: Tokens<'_>) -> Parse<'_, Statement> {
    let (i, table) = object_name(i)?;
    let (i, action) = match i.kind() {
        T::Rename => alter_rename(i.skip())?,
        T::Add => alter_add(i.skip())?,
        T::Drop => alter_drop(i.skip())?,
        T::Alter => alter_column(i.skip())?,
        _ => return i.unexpected(),
    };
    Ok((i, Statement::AlterTable(Box::new(AlterTable { table, action }))))
}

fn alter_rename(i: Tokens<'_>) -> Parse<'_, AlterAction> {
    if i.kind() == T::To {
        return name(i.skip()).map(|(i, to)| (i, AlterAction::RenameTo(to)));
    }
    let (i, from) = name(i.accept(T::Column).0)?;
    let (i, to) = name(i.expect(T::To)?)?;
    Ok((i, AlterAction::RenameColumn { from, to }))
}

fn alter_add(i: Tokens<'_>) -> Parse<'_, AlterAction> {
    if !matches!(i.kind(), T::Constraint | T::Check) {
        let (i, mut column) = column_def(i.accept(T::Column).0)?;
        column.span = i.trimmed(i.span_to_next(column.span.start));
        return Ok((i, AlterAction::AddColumn(Box::new(column))));
    }
    let start = i.head().start;
    let (i, name) = after(T::Constraint, name)(i)?;
    if i.kind() != T::Check {
        return i.unexpected();
    }
    let (i, kind): (_, TableConstraintKind) = table_constraint(i)?;
    let span = i.span_since(start);
    Ok((
        i,
        AlterAction::AddConstraint(Box::new(TableConstraint { name, kind, span })),
    ))
}

fn alter_drop(i: Tokens<'_>) -> Parse<'_, AlterAction> {
    if i.kind() == T::Constraint {
        return name(i.skip()).map(|(i, name)| (i, AlterAction::DropConstraint(name)));
    }
    name(i.accept(T::Column).0).map(|(i, column)| (i, AlterAction::DropColumn(column)))
}

fn alter_column(i: Tokens<'_>) -> Parse<'_, AlterAction> {
    let (i, column) = name(i.accept(T::Column).0)?;
    match i.kind() {
        T::Drop => Ok((
            i.skip().expect(T::Not)?.expect(T::Null)?,
            AlterAction::DropNotNull(column),
        )),
        T::Set => {
            let i = i.skip();
            let start = i.head().start;
            let (i, on_conflict) = on_conflict(i.expect(T::Not)?.expect(T::Null)?)?;
            Ok((
                i,
                AlterAction::SetNotNull {
                    column,
                    on_conflict,
                    span: i.span_since(start),
                },
            ))
        }
        _ => i.unexpected(),
    }
}

fn pragma(i: Tokens<'_>) -> Parse<'_, Statement> {
    let (i, name) = object_name(i)?;
    let parenthesized = i.kind() == T::LeftParen;
    let (i, value) = match i.kind() {
        T::Eq => pragma_value(i.skip())?,
        T::LeftParen => {
            let (i, value) = pragma_value(i.skip())?;
            (i.expect(T::RightParen)?, value)
        }
        _ => {
            return Ok((
                i,
                Statement::Pragma(Box::new(Pragma {
                    name,
                    value: None,
                    parenthesized: false,
                })),
            ));
        }
    };
    Ok((
        i,
        Statement::Pragma(Box::new(Pragma {
            name,
            value: Some(value),
            parenthesized,
        })),
    ))
}

/// A number with or without sign, a name, or one of three keywords.
fn pragma_value(i: Tokens<'_>) -> Parse<'_, PragmaValue> {
    let first = i.head();
    let signed = matches!(first.kind, T::Plus | T::Minus);
    let i = if signed { i.skip() } else { i };
    let token = i.head();
    let span = super::super::ast::Span::new(first.start, token.end);
    match token.kind {
        T::Integer | T::Float => {
            let digits = i.text_lossy(token.span());
            let text = if first.kind == T::Minus {
                format!("-{digits}").into()
            } else {
                digits
            };
            Ok((
                i.skip(),
                PragmaValue {
                    text,
                    kind: PragmaValueKind::Number,
                    span,
                },
            ))
        }
        _ if signed => i.unexpected(),
        kind if kind.is_name() || matches!(kind, T::On | T::Delete | T::Default) => {
            let text = ident_of(i, token).text;
            Ok((
                i.skip(),
                PragmaValue {
                    text,
                    kind: PragmaValueKind::Name,
                    span,
                },
            ))
        }
        _ => i.unexpected(),
    }
}

/// `TRANSACTION [name]` or nothing; the name means nothing.
fn transaction_name(i: Tokens<'_>) -> Parse<'_, ()> {
    let (i, written) = i.accept(T::Transaction);
    Ok((
        if written && i.kind().is_name() {
            i.skip()
        } else {
            i
        },
        (),
    ))
}

fn begin(i: Tokens<'_>) -> Parse<'_, Statement> {
    let (i, kind) = match i.kind() {
        T::Deferred => (i.skip(), TransactionKind::Deferred),
        T::Immediate => (i.skip(), TransactionKind::Immediate),
        T::Exclusive => (i.skip(), TransactionKind::Exclusive),
        _ => (i, TransactionKind::Deferred),
    };
    transaction_name(i).map(|(i, ())| (i, Statement::Begin(kind)))
}

fn rollback(i: Tokens<'_>) -> Parse<'_, Statement> {
    let (i, ()) = transaction_name(i)?;
    if i.kind() != T::To {
        return Ok((i, Statement::Rollback));
    }
    let (i, savepoint) = name(i.skip().accept(T::Savepoint).0)?;
    Ok((i, Statement::RollbackTo(savepoint)))
}

fn attach(i: Tokens<'_>) -> Parse<'_, Statement> {
    let (i, file) = expr(i)?;
    let (i, schema) = expr(i.expect(T::As)?)?;
    let (i, key) = after(T::Key, expr)(i)?;
    Ok((i, Statement::Attach(Box::new(Attach { file, schema, key }))))
}

fn vacuum(i: Tokens<'_>) -> Parse<'_, Statement> {
    let (i, schema) = if i.kind().is_name() {
        name(i).map(|(i, n)| (i, Some(n)))?
    } else {
        (i, None)
    };
    let (i, into) = after(T::Into, expr)(i)?;
    Ok((i, Statement::Vacuum(Box::new(Vacuum { schema, into }))))
}

fn optional_object(
    i: Tokens<'_>,
    make: impl FnOnce(Option<super::super::ast::ObjectName>) -> Statement,
) -> Parse<'_, Statement> {
    if !i.kind().is_name() {
        return Ok((i, make(None)));
    }
    object_name(i).map(|(i, name)| (i, make(Some(name))))
}
