//! What follows from an OR over several tables: terms that hold in each branch, and a coarser OR for each table alone.
//!
//! ```text
//!   (a.k = b.k AND a.x = 1 AND b.y = 2) OR (a.k = b.k AND a.x = 3 AND b.y = 4)
//!   ──▶  a.k = b.k   AND   a.x IN (1, 3)   AND   b.y IN (2, 4)   AND   (a.x = 1 AND b.y = 2 OR a.x = 3 AND b.y = 4)
//! ```
//!
//! The common terms can drive a join, and what is about one table is checked before that table is joined. The OR itself stays.

use super::super::logical::{Block, Scalar, TableId};
use super::push_down::is_volatile;
use super::simplify::simplify;

/// Adds to a block's WHERE what follows from its ORs.
pub(super) fn widen(block: &mut Block) {
    let Some(from) = &block.from else { return };
    let is_wide = |term: &Scalar| matches!(term, Scalar::Or(branches) if spans_tables(branches));
    if !block.filter.iter().any(is_wide) {
        return;
    }
    let mut tables = Vec::new();
    from.each_source(&mut |source| tables.push(source.table));
    let mut widened = Vec::with_capacity(block.filter.len() + 2);
    for term in std::mem::take(&mut block.filter) {
        match term {
            Scalar::Or(branches) if spans_tables(&branches) => {
                widened.extend(consequences(branches, &tables));
            }
            term => widened.push(term),
        }
    }
    block.filter = widened;
}

/// Whether each branch is a conjunction, and some of its terms are about several tables or different ones.
fn spans_tables(branches: &[Scalar]) -> bool {
    let mut seen: Option<TableId> = None;
    let mut several = false;
    for branch in branches {
        branch.each_column(&mut |column| {
            several |= seen.is_some_and(|table| table != column.table);
            seen = Some(column.table);
        });
    }
    several && branches.iter().all(|branch| matches!(branch, Scalar::And(_)))
}

/// An OR as terms that hold together: those common to all branches, those about one table, and what is left of the OR.
fn consequences(branches: Vec<Scalar>, tables: &[TableId]) -> Vec<Scalar> {
    let mut branches: Vec<Vec<Scalar>> = branches.into_iter().map(Scalar::into_conjuncts).collect();
    let mut terms = take_common(&mut branches);
    if branches.iter().any(Vec::is_empty) {
        return terms;
    }
    for &table in tables {
        let parts: Option<Vec<Scalar>> = branches.iter().map(|branch| about(branch, table)).collect();
        if let Some(parts) = parts {
            let mut term = Scalar::Or(parts);
            simplify(&mut term);
            terms.push(term);
        }
    }
    terms.push(Scalar::Or(branches.into_iter().map(conjunction).collect()));
    terms
}

/// Takes the terms out of the branches that all of them have.
fn take_common(branches: &mut [Vec<Scalar>]) -> Vec<Scalar> {
    let Some((first, others)) = branches.split_first_mut() else {
        return Vec::new();
    };
    let mut common = Vec::new();
    let mut place = 0;
    while place < first.len() {
        let term = &first[place];
        let everywhere = !is_volatile(term)
            && term.query().is_none()
            && others
                .iter()
                .all(|branch| branch.iter().any(|other| other.same(term)));
        if !everywhere {
            place += 1;
            continue;
        }
        let term = first.remove(place);
        for branch in others.iter_mut() {
            branch.retain(|other| !other.same(&term));
        }
        common.push(term);
    }
    common
}

/// What a branch says about one table alone.
fn about(branch: &[Scalar], table: TableId) -> Option<Scalar> {
    let is_about = |term: &&Scalar| {
        let (mut own, mut others) = (false, false);
        term.each_column(&mut |column| match column.table == table {
            true => own = true,
            false => others = true,
        });
        own && !others && !is_volatile(term) && !term.any(&mut |part| part.query().is_some())
    };
    let terms: Vec<Scalar> = branch.iter().filter(is_about).cloned().collect();
    (!terms.is_empty()).then(|| conjunction(terms))
}

fn conjunction(mut terms: Vec<Scalar>) -> Scalar {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        Some(last) => {
            terms.push(last);
            Scalar::And(terms)
        }
        None => Scalar::And(terms),
    }
}
