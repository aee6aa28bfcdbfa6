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
//! * To read all of a table, or a range of it, costs more than the answer ([`Joined::floor`] is less than any of that).
//! * When a table's turn comes, no hash table and no other index could be asked by values of the tables before it, unless the table's
//!   rowid is known at least as early: one row by its rowid is cheaper than what those give.
//! * Of several tables whose turn has come, each costs as much as the others; the one that is written first is taken.
//! * The rows have the order that is wanted.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::access::{Access, KeyRange, KeyTerm, KeyValue};
use super::constraint::Finder;
use super::cost::{self, LogEst};
use super::order::OrderWish;
use super::region::{Items, Wanted};
use super::solve::{BEFORE_END, SLACK};
use super::tree::{covers, repeats};
use super::{JoinPlan, ScanStep, Step, TermIds, Terms};
use crate::catalog::{Index, IndexSource, Table};
use crate::plan::bind::Tables;
use crate::plan::expr::CompareOp;
use crate::plan::logical::{ColumnNo, Comparison, From, IndexHint, Scalar, Source, SourceKind, TableId};
use crate::value::{Affinity, Value};

/// That a column of an item equals a value, by `=` or IS.
#[derive(Clone, Copy)]
struct Equality<'t> {
    item: usize,
    column: ColumnNo,
    /// The items that the value depends on.
    needs: Items,
    value: &'t Scalar,
    /// The affinities that the comparison gives the column and the value.
    affinity: Option<Affinity>,
    value_affinity: Option<Affinity>,
    comparison: &'t Comparison,
    /// The place of the term among those of the region.
    place: usize,
}

/// The terms, and what they say.
struct Said<'q> {
    terms: SmallVec<[&'q Scalar; 8]>,
    /// The items that each term depends on.
    items: SmallVec<[Items; 8]>,
    equalities: SmallVec<[Equality<'q>; 6]>,
    /// The columns that are compared by `<`, `<=`, `>` or `>=`.
    ranged: SmallVec<[(usize, ColumnNo); 4]>,
    /// The columns of each item that stand in a term: the rowid and the first sixty-three.
    seen: SmallVec<[u64; 4]>,
}

/// A table of the region.
struct LookedUp<'q> {
    source: &'q Source,
    table: &'q Table,
    /// What its rowid equals.
    key: Option<Equality<'q>>,
    /// The cost of a look-up by rowid.
    run: i32,
}

