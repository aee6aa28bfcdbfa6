//! The schema of MariaDB and MySQL, from `information_schema`, for the tables of the current database.
//!
//! Three things cannot be told apart there: a unique index is a unique constraint, a text or bytes column that a key is over has the length that
//! keys may have, and JSON of MariaDB is text with a check. An index that the server made for a foreign key is left out.

use super::{default_of, text};
use crate::engine::Connection;
use crate::error::Result;
use crate::mapper::ReferenceAction;
use crate::schema::{ColumnDefault, ForeignKey, Index, Schema, Table, TableColumn};
use crate::types::{Kind, Value};

const TABLES: &str = "SELECT table_name FROM information_schema.tables \
    WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY create_time, table_name";

const COLUMNS: &str = "SELECT column_name, column_type, is_nullable, column_default, extra, collation_name, generation_expression \
    FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position";

const KEYS: &str = "SELECT c.constraint_type, c.constraint_name, k.column_name, k.referenced_table_name, k.referenced_column_name, \
        r.delete_rule, r.update_rule \
    FROM information_schema.table_constraints c \
    JOIN information_schema.key_column_usage k ON k.constraint_schema = c.constraint_schema \
        AND k.constraint_name = c.constraint_name AND k.table_name = c.table_name \
    LEFT JOIN information_schema.referential_constraints r ON r.constraint_schema = c.constraint_schema \
        AND r.constraint_name = c.constraint_name AND r.table_name = c.table_name \
    WHERE c.table_schema = DATABASE() AND c.table_name = ? ORDER BY c.constraint_type, c.constraint_name, k.ordinal_position";

const INDEXES: &str = "SELECT index_name, column_name FROM information_schema.statistics \
    WHERE table_schema = DATABASE() AND table_name = ? AND non_unique = 1 ORDER BY index_name, seq_in_index";

/// All tables of the current database.
pub(crate) fn schema(connection: &mut Connection) -> Result<Schema> {
    let mut schema = Schema::new();
    for row in connection.rows(TABLES, &[])? {
        schema = schema.with_table(table(connection, text(&row, 0))?);
    }
    Ok(schema)
}

fn table(connection: &mut Connection, name: String) -> Result<Table> {
    let of = [Value::Text(name.clone().into())];
    let mut table = Table {
        name,
        ..Table::default()
    };
    let rows = connection.rows(COLUMNS, &of)?;
    table.columns = rows.iter().map(|row| column(row)).collect();
    let keys = connection.rows(KEYS, &of)?;
    keys_of(&keys, &mut table);
    let indexes = connection.rows(INDEXES, &of)?;
    indexes_of(&indexes, &keys, &mut table);
    forget_key_lengths(&mut table);
    Ok(table)
}

