//! INSERT, UPDATE and DELETE of virtual tables: rows go to the table's code one by one.
//!
//! Rows to change are collected before the first is changed, and so are rows to insert that may come from a virtual table.

use std::sync::Arc;

use super::collect::{Collected, LastOfEach};
use super::insert::{ColumnInput, one_empty_row};
use super::{Failure, Written};
use crate::catalog::Table;
use crate::error::{Error, Result};
use crate::exec::kernel::Rows;
use crate::exec::{Batch, BuildContext, ExecContext, Kernel, Operator};
use crate::plan::physical::Node;
use crate::plan::write::{DeletePlan, InsertPlan, TargetTable, UpdatePlan};
use crate::syntax::ast::ConflictAction;
use crate::value::{Affinity, Value, apply_affinity};
use crate::virtual_table::{Change, VirtualTable};

/// A statement that writes a virtual table, ready to run.
pub struct VirtualWrite {
    table: Arc<Table>,
    code: Arc<dyn VirtualTable>,
    input: Box<dyn Operator>,
    collect: bool,
    collected: Collected,
    kind: Kind,
    /// At most one row changes.
    single: bool,
    conflict: ConflictAction,
    /// RETURNING, of an INSERT.
    returning: Vec<Kernel>,
    row: Vec<Value>,
    shown: Batch,
}

enum Kind {
    Insert {
        columns: Vec<ColumnInput>,
        rowid: Option<usize>,
        empty: Batch,
    },
    Update {
        sets: Vec<(usize, Kernel)>,
        /// A row may come several times.
        joined: bool,
    },
    Delete,
}

impl VirtualWrite {
    /// Gets ready to run an INSERT.
    pub(crate) fn insert(plan: &InsertPlan, build: &mut BuildContext) -> Result<VirtualWrite> {
        let columns = plan.values.iter().map(ColumnInput::build);
        let kind = Kind::Insert {
            columns: columns.collect::<Result<_>>()?,
            rowid: plan.rowid,
            empty: one_empty_row(),
        };
        let input = build.operator(&plan.source)?;
        let mut write = VirtualWrite::new(&plan.target, input, kind, plan.conflict)?;
        write.collect = plan.source_reads_target;
        write.single = matches!(&plan.source, Node::Values { rows, .. } if rows.len() == 1);
        Ok(write)
    }

    /// Gets ready to run an UPDATE.
    pub(crate) fn update(plan: &UpdatePlan, build: &mut BuildContext) -> Result<VirtualWrite> {
        let sets = plan.sets.iter();
        let sets = sets.map(|(column, value)| Ok((*column, Kernel::compile(value)?)));
        let kind = Kind::Update {
            sets: sets.collect::<Result<_>>()?,
            joined: plan.joined,
        };
        let mut write = VirtualWrite::new(&plan.target, build.operator(&plan.input)?, kind, plan.conflict)?;
        write.single = finds_one_row(&plan.input);
        Ok(write)
    }

    /// Gets ready to run a DELETE.
    pub(crate) fn delete(plan: &DeletePlan, build: &mut BuildContext) -> Result<VirtualWrite> {
        let mut write = VirtualWrite::new(&plan.target, build.operator(&plan.input)?, Kind::Delete, None)?;
        write.single = finds_one_row(&plan.input);
        Ok(write)
    }

    fn new(
        target: &TargetTable,
        input: Box<dyn Operator>,
        kind: Kind,
        conflict: Option<ConflictAction>,
    ) -> Result<VirtualWrite> {
        let table = Arc::clone(&target.table);
        let Some(code) = table.virtual_table.clone() else {
            return Err(Error::misuse("a virtual table was expected"));
        };
        let returning = target.returning.iter().flat_map(|own| &own.expressions);
        Ok(VirtualWrite {
            code,
            input,
            collect: true,
            collected: Collected::default(),
            kind,
            single: false,
            conflict: conflict.unwrap_or(ConflictAction::Abort),
            returning: returning.map(Kernel::compile).collect::<Result<_>>()?,
            row: vec![Value::Null; table.columns.len() + 1],
            shown: Batch::new(table.columns.len() + 1),
            table,
        })
    }

    /// Whether a run that fails leaves nothing to undo: it changes one row, and that a table does whole or not at all. As in SQLite there is
    /// no savepoint then, and so tables keep what they hold back across such statements.
    pub fn fails_clean(&self) -> bool {
        self.single
    }

    /// Whether it inserts one row.
    pub fn is_insert(&self) -> bool {
        matches!(self.kind, Kind::Insert { .. })
    }

