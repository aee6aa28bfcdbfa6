//! FROM: tables, views, subqueries, table-valued functions, and the joins between them.
//!
//! Two passes. The first binds the tables from left to right; none of them sees the others, so no scope is open yet.
//! The second opens the scope of all tables and binds what may refer to them: ON, USING, NATURAL, arguments.

use ecow::EcoString;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use super::nested_from::only_table;
use super::scope::{Scope, ScopeSource};
use super::typed::{Typed, compare_rule};
use super::{Binder, TableColumns};
use crate::catalog::{Schema, Table, View};
use crate::error::{Error, Result};
use crate::plan::context::VirtualTables;
use crate::plan::expr::CompareOp;
use crate::plan::logical::{
    Block, Body, From, IndexHint, JoinItem, OuterKind, OutputColumn, Query, Scalar, Source, SourceKind,
    TableId,
};
use crate::plan::physical::DatabaseIndex;
use crate::syntax::ast::{self, Ident, JoinConstraint, JoinKind, ObjectName, TableRef};
use crate::virtual_table::Risk;

/// A table of FROM with what names see of it.
pub(super) struct Item<'a> {
    pub operand: Operand,
    pub visible: ScopeSource,
    /// Arguments of a table-valued function, to be bound when all tables are known.
    pub arguments: &'a [ast::Expr],
}

/// What joins.
pub(super) enum Operand {
    Source(Source),
    /// A join in parentheses.
    Tree(Box<From>),
}

impl Operand {
    /// As part of a FROM.
    pub fn into_from(self) -> From {
        match self {
            Operand::Source(source) => From::Source(source),
            Operand::Tree(tree) => *tree,
        }
    }
}

/// A table or view of the schema.
pub(super) enum Relation<'a> {
    Table(DatabaseIndex, &'a Arc<Table>),
    View(DatabaseIndex, &'a View),
    /// A virtual table that is not connected yet.
    Unconnected(DatabaseIndex),
}

/// The items of a clause, from left to right.
pub(super) struct Items<'a, 'o> {
    /// How names see them.
    visible: &'o mut Vec<ScopeSource>,
    /// What is joined.
    operands: &'o mut Operands<'a>,
}

/// What is joined, each with the arguments of a table function.
pub(super) type Operands<'a> = SmallVec<[(Operand, &'a [ast::Expr]); 4]>;

impl<'a> Items<'a, '_> {
    fn push(&mut self, item: Item<'a>) {
        self.visible.push(item.visible);
        self.operands.push((item.operand, item.arguments));
    }
}

impl<'a> Binder<'a> {
    /// The first pass: every table of the clause, from left to right.
    pub(super) fn bind_from_items(
        &mut self,
        clause: &'a ast::FromClause,
        out: &mut Items<'a, '_>,
    ) -> Result<()> {
        match first_tables(clause) {
            Some(inner) => self.nested(|binder| binder.bind_from_items(inner, out))?,
            None => self.table_ref(&clause.first, out)?,
        }
        for join in &clause.joins {
            self.table_ref(&join.table, out)?;
        }
        let most = self.context.settings.join_tables_max;
        match out.visible.len() > most {
            true => Err(Error::sql(format!("at most {most} tables in a join"))),
            false => Ok(()),
        }
    }

    fn table_ref(&mut self, table: &'a TableRef, out: &mut Items<'a, '_>) -> Result<()> {
        match table {
            TableRef::Table { name, alias, indexed } => {
                let item = self.named_table(name, alias.as_ref(), indexed.as_ref())?;
                out.push(item);
            }
            TableRef::Function {
                name,
                arguments,
                alias,
            } => {
                let item = self.table_function(name, arguments, alias.as_ref())?;
                out.push(item);
            }
            TableRef::Subquery { select, alias } => {
                let query = self.select(select)?;
                let name = alias
                    .as_ref()
                    .map_or_else(EcoString::default, |alias| alias.text.clone());
                out.push(self.query_item(query, name, None));
            }
            TableRef::Parenthesized { from, alias } => {
                let item = match only_table(from) {
                    Some(table) => self.nested(|binder| binder.lone_table(table, alias.as_ref()))?,
                    None => self.nested_from(from, alias.as_ref())?,
                };
                out.push(item);
            }
        }
        Ok(())
    }

