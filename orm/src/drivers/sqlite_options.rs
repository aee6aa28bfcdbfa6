//! What a `sqlite:` URL asks for, for the native driver and the one over the C library alike.

use std::path::PathBuf;
use std::time::Duration;

/// How to open a SQLite database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The file; `None` for a database in memory.
    pub path: Option<PathBuf>,
    /// Never write.
    pub read_only: bool,
    /// Make the file if there is none.
    pub create: bool,
    /// How long to wait for another connection's lock.
    pub busy_timeout: Duration,
    /// Check foreign keys.
    pub foreign_keys: bool,
    /// Set on each connection: `journal_mode`, `synchronous`, `cache_size` and the like, name and value.
    pub pragmas: Vec<(String, String)>,
}

impl SqliteOptions {
    /// A database in a file, with defaults: created if missing, foreign keys checked, five seconds of patience.
    pub fn file(path: impl Into<PathBuf>) -> SqliteOptions {
        SqliteOptions {
            path: Some(path.into()),
            ..SqliteOptions::memory()
        }
    }

    /// A database in memory.
    pub fn memory() -> SqliteOptions {
        SqliteOptions {
            path: None,
            read_only: false,
            create: true,
            busy_timeout: Duration::from_secs(5),
            foreign_keys: true,
            pragmas: Vec::new(),
        }
    }

    /// The statements to run on a new connection.
    pub(crate) fn setup_sql(&self) -> String {
        let mut sql = format!(
            "PRAGMA foreign_keys = {};",
            if self.foreign_keys { "ON" } else { "OFF" }
        );
        for (name, value) in &self.pragmas {
            sql.push_str(&format!("PRAGMA {name} = {value};"));
        }
        sql
    }
}
