//! From a root to its rows, around what is damaged.

use super::{Salvage, TakeRow, WalkTally};
use crate::btree::TreeKind;
use crate::error::Result;
use crate::format::PageNo;
use crate::format::page::{PageKind, PageRef};

/// A page to go to, and the row ids that it may hold when it is a table's: above the first, up to the second.
#[derive(Clone, Copy)]
struct Branch {
    no: PageNo,
    above: i64,
    up_to: i64,
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
            above: i64::MIN,
            up_to: i64::MAX,
        }];
        while let Some(branch) = branches.pop() {
            let Some(page) = self.enter(&branch, kind)? else {
                tally.lost_pages += 1;
                continue;
            };
            if !page.1.is_leaf() {
                self.branches_of(&branch, &page.0, &mut branches, &mut tally);
            }
            tally.add(self.rows_of_page(root, branch.no, &page.0, take)?);
        }
        Ok(tally)
    }

    /// The page of a branch, marked, if it belongs there.
    fn enter(&mut self, branch: &Branch, kind: TreeKind) -> Result<Option<(Vec<u8>, PageKind)>> {
        if self.is_seen(branch.no) {
            return Ok(None);
        }
        let page = self.tree_page(branch.no)?;
        let page = page.filter(|(_, found)| found.is_table() == (kind == TreeKind::Table));
        let Some((bytes, found)) = page else {
            return Ok(None);
        };
        let shared = self
            .references
            .get(branch.no.get() as usize)
            .is_some_and(|count| *count > 1);
        if shared && kind == TreeKind::Table && !self.is_between(branch, &bytes) {
            return Ok(None);
        }
        self.mark(branch.no);
        Ok(Some((bytes, found)))
    }

    /// Whether the first row id of a page is one that its place allows.
    fn is_between(&self, branch: &Branch, page: &[u8]) -> bool {
        let Ok(view) = PageRef::parse(branch.no, page, self.pages.usable()) else {
            return false;
        };
        view.count() == 0
            || view.rowid(0).is_ok_and(|rowid| {
                (branch.above == i64::MIN || rowid > branch.above) && rowid <= branch.up_to
            })
    }

    /// Puts the children on the stack, the leftmost on top.
    fn branches_of(&self, branch: &Branch, page: &[u8], branches: &mut Vec<Branch>, tally: &mut WalkTally) {
        let Ok(view) = PageRef::parse(branch.no, page, self.pages.usable()) else {
            return;
        };
        let from = branches.len();
        let mut above = branch.above;
        for index in 0..=view.count() {
            let key = if index == view.count() || !view.kind().is_table() {
                Some(branch.up_to)
            } else {
                view.rowid(index).ok()
            };
            match view.child(index) {
                Ok(no) => branches.push(Branch {
                    no,
                    above,
                    up_to: key.unwrap_or(branch.up_to),
                }),
                Err(_) => tally.lost_pages += 1,
            }
            above = key.filter(|_| view.kind().is_table()).unwrap_or(above);
        }
        branches[from..].reverse();
    }
}
