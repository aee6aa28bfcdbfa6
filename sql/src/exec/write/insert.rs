//! INSERT and REPLACE, with ON CONFLICT clauses (upsert).
//!
//! A statement whose source is one row of parameters and literals goes straight from there into the record; any other source
//! is an operator whose rows are written as they come, or collected first where it may read the target.

use std::sync::Arc;

use super::collect::Collected;
use super::program::ProgramSet;
use super::rowid::{self, Sequence};
use super::straight::{Given, StraightRecord, Values};
use super::target::{Locator, Target, Tree, detached, inserted};
use super::unique::{Response, Unique, order_of};
use super::update::{Changes, Rewriter};
use super::{Failure, Fate, Written};
use crate::connection::RowAction;
use crate::error::{Error, Result};
use crate::exec::write::index::Side;
use crate::exec::{Batch, BuildContext, ExecContext, Kernel, Operator};
use crate::plan::Node;
use crate::plan::expr::Expr;
use crate::plan::write::{InsertPlan, InsertValue, UpsertUpdate};
use crate::syntax::ast::{ConflictAction, TriggerTime};
use crate::value::{Affinity, Value, ValueRef, apply_affinity};

/// An INSERT statement, ready to run.
pub struct Insert {
    source: Source,
    /// The record of a given row to which nothing but its values matters.
    straight: Option<StraightRecord>,
    collect: bool,
    collected: Collected,
    writer: Writer,
}

/// Where rows come from.
enum Source {
    /// One row of parameters and literals.
    Given(Vec<Given>),
    Rows(Box<dyn Operator>),
}

/// Puts rows into the table.
struct Writer {
    target: Target,
    columns: Vec<ColumnInput>,
    rowid: Option<usize>,
    conflict: Option<ConflictAction>,
    checks: Vec<(Unique, Response)>,
    /// The row that has the rowid, if there is one, is written over, and nothing else can be in the way.
    overwrites: bool,
    upserts: Vec<Option<UpsertWriter>>,
    sequence: Option<Box<Sequence>>,
    row: Vec<Value>,
    empty: Batch,
}

/// What a column gets.
pub(super) enum ColumnInput {
    Source(usize),
    Constant(Value),
    Computed(Kernel),
    Null,
}

/// DO UPDATE, ready to run.
struct UpsertWriter {
    rewriter: Rewriter,
    filter: Option<Kernel>,
    sets: Vec<(usize, Kernel)>,
    /// The row that is there, followed by the one that was to be inserted.
    pair: Batch,
    old: Vec<Value>,
}

/// The check of a key that the new row takes from the old one.
const OVERWRITE: (Unique, Response) = (Unique::Key, Response::Act(ConflictAction::Replace));

impl Insert {
    /// Gets ready to run `plan`.
    pub(crate) fn build(
        plan: &InsertPlan,
        programs: &Arc<ProgramSet>,
        build: &mut BuildContext,
    ) -> Result<Insert> {
        let target = Target::build(&plan.target, programs)?;
        let checks = order_of(&target, plan.conflict, &plan.upserts);
        let upserts = plan
            .upserts
            .iter()
            .map(|upsert| {
                upsert
                    .update
                    .as_ref()
                    .map(|update| UpsertWriter::build(&target, update))
                    .transpose()
            })
            .collect::<Result<_>>()?;
        let writer = Writer {
            columns: plan
                .values
                .iter()
                .map(ColumnInput::build)
                .collect::<Result<_>>()?,
            rowid: plan.rowid,
            conflict: plan.conflict,
            overwrites: target.overwrites() && checks.iter().all(|check| *check == OVERWRITE),
            checks,
            upserts,
            sequence: None,
            row: Vec::new(),
            empty: one_empty_row(),
            target,
        };
        let source = match given_row(&plan.source) {
            Some(given) => Source::Given(given),
            None => Source::Rows(build.operator(&plan.source)?),
        };
        Ok(Insert {
            straight: match &source {
                Source::Given(given) => writer.straight(given, programs),
                Source::Rows(_) => None,
            },
            source,
            collect: plan.source_reads_target,
            collected: Collected::default(),
            writer,
        })
    }

