//! Creating and dropping a whole schema.

use super::{Schema, Table};
use crate::dialect::{Dialect, Feature, TransactionMode};
use crate::engine::{Connection, Engine};
use crate::error::Result;

impl Engine {
    /// Creates the tables and indexes that are not there yet, those that others refer to first; all or none, where the
    /// backend has DDL in transactions.
    ///
    /// # Errors
    /// Whatever the statements run into. A table that is there already is left as it is, even if it differs.
    pub fn create_all(&self, schema: Schema) -> Result<()> {
        let statements = create_statements(&schema, self.dialect())?;
        run_all(&mut self.connect()?, &statements)
    }

    /// Drops the tables that are there, those that refer to others first.
    ///
    /// # Errors
    /// Whatever the statements run into.
    pub fn drop_all(&self, schema: Schema) -> Result<()> {
        let dialect = self.dialect();
        let mut statements = Vec::new();
        for table in schema.sorted()?.into_iter().rev() {
            statements.push(table.drop_sql(dialect, true)?);
        }
        run_all(&mut self.connect()?, &statements)
    }
}

/// The statements that create a schema, in order.
pub(crate) fn create_statements(schema: &Schema, dialect: &dyn Dialect) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    let mut late = Vec::new();
    let mut created: Vec<&str> = Vec::new();
    for table in schema.sorted()? {
        created.push(&table.name);
        let missing = missing_tables(table, &created, schema, dialect);
        statements.push(table.create_sql_without(dialect, true, &missing)?);
        for key in table
            .foreign_keys
            .iter()
            .filter(|key| missing.contains(&key.table.as_str()))
        {
            late.push(table.add_foreign_key_sql(dialect, key)?);
        }
        let apart = dialect.supports(Feature::IndexIfNotExists);
        for index in table.indexes.iter().filter(|_| apart) {
            statements.push(index.create_sql(&table.name, dialect, true)?);
        }
    }
    statements.extend(late);
    Ok(statements)
}

/// Tables that this one refers to and that come later, where the backend minds.
fn missing_tables<'s>(
    table: &'s Table,
    created: &[&str],
    schema: &Schema,
    dialect: &dyn Dialect,
) -> Vec<&'s str> {
    if dialect.supports(Feature::ForwardReferences) {
        return Vec::new();
    }
    let later = |name: &str| schema.table(name).is_some() && !created.contains(&name);
    table
        .foreign_keys
        .iter()
        .map(|key| key.table.as_str())
        .filter(|name| later(name))
        .collect()
}

fn run_all(connection: &mut Connection, statements: &[String]) -> Result<()> {
    let run = |connection: &mut Connection| {
        statements
            .iter()
            .try_for_each(|sql| connection.execute(sql, &[]).map(|_| ()))
    };
    if connection.dialect().supports(Feature::TransactionalDdl) {
        connection.transaction(TransactionMode::Write, run)
    } else {
        run(connection)
    }
}
