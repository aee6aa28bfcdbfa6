//! What else happens when a row changes: triggers and foreign keys.
//!
//! ```text
//!   ProgramSet (compiled with the statement, shared)          Programs (of one target, built when first needed)
//!     per table: TriggerPlan ..                          ──▶    TriggerRun: operators of WHEN and of each step
//!                ForeignKeyPlan of its own keys          ──▶    ForeignKeyRun: look up the parent
//!                ReferencePlan of keys that refer to it  ──▶    ReferenceRun: look for children, act on them
//! ```
//!
//! All plans of a statement are made before it runs, those of nested statements included; a table that several of them write has one entry, so
//! recursion costs no plan. A trigger has one plan for each conflict clause under which it may fire: the clause of the statement that fires it
//! takes the place of those of its own. DELETE has none; rows that REPLACE removes go under REPLACE; DO UPDATE and the actions of foreign keys
//! are under ABORT. Operators are built when a program first runs. An UPDATE keeps only the programs that the columns it sets concern: most set no key, and
//! are then written as if the table had no foreign keys.
//!
//! Each program has registers of its own: OLD's row, then NEW's, each in table row layout, then what its statements need.

use std::sync::Arc;

use super::foreign_key::{ForeignKeyPlan, ForeignKeyRun, ReferencePlan, ReferenceRun};
use super::{Delete, Failure, Fate, Insert, Update, VirtualWrite, Written};
use crate::catalog::{Table, Trigger};
use crate::error::{Error, RaiseAction, Result};
use crate::exec::{BuildContext, ExecContext, Operator, build};
use crate::plan::physical::DatabaseIndex;
use crate::plan::{CompiledKind, Plan};
use crate::syntax::ast::{ConflictAction, TriggerEvent, TriggerTime};
use crate::value::{Value, cast};

/// The most programs that may run inside each other.
pub(crate) const TRIGGER_DEPTH_MAX: usize = if cfg!(debug_assertions) { 100 } else { 1000 };

/// Everything that changing a row may set off, for all tables that a statement and its triggers write.
#[derive(Debug, Default)]
pub struct ProgramSet {
    /// One entry a table.
    pub tables: Vec<Arc<TablePrograms>>,
    /// Whether a trigger may fire itself, and whether REPLACE fires DELETE triggers (PRAGMA recursive_triggers).
    pub recursive_triggers: bool,
    /// Whether the application is told of each row.
    pub tells_rows: bool,
    /// Whether it wants to see rows before they change.
    pub tells_changes: bool,
}

/// What changing a row of one table sets off.
#[derive(Debug)]
pub struct TablePrograms {
    /// The database of the table.
    pub database: DatabaseIndex,
    /// The table.
    pub table: Arc<Table>,
    /// Its triggers, in the order in which they fire.
    pub triggers: Vec<Arc<TriggerPlan>>,
    /// Its foreign keys.
    pub foreign_keys: Vec<Arc<ForeignKeyPlan>>,
    /// Foreign keys, its own among them, that refer to it.
    pub references: Vec<Arc<ReferencePlan>>,
}

/// A trigger, compiled.
#[derive(Debug)]
pub struct TriggerPlan {
    /// The trigger.
    pub trigger: Arc<Trigger>,
    /// The conflict clause of the statement that fires it, which the clauses of its statements give way to.
    pub conflict: Option<ConflictAction>,
    /// The columns of UPDATE OF; `None`: any change fires.
    pub columns: Option<Vec<usize>>,
    /// WHEN, as a query of one row and one column.
    pub condition: Option<Plan>,
    /// Its statements.
    pub steps: Vec<CompiledKind>,
    /// How many registers a run needs.
    pub registers: usize,
}

/// What happens to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowEvent {
    /// It is inserted.
    Insert,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

/// The row before and after, in table row layout, as far as there is one; the conflict clause of the statement; and the columns that an
/// UPDATE sets.
#[derive(Clone, Copy)]
pub(super) struct RowChange<'a> {
    pub(super) event: RowEvent,
    pub(super) conflict: Option<ConflictAction>,
    pub(super) old: Option<&'a [Value]>,
    pub(super) new: Option<&'a [Value]>,
    pub(super) changed: Option<&'a [bool]>,
}

