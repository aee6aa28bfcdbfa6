//! The chosen candidates become steps.

use std::sync::Arc;

use smallvec::SmallVec;

use super::access::{Access, KeyBound, KeyRange, KeyTerm, KeyValue, VirtualBranch};
use super::constraint::{Constraint, ConstraintOp, Side};
use super::cost::LogEst;
use super::path::{Candidate, Path, TreePath};
use super::region::{Item, ItemKind, Items, Planner, value_of};
use super::tree::Tree;
use super::{HashTerm, JoinStep, Method, ScanStep, Step, TermId, TermIds};
use crate::error::{Error, Result};
use crate::plan::expr::{CompareOp, CompareRule};
use crate::plan::logical::{Comparison, Scalar, SourceKind, TableId};
use crate::plan::physical::JoinKind;
use crate::value::{Text, Value};

/// The next item of the sequence, and what is known about it.
pub(super) struct Next<'n, 'q, 'p> {
    pub item: &'n Item<'q>,
    pub place: usize,
    pub candidate: &'n Candidate,
    pub trees: &'n [Tree<'p>],
    pub constraints: &'n [Constraint],
    /// Terms of WHERE that can be checked from here on.
    pub ready: TermIds,
    pub backwards: bool,
    /// Rows so far.
    pub outer_rows: LogEst,
}

impl Next<'_, '_, '_> {
    /// The table that the item is.
    fn table(&self) -> Option<TableId> {
        match &self.item.from {
            ItemKind::Source(source) => Some(source.table),
            ItemKind::Fixed(_) => None,
        }
    }
}

