//! Reading a range of a tree, leaf by leaf, into batches.
//!
//! [`RangeReader`] moves a cursor over a range in either direction and hands the rows of each leaf to an [`Output`], until that
//! has no room. An end that is a key is checked once a leaf where the whole leaf lies inside, else once a row.

use std::cmp::Ordering;
use std::sync::Arc;

use aludel_storage::btree::{IndexCursor, LeafRow, LeafRows, Seek, TableCursor};
use aludel_storage::format::TextEncoding;
use aludel_storage::pager::Pager;

use super::leaf::PlaceList;
use super::output::{Output, Places};
use super::seek::{KeyEnd, KeySeek, RowidSeek, SeekKernels, give_points};
use super::sorted_values::SortedValues;
use crate::error::Result;
use crate::exec::ExecContext;
use crate::plan::physical::DatabaseIndex;

/// A cursor over either kind of tree.
pub(super) enum TreeCursor {
    Table(TableCursor),
    Index(IndexCursor),
}

impl TreeCursor {
    fn leaf(&self) -> LeafRows<'_> {
        match self {
            TreeCursor::Table(cursor) => cursor.leaf(),
            TreeCursor::Index(cursor) => cursor.leaf(),
        }
    }

    fn leaf_back(&self) -> LeafRows<'_> {
        match self {
            TreeCursor::Table(cursor) => cursor.leaf_back(),
            TreeCursor::Index(cursor) => cursor.leaf_back(),
        }
    }

    fn next_leaf(&mut self, pager: &Pager) -> Result<bool> {
        Ok(match self {
            TreeCursor::Table(cursor) => cursor.next_leaf(pager)?,
            TreeCursor::Index(cursor) => cursor.next_leaf(pager)?,
        })
    }

    fn prev_leaf(&mut self, pager: &Pager) -> Result<bool> {
        Ok(match self {
            TreeCursor::Table(cursor) => cursor.prev_leaf(pager)?,
            TreeCursor::Index(cursor) => cursor.prev_leaf(pager)?,
        })
    }

    fn stand_at(&mut self, pager: &Pager, index: usize) -> Result<bool> {
        Ok(match self {
            TreeCursor::Table(cursor) => cursor.stand_at(index)?,
            TreeCursor::Index(cursor) => cursor.stand_at(pager, index)?,
        })
    }

    /// Lets go of all pages.
    pub(super) fn reset(&mut self) {
        match self {
            TreeCursor::Table(cursor) => cursor.reset(),
            TreeCursor::Index(cursor) => cursor.reset(),
        }
    }
}

/// What is still to be visited.
enum Todo {
    Rowids {
        points: Vec<i64>,
        next: usize,
        /// Those that come after them.
        more: Option<Box<SortedValues>>,
    },
    RowidRange(i64, i64),
    /// The ranges of `RangeReader::keys`.
    Keys,
    Nothing,
}

/// Where the range at hand ends, in the direction of reading.
enum End {
    Open,
    /// Behind the row that the cursor was put on.
    OneRow,
    Rowid(i64),
    /// The end of the range of `RangeReader::keys`.
    Key,
}

/// Where the cursor is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The range at hand is read.
    Nowhere,
    /// On a row that is to be read.
    OnRow,
    /// All rows of the leaf are read.
    LeafDone,
}

/// See the module's head.
pub(super) struct RangeReader {
    cursor: TreeCursor,
    backwards: bool,
    keys: Option<KeySeek>,
    /// Each range of keys has at most one row.
    unique: bool,
    todo: Todo,
    end: End,
    standing: Standing,
    /// The cursor was just put on the first row of a range.
    arrived: bool,
    spill: Vec<u8>,
}

impl RangeReader {
    pub(super) fn new(cursor: TreeCursor, backwards: bool) -> RangeReader {
        let keys = match &cursor {
            TreeCursor::Table(_) => None,
            TreeCursor::Index(cursor) => Some(KeySeek::new(Arc::clone(cursor.order()), backwards)),
        };
        RangeReader {
            cursor,
            backwards,
            keys,
            unique: false,
            todo: Todo::Nothing,
            end: End::Open,
            standing: Standing::Nowhere,
            arrived: false,
            spill: Vec::new(),
        }
    }

    /// Says whether each range of keys has at most one row.
    pub(super) fn with_unique_keys(mut self, unique: bool) -> RangeReader {
        self.unique = unique;
        self
    }

