//! Switches of the connection.

use std::time::Duration;

use super::{Request, Rows, truth};
use crate::connection::{Settings, State};
use crate::error::Result;
use crate::value::number::integer_prefix;

/// Runs a pragma that reads or sets a switch of the connection; `None` when it is not one.
pub(super) fn run(state: &mut State, request: &Request<'_>) -> Result<Option<Rows>> {
    if let Some(flag) = flag(&mut state.settings, request.name) {
        return Ok(Some(match request.value {
            None => Rows::one(i64::from(*flag)),
            Some(value) => {
                *flag = truth(value);
                Rows::new(1)
            }
        }));
    }
    let number = request.value.map(|value| integer_prefix(value.as_bytes()));
    Ok(Some(match (request.name, number) {
        ("foreign_keys", None) => Rows::one(i64::from(state.settings.foreign_keys)),
        ("foreign_keys", Some(_)) => {
            // Within a transaction the switch does not move.
            if state.transaction.is_autocommit() {
                state.settings.foreign_keys = request.value.is_some_and(truth);
                state.schema_version += 1;
            }
            Rows::new(1)
        }
        ("case_sensitive_like", Some(_)) => {
            state.session.environment.case_sensitive_like.set(request.value.is_some_and(truth));
            state.schema_version += 1;
            Rows::new(0)
        }
        ("writable_schema", Some(_)) if request.value.is_some_and(|value| value.eq_ignore_ascii_case("reset")) => {
            state.settings.writable_schema = false;
            state.forget_schemas();
            Rows::new(1)
        }
        ("writable_schema", None) => Rows::one(i64::from(state.settings.writable_schema)),
        ("writable_schema", Some(_)) => {
            state.settings.writable_schema = request.value.is_some_and(truth);
            state.schema_version += 1;
            Rows::new(1)
        }
        ("automatic_index", None) => Rows::one(i64::from(state.settings.automatic_index)),
        ("automatic_index", Some(_)) => {
            state.settings.automatic_index = request.value.is_some_and(truth);
            state.schema_version += 1;
            Rows::new(1)
        }
        ("busy_timeout", number) => {
            if let Some(number) = number {
                state.set_busy_timeout(Duration::from_millis(u64::try_from(number).unwrap_or(0)));
            }
            Rows::one(state.settings.busy_timeout.as_millis() as i64)
        }
        ("temp_store", None) => Rows::one(state.settings.temp_store),
        ("temp_store", Some(number)) => {
            state.settings.temp_store = match request.value.unwrap_or("").to_ascii_lowercase().as_str() {
                "file" => 1,
                "memory" => 2,
                _ => number.clamp(0, 2),
            };
            Rows::new(1)
        }
        ("threads" | "soft_heap_limit" | "hard_heap_limit" | "analysis_limit", _) => Rows::one(0),
        ("shrink_memory" | "optimize", _) => Rows::new(0),
        ("compile_options", _) => compile_options(),
        _ => return Ok(None),
    }))
}

fn flag<'s>(settings: &'s mut Settings, name: &str) -> Option<&'s mut bool> {
    Some(match name {
        "cell_size_check" => &mut settings.cell_size_check,
        "count_changes" => &mut settings.count_changes,
        "defer_foreign_keys" => &mut settings.defer_foreign_keys,
        "full_column_names" => &mut settings.full_column_names,
        "ignore_check_constraints" => &mut settings.ignore_check_constraints,
        "legacy_alter_table" => &mut settings.legacy_alter_table,
        "query_only" => &mut settings.query_only,
        "recursive_triggers" => &mut settings.recursive_triggers,
        "reverse_unordered_selects" => &mut settings.reverse_unordered_selects,
        "short_column_names" => &mut settings.short_column_names,
        "trusted_schema" => &mut settings.trusted_schema,
        _ => return None,
    })
}

/// What a program asks for that wants to know what the engine can do.
fn compile_options() -> Rows {
    let options = [
        "DEFAULT_FOREIGN_KEYS=0",
        "ENABLE_MATH_FUNCTIONS",
        "ENABLE_UPDATE_DELETE_LIMIT",
        "MAX_ATTACHED=10",
        "MAX_COLUMN=2000",
        "THREADSAFE=2",
    ];
    let mut rows = Rows::new(1);
    options.iter().for_each(|option| rows.push([(*option).into()]));
    rows
}
