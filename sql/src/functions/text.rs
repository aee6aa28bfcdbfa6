//! Core scalar functions over text and blobs.
//!
//! Numbers count as the text that SQL shows of them. Functions that walk characters stop at the first NUL, as SQLite's do, because its
//! strings end there; functions that copy bytes do not.

use super::{FunctionContext, ValueSink};
use crate::error::{Error, Result};
use crate::value::encoding::{TextEncoding, push_encoded};
use crate::value::utf8::{self, next_char, until_nul};
use crate::value::{ValueRef, decimal, number};

type Args<'a, 'b> = &'a [ValueRef<'b>];
type Context<'a, 'b> = &'a mut FunctionContext<'b>;
type Sink<'a> = &'a mut dyn ValueSink;

/// Runs `f` on the bytes of an argument, numbers as text; NULL gives NULL.
pub(super) fn with_bytes(
    value: ValueRef<'_>,
    out: Sink<'_>,
    f: impl FnOnce(&[u8], Sink<'_>) -> Result<()>,
) -> Result<()> {
    match value {
        ValueRef::Null => out.null(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => f(bytes, out)?,
        number => f(&number_text(number), out)?,
    }
    Ok(())
}

fn number_text(number: ValueRef<'_>) -> smallvec::SmallVec<[u8; 32]> {
    let mut text = Vec::with_capacity(32);
    decimal::write_number(number, &mut text);
    smallvec::SmallVec::from_vec(text)
}

pub(super) fn octet_length(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    let wide = cx.environment.encoding.get() != TextEncoding::Utf8 && !matches!(args[0], ValueRef::Blob(_));
    with_bytes(args[0], out, |bytes, out| {
        let length = if wide { utf16_length(bytes) } else { bytes.len() };
        out.integer(length as i64);
        Ok(())
    })
}

fn utf16_length(text: &[u8]) -> usize {
    let (mut at, mut length) = (0, 0);
    while at < text.len() {
        length += if next_char(text, &mut at) > 0xffff { 4 } else { 2 };
    }
    length
}

pub(super) fn instr(_: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    let both_blobs = matches!((args[0], args[1]), (ValueRef::Blob(_), ValueRef::Blob(_)));
    if args[0].is_null() || args[1].is_null() {
        out.null();
        return Ok(());
    }
    with_bytes(args[0], out, |haystack, out| {
        with_bytes(args[1], out, |needle, out| {
            out.integer(position(haystack, needle, both_blobs));
            Ok(())
        })
    })
}

/// The place of `needle`, counted from 1 in bytes or in characters; 0 when it is nowhere. A match inside a character does not count.
fn position(haystack: &[u8], needle: &[u8], in_bytes: bool) -> i64 {
    if needle.is_empty() {
        return 1;
    }
    let inside_character = |at: usize| at > 0 && haystack[at] & 0xc0 == 0x80;
    let mut finds = memchr::memmem::find_iter(haystack, needle);
    if in_bytes {
        return finds.next().map_or(0, |at| at as i64 + 1);
    }
    // Continuation bytes never start a place, so overlapping candidates do not matter unless the needle itself starts with one.
    let found = match needle[0] & 0xc0 == 0x80 {
        false => finds.next(),
        true => (0..haystack.len()).find(|at| !inside_character(*at) && haystack[*at..].starts_with(needle)),
    };
    // A place is the first byte, or any byte that continues no other one.
    found.map_or(0, |at| (0..=at).filter(|i| !inside_character(*i)).count() as i64)
}

pub(super) fn substr(_: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    let count = args.get(2).copied().unwrap_or(ValueRef::Integer(i64::MAX));
    if args[0].is_null() || args[1].is_null() || count.is_null() {
        out.null();
        return Ok(());
    }
    let (from, count) = (number::integer_of(args[1]), number::integer_of(count));
    if let ValueRef::Blob(bytes) = args[0] {
        // SQLite does not tell an empty blob from none here.
        if bytes.is_empty() {
            out.null();
            return Ok(());
        }
        let (skip, take) = resolve_range(from, count, || bytes.len() as i64);
        let start = (skip as usize).min(bytes.len());
        let end = start.saturating_add(take as usize).min(bytes.len());
        out.blob(&bytes[start..end]);
        return Ok(());
    }
    with_bytes(args[0], out, |text, out| {
        let length = || utf8::count_chars(until_nul(text)) as i64;
        let (skip, take) = resolve_range(from, count, length);
        let start = skip_groups(text, 0, skip);
        let end = skip_groups(text, start, take);
        // Whether a NUL ends the text earlier is seen in the part that was passed.
        let end = until_nul(&text[..end]).len();
        out.text(&text[start.min(end)..end]);
        Ok(())
    })
}

/// From the arguments of `substr` to how many characters to skip and to take, both not negative.
fn resolve_range(from: i64, count: i64, length: impl FnOnce() -> i64) -> (i64, i64) {
    let (mut skip, mut take) = (from, count);
    if skip < 0 {
        skip = skip.saturating_add(length());
        if skip < 0 {
            take = if take < 0 { 0 } else { take.saturating_add(skip) };
            skip = 0;
        }
    } else if skip > 0 {
        skip -= 1;
    } else if take > 0 {
        // Place 0 is before the first character and takes one of the count.
        take -= 1;
    }
    if take < 0 {
        take = take.saturating_neg().min(skip);
        skip -= take;
    }
    (skip, take)
}

fn skip_groups(text: &[u8], mut at: usize, count: i64) -> usize {
    let rest = &text[at..];
    let many = usize::try_from(count).unwrap_or(usize::MAX).min(rest.len());
    if count >= 0 && rest[..many].is_ascii() {
        return at + many;
    }
    let mut left = count;
    while left > 0 && at < text.len() {
        at = utf8::skip_group(text, at);
        left -= 1;
    }
    at
}

pub(super) fn lower(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    change_case(cx, args[0], out, <[u8]>::make_ascii_lowercase)
}

pub(super) fn upper(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    change_case(cx, args[0], out, <[u8]>::make_ascii_uppercase)
}

fn change_case(cx: Context<'_, '_>, value: ValueRef<'_>, out: Sink<'_>, change: fn(&mut [u8])) -> Result<()> {
    let scratch = &mut cx.scratch;
    with_bytes(value, out, |text, out| {
        scratch.clear();
        scratch.extend_from_slice(text);
        change(scratch);
        out.text(scratch);
        Ok(())
    })
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

pub(super) fn hex(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    if args[0].is_null() {
        out.text(b"");
        return Ok(());
    }
    // The bytes of a text are those that the file would hold; a number becomes text of eight bits, whatever the file has.
    let encoding = match args[0] {
        ValueRef::Text(_) => cx.environment.encoding.get(),
        _ => TextEncoding::Utf8,
    };
    with_bytes(args[0], out, |bytes, out| {
        let mut encoded = Vec::new();
        let bytes = if encoding == TextEncoding::Utf8 {
            bytes
        } else {
            push_encoded(bytes, encoding, &mut encoded);
            &encoded
        };
        cx.check_length(bytes.len().saturating_mul(2))?;
        cx.scratch.clear();
        push_hex(bytes, &mut cx.scratch);
        out.text(&cx.scratch);
        Ok(())
    })
}

pub(super) fn unhex(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    let ignored = args.get(1).copied().unwrap_or(ValueRef::Text(b""));
    if ignored.is_null() {
        out.null();
        return Ok(());
    }
    with_bytes(args[0], out, |digits, out| {
        with_bytes(ignored, out, |ignored, out| {
            cx.scratch.clear();
            match decode_hex(until_nul(digits), ignored, &mut cx.scratch) {
                Some(()) => out.blob(&cx.scratch),
                None => out.null(),
            }
            Ok(())
        })
    })
}

/// `None` for anything that is neither a pair of digits nor, between pairs, one of the `ignored` characters.
fn decode_hex(text: &[u8], ignored: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let Some(high) = hex_digit(byte) else {
            let other = next_char(text, &mut at);
            contains_char(ignored, other).then_some(())?;
            continue;
        };
        let low = hex_digit(*text.get(at + 1)?)?;
        out.push(high << 4 | low);
        at += 2;
    }
    Some(())
}

fn contains_char(text: &[u8], wanted: u32) -> bool {
    let mut at = 0;
    while at < text.len() {
        if next_char(text, &mut at) == wanted {
            return true;
        }
    }
    false
}

fn hex_digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|d| d as u8)
}

