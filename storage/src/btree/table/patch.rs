//! Changing columns of rows where they lie.
//!
//! ```text
//!   rows 7 8 9 │ 10 11 12 │ ..      one descent and one look-up of the page for each leaf; on it the next row is mostly the next cell
//!      leaf        leaf
//! ```
//!
//! A row whose new values take as many bytes as the old ones is overwritten in place. Any other is put together anew and takes its place on
//! the page, or the page is balanced. Where the next row is on the page as well, all of them are put together and the page is written anew, once;
//! cells without room wait for the balancing. Rows with overflow pages go the way of an insert.

use super::search::{Bounds, lower_bound};
use super::{Place, TableCursor};
use crate::btree::balance::{Pending, PendingCells};
use crate::btree::descent::{Path, Step};
use crate::btree::edit::{PageEdit, Span};
use crate::error::Result;
use crate::format::ValueRef;
use crate::format::cell::{CellHead, PayloadLimits};
use crate::format::page::PageRef;
use crate::format::patch::{self, Overwritten, Patch};
use crate::format::record::KeyValues;
use crate::pager::Pager;

/// What became of one row.
enum Outcome {
    Done,
    /// Its record has overflow pages, or would have them.
    Spills,
    /// It is as it was: its record takes another number of bytes, and so may those of the rows behind it.
    Resizes,
    /// Its page has no room for the new cell, which is put together; the old one is gone.
    Full,
}

/// Why a leaf was left, at which row.
enum Left {
    /// The next row is on another leaf, or there is none.
    Done,
    Spills,
    /// These cells have no room on the leaf at the end of this way.
    Full(Path, Box<PendingCells>),
}

/// What rows become.
struct NewValues<'a, V, M> {
    rowids: &'a [i64],
    /// Places in the record, ascending.
    columns: &'a [usize],
    /// For the n-th row and the n-th column.
    value: V,
    /// What a column has in records that end in front of it.
    missing: M,
}

impl TableCursor {
    /// Gives columns of rows new values: `columns` are their places in the record, ascending, and `value` says for the n-th of
    /// `rowids` and the n-th of `columns` what it becomes. A record that ends in front of one of them, because the column was added to the table
    /// after it was written, gets all up to it; `missing` says what they are, by place. Rows that are not there are left out. Afterwards the cursor
    /// is at the last of the rows for `next` and `prev`.
    ///
    /// Returns how many of the rows were there.
    ///
    /// Cheapest when row ids ascend: a leaf is found and made private once for all rows on it.
    pub fn patch_rows<'v, 'm>(
        &mut self,
        pager: &mut Pager,
        rowids: &[i64],
        columns: &[usize],
        value: impl Fn(usize, usize) -> ValueRef<'v>,
        missing: impl Fn(usize) -> ValueRef<'m>,
    ) -> Result<usize> {
        let new = NewValues {
            rowids,
            columns,
            value,
            missing,
        };
        let mut values = KeyValues::new();
        let (mut row, mut missing) = (0, 0);
        while row < rowids.len() {
            let (index, found) = self.find(pager, rowids[row])?;
            if !found {
                (row, missing) = (row + 1, missing + 1);
                continue;
            }
            let from = row;
            let left = self.patch_leaf(pager, index, &mut row, &new, &mut values)?;
            for rowid in &rowids[from..rowids.len().min(row + 1)] {
                pager.note_row_change(self.root(), *rowid);
            }
            match left {
                Left::Done => {}
                Left::Spills => {
                    self.patch_spilled(pager, row, &new, &mut values)?;
                    row += 1;
                }
                Left::Full(path, pending) => {
                    self.edge = None;
                    self.rebalance(pager, path, *pending)?;
                }
            }
        }
        Ok(row - missing)
    }

