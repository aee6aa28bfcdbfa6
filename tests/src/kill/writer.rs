//! The process that is killed.

use std::io::Write;
use std::path::Path;

use aludel_sql::{Connection, Result};

use super::Mode;
use crate::random::Random;

/// Commits transactions and prints their numbers until somebody ends the process.
///
/// # Errors
/// The first error of the engine; there is none to be expected.
pub fn write_until_killed(file: &Path, mode: Mode, seed: u64) -> Result<()> {
    let mut random = Random::new(seed);
    let connection = Connection::open(file)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode={}; PRAGMA synchronous=full;",
        mode.pragma()
    ))?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS ledger(n INTEGER PRIMARY KEY, parts INT);
         CREATE TABLE IF NOT EXISTS part(id INTEGER PRIMARY KEY, n INT, label TEXT, body BLOB);
         CREATE INDEX IF NOT EXISTS part_n ON part(n);
         CREATE INDEX IF NOT EXISTS part_label ON part(label);
         CREATE TABLE IF NOT EXISTS counter(n INT);
         INSERT INTO counter SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM counter);",
    )?;
    let mut number: i64 = connection.query_row("SELECT n FROM counter", (), |row| row.get(0))?;
    loop {
        number += 1;
        commit_one(&connection, number, &mut random)?;
        let mut out = std::io::stdout().lock();
        // A closed pipe means that the parent is gone; then there is nobody left to tell.
        if writeln!(out, "{number}").and_then(|()| out.flush()).is_err() {
            return Ok(());
        }
    }
}

fn commit_one(connection: &Connection, number: i64, random: &mut Random) -> Result<()> {
    let parts = random.below(20) as i64;
    connection.execute("BEGIN IMMEDIATE", ())?;
    connection.execute("INSERT INTO ledger VALUES(?, ?)", (number, parts))?;
    for _ in 0..parts {
        let long = if random.one_in(5) { 20_000 } else { 200 };
        let (length, label_length) = (random.below(long), 1 + random.below(12));
        let (label, body) = (random.letters(label_length), random.bytes(length));
        connection.execute(
            "INSERT INTO part(n, label, body) VALUES(?, ?, ?)",
            (number, label, body),
        )?;
    }
    if number > 40 && random.one_in(3) {
        // Old parts go, and the ledger says so: pages are freed and used again.
        let old = number - 40 + random.below(20) as i64;
        connection.execute("DELETE FROM part WHERE n = ?", (old,))?;
        connection.execute("UPDATE ledger SET parts = 0 WHERE n = ?", (old,))?;
    }
    connection.execute("UPDATE counter SET n = ?", (number,))?;
    connection.execute("COMMIT", ())?;
    Ok(())
}
