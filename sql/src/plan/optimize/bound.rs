//! The range that an OR stays in.
//!
//! ```text
//!   (a, b) > (3, 5)   is   a > 3 OR (a = 3 AND b > 5)   ──▶   and so a >= 3, which an index on a can begin with
//! ```
//!
//! The OR itself stays.

use super::super::logical::{Block, Comparison, Scalar, same_rule};
use super::push_down::is_volatile;
use crate::plan::expr::CompareOp;

/// Adds to a block's WHERE the bounds that follow from its ORs.
pub(super) fn bound(block: &mut Block) {
    if block.from.is_none() {
        return;
    }
    let ors = block.filter.iter().filter_map(|term| match term {
        Scalar::Or(branches) => bound_of(branches),
        _ => None,
    });
    let bounds: Vec<Scalar> = ors.collect();
    for bound in bounds {
        // A query that was merged into this one brings its own along.
        if !block.filter.iter().any(|term| term.same(&bound)) {
            block.filter.push(bound);
        }
    }
}

/// A comparison that holds in each branch: of a column with what no row has a say in, and not an equality everywhere.
fn bound_of(branches: &[Scalar]) -> Option<Scalar> {
    let (first, others) = branches.split_first()?;
    let candidates = comparisons(first).filter(|own| is_bound(own));
    let mut found = candidates.filter_map(|own| {
        let mut ends = Ends::default();
        ends.take(own.op);
        for branch in others {
            let other = comparisons(branch).find(|other| {
                let alike = other.left.same(&own.left) && other.right.same(&own.right);
                alike && same_rule(&other.rule, &own.rule) && Ends::allow(other.op)
            })?;
            ends.take(other.op);
        }
        Some(Scalar::compare(
            ends.op()?,
            own.left.clone(),
            own.right.clone(),
            own.rule.clone(),
        ))
    });
    found.next()
}

fn comparisons(branch: &Scalar) -> impl Iterator<Item = &Comparison> {
    let terms = match branch {
        Scalar::And(terms) => terms.as_slice(),
        term => std::slice::from_ref(term),
    };
    terms.iter().filter_map(|term| match term {
        Scalar::Compare(comparison) => Some(&**comparison),
        _ => None,
    })
}

fn is_bound(comparison: &Comparison) -> bool {
    let constant = |side: &Scalar| {
        let mut columns = false;
        side.each_column(&mut |_| columns = true);
        !columns && !is_volatile(side) && !side.any(&mut |part| part.query().is_some())
    };
    matches!(comparison.left, Scalar::Column(_)) && Ends::allow(comparison.op) && constant(&comparison.right)
}

/// Which comparisons there are with one value.
#[derive(Default)]
struct Ends {
    equal: bool,
    below: bool,
    above: bool,
}

impl Ends {
    fn allow(op: CompareOp) -> bool {
        use CompareOp::{Eq, Ge, Gt, Le, Lt};
        matches!(op, Eq | Lt | Le | Gt | Ge)
    }

    fn take(&mut self, op: CompareOp) {
        self.equal |= matches!(op, CompareOp::Eq | CompareOp::Le | CompareOp::Ge);
        self.below |= matches!(op, CompareOp::Lt | CompareOp::Le);
        self.above |= matches!(op, CompareOp::Gt | CompareOp::Ge);
    }

    /// What holds whichever of them does.
    fn op(&self) -> Option<CompareOp> {
        match (self.below, self.equal, self.above) {
            (true, true, false) => Some(CompareOp::Le),
            (true, false, false) => Some(CompareOp::Lt),
            (false, true, true) => Some(CompareOp::Ge),
            (false, false, true) => Some(CompareOp::Gt),
            _ => None,
        }
    }
}
