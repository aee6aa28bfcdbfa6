//! MariaDB and MySQL, through the crate `mysql`: `mysql://` URLs, with the feature `mysql`.
//!
//! Each connection is set to write names, texts and `||` as standard SQL does, to refuse values that do not fit instead of bending them, and
//! to UTC. Results come in binary form; dates and times become text here, as on the other backends.

use std::borrow::Cow;
use std::fmt::Write;

use mysql::consts::{CapabilityFlags, ColumnType};
use mysql::prelude::Queryable;
use mysql::{Conn, Opts, OptsBuilder, Params};

use super::{Connection, Driver, DriverError, DriverResult, Failure, Outcome, Row, Rows, Statement};
use crate::dialect::{Dialect, Mysql, TransactionMode};
use crate::types::Value;

const SETUP: &str = "SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,NO_ZERO_DATE,\
    NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00'";

/// How many prepared statements a connection keeps.
const STATEMENTS_MAX: usize = 256;

/// The character set number that says: no text, bytes.
const BINARY: u16 = 63;

/// The driver of MariaDB and MySQL servers. Connections are not encrypted: use a socket, a tunnel or a trusted network.
///
/// ```no_run
/// use aludel::drivers::MysqlDriver;
/// use aludel::{Engine, PoolOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let driver = MysqlDriver::new("mysql://me@localhost/shop")?;
/// let engine = Engine::with_driver(driver, PoolOptions::default());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MysqlDriver {
    options: Opts,
}

impl MysqlDriver {
    /// A driver for the database of that URL: `mysql://user:password@host:port/database?options`. The option `socket` is the path of a
    /// server's socket.
    ///
    /// # Errors
    /// [`Failure::Statement`] for a URL that is none.
    pub fn new(url: &str) -> DriverResult<MysqlDriver> {
        let bad = |error: mysql::UrlError| {
            DriverError::new(Failure::Statement, error.to_string()).with_source(error)
        };
        let mut options = OptsBuilder::from_opts(Opts::from_url(url).map_err(bad)?)
            .stmt_cache_size(STATEMENTS_MAX)
            // The number of an UPDATE is that of the rows it found, as everywhere else.
            .additional_capabilities(CapabilityFlags::CLIENT_FOUND_ROWS);
        if Opts::from(options.clone()).get_socket().is_none() {
            options = options.prefer_socket(false);
        }
        Ok(MysqlDriver {
            options: options.into(),
        })
    }
}

impl Driver for MysqlDriver {
    fn dialect(&self) -> &dyn Dialect {
        &Mysql
    }

    fn connect(&self) -> DriverResult<Box<dyn Connection>> {
        let mut inner = Conn::new(self.options.clone()).map_err(wrap)?;
        inner
            .query_drop(SETUP)
            .and_then(|()| inner.query_drop("SET NAMES utf8mb4 COLLATE utf8mb4_bin"))
            .map_err(wrap)?;
        Ok(Box::new(MysqlConnection {
            inner,
            in_transaction: false,
        }))
    }
}

struct MysqlConnection {
    inner: Conn,
    in_transaction: bool,
}

impl MysqlConnection {
    /// What a statement that succeeded means: some end a transaction without saying so.
    fn has_run(&mut self, sql: &str) {
        let words = sql.trim_start();
        let end = words.find(|c: char| !c.is_ascii_alphabetic());
        let first = words.get(..end.unwrap_or(words.len())).unwrap_or_default();
        let is = |list: &[&str]| list.iter().any(|word| word.eq_ignore_ascii_case(first));
        if is(&["BEGIN", "START"]) {
            self.in_transaction = true;
        } else if is(&[
            "COMMIT", "CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME", "GRANT", "REVOKE", "LOCK",
        ]) {
            self.in_transaction = false;
        } else if is(&["ROLLBACK"]) {
            let to_savepoint = sql
                .split_ascii_whitespace()
                .any(|word| word.eq_ignore_ascii_case("TO"));
            self.in_transaction &= to_savepoint;
        }
    }

    fn has_failed(&mut self, error: &DriverError) {
        const DEADLOCK: u16 = 1213;
        let code = std::error::Error::source(error)
            .and_then(|source| source.downcast_ref::<mysql::Error>())
            .and_then(code_of);
        if code == Some(DEADLOCK) {
            // The server has rolled all of it back.
            self.in_transaction = false;
        }
    }
}