    /// Whether all rows are read. It may be known only when `fill` finds no more.
    #[inline]
    pub(super) fn is_done(&self) -> bool {
        self.standing == Standing::Nowhere
            && match &self.todo {
                Todo::Nothing => true,
                Todo::Rowids { points, next, more } => *next >= points.len() && more.is_none(),
                Todo::RowidRange(..) => false,
                Todo::Keys => self.keys.as_ref().is_none_or(KeySeek::is_finished),
            }
    }

    /// Whether it reads from the end to the front.
    pub(super) fn is_backwards(&self) -> bool {
        self.backwards
    }

    /// Starts over a table tree.
    pub(super) fn start_rowids(&mut self, seek: RowidSeek) {
        self.standing = Standing::Nowhere;
        self.todo = match seek {
            RowidSeek::Nothing => Todo::Nothing,
            RowidSeek::Range(low, high) => Todo::RowidRange(low, high),
            RowidSeek::Points(points, more) => Todo::Rowids {
                points,
                next: 0,
                more,
            },
        };
    }

    /// Starts over an index tree.
    pub(super) fn start_keys(
        &mut self,
        seek: &mut SeekKernels,
        context: &mut ExecContext<'_>,
        encoding: TextEncoding,
    ) -> Result<()> {
        self.standing = Standing::Nowhere;
        self.todo = Todo::Keys;
        match &mut self.keys {
            Some(keys) => keys.start(seek, context, encoding),
            None => Ok(()),
        }
    }

    /// Forgets the scan and lets go of all pages.
    pub(super) fn close(&mut self) {
        self.todo = Todo::Nothing;
        self.standing = Standing::Nowhere;
        self.cursor.reset();
    }

    /// Reads rows into `output` until it has no room or there are no more rows.
    pub(super) fn fill(
        &mut self,
        context: &mut ExecContext<'_>,
        database: DatabaseIndex,
        output: &mut Output,
    ) -> Result<()> {
        while output.room() > 0 && !self.is_done() {
            if self.standing != Standing::OnRow && !self.advance(&context.state.databases[database].pager)? {
                return Ok(());
            }
            self.read_leaf(context, database, output)?;
            context.check_interrupt()?;
        }
        Ok(())
    }

    /// Puts the cursor on the next row to read.
    fn advance(&mut self, pager: &Pager) -> Result<bool> {
        if self.standing == Standing::LeafDone {
            let moved = if self.backwards {
                self.cursor.prev_leaf(pager)?
            } else {
                self.cursor.next_leaf(pager)?
            };
            self.standing = if moved { Standing::OnRow } else { Standing::Nowhere };
        }
        while self.standing == Standing::Nowhere {
            match self.seek_next(pager)? {
                None => return Ok(false),
                Some(true) => (self.standing, self.arrived) = (Standing::OnRow, true),
                Some(false) => {}
            }
        }
        Ok(true)
    }

    /// Goes to the next range; whether it has a first row, or `None` when there are no more ranges.
    fn seek_next(&mut self, pager: &Pager) -> Result<Option<bool>> {
        match (&mut self.todo, &mut self.cursor) {
            (Todo::Rowids { points, next, more }, TreeCursor::Table(cursor)) => {
                if *next >= points.len() && more.is_some() {
                    give_points(more, points)?;
                    *next = 0;
                }
                let Some(&point) = points.get(*next) else {
                    return Ok(None);
                };
                *next += 1;
                self.end = End::OneRow;
                Ok(Some(cursor.seek(pager, point, Seek::Eq)?))
            }
            (&mut Todo::RowidRange(low, high), TreeCursor::Table(cursor)) => {
                self.todo = Todo::Nothing;
                let (from, how, to, open) = match self.backwards {
                    false => (low, Seek::Ge, high, i64::MAX),
                    true => (high, Seek::Le, low, i64::MIN),
                };
                self.end = if to == open { End::Open } else { End::Rowid(to) };
                Ok(Some(match (low, high, self.backwards) {
                    (i64::MIN, _, false) => cursor.first(pager)?,
                    (_, i64::MAX, true) => cursor.last(pager)?,
                    _ => cursor.seek(pager, from, how)?,
                }))
            }
            (Todo::Keys, TreeCursor::Index(cursor)) => {
                let Some(keys) = &mut self.keys else {
                    return Ok(None);
                };
                if !keys.go_on(cursor, pager, &mut self.spill)? || !keys.next()? {
                    return Ok(None);
                }
                self.end = if keys.to().is_open() { End::Open } else { End::Key };
                Ok(Some(seek_key(cursor, pager, keys.from(), self.backwards)?))
            }
            _ => Ok(None),
        }
    }