pub(super) fn concat(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    join(cx, args, b"", out)
}

pub(super) fn concat_ws(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    with_bytes(args[0], out, |separator, out| {
        join(cx, &args[1..], separator, out)
    })
}

/// The arguments that are not NULL, with the separator between them.
fn join(cx: Context<'_, '_>, args: Args<'_, '_>, separator: &[u8], out: Sink<'_>) -> Result<()> {
    cx.scratch.clear();
    let mut first = true;
    for &arg in args.iter().filter(|arg| !arg.is_null()) {
        if !first {
            cx.scratch.extend_from_slice(separator);
        }
        first = false;
        match arg {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => cx.scratch.extend_from_slice(bytes),
            number => decimal::write_number(number, &mut cx.scratch),
        }
        cx.check_length(cx.scratch.len())?;
    }
    out.text(&cx.scratch);
    Ok(())
}

pub(super) fn replace(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    if args.iter().take(2).any(ValueRef::is_null) {
        out.null();
        return Ok(());
    }
    with_bytes(args[0], out, |text, out| {
        with_bytes(args[1], out, |pattern, out| {
            if until_nul(pattern).is_empty() {
                out.text(text);
                return Ok(());
            }
            with_bytes(args[2], out, |by, out| replace_all(cx, text, pattern, by, out))
        })
    })
}

