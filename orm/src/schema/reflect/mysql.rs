//! The schema of MariaDB and MySQL, from `information_schema`, for the tables of the current database.
//!
//! Three things cannot be told apart there: a unique index is a unique constraint, a text or bytes column that a key is over has the length that
//! keys may have, and JSON of MariaDB is text with a check. An index that the server made for a foreign key is left out.

use super::{bare, default_of, int, text};
use crate::dialect::push_quoted;
use crate::engine::Connection;
use crate::error::Result;
use crate::mapper::ReferenceAction;
use crate::schema::{
    Check, ColumnDefault, ForeignKey, Index, IndexPart, Schema, Table, TableColumn, Unique, View,
};
use crate::types::{Kind, Value};

const TABLES: &str = "SELECT table_name, table_comment FROM information_schema.tables \
    WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY create_time, table_name";

const COLUMNS: &str = "SELECT column_name, column_type, is_nullable, column_default, extra, collation_name, generation_expression, column_comment \
    FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position";

const KEYS: &str = "SELECT c.constraint_type, c.constraint_name, k.column_name, k.referenced_table_name, k.referenced_column_name, \
        r.delete_rule, r.update_rule \
    FROM information_schema.table_constraints c \
    JOIN information_schema.key_column_usage k ON k.constraint_schema = c.constraint_schema \
        AND k.constraint_name = c.constraint_name AND k.table_name = c.table_name \
    LEFT JOIN information_schema.referential_constraints r ON r.constraint_schema = c.constraint_schema \
        AND r.constraint_name = c.constraint_name AND r.table_name = c.table_name \
    WHERE c.table_schema = DATABASE() AND c.table_name = ? ORDER BY c.constraint_type, c.constraint_name, k.ordinal_position";

const INDEXES: &str = "SELECT index_name, column_name, non_unique, collation FROM information_schema.statistics \
    WHERE table_schema = DATABASE() AND table_name = ? AND index_name <> 'PRIMARY' ORDER BY index_name, seq_in_index";

const VIEWS: &str = "SELECT table_name, view_definition FROM information_schema.views \
    WHERE table_schema = DATABASE() ORDER BY table_name";

/// All tables of the current database.
pub(crate) fn schema(connection: &mut Connection) -> Result<Schema> {
    let mut schema = Schema::new();
    for row in connection.rows(TABLES, &[])? {
        let mut table = table(connection, text(&row, 0))?;
        table.comment = some(&row, 1);
        schema = schema.with_table(table);
    }
    for row in connection.rows(VIEWS, &[])? {
        schema = schema.with_view(View::new(text(&row, 0), text(&row, 1)));
    }
    Ok(schema)
}

fn table(connection: &mut Connection, name: String) -> Result<Table> {
    let of = [Value::Text(name.clone().into())];
    let mut table = Table::new(name);
    let rows = connection.rows(COLUMNS, &of)?;
    table.columns = rows.iter().map(|row| column(row)).collect();
    let keys = connection.rows(KEYS, &of)?;
    keys_of(&keys, &mut table);
    let indexes = connection.rows(INDEXES, &of)?;
    indexes_of(&indexes, &keys, &mut table);
    let definition = definition(connection, &table.name)?;
    table.checks = checks_of(&definition);
    find_json(&definition, &mut table);
    forget_key_lengths(&mut table);
    Ok(table)
}

