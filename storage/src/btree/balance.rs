//! Splitting, merging and evening out of tree pages.
//!
//! A page that has no room for a new cell, or is less than a third full after a removal, is balanced from the bottom up:
//!
//! ```text
//!   root too full       its cells go to a new child, the root keeps that one child; then the child is split
//!   right edge full     a new page to the right gets the new cell alone, the full page stays full
//!   otherwise           the page and up to two neighbours hand all their cells to as few pages as hold them,
//!                       filled about equally
//!   root without cells  takes over its only child's cells
//! ```
//!
//! Each step changes the dividers in the parent, which may be too full or too empty by that, so it is next.
//!
//! Cells that do not fit their page while it waits to be balanced are carried as [`Pending`]: `index` is the place in the list that
//! page and pending cells form together, and pending cells ascend.
//!
//! - X1. The cells in order of traversal, dividers included, are the same before and after, but for the separators of table trees, which are
//!   made anew from row ids.
//! - X2. In an auto-vacuum file, each page written here has the pointer map entries of its children and overflow chains written.

mod shares;

use smallvec::SmallVec;

use super::DEPTH_MAX;
use shares::{Share, distribute};

use super::descent::{Level, Path, Step};
use super::edit::{PageEdit, Span, free_bytes};
use super::freelist;
use super::pointer_map::{self, Use};
use super::tree::TreeKind;
use crate::error::{Result, corrupt};
use crate::format::PageNo;
use crate::format::cell::{Cell, CellHead, PayloadLimits};
use crate::format::page::{PageKind, PageRef, header_start, read_page_no};
use crate::pager::Pager;

/// Pages that are balanced together.
const SIBLINGS_MAX: usize = 3;

/// A cell that waits for room.
#[derive(Debug)]
pub(super) struct Pending {
    /// Its place among the page's and the pending cells.
    pub(super) index: usize,
    /// The cell's bytes, not padded.
    pub(super) cell: Vec<u8>,
}

/// Cells that wait for room on one page.
pub(super) type PendingCells = SmallVec<[Pending; 4]>;

/// True for a page so empty that it should share with its neighbours.
pub(super) fn is_underfull(free: usize, usable: usize) -> bool {
    free * 3 > usable * 2
}

/// Balances the last page of `path` and then the pages above as far as necessary.
pub(super) fn balance(
    pager: &mut Pager,
    kind: TreeKind,
    mut path: Path,
    pending: PendingCells,
) -> Result<()> {
    let mut tree = Balancer::new(pager, kind)?;
    let mut pending = pending;
    let mut level = path.len() - 1;
    loop {
        if pending.is_empty() && !tree.needs_balance(path[level].no, level == 0)? {
            return Ok(());
        }
        if level == 0 {
            if pending.is_empty() {
                return tree.shrink_root(path[0].no);
            }
            let child = tree.deepen(path[0].no)?;
            path.truncate(1);
            path[0].index = 0;
            path.push(Step { no: child, index: 0 });
            level = 1;
        }
        let parent = path[level - 1];
        pending = match tree.extend_right_edge(parent, path[level].no, pending)? {
            Extended::Done(pending) => pending,
            Extended::NotAtEdge(pending) => tree.share_out(parent, path[level].no, pending)?,
        };
        level -= 1;
    }
}

/// The rightmost leaf of a tree; the level's index means nothing.
pub(super) fn right_edge(pager: &Pager, root: PageNo, is_table: bool) -> Result<Level> {
    let mut no = root;
    for _ in 0..DEPTH_MAX {
        let level = Level::load(pager, no, is_table)?;
        if level.kind.is_leaf() {
            return Ok(level);
        }
        no = level.view(pager.usable_size()).right_child()?;
    }
    Err(corrupt(root, 0, "tree is deeper than any tree can be"))
}

enum Extended {
    /// The new page is there; these dividers wait for the parent.
    Done(PendingCells),
    /// Another way is needed.
    NotAtEdge(PendingCells),
}

struct Balancer<'p> {
    pager: &'p mut Pager,
    is_table: bool,
    mapped: bool,
    usable: usize,
    limits: PayloadLimits,
}

/// The cells of the pages that are balanced together, copied out of them.
#[derive(Default)]
struct Cells {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl Cells {
    fn push(&mut self, cell: &[u8]) {
        self.spans.push(Span {
            start: self.bytes.len(),
            len: cell.len(),
        });
        self.bytes.extend_from_slice(cell);
    }

    /// Copies a whole page, whose cells are then added by [`push_own`](Self::push_own), and returns where it begins.
    fn copy_page(&mut self, page: &PageRef<'_>) -> usize {
        let base = self.bytes.len();
        self.bytes.extend_from_slice(page.bytes());
        self.spans.reserve(page.count() + 4);
        base
    }