fn replace_all(cx: Context<'_, '_>, text: &[u8], pattern: &[u8], by: &[u8], out: Sink<'_>) -> Result<()> {
    cx.scratch.clear();
    let mut copied = 0;
    for at in memchr::memmem::find_iter(text, pattern) {
        cx.scratch.extend_from_slice(&text[copied..at]);
        cx.scratch.extend_from_slice(by);
        copied = at + pattern.len();
        cx.check_length(cx.scratch.len())?;
    }
    cx.scratch.extend_from_slice(&text[copied..]);
    cx.check_length(cx.scratch.len())?;
    out.text(&cx.scratch);
    Ok(())
}

/// Which ends a trim works on.
#[derive(Clone, Copy)]
struct Ends {
    left: bool,
    right: bool,
}

pub(super) fn trim(_: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    trim_ends(
        args,
        out,
        Ends {
            left: true,
            right: true,
        },
    )
}

pub(super) fn ltrim(_: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    trim_ends(
        args,
        out,
        Ends {
            left: true,
            right: false,
        },
    )
}

pub(super) fn rtrim(_: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    trim_ends(
        args,
        out,
        Ends {
            left: false,
            right: true,
        },
    )
}

fn trim_ends(args: Args<'_, '_>, out: Sink<'_>, ends: Ends) -> Result<()> {
    let set = args.get(1).copied().unwrap_or(ValueRef::Text(b" "));
    if set.is_null() {
        out.null();
        return Ok(());
    }
    with_bytes(args[0], out, |text, out| {
        with_bytes(set, out, |set, out| {
            out.text(trimmed(text, until_nul(set), ends));
            Ok(())
        })
    })
}

fn trimmed<'a>(mut text: &'a [u8], set: &[u8], ends: Ends) -> &'a [u8] {
    if ends.left {
        while let Some(length) = chars(set).find(|c| text.starts_with(c)).map(<[u8]>::len) {
            text = &text[length..];
        }
    }
    if ends.right {
        while let Some(length) = chars(set).find(|c| text.ends_with(c)).map(<[u8]>::len) {
            text = &text[..text.len() - length];
        }
    }
    text
}

/// The characters of a text, each as its bytes.
fn chars(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        at = utf8::skip_char(text, at);
        (start < text.len()).then(|| &text[start..at])
    })
}

pub(super) fn char(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    cx.scratch.clear();
    for &arg in args {
        let code = u32::try_from(number::integer_of(arg))
            .ok()
            .filter(|code| *code <= 0x10_ffff);
        utf8::push_char(code.unwrap_or(utf8::REPLACEMENT), &mut cx.scratch);
    }
    out.text(&cx.scratch);
    Ok(())
}

pub(super) fn unicode(_: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    with_bytes(args[0], out, |text, out| {
        match next_char(text, &mut 0) {
            0 => out.null(),
            code => out.integer(i64::from(code)),
        }
        Ok(())
    })
}

pub(super) fn soundex(_: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    let mut code = *b"?000";
    if !args[0].is_null() {
        with_bytes(args[0], out, |text, _| {
            code = soundex_code(until_nul(text));
            Ok(())
        })?;
    }
    out.text(&code);
    Ok(())
}

fn soundex_code(text: &[u8]) -> [u8; 4] {
    let Some(start) = text.iter().position(u8::is_ascii_alphabetic) else {
        return *b"?000";
    };
    let mut code = [text[start].to_ascii_uppercase(), b'0', b'0', b'0'];
    let mut previous = soundex_class(text[start]);
    let mut filled = 1;
    for &byte in &text[start..] {
        let class = soundex_class(byte);
        if class != 0 && class != previous {
            code[filled] = b'0' + class;
            filled += 1;
            if filled == code.len() {
                break;
            }
        }
        previous = class;
    }
    code
}

