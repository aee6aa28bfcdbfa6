//! Merging the segments of a level step by step, so that no single commit pays for all of it.
//!
//! The output segment gets its blocks ahead: as many as twice the leaves of the input for each of sixteen heights, with an empty block at the end that
//! says "more may come". A step appends words to it until its share of work is done; the inputs lose what was taken from them, or vanish.
//! Level and number of inputs are then pushed on a stack in %_stat, so that the next step goes on there.

use super::merge::{Deleted, Merge};
use super::node::{NodeReader, NodeWriter, entry_length};
use super::reader::SegmentReader;
use crate::error::Result;
use crate::modules::fts::doclist::corrupt;
use crate::modules::fts::shadow::{LEVELS, Segment, Shadow, Stat, execute, integer, query_row};
use crate::modules::fts::table::FtsTable;
use crate::modules::fts::varint;
use crate::value::Value;
use crate::virtual_table::VirtualContext;

/// Heights that an output segment may grow to.
const HEIGHTS: usize = 16;

/// Merges until about `work` leaves are written; a level counts if it has `least` segments.
pub(in crate::modules::fts) fn merge(
    table: &FtsTable,
    context: &mut VirtualContext<'_>,
    work: i64,
    least: i64,
) -> Result<()> {
    let shadow = &table.shadow;
    let mut hints = Hints::load(shadow, context)?;
    let mut left = work;
    while left > 0 {
        context.check_interrupt()?;
        let Some(step) = next_step(table, context, least, &mut hints)? else {
            break;
        };
        let done = run_step(table, context, step, left, &mut hints)?;
        left -= done;
    }
    hints.store(shadow, context)
}

/// What to merge.
#[derive(Clone, Copy, Debug)]
struct Step {
    level: i64,
    inputs: usize,
    /// It was begun before.
    hinted: bool,
}

fn next_step(
    table: &FtsTable,
    context: &mut VirtualContext<'_>,
    least: i64,
    hints: &mut Hints,
) -> Result<Option<Step>> {
    let levels = LEVELS * table.index_count() as i64;
    let sql = format!(
        "SELECT level, count(*) AS cnt FROM {} GROUP BY level HAVING cnt >= ?1 ORDER BY (level % {LEVELS}) ASC, 2 DESC LIMIT 1",
        table.shadow.table("segdir")
    );
    let found = query_row(context, &sql, &[Value::Integer(least.max(2))], |row| {
        (integer(row.value(0)), integer(row.value(1)))
    })?;
    let (mut level, mut inputs) = found.unwrap_or((0, -1));
    let mut hinted = false;
    if !hints.bytes.is_empty() {
        let (hint_level, hint_inputs, rest) = hints.last()?;
        if inputs < 0 || level % levels >= hint_level % levels {
            hints.bytes.truncate(rest);
            hints.changed = true;
            level = hint_level;
            inputs = least.max(inputs).min(hint_inputs);
            hinted = true;
        }
    }
    if inputs <= 0 {
        return Ok(None);
    }
    if !(0..=levels << 32).contains(&level) {
        return Err(corrupt());
    }
    let inputs = inputs as usize;
    Ok(Some(Step {
        level,
        inputs,
        hinted,
    }))
}

/// Does one step and returns how much work it was.
fn run_step(
    table: &FtsTable,
    context: &mut VirtualContext<'_>,
    step: Step,
    left: i64,
    hints: &mut Hints,
) -> Result<i64> {
    let shadow = &table.shadow;
    let idx = shadow.next_idx(context, step.level + 1)?;
    let mut deleted = Deleted::Keep;
    if idx == 0 || step.hinted && idx == 1 {
        let first = step.level + 2;
        let last = ((step.level + 1) / LEVELS + 1) * LEVELS;
        if shadow.max_level(context, first, last)?.is_none() {
            deleted = Deleted::Drop;
        }
    }
    let mut inputs = shadow.level_segments(context, step.level)?;
    inputs.truncate(step.inputs);
    if inputs.len() != step.inputs {
        return Ok(0);
    }
    let mut readers = Vec::with_capacity(inputs.len());
    for (age, input) in inputs.iter().enumerate() {
        readers.push(SegmentReader::new(age, input)?);
    }
    let mut merge = Merge::start(context, shadow, readers, table.direction, deleted, b"")?;
    let mut more = merge.next(context, shadow)?;
    let output = match step.hinted && idx > 0 {
        true => Output::take_up(table, context, step.level, idx - 1, merge.term())?,
        false => Some(Output::begin(table, context, step, idx)?),
    };
    let Some(mut output) = output else {
        return Ok(0);
    };
    while more {
        output.push(table, context, merge.term(), merge.doclist())?;
        more = merge.next(context, shadow)?;
        if more && output.work >= left {
            break;
        }
    }
    let done = 1 + output.work;
    let rest = chomp(table, context, step.level, &inputs, &merge)?;
    if rest > 0 {
        hints.push(step.level, rest);
    }
    let size = output.size;
    let sized = output.sized;
    output.release(table, context, rest > 0)?;
    if rest == 0 && sized {
        table.promote_segments(context, step.level + 1, size)?;
    }
    Ok(done)
}

