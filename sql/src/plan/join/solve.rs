//! The order of the join: the cheapest sequence of candidates, one for each item.
//!
//! The search goes item by item and keeps the best few partial sequences of each round, as SQLite's solver does. A sequence whose
//! rows come out in the wanted order saves the sort; and when only the first rows are wanted, it ends before all are made.

use smallvec::SmallVec;

use super::cost::{self, LogEst};
use super::order::{OrderCheck, Progress};
use super::path::{Candidate, Path};
use super::region::Items;

/// How many partial sequences are kept in each round.
const KEPT_FOR_TWO: usize = 5;
const KEPT: usize = 18;

/// By how much more rows than are wanted a sequence is thought to make before it ends: estimates of what terms leave are weak, and rows
/// that few leave come late.
pub(super) const BEFORE_END: i32 = 33;

/// For more rows than this, four, no search goes from value to value of a key that may have any: it costs many searches each time, and where
/// rows are more than estimated, much more than a hash table does.
const ROWS_FOR_ANY: i32 = 20;

/// By how much the estimate of a sequence may differ with the way in which its parts were added up.
pub(super) const SLACK: i32 = 20;

/// The chosen candidates.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    /// The candidates by number, first to last.
    pub steps: SmallVec<[usize; 4]>,
    /// Rows in the end.
    pub rows: LogEst,
    /// What is known about the order.
    pub order: Progress,
}

/// A sequence as the search has it: its last step and where the steps before are. Small, since many are made and few are kept.
///
/// Estimates are kept wide here: sums over all items need no care for overflow then.
#[derive(Clone, Copy, Debug)]
struct Partial {
    /// The last candidate by number.
    candidate: u32,
    /// The place of the sequence without it.
    before: u32,
    /// The items so far.
    items: Items,
    /// Rows so far.
    rows: i32,
    /// The cost, the sort that is left included.
    cost: i32,
    /// The cost without the sort.
    unsorted: i32,
    /// What of it is done before the first row.
    setup: i32,
    /// What is known about the order.
    order: Progress,
}

/// What the search reads of a candidate, side by side with the others'.
#[derive(Clone, Copy)]
struct Choice {
    needs: Items,
    setup: i32,
    run: i32,
    out: i32,
    hash: bool,
    /// It goes from value to value of a key, for each row before it.
    any: bool,
}

/// All candidates, and which of them are each item's.
struct Choices {
    all: SmallVec<[Choice; 16]>,
    /// An item, and the number after its last candidate; those of one item stand together.
    groups: SmallVec<[(Items, usize); 8]>,
}

/// All sequences that were kept, round by round.
type Kept = SmallVec<[Partial; 24]>;

/// What the solver is asked.
pub(super) struct Question<'s, 't> {
    /// All candidates.
    pub candidates: &'s [Candidate],
    /// How many items there are.
    pub items: usize,
    /// The order that is wanted.
    pub order: &'s OrderCheck<'s, 't>,
    /// At most so many rows are wanted.
    pub limit: Option<LogEst>,
    /// How many columns a sort would carry.
    pub width: usize,
    /// No sequence is taken for the sake of the order.
    pub free: bool,
}

impl Question<'_, '_> {
    /// How many rows a join makes that has the wanted order and ends when it has made enough of them.
    fn early_rows(&self) -> Option<i32> {
        let limit = self.limit.filter(|_| self.items > 1)?;
        Some(i32::from(limit.0) + BEFORE_END)
    }
}

