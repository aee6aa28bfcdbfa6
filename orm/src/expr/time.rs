//! Dates and times in expressions: their parts, sums with intervals, differences.

use super::compare::Comparable;
use super::length::Length;
use super::operand::Operand;
use super::portable::{Portable, TimePart, TimeUnit};
use super::tree::{Expr, Node};
use crate::types::{ColumnType, Elapsed, Kind};

/// A date, a time of day, or both; or an `Option` of these.
#[diagnostic::on_unimplemented(message = "a `{Self}` column is no date or time")]
pub trait Temporal: ColumnType {
    /// The type of a part of it: `i64`, or `Option<i64>`.
    type Part: ColumnType;

    /// The type of what is between two of them: a duration, or an `Option` of one.
    type Elapsed: Elapsed;
}

impl<T: Temporal + ColumnType> Temporal for Option<T>
where
    Option<T>: ColumnType,
    Option<T::Part>: ColumnType,
{
    type Part = Option<T::Part>;
    type Elapsed = Option<T::Elapsed>;
}

/// A [`Temporal`] type with a date in it.
#[diagnostic::on_unimplemented(message = "a `{Self}` column has no date")]
pub trait Dated: Temporal {
    /// The type of a part of the date: `i64`, or `Option<i64>`.
    type Number: ColumnType;

    /// The type of its date.
    type Day: ColumnType;

    /// The type of a difference: `f64`, or `Option<f64>`.
    type Difference: ColumnType;
}

#[diagnostic::do_not_recommend]
impl<T: Dated> Dated for Option<T>
where
    Option<T>: Temporal,
    Option<T::Number>: ColumnType,
    Option<T::Day>: ColumnType,
    Option<T::Difference>: ColumnType,
{
    type Number = Option<T::Number>;
    type Day = Option<T::Day>;
    type Difference = Option<T::Difference>;
}

#[cfg(feature = "jiff")]
mod jiff_types {
    use jiff::Timestamp;
    use jiff::civil::{Date, DateTime, Time};

    use super::{Dated, Interval, Temporal};

    macro_rules! temporal {
        ($($ty:ty)*) => {$(
            impl Temporal for $ty {
                type Part = i64;
                type Elapsed = jiff::SignedDuration;
            }
        )*};
    }
    temporal!(Timestamp DateTime Date Time);

    macro_rules! dated {
        ($($ty:ty)*) => {$(
            #[diagnostic::do_not_recommend]
            impl Dated for $ty {
                type Number = i64;
                type Day = Date;
                type Difference = f64;
            }
        )*};
    }
    dated!(Timestamp DateTime Date);

    /// What is finer than a microsecond is cut off.
    impl From<jiff::Span> for Interval {
        fn from(span: jiff::Span) -> Interval {
            let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
            Interval::years(i64::from(span.get_years()))
                + Interval::months(i64::from(span.get_months()))
                + Interval::days(days)
                + Interval::hours(i64::from(span.get_hours()))
                + Interval::minutes(span.get_minutes())
                + Interval::seconds(span.get_seconds())
                + Interval::microseconds(span.get_milliseconds().saturating_mul(1_000))
                + Interval::microseconds(span.get_microseconds())
                + Interval::microseconds(span.get_nanoseconds() / 1_000)
        }
    }

    impl From<jiff::SignedDuration> for Interval {
        fn from(duration: jiff::SignedDuration) -> Interval {
            Interval::microseconds(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
        }
    }
}

/// A length of time: months (of different lengths), days, and exact time.
///
/// ```
/// use aludel::expr::Interval;
///
/// let interval = Interval::months(1) + Interval::days(-2) + Interval::seconds(90);
/// assert_eq!(-interval, Interval::months(-1) + Interval::days(2) + Interval::seconds(-90));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    pub(crate) months: i64,
    pub(crate) days: i64,
    pub(crate) microseconds: i64,
}

impl Interval {
    /// So many years.
    pub const fn years(count: i64) -> Interval {
        Interval::months(count.saturating_mul(12))
    }

    /// So many months. A day that the month reached has not becomes its last one.
    pub const fn months(count: i64) -> Interval {
        Interval {
            months: count,
            days: 0,
            microseconds: 0,
        }
    }

    /// So many days.
    pub const fn days(count: i64) -> Interval {
        Interval {
            months: 0,
            days: count,
            microseconds: 0,
        }
    }

    /// So many hours.
    pub const fn hours(count: i64) -> Interval {
        Interval::microseconds(count.saturating_mul(3_600_000_000))
    }

    /// So many minutes.
    pub const fn minutes(count: i64) -> Interval {
        Interval::microseconds(count.saturating_mul(60_000_000))
    }

    /// So many seconds.
    pub const fn seconds(count: i64) -> Interval {
        Interval::microseconds(count.saturating_mul(1_000_000))
    }

    /// So many millionths of a second. SQLite's date functions count thousandths.
    pub const fn microseconds(count: i64) -> Interval {
        Interval {
            months: 0,
            days: 0,
            microseconds: count,
        }
    }
}

impl std::ops::Add for Interval {
    type Output = Interval;

    fn add(self, other: Interval) -> Interval {
        Interval {
            months: self.months.saturating_add(other.months),
            days: self.days.saturating_add(other.days),
            microseconds: self.microseconds.saturating_add(other.microseconds),
        }
    }
}

impl std::ops::Neg for Interval {
    type Output = Interval;

    fn neg(self) -> Interval {
        Interval {
            months: self.months.saturating_neg(),
            days: self.days.saturating_neg(),
            microseconds: self.microseconds.saturating_neg(),
        }
    }
}

