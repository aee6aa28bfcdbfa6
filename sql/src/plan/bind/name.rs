//! Names of columns: `c`, `t.c`, `s.t.c`, aliases, rowids, NEW and OLD, and what is left when nothing is found.

use ecow::EcoString;

use super::Binder;
use super::scope::{Clause, Scope, ScopeSource};
use super::typed::{Kind, Typed};
use crate::catalog::{Table, name_key};
use crate::error::{Error, Result};
use crate::plan::expr::Register;
use crate::plan::logical::{OuterKind, Scalar, TableId};
use crate::plan::uses::Uses;
use crate::syntax::ast::{self, Quote, Span};
use crate::value::{Affinity, Text, Value};

/// A column's name with what qualifies it.
#[derive(Clone, Copy)]
pub(super) struct ColumnName<'n> {
    pub schema: Option<&'n str>,
    pub table: Option<&'n str>,
    pub column: &'n str,
    pub span: Span,
}

/// What a search in one scope found.
enum Found {
    Nothing,
    Column(TableId, Option<usize>),
    /// The merged column of a FULL JOIN: the first that is not NULL.
    Merged(Vec<(TableId, usize)>),
    Ambiguous,
}

/// What a name means: a column of a table (`None`: its rowid), which most names mean, or something else.
enum Place {
    Column(TableId, Option<usize>),
    Value(Box<Typed>),
}

impl<'a> Binder<'a> {
    /// Binds `name` standing alone.
    pub(super) fn name(&mut self, name: &'a ast::Ident) -> Result<Typed> {
        if name.quote() == Quote::Single {
            return Ok(string(&name.text));
        }
        let wanted = ColumnName {
            schema: None,
            table: None,
            column: &name.text,
            span: name.span(),
        };
        let found = self.find(wanted)?;
        if let (Some(uses), Some(place)) = (self.uses, &found) {
            self.note_column(uses, place, None, name);
        }
        if let Some(place) = found {
            return self.at(place);
        }
        if name.quote() == Quote::Double && self.context.settings.double_quoted_strings {
            if let Some(uses) = self.uses {
                uses.note_string(name.span());
            }
            return Ok(string(&name.text));
        }
        if name.quote() == Quote::None
            && let Some(truth) = truth_value(&name.text)
        {
            return Ok(Typed::plain(Scalar::integer(i64::from(truth))));
        }
        if name.quote() == Quote::Double {
            let message =
                format!("no such column: \"{name}\" - should this be a string literal in single-quotes?");
            return Err(Error::sql_at(message, name.span().start as usize));
        }
        Err(no_such_column(wanted))
    }

    /// Binds `table.column` and `schema.table.column`.
    #[inline]
    pub(super) fn qualified_name(&mut self, name: &'a ast::QualifiedName, span: Span) -> Result<Typed> {
        match self.plain_column(name) {
            Some(column) => Ok(column),
            None => self.any_qualified_name(name, span),
        }
    }

    /// `table.column` of a table of the schema, where only one of the innermost scope goes by that name and nobody wants to know of it:
    /// so are nearly all names. `None` where it takes more than that to tell.
    fn plain_column(&self, name: &ast::QualifiedName) -> Option<Typed> {
        let scope = self.scopes.last()?;
        let watched = self.uses.is_some() || self.asker.is_some();
        if name.schema.is_some() || watched || scope.clause.is_of_schema() {
            return None;
        }
        let (table, wanted) = (&*name.table.text, &*name.column.text);
        let key = name_key(table);
        let mut one = None;
        for source in &scope.sources {
            let named = source.is_called(table, key);
            if !source.inner.is_empty() || named && one.is_some() {
                return None;
            }
            if named {
                one = Some(source.table);
            }
        }
        let id = one?;
        let entry = self.tables.get(id);
        let base = entry.base().filter(|_| !entry.untyped)?;
        let index = base.find_column(wanted)?;
        if base.rowid_alias == Some(index) {
            return Some(Typed {
                expr: Scalar::rowid(id),
                affinity: Some(Affinity::Integer),
                collation: None,
                explicit: false,
            });
        }
        let column = &base.columns[index];
        column.generated.is_none().then(|| Typed {
            expr: Scalar::column(id, index),
            affinity: Some(column.affinity),
            collation: Some(column.collation.clone()),
            explicit: false,
        })
    }

