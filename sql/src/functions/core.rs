//! Core scalar functions over numbers and state: `abs`, `sign`, `round`, `random`, `typeof`, `max`, `min`, `nullif`, counters, versions.

use super::aggregate::Extreme;
use super::{FunctionContext, ValueSink};
use crate::error::{Error, Result};
use crate::modules::fts::tokenizer::TokenizerRegistry;
use crate::value::cast::numeric_argument;
use crate::value::decimal::{self, Digits, Rounding};
use crate::value::number;
use crate::value::utf8::until_nul;
use crate::value::{ValueRef, compare, type_name};

type Args<'a, 'b> = &'a [ValueRef<'b>];

pub(super) fn abs(_: &mut FunctionContext<'_>, args: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    match args[0] {
        ValueRef::Null => out.null(),
        ValueRef::Integer(i) => out.integer(i.checked_abs().ok_or_else(|| Error::sql("integer overflow"))?),
        // Negative zero is not below zero, and stays.
        other => {
            let real = number::real_of(other);
            out.real(if real < 0.0 { -real } else { real });
        }
    }
    Ok(())
}

pub(super) fn sign(_: &mut FunctionContext<'_>, args: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    match numeric_argument(args[0]).map(|n| n.to_real()) {
        None => out.null(),
        Some(r) => out.integer(i64::from(r > 0.0) - i64::from(r < 0.0)),
    }
    Ok(())
}

pub(super) fn type_of(
    _: &mut FunctionContext<'_>,
    args: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    out.text(type_name(args[0]).as_bytes());
    Ok(())
}

pub(super) fn max(cx: &mut FunctionContext<'_>, args: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    extreme(cx, args, out, Extreme::Max)
}

pub(super) fn min(cx: &mut FunctionContext<'_>, args: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    extreme(cx, args, out, Extreme::Min)
}

/// The first of several equal extremes wins for `max`, the last one for `min`.
fn extreme(
    cx: &mut FunctionContext<'_>,
    args: Args<'_, '_>,
    out: &mut dyn ValueSink,
    extreme: Extreme,
) -> Result<()> {
    let (mut best, mut place) = (args[0], 0);
    for (number, &candidate) in args.iter().enumerate() {
        if candidate.is_null() {
            out.null();
            return Ok(());
        }
        let keep = match extreme {
            Extreme::Max => compare(candidate, best, cx.collation).is_le(),
            Extreme::Min => compare(candidate, best, cx.collation).is_gt(),
        };
        if !keep {
            (best, place) = (candidate, number);
        }
    }
    out.value(best);
    cx.json_result = cx.is_json(place);
    Ok(())
}

pub(super) fn null_if(
    cx: &mut FunctionContext<'_>,
    args: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    if compare(args[0], args[1], cx.collation).is_eq() {
        out.null()
    } else {
        out.value(args[0]);
        cx.json_result = cx.is_json(0);
    }
    Ok(())
}

pub(super) fn changes(cx: &mut FunctionContext<'_>, _: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    out.integer(cx.environment.changes.get());
    Ok(())
}

pub(super) fn total_changes(
    cx: &mut FunctionContext<'_>,
    _: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    out.integer(cx.environment.total_changes.get());
    Ok(())
}

pub(super) fn last_insert_rowid(
    cx: &mut FunctionContext<'_>,
    _: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    out.integer(cx.environment.last_insert_rowid.get());
    Ok(())
}

/// `round(X [, Y])`: half away from zero, on the decimal digits.
pub(super) fn round(_: &mut FunctionContext<'_>, args: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    let places = args.get(1).copied().unwrap_or(ValueRef::Integer(0));
    if args[0].is_null() || places.is_null() {
        out.null();
        return Ok(());
    }
    let places = number::integer_of(places).clamp(0, 30) as i32;
    out.real(round_real(number::real_of(args[0]), places));
    Ok(())
}

/// Doubles from here on have no fraction.
const WHOLE_FROM: f64 = 4_503_599_627_370_496.0;

fn round_real(real: f64, places: i32) -> f64 {
    if !(-WHOLE_FROM..=WHOLE_FROM).contains(&real) {
        return real;
    }
    if places == 0 {
        return (real + if real < 0.0 { -0.5 } else { 0.5 }) as i64 as f64;
    }
    let digits = Digits::of(real, Rounding::AfterPoint(places), 20);
    let shown = digits.as_bytes();
    let visible = shown.len().min((digits.point + places).max(0) as usize);
    let value = shown[..visible]
        .iter()
        .fold(0u64, |v, d| v.wrapping_mul(10) + u64::from(d - b'0'));
    let magnitude = number::real_from_decimal(value, digits.point - visible as i32);
    if digits.negative { -magnitude } else { magnitude }
}

