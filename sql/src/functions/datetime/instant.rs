//! A point in time in the three forms that modifiers work on.
//!
//! The same time is kept as milliseconds of the Julian day, as year-month-day and as hour-minute-second; a form that is `None` is computed from
//! the others when it is asked for. Modifiers change one form and drop the rest. All computing is in the proleptic Gregorian
//! calendar, days have 86,400 seconds.

use crate::value::number::integer_from_real;

pub(super) const DAY_MS: i64 = 86_400_000;
const HALF_DAY_MS: i64 = DAY_MS / 2;
/// 9999-12-31 23:59:59.999
const JULIAN_MS_MAX: i64 = 464_269_060_799_999;
/// Shifts stop here, far beyond every date, so that later sums cannot overflow.
const SHIFTED_MS_MAX: i64 = 1 << 61;
/// 1970-01-01 00:00:00
pub(super) const UNIX_EPOCH_MS: i64 = 210_866_760_000_000;

/// Year, month from 1, day from 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Date {
    pub(super) year: i32,
    pub(super) month: i32,
    pub(super) day: i32,
}

/// Time of the day.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Clock {
    pub(super) hour: i32,
    pub(super) minute: i32,
    pub(super) second: f64,
}

/// What is known about the zone of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Zone {
    #[default]
    Unknown,
    Utc,
    Local,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Instant {
    pub(super) julian_ms: Option<i64>,
    pub(super) date: Option<Date>,
    pub(super) clock: Option<Clock>,
    /// Minutes that the clock is ahead of UTC.
    pub(super) offset_minutes: i32,
    /// The number that the time was given as, until it is known what it counts.
    pub(super) number: Option<f64>,
    /// Days by which the day is past the end of its month.
    pub(super) overflow_days: i32,
    /// The time left the supported range.
    pub(super) failed: bool,
    /// Fractions of seconds are to be shown.
    pub(super) subseconds: bool,
    pub(super) zone: Zone,
}

pub(super) fn days_of_month(year: i32, month: i32) -> i32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 30,
    }
}

pub(super) fn in_range(julian_ms: i64) -> bool {
    (0..=JULIAN_MS_MAX).contains(&julian_ms)
}

/// Whole days of the Julian day at midnight before `date`, plus one half (Meeus, chapter 7).
fn julian_day(date: Date) -> f64 {
    let (year, month) = if date.month <= 2 {
        (date.year - 1, date.month + 12)
    } else {
        (date.year, date.month)
    };
    let century = (year + 4800) / 100;
    let leap = 38 - century + century / 4;
    let year_days = 36_525 * (year + 4716) / 100;
    let month_days = 306_001 * (month + 1) / 10_000;
    f64::from(year_days + month_days + date.day + leap) - 1524.5
}

fn date_of(julian_ms: i64) -> Date {
    let day = ((julian_ms + HALF_DAY_MS) / DAY_MS) as i32;
    let alpha = ((f64::from(day) + 32_044.75) / 36_524.25) as i32 - 52;
    let a = day + 1 + alpha - (alpha + 100) / 4 + 25;
    let b = a + 1524;
    let c = ((f64::from(b) - 122.1) / 365.25) as i32;
    let d = (36_525 * (c & 32_767)) / 100;
    let e = (f64::from(b - d) / 30.6001) as i32;
    let month = if e < 14 { e - 1 } else { e - 13 };
    Date {
        year: if month > 2 { c - 4716 } else { c - 4715 },
        month,
        day: b - d - (30.6001 * f64::from(e)) as i32,
    }
}

impl Instant {
    /// A time in UTC.
    pub(super) fn utc(julian_ms: i64) -> Instant {
        Instant {
            julian_ms: Some(julian_ms),
            zone: Zone::Utc,
            ..Instant::default()
        }
    }

    /// A number whose meaning a modifier may still decide; those in the range count as Julian days until then.
    pub(super) fn set_number(&mut self, number: f64) {
        self.number = Some(number);
        if (0.0..5_373_484.5).contains(&number) {
            self.julian_ms = Some((number * DAY_MS as f64 + 0.5) as i64);
        }
    }

    fn fail(&mut self) {
        *self = Instant {
            failed: true,
            ..Instant::default()
        };
    }

