//! Rows and their records: how the values of a row lie in the file, and how they are read back.
//!
//! | value | in the record |
//! |---|---|
//! | the rowid alias | NULL: the rowid is the tree's key |
//! | a whole number in a REAL column | an integer of up to six bytes |
//! | a text in a UTF-16 file | its bytes in the file's encoding |
//! | a virtual column | nothing |
//!
//! Source: SQLite's file format, section 2.1, and the notes on REAL columns in section 2.2 of its page on datatypes.

use aludel_storage::format::TextEncoding;
use aludel_storage::format::record::RecordView;

use crate::catalog::{Table, encode_text, utf8_of};
use crate::error::Result;
use crate::value::{Affinity, Text, Value, ValueRef, number};

/// A column of the record.
#[derive(Clone, Copy)]
pub(super) enum StoredColumn {
    /// The rowid alias: NULL in the record.
    Alias,
    /// A column as it is.
    Plain(usize),
    /// A REAL column: whole numbers lie in the record as integers.
    Real(usize),
}

/// Whole reals are stored as integers up to what six bytes hold; beyond, the real is as short.
const REAL_AS_INTEGER_MAX: u64 = (1 << 47) - 1;

/// The columns of a table's records, in order.
pub(super) fn layout_of(table: &Table) -> Vec<StoredColumn> {
    let stored = |number: usize| match table.columns[number].affinity {
        Affinity::Real => StoredColumn::Real(number),
        _ => StoredColumn::Plain(number),
    };
    match &table.without_rowid {
        Some(primary) => primary.stored.iter().map(|&number| stored(number)).collect(),
        None => {
            let mut layout = Vec::with_capacity(table.columns.len());
            for (number, column) in table.columns.iter().enumerate() {
                match (table.rowid_alias, column.stored_at) {
                    (Some(alias), _) if alias == number => layout.push(StoredColumn::Alias),
                    (_, Some(_)) => layout.push(stored(number)),
                    (_, None) => {}
                }
            }
            layout
        }
    }
}

/// What a REAL column's record holds for a value.
#[inline]
pub(super) fn real_as_stored(value: ValueRef<'_>) -> ValueRef<'_> {
    match value {
        ValueRef::Real(real) => match number::lossless_integer(real) {
            Some(integer) if integer.unsigned_abs() <= REAL_AS_INTEGER_MAX => ValueRef::Integer(integer),
            _ => value,
        },
        _ => value,
    }
}

/// Turns a value that has its affinity into what lies in the file.
pub fn to_stored(value: &mut Value, encoding: TextEncoding, affinity: Affinity) {
    if affinity == Affinity::Real {
        *value = Value::from(real_as_stored(value.as_ref()));
    }
    if encoding != TextEncoding::Utf8 {
        let mut stored = Value::Null;
        stored_value(value.as_ref(), encoding, &mut stored);
        *value = stored;
    }
}

/// Puts `value` into `out` as it lies in the file.
pub(super) fn stored_value(value: ValueRef<'_>, encoding: TextEncoding, out: &mut Value) {
    match value {
        ValueRef::Text(text) if encoding != TextEncoding::Utf8 => {
            let mut bytes = Vec::with_capacity(text.len() * 2);
            encode_text(text, encoding, &mut bytes);
            *out = Value::Text(Text::from_bytes(bytes));
        }
        value => out.assign(value),
    }
}

/// The row as it lies in the file; the row itself in a UTF-8 file.
pub(super) fn in_file_encoding<'a>(
    row: &'a [Value],
    encoding: TextEncoding,
    buffer: &'a mut Vec<Value>,
) -> &'a [Value] {
    if encoding == TextEncoding::Utf8 {
        return row;
    }
    buffer.resize(row.len(), Value::Null);
    for (value, out) in row.iter().zip(buffer.iter_mut()) {
        stored_value(value.as_ref(), encoding, out);
    }
    buffer
}

/// Decodes a record of `table` into a row; virtual columns are left NULL.
pub(super) fn decode_row(
    table: &Table,
    encoding: TextEncoding,
    payload: &[u8],
    rowid: &Value,
    row: &mut [Value],
) -> Result<()> {
    for (column, value) in table.columns.iter().zip(row.iter_mut()) {
        value.assign(column.missing_value.as_ref());
    }
    let mut place = 0;
    let mut columns = RecordView::parse(payload)?.columns();
    let mut next = |column: usize, row: &mut [Value]| -> Result<bool> {
        let Some(value) = columns.next().transpose()? else {
            return Ok(false);
        };
        read_value(value, encoding, table.columns[column].affinity, &mut row[column]);
        place += 1;
        Ok(true)
    };
    match &table.without_rowid {
        Some(primary) => {
            for &column in &primary.stored {
                if !next(column, row)? {
                    break;
                }
            }
        }
        None => {
            for column in 0..table.columns.len() {
                let is_alias = table.rowid_alias == Some(column);
                if (is_alias || table.columns[column].stored_at.is_some()) && !next(column, row)? {
                    break;
                }
            }
        }
    }
    if let Some(alias) = table.rowid_alias {
        row[alias].assign(rowid.as_ref());
    }
    if let Some(last) = row.last_mut() {
        last.assign(rowid.as_ref());
    }
    Ok(())
}

/// A value as statements see it: UTF-8, and reals in REAL columns.
pub(super) fn read_value(value: ValueRef<'_>, encoding: TextEncoding, affinity: Affinity, out: &mut Value) {
    match value {
        ValueRef::Text(text) if encoding != TextEncoding::Utf8 => {
            *out = Value::Text(Text::from_bytes(utf8_of(text, encoding)));
        }
        ValueRef::Integer(integer) if affinity == Affinity::Real => *out = Value::Real(integer as f64),
        value => out.assign(value),
    }
}
