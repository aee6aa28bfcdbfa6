//! Reads record files: one JSON object a line, grouped into segments.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value as Json;

/// An independent part of a file.
#[derive(Debug, Default)]
pub struct Segment {
    /// The line of its `reset`, from 1.
    pub line: usize,
    /// What it does, with line numbers.
    pub steps: Vec<(usize, Step)>,
}

/// One line of a record file.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Step {
    /// Everything closed, the folder empty.
    Reset {},
    /// Opens a connection.
    Open(Open),
    /// Closes it.
    Close {
        /// Its name.
        conn: String,
    },
    /// Removes database files with their journals.
    Delete {
        /// Their names.
        files: Vec<String>,
    },
    /// One statement.
    Sql(Box<Sql>),
}

/// Fields of an `open` line.
#[derive(Debug, Deserialize)]
pub struct Open {
    /// The name of the connection.
    pub conn: String,
    /// The file.
    pub file: String,
    /// Refuse writes.
    #[serde(default)]
    pub readonly: bool,
    /// Make the file when it is missing.
    #[serde(default = "yes")]
    pub create: bool,
    /// File names may be URIs.
    #[serde(default)]
    pub uri: bool,
}

/// Fields of an `sql` line.
#[derive(Debug, Deserialize)]
pub struct Sql {
    /// The connection.
    #[serde(default = "db")]
    pub conn: String,
    /// The statement.
    pub sql: String,
    /// Parameters by name.
    #[serde(default)]
    pub params: BTreeMap<String, Json>,
    /// Column names expected.
    #[serde(default)]
    pub cols: Vec<String>,
    /// Rows expected.
    #[serde(default)]
    pub rows: Vec<Vec<Json>>,
    /// Row count and hashes in place of rows: ordered, multiset.
    pub rowhash: Option<(usize, String, String)>,
    /// The error expected.
    pub error: Option<String>,
    /// Its extended result code.
    pub code: Option<i32>,
    /// Rows come in this order.
    #[serde(default)]
    pub ordered: bool,
    /// The answer depends on the plan: not judged.
    #[serde(default)]
    pub dep: bool,
    /// The answer depends on SQLite's version: not judged.
    #[serde(default)]
    pub ver: bool,
}

impl Sql {
    /// Whether this is an answer that counts: it has columns or an error, and is judged.
    pub fn is_answer(&self) -> bool {
        self.is_judged() && (!self.cols.is_empty() || self.error.is_some())
    }

    /// Whether the outcome is compared at all.
    pub fn is_judged(&self) -> bool {
        !self.dep && !self.ver
    }
}

fn yes() -> bool {
    true
}

fn db() -> String {
    "db".to_owned()
}

/// Reads a file's segments.
///
/// # Errors
/// I/O errors, and a line that is not a record, by its number.
pub fn read(path: &Path) -> io::Result<Vec<Segment>> {
    let mut segments: Vec<Segment> = Vec::new();
    for (index, line) in BufReader::new(File::open(path)?).lines().enumerate() {
        let number = index + 1;
        let step: Step = serde_json::from_str(&line?).map_err(|error| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{}:{number}: {error}", path.display()),
            )
        })?;
        if matches!(step, Step::Reset {}) || segments.is_empty() {
            segments.push(Segment {
                line: number,
                steps: Vec::new(),
            });
        }
        if let Some(segment) = segments.last_mut() {
            segment.steps.push((number, step));
        }
    }
    Ok(segments)
}
