//! The stack of pages between a root and the place where a cursor stands.
//!
//! ```text
//!   levels[0]   root        index 3   ──┐  the child to the left of cell 3
//!   levels[1]   interior    index 0   ──┤
//!   levels[2]   leaf        index 17    ▼  the current cell          top = 2
//! ```
//!
//! Levels behind `top` may stay on the stack after a cursor has moved up or sought again: a descent that comes to the page that
//! lies there already keeps it and fetches nothing. That is sound as long as the [`Stamp`] is current.
//!
//! - D1. Every level's header has been checked and its kind belongs to the tree.
//! - D2. The stack never has more than [`DEPTH_MAX`] levels: pages that name each other in a circle end in an error.
//! - D3. A scan in one direction enters no more leaves than the file has pages ([`Stack::enter_leaf`]).

use smallvec::SmallVec;

use super::DEPTH_MAX;
use crate::error::{Result, corrupt};
use crate::format::PageNo;
use crate::format::cell::PayloadLimits;
use crate::format::page::{PageKind, PageRef};
use crate::pager::{Page, Pager};

/// The state of the pages that a stack was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    mutations: u64,
    token: u64,
}

impl Stamp {
    /// Of no state there ever is.
    pub(super) const NEVER: Stamp = Stamp {
        mutations: u64::MAX,
        token: u64::MAX,
    };

    #[inline]
    pub(super) fn of(pager: &Pager) -> Stamp {
        Stamp {
            mutations: pager.mutation_count(),
            token: pager.change_token(),
        }
    }
}

/// One page on the way from the root to a cell.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) page: Page,
    pub(super) no: PageNo,
    pub(super) kind: PageKind,
    pub(super) count: u16,
    /// The current cell; on the way down the child taken, where `count` is the right child.
    pub(super) index: u16,
}

impl Level {
    /// Fetches a page and checks that it belongs to such a tree.
    #[inline(always)]
    pub(super) fn load(pager: &Pager, no: PageNo, is_table: bool) -> Result<Level> {
        let page = pager.page_inlined(no)?;
        let (kind, count) = Level::check(pager, no, &page, is_table)?;
        Ok(Level {
            page,
            no,
            kind,
            count,
            index: 0,
        })
    }

    /// As [`load`](Self::load), in the place of another level.
    #[inline(always)]
    fn reload(&mut self, pager: &Pager, no: PageNo, is_table: bool) -> Result<()> {
        let page = pager.page_inlined(no)?;
        let (kind, count) = Level::check(pager, no, &page, is_table)?;
        (self.page, self.no) = (page, no);
        (self.kind, self.count, self.index) = (kind, count, 0);
        Ok(())
    }

    #[inline(always)]
    fn check(pager: &Pager, no: PageNo, page: &Page, is_table: bool) -> Result<(PageKind, u16)> {
        let view = PageRef::parse(no, page, pager.usable_size())?;
        match view.kind().is_table() == is_table {
            true => Ok((view.kind(), view.count() as u16)),
            false => Err(corrupt(no, 0, "page belongs to another kind of tree")),
        }
    }

    #[inline]
    fn step(&self) -> Step {
        Step {
            no: self.no,
            index: usize::from(self.index),
        }
    }

    /// The page for reading.
    #[inline(always)]
    pub(super) fn view(&self, usable: usize) -> PageRef<'_> {
        PageRef::checked(self.no, &self.page, usable, self.kind, self.count)
    }
}

/// The way from the root to a page, without the pages: what changes to the tree need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) no: PageNo,
    pub(super) index: usize,
}

/// A whole way.
pub(super) type Path = SmallVec<[Step; 8]>;

/// The pages from the root to the current one.
#[derive(Debug)]
pub(super) struct Stack {
    root: PageNo,
    is_table: bool,
    levels: Vec<Level>,
    top: usize,
    stamp: Option<Stamp>,
    /// The transaction that the root was fetched in.
    snapshot: u64,
    usable: usize,
    limits: PayloadLimits,
    /// Leaves entered since the last seek, and in which direction.
    entered: u32,
    forward: bool,
    /// The leaf that the last search came to, and whether the one before came there, too.
    searched: Option<PageNo>,
    near: bool,
}

impl Stack {
    pub(super) fn new(root: PageNo, is_table: bool) -> Stack {
        Stack {
            root,
            is_table,
            levels: Vec::new(),
            top: 0,
            stamp: None,
            snapshot: 0,
            usable: 0,
            limits: PayloadLimits {
                max_local: 0,
                min_local: 0,
                per_overflow: 1,
            },
            entered: 0,
            forward: true,
            searched: None,
            near: false,
        }
    }

