//! Names of objects, and lists of columns.

use super::super::ast::{Ident, Indexed, ObjectName};
use super::super::token::TokenKind as T;
use super::input::{Parse, Rest, Tokens, after, alias_name, comma_list, name, name_into, parenthesized};

/// `name` or `schema.name`.
pub(super) fn object_name(i: Tokens<'_>) -> Parse<'_, ObjectName> {
    let (i, first) = name(i)?;
    let (i, second) = after(T::Dot, name)(i)?;
    Ok((
        i,
        match second {
            Some(name) => ObjectName {
                schema: Some(first),
                name,
            },
            None => ObjectName {
                schema: None,
                name: first,
            },
        },
    ))
}

/// As [`object_name`], into a place where an empty name stands.
pub(super) fn object_name_into<'a>(i: Tokens<'a>, place: &mut ObjectName) -> Rest<'a> {
    let i = name_into(i, &mut place.name)?;
    if i.kind() != T::Dot {
        return Ok(i);
    }
    let (i, own) = name(i.skip())?;
    place.schema = Some(std::mem::replace(&mut place.name, own));
    Ok(i)
}

/// `AS alias`, or an alias alone where one fits; into a place where none stands.
pub(super) fn alias_into<'a>(i: Tokens<'a>, place: &mut Option<Ident>) -> Rest<'a> {
    if i.kind() != T::As && !i.kind().is_alias() {
        return Ok(i);
    }
    let (i, found) = alias(i)?;
    *place = found;
    Ok(i)
}

/// `AS alias`, or an alias alone where one fits.
pub(super) fn alias(i: Tokens<'_>) -> Parse<'_, Option<Ident>> {
    if i.kind().is_alias() {
        return alias_name(i).map(|(i, alias)| (i, Some(alias)));
    }
    after(T::As, name)(i)
}

/// `INDEXED BY name`, `NOT INDEXED` or neither.
pub(super) fn indexed(i: Tokens<'_>) -> Parse<'_, Option<Indexed>> {
    match i.kind() {
        T::Indexed => {
            let (i, index) = name(i.skip().expect(T::By)?)?;
            Ok((i, Some(Indexed::By(index))))
        }
        T::Not => Ok((i.skip().expect(T::Indexed)?, Some(Indexed::Not))),
        _ => Ok((i, None)),
    }
}

/// `(a, b, ...)`.
pub(super) fn name_list(i: Tokens<'_>) -> Parse<'_, Vec<Ident>> {
    parenthesized(comma_list(name))(i)
}

/// `(a, b, ...)` or nothing.
pub(super) fn name_list_opt(i: Tokens<'_>) -> Parse<'_, Vec<Ident>> {
    if i.kind() == T::LeftParen {
        name_list(i)
    } else {
        Ok((i, Vec::new()))
    }
}

/// `(a, b, ...)` where the grammar takes a collation and a direction after each name, and SQLite then refuses them.
pub(super) fn plain_name_list(i: Tokens<'_>) -> Parse<'_, Vec<Ident>> {
    parenthesized(comma_list(plain_name))(i)
}

/// The same, or nothing.
pub(super) fn plain_name_list_opt(i: Tokens<'_>) -> Parse<'_, Vec<Ident>> {
    if i.kind() == T::LeftParen {
        plain_name_list(i)
    } else {
        Ok((i, Vec::new()))
    }
}

fn plain_name(i: Tokens<'_>) -> Parse<'_, Ident> {
    let (i, column) = name(i)?;
    let (i, collation) = after(T::Collate, alias_name)(i)?;
    let (i, directed) = if matches!(i.kind(), T::Asc | T::Desc) {
        (i.skip(), true)
    } else {
        (i, false)
    };
    if collation.is_some() || directed {
        let written = String::from_utf8_lossy(column.span().of(i.cx.sql)).into_owned();
        i.object(format!("syntax error after column name \"{written}\""), None);
    }
    Ok((i, column))
}
