//! UPDATE, and changing one row on behalf of an upsert.
//!
//! Only the indexes whose columns the statement sets are looked at, and of these only the ones whose entry really differs are written. Rows are
//! collected before the first is changed, unless the scan goes by a rowid that the statement leaves alone.

use std::sync::Arc;

use super::collect::{Collected, LastOfEach, is_rowwise, is_stable, named_row};
use super::index::{Side, collect_columns};
use super::patch::Patcher;
use super::program::{ProgramSet, RowChange, RowEvent};
use super::target::{Locator, Target, load};
use super::unique::{Response, Unique, order_of};
use super::{Failure, Fate, Written};
use crate::connection::RowAction;
use crate::error::{Error, Result};
use crate::exec::kernel::Rows;
use crate::exec::scan::rowid_of;
use crate::exec::{Batch, BuildContext, ExecContext, Kernel, Operator};
use crate::plan::write::UpdatePlan;
use crate::syntax::ast::{ConflictAction, TriggerTime};
use crate::value::{Affinity, Value, apply_affinity};

/// An UPDATE statement, ready to run.
pub struct Update {
    /// The rows to change; none where one row is named and found by the cursor that changes it.
    input: Option<Box<dyn Operator>>,
    stable: bool,
    /// Nothing that it does after its first change looks at an index that is not unique.
    batches: bool,
    /// A row may come several times.
    joined: bool,
    collected: Collected,
    way: Way,
}

/// How rows are changed.
enum Way {
    /// Columns are written where they lie.
    Patch(Box<Patcher>),
    /// Whole rows are taken apart and written anew.
    Rewrite(Box<Worker>),
}

struct Worker {
    target: Target,
    sets: Vec<(usize, Kernel)>,
    rewriter: Rewriter,
    /// Rows may have been changed by the time their turn comes, and are read again.
    read_again: bool,
    /// The rowid of the only row that is changed, when nothing but that row, its indexes and its constraints has a say.
    named: Option<Named>,
    old: Vec<Value>,
    fresh: Batch,
}

/// How a row is named.
struct Named {
    rowid: Kernel,
    /// No expression looks at another row.
    apart: bool,
    /// What an expression without columns is evaluated over.
    nothing: Batch,
}

impl Named {
    /// The row that `plan` names; its new values are computed from a row in table row layout.
    fn of(plan: &UpdatePlan, width: usize) -> Result<Option<Named>> {
        let mut reads = Vec::new();
        plan.sets
            .iter()
            .for_each(|(_, expression)| collect_columns(expression, &mut reads));
        let Some(rowid) = named_row(&plan.input).filter(|_| reads.iter().all(|&column| column < width))
        else {
            return Ok(None);
        };
        Ok(Some(Named {
            apart: is_rowwise(rowid) && plan.sets.iter().all(|(_, expression)| is_rowwise(expression)),
            rowid: Kernel::compile(rowid)?,
            nothing: Batch::new(0),
        }))
    }
}

impl Update {
    /// Gets ready to run `plan`.
    pub(crate) fn build(
        plan: &UpdatePlan,
        programs: &Arc<ProgramSet>,
        build: &mut BuildContext,
    ) -> Result<Update> {
        let mut target = Target::build(&plan.target, programs)?;
        let changes = Changes::of(&target, plan.sets.iter().map(|(column, _)| *column));
        let replaces = changes
            .checks(&target, plan.conflict)
            .iter()
            .any(|(_, response)| matches!(response, Response::Act(ConflictAction::Replace)));
        if !replaces && !target.table.is_view {
            target.keep_programs_of_update(plan.conflict, &changes.columns);
        }
        let rowwise = plan.sets.iter().all(|(_, expression)| is_rowwise(expression));
        let patches = rowwise
            && !plan.joined
            && !target.table.is_view
            && !programs.tells_rows
            && !programs.tells_changes;
        let target = match patches {
            false => target,
            true => match Patcher::build(plan, target, &changes)? {
                Err(target) => target,
                Ok(patcher) => {
                    let found = patcher.is_single() && !build.is_watched();
                    return Ok(Update {
                        input: match found {
                            true => None,
                            false => Some(build.operator(&patcher.pruned(&plan.input))?),
                        },
                        stable: true,
                        batches: patcher.follows_indexes(),
                        joined: false,
                        collected: Collected::default(),
                        way: Way::Patch(Box::new(patcher)),
                    });
                }
            },
        };
        // A row may be replaced by one that is changed before it.
        let plain = !target.has_programs() && !replaces;
        let batches = rowwise && !target.has_programs() && !target.returns();
        let alone = plain && !changes.key && !plan.joined && !target.table.is_view && !target.returns();
        let named = match alone {
            true => Named::of(plan, target.width())?,
            false => None,
        };
        Ok(Update {
            stable: plain && !changes.key && rowwise && !plan.joined && is_stable(&plan.input),
            batches,
            joined: plan.joined,
            input: match named.is_some() && !build.is_watched() {
                true => None,
                false => Some(build.operator(&plan.input)?),
            },
            collected: Collected::default(),
            way: Way::Rewrite(Box::new(Worker {
                sets: plan
                    .sets
                    .iter()
                    .map(|(column, expression)| Ok((*column, Kernel::compile(expression)?)))
                    .collect::<Result<_>>()?,
                read_again: (changes.key || !plain) && !target.table.is_view,
                named,
                rewriter: Rewriter::new(&target, changes, plan.conflict),
                old: Vec::new(),
                fresh: Batch::new(0),
                target,
            })),
        })
    }

