//! The ways through tables that statistics and derived terms open: by indexes whose first column may have any value, by equalities that follow
//! from others, in the order of groups. The plan is asserted, and the answers are SQLite's.

use crate::both::{Both, run_ours};

/// The lines of our plan.
fn plan(both: &Both, sql: &str) -> String {
    let lines = run_ours(&both.ours, &format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let lines: Vec<&str> = lines.iter().map(|line| line[3].trim_matches('\'')).collect();
    lines.join("\n")
}

#[track_caller]
fn planned(both: &Both, sql: &str, with: &[&str], without: &[&str]) {
    let plan = plan(both, sql);
    for part in with {
        assert!(plan.contains(part), "{part} is not in the plan of {sql}:\n{plan}");
    }
    for part in without {
        assert!(!plan.contains(part), "{part} is in the plan of {sql}:\n{plan}");
    }
    both.check(sql);
}

const PEOPLE: &str = "
    CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, city TEXT COLLATE NOCASE, born INT, score REAL, rest);
    CREATE INDEX person_city ON person(city, born);
    CREATE INDEX person_score ON person(score DESC, name, born);
    CREATE TABLE one(id INTEGER PRIMARY KEY, born INT, name TEXT);
    CREATE TABLE keyed(kind TEXT, n INT, v TEXT, PRIMARY KEY(kind, n)) WITHOUT ROWID;
    CREATE INDEX keyed_v ON keyed(v, n);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO person SELECT i, 'name ' || (i % 900),
            CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN 'Rome' WHEN 2 THEN 'rome' WHEN 3 THEN 'Oslo' WHEN 4 THEN 'Bern' ELSE 7 END,
            CASE WHEN i % 97 = 0 THEN NULL ELSE 1900 + i * 31 % 211 END, i * 7 % 5 / 2.0, NULL FROM n;
    INSERT INTO one SELECT id, born, name FROM person WHERE id % 300 = 7;
    INSERT INTO one VALUES (1, NULL, 'x'), (2, 'text', 'y'), (3, 1999.0, 'z'), (4, 1950.5, 'w');
    INSERT INTO keyed SELECT city || id % 3, id, 'v' || id % 4 FROM person WHERE city IS NOT NULL;
    ANALYZE;
";

#[test]
fn a_first_column_may_have_any_value() {
    let both = Both::with(PEOPLE);
    let any = "(ANY(city) AND born=?)";
    for sql in [
        "SELECT id, name FROM person WHERE born = 1950 ORDER BY id",
        "SELECT city, id FROM person WHERE born IS NULL ORDER BY city, id",
        "SELECT city, count(*) FROM person WHERE born = 1950 GROUP BY city ORDER BY city",
        "SELECT count(*), sum(id) FROM person WHERE born = '1950'",
        "SELECT count(*) FROM person WHERE born = 'text'",
        "SELECT count(*) FROM person WHERE born = NULL",
        "SELECT city, born, id FROM person WHERE born = 1950 ORDER BY city, born, id",
        "SELECT o.id, p.id FROM one o JOIN person p ON p.born = o.born WHERE o.id = 7 ORDER BY p.id",
        "SELECT o.id, p.id FROM one o JOIN person p ON p.born = o.born WHERE o.id IN (1, 2, 3, 4) ORDER BY o.id, p.id",
        "SELECT o.id, p.id FROM one o LEFT JOIN person p ON p.born = o.born AND p.city = 'OSLO' COLLATE BINARY WHERE o.id < 5 ORDER BY o.id, p.id",
    ] {
        planned(&both, sql, &[any], &[]);
    }
    planned(
        &both,
        "SELECT born, id FROM person WHERE name = 'name 5' AND born > 1950 ORDER BY born, id",
        &["(ANY(score) AND name=? AND born>?)"],
        &[],
    );
    planned(
        &both,
        "SELECT id FROM person WHERE born BETWEEN 1950 AND 1951 AND id % 2 ORDER BY city DESC, born DESC, id",
        &[],
        &[],
    );
    planned(
        &both,
        "SELECT v, n, kind FROM keyed WHERE n = 77 ORDER BY v, n, kind",
        &["(ANY(v) AND n=?)"],
        &[],
    );
}

