//! `PRAGMA foreign_key_check`: rows whose foreign key finds no parent.

use std::sync::Arc;

use aludel_storage::btree::{IndexCursor, Seek, TableCursor};
use aludel_storage::format::TextEncoding;
use aludel_storage::pager::Pager;

use super::super::inspect::{find_table, searched};
use super::super::{PragmaContext, Request, Row, text};
use super::rows::row_scan;
use crate::catalog::{ForeignKey, IndexSource, Schema, Table, encode_text, usable};
use crate::error::{Error, Result};
use crate::exec::ExecContext;
use crate::value::{Affinity, Text, Value, ValueRef, apply_affinity};

/// Rows: table, rowid (NULL without one), parent table, number of the constraint.
pub(in super::super) fn foreign_key_check(
    request: &Request<'_>,
    context: &mut PragmaContext<'_>,
) -> Result<Vec<Row>> {
    let tables: Vec<(usize, Arc<Table>)> = match request.value {
        Some(name) => {
            let Some((database, table)) = find_table(request, context, name) else {
                let place = request
                    .database
                    .map(|number| context.state.databases[number].name.as_str());
                return Err(Error::sql(match place {
                    Some(place) => format!("no such table: {place}.{name}"),
                    None => format!("no such table: {name}"),
                }));
            };
            let number = context
                .state
                .databases
                .iter()
                .position(|other| other.name == database.name);
            let shared = database.schema.table(&table.name).cloned();
            number.zip(shared).into_iter().collect()
        }
        None => all_tables(request, context),
    };
    let mut rows = Vec::new();
    for (database, table) in tables {
        check_table(database, &table, context, &mut rows)?;
    }
    Ok(rows)
}

fn all_tables(request: &Request<'_>, context: &PragmaContext<'_>) -> Vec<(usize, Arc<Table>)> {
    let mut tables = Vec::new();
    for database in searched(request, context) {
        let number = context
            .state
            .databases
            .iter()
            .position(|other| other.name == database.name);
        let with_keys = database
            .schema
            .tables
            .values()
            .filter(|table| !table.foreign_keys.is_empty());
        tables.extend(with_keys.filter_map(|table| Some((number?, Arc::clone(table)))));
    }
    tables.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    tables
}

fn check_table(
    database: usize,
    table: &Arc<Table>,
    context: &mut PragmaContext<'_>,
    out: &mut Vec<Row>,
) -> Result<()> {
    let schema = Arc::clone(&context.state.databases[database].schema);
    let last = table.foreign_keys.len().saturating_sub(1);
    for (position, key) in table.foreign_keys.iter().enumerate() {
        let parent = Parent::find(&schema, table, key)?;
        let orphans = orphans(database, table, key, parent, context)?;
        for rowid in orphans {
            out.push(vec![
                text(&table.name),
                rowid,
                text(&key.parent),
                Value::Integer((last - position) as i64),
            ]);
        }
    }
    Ok(())
}

/// Where a key's values are looked up.
enum Parent {
    /// There is no such table: no row has a parent.
    Missing,
    /// By rowid.
    Rowid(TableCursor),
    /// By an index, or the tree of a WITHOUT ROWID table: for each column of its key, which column of the foreign key it is and the
    /// affinity of the parent's column.
    Index(IndexCursor, Vec<(usize, Affinity)>),
}

impl Parent {
    fn find(schema: &Schema, child: &Table, key: &ForeignKey) -> Result<Parent> {
        let Some(parent) = schema.table(&key.parent) else {
            return Ok(Parent::Missing);
        };
        let mismatch = || {
            Error::sql(format!(
                "foreign key mismatch - \"{}\" referencing \"{}\"",
                child.name, key.parent
            ))
        };
        let columns = parent_columns(parent, key).ok_or_else(mismatch)?;
        if let [column] = columns[..]
            && parent.rowid_alias == Some(column)
        {
            return Ok(Parent::Rowid(TableCursor::new(parent.root)));
        }
        let part = |column: usize| {
            let place = columns.iter().position(|wanted| *wanted == column)?;
            Some((place, parent.columns.get(column)?.affinity))
        };
        if let Some(tree) = &parent.without_rowid
            && tree.key_count == columns.len()
            && let Some(parts) = tree.stored[..tree.key_count]
                .iter()
                .map(|column| part(*column))
                .collect()
        {
            return Ok(Parent::Index(
                IndexCursor::new(parent.root, usable(&tree.order)?),
                parts,
            ));
        }
        for index in &parent.indexes {
            if index.unique.is_none() || index.filter.is_some() || index.columns.len() != columns.len() {
                continue;
            }
            let parts = index.columns.iter().map(|column| match column.source {
                IndexSource::Column(number) => part(number),
                _ => None,
            });
            if let Some(parts) = parts.collect() {
                return Ok(Parent::Index(
                    IndexCursor::new(index.root, usable(&index.order)?),
                    parts,
                ));
            }
        }
        Err(mismatch())
    }