    /// Hands rows of the current leaf to the output and moves behind them.
    fn read_leaf(
        &mut self,
        context: &mut ExecContext<'_>,
        database: DatabaseIndex,
        output: &mut Output,
    ) -> Result<()> {
        let leaf = if self.backwards {
            self.cursor.leaf_back()
        } else {
            self.cursor.leaf()
        };
        let held = leaf.remaining();
        let arrived = std::mem::take(&mut self.arrived);
        let start = if self.backwards {
            leaf.places().end.saturating_sub(1)
        } else {
            leaf.places().start
        };
        let mut places = Places {
            start,
            count: held.min(output.room()),
            backwards: self.backwards,
        };
        let (inside, ended) = match &self.end {
            End::Open => (places.count, false),
            End::OneRow => (1, true),
            End::Rowid(limit) => {
                let limit = *limit;
                let backwards = self.backwards;
                count_inside(&leaf, places, arrived, |row| {
                    Ok(if backwards {
                        row.rowid >= limit
                    } else {
                        row.rowid <= limit
                    })
                })?
            }
            End::Key => match (&self.keys, &self.cursor) {
                (Some(keys), TreeCursor::Index(cursor)) => {
                    let pager = &context.state.databases[database].pager;
                    let (key, order, end) = (keys.to().key(), cursor.order(), keys.to());
                    let towards = if self.backwards {
                        Ordering::Less
                    } else {
                        Ordering::Greater
                    };
                    let spill = &mut self.spill;
                    let mut is_inside = |row: &LeafRow<'_>| -> Result<bool> {
                        let entry = order.compare_record(row.payload(pager, spill)?, &key)?;
                        Ok(!end.is_past(entry, towards))
                    };
                    match self.unique && arrived {
                        true => (usize::from(is_inside(&leaf.at(places.place(0))?)?), true),
                        false => count_inside(&leaf, places, arrived, is_inside)?,
                    }
                }
                _ => (0, true),
            },
        };
        places.count = inside.min(places.count);
        output.take(context, database, &leaf, places)?;
        if ended {
            self.standing = Standing::Nowhere;
            return Ok(());
        }
        let stands = match places.next() {
            Some(next) if places.count < held => self
                .cursor
                .stand_at(&context.state.databases[database].pager, next)?,
            _ => false,
        };
        self.standing = if stands {
            Standing::OnRow
        } else {
            Standing::LeafDone
        };
        Ok(())
    }
}

/// How many of the rows at `places` are inside the range, and whether the range ends among them: rows inside come first.
///
/// Where the range has just begun it may be short, and it is looked for its end from the beginning, in growing steps; later one look
/// at the last row mostly is enough.
fn count_inside(
    leaf: &LeafRows<'_>,
    places: Places,
    arrived: bool,
    mut is_inside: impl FnMut(&LeafRow<'_>) -> Result<bool>,
) -> Result<(usize, bool)> {
    let (mut inside, mut outside) = (0, places.count);
    let mut probe = if arrived { 0 } else { places.count - 1 };
    let mut gallops = arrived;
    while inside < outside {
        if is_inside(&leaf.at(places.place(probe))?)? {
            inside = probe + 1;
        } else {
            (outside, gallops) = (probe, false);
        }
        probe = match gallops {
            true => (2 * probe + 1).min(outside - 1),
            false => inside + (outside - inside) / 2,
        };
    }
    Ok((inside, inside < places.count))
}

/// Puts the cursor on the first entry of a range, in the direction of reading.
fn seek_key(cursor: &mut IndexCursor, pager: &Pager, from: &KeyEnd, backwards: bool) -> Result<bool> {
    let how = match (backwards, from.inclusive) {
        (false, _) if from.is_open() => return Ok(cursor.first(pager)?),
        (true, _) if from.is_open() => return Ok(cursor.last(pager)?),
        (false, true) => Seek::Ge,
        (false, false) => Seek::Gt,
        (true, true) => Seek::Le,
        (true, false) => Seek::Lt,
    };
    Ok(cursor.seek(pager, &from.key(), how)?)
}
