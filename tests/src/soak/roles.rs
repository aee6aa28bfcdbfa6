//! The processes of a soak: what each does until somebody ends it, and the lines that it prints.
//!
//! | line | said by | meaning |
//! |---|---|---|
//! | `commit N SEQ MICROS` | writer | committed as number N; waited that long for locks |
//! | `read N` | reader | a snapshot that ends with number N was in order |
//! | `upkeep` | keeper | a checkpoint or a vacuum is done |
//! | `audit` | auditor | an integrity check found nothing |
//! | `busy` | all | refused after the whole timeout |
//! | `broken WHAT` | all | a promise is broken; the process ends |
//! | `failed WHAT` | all | an error that should not be; the process ends |

use std::io::Write;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Mode;
use super::check::{self, ACCOUNTS, expect, wrong};
use crate::random::Random;
use crate::session::Session;
use crate::subject::{Datum, EngineName, Failure};

/// What a process is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Commits.
    Writer,
    /// Takes snapshots and looks whether they are consistent.
    Reader,
    /// Checkpoints and vacuums.
    Keeper,
    /// Runs integrity checks.
    Auditor,
}

impl Role {
    /// As the command line names it.
    pub fn word(self) -> &'static str {
        match self {
            Role::Writer => "writer",
            Role::Reader => "reader",
            Role::Keeper => "keeper",
            Role::Auditor => "auditor",
        }
    }
}

/// How long a process waits for a lock before it says "busy".
const BUSY_TIMEOUT_MS: u32 = 10_000;
/// Numbers whose overflow rows are kept; older ones are deleted.
const KEPT: i64 = 150;

/// Works in a role until the process is ended, the pipe to the supervisor closes, or something is wrong.
pub fn run(role: Role, engine: EngineName, file: &Path, mode: Mode, worker: i64, seed: u64) {
    let mut random = Random::new(seed);
    let mut seq = 0;
    let mut last = 0;
    let mut turn = |session: &mut Session, random: &mut Random| match role {
        Role::Writer => write(session, random, worker, &mut seq),
        Role::Reader => read(session, random, &mut last),
        Role::Keeper => keep(session, random, mode),
        Role::Auditor => audit(session, random),
    };
    let mut session = None;
    loop {
        let done = match &mut session {
            Some(session) => turn(session, &mut random),
            None => open(engine, file, mode, &mut random).map(|opened| {
                session = Some(opened);
                None
            }),
        };
        let line = match done {
            Ok(None) => continue,
            Ok(Some(line)) => line,
            Err(failure) if failure.code & 0xff == 5 => {
                if let Some(session) = &mut session {
                    // Fails where the engine has rolled back already.
                    let _ = session.run("ROLLBACK", &[]);
                }
                "busy".to_owned()
            }
            Err(failure) => {
                let kind = if matches!(failure.code & 0xff, 0 | 11 | 26) {
                    "broken"
                } else {
                    "failed"
                };
                say(&format!("{kind} {} {engine:?}: {failure}", role.word()));
                return;
            }
        };
        if !say(&line) {
            return;
        }
        if random.one_in(200) {
            session = None;
        }
    }
}

/// One line, in one piece; false when nobody listens any more.
fn say(line: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{}\n", line.replace('\n', " ")).as_bytes())
        .and_then(|()| out.flush())
        .is_ok()
}

type Turn = Result<Option<String>, Failure>;

fn open(engine: EngineName, file: &Path, mode: Mode, random: &mut Random) -> Result<Session, Failure> {
    let mut session = Session::open(engine, file, false)?;
    session.run(&format!("PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}"), &[])?;
    // Small caches spill in the middle of a transaction; the map may be there or not.
    let cache = random.pick(&[10, 100, 2_000]);
    session.run(&format!("PRAGMA cache_size = {cache}"), &[])?;
    let mmap = random.pick(&[0, 65_536, 268_435_456]);
    session.run(&format!("PRAGMA mmap_size = {mmap}"), &[])?;
    let level = random.pick(&["off", "normal", "full"]);
    session.run(&format!("PRAGMA synchronous = {level}"), &[])?;
    if mode == Mode::Wal {
        let frames = random.pick(&[20, 100, 1_000]);
        session.run(&format!("PRAGMA wal_autocheckpoint = {frames}"), &[])?;
    } else {
        // Each connection has its own idea of how a rollback journal ends.
        session.run(&format!("PRAGMA journal_mode = {}", mode.word()), &[])?;
    }
    Ok(session)
}

