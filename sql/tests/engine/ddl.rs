//! CREATE, DROP, and what sqlite_schema holds after them.

use super::both::{Both, run_ours, run_theirs};

#[test]
fn tables_are_created_and_dropped() {
    let both = Both::new();
    both.check(
        "create   table  t1 ( a , b );
         CREATE TABLE IF NOT EXISTS t1(x);
         CREATE TABLE t1(x);
         CREATE TABLE sqlite_x(a);
         CREATE TABLE t2(a PRIMARY KEY, b UNIQUE, c, UNIQUE(b, c), UNIQUE(a));
         CREATE TABLE [odd name](\"a b\" TEXT DEFAULT 'x', c INT DEFAULT -5);
         CREATE INDEX i1 ON t1(a);
         CREATE INDEX i1 ON t1(b);
         CREATE INDEX t1 ON t2(a);
         CREATE TABLE i1(a);
         CREATE INDEX IF NOT EXISTS i1 ON t1(b);
         CREATE INDEX i2 ON nowhere(a);
         CREATE INDEX i2 ON t1(nothing);
         CREATE UNIQUE INDEX main.i3 ON t2(c DESC, a COLLATE NOCASE) WHERE c > 1;
         CREATE VIEW v AS SELECT a FROM t1;
         CREATE VIEW IF NOT EXISTS v AS SELECT 1;
         DROP TABLE v;
         DROP VIEW t1;
         DROP TABLE nothing;
         DROP TABLE IF EXISTS nothing;
         DROP INDEX sqlite_autoindex_t2_1;
         DROP INDEX nothing;
         DROP TABLE sqlite_schema;
         SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema;
         DROP INDEX i1;
         DROP TABLE t2;
         DROP VIEW v;
         SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master",
    );
    both.check_files();
}

#[test]
fn definitions_that_contradict_themselves() {
    let both = Both::new();
    both.check(
        "CREATE TABLE t(a, A);
         CREATE TABLE t(a PRIMARY KEY, b PRIMARY KEY);
         CREATE TABLE t(a TEXT PRIMARY KEY AUTOINCREMENT);
         CREATE TABLE t(a) WITHOUT ROWID;
         CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT) WITHOUT ROWID;
         CREATE TABLE t(a DEFAULT (b));
         CREATE TABLE t(a NOTATYPE) STRICT;
         CREATE TABLE t(a) STRICT;
         CREATE TABLE t(a AS (1));
         CREATE TABLE t(a, b AS (a) PRIMARY KEY);
         CREATE TABLE t(a, b AS (a) FUNNY);
         CREATE TABLE t(a UNIQUE ON CONFLICT FAIL, UNIQUE(a) ON CONFLICT IGNORE);
         CREATE TABLE t(a, UNIQUE(a + 1));
         CREATE TABLE t(a, FOREIGN KEY(b) REFERENCES x);
         CREATE TABLE t(a, FOREIGN KEY(a) REFERENCES x(y, z));
         CREATE TABLE t(a REFERENCES x(y, z))",
    );
    both.check_loosely("CREATE TABLE t(a COLLATE nosuch)");
}

#[test]
fn tables_made_of_queries() {
    let both = Both::with(
        "CREATE TABLE t(a INTEGER, b TEXT, c REAL, d BLOB, e NUMERIC); INSERT INTO t VALUES(1, 'x', 2, x'00', 4)",
    );
    both.check(
        "CREATE TABLE u AS SELECT a, b, c, d, e, a + 1, 'lit' AS lit, a FROM t;
         CREATE TABLE w AS SELECT a AS \"select\", b AS \"two words\" FROM t;
         SELECT * FROM u;
         SELECT sql FROM sqlite_schema",
    );
    both.check_files();
}

#[test]
fn indexes_are_built_from_rows() {
    let both = Both::with(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES(3, 'c'), (1, 'a'), (2, 'b'), (NULL, 'd'), (1, 'e')",
    );
    both.check(
        "CREATE UNIQUE INDEX u ON t(a);
         CREATE UNIQUE INDEX u ON t(a, b);
         CREATE INDEX d ON t(a DESC, b);
         CREATE INDEX e ON t(upper(b));
         CREATE INDEX p ON t(b) WHERE a = 1;
         SELECT a FROM t WHERE a = 1",
    );
    both.check_files();
}

