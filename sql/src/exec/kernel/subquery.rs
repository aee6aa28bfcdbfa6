//! Subqueries in expressions.
//!
//! One that reads nothing of the row runs once a statement run: its answer, or the set of its rows, is kept under the number of
//! the run. One that does runs for each row, with the row's values in its registers, unless a row with the same values was there before:
//! answers are kept by those values, up to a bound.

use std::sync::Arc;

use parking_lot::Mutex;

use super::compare::compare_one;
use super::row_set::RowSet;
use super::{Evaluate, Kernel, Rows, Values, convert_for_comparison};
use crate::error::Result;
use crate::exec::batch::Reading;
use crate::exec::build::BuildContext;
use crate::exec::join::{KeyedJoin, keyed_presence};
use crate::exec::key_table::KeyTable;
use crate::exec::operator::Operator;
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext, Vector};
use crate::plan::expr::{CompareOp, CompareRule, Expr, Register, Subquery};
use crate::value::{Collation, ValueRef, converted_by_affinity};

/// Answers kept for one subquery before they are forgotten.
const MEMO_ROWS_MAX: usize = 16 << 10;
const MEMO_BYTES_MAX: usize = 4 << 20;

pub(super) fn scalar(
    subquery: &Arc<Subquery>,
    column: usize,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    let shared = build.shared_subquery(subquery, SharedScalar::new)?;
    Ok(Box::new(Scalar {
        shared,
        column,
        out: Vector::new(),
        picks: Vec::new(),
    }))
}

pub(super) fn exists(
    subquery: &Arc<Subquery>,
    negated: bool,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    let registers: Vec<Register> = subquery.bindings.iter().map(|(register, _)| *register).collect();
    let keyed = build.reading(Reading::Free, |build| {
        keyed_presence(&subquery.plan.root, &registers, build)
    })?;
    let search = match keyed {
        Some(join) if !registers.is_empty() => Search::Keyed(Box::new(join)),
        _ => Search::Opened(build.first_row(&subquery.plan.root)?),
    };
    Ok(Box::new(Exists {
        bindings: compile_bindings(subquery, build)?,
        deterministic: subquery.deterministic,
        search,
        memo: Memo::new(registers.len(), 1),
        negated,
        out: Vector::new(),
        picks: Vec::new(),
    }))
}

pub(super) fn in_subquery(
    operands: &[Expr],
    subquery: &Arc<Subquery>,
    rules: &[CompareRule],
    negated: bool,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    let collations: Vec<Collation> = rules.iter().map(|rule| rule.collation.clone()).collect();
    let runner = Runner::new(subquery, build)?;
    let memo = Memo::new(runner.bindings.len() + operands.len(), 1);
    Ok(Box::new(InSubquery {
        operands: Kernel::compile_all(operands, build)?,
        converted: vec![Vector::new(); operands.len()],
        rules: rules.to_vec(),
        negated,
        runner,
        memo,
        set: RowSet::new(&collations),
        out: Vector::new(),
        picks: Vec::new(),
    }))
}

/// A subquery's operators and what fills its registers.
struct Runner {
    root: Box<dyn Operator>,
    bindings: Vec<(Register, Kernel)>,
    deterministic: bool,
}

impl Runner {
    fn new(subquery: &Subquery, build: &mut BuildContext) -> Result<Runner> {
        Ok(Runner {
            bindings: compile_bindings(subquery, build)?,
            root: build.sampled(&subquery.plan.root)?,
            deterministic: subquery.deterministic,
        })
    }

    fn is_correlated(&self) -> bool {
        !self.bindings.is_empty()
    }
}

fn compile_bindings(subquery: &Subquery, build: &mut BuildContext) -> Result<Vec<(Register, Kernel)>> {
    let bindings = subquery.bindings.iter();
    let bindings = bindings.map(|(register, value)| Ok((*register, Kernel::compile_in(value, build)?)));
    bindings.collect()
}