/// The cheapest sequence; `None` when the candidates' needs contradict each other.
pub(super) fn solve(question: &Question<'_, '_>) -> Option<Sequence> {
    let mut choices = Choices {
        all: SmallVec::new(),
        groups: SmallVec::new(),
    };
    choices.fill(question.candidates);
    let bound = greedy(question.items, &choices);
    let (first, unsorted) = match only(question, &choices, bound) {
        Some(only) => {
            debug_assert!(is_best(question, &choices, bound, &only));
            only
        }
        None => cheapest(question, &choices, &[], bound)?,
    };
    if question.order.len() == 0 {
        return Some(first);
    }
    // No sequence costs less than the cheapest one, if that one needs no sort.
    let order = question.order.along(&first.steps, question.candidates);
    let ends_early = question
        .early_rows()
        .is_some_and(|early| early < i32::from(first.rows.0));
    if question.free || order.state().held == question.order.len() && !ends_early {
        return Some(Sequence { order, ..first });
    }
    // How many rows there are to sort is known from the first round, and what the answer costs at most: that sequence, sorted.
    let wanted = question.order.len();
    let mut sorts: SmallVec<[i32; 4]> = SmallVec::new();
    for held in 0..wanted {
        sorts.push(i32::from(sorting_cost(question, first.rows, wanted, held).0));
    }
    let dearest = sorts.iter().copied().max().unwrap_or(0);
    let most = cost::sum(unsorted, dearest) + SLACK;
    Some(cheapest(question, &choices, &sorts, most)?.0)
}

/// The cheapest sequence under a bound; under none when the search had let go of what the bound comes from.
fn cheapest(
    question: &Question<'_, '_>,
    choices: &Choices,
    sorts: &[i32],
    bound: i32,
) -> Option<(Sequence, i32)> {
    best(question, choices, sorts, bound).or_else(|| best(question, choices, sorts, i32::MAX))
}

/// The sequence under a bound, and its cost, where there is no other: each step leaves one choice. So it is where all tables but the first are
/// looked up by unique keys, and reading any of them whole costs more than the answer. What `best` would find, without a search.
fn only(question: &Question<'_, '_>, choices: &Choices, bound: i32) -> Option<(Sequence, i32)> {
    let (mut items, mut rows, mut total) = (0, 0, 0);
    let mut steps = SmallVec::new();
    for round in 0..question.items {
        let mut one = None;
        let mut end = 0;
        for &(own, after) in &choices.groups {
            let start = std::mem::replace(&mut end, after);
            if own & items != 0 {
                continue;
            }
            for (place, choice) in choices.all[start..after].iter().enumerate() {
                if choice.is_within(items, rows, bound) {
                    if one.is_some() {
                        return None;
                    }
                    one = Some((start + place, own, choice));
                }
            }
        }
        let (number, own, choice) = one?;
        total = choice.unsorted_cost(rows, (round > 0).then_some(total)) - 2;
        if total > bound {
            return None;
        }
        (items, rows) = (items | own, rows + choice.out);
        steps.push(number);
    }
    let sequence = Sequence {
        steps,
        rows: LogEst(rows.min(i32::from(i16::MAX)) as i16),
        order: question.order.start(),
    };
    Some((sequence, total))
}

/// Whether the search finds that sequence too, at that cost.
fn is_best(question: &Question<'_, '_>, choices: &Choices, bound: i32, found: &(Sequence, i32)) -> bool {
    best(question, choices, &[], bound).is_some_and(|(best, cost)| {
        best.steps == found.0.steps && best.rows == found.0.rows && cost == found.1
    })
}

/// What the sequence costs that takes the cheapest step each time: no less than the cheapest sequence does.
fn greedy(items: usize, choices: &Choices) -> i32 {
    let (mut taken, mut rows, mut total) = (0, 0, 0);
    for _ in 0..items {
        let mut cheapest: Option<(i32, Items, i32)> = None;
        let mut end = 0;
        for &(own, after) in &choices.groups {
            let start = std::mem::replace(&mut end, after);
            if own & taken != 0 {
                continue;
            }
            for choice in &choices.all[start..after] {
                if choice.needs & !taken != 0 || choice.setup > 0 {
                    continue;
                }
                if cheapest.is_none_or(|(run, ..)| choice.run < run) {
                    cheapest = Some((choice.run, own, choice.out));
                }
            }
        }
        let Some((run, own, out)) = cheapest else {
            return i32::MAX;
        };
        total = if taken == 0 {
            run
        } else {
            cost::sum(run + rows, total)
        };
        taken |= own;
        rows += out;
    }
    total + SLACK
}

