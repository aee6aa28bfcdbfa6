//! The shadow tables of a full-text table, and the statements on them.
//!
//! | table | holds | in |
//! |---|---|---|
//! | `%_content` | the texts: docid, a column for each column, the language id | all but `content=` tables |
//! | `%_segments` | nodes of segments: blockid, block | all |
//! | `%_segdir` | a row for each segment, with its root node | all |
//! | `%_docsize` | tokens of each column of each row | FTS4 but `matchinfo=fts3` |
//! | `%_stat` | 0: totals, 1: where an incremental merge stopped, 2: automerge | FTS4, or added to FTS3 by `merge=` |
//!
//! ```text
//! %_segdir  level, idx              level = (language * indexes + index) * 1024 + level within the index
//!           start_block             first leaf, 0 if the root is the only node
//!           leaves_end_block        last leaf
//!           end_block               last block; as text "block bytes-of-leaves" (negative: merge in progress)
//!           root                    the root node
//! ```

use super::doclist::corrupt;
use crate::error::{ConstraintKind, Error, Result};
pub(super) use crate::value::number::integer_of as integer;
use crate::value::{Text, Value, ValueRef};
use crate::virtual_table::{Prepared, VirtualContext};

/// Levels of one index of one language.
pub(super) const LEVELS: i64 = 1024;

/// A row of %_stat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stat {
    /// Rows, tokens of each column, bytes of all.
    Totals = 0,
    /// Levels whose merge is to go on.
    MergeHint = 1,
    /// How many segments make an automatic merge.
    AutoMerge = 2,
}

/// A row of %_segdir.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) level: i64,
    pub(super) idx: i64,
    pub(super) start_block: i64,
    pub(super) leaves_end_block: i64,
    pub(super) end_block: i64,
    /// Bytes of its leaves; 0 if unknown, negative while a merge is in progress.
    pub(super) size: i64,
    pub(super) root: Vec<u8>,
}

/// The shadow tables of one table.
#[derive(Debug)]
pub(super) struct Shadow {
    schema: String,
    name: String,
    select_block: String,
    replace_block: String,
    delete_blocks: String,
    next_block: String,
    select_index: String,
    select_level: String,
    select_segment: String,
    replace_segment: String,
    delete_index: String,
    delete_level: String,
    next_idx: String,
    max_level: String,
    select_stat: String,
    replace_stat: String,
    select_docsize: String,
    replace_docsize: String,
    delete_docsize: String,
}

const SEGMENT_COLUMNS: &str = "level, idx, start_block, leaves_end_block, end_block, root";

impl Shadow {
    pub(super) fn new(schema: &str, name: &str) -> Shadow {
        let table = |suffix: &str| qualified(schema, &format!("{name}_{suffix}"));
        let (segments, segdir) = (table("segments"), table("segdir"));
        let (stat, docsize) = (table("stat"), table("docsize"));
        let select = format!("SELECT {SEGMENT_COLUMNS} FROM {segdir} WHERE level");
        Shadow {
            schema: schema.to_owned(),
            name: name.to_owned(),
            select_block: format!("SELECT block FROM {segments} WHERE blockid = ?1"),
            replace_block: format!("REPLACE INTO {segments}(blockid, block) VALUES(?1, ?2)"),
            delete_blocks: format!("DELETE FROM {segments} WHERE blockid BETWEEN ?1 AND ?2"),
            next_block: format!("SELECT coalesce((SELECT max(blockid) FROM {segments}) + 1, 1)"),
            select_index: format!("{select} BETWEEN ?1 AND ?2 ORDER BY level DESC, idx ASC"),
            select_level: format!("{select} = ?1 ORDER BY idx ASC"),
            select_segment: format!("{select} = ?1 AND idx = ?2"),
            replace_segment: format!("REPLACE INTO {segdir} VALUES(?1, ?2, ?3, ?4, ?5, ?6)"),
            delete_index: format!("DELETE FROM {segdir} WHERE level BETWEEN ?1 AND ?2"),
            delete_level: format!("DELETE FROM {segdir} WHERE level = ?1"),
            next_idx: format!("SELECT (SELECT max(idx) FROM {segdir} WHERE level = ?1) + 1"),
            max_level: format!("SELECT max(level) FROM {segdir} WHERE level BETWEEN ?1 AND ?2"),
            select_stat: format!("SELECT value FROM {stat} WHERE id = ?1"),
            replace_stat: format!("REPLACE INTO {stat} VALUES(?1, ?2)"),
            select_docsize: format!("SELECT size FROM {docsize} WHERE docid = ?1"),
            replace_docsize: format!("REPLACE INTO {docsize} VALUES(?1, ?2)"),
            delete_docsize: format!("DELETE FROM {docsize} WHERE docid = ?1"),
        }
    }

    /// A shadow table as it stands in SQL.
    pub(super) fn table(&self, suffix: &str) -> String {
        qualified(&self.schema, &format!("{}_{suffix}", self.name))
    }