    /// Changes rows from `row` on, which is cell `index` of the current leaf, as long as they are on that leaf.
    fn patch_leaf<'v, 'm>(
        &mut self,
        pager: &mut Pager,
        mut index: usize,
        row: &mut usize,
        new: &NewValues<'_, impl Fn(usize, usize) -> ValueRef<'v>, impl Fn(usize) -> ValueRef<'m>>,
        values: &mut KeyValues<'v>,
    ) -> Result<Left> {
        let (usable, limits) = (self.stack.usable(), *self.stack.limits());
        self.place = Place::Moved;
        let leaf = self.stack.pop_leaf();
        let mut page = PageEdit::parse(leaf.no, pager.page_mut(leaf.no)?, usable)?;
        let left = loop {
            let next = new.rowids.get(*row + 1).copied();
            let mut outcome = overwrite_cell(&mut page, index, *row, new, &limits)?;
            if matches!(outcome, Outcome::Resizes) {
                if next_on_leaf(&page, index, next)?.is_some() {
                    let path = self.stack.path_to(leaf);
                    break self.regrow_leaf(page, index, row, new, values, path)?;
                }
                outcome = replace_cell(&mut page, index, *row, new, values, &limits, &mut self.cell)?;
            }
            if matches!(outcome, Outcome::Spills) {
                break Left::Spills;
            }
            (self.rowid, self.next_patch) = (new.rowids[*row], index + 1);
            *row += 1;
            if matches!(outcome, Outcome::Full) {
                let path = self.stack.path_to(Step { index, ..leaf });
                let cell = std::mem::take(&mut self.cell);
                break Left::Full(path, Box::new([Pending { index, cell }].into_iter().collect()));
            }
            match next_on_leaf(&page, index, next)? {
                Some(next) => index = next,
                None => break Left::Done,
            }
        };
        self.stack.restamp(pager);
        Ok(left)
    }

    /// Puts the rows from `row` on together anew, as far as they follow each other on the leaf from its cell `index` on, and writes the leaf.
    fn regrow_leaf<'v, 'm>(
        &mut self,
        mut page: PageEdit<'_>,
        index: usize,
        row: &mut usize,
        new: &NewValues<'_, impl Fn(usize, usize) -> ValueRef<'v>, impl Fn(usize) -> ValueRef<'m>>,
        values: &mut KeyValues<'v>,
        path: Path,
    ) -> Result<Left> {
        let first = *row;
        let mut leaf = Regrown::default();
        let spills = leaf.collect(&page, index, row, new, values, self.stack.limits())?;
        if *row == first {
            return Ok(Left::Spills);
        }
        self.rowid = new.rowids[*row - 1];
        let pending = leaf.write(&mut page)?;
        Ok(match (pending.is_empty(), spills) {
            (false, _) => Left::Full(path, Box::new(pending)),
            (true, true) => Left::Spills,
            (true, false) => Left::Done,
        })
    }

    /// Changes a row whose record is not whole on its leaf, or will not be.
    #[cold]
    fn patch_spilled<'v, 'm>(
        &mut self,
        pager: &mut Pager,
        row: usize,
        new: &NewValues<'_, impl Fn(usize, usize) -> ValueRef<'v>, impl Fn(usize) -> ValueRef<'m>>,
        values: &mut KeyValues<'v>,
    ) -> Result<()> {
        let rowid = new.rowids[row];
        if !self.find(pager, rowid)?.1 {
            return Ok(());
        }
        let mut spill = Vec::new();
        let old = self.payload(pager, &mut spill)?;
        new.collect(row, values);
        let patch = Patch::plan(old, new.columns, values, &new.missing)?;
        let mut record = Vec::with_capacity(patch.total());
        patch.rebuild(old, values, &new.missing, &mut record);
        self.insert(pager, rowid, &record)
    }
}

impl<'v, V: Fn(usize, usize) -> ValueRef<'v>, M> NewValues<'_, V, M> {
    fn collect(&self, row: usize, values: &mut KeyValues<'v>) {
        values.clear();
        values.extend((0..self.columns.len()).map(|column| (self.value)(row, column)));
    }
}

/// A leaf that is put together anew.
#[derive(Default)]
struct Regrown {
    /// The page as it was, then the new cells.
    bytes: Vec<u8>,
    cells: Vec<Span>,
}

impl Regrown {
    /// Collects the leaf's cells, with new ones for rows from `row` on as long as they are the next cells, from cell `index` on. Returns
    /// whether it ended with a row that is not whole on the leaf, or will not be.
    fn collect<'v, 'm>(
        &mut self,
        page: &PageEdit<'_>,
        index: usize,
        row: &mut usize,
        new: &NewValues<'_, impl Fn(usize, usize) -> ValueRef<'v>, impl Fn(usize) -> ValueRef<'m>>,
        values: &mut KeyValues<'v>,
        limits: &PayloadLimits,
    ) -> Result<bool> {
        let view = page.as_ref();
        self.bytes.reserve(2 * view.bytes().len());
        self.bytes.extend_from_slice(view.bytes());
        self.cells.reserve(view.count());
        let (mut changes, mut spills) = (true, false);
        for at in 0..view.count() {
            if changes && at >= index {
                changes = new.rowids.get(*row) == Some(&view.rowid(at)?);
                if changes && self.push_changed(view, at, *row, new, values, limits)? {
                    *row += 1;
                    continue;
                }
                (changes, spills) = (false, changes);
            }
            let range = view.cell_range(at, limits)?;
            self.cells.push(Span {
                start: range.start,
                len: range.len(),
            });
        }
        Ok(spills)
    }

