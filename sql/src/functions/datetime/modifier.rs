//! Modifiers: transformations of a time, applied from left to right.

use super::instant::{Clock, DAY_MS, Date, Instant, UNIX_EPOCH_MS, Zone};
use super::{Call, parse};
use crate::error::{Error, Result};
use crate::value::number::{Extent, integer_from_real, is_space, scan_real, small_integer};

/// Applies the modifier `text`, which is argument number `index`; `None` when it is no modifier or does not apply.
pub(super) fn apply(
    call: &Call<'_, '_>,
    instant: &mut Instant,
    text: &[u8],
    index: usize,
) -> Result<Option<()>> {
    let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
    let done = match text.first().map(u8::to_ascii_lowercase) {
        Some(b'a') if is("auto") => auto(instant, index),
        Some(b'c') if is("ceiling") => {
            instant.compute_julian();
            instant.drop_fields();
            instant.overflow_days = 0;
            Some(())
        }
        Some(b'e') => after(text, b"end of ").and_then(|unit| end_of(instant, unit)),
        Some(b'f') if is("floor") => {
            instant.compute_julian();
            let days = i64::from(instant.overflow_days);
            instant.shift(-days * DAY_MS);
            instant.drop_fields();
            Some(())
        }
        Some(b'j') if is("julianday") => {
            let applies = index <= 1 && instant.julian_ms.is_some() && instant.number.is_some();
            applies.then(|| instant.number = None)
        }
        Some(b'l') if is("localtime") => {
            call.require_clock()?;
            if instant.zone != Zone::Local {
                to_local_time(instant)?;
            }
            instant.zone = Zone::Local;
            Some(())
        }
        Some(b'u') if is("unixepoch") && instant.number.is_some() => unix_epoch(instant, index),
        Some(b'u') if is("utc") => {
            call.require_clock()?;
            if instant.zone != Zone::Utc {
                to_utc(instant)?;
            }
            Some(())
        }
        Some(b'w') => after(text, b"weekday ").and_then(|day| weekday(instant, day)),
        Some(b's') if is("subsec") || is("subsecond") => {
            instant.subseconds = true;
            Some(())
        }
        Some(b's') => after(text, b"start of ").and_then(|unit| start_of(instant, unit)),
        Some(b'+' | b'-' | b'0'..=b'9') => shift(instant, text),
        _ => None,
    };
    Ok(done)
}

fn after<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// A number is taken for a Julian day when it can be one, else for seconds since 1970.
fn auto(instant: &mut Instant, index: usize) -> Option<()> {
    if index > 1 {
        return None;
    }
    let Some(number) = instant.number else {
        return Some(());
    };
    if instant.julian_ms.is_some() {
        instant.number = None;
    } else if (-210_866_760_000.0..=253_402_300_799.0).contains(&number) {
        set_unix_seconds(instant, number);
    }
    Some(())
}

fn unix_epoch(instant: &mut Instant, index: usize) -> Option<()> {
    let seconds = instant.number?;
    let milliseconds = seconds * 1000.0 + UNIX_EPOCH_MS as f64;
    if index > 1 || !(0.0..464_269_060_800_000.0).contains(&milliseconds) {
        return None;
    }
    set_unix_seconds(instant, seconds);
    Some(())
}

fn set_unix_seconds(instant: &mut Instant, seconds: f64) {
    instant.drop_fields();
    instant.julian_ms = Some((seconds * 1000.0 + UNIX_EPOCH_MS as f64 + 0.5) as i64);
    instant.number = None;
}

/// The part that `start of` and `end of` share: the date with another clock. `None` without a time.
fn with_clock(instant: &mut Instant, clock: Clock) -> Option<Date> {
    if instant.julian_ms.is_none() && instant.date.is_none() && instant.clock.is_none() {
        return None;
    }
    let date = instant.compute_date();
    instant.clock = Some(clock);
    instant.number = None;
    instant.offset_minutes = 0;
    instant.julian_ms = None;
    Some(date)
}

fn start_of(instant: &mut Instant, unit: &[u8]) -> Option<()> {
    let date = with_clock(instant, Clock::default())?;
    instant.replace_date(match unit.to_ascii_lowercase().as_slice() {
        b"day" => date,
        b"month" => Date { day: 1, ..date },
        b"year" => Date {
            month: 1,
            day: 1,
            ..date
        },
        _ => return None,
    });
    Some(())
}

