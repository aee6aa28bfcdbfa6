//! Rows kept for later: the build side of a join, the input of a sort, a common table.
//!
//! ```text
//!   place = chunk << 12 | row in chunk      chunk 0 [4096 rows]  chunk 1 [4096 rows]  chunk 2 [..]
//! ```
//!
//! A chunk is full at 4096 rows, or earlier when its texts are long; then places are skipped, so places ascend with the
//! rows but do not count them.

use smallvec::SmallVec;

use super::kernel::{Rows, Values};
use super::{Batch, Class, Vector};
use crate::error::{Error, Result};
use crate::value::ValueRef;

const CHUNK_BITS: u32 = 12;
/// Rows of a full chunk.
pub(crate) const CHUNK_ROWS: usize = 1 << CHUNK_BITS;
/// A chunk with so many bytes takes no more rows.
const CHUNK_BYTES: usize = 64 << 20;

/// Rows in columns; appended, never changed.
#[derive(Default)]
pub(crate) struct RowStore {
    width: usize,
    chunks: Vec<Vec<Vector>>,
    /// Chunks in use; those behind it are empty and keep memory for reuse.
    used: usize,
    len: usize,
    /// Rows of the last chunk in use, also when there are no columns to tell it.
    last_len: usize,
}

impl RowStore {
    /// An empty store of rows of `width` columns.
    pub(crate) fn new(width: usize) -> RowStore {
        RowStore {
            width,
            ..RowStore::default()
        }
    }

    /// Forgets the rows and keeps the memory of a few chunks.
    pub(crate) fn clear(&mut self) {
        self.chunks.truncate(1);
        self.chunks.iter_mut().flatten().for_each(Vector::release);
        self.used = 0;
        self.len = 0;
        self.last_len = 0;
    }

    /// Bytes of memory in use.
    pub(crate) fn memory(&self) -> usize {
        self.chunks.iter().flatten().map(Vector::memory).sum()
    }

    /// Appends the selected rows of `batch`; `placed` is called with the place of each, in order.
    pub(crate) fn append(&mut self, batch: &Batch, mut placed: impl FnMut(u32)) -> Result<()> {
        let rows = Rows::of(batch);
        let mut from = 0;
        while from < rows.len() {
            let (chunk, first) = self.open_chunk()?;
            let take = (CHUNK_ROWS - first).min(rows.len() - from);
            for (column, source) in self.chunks[chunk].iter_mut().zip(&batch.columns) {
                match rows {
                    Rows::All(_) => column.extend_range(source, from..from + take),
                    Rows::Some(picks) => column.extend_selected(source, &picks[from..from + take]),
                }
            }
            if self.chunks[chunk].iter().any(Vector::has_overflowed) {
                return Err(Error::TooBig);
            }
            (first..first + take).for_each(|row| placed((chunk << CHUNK_BITS | row) as u32));
            self.last_len += take;
            self.len += take;
            from += take;
        }
        Ok(())
    }

