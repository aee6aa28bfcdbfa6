//! Which part of a tree a scan visits.
//!
//! The expressions of a plan's [`Seek`](physical::Seek) are evaluated when the scan is opened, and become rowids or keys:
//!
//! ```text
//!   a = 5 AND b IN (1, 2) AND c > 7       (5, 1, >7) (5, 2, >7)      one range of the tree for each combination
//!   b = 5, in an index on (a, b)          (a1, 5) (a2, 5) ..         one for each value of a: the first entry behind those of a1 has a2
//!
//!   tree order     begin ................................ end
//!   forward        seek begin ─────────▶ stop behind end
//!   backward       stop before begin ◀───────── seek end
//! ```

use std::cmp::Ordering;
use std::sync::Arc;

use aludel_storage::btree::{IndexCursor, Seek};
use aludel_storage::format::record::{KeyValues, RecordView};
use aludel_storage::format::{KeyColumn, KeyOrder, TextEncoding};
use aludel_storage::pager::Pager;

use super::decode::utf16_from_utf8;
use super::sorted_values::{SortedValues, ValueOrder};
use super::term::Term;
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::kernel::Kernel;
use crate::exec::key_table::integral;
use crate::exec::{Batch, ExecContext};
use crate::plan::physical;
use crate::value::{Collation, Text, Value, ValueRef, compare};

/// A seek with its expressions compiled.
pub(super) struct SeekKernels {
    equal: Vec<Term>,
    lower: Option<Limit>,
    upper: Option<Limit>,
    /// A row of no columns for expressions to be evaluated over.
    nothing: Batch,
}

struct Limit {
    value: Kernel,
    inclusive: bool,
}

/// The ends of a range on one column; `None` when there is no such end.
type RangeEnds = (Option<(Value, bool)>, Option<(Value, bool)>);

impl SeekKernels {
    pub(super) fn compile(seek: &physical::Seek, build: &mut BuildContext) -> Result<SeekKernels> {
        let equal = seek
            .equal
            .iter()
            .map(|term| Term::compile(term, build))
            .collect::<Result<_>>()?;
        let mut limit = |bound: &Option<Box<physical::Bound>>| -> Result<Option<Limit>> {
            let Some(bound) = bound else { return Ok(None) };
            Ok(Some(Limit {
                value: Kernel::compile_in(&bound.value, build)?,
                inclusive: bound.inclusive,
            }))
        };
        let (lower, upper) = (limit(&seek.lower)?, limit(&seek.upper)?);
        let mut nothing = Batch::new(0);
        nothing.set_len(1);
        Ok(SeekKernels {
            equal,
            lower,
            upper,
            nothing,
        })
    }

    /// Whether the scan visits the whole tree.
    pub(super) fn is_full(&self) -> bool {
        self.equal.is_empty() && self.lower.is_none() && self.upper.is_none()
    }

    /// Whether all there is are equalities with one value each.
    pub(super) fn is_point(&self) -> bool {
        let single = |term: &Term| matches!(term, Term::Equal(_) | Term::Is(_));
        !self.equal.is_empty()
            && self.lower.is_none()
            && self.upper.is_none()
            && self.equal.iter().all(single)
    }

    /// Whether the first `width` columns equal one value each, none of them NULL.
    pub(super) fn equals_whole_key(&self, width: usize) -> bool {
        self.equal.len() >= width && self.equal.iter().all(|term| matches!(term, Term::Equal(_)))
    }

    /// How many leading columns may have any value.
    fn any_count(&self) -> usize {
        self.equal
            .iter()
            .take_while(|term| matches!(term, Term::Any))
            .count()
    }

    /// Evaluates the range ends; `None` when one is NULL, so that nothing is inside.
    fn range_ends(&mut self, context: &mut ExecContext<'_>) -> Result<Option<RangeEnds>> {
        let SeekKernels {
            lower,
            upper,
            nothing,
            ..
        } = self;
        let mut end = |limit: &mut Option<Limit>| -> Result<Option<Option<(Value, bool)>>> {
            let Some(limit) = limit else { return Ok(Some(None)) };
            let value = Value::from(limit.value.evaluate_one(context, nothing)?);
            Ok((!value.is_null()).then_some(Some((value, limit.inclusive))))
        };
        let (lower, upper) = (end(lower)?, end(upper)?);
        Ok(lower.zip(upper))
    }
}

/// The rowids that a scan of a table tree visits.
#[derive(Default)]
pub(super) enum RowidSeek {
    /// None.
    #[default]
    Nothing,
    /// These in the direction of the scan, and then those of the values.
    Points(Vec<i64>, Option<Box<SortedValues>>),
    /// A range with both ends inside.
    Range(i64, i64),
}