/// Letters that sound alike; bytes are looked at without their highest bit.
fn soundex_class(byte: u8) -> u8 {
    match (byte & 0x7f).to_ascii_uppercase() {
        b'B' | b'F' | b'P' | b'V' => 1,
        b'C' | b'G' | b'J' | b'K' | b'Q' | b'S' | b'X' | b'Z' => 2,
        b'D' | b'T' => 3,
        b'L' => 4,
        b'M' | b'N' => 5,
        b'R' => 6,
        _ => 0,
    }
}

pub(super) fn quote(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    cx.scratch.clear();
    write_literal(args[0], &mut cx.scratch);
    cx.check_length(cx.scratch.len())?;
    out.text(&cx.scratch);
    Ok(())
}

pub(super) fn unistr_quote(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    cx.scratch.clear();
    match args[0] {
        ValueRef::Text(text) if until_nul(text).iter().any(|b| *b < 0x20) => {
            write_unistr_literal(until_nul(text), &mut cx.scratch);
        }
        other => write_literal(other, &mut cx.scratch),
    }
    cx.check_length(cx.scratch.len())?;
    out.text(&cx.scratch);
    Ok(())
}

/// Appends the SQL literal of a value. Text ends at its first NUL; infinities become numbers that overflow when they are read.
pub fn write_literal(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"NULL"),
        ValueRef::Real(r) if r.is_infinite() => {
            out.extend_from_slice(if r < 0.0 { b"-9.0e+999" } else { b"9.0e+999" });
        }
        ValueRef::Integer(_) | ValueRef::Real(_) => decimal::write_number(value, out),
        ValueRef::Text(text) => write_quoted(until_nul(text), b'\'', out),
        ValueRef::Blob(bytes) => {
            out.extend_from_slice(b"X'");
            push_hex(bytes, out);
            out.push(b'\'');
        }
    }
}

/// Appends `text` between quotes, quotes inside it doubled.
pub fn write_quoted(text: &[u8], quote: u8, out: &mut Vec<u8>) {
    out.push(quote);
    let mut copied = 0;
    for at in memchr::memchr_iter(quote, text) {
        out.extend_from_slice(&text[copied..=at]);
        out.push(quote);
        copied = at + 1;
    }
    out.extend_from_slice(&text[copied..]);
    out.push(quote);
}

fn write_unistr_literal(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"unistr('");
    write_control_escapes(text, b'\'', out);
    out.extend_from_slice(b"')");
}

/// Appends `text` with backslashes and `quote` doubled and control characters as `\u00xx`.
pub(super) fn write_control_escapes(text: &[u8], quote: u8, out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            ..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend([
                    HEX[usize::from(byte >> 4)],
                    HEX[usize::from(byte & 15)].to_ascii_lowercase(),
                ]);
            }
            _ if byte == quote => out.extend([byte, byte]),
            _ => out.push(byte),
        }
    }
}

pub(super) fn unistr(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    with_bytes(args[0], out, |text, out| {
        cx.scratch.clear();
        decode_escapes(text, &mut cx.scratch).ok_or_else(|| Error::sql("invalid Unicode escape"))?;
        out.text(&cx.scratch);
        Ok(())
    })
}

/// Replaces `\XXXX`, `\uXXXX`, `\+XXXXXX`, `\UXXXXXXXX` and `\\`.
fn decode_escapes(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let (skip, digits) = match rest.first()? {
            b'\\' => {
                out.push(b'\\');
                rest = &rest[1..];
                continue;
            }
            b'+' => (1, 6),
            b'u' => (1, 4),
            b'U' => (1, 8),
            _ => (0, 4),
        };
        let code = rest.get(skip..skip + digits)?;
        let code = code
            .iter()
            .try_fold(0u32, |v, b| Some(v << 4 | u32::from(hex_digit(*b)?)))?;
        utf8::push_char(code, out);
        rest = &rest[skip + digits..];
    }
    out.extend_from_slice(rest);
    Some(())
}

pub(super) fn zeroblob(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    let length = usize::try_from(number::integer_of(args[0])).unwrap_or(0);
    cx.check_length(length)?;
    cx.scratch.clear();
    cx.scratch.resize(length, 0);
    out.blob(&cx.scratch);
    Ok(())
}

pub(super) fn random_blob(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    let length = usize::try_from(number::integer_of(args[0])).unwrap_or(0).max(1);
    cx.check_length(length)?;
    cx.scratch.clear();
    cx.environment.random_bytes(length, &mut cx.scratch);
    out.blob(&cx.scratch);
    Ok(())
}
