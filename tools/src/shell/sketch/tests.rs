//! Names of statements that compile are all known; of those with a wrong name, that one is not.

use super::{Role, Sketch};
use crate::shell::names::example;

fn unknown(sql: &str) -> Vec<String> {
    let names = example();
    let sketch = Sketch::of(sql, 0);
    let is_unknown = sketch.names.iter().filter(|name| sketch.is_unknown(name, &names));
    is_unknown.map(|name| name.text.clone()).collect()
}

#[test]
fn nothing_of_a_statement_that_compiles_is_unknown() {
    let connection = aludel_sql::Connection::open_in_memory().unwrap();
    let script = "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT, body TEXT, created INTEGER);
         CREATE TABLE tag(id INTEGER PRIMARY KEY, note_id INTEGER, name TEXT); ATTACH ':memory:' AS side; CREATE TABLE side.far(x, y);
         CREATE TABLE \"odd name\"(\"a column\" TEXT, \"select\" TEXT); CREATE INDEX tag_name ON tag(name); CREATE VIEW titled AS SELECT id, title AS heading FROM note;";
    connection.execute_batch(script).unwrap();
    let statements = [
        "SELECT id, n.title t, count(*) FROM note AS n WHERE created > 5 AND t LIKE 'x' GROUP BY n.title HAVING count(*) > 1 ORDER BY t DESC",
        "SELECT main.note.id, note.rowid FROM main.note LEFT JOIN tag USING (id) NATURAL JOIN side.far",
        "SELECT * FROM note n, tag t WHERE n.id = t.note_id",
        "SELECT s.heading, s.n FROM (SELECT heading, count(*) AS n FROM titled GROUP BY 1) AS s",
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 9) SELECT x, (SELECT title FROM note WHERE id = x) FROM c",
        "WITH a AS (SELECT * FROM tag), b AS MATERIALIZED (SELECT name FROM a) SELECT b.name, a.note_id FROM a JOIN b ON a.name = b.name",
        "SELECT title, row_number() OVER (PARTITION BY created ORDER BY id) AS n, sum(id) OVER w FROM note WINDOW w AS (ORDER BY created)",
        "SELECT CAST(id AS TEXT), CASE WHEN title IS NOT NULL THEN body ELSE 'x' END FROM note WHERE title COLLATE NOCASE = 'a'",
        "SELECT value, key FROM json_each('[1]')",
        "SELECT j.value, note.id FROM note, json_each(note.body) AS j WHERE j.key = 1",
        "SELECT name FROM pragma_table_info('note')",
        "SELECT id FROM note WHERE id IN (SELECT note_id FROM tag WHERE name = note.title)",
        "SELECT id AS k FROM note UNION ALL SELECT note_id FROM tag ORDER BY k LIMIT 1 OFFSET 2",
        "SELECT \"a column\", [select] FROM \"odd name\" WHERE \"no such\" IS NOT DISTINCT FROM 'x'",
        "SELECT a.id FROM (note a JOIN tag b ON a.id = b.note_id)",
        "INSERT INTO note(title, body) VALUES ('a', 'b') ON CONFLICT (id) DO UPDATE SET title = excluded.title WHERE created = 1 RETURNING id, title",
        "INSERT OR REPLACE INTO tag SELECT id, id, title FROM note WHERE created",
        "UPDATE OR IGNORE note SET title = upper(body), created = created + 1 WHERE id = 3",
        "UPDATE note SET title = t.name FROM tag AS t WHERE t.note_id = note.id",
        "DELETE FROM note AS n WHERE n.id NOT IN (SELECT note_id FROM tag) RETURNING n.id",
        "SELECT * FROM note INDEXED BY sqlite_autoindex_x WHERE true",
        "CREATE TABLE fresh(a INTEGER PRIMARY KEY, b TEXT CHECK (length(b) > 1), c REFERENCES note(id), UNIQUE (b))",
        "CREATE TABLE copied AS SELECT id, title FROM note",
        "CREATE UNIQUE INDEX i2 ON tag(name COLLATE NOCASE, note_id) WHERE note_id > 1",
        "CREATE VIEW v2(a, b) AS SELECT id, title FROM note",
        "CREATE TRIGGER g AFTER UPDATE OF title ON note WHEN new.id > 1 BEGIN INSERT INTO tag(note_id, name) VALUES (new.id, old.title); DELETE FROM tag WHERE name = new.title; END",
        "ALTER TABLE note RENAME COLUMN body TO content",
        "ALTER TABLE tag ADD COLUMN colour TEXT",
        "EXPLAIN QUERY PLAN SELECT id FROM note",
        "PRAGMA main.table_info(note)",
        "ANALYZE tag",
    ];
    for sql in statements {
        if !sql.contains("autoindex") {
            connection
                .prepare(sql)
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
            assert_eq!(unknown(sql), Vec::<String>::new(), "{sql}");
        }
    }
}