    /// Appends some of the rows whose columns are `values`; `placed` is called with the place of each, in order.
    pub(crate) fn append_values(
        &mut self,
        values: &[Values<'_>],
        range: std::ops::Range<usize>,
        mut placed: impl FnMut(u32),
    ) -> Result<()> {
        let mut from = range.start;
        while from < range.end {
            let (chunk, first) = self.open_chunk()?;
            let take = (CHUNK_ROWS - first).min(range.end - from);
            for (column, values) in self.chunks[chunk].iter_mut().zip(values) {
                values.append_range_to(from..from + take, column);
            }
            if self.chunks[chunk].iter().any(Vector::has_overflowed) {
                return Err(Error::TooBig);
            }
            (first..first + take).for_each(|row| placed((chunk << CHUNK_BITS | row) as u32));
            self.last_len += take;
            self.len += take;
            from += take;
        }
        Ok(())
    }

    /// Appends row `n` of `values`, one of them a column, and returns its place.
    pub(crate) fn push(&mut self, values: &[Values<'_>], n: usize) -> Result<u32> {
        let (chunk, row) = self.open_chunk()?;
        for (column, values) in self.chunks[chunk].iter_mut().zip(values) {
            column.push_from(values.vector(), values.row(n));
        }
        self.last_len += 1;
        self.len += 1;
        Ok((chunk << CHUNK_BITS | row) as u32)
    }

    /// The chunk that takes the next row, and how many rows it has.
    fn open_chunk(&mut self) -> Result<(usize, usize)> {
        let full = match self.used {
            0 => true,
            used => {
                let bytes: usize = self.chunks[used - 1].iter().map(Vector::heap_len).sum();
                self.last_len >= CHUNK_ROWS || bytes > CHUNK_BYTES
            }
        };
        if full {
            if self.used == self.chunks.len() {
                self.chunks.push(vec![Vector::new(); self.width]);
            }
            self.used += 1;
            self.last_len = 0;
            if self.used > (u32::MAX >> CHUNK_BITS) as usize {
                return Err(Error::TooBig);
            }
        }
        Ok((self.used - 1, self.last_len))
    }

    /// The value of a column at a place.
    #[inline]
    pub(crate) fn get(&self, column: usize, place: u32) -> ValueRef<'_> {
        self.chunks[(place >> CHUNK_BITS) as usize][column].get(place as usize & (CHUNK_ROWS - 1))
    }

    /// The columns that have the row at a place, and which of their rows it is.
    #[inline]
    pub(crate) fn row(&self, place: u32) -> (&[Vector], usize) {
        let columns = &self.chunks[(place >> CHUNK_BITS) as usize];
        (columns, place as usize & (CHUNK_ROWS - 1))
    }

    /// Whether the value of a column at a place is a text that is known to be JSON.
    pub(crate) fn is_json(&self, column: usize, place: u32) -> bool {
        let vector = &self.chunks[(place >> CHUNK_BITS) as usize][column];
        vector.class(place as usize & (CHUNK_ROWS - 1)) == Class::Json
    }

    /// Appends a column's values at `places` to `out`.
    ///
    /// Places are all over the store, so that what costs is waiting for memory; a column of one class is gathered in short
    /// loops that wait for many values at once.
    pub(crate) fn gather(&self, column: usize, places: &[u32], out: &mut Vector) {
        const ROWS_MIN: usize = 32;
        let class = match places.len() {
            0..ROWS_MIN => None,
            _ => self.column_class(column),
        };
        let Some(class) = class else {
            for &place in places {
                let vector = &self.chunks[(place >> CHUNK_BITS) as usize][column];
                out.push_from(vector, place as usize & (CHUNK_ROWS - 1));
            }
            return;
        };
        let chunks = &self.chunks[..self.used];
        let slots: SmallVec<[&[u64]; 64]> = chunks.iter().map(|chunk| chunk[column].slots()).collect();
        let slot = |place: u32| slots[(place >> CHUNK_BITS) as usize][place as usize & (CHUNK_ROWS - 1)];
        if !class.has_bytes() {
            return out.extend_slots(class, places.iter().map(|place| slot(*place)));
        }
        let heaps: SmallVec<[&[u8]; 64]> = chunks.iter().map(|chunk| chunk[column].heap()).collect();
        let mut found = [0; ROWS_MIN];
        for places in places.chunks(ROWS_MIN) {
            found
                .iter_mut()
                .zip(places)
                .for_each(|(found, place)| *found = slot(*place));
            for (place, slot) in places.iter().zip(found) {
                out.push_slice(class, heaps[(place >> CHUNK_BITS) as usize], slot);
            }
        }
    }

    /// Appends a column's values at `places`, which ascend, to `out`: runs of places at once.
    pub(crate) fn copy_ascending(&self, column: usize, places: &[u32], out: &mut Vector) {
        let mut rest = places;
        while let (Some(first), Some(last)) = (rest.first(), rest.last()) {
            let chunk = first >> CHUNK_BITS;
            let own = match last >> CHUNK_BITS == chunk {
                true => rest.len(),
                false => rest.partition_point(|place| place >> CHUNK_BITS == chunk),
            };
            let (run, behind) = rest.split_at(own);
            let from = *first as usize & (CHUNK_ROWS - 1);
            match run
                .last()
                .is_some_and(|last| (last - first) as usize + 1 == run.len())
            {
                true => out.extend_range(&self.chunks[chunk as usize][column], from..from + run.len()),
                false => self.gather(column, run, out),
            }
            rest = behind;
        }
    }

    /// The class that all values of a column share.
    fn column_class(&self, column: usize) -> Option<Class> {
        let mut chunks = self.chunks[..self.used]
            .iter()
            .map(|chunk| chunk[column].uniform_class());
        let first = chunks.next()??;
        chunks.all(|class| class == Some(first)).then_some(first)
    }

    /// How many chunks hold rows.
    pub(crate) fn chunk_count(&self) -> usize {
        self.used
    }

    /// Rows of a chunk.
    pub(crate) fn chunk_len(&self, chunk: usize) -> usize {
        match self.chunks.get(chunk).and_then(|columns| columns.first()) {
            Some(column) => column.len(),
            None if chunk + 1 == self.used => self.last_len,
            None => CHUNK_ROWS,
        }
    }

    /// Appends rows `from..from + len` of a chunk to `out`.
    pub(crate) fn copy_rows(&self, chunk: usize, from: usize, len: usize, out: &mut Batch) {
        for (column, source) in out.columns.iter_mut().zip(&self.chunks[chunk]) {
            column.extend_range(source, from..from + len);
        }
        out.set_len(out.len() + len);
    }
}