/// Puts the bindings of row `n` into their registers.
fn bind(context: &mut ExecContext<'_>, registers: &[Register], values: &[Values<'_>], n: usize) {
    for (register, values) in registers.iter().zip(values) {
        context.set_register(*register, values.get(n));
    }
}

/// Evaluates what is bound for all rows at once.
fn evaluate_bindings<'a>(
    bindings: &'a mut [(Register, Kernel)],
    context: &mut ExecContext<'_>,
    input: &'a Batch,
    rows: Rows<'a>,
) -> Result<(Vec<Register>, Vec<Values<'a>>)> {
    let mut registers = Vec::with_capacity(bindings.len());
    let mut values = Vec::with_capacity(bindings.len());
    for (register, kernel) in bindings {
        registers.push(*register);
        values.push(kernel.evaluate_rows(context, input, rows)?);
    }
    Ok((registers, values))
}

/// Answers by what they were asked with.
struct Memo {
    keys: KeyTable,
    answers: Vec<Vector>,
    /// The run that the answers are of.
    run: Option<u64>,
}

impl Memo {
    fn new(key_width: usize, answer_width: usize) -> Memo {
        Memo {
            keys: KeyTable::exact(key_width),
            answers: vec![Vector::new(); answer_width],
            run: None,
        }
    }

    /// Forgets what is of an earlier run, what may not be kept, and what has grown too large.
    fn start(&mut self, run: u64, keep: bool) {
        let bytes = || self.keys.memory() + self.answers.iter().map(Vector::memory).sum::<usize>();
        if self.run != Some(run) || !keep || self.keys.len() > MEMO_ROWS_MAX || bytes() > MEMO_BYTES_MAX {
            self.keys.clear();
            self.answers.iter_mut().for_each(Vector::clear);
            self.run = Some(run);
        }
    }

    /// The answer's number, and whether it is still to be given. Without `keep` every question is a new one.
    fn ask(&mut self, key: &[Values<'_>], n: usize, keep: bool) -> (u32, bool) {
        let known = self.answers[0].len() as u32;
        let number = if keep { self.keys.insert_one(key, n) } else { known };
        (number, number == known)
    }
}

/// A scalar subquery and its answers, shared by the expressions that read its columns.
pub(crate) struct SharedScalar {
    runner: Runner,
    memo: Memo,
}

impl SharedScalar {
    pub(crate) fn new(subquery: &Subquery, build: &mut BuildContext) -> Result<SharedScalar> {
        let runner = Runner::new(subquery, build)?;
        // An answer has a column even when the subquery is asked for none.
        let memo = Memo::new(runner.bindings.len(), subquery.plan.columns.len().max(1));
        Ok(SharedScalar { runner, memo })
    }

