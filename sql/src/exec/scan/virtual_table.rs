//! Scans of virtual tables and table-valued functions.
//!
//! The cursor is asked once for each combination of values that the plan's arguments have: mostly one; several where an argument is an IN list.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::term::Term;
use crate::catalog::Table;
use crate::error::{Error, Result};
use crate::exec::batch::BatchSize;
use crate::exec::build::BuildContext;
use crate::exec::kernel::{Kernel, Rows};
use crate::exec::operator::Operator;
use crate::exec::{Batch, ExecContext};
use crate::plan::expr::Expr;
use crate::plan::physical::VirtualScan;
use crate::value::{Collation, Value, ValueRef, compare};
use crate::virtual_table::{CursorColumn, IndexPlan, VirtualCursor};

pub(in crate::exec) fn virtual_scan(
    plan: &VirtualScan,
    build: &mut BuildContext,
) -> Result<Box<dyn Operator>> {
    let mut branches = Vec::with_capacity(plan.branches.len());
    for branch in &plan.branches {
        let arguments = branch.arguments.iter().map(|term| Term::compile(term, build));
        branches.push(Branch {
            plan: Arc::clone(&branch.plan),
            arguments: arguments.collect::<Result<_>>()?,
            filter: optional(branch.filter.as_ref(), build)?,
        });
    }
    let mut nothing = Batch::new(0);
    nothing.set_len(1);
    let rowid = plan
        .columns
        .iter()
        .position(|column| *column == CursorColumn::Rowid);
    Ok(Box::new(Scan {
        table: Arc::clone(&plan.table),
        united: rowid.filter(|_| branches.len() > 1),
        branches,
        branch: 0,
        seen: FxHashSet::default(),
        filter: optional(plan.filter.as_ref(), build)?,
        batch: Batch::new(plan.columns.len()),
        columns: plan.columns.clone(),
        cursor: None,
        choices: Choices::default(),
        more: false,
        size: build.batch_size(),
        nothing,
    }))
}

fn optional(expression: Option<&Expr>, build: &mut BuildContext) -> Result<Option<Kernel>> {
    expression
        .map(|expression| Kernel::compile_in(expression, build))
        .transpose()
}

struct Scan {
    table: Arc<Table>,
    branches: Vec<Branch>,
    /// The branch that is being scanned.
    branch: usize,
    /// Where the layout has the rowid, when several branches are united.
    united: Option<usize>,
    /// The rowids that earlier branches have put out.
    seen: FxHashSet<i64>,
    columns: Vec<CursorColumn>,
    filter: Option<Kernel>,
    cursor: Option<Box<dyn VirtualCursor>>,
    choices: Choices,
    /// The cursor may have more rows for the present choice.
    more: bool,
    batch: Batch,
    size: BatchSize,
    nothing: Batch,
}

/// One scan.
struct Branch {
    plan: Arc<IndexPlan>,
    arguments: Vec<Term>,
    filter: Option<Kernel>,
}

/// The values that the arguments have, and the combination that is being scanned.
#[derive(Default)]
struct Choices {
    values: Vec<Vec<Value>>,
    places: Vec<usize>,
    current: Vec<Value>,
}

impl Choices {
    /// The first combination; false when an argument has no value at all.
    fn first(&mut self) -> bool {
        self.places.clear();
        self.places.resize(self.values.len(), 0);
        self.take()
    }

    /// The next combination: the last argument moves fastest.
    fn next(&mut self) -> bool {
        for (place, values) in self.places.iter_mut().zip(&self.values).rev() {
            *place += 1;
            if *place < values.len() {
                return self.take();
            }
            *place = 0;
        }
        false
    }

    fn take(&mut self) -> bool {
        self.current.clear();
        for (&place, values) in self.places.iter().zip(&self.values) {
            let Some(value) = values.get(place) else {
                return false;
            };
            self.current.push(value.clone());
        }
        true
    }
}

