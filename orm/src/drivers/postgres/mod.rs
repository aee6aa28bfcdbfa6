//! PostgreSQL, through the crate `postgres`: `postgres://` URLs, with the feature `postgres`.
//!
//! ```text
//!   Value ──param──▶ text (bytes: binary) of the type that the server wants there
//!   Value ◀──value── binary of the column's type
//! ```
//!
//! What a parameter is, is the server's to say: it is told when the statement is prepared. So values go as text, which the server
//! reads as dates, numerics, JSON or whatever stands there, and one `Value` fits columns of many types. Results come in binary form.
//!
//! - I1. A statement that was prepared is kept by its text; a change of the schema by this connection drops what is kept.
//! - I2. `phase` follows the statements that went through this connection: the protocol's own answer is not to be had.
//! - I3. A transaction in which a statement failed is never committed: the server would answer COMMIT with a rollback, and no error.

mod param;
mod value;

use std::collections::HashMap;
use std::time::Duration;

use fallible_iterator::FallibleIterator;
use postgres::error::SqlState;
use postgres::{Client, NoTls};

use super::{Connection, Driver, DriverError, DriverResult, Failure, Outcome, Row, Rows, Statement};
use crate::dialect::{Dialect, Postgresql, TransactionMode};
use crate::types::Value;
use param::Param;

/// How many prepared statements a connection keeps.
const STATEMENTS_MAX: usize = 256;

/// How long the server may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// The driver of PostgreSQL servers. Connections are not encrypted: use a socket, a tunnel or a trusted network.
///
/// ```no_run
/// use aludel::drivers::PostgresDriver;
/// use aludel::{Engine, PoolOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let driver = PostgresDriver::new("postgres://me@localhost/shop")?;
/// let engine = Engine::with_driver(driver, PoolOptions::default());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PostgresDriver {
    config: postgres::Config,
}

impl PostgresDriver {
    /// A driver for the database of that URL, as PostgreSQL's own programs take it: `postgres://user:password@host:port/database?options`. A
    /// host that begins with a slash (`%2F`) is the folder of a socket.
    ///
    /// # Errors
    /// [`Failure::Statement`] for a URL that is none.
    pub fn new(url: &str) -> DriverResult<PostgresDriver> {
        let config = url.parse().map_err(wrap)?;
        Ok(PostgresDriver { config })
    }
}

impl Driver for PostgresDriver {
    fn dialect(&self) -> &dyn Dialect {
        &Postgresql
    }

    fn connect(&self) -> DriverResult<Box<dyn Connection>> {
        let mut client = self.config.connect(NoTls).map_err(wrap)?;
        // Times of day without a zone are UTC, as on the other backends.
        client.batch_execute("SET TIME ZONE 'UTC'").map_err(wrap)?;
        Ok(Box::new(PostgresConnection {
            client,
            standing: Standing::default(),
        }))
    }
}

struct PostgresConnection {
    client: Client,
    standing: Standing,
}

/// What a connection has to remember.
#[derive(Default)]
struct Standing {
    phase: Phase,
    statements: HashMap<Box<str>, postgres::Statement>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Phase {
    #[default]
    Idle,
    InTransaction,
    /// A statement of the transaction failed: the server takes nothing but a rollback.
    Spoiled,
}

impl Standing {
    fn refuse_spoiled(&self, sql: &str) -> DriverResult<()> {
        if self.phase == Phase::Spoiled && !first_word(sql).eq_ignore_ascii_case("ROLLBACK") {
            return Err(DriverError::new(
                Failure::Statement,
                "a statement of this transaction failed, and PostgreSQL takes no other before a rollback: of the whole, or to a savepoint \
                 (a nested transaction) from before it",
            ));
        }
        Ok(())
    }

    /// What a statement that succeeded means for those to come.
    fn has_run(&mut self, sql: &str) {
        let first = first_word(sql);
        let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(first));
        if is(&["BEGIN", "START"]) {
            self.phase = Phase::InTransaction;
        } else if is(&["COMMIT", "END", "ABORT"]) {
            self.phase = Phase::Idle;
        } else if is(&["ROLLBACK"]) {
            // ROLLBACK TO a savepoint ends nothing, and mends all since.
            let to_savepoint = sql
                .split_ascii_whitespace()
                .any(|word| word.eq_ignore_ascii_case("TO"));
            self.phase = match to_savepoint {
                true => Phase::InTransaction,
                false => Phase::Idle,
            };
        } else if is(&["CREATE", "ALTER", "DROP"]) {
            self.statements.clear();
        }
    }

    /// What a failure means for them; a plan of before the schema changed is made again next time.
    fn has_failed(&mut self, sql: &str, error: &DriverError) {
        if self.phase == Phase::InTransaction {
            self.phase = Phase::Spoiled;
        }
        let code = std::error::Error::source(error)
            .and_then(|source| source.downcast_ref::<postgres::Error>())
            .and_then(postgres::Error::code);
        if code == Some(&SqlState::FEATURE_NOT_SUPPORTED)
            || code == Some(&SqlState::INVALID_SQL_STATEMENT_NAME)
        {
            self.statements.remove(sql);
        }
    }
}

fn first_word(sql: &str) -> &str {
    let words = sql.trim_start();
    let end = words.find(|c: char| !c.is_ascii_alphabetic());
    words.get(..end.unwrap_or(words.len())).unwrap_or_default()
}

