//! The files that workloads start from: built once by SQLite, copied for each engine.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Rows of the large table in a full run.
const ROWS_FULL: u64 = 1_000_000;
/// Rows of the large table in a quick run.
const ROWS_QUICK: u64 = 100_000;

/// The template file and the folder that copies are made in.
#[derive(Debug)]
pub struct Templates {
    folder: TempDir,
    rows: u64,
    built: OnceCell<PathBuf>,
}

impl Templates {
    /// A fresh folder; the template is built when first asked for.
    pub fn new(quick: bool) -> std::io::Result<Templates> {
        let folder = tempfile::Builder::new().prefix("aludel-compare-").tempdir()?;
        Ok(Templates {
            folder,
            rows: if quick { ROWS_QUICK } else { ROWS_FULL },
            built: OnceCell::new(),
        })
    }

    /// Rows of table `t`. Table `u` and table `j` have a tenth of them.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// A fresh copy of the template under a name.
    ///
    /// # Errors
    /// When the template cannot be built, or the disk is full.
    pub fn copy(&self, name: &str) -> Result<PathBuf, String> {
        let copy = self.empty(name)?;
        std::fs::copy(self.template()?, &copy).map_err(|error| error.to_string())?;
        Ok(copy)
    }

    /// A name in the folder at which no database is.
    pub fn empty(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.folder.path().join(name);
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let stale = self.folder.path().join(format!("{name}{suffix}"));
            if stale.exists() {
                std::fs::remove_file(&stale).map_err(|error| error.to_string())?;
            }
        }
        Ok(path)
    }

    fn template(&self) -> Result<&Path, String> {
        if let Some(path) = self.built.get() {
            return Ok(path);
        }
        let path = self.empty("template.db")?;
        build(&path, self.rows).map_err(|error| error.to_string())?;
        Ok(self.built.get_or_init(|| path))
    }
}

/// `t`: key, 20-byte text, int of as many values as `u` has rows, int of 100 values, real; index on the text.
/// `u`: key, the same numbers as `t.k` in random order and without an index, a weight.
/// `j`: JSON texts. `p`: keys and two indexed columns, for writes that maintain indexes.
fn build(path: &Path, rows: u64) -> rusqlite::Result<()> {
    let database = rusqlite::Connection::open(path)?;
    let tenth = rows / 10;
    database.execute_batch(&format!(
        "PRAGMA journal_mode=off; PRAGMA synchronous=off;
         CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, k INT, g INT, r REAL);
         CREATE TABLE u(id INTEGER PRIMARY KEY, k INT, w INT);
         CREATE TABLE j(id INTEGER PRIMARY KEY, doc TEXT);
         CREATE TABLE p(id INTEGER PRIMARY KEY, a INT, b TEXT, c REAL);
         BEGIN;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO t SELECT i, substr(hex(i * 7919 % 1000003) || 'abcdefghijklmnopqrstuvwxyz', 1 + i % 7, 20),
             (i * 2654435761) % {tenth}, (i * 40503) % 100, ((i * 2654435761) % 1000003) / 7.0 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tenth})
         INSERT INTO u SELECT i, (i * 48271) % {tenth}, i % 1000 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tenth})
         INSERT INTO j SELECT i, json_object('name', 'n' || i, 'a', json_object('b', i, 'c', i * 0.5), 'l', json_array(i, 2, 3)) FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tenth})
         INSERT INTO p SELECT i, (i * 2654435761) % 1000003, 'text number ' || (i * 7919 % 1000003), i / 3.0 FROM n;
         COMMIT;
         CREATE INDEX t_name ON t(name);
         CREATE INDEX p_a ON p(a);
         CREATE INDEX p_b ON p(b);"
    ))?;
    database.close().map_err(|(_, error)| error)
}
