//! Checking JSONB to the bottom.

use super::jsonb::{DEPTH_MAX, Element, Kind};
use super::text::unescape;

/// The place of the first thing that is wrong, counted from 1 in bytes; `None` for well-formed JSONB.
pub(super) fn first_error(blob: &[u8]) -> Option<usize> {
    let root = match Element::at(blob, 0) {
        Some(root) if root.end == blob.len() => root,
        _ => return Some(1),
    };
    let mut open = Vec::new();
    if let Some(error) = check(blob, root, 1, &mut open) {
        return Some(error);
    }
    while let Some(container) = open.last_mut() {
        let (at, end) = (container.next, container.end);
        if at >= end {
            if container.is_object && container.count % 2 == 1 {
                return Some(at + 1);
            }
            open.pop();
            continue;
        }
        let is_label = container.is_object && container.count % 2 == 0;
        let element = match Element::at(blob, at) {
            Some(element) if element.end <= end && (!is_label || element.kind.is_text()) => element,
            _ => return Some(at + 1),
        };
        container.next = element.end;
        container.count += 1;
        let depth = open.len() + 1;
        if let Some(error) = check(blob, element, depth, &mut open) {
            return Some(error);
        }
    }
    None
}

struct Open {
    is_object: bool,
    next: usize,
    end: usize,
    count: usize,
}

/// Checks one element; the elements in it are left to the caller.
fn check(blob: &[u8], element: Element, depth: usize, open: &mut Vec<Open>) -> Option<usize> {
    let at = element.start + 1;
    if depth > DEPTH_MAX {
        return Some(at);
    }
    let bytes = element.bytes(blob);
    let inside = |offset: usize| element.payload + offset + 1;
    match element.kind {
        Kind::Null | Kind::True | Kind::False => (element.end - element.start != 1).then_some(at),
        Kind::Integer => {
            let digits = usize::from(bytes.first() == Some(&b'-'));
            if bytes.len() <= digits {
                return Some(at);
            }
            bytes[digits..]
                .iter()
                .position(|b| !b.is_ascii_digit())
                .map(|wrong| inside(digits + wrong))
        }
        Kind::Integer5 => hexadecimal_error(bytes).map(|wrong| wrong.map_or(at, inside)),
        Kind::Real | Kind::Real5 => {
            real_error(bytes, element.kind == Kind::Real5).map(|wrong| wrong.map_or(at, inside))
        }
        Kind::Text => bytes.iter().position(|b| !is_string_byte(*b)).map(inside),
        Kind::TextEscaped | Kind::Text5 => string_error(bytes, element.kind == Kind::Text5).map(inside),
        Kind::TextRaw => None,
        Kind::Array | Kind::Object => {
            open.push(Open {
                is_object: element.kind == Kind::Object,
                next: element.payload,
                end: element.end,
                count: 0,
            });
            None
        }
    }
}

fn is_string_byte(byte: u8) -> bool {
    super::parse::is_plain(byte) || byte == b'\''
}

/// `Some(None)`: the number as a whole is wrong; `Some(Some(n))`: its byte n is.
type NumberError = Option<Option<usize>>;

fn hexadecimal_error(bytes: &[u8]) -> NumberError {
    let sign = usize::from(bytes.first() == Some(&b'-'));
    if bytes.len() < sign + 3 || bytes[sign] != b'0' {
        return Some(None);
    }
    if !matches!(bytes[sign + 1], b'x' | b'X') {
        return Some(Some(sign + 1));
    }
    let wrong = bytes[sign + 2..].iter().position(|b| !b.is_ascii_hexdigit());
    wrong.map(|wrong| Some(sign + 2 + wrong))
}

fn real_error(bytes: &[u8], json5: bool) -> NumberError {
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    if bytes.len() < at + 2 {
        return Some(None);
    }
    let (mut point, mut exponent) = (false, false);
    if bytes[at] == b'.' {
        if !json5 || !digit(at + 1) {
            return Some(Some(at));
        }
        at += 2;
        point = true;
    } else if bytes[at] == b'0' && !json5 {
        if at + 3 > bytes.len() || !matches!(bytes[at + 1], b'.' | b'e' | b'E') {
            return Some(Some(at));
        }
        at += 1;
    }
    while at < bytes.len() {
        let last = at + 1 == bytes.len();
        match bytes[at] {
            b'0'..=b'9' => {}
            b'.' if !point && !exponent && (json5 || digit(at + 1)) => point = true,
            b'e' | b'E' if !exponent && !last => {
                if matches!(bytes[at + 1], b'+' | b'-') {
                    at += 1;
                    if at + 1 == bytes.len() {
                        return Some(Some(at));
                    }
                }
                exponent = true;
            }
            _ => return Some(Some(at)),
        }
        at += 1;
    }
    (!point && !exponent).then_some(None)
}

fn string_error(bytes: &[u8], json5: bool) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'\\' {
            match escape_length(&bytes[at..], json5) {
                Some(length) => at += length,
                None => return Some(at),
            }
            continue;
        }
        if !is_string_byte(byte) && !json5 {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// Length of the escape at the start; `None` when it is none.
fn escape_length(bytes: &[u8], json5: bool) -> Option<usize> {
    match *bytes.get(1)? {
        // A NUL passes too, as it does in SQLite, which looks it up in a C string.
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | 0 => Some(2),
        b'u' => {
            let digits = bytes.get(2..6)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(2)
        }
        _ if json5 => {
            let (decoded, length) = unescape(bytes);
            decoded.map(|_| length)
        }
        _ => None,
    }
}
