//! From pending words to segments, and from many segments to one.

use std::sync::atomic::Ordering;

use super::doclist::{Direction, corrupt};
use super::segment::incremental;
use super::segment::merge::{Deleted, Merge};
use super::segment::reader::SegmentReader;
use super::segment::writer::{SegmentWriter, Written};
use super::shadow::{LEVELS, Stat, execute, integer, query_row};
use super::table::{AUTO_MERGE_UNKNOWN, FtsTable};
use crate::error::Result;
use crate::value::Value;
use crate::virtual_table::VirtualContext;

/// Segments of a level that become one on the next.
pub(super) const MERGE_COUNT: i64 = 16;
/// Leaves from which on an automatic merge is worth it.
const AUTO_MERGE_LEAVES: i64 = 64;

/// An index of a language.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexId {
    pub(super) language: i32,
    pub(super) index: usize,
}

impl FtsTable {
    /// The number of a level of an index in %_segdir.
    pub(super) fn level(&self, of: IndexId, level: i64) -> i64 {
        let indexes = self.index_count() as i64;
        (i64::from(of.language) * indexes + of.index as i64) * LEVELS + level
    }

    /// All that may have `term` in an index: the pending words, and the segments from the right leaf on.
    pub(super) fn readers(
        &self,
        context: &mut VirtualContext<'_>,
        language: i32,
        index: usize,
        term: &[u8],
        is_prefix: bool,
    ) -> Result<Vec<SegmentReader>> {
        let mut readers = Vec::new();
        {
            let pending = self.state.pending.lock();
            if pending.language == language {
                let words = pending.matching(index, term, is_prefix, self.direction)?;
                if !words.is_empty() {
                    readers.push(SegmentReader::pending(words));
                }
            }
        }
        let base = self.level(IndexId { language, index }, 0);
        for (age, segment) in self.shadow.index_segments(context, base)?.iter().enumerate() {
            let reader = SegmentReader::from_term(context, &self.shadow, age, segment, term)?;
            readers.push(reader);
        }
        Ok(readers)
    }

    /// Writes what waits, and merges in proportion to what was written if the table does that by itself.
    pub(super) fn sync(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        self.flush(context)?;
        let leaves = self.state.leaves_written.load(Ordering::Relaxed);
        let least = self.state.auto_merge.load(Ordering::Relaxed);
        if leaves <= AUTO_MERGE_LEAVES / 16 || least == 0 || least == AUTO_MERGE_UNKNOWN {
            return Ok(());
        }
        let sql = format!(
            "SELECT max(level % {LEVELS}) FROM {}",
            self.shadow.table("segdir")
        );
        let level = query_row(context, &sql, &[], |row| integer(row.value(0)))?.unwrap_or(0);
        let work = leaves * level;
        let work = work + work / 2;
        if work > AUTO_MERGE_LEAVES {
            incremental::merge(self, context, work, i64::from(least))?;
        }
        Ok(())
    }

    /// Writes all pending words to segments on level 0.
    pub(super) fn flush(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        if self.state.pending.lock().is_empty() {
            return Ok(());
        }
        let language = self.state.pending.lock().language;
        for index in 0..self.index_count() {
            let words = self.state.pending.lock().sorted(index, self.direction)?;
            if !words.is_empty() {
                self.write_pending(context, IndexId { language, index }, words)?;
            }
        }
        self.look_up_auto_merge(context)?;
        self.state.pending.lock().clear();
        Ok(())
    }

