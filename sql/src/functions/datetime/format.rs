//! Times as text: the fixed forms and `strftime`.

use std::io::Write;

use super::instant::{DAY_MS, Instant, UNIX_EPOCH_MS};
use crate::error::Result;
use crate::functions::printf::format_into;
use crate::value::ValueRef;

/// Writing to a vector does not fail.
macro_rules! put {
    ($out:expr, $($part:tt)*) => {
        write!($out, $($part)*).unwrap_or(())
    };
}

/// Appends the last `count` digits of a number.
fn push_digits(value: u32, count: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + count, b'0');
    let mut rest = value;
    for digit in out[start..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// `YYYY-MM-DD`, with a minus before years before 0.
pub(super) fn write_date(instant: &mut Instant, out: &mut Vec<u8>) {
    let date = instant.compute_date();
    if date.year < 0 {
        out.push(b'-');
    }
    push_digits(date.year.unsigned_abs(), 4, out);
    out.push(b'-');
    push_digits(date.month.unsigned_abs(), 2, out);
    out.push(b'-');
    push_digits(date.day.unsigned_abs(), 2, out);
}

/// `HH:MM:SS`, with milliseconds when they were asked for.
pub(super) fn write_clock(instant: &mut Instant, out: &mut Vec<u8>) {
    let clock = instant.compute_clock();
    push_digits(clock.hour.unsigned_abs(), 2, out);
    out.push(b':');
    push_digits(clock.minute.unsigned_abs(), 2, out);
    out.push(b':');
    if instant.subseconds {
        let ms = (1000.0 * clock.second + 0.5) as u32;
        push_digits(ms / 1000, 2, out);
        out.push(b'.');
        push_digits(ms, 3, out);
    } else {
        push_digits(clock.second as u32, 2, out);
    }
}

/// Seconds since 1970.
pub(super) fn unix_seconds(instant: &mut Instant) -> ValueRef<'static> {
    let julian_ms = instant.compute_julian();
    if instant.subseconds {
        ValueRef::Real((julian_ms - UNIX_EPOCH_MS) as f64 / 1000.0)
    } else {
        ValueRef::Integer(julian_ms / 1000 - UNIX_EPOCH_MS / 1000)
    }
}

fn write_printf(format: &str, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<()> {
    format_into(format.as_bytes(), &[value], out, usize::MAX)
}

/// Seconds with three digits after the point.
pub(super) fn write_seconds(second: f64, out: &mut Vec<u8>) -> Result<()> {
    write_printf("%06.3f", ValueRef::Real(second), out)
}

/// Appends `format` with its `%` conversions replaced; `None` when one of them does not exist.
pub(super) fn strftime(format: &[u8], instant: &mut Instant, out: &mut Vec<u8>) -> Result<Option<()>> {
    instant.compute_julian();
    instant.compute_fields();
    let mut rest = format;
    while let Some(at) = memchr::memchr(b'%', rest) {
        out.extend_from_slice(&rest[..at]);
        let Some(&conversion) = rest.get(at + 1) else {
            return Ok(None);
        };
        if convert(conversion, instant, out)?.is_none() {
            return Ok(None);
        }
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
    Ok(Some(()))
}

fn convert(conversion: u8, instant: &mut Instant, out: &mut Vec<u8>) -> Result<Option<()>> {
    let (date, clock) = instant.compute_fields();
    let second = clock.second as i32;
    match conversion {
        b'd' => put!(out, "{:02}", date.day),
        b'e' => put!(out, "{:2}", date.day),
        b'f' => write_seconds(clock.second, out)?,
        b'F' => put!(out, "{:04}-{:02}-{:02}", date.year, date.month, date.day),
        b'G' => put!(out, "{:04}", thursday(instant).compute_date().year),
        b'g' => put!(out, "{:02}", thursday(instant).compute_date().year % 100),
        b'H' => put!(out, "{:02}", clock.hour),
        b'k' => put!(out, "{:2}", clock.hour),
        b'I' => put!(out, "{:02}", twelve_hours(clock.hour)),
        b'l' => put!(out, "{:2}", twelve_hours(clock.hour)),
        b'j' => put!(out, "{:03}", instant.day_of_year() + 1),
        b'J' => {
            let day = instant.compute_julian() as f64 / DAY_MS as f64;
            write_printf("%.16g", ValueRef::Real(day), out)?;
        }
        b'm' => put!(out, "{:02}", date.month),
        b'M' => put!(out, "{:02}", clock.minute),
        b'p' => out.extend_from_slice(if clock.hour >= 12 { b"PM" } else { b"AM" }),
        b'P' => out.extend_from_slice(if clock.hour >= 12 { b"pm" } else { b"am" }),
        b'R' => put!(out, "{:02}:{:02}", clock.hour, clock.minute),
        b's' => {
            let format = if instant.subseconds { "%.3f" } else { "%d" };
            write_printf(format, unix_seconds(instant), out)?;
        }
        b'S' => put!(out, "{second:02}"),
        b'T' => put!(out, "{:02}:{:02}:{second:02}", clock.hour, clock.minute),
        b'u' => put!(out, "{}", (instant.days_after_sunday() + 6) % 7 + 1),
        b'w' => put!(out, "{}", instant.days_after_sunday()),
        b'U' => put!(
            out,
            "{:02}",
            (instant.day_of_year() - instant.days_after_sunday() + 7) / 7
        ),
        b'V' => put!(out, "{:02}", thursday(instant).day_of_year() / 7 + 1),
        b'W' => put!(
            out,
            "{:02}",
            (instant.day_of_year() - instant.days_after_monday() + 7) / 7
        ),
        b'Y' => put!(out, "{:04}", date.year),
        b'%' => out.push(b'%'),
        _ => return Ok(None),
    }
    Ok(Some(()))
}

fn twelve_hours(hour: i32) -> i32 {
    (hour + 11) % 12 + 1
}

/// The Thursday of the same week: its year is the week's year.
fn thursday(instant: &Instant) -> Instant {
    let mut thursday = instant.clone();
    thursday.shift((3 - instant.days_after_monday()) * DAY_MS);
    thursday.date = None;
    thursday
}
