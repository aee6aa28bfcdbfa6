//! The integrity check: every page is read, and every contradiction becomes a [`Finding`].
//!
//! ```text
//!   freelist ──▶ each tree from its root, right to left ──▶ pages that nothing refers to
//!                 page header, free space, cells, row id order,
//!                 overflow chains, depth, pointer map, coverage of each byte
//! ```
//!
//! The walk has the order of SQLite's, and findings that SQLite has, too, come in its words, so that `PRAGMA integrity_check` prints the same
//! lines. A finding also has its parts as data. What SQLite does not look for has codes of its own: [`FindingCode::is_ours`].
//!
//! - C1. Each page is visited at most once: a page with two references is a finding and not followed again. So the check ends.
//! - C2. Trees deeper than any well-formed tree are not followed further, so the recursion is bounded.
//! - C3. Damage is a finding, never an error; an error is what the world says (I/O, interrupt).

mod finding;
mod trees;

use std::fmt;
use std::sync::Arc;

pub use finding::{Finding, FindingCode};
use finding::{NO_VALUES, Place, Values, values};

use crate::btree::TreeKind;
use crate::btree::freelist::leaves_max;
use crate::btree::pointer_map::{self, Use};
use crate::error::{Error, Result};
use crate::format::page::read_u32;
use crate::format::page_checksum::Verdict;
use crate::format::{KeyOrder, PageNo};
use crate::pager::{Page, Pager};

/// What to check and when to stop.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// Stop after this many findings.
    pub findings_max: usize,
    /// The roots given are all roots of the database: check the freelist, and that each page is used once.
    pub whole: bool,
}

impl Default for CheckOptions {
    fn default() -> CheckOptions {
        CheckOptions {
            findings_max: 100,
            whole: true,
        }
    }
}

/// A tree to check.
#[derive(Clone, Debug)]
pub struct TreeRoot {
    /// Its root page.
    pub root: PageNo,
    /// Its kind as the schema says, `None` to take whatever is there.
    pub kind: Option<TreeKind>,
    /// The order of an index tree's entries, `None` not to check it.
    pub order: Option<Arc<KeyOrder>>,
}

impl TreeRoot {
    /// A tree of which only the structure is checked.
    pub fn new(root: PageNo) -> TreeRoot {
        TreeRoot {
            root,
            kind: None,
            order: None,
        }
    }
}

/// The outcome of a check.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// What is wrong, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// The number of rows in each tree, in the order of the roots given.
    pub rows: Vec<u64>,
    /// Pages whose checksum is older than their content: SQLite wrote them. That is no contradiction. Looked for in a whole check.
    pub stale_checksums: Vec<PageNo>,
}

impl CheckReport {
    /// True when nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Checks the trees with these roots and, when they are all, that each page of the file is used once.
///
/// Reads every page of the trees. Needs an open transaction.
///
/// # Errors
/// I/O and the like; damage is not an error here.
pub fn check(pager: &Pager, roots: &[TreeRoot], options: &CheckOptions) -> Result<CheckReport> {
    let mut check = Check::new(pager, options)?;
    let header = check.first_page()?;
    let field = |at| header.as_deref().and_then(|page| read_u32(page, at)).unwrap_or(0);
    if options.whole {
        check.checksums()?;
        check.freelist(field(32), field(36))?;
        check.vacuum_fields(roots, field(52), field(64));
    }
    for tree in roots {
        check.rows = 0;
        check.tree(tree)?;
        check.report.rows.push(check.rows);
    }
    if options.whole {
        check.accounting();
    }
    Ok(check.report)
}

/// Words of one piece of the bit map of referenced pages, and the pages that it covers.
const WORDS_OF_PIECE: usize = 1024;
const PAGES_OF_PIECE: usize = 64 * WORDS_OF_PIECE;

struct Check<'p> {
    pager: &'p Pager,
    usable: usize,
    mapped: bool,
    findings_max: usize,
    whole: bool,
    /// A bit for each page, in pieces that are made when they are needed: a damaged file may claim any number of pages.
    referenced: Vec<Option<Box<[u64; WORDS_OF_PIECE]>>>,
    report: CheckReport,
    rows: u64,
    /// Where the walk is: this becomes the front of a message.
    at: Place,
    /// The last index record of the walk, which goes from right to left.
    later: Option<Vec<u8>>,
    /// The memory of the one before that.
    before_later: Vec<u8>,
    order: Option<Arc<KeyOrder>>,
    kind: Option<TreeKind>,
}

