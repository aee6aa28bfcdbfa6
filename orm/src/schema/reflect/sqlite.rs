//! SQLite's schema, from `sqlite_schema` and its pragmas.

use super::{default_of, int, text};
use crate::dialect::push_quoted;
use crate::engine::Connection;
use crate::error::Result;
use crate::mapper::ReferenceAction;
use crate::schema::{ForeignKey, Index, Schema, Table, TableColumn};
use crate::types::{Kind, Value};

/// All tables but SQLite's own, in the order in which they were made.
pub(crate) fn schema(connection: &mut Connection) -> Result<Schema> {
    let names = connection.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid",
        &[],
    )?;
    let mut schema = Schema::new();
    for row in names {
        schema = schema.with_table(table(connection, &text(&row, 0))?);
    }
    Ok(schema)
}

/// One table.
fn table(connection: &mut Connection, name: &str) -> Result<Table> {
    let mut table = Table {
        name: name.to_owned(),
        ..Table::default()
    };
    let sql: String = connection.scalar(
        "SELECT coalesce(sql, '') FROM sqlite_schema WHERE type = 'table' AND name = ?1",
        &[name.into()],
    )?;
    let options = sql.rsplit(')').next().unwrap_or_default().to_ascii_uppercase();
    table.without_rowid = options.contains("WITHOUT ROWID");
    table.strict = options.contains("STRICT");
    columns(connection, &mut table)?;
    indexes(connection, &mut table)?;
    foreign_keys(connection, &mut table)?;
    Ok(table)
}

/// `PRAGMA name("table")`
fn pragma(connection: &mut Connection, pragma: &str, of: &str) -> Result<Vec<Vec<Value<'static>>>> {
    let mut sql = format!("PRAGMA {pragma}(");
    push_quoted(of, '"', &mut sql);
    sql.push(')');
    connection.rows(&sql, &[])
}

/// cid, name, type, notnull, dflt_value, pk, hidden
fn columns(connection: &mut Connection, table: &mut Table) -> Result<()> {
    let mut key: Vec<(i64, String)> = Vec::new();
    for row in pragma(connection, "table_xinfo", &table.name)? {
        let hidden = int(&row, 6);
        if hidden == 1 {
            continue;
        }
        let (name, declared, place) = (text(&row, 1), text(&row, 2), int(&row, 5));
        let (kind, sql_type) = kind_of(&declared);
        if place > 0 {
            key.push((place, name.clone()));
        }
        table.columns.push(TableColumn {
            name,
            kind,
            sql_type,
            nullable: int(&row, 3) == 0 && place == 0,
            auto: false,
            unique: false,
            default: row
                .get(4)
                .filter(|value| !value.is_null())
                .map(|_| default_of(&text(&row, 4))),
            check: None,
            collation: None,
            generated: (hidden >= 2).then(|| (String::new(), hidden == 3)),
        });
    }
    key.sort();
    table.primary_key = key.into_iter().map(|(_, name)| name).collect();
    if let [only] = table.primary_key.as_slice()
        && let Some(column) = table.columns.iter_mut().find(|column| column.name == *only)
    {
        column.auto = column.kind == Kind::Int(64) && !table.without_rowid;
    }
    Ok(())
}

/// seq, name, unique, origin, partial
fn indexes(connection: &mut Connection, table: &mut Table) -> Result<()> {
    for row in pragma(connection, "index_list", &table.name)? {
        let (name, unique, origin, partial) =
            (text(&row, 1), int(&row, 2) != 0, text(&row, 3), int(&row, 4) != 0);
        let mut columns = Vec::new();
        let mut plain = !partial;
        // seqno, cid, name; an expression has no name
        for column in pragma(connection, "index_info", &name)? {
            plain &= !column.get(2).is_none_or(Value::is_null);
            columns.push(text(&column, 2));
        }
        match (origin.as_str(), columns.as_slice()) {
            ("pk", _) => {}
            ("u", [only]) => {
                if let Some(column) = table.columns.iter_mut().find(|column| column.name == *only) {
                    column.unique = true;
                }
            }
            ("u", _) => table.uniques.push(columns),
            _ if plain => table.indexes.push(Index {
                name,
                columns,
                unique,
            }),
            _ => {}
        }
    }
    // SQLite lists the newest first.
    table.indexes.reverse();
    table.uniques.reverse();
    Ok(())
}

/// id, seq, table, from, to, on_update, on_delete, match
fn foreign_keys(connection: &mut Connection, table: &mut Table) -> Result<()> {
    let mut last = None;
    for row in pragma(connection, "foreign_key_list", &table.name)? {
        let id = int(&row, 0);
        let (from, to) = (text(&row, 3), text(&row, 4));
        match table.foreign_keys.last_mut().filter(|_| last == Some(id)) {
            Some(key) => {
                key.columns.push(from);
                key.references.push(to);
            }
            None => table.foreign_keys.push(ForeignKey {
                columns: vec![from],
                table: text(&row, 2),
                references: vec![to],
                on_update: action(&text(&row, 5)),
                on_delete: action(&text(&row, 6)),
            }),
        }
        last = Some(id);
    }
    table.foreign_keys.reverse();
    Ok(())
}

fn action(words: &str) -> ReferenceAction {
    match words {
        "RESTRICT" => ReferenceAction::Restrict,
        "CASCADE" => ReferenceAction::Cascade,
        "SET NULL" => ReferenceAction::SetNull,
        "SET DEFAULT" => ReferenceAction::SetDefault,
        _ => ReferenceAction::NoAction,
    }
}

/// The kind that a declared type means, and the declaration itself where it is not the kind's own name.
fn kind_of(declared: &str) -> (Kind, Option<String>) {
    let name = declared.to_ascii_uppercase();
    let kind = match name.as_str() {
        "BOOLEAN" | "BOOL" => Kind::Bool,
        "INTEGER" => Kind::Int(64),
        "REAL" => Kind::Real(64),
        "TEXT" => Kind::Text,
        "BLOB" => Kind::Bytes,
        "TIMESTAMP" => Kind::Timestamp,
        "DATETIME" => Kind::DateTime,
        "DATE" => Kind::Date,
        "TIME" => Kind::Time,
        "UUID" => Kind::Uuid,
        // By affinity, as SQLite reads declarations.
        other if other.contains("INT") => return (Kind::Int(64), Some(declared.to_owned())),
        other if ["CHAR", "CLOB", "TEXT"].iter().any(|part| other.contains(part)) => {
            return (Kind::Text, Some(declared.to_owned()));
        }
        other if other.is_empty() || other.contains("BLOB") => {
            return (Kind::Bytes, Some(declared.to_owned()));
        }
        _ => return (Kind::Real(64), Some(declared.to_owned())),
    };
    (kind, None)
}
