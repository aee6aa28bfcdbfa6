//! Putting a cell into the tree.

use super::cell::Cell;
use super::store::{ROOT, Tree};
use super::{DEPTH_MAX, corrupt};
use crate::error::Result;
use crate::virtual_table::VirtualContext;

impl Tree<'_> {
    /// Puts an entry into the tree.
    pub(super) fn insert(&mut self, context: &mut VirtualContext<'_>, cell: &Cell) -> Result<()> {
        let leaf = self.choose(context, cell, 0)?;
        self.insert_into(context, leaf, cell, 0)
    }

    /// The node at `height` that has to grow least by a cell.
    pub(super) fn choose(
        &mut self,
        context: &mut VirtualContext<'_>,
        cell: &Cell,
        height: usize,
    ) -> Result<i64> {
        self.acquire(context, ROOT, None)?;
        let mut number = ROOT;
        for _ in height..self.depth {
            let child = self.best_child(number, cell)?;
            self.acquire(context, child, Some(number))?;
            number = child;
        }
        Ok(number)
    }

    /// The smallest of the children that enclose a cell; else the one that grows least, and of these the smallest.
    fn best_child(&self, number: i64, cell: &Cell) -> Result<i64> {
        let (node, shape) = (self.node(number)?, &self.shape);
        let mut enclosing: Option<(f64, i64)> = None;
        for place in 0..node.len() {
            let own = node.cell(place, shape);
            if own.contains(cell, shape) {
                let area = own.area(shape);
                if enclosing.is_none_or(|(least, _)| area < least) {
                    enclosing = Some((area, own.rowid));
                }
            }
        }
        if let Some((_, found)) = enclosing {
            return Ok(found);
        }
        let mut best: Option<(f64, f64, i64)> = None;
        for place in 0..node.len() {
            let mut own = node.cell(place, shape);
            let (area, rowid) = (own.area(shape), own.rowid);
            own.unite(cell, shape);
            let growth = own.area(shape) - area;
            let better = |&(least, smallest, _): &(f64, f64, i64)| {
                growth < least || growth == least && area < smallest
            };
            if best.as_ref().is_none_or(better) {
                best = Some((growth, area, rowid));
            }
        }
        // A node without cells leads nowhere.
        best.map(|(_, _, rowid)| rowid).ok_or_else(corrupt)
    }

    /// Puts a cell into a node at `height`, which splits when it is full.
    pub(super) fn insert_into(
        &mut self,
        context: &mut VirtualContext<'_>,
        number: i64,
        cell: &Cell,
        height: usize,
    ) -> Result<()> {
        if height > DEPTH_MAX {
            return Err(corrupt());
        }
        if height > 0 {
            self.set_parent(cell.rowid, number);
        }
        let shape = self.shape;
        if !self.node_mut(number)?.push(cell, &shape) {
            return self.split(context, number, cell, height);
        }
        self.adjust(number, cell)?;
        self.write_mapping(context, cell.rowid, number, height)
    }

    /// Lets the boxes above a node enclose a cell that went into it.
    pub(super) fn adjust(&mut self, number: i64, cell: &Cell) -> Result<()> {
        let (mut child, shape) = (number, self.shape);
        for _ in 0..=DEPTH_MAX + 1 {
            let Some((parent, place)) = self.place_above(child)? else {
                return Ok(());
            };
            let mut own = self.node(parent)?.cell(place, &shape);
            if !own.contains(cell, &shape) {
                own.unite(cell, &shape);
                self.node_mut(parent)?.overwrite(place, &own, &shape);
            }
            child = parent;
        }
        Err(corrupt())
    }
}