impl Scan {
    /// Starts the scan of the present choice.
    fn filter(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let cursor = match &mut self.cursor {
            Some(cursor) => cursor,
            None => {
                let code = self.table.virtual_table.as_ref();
                let code = code.ok_or_else(|| Error::misuse("a virtual table was expected"))?;
                self.cursor.insert(code.open()?)
            }
        };
        let Some(branch) = self.branches.get(self.branch) else {
            return Ok(());
        };
        cursor.filter(
            &mut context.virtual_context(),
            &branch.plan,
            &self.choices.current,
        )?;
        self.more = true;
        Ok(())
    }

    /// Starts the first scan of a branch; false when an argument has no value.
    fn start_branch(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let Some(branch) = self.branches.get_mut(self.branch) else {
            return Ok(false);
        };
        self.choices.values.resize(branch.arguments.len(), Vec::new());
        for (term, values) in branch.arguments.iter_mut().zip(&mut self.choices.values) {
            term.values(context, &self.nothing, values)?;
            if values.len() > 1 {
                let order = |a: &Value, b: &Value| compare(a.as_ref(), b.as_ref(), &Collation::Binary);
                values.sort_by(order);
                values.dedup_by(|a, b| order(a, b).is_eq());
            }
        }
        let any = self.choices.first();
        if any {
            self.filter(context)?;
        }
        Ok(any)
    }

    /// Goes to the next choice or branch that there is; false at the end.
    fn start_next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if self.branch < self.branches.len() && self.cursor.is_some() && self.choices.next() {
            self.filter(context)?;
            return Ok(true);
        }
        while self.branch + 1 < self.branches.len() {
            self.branch += 1;
            if self.start_branch(context)? {
                return Ok(true);
            }
        }
        self.branch = self.branches.len();
        Ok(false)
    }

    /// Narrows the batch to the rows that count; false when there are none.
    fn narrow(&mut self, context: &mut ExecContext<'_>, mut selection: Vec<u32>) -> Result<bool> {
        let count = self.batch.len();
        let own = self
            .branches
            .get_mut(self.branch)
            .and_then(|branch| branch.filter.as_mut());
        let mut narrowed = false;
        for filter in [own, self.filter.as_mut()].into_iter().flatten() {
            match std::mem::replace(&mut narrowed, true) {
                false => filter.select(context, &self.batch, Rows::All(count), &mut selection)?,
                true => {
                    let rows = selection.clone();
                    filter.select(context, &self.batch, Rows::Some(&rows), &mut selection)?;
                }
            }
        }
        if let Some(place) = self.united {
            if !std::mem::replace(&mut narrowed, true) {
                selection.clear();
                selection.extend(0..count as u32);
            }
            let rowids = &self.batch.columns[place];
            selection.retain(|&row| match rowids.get(row as usize) {
                ValueRef::Integer(rowid) => self.seen.insert(rowid),
                _ => true,
            });
        }
        let any = !narrowed || !selection.is_empty();
        if narrowed {
            self.batch.select(selection);
        }
        Ok(any)
    }

    /// Fills the batch; false when the cursor has come to its end.
    fn fill(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let Some(cursor) = self.cursor.as_mut().filter(|_| self.more) else {
            return Ok(false);
        };
        self.size.grow();
        let room = self.size.room(&self.batch);
        let count = cursor.fill(
            &mut context.virtual_context(),
            &self.columns,
            &mut self.batch,
            room,
        )?;
        self.batch.check_size()?;
        self.batch.set_len(count);
        self.more = count > 0;
        Ok(self.more)
    }
}

impl Operator for Scan {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.more = false;
        self.branch = 0;
        self.seen.clear();
        self.size.restart();
        match self.start_branch(context)? {
            true => Ok(()),
            false => self.start_next(context).map(|_| ()),
        }
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        loop {
            context.check_interrupt()?;
            let mut selection = self.batch.take_selection();
            self.batch.clear();
            if !self.fill(context)? {
                if !self.start_next(context)? {
                    return Ok(false);
                }
                continue;
            }
            selection.clear();
            if self.narrow(context, selection)? {
                return Ok(true);
            }
        }
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    fn close(&mut self) {
        self.cursor = None;
        self.more = false;
        self.batch.clear();
    }
}
