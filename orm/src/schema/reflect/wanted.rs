//! A schema as the backend would tell it, had it been created there.
//!
//! Backends write expressions, types and defaults in their own words: what was created as `CHECK (a>0 and b in ('x'))` is read back as something
//! else. Before a wanted schema is compared with a live one it takes the same way: it is created where nobody sees it, and reflected.
//!
//! | backend | where |
//! |---|---|
//! | SQLite | a database in memory, of the native engine |
//! | PostgreSQL | temporary tables, in a transaction that is rolled back |
//! | MariaDB, MySQL | temporary tables |
//!
//! Foreign keys are data on both sides already, and are taken over; so are hints, and names where the wanted schema gives none.

use super::{mysql, postgresql};
use crate::dialect::{Dialect, TransactionMode, push_quoted};
use crate::engine::{Connection, Engine};
use crate::error::{Error, Result};
use crate::mapper::ReferenceAction;
use crate::schema::{ColumnDefault, Ddl, EnumType, Schema, Table, Unique, View};
use crate::types::Value;

/// For SQLite.
pub(crate) fn sqlite(wanted: &Schema) -> Result<Schema> {
    let engine = Engine::open("sqlite::memory:")?;
    engine.create_all(wanted.clone())?;
    let mut schema = engine.reflect()?;
    take_hints(&mut schema, wanted);
    Ok(schema)
}

/// For PostgreSQL.
pub(crate) fn postgresql(
    connection: &mut Connection,
    dialect: &dyn Dialect,
    wanted: &Schema,
) -> Result<Schema> {
    let mut told = None;
    let done = connection.transaction(TransactionMode::Write, |connection| {
        told = Some(temporary_tables(connection, dialect, wanted)?);
        // Nothing of it stays.
        Err(Error::Closed)
    });
    match (told, done) {
        (Some(mut schema), _) => {
            take_hints(&mut schema, wanted);
            Ok(schema)
        }
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Ok(wanted.clone()),
    }
}

fn temporary_tables(connection: &mut Connection, dialect: &dyn Dialect, wanted: &Schema) -> Result<Schema> {
    let mut schema = Schema::new();
    for one in wanted.enums() {
        create_enum(connection, dialect, one)?;
        schema = schema.with_enum(one.clone());
    }
    for table in wanted.tables() {
        create_temporary(connection, dialect, table)?;
        for index in &table.indexes {
            connection.execute(&index.create_sql(&table.name, dialect, false)?, &[])?;
        }
        let oid = temporary_oid(connection, &table.name)?;
        let mut found = postgresql::table(connection, oid, table.name.clone())?;
        found.comment.clone_from(&table.comment);
        found.foreign_keys.clone_from(&table.foreign_keys);
        found.primary_key_name = None;
        take_names(&mut found, table);
        for (column, wanted) in found.columns.iter_mut().zip(&table.columns) {
            column.comment.clone_from(&wanted.comment);
        }
        schema = schema.with_table(found);
    }
    for view in wanted.views() {
        let sql = view
            .create_sql(dialect)?
            .replacen("CREATE ", "CREATE TEMPORARY ", 1);
        connection.execute(&sql, &[])?;
        let oid = temporary_oid(connection, &view.name)?;
        let query: String =
            connection.scalar("SELECT pg_get_viewdef($1::bigint::oid)", &[Value::Int(oid)])?;
        let query = query.trim().trim_end_matches(';');
        schema = schema.with_view(View::new(&view.name, query));
    }
    Ok(schema)
}

/// In the place of one that has its name: defaults may be texts that only the wanted one has.
fn create_enum(connection: &mut Connection, dialect: &dyn Dialect, one: &EnumType) -> Result<()> {
    const IS_THERE: &str = "SELECT count(*) FROM pg_type \
        WHERE typname = $1 AND typnamespace = current_schema()::regnamespace";
    let there: i64 = connection.scalar(IS_THERE, &[Value::from(one.name.as_str())])?;
    if there > 0 {
        let mut sql = Ddl::new(dialect, "ALTER TYPE ");
        sql.name(&one.name)?;
        sql.push(" RENAME TO ");
        sql.name(&format!("aludel_{}", one.name))?;
        connection.execute(&sql.text, &[])?;
    }
    connection.execute(&one.create_sql(dialect)?, &[])?;
    Ok(())
}

/// Without its foreign keys: a temporary table refers to no other kind.
fn create_temporary(connection: &mut Connection, dialect: &dyn Dialect, table: &Table) -> Result<()> {
    let mut alone = table.clone();
    alone.foreign_keys.clear();
    let sql = alone.create_sql(dialect, false)?;
    connection.execute(&sql.replacen("CREATE ", "CREATE TEMPORARY ", 1), &[])?;
    Ok(())
}

fn temporary_oid(connection: &mut Connection, name: &str) -> Result<i64> {
    let mut path = "pg_temp.".to_owned();
    push_quoted(name, '"', &mut path);
    connection.scalar("SELECT to_regclass($1)::oid::bigint", &[Value::Text(path.into())])
}

