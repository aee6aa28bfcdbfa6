//! `count`, `sum`, `total`, `avg`, `min`, `max`, `group_concat` and `string_agg`.
//!
//! The states are plain structs whose methods the executor calls in typed loops over column vectors; the [`Accumulator`]s at the end
//! of the file wrap them for everyone else.
//!
//! Sums of integers are exact until they leave 64 bits. From the first real on, the sum is a real with a running
//! compensation (Kahan, Babuska, Neumaier), so that it hardly depends on the order of rows.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::{Accumulator, AggregateFunction, FunctionContext, ValueSink};
use crate::error::{Error, Result};
use crate::value::cast::numeric_argument;
use crate::value::number::{self, Number};
use crate::value::{Collation, Value, ValueRef, compare, decimal};

/// `count(*)` and `count(X)`.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountState {
    /// Rows counted so far.
    pub count: i64,
}

/// `sum(X)`, `total(X)` and `avg(X)`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SumState {
    integer: i64,
    real: f64,
    compensation: f64,
    count: i64,
    approximate: bool,
    overflowed: bool,
}

/// `avg(X)` keeps what `sum(X)` keeps.
pub type AvgState = SumState;
/// `total(X)` keeps what `sum(X)` keeps.
pub type TotalState = SumState;

/// Integers from here on are added in two parts that a double holds exactly.
const EXACT_IN_REAL: i64 = 1 << 52;
const LOW_PART: i64 = 1 << 14;

impl SumState {
    /// Adds a value; NULL changes nothing, text counts by its number.
    #[inline]
    pub fn add(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => {}
            ValueRef::Integer(i) => self.add_integer(i),
            ValueRef::Real(r) => self.add_real(r),
            other => match summand(other) {
                Number::Integer(i) => self.add_integer(i),
                Number::Real(r) => self.add_real(r),
            },
        }
    }

    /// Adds an integer.
    #[inline]
    pub fn add_integer(&mut self, value: i64) {
        self.count += 1;
        if !self.approximate {
            match self.integer.checked_add(value) {
                Some(sum) => {
                    self.integer = sum;
                    return;
                }
                None => self.overflow(),
            }
        }
        self.compensated_integer(value);
    }

    /// Adds integers that come as the bits of 64-bit slots.
    ///
    /// As long as no order of additions could overflow they are summed in a loop without checks.
    pub fn add_integer_slots(&mut self, slots: &[u64]) {
        const ROWS_MAX: usize = 1 << 10;
        const SAFE: u64 = 1 << 52;
        for slots in slots.chunks(ROWS_MAX) {
            let (mut sum, mut magnitudes) = (0i64, 0u64);
            for &slot in slots {
                let value = slot as i64;
                sum = sum.wrapping_add(value);
                magnitudes |= (value ^ (value >> 63)) as u64;
            }
            let small = magnitudes < SAFE && self.integer.unsigned_abs() < 1 << 62;
            if small && !self.approximate {
                self.integer += sum;
                self.count += slots.len() as i64;
            } else {
                slots.iter().for_each(|&slot| self.add_integer(slot as i64));
            }
        }
    }

    /// Adds a real.
    #[inline]
    pub fn add_real(&mut self, value: f64) {
        self.count += 1;
        if self.approximate {
            // The sum has turned into one of reals; that integers overflowed before does not matter any more.
            self.overflowed = false;
        } else {
            self.become_approximate();
        }
        self.compensated(value);
    }

    /// Takes a value out that was added before.
    pub fn remove(&mut self, value: ValueRef<'_>) {
        if value.is_null() {
            return;
        }
        self.count -= 1;
        match summand(value) {
            Number::Integer(i) => self.remove_integer(i),
            Number::Real(r) => {
                if !self.approximate {
                    self.become_approximate();
                }
                self.compensated(-r);
            }
        }
    }

    fn remove_integer(&mut self, value: i64) {
        if !self.approximate {
            match self.integer.checked_sub(value) {
                Some(sum) => {
                    self.integer = sum;
                    return;
                }
                None => self.overflow(),
            }
        }
        match value.checked_neg() {
            Some(negated) => self.compensated_integer(negated),
            None => {
                self.compensated_integer(i64::MAX);
                self.compensated_integer(1);
            }
        }
    }

    /// Adds the rows of another state to this one, as if they had come here.
    pub fn merge(&mut self, other: &SumState) {
        if !other.approximate && !self.approximate {
            if let Some(sum) = self.integer.checked_add(other.integer) {
                self.integer = sum;
                self.count += other.count;
                return;
            }
            self.overflow();
        }
        if !self.approximate {
            self.become_approximate();
        }
        if other.approximate {
            self.overflowed |= other.overflowed;
            self.compensated(other.real);
            self.compensation += other.compensation;
        } else {
            self.compensated_integer(other.integer);
        }
        self.count += other.count;
    }

    #[cold]
    fn overflow(&mut self) {
        self.overflowed = true;
        self.become_approximate();
    }

    fn become_approximate(&mut self) {
        self.approximate = true;
        let low = if self.integer.unsigned_abs() >= EXACT_IN_REAL as u64 {
            self.integer % LOW_PART
        } else {
            0
        };
        self.real = (self.integer - low) as f64;
        self.compensation = low as f64;
    }

    fn compensated_integer(&mut self, value: i64) {
        if value.unsigned_abs() < EXACT_IN_REAL as u64 {
            self.compensated(value as f64);
        } else {
            let low = value % LOW_PART;
            self.compensated((value - low) as f64);
            self.compensated(low as f64);
        }
    }

    #[inline]
    fn compensated(&mut self, value: f64) {
        let sum = self.real + value;
        self.compensation += if self.real.abs() > value.abs() {
            (self.real - sum) + value
        } else {
            (value - sum) + self.real
        };
        self.real = sum;
    }

    #[inline]
    fn real_sum(&self) -> f64 {
        if !self.approximate {
            self.integer as f64
        } else if self.compensation.is_finite() {
            self.real + self.compensation
        } else {
            self.real
        }
    }

    /// How many values were added.
    pub fn count(&self) -> i64 {
        self.count
    }

    /// `sum(X)`: NULL without rows; an error when integers alone went past 64 bits.
    pub fn sum(&self) -> Result<ValueRef<'static>> {
        if self.count <= 0 {
            Ok(ValueRef::Null)
        } else if !self.approximate {
            Ok(ValueRef::Integer(self.integer))
        } else if self.overflowed {
            Err(Error::sql("integer overflow"))
        } else {
            Ok(real_or_null(self.real_sum()))
        }
    }

    /// `total(X)`: 0.0 without rows.
    pub fn total(&self) -> ValueRef<'static> {
        real_or_null(self.real_sum())
    }

    /// `avg(X)`: NULL without rows.
    pub fn average(&self) -> ValueRef<'static> {
        if self.count <= 0 {
            ValueRef::Null
        } else {
            real_or_null(self.real_sum() / self.count as f64)
        }
    }
}

