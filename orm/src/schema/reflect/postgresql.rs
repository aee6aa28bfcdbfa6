//! PostgreSQL's schema, from its catalogs (`pg_catalog`), for the tables of the current schema.
//!
//! Lists of columns come as one text with a unit separator between the names, which no sensible name contains.

use super::{bare, default_of, flag, int, text};
use crate::engine::Connection;
use crate::error::Result;
use crate::mapper::ReferenceAction;
use crate::schema::{
    Check, ColumnDefault, Deferrable, ForeignKey, Index, IndexPart, IndexTerm, Schema, Table, TableColumn,
    Unique, View,
};
use crate::types::{Kind, Value};

const TABLES: &str = "SELECT c.oid, c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c \
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = current_schema()::regnamespace ORDER BY c.oid";

const COLUMNS: &str = "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), \
        a.attidentity::text <> '' OR pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) IS NOT NULL, \
        a.attgenerated::text <> '', \
        (SELECT co.collname FROM pg_collation co, pg_type t \
          WHERE co.oid = a.attcollation AND t.oid = a.atttypid AND t.typcollation <> a.attcollation), \
        col_description(a.attrelid, a.attnum) \
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const CONSTRAINTS: &str = "SELECT k.contype::text, \
        (SELECT string_agg(a.attname, chr(31) ORDER BY n.place) FROM unnest(k.conkey) WITH ORDINALITY n(number, place) \
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.number), \
        (SELECT c.relname FROM pg_class c WHERE c.oid = k.confrelid), \
        (SELECT string_agg(a.attname, chr(31) ORDER BY n.place) FROM unnest(k.confkey) WITH ORDINALITY n(number, place) \
          JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = n.number), \
        k.confdeltype::text, k.confupdtype::text, pg_get_expr(k.conbin, k.conrelid), \
        k.conname, k.condeferrable, k.condeferred \
    FROM pg_constraint k WHERE k.conrelid = $1 ORDER BY k.oid";

/// Of indexes that no constraint has made; a row for each part, with those that are only carried along behind the others.
const INDEXES: &str = "SELECT c.relname, i.indisunique, pg_get_expr(i.indpred, i.indrelid), n.number > i.indnkeyatts, a.attname, \
        pg_get_indexdef(i.indexrelid, n.number, true), coalesce((i.indoption[n.number - 1] & 1) = 1, false), \
        (SELECT co.collname FROM pg_collation co WHERE co.oid = i.indcollation[n.number - 1] \
          AND a.attcollation IS DISTINCT FROM co.oid AND co.collname <> 'default') \
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
    CROSS JOIN LATERAL generate_series(1, i.indnatts) n(number) \
    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n.number - 1] AND a.attnum > 0 \
    WHERE i.indrelid = $1 \
        AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) \
    ORDER BY i.indexrelid, n.number";

const VIEWS: &str = "SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class c \
    WHERE c.relkind = 'v' AND c.relnamespace = current_schema()::regnamespace ORDER BY c.oid";

/// All tables of the current schema, in the order in which they were made.
pub(crate) fn schema(connection: &mut Connection) -> Result<Schema> {
    let mut schema = Schema::new();
    for row in connection.rows(TABLES, &[])? {
        let mut table = table(connection, int(&row, 0), text(&row, 1))?;
        table.comment = some(&row, 2);
        schema = schema.with_table(table);
    }
    for row in connection.rows(VIEWS, &[])? {
        let query = text(&row, 1);
        schema = schema.with_view(View::new(text(&row, 0), query.trim().trim_end_matches(';')));
    }
    Ok(schema)
}

/// The table of that number.
pub(crate) fn table(connection: &mut Connection, oid: i64, name: String) -> Result<Table> {
    let mut table = Table::new(name);
    let rows = connection.rows(COLUMNS, &[Value::Int(oid)])?;
    table.columns = rows.iter().map(|row| column(row)).collect();
    for row in connection.rows(CONSTRAINTS, &[Value::Int(oid)])? {
        constraint(&row, &mut table);
    }
    let parts = connection.rows(INDEXES, &[Value::Int(oid)])?;
    table.indexes = parts
        .chunk_by(|a, b| a.first() == b.first())
        .filter_map(index)
        .collect();
    Ok(table)
}

