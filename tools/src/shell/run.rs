//! Running a statement and printing what it answers.

use std::io::{self, Write};
use std::time::Instant;

use aludel_sql::value::ValueRef;
use aludel_sql::{CacheCounts, Error, Statement};

use super::plan;
use super::rows::Style;
use super::session::{Plans, Session};
use super::traffic::Counts;
use crate::error::Failure;
use crate::output::{RowWriter, thousands};

/// Runs one statement.
///
/// # Errors
/// What the engine says, with the statement; an output that cannot be written. Rows before the failure are printed.
pub(crate) fn statement(session: &mut Session, sql: &str) -> Result<(), Failure> {
    let started = Instant::now();
    let before = (session.traffic.counts(), session.connection.cache_counts());
    let result = planned_and_run(session, sql);
    session.last = Some(sql.to_owned());
    if session.settings.timer {
        // A closed output is told by the statement's own answer.
        let counts = session.traffic.counts().since(before.0);
        let pages = session.connection.cache_counts().since(before.1);
        let _ = timer_line(session, started, counts, pages);
    }
    result
}

fn planned_and_run(session: &mut Session, sql: &str) -> Result<(), Failure> {
    match session.settings.plans {
        Plans::Off => {}
        Plans::On | Plans::Only => show_plan(session, sql)?,
        Plans::Full => show_measured(session, sql)?,
    }
    if session.settings.plans == Plans::Only && has_plan(session, sql) {
        return Ok(());
    }
    session.with_output(|session, style, out| {
        let _running = session.stoppable();
        answer(session, sql, style, out)
    })?;
    if session.settings.changes {
        let (changes, total) = (session.connection.changes(), session.connection.total_changes());
        session.with_output(|_, _, out| Ok(writeln!(out, "changes: {changes}   total_changes: {total}")?))?;
    }
    Ok(())
}

/// Whether there is a plan to show in place of running: other statements run all the same.
fn has_plan(session: &Session, sql: &str) -> bool {
    session.connection.plan(sql).is_ok_and(|lines| !lines.is_empty())
}

/// Prints the plan of a statement that has one.
///
/// # Errors
/// Those of compiling it, a closed output.
pub(crate) fn show_plan(session: &mut Session, sql: &str) -> Result<(), Failure> {
    let lines = session
        .connection
        .plan(sql)
        .map_err(|error| Failure::sql(error, sql))?;
    if lines.is_empty() {
        return Ok(());
    }
    session.with_output(|_, style, out| Ok(plan::print(&plan::of_lines(&lines), style.colours, out)?))
}

/// Runs EXPLAIN ANALYZE of a query; of a statement that writes only the plan is shown, since measuring it would run it twice.
fn show_measured(session: &mut Session, sql: &str) -> Result<(), Failure> {
    let failed = |error: Error| Failure::sql(error, sql);
    let reads = session.connection.prepare(sql).map_err(failed)?.readonly();
    if !reads || !has_plan(session, sql) {
        return show_plan(session, sql);
    }
    let analyze = format!("EXPLAIN ANALYZE {sql}");
    session.with_output(|session, style, out| {
        let _running = session.stoppable();
        let mut statement = session
            .connection
            .prepare(&analyze)
            .map_err(|_| Failure::Usage(String::new()))?;
        bind(session, &mut statement).map_err(failed)?;
        let tree = plan::of_rows(&mut statement).map_err(failed)?;
        Ok(plan::print(&tree, style.colours, out)?)
    })
}

/// Runs the statement and prints its rows.
fn answer(session: &Session, sql: &str, style: &Style, out: &mut dyn Write) -> Result<(), Failure> {
    let failed = |error| Failure::sql(error, sql);
    let mut statement = session.connection.prepare(sql).map_err(failed)?;
    bind(session, &mut statement).map_err(failed)?;
    if statement.is_explain() && plan::is_plan(&statement) {
        let tree = plan::of_rows(&mut statement).map_err(failed)?;
        return Ok(plan::print(&tree, style.colours, out)?);
    }
    if statement.column_count() == 0 {
        while statement.step().map_err(failed)? {}
        return Ok(());
    }
    print_rows(&mut statement, style, out)?.map_err(failed)
}

/// Prints rows until the end or a failure of the statement, which is the inner result.
fn print_rows(
    statement: &mut Statement<'_>,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<Result<(), Error>> {
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    // The first step comes before the names: what cannot run prints nothing.
    let mut more = match statement.step() {
        Ok(more) => more,
        Err(error) => return Ok(Err(error)),
    };
    let mut rows = style.writer(out)?;
    rows.columns(&names)?;
    let rows_of = |statement: &Statement<'_>, rows: &mut dyn RowWriter| {
        let values: Vec<ValueRef<'_>> = (0..names.len()).map(|place| statement.value(place)).collect();
        rows.row(&values)
    };
    while more {
        rows_of(statement, &mut *rows)?;
        more = match statement.step() {
            Ok(more) => more,
            Err(error) => {
                rows.end(false)?;
                return Ok(Err(error));
            }
        };
    }
    rows.end(true)?;
    Ok(Ok(()))
}

/// Binds what `.parameter` has set; what was not set is NULL.
fn bind(session: &Session, statement: &mut Statement<'_>) -> Result<(), Error> {
    for number in 1..=statement.parameter_count() {
        let name = statement
            .parameter_name(number)
            .map_or_else(|| format!("?{number}"), str::to_owned);
        if let Some(value) = session.parameters.get(&name) {
            statement.bind_ref(number, value.as_ref())?;
        }
    }
    Ok(())
}

/// `time 0.012 s   read 34 pages (136 KB), 12 cache hits   wrote 8 KB, 1 sync`
fn timer_line(
    session: &mut Session,
    started: Instant,
    counts: Counts,
    pages: CacheCounts,
) -> Result<(), Failure> {
    let elapsed = started.elapsed();
    let page_size = page_size(session);
    session.with_output(|_, _, out| {
        let mut line = format!("time {:.3} s", elapsed.as_secs_f64());
        line.push_str(&match pages.misses {
            0 => "   no page read".to_owned(),
            read => format!("   read {} ({})", counted(read, "page"), size(read * page_size)),
        });
        line.push_str(&format!(", {}", counted(pages.hits, "cache hit")));
        if counts.writes > 0 {
            line.push_str(&format!(
                "   wrote {}, {}",
                size(counts.bytes_written),
                counted(counts.syncs, "sync")
            ));
        }
        Ok(writeln!(out, "{line}")?)
    })
}

fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(number))
}

fn page_size(session: &Session) -> u64 {
    let size = session
        .connection
        .pragma_query_value(None, "page_size", |row| row.get::<i64>(0));
    size.ok()
        .and_then(|size| u64::try_from(size).ok())
        .filter(|size| *size > 0)
        .unwrap_or(4096)
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let (mut value, mut unit) = (bytes as f64 / 1000.0, 0);
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}
