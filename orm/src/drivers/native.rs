//! The native driver: Aludel's own SQL engine over SQLite's file format. What `sqlite:` URLs open.
//!
//! Statements come from the connection's cache by their text; values are bound without a copy where the engine's own
//! buffers can take them over, and rows are read in place.

use std::borrow::Cow;

use aludel_sql as sql;
use aludel_sql::error::ConstraintKind;
use aludel_sql::value::ValueRef;

use super::decimal::{self, Number};
use super::{
    Connection, Driver, DriverError, DriverResult, Failure, Outcome, Row, Rows, SqliteOptions, Statement,
};
use crate::dialect::{Dialect, Sqlite, TransactionMode};
use crate::types::Value;

/// The driver over Aludel's own engine.
#[derive(Debug)]
pub struct NativeDriver {
    options: SqliteOptions,
}

impl NativeDriver {
    /// A driver for that database.
    pub fn new(options: SqliteOptions) -> NativeDriver {
        NativeDriver { options }
    }
}

impl Driver for NativeDriver {
    fn dialect(&self) -> &dyn Dialect {
        &Sqlite
    }

    fn connect(&self) -> DriverResult<Box<dyn Connection>> {
        let options = sql::OpenOptions::new()
            .read_only(self.options.read_only)
            .create(self.options.create)
            .busy_timeout(self.options.busy_timeout);
        let connection = match &self.options.path {
            Some(path) => sql::Connection::open_with(path, &options).map_err(|error| {
                let message = format!("cannot open `{}`: {error}", path.display());
                DriverError::new(failure(&error), message).with_source(error)
            }),
            None => sql::Connection::open_in_memory().map_err(wrap),
        }?;
        connection
            .execute_batch(&self.options.setup_sql())
            .map_err(wrap)?;
        Ok(Box::new(NativeConnection {
            look_ups: Vec::new(),
            inner: connection,
        }))
    }

    fn connections_max(&self) -> Option<usize> {
        self.options.path.is_none().then_some(1)
    }
}

struct NativeConnection {
    /// The statements of [`Connection::first_row`]. Sessions look rows up by key with them, so there is one for each entity, and they are
    /// run far more often than any other.
    look_ups: Vec<sql::DetachedStatement>,
    inner: sql::Connection,
}

/// Those that come later are looked for in the connection's cache.
const LOOK_UPS_MAX: usize = 32;

/// Runs a statement up to its first row, if it has one.
#[inline(always)]
fn first_row_of(
    statement: &mut sql::Statement<'_>,
    params: &[Value<'_>],
    read: &mut dyn FnMut(&dyn Row),
) -> DriverResult<bool> {
    bind(statement, params)?;
    match statement.step() {
        Ok(true) => {
            read(&NativeRow(statement.values()));
            Ok(true)
        }
        Ok(false) => Ok(false),
        Err(error) => Err(wrap(error)),
    }
}

impl Connection for NativeConnection {
    fn prepare<'c>(&'c mut self, text: &str) -> DriverResult<Box<dyn Statement + 'c>> {
        let statement = self.inner.prepare_cached(text).map_err(wrap)?;
        Ok(Box::new(NativeStatement {
            statement,
            connection: &self.inner,
        }))
    }

    fn execute_batch(&mut self, text: &str) -> DriverResult<()> {
        self.inner.execute_batch(text).map_err(wrap)
    }

    fn first_row(
        &mut self,
        text: &str,
        params: &[Value<'_>],
        read: &mut dyn FnMut(&dyn Row),
    ) -> DriverResult<bool> {
        let NativeConnection { look_ups, inner } = self;
        let place = look_ups.iter().position(|statement| statement.sql() == text);
        let place = match place {
            Some(place) => place,
            None if look_ups.len() < LOOK_UPS_MAX => {
                look_ups.push(inner.prepare_detached(text).map_err(wrap)?);
                look_ups.len() - 1
            }
            None => {
                let mut statement = inner.prepare_cached(text).map_err(wrap)?;
                return first_row_of(&mut statement, params, read);
            }
        };
        match look_ups[place].with(inner, |statement| first_row_of(statement, params, read)) {
            Ok(found) => found,
            Err(error) => Err(wrap(error)),
        }
    }

    fn begin(&mut self, mode: TransactionMode) -> DriverResult<()> {
        self.run(Sqlite.begin(mode))
    }

    fn commit(&mut self) -> DriverResult<()> {
        self.run("COMMIT")
    }

    fn rollback(&mut self) -> DriverResult<()> {
        self.run("ROLLBACK")
    }

    fn in_transaction(&self) -> bool {
        !self.inner.is_autocommit()
    }
}

impl NativeConnection {
    /// Runs a statement that the cache keeps compiled.
    fn run(&mut self, text: &str) -> DriverResult<()> {
        let mut statement = self.inner.prepare_cached(text).map_err(wrap)?;
        statement.execute(()).map(|_| ()).map_err(wrap)
    }
}

struct NativeStatement<'c> {
    statement: sql::Statement<'c>,
    connection: &'c sql::Connection,
}

impl NativeStatement<'_> {
    fn bind(&mut self, params: &[Value<'_>]) -> DriverResult<()> {
        bind(&mut self.statement, params)
    }
}

