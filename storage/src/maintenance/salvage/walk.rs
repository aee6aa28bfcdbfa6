//! From a root to its rows, around what is damaged.

use super::{Salvage, TakeRow, TreePage, WalkTally};
use crate::btree::TreeKind;
use crate::error::Result;
use crate::format::PageNo;
use crate::format::page::PageRef;

/// The row ids that a page of a table may hold: above the first, up to the second. Above the least there is also is the least itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    above: i64,
    up_to: i64,
}

impl Bounds {
    /// All row ids.
    pub(super) const NONE: Bounds = Bounds {
        above: i64::MIN,
        up_to: i64::MAX,
    };

    /// Whether a row id is between them.
    fn contains(self, rowid: i64) -> bool {
        (self.above == i64::MIN || rowid > self.above) && rowid <= self.up_to
    }

    /// The order that rows between them have.
    pub(super) fn order(self) -> Order {
        Order {
            bounds: self,
            before: self.above,
        }
    }
}

/// Row ids, each of which is above the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// Above them all, and the last that came.
    bounds: Bounds,
    /// The one before the last.
    before: i64,
}

impl Order {
    /// Whether a row id is above the last one. When it is not, but is above the one before that, the last one was wrong.
    pub(super) fn admits(&mut self, rowid: i64) -> bool {
        let is_in_order = self.bounds.contains(rowid);
        let follows_last_but_one = rowid <= self.bounds.up_to && rowid > self.before;
        if is_in_order {
            self.before = self.bounds.above;
        }
        if is_in_order || follows_last_but_one {
            self.bounds.above = rowid;
        }
        is_in_order
    }
}

/// A page to go to, and what it may hold.
#[derive(Clone, Copy)]
struct Branch {
    no: PageNo,
    bounds: Bounds,
}

impl Salvage {
    /// The rows of the tree with this root, in the order in which the tree has them.
    ///
    /// # Errors
    /// Those of reading and of `take`.
    pub fn walk<E: From<crate::Error>>(
        &mut self,
        root: PageNo,
        kind: TreeKind,
        take: &mut TakeRow<'_, E>,
    ) -> Result<WalkTally, E> {
        let mut tally = WalkTally::default();
        let mut branches = vec![Branch {
            no: root,
            bounds: Bounds::NONE,
        }];
        while let Some(branch) = branches.pop() {
            let Some(page) = self.enter(&branch, kind)? else {
                tally.lost_pages += 1;
                continue;
            };
            if !page.kind.is_leaf() {
                self.branches_of(&branch, &page.bytes, &mut branches, &mut tally);
            }
            tally.add(self.rows_of_page(root, branch.no, &page, branch.bounds, take)?);
        }
        Ok(tally)
    }

    /// The page of a branch, marked, if it belongs there.
    fn enter(&mut self, branch: &Branch, kind: TreeKind) -> Result<Option<TreePage>> {
        if self.is_seen(branch.no) {
            return Ok(None);
        }
        let page = self.tree_page(branch.no, |found| found.is_table() == (kind == TreeKind::Table))?;
        let Some(page) = page else {
            return Ok(None);
        };
        let shared = self
            .references
            .get(branch.no.get() as usize)
            .is_some_and(|count| *count > 1);
        if shared && kind == TreeKind::Table && !self.is_between(branch, &page.bytes) {
            return Ok(None);
        }
        self.mark(branch.no);
        Ok(Some(page))
    }

    /// Whether the first row id of a page is one that its place allows.
    fn is_between(&self, branch: &Branch, page: &[u8]) -> bool {
        let Ok(view) = PageRef::parse(branch.no, page, self.pages.usable()) else {
            return false;
        };
        view.count() == 0 || view.rowid(0).is_ok_and(|rowid| branch.bounds.contains(rowid))
    }

    /// Puts the children on the stack, the leftmost on top.
    fn branches_of(&self, branch: &Branch, page: &[u8], branches: &mut Vec<Branch>, tally: &mut WalkTally) {
        let Ok(view) = PageRef::parse(branch.no, page, self.pages.usable()) else {
            return;
        };
        let from = branches.len();
        let Bounds { mut above, up_to } = branch.bounds;
        for index in 0..=view.count() {
            let key = if index == view.count() || !view.kind().is_table() {
                Some(up_to)
            } else {
                view.rowid(index).ok()
            };
            match view.child(index) {
                Ok(no) => {
                    let up_to = key.unwrap_or(up_to);
                    let bounds = Bounds { above, up_to };
                    branches.push(Branch { no, bounds });
                }
                Err(_) => tally.lost_pages += 1,
            }
            above = key.filter(|_| view.kind().is_table()).unwrap_or(above);
        }
        branches[from..].reverse();
    }
}