/// Rows come in the order of the index, from either end.
#[test]
fn any_value_in_either_direction() {
    let both = Both::with(PEOPLE);
    for direction in ["ASC", "DESC"] {
        for term in [
            "= 1950",
            "IS NULL",
            "IN (1950, 1905, 1990, 1905)",
            "> 2100",
            "BETWEEN 1950 AND 1952",
        ] {
            both.check(&format!(
                "SELECT lower(city), born FROM person INDEXED BY person_city WHERE born {term} ORDER BY city {direction}, born {direction}"
            ));
        }
        for term in [
            "= 'name 5'",
            "IS NULL",
            "IN ('x', 'name 5', 'name 77', 'name 5')",
            "> 'name 98'",
            "< 'name 2'",
        ] {
            both.check(&format!(
                "SELECT score, name, born FROM person INDEXED BY person_score WHERE name {term} ORDER BY score {direction}, name, born"
            ));
            both.check(&format!(
                "SELECT score, name, born FROM person INDEXED BY person_score WHERE name {term} ORDER BY score {direction}, name DESC, born DESC"
            ));
        }
    }
}

#[test]
fn any_value_in_utf_16_and_without_rows() {
    let both = Both::with("PRAGMA encoding = 'UTF-16le'");
    both.check(PEOPLE);
    let sql = "SELECT city, id FROM person WHERE born = 1950 ORDER BY city, id";
    planned(&both, sql, &["(ANY(city) AND born=?)"], &[]);
    both.check("SELECT v, n FROM keyed WHERE n IN (7, 8, 9) ORDER BY v, n");
    both.check("DELETE FROM person");
    planned(&both, sql, &["(ANY(city) AND born=?)"], &[]);
    both.check("INSERT INTO person VALUES (1, 'a', 'b', 1950, 1, 2), (2, 'a', NULL, 1950, 1, 2), (3, 'a', 'B', 1950, 1, 2), (4, 'a', 'c', 1951, 1, 2)");
    planned(&both, sql, &["(ANY(city) AND born=?)"], &[]);
}

/// Without the counts of ANALYZE nobody knows how often values repeat.
#[test]
fn any_value_needs_statistics() {
    let both = Both::with(&PEOPLE.replace("ANALYZE;", ""));
    planned(
        &both,
        "SELECT id FROM person WHERE born = 1950 ORDER BY id",
        &["SCAN person"],
        &["ANY"],
    );
}

const SHARED: &str = "
    CREATE TABLE a(id INTEGER PRIMARY KEY, x INT, t TEXT, n TEXT COLLATE NOCASE, b BLOB, v INT);
    CREATE TABLE b(id INTEGER PRIMARY KEY, x INT, t TEXT, n TEXT COLLATE NOCASE, b BLOB, v INT);
    CREATE TABLE c(id INTEGER PRIMARY KEY, x REAL, t TEXT, n TEXT, b, v INT);
    CREATE TABLE d(id INTEGER PRIMARY KEY, x INT, t INT, n TEXT COLLATE NOCASE, b BLOB, v INT);
    CREATE INDEX d_x ON d(x);
    CREATE INDEX d_n ON d(n);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
        INSERT INTO a SELECT i, i % 7, i % 5, substr('aAbBcC', i % 6 + 1, 1), CASE i % 3 WHEN 0 THEN i % 4 WHEN 1 THEN '' || i % 4 ELSE x'31' END, i FROM n;
    INSERT INTO b SELECT id, v % 9, v % 4, substr('AbBcCa', id % 6 + 1, 1), CASE id % 3 WHEN 1 THEN id % 4 WHEN 2 THEN '' || id % 4 ELSE x'31' END, v FROM a;
    INSERT INTO c SELECT id, v % 8, v % 3, substr('bcCaAB', id % 6 + 1, 1), CASE id % 4 WHEN 0 THEN id % 4 WHEN 2 THEN '' || id % 4 ELSE x'31' END, v FROM a;
    INSERT INTO d SELECT id, v % 11, '0' || v % 3, substr('CaABbc', id % 6 + 1, 1), id % 4, v FROM a;
    INSERT INTO a VALUES (100, NULL, NULL, NULL, NULL, 1), (101, 'x', 'x', 'x', 'x', 2), (102, 'X', 'X', 'X', 'X', 3), (103, 2.5, 2.5, 2.5, 2.5, 4);
    INSERT INTO b SELECT id, x, t, n, b, v FROM a WHERE id >= 100;
    INSERT INTO c SELECT id, x, t, n, b, v FROM a WHERE id >= 100;
    INSERT INTO d SELECT id, x, t, n, b, v FROM a WHERE id >= 100;
