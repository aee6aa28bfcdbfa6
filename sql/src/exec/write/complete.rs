//! What a new row has to be before anything is looked up for it: affinity, STRICT types, generated columns, NOT NULL, CHECK.
//!
//! The order is SQLite's: NOT NULL, then the types of a STRICT table, then CHECK; where there are generated columns the types come
//! first, because these columns are computed from values that have their type.

use std::sync::Arc;

use super::index::collect_columns;
use super::target::load;
use super::{Failure, Fate, resolve};
use crate::catalog::{StrictType, Table};
use crate::error::{ConstraintKind, Error, Result};
use crate::exec::{Batch, ExecContext, Kernel};
use crate::plan::write::TargetTable;
use crate::syntax::ast::ConflictAction;
use crate::value::{Affinity, Value, ValueRef, apply_affinity};

/// Makes rows of a table complete.
pub(super) struct Completion {
    table: Arc<Table>,
    /// Columns with an affinity that may change a value.
    affinities: Vec<(usize, Affinity)>,
    strict: Vec<(usize, StrictType)>,
    not_null: Vec<NotNull>,
    generated: Vec<(usize, Kernel)>,
    checks: Vec<CheckKernel>,
}

/// A NOT NULL column.
struct NotNull {
    column: usize,
    conflict: Option<ConflictAction>,
    generated: bool,
    /// What REPLACE puts in place of NULL.
    default: Option<Kernel>,
}

struct CheckKernel {
    label: String,
    kernel: Kernel,
    /// The columns that it reads; an update that changes none of them need not ask.
    reads: Vec<usize>,
}

impl Completion {
    pub(super) fn build(plan: &TargetTable) -> Result<Completion> {
        let table = &plan.table;
        let columns = || table.columns.iter().enumerate();
        let not_null = columns()
            .filter(|(number, _)| table.rowid_alias != Some(*number))
            .filter_map(|(number, column)| column.not_null.map(|conflict| (number, column, conflict)))
            .map(|(number, column, conflict)| {
                let default = plan.defaults.iter().find(|(own, _)| *own == number);
                Ok(NotNull {
                    column: number,
                    conflict,
                    generated: column.generated.is_some(),
                    default: default
                        .map(|(_, expression)| Kernel::compile(expression))
                        .transpose()?,
                })
            })
            .collect::<Result<_>>()?;
        let strict_type = |declared: &Option<String>| {
            declared
                .as_deref()
                .and_then(StrictType::of)
                .filter(|strict| *strict != StrictType::Any)
        };
        Ok(Completion {
            affinities: columns()
                .filter(|(_, column)| column.affinity != Affinity::Blob)
                .map(|(number, column)| (number, column.affinity))
                .collect(),
            strict: columns()
                .filter(|_| table.strict)
                .filter_map(|(number, column)| Some((number, strict_type(&column.declared_type)?)))
                .collect(),
            not_null,
            generated: plan
                .generated
                .iter()
                .map(|(column, expression)| {
                    Ok((*column, Kernel::compile_pure(expression, "a generated column")?))
                })
                .collect::<Result<_>>()?,
            checks: plan
                .checks
                .iter()
                .map(CheckKernel::build)
                .collect::<Result<_>>()?,
            table: Arc::clone(table),
        })
    }

    /// Whether any expression has to see the row.
    pub(super) fn needs_batch(&self) -> bool {
        !self.generated.is_empty() || !self.checks.is_empty()
    }

    /// The columns that constraints on any of the `changed` columns read; `None` when there are no such constraints.
    pub(super) fn constraints_on(&self, changed: &[bool]) -> Option<Vec<usize>> {
        let mut found = self.not_null.iter().any(|rule| changed[rule.column]);
        found |= self.strict.iter().any(|(column, _)| changed[*column]);
        let mut reads = Vec::new();
        for check in &self.checks {
            if check.reads.iter().any(|&column| changed[column]) {
                found = true;
                reads.extend_from_slice(&check.reads);
            }
        }
        found.then_some(reads)
    }

    pub(super) fn has_generated(&self) -> bool {
        !self.generated.is_empty()
    }

    /// Makes `row` complete, or says that a conflict clause leaves it out. `changed` are the columns that an UPDATE sets; without it all
    /// columns count as new.
    pub(super) fn complete(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &mut Batch,
        row: &mut [Value],
        conflict: Option<ConflictAction>,
        changed: Option<&[bool]>,
    ) -> Result<Fate, Failure> {
        self.apply_affinities(row);
        if !self.generated.is_empty() {
            self.check_types(row)?;
            self.compute_generated(context, batch, row)?;
        }
        if self.check_not_null(context, batch, row, conflict, changed)? == Fate::Skipped {
            return Ok(Fate::Skipped);
        }
        self.check_types(row)?;
        self.check_checks(context, batch, row, conflict, changed)
    }

    pub(super) fn apply_affinities(&self, row: &mut [Value]) {
        for &(column, affinity) in &self.affinities {
            apply_affinity(&mut row[column], affinity);
        }
    }

    /// Computes the generated columns of `row`. Leaves the row in `batch`.
    pub(super) fn compute_generated(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &mut Batch,
        row: &mut [Value],
    ) -> Result<()> {
        load(batch, row);
        for (column, kernel) in &mut self.generated {
            let value = kernel.evaluate_one(context, batch)?;
            row[*column].assign(value);
            apply_affinity(&mut row[*column], self.table.columns[*column].affinity);
            batch.columns[*column].clear();
            batch.columns[*column].push(row[*column].as_ref());
        }
        Ok(())
    }

