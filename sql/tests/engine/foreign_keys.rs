//! Foreign keys: collations of the parent, tables that are dropped, keys that do not fit.

use super::both::Both;

#[test]
fn the_parents_collation_and_affinity_decide() {
    let both = Both::with(
        "PRAGMA foreign_keys = on;
         CREATE TABLE p(a COLLATE nocase PRIMARY KEY, i INTEGER UNIQUE); CREATE TABLE c(b REFERENCES p); CREATE TABLE d(t TEXT REFERENCES p(i));
         CREATE TABLE u(b REFERENCES p ON UPDATE CASCADE);
         INSERT INTO p VALUES ('oNe', 1), ('two', 2); INSERT INTO c VALUES ('one'), ('ONE'); INSERT INTO d VALUES ('1'), ('2.0')",
    );
    both.check(
        "UPDATE c SET b = 'OnE'; UPDATE p SET a = 'ONE' WHERE i = 1; UPDATE c SET b = 'three'; DELETE FROM p WHERE i = 1;
         DELETE FROM p WHERE i = 2; UPDATE p SET i = 7 WHERE i = 2; INSERT INTO d VALUES ('3'); DELETE FROM d;
         INSERT INTO u VALUES ('TWO'); UPDATE p SET a = 'Two' WHERE i = 2; SELECT * FROM u; UPDATE p SET a = 'x' WHERE i = 2;
         SELECT * FROM u; SELECT * FROM c; SELECT * FROM p; PRAGMA foreign_key_check",
    );
}

#[test]
fn dropping_a_parent_deletes_its_rows_first() {
    let both = Both::with(
        "PRAGMA foreign_keys = on;
         CREATE TABLE p(a, b, PRIMARY KEY (a, b));
         CREATE TABLE c1(c, d, FOREIGN KEY (c, d) REFERENCES p ON DELETE SET NULL);
         CREATE TABLE c3(c, d, FOREIGN KEY (c, d) REFERENCES p ON DELETE CASCADE);
         CREATE TABLE c5(c, d, FOREIGN KEY (c, d) REFERENCES p);
         CREATE TABLE c7(c, d, FOREIGN KEY (c, d) REFERENCES p DEFERRABLE INITIALLY DEFERRED);
         CREATE TABLE log(x); CREATE TRIGGER pd AFTER DELETE ON p BEGIN INSERT INTO log VALUES (old.a); END;
         INSERT INTO p VALUES ('a', 'b'); INSERT INTO c1 VALUES ('a', 'b'); INSERT INTO c3 VALUES ('a', 'b'); INSERT INTO c5 VALUES ('a', 'b')",
    );
    both.check(
        "DROP TABLE p; SELECT * FROM p; DELETE FROM c5; BEGIN; DROP TABLE p; SELECT * FROM c1; SELECT * FROM c3; ROLLBACK; SELECT * FROM c3;
         INSERT INTO c7 VALUES ('a', 'b'); BEGIN; DROP TABLE p; COMMIT",
    );
    both.check(
        "CREATE TABLE p(a, b, PRIMARY KEY (a, b)); COMMIT; INSERT INTO p VALUES ('a', 'b'); COMMIT; SELECT * FROM log;
         BEGIN; PRAGMA defer_foreign_keys = on; DELETE FROM p; DROP TABLE c7; COMMIT; DROP TABLE p; SELECT * FROM c1; SELECT * FROM c3",
    );
    both.check_files();
}

#[test]
fn restrict_waits_when_all_keys_are_deferred() {
    let both = Both::with(
        "PRAGMA foreign_keys = on; CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(x REFERENCES p ON DELETE RESTRICT ON UPDATE RESTRICT);
         INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1)",
    );
    both.check(
        "BEGIN; UPDATE p SET a = a - 1; PRAGMA defer_foreign_keys = on; UPDATE p SET a = a - 1; COMMIT;
         BEGIN; PRAGMA defer_foreign_keys = on; UPDATE p SET a = a - 1; COMMIT; ROLLBACK; SELECT * FROM p",
    );
}

