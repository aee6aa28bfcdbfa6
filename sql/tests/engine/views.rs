//! Writing to views: INSTEAD OF triggers do the work.

use super::both::Both;

const SCHEMA: &str = "
    CREATE TABLE a(id INTEGER PRIMARY KEY, x TEXT, n INTEGER);
    CREATE TABLE log(what, id, x, n);
    CREATE VIEW v AS SELECT id, x, n, n * 2 AS twice FROM a WHERE n > 0;
    CREATE VIEW named(k, w) AS SELECT id, x || '!' FROM a;
    INSERT INTO a VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3), (4, 'none', 0);
    CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN
        INSERT INTO log VALUES ('insert', new.id, new.x, new.twice); INSERT INTO a VALUES (new.id, new.x, new.n); END;
    CREATE TRIGGER vu INSTEAD OF UPDATE OF x, n ON v BEGIN
        INSERT INTO log VALUES ('update', old.id, old.x || new.x, new.n);
        UPDATE a SET x = new.x, n = new.n WHERE id = old.id; END;
    CREATE TRIGGER vd INSTEAD OF DELETE ON v BEGIN
        INSERT INTO log VALUES ('delete', old.id, old.x, old.n); DELETE FROM a WHERE id = old.id; END;
    CREATE TRIGGER nu INSTEAD OF UPDATE ON named WHEN new.w <> 'skip' BEGIN
        SELECT CASE new.w WHEN 'stop' THEN RAISE(ABORT, 'stopped') WHEN 'pass' THEN RAISE(IGNORE) END;
        UPDATE a SET x = new.w WHERE id = old.k; END;";

#[test]
fn triggers_write_for_views() {
    let both = Both::with(SCHEMA);
    both.check(
        "INSERT INTO v VALUES (7, 'seven', '7', 'x');
         INSERT INTO v(x, id) VALUES ('nine', 9), ('eight', 8);
         INSERT INTO v DEFAULT VALUES;
         INSERT INTO v SELECT id + 20, x, n, 1 FROM v;
         SELECT *, typeof(n) FROM log;
         UPDATE v SET x = upper(x), n = '5' WHERE id < 3;
         UPDATE v SET n = w.n + 100 FROM a AS w WHERE w.id = v.id AND v.n > 2;
         DELETE FROM v WHERE twice > 8;
         DELETE FROM v;
         UPDATE named SET w = 'new';
         UPDATE named SET w = 'pass' WHERE k < 4;
         UPDATE named SET w = 'skip';
         UPDATE named SET w = 'stop';
         SELECT * FROM log; SELECT * FROM a",
    );
    both.check_files();
}

#[test]
fn what_views_refuse() {
    let both = Both::with(SCHEMA);
    both.check(
        "INSERT INTO named VALUES (1, 2);
         DELETE FROM named;
         UPDATE v SET twice = 3;
         UPDATE v SET nothing = 3, x = 4;
         INSERT INTO v VALUES (1, 2);
         INSERT INTO v(rowid, x) VALUES (1, 2);
         INSERT INTO v(id) VALUES (1) ON CONFLICT DO NOTHING;
         DELETE FROM V WHERE rowid = 1;
         DELETE FROM log WHERE rowid = 1",
    );
}

#[test]
fn returning_from_views() {
    let both = Both::with(SCHEMA);
    both.check(
        "INSERT INTO v VALUES (7, 'seven', '7', 'x') RETURNING *;
         UPDATE v SET x = 'z' WHERE id = 1 RETURNING id, x, twice;
         DELETE FROM v WHERE id = 2 RETURNING x",
    );
}

#[test]
fn temporary_triggers_on_views() {
    let both = Both::with(SCHEMA);
    both.check(
        "CREATE TEMP VIEW tv AS SELECT x FROM a;
         CREATE TEMP TRIGGER tvi INSTEAD OF INSERT ON tv BEGIN INSERT INTO a(x, n) VALUES (new.x, 77); END;
         CREATE TEMP TRIGGER nd INSTEAD OF DELETE ON named BEGIN DELETE FROM a WHERE id = old.k; END;
         INSERT INTO tv VALUES ('t'), ('u');
         DELETE FROM named WHERE k = 1;
         SELECT * FROM a",
    );
}

/// The types of a view's columns are those of the columns that they show, under the names of its head as well.
#[test]
fn table_info_of_views() {
    let both = Both::with(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b VARCHAR(10) NOT NULL DEFAULT 5, c);
         CREATE VIEW named(x, y, z) AS SELECT a, b, c FROM t;
         CREATE VIEW plain AS SELECT a, b AS bb, c FROM t;
         CREATE VIEW computed(p, q, r, s, t) AS SELECT a + 1, CAST(b AS REAL), 'x', b || c, rowid FROM t;
         CREATE VIEW over(p, q) AS SELECT y, x FROM named;
         CREATE VIEW broken(q) AS SELECT nope FROM t",
    );
    for view in ["named", "plain", "computed", "over", "broken"] {
        both.check(&format!("PRAGMA table_info({view}); PRAGMA table_xinfo({view})"));
    }
}
