//! The ways in which one table's rows can be found, each with its cost.

use std::num::NonZero;
use std::rc::Rc;

use smallvec::SmallVec;

use super::constraint::{Constraint, ConstraintOp, Side, side_of};
use super::cost::LogEst;
use super::region::{Items, Planner, TermUse};
use super::tree::Tree;
use super::virtual_table::{VirtualPath, VirtualUnion};
use crate::plan::logical::{Scalar, TableId};
use crate::value::Value;

/// One way to find the rows of an item.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// The item.
    pub item: u32,
    /// The items that come before.
    pub needs: Items,
    /// How.
    pub path: Path,
    /// Work done once.
    pub setup: LogEst,
    /// Work done each time.
    pub run: LogEst,
    /// Rows each time.
    pub out: LogEst,
    /// One row at most.
    pub one_row: bool,
}

/// Candidates of one or more items.
pub(super) type Candidates = SmallVec<[Candidate; 16]>;

/// How an item's rows are found.
#[derive(Clone, Debug)]
pub(super) enum Path {
    /// Through a tree.
    Tree(TreePath),
    /// All of them, however they are made.
    Rows,
    /// Through a hash table over an equality with items before.
    Hash,
    /// By a virtual table's own code.
    Virtual(Rc<VirtualPath>),
    /// By a virtual table's own code, once for each branch of an OR.
    VirtualUnion(Rc<VirtualUnion>),
    /// Through several trees, one for each branch of an OR.
    Union {
        branches: Vec<(TreePath, Vec<Constraint>)>,
    },
}

/// A part of a tree. Constraints are named by number; numbers are kept small and in place, since many paths are made and few are taken.
#[derive(Clone, Debug)]
pub(super) struct TreePath {
    tree: u32,
    lower: Bound,
    upper: Bound,
    equal: Equal,
}

/// The number of a constraint that is a bound, if there is one.
pub(super) type Bound = Option<NonZero<u32>>;

/// Stands for a leading key that takes whatever values there are.
const ANY: u32 = u32::MAX;

/// The equalities on leading keys, of which there are few.
#[derive(Clone, Debug)]
enum Equal {
    Few(u8, [u32; 4]),
    Many(Box<[u32]>),
}

impl Equal {
    #[inline]
    fn as_slice(&self) -> &[u32] {
        match self {
            Equal::Few(count, numbers) => numbers.get(..usize::from(*count)).unwrap_or(numbers),
            Equal::Many(numbers) => numbers,
        }
    }

    #[inline]
    fn push(&mut self, number: u32) {
        if let Equal::Few(count, numbers) = self
            && let Some(place) = numbers.get_mut(usize::from(*count))
        {
            *place = number;
            *count += 1;
            return;
        }
        self.push_far(number);
    }

    /// Takes the last one away.
    #[inline]
    fn pop(&mut self) {
        match self {
            Equal::Few(count, _) => *count = count.saturating_sub(1),
            Equal::Many(_) => self.pop_far(),
        }
    }

    #[cold]
    fn pop_far(&mut self) {
        if let Equal::Many(numbers) = self {
            let mut left = std::mem::take(numbers).into_vec();
            left.pop();
            *numbers = left.into();
        }
    }

    #[cold]
    fn push_far(&mut self, number: u32) {
        let mut numbers = self.as_slice().to_vec();
        numbers.push(number);
        *self = Equal::Many(numbers.into());
    }
}

/// A constraint's number as that of a bound.
#[inline]
fn bound(number: usize) -> Bound {
    NonZero::new(number as u32 + 1)
}

/// The constraint that is the bound.
#[inline]
pub(super) fn bound_number(bound: Bound) -> Option<usize> {
    bound.map(|number| number.get() as usize - 1)
}

impl TreePath {
    /// Every entry of a tree.
    #[inline]
    pub fn whole(tree: usize) -> TreePath {
        TreePath {
            tree: tree as u32,
            lower: None,
            upper: None,
            equal: Equal::Few(0, [0; 4]),
        }
    }

    /// Which of the table's trees.
    #[inline]
    pub fn tree(&self) -> usize {
        self.tree as usize
    }

