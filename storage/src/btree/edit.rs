//! Changes within one B-tree page.
//!
//! ```text
//!  header │ cell pointers │ gap ........ │ cell │ freeblock │ cell │ xx │ cell │ reserved
//!                                        ▲        next,size          fragment
//!                                        content start
//! ```
//!
//! Free space is the gap, the chain of freeblocks (ascending, at least four bytes each) and fragments (one to three bytes, only counted).
//! A cell is placed in a freeblock where one fits, else at the start of the content area; when the gap is too small but all free space
//! together is enough, the page is defragmented first.
//!
//! A page whose free space is all in the gap stays like that: the cells below one that goes move up over it, which is cheaper than a
//! chain that every later change has to walk. Only on large pages, where that may be far, does a freeblock remain.
//!
//! Free space that arises here is zeroed, so that what was deleted does not stay in the page.
//!
//! - E1. After each operation the header, the chain and the pointers describe the page completely (`free_bytes` adds up).
//! - E2. Whatever the page held before, nothing is read or written outside its usable part; a chain that contradicts itself
//!   is `Error::Corrupt`.

mod gathered;

pub(super) use gathered::Piece;
use smallvec::SmallVec;

use crate::error::{Error, Result, corrupt};
use crate::format::PageNo;
use crate::format::cell::{CELL_SIZE_MIN, PayloadLimits};
use crate::format::page::{PageKind, PageRef, header_start, read_u16};

/// More fragmented bytes than this on a page are not allowed (fileformat2 1.6), so allocation defragments before.
const FRAGMENTS_MAX: usize = 60;

/// The most bytes that are moved to keep a page without freeblocks.
const MOVED_MAX: usize = 4096;

/// A cell's place among other bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: usize,
    /// Bytes of the cell, not padded.
    pub(super) len: usize,
}

impl Span {
    /// Bytes that the cell takes on a page.
    #[inline(always)]
    pub(super) fn size(&self) -> usize {
        self.len.max(CELL_SIZE_MIN)
    }

    /// Bytes that the cell takes on a page, with its pointer.
    #[inline(always)]
    pub(super) fn cost(&self) -> usize {
        self.size() + 2
    }
}

/// A B-tree page that is being changed.
pub(super) struct PageEdit<'a> {
    /// The page's bytes up to the usable size.
    bytes: &'a mut [u8],
    no: PageNo,
    kind: PageKind,
    count: usize,
}

