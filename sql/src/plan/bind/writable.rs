//! What INSERT, UPDATE and DELETE may write: tables, and views whose INSTEAD OF triggers do the work.
//!
//! A view has the shape of a table here ([`Table::is_view`]), so that the rest of a write need not know: its columns are those of its query,
//! without rowid, constraints or indexes.

use ecow::EcoString;
use std::sync::Arc;

use aludel_storage::format::PageNo;

use super::from::{Item, Relation, fold, index_hint, unique_names};
use super::{Binder, TableColumns};
use crate::catalog::{Column, Table, View};
use crate::error::{Error, Result};
use crate::plan::logical::{OutputColumn, Query, TableId};
use crate::plan::physical::DatabaseIndex;
use crate::syntax::ast::{self, ObjectName};
use crate::value::{Affinity, Collation, Value};

/// What a statement writes.
pub(super) struct Writable<'a> {
    pub database: DatabaseIndex,
    pub kind: WritableKind<'a>,
}

/// A table, or a view.
pub(super) enum WritableKind<'a> {
    Table(&'a Arc<Table>),
    /// A view that INSTEAD OF triggers write for: its row in the shape of a table's, and its rows.
    View(Arc<Table>, Box<Query>),
}

impl WritableKind<'_> {
    /// The table, or what has the shape of one.
    pub fn table(&self) -> &Arc<Table> {
        match self {
            WritableKind::Table(table) => table,
            WritableKind::View(table, _) => table,
        }
    }

    pub fn is_view(&self) -> bool {
        matches!(self, WritableKind::View(..))
    }
}

impl<'a> Binder<'a> {
    /// The row that a statement writes, as RETURNING and ON CONFLICT see it.
    pub(super) fn written_row(
        &mut self,
        database: DatabaseIndex,
        kind: &WritableKind<'a>,
        name: &str,
    ) -> TableId {
        let columns = match kind {
            WritableKind::Table(table) => TableColumns::Base { database, table },
            WritableKind::View(_, query) => TableColumns::Derived(unique_names(&query.columns)),
        };
        self.tables.add(EcoString::from(name), columns)
    }

    /// The rows that an UPDATE or DELETE looks through.
    pub(super) fn written_item(
        &mut self,
        writable: Writable<'a>,
        shown: &EcoString,
        indexed: Option<&'a ast::Indexed>,
    ) -> Result<Item<'a>> {
        match writable.kind {
            WritableKind::Table(table) => {
                let hint = index_hint(indexed, table)?;
                let item = self.table_item(writable.database, table, shown.clone(), hint);
                self.bind_indexes(item.visible.table)?;
                Ok(item)
            }
            WritableKind::View(_, query) => {
                Ok(self.query_item(*query, shown.clone(), Some(writable.database)))
            }
        }
    }

    /// Finds a table that may be written, or a view whose triggers take the event.
    pub(super) fn target(&mut self, name: &'a ObjectName, event: &ast::TriggerEvent) -> Result<Writable<'a>> {
        let place = name.span().start as usize;
        match self.find_relation(name)? {
            Some(Relation::Table(database, table)) => {
                let read_only = table.virtual_table.as_ref().is_some_and(|own| !own.is_writable());
                if read_only || is_schema_table(&table.name) && !self.context.settings.writable_schema {
                    return Err(Error::sql_at(
                        format!("table {} may not be modified", table.name),
                        place,
                    ));
                }
                let kind = WritableKind::Table(table);
                Ok(Writable { database, kind })
            }
            Some(Relation::View(database, view)) => {
                let mut triggers = self.context.triggers_on(database, &view.name);
                if !triggers.any(|(_, trigger)| intercepts(&trigger.definition, event)) {
                    return Err(Error::sql_at(
                        format!("cannot modify {} because it is a view", view.name),
                        place,
                    ));
                }
                let query = self.nested(|binder| {
                    binder.elsewhere(|binder| {
                        binder.on_behalf_of(&view.name, |binder| binder.view(database, view))
                    })
                })?;
                let table = row_of_view(view, &query);
                let kind = WritableKind::View(Arc::new(table), Box::new(query));
                Ok(Writable { database, kind })
            }
            Some(Relation::Unconnected(_)) | None => Err(self.no_such_table(name)),
        }
    }
}

/// Whether a trigger on a view takes an event. An UPDATE names the columns that it sets.
fn intercepts(trigger: &ast::CreateTrigger, event: &ast::TriggerEvent) -> bool {
    use ast::TriggerEvent::{Delete, Insert, Update, UpdateOf};
    match (&trigger.event, event) {
        (Insert, Insert) | (Delete, Delete) | (Update, UpdateOf(_)) => true,
        (UpdateOf(watched), UpdateOf(set)) => watched
            .iter()
            .any(|watched| set.iter().any(|set| set.is(&watched.text))),
        _ => false,
    }
}

/// The row of a view, for those who ask without a statement.
pub(in crate::plan) fn view_table<'a>(
    mut binder: Binder<'a>,
    database: DatabaseIndex,
    view: &'a View,
) -> Result<Table> {
    let query = binder.view(database, view)?;
    Ok(row_of_view(view, &query))
}

/// The row of a view in the shape of a table's.
fn row_of_view(view: &View, query: &Query) -> Table {
    let columns = unique_names(&query.columns);
    let column = |own: &OutputColumn| Column {
        name: own.name.to_string(),
        declared_type: own
            .origin
            .as_ref()
            .and_then(|origin| origin.declared_type())
            .or_else(|| own.affinity.map(type_of_affinity))
            .map(str::to_owned),
        affinity: own.affinity.unwrap_or(Affinity::Blob),
        collation: own.collation.clone().unwrap_or(Collation::Binary),
        not_null: None,
        default: None,
        default_text: None,
        missing_value: Value::Null,
        generated: None,
        primary_key: None,
        stored_at: None,
        hidden: false,
    };
    Table {
        name: view.name.clone(),
        root: PageNo::ONE,
        columns: columns.iter().map(column).collect(),
        rowid_alias: None,
        autoincrement: false,
        without_rowid: None,
        strict: false,
        is_view: true,
        indexes: Vec::new(),
        checks: Vec::new(),
        foreign_keys: Vec::new(),
        rowid_conflict: None,
        row_count: None,
        sql: String::new(),
        virtual_table: None,
        summary: Default::default(),
    }
}

/// The type that stands for an affinity where none was declared.
fn type_of_affinity(affinity: Affinity) -> &'static str {
    match affinity {
        Affinity::Blob => "BLOB",
        Affinity::Text => "TEXT",
        Affinity::Integer => "INT",
        Affinity::Real => "REAL",
        Affinity::Numeric => "NUM",
    }
}

fn is_schema_table(name: &str) -> bool {
    let folded = fold(name);
    matches!(
        &*folded,
        "sqlite_master" | "sqlite_schema" | "sqlite_temp_master" | "sqlite_temp_schema"
    )
}
