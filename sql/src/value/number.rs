//! Text to number, as each place of SQL wants it.
//!
//! SQLite reads numbers out of text in several ways that differ in what they make of junk at the end, of fractions and
//! of integers beyond 64 bits. All are built here from two scans, [`scan_real`] and [`scan_integer`]:
//!
//! | used by | function | junk at the end | `'1e2'` | `'9223372036854775808'` |
//! |---|---|---|---|---|
//! | column affinity, comparison | [`affinity_number`] | not a number | 100 | 9.22e18 |
//! | functions that take numbers | [`argument_number`] | not a number | 100.0 | 9.22e18 |
//! | `+ - * /` | [`operand_number`] | ignored | 100.0 | 9.22e18 |
//! | CAST AS NUMERIC | [`cast_number`] | ignored | 100 | 9.22e18 |
//! | CAST AS INTEGER, `%`, bit operators | [`integer_prefix`] | ignored | 1 | 9223372036854775807 |
//! | CAST AS REAL, truth | [`real_prefix`] | ignored | 100.0 | 9.22e18 |
//!
//! Reals are read to the nearest double from the first 19 significant digits; later digits only count places, as in SQLite.

use super::{Value, ValueRef};

/// A number of either kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// An integer.
    Integer(i64),
    /// A real.
    Real(f64),
}

impl Number {
    /// The number as a real, rounded when it must be.
    #[inline]
    pub fn to_real(self) -> f64 {
        match self {
            Number::Integer(i) => i as f64,
            Number::Real(r) => r,
        }
    }

    /// The number as a value.
    #[inline]
    pub fn into_value(self) -> Value {
        match self {
            Number::Integer(i) => Value::Integer(i),
            Number::Real(r) => Value::Real(r),
        }
    }

    /// The number as a borrowed value.
    #[inline]
    pub fn as_ref(self) -> ValueRef<'static> {
        match self {
            Number::Integer(i) => ValueRef::Integer(i),
            Number::Real(r) => ValueRef::Real(r),
        }
    }
}

/// How much of a text is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Not even its beginning.
    Nothing,
    /// Its beginning.
    Prefix,
    /// All of it but white space around the number.
    Whole,
}

/// What [`scan_real`] found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RealScan {
    /// The nearest double of the longest prefix that is a number; 0 when there is none.
    pub value: f64,
    /// How much of the text that was.
    pub extent: Extent,
    /// A point or an exponent was seen: the text does not spell an integer.
    pub fractional: bool,
}

/// What [`scan_integer`] found about the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegerFit {
    /// No digits.
    Missing,
    /// It fits, and only white space is around it.
    Whole,
    /// It fits, and something else follows it.
    Prefix,
    /// Exactly 2^63 without a minus: the one positive literal that fits only when negated.
    OneTooLarge,
    /// Beyond 64 bits.
    TooLarge,
}

/// The white space that SQLite skips around numbers.
#[inline]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

#[inline]
fn skip_spaces(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|&b| is_space(b)) {
        at += 1;
    }
    at
}

#[inline]
fn digit(text: &[u8], at: usize) -> Option<u64> {
    text.get(at)
        .map(|b| b.wrapping_sub(b'0'))
        .filter(|d| *d < 10)
        .map(u64::from)
}

/// A mantissa stops growing here: one more digit might not fit 64 bits.
const MANTISSA_FULL: u64 = (u64::MAX - 9) / 10;
/// Exponents are cut here: beyond it every number is zero or infinite.
const EXPONENT_MAX: i32 = 10_000;

/// Reads the longest prefix of `text` that is a decimal number with optional sign, fraction and exponent. A NUL ends the text.
pub fn scan_real(text: &[u8]) -> RealScan {
    let mut at = skip_spaces(text, 0);
    let negative = text.get(at) == Some(&b'-');
    at += usize::from(matches!(text.get(at), Some(b'-' | b'+')));

    let mut mantissa = DecimalMantissa::default();
    at = mantissa.read_integer_part(text, at);
    let mut seen = mantissa.digits_seen;
    let mut fractional = false;
    if text.get(at) == Some(&b'.') {
        let after = mantissa.read_fraction(text, at + 1);
        seen |= after > at + 1;
        fractional = seen;
        at = if seen { after } else { at };
    }
    if !seen {
        return RealScan {
            value: 0.0,
            extent: Extent::Nothing,
            fractional: false,
        };
    }
    let mut dangling = false;
    if matches!(text.get(at), Some(b'e' | b'E')) {
        match read_exponent(text, at + 1) {
            Some((exponent, after)) => {
                mantissa.exponent += exponent;
                fractional = true;
                at = after;
            }
            None => dangling = true,
        }
    }
    let value = real_from_decimal(mantissa.value, mantissa.exponent);
    let whole = !dangling && matches!(text.get(skip_spaces(text, at)), None | Some(0));
    RealScan {
        value: if negative { -value } else { value },
        extent: if whole { Extent::Whole } else { Extent::Prefix },
        fractional,
    }
}

