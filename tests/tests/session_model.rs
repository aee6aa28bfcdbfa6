//! Random histories of sessions against a model, a few on each backend; the program `session_model` runs 20,000.

use aludel_tests::random::Random;
use aludel_tests::session_model::{Fault, Options, run};

fn few(url: &str, histories: u64) -> Options {
    Options {
        histories,
        seed: Random::from_environment(20_261_123).number(),
        url: url.to_owned(),
        ..Options::default()
    }
}

#[test]
fn sessions_agree_with_the_model_on_the_native_engine() {
    let tally = run(&few("sqlite::memory:", 300), &|_| {}).unwrap();
    assert_eq!(tally.histories, 300);
}

/// A model with a rule that is wrong has to be found out.
#[test]
fn a_wrong_model_is_found_out() {
    for fault in [
        Fault::NoCascade,
        Fault::NoOrphans,
        Fault::NoNull,
        Fault::NoRestore,
    ] {
        let options = Options {
            fault,
            ..few("sqlite::memory:", 2_000)
        };
        assert!(run(&options, &|_| {}).is_err(), "{fault:?} went unseen");
    }
}
