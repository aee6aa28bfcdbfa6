//! How the tables of a block are joined: in which order, by which method, through which access paths.
//!
//! ```text
//! From ─ region (items that may change places, terms that hold over them) ─ order ─ Step tree
//! ```
//!
//! A region is a list of items: tables, or outer joins that stay as they are. Inner joins, and LEFT JOINs onto what stands left of
//! them, are items of one region; a LEFT JOIN's item comes after all items that were written before it. Each term of WHERE and ON
//! is checked at the first step where all its tables are at hand.

mod access;
mod build;
mod constraint;
mod cost;
mod derive;
mod equal;
mod estimate;
mod lone;
mod look_up;
mod order;
mod path;
mod prepared;
mod region;
mod sampled;
mod solve;
mod tree;
mod union;
mod virtual_table;

use std::borrow::Cow;

use smallvec::SmallVec;

use super::bind::Tables;
use super::context::PlanContext;
use super::expr::CompareRule;
use super::logical::{From, Scalar, SemiJoin, Source, TableId};
use super::physical::JoinKind;
use crate::error::Result;
pub(super) use access::{Access, KeyBound, KeyRange, KeyTerm, KeyValue, VirtualBranch};
pub(super) use order::OrderWish;
pub(super) use region::Wanted;

/// The join of a block, decided.
pub(super) struct JoinPlan<'q> {
    /// The terms that steps refer to.
    pub terms: Terms<'q>,
    /// The last step.
    pub root: Step<'q>,
    /// How many terms of the wanted order hold.
    pub sorted: usize,
}

/// Terms by number.
pub(super) enum Terms<'q> {
    /// As the statement says them.
    Written(SmallVec<[&'q Scalar; 4]>),
    /// Those, and what follows from them.
    All(Vec<Cow<'q, Scalar>>),
}

impl Terms<'_> {
    /// The term with that number.
    #[inline]
    pub fn get(&self, term: TermId) -> &Scalar {
        match self {
            Terms::Written(terms) => terms[term as usize],
            Terms::All(terms) => &terms[term as usize],
        }
    }
}

/// The number of a term.
pub(super) type TermId = u32;

/// Some terms: few, mostly.
pub(super) type TermIds = SmallVec<[TermId; 4]>;

/// A step of the join.
#[derive(Debug)]
pub(super) enum Step<'q> {
    /// Rows of one table; for each of them those of the next one that go with it, and so on. Most joins are no more than that.
    Scans(Vec<ScanStep<'q>>),
    /// Rows of two steps.
    Join(Box<JoinStep<'q>>),
}

/// Rows of one table.
#[derive(Debug)]
pub(super) struct ScanStep<'q> {
    /// The table.
    pub source: &'q Source,
    /// How its rows are found.
    pub access: Access,
    /// What is checked on each row.
    pub filter: TermIds,
    /// Rows expected.
    pub estimate: f64,
}

/// Rows of two steps.
#[derive(Debug)]
pub(super) struct JoinStep<'q> {
    /// The outer, probing side.
    pub left: Step<'q>,
    /// The inner side, or the one that is hashed.
    pub right: Step<'q>,
    /// How.
    pub kind: JoinKind,
    /// By which method.
    pub method: Method,
    /// What must hold of a pair.
    pub on: TermIds,
    /// What is checked on the rows that come out.
    pub after: TermIds,
}

/// How two sides are brought together.
#[derive(Debug)]
pub(super) enum Method {
    /// The right side is opened anew for each left row, whose values it reads.
    Loop,
    /// The right side is put into a hash table.
    Hash(Vec<HashTerm>),
}

/// An equality between two sides.
#[derive(Debug)]
pub(super) struct HashTerm {
    /// The side over the left step's tables.
    pub left: Scalar,
    /// The side over the right step's tables.
    pub right: Scalar,
    /// How they compare.
    pub rule: CompareRule,
    /// IS: NULL matches NULL.
    pub null_matches: bool,
}

impl<'q> JoinPlan<'q> {
    /// Decides how the tables of `from` are joined under the terms of `filter`.
    pub fn new(
        tables: &Tables<'_>,
        context: &PlanContext<'_>,
        from: &'q From,
        filter: &'q [Scalar],
        semis: &'q [SemiJoin],
        wanted: &Wanted,
    ) -> Result<JoinPlan<'q>> {
        if semis.is_empty()
            && let Some(plan) = JoinPlan::lone_row(from, filter, wanted)
        {
            return Ok(plan);
        }
        if semis.is_empty()
            && let Some(plan) = JoinPlan::look_ups(tables, from, filter, wanted)
        {
            debug_assert_eq!(
                { JoinPlan::searched(tables, context, from, filter, semis, wanted).ok() }
                    .map(|plan| plan.shown()),
                Some(plan.shown()),
                "not what the search finds"
            );
            return Ok(plan);
        }
        JoinPlan::searched(tables, context, from, filter, semis, wanted)
    }

    /// The plan that the search finds.
    fn searched(
        tables: &Tables<'_>,
        context: &PlanContext<'_>,
        from: &'q From,
        filter: &'q [Scalar],
        semis: &'q [SemiJoin],
        wanted: &Wanted,
    ) -> Result<JoinPlan<'q>> {
        let mut planner = region::Planner::new(tables, context);
        let root = planner.plan(from, filter, semis, wanted)?;
        let sorted = planner.sorted;
        Ok(JoinPlan {
            terms: Terms::All(planner.into_terms()),
            root,
            sorted,
        })
    }

    /// Visits every expression that the plan evaluates.
    pub fn each_scalar(&self, visit: &mut dyn FnMut(&Scalar)) {
        self.root.each_scalar(&self.terms, visit);
    }
}

impl<'q> Step<'q> {
    /// One scan.
    fn scan(scan: ScanStep<'q>) -> Step<'q> {
        Step::Scans(vec![scan])
    }

    fn each_scalar(&self, terms: &Terms<'_>, visit: &mut dyn FnMut(&Scalar)) {
        match self {
            Step::Scans(scans) => {
                for scan in scans {
                    scan.access.each_scalar(visit);
                    scan.filter.iter().for_each(|&term| visit(terms.get(term)));
                    if let super::logical::SourceKind::Virtual { arguments, .. } = &scan.source.kind {
                        arguments.iter().for_each(&mut *visit);
                    }
                }
            }
            Step::Join(join) => {
                join.left.each_scalar(terms, visit);
                join.right.each_scalar(terms, visit);
                join.on
                    .iter()
                    .chain(&join.after)
                    .for_each(|&term| visit(terms.get(term)));
                if let Method::Hash(keys) = &join.method {
                    for key in keys {
                        visit(&key.left);
                        visit(&key.right);
                    }
                }
            }
        }
    }

    /// The tables whose columns the step's rows have.
    pub fn each_table(&self, visit: &mut dyn FnMut(TableId)) {
        match self {
            Step::Scans(scans) => scans.iter().for_each(|scan| visit(scan.source.table)),
            Step::Join(join) => {
                join.left.each_table(visit);
                if !matches!(join.kind, JoinKind::Semi | JoinKind::Anti) {
                    join.right.each_table(visit);
                }
            }
        }
    }
}

/// Whether an expression has the same value throughout a statement, as far as functions go.
fn is_steady(scalar: &Scalar) -> bool {
    !scalar.any(&mut |part| match part {
        Scalar::Call { function, .. } => {
            !(function.flags.deterministic || function.flags.constant_in_statement)
        }
        other => other.query().is_some(),
    })
}
