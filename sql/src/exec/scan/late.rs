//! Terms of a scan's filter that are better asked of many rows at once.
//!
//! A scan filters the rows of a leaf, or of a look-up, and often few of them are left for a subquery that reads the row. Such a subquery
//! answers many rows together (`kernel::subquery`). So from the first term on that has one, the terms are taken out of
//! the scan and put above it, where a batch holds the rows of many leaves.

use crate::error::Result;
use crate::exec::kernel::Kernel;
use crate::exec::operator::Operator;
use crate::exec::{build::BuildContext, rows};
use crate::plan::expr::Expr;
use crate::plan::physical::{IndexScan, SeekTerm, TableScan};

/// A scan's plan as far as its filter goes.
pub(super) trait Filtered: Clone {
    fn filter(&mut self) -> &mut Option<Expr>;
    /// Whether there is at most one row, so that none need wait for others.
    fn finds_one_row(&self) -> bool;
}

impl Filtered for TableScan {
    fn filter(&mut self) -> &mut Option<Expr> {
        &mut self.filter
    }

    fn finds_one_row(&self) -> bool {
        let seek = &self.seek;
        self.table.without_rowid.is_none()
            && seek.lower.is_none()
            && seek.upper.is_none()
            && matches!(seek.equal.as_slice(), [SeekTerm::Equal(_)])
    }
}

impl Filtered for IndexScan {
    fn filter(&mut self) -> &mut Option<Expr> {
        &mut self.filter
    }

    fn finds_one_row(&self) -> bool {
        false
    }
}

/// The operator that `scan` makes of a plan, and above it the terms that can wait.
pub(super) fn with_late_terms<P: Filtered>(
    plan: &P,
    filter: Option<&Expr>,
    build: &mut BuildContext,
    scan: impl FnOnce(&P, &mut BuildContext) -> Result<Box<dyn Operator>>,
) -> Result<Box<dyn Operator>> {
    let terms = match filter {
        Some(Expr::And(terms)) => terms,
        Some(term) => std::slice::from_ref(term),
        None => return scan(plan, build),
    };
    let first = terms.iter().position(asks_for_each_row);
    let Some(first) = first.filter(|_| !plan.finds_one_row()) else {
        return scan(plan, build);
    };
    let (early, late) = terms.split_at(first);
    let mut early_plan = plan.clone();
    *early_plan.filter() = conjunction(early);
    let input = scan(&early_plan, build)?;
    match conjunction(late) {
        Some(late) => Ok(rows::filter(input, Kernel::compile_in(&late, build)?)),
        None => Ok(input),
    }
}

/// All of the terms as one.
pub(super) fn conjunction<'t>(terms: impl IntoIterator<Item = &'t Expr>) -> Option<Expr> {
    let mut terms: Vec<Expr> = terms.into_iter().cloned().collect();
    match terms.len() {
        0 | 1 => terms.pop(),
        _ => Some(Expr::And(terms)),
    }
}

/// Whether a term has a subquery that runs for each row.
fn asks_for_each_row(term: &Expr) -> bool {
    let mut asks = false;
    term.visit(&mut |part| {
        if let Expr::Exists { subquery, .. }
        | Expr::Scalar { subquery, .. }
        | Expr::InSubquery { subquery, .. } = part
        {
            asks |= !subquery.bindings.is_empty();
        }
    });
    asks
}
