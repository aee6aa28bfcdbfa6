//! Whether a join's rows come out in a wanted order.
//!
//! An order holds over a sequence of tables when the keys of the first table's tree are the first terms, and, if that table's rows
//! differ in them, the keys of the next table's tree are the next terms, and so on. Columns that are equal to constants
//! take no part. A tree may be walked backwards.

use super::constraint::{Constraint, ConstraintOp};
use super::path::{Candidate, Path, TreePath};
use super::region::Items;
use super::tree::{KeyPart, Tree, TreeKey};
use crate::plan::logical::{ColumnNo, Scalar, TableId};
use crate::value::Collation;

/// A term of a wanted order.
#[derive(Clone, Debug)]
pub(in crate::plan) struct OrderWish {
    /// What is ordered by.
    pub expression: Scalar,
    /// DESC.
    pub descending: bool,
    /// NULLs before all others.
    pub nulls_first: bool,
    /// How texts compare.
    pub collation: Collation,
}

/// What is known about the order of a sequence of steps.
#[derive(Clone, Copy, Debug)]
pub(super) enum Progress {
    /// Further steps may add to it.
    Open(OrderState),
    /// Nothing will be added, whatever follows.
    Closed(OrderState),
}

/// How far an order holds after some steps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OrderState {
    /// How many leading terms hold.
    pub held: usize,
    /// Items that are walked backwards.
    pub backwards: Items,
    /// The items so far.
    items: Items,
}

/// An item of the region, as order sees it.
pub(super) struct OrderedItem<'s, 't> {
    /// The table; `None` for items whose rows have no order.
    pub table: Option<TableId>,
    /// Its trees.
    pub trees: &'s [Tree<'t>],
    /// The constraints on it.
    pub constraints: &'s [Constraint],
}

/// Checks orders.
pub(super) struct OrderCheck<'s, 't> {
    /// The wanted order and the items that each term depends on.
    pub wishes: &'s [(&'s OrderWish, Items)],
    /// Wishes for a column that is equal to a constant.
    pub constant: &'s [bool],
    /// The items.
    pub items: &'s [OrderedItem<'s, 't>],
}

impl Progress {
    /// What holds.
    pub fn state(&self) -> &OrderState {
        match self {
            Progress::Open(state) | Progress::Closed(state) => state,
        }
    }
}

impl OrderCheck<'_, '_> {
    /// How many terms are wanted.
    pub fn len(&self) -> usize {
        self.wishes.len()
    }

    /// The state before any step.
    pub fn start(&self) -> Progress {
        Progress::Open(OrderState::default())
    }

    /// The state after one more step. As long as it is open, rows that agree in all terms that hold are one row.
    pub fn step(&self, state: &OrderState, candidate: &Candidate) -> Progress {
        let mut next = *state;
        let distinct = candidate.one_row || self.walk(&mut next, candidate);
        if !distinct {
            self.pass(&mut next, 0);
            return Progress::Closed(next);
        }
        next.items |= 1 << candidate.item;
        let items = next.items;
        self.pass(&mut next, items);
        match next.held == self.wishes.len() {
            true => Progress::Closed(next),
            false => Progress::Open(next),
        }
    }

    /// What is known about the order of a whole sequence, whose candidates are given by number.
    pub fn along(&self, steps: &[usize], candidates: &[Candidate]) -> Progress {
        let mut order = self.start();
        for &step in steps {
            match &order {
                Progress::Open(state) => order = self.step(state, &candidates[step]),
                Progress::Closed(_) => break,
            }
        }
        order
    }

    /// Goes past wishes that cannot fail: columns that are equal to constants, and whatever depends on `known` items only.
    fn pass(&self, state: &mut OrderState, known: Items) {
        while let Some((_, items)) = self.wishes.get(state.held) {
            let settled = known != 0 && items & !known == 0;
            if !settled && !self.constant[state.held] {
                return;
            }
            state.held += 1;
        }
    }

    /// Matches the keys of a tree with the wishes; tells whether no two rows agree in all of the keys that were matched.
    fn walk(&self, state: &mut OrderState, candidate: &Candidate) -> bool {
        if let Path::Virtual(path) = &candidate.path {
            if path.ordered {
                state.held = self.wishes.len();
            }
            return false;
        }
        let item = &self.items[candidate.item as usize];
        let (Path::Tree(path), Some(table)) = (&candidate.path, item.table) else {
            return false;
        };
        let tree = &item.trees[path.tree()];
        let mut backwards = None;
        for (place, key) in tree.keys.iter().enumerate() {
            self.pass(state, 0);
            let wish = self.wishes.get(state.held).map(|(wish, _)| *wish);
            if is_fixed(item, path, place) {
                // Equal throughout the walk, so a wish for it holds as well.
                state.held += usize::from(wish.is_some_and(|wish| matches_key(wish, table, key)));
                continue;
            }
            let Some(wish) = wish.filter(|wish| matches_key(wish, table, key)) else {
                return false;
            };
            let reverse = wish.descending != key.descending;
            let odd_nulls = wish.nulls_first == wish.descending && !key.not_null;
            if odd_nulls || backwards.is_some_and(|known| known != reverse) {
                return false;
            }
            if reverse {
                state.backwards |= 1 << candidate.item;
            }
            backwards = Some(reverse);
            state.held += 1;
        }
        (tree.unique && tree.keys.iter().all(|key| key.not_null))
            || self.rowid_after(state, candidate, table, tree, backwards)
    }

    /// Entries of equal keys are in the order of their rowids.
    fn rowid_after(
        &self,
        state: &mut OrderState,
        candidate: &Candidate,
        table: TableId,
        tree: &Tree<'_>,
        backwards: Option<bool>,
    ) -> bool {
        self.pass(state, 0);
        let Some((wish, _)) = self.wishes.get(state.held) else {
            return false;
        };
        let is_rowid = wish
            .expression
            .as_column()
            .is_some_and(|column| column.table == table && column.column == ColumnNo::ROWID);
        if !is_rowid || tree.index.is_none() || backwards.is_some_and(|known| known != wish.descending) {
            return false;
        }
        if wish.descending {
            state.backwards |= 1 << candidate.item;
        }
        state.held += 1;
        true
    }
}

/// Whether a key is equal to one value throughout the walk.
fn is_fixed(item: &OrderedItem<'_, '_>, path: &TreePath, place: usize) -> bool {
    path.equal_at(place).is_some_and(|number| {
        let op = item.constraints[number].op;
        matches!(op, ConstraintOp::Equal | ConstraintOp::Is | ConstraintOp::Null)
    })
}

fn matches_key(wish: &OrderWish, table: TableId, key: &TreeKey<'_>) -> bool {
    let same = match (wish.expression.as_column(), key.part) {
        (Some(column), KeyPart::Column(own)) => column.table == table && column.column == own,
        (None, KeyPart::Expression(own)) => wish.expression.same(own),
        _ => false,
    };
    same && (wish.collation == *key.collation || key.is(ColumnNo::ROWID))
}

/// The trees, by number, that begin with a column that is wished for.
pub(super) fn helpful_trees(wishes: &[(&OrderWish, Items)], table: TableId, trees: &[Tree<'_>]) -> u64 {
    let mut helpful = 0;
    for (number, tree) in trees.iter().enumerate().take(64) {
        let helps =
            |(wish, _): &(&OrderWish, Items)| tree.keys.iter().any(|key| matches_key(wish, table, key));
        if wishes.iter().any(helps) {
            helpful |= 1 << number;
        }
    }
    helpful
}
