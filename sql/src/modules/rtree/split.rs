//! Splitting a full node: along the dimension with the least margins, where the halves overlap least.

use super::Shape;
use super::cell::Cell;
use super::node::Node;
use super::store::{ROOT, Tree};
use crate::error::Result;
use crate::virtual_table::VirtualContext;

impl Tree<'_> {
    /// Splits a node that has no room for `cell`. The root stays where it is and gets two new children.
    pub(super) fn split(
        &mut self,
        context: &mut VirtualContext<'_>,
        number: i64,
        cell: &Cell,
        height: usize,
    ) -> Result<()> {
        let shape = self.shape;
        let full = self.node(number)?;
        let mut cells: Vec<Cell> = (0..full.len()).map(|place| full.cell(place, &shape)).collect();
        cells.push(*cell);
        let halves = Halves::of(&cells, &shape);
        let is_root = number == ROOT;
        let above = if is_root { Some(ROOT) } else { self.parent(number) };
        if is_root {
            self.depth += 1;
            let depth = self.depth;
            let root = self.node_mut(ROOT)?;
            root.clear();
            root.set_depth(depth);
        }
        let right = self.add(context, halves.right, above)?;
        let left = match is_root {
            true => self.add(context, halves.left, above)?,
            false => {
                *self.node_mut(number)? = halves.left;
                number
            }
        };
        let (mut left_box, mut right_box) = (halves.left_box, halves.right_box);
        (left_box.rowid, right_box.rowid) = (left, right);
        match above {
            Some(ROOT) if is_root => self.insert_into(context, ROOT, &left_box, height + 1)?,
            Some(parent) => {
                let place = self.node(parent)?.find(left, &shape)?;
                self.node_mut(parent)?.overwrite(place, &left_box, &shape);
                self.adjust(parent, &left_box)?;
            }
            None => return Err(super::corrupt()),
        }
        // The left side's way up may have been split with it.
        let parent = self.parent(right).unwrap_or(ROOT);
        self.insert_into(context, parent, &right_box, height + 1)?;
        let moved_right = self.map_cells(context, right, height)?;
        if is_root {
            self.map_cells(context, left, height)?;
        } else if !moved_right.contains(&cell.rowid) {
            self.map(context, cell.rowid, left, height)?;
        }
        Ok(())
    }

    /// Tells the tables that all cells of a node are there.
    fn map_cells(
        &mut self,
        context: &mut VirtualContext<'_>,
        number: i64,
        height: usize,
    ) -> Result<Vec<i64>> {
        let (node, shape) = (self.node(number)?, self.shape);
        let rowids: Vec<i64> = (0..node.len()).map(|place| node.rowid(place, &shape)).collect();
        for &rowid in &rowids {
            self.map(context, rowid, number, height)?;
        }
        Ok(rowids)
    }

    fn map(&mut self, context: &mut VirtualContext<'_>, rowid: i64, node: i64, height: usize) -> Result<()> {
        if height > 0 {
            self.set_parent(rowid, node);
        }
        self.write_mapping(context, rowid, node, height)
    }
}

/// Two nodes that a full one becomes, and their boxes.
struct Halves {
    left: Node,
    right: Node,
    left_box: Cell,
    right_box: Cell,
}

impl Halves {
    fn of(cells: &[Cell], shape: &Shape) -> Halves {
        let mut best: Option<(f64, usize, Vec<usize>)> = None;
        for dimension in 0..shape.dimensions {
            let mut order: Vec<usize> = (0..cells.len()).collect();
            sort_by_dimension(&mut order, dimension, cells);
            let (margin, at) = best_place(&order, cells, shape);
            if best.as_ref().is_none_or(|(least, _, _)| margin < *least) {
                best = Some((margin, at, order));
            }
        }
        let (_, at, order) = best.unwrap_or_else(|| (0.0, cells.len() / 2, (0..cells.len()).collect()));
        let half = |places: &[usize]| {
            let mut node = Node::empty(shape);
            let mut bounds = places.first().map_or_else(Cell::default, |&first| cells[first]);
            for &place in places {
                node.push(&cells[place], shape);
                bounds.unite(&cells[place], shape);
            }
            (node, bounds)
        };
        let (left, left_box) = half(&order[..at]);
        let (right, right_box) = half(&order[at..]);
        Halves {
            left,
            right,
            left_box,
            right_box,
        }
    }
}

/// The sum of the margins over all places to cut, and the place with the least overlap (and then the least area).
fn best_place(order: &[usize], cells: &[Cell], shape: &Shape) -> (f64, usize) {
    let least = shape.cells_min();
    let mut margin = 0.0;
    let mut best: Option<(f64, f64, usize)> = None;
    for at in least..=order.len().saturating_sub(least) {
        let last = order.len() - 1;
        let (mut left, mut right) = (cells[order[0]], cells[order[last]]);
        for (place, &cell) in order.iter().enumerate().take(last).skip(1) {
            let side = if place < at { &mut left } else { &mut right };
            side.unite(&cells[cell], shape);
        }
        margin += left.margin(shape);
        margin += right.margin(shape);
        let overlap = left.overlap(&right, shape);
        let area = left.area(shape) + right.area(shape);
        let better = |&(least, smallest, _): &(f64, f64, usize)| {
            overlap < least || overlap == least && area < smallest
        };
        if best.as_ref().is_none_or(better) {
            best = Some((overlap, area, at));
        }
    }
    (margin, best.map_or(order.len() / 2, |(_, _, at)| at))
}

/// Sorts cells by their bounds in a dimension. It merges halves as SQLite does, where of two equal cells the one of the right half comes
/// first, so that trees take the same shape.
fn sort_by_dimension(order: &mut [usize], dimension: usize, cells: &[Cell]) {
    if order.len() < 2 {
        return;
    }
    let middle = order.len() / 2;
    let (left, right) = order.split_at_mut(middle);
    sort_by_dimension(left, dimension, cells);
    sort_by_dimension(right, dimension, cells);
    let (left, right) = (left.to_vec(), right.to_vec());
    let key = |cell: usize| {
        let bounds = &cells[cell].bounds;
        (bounds[dimension * 2].number(), bounds[dimension * 2 + 1].number())
    };
    let (mut from_left, mut from_right) = (0, 0);
    for slot in order.iter_mut() {
        let takes_left = match (left.get(from_left), right.get(from_right)) {
            (Some(_), None) => true,
            (Some(&left), Some(&right)) => {
                let (own, other) = (key(left), key(right));
                own.0 < other.0 || own.0 == other.0 && own.1 < other.1
            }
            _ => false,
        };
        *slot = match takes_left {
            true => left[from_left],
            false => right[from_right],
        };
        match takes_left {
            true => from_left += 1,
            false => from_right += 1,
        }
    }
}