/// Names that the backend has given say nothing about the wish.
fn take_names(found: &mut Table, wanted: &Table) {
    for unique in &mut found.uniques {
        let like = wanted
            .uniques
            .iter()
            .find(|other| other.columns == unique.columns);
        unique.name = like.and_then(|other| other.name.clone());
    }
    for (check, like) in found.checks.iter_mut().zip(&wanted.checks) {
        check.name.clone_from(&like.name);
    }
}

/// For MariaDB and MySQL.
pub(crate) fn mysql(connection: &mut Connection, dialect: &dyn Dialect, wanted: &Schema) -> Result<Schema> {
    let mut schema = Schema::new();
    for table in wanted.tables() {
        // The type of a column follows from the keys over it, foreign keys among them: that is settled before they are left out.
        let mut declared = table.clone();
        for column in &mut declared.columns {
            if column.generated.is_none() && !column.auto {
                let bare = crate::schema::TableColumn {
                    collation: None,
                    ..column.clone()
                };
                column.sql_type = Some(table.declared_type(&bare, dialect));
            }
        }
        create_temporary(connection, dialect, &declared)?;
        let found = mysql_table(connection, table);
        let mut drop = "DROP TEMPORARY TABLE ".to_owned();
        push_quoted(&table.name, '"', &mut drop);
        connection.execute(&drop, &[])?;
        schema = schema.with_table(found?);
    }
    for view in wanted.views() {
        schema = schema.with_view(view.clone());
    }
    take_hints(&mut schema, wanted);
    Ok(schema)
}

fn mysql_table(connection: &mut Connection, wanted: &Table) -> Result<Table> {
    let mut table = wanted.clone();
    (table.strict, table.without_rowid) = (false, false);
    let definition = mysql::definition(connection, &table.name)?;
    let mut show = "SHOW FULL COLUMNS FROM ".to_owned();
    push_quoted(&table.name, '"', &mut show);
    let rows = connection.rows(&show, &[])?;
    let lines = definition.lines().skip(1);
    table.columns = rows
        .iter()
        .zip(lines)
        .map(|(row, line)| mysql_column(row, line))
        .collect();
    let columns = table.columns.iter_mut().zip(&wanted.columns);
    for ((column, wanted), line) in columns.zip(definition.lines().skip(1)) {
        // Some texts are shown without their quotes; in the definition all have them.
        let of_enum = column
            .sql_type
            .as_deref()
            .is_some_and(|declared| declared.starts_with("enum("));
        let is_text = of_enum || matches!(wanted.default, Some(ColumnDefault::Text(_)));
        if is_text && column.default.is_some() {
            column.default = mysql::default_in(line).or(column.default.take());
        }
    }
    table.checks = mysql::checks_of(&definition);
    for (check, like) in table.checks.iter_mut().zip(&wanted.checks) {
        check.name.clone_from(&like.name);
    }
    mysql::find_json(&definition, &mut table);
    for key in &mut table.foreign_keys {
        for action in [&mut key.on_delete, &mut key.on_update] {
            if *action == ReferenceAction::Restrict {
                *action = ReferenceAction::NoAction;
            }
        }
    }
    unique_indexes_are_constraints(&mut table);
    mysql::forget_key_lengths(&mut table);
    Ok(table)
}

/// Field, Type, Collation, Null, Key, Default, Extra, Privileges, Comment; and the column's line in the definition.
fn mysql_column(row: &[Value<'static>], line: &str) -> crate::schema::TableColumn {
    let at = |i: usize| row.get(i).cloned().unwrap_or(Value::Null);
    let expression = line
        .split_once(" GENERATED ALWAYS AS (")
        .and_then(|(_, rest)| {
            let end = [") STORED", ") VIRTUAL", ") PERSISTENT"]
                .iter()
                .filter_map(|end| rest.rfind(end))
                .max()?;
            rest.get(..end)
        })
        .unwrap_or_default();
    mysql::column(&[
        at(0),
        at(1),
        at(3),
        at(5),
        at(6),
        at(2),
        Value::Text(expression.to_owned().into()),
        at(8),
    ])
}

/// There a unique index over plain columns and a unique constraint are one thing.
fn unique_indexes_are_constraints(table: &mut Table) {
    let (constraints, indexes) = std::mem::take(&mut table.indexes)
        .into_iter()
        .partition(|index| index.is_like_constraint() && index.parts.iter().all(|part| !part.descending));
    table.indexes = indexes;
    let constraints: Vec<crate::schema::Index> = constraints;
    for index in constraints {
        let columns = index.columns().unwrap_or_default();
        table.uniques.push(Unique::new(columns).named(&index.name));
    }
    for index in &mut table.indexes {
        index.include.clear();
    }
}

/// What is no part of a live schema.
fn take_hints(schema: &mut Schema, wanted: &Schema) {
    for table in wanted.tables() {
        let Some(found) = schema.table_mut(&table.name) else {
            continue;
        };
        found.was.clone_from(&table.was);
        for column in &table.columns {
            let found = found.columns.iter_mut().find(|found| found.name == column.name);
            if let Some(found) = found {
                found.was.clone_from(&column.was);
            }
        }
    }
}
