//! What every reading command begins with: the image of a file, and ends with: the word that it was one state.

use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use aludel_sql::{Connection, OpenOptions, Statement};

use crate::cli::{ProgressWhen, Target};
use crate::error::{Exit, Failure};
use crate::inspect::{Image, ImageError, connect};
use crate::output::Style;

/// A file that is looked at, and how the answer is printed.
#[derive(Debug)]
pub struct Subject {
    /// The file's recovered state.
    pub image: Arc<Image>,
    /// How to print.
    pub style: Style,
    /// Who is told how far it is.
    pub progress: ProgressWhen,
}

impl Subject {
    /// Opens a file whatever is in it.
    ///
    /// # Errors
    /// A file that cannot be opened, or is locked for too long.
    pub fn open_any(target: &Target) -> Result<Subject, Failure> {
        Ok(Subject {
            image: Arc::new(Image::open(&target.file, &target.reading.options())?),
            style: target.print.style(),
            progress: target.print.progress,
        })
    }

    /// A connection of the engine on the image.
    ///
    /// # Errors
    /// What is no database.
    pub fn connect(&self) -> Result<Connection, Failure> {
        let connection =
            connect(&self.image).map_err(|error| Failure::cannot_open(self.image.path(), error))?;
        usable(connection, self.image.path())
    }
}

/// Runs a reading command on a file that is a database, though maybe a damaged one.
///
/// Where no lock keeps others from changing the file, the answer is held back until it is known to be one state, and found out again when
/// it was not.
///
/// # Errors
/// Those of opening and of the command; [`ImageError::Changed`].
pub fn read(
    target: &Target,
    out: &mut dyn Write,
    command: &mut dyn FnMut(&Subject, &mut dyn Write) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    read_any(target, out, &mut |subject, out| {
        subject.image.require_database()?;
        command(subject, out)
    })
}

/// As [`read`], for commands that have something to say about any bytes.
///
/// # Errors
/// As [`read`].
pub fn read_any(
    target: &Target,
    out: &mut dyn Write,
    command: &mut dyn FnMut(&Subject, &mut dyn Write) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    for attempt in 0.. {
        let subject = Subject::open_any(target)?;
        if subject.image.hold().is_firm() {
            return command(&subject, out);
        }
        let mut kept = tempfile::SpooledTempFile::new(KEPT_IN_MEMORY);
        let result = command(&subject, &mut kept);
        match subject.image.verify() {
            Err(ImageError::Changed { .. }) if attempt < target.reading.retry => continue,
            verdict => {
                pour(&mut kept, out)?;
                let exit = result?;
                verdict?;
                return Ok(exit);
            }
        }
    }
    Ok(Exit::Busy)
}

/// Bytes of an answer that is held back in memory; more go to a temporary file.
const KEPT_IN_MEMORY: usize = 16 << 20;

fn pour(kept: &mut tempfile::SpooledTempFile, out: &mut dyn Write) -> io::Result<()> {
    kept.rewind()?;
    let mut piece = vec![0; 1 << 16];
    loop {
        match kept.read(&mut piece)? {
            0 => return Ok(()),
            count => out.write_all(&piece[..count])?,
        }
    }
}

/// Opens an existing file to change it.
///
/// # Errors
/// A file that is missing or no database.
pub(super) fn open_to_write(file: &Path) -> Result<Connection, Failure> {
    let metadata = file
        .metadata()
        .map_err(|error| Failure::cannot_open(file, error))?;
    if metadata.is_dir() {
        return Err(Failure::cannot_open(file, "it is a folder"));
    }
    let options = OpenOptions::new().create(false);
    let connection =
        Connection::open_with(file, &options).map_err(|error| Failure::cannot_open(file, error))?;
    usable(connection, file)
}

/// Makes sure now, not at the first query, that it is a database.
fn usable(connection: Connection, file: &Path) -> Result<Connection, Failure> {
    match connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<i64>(0)) {
        Err(error) if is_no_database(&error) => Err(Failure::cannot_open(file, error)),
        // Damage of the schema is for the command to tell, with what it can still show.
        _ => Ok(connection),
    }
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
