//! `query` and `rows`: runs SQL and prints the rows of each statement.

use std::io::Write;

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;

use super::subject::{open_to_write, read};
use crate::cli::{Query, Rows};
use crate::error::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::{Field, Part, Report, Style, identifier};
use crate::shell::plan;

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
            explain(&connection, &query.sql, &subject.style, out)?;
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
        let connection = subject.connect()?;
        interrupt.stops(&connection);
        let limit = rows
            .limit
            .map(|limit| format!(" LIMIT {limit}"))
            .unwrap_or_default();
        let sql = format!("SELECT * FROM {}{limit}", identifier(&rows.table));
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
                return Err(failed(error));
            }
        }
    }
    rows.end(true)?;
    Ok(tail)
}

/// Shows the plan of each statement: a tree for people, a row for each step for programs.
fn explain(connection: &Connection, sql: &str, style: &Style, out: &mut dyn Write) -> Result<(), Failure> {
    let mut steps = Part::new("steps", &["statement", "step", "parent", "does", "expected_rows"]);
    let mut rest = sql;
    for number in 1.. {
        let failed = |error| Failure::sql(error, rest);
        let tail = prepare_one(connection, rest).map_err(failed)?;
        let one = rest.get(..tail).filter(|_| tail > 0).unwrap_or(rest);
        let lines = connection.plan(one).map_err(failed)?;
        if style.format.is_for_programs() {
            for (step, line) in (1..).zip(&lines) {
                steps.push(vec![
                    Field::Number(number),
                    Field::Number(step),
                    Field::Number(line.parent as i64),
                    Field::text(&*line.detail),
                    line.estimate
                        .map_or(Field::Null, |rows| Field::Number(rows.round() as i64)),
                ]);
            }
        } else {
            writeln!(out, "{}", one.trim().trim_end_matches(';'))?;
            plan::print(&plan::of_lines(&lines), style.color, out)?;
        }
        rest = rest.get(tail..).unwrap_or_default();
        if tail == 0 || rest.trim().is_empty() {
            break;
        }
    }
    if style.format.is_for_programs() {
        let mut report = Report::new("dbtool/plan/1");
        report.part(steps);
        report.print(style, out)?;
    }
    Ok(())
}

/// Compiles the first statement; where the next begins, or 0.
fn prepare_one(connection: &Connection, sql: &str) -> Result<usize, aludel_sql::Error> {
    Ok(connection.prepare(sql)?.tail())
}
