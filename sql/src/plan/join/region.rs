//! Regions: what may change places, and where each term is checked.

use std::borrow::Cow;

use super::access::Access;
use super::{HashTerm, JoinStep, Method, ScanStep, Step, TermId};
use crate::error::{Error, Result};
use crate::plan::bind::Tables;
use crate::plan::context::PlanContext;
use crate::plan::expr::{CompareOp, CompareRule};
use crate::plan::logical::{From, OuterKind, Scalar, Source, SourceKind, TableId};
use crate::plan::physical::JoinKind;

/// A set of a region's items.
type Items = u64;

/// Plans the join of one block.
pub(super) struct Planner<'p, 'q, 'a> {
    tables: &'p Tables<'a>,
    context: &'p PlanContext<'p>,
    terms: Vec<Cow<'q, Scalar>>,
}

/// An item of a region.
struct Item<'q> {
    from: ItemKind<'q>,
    /// LEFT JOIN: the terms of its ON.
    left: Option<Vec<TermId>>,
}

/// What an item is.
enum ItemKind<'q> {
    Source(&'q Source),
    /// An outer join that stays in one piece.
    Fixed(&'q From),
}

/// Items that may change places.
#[derive(Default)]
struct Region<'q> {
    items: Vec<Item<'q>>,
    /// The terms that hold over all rows.
    terms: Vec<TermId>,
}

/// A term and the items of the region that it refers to.
#[derive(Clone, Copy)]
struct Placed {
    term: TermId,
    items: Items,
}

impl<'p, 'q, 'a> Planner<'p, 'q, 'a> {
    pub fn new(tables: &'p Tables<'a>, context: &'p PlanContext<'p>) -> Self {
        Planner {
            tables,
            context,
            terms: Vec::new(),
        }
    }

