//! The file of a soak: how it begins, and what must be true of it, within any snapshot and at the end.

use std::collections::HashMap;
use std::path::Path;

use super::ledger::{Commit, Ledger};
use super::{Mode, Options, Tally};
use crate::session::Session;
use crate::subject::{Datum, EngineName, Failure};

/// Accounts between which money moves.
pub(super) const ACCOUNTS: i64 = 40;
const SUM: i64 = ACCOUNTS * 1_000;

/// Makes the file, with the pages of a seeded size.
pub(super) fn create(file: &Path, options: Options) -> Result<(), String> {
    let page_size = [512, 1024, 4096, 4096][(options.seed % 4) as usize];
    let said = |failure: Failure| failure.to_string();
    let mut session = Session::open(options.engine, file, true).map_err(said)?;
    let settings = [
        format!("PRAGMA page_size = {page_size}"),
        format!("PRAGMA auto_vacuum = {}", options.seed / 4 % 3),
        format!("PRAGMA journal_mode = {}", options.mode.word()),
    ];
    for setting in &settings {
        session.run(setting, &[]).map_err(said)?;
    }
    for sql in [
        "CREATE TABLE counter(n INTEGER)",
        "CREATE TABLE ledger(n INTEGER PRIMARY KEY, worker INTEGER, seq INTEGER)",
        "CREATE INDEX ledger_worker ON ledger(worker, seq)",
        "CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER)",
        "CREATE TABLE body(n INTEGER, part INTEGER, label TEXT, data BLOB)",
        "CREATE INDEX body_n ON body(n)",
        "CREATE TABLE word(label TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID",
        "INSERT INTO counter VALUES(0)",
    ] {
        session.run(sql, &[]).map_err(said)?;
    }
    for id in 1..=ACCOUNTS {
        session
            .run(
                "INSERT INTO account VALUES(?, ?)",
                &[Datum::Integer(id), Datum::Integer(SUM / ACCOUNTS)],
            )
            .map_err(said)?;
    }
    if options.mode == Mode::Wal {
        // So that the first process finds a file in the mode, and no log.
        session
            .run("PRAGMA wal_checkpoint(truncate)", &[])
            .map_err(said)?;
    }
    Ok(())
}

/// The bytes of an overflow row.
pub(super) fn body(n: i64, part: i64, len: usize) -> Vec<u8> {
    let mut state = (n as u64) << 8 | part as u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// What one snapshot must hold; the session has a transaction open. Returns the counter.
///
/// # Errors
/// The engine's failure, or as a failure of code 0 what is wrong.
pub(super) fn snapshot(session: &mut Session) -> Result<i64, Failure> {
    let n = session.number("SELECT n FROM counter", &[])?;
    expect(session, "SELECT sum(balance) FROM account", SUM)?;
    expect(session, "SELECT coalesce(max(n), 0) FROM ledger", n)?;
    expect(session, "SELECT count(*) FROM ledger", n)?;
    Ok(n)
}

/// The overflow rows of one number, or of all.
pub(super) fn bodies(session: &mut Session, of: Option<i64>) -> Result<(), Failure> {
    let rows = match of {
        Some(n) => session.rows("SELECT n, part, data FROM body WHERE n = ?", &[Datum::Integer(n)])?,
        None => session.rows("SELECT n, part, data FROM body", &[])?,
    };
    for row in rows {
        let [Datum::Integer(n), Datum::Integer(part), Datum::Blob(data)] = row.as_slice() else {
            return Err(wrong(format!("a row of body is {row:?}")));
        };
        if body(*n, *part, data.len()) != *data {
            return Err(wrong(format!("part {part} of {n} holds other bytes")));
        }
    }
    Ok(())
}

/// A broken promise in words, told from an engine's failure by its code.
pub(super) fn wrong(message: String) -> Failure {
    Failure { message, code: 0 }
}

pub(super) fn expect(session: &mut Session, sql: &str, expected: i64) -> Result<(), Failure> {
    let got = session.number(sql, &[])?;
    if got == expected {
        Ok(())
    } else {
        Err(wrong(format!("{sql} gives {got}, expected {expected}")))
    }
}

/// Reads the file, which nobody has open any more, and holds it against the ledger.
pub fn after(file: &Path, engine: EngineName, ledger: &Ledger, tally: &mut Tally) {
    let mut report = |what: String| {
        tally.corrupt += 1;
        tally.find(format!("{engine:?} at the end: {what}"));
    };
    let mut session = match Session::open(engine, file, false) {
        Ok(session) => session,
        Err(failure) => return report(failure.to_string()),
    };
    match session.integrity() {
        Ok(verdict) if verdict == "ok" => {}
        Ok(verdict) => report(format!("integrity_check: {verdict}")),
        Err(failure) => report(failure.to_string()),
    }
    for found in [snapshot(&mut session).map(drop), bodies(&mut session, None)] {
        if let Err(failure) = found {
            report(failure.to_string());
        }
    }
    match session.rows("SELECT n, worker, seq FROM ledger", &[]) {
        Ok(rows) => compare(&rows, ledger, tally),
        Err(failure) => report(failure.to_string()),
    }
}

fn compare(rows: &[Vec<Datum>], ledger: &Ledger, tally: &mut Tally) {
    let mut there: HashMap<Commit, i64> = HashMap::new();
    let mut twice = 0;
    for row in rows {
        if let [Datum::Integer(n), Datum::Integer(worker), Datum::Integer(seq)] = row.as_slice() {
            let commit = Commit {
                worker: *worker,
                seq: *seq,
            };
            twice += u64::from(there.insert(commit, *n).is_some());
        }
    }
    let missing: Vec<(i64, Commit)> = ledger
        .iter()
        .filter(|(number, commit)| there.get(commit) != Some(number))
        .collect();
    // Both engines look: what the first has found is not counted again.
    tally.lost = tally.lost.max(missing.len() as u64);
    tally.duplicated = tally.duplicated.max(twice);
    if let Some((number, commit)) = missing.first() {
        tally.find(format!(
            "{} acknowledged commits are not there, number {number} of {commit:?} for one",
            missing.len()
        ));
    }
    if twice > 0 {
        tally.find(format!("{twice} commits are there twice"));
    }
}