    #[inline(never)]
    fn any_qualified_name(&mut self, name: &'a ast::QualifiedName, span: Span) -> Result<Typed> {
        self.check_dot(span)?;
        let wanted = ColumnName {
            schema: name.schema.as_deref().map(ast::Ident::as_str),
            table: Some(&name.table.text),
            column: &name.column.text,
            span,
        };
        let found = self.find(wanted)?;
        if let (Some(uses), Some(place)) = (self.uses, &found) {
            self.note_column(uses, place, Some(&name.table), &name.column);
        }
        match found {
            Some(place) => self.at(place),
            None => Err(no_such_column(wanted)),
        }
    }

    /// Tells who asks what a column's name and the one before it stand for.
    #[inline(never)]
    fn note_column(&self, uses: &Uses, place: &Place, qualifier: Option<&ast::Ident>, column: &ast::Ident) {
        let Some(qualifier) = qualifier else {
            if let Place::Column(id, index) = place
                && let Some(table) = self.tables.get(*id).base()
            {
                uses.note_column(table, *index, column.span());
            }
            return;
        };
        match place {
            Place::Column(id, index) => {
                let Some(table) = self.tables.get(*id).base() else {
                    return;
                };
                uses.note_column(table, *index, column.span());
                if self.unaliased.contains(id) {
                    uses.note_table(table, qualifier.span());
                }
            }
            Place::Value(_) => {
                let rows = self
                    .context
                    .trigger
                    .filter(|_| qualifier.is("new") || qualifier.is("old"));
                if let Some(rows) = rows {
                    uses.note_column(rows.table, rows.table.column(column.as_str()), column.span());
                }
            }
        }
    }

    /// Tells who asks that a name stands for a table, under whose own name the statement knows `unaliased` then.
    #[inline(never)]
    pub(super) fn note_table(
        &mut self,
        uses: &Uses,
        table: &Table,
        name: &ast::Ident,
        unaliased: Option<TableId>,
    ) {
        uses.note_table(table, name.span());
        self.unaliased.extend(unaliased);
    }

    fn check_dot(&self, span: Span) -> Result<()> {
        match self.clause() {
            Clause::IndexExpression | Clause::IndexFilter | Clause::Generated => {
                self.check_prohibited("the \".\" operator", span)
            }
            _ => Ok(()),
        }
    }

    /// Looks a column up in the scopes, innermost first, then in NEW and OLD.
    fn find(&mut self, name: ColumnName<'_>) -> Result<Option<Place>> {
        for level in (0..self.scopes.len()).rev() {
            match self.find_in_sources(&self.scopes[level], name) {
                Found::Nothing => {}
                Found::Ambiguous => return Err(ambiguous(name)),
                Found::Column(table, column) => return Ok(Some(Place::Column(table, column))),
                Found::Merged(columns) => {
                    let merged = self.merged_column(&columns)?;
                    return Ok(Some(Place::Value(Box::new(merged))));
                }
            }
            if name.table.is_none()
                && let Some(found) = self.find_alias(level, name)?
            {
                return Ok(Some(Place::Value(Box::new(found))));
            }
            if self.scopes[level].barrier {
                return Ok(None);
            }
        }
        let Some(mut found) = self.find_trigger_row(name) else {
            return Ok(None);
        };
        if self.asker.is_some() {
            found = self.asked_trigger_column(name.column, found)?;
        }
        Ok(Some(Place::Value(Box::new(found))))
    }

    /// What a name means.
    fn at(&mut self, place: Place) -> Result<Typed> {
        match place {
            Place::Column(table, column) => self.read_column(table, column),
            Place::Value(value) => Ok(*value),
        }
    }

    /// Looks a column up in the tables of one scope; the inner result is that of typing it.
    pub(super) fn find_only_in(
        &mut self,
        scope: &Scope,
        name: ColumnName<'_>,
    ) -> Result<Option<Result<Typed>>> {
        match self.find_in_sources(scope, name) {
            Found::Nothing => Ok(None),
            Found::Ambiguous => Err(ambiguous(name)),
            Found::Column(table, column) => Ok(Some(self.read_column(table, column))),
            Found::Merged(columns) => Ok(Some(self.merged_column(&columns))),
        }
    }

