//! GROUP BY and aggregate functions.
//!
//! ```text
//!   batch ── keys ──▶ KeyTable ──▶ group of each row ──▶ states of each call, group by group
//!                        └─ a new group: its keys and bare columns are kept as rows
//! ```
//!
//! Groups are put out in the order of their keys, as SQLite does, which sorts its input. When the input comes sorted, each group is put out
//! as soon as the next one begins, and nothing but the group at hand is kept. Without keys there is one group, also for no rows.
//!
//! Bare columns (neither keys nor aggregates) come from the first row of the group, or from the row where the picking min()
//! or max() found its value.
//!
//! Groups that take more memory than there is for them are finished [by way of the disk](spilled).

mod call;
mod count;
mod distinct;
mod spilled;
mod state;

pub(super) use count::count_of_table;

use smallvec::SmallVec;

use super::build::{BuildContext, width_of};
use super::kernel::{Kernel, Rows, Values};
use super::key_table::KeyTable;
use super::operator::Operator;
use super::row_store::RowStore;
use super::sort::SortBuffer;
use super::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::error::Result;
use crate::plan::expr::Expr;
use crate::plan::physical::{self, SortKey};
use crate::value::{Collation, Value, ValueRef};
use call::Call;
use spilled::Spilled;
use state::Groups;

pub(super) fn aggregate(plan: &physical::Aggregate, build: &mut BuildContext) -> Result<Box<dyn Operator>> {
    let input = match plan.sorted && !plan.keys.is_empty() {
        // Groups come out while further ones are read.
        true => build.operator(&plan.input)?,
        false => build.drained(&plan.input)?,
    };
    let keys = Kernel::compile_all(plan.keys.iter().map(|key| &key.expression), build)?;
    let calls = plan
        .aggregates
        .iter()
        .map(|call| Call::compile(call, keys.is_empty(), build))
        .collect::<Result<Vec<Call>>>()?;
    let collations: Vec<Collation> = plan.keys.iter().map(|key| key.collation.clone()).collect();
    let bare = Kernel::compile_all(&plan.bare, build)?;
    let picking = plan.bare_from.filter(|_| !bare.is_empty());
    let width = keys.len() + calls.len() + bare.len();
    let kept_width = keys.len() + if picking.is_some() { 0 } else { bare.len() };
    Ok(Box::new(Aggregation {
        input,
        groups: GroupTable {
            table: KeyTable::new(&collations),
            rows: RowStore::new(kept_width),
            places: Vec::new(),
            numbers: Vec::new(),
            fresh: Vec::new(),
        },
        picked: Picked {
            from: picking,
            values: Vec::new(),
            width: bare.len(),
            last: Vec::new(),
            rows: Vec::new(),
        },
        collations,
        keys,
        calls,
        bare,
        sorted: plan.sorted,
        input_width: width_of(&plan.input),
        spilled: None,
        phase: Phase::Reading,
        order: Vec::new(),
        next: 0,
        batch: Batch::new(width),
    }))
}

struct Aggregation {
    input: Box<dyn Operator>,
    keys: Vec<Kernel>,
    collations: Vec<Collation>,
    groups: GroupTable,
    calls: Vec<Call>,
    bare: Vec<Kernel>,
    picked: Picked,
    /// The input is sorted by the keys.
    sorted: bool,
    input_width: usize,
    /// Groups beyond the memory budget.
    spilled: Option<Spilled>,
    phase: Phase,
    /// Groups to put out.
    order: Vec<u32>,
    next: usize,
    batch: Batch,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Reading,
    /// The groups in `order` are put out; then reading goes on.
    Flushing,
    /// The groups in `order`, all that there are, are put out; then reading goes on with the rest of the batch at hand.
    FlushingAll,
    /// The groups in `order` are put out, and that is all.
    Last,
    /// The groups come from the disk.
    Spilled,
}

/// The groups, and what is kept of the first row of each.
struct GroupTable {
    table: KeyTable,
    /// Keys, then bare columns unless a min() or max() picks them.
    rows: RowStore,
    places: Vec<u32>,
    /// The group of each row of the batch at hand.
    numbers: Vec<u32>,
    /// Its rows that begin a group: numbers among the selected ones.
    fresh: Vec<u32>,
}

impl GroupTable {
    fn len(&self) -> usize {
        self.places.len()
    }

    fn clear(&mut self) {
        self.table.clear();
        self.rows.clear();
        self.places.clear();
    }
}

