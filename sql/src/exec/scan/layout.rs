//! Where the columns of a scan's layout lie in the records that it reads.

use super::decode::{Decoder, Wanted, not_stored};
use crate::catalog::{Index, IndexSource, Table};
use crate::error::Result;
use crate::plan::physical::ScanColumn;
use crate::value::{Affinity, Value};

/// The decoder of a table's own records.
pub(super) fn table_decoder(table: &Table, columns: &[ScanColumn]) -> Result<Decoder> {
    decoder(table, columns, |column| table.columns[column].stored_at)
}

/// The decoder of an index's records, for columns that the index holds.
pub(super) fn index_decoder(table: &Table, index: &Index, columns: &[ScanColumn]) -> Result<Decoder> {
    of_entries(table, index, columns.iter().copied().enumerate())
}

/// The decoder of those of the columns that are `read`, which the index holds, and behind the place of the last column of the rowid.
pub(super) fn filtered_rowid_decoder(
    table: &Table,
    index: &Index,
    columns: &[ScanColumn],
    read: &[bool],
) -> Result<Decoder> {
    let read = columns
        .iter()
        .copied()
        .enumerate()
        .filter(|(output, _)| read[*output]);
    let rowid = (columns.len(), ScanColumn::Rowid);
    of_entries(table, index, read.chain(std::iter::once(rowid)))
}

/// The decoder of an index's records for outputs with their columns.
fn of_entries(
    table: &Table,
    index: &Index,
    outputs: impl Iterator<Item = (usize, ScanColumn)>,
) -> Result<Decoder> {
    let rowid_at = rowid_position(index);
    let mut wanted = Vec::new();
    for (output, column) in outputs {
        wanted.push(match column {
            ScanColumn::Rowid => plain(rowid_at, output),
            ScanColumn::Table(column) if table.rowid_alias == Some(column) => plain(rowid_at, output),
            ScanColumn::Table(column) => {
                let position = index_position(index, column);
                let position = position.ok_or_else(|| not_stored(&table.columns[column].name))?;
                stored(table, column, position, output)
            }
        });
    }
    Ok(Decoder::new(wanted, Vec::new()))
}

/// Where an index record holds the rowid.
pub(super) fn rowid_position(index: &Index) -> usize {
    index.columns.len()
}

/// Where an index record holds a column of the table.
pub(super) fn index_position(index: &Index, column: usize) -> Option<usize> {
    let keys = index.columns.iter().map(|key| match key.source {
        IndexSource::Column(column) => Some(column),
        _ => None,
    });
    let mut held = keys.chain(index.tail.iter().map(|column| Some(*column)));
    held.position(|held| held == Some(column))
}

/// The decoder of the primary key in an index of a WITHOUT ROWID table; outputs are the key's columns in order.
pub(super) fn primary_key_decoder(table: &Table, index: &Index, key: &[usize]) -> Result<Decoder> {
    let wanted = key.iter().enumerate().map(|(output, column)| {
        let position = index_position(index, *column);
        Ok(plain(
            position.ok_or_else(|| not_stored(&table.columns[*column].name))?,
            output,
        ))
    });
    Ok(Decoder::new(wanted.collect::<Result<_>>()?, Vec::new()))
}

/// The decoder of the rowid in an index record.
pub(super) fn rowid_decoder(index: &Index) -> Decoder {
    Decoder::new(vec![plain(rowid_position(index), 0)], Vec::new())
}

fn decoder(
    table: &Table,
    columns: &[ScanColumn],
    position: impl Fn(usize) -> Option<usize>,
) -> Result<Decoder> {
    let (mut wanted, mut rowids) = (Vec::new(), Vec::new());
    for (output, column) in columns.iter().enumerate() {
        match column {
            ScanColumn::Rowid => rowids.push(output),
            ScanColumn::Table(column) if table.rowid_alias == Some(*column) => rowids.push(output),
            ScanColumn::Table(column) => {
                let position = position(*column).ok_or_else(|| not_stored(&table.columns[*column].name))?;
                wanted.push(stored(table, *column, position, output));
            }
        }
    }
    Ok(Decoder::new(wanted, rowids))
}

fn stored(table: &Table, column: usize, position: usize, output: usize) -> Wanted {
    let column = &table.columns[column];
    let real = column.affinity == Affinity::Real;
    Wanted {
        position,
        skipped: 0,
        output,
        real,
        missing: column.missing_value.clone(),
    }
}

fn plain(position: usize, output: usize) -> Wanted {
    Wanted {
        position,
        skipped: 0,
        output,
        real: false,
        missing: Value::Null,
    }
}
