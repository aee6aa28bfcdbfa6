//! Pragmas that read or write a number in the file's header (file format, section 1.3).

use super::{PragmaContext, Request, Row, one_integer, reading, writing};
use crate::error::Result;

/// Which number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Offset 68.
    ApplicationId,
    /// Not in the file: changes when another connection's commit is seen.
    DataVersion,
    /// Offset 36.
    FreelistCount,
    /// Offset 40.
    SchemaVersion,
    /// Offset 60.
    UserVersion,
}

impl Field {
    fn is_read_only(self) -> bool {
        matches!(self, Field::DataVersion | Field::FreelistCount)
    }
}

/// Tells the number, or sets it when there is a value.
pub(super) fn answer(
    field: Field,
    request: &Request<'_>,
    context: &mut PragmaContext<'_>,
) -> Result<Vec<Row>> {
    let state = &mut *context.state;
    let pager = &mut state.databases[request.database_or_main()].pager;
    match request.number() {
        Some(number) if !field.is_read_only() => {
            let autocommit = state.transaction.is_autocommit();
            let hooks = &mut state.hooks;
            let mut refused = false;
            let depth = (autocommit, state.transaction.savepoints());
            let written = writing(pager, depth, |pager| {
                pager.update_header(|header| match field {
                    Field::ApplicationId => header.application_id = number as i32,
                    Field::SchemaVersion => header.schema_cookie = number as u32,
                    Field::UserVersion => header.user_version = number as i32,
                    Field::DataVersion | Field::FreelistCount => {}
                })?;
                let asked = if autocommit { hooks.ask_to_commit() } else { Ok(()) };
                refused = asked.is_err();
                asked
            });
            if refused {
                hooks.tell_of_rollback();
            }
            written.map(|()| Vec::new())
        }
        _ => {
            let number = reading(pager, |pager| {
                if field == Field::DataVersion {
                    // SQLite counts from 1 as well.
                    return Ok(pager.change_token() as i64 + 1);
                }
                if pager.page_count() == 0 {
                    return Ok(0);
                }
                let header = pager.header()?;
                Ok(match field {
                    Field::ApplicationId => i64::from(header.application_id),
                    Field::FreelistCount => i64::from(header.freelist_count),
                    Field::SchemaVersion => i64::from(header.schema_cookie as i32),
                    Field::UserVersion => i64::from(header.user_version),
                    Field::DataVersion => 0,
                })
            })?;
            Ok(one_integer(number))
        }
    }
}