#[test]
fn tables_are_altered() {
    let both = Both::with(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT, b UNIQUE, CHECK (a <> 'x'));
         CREATE INDEX i ON t(a) WHERE b > 0;
         CREATE VIEW v AS SELECT t.a, b FROM t WHERE a = 'q';
         CREATE TABLE child(p REFERENCES t(b));
         CREATE TABLE log(a);
         CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO log SELECT NEW.a FROM t WHERE t.id = NEW.id; END;
         INSERT INTO t(a, b) VALUES('one', 1), ('two', 2)",
    );
    both.check(
        "ALTER TABLE t ADD COLUMN c INTEGER DEFAULT 7;
         ALTER TABLE t ADD d;
         ALTER TABLE t ADD COLUMN c;
         ALTER TABLE t ADD COLUMN e NOT NULL;
         ALTER TABLE t ADD COLUMN e UNIQUE;
         ALTER TABLE t ADD COLUMN e PRIMARY KEY;
         ALTER TABLE t ADD COLUMN e DEFAULT (random());
         ALTER TABLE t ADD COLUMN e AS (c + 1);
         SELECT * FROM t;
         INSERT INTO t(a) VALUES('three');
         ALTER TABLE t RENAME COLUMN a TO \"the a\";
         ALTER TABLE t RENAME c TO cc;
         ALTER TABLE t RENAME nothing TO x;
         SELECT sql FROM sqlite_schema;
         ALTER TABLE t RENAME TO renamed;
         ALTER TABLE renamed RENAME TO log;
         SELECT type, name, tbl_name, sql FROM sqlite_schema;
         INSERT INTO renamed(b) VALUES(9);
         SELECT * FROM renamed;
         SELECT * FROM sqlite_sequence;
         ALTER TABLE renamed DROP COLUMN d;
         ALTER TABLE renamed DROP COLUMN e;
         ALTER TABLE renamed DROP COLUMN id;
         ALTER TABLE renamed DROP COLUMN b;
         SELECT * FROM renamed;
         SELECT sql FROM sqlite_schema;
         ALTER TABLE child DROP COLUMN p;
         ALTER TABLE v ADD COLUMN x",
    );
    both.check_files();
}

#[test]
fn upkeep() {
    let both = Both::with(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);
         CREATE INDEX i ON t(a, b);
         CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;
         CREATE TABLE e(x);
         INSERT INTO t(a, b) VALUES(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (NULL, 1);
         INSERT INTO w VALUES('a', 1), ('b', 2)",
    );
    both.check(
        "ANALYZE;
         SELECT * FROM sqlite_stat1 ORDER BY 1, 2;
         DELETE FROM t WHERE a = 2;
         ANALYZE t;
         SELECT * FROM sqlite_stat1 ORDER BY 1, 2;
         DROP TABLE sqlite_stat1;
         DROP TABLE IF EXISTS sqlite_stat4;
         REINDEX;
         REINDEX t;
         REINDEX i;
         REINDEX nocase;
         REINDEX nothing;
         DROP TABLE e;
         PRAGMA user_version = 7;
         VACUUM;
         BEGIN;
         VACUUM;
         COMMIT;
         PRAGMA user_version;
         PRAGMA page_count;
         PRAGMA freelist_count;
         SELECT * FROM t;
         SELECT * FROM w WHERE k = 'b'",
    );
    both.check_files();
}

/// Every way from one page size and auto-vacuum mode to another, in both kinds of journal, with the file going on to be used.
#[test]
fn vacuum_changes_page_size_and_auto_vacuum() {
    let sizes = [512, 4096, 65536];
    for (from, to) in sizes.iter().flat_map(|from| sizes.map(|to| (*from, to))) {
        for (before, after) in [(0, 1), (1, 0), (2, 2), (0, 2), (1, 2)] {
            let both = Both::with(&format!(
                "PRAGMA synchronous = OFF; PRAGMA page_size = {from}; PRAGMA auto_vacuum = {before};
                 CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE INDEX ta ON t(a);
                 INSERT INTO t(a, b) SELECT value, zeroblob(value * 7) FROM (WITH s(value) AS (VALUES(1) UNION ALL SELECT value + 1 FROM s WHERE value < 300) SELECT value FROM s);
                 DELETE FROM t WHERE id % 3 = 0"
            ));
            both.check(&format!(
                "PRAGMA page_size = {to}; PRAGMA auto_vacuum = {after}; PRAGMA page_size; PRAGMA auto_vacuum;
                 VACUUM; PRAGMA page_size; PRAGMA auto_vacuum; PRAGMA freelist_count;
                 SELECT count(*), sum(a), sum(length(b)) FROM t;
                 INSERT INTO t(a, b) SELECT value, zeroblob(value * 9) FROM (WITH s(value) AS (VALUES(1) UNION ALL SELECT value + 1 FROM s WHERE value < 100) SELECT value FROM s);
                 DELETE FROM t WHERE id % 2 = 0;
                 SELECT count(*), sum(a), sum(length(b)) FROM t; PRAGMA integrity_check"
            ));
            both.check_content();
        }
    }
    let both =
        Both::with("PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(9000))");
    both.check("PRAGMA page_size = 1024; PRAGMA auto_vacuum = 1; VACUUM; PRAGMA page_size; PRAGMA auto_vacuum; DELETE FROM t; PRAGMA freelist_count");
    both.check("PRAGMA journal_mode = delete; VACUUM; PRAGMA page_size; PRAGMA page_size = 512; VACUUM; PRAGMA page_size");
    both.check_content();
}

