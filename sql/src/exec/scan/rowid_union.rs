//! Rows that several indexes found: the plan of an OR whose terms each have an index. Rowids beyond a quarter of the memory budget are sorted in
//! files.

use std::sync::Arc;

use aludel_storage::btree::{Seek, TableCursor};

use super::layout::table_decoder;
use super::output::Output;
use super::seek::give_points;
use super::sorted_values::{SortedValues, ValueOrder};
use crate::catalog::Table;
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::operator::Operator;
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext};
use crate::plan::physical::{DatabaseIndex, RowidUnion};
use crate::value::{Collation, Value, ValueRef};

pub(in crate::exec) fn rowid_union(plan: &RowidUnion, build: &mut BuildContext) -> Result<Box<dyn Operator>> {
    let branches = plan
        .branches
        .iter()
        .map(|branch| build.operator(branch))
        .collect::<Result<_>>()?;
    let decoder = table_decoder(&plan.table, &plan.columns)?;
    Ok(Box::new(Union {
        database: plan.database,
        cursor: TableCursor::new(plan.table.root),
        table: Arc::clone(&plan.table),
        branches,
        rowids: None,
        next: 0,
        more: None,
        output: Output::new(plan.columns.len(), decoder, plan.filter.as_ref(), build)?,
        spill: Vec::new(),
    }))
}

struct Union {
    database: DatabaseIndex,
    table: Arc<Table>,
    branches: Vec<Box<dyn Operator>>,
    /// The rowids of all branches, ascending, each once; `None` until the first row is asked for.
    rowids: Option<Vec<i64>>,
    next: usize,
    /// Rowids that come after those.
    more: Option<Box<SortedValues>>,
    cursor: TableCursor,
    output: Output,
    spill: Vec<u8>,
}

impl Union {
    fn collect(&mut self, context: &mut ExecContext<'_>) -> Result<Vec<i64>> {
        let budget = context.state.session.memory_budget_bytes / 4;
        let mut rowids = Vec::new();
        for branch in &mut self.branches {
            branch.open(context)?;
            while branch.next(context)? {
                let batch = branch.batch();
                let Some(column) = batch.columns.first() else {
                    continue;
                };
                rowids.extend(batch.selected().filter_map(|row| match column.get(row) {
                    ValueRef::Integer(rowid) => Some(rowid),
                    _ => None,
                }));
                if rowids.len() * size_of::<i64>() > budget {
                    put_aside(&mut rowids, &mut self.more, budget)?;
                }
                context.check_interrupt()?;
            }
            branch.close();
        }
        if self.more.is_some() {
            put_aside(&mut rowids, &mut self.more, budget)?;
            if let Some(more) = &mut self.more {
                more.sort()?;
            }
            give_points(&mut self.more, &mut rowids)?;
            return Ok(rowids);
        }
        rowids.sort_unstable();
        rowids.dedup();
        Ok(rowids)
    }
}

/// Moves the rowids to those that are sorted in files.
fn put_aside(rowids: &mut Vec<i64>, more: &mut Option<Box<SortedValues>>, budget: usize) -> Result<()> {
    let ascending = || ValueOrder {
        collation: Collation::Binary,
        descending: false,
    };
    let more = more.get_or_insert_with(|| Box::new(SortedValues::new(ascending())));
    let mut values = Vec::new();
    for some in rowids.chunks(BATCH_ROWS_MAX) {
        values.extend(some.iter().map(|rowid| Value::Integer(*rowid)));
        more.take(&mut values, budget)?;
    }
    rowids.clear();
    Ok(())
}

impl Operator for Union {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        debug_assert!(self.table.without_rowid.is_none());
        self.output
            .open(context.state.databases[self.database].schema.encoding, false);
        self.rowids = None;
        self.next = 0;
        self.more = None;
        Ok(())
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let mut rowids = match self.rowids.take() {
            Some(rowids) => rowids,
            None => self.collect(context)?,
        };
        self.output.start_batch();
        while self.output.room() > 0 {
            if self.next == rowids.len() && self.more.is_some() {
                give_points(&mut self.more, &mut rowids)?;
                self.next = 0;
            }
            let Some(&rowid) = rowids.get(self.next) else {
                break;
            };
            self.next += 1;
            let pager = &context.state.databases[self.database].pager;
            if self.cursor.seek(pager, rowid, Seek::Eq)? {
                let record = self.cursor.payload(pager, &mut self.spill)?;
                self.output.take_record(context, rowid, record)?;
            }
        }
        self.rowids = Some(rowids);
        Ok(!self.output.batch.is_empty())
    }

    fn batch(&self) -> &Batch {
        &self.output.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.output.batch
    }

    fn close(&mut self) {
        self.branches.iter_mut().for_each(|branch| branch.close());
        self.rowids = None;
        self.more = None;
        self.cursor.reset();
        self.output.close();
    }
}