impl RowidSeek {
    pub(super) const ALL: RowidSeek = RowidSeek::Range(i64::MIN, i64::MAX);

    pub(super) fn evaluate(
        kernels: &mut SeekKernels,
        context: &mut ExecContext<'_>,
        backwards: bool,
    ) -> Result<RowidSeek> {
        if let Some(term) = kernels.equal.first_mut() {
            let mut values = Vec::new();
            let order = || ValueOrder {
                collation: Collation::Binary,
                descending: backwards,
            };
            let sorted = term.values_or_sorted(context, &kernels.nothing, &mut values, order)?;
            let mut points: Vec<i64> = values
                .iter()
                .filter_map(|value| rowid_of(value.as_ref()))
                .collect();
            if sorted.is_none() {
                points.sort_unstable();
                points.dedup();
                if backwards {
                    points.reverse();
                }
            }
            return Ok(RowidSeek::Points(points, sorted.map(Box::new)));
        }
        let Some((lower, upper)) = kernels.range_ends(context)? else {
            return Ok(RowidSeek::Nothing);
        };
        let low = lower.map_or(Some(i64::MIN), |(value, inclusive)| {
            lowest_rowid(value.as_ref(), inclusive)
        });
        let high = upper.map_or(Some(i64::MAX), |(value, inclusive)| {
            highest_rowid(value.as_ref(), inclusive)
        });
        Ok(match low.zip(high) {
            Some((low, high)) if low <= high => RowidSeek::Range(low, high),
            _ => RowidSeek::Nothing,
        })
    }
}

/// Puts the next rowids into `points`; none are left when there are none in it.
pub(super) fn give_points(more: &mut Option<Box<SortedValues>>, points: &mut Vec<i64>) -> Result<()> {
    let mut values = Vec::new();
    points.clear();
    while let Some(sorted) = more
        && points.is_empty()
    {
        sorted.give(&mut values)?;
        if values.is_empty() {
            *more = None;
        }
        points.extend(values.iter().filter_map(|value| rowid_of(value.as_ref())));
    }
    Ok(())
}

/// The rowid that equals a value.
#[inline]
pub(in crate::exec) fn rowid_of(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(rowid) => Some(rowid),
        ValueRef::Real(real) => integral(real),
        _ => None,
    }
}

const BEYOND: f64 = -(i64::MIN as f64);

/// The lowest rowid at or above a bound.
fn lowest_rowid(bound: ValueRef<'_>, inclusive: bool) -> Option<i64> {
    match bound {
        ValueRef::Null => None,
        ValueRef::Integer(bound) if inclusive => Some(bound),
        ValueRef::Integer(bound) => bound.checked_add(1),
        ValueRef::Real(bound) if bound >= BEYOND => None,
        ValueRef::Real(bound) if bound < -BEYOND => Some(i64::MIN),
        ValueRef::Real(bound) => {
            let above = bound.ceil();
            let exact = above == bound && !inclusive;
            (above < BEYOND)
                .then_some(above as i64)
                .and_then(|above| above.checked_add(i64::from(exact)))
        }
        // Every number sorts before texts and blobs.
        ValueRef::Text(_) | ValueRef::Blob(_) => None,
    }
}

/// The highest rowid at or below a bound.
fn highest_rowid(bound: ValueRef<'_>, inclusive: bool) -> Option<i64> {
    match bound {
        ValueRef::Null => None,
        ValueRef::Integer(bound) if inclusive => Some(bound),
        ValueRef::Integer(bound) => bound.checked_sub(1),
        ValueRef::Real(bound) if bound >= BEYOND => Some(i64::MAX),
        ValueRef::Real(bound) if bound < -BEYOND => None,
        ValueRef::Real(bound) => {
            let below = bound.floor();
            let exact = below == bound && !inclusive;
            (below as i64).checked_sub(i64::from(exact))
        }
        ValueRef::Text(_) | ValueRef::Blob(_) => Some(i64::MAX),
    }
}

/// One end of a key range in the order of the tree.
#[derive(Default)]
pub(super) struct KeyEnd {
    key: Vec<Value>,
    pub(super) inclusive: bool,
}

