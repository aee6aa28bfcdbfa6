//! Where the text of a definition names a table, one of its columns, or a string in double quotes.
//!
//! What stands in expressions and queries is found by binding them ([`Uses`]); what is not bound (the definition's own name, lists of
//! columns, foreign keys, UPDATE OF) stands in the syntax tree with its place. Texts are read with the schema as it is before the change that
//! asks for the places.

use std::sync::Arc;

use super::Definer;
use super::recheck::SchemaText;
use crate::catalog::{Table, Trigger, View};
use crate::connection::State;
use crate::plan::{self, Named, PlanContext, TableExpression, Uses};
use crate::syntax;
use crate::syntax::ast::{
    ColumnConstraintKind, CreateIndex, CreateTable, CreateTableBody, CreateTrigger, CreateView, Expr,
    ExprKind, ForeignKey, Literal, OrderingTerm, Span, Statement, TableConstraintKind, TriggerEvent,
};

/// What PRAGMA legacy_alter_table leaves of renaming a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LegacyRename {
    /// The definition's own name.
    OwnName,
    /// And the parents of foreign keys.
    WithForeignKeys,
}

/// What is looked for.
pub(super) struct Search<'a> {
    pub(super) database: usize,
    pub(super) table: &'a Arc<Table>,
    pub(super) named: Named,
    pub(super) legacy: Option<LegacyRename>,
}

