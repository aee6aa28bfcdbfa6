//! INSERT, UPDATE and DELETE: targets, columns, assignments, ON CONFLICT, RETURNING.

use ecow::EcoString;
use std::sync::Arc;

use super::Binder;
use super::expression::is_row;
use super::name::is_rowid_name;
use super::order::ordinal;
use super::scope::{Clause, Scope, ScopeSource};
use super::typed::Typed;
use super::writable::{Writable, WritableKind};
use crate::catalog::{Index, IndexSource, Table};
use crate::error::{Error, Result};
use crate::plan::authorize::AuthAction;
use crate::plan::logical::{
    Block, Body, ColumnNo, CommonTable, From, JoinItem, OutputColumn, Query, Scalar, TableId,
};
use crate::plan::optimize::optimize;
use crate::plan::physical::DatabaseIndex;
use crate::plan::write::UpsertTarget;
use crate::syntax::ast::{self, ExprKind, Ident, ObjectName};

/// The table that a statement writes.
pub(in crate::plan) struct Target {
    /// Its database.
    pub database: DatabaseIndex,
    /// The table; for a view, what stands for it.
    pub table: Arc<Table>,
    /// Its row, as expressions refer to it.
    pub row: TableId,
    /// RETURNING.
    pub returning: Option<(Vec<Scalar>, Vec<OutputColumn>)>,
}

/// An INSERT, bound.
pub(in crate::plan) struct BoundInsert {
    pub target: Target,
    /// The rows; `None` for DEFAULT VALUES.
    pub source: Option<Query>,
    /// The WITH in front.
    pub common: Vec<CommonTable>,
    /// Which column of the source each table column gets.
    pub columns: Vec<Option<usize>>,
    /// The source column for the rowid.
    pub rowid: Option<usize>,
    /// The defaults of columns that get none.
    pub defaults: Vec<Option<Scalar>>,
    pub upserts: Vec<BoundUpsert>,
    /// The row that was to be inserted, as ON CONFLICT expressions refer to it.
    pub excluded: TableId,
}

/// SET and WHERE of DO UPDATE.
pub(in crate::plan) type BoundUpsertUpdate = (Vec<(usize, Scalar)>, Vec<Scalar>);

/// An ON CONFLICT clause, bound.
pub(in crate::plan) struct BoundUpsert {
    pub target: Option<UpsertTarget>,
    /// SET and WHERE; `None`: DO NOTHING.
    pub update: Option<BoundUpsertUpdate>,
}

/// The rows that an UPDATE or DELETE is about: the target's row, what else the query puts out, and its order.
pub(in crate::plan) struct RowChange {
    pub target: Target,
    /// Puts out nothing yet; its projection is decided when it is planned.
    pub query: Query,
    /// The columns of a view's row; empty for a table.
    pub view_row: Vec<Scalar>,
}

/// An UPDATE, bound.
pub(in crate::plan) struct BoundUpdate {
    pub rows: RowChange,
    /// Column (or, one past the last, the rowid) and new value.
    pub sets: Vec<(usize, Scalar)>,
    /// There is a FROM.
    pub joined: bool,
}

impl RowChange {
    /// Rewrites the query for the rows; a view's row and the new values see its tables, so they are rewritten with it.
    pub fn optimize(&mut self, sets: &mut [(usize, Scalar)]) {
        let mut values: Vec<&mut Scalar> = self.view_row.iter_mut().collect();
        values.extend(sets.iter_mut().map(|(_, value)| value));
        if let Body::Block(block) = &mut self.query.body {
            let taken = values
                .iter_mut()
                .map(|value| std::mem::replace(*value, Scalar::NULL));
            block.projection = taken.collect();
        }
        optimize(&mut self.query);
        if let Body::Block(block) = &mut self.query.body {
            let rewritten = std::mem::take(&mut block.projection);
            values
                .into_iter()
                .zip(rewritten)
                .for_each(|(value, new)| *value = new);
        }
    }
}

impl BoundUpdate {
    /// Rewrites the query for the rows, and the new values with it.
    pub fn optimize(&mut self) {
        self.rows.optimize(&mut self.sets);
    }
}

