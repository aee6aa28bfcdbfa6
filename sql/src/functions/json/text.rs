//! JSONB to text: JSON, indented JSON, and the characters of a string.

use super::jsonb::{DEPTH_MAX, Element, Kind};
use super::parse::{is_line_separator, is_plain};
use crate::error::{Error, Result};
use crate::functions::printf::write_json_escapes;
use crate::value::{decimal, utf8};

/// The error for JSON that cannot be read.
pub(super) fn malformed() -> Error {
    Error::sql("malformed JSON")
}

fn too_deep() -> Error {
    Error::sql("JSON nested too deep")
}

struct Open {
    is_object: bool,
    end: usize,
    count: usize,
}

/// Appends the JSON of the element at `at`, without white space. Returns the place after the element.
pub(super) fn render(blob: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize> {
    render_below(blob, at, 0, out)
}

/// As [`render`], for an element that is already inside of `depth` others.
fn render_below(blob: &[u8], at: usize, depth: usize, out: &mut Vec<u8>) -> Result<usize> {
    let mut open: Vec<Open> = Vec::new();
    let mut at = at;
    loop {
        let element = Element::at(blob, at).ok_or_else(malformed)?;
        if element.kind.is_container() {
            let is_object = element.kind == Kind::Object;
            out.push(if is_object { b'{' } else { b'[' });
            open.push(Open {
                is_object,
                end: element.end,
                count: 0,
            });
            if depth + open.len() > DEPTH_MAX {
                return Err(too_deep());
            }
            at = element.payload;
        } else {
            render_scalar(blob, element, out)?;
            // The three words have no payload, whatever their header says.
            let bare = matches!(element.kind, Kind::Null | Kind::True | Kind::False);
            at = if bare { element.start + 1 } else { element.end };
            if let Some(parent) = open.last_mut() {
                parent.count += 1;
            }
        }
        loop {
            let Some(container) = open.last_mut() else {
                return Ok(at);
            };
            if at < container.end {
                if container.count > 0 {
                    out.push(if container.is_object && container.count % 2 == 1 {
                        b':'
                    } else {
                        b','
                    });
                }
                break;
            }
            if at > container.end || (container.is_object && container.count % 2 == 1) {
                return Err(malformed());
            }
            out.push(if container.is_object { b'}' } else { b']' });
            open.pop();
            if let Some(parent) = open.last_mut() {
                parent.count += 1;
            }
        }
    }
}

fn render_scalar(blob: &[u8], element: Element, out: &mut Vec<u8>) -> Result<()> {
    let bytes = element.bytes(blob);
    match element.kind {
        Kind::Null | Kind::True | Kind::False => out.extend_from_slice(element.kind.name().as_bytes()),
        Kind::Integer | Kind::Real if bytes.is_empty() => return Err(malformed()),
        Kind::Integer | Kind::Real => out.extend_from_slice(bytes),
        Kind::Integer5 => render_hexadecimal(bytes, out)?,
        Kind::Real5 => render_json5_real(bytes, out)?,
        Kind::Text | Kind::TextEscaped => {
            out.push(b'"');
            out.extend_from_slice(bytes);
            out.push(b'"');
        }
        Kind::Text5 => {
            out.push(b'"');
            render_json5_text(bytes, out)?;
            out.push(b'"');
        }
        Kind::TextRaw => push_string(bytes, out),
        Kind::Array | Kind::Object => {}
    }
    Ok(())
}

/// Appends a JSON string of characters that are not escaped yet.
pub(super) fn push_string(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    write_json_escapes(text, out);
    out.push(b'"');
}

fn render_hexadecimal(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut digits = 2;
    match bytes.first() {
        None => return Err(malformed()),
        Some(b'-') => {
            out.push(b'-');
            digits = 3;
        }
        Some(b'+') => digits = 3,
        Some(_) => {}
    }
    let mut value = Some(0u64);
    for &byte in bytes.get(digits..).unwrap_or_default() {
        let digit = (byte as char).to_digit(16).ok_or_else(malformed)?;
        value = value.filter(|v| v >> 60 == 0).map(|v| v << 4 | u64::from(digit));
    }
    match value {
        Some(value) => decimal::write_unsigned(value, out),
        None => out.extend_from_slice(b"9.0e999"),
    }
    Ok(())
}

/// Adds the zeros that JSON wants around a point.
fn render_json5_real(bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let digits = match bytes {
        [] | [b'-'] => return Err(malformed()),
        [b'-', rest @ ..] => {
            out.push(b'-');
            rest
        }
        _ => bytes,
    };
    if digits[0] == b'.' {
        out.push(b'0');
    }
    for (at, &byte) in digits.iter().enumerate() {
        out.push(byte);
        if byte == b'.' && !digits.get(at + 1).is_some_and(u8::is_ascii_digit) {
            out.push(b'0');
        }
    }
    Ok(())
}

/// JSON5's escapes as JSON's.
fn render_json5_text(mut rest: &[u8], out: &mut Vec<u8>) -> Result<()> {
    while let Some(&first) = rest.first() {
        let plain = rest
            .iter()
            .take_while(|byte| is_plain(**byte) || **byte == b'\'')
            .count();
        if plain > 0 {
            out.extend_from_slice(&rest[..plain]);
            rest = &rest[plain..];
            continue;
        }
        if first != b'\\' {
            write_json_escapes(&rest[..1], out);
            rest = &rest[1..];
            continue;
        }
        let length = match rest.get(1) {
            None => return Err(malformed()),
            Some(b'\'') => {
                out.push(b'\'');
                2
            }
            Some(b'v') => {
                out.extend_from_slice(b"\\u000b");
                2
            }
            Some(b'0') => {
                out.extend_from_slice(b"\\u0000");
                2
            }
            Some(b'x') => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(rest.get(2..4).ok_or_else(malformed)?);
                4
            }
            Some(b'\n') => 2,
            Some(b'\r') => 2 + usize::from(rest.get(2) == Some(&b'\n')),
            Some(0xe2) if is_line_separator(&rest[1..]) => 4,
            Some(0xe2) => return Err(malformed()),
            Some(_) => {
                out.extend_from_slice(&rest[..2]);
                2
            }
        };
        rest = &rest[length..];
    }
    Ok(())
}