    /// The constraints that are equalities on its leading keys.
    #[inline]
    pub fn equal(&self) -> impl Iterator<Item = usize> + '_ {
        let numbers = self.equal.as_slice().iter();
        numbers
            .filter(|number| **number != ANY)
            .map(|&number| number as usize)
    }

    /// How many leading keys have no equality, though keys behind them have: each of their values is visited.
    #[inline]
    pub fn any_count(&self) -> usize {
        let numbers = self.equal.as_slice().iter();
        numbers.take_while(|number| **number == ANY).count()
    }

    /// Lets the next key take any value.
    fn push_any(&mut self) {
        self.equal.push(ANY);
    }

    /// The equality on the key at `place`.
    #[inline]
    pub fn equal_at(&self, place: usize) -> Option<usize> {
        let number = self.equal.as_slice().get(place);
        number
            .filter(|number| **number != ANY)
            .map(|&number| number as usize)
    }

    /// How many leading keys have an equality, or any value.
    #[inline]
    pub fn equal_count(&self) -> usize {
        self.equal.as_slice().len()
    }

    /// Adds an equality on the next key.
    #[inline]
    pub fn push_equal(&mut self, constraint: usize) {
        self.equal.push(constraint as u32);
    }

    /// Takes the last equality away.
    #[inline]
    fn pop_equal(&mut self) {
        self.equal.pop();
    }

    /// The lower bound of the key after the equalities.
    #[inline]
    pub fn lower(&self) -> Option<usize> {
        bound_number(self.lower)
    }

    /// The upper bound of the key after the equalities.
    #[inline]
    pub fn upper(&self) -> Option<usize> {
        bound_number(self.upper)
    }

    /// Sets the bounds of the key after the equalities.
    pub fn bound_by(&mut self, lower: Option<usize>, upper: Option<usize>) {
        self.lower = lower.and_then(bound);
        self.upper = upper.and_then(bound);
    }

    /// How many bounds there are.
    pub fn bound_count(&self) -> usize {
        usize::from(self.lower.is_some()) + usize::from(self.upper.is_some())
    }

    /// The constraints that it uses.
    #[inline]
    pub fn used(&self) -> impl Iterator<Item = usize> + '_ {
        self.equal().chain(self.lower()).chain(self.upper())
    }

    /// Whether it uses a constraint of which `test` is true.
    #[inline]
    pub fn uses(&self, mut test: impl FnMut(usize) -> bool) -> bool {
        self.equal().any(&mut test)
            || self.lower().is_some_and(&mut test)
            || self.upper().is_some_and(&mut test)
    }

    /// Whether it visits a part only.
    pub fn seeks(&self) -> bool {
        self.equal_count() > 0 || self.lower.is_some() || self.upper.is_some()
    }
}

/// Eighteen rows of each value.
const ANY_ROWS_MIN: i16 = 42;

/// What the candidates of one table are made from.
pub(super) struct TableSearch<'s, 't> {
    /// The item.
    pub item: usize,
    /// Its table.
    pub table: TableId,
    /// Items that must come before in any case.
    pub before: Items,
    /// The trees.
    pub trees: &'s [Tree<'t>],
    /// The constraints on the item.
    pub constraints: &'s [Constraint],
    /// The guessed size of the table's rows.
    pub row_size: LogEst,
    /// Rows of the table.
    pub rows: LogEst,
    /// Which trees may help to avoid a sort.
    pub wanted: u64,
    /// INDEXED BY.
    pub forced: bool,
    /// A hash table may stand in for an index.
    pub hash: bool,
}

/// A tree path as it grows, key by key.
pub(super) struct Growth {
    pub(super) path: TreePath,
    needs: Items,
    pub(super) out: LogEst,
    /// Repetitions by IN, and by the values of keys that may have any.
    repeats: LogEst,
    /// The latter alone, and by how much they are thought to be more than they are.
    any: LogEst,
    one_row: bool,
    /// The values of the keys so far, as long as all of them stand in the statement and the tree has samples.
    pub(super) known: Vec<Value>,
}

/// What a path's next key changes beside the path itself; kept while the search looks behind that key.
#[derive(Clone, Copy)]
struct Grown {
    needs: Items,
    out: LogEst,
    repeats: LogEst,
    any: LogEst,
    one_row: bool,
    known: usize,
}

impl Growth {
    /// All of a tree.
    #[inline]
    fn of(search: &TableSearch<'_, '_>, number: usize, tree: &Tree<'_>) -> Growth {
        Growth {
            path: TreePath::whole(number),
            needs: search.before,
            out: tree.rows[0],
            repeats: LogEst::ONE,
            any: LogEst::ONE,
            one_row: false,
            known: Vec::new(),
        }
    }

    #[inline]
    fn grown(&self) -> Grown {
        Grown {
            needs: self.needs,
            out: self.out,
            repeats: self.repeats,
            any: self.any,
            one_row: self.one_row,
            known: self.known.len(),
        }
    }

