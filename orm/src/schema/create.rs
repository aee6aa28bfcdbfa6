//! Creating and dropping a whole schema.
//!
//! Tables that refer to each other in a circle have no order in which each finds those it refers to. Where the backend minds, the keys that
//! point ahead are added when all tables are there, and taken away before the first table is dropped:
//!
//! ```text
//!   a ──> b ──> a      CREATE a (without its key), CREATE b, ALTER TABLE a ADD CONSTRAINT fk_a_b_id ..
//!                      ALTER TABLE a DROP CONSTRAINT .., DROP b, DROP a
//! ```
//!
//! Which keys are there already, and under which names, is read from the live database, so that creating twice adds nothing.

use super::ddl::Ddl;
use super::{ForeignKey, NamingConvention, Schema, Table};
use crate::dialect::{CompileError, Dialect, Feature, NativeEnums, TransactionMode};
use crate::engine::{Connection, Engine};
use crate::error::Result;

impl Engine {
    /// Creates the tables, indexes and views that are not there yet, tables that others refer to first; all or none, where the
    /// backend has DDL in transactions.
    ///
    /// # Errors
    /// Whatever the statements run into. A table that is there already is left as it is, even if it differs.
    pub fn create_all(&self, schema: Schema) -> Result<()> {
        self.connect()?.create_all(schema)
    }

    /// Drops the views and tables that are there, tables that refer to others first.
    ///
    /// # Errors
    /// Whatever the statements run into: a table that is not in the schema may refer to one that is.
    pub fn drop_all(&self, schema: Schema) -> Result<()> {
        self.connect()?.drop_all(schema)
    }
}

impl Connection {
    /// As [`Engine::create_all`], as a part of the open transaction if there is one: what a migration in Rust does.
    ///
    /// # Errors
    /// As there.
    pub fn create_all(&mut self, schema: Schema) -> Result<()> {
        let engine = self.engine();
        let dialect = engine.dialect();
        let statements = create_statements(&schema, dialect)?;
        let late = late_keys(&schema, dialect)?;
        in_transaction(self, |connection| {
            create_enums(connection, dialect, &schema)?;
            run_all(connection, &statements)?;
            create_late_keys(connection, dialect, &late)?;
            create_views(connection, dialect, &schema)
        })
    }

    /// As [`Engine::drop_all`], as a part of the open transaction if there is one.
    ///
    /// # Errors
    /// As there.
    pub fn drop_all(&mut self, schema: Schema) -> Result<()> {
        let engine = self.engine();
        let dialect = engine.dialect();
        let mut statements = Vec::new();
        for view in schema.views().iter().rev() {
            statements.push(view.drop_sql(dialect, true)?);
        }
        for table in schema.sorted()?.into_iter().rev() {
            statements.push(table.drop_sql(dialect, true)?);
        }
        if dialect.native_enums() == NativeEnums::Types {
            for one in schema.enums() {
                statements.push(one.drop_sql(dialect, true)?);
            }
        }
        let circular = circular_keys(&schema)?;
        in_transaction(self, |connection| {
            if !circular.is_empty() {
                release_circles(connection, dialect, &circular)?;
            }
            run_all(connection, &statements)
        })
    }
}

/// The statements that create the tables of a schema and their indexes, in order, but for the [`late_keys`].
pub(crate) fn create_statements(schema: &Schema, dialect: &dyn Dialect) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    for (table, ahead) in with_keys_ahead(schema)? {
        let missing: Vec<&str> = ahead.iter().map(|key| key.table.as_str()).collect();
        let missing = if dialect.supports(Feature::ForwardReferences) {
            &[]
        } else {
            missing.as_slice()
        };
        statements.push(table.create_sql_without(dialect, true, missing)?);
        statements.extend(table.comment_sql(dialect)?);
        let apart = dialect.supports(Feature::IndexIfNotExists);
        for index in table.indexes.iter().filter(|_| apart) {
            statements.push(index.create_sql(&table.name, dialect, true)?);
        }
    }
    Ok(statements)
}

/// The tables in order, each with its keys to tables that come later.
fn with_keys_ahead(schema: &Schema) -> Result<Vec<(&Table, Vec<&ForeignKey>)>> {
    let mut created: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    for table in schema.sorted()? {
        created.push(&table.name);
        let ahead =
            |key: &&ForeignKey| schema.table(&key.table).is_some() && !created.contains(&key.table.as_str());
        all.push((table, table.foreign_keys.iter().filter(ahead).collect()));
    }
    Ok(all)
}