impl KeyEnd {
    /// The key as cursors take it.
    pub(super) fn key(&self) -> KeyValues<'_> {
        self.key.iter().map(Value::as_ref).collect()
    }

    /// Whether the key is empty, so that the end is the tree's own.
    pub(super) fn is_open(&self) -> bool {
        self.key.is_empty()
    }

    /// Whether an entry that compares so with the key is past this end, when the tree is read in the direction `towards`.
    #[inline]
    pub(super) fn is_past(&self, entry: Ordering, towards: Ordering) -> bool {
        entry == towards || (entry == Ordering::Equal && !self.inclusive)
    }

    /// Takes the values of equalities, in the memory of the old ones; false when one is NULL, so that nothing is equal.
    fn set_point(
        &mut self,
        kernels: &mut SeekKernels,
        context: &mut ExecContext<'_>,
        encoding: TextEncoding,
    ) -> Result<bool> {
        self.inclusive = true;
        self.key.resize(kernels.equal.len(), Value::Null);
        for (slot, term) in self.key.iter_mut().zip(&mut kernels.equal) {
            let (kernel, null_is_equal) = match term {
                Term::Equal(kernel) => (kernel, false),
                Term::Is(kernel) => (kernel, true),
                Term::Any | Term::InList(_) | Term::InSubquery(_) => return Ok(false),
            };
            let value = kernel.evaluate_one(context, &kernels.nothing)?;
            if value.is_null() && !null_is_equal {
                return Ok(false);
            }
            slot.assign(value);
            store_text(slot, encoding);
        }
        Ok(true)
    }

    /// Takes other values, in the memory of the old ones.
    fn set<'v>(&mut self, prefix: impl Iterator<Item = &'v Value>, bound: &'v Option<(Value, bool)>) {
        let mut len = 0;
        for value in prefix.chain(bound.iter().map(|(value, _)| value)) {
            match self.key.get_mut(len) {
                Some(slot) => slot.assign(value.as_ref()),
                None => self.key.push(value.clone()),
            }
            len += 1;
        }
        self.key.truncate(len);
        self.inclusive = bound.as_ref().is_none_or(|(_, inclusive)| *inclusive);
    }
}

/// The ranges of an index tree that a scan visits, one after the other in the direction of the scan. It is filled anew at each opening and
/// keeps its memory.
pub(super) struct KeySeek {
    order: Arc<KeyOrder>,
    backwards: bool,
    /// The values of the leading columns that may have any, as they are visited now.
    any: Vec<Value>,
    /// How `any` goes on.
    turn: Turn,
    /// The values of each column with an equality, in the order in which they are visited.
    values: Vec<Vec<Value>>,
    /// Further values of the first column.
    more: Option<SortedValues>,
    /// Which combination is next.
    odometer: Vec<usize>,
    finished: bool,
    lower: Option<(Value, bool)>,
    upper: Option<(Value, bool)>,
    /// The range at hand, in tree order.
    begin: KeyEnd,
    end: KeyEnd,
    /// The range at hand is the entries that are equal to `begin`; `end` is not used.
    is_point: bool,
}

/// What comes next of leading columns that may have any value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The values at hand serve.
    Stay,
    /// Those of the first entry.
    First,
    /// Those of the first entry behind them.
    Behind,
}

impl KeySeek {
    pub(super) fn new(order: Arc<KeyOrder>, backwards: bool) -> KeySeek {
        KeySeek {
            order,
            backwards,
            any: Vec::new(),
            turn: Turn::Stay,
            values: Vec::new(),
            more: None,
            odometer: Vec::new(),
            finished: true,
            lower: None,
            upper: None,
            begin: KeyEnd::default(),
            end: KeyEnd::default(),
            is_point: false,
        }
    }

    /// Evaluates what is sought.
    pub(super) fn start(
        &mut self,
        kernels: &mut SeekKernels,
        context: &mut ExecContext<'_>,
        encoding: TextEncoding,
    ) -> Result<()> {
        self.finished = true;
        self.is_point = kernels.is_point();
        if self.is_point {
            self.finished = !self.begin.set_point(kernels, context, encoding)?;
            return Ok(());
        }
        let any = kernels.any_count();
        self.any.resize(any, Value::Null);
        self.turn = if any == 0 { Turn::Stay } else { Turn::First };
        self.values.resize_with(kernels.equal.len() - any, Vec::new);
        self.more = None;
        for (n, (term, column)) in kernels.equal[any..].iter_mut().zip(&mut self.values).enumerate() {
            if n == 0 && any == 0 && encoding == TextEncoding::Utf8 {
                let (order, backwards) = (&self.order, self.backwards);
                let order = || value_order(order.columns.first(), backwards);
                self.more = term.values_or_sorted(context, &kernels.nothing, column, order)?;
            } else {
                term.values(context, &kernels.nothing, column)?;
            }
            if column.is_empty() {
                return Ok(());
            }
            column.iter_mut().for_each(|value| store_text(value, encoding));
            if column.len() > 1 && (n > 0 || self.more.is_none()) {
                sort_values(
                    column,
                    &value_order(self.order.columns.get(any + n), self.backwards),
                );
            }
        }
        let Some((lower, upper)) = kernels.range_ends(context)? else {
            return Ok(());
        };
        (self.lower, self.upper) = (lower, upper);
        if self.upper.is_some() && self.lower.is_none() {
            // No NULL is below anything.
            self.lower = Some((Value::Null, false));
        }
        for (value, _) in [&mut self.lower, &mut self.upper].into_iter().flatten() {
            store_text(value, encoding);
        }
        self.odometer.clear();
        self.odometer.resize(self.values.len(), 0);
        self.finished = false;
        Ok(())
    }