    /// A shadow table as CREATE TABLE names it: the text in sqlite_schema is SQLite's, quotes included.
    pub(super) fn table_to_create(&self, suffix: &str) -> String {
        let table = string_literal(&format!("{}_{suffix}", self.name));
        format!("{}.{table}", string_literal(&self.schema))
    }

    /// The database that the tables are in.
    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// Whether a shadow table is there.
    pub(super) fn has(&self, context: &mut VirtualContext<'_>, suffix: &str) -> Result<bool> {
        context.has_table(&self.schema, &format!("{}_{suffix}", self.name))
    }

    // ---- blocks ----------------------------------------------------------------------------------

    /// A node of a segment.
    pub(super) fn block(&self, context: &mut VirtualContext<'_>, id: i64) -> Result<Vec<u8>> {
        let found = query_row(context, &self.select_block, &[Value::Integer(id)], |row| {
            bytes(row.value(0))
        })?;
        found.flatten().ok_or_else(corrupt)
    }

    /// Whether a block was reserved and holds nothing: the end of a segment that may be appended to.
    pub(super) fn is_reserved(&self, context: &mut VirtualContext<'_>, id: i64) -> Result<bool> {
        let found = query_row(context, &self.select_block, &[Value::Integer(id)], |row| {
            matches!(row.value(0), ValueRef::Null)
        })?;
        Ok(found == Some(true))
    }

    /// Writes a node; nothing reserves the place.
    pub(super) fn write_block(
        &self,
        context: &mut VirtualContext<'_>,
        id: i64,
        block: Option<&[u8]>,
    ) -> Result<()> {
        let block = block.map_or(Value::Null, |block| Value::Blob(block.to_vec()));
        execute(context, &self.replace_block, &[Value::Integer(id), block])
    }

    pub(super) fn delete_blocks(
        &self,
        context: &mut VirtualContext<'_>,
        first: i64,
        last: i64,
    ) -> Result<()> {
        execute(
            context,
            &self.delete_blocks,
            &[Value::Integer(first), Value::Integer(last)],
        )
    }

    /// The first number that no block has.
    pub(super) fn next_block(&self, context: &mut VirtualContext<'_>) -> Result<i64> {
        Ok(query_row(context, &self.next_block, &[], |row| integer(row.value(0)))?.unwrap_or(1))
    }

    // ---- segments --------------------------------------------------------------------------------

    /// The segments of all levels of an index whose lowest level is `base`, the oldest first.
    pub(super) fn index_segments(&self, context: &mut VirtualContext<'_>, base: i64) -> Result<Vec<Segment>> {
        let last = Value::Integer(base.saturating_add(LEVELS - 1));
        segments(context, &self.select_index, &[Value::Integer(base), last])
    }

    /// The segments of a level, the oldest first.
    pub(super) fn level_segments(
        &self,
        context: &mut VirtualContext<'_>,
        level: i64,
    ) -> Result<Vec<Segment>> {
        segments(context, &self.select_level, &[Value::Integer(level)])
    }

    pub(super) fn segment(
        &self,
        context: &mut VirtualContext<'_>,
        level: i64,
        idx: i64,
    ) -> Result<Option<Segment>> {
        let found = segments(
            context,
            &self.select_segment,
            &[Value::Integer(level), Value::Integer(idx)],
        )?;
        Ok(found.into_iter().next())
    }

    pub(super) fn write_segment(&self, context: &mut VirtualContext<'_>, segment: &Segment) -> Result<()> {
        let end = match segment.size {
            0 => Value::Integer(segment.end_block),
            size => Value::Text(Text::from_bytes(format!("{} {size}", segment.end_block))),
        };
        let params = [
            Value::Integer(segment.level),
            Value::Integer(segment.idx),
            Value::Integer(segment.start_block),
            Value::Integer(segment.leaves_end_block),
            end,
            Value::Blob(segment.root.clone()),
        ];
        execute(context, &self.replace_segment, &params)
    }

    /// Forgets all segments of an index; their blocks are another matter.
    pub(super) fn delete_index(&self, context: &mut VirtualContext<'_>, base: i64) -> Result<()> {
        let last = Value::Integer(base.saturating_add(LEVELS - 1));
        execute(context, &self.delete_index, &[Value::Integer(base), last])
    }

    /// Forgets all segments of a level.
    pub(super) fn delete_level(&self, context: &mut VirtualContext<'_>, level: i64) -> Result<()> {
        execute(context, &self.delete_level, &[Value::Integer(level)])
    }

    /// The first idx that no segment of the level has.
    pub(super) fn next_idx(&self, context: &mut VirtualContext<'_>, level: i64) -> Result<i64> {
        let next = query_row(context, &self.next_idx, &[Value::Integer(level)], |row| {
            integer(row.value(0))
        })?;
        Ok(next.unwrap_or(0))
    }

