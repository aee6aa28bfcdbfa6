//! Joins whose inner side is a look-up by key: of rows in a table by rowid, or through an index.
//!
//! ```text
//!   outer batch ── keys, a column at once ──▶ look-up ──▶ rows ──▶ pairs ──▶ filter and ON over all pairs ──▶ batch
//!                                              └─ costs more than reading all ──▶ hash table, for the outer rows to come
//! ```
//!
//! Against a nested loop over a scan this saves opening the scan for each outer row, and filters rows in wide batches.
//!
//! How many outer rows come is not known in advance, and neither is what their look-ups cost. So they are counted: when look-ups have cost about as much
//! as reading the whole inner side would, or will by what is known of the outer side, that is read into a [hash join](super::hash), which goes on
//! with the outer rows where the look-ups ended. The rows that come out, and their order, stay the same, save where the plan says that the order
//! of the inner rows of one outer row does not count.
//!
//! Reading all inner rows evaluates the terms over the inner side alone for rows that no outer row asks for. So that no error comes of it,
//! terms with function calls are left for the pairs.

mod parts;
mod semi;

use std::sync::Arc;

use parts::{Parts, conjunction, hash_plan_of};
use semi::Passed;

use super::hash;
use super::pairs::Pairs;
use crate::error::Result;
use crate::exec::build::{BuildContext, width_of};
use crate::exec::kernel::{Kernel, Rows};
use crate::exec::operator::Operator;
use crate::exec::scan::{KeyedPlan, KeyedRows, WholeTable};
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::plan::expr::{Expr, Register};
use crate::plan::physical::{HashJoin, JoinKind, NestedLoop, Node};

/// What look-ups and reading cost, in about nanoseconds.
mod cost {
    /// A search for a key.
    pub(super) const SEARCH: u64 = 400;
    /// A search for a row whose rowid an index entry gives.
    pub(super) const FETCH: u64 = 600;
    /// A row or entry where the search for the key has come to.
    pub(super) const ROW: u64 = 60;
    /// A row of the whole inner side, read and put into a hash table.
    pub(super) const READ: u64 = 160;
}

/// Before this many look-ups nothing is decided.
const SEARCHES_MIN: u64 = 512;

/// The join of a plan whose inner side is a look-up by key, if it is one.
pub(in crate::exec) fn keyed_loop(
    plan: &Arc<NestedLoop>,
    build: &mut BuildContext,
) -> Result<Option<KeyedJoin>> {
    if matches!(plan.kind, JoinKind::Right | JoinKind::Full) {
        return Ok(None);
    }
    let Some(inner) = KeyedPlan::of(&plan.inner) else {
        return Ok(None);
    };
    let Some(parts) = Parts::of(plan, &inner) else {
        return Ok(None);
    };
    let outer = build.operator(&plan.outer)?;
    build.note(&plan.inner);
    let keys = Kernel::compile_all(&parts.keys, build)?;
    let terms = conjunction(parts.into_every_term());
    Ok(Some(KeyedJoin {
        kind: plan.kind,
        only_outer: matches!(plan.kind, JoinKind::Semi | JoinKind::Anti),
        outer_table: WholeTable::of(&plan.outer),
        key_values: Vector::empty(keys.len()),
        keys,
        pairs: Pairs::new(plan.kind, terms.as_ref(), build)?,
        rows: inner.rows()?,
        outer,
        outer_width: plan.outer_width,
        plan: Arc::clone(plan),
        hash_plan: None,
        hash: None,
        hashing: false,
        next_outer: usize::MAX,
        row_pairs: None,
        counts: Counts::default(),
        joined: Batch::new(plan.outer_width + inner.width()),
        has_match: Vec::new(),
        passed: Passed::default(),
        broken_off: Vec::new(),
        again: false,
    }))
}

/// The rows of a batch, put in by its owner, for which `inner` has a row; `None` when that is no look-up by key. Column `n` of the batch
/// goes where `inner` reads register `n` of `registers`.
pub(in crate::exec) fn keyed_presence(
    inner: &Node,
    registers: &[Register],
    build: &mut BuildContext,
) -> Result<Option<KeyedJoin>> {
    let bindings = registers.iter().enumerate();
    let plan = NestedLoop {
        outer: Node::Values {
            rows: Vec::new(),
            width: registers.len(),
        },
        inner: inner.clone(),
        bindings: bindings
            .map(|(column, register)| (*register, Expr::Column(column)))
            .collect(),
        kind: JoinKind::Semi,
        on: None,
        outer_width: registers.len(),
        inner_width: width_of(inner),
        ordered: false,
    };
    let mut join = keyed_loop(&Arc::new(plan), build)?;
    if let Some(join) = &mut join {
        join.outer = Box::new(Offered {
            batch: Batch::new(registers.len()),
            pending: false,
        });
    }
    Ok(join)
}

/// A batch that somebody else fills.
struct Offered {
    batch: Batch,
    pending: bool,
}

