//! Common tables: computed once, read by several scans.
//!
//! A table's rows are computed as far as somebody reads them, and kept in a [log](super::row_log) that holds a quarter of the memory
//! budget and has the rest on disk. Its scans share it behind a lock that is taken once a batch; it is held while further rows are
//! computed, which is sound because a table never reads itself (that is what [`recursive`](super::recursive) is for).

use std::sync::Arc;

use parking_lot::Mutex;

use super::build::BuildContext;
use super::operator::Operator;
use super::row_log::RowLog;
use super::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::error::Result;
use crate::plan::physical::{CteId, Node};

/// A common table's rows and what computes them.
pub(crate) struct CommonTable {
    source: Box<dyn Operator>,
    rows: RowLog,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unopened,
    Open,
    Complete,
}

impl CommonTable {
    fn reset(&mut self, context: &ExecContext<'_>) {
        self.reset_within(context.state.session.memory_budget_bytes / 4);
    }

    /// Forgets the rows; of those to come so many bytes are held in memory.
    fn reset_within(&mut self, budget: usize) {
        self.rows.restart(budget);
        self.state = State::Unopened;
    }

    /// Computes a further batch; false when there are no more rows.
    fn extend(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if self.state == State::Unopened {
            self.source.open(context)?;
            self.state = State::Open;
        }
        if self.state == State::Complete {
            return Ok(false);
        }
        if self.source.next(context)? {
            self.rows.append(self.source.batch())?;
            return Ok(true);
        }
        self.source.close();
        self.state = State::Complete;
        Ok(false)
    }
}

pub(super) fn with(
    tables: &[(CteId, Node)],
    input: &Node,
    build: &mut BuildContext,
) -> Result<Box<dyn Operator>> {
    let mut shared = Vec::with_capacity(tables.len());
    for (id, node) in tables {
        let source = build.sampled(node)?;
        let rows = RowLog::new(super::build::width_of(node), 0);
        let table = Arc::new(Mutex::new(CommonTable {
            source,
            rows,
            state: State::Unopened,
        }));
        build.add_table(*id, &table);
        shared.push(table);
    }
    Ok(Box::new(With {
        tables: shared,
        input: build.operator(input)?,
    }))
}

struct With {
    tables: Vec<Arc<Mutex<CommonTable>>>,
    input: Box<dyn Operator>,
}

impl Operator for With {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let tables = self.tables.iter();
        tables.for_each(|table| table.lock().reset(context));
        self.input.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        self.input.next(context)
    }

    fn batch(&self) -> &Batch {
        self.input.batch()
    }

    fn batch_mut(&mut self) -> &mut Batch {
        self.input.batch_mut()
    }

    fn close(&mut self) {
        self.input.close();
        for table in &self.tables {
            let mut table = table.lock();
            table.source.close();
            table.reset_within(0);
        }
    }
}

pub(super) fn scan(table: Arc<Mutex<CommonTable>>, width: usize) -> Box<dyn Operator> {
    Box::new(Scan {
        table,
        row: 0,
        batch: Batch::new(width),
    })
}

struct Scan {
    table: Arc<Mutex<CommonTable>>,
    row: usize,
    batch: Batch,
}

impl Operator for Scan {
    fn open(&mut self, _: &mut ExecContext<'_>) -> Result<()> {
        self.row = 0;
        Ok(())
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let mut table = self.table.lock();
        self.batch.clear();
        loop {
            let taken = table.rows.read(self.row, BATCH_ROWS_MAX, &mut self.batch)?;
            self.row += taken;
            if taken > 0 {
                return Ok(true);
            }
            if !table.extend(context)? {
                return Ok(false);
            }
        }
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    fn close(&mut self) {
        self.batch.columns.iter_mut().for_each(Vector::release);
        self.batch.clear();
    }
}
