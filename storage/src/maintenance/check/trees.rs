//! The walk over one tree: headers, free space, cells, order, depth, coverage of each byte.

use std::cmp::Ordering;

use super::finding::{FindingCode, NO_VALUES, Place, values};
use super::{Check, TreeRoot};
use crate::btree::pointer_map::Use;
use crate::btree::{DEPTH_MAX, TreeKind};
use crate::error::{Error, Result};
use crate::format::cell::{CELL_SIZE_MIN, PayloadLimits};
use crate::format::page::{PageKind, PageRef, read_page_no, read_u16, read_u32};
use crate::format::{PageNo, varint};

/// A cell as far as the check needs it.
struct CellParts<'a> {
    child: u32,
    rowid: i64,
    total: u64,
    local: &'a [u8],
    chain: u32,
    size: usize,
}

impl Check<'_> {
    // ---- trees -----------------------------------------------------------------------------------

    pub(super) fn tree(&mut self, tree: &TreeRoot) -> Result<()> {
        if self.is_full() {
            return Ok(());
        }
        self.at = Place::None;
        if tree.root != PageNo::ONE && self.whole {
            self.pointer_map_entry(tree.root.get(), Use::Root)?;
        }
        (self.order, self.kind, self.later) = (tree.order.clone(), tree.kind, None);
        self.tree_page(tree.root, tree.root.get(), i64::MAX, 0)?;
        Ok(())
    }

    /// Checks a page and all below it; returns its height (0 for a leaf, and for what could not be read) and
    /// the least row id seen.
    fn tree_page(&mut self, tree: PageNo, no: u32, ceiling: i64, depth: usize) -> Result<(i64, i64)> {
        let untouched = (0, ceiling);
        if self.is_full() || no == 0 {
            return Ok(untouched);
        }
        let outside = self.at;
        let Some(page_no) = self.refer(no) else {
            return Ok(untouched);
        };
        self.at = Place::Page { tree, page: page_no };
        let result = self.tree_page_at(tree, page_no, ceiling, depth, outside.named_cell());
        self.at = outside;
        result.map(|(height, least)| (height + 1, least))
    }

    fn tree_page_at(
        &mut self,
        tree: PageNo,
        no: PageNo,
        ceiling: i64,
        depth: usize,
        cell_above: usize,
    ) -> Result<(i64, i64)> {
        let untouched = (-1, ceiling);
        let Some(bytes) = self.page(no)? else {
            self.find(
                FindingCode::UnreadablePage,
                None,
                NO_VALUES,
                "unable to get the page. error code=11",
            );
            return Ok(untouched);
        };
        if depth >= DEPTH_MAX {
            let what = format_args!("btree depth exceeds {DEPTH_MAX}");
            self.find(FindingCode::TooDeep, None, NO_VALUES, what);
            return Ok(untouched);
        }
        let most = (self.pager.page_size() - 8) / 6;
        let page = match PageRef::parse(no, &bytes, self.usable) {
            Ok(page) if page.count() <= most => page,
            _ => {
                self.find(
                    FindingCode::BadPageHeader,
                    None,
                    NO_VALUES,
                    "btreeInitPage() returns error code 11",
                );
                return Ok(untouched);
            }
        };
        if !free_space_adds_up(&page) {
            self.find(
                FindingCode::BadFreeSpace,
                None,
                NO_VALUES,
                "free space corruption",
            );
            return Ok(untouched);
        }
        let kind = *self.kind.get_or_insert(if page.kind().is_table() {
            TreeKind::Table
        } else {
            TreeKind::Index
        });
        if page.kind().is_table() != (kind == TreeKind::Table) {
            self.find(
                FindingCode::WrongKind,
                None,
                NO_VALUES,
                "page belongs to another kind of tree",
            );
        }
        self.cells(tree, &page, ceiling, depth, cell_above)
    }

    fn cells(
        &mut self,
        tree: PageNo,
        page: &PageRef<'_>,
        mut ceiling: i64,
        depth: usize,
        cell_above: usize,
    ) -> Result<(i64, i64)> {
        let no = page.no();
        let is_leaf = page.kind().is_leaf();
        if is_leaf || !page.kind().is_table() {
            self.rows += page.count() as u64;
        }
        let mut height = -1;
        // A page's greatest row id may be the separator above it.
        let mut may_be_equal = true;
        if !is_leaf {
            let right = read_u32(page.bytes(), page.header_start() + 8).unwrap_or(0);
            if self.mapped {
                self.at = Place::RightEntry { tree, page: no };
                self.pointer_map_entry(right, Use::Child(no))?;
            }
            if !self.mapped {
                self.at = Place::RightChild {
                    tree,
                    page: no,
                    cell_above,
                };
            }
            (height, ceiling) = self.tree_page(tree, right, ceiling, depth + 1)?;
            may_be_equal = false;
        }
        let mut spans = Vec::with_capacity(page.count());
        let mut covers = true;
        for index in (0..page.count()).rev() {
            if self.is_full() {
                break;
            }
            self.at = Place::Cell {
                tree,
                page: no,
                cell: index,
                said_right: self.mapped && !is_leaf,
            };
            let Some((offset, cell)) = self.cell(page, index) else {
                covers = false;
                continue;
            };
            spans.push((offset, offset + cell.size));
            if page.kind().is_table() {
                self.rowid_order(cell.rowid, ceiling, may_be_equal);
                (ceiling, may_be_equal) = (cell.rowid, false);
            } else {
                self.entry_order(page, &cell)?;
            }
            if cell.total > cell.local.len() as u64 {
                let rest = cell.total - cell.local.len() as u64;
                self.pointer_map_entry(cell.chain, Use::OverflowFirst(no))?;
                self.overflow(cell.chain, rest.div_ceil(self.usable as u64 - 4))?;
            }
            if !is_leaf {
                self.pointer_map_entry(cell.child, Use::Child(no))?;
                let own_height;
                (own_height, ceiling) = self.tree_page(tree, cell.child, ceiling, depth + 1)?;
                may_be_equal = false;
                if own_height != height {
                    self.find(
                        FindingCode::ChildDepthDiffers,
                        None,
                        values(height, own_height),
                        "Child page depth differs",
                    );
                    height = own_height;
                }
            }
        }
        self.at = Place::None;
        if covers && !self.is_full() {
            self.coverage(page, spans);
        }
        Ok((height, ceiling))
    }

    /// Cell `index` and its offset, or `None` with a finding.
    fn cell<'a>(&mut self, page: &PageRef<'a>, index: usize) -> Option<(usize, CellParts<'a>)> {
        let offset = usize::from(read_u16(page.bytes(), page.pointers_start() + 2 * index).unwrap_or(0));
        let (from, to) = (page.content_start(), self.usable - 4);
        if offset < from || offset > to {
            let what = format_args!("Offset {offset} out of range {from}..{to}");
            self.find(
                FindingCode::CellOffsetOutOfRange,
                None,
                values(from, offset),
                what,
            );
            self.set_offset(page.pointers_start() + 2 * index);
            return None;
        }
        let cell = parse_cell(page, offset).filter(|cell| offset + cell.size <= self.usable);
        if cell.is_none() {
            self.find(
                FindingCode::CellOffPage,
                None,
                NO_VALUES,
                "Extends off end of page",
            );
            self.set_offset(offset);
        }
        let cell = cell?;
        if cell.total > 0 && cell.local.first().is_some_and(|&len| len < 2) {
            self.find(
                FindingCode::BadCellHeader,
                None,
                NO_VALUES,
                "Bad cell header size",
            );
            self.set_offset(offset);
            return None;
        }
        if cell.total > i32::MAX as u64 {
            let what = format_args!("payload of {} bytes is longer than the format allows", cell.total);
            self.find(
                FindingCode::PayloadTooLong,
                None,
                values(i32::MAX, cell.total),
                what,
            );
            self.set_offset(offset);
        }
        Some((offset, cell))
    }

    fn rowid_order(&mut self, rowid: i64, ceiling: i64, may_be_equal: bool) {
        if rowid > ceiling || (rowid == ceiling && !may_be_equal) {
            let what = format_args!("Rowid {rowid} out of order");
            self.find(FindingCode::RowidOutOfOrder, None, values(ceiling, rowid), what);
        }
    }

    /// The bytes of cells and freeblocks do not overlap, and those between them are the fragments that the header counts.
    fn coverage(&mut self, page: &PageRef<'_>, mut spans: Vec<(usize, usize)>) {
        let mut at = page.first_freeblock();
        while at != 0 {
            let len = usize::from(read_u16(page.bytes(), at + 2).unwrap_or(0));
            spans.push((at, at + len));
            at = usize::from(read_u16(page.bytes(), at).unwrap_or(0));
        }
        spans.sort_unstable();
        let (mut end, mut fragments) = (page.content_start(), 0);
        let mut spans = spans.into_iter();
        while let Some((from, to)) = spans.next() {
            if end > from {
                let what = format_args!("Multiple uses for byte {from} of page {}", page.no());
                self.find(FindingCode::Overlap, Some(page.no()), NO_VALUES, what);
                self.set_offset(from);
                if spans.len() > 0 {
                    return;
                }
                break;
            }
            fragments += from - end;
            end = to;
        }
        fragments += self.usable.saturating_sub(end);
        if fragments != page.fragments() {
            let what = format_args!(
                "Fragmentation of {fragments} bytes reported as {} on page {}",
                page.fragments(),
                page.no()
            );
            self.find(
                FindingCode::Fragmentation,
                Some(page.no()),
                values(fragments, page.fragments()),
                what,
            );
            self.set_offset(page.header_start() + 7);
        }
    }

    // ---- index entries ---------------------------------------------------------------------------

    /// With a known order, the entry has to come before the one looked at before it. Entries of interior pages are compared with their
    /// neighbours to the right only when the walk meets them, which is after their right subtree and before their left.
    fn entry_order(&mut self, page: &PageRef<'_>, cell: &CellParts<'_>) -> Result<()> {
        let Some(order) = self.order.clone() else {
            return Ok(());
        };
        let mut record = std::mem::take(&mut self.before_later);
        record.clear();
        record.extend_from_slice(cell.local);
        if (record.len() as u64) < cell.total && !self.assemble(cell, &mut record)? {
            return Ok(());
        }
        if let Some(later) = self.later.take() {
            match order.compare_records(&record, &later) {
                Ok(Ordering::Less) => {}
                Ok(_) => self.find(
                    FindingCode::EntryOutOfOrder,
                    Some(page.no()),
                    NO_VALUES,
                    "Entry out of order",
                ),
                Err(Error::Corrupt { what, .. }) => {
                    self.find(FindingCode::BadRecord, Some(page.no()), NO_VALUES, what)
                }
                Err(other) => return Err(other),
            }
            self.before_later = later;
        }
        self.later = Some(record);
        Ok(())
    }

    fn assemble(&mut self, cell: &CellParts<'_>, record: &mut Vec<u8>) -> Result<bool> {
        let most = u64::from(self.pager.page_count()) * self.usable as u64;
        if cell.total > most {
            return Ok(false);
        }
        let mut next = PageNo::new(cell.chain);
        while (record.len() as u64) < cell.total {
            let Some(no) = next else { return Ok(false) };
            let Some(page) = self.page(no)? else {
                return Ok(false);
            };
            let part = (cell.total as usize - record.len()).min(self.usable - 4);
            let Some(bytes) = page.get(4..4 + part) else {
                return Ok(false);
            };
            record.extend_from_slice(bytes);
            next = read_page_no(&page, 0);
        }
        Ok(true)
    }
}

