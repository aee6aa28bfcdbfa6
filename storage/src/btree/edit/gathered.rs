//! Changes of many cells of a page at once.
//!
//! ```text
//!   before   ...gap... │ d │ gone │ c │ gone │ gone │ b │ a      remove_all: the holes, joined, are closed from below
//!   after    .......gap........................ │ d │ c │ b │ a
//! ```

use std::ops::Range;

use smallvec::SmallVec;

use super::{PageEdit, Span};
use crate::error::Result;
use crate::format::cell::{CELL_SIZE_MIN, CellHead, PayloadLimits};
use crate::format::page::PageRef;

/// More holes than this are closed by writing the page anew.
const HOLES_MAX: usize = 8;

/// Places of cells that go.
type Holes = SmallVec<[Span; 32]>;

/// A part of what a page is to hold.
pub(in crate::btree) enum Piece<'c> {
    /// Cells that it holds, by their indexes.
    Kept(Range<usize>),
    /// The record of a new cell of an index leaf.
    Record(&'c [u8]),
}

impl PageEdit<'_> {
    /// Removes the cells with these indexes, which ascend. Cells that lie next to each other go at once.
    pub(in crate::btree) fn remove_all(&mut self, indexes: &[usize], limits: &PayloadLimits) -> Result<()> {
        if let &[index] = indexes {
            return self.remove(index, limits);
        }
        let holes = self.holes(indexes, limits)?;
        match holes[..] {
            [hole] if self.can_close_up(hole.start) => self.close_up(hole.start, hole.len),
            [first, .., last]
                if holes.len() <= HOLES_MAX
                    && self.can_close_up(first.start)
                    && self.can_close_up(last.start) =>
            {
                self.close_all(&holes);
            }
            _ if holes.len() > HOLES_MAX && self.kind.is_leaf() => {
                let ends = indexes.iter().copied().chain([self.count]);
                let starts = [0].into_iter().chain(indexes.iter().map(|index| index + 1));
                let kept = starts.zip(ends).map(|(start, end)| Piece::Kept(start..end));
                return self.rewrite(kept, limits);
            }
            _ => {
                let mut backwards = indexes.iter().rev();
                return backwards.try_for_each(|&index| self.remove(index, limits));
            }
        }
        self.close_pointers(indexes);
        Ok(())
    }

    /// The places that cells leave, ascending, those that touch as one.
    fn holes(&self, indexes: &[usize], limits: &PayloadLimits) -> Result<Holes> {
        let page = self.as_ref();
        let mut cells = Holes::new();
        for &index in indexes {
            let range = page.cell_range(index, limits)?;
            cells.push(Span {
                start: range.start,
                len: range.len().max(CELL_SIZE_MIN),
            });
        }
        cells.sort_unstable_by_key(|cell| cell.start);
        let mut holes = Holes::new();
        for cell in cells {
            match holes.last_mut() {
                Some(hole) if hole.start + hole.len == cell.start => hole.len += cell.len,
                Some(hole) if hole.start + hole.len > cell.start => {
                    return Err(self.corrupt(cell.start, "cells overlap"));
                }
                _ => holes.push(cell),
            }
        }
        match holes.last() {
            Some(hole) if hole.start + hole.len > self.bytes.len() => {
                Err(self.corrupt(hole.start, "cell extends past the end of the page"))
            }
            _ => Ok(holes),
        }
    }

    /// Moves the cells below and between the holes up over them: their bytes become part of the gap. The pointers of cells that lie in
    /// holes are left as nonsense.
    fn close_all(&mut self, holes: &[Span]) {
        let content = self.as_ref().content_start();
        let mut distance = 0;
        for (at, hole) in holes.iter().enumerate().rev() {
            distance += hole.len;
            let below = match at.checked_sub(1) {
                Some(before) => holes[before].start + holes[before].len,
                None => content,
            };
            self.bytes.copy_within(below..hole.start, below + distance);
        }
        self.bytes[content..content + distance].fill(0);
        // Cells below the first hole move for it, stay below the next, and move for that.
        for hole in holes {
            self.move_pointers(hole.start, hole.len);
        }
        self.set_content_start(content + distance);
    }

    /// Takes the pointers with these indexes, which ascend, off the list.
    fn close_pointers(&mut self, indexes: &[usize]) {
        let start = self.as_ref().pointers_start();
        let Some(&first) = indexes.first() else { return };
        let mut to = start + 2 * first;
        for (at, &index) in indexes.iter().enumerate() {
            let next = indexes.get(at + 1).copied().unwrap_or(self.count);
            let kept = start + 2 * (index + 1)..start + 2 * next;
            let len = kept.len();
            self.bytes.copy_within(kept, to);
            to += len;
        }
        self.count -= indexes.len();
        self.write_count();
        if self.count == 0 {
            self.set_content_start(self.bytes.len());
        }
    }

    /// Gives the page the cells that `pieces` name, in their order, in place of those that it has.
    pub(in crate::btree) fn rewrite<'c>(
        &mut self,
        pieces: impl Iterator<Item = Piece<'c>>,
        limits: &PayloadLimits,
    ) -> Result<()> {
        let copy: SmallVec<[u8; 4096]> = SmallVec::from_slice(self.bytes);
        let old = PageRef::checked(self.no, &copy, copy.len(), self.kind, self.count as u16);
        let usable = self.bytes.len();
        *self = PageEdit::init(self.no, std::mem::take(&mut self.bytes), usable, self.kind);
        let mut content = usable;
        for piece in pieces {
            match piece {
                Piece::Kept(cells) => {
                    for index in cells {
                        content = self.push_down(content, &[], &copy[old.cell_range(index, limits)?])?;
                    }
                }
                Piece::Record(record) => {
                    let head = CellHead::index_leaf(record.len());
                    content = self.push_down(content, head.as_slice(), record)?;
                }
            }
        }
        let pointers_end = self.pointers_end();
        self.bytes[pointers_end..content].fill(0);
        self.write_count();
        self.set_content_start(content);
        Ok(())
    }

    /// Puts a cell below `content`, which is where the cells begin, and its pointer behind the last one. Count and content start are
    /// not written to the header. Returns where the cells begin now.
    #[inline]
    fn push_down(&mut self, content: usize, head: &[u8], rest: &[u8]) -> Result<usize> {
        let len = head.len() + rest.len();
        let pointer = self.pointers_end();
        let at = content.checked_sub(len.max(CELL_SIZE_MIN));
        let Some(at) = at.filter(|at| pointer + 2 <= *at) else {
            return Err(self.corrupt(pointer, "cells do not fit their page"));
        };
        self.bytes[at..at + head.len()].copy_from_slice(head);
        self.bytes[at + head.len()..at + len].copy_from_slice(rest);
        self.bytes[at + len..content].fill(0);
        self.write_u16(pointer, at);
        self.count += 1;
        Ok(at)
    }
}
