//! `generate_series(start, stop, step)`.

use std::sync::Arc;

use super::{argument, argument_plan};
use crate::error::{Error, Result};
use crate::exec::Batch;
use crate::value::{Value, ValueRef, number};
use crate::virtual_table::{
    Connected, CursorColumn, IndexPlan, IndexQuestion, Module, ModuleArguments, ModuleUsage, Risk,
    VirtualContext, VirtualCursor, VirtualTable,
};

pub(super) const NAME: &str = "generate_series";

/// The first column that is an argument.
const START: usize = 1;

#[derive(Debug)]
pub(super) struct SeriesModule;

impl Module for SeriesModule {
    fn usage(&self) -> ModuleUsage {
        ModuleUsage::EponymousOnly
    }

    fn connect(&self, _: &mut VirtualContext<'_>, _: &ModuleArguments<'_>) -> Result<Connected> {
        Ok(Connected {
            declaration: "CREATE TABLE x(value,start HIDDEN,stop HIDDEN,step HIDDEN)".to_owned(),
            table: Arc::new(Series),
        })
    }
}

#[derive(Debug)]
struct Series;

impl VirtualTable for Series {
    fn best_index(&self, question: &IndexQuestion<'_>) -> Result<Option<IndexPlan>> {
        let Some(mut plan) = argument_plan(question, START, 3) else {
            return Ok(None);
        };
        if plan.number & 1 == 0 {
            return Err(Error::sql(
                "first argument to \"generate_series()\" missing or unusable",
            ));
        }
        (plan.cost, plan.rows) = match plan.number & 2 {
            0 => (2_147_483_647.0, 2_147_483_647),
            _ => (2.0 - f64::from(plan.number >> 2 & 1), 1000),
        };
        Ok(Some(plan))
    }

    fn open(&self) -> Result<Box<dyn VirtualCursor>> {
        Ok(Box::new(Count {
            next: None,
            bounds: [0; 3],
        }))
    }

    fn risk(&self) -> Risk {
        Risk::Innocuous
    }
}

/// Whether a value lies behind the stop, in the direction of the step.
fn is_past(value: i64, [_, stop, step]: &[i64; 3]) -> bool {
    if *step > 0 { value > *stop } else { value < *stop }
}

struct Count {
    next: Option<i64>,
    /// Start, stop, step.
    bounds: [i64; 3],
}

impl VirtualCursor for Count {
    fn filter(&mut self, _: &mut VirtualContext<'_>, plan: &IndexPlan, arguments: &[Value]) -> Result<()> {
        let given = [0, 1, 2].map(|place| argument(plan, arguments, place));
        let integer = |value: Option<ValueRef<'_>>, default| value.map_or(default, number::integer_of);
        let step = integer(given[2], 1);
        self.bounds = [
            integer(given[0], 0),
            integer(given[1], i64::MAX),
            if step == 0 { 1 } else { step },
        ];
        let unknown = given.iter().flatten().any(ValueRef::is_null);
        self.next = (!unknown)
            .then_some(self.bounds[0])
            .filter(|first| !is_past(*first, &self.bounds));
        Ok(())
    }

    fn fill(
        &mut self,
        _: &mut VirtualContext<'_>,
        columns: &[CursorColumn],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let mut count = 0;
        while count < max
            && let Some(value) = self.next
        {
            for (vector, &column) in batch.columns.iter_mut().zip(columns) {
                let argument = match column {
                    CursorColumn::Column(column) => column.checked_sub(START),
                    _ => None,
                };
                let argument = argument.and_then(|argument| self.bounds.get(argument));
                vector.push_integer(argument.copied().unwrap_or(value));
            }
            self.next = value
                .checked_add(self.bounds[2])
                .filter(|next| !is_past(*next, &self.bounds));
            count += 1;
        }
        batch.set_len(batch.len() + count);
        Ok(count)
    }
}
