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
//! - V5. What looks sound is held against its neighbours: bytes of a page that do not add up, row ids out of order, chains that are too long or
//!   lead to a page of another, pages that nothing names. So damage is known of even where no page is missing.
//! - V6. A page of a tree is no part of an overflow chain: a damaged chain does not take rows away.
//!
//! Another connection must not write at the same time. With a rollback journal the SHARED lock sees to that.

mod guess;
mod layout;
mod source;
mod walk;

use std::path::Path;

use rustc_hash::FxHashMap;

pub use source::{SalvagedHeader, Stop};

use crate::btree::TreeKind;
use crate::btree::pointer_map::is_map_page;
use crate::error::Result;
use crate::format::cell::{Cell, PayloadLimits};
use crate::format::page::{PageKind, PageRef, header_start, read_page_no, read_u32};
use crate::format::{AutoVacuum, PageNo, record};
use crate::vfs::Vfs;
use layout::{Layout, layout_of};
use source::Pages;
use walk::Bounds;

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
    /// Rows that are all there, but against which something speaks: a row id out of order, values that end before the record does, an overflow
    /// chain that is too long or that another row has as well.
    pub doubtful: u64,
    /// Pages whose bytes do not add up: cells may be missing, or not be what they were.
    pub odd_pages: u64,
}

impl WalkTally {
    /// Whether nothing is known to be missing, and nothing speaks against what is there.
    pub fn is_whole(&self) -> bool {
        self.cut == 0
            && self.lost_pages == 0
            && self.lost_cells == 0
            && self.doubtful == 0
            && self.odd_pages == 0
    }

    /// Adds what another walk met.
    pub fn add(&mut self, other: WalkTally) {
        self.rows += other.rows;
        self.cut += other.cut;
        self.lost_pages += other.lost_pages;
        self.lost_cells += other.lost_cells;
        self.doubtful += other.doubtful;
        self.odd_pages += other.odd_pages;
    }
}

/// A damaged file, open for reading.
pub struct Salvage {
    pages: Pages,
    /// Pages whose content has been taken, or is known not to be rows (V1).
    seen: Vec<u64>,
    /// Pages that are in the chain of some row.
    chained: Vec<u64>,
    /// How many interior pages and roots point to a page, up to two (V2).
    references: Vec<u8>,
    chain_pages_left: u64,
}

/// A page of a tree.
struct TreePage {
    bytes: Vec<u8>,
    kind: PageKind,
    /// Its bytes do not add up, or did not with the count that it had.
    is_odd: bool,
}

/// Gets each row; what it returns as an error ends the walk.
pub type TakeRow<'t, E> = dyn FnMut(SalvagedRow<'_>) -> Result<(), E> + 't;

impl Salvage {
    /// Opens a file, whatever is in it. A log or a hot journal beside it counts, but is not written back.
    ///
    /// # Errors
    /// Those of opening, locking and reading.
    pub fn open(vfs: &dyn Vfs, path: &Path) -> Result<Salvage> {
        Salvage::open_until(vfs, path, None)
    }

