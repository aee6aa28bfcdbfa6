//! Statements about one row that is named by its rowid, and rows of values, planned straight from the text's tree.
//!
//! `SELECT a, b FROM t WHERE id = ?`, `UPDATE t SET a = ? WHERE id = ?`, `DELETE FROM t WHERE id = ?` and `INSERT INTO t(a, b) VALUES (?, ?)` are
//! most of what programs send (some ask more of the row: `AND version = ?`), and there is nothing to decide about them: no scopes, no joins, no order. The way through
//! [`bind`](super::bind), [`optimize`](super::optimize) and [`lower`](super::lower) costs several times what is to be done.
//!
//! - I1. What comes out here is what comes out there, part by part; builds with assertions plan each such statement both ways and compare.
//! - I2. Whatever is not of these forms, or might be an error, is left to the others: nothing is refused here.
//! - I3. Constants are lifted where that is asked for ([`lifted`](super::lifted)); a plan is then as it would be with parameters in their place.
//! - I4. Nobody watches: neither an authorizer, nor who renames, nor EXPLAIN. Bodies of triggers go the other way, too.

use ecow::EcoString;
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

use super::bind::{compare_affinity, fold, is_rowid_name, negative_literal};
use super::context::{Compiled, CompiledKind, PlanContext};
use super::expr::{CompareOp, CompareRule, Expr};
use super::lifted::Constant;
use super::logical::{ColumnNo, ColumnSet};
use super::lower::{key_of_rowid, scan_columns, whole_row_columns};
use super::physical::{
    ColumnOrigin, DatabaseIndex, Node, ResultColumn, ScanColumns, Seek, SeekTerm, TableScan,
};
use super::write::{DeletePlan, InsertPlan, InsertValue, TargetTable, UpdatePlan};
use crate::catalog::{Column, Table};
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
    if let Some(lifted) = context.lifted {
        lifted.forget();
    }
    let compiled = match statement {
        ast::Statement::Select(select) => row_read(select, context),
        ast::Statement::Insert(insert) => rows_inserted(insert, context),
        ast::Statement::Update(update) => row_updated(update, context),
        ast::Statement::Delete(delete) => row_deleted(delete, context),
        _ => None,
    };
    if let (None, Some(lifted)) = (&compiled, context.lifted) {
        lifted.forget();
    }
    compiled
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

    /// The row that `selection` names: `id = ?`, and perhaps comparisons of other columns.
    fn named_row(&self, selection: Option<&ast::Expr>, context: &PlanContext<'_>) -> Option<Named> {
        let mut named = Named {
            key: None,
            terms: Vec::new(),
        };
        self.add_terms(selection?, context, &mut named, TERMS_MAX)?;
        named.key.is_some().then_some(named)
    }

    /// Adds the terms of a conjunction; `None` where one is of another form, or there are more than `most` in each other.
    fn add_terms(
        &self,
        selection: &ast::Expr,
        context: &PlanContext<'_>,
        named: &mut Named,
        most: usize,
    ) -> Option<()> {
        let ExprKind::Binary { op, operands } = &selection.kind else {
            return None;
        };
        if *op == BinaryOp::And {
            let most = most.checked_sub(1)?;
            self.add_terms(&operands.left, context, named, most)?;
            return self.add_terms(&operands.right, context, named, most);
        }
        let column = self.named(&operands.left)?;
        let found = self.table.find_column(&column.text);
        let is_rowid = match found {
            Some(column) => self.table.rowid_alias == Some(column),
            None => is_rowid_name(&column.text),
        };
        let value = value_of(&operands.right, context)?;
        if is_rowid {
            let known = named.key.replace(key_of_rowid(value));
            return (*op == BinaryOp::Eq && known.is_none()).then_some(());
        }
        let null = matches!(value, Expr::Literal(Value::Null));
        named.terms.push(Term {
            column: found.filter(|_| !null)?,
            op: comparison(*op)?,
            value,
        });
        Some(())
    }

    /// The row with the columns in `used`, if it passes.
    fn scan_of(&self, named: Named, used: &ColumnSet) -> Option<Node> {
        let filter = match named.terms.is_empty() {
            true => None,
            false => Some(self.filter(named.terms, used)?),
        };
        self.scan(scan_columns(used), named.key?, filter)
    }

    /// What must hold of the row, over the columns in `used`.
    #[inline(never)]
    fn filter(&self, terms: Vec<Term>, used: &ColumnSet) -> Option<Expr> {
        let mut lowered = Vec::with_capacity(terms.len());
        for term in terms {
            lowered.push(term.over(self, used)?);
        }
        match lowered.len() {
            1 => lowered.pop(),
            _ => Some(Expr::And(lowered)),
        }
    }

    /// The row in table row layout, for a statement that changes it.
    fn whole_row(&self, named: Named) -> Option<Node> {
        match named.terms.is_empty() {
            true => self.scan(whole_row_columns(self.table), named.key?, None),
            false => self.tested_row(named),
        }
    }

    #[inline(never)]
    fn tested_row(&self, named: Named) -> Option<Node> {
        let mut used = ColumnSet::default();
        let mut places: SmallVec<[ColumnNo; 16]> = SmallVec::new();
        for column in 0..self.table.columns.len() {
            places.push(self.column_no(column));
        }
        places.push(ColumnNo::ROWID);
        places.iter().for_each(|place| used.insert(*place));
        let scan = self.scan_of(named, &used)?;
        projected(scan, &places, &used)
    }

    fn scan(&self, columns: ScanColumns, key: Expr, filter: Option<Expr>) -> Option<Node> {
        Some(Node::TableScan(Box::new(TableScan {
            database: self.database,
            table: Arc::clone(self.table),
            columns,
            seek: Seek {
                equal: smallvec![SeekTerm::Equal(key)],
                lower: None,
                upper: None,
            },
            descending: false,
            filter,
            estimate: 1.0,
        })))
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

/// A row that is named by its rowid.
struct Named {
    key: Option<Expr>,
    /// What else must hold of it.
    terms: Vec<Term>,
}

/// As many comparisons may be joined by AND.
const TERMS_MAX: usize = 16;

/// A comparison of a column with a value.
struct Term {
    column: usize,
    op: CompareOp,
    value: Expr,
}

impl Term {
    /// The comparison over a row with the columns in `used`.
    fn over(self, of: &OneTable<'_>, used: &ColumnSet) -> Option<Expr> {
        let column = of.table.columns.get(self.column)?;
        let affinity = compare_affinity(Some(column.affinity), None);
        let rule = CompareRule {
            left: affinity,
            right: affinity,
            collation: column.collation.clone(),
        };
        let place = used.rank(of.column_no(self.column))?;
        Some(Expr::compare(self.op, Expr::Column(place), self.value, rule))
    }
}

fn comparison(op: BinaryOp) -> Option<CompareOp> {
    Some(match op {
        BinaryOp::Eq => CompareOp::Eq,
        BinaryOp::Ne => CompareOp::Ne,
        BinaryOp::Lt => CompareOp::Lt,
        BinaryOp::Le => CompareOp::Le,
        BinaryOp::Gt => CompareOp::Gt,
        BinaryOp::Ge => CompareOp::Ge,
        _ => return None,
    })
}

/// The columns `places` of rows with the columns in `used`.
fn projected(input: Node, places: &[ColumnNo], used: &ColumnSet) -> Option<Node> {
    let as_read = |(at, place): (usize, &ColumnNo)| used.rank(*place) == Some(at);
    if places.len() == used.len() && places.iter().enumerate().all(as_read) {
        return Some(input);
    }
    let mut expressions = Vec::with_capacity(places.len());
    for place in places {
        expressions.push(Expr::Column(used.rank(*place)?));
    }
    Some(Node::Project {
        input: Box::new(input),
        expressions,
    })
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
    let named = of.named_row(core.selection.as_ref(), context)?;
    let mut selected = Selected::of(&core.columns, &of)?;
    if selected.columns.len() > context.settings.columns_max {
        return None;
    }
    for term in &named.terms {
        selected.used.insert(of.column_no(term.column));
    }
    let scan = of.scan_of(named, &selected.used)?;
    let root = projected(scan, &selected.places, &selected.used)?;
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
    let named = of.named_row(delete.selection.as_ref(), context)?;
    let plan = DeletePlan {
        target: of.target()?,
        input: of.whole_row(named)?,
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
    let named = of.named_row(update.selection.as_ref(), context)?;
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
        input: of.whole_row(named)?,
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
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        values.push(InsertValue::Null);
    }
    for (source, name) in insert.columns.iter().enumerate() {
        let value = values.get_mut(table.find_column(&name.text)?)?;
        if !matches!(value, InsertValue::Null) {
            return None;
        }
        *value = InsertValue::Source(source);
    }
    // As no column is named twice, fewer names than columns leave some out.
    let left_out = |(value, column): (&InsertValue, &Column)| {
        matches!(value, InsertValue::Null) && column.default.is_some()
    };
    if insert.columns.len() < count && values.iter().zip(&table.columns).any(left_out) {
        return None;
    }
    Some((values, insert.columns.len()))
}

/// A parameter, or a constant that is no longer than allowed.
fn value_of(expr: &ast::Expr, context: &PlanContext<'_>) -> Option<Expr> {
    let (mut span, mut negated) = (expr.span, false);
    let value = match &expr.kind {
        ExprKind::Parameter(number) => return Some(Expr::Parameter(number.saturating_sub(1) as usize)),
        ExprKind::Literal(Literal::Null) => return Some(Expr::Literal(Value::Null)),
        ExprKind::Literal(Literal::Integer(value)) => Value::Integer(*value),
        ExprKind::Literal(Literal::String(bytes)) if bytes.len() <= context.settings.length_max => {
            Value::Text(Text::from_bytes(bytes.to_vec()))
        }
        ExprKind::Unary {
            op: UnaryOp::Negate,
            operand,
        } => match &operand.kind {
            ExprKind::Literal(literal) => {
                (span, negated) = (operand.span, true);
                negative_literal(literal, operand.span).ok()??
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(match context.lifted {
        Some(lifted) => lifted.lift(Constant { span, negated, value }),
        None => Expr::Literal(value),
    })
}