";

/// Each pair of tables that come together is joined by a condition, and each column is compared once.
#[test]
fn equalities_follow_from_others() {
    let both = Both::with(SHARED);
    for column in ["x", "t", "n", "b"] {
        for limit in [
            "",
            " AND b.v < 40",
            " AND c.v > 30 AND a.v < 50",
            " AND a.v = 7",
            " AND b.v IN (7, 3)",
        ] {
            let sql = format!(
                "SELECT count(*), sum(a.v), sum(b.v), sum(c.v) FROM a JOIN b ON a.{column} = b.{column} JOIN c ON c.{column} = b.{column}{limit}"
            );
            planned(&both, &sql, &[], &[&format!("{column}=? AND {column}=?")]);
            both.check(&sql.replace("JOIN c", "LEFT JOIN c"));
            both.check(&sql.replace("JOIN b", "LEFT JOIN b"));
            both.check(&format!(
                "{} AND d.{column} = c.{column}",
                sql.replace("JOIN c", "JOIN d JOIN c")
            ));
            both.check(&format!(
                "{} AND d.{column} = a.{column}",
                sql.replace("JOIN c", "JOIN d JOIN c")
            ));
        }
    }
}

/// What is known of one column is known of those that are equal to it, where affinities and collations allow.
#[test]
fn ranges_follow_from_equalities() {
    let both = Both::with(SHARED);
    planned(
        &both,
        "SELECT count(*), sum(a.v), sum(d.v) FROM a JOIN d ON d.x = a.x WHERE a.x < 3 AND +a.v > 10",
        &["d_x"],
        &[],
    );
    for term in [
        "< 3",
        "> '1'",
        "BETWEEN 1 AND '3'",
        "IN (1, '2', 'x', 2.5)",
        "= '2'",
        "> 'w'",
        "NOT IN (1, 2)",
        "= 2.5",
        "BETWEEN 'a' AND 'X'",
    ] {
        for column in ["x", "t", "n", "b"] {
            for (tables, on) in [
                ("a JOIN b", "a"),
                ("a JOIN d", "a"),
                ("c JOIN d", "c"),
                ("a LEFT JOIN d", "a"),
                ("d LEFT JOIN b", "d"),
            ] {
                let other = &tables[tables.len() - 1..];
                for side in [on, other] {
                    let sql = format!(
                        "SELECT count(*), sum({on}.v), sum({other}.v) FROM {tables} ON {on}.{column} = {other}.{column} WHERE {side}.{column} {term}"
                    );
                    both.check(&sql);
                    both.check(&sql.replace(&format!(" {term}"), &format!(" COLLATE BINARY {term}")));
                    both.check(&sql.replace(
                        &format!("{on}.{column} ="),
                        &format!("{on}.{column} COLLATE NOCASE ="),
                    ));
                }
            }
        }
    }
    for column in ["t", "n"] {
        both.check(&format!(
            "SELECT count(*) FROM a JOIN b ON a.{column} = b.{column} WHERE a.{column} LIKE 'x%'"
        ));
        both.check(&format!(
            "SELECT count(*) FROM a JOIN b ON a.{column} = b.{column} WHERE b.{column} GLOB 'x*'"
        ));
    }
}

const GROUPS: &str = "
    CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT UNIQUE NOT NULL, kind INT, price REAL);
    CREATE INDEX p_kind ON p(kind, price);
    CREATE TABLE i(p INT, n INT, word TEXT);
    CREATE INDEX i_p ON i(p);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
        INSERT INTO p SELECT i, 'c' || (i * 7919 % 1009), nullif(i % 12, 3), i * 31 % 40 FROM n;
    INSERT INTO i SELECT id, kind + e, code FROM p, (WITH RECURSIVE e(e) AS (SELECT 1 UNION ALL SELECT e + 1 FROM e WHERE e < 12) SELECT e FROM e);
    INSERT INTO i SELECT id / 2, 5, code FROM p WHERE id % 3;
    INSERT INTO i VALUES (NULL, 1, 'a');
    ANALYZE;
