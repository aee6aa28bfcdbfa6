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
