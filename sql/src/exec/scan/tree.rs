//! Reading a range of a tree, leaf by leaf, into batches.
//!
//! [`RangeReader`] moves a cursor over a range in either direction and hands the rows of each leaf to an [`Output`], until that
//! has no room. An end that is a key is checked once a leaf where the whole leaf lies inside, else once a row.

use std::cmp::Ordering;
use std::sync::Arc;

use aludel_storage::btree::{IndexCursor, LeafRow, LeafRows, Seek, TableCursor};
use aludel_storage::format::TextEncoding;
use aludel_storage::pager::Pager;

use super::output::{Output, Taken};
use super::seek::{KeyEnd, KeySeek, RowidSeek, SeekKernels};
use crate::error::Result;
use crate::exec::ExecContext;
use crate::plan::physical::DatabaseIndex;
use crate::value::ValueRef;

/// A cursor over either kind of tree.
pub(super) enum TreeCursor {
    Table(TableCursor),
    Index(IndexCursor),
}

impl TreeCursor {
    fn first(&mut self, pager: &Pager) -> Result<bool> {
        Ok(match self {
            TreeCursor::Table(cursor) => cursor.first(pager)?,
            TreeCursor::Index(cursor) => cursor.first(pager)?,
        })
    }

    fn last(&mut self, pager: &Pager) -> Result<bool> {
        Ok(match self {
            TreeCursor::Table(cursor) => cursor.last(pager)?,
            TreeCursor::Index(cursor) => cursor.last(pager)?,
        })
    }

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
    todo: Todo,
    end: End,
    standing: Standing,
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
            todo: Todo::Nothing,
            end: End::Open,
            standing: Standing::Nowhere,
            spill: Vec::new(),
        }
    }

    /// Starts over a table tree.
    pub(super) fn start_rowids(&mut self, seek: RowidSeek) {
        self.standing = Standing::Nowhere;
        self.todo = match seek {
            RowidSeek::Nothing => Todo::Nothing,
            RowidSeek::Range(low, high) => Todo::RowidRange(low, high),
            RowidSeek::Points(mut points) => {
                if self.backwards {
                    points.reverse();
                }
                Todo::Rowids { points, next: 0 }
            }
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
        while output.room() > 0 {
            if self.standing != Standing::OnRow && !self.advance(&context.databases[database].pager)? {
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
                Some(true) => self.standing = Standing::OnRow,
                Some(false) => {}
            }
        }
        Ok(true)
    }

    /// Goes to the next range; whether it has a first row, or `None` when there are no more ranges.
    fn seek_next(&mut self, pager: &Pager) -> Result<Option<bool>> {
        match (&mut self.todo, &mut self.cursor) {
            (Todo::Rowids { points, next }, TreeCursor::Table(cursor)) => {
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
                if !keys.next() {
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
        let rows = if self.backwards {
            self.cursor.leaf_back()
        } else {
            self.cursor.leaf()
        };
        let (leaf, held, room) = (rows.clone(), rows.remaining(), output.room());
        let mut ended = false;
        let taken = match (&self.end, self.backwards) {
            (End::OneRow, _) => {
                ended = true;
                output.take(context, database, &leaf, rows.take(1))?
            }
            (End::Open, false) => output.take(context, database, &leaf, rows.take(room))?,
            (End::Open, true) => output.take(context, database, &leaf, rows.rev().take(room))?,
            (&End::Rowid(high), false) => {
                let inside = until(|row| Ok(row.rowid <= high), &mut ended);
                output.take(context, database, &leaf, rows.take(room).map_while(inside))?
            }
            (&End::Rowid(low), true) => {
                let inside = until(|row| Ok(row.rowid >= low), &mut ended);
                output.take(context, database, &leaf, rows.rev().take(room).map_while(inside))?
            }
            (End::Key, backwards) => {
                let Some(keys) = &self.keys else { return Ok(()) };
                let check = KeyCheck {
                    cursor: &self.cursor,
                    end: keys.to(),
                    backwards,
                };
                check.take(context, database, rows, output, &mut self.spill, &mut ended)?
            }
        };
        if ended {
            self.standing = Standing::Nowhere;
            return Ok(());
        }
        self.move_behind(&context.databases[database].pager, taken, held)
    }

    /// Moves behind the rows taken of the `held` ones of this leaf.
    fn move_behind(&mut self, pager: &Pager, taken: Taken, held: usize) -> Result<()> {
        let next = if self.backwards {
            taken.last_index.checked_sub(1)
        } else {
            Some(taken.last_index + 1)
        };
        let stands = match next {
            Some(next) if taken.count < held => self.cursor.stand_at(pager, next)?,
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

type RowResult<'p> = Result<LeafRow<'p>, aludel_storage::Error>;

/// Passes rows on as long as `inside` accepts them, then notes that the range has ended.
fn until<'p, 'e>(
    mut inside: impl FnMut(&LeafRow<'p>) -> Result<bool, aludel_storage::Error> + 'e,
    ended: &'e mut bool,
) -> impl FnMut(RowResult<'p>) -> Option<RowResult<'p>> + 'e {
    move |row| match row {
        Ok(row) => match inside(&row) {
            Ok(true) => Some(Ok(row)),
            Ok(false) => {
                *ended = true;
                None
            }
            Err(error) => Some(Err(error)),
        },
        Err(error) => Some(Err(error)),
    }
}

/// The check of an index leaf against the end of a key range.
struct KeyCheck<'c> {
    cursor: &'c TreeCursor,
    end: &'c KeyEnd,
    backwards: bool,
}

impl KeyCheck<'_> {
    fn take(
        &self,
        context: &mut ExecContext<'_>,
        database: DatabaseIndex,
        rows: LeafRows<'_>,
        output: &mut Output,
        spill: &mut Vec<u8>,
        ended: &mut bool,
    ) -> Result<Taken> {
        let key = self.end.key();
        let room = output.room();
        let pager = &context.databases[database].pager;
        let leaf = rows.clone();
        let mut furthest = rows.clone();
        let furthest = if self.backwards {
            furthest.next()
        } else {
            furthest.next_back()
        };
        let whole = match furthest.transpose()? {
            Some(row) => self.is_inside(&row, &key, pager, spill)?,
            None => true,
        };
        if whole {
            return match self.backwards {
                false => output.take(context, database, &leaf, rows.take(room)),
                true => output.take(context, database, &leaf, rows.rev().take(room)),
            };
        }
        // The rows inside are counted first: the output needs the context for itself.
        let mut inside = 0;
        let mut rest = rows.clone();
        while inside < room {
            let Some(row) = (if self.backwards {
                rest.next_back()
            } else {
                rest.next()
            }) else {
                break;
            };
            if !self.is_inside(&row?, &key, pager, spill)? {
                *ended = true;
                break;
            }
            inside += 1;
        }
        match self.backwards {
            false => output.take(context, database, &leaf, rows.take(inside)),
            true => output.take(context, database, &leaf, rows.rev().take(inside)),
        }
    }

    fn is_inside(
        &self,
        row: &LeafRow<'_>,
        key: &[ValueRef<'_>],
        pager: &Pager,
        spill: &mut Vec<u8>,
    ) -> Result<bool> {
        let TreeCursor::Index(cursor) = self.cursor else {
            return Ok(false);
        };
        let order = cursor.order().compare_record(row.payload(pager, spill)?, key)?;
        let towards = if self.backwards {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        Ok(!self.end.is_past(order, towards))
    }
}