/// Takes from the inputs what was merged, and returns how many are left.
fn chomp(
    table: &FtsTable,
    context: &mut VirtualContext<'_>,
    level: i64,
    inputs: &[Segment],
    merge: &Merge,
) -> Result<usize> {
    let shadow = &table.shadow;
    let segdir = shadow.table("segdir");
    let mut rest = 0;
    for (age, input) in inputs.iter().enumerate().rev() {
        let Some(reader) = merge.readers.iter().find(|reader| reader.age == age) else {
            continue;
        };
        if !reader.at_end {
            truncate_segment(shadow, context, input, &reader.term)?;
            rest += 1;
            continue;
        }
        if input.start_block != 0 {
            shadow.delete_blocks(context, input.start_block, input.end_block)?;
        }
        let sql = format!("DELETE FROM {segdir} WHERE level = ?1 AND idx = ?2");
        execute(context, &sql, &[Value::Integer(level), Value::Integer(input.idx)])?;
    }
    if rest != inputs.len() {
        let sql = format!("UPDATE {segdir} SET idx = ?1 WHERE level = ?2 AND idx = ?3");
        for (idx, segment) in shadow.level_segments(context, level)?.iter().enumerate() {
            if segment.idx != idx as i64 {
                let params = [idx as i64, level, segment.idx].map(Value::Integer);
                execute(context, &sql, &params)?;
            }
        }
    }
    Ok(rest)
}

/// Takes all terms before `term` from a segment.
fn truncate_segment(
    shadow: &Shadow,
    context: &mut VirtualContext<'_>,
    segment: &Segment,
    term: &[u8],
) -> Result<()> {
    let (root, mut block) = truncate_node(&segment.root, term)?;
    let mut start = 0;
    let mut height = u64::MAX;
    while block != 0 {
        start = block;
        let node = shadow.block(context, block)?;
        let below = varint::read(&node, &mut 0).ok_or_else(corrupt)?;
        if below >= height {
            return Err(corrupt());
        }
        height = below;
        let (bytes, child) = truncate_node(&node, term)?;
        shadow.write_block(context, start, Some(&bytes))?;
        block = child;
    }
    if start != 0 {
        shadow.delete_blocks(context, segment.start_block, start - 1)?;
    }
    let sql = format!(
        "UPDATE {} SET start_block = ?1, root = ?2 WHERE level = ?3 AND idx = ?4",
        shadow.table("segdir")
    );
    let params = [
        Value::Integer(start),
        Value::Blob(root),
        Value::Integer(segment.level),
        Value::Integer(segment.idx),
    ];
    execute(context, &sql, &params)
}

/// The node without terms before `term`, and the child that its first key is right of (0 in a leaf).
fn truncate_node(node: &[u8], term: &[u8]) -> Result<(Vec<u8>, i64)> {
    let mut reader = NodeReader::new(node)?;
    let mut writer = NodeWriter::default();
    let mut child = 0;
    while reader.next()? {
        if writer.bytes.is_empty() {
            let is_leaf = reader.height == 0;
            if reader.term.as_slice() < term || !is_leaf && reader.term == term {
                continue;
            }
            child = reader.child;
            writer.start(reader.height, child);
        }
        let doclist = (reader.height == 0).then_some(reader.doclist);
        writer.push(&reader.term, doclist)?;
    }
    if writer.bytes.is_empty() {
        child = reader.child;
        writer.start(reader.height, child);
    }
    Ok((writer.bytes, child))
}

/// The segment that a merge appends to.
#[derive(Debug)]
struct Output {
    level: i64,
    idx: i64,
    first_block: i64,
    last_block: i64,
    /// Blocks for each height.
    leaves_max: i64,
    /// Bytes of leaves.
    size: i64,
    /// Whether `size` is known.
    sized: bool,
    /// Leaves written.
    work: i64,
    nodes: [OutputNode; HEIGHTS],
}