    /// Adds cell `index` of the page that was copied to `base`.
    #[inline]
    fn push_own(
        &mut self,
        base: usize,
        page: &PageRef<'_>,
        index: usize,
        limits: &PayloadLimits,
    ) -> Result<()> {
        let range = page.cell_range(index, limits)?;
        self.spans.push(Span {
            start: base + range.start,
            len: range.len(),
        });
        Ok(())
    }

    /// Adds a cell of an interior page with another left child.
    fn push_with_child(&mut self, child: PageNo, cell: &[u8]) {
        self.push(cell);
        let start = self.bytes.len() - cell.len();
        self.bytes[start..start + 4].copy_from_slice(&child.get().to_be_bytes());
    }

    fn get(&self, index: usize) -> &[u8] {
        let Span { start, len } = self.spans[index];
        &self.bytes[start..start + len]
    }

    fn len(&self) -> usize {
        self.spans.len()
    }
}

impl<'p> Balancer<'p> {
    fn new(pager: &'p mut Pager, kind: TreeKind) -> Result<Balancer<'p>> {
        let usable = pager.usable_size();
        let is_table = kind == TreeKind::Table;
        let limits = if is_table {
            PayloadLimits::table(usable)
        } else {
            PayloadLimits::index(usable)
        };
        let mapped = pointer_map::is_kept(pager)?;
        Ok(Balancer {
            pager,
            is_table,
            mapped,
            usable,
            limits,
        })
    }

    fn needs_balance(&self, no: PageNo, is_root: bool) -> Result<bool> {
        let level = Level::load(self.pager, no, self.is_table)?;
        if is_root {
            return Ok(level.count == 0 && !level.kind.is_leaf());
        }
        Ok(is_underfull(free_bytes(&level.view(self.usable))?, self.usable))
    }

    // ---- the root --------------------------------------------------------------------------------

    /// Moves the root's cells to a new child, which becomes the root's only one.
    fn deepen(&mut self, root: PageNo) -> Result<PageNo> {
        let child = freelist::allocate(self.pager)?;
        let (cells, kind, right) = self.copy_out(root)?;
        let all = Share {
            from: 0,
            to: cells.len(),
            used: 0,
        };
        self.write_page(child, kind, &cells, all, right)?;
        self.write_page(
            root,
            kind.interior(),
            &cells,
            Share {
                from: 0,
                to: 0,
                used: 0,
            },
            Some(child),
        )?;
        if self.mapped {
            pointer_map::put(self.pager, child, Use::Child(root))?;
        }
        Ok(child)
    }

    /// Gives the cells of the only child to a root that has none, unless they do not fit (page 1 has a hundred bytes less).
    fn shrink_root(&mut self, root: PageNo) -> Result<()> {
        let child = {
            let level = Level::load(self.pager, root, self.is_table)?;
            level.view(self.usable).right_child()?
        };
        let (cells, kind, right) = self.copy_out(child)?;
        let used: usize = cells.spans.iter().map(Span::cost).sum();
        if child == root || header_start(root) + kind.header_len() + used > self.usable {
            return Ok(());
        }
        let all = Share {
            from: 0,
            to: cells.len(),
            used,
        };
        self.write_page(root, kind, &cells, all, right)?;
        freelist::free(self.pager, child)
    }

    fn copy_out(&self, no: PageNo) -> Result<(Cells, PageKind, Option<PageNo>)> {
        let level = Level::load(self.pager, no, self.is_table)?;
        let page = level.view(self.usable);
        let mut cells = Cells::default();
        let base = cells.copy_page(&page);
        for index in 0..page.count() {
            cells.push_own(base, &page, index, &self.limits)?;
        }
        let right = if page.kind().is_leaf() {
            None
        } else {
            Some(page.right_child()?)
        };
        Ok((cells, page.kind(), right))
    }

    // ---- the right edge --------------------------------------------------------------------------

    /// When one cell waits behind the last cell of the rightmost child, puts it on a new page of its own.
    fn extend_right_edge(&mut self, parent: Step, no: PageNo, mut pending: PendingCells) -> Result<Extended> {
        let level = Level::load(self.pager, no, self.is_table)?;
        let above = Level::load(self.pager, parent.no, self.is_table)?;
        let count = usize::from(level.count);
        let at_edge =
            parent.index == usize::from(above.count) && pending.len() == 1 && pending[0].index == count;
        if !at_edge || count < 2 {
            return Ok(Extended::NotAtEdge(pending));
        }
        let page = level.view(self.usable);
        let last = page.cell(count - 1, &self.limits)?;
        let kind = page.kind();
        let (mut divider, mut right, mut inner) = (Vec::new(), None, None);
        if kind == PageKind::TableLeaf {
            divider.extend_from_slice(CellHead::table_interior(no, last.rowid).as_slice());
        } else {
            divider.extend_from_slice(&no.get().to_be_bytes());
            divider.extend_from_slice(if kind.is_leaf() {
                last.bytes
            } else {
                &last.bytes[4..]
            });
            inner = last.child;
            right = if kind.is_leaf() {
                None
            } else {
                Some(page.right_child()?)
            };
        }
        let divider_chain = if kind == PageKind::TableLeaf {
            None
        } else {
            last.overflow
        };
        drop((level, above));

        let mut cells = Cells::default();
        if let Some(only) = pending.pop() {
            cells.push(&only.cell);
        }
        let new = freelist::allocate(self.pager)?;
        self.write_page(
            new,
            kind,
            &cells,
            Share {
                from: 0,
                to: 1,
                used: 0,
            },
            right,
        )?;
        if kind != PageKind::TableLeaf {
            let mut page = PageEdit::parse(no, self.pager.page_mut(no)?, self.usable)?;
            page.remove(count - 1, &self.limits)?;
            if let Some(inner) = inner {
                page.set_child(count - 1, inner)?;
            }
        }
        if self.mapped {
            pointer_map::put(self.pager, new, Use::Child(parent.no))?;
            if let Some(chain) = divider_chain {
                pointer_map::put(self.pager, chain, Use::OverflowFirst(parent.no))?;
            }
        }
        self.replace_dividers(parent.no, parent.index, 0, vec![divider], new)
            .map(Extended::Done)
    }

    // ---- neighbours ------------------------------------------------------------------------------

    /// Hands the cells of page `no`, its neighbours and `pending` to as few pages as hold them.
    fn share_out(&mut self, parent: Step, no: PageNo, pending: PendingCells) -> Result<PendingCells> {
        let is_insert = !pending.is_empty();
        let (first, mut pages, cells, right, kind) = self.collect(parent, no, pending)?;
        let dividers_before = pages.len() - 1;
        let carries_keys_up = kind != PageKind::TableLeaf;
        let capacity = self.usable - kind.header_len();
        let shares = distribute(&cells.spans, capacity, carries_keys_up, is_insert);

        for surplus in pages.drain(shares.len().min(pages.len())..) {
            freelist::free(self.pager, surplus)?;
        }
        while pages.len() < shares.len() {
            pages.push(freelist::allocate(self.pager)?);
        }
        pages.sort_unstable();

        let mut dividers = Vec::with_capacity(shares.len() - 1);
        for (i, (share, page)) in shares.iter().zip(&pages).enumerate() {
            let is_last = i + 1 == shares.len();
            let mut own_right = right;
            if !is_last {
                let (divider, inner) = self.divider(&cells, share, *page, kind)?;
                dividers.push(divider);
                own_right = inner;
            }
            self.write_page(*page, kind, &cells, *share, own_right)?;
            if self.mapped {
                pointer_map::put(self.pager, *page, Use::Child(parent.no))?;
            }
        }
        let Some(last) = pages.last() else {
            return Ok(PendingCells::new());
        };
        self.replace_dividers(parent.no, first, dividers_before, dividers, *last)
    }

    /// Copies out the cells of page `no` with `pending`, of its neighbours and of the dividers between. Returns the child index of the
    /// first page, the pages, the cells, the right child of the last page, the pages' kind.
    #[allow(clippy::type_complexity)]
    fn collect(
        &self,
        parent: Step,
        no: PageNo,
        pending: PendingCells,
    ) -> Result<(usize, SmallVec<[PageNo; 5]>, Cells, Option<PageNo>, PageKind)> {
        let above = Level::load(self.pager, parent.no, self.is_table)?;
        let above = above.view(self.usable);
        let last_child = above.count();
        let first = parent
            .index
            .saturating_sub(1)
            .min((last_child + 1).saturating_sub(SIBLINGS_MAX));
        let count = (last_child + 1 - first).min(SIBLINGS_MAX);

        let mut cells = Cells {
            bytes: Vec::with_capacity(SIBLINGS_MAX * self.usable + 512),
            spans: Vec::new(),
        };
        let mut pages = SmallVec::<[PageNo; 5]>::new();
        let (mut right, mut kind) = (None, None);
        let mut pending = pending.into_iter().peekable();
        for index in first..first + count {
            let child = above.child(index)?;
            if pages.contains(&child) || child == parent.no || (index == parent.index) != (child == no) {
                return Err(above.corrupt(above.header_start(), "two pointers to one child"));
            }
            let level = Level::load(self.pager, child, self.is_table)?;
            let page = level.view(self.usable);
            if *kind.get_or_insert(page.kind()) != page.kind() {
                return Err(above.corrupt(above.header_start(), "children differ in kind"));
            }
            pages.push(child);
            let base = cells.copy_page(&page);
            let mut virtual_index = 0;
            for own in 0..page.count() {
                if child == no {
                    while let Some(waiting) = pending.next_if(|waiting| waiting.index <= virtual_index) {
                        cells.push(&waiting.cell);
                        virtual_index += 1;
                    }
                }
                cells.push_own(base, &page, own, &self.limits)?;
                virtual_index += 1;
            }
            if child == no {
                pending.by_ref().for_each(|waiting| cells.push(&waiting.cell));
            }
            right = if page.kind().is_leaf() {
                None
            } else {
                Some(page.right_child()?)
            };
            if index + 1 < first + count && page.kind() != PageKind::TableLeaf {
                let divider = above.cell(index, &self.limits)?;
                match right {
                    Some(right) => cells.push_with_child(right, divider.bytes),
                    None => cells.push(&divider.bytes[4..]),
                }
            }
        }
        let kind = kind.unwrap_or(if self.is_table {
            PageKind::TableLeaf
        } else {
            PageKind::IndexLeaf
        });
        Ok((first, pages, cells, right, kind))
    }

    /// The divider behind the page `no` that gets `share`, and the page's own right child.
    fn divider(
        &mut self,
        cells: &Cells,
        share: &Share,
        no: PageNo,
        kind: PageKind,
    ) -> Result<(Vec<u8>, Option<PageNo>)> {
        let no_bytes = no.get().to_be_bytes();
        Ok(match kind {
            PageKind::TableLeaf => {
                let last = self.parse(kind, cells.get(share.to - 1), no)?;
                (CellHead::table_interior(no, last.rowid).as_slice().to_vec(), None)
            }
            PageKind::IndexLeaf => ([&no_bytes[..], cells.get(share.to)].concat(), None),
            PageKind::IndexInterior | PageKind::TableInterior => {
                let cell = cells.get(share.to);
                ([&no_bytes[..], &cell[4..]].concat(), read_page_no(cell, 0))
            }
        })
    }

    fn parse<'c>(&self, kind: PageKind, cell: &'c [u8], no: PageNo) -> Result<Cell<'c>> {
        Cell::parse(kind, cell, 0, &self.limits).map_err(|what| corrupt(no, 0, what))
    }