    /// `(t)` and `(t) AS x`: the table, which forgets an alias that it has inside.
    fn lone_table(&mut self, table: &'a TableRef, alias: Option<&'a Ident>) -> Result<Item<'a>> {
        match table {
            TableRef::Table { name, indexed, .. } => self.named_table(name, alias, indexed.as_ref()),
            TableRef::Function { name, arguments, .. } => self.table_function(name, arguments, alias),
            TableRef::Subquery { select, .. } => {
                let query = self.select(select)?;
                let name = alias.map_or_else(EcoString::default, |alias| alias.text.clone());
                Ok(self.query_item(query, name, None))
            }
            TableRef::Parenthesized { from, alias: inner } => {
                self.nested_from(from, alias.or(inner.as_ref()))
            }
        }
    }

    #[inline(never)]
    pub(super) fn query_item(
        &mut self,
        query: Query,
        name: EcoString,
        database: Option<DatabaseIndex>,
    ) -> Item<'a> {
        let columns = TableColumns::Derived(unique_names(&query.columns));
        let table = self.tables.add(name.clone(), columns);
        let kind = SourceKind::Query(Box::new(query));
        Item {
            operand: Operand::Source(Source {
                table,
                kind,
                hint: IndexHint::Free,
            }),
            visible: ScopeSource::new(table, database, name),
            arguments: &[],
        }
    }

    fn named_table(
        &mut self,
        name: &'a ObjectName,
        alias: Option<&'a Ident>,
        indexed: Option<&'a ast::Indexed>,
    ) -> Result<Item<'a>> {
        let shown = alias.unwrap_or(&name.name).text.clone();
        if name.schema.is_none()
            && let Some(item) = self.common_item(&name.name, &shown)?
        {
            return Ok(item);
        }
        match self.find_relation(name)? {
            Some(Relation::Table(database, table)) => {
                self.refuse_unsafe(table)?;
                let hint = index_hint(indexed, table)?;
                let item = self.table_item(database, table, shown, hint);
                if let Some(uses) = self.uses {
                    self.note_table(
                        uses,
                        table,
                        &name.name,
                        alias.is_none().then_some(item.visible.table),
                    );
                }
                self.bind_indexes(item.visible.table)?;
                Ok(item)
            }
            Some(Relation::View(database, view)) => {
                if let Some(ast::Indexed::By(index)) = indexed {
                    return Err(no_such_index(index));
                }
                let query = self.elsewhere(|binder| {
                    binder.on_behalf_of(name.name.as_str(), |binder| binder.view(database, view))
                })?;
                let item = self.query_item(query, shown, Some(database));
                self.note_view(item.visible.table, database, &view.name);
                Ok(item)
            }
            Some(Relation::Unconnected(_)) | None => Err(self.no_such_table(name)),
        }
    }

    /// A table of the schema as an item.
    pub(super) fn table_item(
        &mut self,
        database: DatabaseIndex,
        table: &'a Arc<Table>,
        name: EcoString,
        hint: IndexHint,
    ) -> Item<'a> {
        let columns = TableColumns::Base { database, table };
        let id = self.tables.add(name.clone(), columns);
        let kind = match table.is_virtual() {
            true => SourceKind::Virtual {
                table: Arc::clone(table),
                arguments: Box::default(),
            },
            false => SourceKind::Table {
                database,
                table: Arc::clone(table),
            },
        };
        Item {
            operand: Operand::Source(Source {
                table: id,
                kind,
                hint,
            }),
            visible: ScopeSource::new(id, Some(database), name),
            arguments: &[],
        }
    }

    #[inline(never)]
    fn table_function(
        &mut self,
        name: &'a ObjectName,
        arguments: &'a [ast::Expr],
        alias: Option<&'a Ident>,
    ) -> Result<Item<'a>> {
        let shown = alias.unwrap_or(&name.name).text.clone();
        let found = match self.names_common_table(name) {
            true => None,
            false => Some(self.find_relation(name)?),
        };
        let (database, table) = match found {
            Some(Some(Relation::Table(database, table)))
                if table.columns.iter().any(|column| column.hidden) =>
            {
                (database, table)
            }
            Some(None) => return Err(self.no_such_table(name)),
            _ => {
                return Err(Error::sql_at(
                    format!("'{}' is not a function", name.name),
                    name.span().start as usize,
                ));
            }
        };
        self.refuse_unsafe(table)?;
        let most = table.columns.iter().filter(|column| column.hidden).count();
        if arguments.len() > most {
            let message = format!("too many arguments on {}() - max {most}", name.name);
            return Err(Error::sql_at(message, name.span().start as usize));
        }
        Ok(Item {
            arguments,
            ..self.table_item(database, table, shown, IndexHint::Free)
        })
    }

    /// The query of a view. It sees nothing of the statement that refers to it, only its own database.
    #[inline(never)]
    pub(super) fn view(&mut self, database: DatabaseIndex, view: &'a View) -> Result<Query> {
        if self.views.contains(&std::ptr::from_ref(view)) {
            return Err(Error::sql(format!("view {} is circularly defined", view.name)));
        }
        let scopes = std::mem::take(&mut self.scopes);
        let withs = std::mem::take(&mut self.withs);
        let home = std::mem::replace(&mut self.home, (database != 1).then_some(database));
        self.views.push(view);
        let query = self.select(&view.select);
        self.views.pop();
        (self.scopes, self.withs, self.home) = (scopes, withs, home);
        let mut query = query?;
        for column in &mut query.columns {
            // A name that was given with AS stays.
            let written = column.explicit && column.inner_name.is_some();
            let declared = column.origin.as_ref().filter(|_| written);
            column.inner_name = declared.map(|origin| Box::new(EcoString::from(origin.name())));
        }
        if !view.columns.is_empty() {
            if view.columns.len() != query.width() {
                return Err(Error::sql(format!(
                    "expected {} columns for '{}' but got {}",
                    view.columns.len(),
                    view.name,
                    query.width()
                )));
            }
            for (column, name) in query.columns.iter_mut().zip(&view.columns) {
                column.name = EcoString::from(name.as_str());
                column.inner_name = None;
            }
        }
        Ok(query)
    }

    /// `x IN table`: a query of the whole table.
    pub(super) fn whole_table(
        &mut self,
        name: &'a ObjectName,
        arguments: Option<&'a [ast::Expr]>,
    ) -> Result<Query> {
        self.nested(|binder| {
            let mut item = match arguments {
                Some(arguments) => binder.table_function(name, arguments, None)?,
                None => binder.named_table(name, None, None)?,
            };
            let arguments = binder.exprs(item.arguments)?;
            set_arguments(&mut item.operand, arguments);
            let mut scope = Scope::new(super::Clause::Projection);
            scope.sources.push(item.visible);
            let ((projection, columns), _) = binder.in_scope(scope, |binder| binder.all_columns())?;
            let from = Some(item.operand.into_from());
            let block = Block {
                from,
                projection,
                ..Block::default()
            };
            Ok(Query::of(Body::Block(Box::new(block)), columns))
        })
    }

    /// Finds a table or view by name.
    pub(super) fn find_relation(&mut self, name: &ObjectName) -> Result<Option<Relation<'a>>> {
        let key = fold(&name.name.text);
        let found = match (&name.schema, self.home) {
            (Some(schema), _) => {
                let databases = self.context.databases;
                let database = databases.iter().position(|view| schema.is(view.name));
                database.and_then(|database| self.find_in(database, &key))
            }
            (None, Some(home)) => self.find_in(home, &key),
            // Every database has a schema table by these names; main's is meant.
            (None, None) if matches!(&*key, "sqlite_schema" | "sqlite_master") => self.find_in(0, &key),
            (None, None) => match self.find_in(1, &key).or_else(|| self.find_in(0, &key)) {
                None => (2..self.context.databases.len()).find_map(|database| self.find_in(database, &key)),
                found => found,
            },
        };
        if let Some(Relation::Table(database, _) | Relation::View(database, _)) = &found
            && !self.databases.contains(database)
        {
            self.databases.push(*database);
        }
        match found {
            Some(Relation::Unconnected(database)) => {
                Err(self.context.virtual_tables.want(database, &name.name.text))
            }
            Some(found) => Ok(Some(found)),
            None => {
                let found = self.eponymous(name);
                if self.asker.is_some() && found.is_some() {
                    self.ask_about_pragma(name)?;
                }
                Ok(found)
            }
        }
    }

    /// Some virtual tables are for statements only: a schema that somebody else made could put them to bad use.
    fn refuse_unsafe(&self, table: &Table) -> Result<()> {
        let Some(code) = &table.virtual_table else {
            return Ok(());
        };
        let from_schema = !self.views.is_empty() || self.context.trigger.is_some();
        let refused = match code.risk() {
            Risk::Innocuous => false,
            Risk::Normal => !self.context.settings.trusted_schema,
            Risk::DirectOnly => true,
        };
        match from_schema && refused {
            true => Err(Error::sql(format!(
                "unsafe use of virtual table \"{}\"",
                table.name
            ))),
            false => Ok(()),
        }
    }

    /// A table that stands under its module's own name, and counts as one of main.
    fn eponymous(&self, name: &ObjectName) -> Option<Relation<'a>> {
        let tables: &'a dyn VirtualTables = self.context.virtual_tables;
        let of_main = name.schema.as_ref().is_none_or(|schema| schema.is("main"));
        let found = of_main.then(|| tables.eponymous(&name.name.text)).flatten();
        found.map(|table| Relation::Table(0, table))
    }

    fn find_in(&self, database: DatabaseIndex, key: &str) -> Option<Relation<'a>> {
        let schema: &'a Schema = self.context.databases.get(database)?.schema;
        match schema.tables.get(key) {
            Some(table) => Some(Relation::Table(database, table)),
            None if schema.virtual_tables.contains_key(key) => Some(Relation::Unconnected(database)),
            None => schema.views.get(key).map(|view| Relation::View(database, view)),
        }
    }

    /// The error for a table that is not there.
    pub(super) fn no_such_table(&self, name: &ObjectName) -> Error {
        let place = name.span().start as usize;
        let schema = match (&name.schema, self.home) {
            (Some(schema), _) => Some(schema.as_str()),
            (None, Some(home)) => self.context.databases.get(home).map(|view| view.name),
            (None, None) => None,
        };
        match schema {
            Some(schema) => Error::sql_at(format!("no such table: {schema}.{}", name.name), place),
            None => Error::sql_at(format!("no such table: {}", name.name), place),
        }
    }

    /// Binds a FROM clause, then `inside` with its tables in scope; hands the scope back.
    pub(super) fn bind_from_clause<T>(
        &mut self,
        clause: &'a ast::FromClause,
        inside: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<(From, (T, Scope))> {
        let mut scope = Scope::new(super::Clause::From);
        let mut operands = Operands::new();
        self.bind_tables(clause, &mut scope.sources, &mut operands)?;
        let ((from, result), scope) = self.in_scope(scope, |binder| {
            let from = binder.join_tables(clause, &mut operands)?;
            Ok((from, inside(binder)?))
        })?;
        Ok((from, (result, scope)))
    }

    /// The first pass over a FROM clause.
    pub(super) fn bind_tables(
        &mut self,
        clause: &'a ast::FromClause,
        visible: &mut Vec<ScopeSource>,
        operands: &mut Operands<'a>,
    ) -> Result<()> {
        *visible = Vec::with_capacity(1 + clause.joins.len());
        self.bind_from_items(clause, &mut Items { visible, operands })
    }

    /// The second pass: takes the tables of the first.
    pub(super) fn join_tables(
        &mut self,
        clause: &'a ast::FromClause,
        operands: &mut Operands<'a>,
    ) -> Result<From> {
        let mut sources = Sources {
            left: operands.drain(..),
            taken: 0,
        };
        self.join_tree(clause, &mut sources, joins_right(clause))
    }

    /// The second pass over a clause: takes its tables from `sources`.
    fn join_tree(
        &mut self,
        clause: &'a ast::FromClause,
        sources: &mut Sources<'a, '_>,
        has_right: bool,
    ) -> Result<From> {
        let start = sources.taken;
        let mut tree = match first_tables(clause) {
            Some(inner) => self.nested(|binder| binder.join_tree(inner, sources, has_right))?,
            None => self.join_operand(sources)?,
        };
        for join in &clause.joins {
            let middle = sources.taken;
            let right = self.join_operand(sources)?;
            let reach = Reach {
                start,
                middle,
                end: sources.taken,
                has_right,
            };
            let outer = outer_kind(join.op.kind);
            let mut on = match (&mut tree, outer) {
                (From::Inner { on, .. }, None) => std::mem::take(on),
                _ => Vec::new(),
            };
            self.join_condition(join, outer, reach, &mut on)?;
            tree = match outer {
                None => inner_join(tree, right, on, join.op.kind == JoinKind::Cross),
                Some(kind) => From::Outer {
                    kind,
                    left: Box::new(tree),
                    right: Box::new(right),
                    on,
                },
            };
        }
        Ok(tree)
    }

    fn join_operand(&mut self, sources: &mut Sources<'a, '_>) -> Result<From> {
        let Some((mut operand, arguments)) = sources.left.next() else {
            return Err(Error::misuse("tables of FROM out of step"));
        };
        sources.taken += 1;
        if !arguments.is_empty() {
            let arguments = self.exprs(arguments)?;
            set_arguments(&mut operand, arguments);
        }
        Ok(operand.into_from())
    }

    /// Adds the terms of a join's condition.
    fn join_condition(
        &mut self,
        join: &'a ast::Join,
        outer: Option<OuterKind>,
        reach: Reach,
        terms: &mut Vec<Scalar>,
    ) -> Result<()> {
        if join.op.natural && join.constraint.is_some() {
            return Err(Error::sql("a NATURAL join may not have an ON or USING clause"));
        }
        for source in &mut self.scope().sources[reach.middle..reach.end] {
            source.outer = source.outer.or(outer);
        }
        match &join.constraint {
            None if join.op.natural => {
                let shared = self.natural_columns(reach);
                self.using(&shared, reach, terms)
            }
            None => Ok(()),
            Some(JoinConstraint::Using(names)) => {
                let names: Vec<EcoString> = names.iter().map(|name| name.text.clone()).collect();
                self.using(&names, reach, terms)
            }
            Some(JoinConstraint::On(condition)) => {
                let condition = self.expr(condition)?.expr;
                if (outer.is_some() || reach.has_right) && self.refers_right_of(&condition, reach) {
                    return Err(Error::sql("ON clause references tables to its right"));
                }
                condition.add_conjuncts(terms);
                Ok(())
            }
        }
    }

    fn refers_right_of(&mut self, condition: &Scalar, reach: Reach) -> bool {
        let right = &self.scope().sources[reach.end..];
        let mut refers = false;
        condition.each_column(&mut |column| refers |= right.iter().any(|source| source.covers(column.table)));
        refers
    }

    /// The columns of the right side that a table on the left has as well.
    fn natural_columns(&mut self, reach: Reach) -> Vec<EcoString> {
        let sources = self.scopes.last().map_or(&[][..], |scope| &scope.sources);
        let mut shared: Vec<EcoString> = Vec::new();
        for source in &sources[reach.middle..reach.end] {
            let entry = self.tables.get(source.table);
            for index in (0..entry.width()).filter(|&index| !entry.is_hidden(index)) {
                let name = entry.column_name(index);
                let on_left = sources[reach.start..reach.middle]
                    .iter()
                    .any(|left| self.tables.get(left.table).find_column(name).is_some());
                if on_left && !shared.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    shared.push(EcoString::from(name));
                }
            }
        }
        shared
    }

    /// Adds the equalities of USING, and notes that the columns are shared.
    #[inline(never)]
    fn using(&mut self, names: &[EcoString], reach: Reach, terms: &mut Vec<Scalar>) -> Result<()> {
        for name in names {
            let missing = || {
                Error::sql(format!(
                    "cannot join using column {name} - column not present in both tables"
                ))
            };
            let left = self.using_left(name, reach)?.ok_or_else(missing)?;
            let sources = &self.scopes[self.scopes.len() - 1].sources;
            let right = (reach.middle..reach.end).find_map(|place| {
                let table = sources[place].table;
                Some((place, table, self.tables.get(table).find_column(name)?))
            });
            let (place, table, column) = right.ok_or_else(missing)?;
            let right = self.table_column(table, Some(column))?;
            self.note_read(table);
            let rule = compare_rule(&left.kind(), &right.kind());
            terms.push(Scalar::compare(CompareOp::Eq, left.expr, right.expr, rule));
            let using = &mut self.scope().sources[place].using;
            *using = using.iter().chain([name]).cloned().collect();
        }
        Ok(())
    }

    /// The column of that name on the left side of a join. Beside a RIGHT or FULL JOIN, all tables that share it have a say.
    fn using_left(&mut self, name: &str, reach: Reach) -> Result<Option<Typed>> {
        let left = &self.scopes[self.scopes.len() - 1].sources[reach.start..reach.middle];
        let mut found: Vec<(TableId, usize)> = Vec::new();
        for source in left {
            let Some(column) = self.tables.get(source.table).find_column(name) else {
                continue;
            };
            if !found.is_empty() && !source.shares(name) {
                return Err(Error::sql(format!("ambiguous reference to {name} in USING()")));
            }
            found.push((source.table, column));
            if !reach.has_right {
                break;
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [(table, column)] => {
                self.note_read(*table);
                self.table_column(*table, Some(*column)).map(Some)
            }
            several => self.merged_column(several).map(Some),
        }
    }
}

