//! A join's expressions in the forms that look-ups and hash tables need.

use crate::exec::scan::KeyedPlan;
use crate::plan::expr::{CompareRule, Expr};
use crate::plan::physical::{HashJoin, HashKey, JoinKind, NestedLoop, Node};

/// The expressions of a plan over outer rows and pairs instead of registers.
pub(super) struct Parts<'p> {
    /// Over the outer side's layout.
    pub(super) keys: Vec<Expr>,
    /// Terms over the inner side alone that cannot fail: over the inner layout.
    pub(super) inner_terms: Vec<&'p Expr>,
    /// The same over the joined layout.
    pub(super) inner_terms_of_pairs: Vec<Expr>,
    /// All other terms of the inner side's filter, and ON: over the joined layout.
    pub(super) pair_terms: Vec<Expr>,
}

impl<'p> Parts<'p> {
    pub(super) fn of(plan: &'p NestedLoop, inner: &KeyedPlan<'p>) -> Option<Parts<'p>> {
        let plain = |bound: &Expr| matches!(bound, Expr::Column(_) | Expr::Register(_));
        if !plan.bindings.iter().all(|(_, bound)| plain(bound)) {
            return None;
        }
        let bound = |part: &Expr| match part {
            Expr::Register(register) => {
                let binding = plan.bindings.iter().find(|(own, _)| own == register);
                binding.map(|(_, bound)| bound.clone())
            }
            _ => None,
        };
        let key = |key: &&Expr| {
            key.with_leaves(&mut |part| match part {
                Expr::Column(_) => None,
                part => Some(bound(part).unwrap_or_else(|| part.clone())),
            })
        };
        let keys = inner.keys.iter().map(key).collect::<Option<Vec<Expr>>>()?;
        let (mut inner_terms, mut inner_terms_of_pairs) = (Vec::new(), Vec::new());
        let mut pair_terms = Vec::new();
        for term in inner.filter.into_iter().flat_map(conjuncts) {
            let mut alone = true;
            term.visit(&mut |part| alone &= bound(part).is_none() && !may_fail(part));
            let over_pairs = over_pair(term, plan.outer_width, &bound)?;
            match alone {
                true => {
                    inner_terms.push(term);
                    inner_terms_of_pairs.push(over_pairs);
                }
                false => pair_terms.push(over_pairs),
            }
        }
        pair_terms.extend(plan.on.iter().flat_map(conjuncts).cloned());
        Some(Parts {
            keys,
            inner_terms,
            inner_terms_of_pairs,
            pair_terms,
        })
    }

    /// All terms, over the joined layout.
    pub(super) fn into_every_term(self) -> Vec<Expr> {
        let mut terms = self.inner_terms_of_pairs;
        terms.extend(self.pair_terms);
        terms
    }

    /// The same join with all inner rows in a hash table.
    pub(super) fn hash_plan(&self, plan: &NestedLoop, inner: &KeyedPlan<'_>) -> Option<HashJoin> {
        // Built when it is needed, the join finds nothing of what subqueries share with others.
        let mut has_subquery = false;
        self.pair_terms.iter().for_each(|term| {
            term.visit(&mut |part| {
                has_subquery |= matches!(
                    part,
                    Expr::InSubquery { .. } | Expr::Exists { .. } | Expr::Scalar { .. }
                );
            });
        });
        if has_subquery {
            return None;
        }
        let any_order = !plan.ordered || matches!(plan.kind, JoinKind::Semi | JoinKind::Anti);
        let inner_terms = self.inner_terms.iter().map(|term| (*term).clone());
        let (right, places) = inner.whole(conjunction(inner_terms.collect()), any_order)?;
        let keys = self
            .keys
            .iter()
            .zip(places)
            .map(|(key, (place, collation))| HashKey {
                left: key.clone(),
                right: Expr::Column(place),
                rule: CompareRule {
                    left: None,
                    right: None,
                    collation,
                },
                null_matches: false,
            });
        Some(HashJoin {
            left: Node::Values {
                rows: Vec::new(),
                width: plan.outer_width,
            },
            right,
            keys: keys.collect(),
            kind: plan.kind,
            on: conjunction(self.pair_terms.clone()),
            left_width: plan.outer_width,
            right_width: inner.width(),
        })
    }
}

/// The join of a plan with all inner rows in a hash table.
#[inline(never)]
pub(super) fn hash_plan_of(plan: &NestedLoop) -> Option<HashJoin> {
    let inner = KeyedPlan::of(&plan.inner)?;
    Parts::of(plan, &inner)?.hash_plan(plan, &inner)
}

/// Whether evaluating an expression for a row more could lead to an error. Dates of constants are common in WHERE, and are NULL at worst.
fn may_fail(part: &Expr) -> bool {
    let Expr::Call {
        function, arguments, ..
    } = part
    else {
        return false;
    };
    let harmless = ["date", "datetime", "julianday", "time", "unixepoch"].contains(&&*function.name);
    let constant = |argument: &Expr| matches!(argument, Expr::Literal(_));
    !(function.builtin && harmless && arguments.iter().all(constant))
}

/// A term over the inner side's layout as one over pairs.
fn over_pair(term: &Expr, outer_width: usize, bound: &dyn Fn(&Expr) -> Option<Expr>) -> Option<Expr> {
    term.with_leaves(&mut |part| match part {
        Expr::Column(column) => Some(Expr::Column(outer_width + column)),
        part => Some(bound(part).unwrap_or_else(|| part.clone())),
    })
}

fn conjuncts(term: &Expr) -> &[Expr] {
    match term {
        Expr::And(terms) => terms,
        term => std::slice::from_ref(term),
    }
}

pub(super) fn conjunction(mut terms: Vec<Expr>) -> Option<Expr> {
    match terms.len() {
        0 | 1 => terms.pop(),
        _ => Some(Expr::And(terms)),
    }
}
