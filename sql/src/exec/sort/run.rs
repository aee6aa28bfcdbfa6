//! Sorted runs in temporary files, and their merge.
//!
//! ```text
//!   run file: [key length u32][row length u32][key][row as a record] ..
//! ```
//!
//! A row in which texts are known to be JSON has one value more: a blob that names their columns, two bytes each.
//!
//! Runs are numbered in order of arrival; of equal keys the earlier run's comes first, so the merge is as stable as the sorts
//! were. With many runs, groups of them are first merged to longer ones.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use aludel_storage::format::{RecordView, record};
use smallvec::SmallVec;

use super::entries::Entries;
use super::key::KeyEncoder;
use crate::error::Result;
use crate::exec::Batch;
use crate::exec::row_store::RowStore;
use crate::exec::spill::{temporary_file, temporary_file_failed};
use crate::value::ValueRef;

/// Runs that are merged at once.
const FAN_IN_MAX: usize = 32;
const BUFFER_BYTES: usize = 32 << 10;

/// A sorted run in a file of its own, which goes away with it.
pub(in crate::exec) struct Run {
    file: File,
    rows: u64,
}

/// Writes rows, each behind a key; those of a sorted run come sorted.
pub(in crate::exec) struct RunWriter {
    out: BufWriter<File>,
    rows: u64,
}

impl RunWriter {
    pub(in crate::exec) fn new() -> Result<RunWriter> {
        let file = temporary_file()?;
        Ok(RunWriter {
            out: BufWriter::with_capacity(BUFFER_BYTES, file),
            rows: 0,
        })
    }

    pub(in crate::exec) fn push(&mut self, key: &[u8], row: &[u8]) -> Result<()> {
        let lengths = [key.len(), row.len()].map(|len| (len as u32).to_le_bytes());
        let mut write = |bytes: &[u8]| self.out.write_all(bytes).map_err(temporary_file_failed);
        write(&lengths[0])?;
        write(&lengths[1])?;
        write(key)?;
        write(row)?;
        self.rows += 1;
        Ok(())
    }

    /// The rows, to be read.
    pub(in crate::exec) fn finish(self) -> Result<Run> {
        let mut file = self
            .out
            .into_inner()
            .map_err(|error| temporary_file_failed(error.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(temporary_file_failed)?;
        Ok(Run {
            file,
            rows: self.rows,
        })
    }
}

impl Run {
    /// The same rows from the first on, by another handle on the file; the first must not be read any more.
    pub(in crate::exec) fn again(&self) -> Result<Run> {
        let mut file = self.file.try_clone().map_err(temporary_file_failed)?;
        file.seek(SeekFrom::Start(0)).map_err(temporary_file_failed)?;
        Ok(Run {
            file,
            rows: self.rows,
        })
    }

    /// Writes sorted entries with their rows.
    pub(super) fn write(entries: &Entries, rows: &RowStore, width: usize) -> Result<Run> {
        let mut scratch = Vec::new();
        let mut writer = RowWriter::new(rows, width)?;
        for (entry, place) in entries.places().enumerate() {
            writer.push(entries.key_bytes(entry, &mut scratch), place)?;
        }
        writer.run.finish()
    }
}

/// Writes rows of a store.
pub(super) struct RowWriter<'a> {
    pub(super) run: RunWriter,
    rows: &'a RowStore,
    width: usize,
    row: Vec<u8>,
    json: Vec<u8>,
}

impl RowWriter<'_> {
    pub(super) fn new(rows: &RowStore, width: usize) -> Result<RowWriter<'_>> {
        Ok(RowWriter {
            run: RunWriter::new()?,
            rows,
            width,
            row: Vec::new(),
            json: Vec::new(),
        })
    }

    pub(super) fn push(&mut self, key: &[u8], place: u32) -> Result<()> {
        let rows = self.rows;
        let mut values: SmallVec<[ValueRef<'_>; 16]> =
            (0..self.width).map(|column| rows.get(column, place)).collect();
        self.json.clear();
        for column in (0..self.width).filter(|&column| rows.is_json(column, place)) {
            self.json.extend_from_slice(&(column as u16).to_le_bytes());
        }
        values.extend((!self.json.is_empty()).then_some(ValueRef::Blob(&self.json)));
        self.row.clear();
        record::encode(&values, &mut self.row);
        self.run.push(key, &self.row)
    }
}

/// A run that is being read.
pub(in crate::exec) struct RunReader {
    input: BufReader<File>,
    left: u64,
    /// The key at hand.
    pub(in crate::exec) key: Vec<u8>,
    /// The row at hand, a record.
    pub(in crate::exec) row: Vec<u8>,
}

impl RunReader {
    pub(in crate::exec) fn new(run: Run) -> RunReader {
        let input = BufReader::with_capacity(BUFFER_BYTES, run.file);
        RunReader {
            input,
            left: run.rows,
            key: Vec::new(),
            row: Vec::new(),
        }
    }

