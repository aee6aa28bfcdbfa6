//! [`BulkBuilder`]: a tree built from rows that come in order, bottom up.
//!
//! ```text
//!   level 2                     │ . . │                      the page of each level that is being filled
//!   level 1        ▓▓▓▓▓▓▓      │ . . . . │                  is kept aside; a full one gets its place
//!   level 0        ▓▓▓ ▓▓▓ ▓▓▓ ▓▓▓ │ . . . │ ◀── next row    in the file and a divider above
//! ```
//!
//! No page is looked at twice and every page but the last of each level is full. When a page of an index tree is full, its last cell becomes the
//! divider, so that the page begun next is never empty. At the end each level's last page becomes the right child of the page above it,
//! and the topmost page's cells go to the root.

use super::edit::{PageEdit, Span};
use super::pointer_map::{self, Use};
use super::tree::TreeKind;
use super::{freelist, overflow};
use crate::error::{Error, Result, corrupt};
use crate::format::cell::{CellHead, PAYLOAD_LEN_MAX, PayloadLimits};
use crate::format::page::{PageKind, PageRef, header_start};
use crate::format::record::{self, EncodedSize};
use crate::format::{PageNo, ValueRef};
use crate::pager::Pager;

/// Fills an empty tree from rows in ascending order.
///
/// Nothing of the tree can be read before [`finish`](BulkBuilder::finish), and nothing else may change the tree until then.
pub struct BulkBuilder {
    root: PageNo,
    kind: TreeKind,
    limits: PayloadLimits,
    usable: usize,
    mapped: bool,
    levels: Vec<Filling>,
    last_rowid: Option<i64>,
    /// The cell that is being built.
    cell: Vec<u8>,
}

/// The page of one level that is being filled. It is no page of the file yet.
struct Filling {
    bytes: Vec<u8>,
    kind: PageKind,
}

/// A number for pages that have none yet: anything but page 1, whose cells begin later.
const UNPLACED: PageNo = PageNo::new(2).unwrap();

impl BulkBuilder {
    /// Begins to fill the tree with this root, which has to be empty.
    ///
    /// # Errors
    /// [`Error::Misuse`] when the tree has rows.
    pub fn new(pager: &Pager, root: PageNo, kind: TreeKind) -> Result<BulkBuilder> {
        let usable = pager.usable_size();
        let page = pager.page(root)?;
        let page = PageRef::parse(root, &page, usable)?;
        if page.kind() != kind.leaf() {
            return Err(Error::Misuse(
                "only an empty tree of the same kind can be filled in bulk",
            ));
        }
        if page.count() != 0 {
            return Err(Error::Misuse("only an empty tree can be filled in bulk"));
        }
        let mut builder = BulkBuilder {
            root,
            kind,
            limits: kind.limits(usable),
            usable,
            mapped: pointer_map::is_kept(pager)?,
            levels: Vec::new(),
            last_rowid: None,
            cell: Vec::new(),
        };
        builder.begin_level(kind.leaf());
        Ok(builder)
    }

    /// Adds a row behind all rows so far. Table trees only.
    ///
    /// # Errors
    /// [`Error::Misuse`] when `rowid` is not above the last, [`Error::TooBig`].
    pub fn push_row(&mut self, pager: &mut Pager, rowid: i64, payload: &[u8]) -> Result<()> {
        if self.kind != TreeKind::Table || self.last_rowid.is_some_and(|last| rowid <= last) {
            return Err(Error::Misuse(
                "rows have to be added to a table tree in ascending order",
            ));
        }
        self.push_payload(pager, CellHead::table_leaf(payload.len(), rowid), payload)?;
        self.last_rowid = Some(rowid);
        Ok(())
    }

    /// Adds a record behind all records so far. Index trees only. That it belongs there is not checked.
    pub fn push_record(&mut self, pager: &mut Pager, record: &[u8]) -> Result<()> {
        if self.kind != TreeKind::Index {
            return Err(Error::Misuse("records are added to index trees"));
        }
        self.push_payload(pager, CellHead::index_leaf(record.len()), record)
    }

