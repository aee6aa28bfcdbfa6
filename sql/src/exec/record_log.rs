//! Records on their way from one tree to another: in memory, or in a temporary file when they are many.

use super::sort::{RunReader, RunWriter};
use crate::error::Result;

/// Records with their rowids, in the order in which they came.
pub(crate) struct RecordLog {
    budget: usize,
    bytes: usize,
    held: Vec<(i64, Vec<u8>)>,
    file: Option<RunWriter>,
}

impl RecordLog {
    /// An empty log that holds about `budget` bytes in memory.
    pub(crate) fn new(budget: usize) -> RecordLog {
        RecordLog {
            budget,
            bytes: 0,
            held: Vec::new(),
            file: None,
        }
    }

    pub(crate) fn push(&mut self, rowid: i64, record: &[u8]) -> Result<()> {
        if let Some(file) = &mut self.file {
            return file.push(&rowid.to_le_bytes(), record);
        }
        self.bytes += size_of::<(i64, Vec<u8>)>() + record.len();
        self.held.push((rowid, record.to_vec()));
        if self.bytes > self.budget {
            self.file = Some(RunWriter::new()?);
        }
        Ok(())
    }

    /// Visits all records.
    pub(crate) fn visit(self, mut visit: impl FnMut(i64, &[u8]) -> Result<()>) -> Result<()> {
        for (rowid, record) in &self.held {
            visit(*rowid, record)?;
        }
        drop(self.held);
        let Some(file) = self.file else { return Ok(()) };
        let mut reader = RunReader::new(file.finish()?);
        while reader.advance()? {
            let rowid = reader.key.first_chunk::<8>().copied().unwrap_or_default();
            visit(i64::from_le_bytes(rowid), &reader.row)?;
        }
        Ok(())
    }
}