/// The tables that the second pass has yet to take.
struct Sources<'a, 'o> {
    left: smallvec::Drain<'o, [(Operand, &'a [ast::Expr]); 4]>,
    taken: usize,
}

/// The tables of a join: left `start..middle`, right `middle..end`.
#[derive(Clone, Copy)]
struct Reach {
    start: usize,
    middle: usize,
    end: usize,
    /// The clause has a RIGHT or FULL JOIN.
    has_right: bool,
}

fn outer_kind(kind: JoinKind) -> Option<OuterKind> {
    match kind {
        JoinKind::Comma | JoinKind::Inner | JoinKind::Cross => None,
        JoinKind::Left => Some(OuterKind::Left),
        JoinKind::Right => Some(OuterKind::Right),
        JoinKind::Full => Some(OuterKind::Full),
    }
}

/// An inner join under the terms `on`, which are all that the left side had and those of this join.
fn inner_join(left: From, right: From, on: Vec<Scalar>, fixed: bool) -> From {
    let mut items = match left {
        From::Inner { items, .. } => items,
        other => {
            let mut items = Vec::with_capacity(4);
            items.push(JoinItem {
                from: other,
                fixed: false,
            });
            items
        }
    };
    items.push(JoinItem { from: right, fixed });
    From::Inner { items, on }
}

