//! SQLite on the same file: what it reads, and what it changes.

use std::path::Path;

use aludel_storage::format::{RecordView, ValueRef};
use rusqlite::types::{ToSqlOutput, ValueRef as Theirs};
use rusqlite::{Connection, ToSql};

use super::model::{Content, Model, first_of, key_of, put};
use super::records::{First, Record, keyed, row};
use crate::random::Random;
use crate::rows::Rows;

type Outcome<T> = Result<T, String>;

fn said(error: impl std::fmt::Display) -> String {
    format!("SQLite: {error}")
}

/// One of our values as a parameter of SQLite's.
struct Given<'a>(ValueRef<'a>);

impl ToSql for Given<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            ValueRef::Null => ToSqlOutput::Borrowed(Theirs::Null),
            ValueRef::Integer(v) => ToSqlOutput::Borrowed(Theirs::Integer(v)),
            ValueRef::Real(v) => ToSqlOutput::Borrowed(Theirs::Real(v)),
            ValueRef::Text(v) => ToSqlOutput::Borrowed(Theirs::Text(v)),
            ValueRef::Blob(v) => ToSqlOutput::Borrowed(Theirs::Blob(v)),
        })
    }
}

fn same(ours: ValueRef<'_>, theirs: Theirs<'_>) -> bool {
    match (ours, theirs) {
        (ValueRef::Null, Theirs::Null) => true,
        (ValueRef::Integer(a), Theirs::Integer(b)) => a == b,
        (ValueRef::Real(a), Theirs::Real(b)) => a.to_bits() == b.to_bits(),
        (ValueRef::Text(a), Theirs::Text(b)) | (ValueRef::Blob(a), Theirs::Blob(b)) => a == b,
        _ => false,
    }
}

/// Opens the file with SQLite and asks whether all is as the model says.
pub(super) fn check(file: &Path, model: &Model) -> Outcome<()> {
    let connection = Connection::open(file).map_err(said)?;
    let verdict = connection.texts("PRAGMA integrity_check").map_err(said)?;
    if verdict != ["ok"] {
        return Err(format!("SQLite's integrity_check: {}", verdict.join("; ")));
    }
    for (name, table) in &model.tables {
        let records: Vec<(Option<i64>, &Record)> = match &table.content {
            Content::Rows(rows) => rows.iter().map(|(id, row)| (Some(*id), row)).collect(),
            Content::Records(records) => records.iter().map(|record| (None, record)).collect(),
        };
        let sql = match &table.content {
            Content::Rows(_) => format!("SELECT rowid, a, b FROM {name} NOT INDEXED ORDER BY rowid"),
            Content::Records(_) => {
                format!("SELECT NULL, k, n, v FROM {name} ORDER BY k COLLATE NOCASE, n DESC")
            }
        };
        let mut statement = connection.prepare(&sql).map_err(said)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        for (rowid, record) in records {
            let found = rows.next().map_err(said)?;
            let Some(found) = found else {
                return Err(format!("SQLite has fewer rows of {name}"));
            };
            let view = RecordView::parse(record).map_err(said)?;
            let same_id = match rowid {
                Some(id) => same(ValueRef::Integer(id), found.get_ref(0).map_err(said)?),
                None => true,
            };
            for column in 1..columns {
                let value = view.column(column - 1).map_err(said)?;
                if !same_id || !same(value, found.get_ref(column).map_err(said)?) {
                    return Err(format!("SQLite has another row of {name}, {rowid:?}"));
                }
            }
        }
        if rows.next().map_err(said)?.is_some() {
            return Err(format!("SQLite has more rows of {name}"));
        }
    }
    Ok(())
}

/// Changes the file with SQLite, and the model with it. Nobody has a transaction open.
pub(super) fn change(file: &Path, model: &mut Model, usable: usize, random: &mut Random) -> Outcome<()> {
    let connection = Connection::open(file).map_err(said)?;
    connection
        .execute_batch("PRAGMA synchronous = off; PRAGMA cache_size = 8; BEGIN IMMEDIATE")
        .map_err(said)?;
    let names: Vec<String> = model.tables.keys().cloned().collect();
    for _ in 0..random.below(12) {
        let Some(name) = names.get(random.below(names.len())) else {
            break;
        };
        if let Some(table) = model.tables.get_mut(name) {
            change_table(&connection, name, &mut table.content, usable, random)?;
        }
    }
    connection.execute_batch("COMMIT").map_err(said)?;
    match random.below(10) {
        0 => connection.execute_batch("VACUUM").map_err(said),
        1 => connection
            .execute_batch("PRAGMA incremental_vacuum(3)")
            .map_err(said),
        2 => connection
            .execute_batch("PRAGMA wal_checkpoint(truncate)")
            .map_err(said),
        3 => connection.execute_batch("REINDEX").map_err(said),
        _ => Ok(()),
    }
}

fn change_table(
    connection: &Connection,
    name: &str,
    content: &mut Content,
    usable: usize,
    random: &mut Random,
) -> Outcome<()> {
    let run = |sql: &str, values: &[ValueRef<'_>]| {
        let mut statement = connection.prepare_cached(sql).map_err(said)?;
        let given: Vec<Given<'_>> = values.iter().copied().map(Given).collect();
        statement
            .execute(rusqlite::params_from_iter(given.iter()))
            .map_err(said)
    };
    match content {
        Content::Rows(rows) if random.one_in(3) => {
            let id = random.below(300) as i64;
            run(
                &format!("DELETE FROM {name} WHERE rowid = ?"),
                &[ValueRef::Integer(id)],
            )?;
            rows.remove(&id);
        }
        Content::Rows(rows) => {
            let id = random.below(300) as i64;
            let record = row(&First::random(random), usable, random);
            let view = RecordView::parse(&record).map_err(said)?;
            let blob = view.column(1).map_err(said)?;
            run(
                &format!("INSERT OR REPLACE INTO {name}(rowid, a, b) VALUES(?, ?, ?)"),
                &[ValueRef::Integer(id), first_of(&record), blob],
            )?;
            rows.insert(id, record);
        }
        Content::Records(records) if random.one_in(3) && !records.is_empty() => {
            let record = records.remove(random.below(records.len()));
            run(
                &format!("DELETE FROM {name} WHERE k = ? AND n = ?"),
                &key_of(&record, 2),
            )?;
        }
        Content::Records(records) => {
            let record = keyed(usable, None, random);
            run(
                &format!("INSERT OR REPLACE INTO {name} VALUES(?, ?, ?)"),
                &key_of(&record, 3),
            )?;
            put(records, record);
        }
    }
    Ok(())
}