fn bind(statement: &mut sql::Statement<'_>, params: &[Value<'_>]) -> DriverResult<()> {
    statement.reset();
    let expected = statement.parameter_count();
    if expected != params.len() {
        let message = format!(
            "the statement has {expected} parameters, {} were given",
            params.len()
        );
        return Err(DriverError::new(Failure::Statement, message));
    }
    let mut refused = None;
    let values = params.iter().map(|value| bound(value, &mut refused));
    if let Err(error) = statement.bind_all(values) {
        return Err(wrap(error));
    }
    refused.map_or(Ok(()), Err)
}

/// A value as the engine takes it; NULL for one that it cannot take, and why in `refused`.
#[inline(always)]
fn bound<'v>(value: &'v Value<'_>, refused: &mut Option<DriverError>) -> ValueRef<'v> {
    match value {
        Value::Null | Value::Absent => ValueRef::Null,
        Value::Bool(b) => ValueRef::Integer(i64::from(*b)),
        Value::Int(i) | Value::Interval(i) => ValueRef::Integer(*i),
        Value::Real(r) if r.is_nan() => ValueRef::Null,
        Value::Real(r) => ValueRef::Real(*r),
        Value::Text(t) => ValueRef::Text(t.as_bytes()),
        Value::Bytes(b) => ValueRef::Blob(b),
        Value::Array(array) => ValueRef::Text(array.json().as_bytes()),
        Value::Decimal(_) | Value::Pending(_) => converted(value).unwrap_or_else(|error| {
            refused.get_or_insert(error);
            ValueRef::Null
        }),
    }
}

/// What takes longer to convert.
#[inline(never)]
fn converted<'v>(value: &Value<'_>) -> DriverResult<ValueRef<'v>> {
    match value {
        Value::Decimal(digits) => Ok(match decimal::number(digits)? {
            Number::Int(i) => ValueRef::Integer(i),
            Number::Real(r) => ValueRef::Real(r),
        }),
        _ => Err(DriverError::new(
            Failure::Statement,
            "a handle can only be bound by its session",
        )),
    }
}

impl Statement for NativeStatement<'_> {
    fn execute(&mut self, params: &[Value<'_>]) -> DriverResult<Outcome> {
        self.bind(params)?;
        match self.statement.execute(()) {
            Ok(rows) => Ok(Outcome {
                rows: rows as u64,
                last_insert_id: Some(self.connection.last_insert_rowid()),
            }),
            Err(error) => Err(wrap(error)),
        }
    }

    fn query<'s>(&'s mut self, params: &[Value<'_>]) -> DriverResult<Box<dyn Rows + 's>> {
        self.bind(params)?;
        Ok(Box::new(NativeRows {
            statement: &mut self.statement,
        }))
    }

    fn column_names(&self) -> Vec<String> {
        self.statement
            .column_names()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }
}

/// The statement while it runs; the current row is read through it.
struct NativeRows<'s, 'c> {
    statement: &'s mut sql::Statement<'c>,
}

impl Rows for NativeRows<'_, '_> {
    #[inline]
    fn next(&mut self) -> DriverResult<Option<&dyn Row>> {
        if self.statement.step().map_err(wrap)? {
            Ok(Some(self))
        } else {
            Ok(None)
        }
    }
}

impl Row for NativeRows<'_, '_> {
    #[inline]
    fn value(&self, index: usize) -> Value<'_> {
        read_value(self.statement.value(index))
    }

    fn width(&self) -> usize {
        self.statement.column_count()
    }
}

/// One row, of which nothing moves until it was read.
struct NativeRow<'s>(sql::RowValues<'s>);

impl Row for NativeRow<'_> {
    #[inline]
    fn value(&self, index: usize) -> Value<'_> {
        read_value(self.0.get(index))
    }

    fn width(&self) -> usize {
        self.0.len()
    }
}

#[inline(always)]
fn read_value(value: ValueRef<'_>) -> Value<'_> {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(i) => Value::Int(i),
        ValueRef::Real(r) => Value::Real(r),
        ValueRef::Text(t) => Value::Text(text(t)),
        ValueRef::Blob(b) => Value::Bytes(Cow::Borrowed(b)),
    }
}

/// Text as Rust has it: what is not UTF-8 is replaced. Nearly all is, and that is looked at in larger steps than the replacing takes.
#[inline]
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Gives up the statement's locks.
impl Drop for NativeRows<'_, '_> {
    fn drop(&mut self) {
        self.statement.reset();
    }
}

fn wrap(error: sql::Error) -> DriverError {
    DriverError::new(failure(&error), error.to_string()).with_source(error)
}

fn failure(error: &sql::Error) -> Failure {
    match error {
        sql::Error::Constraint { kind, .. } => match kind {
            ConstraintKind::Unique | ConstraintKind::PrimaryKey | ConstraintKind::RowId => Failure::Unique,
            ConstraintKind::ForeignKey => Failure::ForeignKey,
            ConstraintKind::NotNull => Failure::NotNull,
            ConstraintKind::Check => Failure::Check,
            _ => Failure::Constraint,
        },
        sql::Error::Busy { .. } | sql::Error::Locked { .. } => Failure::Busy,
        sql::Error::Interrupt => Failure::Interrupted,
        sql::Error::Syntax { .. }
        | sql::Error::Sql { .. }
        | sql::Error::Range
        | sql::Error::Misuse { .. } => Failure::Statement,
        sql::Error::Storage(_) => match error.code() {
            5 | 6 => Failure::Busy,
            9 => Failure::Interrupted,
            _ => Failure::Storage,
        },
        sql::Error::ReadOnly { .. } | sql::Error::Corrupt { .. } => Failure::Storage,
        _ => Failure::Other,
    }
}
