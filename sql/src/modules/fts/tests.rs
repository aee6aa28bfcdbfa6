//! Full-text tables against SQLite: the same statements on both sides, then answers and shadow tables row for row.

mod answers;
mod damage;
mod interop;
mod storage;

use std::sync::Arc;

use super::{FtsModule, Generation, QuerySyntax};
use crate::connection::Connection;
use crate::value::Value;

/// Our side and SQLite's.
pub(super) struct Pair {
    pub(super) ours: Connection,
    pub(super) theirs: rusqlite::Connection,
}

/// What a statement gives: its rows, or the message of its error.
pub(super) type Answer = Result<Vec<Vec<Value>>, String>;

impl Pair {
    pub(super) fn new() -> Pair {
        Pair {
            ours: enhanced(Connection::open_in_memory().unwrap()),
            theirs: rusqlite::Connection::open_in_memory().unwrap(),
        }
    }

    /// Runs a statement on both sides and compares. Returns the answer.
    pub(super) fn check(&mut self, sql: &str) -> Answer {
        let ours = our_answer(&mut self.ours, sql);
        let theirs = their_answer(&self.theirs, sql);
        assert_eq!(ours, theirs, "{sql}");
        ours
    }

    /// Compares all shadow tables of `table`.
    pub(super) fn check_shadow(&mut self, table: &str) {
        for (suffix, key) in [
            ("segdir", "level, idx"),
            ("segments", "blockid"),
            ("stat", "id"),
            ("docsize", "docid"),
        ] {
            let name = format!("{table}_{suffix}");
            let exists = format!("SELECT count(*) FROM sqlite_schema WHERE name = '{name}'");
            if self.check(&exists).unwrap() == [[Value::Integer(1)]] {
                self.check(&format!("SELECT * FROM {name} ORDER BY {key}"))
                    .unwrap();
            }
        }
    }
}

/// The connection with the dialect that the bundled SQLite was compiled with.
pub(super) fn enhanced(connection: Connection) -> Connection {
    for (name, generation) in [("fts3", Generation::Three), ("fts4", Generation::Four)] {
        let module = FtsModule::new(generation).with_syntax(QuerySyntax::Enhanced);
        connection.create_module(name, Arc::new(module)).unwrap();
    }
    connection
}

pub(super) fn our_answer(connection: &mut Connection, sql: &str) -> Answer {
    let run = || {
        let mut statement = connection.prepare(sql)?;
        let width = statement.column_count();
        let mut all = Vec::new();
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            all.push((0..width).map(|column| Value::from(row.value(column))).collect());
        }
        Ok(all)
    };
    run().map_err(|error: crate::Error| error.to_string())
}

pub(super) fn their_answer(connection: &rusqlite::Connection, sql: &str) -> Answer {
    let run = || {
        let mut statement = connection.prepare(sql)?;
        let width = statement.column_count();
        let mut all = Vec::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..width).map(|column| {
                Ok(match row.get_ref(column)? {
                    rusqlite::types::ValueRef::Null => Value::Null,
                    rusqlite::types::ValueRef::Integer(integer) => Value::Integer(integer),
                    rusqlite::types::ValueRef::Real(real) => Value::Real(real),
                    rusqlite::types::ValueRef::Text(text) => {
                        Value::Text(crate::value::Text::from_bytes(text))
                    }
                    rusqlite::types::ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
                })
            });
            all.push(values.collect::<rusqlite::Result<Vec<Value>>>()?);
        }
        Ok(all)
    };
    run().map_err(|error: rusqlite::Error| match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        other => other.to_string(),
    })
}
