//! INSERT, UPDATE, DELETE and their conflict clauses.

use super::both::Both;

#[test]
fn rows_go_in_and_come_out() {
    let both = Both::with("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b REAL, c)");
    both.check(
        "INSERT INTO t VALUES(1, 'one', 1, x'01'), (2, 2, '2.5', NULL);
         INSERT INTO t(a) VALUES('three');
         INSERT INTO t(rowid, b) VALUES(10, 7);
         INSERT INTO t DEFAULT VALUES;
         SELECT * FROM t;
         SELECT rowid, typeof(a), typeof(b) FROM t;
         INSERT INTO t(id) VALUES('x');
         INSERT INTO t(id) VALUES('12');
         INSERT INTO t(id) VALUES(13.0);
         INSERT INTO t(id) VALUES(13.5);
         SELECT id FROM t",
    );
    both.check_files();
}

#[test]
fn uniqueness_and_conflict_clauses() {
    for or in [
        "",
        "OR IGNORE",
        "OR REPLACE",
        "OR FAIL",
        "OR ABORT",
        "OR ROLLBACK",
    ] {
        let both = Both::with(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b UNIQUE, c NOT NULL DEFAULT 'd', CHECK(c <> 'bad'));
             INSERT INTO t VALUES(1, 10, 100, 'x'), (2, 20, 200, 'y'), (3, 30, 300, 'z')",
        );
        both.check(&format!(
            "INSERT {or} INTO t VALUES(4, 40, 400, 'w'), (1, 50, 500, 'v'), (5, 60, 600, 'u');
             SELECT * FROM t;
             INSERT {or} INTO t VALUES(6, 10, 200, 'v');
             SELECT * FROM t;
             INSERT {or} INTO t VALUES(7, 70, 700, NULL);
             INSERT {or} INTO t VALUES(8, 80, 800, 'bad');
             SELECT * FROM t;
             UPDATE {or} t SET a = 20 WHERE id <> 2;
             SELECT * FROM t;
             UPDATE {or} t SET id = id + 1;
             SELECT * FROM t;
             UPDATE {or} t SET c = NULL;
             SELECT * FROM t;
             UPDATE {or} t SET c = 'bad' WHERE id > 1;
             SELECT * FROM t"
        ));
        both.check_files();
    }
}

#[test]
fn conflict_clauses_of_constraints() {
    let both = Both::with(
        "CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a UNIQUE ON CONFLICT IGNORE,
            b NOT NULL ON CONFLICT REPLACE DEFAULT 5, c NOT NULL ON CONFLICT IGNORE, UNIQUE(b, c) ON CONFLICT FAIL)",
    );
    both.check(
        "INSERT INTO t VALUES(1, 1, 1, 1), (2, 2, 2, 2);
         INSERT INTO t VALUES(1, 3, 3, 3);
         INSERT INTO t VALUES(3, 2, 4, 4);
         INSERT INTO t VALUES(4, 4, NULL, 4);
         INSERT INTO t VALUES(5, 5, 5, NULL);
         INSERT INTO t VALUES(6, 6, 6, 6), (7, 7, 6, 6), (8, 8, 8, 8);
         SELECT * FROM t",
    );
    both.check_files();
}

#[test]
fn upserts() {
    let both = Both::with(
        "CREATE TABLE t(k TEXT PRIMARY KEY, n INTEGER DEFAULT 1, u UNIQUE);
         INSERT INTO t VALUES('a', 1, 1), ('b', 2, 2)",
    );
    both.check(
        "INSERT INTO t(k) VALUES('a') ON CONFLICT(k) DO UPDATE SET n = n + 1;
         INSERT INTO t VALUES('b', 7, 9) ON CONFLICT(k) DO UPDATE SET n = excluded.n, u = excluded.u WHERE t.n < excluded.n;
         INSERT INTO t VALUES('c', 7, 9) ON CONFLICT DO NOTHING;
         INSERT INTO t VALUES('c', 7, 9) ON CONFLICT(k) DO NOTHING;
         INSERT INTO t VALUES('d', 8, 1) ON CONFLICT(u) DO UPDATE SET k = 'd' ON CONFLICT(k) DO NOTHING RETURNING *;
         SELECT * FROM t",
    );
    both.check_files();
}

