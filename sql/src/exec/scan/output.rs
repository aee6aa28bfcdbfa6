//! Where a scan puts its rows: decoding, filtering, and the size of batches.
//!
//! ```text
//!   no filter     leaf rows ── decode all columns ──▶ batch
//!   filter        leaf rows ── decode the filter's columns ──▶ candidates ── filter ──▶ survivors
//!                 survivors ── copy the filter's columns, decode the others ──▶ batch
//! ```
//!
//! The first batch of a scan has one row and each one after it twice as many, so that `LIMIT 1` pays for one; a batch with much text is
//! cut earlier.

use aludel_storage::btree::{LeafRow, LeafRows};
use aludel_storage::format::TextEncoding;

use super::decode::Decoder;
use crate::error::Result;
use crate::exec::batch::BatchSize;
use crate::exec::build::BuildContext;
use crate::exec::kernel::{Kernel, Rows};
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::plan::expr::Expr;
use crate::plan::physical::DatabaseIndex;

/// How many rows of a leaf were taken, and the place of the last of them on its page.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    pub(super) count: usize,
    pub(super) last_index: usize,
}

/// See the module's head.
pub(super) struct Output {
    pub(super) batch: Batch,
    all: Decoder,
    filter: Option<LateFilter>,
    size: BatchSize,
    spill: Vec<u8>,
    encoding: TextEncoding,
}

/// A predicate, and how the columns are divided by it.
struct LateFilter {
    predicate: Kernel,
    /// Decodes what the predicate reads, into `candidates`.
    early: Decoder,
    early_columns: Vec<usize>,
    /// Decodes the rest, into the batch.
    late: Decoder,
    candidates: Batch,
    survivors: Vec<u32>,
    /// Where each candidate is on its leaf, for late decoding.
    indexes: Vec<u32>,
    /// How many candidates to look at together.
    offer: usize,
}

impl Output {
    /// An output of `width` columns that `decoder` fills.
    pub(super) fn new(
        width: usize,
        decoder: Decoder,
        filter: Option<&Expr>,
        build: &mut BuildContext,
    ) -> Result<Output> {
        let filter = filter
            .map(|filter| LateFilter::new(width, &decoder, filter, build))
            .transpose()?;
        Ok(Output {
            batch: Batch::new(width),
            all: decoder,
            filter,
            size: BatchSize::default(),
            spill: Vec::new(),
            encoding: TextEncoding::Utf8,
        })
    }

    /// A scan starts.
    pub(super) fn open(&mut self, encoding: TextEncoding) {
        self.size.restart();
        if let Some(filter) = &mut self.filter {
            filter.offer = 1;
        }
        if self.encoding != encoding {
            self.encoding = encoding;
            self.all.set_encoding(encoding);
            if let Some(filter) = &mut self.filter {
                filter.early.set_encoding(encoding);
                filter.late.set_encoding(encoding);
            }
        }
    }

    /// A new batch starts.
    pub(super) fn start_batch(&mut self) {
        self.batch.clear();
        self.size.grow();
    }

    /// How many rows to offer next; 0 when the batch is full.
    ///
    /// Under a filter that few rows pass, more and more rows are offered at once until one does.
    #[inline]
    pub(super) fn room(&self) -> usize {
        match (self.size.room(&self.batch), &self.filter) {
            (0, _) => 0,
            (room, None) => room,
            (_, Some(filter)) => filter.offer.min(BATCH_ROWS_MAX - self.batch.len()),
        }
    }

