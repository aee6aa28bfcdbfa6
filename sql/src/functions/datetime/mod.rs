//! Date and time functions: `date`, `time`, `datetime`, `julianday`, `unixepoch`, `strftime`, `timediff`, `current_*`.
//!
//! | module | what it owns |
//! |---|---|
//! | `instant` | a point in time as Julian day, date and clock, and the calendar between them |
//! | `parse` | time values |
//! | `modifier` | `+1 month`, `start of year`, `weekday 0`, `localtime`, ... |
//! | `format` | the texts |
//!
//! A time value that is none, a modifier that does not apply and a time outside of the years -4713 to 9999 give NULL.
//! `now` is the same throughout a statement, and refused where a result must not depend on the clock (indexes, CHECK, generated columns).

mod format;
mod instant;
mod modifier;
mod parse;
#[cfg(test)]
mod tests;

use super::{FunctionContext, ValueSink};
use crate::error::{Error, Result};
use crate::value::utf8::until_nul;
use crate::value::{ValueRef, decimal};
use instant::{DAY_MS, Instant, in_range};

type Args<'a, 'b> = &'a [ValueRef<'b>];
type Context<'a, 'b> = &'a mut FunctionContext<'b>;
type Sink<'a> = &'a mut dyn ValueSink;

/// What reading a time may ask for.
struct Call<'a, 'b> {
    cx: &'a FunctionContext<'b>,
    name: &'static str,
}

impl Call<'_, '_> {
    /// Fails where results must not depend on clock and zone.
    fn require_clock(&self) -> Result<()> {
        match self.cx.pure_place {
            None => Ok(()),
            Some(place) => Err(Error::sql(format!(
                "non-deterministic use of {}() in {place}",
                self.name
            ))),
        }
    }

    fn now(&self) -> Result<Instant> {
        self.require_clock()?;
        Ok(Instant::utc(self.cx.environment.now_julian_ms()))
    }

    /// The time that a time value and modifiers make; `None` for NULL.
    fn instant(&self, args: Args<'_, '_>) -> Result<Option<Instant>> {
        let mut buffer = Vec::new();
        let mut instant = match args.first() {
            None => return self.now().map(Some),
            Some(ValueRef::Integer(i)) => number(*i as f64),
            Some(ValueRef::Real(r)) => number(*r),
            Some(ValueRef::Null) => return Ok(None),
            Some(ValueRef::Text(text) | ValueRef::Blob(text)) => {
                match parse::time_value(self, until_nul(text))? {
                    Some(instant) => instant,
                    None => return Ok(None),
                }
            }
        };
        for (index, modifier) in args.iter().enumerate().skip(1) {
            let Some(text) = decimal::bytes_of(*modifier, &mut buffer) else {
                return Ok(None);
            };
            if modifier::apply(self, &mut instant, until_nul(text), index)?.is_none() {
                return Ok(None);
            }
        }
        let julian_ms = instant.compute_julian();
        if instant.failed || !in_range(julian_ms) {
            return Ok(None);
        }
        if args.len() == 1 && instant.date.is_some_and(|date| date.day > 28) {
            // The day may be past the end of its month.
            instant.date = None;
        }
        Ok(Some(instant))
    }
}

fn number(number: f64) -> Instant {
    let mut instant = Instant::default();
    instant.set_number(number);
    instant
}

/// Runs `write` on the time of a call; its text is the result.
fn text_result(
    cx: Context<'_, '_>,
    name: &'static str,
    args: Args<'_, '_>,
    out: Sink<'_>,
    write: impl FnOnce(&mut Instant, &mut Vec<u8>),
) -> Result<()> {
    match (Call { cx, name }).instant(args)? {
        None => out.null(),
        Some(mut instant) => {
            cx.scratch.clear();
            write(&mut instant, &mut cx.scratch);
            out.text(&cx.scratch);
        }
    }
    Ok(())
}

pub(super) fn date(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    text_result(cx, "date", args, out, format::write_date)
}

pub(super) fn time(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    text_result(cx, "time", args, out, format::write_clock)
}

pub(super) fn date_time(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    text_result(cx, "datetime", args, out, |instant, text| {
        format::write_date(instant, text);
        text.push(b' ');
        format::write_clock(instant, text);
    })
}