#[test]
fn returning() {
    let both = Both::with("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b AS (a * 2), c AS (a + 1) STORED)");
    both.check(
        "INSERT INTO t(a) VALUES(1), (2), (3) RETURNING id, a, b, c, rowid AS r;
         UPDATE t SET a = a + 10 WHERE id > 1 RETURNING *;
         DELETE FROM t WHERE a > 11 RETURNING id, b;
         SELECT * FROM t",
    );
    both.check_files();
}

#[test]
fn without_rowid() {
    let both = Both::with(
        "CREATE TABLE t(a, b TEXT COLLATE NOCASE, c, d UNIQUE, PRIMARY KEY(b, a DESC)) WITHOUT ROWID;
         CREATE INDEX i ON t(c)",
    );
    both.check(
        "INSERT INTO t VALUES(1, 'x', 'one', 1), (2, 'X', 'two', 2), (1, 'y', 'three', 3);
         INSERT INTO t VALUES(1, 'X', 'four', 4);
         INSERT INTO t VALUES(9, 'z', 'five', 1);
         INSERT INTO t VALUES(NULL, 'z', 'five', 9);
         INSERT OR REPLACE INTO t VALUES(5, 'q', 'six', 3);
         UPDATE t SET a = a + 1;
         UPDATE t SET c = c || '!' WHERE a = 2;
         SELECT * FROM t;
         DELETE FROM t WHERE b = 'X';
         SELECT * FROM t",
    );
    both.check_files();
}

#[test]
fn autoincrement() {
    let both = Both::with("CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a)");
    both.check(
        "INSERT INTO t(a) VALUES(1), (2);
         DELETE FROM t;
         INSERT INTO t(a) VALUES(3);
         INSERT INTO t VALUES(100, 4);
         INSERT INTO t(a) VALUES(5);
         SELECT * FROM t;
         SELECT * FROM sqlite_sequence;
         UPDATE sqlite_sequence SET seq = 500;
         INSERT INTO t(a) VALUES(6);
         INSERT INTO t VALUES(9223372036854775807, 7);
         INSERT INTO t(a) VALUES(8);
         SELECT * FROM t",
    );
    both.check_files();
}

#[test]
fn strict_tables() {
    let both =
        Both::with("CREATE TABLE t(id INTEGER PRIMARY KEY, i INT, r REAL, s TEXT, b BLOB, a ANY) STRICT");
    both.check(
        "INSERT INTO t VALUES(1, '12', 3, 45, x'00', '007');
         INSERT INTO t(i) VALUES('x');
         INSERT INTO t(i) VALUES(1.5);
         INSERT INTO t(r) VALUES('abc');
         INSERT INTO t(s) VALUES(x'00');
         INSERT INTO t(b) VALUES('text');
         UPDATE t SET b = 5;
         SELECT *, typeof(i), typeof(r), typeof(s), typeof(b), typeof(a) FROM t",
    );
    both.check_files();
}

#[test]
fn generated_columns() {
    let both = Both::with(
        "CREATE TABLE t(a INTEGER, b AS (a + c) STORED, c AS (a * 2), d NOT NULL AS (nullif(a, 5)), CHECK(b < 100));
         CREATE INDEX i ON t(c);
         CREATE UNIQUE INDEX j ON t(b)",
    );
    both.check(
        "INSERT INTO t(a) VALUES(1), (2), (3);
         INSERT INTO t(a) VALUES(1);
         INSERT INTO t(a) VALUES(5);
         INSERT INTO t(a) VALUES(50);
         UPDATE t SET a = a * 10 WHERE a > 2;
         UPDATE t SET b = 1;
         INSERT INTO t(b) VALUES(1);
         SELECT * FROM t;
         SELECT a FROM t WHERE c = 4",
    );
    both.check_files();
}