#[test]
fn auto_vacuum_gives_pages_back() {
    for mode in ["full", "incremental"] {
        for journal in ["delete", "wal", "memory"] {
            let both = Both::with(&format!(
                "PRAGMA synchronous = OFF; PRAGMA page_size = 512; PRAGMA auto_vacuum = {mode}; PRAGMA journal_mode = {journal};
                 CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b); CREATE TABLE other(x);
                 INSERT INTO t(a, b) SELECT value, zeroblob(value) FROM (WITH s(value) AS (VALUES(1) UNION ALL SELECT value + 1 FROM s WHERE value < 900) SELECT value FROM s);
                 INSERT INTO other SELECT zeroblob(700) FROM (WITH s(value) AS (VALUES(1) UNION ALL SELECT value + 1 FROM s WHERE value < 50) SELECT value FROM s)"
            ));
            both.check("DELETE FROM t WHERE id BETWEEN 100 AND 700; SELECT count(*) FROM t; PRAGMA freelist_count > 0");
            both.check("PRAGMA incremental_vacuum(3); PRAGMA integrity_check");
            both.check(
                "BEGIN; DROP TABLE other; SAVEPOINT one; PRAGMA incremental_vacuum(5); DELETE FROM t WHERE id % 2; ROLLBACK TO one;
                 INSERT INTO t(b) VALUES(zeroblob(3000)); COMMIT; PRAGMA integrity_check",
            );
            both.check("BEGIN; DELETE FROM t; ROLLBACK; SELECT count(*) FROM t; PRAGMA integrity_check");
            both.check_content();
            // How many pages a tree left free is the engine's affair; that none is left free is not.
            let vacuum = "PRAGMA incremental_vacuum";
            run_ours(&both.ours, vacuum).unwrap();
            run_theirs(&both.theirs, vacuum).unwrap();
            both.check("PRAGMA freelist_count; DELETE FROM t");
            run_ours(&both.ours, vacuum).unwrap();
            run_theirs(&both.theirs, vacuum).unwrap();
            both.check("PRAGMA freelist_count; PRAGMA page_count");
            both.check_content();
        }
    }
}

#[test]
fn auto_vacuum_is_chosen_while_there_are_no_pages() {
    let both = Both::new();
    both.check(
        "PRAGMA auto_vacuum = full; PRAGMA auto_vacuum; PRAGMA page_count; PRAGMA auto_vacuum = incremental; PRAGMA auto_vacuum;
         PRAGMA auto_vacuum = invalid; PRAGMA auto_vacuum; PRAGMA auto_vacuum = 5; PRAGMA auto_vacuum;
         BEGIN; PRAGMA auto_vacuum = 1; PRAGMA auto_vacuum; COMMIT; PRAGMA auto_vacuum;
         CREATE TABLE t(a); PRAGMA auto_vacuum = 0; PRAGMA auto_vacuum; VACUUM; PRAGMA auto_vacuum",
    );
}

#[test]
fn added_columns_are_checked() {
    let both = Both::with("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), ('null!', NULL), (3, 4)");
    both.check(
        "ALTER TABLE t ADD COLUMN c CHECK (a <> 1); ALTER TABLE t ADD COLUMN c CHECK (a <> 2); ALTER TABLE t ADD COLUMN d AS (b + 1) NOT NULL;
         ALTER TABLE t ADD COLUMN d AS (b + 1) NOT NULL CHECK (a <> 1); ALTER TABLE t ADD COLUMN d AS (b + 1) CHECK (d <> 7);
         ALTER TABLE t ADD COLUMN e NOT NULL; ALTER TABLE t ADD COLUMN e NOT NULL DEFAULT 5; SELECT * FROM t; PRAGMA integrity_check",
    );
    both.check_files();
}

