//! A join in parentheses: `a JOIN (b JOIN c USING (k)) ON ..`.
//!
//! SQLite makes a subquery of it, `SELECT * FROM b JOIN c ..`, whose columns can also be called by the names of the tables inside. Here the
//! join stays a join, for the sake of its plan; only the names are those of such a subquery:
//!
//! ```text
//!   (t2(k, x) JOIN t3(k, y) USING (k))        name   called by        part of *
//!       the column that USING makes           k      k                yes
//!       t2.k                                  k:1    t2.k             no
//!       t2.x                                  x      x, t2.x          yes
//!       t3.k                                  k:2    t3.k             no
//!       t3.y                                  y      y, t3.y          yes
//! ```
//!
//! A join that stands first and without an alias is no unit: its tables are the clause's own.

use ecow::EcoString;
use std::rc::Rc;

use super::from::{Item, Operand, TakenNames, numbered};
use super::name::ColumnName;
use super::scope::{Clause, Scope, ScopeSource};
use super::typed::Typed;
use super::{Binder, TableColumns};
use crate::error::Result;
use crate::syntax::ast::{self, Ident, TableRef};

/// A column of a join in parentheses.
#[derive(Clone, Debug)]
pub(in crate::plan) struct NestedColumn {
    /// Its name, unlike all others.
    pub name: EcoString,
    /// The name that it has inside.
    own: EcoString,
    /// Database and table that qualify it; `None` for a column that USING makes.
    qualifier: Option<(EcoString, EcoString)>,
    /// USING makes it.
    pub merged: bool,
    /// `*` leaves it out, because USING shows it already.
    pub unlisted: bool,
    /// What it is.
    pub typed: Typed,
}

impl NestedColumn {
    /// Whether it is one of the table's.
    pub fn is_of_table(&self, table: &str) -> bool {
        self.qualifier
            .as_ref()
            .is_some_and(|(_, own)| own.eq_ignore_ascii_case(table))
    }

    /// Whether a name with the qualifiers of the tables inside means it.
    pub(super) fn answers_to(&self, name: ColumnName<'_>) -> bool {
        let (database, table) = match &self.qualifier {
            Some((database, table)) => (&**database, &**table),
            None => ("", ""),
        };
        self.own.eq_ignore_ascii_case(name.column)
            && name.table.is_none_or(|wanted| wanted.eq_ignore_ascii_case(table))
            && name
                .schema
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(database))
    }
}

/// The only table of a FROM, however many parentheses are around it.
pub(super) fn only_table(from: &ast::FromClause) -> Option<&TableRef> {
    match (&from.first, from.joins.is_empty()) {
        (TableRef::Parenthesized { from, alias: None }, true) => only_table(from),
        (table, true) => Some(table),
        _ => None,
    }
}

impl<'a> Binder<'a> {
    /// A join in parentheses that is a unit.
    #[inline(never)]
    pub(super) fn nested_from(
        &mut self,
        from: &'a ast::FromClause,
        alias: Option<&Ident>,
    ) -> Result<Item<'a>> {
        let (tree, (columns, scope)) =
            self.nested(|binder| binder.bind_from_clause(from, |binder| binder.nested_columns()))?;
        let name = alias.map_or_else(EcoString::default, |alias| alias.text.clone());
        let table = self.tables.add(name.clone(), TableColumns::Nested(columns));
        let mut inner = Vec::new();
        for source in &scope.sources {
            inner.push(source.table);
            inner.extend(&source.inner);
        }
        Ok(Item {
            operand: Operand::Tree(Box::new(tree)),
            visible: ScopeSource {
                inner: inner.into(),
                ..ScopeSource::new(table, None, name)
            },
            arguments: &[],
        })
    }

    /// The columns of the innermost scope as those of a unit.
    fn nested_columns(&mut self) -> Result<Rc<[NestedColumn]>> {
        let level = self.scopes.len() - 1;
        let mut columns = Vec::new();
        for place in 0..self.scopes[level].sources.len() {
            let next = self.scopes[level].sources.get(place + 1);
            let shared: Vec<EcoString> = next.map(|next| next.using.to_vec()).unwrap_or_default();
            for name in &shared {
                let typed = self.merged(level, name)?;
                columns.push(NestedColumn {
                    name: name.clone(),
                    own: name.clone(),
                    qualifier: None,
                    merged: true,
                    unlisted: false,
                    typed,
                });
            }
            self.columns_of_source(level, place, &shared, &mut columns)?;
        }
        tell_apart(&mut columns);
        Ok(columns.into())
    }

    fn columns_of_source(
        &mut self,
        level: usize,
        place: usize,
        shared: &[EcoString],
        columns: &mut Vec<NestedColumn>,
    ) -> Result<()> {
        let source = self.scopes[level].sources[place].clone();
        let database = source
            .database
            .map_or("*", |database| self.context.databases[database].name);
        let qualifier = (EcoString::from(database), source.name.clone());
        for index in 0..self.tables.get(source.table).width() {
            let entry = self.tables.get(source.table);
            if entry.is_hidden(index) {
                continue;
            }
            let name: EcoString = EcoString::from(entry.column_name(index));
            let inner = entry.nested().map(|nested| nested[index].clone());
            let unlisted = source.shares(&name)
                || shared.iter().any(|using| using.eq_ignore_ascii_case(&name))
                || inner.as_ref().is_some_and(|inner| inner.unlisted);
            let (own, qualifier) = match inner {
                Some(inner) => (inner.own, inner.qualifier),
                None => (name.clone(), Some(qualifier.clone())),
            };
            columns.push(NestedColumn {
                name,
                own,
                qualifier,
                merged: false,
                unlisted,
                typed: self.table_column(source.table, Some(index))?,
            });
        }
        Ok(())
    }

    /// The column that tables left of a RIGHT or FULL JOIN and the join's USING make together.
    pub(super) fn merged(&mut self, level: usize, name: &str) -> Result<Typed> {
        let mut probe = Scope::new(Clause::From);
        probe.sources = self.scopes[level].sources.clone();
        let wanted = ColumnName {
            schema: None,
            table: None,
            column: name,
            span: ast::Span::default(),
        };
        match self.find_only_in(&probe, wanted)? {
            Some(found) => found,
            None => Err(crate::error::Error::sql(format!("no such column: {name}"))),
        }
    }
}

/// Gives a number to names that occur before; one that USING has shown is no part of `*`.
fn tell_apart(columns: &mut [NestedColumn]) {
    let mut taken = TakenNames::new(columns.len());
    for place in 0..columns.len() {
        let (before, rest) = columns.split_at_mut(place);
        let column = &mut rest[0];
        let collides = before
            .iter()
            .find(|other| other.name.eq_ignore_ascii_case(&column.name));
        column.unlisted |= collides.is_some_and(|other| other.merged);
        column.name = numbered(&column.name, |name| {
            taken.take(name, || before.iter().map(|other| &*other.name))
        });
    }
}