/// Whether there is a RIGHT or FULL JOIN among the tables of a clause.
fn joins_right(clause: &ast::FromClause) -> bool {
    let right = |join: &ast::Join| matches!(join.op.kind, JoinKind::Right | JoinKind::Full);
    clause.joins.iter().any(right) || first_tables(clause).is_some_and(joins_right)
}

/// The join in parentheses that a clause begins with, if it is no unit of its own.
fn first_tables(clause: &ast::FromClause) -> Option<&ast::FromClause> {
    match &clause.first {
        TableRef::Parenthesized { from, alias: None } => Some(from),
        _ => None,
    }
}

fn set_arguments(operand: &mut Operand, bound: Vec<Typed>) {
    if let Operand::Source(source) = operand
        && let SourceKind::Virtual { arguments, .. } = &mut source.kind
    {
        *arguments = bound.into_iter().map(|argument| argument.expr).collect();
    }
}

pub(super) fn index_hint(indexed: Option<&ast::Indexed>, table: &Table) -> Result<IndexHint> {
    Ok(match indexed {
        None => IndexHint::Free,
        Some(ast::Indexed::Not) => IndexHint::NotIndexed,
        Some(ast::Indexed::By(name)) => {
            let index = table.indexes.iter().find(|index| name.is(&index.name));
            index
                .map(|_| IndexHint::By(name.as_str().into()))
                .ok_or_else(|| no_such_index(name))?
        }
    })
}

