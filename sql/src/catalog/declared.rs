//! Virtual tables in the schema: what their text in sqlite_schema says, and what they are like once they are connected.
//!
//! A virtual table that was not used yet is a [`VirtualDefinition`] only: its module is not asked before somebody needs the table. Then it becomes a
//! [`Table`] among the schema's others, whose columns come from the declaration that the module made.

use std::sync::Arc;

use aludel_storage::format::PageNo;

use super::environment::Environment;
use super::schema::Table;
use super::table::table_of;
use crate::error::{Error, Result};
use crate::syntax::{self, ast};
use crate::virtual_table::Connected;

/// A virtual table as sqlite_schema tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualDefinition {
    /// The name as written.
    pub name: String,
    /// The name of the module as written.
    pub module: String,
    /// The module's arguments.
    pub arguments: Vec<Arc<str>>,
    /// The text in sqlite_schema.
    pub sql: String,
}

impl VirtualDefinition {
    pub(super) fn new(create: &ast::CreateVirtualTable, sql: &str) -> VirtualDefinition {
        VirtualDefinition {
            name: create.name.name.text.to_string(),
            module: create.module.text.to_string(),
            arguments: create.arguments.clone(),
            sql: sql.to_owned(),
        }
    }
}

/// The table that a module has declared. `name` and `sql` are the schema's.
///
/// # Errors
/// What is wrong with the declaration.
pub fn declared_table(
    name: &str,
    sql: &str,
    connected: Connected,
    environment: &Environment<'_>,
) -> Result<Table> {
    let parsed = syntax::parse_one(connected.declaration.as_bytes())?;
    let ast::Statement::CreateTable(create) = parsed.statement else {
        return Err(Error::sql("a virtual table is declared by CREATE TABLE"));
    };
    let mut table = table_of(&create, sql, PageNo::ONE, environment)?;
    if table.columns.iter().any(|column| column.generated.is_some()) {
        return Err(Error::sql("virtual tables cannot use computed columns"));
    }
    name.clone_into(&mut table.name);
    table.virtual_table = Some(connected.table);
    // What follows is the business of trees, which it has none of.
    table.rowid_alias = None;
    table.autoincrement = false;
    table.indexes.clear();
    table.checks.clear();
    table.foreign_keys.clear();
    for column in &mut table.columns {
        column.not_null = None;
        if let Some(declared) = &mut column.declared_type {
            column.hidden = take_hidden(declared);
            if declared.is_empty() {
                column.declared_type = None;
            }
        }
    }
    Ok(table)
}

/// Takes the word HIDDEN out of a type. True when it was there.
fn take_hidden(declared: &mut String) -> bool {
    let mut words: Vec<&str> = declared.split(' ').collect();
    let Some(place) = words.iter().position(|word| word.eq_ignore_ascii_case("hidden")) else {
        return false;
    };
    words.remove(place);
    let rest = words.join(" ");
    *declared = rest;
    true
}