    /// Takes back all but the path.
    #[inline]
    fn shrink(&mut self, to: Grown) {
        self.needs = to.needs;
        self.out = to.out;
        self.repeats = to.repeats;
        self.any = to.any;
        self.one_row = to.one_row;
        self.known.truncate(to.known);
    }
}

impl<'p, 'q> Planner<'p, 'q> {
    /// The candidates of a table of the schema.
    pub(super) fn table_candidates(
        &self,
        search: &TableSearch<'_, '_>,
        uses: &[TermUse],
        out: &mut Candidates,
    ) {
        if search.hash {
            self.hash_candidates(search, out);
        }
        for (number, tree) in search.trees.iter().enumerate() {
            self.scan_candidate(search, number, tree, uses, out);
            let mut growth = Growth::of(search, number, tree);
            self.grow(search, tree, &mut growth, uses, out);
        }
    }

    /// A look at all rows, when there is a reason for one through this tree.
    fn scan_candidate(
        &self,
        search: &TableSearch<'_, '_>,
        number: usize,
        tree: &Tree<'_>,
        uses: &[TermUse],
        out: &mut Candidates,
    ) {
        let rows = tree.rows[0];
        let wanted = search.wanted >> number.min(63) & 1 != 0;
        let mut candidate = Candidate {
            item: search.item as u32,
            needs: search.before,
            path: Path::Tree(TreePath::whole(number)),
            setup: LogEst::ONE,
            run: rows.plus(16),
            out: rows,
            one_row: false,
        };
        if tree.index.is_some() || !tree.is_rowid() {
            let smaller = tree.covering && tree.entry_size < search.row_size;
            let own = tree.index.is_none();
            if !(wanted || own || smaller || search.forced || !tree.filter.is_empty()) {
                return;
            }
            candidate.run = rows.plus(1 + 15 * tree.entry_size.0 / search.row_size.0.max(1));
            if tree.looks_up() {
                candidate.run = candidate.run.sum(rows.plus(16));
            }
        }
        self.reduce(&mut candidate, search, rows, uses);
        insert(out, candidate);
    }

    /// Uses one more key of a tree, in every way that a constraint allows.
    fn grow(
        &self,
        search: &TableSearch<'_, '_>,
        tree: &Tree<'_>,
        growth: &mut Growth,
        uses: &[TermUse],
        out: &mut Candidates,
    ) {
        let place = growth.path.equal_count();
        let Some(key) = tree.keys.get(place) else { return };
        for (number, constraint) in search.constraints.iter().enumerate() {
            let fits = self.serves(search.table, constraint, key)
                && !(constraint.op == ConstraintOp::Null && key.not_null)
                && !growth.path.equal().any(|own| own == number);
            if !fits {
                continue;
            }
            match constraint.op {
                ConstraintOp::Above { .. } | ConstraintOp::Below { .. } => {
                    self.range(search, tree, growth, number, uses, out);
                }
                _ => self.equality(search, tree, growth, number, uses, out),
            }
        }
        // From what ANALYZE counted: a key has so many rows of each value that it is worth going from value to value.
        let repeated = tree.index.is_some()
            && tree.counted
            && place + 1 < tree.keys.len()
            && place == growth.path.any_count()
            && tree.rows[place + 1].0 >= ANY_ROWS_MIN;
        if repeated {
            self.any_value(search, tree, growth, uses, out);
        }
    }

    /// Lets the next key take any value: each is visited in turn, with what comes behind it.
    #[inline(never)]
    fn any_value(
        &self,
        search: &TableSearch<'_, '_>,
        tree: &Tree<'_>,
        growth: &mut Growth,
        uses: &[TermUse],
        out: &mut Candidates,
    ) {
        let place = growth.path.equal_count();
        let values = tree.rows[place].0 - tree.rows[place + 1].0;
        let before = growth.grown();
        growth.path.push_any();
        growth.out = growth.out.plus(-values);
        // The estimate is a weak one, so that it has to be clearly better than others.
        growth.repeats = before.repeats.times(LogEst(values + 5));
        // Where values of the key and of the one behind it go together, not every pair occurs.
        growth.any = before.any.times(LogEst(values / 2 + 5));
        self.grow(search, tree, growth, uses, out);
        growth.path.pop_equal();
        growth.shrink(before);
    }

