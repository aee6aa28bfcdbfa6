//! Choosing rowids: one more than the largest, or, when the largest there can be is taken, random ones until one is free.
//!
//! AUTOINCREMENT keeps the largest rowid that a table ever had in sqlite_sequence and never goes below it. The row is read once when
//! a statement starts and written once when it ends.

use std::sync::Arc;

use aludel_storage::btree::{Seek, TableCursor};
use aludel_storage::format::record::RecordView;
use aludel_storage::pager::Pager;

use super::stored::stored_value;
use super::target::{Target, Tree, detached};
use crate::catalog::{Database, Table};
use crate::error::{Error, Result};
use crate::exec::ExecContext;
use crate::value::{Value, ValueRef, number};

/// How often a random rowid is tried before the table counts as full.
const RANDOM_TRIES: usize = 100;

/// The row of sqlite_sequence that belongs to a table.
pub(super) struct Sequence {
    cursor: TableCursor,
    table: Arc<Table>,
    /// The rowid of the row in sqlite_sequence, if there is one.
    row: Option<i64>,
    /// The largest rowid so far.
    pub(super) largest: i64,
}

impl Sequence {
    /// Reads the row of `table`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the database has no sqlite_sequence.
    pub(super) fn read(database: &Database, table: &Arc<Table>) -> Result<Sequence> {
        let Some(sequences) = database.schema.table("sqlite_sequence") else {
            return Err(Error::Corrupt {
                message: "database disk image is malformed".to_owned(),
            });
        };
        let mut sequence = Sequence {
            cursor: TableCursor::new(sequences.root),
            table: Arc::clone(table),
            row: None,
            largest: 0,
        };
        sequence.find(&database.pager)?;
        Ok(sequence)
    }

    fn find(&mut self, pager: &Pager) -> Result<()> {
        let name = self.stored_name(pager)?;
        let mut spill = Vec::new();
        let mut more = self.cursor.first(pager)?;
        while more {
            let view = RecordView::parse(self.cursor.payload(pager, &mut spill)?)?;
            if view.column(0)? == name.as_ref() {
                self.largest = number::integer_of(view.column(1)?);
                self.row = Some(self.cursor.rowid());
                return Ok(());
            }
            more = self.cursor.next(pager)?;
        }
        Ok(())
    }

    fn stored_name(&self, pager: &Pager) -> Result<Value> {
        let mut name = Value::Null;
        stored_value(
            ValueRef::Text(self.table.name.as_bytes()),
            pager.header()?.encoding,
            &mut name,
        );
        Ok(name)
    }

    /// Writes the largest rowid back.
    pub(super) fn write(&mut self, pager: &mut Pager) -> Result<()> {
        let name = self.stored_name(pager)?;
        let row = match self.row {
            Some(row) => row,
            None => self.cursor.max_rowid(pager)?.unwrap_or(0) + 1,
        };
        self.row = Some(row);
        Ok(self
            .cursor
            .insert_values(pager, row, &[name.as_ref(), ValueRef::Integer(self.largest)])?)
    }
}

/// A rowid for a new row of `target`.
///
/// # Errors
/// [`aludel_storage::Error::Full`] when none is found.
pub(super) fn choose(
    target: &mut Target,
    context: &ExecContext<'_>,
    sequence: Option<&Sequence>,
) -> Result<i64> {
    let pager = &context
        .state
        .databases
        .get(target.database)
        .ok_or_else(detached)?
        .pager;
    target.look_around(pager);
    let Tree::Rowid(cursor) = &mut target.tree else {
        return Err(Error::misuse("a WITHOUT ROWID table has no rowids"));
    };
    let next = match cursor.largest_rowid(pager)? {
        None => Some(1),
        Some(largest) => largest.checked_add(1),
    };
    match (next, sequence.map(|sequence| sequence.largest.checked_add(1))) {
        (Some(next), None) => return Ok(next),
        (Some(next), Some(Some(above))) => return Ok(next.max(above)),
        (_, Some(_)) => return Err(aludel_storage::Error::Full.into()),
        (None, None) => {}
    }
    for _ in 0..RANDOM_TRIES {
        let candidate = ((context.state.session.environment.random() >> 1) as i64 & (i64::MAX >> 1)) + 1;
        if !cursor.seek(pager, candidate, Seek::Eq)? {
            return Ok(candidate);
        }
    }
    Err(aludel_storage::Error::Full.into())
}