    /// As [`Salvage::open`]; when `stop` is true, this and whatever is done later ends with [`Error::Interrupt`](crate::Error::Interrupt).
    ///
    /// # Errors
    /// As [`Salvage::open`].
    pub fn open_until(vfs: &dyn Vfs, path: &Path, stop: Option<Stop>) -> Result<Salvage> {
        let pages = Pages::open(vfs, path, stop)?;
        let count = pages.count as usize;
        let mut salvage = Salvage {
            seen: vec![0; count / 64 + 1],
            chained: vec![0; count / 64 + 1],
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

    /// How many pages nothing has led to by now: no tree, no overflow chain, no freelist. After all walks and
    /// [`Salvage::skip_freelist`] a sound file has none.
    pub fn unnamed_pages(&self) -> u32 {
        // Behind the end that a sound header tells there may be anything.
        let told = self.pages.header.page_count.unwrap_or(self.pages.count);
        let lock_byte = PageNo::lock_byte_page(self.pages.header.page_size as usize);
        let pages = (1..=told.min(self.pages.count)).filter_map(PageNo::new);
        pages
            .filter(|no| !self.is_seen(*no) && *no != lock_byte && !self.is_no_tree_page(*no))
            .count() as u32
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
            let Some(page) = self.tree_page(no, |kind| kind != PageKind::TableInterior)? else {
                continue;
            };
            let mut any = false;
            let root = topmost(&above, no);
            let found = self.rows_of_page::<E>(root, no, &page, Bounds::NONE, &mut |row| {
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
        has_bit(&self.seen, no)
    }

    /// Marks a page; false if it was marked, or is not in the file.
    fn mark(&mut self, no: PageNo) -> bool {
        no.get() <= self.pages.count && set_bit(&mut self.seen, no)
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

    /// The page, if it is one of a tree and its kind is `wanted`. A wrong cell count is put right, or cut to what the page has room for.
    fn tree_page(&self, no: PageNo, wanted: impl Fn(PageKind) -> bool) -> Result<Option<TreePage>> {
        let Some(bytes) = self.pages.page(no)? else {
            return Ok(None);
        };
        let start = header_start(no);
        let kind = bytes.get(start).copied().and_then(PageKind::from_byte);
        Ok(kind
            .filter(|kind| wanted(*kind))
            .map(|kind| self.counted(no, bytes, kind)))
    }

    fn counted(&self, no: PageNo, mut bytes: Vec<u8>, kind: PageKind) -> TreePage {
        let (usable, start) = (self.pages.usable(), header_start(no));
        let limits = self.limits(tree_of(kind));
        let layout = layout_of(no, &bytes[..usable], kind, &limits);
        let count = match layout {
            Layout::Sound => None,
            Layout::OtherCount(count) => Some(count),
            Layout::Odd if PageRef::parse(no, &bytes, usable).is_ok() => None,
            Layout::Odd => u16::try_from((usable - start - kind.header_len()) / 2).ok(),
        };
        if let Some(count) = count {
            bytes[start + 3..start + 5].copy_from_slice(&count.to_be_bytes());
        }
        TreePage {
            bytes,
            kind,
            is_odd: layout != Layout::Sound,
        }
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
        if let Some(page) = self.tree_page(no, |kind| !kind.is_leaf())?
            && let Ok(view) = PageRef::parse(no, &page.bytes, self.pages.usable())
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
        page: &TreePage,
        bounds: Bounds,
        take: &mut TakeRow<'_, E>,
    ) -> Result<WalkTally, E> {
        let mut tally = WalkTally {
            odd_pages: u64::from(page.is_odd),
            ..WalkTally::default()
        };
        let Ok(view) = PageRef::parse(no, &page.bytes, self.pages.usable()) else {
            return Ok(tally);
        };
        let kind = page.kind;
        if kind == PageKind::TableInterior {
            return Ok(tally);
        }
        let limits = self.limits(tree_of(kind));
        let mut order = bounds.order();
        let mut taken = vec![false; page.bytes.len()];
        let mut payload = Vec::new();
        for index in 0..view.count() {
            // Two pointers to one cell are one row.
            let fresh = view
                .cell_offset(index)
                .is_ok_and(|offset| !std::mem::replace(&mut taken[offset], true));
            let cell = view.cell(index, &limits).ok().filter(|_| fresh);
            let Some((cell, is_exact)) = cell.and_then(|cell| Some((cell, record_of(&cell)?))) else {
                tally.lost_cells += 1;
                continue;
            };
            let is_own_chain = self.payload_of(&cell, &mut payload)?;
            let is_in_order = !kind.is_table() || order.admits(cell.rowid);
            tally.rows += 1;
            tally.cut += u64::from(payload.len() < cell.total);
            tally.doubtful += u64::from(!is_exact || !is_own_chain || !is_in_order);
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

    /// What can be read of a payload; the pages of its chain are marked. Whether nothing speaks against the chain, as far as it goes.
    fn payload_of(&mut self, cell: &Cell<'_>, payload: &mut Vec<u8>) -> Result<bool> {
        payload.clear();
        payload.extend_from_slice(cell.local);
        let part = self.pages.usable() - 4;
        let (mut next, mut is_own) = (cell.overflow, true);
        while let Some(no) = next.filter(|_| payload.len() < cell.total) {
            if self.chain_pages_left == 0 {
                return Ok(is_own);
            }
            self.chain_pages_left -= 1;
            let page = self.pages.page(no)?;
            let Some(page) = page.filter(|page| !self.is_no_chain_page(no, page)) else {
                return Ok(is_own);
            };
            is_own &= set_bit(&mut self.chained, no);
            self.mark(no);
            let rest = (cell.total - payload.len()).min(part);
            payload.extend_from_slice(&page[4..4 + rest]);
            next = read_page_no(&page, 0);
        }
        Ok(is_own && (next.is_none() || payload.len() < cell.total))
    }

    /// Whether a page is one of the kinds that are no part of a chain (V6). What begins as a page of a tree does is one: the number of a next
    /// page is never that large, unless the file is.
    fn is_no_chain_page(&self, no: PageNo, page: &[u8]) -> bool {
        let is_outside = read_u32(page, 0).is_none_or(|next| next > self.pages.count);
        let is_tree = is_outside && PageRef::parse(no, page, self.pages.usable()).is_ok();
        no == PageNo::ONE || is_tree
    }
}

/// The kind of tree that has such pages.
fn tree_of(kind: PageKind) -> TreeKind {
    if kind.is_table() {
        TreeKind::Table
    } else {
        TreeKind::Index
    }
}

fn has_bit(bits: &[u64], no: PageNo) -> bool {
    let at = no.get() as usize;
    bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

/// Sets a page's bit; false if it was set, or has no room.
fn set_bit(bits: &mut [u64], no: PageNo) -> bool {
    let (at, is_set) = (no.get() as usize, has_bit(bits, no));
    match bits.get_mut(at / 64) {
        Some(word) => *word |= 1 << (at % 64),
        None => return false,
    }
    !is_set
}

/// Whether the lengths of the values add up to that of the record, as far as can be seen; `None` where the part of it in the cell cannot be
/// the start of a record.
fn record_of(cell: &Cell<'_>) -> Option<bool> {
    if cell.total == 0 {
        return None;
    }
    let Some(mut columns) = record::columns_of(cell.local, cell.total).ok()? else {
        // The header is longer than what lies here: nothing speaks against it.
        return Some(true);
    };
    let mut end = None;
    while let Some(field) = columns.next_field().ok()? {
        end = Some(field.offset + field.len);
    }
    Some(end.is_none_or(|end| end == cell.total))
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
