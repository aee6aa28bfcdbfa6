//! ALTER TABLE .. RENAME: exactly the words that mean the table or the column change, wherever they stand.

use crate::both::Both;

/// A schema with one definition more, in which `t.b` or `t` is renamed: the texts afterwards, and whether they work.
fn check_column(definition: &str) {
    for (table, from, to) in [
        ("t", "b", "z"),
        ("t", "b", "\"z z\""),
        ("t", "a", "z"),
        ("u", "b", "z"),
        ("t", "d", "z"),
    ] {
        let both = schema_with(definition);
        both.check(&format!(
            "ALTER TABLE {table} RENAME COLUMN {from} TO {to}; SELECT type, name, tbl_name, sql FROM sqlite_schema;
             SELECT type, name, tbl_name, sql FROM sqlite_temp_schema"
        ));
        both.check_files();
    }
}

fn check_table(definition: &str) {
    for (table, to) in [("t", "z"), ("u", "\"z z\""), ("t", "T")] {
        let both = schema_with(definition);
        both.check(&format!(
            "ALTER TABLE {table} RENAME TO {to}; SELECT type, name, tbl_name, sql FROM sqlite_schema;
             SELECT type, name, tbl_name, sql FROM sqlite_temp_schema"
        ));
        both.check_files();
    }
}

fn schema_with(definition: &str) -> Both {
    Both::with(&format!(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c DEFAULT 5, d AS (b + c), CHECK (b > c OR t.b IS NULL), UNIQUE (b COLLATE nocase, c));
         CREATE TABLE u(b PRIMARY KEY, x, y REFERENCES t(a), FOREIGN KEY (x, y) REFERENCES t(b, c)) WITHOUT ROWID;
         CREATE TABLE log(b, x);
         {definition}"
    ))
}

const VIEWS: &[&str] = &[
    "CREATE VIEW v AS SELECT b, t.b, main.t.b, c AS b FROM t",
    "CREATE VIEW v AS SELECT T.B, \"t\".\"b\", [t].[b], `b`\"other\" FROM T",
    "CREATE VIEW v AS SELECT t.b, u.b FROM t, u WHERE t.b = u.b",
    "CREATE VIEW v AS SELECT x.b FROM t AS x JOIN u AS t ON x.b = t.b",
    "CREATE VIEW v AS SELECT b FROM u WHERE EXISTS (SELECT 1 FROM t WHERE a = u.x)",
    "CREATE VIEW v AS SELECT (SELECT b FROM t WHERE t.a = log.x) FROM log",
    "CREATE VIEW v AS SELECT b FROM (SELECT b FROM t)",
    "CREATE VIEW v AS SELECT q FROM (SELECT b AS q FROM t)",
    "CREATE VIEW v AS SELECT s.b FROM (SELECT * FROM t) AS s",
    "CREATE VIEW v AS SELECT b FROM t ORDER BY b, t.b COLLATE nocase, a + b",
    "CREATE VIEW v AS SELECT b AS b FROM t ORDER BY b",
    "CREATE VIEW v AS SELECT b, count(*) FROM t GROUP BY b HAVING b > 1",
    "CREATE VIEW v AS SELECT b FROM t UNION SELECT b FROM u ORDER BY 1",
    "CREATE VIEW v AS WITH w AS (SELECT b FROM t), unused AS (SELECT t.b FROM t) SELECT * FROM w",
    "CREATE VIEW v AS WITH w(b) AS (SELECT b FROM t) SELECT b FROM w",
    "CREATE VIEW v AS WITH RECURSIVE r(b) AS (SELECT b FROM t UNION ALL SELECT b + 1 FROM r WHERE b < 3) SELECT b FROM r",
    "CREATE VIEW v AS WITH t AS (SELECT b FROM u) SELECT b, t.b FROM t",
    "CREATE VIEW v AS SELECT sum(b) OVER (PARTITION BY b ORDER BY t.b ROWS 1 PRECEDING), max(c) FILTER (WHERE b > 1) OVER w FROM t WINDOW w AS (ORDER BY b)",
    "CREATE VIEW v AS SELECT t.*, * FROM t",
    "CREATE VIEW v AS SELECT t.*, x.* FROM t, u AS x",
    "CREATE VIEW v AS SELECT 'b', \"nosuch\", b FROM t WHERE b = 'b' -- b
     AND c /* t.b */ > 1",
    "CREATE VIEW v AS SELECT a FROM t WHERE b IN (SELECT b FROM u) AND c IN (1, b)",
    "CREATE VIEW v AS SELECT CASE b WHEN 1 THEN t.b ELSE -b END, CAST(b AS TEXT), b COLLATE nocase, abs(b), b LIKE 'b', b BETWEEN b AND b FROM t",
    "CREATE VIEW v AS SELECT rowid, oid, t.rowid, a FROM t",
    "CREATE VIEW v AS SELECT t1.b, t2.b FROM t t1 LEFT JOIN t AS t2 ON t1.b = t2.b AND t2.a = 1",
    "CREATE VIEW v(b) AS SELECT c FROM t WHERE b = 1",
    "CREATE VIEW v AS SELECT d, b FROM t INDEXED BY nosuch",
    "CREATE VIEW v AS SELECT t.b FROM (t) WHERE b = 1",
    "CREATE VIEW v AS SELECT (b, c) = (1, 2), (SELECT t.b) FROM t LIMIT 5",
    "CREATE VIEW v AS SELECT b\"b\", t.b't' FROM t",
    "CREATE VIEW w AS SELECT b FROM t; CREATE VIEW v AS SELECT b FROM w",
    "CREATE VIEW w AS SELECT b AS q FROM t; CREATE VIEW v AS SELECT q, b FROM w, t",
    "CREATE TEMP VIEW v AS SELECT b, t.b, main.t.b FROM main.t",
    "CREATE VIEW v AS SELECT b FROM t WHERE EXISTS (SELECT b FROM log WHERE b = t.b)",
    "CREATE VIEW v AS SELECT b FROM t, json_each(t.b) WHERE json_each.value = b",
    "CREATE VIEW v AS SELECT row_number() OVER (ORDER BY b) AS b FROM t ORDER BY b",
    "CREATE VIEW v AS SELECT group_concat(b, c ORDER BY b) FROM t",
    "CREATE VIEW v AS VALUES (1), ((SELECT b FROM t))",
];

