//! Rows that somebody has open and must know to be unchanged.
//!
//! An open blob reads and writes the middle of a row without looking at the rest of it. It may do so only as long as nobody has rewritten or
//! deleted the row. Cursors do not know each other, but all changes go through the pager, so the list of watched rows is here; to the pager
//! a tree and a key are two numbers. While nothing is watched a change costs one look at an empty list.

use super::Pager;
use crate::format::PageNo;

/// A row under watch, see [`Pager::watch_row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowWatch(u64);

/// The watched rows of a connection's database.
#[derive(Debug, Default)]
pub(super) struct RowWatches {
    rows: Vec<Watched>,
    last: u64,
}

#[derive(Debug)]
struct Watched {
    watch: RowWatch,
    root: PageNo,
    rowid: i64,
    changed: bool,
}

impl Pager {
    /// Watches row `rowid` of the table tree at `root` until [`Pager::unwatch_row`].
    pub fn watch_row(&mut self, root: PageNo, rowid: i64) -> RowWatch {
        self.watches.last += 1;
        let watch = RowWatch(self.watches.last);
        self.watches.rows.push(Watched {
            watch,
            root,
            rowid,
            changed: false,
        });
        watch
    }

    /// Ends a watch.
    pub fn unwatch_row(&mut self, watch: RowWatch) {
        self.watches.rows.retain(|row| row.watch != watch);
    }

    /// Whether the row was replaced, deleted, or dropped with its tree since the watch began. A rollback does not count.
    pub fn row_changed(&self, watch: RowWatch) -> bool {
        let mut rows = self.watches.rows.iter();
        rows.find(|row| row.watch == watch).is_none_or(|row| row.changed)
    }

    /// A row is being replaced or deleted.
    #[inline]
    pub(crate) fn note_row_change(&mut self, root: PageNo, rowid: i64) {
        if !self.watches.rows.is_empty() {
            self.note_changes(root, Some(rowid));
        }
    }

    /// All rows of a tree are being deleted.
    #[inline]
    pub(crate) fn note_tree_change(&mut self, root: PageNo) {
        if !self.watches.rows.is_empty() {
            self.note_changes(root, None);
        }
    }

    #[cold]
    fn note_changes(&mut self, root: PageNo, rowid: Option<i64>) {
        for row in &mut self.watches.rows {
            row.changed |= row.root == root && rowid.is_none_or(|rowid| rowid == row.rowid);
        }
    }
}
