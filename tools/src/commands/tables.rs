//! `tables`: each table with its rows, columns and indexes.

use std::io::Write;

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;

use super::subject::{is_damage, prepare, read};
use crate::cli::Target;
use crate::error::{Exit, Failure};
use crate::output::{Field, Part, Report, identifier, literal};

/// A line of the answer.
struct TableLine {
    name: String,
    root_page: i64,
    /// `None` when damage keeps the rows from being counted.
    rows: Option<u64>,
    columns: u64,
    indexes: u64,
}

/// Prints the tables by descending number of rows. Damage in one table leaves its count out, and the exit code tells.
///
/// # Errors
/// A file that cannot be opened, a schema that cannot be read, an output that is closed.
pub(super) fn tables(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(target, out, &mut |subject, out| {
        let mut lines = collect(&subject.connect()?)?;
        lines.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.name.cmp(&b.name)));
        let complete = lines.iter().all(|line| line.rows.is_some());
        let mut part = Part::new("tables", &["name", "rows", "columns", "indexes", "root_page"]);
        for line in lines {
            part.push(vec![
                Field::Text(line.name),
                line.rows.map_or(Field::Null, Field::Count),
                Field::Count(line.columns),
                Field::Count(line.indexes),
                Field::Number(line.root_page),
            ]);
        }
        let mut report = Report::new("dbtool/tables/1");
        report.part(part).complete = complete;
        report.print(&subject.style, out)?;
        Ok(if complete { Exit::Done } else { Exit::Damaged })
    })
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
        let text = literal(ValueRef::Text(name));
        let name = String::from_utf8_lossy(name).into_owned();
        let of_pragma = |pragma: &str| format!("SELECT count(*) FROM pragma_{pragma}({text})");
        lines.push(TableLine {
            rows: count(connection, &format!("SELECT count(*) FROM {}", identifier(&name)))?,
            columns: count(connection, &of_pragma("table_info"))?.unwrap_or_default(),
            indexes: count(connection, &of_pragma("index_list"))?.unwrap_or_default(),
            name,
            root_page,
        });
    }
    Ok(lines)
}

/// A number, or `None` when damage is in its way.
fn count(connection: &Connection, sql: &str) -> Result<Option<u64>, Failure> {
    match connection.query_row(sql, (), |row| row.get::<i64>(0)) {
        Ok(number) => Ok(u64::try_from(number).ok()),
        Err(error) if is_damage(&error) => Ok(None),
        Err(error) => Err(Failure::sql(error, sql)),
    }
}
