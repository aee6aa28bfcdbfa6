//! The nodes of a segment: reading entries, and appending them.

use crate::error::Result;
use crate::modules::fts::doclist::corrupt;
use crate::modules::fts::varint;

/// Goes through the entries of a node, leaf or interior.
#[derive(Debug)]
pub(in crate::modules::fts) struct NodeReader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// 0 for a leaf.
    pub(in crate::modules::fts) height: u64,
    /// The child left of the current term; past the end, the last one.
    pub(in crate::modules::fts) child: i64,
    /// The current term.
    pub(in crate::modules::fts) term: Vec<u8>,
    /// Its doclist; empty in an interior node.
    pub(in crate::modules::fts) doclist: &'a [u8],
    started: bool,
}

impl<'a> NodeReader<'a> {
    pub(in crate::modules::fts) fn new(bytes: &'a [u8]) -> Result<NodeReader<'a>> {
        let mut at = 0;
        let height = varint::read(bytes, &mut at).ok_or_else(corrupt)?;
        let child = match height {
            0 => 0,
            _ => varint::read(bytes, &mut at).ok_or_else(corrupt)? as i64,
        };
        Ok(NodeReader {
            bytes,
            at,
            height,
            child,
            term: Vec::new(),
            doclist: &[],
            started: false,
        })
    }

    /// Goes to the next entry; false at the end, where the last term stays.
    pub(in crate::modules::fts) fn next(&mut self) -> Result<bool> {
        if self.started && self.height > 0 {
            self.child = self.child.wrapping_add(1);
        }
        if self.at >= self.bytes.len() {
            return Ok(false);
        }
        let prefix = if self.started { self.length()? } else { 0 };
        self.started = true;
        let suffix = self.length()?;
        if suffix == 0 || prefix > self.term.len() {
            return Err(corrupt());
        }
        let suffix = self.take(suffix)?;
        self.term.truncate(prefix);
        self.term.extend_from_slice(suffix);
        if self.height == 0 {
            let length = self.length()?;
            self.doclist = self.take(length)?;
            if self.doclist.last() != Some(&0) {
                return Err(corrupt());
            }
        }
        Ok(true)
    }

    fn length(&mut self) -> Result<usize> {
        varint::read_length(self.bytes, &mut self.at).ok_or_else(corrupt)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length).ok_or_else(corrupt)?;
        let taken = self.bytes.get(self.at..end).ok_or_else(corrupt)?;
        self.at = end;
        Ok(taken)
    }
}

/// The child of an interior node that `term` is below.
pub(super) fn child_for(node: &[u8], term: &[u8]) -> Result<i64> {
    let mut reader = NodeReader::new(node)?;
    while reader.next()? {
        if reader.term.as_slice() > term {
            break;
        }
    }
    Ok(reader.child)
}

/// A node that is being written.
#[derive(Clone, Debug, Default)]
pub(super) struct NodeWriter {
    pub(super) bytes: Vec<u8>,
    /// The last term; empty if there is none yet.
    pub(super) last: Vec<u8>,
}

impl NodeWriter {
    /// Starts a node over. Leaves have neither height nor child.
    pub(super) fn start(&mut self, height: u64, child: i64) {
        self.bytes.clear();
        self.last.clear();
        varint::push(&mut self.bytes, height);
        if height > 0 {
            varint::push(&mut self.bytes, child as u64);
        }
    }

    /// How many bytes the term shares with the last one. A term that does not come after it is damage.
    pub(super) fn shared(&self, term: &[u8]) -> Result<usize> {
        let shared = self.last.iter().zip(term).take_while(|(a, b)| a == b).count();
        match shared < term.len() {
            true => Ok(shared),
            false => Err(corrupt()),
        }
    }

    /// Appends an entry. The first one has no prefix length.
    pub(super) fn push(&mut self, term: &[u8], doclist: Option<&[u8]>) -> Result<()> {
        let shared = self.shared(term)?;
        if !self.last.is_empty() {
            varint::push(&mut self.bytes, shared as u64);
        }
        let suffix = &term[shared..];
        varint::push(&mut self.bytes, suffix.len() as u64);
        self.bytes.extend_from_slice(suffix);
        if let Some(doclist) = doclist {
            varint::push(&mut self.bytes, doclist.len() as u64);
            self.bytes.extend_from_slice(doclist);
        }
        self.last.truncate(shared);
        self.last.extend_from_slice(suffix);
        Ok(())
    }
}

/// The bytes of an entry for a term that shares `shared` bytes with the one before.
pub(super) fn entry_length(term: &[u8], shared: usize, doclist: Option<&[u8]>) -> usize {
    let suffix = term.len() - shared;
    let key = varint::length(shared as u64) + varint::length(suffix as u64) + suffix;
    key + doclist.map_or(0, |doclist| varint::length(doclist.len() as u64) + doclist.len())
}
