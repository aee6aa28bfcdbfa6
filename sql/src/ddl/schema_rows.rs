//! Rows of sqlite_schema, the schema cookie, and the schema in memory that follows them.

use aludel_storage::btree::TableCursor;
use aludel_storage::format::record::RecordView;
use aludel_storage::format::{PageNo, TextEncoding, ValueRef};

use super::Definer;
use crate::catalog::{COLUMN_COUNT_MAX, Environment, Schema, SchemaBuilder, SchemaRow, encode_text, utf8_of};
use crate::connection::State;
use crate::error::Result;
use crate::value::Value;

/// A row of sqlite_schema that is about to be written.
pub(crate) struct NewRow<'a> {
    /// `table`, `index`, `view` or `trigger`.
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) table: &'a str,
    /// `None` for objects without a tree.
    pub(crate) root: Option<PageNo>,
    /// `None` for automatic indexes.
    pub(crate) sql: Option<&'a str>,
}

impl Definer<'_> {
    /// Adds a row and takes it into the schema in memory with [`Definer::finish`].
    pub(crate) fn add_row(&mut self, database: usize, row: &NewRow<'_>) -> Result<SchemaRow> {
        let pager = &mut self.state.databases[database].pager;
        let encoding = pager.header()?.encoding;
        let texts = [row.kind, row.name, row.table, row.sql.unwrap_or("")].map(|text| {
            let mut bytes = Vec::new();
            encode_text(text.as_bytes(), encoding, &mut bytes);
            bytes
        });
        let root = row.root.map_or(0, |root| i64::from(root.get()));
        let sql = match row.sql {
            Some(_) => ValueRef::Text(&texts[3]),
            None => ValueRef::Null,
        };
        let values = [
            ValueRef::Text(&texts[0]),
            ValueRef::Text(&texts[1]),
            ValueRef::Text(&texts[2]),
            ValueRef::Integer(root),
            sql,
        ];
        let mut cursor = TableCursor::new(PageNo::ONE);
        let rowid = cursor.max_rowid(pager)?.unwrap_or(0) + 1;
        cursor.insert_values(pager, rowid, &values)?;
        Ok(SchemaRow {
            name: Some(row.name.to_owned()),
            table: Some(row.table.to_owned()),
            root: Some(root),
            sql: row.sql.map(str::to_owned),
            sql_bytes: None,
        })
    }

    /// Removes the rows for which `condition` holds: of type, name and table.
    pub(crate) fn remove_rows(
        &mut self,
        database: usize,
        condition: impl Fn(&str, &str, &str) -> bool,
    ) -> Result<()> {
        let pager = &mut self.state.databases[database].pager;
        let encoding = pager.header()?.encoding;
        let mut cursor = TableCursor::new(PageNo::ONE);
        let mut spill = Vec::new();
        let mut more = cursor.first(pager)?;
        while more {
            let view = RecordView::parse(cursor.payload(pager, &mut spill)?)?;
            let [kind, name, table] = [0, 1, 2].map(|place| text_of(view.column(place), encoding));
            if condition(&kind?, &name?, &table?) {
                cursor.delete(pager)?;
            }
            more = cursor.next(pager)?;
        }
        Ok(())
    }

    /// Moves the schema cookie on and takes `rows` into the schema in memory.
    pub(crate) fn finish_with(&mut self, database: usize, rows: &[SchemaRow]) -> Result<()> {
        self.finish(database, (*self.state.databases[database].schema).clone(), rows)
    }

    /// As [`Definer::finish_with`], starting from `schema`.
    pub(crate) fn finish(&mut self, database: usize, schema: Schema, rows: &[SchemaRow]) -> Result<()> {
        let State {
            databases,
            collations,
            schema_version,
            ..
        } = &mut *self.state;
        let database = &mut databases[database];
        let mut cookie = 0;
        database.pager.update_header(|header| {
            header.schema_cookie = header.schema_cookie.wrapping_add(1);
            cookie = header.schema_cookie;
        })?;
        let header = database.pager.header()?;
        let environment = Environment {
            encoding: header.encoding,
            schema_format: header.schema_format,
            collations,
            reading: true,
            columns_max: COLUMN_COUNT_MAX,
        };
        let mut builder = SchemaBuilder::extend(schema, database.pager.page_count(), environment);
        for row in rows {
            builder.add(row)?;
        }
        database.replace_schema(builder.finish(cookie)?)?;
        *schema_version += 1;
        Ok(())
    }
}

fn text_of(value: aludel_storage::Result<ValueRef<'_>>, encoding: TextEncoding) -> Result<String> {
    Ok(match value? {
        ValueRef::Text(text) => String::from_utf8_lossy(&utf8_of(text, encoding)).into_owned(),
        value => match Value::from(value) {
            Value::Integer(number) => number.to_string(),
            _ => String::new(),
        },
    })
}