impl From<std::time::Duration> for Interval {
    fn from(duration: std::time::Duration) -> Interval {
        Interval::microseconds(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
    }
}

/// What dates and times have besides the operators of all [`Operand`]s.
///
/// ```
/// use aludel::expr::{Interval, TimeUnit};
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Visit {
///     #[column(primary_key)]
///     id: Id<Visit>,
///     at: Timestamp,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Visit])?;
/// let mut session = engine.session()?;
/// for day in ["2026-01-31T10:00:00Z", "2026-02-01T00:00:00Z", "2026-02-28T23:59:59Z"] {
///     session.add(Visit::new(day.parse::<Timestamp>()?));
/// }
/// let by_month: Vec<(i64, i64)> = session
///     .query::<Visit>()
///     .group_by(|v| v.at.month())
///     .order_by(|v| v.at.month())
///     .select(|v| (v.at.month(), count_all()))
///     .fetch()?;
/// assert_eq!(by_month, [(1, 1), (2, 2)]);
///
/// // Those of the last month of the newest.
/// let newest = query::<Visit>().select(|v| v.at.max()).scalar();
/// let late = session.query::<Visit>().filter(|v| v.at.gt(newest.minus(Interval::months(1))));
/// assert_eq!(late.count()?, 3);
/// # Ok(())
/// # }
/// ```
pub trait TimeOperand: Operand {
    /// The year.
    fn year(self) -> Expr<<Self::Value as Dated>::Number>
    where
        Self::Value: Dated,
    {
        part(self, TimePart::Year)
    }

    /// The month, from 1.
    fn month(self) -> Expr<<Self::Value as Dated>::Number>
    where
        Self::Value: Dated,
    {
        part(self, TimePart::Month)
    }

    /// The day of the month, from 1.
    fn day(self) -> Expr<<Self::Value as Dated>::Number>
    where
        Self::Value: Dated,
    {
        part(self, TimePart::Day)
    }

    /// The hour, from 0.
    fn hour(self) -> Expr<<Self::Value as Temporal>::Part>
    where
        Self::Value: Temporal,
    {
        part(self, TimePart::Hour)
    }

    /// The minute, from 0.
    fn minute(self) -> Expr<<Self::Value as Temporal>::Part>
    where
        Self::Value: Temporal,
    {
        part(self, TimePart::Minute)
    }

    /// The whole second, from 0.
    fn second(self) -> Expr<<Self::Value as Temporal>::Part>
    where
        Self::Value: Temporal,
    {
        part(self, TimePart::Second)
    }

    /// The day of the week: 1 is Monday, 7 is Sunday.
    fn weekday(self) -> Expr<<Self::Value as Dated>::Number>
    where
        Self::Value: Dated,
    {
        part(self, TimePart::Weekday)
    }

    /// The day of the year, from 1.
    fn day_of_year(self) -> Expr<<Self::Value as Dated>::Number>
    where
        Self::Value: Dated,
    {
        part(self, TimePart::DayOfYear)
    }

    /// The date alone.
    fn date(self) -> Expr<<Self::Value as Dated>::Day>
    where
        Self::Value: Dated,
    {
        Expr::from_node(Node::portable(Portable::Date, [self.node()]))
    }

    /// The start of the year, month, week, day, hour or minute that this is in: what reports group by.
    fn start_of(self, unit: TimeUnit) -> Expr<Self::Value>
    where
        Self::Value: Dated,
    {
        let date = Self::Value::KIND == Kind::Date;
        Expr::from_node(Node::portable(Portable::StartOf { unit, date }, [self.node()]))
    }

    /// Later by an interval, a duration, or what a column or expression of one says. Written `+` as well.
    fn plus(self, length: impl Length) -> Expr<Self::Value>
    where
        Self::Value: Temporal,
    {
        Expr::from_node(length.shift::<Self::Value>(self.node(), false))
    }

    /// Earlier by an interval, a duration, or what a column or expression of one says. Written `-` as well.
    fn minus(self, length: impl Length) -> Expr<Self::Value>
    where
        Self::Value: Temporal,
    {
        Expr::from_node(length.shift::<Self::Value>(self.node(), true))
    }

    /// The length of time from `earlier` to this, to the microsecond; negative where it is later. Written `-` as well.
    fn since<R: Comparable<<Self::Value as ColumnType>::Base>>(
        self,
        earlier: R,
    ) -> Expr<<Self::Value as Temporal>::Elapsed>
    where
        Self::Value: Temporal,
    {
        let nodes = [self.node(), earlier.into_node()];
        Expr::from_node(Node::portable(Portable::Between(Self::Value::KIND), nodes))
    }

    /// The seconds from `earlier` to this; negative where it is later.
    fn seconds_since<R: Comparable<<Self::Value as ColumnType>::Base>>(
        self,
        earlier: R,
    ) -> Expr<<Self::Value as Dated>::Difference>
    where
        Self::Value: Dated,
    {
        let nodes = [self.node(), earlier.into_node()];
        Expr::from_node(Node::portable(Portable::SecondsBetween, nodes))
    }

    /// The days from the date of `earlier` to the date of this.
    fn days_since<R: Comparable<<Self::Value as ColumnType>::Base>>(
        self,
        earlier: R,
    ) -> Expr<<Self::Value as Dated>::Number>
    where
        Self::Value: Dated,
    {
        let nodes = [self.node(), earlier.into_node()];
        Expr::from_node(Node::portable(Portable::DaysBetween, nodes))
    }
}

impl<O: Operand> TimeOperand for O {}

fn part<O: Operand, P>(operand: O, part: TimePart) -> Expr<P> {
    Expr::from_node(Node::portable(Portable::Part(part), [operand.node()]))
}
