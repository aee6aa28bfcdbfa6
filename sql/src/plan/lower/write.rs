//! INSERT, UPDATE and DELETE.

use std::sync::Arc;

use super::order::Tail;
use super::{Columns, Layout, Lowerer, result_columns};
use crate::catalog::{Column, Index, IndexSource, Table};
use crate::error::{Error, Result};
use crate::plan::bind::{Binder, BoundInsert, BoundUpdate, BoundUpsert, Clause, RowChange, Target};
use crate::plan::expr::Expr;
use crate::plan::logical::{Body, ColumnNo, ColumnRef, ColumnSet, Scalar, SourceKind, TableId};
use crate::plan::physical::{CteId, DatabaseIndex, Node, ScanColumn, ScanColumns};
use crate::plan::write::{
    DeletePlan, IndexMaintenance, InsertPlan, InsertValue, Returning, TargetTable, UpdatePlan, Upsert,
    UpsertUpdate,
};
use crate::syntax::ast::ConflictAction;

/// The schema expressions of a target, bound over its row. A view has none.
#[derive(Default)]
pub(in crate::plan) struct TargetExpressions {
    checks: Vec<(String, Scalar)>,
    defaults: Vec<(usize, Scalar)>,
    generated: Vec<(usize, Scalar)>,
    indexes: Vec<(Vec<Scalar>, Option<Scalar>)>,
}

/// Which keys of indexes are bound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::plan) enum IndexKeys {
    /// All.
    All,
    /// Those of a table that has an index with an expression or a filter; else nothing is to be computed.
    Computed,
}

impl TargetExpressions {
    /// Binds what the table's row has to be checked against, and what is computed from it.
    pub fn bind(binder: &mut Binder<'_>, row: TableId, keys: IndexKeys) -> Result<TargetExpressions> {
        let Some(table) = binder.tables.get(row).base() else {
            return Ok(TargetExpressions::default());
        };
        let mut checks = Vec::with_capacity(table.checks.len());
        for check in &table.checks {
            let label = check.name.clone().unwrap_or_else(|| check.text.clone());
            checks.push((
                label,
                binder.row_expression(row, &check.expression, Clause::Check)?.expr,
            ));
        }
        let mut generated = Vec::new();
        let mut defaults = Vec::new();
        for (column, definition) in table.columns.iter().enumerate() {
            if let (Some(default), Some(_)) = (&definition.default, &definition.not_null) {
                defaults.push((column, binder.row_expression(row, default, Clause::Default)?.expr));
            }
            if let Some(own) = &definition.generated {
                let typed = binder.row_expression(row, &own.expression, Clause::Generated)?;
                let value = Scalar::ApplyAffinity {
                    operand: Box::new(typed.expr),
                    affinity: definition.affinity,
                };
                generated.push((column, value));
            }
        }
        let bound: &[Arc<Index>] = match keys {
            IndexKeys::Computed if !table.indexes.iter().any(|index| index.is_computed()) => &[],
            _ => &table.indexes,
        };
        let mut indexes = Vec::with_capacity(bound.len());
        for index in bound {
            let mut key = Vec::with_capacity(index.columns.len());
            for column in &index.columns {
                key.push(match &column.source {
                    IndexSource::Column(number) if table.rowid_alias == Some(*number) => Scalar::rowid(row),
                    IndexSource::Column(number) => Scalar::column(row, *number),
                    IndexSource::Rowid => Scalar::rowid(row),
                    IndexSource::Expression(expression) => {
                        binder
                            .row_expression(row, expression, Clause::IndexExpression)?
                            .expr
                    }
                });
            }
            let filter = index.filter.as_ref();
            let filter = filter
                .map(|filter| {
                    binder
                        .row_expression(row, filter, Clause::IndexFilter)
                        .map(|typed| typed.expr)
                })
                .transpose()?;
            indexes.push((key, filter));
        }
        Ok(TargetExpressions {
            checks,
            defaults,
            generated: in_dependency_order(generated, row),
            indexes,
        })
    }
}

