//! Ways to run a statement and read its rows in one call, and iterators over rows.

use super::{Params, Phase, Row, Rows, Statement};
use crate::error::{Error, Result};

impl<'c> Statement<'c> {
    /// Binds, and hands the first row to `read`; what follows it is not looked at.
    ///
    /// # Errors
    /// [`Error::NoRows`] when there is none.
    pub fn query_row<T>(&mut self, params: impl Params, read: impl FnOnce(&Row) -> Result<T>) -> Result<T> {
        let mut rows = self.query(params)?;
        match rows.next()? {
            Some(row) => read(row),
            None => Err(Error::NoRows),
        }
    }

    /// As [`Statement::query_row`], but there must not be a second row.
    ///
    /// # Errors
    /// [`Error::NoRows`], [`Error::ManyRows`].
    pub fn query_one<T>(&mut self, params: impl Params, read: impl FnOnce(&Row) -> Result<T>) -> Result<T> {
        let mut rows = self.query(params)?;
        let Some(row) = rows.next()? else {
            return Err(Error::NoRows);
        };
        let value = read(row)?;
        match rows.next()? {
            None => Ok(value),
            Some(_) => Err(Error::ManyRows),
        }
    }

    /// As [`Statement::query_map`], with a function whose errors are of another type.
    pub fn query_and_then<T, E: From<Error>, F: FnMut(&Row) -> Result<T, E>>(
        &mut self,
        params: impl Params,
        read: F,
    ) -> Result<AndThenRows<'_, 'c, F>> {
        Ok(self.query(params)?.and_then(read))
    }

    /// Whether there is a row.
    pub fn exists(&mut self, params: impl Params) -> Result<bool> {
        Ok(self.query(params)?.next()?.is_some())
    }

    /// Binds, runs an INSERT of one row, and returns its rowid.
    ///
    /// ```
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = aludel_sql::Connection::open_in_memory()?;
    /// connection.execute("CREATE TABLE t(a)", ())?;
    /// let mut insert = connection.prepare("INSERT INTO t VALUES (?)")?;
    /// assert_eq!(insert.insert(("x",))?, 1);
    /// assert_eq!(insert.insert(("y",))?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::ChangedRows`] when it was not one row; the change stays.
    pub fn insert(&mut self, params: impl Params) -> Result<i64> {
        match self.execute(params)? {
            1 => Ok(self.connection.last_insert_rowid()),
            count => Err(Error::ChangedRows { count }),
        }
    }

    /// The number of the column of that name.
    ///
    /// # Errors
    /// [`Error::Range`] when there is none.
    pub fn column_index(&self, name: &str) -> Result<usize> {
        let columns = &self.body().row.columns;
        let found = columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(name));
        found.ok_or(Error::Range)
    }

    /// Whether it has begun and not ended: the row that it is at can be read, its locks are held.
    pub fn is_busy(&self) -> bool {
        matches!(self.body().phase, Phase::Running(_))
    }

    /// How often something happened to the statement since it was prepared or [`Statement::reset_status`].
    pub fn status(&self, what: StatementStatus) -> u64 {
        let counts = self.body().counts;
        match what {
            StatementStatus::Runs => counts.runs,
            StatementStatus::Recompilations => counts.recompilations,
        }
    }

    /// As [`Statement::status`], and counts from 0 again.
    pub fn reset_status(&mut self, what: StatementStatus) -> u64 {
        let counts = &mut self.body_mut().counts;
        match what {
            StatementStatus::Runs => std::mem::take(&mut counts.runs),
            StatementStatus::Recompilations => std::mem::take(&mut counts.recompilations),
        }
    }
}

/// What of a statement is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatementStatus {
    /// Runs.
    Runs,
    /// Times that it was compiled again because something had changed that it depends on.
    Recompilations,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) runs: u64,
    pub(super) recompilations: u64,
}

impl<'s, 'c> Rows<'s, 'c> {
    /// An iterator of what `read` makes of each row. It ends after the first error of the query.
    pub fn mapped<T, F: FnMut(&Row) -> Result<T>>(self, read: F) -> super::MappedRows<'s, 'c, F> {
        super::MappedRows {
            rows: self,
            read,
            failed: false,
        }
    }

    /// As [`Rows::mapped`], with a function whose errors are of another type.
    pub fn and_then<T, E: From<Error>, F: FnMut(&Row) -> Result<T, E>>(
        self,
        read: F,
    ) -> AndThenRows<'s, 'c, F> {
        AndThenRows {
            rows: self,
            read,
            ended: false,
        }
    }
}

/// An iterator over the rows of a query, each converted by a function with errors of its own.
#[derive(Debug)]
pub struct AndThenRows<'s, 'c, F> {
    rows: Rows<'s, 'c>,
    read: F,
    ended: bool,
}

impl<T, E: From<Error>, F: FnMut(&Row) -> Result<T, E>> Iterator for AndThenRows<'_, '_, F> {
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Result<T, E>> {
        if self.ended {
            return None;
        }
        match self.rows.next() {
            Ok(Some(row)) => Some((self.read)(row)),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error.into()))
            }
        }
    }
}
