//! What must be true of the file after a kill, asked of either engine.

use std::path::Path;

use crate::subject::{Datum, EngineName, OpenMode, Subject};

/// Who opens the file first after the kill, and so recovers it.
pub type Engine = EngineName;

/// Recovers the file by opening it and checks it; returns the number of transactions in it.
///
/// # Errors
/// What is wrong, in words.
pub fn check(file: &Path, engine: Engine, acknowledged: u64) -> Result<u64, String> {
    let mut subject = engine.subject();
    let path = file.to_str().ok_or("the path is not UTF-8")?;
    let mode = OpenMode {
        read_only: false,
        create: false,
        uri: false,
    };
    subject
        .open("db", path, mode)
        .map_err(|failure| failure.to_string())?;
    let counter = number(subject.as_mut(), "SELECT n FROM counter")?;
    if counter < acknowledged {
        return Err(format!(
            "{acknowledged} transactions were acknowledged, {counter} are there"
        ));
    }
    if counter > acknowledged + 1 {
        return Err(format!(
            "{counter} transactions are there, only {acknowledged} were acknowledged"
        ));
    }
    equal(subject.as_mut(), "SELECT count(*) FROM ledger", counter)?;
    equal(
        subject.as_mut(),
        "SELECT coalesce(max(n), 0) FROM ledger",
        counter,
    )?;
    let torn =
        "SELECT count(*) FROM ledger WHERE parts <> (SELECT count(*) FROM part WHERE part.n = ledger.n)";
    equal(subject.as_mut(), torn, 0)?;
    match text(subject.as_mut(), "PRAGMA integrity_check")?.as_str() {
        "ok" => Ok(counter),
        finding => Err(format!("integrity_check: {finding}")),
    }
}

fn equal(subject: &mut dyn Subject, sql: &str, expected: u64) -> Result<(), String> {
    let got = number(subject, sql)?;
    if got == expected {
        Ok(())
    } else {
        Err(format!("{sql} gives {got}, expected {expected}"))
    }
}

fn number(subject: &mut dyn Subject, sql: &str) -> Result<u64, String> {
    match first(subject, sql)? {
        Datum::Integer(value) => u64::try_from(value).map_err(|error| format!("{sql}: {error}")),
        other => Err(format!("{sql} gives {other:?}")),
    }
}

fn text(subject: &mut dyn Subject, sql: &str) -> Result<String, String> {
    match first(subject, sql)? {
        Datum::Text(value) => Ok(String::from_utf8_lossy(&value).into_owned()),
        other => Err(format!("{sql} gives {other:?}")),
    }
}

fn first(subject: &mut dyn Subject, sql: &str) -> Result<Datum, String> {
    let answer = subject.run("db", sql, &[]);
    if let Some(failure) = answer.error {
        return Err(format!("{sql}: {failure}"));
    }
    answer
        .rows
        .into_iter()
        .flatten()
        .next()
        .ok_or_else(|| format!("{sql} gives no row"))
}
