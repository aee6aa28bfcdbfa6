//! Cases that once differed from SQLite, and a small seeded run of random sessions.

use std::path::Path;

use aludel_tests::differential::{Options, PROFILES, Tally, case, play, run};

#[test]
fn what_once_differed_stays_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/differential");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    assert!(!names.is_empty());
    for file in names {
        let statements = case::read(&std::fs::read_to_string(&file).unwrap());
        let found = play(&statements, None, &mut Tally::default()).unwrap();
        if let Some((at, found)) = found {
            panic!("{}: statement {}\n{}", file.display(), at + 1, found.said);
        }
    }
}

#[test]
fn random_sessions_agree_with_sqlite() {
    for profile in PROFILES {
        let options = Options {
            statements: 150,
            seed: 20_261_122,
            profile: Some(profile),
            differences_max: 1,
        };
        let tally = run(&options, &|_| {}).unwrap();
        if let Some(found) = tally.found.first() {
            panic!("{}", case::write(found));
        }
    }
}