impl<'a> PageEdit<'a> {
    /// Reads the header of page `no`.
    #[inline]
    pub(super) fn parse(no: PageNo, bytes: &'a mut [u8], usable: usize) -> Result<PageEdit<'a>> {
        let page = PageRef::parse(no, bytes, usable)?;
        let (kind, count) = (page.kind(), page.count());
        Ok(PageEdit {
            bytes: &mut bytes[..usable],
            no,
            kind,
            count,
        })
    }

    /// Makes page `no` an empty page of `kind`; only the file header on page 1 and the reserved bytes stay.
    pub(super) fn init(no: PageNo, bytes: &'a mut [u8], usable: usize, kind: PageKind) -> PageEdit<'a> {
        let bytes = &mut bytes[..usable];
        let start = header_start(no);
        bytes[start..start + kind.header_len()].fill(0);
        bytes[start] = kind as u8;
        let mut page = PageEdit {
            bytes,
            no,
            kind,
            count: 0,
        };
        page.set_content_start(usable);
        page
    }

    /// The page for reading.
    #[inline]
    pub(super) fn as_ref(&self) -> PageRef<'_> {
        PageRef::checked(
            self.no,
            self.bytes,
            self.bytes.len(),
            self.kind,
            self.count as u16,
        )
    }

    /// The number of cells.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Places a cell of `len` bytes as cell `index` and hands out its bytes; `None` when the page has no room.
    #[inline]
    pub(super) fn place(
        &mut self,
        index: usize,
        len: usize,
        limits: &PayloadLimits,
    ) -> Result<Option<&mut [u8]>> {
        let size = len.max(CELL_SIZE_MIN);
        if index > self.count {
            return Err(self.corrupt(
                header_start(self.no) + 3,
                "page has fewer cells than the tree says",
            ));
        }
        let Some(at) = self.allocate(size, limits)? else {
            return Ok(None);
        };
        self.open_pointer(index, at);
        if len < size {
            self.bytes[at + len..at + size].fill(0);
        }
        Ok(Some(&mut self.bytes[at..at + len]))
    }

    /// Places all cells of an empty page, from its end downwards. Cells that follow each other downwards in `source`, as on a page
    /// written by this function, are copied together.
    pub(super) fn fill(&mut self, source: &[u8], cells: &[Span]) -> Result<()> {
        let pointers = header_start(self.no) + self.kind.header_len();
        let used: usize = cells.iter().map(Span::cost).sum();
        if pointers + used > self.bytes.len() {
            return Err(self.corrupt(pointers, "cells do not fit their page"));
        }
        let mut content = self.bytes.len();
        let mut rest = cells;
        let mut pointer = pointers;
        while let Some(first) = rest.first() {
            let top = first.start + first.size();
            let run = 1 + rest
                .windows(2)
                .take_while(|pair| pair[1].start + pair[1].size() == pair[0].start)
                .count();
            let run = if top <= source.len() { run } else { 1 };
            let bottom = rest[run - 1].start;
            let len = if run == 1 { first.len } else { top - bottom };
            let moved = content - if run == 1 { first.size() } else { len };
            self.bytes[moved..moved + len].copy_from_slice(&source[bottom..bottom + len]);
            if run == 1 && first.len < CELL_SIZE_MIN {
                self.bytes[moved + len..content].fill(0);
            }
            for span in &rest[..run] {
                self.write_u16(pointer, span.start - bottom + moved);
                pointer += 2;
            }
            content = moved;
            rest = &rest[run..];
        }
        self.count = cells.len();
        self.write_count();
        self.set_content_start(content);
        self.bytes[pointer..content].fill(0);
        Ok(())
    }

    /// As [`place`](Self::place) behind the last cell, when the gap has room; never rearranges the page.
    #[inline]
    pub(super) fn append(&mut self, len: usize) -> Option<&mut [u8]> {
        let size = len.max(CELL_SIZE_MIN);
        let pointers_end = self.pointers_end();
        let content = self.as_ref().content_start();
        if content > self.bytes.len() || pointers_end + 2 + size > content {
            return None;
        }
        let at = content - size;
        self.set_content_start(at);
        self.bytes[pointers_end..pointers_end + 2].copy_from_slice(&(at as u16).to_be_bytes());
        self.count += 1;
        self.write_count();
        if len < size {
            self.bytes[at + len..at + size].fill(0);
        }
        Some(&mut self.bytes[at..at + len])
    }

    /// Removes cell `index` and frees its bytes.
    pub(super) fn remove(&mut self, index: usize, limits: &PayloadLimits) -> Result<()> {
        let range = self.as_ref().cell_range(index, limits)?;
        let (offset, size) = (range.start, range.len().max(CELL_SIZE_MIN));
        if offset + size > self.bytes.len() {
            return Err(self.corrupt(offset, "cell extends past the end of the page"));
        }
        if self.can_close_up(offset) {
            self.close_up(offset, size);
            self.close_pointer(index);
            return Ok(());
        }
        self.remove_to_freeblock(index, offset, size)
    }

    /// Adds `distance` to the pointers to cells below `offset`.
    #[inline]
    fn move_pointers(&mut self, offset: usize, distance: usize) {
        let pointers = self.as_ref().pointers_start()..self.pointers_end();
        // A cell lies below the end of the page, so both fit; sixteen bits let the loop run over many pointers at once.
        let (below, distance) = (offset as u16, distance as u16);
        let (pointers, _) = self.bytes[pointers].as_chunks_mut::<2>();
        for pointer in pointers {
            let at = u16::from_be_bytes(*pointer);
            let moved = if at < below { distance } else { 0 };
            *pointer = at.wrapping_add(moved).to_be_bytes();
        }
    }

    /// Gives a page other cells, which lie in `source`.
    pub(super) fn refill(&mut self, source: &[u8], cells: &[Span]) -> Result<()> {
        let usable = self.bytes.len();
        *self = PageEdit::init(self.no, std::mem::take(&mut self.bytes), usable, self.kind);
        self.fill(source, cells)
    }

    /// Bytes that cells can take with their pointers.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.len() - header_start(self.no) - self.kind.header_len()
    }

    fn remove_to_freeblock(&mut self, index: usize, offset: usize, size: usize) -> Result<()> {
        self.bytes[offset..offset + size].fill(0);
        self.release(offset, size)?;
        self.close_pointer(index);
        Ok(())
    }