    /// The name of the column that `name` finds in a join in parentheses.
    pub(super) fn name_in_nested(&self, name: &ast::Expr) -> Option<EcoString> {
        let wanted = match &name.kind {
            ast::ExprKind::Name(own) => ColumnName {
                schema: None,
                table: None,
                column: &own.text,
                span: name.span,
            },
            ast::ExprKind::Qualified(own) => ColumnName {
                schema: own.schema.as_deref().map(ast::Ident::as_str),
                table: Some(&own.table.text),
                column: &own.column.text,
                span: name.span,
            },
            _ => return None,
        };
        for scope in self.scopes.iter().rev() {
            match self.find_in_sources(scope, wanted) {
                Found::Nothing if !scope.barrier => {}
                Found::Column(table, Some(column)) => {
                    let columns = self.tables.get(table).nested()?;
                    return Some(columns[column].name.clone());
                }
                _ => return None,
            }
        }
        None
    }

    #[inline(never)]
    fn find_in_sources(&self, scope: &Scope, name: ColumnName<'_>) -> Found {
        let mut found = Found::Nothing;
        for source in &scope.sources {
            let named = name.table.is_none_or(|table| same_name(&source.name, table));
            if !named && source.inner.is_empty() {
                continue;
            }
            let entry = self.tables.get(source.table);
            if let Some(columns) = entry.nested() {
                let mut hit = false;
                for (number, column) in columns.iter().enumerate() {
                    if !column.answers_to(name) {
                        continue;
                    }
                    found = match combine(found, source, name.column, number) {
                        Found::Ambiguous => return Found::Ambiguous,
                        found => found,
                    };
                    hit = true;
                    if column.merged {
                        break;
                    }
                }
                if hit || name.table.is_none() {
                    continue;
                }
            }
            if !named || name.schema.is_some() && !self.qualifies(source, name) {
                continue;
            }
            let Some(column) = entry.find_column(name.column) else {
                continue;
            };
            found = match combine(found, source, name.column, column) {
                Found::Ambiguous => return Found::Ambiguous,
                found => found,
            };
        }
        match found {
            Found::Nothing => self.find_rowid(scope, name),
            found => found,
        }
    }

    /// The rowid of the only table that `name` can mean.
    fn find_rowid(&self, scope: &Scope, name: ColumnName<'_>) -> Found {
        if !is_rowid_name(name.column) || !self.allows_rowid(scope) {
            return Found::Nothing;
        }
        let mut tables = scope.sources.iter().filter(|source| {
            let entry = self.tables.get(source.table);
            entry.has_rowid() && self.qualifies(source, name)
        });
        match (tables.next(), tables.next()) {
            (Some(source), None) => Found::Column(source.table, None),
            (Some(_), Some(_)) => Found::Ambiguous,
            (None, _) => Found::Nothing,
        }
    }

    fn allows_rowid(&self, scope: &Scope) -> bool {
        !matches!(scope.clause, Clause::Generated | Clause::IndexExpression)
    }

    fn qualifies(&self, source: &ScopeSource, name: ColumnName<'_>) -> bool {
        let table_fits = name.table.is_none_or(|table| same_name(&source.name, table));
        table_fits
            && name.schema.is_none_or(|schema| {
                source.database.is_some_and(|database| {
                    self.context.databases[database].name.eq_ignore_ascii_case(schema)
                })
            })
    }

    fn find_alias(&mut self, level: usize, name: ColumnName<'_>) -> Result<Option<Typed>> {
        if self.scopes[level].clause == Clause::From && level + 1 == self.scopes.len() {
            return self.alias_ahead(level, name.column);
        }
        let scope = &self.scopes[level];
        let Some(alias) = scope
            .aliases
            .iter()
            .find(|alias| alias.name.eq_ignore_ascii_case(name.column))
        else {
            return Ok(None);
        };
        let Some(output) = scope.outputs.get(alias.output) else {
            return Ok(None);
        };
        self.check_alias(scope, output, &alias.name, name.span)?;
        Ok(Some(output.clone()))
    }

