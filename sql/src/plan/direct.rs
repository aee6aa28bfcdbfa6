//! Statements about one row that is named by its rowid, and rows of values, planned straight from the text's tree.
//!
//! `SELECT a, b FROM t WHERE id = ?`, `UPDATE t SET a = ? WHERE id = ?`, `DELETE FROM t WHERE id = ?` and `INSERT INTO t(a, b) VALUES (?, ?)` are
//! most of what programs send, and there is nothing to decide about them: no scopes, no joins, no order. The way through
//! [`bind`](super::bind), [`optimize`](super::optimize) and [`lower`](super::lower) costs several times what is to be done.
//!
//! - I1. What comes out here is what comes out there, part by part; builds with assertions plan each such statement both ways and compare.
//! - I2. Whatever is not of these forms, or might be an error, is left to the others: nothing is refused here.
//! - I3. Nobody watches: neither an authorizer, nor who renames, nor EXPLAIN. Bodies of triggers go the other way, too.

use ecow::EcoString;
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

use super::bind::{fold, is_rowid_name, negative_literal};
use super::context::{Compiled, CompiledKind, PlanContext};
use super::expr::Expr;
use super::logical::{ColumnNo, ColumnSet};
use super::lower::{key_of_rowid, scan_columns, whole_row_columns};
use super::physical::{
    ColumnOrigin, DatabaseIndex, Node, ResultColumn, ScanColumns, Seek, SeekTerm, TableScan,
};
use super::write::{DeletePlan, InsertPlan, InsertValue, TargetTable, UpdatePlan};
use crate::catalog::Table;
use crate::syntax::ast::{
    self, BinaryOp, ExprKind, Ident, InsertSource, Literal, SelectCore, TableRef, UnaryOp,
};
use crate::value::{Text, Value};

/// The plan of a statement of one of these forms.
pub(super) fn compile(statement: &ast::Statement, context: &PlanContext<'_>) -> Option<Compiled> {
    let watched = context.trigger.is_some() || context.uses.is_some() || context.authorize.is_some();
    if watched || context.settings.explain {
        return None;
    }
    match statement {
        ast::Statement::Select(select) => row_read(select, context),
        ast::Statement::Insert(insert) => rows_inserted(insert, context),
        ast::Statement::Update(update) => row_updated(update, context),
        ast::Statement::Delete(delete) => row_deleted(delete, context),
        _ => None,
    }
}

/// The table that a statement is about.
struct OneTable<'a> {
    database: DatabaseIndex,
    table: &'a Arc<Table>,
    /// What the statement calls it.
    name: &'a str,
}

impl<'a> OneTable<'a> {
    /// The table called `name`, if it is a table of the schema whose rows are what is stored.
    fn find(
        name: &'a ast::ObjectName,
        alias: Option<&'a Ident>,
        context: &PlanContext<'a>,
    ) -> Option<OneTable<'a>> {
        if name.schema.is_some() {
            return None;
        }
        let key = fold(&name.name.text);
        if key.starts_with("sqlite_") {
            return None;
        }
        for database in [1, 0].into_iter().chain(2..context.databases.len()) {
            let schema = context.databases.get(database)?.schema;
            if let Some(table) = schema.tables.get(&*key) {
                return table.holds_plain_rows().then(|| OneTable {
                    database,
                    table,
                    name: &alias.unwrap_or(&name.name).text,
                });
            }
            if schema.views.contains_key(&*key) || schema.virtual_tables.contains_key(&*key) {
                return None;
            }
        }
        None
    }

    /// The column that an expression names, and the name as written.
    fn column<'e>(&self, expr: &'e ast::Expr) -> Option<(usize, &'e EcoString)> {
        let written = self.named(expr)?;
        Some((self.table.find_column(&written.text)?, &written.text))
    }

    /// The name that an expression is, if it can be that of a column of this table.
    fn named<'e>(&self, expr: &'e ast::Expr) -> Option<&'e Ident> {
        match &expr.kind {
            ExprKind::Name(name) if name.quote() != ast::Quote::Single => Some(name),
            ExprKind::Qualified(name) if name.schema.is_none() && name.table.is(self.name) => {
                Some(&name.column)
            }
            _ => None,
        }
    }

    /// As plans speak of a column.
    fn column_no(&self, column: usize) -> ColumnNo {
        match self.table.rowid_alias == Some(column) {
            true => ColumnNo::ROWID,
            false => ColumnNo::at(column),
        }
    }

    /// The search for the row that `selection` names, if that is all it says: `id = ?`.
    fn named_row(&self, selection: Option<&ast::Expr>, context: &PlanContext<'_>) -> Option<Seek> {
        let ExprKind::Binary {
            op: BinaryOp::Eq,
            operands,
        } = &selection?.kind
        else {
            return None;
        };
        let named = self.named(&operands.left)?;
        let is_rowid = match self.table.find_column(&named.text) {
            Some(column) => self.table.rowid_alias == Some(column),
            None => is_rowid_name(&named.text),
        };
        if !is_rowid {
            return None;
        }
        let key = key_of_rowid(value_of(&operands.right, context)?);
        Some(Seek {
            equal: smallvec![SeekTerm::Equal(key)],
            lower: None,
            upper: None,
        })
    }

    fn scan(&self, columns: ScanColumns, seek: Seek) -> Node {
        Node::TableScan(Box::new(TableScan {
            database: self.database,
            table: Arc::clone(self.table),
            columns,
            seek,
            descending: false,
            filter: None,
            estimate: 1.0,
        }))
    }

    /// A column of the result.
    fn shown(&self, column: usize, name: EcoString) -> ResultColumn {
        ResultColumn {
            name,
            origin: Some(ColumnOrigin::Table {
                database: self.database,
                table: Arc::clone(self.table),
                column: Some(column),
            }),
            affinity: Some(self.table.columns[column].affinity),
        }
    }

    /// What a write needs to know of a table without constraints that are expressions.
    fn target(&self) -> Option<TargetTable> {
        self.table.takes_rows_as_they_are().then(|| TargetTable {
            database: self.database,
            table: Arc::clone(self.table),
            checks: Vec::new(),
            defaults: Vec::new(),
            generated: Vec::new(),
            indexes: Vec::new(),
            returning: None,
        })
    }

    fn compiled(&self, kind: CompiledKind, columns: Vec<ResultColumn>) -> Compiled {
        Compiled {
            read_only: matches!(kind, CompiledKind::Query(_)),
            kind,
            columns,
            registers: 0,
            databases: smallvec![self.database],
            explain: Vec::new(),
        }
    }
}

