//! The page store against a model and SQLite, a few files; the program `store_diff` does a million operations.

use aludel_tests::store_diff::{Options, run};

#[test]
fn random_operations_agree_with_the_model_and_with_sqlite() {
    let options = Options {
        ops: 6_000,
        episode_ops: 500,
        seed: 20_261_122,
    };
    let tally = run(&options, &|_| {}).unwrap();
    assert!(
        tally.commits > 0 && tally.oracle_checks >= tally.episodes,
        "{tally:?}"
    );
}
