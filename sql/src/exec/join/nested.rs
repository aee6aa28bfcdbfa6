//! Nested loops: for each row of the outer side the inner side is opened anew, with the row's values in its registers.
//!
//! Pairs of one outer batch are collected until they fill a batch, so that an inner side that finds one row by its key still gives wide
//! batches. Rows of the inner side are copied; the outer side's are gathered once a batch.

use std::sync::Arc;

use super::keyed::keyed_loop;
use super::pairs::{NO_ROW, Pairs};
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::kernel::{Kernel, Rows, Values};
use crate::exec::operator::Operator;
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::plan::expr::Register;
use crate::plan::physical::{JoinKind, NestedLoop};

pub(in crate::exec) fn nested_loop(
    plan: &Arc<NestedLoop>,
    build: &mut BuildContext,
) -> Result<Box<dyn Operator>> {
    if let Some(keyed) = keyed_loop(plan, build)? {
        return Ok(Box::new(keyed));
    }
    let outer = build.operator(&plan.outer)?;
    let inner = match plan.kind {
        // One match is enough.
        JoinKind::Semi | JoinKind::Anti => build.first_row(&plan.inner)?,
        _ => build.operator(&plan.inner)?,
    };
    let bindings = plan.bindings.iter();
    let bindings = bindings.map(|(register, value)| {
        Ok(Binding {
            register: *register,
            value: Kernel::compile_in(value, build)?,
            row_values: Vector::new(),
        })
    });
    Ok(Box::new(Join {
        kind: plan.kind,
        only_outer: matches!(plan.kind, JoinKind::Semi | JoinKind::Anti),
        bindings: bindings.collect::<Result<_>>()?,
        pairs: Pairs::new(plan.kind, plan.on.as_ref(), build)?,
        outer,
        inner,
        outer_width: plan.outer_width,
        next_outer: 0,
        inner_state: Inner::Closed,
        inner_row: 0,
        row_pairs: 0,
        inner_count: 0,
        phase: Phase::Pairs,
        joined: Batch::new(plan.outer_width + plan.inner_width),
    }))
}

/// A register, and its values for the outer batch at hand.
struct Binding {
    register: Register,
    value: Kernel,
    row_values: Vector,
}

/// What the inner side is doing for the outer row at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inner {
    Closed,
    /// The next batch is to be asked for.
    Open,
    /// Its batch is read up to this selected row.
    At(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Pairs,
    /// Inner rows without a match follow; the inner side is opened once more.
    Rest,
    Done,
}

struct Join {
    kind: JoinKind,
    only_outer: bool,
    outer: Box<dyn Operator>,
    inner: Box<dyn Operator>,
    bindings: Vec<Binding>,
    pairs: Pairs,
    outer_width: usize,
    /// The next row of the outer batch, counted among the selected ones.
    next_outer: usize,
    inner_state: Inner,
    /// The number of the next inner row within this opening, for joins that keep inner rows.
    inner_row: u32,
    /// Pairs of the outer row at hand.
    row_pairs: usize,
    /// Inner rows of an opening; known after the first.
    inner_count: u32,
    phase: Phase,
    joined: Batch,
}

impl Join {
    /// Takes the next outer batch and evaluates what the inner side reads of it.
    fn next_batch(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if !self.outer.next(context)? {
            return Ok(false);
        }
        let batch = self.outer.batch();
        for Binding {
            value, row_values, ..
        } in &mut self.bindings
        {
            row_values.clear();
            value
                .evaluate_rows(context, batch, Rows::of(batch))?
                .append_to(row_values);
        }
        self.next_outer = 0;
        Ok(true)
    }

    /// Opens the inner side for the `n`-th outer row.
    fn open_inner(&mut self, context: &mut ExecContext<'_>, n: usize) -> Result<()> {
        for Binding {
            register, row_values, ..
        } in &self.bindings
        {
            context.set_register(*register, row_values.get(n));
        }
        self.inner.open(context)?;
        self.inner_state = Inner::Open;
        self.inner_row = 0;
        self.row_pairs = 0;
        Ok(())
    }

    /// Collects pairs up to a batch of them; the inner rows go straight to the output.
    fn collect_pairs(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.pairs.clear();
        self.joined.clear();
        let rows = self.outer.batch().selected_len();
        while self.next_outer < rows && self.pairs.len() < BATCH_ROWS_MAX {
            let outer_row = self.outer.batch().selected_row(self.next_outer) as u32;
            if self.inner_state == Inner::Closed {
                self.open_inner(context, self.next_outer)?;
            }
            if self.take_inner(context, outer_row)? {
                self.end_outer_row(outer_row);
            }
        }
        Ok(())
    }

    /// Pairs an outer row with inner rows while there is room; true when they were all.
    fn take_inner(&mut self, context: &mut ExecContext<'_>, outer_row: u32) -> Result<bool> {
        while self.pairs.len() < BATCH_ROWS_MAX {
            let from = match self.inner_state {
                Inner::At(from) => from,
                _ if self.inner.next(context)? => 0,
                _ => return Ok(true),
            };
            let batch = self.inner.batch();
            let len = batch.selected_len();
            let take = (len - from).min(BATCH_ROWS_MAX - self.pairs.len());
            let columns = &mut self.joined.columns[self.outer_width..];
            for (out, source) in columns.iter_mut().zip(&batch.columns) {
                match batch.selection() {
                    None => out.extend_range(source, from..from + take),
                    Some(rows) => out.extend_selected(source, &rows[from..from + take]),
                }
            }
            for n in 0..take as u32 {
                self.pairs.push(outer_row, self.inner_row + n);
            }
            self.inner_row += take as u32;
            self.row_pairs += take;
            self.inner_state = if from + take < len {
                Inner::At(from + take)
            } else {
                Inner::Open
            };
            context.check_interrupt()?;
        }
        Ok(false)
    }

