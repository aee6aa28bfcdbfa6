//! Processes of both engines on one live file, some killed: a second or two in each mode; the program `soak` runs for minutes.

use std::path::Path;
use std::time::Duration;

use aludel_tests::soak::{Commit, Ledger, Mode, Options, Tally, check_after, run};
use aludel_tests::subject::EngineName;

fn options(mode: Mode) -> Options {
    Options {
        mode,
        engine: EngineName::Aludel,
        peer: EngineName::Sqlite,
        time: Duration::from_secs(2),
        seed: 20_261_122,
    }
}

#[track_caller]
fn check(mode: Mode) {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_soak"));
    let file = folder.path().join("soak.db");
    let tally = run(program, &file, options(mode), &|_, _| {}).unwrap();
    assert!(tally.is_clean(), "{mode:?}: {:#?}", tally.findings);
    assert!(tally.commits > 0 && tally.kills > 0, "{mode:?}: {tally:?}");
}

#[test]
fn nothing_is_lost_with_a_rollback_journal() {
    for mode in [Mode::Delete, Mode::Truncate, Mode::Persist] {
        check(mode);
    }
}

#[test]
fn nothing_is_lost_with_a_write_ahead_log() {
    check(Mode::Wal);
}

/// The judge sees what is wrong: a commit that is not there, one that is there twice, an account that is short.
#[test]
fn the_judge_sees_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("soak.db");
    let none = Options {
        time: Duration::ZERO,
        ..options(Mode::Delete)
    };
    run(Path::new(env!("CARGO_BIN_EXE_soak")), &file, none, &|_, _| {}).unwrap();
    let sqlite = rusqlite::Connection::open(&file).unwrap();
    let last: i64 = sqlite
        .query_row("SELECT n FROM counter", [], |row| row.get(0))
        .unwrap();
    sqlite
        .execute_batch(&format!(
            "INSERT INTO ledger VALUES({last} + 1, 901, 1), ({last} + 2, 901, 1);
             UPDATE counter SET n = n + 2; UPDATE account SET balance = balance - 1 WHERE id = 7"
        ))
        .unwrap();
    let mut ledger = Ledger::default();
    ledger.note(last + 3, Commit { worker: 902, seq: 1 });
    let mut tally = Tally::default();
    check_after(&file, EngineName::Aludel, &ledger, &mut tally);
    assert_eq!(
        (tally.lost, tally.duplicated, tally.corrupt),
        (1, 1, 1),
        "{tally:?}"
    );
}
