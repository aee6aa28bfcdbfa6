//! Number to text: the decimal digits of a real, and the texts that SQL shows.
//!
//! A real becomes text as `%!.17g` does it: up to 17 significant digits, fewer where fewer read back as the same
//! double, always with a point or an exponent (`1.0`, `1.0e+20`), `Inf` and `-Inf`. [`Digits`] is the step below, which printf shares: the
//! significant digits and where the point stands.
//!
//! # How the digits are found
//!
//! A double is `m * 2^e` with `m` shifted to 64 bits. One multiplication by a power of ten, cut off to 64 bits and chosen so that the product has 18
//! or 19 digits before the point, gives all digits that are ever shown:
//!
//! ```text
//!   m (64 bits)  *  10^p ~ T * 2^t (T: 64 bits)  ->  64 high bits of the product  >>  to 18 or 19 decimal digits
//! ```
//!
//! 64 bits are what SQLite takes: the 18th digit of a large or small number is not always the exact one, and the 17 that are shown agree with SQLite's
//! only when ours is wrong in the same way. (17 digits identify a double all the same.)
//!
//! Rounding to fewer digits works on those decimal digits, half away from zero, as SQLite does it; so a text of 15 digits is rounded twice.

use super::ValueRef;
use super::number;

/// Significant digits shown of a real by default.
pub const REAL_DIGITS: i32 = 17;

/// Where the digits of a real end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// This many significant digits, at least 1.
    Significant(i32),
    /// This many digits after the point, at least 0.
    AfterPoint(i32),
}

/// What kind of real the digits are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealKind {
    /// A number with digits.
    Finite,
    /// Either infinity.
    Infinite,
    /// Not a number.
    NotANumber,
}

const BUFFER: usize = 24;

/// The significant digits of a real. The number is `0.d1d2d3.. * 10^point`.
#[derive(Debug, Clone)]
pub struct Digits {
    /// Finite, or not.
    pub kind: RealKind,
    /// True below zero (negative zero counts as zero).
    pub negative: bool,
    /// Digits before the point; negative when zeros follow the point.
    pub point: i32,
    buffer: [u8; BUFFER],
    start: usize,
    end: usize,
}

impl Digits {
    /// The digits of `real`, rounded, and never more than `digits_max` of them.
    pub fn of(real: f64, rounding: Rounding, digits_max: i32) -> Digits {
        let mut digits = Digits {
            kind: RealKind::Finite,
            negative: real < 0.0,
            point: 1,
            buffer: [b'0'; BUFFER],
            start: 0,
            end: 1,
        };
        if real == 0.0 {
            return digits;
        }
        if !real.is_finite() {
            digits.kind = if real.is_nan() {
                RealKind::NotANumber
            } else {
                RealKind::Infinite
            };
            return digits;
        }
        let wanted = match rounding {
            Rounding::Significant(n) if n < 18 => n.max(1) + 1,
            _ => 18,
        };
        let (decimal, exponent) = to_decimal(real.abs(), wanted);
        digits.write_integer(decimal);
        digits.point = digits.len() as i32 + exponent;
        digits.round(real.abs(), exponent, rounding, digits_max);
        digits.drop_trailing_zeros();
        digits
    }

    /// A number far beyond every double, which stands for infinity where only digits may be written.
    pub(crate) fn too_large(negative: bool) -> Digits {
        let mut digits = Digits::of(9.0, Rounding::Significant(1), 20);
        digits.negative = negative;
        digits.point = 1000;
        digits
    }

    /// The digits, most significant first, without zeros at the end; at least one.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    #[inline]
    fn len(&self) -> usize {
        self.end - self.start
    }

    fn write_integer(&mut self, decimal: u64) {
        self.start = digits_backwards(decimal, &mut self.buffer);
        self.end = BUFFER;
    }

