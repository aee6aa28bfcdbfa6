//! Equi-joins through a hash table.
//!
//! ```text
//!   right rows ──▶ row store      key table: key ─▶ number ─▶ first row ─▶ next row with the same key ─▶ ..
//!   left batch ──▶ number of each row's key ──▶ pairs ──▶ ON ──▶ batch
//! ```
//!
//! The left side keeps its order, and the right rows of one left row come in the order in which they were read. Both sides' keys take the
//! comparison's affinity before they are looked up, and the key table equates what SQL's `=` equates.
//!
//! The right side is not read before the left side has a row, which costs the left side's first batch and saves a table that nobody would look into.
//! No more is read of the left side when the right side is empty and the join can have no rows then. A right side that does not fit into memory is joined
//! [by way of the disk](spilled).

mod spilled;

use smallvec::SmallVec;
use spilled::Spilled;

use super::pairs::{NO_ROW, Pairs};
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::kernel::{Kernel, Rows, Values, convert_for_comparison};
use crate::exec::key_table::{ABSENT, KeyTable};
use crate::exec::operator::Operator;
use crate::exec::row_store::RowStore;
use crate::exec::{BATCH_ROWS_MAX, Batch, Class, ExecContext, Vector};
use crate::plan::expr::CompareRule;
use crate::plan::physical::{HashJoin, JoinKind};
use crate::value::{Affinity, Collation};

pub(in crate::exec) fn hash_join(plan: &HashJoin, build: &mut BuildContext) -> Result<Box<dyn Operator>> {
    Ok(Box::new(Join::new(plan, build)?))
}

impl Join {
    pub(super) fn new(plan: &HashJoin, build: &mut BuildContext) -> Result<Join> {
        let left = build.operator(&plan.left)?;
        let right = build.operator(&plan.right)?;
        let collations: Vec<Collation> = plan.keys.iter().map(|key| key.rule.collation.clone()).collect();
        let null_matches: Vec<bool> = plan.keys.iter().map(|key| key.null_matches).collect();
        let mut side = |left: bool| -> Result<SideKeys> {
            let mut kernels = Vec::with_capacity(plan.keys.len());
            for key in &plan.keys {
                let CompareRule {
                    left: left_affinity,
                    right: right_affinity,
                    ..
                } = key.rule;
                kernels.push(match left {
                    true => (Kernel::compile_in(&key.left, build)?, left_affinity),
                    false => (Kernel::compile_in(&key.right, build)?, right_affinity),
                });
            }
            Ok(SideKeys {
                converted: vec![Vector::new(); kernels.len()],
                kernels,
            })
        };
        let (left_keys, right_keys) = (side(true)?, side(false)?);
        let only_left = matches!(plan.kind, JoinKind::Semi | JoinKind::Anti);
        Ok(Join {
            kind: plan.kind,
            left,
            right,
            left_keys,
            right_keys,
            null_matches,
            table: JoinTable::new(&collations, plan.right_width),
            collations,
            right_width: plan.right_width,
            spilled: None,
            pairs: Pairs::new(plan.kind, plan.on.as_ref(), build)?,
            left_width: plan.left_width,
            phase: Phase::Build,
            first_is_read: false,
            probe: Probe::default(),
            joined: Batch::new(plan.left_width + plan.right_width),
            only_left,
            places: Vec::new(),
        })
    }
}

/// The key expressions of one side.
struct SideKeys {
    kernels: Vec<(Kernel, Option<Affinity>)>,
    converted: Vec<Vector>,
}

impl SideKeys {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        batch: &'a Batch,
    ) -> Result<SmallVec<[Values<'a>; 2]>> {
        let mut values = SmallVec::new();
        for ((kernel, affinity), converted) in self.kernels.iter_mut().zip(&mut self.converted) {
            let key = kernel.evaluate_rows(context, batch, Rows::of(batch))?;
            values.push(convert_for_comparison(key, *affinity, converted));
        }
        Ok(values)
    }
}