/// Orders generated columns so that each comes after those that it is computed from.
fn in_dependency_order(mut waiting: Vec<(usize, Scalar)>, row: TableId) -> Vec<(usize, Scalar)> {
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let pending: ColumnSet = {
            let mut set = ColumnSet::default();
            waiting
                .iter()
                .for_each(|(column, _)| set.insert(ColumnNo::at(*column)));
            set
        };
        let is_ready = |(own, value): &(usize, Scalar)| {
            let mut ready = true;
            value.each_column(&mut |column| {
                let itself = column.column.index() == Some(*own);
                ready &= column.table != row || itself || !pending.contains(column.column);
            });
            ready
        };
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_ready);
        if ready.is_empty() {
            // A cycle; the catalog refuses such a table, so any order will do.
            ordered.extend(rest);
            return ordered;
        }
        ordered.extend(ready);
        waiting = rest;
    }
    ordered
}

impl<'a> Lowerer<'a> {
    /// The layout of a table's row: its columns, then its rowid.
    fn row_layout(table: &Table, row: TableId) -> Layout {
        Layout::of(row, Columns::Row(table.columns.len()))
    }

    /// What the executor keeps a table right by.
    pub fn target(&mut self, target: &Target, expressions: &TargetExpressions) -> Result<TargetTable> {
        let layout = Self::row_layout(&target.table, target.row);
        let mut lowered = self.target_of(target.database, &target.table, expressions, &layout)?;
        if let Some((returned, columns)) = &target.returning {
            returned.iter().for_each(|scalar| self.mark(scalar));
            lowered.returning = Some(Returning {
                expressions: self.scalars(returned, &layout)?,
                columns: result_columns(columns),
            });
        }
        Ok(lowered)
    }

    fn target_of(
        &mut self,
        database: DatabaseIndex,
        table: &Arc<Table>,
        expressions: &TargetExpressions,
        layout: &Layout,
    ) -> Result<TargetTable> {
        let mut checks = Vec::with_capacity(expressions.checks.len());
        for (label, check) in &expressions.checks {
            checks.push((label.clone(), self.scalar(check, layout)?));
        }
        let mut generated = Vec::with_capacity(expressions.generated.len());
        for (column, value) in &expressions.generated {
            generated.push((*column, self.scalar(value, layout)?));
        }
        let defaults = self.sets(&expressions.defaults, layout)?;
        let mut indexes = Vec::with_capacity(expressions.indexes.len());
        for (key, filter) in &expressions.indexes {
            let key = self.scalars(key, layout)?;
            let filter = filter
                .as_ref()
                .map(|filter| self.scalar(filter, layout))
                .transpose()?;
            indexes.push(IndexMaintenance { key, filter });
        }
        let table = Arc::clone(table);
        Ok(TargetTable {
            database,
            table,
            checks,
            defaults,
            generated,
            indexes,
            returning: None,
        })
    }

    /// The plan of an INSERT.
    pub fn insert(
        &mut self,
        bound: &BoundInsert,
        expressions: &TargetExpressions,
        conflict: Option<ConflictAction>,
    ) -> Result<InsertPlan> {
        let tables = self.common_tables(&bound.common)?;
        let source = match &bound.source {
            Some(query) => self.query(query, None)?,
            None => Node::Values {
                rows: vec![Vec::new()],
                width: 0,
            },
        };
        let source = in_front_of(tables, source);
        let target = self.target(&bound.target, expressions)?;
        let mut values = Vec::with_capacity(bound.columns.len());
        for (source, default) in bound.columns.iter().zip(&bound.defaults) {
            values.push(match (source, default) {
                (Some(source), _) => InsertValue::Source(*source),
                (None, Some(default)) => InsertValue::Default(self.scalar(default, &Layout::empty())?),
                (None, None) => InsertValue::Null,
            });
        }
        let mut layout = Self::row_layout(&bound.target.table, bound.target.row);
        layout.append(Self::row_layout(&bound.target.table, bound.excluded));
        let upserts = bound
            .upserts
            .iter()
            .map(|upsert| self.upsert(upsert, &layout))
            .collect::<Result<_>>()?;
        Ok(InsertPlan {
            target,
            source,
            source_reads_target: self.reads_target(bound),
            values,
            rowid: bound.rowid,
            conflict,
            upserts,
        })
    }

