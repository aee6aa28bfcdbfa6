//! Tables that are looked up by key, one after the other: there is nothing to choose.
//!
//! ```text
//!   t ── t.name = ?1 by an index ──▶ u ── u.id = t.k ──▶ p ── p.id = u.w
//!   └ the only table that constants lead to    └ all others by their rowids, which the tables before give
//! ```
//!
//! Joins along references are of this kind, and so is a look-up in one table by an index. The search ([`solve`](super::solve::solve)) finds the
//! same, since none of its rounds leaves it a choice; where one might, it is asked. What has to hold for that:
//!
//! * One table is found by constants: by its rowid, or by one index. All others are named by their rowids.
//! * To read all of a table, or a range of it, costs more than the answer ([`Tables::floor`] is less than any of that).
//! * When a table's turn comes, no hash table and no other index could be asked by values of the tables before it, unless the table's
//!   rowid is known at least as early: one row by its rowid is cheaper than what those give.
//! * Of several tables whose turn has come, each costs as much as the others; the one that is written first is taken.
//! * The rows have the order that is wanted.

use smallvec::{SmallVec, smallvec};

use super::access::{Access, KeyRange, KeyTerm, KeyValue};
use super::constraint::{Constraint, Side, side_of};
use super::cost::{self, LogEst};
use super::order::{OrderCheck, OrderState, OrderWish, OrderedItem, Progress};
use super::path::{Candidate, Candidates, Growth, Path, TableSearch};
use super::region::{ItemKind, Items, Planner, Region, TermUse, Uses, Wanted};
use super::solve::{BEFORE_END, SLACK};
use super::tree::{Tree, repeats};
use super::{ScanStep, Step, TermIds};
use crate::catalog::{IndexSource, Table};
use crate::plan::expr::CompareOp;
use crate::plan::logical::{ColumnNo, IndexHint, Scalar, Source, SourceKind};
use crate::value::Affinity;

/// That a column of an item equals a value, by `=` or IS.
#[derive(Clone, Copy)]
struct Equality {
    item: usize,
    column: ColumnNo,
    /// The items that the value depends on.
    needs: Items,
    /// The term, and the side of it that is the value.
    term: super::TermId,
    value: Side,
    value_affinity: Option<Affinity>,
    /// Whether a rowid can be found by it.
    finds_rowid: bool,
}

/// What the terms of a region say.
struct Said {
    uses: Uses,
    equalities: SmallVec<[Equality; 6]>,
    /// The items of which a column is compared by `<`, `<=`, `>` or `>=`.
    ranged: Items,
}

/// A table of the region.
struct LookedUp<'q> {
    source: &'q Source,
    table: &'q Table,
    /// What its rowid equals.
    key: Option<Equality>,
    /// The cost of a look-up by rowid.
    run: i32,
}

/// The tables of a region.
struct Tables<'q> {
    all: SmallVec<[LookedUp<'q>; 4]>,
    /// The one that constants lead to, and the index by which they do.
    first: Option<(usize, Option<usize>)>,
    /// Less than it costs to read all of a table, or a range of it.
    floor: i32,
    /// The indexes that could be asked by values of other tables.
    indexed: SmallVec<[(usize, Items); 4]>,
}

/// How the first table's rows are found.
struct First {
    access: Access,
    /// The terms that need not be checked then.
    used: TermIds,
    run: i32,
    out: LogEst,
    order: Progress,
}

