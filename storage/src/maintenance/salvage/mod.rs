//! What can still be read of a damaged file: rows of trees, and rows of leaves that no tree leads to.
//!
//! ```text
//!   root ──▶ interior ──▶ leaf      walk: what the tree leads to, around pages and cells that make no sense
//!              ╳          leaf ◀──  strays: leaves that were not reached, by the topmost page that leads to them
//! ```
//!
//! Cursors stop at the first byte that is wrong; here what is wrong is stepped over and counted. The file is read only. Whoever wants
//! a database again puts the rows into a new one; the SQL layer does that.
//!
//! - V1. A page gives its rows once: the first walk that reaches it has it. So every walk ends.
//! - V2. A page to which more than one page points, and whose rows are not between those of its neighbours, is not that tree's: a damaged pointer
//!   does not take another tree's rows.
//! - V3. All walks together read no more overflow pages than `CHAIN_PAGES_PER_PAGE` times the pages of the file: cells that share a
//!   chain do not make the work grow with their product.
//! - V4. Damage is counted, never an error; an error is what the world says.
//!
//! Another connection must not write at the same time. With a rollback journal the SHARED lock sees to that.

mod source;
mod walk;

use std::path::Path;

use rustc_hash::FxHashMap;

pub use source::SalvagedHeader;

use crate::btree::TreeKind;
use crate::btree::pointer_map::is_map_page;
use crate::error::Result;
use crate::format::cell::{Cell, PayloadLimits};
use crate::format::page::{PageKind, PageRef, read_page_no, read_u32};
use crate::format::{AutoVacuum, PageNo, record};
use crate::vfs::Vfs;
use source::Pages;

/// How often an overflow page may be read again, on average (V3).
const CHAIN_PAGES_PER_PAGE: u64 = 2;

/// A row as it was found.
#[derive(Clone, Copy, Debug)]
pub struct SalvagedRow<'a> {
    /// The root of its tree, or the topmost page that leads to it.
    pub root: PageNo,
    /// The page that it lies on.
    pub page: PageNo,
    /// The row id; `None` for entries of index trees and WITHOUT ROWID tables.
    pub rowid: Option<i64>,
    /// The record, or its first part.
    pub payload: &'a [u8],
    /// The length that the record had: more than `payload` when its overflow chain is broken.
    pub total: usize,
}

impl SalvagedRow<'_> {
    /// Whether a part of the record is missing.
    pub fn is_cut(&self) -> bool {
        self.payload.len() < self.total
    }
}

/// What a walk met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalkTally {
    /// Rows found.
    pub rows: u64,
    /// Rows of which a part is missing.
    pub cut: u64,
    /// Pages that a pointer names and that are not there, not readable, or another tree's.
    pub lost_pages: u64,
    /// Cells that make no sense.
    pub lost_cells: u64,
}

impl WalkTally {
    /// Whether nothing is known to be missing.
    pub fn is_whole(&self) -> bool {
        self.cut == 0 && self.lost_pages == 0 && self.lost_cells == 0
    }

    /// Adds what another walk met.
    pub fn add(&mut self, other: WalkTally) {
        self.rows += other.rows;
        self.cut += other.cut;
        self.lost_pages += other.lost_pages;
        self.lost_cells += other.lost_cells;
    }
}

/// A damaged file, open for reading.
pub struct Salvage {
    pages: Pages,
    /// Pages whose content has been taken, or is known not to be rows (V1).
    seen: Vec<u64>,
    /// How many interior pages and roots point to a page, up to two (V2).
    references: Vec<u8>,
    chain_pages_left: u64,
}

/// Gets each row; what it returns as an error ends the walk.
pub type TakeRow<'t, E> = dyn FnMut(SalvagedRow<'_>) -> Result<(), E> + 't;

impl Salvage {
    /// Opens a file, whatever is in it. A log or a hot journal beside it counts, but is not written back.
    ///
    /// # Errors
    /// Those of opening, locking and reading.
    pub fn open(vfs: &dyn Vfs, path: &Path) -> Result<Salvage> {
        let pages = Pages::open(vfs, path)?;
        let count = pages.count as usize;
        let mut salvage = Salvage {
            seen: vec![0; count / 64 + 1],
            references: vec![0; count + 1],
            chain_pages_left: CHAIN_PAGES_PER_PAGE * count as u64 + 64,
            pages,
        };
        salvage.count_references()?;
        Ok(salvage)
    }

    /// What the header says, as far as it can be believed.
    pub fn header(&self) -> SalvagedHeader {
        self.pages.header
    }