fn column(row: &[Value<'static>]) -> TableColumn {
    let (kind, sql_type) = kind_of(&text(row, 1));
    let (extra, expression) = (text(row, 4).to_ascii_lowercase(), text(row, 6));
    let computed = !expression.is_empty();
    TableColumn {
        name: text(row, 0),
        kind,
        sql_type,
        nullable: text(row, 2) == "YES",
        auto: extra.contains("auto_increment"),
        unique: false,
        default: row
            .get(3)
            .filter(|value| !value.is_null() && !computed)
            .and_then(|_| default_of_column(&text(row, 3))),
        check: None,
        collation: Some(text(row, 5)).filter(|name| !name.is_empty() && name != "utf8mb4_bin"),
        generated: computed.then(|| (expression, extra.contains("stored"))),
    }
}

/// Rows of one constraint follow each other.
fn keys_of(rows: &[Vec<Value<'static>>], table: &mut Table) {
    for rows in rows.chunk_by(|a, b| a.get(..2) == b.get(..2)) {
        let Some(first) = rows.first() else { continue };
        let columns: Vec<String> = rows.iter().map(|row| text(row, 2)).collect();
        match (text(first, 0).as_str(), columns.as_slice()) {
            ("PRIMARY KEY", _) => table.primary_key = columns,
            ("UNIQUE", [only]) => {
                if let Some(column) = table.columns.iter_mut().find(|column| column.name == *only) {
                    column.unique = true;
                }
            }
            ("UNIQUE", _) => table.uniques.push(columns),
            ("FOREIGN KEY", _) => table.foreign_keys.push(ForeignKey {
                columns,
                table: text(first, 3),
                references: rows.iter().map(|row| text(row, 4)).collect(),
                on_delete: action(&text(first, 5)),
                on_update: action(&text(first, 6)),
            }),
            _ => {}
        }
    }
}

fn indexes_of(rows: &[Vec<Value<'static>>], keys: &[Vec<Value<'static>>], table: &mut Table) {
    for rows in rows.chunk_by(|a, b| a.first() == b.first()) {
        let name = rows.first().map(|row| text(row, 0)).unwrap_or_default();
        let columns: Vec<String> = rows.iter().map(|row| text(row, 1)).collect();
        let of_key = |key: &ForeignKey| key.columns == columns;
        let named_so = |row: &Vec<Value<'static>>| {
            text(row, 0) == "FOREIGN KEY" && (text(row, 1) == name || text(row, 2) == name)
        };
        if !(table.foreign_keys.iter().any(of_key) && keys.iter().any(named_so)) {
            table.indexes.push(Index {
                name,
                columns,
                unique: false,
            });
        }
    }
}

/// What a key gives its columns for a type is no declaration of theirs.
fn forget_key_lengths(table: &mut Table) {
    let keyed: Vec<bool> = table
        .columns
        .iter()
        .map(|column| table.is_keyed(column))
        .collect();
    for (column, _) in table.columns.iter_mut().zip(keyed).filter(|(_, keyed)| *keyed) {
        if matches!(
            column.sql_type.as_deref(),
            Some("varchar(255)" | "varbinary(255)")
        ) {
            column.sql_type = None;
        }
    }
}

/// RESTRICT is what both servers do for NO ACTION, and what MariaDB calls it.
fn action(words: &str) -> ReferenceAction {
    match words {
        "CASCADE" => ReferenceAction::Cascade,
        "SET NULL" => ReferenceAction::SetNull,
        "SET DEFAULT" => ReferenceAction::SetDefault,
        _ => ReferenceAction::NoAction,
    }
}

/// The kind that a declared type means, and the declaration itself where it is not the kind's own name. The width that numbers are shown in
/// (`int(11)`) means nothing.
fn kind_of(declared: &str) -> (Kind, Option<String>) {
    let name = declared.split('(').next().unwrap_or(declared).trim();
    let unsigned = declared.contains("unsigned");
    let kind = match (name, declared) {
        (_, "tinyint(1)") => Kind::Bool,
        ("smallint", _) if !unsigned => Kind::Int(16),
        ("int", _) if !unsigned => Kind::Int(32),
        ("bigint", _) if !unsigned => Kind::Int(64),
        ("float", _) => Kind::Real(32),
        ("double", _) => Kind::Real(64),
        ("longtext", _) => Kind::Text,
        ("longblob", _) => Kind::Bytes,
        (_, "datetime(6)") => Kind::DateTime,
        ("date", _) => Kind::Date,
        (_, "time(6)") => Kind::Time,
        (_, "binary(16)") => Kind::Uuid,
        ("json", _) => Kind::Json,
        ("tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year", _) => {
            return (Kind::Int(64), Some(declared.to_owned()));
        }
        ("decimal", _) => return (Kind::Real(64), Some(declared.to_owned())),
        ("datetime" | "timestamp", _) => return (Kind::DateTime, Some(declared.to_owned())),
        ("time", _) => return (Kind::Time, Some(declared.to_owned())),
        ("varbinary" | "binary" | "tinyblob" | "blob" | "mediumblob", _) => {
            return (Kind::Bytes, Some(declared.to_owned()));
        }
        _ => return (Kind::Text, Some(declared.to_owned())),
    };
    (kind, None)
}

fn default_of_column(sql: &str) -> Option<ColumnDefault> {
    match sql.to_ascii_lowercase().as_str() {
        "null" => None,
        now if now.starts_with("current_timestamp") => Some(ColumnDefault::Now),
        _ => Some(default_of(sql)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_defaults_are_read() {
        assert_eq!(kind_of("int(11)"), (Kind::Int(32), None));
        assert_eq!(kind_of("bigint"), (Kind::Int(64), None));
        assert_eq!(kind_of("tinyint(1)"), (Kind::Bool, None));
        assert_eq!(
            kind_of("int(10) unsigned"),
            (Kind::Int(64), Some("int(10) unsigned".into()))
        );
        assert_eq!(kind_of("varchar(20)"), (Kind::Text, Some("varchar(20)".into())));
        assert_eq!(default_of_column("NULL"), None);
        assert_eq!(
            default_of_column("current_timestamp(6)"),
            Some(ColumnDefault::Now)
        );
        assert_eq!(default_of_column("0"), Some(ColumnDefault::Int(0)));
        assert_eq!(
            default_of_column("'member'"),
            Some(ColumnDefault::Text("member".into()))
        );
    }
}