    fn write_pending(
        &self,
        context: &mut VirtualContext<'_>,
        of: IndexId,
        words: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Result<()> {
        let level = self.level(of, 0);
        let idx = self.allocate_idx(context, of, 0)?;
        let mut writer = SegmentWriter::new(context, &self.shadow, self.node_size)?;
        for (term, doclist) in &words {
            writer.push(context, &self.shadow, term, doclist)?;
        }
        let written = self.finish_segment(context, writer, level, idx)?;
        self.promote_segments(context, level, written.size)
    }

    fn finish_segment(
        &self,
        context: &mut VirtualContext<'_>,
        writer: SegmentWriter,
        level: i64,
        idx: i64,
    ) -> Result<Written> {
        let written = writer.finish(context, &self.shadow, level, idx)?;
        self.state
            .leaves_written
            .fetch_add(written.leaves, Ordering::Relaxed);
        Ok(written)
    }

    fn look_up_auto_merge(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        let known = self.state.auto_merge.load(Ordering::Relaxed) != AUTO_MERGE_UNKNOWN;
        if known || !self.has_stat() || self.state.leaves_written.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        let found = self.shadow.stat(context, Stat::AutoMerge)?;
        let least = match found.map_or(0, |value| integer(value.as_ref())) {
            1 => 8,
            other => u8::try_from(other).unwrap_or(AUTO_MERGE_UNKNOWN - 1),
        };
        self.state.auto_merge.store(least, Ordering::Relaxed);
        Ok(())
    }

    /// The idx for a new segment on a level, which is merged first if it is full.
    fn allocate_idx(&self, context: &mut VirtualContext<'_>, of: IndexId, level: i64) -> Result<i64> {
        let next = self.shadow.next_idx(context, self.level(of, level))?;
        if next < MERGE_COUNT {
            return Ok(next);
        }
        self.merge_level(context, of, level)?;
        Ok(0)
    }

    /// Makes one segment, a level higher, of all of a level.
    fn merge_level(&self, context: &mut VirtualContext<'_>, of: IndexId, level: i64) -> Result<()> {
        if level + 2 >= LEVELS {
            return Err(corrupt());
        }
        let source = self.level(of, level);
        let target = source + 1;
        let segments = self.shadow.level_segments(context, source)?;
        let last = self.level(of, LEVELS - 1);
        let highest = self
            .shadow
            .max_level(context, self.level(of, 0), last)?
            .unwrap_or(0);
        let idx = self.allocate_idx(context, of, level + 1)?;
        let deleted = if target > highest {
            Deleted::Drop
        } else {
            Deleted::Keep
        };
        let writer = self.merged(context, &segments, deleted)?;
        self.delete_blocks(context, &segments)?;
        self.shadow.delete_level(context, source)?;
        if let Some(writer) = writer {
            let written = self.finish_segment(context, writer, target, idx)?;
            if target < highest {
                self.promote_segments(context, target, written.size)?;
            }
        }
        Ok(())
    }

    /// Makes one segment of a whole index. False if it is one already.
    pub(super) fn merge_index(&self, context: &mut VirtualContext<'_>, of: IndexId) -> Result<bool> {
        let base = self.level(of, 0);
        let segments = self.shadow.index_segments(context, base)?;
        if segments.len() == 1 {
            return Ok(false);
        }
        let Some(highest) = segments.iter().map(|segment| segment.level).max() else {
            return Ok(true);
        };
        let writer = self.merged(context, &segments, Deleted::Drop)?;
        self.delete_blocks(context, &segments)?;
        self.shadow.delete_index(context, base)?;
        if let Some(writer) = writer {
            self.finish_segment(context, writer, highest, 0)?;
        }
        Ok(true)
    }

    /// The words of several segments in a new one; `None` if there are none.
    fn merged(
        &self,
        context: &mut VirtualContext<'_>,
        segments: &[super::shadow::Segment],
        deleted: Deleted,
    ) -> Result<Option<SegmentWriter>> {
        let readers = segments.iter().enumerate();
        let readers = readers
            .map(|(age, segment)| SegmentReader::new(age, segment))
            .collect::<Result<_>>()?;
        let mut merge = Merge::start(context, &self.shadow, readers, self.direction, deleted, b"")?;
        let mut writer = None;
        while merge.next(context, &self.shadow)? {
            if writer.is_none() {
                writer = Some(SegmentWriter::new(context, &self.shadow, self.node_size)?);
            }
            if let Some(writer) = &mut writer {
                writer.push(context, &self.shadow, merge.term(), merge.doclist())?;
            }
            context.check_interrupt()?;
        }
        Ok(writer)
    }

    fn delete_blocks(
        &self,
        context: &mut VirtualContext<'_>,
        segments: &[super::shadow::Segment],
    ) -> Result<()> {
        for segment in segments.iter().filter(|segment| segment.start_block != 0) {
            self.shadow
                .delete_blocks(context, segment.start_block, segment.end_block)?;
        }
        Ok(())
    }

    /// Moves older segments down to `level`, if all that are above are small against the new one of `size` bytes there: they would wait
    /// long for a merge of their own.
    pub(super) fn promote_segments(
        &self,
        context: &mut VirtualContext<'_>,
        level: i64,
        size: i64,
    ) -> Result<()> {
        let segdir = self.shadow.table("segdir");
        let last = (level / LEVELS + 1) * LEVELS - 1;
        let base = level - level.rem_euclid(LEVELS);
        let mut segments = self.shadow.index_segments(context, base)?;
        segments.retain(|segment| (level..=last).contains(&segment.level));
        let limit = size.saturating_mul(3) / 2;
        let mut above = segments.iter().filter(|segment| segment.level > level).peekable();
        if above.peek().is_none() || above.any(|segment| segment.size <= 0 || segment.size > limit) {
            return Ok(());
        }
        let aside = format!("UPDATE OR FAIL {segdir} SET level = -1, idx = ?1 WHERE level = ?2 AND idx = ?3");
        for (idx, segment) in segments.iter().enumerate() {
            let params = [idx as i64, segment.level, segment.idx].map(Value::Integer);
            execute(context, &aside, &params)?;
        }
        let back = format!("UPDATE {segdir} SET level = ?1 WHERE level = -1");
        execute(context, &back, &[Value::Integer(level)])
    }

    /// Rows of a doclist go this way.
    pub(super) fn direction_of(descending: bool) -> Direction {
        match descending {
            true => Direction::Descending,
            false => Direction::Ascending,
        }
    }
}