impl<'q> Planner<'_, 'q> {
    /// Joins the next item to the steps before it.
    pub(super) fn next_step(
        &mut self,
        left: Option<Step<'q>>,
        mut next: Next<'_, 'q, '_>,
    ) -> Result<Step<'q>> {
        let (kind, on, after) = match &next.item.left {
            Some(on) => {
                let on = on
                    .iter()
                    .copied()
                    .filter(|&term| self.parent(term) == term)
                    .collect();
                (JoinKind::Left, on, std::mem::take(&mut next.ready))
            }
            None => (JoinKind::Inner, std::mem::take(&mut next.ready), TermIds::new()),
        };
        let Some(left) = left else {
            return match kind {
                JoinKind::Left => Err(Error::misuse("a LEFT JOIN without left side")),
                _ => self.own_step(&next, on),
            };
        };
        if self.loops(&next) {
            let right = self.own_step(&next, on)?;
            return Ok(loop_step(left, right, kind, after));
        }
        let own: Items = 1 << next.place;
        let (inside, between): (TermIds, TermIds) = on
            .into_iter()
            .partition(|&term| self.items_of(self.term(term)) & !own == 0);
        let right = self.whole_step(&next, inside)?;
        Ok(self.hash_step(left, right, kind, between, after))
    }

    /// Whether the item is opened anew for each row before it: it is searched by their values, or depends on them otherwise.
    pub(super) fn loops(&self, next: &Next<'_, 'q, '_>) -> bool {
        match &next.candidate.path {
            Path::Tree(path) => {
                let depends = path.uses(|number| next.constraints[number].needs != 0);
                depends || path.seeks() && next.outer_rows.0 < 33 || next.candidate.one_row
            }
            Path::Union { branches } => branches
                .iter()
                .any(|(path, own)| path.uses(|number| own[number].needs != 0)),
            Path::Virtual(path) => path.needs != 0 || next.candidate.one_row,
            Path::VirtualUnion(union) => union.needs != 0,
            Path::Hash | Path::Rows => false,
        }
    }

    /// The item's rows as the candidate finds them.
    fn own_step(&mut self, next: &Next<'_, 'q, '_>, filter: TermIds) -> Result<Step<'q>> {
        let ItemKind::Source(source) = &next.item.from else {
            return self.row_step(next.item, filter, next.candidate.out);
        };
        if !matches!(source.kind, SourceKind::Table { .. } | SourceKind::Virtual { .. }) {
            return self.row_step(next.item, filter, next.candidate.out);
        }
        let (access, filter) = match &next.candidate.path {
            Path::Virtual(path) => {
                let mut filter = filter;
                filter.retain(|term| !path.done.contains(term));
                let branch = VirtualBranch {
                    plan: Arc::clone(&path.plan),
                    arguments: path.arguments.clone(),
                    filter: Vec::new(),
                };
                (Access::Virtual(vec![branch]), filter)
            }
            Path::VirtualUnion(union) => {
                let mut filter = filter;
                filter.retain(|term| *term != union.term);
                (Access::Virtual(union.branches.clone()), filter)
            }
            Path::Tree(path) => {
                let tree = &next.trees[path.tree()];
                let access = self.tree_access(tree, path, next.constraints, next.backwards);
                let mut left = TermIds::new();
                for term in filter {
                    if !self.is_done(term, path, next.constraints) {
                        left.push(term);
                    }
                }
                (access, left)
            }
            Path::Union { branches } => {
                let mut accesses = Vec::with_capacity(branches.len());
                for (path, constraints) in branches {
                    accesses.push(self.tree_access(&next.trees[path.tree()], path, constraints, false));
                }
                (Access::Union(accesses), filter)
            }
            Path::Rows | Path::Hash => (Access::scan(), filter),
        };
        let estimate = next.candidate.out.number();
        Ok(Step::scan(ScanStep {
            source,
            access,
            filter,
            estimate,
        }))
    }

    /// The item's rows for a hash table: through the tree that the candidate names, or the smallest that has all columns.
    #[inline(never)]
    fn whole_step(&mut self, next: &Next<'_, 'q, '_>, filter: TermIds) -> Result<Step<'q>> {
        match &next.candidate.path {
            Path::Hash => {}
            _ => return self.own_step(next, filter),
        }
        let ItemKind::Source(source) = &next.item.from else {
            return self.row_step(next.item, filter, next.candidate.out);
        };
        if !matches!(source.kind, SourceKind::Table { .. }) {
            return self.row_step(next.item, filter, next.candidate.out);
        }
        let (path, filter) = self.constant_path(next, filter);
        let access = self.tree_access(&next.trees[path.tree()], &path, next.constraints, false);
        let estimate = next.trees[path.tree()].rows[0].number();
        Ok(Step::scan(ScanStep {
            source,
            access,
            filter,
            estimate,
        }))
    }

    /// The best path to an item's rows by constants alone, and the terms that are left to check.
    fn constant_path(&self, next: &Next<'_, 'q, '_>, filter: TermIds) -> (TreePath, TermIds) {
        let mut best: Option<(LogEst, TreePath)> = None;
        for (number, tree) in next.trees.iter().enumerate() {
            let mut path = TreePath::whole(number);
            while let Some(key) = tree.keys.get(path.equal_count()) {
                let equal = next.constraints.iter().position(|constraint| {
                    constraint.needs == 0
                        && matches!(constraint.op, ConstraintOp::Equal | ConstraintOp::List)
                        && next
                            .table()
                            .is_some_and(|table| self.serves(table, constraint, key))
                });
                match equal {
                    Some(constraint) => path.push_equal(constraint),
                    None => break,
                }
            }
            if let Some(key) = tree.keys.get(path.equal_count()) {
                let bound = |below: bool| {
                    next.constraints.iter().position(|constraint| {
                        constraint.needs == 0
                            && match constraint.op {
                                ConstraintOp::Above { .. } => !below,
                                ConstraintOp::Below { .. } => below,
                                _ => false,
                            }
                            && !self.is_half_of_pattern(constraint)
                            && next
                                .table()
                                .is_some_and(|table| self.serves(table, constraint, key))
                    })
                };
                path.bound_by(bound(false), bound(true));
            }
            let rows = tree.rows[path.equal_count()].0 - 20 * path.bound_count() as i16;
            let cost = match tree.looks_up() {
                true => LogEst(rows).plus(20),
                false if tree.index.is_some() => LogEst(rows),
                false => LogEst(rows).plus(2),
            };
            if best.as_ref().is_none_or(|(known, _)| cost < *known) {
                best = Some((cost, path));
            }
        }
        let path = best.map_or_else(|| TreePath::whole(0), |(_, path)| path);
        let filter = filter
            .into_iter()
            .filter(|&term| !self.is_done(term, &path, next.constraints))
            .collect();
        (path, filter)
    }

    /// Whether a term holds for every row that the path finds.
    fn is_done(&self, term: TermId, path: &TreePath, constraints: &[Constraint]) -> bool {
        let mut halves = 0;
        for number in path.used() {
            let constraint = &constraints[number];
            if constraint.term == term {
                if constraint.whole {
                    return true;
                }
                halves += 1;
            }
        }
        match self.term(term) {
            Scalar::Between { .. } => halves == 2,
            Scalar::Like { .. } => {
                let is_bound = |number: Option<usize>| {
                    number.is_some_and(|number| self.pattern_of(&constraints[number]) == Some(term))
                };
                is_bound(path.lower()) && is_bound(path.upper()) && self.is_its_bounds(term)
            }
            _ => false,
        }
    }

    fn tree_access(
        &self,
        tree: &Tree<'_>,
        path: &TreePath,
        constraints: &[Constraint],
        descending: bool,
    ) -> Access {
        let mut range = KeyRange {
            descending,
            equal: SmallVec::with_capacity(path.equal_count()),
            ..KeyRange::default()
        };
        for _ in 0..path.any_count() {
            range.equal.push(KeyTerm {
                value: KeyValue::Any,
                affinity: None,
            });
        }
        for number in path.equal() {
            range.equal.push(self.key_term(&constraints[number]));
        }
        range.lower = path
            .lower()
            .map(|number| Box::new(self.key_bound(&constraints[number])));
        range.upper = path
            .upper()
            .map(|number| Box::new(self.key_bound(&constraints[number])));
        let pattern = path
            .lower()
            .and_then(|number| self.pattern_of(&constraints[number]));
        match tree.index {
            None => Access::Table(range),
            Some(index) => Access::Index {
                index: Arc::clone(index),
                covering: tree.covering,
                blobs: pattern.and_then(|_| blob_range(&range)).map(Box::new),
                range,
            },
        }
    }

    fn key_term(&self, constraint: &Constraint) -> KeyTerm {
        let value = value_of(self.term(constraint.term), constraint);
        let value = match (constraint.op, value) {
            (ConstraintOp::Null, _) => KeyValue::Is(Scalar::NULL),
            (ConstraintOp::Is, value) => KeyValue::Is(value.clone()),
            (ConstraintOp::List, Scalar::InList { list, .. }) => KeyValue::List(list.clone()),
            (ConstraintOp::Query, Scalar::InQuery { query, .. }) => KeyValue::Query(query.clone()),
            (_, value) => KeyValue::Equal(value.clone()),
        };
        KeyTerm {
            value,
            affinity: constraint.value_affinity,
        }
    }

    fn key_bound(&self, constraint: &Constraint) -> KeyBound {
        let inclusive = match constraint.op {
            ConstraintOp::Above { inclusive } | ConstraintOp::Below { inclusive } => inclusive,
            _ => true,
        };
        debug_assert!(constraint.value != Side::Set);
        let value = value_of(self.term(constraint.term), constraint).clone();
        KeyBound {
            value,
            affinity: constraint.value_affinity,
            inclusive,
        }
    }

    /// A join through a hash table over the equalities among `on`.
    #[inline(never)]
    pub(super) fn hash_step(
        &mut self,
        left: Step<'q>,
        right: Step<'q>,
        kind: JoinKind,
        on: TermIds,
        after: TermIds,
    ) -> Step<'q> {
        let mut sides: Vec<(TableId, Items)> = Vec::new();
        left.each_table(&mut |table| sides.push((table, 1)));
        right.each_table(&mut |table| sides.push((table, 2)));
        let mut keys = Vec::new();
        let mut rest = TermIds::new();
        for term in on {
            match hash_term(self.term(term), &sides) {
                Some(key) => keys.push(key),
                None => rest.push(term),
            }
        }
        Step::Join(Box::new(JoinStep {
            left,
            right,
            kind,
            method: Method::Hash(keys),
            on: rest,
            after,
        }))
    }
}

