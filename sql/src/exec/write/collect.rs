//! Rows that are kept aside until a statement has read all that it will change.

use std::collections::BTreeMap;

use super::index::collect_columns;
use crate::error::Result;
use crate::exec::{Batch, ExecContext, Operator};
use crate::plan::Node;
use crate::plan::expr::Expr;
use crate::plan::physical::{ScanColumn, SeekTerm};
use crate::value::Value;

/// Batches of rows, kept densely; the memory stays for the next run.
#[derive(Default)]
pub(super) struct Collected {
    batches: Vec<Batch>,
    used: usize,
}

impl Collected {
    /// Reads all that `input` has.
    pub(super) fn fill(&mut self, input: &mut dyn Operator, context: &mut ExecContext<'_>) -> Result<()> {
        self.used = 0;
        while input.next(context)? {
            context.check_interrupt()?;
            self.push(input.batch());
        }
        Ok(())
    }

    /// Forgets the rows.
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// Keeps the selected rows of `batch`.
    pub(super) fn push(&mut self, batch: &Batch) {
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
    }

    /// The last row of each key, as batch and row, in the order of the keys.
    pub(super) fn last_of_each<K: Ord>(&self, key: impl Fn(&Batch, usize) -> K) -> Vec<(usize, usize)> {
        let mut last = BTreeMap::new();
        for (number, batch) in self.batches().iter().enumerate() {
            for row in batch.selected() {
                last.insert(key(batch, row), (number, row));
            }
        }
        last.into_values().collect()
    }

    /// The batches in the order in which they came.
    pub(super) fn batches(&self) -> &[Batch] {
        &self.batches[..self.used]
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
