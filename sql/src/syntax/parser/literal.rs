//! Constants and parameters: what a single token means.

use super::super::ast::Literal;
use super::super::token::{Token, TokenKind};
use super::input::{Fault, Tokens, unquoted_bytes};
use ecow::EcoString;
use nom::Err;
use std::borrow::Cow;

/// The constant that a token spells, if it is one.
pub(super) fn literal(i: Tokens<'_>, token: Token) -> Result<Option<Literal>, Err<Fault>> {
    use TokenKind as T;
    Ok(Some(match token.kind {
        T::Integer => integer(i.text(token)),
        T::Float => Literal::Number(i.text_lossy(token.span())),
        T::SeparatedNumber => separated_number(i, token)?,
        T::String => Literal::String(unquoted_bytes(i.text(token)).into()),
        T::Blob => Literal::Blob(blob(i.text(token))),
        T::Null => Literal::Null,
        T::CurrentDate => Literal::CurrentDate,
        T::CurrentTime => Literal::CurrentTime,
        T::CurrentTimestamp => Literal::CurrentTimestamp,
        _ => return Ok(None),
    }))
}

/// Digits, decimal or hexadecimal, without separators.
#[inline]
pub(super) fn integer(text: &[u8]) -> Literal {
    let mut value = 0;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 || value > i64::MAX / 10 - 1 {
            return unusual_integer(text);
        }
        value = value * 10 + i64::from(digit);
    }
    Literal::Integer(value)
}

/// As [`integer`], for one that is hexadecimal or takes nearly 64 bits, or more.
#[inline(never)]
fn unusual_integer(text: &[u8]) -> Literal {
    let text = std::str::from_utf8(text).unwrap_or("0");
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return match u64::from_str_radix(digits, 16) {
            Ok(bits) => Literal::Hex(bits),
            Err(_) => Literal::Number(text.into()),
        };
    }
    text.parse()
        .map_or_else(|_| Literal::Number(text.into()), Literal::Integer)
}

/// A number with separators; each must stand between two digits.
fn separated_number(i: Tokens<'_>, token: Token) -> Result<Literal, Err<Fault>> {
    let text = i.text(token);
    let is_hex = matches!(text, [b'0', b'x' | b'X', ..]);
    let is_digit = |byte: Option<&u8>| {
        byte.is_some_and(|b| {
            if is_hex {
                b.is_ascii_hexdigit()
            } else {
                b.is_ascii_digit()
            }
        })
    };
    for at in memchr::memchr_iter(b'_', text) {
        let before = at.checked_sub(1).and_then(|b| text.get(b));
        if !is_digit(before) || !is_digit(text.get(at + 1)) {
            let text = String::from_utf8_lossy(text);
            i.skip().object(format!("unrecognized token: \"{text}\""), None);
        }
    }
    let digits: Vec<u8> = text.iter().copied().filter(|&byte| byte != b'_').collect();
    if !is_hex && digits.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) {
        return Ok(Literal::Number(String::from_utf8_lossy(&digits).into()));
    }
    Ok(integer(&digits))
}

/// `x'..'`, of which the lexer has checked the digits.
fn blob(text: &[u8]) -> Box<[u8]> {
    let digits = text.get(2..text.len().saturating_sub(1)).unwrap_or_default();
    let nibble = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
    digits
        .chunks_exact(2)
        .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]))
        .collect()
}

/// Numbers a parameter as it is met.
pub(super) fn parameter(i: Tokens<'_>, token: Token) -> Result<u32, Err<Fault>> {
    let text = i.text(token);
    match text {
        [b'#', digit, ..] if digit.is_ascii_digit() => {
            let text = String::from_utf8_lossy(text);
            i.skip()
                .object(format!("near \"{text}\": syntax error"), Some(token.start));
            Ok(1)
        }
        [b'?'] => next_parameter(i, token),
        [b'?', ..] => numbered_parameter(i, token),
        _ => named_parameter(i, token, String::from_utf8_lossy(text)),
    }
}

fn next_parameter(i: Tokens<'_>, token: Token) -> Result<u32, Err<Fault>> {
    let most = i.cx.limits.parameter_max;
    let parameters = &mut i.cx.parameters.borrow_mut().parameters;
    if parameters.count >= most {
        i.skip().object("too many SQL variables", Some(token.start));
        return Ok(most);
    }
    parameters.count += 1;
    Ok(parameters.count)
}

fn numbered_parameter(i: Tokens<'_>, token: Token) -> Result<u32, Err<Fault>> {
    let most = i.cx.limits.parameter_max;
    let number = match i.text(token) {
        [_, digit @ b'1'..=b'9'] => Some(u32::from(digit - b'0')),
        _ => large_number(i, token),
    };
    let Some(number) = number.filter(|number| (1..=most).contains(number)) else {
        let message = format!("variable number must be between ?1 and ?{most}");
        i.skip().object(message, Some(token.start));
        return Ok(most);
    };
    let list = &mut *i.cx.parameters.borrow_mut();
    let is_new = number > list.parameters.count;
    list.parameters.count = list.parameters.count.max(number);
    if is_new || !list.has_name(number) {
        list.add_name(EcoString::from(i.cx.str_of(token.span())), number);
    }
    Ok(number)
}

/// The number after a sign, of more than one digit.
#[inline(never)]
fn large_number(i: Tokens<'_>, token: Token) -> Option<u32> {
    let text = i.cx.str_of(token.span());
    text.get(1..)?.parse().ok()
}

fn named_parameter(i: Tokens<'_>, token: Token, name: Cow<'_, str>) -> Result<u32, Err<Fault>> {
    if let Some(number) = i.cx.parameters.borrow().find(&name) {
        return Ok(number);
    }
    let number = next_parameter(i, token)?;
    i.cx.parameters
        .borrow_mut()
        .add_name(EcoString::from(&*name), number);
    Ok(number)
}
