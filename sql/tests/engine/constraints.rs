//! Constraints that come and go by ALTER TABLE: the same texts, the same errors and the same rows taken as with SQLite.

use crate::both::Both;

/// The changes one after the other, with the table's text after each, and then rows that may be refused.
fn check(schema: &str, changes: &[&str]) {
    let both = Both::with(schema);
    for change in changes {
        both.check(&format!("ALTER TABLE t {change}; SELECT sql FROM sqlite_schema"));
    }
    both.check(
        "INSERT INTO t VALUES (1, 2, 3); INSERT INTO t VALUES (NULL, NULL, NULL); INSERT OR IGNORE INTO t VALUES (-1, -1, -1);
         INSERT INTO t VALUES (100, 100, 100); UPDATE t SET b = NULL; UPDATE t SET c = -5; SELECT * FROM t; PRAGMA integrity_check",
    );
    both.check_files();
}

const ALL: &[&str] = &[
    "ADD CHECK (a < 50)",
    "ADD CONSTRAINT small CHECK (b < 50 AND t.c < 50)",
    "ADD CONSTRAINT SMALL CHECK (b < 50)",
    "ADD CONSTRAINT \"two words\" CHECK (b <> 'x') ON CONFLICT REPLACE",
    "ADD CONSTRAINT [k] CHECK (c IS NOT 7) /* why */ -- not kept",
    "ADD CHECK (nosuch > 1)",
    "ADD CHECK ((SELECT 1))",
    "ADD CHECK (count(*) > 1)",
    "ADD CHECK (a > ?1)",
    "ADD CONSTRAINT fails CHECK (a < 0)",
    "ADD CONSTRAINT u UNIQUE (a)",
    "ALTER COLUMN a SET NOT NULL",
    "ALTER b SET NOT NULL ON CONFLICT IGNORE",
    "ALTER b SET NOT NULL -- again",
    "ALTER nosuch SET NOT NULL",
    "ALTER COLUMN c DROP NOT NULL",
    "ALTER c SET NOT NULL /* c */",
    "ALTER nosuch DROP NOT NULL",
    "DROP CONSTRAINT nosuch",
    "DROP CONSTRAINT \"Two Words\"",
    "DROP CONSTRAINT small",
    "DROP CONSTRAINT 'k'",
    "ALTER b DROP NOT NULL",
    "ALTER a DROP NOT NULL",
];

#[test]
fn constraints_come_and_go() {
    for schema in [
        "CREATE TABLE t(a, b, c); INSERT INTO t VALUES (1, 2, 3)",
        "CREATE TABLE t(a INT, b TEXT NOT NULL , c CONSTRAINT nn NOT NULL ON CONFLICT FAIL DEFAULT 5); INSERT INTO t VALUES (1, 2, 3)",
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c AS (a + 1)); INSERT INTO t VALUES (1, 2)",
        "CREATE TABLE t(a INT PRIMARY KEY, b INT, c INT) STRICT, WITHOUT ROWID; INSERT INTO t VALUES (1, 2, 3)",
        "CREATE TABLE t(a, b, c, CHECK (a > 0) -- the end
         )",
        "CREATE TABLE t ( a NUMERIC(10, 5) , b , c -- last
         , CONSTRAINT k CHECK (a > 0) CONSTRAINT small CHECK (b > 0) , UNIQUE (a))",
    ] {
        check(schema, ALL);
    }
}

