//! A batch: some rows of an operator's output, column by column, with a selection.
//!
//! A filter does not move rows; it narrows the selection. Who reads a batch visits `selected()` rows only. An operator
//! that produces rows of its own hands out a dense batch (no selection).
//!
//! Invariants: I1 each column has `len` rows; I2 a selection is ascending and names rows below `len`.

use super::vector::Vector;

/// The most rows that an operator puts in one batch; the first batches are smaller (see [`Batch`]).
pub const BATCH_ROWS_MAX: usize = 1024;

/// Some rows of an operator's output.
///
/// The first batch of a scan holds one row and each further one twice as many, up to [`BATCH_ROWS_MAX`], so that `LIMIT 1` and point
/// reads pay for one row and long scans run at full width.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The columns, in the order of the operator's output layout.
    pub columns: Vec<Vector>,
    len: usize,
    selection: Option<Vec<u32>>,
}

impl Batch {
    /// An empty batch of `width` columns.
    pub fn new(width: usize) -> Batch {
        Batch {
            columns: (0..width).map(|_| Vector::new()).collect(),
            len: 0,
            selection: None,
        }
    }

    /// Rows held, selected or not.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no row is held.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Declares how many rows the columns hold; for the operator that filled them. Drops the selection.
    #[inline]
    pub fn set_len(&mut self, len: usize) {
        debug_assert!(self.columns.iter().all(|column| column.len() == len), "I1");
        self.len = len;
        self.selection = None;
    }

    /// Forgets rows and selection, keeps the memory.
    pub fn clear(&mut self) {
        self.columns.iter_mut().for_each(Vector::clear);
        self.len = 0;
        self.selection = None;
    }

    /// The rows that count, or `None` when all do.
    #[inline]
    pub fn selection(&self) -> Option<&[u32]> {
        self.selection.as_deref()
    }

    /// Narrows the batch to `selection`.
    pub fn select(&mut self, selection: Option<Vec<u32>>) {
        debug_assert!(
            selection
                .as_ref()
                .is_none_or(|rows| rows.windows(2).all(|w| w[0] < w[1])),
            "I2"
        );
        self.selection = selection;
    }

    /// Takes the selection's memory away, to be filled anew.
    pub fn take_selection(&mut self) -> Option<Vec<u32>> {
        self.selection.take()
    }

    /// How many rows count.
    #[inline]
    pub fn selected_len(&self) -> usize {
        self.selection.as_ref().map_or(self.len, Vec::len)
    }

    /// The position in the columns of the `n`-th row that counts.
    #[inline]
    pub fn selected_row(&self, n: usize) -> usize {
        self.selection.as_ref().map_or(n, |rows| rows[n] as usize)
    }

    /// The rows that count, as positions in the columns.
    pub fn selected(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.selected_len()).map(|n| self.selected_row(n))
    }
}