    /// Whether the cells below `offset` can move up over what is freed there: no other space is free, and it is not far.
    #[inline]
    fn can_close_up(&self, offset: usize) -> bool {
        let page = self.as_ref();
        let content = page.content_start();
        let low = content >= page.pointers_end() && content <= offset && offset - content <= MOVED_MAX;
        low && page.first_freeblock() == 0 && page.fragments() == 0
    }

    /// Moves the cells below `offset` up over the `size` bytes there, which become part of the gap.
    fn close_up(&mut self, offset: usize, size: usize) {
        let content = self.as_ref().content_start();
        self.bytes.copy_within(content..offset, content + size);
        self.bytes[content..content + size].fill(0);
        self.move_pointers(offset, size);
        self.set_content_start(content + size);
    }

    /// The bytes of cell `index`, for overwriting with as many.
    pub(super) fn cell_bytes(&mut self, index: usize, limits: &PayloadLimits) -> Result<&mut [u8]> {
        let range = self.as_ref().cell_range(index, limits)?;
        Ok(&mut self.bytes[range])
    }

    /// Bytes of a cell, for overwriting.
    #[inline]
    pub(super) fn bytes_at(&mut self, at: usize, len: usize) -> Result<&mut [u8]> {
        match self.bytes.get_mut(at..at + len) {
            Some(bytes) => Ok(bytes),
            None => Err(corrupt(self.no, at, "cell extends past the end of the page")),
        }
    }

    /// Puts `cell` in the place of cell `index`; false, and the old one is gone, when the page has no room for it.
    pub(super) fn replace(&mut self, index: usize, cell: &[u8], limits: &PayloadLimits) -> Result<bool> {
        let range = self.as_ref().cell_range(index, limits)?;
        let (old, new) = (range.len().max(CELL_SIZE_MIN), cell.len().max(CELL_SIZE_MIN));
        let spare = old.wrapping_sub(new);
        if old > new && range.start + old <= self.bytes.len() && self.can_close_up(range.start) {
            let at = range.start + spare;
            let place = self.bytes_at(at, new)?;
            place[..cell.len()].copy_from_slice(cell);
            place[cell.len()..].fill(0);
            let pointer = self.as_ref().pointers_start() + 2 * index;
            self.write_u16(pointer, at);
            self.close_up(range.start, spare);
            return Ok(true);
        }
        if old == new || (old > new && spare >= CELL_SIZE_MIN) {
            // A shorter cell stays where it is, and what it leaves becomes a freeblock.
            let place = self.bytes_at(range.start, old)?;
            place[..cell.len()].copy_from_slice(cell);
            place[cell.len()..].fill(0);
            if spare > 0 {
                self.release(range.start + new, spare)?;
            }
            return Ok(true);
        }
        self.remove(index, limits)?;
        match self.place(index, cell.len(), limits)? {
            Some(out) => out.copy_from_slice(cell),
            None => return Ok(false),
        }
        Ok(true)
    }

    /// Sets the child to the left of cell `index`; `index == count` is the right child.
    pub(super) fn set_child(&mut self, index: usize, child: PageNo) -> Result<()> {
        let at = if index >= self.count {
            header_start(self.no) + 8
        } else {
            self.as_ref().cell_offset(index)?
        };
        match self.bytes.get_mut(at..at + 4) {
            Some(pointer) if !self.kind.is_leaf() => pointer.copy_from_slice(&child.get().to_be_bytes()),
            _ => return Err(self.corrupt(at, "child pointer is outside the page")),
        }
        Ok(())
    }

    /// Sets the overflow pointer at offset `at` of the page.
    pub(super) fn set_chain(&mut self, at: usize, first: PageNo) -> Result<()> {
        match self.bytes.get_mut(at..at + 4) {
            Some(pointer) => pointer.copy_from_slice(&first.get().to_be_bytes()),
            None => return Err(self.corrupt(at, "overflow pointer is outside the page")),
        }
        Ok(())
    }

    /// All free bytes of the page: gap, freeblocks and fragments.
    pub(super) fn free_bytes(&self) -> Result<usize> {
        free_bytes(&self.as_ref())
    }

