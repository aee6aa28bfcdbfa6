//! Joins along keys, which are planned without a search, and writes of one row, whose first run does without operators. Builds with assertions
//! plan each such join both ways and compare; here the plans and the answers are SQLite's, and so is what the writes leave behind.

use aludel_sql::value::Value;
use rusqlite::types::Value as Theirs;

use crate::both::{Both, run_ours, run_theirs};

const BLOG: &str = "
    CREATE TABLE author(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, country INT, born INT);
    CREATE INDEX author_name ON author(name);
    CREATE TABLE topic(id INTEGER PRIMARY KEY, title TEXT UNIQUE, parent INT);
    CREATE TABLE post(id INTEGER PRIMARY KEY, author INT, topic INT, kind TEXT, at INT, body TEXT);
    CREATE INDEX post_author ON post(author, at);
    CREATE UNIQUE INDEX post_at ON post(kind, at);
    CREATE TABLE country(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, area REAL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
        INSERT INTO post SELECT i, i % 40 + 1, CASE WHEN i % 11 THEN i % 9 + 1 END, 'kind ' || i % 3, i * 7 % 401, 'body ' || i FROM n;
    INSERT INTO author SELECT id, 'Name ' || id % 13, id % 5 + 1, 1900 + id FROM post WHERE id <= 40;
    INSERT INTO topic SELECT id, 'title ' || id, CASE WHEN id > 3 THEN id - 3 END FROM post WHERE id <= 9;
    INSERT INTO country SELECT id, 'c' || id, id / 2.0 FROM post WHERE id <= 5;
";

/// Joins of which each table but the first is named by its rowid, and some that are nearly so.
const JOINS: &[&str] = &[
    "SELECT p.id, a.name FROM post p JOIN author a ON a.id = p.author WHERE p.author = 7 ORDER BY p.at, p.id",
    "SELECT p.id, a.name, c.code FROM post p JOIN author a ON a.id = p.author JOIN country c ON c.id = a.country
        WHERE p.kind = 'kind 1' AND p.at = 14",
    "SELECT p.id, a.name, t.title FROM post p JOIN author a ON a.id = p.author JOIN topic t ON t.id = p.topic
        WHERE p.id = 33",
    "SELECT p.id, a.name, t.title FROM topic t, author a, post p
        WHERE t.id = p.topic AND a.id = p.author AND p.kind = 'kind 2' AND p.at > 200 ORDER BY p.kind, p.at, t.title LIMIT 5",
    "SELECT a.id, c.code FROM author a JOIN country c ON c.id = a.country WHERE a.name = 'NAME 3' ORDER BY a.id",
    "SELECT a.id, c.code FROM author a JOIN country c ON c.id = a.country WHERE a.name = 'name 3' ORDER BY a.id DESC",
    "SELECT a.id, c.code FROM author a JOIN country c ON c.id = a.country WHERE a.name = 'name 3' COLLATE BINARY ORDER BY a.id DESC",
    "SELECT a.id, c.code FROM author a JOIN country c ON c.id = a.country WHERE a.name = 'name 3' AND a.born > 1905 AND c.area <> 1 ORDER BY a.id LIMIT 3",
    "SELECT a.id, p.id FROM author a JOIN post p ON p.author = a.id WHERE a.id = 3 ORDER BY p.at",
    "SELECT c.id, a.id FROM country c JOIN author a ON a.id = c.id WHERE c.code = 'c3'",
    "SELECT x.id, y.title, z.title FROM topic x JOIN topic y ON y.id = x.parent JOIN topic z ON z.id = y.parent WHERE x.title = 'title 8'",
    "SELECT p.id FROM post p JOIN author a ON a.id = p.author WHERE p.topic = 4 ORDER BY p.id",
    "SELECT count(*), min(t.title) FROM post p JOIN topic t ON t.id = p.topic WHERE p.author = 9",
    "SELECT DISTINCT t.title FROM post p JOIN topic t ON t.id = p.topic WHERE p.author = 9 ORDER BY t.title",
    "SELECT t.title, count(*) FROM post p JOIN topic t ON t.id = p.topic WHERE p.author = 12 GROUP BY t.title ORDER BY 1",
    "SELECT p.at, count(*) FROM post p WHERE p.author = 12 GROUP BY p.at ORDER BY p.at",
    "SELECT p.at FROM post p WHERE p.author = 12 ORDER BY p.at DESC, p.id DESC LIMIT 4",
    "SELECT p.at FROM post p WHERE p.author = 12 ORDER BY p.author, p.at DESC, p.id",
    "SELECT p.at FROM post p WHERE p.author = '12' AND p.at >= 100 ORDER BY p.at",
    "SELECT p.at FROM post p WHERE p.author = 12.5",
    "SELECT p.at FROM post p WHERE p.author = NULL OR p.id = 3",
    "SELECT p.id FROM post p WHERE p.author IS 12 ORDER BY p.at, p.id",
    "SELECT p.id FROM post p WHERE p.author = 3 AND p.author = 4",
    "SELECT p.id FROM post p JOIN author a ON a.id = p.author AND a.id = 4 WHERE p.kind = 'kind 0' ORDER BY p.id",
    "SELECT p.id FROM post p JOIN author a ON a.id = p.author WHERE p.kind = 'kind 0' AND a.country = p.topic ORDER BY p.id",
    "SELECT p.id FROM post p JOIN author a ON a.id = p.author JOIN country c ON c.id = p.topic WHERE p.at = 49 AND c.id = a.country",
    "SELECT (SELECT a.name FROM author a JOIN country c ON c.id = a.country WHERE a.name = 'name 4' AND c.id < p.id LIMIT 1) FROM post p WHERE p.id < 5",
    "SELECT p.id FROM post p WHERE p.kind = 'kind 1' AND p.at = (SELECT max(at) FROM post WHERE kind = 'kind 1')",
];

#[test]
fn joins_along_keys() {
    let both = Both::with(BLOG);
    for analyzed in [false, true] {
        JOINS.iter().for_each(|sql| both.check(sql));
        if !analyzed {
            both.check("ANALYZE");
        }
    }
}

#[test]
fn the_way_is_that_of_the_references() {
    let both = Both::with(BLOG);
    let plan = run_ours(&both.ours, &format!("EXPLAIN QUERY PLAN {}", JOINS[1])).unwrap();
    let plan: Vec<&str> = plan.iter().map(|line| line[3].trim_matches('\'')).collect();
    assert_eq!(
        plan,
        [
            "SEARCH p USING INDEX post_at (kind=? AND at=?)",
            "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH c USING INTEGER PRIMARY KEY (rowid=?)",
        ]
    );
}

const STOCK: &str = "
    CREATE TABLE plain(id INTEGER PRIMARY KEY, n INT, r REAL, t TEXT, b BLOB, any);
    CREATE TABLE strict(id INTEGER PRIMARY KEY, n INT NOT NULL) STRICT;
    CREATE TABLE needs(id INTEGER PRIMARY KEY, n INT NOT NULL, t TEXT NOT NULL DEFAULT 'd', CHECK (n > 0));
    CREATE TABLE keyed(id INTEGER PRIMARY KEY, n INT UNIQUE, t TEXT);
    CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, n INT);
    CREATE TABLE made(id INTEGER PRIMARY KEY, n INT, twice AS (n * 2) STORED);
    CREATE TABLE loose(n INT, t TEXT);
    CREATE TABLE log(what);
    CREATE TABLE watched(id INTEGER PRIMARY KEY, n INT);
    CREATE TRIGGER watch AFTER UPDATE ON watched BEGIN INSERT INTO log VALUES (new.n); END;
    CREATE TABLE child(id INTEGER PRIMARY KEY, parent INT REFERENCES plain(id));
    INSERT INTO plain(id, n) VALUES (1, 1), (2, 2), (3, 3);
    ALTER TABLE plain ADD COLUMN late INT DEFAULT 9;
    PRAGMA foreign_keys = ON;