#[test]
fn views_follow_a_column() {
    VIEWS.iter().for_each(|view| check_column(view));
}

#[test]
fn views_follow_a_table() {
    VIEWS.iter().for_each(|view| check_table(view));
}

const TRIGGERS: &[&str] = &[
    "CREATE TRIGGER tr AFTER UPDATE OF b, c ON t WHEN new.b > old.b BEGIN INSERT INTO log(b, x) VALUES (new.b, old.\"b\"); END",
    "CREATE TRIGGER tr AFTER INSERT ON u BEGIN UPDATE t SET b = new.b, c = b WHERE b = new.x AND t.b = 1; END",
    "CREATE TRIGGER tr AFTER INSERT ON u BEGIN UPDATE t SET (b, c) = (new.b, t.b); DELETE FROM t WHERE b = 1 OR t.b = new.b; END",
    "CREATE TRIGGER tr AFTER INSERT ON log BEGIN INSERT INTO u(b, x) SELECT b, t.b FROM t WHERE t.b = new.b; END",
    "CREATE TRIGGER tr DELETE ON t BEGIN SELECT b FROM log; SELECT old.b FROM u WHERE b = 1; SELECT nosuch(b, t.b) FROM t; END",
    "CREATE TRIGGER tr AFTER INSERT ON u BEGIN UPDATE t SET c = 1 FROM log WHERE log.b = t.b; END",
    "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log SELECT * FROM t WHERE b IN (SELECT b FROM log); INSERT INTO t(b) VALUES (new.a); END",
    "CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log(b) SELECT t.b FROM t WHERE b = new.b; END",
    "CREATE TEMP TRIGGER tr AFTER UPDATE OF b ON main.t BEGIN DELETE FROM u WHERE b = new.b; END",
    "CREATE TRIGGER tr AFTER UPDATE OF B ON T FOR EACH ROW WHEN NEW.B IS NOT Old.B BEGIN UPDATE T SET B = 1; END",
    "CREATE VIEW v AS SELECT b FROM t; CREATE TRIGGER tr INSTEAD OF INSERT ON v BEGIN INSERT INTO t(b) VALUES (new.b); END",
    "CREATE TRIGGER tr AFTER INSERT ON t BEGIN WITH w AS (SELECT b FROM t) INSERT INTO log(b) SELECT b FROM w; END",
];