    /// Whether the rows to insert come, perhaps, from the table that they go into.
    fn reads_target(&self, bound: &BoundInsert) -> bool {
        let queries = bound
            .source
            .iter()
            .chain(bound.common.iter().map(|common| &common.query));
        let mut reads = false;
        for query in queries {
            query.each_source(&mut |source| {
                reads |= match &source.kind {
                    SourceKind::Table { table, .. } => {
                        bound.target.table.is_view || Arc::ptr_eq(table, &bound.target.table)
                    }
                    SourceKind::Virtual { .. } => true,
                    _ => false,
                };
            });
        }
        reads
    }

    fn upsert(&mut self, upsert: &BoundUpsert, layout: &Layout) -> Result<Upsert> {
        let update = match &upsert.update {
            None => None,
            Some((sets, filter)) => Some(UpsertUpdate {
                sets: self.sets(sets, layout)?,
                filter: self.conjunction(filter, layout)?,
            }),
        };
        Ok(Upsert {
            target: upsert.target,
            update,
        })
    }

    fn sets(&mut self, sets: &[(usize, Scalar)], layout: &Layout) -> Result<Vec<(usize, Expr)>> {
        sets.iter()
            .map(|(column, value)| Ok((*column, self.scalar(value, layout)?)))
            .collect()
    }

    /// The plan of an UPDATE.
    pub fn update(
        &mut self,
        bound: &BoundUpdate,
        expressions: &TargetExpressions,
        conflict: Option<ConflictAction>,
    ) -> Result<UpdatePlan> {
        let values: Vec<&Scalar> = bound.sets.iter().map(|(_, value)| value).collect();
        let (input, layout) = self.changed_rows(&bound.rows, &values)?;
        let sets = self.sets(&bound.sets, &layout)?;
        let target = self.target(&bound.rows.target, expressions)?;
        Ok(UpdatePlan {
            target,
            input,
            joined: bound.joined,
            sets,
            conflict,
        })
    }

    /// The plan of a DELETE.
    pub fn delete(&mut self, bound: &RowChange, expressions: &TargetExpressions) -> Result<DeletePlan> {
        let (input, _) = self.changed_rows(bound, &[])?;
        let target = self.target(&bound.target, expressions)?;
        let unconditional = match &bound.query.body {
            Body::Block(block) => {
                block.filter.is_empty() && block.semis.is_empty() && bound.query.limit.is_none()
            }
            _ => false,
        };
        Ok(DeletePlan {
            target,
            input,
            unconditional,
        })
    }

    /// The rows that a statement is about: the whole table row, then columns of other tables that `values` read.
    fn changed_rows(&mut self, rows: &RowChange, values: &[&Scalar]) -> Result<(Node, Layout)> {
        let Body::Block(block) = &rows.query.body else {
            return Err(Error::misuse("rows to change come from a block"));
        };
        let tables = self.common_tables(&rows.query.common)?;
        let (row, table) = (rows.target.row, &rows.target.table);
        let whole = match table.is_view {
            true => rows.view_row.iter().cloned().chain([Scalar::NULL]).collect(),
            false => whole_row(table, row),
        };
        let extra: Vec<&Scalar> = whole.iter().chain(values.iter().copied()).collect();
        let (mut tail, mut inner) = (Tail::of(&rows.query), Layout::empty());
        let node = self.block_rows(block, &mut tail, &extra, &mut inner)?;
        let mut layout = Self::row_layout(table, row);
        let alone = inner.tables().eq([row]) && tail.is_empty();
        let node = match node {
            // The scan puts the row out as it is wanted.
            Node::TableScan(mut scan) if alone && scan.filter.is_none() && !has_virtual(table) => {
                scan.columns = whole_row_columns(table);
                return Ok((in_front_of(tables, Node::TableScan(scan)), layout));
            }
            node => node,
        };
        let mut projection = whole;
        for other in inner.tables().filter(|other| *other != row) {
            let set = columns_read(values, other);
            projection.extend(
                set.iter()
                    .map(|column| Scalar::Column(ColumnRef { table: other, column })),
            );
            layout.push(other, Columns::Set(set));
        }
        let node = self.output(node, &inner, &projection, None, &tail, None)?;
        Ok((in_front_of(tables, node), layout))
    }
}

