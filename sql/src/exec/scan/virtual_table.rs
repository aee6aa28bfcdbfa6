//! Scans of virtual tables and table-valued functions.
//!
//! The cursor is asked once for each combination of values that the plan's arguments have: mostly one; several where an argument is an IN list.

use std::sync::Arc;

use super::seek::Term;
use crate::catalog::Table;
use crate::error::{Error, Result};
use crate::exec::batch::BatchSize;
use crate::exec::build::BuildContext;
use crate::exec::kernel::{Kernel, Rows};
use crate::exec::operator::Operator;
use crate::exec::{Batch, ExecContext};
use crate::plan::physical::VirtualScan;
use crate::value::{Collation, Value, compare};
use crate::virtual_table::{CursorColumn, IndexPlan, VirtualCursor};

pub(in crate::exec) fn virtual_scan(
    plan: &VirtualScan,
    build: &mut BuildContext,
) -> Result<Box<dyn Operator>> {
    let arguments = plan.arguments.iter();
    let arguments = arguments.map(|term| Term::compile(term, build));
    let mut nothing = Batch::new(0);
    nothing.set_len(1);
    Ok(Box::new(Scan {
        table: Arc::clone(&plan.table),
        plan: Arc::clone(&plan.plan),
        arguments: arguments.collect::<Result<_>>()?,
        filter: plan
            .filter
            .as_ref()
            .map(|filter| Kernel::compile_in(filter, build))
            .transpose()?,
        batch: Batch::new(plan.columns.len()),
        columns: plan.columns.clone(),
        cursor: None,
        choices: Choices::default(),
        more: false,
        size: BatchSize::default(),
        nothing,
    }))
}

struct Scan {
    table: Arc<Table>,
    plan: Arc<IndexPlan>,
    arguments: Vec<Term>,
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
        cursor.filter(&mut context.virtual_context(), &self.plan, &self.choices.current)?;
        self.more = true;
        Ok(())
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
        self.choices.values.resize(self.arguments.len(), Vec::new());
        for (term, values) in self.arguments.iter_mut().zip(&mut self.choices.values) {
            term.values(context, &self.nothing, values)?;
            if values.len() > 1 {
                let order = |a: &Value, b: &Value| compare(a.as_ref(), b.as_ref(), &Collation::Binary);
                values.sort_by(order);
                values.dedup_by(|a, b| order(a, b).is_eq());
            }
        }
        self.more = false;
        self.size.restart();
        match self.choices.first() {
            true => self.filter(context),
            false => Ok(()),
        }
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        loop {
            context.check_interrupt()?;
            let mut selection = self.batch.take_selection();
            self.batch.clear();
            if !self.fill(context)? {
                if self.cursor.is_none() || !self.choices.next() {
                    return Ok(false);
                }
                self.filter(context)?;
                continue;
            }
            let count = self.batch.len();
            let Some(filter) = &mut self.filter else {
                return Ok(true);
            };
            filter.select(context, &self.batch, Rows::All(count), &mut selection)?;
            if !selection.is_empty() {
                self.batch.select(selection);
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