impl Connection for MysqlConnection {
    fn prepare<'c>(&'c mut self, sql: &str) -> DriverResult<Box<dyn Statement + 'c>> {
        let statement = self.inner.prep(sql).map_err(wrap)?;
        Ok(Box::new(MysqlStatement {
            statement,
            sql: sql.into(),
            connection: self,
        }))
    }

    fn execute_batch(&mut self, sql: &str) -> DriverResult<()> {
        let run = |inner: &mut Conn| -> Result<(), mysql::Error> {
            let mut results = inner.query_iter(sql)?;
            while let Some(set) = results.iter() {
                for row in set {
                    row?;
                }
            }
            Ok(())
        };
        match run(&mut self.inner).map_err(wrap) {
            Ok(()) => {
                sql.split(';').for_each(|statement| self.has_run(statement));
                Ok(())
            }
            Err(error) => {
                self.has_failed(&error);
                Err(error)
            }
        }
    }

    fn begin(&mut self, mode: TransactionMode) -> DriverResult<()> {
        if self.in_transaction {
            // The server would commit the open one.
            return Err(DriverError::new(
                Failure::Statement,
                "a transaction is open already",
            ));
        }
        self.execute_batch(Mysql.begin(mode))
    }

    fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    fn ping(&mut self) -> DriverResult<()> {
        self.inner.ping().map_err(wrap)
    }
}

struct MysqlStatement<'c> {
    statement: mysql::Statement,
    sql: Box<str>,
    connection: &'c mut MysqlConnection,
}

impl MysqlStatement<'_> {
    fn params(&self, params: &[Value<'_>]) -> DriverResult<Params> {
        let expected = usize::from(self.statement.num_params());
        if expected != params.len() {
            let message = format!(
                "the statement has {expected} parameters, {} were given",
                params.len()
            );
            return Err(DriverError::new(Failure::Statement, message));
        }
        if params.is_empty() {
            return Ok(Params::Empty);
        }
        let values: DriverResult<Vec<mysql::Value>> = params.iter().map(bound).collect();
        values.map(Params::Positional)
    }
}

fn bound(value: &Value<'_>) -> DriverResult<mysql::Value> {
    Ok(match value {
        Value::Null | Value::Absent => mysql::Value::NULL,
        Value::Bool(b) => mysql::Value::Int(i64::from(*b)),
        Value::Int(i) | Value::Interval(i) => mysql::Value::Int(*i),
        Value::Real(r) if !r.is_finite() => {
            return Err(DriverError::new(
                Failure::Statement,
                "MySQL keeps neither infinities nor NaN",
            ));
        }
        Value::Real(r) => mysql::Value::Double(*r),
        Value::Text(t) | Value::Decimal(t) => mysql::Value::Bytes(t.as_bytes().to_vec()),
        Value::Bytes(b) => mysql::Value::Bytes(b.to_vec()),
        Value::Array(array) => mysql::Value::Bytes(array.json().as_bytes().to_vec()),
        Value::Pending(_) => {
            return Err(DriverError::new(
                Failure::Statement,
                "a handle can only be bound by its session",
            ));
        }
    })
}

impl Statement for MysqlStatement<'_> {
    fn execute(&mut self, params: &[Value<'_>]) -> DriverResult<Outcome> {
        let params = self.params(params)?;
        let run = |inner: &mut Conn| -> Result<Outcome, mysql::Error> {
            let mut result = inner.exec_iter(&self.statement, params)?;
            while let Some(set) = result.iter() {
                for row in set {
                    row?;
                }
            }
            drop(result);
            Ok(Outcome {
                rows: inner.affected_rows(),
                last_insert_id: i64::try_from(inner.last_insert_id()).ok().filter(|id| *id > 0),
            })
        };
        match run(&mut self.connection.inner).map_err(wrap) {
            Ok(outcome) => {
                self.connection.has_run(&self.sql);
                Ok(outcome)
            }
            Err(error) => {
                self.connection.has_failed(&error);
                Err(error)
            }
        }
    }

    fn query<'s>(&'s mut self, params: &[Value<'_>]) -> DriverResult<Box<dyn Rows + 's>> {
        let params = self.params(params)?;
        let result = self.connection.inner.exec_iter(&self.statement, params);
        Ok(Box::new(MysqlRows {
            result: result.map_err(wrap)?,
            row: None,
        }))
    }

    fn column_names(&self) -> Vec<String> {
        let columns = self.statement.columns();
        columns
            .iter()
            .map(|column| column.name_str().into_owned())
            .collect()
    }
}

struct MysqlRows<'s> {
    result: mysql::QueryResult<'s, 's, 's, mysql::Binary>,
    row: Option<mysql::Row>,
}

