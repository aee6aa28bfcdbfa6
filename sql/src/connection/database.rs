//! A database as a value that threads share: it knows where the database is and how its connections are set up, and opens them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aludel_storage::vfs::{MemoryVfs, Vfs};

use super::{Connection, OpenOptions};
use crate::error::Result;

type SetUp = Arc<dyn Fn(&Connection) -> Result<()> + Send + Sync>;

/// A handle of a database, from which connections are opened. Cheap to clone; `Send` and `Sync`.
///
/// A [`Connection`] is used by one thread at a time. So each thread, or each task, opens one of its own; what all of them need is said once, here.
/// In memory the connections of a handle and its clones share one database, under the rules that files have: one writer at a time,
/// [`Error::Busy`](crate::Error::Busy) when the wait for it is over, and after `PRAGMA journal_mode = wal` readers that nobody disturbs. It
/// ends with the last handle and connection.
///
/// ```
/// use aludel_sql::{Connection, Database};
/// use aludel_sql::functions::{Arity, Function, FunctionFlags};
/// use aludel_sql::value::ValueRef;
///
/// # fn main() -> aludel_sql::Result<()> {
/// let database = Database::open_in_memory()?
///     .on_connect(|connection: &Connection| connection.execute_batch("PRAGMA foreign_keys = on"));
/// database.connect()?.execute("CREATE TABLE visit(page TEXT)", ())?;
/// std::thread::scope(|scope| {
///     for page in ["a", "b", "c"] {
///         let database = &database;
///         scope.spawn(move || database.connect()?.execute("INSERT INTO visit VALUES (?)", (page,)));
///     }
/// });
/// let count: i64 = database.connect()?.query_row("SELECT count(*) FROM visit", (), |row| row.get(0))?;
/// assert_eq!(count, 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

#[derive(Clone)]
struct Shared {
    place: Place,
    options: OpenOptions,
    set_up: Vec<SetUp>,
}

/// Where the database is.
#[derive(Clone)]
enum Place {
    /// A file, by the name that it was given.
    File(String),
    Memory(Arc<dyn Vfs>),
}

impl Database {
    /// The file `path`, for reading and writing; it is created if there is none. `:memory:` is a database in memory. Connections wait up to five
    /// seconds for each other.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Database> {
        Database::open_with(path, &OpenOptions::new().busy_timeout(Duration::from_secs(5)))
    }

    /// A database in memory.
    ///
    /// # Errors
    /// None that is known of.
    pub fn open_in_memory() -> Result<Database> {
        Database::open(":memory:")
    }

    /// As [`Database::open`], with options for each connection.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Database> {
        let name = path.as_ref().to_string_lossy().into_owned();
        let place = match options.is_memory(&name) {
            true => Place::Memory(Arc::new(MemoryVfs::new())),
            false => Place::File(name),
        };
        let database = Database {
            shared: Arc::new(Shared {
                place,
                options: options.clone(),
                set_up: Vec::new(),
            }),
        };
        // What is wrong with the file is better said now.
        database.open_connection()?;
        Ok(database)
    }

    /// Has `set_up` prepare each connection that this handle and clones made from it open from now on: functions, collations, modules, hooks, pragmas. What is
    /// given first runs first; an error of it is that of [`Database::connect`].
    #[must_use]
    pub fn on_connect(
        mut self,
        set_up: impl Fn(&Connection) -> Result<()> + Send + Sync + 'static,
    ) -> Database {
        Arc::make_mut(&mut self.shared).set_up.push(Arc::new(set_up));
        self
    }

    /// Another connection, set up.
    ///
    /// # Errors
    /// Those of opening the file, and of what sets the connection up.
    pub fn connect(&self) -> Result<Connection> {
        let connection = self.open_connection()?;
        for set_up in &self.shared.set_up {
            set_up(&connection)?;
        }
        Ok(connection)
    }

    /// The name of the file as it was given; `None` in memory.
    pub fn path(&self) -> Option<&str> {
        match &self.shared.place {
            Place::File(name) => Some(name),
            Place::Memory(_) => None,
        }
    }

    fn open_connection(&self) -> Result<Connection> {
        let options = &self.shared.options;
        match &self.shared.place {
            Place::File(name) => Connection::open_with(name, options),
            Place::Memory(world) => {
                Connection::over(options.open_shared_memory("main", Arc::clone(world))?, options)
            }
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