";

/// Each is run once: prepared anew and thrown away.
const WRITES: &[&str] = &[
    "INSERT INTO plain(id, n, r, t, b, any) VALUES (10, 1, 1.5, 'x', x'00', NULL)",
    "INSERT INTO plain(id, n, r, t, b, any) VALUES (11, '12', 3, 4, 'text', 1.0)",
    "INSERT INTO plain(id, n, r, t, b, any) VALUES (10, 1, 1.5, 'x', x'00', NULL)",
    "INSERT INTO plain(id, n) VALUES (5, 1)",
    "INSERT INTO plain(id, n) VALUES ('20', 1)",
    "INSERT INTO plain(id, n) VALUES (20.5, 1)",
    "INSERT INTO plain(id, n) VALUES (NULL, -0.0)",
    "INSERT INTO plain(n, r) VALUES (9223372036854775807, -0.0)",
    "INSERT INTO plain(id, n) VALUES (9223372036854775807, 0)",
    "DELETE FROM plain WHERE id = 9223372036854775807",
    "INSERT INTO plain(n) VALUES (4)",
    "INSERT OR REPLACE INTO plain(id, n) VALUES (5, 2)",
    "INSERT OR IGNORE INTO plain(id, n) VALUES (5, 3)",
    "UPDATE plain SET n = 7, t = 'y' WHERE id = 10",
    "UPDATE plain SET t = 5, n = 'seven', r = 2 WHERE id = 11",
    "UPDATE plain SET n = 8 WHERE id = 1000",
    "UPDATE plain SET n = 8 WHERE id = '11'",
    "UPDATE plain SET n = 8 WHERE id = NULL",
    "UPDATE plain SET id = 30 WHERE id = 11",
    "UPDATE plain SET late = 4 WHERE id = 2",
    "UPDATE plain SET late = NULL, n = 4 WHERE rowid = 3 AND n = 3",
    "UPDATE plain SET n = 5 WHERE id = 3 AND n = '4' AND t IS NULL",
    "UPDATE plain SET n = 6 WHERE id = 3 AND n = '5' AND r <> 1",
    "UPDATE plain SET n = 6 WHERE id = 10 AND t = 'y' AND n >= 7 AND b < x'01'",
    "UPDATE plain SET n = 7 WHERE id = 10 AND id = 10",
    "DELETE FROM plain WHERE id = 10 AND t = 'z'",
    "DELETE FROM plain WHERE id = 10 AND t = 'y' AND n = 7.0",
    "DELETE FROM plain WHERE rowid = 30 AND any = 1",
    "INSERT INTO strict VALUES (1, 2)",
    "INSERT INTO strict VALUES (2, 'x')",
    "INSERT INTO strict VALUES (2, NULL)",
    "UPDATE strict SET n = 'x' WHERE id = 1",
    "UPDATE strict SET n = 5 WHERE id = 1",
    "INSERT INTO needs VALUES (1, 2, 'x')",
    "INSERT INTO needs(id, n) VALUES (2, 2)",
    "INSERT INTO needs(id, n) VALUES (3, NULL)",
    "INSERT INTO needs(id, n) VALUES (3, -1)",
    "UPDATE needs SET t = NULL WHERE id = 1",
    "UPDATE needs SET n = -1 WHERE id = 1",
    "UPDATE OR IGNORE needs SET n = NULL WHERE id = 1",
    "UPDATE OR REPLACE needs SET t = NULL WHERE id = 1",
    "UPDATE needs SET t = 'u' WHERE id = 1",
    "INSERT INTO keyed VALUES (1, 1, 'a'), (2, 2, 'b')",
    "INSERT INTO keyed VALUES (3, 1, 'c')",
    "UPDATE keyed SET n = 2 WHERE id = 1",
    "UPDATE keyed SET t = 'z' WHERE id = 1",
    "UPDATE keyed SET n = 5 WHERE id = 1",
    "INSERT INTO counted(n) VALUES (1)",
    "INSERT INTO counted(id, n) VALUES (50, 1)",
    "INSERT INTO counted(n) VALUES (2)",
    "INSERT INTO made(id, n) VALUES (1, 2)",
    "UPDATE made SET n = 5 WHERE id = 1",
    "INSERT INTO loose VALUES (1, 'a')",
    "INSERT INTO loose(rowid, n) VALUES (7, 2)",
    "INSERT INTO loose VALUES (3, 4)",
    "UPDATE loose SET n = 9 WHERE rowid = 7",
    "UPDATE loose SET n = 8 WHERE oid = 8",
    "INSERT INTO watched VALUES (1, 1)",
    "UPDATE watched SET n = 2 WHERE id = 1",
    "INSERT INTO child VALUES (1, 1)",
    "INSERT INTO child VALUES (2, 77)",
    "UPDATE child SET parent = 2 WHERE id = 1",
    "UPDATE child SET parent = 77 WHERE id = 1",
    "DELETE FROM plain WHERE id = 2",
    "UPDATE plain SET n = 1 WHERE id = 2",
    "UPDATE plain SET n = 1 WHERE id = 1 RETURNING n, t",
];