impl Choices {
    fn fill(&mut self, candidates: &[Candidate]) {
        for candidate in candidates {
            self.all.push(Choice::of(candidate));
            let (own, end) = (1 << candidate.item, self.all.len());
            match self.groups.last_mut() {
                Some(group) if group.0 == own => group.1 = end,
                _ => self.groups.push((own, end)),
            }
        }
    }
}

impl Choice {
    #[inline]
    fn of(candidate: &Candidate) -> Choice {
        Choice {
            needs: candidate.needs,
            setup: i32::from(candidate.setup.0),
            run: i32::from(candidate.run.0),
            out: i32::from(candidate.out.0),
            hash: matches!(candidate.path, Path::Hash),
            any: candidate.needs != 0 && matches!(&candidate.path, Path::Tree(path) if path.any_count() > 0),
        }
    }

    /// Whether it may be the step after `items`, which have so many rows, and does not cost more than `most` at a glance. A hash table that
    /// is asked once is never worth it.
    #[inline]
    fn is_within(&self, items: Items, rows: i32, most: i32) -> bool {
        self.needs & !items == 0
            && self.run + rows <= most
            && !(self.hash && rows < 3)
            && !(self.any && rows > ROWS_FOR_ANY)
    }

    /// The cost of a sequence with this step, where those before it have so many rows and cost `before`.
    #[inline]
    fn unsorted_cost(&self, rows: i32, before: Option<i32>) -> i32 {
        let mut total = self.run + rows;
        if self.setup > 0 {
            total = cost::sum(total, self.setup);
        }
        match before {
            Some(before) => cost::sum(total, before),
            None => total,
        }
    }
}

/// The cheapest sequence and its cost without the sort, where `sorts` says what a sort costs by how many of the wanted terms hold
/// already; it is empty when no order is wanted. Sequences that cost over `bound` are not looked at.
fn best(
    question: &Question<'_, '_>,
    choices: &Choices,
    sorts: &[i32],
    bound: i32,
) -> Option<(Sequence, i32)> {
    let kept = match question.items {
        0 | 1 => 1,
        2 => KEPT_FOR_TWO,
        _ => KEPT,
    };
    let mut all: Kept = SmallVec::new();
    all.push(Partial {
        candidate: 0,
        before: 0,
        items: 0,
        rows: 0,
        cost: 0,
        unsorted: 0,
        setup: 0,
        order: question.order.start(),
    });
    let early = question.early_rows().filter(|_| !sorts.is_empty());
    let mut from = 0..1;
    for round in 0..question.items {
        let first = all.len();
        let last = round + 1 == question.items;
        // In the last round one sequence is kept, and what costs more than it at a glance is not looked at.
        let mut most = bound;
        for place in from {
            let sequence = all[place];
            if sequence.unsorted > most {
                continue;
            }
            let mut end = 0;
            for &(own, after) in &choices.groups {
                let start = std::mem::replace(&mut end, after);
                if own & sequence.items != 0 {
                    continue;
                }
                for (place_in_group, choice) in choices.all[start..after].iter().enumerate() {
                    if !choice.is_within(sequence.items, sequence.rows, most) {
                        continue;
                    }
                    let number = start + place_in_group;
                    let order = match &sequence.order {
                        Progress::Open(state) if !sorts.is_empty() => {
                            question.order.step(state, &question.candidates[number])
                        }
                        known => *known,
                    };
                    let mut next = extend(&sequence, choice, order, sorts, round == 0, last);
                    next.items |= own;
                    (next.candidate, next.before) = (number as u32, place as u32);
                    if let Some(early) = early.filter(|_| last) {
                        next.end_early(early, question.order.len());
                    }
                    keep(&mut all, first, next, kept, last);
                    if last && early.is_none() {
                        most = most.min(all[first].cost);
                    }
                }
            }
        }
        from = first..all.len();
    }
    let best = from.min_by_key(|&place| all[place].rank())?;
    let mut steps = SmallVec::new();
    let mut place = best;
    while place != 0 {
        steps.push(all[place].candidate as usize);
        place = all[place].before as usize;
    }
    steps.reverse();
    let sequence = Sequence {
        steps,
        rows: LogEst(all[best].rows.min(i32::from(i16::MAX)) as i16),
        order: all[best].order,
    };
    Some((sequence, all[best].unsorted))
}

