//! OR over one table: each branch through a tree of its own, the rowids united.

use super::constraint::Constraint;
use super::cost::LogEst;
use super::path::{Candidate, Candidates, Path, TableSearch, TreePath};
use super::region::{Items, Planner, TermUse};
use super::{TermId, TermIds};
use crate::plan::logical::Scalar;

impl<'q> Planner<'_, 'q> {
    /// The candidates that terms of the form `a OR b OR ..` give.
    #[inline(never)]
    pub(super) fn union_candidates(
        &mut self,
        search: &TableSearch<'_, '_>,
        uses: &[TermUse],
        out: &mut Candidates,
    ) {
        let rowids = search.trees.iter().any(|tree| tree.is_rowid());
        if !rowids || search.forced {
            return;
        }
        let own: Items = 1 << search.item;
        for term in uses {
            if term.derived || term.items & own == 0 {
                continue;
            }
            let Scalar::Or(branches) = self.term(term.term) else {
                continue;
            };
            let branches = branches.clone();
            if let Some(candidate) = self.union(search, term.term, &branches) {
                out.push(candidate);
            }
        }
    }

    #[inline(never)]
    fn union(
        &mut self,
        search: &TableSearch<'_, '_>,
        term: TermId,
        branches: &[Scalar],
    ) -> Option<Candidate> {
        let mut paths: Vec<(TreePath, Vec<Constraint>)> = Vec::with_capacity(branches.len());
        let mut run = LogEst::ONE;
        let mut rows = LogEst::ONE;
        let mut needs = search.before;
        for branch in branches {
            let best = self.branch(search, branch.clone(), term)?;
            let (candidate, constraints) = best;
            let Path::Tree(path) = candidate.path else {
                return None;
            };
            (run, rows) = match paths.is_empty() {
                true => (candidate.run, candidate.out),
                false => (run.sum(candidate.run), rows.sum(candidate.out)),
            };
            needs |= candidate.needs;
            paths.push((path, constraints));
        }
        Some(Candidate {
            item: search.item as u32,
            needs,
            path: Path::Union { branches: paths },
            setup: LogEst::ONE,
            run: run.plus(1),
            out: rows.min(search.rows),
            one_row: false,
        })
    }

    /// The cheapest search for the rows of one branch.
    fn branch(
        &mut self,
        search: &TableSearch<'_, '_>,
        branch: Scalar,
        parent: TermId,
    ) -> Option<(Candidate, Vec<Constraint>)> {
        let mut ids: TermIds = branch
            .into_conjuncts()
            .into_iter()
            .map(|term| self.add_derived(term, parent))
            .collect();
        self.derive_patterns(&mut ids);
        let mut constraints = Vec::new();
        for &id in &ids {
            self.find_constraints(id, search.item, &mut constraints);
        }
        let own = TableSearch {
            constraints: &constraints,
            wanted: 0,
            hash: false,
            ..*search
        };
        let mut found = Candidates::new();
        self.table_candidates(&own, &[], &mut found);
        let seeks = |candidate: &Candidate| matches!(&candidate.path, Path::Tree(path) if path.seeks() && path.any_count() == 0);
        let best = found
            .into_iter()
            .filter(seeks)
            .min_by_key(|candidate| (candidate.run, candidate.out))?;
        // Blobs that match a pattern are found by a second range, which a branch has not.
        let by_pattern = match &best.path {
            Path::Tree(path) => path
                .used()
                .any(|number| self.is_half_of_pattern(&constraints[number])),
            _ => false,
        };
        (!by_pattern).then_some((best, constraints))
    }
}
