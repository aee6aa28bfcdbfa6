//! Changing columns of rows where they lie.
//!
//! ```text
//!   rows 7 8 9 │ 10 11 12 │ ..      one descent and one look-up of the page for each leaf; on it the next row is mostly the next cell
//!      leaf        leaf
//! ```
//!
//! A row whose new values take as many bytes as the old ones is overwritten in place. Any other is put together anew and takes its place on
//! the page, or the page is balanced; rows with overflow pages go the way of an insert.

use super::search::{Bounds, lower_bound};
use super::{Place, TableCursor};
use crate::btree::balance::Pending;
use crate::btree::descent::Path;
use crate::btree::edit::PageEdit;
use crate::error::Result;
use crate::format::ValueRef;
use crate::format::cell::{CellHead, PayloadLimits};
use crate::format::patch::{self, Overwritten, Patch};
use crate::format::record::{self, KeyValues};
use crate::pager::Pager;

/// What became of one row.
enum Outcome {
    Done,
    /// Its record has overflow pages, or would have them.
    Spills,
    /// Its record has fewer columns.
    Short,
    /// Its page has no room for the new cell, which is put together; the old one is gone.
    Full,
}

/// Why a leaf was left, at which row.
enum Left {
    /// The next row is on another leaf, or there is none.
    Done,
    Spills,
    Short,
    /// The cell goes to the end of this way.
    Full(Path),
}

impl TableCursor {
    /// Gives columns of rows new values: `columns` are their places in the record, ascending, and `value` says for the n-th of
    /// `rowids` and the n-th of `columns` what it becomes. Rows that are not there are left out. Afterwards the cursor is at the last of the rows
    /// for `next` and `prev`.
    ///
    /// Returns how many rows are done, and how many of these were there: all are done, or those in front of the first whose record has
    /// fewer columns, because they were added to the table after it was written.
    ///
    /// Cheapest when row ids ascend: a leaf is found and made private once for all rows on it.
    pub fn patch_rows<'v>(
        &mut self,
        pager: &mut Pager,
        rowids: &[i64],
        columns: &[usize],
        value: impl Fn(usize, usize) -> ValueRef<'v>,
    ) -> Result<(usize, usize)> {
        let mut values = KeyValues::new();
        let (mut row, mut missing) = (0, 0);
        while row < rowids.len() {
            let (index, found) = self.find(pager, rowids[row])?;
            if !found {
                (row, missing) = (row + 1, missing + 1);
                continue;
            }
            let from = row;
            let left = self.patch_leaf(pager, index, &mut row, rowids, columns, &value, &mut values)?;
            for rowid in &rowids[from..rowids.len().min(row + 1)] {
                pager.note_row_change(self.root(), *rowid);
            }
            match left {
                Left::Done => {}
                Left::Short => break,
                Left::Spills => {
                    if !self.patch_spilled(pager, rowids[row], columns, &values)? {
                        break;
                    }
                    row += 1;
                }
                Left::Full(path) => {
                    let index = path.last().map_or(0, |step| step.index);
                    let cell = std::mem::take(&mut self.cell);
                    (self.rowid, self.edge) = (rowids[row], None);
                    self.rebalance(pager, path, Some(Pending { index, cell }))?;
                    row += 1;
                }
            }
        }
        Ok((row, row - missing))
    }

    /// Changes rows from `row` on, which is cell `index` of the current leaf, as long as they are on that leaf.
    #[expect(clippy::too_many_arguments, reason = "one loop, split where the page is left")]
    fn patch_leaf<'v>(
        &mut self,
        pager: &mut Pager,
        mut index: usize,
        row: &mut usize,
        rowids: &[i64],
        columns: &[usize],
        value: &impl Fn(usize, usize) -> ValueRef<'v>,
        values: &mut KeyValues<'v>,
    ) -> Result<Left> {
        let (usable, limits) = (self.stack.usable(), *self.stack.limits());
        let leaf = self.stack.current().no;
        let mut path = self.stack.path();
        self.place = Place::Moved;
        self.stack.pop_leaf();
        let mut page = PageEdit::parse(leaf, pager.page_mut(leaf)?, usable)?;
        let left = loop {
            let value = |column| value(*row, column);
            let (rowid, cell) = (rowids[*row], &mut self.cell);
            match patch_cell(&mut page, index, rowid, columns, value, values, &limits, cell)? {
                Outcome::Done => {}
                Outcome::Spills => break Left::Spills,
                Outcome::Short => break Left::Short,
                Outcome::Full => {
                    if let Some(step) = path.last_mut() {
                        step.index = index;
                    }
                    break Left::Full(path);
                }
            }
            self.rowid = rowids[*row];
            *row += 1;
            match next_on_leaf(&page, index, rowids.get(*row).copied())? {
                Some(next) => index = next,
                None => break Left::Done,
            }
        };
        self.stack.restamp(pager);
        Ok(left)
    }

    /// Changes a row whose record is not whole on its leaf, or will not be; false when it has fewer columns.
    #[cold]
    fn patch_spilled(
        &mut self,
        pager: &mut Pager,
        rowid: i64,
        columns: &[usize],
        values: &[ValueRef<'_>],
    ) -> Result<bool> {
        if !self.find(pager, rowid)?.1 {
            return Ok(true);
        }
        let mut spill = Vec::new();
        let old = self.payload(pager, &mut spill)?;
        let Some(patch) = Patch::plan(old, columns, values)? else {
            return Ok(false);
        };
        let mut new = Vec::with_capacity(patch.total());
        patch.rebuild(old, values, &mut new);
        self.insert(pager, rowid, &new)?;
        Ok(true)
    }
}

