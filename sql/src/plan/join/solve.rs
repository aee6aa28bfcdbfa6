//! The order of the join: the cheapest sequence of candidates, one for each item.
//!
//! The search goes item by item and keeps the best few partial sequences of each round, as SQLite's solver does. A sequence whose
//! rows come out in the wanted order saves the sort.

use smallvec::SmallVec;

use super::cost::LogEst;
use super::order::{OrderCheck, Progress};
use super::path::{Candidate, Path};
use super::region::Items;

/// How many partial sequences are kept in each round.
const KEPT_FOR_TWO: usize = 5;
const KEPT: usize = 18;

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
#[derive(Clone, Copy, Debug)]
struct Partial {
    /// The last candidate by number.
    candidate: usize,
    /// The place of the sequence without it.
    before: usize,
    /// The items so far.
    items: Items,
    /// Rows so far.
    rows: LogEst,
    /// The cost, the sort that is left included.
    cost: LogEst,
    /// The cost without the sort.
    unsorted: LogEst,
    /// What is known about the order.
    order: Progress,
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
}

/// The cheapest sequence; `None` when the candidates' needs contradict each other.
pub(super) fn solve(question: &Question<'_, '_>) -> Option<Sequence> {
    let wanted = question.order.len();
    let first = best(question, 0, LogEst::ONE)?;
    match wanted {
        0 => Some(first),
        // How many rows there are to sort is known from the first round.
        _ => best(question, wanted, first.rows),
    }
}

fn best(question: &Question<'_, '_>, wanted: usize, sorted_rows: LogEst) -> Option<Sequence> {
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
        rows: LogEst::ONE,
        cost: LogEst::ONE,
        unsorted: LogEst::ONE,
        order: question.order.start(),
    });
    let mut from = 0..1;
    for round in 0..question.items {
        let first = all.len();
        for place in from {
            let sequence = all[place];
            for (number, candidate) in question.candidates.iter().enumerate() {
                let own: Items = 1 << candidate.item;
                if candidate.needs & !sequence.items != 0 || sequence.items & own != 0 {
                    continue;
                }
                // A hash table that is asked once is never worth it.
                if matches!(candidate.path, Path::Hash) && sequence.rows.0 < 3 {
                    continue;
                }
                let last = round + 1 == question.items;
                let mut next = extend(
                    question,
                    &sequence,
                    candidate,
                    round == 0,
                    last,
                    wanted,
                    sorted_rows,
                );
                (next.candidate, next.before) = (number, place);
                keep(&mut all, first, next, kept, last);
            }
        }
        from = first..all.len();
    }
    let best = from.min_by_key(|&place| (all[place].cost, all[place].rows, all[place].unsorted))?;
    let mut steps = SmallVec::new();
    let mut place = best;
    while place != 0 {
        steps.push(all[place].candidate);
        place = all[place].before;
    }
    steps.reverse();
    Some(Sequence {
        steps,
        rows: all[best].rows,
        order: all[best].order,
    })
}

/// A sequence with one more step.
#[inline]
fn extend(
    question: &Question<'_, '_>,
    sequence: &Partial,
    candidate: &Candidate,
    first: bool,
    last: bool,
    wanted: usize,
    sorted_rows: LogEst,
) -> Partial {
    let mut run = candidate.run.times(sequence.rows);
    if candidate.setup > LogEst::ONE {
        run = run.sum(candidate.setup);
    }
    let mut unsorted = if first { run } else { run.sum(sequence.unsorted) };
    let order = match &sequence.order {
        Progress::Open(state) if wanted > 0 => question.order.step(state, candidate),
        known => *known,
    };
    let sort = move |held| {
        unsorted
            .sum(sorting_cost(question, sorted_rows, wanted, held))
            .plus(3)
    };
    let cost = match &order {
        Progress::Closed(state) if state.held < wanted => sort(state.held),
        Progress::Open(state) if last && state.held < wanted => sort(state.held),
        _ => {
            let cost = unsorted;
            unsorted = unsorted.plus(-2);
            cost
        }
    };
    Partial {
        candidate: 0,
        before: 0,
        items: sequence.items | 1 << candidate.item,
        rows: sequence.rows.times(candidate.out),
        cost,
        unsorted,
        order,
    }
}

/// Puts a sequence among those of its round, which begin at `first`: in place of a worse one over the same items, or of the worst.
fn keep(all: &mut Kept, first: usize, next: Partial, most: usize, last: bool) {
    let rank = |sequence: &Partial| (sequence.cost, sequence.rows, sequence.unsorted);
    let open = |sequence: &Partial| matches!(sequence.order, Progress::Open(_));
    let round = &mut all[first..];
    let twin = round
        .iter_mut()
        .find(|old| old.items == next.items && (last || open(old) == open(&next)));
    if let Some(old) = twin {
        if rank(&next) < rank(old) {
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