fn end_of(instant: &mut Instant, unit: &[u8]) -> Option<()> {
    let date = with_clock(
        instant,
        Clock {
            hour: 23,
            minute: 59,
            second: 59.999,
        },
    )?;
    match unit.to_ascii_lowercase().as_slice() {
        b"day" => {}
        b"month" => {
            instant.set_months(date.year, date.month + 1, 1);
            instant.compute_julian();
            instant.shift(-DAY_MS);
            instant.drop_fields();
        }
        b"year" => {
            instant.date = Some(Date {
                month: 12,
                day: 31,
                ..date
            })
        }
        _ => return None,
    }
    Some(())
}

/// On to the next such day of the week (back with a minus), unless it is one already.
fn weekday(instant: &mut Instant, text: &[u8]) -> Option<()> {
    let number = scan_real(text);
    if number.extent != Extent::Whole || !(-6.0..=6.0).contains(&number.value) {
        return None;
    }
    let wanted = small_integer(number.value)?.abs();
    instant.compute_fields();
    instant.offset_minutes = 0;
    instant.julian_ms = None;
    let mut today = (instant.compute_julian() + 3 * DAY_MS / 2) / DAY_MS % 7;
    if today != wanted {
        if today > wanted {
            today -= 7;
        }
        instant.shift((wanted - today) * DAY_MS);
        if text.contains(&b'-') {
            instant.shift(-7 * DAY_MS);
        }
    }
    instant.drop_fields();
    Some(())
}

/// `NNN units`, `HH:MM[:SS.SSS]`, or `YYYY-MM-DD[ HH:MM[:SS.SSS]]` behind a sign.
fn shift(instant: &mut Instant, text: &[u8]) -> Option<()> {
    let (end, year_digits) = number_end(text);
    let number = scan_real(&text[..end]);
    if number.extent != Extent::Whole {
        return None;
    }
    let rest = &text[end..];
    match (rest.first(), year_digits) {
        (Some(b'-'), Some(digits)) => shift_date(instant, text, digits),
        (Some(b':'), _) => shift_clock(instant, text[0], text),
        _ => shift_units(instant, number.value, &rest[parse::skip_spaces(rest, 0)..]),
    }
}

/// Where the number at the start of a shift ends; when it is a year, how many digits that has.
fn number_end(text: &[u8]) -> (usize, Option<usize>) {
    for (at, &byte) in text.iter().enumerate().skip(1) {
        if byte == b':' || is_space(byte) {
            return (at, None);
        }
        let year_digits = at - 1;
        if byte == b'-'
            && matches!(year_digits, 4 | 5)
            && parse::digits(text, 1, year_digits, 0..=14_712).is_some()
        {
            return (at, Some(year_digits));
        }
    }
    (text.len(), None)
}

