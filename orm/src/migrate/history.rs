//! The table that records which migrations a database has seen.
//!
//! | column | |
//! |---|---|
//! | `version` | the version, the key |
//! | `name` | the migration's name |
//! | `checksum` | of its statements, to notice edits |
//! | `state` | `applied`; `up 3` or `down 3` while the fourth statement of that way runs, on backends without DDL in transactions |
//! | `applied` | when, in UTC |

use crate::dialect::Dialect;
use crate::engine::Connection;
use crate::error::Result;
use crate::schema::{ColumnDefault, Table, TableColumn};
use crate::types::{Kind, Value};

use super::migration::Migration;

/// Its name.
pub(crate) const TABLE: &str = "aludel_migrations";

/// A migration that a database has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// The version.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// The checksum that it had.
    pub checksum: String,
    /// When it was applied, in UTC.
    pub when: String,
    /// Where it stopped, if it did.
    pub stopped: Option<Stopped>,
}

/// A migration that stopped half-way, on a backend that cannot take DDL back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// On its way up, after this many statements.
    Up(usize),
    /// On its way down, after this many statements.
    Down(usize),
}

pub(super) fn create(connection: &mut Connection) -> Result<()> {
    let table = Table::new(TABLE)
        .with_column(TableColumn::new("version", Kind::Int(64)))
        .with_column(TableColumn::new("name", Kind::Text))
        .with_column(TableColumn::new("checksum", Kind::Text))
        .with_column(TableColumn::new("state", Kind::Text))
        .with_column(TableColumn::new("applied", Kind::Timestamp).default(ColumnDefault::Now))
        .with_primary_key(["version"]);
    let sql = table.create_sql(connection.dialect(), true)?;
    connection.execute(&sql, &[])?;
    Ok(())
}

/// All rows, from the first version to the last. A database without the table has none.
pub(super) fn all(connection: &mut Connection, dialect: &dyn Dialect) -> Result<Vec<Applied>> {
    if dialect.reflect(connection)?.table(TABLE).is_none() {
        return Ok(Vec::new());
    }
    rows(connection)
}

/// All rows, where the table is there.
pub(super) fn rows(connection: &mut Connection) -> Result<Vec<Applied>> {
    let sql = format!("SELECT version, name, checksum, state, applied FROM {TABLE} ORDER BY version");
    let rows = connection.rows(&sql, &[])?;
    Ok(rows.iter().map(|row| applied(row)).collect())
}

fn applied(row: &[Value<'static>]) -> Applied {
    let text = |at: usize| match row.get(at) {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    };
    let version = match row.first() {
        Some(Value::Int(number)) => *number,
        _ => 0,
    };
    Applied {
        version,
        name: text(1),
        checksum: text(2),
        when: text(4),
        stopped: stopped(&text(3)),
    }
}

fn stopped(state: &str) -> Option<Stopped> {
    let (way, count) = state.split_once(' ')?;
    let count = count.parse().ok()?;
    match way {
        "up" => Some(Stopped::Up(count)),
        "down" => Some(Stopped::Down(count)),
        _ => None,
    }
}

fn state(stopped: Option<Stopped>) -> String {
    match stopped {
        None => "applied".to_owned(),
        Some(Stopped::Up(count)) => format!("up {count}"),
        Some(Stopped::Down(count)) => format!("down {count}"),
    }
}

/// Writes what has become of a migration.
pub(super) fn record(
    connection: &mut Connection,
    migration: &dyn Migration,
    stopped: Option<Stopped>,
) -> Result<()> {
    forget(connection, migration.version())?;
    let mut sql = format!("INSERT INTO {TABLE} (version, name, checksum, state) VALUES (");
    for number in 1..=4 {
        sql.push_str(if number > 1 { ", " } else { "" });
        connection.dialect().push_placeholder(number, &mut sql);
    }
    sql.push(')');
    let values = [
        Value::Int(migration.version()),
        Value::Text(migration.name().into()),
        Value::Text(migration.checksum().into()),
        Value::Text(state(stopped).into()),
    ];
    connection.execute(&sql, &values)?;
    Ok(())
}

/// The migration is undone.
pub(super) fn forget(connection: &mut Connection, version: i64) -> Result<()> {
    let mut sql = format!("DELETE FROM {TABLE} WHERE version = ");
    connection.dialect().push_placeholder(1, &mut sql);
    connection.execute(&sql, &[Value::Int(version)])?;
    Ok(())
}
