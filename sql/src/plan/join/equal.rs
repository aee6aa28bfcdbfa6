//! Which columns are known to be equal as the join grows, so that no equality is checked that follows from others.
//!
//! ```text
//!   a.x = b.y AND b.y = c.z      a, then c by the derived a.x = c.z, then b by b.y = a.x; b.y = c.z follows
//! ```
//!
//! The derived equality has to be checked there: else `a` and `c` would come together without a condition. Equalities are followed
//! by collation, and only where some were derived; in all other joins none follows from others.

use smallvec::SmallVec;

use super::TermIds;
use super::derive::Pair;
use super::path::Path;
use super::region::{Items, Planner};
use crate::plan::join::constraint::Constraint;
use crate::plan::logical::{ColumnRef, Scalar};
use crate::value::Collation;

/// Sets of columns that are equal in all rows so far, one family of sets for each collation.
pub(super) struct EqualColumns {
    families: SmallVec<[(Collation, Sets); 1]>,
}

/// Columns and the number of the set that each is in.
#[derive(Default)]
struct Sets(Vec<(ColumnRef, u32)>);

impl Sets {
    fn set_of(&mut self, column: ColumnRef) -> u32 {
        if let Some((_, set)) = self.0.iter().find(|(known, _)| *known == column) {
            return *set;
        }
        let own = self.0.len() as u32;
        self.0.push((column, own));
        own
    }

    /// Makes two columns equal; false when they were.
    fn unite(&mut self, left: ColumnRef, right: ColumnRef) -> bool {
        let (to, from) = (self.set_of(left), self.set_of(right));
        for (_, set) in self.0.iter_mut().filter(|(_, set)| *set == from) {
            *set = to;
        }
        to != from
    }
}

impl EqualColumns {
    /// Nothing is equal yet; the collations are those of `derived`.
    pub fn new(derived: &[Pair]) -> EqualColumns {
        let mut families: SmallVec<[(Collation, Sets); 1]> = SmallVec::new();
        for pair in derived {
            if families.iter().all(|(known, _)| *known != pair.rule.collation) {
                families.push((pair.rule.collation.clone(), Sets::default()));
            }
        }
        EqualColumns { families }
    }

    /// Makes the columns of a pair equal; false when that follows from what is known.
    fn unite(&mut self, pair: &Pair) -> bool {
        let family = self.families.iter_mut();
        let mut family = family.filter(|(collation, _)| *collation == pair.rule.collation);
        family
            .next()
            .is_none_or(|(_, sets)| sets.unite(pair.left, pair.right))
    }
}

impl Planner<'_, '_> {
    /// Takes out of `ready`, the terms that a step has to check, those equalities that follow from others, and puts derived ones in
    /// that hold from this step on. What the search along `path` makes equal is not looked at again.
    pub(super) fn settle_equalities(
        &self,
        equal: &mut EqualColumns,
        ready: &mut TermIds,
        search: Option<(&Path, &[Constraint])>,
        done: Items,
    ) {
        if let Some((Path::Tree(path), constraints)) = search {
            for pair in path
                .used()
                .filter_map(|number| self.as_pair(constraints[number].term))
            {
                equal.unite(&pair);
            }
        }
        ready.retain(|term| self.as_pair(*term).is_none_or(|pair| equal.unite(&pair)));
        if search.is_none() {
            return;
        }
        for pair in &self.derived_pairs {
            let here = |column: ColumnRef| {
                let items = self.items_of(&Scalar::Column(column));
                items != 0 && items & !done == 0
            };
            if here(pair.left) && here(pair.right) && equal.unite(pair) {
                ready.push(pair.term);
            }
        }
    }

    /// Adds the ranges that follow from others and bear on one item alone.
    pub(super) fn add_early(&self, ready: &mut TermIds, own: Items) {
        for &term in &self.early {
            if self.items_of(self.term(term)) == own {
                ready.push(term);
            }
        }
    }
}
