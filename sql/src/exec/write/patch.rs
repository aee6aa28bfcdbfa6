//! UPDATE of columns that nothing but the row itself depends on: values are computed a batch at a time and written into the records
//! where they lie, the other columns untouched and mostly not even read.
//!
//! This is for a rowid table whose rowid stays, when no unique, partial or computed index has a column that changes, nothing is set off (triggers,
//! foreign keys of columns that change) or returned, and the rows can be changed as they are read. All else goes through [`Rewriter`](super::update::Rewriter).

use std::sync::Arc;

use super::collect::{is_rowwise, is_stable, named_row, pruned};
use super::index::{as_integer, collect_columns};
use super::stored::{real_as_stored, stored_value, to_stored};
use super::straight::{Fit, Given, Values};
use super::target::{Locator, Target, detached};
use super::update::Changes;
use super::{Failure, Fate, Written};
use crate::catalog::{Index, Table, usable};
use crate::error::{Error, Result};
use crate::exec::kernel::Rows;
use crate::exec::scan::rowid_of;
use crate::exec::{Batch, ExecContext, Kernel, Vector};
use crate::plan::Node;
use crate::plan::expr::Expr;
use crate::plan::write::UpdatePlan;
use crate::syntax::ast::ConflictAction;
use crate::value::{Affinity, Value, ValueRef, apply_affinity};
use aludel_storage::btree::{IndexBatch, IndexCursor};
use aludel_storage::format::TextEncoding;
use aludel_storage::format::record::KeyValues;

/// Changes batches of rows in place.
pub(super) struct Patcher {
    target: Target,
    columns: Vec<PatchedColumn>,
    /// Where they lie in the record, ascending.
    places: Vec<usize>,
    /// Records written before a column was added may end in front of one that changes. By place, from the first run on.
    missing: Vec<Value>,
    has_missing: bool,
    conflict: Option<ConflictAction>,
    changed: Vec<bool>,
    /// The columns that constraints read, when there are constraints on what changes.
    constrained: Option<Vec<usize>>,
    /// Indexes with a column that changes.
    followers: Vec<Follower>,
    /// The rows of a batch that are to be written.
    rowids: Vec<i64>,
    /// Their places in the batch.
    rows: Vec<u32>,
    /// A row in table row layout, of which only what is needed is filled in.
    row: Vec<Value>,
    /// The rowid of the only row that is changed.
    named: Option<Box<Kernel>>,
    /// What is needed of a row, its rowid among it.
    reads: Vec<usize>,
    /// Nothing but the rowid is.
    blind: bool,
    /// A row is named, and no expression looks at another.
    apart: bool,
    /// The named row as a batch, of which only what is needed is filled in.
    batch: Batch,
    /// All of it, where everything is given.
    straight: Option<Straight>,
}

/// An UPDATE of a named row that gives columns values that are bound.
struct Straight {
    /// The parameter that is the rowid, if it is an integer.
    rowid: usize,
    /// The new values, by place.
    columns: Vec<(Given, Fit)>,
}

impl Straight {
    fn of(plan: &UpdatePlan, table: &Table, sets: &[&(usize, Expr)]) -> Option<Straight> {
        let column = |(number, value): &&(usize, Expr)| Some((Given::of(value)?, Fit::of(table, *number)?));
        Some(Straight {
            rowid: named_row(&plan.input)?.as_parameter_of_integers()?,
            columns: sets.iter().map(column).collect::<Option<_>>()?,
        })
    }
}

/// An index with a column that changes.
struct Follower {
    index: Arc<Index>,
    parts: Vec<Part>,
    /// Entries that change, where they may not wait for longer.
    batch: IndexBatch,
    cursor: IndexCursor,
}

/// One column of an entry.
struct Part {
    column: usize,
    numeric: bool,
    /// Which of the new values it gets.
    set: Option<usize>,
}

impl Part {
    #[inline]
    fn value<'v>(&self, value: ValueRef<'v>) -> ValueRef<'v> {
        if self.numeric { as_integer(value) } else { value }
    }
}

/// A column that gets a new value.
struct PatchedColumn {
    column: usize,
    affinity: Affinity,
    kernel: Kernel,
    /// The new values as they lie in the file, one for each of the rows.
    new: Vector,
    scratch: Value,
}

