//! Scans and seeks through an index.
//!
//! A covering index is read like a table of its own. Else the entries of a batch are read first, and then their rows are looked
//! up in the table one after the other, in index order:
//!
//! ```text
//!   entries ── terms that the index can answer ──▶ rowids ── look-ups ──▶ rows ── the other terms ──▶ batch
//! ```
//!
//! What the index can answer is asked before a row is looked up: a look-up costs as much as many entries.

use aludel_storage::btree::IndexCursor;

use super::filter::note_columns;
use super::keyed::holds_all;
use super::late::{conjunction, with_late_terms};
use super::layout::{
    filtered_rowid_decoder, index_decoder, primary_key_decoder, rowid_decoder, table_decoder,
};
use super::lookup::Lookup;
use super::output::Output;
use super::seek::SeekKernels;
use super::tree::{RangeReader, TreeCursor};
use crate::catalog::usable;
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::operator::Operator;
use crate::exec::{Batch, ExecContext};
use crate::plan::expr::Expr;
use crate::plan::physical::{DatabaseIndex, IndexScan, ScanColumns};

pub(in crate::exec) fn index_scan(plan: &IndexScan, build: &mut BuildContext) -> Result<Box<dyn Operator>> {
    with_late_terms(plan, plan.filter.as_ref(), build, scan)
}

fn scan(plan: &IndexScan, build: &mut BuildContext) -> Result<Box<dyn Operator>> {
    let (table, index) = (&plan.table, &plan.index);
    let cursor = TreeCursor::Index(IndexCursor::new(index.root, usable(&index.order)?));
    let seek = SeekKernels::compile(&plan.seek, build)?;
    let unique = index.unique.is_some() && seek.equals_whole_key(index.columns.len());
    let entries = Entries {
        database: plan.database,
        seek,
        reader: RangeReader::new(cursor, plan.descending).with_unique_keys(unique),
    };
    let (width, filter) = (plan.columns.len(), plan.filter.as_ref());
    // The planner may have chosen the index with more columns in mind than somebody reads in the end.
    if plan.covering || holds_all(table, index, &plan.columns) {
        let decoder = index_decoder(table, index, &plan.columns)?;
        let output = Output::new(width, decoder, filter, build)?;
        return Ok(Box::new(CoveringScan { entries, output }));
    }
    let (early, late) = divided(plan);
    let keys = match &table.without_rowid {
        None if early.is_some() => {
            let mut read = vec![false; width];
            early.iter().for_each(|term| note_columns(term, &mut read));
            let decoder = filtered_rowid_decoder(table, index, &plan.columns, &read)?;
            Output::new(width + 1, decoder, early.as_ref(), build)?
        }
        None => Output::new(1, rowid_decoder(index), None, build)?,
        Some(primary) => {
            let key = &primary.stored[..primary.key_count];
            Output::new(key.len(), primary_key_decoder(table, index, key)?, None, build)?
        }
    };
    Ok(Box::new(LookupScan {
        entries,
        keys,
        first_key: if early.is_some() { width } else { 0 },
        next_key: 0,
        skip: 0,
        keeps_all: filter.is_none(),
        lookup: Lookup::new(plan.database, table),
        output: Output::new(width, table_decoder(table, &plan.columns)?, late.as_ref(), build)?,
    }))
}

/// The terms of a scan's filter that its index can answer, and the others.
fn divided(plan: &IndexScan) -> (Option<Expr>, Option<Expr>) {
    let terms = match &plan.filter {
        Some(Expr::And(terms)) => terms.as_slice(),
        Some(term) => std::slice::from_ref(term),
        None => &[],
    };
    let holds = |term: &&Expr| {
        let mut read = vec![false; plan.columns.len()];
        note_columns(term, &mut read);
        let columns: ScanColumns = read
            .iter()
            .zip(&plan.columns)
            .filter_map(|(read, column)| read.then_some(*column))
            .collect();
        !columns.is_empty() && holds_all(&plan.table, &plan.index, &columns)
    };
    let (early, late): (Vec<&Expr>, Vec<&Expr>) = terms.iter().partition(holds);
    (conjunction(early), conjunction(late))
}

/// The entries of the index that the scan visits.
struct Entries {
    database: DatabaseIndex,
    seek: SeekKernels,
    reader: RangeReader,
}

impl Entries {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let encoding = context.state.databases[self.database].schema.encoding;
        self.reader.start_keys(&mut self.seek, context, encoding)
    }
}

struct CoveringScan {
    entries: Entries,
    output: Output,
}

impl Operator for CoveringScan {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let few = self.entries.seek.is_point();
        self.output.open(
            context.state.databases[self.entries.database].schema.encoding,
            few,
        );
        self.entries.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if self.entries.reader.is_done() {
            return Ok(false);
        }
        self.output.start_batch();
        self.entries
            .reader
            .fill(context, self.entries.database, &mut self.output)?;
        Ok(!self.output.batch.is_empty())
    }

    fn batch(&self) -> &Batch {
        &self.output.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.output.batch
    }

    fn close(&mut self) {
        self.entries.reader.close();
        self.output.close();
    }
}

struct LookupScan {
    entries: Entries,
    /// The table keys of some entries, from column `first_key` on; before it what the filter of the entries reads.
    keys: Output,
    first_key: usize,
    next_key: usize,
    /// Entries whose rows nobody wants: those of OFFSET.
    skip: u64,
    /// There is no filter.
    keeps_all: bool,
    lookup: Lookup,
    output: Output,
}

impl Operator for LookupScan {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let encoding = context.state.databases[self.entries.database].schema.encoding;
        let few = self.entries.seek.is_point();
        self.keys.open(encoding, few);
        self.keys.batch.clear();
        self.next_key = 0;
        self.skip = 0;
        self.output.open(encoding, few);
        self.entries.open(context)
    }

    fn skip(&mut self, count: u64) -> u64 {
        self.skip = if self.keeps_all { count } else { 0 };
        self.skip
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        self.output.start_batch();
        while self.output.room() > 0 {
            if self.next_key == self.keys.batch.len() {
                if self.entries.reader.is_done() {
                    break;
                }
                self.keys.start_batch();
                self.next_key = 0;
                self.entries
                    .reader
                    .fill(context, self.entries.database, &mut self.keys)?;
                let entries = self.keys.batch.len();
                if entries == 0 {
                    break;
                }
                if self.skip > 0 {
                    self.next_key = (entries as u64).min(self.skip) as usize;
                    self.skip -= self.next_key as u64;
                    continue;
                }
            }
            let keys = &self.keys.batch.columns[self.first_key..];
            self.lookup
                .fetch(context, keys, self.next_key, &mut self.output)?;
            self.next_key += 1;
        }
        Ok(!self.output.batch.is_empty())
    }

    fn batch(&self) -> &Batch {
        &self.output.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.output.batch
    }

    fn close(&mut self) {
        self.entries.reader.close();
        self.keys.close();
        self.lookup.close();
        self.output.close();
    }
}