impl Operator for Offered {
    fn open(&mut self, _: &mut ExecContext<'_>) -> Result<()> {
        self.pending = !self.batch.is_empty();
        Ok(())
    }

    fn next(&mut self, _: &mut ExecContext<'_>) -> Result<bool> {
        Ok(std::mem::take(&mut self.pending))
    }

    fn batch(&self) -> &Batch {
        &self.batch
    }

    fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    fn close(&mut self) {
        self.pending = false;
    }
}

/// What was done so far.
#[derive(Default)]
struct Counts {
    searches: u64,
    rows: u64,
    /// Rows of the inner side, once they were asked for.
    inner_rows: Option<u64>,
    /// Rows of the outer side, if that is a whole table.
    outer_rows: Option<u64>,
    /// The hash table does not fit into memory.
    refused: bool,
}

/// See the module's head.
pub(in crate::exec) struct KeyedJoin {
    kind: JoinKind,
    /// Only outer rows are put out: the outer side's batches, narrowed.
    only_outer: bool,
    outer: Box<dyn Operator>,
    outer_table: Option<WholeTable>,
    keys: Vec<Kernel>,
    /// The keys of the outer batch's selected rows.
    key_values: Vec<Vector>,
    rows: KeyedRows,
    pairs: Pairs,
    outer_width: usize,
    /// What it was made of.
    plan: Arc<NestedLoop>,
    /// The join that may take over, if there is one; made when look-ups have become many, which they mostly do not.
    hash_plan: Option<Option<Box<HashJoin>>>,
    /// It, once it was needed. While it has taken over, `outer` is its left side and its left side is `outer`.
    hash: Option<Box<hash::Join>>,
    hashing: bool,
    /// The next row of the outer batch, counted among the selected ones.
    next_outer: usize,
    /// Pairs that the outer row at hand has had, once it was looked up.
    row_pairs: Option<usize>,
    counts: Counts,
    joined: Batch,
    /// Which rows of the outer batch have a match.
    has_match: Vec<bool>,
    passed: Passed,
    /// Of a semi join's outer batch: rows, counted among the selected ones, whose inner rows were not all read.
    broken_off: Vec<usize>,
    /// They are looked up again, instead of all rows of the batch.
    again: bool,
}

impl KeyedJoin {
    /// The outer side's batch.
    pub(in crate::exec) fn outer_mut(&mut self) -> &mut Batch {
        match (&mut self.hash, self.hashing) {
            (Some(hash), true) => hash.left.batch_mut(),
            _ => self.outer.batch_mut(),
        }
    }

    /// Starts with other outer rows, and keeps what was learned from those before.
    pub(in crate::exec) fn resume(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        match (&mut self.hash, self.hashing) {
            (Some(hash), true) => hash.resume(context),
            _ => {
                self.restart(context);
                self.outer.open(context)
            }
        }
    }

    /// Lets go of all pages until [`resume`](Self::resume).
    pub(in crate::exec) fn rest(&mut self) {
        self.rows.close();
    }

    fn restart(&mut self, context: &ExecContext<'_>) {
        self.pairs.restart();
        self.rows.open(context);
        self.next_outer = usize::MAX;
        self.row_pairs = None;
    }

    /// The outer side comes back from the hash join.
    fn take_back(&mut self) {
        if let (Some(hash), true) = (&mut self.hash, self.hashing) {
            hash.close();
            std::mem::swap(&mut hash.left, &mut self.outer);
        }
        self.hashing = false;
    }

    /// Whether reading the whole inner side costs less than the look-ups that are to come.
    fn is_costly(&mut self, context: &ExecContext<'_>) -> Result<bool> {
        if self.counts.refused || self.counts.searches < SEARCHES_MIN {
            return Ok(false);
        }
        let plan = &self.plan;
        let hash_plan = self
            .hash_plan
            .get_or_insert_with(|| hash_plan_of(plan).map(Box::new));
        if hash_plan.is_none() {
            return Ok(false);
        }
        let Counts {
            searches,
            rows,
            inner_rows,
            outer_rows,
            ..
        } = &mut self.counts;
        let inner = match inner_rows {
            Some(inner) => *inner,
            None => *inner_rows.insert(self.rows.estimate(context)?),
        };
        if let (None, Some(table)) = (&outer_rows, &self.outer_table) {
            *outer_rows = Some(table.estimate(context)?);
        }
        let per_row = if self.rows.looks_up() {
            cost::FETCH
        } else {
            cost::ROW
        };
        let spent = *searches * cost::SEARCH + *rows * per_row;
        let whole = inner.saturating_mul(cost::READ);
        Ok(match outer_rows {
            Some(outer) => {
                let ahead = outer.saturating_sub(*searches);
                ahead as f64 * (spent as f64 / *searches as f64) > 1.5 * whole as f64
            }
            // Nothing is known: at worst the work is done twice.
            None => spent > whole,
        })
    }