#[test]
fn wrong_names_are_found_wherever_they_stand() {
    let cases: [(&str, &[&str]); 16] = [
        ("SELECT titel FROM note", &["titel"]),
        ("SELECT title FROM notes", &["notes"]),
        ("SELECT x.title FROM note n", &["x"]),
        ("SELECT n.titel FROM note n", &["titel"]),
        ("SELECT * FROM note JOIN tags ON true", &["tags"]),
        ("SELECT * FROM note n JOIN tag t ON t.nid = n.id", &["nid"]),
        ("SELECT s.nope FROM (SELECT id FROM note) s", &["nope"]),
        (
            "SELECT id FROM note WHERE id IN (SELECT nope FROM tag)",
            &["nope"],
        ),
        ("WITH a AS (SELECT id FROM note) SELECT nope FROM a", &["nope"]),
        ("INSERT INTO note(titel) VALUES (1)", &["titel"]),
        ("UPDATE note SET titel = 1", &["titel"]),
        ("UPDATE notes SET title = 1", &["notes"]),
        ("DELETE FROM note WHERE nope = 1", &["nope"]),
        ("SELECT nope(1)", &["nope"]),
        ("CREATE INDEX i ON tag(nam)", &["nam"]),
        ("PRAGMA journal_mod", &["journal_mod"]),
    ];
    for (sql, expected) in cases {
        assert_eq!(unknown(sql), expected, "{sql}");
    }
}

#[test]
fn nothing_is_judged_before_its_sources_are_there() {
    for sql in [
        "SELECT anything",
        "SELECT a.b",
        "SELECT x, y FROM ",
        "SELECT x FROM json_each('') WHERE z",
        "SELECT a FROM (",
        "WITH r AS (",
    ] {
        assert_eq!(unknown(sql), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn names_have_their_roles() {
    let sketch = Sketch::of("SELECT n.title AS t, max(id) FROM main.note n", 0);
    let roles: Vec<(&str, &Role)> = sketch
        .names
        .iter()
        .map(|name| (name.text.as_str(), &name.role))
        .collect();
    assert_eq!(
        roles,
        [
            ("n", &Role::Qualifier),
            ("title", &Role::Column),
            ("t", &Role::Other),
            ("max", &Role::Function),
            ("id", &Role::Column),
            ("main", &Role::Database),
            ("note", &Role::Table),
            ("n", &Role::Other),
        ]
    );
}

#[test]
fn any_text_is_read_without_end_or_overflow() {
    let deep = "(".repeat(50_000);
    for sql in [
        deep.as_str(),
        "SELECT ((((",
        "))))",
        "FROM , . . ( WITH",
        ". . .",
        "WITH WITH AS AS ( )",
        "INSERT UPDATE SET , ON CONFLICT",
    ] {
        Sketch::of(sql, 0);
    }
    let words = [
        "SELECT", "(", ")", ",", "FROM", "a", ".", "b", "AS", "WITH", "JOIN", "ON", "USING", "SET", "INTO",
        "VALUES", "*", "=", ";", "CREATE", "TRIGGER", "BEGIN",
    ];
    let mut seed = 11_u64;
    for _ in 0..3000 {
        let mut text = String::new();
        for _ in 0..30 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(words[(seed >> 33) as usize % words.len()]);
            text.push(' ');
        }
        let sketch = Sketch::of(&text, 0);
        let names = crate::shell::names::Names::default();
        for name in &sketch.names {
            sketch.is_unknown(name, &names);
        }
    }
}
