//! A partition beyond the memory budget.
//!
//! ```text
//!   rows           [stored columns | number of the peer group]   a log on disk, read in chunks
//!   group starts   [first row of the group]                      another
//! ```
//!
//! Both ends of a frame and the row it is for move forward together, so that what they look at is nearly always in a chunk that was read before.

use std::cell::RefCell;

use super::partition::Order;
use crate::error::Result;
use crate::exec::kernel::Values;
use crate::exec::row_log::{Columns, RowLog};
use crate::exec::{BATCH_ROWS_MAX, Vector};
use crate::value::ValueRef;

/// See the module's head.
pub(super) struct LargePartition {
    rows: RefCell<RowLog>,
    group_starts: RefCell<RowLog>,
    /// Stored columns of a row.
    width: usize,
    len: usize,
    group_count: usize,
    /// The stored columns of the last row.
    last: Vec<Vector>,
    /// Numbers and starts of the groups of the rows at hand.
    groups: Vector,
    starts: Vector,
}

impl LargePartition {
    /// Without rows; they will have `width` stored columns.
    pub(super) fn new(width: usize) -> LargePartition {
        LargePartition {
            rows: RefCell::new(RowLog::new(width + 1, 0)),
            group_starts: RefCell::new(RowLog::new(1, 0)),
            width,
            len: 0,
            group_count: 0,
            last: vec![Vector::new(); width],
            groups: Vector::new(),
            starts: Vector::new(),
        }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The last row's value of a stored column.
    pub(super) fn last(&self, column: usize) -> ValueRef<'_> {
        self.last[column].get(0)
    }

    /// Appends the first `len` of some rows.
    pub(super) fn append(&mut self, columns: &[Values<'_>], len: usize, order: &Order) -> Result<()> {
        if len == 0 {
            return Ok(());
        }
        self.groups.clear();
        self.starts.clear();
        for n in 0..len {
            let own = |column: usize| columns[column].get(n);
            let is_peer = match n.checked_sub(1) {
                Some(before) => order.are_peers(|column| columns[column].get(before), own),
                None => self.len > 0 && order.are_peers(|column| self.last[column].get(0), own),
            };
            if !is_peer {
                self.group_count += 1;
                self.starts.push_integer((self.len + n) as i64);
            }
            self.groups.push_integer(self.group_count as i64 - 1);
        }
        let mut all: Vec<Values<'_>> = columns.to_vec();
        all.push(Values::dense(&self.groups));
        self.rows.get_mut().append_values(&all, 0..len)?;
        let starts = [Values::dense(&self.starts)];
        self.group_starts
            .get_mut()
            .append_values(&starts, 0..self.starts.len())?;
        for (last, values) in self.last.iter_mut().zip(columns) {
            last.set(values.get(len - 1));
        }
        self.len += len;
        Ok(())
    }

    /// No further rows come.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.rows.get_mut().close_chunk()?;
        self.group_starts.get_mut().close_chunk()
    }

    /// The chunk that has a row, and its place there.
    pub(super) fn row(&self, row: usize) -> Result<(Columns, usize)> {
        row_of(&self.rows, row)
    }

    pub(super) fn group(&self, row: usize) -> Result<usize> {
        let (columns, row) = self.row(row)?;
        Ok(columns[self.width].slots()[row] as usize)
    }

    pub(super) fn group_start(&self, group: usize) -> Result<usize> {
        if group >= self.group_count {
            return Ok(self.len);
        }
        let (columns, row) = row_of(&self.group_starts, group)?;
        Ok(columns[0].slots()[row] as usize)
    }

    /// Puts the first columns of some rows from `row` on into those of `out`, and says how many.
    pub(super) fn read(&self, row: usize, out: &mut [Vector]) -> Result<usize> {
        let mut rows = self.rows.borrow_mut();
        if row >= self.len {
            return Ok(0);
        }
        let chunk = rows.chunk_of(row);
        let (first, end) = rows.rows_of_chunk(chunk);
        let take = (end - row).min(BATCH_ROWS_MAX);
        let columns = rows.chunk(chunk)?;
        for (out, column) in out.iter_mut().zip(columns.iter()) {
            out.extend_range(column, row - first..row - first + take);
        }
        Ok(take)
    }
}

fn row_of(log: &RefCell<RowLog>, row: usize) -> Result<(Columns, usize)> {
    let mut log = log.borrow_mut();
    let chunk = log.chunk_of(row);
    let (first, _) = log.rows_of_chunk(chunk);
    Ok((log.chunk(chunk)?, row - first))
}
