//! CREATE TABLE, CREATE VIEW, CREATE TRIGGER.

use std::fmt::Write;
use std::sync::Arc;

use aludel_storage::btree::{TableCursor, TreeKind, create_tree};
use aludel_storage::format::PageNo;

use super::Definer;
use super::drop::TEMP;
use super::names::quoted;
use super::schema_rows::NewRow;
use super::words::named_databases;
use crate::catalog::{Environment, SchemaRow, Table, automatic_indexes, fold, table_of};
use crate::error::{Error, Result};
use crate::exec::write::Failure;
use crate::exec::{Operator, build};
use crate::plan::{self, CompiledKind};
use crate::syntax::ast::{
    self, CreateTable, CreateTableBody, CreateTrigger, CreateView, Ident, Select, Statement,
};
use crate::value::{Affinity, Value, ValueRef, apply_affinity};

impl Definer<'_> {
    pub(super) fn create_table(&mut self, create: &CreateTable) -> Result<(), Failure> {
        let database = self.database_for(&create.name, create.temporary, "table")?;
        let name = create.name.name.as_str();
        if !self.is_free_for_relation(database, &create.name.name, create.if_not_exists)? {
            return Ok(());
        }
        match &create.body {
            CreateTableBody::Columns { .. } => {
                let text = self.text_of(create.definition);
                let sql = format!("CREATE TABLE {text}");
                let table = self.table_of(database, create, &sql)?;
                // CHECK constraints and generated columns have to mean something.
                let table = Arc::new(table);
                self.state
                    .with_plan_context(|context| plan::target_table(database, &table, context))?;
                let interrupt = self.interrupt;
                let (sql_text, parameters) = (self.sql, self.parameters);
                self.state.change(database, |state| {
                    let mut definer = Definer {
                        state,
                        sql: sql_text,
                        parameters,
                        interrupt,
                    };
                    definer.write_table(database, &table, &sql).map(|_| ())
                })
            }
            CreateTableBody::Select(select) => self.create_table_as(database, name, select),
        }
    }

    /// The statement's text from the object's name on, as sqlite_schema keeps it.
    pub(super) fn text_of(&self, span: ast::Span) -> String {
        String::from_utf8_lossy(span.of(self.sql.as_bytes())).into_owned()
    }

    fn table_of(&self, database: usize, create: &CreateTable, sql: &str) -> Result<Table> {
        let environment = self.environment(database)?;
        table_of(create, sql, PageNo::ONE, &environment)
    }

    /// What a new definition is read against.
    pub(super) fn environment(&self, database: usize) -> Result<Environment<'_>> {
        let header = self.state.databases[database].pager.header()?;
        Ok(Environment {
            encoding: header.encoding,
            schema_format: header.schema_format,
            collations: &self.state.collations,
            reading: false,
            columns_max: self.state.plan_settings(false).columns_max,
        })
    }

    /// Makes the trees and rows of a new table.
    fn write_table(&mut self, database: usize, table: &Table, sql: &str) -> Result<PageNo> {
        let kind = match table.without_rowid {
            None => TreeKind::Table,
            Some(_) => TreeKind::Index,
        };
        let root = self.create_tree(database, kind)?;
        let name = &table.name;
        let row = NewRow {
            kind: "table",
            name,
            table: name,
            root: Some(root),
            sql: Some(sql),
        };
        let mut rows = vec![self.add_row(database, &row)?];
        for index in automatic_indexes(table) {
            let root = self.create_tree(database, TreeKind::Index)?;
            let row = NewRow {
                kind: "index",
                name: &index.name,
                table: name,
                root: Some(root),
                sql: None,
            };
            rows.push(self.add_row(database, &row)?);
        }
        if table.autoincrement {
            rows.extend(self.create_sequence_table(database)?);
        }
        self.finish_with(database, &rows)?;
        Ok(root)
    }

    pub(super) fn create_tree(&mut self, database: usize, kind: TreeKind) -> Result<PageNo> {
        Ok(create_tree(&mut self.state.databases[database].pager, kind)?)
    }

    /// The first AUTOINCREMENT table brings sqlite_sequence with it.
    fn create_sequence_table(&mut self, database: usize) -> Result<Option<SchemaRow>> {
        if self.state.databases[database]
            .schema
            .table("sqlite_sequence")
            .is_some()
        {
            return Ok(None);
        }
        let root = self.create_tree(database, TreeKind::Table)?;
        let name = "sqlite_sequence";
        let sql = Some("CREATE TABLE sqlite_sequence(name,seq)");
        let row = NewRow {
            kind: "table",
            name,
            table: name,
            root: Some(root),
            sql,
        };
        self.add_row(database, &row).map(Some)
    }

    // ---- CREATE TABLE AS -------------------------------------------------------------------------

    fn create_table_as(&mut self, database: usize, name: &str, select: &Select) -> Result<(), Failure> {
        let statement = Statement::Select(Box::new(select.clone()));
        let compiled = self
            .state
            .connecting(|state| state.with_asked_context(|context| plan::compile(&statement, context)))?;
        let CompiledKind::Query(root) = &compiled.kind else {
            return Err(Error::sql("a table is made from a query").into());
        };
        let columns: Vec<(String, Affinity)> =
            distinct_names(compiled.columns.iter().map(|column| &*column.name))
                .into_iter()
                .zip(
                    compiled
                        .columns
                        .iter()
                        .map(|column| column.affinity.unwrap_or_default()),
                )
                .collect();
        let sql = table_text(name, &columns);
        let mut source = build(root)?;
        let (text, parameters, interrupt) = (self.sql, self.parameters, self.interrupt);
        self.state.change(database, |state| {
            let mut definer = Definer {
                state,
                sql: text,
                parameters,
                interrupt,
            };
            definer.fill_new_table(database, name, &sql, &columns, source.as_mut())
        })
    }

    fn fill_new_table(
        &mut self,
        database: usize,
        name: &str,
        sql: &str,
        columns: &[(String, Affinity)],
        source: &mut dyn Operator,
    ) -> Result<()> {
        let Statement::CreateTable(create) = crate::syntax::parse_one(sql.as_bytes())?.statement else {
            return Err(Error::sql(format!("the new table {name} has no definition")));
        };
        let table = self.table_of(database, &create, sql)?;
        let root = self.write_table(database, &table, sql)?;
        let encoding = self.state.databases[database].pager.header()?.encoding;
        let mut cursor = TableCursor::new(root);
        let mut registers = Vec::new();
        self.state.session.runs += 1;
        let run = self.state.session.runs;
        let mut context = self
            .state
            .context(self.parameters, &mut registers, self.interrupt, run);
        source.open(&mut context)?;
        let mut rowid = 0;
        let mut row = vec![Value::Null; columns.len()];
        while source.next(&mut context)? {
            context.check_interrupt()?;
            let batch = source.batch();
            for place in batch.selected() {
                for ((value, column), (_, affinity)) in row.iter_mut().zip(&batch.columns).zip(columns) {
                    value.assign(column.get(place));
                    apply_affinity(value, *affinity);
                    crate::exec::write::to_stored(value, encoding, *affinity);
                }
                rowid += 1;
                let values: Vec<ValueRef<'_>> = row.iter().map(Value::as_ref).collect();
                cursor.insert_values(&mut context.state.databases[database].pager, rowid, &values)?;
            }
        }
        source.close();
        Ok(())
    }

    // ---- views and triggers ----------------------------------------------------------------------

    pub(super) fn create_view(&mut self, create: &CreateView) -> Result<(), Failure> {
        let database = self.database_for(&create.name, create.temporary, "view")?;
        let name = create.name.name.as_str();
        if !self.is_free_for_relation(database, &create.name.name, create.if_not_exists)? {
            return Ok(());
        }
        let sql = format!("CREATE VIEW {}", self.text_of(create.definition));
        self.refuse_other_databases(database, ("view", &create.name.name), &sql)?;
        self.add_object(database, "view", name, name, &sql)
    }

    pub(super) fn create_trigger(&mut self, create: &CreateTrigger) -> Result<(), Failure> {
        let name = create.name.name.as_str();
        let database = self.trigger_database(create)?;
        self.refuse_reserved(name)?;
        if self.state.databases[database].schema.trigger(name).is_some() {
            if create.if_not_exists {
                return Ok(());
            }
            let written = self.text_of(create.name.name.span());
            return Err(Error::sql(format!("trigger {written} already exists")).into());
        }
        self.check_trigger_table(create, database)?;
        if database != TEMP && create.writes_named_database() {
            return Err(Error::sql(CreateTrigger::WRITES_NAMED_DATABASE).into());
        }
        if !self.parameters.is_empty() {
            return Err(Error::sql("trigger cannot use variables").into());
        }
        let sql = format!("CREATE TRIGGER {}", self.text_of(create.definition));
        self.refuse_other_databases(database, ("trigger", &create.name.name), &sql)?;
        let table = create.table.name.text.to_string();
        self.add_object(database, "trigger", name, &table, &sql)
    }

    /// Views and triggers that are not temporary keep to their own database.
    fn refuse_other_databases(&self, database: usize, (kind, name): (&str, &Ident), sql: &str) -> Result<()> {
        let own = &self.state.databases[database].name;
        let other = named_databases(sql)
            .into_iter()
            .find(|named| database != 1 && !named.eq_ignore_ascii_case(own));
        match other {
            Some(other) => {
                let name = match kind {
                    "view" => self.text_of(name.span()),
                    _ => name.text.to_string(),
                };
                let message = format!("{kind} {name} cannot reference objects in database {other}");
                Err(Error::sql(message))
            }
            None => Ok(()),
        }
    }

    /// A trigger lies where its table lies, but for temporary triggers.
    pub(super) fn trigger_database(&self, create: &CreateTrigger) -> Result<usize> {
        let database = self.database_for(&create.name, create.temporary, "trigger")?;
        if create.name.schema.is_some() || create.temporary {
            return Ok(database);
        }
        let table = create.table.name.as_str();
        let order = self.search_order(&create.table)?;
        let found = order
            .into_iter()
            .find(|&number| self.find_relation(number, table).is_some());
        Ok(if found == Some(1) { 1 } else { database })
    }

    fn check_trigger_table(&self, create: &CreateTrigger, database: usize) -> Result<()> {
        let table = create.table.name.as_str();
        let places = if database == 1 {
            self.search_order(&create.table)?
        } else {
            vec![database]
        };
        let found = places.into_iter().find_map(|number| {
            let schema = &self.state.databases[number].schema;
            match schema.virtual_tables.contains_key(&fold(table)) {
                true => Some("virtual"),
                false => self.find_relation(number, table),
            }
        });
        let time = create.time.unwrap_or(ast::TriggerTime::Before);
        match (found, time) {
            (None, _) => {
                let place = match (&create.table.schema, database) {
                    (Some(schema), _) => format!("{}.", schema.text),
                    (None, 1) => String::new(),
                    (None, _) => format!("{}.", self.state.databases[database].name),
                };
                Err(Error::sql(format!("no such table: {place}{table}")))
            }
            (Some("view"), ast::TriggerTime::Before) => Err(Error::sql(format!(
                "cannot create BEFORE trigger on view: {table}"
            ))),
            (Some("view"), ast::TriggerTime::After) => Err(Error::sql(format!(
                "cannot create AFTER trigger on view: {table}"
            ))),
            (Some("table"), ast::TriggerTime::InsteadOf) => Err(Error::sql(format!(
                "cannot create INSTEAD OF trigger on table: {table}"
            ))),
            (Some("virtual"), _) => Err(Error::sql("cannot create triggers on virtual tables")),
            (Some("table"), _)
                if table
                    .get(..7)
                    .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_")) =>
            {
                Err(Error::sql("cannot create trigger on system table"))
            }
            _ => Ok(()),
        }
    }

    /// Adds an object that has no tree.
    fn add_object(
        &mut self,
        database: usize,
        kind: &str,
        name: &str,
        table: &str,
        sql: &str,
    ) -> Result<(), Failure> {
        let (text, parameters, interrupt) = (self.sql, self.parameters, self.interrupt);
        self.state.change(database, |state| {
            let mut definer = Definer {
                state,
                sql: text,
                parameters,
                interrupt,
            };
            let row = definer.add_row(
                database,
                &NewRow {
                    kind,
                    name,
                    table,
                    root: None,
                    sql: Some(sql),
                },
            )?;
            definer.finish_with(database, &[row])
        })
    }
}

