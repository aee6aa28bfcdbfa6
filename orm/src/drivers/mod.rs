//! What a database must do for the ORM, and the drivers that do it.
//!
//! Four object-safe traits, each lending to the next:
//!
//! ```text
//!   Driver ──connect──> Connection ──prepare──> Statement ──query──> Rows ──next──> Row
//!  (shared)              (one owner)            (borrows)           (borrows)      (borrows)
//! ```
//!
//! A driver knows nothing of entities or expressions: it gets text and values. Implement these traits, and
//! [`Dialect`], to add a backend from outside of this crate, and open it with
//! [`Engine::with_driver`](crate::Engine::with_driver).

mod decimal;
mod error;
#[cfg(feature = "mysql")]
mod mysql;
mod native;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite-c")]
mod sqlite_c;
mod sqlite_options;

use std::fmt::Debug;

pub use error::{DriverError, Failure};
#[cfg(feature = "mysql")]
pub use mysql::MysqlDriver;
pub use native::NativeDriver;
#[cfg(feature = "postgres")]
pub use postgres::PostgresDriver;
#[cfg(feature = "sqlite-c")]
pub use sqlite_c::SqliteCDriver;
pub use sqlite_options::SqliteOptions;

use crate::dialect::{Dialect, TransactionMode};
use crate::types::Value;

/// The result of a driver's call.
pub type DriverResult<T> = Result<T, DriverError>;

/// A backend: makes connections, and says which SQL they speak.
pub trait Driver: Debug + Send + Sync + 'static {
    /// The SQL of its connections.
    fn dialect(&self) -> &dyn Dialect;

    /// A new connection.
    ///
    /// # Errors
    /// Where the database cannot be opened or reached.
    fn connect(&self) -> DriverResult<Box<dyn Connection>>;

    /// The most connections that make sense: 1 for a database that lives in its connection.
    fn connections_max(&self) -> Option<usize> {
        None
    }

    /// Can a transaction have an isolation level of its own? Not where it is a part of another one: the engine then asks for
    /// none.
    fn has_isolation_levels(&self) -> bool {
        true
    }
}

/// One connection. Owned by one thread at a time.
pub trait Connection: Send {
    /// Compiles the first statement of `sql`. Drivers cache by the text: preparing it again is cheap.
    ///
    /// # Errors
    /// Syntax errors, unknown tables and columns.
    fn prepare<'c>(&'c mut self, sql: &str) -> DriverResult<Box<dyn Statement + 'c>>;

    /// Runs all statements of `sql`, which take no parameters.
    ///
    /// # Errors
    /// That of the first statement that fails.
    fn execute_batch(&mut self, sql: &str) -> DriverResult<()>;

    /// Runs a statement and lends its first row, if it has one, to `read`: then true. What looking up a row by its key takes;
    /// a driver that can do without the boxes of [`prepare`](Self::prepare) and [`query`](Statement::query) has its own way.
    ///
    /// # Errors
    /// As those two.
    fn first_row(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        read: &mut dyn FnMut(&dyn Row),
    ) -> DriverResult<bool> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params)?;
        let row = rows.next()?;
        row.into_iter().for_each(&mut *read);
        Ok(row.is_some())
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// Where one is open already, or the right to write cannot be had in time.
    fn begin(&mut self, mode: TransactionMode) -> DriverResult<()>;

    /// Makes the open transaction permanent.
    ///
    /// # Errors
    /// Deferred constraints, conflicts, and all that disks do.
    fn commit(&mut self) -> DriverResult<()> {
        self.execute_batch("COMMIT")
    }

    /// Takes the open transaction back.
    ///
    /// # Errors
    /// Where the connection is broken.
    fn rollback(&mut self) -> DriverResult<()> {
        self.execute_batch("ROLLBACK")
    }

    /// Is a transaction open? Some errors end it.
    fn in_transaction(&self) -> bool;

    /// Asks the server whether it is still there. An embedded database is.
    ///
    /// # Errors
    /// Where it is not.
    fn ping(&mut self) -> DriverResult<()> {
        Ok(())
    }
}

/// A compiled statement: run it as often as needed.
pub trait Statement {
    /// Runs it with these parameters; rows, if it yields any, are discarded.
    ///
    /// # Errors
    /// Constraints, conflicts, values of a wrong number.
    fn execute(&mut self, params: &[Value<'_>]) -> DriverResult<Outcome>;

    /// Runs it with these parameters and hands out its rows.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    fn query<'s>(&'s mut self, params: &[Value<'_>]) -> DriverResult<Box<dyn Rows + 's>>;

    /// The names of its result's columns.
    fn column_names(&self) -> Vec<String>;
}

/// The rows of a query, one at a time.
pub trait Rows {
    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// Whatever goes wrong while the query runs.
    fn next(&mut self) -> DriverResult<Option<&dyn Row>>;
}

/// The current row.
pub trait Row {
    /// The value of the column at `index`, counted from 0, borrowed from the row. NULL past the last column.
    fn value(&self, index: usize) -> Value<'_>;

    /// The number of columns.
    fn width(&self) -> usize;
}

/// What a statement without rows did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The rows that it inserted, changed or deleted.
    pub rows: u64,
    /// The key that an INSERT was given, where the backend tells.
    pub last_insert_id: Option<i64>,
}
