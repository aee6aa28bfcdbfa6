//! Process death in the middle of commits, a few rounds of each mode; the program `kill` does hundreds.

use std::path::Path;

use aludel_tests::kill::{Mode, run};
use aludel_tests::random::Random;

const ROUNDS: u32 = 12;

#[track_caller]
fn check(mode: Mode) {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::from_environment(20_261_122);
    let program = Path::new(env!("CARGO_BIN_EXE_kill"));
    let tally = run(
        program,
        &folder.path().join("ledger.db"),
        mode,
        ROUNDS,
        &mut random,
    )
    .unwrap();
    assert_eq!(tally.kills, ROUNDS);
    assert!(
        tally.commits >= u64::from(ROUNDS),
        "each writer commits at least once"
    );
}

#[test]
fn killed_writers_lose_nothing_with_a_rollback_journal() {
    check(Mode::Rollback);
}

#[test]
fn killed_writers_lose_nothing_with_a_write_ahead_log() {
    check(Mode::Wal);
}