    /// Whether there is no further range.
    #[inline]
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Makes up the values of the leading columns that may have any, where further ones are due; false when there are none in the tree.
    pub(super) fn go_on(
        &mut self,
        cursor: &mut IndexCursor,
        pager: &Pager,
        spill: &mut Vec<u8>,
    ) -> Result<bool> {
        if self.turn == Turn::Stay || self.finished {
            return Ok(!self.finished);
        }
        let found = match (self.turn, self.backwards) {
            (Turn::Behind, backwards) => {
                let key: KeyValues<'_> = self.any.iter().map(Value::as_ref).collect();
                cursor.seek(pager, &key, if backwards { Seek::Lt } else { Seek::Gt })?
            }
            (_, false) => cursor.first(pager)?,
            (_, true) => cursor.last(pager)?,
        };
        self.finished = !found;
        if found {
            let entry = RecordView::parse(cursor.payload(pager, spill)?)?;
            for (slot, value) in self.any.iter_mut().zip(entry.columns()) {
                slot.assign(value?);
            }
            self.turn = Turn::Stay;
        }
        Ok(found)
    }

    /// Goes to the next range; false when there is none.
    pub(super) fn next(&mut self) -> Result<bool> {
        if self.finished {
            return Ok(false);
        }
        if self.is_point {
            self.finished = true;
            return Ok(true);
        }
        let KeySeek {
            any,
            values,
            odometer,
            lower,
            upper,
            begin,
            end,
            order,
            ..
        } = self;
        let prefix = || {
            let combination = values.iter().zip(odometer.iter());
            any.iter().chain(combination.map(|(column, at)| &column[*at]))
        };
        let descending = order
            .columns
            .get(any.len() + values.len())
            .is_some_and(|column| column.descending);
        let (first, last) = if descending {
            (upper, lower)
        } else {
            (lower, upper)
        };
        begin.set(prefix(), first);
        end.set(prefix(), last);
        self.advance()?;
        Ok(true)
    }

    /// Where reading begins, in the direction of the scan.
    pub(super) fn from(&self) -> &KeyEnd {
        if self.backwards && !self.is_point {
            &self.end
        } else {
            &self.begin
        }
    }

    /// Where reading ends.
    pub(super) fn to(&self) -> &KeyEnd {
        if self.backwards || self.is_point {
            &self.begin
        } else {
            &self.end
        }
    }

    fn advance(&mut self) -> Result<()> {
        for n in (0..self.odometer.len()).rev() {
            self.odometer[n] += 1;
            if self.odometer[n] < self.values[n].len() {
                return Ok(());
            }
            self.odometer[n] = 0;
        }
        if !self.any.is_empty() {
            self.turn = Turn::Behind;
            return Ok(());
        }
        if let Some(more) = &mut self.more {
            more.give(&mut self.values[0])?;
            if !self.values[0].is_empty() {
                return Ok(());
            }
            self.more = None;
        }
        self.finished = true;
        Ok(())
    }
}

/// The order in which a scan meets the values of a column.
fn value_order(column: Option<&KeyColumn>, backwards: bool) -> ValueOrder {
    ValueOrder {
        collation: column.map_or(Collation::Binary, |column| column.collation.clone()),
        descending: column.is_some_and(|column| column.descending) != backwards,
    }
}

/// Puts the values of one column into the order in which the scan meets them, each once.
fn sort_values(values: &mut Vec<Value>, order: &ValueOrder) {
    let compare = |a: &Value, b: &Value| compare(a.as_ref(), b.as_ref(), &order.collation);
    values.sort_by(compare);
    values.dedup_by(|a, b| compare(a, b) == Ordering::Equal);
    if order.descending {
        values.reverse();
    }
}

/// Keys are compared with texts as they lie in the file.
fn store_text(value: &mut Value, encoding: TextEncoding) {
    if encoding != TextEncoding::Utf8
        && let Value::Text(text) = value
    {
        *text = Text::from_bytes(utf16_from_utf8(text.as_bytes(), encoding));
    }
}
