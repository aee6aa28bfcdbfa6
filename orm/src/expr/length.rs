//! Lengths of time in expressions: added to dates and times, found between them, and reckoned with.
//!
//! Two things can be added to a date or time ([`Length`]): an [`Interval`], which is known when the statement is written and may have months, and a
//! length that the database knows: a column or an expression of an [`Elapsed`] type. Each dialect spells the latter by a [`Portable`] function,
//! exact to the microsecond:
//!
//! ```text
//!   job.started + job.took      TimePlus is for constants; here Portable::Later(Kind::Timestamp), [started, took]
//!   job.ended - job.started     Portable::Between(Kind::Timestamp), [ended, started]: an Expr<SignedDuration>
//!   job.ended - Interval::days(7), job.took * 2, job.took + job.pause, job.took.sum(), job.took.seconds()
//! ```
//!
//! As everywhere in the typed language, a result is as nullable as what stands on the left.

use super::compare::Comparable;
use super::operand::Operand;
use super::portable::Portable;
use super::time::{Interval, Temporal};
use super::tree::{BinaryOp, Column, Expr, Node, UnaryOp};
use crate::types::{ColumnType, Elapsed, Numeric};

/// What can be added to a date or time: an [`Interval`], a duration or span, or a column or expression that is a length of time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be added to a date or time",
    note = "give an `Interval` such as `Interval::days(7)`, a duration, or a column of one"
)]
pub trait Length {
    /// That date or time, made later or earlier by this.
    #[doc(hidden)]
    fn shift<T: Temporal>(self, time: Node, earlier: bool) -> Node;
}

impl<I: Into<Interval>> Length for I {
    fn shift<T: Temporal>(self, time: Node, earlier: bool) -> Node {
        let interval = self.into();
        Node::TimePlus {
            operand: Box::new(time),
            kind: T::KIND,
            interval: if earlier { -interval } else { interval },
        }
    }
}

macro_rules! length_operand {
    ($($ty:ident)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<D: Elapsed> Length for $ty<D> {
            fn shift<T: Temporal>(self, time: Node, earlier: bool) -> Node {
                let function = if earlier { Portable::Earlier(T::KIND) } else { Portable::Later(T::KIND) };
                Node::portable(function, [time, self.node()])
            }
        }
    )*};
}
length_operand!(Column Expr);

/// What can be taken from a date or time `T`: a length of time, which leaves a `T`; or another date or time, which leaves the length between them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken from a `{T}`",
    note = "give another `{T}`, an `Interval` such as `Interval::days(7)`, or a column of a duration"
)]
pub trait Subtrahend<T> {
    /// What is left.
    type Difference: ColumnType;

    /// The expression.
    #[doc(hidden)]
    fn subtract_from(self, time: Node) -> Node;
}

#[diagnostic::do_not_recommend]
impl<T: Temporal, L: Length> Subtrahend<T> for L {
    type Difference = T;

    fn subtract_from(self, time: Node) -> Node {
        self.shift::<T>(time, true)
    }
}

