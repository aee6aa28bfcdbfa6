//! Taking an entry out of the tree. A node that is left with too few cells is dissolved, and its cells go back in.

use super::store::{ROOT, Tree};
use super::{DEPTH_MAX, corrupt};
use crate::error::Result;
use crate::virtual_table::VirtualContext;

impl Tree<'_> {
    /// Removes an entry, if it is there.
    pub(super) fn delete(&mut self, context: &mut VirtualContext<'_>, rowid: i64) -> Result<()> {
        self.acquire(context, ROOT, None)?;
        if let Some(leaf) = self.store.leaf_of(context, rowid)? {
            self.acquire(context, leaf, None)?;
            let place = self.node(leaf)?.find(rowid, &self.shape)?;
            self.delete_cell(context, leaf, place, 0)?;
        }
        self.delete_rowid(context, rowid)?;
        self.lower_root(context)?;
        while let Some((node, height)) = self.removed.pop() {
            for place in 0..node.len() {
                let cell = node.cell(place, &self.shape);
                let target = self.choose(context, &cell, height)?;
                self.insert_into(context, target, &cell, height)?;
            }
        }
        Ok(())
    }

    /// A root with one child takes over the child's cells.
    fn lower_root(&mut self, context: &mut VirtualContext<'_>) -> Result<()> {
        let root = self.node(ROOT)?;
        if self.depth == 0 || root.len() != 1 {
            return Ok(());
        }
        let child = root.rowid(0, &self.shape);
        self.acquire(context, child, Some(ROOT))?;
        self.remove_node(context, child, self.depth - 1)?;
        self.depth -= 1;
        let depth = self.depth;
        self.node_mut(ROOT)?.set_depth(depth);
        Ok(())
    }

    fn delete_cell(
        &mut self,
        context: &mut VirtualContext<'_>,
        number: i64,
        place: usize,
        height: usize,
    ) -> Result<()> {
        if height > DEPTH_MAX {
            return Err(corrupt());
        }
        self.acquire_above(context, number)?;
        let shape = self.shape;
        self.node_mut(number)?.remove(place, &shape);
        if self.parent(number).is_none() {
            return Ok(());
        }
        match self.node(number)?.len() < shape.cells_min() {
            true => self.remove_node(context, number, height),
            false => self.shrink_boxes(number),
        }
    }

    /// Dissolves a node.
    fn remove_node(&mut self, context: &mut VirtualContext<'_>, number: i64, height: usize) -> Result<()> {
        let (parent, place) = self.place_above(number)?.ok_or_else(corrupt)?;
        self.delete_cell(context, parent, place, height + 1)?;
        let node = self.discard(context, number)?;
        self.removed.push((node, height));
        Ok(())
    }

    /// Lets the boxes above a node enclose no more than its cells.
    fn shrink_boxes(&mut self, number: i64) -> Result<()> {
        let (mut child, shape) = (number, self.shape);
        for _ in 0..=DEPTH_MAX + 1 {
            let Some((parent, place)) = self.place_above(child)? else {
                return Ok(());
            };
            let node = self.node(child)?;
            let mut bounds = node.cell(0, &shape);
            for place in 1..node.len() {
                bounds.unite(&node.cell(place, &shape), &shape);
            }
            bounds.rowid = child;
            self.node_mut(parent)?.overwrite(place, &bounds, &shape);
            child = parent;
        }
        Err(corrupt())
    }
}
