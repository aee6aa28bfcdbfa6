//! Functions that every backend has and each spells its own way.
//!
//! A [`Portable`] function is a name here and a pattern in each dialect ([`Dialect::spelling`](crate::dialect::Dialect::spelling)), with `{0}`, `{1}`
//! where the arguments go:
//!
//! ```text
//!   created.year()   ──▶  SQLite      CAST(strftime('%Y', {0}) AS INTEGER)
//!                         PostgreSQL  CAST(EXTRACT(YEAR FROM {0}) AS bigint)
//!                         MySQL       YEAR({0})
//! ```

use crate::types::Kind;

/// A function that is spelled differently on each backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Portable {
    /// A part of a date or time, as a whole number.
    Part(TimePart),
    /// A date or time with everything finer than the unit set to its start.
    StartOf {
        /// The unit.
        unit: TimeUnit,
        /// Is it a date without a time of day?
        date: bool,
    },
    /// The date of a date and time.
    Date,
    /// The time of day of a date and time.
    Time,
    /// The seconds from the second argument to the first, as a floating-point number.
    SecondsBetween,
    /// The days from the second argument, a date, to the first, as a whole number.
    DaysBetween,
    /// A date or time of that kind, the first argument, made later by a length of time, the second.
    Later(Kind),
    /// A date or time of that kind, the first argument, made earlier by a length of time, the second.
    Earlier(Kind),
    /// The length of time from the second argument to the first, both of that kind.
    Between(Kind),
    /// A length of time, the first argument, multiplied with a number.
    Times,
    /// A length of time, the first argument, divided by a number.
    Over,
    /// A length of time in seconds, as a floating-point number.
    Seconds,
    /// Is the second argument, of that kind, an element of an array?
    ArrayHas(Kind),
    /// Are all elements of the second array among those of the first?
    ArrayHasAll,
    /// Is any element of the second array among those of the first?
    ArrayHasAny,
    /// The number of elements of an array.
    ArrayLength,
    /// The element, of that kind, at a place of an array, counted from 0.
    ArrayAt(Kind),
    /// An array with one more element, of that kind.
    ArrayAppend(Kind),
    /// The elements of two arrays, one behind the other.
    ArrayExtend,
    /// A value of that kind as an aggregate makes an array of it.
    Element(Kind),
    /// The scalar at a place in JSON, as a text. The second argument is the path as the dialect writes it.
    JsonText,
    /// The scalar at a place in JSON, as a whole number.
    JsonInt,
    /// The scalar at a place in JSON, as a floating-point number.
    JsonReal,
    /// The scalar at a place in JSON, as a truth value.
    JsonBool,
    /// What is at a place in JSON, as JSON.
    JsonPart,
    /// The number of elements of a JSON array.
    JsonLength,
    /// Is the second argument, a text, an element of a JSON array?
    JsonHasText,
    /// Is the second argument, a whole number, an element of a JSON array?
    JsonHasInt,
    /// The greatest of two values, NULL where one is NULL.
    Greatest,
    /// The least of two values, NULL where one is NULL.
    Least,
    /// Rounded to so many digits after the point, of a floating-point number.
    Round,
    /// The greatest whole number that is not over it.
    Floor,
    /// The least whole number that is not under it.
    Ceil,
}

/// A part of a date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimePart {
    /// The year.
    Year,
    /// The month, from 1.
    Month,
    /// The day of the month, from 1.
    Day,
    /// The hour, from 0.
    Hour,
    /// The minute, from 0.
    Minute,
    /// The whole second, from 0.
    Second,
    /// The day of the week: 1 is Monday, 7 is Sunday (ISO 8601).
    Weekday,
    /// The day of the year, from 1.
    DayOfYear,
}

/// What a date or time is cut down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeUnit {
    /// January the first.
    Year,
    /// The first of the month.
    Month,
    /// Monday.
    Week,
    /// Midnight.
    Day,
    /// The full hour.
    Hour,
    /// The full minute.
    Minute,
}

impl Portable {
    /// Does a dialect perhaps spell it with a query, whose sources have columns of their own?
    pub(crate) fn has_rows(self) -> bool {
        use Portable as P;
        matches!(
            self,
            P::ArrayHas(_) | P::ArrayHasAll | P::ArrayHasAny | P::JsonHasText | P::JsonHasInt
        )
    }

    /// What it is, for messages.
    pub fn what(self) -> &'static str {
        match self {
            Portable::Part(_) => "parts of dates",
            Portable::StartOf { .. } => "truncation of dates",
            Portable::Date | Portable::Time => "dates of moments",
            Portable::SecondsBetween | Portable::DaysBetween => "differences of dates",
            Portable::Later(_) | Portable::Earlier(_) => "sums of dates and lengths of time",
            Portable::Between(_) | Portable::Times | Portable::Over | Portable::Seconds => "lengths of time",
            Portable::ArrayHas(_)
            | Portable::ArrayHasAll
            | Portable::ArrayHasAny
            | Portable::ArrayLength
            | Portable::ArrayAt(_)
            | Portable::ArrayAppend(_)
            | Portable::ArrayExtend
            | Portable::Element(_) => "arrays",
            Portable::JsonText
            | Portable::JsonInt
            | Portable::JsonReal
            | Portable::JsonBool
            | Portable::JsonPart
            | Portable::JsonLength
            | Portable::JsonHasText
            | Portable::JsonHasInt => "paths into JSON",
            Portable::Greatest | Portable::Least => "the greater of two values",
            Portable::Round | Portable::Floor | Portable::Ceil => "rounding",
        }
    }
}
