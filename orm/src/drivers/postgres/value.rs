//! A column of a row as a value, from the binary form of its type.
//!
//! The forms are those of PostgreSQL's `*_send` functions: numbers big-endian, times counted from the first of January 2000, a numeric as
//! digits to the base 10,000. Types without a form of their own here (ranges) come as bytes: a cast to `text` in the
//! query makes text of them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write;

use postgres::Row;
use postgres::types::{FromSql, Kind, Type};

use crate::types::{Array, Value};

/// A column's bytes, whatever its type.
struct Raw<'r>(&'r [u8]);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The value at `index`; NULL past the last column.
pub(super) fn value_at(row: &Row, index: usize) -> Value<'_> {
    let Some(column) = row.columns().get(index) else {
        return Value::Null;
    };
    match row.try_get::<_, Option<Raw<'_>>>(index) {
        Ok(Some(Raw(bytes))) => decoded(column.type_(), bytes),
        _ => Value::Null,
    }
}

/// A value of type `ty`. Bytes that are none of it are handed on as they are.
fn decoded<'r>(ty: &Type, bytes: &'r [u8]) -> Value<'r> {
    if let Kind::Array(element) = ty.kind() {
        return array(element, bytes).unwrap_or(Value::Bytes(Cow::Borrowed(bytes)));
    }
    let value = match *ty {
        Type::BOOL => bytes.first().map(|b| Value::Bool(*b != 0)),
        Type::INT2 => fixed(bytes).map(|b| Value::Int(i16::from_be_bytes(b).into())),
        Type::INT4 => fixed(bytes).map(|b| Value::Int(i32::from_be_bytes(b).into())),
        Type::INT8 => fixed(bytes).map(|b| Value::Int(i64::from_be_bytes(b))),
        Type::OID => fixed(bytes).map(|b| Value::Int(u32::from_be_bytes(b).into())),
        Type::CHAR => bytes
            .first()
            .map(|b| Value::Text(char::from(*b).to_string().into())),
        Type::FLOAT4 => fixed(bytes).map(|b| Value::Real(f32::from_be_bytes(b).into())),
        Type::FLOAT8 => fixed(bytes).map(|b| Value::Real(f64::from_be_bytes(b))),
        Type::NUMERIC => numeric(bytes).map(number),
        Type::DATE => fixed(bytes).map(|b| own(date(i32::from_be_bytes(b).into()))),
        Type::TIME => fixed(bytes).map(|b| own(time_of_day(i64::from_be_bytes(b)))),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => fixed(bytes).map(|b| own(moment(i64::from_be_bytes(b)))),
        Type::INTERVAL => interval(bytes),
        // A version byte, then the text.
        Type::JSONB => bytes.split_first().and_then(|(_, text)| utf8(text)),
        Type::JSON => utf8(bytes),
        _ if is_text(ty) => utf8(bytes),
        _ => None,
    };
    value.unwrap_or(Value::Bytes(Cow::Borrowed(bytes)))
}

fn is_text(ty: &Type) -> bool {
    let plain = [
        Type::TEXT,
        Type::VARCHAR,
        Type::BPCHAR,
        Type::NAME,
        Type::UNKNOWN,
        Type::XML,
    ];
    plain.contains(ty) || ty.name() == "citext" || matches!(ty.kind(), Kind::Enum(_))
}

fn fixed<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn utf8(bytes: &[u8]) -> Option<Value<'_>> {
    std::str::from_utf8(bytes).ok().map(Value::from)
}

fn own(text: String) -> Value<'static> {
    Value::Text(Cow::Owned(text))
}

/// A whole number as one, where it fits; any other with all its digits.
fn number(digits: String) -> Value<'static> {
    match digits.parse() {
        Ok(whole) => Value::Int(whole),
        Err(_) => Value::Decimal(Cow::Owned(digits)),
    }
}

