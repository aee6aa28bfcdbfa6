//! One connection of either engine, asked in short: what the programs over processes and damaged files share.

use std::path::Path;

use crate::subject::{Datum, EngineName, Failure, OpenMode, Subject};

/// SQLite's code for an answer that is not what the question expects.
const MISMATCH: i32 = 20;

/// A connection to one file.
pub struct Session {
    subject: Box<dyn Subject>,
}

impl Session {
    /// Opens a file; `create` makes it when it is missing.
    ///
    /// # Errors
    /// The engine's.
    pub fn open(engine: EngineName, file: &Path, create: bool) -> Result<Session, Failure> {
        let mut subject = engine.subject();
        let path = file
            .to_str()
            .ok_or_else(|| mismatch("the path is not UTF-8".to_owned()))?;
        let mode = OpenMode {
            read_only: false,
            create,
            uri: false,
        };
        subject.open("db", path, mode)?;
        Ok(Session { subject })
    }

    /// The rows of a statement; `parameters` are `?1`, `?2` and so on.
    ///
    /// # Errors
    /// The engine's; its message is led by the statement.
    pub fn rows(&mut self, sql: &str, parameters: &[Datum]) -> Result<Vec<Vec<Datum>>, Failure> {
        let named: Vec<(String, Datum)> = parameters
            .iter()
            .enumerate()
            .map(|(at, value)| (format!("?{}", at + 1), value.clone()))
            .collect();
        let answer = self.subject.run("db", sql, &named);
        match answer.error {
            None => Ok(answer.rows),
            Some(failure) => Err(Failure {
                message: format!("{sql}: {}", failure.message),
                code: failure.code,
            }),
        }
    }

    /// Runs a statement for its effect.
    ///
    /// # Errors
    /// Those of [`Session::rows`].
    pub fn run(&mut self, sql: &str, parameters: &[Datum]) -> Result<(), Failure> {
        self.rows(sql, parameters).map(drop)
    }

    /// The first value of the first row.
    ///
    /// # Errors
    /// Those of [`Session::rows`]; no row at all.
    pub fn value(&mut self, sql: &str, parameters: &[Datum]) -> Result<Datum, Failure> {
        let rows = self.rows(sql, parameters)?;
        rows.into_iter()
            .flatten()
            .next()
            .ok_or_else(|| mismatch(format!("{sql} gives no row")))
    }

    /// The first value, which is an integer.
    ///
    /// # Errors
    /// Those of [`Session::value`]; another storage class.
    pub fn number(&mut self, sql: &str, parameters: &[Datum]) -> Result<i64, Failure> {
        match self.value(sql, parameters)? {
            Datum::Integer(number) => Ok(number),
            other => Err(mismatch(format!("{sql} gives {other:?}"))),
        }
    }

    /// All findings of `PRAGMA integrity_check` in one text: `ok` when there is none.
    ///
    /// # Errors
    /// Those of [`Session::rows`].
    pub fn integrity(&mut self) -> Result<String, Failure> {
        let rows = self.rows("PRAGMA integrity_check", &[])?;
        let lines = rows.into_iter().flatten().map(|value| match value {
            Datum::Text(line) => String::from_utf8_lossy(&line).into_owned(),
            other => format!("{other:?}"),
        });
        Ok(lines.collect::<Vec<_>>().join("; "))
    }
}

fn mismatch(message: String) -> Failure {
    Failure {
        message,
        code: MISMATCH,
    }
}