    /// A result column that an ON clause names by its alias.
    fn alias_ahead(&mut self, level: usize, name: &str) -> Result<Option<Typed>> {
        let written = self.written.iter().position(|(own, _)| *own == level);
        let Some(place) = written else { return Ok(None) };
        let named = |result: &&'a ast::ResultColumn| matches!(result, ast::ResultColumn::Expr { alias: Some(alias), .. } if alias.is(name));
        let Some(ast::ResultColumn::Expr { expr, .. }) = self.written[place].1.iter().find(named) else {
            return Ok(None);
        };
        // Taken away meanwhile: an alias cannot be explained by itself.
        let taken = self.written.remove(place);
        let typed = self.expr(expr);
        self.written.insert(place, taken);
        typed.map(Some)
    }

    /// An alias must not bring an aggregate or window function where none may stand.
    fn check_alias(&self, scope: &Scope, output: &Typed, alias: &str, span: Span) -> Result<()> {
        if scope.results.is_none() && scope.windows.is_empty() {
            return Ok(());
        }
        let mut aggregate = None;
        let mut window = false;
        output.expr.any(&mut |part| {
            if let Scalar::Column(column) = part {
                if Some(column.table) == scope.results {
                    aggregate = column.column.index();
                }
                window |= scope.windows.iter().any(|group| group.results == column.table);
            }
            false
        });
        let at = span.start as usize;
        match (aggregate, scope.clause) {
            (None, _) | (_, Clause::Having | Clause::OrderBy | Clause::Projection) => {}
            (Some(number), Clause::Where | Clause::From) => {
                let name = &scope.aggregates[number].function.name;
                return Err(Error::sql_at(format!("misuse of aggregate: {name}()"), at));
            }
            (_, Clause::GroupBy) => {
                let message = "aggregate functions are not allowed in the GROUP BY clause";
                return Err(Error::sql_at(message, at));
            }
            _ => return Err(Error::sql_at(format!("misuse of aliased aggregate {alias}"), at)),
        }
        match window && scope.clause != Clause::OrderBy {
            true => Err(Error::sql_at(
                format!("misuse of aliased window function {alias}"),
                at,
            )),
            false => Ok(()),
        }
    }

    fn find_trigger_row(&self, name: ColumnName<'_>) -> Option<Typed> {
        let trigger = self.context.trigger?;
        let (None, Some(row)) = (name.schema, name.table) else {
            return None;
        };
        let first = match row {
            row if row.eq_ignore_ascii_case("new") => trigger.new?,
            row if row.eq_ignore_ascii_case("old") => trigger.old?,
            _ => return None,
        };
        let column = trigger
            .table
            .columns
            .iter()
            .position(|c| c.name.eq_ignore_ascii_case(name.column));
        let column = match column {
            Some(column) => Some(column),
            None if is_rowid_name(name.column) && trigger.table.has_rowid() => None,
            None => return None,
        };
        let register: Register = Self::trigger_register(first, trigger.table, column);
        let expr = Scalar::Register(register);
        Some(match column {
            Some(column) if trigger.table.rowid_alias != Some(column) => {
                let column = &trigger.table.columns[column];
                let collation = Some(column.collation.clone());
                Typed {
                    expr,
                    affinity: trigger.typed.then_some(column.affinity),
                    collation,
                    explicit: false,
                }
            }
            _ => Typed {
                expr,
                affinity: Some(Affinity::Integer),
                collation: None,
                explicit: false,
            },
        })
    }

    /// The column of a table that the statement names.
    pub(super) fn read_column(&mut self, table: TableId, column: Option<usize>) -> Result<Typed> {
        let typed = self.table_column(table, column)?;
        match &self.asker {
            None => Ok(typed),
            Some(_) => self.asked_column(table, column, typed),
        }
    }

