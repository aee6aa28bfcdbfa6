//! Estimates from the samples of sqlite_stat4, for values that stand in the statement. SQLite's rules: a value that was sampled has as many rows as were
//! counted, any other as many as those not sampled have on average; a range has what lies between its bounds.
//!
//! Parameters are not looked at: a plan is made before they are bound, and kept for all that are bound later.

use super::constraint::{Constraint, ConstraintOp, Side, side_of};
use super::cost::LogEst;
use super::path::{Bound, Growth, TableSearch, bound_number, range_rows};
use super::region::Planner;
use super::tree::Tree;
use crate::catalog::Samples;
use crate::plan::logical::Scalar;
use crate::value::{Affinity, Value, apply_affinity};

impl Planner<'_, '_> {
    /// Rows with the values of an equality on the next key; `None` where its values are not known.
    #[inline(never)]
    pub(super) fn sampled_rows(
        &self,
        samples: &Samples,
        tree: &Tree<'_>,
        constraint: &Constraint,
        next: &mut Growth,
    ) -> Option<u64> {
        let place = next.path.equal_count().checked_sub(1)?;
        if next.known.len() != place || place >= samples.width() {
            return None;
        }
        match constraint.op {
            ConstraintOp::List => {
                let Scalar::InList { list, .. } = side_of(self.term(constraint.term), Side::Set) else {
                    return None;
                };
                let mut rows = 0_u64;
                for value in list {
                    next.known.push(constant(value, constraint.value_affinity)?);
                    let found = equal_rows(samples, tree, &next.known);
                    next.known.truncate(place);
                    rows = rows.saturating_add(found?);
                }
                Some(rows.min(samples.rows()).max(1))
            }
            ConstraintOp::Query => None,
            ConstraintOp::Null => {
                next.known.push(Value::Null);
                equal_rows(samples, tree, &next.known)
            }
            _ => {
                let value = side_of(self.term(constraint.term), constraint.value);
                next.known.push(constant(value, constraint.value_affinity)?);
                equal_rows(samples, tree, &next.known)
            }
        }
    }

    /// Rows that bounds on the key after the equalities leave.
    pub(super) fn rows_between(
        &self,
        search: &TableSearch<'_, '_>,
        tree: &Tree<'_>,
        growth: &Growth,
        (lower, upper): (Bound, Bound),
    ) -> LogEst {
        let bounds = i16::from(lower.is_some()) + i16::from(upper.is_some());
        match tree.samples() {
            Some(samples) => self.sampled_range(search, (samples, tree), growth, (lower, upper)),
            None => range_rows(growth.out, bounds),
        }
    }

    #[inline(never)]
    fn sampled_range(
        &self,
        search: &TableSearch<'_, '_>,
        (samples, tree): (&Samples, &Tree<'_>),
        growth: &Growth,
        (lower, upper): (Bound, Bound),
    ) -> LogEst {
        let place = growth.known.len();
        let mut bounds = i16::from(lower.is_some()) + i16::from(upper.is_some());
        let order = tree.index.map(|index| &*index.order);
        let (Some(order), true) = (
            order,
            place == growth.path.equal_count() && place < samples.width(),
        ) else {
            return range_rows(growth.out, bounds);
        };
        let (mut from, mut to) = match samples.standing(&growth.known, order, false) {
            Some(own) => (own.less, own.less.saturating_add(own.equal)),
            None => (0, samples.rows()),
        };
        let mut key = growth.known.clone();
        let (mut first, mut last) = (lower, upper);
        if tree.keys.get(place).is_some_and(|key| key.descending) {
            (first, last) = (upper, lower);
        }
        let (mut out, mut at) = (growth.out.0, [None, None]);
        for (slot, bound) in [first, last].into_iter().enumerate() {
            let Some(constraint) = bound_number(bound).and_then(|number| search.constraints.get(number))
            else {
                continue;
            };
            let value = side_of(self.term(constraint.term), constraint.value);
            let Some(value) = constant(value, constraint.value_affinity) else {
                continue;
            };
            key.push(value);
            let standing = samples.standing(&key, order, slot == 1);
            key.pop();
            let Some(standing) = standing else { continue };
            // Above, and up to and with: the rows of the value itself lie before the bound.
            let takes_value = matches!(
                constraint.op,
                ConstraintOp::Above { inclusive: false } | ConstraintOp::Below { inclusive: true }
            );
            let bound = standing
                .less
                .saturating_add(if takes_value { standing.equal } else { 0 });
            match slot {
                0 => from = from.max(bound),
                _ => to = to.min(bound),
            }
            at[slot] = Some(standing.sample);
            bounds -= 1;
            out -= 1;
        }
        let Some(_) = at[0].or(at[1]) else {
            return range_rows(growth.out, bounds);
        };
        let mut rows = match to > from {
            true => LogEst::of(to - from).0,
            false => 10,
        };
        if to > from && at[0].is_some() && at[0] == at[1] {
            rows -= 20;
        }
        out = out.min(rows);
        match bounds > 0 {
            true => range_rows(LogEst(out.max(0)), bounds),
            false => LogEst(out.max(0)),
        }
    }
}

/// Rows with exactly these values of the leading keys.
fn equal_rows(samples: &Samples, tree: &Tree<'_>, known: &[Value]) -> Option<u64> {
    let index = tree.index?;
    if known.len() >= samples.width() {
        return Some(1);
    }
    let standing = samples.standing(known, &index.order, false)?;
    // As with SQLite nothing is known by nought.
    Some(standing.equal).filter(|rows| *rows > 0)
}

/// The value of a literal as the comparison sees it.
fn constant(scalar: &Scalar, affinity: Option<Affinity>) -> Option<Value> {
    let mut value = scalar.as_literal()?.clone();
    if let Some(affinity) = affinity {
        apply_affinity(&mut value, affinity);
    }
    Some(value)
}