    /// As [`push_record`](Self::push_record) with the record of `values`, which is encoded straight into the page.
    pub fn push_values(&mut self, pager: &mut Pager, values: &[ValueRef<'_>]) -> Result<()> {
        let size = EncodedSize::of(values);
        let len = size.total();
        if self.kind == TreeKind::Index && len <= self.limits.max_local {
            let head = CellHead::index_leaf(len);
            let head = head.as_slice();
            if let Some(out) = self.page(0)?.0.append(head.len() + len) {
                let (out_head, out_record) = out.split_at_mut(head.len());
                out_head.copy_from_slice(head);
                record::write(values, size, out_record);
                return Ok(());
            }
        }
        let mut record = Vec::with_capacity(len);
        record::encode(values, &mut record);
        self.push_record(pager, &record)
    }

    /// Writes the pages that are not full yet, and the root.
    pub fn finish(mut self, pager: &mut Pager) -> Result<()> {
        let top = self.levels.len() - 1;
        for level in 0..top {
            let no = self.write_out(pager, level)?;
            self.page(level + 1)?.set_right(no)?;
        }
        if header_start(self.root) > 0 && self.used(top)? + header_start(self.root) > self.usable {
            // Page 1 has no room for all cells: it becomes the parent of the topmost page.
            let no = self.write_out(pager, top)?;
            self.begin_level(self.kind.leaf().interior());
            self.page(top + 1)?.set_right(no)?;
        }
        self.write_root(pager)
    }

    #[inline]
    fn push_payload(&mut self, pager: &mut Pager, head: CellHead, payload: &[u8]) -> Result<()> {
        let head = head.as_slice();
        if payload.len() <= self.limits.max_local {
            let mut leaf = self.page(0)?;
            if let Some(out) = leaf.0.append(head.len() + payload.len()) {
                let (out_head, out_payload) = out.split_at_mut(head.len());
                out_head.copy_from_slice(head);
                out_payload.copy_from_slice(payload);
                return Ok(());
            }
        }
        if payload.len() > PAYLOAD_LEN_MAX {
            return Err(Error::TooBig);
        }
        let (local, rest) = payload.split_at(self.limits.local(payload.len()));
        let mut cell = std::mem::take(&mut self.cell);
        cell.clear();
        cell.extend_from_slice(head);
        cell.extend_from_slice(local);
        if !rest.is_empty() {
            let first = overflow::write(pager, rest, self.root)?;
            cell.extend_from_slice(&first.get().to_be_bytes());
        }
        let result = self.push_cell(pager, 0, &cell);
        self.cell = cell;
        result
    }

    /// Adds a cell at a level; a page that is full for it goes to the file, and a divider to the level above.
    fn push_cell(&mut self, pager: &mut Pager, mut level: usize, cell: &[u8]) -> Result<()> {
        let mut cell = std::borrow::Cow::Borrowed(cell);
        loop {
            if let Some(out) = self.page(level)?.0.append(cell.len()) {
                out.copy_from_slice(&cell);
                return Ok(());
            }
            let divider = self.close_page(pager, level)?;
            match self.page(level)?.0.append(cell.len()) {
                Some(out) => out.copy_from_slice(&cell),
                None => return Err(Error::TooBig),
            }
            level += 1;
            if level == self.levels.len() {
                self.begin_level(self.kind.leaf().interior());
            }
            cell = divider.into();
        }
    }

    /// Writes the full page of a level, begins the next one, and returns the divider.
    fn close_page(&mut self, pager: &mut Pager, level: usize) -> Result<Vec<u8>> {
        let (kind, limits) = (self.levels[level].kind, self.limits);
        let mut page = self.page(level)?;
        let last = page.0.count().checked_sub(1).ok_or(Error::TooBig)?;
        let view = page.0.as_ref();
        let cell = view.cell(last, &limits)?;
        if kind == PageKind::TableLeaf {
            let rowid = cell.rowid;
            let no = self.write_out(pager, level)?;
            return Ok(CellHead::table_interior(no, rowid).as_slice().to_vec());
        }
        let (child, key) = (
            cell.child,
            if kind.is_leaf() {
                cell.bytes
            } else {
                &cell.bytes[4..]
            },
        );
        let mut divider = vec![0; 4];
        divider.extend_from_slice(key);
        page.0.remove(last, &limits)?;
        if let Some(child) = child {
            page.set_right(child)?;
        }
        let no = self.write_out(pager, level)?;
        divider[..4].copy_from_slice(&no.get().to_be_bytes());
        Ok(divider)
    }

    /// Gives the page of a level its place in the file, and empties it.
    fn write_out(&mut self, pager: &mut Pager, level: usize) -> Result<PageNo> {
        let no = freelist::allocate(pager)?;
        let filling = &mut self.levels[level];
        pager.page_mut(no)?[..self.usable].copy_from_slice(&filling.bytes);
        if self.mapped {
            map_cells(pager, no, &filling.bytes, &self.limits)?;
        }
        PageEdit::init(UNPLACED, &mut filling.bytes, self.usable, filling.kind);
        Ok(no)
    }

    fn write_root(&mut self, pager: &mut Pager) -> Result<()> {
        let Some(top) = self.levels.pop() else {
            return Ok(());
        };
        let page = PageRef::parse(UNPLACED, &top.bytes, self.usable)?;
        let mut cells = Vec::with_capacity(page.count());
        for index in 0..page.count() {
            let range = page.cell_range(index, &self.limits)?;
            cells.push(Span {
                start: range.start,
                len: range.len(),
            });
        }
        let mut root = PageEdit::init(self.root, pager.page_mut(self.root)?, self.usable, top.kind);
        root.fill(&top.bytes, &cells)?;
        if !top.kind.is_leaf() {
            root.set_child(cells.len(), page.right_child()?)?;
        }
        if self.mapped {
            map_cells(pager, self.root, &top.bytes, &self.limits)?;
        }
        Ok(())
    }

    fn begin_level(&mut self, kind: PageKind) {
        let mut bytes = vec![0; self.usable];
        PageEdit::init(UNPLACED, &mut bytes, self.usable, kind);
        self.levels.push(Filling { bytes, kind });
    }

    #[inline]
    fn page(&mut self, level: usize) -> Result<Page<'_>> {
        let usable = self.usable;
        PageEdit::parse(UNPLACED, &mut self.levels[level].bytes, usable).map(Page)
    }

    fn used(&mut self, level: usize) -> Result<usize> {
        Ok(self.usable - self.page(level)?.0.free_bytes()?)
    }
}

struct Page<'a>(PageEdit<'a>);

impl Page<'_> {
    fn set_right(&mut self, child: PageNo) -> Result<()> {
        let count = self.0.count();
        self.0.set_child(count, child)
    }
}

/// Writes the pointer map entries of what hangs on page `no`, whose bytes up to the usable size are `bytes`.
fn map_cells(pager: &mut Pager, no: PageNo, bytes: &[u8], limits: &PayloadLimits) -> Result<()> {
    let page = PageRef::parse(UNPLACED, bytes, bytes.len())?;
    for index in 0..page.count() {
        let cell = page
            .cell(index, limits)
            .map_err(|_| corrupt(no, 0, "cell outside its page"))?;
        if let Some(child) = cell.child {
            pointer_map::put(pager, child, Use::Child(no))?;
        }
        if let Some(chain) = cell.overflow {
            pointer_map::put(pager, chain, Use::OverflowFirst(no))?;
        }
    }
    if !page.kind().is_leaf() {
        pointer_map::put(pager, page.right_child()?, Use::Child(no))?;
    }
    Ok(())
}
