//! All entries that an index should have, computed from the table's rows: for CREATE INDEX, REINDEX and the integrity check.

use std::sync::Arc;

use super::index::Side;
use super::target::{Target, Tree, detached};
use crate::catalog::{Index, Table};
use crate::error::Result;
use crate::exec::ExecContext;
use crate::plan::write::TargetTable;
use crate::value::Value;

/// Reads a table row by row and makes the entries of its first index.
pub struct EntryReader {
    target: Target,
    row: Vec<Value>,
}

impl EntryReader {
    /// Gets ready to read `plan`'s table; its list of indexes has the one that entries are wanted for.
    pub fn build(plan: &TargetTable) -> Result<EntryReader> {
        Ok(EntryReader {
            target: Target::build(plan, &Arc::default())?,
            row: Vec::new(),
        })
    }

    /// Hands out the entries in the order of the table's rows.
    pub fn read_all(
        &mut self,
        context: &mut ExecContext<'_>,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        self.target.start(context)?;
        let mut more = self.move_on(context, true)?;
        let mut count = 0u32;
        while more {
            count = count.wrapping_add(1);
            if count.is_multiple_of(1024) {
                context.check_interrupt()?;
            }
            self.target.read(context, &mut self.row)?;
            self.target
                .prepare_indexes(context, Side::New, &self.row, |number| number == 0)?;
            if let Some(entry) = self.target.entry(0, &self.row) {
                take(entry)?;
            }
            more = self.move_on(context, false)?;
        }
        Ok(())
    }

    fn move_on(&mut self, context: &ExecContext<'_>, first: bool) -> Result<bool> {
        let pager = &context
            .databases
            .get(self.target.database)
            .ok_or_else(detached)?
            .pager;
        Ok(match (&mut self.target.tree, first) {
            (Tree::Rowid(cursor), true) => cursor.first(pager)?,
            (Tree::Rowid(cursor), false) => cursor.next(pager)?,
            (Tree::Clustered(cursor), true) => cursor.first(pager)?,
            (Tree::Clustered(cursor), false) => cursor.next(pager)?,
        })
    }
}

/// The columns that an error about an index's key names.
pub fn describe_key(index: &Index, table: &Table) -> String {
    use crate::catalog::IndexSource;

    let mut names = Vec::with_capacity(index.columns.len());
    for column in &index.columns {
        let name = match column.source {
            IndexSource::Column(number) => table.columns[number].name.as_str(),
            IndexSource::Rowid => table
                .rowid_alias
                .map_or("rowid", |alias| table.columns[alias].name.as_str()),
            IndexSource::Expression(_) => return format!("index '{}'", index.name),
        };
        names.push(format!("{}.{name}", table.name));
    }
    names.join(", ")
}