impl ProgramSet {
    pub(super) fn of_table(&self, database: DatabaseIndex, table: &Table) -> Option<&Arc<TablePrograms>> {
        let is_it = |own: &&Arc<TablePrograms>| {
            own.database == database && own.table.name.eq_ignore_ascii_case(&table.name)
        };
        self.tables.iter().find(is_it)
    }
}

/// The programs of one target, ready to run. Nearly all targets have none.
pub(super) struct Programs {
    set: Arc<ProgramSet>,
    triggers: Vec<(Arc<TriggerPlan>, Option<Box<TriggerRun>>)>,
    foreign_keys: Vec<(Arc<ForeignKeyPlan>, Option<ForeignKeyRun>)>,
    references: Vec<(Arc<ReferencePlan>, Option<Box<ReferenceRun>>)>,
}

impl Programs {
    /// The programs of a table; `None` when changing it sets nothing off.
    pub(super) fn of_table(
        set: &Arc<ProgramSet>,
        database: DatabaseIndex,
        table: &Table,
    ) -> Option<Box<Programs>> {
        let own = set.of_table(database, table)?;
        let programs = Programs {
            set: Arc::clone(set),
            triggers: own.triggers.iter().map(|plan| (Arc::clone(plan), None)).collect(),
            foreign_keys: own
                .foreign_keys
                .iter()
                .map(|plan| (Arc::clone(plan), None))
                .collect(),
            references: own
                .references
                .iter()
                .map(|plan| (Arc::clone(plan), None))
                .collect(),
        };
        (!programs.is_empty()).then(|| Box::new(programs))
    }

    pub(super) fn recursive(&self) -> bool {
        self.set.recursive_triggers
    }

    /// Forgets what an UPDATE that sets the columns `changed`, and replaces no row, never sets off. False when nothing is left.
    pub(super) fn keep_for_update(&mut self, conflict: Option<ConflictAction>, changed: &[bool]) -> bool {
        self.triggers
            .retain(|(plan, _)| plan.watches_update(conflict, changed));
        self.foreign_keys.retain(|(plan, _)| plan.is_touched_by(changed));
        self.references.retain(|(plan, _)| plan.is_touched_by(changed));
        !self.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.triggers.is_empty() && self.foreign_keys.is_empty() && self.references.is_empty()
    }

    /// Fires the triggers of an event. `Skipped`: a trigger said RAISE(IGNORE).
    pub(super) fn fire(
        &mut self,
        context: &mut ExecContext<'_>,
        time: TriggerTime,
        change: RowChange<'_>,
    ) -> Result<Fate, Failure> {
        for (plan, run) in &mut self.triggers {
            if !plan.is_for(time, &change) {
                continue;
            }
            let identity = Arc::as_ptr(&plan.trigger) as usize;
            if !self.set.recursive_triggers && context.state.session.firing.contains(&identity) {
                continue;
            }
            let run = match run {
                Some(run) => run,
                None => run.insert(Box::new(TriggerRun::build(plan, &self.set)?)),
            };
            context.state.session.firing.push(identity);
            let fate = run.run(context, &change);
            context.state.session.firing.pop();
            if fate? == Fate::Skipped {
                return Ok(Fate::Skipped);
            }
        }
        Ok(Fate::Kept)
    }

    /// Before a parent row goes or changes its key: RESTRICT.
    pub(super) fn restrict(
        &mut self,
        context: &mut ExecContext<'_>,
        change: RowChange<'_>,
    ) -> Result<(), Failure> {
        for (plan, run) in &mut self.references {
            if plan.is_concerned(&change) {
                reference_run(plan, run, &self.set)?.restrict(context, &change)?;
            }
        }
        Ok(())
    }

    /// After a row was changed: its own foreign keys, then what refers to it.
    pub(super) fn keep_references(
        &mut self,
        context: &mut ExecContext<'_>,
        change: RowChange<'_>,
    ) -> Result<(), Failure> {
        for (plan, run) in &mut self.foreign_keys {
            if plan.is_concerned(&change) {
                let run = match run {
                    Some(run) => run,
                    None => run.insert(ForeignKeyRun::build(plan)?),
                };
                run.check_new(context, &change)?;
            }
        }
        for (plan, run) in &mut self.references {
            if plan.is_concerned(&change) {
                reference_run(plan, run, &self.set)?.act(context, &change)?;
            }
        }
        Ok(())
    }
}

