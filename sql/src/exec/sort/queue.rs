//! A queue that gives the row with the least key first; of equal keys the one that came first.
//!
//! ```text
//!   rows ──▶ heap of keys beside a row store ── over the budget: all of it, sorted ──▶ run file ──▶ merge
//!                 └─ the least of the heap, or the next of the merge ──▶ out
//! ```

use std::cmp::Ordering;

use super::key::KeyEncoder;
use super::run::{Merge, RowWriter};
use crate::error::Result;
use crate::exec::Batch;
use crate::exec::kernel::Values;
use crate::exec::row_store::RowStore;
use crate::plan::physical::SortKey;

/// Rows by encoded keys.
pub(crate) struct PriorityQueue {
    encoder: KeyEncoder,
    width: usize,
    /// Rows in the heap, and some that have left it.
    rows: RowStore,
    /// Each entry's key is at or before those of the entries at twice its place plus one and two.
    heap: Vec<Waiting>,
    /// Bytes of the keys in the heap.
    key_bytes: usize,
    arrivals: u64,
    /// Rows that came before all those in the heap.
    runs: Merge,
}

struct Waiting {
    key: Vec<u8>,
    arrival: u64,
    place: u32,
}

impl PriorityQueue {
    /// A queue of rows of `width` columns. The keys' expressions are the caller's business.
    pub(crate) fn new(width: usize, keys: &[SortKey]) -> PriorityQueue {
        let encoder = KeyEncoder::new(keys);
        PriorityQueue {
            runs: Merge::empty(&encoder),
            encoder,
            width,
            rows: RowStore::new(width),
            heap: Vec::new(),
            key_bytes: 0,
            arrivals: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.heap.clear();
        self.key_bytes = 0;
        self.arrivals = 0;
        self.runs = Merge::empty(&self.encoder);
    }

    /// Adds the selected rows of `batch`, whose keys are `keys`; what takes more than `budget` bytes goes to a file.
    pub(crate) fn push(&mut self, batch: &Batch, keys: &[Values<'_>], budget: usize) -> Result<()> {
        let PriorityQueue {
            encoder,
            rows,
            heap,
            key_bytes,
            arrivals,
            ..
        } = self;
        let mut n = 0;
        rows.append(batch, |place| {
            let mut key = Vec::new();
            encoder.encode(keys, n, &mut key);
            n += 1;
            *key_bytes += key.len();
            heap.push(Waiting {
                key,
                arrival: *arrivals,
                place,
            });
            *arrivals += 1;
            let mut at = heap.len() - 1;
            while at > 0 && order(encoder, &heap[at], &heap[(at - 1) / 2]).is_lt() {
                heap.swap(at, (at - 1) / 2);
                at = (at - 1) / 2;
            }
        })?;
        if self.rows.memory() + self.key_bytes + self.heap.len() * size_of::<Waiting>() > budget {
            self.spill()?;
        }
        Ok(())
    }

    /// Writes the rows in the heap to a run.
    fn spill(&mut self) -> Result<()> {
        let mut heap = std::mem::take(&mut self.heap);
        heap.sort_unstable_by(|a, b| order(&self.encoder, a, b));
        let mut writer = RowWriter::new(&self.rows, self.width)?;
        heap.iter()
            .try_for_each(|waiting| writer.push(&waiting.key, waiting.place))?;
        let run = writer.run.finish()?;
        self.rows.clear();
        self.key_bytes = 0;
        self.runs.add(run)
    }

    /// Puts the row with the least key into `out`, which is empty; false when there is none.
    pub(crate) fn pop(&mut self, out: &mut Batch) -> Result<bool> {
        let from_runs = match (self.runs.next_key(), self.heap.first()) {
            (None, None) => return Ok(false),
            // Of equal keys those in the runs came first.
            (Some(key), Some(waiting)) => self.encoder.compare(key, &waiting.key).is_le(),
            (key, _) => key.is_some(),
        };
        if from_runs {
            self.runs.fill(out, 1)?;
            return Ok(true);
        }
        let first = self.heap.swap_remove(0);
        self.sift_down();
        self.key_bytes -= first.key.len();
        for (column, out) in out.columns.iter_mut().enumerate() {
            self.rows.gather(column, &[first.place], out);
        }
        out.set_len(1);
        Ok(true)
    }

    fn sift_down(&mut self) {
        let mut at = 0;
        loop {
            let is_before = |a: usize, b: usize| order(&self.encoder, &self.heap[a], &self.heap[b]).is_lt();
            let children = [2 * at + 1, 2 * at + 2]
                .into_iter()
                .filter(|child| *child < self.heap.len());
            let least = children.reduce(|a, b| if is_before(b, a) { b } else { a });
            match least {
                Some(child) if is_before(child, at) => {
                    self.heap.swap(child, at);
                    at = child;
                }
                _ => return,
            }
        }
    }
}

fn order(encoder: &KeyEncoder, a: &Waiting, b: &Waiting) -> Ordering {
    encoder.compare(&a.key, &b.key).then(a.arrival.cmp(&b.arrival))
}