/// The cell of the leaf that has this row id, when it is on the leaf; the one behind `index` is looked at first.
#[inline]
fn next_on_leaf(page: &PageEdit<'_>, index: usize, rowid: Option<i64>) -> Result<Option<usize>> {
    let (Some(rowid), view) = (rowid, page.as_ref()) else {
        return Ok(None);
    };
    let next = index + 1;
    if next < view.count() && view.rowid(next)? == rowid {
        return Ok(Some(next));
    }
    let (index, found) = lower_bound(&view, rowid, &mut Bounds::default())?;
    Ok(found.then_some(index))
}

#[inline]
#[expect(
    clippy::too_many_arguments,
    reason = "the innermost step of the loop over rows"
)]
fn patch_cell<'v>(
    page: &mut PageEdit<'_>,
    index: usize,
    rowid: i64,
    columns: &[usize],
    value: impl Fn(usize) -> ValueRef<'v>,
    values: &mut KeyValues<'v>,
    limits: &PayloadLimits,
    cell: &mut Vec<u8>,
) -> Result<Outcome> {
    let collect = |values: &mut KeyValues<'v>| {
        values.clear();
        values.extend((0..columns.len()).map(&value));
    };
    let Some((at, len)) = page.as_ref().whole_place(index, limits) else {
        collect(values);
        return Ok(Outcome::Spills);
    };
    match patch::overwrite(page.bytes_at(at, len)?, columns, &value)? {
        Overwritten::Done => return Ok(Outcome::Done),
        Overwritten::Short => return Ok(Outcome::Short),
        Overwritten::Resizes => collect(values),
    }
    let view = page.as_ref();
    let old = view.bytes().get(at..at + len).ok_or_else(record::truncated)?;
    let Some(patch) = Patch::plan(old, columns, values)? else {
        return Ok(Outcome::Short);
    };
    let total = patch.total();
    if total > limits.max_local {
        return Ok(Outcome::Spills);
    }
    cell.clear();
    cell.extend_from_slice(CellHead::table_leaf(total, rowid).as_slice());
    patch.rebuild(old, values, cell);
    match page.replace(index, cell, limits)? {
        true => Ok(Outcome::Done),
        false => Ok(Outcome::Full),
    }
}