impl<'a> Binder<'a> {
    /// Binds an INSERT.
    pub fn insert(&mut self, insert: &'a ast::Insert) -> Result<BoundInsert> {
        if let Some(with) = &insert.with {
            self.open_with(with)?;
        }
        let bound = self.insert_body(insert);
        let common = if insert.with.is_some() {
            self.close_with()
        } else {
            Vec::new()
        };
        let mut bound = bound?;
        bound.common = common;
        Ok(bound)
    }

    fn insert_body(&mut self, insert: &'a ast::Insert) -> Result<BoundInsert> {
        let Writable { database, kind } = self.target(&insert.table, &ast::TriggerEvent::Insert)?;
        let table = kind.table();
        if self.asker.is_some() {
            let table = &table.name;
            self.ask_to_write(AuthAction::Insert { table }, database)?;
        }
        if kind.is_view() && !insert.upserts.is_empty() {
            return Err(Error::sql("cannot UPSERT a view"));
        }
        if table.is_virtual() && !insert.upserts.is_empty() {
            return Err(Error::sql(format!(
                "UPSERT not implemented for virtual table \"{}\"",
                table.name
            )));
        }
        let source = match &insert.source {
            ast::InsertSource::Select(select) => {
                self.inserts_values = select.with.is_none()
                    && select.compounds.is_empty()
                    && matches!(select.first, ast::SelectCore::Values(_));
                Some(self.select(select)?)
            }
            ast::InsertSource::DefaultValues => None,
        };
        let places = self.insert_columns(insert, table, source.as_ref().map(Query::width))?;
        let shown = insert.alias.as_ref().unwrap_or(&insert.table.name).text.clone();
        let row = self.written_row(database, &kind, &shown);
        if let Some(uses) = self.uses {
            self.note_table(
                uses,
                kind.table(),
                &insert.table.name,
                insert.alias.is_none().then_some(row),
            );
        }
        let excluded = self.written_row(database, &kind, "excluded");
        self.tables.get_mut(excluded).untyped = true;
        let defaults = match kind {
            WritableKind::Table(table) => self.defaults(row, table, &places.columns)?,
            WritableKind::View(..) => vec![None; places.columns.len()],
        };
        let mut scope = Scope::new(Clause::Value);
        scope.sources = vec![visible(row, Some(database), &shown)];
        // `excluded` is found by its name only: a bare column is the target's.
        let mut outer = Scope::new(Clause::Value);
        outer.sources = vec![visible(excluded, None, "excluded")];
        let (upserts, _) = self.in_scope(outer, |binder| {
            binder
                .in_scope(scope, |binder| match kind {
                    WritableKind::Table(table) => {
                        let names_rowid = places.rowid.is_some()
                            || table
                                .rowid_alias
                                .is_some_and(|alias| places.columns[alias].is_some());
                        binder.upserts(insert, table, (database, row), names_rowid)
                    }
                    WritableKind::View(..) => Ok(Vec::new()),
                })
                .map(|(upserts, _)| upserts)
        })?;
        let returning = self.returning(&insert.returning, row, database, &shown)?;
        Ok(BoundInsert {
            target: Target {
                database,
                table: Arc::clone(kind.table()),
                row,
                returning,
            },
            source,
            common: Vec::new(),
            columns: places.columns,
            rowid: places.rowid,
            defaults,
            upserts,
            excluded,
        })
    }

    /// Which source column each table column gets.
    fn insert_columns(
        &self,
        insert: &'a ast::Insert,
        table: &Table,
        supplied: Option<usize>,
    ) -> Result<InsertPlaces> {
        let mut places = InsertPlaces {
            columns: vec![None; table.columns.len()],
            rowid: None,
        };
        if insert.columns.is_empty() {
            let plain = (0..table.columns.len())
                .filter(|&column| table.columns[column].generated.is_none() && !table.columns[column].hidden);
            let mut count = 0;
            for (source, column) in plain.enumerate() {
                places.columns[column] = supplied.map(|_| source);
                count += 1;
            }
            return match supplied {
                Some(supplied) if supplied != count && self.uses.is_none() => Err(Error::sql(format!(
                    "table {} has {count} columns but {supplied} values were supplied",
                    shown_name(&insert.table)
                ))),
                _ => Ok(places),
            };
        }
        for (source, name) in insert.columns.iter().enumerate() {
            let column = table.columns.iter().position(|column| name.is(&column.name));
            match column {
                Some(column) if table.columns[column].generated.is_some() => {
                    return Err(Error::sql_at(
                        format!(
                            "cannot INSERT into generated column \"{}\"",
                            table.columns[column].name
                        ),
                        name.span().start as usize,
                    ));
                }
                Some(column) => {
                    if let Some(uses) = self.uses {
                        uses.note_column(table, Some(column), name.span());
                    }
                    places.columns[column].get_or_insert(source);
                }
                None if is_rowid_name(&name.text) && table.without_rowid.is_none() => match table.rowid_alias
                {
                    Some(alias) => {
                        places.columns[alias].get_or_insert(source);
                    }
                    None => places.rowid = Some(source),
                },
                None => {
                    return Err(Error::sql_at(
                        format!("table {} has no column named {name}", shown_name(&insert.table)),
                        name.span().start as usize,
                    ));
                }
            }
        }
        match supplied {
            Some(supplied) if supplied != insert.columns.len() => Err(Error::sql(format!(
                "{supplied} values for {} columns",
                insert.columns.len()
            ))),
            Some(_) => Ok(places),
            None => Ok(InsertPlaces {
                columns: vec![None; table.columns.len()],
                rowid: None,
            }),
        }
    }