    /// Whether a run that fails has written nothing: it inserts one row, and all its checks come before the first write.
    pub fn fails_clean(&self) -> bool {
        matches!(self.source, Source::Given(_))
            && !self.writer.target.has_programs()
            && self.writer.fails_before_it_writes()
    }

    /// Whether it may leave index entries for its end: what it reads is read before it writes, or lies elsewhere.
    pub fn batches(&self) -> bool {
        let target = &self.writer.target;
        let plain =
            !target.has_programs() && !target.returns() && self.writer.upserts.iter().all(Option::is_none);
        plain && !self.is_single()
    }

    /// Whether it inserts one row of parameters and literals.
    pub fn is_single(&self) -> bool {
        matches!(self.source, Source::Given(_))
    }

    /// Whether it may leave index entries for later: it reads no index that is not unique, and writes one row or fails clean.
    pub fn defers(&self) -> bool {
        self.fails_clean() && !self.writer.target.returns()
    }

    /// Inserts the rows.
    pub fn run(&mut self, context: &mut ExecContext<'_>, written: &mut Written) -> Result<(), Failure> {
        if let Some(record) = &self.straight
            && self.writer.insert_straight(context, record)?
        {
            written.changes += 1;
            return Ok(());
        }
        self.writer.start(context)?;
        match &mut self.source {
            Source::Given(given) => self.writer.insert_given(context, given, written)?,
            Source::Rows(source) => {
                source.open(context)?;
                if self.collect {
                    self.collected.fill(source.as_mut(), context)?;
                    let writer = &mut self.writer;
                    self.collected
                        .visit(|batch| writer.insert_batch(context, batch, written))?;
                } else {
                    while source.next(context)? {
                        context.check_interrupt()?;
                        self.writer.insert_batch(context, source.batch(), written)?;
                    }
                }
                source.close();
            }
        }
        self.writer.finish(context)
    }
}

impl Writer {
    fn start(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.target.start(context)?;
        self.row.resize(self.target.width(), Value::Null);
        if self.target.table.autoincrement {
            let database = context
                .state
                .databases
                .get(self.target.database)
                .ok_or_else(detached)?;
            self.sequence = Some(Box::new(Sequence::read(database, &self.target.table)?));
        }
        Ok(())
    }

    fn finish(&mut self, context: &mut ExecContext<'_>) -> Result<(), Failure> {
        if let Some(mut sequence) = self.sequence.take() {
            let pager = &mut context
                .state
                .databases
                .get_mut(self.target.database)
                .ok_or_else(detached)?
                .pager;
            sequence.write(pager)?;
        }
        Ok(())
    }

    /// REPLACE removes rows as its conflicts are found: it is fit when no other conflict can come after that. A failing upsert may have
    /// changed what it found.
    fn fails_before_it_writes(&self) -> bool {
        let replaces = |response: &Response| matches!(response, Response::Act(ConflictAction::Replace));
        let responses = || self.checks.iter().map(|(_, response)| response);
        let after_first = responses().skip_while(|response| !replaces(response));
        let acts = responses().all(|response| matches!(response, Response::Act(_)));
        acts && after_first.into_iter().all(replaces) && !self.target.table.autoincrement
    }

    // ---- rows ------------------------------------------------------------------------------------

    /// The record of rows that get what is `given`, when nothing but their values matters.
    fn straight(&self, given: &[Given], programs: &ProgramSet) -> Option<StraightRecord> {
        let (target, table) = (&self.target, &self.target.table);
        let alone = target.indexes.is_empty()
            && !target.has_programs()
            && !target.returns()
            && !target.completion.needs_batch()
            && !programs.tells_rows
            && !programs.tells_changes;
        let plain = table.without_rowid.is_none() && !table.is_view && !table.autoincrement;
        if !alone || !plain || self.rowid.is_some() {
            return None;
        }
        let of_column = |number: usize| match self.columns.get(number)? {
            ColumnInput::Source(place) => given.get(*place).cloned(),
            ColumnInput::Constant(value) => Some(Given::Literal(value.clone())),
            ColumnInput::Null => Some(Given::Literal(Value::Null)),
            ColumnInput::Computed(_) => None,
        };
        StraightRecord::of(table, target.layout(), of_column)
    }