/// The tables of a region.
struct Joined<'q> {
    all: SmallVec<[LookedUp<'q>; 4]>,
    /// The one that constants lead to, and the index by which they do.
    first: Option<(usize, Option<&'q Arc<Index>>)>,
    /// Less than it costs to read all of a table, or a range of it.
    floor: i32,
    /// The indexes that could be asked by values of other tables.
    indexed: SmallVec<[(usize, Items); 4]>,
}

/// How the first table's rows are found.
struct First {
    access: Access,
    /// The terms, by place, that need not be checked then.
    used: u64,
    run: i32,
    out: LogEst,
    /// There is one row at most.
    one_row: bool,
}

/// How much of a wanted order the first table's rows have.
struct Held {
    terms: usize,
    backwards: bool,
}

/// Looks for a plan.
struct LookUps<'p, 'q> {
    tables: &'p Tables<'p>,
    sources: SmallVec<[&'q Source; 4]>,
}

impl<'q> JoinPlan<'q> {
    /// The plan for tables that are looked up one after the other; `None` where the search has to decide.
    #[inline(never)]
    pub(super) fn look_ups(
        tables: &Tables<'_>,
        from: &'q From,
        filter: &'q [Scalar],
        wanted: &Wanted,
    ) -> Option<JoinPlan<'q>> {
        let (sources, on) = joined_tables(from)?;
        let own = LookUps { tables, sources };
        let said = own.said(filter, on)?;
        let joined = own.looked_up(&said)?;
        let (start, index) = joined.first?;
        let found = &joined.all[start];
        let mut first = match index {
            Some(index) => own.first_by_index(found, &said, start, index)?,
            None => first_by_rowid(found)?,
        };
        let sequence = joined.sequence(&said, start, &first)?;
        let order = wanted.order.as_slice();
        let mut sorted = 0;
        if !order.is_empty() {
            let held = match index {
                Some(index) if !first.one_row => held(found, &said, start, index, order),
                _ => Held {
                    terms: order.len(),
                    backwards: false,
                },
            };
            let early = wanted.limit.is_some_and(|limit| {
                sequence.len() > 1 && i32::from(LogEst::of(limit).0) + BEFORE_END < i32::from(first.out.0)
            });
            if held.terms < order.len() || early && !wanted.free {
                return None;
            }
            sorted = held.terms;
            if let Access::Index { range, .. } = &mut first.access {
                range.descending = held.backwards;
            }
        }
        Some(planned(&joined, &said, first, &sequence, sorted))
    }

    /// The plan, to be compared with another.
    pub(super) fn shown(&self) -> String {
        let term = |term: &super::TermId| self.terms.get(*term);
        match &self.root {
            Step::Scans(scans) => { scans.iter() }
                .map(|scan| {
                    let filter: Vec<_> = scan.filter.iter().map(term).collect();
                    let (table, access, rows) = (scan.source.table, &scan.access, scan.estimate);
                    format!("{table:?} {access:?} {filter:?} {rows} {}\n", self.sorted)
                })
                .collect(),
            other => format!("{other:?}"),
        }
    }
}

/// The tables of a FROM that is an inner join of tables, and the terms of its ON.
fn joined_tables(from: &From) -> Option<(SmallVec<[&Source; 4]>, &[Scalar])> {
    match from {
        From::Source(source) => Some((smallvec![source], &[])),
        From::Inner { items, on } => {
            let mut sources = SmallVec::new();
            for item in items {
                match &item.from {
                    From::Source(source) if !item.fixed => sources.push(source),
                    _ => return None,
                }
            }
            Some((sources, on))
        }
        From::Outer { .. } => None,
    }
}

impl<'q> LookUps<'_, 'q> {
    /// What the terms say; `None` when one of them is not a comparison, or when others follow from them.
    fn said(&self, filter: &'q [Scalar], on: &'q [Scalar]) -> Option<Said<'q>> {
        if filter.len() + on.len() > 64 || self.sources.len() > 64 {
            return None;
        }
        let mut owners: SmallVec<[(TableId, Items); 4]> = SmallVec::new();
        for (place, source) in self.sources.iter().enumerate() {
            owners.push((source.table, 1 << place));
        }
        let finder = Finder {
            tables: self.tables,
            owners: &owners,
        };
        let mut said = Said {
            terms: SmallVec::new(),
            items: SmallVec::new(),
            equalities: SmallVec::new(),
            ranged: SmallVec::new(),
            seen: smallvec![0; self.sources.len()],
        };
        for term in filter.iter().chain(on) {
            said.add(term, &finder)?;
        }
        Some(said)
    }

    /// The tables, where all of them are plain ones.
    fn looked_up(&self, said: &Said<'q>) -> Option<Joined<'q>> {
        let mut joined = Joined {
            all: SmallVec::new(),
            first: None,
            floor: i32::MAX,
            indexed: SmallVec::new(),
        };
        for source in &self.sources {
            let SourceKind::Table { table, .. } = &source.kind else {
                return None;
            };
            if source.hint != IndexHint::Free || !table.has_rowid() {
                return None;
            }
            joined.add(source, table, said)?;
        }
        Some(joined)
    }

    /// The first table by an index, whose leading columns equal constants; `None` when there is more that could be sought.
    fn first_by_index(
        &self,
        found: &LookedUp<'q>,
        said: &Said<'q>,
        start: usize,
        index: &Arc<Index>,
    ) -> Option<First> {
        let table = found.table;
        let mut range = KeyRange::default();
        let mut used = 0;
        for key in &index.columns {
            let column = plain_column(&key.source, table)?;
            let mut own = said.of(start, column);
            let Some(equality) = own.next() else {
                if said.ranged.contains(&(start, column)) {
                    return None;
                }
                break;
            };
            let stored = table.columns.get(column.index()?)?.affinity;
            let comparison = equality.comparison;
            let found = own.next().is_none()
                && equality.needs == 0
                && comparison.op == CompareOp::Eq
                && comparison.rule.collation == key.collation
                && equality.keeps(stored);
            if !found {
                return None;
            }
            used |= 1 << equality.place;
            range.equal.push(equality.key());
        }
        let count = range.equal.len();
        let rows = cost::table_rows(table);
        let all = cost::rows_of_prefix(index, rows, 0);
        let mut out = cost::rows_of_prefix(index, rows, count);
        let covering = covers(index, table, self.tables.get(found.source.table));
        let entries = cost::index_row_size(index, table).0 * 15 / cost::table_row_size(table).0.max(1);
        let mut run = all.log().sum(out.plus(1 + entries));
        if !covering {
            run = run.sum(out.plus(16));
        }
        let mut least = all;
        for (place, items) in said.items.iter().enumerate() {
            if *items == 1 << start && used >> place & 1 == 0 {
                out = LogEst((out.0 - 1).max(0));
                least = least.min(LogEst((all.0 - cut(said.terms[place])).max(0)));
            }
        }
        let not_null = || index.columns.iter().all(|key| is_not_null(&key.source, table));
        let one_row = count == index.columns.len() && index.unique.is_some() && (count == 1 || not_null());
        Some(First {
            access: Access::Index {
                index: Arc::clone(index),
                covering,
                range,
                blobs: None,
            },
            used,
            run: i32::from(run.0),
            out: out.min(least),
            one_row,
        })
    }
}

