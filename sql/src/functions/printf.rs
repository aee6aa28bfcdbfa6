//! The formatting engine behind `format()` and `printf()`.
//!
//! A format is text with conversions `%[flags][width][.precision][l]type`. Missing arguments count as NULL: zero for numbers, nothing for texts.
//! A conversion that does not exist ends the output there, as it does in SQLite.
//!
//! Output never grows past the length limit, also while it is being padded: the check comes before the allocation.

use super::text::{write_control_escapes, write_quoted};
use super::{FunctionContext, ValueSink};
use crate::error::{Error, Result};
use crate::value::decimal::{self, Digits, RealKind, Rounding};
use crate::value::number;
use crate::value::utf8::{skip_char, until_nul};
use crate::value::{ValueRef, decimal::bytes_of};

pub(super) fn printf(
    cx: &mut FunctionContext<'_>,
    args: &[ValueRef<'_>],
    out: &mut dyn ValueSink,
) -> Result<()> {
    let mut buffer = Vec::new();
    let format = args.first().and_then(|format| bytes_of(*format, &mut buffer));
    let Some(format) = format else {
        out.null();
        return Ok(());
    };
    let mut text = std::mem::take(&mut cx.scratch);
    text.clear();
    let result = format_into(format, &args[1..], &mut text, cx.environment.length_max.get());
    if result.is_ok() {
        out.text(&text);
    }
    if text.capacity() <= SCRATCH_MAX {
        cx.scratch = text;
    }
    result
}

/// A longer buffer is not kept for the next call.
const SCRATCH_MAX: usize = 1 << 20;

/// Appends `format` with `args` put in. Fails when `out` would reach `length_max` bytes (SQLite counts a terminator).
pub fn format_into(format: &[u8], args: &[ValueRef<'_>], out: &mut Vec<u8>, length_max: usize) -> Result<()> {
    let mut formatter = Formatter {
        args: Arguments { list: args, next: 0 },
        out,
        length_max,
    };
    let mut rest = until_nul(format);
    while let Some(at) = memchr::memchr(b'%', rest) {
        formatter.push(&rest[..at])?;
        rest = &rest[at + 1..];
        if rest.is_empty() {
            return formatter.push(b"%");
        }
        let Some((conversion, length)) = Conversion::parse(rest, &mut formatter.args) else {
            return Ok(());
        };
        rest = &rest[length..];
        if !formatter.convert(&conversion)? {
            return Ok(());
        }
    }
    formatter.push(rest)
}

struct Arguments<'a, 'v> {
    list: &'a [ValueRef<'v>],
    next: usize,
}

impl<'v> Arguments<'_, 'v> {
    fn take(&mut self) -> ValueRef<'v> {
        let value = self.list.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        value
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Conversion {
    left: bool,
    /// `+` or a space, put before numbers that have no minus.
    sign: Option<u8>,
    alternate: bool,
    /// The `!` flag: characters instead of bytes, and more digits.
    alternate2: bool,
    zeros: bool,
    thousands: bool,
    width: usize,
    precision: Option<usize>,
    kind: u8,
}

/// Numbers in a format are kept to 31 bits.
fn small_number(text: &[u8], at: &mut usize) -> usize {
    let mut value = 0u32;
    while let Some(digit) = text.get(*at).filter(|b| b.is_ascii_digit()) {
        value = value.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'));
        *at += 1;
    }
    (value & 0x7fff_ffff) as usize
}

impl Conversion {
    /// Reads what follows a `%`, with its length; `None` when the format ends too early.
    fn parse(text: &[u8], args: &mut Arguments<'_, '_>) -> Option<(Conversion, usize)> {
        let mut c = Conversion::default();
        let mut at = 0;
        loop {
            match *text.get(at)? {
                b'-' => c.left = true,
                b'+' => c.sign = Some(b'+'),
                b' ' => c.sign = Some(b' '),
                b'#' => c.alternate = true,
                b'!' => c.alternate2 = true,
                b'0' => c.zeros = true,
                b',' => c.thousands = true,
                b'l' => {
                    at += 1;
                    at += usize::from(text.get(at) == Some(&b'l'));
                    break;
                }
                b'1'..=b'9' => {
                    c.width = small_number(text, &mut at);
                    if !matches!(text.get(at), Some(b'.' | b'l')) {
                        break;
                    }
                    continue;
                }
                b'*' => {
                    c.take_width(number::integer_of(args.take()) as i32);
                    if !matches!(text.get(at + 1), Some(b'.' | b'l')) {
                        at += 1;
                        break;
                    }
                }
                b'.' => {
                    at += 1;
                    c.parse_precision(text, &mut at, args);
                    if text.get(at) != Some(&b'l') {
                        break;
                    }
                    continue;
                }
                _ => break,
            }
            at += 1;
        }
        c.kind = *text.get(at)?;
        Some((c, at + 1))
    }

    fn take_width(&mut self, width: i32) {
        self.left |= width < 0;
        self.width = width.checked_abs().unwrap_or(0) as usize;
    }

    fn parse_precision(&mut self, text: &[u8], at: &mut usize, args: &mut Arguments<'_, '_>) {
        if text.get(*at) == Some(&b'*') {
            *at += 1;
            let precision = number::integer_of(args.take()) as i32;
            self.precision = precision.checked_abs().map(|p| p as usize);
        } else {
            self.precision = Some(small_number(text, at));
        }
    }
}

struct Formatter<'a, 'v, 'o> {
    args: Arguments<'a, 'v>,
    out: &'o mut Vec<u8>,
    length_max: usize,
}

