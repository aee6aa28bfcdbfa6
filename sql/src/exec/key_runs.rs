//! Sets of keys beyond the memory budget, for those who must know of each row at once whether it is there: IN (SELECT) and recursive UNION.
//!
//! ```text
//!   run file   [hash u64][length u32][canonical bytes] ..      sorted by hash, then bytes
//!   in memory  (first hash, place) of every 4 KiB or so         one read finds a key or finds that it is not there
//! ```
//!
//! A [`KeyTable`] that has grown too large becomes a run; more than a few runs are merged into one.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use super::key_table::KeyTable;
use super::spill::{temporary_file, temporary_file_failed};
use crate::error::Result;

/// More runs than this are merged.
const RUNS_MAX: usize = 4;
const BLOCK_BYTES: u64 = 4 << 10;
const BUFFER_BYTES: usize = 32 << 10;
const HEAD: usize = 12;

/// See the module's head.
#[derive(Default)]
pub(crate) struct KeyRuns {
    runs: Vec<KeyRun>,
    block: Vec<u8>,
}

struct KeyRun {
    file: File,
    /// The first hash of each block, and where it begins.
    blocks: Vec<(u64, u64)>,
    end: u64,
}

impl KeyRuns {
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.runs.clear();
    }

    /// Moves the keys of a table into a run.
    pub(crate) fn take(&mut self, keys: &mut KeyTable) -> Result<()> {
        let mut writer = RunWriter::new()?;
        keys.drain_sorted(|hash, key| writer.push(hash, key))?;
        self.runs.push(writer.finish()?);
        if self.runs.len() > RUNS_MAX {
            let merged = merge(std::mem::take(&mut self.runs))?;
            self.runs.push(merged);
        }
        Ok(())
    }

    /// Whether a key is in one of the runs.
    pub(crate) fn contains(&mut self, hash: u64, key: &[u8]) -> Result<bool> {
        for run in &mut self.runs {
            if run.contains(hash, key, &mut self.block)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl KeyRun {
    fn contains(&mut self, hash: u64, key: &[u8], block: &mut Vec<u8>) -> Result<bool> {
        // Keys of one hash may begin in the block before the first that begins with it.
        let first = self.blocks.partition_point(|(first, _)| *first < hash);
        for number in first.saturating_sub(1)..self.blocks.len() {
            let (first, at) = self.blocks[number];
            if first > hash {
                return Ok(false);
            }
            let end = self.blocks.get(number + 1).map_or(self.end, |(_, at)| *at);
            block.resize((end - at) as usize, 0);
            let seek = self.file.seek(SeekFrom::Start(at));
            seek.and_then(|_| self.file.read_exact(block))
                .map_err(temporary_file_failed)?;
            let mut rest = &block[..];
            while let Some((found, bytes, behind)) = split_entry(rest) {
                if found == hash && bytes == key {
                    return Ok(true);
                }
                if found > hash {
                    return Ok(false);
                }
                rest = behind;
            }
        }
        Ok(false)
    }
}

/// The first entry of some: its hash and its key, and the entries behind it.
fn split_entry(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (hash, rest) = bytes.split_first_chunk::<8>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    Some((u64::from_le_bytes(*hash), key, rest))
}

struct RunWriter {
    out: BufWriter<File>,
    blocks: Vec<(u64, u64)>,
    end: u64,
}

impl RunWriter {
    fn new() -> Result<RunWriter> {
        Ok(RunWriter {
            out: BufWriter::with_capacity(BUFFER_BYTES, temporary_file()?),
            blocks: Vec::new(),
            end: 0,
        })
    }

    fn push(&mut self, hash: u64, key: &[u8]) -> Result<()> {
        if self
            .blocks
            .last()
            .is_none_or(|(_, at)| self.end - at >= BLOCK_BYTES)
        {
            self.blocks.push((hash, self.end));
        }
        let mut write = |bytes: &[u8]| self.out.write_all(bytes).map_err(temporary_file_failed);
        write(&hash.to_le_bytes())?;
        write(&(key.len() as u32).to_le_bytes())?;
        write(key)?;
        self.end += (HEAD + key.len()) as u64;
        Ok(())
    }

    fn finish(self) -> Result<KeyRun> {
        let file = self.out.into_inner();
        Ok(KeyRun {
            file: file.map_err(|error| temporary_file_failed(error.into_error()))?,
            blocks: self.blocks,
            end: self.end,
        })
    }
}

/// A run that is read from front to back.
struct RunReader {
    input: BufReader<File>,
    left: u64,
    hash: u64,
    key: Vec<u8>,
}

impl RunReader {
    fn new(mut run: KeyRun) -> Result<RunReader> {
        run.file.seek(SeekFrom::Start(0)).map_err(temporary_file_failed)?;
        Ok(RunReader {
            input: BufReader::with_capacity(BUFFER_BYTES, run.file),
            left: run.end,
            hash: 0,
            key: Vec::new(),
        })
    }

    fn advance(&mut self) -> Result<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        let (mut hash, mut len) = ([0; 8], [0; 4]);
        let mut read = |into: &mut [u8]| self.input.read_exact(into).map_err(temporary_file_failed);
        read(&mut hash)?;
        read(&mut len)?;
        self.hash = u64::from_le_bytes(hash);
        self.key.resize(u32::from_le_bytes(len) as usize, 0);
        read(&mut self.key)?;
        self.left = self.left.saturating_sub((HEAD + self.key.len()) as u64);
        Ok(true)
    }
}

/// One run of the keys of all; no key is in two of them.
fn merge(runs: Vec<KeyRun>) -> Result<KeyRun> {
    let mut readers = Vec::with_capacity(runs.len());
    for run in runs {
        let mut reader = RunReader::new(run)?;
        if reader.advance()? {
            readers.push(reader);
        }
    }
    let mut writer = RunWriter::new()?;
    let order = |reader: &RunReader| reader.hash;
    while let Some(least) = (0..readers.len()).min_by(|a, b| {
        let (a, b) = (&readers[*a], &readers[*b]);
        order(a).cmp(&order(b)).then_with(|| a.key.cmp(&b.key))
    }) {
        let reader = &mut readers[least];
        writer.push(reader.hash, &reader.key)?;
        if !reader.advance()? {
            readers.swap_remove(least);
        }
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Values, Vector};
    use crate::value::{Collation, ValueRef};

    #[test]
    fn keys_are_found_in_the_runs_they_were_moved_to() {
        for texts in [false, true] {
            let (mut keys, mut runs) = (KeyTable::new(&[Collation::NoCase]), KeyRuns::default());
            let value = |n: i64| match texts && n % 3 == 0 {
                true => Vector::of(ValueRef::Text(format!("Key{n}").as_bytes())),
                false => Vector::of(ValueRef::Integer(n)),
            };
            for n in 0..20_000 {
                keys.insert_one(&[Values::dense(&value(2 * n))], 0);
                if n % 2_500 == 2_499 {
                    runs.take(&mut keys).unwrap();
                    assert_eq!(keys.len(), 0);
                }
            }
            for n in 0..40_000 {
                let value = value(n);
                let (hash, key) = keys.encoded(&[Values::dense(&value)], 0);
                assert_eq!(runs.contains(hash, key).unwrap(), n % 2 == 0, "{n}");
            }
        }
    }
}