impl Patcher {
    /// The patcher for `plan`, if patching is enough; else the target comes back.
    pub(super) fn build(
        plan: &UpdatePlan,
        target: Target,
        changes: &Changes,
    ) -> Result<std::result::Result<Patcher, Target>> {
        let table = Arc::clone(&target.table);
        let mut sets: Vec<_> = plan.sets.iter().collect();
        let place = |column: usize| table.columns.get(column).and_then(|column| column.stored_at);
        sets.sort_by_key(|(column, _)| place(*column));
        let distinct = sets.windows(2).all(|pair| pair[0].0 != pair[1].0);
        let stored = sets.iter().all(|(column, _)| place(*column).is_some());
        if !(distinct
            && stored
            && !changes.key
            && table.without_rowid.is_none()
            && !target.has_programs()
            && !target.completion.has_generated()
            && plan.target.returning.is_none()
            && is_stable(&plan.input))
        {
            return Ok(Err(target));
        }
        let Some(followers) = followers(&target, changes, &sets, &plan.input) else {
            return Ok(Err(target));
        };
        let changed = changes.columns.clone();
        let constrained = target.completion.constraints_on(&changed);
        let mut reads = constrained.clone().unwrap_or_default();
        reads.push(table.columns.len());
        for (_, expression) in &sets {
            collect_columns(expression, &mut reads);
        }
        for part in followers.iter().flat_map(|follower| &follower.parts) {
            if !reads.contains(&part.column) {
                reads.push(part.column);
            }
        }
        let mut columns = Vec::with_capacity(sets.len());
        for (column, expression) in &sets {
            columns.push(PatchedColumn {
                column: *column,
                affinity: table.columns[*column].affinity,
                kernel: Kernel::compile(expression)?,
                new: Vector::new(),
                scratch: Value::Null,
            });
        }
        let blind = reads.len() == 1;
        let patcher = Patcher {
            straight: Straight::of(plan, &table, &sets).filter(|_| blind && followers.is_empty()),
            columns,
            places: sets.iter().filter_map(|(column, _)| place(*column)).collect(),
            missing: Vec::new(),
            has_missing: table.columns.iter().any(|column| !column.missing_value.is_null()),
            conflict: plan.conflict,
            changed,
            constrained,
            followers,
            rowids: Vec::new(),
            rows: Vec::new(),
            row: Vec::new(),
            named: match named_row(&plan.input) {
                Some(rowid) => Some(Box::new(Kernel::compile(rowid)?)),
                None => None,
            },
            blind,
            apart: named_row(&plan.input).is_some_and(is_rowwise)
                && sets.iter().all(|(_, expression)| is_rowwise(expression)),
            batch: Batch::new(table.columns.len() + 1),
            reads,
            target,
        };
        Ok(Ok(patcher))
    }

    /// The rows to change, of which only what is needed is read.
    pub(super) fn pruned(&self, input: &Node) -> Node {
        pruned(input, &self.reads)
    }

    pub(super) fn is_single(&self) -> bool {
        self.named.is_some()
    }

    /// Whether it leaves entries of indexes for later.
    pub(super) fn follows_indexes(&self) -> bool {
        !self.followers.is_empty()
    }

    /// Whether it changes a named row and looks at no other.
    pub(super) fn is_apart(&self) -> bool {
        self.apart
    }

    /// Changes the one row that the statement names; false when it names none.
    pub(super) fn change_named(
        &mut self,
        context: &mut ExecContext<'_>,
        written: &mut Written,
    ) -> Result<bool, Failure> {
        if self.change_straight(context, written)? {
            return Ok(true);
        }
        let Some(named) = &mut self.named else {
            return Ok(false);
        };
        self.batch.clear();
        let rowid = rowid_of(named.evaluate_one(context, &self.batch)?);
        // The cursor that looks for the row is the one that changes it, and stays on it.
        if let Some(rowid) = rowid
            && self
                .target
                .seek(&context.state.databases, &Locator::Rowid(rowid))?
        {
            if !self.blind {
                self.read_named(context)?;
            }
            let mut batch = std::mem::take(&mut self.batch);
            if let Some(column) = batch.columns.last_mut() {
                column.clear();
                column.push_integer(rowid);
            }
            batch.set_len_of_read(1);
            let changed = self.change_rows(context, &batch, written);
            self.batch = batch;
            changed?;
        }
        Ok(true)
    }

    /// Fills in what is needed of the row at the cursor.
    fn read_named(&mut self, context: &ExecContext<'_>) -> Result<()> {
        self.row.resize(self.target.width(), Value::Null);
        self.target.read_columns(context, &self.reads, &mut self.row)?;
        for &column in &self.reads {
            let values = &mut self.batch.columns[column];
            values.clear();
            values.push(self.row[column].as_ref());
        }
        Ok(())
    }