    // ---- NOT NULL --------------------------------------------------------------------------------

    fn check_not_null(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &mut Batch,
        row: &mut [Value],
        conflict: Option<ConflictAction>,
        changed: Option<&[bool]>,
    ) -> Result<Fate, Failure> {
        let mut replaced = false;
        for number in 0..self.not_null.len() {
            let rule = &mut self.not_null[number];
            let untouched = changed.is_some_and(|changed| !changed[rule.column]);
            if rule.generated || untouched || !row[rule.column].is_null() {
                continue;
            }
            match resolve(conflict, rule.conflict) {
                ConflictAction::Ignore => return Ok(Fate::Skipped),
                ConflictAction::Replace if rule.default.is_some() => {
                    load(batch, row);
                    if let Some(default) = &mut rule.default {
                        let value = default.evaluate_one(context, batch)?;
                        row[rule.column].assign(value);
                    }
                    apply_affinity(&mut row[rule.column], self.table.columns[rule.column].affinity);
                    replaced = true;
                    if row[rule.column].is_null() {
                        return Err(self.null_failure(number, ConflictAction::Abort));
                    }
                }
                action => return Err(self.null_failure(number, action)),
            }
        }
        if replaced && self.has_generated() {
            self.compute_generated(context, batch, row)?;
        }
        self.check_generated_not_null(row, conflict)
    }

    fn check_generated_not_null(
        &self,
        row: &[Value],
        conflict: Option<ConflictAction>,
    ) -> Result<Fate, Failure> {
        for (number, rule) in self.not_null.iter().enumerate() {
            if rule.generated && row[rule.column].is_null() {
                match resolve(conflict, rule.conflict) {
                    ConflictAction::Ignore => return Ok(Fate::Skipped),
                    action => return Err(self.null_failure(number, action)),
                }
            }
        }
        Ok(Fate::Kept)
    }

    fn null_failure(&self, number: usize, action: ConflictAction) -> Failure {
        let column = &self.table.columns[self.not_null[number].column].name;
        let message = format!("NOT NULL constraint failed: {}.{column}", self.table.name);
        let action = if action == ConflictAction::Replace {
            ConflictAction::Abort
        } else {
            action
        };
        Failure::new(Error::constraint(ConstraintKind::NotNull, message), action)
    }

    // ---- STRICT ----------------------------------------------------------------------------------

    fn check_types(&self, row: &[Value]) -> Result<()> {
        for &(column, strict) in &self.strict {
            let value = row[column].as_ref();
            let fits = match value {
                ValueRef::Null => true,
                _ if self.table.rowid_alias == Some(column) => true,
                ValueRef::Integer(_) => strict == StrictType::Integer,
                ValueRef::Real(_) => strict == StrictType::Real,
                ValueRef::Text(_) => strict == StrictType::Text,
                ValueRef::Blob(_) => strict == StrictType::Blob,
            };
            if !fits {
                return Err(self.type_error(column, value));
            }
        }
        Ok(())
    }

    fn type_error(&self, column: usize, value: ValueRef<'_>) -> Error {
        let column = &self.table.columns[column];
        let message = format!(
            "cannot store {} value in {} column {}.{}",
            match value {
                ValueRef::Integer(_) => "INT",
                ValueRef::Real(_) => "REAL",
                ValueRef::Text(_) => "TEXT",
                ValueRef::Blob(_) => "BLOB",
                ValueRef::Null => "NULL",
            },
            column
                .declared_type
                .as_deref()
                .unwrap_or("ANY")
                .to_ascii_uppercase(),
            self.table.name,
            column.name
        );
        Error::constraint(ConstraintKind::Datatype, message)
    }

    // ---- CHECK -----------------------------------------------------------------------------------

    fn check_checks(
        &mut self,
        context: &mut ExecContext<'_>,
        batch: &mut Batch,
        row: &[Value],
        conflict: Option<ConflictAction>,
        changed: Option<&[bool]>,
    ) -> Result<Fate, Failure> {
        if self.checks.is_empty() {
            return Ok(Fate::Kept);
        }
        load(batch, row);
        for check in &mut self.checks {
            if changed.is_some_and(|changed| !check.reads.iter().any(|&column| changed[column])) {
                continue;
            }
            let value = check.kernel.evaluate_one(context, batch)?;
            if crate::value::cast::truth(value) != Some(false) {
                continue;
            }
            return match conflict.unwrap_or(ConflictAction::Abort) {
                ConflictAction::Ignore => Ok(Fate::Skipped),
                ConflictAction::Replace => Err(check.failure(ConflictAction::Abort)),
                action => Err(check.failure(action)),
            };
        }
        Ok(Fate::Kept)
    }
}

impl CheckKernel {
    fn build((label, expression): &(String, crate::plan::expr::Expr)) -> Result<CheckKernel> {
        let mut reads = Vec::new();
        collect_columns(expression, &mut reads);
        Ok(CheckKernel {
            label: label.clone(),
            kernel: Kernel::compile_pure(expression, "a CHECK constraint")?,
            reads,
        })
    }

    fn failure(&self, action: ConflictAction) -> Failure {
        let message = format!("CHECK constraint failed: {}", self.label);
        Failure::new(Error::constraint(ConstraintKind::Check, message), action)
    }
}
