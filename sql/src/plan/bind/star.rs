//! `*` and `t.*`, and the names of result columns.

use ecow::EcoString;

use super::Binder;
use super::typed::Typed;
use crate::error::{Error, Result};
use crate::plan::logical::{ColumnRef, OuterKind, OutputColumn, Scalar};
use crate::syntax::ast::{self, ExprKind, Ident};

impl<'a> Binder<'a> {
    /// Binds a list of result columns in the innermost scope.
    pub(super) fn result_columns(
        &mut self,
        list: &'a [ast::ResultColumn],
        columns: &mut Vec<OutputColumn>,
    ) -> Result<Vec<Typed>> {
        let mut bound = Vec::with_capacity(list.len());
        *columns = Vec::with_capacity(list.len());
        // Names in a join in parentheses follow rules of their own, so those are left to [`default_name`](Self::default_name).
        let plain = self.scopes.len() == 1 && self.scope_has_no_nested();
        for result in list {
            match result {
                ast::ResultColumn::Star(span) => {
                    if self.scope().sources.is_empty() {
                        return Err(Error::sql_at("no tables specified", span.start as usize));
                    }
                    self.star(None, &mut bound, columns)?;
                }
                ast::ResultColumn::TableStar { table, .. } => {
                    self.star(Some(table), &mut bound, columns)?;
                }
                ast::ResultColumn::Expr {
                    expr, alias, text, ..
                } => {
                    let typed = self.expr(expr)?;
                    let name = match alias {
                        Some(alias) => Some(&alias.text),
                        None if plain => self.name_as_declared(expr, &typed.expr),
                        None => None,
                    };
                    columns.push(match name {
                        Some(name) => self.output(&typed, name.clone()),
                        None => self.unnamed(expr, text, &typed),
                    });
                    bound.push(typed);
                }
            }
        }
        match bound.len() > self.context.settings.columns_max {
            true => Err(Error::sql("too many columns in result set")),
            false => Ok(bound),
        }
    }

