//! The rows of a subquery on the right of IN.
//!
//! Keys beyond a quarter of the memory budget are [in files](crate::exec::key_runs); rows of several columns, which are looked at again where
//! a NULL makes an outcome unknown, are in a [log](crate::exec::row_log).

use super::compare::compare_one;
use super::{Rows, Values, convert_for_comparison};
use crate::error::Result;
use crate::exec::key_runs::KeyRuns;
use crate::exec::key_table::{ABSENT, KeyTable};
use crate::exec::operator::Operator;
use crate::exec::row_log::RowLog;
use crate::exec::{Class, ExecContext, Vector};
use crate::plan::expr::{CompareOp, CompareRule};
use crate::value::Collation;

/// See the module's head.
pub(super) struct RowSet {
    keys: KeyTable,
    /// Keys for which there was no memory.
    elsewhere: KeyRuns,
    /// All rows, kept only when there are several columns: a NULL among them makes an outcome unknown where the others agree.
    rows: RowLog,
    has_null: bool,
    is_empty: bool,
    collations: Vec<Collation>,
    run: Option<u64>,
    converted: Vec<Vector>,
    numbers: Vec<u32>,
}

impl RowSet {
    pub(super) fn new(collations: &[Collation]) -> RowSet {
        RowSet {
            keys: KeyTable::new(collations),
            elsewhere: KeyRuns::default(),
            rows: RowLog::new(collations.len(), 0),
            has_null: false,
            is_empty: true,
            collations: collations.to_vec(),
            run: None,
            converted: vec![Vector::new(); collations.len()],
            numbers: Vec::new(),
        }
    }

    /// Whether the rows are those of this run.
    pub(super) fn is_of(&self, run: u64) -> bool {
        self.run == Some(run)
    }

    /// Runs the subquery and keeps its rows.
    pub(super) fn fill(
        &mut self,
        context: &mut ExecContext<'_>,
        root: &mut dyn Operator,
        rules: &[CompareRule],
    ) -> Result<()> {
        let budget = context.state.session.memory_budget_bytes / 4;
        self.run = None;
        self.keys.clear();
        self.elsewhere.clear();
        self.rows.restart(budget);
        (self.has_null, self.is_empty) = (false, true);
        root.open(context)?;
        while root.next(context)? {
            context.check_interrupt()?;
            self.is_empty = false;
            let batch = root.batch();
            let rows = Rows::of(batch);
            let mut columns = Vec::with_capacity(rules.len());
            for ((rule, column), out) in rules.iter().zip(&batch.columns).zip(&mut self.converted) {
                columns.push(convert_for_comparison(
                    Values::of_column(column, rows),
                    rule.right,
                    out,
                ));
            }
            let has_null = |column: &Values<'_>| (0..rows.len()).any(|n| column.class(n) == Class::Null);
            self.has_null |= columns.iter().any(has_null);
            if columns.len() > 1 {
                self.rows.append_values(&columns, 0..rows.len())?;
            }
            self.keys.insert(&columns, rows.len(), &mut self.numbers);
            if self.keys.memory() > budget {
                self.elsewhere.take(&mut self.keys)?;
            }
        }
        root.close();
        self.run = Some(context.run);
        Ok(())
    }

    /// Whether row `n` of `operands` is in the set.
    pub(super) fn outcome(&mut self, operands: &[Values<'_>], n: usize) -> Result<Option<bool>> {
        if self.is_empty {
            return Ok(Some(false));
        }
        let operand_null = operands.iter().any(|operand| operand.get(n).is_null());
        if !operand_null && self.contains(operands, n)? {
            return Ok(Some(true));
        }
        let may_be_unknown = operand_null || self.has_null;
        let unknown = may_be_unknown && (operands.len() == 1 || self.agrees_where_known(operands, n)?);
        Ok(if unknown { None } else { Some(false) })
    }

    fn contains(&mut self, operands: &[Values<'_>], n: usize) -> Result<bool> {
        if self.keys.find(operands, n) != ABSENT {
            return Ok(true);
        }
        if self.elsewhere.is_empty() {
            return Ok(false);
        }
        let (hash, key) = self.keys.encoded(operands, n);
        self.elsewhere.contains(hash, key)
    }

    /// Whether some row of the set differs from row `n` of `operands` in no column.
    fn agrees_where_known(&mut self, operands: &[Values<'_>], n: usize) -> Result<bool> {
        for chunk in 0..self.rows.chunk_count() {
            let columns = self.rows.chunk(chunk)?;
            let agrees = |row: usize| {
                let mut pairs = operands.iter().zip(columns.iter()).zip(&self.collations);
                pairs.all(|((operand, column), collation)| {
                    compare_one(CompareOp::Eq, operand.get(n), column.get(row), collation) != Some(false)
                })
            };
            if (0..columns.first().map_or(0, Vector::len)).any(agrees) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
