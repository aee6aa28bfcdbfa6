//! What is open: which file, and whether it may be changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aludel_sql::{Connection, OpenOptions};
use aludel_storage::vfs::{OsVfs, Vfs, sibling};

use super::traffic::Traffic;
use crate::error::Failure;
use crate::inspect::image::ImageVfs;
use crate::inspect::{Image, ImageOptions, ImageState};

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
    /// Whether it is the file as it is that is shown.
    pub(crate) state: ImageState,
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
        match self {
            Place::Memory => opened(Path::new(":memory:"), Arc::new(OsVfs::new()), OpenOptions::new()),
            Place::File { path, access } => match access {
                Access::Read => open_to_read(path),
                Access::Write => open_to_write(path),
                Access::New if path.exists() => Err(Failure::cannot_open(path, "it is there already")),
                Access::New => opened(path, Arc::new(OsVfs::new()), OpenOptions::new()),
            },
        }
    }
}

/// A file with a log or a journal beside it is opened as the image of its recovered state: nothing is written, and what is shown is the state of
/// now until it is opened again. Of any other the engine's own connection takes locks only while statements run, so that an idle shell
/// keeps nobody from writing, and sees what others commit.
fn open_to_read(path: &Path) -> Result<Opened, Failure> {
    let image = Image::open(path, &ImageOptions::default())?;
    image.require_database()?;
    let log_mode = image
        .header()
        .is_some_and(|header| header.write_version != ROLLBACK_VERSION);
    let journal = sibling(image.path(), "-journal");
    let options = OpenOptions::new().create(false).read_only(true);
    if image.state() == ImageState::File && !log_mode && !journal.exists() {
        return opened(path, Arc::new(OsVfs::new()), options);
    }
    let state = image.state();
    let path = image.path().to_owned();
    let world = Arc::new(ImageVfs::of(Arc::new(image)));
    let opened = opened(&path, world, options)?;
    Ok(Opened { state, ..opened })
}

/// The file format's number for files with a rollback journal.
const ROLLBACK_VERSION: u8 = 1;

fn open_to_write(path: &Path) -> Result<Opened, Failure> {
    let metadata = path
        .metadata()
        .map_err(|error| Failure::cannot_open(path, error))?;
    if metadata.is_dir() {
        return Err(Failure::cannot_open(path, "it is a folder"));
    }
    opened(path, Arc::new(OsVfs::new()), OpenOptions::new().create(false))
}

fn opened(path: &Path, world: Arc<dyn Vfs>, options: OpenOptions) -> Result<Opened, Failure> {
    let cannot_open = |error: aludel_sql::Error| Failure::cannot_open(path, error);
    let traffic = Traffic::over(world);
    let world: Arc<dyn Vfs> = traffic.clone();
    let options = options.vfs(world).mmap(false).busy_timeout(BUSY_TIMEOUT);
    let connection = Connection::open_with(path, &options).map_err(cannot_open)?;
    let looked = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<i64>(0));
    match looked {
        Err(error) if is_no_database(&error) => Err(cannot_open(error)),
        // Damage of the schema is for the statements to tell.
        _ => Ok(Opened {
            connection,
            traffic,
            state: ImageState::File,
        }),
    }
}

fn is_no_database(error: &aludel_sql::Error) -> bool {
    const CANT_OPEN: i32 = 14;
    const NOT_A_DATABASE: i32 = 26;
    matches!(error.extended_code() & 0xff, CANT_OPEN | NOT_A_DATABASE)
}
