//! `schema` on files whose schema is damaged: what can be read is shown, what is hidden is told, and the exit code is 4.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;
use support::{dbtool, name};

/// A file with `damage` done to its schema table.
fn damaged(folder: &Path, damage: &str) -> PathBuf {
    let file = folder.join("schema.db");
    let _ = fs::remove_file(&file);
    Connection::open(&file)
        .unwrap()
        .execute_batch(&format!(
            "CREATE TABLE one(a INTEGER PRIMARY KEY, b TEXT); CREATE INDEX one_b ON one(b);
             CREATE TABLE two(c REFERENCES one(a)); CREATE VIEW v AS SELECT a FROM one;
             PRAGMA writable_schema=on; {damage}"
        ))
        .unwrap();
    file
}

fn json(arguments: &[&str]) -> (Value, String) {
    let output = dbtool(arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{arguments:?}: {error}");
    (serde_json::from_slice(&output.stdout).unwrap(), error)
}

fn names(report: &Value) -> Vec<&str> {
    let entries = report["entries"].as_array().unwrap();
    entries
        .iter()
        .filter_map(|entry| entry["name"].as_str())
        .collect()
}

#[test]
fn a_definition_that_makes_no_sense_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = damaged(
        folder.path(),
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE two(c REFERENCES' WHERE name = 'two'",
    );
    let (report, error) = json(&["schema", name(&file), "-f", "json"]);
    assert_eq!(report["complete"], false);
    assert_eq!(names(&report), ["one", "one_b", "two", "v"]);
    assert!(error.contains("damage hides"), "{error}");
    let output = dbtool(&["schema", name(&file)]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(
        text.contains("CREATE VIEW v") && text.contains("CREATE INDEX one_b"),
        "{text}"
    );
    let (report, error) = json(&["schema", name(&file), "one", "-f", "json"]);
    assert_eq!(
        (&report["complete"], names(&report)),
        (&Value::from(false), vec!["one", "one_b"])
    );
    assert!(
        error.contains("columns and indexes of one are not known"),
        "{error}"
    );
}

#[test]
fn a_row_under_another_name_has_no_columns_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = damaged(
        folder.path(),
        "UPDATE sqlite_schema SET name = 'other', tbl_name = 'other' WHERE name = 'two'",
    );
    let (report, error) = json(&["schema", name(&file), "other", "-f", "json"]);
    assert_eq!(report["complete"], false);
    assert!(report["columns"].as_array().unwrap().is_empty());
    assert!(error.contains("other"), "{error}");
}

#[test]
fn pages_that_are_gone_leave_the_rows_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("many.db");
    let sqlite = Connection::open(&file).unwrap();
    sqlite.execute_batch("PRAGMA page_size=512").unwrap();
    for number in 0..60 {
        let sql = format!("CREATE TABLE table_{number}(a, b, c, d, e, f, g)");
        sqlite.execute_batch(&sql).unwrap();
    }
    let leaf: u32 = sqlite
        .query_row(
            "SELECT pageno FROM dbstat WHERE name = 'sqlite_schema' AND pagetype = 'leaf' LIMIT 1 OFFSET 2",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(sqlite);
    let mut bytes = fs::read(&file).unwrap();
    bytes[(leaf as usize - 1) * 512..][..512].fill(0);
    fs::write(&file, &bytes).unwrap();
    let (report, error) = json(&["schema", name(&file), "-f", "json"]);
    let found = names(&report);
    assert!((50..60).contains(&found.len()), "{found:?}");
    assert!(
        found.contains(&"table_0") && found.contains(&"table_59"),
        "{found:?}"
    );
    assert!(error.contains(&format!("page {leaf}")), "{error}");
    let output = dbtool(&["schema", name(&file), "nowhere"]);
    assert_eq!(
        output.status.code(),
        Some(4),
        "it may be among those that are hidden"
    );
}