    /// Takes all rows that the iterator gives; they are rows of `leaf`.
    pub(super) fn take<'p>(
        &mut self,
        context: &mut ExecContext<'_>,
        database: DatabaseIndex,
        leaf: &LeafRows<'p>,
        rows: impl Iterator<Item = Result<LeafRow<'p>, aludel_storage::Error>>,
    ) -> Result<Taken> {
        let Output {
            batch,
            all,
            filter,
            spill,
            ..
        } = self;
        if let Some(filter) = filter {
            return filter.take(context, database, leaf, rows, batch, spill);
        }
        let pager = &context.databases[database].pager;
        let mut taken = Taken::default();
        for row in rows {
            let row = row?;
            all.decode_row(pager, &row, spill, &mut batch.columns)?;
            taken = Taken {
                count: taken.count + 1,
                last_index: row.index,
            };
        }
        batch.set_len(batch.len() + taken.count);
        Ok(taken)
    }

    /// Takes one record that was found by a look-up.
    pub(super) fn take_record(
        &mut self,
        context: &mut ExecContext<'_>,
        rowid: i64,
        record: &[u8],
    ) -> Result<()> {
        let Output {
            batch, all, filter, ..
        } = self;
        if let Some(filter) = filter {
            return filter.take_record(context, rowid, record, batch);
        }
        all.decode(rowid, record, &mut batch.columns)?;
        batch.set_len(batch.len() + 1);
        Ok(())
    }

    /// Gives large memory back.
    pub(super) fn close(&mut self) {
        self.batch.columns.iter_mut().for_each(Vector::release);
        self.batch.clear();
    }
}

impl LateFilter {
    fn new(width: usize, decoder: &Decoder, filter: &Expr, build: &mut BuildContext) -> Result<LateFilter> {
        let mut read = vec![false; width];
        filter.visit(&mut |expression| {
            if let Expr::Column(column) = expression
                && let Some(read) = read.get_mut(*column)
            {
                *read = true;
            }
        });
        Ok(LateFilter {
            predicate: Kernel::compile_in(filter, build)?,
            early: decoder.restricted(|output| read[output]),
            late: decoder.restricted(|output| !read[output]),
            early_columns: (0..width).filter(|column| read[*column]).collect(),
            candidates: Batch::new(width),
            survivors: Vec::new(),
            indexes: Vec::new(),
            offer: 1,
        })
    }

    fn take<'p>(
        &mut self,
        context: &mut ExecContext<'_>,
        database: DatabaseIndex,
        leaf: &LeafRows<'p>,
        rows: impl Iterator<Item = Result<LeafRow<'p>, aludel_storage::Error>>,
        batch: &mut Batch,
        spill: &mut Vec<u8>,
    ) -> Result<Taken> {
        let LateFilter {
            candidates,
            early,
            late,
            indexes,
            offer,
            ..
        } = self;
        candidates.clear();
        indexes.clear();
        *offer = (*offer * 2).min(BATCH_ROWS_MAX);
        let pager = &context.databases[database].pager;
        let mut taken = Taken::default();
        for row in rows {
            let row = row?;
            early.decode_row(pager, &row, spill, &mut candidates.columns)?;
            if !late.is_empty() {
                indexes.push(row.index as u32);
            }
            taken = Taken {
                count: taken.count + 1,
                last_index: row.index,
            };
        }
        self.select(context, taken.count, batch)?;
        if !self.late.is_empty() {
            let pager = &context.databases[database].pager;
            for &survivor in &self.survivors {
                let row = leaf.at(self.indexes[survivor as usize] as usize)?;
                self.late.decode_row(pager, &row, spill, &mut batch.columns)?;
            }
        }
        batch.set_len(batch.len() + self.survivors.len());
        Ok(taken)
    }

    fn take_record(
        &mut self,
        context: &mut ExecContext<'_>,
        rowid: i64,
        record: &[u8],
        batch: &mut Batch,
    ) -> Result<()> {
        self.candidates.clear();
        self.early.decode(rowid, record, &mut self.candidates.columns)?;
        self.select(context, 1, batch)?;
        if !self.survivors.is_empty() {
            self.late.decode(rowid, record, &mut batch.columns)?;
            batch.set_len(batch.len() + 1);
        }
        Ok(())
    }

    /// Finds the candidates that pass and copies what of them is decoded already.
    fn select(&mut self, context: &mut ExecContext<'_>, count: usize, batch: &mut Batch) -> Result<()> {
        self.candidates.set_len_of_read(count);
        self.predicate
            .select(context, &self.candidates, Rows::All(count), &mut self.survivors)?;
        for &column in &self.early_columns {
            let (source, out) = (&self.candidates.columns[column], &mut batch.columns[column]);
            match self.survivors.len() == count {
                true => out.extend_range(source, 0..count),
                false => out.extend_selected(source, &self.survivors),
            }
        }
        Ok(())
    }
}
