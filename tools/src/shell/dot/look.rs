//! Commands that show what is in the database.

use aludel_sql::value::ValueRef;

use super::Call;
use crate::error::Failure;
use crate::shell::rows::width;
use crate::shell::session::Session;

/// `.tables`: names in columns, as wide as the terminal.
pub(super) fn tables(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let pattern = match call.arguments.as_slice() {
        [] => "%".to_owned(),
        [pattern] => pattern.clone(),
        _ => return Err(call.usage()),
    };
    let names = entries(session, "type IN ('table', 'view') AND name LIKE ?1", &pattern, 1)?;
    in_columns(session, &names)
}

/// `.indexes`
pub(super) fn indexes(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let table = match call.arguments.as_slice() {
        [] => "%".to_owned(),
        [table] => table.clone(),
        _ => return Err(call.usage()),
    };
    let names = entries(session, "type = 'index' AND tbl_name LIKE ?1", &table, 1)?;
    in_columns(session, &names)
}

/// `.schema`
pub(super) fn schema(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let name = match call.arguments.as_slice() {
        [] => "%".to_owned(),
        [name] => name.clone(),
        _ => return Err(call.usage()),
    };
    let condition = "(tbl_name LIKE ?1 OR name LIKE ?1) AND sql IS NOT NULL";
    let statements = entries(session, condition, &name, 2)?;
    if statements.is_empty() && !call.arguments.is_empty() {
        return Err(Failure::Usage(format!("nothing is called {name}")));
    }
    session.with_output(|_, _, out| {
        for sql in statements {
            writeln!(out, "{};", crate::output::display_lines(&sql))?;
        }
        Ok(())
    })
}

/// `.databases`
pub(super) fn databases(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    if !call.arguments.is_empty() {
        return Err(call.usage());
    }
    let sql = "SELECT name, file FROM pragma_database_list ORDER BY seq";
    let failed = |error| Failure::sql(error, sql);
    session.with_output(|session, _, out| {
        let mut statement = session.connection.prepare(sql).map_err(failed)?;
        while statement.step().map_err(failed)? {
            let name: String = statement.get(0).map_err(failed)?;
            let file: Option<String> = statement.get(1).map_err(failed)?;
            let access = match session.connection.is_readonly(&name) {
                Ok(true) => "ro",
                _ => "rw",
            };
            let file = file
                .filter(|file| !file.is_empty())
                .unwrap_or_else(|| "(memory)".to_owned());
            writeln!(out, "{name}: {file} {access}")?;
        }
        Ok(())
    })
}

/// `.print`
pub(super) fn print(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let text = call.arguments.join(" ");
    session.with_output(|_, _, out| Ok(writeln!(out, "{text}")?))
}

/// `.version`
pub(super) fn version(session: &mut Session, _: &Call<'_>) -> Result<(), Failure> {
    let language = session
        .connection
        .query_row("SELECT sqlite_version()", (), |row| row.get::<String>(0))
        .unwrap_or_default();
    session.with_output(|_, _, out| {
        Ok(writeln!(
            out,
            "dbtool {}, SQLite {language}",
            env!("CARGO_PKG_VERSION")
        )?)
    })
}

/// A column of sqlite_schema, over all databases; 1 the name, qualified where the database is not main, 2 the SQL.
fn entries(
    session: &Session,
    condition: &str,
    argument: &str,
    column: usize,
) -> Result<Vec<String>, Failure> {
    let databases = "SELECT name FROM pragma_database_list ORDER BY seq";
    let failed = |error| Failure::sql(error, databases);
    let mut statement = session.connection.prepare(databases).map_err(failed)?;
    let mut names = Vec::new();
    while statement.step().map_err(failed)? {
        names.push(statement.get::<String>(0).map_err(failed)?);
    }
    let mut found = Vec::new();
    for database in names {
        found.extend(entries_of(session, &database, condition, argument, column)?);
    }
    Ok(found)
}

fn entries_of(
    session: &Session,
    database: &str,
    condition: &str,
    argument: &str,
    column: usize,
) -> Result<Vec<String>, Failure> {
    let order = if column == 1 { "name" } else { "rowid" };
    let sql = format!(
        "SELECT type, name, sql FROM \"{}\".sqlite_schema WHERE {condition} AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY {order}",
        database.replace('"', "\"\"")
    );
    let failed = |error| Failure::sql(error, &sql);
    let mut statement = session.connection.prepare(&sql).map_err(failed)?;
    statement.bind(1, argument).map_err(failed)?;
    let mut found = Vec::new();
    while statement.step().map_err(failed)? {
        if let ValueRef::Text(text) = statement.value(column) {
            let text = String::from_utf8_lossy(text).into_owned();
            found.push(match (database, column) {
                ("main", _) | (_, 2) => text,
                (database, _) => format!("{database}.{text}"),
            });
        }
    }
    Ok(found)
}

/// Prints names side by side, column by column.
fn in_columns(session: &mut Session, names: &[String]) -> Result<(), Failure> {
    const WIDTH_USUAL: usize = 80;
    session.with_output(|_, style, out| {
        let names: Vec<String> = names
            .iter()
            .map(|name| crate::output::display(ValueRef::Text(name.as_bytes())))
            .collect();
        let column = names.iter().map(|name| width(name)).max().unwrap_or(0) + 2;
        let columns = (style.width.unwrap_or(WIDTH_USUAL) / column).max(1);
        let lines = names.len().div_ceil(columns);
        for line in 0..lines {
            let mut text = String::new();
            for name in names.iter().skip(line).step_by(lines) {
                text.push_str(name);
                text.push_str(&" ".repeat(column - width(name)));
            }
            writeln!(out, "{}", text.trim_end())?;
        }
        Ok(())
    })
}