    /// Finds room for `size` bytes and one cell pointer.
    #[inline]
    fn allocate(&mut self, size: usize, limits: &PayloadLimits) -> Result<Option<usize>> {
        let page = self.as_ref();
        let (gap_start, content) = (page.pointers_end(), page.content_start());
        if content < gap_start || content > self.bytes.len() {
            return Err(self.corrupt(
                header_start(self.no) + 5,
                "cell content area overlaps the cell pointers",
            ));
        }
        if page.first_freeblock() != 0
            && gap_start + 2 <= content
            && let Some(at) = self.take_freeblock(size)?
        {
            return Ok(Some(at));
        }
        if gap_start + 2 + size <= content {
            self.set_content_start(content - size);
            return Ok(Some(content - size));
        }
        if self.free_bytes()? < size + 2 {
            return Ok(None);
        }
        self.defragment(limits)?;
        let content = self.as_ref().content_start();
        if gap_start + 2 + size > content {
            return Err(self.corrupt(header_start(self.no), "free space does not add up"));
        }
        self.set_content_start(content - size);
        Ok(Some(content - size))
    }

    /// Takes `size` bytes from the first freeblock that has as many.
    fn take_freeblock(&mut self, size: usize) -> Result<Option<usize>> {
        let start = header_start(self.no);
        let page = self.as_ref();
        let fragments = page.fragments();
        let (mut link, mut at) = (start + 1, page.first_freeblock());
        while at != 0 {
            let block = freeblock(&self.as_ref(), at)?;
            if block.len >= size {
                let rest = block.len - size;
                if rest >= CELL_SIZE_MIN {
                    self.write_u16(at + 2, rest);
                } else if fragments + rest > FRAGMENTS_MAX {
                    return Ok(None);
                } else {
                    self.write_u16(link, block.next);
                    self.bytes[start + 7] = (fragments + rest) as u8;
                }
                return Ok(Some(at + rest));
            }
            (link, at) = (at, block.next);
        }
        Ok(None)
    }

    /// Returns `size` bytes at `offset` to the free space, joined with free neighbours.
    fn release(&mut self, offset: usize, size: usize) -> Result<()> {
        let start = header_start(self.no);
        let page = self.as_ref();
        let (content, mut fragments) = (page.content_start(), page.fragments());
        let (mut from, mut to) = (offset, offset + size);
        let (mut link, mut next) = (start + 1, page.first_freeblock());
        let mut before = None;
        while next != 0 && next < from {
            let block = freeblock(&page, next)?;
            before = Some((link, next, next + block.len));
            (link, next) = (next, block.next);
        }
        // Join with the block behind, then with the one before; up to three bytes between were a fragment.
        let mut after = next;
        if next != 0 && next < to + CELL_SIZE_MIN {
            let block = freeblock(&page, next)?;
            if next < to || fragments < next - to {
                return Err(self.corrupt(next, "freeblock overlaps a cell"));
            }
            fragments -= next - to;
            (to, after) = (next + block.len, block.next);
        }
        if let Some((link_before, at, end)) = before
            && from < end + CELL_SIZE_MIN
        {
            if from < end || fragments < from - end {
                return Err(self.corrupt(at, "freeblock overlaps a cell"));
            }
            fragments -= from - end;
            (from, link) = (at, link_before);
        }
        self.bytes[start + 7] = fragments as u8;
        if from <= content {
            if from < content || link != start + 1 {
                return Err(self.corrupt(from, "cell lies in front of the cell content area"));
            }
            self.write_u16(start + 1, after);
            self.set_content_start(to);
        } else {
            self.write_u16(link, from);
            self.write_u16(from, after);
            self.write_u16(from + 2, to - from);
        }
        Ok(())
    }

    /// Packs all cells at the end of the page, so that all free space is the gap.
    fn defragment(&mut self, limits: &PayloadLimits) -> Result<()> {
        let copy: SmallVec<[u8; 4096]> = SmallVec::from_slice(self.bytes);
        let old = PageRef::checked(self.no, &copy, copy.len(), self.kind, self.count as u16);
        let mut cells: SmallVec<[Span; 128]> = SmallVec::with_capacity(self.count);
        for index in 0..self.count {
            let range = old.cell_range(index, limits)?;
            cells.push(Span {
                start: range.start,
                len: range.len(),
            });
        }
        let start = header_start(self.no);
        self.write_u16(start + 1, 0);
        self.bytes[start + 7] = 0;
        self.fill(&copy, &cells)
    }

