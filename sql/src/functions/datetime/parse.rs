//! Time values: `YYYY-MM-DD HH:MM:SS.SSS +HH:MM` and its parts, numbers, `now`.

use super::Call;
use super::instant::{Clock, Date, Instant, Zone, days_of_month};
use crate::error::Result;
use crate::value::number::{Extent, is_space, scan_real};

/// A number of exactly `count` digits at `at`, within `range`.
pub(super) fn digits(
    text: &[u8],
    at: usize,
    count: usize,
    range: std::ops::RangeInclusive<i32>,
) -> Option<i32> {
    let digits = text.get(at..at + count)?;
    let value = digits.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i32::from(byte - b'0'))
    })?;
    range.contains(&value).then_some(value)
}

pub(super) fn skip_spaces(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|b| is_space(*b)) {
        at += 1;
    }
    at
}

/// Reads a time value; `None` when it is none.
pub(super) fn time_value(call: &Call<'_, '_>, text: &[u8]) -> Result<Option<Instant>> {
    if let Some(instant) = date_and_time(text) {
        return Ok(Some(instant));
    }
    let mut instant = Instant::default();
    if time_of_day(text, &mut instant).is_some() {
        return Ok(Some(instant));
    }
    if text.eq_ignore_ascii_case(b"now") {
        return call.now().map(Some);
    }
    let number = scan_real(text);
    if number.extent == Extent::Whole {
        instant = Instant::default();
        instant.set_number(number.value);
        return Ok(Some(instant));
    }
    if text.eq_ignore_ascii_case(b"subsec") || text.eq_ignore_ascii_case(b"subsecond") {
        let mut now = call.now()?;
        now.subseconds = true;
        return Ok(Some(now));
    }
    Ok(None)
}

fn date_and_time(text: &[u8]) -> Option<Instant> {
    let negative = text.first() == Some(&b'-');
    let text = &text[usize::from(negative)..];
    let mut year = digits(text, 0, 4, 0..=14_712)?;
    let mut month = digits(text, 5, 2, 1..=12)?;
    let mut day = digits(text, 8, 2, 1..=31)?;
    if text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let mut at = 10;
    while text.get(at).is_some_and(|b| is_space(*b) || *b == b'T') {
        at += 1;
    }
    let mut instant = Instant::default();
    if at < text.len() {
        time_of_day(&text[at..], &mut instant)?;
    }
    if let Some(clock) = instant.clock.as_mut().filter(|clock| clock.hour == 24) {
        clock.hour = 0;
        day += 1;
        let last = days_of_month(year, month);
        if day > last {
            day -= last;
            month += 1;
        }
        if month > 12 {
            month = 1;
            year += 1;
        }
    }
    let year = if negative { -year } else { year };
    instant.date = Some(Date { year, month, day });
    instant.set_months(year, month, day);
    if instant.offset_minutes != 0 {
        instant.compute_julian();
    }
    Some(instant)
}

/// Reads `HH:MM[:SS[.SSS]]` with an optional zone into `instant`.
pub(super) fn time_of_day(text: &[u8], instant: &mut Instant) -> Option<()> {
    let hour = digits(text, 0, 2, 0..=24)?;
    let minute = digits(text, 3, 2, 0..=59)?;
    if text[2] != b':' {
        return None;
    }
    let mut at = 5;
    let (mut second, mut fraction) = (0, 0.0);
    if text.get(at) == Some(&b':') {
        second = digits(text, at + 1, 2, 0..=59)?;
        at += 3;
        if text.get(at) == Some(&b'.') && text.get(at + 1).is_some_and(u8::is_ascii_digit) {
            (fraction, at) = fraction_of_second(text, at + 1);
        }
    }
    if hour == 24 && (minute != 0 || second != 0 || fraction != 0.0) {
        return None;
    }
    instant.julian_ms = None;
    instant.number = None;
    instant.clock = Some(Clock {
        hour,
        minute,
        second: f64::from(second) + fraction,
    });
    zone(&text[at..], instant)
}

/// Held below one second as milliseconds show it.
fn fraction_of_second(text: &[u8], mut at: usize) -> (f64, usize) {
    let (mut value, mut scale) = (0.0, 1.0);
    while let Some(digit) = text.get(at).filter(|b| b.is_ascii_digit()) {
        value = value * 10.0 + f64::from(digit - b'0');
        scale *= 10.0;
        at += 1;
    }
    (f64::min(value / scale, 0.999), at)
}

fn zone(text: &[u8], instant: &mut Instant) -> Option<()> {
    let mut at = skip_spaces(text, 0);
    instant.offset_minutes = 0;
    let sign = match text.get(at) {
        None => return Some(()),
        Some(b'-') => -1,
        Some(b'+') => 1,
        Some(b'Z' | b'z') => {
            instant.zone = Zone::Utc;
            return (skip_spaces(text, at + 1) == text.len()).then_some(());
        }
        Some(_) => return None,
    };
    let hours = digits(text, at + 1, 2, 0..=14)?;
    let minutes = digits(text, at + 4, 2, 0..=59)?;
    if text[at + 3] != b':' {
        return None;
    }
    at += 6;
    instant.offset_minutes = sign * (hours * 60 + minutes);
    if instant.offset_minutes == 0 {
        instant.zone = Zone::Utc;
    }
    (skip_spaces(text, at) == text.len()).then_some(())
}

/// The years, months and days of a shift `YYYY-MM-DD`, months up to 11 and days up to 30; the year has `year_digits` digits.
pub(super) fn date_shift(text: &[u8], year_digits: usize) -> Option<Date> {
    let year = digits(text, 0, year_digits, 0..=14_712)?;
    let month = digits(text, year_digits + 1, 2, 0..=11)?;
    let day = digits(text, year_digits + 4, 2, 0..=30)?;
    let separated = text[year_digits] == b'-' && text[year_digits + 3] == b'-';
    separated.then_some(Date { year, month, day })
}