/// The operators of dates and times.
macro_rules! time_operators {
    ($($ty:ty => $elapsed:ty;)*) => {$(
        time_operators!(@on $ty, $elapsed);
        time_operators!(@on Option<$ty>, Option<$elapsed>);

        time_operators!(@earlier $ty, $ty, $elapsed);
        time_operators!(@earlier $ty, Option<$ty>, Option<$elapsed>);
        time_operators!(@earlier Column<$ty>, $ty, $elapsed);
        time_operators!(@earlier Column<$ty>, Option<$ty>, Option<$elapsed>);
        time_operators!(@earlier Column<Option<$ty>>, $ty, $elapsed);
        time_operators!(@earlier Column<Option<$ty>>, Option<$ty>, Option<$elapsed>);
        time_operators!(@earlier Expr<$ty>, $ty, $elapsed);
        time_operators!(@earlier Expr<$ty>, Option<$ty>, Option<$elapsed>);
        time_operators!(@earlier Expr<Option<$ty>>, $ty, $elapsed);
        time_operators!(@earlier Expr<Option<$ty>>, Option<$ty>, Option<$elapsed>);
    )*};
    (@on $ty:ty, $elapsed:ty) => {
        time_operators!(@operand Column<$ty>, $ty);
        time_operators!(@operand Expr<$ty>, $ty);
    };
    (@operand $operand:ty, $ty:ty) => {
        impl<L: Length> std::ops::Add<L> for $operand {
            type Output = Expr<$ty>;

            fn add(self, length: L) -> Expr<$ty> {
                Expr::from_node(length.shift::<$ty>(self.node(), false))
            }
        }

        impl<S: Subtrahend<$ty>> std::ops::Sub<S> for $operand {
            type Output = Expr<S::Difference>;

            fn sub(self, other: S) -> Expr<S::Difference> {
                Expr::from_node(other.subtract_from(self.node()))
            }
        }
    };
    (@earlier $earlier:ty, $ty:ty, $elapsed:ty) => {
        #[diagnostic::do_not_recommend]
        impl Subtrahend<$ty> for $earlier {
            type Difference = $elapsed;

            fn subtract_from(self, time: Node) -> Node {
                let nodes = [time, Comparable::into_node(self)];
                Node::portable(Portable::Between(<$ty as ColumnType>::KIND), nodes)
            }
        }
    };
}

#[cfg(feature = "jiff")]
time_operators! {
    jiff::Timestamp => jiff::SignedDuration;
    jiff::civil::DateTime => jiff::SignedDuration;
    jiff::civil::Date => jiff::SignedDuration;
    jiff::civil::Time => jiff::SignedDuration;
}

/// The operators of lengths of time.
macro_rules! length_operators {
    ($($ty:ty)*) => {$(
        length_operators!(@operand Column<$ty>, $ty, $ty);
        length_operators!(@operand Column<Option<$ty>>, Option<$ty>, $ty);
        length_operators!(@operand Expr<$ty>, $ty, $ty);
        length_operators!(@operand Expr<Option<$ty>>, Option<$ty>, $ty);

        #[diagnostic::do_not_recommend]
        impl Summable for $ty {
            type Mean = Option<$ty>;
        }
    )*};
    (@operand $operand:ty, $ty:ty, $base:ty) => {
        impl<R: Comparable<$base>> std::ops::Add<R> for $operand {
            type Output = Expr<$ty>;

            fn add(self, right: R) -> Expr<$ty> {
                Expr::from_node(Node::binary(BinaryOp::Add, self.node(), right.into_node()))
            }
        }

        impl<R: Comparable<$base>> std::ops::Sub<R> for $operand {
            type Output = Expr<$ty>;

            fn sub(self, right: R) -> Expr<$ty> {
                Expr::from_node(Node::binary(BinaryOp::Subtract, self.node(), right.into_node()))
            }
        }

        impl<R: Factor> std::ops::Mul<R> for $operand {
            type Output = Expr<$ty>;

            fn mul(self, factor: R) -> Expr<$ty> {
                Expr::from_node(Node::portable(Portable::Times, [self.node(), factor.factor()]))
            }
        }

        impl<R: Factor> std::ops::Div<R> for $operand {
            type Output = Expr<$ty>;

            fn div(self, divisor: R) -> Expr<$ty> {
                Expr::from_node(Node::portable(Portable::Over, [self.node(), divisor.factor()]))
            }
        }

        impl std::ops::Neg for $operand {
            type Output = Expr<$ty>;

            fn neg(self) -> Expr<$ty> {
                Expr::from_node(Node::Unary {
                    op: UnaryOp::Minus,
                    operand: Box::new(self.node()),
                })
            }
        }
    };
}
length_operators!(std::time::Duration);
#[cfg(feature = "jiff")]
length_operators!(jiff::SignedDuration);

/// What a length of time is multiplied with or divided by: a number, or a column or expression of one.
#[diagnostic::on_unimplemented(
    message = "a length of time is multiplied with a number, and `{Self}` is none"
)]
pub trait Factor {
    /// The expression.
    #[doc(hidden)]
    fn factor(self) -> Node;
}

