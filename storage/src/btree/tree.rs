//! Whole trees: creating, clearing, dropping, counting.
//!
//! In an auto-vacuum file all roots lie in front of all other pages. A new root therefore takes the place behind the largest root, and
//! whatever page is there moves away; when a tree is dropped the largest root moves into its place, which the caller has to write
//! into the schema ([`Moved`]).

use super::DEPTH_MAX;
use super::descent::Level;
use super::edit::PageEdit;
use super::pointer_map::{self, Use};
use super::relocate;
use super::{freelist, overflow};
use crate::error::{Error, Result, corrupt};
use crate::format::PageNo;
use crate::format::cell::PayloadLimits;
use crate::format::page::{PageKind, header_start};
use crate::pager::Pager;

/// The two kinds of trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TreeKind {
    /// Rows by row id.
    Table,
    /// Sorted records: an index or a WITHOUT ROWID table.
    Index,
}

/// A root that has moved to another page: the schema has to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where the root was.
    pub from: PageNo,
    /// Where it is.
    pub to: PageNo,
}

impl TreeKind {
    /// The kind of this tree's leaves.
    pub fn leaf(self) -> PageKind {
        match self {
            TreeKind::Table => PageKind::TableLeaf,
            TreeKind::Index => PageKind::IndexLeaf,
        }
    }

    /// The payload limits of this tree's cells.
    pub fn limits(self, usable: usize) -> PayloadLimits {
        match self {
            TreeKind::Table => PayloadLimits::table(usable),
            TreeKind::Index => PayloadLimits::index(usable),
        }
    }
}

/// Makes an empty tree and returns its root.
pub fn create_tree(pager: &mut Pager, kind: TreeKind) -> Result<PageNo> {
    let root = if pointer_map::is_kept(pager)? {
        relocate::allocate_root(pager)?
    } else {
        freelist::allocate(pager)?
    };
    init_root(pager, root, kind)?;
    Ok(root)
}

/// Removes all rows of a tree, keeps its root, and returns how many rows there were.
pub fn clear_tree(pager: &mut Pager, root: PageNo, kind: TreeKind) -> Result<u64> {
    pager.note_tree_change(root);
    let mut walk = Walk {
        kind,
        pages_left: pager.page_count(),
        rows: 0,
    };
    walk.free_below(pager, root, 0)?;
    init_root(pager, root, kind)?;
    Ok(walk.rows)
}

/// Removes a tree, root and all. In an auto-vacuum file another tree's root may have moved to the freed place.
///
/// # Errors
/// [`Error::Misuse`] for page 1, the schema's root.
pub fn drop_tree(pager: &mut Pager, root: PageNo, kind: TreeKind) -> Result<Option<Moved>> {
    if root == PageNo::ONE {
        return Err(Error::Misuse("the schema table cannot be dropped"));
    }
    clear_tree(pager, root, kind)?;
    if pointer_map::is_kept(pager)? {
        return relocate::free_root(pager, root);
    }
    freelist::free(pager, root)?;
    Ok(None)
}

/// The number of rows in a tree. Looks at each page's header, not at the rows.
pub fn count_rows(pager: &Pager, root: PageNo, kind: TreeKind) -> Result<u64> {
    let usable = pager.usable_size();
    let mut rows = 0;
    let mut pages_left = pager.page_count().max(1);
    let mut stack = vec![(Level::load(pager, root, kind == TreeKind::Table)?, 0)];
    while let Some((level, next)) = stack.last_mut() {
        let count = usize::from(level.count);
        if level.kind.is_leaf() || *next > count {
            if level.kind.is_leaf() || kind == TreeKind::Index {
                rows += count as u64;
            }
            stack.pop();
            continue;
        }
        let child = level.view(usable).child(*next)?;
        *next += 1;
        pages_left = pages_left.checked_sub(1).ok_or_else(|| too_large(root))?;
        if stack.len() >= DEPTH_MAX {
            return Err(too_large(root));
        }
        let child = Level::load(pager, child, kind == TreeKind::Table)?;
        stack.push((child, 0));
    }
    Ok(rows)
}

/// About how many rows a tree has, judged by one page of each level; reads no more pages than the tree is deep.
pub(super) fn estimate_rows(pager: &Pager, root: PageNo, kind: TreeKind) -> Result<u64> {
    let usable = pager.usable_size();
    let mut level = Level::load(pager, root, kind == TreeKind::Table)?;
    let mut pages = 1_u64;
    for _ in 0..DEPTH_MAX {
        let count = usize::from(level.count);
        if level.kind.is_leaf() {
            return Ok(pages.saturating_mul(count as u64));
        }
        pages = pages.saturating_mul(count as u64 + 1);
        let child = level.view(usable).child(count / 2)?;
        level = Level::load(pager, child, kind == TreeKind::Table)?;
    }
    Err(too_large(root))
}

fn init_root(pager: &mut Pager, root: PageNo, kind: TreeKind) -> Result<()> {
    let usable = pager.usable_size();
    let page = pager.page_mut(root)?;
    page[header_start(root)..usable].fill(0);
    PageEdit::init(root, page, usable, kind.leaf());
    if root != PageNo::ONE && pointer_map::is_kept(pager)? {
        pointer_map::put(pager, root, Use::Root)?;
    }
    Ok(())
}

#[cold]
fn too_large(root: PageNo) -> Error {
    corrupt(root, 0, "tree has more pages than the file")
}

struct Walk {
    kind: TreeKind,
    pages_left: u32,
    rows: u64,
}

impl Walk {
    /// Frees all pages below `no` and the overflow chains of its cells, not `no` itself.
    fn free_below(&mut self, pager: &mut Pager, no: PageNo, depth: usize) -> Result<()> {
        self.pages_left = self.pages_left.checked_sub(1).ok_or_else(|| too_large(no))?;
        if depth >= DEPTH_MAX {
            return Err(too_large(no));
        }
        let usable = pager.usable_size();
        let limits = self.kind.limits(usable);
        let level = Level::load(pager, no, self.kind == TreeKind::Table)?;
        let page = level.view(usable);
        if page.kind().is_leaf() || self.kind == TreeKind::Index {
            self.rows += page.count() as u64;
        }
        for index in 0..page.count() {
            let cell = page.cell(index, &limits)?;
            if let Some(child) = cell.child {
                self.free_page(pager, child, depth)?;
            }
            if let Some(chain) = cell.overflow {
                overflow::free(pager, chain, cell.total - cell.local.len())?;
            }
        }
        if !page.kind().is_leaf() {
            self.free_page(pager, page.right_child()?, depth)?;
        }
        Ok(())
    }

    fn free_page(&mut self, pager: &mut Pager, no: PageNo, depth: usize) -> Result<()> {
        self.free_below(pager, no, depth + 1)?;
        freelist::free(pager, no)
    }
}
