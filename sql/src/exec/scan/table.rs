//! Scans and seeks of a table's own tree.

use aludel_storage::btree::{IndexCursor, Seek, TableCursor};

use super::late::with_late_terms;
use super::layout::table_decoder;
use super::output::Output;
use super::seek::{RowidSeek, SeekKernels, rowid_of};
use super::tree::{RangeReader, TreeCursor};
use crate::catalog::usable;
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::operator::Operator;
use crate::exec::{Batch, ExecContext, Kernel};
use crate::plan::expr::Expr;
use crate::plan::physical::{self, DatabaseIndex, SeekTerm, TableScan};
use crate::value::Value;

pub(in crate::exec) fn table_scan(plan: &TableScan, build: &mut BuildContext) -> Result<Box<dyn Operator>> {
    with_late_terms(plan, plan.filter.as_ref(), build, scan)
}

fn scan(plan: &TableScan, build: &mut BuildContext) -> Result<Box<dyn Operator>> {
    let table = &plan.table;
    let decoder = table_decoder(table, &plan.columns)?;
    let output = Output::new(plan.columns.len(), decoder, plan.filter.as_ref(), build)?;
    if let (None, Some(rowid)) = (&table.without_rowid, single_rowid(&plan.seek)) {
        let mut nothing = Batch::new(0);
        nothing.set_len(1);
        let point = Point {
            database: plan.database,
            cursor: TableCursor::new(table.root),
            parameter: rowid.as_parameter_of_integers(),
            value: Kernel::compile_in(rowid, build)?,
            nothing,
            output,
            rowid: None,
            spill: Vec::new(),
        };
        return Ok(Box::new(point));
    }
    let seek = SeekKernels::compile(&plan.seek, build)?;
    let Some(primary) = &table.without_rowid else {
        let cursor = TreeCursor::Table(TableCursor::new(table.root));
        return Ok(Box::new(Scan {
            database: plan.database,
            keyed: false,
            seek,
            reader: RangeReader::new(cursor, plan.descending),
            output,
        }));
    };
    let cursor = TreeCursor::Index(IndexCursor::new(table.root, usable(&primary.order)?));
    let unique = seek.equals_whole_key(primary.key_count);
    Ok(Box::new(Scan {
        database: plan.database,
        keyed: true,
        seek,
        reader: RangeReader::new(cursor, plan.descending).with_unique_keys(unique),
        output,
    }))
}

/// The rowid that a seek is about, if it is about one.
fn single_rowid(seek: &physical::Seek) -> Option<&Expr> {
    match seek.equal.as_slice() {
        [SeekTerm::Equal(rowid)] if seek.lower.is_none() && seek.upper.is_none() => Some(rowid),
        _ => None,
    }
}

/// The row with one rowid: the shortest way from a parameter to a row.
struct Point {
    database: DatabaseIndex,
    cursor: TableCursor,
    /// Where an integer that is bound is the rowid.
    parameter: Option<usize>,
    value: Kernel,
    /// What it is evaluated over.
    nothing: Batch,
    output: Output,
    rowid: Option<i64>,
    spill: Vec<u8>,
}

impl Operator for Point {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.output
            .open(context.state.databases[self.database].schema.encoding, false);
        let bound = self.parameter.map(|parameter| context.parameter(parameter));
        if let Some(&Value::Integer(rowid)) = bound {
            self.rowid = Some(rowid);
            return Ok(());
        }
        self.rowid = rowid_of(self.value.evaluate_one(context, &self.nothing)?);
        Ok(())
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let Some(rowid) = self.rowid.take() else {
            return Ok(false);
        };
        let pager = &context.state.databases[self.database].pager;
        if !self.cursor.seek(pager, rowid, Seek::Eq)? {
            return Ok(false);
        }
        self.output.start_batch();
        let record = self.cursor.payload(pager, &mut self.spill)?;
        self.output.take_record(context, rowid, record)?;
        // Who changes the row can change its page in place only when nobody holds it.
        self.cursor.rest();
        Ok(!self.output.batch.is_empty())
    }

    fn batch(&self) -> &Batch {
        &self.output.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.output.batch
    }

    fn close(&mut self) {
        self.rowid = None;
        self.cursor.rest();
        self.output.close();
    }
}

/// A range, or several, of the tree.
struct Scan {
    database: DatabaseIndex,
    /// The tree is that of a WITHOUT ROWID table.
    keyed: bool,
    seek: SeekKernels,
    reader: RangeReader,
    output: Output,
}

impl Operator for Scan {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let encoding = context.state.databases[self.database].schema.encoding;
        self.output.open(encoding, self.seek.is_point());
        match self.keyed {
            false if self.seek.is_full() => self.reader.start_rowids(RowidSeek::ALL),
            false => {
                let backwards = self.reader.is_backwards();
                let seek = RowidSeek::evaluate(&mut self.seek, context, backwards)?;
                self.reader.start_rowids(seek);
            }
            true => self.reader.start_keys(&mut self.seek, context, encoding)?,
        }
        Ok(())
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if self.reader.is_done() {
            return Ok(false);
        }
        self.output.start_batch();
        self.reader.fill(context, self.database, &mut self.output)?;
        Ok(!self.output.batch.is_empty())
    }

    fn batch(&self) -> &Batch {
        &self.output.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.output.batch
    }

    fn close(&mut self) {
        self.reader.close();
        self.output.close();
    }
}