impl PostgresConnection {
    fn statement(&mut self, sql: &str) -> DriverResult<postgres::Statement> {
        let Standing { statements, .. } = &mut self.standing;
        if let Some(statement) = statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).map_err(wrap)?;
        if statements.len() >= STATEMENTS_MAX {
            statements.clear();
        }
        statements.insert(sql.into(), statement.clone());
        Ok(statement)
    }
}

impl Connection for PostgresConnection {
    fn prepare<'c>(&'c mut self, sql: &str) -> DriverResult<Box<dyn Statement + 'c>> {
        self.standing.refuse_spoiled(sql)?;
        let statement = self.statement(sql);
        Ok(Box::new(PostgresStatement {
            statement: statement.inspect_err(|error| self.standing.has_failed(sql, error))?,
            sql: sql.into(),
            connection: self,
        }))
    }

    fn execute_batch(&mut self, sql: &str) -> DriverResult<()> {
        self.standing.refuse_spoiled(sql)?;
        let ran = self.client.batch_execute(sql).map_err(wrap);
        ran.inspect_err(|error| self.standing.has_failed(sql, error))?;
        sql.split(';')
            .for_each(|statement| self.standing.has_run(statement));
        Ok(())
    }

    fn begin(&mut self, mode: TransactionMode) -> DriverResult<()> {
        if self.in_transaction() {
            return Err(DriverError::new(
                Failure::Statement,
                "a transaction is open already",
            ));
        }
        self.execute_batch(Postgresql.begin(mode))
    }

    fn in_transaction(&self) -> bool {
        self.standing.phase != Phase::Idle
    }

    fn ping(&mut self) -> DriverResult<()> {
        self.client.is_valid(PING_TIMEOUT).map_err(wrap)
    }
}

struct PostgresStatement<'c> {
    statement: postgres::Statement,
    sql: Box<str>,
    connection: &'c mut PostgresConnection,
}

impl PostgresStatement<'_> {
    fn start<'s>(&'s mut self, params: &[Value<'_>]) -> DriverResult<PostgresRows<'s>> {
        let expected = self.statement.params().len();
        if expected != params.len() {
            let message = format!(
                "the statement has {expected} parameters, {} were given",
                params.len()
            );
            return Err(DriverError::new(Failure::Statement, message));
        }
        let PostgresConnection { client, standing } = &mut *self.connection;
        match client.query_raw(&self.statement, params.iter().map(Param)) {
            Ok(rows) => Ok(PostgresRows {
                rows,
                row: None,
                standing,
                sql: &self.sql,
            }),
            Err(error) => {
                let error = wrap(error);
                standing.has_failed(&self.sql, &error);
                Err(error)
            }
        }
    }
}

impl Statement for PostgresStatement<'_> {
    fn execute(&mut self, params: &[Value<'_>]) -> DriverResult<Outcome> {
        let mut running = self.start(params)?;
        while running.advance()? {}
        let rows = running.rows.rows_affected().unwrap_or(0);
        running.standing.has_run(running.sql);
        Ok(Outcome {
            rows,
            last_insert_id: None,
        })
    }

    fn query<'s>(&'s mut self, params: &[Value<'_>]) -> DriverResult<Box<dyn Rows + 's>> {
        Ok(Box::new(self.start(params)?))
    }

    fn column_names(&self) -> Vec<String> {
        let columns = self.statement.columns().iter();
        columns.map(|column| column.name().to_owned()).collect()
    }
}

struct PostgresRows<'s> {
    rows: postgres::RowIter<'s>,
    row: Option<postgres::Row>,
    standing: &'s mut Standing,
    sql: &'s str,
}

impl PostgresRows<'_> {
    /// Goes to the next row. False when there is none.
    fn advance(&mut self) -> DriverResult<bool> {
        let next = self.rows.next().map_err(wrap);
        self.row = next.inspect_err(|error| self.standing.has_failed(self.sql, error))?;
        Ok(self.row.is_some())
    }
}

impl Rows for PostgresRows<'_> {
    fn next(&mut self) -> DriverResult<Option<&dyn Row>> {
        self.advance()?;
        Ok(self.row.as_ref().map(|row| row as &dyn Row))
    }
}

impl Row for postgres::Row {
    fn value(&self, index: usize) -> Value<'_> {
        value::value_at(self, index)
    }

    fn width(&self) -> usize {
        self.len()
    }
}

fn wrap(error: postgres::Error) -> DriverError {
    let failure = match error.code() {
        Some(code) => failure(code),
        None if error.is_closed() => Failure::Storage,
        None => Failure::Other,
    };
    let message = match error.as_db_error() {
        Some(told) => match told.detail() {
            Some(detail) => format!("{} ({detail})", told.message()),
            None => told.message().to_owned(),
        },
        None => match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    };
    DriverError::new(failure, message).with_source(error)
}

/// PostgreSQL's documentation, appendix A: the first two characters of a code are its class.
fn failure(code: &SqlState) -> Failure {
    match code.code() {
        "23505" => Failure::Unique,
        "23503" => Failure::ForeignKey,
        "23502" => Failure::NotNull,
        "23514" => Failure::Check,
        "40001" | "40P01" | "55P03" => Failure::Busy,
        "57014" => Failure::Interrupted,
        code => match code.get(..2) {
            Some("23") => Failure::Constraint,
            Some("42" | "22" | "26" | "0A") => Failure::Statement,
            Some("08" | "28" | "3D" | "53" | "57" | "58" | "XX") => Failure::Storage,
            _ => Failure::Other,
        },
    }
}