/// The digits of a numeric: how many groups, the weight of the first, sign, digits after the point, then the groups.
fn numeric(bytes: &[u8]) -> Option<String> {
    const NEGATIVE: u16 = 0x4000;
    let word = |n: usize| Some(u16::from_be_bytes(fixed(bytes.get(n * 2..n * 2 + 2)?)?));
    let (groups, weight) = (i32::from(word(0)?), i32::from(word(1)? as i16));
    let (sign, scale) = (word(2)?, usize::from(word(3)?));
    match sign {
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ => {}
    }
    let group = |place: i32| match weight - place {
        n if (0..groups).contains(&n) => word(4 + n as usize),
        _ => Some(0),
    };
    let mut text = String::new();
    if sign == NEGATIVE {
        text.push('-');
    }
    write!(text, "{}", group(weight.max(0))?).ok()?;
    for place in (0..weight.max(0)).rev() {
        write!(text, "{:04}", group(place)?).ok()?;
    }
    if scale > 0 {
        text.push('.');
        let point = text.len();
        let mut place = -1;
        while text.len() - point < scale {
            write!(text, "{:04}", group(place)?).ok()?;
            place -= 1;
        }
        text.truncate(point + scale);
    }
    Some(text)
}

/// An array of one dimension: how many dimensions, whether there are NULLs, the elements' type; for each dimension its length and the number of its
/// first element; for each element its length, -1 for NULL, and its bytes.
fn array(element: &Type, bytes: &[u8]) -> Option<Value<'static>> {
    let word = |at: usize| Some(i32::from_be_bytes(fixed(bytes.get(at..at + 4)?)?));
    let count = match word(0)? {
        0 => 0,
        1 => word(12)?,
        _ => return None,
    };
    let mut values = Vec::new();
    let mut rest = bytes.get(20..).unwrap_or_default();
    for _ in 0..count {
        let (length, after) = rest.split_at_checked(4)?;
        rest = after;
        values.push(match usize::try_from(i32::from_be_bytes(fixed(length)?)) {
            Ok(length) => {
                let (inner, after) = rest.split_at_checked(length)?;
                rest = after;
                decoded(element, inner)
            }
            Err(_) => Value::Null,
        });
    }
    // What the elements are is known to whoever reads them.
    Some(Value::Array(Box::new(Array::of(
        crate::types::Kind::Text,
        values,
    ))))
}

/// Microseconds, days and months. With months it has no exact length, and is told as a text.
fn interval(bytes: &[u8]) -> Option<Value<'static>> {
    let micros = i64::from_be_bytes(fixed(bytes.get(..8)?)?);
    let days = i32::from_be_bytes(fixed(bytes.get(8..12)?)?);
    let months = i32::from_be_bytes(fixed(bytes.get(12..)?)?);
    if months != 0 {
        return Some(own(format!("{months} months {days} days {micros} microseconds")));
    }
    let of_days = i64::from(days).checked_mul(MICROS_PER_DAY)?;
    of_days.checked_add(micros).map(Value::Interval)
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// `2026-11-22`, from the days since 2000-01-01.
fn date(days: i64) -> String {
    match days {
        _ if days == i64::from(i32::MAX) => "infinity".to_owned(),
        _ if days == i64::from(i32::MIN) => "-infinity".to_owned(),
        _ => {
            let (year, month, day) = civil(days);
            format!("{year:04}-{month:02}-{day:02}")
        }
    }
}

