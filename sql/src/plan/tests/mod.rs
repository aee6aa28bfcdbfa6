//! The planner against SQLite: error messages, result columns and EXPLAIN QUERY PLAN over one schema.

#![allow(unreachable_pub)]

mod errors;
mod plans;

use super::{Compiled, PlanContext, SchemaView, Settings, compile};
use crate::catalog::{Collations, Environment, Schema, SchemaBuilder, SchemaRow};
use crate::error::Result;
use crate::functions::Registry;
use crate::syntax;
use crate::value::Collation;

/// One schema in SQLite and in the planner.
pub(super) struct World {
    pub sqlite: rusqlite::Connection,
    databases: Vec<(&'static str, Schema)>,
    functions: Registry,
}

struct NoCollations;

impl Collations for NoCollations {
    fn find(&self, name: &str) -> Option<Collation> {
        [Collation::Binary, Collation::NoCase, Collation::RTrim]
            .into_iter()
            .find(|collation| collation.name().eq_ignore_ascii_case(name))
    }
}

impl World {
    /// Makes the schema in SQLite and reads it from there.
    pub fn new(sql: &str) -> World {
        let sqlite = rusqlite::Connection::open_in_memory().unwrap();
        sqlite.execute_batch(sql).unwrap();
        let main = read_schema(&sqlite, &["sqlite_master", "sqlite_schema"]);
        let temp = empty_schema(&["sqlite_temp_master", "sqlite_temp_schema"]);
        let databases = vec![("main", main), ("temp", temp)];
        World {
            sqlite,
            databases,
            functions: Registry::new(),
        }
    }

    /// Compiles a statement.
    pub fn compile(&self, sql: &str) -> Result<Compiled> {
        let parsed = syntax::parse_one(sql.as_bytes())?;
        let views = self.databases.iter();
        let views: Vec<SchemaView<'_>> = views.map(|(name, schema)| SchemaView { name, schema }).collect();
        let context = PlanContext {
            databases: &views,
            functions: &self.functions,
            collations: &|_| None,
            virtual_tables: &crate::plan::NoVirtualTables,
            settings: Settings {
                explain: true,
                ..Settings::default()
            },
            trigger: None,
            uses: None,
            authorize: None,
            accessor: None,
            lifted: None,
        };
        compile(&parsed.statement, &context)
    }

    /// SQLite's message for a statement, or `ok`.
    pub fn sqlite_message(&self, sql: &str) -> String {
        match self.sqlite.prepare(sql) {
            Ok(_) => "ok".to_owned(),
            Err(rusqlite::Error::SqliteFailure(_, Some(message))) => message,
            Err(rusqlite::Error::SqlInputError { msg, .. }) => msg,
            Err(other) => other.to_string(),
        }
    }

    /// Our message for a statement, or `ok`.
    pub fn message(&self, sql: &str) -> String {
        match self.compile(sql) {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// SQLite's EXPLAIN QUERY PLAN, indented.
    pub fn sqlite_plan(&self, sql: &str) -> String {
        let mut statement = self.sqlite.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
        let rows = statement.query_map(rusqlite::params_from_iter(nulls), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(3)?))
        });
        indented(rows.unwrap().map(Result::unwrap))
    }

    /// Our EXPLAIN QUERY PLAN, indented.
    pub fn plan(&self, sql: &str) -> String {
        let compiled = self.compile(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let lines = compiled.explain.into_iter();
        indented(lines.map(|line| (i64::from(line.id), i64::from(line.parent), line.detail)))
    }
}

/// Lines under each other, each two blanks further right than its parent.
fn indented(lines: impl Iterator<Item = (i64, i64, String)>) -> String {
    let mut depths = std::collections::HashMap::new();
    let mut text = String::new();
    for (id, parent, detail) in lines {
        let depth = depths.get(&parent).map_or(0, |depth| depth + 1);
        depths.insert(id, depth);
        text.push_str(&"  ".repeat(depth));
        text.push_str(&detail);
        text.push('\n');
    }
    text
}

fn environment() -> Environment<'static> {
    Environment {
        encoding: Default::default(),
        schema_format: 4,
        collations: &NoCollations,
        reading: true,
        columns_max: crate::catalog::COLUMN_COUNT_MAX,
    }
}

fn empty_schema(aliases: &[&str]) -> Schema {
    SchemaBuilder::new(aliases, u32::MAX, environment())
        .finish(1)
        .unwrap()
}

fn read_schema(sqlite: &rusqlite::Connection, aliases: &[&str]) -> Schema {
    let mut builder = SchemaBuilder::new(aliases, u32::MAX, environment());
    let mut statement = sqlite
        .prepare("SELECT name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid")
        .unwrap();
    let rows = statement.query_map([], |row| {
        Ok(SchemaRow {
            name: row.get(0)?,
            table: row.get(1)?,
            root: row.get(2)?,
            sql: row.get(3)?,
            sql_bytes: None,
        })
    });
    for row in rows.unwrap() {
        builder.add(&row.unwrap()).unwrap();
    }
    if let Ok(mut statement) = sqlite.prepare("SELECT tbl, idx, stat FROM sqlite_stat1") {
        let rows = statement.query_map([], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, Option<String>>(1)?,
                row.get::<_, String>(2)?,
            ))
        });
        for row in rows.unwrap() {
            let (table, index, text) = row.unwrap();
            builder.set_statistics(&table, index.as_deref(), &text);
        }
    }
    builder.finish(1).unwrap()
}