/// The header's free space as SQLite computes it, which tolerates what it can live with.
fn free_space_adds_up(page: &PageRef<'_>) -> bool {
    let bytes = page.bytes();
    let mut free = page.fragments() + page.content_start();
    let mut at = page.first_freeblock();
    if at > 0 {
        if at < page.content_start() {
            return false;
        }
        loop {
            let (Some(next), Some(len)) = (read_u16(bytes, at), read_u16(bytes, at + 2)) else {
                return false;
            };
            let (next, len) = (usize::from(next), usize::from(len));
            free += len;
            if len < CELL_SIZE_MIN {
                return false;
            }
            if next < at + len + CELL_SIZE_MIN {
                if next > 0 || at + len > bytes.len() {
                    return false;
                }
                break;
            }
            at = next;
        }
    }
    free <= bytes.len() && free >= page.pointers_end()
}

/// Reads a cell that begins within the page; `None` when it does not end there. Lengths beyond the format's are let through.
fn parse_cell<'a>(page: &PageRef<'a>, offset: usize) -> Option<CellParts<'a>> {
    let (bytes, kind) = (page.bytes(), page.kind());
    let (mut at, mut child) = (offset, 0);
    if !kind.is_leaf() {
        child = read_u32(bytes, at)?;
        at += 4;
    }
    let mut cell = CellParts {
        child,
        rowid: 0,
        total: 0,
        local: &[],
        chain: 0,
        size: 0,
    };
    if kind != PageKind::TableInterior {
        (cell.total, at) = varint::read_at(bytes, at)?;
    }
    if kind.is_table() {
        let (rowid, next) = varint::read_at(bytes, at)?;
        (cell.rowid, at) = (rowid as i64, next);
    }
    if kind != PageKind::TableInterior {
        let usable = bytes.len();
        let limits = if kind.is_table() {
            PayloadLimits::table(usable)
        } else {
            PayloadLimits::index(usable)
        };
        let total = usize::try_from(cell.total).ok()?;
        let local = limits.local(total);
        cell.local = bytes.get(at..at + local)?;
        at += local;
        if local < total {
            cell.chain = read_u32(bytes, at)?;
            at += 4;
        }
    }
    cell.size = (at - offset).max(CELL_SIZE_MIN);
    Some(cell)
}