/// `12:30:00.5`, from the microseconds since midnight.
fn time_of_day(micros: i64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let mut text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if fraction != 0 {
        let digits = format!(".{fraction:06}");
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

/// `2026-11-22 12:30:00.5`, from the microseconds since 2000-01-01 in UTC.
fn moment(micros: i64) -> String {
    match micros {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        _ => format!(
            "{} {}",
            date(micros.div_euclid(MICROS_PER_DAY)),
            time_of_day(micros.rem_euclid(MICROS_PER_DAY))
        ),
    }
}

/// Year, month and day of the proleptic Gregorian calendar. Counting from the first of March puts the leap day at a year's end.
fn civil(days_since_2000: i64) -> (i64, i64, i64) {
    const DAYS_PER_ERA: i64 = 146_097; // 400 years
    const FROM_MARCH_0000: i64 = 730_425; // of 2000-01-01
    let days = days_since_2000 + FROM_MARCH_0000;
    let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts of days that PostgreSQL gives for `date - '2000-01-01'`.
    #[test]
    fn days_are_dates() {
        for (days, text) in [
            (0, "2000-01-01"),
            (59, "2000-02-29"),
            (60, "2000-03-01"),
            (-1, "1999-12-31"),
            (9_822, "2026-11-22"),
            (-730_119, "0001-01-01"),
            (2_921_939, "9999-12-31"),
            (36_584, "2100-03-01"),
        ] {
            assert_eq!(date(days), text);
        }
    }

    #[test]
    fn moments_before_the_epoch_are_of_the_day_before() {
        assert_eq!(moment(0), "2000-01-01 00:00:00");
        assert_eq!(moment(-500_000), "1999-12-31 23:59:59.5");
        assert_eq!(time_of_day(45_000_000_000 + 250), "12:30:00.00025");
    }

    #[test]
    fn numerics_have_all_their_digits() {
        let of = |weight: i16, sign: u16, scale: u16, groups: &[u16]| {
            let head = [groups.len() as u16, weight as u16, sign, scale];
            let words = head.iter().chain(groups);
            let bytes: Vec<u8> = words.flat_map(|word| word.to_be_bytes()).collect();
            numeric(&bytes).unwrap()
        };
        assert_eq!(of(0, 0, 0, &[]), "0");
        assert_eq!(of(0, 0, 2, &[12, 3400]), "12.34");
        assert_eq!(of(0, 0x4000, 1, &[7, 5000]), "-7.5");
        assert_eq!(of(2, 0, 0, &[1]), "100000000");
        assert_eq!(of(-2, 0, 6, &[500]), "0.000005");
        assert_eq!(of(1, 0, 3, &[1, 2, 3000]), "10002.300");
        assert_eq!(of(0, 0xC000, 0, &[]), "NaN");
    }

    #[test]
    fn intervals_are_microseconds_unless_they_have_months() {
        let of = |micros: i64, days: i32, months: i32| {
            let bytes = [
                &micros.to_be_bytes()[..],
                &days.to_be_bytes(),
                &months.to_be_bytes(),
            ]
            .concat();
            interval(&bytes)
        };
        assert_eq!(of(-5, 0, 0), Some(Value::Interval(-5)));
        assert_eq!(of(1, 2, 0), Some(Value::Interval(172_800_000_001)));
        assert_eq!(of(3, 2, 1), Some(Value::from("1 months 2 days 3 microseconds")));
        assert_eq!(interval(&[1, 2]), None);
    }

    #[test]
    fn arrays_are_read_element_by_element() {
        let of = |head: &[i32], elements: &[(i32, &[u8])]| {
            let mut bytes: Vec<u8> = head.iter().flat_map(|word| word.to_be_bytes()).collect();
            for (length, inner) in elements {
                bytes.extend(length.to_be_bytes());
                bytes.extend(*inner);
            }
            match array(&Type::INT2, &bytes) {
                Some(Value::Array(array)) => Some(array.json().to_owned()),
                _ => None,
            }
        };
        assert_eq!(of(&[0, 0, 21], &[]).as_deref(), Some("[]"));
        let head = [1, 1, 21, 2, 1];
        assert_eq!(
            of(&head, &[(2, &[1, 0]), (-1, &[])]).as_deref(),
            Some("[256,null]")
        );
        assert_eq!(of(&head, &[(2, &[1, 0])]), None);
        assert_eq!(of(&head, &[(2, &[1, 0]), (9, &[1])]), None);
        assert_eq!(of(&[2, 0, 21, 1, 1, 1, 1], &[(2, &[1, 0])]), None);
        assert_eq!(of(&[1], &[]), None);
    }

    /// What a server would never send is handed on.
    #[test]
    fn bytes_that_do_not_fit_stay_bytes() {
        assert_eq!(decoded(&Type::INT4, &[1]), Value::Bytes(Cow::Borrowed(&[1])));
        assert_eq!(
            decoded(&Type::NUMERIC, &[0, 9]),
            Value::Bytes(Cow::Borrowed(&[0, 9]))
        );
    }
}