/// Keys that wait until all tables are there, with names that stay.
fn late_keys<'s>(schema: &'s Schema, dialect: &dyn Dialect) -> Result<Vec<(&'s Table, ForeignKey)>> {
    if dialect.supports(Feature::ForwardReferences) {
        return Ok(Vec::new());
    }
    let names = NamingConvention::default();
    let named = |table: &'s Table, key: &ForeignKey| {
        let mut key = key.clone();
        key.name
            .get_or_insert_with(|| names.foreign_key(&table.name, &key.columns, &key.table));
        (table, key)
    };
    Ok(with_keys_ahead(schema)?
        .into_iter()
        .flat_map(|(table, keys)| keys.into_iter().map(move |key| named(table, key)))
        .collect())
}

/// Keys that are part of a circle, or lead into one, whatever the backend.
fn circular_keys(schema: &Schema) -> Result<Vec<(&Table, &ForeignKey)>> {
    Ok(with_keys_ahead(schema)?
        .into_iter()
        .flat_map(|(table, keys)| keys.into_iter().map(move |key| (table, key)))
        .collect())
}

fn create_late_keys(
    connection: &mut Connection,
    dialect: &dyn Dialect,
    late: &[(&Table, ForeignKey)],
) -> Result<()> {
    if late.is_empty() {
        return Ok(());
    }
    let live = dialect.reflect(connection)?;
    for (table, key) in late {
        if find_key(&live, &table.name, key).is_none() {
            connection.execute(&table.add_foreign_key_sql(dialect, key)?, &[])?;
        }
    }
    Ok(())
}

/// Lets tables that refer to each other be dropped one after the other.
fn release_circles(
    connection: &mut Connection,
    dialect: &dyn Dialect,
    circular: &[(&Table, &ForeignKey)],
) -> Result<()> {
    if let Some(sql) = dialect.defer_foreign_keys() {
        return connection.execute(sql, &[]).map(|_| ());
    }
    let Some(words) = dialect.drop_foreign_key() else {
        return Ok(());
    };
    let live = dialect.reflect(connection)?;
    for (table, key) in circular {
        let name = find_key(&live, &table.name, key).and_then(|found| found.name.as_deref());
        if let Some(name) = name {
            connection.execute(&drop_key(dialect, &table.name, words, name)?, &[])?;
        }
    }
    Ok(())
}

fn drop_key(dialect: &dyn Dialect, table: &str, words: &str, name: &str) -> Result<String, CompileError> {
    let mut sql = Ddl::new(dialect, "ALTER TABLE ");
    sql.name(table)?;
    sql.push(&format!(" {words} "));
    sql.name(name)?;
    Ok(sql.text)
}

fn find_key<'s>(live: &'s Schema, table: &str, key: &ForeignKey) -> Option<&'s ForeignKey> {
    live.table(table)?
        .foreign_keys
        .iter()
        .find(|found| found.columns == key.columns && found.table == key.table)
}

/// The enum types that are not there yet. CREATE TYPE has no IF NOT EXISTS.
fn create_enums(connection: &mut Connection, dialect: &dyn Dialect, schema: &Schema) -> Result<()> {
    if schema.enums().is_empty() || dialect.native_enums() != NativeEnums::Types {
        return Ok(());
    }
    let live = dialect.reflect(connection)?;
    for one in schema.enums() {
        if live.enum_type(&one.name).is_none() {
            connection.execute(&one.create_sql(dialect)?, &[])?;
        }
    }
    Ok(())
}

fn create_views(connection: &mut Connection, dialect: &dyn Dialect, schema: &Schema) -> Result<()> {
    if schema.views().is_empty() {
        return Ok(());
    }
    let live = dialect.reflect(connection)?;
    for view in schema.views() {
        if !live.views().iter().any(|found| found.name == view.name) {
            connection.execute(&view.create_sql(dialect)?, &[])?;
        }
    }
    Ok(())
}

fn run_all(connection: &mut Connection, statements: &[String]) -> Result<()> {
    statements
        .iter()
        .try_for_each(|sql| connection.execute(sql, &[]).map(|_| ()))
}

/// In a transaction, the open one or one of its own, where the backend has DDL in transactions.
fn in_transaction(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<()>,
) -> Result<()> {
    if connection.dialect().supports(Feature::TransactionalDdl) && !connection.in_transaction() {
        connection.transaction(TransactionMode::Write, work)
    } else {
        work(connection)
    }
}
