//! The table of built-in functions: name, arity, flags and code of each, in one place.

use std::sync::{Arc, LazyLock};

use super::aggregate::{BasicAggregate, Extreme};
use super::json::{Edit, JsonFunction, JsonGroup, Operation};
use super::length::Length;
use super::percentile::Percentile;
use super::registry::FunctionTable;
use super::{
    AggregateFunction, Arity, Function, FunctionContext, FunctionFlags, FunctionKind, ScalarFunction,
    SpecialFunction, ValueSink, WindowFunction, core, datetime, math, pattern, printf, text,
};
use crate::error::Result;
use crate::value::ValueRef;

/// All built-in functions by name in small letters.
pub(super) fn functions() -> &'static FunctionTable {
    static FUNCTIONS: LazyLock<FunctionTable> = LazyLock::new(|| {
        let mut table = FunctionTable::default();
        register_core(&mut table);
        register_dates(&mut table);
        register_json(&mut table);
        register_math(&mut table);
        register_aggregates(&mut table);
        register_windows(&mut table);
        register_special(&mut table);
        for function in crate::modules::functions() {
            add(
                &mut table,
                &function.name,
                function.arity,
                function.flags,
                function.kind.clone(),
            );
        }
        table
    });
    &FUNCTIONS
}

/// A pure function of its arguments.
const PURE: FunctionFlags = FunctionFlags {
    deterministic: true,
    constant_in_statement: true,
    deterministic_but_clock: false,
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
/// Stays the same within a statement only.
const STABLE: FunctionFlags = FunctionFlags {
    deterministic: false,
    ..PURE
};
/// As `STABLE`, and pure as long as its arguments do not ask for the clock.
const CLOCK: FunctionFlags = FunctionFlags {
    deterministic_but_clock: true,
    ..STABLE
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
    let length: Arc<dyn ScalarFunction> = Arc::new(Length);
    add(table, "length", Exact(1), PURE, FunctionKind::Scalar(length));
    use Arity::{AtLeast, Exact, Range};
    const JSON_READING: FunctionFlags = FunctionFlags {
        reads_json: true,
        ..PURE
    };
    const COLLATED_JSON: FunctionFlags = FunctionFlags {
        reads_json: true,
        ..COLLATED
    };
    const DIRECT: FunctionFlags = FunctionFlags {
        direct_only: true,
        innocuous: false,
        ..VOLATILE
    };
    scalars(
        table,
        &[
            ("abs", Exact(1), PURE, core::abs),
            ("sign", Exact(1), PURE, core::sign),
            ("round", Range(1, 2), PURE, core::round),
            ("typeof", Exact(1), PURE, core::type_of),
            ("subtype", Exact(1), JSON_READING, core::subtype),
            ("max", AtLeast(2), COLLATED_JSON, core::max),
            ("min", AtLeast(2), COLLATED_JSON, core::min),
            ("nullif", Exact(2), COLLATED_JSON, core::null_if),
            ("changes", Exact(0), VOLATILE, core::changes),
            ("total_changes", Exact(0), VOLATILE, core::total_changes),
            ("last_insert_rowid", Exact(0), VOLATILE, core::last_insert_rowid),
            ("random", Exact(0), VOLATILE, core::random),
            ("randomblob", Exact(1), VOLATILE, text::random_blob),
            ("sqlite_version", Exact(0), STABLE, core::sqlite_version),
            ("sqlite_source_id", Exact(0), STABLE, core::sqlite_source_id),
            (
                "sqlite_compileoption_used",
                Exact(1),
                STABLE,
                core::compile_option_used,
            ),
            (
                "sqlite_compileoption_get",
                Exact(1),
                STABLE,
                core::compile_option_get,
            ),
            ("sqlite_log", Exact(2), DIRECT, core::sqlite_log),
            ("load_extension", Range(1, 2), DIRECT, core::load_extension),
            ("match", Exact(2), PURE, core::match_operator),
            ("fts3_tokenizer", Range(1, 2), DIRECT, core::fts3_tokenizer),
            ("snippet", AtLeast(0), PURE, core::snippet),
            ("offsets", Exact(1), PURE, core::offsets),
            ("matchinfo", Range(1, 2), PURE, core::matchinfo),
            ("optimize", Exact(1), PURE, core::optimize),
            ("octet_length", Exact(1), PURE, text::octet_length),
            ("instr", Exact(2), PURE, text::instr),
            ("substr", Range(2, 3), PURE, text::substr),
            ("substring", Range(2, 3), PURE, text::substr),
            ("lower", Exact(1), PURE, text::lower),
            ("upper", Exact(1), PURE, text::upper),
            ("hex", Exact(1), PURE, text::hex),
            ("unhex", Range(1, 2), PURE, text::unhex),
            ("concat", AtLeast(1), PURE, text::concat),
            ("concat_ws", AtLeast(2), PURE, text::concat_ws),
            ("replace", Exact(3), PURE, text::replace),
            ("trim", Range(1, 2), PURE, text::trim),
            ("ltrim", Range(1, 2), PURE, text::ltrim),
            ("rtrim", Range(1, 2), PURE, text::rtrim),
            ("char", AtLeast(0), PURE, text::char),
            ("unicode", Exact(1), PURE, text::unicode),
            ("soundex", Exact(1), PURE, text::soundex),
            ("quote", Exact(1), PURE, text::quote),
            ("unistr", Exact(1), PURE, text::unistr),
            ("unistr_quote", Exact(1), PURE, text::unistr_quote),
            ("zeroblob", Exact(1), PURE, text::zeroblob),
            ("like", Range(2, 3), PURE, pattern::like),
            ("glob", Exact(2), PURE, pattern::glob),
            ("printf", AtLeast(0), PURE, printf::printf),
            ("format", AtLeast(0), PURE, printf::printf),
        ],
    );
}

fn register_dates(table: &mut FunctionTable) {
    use Arity::{AtLeast, Exact};
    scalars(
        table,
        &[
            ("date", AtLeast(0), CLOCK, datetime::date),
            ("time", AtLeast(0), CLOCK, datetime::time),
            ("datetime", AtLeast(0), CLOCK, datetime::date_time),
            ("julianday", AtLeast(0), CLOCK, datetime::julian_day),
            ("unixepoch", AtLeast(0), CLOCK, datetime::unix_epoch),
            ("strftime", AtLeast(0), CLOCK, datetime::strftime),
            ("timediff", Exact(2), CLOCK, datetime::time_diff),
            ("current_date", Exact(0), STABLE, datetime::current_date),
            ("current_time", Exact(0), STABLE, datetime::current_time),
            ("current_timestamp", Exact(0), STABLE, datetime::current_timestamp),
        ],
    );
}

fn register_json(table: &mut FunctionTable) {
    use Arity::{AtLeast, Exact, Range};
    // Name, arity, operation, whether it looks at which arguments are JSON, and whether there is a `jsonb_` twin.
    for (name, arity, operation, reads_json, twin) in [
        ("", Exact(1), Operation::Remove, false, true),
        ("_array", AtLeast(0), Operation::Array, true, true),
        (
            "_array_insert",
            AtLeast(0),
            Operation::Edit(Edit::ArrayInsert),
            true,
            true,
        ),
        ("_array_length", Range(1, 2), Operation::ArrayLength, false, false),
        (
            "_error_position",
            Exact(1),
            Operation::ErrorPosition,
            false,
            false,
        ),
        ("_extract", AtLeast(0), Operation::Extract, false, true),
        ("_insert", AtLeast(0), Operation::Edit(Edit::Insert), true, true),
        ("_object", AtLeast(0), Operation::Object, true, true),
        ("_patch", Exact(2), Operation::Patch, false, true),
        ("_pretty", Range(1, 2), Operation::Pretty, false, false),
        ("_quote", Exact(1), Operation::Quote, true, false),
        ("_remove", AtLeast(0), Operation::Remove, false, true),
        ("_replace", AtLeast(0), Operation::Edit(Edit::Replace), true, true),
        ("_set", AtLeast(0), Operation::Edit(Edit::Set), true, true),
        ("_type", Range(1, 2), Operation::Type, false, false),
        ("_valid", Range(1, 2), Operation::Valid, false, false),
    ] {
        let returns_json = !matches!(
            operation,
            Operation::ArrayLength
                | Operation::ErrorPosition
                | Operation::Pretty
                | Operation::Type
                | Operation::Valid
        );
        let flags = FunctionFlags {
            reads_json,
            returns_json,
            ..PURE
        };
        add_json(
            table,
            &format!("json{name}"),
            arity,
            flags,
            JsonFunction {
                operation,
                binary: false,
            },
        );
        if twin {
            let flags = FunctionFlags {
                returns_json: false,
                ..flags
            };
            add_json(
                table,
                &format!("jsonb{name}"),
                arity,
                flags,
                JsonFunction {
                    operation,
                    binary: true,
                },
            );
        }
    }
    let arrow = FunctionFlags {
        returns_json: true,
        ..PURE
    };
    add_json(
        table,
        "->",
        Exact(2),
        arrow,
        JsonFunction {
            operation: Operation::Arrow,
            binary: false,
        },
    );
    add_json(
        table,
        "->>",
        Exact(2),
        PURE,
        JsonFunction {
            operation: Operation::LongArrow,
            binary: false,
        },
    );
    for (name, argc, object, binary) in [
        ("json_group_array", 1, false, false),
        ("jsonb_group_array", 1, false, true),
        ("json_group_object", 2, true, false),
        ("jsonb_group_object", 2, true, true),
    ] {
        let flags = FunctionFlags {
            reads_json: true,
            returns_json: !binary,
            ..PURE
        };
        let function: Arc<dyn AggregateFunction> = Arc::new(JsonGroup { object, binary });
        add(table, name, Exact(argc), flags, FunctionKind::Aggregate(function));
    }
}

fn add_json(
    table: &mut FunctionTable,
    name: &str,
    arity: Arity,
    flags: FunctionFlags,
    function: JsonFunction,
) {
    let code: Arc<dyn ScalarFunction> = Arc::new(function);
    add(table, name, arity, flags, FunctionKind::Scalar(code));
}

fn register_math(table: &mut FunctionTable) {
    for &(name, argc, function) in math::FUNCTIONS {
        let code: Arc<dyn ScalarFunction> = Arc::new(function);
        add(table, name, Arity::Exact(argc), PURE, FunctionKind::Scalar(code));
    }
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
    for (name, argc, function) in [
        ("median", 1, Percentile::Median),
        ("percentile", 2, Percentile::Hundredths),
        ("percentile_cont", 2, Percentile::Continuous),
        ("percentile_disc", 2, Percentile::Discrete),
    ] {
        let function: Arc<dyn AggregateFunction> = Arc::new(function);
        add(table, name, Exact(argc), PURE, FunctionKind::Aggregate(function));
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
