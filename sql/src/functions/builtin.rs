//! The table of built-in functions: name, arity, flags and code of each, in one place.

use std::sync::{Arc, LazyLock};

use super::aggregate::{BasicAggregate, Extreme};
use super::registry::FunctionTable;
use super::{
    AggregateFunction, Arity, Function, FunctionContext, FunctionFlags, FunctionKind, ScalarFunction,
    SpecialFunction, ValueSink, WindowFunction, core,
};
use crate::error::Result;
use crate::value::ValueRef;

/// All built-in functions by name in small letters.
pub(super) fn functions() -> &'static FunctionTable {
    static FUNCTIONS: LazyLock<FunctionTable> = LazyLock::new(|| {
        let mut table = FunctionTable::default();
        register_core(&mut table);
        register_aggregates(&mut table);
        register_windows(&mut table);
        register_special(&mut table);
        table
    });
    &FUNCTIONS
}

/// A pure function of its arguments.
const PURE: FunctionFlags = FunctionFlags {
    deterministic: true,
    constant_in_statement: true,
    uses_collation: false,
    returns_json: false,
    reads_json: false,
    direct_only: false,
    innocuous: true,
};
/// A pure function that compares text.
const COLLATED: FunctionFlags = FunctionFlags {
    uses_collation: true,
    ..PURE
};
/// Changes from call to call.
const VOLATILE: FunctionFlags = FunctionFlags {
    deterministic: false,
    constant_in_statement: false,
    ..PURE
};

type Code = fn(&mut FunctionContext<'_>, &[ValueRef<'_>], &mut dyn ValueSink) -> Result<()>;

fn add(table: &mut FunctionTable, name: &str, arity: Arity, flags: FunctionFlags, kind: FunctionKind) {
    let function = Function {
        name: name.into(),
        arity,
        flags,
        kind,
        builtin: true,
    };
    table.entry(name.into()).or_default().push(function);
}

fn scalars(table: &mut FunctionTable, list: &[(&str, Arity, FunctionFlags, Code)]) {
    for &(name, arity, flags, code) in list {
        let code: Arc<dyn ScalarFunction> = Arc::new(code);
        add(table, name, arity, flags, FunctionKind::Scalar(code));
    }
}

fn register_core(table: &mut FunctionTable) {
    use Arity::{AtLeast, Exact};
    scalars(
        table,
        &[
            ("abs", Exact(1), PURE, core::abs),
            ("sign", Exact(1), PURE, core::sign),
            ("typeof", Exact(1), PURE, core::type_of),
            ("max", AtLeast(2), COLLATED, core::max),
            ("min", AtLeast(2), COLLATED, core::min),
            ("nullif", Exact(2), COLLATED, core::null_if),
            ("changes", Exact(0), VOLATILE, core::changes),
            ("total_changes", Exact(0), VOLATILE, core::total_changes),
            ("last_insert_rowid", Exact(0), VOLATILE, core::last_insert_rowid),
        ],
    );
}

fn register_aggregates(table: &mut FunctionTable) {
    use Arity::{Exact, Range};
    for (name, arity, flags, function) in [
        ("count", Range(0, 1), PURE, BasicAggregate::Count),
        ("sum", Exact(1), PURE, BasicAggregate::Sum),
        ("total", Exact(1), PURE, BasicAggregate::Total),
        ("avg", Exact(1), PURE, BasicAggregate::Avg),
        ("min", Exact(1), COLLATED, BasicAggregate::MinMax(Extreme::Min)),
        ("max", Exact(1), COLLATED, BasicAggregate::MinMax(Extreme::Max)),
        ("group_concat", Range(1, 2), PURE, BasicAggregate::GroupConcat),
        ("string_agg", Exact(2), PURE, BasicAggregate::GroupConcat),
    ] {
        let function: Arc<dyn AggregateFunction> = Arc::new(function);
        add(table, name, arity, flags, FunctionKind::Aggregate(function));
    }
}

fn register_windows(table: &mut FunctionTable) {
    use Arity::{Exact, Range};
    for (name, arity, function) in [
        ("row_number", Exact(0), WindowFunction::RowNumber),
        ("rank", Exact(0), WindowFunction::Rank),
        ("dense_rank", Exact(0), WindowFunction::DenseRank),
        ("percent_rank", Exact(0), WindowFunction::PercentRank),
        ("cume_dist", Exact(0), WindowFunction::CumeDist),
        ("ntile", Exact(1), WindowFunction::Ntile),
        ("lag", Range(1, 3), WindowFunction::Lag),
        ("lead", Range(1, 3), WindowFunction::Lead),
        ("first_value", Exact(1), WindowFunction::FirstValue),
        ("last_value", Exact(1), WindowFunction::LastValue),
        ("nth_value", Exact(2), WindowFunction::NthValue),
    ] {
        add(table, name, arity, PURE, FunctionKind::Window(function));
    }
}

fn register_special(table: &mut FunctionTable) {
    use Arity::{AtLeast, Exact};
    for (name, arity, function) in [
        ("coalesce", AtLeast(2), SpecialFunction::Coalesce),
        ("ifnull", Exact(2), SpecialFunction::IfNull),
        ("iif", AtLeast(2), SpecialFunction::Iif),
        ("if", AtLeast(2), SpecialFunction::Iif),
        ("likely", Exact(1), SpecialFunction::Likely),
        ("unlikely", Exact(1), SpecialFunction::Unlikely),
        ("likelihood", Exact(2), SpecialFunction::Likelihood),
        ("sqlite_offset", Exact(1), SpecialFunction::Offset),
    ] {
        add(table, name, arity, PURE, FunctionKind::Special(function));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_small_letters_and_arities_do_not_clash() {
        for (name, functions) in functions() {
            assert_eq!(**name, name.to_ascii_lowercase());
            for argc in 0..8 {
                let exact = functions
                    .iter()
                    .filter(|f| matches!(f.arity, Arity::Exact(_)) && f.arity.accepts(argc));
                assert!(exact.count() <= 1, "{name} with {argc}");
            }
        }
    }
}
