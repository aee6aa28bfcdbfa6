//! What a key column, or an argument of a virtual table, equals: one value, those of a list, those of a subquery, or any.

use super::sorted_values::{SortedValues, ValueOrder};
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::kernel::Kernel;
use crate::exec::operator::Operator;
use crate::exec::{Batch, ExecContext};
use crate::plan::expr::Register;
use crate::plan::physical::SeekTerm;
use crate::value::{Affinity, Value, apply_affinity};

/// What one key column, or one argument of a virtual table, equals.
pub(super) enum Term {
    Any,
    Equal(Kernel),
    Is(Kernel),
    InList(Vec<Kernel>),
    InSubquery(Box<TermQuery>),
}

pub(super) struct TermQuery {
    root: Box<dyn Operator>,
    bindings: Vec<(Register, Kernel)>,
    affinity: Option<Affinity>,
}

impl Term {
    pub(super) fn compile(term: &SeekTerm, build: &mut BuildContext) -> Result<Term> {
        Ok(match term {
            SeekTerm::Any => Term::Any,
            SeekTerm::Equal(value) => Term::Equal(Kernel::compile_in(value, build)?),
            SeekTerm::Is(value) => Term::Is(Kernel::compile_in(value, build)?),
            SeekTerm::InList(values) => Term::InList(Kernel::compile_all(values, build)?),
            SeekTerm::InSubquery(subquery, affinity) => {
                let bindings = subquery.bindings.iter();
                let bindings =
                    bindings.map(|(register, value)| Ok((*register, Kernel::compile_in(value, build)?)));
                Term::InSubquery(Box::new(TermQuery {
                    bindings: bindings.collect::<Result<_>>()?,
                    root: build.sampled(&subquery.plan.root)?,
                    affinity: *affinity,
                }))
            }
        })
    }

    /// As [`Term::values`]; values of a subquery beyond the memory budget come from what is returned, in the order given.
    pub(super) fn values_or_sorted(
        &mut self,
        context: &mut ExecContext<'_>,
        nothing: &Batch,
        values: &mut Vec<Value>,
        order: impl FnOnce() -> ValueOrder,
    ) -> Result<Option<SortedValues>> {
        let Term::InSubquery(query) = self else {
            self.values(context, nothing, values)?;
            return Ok(None);
        };
        values.clear();
        let mut sorted = query.values_within(context, nothing, values, Some(order))?;
        match &mut sorted {
            Some(sorted) => sorted.give(values)?,
            None => values.retain(|value| !value.is_null()),
        }
        Ok(sorted)
    }

    /// Puts the values that the column may have into `values`, in no order; memory of earlier ones is reused.
    pub(super) fn values(
        &mut self,
        context: &mut ExecContext<'_>,
        nothing: &Batch,
        values: &mut Vec<Value>,
    ) -> Result<()> {
        match self {
            Term::Equal(value) | Term::Is(value) if !values.is_empty() => {
                values.truncate(1);
                values[0].assign(value.evaluate_one(context, nothing)?);
            }
            Term::Equal(value) | Term::Is(value) => {
                values.push(Value::from(value.evaluate_one(context, nothing)?));
            }
            Term::InList(list) => {
                values.clear();
                for value in list {
                    values.push(Value::from(value.evaluate_one(context, nothing)?));
                }
            }
            Term::InSubquery(query) => {
                values.clear();
                query.values_within(context, nothing, values, None::<fn() -> ValueOrder>)?;
            }
            // The tree has them.
            Term::Any => values.clear(),
        }
        if !matches!(self, Term::Is(_)) {
            values.retain(|value| !value.is_null());
        }
        Ok(())
    }
}

impl TermQuery {
    /// Puts the values into `values`; with an order, those that take too much memory into what is returned, which has all then.
    fn values_within(
        &mut self,
        context: &mut ExecContext<'_>,
        nothing: &Batch,
        values: &mut Vec<Value>,
        order: Option<impl FnOnce() -> ValueOrder>,
    ) -> Result<Option<SortedValues>> {
        for (register, value) in &mut self.bindings {
            let value = Value::from(value.evaluate_one(context, nothing)?);
            context.set_register(*register, value.as_ref());
        }
        let budget = context.state.session.memory_budget_bytes / 4;
        let mut order = order;
        let mut sorted: Option<SortedValues> = None;
        let mut bytes = 0;
        self.root.open(context)?;
        while self.root.next(context)? {
            let batch = self.root.batch();
            let Some(column) = batch.columns.first() else {
                continue;
            };
            bytes += batch.selected_len() * size_of::<Value>() + column.heap_len();
            for row in batch.selected() {
                let mut value = Value::from(column.get(row));
                if let Some(affinity) = self.affinity {
                    apply_affinity(&mut value, affinity);
                }
                values.push(value);
            }
            if sorted.is_none()
                && bytes > budget
                && let Some(order) = order.take()
            {
                sorted = Some(SortedValues::new(order()));
            }
            if let Some(sorted) = &mut sorted {
                sorted.take(values, budget)?;
            }
        }
        self.root.close();
        if let Some(sorted) = &mut sorted {
            sorted.sort()?;
        }
        Ok(sorted)
    }
}