    fn open_pointer(&mut self, index: usize, offset: usize) {
        let at = self.as_ref().pointers_start() + 2 * index;
        let end = self.pointers_end();
        self.bytes.copy_within(at..end, at + 2);
        self.write_u16(at, offset);
        self.count += 1;
        self.write_count();
    }

    fn close_pointer(&mut self, index: usize) {
        let at = self.as_ref().pointers_start() + 2 * index;
        let end = self.pointers_end();
        self.bytes.copy_within(at + 2..end, at);
        self.count -= 1;
        self.write_count();
        if self.count == 0 {
            let start = header_start(self.no);
            self.write_u16(start + 1, 0);
            self.bytes[start + 7] = 0;
            self.set_content_start(self.bytes.len());
        }
    }

    #[inline]
    fn pointers_end(&self) -> usize {
        header_start(self.no) + self.kind.header_len() + 2 * self.count
    }

    #[inline]
    fn write_count(&mut self) {
        self.write_u16(header_start(self.no) + 3, self.count);
    }

    #[inline]
    fn set_content_start(&mut self, at: usize) {
        // 65536 is written as 0.
        self.write_u16(header_start(self.no) + 5, at);
    }

    #[inline]
    fn write_u16(&mut self, at: usize, value: usize) {
        self.bytes[at..at + 2].copy_from_slice(&(value as u16).to_be_bytes());
    }

    #[cold]
    fn corrupt(&self, offset: usize, what: &'static str) -> Error {
        corrupt(self.no, offset, what)
    }
}

/// One link of the freeblock chain.
pub(crate) struct Freeblock {
    pub(crate) next: usize,
    pub(crate) len: usize,
}

/// Reads the freeblock at `at`, which has to lie within the page and before the one that it names.
pub(crate) fn freeblock(page: &PageRef<'_>, at: usize) -> Result<Freeblock> {
    let (Some(next), Some(len)) = (read_u16(page.bytes(), at), read_u16(page.bytes(), at + 2)) else {
        return Err(page.corrupt(at, "freeblock lies outside the page"));
    };
    let (next, len) = (usize::from(next), usize::from(len));
    if len < CELL_SIZE_MIN || at + len > page.bytes().len() {
        return Err(page.corrupt(at, "freeblock extends past the end of the page"));
    }
    if next != 0 && next < at + len {
        return Err(page.corrupt(at, "freeblocks are out of order"));
    }
    Ok(Freeblock { next, len })
}

