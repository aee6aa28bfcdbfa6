//! `median`, `percentile`, `percentile_cont` and `percentile_disc`.
//!
//! The accumulator keeps all numbers of the group. For one result it selects; under a sliding window, once rows have gone out, it keeps the numbers
//! sorted.

use super::{Accumulator, AggregateFunction, FunctionContext, ValueSink};
use crate::error::{Error, Result};
use crate::value::ValueRef;
use crate::value::cast::numeric_argument;

/// The functions of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Percentile {
    Median,
    Hundredths,
    Continuous,
    Discrete,
}

impl Percentile {
    fn name(self) -> &'static str {
        match self {
            Percentile::Median => "median",
            Percentile::Hundredths => "percentile",
            Percentile::Continuous => "percentile_cont",
            Percentile::Discrete => "percentile_disc",
        }
    }

    /// The fraction argument as a number from 0 to 1.
    fn fraction(self, args: &[ValueRef<'_>]) -> Result<f64> {
        let Some(argument) = args.get(1) else {
            return Ok(0.5);
        };
        let whole = if self == Percentile::Hundredths {
            100.0
        } else {
            1.0
        };
        let fraction = numeric_argument(*argument).map(|n| n.to_real() / whole);
        fraction.filter(|f| (0.0..=1.0).contains(f)).ok_or_else(|| {
            Error::sql(format!(
                "the fraction argument to {}() is not between 0.0 and {whole:.1}",
                self.name()
            ))
        })
    }
}

impl AggregateFunction for Percentile {
    fn accumulator(&self) -> Box<dyn Accumulator> {
        Box::new(State {
            function: *self,
            fraction: None,
            values: Vec::new(),
            keep_sorted: false,
        })
    }

    fn supports_inverse(&self) -> bool {
        true
    }
}

struct State {
    function: Percentile,
    fraction: Option<f64>,
    values: Vec<f64>,
    keep_sorted: bool,
}

impl State {
    fn check_fraction(&mut self, fraction: f64) -> Result<()> {
        let first = *self.fraction.get_or_insert(fraction);
        if (first - fraction).abs() > 0.001 {
            let name = self.function.name();
            return Err(Error::sql(format!(
                "the fraction argument to {name}() is not the same for all input rows"
            )));
        }
        Ok(())
    }

    /// `None` for NULL; an error for what is no finite number.
    fn input(&self, args: &[ValueRef<'_>]) -> Result<Option<f64>> {
        let name = self.function.name();
        let value = match args.first().copied().unwrap_or_default() {
            ValueRef::Null => return Ok(None),
            ValueRef::Integer(i) => i as f64,
            ValueRef::Real(r) => r,
            _ => return Err(Error::sql(format!("input to {name}() is not numeric"))),
        };
        if value.is_infinite() {
            return Err(Error::sql(format!("Inf input to {name}()")));
        }
        Ok(Some(value))
    }

    /// The number at sorted place `at`, and the one after it (the same at the end).
    fn pair_at(&mut self, at: usize) -> (f64, f64) {
        if self.keep_sorted {
            let low = self.values[at];
            return (low, self.values.get(at + 1).copied().unwrap_or(low));
        }
        let (_, low, above) = self.values.select_nth_unstable_by(at, f64::total_cmp);
        (*low, above.iter().copied().min_by(f64::total_cmp).unwrap_or(*low))
    }
}

impl Accumulator for State {
    fn step(&mut self, _: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()> {
        let fraction = self.function.fraction(args)?;
        self.check_fraction(fraction)?;
        if let Some(value) = self.input(args)? {
            let at = match self.keep_sorted {
                true => self.values.partition_point(|v| *v < value),
                false => self.values.len(),
            };
            self.values.insert(at, value);
        }
        Ok(())
    }

    fn inverse(&mut self, _: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()> {
        let Ok(Some(value)) = self.input(args) else {
            return Ok(());
        };
        if !self.keep_sorted {
            self.values.sort_unstable_by(f64::total_cmp);
            self.keep_sorted = true;
        }
        let at = self.values.partition_point(|v| *v < value);
        if self.values.get(at) == Some(&value) {
            self.values.remove(at);
        }
        Ok(())
    }

    fn value(&mut self, _: &mut FunctionContext<'_>, out: &mut dyn ValueSink) -> Result<()> {
        let (Some(fraction), Some(last)) = (self.fraction, self.values.len().checked_sub(1)) else {
            out.null();
            return Ok(());
        };
        let place = fraction * last as f64;
        let below = (place as usize).min(last);
        let (low, above) = self.pair_at(below);
        let share = place - below as f64;
        out.real(match self.function {
            Percentile::Discrete => low,
            _ if share == 0.0 => low,
            _ => low + (above - low) * share,
        });
        Ok(())
    }
}