    /// Puts a row behind all others, or in the place of another, when its values fit as they are; false, and nothing has happened, when there is more to it.
    fn insert_straight(
        &mut self,
        context: &mut ExecContext<'_>,
        record: &StraightRecord,
    ) -> Result<bool, Failure> {
        let target = &mut self.target;
        target.start(context)?;
        let (parameters, mut values) = (context.parameters, Values::new());
        if !target.writes_straight(context) || !record.collect(parameters, &mut values) {
            return Ok(false);
        }
        let rowid = match record.rowid(parameters) {
            ValueRef::Null => rowid::choose(target, context, None)?,
            ValueRef::Integer(rowid) if self.overwrites || target.is_behind_all(context, rowid)? => rowid,
            _ => return Ok(false),
        };
        let state = &mut *context.state;
        let database = state.databases.get_mut(target.database);
        let pager = &mut database.ok_or_else(detached)?.pager;
        target.look_around(pager);
        let Tree::Rowid(cursor) = &mut target.tree else {
            return Ok(false);
        };
        cursor.insert_values(pager, rowid, &values)?;
        target.note_change(pager);
        state.session.environment.last_insert_rowid.set(rowid);
        Ok(true)
    }

    fn insert_given(
        &mut self,
        context: &mut ExecContext<'_>,
        given: &[Given],
        written: &mut Written,
    ) -> Result<(), Failure> {
        let value_of = |place: usize, parameters: &[Value], out: &mut Value| match given.get(place) {
            Some(given) => out.assign(given.value(parameters)),
            None => *out = Value::Null,
        };
        for (input, value) in self.columns.iter_mut().zip(&mut self.row) {
            match input {
                ColumnInput::Source(place) => value_of(*place, context.parameters, value),
                input => input.compute(context, &self.empty, value)?,
            }
        }
        self.set_rowid(|place, out| value_of(place, context.parameters, out));
        self.insert_row(context, written)
    }

    fn insert_batch(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &Batch,
        written: &mut Written,
    ) -> Result<(), Failure> {
        for row in batch.selected() {
            let value_of = |place: usize, out: &mut Value| match batch.columns.get(place) {
                Some(column) => out.assign(column.get(row)),
                None => *out = Value::Null,
            };
            for (input, value) in self.columns.iter_mut().zip(&mut self.row) {
                match input {
                    ColumnInput::Source(place) => value_of(*place, value),
                    input => input.compute(context, &self.empty, value)?,
                }
            }
            self.set_rowid(value_of);
            self.insert_row(context, written)?;
        }
        Ok(())
    }

    /// The last value of the row is the rowid: that of the alias column, or of a source column that stands for it.
    fn set_rowid(&mut self, value_of: impl FnOnce(usize, &mut Value)) {
        let Some((last, columns)) = self.row.split_last_mut() else {
            return;
        };
        match (self.rowid, self.target.table.rowid_alias) {
            (Some(place), _) => value_of(place, last),
            (None, Some(alias)) => last.assign(columns[alias].as_ref()),
            (None, None) => *last = Value::Null,
        }
    }