impl<'p> Check<'p> {
    fn new(pager: &'p Pager, options: &CheckOptions) -> Result<Check<'p>> {
        let pages = pager.page_count() as usize;
        let mut check = Check {
            pager,
            usable: pager.usable_size(),
            mapped: pages > 0 && pointer_map::is_kept(pager)?,
            findings_max: options.findings_max,
            whole: options.whole,
            referenced: vec![None; pages / PAGES_OF_PIECE + 1],
            report: CheckReport::default(),
            rows: 0,
            at: Place::None,
            later: None,
            before_later: Vec::new(),
            order: None,
            kind: None,
        };
        let lock_byte_page = PageNo::lock_byte_page(pager.page_size());
        if lock_byte_page.get() <= pager.page_count() {
            check.set_referenced(lock_byte_page);
        }
        Ok(check)
    }

    fn first_page(&mut self) -> Result<Option<Page>> {
        if self.pager.page_count() == 0 {
            Ok(None)
        } else {
            self.page(PageNo::ONE)
        }
    }

    // ---- findings --------------------------------------------------------------------------------

    fn is_full(&self) -> bool {
        self.report.findings.len() >= self.findings_max
    }

    fn find(
        &mut self,
        code: FindingCode,
        page: Option<PageNo>,
        (expected, found): Values,
        what: impl fmt::Display,
    ) {
        if self.is_full() {
            return;
        }
        let (tree, at_page, cell) = match self.at {
            Place::None | Place::Freelist => (None, None, None),
            Place::Page { tree, page }
            | Place::RightEntry { tree, page }
            | Place::RightChild { tree, page, .. } => (Some(tree), Some(page), None),
            Place::Cell { tree, page, cell, .. } => (Some(tree), Some(page), Some(cell)),
        };
        let message = format!("{}{what}", self.at);
        let page = page.or(at_page);
        self.report.findings.push(Finding {
            code,
            tree,
            page,
            cell,
            offset: None,
            expected,
            found,
            message,
        });
    }

    fn set_offset(&mut self, offset: usize) {
        if let Some(last) = self.report.findings.last_mut() {
            last.offset = Some(offset);
        }
    }

    /// The page, or `None` with the reader's finding when its bytes are damaged.
    fn page(&mut self, no: PageNo) -> Result<Option<Page>> {
        match self.pager.page(no) {
            Ok(page) => Ok(Some(page)),
            Err(Error::Corrupt { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    // ---- references ------------------------------------------------------------------------------

    fn is_referenced(&self, no: PageNo) -> bool {
        let no = no.get() as usize;
        let piece = self
            .referenced
            .get(no / PAGES_OF_PIECE)
            .and_then(Option::as_deref);
        piece.is_some_and(|piece| piece[no / 64 % WORDS_OF_PIECE] >> (no % 64) & 1 == 1)
    }

    fn set_referenced(&mut self, no: PageNo) {
        let no = no.get() as usize;
        if let Some(piece) = self.referenced.get_mut(no / PAGES_OF_PIECE) {
            let piece = piece.get_or_insert_with(|| Box::new([0; WORDS_OF_PIECE]));
            piece[no / 64 % WORDS_OF_PIECE] |= 1 << (no % 64);
        }
    }

    /// Notes a reference. `None` when the page does not exist or has been referred to before.
    fn refer(&mut self, no: u32) -> Option<PageNo> {
        let Some(page) = PageNo::new(no).filter(|_| no <= self.pager.page_count()) else {
            self.find(
                FindingCode::InvalidPageNumber,
                None,
                (None, Some(no.into())),
                format_args!("invalid page number {no}"),
            );
            return None;
        };
        if self.is_referenced(page) {
            let what = format_args!("2nd reference to page {no}");
            self.find(FindingCode::SecondReference, Some(page), NO_VALUES, what);
            return None;
        }
        self.set_referenced(page);
        Some(page)
    }

    fn pointer_map_entry(&mut self, no: u32, expected: Use) -> Result<()> {
        if !self.mapped {
            return Ok(());
        }
        let (kind, parent) = expected.to_entry();
        let entry = match PageNo::new(no).map(|page| pointer_map::raw_entry(self.pager, page)) {
            Some(Err(Error::Corrupt { .. })) | None => None,
            Some(Err(other)) => return Err(other),
            Some(Ok(entry)) => entry.filter(|(kind, _)| (1..=5).contains(kind)),
        };
        let Some((found_kind, found_parent)) = entry else {
            let what = format_args!("Failed to read ptrmap key={no}");
            self.find(FindingCode::PointerMap, PageNo::new(no), NO_VALUES, what);
            return Ok(());
        };
        if (found_kind, found_parent) != (kind, parent) {
            let what = format_args!(
                "Bad ptr map entry key={no} expected=({kind},{parent}) got=({found_kind},{found_parent})"
            );
            self.find(
                FindingCode::PointerMap,
                PageNo::new(no),
                values(parent, found_parent),
                what,
            );
        }
        Ok(())
    }

    // ---- lists -----------------------------------------------------------------------------------

    fn freelist(&mut self, first: u32, expected: u32) -> Result<()> {
        self.at = Place::Freelist;
        let before = self.report.findings.len();
        let mut left = i64::from(expected);
        let mut next = first;
        while next != 0 && !self.is_full() {
            let Some(no) = self.refer(next) else { break };
            left -= 1;
            let Some(page) = self.page(no)? else {
                self.unreadable(no);
                break;
            };
            self.pointer_map_entry(next, Use::Free)?;
            let count = read_u32(&page, 4).unwrap_or(0);
            if count > leaves_max(self.usable) {
                let what = format_args!("freelist leaf count too big on page {no}");
                self.find(
                    FindingCode::FreelistLeafCount,
                    Some(no),
                    (None, Some(count.into())),
                    what,
                );
                left -= 1;
            } else {
                for index in 0..count as usize {
                    let leaf = read_u32(&page, 8 + 4 * index).unwrap_or(0);
                    self.pointer_map_entry(leaf, Use::Free)?;
                    self.refer(leaf);
                }
                left -= i64::from(count);
            }
            next = read_u32(&page, 0).unwrap_or(0);
        }
        if left != 0 && before == self.report.findings.len() {
            let found = i64::from(expected) - left;
            let what = format_args!("size is {} but should be {expected}", found as u32);
            self.find(FindingCode::FreelistLength, None, values(expected, found), what);
        }
        self.at = Place::None;
        Ok(())
    }

    fn overflow(&mut self, first: u32, expected: u64) -> Result<()> {
        let before = self.report.findings.len();
        let mut left = expected as i64;
        let mut next = first;
        while next != 0 && !self.is_full() {
            let Some(no) = self.refer(next) else { break };
            left -= 1;
            let Some(page) = self.page(no)? else {
                self.unreadable(no);
                break;
            };
            next = read_u32(&page, 0).unwrap_or(0);
            if left > 0 {
                self.pointer_map_entry(next, Use::OverflowNext(no))?;
            }
        }
        if left != 0 && before == self.report.findings.len() {
            let found = expected as i64 - left;
            let what = format_args!(
                "overflow list length is {} but should be {expected}",
                found as u32
            );
            self.find(FindingCode::OverflowLength, None, values(expected, found), what);
        }
        Ok(())
    }

    /// Verifies the checksum of each page.
    fn checksums(&mut self) -> Result<()> {
        if !self.pager.has_page_checksums() {
            return Ok(());
        }
        for no in (1..=self.pager.page_count()).filter_map(PageNo::new) {
            if self.is_full() {
                break;
            }
            match self.pager.page_verdict(no) {
                Ok(Some(Verdict::Damaged)) => {
                    let what = format_args!("Page {no}: checksum does not match its content");
                    self.find(FindingCode::Checksum, Some(no), NO_VALUES, what);
                }
                Ok(Some(Verdict::Stale)) => self.report.stale_checksums.push(no),
                Ok(Some(Verdict::Good) | None) => {}
                Err(Error::Corrupt { .. }) => self.unreadable(no),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn unreadable(&mut self, no: PageNo) {
        let what = format_args!("failed to get page {no}");
        self.find(FindingCode::UnreadablePage, Some(no), NO_VALUES, what);
    }

    // ---- the whole file --------------------------------------------------------------------------

    fn vacuum_fields(&mut self, roots: &[TreeRoot], in_header: u32, incremental: u32) {
        if self.mapped {
            let largest = roots.iter().map(|tree| tree.root.get()).max().unwrap_or(0);
            if largest != in_header {
                let what = format_args!("max rootpage ({largest}) disagrees with header ({in_header})");
                self.find(
                    FindingCode::LargestRoot,
                    Some(PageNo::ONE),
                    values(largest, in_header),
                    what,
                );
                self.set_offset(52);
            }
        } else if incremental != 0 {
            let what = "incremental_vacuum enabled with a max rootpage of zero";
            self.find(
                FindingCode::IncrementalVacuum,
                Some(PageNo::ONE),
                values(0, incremental),
                what,
            );
            self.set_offset(64);
        }
    }

    fn accounting(&mut self) {
        let (page_size, usable) = (self.pager.page_size(), self.usable);
        for no in (1..=self.pager.page_count()).filter_map(PageNo::new) {
            if self.is_full() {
                break;
            }
            let is_map = self.mapped && pointer_map::is_map_page(no, page_size, usable);
            match (self.is_referenced(no), is_map) {
                (false, false) => {
                    self.find(
                        FindingCode::NeverUsed,
                        Some(no),
                        NO_VALUES,
                        format_args!("Page {no}: never used"),
                    );
                }
                (true, true) => {
                    let what = format_args!("Page {no}: pointer map referenced");
                    self.find(FindingCode::PointerMapReferenced, Some(no), NO_VALUES, what);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