/// How much of the wanted order the entries of an index have; all of it when no two of them agree in what is held.
fn held(found: &LookedUp<'_>, said: &Said<'_>, start: usize, index: &Index, order: &[OrderWish]) -> Held {
    let mut held = Held {
        terms: 0,
        backwards: false,
    };
    let mut direction = None;
    let table = found.source.table;
    let is = |wish: &OrderWish, column: ColumnNo| {
        let own = wish.expression.as_column();
        own.is_some_and(|own| own.table == table && own.column == column)
    };
    let mut distinct = index.unique.is_some();
    let mut fixed = true;
    for key in &index.columns {
        let Some(column) = plain_column(&key.source, found.table) else {
            return held;
        };
        let wish = order.get(held.terms);
        let wish = wish.filter(|wish| is(wish, column) && wish.collation == key.collation);
        fixed = fixed && said.of(start, column).next().is_some();
        let not_null = is_not_null(&key.source, found.table);
        distinct = distinct && not_null;
        if fixed {
            held.terms += usize::from(wish.is_some());
            continue;
        }
        let Some(wish) = wish else { return held };
        let reverse = wish.descending != key.descending;
        let odd_nulls = wish.nulls_first == wish.descending && !not_null;
        if odd_nulls || direction.is_some_and(|known| known != reverse) {
            return held;
        }
        held.backwards |= reverse;
        direction = Some(reverse);
        held.terms += 1;
    }
    // Entries of equal keys are in the order of their rowids.
    let by_rowid = order.get(held.terms).is_some_and(|wish| {
        let turned = direction.is_some_and(|known| known != wish.descending);
        is(wish, ColumnNo::ROWID) && !turned
    });
    if by_rowid && !distinct {
        held.backwards |= order[held.terms].descending;
    }
    if by_rowid || distinct {
        held.terms = order.len();
    }
    held
}

/// By how much a term that is checked on rows makes them less.
fn cut(term: &Scalar) -> i16 {
    match term.as_match() {
        Some(equal) if matches!(equal.right.as_literal(), Some(Value::Integer(-1..=1))) => 10,
        Some(_) => 20,
        None => 0,
    }
}

/// The first table by its rowid.
fn first_by_rowid(found: &LookedUp<'_>) -> Option<First> {
    let key = found.key.as_ref()?;
    Some(First {
        access: Access::Table(key.range()),
        used: 1 << key.place,
        run: found.run,
        out: LogEst::ONE,
        one_row: true,
    })
}

