//! Going through one segment word by word.

use std::ops::Range;

use super::node::child_for;
use crate::error::Result;
use crate::modules::fts::doclist::corrupt;
use crate::modules::fts::shadow::{Segment, Shadow};
use crate::modules::fts::varint;
use crate::virtual_table::VirtualContext;

/// A segment, or the pending words as if they were one.
#[derive(Debug)]
pub(in crate::modules::fts) struct SegmentReader {
    /// Higher is newer.
    pub(super) age: usize,
    /// The current term; empty before the first and at the end.
    pub(super) term: Vec<u8>,
    pub(super) at_end: bool,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Blocks {
        leaf: Vec<u8>,
        at: usize,
        doclist: Range<usize>,
        /// The block of `leaf`; one before the first leaf at the start.
        block: i64,
        last_block: i64,
    },
    Pending {
        words: std::vec::IntoIter<(Vec<u8>, Vec<u8>)>,
        doclist: Vec<u8>,
    },
}

/// Interior nodes above each other.
const HEIGHT_MAX: u64 = 64;

impl SegmentReader {
    /// All words of a segment.
    pub(in crate::modules::fts) fn new(age: usize, segment: &Segment) -> Result<SegmentReader> {
        SegmentReader::over(age, segment, segment.start_block)
    }

    /// The words of a segment from the leaf on that may have `term`.
    pub(in crate::modules::fts) fn from_term(
        context: &mut VirtualContext<'_>,
        shadow: &Shadow,
        age: usize,
        segment: &Segment,
        term: &[u8],
    ) -> Result<SegmentReader> {
        if segment.start_block == 0 || segment.root.is_empty() {
            return SegmentReader::new(age, segment);
        }
        let leaf = find_leaf(context, shadow, &segment.root, term)?;
        SegmentReader::over(age, segment, leaf)
    }

    /// Pending words, in order.
    pub(in crate::modules::fts) fn pending(words: Vec<(Vec<u8>, Vec<u8>)>) -> SegmentReader {
        SegmentReader {
            age: usize::MAX,
            term: Vec::new(),
            at_end: false,
            source: Source::Pending {
                words: words.into_iter(),
                doclist: Vec::new(),
            },
        }
    }

    fn over(age: usize, segment: &Segment, first: i64) -> Result<SegmentReader> {
        let root_only = segment.start_block == 0;
        if root_only && segment.leaves_end_block != 0 {
            return Err(corrupt());
        }
        let leaf = if root_only {
            segment.root.clone()
        } else {
            Vec::new()
        };
        Ok(SegmentReader {
            age,
            term: Vec::new(),
            at_end: false,
            source: Source::Blocks {
                leaf,
                at: 0,
                doclist: 0..0,
                block: first.wrapping_sub(1).max(-1),
                last_block: if root_only {
                    i64::MIN
                } else {
                    segment.leaves_end_block
                },
            },
        })
    }

    /// The doclist of the current term.
    pub(in crate::modules::fts) fn doclist(&self) -> &[u8] {
        match &self.source {
            Source::Blocks { leaf, doclist, .. } => &leaf[doclist.clone()],
            Source::Pending { doclist, .. } => doclist,
        }
    }

    /// Goes to the next term.
    pub(in crate::modules::fts) fn next(
        &mut self,
        context: &mut VirtualContext<'_>,
        shadow: &Shadow,
    ) -> Result<()> {
        match &mut self.source {
            Source::Pending { words, doclist } => match words.next() {
                Some((term, list)) => {
                    self.term = term;
                    *doclist = list;
                }
                None => self.end(),
            },
            Source::Blocks {
                leaf,
                at,
                block,
                last_block,
                ..
            } if *at >= leaf.len() => {
                if *block >= *last_block {
                    self.end();
                    return Ok(());
                }
                *block += 1;
                *leaf = shadow.block(context, *block)?;
                *at = 0;
                return self.read_entry();
            }
            Source::Blocks { .. } => return self.read_entry(),
        }
        Ok(())
    }

    fn end(&mut self) {
        self.at_end = true;
        self.term.clear();
    }

    /// The height of a leaf is zero and so is the prefix length that all entries but the first have: one form does for both.
    fn read_entry(&mut self) -> Result<()> {
        let Source::Blocks {
            leaf, at, doclist, ..
        } = &mut self.source
        else {
            return Ok(());
        };
        let mut length = || varint::read_length(leaf, at).ok_or_else(corrupt);
        let (prefix, suffix) = (length()?, length()?);
        let end = at.checked_add(suffix).ok_or_else(corrupt)?;
        let bytes = leaf.get(*at..end).ok_or_else(corrupt)?;
        if suffix == 0 || prefix > self.term.len() {
            return Err(corrupt());
        }
        self.term.truncate(prefix);
        self.term.extend_from_slice(bytes);
        *at = end;
        let length = varint::read_length(leaf, at).ok_or_else(corrupt)?;
        let end = at.checked_add(length).ok_or_else(corrupt)?;
        let list = leaf.get(*at..end).ok_or_else(corrupt)?;
        if list.last() != Some(&0) {
            return Err(corrupt());
        }
        *doclist = *at..end;
        *at = end;
        Ok(())
    }
}

/// The leaf that has `term` if any has.
fn find_leaf(context: &mut VirtualContext<'_>, shadow: &Shadow, root: &[u8], term: &[u8]) -> Result<i64> {
    let height_of = |node: &[u8]| varint::read(node, &mut 0).ok_or_else(corrupt);
    let mut height = height_of(root)?;
    if height > HEIGHT_MAX {
        return Err(corrupt());
    }
    let mut child = child_for(root, term)?;
    while height > 1 {
        let node = shadow.block(context, child)?;
        let below = height_of(&node)?;
        // Heights shrink on the way down, so damage cannot lead in circles.
        if below >= height || below == 0 {
            return Err(corrupt());
        }
        height = below;
        child = child_for(&node, term)?;
    }
    Ok(child)
}
