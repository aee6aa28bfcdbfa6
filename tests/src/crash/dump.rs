//! The content of a database as one number: schema and all rows, the same from either engine.

use std::hash::{DefaultHasher, Hash, Hasher};

use aludel_sql::{Connection, Result};

use crate::rows::{Cell, Rows};

/// What a dump comes to.
pub(super) type Digest = u64;

const SCHEMA: &str = "sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2";

/// The digest of these databases of our connection.
///
/// # Errors
/// Those of reading.
pub(super) fn ours(connection: &Connection, databases: &[&str]) -> Result<Digest> {
    digest(connection, databases)
}

/// The digest of these databases of SQLite's connection.
///
/// # Errors
/// Those of reading.
pub(super) fn theirs(connection: &rusqlite::Connection, databases: &[&str]) -> rusqlite::Result<Digest> {
    digest(connection, databases)
}

fn digest<R: Rows>(engine: &R, databases: &[&str]) -> Result<Digest, R::Error> {
    let mut hasher = DefaultHasher::new();
    for database in databases {
        let mut tables = Vec::new();
        engine.rows(
            &format!("SELECT type, name, tbl_name, sql FROM {database}.{SCHEMA}"),
            &mut |cell| cell.hash(&mut hasher),
        )?;
        engine.rows(
            &format!(
                "SELECT name FROM {database}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
            ),
            &mut |cell| {
                if let Cell::Text(name) = cell {
                    tables.push(String::from_utf8_lossy(name).into_owned());
                }
            },
        )?;
        for table in tables {
            let sql = format!("SELECT * FROM {database}.\"{table}\" ORDER BY 1");
            engine.rows(&sql, &mut |cell| cell.hash(&mut hasher))?;
        }
    }
    Ok(hasher.finish())
}

/// The first value of a query, as text; empty when there is none.
///
/// # Errors
/// Those of the query.
pub(super) fn our_text(connection: &Connection, sql: &str) -> Result<String> {
    text(connection, sql)
}

/// As [`our_text`], of SQLite.
///
/// # Errors
/// Those of the query.
pub(super) fn their_text(connection: &rusqlite::Connection, sql: &str) -> rusqlite::Result<String> {
    text(connection, sql)
}

fn text<R: Rows>(engine: &R, sql: &str) -> Result<String, R::Error> {
    let mut found = String::new();
    engine.rows(sql, &mut |cell| {
        if found.is_empty() {
            found = cell.to_string();
        }
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_come_to_the_same_digest() {
        let sql = "CREATE TABLE t(a, b); CREATE INDEX i ON t(b); INSERT INTO t VALUES(1, 2.5), (NULL, x'01'), ('x', 'é');";
        let (a, b) = (
            Connection::open_in_memory().unwrap(),
            rusqlite::Connection::open_in_memory().unwrap(),
        );
        let empty = ours(&a, &["main"]).unwrap();
        assert_eq!(empty, theirs(&b, &["main"]).unwrap());
        a.execute_batch(sql).unwrap();
        b.execute_batch(sql).unwrap();
        let full = ours(&a, &["main"]).unwrap();
        assert_ne!(full, empty);
        assert_eq!(full, theirs(&b, &["main"]).unwrap());
        a.execute_batch("UPDATE t SET b = 3 WHERE a = 1").unwrap();
        assert_ne!(ours(&a, &["main"]).unwrap(), full);
        assert_eq!(our_text(&a, "PRAGMA integrity_check").unwrap(), "ok");
        assert_eq!(their_text(&b, "SELECT count(*) FROM t").unwrap(), "3");
    }
}
