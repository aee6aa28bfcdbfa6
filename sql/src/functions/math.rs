//! Mathematical functions.
//!
//! Arguments that are neither numbers nor texts that are numbers throughout give NULL, and so does a result that is not a number. The values come from the
//! platform's libm through the standard library, as SQLite's come from the C library.

use std::f64::consts::PI;

use super::{FunctionContext, ValueSink};
use crate::error::Result;
use crate::value::ValueRef;
use crate::value::cast::numeric_argument;
use crate::value::number::Number;

/// The mathematical functions by what they do.
#[derive(Clone, Copy)]
pub(super) enum Math {
    /// Keeps integers, rounds reals.
    Rounding(fn(f64) -> f64),
    One(fn(f64) -> f64),
    Two(fn(f64, f64) -> f64),
    /// A logarithm: only of positive numbers.
    Log(fn(f64) -> f64),
    LogOfBase,
    Pi,
}

/// Name, number of arguments and code of each.
pub(super) const FUNCTIONS: &[(&str, u16, Math)] = &[
    ("ceil", 1, Math::Rounding(f64::ceil)),
    ("ceiling", 1, Math::Rounding(f64::ceil)),
    ("floor", 1, Math::Rounding(f64::floor)),
    ("trunc", 1, Math::Rounding(f64::trunc)),
    ("ln", 1, Math::Log(f64::ln)),
    ("log", 1, Math::Log(f64::log10)),
    ("log10", 1, Math::Log(f64::log10)),
    ("log2", 1, Math::Log(f64::log2)),
    ("log", 2, Math::LogOfBase),
    ("exp", 1, Math::One(f64::exp)),
    ("pow", 2, Math::Two(f64::powf)),
    ("power", 2, Math::Two(f64::powf)),
    ("mod", 2, Math::Two(remainder)),
    ("acos", 1, Math::One(f64::acos)),
    ("asin", 1, Math::One(f64::asin)),
    ("atan", 1, Math::One(f64::atan)),
    ("atan2", 2, Math::Two(f64::atan2)),
    ("cos", 1, Math::One(f64::cos)),
    ("sin", 1, Math::One(f64::sin)),
    ("tan", 1, Math::One(f64::tan)),
    ("cosh", 1, Math::One(f64::cosh)),
    ("sinh", 1, Math::One(f64::sinh)),
    ("tanh", 1, Math::One(f64::tanh)),
    ("acosh", 1, Math::One(f64::acosh)),
    ("asinh", 1, Math::One(f64::asinh)),
    ("atanh", 1, Math::One(f64::atanh)),
    ("sqrt", 1, Math::One(f64::sqrt)),
    ("radians", 1, Math::One(radians)),
    ("degrees", 1, Math::One(degrees)),
    ("pi", 0, Math::Pi),
];

fn remainder(x: f64, y: f64) -> f64 {
    x % y
}

fn radians(degrees: f64) -> f64 {
    degrees * (PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians * (180.0 / PI)
}

fn real_argument(value: ValueRef<'_>) -> Option<f64> {
    numeric_argument(value).map(Number::to_real)
}

fn positive_argument(value: ValueRef<'_>) -> Option<f64> {
    real_argument(value).filter(|x| *x > 0.0)
}

impl Math {
    fn real(self, args: &[ValueRef<'_>]) -> Option<f64> {
        Some(match self {
            Math::Rounding(f) | Math::One(f) => f(real_argument(args[0])?),
            Math::Two(f) => f(real_argument(args[0])?, real_argument(args[1])?),
            Math::Log(f) => f(positive_argument(args[0])?),
            Math::LogOfBase => {
                let base = positive_argument(args[0])?.ln();
                // Only the base is asked whether it is a number; the operand counts as one whatever it is.
                let operand = crate::value::number::real_of(args[1]);
                (base > 0.0 && operand > 0.0).then(|| operand.ln() / base)?
            }
            Math::Pi => PI,
        })
    }
}

impl super::ScalarFunction for Math {
    fn call(
        &self,
        _: &mut FunctionContext<'_>,
        args: &[ValueRef<'_>],
        out: &mut dyn ValueSink,
    ) -> Result<()> {
        if let (Math::Rounding(_), Some(Number::Integer(i))) =
            (self, args.first().and_then(|x| numeric_argument(*x)))
        {
            out.integer(i);
            return Ok(());
        }
        match self.real(args) {
            Some(value) => out.real(value),
            None => out.null(),
        }
        Ok(())
    }
}
