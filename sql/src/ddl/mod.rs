//! CREATE, DROP and their kin: statements that change a schema.
//!
//! Each changes trees, rows of sqlite_schema and the schema cookie in one write, and then the schema in memory, by the very code that
//! would read it from the file ([`crate::catalog::SchemaBuilder`]).

mod alter;
mod analyze;
mod authorize;
mod constraint;
mod create_index;
mod create_table;
mod drop;
mod names;
mod places;
mod recheck;
mod rename;
mod samples;
mod schema_rows;
mod upkeep;
mod virtual_table;
mod words;

use std::sync::atomic::AtomicBool;

pub(crate) use authorize::ask_about;

use crate::connection::State;
use crate::error::{Error, Result};
use crate::exec::write::Failure;
use crate::syntax::ast::{self, Statement};
use crate::value::Value;

/// What a statement of DDL works with.
pub(crate) struct Definer<'a> {
    pub(crate) state: &'a mut State,
    /// The text that the statement was parsed from.
    pub(crate) sql: &'a str,
    pub(crate) parameters: &'a [Value],
    pub(crate) interrupt: &'a AtomicBool,
}

/// Runs a statement of DDL.
pub(crate) fn run(
    state: &mut State,
    statement: &Statement,
    sql: &str,
    parameters: &[Value],
    interrupt: &AtomicBool,
) -> Result<(), Failure> {
    let all: Vec<usize> = (0..state.databases.len()).collect();
    let before = state.open_transactions();
    state.begin_reading(&all)?;
    let mut definer = Definer {
        state,
        sql,
        parameters,
        interrupt,
    };
    let result = definer.define(statement);
    state.end_reads_since(before);
    result
}

impl Definer<'_> {
    fn define(&mut self, statement: &Statement) -> Result<(), Failure> {
        match statement {
            Statement::CreateTable(create) => self.create_table(create),
            Statement::CreateIndex(create) => self.create_index(create),
            Statement::CreateView(create) => self.create_view(create),
            Statement::CreateTrigger(create) => self.create_trigger(create),
            Statement::Drop(drop) => self.drop(drop),
            Statement::AlterTable(alter) => self.alter_table(alter),
            Statement::CreateVirtualTable(create) => self.create_virtual_table(create),
            Statement::Vacuum(vacuum) => self.vacuum(vacuum),
            Statement::Analyze(name) => self.analyze(name.as_ref()),
            Statement::Reindex(name) => self.reindex(name.as_ref()),
            _ => Err(Error::sql("not a statement that defines").into()),
        }
    }

    /// The database that a CREATE goes to.
    pub(crate) fn database_for(&self, name: &ast::ObjectName, temporary: bool, kind: &str) -> Result<usize> {
        match (&name.schema, temporary) {
            (Some(schema), true) if !schema.is("temp") => {
                Err(Error::sql(format!("temporary {kind} name must be unqualified")))
            }
            (Some(schema), _) => self.state.database_named(schema.as_str()),
            (None, true) => Ok(1),
            (None, false) => Ok(0),
        }
    }

    /// Databases in the order in which a name without schema is looked for: temp, main, attached.
    pub(crate) fn search_order(&self, name: &ast::ObjectName) -> Result<Vec<usize>> {
        match &name.schema {
            Some(schema) => Ok(vec![self.state.database_named(schema.as_str())?]),
            // Every database has a schema table by these names; main's is meant.
            None if name.name.is("sqlite_schema") || name.name.is("sqlite_master") => Ok(vec![0]),
            None => Ok([1, 0].into_iter().chain(2..self.state.databases.len()).collect()),
        }
    }
}
