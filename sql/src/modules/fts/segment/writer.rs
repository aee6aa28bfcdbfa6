//! Making a segment of words that come in order.
//!
//! A leaf is written when the next entry would not fit; the shortest key that tells it from the next leaf goes to the level above, which
//! is kept in memory until the end. A segment that fits one leaf is its own root and takes no block.

use super::node::{NodeWriter, entry_length};
use crate::error::Result;
use crate::modules::fts::doclist::corrupt;
use crate::modules::fts::shadow::{Segment, Shadow};
use crate::modules::fts::varint;
use crate::virtual_table::VirtualContext;

/// What SQLite counts as the head of an interior node, whatever it takes.
const INTERIOR_HEAD: usize = 1 + varint::LENGTH_MAX;

/// A segment that is being written.
#[derive(Debug)]
pub(in crate::modules::fts) struct SegmentWriter {
    node_size: usize,
    first_block: i64,
    next_block: i64,
    leaf: NodeWriter,
    leaf_bytes: usize,
    /// Levels of interior nodes from the leaves up.
    interior: Vec<Vec<Interior>>,
}

/// An interior node without its head.
#[derive(Debug, Default)]
struct Interior {
    keys: NodeWriter,
    count: i64,
}

/// A segment that was written.
#[derive(Clone, Copy, Debug)]
pub(in crate::modules::fts) struct Written {
    /// Bytes of its leaves.
    pub(in crate::modules::fts) size: i64,
    /// How many leaves it has.
    pub(in crate::modules::fts) leaves: i64,
}

impl SegmentWriter {
    pub(in crate::modules::fts) fn new(
        context: &mut VirtualContext<'_>,
        shadow: &Shadow,
        node_size: usize,
    ) -> Result<SegmentWriter> {
        let first_block = shadow.next_block(context)?;
        Ok(SegmentWriter {
            node_size,
            first_block,
            next_block: first_block,
            leaf: NodeWriter::default(),
            leaf_bytes: 0,
            interior: Vec::new(),
        })
    }

    /// Appends a word, greater than all before.
    pub(in crate::modules::fts) fn push(
        &mut self,
        context: &mut VirtualContext<'_>,
        shadow: &Shadow,
        term: &[u8],
        doclist: &[u8],
    ) -> Result<()> {
        let mut shared = self.leaf.shared(term)?;
        let mut needed = entry_length(term, shared, Some(doclist));
        let used = self.leaf.bytes.len();
        if used > 0 && used + needed > self.node_size {
            self.write_leaf(context, shadow)?;
            self.add_key(0, &term[..shared + 1])?;
            shared = 0;
            needed = entry_length(term, shared, Some(doclist));
        }
        if self.leaf.last.is_empty() {
            self.leaf.start(0, 0);
        }
        self.leaf.push(term, Some(doclist))?;
        self.leaf_bytes += needed;
        Ok(())
    }

    fn write_leaf(&mut self, context: &mut VirtualContext<'_>, shadow: &Shadow) -> Result<()> {
        shadow.write_block(context, self.next_block, Some(&self.leaf.bytes))?;
        self.next_block = self.next_block.checked_add(1).ok_or_else(corrupt)?;
        self.leaf.bytes.clear();
        self.leaf.last.clear();
        Ok(())
    }

    /// Adds a key to an interior level. Where it does not fit, it goes one up and an empty sibling is begun.
    fn add_key(&mut self, level: usize, key: &[u8]) -> Result<()> {
        if self.interior.len() == level {
            self.interior.push(vec![Interior::default()]);
        }
        let Some(node) = self.interior[level].last_mut() else {
            return Ok(());
        };
        let shared = node.keys.shared(key)?;
        let needed = INTERIOR_HEAD + node.keys.bytes.len() + entry_length(key, shared, None);
        if needed <= self.node_size || node.keys.last.is_empty() {
            node.keys.push(key, None)?;
            node.count += 1;
            return Ok(());
        }
        self.add_key(level + 1, key)?;
        self.interior[level].push(Interior::default());
        Ok(())
    }

    /// Writes what is left, and the row in %_segdir.
    pub(in crate::modules::fts) fn finish(
        mut self,
        context: &mut VirtualContext<'_>,
        shadow: &Shadow,
        level: i64,
        idx: i64,
    ) -> Result<Written> {
        let size = self.leaf_bytes as i64;
        let mut segment = Segment {
            level,
            idx,
            start_block: 0,
            leaves_end_block: 0,
            end_block: 0,
            size,
            root: Vec::new(),
        };
        let mut leaves = 1;
        if self.interior.is_empty() {
            segment.root = self.leaf.bytes;
        } else {
            segment.start_block = self.first_block;
            segment.leaves_end_block = self.next_block;
            self.write_leaf(context, shadow)?;
            leaves = self.next_block - self.first_block;
            segment.root = self.write_interior(context, shadow)?;
            segment.end_block = self.next_block - 1;
        }
        shadow.write_segment(context, &segment)?;
        Ok(Written { size, leaves })
    }

    /// Writes all interior nodes but the root, which it returns.
    fn write_interior(&mut self, context: &mut VirtualContext<'_>, shadow: &Shadow) -> Result<Vec<u8>> {
        let mut child = self.first_block;
        let levels = std::mem::take(&mut self.interior);
        let top = levels.len() - 1;
        for (level, nodes) in levels.into_iter().enumerate() {
            let first_of_level = self.next_block;
            for node in nodes {
                let bytes = with_head(level as u64 + 1, child, &node.keys.bytes);
                if level == top {
                    return Ok(bytes);
                }
                shadow.write_block(context, self.next_block, Some(&bytes))?;
                self.next_block = self.next_block.checked_add(1).ok_or_else(corrupt)?;
                child += node.count + 1;
            }
            child = first_of_level;
        }
        Ok(Vec::new())
    }
}

fn with_head(height: u64, child: i64, keys: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(INTERIOR_HEAD + keys.len());
    varint::push(&mut bytes, height);
    varint::push(&mut bytes, child as u64);
    bytes.extend_from_slice(keys);
    bytes
}
