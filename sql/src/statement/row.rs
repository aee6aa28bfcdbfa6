//! The current row of a statement.

use super::convert::FromValue;
use super::program::Program;
use crate::error::{Error, Result};
use crate::exec::{Batch, Vector};
use crate::plan::ResultColumn;
use crate::value::ValueRef;

/// A row of a result: its values stay in the batch that they were computed in.
#[derive(Default)]
pub struct Row {
    pub(crate) program: Program,
    pub(crate) columns: Vec<ResultColumn>,
    /// Rows of a command (PRAGMA, EXPLAIN). Rows of RETURNING are with the program.
    pub(crate) rows: Vec<Batch>,
    /// Which of the stored batches.
    batch: usize,
    /// Which of the batch's selected rows, and where it stands in the columns.
    place: usize,
    position: usize,
    len: usize,
}

impl Row {
    pub(crate) fn new(program: Program, columns: Vec<ResultColumn>) -> Row {
        Row {
            program,
            columns,
            rows: Vec::new(),
            batch: 0,
            place: 0,
            position: 0,
            len: 0,
        }
    }

    fn current(&self) -> Option<&Batch> {
        match &self.program {
            Program::Query(query) => query.batch(),
            Program::Write(write) => write.returned().get(self.batch),
            Program::Planned(_) => None,
            Program::Command(_) | Program::Empty => self.rows.get(self.batch),
        }
    }

    /// Goes to the first row of a batch. False when it has none.
    pub(crate) fn start_batch(&mut self, batch: usize) -> bool {
        self.batch = batch;
        let Some(batch) = self.current() else {
            self.finish();
            return false;
        };
        let len = batch.selected_len();
        let position = if len > 0 { batch.selected_row(0) } else { 0 };
        (self.place, self.len, self.position) = (0, len, position);
        len > 0
    }

    pub(crate) fn next_stored_batch(&mut self) -> Result<bool> {
        let next = self.batch + 1;
        if let Program::Write(write) = &mut self.program {
            write.returned_mut().fetch(next)?;
        }
        Ok(self.start_batch(next))
    }

    /// Goes to the next row of the batch. False when there is none.
    #[inline]
    pub(crate) fn advance(&mut self) -> bool {
        let next = self.place + 1;
        if next >= self.len {
            return false;
        }
        self.place = next;
        self.position = self.current().map_or(0, |batch| batch.selected_row(next));
        true
    }

    /// There is no row any more.
    pub(crate) fn finish(&mut self) {
        (self.place, self.len) = (0, 0);
        self.rows.clear();
        if let Program::Query(query) = &mut self.program {
            query.close();
        }
    }

    #[inline]
    pub(crate) fn value(&self, column: usize) -> ValueRef<'_> {
        self.values().get(column)
    }

    /// Its values where they lie; none when there is no row.
    #[inline]
    pub fn values(&self) -> RowValues<'_> {
        let columns = match self.current() {
            Some(batch) if self.len > 0 => batch.columns.as_slice(),
            _ => &[],
        };
        RowValues {
            columns,
            position: self.position,
        }
    }

    /// A value by number or name, converted.
    ///
    /// # Errors
    /// [`Error::Range`] for a column that the row has not, [`Error::Conversion`] for a value that is of another kind.
    pub fn get<T: FromValue>(&self, column: impl ColumnIndex) -> Result<T> {
        let column = column.find(self).ok_or(Error::Range)?;
        let value = self.value(column);
        T::from_value(value).ok_or_else(|| Error::Conversion {
            column,
            from: crate::value::type_name(value).to_owned(),
            to: T::NAME.to_owned(),
        })
    }

    /// A value by number or name, as it lies in the batch.
    ///
    /// # Errors
    /// [`Error::Range`] for a column that the row has not.
    pub fn get_ref(&self, column: impl ColumnIndex) -> Result<ValueRef<'_>> {
        Ok(self.value(column.find(self).ok_or(Error::Range)?))
    }

    /// As [`Row::get`]; for values of which the statement says what they are.
    ///
    /// # Panics
    /// Where [`Row::get`] fails.
    #[track_caller]
    pub fn get_unwrap<T: FromValue>(&self, column: impl ColumnIndex) -> T {
        match self.get(column) {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }

    /// How many columns it has.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether it has no columns.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The name of a column.
    pub fn column_name(&self, column: usize) -> Option<&str> {
        self.columns.get(column).map(|column| &*column.name)
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let values = self
            .columns
            .iter()
            .enumerate()
            .map(|(number, column)| (&column.name, self.value(number)));
        f.debug_map().entries(values).finish()
    }
}

/// The values of a row where they lie: cheaper than asking the row or its statement for each of several values.
#[derive(Clone, Copy, Debug)]
pub struct RowValues<'r> {
    columns: &'r [Vector],
    position: usize,
}

impl<'r> RowValues<'r> {
    /// A value; NULL when there is no row or no such column.
    #[inline(always)]
    pub fn get(&self, column: usize) -> ValueRef<'r> {
        match self.columns.get(column) {
            Some(column) => column.read(self.position),
            None => ValueRef::Null,
        }
    }

    /// How many columns it has.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

/// A column by its number (from 0) or its name.
pub trait ColumnIndex {
    /// The number of the column in `row`.
    fn find(&self, row: &Row) -> Option<usize>;
}

impl ColumnIndex for usize {
    fn find(&self, row: &Row) -> Option<usize> {
        Some(*self).filter(|column| *column < row.columns.len())
    }
}

impl ColumnIndex for &str {
    fn find(&self, row: &Row) -> Option<usize> {
        row.columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(self))
    }
}
