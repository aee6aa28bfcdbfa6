//! A batch: some rows of an operator's output, column by column, with a selection.
//!
//! A filter does not move rows; it narrows the selection. Who reads a batch visits `selected()` rows only. An operator
//! that produces rows of its own hands out a dense batch (no selection).
//!
//! Invariants: I1 each column has `len` rows; I2 a selection is ascending and names rows below `len`.

use super::vector::Vector;
use crate::error::{Error, Result};

/// The most rows that an operator puts in one batch; the first batches are smaller (see [`Batch`]).
pub const BATCH_ROWS_MAX: usize = 1024;

/// Some rows of an operator's output.
///
/// The first batch of a scan holds one row and each further one twice as many, up to [`BATCH_ROWS_MAX`], so that `LIMIT 1` and point
/// reads pay for one row and long scans run at full width. Below an operator that reads its input to the end before it puts anything
/// out, scans begin with more.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The columns, in the order of the operator's output layout.
    pub columns: Vec<Vector>,
    len: usize,
    /// The rows that count, when `narrowed`; else memory for them.
    selection: Vec<u32>,
    narrowed: bool,
}

impl Batch {
    /// An empty batch of `width` columns.
    pub fn new(width: usize) -> Batch {
        Batch {
            columns: Vector::empty(width),
            ..Batch::default()
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
        self.narrowed = false;
    }

    /// As [`Batch::set_len`] where only some of the columns are filled, because nobody reads the others.
    #[inline]
    pub(crate) fn set_len_of_read(&mut self, len: usize) {
        self.len = len;
        self.narrowed = false;
    }

    /// Fails when the texts of a column were more than it can hold.
    pub(crate) fn check_size(&self) -> Result<()> {
        if self.columns.iter().any(Vector::has_overflowed) {
            Err(Error::TooBig)
        } else {
            Ok(())
        }
    }

    /// Forgets rows and selection, keeps the memory.
    pub fn clear(&mut self) {
        self.columns.iter_mut().for_each(Vector::clear);
        self.len = 0;
        self.narrowed = false;
    }

    /// As [`Batch::clear`], and gives large memory back.
    pub fn release(&mut self) {
        self.columns.iter_mut().for_each(Vector::release);
        self.len = 0;
        self.narrowed = false;
    }

    /// The rows that count, or `None` when all do.
    #[inline]
    pub fn selection(&self) -> Option<&[u32]> {
        self.narrowed.then_some(self.selection.as_slice())
    }

    /// Narrows the batch to `selection`.
    pub fn select(&mut self, selection: Vec<u32>) {
        debug_assert!(selection.windows(2).all(|pair| pair[0] < pair[1]), "I2");
        self.selection = selection;
        self.narrowed = true;
    }

    /// Takes the selection's memory away, to be filled anew; all rows count then.
    pub fn take_selection(&mut self) -> Vec<u32> {
        self.narrowed = false;
        std::mem::take(&mut self.selection)
    }

    /// How many rows count.
    #[inline]
    pub fn selected_len(&self) -> usize {
        if self.narrowed {
            self.selection.len()
        } else {
            self.len
        }
    }

    /// The position in the columns of the `n`-th row that counts.
    #[inline]
    pub fn selected_row(&self, n: usize) -> usize {
        if self.narrowed {
            self.selection[n] as usize
        } else {
            n
        }
    }

    /// The rows that count, as positions in the columns.
    pub fn selected(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.selected_len()).map(|n| self.selected_row(n))
    }
}

/// How large the next batch of a scan may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchSize {
    rows: usize,
    most: usize,
    /// Half of the rows in the first batch; 0 for one row.
    first: usize,
    /// The same for a scan that is likely to find a few rows and then end.
    first_of_few: usize,
}

/// How much of an input is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As much as is asked for from above.
    #[default]
    Free,
    /// To its end, before anything is put out.
    Drained,
    /// Often its first row only, as by EXISTS.
    FirstRow,
}

/// Half of the rows in the first batch of a scan that will be read to its end.
const DRAINED_FIRST: usize = 32;
/// The same of a scan that is likely to find a few rows.
const FEW_FIRST: usize = 8;
/// A batch with so many bytes of text takes no more rows.
const BATCH_BYTES_MAX: usize = 1 << 20;

impl BatchSize {
    /// Batches of at most so many rows. Where an input is drained, there is no reason to begin with one.
    pub(crate) fn new(most: usize, reading: Reading) -> BatchSize {
        let (first, first_of_few) = match reading {
            Reading::Free => (0, FEW_FIRST),
            Reading::Drained => (DRAINED_FIRST, DRAINED_FIRST),
            Reading::FirstRow => (0, 0),
        };
        BatchSize {
            rows: first,
            most: most.clamp(1, BATCH_ROWS_MAX),
            first,
            first_of_few,
        }
    }

    /// The most rows of a batch.
    #[inline]
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// The first batch comes next.
    #[inline]
    pub(crate) fn restart(&mut self) {
        self.rows = self.first;
    }

    /// The first batch comes next, of a scan that is likely to find a few rows and then end.
    #[inline]
    pub(crate) fn restart_with_few(&mut self) {
        self.rows = self.first_of_few;
    }

    /// A batch starts: one row at first, then twice as many as the one before.
    #[inline]
    pub(crate) fn grow(&mut self) {
        self.rows = (self.rows * 2).clamp(1, self.most);
    }

    /// How many rows the batch still takes.
    #[inline]
    pub(crate) fn room(&self, batch: &Batch) -> usize {
        if batch.len() >= self.rows {
            return 0;
        }
        let long = batch.columns.iter().map(Vector::heap_len).sum::<usize>() > BATCH_BYTES_MAX;
        if long { 0 } else { self.rows - batch.len() }
    }
}
