//! SQL values to JSON and back.

use super::jsonb::{Element, Kind, looks_like_jsonb, push_element};
use super::parse::{Malformed, Parsed, parse};
use super::text::{malformed, push_string, render, unescape_all};
use crate::error::{Error, Result};
use crate::functions::ValueSink;
use crate::functions::text::write_literal;
use crate::value::number::{self, Extent, IntegerFit};
use crate::value::{ValueRef, decimal};

/// The error for a blob that is no JSONB.
fn blob_value() -> Error {
    Error::sql("JSON cannot hold BLOB values")
}

/// A function's JSON argument as JSONB in `blob`: text is parsed, JSONB is copied. `None` for NULL.
pub(super) fn argument(value: ValueRef<'_>, blob: &mut Vec<u8>) -> Result<Option<()>> {
    match read(value, blob) {
        None => Ok(None),
        Some(Ok(_)) => Ok(Some(())),
        Some(Err(_)) => Err(malformed()),
    }
}

/// As [`argument`], with what the parser has to say. `None` for NULL.
pub(super) fn read(value: ValueRef<'_>, blob: &mut Vec<u8>) -> Option<Result<Parsed, Malformed>> {
    blob.clear();
    let mut buffer = Vec::new();
    if let ValueRef::Blob(bytes) = value
        && looks_like_jsonb(bytes)
    {
        blob.extend_from_slice(bytes);
        return Some(Ok(Parsed { nonstandard: false }));
    }
    let text = decimal::bytes_of(value, &mut buffer)?;
    Some(parse(text, blob))
}

/// Whether a value is JSON made by a JSON function, by its place among the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextMeans {
    /// A string.
    Text,
    /// JSON text.
    Json,
}

/// Appends a value as JSON text.
pub(super) fn push_value(value: ValueRef<'_>, text_means: TextMeans, out: &mut Vec<u8>) -> Result<()> {
    match value {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Integer(_) | ValueRef::Real(_) => write_literal(value, out),
        ValueRef::Text(text) if text_means == TextMeans::Json => out.extend_from_slice(text),
        ValueRef::Text(text) => push_string(text, out),
        ValueRef::Blob(bytes) if looks_like_jsonb(bytes) => {
            render(bytes, 0, out)?;
        }
        ValueRef::Blob(_) => return Err(blob_value()),
    }
    Ok(())
}

/// A value as a JSONB element.
pub(super) fn to_element(value: ValueRef<'_>, text_means: TextMeans, out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    match value {
        ValueRef::Null => push_element(Kind::Null, b"", out),
        ValueRef::Integer(_) => push_number(Kind::Integer, value, out),
        ValueRef::Real(r) if r.is_infinite() => {
            let text: &[u8] = if r < 0.0 { b"-9e999" } else { b"9e999" };
            push_element(Kind::Real, text, out);
        }
        ValueRef::Real(_) => push_number(Kind::Real, value, out),
        ValueRef::Text(text) if text_means == TextMeans::Json => {
            parse(text, out).map_err(|_| malformed())?;
        }
        ValueRef::Text(text) => push_element(Kind::TextRaw, text, out),
        ValueRef::Blob(bytes) if looks_like_jsonb(bytes) => out.extend_from_slice(bytes),
        ValueRef::Blob(_) => return Err(blob_value()),
    }
    Ok(())
}

fn push_number(kind: Kind, value: ValueRef<'_>, out: &mut Vec<u8>) {
    let mut text = Vec::with_capacity(24);
    decimal::write_number(value, &mut text);
    push_element(kind, &text, out);
}

/// In which form arrays and objects become SQL values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON text.
    Text,
    /// JSONB.
    Binary,
}

/// The SQL value of the element at `at`: scalars as themselves, arrays and objects in `form`.
pub(super) fn to_sql(
    blob: &[u8],
    at: usize,
    form: Form,
    scratch: &mut Vec<u8>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    let element = Element::at(blob, at).ok_or_else(malformed)?;
    let bytes = element.bytes(blob);
    match element.kind {
        Kind::Null | Kind::True | Kind::False if !bytes.is_empty() => return Err(malformed()),
        Kind::Null => out.null(),
        Kind::True => out.integer(1),
        Kind::False => out.integer(0),
        Kind::Integer | Kind::Integer5 => integer_to_sql(bytes, out)?,
        Kind::Real | Kind::Real5 => real_to_sql(bytes, out)?,
        Kind::Text | Kind::TextRaw => out.text(bytes),
        Kind::TextEscaped | Kind::Text5 => {
            scratch.clear();
            unescape_all(bytes, scratch);
            out.text(scratch);
        }
        Kind::Array | Kind::Object if form == Form::Binary => out.blob(&blob[element.start..element.end]),
        Kind::Array | Kind::Object => {
            scratch.clear();
            render(&blob[element.start..element.end], 0, scratch)?;
            out.text(scratch);
        }
    }
    Ok(())
}

/// The SQL value of an element of plain JSON text, unless it is an array or object (`false`).
pub(super) fn plain_to_sql(element: &[u8], scratch: &mut Vec<u8>, out: &mut dyn ValueSink) -> Result<bool> {
    match element {
        b"null" => out.null(),
        b"true" => out.integer(1),
        b"false" => out.integer(0),
        [b'"', text @ .., b'"'] if memchr::memchr(b'\\', text).is_none() => out.text(text),
        [b'"', text @ .., b'"'] => {
            scratch.clear();
            unescape_all(text, scratch);
            out.text(scratch);
        }
        [b'{' | b'[', ..] => return Ok(false),
        number if number.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => real_to_sql(number, out)?,
        number => integer_to_sql(number, out)?,
    }
    Ok(true)
}

fn integer_to_sql(bytes: &[u8], out: &mut dyn ValueSink) -> Result<()> {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return Err(malformed());
    }
    if let [b'0', b'x' | b'X', hex @ ..] = digits {
        return hexadecimal_to_sql(hex, negative, bytes, out);
    }
    match number::scan_integer(digits) {
        (value, IntegerFit::Whole) => out.integer(if negative { value.wrapping_neg() } else { value }),
        (_, IntegerFit::OneTooLarge) if negative => out.integer(i64::MIN),
        (_, IntegerFit::OneTooLarge | IntegerFit::TooLarge) => real_to_sql(bytes, out)?,
        _ => return Err(malformed()),
    }
    Ok(())
}

/// Hexadecimal digits are a magnitude in JSON, not two's complement bits as in SQL.
fn hexadecimal_to_sql(hex: &[u8], negative: bool, whole: &[u8], out: &mut dyn ValueSink) -> Result<()> {
    let significant = hex
        .iter()
        .position(|b| *b != b'0')
        .map_or(&hex[hex.len()..], |at| &hex[at..]);
    if significant.len() > 16 {
        return real_to_sql(whole, out);
    }
    let magnitude = significant.iter().try_fold(0u64, |value, byte| {
        Some(value << 4 | u64::from((*byte as char).to_digit(16)?))
    });
    let magnitude = magnitude.ok_or_else(malformed)?;
    match (i64::try_from(magnitude), negative) {
        (Ok(value), false) => out.integer(value),
        (Ok(value), true) => out.integer(-value),
        (Err(_), false) => out.real(magnitude as f64),
        (Err(_), true) => out.real(-(magnitude as f64)),
    }
    Ok(())
}

fn real_to_sql(bytes: &[u8], out: &mut dyn ValueSink) -> Result<()> {
    let real = number::scan_real(bytes);
    if real.extent != Extent::Whole {
        return Err(malformed());
    }
    out.real(real.value);
    Ok(())
}