#[test]
fn names_in_messages_are_as_written() {
    let both = Both::with(
        "CREATE TABLE t(a); CREATE VIEW v AS SELECT 1; CREATE TRIGGER tr DELETE ON t BEGIN SELECT 1; END",
    );
    both.check(
        "CREATE TABLE \"t\"(b); CREATE TABLE [v](b); CREATE VIEW 't' AS SELECT 2; CREATE TRIGGER \"tr\" DELETE ON t BEGIN SELECT 1; END;
         CREATE TRIGGER x DELETE ON nosuch BEGIN SELECT 1; END; CREATE TEMP TRIGGER x DELETE ON nosuch BEGIN SELECT 1; END;
         CREATE TRIGGER x DELETE ON t BEGIN SELECT ?1; END",
    );
}

#[test]
fn renaming_asks_what_depends_on_a_schema() {
    let both = Both::with(
        "CREATE TABLE t1(a, b); CREATE TABLE t2(c, d); CREATE TABLE log(x);
         CREATE TRIGGER tr AFTER INSERT ON t1 BEGIN INSERT INTO log SELECT c FROM t2; END; CREATE VIEW v AS SELECT a FROM t1",
    );
    both.check(
        "ALTER TABLE t1 RENAME TO u1; SELECT sql FROM sqlite_schema; ALTER TABLE u1 RENAME a TO aa; SELECT * FROM v; DROP TABLE t2;
         ALTER TABLE u1 RENAME TO t1; ALTER TABLE u1 RENAME aa TO a; ALTER TABLE log DROP COLUMN x; CREATE TABLE t2(c);
         CREATE VIEW w AS SELECT nosuch FROM t2; ALTER TABLE u1 RENAME TO t1; DROP VIEW w; ALTER TABLE u1 RENAME TO t1;
         CREATE VIEW w AS SELECT c FROM t2; ALTER TABLE t2 ADD COLUMN e; ALTER TABLE t2 DROP COLUMN c; SELECT sql FROM sqlite_schema;
         CREATE TEMP VIEW tv AS SELECT * FROM gone; ALTER TABLE t2 RENAME TO t3; DROP VIEW tv; ALTER TABLE t2 RENAME TO t3; SELECT sql FROM sqlite_schema",
    );
    both.check_files();
}

#[test]
fn temporary_triggers_follow_their_table() {
    let both = Both::with(
        "CREATE TABLE t(a); CREATE TABLE log(x); CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END;
         CREATE TEMP VIEW tv AS SELECT t.a FROM t",
    );
    both.check(
        "ALTER TABLE t RENAME TO u; INSERT INTO u VALUES (5); SELECT * FROM log; SELECT * FROM tv; SELECT name, tbl_name, sql FROM sqlite_temp_schema;
         DROP TABLE u; SELECT name, tbl_name FROM sqlite_temp_schema; CREATE TABLE u(a); INSERT INTO u VALUES (6); SELECT * FROM log;
         CREATE VIEW v AS SELECT * FROM log; CREATE TEMP TRIGGER vt INSTEAD OF DELETE ON v BEGIN SELECT 1; END; DROP VIEW v;
         SELECT name FROM sqlite_temp_schema",
    );
    both.check_files();
}

#[test]
fn legacy_renaming_leaves_references_alone() {
    let both = Both::with(
        "PRAGMA foreign_keys = off; PRAGMA legacy_alter_table = on; CREATE TABLE t(a PRIMARY KEY, b UNIQUE); CREATE INDEX ti ON t(b); CREATE VIEW v AS SELECT t.a FROM t;
         CREATE TABLE c(x REFERENCES t); CREATE TABLE log(x); CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log SELECT a FROM t; END;
         CREATE TRIGGER other AFTER INSERT ON log BEGIN DELETE FROM t; END",
    );
    both.check("ALTER TABLE t RENAME TO u; SELECT name, tbl_name, sql FROM sqlite_schema; SELECT * FROM v; INSERT INTO u VALUES (1, 2)");
    both.check("PRAGMA foreign_keys = on; ALTER TABLE u RENAME TO t; ALTER TABLE t RENAME TO w; SELECT sql FROM sqlite_schema");
    both.check_files();
}