    /// Whether a run that fails leaves nothing to undo: it changes columns of one row, after all checks.
    pub fn fails_clean(&self) -> bool {
        match &self.way {
            Way::Patch(patcher) => patcher.is_single(),
            Way::Rewrite(worker) => worker.named.is_some(),
        }
    }

    /// Whether it may leave index entries for later: it finds its row without an index, and looks at no other.
    pub fn defers(&self) -> bool {
        match &self.way {
            Way::Patch(patcher) => patcher.is_apart(),
            Way::Rewrite(worker) => worker.named.as_ref().is_some_and(|named| named.apart),
        }
    }

    /// Whether it may leave index entries for its end.
    pub fn batches(&self) -> bool {
        self.batches
    }

    /// Changes the rows.
    pub fn run(&mut self, context: &mut ExecContext<'_>, written: &mut Written) -> Result<(), Failure> {
        self.way.start(context)?;
        let done = match &mut self.way {
            Way::Patch(patcher) => patcher.change_named(context, written)?,
            Way::Rewrite(worker) => worker.change_named(context, written)?,
        };
        if done {
            return Ok(());
        }
        let Some(input) = self.input.as_deref_mut() else {
            return Err(Error::misuse("an UPDATE without rows to change").into());
        };
        input.open(context)?;
        if self.stable {
            while input.next(context)? {
                context.check_interrupt()?;
                self.way.change_rows(context, input.batch(), written)?;
            }
        } else if self.joined {
            self.way.change_each_once(input, context, written)?;
        } else {
            self.collected.fill(input, context)?;
            let way = &mut self.way;
            self.collected
                .visit(|batch| way.change_rows(context, batch, written))?;
        }
        input.close();
        Ok(())
    }
}

impl Way {
    fn start(&mut self, context: &ExecContext<'_>) -> Result<()> {
        match self {
            Way::Patch(patcher) => patcher.start(context),
            Way::Rewrite(worker) => worker.target.start(context),
        }
    }

    fn change_rows(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &Batch,
        written: &mut Written,
    ) -> Result<(), Failure> {
        match self {
            Way::Patch(patcher) => patcher.change_rows(context, batch, written),
            Way::Rewrite(worker) => worker.change_rows(context, batch, written),
        }
    }

    fn change_each_once(
        &mut self,
        input: &mut dyn Operator,
        context: &mut ExecContext<'_>,
        written: &mut Written,
    ) -> Result<(), Failure> {
        let Way::Rewrite(worker) = self else {
            return Err(Error::misuse("UPDATE FROM writes whole rows").into());
        };
        let table = &worker.target.table;
        let width = table.columns.len();
        let identity = match &table.without_rowid {
            Some(primary) => primary.stored[..primary.key_count].to_vec(),
            None if table.is_view => (0..width).collect(),
            None => vec![width],
        };
        let mut rows = LastOfEach::read(input, context, &identity)?;
        rows.visit(|batch, row| {
            context.check_interrupt()?;
            worker.take_row(context, batch, row, written)
        })
    }
}