fn reference_run<'r>(
    plan: &Arc<ReferencePlan>,
    run: &'r mut Option<Box<ReferenceRun>>,
    set: &Arc<ProgramSet>,
) -> Result<&'r mut ReferenceRun> {
    Ok(match run {
        Some(run) => run,
        None => run.insert(Box::new(ReferenceRun::build(plan, set)?)),
    })
}

impl TriggerPlan {
    /// Whether an UPDATE of those columns fires it at any time.
    fn watches_update(&self, conflict: Option<ConflictAction>, changed: &[bool]) -> bool {
        let event = &self.trigger.definition.event;
        let touched = self
            .columns
            .as_ref()
            .is_none_or(|columns| columns.iter().any(|&column| changed[column]));
        matches!(event, TriggerEvent::Update | TriggerEvent::UpdateOf(_))
            && self.conflict == conflict
            && touched
    }

    fn is_for(&self, time: TriggerTime, change: &RowChange<'_>) -> bool {
        let definition = &self.trigger.definition;
        let event = match definition.event {
            TriggerEvent::Insert => RowEvent::Insert,
            TriggerEvent::Update | TriggerEvent::UpdateOf(_) => RowEvent::Update,
            TriggerEvent::Delete => RowEvent::Delete,
        };
        let touched = match (&self.columns, change.changed) {
            (Some(columns), Some(changed)) => columns.iter().any(|&column| changed[column]),
            _ => true,
        };
        definition.time.unwrap_or(TriggerTime::Before) == time
            && event == change.event
            && self.conflict == change.conflict
            && touched
    }
}

/// A statement inside a program, ready to run.
pub(super) enum Step {
    Query(Box<dyn Operator>),
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Virtual(Box<VirtualWrite>),
}

impl Step {
    pub(super) fn build(kind: &CompiledKind, set: &Arc<ProgramSet>) -> Result<Step> {
        Ok(match kind {
            CompiledKind::Query(plan) => Step::Query(build(plan)?),
            CompiledKind::Insert(plan) if plan.target.table.is_virtual() => Step::Virtual(Box::new(
                VirtualWrite::insert(plan, &mut BuildContext::default())?,
            )),
            CompiledKind::Update(plan) if plan.target.table.is_virtual() => Step::Virtual(Box::new(
                VirtualWrite::update(plan, &mut BuildContext::default())?,
            )),
            CompiledKind::Delete(plan) if plan.target.table.is_virtual() => Step::Virtual(Box::new(
                VirtualWrite::delete(plan, &mut BuildContext::default())?,
            )),
            CompiledKind::Insert(plan) => {
                Step::Insert(Box::new(Insert::build(plan, set, &mut BuildContext::default())?))
            }
            CompiledKind::Update(plan) => {
                Step::Update(Box::new(Update::build(plan, set, &mut BuildContext::default())?))
            }
            CompiledKind::Delete(plan) => {
                Step::Delete(Box::new(Delete::build(plan, set, &mut BuildContext::default())?))
            }
        })
    }

    pub(super) fn run(&mut self, context: &mut ExecContext<'_>) -> Result<(), Failure> {
        let mut written = Written::default();
        let result = match self {
            Step::Query(query) => return drain(query.as_mut(), context),
            Step::Insert(insert) => insert.run(context, &mut written),
            Step::Update(update) => update.run(context, &mut written),
            Step::Delete(delete) => delete.run(context, &mut written),
            Step::Virtual(write) => write.run(context, &mut written),
        };
        let environment = &context.state.session.environment;
        let changes = written.changes as i64;
        environment.changes.set(changes);
        environment
            .total_changes
            .set(environment.total_changes.get() + changes);
        result
    }
}

/// A SELECT in a trigger is there for what its functions do.
fn drain(query: &mut dyn Operator, context: &mut ExecContext<'_>) -> Result<(), Failure> {
    query.open(context)?;
    while query.next(context)? {}
    query.close();
    Ok(())
}

