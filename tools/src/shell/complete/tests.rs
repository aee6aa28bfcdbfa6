//! Completion: `|` in a line is the cursor.

use super::candidates;
use crate::shell::names::example;

fn found(line: &str) -> Vec<String> {
    let cursor = line.find('|').unwrap();
    let line = line.replacen('|', "", 1);
    let list = candidates(&example(), &line, cursor).list;
    list.into_iter().map(|candidate| candidate.value).collect()
}

/// The first ones are `first`.
#[track_caller]
fn begins(line: &str, first: &[&str]) {
    let found = found(line);
    assert_eq!(
        found.iter().take(first.len()).collect::<Vec<_>>(),
        first.iter().collect::<Vec<_>>(),
        "{line}: {found:?}"
    );
}

#[track_caller]
fn has(line: &str, wanted: &[&str], unwanted: &[&str]) {
    let found = found(line);
    for word in wanted {
        assert!(
            found.iter().any(|own| own == word),
            "{line} lacks {word}: {found:?}"
        );
    }
    for word in unwanted {
        assert!(
            found.iter().all(|own| own != word),
            "{line} has {word}: {found:?}"
        );
    }
}

#[test]
fn tables_where_tables_are_due() {
    begins("SELECT * FROM |", &["note", "\"odd name\"", "tag", "titled"]);
    begins("SELECT * FROM n|", &["note"]);
    begins("SELECT * FROM note JOIN t|", &["tag", "titled"]);
    begins("SELECT * FROM note, t|", &["tag"]);
    begins("UPDATE t|", &["tag", "titled"]);
    begins("INSERT INTO |", &["note", "\"odd name\""]);
    begins("DELETE FROM ta|", &["tag"]);
    begins("DROP TABLE no|", &["note"]);
    begins("ALTER TABLE no|", &["note"]);
    begins("SELECT * FROM side.|", &["far"]);
    begins("CREATE INDEX i ON ta|", &["tag"]);
    begins("CREATE TABLE x(a REFERENCES no|", &["note"]);
    begins(
        "WITH recent AS (SELECT id FROM note) SELECT * FROM re|",
        &["recent"],
    );
}

#[test]
fn columns_of_the_tables_in_scope() {
    begins("SELECT | FROM note", &["id", "title", "body", "created"]);
    begins("SELECT ti| FROM note", &["title"]);
    begins("SELECT * FROM note WHERE cr|", &["created"]);
    begins(
        "SELECT n.| FROM note AS n JOIN tag t",
        &["id", "title", "body", "created"],
    );
    begins("SELECT * FROM note n JOIN tag t ON t.no|", &["note_id"]);
    begins("SELECT * FROM note ORDER BY bo|", &["body"]);
    begins("UPDATE note SET ti|", &["title"]);
    begins("UPDATE note SET title = bo|", &["body"]);
    begins("INSERT INTO tag(na|", &["name"]);
    begins("CREATE INDEX i ON tag(na|", &["name"]);
    begins("ALTER TABLE note RENAME COLUMN bo|", &["body"]);
    begins("SELECT note.| ", &["id", "title"]);
    has("SELECT x| FROM note", &[], &["note_id", "name"]);
}

#[test]
fn columns_of_subqueries_and_common_tables() {
    begins(
        "SELECT s.| FROM (SELECT id, title AS heading, count(*) FROM note) s",
        &["id", "heading"],
    );
    begins("WITH r(a, b) AS (SELECT 1, 2) SELECT | FROM r", &["a", "b"]);
    begins(
        "WITH r AS (SELECT *, 1 AS one FROM tag) SELECT r.| FROM r",
        &["id", "note_id", "name", "one"],
    );
    begins(
        "SELECT (SELECT na| FROM tag WHERE note_id = note.id) FROM note",
        &["name"],
    );
    begins(
        "SELECT * FROM note WHERE EXISTS (SELECT 1 FROM tag WHERE cre|)",
        &["created"],
    );
    begins(
        "SELECT id FROM note UNION SELECT n| FROM tag",
        &["note_id", "name"],
    );
}

#[test]
fn keywords_that_may_follow_in_the_case_that_is_written() {
    begins("SEL|", &["SELECT"]);
    begins("select id fr|", &["from"]);
    has(
        "SELECT id FROM note |",
        &["WHERE", "JOIN", "ORDER", "GROUP"],
        &["SELECT", "title"],
    );
    has("select id from note |", &["where", "order"], &["WHERE"]);
    begins("SELECT id FROM note ORD|", &["ORDER"]);
    has("CREATE |", &["TABLE", "INDEX"], &["note"]);
    has(
        "SELECT id FROM note WHERE id |",
        &["BETWEEN", "IN", "IS", "LIKE"],
        &["SELECT", "FROM"],
    );
}

#[test]
fn functions_collations_pragmas() {
    has("SELECT json_ex|", &["json_extract("], &["json_object("]);
    begins("SELECT title COLLATE NO|", &["NOCASE"]);
    begins("PRAGMA journal_m|", &["journal_mode"]);
    begins("PRAGMA journal_mode = |", &["DELETE", "TRUNCATE", "PERSIST"]);
    begins("PRAGMA foreign_keys(|", &["ON", "OFF"]);
    has("PRAGMA table_info(|", &["note", "tag"], &[]);
    has("PRAGMA index_info(|", &["tag_name"], &["note"]);
    begins("DROP INDEX |", &["tag_name", "IF"]);
    begins("DETACH si|", &["side"]);
}

#[test]
fn dot_commands_and_their_arguments() {
    begins(".ta|", &["tables"]);
    begins(".mode j|", &["json", "jsonl"]);
    begins(".mode insert no|", &["note"]);
    begins(".headers |", &["on", "off"]);
    begins(".schema ta|", &["tag"]);
    begins(".explain SELECT * FROM no|", &["note"]);
    begins(".help imp|", &["import"]);
    begins("SELECT 1;\n.dat|", &["databases"]);
}

#[test]
fn files_are_completed_with_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("one.sql"), "").unwrap();
    std::fs::write(folder.path().join(".hidden"), "").unwrap();
    std::fs::create_dir(folder.path().join("other")).unwrap();
    let path = folder.path().to_str().unwrap();
    assert_eq!(
        found(&format!(".read {path}/o|")),
        [format!("{path}/one.sql"), format!("{path}/other/")]
    );
    assert_eq!(
        found(&format!(".read {path}/|")),
        [format!("{path}/one.sql"), format!("{path}/other/")]
    );
}

#[test]
fn quoted_names_and_places_where_nothing_is_due() {
    begins("SELECT \"a c| FROM \"odd name\"", &["\"a column\""]);
    begins("SELECT o.| FROM \"odd name\" o", &["\"a column\"", "\"select\""]);
    for line in [
        "SELECT 'no|'",
        "SELECT 'no|",
        "-- no|",
        "SELECT 1 /* no| */",
        "CREATE TABLE no|",
    ] {
        has(line, &[], &["note", "NOT", "NOTHING"]);
    }
}

#[test]
fn the_word_under_the_cursor_is_replaced_whole() {
    let line = "SELECT titl FROM note";
    let found = candidates(&example(), line, 9);
    assert_eq!((found.start, found.end), (7, 11));
}
