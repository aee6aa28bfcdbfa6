//! One way to read rows from a connection of either engine, for digests and comparisons.

use std::hash::{DefaultHasher, Hash, Hasher};

use aludel_sql::value::ValueRef as OurValue;
use rusqlite::types::ValueRef as TheirValue;

/// A value of either engine; a real as its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// Integer.
    Integer(i64),
    /// Real.
    Real(u64),
    /// Text.
    Text(&'a [u8]),
    /// Blob.
    Blob(&'a [u8]),
}

/// An engine that answers with values, one after the other.
pub trait Rows {
    /// Its error.
    type Error: std::fmt::Display;

    /// Runs a query and hands out each value of each row.
    ///
    /// # Errors
    /// The engine's.
    fn rows(&self, sql: &str, take: &mut dyn FnMut(Cell<'_>)) -> Result<(), Self::Error>;

    /// All values of a query as one number, and how many there are.
    ///
    /// # Errors
    /// The engine's.
    fn digest(&self, sql: &str) -> Result<(u64, u64), Self::Error> {
        let (mut hasher, mut count) = (DefaultHasher::new(), 0);
        self.rows(sql, &mut |cell| {
            count += 1;
            cell.hash(&mut hasher);
        })?;
        Ok((hasher.finish(), count))
    }

    /// The texts of a query, whatever its columns.
    ///
    /// # Errors
    /// The engine's.
    fn texts(&self, sql: &str) -> Result<Vec<String>, Self::Error> {
        let mut found = Vec::new();
        self.rows(sql, &mut |cell| found.push(cell.to_string()))?;
        Ok(found)
    }
}

impl std::fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cell::Null => Ok(()),
            Cell::Integer(value) => value.fmt(f),
            Cell::Real(bits) => f64::from_bits(*bits).fmt(f),
            Cell::Text(bytes) | Cell::Blob(bytes) => String::from_utf8_lossy(bytes).fmt(f),
        }
    }
}

impl Rows for aludel_sql::Connection {
    type Error = aludel_sql::Error;

    fn rows(&self, sql: &str, take: &mut dyn FnMut(Cell<'_>)) -> aludel_sql::Result<()> {
        let mut statement = self.prepare(sql)?;
        while statement.step()? {
            for at in 0..statement.column_count() {
                take(match statement.value(at) {
                    OurValue::Null => Cell::Null,
                    OurValue::Integer(v) => Cell::Integer(v),
                    OurValue::Real(v) => Cell::Real(v.to_bits()),
                    OurValue::Text(v) => Cell::Text(v),
                    OurValue::Blob(v) => Cell::Blob(v),
                });
            }
        }
        Ok(())
    }
}

impl Rows for rusqlite::Connection {
    type Error = rusqlite::Error;

    fn rows(&self, sql: &str, take: &mut dyn FnMut(Cell<'_>)) -> rusqlite::Result<()> {
        let mut statement = self.prepare(sql)?;
        let count = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            for at in 0..count {
                take(match row.get_ref(at)? {
                    TheirValue::Null => Cell::Null,
                    TheirValue::Integer(v) => Cell::Integer(v),
                    TheirValue::Real(v) => Cell::Real(v.to_bits()),
                    TheirValue::Text(v) => Cell::Text(v),
                    TheirValue::Blob(v) => Cell::Blob(v),
                });
            }
        }
        Ok(())
    }
}