/// A trigger, ready to run.
struct TriggerRun {
    condition: Option<Box<dyn Operator>>,
    steps: Vec<Step>,
    registers: Vec<Value>,
}

impl TriggerRun {
    fn build(plan: &TriggerPlan, set: &Arc<ProgramSet>) -> Result<TriggerRun> {
        Ok(TriggerRun {
            condition: plan
                .condition
                .as_ref()
                .map(|condition| build(&condition.root))
                .transpose()?,
            steps: plan
                .steps
                .iter()
                .map(|step| Step::build(step, set))
                .collect::<Result<_>>()?,
            registers: vec![Value::Null; plan.registers],
        })
    }

    fn run(&mut self, context: &mut ExecContext<'_>, change: &RowChange<'_>) -> Result<Fate, Failure> {
        load_rows(&mut self.registers, change);
        let TriggerRun {
            condition,
            steps,
            registers,
        } = self;
        inside(context, registers, |context| {
            if let Some(condition) = condition
                && !is_true(condition.as_mut(), context)?
            {
                return Ok(Fate::Kept);
            }
            for step in steps {
                match step.run(context) {
                    Err(failure) if ignores(&failure.error) => return Ok(Fate::Skipped),
                    result => result?,
                }
            }
            Ok(Fate::Kept)
        })
    }
}

/// Puts OLD's and NEW's rows into the registers of a program.
pub(super) fn load_rows(registers: &mut [Value], change: &RowChange<'_>) {
    let width = change.old.or(change.new).map_or(0, <[Value]>::len);
    let (old, rest) = registers.split_at_mut(width.min(registers.len()));
    for (registers, row) in [(old, change.old), (rest, change.new)] {
        for (register, value) in registers.iter_mut().zip(row.unwrap_or_default()) {
            register.assign(value.as_ref());
        }
    }
}

/// Runs a program: with its own registers, one level deeper, and with counters that the caller does not see.
pub(super) fn inside<T>(
    context: &mut ExecContext<'_>,
    registers: &mut Vec<Value>,
    work: impl FnOnce(&mut ExecContext<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if context.state.session.depth >= context.state.session.trigger_depth_max {
        return Err(Error::sql("too many levels of trigger recursion").into());
    }
    context.state.session.depth += 1;
    context.state.session.runs += 1;
    let run = context.state.session.runs;
    let counters = (
        context.state.session.environment.changes.get(),
        context.state.session.environment.last_insert_rowid.get(),
    );
    let result = {
        let mut inner = ExecContext {
            state: &mut *context.state,
            parameters: &[],
            registers,
            interrupt: context.interrupt,
            run,
        };
        work(&mut inner)
    };
    context.state.session.depth -= 1;
    context.state.session.environment.changes.set(counters.0);
    context
        .state
        .session
        .environment
        .last_insert_rowid
        .set(counters.1);
    result
}

fn is_true(condition: &mut dyn Operator, context: &mut ExecContext<'_>) -> Result<bool> {
    condition.open(context)?;
    let found = condition.next(context)?;
    let batch = condition.batch();
    let holds = found
        && batch
            .columns
            .first()
            .is_some_and(|column| cast::truth(column.get(batch.selected_row(0))) == Some(true));
    condition.close();
    Ok(holds)
}

/// Whether a query has a row.
pub(super) fn has_row(query: &mut dyn Operator, context: &mut ExecContext<'_>) -> Result<bool> {
    query.open(context)?;
    let found = query.next(context)?;
    query.close();
    Ok(found)
}

/// How much a RAISE undoes.
pub(super) fn action_of(error: &Error) -> ConflictAction {
    match error {
        Error::Raise {
            action: RaiseAction::Rollback,
            ..
        } => ConflictAction::Rollback,
        Error::Raise {
            action: RaiseAction::Fail,
            ..
        } => ConflictAction::Fail,
        _ => ConflictAction::Abort,
    }
}

/// RAISE(IGNORE) leaves the row aside.
fn ignores(error: &Error) -> bool {
    let ignore = RaiseAction::Ignore;
    matches!(error, Error::Raise { action, .. } if *action == ignore)
}
