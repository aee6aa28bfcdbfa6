//! `CREATE INDEX`, `CREATE VIEW`, `CREATE TRIGGER`, `CREATE VIRTUAL TABLE`.

use super::super::ast::{
    CreateIndex, CreateTrigger, CreateView, CreateVirtualTable, Nulls, OrderingTerm, Span, TriggerEvent,
    TriggerStep, TriggerTime,
};
use super::super::token::{Token, TokenKind as T};
use super::ddl::if_not_exists;
use super::dml::{Place, delete, insert, update};
use super::expression::expr;
use super::input::{Fault, Parse, Rest, Tokens, after, comma_list, name, parenthesized};
use super::name::{object_name, plain_name_list_opt};
use super::select::{condition, ordering_terms, select};
use nom::Err;
use std::sync::Arc;

/// Objects to `NULLS FIRST` and `NULLS LAST`, which no index heeds.
pub(super) fn check_nulls(i: Tokens<'_>, columns: &[OrderingTerm]) {
    match columns.iter().find_map(|column| column.nulls) {
        None => {}
        Some(Nulls::First) => i.object("unsupported use of NULLS FIRST", None),
        Some(Nulls::Last) => i.object("unsupported use of NULLS LAST", None),
    }
}

/// What follows `CREATE [UNIQUE] INDEX`.
pub(super) fn create_index(i: Tokens<'_>, unique: bool) -> Parse<'_, CreateIndex> {
    let (i, if_not_exists) = if_not_exists(i)?;
    let (i, index) = object_name(i)?;
    let (i, table) = name(i.expect(T::On)?)?;
    let (i, columns) = parenthesized(ordering_terms)(i)?;
    let (i, selection) = condition(i)?;
    check_nulls(i, &columns);
    let definition = i.span_to_next(index.name.span().start);
    Ok((
        i,
        CreateIndex {
            unique,
            if_not_exists,
            name: index,
            table,
            columns,
            selection,
            definition,
        },
    ))
}

/// What follows `CREATE [TEMP] VIEW`.
pub(super) fn create_view(i: Tokens<'_>, temporary: bool) -> Parse<'_, CreateView> {
    let (i, if_not_exists) = if_not_exists(i)?;
    let (i, view) = object_name(i)?;
    let (i, columns) = plain_name_list_opt(i)?;
    let (i, query) = select(i.expect(T::As)?)?;
    if i.cx.parameters.borrow().parameters.count > 0 {
        i.object("parameters are not allowed in views", None);
    }
    let definition = i.trimmed(i.span_to_next(view.name.span().start));
    let select = query;
    Ok((
        i,
        CreateView {
            temporary,
            if_not_exists,
            name: view,
            columns,
            select,
            definition,
        },
    ))
}

/// What follows `CREATE [TEMP] TRIGGER`.
pub(super) fn create_trigger(i: Tokens<'_>, temporary: bool) -> Parse<'_, CreateTrigger> {
    let (i, if_not_exists) = if_not_exists(i)?;
    let (i, trigger) = object_name(i)?;
    let (i, time) = trigger_time(i)?;
    let (i, event) = trigger_event(i)?;
    let (i, table) = object_name(i.expect(T::On)?)?;
    let (i, for_each_row) = i.accept(T::For);
    let i = if for_each_row {
        i.expect(T::Each)?.expect(T::Row)?
    } else {
        i
    };
    let (i, condition) = after(T::When, expr)(i)?;
    let (i, body) = trigger_body(i.expect(T::Begin)?)?;
    let definition = i.span_since(trigger.name.span().start);
    Ok((
        i,
        CreateTrigger {
            temporary,
            if_not_exists,
            name: trigger,
            time,
            event,
            table,
            for_each_row,
            condition,
            body,
            definition,
        },
    ))
}

fn trigger_time(i: Tokens<'_>) -> Parse<'_, Option<TriggerTime>> {
    Ok(match i.kind() {
        T::Before => (i.skip(), Some(TriggerTime::Before)),
        T::After => (i.skip(), Some(TriggerTime::After)),
        T::Instead => (i.skip().expect(T::Of)?, Some(TriggerTime::InsteadOf)),
        _ => (i, None),
    })
}

fn trigger_event(i: Tokens<'_>) -> Parse<'_, TriggerEvent> {
    match i.kind() {
        T::Delete => Ok((i.skip(), TriggerEvent::Delete)),
        T::Insert => Ok((i.skip(), TriggerEvent::Insert)),
        T::Update => {
            let (i, columns) = after(T::Of, comma_list(name))(i.skip())?;
            Ok((i, columns.map_or(TriggerEvent::Update, TriggerEvent::UpdateOf)))
        }
        _ => i.unexpected(),
    }
}

/// The statements up to `END`, each with its semicolon.
fn trigger_body(mut i: Tokens<'_>) -> Parse<'_, Vec<TriggerStep>> {
    let mut steps = Vec::new();
    while steps.is_empty() || i.kind() != T::EndKeyword {
        let (rest, step) = trigger_step(i)?;
        steps.push(step);
        i = after_step(rest)?;
    }
    Ok((i.skip(), steps))
}

/// Takes the semicolon after a step. To SQLite the end of the text is a semicolon before it is the end, so here it is
/// not the token after the step that is wrong, but one after that; an objection to the step stands.
fn after_step(i: Tokens<'_>) -> Rest<'_> {
    match i.head() {
        end if end.kind == T::End => Err(Err::Failure(Fault::Near(Token {
            start: end.start + 1,
            ..end
        }))
        .into()),
        _ => i.expect(T::Semicolon),
    }
}

fn trigger_step(i: Tokens<'_>) -> Parse<'_, TriggerStep> {
    let place = Place::Trigger;
    match i.kind() {
        T::Insert | T::Replace => insert(i, None, place).map(|(i, s)| (i, TriggerStep::Insert(Box::new(s)))),
        T::Update => update(i, None, place).map(|(i, s)| (i, TriggerStep::Update(Box::new(s)))),
        T::Delete => delete(i, None, place).map(|(i, s)| (i, TriggerStep::Delete(Box::new(s)))),
        T::Select | T::Values | T::With => select(i).map(|(i, s)| (i, TriggerStep::Select(s))),
        _ => i.unexpected(),
    }
}

/// What follows `CREATE VIRTUAL TABLE`.
pub(super) fn create_virtual_table(i: Tokens<'_>) -> Parse<'_, CreateVirtualTable> {
    let (i, if_not_exists) = if_not_exists(i)?;
    let (i, table) = object_name(i)?;
    let (i, module) = name(i.expect(T::Using)?)?;
    let (i, arguments) = match i.accept(T::LeftParen) {
        (i, true) => module_arguments(i)?,
        (i, false) => (i, Vec::new()),
    };
    let definition = i.span_since(table.name.span().start);
    Ok((
        i,
        CreateVirtualTable {
            if_not_exists,
            name: table,
            module,
            arguments,
            definition,
        },
    ))
}

/// Any tokens up to the closing parenthesis, cut at the commas outside inner parentheses.
fn module_arguments(mut i: Tokens<'_>) -> Parse<'_, Vec<Arc<str>>> {
    let mut arguments: Vec<Arc<str>> = Vec::new();
    let (mut start, mut depth) = (i.head().start, 0_u32);
    loop {
        let token = i.head();
        match token.kind {
            T::End | T::Illegal => return i.unexpected(),
            T::LeftParen => depth += 1,
            T::RightParen if depth > 0 => depth -= 1,
            T::RightParen | T::Comma if depth == 0 => {
                let text = i.text_lossy(i.trimmed(Span::new(start, i.last_end().max(start))));
                start = i.skip().head().start;
                let ends = token.kind == T::RightParen;
                // Nothing between two commas is no argument.
                if !text.is_empty() {
                    arguments.push(text.as_str().into());
                }
                if ends {
                    return Ok((i.skip(), arguments));
                }
            }
            _ => {}
        }
        i = i.skip();
    }
}