    #[inline]
    pub(super) fn root(&self) -> PageNo {
        self.root
    }

    #[inline]
    pub(super) fn usable(&self) -> usize {
        self.usable
    }

    #[inline]
    pub(super) fn limits(&self) -> &PayloadLimits {
        &self.limits
    }

    /// True when the pages on the stack are those of the database now.
    #[inline]
    pub(super) fn is_current(&self, pager: &Pager) -> bool {
        self.stamp == Some(Stamp::of(pager))
    }

    /// Forgets all pages.
    pub(super) fn clear(&mut self) {
        self.levels.clear();
        self.top = 0;
        self.stamp = None;
    }

    /// Lets go of the pages, but for those that nobody else has a use for: they are good for the next search in this transaction.
    pub(super) fn rest(&mut self) {
        if !self.levels.iter().all(|level| level.page.is_mapped()) {
            self.clear();
        }
        (self.top, self.searched, self.near) = (0, None, false);
    }

    /// Forgets the current leaf so that it can be changed without a copy, and keeps what is above it.
    pub(super) fn pop_leaf(&mut self) -> Step {
        let leaf = self.current().step();
        self.levels.truncate(self.top);
        self.top = self.top.saturating_sub(1);
        leaf
    }

    /// The way from the root to a leaf that was popped.
    pub(super) fn path_to(&self, leaf: Step) -> Path {
        let mut path: Path = self.levels.iter().map(Level::step).collect();
        path.push(leaf);
        path
    }

    /// True when the leaf that was popped is not the root.
    #[inline]
    pub(super) fn has_parents(&self) -> bool {
        !self.levels.is_empty()
    }

    /// Says that the pages on the stack are still right although the pager has counted changes.
    pub(super) fn restamp(&mut self, pager: &Pager) {
        self.stamp = Some(Stamp::of(pager));
    }

    /// As [`restamp`](Self::restamp), when there are pages that were right once.
    #[inline]
    pub(super) fn vouch(&mut self, now: Stamp) {
        if self.stamp.is_some() {
            self.stamp = Some(now);
        }
    }

    /// Trusts the pages on the stack no more.
    #[inline]
    pub(super) fn distrust(&mut self) {
        self.stamp = None;
    }

    /// Puts the root on top, and nothing else counts.
    #[inline]
    pub(super) fn restart(&mut self, pager: &Pager) -> Result<()> {
        self.top = 0;
        self.entered = 0;
        let stamp = Stamp::of(pager);
        if self.stamp == Some(stamp) && self.snapshot == pager.snapshot() && !self.levels.is_empty() {
            return Ok(());
        }
        self.reload_root(pager, stamp)
    }

    #[inline(never)]
    fn reload_root(&mut self, pager: &Pager, stamp: Stamp) -> Result<()> {
        self.levels.clear();
        self.stamp = None;
        self.snapshot = pager.snapshot();
        self.usable = pager.usable_size();
        self.limits = if self.is_table {
            PayloadLimits::table(self.usable)
        } else {
            PayloadLimits::index(self.usable)
        };
        let level = Level::load(pager, self.root, self.is_table)?;
        self.levels.push(level);
        self.stamp = Some(stamp);
        Ok(())
    }

    /// A search starts on the current leaf: leaves are counted anew (D3).
    #[inline]
    pub(super) fn begin_search(&mut self) {
        self.entered = 0;
    }

    /// Goes to the leaf of the last search, when two searches in a row have come there and nothing has changed since: the next one
    /// may come there as well.
    #[inline]
    pub(super) fn return_to_leaf(&mut self, pager: &Pager) -> Result<bool> {
        if !self.near || self.levels.is_empty() || !self.is_current(pager) {
            return Ok(false);
        }
        self.entered = 0;
        if !self.at_leaf() {
            self.descend(pager, self.index())?;
        }
        Ok(self.at_leaf())
    }

    /// Notes whether a search has come to the leaf that is current now by [`return_to_leaf`](Self::return_to_leaf) or from the root.
    #[inline]
    pub(super) fn note_search(&mut self) {
        let leaf = self.current().no;
        self.near = self.searched == Some(leaf);
        self.searched = Some(leaf);
    }

    /// The current page. Only after `restart`.
    #[inline(always)]
    pub(super) fn current(&self) -> &Level {
        &self.levels[self.top]
    }