    /// Has the hash join go on with the outer rows; false when it cannot.
    fn hand_over(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        let hash = match (&mut self.hash, &self.hash_plan) {
            (Some(hash), _) => hash,
            (None, Some(Some(plan))) => {
                let join = hash::Join::new(plan, &mut BuildContext::default())?;
                self.hash.insert(Box::new(join))
            }
            (None, _) => return Ok(false),
        };
        if !hash.take_over(context)? {
            self.counts.refused = true;
            return Ok(false);
        }
        std::mem::swap(&mut hash.left, &mut self.outer);
        self.rows.close();
        self.hashing = true;
        Ok(true)
    }

    /// Takes the next outer batch and evaluates its keys.
    fn next_batch(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if !self.outer.next(context)? {
            return Ok(false);
        }
        context.check_interrupt()?;
        let batch = self.outer.batch();
        for (key, values) in self.keys.iter_mut().zip(&mut self.key_values) {
            values.clear();
            key.evaluate_rows(context, batch, Rows::of(batch))?
                .append_to(values);
        }
        self.next_outer = 0;
        self.row_pairs = None;
        Ok(true)
    }

    /// Collects pairs up to a batch of them; the inner rows go straight to the output.
    fn collect_pairs(&mut self, context: &ExecContext<'_>) -> Result<()> {
        self.pairs.clear();
        self.joined.clear();
        let rows = self.outer.batch().selected_len();
        while self.next_outer < rows && self.pairs.len() < BATCH_ROWS_MAX {
            let outer_row = self.outer.batch().selected_row(self.next_outer) as u32;
            let had = match self.row_pairs {
                Some(had) => had,
                None => self.look_up(context, self.next_outer)?,
            };
            let had = had + self.take_rows(context, outer_row, usize::MAX)?;
            self.row_pairs = Some(had);
            if self.rows.is_done() {
                self.end_row(outer_row, had);
            }
        }
        Ok(())
    }

    /// Searches for the key of an outer row, which has had no pairs then.
    fn look_up(&mut self, context: &ExecContext<'_>, place: usize) -> Result<usize> {
        self.rows.start(context, &self.key_values, place)?;
        self.counts.searches += 1;
        Ok(0)
    }

    /// Pairs an outer row with some of its inner rows, as many as the batch still takes or `most` of them; says how many.
    fn take_rows(&mut self, context: &ExecContext<'_>, outer_row: u32, most: usize) -> Result<usize> {
        if self.rows.is_done() {
            return Ok(0);
        }
        let room = most.min(BATCH_ROWS_MAX - self.pairs.len());
        let columns = &mut self.joined.columns[self.outer_width..];
        let taken = self.rows.take(context, room, columns)?;
        (0..taken).for_each(|_| self.pairs.push(outer_row, 0));
        self.counts.rows += taken as u64;
        Ok(taken)
    }

    fn end_row(&mut self, outer_row: u32, had: usize) {
        let before = self.pairs.len();
        self.pairs.end_left_row(outer_row, had);
        if self.pairs.len() > before {
            let inner = &mut self.joined.columns[self.outer_width..];
            inner.iter_mut().for_each(Vector::push_null);
        }
        self.next_row();
    }

    fn next_row(&mut self) {
        self.row_pairs = None;
        self.next_outer += 1;
    }

    /// Completes the joined rows with the outer side's columns and tests them.
    fn join_pairs(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let KeyedJoin {
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
        pairs.narrow(context, joined)
    }

    fn next_joined(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        loop {
            if self.next_outer >= self.outer.batch().selected_len() {
                if self.is_costly(context)? && self.hand_over(context)? {
                    return self.next(context);
                }
                if !self.next_batch(context)? {
                    return Ok(false);
                }
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
}

impl Operator for KeyedJoin {
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        self.take_back();
        self.counts = Counts::default();
        self.restart(context);
        self.outer.open(context)
    }

    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        match (&mut self.hash, self.hashing, self.only_outer) {
            (Some(hash), true, _) => hash.next(context),
            (_, _, true) => self.next_outer_only(context),
            (_, _, false) => self.next_joined(context),
        }
    }

    fn batch(&self) -> &Batch {
        match (&self.hash, self.hashing, self.only_outer) {
            (Some(hash), true, _) => hash.batch(),
            (_, _, true) => self.outer.batch(),
            (_, _, false) => &self.joined,
        }
    }

    fn batch_mut(&mut self) -> &mut Batch {
        match (&mut self.hash, self.hashing, self.only_outer) {
            (Some(hash), true, _) => hash.batch_mut(),
            (_, _, true) => self.outer.batch_mut(),
            (_, _, false) => &mut self.joined,
        }
    }

    fn close(&mut self) {
        self.take_back();
        self.outer.close();
        self.rows.close();
        self.next_outer = usize::MAX;
        self.joined.columns.iter_mut().for_each(Vector::release);
        self.joined.clear();
    }
}
