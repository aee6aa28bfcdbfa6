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

use std::sync::Arc;

use super::hash;
use super::pairs::Pairs;
use crate::error::Result;
use crate::exec::build::{BuildContext, width_of};
use crate::exec::kernel::{Kernel, Rows};
use crate::exec::operator::Operator;
use crate::exec::scan::{KeyedPlan, KeyedRows, WholeTable};
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::plan::expr::{CompareRule, Expr, Register};
use crate::plan::physical::{HashJoin, HashKey, JoinKind, NestedLoop, Node};

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

/// The expressions of a plan over outer rows and pairs instead of registers.
struct Parts<'p> {
    /// Over the outer side's layout.
    keys: Vec<Expr>,
    /// Terms over the inner side alone that cannot fail: over the inner layout.
    inner_terms: Vec<&'p Expr>,
    /// The same over the joined layout.
    inner_terms_of_pairs: Vec<Expr>,
    /// All other terms of the inner side's filter, and ON: over the joined layout.
    pair_terms: Vec<Expr>,
}

impl<'p> Parts<'p> {
    fn of(plan: &'p NestedLoop, inner: &KeyedPlan<'p>) -> Option<Parts<'p>> {
        let plain = |bound: &Expr| matches!(bound, Expr::Column(_) | Expr::Register(_));
        if !plan.bindings.iter().all(|(_, bound)| plain(bound)) {
            return None;
        }
        let bound = |part: &Expr| match part {
            Expr::Register(register) => {
                let binding = plan.bindings.iter().find(|(own, _)| own == register);
                binding.map(|(_, bound)| bound.clone())
            }
            _ => None,
        };
        let key = |key: &&Expr| {
            key.with_leaves(&mut |part| match part {
                Expr::Column(_) => None,
                part => Some(bound(part).unwrap_or_else(|| part.clone())),
            })
        };
        let keys = inner.keys.iter().map(key).collect::<Option<Vec<Expr>>>()?;
        let (mut inner_terms, mut inner_terms_of_pairs) = (Vec::new(), Vec::new());
        let mut pair_terms = Vec::new();
        for term in inner.filter.into_iter().flat_map(conjuncts) {
            let mut alone = true;
            term.visit(&mut |part| alone &= bound(part).is_none() && !may_fail(part));
            let over_pairs = over_pair(term, plan.outer_width, &bound)?;
            match alone {
                true => {
                    inner_terms.push(term);
                    inner_terms_of_pairs.push(over_pairs);
                }
                false => pair_terms.push(over_pairs),
            }
        }
        pair_terms.extend(plan.on.iter().flat_map(conjuncts).cloned());
        Some(Parts {
            keys,
            inner_terms,
            inner_terms_of_pairs,
            pair_terms,
        })
    }

    /// All terms, over the joined layout.
    fn into_every_term(self) -> Vec<Expr> {
        let mut terms = self.inner_terms_of_pairs;
        terms.extend(self.pair_terms);
        terms
    }

    /// The same join with all inner rows in a hash table.
    fn hash_plan(&self, plan: &NestedLoop, inner: &KeyedPlan<'_>) -> Option<HashJoin> {
        // Built when it is needed, the join finds nothing of what subqueries share with others.
        let mut has_subquery = false;
        self.pair_terms.iter().for_each(|term| {
            term.visit(&mut |part| {
                has_subquery |= matches!(
                    part,
                    Expr::InSubquery { .. } | Expr::Exists { .. } | Expr::Scalar { .. }
                );
            });
        });
        if has_subquery {
            return None;
        }
        let any_order = !plan.ordered || matches!(plan.kind, JoinKind::Semi | JoinKind::Anti);
        let inner_terms = self.inner_terms.iter().map(|term| (*term).clone());
        let (right, places) = inner.whole(conjunction(inner_terms.collect()), any_order)?;
        let keys = self
            .keys
            .iter()
            .zip(places)
            .map(|(key, (place, collation))| HashKey {
                left: key.clone(),
                right: Expr::Column(place),
                rule: CompareRule {
                    left: None,
                    right: None,
                    collation,
                },
                null_matches: false,
            });
        Some(HashJoin {
            left: Node::Values {
                rows: Vec::new(),
                width: plan.outer_width,
            },
            right,
            keys: keys.collect(),
            kind: plan.kind,
            on: conjunction(self.pair_terms.clone()),
            left_width: plan.outer_width,
            right_width: inner.width(),
        })
    }
}

