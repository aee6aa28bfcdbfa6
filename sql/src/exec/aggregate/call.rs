//! One call of an aggregate function: FILTER, DISTINCT and ORDER BY in front of its states.

use smallvec::SmallVec;

use super::distinct::Distinct;
use super::state::{Groups, States};
use crate::error::{Error, Result};
use crate::exec::build::BuildContext;
use crate::exec::kernel::{Kernel, Rows, Values};
use crate::exec::sort::SortBuffer;
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::functions::FunctionKind;
use crate::plan::physical::AggregateCall;
use crate::value::Collation;

/// A call with its states.
pub(super) struct Call {
    states: States,
    arguments: Vec<Kernel>,
    filter: Option<Filter>,
    distinct: Option<Distinct>,
    ordered: Option<Ordered>,
    collation: Collation,
}

/// FILTER: the rows that pass, and their groups.
struct Filter {
    predicate: Kernel,
    rows: Vec<u32>,
    groups: Vec<u32>,
}

/// ORDER BY inside the call: rows of group and arguments that wait for their order.
struct Ordered {
    keys: Vec<Kernel>,
    rows: SortBuffer,
    staged: Batch,
}

impl Call {
    pub(super) fn compile(call: &AggregateCall, one_group: bool, build: &mut BuildContext) -> Result<Call> {
        let function = &call.function;
        let FunctionKind::Aggregate(implementation) = &function.kind else {
            return Err(Error::sql(format!("misuse of aggregate: {}()", function.name)));
        };
        let width = call.arguments.len();
        let filter = match &call.filter {
            Some(predicate) => {
                let predicate = Kernel::compile_in(predicate, build)?;
                Some(Filter {
                    predicate,
                    rows: Vec::new(),
                    groups: Vec::new(),
                })
            }
            None => None,
        };
        Ok(Call {
            states: States::new(function, implementation, width),
            arguments: Kernel::compile_all(&call.arguments, build)?,
            filter,
            distinct: call
                .distinct
                .then(|| Distinct::new(width, &call.collation, one_group)),
            ordered: Ordered::compile(call, build)?,
            collation: call.collation.clone(),
        })
    }

    /// Whether rows wait until the end: for their order, or put aside as they may be there twice.
    pub(super) fn keeps_rows(&self) -> bool {
        self.ordered.is_some() || self.distinct.as_ref().is_some_and(Distinct::keeps_rows)
    }

    /// About how many bytes of memory it takes to know which rows came before.
    pub(super) fn memory_of_rows(&self) -> usize {
        let distinct = self.distinct.as_ref().map_or(0, Distinct::memory);
        distinct + self.ordered.as_ref().map_or(0, |ordered| ordered.rows.memory())
    }

    /// Makes sure that there are states for `count` groups.
    pub(super) fn grow(&mut self, count: usize) {
        self.states.grow(count);
    }

    pub(super) fn clear(&mut self) {
        self.states.clear();
        if let Some(distinct) = &mut self.distinct {
            distinct.clear();
        }
        if let Some(ordered) = &mut self.ordered {
            ordered.rows.release();
        }
    }

    /// About how many bytes of memory the states take.
    pub(super) fn memory(&self) -> usize {
        let distinct = self.distinct.as_ref().map_or(0, Distinct::memory);
        self.states.memory() + distinct
    }

    /// Forgets all groups but the last one, which becomes the first.
    pub(super) fn keep_last(&mut self, forgotten: usize) {
        self.states.keep_last();
        if let Some(distinct) = &mut self.distinct {
            distinct.pass_groups(forgotten);
        }
    }