impl Formatter<'_, '_, '_> {
    fn reserve(&self, more: usize) -> Result<()> {
        if self.out.len().saturating_add(more) >= self.length_max {
            Err(Error::TooBig)
        } else {
            Ok(())
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.reserve(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn fill(&mut self, byte: u8, count: usize) -> Result<()> {
        self.reserve(count)?;
        self.out.resize(self.out.len() + count, byte);
        Ok(())
    }

    /// Appends a field of at least the width, spaces around `bytes`.
    fn push_padded(&mut self, bytes: &[u8], c: &Conversion, width: usize) -> Result<()> {
        let pad = width.saturating_sub(bytes.len());
        if !c.left {
            self.fill(b' ', pad)?;
        }
        self.push(bytes)?;
        if c.left {
            self.fill(b' ', pad)?;
        }
        Ok(())
    }

    /// Width in bytes of a field whose width counts characters.
    fn byte_width(c: &Conversion, bytes: &[u8]) -> usize {
        if c.alternate2 && c.width > 0 {
            c.width + continuation_bytes(bytes)
        } else {
            c.width
        }
    }

    /// False when the conversion does not exist.
    fn convert(&mut self, c: &Conversion) -> Result<bool> {
        match c.kind {
            b'd' | b'i' => self.integer(c, Radix::DECIMAL_SIGNED)?,
            b'r' => self.integer(c, Radix::ORDINAL)?,
            b'u' => self.integer(c, Radix::DECIMAL)?,
            b'x' => self.integer(c, Radix::HEX_SMALL)?,
            b'X' => self.integer(c, Radix::HEX_CAPITAL)?,
            b'p' => self.integer(c, Radix::POINTER)?,
            b'o' => self.integer(c, Radix::OCTAL)?,
            b'f' | b'e' | b'E' | b'g' | b'G' => self.real(c)?,
            b'%' => self.push_padded(b"%", c, c.width)?,
            b'n' => {}
            b'c' => self.character(c)?,
            b's' | b'z' => self.string(c)?,
            b'q' | b'Q' | b'w' => self.quoted(c)?,
            b'j' | b'J' => self.json(c)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn integer(&mut self, c: &Conversion, radix: Radix) -> Result<()> {
        let value = number::integer_of(self.args.take());
        let (magnitude, sign) = match radix.signed {
            true if value < 0 => (value.unsigned_abs(), Some(b'-')),
            true => (value as u64, c.sign),
            false => (value as u64, None),
        };
        let sign_length = usize::from(sign.is_some());
        let mut digits_min = c.precision.unwrap_or(0);
        if c.zeros {
            digits_min = digits_min.max(c.width.saturating_sub(sign_length));
        }
        self.reserve(digits_min)?;
        let mut digits = Vec::with_capacity(32);
        radix.write(magnitude, &mut digits);
        if radix.ordinal {
            digits.extend_from_slice(ordinal_suffix(magnitude));
        }
        let prefix = if c.alternate && magnitude != 0 {
            radix.prefix
        } else {
            b""
        };
        let whole = digits.len().max(digits_min);
        let separators = match c.thousands && radix.thousands {
            true => whole.saturating_sub(1) / 3,
            false => 0,
        };
        let missing = whole - digits.len();
        let length = sign_length + prefix.len() + whole + separators;
        self.reserve(length.max(c.width))?;
        let pad = c.width.saturating_sub(length);
        if !c.left {
            self.fill(b' ', pad)?;
        }
        self.out.extend(sign);
        self.out.extend_from_slice(prefix);
        let start = self.out.len();
        self.out.reserve(whole + separators);
        self.out.resize(start + missing, b'0');
        self.out.extend_from_slice(&digits);
        if separators > 0 {
            separate_thousands(self.out, start);
        }
        if c.left {
            self.fill(b' ', pad)?;
        }
        Ok(())
    }

    fn character(&mut self, c: &Conversion) -> Result<()> {
        let mut buffer = Vec::new();
        let text = bytes_of(self.args.take(), &mut buffer).map_or(&b""[..], until_nul);
        // Without a character the conversion yields a NUL.
        let one = match text.first() {
            None => b"\0",
            Some(0xc0..) => &text[..skip_char(text, 0).min(4)],
            Some(_) => &text[..1],
        };
        let repeat = c.precision.unwrap_or(1).max(1);
        let total = one.len().saturating_mul(repeat);
        let width = if c.width == 0 {
            0
        } else {
            c.width.saturating_add(total - repeat)
        };
        let pad = width.saturating_sub(total);
        self.reserve(total.saturating_add(pad))?;
        // What may be a hundred million characters is written where it stays, and nowhere else before.
        self.out.reserve_exact(total + pad);
        if !c.left {
            self.fill(b' ', pad)?;
        }
        match one {
            [byte] => self.fill(*byte, repeat)?,
            _ => (0..repeat).for_each(|_| self.out.extend_from_slice(one)),
        }
        if c.left {
            self.fill(b' ', pad)?;
        }
        Ok(())
    }

    fn string(&mut self, c: &Conversion) -> Result<()> {
        let mut buffer = Vec::new();
        let text = bytes_of(self.args.take(), &mut buffer).map_or(&b""[..], until_nul);
        let shown = match c.precision {
            Some(count) => &text[..prefix_length(text, count, c.alternate2)],
            None => text,
        };
        self.push_padded(shown, c, Self::byte_width(c, shown))
    }

    fn quoted(&mut self, c: &Conversion) -> Result<()> {
        let mut buffer = Vec::new();
        let argument = bytes_of(self.args.take(), &mut buffer).map(until_nul);
        let null = argument.is_none();
        let text = argument.unwrap_or(if c.kind == b'Q' { b"NULL" } else { b"(NULL)" });
        let text = match c.precision {
            Some(count) => &text[..prefix_length(text, count, c.alternate2)],
            None => text,
        };
        let quote = if c.kind == b'w' { b'"' } else { b'\'' };
        let enclosed = c.kind == b'Q' && !null;
        let controls = text.iter().any(|b| *b < 0x20);
        let escapes = c.alternate && c.kind != b'w' && (controls || c.kind == b'q');
        let mut shown = Vec::with_capacity(text.len() + 16);
        match (escapes, enclosed) {
            (true, true) => {
                shown.extend_from_slice(b"unistr('");
                write_control_escapes(text, quote, &mut shown);
                shown.extend_from_slice(b"')");
            }
            (true, false) => write_control_escapes(text, quote, &mut shown),
            (false, true) => write_quoted(text, quote, &mut shown),
            (false, false) => {
                write_quoted(text, quote, &mut shown);
                shown.pop();
                shown.remove(0);
            }
        }
        self.push_padded(&shown, c, Self::byte_width(c, &shown))
    }

    fn json(&mut self, c: &Conversion) -> Result<()> {
        let mut buffer = Vec::new();
        let enclosed = c.kind == b'J';
        let mut shown = Vec::new();
        match bytes_of(self.args.take(), &mut buffer).map(until_nul) {
            None if enclosed => shown.extend_from_slice(b"null"),
            None => {}
            Some(text) => {
                let text = match c.precision {
                    Some(count) => &text[..json_prefix_length(text, count, c.alternate2)],
                    None => text,
                };
                shown.extend(enclosed.then_some(b'"'));
                write_json_escapes(text, &mut shown);
                shown.extend(enclosed.then_some(b'"'));
            }
        }
        self.push_padded(&shown, c, Self::byte_width(c, &shown))
    }

    fn real(&mut self, c: &Conversion) -> Result<()> {
        let value = number::real_of(self.args.take());
        let precision = c.precision.unwrap_or(6).min(FLOAT_PRECISION_MAX);
        let mut text = Vec::new();
        match RealLayout::new(value, precision, c) {
            RealLayout::Word(word) => return self.push_padded(word, c, c.width),
            RealLayout::Digits(layout) => {
                self.reserve(layout.length_estimate().saturating_add(c.width))?;
                layout.write(c, &mut text);
            }
        }
        let missing = c.width.saturating_sub(text.len());
        if c.zeros && !c.left && missing > 0 {
            let after_sign = usize::from(matches!(text.first(), Some(b'-' | b'+' | b' ')));
            self.push(&text[..after_sign])?;
            self.fill(b'0', missing)?;
            return self.push(&text[after_sign..]);
        }
        self.push_padded(&text, c, c.width)
    }
}

const FLOAT_PRECISION_MAX: usize = 100_000_000;

fn continuation_bytes(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b & 0xc0 == 0x80).count()
}

/// Bytes of the first `count` bytes or characters.
fn prefix_length(text: &[u8], count: usize, in_chars: bool) -> usize {
    if !in_chars {
        return count.min(text.len());
    }
    let mut at = 0;
    for _ in 0..count {
        if at >= text.len() {
            break;
        }
        at = skip_char(text, at);
    }
    at
}

/// Bytes of the first `count` bytes or of as many characters, a character being a byte and the continuation bytes behind it.
fn json_prefix_length(text: &[u8], count: usize, in_chars: bool) -> usize {
    if !in_chars {
        return count.min(text.len());
    }
    let mut seen = 0;
    let past = text.iter().position(|b| {
        seen += usize::from(b & 0xc0 != 0x80);
        seen > count
    });
    past.unwrap_or(text.len())
}

/// Appends `text` as the inside of a JSON string literal.
pub(super) fn write_json_escapes(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for &byte in text {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            ..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                continue;
            }
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend([b'\\', short]);
    }
}

/// How an integer conversion writes its digits.
#[derive(Clone, Copy)]
struct Radix {
    base: u64,
    digits: &'static [u8; 16],
    prefix: &'static [u8],
    signed: bool,
    ordinal: bool,
    thousands: bool,
}

const CAPITAL_DIGITS: &[u8; 16] = b"0123456789ABCDEF";
const SMALL_DIGITS: &[u8; 16] = b"0123456789abcdef";

impl Radix {
    const DECIMAL: Radix = Radix {
        base: 10,
        digits: CAPITAL_DIGITS,
        prefix: b"",
        signed: false,
        ordinal: false,
        thousands: true,
    };
    const DECIMAL_SIGNED: Radix = Radix {
        signed: true,
        ..Radix::DECIMAL
    };
    const ORDINAL: Radix = Radix {
        signed: true,
        ordinal: true,
        thousands: false,
        ..Radix::DECIMAL
    };
    const HEX_CAPITAL: Radix = Radix {
        base: 16,
        prefix: b"0X",
        thousands: false,
        ..Radix::DECIMAL
    };
    const HEX_SMALL: Radix = Radix {
        digits: SMALL_DIGITS,
        prefix: b"0x",
        ..Radix::HEX_CAPITAL
    };
    const POINTER: Radix = Radix {
        prefix: b"0x",
        ..Radix::HEX_CAPITAL
    };
    const OCTAL: Radix = Radix {
        base: 8,
        prefix: b"0",
        ..Radix::HEX_CAPITAL
    };

    fn write(&self, mut value: u64, out: &mut Vec<u8>) {
        let start = out.len();
        loop {
            out.push(self.digits[(value % self.base) as usize]);
            value /= self.base;
            if value == 0 {
                break;
            }
        }
        out[start..].reverse();
    }
}

fn ordinal_suffix(value: u64) -> &'static [u8] {
    match (value % 10, value / 10 % 10) {
        (1, tens) if tens != 1 => b"st",
        (2, tens) if tens != 1 => b"nd",
        (3, tens) if tens != 1 => b"rd",
        _ => b"th",
    }
}

/// Puts a comma before every third digit from the right, among those from `start` on.
fn separate_thousands(digits: &mut Vec<u8>, start: usize) {
    let end = digits.len();
    let count = (end - start).saturating_sub(1) / 3;
    digits.resize(end + count, b',');
    // From the right, so that no digit is overwritten before it has moved.
    for group in 0..count {
        let from = end - 3 * (group + 1);
        digits.copy_within(from..from + 3, from + count - group);
        digits[from + count - group - 1] = b',';
    }
}

enum RealLayout {
    /// Infinity or not a number.
    Word(&'static [u8]),
    Digits(DigitLayout),
}

struct DigitLayout {
    digits: Digits,
    sign: Option<u8>,
    exponential: bool,
    /// Digits after the point.
    precision: usize,
    trim_zeros: bool,
}

impl RealLayout {
    fn new(value: f64, precision: usize, c: &Conversion) -> RealLayout {
        let general = matches!(c.kind, b'g' | b'G');
        let mut precision = if general { precision.max(1) } else { precision };
        let rounding = match c.kind {
            b'f' => Rounding::AfterPoint(precision as i32),
            _ if general => Rounding::Significant(precision as i32),
            _ => Rounding::Significant(precision as i32 + 1),
        };
        let mut digits = Digits::of(value, rounding, if c.alternate2 { 20 } else { 16 });
        match digits.kind {
            RealKind::NotANumber => return RealLayout::Word(if c.zeros { b"null" } else { b"NaN" }),
            // With the zero flag an infinity is shown as a number that is too large to read back.
            RealKind::Infinite if c.zeros => digits = Digits::too_large(digits.negative),
            RealKind::Infinite => return RealLayout::Word(infinity(digits.negative, c.sign)),
            RealKind::Finite => {}
        }
        let shows_zero = c.kind == b'f' && digits.point <= -(precision as i32);
        let sign = match digits.negative {
            true if c.alternate && c.sign.is_none() && shows_zero => None,
            true => Some(b'-'),
            false => c.sign,
        };
        let exponent = digits.point - 1;
        let mut exponential = matches!(c.kind, b'e' | b'E');
        let mut trim_zeros = c.alternate2;
        if general {
            trim_zeros = !c.alternate;
            precision -= 1;
            exponential = exponent < -4 || exponent > precision as i32;
            if !exponential {
                precision = (precision as i32 - exponent) as usize;
            }
        }
        RealLayout::Digits(DigitLayout {
            digits,
            sign,
            exponential,
            precision,
            trim_zeros,
        })
    }
}

fn infinity(negative: bool, sign: Option<u8>) -> &'static [u8] {
    match (negative, sign) {
        (true, _) => b"-Inf",
        (false, Some(b'+')) => b"+Inf",
        (false, Some(_)) => b" Inf",
        (false, None) => b"Inf",
    }
}

impl DigitLayout {
    fn length_estimate(&self) -> usize {
        let whole = if self.exponential {
            1
        } else {
            self.digits.point.max(0) as usize
        };
        self.precision.saturating_add(whole * 2).saturating_add(10)
    }

    fn write(&self, c: &Conversion, out: &mut Vec<u8>) {
        out.extend(self.sign);
        let point = if self.exponential { 1 } else { self.digits.point };
        let digits = self.digits.as_bytes();
        self.write_whole_part(point, c.thousands, out);
        let shows_point = self.precision > 0 || c.alternate || c.alternate2;
        if shows_point {
            out.push(b'.');
            self.write_fraction(digits, point, out);
            if self.trim_zeros {
                trim_fraction(c.alternate2, out);
            }
        }
        if self.exponential {
            let letter = if matches!(c.kind, b'E' | b'G') { b'E' } else { b'e' };
            decimal::write_exponent(self.digits.point - 1, letter, out);
        }
    }

    fn write_whole_part(&self, point: i32, thousands: bool, out: &mut Vec<u8>) {
        if point <= 0 {
            out.push(b'0');
            return;
        }
        let (digits, whole) = (self.digits.as_bytes(), point as usize);
        let start = out.len();
        out.extend_from_slice(&digits[..whole.min(digits.len())]);
        out.resize(start + whole, b'0');
        if thousands {
            separate_thousands(out, start);
        }
    }

    fn write_fraction(&self, digits: &[u8], point: i32, out: &mut Vec<u8>) {
        let end = out.len() + self.precision;
        let zeros = ((-point).max(0) as usize).min(self.precision);
        out.resize(out.len() + zeros, b'0');
        let rest = digits.get(point.max(0) as usize..).unwrap_or_default();
        let shown = rest.len().min(end - out.len());
        out.extend_from_slice(&rest[..shown]);
        if !self.trim_zeros {
            out.resize(end, b'0');
        }
    }
}

/// Removes zeros at the end of a fraction, and the point when nothing is left after it, unless one digit has to stay.
fn trim_fraction(keep_one: bool, out: &mut Vec<u8>) {
    while out.last() == Some(&b'0') {
        out.pop();
    }
    if out.last() == Some(&b'.') {
        if keep_one {
            out.push(b'0');
        } else {
            out.pop();
        }
    }
}
