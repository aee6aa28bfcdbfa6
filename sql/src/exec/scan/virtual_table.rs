//! Scans of virtual tables and table-valued functions.

use std::sync::Arc;

use crate::catalog::{VirtualCursor, VirtualTable};
use crate::error::Result;
use crate::exec::batch::BatchSize;
use crate::exec::build::BuildContext;
use crate::exec::kernel::{Kernel, Rows};
use crate::exec::operator::Operator;
use crate::exec::{Batch, ExecContext};
use crate::plan::physical::VirtualScan;
use crate::value::Value;

pub(in crate::exec) fn virtual_scan(
    plan: &VirtualScan,
    build: &mut BuildContext,
) -> Result<Box<dyn Operator>> {
    let arguments = plan.arguments.iter();
    let arguments = arguments.map(|(column, value)| Ok((*column, Kernel::compile_in(value, build)?)));
    let mut nothing = Batch::new(0);
    nothing.set_len(1);
    Ok(Box::new(Scan {
        table: Arc::clone(&plan.table),
        arguments: arguments.collect::<Result<_>>()?,
        filter: plan
            .filter
            .as_ref()
            .map(|filter| Kernel::compile_in(filter, build))
            .transpose()?,
        batch: Batch::new(plan.columns.len()),
        columns: plan.columns.clone(),
        cursor: None,
        size: BatchSize::default(),
        nothing,
    }))
}

struct Scan {
    table: Arc<dyn VirtualTable>,
    arguments: Vec<(usize, Kernel)>,
    columns: Vec<usize>,
    filter: Option<Kernel>,
    cursor: Option<Box<dyn VirtualCursor>>,
    batch: Batch,
    size: BatchSize,
    nothing: Batch,
}

impl Operator for Scan {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let mut arguments = Vec::with_capacity(self.arguments.len());
        for (column, value) in &mut self.arguments {
            arguments.push((*column, Value::from(value.evaluate_one(context, &self.nothing)?)));
        }
        self.cursor = Some(self.table.open(context, &arguments)?);
        self.size.restart();
        Ok(())
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        loop {
            let Some(cursor) = &mut self.cursor else {
                return Ok(false);
            };
            context.check_interrupt()?;
            let mut selection = self.batch.take_selection();
            self.batch.clear();
            self.size.grow();
            let room = self.size.room(&self.batch);
            let count = cursor.fill(context, &self.columns, &mut self.batch, room)?;
            if count == 0 {
                return Ok(false);
            }
            self.batch.set_len(count);
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
        self.batch.clear();
    }
}
