//! A short run of the crash judge, and of the canaries that prove it: the long ones are `crash --states`, `--mutants` and `--faults`.

use aludel_tests::crash::{Mode, Mutant, Options, Replay, SyncLevel, replay, run, run_fault};

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

/// The list of seeded faults is whole, and what caught each catches it again. A state is a place in a row of calls, so a change of what the
/// engine asks of the system can move it: then `crash --mutants` finds others for the list. Half of them have to stand.
#[test]
fn what_caught_a_seeded_fault_catches_it_again() {
    let lines = include_str!("../mutants.txt").lines();
    let kept: Vec<Vec<&str>> = lines
        .filter(|line| line.contains(" | ") && !line.starts_with('#'))
        .map(|line| line.split(" | ").collect())
        .collect();
    let names: Vec<String> = kept.iter().map(|line| line[0].to_owned()).collect();
    assert_eq!(names, Mutant::ALL.map(|mutant| mutant.to_string()));
    let mut escaped = Vec::new();
    for line in &kept {
        let mutant = Mutant::named(line[0]).unwrap();
        let state: Replay = line[2].parse().unwrap();
        let by_calls = state.crashes.is_empty();
        if replay(&state, &move |vfs| mutant.wrap(vfs), by_calls, None).is_ok() {
            escaped.push(line[0]);
        }
    }
    assert!(escaped.len() * 2 < kept.len(), "{escaped:?}");
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
