//! Triggers and foreign keys.

use super::both::Both;

#[test]
fn triggers_before_and_after() {
    let both = Both::with(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);
         CREATE TABLE log(n INTEGER PRIMARY KEY, what, x, y);
         CREATE TRIGGER bi BEFORE INSERT ON t BEGIN INSERT INTO log(what, x, y) VALUES('bi', NEW.id, NEW.a); END;
         CREATE TRIGGER ai AFTER INSERT ON t BEGIN INSERT INTO log(what, x, y) VALUES('ai', NEW.id, NEW.a); END;
         CREATE TRIGGER bu BEFORE UPDATE ON t BEGIN INSERT INTO log(what, x, y) VALUES('bu', OLD.a, NEW.a); END;
         CREATE TRIGGER au AFTER UPDATE OF a ON t WHEN NEW.a > 5 BEGIN INSERT INTO log(what, x, y) VALUES('au', OLD.a, NEW.a); END;
         CREATE TRIGGER bd BEFORE DELETE ON t BEGIN INSERT INTO log(what, x, y) VALUES('bd', OLD.id, OLD.a); END;
         CREATE TRIGGER ad AFTER DELETE ON t BEGIN INSERT INTO log(what, x, y) VALUES('ad', OLD.rowid, (SELECT count(*) FROM t)); END",
    );
    both.check(
        "INSERT INTO t(a, b) VALUES(1, 1), (2, 2);
         INSERT INTO t VALUES(10, 3, 3) RETURNING id;
         UPDATE t SET a = a + 4;
         UPDATE t SET b = 0;
         INSERT OR REPLACE INTO t VALUES(10, 9, 9);
         INSERT INTO t VALUES(10, 7, 7) ON CONFLICT DO UPDATE SET a = excluded.a;
         DELETE FROM t WHERE id < 3;
         SELECT * FROM log;
         SELECT * FROM t;
         DELETE FROM t;
         DROP TRIGGER bi;
         DROP TRIGGER nothing;
         INSERT INTO t(a) VALUES(1);
         SELECT count(*) FROM log",
    );
    both.check_files();
}

#[test]
fn raise() {
    let both = Both::with(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a);
         CREATE TRIGGER i BEFORE INSERT ON t BEGIN
            SELECT CASE NEW.a WHEN 1 THEN RAISE(IGNORE) WHEN 2 THEN RAISE(ABORT, 'abort!') WHEN 3 THEN RAISE(FAIL, 'fail!')
                WHEN 4 THEN RAISE(ROLLBACK, 'rollback!') END; END",
    );
    both.check(
        "INSERT INTO t(a) VALUES(0), (1), (0);
         INSERT INTO t(a) VALUES(0), (2), (0);
         INSERT INTO t(a) VALUES(0), (3), (0);
         BEGIN;
         INSERT INTO t(a) VALUES(0), (4), (0);
         SELECT * FROM t",
    );
    both.check_files();
}

#[test]
fn recursion_is_a_setting() {
    for recursive in ["OFF", "ON"] {
        let both = Both::with(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE);
             CREATE TABLE gone(a);
             CREATE TRIGGER r AFTER INSERT ON t WHEN NEW.a < 5 BEGIN INSERT INTO t(a) VALUES(NEW.a + 1); END;
             CREATE TRIGGER d AFTER DELETE ON t BEGIN INSERT INTO gone VALUES(OLD.a); END",
        );
        both.check(&format!(
            "PRAGMA recursive_triggers = {recursive};
             INSERT INTO t(a) VALUES(1);
             SELECT * FROM t;
             INSERT OR REPLACE INTO t VALUES(1, 2);
             SELECT * FROM t;
             SELECT * FROM gone"
        ));
        both.check_files();
    }
}