    /// Makes sure that the answers for `rows` are there, and puts their numbers into `picks`.
    fn answer(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        picks: &mut Vec<u32>,
    ) -> Result<()> {
        let SharedScalar { runner, memo } = self;
        let correlated = runner.is_correlated();
        let keep = runner.deterministic || !correlated;
        memo.start(context.run, keep);
        picks.clear();
        let (registers, values) = evaluate_bindings(&mut runner.bindings, context, input, rows)?;
        let questions = if correlated { rows.len() } else { rows.len().min(1) };
        let mut ran = false;
        for n in 0..questions {
            let (number, open) = match correlated {
                true => memo.ask(&values, n, keep),
                false => (0, memo.answers[0].is_empty()),
            };
            if open {
                ran = true;
                bind(context, &registers, &values, n);
                if let Err(error) = first_row(runner.root.as_mut(), context, &mut memo.answers) {
                    // The key is in the table without an answer.
                    memo.run = None;
                    return Err(error);
                }
            }
            picks.push(number);
        }
        if ran {
            runner.root.close();
        }
        Ok(())
    }
}

/// Appends the first row of a query to `columns`, NULLs when it has none. The query is left open: the next row opens it anew, with the pages
/// and the memory of this one.
fn first_row(root: &mut dyn Operator, context: &mut ExecContext<'_>, columns: &mut [Vector]) -> Result<()> {
    root.open(context)?;
    if root.next(context)? {
        let batch = root.batch();
        let row = batch.selected_row(0);
        for (n, column) in columns.iter_mut().enumerate() {
            match batch.columns.get(n) {
                Some(source) => column.push_from(source, row),
                None => column.push_null(),
            }
        }
    } else {
        columns.iter_mut().for_each(Vector::push_null);
    }
    Ok(())
}

struct Scalar {
    shared: Arc<Mutex<SharedScalar>>,
    column: usize,
    out: Vector,
    picks: Vec<u32>,
}

impl Evaluate for Scalar {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let mut shared = self.shared.lock();
        shared.answer(context, input, rows, &mut self.picks)?;
        let constant = !shared.runner.is_correlated() && !rows.is_empty();
        self.out.clear();
        match shared.memo.answers.get(self.column) {
            Some(answers) => self.out.extend_selected(answers, &self.picks),
            None => self.out.push_nulls(self.picks.len()),
        }
        Ok(Values::computed(&self.out, constant, rows.len()))
    }
}

struct Exists {
    bindings: Vec<(Register, Kernel)>,
    deterministic: bool,
    search: Search,
    memo: Memo,
    negated: bool,
    out: Vector,
    picks: Vec<u32>,
}

/// How it is found out whether there is a row.
enum Search {
    /// By keys, for many rows at once.
    Keyed(Box<KeyedJoin>),
    /// By running the subquery.
    Opened(Box<dyn Operator>),
}