/// Appends the JSON of a whole blob over several lines, each level behind one more `indent`.
pub(super) fn render_pretty(blob: &[u8], indent: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    let new_line = |depth: usize, out: &mut Vec<u8>| {
        out.push(b'\n');
        (0..depth).for_each(|_| out.extend_from_slice(indent));
    };
    loop {
        let element = Element::at(blob, at).ok_or_else(malformed)?;
        let is_label = open
            .last()
            .is_some_and(|parent| parent.is_object && parent.count % 2 == 0);
        let opens = element.kind.is_container() && element.payload < element.end && !is_label;
        if opens {
            let is_object = element.kind == Kind::Object;
            out.push(if is_object { b'{' } else { b'[' });
            open.push(Open {
                is_object,
                end: element.end,
                count: 0,
            });
            if open.len() >= DEPTH_MAX {
                return Err(too_deep());
            }
            new_line(open.len(), out);
            at = element.payload;
            continue;
        }
        at = render_below(blob, at, open.len(), out)?;
        loop {
            let depth = open.len();
            let Some(container) = open.last_mut() else {
                return Ok(());
            };
            container.count += 1;
            if container.is_object && container.count % 2 == 1 {
                if at > container.end {
                    return Err(malformed());
                }
                out.extend_from_slice(b": ");
                break;
            }
            if at < container.end {
                out.push(b',');
                new_line(depth, out);
                break;
            }
            if at > container.end && !container.is_object {
                return Err(malformed());
            }
            at = container.end;
            new_line(depth - 1, out);
            out.push(if container.is_object { b'}' } else { b']' });
            open.pop();
        }
    }
}

/// Decodes the escape sequence at the start of `text`: its character and its length. `None` for the character when it is no escape.
/// Escaped line ends stand for nothing, so the character behind them counts.
pub(super) fn unescape(text: &[u8]) -> (Option<u32>, usize) {
    let hex = |from: usize, count: usize| {
        let digits = text.get(from..from + count)?;
        Some(
            digits
                .iter()
                .fold(0u32, |value, byte| value << 4 | hex_value(*byte)),
        )
    };
    let Some(&kind) = text.get(1) else {
        return (None, text.len());
    };
    let simple = |byte: u8| (Some(u32::from(byte)), 2);
    match kind {
        b'u' => match hex(2, 4) {
            None => (None, text.len()),
            Some(high) => match text.get(6..8).filter(|_| high & 0xfc00 == 0xd800).and(hex(8, 4)) {
                Some(low) if text[6..8] == *b"\\u" && low & 0xfc00 == 0xdc00 => {
                    (Some(((high & 0x3ff) << 10) + (low & 0x3ff) + 0x1_0000), 12)
                }
                _ => (Some(high), 6),
            },
        },
        b'b' => simple(0x08),
        b'f' => simple(0x0c),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(0x0b),
        b'0' if text.get(2).is_some_and(u8::is_ascii_digit) => (None, 2),
        b'0' => simple(0),
        b'\'' | b'"' | b'/' | b'\\' => simple(kind),
        b'x' => match hex(2, 2) {
            None => (None, text.len()),
            value => (value, 4),
        },
        0xe2 | b'\r' | b'\n' => after_line_ends(text),
        _ => (None, 2),
    }
}

fn after_line_ends(text: &[u8]) -> (Option<u32>, usize) {
    let mut skipped = 0;
    loop {
        skipped += match &text[skipped..] {
            [b'\\', b'\r', b'\n', ..] => 3,
            [b'\\', b'\r' | b'\n', ..] => 2,
            [b'\\', rest @ ..] if is_line_separator(rest) => 4,
            _ => break,
        };
    }
    match text.get(skipped) {
        _ if skipped == 0 => (None, text.len()),
        None => (Some(0), text.len()),
        Some(b'\\') => {
            let (decoded, length) = unescape(&text[skipped..]);
            (decoded, skipped + length)
        }
        Some(_) => {
            let mut at = skipped;
            let character = next_limited(text, &mut at);
            (Some(character), at)
        }
    }
}

/// Reads one character of at most four bytes.
pub(super) fn next_limited(text: &[u8], at: &mut usize) -> u32 {
    let mut inside = 0;
    let limit = text.len().min(*at + 4);
    let character = utf8::next_char(&text[*at..limit], &mut inside);
    *at += inside;
    character
}

fn hex_value(byte: u8) -> u32 {
    (byte as char).to_digit(16).unwrap_or(u32::from(byte & 15))
}

/// Appends the characters of a string with escapes.
pub(super) fn unescape_all(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let (decoded, length) = unescape(&rest[at..]);
        if let Some(character) = decoded {
            utf8::push_char(character, out);
        }
        rest = &rest[at + length..];
    }
    out.extend_from_slice(rest);
}
