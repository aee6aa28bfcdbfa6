//! The states of aggregate functions, one for each group, in arrays.
//!
//! The built-in functions have states that typed loops feed from slots; all others, and the applications', go through an
//! [`Accumulator`] a group.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::error::Result;
use crate::exec::kernel::{Values, json_arguments};
use crate::exec::{Class, ExecContext, Vector};
use crate::functions::aggregate::{Extreme, GroupConcatState, MinMaxState, SumState};
use crate::functions::{Accumulator, AggregateFunction, Function, FunctionContext};
use crate::value::{Collation, ValueRef};

/// The groups of some rows.
#[derive(Clone, Copy)]
pub(super) enum Groups<'a> {
    /// All rows belong to the first group.
    One,
    /// The group of each row.
    Many(&'a [u32]),
}

impl Groups<'_> {
    #[inline]
    pub(super) fn of(&self, n: usize) -> usize {
        match self {
            Groups::One => 0,
            Groups::Many(groups) => groups[n] as usize,
        }
    }
}

/// The states of one call, one for each group.
pub(super) enum States {
    /// `count(*)`
    CountRows(Vec<i64>),
    /// `count(x)`
    Count(Vec<i64>),
    Sum(SumKind, Vec<SumState>),
    MinMax(Extreme, Vec<MinMaxState>),
    GroupConcat(Vec<GroupConcatState>),
    General(General),
}

#[derive(Clone, Copy)]
pub(super) enum SumKind {
    Sum,
    Total,
    Average,
}

/// States behind the interface that all aggregate functions have.
pub(super) struct General {
    function: Arc<dyn AggregateFunction>,
    reads_json: bool,
    states: Vec<Box<dyn Accumulator>>,
}

/// What a state behind a pointer is counted with.
const GUESSED_BYTES: usize = 64;

impl States {
    pub(super) fn new(
        function: &Function,
        implementation: &Arc<dyn AggregateFunction>,
        arguments: usize,
    ) -> States {
        let name = if function.builtin { &*function.name } else { "" };
        match (name, arguments) {
            ("count", 0) => States::CountRows(Vec::new()),
            ("count", 1) => States::Count(Vec::new()),
            ("sum", 1) => States::Sum(SumKind::Sum, Vec::new()),
            ("total", 1) => States::Sum(SumKind::Total, Vec::new()),
            ("avg", 1) => States::Sum(SumKind::Average, Vec::new()),
            ("min", 1) => States::MinMax(Extreme::Min, Vec::new()),
            ("max", 1) => States::MinMax(Extreme::Max, Vec::new()),
            ("group_concat", 1 | 2) | ("string_agg", 2) => States::GroupConcat(Vec::new()),
            _ => States::General(General {
                function: Arc::clone(implementation),
                reads_json: function.flags.reads_json,
                states: Vec::new(),
            }),
        }
    }

