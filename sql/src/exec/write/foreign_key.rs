//! Foreign keys: a child's row finds its parent, a parent's row does not leave children behind.
//!
//! A key that is broken is not an error at once. It goes to the [`Ledger`]; an immediate key is looked at again when the statement
//! ends, a deferred one when the transaction does. Only what is still broken then is an error: a child row with the key is there, and no parent.
//!
//! Look-ups and actions are queries over registers that hold OLD's and NEW's row, like the steps of a trigger.

use std::sync::Arc;

use super::Failure;
use super::program::{ProgramSet, RowChange, RowEvent, Step, has_row, inside, load_rows};
use crate::catalog::Table;
use crate::error::{ConstraintKind, Error, Result};
use crate::exec::{ExecContext, Operator, build};
use crate::plan::physical::DatabaseIndex;
use crate::plan::{CompiledKind, Plan};
use crate::syntax::ast::{ConflictAction, ReferenceAction};
use crate::value::{Collation, Value, compare};

/// A foreign key as its child table sees it. One query sees the child's row as NEW, the other the parent's: the parent's columns decide
/// how keys compare.
#[derive(Debug)]
pub struct ForeignKeyPlan {
    /// The database of both tables.
    pub database: DatabaseIndex,
    /// The child table.
    pub child: Arc<Table>,
    /// Which of its foreign keys.
    pub number: usize,
    /// The parent table, when it is there and has such a key.
    pub parent_table: Option<Arc<Table>>,
    /// Finds the parent; `None` when there cannot be one.
    pub parent: Option<Plan>,
    /// The registers of the key for it.
    pub parent_key: Vec<usize>,
    /// Finds children.
    pub children: Plan,
    /// The registers of the key for them.
    pub children_key: Vec<usize>,
    /// How many registers the queries need.
    pub registers: usize,
}

/// A foreign key as its parent table sees it. The queries see the parent's rows as OLD and NEW.
#[derive(Debug)]
pub struct ReferencePlan {
    /// The key as its child sees it.
    pub key: Arc<ForeignKeyPlan>,
    /// The parent's columns that the key refers to.
    pub parent_columns: Vec<usize>,
    /// ON DELETE and ON UPDATE.
    pub actions: [ReferenceAction; 2],
    /// What CASCADE, SET NULL and SET DEFAULT do, for DELETE and UPDATE.
    pub steps: [Option<CompiledKind>; 2],
    /// How many registers the steps need.
    pub registers: usize,
}

/// Keys that were broken when they were last looked at.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By the statement that runs; looked at when it ends.
    pub statement: Vec<BrokenKey>,
    /// By the transaction; looked at when it is to be committed.
    pub transaction: Vec<BrokenKey>,
    /// PRAGMA defer_foreign_keys: all keys count as deferred.
    pub defer_all: bool,
}

/// A key without parent.
#[derive(Clone, Debug)]
pub struct BrokenKey {
    /// The foreign key.
    pub key: Arc<ForeignKeyPlan>,
    /// The child's columns of the key.
    pub values: Vec<Value>,
}

impl Ledger {
    fn note(&mut self, broken: BrokenKey) {
        let own = &broken.key.child.foreign_keys[broken.key.number];
        let list = if own.deferred || self.defer_all {
            &mut self.transaction
        } else {
            &mut self.statement
        };
        let same = |other: &BrokenKey| Arc::ptr_eq(&other.key, &broken.key) && other.values == broken.values;
        // Statements that break one key many times do so in a row.
        if !list.last().is_some_and(same) {
            list.push(broken);
        }
    }
}

impl ForeignKeyPlan {
    fn columns(&self) -> &[usize] {
        &self.child.foreign_keys[self.number].columns
    }

    /// Whether a change of a child row can break the key.
    pub(super) fn is_concerned(&self, change: &RowChange<'_>) -> bool {
        match (change.event, change.changed) {
            (RowEvent::Delete, _) => false,
            (RowEvent::Update, Some(changed)) => self.is_touched_by(changed),
            _ => true,
        }
    }

    /// Whether an UPDATE of a child row that sets the columns `changed` can break the key.
    pub(super) fn is_touched_by(&self, changed: &[bool]) -> bool {
        let own = self.columns().iter().copied();
        own.chain(self.own_parent_columns()).any(|column| changed[column])
    }