/// Finds the rows whose key holds a NULL that equals nothing; says whether there are any.
fn find_unequal(keys: &[Values<'_>], null_matches: &[bool], len: usize, unequal: &mut Vec<bool>) -> bool {
    unequal.clear();
    let may_have = |key: &Values<'_>| key.uniform_class().is_none_or(|class| class == Class::Null);
    let mut any = false;
    for (key, _) in keys
        .iter()
        .zip(null_matches)
        .filter(|(key, matches)| !**matches && may_have(key))
    {
        unequal.resize(len, false);
        for (n, unequal) in unequal.iter_mut().enumerate() {
            *unequal |= key.class(n) == Class::Null;
            any |= *unequal;
        }
    }
    any
}

/// The right side's rows by their keys.
struct JoinTable {
    rows: RowStore,
    /// The place of each row, by its number.
    places: Vec<u32>,
    keys: KeyTable,
    /// The first and last row of each key, by the key's number.
    chains: Vec<(u32, u32)>,
    /// The next row with the same key, by row.
    next: Vec<u32>,
    numbers: Vec<u32>,
    unequal: Vec<bool>,
}

impl JoinTable {
    fn new(collations: &[Collation], width: usize) -> JoinTable {
        JoinTable {
            rows: RowStore::new(width),
            places: Vec::new(),
            keys: KeyTable::new(collations),
            chains: Vec::new(),
            next: Vec::new(),
            numbers: Vec::new(),
            unequal: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.places.clear();
        self.keys.clear();
        self.chains.clear();
        self.next.clear();
    }

    fn release(&mut self) {
        self.clear();
        self.keys.release();
        self.places = Vec::new();
        self.chains = Vec::new();
        self.next = Vec::new();
    }

    fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes of memory in use.
    fn memory(&self) -> usize {
        self.rows.memory()
            + self.keys.memory()
            + (self.places.capacity() + self.next.capacity()) * 4
            + self.chains.capacity() * 8
    }

    /// Adds a batch whose keys are `keys`.
    fn add(&mut self, batch: &Batch, keys: &[Values<'_>], null_matches: &[bool]) -> Result<()> {
        let JoinTable {
            rows,
            places,
            keys: table,
            chains,
            next,
            numbers,
            unequal,
        } = self;
        let first = places.len() as u32;
        rows.append(batch, |place| places.push(place))?;
        next.resize(places.len(), NO_ROW);
        let len = batch.selected_len();
        if find_unequal(keys, null_matches, len, unequal) {
            for n in (0..len).filter(|n| !unequal[*n]) {
                let number = table.insert_one(keys, n);
                link(chains, next, number, first + n as u32);
            }
        } else {
            table.insert(keys, len, numbers);
            for (n, &number) in numbers.iter().enumerate() {
                link(chains, next, number, first + n as u32);
            }
        }
        Ok(())
    }

    /// The first row with a key, by the key's number.
    #[inline]
    fn first(&self, number: u32) -> u32 {
        if number == ABSENT {
            NO_ROW
        } else {
            self.chains[number as usize].0
        }
    }
}

/// Adds a row to the chain of its key.
#[inline]
fn link(chains: &mut Vec<(u32, u32)>, next: &mut [u32], key: u32, row: u32) {
    match chains.get_mut(key as usize) {
        Some((_, last)) => {
            next[*last as usize] = row;
            *last = row;
        }
        None => chains.push((row, row)),
    }
}

/// Where the join is in the left batch at hand.
#[derive(Default)]
struct Probe {
    /// The first right row of each left row.
    first: Vec<u32>,
    /// The next left row, counted among the selected ones.
    left: usize,
    /// The next right row of it; `None`: from the first one on.
    right: Option<u32>,
    /// Pairs that the left row has had.
    pairs: usize,
    numbers: Vec<u32>,
    unequal: Vec<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Build,
    Probe,
    /// Right rows without a match, from this one on.
    Rest(u32),
    /// The rows come from the disk.
    Spilled,
    Done,
}

pub(super) struct Join {
    kind: JoinKind,
    pub(super) left: Box<dyn Operator>,
    right: Box<dyn Operator>,
    left_keys: SideKeys,
    right_keys: SideKeys,
    /// NULL equals NULL in these key columns.
    null_matches: Vec<bool>,
    table: JoinTable,
    collations: Vec<Collation>,
    pairs: Pairs,
    left_width: usize,
    right_width: usize,
    /// What does not fit into memory.
    spilled: Option<Spilled>,
    phase: Phase,
    /// The left side's first batch was read to see that there is one, and is still to be joined.
    first_is_read: bool,
    probe: Probe,
    joined: Batch,
    /// Only left rows are put out: the left side's batches, narrowed.
    only_left: bool,
    places: Vec<u32>,
}

impl Join {
    /// Goes on with other left rows.
    pub(super) fn resume(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.pairs.restart();
        self.probe.first.clear();
        self.probe.left = 0;
        self.phase = Phase::Probe;
        self.left.open(context)
    }

    /// Reads the right side to go on with a left side that is open already; false, and nothing is kept, when it does not fit into memory.
    pub(super) fn take_over(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        self.table.clear();
        self.pairs.restart();
        self.probe.first.clear();
        self.probe.left = 0;
        let budget = context.state.session.memory_budget_bytes;
        if !self.read_right(context, budget)? {
            self.table.release();
            return Ok(false);
        }
        self.phase = Phase::Probe;
        Ok(true)
    }

    /// Puts the right side into the table; false when that takes more memory than `budget`.
    fn read_right(&mut self, context: &mut ExecContext<'_>, budget: usize) -> Result<bool> {
        self.right.open(context)?;
        let fits = self.read_opened_right(context, budget)?;
        self.right.close();
        Ok(fits)
    }

    fn read_opened_right(&mut self, context: &mut ExecContext<'_>, budget: usize) -> Result<bool> {
        let mut fits = true;
        while fits && self.right.next(context)? {
            context.check_interrupt()?;
            let batch = self.right.batch();
            let keys = self.right_keys.evaluate(context, batch)?;
            self.table.add(batch, &keys, &self.null_matches)?;
            fits = self.table.memory() <= budget;
        }
        Ok(fits)
    }

    fn build(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.left.open(context)?;
        // Rows of the right side that are kept want to be read in any case.
        self.first_is_read = !self.pairs.keeps_right();
        if self.first_is_read && !self.left.next(context)? {
            self.phase = Phase::Done;
            return Ok(());
        }
        self.right.open(context)?;
        let budget = context.state.session.memory_budget_bytes / 2;
        if !self.read_opened_right(context, budget)? {
            return self.join_spilled(context);
        }
        self.right.close();
        if self.pairs.keeps_right() {
            self.pairs.right_matched.resize(self.table.len(), false);
        }
        let needs_right = matches!(self.kind, JoinKind::Inner | JoinKind::Right | JoinKind::Semi);
        if self.table.len() == 0 && needs_right {
            self.phase = Phase::Done;
            return Ok(());
        }
        self.phase = Phase::Probe;
        Ok(())
    }

    /// Goes on to the next left batch.
    fn advance_left(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        Ok(std::mem::take(&mut self.first_is_read) || self.left.next(context)?)
    }

    /// Takes the next left batch and looks its keys up.
    fn next_left(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if !self.advance_left(context)? {
            return Ok(false);
        }
        context.check_interrupt()?;
        let Join {
            left,
            left_keys,
            null_matches,
            table,
            probe,
            ..
        } = self;
        let batch = left.batch();
        let len = batch.selected_len();
        let Probe {
            first,
            numbers,
            unequal,
            ..
        } = probe;
        let keys = left_keys.evaluate(context, batch)?;
        table.keys.find_all(&keys, len, numbers);
        if find_unequal(&keys, null_matches, len, unequal) {
            let pairs = numbers
                .iter_mut()
                .zip(unequal.iter())
                .filter(|(_, unequal)| **unequal);
            pairs.for_each(|(number, _)| *number = ABSENT);
        }
        first.clear();
        first.extend(numbers.iter().map(|number| table.first(*number)));
        (probe.left, probe.right, probe.pairs) = (0, None, 0);
        Ok(true)
    }

    /// Collects pairs of the left batch at hand, up to a batch of them.
    fn collect_pairs(&mut self) {
        let Join {
            left,
            table,
            pairs,
            probe,
            ..
        } = self;
        let batch = left.batch();
        pairs.clear();
        while probe.left < probe.first.len() && pairs.len() < BATCH_ROWS_MAX {
            let row = batch.selected_row(probe.left) as u32;
            let mut right = probe.right.take().unwrap_or(probe.first[probe.left]);
            while right != NO_ROW && pairs.len() < BATCH_ROWS_MAX {
                pairs.push(row, right);
                probe.pairs += 1;
                right = table.next[right as usize];
            }
            if right != NO_ROW {
                probe.right = Some(right);
                return;
            }
            pairs.end_left_row(row, probe.pairs);
            probe.pairs = 0;
            probe.left += 1;
        }
    }

    /// Puts the rows of the pairs side by side and tests them.
    fn join_pairs(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let Join {
            left,
            table,
            pairs,
            joined,
            left_width,
            places,
            ..
        } = self;
        joined.clear();
        let (left_out, right_out) = joined.columns.split_at_mut(*left_width);
        for (source, out) in left.batch().columns.iter().zip(left_out) {
            out.extend_selected(source, &pairs.left);
        }
        gather_right(table, &pairs.right, places, right_out);
        joined.set_len(pairs.len());
        joined.check_size()?;
        pairs.narrow(context, joined)
    }

    fn next_joined(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        loop {
            if self.probe.left >= self.probe.first.len() && !self.next_left(context)? {
                self.phase = if self.pairs.keeps_right() {
                    Phase::Rest(0)
                } else {
                    Phase::Done
                };
                return Ok(false);
            }
            self.collect_pairs();
            if self.pairs.len() == 0 {
                continue;
            }
            self.join_pairs(context)?;
            if self.joined.selected_len() > 0 {
                return Ok(true);
            }
        }
    }

    /// Narrows the next left batch to the rows that have a match, or to those that have none.
    fn next_left_only(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        while self.next_left(context)? {
            let mut has_match: Vec<bool>;
            if self.pairs.has_condition() {
                has_match = vec![false; self.left.batch().len()];
                while self.probe.left < self.probe.first.len() {
                    self.collect_pairs();
                    self.join_pairs(context)?;
                    let pairs = &self.pairs;
                    self.joined
                        .selected()
                        .for_each(|pair| has_match[pairs.left[pair] as usize] = true);
                }
            } else {
                has_match = Vec::new();
            }
            let wanted = self.kind == JoinKind::Semi;
            let (batch, first) = (self.left.batch(), &self.probe.first);
            let matched = |n: usize, row: usize| match has_match.is_empty() {
                true => first[n] != NO_ROW,
                false => has_match[row],
            };
            let rows = (0..batch.selected_len()).map(|n| (n, batch.selected_row(n)));
            let kept: Vec<u32> = rows
                .filter(|(n, row)| matched(*n, *row) == wanted)
                .map(|(_, row)| row as u32)
                .collect();
            if !kept.is_empty() {
                self.left.batch_mut().select(kept);
                return Ok(true);
            }
        }
        self.phase = Phase::Done;
        Ok(false)
    }

    /// Right rows that were part of no pair, with NULLs on the left.
    fn next_rest(&mut self, from: u32) -> bool {
        let Join {
            pairs,
            table,
            joined,
            left_width,
            phase,
            places,
            ..
        } = self;
        let unmatched = (from..table.len() as u32).filter(|row| !pairs.right_matched[*row as usize]);
        let rest: Vec<u32> = unmatched.take(BATCH_ROWS_MAX).collect();
        let Some(last) = rest.last() else {
            *phase = Phase::Done;
            return false;
        };
        *phase = Phase::Rest(last + 1);
        joined.clear();
        let (left_out, right_out) = joined.columns.split_at_mut(*left_width);
        left_out.iter_mut().for_each(|out| out.push_nulls(rest.len()));
        gather_right(table, &rest, places, right_out);
        joined.set_len(rest.len());
        true
    }
}

/// Appends the columns of right rows; NULLs for [`NO_ROW`].
fn gather_right(table: &JoinTable, rows: &[u32], places: &mut Vec<u32>, out: &mut [Vector]) {
    places.clear();
    let complete = !rows.contains(&NO_ROW);
    let place = |row: &u32| {
        if *row == NO_ROW {
            NO_ROW
        } else {
            table.places[*row as usize]
        }
    };
    places.extend(rows.iter().map(place));
    for (column, out) in out.iter_mut().enumerate() {
        if complete {
            table.rows.gather(column, places, out);
            continue;
        }
        for &place in places.iter() {
            match place {
                NO_ROW => out.push_null(),
                place => out.push(table.rows.get(column, place)),
            }
        }
    }
}

impl Operator for Join {
    fn open(&mut self, _: &mut ExecContext<'_>) -> Result<()> {
        self.forget_spilled();
        self.table.clear();
        self.pairs.restart();
        self.probe.first.clear();
        self.probe.left = 0;
        self.first_is_read = false;
        self.phase = Phase::Build;
        Ok(())
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if self.phase == Phase::Build {
            self.build(context)?;
        }
        if self.phase == Phase::Probe {
            let found = match self.only_left {
                true => self.next_left_only(context)?,
                false => self.next_joined(context)?,
            };
            if found {
                return Ok(true);
            }
        }
        match self.phase {
            Phase::Rest(from) => Ok(self.next_rest(from)),
            Phase::Spilled => self.take_result(),
            _ => Ok(false),
        }
    }

    fn batch(&self) -> &Batch {
        match (&self.spilled, self.only_left) {
            (Some(spilled), _) => &spilled.batch,
            (None, true) => self.left.batch(),
            (None, false) => &self.joined,
        }
    }

    fn batch_mut(&mut self) -> &mut Batch {
        match (&mut self.spilled, self.only_left) {
            (Some(spilled), _) => &mut spilled.batch,
            (None, true) => self.left.batch_mut(),
            (None, false) => &mut self.joined,
        }
    }

    fn close(&mut self) {
        self.forget_spilled();
        self.left.close();
        self.right.close();
        self.table.release();
        self.phase = Phase::Done;
        self.joined.columns.iter_mut().for_each(Vector::release);
        self.joined.clear();
    }
}
