//! `.dump`: SQL that makes the database again, as it is seen by the shell's own transaction.
//!
//! The order is one that any SQLite can run: tables with their rows first, then indexes, triggers and views. Virtual tables go as the rows of
//! sqlite_schema that they are, so that their shadow tables are not made twice.

use std::io::Write;

use aludel_sql::value::ValueRef;
use aludel_sql::{Connection, Error};

use super::Call;
use crate::error::Failure;
use crate::shell::keywords::quoted_if_needed;
use crate::shell::rows::sql_literal;
use crate::shell::session::Session;

/// An entry of sqlite_schema.
struct Entry {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

/// `.dump [TABLE ...]`
pub(super) fn dump(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.with_output(|session, _, out| {
        let _running = session.stoppable();
        write_dump(&session.connection, &call.arguments, out)
    })
}

fn write_dump(connection: &Connection, patterns: &[String], out: &mut dyn Write) -> Result<(), Failure> {
    let failed = |error: Error| Failure::sql(error, "");
    writeln!(out, "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;")?;
    let entries = entries(connection, patterns).map_err(failed)?;
    let is_virtual = |entry: &Entry| entry.kind == "table" && starts_with(&entry.sql, "CREATE VIRTUAL TABLE");
    if entries.iter().any(is_virtual) {
        writeln!(out, "PRAGMA writable_schema=ON;")?;
    }
    for entry in entries.iter().filter(|entry| entry.kind == "table") {
        if is_virtual(entry) {
            let [name, sql] =
                [&entry.name, &entry.sql].map(|text| sql_literal(ValueRef::Text(text.as_bytes())));
            writeln!(
                out,
                "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',{name},{name},0,{sql});"
            )?;
            continue;
        }
        match entry.name.as_str() {
            "sqlite_sequence" => writeln!(out, "DELETE FROM sqlite_sequence;")?,
            "sqlite_stat1" => writeln!(out, "ANALYZE sqlite_schema;")?,
            name if starts_with(name, "sqlite_") => continue,
            _ => writeln!(out, "{};", created(&entry.sql))?,
        }
        write_rows(connection, &entry.name, out)?;
    }
    for entry in entries.iter().filter(|entry| entry.kind != "table") {
        writeln!(out, "{};", entry.sql)?;
    }
    if entries.iter().any(is_virtual) {
        writeln!(out, "PRAGMA writable_schema=OFF;")?;
    }
    writeln!(out, "COMMIT;")?;
    Ok(())
}

/// What is dumped: all, or what belongs to tables whose names are like one of the patterns. Views come last: they may read anything.
fn entries(connection: &Connection, patterns: &[String]) -> aludel_sql::Result<Vec<Entry>> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL
               ORDER BY tbl_name = 'sqlite_sequence', type = 'view', rowid";
    let mut statement = connection.prepare(sql)?;
    let mut entries = Vec::new();
    while statement.step()? {
        entries.push(Entry {
            kind: statement.get(0)?,
            name: statement.get(1)?,
            table: statement.get(2)?,
            sql: statement.get(3)?,
        });
    }
    if !patterns.is_empty() {
        let mut like = connection.prepare("SELECT ?1 LIKE ?2")?;
        let mut is_wanted = |entry: &Entry| {
            patterns.iter().any(|pattern| {
                like.query_row((entry.table.as_str(), pattern.as_str()), |row| row.get::<bool>(0))
                    .unwrap_or(false)
            })
        };
        entries.retain(|entry| is_wanted(entry));
    }
    Ok(entries)
}

/// A table's rows, without its generated columns.
fn write_rows(connection: &Connection, table: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let failed = |error: Error| Failure::sql(error, "");
    let columns = stored_columns(connection, table).map_err(failed)?;
    let has_generated = columns.len() < columns_in_all(connection, table).map_err(failed)?;
    let quoted: Vec<String> = columns
        .iter()
        .map(|name| format!("\"{}\"", name.replace('"', "\"\"")))
        .collect();
    let sql = format!(
        "SELECT {} FROM \"{}\"",
        quoted.join(","),
        table.replace('"', "\"\"")
    );
    let names = match has_generated {
        true => format!(
            "({})",
            columns
                .iter()
                .map(|name| quoted_if_needed(name))
                .collect::<Vec<_>>()
                .join(",")
        ),
        false => String::new(),
    };
    let start = format!("INSERT INTO {}{names} VALUES(", quoted_if_needed(table));
    let failed = |error: Error| Failure::sql(error, &sql);
    let mut statement = connection.prepare(&sql).map_err(failed)?;
    while statement.step().map_err(failed)? {
        out.write_all(start.as_bytes())?;
        for place in 0..columns.len() {
            let comma = if place > 0 { "," } else { "" };
            write!(out, "{comma}{}", sql_literal(statement.value(place)))?;
        }
        out.write_all(b");\n")?;
    }
    Ok(())
}

fn stored_columns(connection: &Connection, table: &str) -> aludel_sql::Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid")?;
    statement.bind(1, table)?;
    let mut columns = Vec::new();
    while statement.step()? {
        columns.push(statement.get(0)?);
    }
    Ok(columns)
}

fn columns_in_all(connection: &Connection, table: &str) -> aludel_sql::Result<usize> {
    let sql = "SELECT count(*) FROM pragma_table_xinfo(?1)";
    let count = connection.query_row(sql, (table,), |row| row.get::<i64>(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// `CREATE TABLE` with `IF NOT EXISTS`, where the name is written in quotes, as SQLite's own shell does: such a name may be one that
/// virtual tables make themselves.
fn created(sql: &str) -> String {
    match ["CREATE TABLE \"", "CREATE TABLE '"]
        .into_iter()
        .any(|start| starts_with(sql, start))
    {
        true => sql.replacen("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1),
        false => sql.to_owned(),
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}