/// What a trigger does to a row that REPLACE removes, while the new one waits: it may put another in the way, on any key.
#[test]
fn replacing_with_triggers_that_write_the_same_table() {
    let tables = [
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b, c)",
        "CREATE TABLE t(id PRIMARY KEY, a UNIQUE, b, c) WITHOUT ROWID",
        "CREATE TABLE t(id, a UNIQUE ON CONFLICT REPLACE, b UNIQUE ON CONFLICT IGNORE, c)",
    ];
    let triggers = [
        "AFTER DELETE ON t BEGIN INSERT INTO t VALUES(OLD.id, 77, 77, 1); END",
        "AFTER DELETE ON t BEGIN INSERT INTO t VALUES(OLD.id + 40, OLD.a, 78, 1); END",
        "AFTER DELETE ON t BEGIN INSERT OR IGNORE INTO t VALUES(OLD.id + 40, OLD.a + 40, OLD.b, OLD.c); END",
        "BEFORE DELETE ON t BEGIN DELETE FROM t WHERE a = OLD.a + 1; END",
        "BEFORE DELETE ON t BEGIN UPDATE t SET a = a + 50 WHERE id = OLD.id; END",
        "AFTER DELETE ON t BEGIN UPDATE t SET c = OLD.b WHERE c IS NOT OLD.b; END",
        "BEFORE DELETE ON t WHEN OLD.a = 2 BEGIN SELECT RAISE(IGNORE); END",
    ];
    let statements = [
        "INSERT OR REPLACE INTO t VALUES(1, 2, 3, 0)",
        "INSERT OR REPLACE INTO t VALUES(9, 2, 3, 0), (2, 9, 9, 0)",
        "INSERT INTO t VALUES(8, 1, 8, 0)",
        "INSERT INTO t VALUES(8, 1, 4, 0)",
        "UPDATE OR REPLACE t SET a = 3 WHERE id = 2",
        "UPDATE OR REPLACE t SET id = 1, a = 4 WHERE id = 3",
        "UPDATE OR REPLACE t SET a = a + 1",
        "DELETE FROM t WHERE id < 3 RETURNING *",
        "DELETE FROM t",
    ];
    for table in tables {
        for trigger in triggers {
            for statement in statements {
                let both = Both::with(&format!(
                    "PRAGMA synchronous = OFF; PRAGMA recursive_triggers = ON; {table}; CREATE INDEX tb ON t(c);
                     INSERT INTO t VALUES(1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3, 3), (4, 4, 4, 4);
                     CREATE TABLE gone(a, b)"
                ));
                both.check(
                    "CREATE TRIGGER g AFTER DELETE ON t BEGIN INSERT INTO gone VALUES(OLD.a, OLD.b); END",
                );
                both.check(&format!("CREATE TRIGGER r {trigger}"));
                both.check(statement);
                both.check("SELECT * FROM t ORDER BY 1, 2; SELECT * FROM gone; PRAGMA integrity_check");
                both.check_files();
            }
        }
    }
}

#[test]
fn triggers_that_change_their_own_row() {
    let both = Both::with(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);
         INSERT INTO t VALUES(1, 1, 1), (2, 2, 2), (3, 3, 3);
         CREATE TRIGGER u BEFORE UPDATE OF a ON t BEGIN UPDATE t SET b = b + 100 WHERE id = NEW.id; DELETE FROM t WHERE id = NEW.id AND NEW.a = 12; END",
    );
    both.check("UPDATE t SET a = a + 10; SELECT * FROM t");
    both.check_files();
}

const FAMILY: &str = "PRAGMA foreign_keys = ON;
    CREATE TABLE parent(id INTEGER PRIMARY KEY, code TEXT UNIQUE, x, y, UNIQUE(x, y))";

#[test]
fn children_need_parents() {
    let both = Both::with(FAMILY);
    both.check(
        "CREATE TABLE child(a REFERENCES parent, b REFERENCES parent(code), c, d, FOREIGN KEY(c, d) REFERENCES parent(x, y));
         INSERT INTO parent VALUES(1, 'one', 10, 20), (2, '2', 11, 21);
         INSERT INTO child VALUES(1, 'one', 10, 20), (NULL, NULL, NULL, 5);
         INSERT INTO child(a) VALUES(3);
         INSERT INTO child(b) VALUES(2);
         INSERT INTO child(b) VALUES('three');
         INSERT INTO child(c, d) VALUES(10, 21);
         UPDATE child SET a = 2 WHERE a = 1;
         UPDATE child SET a = 3 WHERE a = 2;
         DELETE FROM parent WHERE id = 1;
         DELETE FROM parent WHERE id = 2;
         UPDATE parent SET id = 5 WHERE id = 2;
         UPDATE parent SET id = 6 WHERE id = 1;
         INSERT OR REPLACE INTO parent VALUES(2, 'two', 1, 1);
         INSERT OR IGNORE INTO child(a) VALUES(99);
         SELECT * FROM child;
         SELECT * FROM parent",
    );
    both.check_files();
}

