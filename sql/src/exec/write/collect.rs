//! Rows that are kept aside until a statement has read all that it will change.

use super::index::collect_columns;
use crate::error::{Error, Result};
use crate::exec::kernel::{Rows, Values};
use crate::exec::row_log::RowLog;
use crate::exec::sort::SortBuffer;
use crate::exec::{BATCH_ROWS_MAX, Batch, ExecContext, Operator, Vector};
use crate::plan::Node;
use crate::plan::expr::Expr;
use crate::plan::physical::{ScanColumn, SeekTerm, SortKey};
use crate::value::{Collation, Value, compare};

/// Batches of rows, kept densely; the memory stays for the next run. Rows beyond a quarter of the memory budget are on disk.
#[derive(Default)]
pub(super) struct Collected {
    batches: Vec<Batch>,
    used: usize,
    bytes: usize,
    /// The rows behind those.
    rest: Option<Box<RowLog>>,
}

impl Collected {
    /// Reads all that `input` has.
    pub(super) fn fill(&mut self, input: &mut dyn Operator, context: &mut ExecContext<'_>) -> Result<()> {
        self.clear();
        while input.next(context)? {
            context.check_interrupt()?;
            self.push(input.batch(), context.state.session.memory_budget_bytes / 4)?;
        }
        Ok(())
    }

    /// Forgets the rows.
    pub(super) fn clear(&mut self) {
        self.used = 0;
        self.bytes = 0;
        if self.rest.take().is_some() {
            self.batches.truncate(1);
        }
    }

    /// Keeps the selected rows of `batch`; in memory as long as they take no more than `budget` bytes.
    pub(super) fn push(&mut self, batch: &Batch, budget: usize) -> Result<()> {
        if let Some(rest) = &mut self.rest {
            return rest.append(batch);
        }
        if self.used == self.batches.len() {
            self.batches.push(Batch::new(batch.columns.len()));
        }
        let kept = &mut self.batches[self.used];
        self.used += 1;
        kept.clear();
        for (column, source) in kept.columns.iter_mut().zip(&batch.columns) {
            match batch.selection() {
                Some(rows) => column.extend_selected(source, rows),
                None => (0..batch.len()).for_each(|row| column.push_from(source, row)),
            }
        }
        kept.set_len(batch.selected_len());
        self.bytes += kept.columns.iter().map(Vector::memory).sum::<usize>();
        if self.bytes > budget {
            self.rest = Some(Box::new(RowLog::new(batch.columns.len(), 0)));
        }
        Ok(())
    }

    /// Visits the batches in the order in which they came.
    pub(super) fn visit<E: From<Error>>(
        &mut self,
        mut visit: impl FnMut(&Batch) -> Result<(), E>,
    ) -> Result<(), E> {
        self.batches[..self.used].iter().try_for_each(&mut visit)?;
        let Some(rest) = &mut self.rest else {
            return Ok(());
        };
        let mut batch = Batch::new(rest.width());
        let mut next = 0;
        loop {
            batch.clear();
            next += rest.read(next, BATCH_ROWS_MAX, &mut batch)?;
            if batch.is_empty() {
                return Ok(());
            }
            visit(&batch)?;
        }
    }
}

/// Of rows with equal keys the last one, in the order of the keys.
pub(super) struct LastOfEach {
    rows: SortBuffer,
    width: usize,
    identity: Vec<usize>,
}

impl LastOfEach {
    /// Reads all that `input` has; the key of a row is its columns `identity`.
    pub(super) fn read(
        input: &mut dyn Operator,
        context: &mut ExecContext<'_>,
        identity: &[usize],
    ) -> Result<LastOfEach> {
        let ascending = |column: &usize| SortKey {
            expression: Expr::Column(*column),
            descending: false,
            nulls_first: true,
            collation: Collation::Binary,
        };
        let keys: Vec<SortKey> = identity.iter().map(ascending).collect();
        let mut all = LastOfEach {
            rows: SortBuffer::new(0, &keys),
            width: 0,
            identity: identity.to_vec(),
        };
        while input.next(context)? {
            context.check_interrupt()?;
            let batch = input.batch();
            if all.width == 0 {
                all.width = batch.columns.len();
                all.rows = SortBuffer::new(all.width, &keys);
            }
            let values = identity.iter().map(|column| &batch.columns[*column]);
            let values = values.map(|column| Values::of_column(column, Rows::of(batch)));
            let values: Vec<Values<'_>> = values.collect();
            all.rows.push(batch, &values)?;
            all.rows
                .spill_beyond(context.state.session.memory_budget_bytes / 4)?;
        }
        all.rows.sort()?;
        Ok(all)
    }