/// The join of a plan with all inner rows in a hash table.
#[inline(never)]
fn hash_plan_of(plan: &NestedLoop) -> Option<HashJoin> {
    let inner = KeyedPlan::of(&plan.inner)?;
    Parts::of(plan, &inner)?.hash_plan(plan, &inner)
}

/// Whether evaluating an expression for a row more could lead to an error. Dates of constants are common in WHERE, and are NULL at worst.
fn may_fail(part: &Expr) -> bool {
    let Expr::Call {
        function, arguments, ..
    } = part
    else {
        return false;
    };
    let harmless = ["date", "datetime", "julianday", "time", "unixepoch"].contains(&&*function.name);
    let constant = |argument: &Expr| matches!(argument, Expr::Literal(_));
    !(function.builtin && harmless && arguments.iter().all(constant))
}

/// A term over the inner side's layout as one over pairs.
fn over_pair(term: &Expr, outer_width: usize, bound: &dyn Fn(&Expr) -> Option<Expr>) -> Option<Expr> {
    term.with_leaves(&mut |part| match part {
        Expr::Column(column) => Some(Expr::Column(outer_width + column)),
        part => Some(bound(part).unwrap_or_else(|| part.clone())),
    })
}

fn conjuncts(term: &Expr) -> &[Expr] {
    match term {
        Expr::And(terms) => terms,
        term => std::slice::from_ref(term),
    }
}

fn conjunction(mut terms: Vec<Expr>) -> Option<Expr> {
    match terms.len() {
        0 | 1 => terms.pop(),
        _ => Some(Expr::And(terms)),
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

    /// Collects pairs up to a batch of them; the inner rows go straight to the output. With `first` no more is asked of an outer row
    /// once it has a match.
    fn collect_pairs(&mut self, context: &ExecContext<'_>, first: bool) -> Result<()> {
        self.pairs.clear();
        self.joined.clear();
        let rows = self.outer.batch().selected_len();
        while self.next_outer < rows && self.pairs.len() < BATCH_ROWS_MAX {
            let outer_row = self.outer.batch().selected_row(self.next_outer) as u32;
            let mut had = match self.row_pairs {
                Some(_) if first && self.has_match[outer_row as usize] => {
                    self.next_row();
                    continue;
                }
                Some(had) => had,
                None => {
                    self.rows.start(context, &self.key_values, self.next_outer)?;
                    self.counts.searches += 1;
                    0
                }
            };
            if !self.rows.is_done() {
                let room = match self.pairs.has_condition() || !first {
                    true => BATCH_ROWS_MAX - self.pairs.len(),
                    false => 1,
                };
                let columns = &mut self.joined.columns[self.outer_width..];
                let taken = self.rows.take(context, room, columns)?;
                (0..taken).for_each(|_| self.pairs.push(outer_row, 0));
                had += taken;
                self.counts.rows += taken as u64;
            }
            self.row_pairs = Some(had);
            if self.rows.is_done() || first && !self.pairs.has_condition() {
                self.end_row(outer_row, had);
            }
        }
        Ok(())
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
            self.collect_pairs(context, false)?;
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
        loop {
            if self.is_costly(context)? && self.hand_over(context)? {
                return self.next(context);
            }
            if !self.next_batch(context)? {
                return Ok(false);
            }
            let batch = self.outer.batch();
            let rows = batch.selected_len();
            self.has_match.clear();
            self.has_match.resize(batch.len(), false);
            while self.next_outer < rows {
                self.collect_pairs(context, true)?;
                if self.pairs.len() == 0 {
                    continue;
                }
                if self.pairs.has_condition() {
                    self.join_pairs(context)?;
                    let KeyedJoin {
                        joined,
                        pairs,
                        has_match,
                        ..
                    } = self;
                    joined
                        .selected()
                        .for_each(|pair| has_match[pairs.left[pair] as usize] = true);
                } else {
                    let KeyedJoin { pairs, has_match, .. } = self;
                    pairs.left.iter().for_each(|row| has_match[*row as usize] = true);
                }
            }
            let wanted = self.kind == JoinKind::Semi;
            let has_match = &self.has_match;
            let batch = self.outer.batch();
            let kept: Vec<u32> = batch
                .selected()
                .filter(|row| has_match[*row] == wanted)
                .map(|row| row as u32)
                .collect();
            if !kept.is_empty() {
                self.outer.batch_mut().select(kept);
                self.next_outer = usize::MAX;
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
