//! One file under both engines: the helpers of the interop tests.

use std::path::Path;

use crate::subject::{Datum, EngineName, OpenMode, Subject};

/// Opens a file with an engine; the connection is called `db`.
#[track_caller]
pub fn open(engine: EngineName, file: &Path) -> Box<dyn Subject> {
    let mut subject = engine.subject();
    let mode = OpenMode {
        read_only: false,
        create: true,
        uri: false,
    };
    subject
        .open("db", file.to_str().expect("a scratch path is UTF-8"), mode)
        .expect("the file opens");
    subject
}

/// Runs a statement that must succeed, and gives its rows.
#[track_caller]
pub fn rows(subject: &mut dyn Subject, sql: &str, parameters: &[Datum]) -> Vec<Vec<Datum>> {
    let named: Vec<(String, Datum)> = parameters
        .iter()
        .enumerate()
        .map(|(i, value)| (format!("?{}", i + 1), value.clone()))
        .collect();
    let answer = subject.run("db", sql, &named);
    assert_eq!(answer.error, None, "{sql}");
    answer.rows
}

/// Runs a statement on the file with an engine of its own connection.
#[track_caller]
pub fn run(engine: EngineName, file: &Path, sql: &str) -> Vec<Vec<Datum>> {
    rows(open(engine, file).as_mut(), sql, &[])
}

/// Asserts that `PRAGMA integrity_check` of an engine finds nothing.
#[track_caller]
pub fn assert_sound(engine: EngineName, file: &Path) {
    let findings = run(engine, file, "PRAGMA integrity_check");
    assert_eq!(
        findings,
        vec![vec![Datum::Text(b"ok".to_vec())]],
        "integrity_check of {engine:?}"
    );
}

/// Asserts that both engines read the same rows from the file by each of the queries.
#[track_caller]
pub fn assert_same_rows(file: &Path, queries: &[&str]) {
    for sql in queries {
        let ours = run(EngineName::Aludel, file, sql);
        let theirs = run(EngineName::Sqlite, file, sql);
        assert_eq!(ours.len(), theirs.len(), "{sql}: number of rows");
        for (i, (our, their)) in ours.iter().zip(&theirs).enumerate() {
            assert!(our == their, "{sql}: row {i}: ours {our:?}, theirs {their:?}");
        }
    }
}