impl Worker {
    /// Changes the row that the statement names, found by the cursor that changes it; false when it names none.
    fn change_named(
        &mut self,
        context: &mut ExecContext<'_>,
        written: &mut Written,
    ) -> Result<bool, Failure> {
        let Some(named) = &mut self.named else {
            return Ok(false);
        };
        let rowid = rowid_of(named.rowid.evaluate_one(context, &named.nothing)?);
        let Some(locator) = rowid.map(Locator::Rowid) else {
            return Ok(true);
        };
        if !self.target.seek(&context.state.databases, &locator)? {
            return Ok(true);
        }
        self.target.read(context, &mut self.old)?;
        let mut row = std::mem::take(&mut self.fresh);
        row.columns.resize_with(self.target.width(), Default::default);
        load(&mut row, &self.old);
        let changed = self.change_row(context, &row, 0, written);
        self.fresh = row;
        changed.map(|()| true)
    }

    fn change_rows(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &Batch,
        written: &mut Written,
    ) -> Result<(), Failure> {
        for row in batch.selected() {
            self.take_row(context, batch, row, written)?;
        }
        Ok(())
    }

    fn take_row(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &Batch,
        row: usize,
        written: &mut Written,
    ) -> Result<(), Failure> {
        self.old.resize(self.target.width(), Value::Null);
        for (value, column) in self.old.iter_mut().zip(&batch.columns) {
            value.assign(column.get(row));
        }
        self.change_row(context, batch, row, written)
    }

    fn change_row(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &Batch,
        row: usize,
        written: &mut Written,
    ) -> Result<(), Failure> {
        let locator = self.target.locator(&self.old);
        let mut input = (batch, row as u32);
        if self.target.completion.has_generated() && !self.read_again {
            self.target.compute_virtual(context, &mut self.old)?;
            refresh(&mut self.fresh, &self.old, batch, row);
            input = (&self.fresh, 0);
        }
        if self.read_again {
            if !self.target.seek(&context.state.databases, &locator)? {
                return Ok(());
            }
            self.target.read(context, &mut self.old)?;
            refresh(&mut self.fresh, &self.old, batch, row);
            input = (&self.fresh, 0);
        }
        let new = self.rewriter.start_row(&self.old);
        for (column, kernel) in &mut self.sets {
            let rows = [input.1];
            let values = kernel.evaluate_rows(context, input.0, Rows::Some(&rows))?;
            new[*column].assign(values.get(0));
        }
        if self.target.table.is_view {
            self.target.completion.apply_affinities(&mut self.rewriter.new);
            let change = self.rewriter.as_change(&self.old);
            return self.target.intercept(context, change, written);
        }
        if self.target.has_programs() {
            let (target, old) = (&mut self.target, &mut self.old);
            if self.rewriter.fire_before(target, context, old, &locator)? == Fate::Skipped {
                return Ok(());
            }
        }
        self.rewriter
            .change(&mut self.target, context, &self.old, &locator, None, written)
    }
}

/// The input row with the table's columns as they are now.
fn refresh(fresh: &mut Batch, old: &[Value], batch: &Batch, row: usize) {
    fresh.columns.resize_with(batch.columns.len(), Default::default);
    fresh.clear();
    for (number, column) in fresh.columns.iter_mut().enumerate() {
        match old.get(number) {
            Some(value) => column.push(value.as_ref()),
            None => column.push_from(&batch.columns[number], row),
        }
    }
    fresh.set_len(1);
}

/// What a statement's SET list touches.
pub(super) struct Changes {
    /// Columns whose value may change, generated ones among them; the last is the rowid.
    pub(super) columns: Vec<bool>,
    /// Whether the rowid or the primary key of the tree may change.
    pub(super) key: bool,
    /// Indexes whose entry may change.
    indexes: Vec<bool>,
}

impl Changes {
    pub(super) fn of(target: &Target, sets: impl Iterator<Item = usize>) -> Changes {
        let table = &target.table;
        let mut columns = vec![false; target.width()];
        sets.for_each(|column| columns[column] = true);
        let rowid = table.columns.len();
        if let Some(alias) = table.rowid_alias {
            let either = columns[alias] || columns[rowid];
            (columns[alias], columns[rowid]) = (either, either);
        }
        for (number, column) in table.columns.iter().enumerate() {
            columns[number] |= column.generated.is_some();
        }
        let key = match &table.without_rowid {
            None => columns[rowid],
            Some(primary) => primary.stored[..primary.key_count]
                .iter()
                .any(|&column| columns[column]),
        };
        let touched = |reads: &[usize]| key || reads.iter().any(|&column| columns[column]);
        let indexes = target.indexes.iter().map(|index| touched(&index.reads)).collect();
        Changes {
            columns,
            key,
            indexes,
        }
    }
}

