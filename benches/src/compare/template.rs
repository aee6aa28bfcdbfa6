//! The files that workloads start from: built once by SQLite, copied for each engine.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{speedtest, tpch};

/// Rows of the large table in a full run.
const ROWS_FULL: u64 = 1_000_000;
/// Rows of the large table in a quick run.
const ROWS_QUICK: u64 = 100_000;

/// The file that a workload works on a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// The tables of the standard workloads.
    Standard,
    /// TPC-H's tables.
    Tpch,
    /// The tables of the speed test.
    Speedtest,
}

/// The template files and the folder that copies are made in.
#[derive(Debug)]
pub struct Templates {
    folder: PathBuf,
    /// Takes the folder away in the end.
    _temporary: Option<TempDir>,
    quick: bool,
    built: [OnceCell<PathBuf>; 3],
}

impl Templates {
    /// In a fresh folder, or in one to keep, in which templates that are there already are used again. A template is built when first asked for.
    pub fn new(quick: bool, keep: Option<&Path>) -> std::io::Result<Templates> {
        let (folder, temporary) = match keep {
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                (folder.to_path_buf(), None)
            }
            None => {
                let folder = tempfile::Builder::new().prefix("aludel-compare-").tempdir()?;
                (folder.path().to_path_buf(), Some(folder))
            }
        };
        Ok(Templates {
            folder,
            _temporary: temporary,
            quick,
            built: Default::default(),
        })
    }

    /// Rows of table `t`. Table `u` and table `j` have a tenth of them.
    pub fn rows(&self) -> u64 {
        if self.quick { ROWS_QUICK } else { ROWS_FULL }
    }

    /// A fresh copy of a template under a name.
    ///
    /// # Errors
    /// When the template cannot be built, or the disk is full.
    pub fn copy(&self, template: Template, name: &str) -> Result<PathBuf, String> {
        let copy = self.empty(name)?;
        std::fs::copy(self.template(template)?, &copy).map_err(|error| error.to_string())?;
        Ok(copy)
    }

    /// A name in the folder at which no database is.
    pub fn empty(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.folder.join(name);
        for suffix in ["", "-journal", "-journal-spare", "-wal", "-shm"] {
            let stale = self.folder.join(format!("{name}{suffix}"));
            if stale.exists() {
                std::fs::remove_file(&stale).map_err(|error| error.to_string())?;
            }
        }
        Ok(path)
    }

    fn template(&self, template: Template) -> Result<&Path, String> {
        let cell = &self.built[template as usize];
        if let Some(path) = cell.get() {
            return Ok(path);
        }
        let size = if self.quick { "quick" } else { "full" };
        let path = self.folder.join(format!("{template:?}-{size}.db").to_lowercase());
        if !path.exists() {
            let unfinished = self.empty("unfinished.db")?;
            self.build(template, &unfinished)
                .map_err(|error| error.to_string())?;
            std::fs::rename(&unfinished, &path).map_err(|error| error.to_string())?;
        }
        Ok(cell.get_or_init(|| path))
    }

    fn build(&self, template: Template, path: &Path) -> rusqlite::Result<()> {
        match template {
            Template::Standard => build(path, self.rows()),
            Template::Tpch if self.quick => tpch::build(path, tpch::SCALE_QUICK),
            Template::Tpch => tpch::build(path, tpch::SCALE_FULL),
            Template::Speedtest => speedtest::build(path, self.rows()),
        }
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