fn real_or_null(value: f64) -> ValueRef<'static> {
    if value.is_nan() {
        ValueRef::Null
    } else {
        ValueRef::Real(value)
    }
}

fn summand(value: ValueRef<'_>) -> Number {
    numeric_argument(value).unwrap_or_else(|| Number::Real(number::real_of(value)))
}

/// Which end `min` and `max` look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extreme {
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
}

impl Extreme {
    /// Whether `candidate` takes the place of `best`: equal values do not.
    #[inline]
    pub fn prefers(self, candidate: ValueRef<'_>, best: ValueRef<'_>, collation: &Collation) -> bool {
        let wanted = match self {
            Extreme::Min => Ordering::Less,
            Extreme::Max => Ordering::Greater,
        };
        compare(candidate, best, collation) == wanted
    }
}

/// `min(X)` and `max(X)`.
#[derive(Debug, Clone, Default)]
pub struct MinMaxState {
    best: Value,
}

impl MinMaxState {
    /// Takes a value in; true when it is the new extreme (then a query's bare columns come from this row).
    #[inline]
    pub fn add(&mut self, value: ValueRef<'_>, extreme: Extreme, collation: &Collation) -> bool {
        if value.is_null() {
            return false;
        }
        let first = self.best.is_null();
        let better = first || extreme.prefers(value, self.best.as_ref(), collation);
        if better {
            self.best.assign(value);
        }
        better
    }

    /// The extreme so far; NULL when every value was NULL.
    pub fn best(&self) -> ValueRef<'_> {
        self.best.as_ref()
    }
}

/// `group_concat(X, Y)` and `string_agg(X, Y)`.
///
/// The text grows at its end and, under a sliding window, shrinks at its start.
#[derive(Debug, Clone, Default)]
pub struct GroupConcatState {
    text: Vec<u8>,
    start: usize,
    count: usize,
    /// No term is in the text: the next one comes without a separator.
    at_start: bool,
    first_separator: usize,
    /// Lengths of the separators in the text, once they differ from the first one.
    separators: Option<VecDeque<usize>>,
}

impl GroupConcatState {
    /// The state before any row.
    pub fn new() -> GroupConcatState {
        GroupConcatState {
            at_start: true,
            ..GroupConcatState::default()
        }
    }

    /// Appends a term that is not NULL, after a separator unless it is the first one.
    pub fn add(&mut self, term: ValueRef<'_>, separator: ValueRef<'_>, length_max: usize) -> Result<()> {
        if term.is_null() {
            return Ok(());
        }
        let before = self.text.len();
        if !self.at_start {
            append_text(separator, &mut self.text);
        }
        let separator_length = if self.at_start {
            text_length(separator)
        } else {
            self.text.len() - before
        };
        if self.at_start {
            self.first_separator = separator_length;
        } else if self.separators.is_some() || separator_length != self.first_separator {
            self.track_separator(separator_length);
        }
        append_text(term, &mut self.text);
        self.at_start = false;
        self.count += 1;
        if self.text.len() - self.start > length_max {
            Err(Error::TooBig)
        } else {
            Ok(())
        }
    }

