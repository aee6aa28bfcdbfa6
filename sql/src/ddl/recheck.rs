//! Whether the views and triggers of a schema still mean something.
//!
//! ALTER TABLE asks before it changes anything, so that it does not rewrite texts that are wrong already, and again afterwards. Temporary
//! objects may refer to tables of any database, so they are asked whichever it is. PRAGMA legacy_alter_table and
//! PRAGMA writable_schema turn this off.

use aludel_storage::btree::TableCursor;
use aludel_storage::format::PageNo;
use aludel_storage::format::ValueRef;
use aludel_storage::format::record::RecordView;

use super::Definer;
use super::drop::TEMP;
use crate::catalog::utf8_of;
use crate::error::{Error, Result};
use crate::plan;
use crate::syntax;
use crate::syntax::ast::{CreateTrigger, Statement, TriggerStep};

/// A row of the schema table.
pub(super) struct SchemaText {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) table: String,
    pub(super) sql: Option<String>,
}

impl SchemaText {
    /// What is wrong with the text, if anything is: the error, or nothing to say of a text that defines nothing.
    fn fault(&self) -> Option<String> {
        let starts_with = |text: &str, start: &str| {
            let head = text.get(..start.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(start))
        };
        let sql = self
            .sql
            .as_deref()
            .filter(|_| !starts_with(&self.name, "sqlite_"))?;
        if !starts_with(sql, "create ") {
            return Some(String::new());
        }
        match syntax::parse_one(sql.as_bytes()) {
            Ok(parsed) => match parsed.statement {
                Statement::CreateTable(_)
                | Statement::CreateIndex(_)
                | Statement::CreateView(_)
                | Statement::CreateTrigger(_)
                | Statement::CreateVirtualTable(_) => None,
                _ => Some(String::new()),
            },
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Definer<'_> {
    /// # Errors
    /// `error in view v after rename: no such column: c`; `when` is what stands after the name, or empty.
    pub(super) fn recheck(&mut self, database: usize, when: &str) -> Result<()> {
        if self.state.settings.legacy_alter_table || self.state.settings.writable_schema {
            return Ok(());
        }
        let homes = if database == TEMP {
            vec![TEMP]
        } else {
            vec![database, TEMP]
        };
        for home in homes {
            for (kind, name) in self.views_and_triggers(home)? {
                self.recheck_object(home, kind, &name).map_err(|error| {
                    let space = if when.is_empty() { "" } else { " " };
                    Error::sql(format!("error in {kind} {name}{space}{when}: {error}"))
                })?;
            }
        }
        Ok(())
    }

    fn recheck_object(&mut self, home: usize, kind: &str, name: &str) -> Result<()> {
        let found = self.state.connecting(|state| {
            let schema = &state.databases[home].schema;
            match (kind, schema.view(name), schema.trigger(name)) {
                ("view", Some(view), _) => {
                    state.with_plan_context(|context| plan::check_view(home, view, context))
                }
                ("trigger", _, Some(trigger)) => {
                    state.with_plan_context(|context| state.check_trigger(home, trigger, context))
                }
                _ => Ok(()),
            }
        });
        // That a table, or a column of it, cannot be written is found out when the trigger fires, and a connection need not have all
        // functions.
        let trigger = self.state.databases[home].schema.trigger(name);
        let sets = |column: &str| trigger.is_some_and(|trigger| sets_column(&trigger.definition, column));
        found.or_else(|error| match error.to_string() {
            words if words.strip_prefix("no such column: ").is_some_and(sets) => Ok(()),
            words
                if words.starts_with("cannot modify")
                    || words.ends_with("may not be modified")
                    || words.starts_with("no such function")
                    || words.starts_with("misuse of window function")
                    || words.ends_with("values were supplied") =>
            {
                Ok(())
            }
            _ => Err(error),
        })
    }

    /// In the order of the schema table.
    fn views_and_triggers(&self, database: usize) -> Result<Vec<(&'static str, String)>> {
        let schema = &self.state.databases[database].schema;
        let mut objects = Vec::new();
        if schema.views.is_empty() && schema.triggers.is_empty() {
            return Ok(objects);
        }
        self.each_text(database, |text| {
            let kind = match &*text.kind {
                "view" => Some("view"),
                "trigger" => Some("trigger"),
                _ => None,
            };
            objects.extend(kind.map(|kind| (kind, text.name)));
            Ok(())
        })?;
        Ok(objects)
    }

    /// Whether the texts that renaming a table goes through can be read: whoever may write the schema table may have written anything
    /// there.
    ///
    /// # Errors
    /// `error in table t: near "x": syntax error`; [`Error::Corrupt`] for a text that defines nothing.
    pub(super) fn check_texts_of(&self, database: usize, table: &str) -> Result<()> {
        self.each_text(database, |text| {
            let concerned = text.kind != "index" || text.table.eq_ignore_ascii_case(table);
            match text.fault().filter(|_| concerned) {
                None => Ok(()),
                Some(fault) if fault.is_empty() => Err(Error::Corrupt {
                    message: "database disk image is malformed".to_owned(),
                }),
                Some(_) if self.state.settings.writable_schema => Ok(()),
                Some(fault) => Err(Error::sql(format!(
                    "error in {} {}: {fault}",
                    text.kind, text.name
                ))),
            }
        })
    }

    /// Whether all texts can be read; `when` is what stands after the name, or empty.
    ///
    /// # Errors
    /// `error in index i after add column: near "x": syntax error`.
    pub(super) fn check_texts(&self, database: usize, when: &str) -> Result<()> {
        if self.state.settings.legacy_alter_table || self.state.settings.writable_schema {
            return Ok(());
        }
        self.each_text(database, |text| match text.fault() {
            None => Ok(()),
            Some(fault) => {
                let space = if when.is_empty() { "" } else { " " };
                let (kind, name) = (&text.kind, &text.name);
                Err(Error::sql(format!(
                    "error in {kind} {name}{space}{when}: {fault}"
                )))
            }
        })
    }

    /// Visits the rows of the schema table.
    pub(super) fn each_text(
        &self,
        database: usize,
        mut visit: impl FnMut(SchemaText) -> Result<()>,
    ) -> Result<()> {
        let database = &self.state.databases[database];
        let encoding = database.encoding();
        let text = |value: ValueRef<'_>| match value {
            ValueRef::Text(text) => Some(String::from_utf8_lossy(&utf8_of(text, encoding)).into_owned()),
            _ => None,
        };
        let mut spill = Vec::new();
        let mut cursor = TableCursor::new(PageNo::ONE);
        let mut more = cursor.first(&database.pager)?;
        while more {
            let view = RecordView::parse(cursor.payload(&database.pager, &mut spill)?)?;
            if let (Some(kind), Some(name)) = (text(view.column(0)?), text(view.column(1)?)) {
                visit(SchemaText {
                    kind,
                    name,
                    table: text(view.column(2)?).unwrap_or_default(),
                    sql: text(view.column(4)?),
                })?;
            }
            more = cursor.next(&database.pager)?;
        }
        Ok(())
    }
}

/// Whether a trigger has an UPDATE that sets a column of that name.
fn sets_column(trigger: &CreateTrigger, column: &str) -> bool {
    trigger.body.iter().any(|step| match step {
        TriggerStep::Update(update) => {
            let mut columns = update
                .assignments
                .iter()
                .flat_map(|assignment| &assignment.columns);
            columns.any(|own| own.is(column))
        }
        _ => false,
    })
}
