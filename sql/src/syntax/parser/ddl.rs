//! `CREATE TABLE`: columns, types and constraints.

use super::super::ast::{
    Check, ColumnConstraint, ColumnConstraintKind, ColumnDef, ConflictAction, CreateTable, CreateTableBody,
    DefaultValue, Deferrable, Expr, ExprKind, ForeignKey, Ident, Literal, ReferenceAction, Span,
    TableConstraint, TableConstraintKind, TypeName, UnaryOp,
};
use super::super::lexer::is_space;
use super::super::token::TokenKind;
use super::dml::conflict_action;
use super::expression::{expr, word};
use super::index::check_nulls;
use super::input::{Fault, Parse, Tokens, after, alias_name, ident_of, name, parenthesized};
use super::literal::literal;
use super::name::{object_name, plain_name_list, plain_name_list_opt};
use super::select::{direction, ordering_terms, select};
use TokenKind as T;
use nom::Err;

/// What follows `CREATE [TEMP] TABLE`.
pub(super) fn create_table(i: Tokens<'_>, temporary: bool) -> Parse<'_, CreateTable> {
    let (i, if_not_exists) = if_not_exists(i)?;
    let (i, name) = object_name(i)?;
    let (i, body) = match i.kind() {
        T::As => {
            let (i, query) = select(i.skip())?;
            (i, CreateTableBody::Select(query))
        }
        _ => columns_and_constraints(i.expect(T::LeftParen)?)?,
    };
    let start = name.name.span().start;
    let has_options = match body {
        CreateTableBody::Columns {
            without_rowid,
            strict,
            ..
        } => without_rowid || strict,
        CreateTableBody::Select(_) => false,
    };
    let definition = if has_options {
        i.span_to_next(start)
    } else {
        i.span_since(start)
    };
    Ok((
        i,
        CreateTable {
            temporary,
            if_not_exists,
            name,
            body,
            definition,
        },
    ))
}

/// `IF NOT EXISTS` or nothing.
pub(super) fn if_not_exists(i: Tokens<'_>) -> Parse<'_, bool> {
    if i.kind() != T::If {
        return Ok((i, false));
    }
    Ok((i.skip().expect(T::Not)?.expect(T::Exists)?, true))
}

fn columns_and_constraints(i: Tokens<'_>) -> Parse<'_, CreateTableBody> {
    let (mut i, first) = column_def(i)?;
    let mut columns = vec![first];
    let mut constraints = Vec::new();
    while i.kind() == T::Comma {
        i = i.skip();
        if starts_table_constraint(i.kind()) {
            (i, constraints) = table_constraints(i)?;
            break;
        }
        let (rest, column) = column_def(i)?;
        columns.push(column);
        i = rest;
    }
    let (i, (without_rowid, strict)) = table_options(i.expect(T::RightParen)?)?;
    Ok((
        i,
        CreateTableBody::Columns {
            columns,
            constraints,
            without_rowid,
            strict,
        },
    ))
}

/// `WITHOUT ROWID` and `STRICT`, with commas between; a comma may also stand in front.
fn table_options(mut i: Tokens<'_>) -> Parse<'_, (bool, bool)> {
    let (mut without_rowid, mut strict) = (false, false);
    if matches!(i.kind(), T::Semicolon | T::End) {
        return Ok((i, (false, false)));
    }
    if i.kind() == T::Comma {
        i = i.skip();
    }
    loop {
        let (rest, negated) = i.accept(T::Without);
        let (rest, option) = name(rest)?;
        match (negated, option.text.to_ascii_lowercase().as_str()) {
            (true, "rowid") => without_rowid = true,
            (false, "strict") => strict = true,
            _ => {
                let written = String::from_utf8_lossy(option.span().of(i.cx.sql)).into_owned();
                rest.object(format!("unknown table option: {written}"), None);
            }
        }
        let (rest, more) = rest.accept(T::Comma);
        i = rest;
        if !more {
            return Ok((i, (without_rowid, strict)));
        }
    }
}

/// A column's name, type and constraints.
pub(super) fn column_def(i: Tokens<'_>) -> Parse<'_, ColumnDef> {
    let (i, name) = name(i)?;
    let (i, written) = type_name(i)?;
    let type_name = without_generated(i, written);
    let (i, constraints) = column_constraints(i)?;
    let span = i.span_since(name.span().start);
    Ok((
        i,
        ColumnDef {
            name,
            type_name,
            constraints,
            span,
        },
    ))
}

/// A type: words, then up to two numbers in parentheses; may be empty.
pub(super) fn type_name(i: Tokens<'_>) -> Parse<'_, TypeName> {
    let start = i.head().start;
    if !i.kind().is_alias() {
        return Ok((
            i,
            TypeName {
                text: "".into(),
                span: Span::new(start, start),
            },
        ));
    }
    let mut i = i;
    while i.kind().is_alias() {
        i = i.skip();
    }
    if i.kind() == T::LeftParen {
        i = signed_number(i.skip())?;
        if i.kind() == T::Comma {
            i = signed_number(i.skip())?;
        }
        i = i.expect(T::RightParen)?;
    }
    let span = i.span_since(start);
    Ok((
        i,
        TypeName {
            text: i.text_lossy(span),
            span,
        },
    ))
}

fn signed_number(i: Tokens<'_>) -> Result<Tokens<'_>, Err<Fault>> {
    let i = if matches!(i.kind(), T::Plus | T::Minus) {
        i.skip()
    } else {
        i
    };
    if matches!(i.kind(), T::Integer | T::Float) {
        Ok(i.skip())
    } else {
        i.unexpected()
    }
}

/// The words `GENERATED ALWAYS` are names to the grammar and land in the type; they are cut off its end, as SQLite does.
fn without_generated(i: Tokens<'_>, written: TypeName) -> Option<TypeName> {
    const LENGTH_MIN: usize = 16;
    let text = written.span.of(i.cx.sql);
    let ends_with = |text: &[u8], word: &[u8]| {
        text.len()
            .checked_sub(word.len())
            .is_some_and(|at| text[at..].eq_ignore_ascii_case(word))
    };
    let cut = |text: &[u8], word: &[u8]| {
        let rest = &text[..text.len() - word.len()];
        rest.len() - rest.iter().rev().take_while(|&&byte| is_space(byte)).count()
    };
    let mut length = text.len();
    if length >= LENGTH_MIN && ends_with(text, b"always") {
        length = cut(text, b"always");
        if ends_with(&text[..length], b"generated") {
            length = cut(&text[..length], b"generated");
        }
    }
    match length {
        0 => None,
        _ if length == text.len() => Some(written),
        _ => {
            let span = Span::new(written.span.start, written.span.start + length as u32);
            Some(TypeName {
                text: i.text_lossy(span),
                span,
            })
        }
    }
}

fn column_constraints(mut i: Tokens<'_>) -> Parse<'_, Vec<ColumnConstraint>> {
    let mut constraints = Vec::new();
    // A name holds for all constraints up to the next name.
    let mut current: Option<Ident> = None;
    loop {
        let start = i.head().start;
        if i.kind() == T::Constraint {
            let (rest, constraint_name) = name(i.skip())?;
            i = rest;
            if !starts_column_constraint(i) {
                let span = i.span_since(start);
                let kind = ColumnConstraintKind::Nothing;
                constraints.push(ColumnConstraint {
                    name: Some(constraint_name),
                    kind,
                    span,
                });
                current = None;
                continue;
            }
            current = Some(constraint_name);
        }
        let (rest, kind) = column_constraint(i)?;
        let Some(kind) = kind else {
            return Ok((i, constraints));
        };
        i = rest;
        constraints.push(ColumnConstraint {
            name: current.clone(),
            kind,
            span: i.span_since(start),
        });
    }
}

fn starts_column_constraint(i: Tokens<'_>) -> bool {
    matches!(
        i.kind(),
        T::Default
            | T::Null
            | T::Not
            | T::Primary
            | T::Unique
            | T::Check
            | T::References
            | T::Deferrable
            | T::Collate
            | T::Generated
            | T::As
    )
}

fn column_constraint(i: Tokens<'_>) -> Parse<'_, Option<ColumnConstraintKind>> {
    use ColumnConstraintKind as K;
    let kind = i.kind();
    let i = if starts_column_constraint(i) {
        i.skip()
    } else {
        return Ok((i, None));
    };
    let (i, made) = match kind {
        T::Default => default_value(i).map(|(i, value)| (i, K::Default(value)))?,
        T::Null => on_conflict(i).map(|(i, action)| (i, K::Null(action)))?,
        T::Not if i.kind() == T::Deferrable => {
            deferrable(i.skip(), true).map(|(i, d)| (i, K::Deferrable(d)))?
        }
        T::Not => on_conflict(i.expect(T::Null)?).map(|(i, action)| (i, K::NotNull(action)))?,
        T::Deferrable => deferrable(i, false).map(|(i, d)| (i, K::Deferrable(d)))?,
        T::Primary => primary_key(i.expect(T::Key)?)?,
        T::Unique => on_conflict(i).map(|(i, action)| (i, K::Unique(action)))?,
        T::Check => check_condition(i).map(|(i, check)| (i, K::Check(check)))?,
        T::References => foreign_key(i).map(|(i, references)| (i, K::References(references)))?,
        T::Collate => alias_name(i).map(|(i, collation)| (i, K::Collate(collation)))?,
        T::Generated => generated(i.expect(T::Always)?.expect(T::As)?)?,
        _ => generated(i)?,
    };
    Ok((i, Some(made)))
}

fn primary_key(i: Tokens<'_>) -> Parse<'_, ColumnConstraintKind> {
    let (i, direction) = direction(i);
    let (i, on_conflict) = on_conflict(i)?;
    let (i, autoincrement) = i.accept(T::Autoincrement);
    Ok((
        i,
        ColumnConstraintKind::PrimaryKey {
            direction,
            on_conflict,
            autoincrement,
        },
    ))
}

fn generated(i: Tokens<'_>) -> Parse<'_, ColumnConstraintKind> {
    let (i, expr) = parenthesized(expr)(i)?;
    if !i.kind().is_fallback() {
        return Ok((i, ColumnConstraintKind::Generated { expr, storage: None }));
    }
    let storage = Some(ident_of(i, i.head()));
    Ok((i.skip(), ColumnConstraintKind::Generated { expr, storage }))
}

/// `ON CONFLICT action` or nothing.
pub(super) fn on_conflict(i: Tokens<'_>) -> Parse<'_, Option<ConflictAction>> {
    after(T::On, |i: Tokens<'_>| conflict_action(i.expect(T::Conflict)?))(i)
}

/// `(expr)` of `CHECK`.
fn check_condition(i: Tokens<'_>) -> Parse<'_, Check> {
    let open = i.head().end;
    let (i, expr) = expr(i.expect(T::LeftParen)?)?;
    let text_span = i.trimmed(Span::new(open, i.head().start));
    let i = i.expect(T::RightParen)?;
    let text = i.text_lossy(text_span).into();
    Ok((
        i,
        Check {
            expr,
            text,
            text_span,
            on_conflict: None,
        },
    ))
}

/// What follows `DEFAULT`: a constant, a signed constant, a word, or any expression in parentheses.
fn default_value(i: Tokens<'_>) -> Parse<'_, DefaultValue> {
    let first = i.head();
    if first.kind == T::LeftParen {
        let (i, expr) = expr(i.skip())?;
        let text_span = i.trimmed(Span::new(first.end, i.head().start));
        let i = i.expect(T::RightParen)?;
        let text = i.text_lossy(text_span).into();
        return Ok((
            i,
            DefaultValue {
                expr,
                text,
                text_span,
                parenthesized: true,
            },
        ));
    }
    let (i, sign) = match first.kind {
        T::Minus => (i.skip(), Some(UnaryOp::Negate)),
        T::Plus => (i.skip(), Some(UnaryOp::Plus)),
        _ => (i, None),
    };
    let (i, mut value) = default_term(i, sign.is_none())?;
    let text_span = i.span_since(first.start);
    if let Some(op) = sign {
        value = Expr::new(
            ExprKind::Unary {
                op,
                operand: Box::new(value),
            },
            text_span,
        );
    }
    let text = i.text_lossy(text_span).into();
    Ok((
        i,
        DefaultValue {
            expr: value,
            text,
            text_span,
            parenthesized: false,
        },
    ))
}

/// A constant, or where allowed a word, which stands for itself as text unless it is `true` or `false`.
fn default_term(i: Tokens<'_>, word_allowed: bool) -> Parse<'_, Expr> {
    let token = i.head();
    if let Some(constant) = literal(i, token)? {
        return Ok((i.skip(), Expr::new(ExprKind::Literal(constant), token.span())));
    }
    if !word_allowed || !token.kind.is_word() {
        return i.unexpected();
    }
    let ident = ident_of(i, token);
    if !ident.is_quoted() && (ident.is("true") || ident.is("false")) {
        return Ok((i.skip(), word(ident)));
    }
    let text = Literal::String(ident.text.as_bytes().into());
    Ok((i.skip(), Expr::new(ExprKind::Literal(text), token.span())))
}

/// What follows `REFERENCES`.
fn foreign_key(i: Tokens<'_>) -> Parse<'_, ForeignKey> {
    let (i, table) = name(i)?;
    let (mut i, columns) = plain_name_list_opt(i)?;
    let mut key = ForeignKey {
        table,
        columns,
        on_delete: None,
        on_update: None,
        match_name: None,
    };
    loop {
        match i.kind() {
            T::Match => {
                let (rest, word) = name(i.skip())?;
                key.match_name = Some(word);
                i = rest;
            }
            T::On => i = reference_action(i.skip(), &mut key)?,
            _ => return Ok((i, key)),
        }
    }
}

/// `DELETE action` and the like; `INSERT` is taken and has no effect.
fn reference_action<'a>(i: Tokens<'a>, key: &mut ForeignKey) -> Result<Tokens<'a>, Err<Fault>> {
    let event = i.kind();
    if !matches!(event, T::Insert | T::Delete | T::Update) {
        return i.unexpected();
    }
    let i = i.skip();
    let (i, action) = match i.kind() {
        T::Set => match i.skip().kind() {
            T::Null => (i.skip().skip(), ReferenceAction::SetNull),
            T::Default => (i.skip().skip(), ReferenceAction::SetDefault),
            _ => return i.skip().unexpected(),
        },
        T::Cascade => (i.skip(), ReferenceAction::Cascade),
        T::Restrict => (i.skip(), ReferenceAction::Restrict),
        T::No => (i.skip().expect(T::Action)?, ReferenceAction::NoAction),
        _ => return i.unexpected(),
    };
    match event {
        T::Delete => key.on_delete = Some(action),
        T::Update => key.on_update = Some(action),
        _ => {}
    }
    Ok(i)
}

/// What follows `[NOT] DEFERRABLE`.
fn deferrable(i: Tokens<'_>, negated: bool) -> Parse<'_, Deferrable> {
    let (i, initially_deferred) = after(T::Initially, |i: Tokens<'_>| match i.kind() {
        T::Deferred => Ok((i.skip(), true)),
        T::Immediate => Ok((i.skip(), false)),
        _ => i.unexpected(),
    })(i)?;
    Ok((
        i,
        Deferrable {
            negated,
            initially_deferred,
        },
    ))
}

fn starts_table_constraint(kind: TokenKind) -> bool {
    matches!(
        kind,
        T::Constraint | T::Primary | T::Unique | T::Check | T::Foreign
    )
}

/// The constraints of a table; the commas between them may be left out.
fn table_constraints(mut i: Tokens<'_>) -> Parse<'_, Vec<TableConstraint>> {
    let mut constraints = Vec::new();
    let mut current: Option<Ident> = None;
    loop {
        let start = i.head().start;
        if i.kind() == T::Constraint {
            let (rest, constraint_name) = name(i.skip())?;
            i = rest;
            current = Some(constraint_name);
            if !starts_table_constraint(i.kind()) || i.kind() == T::Constraint {
                let span = i.span_since(start);
                constraints.push(TableConstraint {
                    name: current.take(),
                    kind: TableConstraintKind::Nothing,
                    span,
                });
            }
        }
        if starts_table_constraint(i.kind()) && i.kind() != T::Constraint {
            let (rest, kind) = table_constraint(i)?;
            i = rest;
            constraints.push(TableConstraint {
                name: current.clone(),
                kind,
                span: i.span_since(start),
            });
        }
        match i.kind() {
            T::Comma => {
                i = i.skip();
                current = None;
                if !starts_table_constraint(i.kind()) {
                    return i.unexpected();
                }
            }
            kind if starts_table_constraint(kind) => {}
            _ => return Ok((i, constraints)),
        }
    }
}

/// One constraint without its name.
pub(super) fn table_constraint(i: Tokens<'_>) -> Parse<'_, TableConstraintKind> {
    use TableConstraintKind as K;
    let kind = i.kind();
    let i = i.skip();
    match kind {
        T::Primary => {
            let i = i.expect(T::Key)?.expect(T::LeftParen)?;
            let (i, columns) = ordering_terms(i)?;
            let (i, autoincrement) = i.accept(T::Autoincrement);
            let (i, on_conflict) = on_conflict(i.expect(T::RightParen)?)?;
            check_nulls(i, &columns);
            Ok((
                i,
                K::PrimaryKey {
                    columns,
                    autoincrement,
                    on_conflict,
                },
            ))
        }
        T::Unique => {
            let (i, columns) = parenthesized(ordering_terms)(i)?;
            let (i, on_conflict) = on_conflict(i)?;
            check_nulls(i, &columns);
            Ok((i, K::Unique { columns, on_conflict }))
        }
        T::Check => {
            let (i, mut check) = check_condition(i)?;
            let (i, on_conflict) = on_conflict(i)?;
            check.on_conflict = on_conflict;
            Ok((i, K::Check(check)))
        }
        _ => {
            let (i, columns) = plain_name_list(i.expect(T::Key)?)?;
            let (i, references) = foreign_key(i.expect(T::References)?)?;
            let (i, deferrable) = match i.kind() {
                T::Not => deferrable(i.skip().expect(T::Deferrable)?, true).map(|(i, d)| (i, Some(d)))?,
                T::Deferrable => deferrable(i.skip(), false).map(|(i, d)| (i, Some(d)))?,
                _ => (i, None),
            };
            Ok((
                i,
                K::ForeignKey {
                    columns,
                    references,
                    deferrable,
                },
            ))
        }
    }
}
