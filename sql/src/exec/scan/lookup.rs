//! Finding the table rows that index entries point to.

use std::sync::Arc;

use aludel_storage::btree::{IndexCursor, Seek, TableCursor};
use aludel_storage::error::corrupt;
use aludel_storage::format::record::KeyValues;
use aludel_storage::format::{PageNo, TextEncoding};

use super::decode::utf16_from_utf8;
use super::output::Output;
use super::seek::rowid_of;
use crate::catalog::Table;
use crate::error::{Error, Result};
use crate::exec::{ExecContext, Vector};
use crate::plan::physical::DatabaseIndex;
use crate::value::ValueRef;

/// A cursor that goes to the rows of a table by their keys.
pub(super) struct Lookup {
    database: DatabaseIndex,
    root: PageNo,
    cursor: KeyedCursor,
    spill: Vec<u8>,
}

enum KeyedCursor {
    Table(TableCursor),
    Primary(IndexCursor),
}

impl Lookup {
    pub(super) fn new(database: DatabaseIndex, table: &Table) -> Lookup {
        let cursor = match &table.without_rowid {
            None => KeyedCursor::Table(TableCursor::new(table.root)),
            Some(primary) => KeyedCursor::Primary(IndexCursor::new(table.root, Arc::clone(&primary.order))),
        };
        Lookup {
            database,
            root: table.root,
            cursor,
            spill: Vec::new(),
        }
    }

    /// Hands the row whose key is row `n` of `keys` to the output.
    pub(super) fn fetch(
        &mut self,
        context: &mut ExecContext<'_>,
        keys: &[Vector],
        n: usize,
        output: &mut Output,
    ) -> Result<()> {
        let database = &context.state.databases[self.database];
        let pager = &database.pager;
        match &mut self.cursor {
            KeyedCursor::Table(cursor) => {
                let rowid = keys.first().and_then(|rowids| rowid_of(rowids.get(n)));
                match rowid {
                    Some(rowid) if cursor.seek(pager, rowid, Seek::Eq)? => {
                        let record = cursor.payload(pager, &mut self.spill)?;
                        output.take_record(context, rowid, record)
                    }
                    _ => Err(self.dangling()),
                }
            }
            KeyedCursor::Primary(cursor) => {
                let encoding = database.schema.encoding;
                let stored: Vec<Vec<u8>> = match encoding {
                    TextEncoding::Utf8 => Vec::new(),
                    encoding => keys.iter().map(|key| stored_text(key.get(n), encoding)).collect(),
                };
                let key: KeyValues<'_> = keys
                    .iter()
                    .enumerate()
                    .map(|(i, key)| match (key.get(n), stored.get(i)) {
                        (ValueRef::Text(_), Some(text)) => ValueRef::Text(text),
                        (value, _) => value,
                    })
                    .collect();
                if !cursor.seek(pager, &key, Seek::Eq)? {
                    return Err(self.dangling());
                }
                let record = cursor.payload(pager, &mut self.spill)?;
                output.take_record(context, 0, record)
            }
        }
    }

    pub(super) fn close(&mut self) {
        match &mut self.cursor {
            KeyedCursor::Table(cursor) => cursor.reset(),
            KeyedCursor::Primary(cursor) => cursor.reset(),
        }
    }

    #[cold]
    fn dangling(&self) -> Error {
        Error::from(corrupt(self.root, 0, "an index entry has no row in its table"))
    }
}

fn stored_text(value: ValueRef<'_>, encoding: TextEncoding) -> Vec<u8> {
    match value {
        ValueRef::Text(text) => utf16_from_utf8(text, encoding),
        _ => Vec::new(),
    }
}
