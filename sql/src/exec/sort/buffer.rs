//! Rows to be put in order by another operator than ORDER BY: groups by their keys, arguments of an ordered aggregate, what comes out of
//! partitions that were put aside.

use super::entries::Entries;
use super::gather;
use super::key::KeyEncoder;
use super::run::{Merge, Run};
use crate::error::Result;
use crate::exec::Batch;
use crate::exec::kernel::Values;
use crate::exec::row_store::RowStore;
use crate::plan::expr::Expr;
use crate::plan::physical::SortKey;
use crate::value::Collation;

/// Rows with their keys, sorted in memory, or in runs where [`SortBuffer::spill_beyond`] is called.
pub(crate) struct SortBuffer {
    width: usize,
    rows: RowStore,
    entries: Entries,
    runs: Vec<Run>,
    merge: Option<Merge>,
    /// The next of the sorted rows to take.
    next: usize,
    places: Vec<u32>,
}

impl SortBuffer {
    /// A buffer of rows of `width` columns, which come out in the order of a number beside them.
    pub(crate) fn by_number(width: usize) -> SortBuffer {
        let number = SortKey {
            expression: Expr::Column(width),
            descending: false,
            nulls_first: true,
            collation: Collation::Binary,
        };
        SortBuffer::new(width, &[number])
    }

    /// A buffer of rows of `width` columns. The keys' expressions are the caller's business.
    pub(crate) fn new(width: usize, keys: &[SortKey]) -> SortBuffer {
        SortBuffer {
            width,
            runs: Vec::new(),
            merge: None,
            rows: RowStore::new(width),
            entries: Entries::new(KeyEncoder::new(keys)),
            next: 0,
            places: Vec::new(),
        }
    }

    /// Forgets the rows and gives memory back.
    pub(crate) fn release(&mut self) {
        self.rows.clear();
        self.entries.release();
        self.runs.clear();
        self.merge = None;
        self.next = 0;
    }

    /// Bytes of memory that the rows and their keys take.
    pub(crate) fn memory(&self) -> usize {
        self.rows.memory() + self.entries.memory()
    }

    /// Writes the rows to a run when they take more memory than `budget`.
    pub(crate) fn spill_beyond(&mut self, budget: usize) -> Result<()> {
        if self.memory() > budget {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        if self.entries.len() > 0 {
            self.entries.sort();
            self.runs.push(Run::write(&self.entries, &self.rows, self.width)?);
            self.entries.clear();
            self.rows.clear();
        }
        Ok(())
    }

    /// Adds the selected rows of `batch`, whose keys are `keys`.
    pub(crate) fn push(&mut self, batch: &Batch, keys: &[Values<'_>]) -> Result<()> {
        let SortBuffer { rows, entries, .. } = self;
        let first = entries.len();
        rows.append(batch, |place| entries.push_place(place))?;
        entries.fill_keys(first, keys);
        Ok(())
    }

    /// Sorts the rows; they can be taken from the first on then.
    pub(crate) fn sort(&mut self) -> Result<()> {
        self.next = 0;
        if self.runs.is_empty() {
            self.entries.sort();
        } else {
            self.spill()?;
            let runs = std::mem::take(&mut self.runs);
            self.merge = Some(Merge::of(runs, self.entries.encoder())?);
        }
        Ok(())
    }

    /// Puts up to `max` of the sorted rows into `out`, and says how many.
    pub(crate) fn take(&mut self, max: usize, out: &mut Batch) -> Result<usize> {
        if let Some(merge) = &mut self.merge {
            out.clear();
            merge.fill(out, max)?;
            return Ok(out.len());
        }
        self.places.clear();
        self.places.extend(self.entries.places_of(self.next, max));
        self.next += self.places.len();
        gather(&self.rows, &self.places, out);
        Ok(self.places.len())
    }

    /// The numbers of the rows in sorted order, counted in the order in which they came; for rows of no columns.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        // Chunks of rows without columns are always full, so places count the rows.
        self.entries.places()
    }
}