    /// Replaces `removed` dividers of `parent` from `first` on by `dividers`, and makes `last` the child behind them.
    fn replace_dividers(
        &mut self,
        parent: PageNo,
        first: usize,
        removed: usize,
        dividers: Vec<Vec<u8>>,
        last: PageNo,
    ) -> Result<PendingCells> {
        let mut pending = PendingCells::new();
        let mut placed: SmallVec<[Option<PageNo>; 4]> = SmallVec::new();
        let mut page = PageEdit::parse(parent, self.pager.page_mut(parent)?, self.usable)?;
        for _ in 0..removed {
            page.remove(first, &self.limits)?;
        }
        page.set_child(first, last)?;
        for (i, cell) in dividers.into_iter().enumerate() {
            let index = first + i;
            let room = if pending.is_empty() {
                page.place(index, cell.len(), &self.limits)?
            } else {
                None
            };
            match room {
                Some(room) => {
                    room.copy_from_slice(&cell);
                    if self.mapped {
                        placed.push(page.as_ref().cell(index, &self.limits)?.overflow);
                    }
                }
                None => pending.push(Pending { index, cell }),
            }
        }
        for chain in placed.into_iter().flatten() {
            pointer_map::put(self.pager, chain, Use::OverflowFirst(parent))?;
        }
        Ok(pending)
    }

