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

/// A sequence of candidates.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    /// The candidates by number, first to last.
    pub steps: SmallVec<[usize; 4]>,
    /// The items so far.
    pub items: Items,
    /// Rows so far.
    pub rows: LogEst,
    /// The cost, the sort that is left included.
    pub cost: LogEst,
    /// The cost without the sort.
    pub unsorted: LogEst,
    /// What is known about the order.
    pub order: Progress,
}

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
    let start = Sequence {
        steps: SmallVec::new(),
        items: 0,
        rows: LogEst::ONE,
        cost: LogEst::ONE,
        unsorted: LogEst::ONE,
        order: question.order.start(),
    };
    let mut from = vec![start];
    for round in 0..question.items {
        let mut to: Vec<Sequence> = Vec::with_capacity(kept);
        for sequence in &from {
            for (number, candidate) in question.candidates.iter().enumerate() {
                if let Some(next) = extend(question, sequence, number, candidate, wanted, sorted_rows) {
                    keep(&mut to, next, kept, round + 1 == question.items);
                }
            }
        }
        from = to;
    }
    from.into_iter()
        .min_by_key(|sequence| (sequence.cost, sequence.rows, sequence.unsorted))
}

/// A sequence with one more step, where that is possible.
fn extend(
    question: &Question<'_, '_>,
    sequence: &Sequence,
    number: usize,
    candidate: &Candidate,
    wanted: usize,
    sorted_rows: LogEst,
) -> Option<Sequence> {
    let own: Items = 1 << candidate.item;
    if candidate.needs & !sequence.items != 0 || sequence.items & own != 0 {
        return None;
    }
    // A hash table that is asked once is never worth it.
    if matches!(candidate.path, Path::Hash) && sequence.rows.0 < 3 {
        return None;
    }
    let mut run = candidate.run.times(sequence.rows);
    if candidate.setup > LogEst::ONE {
        run = run.sum(candidate.setup);
    }
    let mut unsorted = if sequence.steps.is_empty() {
        run
    } else {
        run.sum(sequence.unsorted)
    };
    let mut steps = sequence.steps.clone();
    steps.push(number);
    let order = match &sequence.order {
        Progress::Open(state) if wanted > 0 => question.order.step(state, candidate),
        known => known.clone(),
    };
    let last = steps.len() == question.items;
    let cost = match &order {
        Progress::Closed(state) if state.held < wanted => unsorted
            .sum(sorting_cost(question, sorted_rows, wanted, state.held))
            .plus(3),
        Progress::Open(state) if last && state.held < wanted => unsorted
            .sum(sorting_cost(question, sorted_rows, wanted, state.held))
            .plus(3),
        _ => {
            let cost = unsorted;
            unsorted = unsorted.plus(-2);
            cost
        }
    };
    Some(Sequence {
        steps,
        items: sequence.items | own,
        rows: sequence.rows.times(candidate.out),
        cost,
        unsorted,
        order,
    })
}

/// Puts a sequence among the kept ones, in place of a worse one over the same items, or of the worst.
fn keep(to: &mut Vec<Sequence>, next: Sequence, most: usize, last: bool) {
    let rank = |sequence: &Sequence| (sequence.cost, sequence.rows, sequence.unsorted);
    let open = |sequence: &Sequence| matches!(sequence.order, Progress::Open(_));
    let twin = to
        .iter_mut()
        .find(|old| old.items == next.items && (last || open(old) == open(&next)));
    if let Some(old) = twin {
        if rank(&next) < rank(old) {
            *old = next;
        }
        return;
    }
    if to.len() < most {
        to.push(next);
        return;
    }
    let worst = to.iter_mut().max_by_key(|old| (old.cost, old.unsorted));
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