/// What came of looking for rows that have what the new row is to have.
enum Uniqueness {
    /// Nothing is in the way any more.
    Kept,
    /// As `Kept`, and what the removal of a row set off may have changed or removed the row that is being updated.
    Fired,
    /// A conflict clause says to leave the row as it is.
    Skipped,
}

impl Changes {
    /// The uniqueness checks of keys that may change.
    fn checks(&self, target: &Target, conflict: Option<ConflictAction>) -> Vec<(Unique, Response)> {
        let mut checks = order_of(target, conflict, &[]);
        checks.retain(|(unique, _)| match unique {
            Unique::Key => self.key,
            Unique::Index(number) => self.indexes[*number],
        });
        checks
    }

    /// The indexes whose entry may change.
    pub(super) fn indexes(&self) -> impl Iterator<Item = usize> + '_ {
        self.indexes
            .iter()
            .enumerate()
            .filter_map(|(number, changes)| changes.then_some(number))
    }
}

/// Changes rows one at a time.
pub(super) struct Rewriter {
    changes: Changes,
    conflict: Option<ConflictAction>,
    checks: Vec<(Unique, Response)>,
    new: Vec<Value>,
}

impl Rewriter {
    pub(super) fn new(target: &Target, changes: Changes, conflict: Option<ConflictAction>) -> Rewriter {
        Rewriter {
            checks: changes.checks(target, conflict),
            changes,
            conflict,
            new: Vec::new(),
        }
    }

    /// BEFORE triggers may remove the row, or change columns that the statement leaves alone. `Skipped`: the row is not to be changed.
    pub(super) fn fire_before(
        &mut self,
        target: &mut Target,
        context: &mut ExecContext<'_>,
        old: &mut Vec<Value>,
        locator: &Locator,
    ) -> Result<Fate, Failure> {
        self.settle_rowid(target, old)?;
        target.completion.apply_affinities(&mut self.new);
        target.compute_virtual(context, &mut self.new)?;
        if target.fire(context, TriggerTime::Before, self.as_change(old))? == Fate::Skipped
            || !target.seek(&context.state.databases, locator)?
        {
            return Ok(Fate::Skipped);
        }
        target.read(context, old)?;
        self.take_untouched(old);
        Ok(Fate::Kept)
    }

    fn as_change<'a>(&'a self, old: &'a [Value]) -> RowChange<'a> {
        RowChange {
            event: RowEvent::Update,
            conflict: self.conflict,
            old: Some(old),
            new: Some(&self.new),
            changed: Some(&self.changes.columns),
        }
    }

    /// Columns that the statement does not set are as the row has them now.
    fn take_untouched(&mut self, old: &[Value]) {
        for ((new, old), changed) in self.new.iter_mut().zip(old).zip(&self.changes.columns) {
            if !changed {
                new.assign(old.as_ref());
            }
        }
    }

    /// The new row before it is changed: a copy of the old one.
    pub(super) fn start_row(&mut self, old: &[Value]) -> &mut [Value] {
        self.new.resize(old.len(), Value::Null);
        for (new, old) in self.new.iter_mut().zip(old) {
            new.assign(old.as_ref());
        }
        &mut self.new
    }