#[test]
fn partial_and_expression_indexes() {
    let both = Both::with(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);
         CREATE UNIQUE INDEX i ON t(a) WHERE b > 0;
         CREATE UNIQUE INDEX j ON t(lower(a), b + 1)",
    );
    both.check(
        "INSERT INTO t VALUES(1, 'x', 1), (2, 'x', 0), (3, 'Y', -1);
         INSERT INTO t VALUES(4, 'x', 2);
         INSERT INTO t VALUES(5, 'y', -1);
         UPDATE t SET b = 5 WHERE id = 2;
         UPDATE t SET a = 'z', b = b + 1;
         DELETE FROM t WHERE id = 1;
         INSERT OR REPLACE INTO t VALUES(9, 'Z', 0);
         SELECT * FROM t",
    );
    both.check_files();
}

#[test]
fn a_statement_reads_what_it_changes() {
    let both =
        Both::with("CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES(1, 5), (2, 6), (3, 7)");
    both.check(
        "INSERT INTO t SELECT id + 10, a FROM t;
         INSERT INTO t(a) SELECT max(a) FROM t;
         UPDATE t SET a = (SELECT max(a) FROM t) + 1 WHERE id < 3;
         DELETE FROM t WHERE a > (SELECT avg(a) FROM t);
         UPDATE OR REPLACE t SET id = id + 1;
         SELECT * FROM t;
         DELETE FROM t;
         SELECT count(*) FROM t",
    );
    both.check_files();
}

#[test]
fn replace_and_what_its_triggers_do() {
    let both = Both::with(
        "PRAGMA recursive_triggers = on;
         CREATE TABLE t0(c0 UNIQUE, c1); INSERT INTO t0 VALUES (123, 1), (4, 5);
         CREATE TRIGGER tr0 AFTER DELETE ON t0 WHEN old.c0 = 123 BEGIN INSERT INTO t0 VALUES (123, 2); END;
         CREATE TABLE t1(a INTEGER PRIMARY KEY, b); CREATE INDEX t1b ON t1(b); INSERT INTO t1 VALUES (1, 'one'), (2, 'two');
         CREATE TRIGGER tr1 AFTER DELETE ON t1 WHEN old.a = 1 BEGIN INSERT INTO t1 VALUES (1, 'three'); END;
         CREATE TABLE t2(aa, bb); CREATE UNIQUE INDEX t2bb ON t2(bb); INSERT INTO t2 VALUES (10, 20);
         CREATE TRIGGER tr2 BEFORE DELETE ON t2 BEGIN INSERT INTO t2 VALUES (99, 1); END;
         CREATE TABLE t3(a PRIMARY KEY, b UNIQUE, c UNIQUE) WITHOUT ROWID; INSERT INTO t3 VALUES (1, 1, 1), (2, 2, 2);
         CREATE TRIGGER tr3 AFTER DELETE ON t3 BEGIN DELETE FROM t3; END",
    );
    both.check(
        "REPLACE INTO t0 VALUES (123, 3); REPLACE INTO t0 VALUES (4, 6); UPDATE OR REPLACE t0 SET c0 = 4 WHERE c0 = 123;
         REPLACE INTO t1 VALUES (1, 'x'); REPLACE INTO t1 VALUES (2, 'y');
         REPLACE INTO t2 VALUES (30, 20);
         SELECT * FROM t0; SELECT * FROM t1; SELECT * FROM t2",
    );
    // How many rows the failing trigger had counted is not the same.
    both.check_loosely("UPDATE OR REPLACE t3 SET c = 0; SELECT * FROM t3");
    both.check_files();
}

#[test]
fn keys_that_change_in_case_only() {
    let both = Both::with(
        "CREATE TABLE t(a COLLATE nocase PRIMARY KEY, b UNIQUE) WITHOUT ROWID; INSERT INTO t VALUES ('abc', 'def'), ('x', 'y')",
    );
    both.check("UPDATE t SET a = 'ABC' WHERE a = 'abc'; UPDATE t SET a = upper(a), b = upper(b); UPDATE t SET a = 'abc'; SELECT * FROM t");
    both.check_files();
}