#[test]
fn views_and_triggers_keep_to_their_database() {
    let both = Both::with(
        "ATTACH ':memory:' AS aux; CREATE TABLE aux.t2(x, y); CREATE TABLE t1(a, b); INSERT INTO aux.t2 VALUES (1, 2)",
    );
    both.check(
        "CREATE VIEW v1 AS SELECT * FROM t1, aux.t2; CREATE VIEW v2 AS WITH v(m, n) AS (SELECT x, y FROM aux.t2) SELECT * FROM t1, v;
         CREATE VIEW v3 AS SELECT a FROM main.t1 WHERE main.t1.a IN (1, t1.b); CREATE VIEW v4 AS SELECT * FROM t1 JOIN (aux.t2) ON 1;
         CREATE VIEW v5 AS SELECT abs(t1.a), t1.b FROM t1 ORDER BY t1.a, t1.b; CREATE TEMP VIEW v6 AS SELECT * FROM t1, aux.t2; SELECT * FROM v6;
         CREATE TRIGGER \"r1\" AFTER INSERT ON t1 BEGIN SELECT x FROM aux.t2; END; CREATE TRIGGER r2 AFTER INSERT ON t1 BEGIN SELECT new.a IN aux.t2; END;
         CREATE TRIGGER r3 AFTER INSERT ON t1 WHEN new.a IN (new.b, 3) BEGIN SELECT b FROM main.t1, t1 AS o WHERE o.a = new.b; END;
         CREATE VIEW aux.v7 AS SELECT * FROM main.t1; CREATE VIEW aux.v8 AS SELECT * FROM aux.t2; SELECT name FROM sqlite_schema",
    );
}

#[test]
fn an_index_may_have_an_empty_name() {
    let both = Both::with("CREATE TABLE t(a, b); CREATE INDEX '' ON t(a); INSERT INTO t VALUES (1, 2)");
    both.check("CREATE INDEX '' ON t(b); SELECT name, tbl_name, sql FROM sqlite_schema; SELECT b FROM t INDEXED BY '' WHERE a = 1; DROP INDEX ''");
    both.check_files();
}

#[test]
fn renaming_says_which_text_cannot_be_read() {
    for text in [
        "CREATE UNIQUE INDEX t00 ON 00(a)",
        "CREATE TABLE u(a",
        "TE TABLE u(a)",
        "SELECT 1",
        "CREATE TABLE u(a) strange",
        "",
    ] {
        let both = Both::with(
            "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); CREATE TABLE u(a); CREATE INDEX ui ON u(a); PRAGMA writable_schema = on",
        );
        both.check(&format!(
            "UPDATE sqlite_schema SET sql = '{text}' WHERE name = 'u'; PRAGMA writable_schema = off; ALTER TABLE t RENAME TO w;
             ALTER TABLE t RENAME COLUMN a TO c; ALTER TABLE t DROP COLUMN b; PRAGMA writable_schema = on;
             UPDATE sqlite_schema SET sql = '{text}' WHERE name = 'ui'; UPDATE sqlite_schema SET sql = 'CREATE TABLE u(a)' WHERE name = 'u';
             PRAGMA writable_schema = off; ALTER TABLE t RENAME COLUMN a TO c; ALTER TABLE t DROP COLUMN b"
        ));
    }
}

#[test]
fn what_cannot_be_attached_is_told_with_its_code() {
    let both = Both::new();
    both.check("ATTACH '/no such folder/x.db' AS a; ATTACH '/' AS b");
    both.check("PRAGMA synchronous = e; PRAGMA synchronous; PRAGMA synchronous = 'extra'; PRAGMA synchronous; PRAGMA synchronous = 0; PRAGMA synchronous");
}

#[test]
fn a_column_that_a_trigger_cannot_set_is_no_matter_to_renaming() {
    let both = Both::with(
        "CREATE TABLE t1(x); CREATE TABLE t2(y); CREATE TABLE t3(z); CREATE TRIGGER r1 INSERT ON t1 BEGIN UPDATE t1 SET d = 'xyz' FROM t2, t3; END",
    );
    both.check("ALTER TABLE t3 RENAME TO t5; SELECT sql FROM sqlite_schema; INSERT INTO t1 VALUES (1)");
}
