//! The filter of a scan, evaluated before all columns are decoded.
//!
//! ```text
//!   rows of a leaf ── decode a ──▶ a < 5 ──▶ survivors ── decode b ──▶ b > 100 ──▶ survivors ── decode the rest ──▶ batch
//!                     stage 1                             stage 2
//! ```
//!
//! A conjunction is divided into stages, in its order: a stage decodes what its terms read and has not been decoded yet. What is
//! decoded moves along with the survivors. A stage's terms see rows that passed all earlier stages only.

use aludel_storage::btree::LeafRows;
use aludel_storage::format::TextEncoding;

use super::decode::Decoder;
use super::leaf::{LeafDecoder, PlaceList};
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::kernel::{Kernel, Rows};
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext};
use crate::plan::expr::Expr;
use crate::plan::physical::DatabaseIndex;

/// See the module's head.
pub(super) struct StagedFilter {
    stages: Vec<Stage>,
    /// Decodes what no stage reads, into the batch.
    rest: Decoder,
    /// The decoded columns of the rows that are still in, and room for the next stage's.
    candidates: Batch,
    narrowed: Batch,
    /// The rows that are still in, by their numbers among those offered.
    survivors: Vec<u32>,
    selected: Vec<u32>,
    /// How many rows to look at together.
    offer: usize,
}

struct Stage {
    predicate: Kernel,
    decoder: Decoder,
    /// The columns that are decoded when the predicate is evaluated.
    columns: Vec<usize>,
}

/// Rows of a leaf that have passed so far.
struct Survivors<'a, P> {
    places: &'a P,
    rows: &'a [u32],
}

impl<P: PlaceList> PlaceList for Survivors<'_, P> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.rows.len()
    }

    #[inline(always)]
    fn place(&self, n: usize) -> usize {
        self.places.place(self.rows[n] as usize)
    }

    fn run(&self) -> Option<std::ops::Range<usize>> {
        // Rows are numbered from 0, ascending: all are in when there are as many.
        if self.rows.len() == self.places.len() {
            self.places.run()
        } else {
            None
        }
    }
}

/// What decoding needs beside the decoder.
pub(super) struct Source<'s, 'l> {
    pub(super) database: DatabaseIndex,
    pub(super) leaf: &'s LeafRows<'l>,
    pub(super) decoder: &'s mut LeafDecoder,
    pub(super) spill: &'s mut Vec<u8>,
}

impl StagedFilter {
    pub(super) fn compile(
        width: usize,
        decoder: &Decoder,
        filter: &Expr,
        build: &mut BuildContext,
    ) -> Result<StagedFilter> {
        let mut decoded = vec![false; width];
        let mut stages = Vec::new();
        for terms in divide(filter, width) {
            let before = decoded.clone();
            terms.iter().for_each(|term| note_columns(term, &mut decoded));
            let fresh = |column: usize| decoded[column] && !before[column];
            let predicate = match terms.as_slice() {
                [term] => Kernel::compile_in(term, build)?,
                _ => Kernel::compile_in(
                    &Expr::And(terms.iter().map(|term| (*term).clone()).collect()),
                    build,
                )?,
            };
            stages.push(Stage {
                predicate,
                decoder: decoder.restricted(fresh),
                columns: (0..width).filter(|column| decoded[*column]).collect(),
            });
        }
        Ok(StagedFilter {
            stages,
            rest: decoder.restricted(|column| !decoded[column]),
            candidates: Batch::new(width),
            narrowed: Batch::new(width),
            survivors: Vec::new(),
            selected: Vec::new(),
            offer: 1,
        })
    }

    pub(super) fn restart(&mut self) {
        self.offer = 1;
    }

    pub(super) fn set_encoding(&mut self, encoding: TextEncoding) {
        self.stages
            .iter_mut()
            .for_each(|stage| stage.decoder.set_encoding(encoding));
        self.rest.set_encoding(encoding);
    }

    /// How many rows to offer next: more and more until some pass.
    pub(super) fn offer(&self) -> usize {
        self.offer
    }