/// A node, and the common tables that are read in it.
fn in_front_of(tables: Vec<(CteId, Node)>, node: Node) -> Node {
    match tables.is_empty() {
        true => node,
        false => Node::With {
            tables,
            input: Box::new(node),
        },
    }
}

/// What a scan of a rowid table without virtual columns puts out to have its whole row.
pub(in crate::plan) fn whole_row_columns(table: &Table) -> ScanColumns {
    let mut columns = ScanColumns::with_capacity(table.columns.len() + 1);
    for column in 0..table.columns.len() {
        columns.push(match table.rowid_alias == Some(column) {
            true => ScanColumn::Rowid,
            false => ScanColumn::Table(column),
        });
    }
    columns.push(ScanColumn::Rowid);
    columns
}

fn has_virtual(table: &Table) -> bool {
    table.without_rowid.is_some() || table.columns.iter().any(is_virtual)
}

/// Every column of a table's row, and its rowid.
fn whole_row(table: &Table, row: TableId) -> Vec<Scalar> {
    let column = |index: usize| match table.rowid_alias {
        Some(alias) if alias == index => Scalar::rowid(row),
        // No scan can read a virtual column; who runs the statement computes it.
        _ if is_virtual(&table.columns[index]) => Scalar::NULL,
        _ => Scalar::column(row, index),
    };
    let rowid = if table.has_rowid() {
        Scalar::rowid(row)
    } else {
        Scalar::NULL
    };
    (0..table.columns.len()).map(column).chain([rowid]).collect()
}

fn is_virtual(column: &Column) -> bool {
    column
        .generated
        .as_ref()
        .is_some_and(|generated| !generated.stored)
}

/// The columns of a table that some expressions read.
fn columns_read(values: &[&Scalar], table: TableId) -> ColumnSet {
    let mut set = ColumnSet::default();
    for value in values {
        value.each_column(&mut |column| {
            if column.table == table {
                set.insert(column.column);
            }
        });
    }
    set
}

/// The target of a statement that writes a table, for those who write without a statement (foreign keys, bulk loads).
pub(in crate::plan) fn target_table<'a>(
    mut binder: Binder<'a>,
    database: DatabaseIndex,
    table: &'a Arc<Table>,
) -> Result<TargetTable> {
    let row = binder.row_table(database, table);
    let expressions = TargetExpressions::bind(&mut binder, row, IndexKeys::All)?;
    let mut lowerer = Lowerer::new(binder);
    let layout = Lowerer::row_layout(table, row);
    lowerer.target_of(database, table, &expressions, &layout)
}

/// One schema expression over the table row layout.
pub(in crate::plan) fn table_expression<'a>(
    mut binder: Binder<'a>,
    database: DatabaseIndex,
    table: &'a Arc<Table>,
    expression: &'a crate::syntax::ast::Expr,
    clause: Clause,
) -> Result<Expr> {
    let row = binder.row_table(database, table);
    let typed = binder.own_row_expression(row, expression, clause)?;
    Lowerer::new(binder).scalar(&typed.expr, &Lowerer::row_layout(table, row))
}
