//! Reading fields from a row.

use super::EntityMeta;
use crate::drivers::Row;
use crate::error::{Error, Result};
use crate::types::{ColumnType, DecodeError, Value};

/// A row, or the part of it that belongs to one entity or expression.
#[derive(Clone, Copy)]
pub struct RowReader<'r> {
    row: &'r dyn Row,
    start: usize,
}

impl<'r> RowReader<'r> {
    pub(crate) fn new(row: &'r dyn Row) -> RowReader<'r> {
        RowReader { row, start: 0 }
    }

    /// The part that begins `columns` further on.
    pub(crate) fn skip(self, columns: usize) -> RowReader<'r> {
        RowReader {
            row: self.row,
            start: self.start + columns,
        }
    }

    /// The value at that place of this part.
    #[inline]
    pub fn value(&self, index: usize) -> Value<'r> {
        self.row.value(self.start + index)
    }

    /// All values of this part and what is after it.
    pub(crate) fn rest(self) -> impl Iterator<Item = Value<'r>> {
        (self.start..self.row.width()).map(move |index| self.row.value(index))
    }

    /// The column of an entity at that place.
    ///
    /// # Errors
    /// Where the value does not fit the type; the message names table and column.
    #[inline(always)]
    pub fn column<T: ColumnType>(&self, meta: &'static EntityMeta, index: usize) -> Result<T> {
        let mut value = self.value(index);
        if T::DEFERRED && value.is_null() {
            // Queries for whole entities select NULL in the place of deferred columns.
            value = Value::Absent;
        }
        match T::decode(value) {
            Ok(value) => Ok(value),
            Err(error) => Err(unfit(meta, index, error)),
        }
    }

    /// The error for a row of a variant that the program does not know.
    #[doc(hidden)]
    pub fn unknown_variant(&self, meta: &'static EntityMeta, index: usize, expected: &'static str) -> Error {
        let column = meta.columns.get(index).map_or("?", |column| column.name);
        let error = DecodeError::new(expected, &self.value(index));
        Error::decode(format!("column `{}.{column}`", meta.table), error)
    }

    /// The value of an expression at that place.
    ///
    /// # Errors
    /// Where the value does not fit the type.
    #[inline]
    pub fn get<T: ColumnType>(&self, index: usize) -> Result<T> {
        T::decode(self.value(index))
            .map_err(|error| Error::decode(format!("column {} of the result", self.start + index + 1), error))
    }
}

/// The error for a value that does not fit its field.
#[cold]
fn unfit(meta: &'static EntityMeta, index: usize, error: DecodeError) -> Error {
    let column = meta.columns.get(index).map_or("?", |column| column.name);
    Error::decode(format!("column `{}.{column}`", meta.table), error)
}

impl std::fmt::Debug for RowReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowReader")
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}
