//! Stock SQLite, the C library, through `rusqlite`: `sqlite+c://` URLs, with the feature `sqlite-c`.

use std::borrow::Cow;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, OpenFlags, ffi};

use super::decimal::{self, Number};
use super::{
    Connection, Driver, DriverError, DriverResult, Failure, Outcome, Row, Rows, SqliteOptions, Statement,
};
use crate::dialect::{Dialect, Sqlite, TransactionMode};
use crate::types::Value;

/// The driver over the C library.
#[derive(Debug)]
pub struct SqliteCDriver {
    options: SqliteOptions,
}

impl SqliteCDriver {
    /// A driver for that database.
    pub fn new(options: SqliteOptions) -> SqliteCDriver {
        SqliteCDriver { options }
    }
}

impl Driver for SqliteCDriver {
    fn dialect(&self) -> &dyn Dialect {
        &Sqlite
    }

    fn connect(&self) -> DriverResult<Box<dyn Connection>> {
        let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags |= match self.options.read_only {
            true => OpenFlags::SQLITE_OPEN_READ_ONLY,
            false => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        if self.options.create && !self.options.read_only {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let connection = match &self.options.path {
            Some(path) => rusqlite::Connection::open_with_flags(path, flags),
            None => rusqlite::Connection::open_in_memory(),
        };
        let connection = connection.map_err(wrap)?;
        connection.set_prepared_statement_cache_capacity(128);
        connection.busy_timeout(self.options.busy_timeout).map_err(wrap)?;
        connection
            .execute_batch(&self.options.setup_sql())
            .map_err(wrap)?;
        Ok(Box::new(CConnection { inner: connection }))
    }

    fn connections_max(&self) -> Option<usize> {
        self.options.path.is_none().then_some(1)
    }
}

struct CConnection {
    inner: rusqlite::Connection,
}

impl Connection for CConnection {
    fn prepare<'c>(&'c mut self, sql: &str) -> DriverResult<Box<dyn Statement + 'c>> {
        let statement = self.inner.prepare_cached(sql).map_err(wrap)?;
        Ok(Box::new(CStatement {
            statement,
            connection: &self.inner,
        }))
    }

    fn execute_batch(&mut self, sql: &str) -> DriverResult<()> {
        self.inner.execute_batch(sql).map_err(wrap)
    }

    fn begin(&mut self, mode: TransactionMode) -> DriverResult<()> {
        self.execute_batch(Sqlite.begin(mode))
    }

    fn in_transaction(&self) -> bool {
        !self.inner.is_autocommit()
    }
}

struct CStatement<'c> {
    statement: rusqlite::CachedStatement<'c>,
    connection: &'c rusqlite::Connection,
}

impl CStatement<'_> {
    fn bind(&mut self, params: &[Value<'_>]) -> DriverResult<()> {
        let expected = self.statement.parameter_count();
        if expected != params.len() {
            let message = format!(
                "the statement has {expected} parameters, {} were given",
                params.len()
            );
            return Err(DriverError::new(Failure::Statement, message));
        }
        for (i, value) in params.iter().enumerate() {
            let bound = match value {
                Value::Null | Value::Absent => ValueRef::Null,
                Value::Bool(b) => ValueRef::Integer(i64::from(*b)),
                Value::Int(i) | Value::Interval(i) => ValueRef::Integer(*i),
                Value::Real(r) => ValueRef::Real(*r),
                Value::Text(t) => ValueRef::Text(t.as_bytes()),
                Value::Decimal(digits) => match decimal::number(digits)? {
                    Number::Int(i) => ValueRef::Integer(i),
                    Number::Real(r) => ValueRef::Real(r),
                },
                Value::Bytes(b) => ValueRef::Blob(b),
                Value::Array(array) => ValueRef::Text(array.json().as_bytes()),
                Value::Pending(_) => {
                    return Err(DriverError::new(
                        Failure::Statement,
                        "a handle can only be bound by its session",
                    ));
                }
            };
            self.statement
                .raw_bind_parameter(i + 1, ToSqlOutput::Borrowed(bound))
                .map_err(wrap)?;
        }
        Ok(())
    }
}

impl Statement for CStatement<'_> {
    fn execute(&mut self, params: &[Value<'_>]) -> DriverResult<Outcome> {
        self.bind(params)?;
        let before = self.connection.total_changes();
        {
            let mut rows = self.statement.raw_query();
            while rows.next().map_err(wrap)?.is_some() {}
        }
        let changed = self.connection.total_changes() != before;
        let rows = if changed { self.connection.changes() } else { 0 };
        Ok(Outcome {
            rows,
            last_insert_id: Some(self.connection.last_insert_rowid()),
        })
    }

    fn query<'s>(&'s mut self, params: &[Value<'_>]) -> DriverResult<Box<dyn Rows + 's>> {
        self.bind(params)?;
        Ok(Box::new(CRows {
            rows: self.statement.raw_query(),
        }))
    }

    fn column_names(&self) -> Vec<String> {
        self.statement.column_names().map(str::to_owned).collect()
    }
}

struct CRows<'s> {
    rows: rusqlite::Rows<'s>,
}

impl Rows for CRows<'_> {
    fn next(&mut self) -> DriverResult<Option<&dyn Row>> {
        let row = self.rows.next().map_err(wrap)?;
        Ok(row.map(|row| row as &dyn Row))
    }
}

impl Row for rusqlite::Row<'_> {
    #[inline]
    fn value(&self, index: usize) -> Value<'_> {
        match self.get_ref(index) {
            Ok(ValueRef::Null) | Err(_) => Value::Null,
            Ok(ValueRef::Integer(i)) => Value::Int(i),
            Ok(ValueRef::Real(r)) => Value::Real(r),
            Ok(ValueRef::Text(t)) => Value::Text(String::from_utf8_lossy(t)),
            Ok(ValueRef::Blob(b)) => Value::Bytes(Cow::Borrowed(b)),
        }
    }

    fn width(&self) -> usize {
        self.as_ref().column_count()
    }
}

fn wrap(error: rusqlite::Error) -> DriverError {
    let failure = match &error {
        rusqlite::Error::SqliteFailure(code, _) => failure(code),
        rusqlite::Error::SqlInputError { error, .. } => failure(error),
        _ => Failure::Other,
    };
    let message = match &error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    };
    DriverError::new(failure, message).with_source(error)
}

fn failure(error: &ffi::Error) -> Failure {
    match (error.code, error.extended_code) {
        (
            _,
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID,
        ) => Failure::Unique,
        (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Failure::ForeignKey,
        (_, ffi::SQLITE_CONSTRAINT_NOTNULL) => Failure::NotNull,
        (_, ffi::SQLITE_CONSTRAINT_CHECK) => Failure::Check,
        (ErrorCode::ConstraintViolation, _) => Failure::Constraint,
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Failure::Busy,
        (ErrorCode::OperationInterrupted, _) => Failure::Interrupted,
        (ErrorCode::Unknown, ffi::SQLITE_ERROR) => Failure::Statement,
        (
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase,
            _,
        ) => Failure::Storage,
        _ => Failure::Other,
    }
}