    /// Appends those of the rows at `places` to `batch` that pass.
    pub(super) fn take(
        &mut self,
        context: &mut ExecContext<'_>,
        source: Source<'_, '_>,
        places: &impl PlaceList,
        batch: &mut Batch,
    ) -> Result<()> {
        let Source {
            database,
            leaf,
            decoder,
            spill,
        } = source;
        self.start(places.len());
        self.offer = (self.offer * 2).min(BATCH_ROWS_MAX);
        for stage in 0..self.stages.len() {
            let pager = &context.state.databases[database].pager;
            let survivors = Survivors {
                places,
                rows: &self.survivors,
            };
            let columns = &mut self.candidates.columns;
            decoder.decode(
                &self.stages[stage].decoder,
                pager,
                leaf,
                &survivors,
                spill,
                columns,
            )?;
            if !self.narrow(context, stage)? {
                return Ok(());
            }
        }
        self.put(batch);
        let pager = &context.state.databases[database].pager;
        let survivors = Survivors {
            places,
            rows: &self.survivors,
        };
        decoder.decode(&self.rest, pager, leaf, &survivors, spill, &mut batch.columns)?;
        // Of index entries whose rows are looked up, the decoder knows no more than what is read.
        batch.set_len_of_read(batch.len() + self.survivors.len());
        Ok(())
    }

    /// Appends a record that was found by a look-up to `batch` if it passes.
    pub(super) fn take_record(
        &mut self,
        context: &mut ExecContext<'_>,
        rowid: i64,
        record: &[u8],
        batch: &mut Batch,
    ) -> Result<()> {
        self.start(1);
        for stage in 0..self.stages.len() {
            self.stages[stage]
                .decoder
                .decode(rowid, record, &mut self.candidates.columns)?;
            if !self.narrow(context, stage)? {
                return Ok(());
            }
        }
        self.put(batch);
        self.rest.decode(rowid, record, &mut batch.columns)?;
        batch.set_len(batch.len() + 1);
        Ok(())
    }

    /// `count` rows are offered.
    fn start(&mut self, count: usize) {
        self.candidates.clear();
        self.narrowed.clear();
        self.survivors.clear();
        self.survivors.extend(0..count as u32);
    }

    /// Evaluates a stage's predicate and keeps the rows that pass; false when there are none.
    fn narrow(&mut self, context: &mut ExecContext<'_>, stage: usize) -> Result<bool> {
        let StagedFilter {
            stages,
            candidates,
            narrowed,
            survivors,
            selected,
            ..
        } = self;
        let Stage {
            predicate, columns, ..
        } = &mut stages[stage];
        let count = survivors.len();
        candidates.set_len_of_read(count);
        predicate.select(context, candidates, Rows::All(count), selected)?;
        if selected.len() == count {
            return Ok(count > 0);
        }
        for (n, &row) in selected.iter().enumerate() {
            survivors[n] = survivors[row as usize];
        }
        survivors.truncate(selected.len());
        for &column in columns.iter() {
            let (source, out) = (&candidates.columns[column], &mut narrowed.columns[column]);
            out.clear();
            out.extend_selected(source, selected);
        }
        std::mem::swap(candidates, narrowed);
        Ok(!selected.is_empty())
    }

    /// Appends what is decoded of the survivors to the batch.
    fn put(&self, batch: &mut Batch) {
        let Some(last) = self.stages.last() else { return };
        for &column in &last.columns {
            batch.columns[column].extend_range(&self.candidates.columns[column], 0..self.survivors.len());
        }
    }
}

/// The terms of each stage: a term goes with those before it when it reads no column that they do not.
fn divide(filter: &Expr, width: usize) -> Vec<Vec<&Expr>> {
    let terms = match filter {
        Expr::And(terms) if !terms.is_empty() => terms.iter().collect(),
        single => vec![single],
    };
    let mut stages: Vec<Vec<&Expr>> = Vec::new();
    let mut read = vec![false; width];
    for term in terms {
        let before = read.clone();
        note_columns(term, &mut read);
        match stages.last_mut() {
            Some(stage) if before == read => stage.push(term),
            _ => stages.push(vec![term]),
        }
    }
    stages
}

/// Marks the columns that an expression reads.
pub(super) fn note_columns(expression: &Expr, read: &mut [bool]) {
    expression.visit(&mut |part| {
        if let Expr::Column(column) = part
            && let Some(read) = read.get_mut(*column)
        {
            *read = true;
        }
    });
}