/// The right side, opened anew for each row of the left one.
fn loop_step<'q>(left: Step<'q>, right: Step<'q>, kind: JoinKind, after: TermIds) -> Step<'q> {
    match (left, right) {
        (Step::Scans(mut scans), Step::Scans(mut inner)) if kind == JoinKind::Inner && inner.len() == 1 => {
            scans.append(&mut inner);
            Step::Scans(scans)
        }
        (left, right) => Step::Join(Box::new(JoinStep {
            left,
            right,
            kind,
            method: Method::Loop,
            on: TermIds::new(),
            after,
        })),
    }
}

/// An equality between the sides of a join.
fn hash_term(term: &Scalar, sides: &[(TableId, Items)]) -> Option<HashTerm> {
    let Comparison {
        op,
        left,
        right,
        rule,
    } = term.as_match()?;
    let null_matches = *op == CompareOp::Is;
    let side = |scalar: &Scalar| {
        let mut found = 0;
        scalar.each_column(&mut |column| {
            found |= sides
                .iter()
                .find(|(table, _)| *table == column.table)
                .map_or(0, |(_, side)| *side);
        });
        found
    };
    match (side(left), side(right)) {
        (1, 2) => Some(HashTerm {
            left: left.clone(),
            right: right.clone(),
            rule: rule.clone(),
            null_matches,
        }),
        (2, 1) => Some(HashTerm {
            left: right.clone(),
            right: left.clone(),
            rule: CompareRule {
                left: rule.right,
                right: rule.left,
                collation: rule.collation.clone(),
            },
            null_matches,
        }),
        _ => None,
    }
}

/// The blobs that a pattern's bounds take in: LIKE and GLOB read a blob as text, and blobs come after all texts.
fn blob_range(texts: &KeyRange) -> Option<KeyRange> {
    let blob = |bound: &Option<Box<KeyBound>>| {
        let bound = bound.as_ref()?;
        match bound.value.as_literal()? {
            Value::Text(text) => Some(Scalar::Literal(Value::Blob(Text::into_bytes(text.clone())))),
            _ => None,
        }
    };
    let bound = |value, inclusive| {
        Some(Box::new(KeyBound {
            value,
            affinity: None,
            inclusive,
        }))
    };
    let lower = blob(&texts.lower)?;
    let upper = blob(&texts.upper)?;
    Some(KeyRange {
        equal: texts.equal.clone(),
        lower: bound(lower, true),
        upper: bound(upper, false),
        descending: texts.descending,
    })
}
