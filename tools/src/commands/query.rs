//! `query` and `rows`: runs SQL and prints the rows of each statement.

use std::io::Write;

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;

use super::subject::{open_to_write, read};
use crate::cli::{Query, Rows};
use crate::error::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::{Style, identifier};

/// Runs the statements in order; the first error ends it.
///
/// # Errors
/// A file that cannot be opened, SQL that does not compile or run, an output that is closed.
pub(super) fn query(query: &Query, out: &mut dyn Write) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen();
    if query.write && !query.explain {
        let connection = open_to_write(&query.target.file)?;
        interrupt.stops(&connection);
        run_all(&connection, &query.sql, "query", &query.target.print.style(), out)?;
        return Ok(Exit::Done);
    }
    read(&query.target, out, &mut |subject, out| {
        let connection = subject.connect()?;
        interrupt.stops(&connection);
        if query.explain {
            explain(&connection, &query.sql, out)?;
        } else {
            run_all(&connection, &query.sql, "query", &subject.style, out)?;
        }
        Ok(Exit::Done)
    })
}

/// Prints the rows of a table or view.
///
/// # Errors
/// As [`query`].
pub(super) fn rows(rows: &Rows, out: &mut dyn Write) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen();
    read(&rows.target, out, &mut |subject, out| {
        let limit = rows
            .limit
            .map(|limit| format!(" LIMIT {limit}"))
            .unwrap_or_default();
        let sql = format!("SELECT * FROM {}{limit}", identifier(&rows.table));
        let connection = subject.connect()?;
        interrupt.stops(&connection);
        run_all(&connection, &sql, &rows.table, &subject.style, out)?;
        Ok(Exit::Done)
    })
}

/// Runs each statement of a text and prints what it answers. `table` is what the format `sql` inserts into.
///
/// # Errors
/// The first statement that does not compile or run, an output that is closed.
pub fn run_all(
    connection: &Connection,
    sql: &str,
    table: &str,
    style: &Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut rest = sql;
    while !rest.trim().is_empty() {
        let tail = run_one(connection, rest, table, style, out)?;
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
    table: &str,
    style: &Style,
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
    let mut rows = style.rows_of("dbtool/query/1", table, out)?;
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
                return Err(match error {
                    aludel_sql::Error::Interrupt => Failure::InterruptedMidway,
                    error => failed(error),
                });
            }
        }
    }
    rows.end(true)?;
    Ok(tail)
}

/// A step of a plan: its number, that of the step it belongs to, what it does.
type Step = (i64, i64, String);

/// Prints the plan of each statement as a tree.
fn explain(connection: &Connection, sql: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let mut rest = sql;
    while !rest.trim().is_empty() {
        let tail = connection
            .prepare(rest)
            .map_err(|error| Failure::sql(error, rest))?
            .tail();
        let one = if tail == 0 {
            rest
        } else {
            rest.get(..tail).unwrap_or(rest)
        };
        let explained = format!("EXPLAIN QUERY PLAN {one}");
        let failed = |error| Failure::sql(error, &explained);
        let mut statement = connection.prepare(&explained).map_err(failed)?;
        let mut steps: Vec<Step> = Vec::new();
        while statement.step().map_err(failed)? {
            if let (ValueRef::Integer(id), ValueRef::Integer(parent), ValueRef::Text(words)) =
                (statement.value(0), statement.value(1), statement.value(3))
            {
                steps.push((id, parent, String::from_utf8_lossy(words).into_owned()));
            }
        }
        writeln!(out, "{}", one.trim().trim_end_matches(';'))?;
        branches(&steps, 0, "", out)?;
        if tail == 0 {
            break;
        }
        rest = rest.get(tail..).unwrap_or_default();
    }
    Ok(())
}

/// Prints the steps that belong to `parent`. The engine numbers a step after the one it belongs to, so this ends.
fn branches(steps: &[Step], parent: i64, indent: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let own: Vec<&Step> = steps
        .iter()
        .filter(|step| step.1 == parent && step.0 > parent)
        .collect();
    for (i, (id, _, words)) in own.iter().enumerate() {
        let is_last = i + 1 == own.len();
        let (knot, line) = if is_last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        writeln!(out, "{indent}{knot}{words}")?;
        branches(steps, *id, &format!("{indent}{line}"), out)?;
    }
    Ok(())
}