fn index(rows: &[Vec<Value<'static>>]) -> Option<Index> {
    let first = rows.first()?;
    let carried = |row: &&Vec<Value<'static>>| flag(row, 3);
    Some(Index {
        name: text(first, 0),
        parts: rows
            .iter()
            .filter(|row| !carried(row))
            .map(|row| part(row))
            .collect(),
        unique: flag(first, 1),
        predicate: some(first, 2).map(|sql| bare(&sql).to_owned()),
        include: rows.iter().filter(carried).map(|row| text(row, 4)).collect(),
    })
}

fn part(row: &[Value<'static>]) -> IndexPart {
    let term = match some(row, 4) {
        Some(name) => IndexTerm::Column(name),
        None => IndexTerm::Expression(bare(&text(row, 5)).to_owned()),
    };
    IndexPart {
        term,
        descending: flag(row, 6),
        collation: some(row, 7),
    }
}

fn some(row: &[Value<'static>], at: usize) -> Option<String> {
    Some(text(row, at)).filter(|text| !text.is_empty())
}

fn column(row: &[Value<'static>]) -> TableColumn {
    let (kind, sql_type) = kind_of(&text(row, 1));
    let written = row.get(3).filter(|value| !value.is_null()).map(|_| text(row, 3));
    let computed = flag(row, 5);
    let auto = flag(row, 4);
    let mut column = TableColumn::new(text(row, 0), kind);
    column.sql_type = sql_type;
    column.nullable = !flag(row, 2);
    column.auto = auto;
    column.generated = written
        .clone()
        .filter(|_| computed)
        .map(|expression| (bare(&expression).to_owned(), true));
    // A serial column takes its default from its sequence.
    column.default = written
        .filter(|_| !computed && !auto)
        .map(|sql| default_of_column(&sql));
    column.collation = some(row, 6);
    column.comment = some(row, 7);
    column
}

fn constraint(row: &[Value<'static>], table: &mut Table) {
    let columns = names(row, 1);
    let name = some(row, 7);
    match text(row, 0).as_str() {
        "p" => {
            table.primary_key = columns;
            table.primary_key_name = name;
        }
        "u" => table.uniques.push(Unique { name, columns }),
        "c" => table.checks.push(Check {
            name,
            sql: bare(&text(row, 6)).to_owned(),
        }),
        "f" => table.foreign_keys.push(ForeignKey {
            name,
            columns,
            table: text(row, 2),
            references: names(row, 3),
            on_delete: action(&text(row, 4)),
            on_update: action(&text(row, 5)),
            deferrable: match (flag(row, 8), flag(row, 9)) {
                (false, _) => Deferrable::No,
                (true, false) => Deferrable::Immediate,
                (true, true) => Deferrable::Deferred,
            },
            server_index: None,
        }),
        _ => {}
    }
}

fn names(row: &[Value<'static>], at: usize) -> Vec<String> {
    text(row, at).split('\u{1f}').map(str::to_owned).collect()
}

fn action(letter: &str) -> ReferenceAction {
    match letter {
        "r" => ReferenceAction::Restrict,
        "c" => ReferenceAction::Cascade,
        "n" => ReferenceAction::SetNull,
        "d" => ReferenceAction::SetDefault,
        _ => ReferenceAction::NoAction,
    }
}

/// The kind that a declared type means, and the declaration itself where it is not the kind's own name.
fn kind_of(declared: &str) -> (Kind, Option<String>) {
    let kind = match declared {
        "boolean" => Kind::Bool,
        "smallint" => Kind::Int(16),
        "integer" => Kind::Int(32),
        "bigint" => Kind::Int(64),
        "real" => Kind::Real(32),
        "double precision" => Kind::Real(64),
        "text" => Kind::Text,
        "bytea" => Kind::Bytes,
        "timestamp with time zone" => Kind::Timestamp,
        "timestamp without time zone" => Kind::DateTime,
        "date" => Kind::Date,
        "time without time zone" => Kind::Time,
        "interval" => Kind::Interval,
        "uuid" => Kind::Uuid,
        "jsonb" => Kind::Json,
        "json" => return (Kind::Json, Some(declared.to_owned())),
        array if array.ends_with("[]") => return array_of(array),
        "numeric" => Kind::Decimal,
        other if other.starts_with("numeric") => return (Kind::Decimal, Some(declared.to_owned())),
        _ => return (Kind::Text, Some(declared.to_owned())),
    };
    (kind, None)
}

fn array_of(declared: &str) -> (Kind, Option<String>) {
    let element = match kind_of(declared.trim_end_matches("[]")) {
        (Kind::Bool, None) => &Kind::Bool,
        (Kind::Int(16), None) => &Kind::Int(16),
        (Kind::Int(32), None) => &Kind::Int(32),
        (Kind::Int(64), None) => &Kind::Int(64),
        (Kind::Real(32), None) => &Kind::Real(32),
        (Kind::Real(64), None) => &Kind::Real(64),
        (Kind::Text, None) => &Kind::Text,
        (Kind::Timestamp, None) => &Kind::Timestamp,
        (Kind::DateTime, None) => &Kind::DateTime,
        (Kind::Date, None) => &Kind::Date,
        (Kind::Time, None) => &Kind::Time,
        (Kind::Uuid, None) => &Kind::Uuid,
        _ => return (Kind::Array(&Kind::Text), Some(declared.to_owned())),
    };
    (Kind::Array(element), None)
}

/// A default as the catalog writes it: a literal has its type behind it, a negative number stands in quotes.
fn default_of_column(sql: &str) -> ColumnDefault {
    let quoted = |text: &&str| text.len() > 1 && text.starts_with('\'') && text.ends_with('\'');
    let literal = sql
        .rsplit_once("::")
        .map(|(text, _)| text)
        .filter(quoted)
        .unwrap_or(sql);
    let ty = sql.get(literal.len()..).unwrap_or_default();
    let bare = || literal.trim_matches('\'');
    match (literal, ty) {
        ("true", _) => ColumnDefault::Bool(true),
        ("false", _) => ColumnDefault::Bool(false),
        (_, "::smallint" | "::integer" | "::bigint" | "::numeric" | "::real" | "::double precision") => {
            default_of(bare())
        }
        _ => default_of(literal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_lose_their_casts() {
        for (sql, default) in [
            ("'it''s'::text", ColumnDefault::Text("it's".into())),
            ("'-3'::integer", ColumnDefault::Int(-3)),
            ("5", ColumnDefault::Int(5)),
            ("1.5", ColumnDefault::Real(1.5)),
            ("'1.5'::double precision", ColumnDefault::Real(1.5)),
            ("true", ColumnDefault::Bool(true)),
            ("CURRENT_TIMESTAMP", ColumnDefault::Now),
            (
                "abs('-7'::integer)",
                ColumnDefault::Sql("abs('-7'::integer)".into()),
            ),
        ] {
            assert_eq!(default_of_column(sql), default, "{sql}");
        }
    }
}