    fn insert_row(&mut self, context: &mut ExecContext<'_>, written: &mut Written) -> Result<(), Failure> {
        if self.target.table.is_view {
            return self
                .target
                .intercept(context, inserted(&self.row, self.conflict), written);
        }
        if self.target.has_programs() && self.fire_before(context)? == Fate::Skipped {
            return Ok(());
        }
        let chosen = self.settle_rowid(context)?;
        let fate = self.target.completion.complete(
            context,
            &mut self.target.batch,
            &mut self.row,
            self.conflict,
            None,
        )?;
        if fate == Fate::Skipped {
            return Ok(());
        }
        self.target
            .prepare_indexes(context, Side::New, &self.row, |_| true)?;
        let mut fired = false;
        for check in 0..self.checks.len() {
            let (unique, response) = self.checks[check];
            if unique == Unique::Key && chosen {
                continue;
            }
            let Some(other) = self.find_conflict(context, unique)? else {
                continue;
            };
            match response {
                Response::Act(ConflictAction::Ignore) => return Ok(()),
                Response::Act(ConflictAction::Replace)
                    if unique == Unique::Key && self.target.overwrites() =>
                {
                    self.target.remove_entries_of(context, &other, &self.row)?;
                }
                Response::Act(ConflictAction::Replace) => {
                    fired |= self.target.remove_victim(context, &other)?;
                }
                Response::Act(action) => return Err(self.target.taken(unique, action)),
                Response::Update(clause) => return self.update(context, clause, &other, written),
            }
        }
        if fired {
            self.check_again(context)?;
        }
        self.target
            .tell_before(context, RowAction::Insert, (None, Some(&self.row)));
        self.target.write_new(context, &self.row)?;
        if self.target.table.without_rowid.is_none() {
            self.note_rowid(context);
        }
        written.changes += 1;
        self.target.tell(context, RowAction::Insert, &self.row);
        if self.target.has_programs() {
            self.target
                .keep_references(context, inserted(&self.row, self.conflict))?;
            self.target
                .fire(context, TriggerTime::After, inserted(&self.row, self.conflict))?;
        }
        self.target.answer(context, &self.row, written)?;
        Ok(())
    }

    /// BEFORE triggers see the row as it was given, with a rowid of -1 where none was.
    fn fire_before(&mut self, context: &mut ExecContext<'_>) -> Result<Fate, Failure> {
        let mut row = self.row.clone();
        self.target.completion.apply_affinities(&mut row);
        if let Some(last) = row
            .last_mut()
            .filter(|_| self.target.table.without_rowid.is_none())
        {
            apply_affinity(last, Affinity::Integer);
            if last.is_null() {
                *last = Value::Integer(-1);
            }
        }
        if let (Some(alias), Some(rowid)) = (self.target.table.rowid_alias, row.last().cloned()) {
            row[alias] = rowid;
        }
        self.target.compute_virtual(context, &mut row)?;
        self.target
            .fire(context, TriggerTime::Before, inserted(&row, self.conflict))
    }

    /// Makes the rowid an integer, choosing one where none is given. True when it was chosen, so that it is free.
    fn settle_rowid(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if self.target.table.without_rowid.is_some() {
            return Ok(false);
        }
        let Some((last, columns)) = self.row.split_last_mut() else {
            return Ok(false);
        };
        apply_affinity(last, Affinity::Integer);
        let chosen = last.is_null();
        if chosen {
            *last = Value::Integer(rowid::choose(
                &mut self.target,
                context,
                self.sequence.as_deref(),
            )?);
        }
        let Value::Integer(rowid) = *last else {
            return Err(Error::Mismatch);
        };
        if let Some(alias) = self.target.table.rowid_alias {
            columns[alias] = Value::Integer(rowid);
        }
        if let Some(sequence) = &mut self.sequence {
            sequence.largest = sequence.largest.max(rowid);
        }
        Ok(chosen)
    }

    fn note_rowid(&self, context: &ExecContext<'_>) {
        if let Some(Value::Integer(rowid)) = self.row.last() {
            context.state.session.environment.last_insert_rowid.set(*rowid);
        }
    }

    // ---- conflicts -------------------------------------------------------------------------------

    fn find_conflict(&mut self, context: &mut ExecContext<'_>, unique: Unique) -> Result<Option<Locator>> {
        match unique {
            Unique::Key => self.target.key_conflict(context, &self.row),
            Unique::Index(number) if self.target.indexes[number].is_present(Side::New) => {
                self.target.index_conflict(context, number, &self.row, None)
            }
            Unique::Index(_) => Ok(None),
        }
    }