    /// Visits the rows: batch and place.
    pub(super) fn visit<E: From<Error>>(
        &mut self,
        mut visit: impl FnMut(&Batch, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let LastOfEach { rows, identity, .. } = self;
        let are_one = |(a, a_row): (&Batch, usize), (b, b_row): (&Batch, usize)| {
            identity.iter().all(|&column| {
                let (a, b) = (a.columns[column].get(a_row), b.columns[column].get(b_row));
                compare(a, b, &Collation::Binary).is_eq()
            })
        };
        let (mut batch, mut last) = (Batch::new(self.width), Batch::new(self.width));
        loop {
            rows.take(BATCH_ROWS_MAX, &mut batch)?;
            if !last.is_empty() && (batch.is_empty() || !are_one((&last, 0), (&batch, 0))) {
                visit(&last, 0)?;
            }
            let Some(end) = batch.len().checked_sub(1) else {
                return Ok(());
            };
            for row in 0..end {
                if !are_one((&batch, row), (&batch, row + 1)) {
                    visit(&batch, row)?;
                }
            }
            last.clear();
            for (out, column) in last.columns.iter_mut().zip(&batch.columns) {
                out.push_from(column, end);
            }
            last.set_len(1);
        }
    }
}

/// Whether the rows of `input` stay the same when rows that were read already are changed in place or removed: it walks one table by
/// its rowid and asks nothing else.
pub(super) fn is_stable(input: &Node) -> bool {
    match input {
        Node::TableScan(scan) => {
            scan.table.without_rowid.is_none() && scan.filter.as_ref().is_none_or(is_rowwise)
        }
        Node::Filter(filter) => is_rowwise(&filter.predicate) && is_stable(&filter.input),
        Node::Project { input, expressions } => expressions.iter().all(is_rowwise) && is_stable(input),
        _ => false,
    }
}

/// `input`, of which only the columns `reads` are wanted: the others are not decoded, and hold anything.
pub(super) fn pruned(input: &Node, reads: &[usize]) -> Node {
    match input {
        Node::Project { input, expressions } => {
            let mut below = Vec::new();
            let wanted = |(place, expression): (usize, &Expr)| match reads.contains(&place) {
                true => expression.clone(),
                false => Expr::Literal(Value::Null),
            };
            let expressions: Vec<Expr> = expressions.iter().enumerate().map(wanted).collect();
            expressions
                .iter()
                .for_each(|expression| collect_columns(expression, &mut below));
            Node::Project {
                input: Box::new(pruned(input, &below)),
                expressions,
            }
        }
        Node::Filter(filter) => {
            let mut below = reads.to_vec();
            collect_columns(&filter.predicate, &mut below);
            pruned(&filter.input, &below).filtered(Some(filter.predicate.clone()))
        }
        Node::TableScan(scan) if scan.table.without_rowid.is_none() => {
            let mut reads = reads.to_vec();
            if let Some(filter) = &scan.filter {
                collect_columns(filter, &mut reads);
            }
            let mut scan = scan.clone();
            for (place, column) in scan.columns.iter_mut().enumerate() {
                if !reads.contains(&place) {
                    // The rowid is at hand without a look at the record.
                    *column = ScanColumn::Rowid;
                }
            }
            Node::TableScan(scan)
        }
        other => other.clone(),
    }
}

/// The rowid that `input` asks a table for, when that is all it does: it has at most one row.
pub(super) fn named_row(input: &Node) -> Option<&Expr> {
    match input {
        Node::TableScan(scan) => {
            let seek = &scan.seek;
            let plain = scan.table.without_rowid.is_none() && scan.filter.is_none();
            match seek.equal.as_slice() {
                [SeekTerm::Equal(rowid)] if plain && seek.lower.is_none() && seek.upper.is_none() => {
                    Some(rowid)
                }
                _ => None,
            }
        }
        Node::Project { input, expressions } => {
            let passes_on = |part: &Expr| matches!(part, Expr::Column(_) | Expr::Literal(_));
            named_row(input).filter(|_| expressions.iter().all(passes_on))
        }
        _ => None,
    }
}

/// Whether an expression looks at its row only.
pub(super) fn is_rowwise(expression: &Expr) -> bool {
    let mut rowwise = true;
    expression.visit(&mut |part| {
        let subquery = matches!(
            part,
            Expr::Exists { .. } | Expr::Scalar { .. } | Expr::InSubquery { .. }
        );
        rowwise &= !subquery;
    });
    rowwise
}
