//! The bundled SQLite as a subject.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, Statement, ToSql};

use super::{Answer, Datum, Failure, Interrupter, OpenMode, Subject, no_such_connection};

/// Named connections of the bundled SQLite.
#[derive(Default)]
pub struct SqliteSubject {
    connections: HashMap<String, Connection>,
}

impl Subject for SqliteSubject {
    fn open(&mut self, connection: &str, file: &str, mode: OpenMode) -> Result<(), Failure> {
        let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags |= if mode.read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        };
        if mode.create && !mode.read_only {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        if mode.uri {
            flags |= OpenFlags::SQLITE_OPEN_URI;
        }
        let opened = Connection::open_with_flags(file, flags).map_err(|error| failure(&error))?;
        opened
            .busy_timeout(std::time::Duration::ZERO)
            .map_err(|error| failure(&error))?;
        self.connections.insert(connection.to_owned(), opened);
        Ok(())
    }

    fn close(&mut self, connection: &str) {
        self.connections.remove(connection);
    }

    fn run(&mut self, connection: &str, sql: &str, parameters: &[(String, Datum)]) -> Answer {
        let Some(connection) = self.connections.get(connection) else {
            return no_such_connection(connection);
        };
        let mut answer = Answer::default();
        let result = connection.prepare(sql).and_then(|mut statement| {
            answer.columns = statement.column_names().map(str::to_owned).collect();
            bind(&mut statement, parameters)?;
            let width = statement.column_count();
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                let datums = (0..width)
                    .map(|i| row.get_ref(i).map(datum))
                    .collect::<Result<_, _>>()?;
                answer.rows.push(datums);
            }
            Ok(())
        });
        answer.error = result.err().map(|error| failure(&error));
        answer
    }

    fn interrupter(&self, connection: &str) -> Option<Interrupter> {
        let handle = self.connections.get(connection)?.get_interrupt_handle();
        Some(Arc::new(move || handle.interrupt()))
    }

    fn reset(&mut self) {
        self.connections.clear();
    }
}

/// Runs a statement without parameters: rows up to a number, the error that ended it, whether there were more.
pub(crate) fn rows_of(
    connection: &Connection,
    sql: &str,
    rows_max: usize,
) -> (Vec<Vec<Datum>>, Option<Failure>, bool) {
    let (mut found, mut more) = (Vec::new(), false);
    let result = connection.prepare(sql).and_then(|mut statement| {
        let width = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            more = found.len() == rows_max;
            if more {
                break;
            }
            let datums = (0..width).map(|i| row.get_ref(i).map(datum));
            found.push(datums.collect::<Result<_, _>>()?);
        }
        Ok(())
    });
    (found, result.err().map(|error| failure(&error)), more)
}

fn bind(statement: &mut Statement<'_>, parameters: &[(String, Datum)]) -> rusqlite::Result<()> {
    for (name, value) in parameters {
        let index = match name.strip_prefix('?') {
            Some(number) => number.parse().ok(),
            None => statement.parameter_index(name)?,
        };
        if let Some(index) = index {
            statement.raw_bind_parameter(index, Bound(value))?;
        }
    }
    Ok(())
}

/// A datum on its way into a parameter.
struct Bound<'a>(&'a Datum);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Datum::Null => ToSqlOutput::Owned(Value::Null),
            Datum::Integer(v) => ToSqlOutput::Owned(Value::Integer(*v)),
            Datum::Real(v) => ToSqlOutput::Owned(Value::Real(*v)),
            Datum::Text(v) => ToSqlOutput::Borrowed(ValueRef::Text(v)),
            Datum::Blob(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v)),
        })
    }
}

fn datum(value: ValueRef<'_>) -> Datum {
    match value {
        ValueRef::Null => Datum::Null,
        ValueRef::Integer(v) => Datum::Integer(v),
        ValueRef::Real(v) => Datum::Real(v),
        ValueRef::Text(v) => Datum::Text(v.to_vec()),
        ValueRef::Blob(v) => Datum::Blob(v.to_vec()),
    }
}

fn failure(error: &rusqlite::Error) -> Failure {
    let code = error.sqlite_error().map_or(1, |error| error.extended_code);
    let message = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    };
    Failure { message, code }
}