/// Column names of a result, made distinct as SQLite does: the second `a` is `a:1`.
pub(crate) fn distinct_names<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let mut candidate = name.to_owned();
        let mut count = 0;
        while taken.iter().any(|own| own.eq_ignore_ascii_case(&candidate)) {
            count += 1;
            let base = match candidate.rfind(':') {
                Some(colon) if candidate[colon + 1..].bytes().all(|byte| byte.is_ascii_digit()) => {
                    &candidate[..colon]
                }
                _ => &candidate,
            };
            candidate = format!("{base}:{count}");
        }
        taken.push(candidate);
    }
    taken
}

/// The text of a table made by CREATE TABLE AS, in SQLite's layout: on one line if it is short.
fn table_text(name: &str, columns: &[(String, Affinity)]) -> String {
    let length = |name: &str| name.len() + name.matches('"').count() + 2;
    let total = length(name)
        + columns
            .iter()
            .map(|(column, _)| length(column) + 5)
            .sum::<usize>();
    let (mut separator, between, end) = if total < 50 {
        ("", ",", ")")
    } else {
        ("\n  ", ",\n  ", "\n)")
    };
    let mut text = format!("CREATE TABLE {}(", quoted(name));
    for (column, affinity) in columns {
        let declared = match affinity {
            Affinity::Blob => "",
            Affinity::Text => " TEXT",
            Affinity::Numeric => " NUM",
            Affinity::Integer => " INT",
            Affinity::Real => " REAL",
        };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{}{declared}", quoted(column));
        separator = between;
    }
    text + end
}