#[derive(Default)]
struct DecimalMantissa {
    value: u64,
    exponent: i32,
    digits_seen: bool,
}

impl DecimalMantissa {
    fn read_integer_part(&mut self, text: &[u8], mut at: usize) -> usize {
        while let Some(d) = digit(text, at) {
            self.digits_seen = true;
            if self.value < MANTISSA_FULL {
                self.value = self.value * 10 + d;
            } else {
                self.exponent = (self.exponent + 1).min(EXPONENT_MAX);
            }
            at += 1;
        }
        at
    }

    fn read_fraction(&mut self, text: &[u8], mut at: usize) -> usize {
        while let Some(d) = digit(text, at) {
            if self.value < MANTISSA_FULL {
                self.value = self.value * 10 + d;
                self.exponent = (self.exponent - 1).max(-EXPONENT_MAX);
            }
            at += 1;
        }
        at
    }
}

fn read_exponent(text: &[u8], mut at: usize) -> Option<(i32, usize)> {
    let negative = text.get(at) == Some(&b'-');
    at += usize::from(matches!(text.get(at), Some(b'-' | b'+')));
    digit(text, at)?;
    let mut exponent = 0i32;
    while let Some(d) = digit(text, at) {
        exponent = (exponent * 10 + d as i32).min(EXPONENT_MAX);
        at += 1;
    }
    Some((if negative { -exponent } else { exponent }, at))
}

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// The double nearest to `mantissa * 10^exponent`.
pub fn real_from_decimal(mantissa: u64, exponent: i32) -> f64 {
    // With an exact mantissa and an exact power one multiplication rounds once, which is the nearest double.
    if mantissa <= 1 << 53 {
        match usize::try_from(exponent.unsigned_abs())
            .ok()
            .and_then(|power| EXACT_POWERS.get(power))
        {
            Some(power) if exponent < 0 => return mantissa as f64 / power,
            Some(power) => return mantissa as f64 * power,
            None => {}
        }
    }
    let mut digits = [0u8; 32];
    let mut cursor = std::io::Cursor::new(&mut digits[..]);
    use std::io::Write;
    let written = write!(cursor, "{mantissa}e{exponent}").map(|()| cursor.position() as usize);
    let text = written
        .ok()
        .and_then(|len| std::str::from_utf8(&digits[..len]).ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

/// Reads the longest prefix of `text` that is a decimal integer. The value is held at the ends of the 64-bit range when it is beyond it.
pub fn scan_integer(text: &[u8]) -> (i64, IntegerFit) {
    let mut at = skip_spaces(text, 0);
    let negative = text.get(at) == Some(&b'-');
    at += usize::from(matches!(text.get(at), Some(b'-' | b'+')));
    if digit(text, at).is_none() {
        return (0, IntegerFit::Missing);
    }
    let mut magnitude = Some(0u64);
    while let Some(d) = digit(text, at) {
        magnitude = magnitude.and_then(|m| m.checked_mul(10)?.checked_add(d));
        at += 1;
    }
    let fit = if skip_spaces(text, at) == text.len() {
        IntegerFit::Whole
    } else {
        IntegerFit::Prefix
    };
    const TWO_TO_63: u64 = 1 << 63;
    match (magnitude, negative) {
        (Some(m), false) if m < TWO_TO_63 => (m as i64, fit),
        (Some(m), true) if m <= TWO_TO_63 => ((m as i64).wrapping_neg(), fit),
        (Some(TWO_TO_63), false) => (i64::MAX, IntegerFit::OneTooLarge),
        (_, true) => (i64::MIN, IntegerFit::TooLarge),
        (_, false) => (i64::MAX, IntegerFit::TooLarge),
    }
}

/// The number that all of `text` spells, for column affinity and comparison: an integer where no information is lost.
pub fn affinity_number(text: &[u8]) -> Option<Number> {
    Some(match argument_number(text)? {
        Number::Real(r) => lossless_integer(r).map_or(Number::Real(r), Number::Integer),
        integer => integer,
    })
}

/// Whether a look at the beginning of `text` leaves it open that all of it spells a number. Dates and names it rules out quickly.
#[inline]
pub fn may_be_number(text: &[u8]) -> bool {
    if let Some(word) = text.first_chunk() {
        let word = u64::from_le_bytes(*word);
        let digits = leading_digits(word);
        if (1..8).contains(&digits) {
            let next = (word >> (8 * digits)) as u8;
            return match next > b' ' {
                true => matches!(next, b'.' | b'e' | b'E'),
                false => next == 0 || is_space(next),
            };
        }
    }
    let mut at = skip_spaces(text, 0);
    at += usize::from(matches!(text.get(at), Some(b'-' | b'+')));
    let digits = at;
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    match text.get(at) {
        Some(b'.') => true,
        None | Some(0 | b'e' | b'E') => at > digits,
        Some(&byte) => at > digits && is_space(byte),
    }
}

/// How many of eight characters, the first in the lowest byte, are digits that no other character is in front of.
#[inline]
fn leading_digits(word: u64) -> u32 {
    const EACH: u64 = u64::MAX / 0xff;
    // A digit becomes its value, and nothing else is below ten; adding 0x76 to more than that sets the top bit.
    let values = word ^ (EACH * 0x30);
    let others = (((values & (EACH * 0x7f)) + EACH * 0x76) | values) & (EACH * 0x80);
    others.trailing_zeros() / 8
}

/// The number that all of `text` spells; a fraction or exponent makes it a real.
pub fn argument_number(text: &[u8]) -> Option<Number> {
    if let Some(short) = short_integer(text) {
        return Some(Number::Integer(short));
    }
    let real = scan_real(text);
    if real.extent != Extent::Whole {
        return None;
    }
    if !real.fractional {
        if let Some(exact) = small_integer(real.value) {
            return Some(Number::Integer(exact));
        }
        if let (exact, IntegerFit::Whole) = scan_integer(text) {
            return Some(Number::Integer(exact));
        }
    }
    Some(Number::Real(real.value))
}

/// The number that an arithmetic operator makes of `text`: of its beginning, or 0.
pub fn operand_number(text: &[u8]) -> Number {
    if let Some(short) = short_integer(text) {
        return Number::Integer(short);
    }
    let real = scan_real(text);
    if real.fractional {
        return Number::Real(real.value);
    }
    match (scan_integer(text), real.extent) {
        ((exact, IntegerFit::Whole), _) => Number::Integer(exact),
        ((exact, IntegerFit::Prefix | IntegerFit::Missing), Extent::Prefix | Extent::Nothing) => {
            Number::Integer(exact)
        }
        _ => Number::Real(real.value),
    }
}

/// The number that CAST AS NUMERIC makes of `text`: of its beginning, or 0.
pub fn cast_number(text: &[u8]) -> Number {
    let real = scan_real(text);
    if !real.fractional
        && let (exact, IntegerFit::Whole | IntegerFit::Prefix | IntegerFit::Missing) = scan_integer(text)
    {
        return Number::Integer(exact);
    }
    small_integer(real.value).map_or(Number::Real(real.value), Number::Integer)
}

/// The integer at the beginning of `text`, held at the ends of the range; 0 when there is none.
#[inline]
pub fn integer_prefix(text: &[u8]) -> i64 {
    scan_integer(text).0
}

/// The real at the beginning of `text`; 0 when there is none.
#[inline]
pub fn real_prefix(text: &[u8]) -> f64 {
    scan_real(text).value
}

/// The value of a text of up to 18 digits with an optional sign and nothing else: the case that columns of numbers kept as text have.
#[inline]
fn short_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut magnitude = 0i64;
    for byte in digits {
        let d = byte.wrapping_sub(b'0');
        if d > 9 {
            return None;
        }
        magnitude = magnitude * 10 + i64::from(d);
    }
    Some(if negative { -magnitude } else { magnitude })
}

/// The integer part of a real, held at the ends of the range.
#[inline]
pub fn integer_from_real(r: f64) -> i64 {
    // The last doubles below 2^63 and above -2^63; what lies beyond counts as out of range.
    const LAST: f64 = 9_223_372_036_854_774_784.0;
    if r < -LAST {
        i64::MIN
    } else if r > LAST {
        i64::MAX
    } else {
        r as i64
    }
}

/// The integer that equals `r`, if there is one strictly between the ends of the 64-bit range.
#[inline]
pub fn lossless_integer(r: f64) -> Option<i64> {
    let i = integer_from_real(r);
    (r == i as f64 && i > i64::MIN && i < i64::MAX).then_some(i)
}

/// The integer that equals `r` when both are small enough that a double steps by less than one half around them.
#[inline]
pub fn small_integer(r: f64) -> Option<i64> {
    const SMALL: i64 = 1 << 51;
    let i = integer_from_real(r);
    let same = r == 0.0 || (r == i as f64 && (-SMALL..SMALL).contains(&i));
    same.then_some(i)
}

/// The value of an integer literal of SQL text: decimal, or hexadecimal with `0x` as two's complement bits.
/// `Ok(None)`: a decimal beyond 64 bits, which SQL reads as a real.
pub fn integer_literal(text: &[u8]) -> Result<Option<i64>, HexTooLarge> {
    match text {
        [b'0', b'x' | b'X', digits @ ..] => hex_literal(digits).map(Some),
        _ => Ok(match scan_integer(text) {
            (value, IntegerFit::Whole) => Some(value),
            _ => None,
        }),
    }
}

/// A hexadecimal literal of more than 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HexTooLarge;

fn hex_literal(digits: &[u8]) -> Result<i64, HexTooLarge> {
    let mut bits = 0u64;
    for &byte in digits {
        let nibble = (byte as char).to_digit(16).ok_or(HexTooLarge)?;
        if bits >> 60 != 0 {
            return Err(HexTooLarge);
        }
        bits = bits << 4 | u64::from(nibble);
    }
    Ok(bits as i64)
}

/// What a value counts as where a number is needed and text may be junk: functions' numeric arguments. NULL is `None`.
#[inline]
pub fn number_of(value: ValueRef<'_>) -> Option<Number> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(i) => Some(Number::Integer(i)),
        ValueRef::Real(r) => Some(Number::Real(r)),
        ValueRef::Text(text) | ValueRef::Blob(text) => Some(operand_number(text)),
    }
}

