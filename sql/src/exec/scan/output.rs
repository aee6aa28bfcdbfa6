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

use aludel_storage::btree::LeafRows;
use aludel_storage::format::TextEncoding;
use aludel_storage::pager::Pager;

use super::decode::Decoder;
use crate::error::Result;
use crate::exec::batch::BatchSize;
use crate::exec::build::BuildContext;
use crate::exec::kernel::{Kernel, Rows};
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::plan::expr::Expr;
use crate::plan::physical::DatabaseIndex;

/// Rows of a leaf to take, in the order of reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// The first place, or with `backwards` the last.
    pub(super) start: usize,
    pub(super) count: usize,
    pub(super) backwards: bool,
}

impl Places {
    #[inline(always)]
    pub(super) fn place(&self, n: usize) -> usize {
        if self.backwards {
            self.start - n
        } else {
            self.start + n
        }
    }

    /// The place behind the last one that is taken; `None` in front of the page's first.
    pub(super) fn next(&self) -> Option<usize> {
        if self.backwards {
            self.start.checked_sub(self.count)
        } else {
            Some(self.start + self.count)
        }
    }
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

    /// Takes rows of a leaf.
    pub(super) fn take(
        &mut self,
        context: &mut ExecContext<'_>,
        database: DatabaseIndex,
        leaf: &LeafRows<'_>,
        places: Places,
    ) -> Result<()> {
        let Output {
            batch,
            all,
            filter,
            spill,
            ..
        } = self;
        if let Some(filter) = filter {
            return filter.take(context, database, leaf, places, batch, spill);
        }
        let pager = &context.databases[database].pager;
        decode_rows(all, pager, leaf, places, spill, &mut batch.columns)?;
        batch.set_len(batch.len() + places.count);
        Ok(())
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

/// Decodes rows of a leaf into columns.
fn decode_rows(
    decoder: &Decoder,
    pager: &Pager,
    leaf: &LeafRows<'_>,
    places: Places,
    spill: &mut Vec<u8>,
    columns: &mut [Vector],
) -> Result<()> {
    if decoder.is_empty() {
        return Ok(());
    }
    for n in 0..places.count {
        let place = places.place(n);
        match leaf.whole_at(place) {
            Some((rowid, record)) => decoder.decode(rowid, record, columns)?,
            None => decoder.decode_row(pager, &leaf.at(place)?, spill, columns)?,
        }
    }
    Ok(())
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
            offer: 1,
        })
    }

    fn take(
        &mut self,
        context: &mut ExecContext<'_>,
        database: DatabaseIndex,
        leaf: &LeafRows<'_>,
        places: Places,
        batch: &mut Batch,
        spill: &mut Vec<u8>,
    ) -> Result<()> {
        self.candidates.clear();
        self.offer = (self.offer * 2).min(BATCH_ROWS_MAX);
        let pager = &context.databases[database].pager;
        decode_rows(
            &self.early,
            pager,
            leaf,
            places,
            spill,
            &mut self.candidates.columns,
        )?;
        self.select(context, places.count, batch)?;
        if !self.late.is_empty() {
            let pager = &context.databases[database].pager;
            for &survivor in &self.survivors {
                let row = leaf.at(places.place(survivor as usize))?;
                self.late.decode_row(pager, &row, spill, &mut batch.columns)?;
            }
        }
        batch.set_len(batch.len() + self.survivors.len());
        Ok(())
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
