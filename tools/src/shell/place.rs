//! What is open: which file, and whether it may be changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aludel_sql::{Connection, OpenOptions};
use aludel_storage::vfs::OsVfs;

use super::traffic::Traffic;
use crate::error::Failure;

/// How long the shell waits for somebody else's lock, unless `.timeout` says otherwise.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// What is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A database of the shell's own; it ends with it.
    Memory,
    File {
        path: PathBuf,
        access: Access,
    },
}

/// Whether the file may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    /// The file must not be there yet.
    New,
}

/// An open connection and what is counted of it.
pub(crate) struct Opened {
    pub(crate) connection: Connection,
    pub(crate) traffic: Arc<Traffic>,
}

impl Place {
    /// A file to look into.
    pub(crate) fn file(path: impl Into<PathBuf>, access: Access) -> Place {
        Place::File {
            path: path.into(),
            access,
        }
    }

    /// What the prompt calls it.
    pub(crate) fn name(&self) -> String {
        match self {
            Place::Memory => "memory".to_owned(),
            Place::File { path, .. } => match path.file_name() {
                Some(name) => name.to_string_lossy().into_owned(),
                None => path.display().to_string(),
            },
        }
    }

    /// The file, if it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Place::Memory => None,
            Place::File { path, .. } => Some(path),
        }
    }

    /// Opens it; makes sure now that it is a database.
    ///
    /// # Errors
    /// A file that is missing (or there, when it should be new), a folder, no database.
    pub(crate) fn open(&self) -> Result<Opened, Failure> {
        let traffic = Traffic::over(Arc::new(OsVfs::new()));
        let world: Arc<dyn aludel_storage::vfs::Vfs> = traffic.clone();
        let options = OpenOptions::new()
            .vfs(world)
            .mmap(false)
            .busy_timeout(BUSY_TIMEOUT);
        let connection = match self {
            Place::Memory => {
                Connection::open_with(":memory:", &options).map_err(|error| Failure::sql(error, ""))?
            }
            Place::File { path, access } => open_file(path, *access, options)?,
        };
        Ok(Opened { connection, traffic })
    }
}

fn open_file(path: &Path, access: Access, options: OpenOptions) -> Result<Connection, Failure> {
    let cannot_open = |error: aludel_sql::Error| Failure::cannot_open(path, error);
    if access == Access::New {
        if path.exists() {
            return Err(Failure::cannot_open(path, "it is there already"));
        }
    } else {
        crate::commands::require_file(path)?;
    }
    let options = options
        .create(access == Access::New)
        .read_only(access == Access::Read);
    let connection = Connection::open_with(path, &options).map_err(cannot_open)?;
    let looked = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<i64>(0));
    match looked {
        Err(error) if is_no_database(&error) => Err(cannot_open(error)),
        // Damage of the schema is for the statements to tell.
        _ => Ok(connection),
    }
}

fn is_no_database(error: &aludel_sql::Error) -> bool {
    const CANT_OPEN: i32 = 14;
    const NOT_A_DATABASE: i32 = 26;
    matches!(error.extended_code() & 0xff, CANT_OPEN | NOT_A_DATABASE)
}