#[test]
fn update_from_changes_a_row_once() {
    let both = Both::with(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE log(x); INSERT INTO t VALUES (1, 'i'), (2, 'ii'), (3, 'iii');
         CREATE TABLE s(k, v); INSERT INTO s VALUES (3, 'x'), (3, 'y'), (1, 'z'), (1, 'w');
         CREATE TRIGGER tr AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (old.b || new.b); END",
    );
    both.check(
        "UPDATE t SET b = v FROM s WHERE k = a; SELECT * FROM t; SELECT * FROM log;
         UPDATE t SET b = 1 FROM t; UPDATE t AS u SET b = u.a FROM t WHERE t.a = 3 AND u.a < 3; UPDATE t SET b = 1 FROM s, T; SELECT * FROM t",
    );
}

#[test]
fn counted_changes() {
    let both = Both::with("CREATE TABLE t(a UNIQUE, b DEFAULT 0); PRAGMA count_changes = on");
    both.check(
        "INSERT INTO t(a) VALUES (1), (2), (3); INSERT INTO t(a) VALUES (1), (5) ON CONFLICT (a) DO UPDATE SET b = b + 1;
         INSERT OR IGNORE INTO t(a) VALUES (1), (9); UPDATE t SET b = 3 WHERE a > 1; DELETE FROM t WHERE a = 9; DELETE FROM t;
         INSERT INTO t(a) VALUES (7) RETURNING a; PRAGMA count_changes = off; INSERT INTO t(a) VALUES (8)",
    );
}