/// A sequence with one more step.
#[inline]
fn extend(
    sequence: &Partial,
    choice: &Choice,
    order: Progress,
    sorts: &[i32],
    first: bool,
    last: bool,
) -> Partial {
    let mut unsorted = choice.unsorted_cost(sequence.rows, (!first).then_some(sequence.unsorted));
    let sort = match &order {
        Progress::Closed(state) => sorts.get(state.held),
        Progress::Open(state) if last => sorts.get(state.held),
        Progress::Open(_) => None,
    };
    let cost = match sort {
        Some(&sort) => cost::sum(unsorted, sort) + 3,
        None => {
            unsorted -= 2;
            unsorted + 2
        }
    };
    Partial {
        candidate: 0,
        before: 0,
        items: sequence.items,
        rows: sequence.rows + choice.out,
        cost,
        unsorted,
        setup: match (sequence.setup, choice.setup) {
            (0, setup) | (setup, 0) => setup,
            (before, setup) => cost::sum(before, setup),
        },
        order,
    }
}

impl Partial {
    /// Lowers the cost of a whole sequence that has all terms of the wanted order, and so ends after `early` rows. What hash tables cost stays.
    fn end_early(&mut self, early: i32, wanted: usize) {
        let spared = self.rows - early;
        if spared <= 0 || self.order.state().held < wanted {
            return;
        }
        self.cost = (self.cost - spared).max(0);
        if self.setup > 0 {
            self.cost = cost::sum(self.cost, self.setup);
        }
    }

    /// Cost, then rows, then the cost without the sort, as one number: none of them comes near 2^20.
    #[inline]
    fn rank(&self) -> i64 {
        (i64::from(self.cost) << 42) + (i64::from(self.rows) << 21) + i64::from(self.unsorted)
    }

    #[inline]
    fn is_open(&self) -> bool {
        matches!(self.order, Progress::Open(_))
    }
}

/// Puts a sequence among those of its round, which begin at `first`: in place of a worse one over the same items, or of the worst.
#[inline]
fn keep(all: &mut Kept, first: usize, next: Partial, most: usize, last: bool) {
    let round = &mut all[first..];
    let twin = round
        .iter_mut()
        .find(|old| old.items == next.items && (last || old.is_open() == next.is_open()));
    if let Some(old) = twin {
        if next.rank() < old.rank() {
            *old = next;
        }
        return;
    }
    if round.len() < most {
        all.push(next);
        return;
    }
    let worst = round.iter_mut().max_by_key(|old| (old.cost, old.unsorted));
    if let Some(worst) = worst
        && (next.cost, next.unsorted) < (worst.cost, worst.unsorted)
    {
        *worst = next;
    }
}

/// The cost of bringing `rows` rows into an order of which the first `sorted` of `wanted` terms hold already.
fn sorting_cost(question: &Question<'_, '_>, rows: LogEst, wanted: usize, sorted: usize) -> LogEst {
    let mut cost = rows.times(LogEst::of(((question.width + 59) / 30) as u64));
    if sorted > 0 {
        let left = (wanted - sorted) * 100 / wanted;
        cost = cost.plus(LogEst::of(left as u64).0 - 66);
    }
    let mut kept = rows;
    if let Some(limit) = question.limit {
        cost = cost.plus(if sorted > 0 { 16 } else { 10 });
        kept = kept.min(limit);
    }
    cost.times(kept.log())
}