    /// The cell index of the current page. Only after `restart`.
    #[inline(always)]
    pub(super) fn index(&self) -> usize {
        usize::from(self.levels[self.top].index)
    }

    #[inline(always)]
    pub(super) fn set_index(&mut self, index: usize) {
        self.levels[self.top].index = index as u16;
    }

    /// True when the current page is a leaf.
    #[inline(always)]
    pub(super) fn at_leaf(&self) -> bool {
        self.levels[self.top].kind.is_leaf()
    }

    /// Goes down to child `index` of the current page.
    #[inline]
    pub(super) fn descend(&mut self, pager: &Pager, index: usize) -> Result<()> {
        let usable = self.usable;
        let level = &mut self.levels[self.top];
        level.index = index as u16;
        let child = level.view(usable).child(index)?;
        self.top += 1;
        match self.levels.get(self.top) {
            Some(below) if below.no == child => Ok(()),
            _ => self.load_child(pager, child),
        }
    }

    /// Fetches the page that comes on top; when that fails the page above is the current one again.
    fn load_child(&mut self, pager: &Pager, child: PageNo) -> Result<()> {
        if let Err(error) = self.put_child(pager, child) {
            // What was put there may be a page without cells.
            self.levels.truncate(self.top);
            self.top -= 1;
            return Err(error);
        }
        Ok(())
    }

    #[inline(always)]
    fn put_child(&mut self, pager: &Pager, child: PageNo) -> Result<()> {
        if self.top >= DEPTH_MAX {
            return Err(corrupt(child, 0, "tree is deeper than any tree can be"));
        }
        match self.levels.get_mut(self.top) {
            Some(place) => place.reload(pager, child, self.is_table)?,
            None => self.levels.push(Level::load(pager, child, self.is_table)?),
        }
        match self.levels.get(self.top) {
            Some(level) if level.count > 0 => Ok(()),
            _ => Err(corrupt(child, 0, "page has no cells")),
        }
    }

    /// Goes down to the first cell of the leftmost leaf under child `index`.
    pub(super) fn descend_first(&mut self, pager: &Pager, index: usize) -> Result<()> {
        self.descend(pager, index)?;
        while !self.at_leaf() {
            self.descend(pager, 0)?;
        }
        self.set_index(0);
        self.enter_leaf(pager, true)
    }

    /// Goes down to the last cell of the rightmost leaf under child `index`.
    pub(super) fn descend_last(&mut self, pager: &Pager, index: usize) -> Result<()> {
        self.descend(pager, index)?;
        while !self.at_leaf() {
            let right = usize::from(self.current().count);
            self.descend(pager, right)?;
        }
        self.set_index(usize::from(self.current().count).saturating_sub(1));
        self.enter_leaf(pager, false)
    }

    /// From the root to the first or last cell of the tree.
    pub(super) fn go_to_edge(&mut self, pager: &Pager, forward: bool) -> Result<()> {
        self.restart(pager)?;
        if self.at_leaf() {
            self.set_index(if forward {
                0
            } else {
                usize::from(self.current().count).saturating_sub(1)
            });
            return Ok(());
        }
        if forward {
            self.descend_first(pager, 0)
        } else {
            self.descend_last(pager, usize::from(self.current().count))
        }
    }

    /// Goes up one level; false at the root.
    #[inline]
    pub(super) fn ascend(&mut self) -> bool {
        let up = self.top > 0;
        self.top -= usize::from(up);
        up
    }

    fn enter_leaf(&mut self, pager: &Pager, forward: bool) -> Result<()> {
        if forward != self.forward {
            (self.forward, self.entered) = (forward, 0);
        }
        self.entered += 1;
        if self.entered > pager.page_count() {
            return Err(corrupt(
                self.root,
                0,
                "tree has more leaves than the file has pages",
            ));
        }
        Ok(())
    }

    /// True when the current leaf is the rightmost and `index` is behind its last cell.
    pub(super) fn is_right_edge(&self, index: usize) -> bool {
        self.is_rightmost() && index >= usize::from(self.current().count)
    }

    /// True when no page is to the right of the current one.
    pub(super) fn is_rightmost(&self) -> bool {
        self.levels[..self.top]
            .iter()
            .all(|level| level.index >= level.count)
    }

    /// The way from the root to the current page.
    pub(super) fn path(&self) -> Path {
        self.levels[..=self.top].iter().map(Level::step).collect()
    }
}