    fn end_outer_row(&mut self, outer_row: u32) {
        let before = self.pairs.len();
        self.pairs.end_left_row(outer_row, self.row_pairs);
        if self.pairs.len() > before {
            self.joined.columns[self.outer_width..]
                .iter_mut()
                .for_each(Vector::push_null);
        }
        self.inner_count = self.inner_count.max(self.inner_row);
        self.inner_state = Inner::Closed;
        self.next_outer += 1;
    }

    /// Completes the joined rows with the outer side's columns and tests them.
    fn join_pairs(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let Join {
            outer,
            pairs,
            joined,
            outer_width,
            ..
        } = self;
        let columns = joined.columns[..*outer_width].iter_mut();
        for (out, source) in columns.zip(&outer.batch().columns) {
            out.extend_selected(source, &pairs.left);
        }
        joined.set_len(pairs.len());
        joined.check_size()?;
        if pairs.keeps_right() {
            let rows = pairs.right.iter().filter(|row| **row != NO_ROW).max();
            let needed = rows.map_or(0, |row| *row as usize + 1);
            let known = pairs.right_matched.len().max(needed);
            pairs.right_matched.resize(known, false);
        }
        pairs.narrow(context, joined)
    }

    fn next_joined(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        loop {
            if self.next_outer >= self.outer.batch().selected_len() && !self.next_batch(context)? {
                self.phase = Phase::Done;
                if self.pairs.keeps_right() {
                    self.phase = Phase::Rest;
                    self.inner.open(context)?;
                    self.inner_row = 0;
                }
                return Ok(false);
            }
            self.collect_pairs(context)?;
            if self.pairs.len() == 0 {
                continue;
            }
            self.join_pairs(context)?;
            if self.joined.selected_len() > 0 {
                return Ok(true);
            }
        }
    }

    /// Narrows the next outer batch to the rows that have a match, or to those that have none.
    fn next_outer_only(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        while self.next_batch(context)? {
            let rows = self.outer.batch().selected_len();
            let mut kept = Vec::with_capacity(rows);
            for n in 0..rows {
                let row = self.outer.batch().selected_row(n) as u32;
                self.open_inner(context, n)?;
                let matched = self.has_match(context, row)?;
                if matched == (self.kind == JoinKind::Semi) {
                    kept.push(row);
                }
            }
            self.inner_state = Inner::Closed;
            self.next_outer = rows;
            if !kept.is_empty() {
                self.outer.batch_mut().select(kept);
                return Ok(true);
            }
        }
        self.phase = Phase::Done;
        Ok(false)
    }

    /// Whether the inner side, just opened, has a row that goes with an outer row.
    fn has_match(&mut self, context: &mut ExecContext<'_>, outer_row: u32) -> Result<bool> {
        if !self.pairs.has_condition() {
            return self.inner.next(context);
        }
        loop {
            self.pairs.clear();
            self.joined.clear();
            let finished = self.take_inner(context, outer_row)?;
            if self.pairs.len() > 0 {
                self.join_pairs(context)?;
                if self.joined.selected_len() > 0 {
                    return Ok(true);
                }
            }
            if finished {
                return Ok(false);
            }
        }
    }

    /// Inner rows that were part of no pair, with NULLs on the outer side.
    fn next_rest(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        while self.inner.next(context)? {
            let batch = self.inner.batch();
            let mut kept: Vec<u32> = Vec::with_capacity(batch.selected_len());
            for row in batch.selected() {
                let matched = self.pairs.right_matched.get(self.inner_row as usize).copied();
                if matched != Some(true) {
                    kept.push(row as u32);
                }
                self.inner_row += 1;
            }
            if kept.is_empty() {
                continue;
            }
            self.joined.clear();
            let (outer_out, inner_out) = self.joined.columns.split_at_mut(self.outer_width);
            outer_out.iter_mut().for_each(|out| out.push_nulls(kept.len()));
            for (out, source) in inner_out.iter_mut().zip(&batch.columns) {
                Values::picked(source, &kept).append_to(out);
            }
            self.joined.set_len(kept.len());
            return Ok(true);
        }
        self.phase = Phase::Done;
        Ok(false)
    }
}

impl Operator for Join {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.pairs.restart();
        self.inner_state = Inner::Closed;
        self.next_outer = usize::MAX;
        self.inner_count = 0;
        self.phase = Phase::Pairs;
        self.outer.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if self.phase == Phase::Pairs {
            let found = match self.only_outer {
                true => self.next_outer_only(context)?,
                false => self.next_joined(context)?,
            };
            if found {
                return Ok(true);
            }
        }
        match self.phase {
            Phase::Rest => self.next_rest(context),
            _ => Ok(false),
        }
    }

    fn batch(&self) -> &Batch {
        if self.only_outer {
            self.outer.batch()
        } else {
            &self.joined
        }
    }

    fn batch_mut(&mut self) -> &mut Batch {
        if self.only_outer {
            self.outer.batch_mut()
        } else {
            &mut self.joined
        }
    }

    fn close(&mut self) {
        self.outer.close();
        self.inner.close();
        self.phase = Phase::Done;
        self.joined.columns.iter_mut().for_each(Vector::release);
        self.joined.clear();
    }
}