/// Where SQLite's text would say something else afterwards, the table for `excluded`.
const UPSERT: &str = "CREATE TRIGGER tr AFTER INSERT ON log BEGIN INSERT INTO t(a, b) VALUES (1, new.b) ON CONFLICT (b COLLATE nocase, c) DO UPDATE SET b = excluded.b, c = t.b WHERE b > 1; END";

#[test]
fn excluded_stays_what_it_is() {
    check_column(UPSERT);
    let both = schema_with(UPSERT);
    both.ours.execute("ALTER TABLE t RENAME TO z", ()).unwrap();
    let text: String = both
        .ours
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'tr'", (), |row| {
            row.get(0)
        })
        .unwrap();
    let expected = UPSERT
        .replace("INTO t(", "INTO \"z\"(")
        .replace("= t.b", "= \"z\".b");
    assert_eq!(text, expected);
}

#[test]
fn triggers_follow_a_column() {
    TRIGGERS.iter().for_each(|trigger| check_column(trigger));
}

#[test]
fn triggers_follow_a_table() {
    TRIGGERS.iter().for_each(|trigger| check_table(trigger));
}

const INDEXES: &[&str] = &[
    "CREATE INDEX i ON t(b, c); CREATE INDEX j ON u(b)",
    "CREATE INDEX i ON t('b' DESC, \"b\" COLLATE nocase, [b])",
    "CREATE INDEX i ON t(b + c, abs(\"b\"), 'b' || c) WHERE b > 1 AND c <> 'b'",
    "CREATE UNIQUE INDEX i ON \"t\"(a, b) WHERE a > 1",
    "CREATE INDEX b ON t(c)",
    "CREATE TABLE \"b\"(b REFERENCES t(b), \"t\" CHECK (b <> 't' AND b > 0), CONSTRAINT b UNIQUE (b, t))",
    "CREATE TABLE w(a, t REFERENCES \"t\" (\"b\"), b, FOREIGN KEY (b) REFERENCES t('b'), FOREIGN KEY (b) REFERENCES w(b))",
    "CREATE TABLE w(b CHECK (b > 1) REFERENCES t, z)",
];

#[test]
fn indexes_and_tables_follow_a_column() {
    INDEXES.iter().for_each(|definition| check_column(definition));
}

#[test]
fn indexes_and_tables_follow_a_table() {
    INDEXES.iter().for_each(|definition| check_table(definition));
}

#[test]
fn a_table_names_itself_in_its_own_text() {
    for text in [
        "CREATE TABLE t(a, b CHECK (t.b > 1), c REFERENCES t(b), 'd', PRIMARY KEY ('b', \"a\"), CHECK (\"t\".\"b\" <> \"nosuch\"))",
        "CREATE TABLE \"t\"(\"b\" INTEGER PRIMARY KEY, \"a\"\"x\", [d], g AS (b + [d]) STORED, FOREIGN KEY (\"b\", d) REFERENCES t(\"d\", b))",
        "CREATE TABLE t(a, b AS (a + 1), d AS (b + 1) VIRTUAL, CHECK (rowid > b AND oid > 1)) STRICT",
        "CREATE TABLE t(b INTEGER, d TEXT, PRIMARY KEY (b DESC, d)) WITHOUT ROWID, STRICT",
    ] {
        for change in [
            "RENAME b TO z",
            "RENAME COLUMN d TO \"b\"",
            "RENAME d TO 'z'",
            "RENAME 'd' TO z",
            "RENAME TO \"t u\"",
            "RENAME TO 't'",
            "RENAME a TO d",
        ] {
            let both = Both::with(text);
            both.check(&format!("ALTER TABLE t {change}; SELECT sql FROM sqlite_schema"));
            both.check_files();
        }
    }
}