    /// Writes the values that are bound over those of the named row; false, and nothing has happened, when there is more to it.
    fn change_straight(&mut self, context: &mut ExecContext<'_>, written: &mut Written) -> Result<bool> {
        let Some(straight) = self
            .straight
            .as_ref()
            .filter(|_| self.target.writes_straight(context))
        else {
            return Ok(false);
        };
        let parameters = context.parameters;
        let Some(&Value::Integer(rowid)) = parameters.get(straight.rowid) else {
            return Ok(false);
        };
        let mut values = Values::new();
        for (given, fit) in &straight.columns {
            match fit.stored(given.value(parameters)) {
                Some(value) => values.push(value),
                None => return Ok(false),
            }
        }
        let database = context.state.databases.get_mut(self.target.database);
        let pager = &mut database.ok_or_else(detached)?.pager;
        let missing = &self.missing;
        let found = self.target.rowid_cursor(pager)?.patch_rows(
            pager,
            &[rowid],
            &self.places,
            |_, column| values[column],
            |place| missing.get(place).map_or(ValueRef::Null, Value::as_ref),
        )?;
        self.target.note_change(pager);
        written.changes += found as u64;
        Ok(true)
    }

    pub(super) fn start(&mut self, context: &ExecContext<'_>) -> Result<()> {
        self.target.start(context)?;
        if self.has_missing && self.missing.is_empty() {
            self.missing = missing_values(&self.target.table, self.target.encoding);
        }
        Ok(())
    }

    /// Changes the rows of `batch`.
    pub(super) fn change_rows(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &Batch,
        written: &mut Written,
    ) -> Result<(), Failure> {
        self.rowids.clear();
        self.rows.clear();
        self.columns.iter_mut().for_each(|column| column.new.clear());
        let computed = match self.constrained.is_some() {
            false => self.compute(context, batch).map_err(Failure::from),
            true => self.compute_checked(context, batch),
        };
        match computed {
            Ok(()) => Ok(self.write(context, batch, written)?),
            // The rows in front of the one that failed are changed: OR FAIL keeps them.
            Err(failure) => {
                self.write(context, batch, written)?;
                Err(failure)
            }
        }
    }

    /// Computes the new values of all rows.
    fn compute(&mut self, context: &mut ExecContext<'_>, batch: &Batch) -> Result<()> {
        let encoding = self.target.encoding;
        for column in &mut self.columns {
            let values = column.kernel.evaluate(context, batch)?;
            for n in 0..values.len() {
                let value = as_stored(values.get(n), column.affinity, encoding, &mut column.scratch);
                column.new.push(value);
            }
            if column.new.has_overflowed() {
                return Err(Error::TooBig);
            }
        }
        let rowids = &batch.columns[self.target.table.columns.len()];
        self.rowids
            .extend(batch.selected().map(|row| rowid_at(rowids, row)));
        self.rows.extend(batch.selected().map(|row| row as u32));
        Ok(())
    }

    /// Computes the new values row by row and lets constraints speak.
    fn compute_checked(&mut self, context: &mut ExecContext<'_>, batch: &Batch) -> Result<(), Failure> {
        let encoding = self.target.encoding;
        let rowid = self.target.table.columns.len();
        self.row.resize(rowid + 1, Value::Null);
        for row in batch.selected() {
            for &column in self.constrained.iter().flatten() {
                self.row[column].assign(batch.columns[column].get(row));
            }
            let rows = [row as u32];
            for column in &mut self.columns {
                let values = column.kernel.evaluate_rows(context, batch, Rows::Some(&rows))?;
                self.row[column.column].assign(values.get(0));
            }
            let target = &mut self.target;
            let fate = target.completion.complete(
                context,
                &mut target.batch,
                &mut self.row,
                self.conflict,
                Some(&self.changed),
            )?;
            if fate == Fate::Skipped {
                continue;
            }
            self.rowids.push(rowid_at(&batch.columns[rowid], row));
            self.rows.push(row as u32);
            for column in &mut self.columns {
                let value = self.row[column.column].as_ref();
                let value = as_stored(value, column.affinity, encoding, &mut column.scratch);
                column.new.push(value);
            }
        }
        Ok(())
    }

    /// Writes the rows whose values are computed.
    fn write(&mut self, context: &mut ExecContext<'_>, batch: &Batch, written: &mut Written) -> Result<()> {
        if self.rowids.is_empty() {
            return Ok(());
        }
        self.target.check_pin(context)?;
        let pager = &mut context
            .state
            .databases
            .get_mut(self.target.database)
            .ok_or_else(detached)?
            .pager;
        let cursor = self.target.rowid_cursor(pager)?;
        let (columns, missing) = (&self.columns, &self.missing);
        let found = cursor.patch_rows(
            pager,
            &self.rowids,
            &self.places,
            |row, column| columns[column].new.get(row),
            |place| missing.get(place).map_or(ValueRef::Null, Value::as_ref),
        )?;
        self.target.note_change(pager);
        written.changes += found as u64;
        self.follow(context, batch)
    }