impl Search {
    /// Answers the questions that are rows `open` of `values`: 1 or 0 each.
    fn answer(
        &mut self,
        context: &mut ExecContext<'_>,
        (registers, values): (&[Register], &[Values<'_>]),
        open: &[u32],
        goes_on: bool,
        answers: &mut Vector,
    ) -> Result<()> {
        match self {
            Search::Opened(root) => {
                for &n in open {
                    bind(context, registers, values, n as usize);
                    root.open(context)?;
                    let found = root.next(context)?;
                    answers.push_integer(i64::from(found));
                }
                if !open.is_empty() {
                    root.close();
                }
            }
            Search::Keyed(join) => {
                for open in open.chunks(BATCH_ROWS_MAX) {
                    let batch = join.outer_mut();
                    batch.clear();
                    for (column, values) in batch.columns.iter_mut().zip(values) {
                        open.iter()
                            .for_each(|n| column.push_from(values.vector(), values.row(*n as usize)));
                    }
                    batch.set_len(open.len());
                    match goes_on {
                        true => join.resume(context)?,
                        false => join.open(context)?,
                    }
                    let mut found = vec![0; open.len()];
                    while join.next(context)? {
                        join.batch().selected().for_each(|row| found[row] = 1);
                    }
                    join.rest();
                    found.into_iter().for_each(|found| answers.push_integer(found));
                }
            }
        }
        Ok(())
    }
}

impl Evaluate for Exists {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Exists {
            bindings,
            deterministic,
            search,
            memo,
            negated,
            out,
            picks,
        } = self;
        let correlated = !bindings.is_empty();
        let keep = *deterministic || !correlated;
        let goes_on = memo.run == Some(context.run);
        memo.start(context.run, keep);
        picks.clear();
        let (registers, values) = evaluate_bindings(bindings, context, input, rows)?;
        let first = memo.answers[0].len() as u32;
        let mut open = Vec::new();
        for n in 0..if correlated { rows.len() } else { rows.len().min(1) } {
            let known = first + open.len() as u32;
            let number = match (correlated, keep) {
                (true, true) => memo.keys.insert_one(&values, n),
                (true, false) => known,
                (false, _) => 0,
            };
            if number == known {
                open.push(n as u32);
            }
            picks.push(number);
        }
        // Keys are in the table without answers until all is well.
        memo.run = None;
        search.answer(
            context,
            (&registers, &values),
            &open,
            goes_on,
            &mut memo.answers[0],
        )?;
        memo.run = Some(context.run);
        out.clear();
        let answers = &memo.answers[0];
        for &number in picks.iter() {
            out.push_integer(i64::from((answers.slots()[number as usize] == 1) != *negated));
        }
        Ok(Values::computed(out, !correlated && !rows.is_empty(), rows.len()))
    }
}

struct InSubquery {
    operands: Vec<Kernel>,
    converted: Vec<Vector>,
    rules: Vec<CompareRule>,
    negated: bool,
    runner: Runner,
    memo: Memo,
    set: RowSet,
    out: Vector,
    picks: Vec<u32>,
}

impl Evaluate for InSubquery {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let InSubquery {
            operands,
            converted,
            rules,
            negated,
            runner,
            memo,
            set,
            out,
            picks,
        } = self;
        let mut left = Vec::with_capacity(operands.len());
        for ((operand, rule), buffer) in operands.iter_mut().zip(rules.iter()).zip(converted) {
            let values = operand.evaluate_rows(context, input, rows)?;
            left.push(convert_for_comparison(values, rule.left, buffer));
        }
        out.clear();
        if !runner.is_correlated() {
            if !set.is_of(context.run) && !rows.is_empty() {
                set.fill(context, runner.root.as_mut(), rules)?;
            }
            for n in 0..rows.len() {
                out.push_truth(set.outcome(&left, n)?.map(|found| found != *negated));
            }
            return Ok(Values::dense(out));
        }
        let keep = runner.deterministic;
        memo.start(context.run, keep);
        picks.clear();
        let (registers, mut values) = evaluate_bindings(&mut runner.bindings, context, input, rows)?;
        values.extend_from_slice(&left);
        for n in 0..rows.len() {
            let (number, open) = memo.ask(&values, n, keep);
            if open {
                memo.run = None;
                bind(context, &registers, &values, n);
                let found = search(runner.root.as_mut(), context, &left, n, rules)?;
                memo.answers[0].push_truth(found.map(|found| found != *negated));
                memo.run = Some(context.run);
            }
            picks.push(number);
        }
        runner.root.close();
        out.extend_selected(&memo.answers[0], picks);
        Ok(Values::dense(out))
    }
}

/// Looks for row `n` of `left` in the rows of a query, up to the first that is equal. The query is left open.
fn search(
    root: &mut dyn Operator,
    context: &mut ExecContext<'_>,
    left: &[Values<'_>],
    n: usize,
    rules: &[CompareRule],
) -> Result<Option<bool>> {
    let mut outcome = Some(false);
    root.open(context)?;
    while outcome != Some(true) && root.next(context)? {
        let batch = root.batch();
        for row in batch.selected() {
            match row_equals(batch, row, left, n, rules) {
                Some(true) => {
                    outcome = Some(true);
                    break;
                }
                Some(false) => {}
                None => outcome = None,
            }
        }
    }
    Ok(outcome)
}

/// Whether a row of a batch equals row `n` of `left`.
fn row_equals(
    batch: &Batch,
    row: usize,
    left: &[Values<'_>],
    n: usize,
    rules: &[CompareRule],
) -> Option<bool> {
    let mut outcome = Some(true);
    for ((left, rule), column) in left.iter().zip(rules).zip(&batch.columns) {
        let value: ValueRef<'_> = column.get(row);
        let converted = rule
            .right
            .and_then(|affinity| converted_by_affinity(value, affinity));
        let value = converted.as_ref().map_or(value, |value| value.as_ref());
        match compare_one(CompareOp::Eq, left.get(n), value, &rule.collation) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => outcome = None,
        }
    }
    outcome
}
