//! Dates and times, by the crate `jiff`.
//!
//! Kept as text that sorts as time does and that SQLite's date functions read: `2026-11-22 12:30:00.5`. A [`Timestamp`] is kept
//! in UTC, in the form of SQLite's own `CURRENT_TIMESTAMP`, so that both may stand in one column.

use std::borrow::Cow;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::{ColumnType, CurrentTime, DecodeError, KeyPart, Kind, Value};

/// A date and time of day, with as many digits of the second as there are.
fn date_time_text(moment: DateTime) -> String {
    let mut text = String::with_capacity(32);
    let (date, time) = (moment.date(), moment.time());
    // Writing to a String does not fail.
    let _ = write!(text, "{date} {time}");
    text
}

fn parse<T: std::str::FromStr>(
    text: &str,
    expected: &'static str,
    value: &Value<'_>,
) -> Result<T, DecodeError> {
    text.parse().map_err(|_| DecodeError::new(expected, value))
}

macro_rules! time_column {
    ($($ty:ty, $kind:ident, $what:literal, |$v:ident| $text:expr, |$t:ident, $value:ident| $parse:expr;)*) => {$(
        impl ColumnType for $ty {
            type Base = $ty;
            type Nullable = Option<$ty>;
            const KIND: Kind = Kind::$kind;

            fn encode(&self) -> Value<'_> {
                let $v = self;
                Value::Text(Cow::Owned($text))
            }

            fn decode($value: Value<'_>) -> Result<Self, DecodeError> {
                match &$value {
                    Value::Text($t) => $parse,
                    other => Err(DecodeError::new($what, other)),
                }
            }
        }

        impl KeyPart for $ty {
            fn key_part(&self) -> Option<$ty> {
                Some(*self)
            }
        }

        crate::column_literals!($ty);
    )*};
}

time_column! {
    Date, Date, "a date (YYYY-MM-DD)", |v| v.to_string(), |t, value| parse(t, "a date (YYYY-MM-DD)", &value);
    Time, Time, "a time of day (HH:MM:SS)", |v| v.to_string(), |t, value| parse(t, "a time of day (HH:MM:SS)", &value);
    DateTime, DateTime, "a date and time", |v| date_time_text(*v), |t, value| parse(t, "a date and time", &value);
    Timestamp, Timestamp, "a date and time in UTC",
        |v| date_time_text(Offset::UTC.to_datetime(*v)),
        |t, value| timestamp(t).ok_or_else(|| DecodeError::new("a date and time in UTC", &value));
}

/// With an offset as it says, without one in UTC.
fn timestamp(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()
}

impl CurrentTime for Timestamp {
    fn now() -> Timestamp {
        Timestamp::now()
    }
}

impl CurrentTime for DateTime {
    fn now() -> DateTime {
        Offset::UTC.to_datetime(Timestamp::now())
    }
}

impl CurrentTime for Date {
    fn now() -> Date {
        DateTime::now().date()
    }
}

impl CurrentTime for Time {
    fn now() -> Time {
        DateTime::now().time()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: ColumnType + PartialEq + std::fmt::Debug>(text: &str, value: T) {
        assert_eq!(value.encode(), Value::from(text));
        assert_eq!(T::decode(Value::from(text)).unwrap(), value);
    }

    #[test]
    fn times_are_text_that_sorts() {
        round_trip("2026-11-22", "2026-11-22".parse::<Date>().unwrap());
        round_trip("12:30:00.5", "12:30:00.5".parse::<Time>().unwrap());
        round_trip(
            "2026-11-22 12:30:00",
            "2026-11-22T12:30:00".parse::<DateTime>().unwrap(),
        );
        round_trip(
            "2026-11-22 12:30:00.25",
            "2026-11-22T14:30:00.25+02:00".parse::<Timestamp>().unwrap(),
        );
        let other = Timestamp::decode(Value::from("2026-11-22T12:30:00Z")).unwrap();
        assert_eq!(other.encode(), Value::from("2026-11-22 12:30:00"));
        assert!(Timestamp::decode(Value::from("yesterday")).is_err());
        assert!(Date::decode(Value::Int(5)).is_err());
    }
}
