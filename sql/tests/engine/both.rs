//! Two connections that are told the same.

use aludel_sql::Connection;
use aludel_sql::value::{Value, ValueRef};
use rusqlite::types::ValueRef as Theirs;

/// This engine and SQLite, each with a database file of its own.
pub(crate) struct Both {
    pub ours: Connection,
    pub theirs: rusqlite::Connection,
    folder: tempfile::TempDir,
}

/// What a statement gave: rows as text, or the message and code of its error.
pub(crate) type Outcome = Result<Vec<Vec<String>>, (String, i32)>;

impl Both {
    pub(crate) fn new() -> Both {
        let folder = tempfile::tempdir().unwrap();
        let ours = Connection::open(folder.path().join("ours.db")).unwrap();
        let theirs = rusqlite::Connection::open(folder.path().join("theirs.db")).unwrap();
        Both { ours, theirs, folder }
    }

    /// With a schema that both are given.
    pub(crate) fn with(schema: &str) -> Both {
        let both = Both::new();
        both.check(schema);
        both
    }

    /// Runs each statement of `sql` on both and compares what comes of it, and the counters after it.
    #[track_caller]
    pub(crate) fn check(&self, sql: &str) {
        for statement in split(sql) {
            let (ours, theirs) = (
                run_ours(&self.ours, statement),
                run_theirs(&self.theirs, statement),
            );
            assert_eq!(
                ours, theirs,
                "ours (left) and SQLite's (right) differ on: {statement}"
            );
            let counters = |changes, total, rowid, autocommit| (changes, total, rowid, autocommit);
            assert_eq!(
                counters(
                    self.ours.changes(),
                    self.ours.total_changes(),
                    self.ours.last_insert_rowid(),
                    self.ours.is_autocommit()
                ),
                counters(
                    self.theirs.changes(),
                    self.theirs.total_changes(),
                    self.theirs.last_insert_rowid(),
                    self.theirs.is_autocommit()
                ),
                "changes, total changes, last rowid, autocommit differ after: {statement}"
            );
        }
    }

    /// As [`Both::check`], with errors taken for equal whatever they say.
    #[track_caller]
    pub(crate) fn check_loosely(&self, sql: &str) {
        for statement in split(sql) {
            let (ours, theirs) = (
                run_ours(&self.ours, statement),
                run_theirs(&self.theirs, statement),
            );
            assert_eq!(
                ours.as_ref().ok(),
                theirs.as_ref().ok(),
                "{statement}: {ours:?} {theirs:?}"
            );
        }
    }

    /// Has SQLite check our file, and compares the whole content of both files as SQLite reads them.
    #[track_caller]
    pub(crate) fn check_files(&self) {
        self.check_content_and("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema");
    }

    /// As [`Both::check_files`], wherever the trees have their roots.
    #[track_caller]
    pub(crate) fn check_content(&self) {
        self.check_content_and("SELECT type, name, tbl_name, sql FROM sqlite_schema");
    }

    #[track_caller]
    fn check_content_and(&self, schema: &str) {
        let path = self.folder.path().join("ours.db");
        let reader = rusqlite::Connection::open(path).unwrap();
        let verdict = run_theirs(&reader, "PRAGMA integrity_check");
        assert_eq!(
            verdict,
            Ok(vec![vec!["'ok'".to_owned()]]),
            "SQLite finds fault with our file"
        );
        assert_eq!(
            run_theirs(&reader, schema),
            run_theirs(&self.theirs, schema),
            "sqlite_schema differs"
        );
        let tables = run_theirs(&reader, "SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
        for table in tables {
            let name = table[0].trim_matches('\'').replace('"', "\"\"");
            let content = format!("SELECT * FROM \"{name}\"");
            assert_eq!(
                run_theirs(&reader, &content),
                run_theirs(&self.theirs, &content),
                "{name} differs"
            );
        }
    }
}

/// The statements of a text. None of the tests has a semicolon inside one, but for triggers, which go on to their END.
fn split(sql: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (place, _) in sql.match_indices(';').chain([(sql.len(), "")]) {
        let part = sql[start..place].trim();
        let in_trigger = part.to_ascii_uppercase().starts_with("CREATE") && part.contains(" BEGIN");
        let ended = part
            .strip_suffix("END")
            .is_some_and(|body| body.trim_end().ends_with(';'));
        if in_trigger && !ended {
            continue;
        }
        start = (place + 1).min(sql.len());
        if !part.is_empty() {
            parts.push(part);
        }
    }
    parts
}

pub(crate) fn run_ours(connection: &Connection, sql: &str) -> Outcome {
    let run = || -> aludel_sql::Result<Vec<Vec<String>>> {
        let mut statement = connection.prepare(sql)?;
        let mut rows = Vec::new();
        while statement.step()? {
            rows.push(
                (0..statement.column_count())
                    .map(|column| shown(statement.value(column)))
                    .collect(),
            );
        }
        Ok(rows)
    };
    run().map_err(|error| (error.to_string(), error.extended_code()))
}

pub(crate) fn run_theirs(connection: &rusqlite::Connection, sql: &str) -> Outcome {
    let run = || -> rusqlite::Result<Vec<Vec<String>>> {
        let mut statement = connection.prepare(sql)?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let cells = (0..width).map(|column| {
                shown(match row.get_ref(column).unwrap() {
                    Theirs::Null => ValueRef::Null,
                    Theirs::Integer(integer) => ValueRef::Integer(integer),
                    Theirs::Real(real) => ValueRef::Real(real),
                    Theirs::Text(text) => ValueRef::Text(text),
                    Theirs::Blob(blob) => ValueRef::Blob(blob),
                })
            });
            out.push(cells.collect());
        }
        Ok(out)
    };
    run().map_err(|error| match error {
        rusqlite::Error::SqliteFailure(code, message) => (message.unwrap_or_default(), code.extended_code),
        rusqlite::Error::SqlInputError { error, msg, .. } => (msg, error.extended_code),
        other => (other.to_string(), -1),
    })
}

fn shown(value: ValueRef<'_>) -> String {
    match Value::from(value) {
        Value::Null => "NULL".to_owned(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => format!("{real:?}"),
        Value::Text(text) => format!("'{text}'"),
        Value::Blob(bytes) => format!("x{bytes:?}"),
    }
}
