//! The entries of an index in order: what CREATE INDEX and REINDEX build a tree from.
//!
//! Keys are encoded once, entries are sorted by prefixes, and past the memory budget they go to run files that are merged: all as for
//! ORDER BY, but the order is that of an index tree, and values are as they lie in the file. Entries that agree in what is
//! sorted by keep the order in which they came.

use aludel_storage::format::KeyOrder;

use super::entries::Entries;
use super::gather;
use super::key::KeyEncoder;
use super::run::{Merge, Run};
use crate::error::Result;
use crate::exec::kernel::Values;
use crate::exec::row_store::RowStore;
use crate::exec::{BATCH_ROWS_MAX, Batch};

/// Takes entries in any order.
pub(crate) struct EntrySort {
    width: usize,
    /// The first columns, by which entries are sorted.
    keys: usize,
    rows: RowStore,
    entries: Entries,
    runs: Vec<Run>,
    budget_bytes: usize,
}

impl EntrySort {
    /// A sort of entries of `width` columns by the columns of `order`, in at most `budget_bytes` of memory.
    pub(crate) fn new(order: &KeyOrder, width: usize, budget_bytes: usize) -> EntrySort {
        EntrySort {
            width,
            keys: order.columns.len(),
            rows: RowStore::new(width),
            entries: Entries::new(KeyEncoder::of_index(order)),
            runs: Vec::new(),
            budget_bytes,
        }
    }

    /// Adds `len` entries; each column is one of `columns`.
    pub(crate) fn push(&mut self, columns: &[Values<'_>], len: usize) -> Result<()> {
        let EntrySort { rows, entries, .. } = self;
        let first = entries.len();
        rows.append_values(columns, 0..len, |place| entries.push_place(place))?;
        entries.fill_keys(first, &columns[..self.keys]);
        if self.rows.memory() + self.entries.memory() > self.budget_bytes {
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

    /// Sorts what has come.
    pub(crate) fn finish(mut self) -> Result<SortedEntries> {
        if self.runs.is_empty() {
            self.entries.sort();
        } else {
            self.spill()?;
        }
        let merge = match self.runs.is_empty() {
            true => None,
            false => Some(Merge::of(self.runs, self.entries.encoder())?),
        };
        Ok(SortedEntries {
            rows: self.rows,
            entries: self.entries,
            next: 0,
            merge,
            places: Vec::new(),
            batch: Batch::new(self.width),
        })
    }
}

/// Entries in their order.
pub(crate) struct SortedEntries {
    rows: RowStore,
    entries: Entries,
    /// The next entry in memory.
    next: usize,
    merge: Option<Merge>,
    places: Vec<u32>,
    batch: Batch,
}

impl SortedEntries {
    /// The next entries; an empty batch behind the last.
    pub(crate) fn next_batch(&mut self) -> Result<&Batch> {
        self.batch.clear();
        match &mut self.merge {
            Some(merge) => merge.fill(&mut self.batch, BATCH_ROWS_MAX)?,
            None => {
                self.places.clear();
                self.places
                    .extend(self.entries.places_of(self.next, BATCH_ROWS_MAX));
                self.next += self.places.len();
                gather(&self.rows, &self.places, &mut self.batch);
            }
        }
        Ok(&self.batch)
    }
}