    /// The columns that the key refers to, where that is in the same table: whoever sets them has the row's own key looked at as well, which
    /// may have been without a parent before.
    fn own_parent_columns(&self) -> impl Iterator<Item = usize> + '_ {
        let parent = self.parent_table.as_ref();
        let own = parent.is_some_and(|parent| Arc::ptr_eq(parent, &self.child));
        let width = self.child.columns.len() + 1;
        let places = self.children_key.iter().filter(move |_| own);
        places.map(move |place| place - width)
    }
}

/// A foreign key of a child, ready to be checked.
pub(super) struct ForeignKeyRun {
    plan: Arc<ForeignKeyPlan>,
    parent: Option<Box<dyn Operator>>,
    children: Box<dyn Operator>,
    registers: Vec<Value>,
}

impl ForeignKeyRun {
    /// Gets ready to check.
    pub(super) fn build(plan: &Arc<ForeignKeyPlan>) -> Result<ForeignKeyRun> {
        Ok(ForeignKeyRun {
            parent: plan
                .parent
                .as_ref()
                .map(|parent| build(&parent.root))
                .transpose()?,
            children: build(&plan.children.root)?,
            registers: vec![Value::Null; plan.registers],
            plan: Arc::clone(plan),
        })
    }

    /// A child's row is new: it has a parent, or its key is noted. NULLs need no parent.
    pub(super) fn check_new(
        &mut self,
        context: &mut ExecContext<'_>,
        change: &RowChange<'_>,
    ) -> Result<(), Failure> {
        let Some(new) = change.new else {
            return Ok(());
        };
        let columns = self.plan.columns();
        if columns.iter().any(|&column| new[column].is_null()) {
            return Ok(());
        }
        let values: Vec<Value> = columns.iter().map(|&column| new[column].clone()).collect();
        if !self.has_parent(context, &values)? {
            context.state.session.foreign_keys.note(BrokenKey {
                key: Arc::clone(&self.plan),
                values,
            });
        }
        Ok(())
    }

    fn has_parent(&mut self, context: &mut ExecContext<'_>, values: &[Value]) -> Result<bool, Failure> {
        load_key(&mut self.registers, &self.plan.parent_key, values);
        let ForeignKeyRun {
            parent: Some(parent),
            registers,
            ..
        } = self
        else {
            return Ok(false);
        };
        inside(context, registers, |context| {
            Ok(has_row(parent.as_mut(), context)?)
        })
    }

    fn has_children(&mut self, context: &mut ExecContext<'_>, values: &[Value]) -> Result<bool, Failure> {
        load_key(&mut self.registers, &self.plan.children_key, values);
        let ForeignKeyRun {
            children, registers, ..
        } = self;
        inside(context, registers, |context| {
            Ok(has_row(children.as_mut(), context)?)
        })
    }

    /// Whether a child with the key is there and no parent.
    pub(super) fn is_broken(
        &mut self,
        context: &mut ExecContext<'_>,
        values: &[Value],
    ) -> Result<bool, Failure> {
        Ok(self.has_children(context, values)? && !self.has_parent(context, values)?)
    }
}

fn load_key(registers: &mut [Value], places: &[usize], values: &[Value]) {
    for (&place, value) in places.iter().zip(values) {
        registers[place].assign(value.as_ref());
    }
}

impl ReferencePlan {
    /// Whether a change of a parent row can leave children behind: it goes, or its key changes.
    pub(super) fn is_concerned(&self, change: &RowChange<'_>) -> bool {
        let Some(old) = change.old else {
            return false;
        };
        if self.parent_columns.iter().any(|&column| old[column].is_null()) {
            return false;
        }
        match (change.event, change.new) {
            (RowEvent::Insert, _) => false,
            (RowEvent::Update, Some(new)) => self
                .parent_columns
                .iter()
                .any(|&column| !self.same_key(&old[column], &new[column], column)),
            _ => true,
        }
    }

    /// Whether an UPDATE of a parent row that sets the columns `changed` can change the key.
    pub(super) fn is_touched_by(&self, changed: &[bool]) -> bool {
        self.parent_columns.iter().any(|&column| changed[column])
    }

    /// A key that only changes its case under a NOCASE parent column is no other key.
    fn same_key(&self, old: &Value, new: &Value, column: usize) -> bool {
        let parent = self.key.parent_table.as_ref();
        let collation = parent.map_or(&Collation::Binary, |parent| &parent.columns[column].collation);
        compare(old.as_ref(), new.as_ref(), collation).is_eq()
    }

    fn action(&self, event: RowEvent) -> ReferenceAction {
        self.actions[usize::from(event == RowEvent::Update)]
    }
}