/// The plan.
fn planned<'q>(
    joined: &Joined<'q>,
    said: &Said<'q>,
    first: First,
    sequence: &[usize],
    sorted: usize,
) -> JoinPlan<'q> {
    let (mut done, mut checked): (Items, u64) = (0, first.used);
    let estimate = first.out.number();
    let mut access = Some(first.access);
    let mut scans = Vec::with_capacity(sequence.len());
    let mut terms: SmallVec<[&Scalar; 4]> = SmallVec::new();
    for &place in sequence {
        let table = &joined.all[place];
        done |= 1 << place;
        let (access, estimate) = match (access.take(), &table.key) {
            (Some(access), _) => (access, estimate),
            (None, Some(key)) => {
                checked |= 1 << key.place;
                (Access::Table(key.range()), 1.0)
            }
            (None, None) => continue,
        };
        // Each term is checked as soon as all that it reads is there.
        let mut filter = TermIds::new();
        for (place, items) in said.items.iter().enumerate() {
            if checked >> place & 1 == 0 && items & !done == 0 {
                checked |= 1 << place;
                filter.push(terms.len() as super::TermId);
                terms.push(said.terms[place]);
            }
        }
        scans.push(ScanStep {
            source: table.source,
            access,
            filter,
            estimate,
        });
    }
    JoinPlan {
        terms: Terms::Written(terms),
        root: Step::Scans(scans),
        sorted,
    }
}

impl Equality<'_> {
    fn key(&self) -> KeyTerm {
        KeyTerm {
            value: KeyValue::Equal(self.value.clone()),
            affinity: self.value_affinity,
        }
    }

    /// The row whose rowid is the value.
    fn range(&self) -> KeyRange {
        KeyRange {
            equal: smallvec![self.key()],
            ..KeyRange::default()
        }
    }

    /// Whether the comparison leaves the column's values as they are stored.
    fn keeps(&self, stored: Affinity) -> bool {
        match self.affinity {
            None => true,
            Some(applied) if applied.is_numeric() => stored.is_numeric(),
            Some(applied) => stored == applied,
        }
    }
}

impl<'q> Said<'q> {
    /// Adds a term.
    fn add(&mut self, term: &'q Scalar, finder: &Finder<'_>) -> Option<()> {
        let Scalar::Compare(comparison) = term else {
            return None;
        };
        let (left, right, rule) = (&comparison.left, &comparison.right, &comparison.rule);
        let (left_items, right_items) = (finder.items(left), finder.items(right));
        let sides = [
            (left, left_items, right, right_items, rule.left, rule.right),
            (right, right_items, left, left_items, rule.right, rule.left),
        ];
        for (side, own, value, needs, affinity, value_affinity) in sides {
            let Scalar::Column(column) = side else { continue };
            if own == 0 {
                continue;
            }
            let (item, column) = (own.trailing_zeros() as usize, column.column);
            self.see(item, column)?;
            if own & needs != 0 {
                continue;
            }
            match comparison.op {
                CompareOp::Eq | CompareOp::Is => self.equalities.push(Equality {
                    item,
                    column,
                    needs,
                    value,
                    affinity,
                    value_affinity,
                    comparison,
                    place: self.terms.len(),
                }),
                CompareOp::Ne | CompareOp::IsNot => {}
                CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => {
                    self.ranged.push((item, column));
                }
            }
        }
        self.terms.push(term);
        self.items.push(left_items | right_items);
        Some(())
    }

    /// Notes that a column stands in a term; of columns of a join that stand in several, others follow, so that is `None`.
    fn see(&mut self, item: usize, column: ColumnNo) -> Option<()> {
        let place = column.index().map_or(0, |index| index + 1);
        let seen = self.seen.get_mut(item)?;
        let again = place > 63 || *seen >> place & 1 != 0;
        *seen |= 1 << (place & 63);
        (!again || self.seen.len() == 1).then_some(())
    }

    /// The equalities of a column.
    fn of(&self, item: usize, column: ColumnNo) -> impl Iterator<Item = &Equality<'q>> {
        let mut all = self.equalities.iter();
        std::iter::from_fn(move || all.find(|own| own.column == column && own.item == item))
    }
}