    /// Pages of the file.
    pub fn page_count(&self) -> u32 {
        self.pages.count
    }

    /// Says that there is a tree with this root, before any is walked.
    pub fn expect_root(&mut self, root: PageNo) {
        self.refer(root);
    }

    /// Marks what the freelist lists, so that it does not come up as strays. A list that makes no sense is believed as far as it does.
    ///
    /// # Errors
    /// Those of reading.
    pub fn skip_freelist(&mut self) -> Result<()> {
        let mut next = self.pages.header.freelist_trunk;
        while let Some(trunk) = next {
            if !self.mark(trunk) {
                return Ok(());
            }
            let Some(page) = self.pages.page(trunk)? else {
                return Ok(());
            };
            let most = (self.pages.usable() / 4 - 2) as u32;
            let count = read_u32(&page, 4).unwrap_or(0);
            if count > most {
                return Ok(());
            }
            for leaf in 0..count as usize {
                if let Some(leaf) = read_page_no(&page, 8 + 4 * leaf) {
                    self.mark(leaf);
                }
            }
            next = read_page_no(&page, 0);
        }
        Ok(())
    }

    /// The rows of leaves that no walk has reached, for which `wanted` is true, by the topmost page that leads to each. Pages with a row
    /// that was wanted count as reached.
    ///
    /// # Errors
    /// Those of reading and of `take`.
    pub fn strays<E: From<crate::Error>>(
        &mut self,
        wanted: &dyn Fn(&SalvagedRow<'_>) -> bool,
        take: &mut TakeRow<'_, E>,
    ) -> Result<WalkTally, E> {
        let above = self.stray_parents()?;
        let mut tally = WalkTally::default();
        for number in 2..=self.pages.count {
            let Some(no) = PageNo::new(number).filter(|no| !self.is_seen(*no)) else {
                continue;
            };
            if self.is_no_tree_page(no) {
                continue;
            }
            let Some((page, kind)) = self.tree_page(no)? else {
                continue;
            };
            if kind == PageKind::TableInterior {
                continue;
            }
            let mut any = false;
            let found = self.rows_of_page::<E>(topmost(&above, no), no, &page, &mut |row| {
                if wanted(&row) {
                    any = true;
                    take(row)?;
                }
                Ok(())
            })?;
            if any {
                self.mark(no);
                tally.add(found);
            }
        }
        Ok(tally)
    }

    // ---- pages -----------------------------------------------------------------------------------

    fn is_seen(&self, no: PageNo) -> bool {
        let at = no.get() as usize;
        self.seen
            .get(at / 64)
            .is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Marks a page; false if it was marked, or is not in the file.
    fn mark(&mut self, no: PageNo) -> bool {
        if no.get() > self.pages.count || self.is_seen(no) {
            return false;
        }
        let at = no.get() as usize;
        self.seen[at / 64] |= 1 << (at % 64);
        true
    }

    fn refer(&mut self, no: PageNo) {
        if let Some(count) = self.references.get_mut(no.get() as usize) {
            *count = count.saturating_add(1);
        }
    }

    fn is_no_tree_page(&self, no: PageNo) -> bool {
        let header = &self.pages.header;
        header.auto_vacuum != AutoVacuum::None
            && is_map_page(no, header.page_size as usize, self.pages.usable())
    }

    fn limits(&self, kind: TreeKind) -> PayloadLimits {
        kind.limits(self.pages.usable())
    }

    /// The page and its kind, if it is one of a tree. A cell count that the page has no room for is cut.
    fn tree_page(&self, no: PageNo) -> Result<Option<(Vec<u8>, PageKind)>> {
        let Some(mut page) = self.pages.page(no)? else {
            return Ok(None);
        };
        let usable = self.pages.usable();
        let start = crate::format::page::header_start(no);
        let Some(kind) = page.get(start).copied().and_then(PageKind::from_byte) else {
            return Ok(None);
        };
        if PageRef::parse(no, &page, usable).is_err() {
            let most = (usable - start - kind.header_len()) / 2;
            let most = u16::try_from(most).unwrap_or(u16::MAX);
            page[start + 3..start + 5].copy_from_slice(&most.to_be_bytes());
        }
        Ok(PageRef::parse(no, &page, usable).is_ok().then_some((page, kind)))
    }

    fn count_references(&mut self) -> Result<()> {
        for number in 1..=self.pages.count {
            let Some(no) = PageNo::new(number).filter(|no| !self.is_no_tree_page(*no)) else {
                continue;
            };
            let mut children = Vec::new();
            self.children_of(no, &mut children)?;
            for child in children {
                self.refer(child);
            }
        }
        Ok(())
    }

    /// The children of an interior page; none of any other page.
    fn children_of(&self, no: PageNo, children: &mut Vec<PageNo>) -> Result<()> {
        if let Some((page, kind)) = self.tree_page(no)?
            && !kind.is_leaf()
            && let Ok(view) = PageRef::parse(no, &page, self.pages.usable())
        {
            children.extend((0..=view.count()).filter_map(|index| view.child(index).ok()));
        }
        Ok(())
    }

    /// The parents of pages that no walk has reached, among such pages.
    fn stray_parents(&self) -> Result<FxHashMap<u32, u32>> {
        let mut above = FxHashMap::default();
        let mut children = Vec::new();
        for number in 2..=self.pages.count {
            let Some(no) = PageNo::new(number).filter(|no| !self.is_seen(*no)) else {
                continue;
            };
            if !self.is_no_tree_page(no) {
                children.clear();
                self.children_of(no, &mut children)?;
                above.extend(children.iter().map(|child| (child.get(), number)));
            }
        }
        Ok(above)
    }

    // ---- cells -----------------------------------------------------------------------------------

    /// All rows of one page, whatever tree it belongs to; of interior pages of table trees there are none.
    fn rows_of_page<E: From<crate::Error>>(
        &mut self,
        root: PageNo,
        no: PageNo,
        page: &[u8],
        take: &mut TakeRow<'_, E>,
    ) -> Result<WalkTally, E> {
        let mut tally = WalkTally::default();
        let Ok(view) = PageRef::parse(no, page, self.pages.usable()) else {
            return Ok(tally);
        };
        let kind = view.kind();
        if kind == PageKind::TableInterior {
            return Ok(tally);
        }
        let tree = if kind.is_table() {
            TreeKind::Table
        } else {
            TreeKind::Index
        };
        let limits = self.limits(tree);
        let mut taken = vec![false; page.len()];
        let mut payload = Vec::new();
        for index in 0..view.count() {
            // Two pointers to one cell are one row.
            let fresh = view
                .cell_offset(index)
                .is_ok_and(|offset| !std::mem::replace(&mut taken[offset], true));
            let cell = view
                .cell(index, &limits)
                .ok()
                .filter(|cell| fresh && has_record(cell));
            let Some(cell) = cell else {
                tally.lost_cells += 1;
                continue;
            };
            self.payload_of(&cell, &mut payload)?;
            tally.rows += 1;
            tally.cut += u64::from(payload.len() < cell.total);
            take(SalvagedRow {
                root,
                page: no,
                rowid: kind.is_table().then_some(cell.rowid),
                payload: &payload,
                total: cell.total,
            })?;
        }
        Ok(tally)
    }

    /// What can be read of a payload; the pages of its chain are marked.
    fn payload_of(&mut self, cell: &Cell<'_>, payload: &mut Vec<u8>) -> Result<()> {
        payload.clear();
        payload.extend_from_slice(cell.local);
        let part = self.pages.usable() - 4;
        let mut next = cell.overflow;
        while let Some(no) = next.filter(|_| payload.len() < cell.total) {
            if self.chain_pages_left == 0 {
                return Ok(());
            }
            self.chain_pages_left -= 1;
            let Some(page) = self.pages.page(no)? else {
                return Ok(());
            };
            self.mark(no);
            let rest = (cell.total - payload.len()).min(part);
            payload.extend_from_slice(&page[4..4 + rest]);
            next = read_page_no(&page, 0);
        }
        Ok(())
    }
}

/// Whether the part of the record in the cell can be the start of one.
fn has_record(cell: &Cell<'_>) -> bool {
    if cell.total == 0 {
        return false;
    }
    let Ok(columns) = record::columns_of(cell.local, cell.total) else {
        return false;
    };
    let Some(mut columns) = columns else {
        // The header is longer than what lies here: nothing speaks against it.
        return true;
    };
    loop {
        match columns.next_field() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// The last page on the way up; bounded, because pages may name each other in a circle.
fn topmost(above: &FxHashMap<u32, u32>, no: PageNo) -> PageNo {
    let mut at = no.get();
    for _ in 0..crate::btree::DEPTH_MAX {
        match above.get(&at) {
            Some(parent) if *parent != at => at = *parent,
            _ => break,
        }
    }
    PageNo::new(at).unwrap_or(no)
}

impl std::fmt::Debug for Salvage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Salvage")
            .field("header", &self.pages.header)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