    fn round(&mut self, real: f64, exponent: i32, rounding: Rounding, digits_max: i32) {
        let mut keep = match rounding {
            Rounding::Significant(n) => n.max(1),
            Rounding::AfterPoint(n) => self.point.saturating_add(n),
        };
        // All digits lie behind the last place shown: they may still round up into it.
        if keep == 0 && matches!(rounding, Rounding::AfterPoint(_)) && self.buffer[self.start] >= b'5' {
            keep = 1;
            self.start -= 1;
            self.buffer[self.start] = b'0';
            self.point += 1;
        }
        if keep <= 0 {
            // No digit is visible: zeros after the point take all places.
            return;
        }
        let len = self.len() as i32;
        if keep >= len && len <= digits_max {
            return;
        }
        keep = keep.min(digits_max);
        if keep == REAL_DIGITS {
            keep = self.shorter_round_trip(real, exponent).unwrap_or(keep);
        }
        if keep < len {
            self.cut(keep as usize);
        }
    }

    /// Cuts after `keep` digits, rounding half away from zero.
    fn cut(&mut self, keep: usize) {
        let up = self.buffer[self.start + keep] >= b'5';
        self.end = self.start + keep;
        if !up {
            return;
        }
        for at in (self.start..self.end).rev() {
            if self.buffer[at] < b'9' {
                self.buffer[at] += 1;
                return;
            }
            self.buffer[at] = b'0';
        }
        self.start -= 1;
        self.buffer[self.start] = b'1';
        self.point += 1;
    }

    /// With 17 digits most short decimals show noise at the end (`49.469999999999999`). Where a run of nines or zeros suggests a
    /// short decimal, and that one reads back as the same double, this many digits are enough.
    fn shorter_round_trip(&self, real: f64, exponent: i32) -> Option<i32> {
        let digits = self.as_bytes();
        let len = digits.len() as i32;
        let prefix_value = |count: usize| {
            digits[..count]
                .iter()
                .fold(0u64, |v, d| v * 10 + u64::from(d - b'0'))
        };
        let (shorter, value) = match digits.get(13..16)? {
            [_, b'9', b'9'] => {
                let run = digits[..14].iter().rev().take_while(|d| **d == b'9').count();
                let shorter = 14 - run;
                (shorter, prefix_value(shorter) + 1)
            }
            tail if self.point >= len || tail == b"000" => {
                let run = digits[..13].iter().rev().take_while(|d| **d == b'0').count();
                let shorter = 13 - run;
                (shorter, prefix_value(shorter))
            }
            _ => return None,
        };
        let same = number::real_from_decimal(value, exponent + len - shorter as i32) == real;
        same.then_some(shorter as i32 + 1)
    }

    fn drop_trailing_zeros(&mut self) {
        while self.len() > 1 && self.buffer[self.end - 1] == b'0' {
            self.end -= 1;
        }
    }
}

/// `real = decimal * 10^exponent` with `digits` or one more decimal digits; rounded for 18 digits, cut off for fewer.
fn to_decimal(real: f64, digits: i32) -> (u64, i32) {
    let bits = real.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, binary_exponent) = match (bits >> 52) as i32 {
        0 => {
            let shift = fraction.leading_zeros();
            (fraction << shift, -1074 - shift as i32)
        }
        biased => (fraction << 11 | 1 << 63, biased - 1086),
    };
    let power = digits - 1 - floor_log10_of_power_of_2(binary_exponent + 63);
    let (significand, power_exponent) = power_of_ten(power);
    let high = ((u128::from(mantissa) * u128::from(significand)) >> 64) as u64;
    let shift = (-(binary_exponent + power_exponent + 64)) as u32;
    let decimal = if digits == 18 {
        ((high >> (shift - 1)) + 1) >> 1
    } else {
        high >> shift
    };
    (decimal, -power)
}

fn floor_log10_of_power_of_2(exponent: i32) -> i32 {
    (exponent * 78_913) >> 18
}

fn floor_log2_of_power_of_10(exponent: i32) -> i32 {
    (exponent * 108_853) >> 15
}

/// The powers that doubles ask for: from 10^(0-308) up to 10^(17+324).
const POWER_MIN: i32 = -310;
const POWER_MAX: i32 = 345;

/// `10^power = significand * 2^exponent`, the significand cut off to 64 bits with the highest set.
fn power_of_ten(power: i32) -> (u64, i32) {
    let significand = POWERS_OF_TEN[(power - POWER_MIN) as usize];
    (significand, floor_log2_of_power_of_10(power) - 63)
}

