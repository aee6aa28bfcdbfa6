//! `schema`: the SQL of everything in the file, with root pages.

use std::io::Write;

use aludel_sql::value::ValueRef;
use serde_json::json;

use super::open::{Access, open, prepare};
use crate::cli::Target;
use crate::error::{Exit, Failure};
use crate::output::{Format, json_of, json_value};

/// Tables first, then what belongs to them, in the order of creation.
const ENTRIES: &str = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid";

/// Prints the SQL that makes the schema; as rows in formats for programs.
///
/// # Errors
/// A file that cannot be opened or read, an output that is closed.
pub fn schema(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    let connection = open(&target.file, Access::Read)?;
    match Format::or_default(target.print.format) {
        Format::Table | Format::Plain => print_sql(&connection, out)?,
        Format::Json => print_json(&connection, out)?,
        rows => super::query::run_all(&connection, ENTRIES, rows, out)?,
    }
    Ok(Exit::Done)
}

fn print_sql(connection: &aludel_sql::Connection, out: &mut dyn Write) -> Result<(), Failure> {
    let mut statement = prepare(connection, ENTRIES)?;
    while statement.step().map_err(|error| Failure::sql(error, ENTRIES))? {
        // Automatic indexes have no SQL of their own: their table's says it.
        if let ValueRef::Text(sql) = statement.value(4) {
            out.write_all(sql)?;
            out.write_all(b";\n")?;
        }
    }
    Ok(())
}

fn print_json(connection: &aludel_sql::Connection, out: &mut dyn Write) -> Result<(), Failure> {
    let mut statement = prepare(connection, ENTRIES)?;
    let mut entries = Vec::new();
    while statement.step().map_err(|error| Failure::sql(error, ENTRIES))? {
        let field = |i| json_value(statement.value(i));
        entries.push(json!({
            "type": field(0), "name": field(1), "table": field(2), "root_page": field(3), "sql": field(4),
        }));
    }
    json_of(
        out,
        &json!({ "schema": "dbtool/schema/1", "entries": entries, "complete": true }),
    )?;
    Ok(())
}