    /// An equality on the next key, and what can come behind it.
    #[inline(never)]
    fn equality(
        &self,
        search: &TableSearch<'_, '_>,
        tree: &Tree<'_>,
        growth: &mut Growth,
        number: usize,
        uses: &[TermUse],
        out: &mut Candidates,
    ) {
        let constraint = &search.constraints[number];
        let place = growth.path.equal_count();
        let repeats = self.repeats(constraint);
        if let (Some(repeats), true) = (repeats, tree.counted && tree.rows[0].log().0 >= 10) {
            // IN by look-ups has to beat a scan of what the keys before leave.
            let scanned = tree.rows[place].0 + repeats.log().0 + 10;
            if scanned < repeats.0 + tree.rows[0].log().0 {
                return;
            }
        }
        let before = growth.grown();
        growth.path.push_equal(number);
        growth.needs |= constraint.needs;
        let sampled = match tree.samples() {
            Some(samples) if before.repeats == LogEst::ONE => {
                self.sampled_rows(samples, tree, constraint, growth)
            }
            _ => None,
        };
        match sampled {
            Some(rows) => {
                let each = repeats.map_or(0, |repeats| repeats.0);
                growth.out = LogEst(LogEst::of(rows).0.min(before.out.0) - each);
            }
            None => {
                growth.out = before.out.plus(tree.rows[place + 1].0 - tree.rows[place].0);
                if constraint.op == ConstraintOp::Null {
                    growth.out = growth.out.plus(10);
                }
            }
        }
        let last = place + 1 == tree.keys.len();
        growth.one_row = last
            && repeats.is_none()
            && before.repeats == LogEst::ONE
            && match constraint.op {
                ConstraintOp::Equal => tree.unique && (place == 0 || tree.unique_not_null),
                ConstraintOp::Is => tree.unique_not_null,
                _ => false,
            };
        growth.repeats = before.repeats.times(repeats.unwrap_or(LogEst::ONE));
        self.offer(search, tree, growth, uses, out);
        if !last {
            self.grow(search, tree, growth, uses, out);
        }
        growth.path.pop_equal();
        growth.shrink(before);
    }

    /// A bound on the key after the equalities; a lower one also together with each upper one.
    #[inline(never)]
    fn range(
        &self,
        search: &TableSearch<'_, '_>,
        tree: &Tree<'_>,
        growth: &mut Growth,
        number: usize,
        uses: &[TermUse],
        out: &mut Candidates,
    ) {
        if growth.path.equal_count() > 0 && growth.path.any_count() == growth.path.equal_count() {
            // A range of each value leaves too much to be worth the searches.
            return;
        }
        let constraint = &search.constraints[number];
        let below = matches!(constraint.op, ConstraintOp::Below { .. });
        let ends = match below {
            true => (None, bound(number)),
            false => (bound(number), None),
        };
        if !self.is_half_of_pattern(constraint) {
            self.offer_between(search, tree, growth, (ends, constraint.needs), uses, out);
        }
        if below {
            return;
        }
        let Some(key) = tree.keys.get(growth.path.equal_count()) else {
            return;
        };
        for (upper, other) in search.constraints.iter().enumerate() {
            let pairs = matches!(other.op, ConstraintOp::Below { .. })
                && self.serves(search.table, other, key)
                && self.pattern_of(other) == self.pattern_of(constraint);
            if pairs {
                let ends = (ends.0, bound(upper));
                let needs = constraint.needs | other.needs;
                self.offer_between(search, tree, growth, (ends, needs), uses, out);
            }
        }
    }

    /// Offers what has grown so far with bounds on the next key, which need `needs`.
    fn offer_between(
        &self,
        search: &TableSearch<'_, '_>,
        tree: &Tree<'_>,
        growth: &mut Growth,
        (ends, needs): ((Bound, Bound), Items),
        uses: &[TermUse],
        out: &mut Candidates,
    ) {
        let before = growth.grown();
        growth.out = self.rows_between(search, tree, growth, ends);
        growth.needs |= needs;
        (growth.path.lower, growth.path.upper) = ends;
        self.offer(search, tree, growth, uses, out);
        (growth.path.lower, growth.path.upper) = (None, None);
        growth.shrink(before);
    }

    /// Offers what has grown so far as a candidate.
    #[inline(never)]
    fn offer(
        &self,
        search: &TableSearch<'_, '_>,
        tree: &Tree<'_>,
        growth: &Growth,
        uses: &[TermUse],
        out: &mut Candidates,
    ) {
        let visited = match tree.is_rowid() {
            true => growth.out.plus(16),
            false => growth
                .out
                .plus(1 + 15 * tree.entry_size.0 / search.row_size.0.max(1)),
        };
        let mut run = tree.rows[0].log().sum(visited);
        if tree.looks_up() {
            run = run.sum(growth.out.plus(16));
        }
        let mut candidate = Candidate {
            item: search.item as u32,
            needs: growth.needs,
            path: Path::Tree(growth.path.clone()),
            setup: LogEst::ONE,
            run: run.times(growth.repeats),
            out: growth.out.times(growth.repeats).plus(-growth.any.0),
            one_row: growth.one_row,
        };
        self.reduce(&mut candidate, search, tree.rows[0], uses);
        insert(out, candidate);
    }