#[test]
fn keys_that_do_not_fit() {
    let both = Both::with(
        "PRAGMA foreign_keys = on;
         CREATE TABLE p2(a, b); CREATE TABLE c2(c, d REFERENCES p2(a)); CREATE TABLE c1(c REFERENCES nosuch, d);
         CREATE TABLE p3(a PRIMARY KEY); CREATE TABLE c3(c, d REFERENCES p3(a) DEFERRABLE INITIALLY DEFERRED); CREATE UNIQUE INDEX p3i ON p3(a);
         CREATE TABLE p4(a); CREATE TABLE c4(d REFERENCES p4 DEFERRABLE INITIALLY DEFERRED); CREATE TABLE child(c UNIQUE REFERENCES p3)",
    );
    both.check(
        "INSERT INTO p2 VALUES (1, 2); INSERT INTO p2 VALUES (1, 2), (3, 4); INSERT INTO p2 SELECT 1, 2; DELETE FROM p2; UPDATE p2 SET a = 1;
         INSERT INTO c2 VALUES (1, 2); INSERT INTO c1 VALUES (1, 2); INSERT INTO c1 VALUES (NULL, 2); INSERT INTO p4 VALUES (1);
         CREATE TABLE bad(a, b, FOREIGN KEY (z, b) REFERENCES p2(a)); CREATE TABLE bad(a, b, FOREIGN KEY (z) REFERENCES p2(a));
         INSERT OR FAIL INTO child VALUES (123), (123); SELECT * FROM child; DROP TABLE p2; DROP TABLE p4",
    );
}

#[test]
fn an_update_that_sets_no_key_asks_for_none() {
    let both = Both::with(
        "PRAGMA foreign_keys = off; CREATE TABLE p(id INTEGER PRIMARY KEY, name, code UNIQUE);
         CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p, code REFERENCES p(code) ON UPDATE CASCADE, note);
         INSERT INTO p VALUES (1, 'a', 'x'), (2, 'b', 'y'); INSERT INTO c VALUES (1, 1, 'x', 'n'), (2, 9, NULL, 'broken');
         PRAGMA foreign_keys = on",
    );
    both.check(
        "UPDATE p SET name = 'aa' WHERE id = 1; UPDATE p SET name = name || '!'; UPDATE c SET note = 'm'; UPDATE c SET note = 'l' WHERE id = 2;
         UPDATE OR REPLACE p SET name = 'r' WHERE id = 1; UPDATE c SET p = 9 WHERE id = 1; UPDATE c SET p = 2, note = 'k' WHERE id = 1;
         UPDATE p SET id = 3 WHERE id = 2; UPDATE p SET rowid = 3 WHERE id = 2; UPDATE p SET _rowid_ = id WHERE id = 2;
         UPDATE p SET code = 'z', name = 'q' WHERE id = 1; UPDATE OR REPLACE p SET code = 'y' WHERE id = 1; UPDATE p SET (name, id) = ('t', 7) WHERE id = 2;
         INSERT INTO p VALUES (1, 'up', 'w') ON CONFLICT (id) DO UPDATE SET name = 'kept'; SELECT * FROM p;
         INSERT INTO p VALUES (2, 'up', 'w') ON CONFLICT (id) DO UPDATE SET id = 8; SELECT changes(), total_changes();
         SELECT * FROM p; SELECT * FROM c; PRAGMA foreign_key_check",
    );
    both.check_files();
}

#[test]
fn a_key_that_a_trigger_sets_is_looked_at() {
    let both = Both::with(
        "PRAGMA foreign_keys = on;
         CREATE TABLE p(id INTEGER PRIMARY KEY, name); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p, a, b, d);
         CREATE TRIGGER before_a BEFORE UPDATE OF a ON c BEGIN UPDATE c SET p = new.a WHERE id = old.id; END;
         CREATE TRIGGER after_b AFTER UPDATE OF b ON c BEGIN UPDATE c SET p = new.b WHERE id = old.id; END;
         CREATE TRIGGER on_name AFTER UPDATE OF name ON p BEGIN UPDATE p SET id = id + 10 WHERE id = old.id; END;
         INSERT INTO p VALUES (1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO c VALUES (1, 1, 0, 0, 0), (2, 1, 0, 0, 0)",
    );
    both.check(
        "UPDATE c SET a = 2 WHERE id = 1; UPDATE c SET a = 9 WHERE id = 1; SELECT * FROM c; UPDATE c SET b = 2; UPDATE c SET b = 9;
         UPDATE c SET d = 9; UPDATE c SET d = 8 WHERE id = 1; SELECT * FROM c; UPDATE p SET name = 'x' WHERE id = 3; UPDATE p SET name = 'x' WHERE id = 2;
         SELECT * FROM p; SELECT * FROM c; PRAGMA foreign_key_check",
    );
    both.check_files();
}