    /// Adds a new cell; false when its record is not whole on the leaf, or would not be.
    #[inline]
    fn push_changed<'v, 'm>(
        &mut self,
        page: PageRef<'_>,
        at: usize,
        row: usize,
        new: &NewValues<'_, impl Fn(usize, usize) -> ValueRef<'v>, impl Fn(usize) -> ValueRef<'m>>,
        values: &mut KeyValues<'v>,
        limits: &PayloadLimits,
    ) -> Result<bool> {
        let Some((rowid, old)) = page.whole_row(at, limits) else {
            return Ok(false);
        };
        new.collect(row, values);
        let start = self.bytes.len();
        if !push_cell(rowid, old, new, values, limits, &mut self.bytes)? {
            return Ok(false);
        }
        let len = self.bytes.len() - start;
        self.cells.push(Span { start, len });
        Ok(true)
    }

    /// Writes the leaf; the last cells may have no room.
    fn write(&self, page: &mut PageEdit<'_>) -> Result<PendingCells> {
        let mut room = page.capacity();
        let fits = |cell: &&Span| {
            let left = room.checked_sub(cell.cost());
            room = left.unwrap_or(room);
            left.is_some()
        };
        let fitting = self.cells.iter().take_while(fits).count();
        let (placed, waiting) = self.cells.split_at(fitting);
        page.refill(&self.bytes, placed)?;
        let waiting = waiting.iter().enumerate().map(|(n, span)| Pending {
            index: fitting + n,
            cell: self.bytes[span.start..span.start + span.len].to_vec(),
        });
        Ok(waiting.collect())
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

/// Writes the values of row `row` over those of cell `index`, as long as they take as many bytes.
#[inline]
fn overwrite_cell<'v, M>(
    page: &mut PageEdit<'_>,
    index: usize,
    row: usize,
    new: &NewValues<'_, impl Fn(usize, usize) -> ValueRef<'v>, M>,
    limits: &PayloadLimits,
) -> Result<Outcome> {
    let Some((at, len)) = page.as_ref().whole_place(index, limits) else {
        return Ok(Outcome::Spills);
    };
    let value = |column| (new.value)(row, column);
    Ok(
        match patch::overwrite(page.bytes_at(at, len)?, new.columns, value)? {
            Overwritten::Done => Outcome::Done,
            Overwritten::Resizes | Overwritten::Short => Outcome::Resizes,
        },
    )
}

/// Puts cell `index` together anew, in `cell`, and in its place on the page.
#[inline]
fn replace_cell<'v, 'm>(
    page: &mut PageEdit<'_>,
    index: usize,
    row: usize,
    new: &NewValues<'_, impl Fn(usize, usize) -> ValueRef<'v>, impl Fn(usize) -> ValueRef<'m>>,
    values: &mut KeyValues<'v>,
    limits: &PayloadLimits,
    cell: &mut Vec<u8>,
) -> Result<Outcome> {
    new.collect(row, values);
    cell.clear();
    let Some((rowid, old)) = page.as_ref().whole_row(index, limits) else {
        return Ok(Outcome::Spills);
    };
    if !push_cell(rowid, old, new, values, limits, cell)? {
        return Ok(Outcome::Spills);
    }
    Ok(match page.replace(index, cell, limits)? {
        true => Outcome::Done,
        false => Outcome::Full,
    })
}

/// Appends the cell of a row whose record was `old`; false, and nothing is appended, when the new one needs overflow pages.
#[inline]
fn push_cell<'m, V>(
    rowid: i64,
    old: &[u8],
    new: &NewValues<'_, V, impl Fn(usize) -> ValueRef<'m>>,
    values: &[ValueRef<'_>],
    limits: &PayloadLimits,
    out: &mut Vec<u8>,
) -> Result<bool> {
    let patch = Patch::plan(old, new.columns, values, &new.missing)?;
    let total = patch.total();
    if total > limits.max_local {
        return Ok(false);
    }
    out.extend_from_slice(CellHead::table_leaf(total, rowid).as_slice());
    patch.rebuild(old, values, &new.missing, out);
    Ok(true)
}