/// A value as an integer, as CAST makes it; NULL is 0.
#[inline]
pub fn integer_of(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::Null => 0,
        ValueRef::Integer(i) => i,
        ValueRef::Real(r) => integer_from_real(r),
        ValueRef::Text(text) | ValueRef::Blob(text) => integer_prefix(text),
    }
}

/// A value as a real, as CAST makes it; NULL is 0.
#[inline]
pub fn real_of(value: ValueRef<'_>) -> f64 {
    match value {
        ValueRef::Null => 0.0,
        ValueRef::Integer(i) => i as f64,
        ValueRef::Real(r) => r,
        ValueRef::Text(text) | ValueRef::Blob(text) => real_prefix(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals() {
        assert_eq!(integer_literal(b"0x10"), Ok(Some(16)));
        assert_eq!(integer_literal(b"0xFFFFFFFFFFFFFFFF"), Ok(Some(-1)));
        assert_eq!(integer_literal(b"0x00000000000000000001"), Ok(Some(1)));
        assert_eq!(integer_literal(b"0x10000000000000000"), Err(HexTooLarge));
        assert_eq!(integer_literal(b"9223372036854775807"), Ok(Some(i64::MAX)));
        assert_eq!(integer_literal(b"9223372036854775808"), Ok(None));
    }

    #[test]
    fn each_use_reads_its_own_way() {
        assert_eq!(affinity_number(b" 1e2 "), Some(Number::Integer(100)));
        assert_eq!(argument_number(b"1e2"), Some(Number::Real(100.0)));
        assert_eq!(affinity_number(b"1x"), None);
        assert_eq!(operand_number(b"1x"), Number::Integer(1));
        assert_eq!(
            operand_number(b"9223372036854775808"),
            Number::Real(9223372036854775808.0)
        );
        assert_eq!(cast_number(b"1e2x"), Number::Integer(100));
        assert_eq!(integer_prefix(b"1e2"), 1);
        assert_eq!(integer_prefix(b"-99999999999999999999"), i64::MIN);
        assert_eq!(scan_real(b"1e").extent, Extent::Prefix);
        assert_eq!(scan_real(b".").extent, Extent::Nothing);
        assert_eq!(scan_real(b"-.5").value, -0.5);
    }

    #[test]
    fn what_is_ruled_out_is_no_number() {
        let texts = [
            "",
            " ",
            "-",
            "+",
            ".",
            ".5",
            "5.",
            "-.5e3",
            "1e",
            "1e5 ",
            " 12 ",
            "12-3",
            "1994-01-01",
            "abc",
            "e5",
            "1 2",
            "12\0x",
            "0x1f",
            "+-1",
            "7\t",
            "\u{a0}1",
        ];
        for text in texts {
            let number = affinity_number(text.as_bytes());
            assert!(number.is_none() || may_be_number(text.as_bytes()), "{text}");
        }
        assert!(!may_be_number(b"1994-01-01") && !may_be_number(b"AIR") && !may_be_number(b""));
    }
}
