//! From AST to plan: names are bound, types' consequences decided, access paths and join orders chosen.
//!
//! ```text
//!   ast -> bind (names, affinity, collation) -> optimize (push-down, join order, access paths) -> physical plan
//! ```
//!
//! Compiling is short: what it touches should stay in a core's first cache, and half of that is stack. So functions for what few statements
//! have (views, table functions, unions of indexes, hash joins, virtual tables) are kept out of line, here and in the parser: inlined, they
//! would add their frames to those that every query goes through. That is what `#[inline(never)]` says there.

// Inside the private modules `pub` means "for the planner"; the border is here.
pub mod authorize;
#[allow(unreachable_pub)]
mod bind;
mod context;
mod direct;
pub mod expr;
#[allow(unreachable_pub)]
mod join;
mod lifted;
#[allow(unreachable_pub)]
mod logical;
#[allow(unreachable_pub)]
mod lower;
#[allow(unreachable_pub)]
mod optimize;
pub mod physical;
mod uses;
pub mod write;

pub use context::{
    Compiled, CompiledKind, ExplainLine, FindCollation, NoVirtualTables, PlanContext, SchemaView, Settings,
    TriggerRows, VirtualTables,
};
pub use lifted::{Constant, Lifted};
pub use physical::{ColumnOrigin, Node, Plan, ResultColumn};
pub use uses::{Named, Uses};

use std::sync::Arc;

use crate::catalog::{Table, View};
use crate::error::{Error, Result};
use crate::syntax::ast;
use bind::{Binder, Clause};
use expr::Expr;
use lower::{IndexKeys, Lowerer, TargetExpressions, result_columns};
use physical::DatabaseIndex;
use write::TargetTable;

/// Compiles a SELECT, INSERT, UPDATE or DELETE.
pub fn compile(statement: &ast::Statement, context: &PlanContext<'_>) -> Result<Compiled> {
    if let Some(compiled) = direct::compile(statement, context) {
        debug_assert!(is_as_in_full(statement, context));
        return Ok(compiled);
    }
    compile_in_full(statement, context)
}

/// Whether a statement that has a direct plan has the same one in full, with its constants where they stand.
fn is_as_in_full(statement: &ast::Statement, context: &PlanContext<'_>) -> bool {
    let context = PlanContext {
        lifted: None,
        ..*context
    };
    let full = compile_in_full(statement, &context).ok();
    let [direct, full] = [direct::compile(statement, &context), full].map(|plan| format!("{plan:?}"));
    assert_eq!(direct, full);
    true
}

fn compile_in_full(statement: &ast::Statement, context: &PlanContext<'_>) -> Result<Compiled> {
    match statement {
        ast::Statement::Select(select) => compile_select(context, select),
        ast::Statement::Insert(insert) => compile_insert(context, insert),
        ast::Statement::Update(update) => compile_update(context, update),
        ast::Statement::Delete(delete) => compile_delete(context, delete),
        _ => Err(Error::misuse("a statement without a plan")),
    }
}

#[inline(never)]
fn compile_select<'a>(context: &'a PlanContext<'a>, select: &'a ast::Select) -> Result<Compiled> {
    let mut binder = Binder::new(context);
    let mut query = binder.select_statement(select)?;
    if !binder.context.settings.unoptimized {
        optimize::optimize(&mut query);
    }
    let databases = std::mem::take(&mut binder.databases);
    let mut lowerer = Lowerer::new(binder);
    let plan = lowerer.select(&mut query)?;
    Ok(lowerer.finish(CompiledKind::Query(plan.root), plan.columns, databases))
}

#[inline(never)]
fn compile_update<'a>(context: &'a PlanContext<'a>, update: &'a ast::Update) -> Result<Compiled> {
    let mut binder = Binder::new(context);
    let mut bound = binder.update(update)?;
    bound.optimize();
    let expressions = TargetExpressions::bind(&mut binder, bound.rows.target.row, IndexKeys::Computed)?;
    let columns = returned(&bound.rows.target);
    let databases = std::mem::take(&mut binder.databases);
    let mut lowerer = Lowerer::new(binder);
    let plan = lowerer.update(&bound, &expressions, update.or)?;
    Ok(lowerer.finish(CompiledKind::Update(Box::new(plan)), columns, databases))
}