fn write(session: &mut Session, random: &mut Random, worker: i64, seq: &mut i64) -> Turn {
    // A read transaction that becomes a write transaction is where updates get lost.
    let upgrades = random.one_in(8);
    let started = Instant::now();
    session.run(if upgrades { "BEGIN" } else { "BEGIN IMMEDIATE" }, &[])?;
    let n = session.number("SELECT n FROM counter", &[])? + 1;
    session.run("UPDATE counter SET n = ?", &[Datum::Integer(n)])?;
    let mut waited = started.elapsed();
    *seq += 1;
    session.run(
        "INSERT INTO ledger VALUES(?, ?, ?)",
        &[Datum::Integer(n), Datum::Integer(worker), Datum::Integer(*seq)],
    )?;
    transfer(session, random)?;
    if random.one_in(4) {
        session.run("SAVEPOINT s", &[])?;
        session.run("DELETE FROM body WHERE n > ?", &[Datum::Integer(n - 20)])?;
        session.run("UPDATE account SET balance = 0", &[])?;
        session.run("ROLLBACK TO s", &[])?;
        session.run("RELEASE s", &[])?;
    }
    change_bodies(session, random, n)?;
    let started = Instant::now();
    if random.one_in(30) {
        session.run("ROLLBACK", &[])?;
        return Ok(None);
    }
    session.run("COMMIT", &[])?;
    waited = waited.max(started.elapsed());
    Ok(Some(format!("commit {n} {seq} {}", waited.as_micros())))
}

fn transfer(session: &mut Session, random: &mut Random) -> Result<(), Failure> {
    let amount = random.below(200) as i64;
    for signed in [-amount, amount] {
        let id = 1 + random.below(ACCOUNTS as usize) as i64;
        session.run(
            "UPDATE account SET balance = balance + ? WHERE id = ?",
            &[Datum::Integer(signed), Datum::Integer(id)],
        )?;
    }
    Ok(())
}

fn change_bodies(session: &mut Session, random: &mut Random, n: i64) -> Result<(), Failure> {
    for part in 0..random.below(4) as i64 {
        let bound = *random.pick(&[60, 600, 600, 6_000, 30_000]);
        let len = random.below(bound);
        let label_len = 1 + random.below(30);
        let label = random.letters(label_len).into_bytes();
        session.run(
            "INSERT INTO body VALUES(?, ?, ?, ?)",
            &[
                Datum::Integer(n),
                Datum::Integer(part),
                Datum::Text(label.clone()),
                Datum::Blob(check::body(n, part, len)),
            ],
        )?;
        session.run(
            "INSERT OR REPLACE INTO word VALUES(?, ?)",
            &[Datum::Text(label), Datum::Integer(n)],
        )?;
    }
    if random.one_in(5) {
        let old = [Datum::Integer(n - KEPT)];
        session.run("DELETE FROM body WHERE n < ?", &old)?;
        session.run("DELETE FROM word WHERE n < ?", &old)?;
    }
    Ok(())
}

fn read(session: &mut Session, random: &mut Random, last: &mut i64) -> Turn {
    session.run("BEGIN", &[])?;
    let n = check::snapshot(session)?;
    if n < *last {
        return Err(wrong(format!("a snapshot ends with {n}, one before with {last}")));
    }
    *last = n;
    check::bodies(session, Some(n - random.below(KEPT as usize) as i64))?;
    if random.one_in(3) {
        sleep(Duration::from_millis(random.below(20) as u64));
    }
    expect(session, "SELECT n FROM counter", n)?;
    check::snapshot(session)?;
    session.run("COMMIT", &[])?;
    if random.one_in(2) {
        // Somebody has to be able to write with a rollback journal.
        sleep(Duration::from_millis(random.below(10) as u64));
    }
    Ok(Some(format!("read {n}")))
}

fn keep(session: &mut Session, random: &mut Random, mode: Mode) -> Turn {
    sleep(Duration::from_millis(5 + random.below(150) as u64));
    let sql = match random.below(24) {
        0 => "VACUUM",
        1..=3 => "PRAGMA incremental_vacuum(5)",
        4 => "REINDEX",
        5..=8 => "DELETE FROM body WHERE rowid % 3 = 0",
        _ if mode != Mode::Wal => "PRAGMA incremental_vacuum(2)",
        9..=12 => "PRAGMA wal_checkpoint(full)",
        13..=15 => "PRAGMA wal_checkpoint(restart)",
        16..=18 => "PRAGMA wal_checkpoint(truncate)",
        _ => "PRAGMA wal_checkpoint(passive)",
    };
    session.run(sql, &[])?;
    Ok(Some("upkeep".to_owned()))
}

fn audit(session: &mut Session, random: &mut Random) -> Turn {
    sleep(Duration::from_millis(200 + random.below(1_500) as u64));
    let verdict = session.integrity()?;
    if verdict != "ok" {
        return Err(wrong(format!("integrity_check: {verdict}")));
    }
    check::bodies(session, None)?;
    Ok(Some("audit".to_owned()))
}