#[test]
fn each_kind_of_constraint_is_dropped_or_kept() {
    let parents = "CREATE TABLE p(x PRIMARY KEY, y UNIQUE);";
    for columns in [
        "a CONSTRAINT k CHECK (a > 0), b, c",
        "a, b CONSTRAINT k CHECK (b > 0) NOT NULL, c CONSTRAINT k NOT NULL",
        "a CONSTRAINT k UNIQUE, b, c",
        "a CONSTRAINT k PRIMARY KEY, b, c",
        "a CONSTRAINT k REFERENCES p(x) ON DELETE CASCADE, b, c",
        "a CONSTRAINT k DEFAULT 5, b, c",
        "a CONSTRAINT k COLLATE nocase, b, c",
        "a, b, c CONSTRAINT k AS (a + b)",
        "a CONSTRAINT one CONSTRAINT k NOT NULL, b, c",
        "a CONSTRAINT k CONSTRAINT one NOT NULL, b, c",
        "a CONSTRAINT k, b, c",
        "a, b, c, CONSTRAINT k FOREIGN KEY (a) REFERENCES p(y) ON UPDATE SET NULL",
        "a, b, c, CONSTRAINT k UNIQUE (a, b)",
        "a, b, c, CONSTRAINT k PRIMARY KEY (a)",
        "a, b, c, CONSTRAINT k CHECK (a IN (1, 2)), CONSTRAINT z CHECK (b > 0)",
        "a, b, c, CONSTRAINT z CHECK (b > 0), CONSTRAINT k CHECK (a IN (1, ')', ','))",
        "a, b, c, CONSTRAINT z CHECK (b > 0) CONSTRAINT k CHECK (a > 0) CONSTRAINT y CHECK (c > 0)",
        "a, b, c/*x*/,/*y*/CONSTRAINT/*z*/k/*w*/CHECK(a>0)/*v*/,CHECK(b>0)",
        "a, b, c, CONSTRAINT \"K\" CHECK (a > 0)",
        "\"CONSTRAINT\" , b, c, CHECK ([CONSTRAINT] > 0) , CONSTRAINT k CHECK (b > 0)",
    ] {
        let both = Both::with(&format!("{parents} CREATE TABLE t({columns})"));
        both.check("ALTER TABLE t DROP CONSTRAINT k; SELECT sql FROM sqlite_schema; ALTER TABLE t DROP CONSTRAINT k; SELECT sql FROM sqlite_schema");
        both.check("ALTER TABLE t ALTER a DROP NOT NULL; ALTER TABLE t ALTER c DROP NOT NULL; SELECT sql FROM sqlite_schema");
        both.check_files();
    }
}

#[test]
fn a_key_with_its_deferral_goes_as_a_whole() {
    // SQLite leaves the last words behind, and then cannot read the text.
    let both =
        Both::with("CREATE TABLE t(a CONSTRAINT k REFERENCES t(a) NOT DEFERRABLE INITIALLY DEFERRED, b)");
    both.ours.execute("ALTER TABLE t DROP CONSTRAINT k", ()).unwrap();
    let text: String = both
        .ours
        .query_row("SELECT sql FROM sqlite_schema", (), |row| row.get(0))
        .unwrap();
    assert_eq!(text, "CREATE TABLE t(a, b)");
}

#[test]
fn only_tables_have_constraints_that_change() {
    let both = Both::with(
        "CREATE TABLE t(a); CREATE VIEW v AS SELECT a FROM t; ATTACH ':memory:' AS aux; CREATE TABLE aux.t(b, a); CREATE TEMP TABLE tt(a);
         INSERT INTO aux.t VALUES (1, NULL)",
    );
    both.check(
        "ALTER TABLE v ADD CHECK (a > 1); ALTER TABLE v DROP CONSTRAINT x; ALTER TABLE v ALTER a SET NOT NULL; ALTER TABLE v ALTER a DROP NOT NULL;
         ALTER TABLE nosuch ADD CHECK (1); ALTER TABLE main.nosuch DROP CONSTRAINT x; ALTER TABLE sqlite_schema ADD CHECK (1);
         ALTER TABLE aux.t ADD CONSTRAINT k CHECK (b > 0); ALTER TABLE aux.t ALTER a SET NOT NULL; ALTER TABLE tt ALTER a SET NOT NULL;
         SELECT sql FROM sqlite_schema; SELECT sql FROM aux.sqlite_schema; SELECT sql FROM sqlite_temp_schema; INSERT INTO tt VALUES (NULL);
         INSERT INTO aux.t VALUES (0, 1); ALTER TABLE aux.t DROP CONSTRAINT k; INSERT INTO aux.t VALUES (0, 1)",
    );
    both.check_files();
}

#[test]
fn a_change_that_is_rolled_back_leaves_the_table_as_it_was() {
    let both = Both::with("CREATE TABLE t(a); INSERT INTO t VALUES (5)");
    both.check(
        "BEGIN; ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1); INSERT INTO t VALUES (0); ROLLBACK; INSERT INTO t VALUES (0);
         ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1); SELECT sql FROM sqlite_schema; ALTER TABLE t ADD CHECK (a IS NULL OR a < 9); INSERT INTO t VALUES (10)",
    );
    both.check_files();
}
