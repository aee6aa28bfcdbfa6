//! `tables`: each table with its rows, columns and indexes.

use std::io::Write;

use aludel_sql::value::ValueRef;
use aludel_sql::{Connection, Error};
use serde_json::json;

use super::open::{Access, open, prepare, quoted};
use crate::cli::Target;
use crate::error::{Exit, Failure};
use crate::output::{Format, json_of};

/// A line of the answer.
struct TableLine {
    name: String,
    root_page: i64,
    /// `None` when damage keeps the rows from being counted.
    rows: Option<i64>,
    columns: i64,
    indexes: i64,
}

/// Prints the tables by descending number of rows. Damage in one table leaves its count out, and the exit code tells.
///
/// # Errors
/// A file that cannot be opened, a schema that cannot be read, an output that is closed.
pub fn tables(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    let connection = open(&target.file, Access::Read)?;
    let mut lines = collect(&connection)?;
    lines.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.name.cmp(&b.name)));
    let complete = lines.iter().all(|line| line.rows.is_some());
    match Format::or_default(target.print.format) {
        Format::Json => json_of(out, &as_json(&lines, complete))?,
        format => print(&lines, format, complete, out)?,
    }
    Ok(if complete { Exit::Done } else { Exit::Damaged })
}

fn collect(connection: &Connection) -> Result<Vec<TableLine>, Failure> {
    let sql = "SELECT name, rootpage FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name";
    let mut statement = prepare(connection, sql)?;
    let mut lines = Vec::new();
    while statement.step().map_err(|error| Failure::sql(error, sql))? {
        let (ValueRef::Text(name), ValueRef::Integer(root_page)) = (statement.value(0), statement.value(1))
        else {
            continue;
        };
        let name = String::from_utf8_lossy(name).into_owned();
        let rows = count(connection, &format!("SELECT count(*) FROM {}", quoted(&name)))?;
        let columns = count(
            connection,
            &format!("SELECT count(*) FROM pragma_table_info({})", text(&name)),
        )?;
        let indexes = count(
            connection,
            &format!("SELECT count(*) FROM pragma_index_list({})", text(&name)),
        )?;
        let (columns, indexes) = (columns.unwrap_or_default(), indexes.unwrap_or_default());
        lines.push(TableLine {
            name,
            root_page,
            rows,
            columns,
            indexes,
        });
    }
    Ok(lines)
}

/// A string literal.
fn text(name: &str) -> String {
    format!("'{}'", name.replace('\'', "''"))
}

/// A number, or `None` when damage is in its way.
fn count(connection: &Connection, sql: &str) -> Result<Option<i64>, Failure> {
    const CORRUPT: i32 = 11;
    let is_damage = |error: &Error| error.extended_code() & 0xff == CORRUPT;
    match connection.query_row(sql, (), |row| row.get::<i64>(0)) {
        Ok(number) => Ok(Some(number)),
        Err(error) if is_damage(&error) => Ok(None),
        Err(error) => Err(Failure::sql(error, sql)),
    }
}

fn print(lines: &[TableLine], format: Format, complete: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let mut rows = format.rows("dbtool/tables/1", out);
    rows.columns(&["name", "rows", "columns", "indexes", "root_page"].map(str::to_owned))?;
    for line in lines {
        rows.row(&[
            ValueRef::Text(line.name.as_bytes()),
            line.rows.map_or(ValueRef::Null, ValueRef::Integer),
            ValueRef::Integer(line.columns),
            ValueRef::Integer(line.indexes),
            ValueRef::Integer(line.root_page),
        ])?;
    }
    rows.end(complete)?;
    Ok(())
}

fn as_json(lines: &[TableLine], complete: bool) -> serde_json::Value {
    let tables: Vec<_> = lines
        .iter()
        .map(|line| {
            json!({
                "name": line.name, "rows": line.rows, "columns": line.columns,
                "indexes": line.indexes, "root_page": line.root_page,
            })
        })
        .collect();
    json!({ "schema": "dbtool/tables/1", "tables": tables, "complete": complete })
}