/// What is selected of the row: each column's name and which one it is.
struct Selected {
    columns: Vec<ResultColumn>,
    used: ColumnSet,
    places: SmallVec<[ColumnNo; 8]>,
}

impl Selected {
    fn of(list: &[ast::ResultColumn], of: &OneTable<'_>) -> Option<Selected> {
        let mut selected = Selected {
            columns: Vec::with_capacity(list.len()),
            used: ColumnSet::default(),
            places: SmallVec::new(),
        };
        for result in list {
            match result {
                ast::ResultColumn::Expr { expr, alias, .. } => {
                    let (column, written) = of.column(expr)?;
                    let name = match alias {
                        Some(alias) => &alias.text,
                        None => {
                            Some(written).filter(|written| ***written == *of.table.columns[column].name)?
                        }
                    };
                    selected.push(of, column, name.clone());
                }
                ast::ResultColumn::Star(_) => {
                    for (column, definition) in of.table.columns.iter().enumerate() {
                        selected.push(of, column, EcoString::from(definition.name.as_str()));
                    }
                }
                ast::ResultColumn::TableStar { .. } => return None,
            }
        }
        Some(selected)
    }

    fn push(&mut self, of: &OneTable<'_>, column: usize, name: EcoString) {
        let number = of.column_no(column);
        self.columns.push(of.shown(column, name));
        self.used.insert(number);
        self.places.push(number);
    }

    /// Whether the columns come as they are read.
    fn is_whole(&self) -> bool {
        self.places.len() == self.used.len() && self.places.is_sorted()
    }
}

#[inline(never)]
fn row_read(select: &ast::Select, context: &PlanContext<'_>) -> Option<Compiled> {
    let SelectCore::Query(core) = &select.first else {
        return None;
    };
    let plain_select = select.with.is_none()
        && select.compounds.is_empty()
        && select.order_by.is_empty()
        && select.limit.is_none();
    let plain_core =
        !core.distinct && core.group_by.is_empty() && core.having.is_none() && core.windows.is_empty();
    let from = core.from.as_ref().filter(|from| from.joins.is_empty())?;
    let TableRef::Table {
        name,
        alias,
        indexed: None,
    } = &from.first
    else {
        return None;
    };
    if !plain_select || !plain_core {
        return None;
    }
    let of = OneTable::find(name, alias.as_ref(), context)?;
    let seek = of.named_row(core.selection.as_ref(), context)?;
    let selected = Selected::of(&core.columns, &of)?;
    if selected.columns.len() > context.settings.columns_max {
        return None;
    }
    let scan = of.scan(scan_columns(&selected.used), seek);
    let root = match selected.is_whole() {
        true => scan,
        false => Node::Project {
            input: Box::new(scan),
            expressions: {
                let places = selected.places.iter();
                places
                    .map(|place| selected.used.rank(*place).map(Expr::Column))
                    .collect::<Option<_>>()?
            },
        },
    };
    Some(of.compiled(CompiledKind::Query(root), selected.columns))
}

