//! Aludel as a subject.

use std::collections::HashMap;
use std::sync::Arc;

use aludel_sql::value::ValueRef;
use aludel_sql::{Connection, Error, OpenOptions, Statement};

use super::{Answer, Datum, Failure, Interrupter, OpenMode, Subject, no_such_connection};

/// Named connections of Aludel.
#[derive(Default)]
pub struct AludelSubject {
    connections: HashMap<String, Connection>,
}

impl Subject for AludelSubject {
    fn open(&mut self, connection: &str, file: &str, mode: OpenMode) -> Result<(), Failure> {
        let options = OpenOptions::new()
            .read_only(mode.read_only)
            .create(mode.create)
            .uri(mode.uri);
        let opened = Connection::open_with(file, &options).map_err(|error| failure(&error))?;
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
            answer.columns = (0..statement.column_count())
                .map(|i| statement.column_name(i).to_owned())
                .collect();
            bind(&mut statement, parameters)?;
            while statement.step()? {
                answer.rows.push(
                    (0..answer.columns.len())
                        .map(|i| datum(statement.value(i)))
                        .collect(),
                );
            }
            Ok(())
        });
        answer.error = result.err().map(|error| failure(&error));
        answer
    }

    fn interrupter(&self, connection: &str) -> Option<Interrupter> {
        let handle = self.connections.get(connection)?.interrupt_handle();
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
    let (mut rows, mut more) = (Vec::new(), false);
    let result = connection.prepare(sql).and_then(|mut statement| {
        let width = statement.column_count();
        while statement.step()? {
            more = rows.len() == rows_max;
            if more {
                break;
            }
            rows.push((0..width).map(|i| datum(statement.value(i))).collect());
        }
        Ok(())
    });
    (rows, result.err().map(|error| failure(&error)), more)
}

fn bind(statement: &mut Statement<'_>, parameters: &[(String, Datum)]) -> Result<(), Error> {
    for (name, value) in parameters {
        let index = match name.strip_prefix('?') {
            Some(number) => number.parse().ok(),
            None => statement.parameter_index(name),
        };
        if let Some(index) = index {
            statement.bind_ref(index, value_ref(value))?;
        }
    }
    Ok(())
}

fn value_ref(datum: &Datum) -> ValueRef<'_> {
    match datum {
        Datum::Null => ValueRef::Null,
        Datum::Integer(v) => ValueRef::Integer(*v),
        Datum::Real(v) => ValueRef::Real(*v),
        Datum::Text(v) => ValueRef::Text(v),
        Datum::Blob(v) => ValueRef::Blob(v),
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

fn failure(error: &Error) -> Failure {
    Failure {
        message: error.to_string(),
        code: error.extended_code(),
    }
}