#[test]
fn first_runs_write_what_later_ones_would() {
    for transaction in [false, true] {
        let both = Both::with(STOCK);
        if transaction {
            both.check("BEGIN");
        }
        for sql in WRITES {
            both.check(sql);
        }
        if transaction {
            both.check("SELECT * FROM plain; SELECT * FROM loose; COMMIT");
        }
        both.check_files();
    }
}

#[test]
fn a_first_run_that_does_not_fit_and_one_that_does() {
    let both = Both::with(STOCK);
    let update = "UPDATE plain SET n = ?1, t = ?2 WHERE id = ?3";
    let insert = "INSERT INTO plain(n, t, id) VALUES (?1, ?2, ?3)";
    let rows: [[Value; 3]; 6] = [
        [Value::Integer(5), Value::Text("a".into()), Value::Integer(40)],
        [Value::Text("6".into()), Value::Integer(7), Value::Integer(41)],
        [Value::Real(0.5), Value::Null, Value::Text("42".into())],
        [Value::Integer(8), Value::Text("b".into()), Value::Integer(2)],
        [Value::Null, Value::Text("c".into()), Value::Null],
        [Value::Real(9.0), Value::Text("d".into()), Value::Real(3.0)],
    ];
    for first in 0..rows.len() {
        for sql in [insert, update] {
            let mut ours = both.ours.prepare(sql).unwrap();
            let mut theirs = both.theirs.prepare(sql).unwrap();
            // What a statement keeps from its first run is of no consequence for the next.
            for row in rows.iter().cycle().skip(first).take(3) {
                let their_row = row.clone().map(|value| match value {
                    Value::Null => Theirs::Null,
                    Value::Integer(value) => Theirs::Integer(value),
                    Value::Real(value) => Theirs::Real(value),
                    Value::Text(text) => Theirs::Text(String::from_utf8_lossy(text.as_bytes()).into_owned()),
                    Value::Blob(blob) => Theirs::Blob(blob.to_vec()),
                });
                let expected = theirs.execute(rusqlite::params_from_iter(their_row)).ok();
                assert_eq!(ours.execute(row.clone()).ok(), expected, "{sql} {row:?}");
            }
        }
    }
    let all = "SELECT *, typeof(n), typeof(t) FROM plain ORDER BY id";
    assert_eq!(run_ours(&both.ours, all), run_theirs(&both.theirs, all));
    both.check_files();
}

#[test]
fn first_runs_are_undone() {
    let both = Both::with(STOCK);
    both.check("BEGIN; INSERT INTO plain(id, n) VALUES (50, 1); SAVEPOINT s");
    both.check("UPDATE plain SET n = 2 WHERE id = 50; INSERT INTO loose VALUES (1, 'x'); ROLLBACK TO s");
    both.check(
        "SELECT id, n FROM plain; SELECT * FROM loose; UPDATE plain SET n = 3 WHERE id = 50; ROLLBACK",
    );
    both.check("SELECT id, n FROM plain; SELECT changes(), total_changes(), last_insert_rowid()");
    both.check_files();
}

#[test]
fn first_runs_are_told() {
    let both = Both::with(STOCK);
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let own = std::sync::Arc::clone(&told);
    both.ours
        .update_hook(Some(move |action, _: &str, table: &str, rowid| {
            own.lock().unwrap().push(format!("{action:?} {table} {rowid}"));
        }))
        .unwrap();
    both.check("INSERT INTO plain(id, n) VALUES (60, 1); UPDATE plain SET n = 2 WHERE id = 60");
    assert_eq!(told.lock().unwrap().len(), 2);
}