/// All free bytes of a page: gap, freeblocks and fragments.
pub(crate) fn free_bytes(page: &PageRef<'_>) -> Result<usize> {
    let content = page.content_start();
    let Some(gap) = content
        .checked_sub(page.pointers_end())
        .filter(|_| content <= page.bytes().len())
    else {
        return Err(page.corrupt(
            page.header_start() + 5,
            "cell content area overlaps the cell pointers",
        ));
    };
    let mut free = gap + page.fragments();
    let mut at = page.first_freeblock();
    if at != 0 && at < content {
        return Err(page.corrupt(at, "freeblock lies in front of the cell content area"));
    }
    while at != 0 {
        let block = freeblock(page, at)?;
        free += block.len;
        at = block.next;
    }
    if free > page.bytes().len() {
        return Err(page.corrupt(page.header_start(), "more free bytes than the page has"));
    }
    Ok(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO: PageNo = PageNo::new(2).unwrap();

    /// A page of index leaf cells beside a plain list of what they should be.
    struct Model {
        page: Vec<u8>,
        usable: usize,
        no: PageNo,
        cells: Vec<Vec<u8>>,
    }

    impl Model {
        fn new(no: PageNo, size: usize, usable: usize) -> Model {
            let mut page = vec![0; size];
            PageEdit::init(no, &mut page, usable, PageKind::IndexLeaf);
            Model {
                page,
                usable,
                no,
                cells: Vec::new(),
            }
        }

        fn insert(&mut self, index: usize, cell: Vec<u8>) -> bool {
            let limits = PayloadLimits::index(self.usable);
            let mut edit = PageEdit::parse(self.no, &mut self.page, self.usable).unwrap();
            let enough = edit.free_bytes().unwrap() >= cell.len().max(4) + 2;
            let placed = edit
                .place(index, cell.len(), &limits)
                .unwrap()
                .map(|out| out.copy_from_slice(&cell));
            assert_eq!(placed.is_some(), enough);
            if enough {
                self.cells.insert(index, cell);
            }
            enough
        }

        /// Now and then a freeblock is left where the page could be closed up, as SQLite leaves them.
        fn remove(&mut self, index: usize) {
            let limits = PayloadLimits::index(self.usable);
            let mut page = PageEdit::parse(self.no, &mut self.page, self.usable).unwrap();
            let removed = self.cells.remove(index);
            if removed.len() % 7 == 3 {
                let offset = page.as_ref().cell_offset(index).unwrap();
                let size = removed.len().max(CELL_SIZE_MIN);
                page.remove_to_freeblock(index, offset, size).unwrap();
            } else {
                page.remove(index, &limits).unwrap();
            }
        }

        fn replace(&mut self, index: usize, cell: Vec<u8>) {
            let limits = PayloadLimits::index(self.usable);
            let mut page = PageEdit::parse(self.no, &mut self.page, self.usable).unwrap();
            if page.replace(index, &cell, &limits).unwrap() {
                self.cells[index] = cell;
            } else {
                self.cells.remove(index);
            }
        }

        fn check(&self) {
            let limits = PayloadLimits::index(self.usable);
            let page = PageRef::parse(self.no, &self.page, self.usable).unwrap();
            let mut taken = page.pointers_end();
            for (i, cell) in self.cells.iter().enumerate() {
                assert_eq!(page.cell(i, &limits).unwrap().bytes, cell);
                taken += page.cell(i, &limits).unwrap().size();
            }
            assert_eq!(page.count(), self.cells.len());
            assert_eq!(free_bytes(&page).unwrap(), self.usable - taken);
            assert!(page.fragments() <= FRAGMENTS_MAX);
            assert!(
                self.page[self.usable..].iter().all(|&byte| byte == 0),
                "reserved bytes stay"
            );
        }
    }

    #[test]
    fn random_changes_agree_with_a_list() {
        for (no, size, reserved) in [
            (NO, 512, 0),
            (NO, 512, 32),
            (PageNo::ONE, 1024, 1),
            (NO, 65536, 0),
        ] {
            let mut model = Model::new(no, size, size - reserved);
            let mut random = crate::btree::model::Random::new(size as u64);
            for step in 0..3000 {
                if !model.cells.is_empty() && random.below(5) == 0 {
                    let len = random.below(30);
                    let cell = std::iter::once(len as u8).chain((0..len).map(|i| (step + i) as u8));
                    model.replace(random.below(model.cells.len()), cell.collect());
                } else if !model.cells.is_empty() && random.below(5) < 2 {
                    model.remove(random.below(model.cells.len()));
                } else {
                    let len = if random.below(4) == 0 {
                        random.below(90)
                    } else {
                        random.below(12)
                    };
                    let mut cell = vec![len as u8];
                    cell.extend((0..len).map(|i| (step + i) as u8));
                    if !model.insert(random.below(model.cells.len() + 1), cell) {
                        for _ in 0..random.below(model.cells.len()) {
                            model.remove(random.below(model.cells.len()));
                        }
                    }
                }
                if size < 65536 || step % 100 == 0 {
                    model.check();
                }
            }
            while !model.cells.is_empty() {
                model.remove(random.below(model.cells.len()));
            }
            model.check();
        }
    }

    #[test]
    fn freeblock_chains_that_contradict_themselves_are_errors() {
        let limits = PayloadLimits::index(512);
        for (first, next, len) in [
            (8, 0, 4),
            (400, 400, 8),
            (400, 390, 8),
            (400, 0, 2),
            (400, 0, 200),
            (510, 0, 4),
        ] {
            let mut model = Model::new(NO, 512, 512);
            for _ in 0..20 {
                model.insert(0, vec![9; 10]);
            }
            let page = &mut model.page;
            page[1..3].copy_from_slice(&u16::to_be_bytes(first));
            for (at, value) in [(first, next), (first + 2, len)] {
                if let Some(bytes) = page.get_mut(at as usize..at as usize + 2) {
                    bytes.copy_from_slice(&u16::to_be_bytes(value));
                }
            }
            let mut edit = PageEdit::parse(NO, page, 512).unwrap();
            let placed = edit.place(0, 300, &limits).map(|_| ());
            let removed = edit.remove(10, &limits);
            assert!(placed.is_err() || removed.is_err(), "{first} {next} {len}");
        }
    }
}
