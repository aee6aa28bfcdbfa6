//! Regions: what may change places, and where each term is checked.

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use super::constraint::{Constraint, Finder, Side, side_of};
use super::cost::{self, LogEst};
use super::order::{OrderCheck, OrderWish, OrderedItem, helpful_trees};
use super::path::{Candidate, Candidates, Path, TableSearch};
use super::solve::{Question, Sequence, solve};
use super::tree::{Tree, TreeChoice, TreeKey};
use super::virtual_table::VirtualSearch;
use super::{ScanStep, Step, TermId, TermIds};
use crate::error::{Error, Result};
use crate::plan::bind::Tables;
use crate::plan::context::PlanContext;
use crate::plan::expr::{CompareOp, CompareRule};
use crate::plan::logical::{From, IndexHint, OuterKind, Scalar, SemiJoin, Source, SourceKind, TableId};
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
struct Region<'q> {
    items: Vec<Item<'q>>,
    /// The terms that hold over all rows.
    terms: TermIds,
    /// Tests against other queries.
    semis: &'q [SemiJoin],
}

/// A term that bears on an item.
#[derive(Clone, Copy)]
pub(super) struct TermUse {
    pub term: TermId,
    pub items: Items,
    pub derived: bool,
}

/// The terms that bear on some items.
type Uses = SmallVec<[TermUse; 8]>;

/// The rows that are wanted.
#[derive(Default)]
pub(in crate::plan) struct Wanted {
    /// Their order.
    pub order: Vec<OrderWish>,
    /// How many at most.
    pub limit: Option<u64>,
    /// How many columns a sort would carry.
    pub width: usize,
}

/// What the search has to know about the items: the trees and constraints of all of them, side by side.
struct Prepared<'p> {
    items: SmallVec<[PreparedItem; 4]>,
    trees: Vec<Tree<'p>>,
    constraints: Vec<Constraint>,
}

/// What the search has to know about one item.
struct PreparedItem {
    table: Option<TableId>,
    /// Its part of all trees.
    trees: Range<usize>,
    /// Its part of all constraints.
    constraints: Range<usize>,
    /// LEFT JOIN: the terms of its ON.
    left: Option<Box<Uses>>,
}

impl<'p> Prepared<'p> {
    /// The trees that the item's rows can be found through.
    fn trees(&self, place: usize) -> &[Tree<'p>] {
        &self.trees[self.items[place].trees.clone()]
    }