macro_rules! factor {
    ($($number:ty)*) => {$(
        impl Factor for $number {
            fn factor(self) -> Node {
                Node::Value(self.into())
            }
        }
    )*};
}
factor!(i32 i64 u32 f64);

impl<T: Numeric> Factor for Column<T> {
    fn factor(self) -> Node {
        self.node()
    }
}

impl<T: Numeric> Factor for Expr<T> {
    fn factor(self) -> Node {
        self.node
    }
}

/// A type with sums and means in SQL: numbers and lengths of time.
#[diagnostic::on_unimplemented(message = "arithmetic needs a numeric column, and `{Self}` is none")]
pub trait Summable: ColumnType {
    /// The type of a mean.
    type Mean: ColumnType;
}

#[diagnostic::do_not_recommend]
impl<T: Numeric> Summable for T {
    type Mean = Option<f64>;
}

/// A nullable length of time.
macro_rules! summable_option {
    ($($ty:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Summable for Option<$ty> {
            type Mean = Option<$ty>;
        }
    )*};
}
summable_option!(std::time::Duration);
#[cfg(feature = "jiff")]
summable_option!(jiff::SignedDuration);

/// A type of lengths of time, for [`LengthOperand`].
#[diagnostic::on_unimplemented(message = "a `{Self}` column is no length of time")]
pub trait Measured: Elapsed {
    /// The type of its seconds: `f64`, or `Option<f64>`.
    type Seconds: ColumnType;
}

#[diagnostic::do_not_recommend]
impl Measured for std::time::Duration {
    type Seconds = f64;
}

#[cfg(feature = "jiff")]
#[diagnostic::do_not_recommend]
impl Measured for jiff::SignedDuration {
    type Seconds = f64;
}

#[diagnostic::do_not_recommend]
impl<T: Measured> Measured for Option<T>
where
    Option<T::Seconds>: ColumnType,
{
    type Seconds = Option<T::Seconds>;
}

/// What lengths of time have besides the operators of all [`Operand`]s.
///
/// ```
/// # #[cfg(feature = "jiff")]
/// # fn main() -> aludel::Result<()> {
/// use aludel::expr::{Interval, now};
/// use aludel::prelude::*;
/// use jiff::SignedDuration;
///
/// #[derive(Entity)]
/// struct Job {
///     #[column(primary_key)]
///     id: Id<Job>,
///     started: Timestamp,
///     took: SignedDuration,
/// }
///
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Job])?;
/// let mut session = engine.session()?;
/// session.add(Job::new(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(90)));
/// session.add(Job::new(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(30)));
///
/// let (all, mean, longest): (Option<SignedDuration>, Option<SignedDuration>, Option<f64>) = session
///     .query::<Job>()
///     .select(|j| (j.took.sum(), j.took.avg(), j.took.max().seconds()))
///     .fetch_one()?;
/// assert_eq!(all, Some(SignedDuration::from_mins(2)));
/// assert_eq!(mean, Some(SignedDuration::from_mins(1)));
/// assert_eq!(longest, Some(90.0));
///
/// let ends: Vec<Timestamp> = session.query::<Job>().order_by(|j| j.id).select(|j| j.started + j.took).fetch()?;
/// assert_eq!(ends[1].as_second(), 30);
/// let of_last_week = session.query::<Job>().filter(|j| j.started.gt(now::<Timestamp>() - Interval::days(7)));
/// assert_eq!(of_last_week.count()?, 0);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "jiff"))]
/// # fn main() {}
/// ```
pub trait LengthOperand: Operand {
    /// The whole of it in seconds, with their fraction.
    fn seconds(self) -> Expr<<Self::Value as Measured>::Seconds>
    where
        Self::Value: Measured,
    {
        Expr::from_node(Node::portable(Portable::Seconds, [self.node()]))
    }
}

impl<O: Operand> LengthOperand for O {}
