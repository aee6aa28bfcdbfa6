//! `schema`: the SQL of everything in the file, with root pages.

use std::io::Write;

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;

use super::subject::{prepare, read};
use crate::cli::Schema;
use crate::error::{Exit, Failure};
use crate::output::{Field, Format, Part, Report};

/// Tables first, then what belongs to them, in the order of creation.
const ENTRIES: &str = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid";

/// Prints the SQL that makes the schema; as rows in formats for programs.
///
/// # Errors
/// A file that cannot be opened or read, an output that is closed.
pub(super) fn schema(schema: &Schema, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(&schema.target, out, &mut |subject, out| {
        let entries = entries(&subject.connect()?, schema.name.as_deref())?;
        match subject.style.format {
            Format::Table | Format::Plain | Format::Sql => print_sql(&entries, out)?,
            _ => {
                let mut report = Report::new("dbtool/schema/1");
                report.part(entries);
                report.print(&subject.style, out)?;
            }
        }
        Ok(Exit::Done)
    })
}

/// The rows of the schema table, all or those of one name.
fn entries(connection: &Connection, name: Option<&str>) -> Result<Part, Failure> {
    let mut statement = prepare(connection, ENTRIES)?;
    let mut part = Part::new("entries", &["type", "name", "table", "root_page", "sql"]);
    while statement.step().map_err(|error| Failure::sql(error, ENTRIES))? {
        let is_named = |column| match (name, statement.value(column)) {
            (None, _) => true,
            (Some(name), ValueRef::Text(found)) => found.eq_ignore_ascii_case(name.as_bytes()),
            _ => false,
        };
        if is_named(1) || is_named(2) {
            part.push((0..5).map(|column| field(statement.value(column))).collect());
        }
    }
    match name {
        Some(name) if part.rows.is_empty() => {
            Err(Failure::Usage(format!("there is no {name} in the schema")))
        }
        _ => Ok(part),
    }
}

/// A value as it is; what is not a name or number (the schema may be damaged) as bytes.
fn field(value: ValueRef<'_>) -> Field {
    match value {
        ValueRef::Null => Field::Null,
        ValueRef::Integer(number) => Field::Number(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Field::text(text),
            Err(_) => Field::Blob(bytes.to_vec()),
        },
        ValueRef::Real(number) => Field::text(number.to_string()),
        ValueRef::Blob(bytes) => Field::Blob(bytes.to_vec()),
    }
}

fn print_sql(entries: &Part, out: &mut dyn Write) -> Result<(), Failure> {
    for row in &entries.rows {
        // Automatic indexes have no SQL of their own: their table's says it.
        if let Some(Field::Text(sql)) = row.last() {
            writeln!(out, "{sql};")?;
        }
    }
    Ok(())
}