    /// Changes the rows.
    pub fn run(&mut self, context: &mut ExecContext<'_>, written: &mut Written) -> Result<(), Failure> {
        context.state.enlist(&self.code, context.interrupt)?;
        self.input.open(context)?;
        if !self.collect {
            while self.input.next(context)? {
                context.check_interrupt()?;
                self.collected.clear();
                self.collected.push(self.input.batch(), usize::MAX)?;
                self.write_collected(context, written)?;
            }
            self.input.close();
            return Ok(());
        }
        if let Kind::Update { joined: true, .. } = &self.kind {
            let key = self.key_column();
            let mut rows = LastOfEach::read(self.input.as_mut(), context, &[key])?;
            self.input.close();
            return rows.visit(|batch, row| self.write_row(context, batch, row, written));
        }
        let filled = self.collected.fill(self.input.as_mut(), context);
        self.input.close();
        filled?;
        self.write_collected(context, written)
    }

    fn write_collected(
        &mut self,
        context: &mut ExecContext<'_>,
        written: &mut Written,
    ) -> Result<(), Failure> {
        let mut collected = std::mem::take(&mut self.collected);
        let result = collected.visit(|batch| {
            let mut rows = batch.selected();
            rows.try_for_each(|row| self.write_row(context, batch, row, written))
        });
        self.collected = collected;
        result
    }

    /// The column of the input that tells rows apart: the rowid, or the primary key.
    fn key_column(&self) -> usize {
        match &self.table.without_rowid {
            Some(primary) => primary.stored.first().copied().unwrap_or(0),
            None => self.table.columns.len(),
        }
    }

    fn write_row(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &Batch,
        place: usize,
        written: &mut Written,
    ) -> Result<(), Failure> {
        let key = self.key_column();
        let width = self.table.columns.len();
        let value_of = |column: usize| match batch.columns.get(column) {
            Some(column) => Value::from(column.get(place)),
            None => Value::Null,
        };
        let result = match &mut self.kind {
            Kind::Delete => {
                let row = value_of(key);
                let change = Change::Delete { row: &row };
                self.code
                    .update(&mut context.virtual_context(), change, self.conflict)
            }
            Kind::Insert {
                columns,
                rowid,
                empty,
            } => {
                for (input, value) in columns.iter_mut().zip(&mut self.row) {
                    match input {
                        ColumnInput::Source(column) => *value = value_of(*column),
                        input => input.compute(context, empty, value)?,
                    }
                }
                let rowid = match rowid {
                    Some(column) => whole_number(value_of(*column))?,
                    None => Value::Null,
                };
                let change = Change::Insert {
                    rowid: &rowid,
                    values: &self.row[..width],
                };
                self.code
                    .update(&mut context.virtual_context(), change, self.conflict)
            }
            Kind::Update { sets, .. } => {
                for (column, value) in self.row.iter_mut().enumerate() {
                    *value = value_of(column);
                }
                let row = value_of(key);
                for (column, kernel) in sets {
                    let rows = [place as u32];
                    let values = kernel.evaluate_rows(context, batch, Rows::Some(&rows))?;
                    self.row[*column] = Value::from(values.get(0));
                }
                let change = Change::Update {
                    row: &row,
                    new_row: &self.row[key],
                    values: &self.row[..width],
                };
                self.code
                    .update(&mut context.virtual_context(), change, self.conflict)
            }
        };
        match result {
            Ok(rowid) => {
                written.changes += 1;
                if self.is_insert() {
                    self.inserted(context, rowid, written)?;
                }
                Ok(())
            }
            Err(error @ Error::Constraint { .. }) if self.code.heeds_conflicts() => match self.conflict {
                ConflictAction::Ignore => Ok(()),
                ConflictAction::Replace => Err(Failure::new(error, ConflictAction::Abort)),
                action => Err(Failure::new(error, action)),
            },
            Err(error) => Err(Failure::new(error, ConflictAction::Abort)),
        }
    }

    fn inserted(
        &mut self,
        context: &mut ExecContext<'_>,
        rowid: Option<i64>,
        written: &mut Written,
    ) -> Result<()> {
        let rowid = rowid.unwrap_or(0);
        context.state.session.environment.last_insert_rowid.set(rowid);
        if self.returning.is_empty() {
            return Ok(());
        }
        if let Some(last) = self.row.last_mut() {
            *last = Value::Integer(rowid);
        }
        self.shown.clear();
        for (column, value) in self.shown.columns.iter_mut().zip(&self.row) {
            column.push(value.as_ref());
        }
        self.shown.set_len(1);
        written.returned.push(context, &mut self.returning, &self.shown)
    }
}

/// A rowid that a statement gives: a whole number, or NULL.
fn whole_number(mut value: Value) -> Result<Value> {
    apply_affinity(&mut value, Affinity::Integer);
    match value {
        Value::Integer(_) | Value::Null => Ok(value),
        _ => Err(Error::Mismatch),
    }
}

/// Whether the plan comes to at most one row because the table says so.
fn finds_one_row(node: &Node) -> bool {
    match node {
        Node::VirtualScan(scan) => matches!(scan.branches.as_slice(), [branch] if branch.plan.unique),
        Node::Project { input, .. } => finds_one_row(input),
        Node::Filter(filter) => finds_one_row(&filter.input),
        _ => false,
    }
}