/// Never the smallest integer, so that `abs(random())` cannot overflow.
pub(super) fn random(cx: &mut FunctionContext<'_>, _: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    let bits = cx.environment.random() as i64;
    out.integer(if bits == i64::MIN { 0 } else { bits });
    Ok(())
}

/// The subtype of a value: 74 (`J`) for JSON, otherwise 0.
pub(super) fn subtype(cx: &mut FunctionContext<'_>, _: Args<'_, '_>, out: &mut dyn ValueSink) -> Result<()> {
    out.integer(if cx.is_json(0) { i64::from(b'J') } else { 0 });
    Ok(())
}

/// The SQLite release whose behaviour this engine follows.
pub const SQLITE_VERSION: &str = "3.54.1";
const SOURCE_ID: &str = concat!("aludel-", env!("CARGO_PKG_VERSION"));

pub(super) fn sqlite_version(
    _: &mut FunctionContext<'_>,
    _: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    out.text(SQLITE_VERSION.as_bytes());
    Ok(())
}

pub(super) fn sqlite_source_id(
    _: &mut FunctionContext<'_>,
    _: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    out.text(SOURCE_ID.as_bytes());
    Ok(())
}

/// The compile-time options of SQLite that describe what this engine has, in the order of `PRAGMA compile_options`.
pub const COMPILE_OPTIONS: &[&str] = &[
    "ENABLE_COLUMN_METADATA",
    "ENABLE_DBSTAT_VTAB",
    "ENABLE_JSON1",
    "ENABLE_MATH_FUNCTIONS",
    "ENABLE_PERCENTILE",
    "ENABLE_STAT4",
    "SOUNDEX",
    "THREADSAFE=1",
    "USE_URI",
];

pub(super) fn compile_option_used(
    cx: &mut FunctionContext<'_>,
    args: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    let Some(name) = decimal::bytes_of(args[0], &mut cx.scratch) else {
        out.null();
        return Ok(());
    };
    out.integer(i64::from(is_option_used(until_nul(name))));
    Ok(())
}

fn is_option_used(name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"SQLITE_";
    let prefixed = name
        .get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    let name = if prefixed { &name[PREFIX.len()..] } else { name };
    COMPILE_OPTIONS
        .iter()
        .map(|option| option.as_bytes())
        .any(|option| {
            option
                .get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
                && option
                    .get(name.len())
                    .is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'_')
        })
}

pub(super) fn compile_option_get(
    _: &mut FunctionContext<'_>,
    args: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    let index = usize::try_from(number::integer_of(args[0])).unwrap_or(usize::MAX);
    match COMPILE_OPTIONS.get(index) {
        Some(option) => out.text(option.as_bytes()),
        None => out.null(),
    }
    Ok(())
}

pub(super) fn load_extension(
    _: &mut FunctionContext<'_>,
    _: Args<'_, '_>,
    _: &mut dyn ValueSink,
) -> Result<()> {
    Err(Error::sql("not authorized"))
}

/// `sqlite_log(code, message)` goes nowhere here.
pub(super) fn sqlite_log(
    _: &mut FunctionContext<'_>,
    _: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    out.null();
    Ok(())
}

/// `fts3_tokenizer(name [, pointer])` trades in pointers, which SQLite does not hand out unless it is told to, and this engine never does.
pub(super) fn fts3_tokenizer(
    _: &mut FunctionContext<'_>,
    args: Args<'_, '_>,
    out: &mut dyn ValueSink,
) -> Result<()> {
    if args.len() == 2 {
        return Err(Error::sql("fts3tokenize disabled"));
    }
    let mut buffer = Vec::new();
    let name = decimal::bytes_of(args[0], &mut buffer).unwrap_or_default();
    TokenizerRegistry::default().find(name)?;
    out.null();
    Ok(())
}

/// Functions that mean something only where a virtual table gives them a meaning.
macro_rules! functions_of_virtual_tables {
    ($($function:ident $name:literal)*) => {
        $(
            pub(super) fn $function(
                _: &mut FunctionContext<'_>,
                _: Args<'_, '_>,
                _: &mut dyn ValueSink,
            ) -> Result<()> {
                Err(Error::sql(concat!("unable to use function ", $name, " in the requested context")))
            }
        )*
    };
}

functions_of_virtual_tables! {
    match_operator "MATCH"
    snippet "snippet"
    offsets "offsets"
    matchinfo "matchinfo"
    optimize "optimize"
}
