//! What others want to know of this connection's changes: rows that must be unchanged, and pages that were committed.
//!
//! An open blob reads and writes the middle of a row without looking at the rest of it. It may do so only as long as nobody has rewritten or
//! deleted the row. Cursors do not know each other, but all changes go through the pager, so the list of watched rows is here; to the pager
//! a tree and a key are two numbers. While nothing is watched a change costs one look at an empty list.
//!
//! A backup copies pages that may be changed again before it is complete. The commits of other connections show in the change token; of its
//! own connection's it is told which pages they wrote.

use rustc_hash::FxHashSet;

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

/// A list of pages under way to somebody, see [`Pager::watch_changes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeWatch(u64);

/// Pages that this connection has committed since they were asked for, for each who asks.
#[derive(Debug, Default)]
pub(super) struct ChangeWatches {
    lists: Vec<(ChangeWatch, FxHashSet<PageNo>)>,
    last: u64,
}

impl ChangeWatches {
    /// These pages are being committed.
    pub(super) fn note(&mut self, pages: impl Iterator<Item = PageNo> + Clone) {
        for (_, list) in &mut self.lists {
            list.extend(pages.clone());
        }
    }
}

impl Pager {
    /// From now on, takes down the pages that this connection commits, until [`Pager::unwatch_changes`].
    pub fn watch_changes(&mut self) -> ChangeWatch {
        self.change_watches.last += 1;
        let watch = ChangeWatch(self.change_watches.last);
        self.change_watches.lists.push((watch, FxHashSet::default()));
        watch
    }

    /// The pages that were committed since the last call.
    pub fn take_changes(&mut self, watch: ChangeWatch) -> Vec<PageNo> {
        let list = self
            .change_watches
            .lists
            .iter_mut()
            .find(|(own, _)| *own == watch);
        list.map_or_else(Vec::new, |(_, pages)| pages.drain().collect())
    }

    /// Ends a watch.
    pub fn unwatch_changes(&mut self, watch: ChangeWatch) {
        self.change_watches.lists.retain(|(own, _)| *own != watch);
    }
}