    fn defaults(
        &mut self,
        row: TableId,
        table: &'a Arc<Table>,
        sources: &[Option<usize>],
    ) -> Result<Vec<Option<Scalar>>> {
        let pairs = table.columns.iter().zip(sources);
        pairs
            .map(|(column, source)| match (&column.default, source) {
                (Some(default), None) if column.generated.is_none() => {
                    let bound =
                        self.elsewhere(|binder| binder.own_row_expression(row, default, Clause::Default))?;
                    Ok(Some(bound.expr))
                }
                _ => Ok(None),
            })
            .collect()
    }

    fn upserts(
        &mut self,
        insert: &'a ast::Insert,
        table: &'a Arc<Table>,
        (database, row): (DatabaseIndex, TableId),
        names_rowid: bool,
    ) -> Result<Vec<BoundUpsert>> {
        let mut bound = Vec::with_capacity(insert.upserts.len());
        for (place, upsert) in insert.upserts.iter().enumerate() {
            let target = match &upsert.target {
                Some(target) => {
                    let found = self.upsert_target(target, table, row)?;
                    Some(found.ok_or_else(|| {
                        let which = match insert.upserts.len() {
                            1 => String::new(),
                            _ => format!("{} ", ordinal(place + 1)),
                        };
                        Error::sql(format!(
                            "{which}ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint"
                        ))
                    })?)
                }
                None => None,
            };
            // SQLite never looks at what a second clause for the same constraint would do: it cannot come into effect.
            let repeated = target.is_some() && bound.iter().any(|known: &BoundUpsert| known.target == target);
            if repeated || target.is_none() && !leaves_conflicts(table, &bound, names_rowid) {
                continue;
            }
            let update = match &upsert.action {
                ast::UpsertAction::Nothing => None,
                ast::UpsertAction::Update {
                    assignments,
                    selection,
                } => {
                    let sets = self.assignments(assignments, database, table)?;
                    Some((sets, self.condition(selection.as_ref(), Clause::Value)?))
                }
            };
            bound.push(BoundUpsert { target, update });
        }
        Ok(bound)
    }

    /// The uniqueness constraint that `ON CONFLICT (columns)` names.
    fn upsert_target(
        &mut self,
        target: &'a ast::UpsertTarget,
        table: &'a Arc<Table>,
        row: TableId,
    ) -> Result<Option<UpsertTarget>> {
        let mut scope = Scope::isolated(Clause::Value);
        scope.sources.push(visible(row, None, &table.name));
        let ((terms, filter), _) = self.in_scope(scope, |binder| {
            let terms: Vec<Typed> = target
                .columns
                .iter()
                .map(|term| binder.expr(&term.expr))
                .collect::<Result<_>>()?;
            Ok((terms, binder.condition(target.selection.as_ref(), Clause::Value)?))
        })?;
        if let [term] = terms.as_slice() {
            let is_rowid = term
                .expr
                .as_column()
                .is_some_and(|column| column.column == ColumnNo::ROWID);
            if is_rowid && target.selection.is_none() {
                return Ok(Some(UpsertTarget::PrimaryKey));
            }
        }
        if primary_tree_matches(table, row, &terms) {
            return Ok(Some(UpsertTarget::PrimaryKey));
        }
        for (place, index) in table.indexes.iter().enumerate() {
            if index.unique.is_some()
                && self.index_matches(index, row, &terms)?
                && self.filter_matches(index, row, &filter)?
            {
                return Ok(Some(UpsertTarget::Index(place)));
            }
        }
        Ok(None)
    }

