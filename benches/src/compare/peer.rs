//! One face for both engines, thin enough not to be measured: a virtual call a statement, none a value.

use std::path::Path;

use aludel_sql::value::ValueRef as OurRef;
use rusqlite::types::{ToSqlOutput, Value, ValueRef as TheirRef};

use super::answer::Answer;

/// A parameter of a workload's statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// Integer.
    Integer(i64),
    /// Real.
    Real(f64),
    /// Text.
    Text(String),
}

/// What went wrong, as text: the run prints it and goes on.
pub(super) type Failure = String;

/// An open database of either engine.
pub trait Peer {
    /// Runs statements that give no rows of interest.
    fn batch(&self, sql: &str) -> Result<(), Failure>;
    /// Compiles a statement and lends it to `body`.
    fn with_statement(
        &self,
        sql: &str,
        body: &mut dyn FnMut(&mut dyn Prepared) -> Result<u64, Failure>,
    ) -> Result<u64, Failure>;
    /// Compiles a statement and drops it.
    fn prepare_only(&self, sql: &str) -> Result<(), Failure>;
}

/// A compiled statement.
pub trait Prepared {
    /// Binds, runs to the end, visits each value. Returns a checksum that does not depend on the order of rows.
    fn run(&mut self, parameters: &[Param]) -> Result<u64, Failure>;
    /// Runs to the end and keeps each value.
    fn answer(&mut self) -> Result<Answer, Failure>;
}

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerName {
    /// Aludel.
    Ours,
    /// The bundled SQLite.
    Sqlite,
}

impl PeerName {
    /// Opens a file.
    pub fn open(self, path: &Path) -> Result<Box<dyn Peer>, Failure> {
        Ok(match self {
            PeerName::Ours => Box::new(aludel_sql::Connection::open(path).map_err(text)?),
            PeerName::Sqlite => Box::new(rusqlite::Connection::open(path).map_err(text)?),
        })
    }
}

fn text(error: impl std::fmt::Display) -> Failure {
    error.to_string()
}

/// Adds a value to the checksum of its row. Reals count by their integer part, so that sums taken in another order agree.
fn mix(row: u64, number: u64) -> u64 {
    (row ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

fn mix_bytes(row: u64, bytes: &[u8]) -> u64 {
    let first = bytes.first().copied().unwrap_or_default();
    let last = bytes.last().copied().unwrap_or_default();
    mix(
        row,
        (bytes.len() as u64) << 16 | u64::from(first) << 8 | u64::from(last),
    )
}

impl Peer for aludel_sql::Connection {
    fn batch(&self, sql: &str) -> Result<(), Failure> {
        self.execute_batch(sql).map_err(text)
    }

    fn with_statement(
        &self,
        sql: &str,
        body: &mut dyn FnMut(&mut dyn Prepared) -> Result<u64, Failure>,
    ) -> Result<u64, Failure> {
        body(&mut self.prepare(sql).map_err(text)?)
    }

    fn prepare_only(&self, sql: &str) -> Result<(), Failure> {
        self.prepare(sql).map(drop).map_err(text)
    }
}

impl Prepared for aludel_sql::Statement<'_> {
    fn run(&mut self, parameters: &[Param]) -> Result<u64, Failure> {
        for (i, parameter) in parameters.iter().enumerate() {
            let value = match parameter {
                Param::Integer(v) => OurRef::Integer(*v),
                Param::Real(v) => OurRef::Real(*v),
                Param::Text(v) => OurRef::Text(v.as_bytes()),
            };
            self.bind_ref(i + 1, value).map_err(text)?;
        }
        let width = self.column_count();
        let mut sum = 0_u64;
        while self.step().map_err(text)? {
            let mut row = 0;
            for i in 0..width {
                row = match self.value(i) {
                    OurRef::Null => mix(row, 0),
                    OurRef::Integer(v) => mix(row, v as u64),
                    OurRef::Real(v) => mix(row, v as i64 as u64),
                    OurRef::Text(v) | OurRef::Blob(v) => mix_bytes(row, v),
                };
            }
            sum = sum.wrapping_add(row);
        }
        Ok(sum)
    }

    fn answer(&mut self) -> Result<Answer, Failure> {
        let width = self.column_count();
        let mut answer = Answer::new();
        while self.step().map_err(text)? {
            let values = (0..width).map(|i| match self.value(i) {
                OurRef::Null => Value::Null,
                OurRef::Integer(v) => Value::Integer(v),
                OurRef::Real(v) => Value::Real(v),
                OurRef::Text(v) => Value::Text(String::from_utf8_lossy(v).into_owned()),
                OurRef::Blob(v) => Value::Blob(v.to_vec()),
            });
            answer.push(values.collect());
        }
        Ok(answer)
    }
}

impl Peer for rusqlite::Connection {
    fn batch(&self, sql: &str) -> Result<(), Failure> {
        self.execute_batch(sql).map_err(text)
    }

    fn with_statement(
        &self,
        sql: &str,
        body: &mut dyn FnMut(&mut dyn Prepared) -> Result<u64, Failure>,
    ) -> Result<u64, Failure> {
        body(&mut self.prepare(sql).map_err(text)?)
    }

    fn prepare_only(&self, sql: &str) -> Result<(), Failure> {
        self.prepare(sql).map(drop).map_err(text)
    }
}

impl Prepared for rusqlite::Statement<'_> {
    fn run(&mut self, parameters: &[Param]) -> Result<u64, Failure> {
        for (i, parameter) in parameters.iter().enumerate() {
            let value = match parameter {
                Param::Integer(v) => TheirRef::Integer(*v),
                Param::Real(v) => TheirRef::Real(*v),
                Param::Text(v) => TheirRef::Text(v.as_bytes()),
            };
            self.raw_bind_parameter(i + 1, ToSqlOutput::Borrowed(value))
                .map_err(text)?;
        }
        let width = self.column_count();
        let mut rows = self.raw_query();
        let mut sum = 0_u64;
        while let Some(values) = rows.next().map_err(text)? {
            let mut row = 0;
            for i in 0..width {
                row = match values.get_ref(i).map_err(text)? {
                    TheirRef::Null => mix(row, 0),
                    TheirRef::Integer(v) => mix(row, v as u64),
                    TheirRef::Real(v) => mix(row, v as i64 as u64),
                    TheirRef::Text(v) | TheirRef::Blob(v) => mix_bytes(row, v),
                };
            }
            sum = sum.wrapping_add(row);
        }
        Ok(sum)
    }

    fn answer(&mut self) -> Result<Answer, Failure> {
        let width = self.column_count();
        let mut rows = self.raw_query();
        let mut answer = Answer::new();
        while let Some(values) = rows.next().map_err(text)? {
            let values = (0..width).map(|i| Value::try_from(values.get_ref(i).map_err(text)?).map_err(text));
            answer.push(values.collect::<Result<_, Failure>>()?);
        }
        Ok(answer)
    }
}