    /// What the removal of a row set off may have put another in its place: there is no replacing that one.
    fn check_again(&mut self, context: &mut ExecContext<'_>) -> Result<(), Failure> {
        self.target
            .prepare_indexes(context, Side::New, &self.row, |_| true)?;
        for check in 0..self.checks.len() {
            let (unique, _) = self.checks[check];
            if self.find_conflict(context, unique)?.is_some() {
                return Err(self.target.taken(unique, ConflictAction::Abort));
            }
        }
        Ok(())
    }

    /// DO UPDATE on the row that is in the way.
    fn update(
        &mut self,
        context: &mut ExecContext<'_>,
        clause: usize,
        other: &Locator,
        written: &mut Written,
    ) -> Result<(), Failure> {
        let Some(Some(upsert)) = self.upserts.get_mut(clause) else {
            return Ok(());
        };
        if !self.target.seek(&context.state.databases, other)? {
            return Ok(());
        }
        self.target.read(context, &mut upsert.old)?;
        upsert.show(&self.row);
        if let Some(filter) = &mut upsert.filter
            && !filter.is_true(context, &upsert.pair)?
        {
            return Ok(());
        }
        let new = upsert.rewriter.start_row(&upsert.old);
        for (column, kernel) in &mut upsert.sets {
            new[*column].assign(kernel.evaluate_one(context, &upsert.pair)?);
        }
        if self.target.has_programs() {
            let fate = upsert
                .rewriter
                .fire_before(&mut self.target, context, &mut upsert.old, other)?;
            if fate == Fate::Skipped {
                return Ok(());
            }
        }
        let before = written.changes;
        upsert
            .rewriter
            .change(&mut self.target, context, &upsert.old, other, None, written)?;
        written.upserted += written.changes - before;
        Ok(())
    }
}

impl ColumnInput {
    pub(super) fn build(value: &InsertValue) -> Result<ColumnInput> {
        Ok(match value {
            InsertValue::Source(place) => ColumnInput::Source(*place),
            InsertValue::Default(Expr::Literal(value)) => ColumnInput::Constant(value.clone()),
            InsertValue::Default(expression) => ColumnInput::Computed(Kernel::compile(expression)?),
            InsertValue::Null => ColumnInput::Null,
        })
    }

    /// The value of a column that the source says nothing of.
    pub(super) fn compute(
        &mut self,
        context: &mut ExecContext<'_>,
        empty: &Batch,
        out: &mut Value,
    ) -> Result<()> {
        match self {
            ColumnInput::Constant(value) => out.assign(value.as_ref()),
            ColumnInput::Computed(kernel) => out.assign(kernel.evaluate_one(context, empty)?),
            ColumnInput::Null | ColumnInput::Source(_) => *out = Value::Null,
        }
        Ok(())
    }
}

impl UpsertWriter {
    fn build(target: &Target, update: &UpsertUpdate) -> Result<UpsertWriter> {
        let changes = Changes::of(target, update.sets.iter().map(|(column, _)| *column));
        Ok(UpsertWriter {
            rewriter: Rewriter::new(target, changes, Some(ConflictAction::Abort)),
            filter: update.filter.as_ref().map(Kernel::compile).transpose()?,
            sets: update
                .sets
                .iter()
                .map(|(column, expression)| Ok((*column, Kernel::compile(expression)?)))
                .collect::<Result<_>>()?,
            pair: Batch::new(target.width() * 2),
            old: Vec::new(),
        })
    }

    fn show(&mut self, excluded: &[Value]) {
        self.pair.clear();
        for (column, value) in self.pair.columns.iter_mut().zip(self.old.iter().chain(excluded)) {
            column.push(value.as_ref());
        }
        self.pair.set_len(1);
    }
}

/// The source's only row, when it is nothing but parameters and literals.
fn given_row(source: &Node) -> Option<Vec<Given>> {
    let Node::Values { rows, .. } = source else {
        return None;
    };
    let [row] = rows.as_slice() else {
        return None;
    };
    row.iter().map(Given::of).collect()
}

pub(super) fn one_empty_row() -> Batch {
    let mut batch = Batch::new(0);
    batch.set_len(1);
    batch
}