    fn index_matches(&mut self, index: &'a Index, row: TableId, terms: &[Typed]) -> Result<bool> {
        if index.columns.len() != terms.len() {
            return Ok(false);
        }
        for column in &index.columns {
            let source = match &column.source {
                IndexSource::Column(number) => self.table_column(row, Some(*number))?.expr,
                IndexSource::Rowid => Scalar::rowid(row),
                IndexSource::Expression(expr) => {
                    self.row_expression(row, expr, Clause::IndexExpression)?.expr
                }
            };
            let fits = |term: &Typed| {
                term.expr.same(&source)
                    && (!term.explicit || term.collation.as_ref() == Some(&column.collation))
            };
            if !terms.iter().any(fits) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A partial index needs the same condition; a whole one takes any.
    fn filter_matches(&mut self, index: &'a Index, row: TableId, filter: &[Scalar]) -> Result<bool> {
        let Some(own) = &index.filter else { return Ok(true) };
        let terms = self
            .row_expression(row, own, Clause::IndexFilter)?
            .expr
            .into_conjuncts();
        Ok(terms.iter().all(|own| filter.iter().any(|term| term.same(own))))
    }

    /// SET: column and new value; one past the last column is the rowid.
    fn assignments(
        &mut self,
        assignments: &'a [ast::Assignment],
        database: DatabaseIndex,
        table: &Table,
    ) -> Result<Vec<(usize, Scalar)>> {
        if assignments.iter().map(|set| set.columns.len()).sum::<usize>() > self.context.settings.columns_max
        {
            return Err(Error::sql("too many columns in set list"));
        }
        let mut sets: Vec<(usize, Scalar)> = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            let values: Vec<Scalar> = if assignment.row || is_row(&assignment.value) {
                let row = match &assignment.value.kind {
                    ExprKind::Row(_) | ExprKind::Subquery(_) if assignment.columns.len() > 1 => {
                        self.row(&assignment.value)?
                    }
                    ExprKind::Row(_) => self.row(&assignment.value)?,
                    _ => std::iter::once(self.expr(&assignment.value)?).collect(),
                };
                row.into_iter().map(|typed| typed.expr).collect()
            } else {
                vec![self.expr(&assignment.value)?.expr]
            };
            if values.len() > 1 && !assignment.row {
                return Err(super::expression::row_misused(assignment.value.span));
            }
            if values.len() != assignment.columns.len() {
                return Err(Error::sql(format!(
                    "{} columns assigned {} values",
                    assignment.columns.len(),
                    values.len()
                )));
            }
            for (name, value) in assignment.columns.iter().zip(values) {
                let column = assigned_column(name, table)?;
                if let Some(uses) = self.uses {
                    uses.note_column(table, Some(column), name.span());
                }
                if self.asker.is_some() && self.asked_to_skip(database, table, column)? {
                    continue;
                }
                match sets.iter_mut().find(|(known, _)| *known == column) {
                    Some(known) => known.1 = value,
                    None => sets.push((column, value)),
                }
            }
        }
        Ok(sets)
    }

    fn returning(
        &mut self,
        list: &'a [ast::ResultColumn],
        row: TableId,
        database: DatabaseIndex,
        shown: &str,
    ) -> Result<Option<(Vec<Scalar>, Vec<OutputColumn>)>> {
        if list.is_empty() {
            return Ok(None);
        }
        let mut scope = Scope::new(Clause::Value);
        scope.sources.push(visible(row, Some(database), shown));
        let mut columns = Vec::new();
        let (typed, _) = self.in_scope(scope, |binder| binder.result_columns(list, &mut columns))?;
        Ok(Some((
            typed.into_iter().map(|typed| typed.expr).collect(),
            columns,
        )))
    }

    /// Binds an UPDATE.
    pub fn update(&mut self, update: &'a ast::Update) -> Result<BoundUpdate> {
        if let Some(with) = &update.with {
            self.open_with(with)?;
        }
        let bound = self.update_body(update);
        let common = if update.with.is_some() {
            self.close_with()
        } else {
            Vec::new()
        };
        let mut bound = bound?;
        bound.rows.query.common = common;
        Ok(bound)
    }

    fn update_body(&mut self, update: &'a ast::Update) -> Result<BoundUpdate> {
        let columns = update
            .assignments
            .iter()
            .flat_map(|set| set.columns.iter().cloned());
        let event = ast::TriggerEvent::UpdateOf(columns.collect());
        let writable = self.target(&update.table, &event)?;
        let (database, table) = (writable.database, Arc::clone(writable.kind.table()));
        let shown = update.alias.as_ref().unwrap_or(&update.table.name).text.clone();
        let item = self.written_item(writable, &shown, update.indexed.as_ref())?;
        let row = item.visible.table;
        if let Some(uses) = self.uses {
            self.note_table(
                uses,
                &table,
                &update.table.name,
                update.alias.is_none().then_some(row),
            );
        }
        let view_row = view_row(&table, row);
        let own = item.operand.into_from();
        let mut scope = Scope::new(Clause::Where);
        scope.sources.push(item.visible);
        let mut selects_nothing = false;
        let from = match &update.from {
            None => own,
            Some(clause) => {
                selects_nothing = self.asker.is_some() && self.asks(AuthAction::Select, None)?;
                let (joined, ((), inner)) = self.bind_from_clause(clause, |_| Ok(()))?;
                self.refuse_target(row, &inner, &shown)?;
                scope.sources.extend(inner.sources);
                let items = [own, joined].map(|from| JoinItem { from, fixed: false });
                From::Inner {
                    items: items.into(),
                    on: Vec::new(),
                }
            }
        };
        let ((sets, mut query), _) = self.in_scope(scope, |binder| {
            let sets = binder.assignments(&update.assignments, database, &table)?;
            let query = binder.changed_rows(
                from,
                update.selection.as_ref(),
                &update.order_by,
                update.limit.as_deref(),
            )?;
            Ok((sets, query))
        })?;
        if selects_nothing {
            query.limit = Some(Scalar::integer(0));
        }
        refuse_returning(&table, "UPDATE", update.returning.is_empty())?;
        let returning = self.returning(&update.returning, row, database, &shown)?;
        let target = Target {
            database,
            table,
            row,
            returning,
        };
        Ok(BoundUpdate {
            rows: RowChange {
                target,
                query,
                view_row,
            },
            sets,
            joined: update.from.is_some(),
        })
    }

    /// FROM must not have the target under its own name.
    fn refuse_target(&self, row: TableId, from: &Scope, shown: &str) -> Result<()> {
        let table = |id: TableId| self.tables.get(id).base();
        let again = from.sources.iter().any(|source| {
            source.name.eq_ignore_ascii_case(shown)
                && table(source.table)
                    .zip(table(row))
                    .is_some_and(|(own, other)| Arc::ptr_eq(own, other))
        });
        match again {
            true => Err(Error::sql(format!(
                "target object/alias may not appear in FROM clause: {shown}"
            ))),
            false => Ok(()),
        }
    }

    /// Binds a DELETE.
    pub fn delete(&mut self, delete: &'a ast::Delete) -> Result<RowChange> {
        if let Some(with) = &delete.with {
            self.open_with(with)?;
        }
        let bound = self.delete_body(delete);
        let common = if delete.with.is_some() {
            self.close_with()
        } else {
            Vec::new()
        };
        let mut bound = bound?;
        bound.query.common = common;
        Ok(bound)
    }

    fn delete_body(&mut self, delete: &'a ast::Delete) -> Result<RowChange> {
        let writable = self.target(&delete.table, &ast::TriggerEvent::Delete)?;
        let (database, table) = (writable.database, Arc::clone(writable.kind.table()));
        if self.asker.is_some() {
            let table = &table.name;
            self.ask_to_write(AuthAction::Delete { table }, database)?;
        }
        let shown = delete.alias.as_ref().unwrap_or(&delete.table.name).text.clone();
        let item = self.written_item(writable, &shown, delete.indexed.as_ref())?;
        let row = item.visible.table;
        if let Some(uses) = self.uses {
            self.note_table(
                uses,
                &table,
                &delete.table.name,
                delete.alias.is_none().then_some(row),
            );
        }
        let view_row = view_row(&table, row);
        let from = item.operand.into_from();
        let mut scope = Scope::new(Clause::Where);
        scope.sources.push(item.visible);
        let (query, _) = self.in_scope(scope, |binder| {
            binder.changed_rows(
                from,
                delete.selection.as_ref(),
                &delete.order_by,
                delete.limit.as_deref(),
            )
        })?;
        refuse_returning(&table, "DELETE", delete.returning.is_empty())?;
        let returning = self.returning(&delete.returning, row, database, &shown)?;
        Ok(RowChange {
            target: Target {
                database,
                table,
                row,
                returning,
            },
            query,
            view_row,
        })
    }

    fn changed_rows(
        &mut self,
        from: From,
        selection: Option<&'a ast::Expr>,
        order_by: &'a [ast::OrderingTerm],
        limit: Option<&'a ast::Limit>,
    ) -> Result<Query> {
        let filter = self.condition(selection, Clause::Where)?;
        let order = self.in_clause(Clause::Value, |binder| binder.order_terms(order_by, &[]))?;
        let block = Block {
            from: Some(from),
            filter,
            ..Block::default()
        };
        let mut query = Query::of(Body::Block(Box::new(block)), Vec::new());
        query.order = order;
        if let Some(limit) = limit {
            (query.limit, query.offset) = self.limit(limit)?;
        }
        Ok(query)
    }
}

/// The columns of the row of a view; nothing for a table, whose row is read as it is.
fn view_row(table: &Table, row: TableId) -> Vec<Scalar> {
    match table.is_view {
        true => (0..table.columns.len())
            .map(|column| Scalar::column(row, column))
            .collect(),
        false => Vec::new(),
    }
}

/// The rows of a virtual table are not at hand after they were changed.
fn refuse_returning(table: &Table, verb: &str, returns_nothing: bool) -> Result<()> {
    match table.is_virtual() && !returns_nothing {
        true => Err(Error::sql(format!(
            "{verb} RETURNING is not available on virtual tables"
        ))),
        false => Ok(()),
    }
}

/// Whether a row can collide in a way that no clause before takes. One that can't is never looked at either.
fn leaves_conflicts(table: &Table, taken: &[BoundUpsert], names_rowid: bool) -> bool {
    let is_taken = |target: UpsertTarget| taken.iter().any(|clause| clause.target == Some(target));
    let unique = table
        .indexes
        .iter()
        .enumerate()
        .filter(|(_, index)| index.unique.is_some());
    let primary = names_rowid || table.without_rowid.is_some();
    primary && !is_taken(UpsertTarget::PrimaryKey)
        || unique
            .map(|(place, _)| UpsertTarget::Index(place))
            .any(|target| !is_taken(target))
}

/// Which source column goes where.
struct InsertPlaces {
    columns: Vec<Option<usize>>,
    rowid: Option<usize>,
}

fn visible(table: TableId, database: Option<DatabaseIndex>, name: &str) -> ScopeSource {
    ScopeSource::new(table, database, EcoString::from(name))
}

fn shown_name(name: &ObjectName) -> String {
    match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.to_string(),
    }
}

fn assigned_column(name: &Ident, table: &Table) -> Result<usize> {
    match table.columns.iter().position(|column| name.is(&column.name)) {
        Some(column) if table.columns[column].generated.is_some() => Err(Error::sql_at(
            format!(
                "cannot UPDATE generated column \"{}\"",
                table.columns[column].name
            ),
            name.span().start as usize,
        )),
        Some(column) => Ok(column),
        None if is_rowid_name(&name.text) && table.without_rowid.is_none() => {
            Ok(table.rowid_alias.unwrap_or(table.columns.len()))
        }
        None => Err(Error::sql_at(
            format!("no such column: {name}"),
            name.span().start as usize,
        )),
    }
}

/// Whether the terms are the primary key of a WITHOUT ROWID table.
fn primary_tree_matches(table: &Table, row: TableId, terms: &[Typed]) -> bool {
    let Some(tree) = &table.without_rowid else {
        return false;
    };
    let key = &tree.stored[..tree.key_count];
    key.len() == terms.len()
        && key.iter().zip(&tree.order.columns).all(|(&column, order)| {
            terms.iter().any(|term| {
                term.expr.same(&Scalar::column(row, column))
                    && (!term.explicit || term.collation.as_ref() == Some(&order.collation))
            })
        })
}