    /// The column of a table as an expression; `None` is the rowid.
    pub(super) fn table_column(&mut self, table: TableId, column: Option<usize>) -> Result<Typed> {
        let entry = self.tables.get(table);
        let column = column.filter(|_| column != entry.base().and_then(|base| base.rowid_alias));
        let Some(index) = column else {
            let expr = Scalar::rowid(table);
            return Ok(Typed {
                expr,
                affinity: (!entry.untyped).then_some(Affinity::Integer),
                collation: None,
                explicit: false,
            });
        };
        if let Some(columns) = entry.nested() {
            return Ok(columns[index].typed.clone());
        }
        let (affinity, collation) = entry.column_type(index);
        self.bind_generated(table, index)?;
        Ok(Typed {
            expr: Scalar::column(table, index),
            affinity,
            collation,
            explicit: false,
        })
    }

    pub(super) fn merged_column(&mut self, columns: &[(TableId, usize)]) -> Result<Typed> {
        let mut parts = Vec::with_capacity(columns.len());
        let mut kind = Kind::default();
        for (n, &(table, column)) in columns.iter().enumerate() {
            let part = self.read_column(table, Some(column))?;
            if n == 0 {
                // SQLite gives the merged column the type of its leftmost part.
                kind = part.kind();
            }
            parts.push(part.expr);
        }
        Ok(kind.of(Scalar::Coalesce(parts)))
    }

    /// Whether an expression is `TRUE` or `FALSE`: a bare word that no column goes by, whatever COLLATE says of it.
    pub(super) fn truth_literal(&mut self, mut expr: &'a ast::Expr) -> Option<bool> {
        while let ast::ExprKind::Collate { operand, .. } = &expr.kind {
            expr = operand;
        }
        let ast::ExprKind::Name(name) = &expr.kind else {
            return None;
        };
        let truth = truth_value(&name.text).filter(|_| name.quote() == Quote::None)?;
        let wanted = ColumnName {
            schema: None,
            table: None,
            column: &name.text,
            span: name.span(),
        };
        match self.find(wanted) {
            Ok(None) => Some(truth),
            _ => None,
        }
    }
}

/// What was found so far and another column of that name.
#[inline]
fn combine(before: Found, source: &ScopeSource, name: &str, column: usize) -> Found {
    if matches!(before, Found::Nothing) {
        return Found::Column(source.table, Some(column));
    }
    match (before, source.shares(name)) {
        (_, false) => Found::Ambiguous,
        (before, true) => match source.outer {
            None | Some(OuterKind::Left) => before,
            Some(OuterKind::Right) => Found::Column(source.table, Some(column)),
            Some(OuterKind::Full) => merge(before, source.table, column),
        },
    }
}

fn merge(before: Found, table: TableId, column: usize) -> Found {
    match before {
        Found::Column(first, Some(first_column)) => {
            Found::Merged(vec![(first, first_column), (table, column)])
        }
        Found::Merged(mut columns) => {
            columns.push((table, column));
            Found::Merged(columns)
        }
        _ => Found::Column(table, Some(column)),
    }
}

/// Whether two names are one. Most pairs differ in length or in the first byte, which is seen without a call.
#[inline]
pub(super) fn same_name(one: &str, other: &str) -> bool {
    // Names are short and mostly differ at once: a call would cost more than the comparison.
    let mut pairs = one.bytes().zip(other.bytes());
    one.len() == other.len() && pairs.all(|(a, b)| a == b || a.eq_ignore_ascii_case(&b))
}

/// The names that every rowid answers to.
pub(in crate::plan) fn is_rowid_name(name: &str) -> bool {
    ["rowid", "_rowid_", "oid"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
}

fn truth_value(name: &str) -> Option<bool> {
    match name {
        n if n.eq_ignore_ascii_case("true") => Some(true),
        n if n.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn string(text: &EcoString) -> Typed {
    Typed::plain(Scalar::Literal(Value::Text(Text::from(&**text))))
}

fn written(name: ColumnName<'_>) -> String {
    let parts = name.schema.into_iter().chain(name.table).chain([name.column]);
    parts.collect::<Vec<_>>().join(".")
}

fn no_such_column(name: ColumnName<'_>) -> Error {
    Error::sql_at(
        format!("no such column: {}", written(name)),
        name.span.start as usize,
    )
}

fn ambiguous(name: ColumnName<'_>) -> Error {
    Error::sql_at(
        format!("ambiguous column name: {}", written(name)),
        name.span.start as usize,
    )
}
