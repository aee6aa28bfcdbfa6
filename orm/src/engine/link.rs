//! A connection of the pool, with its statements counted and logged.

use std::borrow::Cow;
use std::sync::Arc;

use super::log::{Log, Running};
use super::pool::Loan;
use super::{Engine, EngineInner};
use crate::dialect::{Dialect, Isolation, TransactionMode};
use crate::drivers::{DriverError, Outcome, Row, Rows, Statement};
use crate::error::{Error, Result};
use crate::types::{ColumnType, Value};

/// A connection of an engine's pool: for SQL without entities. It goes back to the pool when it is dropped; a
/// transaction that is still open then is rolled back.
///
/// ```
/// use aludel::prelude::*;
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// let mut connection = engine.connect()?;
/// connection.execute("CREATE TABLE t (x INTEGER)", &[])?;
/// connection.execute("INSERT INTO t VALUES (?1), (?2)", &[1.into(), 2.into()])?;
/// let sum: i64 = connection.scalar("SELECT sum(x) FROM t", &[])?;
/// assert_eq!(sum, 3);
/// # Ok(())
/// # }
/// ```
pub struct Connection {
    engine: Arc<EngineInner>,
    loan: Option<Loan>,
    isolation: Option<Isolation>,
}

impl Connection {
    pub(super) fn new(engine: Arc<EngineInner>, loan: Loan, isolation: Option<Isolation>) -> Connection {
        Connection {
            engine,
            loan: Some(loan),
            isolation,
        }
    }

    /// The engine that this connection is of.
    pub(crate) fn engine(&self) -> Engine {
        Engine {
            inner: Arc::clone(&self.engine),
            isolation: self.isolation,
        }
    }

    /// How many setups were run on it.
    pub(super) fn setups_had(&self) -> usize {
        self.loan.as_ref().map_or(usize::MAX, |loan| loan.setups)
    }

    /// One more.
    pub(super) fn count_setup(&mut self) {
        if let Some(loan) = self.loan.as_mut() {
            loan.setups += 1;
        }
    }

    /// The driver's connection, past counting and logging.
    pub(crate) fn driver_connection(&mut self) -> Result<&mut dyn crate::drivers::Connection> {
        Ok(self.loan.as_mut().ok_or(Error::Closed)?.connection.as_mut())
    }

    /// The SQL that this connection speaks.
    pub fn dialect(&self) -> &dyn Dialect {
        self.engine.driver.dialect()
    }

    /// Compiles a statement, to run it more than once.
    ///
    /// # Errors
    /// Syntax errors, unknown tables and columns.
    pub fn prepare<'c>(&'c mut self, sql: impl Into<Cow<'c, str>>) -> Result<Prepared<'c>> {
        let sql = sql.into();
        let log = &self.engine.log;
        let loan = self.loan.as_mut().ok_or(Error::Closed)?;
        let statement = loan
            .connection
            .prepare(&sql)
            .map_err(|error| error.with_sql(&sql))?;
        Ok(Prepared { statement, sql, log })
    }

