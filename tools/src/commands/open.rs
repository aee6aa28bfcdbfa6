//! Opening a file without making or changing anything.

use std::path::Path;

use aludel_sql::{Connection, OpenOptions, Statement};

use crate::error::Failure;

/// Whether the command may change the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Look only.
    Read,
    /// `--write` was given.
    Write,
}

/// Opens an existing file; makes sure now, not at the first query, that it is a database.
pub(super) fn open(file: &Path, access: Access) -> Result<Connection, Failure> {
    require_file(file)?;
    let options = OpenOptions::new().create(false).read_only(access == Access::Read);
    let connection =
        Connection::open_with(file, &options).map_err(|error| Failure::cannot_open(file, error))?;
    match connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<i64>(0)) {
        Err(error) if is_no_database(&error) => Err(Failure::cannot_open(file, error)),
        // Damage of the schema is for the command to tell, with what it can still show.
        _ => Ok(connection),
    }
}

/// Refuses what is not a regular file, with the system's reason.
pub(crate) fn require_file(file: &Path) -> Result<std::fs::Metadata, Failure> {
    let metadata = file
        .metadata()
        .map_err(|error| Failure::cannot_open(file, error))?;
    if metadata.is_dir() {
        return Err(Failure::cannot_open(file, "it is a folder"));
    }
    Ok(metadata)
}

fn is_no_database(error: &aludel_sql::Error) -> bool {
    const CANT_OPEN: i32 = 14;
    const NOT_A_DATABASE: i32 = 26;
    matches!(error.extended_code() & 0xff, CANT_OPEN | NOT_A_DATABASE)
}

/// Compiles a statement of our own.
pub(super) fn prepare<'c>(connection: &'c Connection, sql: &str) -> Result<Statement<'c>, Failure> {
    connection.prepare(sql).map_err(|error| Failure::sql(error, sql))
}

/// An identifier in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
