//! Runs sqllogictest files.
//!
//! The crate `sqllogictest` parses them. Results are compared here, because SQLite's own files print values by the
//! column types that the *test* states (`I`, `R`, `T`), which a driver of that crate is not told.

mod format;

use std::io;
use std::path::Path;

use sqllogictest::{DefaultColumnType, QueryExpect, Record, SortMode, StatementExpect};

use crate::subject::{Answer, EngineName, OpenMode, Subject};

/// The name that `skipif` and `onlyif` know the engine by.
const ENGINE_LABEL: &str = "sqlite";

/// What became of a file.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Statements and queries that ran.
    pub records: usize,
    /// Those that did as the file says.
    pub passed: usize,
    /// The others: line, statement, what differs.
    pub failures: Vec<(u32, String, String)>,
}

/// Runs one file on a fresh in-memory database.
///
/// # Errors
/// A file that cannot be read or parsed.
pub fn run_file(path: &Path, engine: EngineName) -> io::Result<Outcome> {
    let script = without_trailing_comments(&std::fs::read_to_string(path)?);
    let records = sqllogictest::parse_with_name::<DefaultColumnType>(&script, path.display().to_string())
        .map_err(io::Error::other)?;
    let mut subject = engine.subject();
    let mode = OpenMode {
        read_only: false,
        create: true,
        uri: false,
    };
    subject
        .open("db", ":memory:", mode)
        .map_err(|failure| io::Error::other(failure.to_string()))?;
    let mut outcome = Outcome::default();
    for record in records {
        if matches!(record, Record::Halt { .. }) {
            break;
        }
        run_record(subject.as_mut(), record, &mut outcome);
    }
    Ok(outcome)
}

/// SQLite's own files put a comment behind `skipif` and `onlyif`, which the parser does not take.
fn without_trailing_comments(script: &str) -> String {
    let conditional = |line: &str| line.starts_with("skipif ") || line.starts_with("onlyif ");
    let lines = script.lines().map(|line| match line.split_once('#') {
        Some((condition, _)) if conditional(line) => condition.trim_end(),
        _ => line,
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn run_record(subject: &mut dyn Subject, record: Record<DefaultColumnType>, outcome: &mut Outcome) {
    match record {
        Record::Statement {
            loc,
            conditions,
            sql,
            expected,
            ..
        } if !skipped(&conditions) => {
            let answer = subject.run("db", &sql, &[]);
            outcome.count(loc.line(), sql, statement_differs(&expected, &answer));
        }
        Record::Query {
            loc,
            conditions,
            sql,
            expected,
            ..
        } if !skipped(&conditions) => {
            let answer = subject.run("db", &sql, &[]);
            outcome.count(loc.line(), sql, query_differs(&expected, &answer));
        }
        _ => {}
    }
}

fn skipped(conditions: &[sqllogictest::Condition]) -> bool {
    use sqllogictest::Condition;
    conditions.iter().any(|condition| match condition {
        Condition::OnlyIf { label } => label != ENGINE_LABEL,
        Condition::SkipIf { label } => label == ENGINE_LABEL,
    })
}

impl Outcome {
    fn count(&mut self, line: u32, sql: String, difference: Option<String>) {
        self.records += 1;
        match difference {
            None => self.passed += 1,
            Some(difference) => self.failures.push((line, sql, difference)),
        }
    }
}

fn statement_differs(expected: &StatementExpect, answer: &Answer) -> Option<String> {
    match (expected, &answer.error) {
        (StatementExpect::Error(_), None) => Some("no error, one was expected".to_owned()),
        (StatementExpect::Error(_), Some(_)) | (_, None) => None,
        (_, Some(failure)) => Some(format!("error {failure}")),
    }
}

fn query_differs(expected: &QueryExpect<DefaultColumnType>, answer: &Answer) -> Option<String> {
    match (expected, &answer.error) {
        (QueryExpect::Error(_), Some(_)) => None,
        (QueryExpect::Error(_), None) => Some("no error, one was expected".to_owned()),
        (QueryExpect::Results { .. }, Some(failure)) => Some(format!("error {failure}")),
        (
            QueryExpect::Results {
                types,
                sort_mode,
                results,
                ..
            },
            None,
        ) => {
            if types.len() != answer.columns.len() {
                return Some(format!(
                    "{} columns, expected {}",
                    answer.columns.len(),
                    types.len()
                ));
            }
            let values = sorted(&answer.rows, types, sort_mode.unwrap_or(SortMode::NoSort));
            (!format::matches(results, &values, types.len())).then(|| format::difference(results, &values))
        }
    }
}

/// The values of all rows, one after the other, printed and sorted as the record asks.
fn sorted(rows: &[Vec<crate::subject::Datum>], types: &[DefaultColumnType], mode: SortMode) -> Vec<String> {
    let mut printed: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .zip(types)
                .map(|(value, kind)| format::print(value, kind))
                .collect()
        })
        .collect();
    if mode == SortMode::RowSort {
        printed.sort_unstable();
    }
    let mut values: Vec<String> = printed.into_iter().flatten().collect();
    if mode == SortMode::ValueSort {
        values.sort_unstable();
    }
    values
}