impl Rows for MysqlRows<'_> {
    fn next(&mut self) -> DriverResult<Option<&dyn Row>> {
        self.row = self.result.next().transpose().map_err(wrap)?;
        Ok(self.row.as_ref().map(|row| row as &dyn Row))
    }
}

impl Row for mysql::Row {
    fn value(&self, index: usize) -> Value<'_> {
        let (Some(value), Some(column)) = (self.as_ref(index), self.columns_ref().get(index)) else {
            return Value::Null;
        };
        match value {
            mysql::Value::NULL => Value::Null,
            mysql::Value::Int(i) => Value::Int(*i),
            mysql::Value::UInt(u) => match i64::try_from(*u) {
                Ok(i) => Value::Int(i),
                Err(_) => Value::Decimal(Cow::Owned(u.to_string())),
            },
            mysql::Value::Float(f) => Value::Real(f64::from(*f)),
            mysql::Value::Double(d) => Value::Real(*d),
            mysql::Value::Date(..) | mysql::Value::Time(..) => {
                Value::Text(Cow::Owned(moment(value, column.column_type())))
            }
            mysql::Value::Bytes(bytes) => bytes_of(bytes, column),
        }
    }

    fn width(&self) -> usize {
        self.len()
    }
}

fn bytes_of<'r>(bytes: &'r [u8], column: &mysql::Column) -> Value<'r> {
    let text = std::str::from_utf8(bytes);
    match (column.column_type(), text) {
        (ColumnType::MYSQL_TYPE_NEWDECIMAL | ColumnType::MYSQL_TYPE_DECIMAL, Ok(digits)) => {
            match digits.parse() {
                Ok(whole) => Value::Int(whole),
                Err(_) => Value::Decimal(Cow::Borrowed(digits)),
            }
        }
        (ColumnType::MYSQL_TYPE_JSON, Ok(text)) => Value::from(text),
        (_, Ok(text)) if column.character_set() != BINARY => Value::from(text),
        _ => Value::Bytes(Cow::Borrowed(bytes)),
    }
}

/// `2026-11-22 12:30:00.5`, or the part of it that the column has.
fn moment(value: &mysql::Value, ty: ColumnType) -> String {
    let mut text = String::new();
    let micros = match *value {
        mysql::Value::Date(year, month, day, hour, minute, second, micros) => {
            // Writing to a String does not fail.
            let _ = write!(text, "{year:04}-{month:02}-{day:02}");
            if ty == ColumnType::MYSQL_TYPE_DATE || ty == ColumnType::MYSQL_TYPE_NEWDATE {
                return text;
            }
            let _ = write!(text, " {hour:02}:{minute:02}:{second:02}");
            micros
        }
        mysql::Value::Time(negative, days, hours, minutes, seconds, micros) => {
            let sign = if negative { "-" } else { "" };
            let hours = u32::from(hours) + days * 24;
            let _ = write!(text, "{sign}{hours:02}:{minutes:02}:{seconds:02}");
            micros
        }
        _ => 0,
    };
    if micros != 0 {
        let digits = format!(".{micros:06}");
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

fn code_of(error: &mysql::Error) -> Option<u16> {
    match error {
        mysql::Error::MySqlError(told) => Some(told.code),
        _ => None,
    }
}

/// The numbers are those of the servers' lists of error codes.
fn wrap(error: mysql::Error) -> DriverError {
    let failure = match code_of(&error) {
        Some(1022 | 1062 | 1169 | 1586) => Failure::Unique,
        Some(1215..=1217 | 1451 | 1452) => Failure::ForeignKey,
        Some(1048 | 1364) => Failure::NotNull,
        Some(3819 | 4025) => Failure::Check,
        Some(1205 | 1213 | 3572) => Failure::Busy,
        Some(1317 | 1969 | 3024) => Failure::Interrupted,
        Some(1040..=1047 | 1049 | 1053 | 1114 | 1129 | 1130 | 1158..=1161 | 2000..=2999) => Failure::Storage,
        Some(_) => Failure::Statement,
        None => match error {
            mysql::Error::IoError(_) | mysql::Error::DriverError(_) | mysql::Error::CodecError(_) => {
                Failure::Storage
            }
            _ => Failure::Other,
        },
    };
    let message = match &error {
        mysql::Error::MySqlError(told) => told.message.clone(),
        other => other.to_string(),
    };
    DriverError::new(failure, message).with_source(error)
}