    /// The highest level from `first` to `last` that has a segment.
    pub(super) fn max_level(
        &self,
        context: &mut VirtualContext<'_>,
        first: i64,
        last: i64,
    ) -> Result<Option<i64>> {
        let params = [Value::Integer(first), Value::Integer(last)];
        let found = query_row(context, &self.max_level, &params, |row| {
            (!matches!(row.value(0), ValueRef::Null)).then(|| integer(row.value(0)))
        })?;
        Ok(found.flatten())
    }

    // ---- sizes -----------------------------------------------------------------------------------

    /// A value of %_stat as the column gives it.
    pub(super) fn stat(&self, context: &mut VirtualContext<'_>, id: Stat) -> Result<Option<Value>> {
        let params = [Value::Integer(id as i64)];
        query_row(context, &self.select_stat, &params, |row| {
            Value::from(row.value(0))
        })
    }

    pub(super) fn write_stat(&self, context: &mut VirtualContext<'_>, id: Stat, value: Value) -> Result<()> {
        execute(context, &self.replace_stat, &[Value::Integer(id as i64), value])
    }

    /// The sizes of a row, packed.
    pub(super) fn docsize(&self, context: &mut VirtualContext<'_>, docid: i64) -> Result<Option<Vec<u8>>> {
        let found = query_row(context, &self.select_docsize, &[Value::Integer(docid)], |row| {
            bytes(row.value(0))
        })?;
        Ok(found.flatten())
    }

    pub(super) fn write_docsize(
        &self,
        context: &mut VirtualContext<'_>,
        docid: i64,
        sizes: Vec<u8>,
    ) -> Result<()> {
        execute(
            context,
            &self.replace_docsize,
            &[Value::Integer(docid), Value::Blob(sizes)],
        )
    }

    pub(super) fn delete_docsize(&self, context: &mut VirtualContext<'_>, docid: i64) -> Result<()> {
        execute(context, &self.delete_docsize, &[Value::Integer(docid)])
    }
}

/// `"schema"."table"`.
pub(super) fn qualified(schema: &str, table: &str) -> String {
    format!("{}.{}", quoted(schema), quoted(table))
}

/// A text in single quotes, which SQLite takes for a name where a name must be.
pub(super) fn string_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name in double quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Runs a statement; of what goes wrong in it only the kind is told, as SQLite does.
pub(super) fn execute(context: &mut VirtualContext<'_>, sql: &str, params: &[Value]) -> Result<()> {
    context.execute(sql, params).map(|_| ()).map_err(anonymous)
}

/// The first row of a query.
pub(super) fn query_row<T>(
    context: &mut VirtualContext<'_>,
    sql: &str,
    params: &[Value],
    read: impl FnOnce(&Prepared) -> T,
) -> Result<Option<T>> {
    context
        .query_row(sql, params, |row| Ok(read(row)))
        .map_err(anonymous)
}

/// The error without what it says of tables that the user did not name.
pub(super) fn anonymous(error: Error) -> Error {
    match error {
        Error::Syntax { .. } | Error::Sql { .. } => Error::sql("SQL logic error"),
        Error::Constraint { .. } => constraint_failed(),
        other => other,
    }
}

/// A docid that is taken, and the like.
pub(super) fn constraint_failed() -> Error {
    Error::constraint(ConstraintKind::Any, "constraint failed")
}

fn segments(context: &mut VirtualContext<'_>, sql: &str, params: &[Value]) -> Result<Vec<Segment>> {
    let mut all = Vec::new();
    let read = |row: &Prepared| {
        let (end_block, size) = end_and_size(row.value(4));
        all.push(Segment {
            level: integer(row.value(0)),
            idx: integer(row.value(1)),
            start_block: integer(row.value(2)),
            leaves_end_block: integer(row.value(3)),
            end_block,
            size,
            root: bytes(row.value(5)).unwrap_or_default(),
        });
        Ok(())
    };
    context.query(sql, params, read).map_err(anonymous)?;
    Ok(all)
}

/// `12` or `'12 3456'`.
fn end_and_size(value: ValueRef<'_>) -> (i64, i64) {
    let ValueRef::Text(text) = value else {
        return (integer(value), 0);
    };
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (end, rest) = text.split_at(digits);
    let rest = rest.trim_ascii_start();
    (leading_integer(end), leading_integer(rest))
}

/// The integer that a text starts with; 0 if there is none or it is too large.
pub(super) fn leading_integer(text: &[u8]) -> i64 {
    let sign = usize::from(text.first() == Some(&b'-'));
    let digits = text[sign..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let number = std::str::from_utf8(&text[..sign + digits]).ok();
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The bytes of a blob or text; of a number, those of its text.
fn bytes(value: ValueRef<'_>) -> Option<Vec<u8>> {
    match value {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Some(bytes.to_vec()),
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string().into_bytes()),
        ValueRef::Real(_) => Some(Vec::new()),
    }
}