#[test]
fn actions() {
    for (delete, update) in [
        ("CASCADE", "CASCADE"),
        ("SET NULL", "SET NULL"),
        ("SET DEFAULT", "SET DEFAULT"),
        ("RESTRICT", "RESTRICT"),
        ("NO ACTION", "NO ACTION"),
        ("CASCADE", "RESTRICT"),
    ] {
        let both = Both::with(FAMILY);
        both.check(&format!(
            "CREATE TABLE child(n INTEGER PRIMARY KEY, p DEFAULT 7 REFERENCES parent(id) ON DELETE {delete} ON UPDATE {update});
             CREATE TABLE grandchild(c REFERENCES child(n) ON DELETE CASCADE);
             CREATE INDEX i ON child(p);
             INSERT INTO parent(id) VALUES(1), (2), (3), (7);
             INSERT INTO child VALUES(1, 1), (2, 2), (3, 2), (4, 3);
             INSERT INTO grandchild VALUES(1), (2), (4)"
        ));
        both.check_loosely(
            "DELETE FROM parent WHERE id = 1;
             UPDATE parent SET id = 20 WHERE id = 2;
             UPDATE parent SET id = id WHERE id = 3;
             DELETE FROM parent WHERE id = 7;
             DELETE FROM parent",
        );
        both.check("SELECT * FROM child; SELECT * FROM grandchild; SELECT * FROM parent");
        both.check_files();
    }
}

#[test]
fn deferred_keys() {
    let both = Both::with(FAMILY);
    both.check(
        "CREATE TABLE child(p REFERENCES parent DEFERRABLE INITIALLY DEFERRED, q REFERENCES parent);
         INSERT INTO child(p) VALUES(1);
         BEGIN;
         INSERT INTO child(p) VALUES(1);
         COMMIT;
         INSERT INTO parent(id) VALUES(1);
         COMMIT;
         BEGIN;
         DELETE FROM parent;
         SAVEPOINT s;
         INSERT INTO child(q) VALUES(1);
         COMMIT;
         ROLLBACK;
         PRAGMA defer_foreign_keys = ON;
         BEGIN;
         PRAGMA defer_foreign_keys = ON;
         INSERT INTO child(q) VALUES(5);
         INSERT INTO parent(id) VALUES(5);
         COMMIT;
         SELECT * FROM child;
         SELECT * FROM parent",
    );
    both.check_files();
}

#[test]
fn keys_that_refer_to_their_own_table() {
    let both = Both::with(
        "PRAGMA foreign_keys = ON; CREATE TABLE t(id INTEGER PRIMARY KEY, up REFERENCES t ON DELETE CASCADE)",
    );
    both.check(
        "INSERT INTO t VALUES(1, 1), (2, 1), (3, 2), (4, 3), (5, NULL);
         INSERT INTO t VALUES(6, 7), (7, 6);
         INSERT INTO t VALUES(8, 9);
         DELETE FROM t WHERE id = 2;
         SELECT * FROM t",
    );
    both.check_files();
}

#[test]
fn keys_that_do_not_fit() {
    let both =
        Both::with("PRAGMA foreign_keys = ON; CREATE TABLE p(a, b UNIQUE); INSERT INTO p VALUES(1, 1)");
    both.check(
        "CREATE TABLE c1(x REFERENCES p(a));
         CREATE TABLE c2(x REFERENCES nowhere);
         CREATE TABLE c3(x REFERENCES p);
         INSERT INTO c1 VALUES(1);
         INSERT INTO c2 VALUES(1);
         INSERT INTO c3 VALUES(1);
         DELETE FROM p",
    );
}
