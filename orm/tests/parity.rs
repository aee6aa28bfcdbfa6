//! `PARITY.md`: the tests that it names exist, and show at least four fifths of the features.

use std::collections::HashMap;
use std::path::Path;

#[test]
fn the_tests_of_the_table_exist() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(folder.join("PARITY.md")).unwrap();
    let mut files: HashMap<String, String> = HashMap::new();
    let (mut features, mut shown) = (0, 0);
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        let last = line
            .trim_end_matches([' ', '|'])
            .rsplit("| ")
            .next()
            .unwrap_or_default()
            .trim();
        if last == "shown by" {
            continue;
        }
        features += 1;
        if last == "-" {
            continue;
        }
        shown += 1;
        let (file, test) = last
            .trim_matches('`')
            .split_once("::")
            .unwrap_or_else(|| panic!("no test is named: {line}"));
        let text = files.entry(file.to_owned()).or_insert_with(|| {
            let place = if file.starts_with("..") {
                folder.to_owned()
            } else {
                folder.join("tests")
            };
            let path = place.join(format!("{file}.rs"));
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        });
        let is_there = [
            format!("fn {test}("),
            format!(" {test}(|"),
            format!(" {test}: "),
            format!("    {test},"),
        ]
        .iter()
        .any(|form| text.contains(form.as_str()));
        assert!(is_there, "`{file}::{test}` is no test: {line}");
    }
    println!("{shown} of {features} features are shown by a test");
    assert!(
        features > 150,
        "the table has {features} lines: has its form changed?"
    );
    assert!(
        shown * 5 >= features * 4,
        "{shown} of {features} features are shown by a test"
    );
}