pub(super) fn julian_day(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    match (Call {
        cx,
        name: "julianday",
    })
    .instant(args)?
    {
        None => out.null(),
        Some(mut instant) => out.real(instant.compute_julian() as f64 / DAY_MS as f64),
    }
    Ok(())
}

pub(super) fn unix_epoch(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    match (Call {
        cx,
        name: "unixepoch",
    })
    .instant(args)?
    {
        None => out.null(),
        Some(mut instant) => out.value(format::unix_seconds(&mut instant)),
    }
    Ok(())
}

pub(super) fn strftime(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    let mut buffer = Vec::new();
    let format = args
        .first()
        .and_then(|format| decimal::bytes_of(*format, &mut buffer));
    let Some(format) = format else {
        out.null();
        return Ok(());
    };
    let Some(mut instant) = (Call { cx, name: "strftime" }).instant(&args[1..])? else {
        out.null();
        return Ok(());
    };
    cx.scratch.clear();
    match format::strftime(until_nul(format), &mut instant, &mut cx.scratch)? {
        None => out.null(),
        Some(()) => {
            cx.check_length(cx.scratch.len())?;
            out.text(&cx.scratch);
        }
    }
    Ok(())
}

pub(super) fn current_date(cx: Context<'_, '_>, _: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    date(cx, &[], out)
}

pub(super) fn current_time(cx: Context<'_, '_>, _: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    time(cx, &[], out)
}

pub(super) fn current_timestamp(cx: Context<'_, '_>, _: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    date_time(cx, &[], out)
}

/// What has to be added to the second time to get the first one, as `+YYYY-MM-DD HH:MM:SS.SSS`.
pub(super) fn time_diff(cx: Context<'_, '_>, args: Args<'_, '_>, out: Sink<'_>) -> Result<()> {
    let call = Call { cx, name: "timediff" };
    let first = call.instant(&args[..1])?;
    let Some((mut to, mut from)) = first.zip(call.instant(&args[1..2])?) else {
        out.null();
        return Ok(());
    };
    let forward = to.compute_julian() >= from.compute_julian();
    let (years, months) = step_months(&mut from, &mut to, forward);
    let rest = (to.compute_julian() - from.compute_julian()).abs();
    // The rest is less than a month: the calendar of a January shows it.
    let mut shown = Instant::utc(rest + YEAR_ZERO_MS);
    let (date, clock) = shown.compute_fields();
    cx.scratch.clear();
    let sign = if forward { '+' } else { '-' };
    let head = format!(
        "{sign}{years:04}-{months:02}-{:02} {:02}:{:02}:",
        date.day - 1,
        clock.hour,
        clock.minute
    );
    cx.scratch.extend_from_slice(head.as_bytes());
    format::write_seconds(clock.second, &mut cx.scratch)?;
    out.text(&cx.scratch);
    Ok(())
}

/// 0000-01-01
const YEAR_ZERO_MS: i64 = 148_699_540_800_000;

/// Moves `from` to the last whole month before `to` (after it, when going back) and counts the years and months.
fn step_months(from: &mut Instant, to: &mut Instant, forward: bool) -> (i32, i32) {
    let sign = if forward { 1 } else { -1 };
    let (target, _) = to.compute_fields();
    let (mut date, _) = from.compute_fields();
    let mut years = sign * (target.year - date.year);
    let mut months = sign * (target.month - date.month);
    if months < 0 {
        years -= 1;
        months += 12;
    }
    if target.year != date.year || target.month != date.month {
        (date.year, date.month) = (target.year, target.month);
        set_date(from, date);
    }
    while (to.compute_julian() - from.compute_julian()) * i64::from(sign) < 0 {
        months -= 1;
        if months < 0 {
            months = 11;
            years -= 1;
        }
        date.month -= sign;
        if !(1..=12).contains(&date.month) {
            date.year -= sign;
            date.month = if forward { 12 } else { 1 };
        }
        set_date(from, date);
    }
    (years, months)
}

fn set_date(instant: &mut Instant, date: instant::Date) {
    instant.replace_date(date);
    instant.compute_julian();
}
