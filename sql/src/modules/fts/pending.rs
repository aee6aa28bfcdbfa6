//! Words that were written in this transaction and are not in a segment yet.
//!
//! Docids only go up within one batch of pending words; whatever would break that writes the batch out first. A row that is deleted and
//! inserted again (an update) has one entry, whose positions are those of the new row.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::doclist::{Direction, DoclistReader, DoclistWriter};
use super::varint;
use crate::error::Result;

/// Bytes of pending words after which they are written out.
const SIZE_MAX: usize = 1024 * 1024;
/// What SQLite counts for an entry of its hash table; the same here, so that segments are cut at the same rows.
const ENTRY_SIZE: usize = 40;

/// The pending words of all indexes of a table: the one of whole words first, then those of prefixes.
#[derive(Debug, Default)]
pub(super) struct Pending {
    indexes: Vec<Words>,
    size: usize,
    last_docid: i64,
    /// Whether the last row was deleted, so that one of the same docid may follow.
    last_deleted: bool,
    /// The language of all rows in here.
    pub(super) language: i32,
}

type Words = HashMap<Vec<u8>, PendingList, FxBuildHasher>;

#[derive(Debug, Default)]
struct PendingList {
    bytes: Vec<u8>,
    last_docid: i64,
    last_column: u32,
    last_position: u32,
}

/// A row that is being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingRow {
    pub(super) docid: i64,
    pub(super) language: i32,
    pub(super) deleted: bool,
}

impl Pending {
    /// Whether all must be written out before the words of `row` come.
    pub(super) fn must_flush_before(&self, row: PendingRow) -> bool {
        row.docid < self.last_docid
            || row.docid == self.last_docid && !self.last_deleted
            || row.language != self.language
            || self.size > SIZE_MAX
    }

    /// The words that are added next belong to `row`.
    pub(super) fn start_row(&mut self, row: PendingRow) {
        self.last_docid = row.docid;
        self.last_deleted = row.deleted;
        self.language = row.language;
    }

    /// Adds a word of the current row to an index. No place: the word goes with the row.
    pub(super) fn add(&mut self, index: usize, term: &[u8], place: Option<(u32, u32)>) {
        if self.indexes.len() <= index {
            self.indexes.resize_with(index + 1, Words::default);
        }
        let overhead = term.len() + ENTRY_SIZE;
        let list = self.indexes[index].entry_ref(term).or_default();
        if !list.bytes.is_empty() {
            self.size -= list.bytes.len() + overhead;
        }
        list.add(self.last_docid, place);
        self.size += list.bytes.len() + overhead;
    }

    /// Whether there is nothing in here.
    pub(super) fn is_empty(&self) -> bool {
        self.indexes.iter().all(|words| words.is_empty())
    }

    /// Forgets all words. The last row stays known.
    pub(super) fn clear(&mut self) {
        self.indexes.clear();
        self.size = 0;
    }

    /// The words of an index in order, each with its doclist.
    pub(super) fn sorted(&self, index: usize, direction: Direction) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.collect(index, direction, |_| true)
    }

    /// As [`sorted`](Self::sorted): the word `term` only, or all that start with it.
    pub(super) fn matching(
        &self,
        index: usize,
        term: &[u8],
        is_prefix: bool,
        direction: Direction,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        if is_prefix {
            return self.collect(index, direction, |key| key.starts_with(term));
        }
        let list = self.indexes.get(index).and_then(|index| index.get(term));
        let found = list.map(|list| Ok((term.to_vec(), list.doclist(direction)?)));
        found.into_iter().collect()
    }

    fn collect(
        &self,
        index: usize,
        direction: Direction,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let Some(index) = self.indexes.get(index) else {
            return Ok(Vec::new());
        };
        let mut lists: Vec<_> = index.iter().filter(|(term, _)| wanted(term)).collect();
        lists.sort_unstable_by_key(|(term, _)| *term);
        let lists = lists.into_iter();
        lists
            .map(|(term, list)| Ok((term.to_vec(), list.doclist(direction)?)))
            .collect()
    }
}

impl PendingList {
    fn add(&mut self, docid: i64, place: Option<(u32, u32)>) {
        if self.bytes.is_empty() || self.last_docid != docid {
            if !self.bytes.is_empty() {
                self.bytes.push(0);
            }
            varint::push(&mut self.bytes, docid.wrapping_sub(self.last_docid) as u64);
            (self.last_docid, self.last_column, self.last_position) = (docid, 0, 0);
        }
        let Some((column, position)) = place else {
            return;
        };
        if column > 0 && column != self.last_column {
            varint::push(&mut self.bytes, 1);
            varint::push(&mut self.bytes, u64::from(column));
            (self.last_column, self.last_position) = (column, 0);
        }
        let delta = position.wrapping_sub(self.last_position);
        varint::push(&mut self.bytes, u64::from(delta) + 2);
        self.last_position = position;
    }

    fn doclist(&self, direction: Direction) -> Result<Vec<u8>> {
        let mut bytes = self.bytes.clone();
        bytes.push(0);
        if direction == Direction::Ascending {
            return Ok(bytes);
        }
        let mut rows = Vec::new();
        let mut reader = DoclistReader::new(&bytes, Direction::Ascending);
        while let Some(row) = reader.next()? {
            rows.push(row);
        }
        let mut writer = DoclistWriter::new(direction);
        for (docid, positions) in rows.into_iter().rev() {
            writer.push(docid, positions)?;
        }
        Ok(writer.bytes)
    }
}