    fn track_separator(&mut self, length: usize) {
        let (first, known) = (self.first_separator, self.count.saturating_sub(1));
        self.separators
            .get_or_insert_with(|| VecDeque::from(vec![first; known]))
            .push_back(length);
    }

    /// Takes the oldest term out.
    pub fn remove(&mut self, term: ValueRef<'_>) {
        if term.is_null() || self.count == 0 {
            return;
        }
        self.count -= 1;
        let separator = match &mut self.separators {
            Some(lengths) => lengths.pop_front().unwrap_or(0),
            None => self.first_separator,
        };
        self.start = (self.start + text_length(term) + separator).min(self.text.len());
        if self.start == self.text.len() {
            self.text.clear();
            self.start = 0;
            self.at_start = true;
            self.separators = None;
        } else if self.start > self.text.len() / 2 {
            self.text.drain(..self.start);
            self.start = 0;
        }
    }

    /// The text so far; `None` without terms.
    pub fn text(&self) -> Option<&[u8]> {
        (self.count > 0).then(|| &self.text[self.start..])
    }
}

fn append_text(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => {}
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => out.extend_from_slice(bytes),
        number => decimal::write_number(number, out),
    }
}

fn text_length(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Null => 0,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        number => {
            let mut text = Vec::with_capacity(24);
            decimal::write_number(number, &mut text);
            text.len()
        }
    }
}

fn first<'a>(args: &[ValueRef<'a>]) -> ValueRef<'a> {
    args.first().copied().unwrap_or_default()
}

/// The aggregate functions of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BasicAggregate {
    /// `count(*)` and `count(X)`.
    Count,
    /// `sum(X)`.
    Sum,
    /// `total(X)`.
    Total,
    /// `avg(X)`.
    Avg,
    /// `min(X)` and `max(X)`.
    MinMax(Extreme),
    /// `group_concat(X [, Y])` and `string_agg(X, Y)`.
    GroupConcat,
}

impl AggregateFunction for BasicAggregate {
    fn accumulator(&self) -> Box<dyn Accumulator> {
        match *self {
            BasicAggregate::Count => Box::new(CountState::default()),
            BasicAggregate::Sum | BasicAggregate::Total | BasicAggregate::Avg => Box::new(SumAccumulator {
                state: SumState::default(),
                result: *self,
            }),
            BasicAggregate::MinMax(extreme) => Box::new(MinMaxAccumulator {
                state: MinMaxState::default(),
                extreme,
            }),
            BasicAggregate::GroupConcat => Box::new(GroupConcatState::new()),
        }
    }

    fn supports_inverse(&self) -> bool {
        !matches!(self, BasicAggregate::MinMax(_))
    }
}

impl Accumulator for CountState {
    fn step(&mut self, _: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()> {
        self.count += i64::from(args.first().is_none_or(|arg| !arg.is_null()));
        Ok(())
    }

    fn inverse(&mut self, _: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()> {
        self.count -= i64::from(args.first().is_none_or(|arg| !arg.is_null()));
        Ok(())
    }

    fn value(&mut self, _: &mut FunctionContext<'_>, out: &mut dyn ValueSink) -> Result<()> {
        out.integer(self.count);
        Ok(())
    }
}

struct SumAccumulator {
    state: SumState,
    result: BasicAggregate,
}

impl Accumulator for SumAccumulator {
    fn step(&mut self, _: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()> {
        self.state.add(first(args));
        Ok(())
    }

    fn inverse(&mut self, _: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()> {
        self.state.remove(first(args));
        Ok(())
    }

    fn value(&mut self, _: &mut FunctionContext<'_>, out: &mut dyn ValueSink) -> Result<()> {
        out.value(match self.result {
            BasicAggregate::Total => self.state.total(),
            BasicAggregate::Avg => self.state.average(),
            _ => self.state.sum()?,
        });
        Ok(())
    }
}

struct MinMaxAccumulator {
    state: MinMaxState,
    extreme: Extreme,
}

impl Accumulator for MinMaxAccumulator {
    fn step(&mut self, cx: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()> {
        self.state.add(first(args), self.extreme, cx.collation);
        Ok(())
    }

    fn inverse(&mut self, _: &mut FunctionContext<'_>, _: &[ValueRef<'_>]) -> Result<()> {
        Err(Error::misuse("min and max cannot take rows out"))
    }

    fn value(&mut self, _: &mut FunctionContext<'_>, out: &mut dyn ValueSink) -> Result<()> {
        out.value(self.state.best());
        Ok(())
    }
}

impl Accumulator for GroupConcatState {
    fn step(&mut self, cx: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()> {
        let separator = args.get(1).copied().unwrap_or(ValueRef::Text(b","));
        self.add(first(args), separator, cx.environment.length_max.get())
    }

    fn inverse(&mut self, _: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()> {
        self.remove(first(args));
        Ok(())
    }

    fn value(&mut self, _: &mut FunctionContext<'_>, out: &mut dyn ValueSink) -> Result<()> {
        match self.text() {
            Some(text) => out.text(text),
            None => out.null(),
        }
        Ok(())
    }
}
