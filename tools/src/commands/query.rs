//! `query`: runs SQL and prints the rows of each statement.

use std::io::Write;

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;

use super::open::{Access, open};
use crate::cli::Query;
use crate::error::{Exit, Failure};
use crate::output::Format;

/// Runs the statements in order; the first error ends it.
///
/// # Errors
/// A file that cannot be opened, SQL that does not compile or run, an output that is closed.
pub fn query(query: &Query, out: &mut dyn Write) -> Result<Exit, Failure> {
    let access = if query.write { Access::Write } else { Access::Read };
    let connection = open(&query.file, access)?;
    let format = Format::or_default(query.print.format);
    run_all(&connection, &query.sql, format, out)?;
    Ok(Exit::Done)
}

/// Runs each statement of a text and prints what it answers.
pub(super) fn run_all(
    connection: &Connection,
    sql: &str,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut rest = sql;
    while !rest.trim().is_empty() {
        let tail = run_one(connection, rest, format, out)?;
        if tail == 0 {
            break;
        }
        rest = rest.get(tail..).unwrap_or_default();
    }
    Ok(())
}

/// Runs the first statement; where the next one begins.
fn run_one(
    connection: &Connection,
    sql: &str,
    format: Format,
    out: &mut dyn Write,
) -> Result<usize, Failure> {
    let failed = |error| Failure::sql(error, sql);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let tail = statement.tail();
    if statement.column_count() == 0 {
        while statement.step().map_err(failed)? {}
        return Ok(tail);
    }
    let names: Vec<String> = (0..statement.column_count())
        .map(|i| statement.column_name(i).to_owned())
        .collect();
    let mut rows = format.rows("dbtool/query/1", out);
    rows.columns(&names)?;
    loop {
        match statement.step() {
            Ok(true) => {
                let values: Vec<ValueRef<'_>> = (0..names.len()).map(|i| statement.value(i)).collect();
                rows.row(&values)?;
            }
            Ok(false) => break,
            Err(error) => {
                rows.end(false)?;
                return Err(failed(error));
            }
        }
    }
    rows.end(true)?;
    Ok(tail)
}