    /// A hash table over the rows, for each equality with other items.
    fn hash_candidates(&self, search: &TableSearch<'_, '_>, out: &mut Candidates) {
        for constraint in search.constraints {
            let drives = matches!(constraint.op, ConstraintOp::Equal | ConstraintOp::Is)
                && constraint.needs != 0
                && constraint
                    .column
                    .is_some_and(|column| column.column.index().is_some());
            if !drives {
                continue;
            }
            let setup = search.rows.log().times(search.rows).plus(28);
            let mut candidate = Candidate {
                item: search.item as u32,
                needs: search.before | constraint.needs,
                path: Path::Hash,
                setup,
                run: search.rows.log().sum(LogEst(43)),
                out: LogEst(43),
                one_row: false,
            };
            candidate.out = candidate.out.min(search.rows);
            insert(out, candidate);
        }
    }

    /// Lowers the rows of a candidate by the terms that are checked on them beside its constraints.
    fn reduce(
        &self,
        candidate: &mut Candidate,
        search: &TableSearch<'_, '_>,
        rows: LogEst,
        uses: &[TermUse],
    ) {
        let own: Items = 1 << search.item;
        let allowed = candidate.needs | own;
        let mut cut = 0;
        for term in uses {
            if term.items & own == 0 || term.items & !allowed != 0 || term.derived {
                continue;
            }
            let used = match &candidate.path {
                Path::Tree(path) => {
                    path.uses(|number| self.parent(search.constraints[number].term) == term.term)
                }
                _ => false,
            };
            if used {
                continue;
            }
            candidate.out = LogEst((candidate.out.0 - 1).max(0));
            if let Some(equal) = self.term(term.term).as_match() {
                let common = matches!(equal.right.as_literal(), Some(Value::Integer(-1..=1)));
                cut = cut.max(if common { 10 } else { 20 });
            }
        }
        candidate.out = candidate.out.min(LogEst((rows.0 - cut).max(0)));
    }

    /// How often a constraint repeats the search: once for each value of IN.
    fn repeats(&self, constraint: &Constraint) -> Option<LogEst> {
        match constraint.op {
            ConstraintOp::Query => Some(LogEst(46)),
            ConstraintOp::List => match side_of(self.term(constraint.term), Side::Set) {
                Scalar::InList { list, .. } => Some(LogEst::of(list.len() as u64)),
                _ => Some(LogEst::ONE),
            },
            _ => None,
        }
    }
}

/// Rows that `bounds` bounds leave: a quarter by one, and by both together a sixty-fourth.
pub(super) fn range_rows(rows: LogEst, bounds: i16) -> LogEst {
    let left = if bounds == 2 { rows.0 - 60 } else { rows.0 - 20 };
    LogEst(left.max(10).min(rows.0 - bounds).max(0))
}

/// Adds a candidate unless one that is there already is as good in every way; takes out those that it beats in every way.
#[inline(never)]
fn insert(list: &mut Candidates, new: Candidate) {
    let beats = |a: &Candidate, b: &Candidate| {
        a.needs & !b.needs == 0
            && a.setup <= b.setup
            && a.run <= b.run
            && a.out <= b.out
            && (a.one_row || !b.one_row)
            && a.keeps_order_of(b)
    };
    // Those of one item stand together, the item that is being looked at last.
    let mut worse = false;
    for old in list.iter().rev().take_while(|old| old.item == new.item) {
        if beats(old, &new) {
            return;
        }
        worse |= beats(&new, old);
    }
    if worse {
        list.retain(|old| old.item != new.item || !beats(&new, old));
    }
    list.push(new);
}

impl Candidate {
    /// Whether nothing that the order of `other` gives is lost by taking this one.
    fn keeps_order_of(&self, other: &Candidate) -> bool {
        match (&self.path, &other.path) {
            (Path::Tree(own), Path::Tree(theirs)) => {
                self.one_row || own.tree == theirs.tree && own.equal_count() >= theirs.equal_count()
            }
            (_, Path::Tree(_)) => false,
            _ => true,
        }
    }
}