    /// Takes the selected rows of `input` in; `groups` are theirs.
    pub(super) fn update(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        groups: Groups<'_>,
    ) -> Result<()> {
        let Call {
            states,
            arguments,
            filter,
            distinct,
            ordered,
            collation,
        } = self;
        let (mut rows, mut groups) = (Rows::of(input), groups);
        if let Some(filter) = filter {
            (rows, groups) = filter.apply(context, input, rows, groups)?;
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut values: SmallVec<[Values<'_>; 2]> = SmallVec::new();
        for argument in arguments {
            values.push(argument.evaluate_rows(context, input, rows)?);
        }
        if let Some(ordered) = ordered {
            // Doublets are left out when the rows are in order.
            return ordered.push(context, input, rows, groups, &values);
        }
        match distinct {
            Some(distinct) => distinct.update(context, states, &values, groups, rows.len(), collation),
            None => states.update(context, &values, groups, rows.len(), collation),
        }
    }

    /// As [`Call::update`] for the min() or max() that picks rows for bare columns: calls `picked` with each group and
    /// the row (its place in the batch) that is picked for it.
    pub(super) fn update_picking(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        groups: Groups<'_>,
        mut picked: impl FnMut(usize, u32),
    ) -> Result<()> {
        let Call {
            states,
            arguments,
            filter,
            collation,
            ..
        } = self;
        let (mut rows, mut groups) = (Rows::of(input), groups);
        if let Some(filter) = filter {
            (rows, groups) = filter.apply(context, input, rows, groups)?;
        }
        let Some(argument) = arguments.first_mut() else {
            return Ok(());
        };
        let values = argument.evaluate_rows(context, input, rows)?;
        for n in 0..rows.len() {
            let group = groups.of(n);
            if states.update_picking(values.get(n), group, collation) {
                picked(group, rows.row(n) as u32);
            }
        }
        Ok(())
    }

    /// Feeds rows that waited for their order to the states. No rows may come afterwards.
    pub(super) fn finish(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let Call {
            states,
            distinct,
            ordered,
            collation,
            ..
        } = self;
        if let Some(ordered) = ordered {
            ordered.feed(context, states, distinct.as_mut(), collation)?;
        }
        match distinct {
            Some(distinct) => distinct.finish(context, states, collation),
            None => Ok(()),
        }
    }

    /// Appends the result of a group.
    pub(super) fn result(
        &mut self,
        context: &mut ExecContext<'_>,
        group: usize,
        out: &mut Vector,
    ) -> Result<()> {
        self.states.result(context, group, &self.collation, out)
    }
}

/// The values of dense columns.
pub(super) fn values_of(columns: &[Vector]) -> SmallVec<[Values<'_>; 2]> {
    columns.iter().map(Values::dense).collect()
}

impl Filter {
    fn apply<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        groups: Groups<'_>,
    ) -> Result<(Rows<'a>, Groups<'a>)> {
        self.predicate.select(context, input, rows, &mut self.rows)?;
        let Groups::Many(groups) = groups else {
            return Ok((Rows::Some(&self.rows), Groups::One));
        };
        self.groups.clear();
        let mut n = 0;
        for &row in &self.rows {
            while rows.row(n) < row as usize {
                n += 1;
            }
            self.groups.push(groups[n]);
        }
        Ok((Rows::Some(&self.rows), Groups::Many(&self.groups)))
    }
}

impl Ordered {
    fn compile(call: &AggregateCall, build: &mut BuildContext) -> Result<Option<Ordered>> {
        if call.order_by.is_empty() {
            return Ok(None);
        }
        let width = 1 + call.arguments.len();
        Ok(Some(Ordered {
            keys: Kernel::compile_all(call.order_by.iter().map(|key| &key.expression), build)?,
            rows: SortBuffer::new(width, &call.order_by),
            staged: Batch::new(width),
        }))
    }

    /// Feeds the rows to the states, in their order.
    fn feed(
        &mut self,
        context: &mut ExecContext<'_>,
        states: &mut States,
        mut distinct: Option<&mut Distinct>,
        collation: &Collation,
    ) -> Result<()> {
        self.rows.sort()?;
        let mut groups = Vec::new();
        loop {
            self.staged.clear();
            let count = self.rows.take(BATCH_ROWS_MAX, &mut self.staged)?;
            let (true, Some((group, arguments))) = (count > 0, self.staged.columns.split_first()) else {
                self.rows.release();
                return Ok(());
            };
            context.check_interrupt()?;
            groups.clear();
            groups.extend(group.slots().iter().map(|group| *group as u32));
            let (values, groups) = (values_of(arguments), Groups::Many(&groups));
            match &mut distinct {
                Some(distinct) => distinct.update(context, states, &values, groups, count, collation)?,
                None => states.update(context, &values, groups, count, collation)?,
            }
        }
    }

    fn push(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        groups: Groups<'_>,
        values: &[Values<'_>],
    ) -> Result<()> {
        self.staged.clear();
        let Some((group, arguments)) = self.staged.columns.split_first_mut() else {
            return Ok(());
        };
        group.extend_integers((0..rows.len()).map(|n| groups.of(n) as i64));
        arguments
            .iter_mut()
            .zip(values)
            .for_each(|(out, values)| values.append_to(out));
        self.staged.set_len(rows.len());
        let mut keys: SmallVec<[Values<'_>; 2]> = SmallVec::new();
        for key in &mut self.keys {
            keys.push(key.evaluate_rows(context, input, rows)?);
        }
        self.rows.push(&self.staged, &keys)?;
        self.rows
            .spill_beyond(context.state.session.memory_budget_bytes / 2)
    }
}
