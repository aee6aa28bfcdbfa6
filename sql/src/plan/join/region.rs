//! Regions: what may change places, and where each term is checked.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::constraint::{Constraint, Finder, Side, side_of};
use super::cost::LogEst;
use super::derive::Pair;
use super::equal::EqualColumns;
use super::order::{OrderCheck, OrderWish, OrderedItem};
use super::path::{Candidate, Candidates};
use super::prepared::Prepared;
use super::solve::{Question, Sequence, solve};
use super::tree::TreeKey;
use super::{ScanStep, Step, TermId, TermIds};
use crate::error::{Error, Result};
use crate::plan::bind::Tables;
use crate::plan::context::PlanContext;
use crate::plan::expr::{CompareOp, CompareRule};
use crate::plan::logical::{From, OuterKind, Scalar, SemiJoin, Source, SourceKind, TableId};
use crate::plan::physical::JoinKind;

/// A set of a region's items.
pub(super) type Items = u64;

/// Plans the join of one block.
pub(super) struct Planner<'p, 'q> {
    pub(super) tables: &'p Tables<'p>,
    pub(super) context: &'p PlanContext<'p>,
    /// The terms: what the FROM and WHERE say, and what follows from it.
    terms: Vec<Cow<'q, Scalar>>,
    /// The term that each of them follows from; such a term is never checked itself.
    parents: SmallVec<[Option<TermId>; 8]>,
    /// The items of the tables of the region that is being planned.
    owners: Owners,
    /// How many of the wanted order's terms hold in the end.
    pub(super) sorted: usize,
    /// Derived ranges of the region, which are checked where a table is read without regard to others.
    pub(super) early: TermIds,
    /// Derived equalities of the region's columns.
    pub(super) derived_pairs: Vec<Pair>,
}

/// Which item each table belongs to.
type Owners = SmallVec<[(TableId, Items); 4]>;

/// An item of a region.
pub(super) struct Item<'q> {
    pub from: ItemKind<'q>,
    /// LEFT JOIN: the terms of its ON.
    pub left: Option<TermIds>,
    /// CROSS JOIN: comes after all items before it.
    pub fixed: bool,
}