    pub fn into_terms(self) -> Vec<Cow<'q, Scalar>> {
        self.terms
    }

    /// Plans a FROM under the terms of WHERE.
    pub fn plan(&mut self, from: &'q From, filter: &'q [Scalar]) -> Result<Step<'q>> {
        let mut region = Region::default();
        region.terms = self.add_terms(filter);
        self.gather(from, &mut region);
        self.region(region)
    }

    fn add_terms(&mut self, terms: &'q [Scalar]) -> Vec<TermId> {
        let first = self.terms.len();
        self.terms.extend(terms.iter().map(Cow::Borrowed));
        (first..self.terms.len()).collect()
    }

    /// Lists the items of a region from left to right.
    fn gather(&mut self, from: &'q From, region: &mut Region<'q>) {
        match from {
            From::Source(source) => {
                region.items.push(Item {
                    from: ItemKind::Source(source),
                    left: None,
                });
            }
            From::Inner { items, on } => {
                items.iter().for_each(|item| self.gather(&item.from, region));
                let on = self.add_terms(on);
                region.terms.extend(on);
            }
            From::Outer {
                kind: OuterKind::Left,
                left,
                right,
                on,
            } => {
                self.gather(left, region);
                let on = self.add_terms(on);
                let from = match &**right {
                    From::Source(source) => ItemKind::Source(source),
                    other => ItemKind::Fixed(other),
                };
                region.items.push(Item { from, left: Some(on) });
            }
            From::Outer { .. } => region.items.push(Item {
                from: ItemKind::Fixed(from),
                left: None,
            }),
        }
    }

    /// Plans the items of a region.
    fn region(&mut self, region: Region<'q>) -> Result<Step<'q>> {
        let owners = self.owners(&region);
        let mut waiting: Vec<Placed> = region
            .terms
            .iter()
            .map(|&term| self.placed(term, &owners))
            .collect();
        let mut done: Items = 0;
        let mut step: Option<Step<'q>> = None;
        for (place, item) in region.items.iter().enumerate() {
            let own: Items = 1 << place;
            let after = done | own;
            let ready: Vec<Placed> = take_ready(&mut waiting, after);
            step = Some(match step {
                None => self.first(item, ready)?,
                Some(left) => self.next(left, item, own, ready, &owners)?,
            });
            done = after;
        }
        step.ok_or_else(|| Error::misuse("FROM without tables"))
    }

    /// Which item of the region each table belongs to.
    fn owners(&self, region: &Region<'q>) -> Vec<(TableId, Items)> {
        let mut owners = Vec::with_capacity(region.items.len());
        for (place, item) in region.items.iter().enumerate() {
            match &item.from {
                ItemKind::Source(source) => owners.push((source.table, 1 << place)),
                ItemKind::Fixed(from) => {
                    from.each_source(&mut |source| owners.push((source.table, 1 << place)));
                }
            }
        }
        owners
    }

    fn items_of(&self, scalar: &Scalar, owners: &[(TableId, Items)]) -> Items {
        let mut items = 0;
        scalar.each_column(&mut |column| {
            items |= owners
                .iter()
                .find(|(table, _)| *table == column.table)
                .map_or(0, |(_, item)| *item);
        });
        items
    }

    fn placed(&self, term: TermId, owners: &[(TableId, Items)]) -> Placed {
        Placed {
            term,
            items: self.items_of(&self.terms[term], owners),
        }
    }

    /// The step of an item by itself.
    fn item(&mut self, item: &Item<'q>, filter: Vec<TermId>) -> Result<Step<'q>> {
        match &item.from {
            ItemKind::Source(source) => Ok(Step::Scan(ScanStep {
                source,
                access: if matches!(source.kind, SourceKind::Table { .. }) {
                    Access::scan()
                } else {
                    Access::Rows
                },
                filter,
                estimate: 1_000_000.0,
            })),
            ItemKind::Fixed(from) => self.fixed(from, filter),
        }
    }

    /// An outer join, or the composite right side of one.
    fn fixed(&mut self, from: &'q From, filter: Vec<TermId>) -> Result<Step<'q>> {
        if let From::Outer {
            kind: kind @ (OuterKind::Right | OuterKind::Full),
            left,
            right,
            on,
        } = from
        {
            let left = self.plan(left, &[])?;
            let right = self.plan(right, &[])?;
            let on = self.add_terms(on);
            let kind = if *kind == OuterKind::Right {
                JoinKind::Right
            } else {
                JoinKind::Full
            };
            let (keys, on) = self.hash_terms(&left, &right, on);
            return Ok(Step::Join(Box::new(JoinStep {
                left,
                right,
                kind,
                method: Method::Hash(keys),
                on,
                after: filter,
            })));
        }
        let mut region = Region {
            items: Vec::new(),
            terms: filter,
        };
        self.gather(from, &mut region);
        self.region(region)
    }

    fn first(&mut self, item: &Item<'q>, ready: Vec<Placed>) -> Result<Step<'q>> {
        self.item(item, ready.into_iter().map(|placed| placed.term).collect())
    }

    /// Joins an item to the steps before it.
    fn next(
        &mut self,
        left: Step<'q>,
        item: &Item<'q>,
        own: Items,
        ready: Vec<Placed>,
        owners: &[(TableId, Items)],
    ) -> Result<Step<'q>> {
        let ready: Vec<TermId> = ready.into_iter().map(|placed| placed.term).collect();
        let (kind, on, after) = match &item.left {
            Some(on) => (JoinKind::Left, on.clone(), ready),
            None => (JoinKind::Inner, ready, Vec::new()),
        };
        let is_source = matches!(&item.from, ItemKind::Source(_));
        let by_loop = is_source && !self.has_hash_term(&on, own, owners) && !self.is_derived(item);
        if by_loop {
            let right = self.item(item, on)?;
            return Ok(Step::Join(Box::new(JoinStep {
                left,
                right,
                kind,
                method: Method::Loop,
                on: Vec::new(),
                after,
            })));
        }
        let (inside, between): (Vec<_>, Vec<_>) = on
            .into_iter()
            .partition(|&term| self.items_of(&self.terms[term], owners) & !own == 0);
        let right = self.item(item, inside)?;
        let (keys, on) = self.hash_terms(&left, &right, between);
        Ok(Step::Join(Box::new(JoinStep {
            left,
            right,
            kind,
            method: Method::Hash(keys),
            on,
            after,
        })))
    }

    fn is_derived(&self, item: &Item<'q>) -> bool {
        let ItemKind::Source(source) = &item.from else {
            return false;
        };
        matches!(
            source.kind,
            SourceKind::Query(_) | SourceKind::Common(_) | SourceKind::Recursion(_)
        )
    }

    fn has_hash_term(&self, on: &[TermId], own: Items, owners: &[(TableId, Items)]) -> bool {
        on.iter().any(|&term| {
            equality(&self.terms[term]).is_some_and(|(left, right, ..)| {
                let (left, right) = (self.items_of(left, owners), self.items_of(right, owners));
                (left == own && right != 0 && right & own == 0)
                    || (right == own && left != 0 && left & own == 0)
            })
        })
    }

    /// Splits terms into equalities between the two sides and the rest.
    fn hash_terms(&self, left: &Step<'q>, right: &Step<'q>, on: Vec<TermId>) -> (Vec<HashTerm>, Vec<TermId>) {
        let mut left_tables = Vec::new();
        left.each_table(&mut |table| left_tables.push((table, 1)));
        right.each_table(&mut |table| left_tables.push((table, 2)));
        let mut keys = Vec::new();
        let mut rest = Vec::new();
        for term in on {
            match self.hash_term(term, &left_tables) {
                Some(key) => keys.push(key),
                None => rest.push(term),
            }
        }
        (keys, rest)
    }

    fn hash_term(&self, term: TermId, sides: &[(TableId, Items)]) -> Option<HashTerm> {
        let (a, b, op, rule) = equality(&self.terms[term])?;
        let null_matches = op == CompareOp::Is;
        match (self.items_of(a, sides), self.items_of(b, sides)) {
            (1, 2) => Some(HashTerm {
                left: a.clone(),
                right: b.clone(),
                rule: rule.clone(),
                null_matches,
            }),
            (2, 1) => Some(HashTerm {
                left: b.clone(),
                right: a.clone(),
                rule: turned(rule),
                null_matches,
            }),
            _ => None,
        }
    }

    /// The settings.
    pub fn context(&self) -> &'p PlanContext<'p> {
        self.context
    }

    /// The tables.
    pub fn tables(&self) -> &'p Tables<'a> {
        self.tables
    }
}

/// Takes the terms out whose items are all in `available`.
fn take_ready(waiting: &mut Vec<Placed>, available: Items) -> Vec<Placed> {
    let (ready, rest) = waiting
        .drain(..)
        .partition(|placed| placed.items & !available == 0);
    *waiting = rest;
    ready
}

/// The sides of an equality.
fn equality(term: &Scalar) -> Option<(&Scalar, &Scalar, CompareOp, &CompareRule)> {
    match term {
        Scalar::Compare {
            op: op @ (CompareOp::Eq | CompareOp::Is),
            left,
            right,
            rule,
        } => Some((left, right, *op, rule)),
        _ => None,
    }
}

/// The rule of a comparison whose sides change places.
fn turned(rule: &CompareRule) -> CompareRule {
    CompareRule {
        left: rule.right,
        right: rule.left,
        collation: rule.collation.clone(),
    }
}
