//! Rows kept in the order in which they came, to be read as often as wanted; those beyond a memory budget in a temporary file.
//!
//! ```text
//!   rows ──▶ open chunk ── full ──▶ held chunk         while held chunks are within the budget
//!                               └─▶ written chunk      its columns as bytes, at a place of the file
//! ```
//!
//! A chunk has at most 1024 rows, fewer when their texts are long. Who reads gets whole chunks, shared: a few of those that were read from the
//! file last are kept, so that several readers that each go from front to back, near each other or apart, do not read a chunk twice in turn.
//!
//! Invariants: L1 `firsts` ascends and names the first row of each chunk, the open one included; L2 a chunk that is not open never changes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use super::kernel::{Rows, Values};
use super::spill::{temporary_file, temporary_file_failed};
use super::{BATCH_ROWS_MAX, Batch, Vector};
use crate::error::{Error, Result};

/// Rows of a full chunk.
const CHUNK_ROWS: usize = BATCH_ROWS_MAX;
/// A chunk with so many bytes takes no more rows.
const CHUNK_BYTES: usize = 128 << 10;
/// Chunks of the file that are kept in memory.
const CACHED: usize = 8;

/// The columns of some rows.
pub(crate) type Columns = Arc<Vec<Vector>>;

/// See the module's head.
#[derive(Default)]
pub(crate) struct RowLog {
    width: usize,
    chunks: Vec<Chunk>,
    /// Rows that are not in a chunk yet.
    open: Vec<Vector>,
    open_len: usize,
    firsts: Vec<usize>,
    len: usize,
    /// What held chunks may take, and what they take.
    budget: usize,
    held_bytes: usize,
    file: Option<ChunkFile>,
    /// Chunks read from the file: the latest first.
    cache: VecDeque<(usize, Columns)>,
}

enum Chunk {
    Held(Columns),
    Written { at: u64, bytes: usize },
}

/// Where chunks are written.
struct ChunkFile {
    file: File,
    end: u64,
    bytes: Vec<u8>,
}

impl RowLog {
    /// An empty log of rows of `width` columns, which holds `budget` bytes in memory.
    pub(crate) fn new(width: usize, budget: usize) -> RowLog {
        RowLog {
            width,
            budget,
            open: vec![Vector::new(); width],
            ..RowLog::default()
        }
    }

    /// Forgets the rows; `budget` is that of the rows to come.
    pub(crate) fn restart(&mut self, budget: usize) {
        *self = RowLog {
            open: std::mem::take(&mut self.open),
            ..RowLog::new(0, budget)
        };
        self.width = self.open.len();
        self.open.iter_mut().for_each(Vector::release);
    }

    /// How many columns a row has.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many chunks have rows.
    pub(crate) fn chunk_count(&self) -> usize {
        self.firsts.len()
    }

    /// The first row of a chunk, and the first behind it.
    pub(crate) fn rows_of_chunk(&self, chunk: usize) -> (usize, usize) {
        let end = self.firsts.get(chunk + 1).copied().unwrap_or(self.len);
        (self.firsts[chunk], end)
    }

    /// Appends the selected rows of `batch`.
    pub(crate) fn append(&mut self, batch: &Batch) -> Result<()> {
        let rows = Rows::of(batch);
        let columns = batch.columns.iter();
        let columns: Vec<Values<'_>> = columns.map(|column| Values::of_column(column, rows)).collect();
        self.append_values(&columns, 0..rows.len())
    }

    /// Appends some rows whose columns are `values`.
    pub(crate) fn append_values(
        &mut self,
        values: &[Values<'_>],
        range: std::ops::Range<usize>,
    ) -> Result<()> {
        let mut from = range.start;
        while from < range.end {
            if self.open_len == 0 {
                self.firsts.push(self.len);
            }
            // Long texts come a few rows at a time, so that a chunk can end between them.
            let most = match self.open.iter().any(|column| column.heap_len() > CHUNK_BYTES / 8) {
                true => 1,
                false => (CHUNK_ROWS / 8).max(self.open_len),
            };
            let take = (CHUNK_ROWS - self.open_len).min(range.end - from).min(most);
            for (column, values) in self.open.iter_mut().zip(values) {
                values.append_range_to(from..from + take, column);
            }
            if self.open.iter().any(Vector::has_overflowed) {
                return Err(Error::TooBig);
            }
            self.open_len += take;
            self.len += take;
            from += take;
            let bytes: usize = self.open.iter().map(Vector::heap_len).sum();
            if self.open_len == CHUNK_ROWS || bytes > CHUNK_BYTES {
                self.close_chunk()?;
            }
        }
        Ok(())
    }

    /// Makes a chunk of the open rows.
    pub(crate) fn close_chunk(&mut self) -> Result<()> {
        if self.open_len == 0 {
            return Ok(());
        }
        let bytes: usize = self.open.iter().map(Vector::memory).sum();
        if self.held_bytes + bytes <= self.budget {
            let columns = std::mem::replace(&mut self.open, vec![Vector::new(); self.width]);
            self.held_bytes += bytes;
            self.chunks.push(Chunk::Held(Arc::new(columns)));
        } else {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(ChunkFile::new()?),
            };
            self.chunks.push(file.write(&self.open)?);
            self.open.iter_mut().for_each(Vector::release);
        }
        self.open_len = 0;
        Ok(())
    }

    /// The chunk that has row `row`.
    pub(crate) fn chunk_of(&self, row: usize) -> usize {
        self.firsts
            .partition_point(|first| *first <= row)
            .saturating_sub(1)
    }

