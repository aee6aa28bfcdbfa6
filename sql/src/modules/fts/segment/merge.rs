//! Going through several segments at once: the words of all in order, each with one doclist.

use std::cmp::Ordering;

use super::reader::SegmentReader;
use crate::error::Result;
use crate::modules::fts::doclist::{Direction, DoclistReader, DoclistWriter, goes};
use crate::modules::fts::shadow::Shadow;
use crate::virtual_table::VirtualContext;

/// What becomes of rows that were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::modules::fts) enum Deleted {
    /// They are kept without positions, to hide the row in segments that are not part of the merge.
    Keep,
    /// They are dropped: there is nothing older.
    Drop,
}

/// Segments side by side.
#[derive(Debug)]
pub(in crate::modules::fts) struct Merge {
    pub(super) readers: Vec<SegmentReader>,
    direction: Direction,
    deleted: Deleted,
    term: Vec<u8>,
    doclist: DoclistWriter,
    /// The reader whose doclist is the merged one, when no other has the term.
    alone: Option<usize>,
    /// Readers that stand on `term`, the newest first.
    current: Vec<usize>,
}

impl Merge {
    /// Puts all readers on their first term. Those of a search skip terms before `from`.
    pub(in crate::modules::fts) fn start(
        context: &mut VirtualContext<'_>,
        shadow: &Shadow,
        mut readers: Vec<SegmentReader>,
        direction: Direction,
        deleted: Deleted,
        from: &[u8],
    ) -> Result<Merge> {
        for reader in &mut readers {
            reader.next(context, shadow)?;
            while !reader.at_end && reader.term.as_slice() < from {
                reader.next(context, shadow)?;
            }
        }
        Ok(Merge {
            readers,
            direction,
            deleted,
            term: Vec::new(),
            doclist: DoclistWriter::new(direction),
            alone: None,
            current: Vec::new(),
        })
    }

    /// The current term.
    pub(in crate::modules::fts) fn term(&self) -> &[u8] {
        &self.term
    }

    /// Its doclist.
    pub(in crate::modules::fts) fn doclist(&self) -> &[u8] {
        match self.alone {
            Some(reader) => self.readers[reader].doclist(),
            None => &self.doclist.bytes,
        }
    }

    /// Goes to the next term that has rows; false at the end.
    pub(in crate::modules::fts) fn next(
        &mut self,
        context: &mut VirtualContext<'_>,
        shadow: &Shadow,
    ) -> Result<bool> {
        loop {
            for reader in std::mem::take(&mut self.current) {
                self.readers[reader].next(context, shadow)?;
            }
            if !self.find_current() {
                return Ok(false);
            }
            self.alone = match self.current[..] {
                [reader] if self.deleted == Deleted::Keep => Some(reader),
                _ => None,
            };
            if self.alone.is_some() {
                return Ok(true);
            }
            self.merge_doclists()?;
            if !self.doclist.bytes.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Finds the lowest term and who has it.
    fn find_current(&mut self) -> bool {
        for (number, reader) in self.readers.iter().enumerate() {
            if reader.at_end {
                continue;
            }
            let order = match self.current.first() {
                Some(&first) => reader.term.cmp(&self.readers[first].term),
                None => Ordering::Less,
            };
            if order == Ordering::Less {
                self.current.clear();
            }
            if order != Ordering::Greater {
                self.current.push(number);
            }
        }
        let Some(&first) = self.current.first() else {
            return false;
        };
        self.term.clone_from(&self.readers[first].term);
        let readers = &self.readers;
        self.current
            .sort_by_key(|&number| std::cmp::Reverse(readers[number].age));
        true
    }

    /// Of each row, the newest reader's positions.
    fn merge_doclists(&mut self) -> Result<()> {
        self.doclist.clear();
        let readers = &self.readers;
        let direction = self.direction;
        let mut lists: Vec<_> = self
            .current
            .iter()
            .map(|&number| DoclistReader::new(readers[number].doclist(), direction))
            .collect();
        let mut heads = Vec::with_capacity(lists.len());
        for list in &mut lists {
            heads.push(list.next()?);
        }
        loop {
            let mut best: Option<(i64, &[u8])> = None;
            for head in heads.iter().flatten() {
                // The first of equal docids is the newest.
                if best.is_none_or(|(docid, _)| goes(direction, head.0, docid)) {
                    best = Some(*head);
                }
            }
            let Some((docid, positions)) = best else {
                return Ok(());
            };
            if self.deleted == Deleted::Keep || !positions.is_empty() {
                self.doclist.push(docid, positions)?;
            }
            for (list, head) in lists.iter_mut().zip(&mut heads) {
                if head.is_some_and(|(other, _)| other == docid) {
                    *head = list.next()?;
                }
            }
        }
    }
}
