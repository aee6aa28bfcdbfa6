//! The bytes of a node.

use super::cell::{Cell, Coordinate};
use super::{Shape, corrupt};
use crate::error::Result;

/// A node in memory, as long as the shape says, with no more cells than fit.
#[derive(Clone, Debug)]
pub(super) struct Node {
    bytes: Vec<u8>,
}

impl Node {
    /// A node without cells.
    pub(super) fn empty(shape: &Shape) -> Node {
        Node {
            bytes: vec![0; shape.node_bytes],
        }
    }

    /// From the bytes of a shadow table.
    ///
    /// # Errors
    /// Bytes that are no node of this shape.
    pub(super) fn read(bytes: &[u8], shape: &Shape) -> Result<Node> {
        let node = Node {
            bytes: bytes.to_vec(),
        };
        match bytes.len() == shape.node_bytes && node.len() <= shape.cells_max() {
            true => Ok(node),
            false => Err(corrupt()),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many cells it has.
    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(u16::from_be_bytes([self.bytes[2], self.bytes[3]]))
    }

    fn set_len(&mut self, len: usize) {
        self.bytes[2..4].copy_from_slice(&(len as u16).to_be_bytes());
    }

    /// The depth of the tree, in its root: 0 when that is a leaf.
    pub(super) fn depth(&self) -> usize {
        usize::from(u16::from_be_bytes([self.bytes[0], self.bytes[1]]))
    }

    pub(super) fn set_depth(&mut self, depth: usize) {
        self.bytes[0..2].copy_from_slice(&(depth as u16).to_be_bytes());
    }

    /// Forgets all cells, and the depth.
    pub(super) fn clear(&mut self) {
        self.bytes.fill(0);
    }

    /// The number of a cell.
    #[inline]
    pub(super) fn rowid(&self, place: usize, shape: &Shape) -> i64 {
        let start = 4 + place * shape.cell_bytes();
        let bytes = self
            .bytes
            .get(start..start + 8)
            .and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, i64::from_be_bytes)
    }

    /// A bound of a cell.
    #[inline]
    pub(super) fn bound(&self, place: usize, bound: usize, shape: &Shape) -> Coordinate {
        let start = 4 + place * shape.cell_bytes() + 8 + bound * 4;
        let bytes = self
            .bytes
            .get(start..start + 4)
            .and_then(|bytes| bytes.try_into().ok());
        Coordinate::from_bits(bytes.map_or(0, u32::from_be_bytes), shape.integers)
    }

    pub(super) fn cell(&self, place: usize, shape: &Shape) -> Cell {
        let mut cell = Cell {
            rowid: self.rowid(place, shape),
            ..Cell::default()
        };
        for (bound, value) in cell.bounds.iter_mut().take(shape.dimensions * 2).enumerate() {
            *value = self.bound(place, bound, shape);
        }
        cell
    }

    pub(super) fn overwrite(&mut self, place: usize, cell: &Cell, shape: &Shape) {
        let start = 4 + place * shape.cell_bytes();
        self.bytes[start..start + 8].copy_from_slice(&cell.rowid.to_be_bytes());
        for (bound, value) in cell.bounds.iter().take(shape.dimensions * 2).enumerate() {
            let at = start + 8 + bound * 4;
            self.bytes[at..at + 4].copy_from_slice(&value.bits().to_be_bytes());
        }
    }

    /// Adds a cell; false when there is no room.
    pub(super) fn push(&mut self, cell: &Cell, shape: &Shape) -> bool {
        let len = self.len();
        if len >= shape.cells_max() {
            return false;
        }
        self.overwrite(len, cell, shape);
        self.set_len(len + 1);
        true
    }

    pub(super) fn remove(&mut self, place: usize, shape: &Shape) {
        let (start, width) = (4 + place * shape.cell_bytes(), shape.cell_bytes());
        let end = 4 + self.len() * width;
        self.bytes.copy_within(start + width..end, start);
        self.set_len(self.len() - 1);
    }

    /// The place of the cell with a number.
    ///
    /// # Errors
    /// There is none: tables that contradict each other.
    pub(super) fn find(&self, rowid: i64, shape: &Shape) -> Result<usize> {
        let mut places = 0..self.len();
        places
            .find(|&place| self.rowid(place, shape) == rowid)
            .ok_or_else(corrupt)
    }
}
