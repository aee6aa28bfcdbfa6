//! Compares an answer with what was recorded.

use serde_json::Value as Json;

use super::compact::{fnv1a64, row_text, to_compact};
use super::record::Sql;
use crate::subject::{Answer, Datum};

/// The multiplier of the ordered row hash.
const ORDERED_PRIME: u64 = 0x0000_0100_0000_01b3;

/// What differs, in words; `None` when the answer is the recorded one.
pub fn difference(expected: &Sql, answer: &Answer) -> Option<String> {
    match (&expected.error, &answer.error) {
        (None, Some(failure)) => Some(format!("error {failure}")),
        (Some(message), None) => Some(format!("no error, expected: {message}")),
        (Some(message), Some(failure)) => {
            let code = expected.code.unwrap_or(failure.code);
            (failure.message != *message || failure.code != code)
                .then(|| format!("error {failure}\n    expected {message} ({code})"))
        }
        (None, None) => {
            columns_differ(&expected.cols, &answer.columns).or_else(|| rows_differ(expected, answer))
        }
    }
}

fn columns_differ(expected: &[String], got: &[String]) -> Option<String> {
    let equal = expected.len() == got.len() && expected.iter().zip(got).all(|(e, g)| same_name(e, g));
    (!equal).then(|| format!("columns {got:?}\n    expected {expected:?}"))
}

/// A recorded name that ends in `:*` stands for a random number there.
fn same_name(expected: &str, got: &str) -> bool {
    match expected.strip_suffix('*').filter(|stem| stem.ends_with(':')) {
        Some(stem) => got
            .strip_prefix(stem)
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit())),
        None => expected == got,
    }
}

fn rows_differ(expected: &Sql, answer: &Answer) -> Option<String> {
    match &expected.rowhash {
        Some((count, ordered, multiset)) => {
            let (own_ordered, own_multiset) = hashes(&answer.rows);
            let equal = answer.rows.len() == *count
                && own_multiset == *multiset
                && (!expected.ordered || own_ordered == *ordered);
            (!equal).then(|| format!("{} rows of another hash, expected {count}", answer.rows.len()))
        }
        None => list_differs(expected, &answer.rows),
    }
}

fn list_differs(expected: &Sql, rows: &[Vec<Datum>]) -> Option<String> {
    let mut got: Vec<String> = rows
        .iter()
        .map(|row| row_key(row.iter().map(to_compact)))
        .collect();
    let mut want: Vec<String> = expected
        .rows
        .iter()
        .map(|row| row_key(row.iter().cloned()))
        .collect();
    if !expected.ordered {
        got.sort_unstable();
        want.sort_unstable();
    }
    (got != want).then(|| format!("rows {}\n    expected {}", shorten(&got), shorten(&want)))
}

/// A text that two rows share only when they are equal, storage classes included.
fn row_key(row: impl Iterator<Item = Json>) -> String {
    Json::Array(row.collect()).to_string()
}

fn shorten(rows: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut text = rows
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ");
    if rows.len() > SHOWN {
        text.push_str(&format!(" .. {} rows", rows.len()));
    }
    text
}

fn hashes(rows: &[Vec<Datum>]) -> (String, String) {
    let (mut ordered, mut multiset) = (0_u64, 0_u64);
    for row in rows {
        let hash = fnv1a64(row_text(row).as_bytes());
        ordered = ordered.wrapping_mul(ORDERED_PRIME) ^ hash;
        multiset = multiset.wrapping_add(hash);
    }
    (format!("{ordered:016x}"), format!("{multiset:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, rows: Vec<Vec<Datum>>, equal: bool) {
        let expected: Sql = serde_json::from_str(expected).unwrap();
        let answer = Answer {
            columns: vec!["a".into()],
            rows,
            error: None,
        };
        assert_eq!(
            difference(&expected, &answer).is_none(),
            equal,
            "{:?}",
            difference(&expected, &answer)
        );
    }

    #[test]
    fn rows_compare_as_a_multiset_unless_ordered() {
        let rows = || vec![vec![Datum::Integer(2)], vec![Datum::Integer(1)]];
        check(r#"{"sql":"","cols":["a"],"rows":[[1],[2]]}"#, rows(), true);
        check(
            r#"{"sql":"","cols":["a"],"rows":[[1],[2]],"ordered":true}"#,
            rows(),
            false,
        );
        check(r#"{"sql":"","cols":["a"],"rows":[[1],[1]]}"#, rows(), false);
    }

    #[test]
    fn storage_classes_count() {
        check(
            r#"{"sql":"","cols":["a"],"rows":[[1]]}"#,
            vec![vec![Datum::Real(1.0)]],
            false,
        );
        check(
            r#"{"sql":"","cols":["a"],"rows":[[1.0]]}"#,
            vec![vec![Datum::Real(1.0)]],
            true,
        );
        check(
            r#"{"sql":"","cols":["a"],"rows":[["x"]]}"#,
            vec![vec![Datum::Blob(b"x".to_vec())]],
            false,
        );
    }

    #[test]
    fn a_column_name_may_end_in_any_number() {
        check(r#"{"sql":"","cols":["a"],"rows":[]}"#, vec![], true);
        assert!(same_name("a:*", "a:218639732"));
        assert!(!same_name("a:*", "a:x"));
    }
}