    /// Makes sure that there are states for `count` groups.
    pub(super) fn grow(&mut self, count: usize) {
        match self {
            States::CountRows(states) | States::Count(states) => states.resize(count, 0),
            States::Sum(_, states) => states.resize(count, SumState::default()),
            States::MinMax(_, states) => states.resize_with(count, MinMaxState::default),
            States::GroupConcat(states) => states.resize_with(count, GroupConcatState::new),
            States::General(general) => {
                let make = || general.function.accumulator();
                general.states.resize_with(count, make);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            States::CountRows(states) | States::Count(states) => states.clear(),
            States::Sum(_, states) => states.clear(),
            States::MinMax(_, states) => states.clear(),
            States::GroupConcat(states) => states.clear(),
            States::General(general) => general.states.clear(),
        }
    }

    /// About how many bytes of memory they take.
    pub(super) fn memory(&self) -> usize {
        match self {
            States::CountRows(states) | States::Count(states) => states.capacity() * 8,
            States::Sum(_, states) => states.capacity() * size_of::<SumState>(),
            States::MinMax(_, states) => {
                states.capacity() * size_of::<MinMaxState>() + states.len() * GUESSED_BYTES
            }
            States::GroupConcat(states) => {
                let texts = states.iter().map(|state| state.text().map_or(0, <[u8]>::len));
                states.capacity() * size_of::<GroupConcatState>() + texts.sum::<usize>()
            }
            States::General(general) => general.states.capacity() * 2 * GUESSED_BYTES,
        }
    }

    /// Keeps the last state only, as that of the first group.
    pub(super) fn keep_last(&mut self) {
        fn keep<T>(states: &mut Vec<T>) {
            if states.len() > 1 {
                states.drain(..states.len() - 1);
            }
        }
        match self {
            States::CountRows(states) | States::Count(states) => keep(states),
            States::Sum(_, states) => keep(states),
            States::MinMax(_, states) => keep(states),
            States::GroupConcat(states) => keep(states),
            States::General(general) => keep(&mut general.states),
        }
    }

    /// Takes `len` rows in.
    pub(super) fn update(
        &mut self,
        context: &mut ExecContext<'_>,
        arguments: &[Values<'_>],
        groups: Groups<'_>,
        len: usize,
        collation: &Collation,
    ) -> Result<()> {
        match self {
            States::CountRows(states) => count_rows(states, groups, len),
            States::Count(states) => count_present(states, arguments[0], groups, len),
            States::Sum(_, states) => add_all(states, arguments[0], groups, len),
            States::MinMax(extreme, states) => match (groups, arguments[0].uniform_class()) {
                (Groups::One, Some(Class::Integer | Class::Real)) if len > 0 => {
                    let best = best_number(arguments[0], *extreme, len);
                    states[0].add(best, *extreme, collation);
                }
                _ => {
                    for n in 0..len {
                        states[groups.of(n)].add(arguments[0].get(n), *extreme, collation);
                    }
                }
            },
            States::GroupConcat(states) => {
                let length_max = context.state.session.environment.length_max.get();
                for n in 0..len {
                    let separator = arguments
                        .get(1)
                        .map_or(ValueRef::Text(b","), |separator| separator.get(n));
                    states[groups.of(n)].add(arguments[0].get(n), separator, length_max)?;
                }
            }
            States::General(general) => general.update(context, arguments, groups, len, collation)?,
        }
        Ok(())
    }

    /// Takes row `n` in, and says whether the group's bare columns are to come from it.
    pub(super) fn update_picking(
        &mut self,
        argument: ValueRef<'_>,
        group: usize,
        collation: &Collation,
    ) -> bool {
        let States::MinMax(extreme, states) = self else {
            return false;
        };
        let state = &mut states[group];
        state.add(argument, *extreme, collation) || (argument.is_null() && state.best().is_null())
    }

    /// Appends the result of a group.
    pub(super) fn result(
        &mut self,
        context: &mut ExecContext<'_>,
        group: usize,
        collation: &Collation,
        out: &mut Vector,
    ) -> Result<()> {
        match self {
            States::CountRows(states) | States::Count(states) => out.push_integer(states[group]),
            States::Sum(SumKind::Sum, states) => out.push(states[group].sum()?),
            States::Sum(SumKind::Total, states) => out.push(states[group].total()),
            States::Sum(SumKind::Average, states) => out.push(states[group].average()),
            States::MinMax(_, states) => out.push(states[group].best()),
            States::GroupConcat(states) => match states[group].text() {
                Some(text) => out.push_bytes(Class::Text, text),
                None => out.push_null(),
            },
            States::General(general) => {
                let environment = &context.state.session.environment;
                let mut function_context = FunctionContext::new(environment).with_collation(collation);
                general.states[group].finalize(&mut function_context, out)?;
                if function_context.json_result {
                    out.mark_last_as_json();
                }
            }
        }
        Ok(())
    }
}

impl General {
    fn update(
        &mut self,
        context: &mut ExecContext<'_>,
        arguments: &[Values<'_>],
        groups: Groups<'_>,
        len: usize,
        collation: &Collation,
    ) -> Result<()> {
        let mut function_context =
            FunctionContext::new(&context.state.session.environment).with_collation(collation);
        let mut row: SmallVec<[ValueRef<'_>; 4]> = SmallVec::new();
        for n in 0..len {
            row.clear();
            row.extend(arguments.iter().map(|argument| argument.get(n)));
            if self.reads_json {
                function_context.json_arguments = json_arguments(arguments, n);
            }
            self.states[groups.of(n)].step(&mut function_context, &row)?;
        }
        Ok(())
    }
}

fn count_rows(states: &mut [i64], groups: Groups<'_>, len: usize) {
    match groups {
        Groups::One => states[0] += len as i64,
        Groups::Many(groups) => groups[..len]
            .iter()
            .for_each(|group| states[*group as usize] += 1),
    }
}

fn count_present(states: &mut [i64], values: Values<'_>, groups: Groups<'_>, len: usize) {
    match values.uniform_class() {
        Some(Class::Null) => {}
        Some(_) => count_rows(states, groups, len),
        None => {
            for n in 0..len {
                states[groups.of(n)] += i64::from(values.class(n) != Class::Null);
            }
        }
    }
}

fn add_all(states: &mut [SumState], values: Values<'_>, groups: Groups<'_>, len: usize) {
    match (values.uniform_class(), groups) {
        (Some(Class::Null), _) => {}
        (Some(Class::Integer), Groups::One) if values.is_dense() => {
            states[0].add_integer_slots(&values.vector().slots()[..len]);
        }
        (Some(Class::Real), Groups::One) if values.is_dense() => {
            let state = &mut states[0];
            values.vector().slots()[..len]
                .iter()
                .for_each(|slot| state.add_real(f64::from_bits(*slot)));
        }
        (Some(Class::Integer), Groups::Many(groups)) => {
            let groups = groups[..len].iter().enumerate();
            groups.for_each(|(n, group)| states[*group as usize].add_integer(values.slot(n) as i64));
        }
        (Some(Class::Real), Groups::Many(groups)) => {
            let groups = groups[..len].iter().enumerate();
            groups.for_each(|(n, group)| states[*group as usize].add_real(f64::from_bits(values.slot(n))));
        }
        _ => (0..len).for_each(|n| {
            let state = &mut states[groups.of(n)];
            match values.classed(n) {
                (Class::Integer, slot) => state.add_integer(slot as i64),
                (Class::Real, slot) => state.add_real(f64::from_bits(slot)),
                _ => state.add(values.get(n)),
            }
        }),
    }
}

/// The smallest or largest of numbers of one class; of equal ones the first.
fn best_number<'a>(values: Values<'a>, extreme: Extreme, len: usize) -> ValueRef<'a> {
    let mut best = 0;
    let better = |a: usize, b: usize| match values.uniform_class() {
        Some(Class::Integer) => {
            let (a, b) = (values.slot(a) as i64, values.slot(b) as i64);
            if extreme == Extreme::Min { a < b } else { a > b }
        }
        _ => {
            let (a, b) = (f64::from_bits(values.slot(a)), f64::from_bits(values.slot(b)));
            if extreme == Extreme::Min { a < b } else { a > b }
        }
    };
    for n in 1..len {
        if better(n, best) {
            best = n;
        }
    }
    values.get(best)
}
