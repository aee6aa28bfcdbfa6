//! A whole database as one piece of bytes, and back.

use aludel_storage::pager::{Pager, PagerOptions, TransactionState};

use super::Connection;
use crate::catalog::Database;
use crate::error::{Error, Result};

/// What [`Connection::deserialize`] makes of the bytes.
///
/// ```
/// use aludel_sql::{Connection, DeserializeOptions};
///
/// # fn main() -> aludel_sql::Result<()> {
/// let source = Connection::open_in_memory()?;
/// source.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(41)")?;
/// let bytes = source.serialize("main")?;
///
/// let copy = Connection::open_in_memory()?;
/// copy.deserialize("main", &bytes, DeserializeOptions::new().read_only(true))?;
/// assert_eq!(copy.query_row("SELECT a + 1 FROM t", (), |row| row.get::<i64>(0))?, 42);
/// assert!(copy.execute("DELETE FROM t", ()).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeserializeOptions {
    read_only: bool,
    fixed_size: bool,
}

impl DeserializeOptions {
    /// A database that can be written and grows.
    pub fn new() -> DeserializeOptions {
        DeserializeOptions::default()
    }

    /// Whether the database can only be read.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> DeserializeOptions {
        self.read_only = read_only;
        self
    }

    /// Whether it may grow past the length of the bytes; what does not fit is refused as on a full disk.
    #[must_use]
    pub fn resizable(mut self, resizable: bool) -> DeserializeOptions {
        self.fixed_size = !resizable;
        self
    }
}

impl Connection {
    /// The database `schema` as the bytes of a file: its pages one after the other, those in the log included. An open transaction's changes
    /// are in it. Empty for a database to which nothing was written.
    ///
    /// # Errors
    /// `unknown database x`, [`Error::TooBig`] for what does not fit into memory, those of the store.
    pub fn serialize(&self, schema: &str) -> Result<Vec<u8>> {
        let mut state = self.state()?;
        state.write_deferred()?;
        let number = state.database_named(schema)?;
        let pager = &mut state.databases[number].pager;
        let opened = pager.state() == TransactionState::None;
        pager.begin_read()?;
        let bytes = pager.all_bytes().map_err(|error| match error {
            aludel_storage::Error::TooBig => Error::TooBig,
            error => error.into(),
        });
        if opened {
            pager.end_read();
        }
        bytes
    }

    /// Puts a database in memory with the content of `bytes`, which [`Connection::serialize`] gave or a file held, in place of the
    /// database `schema`. What that was is closed.
    ///
    /// The bytes of a database with a log are taken for those of one without.
    ///
    /// # Errors
    /// `unknown database x`; [`Error::Busy`] while `schema` is in a transaction; code 26 when the bytes are no database; an error of code 1 for
    /// the temporary database.
    pub fn deserialize(&self, schema: &str, bytes: &[u8], options: DeserializeOptions) -> Result<()> {
        let mut state = self.state()?;
        let number = state.database_named(schema)?;
        let database = &mut state.databases[number];
        if database.is_temporary() {
            return Err(Error::sql("the temporary database takes no bytes"));
        }
        if database.pager.state() != TransactionState::None {
            return Err(Error::Busy {
                message: format!("database {schema} is locked"),
            });
        }
        let mut pager_options = PagerOptions::default();
        pager_options.read_only = options.read_only;
        let mut pager = Pager::from_bytes(bytes, &pager_options)?;
        if options.fixed_size {
            pager.set_max_page_count(u32::try_from(bytes.len() / pager.page_size()).unwrap_or(u32::MAX));
        }
        *database = Database::new(database.name.clone(), "", pager);
        state.schema_version += 1;
        Ok(())
    }
}