    /// Whether a row with these key values exists. `key` is in UTF-8.
    fn has(&mut self, pager: &Pager, key: &[Value], encoding: TextEncoding) -> Result<bool> {
        match self {
            Parent::Missing => Ok(false),
            Parent::Rowid(cursor) => {
                let Some(mut value) = key.first().cloned() else {
                    return Ok(false);
                };
                apply_affinity(&mut value, Affinity::Integer);
                match value {
                    Value::Integer(rowid) => Ok(cursor.seek(pager, rowid, Seek::Eq)?),
                    _ => Ok(false),
                }
            }
            Parent::Index(cursor, parts) => {
                let values: Vec<Value> = parts
                    .iter()
                    .map(|(place, affinity)| stored(&key[*place], *affinity, encoding))
                    .collect();
                let values: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
                Ok(cursor.seek(pager, &values, Seek::Eq)?)
            }
        }
    }
}

/// A child's value as the parent's column would store it.
fn stored(value: &Value, affinity: Affinity, encoding: TextEncoding) -> Value {
    let mut value = value.clone();
    apply_affinity(&mut value, affinity);
    match &value {
        Value::Text(text) if encoding != TextEncoding::Utf8 => {
            let mut bytes = Vec::new();
            encode_text(text.as_bytes(), encoding, &mut bytes);
            Value::Text(Text::from_bytes(bytes))
        }
        _ => value,
    }
}

/// The parent's columns that the key refers to: those named, else its primary key. `None` when the numbers differ or a name is unknown.
fn parent_columns(parent: &Table, key: &ForeignKey) -> Option<Vec<usize>> {
    let columns: Vec<usize> = if key.parent_columns.is_empty() {
        let mut keyed: Vec<(usize, usize)> = parent
            .columns
            .iter()
            .enumerate()
            .filter_map(|(i, column)| Some((column.primary_key?, i)))
            .collect();
        keyed.sort_unstable();
        keyed.into_iter().map(|(_, column)| column).collect()
    } else {
        key.parent_columns
            .iter()
            .map(|name| parent.column(name))
            .collect::<Option<_>>()?
    };
    (columns.len() == key.columns.len()).then_some(columns)
}

/// The rowids (NULL without one) of rows that have a whole key and no parent.
fn orphans(
    database: usize,
    table: &Arc<Table>,
    key: &ForeignKey,
    mut parent: Parent,
    context: &mut PragmaContext<'_>,
) -> Result<Vec<Value>> {
    let mut scan = row_scan(database, table)?;
    let was_open = context.state.databases[database].pager.state();
    context.state.databases[database].pager.begin_read()?;
    let mut registers = Vec::new();
    let mut exec = ExecContext {
        state: &mut *context.state,
        parameters: &[],
        registers: &mut registers,
        interrupt: context.interrupt,
        run: u64::MAX,
    };
    let mut found = Vec::new();
    let result = (|| {
        let encoding = exec.state.databases[database].pager.header()?.encoding;
        scan.open(&mut exec)?;
        while scan.next(&mut exec)? {
            exec.check_interrupt()?;
            let batch = scan.batch();
            for row in batch.selected() {
                let values: Vec<Value> = key
                    .columns
                    .iter()
                    .map(|column| Value::from(batch.columns[*column].get(row)))
                    .collect();
                let whole = !values.iter().any(Value::is_null);
                if whole && !parent.has(&exec.state.databases[database].pager, &values, encoding)? {
                    let rowid = batch.columns.get(table.columns.len());
                    found.push(rowid.map_or(Value::Null, |rowid| Value::from(rowid.get(row))));
                }
            }
        }
        Ok(())
    })();
    if was_open == aludel_storage::pager::TransactionState::None {
        exec.state.databases[database].pager.end_read();
    }
    result.map(|()| found)
}