#[derive(Debug, Default)]
struct OutputNode {
    block: i64,
    node: NodeWriter,
}

impl Output {
    /// A new segment above `step.level`.
    fn begin(table: &FtsTable, context: &mut VirtualContext<'_>, step: Step, idx: i64) -> Result<Output> {
        let shadow = &table.shadow;
        let sql = format!(
            "SELECT 2 * total(1 + leaves_end_block - start_block) FROM (SELECT * FROM {} WHERE level = ?1 ORDER BY idx ASC LIMIT ?2)",
            shadow.table("segdir")
        );
        let params = [Value::Integer(step.level), Value::Integer(step.inputs as i64)];
        let leaves_max = query_row(context, &sql, &params, |row| integer(row.value(0)))?.unwrap_or(0);
        // Every input has a leaf, so less than that is damage.
        if leaves_max <= 0 {
            return Err(corrupt());
        }
        let first_block = shadow.next_block(context)?;
        let reserved = leaves_max.checked_mul(HEIGHTS as i64).ok_or_else(corrupt)?;
        let last_block = (first_block - 1).checked_add(reserved).ok_or_else(corrupt)?;
        shadow.write_block(context, last_block, None)?;
        let mut output = Output {
            level: step.level,
            idx,
            first_block,
            last_block,
            leaves_max,
            size: 0,
            sized: true,
            work: 0,
            nodes: Default::default(),
        };
        output.place_nodes(0);
        Ok(output)
    }

    fn place_nodes(&mut self, from: usize) {
        for (height, node) in self.nodes.iter_mut().enumerate().skip(from) {
            node.block = self
                .first_block
                .wrapping_add(self.leaves_max.wrapping_mul(height as i64));
        }
    }

    /// The segment that an earlier step began, if there is still room and `term` is past its last one.
    fn take_up(
        table: &FtsTable,
        context: &mut VirtualContext<'_>,
        level: i64,
        idx: i64,
        term: &[u8],
    ) -> Result<Option<Output>> {
        let shadow = &table.shadow;
        let Some(segment) = shadow.segment(context, level + 1, idx)? else {
            return Ok(None);
        };
        if !shadow.is_reserved(context, segment.end_block)? {
            return Ok(None);
        }
        let last_leaf = shadow.block(context, segment.leaves_end_block)?;
        if term <= last_of(&last_leaf)?.0.as_slice() {
            return Ok(None);
        }
        let height =
            usize::try_from(varint::read(&segment.root, &mut 0).ok_or_else(corrupt)?).unwrap_or(usize::MAX);
        if !(1..HEIGHTS).contains(&height) {
            return Err(corrupt());
        }
        let blocks = segment
            .end_block
            .checked_sub(segment.start_block)
            .ok_or_else(corrupt)?;
        let mut output = Output {
            level,
            idx,
            first_block: segment.start_block,
            last_block: segment.end_block,
            leaves_max: blocks.saturating_add(1) / HEIGHTS as i64,
            size: segment.size.saturating_abs(),
            sized: segment.size != 0,
            work: 0,
            nodes: Default::default(),
        };
        output.place_nodes(height);
        let mut bytes = segment.root;
        for below in (0..=height).rev() {
            let (last, child) = last_of(&bytes)?;
            output.nodes[below].node = NodeWriter { bytes, last };
            bytes = Vec::new();
            if below > 0 {
                output.nodes[below - 1].block = child;
                bytes = shadow.block(context, child)?;
            }
        }
        Ok(Some(output))
    }

    /// Appends a word.
    fn push(
        &mut self,
        table: &FtsTable,
        context: &mut VirtualContext<'_>,
        term: &[u8],
        doclist: &[u8],
    ) -> Result<()> {
        let leaf = &mut self.nodes[0];
        let mut shared = leaf.node.shared(term)?;
        let mut needed = entry_length(term, shared, Some(doclist));
        let used = leaf.node.bytes.len();
        let has_room = leaf.block < self.first_block.saturating_add(self.leaves_max);
        if used > 0 && used + needed > table.node_size && has_room {
            table
                .shadow
                .write_block(context, leaf.block, Some(&leaf.node.bytes))?;
            self.work += 1;
            self.push_key(table, context, &term[..shared + 1])?;
            let leaf = &mut self.nodes[0];
            leaf.block += 1;
            leaf.node.bytes.clear();
            leaf.node.last.clear();
            shared = 0;
            needed = entry_length(term, shared, Some(doclist));
        }
        let leaf = &mut self.nodes[0];
        self.size += needed as i64;
        if leaf.node.bytes.is_empty() {
            leaf.node.start(0, 0);
        }
        leaf.node.push(term, Some(doclist))
    }

