//! Pragmas that are switches of the connection.

use super::{PragmaContext, Request, Row, Settings, one_integer, truth};
use crate::error::Result;

/// Sets the switch when there is a value, else tells it.
pub(super) fn answer(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let autocommit = context.state.transaction.is_autocommit();
    let Some(switch) = switch(request.name, &mut context.state.settings) else {
        return Ok(Vec::new());
    };
    match request.value {
        None => Ok(one_integer(i64::from(*switch))),
        Some(value) => {
            // Inside a transaction the switch of foreign keys stays as it is.
            if request.name != "foreign_keys" || autocommit {
                *switch = truth(value);
            }
            Ok(Vec::new())
        }
    }
}

fn switch<'s>(name: &str, settings: &'s mut Settings) -> Option<&'s mut bool> {
    Some(match name {
        "automatic_index" => &mut settings.automatic_index,
        "cell_size_check" => &mut settings.cell_size_check,
        "checkpoint_fullfsync" => &mut settings.checkpoint_fullfsync,
        "count_changes" => &mut settings.count_changes,
        "defer_foreign_keys" => &mut settings.defer_foreign_keys,
        "empty_result_callbacks" => &mut settings.empty_result_callbacks,
        "foreign_keys" => &mut settings.foreign_keys,
        "full_column_names" => &mut settings.full_column_names,
        "fullfsync" => &mut settings.fullfsync,
        "ignore_check_constraints" => &mut settings.ignore_check_constraints,
        "legacy_alter_table" => &mut settings.legacy_alter_table,
        "query_only" => &mut settings.query_only,
        "read_uncommitted" => &mut settings.read_uncommitted,
        "recursive_triggers" => &mut settings.recursive_triggers,
        "reverse_unordered_selects" => &mut settings.reverse_unordered_selects,
        "short_column_names" => &mut settings.short_column_names,
        "trusted_schema" => &mut settings.trusted_schema,
        "writable_schema" => &mut settings.writable_schema,
        _ => return None,
    })
}