    /// Writes page `no` anew with a share of `cells`, and the pointer map entries of what hangs on it.
    fn write_page(
        &mut self,
        no: PageNo,
        kind: PageKind,
        cells: &Cells,
        share: Share,
        right: Option<PageNo>,
    ) -> Result<()> {
        let bytes = self.pager.page_mut(no)?;
        let mut page = PageEdit::init(no, bytes, self.usable, kind);
        page.fill(&cells.bytes, &cells.spans[share.from..share.to])?;
        if let Some(right) = right {
            page.set_child(share.to - share.from, right)?;
        }
        if self.mapped {
            self.map_cells(no, kind, cells, share, right)?;
        }
        Ok(())
    }

    fn map_cells(
        &mut self,
        no: PageNo,
        kind: PageKind,
        cells: &Cells,
        share: Share,
        right: Option<PageNo>,
    ) -> Result<()> {
        for index in share.from..share.to {
            let Cell { child, overflow, .. } = self.parse(kind, cells.get(index), no)?;
            if let Some(child) = child {
                pointer_map::put(self.pager, child, Use::Child(no))?;
            }
            if let Some(chain) = overflow {
                pointer_map::put(self.pager, chain, Use::OverflowFirst(no))?;
            }
        }
        if let Some(right) = right {
            pointer_map::put(self.pager, right, Use::Child(no))?;
        }
        Ok(())
    }
}
