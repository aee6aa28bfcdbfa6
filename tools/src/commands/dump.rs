//! `dump`: a database as SQL, or the rows of one table in another format.

use std::io::Write;

use aludel_sql::Connection;

use super::subject::{Subject, read};
use crate::cli::Dump;
use crate::error::{Exit, Failure};
use crate::inspect::content::{Catalogue, DumpOptions, Settings, dump as write_sql};
use crate::interrupt::Interrupt;
use crate::output::{Format, Style, identifier};

/// Prints SQL that makes the database again; with `--format`, the rows of one table.
///
/// # Errors
/// Those of opening and printing; a table that does not exist.
pub(super) fn dump(dump: &Dump, out: &mut dyn Write) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen();
    let options = DumpOptions {
        tables: dump.table.clone(),
        schema: !dump.data_only,
        rows: !dump.schema_only,
        rowids: dump.rowids,
    };
    read(&dump.target, out, &mut |subject, out| {
        let connection = subject.connect()?;
        interrupt.stops(&connection);
        expect_tables(&connection, &dump.table)?;
        match dump.target.print.format {
            None | Some(Format::Sql) => {
                let tally = write_sql(&connection, &Settings::of(&subject.image), &options, out)?;
                if tally.interrupted {
                    eprintln!("dbtool: {}", Failure::InterruptedMidway);
                }
                for table in &tally.damaged {
                    eprintln!("dbtool: damage hides rows of {}", table.escape_debug());
                }
                Ok(match (tally.interrupted, tally.is_whole()) {
                    (true, _) => Exit::Interrupted,
                    (false, true) => Exit::Done,
                    (false, false) => Exit::Damaged,
                })
            }
            Some(_) => rows_of_one(&connection, subject, dump, out),
        }
    })
}

/// Makes sure that the tables are there.
fn expect_tables(connection: &Connection, tables: &[String]) -> Result<(), Failure> {
    let catalogue = Catalogue::read(connection)?;
    for table in tables {
        let is_it = |name: &String| name.eq_ignore_ascii_case(table);
        if !catalogue.objects.iter().any(|object| is_it(&object.table)) {
            return Err(Failure::Usage(format!("there is no table {table}")));
        }
    }
    Ok(())
}

fn rows_of_one(
    connection: &Connection,
    subject: &Subject,
    dump: &Dump,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let [table] = dump.table.as_slice() else {
        return Err(Failure::Usage(
            "a whole database is dumped as SQL only: other formats take one --table NAME".to_owned(),
        ));
    };
    if dump.schema_only {
        return Err(Failure::Usage(
            "--schema-only is SQL: leave --format out".to_owned(),
        ));
    }
    let rowid = if dump.rowids { "rowid, " } else { "" };
    let sql = format!("SELECT {rowid}* FROM {}", identifier(table));
    let style = Style {
        format: subject.style.format,
        ..subject.style.clone()
    };
    super::query::run_all(connection, &sql, table, &style, out)?;
    Ok(Exit::Done)
}