    /// A chunk's columns. What is open becomes a chunk when it is asked for.
    pub(crate) fn chunk(&mut self, chunk: usize) -> Result<Columns> {
        if chunk >= self.chunks.len() {
            self.close_chunk()?;
        }
        let (at, bytes) = match self.chunks.get(chunk) {
            Some(Chunk::Held(columns)) => return Ok(Arc::clone(columns)),
            Some(Chunk::Written { at, bytes }) => (*at, *bytes),
            None => return Ok(Arc::new(vec![Vector::new(); self.width])),
        };
        if let Some(place) = self.cache.iter().position(|(number, _)| *number == chunk) {
            if let Some(found) = self.cache.remove(place) {
                self.cache.push_front(found);
            }
        } else if let Some(file) = &mut self.file {
            self.cache.truncate(CACHED - 1);
            let end = self.firsts.get(chunk + 1).copied().unwrap_or(self.len);
            let rows = end.saturating_sub(self.firsts[chunk]);
            let columns = file.read(at, bytes, self.width, rows)?;
            self.cache.push_front((chunk, Arc::new(columns)));
        }
        let columns = self.cache.front().map(|(_, columns)| Arc::clone(columns));
        Ok(columns.unwrap_or_default())
    }

    /// Appends up to `max` rows from `row` on to `out`, of one chunk; says how many.
    pub(crate) fn read(&mut self, row: usize, max: usize, out: &mut Batch) -> Result<usize> {
        if row >= self.len {
            return Ok(0);
        }
        let number = self.chunk_of(row);
        let (first, end) = self.rows_of_chunk(number);
        let take = max.min(end - row);
        let range = row - first..row - first + take;
        let chunk;
        // Readers of rows that are still being added do not make chunks of few rows.
        let columns = match number < self.chunks.len() {
            true => {
                chunk = self.chunk(number)?;
                &*chunk
            }
            false => &self.open,
        };
        for (out, column) in out.columns.iter_mut().zip(columns) {
            out.extend_range(column, range.clone());
        }
        out.set_len(out.len() + take);
        Ok(take)
    }
}

impl ChunkFile {
    fn new() -> Result<ChunkFile> {
        Ok(ChunkFile {
            file: temporary_file()?,
            end: 0,
            bytes: Vec::new(),
        })
    }

    fn write(&mut self, columns: &[Vector]) -> Result<Chunk> {
        self.bytes.clear();
        columns.iter().for_each(|column| column.store(&mut self.bytes));
        let at = self.end;
        let seek = self.file.seek(SeekFrom::Start(at));
        seek.and_then(|_| self.file.write_all(&self.bytes))
            .map_err(temporary_file_failed)?;
        self.end += self.bytes.len() as u64;
        let bytes = self.bytes.len();
        self.bytes.shrink_to(CHUNK_BYTES * 4);
        Ok(Chunk::Written { at, bytes })
    }

    /// The columns of `rows` rows, as they were written.
    fn read(&mut self, at: u64, len: usize, width: usize, rows: usize) -> Result<Vec<Vector>> {
        self.bytes.resize(len, 0);
        let seek = self.file.seek(SeekFrom::Start(at));
        seek.and_then(|_| self.file.read_exact(&mut self.bytes))
            .map_err(temporary_file_failed)?;
        let mut rest = &self.bytes[..];
        let mut columns = Vec::with_capacity(width);
        for _ in 0..width {
            let restored = Vector::restore(rest).filter(|(column, _)| column.len() == rows);
            let Some((column, behind)) = restored else {
                return Err(Error::Corrupt {
                    message: "a temporary file does not hold what was written to it".to_owned(),
                });
            };
            columns.push(column);
            rest = behind;
        }
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ValueRef;

    /// Rows of two columns: a number, and a text of a length that depends on it.
    fn check(rows: usize, budget: usize, text_len: impl Fn(usize) -> usize) {
        let mut log = RowLog::new(2, budget);
        let text = |row: usize| vec![b'a' + (row % 26) as u8; text_len(row)];
        let mut batch = Batch::new(2);
        for row in 0..rows {
            batch.columns[0].push_integer(row as i64);
            batch.columns[1].push(ValueRef::Text(&text(row)));
            batch.set_len(batch.columns[0].len());
            if batch.len() == 1 + row % 700 {
                log.append(&batch).unwrap();
                batch.clear();
            }
        }
        log.append(&batch).unwrap();
        assert_eq!(log.len(), rows);
        let mut out = Batch::new(2);
        let mut order: Vec<usize> = (0..rows).collect();
        order.extend((0..rows).map(|row| row * 7919 % rows.max(1)).take(500));
        for row in order {
            out.clear();
            assert!(log.read(row, 3, &mut out).unwrap() >= 1);
            assert_eq!(out.columns[0].get(0), ValueRef::Integer(row as i64));
            assert_eq!(out.columns[1].get(0), ValueRef::Text(&text(row)));
        }
        assert_eq!(log.read(rows, 3, &mut out).unwrap(), 0);
    }

    #[test]
    fn rows_come_back_from_memory_and_from_the_file() {
        for budget in [usize::MAX, 100_000, 0] {
            check(0, budget, |_| 0);
            check(1, budget, |_| 5);
            check(5_000, budget, |row| row % 40);
            check(300, budget, |row| if row % 50 == 7 { 300_000 } else { 1000 });
        }
    }
}
