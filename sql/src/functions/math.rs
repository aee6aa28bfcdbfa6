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

#[cfg(test)]
mod tests {
    use crate::functions::oracle::Oracle;
    use crate::value::Value;

    fn real(value: f64) -> Value {
        Value::Real(value)
    }

    fn integer(value: i64) -> Value {
        Value::Integer(value)
    }

    /// Not every build of SQLite has these functions, so the answers of one that has are written down. Where the C library
    /// decides, the last bits may differ.
    #[test]
    #[allow(clippy::approx_constant, clippy::excessive_precision)]
    #[rustfmt::skip]
    fn answers_of_sqlite() {
        let oracle = Oracle::new();
        let cases: &[(&str, Value)] = &[
            ("ceil(0.5)", real(1.0)),
            ("ceil(-3)", integer(-3)),
            ("ceil(0)", integer(0)),
            ("ceil('2.5')", real(3.0)),
            ("ceil('x')", Value::Null),
            ("ceil(NULL)", Value::Null),
            ("ceil(7.5)", real(8.0)),
            ("ceil(1e999)", real(f64::INFINITY)),
            ("ceiling(0.5)", real(1.0)),
            ("ceiling(-3)", integer(-3)),
            ("ceiling(0)", integer(0)),
            ("ceiling('2.5')", real(3.0)),
            ("ceiling('x')", Value::Null),
            ("ceiling(NULL)", Value::Null),
            ("ceiling(7.5)", real(8.0)),
            ("ceiling(1e999)", real(f64::INFINITY)),
            ("floor(0.5)", real(0.0)),
            ("floor(-3)", integer(-3)),
            ("floor(0)", integer(0)),
            ("floor('2.5')", real(2.0)),
            ("floor('x')", Value::Null),
            ("floor(NULL)", Value::Null),
            ("floor(7.5)", real(7.0)),
            ("floor(1e999)", real(f64::INFINITY)),
            ("trunc(0.5)", real(0.0)),
            ("trunc(-3)", integer(-3)),
            ("trunc(0)", integer(0)),
            ("trunc('2.5')", real(2.0)),
            ("trunc('x')", Value::Null),
            ("trunc(NULL)", Value::Null),
            ("trunc(7.5)", real(7.0)),
            ("trunc(1e999)", real(f64::INFINITY)),
            ("ln(0.5)", real(-0.6931471805599453)),
            ("ln(-3)", Value::Null),
            ("ln(0)", Value::Null),
            ("ln('2.5')", real(0.9162907318741551)),
            ("ln('x')", Value::Null),
            ("ln(NULL)", Value::Null),
            ("ln(7.5)", real(2.0149030205422647)),
            ("ln(1e999)", real(f64::INFINITY)),
            ("log(0.5)", real(-0.30102999566398114)),
            ("log(-3)", Value::Null),
            ("log(0)", Value::Null),
            ("log('2.5')", real(0.3979400086720376)),
            ("log('x')", Value::Null),
            ("log(NULL)", Value::Null),
            ("log(7.5)", real(0.8750612633916999)),
            ("log(1e999)", real(f64::INFINITY)),
            ("log10(0.5)", real(-0.30102999566398114)),
            ("log10(-3)", Value::Null),
            ("log10(0)", Value::Null),
            ("log10('2.5')", real(0.3979400086720376)),
            ("log10('x')", Value::Null),
            ("log10(NULL)", Value::Null),
            ("log10(7.5)", real(0.8750612633916999)),
            ("log10(1e999)", real(f64::INFINITY)),
            ("log2(0.5)", real(-1.0)),
            ("log2(-3)", Value::Null),
            ("log2(0)", Value::Null),
            ("log2('2.5')", real(1.3219280948873624)),
            ("log2('x')", Value::Null),
            ("log2(NULL)", Value::Null),
            ("log2(7.5)", real(2.9068905956085187)),
            ("log2(1e999)", real(f64::INFINITY)),
            ("exp(0.5)", real(1.6487212707001282)),
            ("exp(-3)", real(0.049787068367863944)),
            ("exp(0)", real(1.0)),
            ("exp('2.5')", real(12.182493960703473)),
            ("exp('x')", Value::Null),
            ("exp(NULL)", Value::Null),
            ("exp(7.5)", real(1808.0424144560632)),
            ("exp(1e999)", real(f64::INFINITY)),
            ("acos(0.5)", real(1.0471975511965979)),
            ("acos(-3)", Value::Null),
            ("acos(0)", real(1.5707963267948966)),
            ("acos('2.5')", Value::Null),
            ("acos('x')", Value::Null),
            ("acos(NULL)", Value::Null),
            ("acos(7.5)", Value::Null),
            ("acos(1e999)", Value::Null),
            ("asin(0.5)", real(0.5235987755982989)),
            ("asin(-3)", Value::Null),
            ("asin(0)", real(0.0)),
            ("asin('2.5')", Value::Null),
            ("asin('x')", Value::Null),
            ("asin(NULL)", Value::Null),
            ("asin(7.5)", Value::Null),
            ("asin(1e999)", Value::Null),
            ("atan(0.5)", real(0.4636476090008061)),
            ("atan(-3)", real(-1.2490457723982544)),
            ("atan(0)", real(0.0)),
            ("atan('2.5')", real(1.1902899496825317)),
            ("atan('x')", Value::Null),
            ("atan(NULL)", Value::Null),
            ("atan(7.5)", real(1.4382447944982226)),
            ("atan(1e999)", real(1.5707963267948966)),
            ("cos(0.5)", real(0.8775825618903728)),
            ("cos(-3)", real(-0.9899924966004454)),
            ("cos(0)", real(1.0)),
            ("cos('2.5')", real(-0.8011436155469337)),
            ("cos('x')", Value::Null),
            ("cos(NULL)", Value::Null),
            ("cos(7.5)", real(0.3466353178350258)),
            ("cos(1e999)", Value::Null),
            ("sin(0.5)", real(0.479425538604203)),
            ("sin(-3)", real(-0.1411200080598672)),
            ("sin(0)", real(0.0)),
            ("sin('2.5')", real(0.5984721441039565)),
            ("sin('x')", Value::Null),
            ("sin(NULL)", Value::Null),
            ("sin(7.5)", real(0.9379999767747389)),
            ("sin(1e999)", Value::Null),
            ("tan(0.5)", real(0.5463024898437905)),
            ("tan(-3)", real(0.1425465430742778)),
            ("tan(0)", real(0.0)),
            ("tan('2.5')", real(-0.7470222972386603)),
            ("tan('x')", Value::Null),
            ("tan(NULL)", Value::Null),
            ("tan(7.5)", real(2.706013866772691)),
            ("tan(1e999)", Value::Null),
            ("cosh(0.5)", real(1.1276259652063807)),
            ("cosh(-3)", real(10.067661995777765)),
            ("cosh(0)", real(1.0)),
            ("cosh('2.5')", real(6.132289479663686)),
            ("cosh('x')", Value::Null),
            ("cosh(NULL)", Value::Null),
            ("cosh(7.5)", real(904.0214837702166)),
            ("cosh(1e999)", real(f64::INFINITY)),
            ("sinh(0.5)", real(0.5210953054937474)),
            ("sinh(-3)", real(-10.017874927409903)),
            ("sinh(0)", real(0.0)),
            ("sinh('2.5')", real(6.0502044810397875)),
            ("sinh('x')", Value::Null),
            ("sinh(NULL)", Value::Null),
            ("sinh(7.5)", real(904.0209306858466)),
            ("sinh(1e999)", real(f64::INFINITY)),
            ("tanh(0.5)", real(0.46211715726000974)),
            ("tanh(-3)", real(-0.9950547536867305)),
            ("tanh(0)", real(0.0)),
            ("tanh('2.5')", real(0.9866142981514303)),
            ("tanh('x')", Value::Null),
            ("tanh(NULL)", Value::Null),
            ("tanh(7.5)", real(0.9999993881955461)),
            ("tanh(1e999)", real(1.0)),
            ("acosh(0.5)", Value::Null),
            ("acosh(-3)", Value::Null),
            ("acosh(0)", Value::Null),
            ("acosh('2.5')", real(1.566799236972411)),
            ("acosh('x')", Value::Null),
            ("acosh(NULL)", Value::Null),
            ("acosh(7.5)", real(2.703575830931402)),
            ("acosh(1e999)", real(f64::INFINITY)),
            ("asinh(0.5)", real(0.48121182505960347)),
            ("asinh(-3)", real(-1.8184464592320668)),
            ("asinh(0)", real(0.0)),
            ("asinh('2.5')", real(1.6472311463710958)),
            ("asinh('x')", Value::Null),
            ("asinh(NULL)", Value::Null),
            ("asinh(7.5)", real(2.712465305184344)),
            ("asinh(1e999)", real(f64::INFINITY)),
            ("atanh(0.5)", real(0.5493061443340548)),
            ("atanh(-3)", Value::Null),
            ("atanh(0)", real(0.0)),
            ("atanh('2.5')", Value::Null),
            ("atanh('x')", Value::Null),
            ("atanh(NULL)", Value::Null),
            ("atanh(7.5)", Value::Null),
            ("atanh(1e999)", Value::Null),
            ("sqrt(0.5)", real(0.7071067811865476)),
            ("sqrt(-3)", Value::Null),
            ("sqrt(0)", real(0.0)),
            ("sqrt('2.5')", real(1.5811388300841898)),
            ("sqrt('x')", Value::Null),
            ("sqrt(NULL)", Value::Null),
            ("sqrt(7.5)", real(2.7386127875258306)),
            ("sqrt(1e999)", real(f64::INFINITY)),
            ("radians(0.5)", real(0.008726646259971648)),
            ("radians(-3)", real(-0.05235987755982989)),
            ("radians(0)", real(0.0)),
            ("radians('2.5')", real(0.04363323129985824)),
            ("radians('x')", Value::Null),
            ("radians(NULL)", Value::Null),
            ("radians(7.5)", real(0.1308996938995747)),
            ("radians(1e999)", real(f64::INFINITY)),
            ("degrees(0.5)", real(28.64788975654116)),
            ("degrees(-3)", real(-171.88733853924697)),
            ("degrees(0)", real(0.0)),
            ("degrees('2.5')", real(143.2394487827058)),
            ("degrees('x')", Value::Null),
            ("degrees(NULL)", Value::Null),
            ("degrees(7.5)", real(429.7183463481174)),
            ("degrees(1e999)", real(f64::INFINITY)),
            ("log(2, 8)", real(3.0)),
            ("log(2.5, -3)", Value::Null),
            ("log(-8, 0.5)", Value::Null),
            ("log(0, 0)", Value::Null),
            ("log(10, '100')", real(2.0)),
            ("log(10, 'x')", Value::Null),
            ("log(1, 5)", Value::Null),
            ("log(NULL, 1)", Value::Null),
            ("log(7, -2)", Value::Null),
            ("log(-7.5, 2)", Value::Null),
            ("log(1e999, 2)", real(0.0)),
            ("log(2, 1e999)", real(f64::INFINITY)),
            ("log('a', 2)", Value::Null),
            ("pow(2, 8)", real(256.0)),
            ("pow(2.5, -3)", real(0.064)),
            ("pow(-8, 0.5)", Value::Null),
            ("pow(0, 0)", real(1.0)),
            ("pow(10, '100')", real(1e+100)),
            ("pow(10, 'x')", Value::Null),
            ("pow(1, 5)", real(1.0)),
            ("pow(NULL, 1)", Value::Null),
            ("pow(7, -2)", real(0.02040816326530612)),
            ("pow(-7.5, 2)", real(56.25)),
            ("pow(1e999, 2)", real(f64::INFINITY)),
            ("pow(2, 1e999)", real(f64::INFINITY)),
            ("pow('a', 2)", Value::Null),
            ("power(2, 8)", real(256.0)),
            ("power(2.5, -3)", real(0.064)),
            ("power(-8, 0.5)", Value::Null),
            ("power(0, 0)", real(1.0)),
            ("power(10, '100')", real(1e+100)),
            ("power(10, 'x')", Value::Null),
            ("power(1, 5)", real(1.0)),
            ("power(NULL, 1)", Value::Null),
            ("power(7, -2)", real(0.02040816326530612)),
            ("power(-7.5, 2)", real(56.25)),
            ("power(1e999, 2)", real(f64::INFINITY)),
            ("power(2, 1e999)", real(f64::INFINITY)),
            ("power('a', 2)", Value::Null),
            ("mod(2, 8)", real(2.0)),
            ("mod(2.5, -3)", real(2.5)),
            ("mod(-8, 0.5)", real(-0.0)),
            ("mod(0, 0)", Value::Null),
            ("mod(10, '100')", real(10.0)),
            ("mod(10, 'x')", Value::Null),
            ("mod(1, 5)", real(1.0)),
            ("mod(NULL, 1)", Value::Null),
            ("mod(7, -2)", real(1.0)),
            ("mod(-7.5, 2)", real(-1.5)),
            ("mod(1e999, 2)", Value::Null),
            ("mod(2, 1e999)", real(2.0)),
            ("mod('a', 2)", Value::Null),
            ("atan2(2, 8)", real(0.24497866312686414)),
            ("atan2(2.5, -3)", real(2.44685437739309)),
            ("atan2(-8, 0.5)", real(-1.5083775167989393)),
            ("atan2(0, 0)", real(0.0)),
            ("atan2(10, '100')", real(0.09966865249116202)),
            ("atan2(10, 'x')", Value::Null),
            ("atan2(1, 5)", real(0.19739555984988075)),
            ("atan2(NULL, 1)", Value::Null),
            ("atan2(7, -2)", real(1.849095985800008)),
            ("atan2(-7.5, 2)", real(-1.3101939350475555)),
            ("atan2(1e999, 2)", real(1.5707963267948966)),
            ("atan2(2, 1e999)", real(0.0)),
            ("atan2('a', 2)", Value::Null),
            ("pi()", real(std::f64::consts::PI)),
        ];
        for (call, expected) in cases {
            let (name, list) = call.strip_suffix(')').and_then(|call| call.split_once('(')).unwrap();
            let args = if list.is_empty() { Vec::new() } else { oracle.values(list).unwrap() };
            let ours = oracle.ours(name, &args, 0).unwrap();
            let same = match (&ours, expected) {
                (Value::Real(a), Value::Real(b)) => a == b || (a - b).abs() <= 1e-15 * b.abs(),
                (a, b) => a == b,
            };
            assert!(same, "{call}: {ours:?} instead of {expected:?}");
        }
    }
}