    /// Adds the key of a leaf that was written to the interior nodes.
    fn push_key(&mut self, table: &FtsTable, context: &mut VirtualContext<'_>, key: &[u8]) -> Result<()> {
        let mut child = self.nodes[0].block;
        for height in 1..HEIGHTS {
            let OutputNode { block, node } = &mut self.nodes[height];
            let needed = entry_length(key, node.shared(key)?, None);
            if node.last.is_empty() || node.bytes.len() + needed <= table.node_size {
                if node.bytes.is_empty() {
                    node.start(height as u64, child);
                }
                return node.push(key, None);
            }
            table.shadow.write_block(context, *block, Some(&node.bytes))?;
            node.start(height as u64, child.wrapping_add(1));
            child = *block;
            *block += 1;
        }
        Ok(())
    }

    /// Writes what is in memory, and the row in %_segdir.
    fn release(mut self, table: &FtsTable, context: &mut VirtualContext<'_>, unfinished: bool) -> Result<()> {
        let Some(mut top) = self.nodes.iter().rposition(|node| !node.node.bytes.is_empty()) else {
            return Ok(());
        };
        if top == 0 {
            // A segment that has blocks must have an interior root, even above a single leaf.
            let only_leaf = self.nodes[0].block;
            self.nodes[1].node.start(1, only_leaf);
            top = 1;
        }
        for node in self.nodes[..top]
            .iter()
            .filter(|node| !node.node.bytes.is_empty())
        {
            table
                .shadow
                .write_block(context, node.block, Some(&node.node.bytes))?;
        }
        let size = if self.sized { self.size } else { 0 };
        let segment = Segment {
            level: self.level + 1,
            idx: self.idx,
            start_block: self.first_block,
            leaves_end_block: self.nodes[0].block,
            end_block: self.last_block,
            size: if unfinished { -size } else { size },
            root: std::mem::take(&mut self.nodes[top].node.bytes),
        };
        table.shadow.write_segment(context, &segment)
    }
}

/// The last term of a node, and its last child.
fn last_of(node: &[u8]) -> Result<(Vec<u8>, i64)> {
    let mut reader = NodeReader::new(node)?;
    while reader.next()? {}
    Ok((reader.term, reader.child))
}

/// Where merges stopped: pairs of level and number of inputs, the last to be taken up first.
#[derive(Debug)]
struct Hints {
    bytes: Vec<u8>,
    changed: bool,
}

impl Hints {
    fn load(shadow: &Shadow, context: &mut VirtualContext<'_>) -> Result<Hints> {
        let bytes = match shadow.stat(context, Stat::MergeHint)? {
            Some(Value::Blob(bytes)) => bytes,
            Some(Value::Text(text)) => text.as_bytes().to_vec(),
            _ => Vec::new(),
        };
        Ok(Hints {
            bytes,
            changed: false,
        })
    }

    fn store(self, shadow: &Shadow, context: &mut VirtualContext<'_>) -> Result<()> {
        match self.changed {
            true => shadow.write_stat(context, Stat::MergeHint, Value::Blob(self.bytes)),
            false => Ok(()),
        }
    }

    fn push(&mut self, level: i64, inputs: usize) {
        varint::push(&mut self.bytes, level as u64);
        varint::push(&mut self.bytes, inputs as u64);
        self.changed = true;
    }

    /// The last pair, and how many bytes are before it.
    fn last(&self) -> Result<(i64, i64, usize)> {
        let bytes = &self.bytes[..];
        let start_of = |end: usize| {
            let last = end.checked_sub(1)?;
            (bytes[last] < 0x80).then(|| {
                bytes[..last]
                    .iter()
                    .rposition(|byte| *byte < 0x80)
                    .map_or(0, |at| at + 1)
            })
        };
        let inputs_start = start_of(bytes.len()).ok_or_else(corrupt)?;
        let start = start_of(inputs_start).ok_or_else(corrupt)?;
        let level = varint::read(bytes, &mut { start }).ok_or_else(corrupt)?;
        let inputs = varint::read(bytes, &mut { inputs_start }).ok_or_else(corrupt)?;
        Ok((level as i64, inputs.min(i64::from(i32::MAX) as u64) as i64, start))
    }
}
