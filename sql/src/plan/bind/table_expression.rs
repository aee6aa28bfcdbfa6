//! Expressions of the schema, over one row of one table: CHECK, generated columns, indexed expressions, filters of
//! partial indexes, defaults.

use ecow::EcoString;
use std::rc::Rc;
use std::sync::Arc;

use super::scope::{Clause, Scope};
use super::typed::Typed;
use super::{Binder, BoundIndex};
use crate::catalog::{IndexSource, Table};
use crate::error::Result;
use crate::plan::logical::{IndexHint, Scalar, TableId};
use crate::plan::physical::DatabaseIndex;
use crate::syntax::ast;

impl<'a> Binder<'a> {
    /// A table whose rows expressions refer to.
    pub fn row_table(&mut self, database: DatabaseIndex, table: &'a Arc<Table>) -> TableId {
        let name = EcoString::from(table.name.as_str());
        self.table_item(database, table, name, IndexHint::Free)
            .visible
            .table
    }

    /// Binds an expression of the schema that sees one table's row and nothing else.
    pub fn row_expression(&mut self, table: TableId, expr: &'a ast::Expr, clause: Clause) -> Result<Typed> {
        self.elsewhere(|binder| binder.unasked(|binder| binder.own_row_expression(table, expr, clause)))
    }

    /// The same, where the expression is itself what is asked about.
    pub fn own_row_expression(
        &mut self,
        table: TableId,
        expr: &'a ast::Expr,
        clause: Clause,
    ) -> Result<Typed> {
        if self.uses.is_some() {
            self.unaliased.push(table);
        }
        let mut scope = Scope::isolated(clause);
        if clause != Clause::Default {
            let entry = self.tables.get(table);
            scope
                .sources
                .push(super::scope::ScopeSource::new(table, None, entry.name.clone()));
        }
        let (typed, _) = self.in_scope(scope, |binder| binder.expr(expr))?;
        Ok(typed)
    }

    /// Binds the expressions and filters of a table's indexes, so that the planner can tell where they fit.
    pub(super) fn bind_indexes(&mut self, table: TableId) -> Result<()> {
        let Some(base) = self.tables.get(table).base() else {
            return Ok(());
        };
        for (number, index) in base.indexes.iter().enumerate() {
            if !index.is_computed() {
                continue;
            }
            let mut keys = Vec::with_capacity(index.columns.len());
            for column in &index.columns {
                keys.push(match &column.source {
                    IndexSource::Expression(expression) => Some(
                        self.row_expression(table, expression, Clause::IndexExpression)?
                            .expr,
                    ),
                    _ => None,
                });
            }
            let mut filter = Vec::new();
            if let Some(condition) = &index.filter {
                filter = self
                    .row_expression(table, condition, Clause::IndexFilter)?
                    .expr
                    .into_conjuncts();
            }
            self.tables
                .get_mut(table)
                .extras_mut()
                .bound_indexes
                .push(BoundIndex {
                    index: number,
                    keys,
                    filter,
                });
        }
        Ok(())
    }

    /// Makes sure that the expression of a virtual generated column is bound.
    pub(super) fn bind_generated(&mut self, table: TableId, column: usize) -> Result<()> {
        let entry = self.tables.get(table);
        let Some(base) = entry.base() else { return Ok(()) };
        let definition = &base.columns[column];
        let Some(generated) = definition
            .generated
            .as_ref()
            .filter(|generated| !generated.stored)
        else {
            return Ok(());
        };
        if entry.generated().iter().any(|(known, _)| *known == column) {
            return Ok(());
        }
        // Taken before its own expression is bound: a column that depends on itself is refused by the catalog,
        // and must not recurse here without end.
        self.tables
            .get_mut(table)
            .extras_mut()
            .generated
            .push((column, Rc::new(Scalar::NULL)));
        let typed = self.row_expression(table, &generated.expression, Clause::Generated)?;
        let value = Scalar::ApplyAffinity {
            operand: Box::new(typed.expr),
            affinity: definition.affinity,
        };
        let known = &mut self.tables.get_mut(table).extras_mut().generated;
        if let Some(slot) = known.iter_mut().find(|(known, _)| *known == column) {
            slot.1 = Rc::new(value);
        }
        Ok(())
    }
}