fn shift_date(instant: &mut Instant, text: &[u8], year_digits: usize) -> Option<()> {
    let sign = match text[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let by = parse::date_shift(&text[1..], year_digits)?;
    let (date, _) = instant.compute_fields();
    instant.set_months(date.year + sign * by.year, date.month + sign * by.month, date.day);
    instant.compute_julian();
    instant.clock = None;
    instant.date = None;
    instant.shift(i64::from(sign * by.day) * DAY_MS);
    let rest = &text[year_digits + 7..];
    match rest.first() {
        None => Some(()),
        Some(space) if is_space(*space) => shift_clock(instant, text[0], &rest[1..]),
        Some(_) => None,
    }
}

fn shift_clock(instant: &mut Instant, sign: u8, text: &[u8]) -> Option<()> {
    let clock = &text[usize::from(!text.first()?.is_ascii_digit())..];
    let mut by = Instant::default();
    parse::time_of_day(clock, &mut by)?;
    let by_ms = (by.compute_julian() - DAY_MS / 2) % DAY_MS;
    instant.compute_julian();
    instant.drop_fields();
    instant.shift(if sign == b'-' { -by_ms } else { by_ms });
    Some(())
}

/// Name of a unit, the largest count of it, and its seconds.
const UNITS: [(&[u8], f32, f64); 6] = [
    (b"second", 4.6427e+14, 1.0),
    (b"minute", 7.7379e+12, 60.0),
    (b"hour", 1.2897e+11, 3600.0),
    (b"day", 5_373_485.0, 86_400.0),
    (b"month", 176_546.0, 2_592_000.0),
    (b"year", 14_713.0, 31_536_000.0),
];

fn shift_units(instant: &mut Instant, count: f64, unit: &[u8]) -> Option<()> {
    if !(3..=10).contains(&unit.len()) {
        return None;
    }
    let unit = unit
        .strip_suffix(b"s")
        .or(unit.strip_suffix(b"S"))
        .unwrap_or(unit);
    let limited = |limit: f32| count > -f64::from(limit) && count < f64::from(limit);
    let found = UNITS
        .iter()
        .find(|(name, limit, _)| name.eq_ignore_ascii_case(unit) && limited(*limit));
    instant.compute_julian();
    instant.overflow_days = 0;
    let Some((name, _, seconds)) = found else {
        instant.drop_fields();
        return None;
    };
    let mut rest = count;
    if matches!(*name, b"month" | b"year") {
        let whole = count as i32;
        let (date, _) = instant.compute_fields();
        match *name {
            b"month" => instant.set_months(date.year, date.month + whole, date.day),
            _ => instant.set_months(date.year + whole, date.month, date.day),
        }
        rest -= f64::from(whole);
    }
    instant.compute_julian();
    let half = if count < 0.0 { -0.5 } else { 0.5 };
    instant.shift(integer_from_real(rest * 1000.0 * seconds + half));
    instant.drop_fields();
    Some(())
}

/// Years whose local time is asked from the system as it is; others go through a year of the same leap cycle.
const LOCAL_FROM_MS: i64 = 210_866_760_000_000;
const LOCAL_UNTIL_MS: i64 = 213_014_145_600_000;

fn to_local_time(instant: &mut Instant) -> Result<()> {
    let julian_ms = instant.compute_julian();
    let mut asked = instant.clone();
    let mut years = 0;
    if !(LOCAL_FROM_MS..=LOCAL_UNTIL_MS).contains(&julian_ms) {
        let (date, _) = asked.compute_fields();
        years = 2000 + date.year % 4 - date.year;
        // A time out of range has no date; SQLite goes on with the start of 2000.
        asked.date = asked.date.map(|date| Date {
            year: date.year + years,
            ..date
        });
        asked.julian_ms = None;
    }
    let seconds = asked.compute_julian() / 1000 - UNIX_EPOCH_MS / 1000;
    let local = local_fields(seconds).ok_or_else(|| Error::sql("local time unavailable"))?;
    instant.date = Some(Date {
        year: local.0.year - years,
        ..local.0
    });
    let second = local.1.second + (julian_ms % 1000) as f64 * 0.001;
    instant.clock = Some(Clock { second, ..local.1 });
    instant.julian_ms = None;
    instant.number = None;
    instant.offset_minutes = 0;
    instant.failed = false;
    Ok(())
}

/// Date and clock in the system's zone.
fn local_fields(unix_seconds: i64) -> Option<(Date, Clock)> {
    let timestamp = jiff::Timestamp::from_second(unix_seconds).ok()?;
    let offset = jiff::tz::TimeZone::system().to_offset(timestamp);
    let local = offset.to_datetime(timestamp);
    let date = Date {
        year: local.year().into(),
        month: local.month().into(),
        day: local.day().into(),
    };
    let clock = Clock {
        hour: local.hour().into(),
        minute: local.minute().into(),
        second: local.second().into(),
    };
    Some((date, clock))
}

/// Searches the UTC whose local time is the given one.
fn to_utc(instant: &mut Instant) -> Result<()> {
    let local = instant.compute_julian();
    let (mut guess, mut error) = (local, 0);
    for _ in 0..4 {
        guess -= error;
        let mut candidate = Instant {
            julian_ms: Some(guess),
            ..Instant::default()
        };
        to_local_time(&mut candidate)?;
        error = candidate.compute_julian() - local;
        if error == 0 {
            break;
        }
    }
    *instant = Instant::utc(guess);
    Ok(())
}