#[inline(never)]
fn row_deleted(delete: &ast::Delete, context: &PlanContext<'_>) -> Option<Compiled> {
    let plain = delete.with.is_none()
        && delete.indexed.is_none()
        && delete.returning.is_empty()
        && delete.order_by.is_empty()
        && delete.limit.is_none();
    if !plain {
        return None;
    }
    let of = OneTable::find(&delete.table, delete.alias.as_ref(), context)?;
    let seek = of.named_row(delete.selection.as_ref(), context)?;
    let plan = DeletePlan {
        target: of.target()?,
        input: of.scan(whole_row_columns(of.table), seek),
        unconditional: false,
    };
    Some(of.compiled(CompiledKind::Delete(Box::new(plan)), Vec::new()))
}

#[inline(never)]
fn row_updated(update: &ast::Update, context: &PlanContext<'_>) -> Option<Compiled> {
    let plain = update.with.is_none()
        && update.indexed.is_none()
        && update.from.is_none()
        && update.returning.is_empty()
        && update.order_by.is_empty()
        && update.limit.is_none();
    if !plain || update.assignments.len() > context.settings.columns_max {
        return None;
    }
    let of = OneTable::find(&update.table, update.alias.as_ref(), context)?;
    let seek = of.named_row(update.selection.as_ref(), context)?;
    let mut sets: Vec<(usize, Expr)> = Vec::with_capacity(update.assignments.len());
    for assignment in &update.assignments {
        let [name] = assignment.columns.as_slice() else {
            return None;
        };
        let column = of.table.find_column(&name.text)?;
        if assignment.row || sets.iter().any(|(known, _)| *known == column) {
            return None;
        }
        sets.push((column, value_of(&assignment.value, context)?));
    }
    let plan = UpdatePlan {
        target: of.target()?,
        input: of.scan(whole_row_columns(of.table), seek),
        joined: false,
        sets,
        conflict: update.or,
    };
    Some(of.compiled(CompiledKind::Update(Box::new(plan)), Vec::new()))
}

#[inline(never)]
fn rows_inserted(insert: &ast::Insert, context: &PlanContext<'_>) -> Option<Compiled> {
    let plain = insert.with.is_none() && insert.upserts.is_empty() && insert.returning.is_empty();
    let InsertSource::Select(select) = &insert.source else {
        return None;
    };
    let SelectCore::Values(rows) = &select.first else {
        return None;
    };
    let plain_select = select.with.is_none()
        && select.compounds.is_empty()
        && select.order_by.is_empty()
        && select.limit.is_none();
    if !plain || !plain_select {
        return None;
    }
    let of = OneTable::find(&insert.table, insert.alias.as_ref(), context)?;
    let target = of.target()?;
    let (values, width) = places(insert, of.table)?;
    let mut lowered = Vec::with_capacity(rows.len());
    for row in rows {
        if row.len() != width {
            return None;
        }
        let mut values = Vec::with_capacity(width);
        for value in row {
            values.push(value_of(value, context)?);
        }
        lowered.push(values);
    }
    let plan = InsertPlan {
        target,
        source: Node::Values { rows: lowered, width },
        source_reads_target: false,
        values,
        rowid: None,
        conflict: insert.or,
        upserts: Vec::new(),
    };
    Some(of.compiled(CompiledKind::Insert(Box::new(plan)), Vec::new()))
}

/// Which value each column gets, and how many there are.
fn places(insert: &ast::Insert, table: &Table) -> Option<(Vec<InsertValue>, usize)> {
    let count = table.columns.len();
    if insert.columns.is_empty() {
        return Some(((0..count).map(InsertValue::Source).collect(), count));
    }
    let mut sources: SmallVec<[Option<usize>; 16]> = smallvec![None; count];
    for (source, name) in insert.columns.iter().enumerate() {
        let column = table.find_column(&name.text)?;
        if sources[column].replace(source).is_some() {
            return None;
        }
    }
    let value = |(column, source): (usize, &Option<usize>)| match source {
        Some(source) => Some(InsertValue::Source(*source)),
        None => table.columns[column]
            .default
            .is_none()
            .then_some(InsertValue::Null),
    };
    let values = sources.iter().enumerate().map(value).collect::<Option<_>>()?;
    Some((values, insert.columns.len()))
}

/// A parameter, or a constant that is no longer than allowed.
fn value_of(expr: &ast::Expr, context: &PlanContext<'_>) -> Option<Expr> {
    let value = match &expr.kind {
        ExprKind::Parameter(number) => return Some(Expr::Parameter(number.saturating_sub(1) as usize)),
        ExprKind::Literal(Literal::Integer(value)) => Value::Integer(*value),
        ExprKind::Literal(Literal::Null) => Value::Null,
        ExprKind::Literal(Literal::String(bytes)) if bytes.len() <= context.settings.length_max => {
            Value::Text(Text::from_bytes(bytes.to_vec()))
        }
        ExprKind::Unary {
            op: UnaryOp::Negate,
            operand,
        } => match &operand.kind {
            ExprKind::Literal(literal) => negative_literal(literal, operand.span).ok()??,
            _ => return None,
        },
        _ => return None,
    };
    Some(Expr::Literal(value))
}
