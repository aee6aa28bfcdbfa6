//! An engine that forgets.
//!
//! ```text
//!   Engine::sandbox                 the engine's own pool
//!     Engine ── pool of one ── Sandboxed ── Connection ── begin (once)
//!       session.begin     SAVEPOINT                          :
//!       session.commit    RELEASE                            :   one transaction
//!       session.rollback  ROLLBACK TO, RELEASE               :
//!     dropped             ──────────────────────────────── rollback
//! ```
//!
//! Invariant: the outer transaction is begun before the connection is first used and never committed here. It is the
//! connection's way back to its pool that rolls it back.

use crate::dialect::{Dialect, TransactionMode};
use crate::drivers::{Connection, Driver, DriverError, DriverResult, Failure, Row, Statement};
use crate::engine::{self, Engine, PoolOptions};
use crate::error::{Error, Result};
use crate::types::Value;

/// The savepoint that is a transaction of the sandbox.
const TRANSACTION: &str = "aludel_sandbox";

/// The savepoint before a statement outside of one.
const STATEMENT: &str = "aludel_sandbox_statement";

impl Engine {
    /// An engine over the same database whose transactions are all parts of one that is never committed: sessions commit,
    /// see what others committed before, and roll back as ever, and when the sandbox is dropped, with its sessions and
    /// connections, nothing of it was ever there. Tests of code that commits leave no traces with it.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Note {
    ///     #[column(primary_key)]
    ///     id: Id<Note>,
    ///     text: String,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// let engine = Engine::open("sqlite::memory:")?;
    /// engine.create_all(schema![Note])?;
    ///
    /// let sandbox = engine.sandbox()?;
    /// sandbox.transaction(|session| {
    ///     session.add(Note::new("a test was here"));
    ///     Ok(())
    /// })?;
    /// assert_eq!(sandbox.connect()?.query::<Note>().count()?, 1);
    ///
    /// drop(sandbox);
    /// assert_eq!(engine.connect()?.query::<Note>().count()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It has one connection, so two sessions cannot be in a transaction at once: the second waits, and then fails with
    /// [`Error::PoolTimeout`], after five seconds. Isolation levels and read-only transactions are those of the outer
    /// transaction. Constraints that are deferred to the commit are not checked, as there is none. What servers count up
    /// (keys, sequences) stays counted up, and where the server commits by itself, as MySQL does at each change of a
    /// table's definition, the sandbox is over: later statements say so.
    ///
    /// # Errors
    /// As [`connect`](Engine::connect), and where a transaction that writes cannot be begun.
    pub fn sandbox(&self) -> Result<Engine> {
        let options = PoolOptions {
            timeout: std::time::Duration::from_secs(5),
            ..PoolOptions::default()
        };
        let sandbox = Engine::with_driver(Sandbox(self.clone()), options);
        sandbox.listen_as(self);
        // What keeps the outer transaction from beginning is an error here and not later.
        drop(sandbox.connect()?);
        Ok(sandbox)
    }
}

/// The driver of a sandbox: its connection is one of the engine's.
#[derive(Debug)]
struct Sandbox(Engine);

impl Driver for Sandbox {
    fn dialect(&self) -> &dyn Dialect {
        self.0.dialect()
    }

    fn connect(&self) -> DriverResult<Box<dyn Connection>> {
        let mut inner = self.0.connect().map_err(of_driver)?;
        inner.begin(TransactionMode::Write).map_err(of_driver)?;
        Ok(Box::new(Sandboxed {
            inner,
            open: false,
            guarded: false,
        }))
    }

    fn connections_max(&self) -> Option<usize> {
        Some(1)
    }

    fn has_isolation_levels(&self) -> bool {
        false
    }
}

/// What the pool had to say, as a driver says it.
fn of_driver(error: Error) -> DriverError {
    match error {
        Error::Driver(error) => *error,
        other => DriverError::new(Failure::Storage, other.to_string()),
    }
}

struct Sandboxed {
    inner: engine::Connection,
    /// A transaction of the sandbox, a savepoint that is, is open.
    open: bool,
    /// The last statement outside of one ran behind a savepoint of its own, which is still there: on PostgreSQL a statement
    /// that fails takes the whole outer transaction with it otherwise.
    guarded: bool,
}

impl Sandboxed {
    /// The connection, if its outer transaction still stands.
    fn inner(&mut self) -> DriverResult<&mut dyn Connection> {
        if !self.inner.in_transaction() {
            return Err(DriverError::new(
                Failure::Storage,
                "the sandbox is over: the database ended its transaction (MySQL does at each CREATE, ALTER and DROP, and \
                 COMMIT and ROLLBACK as texts do)",
            ));
        }
        self.inner.driver_connection().map_err(of_driver)
    }

    /// Lets go of the savepoint before the last statement: with what the statement did, or without it if it failed.
    fn settle(&mut self) -> DriverResult<()> {
        if std::mem::take(&mut self.guarded) {
            let inner = self.inner()?;
            if inner.execute_batch(&release(STATEMENT)).is_err() {
                inner.execute_batch(&take_back(STATEMENT))?;
            }
        }
        Ok(())
    }

    /// The connection, for a statement.
    fn for_statement(&mut self) -> DriverResult<&mut dyn Connection> {
        if !self.open {
            self.settle()?;
            self.inner()?.execute_batch(&savepoint(STATEMENT))?;
            self.guarded = true;
        }
        self.inner()
    }
}

fn savepoint(name: &str) -> String {
    format!("SAVEPOINT {name}")
}

fn release(name: &str) -> String {
    format!("RELEASE SAVEPOINT {name}")
}

fn take_back(name: &str) -> String {
    format!("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")
}

impl Connection for Sandboxed {
    fn prepare<'c>(&'c mut self, sql: &str) -> DriverResult<Box<dyn Statement + 'c>> {
        self.for_statement()?.prepare(sql)
    }

    fn execute_batch(&mut self, sql: &str) -> DriverResult<()> {
        self.for_statement()?.execute_batch(sql)
    }

    fn first_row(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        read: &mut dyn FnMut(&dyn Row),
    ) -> DriverResult<bool> {
        self.for_statement()?.first_row(sql, params, read)
    }

    fn begin(&mut self, _: TransactionMode) -> DriverResult<()> {
        if self.open {
            return Err(DriverError::new(
                Failure::Statement,
                "a transaction is open already",
            ));
        }
        self.settle()?;
        self.inner()?.execute_batch(&savepoint(TRANSACTION))?;
        self.open = true;
        Ok(())
    }

    fn commit(&mut self) -> DriverResult<()> {
        self.inner()?.execute_batch(&release(TRANSACTION))?;
        self.open = false;
        Ok(())
    }

    fn rollback(&mut self) -> DriverResult<()> {
        self.open = false;
        self.inner()?.execute_batch(&take_back(TRANSACTION))
    }

    fn in_transaction(&self) -> bool {
        self.open
    }

    fn ping(&mut self) -> DriverResult<()> {
        self.inner()?.ping()
    }
}