    /// The name of a column that is written as it was declared, as nearly all are.
    fn name_as_declared<'e>(&self, expr: &'e ast::Expr, bound: &Scalar) -> Option<&'e EcoString> {
        let written = match &expr.kind {
            ExprKind::Name(name) => name,
            ExprKind::Qualified(name) => &name.column,
            _ => return None,
        };
        let column = bound.as_column()?;
        let base = self.tables.get(column.table).base()?;
        let declared = &base
            .columns
            .get(column.column.index().or(base.rowid_alias)?)?
            .name;
        let own = written.text.bytes();
        (own.len() == declared.len() && own.eq(declared.bytes())).then_some(&written.text)
    }

    fn scope_has_no_nested(&self) -> bool {
        let mut sources = self.scopes.iter().flat_map(|scope| &scope.sources);
        sources.all(|source| source.inner.is_empty())
    }

    /// The output column of an expression that has no alias.
    #[inline(never)]
    fn unnamed(&self, expr: &ast::Expr, text: &ast::SourceText, typed: &Typed) -> OutputColumn {
        let name = self.default_name(expr, &typed.expr, || written(expr, text));
        let mut column = self.output(typed, name);
        let inner_name = match &expr.kind {
            ExprKind::Collate { operand, .. } => match &without_collation(operand).kind {
                ExprKind::Name(written) => Some(written.text.clone()),
                ExprKind::Qualified(written) => Some(written.column.text.clone()),
                _ => Some(written(expr, text)),
            },
            ExprKind::Name(written) => own_name(written, &column.name),
            ExprKind::Qualified(written) => own_name(&written.column, &column.name),
            _ => None,
        };
        column.inner_name = inner_name.map(Box::new);
        column
    }

    /// Every column of the scope's tables.
    pub(super) fn all_columns(&mut self) -> Result<(Vec<Scalar>, Vec<OutputColumn>)> {
        let (mut bound, mut columns) = (Vec::new(), Vec::new());
        self.star(None, &mut bound, &mut columns)?;
        Ok((bound.into_iter().map(|typed| typed.expr).collect(), columns))
    }

    fn star(
        &mut self,
        table: Option<&Ident>,
        bound: &mut Vec<Typed>,
        columns: &mut Vec<OutputColumn>,
    ) -> Result<()> {
        let level = self.scopes.len() - 1;
        let mut matched = false;
        for place in 0..self.scopes[level].sources.len() {
            let source = &self.scopes[level].sources[place];
            let id = source.table;
            let nested = self.tables.get(id).nested().cloned();
            if nested.is_none() && table.is_some_and(|table| !table.is(&source.name)) {
                continue;
            }
            for index in 0..self.tables.get(id).width() {
                let entry = self.tables.get(id);
                let listed = match (&nested, table) {
                    (Some(columns), Some(table)) => columns[index].is_of_table(&table.text),
                    (Some(columns), None) => !columns[index].unlisted,
                    (None, _) => !entry.is_hidden(index),
                };
                if !listed {
                    matched |= nested.is_none();
                    continue;
                }
                matched = true;
                if let (Some(uses), Some(named), Some(base)) = (self.uses, table, self.tables.get(id).base())
                    && self.unaliased.contains(&id)
                {
                    uses.note_table(base, named.span());
                }
                let entry = self.tables.get(id);
                let name = EcoString::from(entry.column_name(index));
                let source = &self.scopes[level].sources[place];
                let typed = match table {
                    None if place > 0 && source.shares(&name) => continue,
                    None if self.is_merged(level, place, &name) => self.merged(level, &name)?,
                    _ => self.read_column(id, Some(index))?,
                };
                columns.push(OutputColumn {
                    expanded: true,
                    ..self.output(&typed, name)
                });
                bound.push(typed);
            }
        }
        match table {
            Some(table) if !matched => Err(Error::sql_at(
                format!("no such table: {table}"),
                table.span().start as usize,
            )),
            _ => Ok(()),
        }
    }

    /// Whether the column is left of a RIGHT or FULL JOIN, and shared further right.
    fn is_merged(&self, level: usize, place: usize, name: &str) -> bool {
        let right = &self.scopes[level].sources[place + 1..];
        right.iter().any(|source| source.shares(name))
            && right
                .iter()
                .any(|source| matches!(source.outer, Some(OuterKind::Right | OuterKind::Full)))
    }

    /// The output column of an expression under a name.
    pub(super) fn output(&self, typed: &Typed, name: EcoString) -> OutputColumn {
        OutputColumn {
            name,
            inner_name: None,
            affinity: typed.affinity,
            collation: typed.collation.clone(),
            explicit: typed.explicit,
            expanded: false,
            origin: self.origin(&typed.expr),
        }
    }

    fn origin(&self, expr: &Scalar) -> Option<crate::plan::physical::ColumnOrigin> {
        match expr {
            Scalar::Column(ColumnRef { table, column }) => self.tables.get(*table).origin(column.index()),
            Scalar::Query { query, column } => query.columns.get(*column)?.origin.clone(),
            _ => None,
        }
    }

    /// The name of a result column without alias: a column's own name, else the text as written.
    fn default_name(&self, expr: &ast::Expr, bound: &Scalar, text: impl FnOnce() -> EcoString) -> EcoString {
        let named = matches!(expr.kind, ExprKind::Name(_) | ExprKind::Qualified(_));
        let in_nested =
            |scope: &super::scope::Scope| scope.sources.iter().any(|source| !source.inner.is_empty());
        if named
            && self.scopes.iter().any(in_nested)
            && let Some(name) = self.name_in_nested(expr)
        {
            return name;
        }
        let written = match &expr.kind {
            ExprKind::Name(name) => name,
            ExprKind::Qualified(name) => &name.column,
            _ => return text(),
        };
        let Scalar::Column(column) = bound else {
            return text();
        };
        let entry = self.tables.get(column.table);
        let rowid_alias = || entry.base().and_then(|table| table.rowid_alias);
        let name = match column.column.index().or_else(rowid_alias) {
            Some(index) => entry.column_name(index),
            None => "rowid",
        };
        // Mostly it is written as it was declared, and the text is there already.
        match written.text.bytes().eq(name.bytes()) {
            true => written.text.clone(),
            false => EcoString::from(name),
        }
    }
}

/// The name as it is written, where that is not how the column is shown.
fn own_name(written: &Ident, shown: &str) -> Option<EcoString> {
    (!written.text.bytes().eq(shown.bytes())).then(|| written.text.clone())
}

/// The text of a result column.
fn written(expr: &ast::Expr, text: &ast::SourceText) -> EcoString {
    match &expr.kind {
        ExprKind::Qualified(name) if text.is_empty() => {
            EcoString::from(format!("{}.{}", name.table, name.column))
        }
        _ => text.shared(),
    }
}

/// The expression under its COLLATE operators.
fn without_collation(mut expr: &ast::Expr) -> &ast::Expr {
    while let ExprKind::Collate { operand, .. } = &expr.kind {
        expr = operand;
    }
    expr
}