static POWERS_OF_TEN: [u64; (POWER_MAX - POWER_MIN + 1) as usize] = powers_of_ten();

/// Limbs of the big numbers that the table is made of: 5^345 has 802 bits.
const LIMBS: usize = 16;

/// 5^n and 10^n have the same significant bits; so have 2^k / 5^n and 10^-n.
const fn powers_of_ten() -> [u64; (POWER_MAX - POWER_MIN + 1) as usize] {
    let mut table = [0u64; (POWER_MAX - POWER_MIN + 1) as usize];
    let mut big = [0u64; LIMBS];
    big[0] = 1;
    let mut power = 0;
    while power <= POWER_MAX {
        table[(power - POWER_MIN) as usize] = top_bits(&big);
        big = times_five(big);
        power += 1;
    }
    // 2^1023 / 5^n keeps more than 64 bits down to n = 310 (720 bits). Dividing floor by floor is exact.
    big = [0; LIMBS];
    big[LIMBS - 1] = 1 << 63;
    power = 0;
    while power >= POWER_MIN {
        table[(power - POWER_MIN) as usize] = top_bits(&big);
        big = by_five(big);
        power -= 1;
    }
    table
}

const fn times_five(mut big: [u64; LIMBS]) -> [u64; LIMBS] {
    let mut carry = 0u128;
    let mut i = 0;
    while i < LIMBS {
        let product = big[i] as u128 * 5 + carry;
        big[i] = product as u64;
        carry = product >> 64;
        i += 1;
    }
    big
}

const fn by_five(mut big: [u64; LIMBS]) -> [u64; LIMBS] {
    let mut rest = 0u128;
    let mut i = LIMBS;
    while i > 0 {
        i -= 1;
        let dividend = rest << 64 | big[i] as u128;
        big[i] = (dividend / 5) as u64;
        rest = dividend % 5;
    }
    big
}

/// The 64 bits from the highest set bit down.
const fn top_bits(big: &[u64; LIMBS]) -> u64 {
    let mut top = LIMBS - 1;
    while top > 0 && big[top] == 0 {
        top -= 1;
    }
    let shift = big[top].leading_zeros();
    let below = if top > 0 { big[top - 1] } else { 0 };
    if shift == 0 {
        big[top]
    } else {
        big[top] << shift | below >> (64 - shift)
    }
}

/// Appends the text of an integer.
pub fn write_integer(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    write_unsigned(value.unsigned_abs(), out);
}

/// Appends the text of an unsigned integer.
pub fn write_unsigned(value: u64, out: &mut Vec<u8>) {
    let mut buffer = [0u8; 20];
    let start = digits_backwards(value, &mut buffer);
    out.extend_from_slice(&buffer[start..]);
}

