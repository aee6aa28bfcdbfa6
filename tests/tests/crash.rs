//! A short run of the crash judge, and of the canaries that prove it: the long ones are `crash --states`, `--mutants` and `--faults`.

use aludel_tests::crash::{Mode, Mutant, Options, SyncLevel, run, run_fault};

#[test]
fn crashes_leave_what_was_promised() {
    let options = Options {
        states: 250,
        states_of_scenario: 12,
        seed: 7,
        ..Options::default()
    };
    let tally = run(&options, &|vfs| vfs, &|_| {}).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(tally.by_mode.len() >= 6, "{tally:?}");
    assert!(tally.recovered > 0 && tally.killed > 0, "{tally:?}");
}

/// An engine that forgets a sync does not pass.
#[test]
fn the_judge_sees_a_sync_that_was_left_out() {
    for (mutant, mode) in [
        (Mutant::JournalNotSynced, Mode::Delete),
        (Mutant::CommitNotSynced, Mode::Wal),
    ] {
        let options = Options {
            states: 300,
            states_of_scenario: 30,
            modes: vec![mode],
            syncs: vec![SyncLevel::Full],
            live_checker: false,
            ..Options::default()
        };
        let failure = run(&options, &move |vfs| mutant.wrap(vfs), &|_| {}).unwrap_err();
        assert!(!failure.replay.crashes.is_empty(), "{failure}");
    }
}

/// Cases that went wrong once: a short read, a map of a log that is gone, a super-journal left behind.
#[test]
fn single_calls_that_fail() {
    for case in [
        "Truncate:ShortRead:165:once",
        "Wal:MapFails:5:once",
        "Multi:Io:350:once",
        "Persist:Io:405:once",
        "Wal:SyncDrops:3:good",
        "Delete:Full:42:once",
    ] {
        run_fault(case).unwrap_or_else(|failure| panic!("{case}: {}", failure.what));
    }
}