impl Definer<'_> {
    /// Where a text names what is looked for. One that cannot be read names nothing: whoever may write the schema table may have put anything
    /// there.
    pub(super) fn places(
        &mut self,
        home: usize,
        text: &SchemaText,
        sql: &str,
        search: &Search<'_>,
    ) -> Vec<Span> {
        let Ok(parsed) = syntax::parse_one(sql.as_bytes()) else {
            return Vec::new();
        };
        let same_home = home == search.database;
        let own = same_home && text.table.eq_ignore_ascii_case(&search.table.name);
        let mut places = match parsed.statement {
            Statement::CreateTable(create) if same_home => self.places_in_table(&create, sql, own, search),
            Statement::CreateIndex(create) if own => self.places_in_index(&create, search),
            Statement::CreateVirtualTable(create) if own && search.named == Named::Table => {
                vec![create.name.name.span()]
            }
            Statement::CreateView(create) if search.legacy.is_none() => {
                self.places_in_view(home, *create, search)
            }
            Statement::CreateTrigger(create) => self.places_in_trigger(home, text, *create, search),
            _ => Vec::new(),
        };
        places.sort_unstable_by_key(|span| span.start);
        places.dedup_by_key(|span| span.start);
        places
    }

    fn places_in_table(
        &mut self,
        create: &CreateTable,
        sql: &str,
        own: bool,
        search: &Search<'_>,
    ) -> Vec<Span> {
        let CreateTableBody::Columns {
            columns, constraints, ..
        } = &create.body
        else {
            return Vec::new();
        };
        let mut places = Vec::new();
        let mut bound: Vec<(&Expr, TableExpression)> = Vec::new();
        if own && search.named == Named::Table {
            places.push(create.name.name.span());
        }
        for column in columns {
            if own && search.is_column(column.name.as_str()) {
                places.push(column.name.span());
            }
            for constraint in &column.constraints {
                match &constraint.kind {
                    // The word after DEFAULT is a string by itself.
                    ColumnConstraintKind::Default(value)
                        if search.named == Named::String
                            && !value.parenthesized
                            && sql.as_bytes().get(value.expr.span.start as usize) == Some(&b'"') =>
                    {
                        places.push(value.expr.span);
                    }
                    ColumnConstraintKind::Check(check) => bound.push((&check.expr, TableExpression::Check)),
                    ColumnConstraintKind::Generated { expr, .. } => {
                        bound.push((expr, TableExpression::Generated));
                    }
                    ColumnConstraintKind::References(key) => search.in_parent(key, &mut places),
                    _ => {}
                }
            }
        }
        for constraint in constraints {
            match &constraint.kind {
                TableConstraintKind::PrimaryKey { columns, .. }
                | TableConstraintKind::Unique { columns, .. }
                    if own =>
                {
                    places.extend(columns.iter().filter_map(|term| search.plain_column(&term.expr)));
                }
                TableConstraintKind::Check(check) => bound.push((&check.expr, TableExpression::Check)),
                TableConstraintKind::ForeignKey {
                    columns, references, ..
                } => {
                    let named = columns
                        .iter()
                        .filter(|column| own && search.is_column(column.as_str()));
                    places.extend(named.map(|column| column.span()));
                    search.in_parent(references, &mut places);
                }
                _ => {}
            }
        }
        if own && search.legacy.is_none() {
            places.extend(self.bound_places(&bound, search));
        }
        places
    }

    fn places_in_index(&mut self, create: &CreateIndex, search: &Search<'_>) -> Vec<Span> {
        if search.named == Named::Table {
            return vec![create.table.span()];
        }
        let mut places = Vec::new();
        let mut bound: Vec<(&Expr, TableExpression)> = Vec::new();
        for OrderingTerm { expr, .. } in &create.columns {
            match search.plain_column(expr) {
                Some(place) => places.push(place),
                None => bound.push((expr, TableExpression::IndexColumn)),
            }
        }
        let filter = create.selection.iter();
        bound.extend(filter.map(|filter| (filter, TableExpression::IndexFilter)));
        places.extend(self.bound_places(&bound, search));
        places
    }

    /// Where expressions over the table's row name what is looked for.
    fn bound_places(&self, expressions: &[(&Expr, TableExpression)], search: &Search<'_>) -> Vec<Span> {
        self.uses(search, |context| {
            for (expression, place) in expressions {
                // What cannot be bound has names all the same, and was wrong before.
                let _ =
                    plan::bind_table_expression(expression, search.database, search.table, *place, context);
            }
        })
    }

    fn places_in_view(&self, home: usize, create: CreateView, search: &Search<'_>) -> Vec<Span> {
        let view = View {
            name: create.name.name.text.to_string(),
            columns: Vec::new(),
            select: Arc::new(*create.select),
            sql: String::new(),
        };
        self.uses(search, |context| {
            let _ = plan::check_view(home, &view, context);
        })
    }

    fn places_in_trigger(
        &mut self,
        home: usize,
        text: &SchemaText,
        create: CreateTrigger,
        search: &Search<'_>,
    ) -> Vec<Span> {
        let watches = text.table.eq_ignore_ascii_case(&search.table.name)
            && (home == search.database
                || self
                    .temporary_triggers(search.database, &search.table.name)
                    .contains(&text.name));
        let mut places = Vec::new();
        if watches && search.named == Named::Table {
            places.push(create.table.name.span());
        }
        if let (true, TriggerEvent::UpdateOf(columns)) = (watches, &create.event) {
            let named = columns.iter().filter(|column| search.is_column(column.as_str()));
            places.extend(named.map(|column| column.span()));
        }
        if search.legacy.is_none() {
            let trigger = Arc::new(Trigger {
                name: text.name.clone(),
                table: text.table.clone(),
                order: 0,
                definition: Arc::new(create),
                sql: String::new(),
            });
            let state: &State = self.state;
            places.extend(self.uses(search, |context| {
                let _ = state.check_trigger(home, &trigger, context);
            }));
        }
        places
    }

    /// What `bind` finds of the searchd.
    fn uses(&self, search: &Search<'_>, bind: impl FnOnce(&PlanContext<'_>)) -> Vec<Span> {
        let uses = Uses::of(search.table, search.named);
        self.state.with_plan_context(|context| {
            bind(&PlanContext {
                uses: Some(&uses),
                ..*context
            });
        });
        uses.into_spans()
    }
}

impl Search<'_> {
    fn is_column(&self, name: &str) -> bool {
        match self.named {
            Named::Table | Named::String => false,
            Named::Column(number) => self.table.columns[number].name.eq_ignore_ascii_case(name),
        }
    }

    /// The column that a term of a list is, if it is that one; what COLLATE says of it stands behind the name.
    fn plain_column(&self, term: &Expr) -> Option<Span> {
        match &term.kind {
            ExprKind::Name(name) => self.is_column(name.as_str()).then_some(name.span()),
            ExprKind::Literal(Literal::String(text)) => {
                let name = std::str::from_utf8(text).ok()?;
                self.is_column(name).then_some(term.span)
            }
            ExprKind::Collate { operand, .. } => self.plain_column(operand),
            _ => None,
        }
    }

    /// What REFERENCES names of it.
    fn in_parent(&self, key: &ForeignKey, places: &mut Vec<Span>) {
        if !key.table.is(&self.table.name) {
            return;
        }
        if self.named == Named::Table && self.legacy != Some(LegacyRename::OwnName) {
            places.push(key.table.span());
        }
        let named = key
            .columns
            .iter()
            .filter(|column| self.is_column(column.as_str()));
        places.extend(named.map(|column| column.span()));
    }
}