fn no_such_index(name: &Ident) -> Error {
    Error::sql_at(format!("no such index: {name}"), name.span().start as usize)
}

/// A name in small letters, for the schema's maps.
pub(in crate::plan) fn fold(name: &str) -> std::borrow::Cow<'_, str> {
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => name.to_ascii_lowercase().into(),
        false => name.into(),
    }
}

/// The columns as a table's: names that occur twice get a number.
pub(super) fn unique_names(columns: &[OutputColumn]) -> Rc<[OutputColumn]> {
    let mut unique: Vec<OutputColumn> = Vec::with_capacity(columns.len());
    let mut taken = TakenNames::new(columns.len());
    for column in columns {
        let mut column = column.clone();
        if let Some(name) = column.inner_name.take() {
            column.name = *name;
        }
        column.name = numbered(&column.name, |name| {
            taken.take(name, || unique.iter().map(|known| &*known.name))
        });
        unique.push(column);
    }
    unique.into()
}

/// The name itself, or with the first number that makes it free. A number that it bears already goes.
pub(super) fn numbered(name: &EcoString, mut take: impl FnMut(&str) -> bool) -> EcoString {
    if take(name) {
        return name.clone();
    }
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let stem = &name[..name.len() - digits];
    let stem = stem
        .strip_suffix(':')
        .filter(|stem| !stem.is_empty())
        .unwrap_or(name);
    let mut number = 1_u64;
    loop {
        let numbered = format!("{stem}:{number}");
        if take(&numbered) {
            return EcoString::from(numbered);
        }
        number += 1;
    }
}

/// The names that are in use: a few are compared one by one, many are hashed.
pub(super) struct TakenNames {
    hashed: Option<FxHashSet<String>>,
}

impl TakenNames {
    pub(super) fn new(count: usize) -> TakenNames {
        TakenNames {
            hashed: (count > 16).then(FxHashSet::default),
        }
    }

    /// Takes a name; `false` when it is in use.
    pub(super) fn take<'n, I: Iterator<Item = &'n str>>(
        &mut self,
        name: &str,
        known: impl FnOnce() -> I,
    ) -> bool {
        match &mut self.hashed {
            Some(names) => names.insert(name.to_ascii_lowercase()),
            None => !known().any(|own| own.eq_ignore_ascii_case(name)),
        }
    }
}
