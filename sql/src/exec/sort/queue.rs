//! A queue that gives the row with the least key first; of equal keys the one that came first.

use std::cmp::Ordering;

use super::key::KeyEncoder;
use crate::exec::kernel::Values;
use crate::plan::physical::SortKey;

/// A binary heap of places by encoded keys.
pub(crate) struct PriorityQueue {
    encoder: KeyEncoder,
    /// Each entry's key is at or before those of the entries at twice its place plus one and two.
    heap: Vec<Waiting>,
    arrivals: u64,
}

struct Waiting {
    key: Vec<u8>,
    arrival: u64,
    place: u32,
}

impl PriorityQueue {
    pub(crate) fn new(keys: &[SortKey]) -> PriorityQueue {
        PriorityQueue {
            encoder: KeyEncoder::new(keys),
            heap: Vec::new(),
            arrivals: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.heap.clear();
        self.arrivals = 0;
    }

    /// Adds a place whose key is row `n` of `values`.
    pub(crate) fn push(&mut self, values: &[Values<'_>], n: usize, place: u32) {
        let mut key = Vec::new();
        self.encoder.encode(values, n, &mut key);
        self.heap.push(Waiting {
            key,
            arrival: self.arrivals,
            place,
        });
        self.arrivals += 1;
        let mut at = self.heap.len() - 1;
        while at > 0 && self.is_before(at, (at - 1) / 2) {
            self.heap.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    /// Takes the place with the least key.
    pub(crate) fn pop(&mut self) -> Option<u32> {
        if self.heap.is_empty() {
            return None;
        }
        let first = self.heap.swap_remove(0);
        let mut at = 0;
        loop {
            let children = [2 * at + 1, 2 * at + 2]
                .into_iter()
                .filter(|child| *child < self.heap.len());
            let least = children.reduce(|a, b| if self.is_before(b, a) { b } else { a });
            match least {
                Some(child) if self.is_before(child, at) => {
                    self.heap.swap(child, at);
                    at = child;
                }
                _ => return Some(first.place),
            }
        }
    }

    fn is_before(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.heap[a], &self.heap[b]);
        self.encoder
            .compare(&a.key, &b.key)
            .then(a.arrival.cmp(&b.arrival))
            == Ordering::Less
    }
}