pub(crate) fn column(row: &[Value<'static>]) -> TableColumn {
    let (kind, sql_type) = kind_of(&text(row, 1));
    let (extra, expression) = (text(row, 4).to_ascii_lowercase(), text(row, 6));
    let computed = !expression.is_empty();
    let mut column = TableColumn::new(text(row, 0), kind);
    // What an enum is compared by belongs to what ALTER TABLE has to say of it.
    let by_bytes = text(row, 5) == "utf8mb4_bin";
    column.sql_type = sql_type.map(|declared| match by_bytes && declared.starts_with("enum(") {
        true => format!("{declared} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
        false => declared,
    });
    column.nullable = text(row, 2) == "YES";
    column.auto = extra.contains("auto_increment");
    column.default = row
        .get(3)
        .filter(|value| !value.is_null() && !computed)
        .and_then(|_| default_of_column(&text(row, 3)));
    column.collation = some(row, 5).filter(|name| name != "utf8mb4_bin");
    column.generated = computed.then(|| (as_written(bare(&expression)), extra.contains("stored")));
    column.comment = some(row, 7);
    column
}

fn some(row: &[Value<'static>], at: usize) -> Option<String> {
    Some(text(row, at)).filter(|text| !text.is_empty())
}

/// The statement that would create the table, a line for each column and constraint.
pub(crate) fn definition(connection: &mut Connection, table: &str) -> Result<String> {
    let mut sql = "SHOW CREATE TABLE ".to_owned();
    push_quoted(table, '"', &mut sql);
    let rows = connection.rows(&sql, &[])?;
    Ok(rows.first().map(|row| text(row, 1)).unwrap_or_default())
}

/// The checks of a table: `  CONSTRAINT "name" CHECK (condition),`.
pub(crate) fn checks_of(definition: &str) -> Vec<Check> {
    let check = |line: &str| {
        let rest = line.trim().strip_prefix("CONSTRAINT \"")?;
        let (name, condition) = rest.split_once("\" CHECK (")?;
        let condition = condition.trim_end_matches(',').strip_suffix(')')?;
        Some(Check::new(as_written(bare(condition))).named(name.replace("\"\"", "\"")))
    };
    definition.lines().filter_map(check).collect()
}

/// MariaDB's JSON is text with a check of its own.
pub(crate) fn find_json(definition: &str, table: &mut Table) {
    for (column, line) in table.columns.iter_mut().zip(definition.lines().skip(1)) {
        if column.kind == Kind::Text && line.contains(" CHECK (json_valid(") {
            column.kind = Kind::Json;
            column.sql_type = None;
        }
    }
}

/// The text that a column's line in the definition gives for its default: ` DEFAULT 'text'`.
pub(crate) fn default_in(line: &str) -> Option<ColumnDefault> {
    let (_, rest) = line.split_once(" DEFAULT '")?;
    let mut end = 0;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\'' if chars.next_if(|(_, next)| *next == '\'').is_none() => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let text = rest.get(..end)?;
    Some(default_of(&as_written(&format!("'{text}'"))))
}

/// Servers print quotes inside of texts with a backslash, which our sessions do not take for an escape.
fn as_written(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let (mut quoted, mut chars) = (false, sql.chars());
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                quoted = !quoted;
                out.push(c);
            }
            '\\' if quoted => match chars.next() {
                Some('\'') => out.push_str("''"),
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            _ => out.push(c),
        }
    }
    out
}

/// Rows of one constraint follow each other.
fn keys_of(rows: &[Vec<Value<'static>>], table: &mut Table) {
    for rows in rows.chunk_by(|a, b| a.get(..2) == b.get(..2)) {
        let Some(first) = rows.first() else { continue };
        let columns: Vec<String> = rows.iter().map(|row| text(row, 2)).collect();
        match text(first, 0).as_str() {
            "PRIMARY KEY" => table.primary_key = columns,
            "UNIQUE" => table.uniques.push(Unique {
                name: some(first, 1),
                columns,
            }),
            "FOREIGN KEY" => {
                let references = rows.iter().map(|row| text(row, 4));
                let mut key = ForeignKey::new(columns, text(first, 3), references)
                    .on_delete(action(&text(first, 5)))
                    .on_update(action(&text(first, 6)));
                key.name = some(first, 1);
                table.foreign_keys.push(key);
            }
            _ => {}
        }
    }
}

fn indexes_of(rows: &[Vec<Value<'static>>], keys: &[Vec<Value<'static>>], table: &mut Table) {
    for rows in rows.chunk_by(|a, b| a.first() == b.first()) {
        let Some(first) = rows.first() else { continue };
        let name = text(first, 0);
        let parts: Vec<IndexPart> = rows
            .iter()
            .map(|row| IndexPart {
                descending: text(row, 3) == "D",
                ..IndexPart::column(text(row, 1))
            })
            .collect();
        let unique = int(first, 2) == 0;
        let plain = parts.iter().all(|part| !part.descending);
        let index = Index {
            name,
            parts,
            unique,
            ..Index::default()
        };
        if unique && plain {
            // It is among the constraints.
            continue;
        }
        if unique {
            let is_index = |constraint: &Unique| constraint.name.as_deref() == Some(index.name.as_str());
            table.uniques.retain(|constraint| !is_index(constraint));
        }
        if is_of_key(&index, keys, table) {
            let columns = index.columns().unwrap_or_default();
            for key in table.foreign_keys.iter_mut().filter(|key| key.columns == columns) {
                key.server_index = Some(index.name.clone());
            }
        } else {
            table.indexes.push(index);
        }
    }
}

/// Has the server made it for a foreign key?
fn is_of_key(index: &Index, keys: &[Vec<Value<'static>>], table: &Table) -> bool {
    let columns = index.columns().unwrap_or_default();
    let of_key = |key: &ForeignKey| key.columns == columns;
    let named_so = |row: &Vec<Value<'static>>| {
        text(row, 0) == "FOREIGN KEY" && (text(row, 1) == index.name || text(row, 2) == index.name)
    };
    table.foreign_keys.iter().any(of_key) && keys.iter().any(named_so)
}

/// What a key gives its columns for a type is no declaration of theirs.
pub(crate) fn forget_key_lengths(table: &mut Table) {
    let keyed: Vec<bool> = table
        .columns
        .iter()
        .map(|column| table.is_keyed(&column.name))
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
        (_, "decimal(38,10)") => Kind::Decimal,
        (_, "binary(16)") => Kind::Uuid,
        ("json", _) => Kind::Json,
        ("tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year", _) => {
            return (Kind::Int(64), Some(declared.to_owned()));
        }
        ("decimal", _) => return (Kind::Decimal, Some(declared.to_owned())),
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
        _ => Some(default_of(bare(&as_written(sql)))),
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