/// What is wanted of the order.
struct Wishes<'w> {
    wishes: SmallVec<[(&'w OrderWish, Items); 2]>,
    constant: SmallVec<[bool; 8]>,
}

impl<'p, 'q> Planner<'p, 'q> {
    /// The steps of a region whose tables are looked up one after the other; `None` where the search has to decide.
    #[inline(never)]
    pub(super) fn look_ups(&mut self, region: &Region<'q>, wanted: &Wanted) -> Option<Step<'q>> {
        let said = self.said(region)?;
        let tables = self.looked_up(region, &said)?;
        let (start, index) = tables.first?;
        let wishes = self.wishes(region, wanted);
        let first = match index {
            Some(number) => self.first_by_index(&tables, &said, start, number, &wishes)?,
            None => self.first_by_rowid(&tables, start, &wishes)?,
        };
        let sequence = self.sequence(&tables, &said, start, &first)?;
        let order = wishes.along(first.order, &sequence);
        let held = order.state().held;
        let early = { wanted.limit }.is_some_and(|limit| {
            sequence.len() > 1 && i32::from(LogEst::of(limit).0) + BEFORE_END < i32::from(first.out.0)
        });
        let settled = held == wishes.wishes.len() && !early;
        if !wishes.wishes.is_empty() {
            if !settled && !wanted.free {
                return None;
            }
            self.sorted = held;
        }
        let backwards = order.state().backwards >> start & 1 != 0;
        Some(self.look_up_steps(&tables, said.uses, first, backwards, &sequence))
    }

    /// What the terms say; `None` when one of them is not a comparison.
    fn said(&self, region: &Region<'q>) -> Option<Said> {
        let mut said = Said {
            uses: Uses::new(),
            equalities: SmallVec::new(),
            ranged: 0,
        };
        let finder = self.finder();
        for &term in &region.terms {
            let Scalar::Compare(comparison) = self.term(term) else {
                return None;
            };
            let left = finder.items(&comparison.left);
            let right = finder.items(&comparison.right);
            said.uses.push(TermUse {
                term,
                items: left | right,
                derived: false,
                is_or: false,
            });
            let rule = &comparison.rule;
            let sides = [
                (&comparison.left, left, right, Side::Right, rule.left, rule.right),
                (&comparison.right, right, left, Side::Left, rule.right, rule.left),
            ];
            for (side, own, needs, value, affinity, value_affinity) in sides {
                let Scalar::Column(column) = side else { continue };
                if own == 0 || own & needs != 0 {
                    continue;
                }
                match comparison.op {
                    CompareOp::Eq | CompareOp::Is => said.equalities.push(Equality {
                        item: own.trailing_zeros() as usize,
                        column: column.column,
                        needs,
                        term,
                        value,
                        value_affinity,
                        finds_rowid: comparison.op == CompareOp::Eq
                            && affinity.is_none_or(Affinity::is_numeric),
                    }),
                    CompareOp::Ne | CompareOp::IsNot => {}
                    CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => said.ranged |= own,
                }
            }
        }
        Some(said)
    }

    /// The tables, where all of them are plain ones.
    fn looked_up(&self, region: &Region<'q>, said: &Said) -> Option<Tables<'q>> {
        let mut tables = Tables {
            all: SmallVec::new(),
            first: None,
            floor: i32::MAX,
            indexed: SmallVec::new(),
        };
        for item in &region.items {
            let ItemKind::Source(source) = item.from else {
                return None;
            };
            let SourceKind::Table { table, .. } = &source.kind else {
                return None;
            };
            if item.left.is_some() || item.fixed || source.hint != IndexHint::Free || !table.has_rowid() {
                return None;
            }
            tables.add(source, table, said)?;
        }
        Some(tables)
    }

    /// What is wanted of the order.
    fn wishes<'w>(&self, region: &Region<'q>, wanted: &'w Wanted) -> Wishes<'w> {
        let mut wishes = Wishes {
            wishes: SmallVec::new(),
            constant: SmallVec::new(),
        };
        for wish in &wanted.order {
            wishes.wishes.push((wish, self.items_of(&wish.expression)));
            wishes.constant.push(self.is_constant(region, wish));
        }
        wishes
    }

    /// The first table by its rowid.
    fn first_by_rowid(&self, tables: &Tables<'q>, start: usize, wishes: &Wishes<'_>) -> Option<First> {
        let found = &tables.all[start];
        let key = found.key?;
        Some(First {
            access: Access::Table(self.rowid_range(&key)),
            used: smallvec![key.term],
            run: found.run,
            out: LogEst::ONE,
            order: wishes.check(&[]).row_after(&OrderState::default(), start as u32),
        })
    }

    /// The first table by an index, when there is one way to search it.
    fn first_by_index(
        &self,
        tables: &Tables<'q>,
        said: &Said,
        start: usize,
        number: usize,
        wishes: &Wishes<'_>,
    ) -> Option<First> {
        let LookedUp { source, table, .. } = tables.all[start];
        let entry = self.tables.get(source.table);
        let rows = cost::table_rows(table);
        let tree = Tree::of_index(entry, table, rows, number, table.indexes.get(number)?)?;
        let mut constraints: Vec<Constraint> = Vec::with_capacity(said.uses.len());
        let finder = self.finder();
        for term in said.uses.iter().filter(|term| term.items >> start & 1 != 0) {
            finder.find(term.term, self.term(term.term), 1 << start, true, &mut constraints);
        }
        let search = TableSearch {
            item: start,
            table: source.table,
            before: 0,
            trees: std::slice::from_ref(&tree),
            constraints: &constraints,
            row_size: cost::table_row_size(table),
            rows,
            wanted: 0,
            forced: false,
            hash: false,
        };
        let mut candidates = Candidates::new();
        let mut growth = Growth::of(&search, 0, &tree);
        self.grow(&search, &tree, &mut growth, &said.uses, &mut candidates);
        let [candidate] = candidates.as_slice() else {
            return None;
        };
        let Candidate {
            path: Path::Tree(path),
            needs: 0,
            ..
        } = candidate
        else {
            return None;
        };
        let item = OrderedItem {
            table: Some(source.table),
            trees: search.trees,
            constraints: &constraints,
        };
        Some(First {
            access: self.tree_access(&tree, path, &constraints, false),
            used: path.used().map(|number| constraints[number].term).collect(),
            run: i32::from(candidate.run.0),
            out: candidate.out,
            order: wishes.check(&[]).walk_after(&OrderState::default(), Some(&item), candidate),
        })
    }

    /// The order in which the tables are looked up; `None` when there might be another one, or another way.
    fn sequence(
        &self,
        tables: &Tables<'q>,
        said: &Said,
        start: usize,
        first: &First,
    ) -> Option<SmallVec<[usize; 4]>> {
        let mut sequence: SmallVec<[usize; 4]> = smallvec![start];
        let (mut done, rows, mut total): (Items, _, _) = (1 << start, i32::from(first.out.0), first.run);
        while sequence.len() < tables.all.len() {
            let mut next: Option<usize> = None;
            for (place, table) in tables.all.iter().enumerate() {
                if done >> place & 1 != 0 || table.key?.needs & !done != 0 {
                    continue;
                }
                match next {
                    None => next = Some(place),
                    Some(other) if tables.all[other].run == table.run => {}
                    Some(_) => return None,
                }
            }
            let place = next?;
            let key = tables.all[place].key?;
            if tables.is_indexed(place, done) || self.may_be_hashed(said, place, &key, done) {
                return None;
            }
            done |= 1 << place;
            total = cost::sum(tables.all[place].run + rows, total);
            sequence.push(place);
        }
        (tables.floor > total + SLACK).then_some(sequence)
    }

    /// Whether a hash table could be asked by values of tables in `done`, though the rowid is not known by them.
    fn may_be_hashed(&self, said: &Said, place: usize, key: &Equality, done: Items) -> bool {
        said.equalities.iter().any(|equality| {
            equality.item == place
                && equality.column != ColumnNo::ROWID
                && equality.needs != 0
                && equality.needs & !done == 0
                && key.needs & !equality.needs != 0
        })
    }

    /// The steps.
    fn look_up_steps(
        &self,
        tables: &Tables<'q>,
        mut waiting: Uses,
        first: First,
        backwards: bool,
        sequence: &[usize],
    ) -> Step<'q> {
        let (start, later) = sequence.split_first().unwrap_or((&0, &[]));
        let mut done: Items = 1 << start;
        let mut access = first.access;
        if backwards && let Access::Index { range, .. } = &mut access {
            range.descending = true;
        }
        let mut scans = Vec::with_capacity(sequence.len());
        scans.push(ScanStep {
            source: tables.all[*start].source,
            access,
            filter: take_ready(&mut waiting, done, &first.used),
            estimate: first.out.number(),
        });
        for &place in later {
            let LookedUp {
                source,
                key: Some(key),
                ..
            } = &tables.all[place]
            else {
                continue;
            };
            done |= 1 << place;
            scans.push(ScanStep {
                source,
                access: Access::Table(self.rowid_range(key)),
                filter: take_ready(&mut waiting, done, &[key.term]),
                estimate: 1.0,
            });
        }
        Step::Scans(scans)
    }

    fn rowid_range(&self, key: &Equality) -> KeyRange {
        let value = KeyTerm {
            value: KeyValue::Equal(side_of(self.term(key.term), key.value).clone()),
            affinity: key.value_affinity,
        };
        KeyRange {
            equal: smallvec![value],
            ..KeyRange::default()
        }
    }
}

/// Takes the terms out that can be checked as soon as there are the items in `done`; those in `used` need not be.
fn take_ready(waiting: &mut Uses, done: Items, used: &[super::TermId]) -> TermIds {
    let mut ready = TermIds::new();
    waiting.retain(|term| {
        if term.items & !done != 0 {
            return true;
        }
        if !used.contains(&term.term) {
            ready.push(term.term);
        }
        false
    });
    ready
}

impl<'q> Tables<'q> {
    /// Adds a table; `None` when it has indexes that take a closer look.
    fn add(&mut self, source: &'q Source, table: &'q Table, said: &Said) -> Option<()> {
        let place = self.all.len();
        let own = |equality: &&Equality| equality.item == place;
        let mut key = None;
        for equality in said.equalities.iter().filter(own) {
            if equality.column != ColumnNo::ROWID {
                continue;
            }
            if !equality.finds_rowid || key.replace(*equality).is_some() {
                return None;
            }
        }
        if key.is_some_and(|key: Equality| key.needs == 0) {
            self.start_at(place, None)?;
        }
        let rows = cost::table_rows(table);
        let mut least = rows;
        for (number, index) in table.indexes.iter().enumerate() {
            let first = match index.columns.first()?.source {
                IndexSource::Column(column) if table.rowid_alias != Some(column) => ColumnNo::at(column),
                _ => return None,
            };
            if index.is_computed() || index.samples.is_some() || repeats(index) {
                return None;
            }
            if let Some(counted) = index.statistics.as_ref().and_then(|counts| counts.first()) {
                least = least.min(LogEst::of(*counted));
            }
            for equality in said.equalities.iter().filter(own) {
                match (equality.column == first, equality.needs) {
                    (false, _) => {}
                    (true, 0) => self.start_at(place, Some(number))?,
                    (true, needs) => self.indexed.push((place, needs)),
                }
            }
        }
        // Two bounds leave no less than a sixty-fourth.
        let ranged = said.ranged >> place & 1 != 0;
        self.floor = self.floor.min(i32::from(least.0) + 1 - if ranged { 60 } else { 0 });
        self.all.push(LookedUp {
            source,
            table,
            key,
            run: i32::from(rows.log().sum(LogEst(16)).0),
        });
        Some(())
    }

    /// The table that constants lead to, if no other does.
    fn start_at(&mut self, place: usize, index: Option<usize>) -> Option<()> {
        match self.first.replace((place, index)) {
            None => Some(()),
            Some(_) => None,
        }
    }

    /// Whether an index of a table could be searched by values of tables in `done`.
    fn is_indexed(&self, place: usize, done: Items) -> bool {
        let mut indexed = self.indexed.iter();
        indexed.any(|(own, needs)| *own == place && needs & !done == 0)
    }
}

impl Wishes<'_> {
    fn check<'s, 't>(&'s self, items: &'s [OrderedItem<'s, 't>]) -> OrderCheck<'s, 't> {
        OrderCheck {
            wishes: &self.wishes,
            constant: &self.constant,
            items,
        }
    }

    /// What is known when the tables behind the first one are looked up too, each of which has one row.
    fn along(&self, first: Progress, sequence: &[usize]) -> Progress {
        let check = self.check(&[]);
        let mut order = first;
        for &place in sequence.iter().skip(1) {
            match order {
                Progress::Open(state) => order = check.row_after(&state, place as u32),
                Progress::Closed(_) => break,
            }
        }
        order
    }
}