    /// The constraints on the item.
    fn constraints(&self, place: usize) -> &[Constraint] {
        &self.constraints[self.items[place].constraints.clone()]
    }
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
            items: Vec::with_capacity(from.item_count()),
            terms: self.add_terms(filter),
            semis,
        };
        self.gather(from, false, &mut region);
        self.region(region, wanted)
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
    fn region(&mut self, region: Region<'q>, wanted: &Wanted) -> Result<Step<'q>> {
        if region.items.len() > 64 {
            return Err(Error::sql("at most 64 tables in a join"));
        }
        let outer = std::mem::replace(&mut self.owners, owners(&region));
        let step = self.owned_region(region, wanted);
        self.owners = outer;
        step
    }

    fn owned_region(&mut self, mut region: Region<'q>, wanted: &Wanted) -> Result<Step<'q>> {
        self.derive(&mut region);
        let mut uses = Uses::new();
        self.uses(&region.terms, &mut uses);
        let mut wishes: SmallVec<[(&OrderWish, Items); 2]> = SmallVec::new();
        let mut constant: SmallVec<[bool; 8]> = SmallVec::new();
        for wish in &wanted.order {
            wishes.push((wish, self.finder().items(&wish.expression)));
            constant.push(self.is_constant(&region, wish));
        }
        let mut prepared = Prepared {
            items: SmallVec::new(),
            trees: Vec::with_capacity(self.tree_count(&region)),
            constraints: Vec::with_capacity(2 * uses.len()),
        };
        for place in 0..region.items.len() {
            self.prepare(&region, place, &uses, &wishes, &mut prepared)?;
        }
        let mut candidates = Candidates::new();
        let mut items: SmallVec<[OrderedItem<'_, '_>; 4]> = SmallVec::new();
        for (place, item) in prepared.items.iter().enumerate() {
            self.candidates(&region, place, &prepared, &uses, &wishes, &mut candidates)?;
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
    fn uses(&self, terms: &[TermId], uses: &mut Uses) {
        let finder = self.finder();
        for &term in terms {
            uses.push(TermUse {
                term,
                items: finder.items(self.term(term)),
                derived: self.parents[term as usize].is_some(),
            });
        }
    }

    /// How many trees the region's tables have at most.
    fn tree_count(&self, region: &Region<'q>) -> usize {
        let trees = |item: &Item<'q>| match item.from {
            ItemKind::Source(Source {
                kind: SourceKind::Table { table, .. },
                ..
            }) => 1 + table.indexes.len(),
            _ => 0,
        };
        region.items.iter().map(trees).sum()
    }

    /// Finds out what the search has to know about an item.
    #[inline(never)]
    fn prepare(
        &self,
        region: &Region<'q>,
        place: usize,
        uses: &[TermUse],
        wishes: &[(&OrderWish, Items)],
        prepared: &mut Prepared<'p>,
    ) -> Result<()> {
        let item = &region.items[place];
        let own: Items = 1 << place;
        let left = item.left.as_ref().map(|on| {
            let mut uses = Box::new(Uses::new());
            self.uses(on, &mut uses);
            uses
        });
        let finder = self.finder();
        let uses = left.as_ref().map_or(uses, |left| left);
        let first_constraint = prepared.constraints.len();
        for term in uses {
            if term.items & own != 0 {
                finder.find(
                    term.term,
                    self.term(term.term),
                    own,
                    !term.derived,
                    &mut prepared.constraints,
                );
            }
        }
        let first_tree = prepared.trees.len();
        let mut table = None;
        if let ItemKind::Source(source) = &item.from
            && matches!(source.kind, SourceKind::Table { .. })
        {
            let entry = self.tables.get(source.table);
            let Some(base) = entry.base() else {
                return Err(Error::misuse("a table without schema"));
            };
            // A wanted order and the branches of an OR may take any index.
            let any = wishes.iter().any(|(_, items)| items & own != 0)
                || uses
                    .iter()
                    .any(|term| term.items & own != 0 && matches!(self.term(term.term), Scalar::Or(_)));
            let choice = TreeChoice {
                hint: &source.hint,
                any,
                constraints: &prepared.constraints[first_constraint..],
            };
            choice.add(entry, base, &mut prepared.trees, |filter| {
                self.implies(region, item, filter)
            });
            if prepared.trees.len() == first_tree {
                return Err(Error::sql("no query solution"));
            }
            table = Some(source.table);
        }
        prepared.items.push(PreparedItem {
            table,
            trees: first_tree..prepared.trees.len(),
            constraints: first_constraint..prepared.constraints.len(),
            left,
        });
        Ok(())
    }

    /// Whether the terms that hold over an item's rows make sure that the terms of a partial index hold.
    fn implies(&self, region: &Region<'q>, item: &Item<'q>, filter: &[Scalar]) -> bool {
        let terms = item.left.as_ref().unwrap_or(&region.terms);
        filter
            .iter()
            .all(|wanted| terms.iter().any(|&term| implies(self.term(term), wanted)))
    }

    /// The candidates of an item.
    #[inline(never)]
    fn candidates(
        &mut self,
        region: &Region<'q>,
        place: usize,
        prepared: &Prepared<'p>,
        uses: &[TermUse],
        wishes: &[(&OrderWish, Items)],
        out: &mut Candidates,
    ) -> Result<()> {
        let item = &region.items[place];
        let before: Items = if item.fixed { (1 << place) - 1 } else { 0 };
        let known = &prepared.items[place];
        let uses = known.left.as_ref().map_or(uses, |left| left);
        let (ItemKind::Source(source), Some(id)) = (&item.from, known.table) else {
            if let ItemKind::Source(Source {
                kind: SourceKind::Virtual { table, .. },
                table: id,
                ..
            }) = &item.from
            {
                let search = VirtualSearch {
                    place,
                    table: *id,
                    schema_table: table,
                    before,
                };
                self.virtual_candidates(&search, uses, wishes, out)?;
                return self.virtual_union_candidates(&search, uses, out);
            }
            self.row_candidates(place, before, item, uses, out);
            return Ok(());
        };
        let entry = self.tables.get(id);
        let Some(table) = entry.base() else {
            return Err(Error::misuse("a table without schema"));
        };
        let search = TableSearch {
            item: place,
            table: id,
            before,
            trees: prepared.trees(place),
            constraints: prepared.constraints(place),
            row_size: cost::table_row_size(table),
            rows: cost::table_rows(table),
            wanted: helpful_trees(wishes, id, prepared.trees(place)),
            forced: matches!(source.hint, IndexHint::By(_)),
            hash: self.context.settings.automatic_index && source.hint == IndexHint::Free,
        };
        self.table_candidates(&search, uses, out);
        self.union_candidates(&search, uses, out);
        Ok(())
    }

    /// Rows that have no tree: subqueries, common tables, virtual tables, outer joins in one piece.
    #[inline(never)]
    fn row_candidates(
        &self,
        place: usize,
        before: Items,
        item: &Item<'q>,
        uses: &[TermUse],
        out: &mut Candidates,
    ) {
        let rows = match &item.from {
            ItemKind::Source(source) => super::estimate::source_rows(source),
            ItemKind::Fixed(from) => super::estimate::from_rows(from),
        };
        let own: Items = 1 << place;
        let mut filtered = rows;
        for term in uses.iter().filter(|term| term.items == own) {
            let equal = self.term(term.term).as_equality().is_some();
            filtered = LogEst((filtered.0 - if equal { 20 } else { 1 }).max(0));
        }
        out.push(Candidate {
            item: place,
            needs: before,
            path: Path::Rows,
            setup: LogEst::ONE,
            run: rows.plus(16),
            out: filtered,
            one_row: false,
        });
        let mut seen: Vec<Items> = Vec::new();
        for term in uses {
            let equal = self.term(term.term).as_match().is_some();
            let needs = before | (term.items & !own);
            if !equal || term.items & own == 0 || term.items == own || seen.contains(&needs) {
                continue;
            }
            seen.push(needs);
            out.push(Candidate {
                item: place,
                needs,
                path: Path::Hash,
                setup: LogEst((rows.log().0 + rows.0 - 25).max(0)),
                run: rows.log().sum(LogEst(43)),
                out: LogEst(43).min(filtered),
                one_row: false,
            });
        }
    }

    /// Whether the column that is wished for is equal to a constant in all rows.
    fn is_constant(&self, region: &Region<'q>, wish: &OrderWish) -> bool {
        let finder = self.finder();
        if finder.items(&wish.expression) == 0 {
            return true;
        }
        region.terms.iter().any(|&term| match self.term(term) {
            Scalar::Compare(equal) if matches!(equal.op, CompareOp::Eq | CompareOp::Is) => {
                let fixed = |side: &Scalar, other: &Scalar| {
                    side.same(&wish.expression)
                        && finder.items(other) == 0
                        && super::is_steady(other)
                        && equal.rule.collation == wish.collation
                };
                fixed(&equal.left, &equal.right) || fixed(&equal.right, &equal.left)
            }
            Scalar::IsNull {
                operand,
                negated: false,
            } => operand.same(&wish.expression),
            _ => false,
        })
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
            items: Vec::new(),
            terms: filter,
            semis: &[],
        };
        self.gather(from, false, &mut region);
        self.region(region, &Wanted::default())
    }

    /// The items of the region that an expression depends on.
    pub(super) fn items_of(&self, scalar: &Scalar) -> Items {
        self.finder().items(scalar)
    }

    #[inline(never)]
    fn build(
        &mut self,
        region: Region<'q>,
        prepared: &Prepared<'p>,
        uses: &[TermUse],
        candidates: &[Candidate],
        sequence: &Sequence,
    ) -> Result<Step<'q>> {
        let mut waiting = Uses::new();
        waiting.extend_from_slice(uses);
        waiting.retain(|term| !term.derived);
        let mut semis: Vec<(Items, &'q SemiJoin)> = Vec::new();
        for semi in region.semis {
            semis.push((self.items_of_all(&semi.on), semi));
        }
        let mut done: Items = 0;
        let mut rows = LogEst::ONE;
        let mut step: Option<Step<'q>> = None;
        for (nth, &number) in sequence.steps.iter().enumerate() {
            let candidate = &candidates[number];
            let place = candidate.item;
            done |= 1 << place;
            let mut ready = TermIds::new();
            // EXISTS mostly holds: tables that only take rows away come first.
            let rest = &sequence.steps[nth + 1..];
            let narrows = !rest.is_empty() && rest.iter().all(|&later| candidates[later].one_row);
            waiting.retain(|term| {
                let waits = term.items & !done != 0
                    || narrows && matches!(self.term(term.term), Scalar::Exists { negated: false, .. });
                if !waits {
                    ready.push(term.term);
                }
                waits
            });
            let backwards = sequence.order.state().backwards >> place & 1 != 0;
            let next = super::build::Next {
                item: &region.items[place],
                place,
                candidate,
                trees: prepared.trees(place),
                constraints: prepared.constraints(place),
                ready,
                backwards,
                outer_rows: rows,
            };
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
            ItemKind::Source(source) => Ok(Step::Scan(ScanStep {
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
        self.derive_terms(&mut terms);
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

/// Whether `term` being true makes `wanted` true: they are the same, or `wanted` is NOT NULL of what `term` compares.
fn implies(term: &Scalar, wanted: &Scalar) -> bool {
    if term.same(wanted) {
        return true;
    }
    let Scalar::IsNull {
        operand: wanted,
        negated: true,
    } = wanted
    else {
        return false;
    };
    match term {
        Scalar::Compare(comparison) if !matches!(comparison.op, CompareOp::Is | CompareOp::IsNot) => {
            comparison.left.same(wanted) || comparison.right.same(wanted)
        }
        Scalar::Between { operand, .. }
        | Scalar::InList {
            operand,
            negated: false,
            ..
        } => operand.same(wanted),
        Scalar::InQuery {
            operands,
            negated: false,
            ..
        } => operands.iter().any(|operand| operand.same(wanted)),
        Scalar::Like { operand, .. } => operand.same(wanted),
        _ => false,
    }
}

/// The side of a term that a constraint compares with.
pub(super) fn value_of<'t>(term: &'t Scalar, constraint: &Constraint) -> &'t Scalar {
    match constraint.value {
        Side::Set => term,
        side => side_of(term, side),
    }
}