";

#[test]
fn groups_come_in_the_order_of_a_scan() {
    let both = Both::with(GROUPS);
    let no_sort = ["TEMP B-TREE FOR GROUP BY", "TEMP B-TREE FOR ORDER BY"];
    for sql in [
        "SELECT id, code, avg(kind) FROM p GROUP BY id, code ORDER BY id, code LIMIT 4 OFFSET 10",
        "SELECT id, id, sum(price) FROM p GROUP BY id, id ORDER BY id, id DESC LIMIT 5",
        "SELECT id, count(*) FROM p GROUP BY id ORDER BY id DESC LIMIT 5",
        "SELECT kind, count(*), sum(price) FROM p GROUP BY kind",
        "SELECT kind, count(*) FROM p GROUP BY kind ORDER BY kind LIMIT 3",
        "SELECT kind, price, count(*) FROM p GROUP BY kind, price ORDER BY kind DESC, price DESC LIMIT 30",
        "SELECT kind, price, count(*) FROM p WHERE kind = 4 GROUP BY kind, price ORDER BY kind, price LIMIT 7",
        "SELECT p.id, p.code, count(*), sum(n) FROM i JOIN p ON p.id = i.p WHERE NOT (p.kind <= 6) GROUP BY p.id, p.code ORDER BY p.id LIMIT 20",
        "SELECT p.id, p.code, count(i.n), sum(n) FROM p LEFT JOIN i ON p.id = i.p GROUP BY p.id, p.code HAVING count(*) > 1 ORDER BY p.id LIMIT 20 OFFSET 3",
        "SELECT id, group_concat(price), count(DISTINCT kind), kind, max(code) FROM p GROUP BY id ORDER BY id LIMIT 4",
    ] {
        planned(&both, sql, &[], &no_sort);
    }
}

/// Groups from a hash table are in the order of their keys.
#[test]
fn groups_are_not_sorted_twice() {
    let both = Both::with(GROUPS);
    for sql in [
        "SELECT n, count(*) FROM i GROUP BY n ORDER BY n",
        "SELECT n, word, count(*) FROM i GROUP BY n, word ORDER BY n",
        "SELECT n, word COLLATE NOCASE, count(*) FROM i GROUP BY n, word COLLATE NOCASE ORDER BY n, word COLLATE NOCASE LIMIT 7",
        "SELECT kind, n, count(*) FROM p JOIN i ON i.p = p.id GROUP BY kind, n ORDER BY kind, n",
        "SELECT count(*), kind FROM p JOIN i ON i.p = p.id GROUP BY kind HAVING count(*) > 2 ORDER BY kind",
    ] {
        planned(
            &both,
            sql,
            &["TEMP B-TREE FOR GROUP BY"],
            &["FOR ORDER BY", "TERM"],
        );
    }
    for sql in [
        "SELECT n, count(*) FROM i GROUP BY n ORDER BY n DESC",
        "SELECT n, count(*) FROM i GROUP BY n ORDER BY n NULLS LAST",
        "SELECT n, word, count(*) FROM i GROUP BY n, word ORDER BY word, n",
        "SELECT n, word, count(*) FROM i GROUP BY n, word ORDER BY n, word COLLATE NOCASE, word",
        "SELECT n, count(*) FROM i GROUP BY n ORDER BY count(*), n",
        "SELECT n, count(*) FROM i GROUP BY n ORDER BY -n",
    ] {
        planned(&both, sql, &["FOR ORDER BY"], &[]);
    }
}

#[test]
fn distinct_rows_come_in_the_order_of_a_scan() {
    let both = Both::with(GROUPS);
    for sql in [
        "SELECT DISTINCT code FROM p ORDER BY code",
        "SELECT DISTINCT kind, price FROM p ORDER BY kind, price",
        "SELECT DISTINCT p.id, p.code FROM p JOIN i ON i.p = p.id ORDER BY p.id LIMIT 11 OFFSET 20",
        "SELECT DISTINCT kind FROM p ORDER BY kind DESC LIMIT 4",
    ] {
        planned(&both, sql, &[], &["B-TREE FOR ORDER BY"]);
    }
}
