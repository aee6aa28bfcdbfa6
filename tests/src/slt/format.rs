//! How sqllogictest prints and compares values.
//!
//! `I` prints an integer, `R` three decimals, `T` the text with unprintable bytes as `@`; NULL and the empty text have words. A long result
//! is given as `N values hashing to MD5`, each value followed by a line feed.

use md5::{Digest, Md5};
use sqllogictest::DefaultColumnType;

use crate::subject::Datum;

/// A value as the test's column type prints it.
pub(super) fn print(value: &Datum, kind: &DefaultColumnType) -> String {
    match (value, kind) {
        (Datum::Null, _) => "NULL".to_owned(),
        (value, DefaultColumnType::Integer) => integer_of(value).to_string(),
        (value, DefaultColumnType::FloatingPoint) => format!("{:.3}", real_of(value)),
        (value, _) => text_of(value),
    }
}

fn integer_of(value: &Datum) -> i64 {
    match value {
        Datum::Null => 0,
        Datum::Integer(v) => *v,
        Datum::Real(v) => *v as i64,
        Datum::Text(v) | Datum::Blob(v) => numeric_prefix(v) as i64,
    }
}

fn real_of(value: &Datum) -> f64 {
    match value {
        Datum::Null => 0.0,
        Datum::Integer(v) => *v as f64,
        Datum::Real(v) => *v,
        Datum::Text(v) | Datum::Blob(v) => numeric_prefix(v),
    }
}

/// The number that a text begins with, 0 when it begins with none.
fn numeric_prefix(bytes: &[u8]) -> f64 {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start();
    (1..=text.len())
        .rev()
        .filter_map(|end| text.get(..end)?.parse().ok())
        .next()
        .unwrap_or(0.0)
}

fn text_of(value: &Datum) -> String {
    let bytes = match value {
        Datum::Null => return "NULL".to_owned(),
        Datum::Integer(v) => return v.to_string(),
        Datum::Real(v) => return format!("{v:?}"),
        Datum::Text(v) | Datum::Blob(v) => v,
    };
    if bytes.is_empty() {
        return "(empty)".to_owned();
    }
    bytes
        .iter()
        .map(|&b| {
            if (b' '..=b'~').contains(&b) {
                char::from(b)
            } else {
                '@'
            }
        })
        .collect()
}

/// Whether printed values are what the record lists: one value a line, one row a line, or a hash.
pub(super) fn matches(expected: &[String], values: &[String], width: usize) -> bool {
    match expected {
        [line] if line.contains(" values hashing to ") => *line == hash_line(values),
        lines if lines.len() == values.len() => lines == values,
        lines => {
            let rows: Vec<String> = values.chunks(width.max(1)).map(|row| row.join(" ")).collect();
            lines
                .iter()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .eq(rows)
        }
    }
}

fn hash_line(values: &[String]) -> String {
    let mut md5 = Md5::new();
    for value in values {
        md5.update(value.as_bytes());
        md5.update(b"\n");
    }
    let sum: String = md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} values hashing to {sum}", values.len())
}

/// The two sides of a mismatch, cut to a readable length.
pub(super) fn difference(expected: &[String], values: &[String]) -> String {
    const SHOWN: usize = 20;
    let cut = |lines: &[String]| {
        lines
            .iter()
            .take(SHOWN)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("|")
    };
    let got = if expected.len() == 1 && values.len() > 1 {
        hash_line(values)
    } else {
        String::new()
    };
    format!("got {} {got}\n    expected {}", cut(values), cut(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_by_the_tests_type() {
        let cases = [
            (Datum::Real(2.5), DefaultColumnType::Integer, "2"),
            (Datum::Integer(2), DefaultColumnType::FloatingPoint, "2.000"),
            (Datum::Text("7x".into()), DefaultColumnType::Integer, "7"),
            (Datum::Text(Vec::new()), DefaultColumnType::Text, "(empty)"),
            (Datum::Text("a\nb".into()), DefaultColumnType::Text, "a@b"),
            (Datum::Null, DefaultColumnType::Integer, "NULL"),
        ];
        for (value, kind, printed) in cases {
            assert_eq!(print(&value, &kind), printed, "{value:?}");
        }
    }

    #[test]
    fn results_may_be_listed_by_value_by_row_or_hashed() {
        let values: Vec<String> = ["1", "2", "3", "4"].map(String::from).to_vec();
        assert!(matches(&values, &values, 2));
        assert!(matches(&["1 2".into(), "3 4".into()], &values, 2));
        assert!(matches(&[hash_line(&values)], &values, 2));
        assert!(!matches(&["1 2".into(), "4 3".into()], &values, 2));
    }
}