/// What refers to a parent, ready to act.
pub(super) struct ReferenceRun {
    plan: Arc<ReferencePlan>,
    key: ForeignKeyRun,
    steps: [Option<Step>; 2],
    registers: Vec<Value>,
}

impl ReferenceRun {
    pub(super) fn build(plan: &Arc<ReferencePlan>, set: &Arc<ProgramSet>) -> Result<ReferenceRun> {
        let step = |kind: &Option<CompiledKind>| kind.as_ref().map(|kind| Step::build(kind, set)).transpose();
        Ok(ReferenceRun {
            key: ForeignKeyRun::build(&plan.key)?,
            steps: [step(&plan.steps[0])?, step(&plan.steps[1])?],
            registers: vec![Value::Null; plan.registers],
            plan: Arc::clone(plan),
        })
    }

    fn key_of(&self, row: &[Value]) -> Vec<Value> {
        self.plan
            .parent_columns
            .iter()
            .map(|&column| row[column].clone())
            .collect()
    }

    /// RESTRICT does not wait for the end of the statement. The row has changed by now: one that is its own parent may go.
    pub(super) fn restrict(
        &mut self,
        context: &mut ExecContext<'_>,
        change: &RowChange<'_>,
    ) -> Result<(), Failure> {
        let waits = context.state.session.foreign_keys.defer_all;
        if waits || self.plan.action(change.event) != ReferenceAction::Restrict {
            return Ok(());
        }
        let values = change.old.map(|old| self.key_of(old)).unwrap_or_default();
        if self.key.has_children(context, &values)? {
            return Err(foreign_key_failed(ConstraintKind::Trigger).into());
        }
        Ok(())
    }

    /// The parent has gone or changed: its children follow, or their keys are noted.
    pub(super) fn act(
        &mut self,
        context: &mut ExecContext<'_>,
        change: &RowChange<'_>,
    ) -> Result<(), Failure> {
        let place = usize::from(change.event == RowEvent::Update);
        let mut acted = Ok(());
        if let Some(step) = &mut self.steps[place] {
            load_rows(&mut self.registers, change);
            let registers = &mut self.registers;
            acted = inside(context, registers, |context| step.run(context));
        }
        // What FAIL stops half-way stays as it is, with children that nobody took along.
        if acted
            .as_ref()
            .is_err_and(|failure| failure.action != ConflictAction::Fail)
        {
            return acted;
        }
        let values = change.old.map(|old| self.key_of(old)).unwrap_or_default();
        if self.key.has_children(context, &values)? {
            context.state.session.foreign_keys.note(BrokenKey {
                key: Arc::clone(&self.plan.key),
                values,
            });
        }
        acted
    }
}

/// Looks at the keys that the statement broke.
///
/// # Errors
/// `FOREIGN KEY constraint failed` when one is still broken.
#[inline]
pub fn check_statement_keys(context: &mut ExecContext<'_>) -> Result<(), Failure> {
    match context.state.session.foreign_keys.statement.is_empty() {
        true => Ok(()),
        false => check_broken_keys(context),
    }
}

#[inline(never)]
fn check_broken_keys(context: &mut ExecContext<'_>) -> Result<(), Failure> {
    let broken = std::mem::take(&mut context.state.session.foreign_keys.statement);
    check_keys(context, &broken)
}

/// Looks at the keys that the transaction broke.
///
/// # Errors
/// `FOREIGN KEY constraint failed` when one is still broken.
pub fn check_transaction_keys(context: &mut ExecContext<'_>) -> Result<(), Failure> {
    let broken = std::mem::take(&mut context.state.session.foreign_keys.transaction);
    let result = check_keys(context, &broken);
    if result.is_err() {
        context.state.session.foreign_keys.transaction = broken;
    }
    result
}

fn check_keys(context: &mut ExecContext<'_>, broken: &[BrokenKey]) -> Result<(), Failure> {
    let mut run: Option<ForeignKeyRun> = None;
    for broken in broken {
        let mut own = match run.take() {
            Some(run) if Arc::ptr_eq(&run.plan, &broken.key) => run,
            _ => ForeignKeyRun::build(&broken.key)?,
        };
        if own.is_broken(context, &broken.values)? {
            return Err(foreign_key_failed(ConstraintKind::ForeignKey).into());
        }
        run = Some(own);
    }
    Ok(())
}

fn foreign_key_failed(kind: ConstraintKind) -> Error {
    Error::constraint(kind, "FOREIGN KEY constraint failed")
}