    /// Milliseconds of the Julian day. Afterwards `julian_ms` is set, unless the time failed.
    pub(super) fn compute_julian(&mut self) -> i64 {
        if let Some(known) = self.julian_ms {
            return known;
        }
        let mut date = Date {
            year: 2000,
            month: 1,
            day: 1,
        };
        match (self.date, &mut self.clock) {
            (Some(known), _) => date = known,
            (None, Some(clock)) if clock.hour == 24 => {
                clock.hour = 0;
                date.day = 2;
            }
            _ => {}
        }
        if !(-4713..=9999).contains(&date.year) || self.number.is_some() {
            self.fail();
            return 0;
        }
        let mut julian_ms = (julian_day(date) * DAY_MS as f64) as i64;
        if let Some(clock) = self.clock {
            julian_ms += i64::from(clock.hour) * 3_600_000 + i64::from(clock.minute) * 60_000;
            julian_ms += integer_from_real(clock.second * 1000.0 + 0.5);
            if self.offset_minutes != 0 {
                julian_ms -= i64::from(self.offset_minutes) * 60_000;
                self.drop_fields();
                self.zone = Zone::Utc;
            }
        }
        self.julian_ms = Some(julian_ms);
        julian_ms
    }

    /// Year, month and day.
    pub(super) fn compute_date(&mut self) -> Date {
        if let Some(known) = self.date {
            return known;
        }
        let date = match self.julian_ms {
            None => Date {
                year: 2000,
                month: 1,
                day: 1,
            },
            Some(julian_ms) if in_range(julian_ms) => date_of(julian_ms),
            Some(_) => {
                self.fail();
                return Date {
                    year: 0,
                    month: 0,
                    day: 0,
                };
            }
        };
        self.date = Some(date);
        date
    }

    /// Hour, minute and second.
    pub(super) fn compute_clock(&mut self) -> Clock {
        if let Some(known) = self.clock {
            return known;
        }
        let day_ms = (self.compute_julian() + HALF_DAY_MS) % DAY_MS;
        let minutes = (day_ms / 60_000) as i32;
        let clock = Clock {
            hour: minutes / 60,
            minute: minutes % 60,
            second: (day_ms % 60_000) as f64 / 1000.0,
        };
        self.number = None;
        self.clock = Some(clock);
        clock
    }

    /// Both fields; drops nothing.
    pub(super) fn compute_fields(&mut self) -> (Date, Clock) {
        let date = self.compute_date();
        (date, self.compute_clock())
    }

    /// Forgets date, clock and offset: the Julian day counts.
    pub(super) fn drop_fields(&mut self) {
        self.date = None;
        self.clock = None;
        self.offset_minutes = 0;
    }

    /// Puts another date in the place of the one that is known. A time that failed has none, and stays without.
    pub(super) fn replace_date(&mut self, date: Date) {
        if self.date.is_some() {
            self.date = Some(date);
        }
        self.julian_ms = None;
    }

    /// As [`replace_date`](Self::replace_date), with months out of range carried into years, and the day checked against its month.
    pub(super) fn set_months(&mut self, year: i32, month: i32, day: i32) {
        let carry = if month > 0 {
            (month - 1) / 12
        } else {
            (month - 12) / 12
        };
        let date = Date {
            year: year + carry,
            month: month - carry * 12,
            day,
        };
        self.overflow_days = (day - days_of_month(date.year, date.month)).max(0);
        self.replace_date(date);
    }

    /// Moves by milliseconds. The Julian day has been computed before; a time that failed doing so stays as it is.
    pub(super) fn shift(&mut self, by_ms: i64) {
        if let Some(julian_ms) = &mut self.julian_ms {
            *julian_ms = julian_ms
                .saturating_add(by_ms)
                .clamp(-SHIFTED_MS_MAX, SHIFTED_MS_MAX);
        }
    }

    /// Days since the first of January.
    pub(super) fn day_of_year(&self) -> i64 {
        let mut first = self.clone();
        let date = first.compute_date();
        first.date = Some(Date {
            month: 1,
            day: 1,
            ..date
        });
        first.julian_ms = None;
        let this = self.julian_ms.unwrap_or_default();
        (this - first.compute_julian() + HALF_DAY_MS) / DAY_MS
    }

    /// Days since Monday.
    pub(super) fn days_after_monday(&self) -> i64 {
        (self.julian_ms.unwrap_or_default() + HALF_DAY_MS) / DAY_MS % 7
    }

    /// Days since Sunday.
    pub(super) fn days_after_sunday(&self) -> i64 {
        (self.julian_ms.unwrap_or_default() + HALF_DAY_MS + DAY_MS) / DAY_MS % 7
    }
}