/// What an item is.
pub(super) enum ItemKind<'q> {
    Source(&'q Source),
    /// An outer join that stays in one piece.
    Fixed(&'q From),
}

/// Items that may change places.
#[derive(Default)]
pub(super) struct Region<'q> {
    pub items: SmallVec<[Item<'q>; 4]>,
    /// The terms that hold over all rows.
    pub terms: TermIds,
    /// Tests against other queries.
    semis: &'q [SemiJoin],
}

/// A term that bears on an item.
#[derive(Clone, Copy)]
pub(super) struct TermUse {
    pub term: TermId,
    pub items: Items,
    pub derived: bool,
    /// It is an OR.
    pub is_or: bool,
}

/// The terms that bear on some items.
pub(super) type Uses = SmallVec<[TermUse; 8]>;

/// The rows that are wanted.
#[derive(Default)]
pub(in crate::plan) struct Wanted {
    /// Their order.
    pub order: SmallVec<[OrderWish; 1]>,
    /// How many at most.
    pub limit: Option<u64>,
    /// How many columns a sort would carry.
    pub width: usize,
    /// The order is welcome where it comes of itself, but not worth another way through the tables.
    pub free: bool,
}

impl<'p, 'q> Planner<'p, 'q> {
    pub fn new(tables: &'p Tables<'p>, context: &'p PlanContext<'p>) -> Self {
        Planner {
            tables,
            context,
            terms: Vec::new(),
            parents: SmallVec::new(),
            owners: Owners::new(),
            sorted: 0,
            early: TermIds::new(),
            derived_pairs: Vec::new(),
        }
    }

    pub fn into_terms(self) -> Vec<Cow<'q, Scalar>> {
        self.terms
    }

    /// Plans a FROM under the terms of WHERE.
    pub fn plan(
        &mut self,
        from: &'q From,
        filter: &'q [Scalar],
        semis: &'q [SemiJoin],
        wanted: &Wanted,
    ) -> Result<Step<'q>> {
        let mut region = Region {
            items: SmallVec::new(),
            terms: self.add_terms(filter),
            semis,
        };
        self.gather(from, false, &mut region);
        self.region(&mut region, wanted)
    }

    /// A term's expression.
    pub(super) fn term(&self, term: TermId) -> &Scalar {
        &self.terms[term as usize]
    }

    /// The term that `term` follows from, or itself.
    pub(super) fn parent(&self, term: TermId) -> TermId {
        self.parents[term as usize].unwrap_or(term)
    }

    /// The pattern that a bound comes from.
    pub(super) fn pattern_of(&self, constraint: &Constraint) -> Option<TermId> {
        self.parents[constraint.term as usize]
            .filter(|&parent| matches!(self.term(parent), Scalar::Like { .. }))
    }

    /// Whether a bound comes from a pattern, so that it is of use together with its other half only.
    pub(super) fn is_half_of_pattern(&self, constraint: &Constraint) -> bool {
        self.pattern_of(constraint).is_some()
    }

    /// Whether a tree's key can be searched by the constraint.
    #[inline]
    pub(super) fn serves(&self, table: TableId, constraint: &Constraint, key: &TreeKey<'_>) -> bool {
        let target = side_of(self.term(constraint.term), constraint.target);
        self.finder().serves(constraint, target, table, key)
    }

    pub(super) fn finder(&self) -> Finder<'_> {
        Finder {
            tables: self.tables,
            owners: &self.owners,
        }
    }

    fn add_terms(&mut self, terms: &'q [Scalar]) -> TermIds {
        let mut ids = TermIds::with_capacity(terms.len());
        if self.terms.is_empty() {
            self.terms.reserve(terms.len().max(6));
        }
        for term in terms {
            ids.push(self.push_term(Cow::Borrowed(term), None));
        }
        ids
    }

    /// Adds a term that is checked like a written one.
    pub(super) fn add_term(&mut self, scalar: Scalar) -> TermId {
        self.push_term(Cow::Owned(scalar), None)
    }

    /// Adds the constraints that a term puts on an item.
    pub(super) fn find_constraints(&self, term: TermId, item: usize, out: &mut Vec<Constraint>) {
        self.finder().find(term, self.term(term), 1 << item, false, out);
    }

    /// Adds a term that follows from another.
    pub(super) fn add_derived(&mut self, scalar: Scalar, parent: TermId) -> TermId {
        self.push_term(Cow::Owned(scalar), Some(parent))
    }

    #[inline]
    fn push_term(&mut self, term: Cow<'q, Scalar>, parent: Option<TermId>) -> TermId {
        self.terms.push(term);
        self.parents.push(parent);
        (self.terms.len() - 1) as TermId
    }

    /// Lists the items of a region from left to right.
    fn gather(&mut self, from: &'q From, fixed: bool, region: &mut Region<'q>) {
        match from {
            From::Source(source) => {
                if matches!(source.kind, SourceKind::Virtual { .. }) {
                    let terms = self.argument_terms(source);
                    region.terms.extend(terms);
                }
                region.items.push(Item {
                    from: ItemKind::Source(source),
                    left: None,
                    fixed,
                });
            }
            From::Inner { items, on } => {
                for (place, item) in items.iter().enumerate() {
                    self.gather(&item.from, item.fixed || fixed && place == 0, region);
                }
                let on = self.add_terms(on);
                region.terms.extend_from_slice(&on);
            }
            From::Outer {
                kind: OuterKind::Left,
                left,
                right,
                on,
            } => {
                self.gather(left, fixed, region);
                let mut on = self.add_terms(on);
                if let From::Source(source) = &**right {
                    on.extend(self.argument_terms(source));
                }
                let from = match &**right {
                    From::Source(source) => ItemKind::Source(source),
                    other => ItemKind::Fixed(other),
                };
                region.items.push(Item {
                    from,
                    left: Some(on),
                    fixed: true,
                });
            }
            From::Outer { .. } => {
                region.items.push(Item {
                    from: ItemKind::Fixed(from),
                    left: None,
                    fixed,
                });
            }
        }
    }

    /// The arguments of a table-valued function are equalities with its hidden columns.
    fn argument_terms(&mut self, source: &Source) -> TermIds {
        let SourceKind::Virtual { table, arguments } = &source.kind else {
            return TermIds::new();
        };
        let hidden = table.columns.iter().enumerate();
        let hidden = hidden.filter(|(_, column)| column.hidden);
        let terms = hidden.zip(arguments).map(|((index, column), argument)| {
            let rule = CompareRule {
                left: None,
                right: None,
                collation: column.collation.clone(),
            };
            let hidden = Scalar::column(source.table, index);
            self.add_term(Scalar::compare(CompareOp::Eq, hidden, argument.clone(), rule))
        });
        terms.collect()
    }

    /// Plans the items of a region.
    fn region(&mut self, region: &mut Region<'q>, wanted: &Wanted) -> Result<Step<'q>> {
        if region.items.len() > 64 {
            return Err(Error::sql("at most 64 tables in a join"));
        }
        let outer = std::mem::replace(&mut self.owners, owners(region));
        let (early, pairs) = (
            std::mem::take(&mut self.early),
            std::mem::take(&mut self.derived_pairs),
        );
        let step = self.owned_region(region, wanted);
        (self.early, self.derived_pairs) = (early, pairs);
        self.owners = outer;
        step
    }

    fn owned_region(&mut self, region: &mut Region<'q>, wanted: &Wanted) -> Result<Step<'q>> {
        self.derive(region);
        let mut uses = Uses::new();
        self.uses(&region.terms, &mut uses);
        let mut wishes: SmallVec<[(&OrderWish, Items); 2]> = SmallVec::new();
        let mut constant: SmallVec<[bool; 8]> = SmallVec::new();
        for wish in &wanted.order {
            wishes.push((wish, self.finder().items(&wish.expression)));
            constant.push(self.is_constant(region, wish));
        }
        let prepared = self.prepare(region, &uses, &wishes)?;
        let mut candidates = Candidates::new();
        let mut items: SmallVec<[OrderedItem<'_, '_>; 4]> = SmallVec::new();
        for (place, item) in prepared.items.iter().enumerate() {
            self.candidates(region, place, &prepared, &uses, &wishes, &mut candidates)?;
            items.push(OrderedItem {
                table: item.table,
                trees: prepared.trees(place),
                constraints: prepared.constraints(place),
            });
        }
        let order = OrderCheck {
            wishes: &wishes,
            constant: &constant,
            items: &items,
        };
        let question = Question {
            candidates: &candidates,
            items: region.items.len(),
            order: &order,
            limit: wanted.limit.map(LogEst::of),
            width: wanted.width,
            free: wanted.free,
        };
        let Some(sequence) = solve(&question) else {
            return Err(Error::sql("no query solution"));
        };
        if !wishes.is_empty() {
            self.sorted = sequence.order.state().held;
        }
        self.build(region, &prepared, &uses, &candidates, &sequence)
    }

    /// The items that each term bears on.
    pub(super) fn uses(&self, terms: &[TermId], uses: &mut Uses) {
        let finder = self.finder();
        for &term in terms {
            let scalar = self.term(term);
            uses.push(TermUse {
                term,
                items: finder.items(scalar),
                derived: self.parents[term as usize].is_some(),
                is_or: matches!(scalar, Scalar::Or(_)),
            });
        }
    }

    /// Plans the inside of an item that stays in one piece, under terms over it alone.
    #[inline(never)]
    pub(super) fn fixed(&mut self, from: &'q From, filter: TermIds) -> Result<Step<'q>> {
        if let From::Outer {
            kind: kind @ (OuterKind::Right | OuterKind::Full),
            left,
            right,
            on,
        } = from
        {
            let left = self.inner_region(left, TermIds::new())?;
            let right = self.inner_region(right, TermIds::new())?;
            let on = self.add_terms(on);
            let kind = if *kind == OuterKind::Right {
                JoinKind::Right
            } else {
                JoinKind::Full
            };
            return Ok(self.hash_step(left, right, kind, on, filter));
        }
        self.inner_region(from, filter)
    }

    fn inner_region(&mut self, from: &'q From, filter: TermIds) -> Result<Step<'q>> {
        let mut region = Region {
            items: SmallVec::new(),
            terms: filter,
            semis: &[],
        };
        self.gather(from, false, &mut region);
        self.region(&mut region, &Wanted::default())
    }

    /// The items of the region that an expression depends on.
    pub(super) fn items_of(&self, scalar: &Scalar) -> Items {
        self.finder().items(scalar)
    }

    #[inline(never)]
    fn build(
        &mut self,
        region: &Region<'q>,
        prepared: &Prepared<'p>,
        uses: &[TermUse],
        candidates: &[Candidate],
        sequence: &Sequence,
    ) -> Result<Step<'q>> {
        let mut waiting = Uses::new();
        for term in uses {
            if !term.derived {
                waiting.push(*term);
            }
        }
        let mut semis: Vec<(Items, &'q SemiJoin)> = Vec::new();
        for semi in region.semis {
            semis.push((self.items_of_all(&semi.on), semi));
        }
        let mut equal = (!self.derived_pairs.is_empty()).then(|| EqualColumns::new(&self.derived_pairs));
        let mut done: Items = 0;
        let mut rows = LogEst::ONE;
        let mut step: Option<Step<'q>> = None;
        for (nth, &number) in sequence.steps.iter().enumerate() {
            let candidate = &candidates[number];
            let place = candidate.item as usize;
            done |= 1 << place;
            let mut ready = TermIds::new();
            // EXISTS mostly holds: tables that only take rows away come first.
            let rest = &sequence.steps[nth + 1..];
            let narrows = !rest.is_empty() && rest.iter().all(|&later| candidates[later].one_row);
            let mut left = 0;
            for nth in 0..waiting.len() {
                let term = waiting[nth];
                let waits = term.items & !done != 0
                    || narrows && matches!(self.term(term.term), Scalar::Exists { negated: false, .. });
                if waits {
                    waiting[left] = term;
                    left += 1;
                } else {
                    ready.push(term.term);
                }
            }
            waiting.truncate(left);
            let constraints = prepared.constraints(place);
            if let Some(equal) = &mut equal {
                let search = region.items[place].left.is_none();
                let search = search.then_some((&candidate.path, constraints));
                self.settle_equalities(equal, &mut ready, search, done);
            }
            let backwards = sequence.order.state().backwards >> place & 1 != 0;
            let mut next = super::build::Next {
                item: &region.items[place],
                place,
                candidate,
                trees: prepared.trees(place),
                constraints,
                ready,
                backwards,
                outer_rows: rows,
            };
            if !self.early.is_empty() && next.item.left.is_none() && (nth == 0 || !self.loops(&next)) {
                self.add_early(&mut next.ready, 1 << place);
            }
            step = Some(self.next_step(step, next)?);
            rows = rows.times(candidate.out);
            if !semis.is_empty() {
                let (now, later): (Vec<_>, Vec<_>) =
                    semis.into_iter().partition(|(items, _)| items & !done == 0);
                semis = later;
                for (_, semi) in now {
                    step = step.map(|step| self.semi_step(step, semi)).transpose()?;
                }
            }
        }
        step.ok_or_else(|| Error::misuse("FROM without tables"))
    }

    fn items_of_all(&self, scalars: &[Scalar]) -> Items {
        scalars
            .iter()
            .fold(0, |items, scalar| items | self.items_of(scalar))
    }

    /// Keeps the rows that have a match, or none.
    #[inline(never)]
    fn semi_step(&mut self, left: Step<'q>, semi: &'q SemiJoin) -> Result<Step<'q>> {
        let filter = self.add_terms(&semi.filter);
        let right = self.inner_region(&semi.from, filter)?;
        let on = self.add_terms(&semi.on);
        let kind = if semi.anti { JoinKind::Anti } else { JoinKind::Semi };
        Ok(self.hash_step(left, right, kind, on, TermIds::new()))
    }

    /// A scan of an item's rows, with nothing decided but the terms to check.
    pub(super) fn row_step(&mut self, item: &Item<'q>, filter: TermIds, rows: LogEst) -> Result<Step<'q>> {
        match &item.from {
            ItemKind::Source(source) => Ok(Step::scan(ScanStep {
                source,
                access: super::Access::Rows,
                filter,
                estimate: rows.number(),
            })),
            ItemKind::Fixed(from) => self.fixed(from, filter),
        }
    }

    /// Terms that follow from others: bounds from patterns, equalities by way of equalities.
    #[inline(never)]
    fn derive(&mut self, region: &mut Region<'q>) {
        let mut terms = std::mem::take(&mut region.terms);
        self.derive_terms(&mut terms, region.items.len());
        region.terms = terms;
        for item in &mut region.items {
            if let Some(mut on) = item.left.take() {
                self.derive_patterns(&mut on);
                item.left = Some(on);
            }
        }
    }
}

/// Which item of the region each table belongs to.
fn owners(region: &Region<'_>) -> Owners {
    let mut owners = Owners::new();
    for (place, item) in region.items.iter().enumerate() {
        match &item.from {
            ItemKind::Source(source) => owners.push((source.table, 1 << place)),
            ItemKind::Fixed(from) => from.each_source(&mut |source| owners.push((source.table, 1 << place))),
        }
    }
    owners
}

/// The side of a term that a constraint compares with.
pub(super) fn value_of<'t>(term: &'t Scalar, constraint: &Constraint) -> &'t Scalar {
    match constraint.value {
        Side::Set => term,
        side => side_of(term, side),
    }
}