    /// Checks the new row and writes it in place of `old`, which `locator` leads to.
    pub(super) fn change(
        &mut self,
        target: &mut Target,
        context: &mut ExecContext<'_>,
        old: &[Value],
        locator: &Locator,
        conflict: Option<ConflictAction>,
        written: &mut Written,
    ) -> Result<(), Failure> {
        self.settle_rowid(target, old)?;
        let conflict = conflict.or(self.conflict);
        let fate = target.completion.complete(
            context,
            &mut target.batch,
            &mut self.new,
            conflict,
            Some(&self.changes.columns),
        )?;
        if fate == Fate::Skipped {
            return Ok(());
        }
        target.prepare_indexes(context, Side::Old, old, |number| self.changes.indexes[number])?;
        target.prepare_indexes(context, Side::New, &self.new, |number| {
            self.changes.indexes[number]
        })?;
        let mut reread = Vec::new();
        let old = match self.check_unique(target, context, old, locator)? {
            Uniqueness::Kept => old,
            Uniqueness::Skipped => return Ok(()),
            Uniqueness::Fired => {
                if !target.seek(&context.state.databases, locator)? {
                    return Ok(());
                }
                target.read(context, &mut reread)?;
                target.prepare_indexes(context, Side::Old, &reread, |number| self.changes.indexes[number])?;
                &reread
            }
        };
        target.tell_before(context, RowAction::Update, (Some(old), Some(&self.new)));
        target.rewrite(context, (old, &self.new), locator, &self.changes.indexes)?;
        written.changes += 1;
        target.tell(context, RowAction::Update, &self.new);
        if target.has_programs() {
            target.restrict(context, self.as_change(old))?;
            target.keep_references(context, self.as_change(old))?;
            target.fire(context, TriggerTime::After, self.as_change(old))?;
        }
        target.answer(context, &self.new, written)?;
        Ok(())
    }

    /// A SET of the rowid may name the alias column or the rowid itself; both end up equal.
    fn settle_rowid(&mut self, target: &Target, old: &[Value]) -> Result<()> {
        if !self.changes.key || target.table.without_rowid.is_some() {
            return Ok(());
        }
        let Some((last, columns)) = self.new.split_last_mut() else {
            return Ok(());
        };
        if let Some(alias) = target.table.rowid_alias
            && old.last().is_some_and(|old| *old == *last)
        {
            last.assign(columns[alias].as_ref());
        }
        apply_affinity(last, Affinity::Integer);
        let Value::Integer(rowid) = *last else {
            return Err(Error::Mismatch);
        };
        if let Some(alias) = target.table.rowid_alias {
            columns[alias] = Value::Integer(rowid);
        }
        Ok(())
    }

    fn check_unique(
        &mut self,
        target: &mut Target,
        context: &mut ExecContext<'_>,
        old: &[Value],
        locator: &Locator,
    ) -> Result<Uniqueness, Failure> {
        let mut fired = false;
        for check in 0..self.checks.len() {
            let (unique, response) = self.checks[check];
            let Some(other) = self.find_conflict(target, context, unique, locator)? else {
                continue;
            };
            match response {
                Response::Act(ConflictAction::Ignore) => return Ok(Uniqueness::Skipped),
                Response::Act(ConflictAction::Replace) => {
                    fired |= match (unique, &other) {
                        (Unique::Key, Locator::Rowid(_)) => target.remove_victim(context, &other)?,
                        _ => target.remove_victim_of_update(context, &other)?,
                    };
                    // Removing a row used the buffers of the old side.
                    target.prepare_indexes(context, Side::Old, old, |number| self.changes.indexes[number])?;
                }
                Response::Act(action) => return Err(target.taken(unique, action)),
                Response::Update(_) => {}
            }
        }
        if !fired {
            return Ok(Uniqueness::Kept);
        }
        self.check_again(target, context, locator)?;
        Ok(Uniqueness::Fired)
    }

    fn find_conflict(
        &self,
        target: &mut Target,
        context: &mut ExecContext<'_>,
        unique: Unique,
        own: &Locator,
    ) -> Result<Option<Locator>> {
        match unique {
            Unique::Key => Ok(target
                .key_conflict(context, &self.new)?
                .filter(|found| !target.is_same_row(found, own))),
            Unique::Index(number) if target.indexes[number].is_present(Side::New) => {
                target.index_conflict(context, number, &self.new, Some(own))
            }
            Unique::Index(_) => Ok(None),
        }
    }

    /// What the removal of a row set off may have put another in its place: there is no replacing that one.
    fn check_again(
        &self,
        target: &mut Target,
        context: &mut ExecContext<'_>,
        own: &Locator,
    ) -> Result<(), Failure> {
        for &(unique, _) in &self.checks {
            if self.find_conflict(target, context, unique, own)?.is_some() {
                return Err(target.taken(unique, ConflictAction::Abort));
            }
        }
        Ok(())
    }
}