#[test]
fn only_the_table_of_that_database_is_meant() {
    let both = Both::with(
        "ATTACH ':memory:' AS aux; CREATE TABLE t(a, b); CREATE TABLE aux.t(a, b); CREATE TEMP TABLE s(a, b);
         CREATE VIEW aux.v AS SELECT b FROM t; CREATE VIEW v AS SELECT b FROM t; CREATE TEMP VIEW tv AS SELECT aux.t.b, main.t.b FROM main.t, aux.t;
         CREATE TEMP TRIGGER tr AFTER INSERT ON aux.t BEGIN INSERT INTO s(b) VALUES (new.b); UPDATE main.t SET b = new.b; END",
    );
    let texts = "SELECT sql FROM main.sqlite_schema; SELECT sql FROM aux.sqlite_schema; SELECT sql FROM temp.sqlite_schema";
    both.check(&format!(
        "ALTER TABLE aux.t RENAME b TO z; {texts}; ALTER TABLE t RENAME b TO y; {texts}; ALTER TABLE s RENAME b TO x; {texts};
         ALTER TABLE s RENAME TO x; {texts}; DROP TRIGGER tr; ALTER TABLE aux.t RENAME TO z; {texts}; ALTER TABLE t RENAME TO y; {texts}"
    ));
    both.check_files();
}

#[test]
fn a_temporary_trigger_keeps_the_tables_of_the_other_databases() {
    // SQLite takes the name for the table's in whichever database, and then does not find it.
    let both = Both::with(
        "ATTACH ':memory:' AS aux; CREATE TABLE t(a); CREATE TABLE aux.t(a);
         CREATE TEMP TRIGGER tr AFTER INSERT ON aux.t BEGIN UPDATE main.t SET a = new.a; END",
    );
    both.ours.execute("ALTER TABLE aux.t RENAME TO z", ()).unwrap();
    let text: String = both
        .ours
        .query_row("SELECT sql FROM sqlite_temp_schema", (), |row| row.get(0))
        .unwrap();
    assert_eq!(
        text,
        "CREATE TRIGGER tr AFTER INSERT ON aux.\"z\" BEGIN UPDATE main.t SET a = new.a; END"
    );
}

#[test]
fn a_table_after_in_is_renamed_too() {
    let both =
        Both::with("CREATE TABLE one(a); CREATE TABLE t(b); CREATE VIEW v AS SELECT b FROM t WHERE b IN one");
    // SQLite leaves the name, and then does not find the table.
    both.ours.execute("ALTER TABLE one RENAME TO z", ()).unwrap();
    let text: String = both
        .ours
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'v'", (), |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(text, "CREATE VIEW v AS SELECT b FROM t WHERE b IN \"z\"");
}

#[test]
fn strings_in_double_quotes_get_single_ones() {
    let schema = "CREATE TABLE t(a DEFAULT \"x\", b DEFAULT (\"y\"), c DEFAULT 'q', d AS (a || \"it's\"), e, CHECK (a <> \"no\"\"such\" OR \"a\" > 1));
         CREATE TABLE u(a CHECK (a <> \"z\"));
         CREATE VIEW v AS SELECT \"str\", \"a\", \"b\"'alias' FROM u;
         CREATE VIEW w AS SELECT a, \"str\"'alias' FROM t WHERE a = \"x\";
         CREATE TRIGGER tr AFTER INSERT ON u WHEN new.a = \"w\" BEGIN UPDATE t SET a = \"v\"; END;
         CREATE TEMP VIEW tv AS SELECT \"temporary\" FROM t;
         CREATE TEMP TABLE s(a CHECK (a <> \"z\"))";
    for change in ["RENAME a TO z", "DROP COLUMN e", "RENAME TO z", "ADD COLUMN f"] {
        let both = Both::with(schema);
        both.check(&format!(
            "ALTER TABLE t {change}; SELECT sql FROM sqlite_schema; SELECT sql FROM sqlite_temp_schema"
        ));
        both.check_files();
    }
}

#[test]
fn a_name_in_double_quotes_does_not_become_a_string() {
    let both = Both::with("CREATE TABLE t(a, b, c); CREATE VIEW v AS SELECT \"c\" FROM (SELECT * FROM t)");
    both.check("ALTER TABLE t RENAME c TO d; ALTER TABLE t DROP COLUMN c; SELECT sql FROM sqlite_schema");
    both.check_files();
}
