//! Where a scan puts its rows, and the size of batches.
//!
//! The first batch of a scan has one row and each one after it twice as many, so that `LIMIT 1` pays for one; a batch with much text is
//! cut earlier.

use aludel_storage::btree::LeafRows;
use aludel_storage::format::TextEncoding;

use super::decode::Decoder;
use super::filter::{Source, StagedFilter};
use super::leaf::{LeafDecoder, PlaceList};
use crate::error::Result;
use crate::exec::batch::BatchSize;
use crate::exec::build::BuildContext;
use crate::exec::{Batch, ExecContext};
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

impl PlaceList for Places {
    #[inline(always)]
    fn len(&self) -> usize {
        self.count
    }

    #[inline(always)]
    fn place(&self, n: usize) -> usize {
        if self.backwards {
            self.start - n
        } else {
            self.start + n
        }
    }

    fn run(&self) -> Option<std::ops::Range<usize>> {
        (!self.backwards).then_some(self.start..self.start + self.count)
    }
}

impl Places {
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
    filter: Option<StagedFilter>,
    size: BatchSize,
    leaf_decoder: LeafDecoder,
    spill: Vec<u8>,
    encoding: TextEncoding,
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
            .map(|filter| StagedFilter::compile(width, &decoder, filter, build))
            .transpose()?;
        Ok(Output {
            batch: Batch::new(width),
            all: decoder,
            filter,
            size: build.batch_size(),
            leaf_decoder: LeafDecoder::default(),
            spill: Vec::new(),
            encoding: TextEncoding::Utf8,
        })
    }

    /// A scan starts; with `few` it looks for the rows with one key.
    pub(super) fn open(&mut self, encoding: TextEncoding, few: bool) {
        match few {
            true => self.size.restart_with_few(),
            false => self.size.restart(),
        }
        if let Some(filter) = &mut self.filter {
            filter.restart();
        }
        if self.encoding != encoding {
            self.encoding = encoding;
            self.all.set_encoding(encoding);
            if let Some(filter) = &mut self.filter {
                filter.set_encoding(encoding);
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
            (_, Some(filter)) => filter
                .offer()
                .min(self.size.most().saturating_sub(self.batch.len())),
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
            leaf_decoder,
            spill,
            ..
        } = self;
        if let Some(filter) = filter {
            let source = Source {
                database,
                leaf,
                decoder: leaf_decoder,
                spill,
            };
            return filter.take(context, source, &places, batch);
        }
        let pager = &context.state.databases[database].pager;
        leaf_decoder.decode(all, pager, leaf, &places, spill, &mut batch.columns)?;
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
        self.batch.release();
    }
}