/// Columns that are changed where they lie: values of every length and class, constraints, and rows that are shorter than the table.
#[test]
fn columns_are_changed_in_place() {
    for encoding in ["UTF-8", "UTF-16le"] {
        let both = Both::with(&format!(
            "PRAGMA encoding = '{encoding}';
             CREATE TABLE t(id INTEGER PRIMARY KEY, a, i INT, r REAL, s TEXT, n NUMERIC);
             WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 2000)
             INSERT INTO t(a, i, r, s, n) SELECT x, x * 7, x / 4.0, 'text ' || x, x / 2.0 FROM c;
             CREATE INDEX t_i ON t(i);
             CREATE INDEX t_s ON t(s DESC, n, i);
             CREATE INDEX t_r ON t(r COLLATE NOCASE, s);
             CREATE TABLE other(x);
             ALTER TABLE t ADD COLUMN late DEFAULT 'later'"
        ));
        both.check(
            "UPDATE t SET r = r + 1;
             SELECT sum(r), count(*), typeof(r) FROM t GROUP BY typeof(r);
             UPDATE t SET a = 'much longer than it was before, and longer ' || id WHERE id % 3 = 0;
             UPDATE t SET a = NULL WHERE id % 5 = 0;
             UPDATE t SET s = s || s, n = s, r = 5 WHERE id BETWEEN 100 AND 900;
             UPDATE t SET n = '12.0', a = s, s = 17;
             UPDATE t SET n = 9007199254740993, r = 9007199254740993 WHERE id > 1500;
             UPDATE t SET n = x'00ff', s = x'00ff', r = 'text' WHERE id < 20;
             UPDATE t SET late = id WHERE id % 2;
             UPDATE t SET late = NULL WHERE id % 4 = 1;
             UPDATE t SET s = late, late = s;
             UPDATE t SET a = zeroblob(5000) WHERE id IN (3, 700, 1999, 5000);
             UPDATE t SET a = 1 WHERE id = 700;
             UPDATE t SET s = 'gone' WHERE id = 5000;
             UPDATE OR IGNORE t SET a = (SELECT count(*) FROM t) WHERE id = 4;
             SELECT * FROM t WHERE id % 50 = 3 OR id IN (700, 1999);
             BEGIN;
             UPDATE t SET a = 0, s = 'rolled back';
             SAVEPOINT p;
             UPDATE t SET a = a + 1, late = 'p' WHERE id > 1000;
             ROLLBACK TO p;
             SELECT count(*), sum(a), max(late) FROM t;
             ROLLBACK;
             SELECT count(*), sum(a), max(late) FROM t;
             ALTER TABLE t ADD COLUMN m1 REAL DEFAULT 3;
             ALTER TABLE t ADD COLUMN m2;
             ALTER TABLE t ADD COLUMN m3 TEXT DEFAULT 'größer' CHECK (m3 <> 'x');
             UPDATE t SET m2 = id WHERE id % 7 = 3;
             UPDATE t SET a = 5 WHERE id % 3 = 0;
             SELECT sum(m1), sum(m2), max(m3), typeof(m1) FROM t;
             UPDATE t SET m3 = m3 || id, late = 'again' WHERE id % 2;
             UPDATE t SET m1 = id;
             UPDATE OR FAIL t SET m3 = CASE id WHEN 1500 THEN 'x' END;
             SELECT id, typeof(m1), m1, m2, m3, late FROM t WHERE id % 50 < 9;
             UPDATE t SET i = i + 1;
             UPDATE t SET i = i, r = 7.25, s = 'ä' || i WHERE id % 2;
             UPDATE OR FAIL t SET s = s || 'x', m1 = id, m3 = CASE id WHEN 900 THEN 'x' ELSE 'y' END;
             SELECT id, i, r, s FROM t WHERE i BETWEEN 700 AND 800 ORDER BY i;
             SELECT count(*), min(s), max(s) FROM t WHERE s >= 'ä';
             SELECT sum(id) FROM t WHERE r = 7.25 AND s > 'ä5';
             CREATE TRIGGER moves AFTER INSERT ON other BEGIN
                 UPDATE t SET i = i + new.x, s = 'moved' WHERE id < 1000;
             END;
             INSERT INTO other VALUES (100), (1000);
             SELECT count(*), sum(i) FROM t WHERE s = 'moved';
             SELECT sum(id) FROM t WHERE i > 2000;
             BEGIN;
             UPDATE t SET s = NULL, i = -i;
             SELECT count(*) FROM t WHERE s IS NULL AND i < 0;
             ROLLBACK;
             SELECT count(*) FROM t WHERE s IS NULL OR i < 0;
             PRAGMA integrity_check",
        );
        both.check_files();
    }
}

#[test]
fn constraints_on_columns_that_are_changed_in_place() {
    let both = Both::with(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a INT NOT NULL DEFAULT 7, b INT CHECK (b < 100 OR a > b), c TEXT);
         CREATE TABLE s(id INTEGER PRIMARY KEY, a INT, b TEXT) STRICT;
         WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 90)
         INSERT INTO t SELECT x, x, x, 'c' || x FROM c;
         INSERT INTO s VALUES(1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')",
    );
    both.check(
        "UPDATE t SET a = NULL WHERE id > 5;
         UPDATE OR IGNORE t SET a = nullif(a, 6);
         UPDATE OR REPLACE t SET a = nullif(a % 4, 0) WHERE id < 30;
         SELECT sum(a), count(*) FROM t;
         UPDATE OR FAIL t SET b = b + 20, c = 'failed';
         SELECT count(*) FROM t WHERE c = 'failed';
         UPDATE OR IGNORE t SET b = b + 20, c = 'ignored';
         SELECT count(*), sum(b) FROM t WHERE c = 'ignored';
         UPDATE t SET b = b + 20;
         BEGIN;
         UPDATE OR ROLLBACK t SET b = 1000, a = 1;
         SELECT sum(b) FROM t;
         UPDATE s SET a = a + 0.0;
         UPDATE s SET a = 'x';
         UPDATE OR FAIL s SET b = CASE id WHEN 2 THEN x'00' ELSE 'new' END;
         SELECT * FROM s",
    );
    both.check_files();
}
