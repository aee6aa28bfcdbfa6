//! Which cells go to which page when neighbours share out what they have.

use std::mem;

use smallvec::SmallVec;

use crate::btree::edit::Span;

/// The part of a list of cells that goes to one page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Bytes that the cells take, with their pointers.
    pub(super) used: usize,
}

/// Cuts the cells into shares of at most `capacity` bytes, as few as possible and about equally full. With `carries_keys_up` the cell
/// between two shares belongs to neither: it becomes the divider.
///
/// Pages that grow (`leave_room`) and would be nearly full get one more: pages that are full again after a few cells would
/// be balanced over and over.
pub(super) fn distribute(
    spans: &[Span],
    capacity: usize,
    carries_keys_up: bool,
    leave_room: bool,
) -> SmallVec<[Share; 5]> {
    let between = usize::from(carries_keys_up);
    let mut shares = pack(spans, capacity, between);
    let used: usize = shares.iter().map(|share| share.used).sum();
    if leave_room && used * 100 > shares.len() * capacity * CROWDED_PERCENT {
        let room = used / (shares.len() + 1) + capacity / 16;
        shares = pack(spans, room.min(capacity), between);
    }
    for right in (1..shares.len()).rev() {
        even_out(&mut shares, right, spans, between);
    }
    shares
}

/// Neighbours that are fuller than this together get another page when they grow.
const CROWDED_PERCENT: usize = 90;

/// Fills one share after the other.
fn pack(spans: &[Span], capacity: usize, between: usize) -> SmallVec<[Share; 5]> {
    let mut shares: SmallVec<[Share; 5]> = SmallVec::new();
    let mut share = Share {
        from: 0,
        to: 0,
        used: 0,
    };
    for (index, span) in spans.iter().enumerate() {
        if share.used + span.cost() > capacity && share.to > share.from {
            share.to = index;
            let closed = mem::replace(
                &mut share,
                Share {
                    from: index + between,
                    to: index + between,
                    used: 0,
                },
            );
            shares.push(closed);
        }
        if index >= share.from {
            share.used += span.cost();
            share.to = index + 1;
        }
    }
    shares.push(share);
    shares
}

/// Moves cells from share `right - 1` to share `right` as long as that brings them closer.
fn even_out(shares: &mut [Share], right: usize, spans: &[Span], between: usize) {
    let (mut low, mut high) = (shares[right - 1], shares[right]);
    while low.to - low.from > 1 {
        let leaving = spans[low.to - 1].cost();
        let arriving = spans[high.from - 1].cost();
        if high.to > high.from && high.used + arriving > low.used - leaving {
            break;
        }
        low.to -= 1;
        low.used -= leaving;
        high.from -= 1;
        high.used += arriving;
        debug_assert_eq!(low.to + between, high.from);
    }
    (shares[right - 1], shares[right]) = (low, high);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(lens: &[usize]) -> Vec<Span> {
        lens.iter().map(|&len| Span { start: 0, len }).collect()
    }

    fn check(
        lens: &[usize],
        capacity: usize,
        carries_keys_up: bool,
        leave_room: bool,
    ) -> Vec<(usize, usize)> {
        let spans = spans(lens);
        let shares = distribute(&spans, capacity, carries_keys_up, leave_room);
        let mut next = 0;
        for (i, share) in shares.iter().enumerate() {
            assert_eq!(share.from, next, "share {i} of {lens:?}");
            assert!(share.to > share.from || lens.is_empty());
            let used: usize = spans[share.from..share.to].iter().map(Span::cost).sum();
            assert_eq!(used, share.used);
            assert!(used <= capacity);
            next = share.to + usize::from(carries_keys_up);
        }
        assert_eq!(shares.last().unwrap().to, lens.len());
        shares.iter().map(|share| (share.from, share.to)).collect()
    }

    #[test]
    fn shares_are_few_and_even() {
        assert_eq!(check(&[], 100, false, false), [(0, 0)]);
        assert_eq!(check(&[8; 10], 100, false, false), [(0, 10)]);
        assert_eq!(check(&[8; 11], 100, false, false), [(0, 6), (6, 11)]);
        assert_eq!(check(&[8; 11], 100, true, false), [(0, 5), (6, 11)]);
        assert_eq!(check(&[8; 12], 100, true, false), [(0, 6), (7, 12)]);
        assert_eq!(check(&[1; 1], 100, true, false), [(0, 1)]);
        assert_eq!(check(&[8; 10], 100, false, true), [(0, 5), (5, 10)]);
        assert_eq!(check(&[8; 27], 100, false, true), [(0, 10), (10, 19), (19, 27)]);
        assert_eq!(check(&[8; 28], 100, false, true).len(), 4);
    }

    #[test]
    fn random_cells_are_all_shared_out() {
        let mut random = crate::btree::model::Random::new(7);
        for _ in 0..2000 {
            let capacity = 468;
            let lens: Vec<usize> = (0..random.below(120)).map(|_| 1 + random.below(100)).collect();
            for (carries_keys_up, leave_room) in [(true, true), (true, false), (false, true), (false, false)]
            {
                check(&lens, capacity, carries_keys_up, leave_room);
            }
        }
    }
}
