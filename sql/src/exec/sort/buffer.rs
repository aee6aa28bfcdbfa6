//! Rows to be put in order by another operator than ORDER BY: groups by their keys, arguments of an ordered aggregate.

use super::entries::Entries;
use super::gather;
use super::key::KeyEncoder;
use crate::error::Result;
use crate::exec::Batch;
use crate::exec::kernel::Values;
use crate::exec::row_store::RowStore;
use crate::plan::physical::SortKey;

/// Rows with their keys, sorted in memory.
pub(crate) struct SortBuffer {
    rows: RowStore,
    entries: Entries,
    /// The next of the sorted rows to take.
    next: usize,
    places: Vec<u32>,
}

impl SortBuffer {
    /// A buffer of rows of `width` columns. The keys' expressions are the caller's business.
    pub(crate) fn new(width: usize, keys: &[SortKey]) -> SortBuffer {
        SortBuffer {
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
        self.next = 0;
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
    pub(crate) fn sort(&mut self) {
        self.entries.sort();
        self.next = 0;
    }

    /// Puts up to `max` of the sorted rows into `out`, and says how many.
    pub(crate) fn take(&mut self, max: usize, out: &mut Batch) -> usize {
        self.places.clear();
        self.places.extend(self.entries.places_of(self.next, max));
        self.next += self.places.len();
        gather(&self.rows, &self.places, out);
        self.places.len()
    }

    /// The numbers of the rows in sorted order, counted in the order in which they came; for rows of no columns.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        // Chunks of rows without columns are always full, so places count the rows.
        self.entries.places()
    }
}
