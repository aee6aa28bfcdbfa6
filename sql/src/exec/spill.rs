//! Rows put aside in temporary files until there is memory for them.
//!
//! ```text
//!   rows ── hash of the key ──▶ partition 0 [number][row] [number][row] ..
//!                               partition 1 [number][row] ..
//!                               ..                          each read back alone, as an operator's batches
//! ```
//!
//! Rows with equal keys are in one partition, in the order in which they came. A partition that is still too large is divided again, by other bits of the
//! hash. The number of a row is read back as one more column behind its own.
//!
//! All temporary files of statements are made here: without a name, in the folder that SQLite would take.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};

use aludel_storage::format::{RecordView, record};
use smallvec::SmallVec;

use super::operator::Operator;
use super::sort::{Run, RunReader, RunWriter};
use super::{BATCH_ROWS_MAX, Batch, Class, ExecContext};
use crate::error::{Error, Result};
use crate::value::ValueRef;

/// A temporary file without a name, which goes away with its last handle.
pub(super) fn temporary_file() -> Result<File> {
    tempfile::tempfile_in(temporary_folder()).map_err(temporary_file_failed)
}

/// What became of a temporary file.
pub(super) fn temporary_file_failed(error: std::io::Error) -> Error {
    Error::from(aludel_storage::Error::io(
        aludel_storage::error::IoOperation::Write,
        &temporary_folder(),
        error,
    ))
}

/// The first of these that is a folder in which files may be made: what SQLITE_TMPDIR names, what TMPDIR names, the system's usual places, and
/// the folder at hand.
fn temporary_folder() -> PathBuf {
    let named = ["SQLITE_TMPDIR", "TMPDIR"]
        .into_iter()
        .filter_map(std::env::var_os);
    let usual = ["/var/tmp", "/usr/tmp", "/tmp"];
    let usual = usual.into_iter().filter(|_| cfg!(unix)).map(PathBuf::from);
    let mut folders = named.map(PathBuf::from).chain(usual);
    folders
        .find(|folder| takes_files(folder))
        .unwrap_or_else(std::env::temp_dir)
}

fn takes_files(folder: &Path) -> bool {
    let writable = |found: std::fs::Metadata| found.is_dir() && !found.permissions().readonly();
    std::fs::metadata(folder).is_ok_and(writable)
}

/// Partitions that rows are divided into at once.
const FAN_OUT: usize = 16;
/// How often rows are divided. What is together then has one key, mostly.
const LEVEL_MAX: u32 = 6;

/// Where rows are written.
pub(super) struct Partitions {
    level: u32,
    writers: Vec<Option<RunWriter>>,
    key: Vec<u8>,
    row: Vec<u8>,
}

/// Rows that were put aside together.
pub(super) struct Part {
    run: Run,
    level: u32,
}

impl Part {
    /// Whether dividing rows may help that were divided `level` times.
    pub(super) fn may_divide_at(level: u32) -> bool {
        level < LEVEL_MAX
    }

    /// How often its rows were divided.
    pub(super) fn level(&self) -> u32 {
        self.level
    }
}

impl Partitions {
    /// Without rows; they were divided `level` times before.
    pub(super) fn new(level: u32) -> Partitions {
        Partitions {
            level: level + 1,
            writers: (0..FAN_OUT).map(|_| None).collect(),
            key: Vec::new(),
            row: Vec::new(),
        }
    }

    /// Writes the first `width` columns of a row, whose key has the hash.
    pub(super) fn push(
        &mut self,
        hash: u64,
        number: i64,
        batch: &Batch,
        width: usize,
        row: usize,
    ) -> Result<()> {
        let place = bits(hash, self.level);
        let writer = match &mut self.writers[place] {
            Some(writer) => writer,
            none => none.insert(RunWriter::new()?),
        };
        let columns = &batch.columns[..width];
        self.key.clear();
        self.key.extend_from_slice(&number.to_le_bytes());
        let is_json = |column: usize| columns[column].class(row) == Class::Json;
        for column in (0..width).filter(|column| is_json(*column)) {
            self.key.extend_from_slice(&(column as u16).to_le_bytes());
        }
        let values: SmallVec<[ValueRef<'_>; 16]> = columns.iter().map(|column| column.get(row)).collect();
        self.row.clear();
        record::encode(&values, &mut self.row);
        writer.push(&self.key, &self.row)
    }

    /// The partitions that have rows.
    pub(super) fn finish(self, into: &mut VecDeque<Part>) -> Result<()> {
        for writer in self.writers.into_iter().rev().flatten() {
            into.push_front(Part {
                run: writer.finish()?,
                level: self.level,
            });
        }
        Ok(())
    }

    /// All partitions, those without rows as well, so that two sides can be paired.
    pub(super) fn finish_all(self) -> Result<Vec<Part>> {
        let level = self.level;
        let finish = |writer: Option<RunWriter>| {
            let writer = match writer {
                Some(writer) => writer,
                None => RunWriter::new()?,
            };
            Ok(Part {
                run: writer.finish()?,
                level,
            })
        };
        self.writers.into_iter().map(finish).collect()
    }
}

/// The partition of a key at a level: other bits of the hash at each.
fn bits(hash: u64, level: u32) -> usize {
    let spread = (hash ^ u64::from(level)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread >> 40) as usize % FAN_OUT
}

/// Reads a partition back.
pub(super) struct PartScan {
    part: Part,
    reader: Option<RunReader>,
    width: usize,
    batch: Batch,
}

impl PartScan {
    /// A scan of rows of `width` columns.
    pub(super) fn new(part: Part, width: usize) -> PartScan {
        PartScan {
            part,
            reader: None,
            width,
            batch: Batch::new(width + 1),
        }
    }
}

impl Operator for PartScan {
    fn open(&mut self, _: &mut ExecContext<'_>) -> Result<()> {
        self.reader = Some(RunReader::new(self.part.run.again()?));
        Ok(())
    }

    fn next(&mut self, _: &mut ExecContext<'_>) -> Result<bool> {
        self.batch.clear();
        let Some(reader) = &mut self.reader else {
            return Ok(false);
        };
        let mut rows = 0;
        let mut bytes = 0;
        while rows < BATCH_ROWS_MAX && bytes < 1 << 20 && reader.advance()? {
            let record = RecordView::parse(&reader.row)?;
            for (n, column) in self.batch.columns[..self.width].iter_mut().enumerate() {
                column.push(record.column(n)?);
            }
            let (number, json) = reader.key.split_at(reader.key.len().min(8));
            let number = number
                .first_chunk::<8>()
                .map_or(0, |number| i64::from_le_bytes(*number));
            self.batch.columns[self.width].push_integer(number);
            for column in json.chunks_exact(2) {
                let column = usize::from(u16::from_le_bytes([column[0], column[1]]));
                self.batch.columns[column].mark_last_as_json();
            }
            rows += 1;
            bytes += reader.row.len();
        }
        self.batch.set_len(rows);
        Ok(rows > 0)
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    fn close(&mut self) {
        self.reader = None;
        self.batch.clear();
    }
}
