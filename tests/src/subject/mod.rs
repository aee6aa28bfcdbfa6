//! One face for the engines under test.
//!
//! A [`Subject`] is a set of named connections to files of the working folder. It answers a statement with an
//! [`Answer`]: column names and rows, or an error, or both (a statement may fail after its first rows).

pub(crate) mod aludel;
pub(crate) mod sqlite;

use std::fmt;
use std::sync::Arc;

pub use aludel::AludelSubject;
pub use sqlite::SqliteSubject;

/// A value as an engine answered it. Text that is not UTF-8 keeps its bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// NULL.
    Null,
    /// Integer.
    Integer(i64),
    /// Real.
    Real(f64),
    /// Text.
    Text(Vec<u8>),
    /// Blob.
    Blob(Vec<u8>),
}

/// What a statement answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<Datum>>,
    /// The error that ended it.
    pub error: Option<Failure>,
}

/// An error as SQLite's interface would report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The message.
    pub message: String,
    /// The extended result code.
    pub code: i32,
}

/// How a connection is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenMode {
    /// Refuse writes.
    pub read_only: bool,
    /// Make the file when it is missing.
    pub create: bool,
    /// File names that start with `file:` are URIs.
    pub uri: bool,
}

/// Stops what a subject is running, from another thread.
pub type Interrupter = Arc<dyn Fn() + Send + Sync>;

/// An engine under test.
pub trait Subject: Send {
    /// Opens a connection under a name; the name is free.
    fn open(&mut self, connection: &str, file: &str, mode: OpenMode) -> Result<(), Failure>;

    /// Closes it; unknown names are ignored.
    fn close(&mut self, connection: &str);

    /// Runs one statement to its end.
    fn run(&mut self, connection: &str, sql: &str, parameters: &[(String, Datum)]) -> Answer;

    /// What interrupts the connection's statements.
    fn interrupter(&self, connection: &str) -> Option<Interrupter>;

    /// Closes all connections.
    fn reset(&mut self);
}

/// The engines to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineName {
    /// Ours.
    Aludel,
    /// The bundled SQLite: what a harness must pass itself.
    Sqlite,
}

impl EngineName {
    /// A fresh subject without connections.
    pub fn subject(self) -> Box<dyn Subject> {
        match self {
            EngineName::Aludel => Box::new(AludelSubject::default()),
            EngineName::Sqlite => Box::new(SqliteSubject::default()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

/// The failure of a statement on a connection that was never opened.
fn no_such_connection(name: &str) -> Answer {
    let message = format!("the connection {name} is not open");
    Answer {
        error: Some(Failure { message, code: 21 }),
        ..Answer::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    /// Both engines answer the same small session in the same way.
    #[test]
    fn the_engines_share_one_face() {
        let _scratch = Scratch::enter().unwrap();
        let mode = OpenMode {
            read_only: false,
            create: true,
            uri: false,
        };
        let answers: Vec<Vec<Answer>> = [EngineName::Aludel, EngineName::Sqlite]
            .into_iter()
            .map(|engine| {
                let mut subject = engine.subject();
                subject.open("db", ":memory:", mode).unwrap();
                let parameters = vec![(":x".to_owned(), Datum::Text(b"\xff".to_vec()))];
                let answers = vec![
                    subject.run("db", "CREATE TABLE t(a, b)", &[]),
                    subject.run(
                        "db",
                        "INSERT INTO t VALUES(1.5, x'00ff'), (NULL, :x)",
                        &parameters,
                    ),
                    subject.run("db", "SELECT b, a, typeof(b) FROM t", &[]),
                    subject.run("db", "SELECT nothing FROM t", &[]),
                    subject.run("other", "SELECT 1", &[]),
                ];
                subject.reset();
                answers
            })
            .collect();
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0][2].rows.len(), 2);
        assert_eq!(answers[0][3].error.as_ref().unwrap().code, 1);
    }
}