impl<'q> Joined<'q> {
    /// Adds a table; `None` when it has indexes that take a closer look.
    fn add(&mut self, source: &'q Source, table: &'q Table, said: &Said<'q>) -> Option<()> {
        let place = self.all.len();
        let mut keys = said.of(place, ColumnNo::ROWID);
        let key = keys.next().copied();
        if let Some(key) = &key {
            let finds = key.comparison.op == CompareOp::Eq && key.affinity.is_none_or(Affinity::is_numeric);
            if !finds || keys.next().is_some() {
                return None;
            }
            if key.needs == 0 {
                self.start_at(place, None)?;
            }
        }
        let rows = cost::table_rows(table);
        let mut least = rows;
        for index in &table.indexes {
            let first = plain_column(&index.columns.first()?.source, table)?;
            if index.is_computed() || index.samples.is_some() || repeats(index) {
                return None;
            }
            if let Some(counted) = index.statistics.as_ref().and_then(|counts| counts.first()) {
                least = least.min(LogEst::of(*counted));
            }
            for equality in said.of(place, first) {
                match equality.needs {
                    0 => self.start_at(place, Some(index))?,
                    needs => self.indexed.push((place, needs)),
                }
            }
        }
        // Two bounds leave no less than a sixty-fourth.
        let ranged = said.ranged.iter().any(|(item, _)| *item == place);
        self.floor = self
            .floor
            .min(i32::from(least.0) + 1 - if ranged { 60 } else { 0 });
        self.all.push(LookedUp {
            source,
            table,
            key,
            run: i32::from(rows.log().sum(LogEst(16)).0),
        });
        Some(())
    }

    /// The table that constants lead to, if no other does.
    fn start_at(&mut self, place: usize, index: Option<&'q Arc<Index>>) -> Option<()> {
        match self.first.replace((place, index)) {
            None => Some(()),
            Some(_) => None,
        }
    }

    /// The order in which the tables are looked up; `None` when there might be another one, or another way.
    fn sequence(&self, said: &Said<'_>, start: usize, first: &First) -> Option<SmallVec<[usize; 4]>> {
        let mut sequence: SmallVec<[usize; 4]> = smallvec![start];
        let (mut done, rows, mut total): (Items, _, _) = (1 << start, i32::from(first.out.0), first.run);
        while sequence.len() < self.all.len() {
            let mut next: Option<usize> = None;
            for (place, table) in self.all.iter().enumerate() {
                if done >> place & 1 != 0 || table.key.as_ref()?.needs & !done != 0 {
                    continue;
                }
                match next {
                    None => next = Some(place),
                    Some(other) if self.all[other].run == table.run => {}
                    Some(_) => return None,
                }
            }
            let place = next?;
            if self.has_other(said, place, done) {
                return None;
            }
            done |= 1 << place;
            total = cost::sum(self.all[place].run + rows, total);
            sequence.push(place);
        }
        (self.floor > total + SLACK).then_some(sequence)
    }

    /// Whether values of tables in `done` could be looked for by an index of a table, or in a hash table though the rowid is not known by them.
    fn has_other(&self, said: &Said<'_>, place: usize, done: Items) -> bool {
        let rowid_needs = self.all[place].key.as_ref().map_or(0, |key| key.needs);
        let mut indexed = self.indexed.iter();
        indexed.any(|(own, needs)| *own == place && needs & !done == 0)
            || said.equalities.iter().any(|equality| {
                equality.item == place
                    && equality.column != ColumnNo::ROWID
                    && equality.needs != 0
                    && equality.needs & !done == 0
                    && rowid_needs & !equality.needs != 0
            })
    }
}

/// The column that a key of an index is, unless it is an expression or the rowid.
fn plain_column(source: &IndexSource, table: &Table) -> Option<ColumnNo> {
    match source {
        IndexSource::Column(column) if table.rowid_alias != Some(*column) => Some(ColumnNo::at(*column)),
        _ => None,
    }
}

fn is_not_null(source: &IndexSource, table: &Table) -> bool {
    match source {
        IndexSource::Column(column) => {
            { table.columns.get(*column) }.is_some_and(|own| own.not_null.is_some())
        }
        _ => false,
    }
}