#[test]
fn a_key_that_is_generated_follows_what_it_is_made_of() {
    let both = Both::with(
        "PRAGMA foreign_keys = on;
         CREATE TABLE p(id INTEGER PRIMARY KEY, half, twice AS (half * 2) STORED UNIQUE, name);
         CREATE TABLE c(id INTEGER PRIMARY KEY, a, p AS (a + 1) STORED REFERENCES p, q AS (a * 2) STORED REFERENCES p(twice), note);
         INSERT INTO p(id, half, name) VALUES (2, 1, 'one'), (3, 2, 'two'), (4, 3, 'three'); INSERT INTO c(a, note) VALUES (1, 'n'), (2, 'm')",
    );
    both.check(
        "UPDATE c SET note = 'k'; UPDATE c SET a = 3 WHERE id = 1; UPDATE c SET a = 9 WHERE id = 1; UPDATE p SET half = 7 WHERE id = 4;
         UPDATE p SET half = 7 WHERE id = 3; UPDATE p SET half = 1 WHERE id = 2; UPDATE p SET name = 'x'; SELECT * FROM p; SELECT * FROM c; PRAGMA foreign_key_check",
    );
    both.check_files();
}

#[test]
fn a_row_that_an_update_replaces_takes_its_children_along() {
    let both = Both::with(
        "PRAGMA foreign_keys = on; PRAGMA recursive_triggers = on;
         CREATE TABLE p(id INTEGER PRIMARY KEY, code UNIQUE, name); CREATE TABLE c(p REFERENCES p ON DELETE CASCADE); CREATE TABLE log(x);
         CREATE TRIGGER gone AFTER DELETE ON p BEGIN INSERT INTO log VALUES ('gone ' || old.id); END;
         CREATE TRIGGER named AFTER UPDATE OF name ON p BEGIN INSERT INTO log VALUES ('named ' || old.id); END;
         INSERT INTO p VALUES (1, 'x', 'a'), (2, 'y', 'b'), (3, 'z', 'c'); INSERT INTO c VALUES (1), (2), (2), (3)",
    );
    both.check(
        "UPDATE OR REPLACE p SET code = 'y' WHERE id = 1; SELECT * FROM p; SELECT * FROM c; SELECT * FROM log;
         UPDATE OR REPLACE p SET name = 'd' WHERE id = 1; UPDATE OR REPLACE p SET code = code WHERE id = 1; SELECT * FROM log;
         UPDATE OR REPLACE p SET id = 3 WHERE id = 1; SELECT * FROM p; SELECT * FROM c; SELECT * FROM log; SELECT changes(), total_changes()",
    );
    both.check_files();
}

#[test]
fn a_key_within_its_own_table() {
    let both = Both::with(
        "PRAGMA foreign_keys = on;
         CREATE TABLE t(id INTEGER PRIMARY KEY, up REFERENCES t, code UNIQUE, parent REFERENCES t(code) DEFERRABLE INITIALLY DEFERRED, note);
         INSERT INTO t VALUES (1, 1, 'a', 'a', ''), (2, 1, 'b', 'a', ''), (3, 2, 'c', 'b', '')",
    );
    both.check(
        "UPDATE t SET note = 'x'; UPDATE t SET note = 'y' WHERE id = 2; UPDATE t SET up = 9 WHERE id = 3; UPDATE t SET id = 9 WHERE id = 3;
         UPDATE t SET id = 8 WHERE id = 1; BEGIN; UPDATE t SET code = 'd' WHERE id = 1; UPDATE t SET note = 'z'; COMMIT;
         UPDATE t SET parent = 'd' WHERE parent = 'a'; COMMIT; SELECT * FROM t; PRAGMA foreign_key_check",
    );
    both.check_files();
}