/// Writes the digits of `value` to the end of `buffer`, two at a time; returns where they start.
fn digits_backwards(mut value: u64, buffer: &mut [u8]) -> usize {
    let mut at = buffer.len();
    while value >= 100 {
        let pair = (value % 100) as u8;
        value /= 100;
        at -= 2;
        buffer[at] = b'0' + pair / 10;
        buffer[at + 1] = b'0' + pair % 10;
    }
    if value >= 10 {
        at -= 1;
        buffer[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    at -= 1;
    buffer[at] = b'0' + value as u8;
    at
}

/// Appends the text of a real, as SQL shows it.
pub fn write_real(real: f64, out: &mut Vec<u8>) {
    match short_decimal(real.abs()) {
        Some(short) => {
            if real < 0.0 {
                out.push(b'-');
            }
            short.write(out);
        }
        None => write_real_digits(real, REAL_DIGITS, out),
    }
}

/// `whole / 10^places`, without zeros at the end.
struct ShortDecimal {
    whole: u64,
    places: usize,
}

/// The number as a decimal of up to four places and 13 digits, when that is what it is: prices, percentages, counts. Any double that is the
/// nearest to such a decimal is shown as it, so the long way can be spared.
fn short_decimal(magnitude: f64) -> Option<ShortDecimal> {
    const POWERS: [f64; 5] = [1.0, 10.0, 100.0, 1000.0, 10_000.0];
    const DIGITS_MAX: f64 = 1e13;
    if !(1e-3..DIGITS_MAX).contains(&magnitude) {
        return (magnitude == 0.0).then_some(ShortDecimal { whole: 0, places: 0 });
    }
    for (places, power) in POWERS.into_iter().enumerate() {
        let scaled = magnitude * power;
        if scaled >= DIGITS_MAX {
            return None;
        }
        let whole = (scaled + 0.5) as u64;
        if whole as f64 / power == magnitude {
            return Some(ShortDecimal { whole, places });
        }
    }
    None
}

impl ShortDecimal {
    fn write(&self, out: &mut Vec<u8>) {
        let power = 10u64.pow(self.places as u32);
        write_unsigned(self.whole / power, out);
        out.push(b'.');
        let mut fraction = self.whole % power;
        let start = out.len();
        out.resize(start + self.places.max(1), b'0');
        for digit in out[start..].iter_mut().rev() {
            *digit = b'0' + (fraction % 10) as u8;
            fraction /= 10;
        }
    }
}

/// Appends the text of a real with at most `significant` digits: `%!.Ng`.
pub fn write_real_digits(real: f64, significant: i32, out: &mut Vec<u8>) {
    let digits = Digits::of(real, Rounding::Significant(significant), 20);
    if digits.negative {
        out.push(b'-');
    }
    match digits.kind {
        RealKind::NotANumber => out.extend_from_slice(b"NaN"),
        RealKind::Infinite => out.extend_from_slice(b"Inf"),
        RealKind::Finite => write_general(&digits, significant, out),
    }
}

fn write_general(digits: &Digits, significant: i32, out: &mut Vec<u8>) {
    let exponent = digits.point - 1;
    let shown = digits.as_bytes();
    if exponent < -4 || exponent >= significant {
        out.push(shown[0]);
        out.push(b'.');
        out.extend_from_slice(if shown.len() > 1 { &shown[1..] } else { b"0" });
        write_exponent(exponent, b'e', out);
        return;
    }
    if digits.point <= 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + digits.point.unsigned_abs() as usize, b'0');
        out.extend_from_slice(shown);
        return;
    }
    let whole = (digits.point as usize).min(shown.len());
    out.extend_from_slice(&shown[..whole]);
    out.resize(out.len() + (digits.point as usize - whole), b'0');
    out.push(b'.');
    out.extend_from_slice(if whole < shown.len() {
        &shown[whole..]
    } else {
        b"0"
    });
}

/// Appends `e+05`: the letter, a sign, and two or three digits.
pub(crate) fn write_exponent(exponent: i32, letter: u8, out: &mut Vec<u8>) {
    out.push(letter);
    out.push(if exponent < 0 { b'-' } else { b'+' });
    let magnitude = exponent.unsigned_abs();
    if magnitude < 10 {
        out.push(b'0');
    }
    write_unsigned(u64::from(magnitude), out);
}

/// Appends the text of a number; nothing for other values.
pub fn write_number(number: ValueRef<'_>, out: &mut Vec<u8>) {
    match number {
        ValueRef::Integer(i) => write_integer(i, out),
        ValueRef::Real(r) => write_real(r, out),
        _ => {}
    }
}

/// The bytes that a value counts as where a text or blob is needed: its own, or the text of a number in `buffer`. NULL is `None`.
#[inline]
pub fn bytes_of<'a>(value: ValueRef<'a>, buffer: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    match value {
        ValueRef::Null => None,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes),
        number => {
            buffer.clear();
            write_number(number, buffer);
            Some(buffer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(real: f64) -> String {
        let mut out = Vec::new();
        write_real(real, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn reals_as_text() {
        for (real, expected) in [
            (0.0, "0.0"),
            (-0.0, "0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (49.47, "49.47"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1000000000000000.0"),
            (1e17, "1.0e+17"),
            (1e22, "1.0e+22"),
            (1e-5, "1.0e-05"),
            (1.2345e-300, "1.2345e-300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(text(real), expected);
        }
    }

    #[test]
    fn the_table_of_powers_is_exact_where_it_can_be() {
        assert_eq!(power_of_ten(0), (1 << 63, -63));
        assert_eq!(power_of_ten(1), (10 << 60, -60));
        assert_eq!(power_of_ten(-1), (u64::MAX / 5 * 4, -67));
    }
}
