//! What must be true of the file after a kill, asked of either engine.

use std::path::Path;

use crate::session::Session;
use crate::subject::EngineName;

/// Who opens the file first after the kill, and so recovers it.
pub type Engine = EngineName;

/// Recovers the file by opening it and checks it; returns the number of transactions in it.
///
/// # Errors
/// What is wrong, in words.
pub fn check(file: &Path, engine: Engine, acknowledged: u64) -> Result<u64, String> {
    let mut session = Session::open(engine, file, false).map_err(|failure| failure.to_string())?;
    let counter = number(&mut session, "SELECT n FROM counter")?;
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
    equal(&mut session, "SELECT count(*) FROM ledger", counter)?;
    equal(&mut session, "SELECT coalesce(max(n), 0) FROM ledger", counter)?;
    let torn =
        "SELECT count(*) FROM ledger WHERE parts <> (SELECT count(*) FROM part WHERE part.n = ledger.n)";
    equal(&mut session, torn, 0)?;
    match session
        .integrity()
        .map_err(|failure| failure.to_string())?
        .as_str()
    {
        "ok" => Ok(counter),
        finding => Err(format!("integrity_check: {finding}")),
    }
}

fn equal(session: &mut Session, sql: &str, expected: u64) -> Result<(), String> {
    let got = number(session, sql)?;
    if got == expected {
        Ok(())
    } else {
        Err(format!("{sql} gives {got}, expected {expected}"))
    }
}

fn number(session: &mut Session, sql: &str) -> Result<u64, String> {
    let number = session.number(sql, &[]).map_err(|failure| failure.to_string())?;
    u64::try_from(number).map_err(|error| format!("{sql}: {error}"))
}