/// Bare columns of the row that a min() or max() picks, by group.
struct Picked {
    from: Option<usize>,
    /// `width` values a group.
    values: Vec<Value>,
    width: usize,
    /// For each group the row of the batch at hand that was picked last.
    last: Vec<Option<u32>>,
    rows: Vec<u32>,
}

impl Aggregation {
    /// Takes the input's current batch in.
    fn consume(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let Aggregation {
            input,
            keys,
            groups,
            calls,
            bare,
            picked,
            ..
        } = self;
        let input = input.batch();
        let rows = Rows::of(input);
        let mut key_values: SmallVec<[Values<'_>; 4]> = SmallVec::new();
        for key in keys.iter_mut() {
            key_values.push(key.evaluate_rows(context, input, rows)?);
        }
        let known = groups.len() as u32;
        if key_values.is_empty() {
            groups.fresh.clear();
            groups.fresh.extend((known == 0).then_some(0));
        } else {
            groups.table.insert(&key_values, rows.len(), &mut groups.numbers);
            find_fresh(&groups.numbers, known, &mut groups.fresh);
        }
        if !groups.fresh.is_empty() {
            let kept_bare = if picked.from.is_none() {
                bare.as_mut_slice()
            } else {
                &mut []
            };
            keep_first_rows(context, input, rows, &key_values, kept_bare, groups)?;
        }
        let count = groups.len();
        let of_rows = if key_values.is_empty() {
            Groups::One
        } else {
            Groups::Many(&groups.numbers)
        };
        for (n, call) in calls.iter_mut().enumerate() {
            call.grow(count);
            match picked.from {
                Some(from) if from == n => {
                    picked.begin(count, known as usize, &groups.fresh, rows);
                    picked.update(context, input, call, of_rows, bare)?;
                }
                _ => call.update(context, input, of_rows)?,
            }
        }
        Ok(())
    }

    /// Without keys there is a group even when there is no row.
    fn ensure_single_group(&mut self) {
        self.calls.iter_mut().for_each(|call| call.grow(1));
        self.picked.values.resize(self.picked.width, Value::Null);
    }

    /// Reads until groups are ready to be put out.
    fn read(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        while self.input.next(context)? {
            context.check_interrupt()?;
            if !self.put_aside(context)? {
                continue;
            }
            if self.must_flush_all(context) && self.end_last_group(context)? {
                self.order.clear();
                self.order.extend(0..self.groups.len() as u32);
                self.phase = Phase::FlushingAll;
                return Ok(());
            }
            self.consume(context)?;
            self.mind_budget(context);
            if self.sorted && !self.keys.is_empty() && self.groups.len() > 1 && !self.keeps_rows() {
                self.order.clear();
                self.order.extend(0..self.groups.len() as u32 - 1);
                self.phase = Phase::Flushing;
                return Ok(());
            }
        }
        self.phase = Phase::Last;
        for call in &mut self.calls {
            call.finish(context)?;
        }
        self.order.clear();
        if self.spilled.is_some() {
            self.phase = match self.next_partition(context)? {
                true => Phase::Reading,
                false => Phase::Spilled,
            };
            return Ok(());
        }
        if self.keys.is_empty() {
            self.ensure_single_group();
            self.order.push(0);
        } else {
            self.sort_groups()?;
        }
        Ok(())
    }

    fn keeps_rows(&self) -> bool {
        self.calls.iter().any(Call::keeps_rows)
    }

    /// Whether what the calls keep of sorted groups takes so much memory that all groups are to be put out at the end of one.
    fn must_flush_all(&self, context: &ExecContext<'_>) -> bool {
        let calls = || self.calls.iter().map(Call::memory_of_rows).sum::<usize>();
        let kept = || calls() + self.groups.table.memory() + self.groups.rows.memory();
        self.sorted
            && !self.groups.places.is_empty()
            && !self.keys.is_empty()
            && kept() > context.state.session.memory_budget_bytes / 4
    }

    /// Takes those rows of a sorted batch in that belong to the last group; whether others are left, which begin further groups.
    fn end_last_group(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let last = self.groups.len() as u32 - 1;
        let (mut own, mut others) = (Vec::new(), Vec::new());
        {
            let batch = self.input.batch();
            let rows = Rows::of(batch);
            let mut keys: SmallVec<[Values<'_>; 4]> = SmallVec::new();
            for key in self.keys.iter_mut() {
                keys.push(key.evaluate_rows(context, batch, rows)?);
            }
            let groups = &mut self.groups;
            groups.table.find_all(&keys, rows.len(), &mut groups.numbers);
            for (n, number) in groups.numbers.iter().enumerate() {
                let rows_of = if *number == last { &mut own } else { &mut others };
                rows_of.push(rows.row(n) as u32);
            }
        }
        if others.is_empty() {
            return Ok(false);
        }
        if !own.is_empty() {
            self.input.batch_mut().select(own);
            self.consume(context)?;
        }
        for call in &mut self.calls {
            call.finish(context)?;
        }
        self.input.batch_mut().select(others);
        Ok(true)
    }

    fn sort_groups(&mut self) -> Result<()> {
        if self.sorted {
            self.order.extend(0..self.groups.len() as u32);
            return Ok(());
        }
        let keys = self.key_order();
        let mut buffer = SortBuffer::new(0, &keys);
        let mut columns = vec![Vector::new(); self.keys.len()];
        let mut none = Batch::new(0);
        for places in self.groups.places.chunks(BATCH_ROWS_MAX) {
            for (n, column) in columns.iter_mut().enumerate() {
                column.clear();
                self.groups.rows.gather(n, places, column);
            }
            let keys: SmallVec<[Values<'_>; 4]> = columns.iter().map(Values::dense).collect();
            none.set_len(places.len());
            buffer.push(&none, &keys)?;
        }
        buffer.sort()?;
        self.order.extend(buffer.numbers());
        Ok(())
    }

    /// The order in which groups are put out, over the output's layout.
    fn key_order(&self) -> Vec<SortKey> {
        let ascending = |(column, collation): (usize, &Collation)| SortKey {
            expression: Expr::Column(column),
            descending: false,
            nulls_first: true,
            collation: collation.clone(),
        };
        self.collations.iter().enumerate().map(ascending).collect()
    }

    /// Puts out some of the groups in `order`.
    fn emit(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let end = self.order.len().min(self.next + BATCH_ROWS_MAX);
        let numbers = &self.order[self.next..end];
        self.batch.clear();
        let (kept, rest) = self.batch.columns.split_at_mut(self.keys.len());
        let (results, bare) = rest.split_at_mut(self.calls.len());
        for &number in numbers {
            let group = number as usize;
            let place = self.groups.places.get(group).copied();
            for (column, out) in kept.iter_mut().enumerate() {
                out.push(place.map_or(ValueRef::Null, |place| self.groups.rows.get(column, place)));
            }
            for (call, out) in self.calls.iter_mut().zip(results.iter_mut()) {
                call.result(context, group, out)?;
            }
            for (n, out) in bare.iter_mut().enumerate() {
                match (self.picked.from, place) {
                    (Some(_), _) => out.push(self.picked.get(group, n)),
                    (None, Some(place)) => out.push(self.groups.rows.get(self.keys.len() + n, place)),
                    (None, None) => out.push_null(),
                }
            }
        }
        self.batch.set_len(end - self.next);
        self.next = end;
        Ok(())
    }

    /// Forgets all groups.
    fn forget_groups(&mut self) {
        self.groups.clear();
        self.groups.table.release();
        self.calls.iter_mut().for_each(Call::clear);
        self.picked.values.clear();
    }

    /// Forgets the groups that were put out; the last one is not finished and stays.
    fn forget_flushed(&mut self) -> Result<()> {
        let forgotten = self.groups.len() - 1;
        let Some(&last) = self.groups.places.last() else {
            return Ok(());
        };
        let width = self.keys.len()
            + if self.picked.from.is_some() {
                0
            } else {
                self.bare.len()
            };
        let kept: Vec<Vector> = (0..width)
            .map(|column| Vector::of(self.groups.rows.get(column, last)))
            .collect();
        let values: SmallVec<[Values<'_>; 4]> = kept.iter().map(Values::dense).collect();
        self.groups.clear();
        self.groups.table.insert_one(&values[..self.keys.len()], 0);
        self.groups.places.push(self.groups.rows.push(&values, 0)?);
        self.calls.iter_mut().for_each(|call| call.keep_last(forgotten));
        self.picked.keep_last(forgotten);
        Ok(())
    }
}

/// The rows whose group was not known before: their numbers count up from `known`.
fn find_fresh(numbers: &[u32], mut known: u32, fresh: &mut Vec<u32>) {
    fresh.clear();
    for (n, &number) in numbers.iter().enumerate() {
        if number == known {
            known += 1;
            fresh.push(n as u32);
        }
    }
}

/// Keeps keys and bare columns of the rows that begin a group.
fn keep_first_rows(
    context: &mut ExecContext<'_>,
    input: &Batch,
    rows: Rows<'_>,
    keys: &[Values<'_>],
    bare: &mut [Kernel],
    groups: &mut GroupTable,
) -> Result<()> {
    let fresh_rows: SmallVec<[u32; 16]> = groups
        .fresh
        .iter()
        .map(|n| rows.row(*n as usize) as u32)
        .collect();
    let picks: SmallVec<[Vec<u32>; 4]> = keys
        .iter()
        .map(|key| groups.fresh.iter().map(|n| key.row(*n as usize) as u32).collect())
        .collect();
    let mut values: SmallVec<[Values<'_>; 8]> = SmallVec::new();
    values.extend(
        keys.iter()
            .zip(&picks)
            .map(|(key, picks)| Values::picked(key.vector(), picks)),
    );
    for kernel in bare {
        values.push(kernel.evaluate_rows(context, input, Rows::Some(&fresh_rows))?);
    }
    for n in 0..groups.fresh.len() {
        let place = groups.rows.push(&values, n)?;
        groups.places.push(place);
    }
    Ok(())
}

impl Picked {
    /// Makes room for all groups. A row that begins a group stands for it until one is picked: FILTER may leave none to pick from.
    fn begin(&mut self, count: usize, known: usize, fresh: &[u32], rows: Rows<'_>) {
        self.values.resize(count * self.width, Value::Null);
        self.last.clear();
        self.last.resize(count, None);
        for (last, &n) in self.last[known..].iter_mut().zip(fresh) {
            *last = Some(rows.row(n as usize) as u32);
        }
    }

    fn update(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        call: &mut Call,
        groups: Groups<'_>,
        bare: &mut [Kernel],
    ) -> Result<()> {
        call.update_picking(context, input, groups, |group, row| self.last[group] = Some(row))?;
        let mut picked: SmallVec<[(u32, usize); 16]> = SmallVec::new();
        picked.extend(
            self.last
                .iter()
                .enumerate()
                .filter_map(|(group, row)| Some(((*row)?, group))),
        );
        picked.sort_unstable();
        self.rows.clear();
        self.rows.extend(picked.iter().map(|(row, _)| *row));
        for (column, kernel) in bare.iter_mut().enumerate() {
            let values = kernel.evaluate_rows(context, input, Rows::Some(&self.rows))?;
            for (n, (_, group)) in picked.iter().enumerate() {
                self.values[group * self.width + column].assign(values.get(n));
            }
        }
        Ok(())
    }

    fn get(&self, group: usize, column: usize) -> ValueRef<'_> {
        self.values
            .get(group * self.width + column)
            .map_or(ValueRef::Null, Value::as_ref)
    }

    fn keep_last(&mut self, forgotten: usize) {
        self.values
            .drain(..(forgotten * self.width).min(self.values.len()));
    }
}

impl Operator for Aggregation {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.forget_spilled();
        self.groups.clear();
        self.calls.iter_mut().for_each(Call::clear);
        self.picked.values.clear();
        self.phase = Phase::Reading;
        self.order.clear();
        self.next = 0;
        self.input.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        loop {
            if self.next < self.order.len() {
                self.emit(context)?;
                return Ok(true);
            }
            match self.phase {
                Phase::Last => return Ok(false),
                Phase::Spilled => return self.take_result(),
                Phase::Flushing => {
                    self.forget_flushed()?;
                    self.phase = Phase::Reading;
                }
                Phase::FlushingAll => {
                    self.forget_groups();
                    self.phase = Phase::Reading;
                    self.consume(context)?;
                }
                Phase::Reading => {}
            }
            self.next = 0;
            self.read(context)?;
        }
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    fn close(&mut self) {
        self.forget_spilled();
        self.input.close();
        self.groups.clear();
        self.groups.table.release();
        self.groups.places = Vec::new();
        self.calls.iter_mut().for_each(Call::clear);
        self.picked.values = Vec::new();
        self.order = Vec::new();
        self.phase = Phase::Last;
        self.batch.columns.iter_mut().for_each(Vector::release);
        self.batch.clear();
    }
}