    /// Runs one statement; its rows, if any, are discarded.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Outcome> {
        self.prepare(sql)?.execute(params)
    }

    /// Runs a statement and lends its first row, if it has one, to `read`.
    pub(crate) fn first_row(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        read: &mut dyn FnMut(&dyn Row),
    ) -> Result<()> {
        let loan = self.loan.as_mut().ok_or(Error::Closed)?;
        let running = self.engine.log.start();
        let found = loan
            .connection
            .first_row(sql, params, read)
            .map_err(|error| error.with_sql(sql))?;
        self.engine.log.finish(&running, sql, params, u64::from(found));
        Ok(())
    }

    /// Runs several statements without parameters, such as a schema.
    ///
    /// # Errors
    /// That of the first statement that fails; those before it have run.
    pub fn execute_batch(&mut self, sql: &str) -> Result<()> {
        self.bare(sql, |connection| connection.execute_batch(sql))
    }

    /// The first column of the first row.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no row.
    pub fn scalar<T: ColumnType>(&mut self, sql: &str, params: &[Value<'_>]) -> Result<T> {
        let mut prepared = self.prepare(sql)?;
        let mut rows = prepared.query(params)?;
        match rows.next()? {
            Some(row) => T::decode(row.value(0)).map_err(|error| Error::decode("the first column", error)),
            None => Err(Error::NoRow { sql: sql.to_owned() }),
        }
    }

    /// All rows, each as owned values: for statements whose columns are only known at run time.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn rows(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Vec<Value<'static>>>> {
        let mut prepared = self.prepare(sql)?;
        let mut rows = prepared.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push((0..row.width()).map(|i| row.value(i).into_owned()).collect());
        }
        Ok(all)
    }

    /// Begins a transaction, of the engine's isolation level.
    ///
    /// # Errors
    /// Where one is open already; [`CompileError::Unsupported`](crate::CompileError::Unsupported) where the backend cannot promise the level.
    pub fn begin(&mut self, mode: TransactionMode) -> Result<()> {
        let isolated = match self.isolation {
            // The driver says what is wrong when one is open already.
            Some(level) if !self.in_transaction() && self.engine.driver.has_isolation_levels() => {
                self.dialect().begin_isolated(mode, level)?
            }
            _ => None,
        };
        match isolated {
            Some(sql) => self.execute_batch(&sql),
            None => {
                let sql = self.dialect().begin(mode);
                self.bare(sql, |connection| connection.begin(mode))
            }
        }
    }

    /// Commits the open transaction.
    ///
    /// # Errors
    /// Deferred constraints, conflicts, and what disks do.
    pub fn commit(&mut self) -> Result<()> {
        self.bare("COMMIT", |connection| connection.commit())
    }

    /// Rolls the open transaction back.
    ///
    /// # Errors
    /// Where the connection is broken.
    pub fn rollback(&mut self) -> Result<()> {
        self.bare("ROLLBACK", |connection| connection.rollback())
    }

    /// Is a transaction open?
    pub fn in_transaction(&self) -> bool {
        self.loan
            .as_ref()
            .is_some_and(|loan| loan.connection.in_transaction())
    }

    /// Runs something in a transaction: committed if it succeeds, rolled back if it fails.
    ///
    /// # Errors
    /// That of `work`, or of the commit.
    pub fn transaction<T>(
        &mut self,
        mode: TransactionMode,
        work: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        self.begin(mode)?;
        match work(self) {
            Ok(value) => {
                self.commit()?;
                Ok(value)
            }
            Err(error) => {
                // The first error is the one to report.
                let _ = self.rollback();
                Err(error)
            }
        }
    }

    fn bare(
        &mut self,
        sql: &str,
        run: impl FnOnce(&mut dyn crate::drivers::Connection) -> Result<(), DriverError>,
    ) -> Result<()> {
        let loan = self.loan.as_mut().ok_or(Error::Closed)?;
        let running = self.engine.log.start();
        run(loan.connection.as_mut()).map_err(|error| error.with_sql(sql))?;
        self.engine.log.finish(&running, sql, &[], 0);
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(loan) = self.loan.take() {
            self.engine.pool.give_back(loan);
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("in_transaction", &self.in_transaction())
            .finish_non_exhaustive()
    }
}

/// A compiled statement.
pub struct Prepared<'c> {
    statement: Box<dyn Statement + 'c>,
    sql: Cow<'c, str>,
    log: &'c Log,
}

impl Prepared<'_> {
    /// Runs it; its rows, if any, are discarded.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn execute(&mut self, params: &[Value<'_>]) -> Result<Outcome> {
        let running = self.log.start();
        let outcome = self
            .statement
            .execute(params)
            .map_err(|error| error.with_sql(&self.sql))?;
        self.log.finish(&running, &self.sql, params, outcome.rows);
        Ok(outcome)
    }

    /// Runs it and hands out its rows.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn query<'s>(&'s mut self, params: &'s [Value<'s>]) -> Result<RowStream<'s>> {
        let running = self.log.start();
        let rows = self
            .statement
            .query(params)
            .map_err(|error| error.with_sql(&self.sql))?;
        Ok(RowStream {
            rows,
            count: 0,
            running,
            sql: &self.sql,
            params,
            log: self.log,
        })
    }

    /// The names of its result's columns.
    pub fn column_names(&self) -> Vec<String> {
        self.statement.column_names()
    }
}

impl std::fmt::Debug for Prepared<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("sql", &self.sql)
            .finish_non_exhaustive()
    }
}

/// The rows of a running query.
pub struct RowStream<'s> {
    rows: Box<dyn Rows + 's>,
    count: u64,
    running: Running,
    sql: &'s str,
    params: &'s [Value<'s>],
    log: &'s Log,
}

impl RowStream<'_> {
    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// Whatever goes wrong while the query runs.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<&dyn Row>> {
        match self.rows.next() {
            Ok(row) => {
                self.count += u64::from(row.is_some());
                Ok(row)
            }
            Err(error) => Err(error.with_sql(self.sql).into()),
        }
    }
}

/// The statement is reported when its rows are done with.
impl Drop for RowStream<'_> {
    fn drop(&mut self) {
        self.log.finish(&self.running, self.sql, self.params, self.count);
    }
}

impl std::fmt::Debug for RowStream<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowStream")
            .field("sql", &self.sql)
            .finish_non_exhaustive()
    }
}