    /// Reads the next row; `false` at the end.
    pub(in crate::exec) fn advance(&mut self) -> Result<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        let mut lengths = [0; 8];
        self.input
            .read_exact(&mut lengths)
            .map_err(temporary_file_failed)?;
        let length =
            |at: usize| u32::from_le_bytes([lengths[at], lengths[at + 1], lengths[at + 2], lengths[at + 3]]);
        self.key.resize(length(0) as usize, 0);
        self.row.resize(length(4) as usize, 0);
        self.input
            .read_exact(&mut self.key)
            .map_err(temporary_file_failed)?;
        self.input
            .read_exact(&mut self.row)
            .map_err(temporary_file_failed)?;
        Ok(true)
    }
}

/// The merge of some runs: a heap of readers, the next row on top.
pub(super) struct Merge {
    encoder: KeyEncoder,
    /// Readers with a row at hand, with the number of their run; a binary heap.
    heap: Vec<(usize, RunReader)>,
}

impl Merge {
    /// Starts merging runs, given in order of arrival.
    pub(super) fn of(mut runs: Vec<Run>, encoder: &KeyEncoder) -> Result<Merge> {
        while runs.len() > FAN_IN_MAX {
            let mut longer = Vec::with_capacity(runs.len().div_ceil(FAN_IN_MAX));
            let mut rest = runs.into_iter();
            loop {
                let group: Vec<Run> = rest.by_ref().take(FAN_IN_MAX).collect();
                if group.is_empty() {
                    break;
                }
                longer.push(Merge::start(group, encoder)?.into_run()?);
            }
            runs = longer;
        }
        Merge::start(runs, encoder)
    }

    fn start(runs: Vec<Run>, encoder: &KeyEncoder) -> Result<Merge> {
        let mut merge = Merge {
            encoder: encoder.clone(),
            heap: Vec::with_capacity(runs.len()),
        };
        for (number, run) in runs.into_iter().enumerate() {
            let mut reader = RunReader::new(run);
            if reader.advance()? {
                merge.heap.push((number, reader));
            }
        }
        for at in (0..merge.heap.len() / 2).rev() {
            merge.sift_down(at);
        }
        Ok(merge)
    }

    /// A merge of no runs, to which runs are [added](Merge::add).
    pub(super) fn empty(encoder: &KeyEncoder) -> Merge {
        Merge {
            encoder: encoder.clone(),
            heap: Vec::new(),
        }
    }

    /// Adds a run whose rows came after those of all runs before.
    pub(super) fn add(&mut self, run: Run) -> Result<()> {
        if self.heap.len() >= FAN_IN_MAX {
            let before = std::mem::replace(self, Merge::empty(&self.encoder)).into_run()?;
            self.add(before)?;
        }
        let number = self.heap.iter().map(|(number, _)| number + 1).max().unwrap_or(0);
        let mut reader = RunReader::new(run);
        if reader.advance()? {
            self.heap.push((number, reader));
            (0..self.heap.len() / 2).rev().for_each(|at| self.sift_down(at));
        }
        Ok(())
    }

    /// The key of the row that comes next.
    pub(super) fn next_key(&self) -> Option<&[u8]> {
        self.heap.first().map(|(_, reader)| reader.key.as_slice())
    }

    fn into_run(mut self) -> Result<Run> {
        let mut writer = RunWriter::new()?;
        while let Some((_, reader)) = self.heap.first() {
            writer.push(&reader.key, &reader.row)?;
            self.pop()?;
        }
        writer.finish()
    }

    /// Appends up to `max` rows to `batch`.
    pub(super) fn fill(&mut self, batch: &mut Batch, max: usize) -> Result<()> {
        let mut count = 0;
        while count < max
            && let Some((_, reader)) = self.heap.first()
        {
            take_row(&reader.row, batch)?;
            count += 1;
            self.pop()?;
        }
        batch.set_len(count);
        Ok(())
    }

    /// Goes on from the row on top.
    fn pop(&mut self) -> Result<()> {
        if let Some((_, reader)) = self.heap.first_mut()
            && !reader.advance()?
        {
            self.heap.swap_remove(0);
        }
        self.sift_down(0);
        Ok(())
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let children = [2 * at + 1, 2 * at + 2]
                .into_iter()
                .filter(|child| *child < self.heap.len());
            let Some(least) = children.min_by(|a, b| self.order(*a, *b)) else {
                return;
            };
            if self.order(at, least) != Ordering::Greater {
                return;
            }
            self.heap.swap(at, least);
            at = least;
        }
    }

    fn order(&self, a: usize, b: usize) -> Ordering {
        let ((a_run, a), (b_run, b)) = (&self.heap[a], &self.heap[b]);
        self.encoder.compare(&a.key, &b.key).then(a_run.cmp(b_run))
    }
}

/// Appends a row as [`Run::write`] wrote it.
fn take_row(row: &[u8], batch: &mut Batch) -> Result<()> {
    let mut values = RecordView::parse(row)?.columns();
    for column in &mut batch.columns {
        column.push(values.next().transpose()?.unwrap_or_default());
    }
    if let Some(ValueRef::Blob(json)) = values.next().transpose()? {
        for column in json.chunks_exact(2) {
            let column = usize::from(u16::from_le_bytes([column[0], column[1]]));
            batch.columns[column].mark_last_as_json();
        }
    }
    Ok(())
}