    /// Changes the entries of the rows that were written, or leaves that for later.
    fn follow(&mut self, context: &mut ExecContext<'_>, batch: &Batch) -> Result<()> {
        let state = &mut *context.state;
        let (encoding, rowid) = (self.target.encoding, self.target.table.columns.len());
        for follower in &mut self.followers {
            let waits = state.deferred.is_open();
            let changes = match waits {
                true => state.deferred.batch(self.target.database, &follower.index),
                false => &mut follower.batch,
            };
            let mut texts = Vec::new();
            for (n, &row) in self.rows.iter().enumerate() {
                let value = |part: &Part| part.value(batch.columns[part.column.min(rowid)].get(row as usize));
                texts.clear();
                if encoding != TextEncoding::Utf8 {
                    texts.resize(follower.parts.len(), Value::Null);
                    for (part, text) in follower.parts.iter().zip(&mut texts) {
                        stored_value(value(part), encoding, text);
                    }
                }
                let (mut old, mut new) = (KeyValues::new(), KeyValues::new());
                for (place, part) in follower.parts.iter().enumerate() {
                    let before = match texts.get(place) {
                        Some(text) => text.as_ref(),
                        None => value(part),
                    };
                    old.push(before);
                    new.push(match part.set {
                        Some(set) => part.value(self.columns[set].new.get(n)),
                        None => before,
                    });
                }
                if old != new {
                    changes.remove(&old);
                    changes.add(&new);
                }
            }
            if !waits {
                let database = state.databases.get_mut(self.target.database);
                let pager = &mut database.ok_or_else(detached)?.pager;
                follower.batch.apply(pager, &mut follower.cursor)?;
            }
        }
        match self.followers.is_empty() {
            true => Ok(()),
            false => self.target.end_change(state),
        }
    }
}

/// The indexes with a column that changes; `None` when one of them needs more than its columns, or a single row is changed, which asks for less
/// than a batch.
fn followers(
    target: &Target,
    changes: &Changes,
    sets: &[&(usize, Expr)],
    input: &Node,
) -> Option<Vec<Follower>> {
    let mut followers = Vec::new();
    for number in changes.indexes() {
        let index = &target.indexes[number];
        let columns = index.plain_columns().filter(|_| named_row(input).is_none())?;
        let part = |(column, numeric)| Part {
            column,
            numeric,
            set: sets.iter().position(|(set, _)| *set == column),
        };
        let index = &index.index;
        followers.push(Follower {
            parts: columns.into_iter().map(part).collect(),
            batch: IndexBatch::new(Arc::clone(&index.order)),
            cursor: IndexCursor::new(index.root, usable(&index.order).ok()?),
            index: Arc::clone(index),
        });
    }
    Some(followers)
}

/// What records hold that end in front of a column of `table`, by place; nothing when that is NULL for all.
fn missing_values(table: &Table, encoding: TextEncoding) -> Vec<Value> {
    let mut missing = Vec::new();
    for column in &table.columns {
        let (Some(place), false) = (column.stored_at, column.missing_value.is_null()) else {
            continue;
        };
        let mut value = column.missing_value.clone();
        to_stored(&mut value, encoding, column.affinity);
        if missing.len() <= place {
            missing.resize(place + 1, Value::Null);
        }
        missing[place] = value;
    }
    missing
}

#[inline]
fn rowid_at(rowids: &Vector, row: usize) -> i64 {
    match rowids.get(row) {
        ValueRef::Integer(rowid) => rowid,
        _ => 0,
    }
}

/// A new value of a column as it lies in the file.
#[inline]
fn as_stored<'v>(
    value: ValueRef<'v>,
    affinity: Affinity,
    encoding: TextEncoding,
    scratch: &'v mut Value,
) -> ValueRef<'v> {
    match (value, affinity) {
        (ValueRef::Null, _) => value,
        (ValueRef::Integer(_), Affinity::Integer | Affinity::Numeric | Affinity::Blob) => value,
        (ValueRef::Real(_), Affinity::Real) => real_as_stored(value),
        (ValueRef::Text(_), Affinity::Text | Affinity::Blob) if encoding == TextEncoding::Utf8 => value,
        _ => {
            scratch.assign(value);
            apply_affinity(scratch, affinity);
            to_stored(scratch, encoding, affinity);
            scratch.as_ref()
        }
    }
}