#[inline(never)]
fn compile_delete<'a>(context: &'a PlanContext<'a>, delete: &'a ast::Delete) -> Result<Compiled> {
    let mut binder = Binder::new(context);
    let mut bound = binder.delete(delete)?;
    let row_by_row = binder.does_nothing();
    bound.optimize(&mut []);
    let expressions = TargetExpressions::bind(&mut binder, bound.target.row, IndexKeys::Computed)?;
    let columns = returned(&bound.target);
    let databases = std::mem::take(&mut binder.databases);
    let mut lowerer = Lowerer::new(binder);
    let mut plan = lowerer.delete(&bound, &expressions)?;
    // A DELETE that an authorizer ignores is done all the same.
    plan.unconditional &= !row_by_row;
    Ok(lowerer.finish(CompiledKind::Delete(Box::new(plan)), columns, databases))
}

#[inline(never)]
fn compile_insert<'a>(context: &'a PlanContext<'a>, insert: &'a ast::Insert) -> Result<Compiled> {
    let mut binder = Binder::new(context);
    let mut bound = binder.insert(insert)?;
    let nothing = binder.does_nothing();
    if let Some(source) = &mut bound.source {
        optimize::optimize(source);
    }
    let expressions = TargetExpressions::bind(&mut binder, bound.target.row, IndexKeys::Computed)?;
    let columns = returned(&bound.target);
    let databases = std::mem::take(&mut binder.databases);
    let mut lowerer = Lowerer::new(binder);
    let plan = lowerer.insert(&bound, &expressions, insert.or)?;
    let kind = match nothing {
        true => CompiledKind::Query(Node::Values {
            rows: Vec::new(),
            width: columns.len(),
        }),
        false => CompiledKind::Insert(Box::new(plan)),
    };
    Ok(lowerer.finish(kind, columns, databases))
}

fn returned(target: &bind::Target) -> Vec<ResultColumn> {
    target
        .returning
        .as_ref()
        .map(|(_, columns)| result_columns(columns))
        .unwrap_or_default()
}

/// The places of a schema where expressions over one table's row stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableExpression {
    /// CHECK.
    Check,
    /// GENERATED ALWAYS AS.
    Generated,
    /// A column of an index.
    IndexColumn,
    /// WHERE of a partial index.
    IndexFilter,
    /// DEFAULT, which sees no column.
    Default,
}

/// Binds an expression of the schema over the table row layout (see [`mod@write`]).
///
/// Fails where SQLite refuses the expression in that place: unknown columns, subqueries, parameters, functions that change
/// from call to call.
pub fn bind_table_expression(
    expression: &ast::Expr,
    database: DatabaseIndex,
    table: &Arc<Table>,
    place: TableExpression,
    context: &PlanContext<'_>,
) -> Result<Expr> {
    let clause = match place {
        TableExpression::Check => Clause::Check,
        TableExpression::Generated => Clause::Generated,
        TableExpression::IndexColumn => Clause::IndexExpression,
        TableExpression::IndexFilter => Clause::IndexFilter,
        TableExpression::Default => Clause::Default,
    };
    lower::table_expression(Binder::new(context), database, table, expression, clause)
}

/// Whether a view's query can be bound.
///
/// # Errors
/// What is wrong with it.
pub fn check_view(database: DatabaseIndex, view: &View, context: &PlanContext<'_>) -> Result<()> {
    view_table(database, view, context).map(|_| ())
}

/// The row of a view in the shape of a table's.
///
/// # Errors
/// What is wrong with the view.
pub fn view_table(database: DatabaseIndex, view: &View, context: &PlanContext<'_>) -> Result<Table> {
    bind::view_table(Binder::new(context), database, view)
}

/// What it takes to keep a table and its indexes right, without a statement that writes it.
pub fn target_table(
    database: DatabaseIndex,
    table: &Arc<Table>,
    context: &PlanContext<'_>,
) -> Result<TargetTable> {
    lower::target_table(Binder::new(context), database, table)
}

#[cfg(test)]
mod tests;
