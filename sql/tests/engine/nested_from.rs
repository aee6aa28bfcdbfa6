//! Joins in parentheses: how their columns are called, and what USING makes of them.

use super::both::Both;

const SCHEMA: &str = "
    CREATE TABLE t1(a INTEGER, b); CREATE TABLE t2(x, a INTEGER); CREATE TABLE t3(a INTEGER, d); CREATE TABLE t4(a TEXT COLLATE nocase, e);
    INSERT INTO t1 VALUES (1, 11), (2, 12), (4, 14), (5, 15), (NULL, 10);
    INSERT INTO t2 VALUES (21, 1), (23, 3), (24, 4), (26, 6);
    INSERT INTO t3 VALUES (1, 31), (3, 33), (5, 35), (6, 36), (7, 37);
    INSERT INTO t4 VALUES ('1', 41), ('6', 46), ('8', 48), ('5', 45);";

fn check(both: &Both, sql: &str) {
    both.check(sql);
    let ours: Vec<String> = match both.ours.prepare(sql) {
        Ok(statement) => statement
            .column_names()
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        Err(_) => return,
    };
    let theirs = both.theirs.prepare(sql).unwrap();
    let theirs: Vec<&str> = theirs.column_names().collect();
    assert_eq!(ours, theirs, "columns of {sql}");
}

#[test]
fn columns_of_nested_joins() {
    let both = Both::with(SCHEMA);
    for sql in [
        "SELECT * FROM t1 JOIN (t2 JOIN t3 ON t3.a = t2.a) ON t1.a = t2.a ORDER BY 1",
        "SELECT * FROM t1 JOIN (t2 JOIN (t3 JOIN t4 ON t3.a = t4.a) ON t3.a = t2.a) ON t1.a = t2.a ORDER BY 1",
        "SELECT t3.a, t4.a, t2.a, x, e FROM t1 JOIN (t2 JOIN (t3 JOIN t4 ON t3.a = t4.a) ON t3.a = t2.a) ON t1.a = t2.a ORDER BY 1",
        "SELECT t3.*, t1.* FROM t1 JOIN (t2 JOIN (t3 JOIN t4 USING (a)) USING (a)) USING (a) ORDER BY 1",
        "SELECT * FROM t1 JOIN (t2 JOIN (t3 JOIN t4 USING (a)) USING (a)) USING (a) ORDER BY 1",
        "SELECT * FROM t1 LEFT JOIN (t2 JOIN t3 USING (a)) AS s USING (a) ORDER BY 1",
        "SELECT s.a, s.x, t2.a, t3.a FROM t1 LEFT JOIN (t2 JOIN t3 USING (a)) AS s USING (a) ORDER BY 1, 2",
        "SELECT s.\"a:1\" FROM t1 JOIN (t2 JOIN t3 USING (a)) AS s ON 1 ORDER BY 1",
        "SELECT s.* FROM (t1 JOIN t2 USING (a)) AS s ORDER BY 1",
        "SELECT main.t2.a, d FROM t1 JOIN (t2 NATURAL JOIN t3) USING (a) ORDER BY 1",
        "SELECT a FROM t1 JOIN (t2 JOIN t3 ON t2.a = t3.a) ON 1",
        "SELECT t2.* FROM (t1 JOIN t2 USING (a)) ORDER BY 1",
        "SELECT y.a FROM t1 JOIN (t2 AS y) ON 1",
        "SELECT z.a FROM t1 JOIN ((t2)) AS z ON t1.a = z.a ORDER BY 1",
        "SELECT count(*) FROM t1, (t2 CROSS JOIN t3), (SELECT 1) AS q",
        "SELECT (SELECT max(s.d + t1.a) FROM t4) FROM t1 JOIN (t2 JOIN t3 USING (a)) AS s ON s.a = t1.a ORDER BY 1",
        "SELECT sum(d), x FROM t1 JOIN (t2 JOIN t3 USING (a)) USING (a) GROUP BY t2.a ORDER BY 1",
        "SELECT * FROM t1 LEFT JOIN t2 ON t2.a <> 0 NATURAL RIGHT JOIN t3",
        "SELECT * FROM (SELECT * FROM t1 JOIN (t2 JOIN t3 USING (a)) USING (a)) ORDER BY 1",
        "SELECT t1.*, t2.* FROM t1 RIGHT JOIN t2 USING (a) ORDER BY 3",
    ] {
        check(&both, sql);
    }
}

#[test]
fn using_over_nested_outer_joins() {
    let both = Both::with(SCHEMA);
    let kinds = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"];
    for outer in kinds {
        for inner in kinds {
            for last in kinds {
                for columns in ["*", "a, b, x, d, e", "t1.a, t2.a, t3.a, t4.a"] {
                    check(
                        &both,
                        &format!(
                            "SELECT {columns} FROM t1 {outer} (t2 {inner} t3 USING (a)) USING (a) {last} t4 USING (a) \
                             ORDER BY b, d, e, x"
                        ),
                    );
                }
                check(
                    &both,
                    &format!(
                        "SELECT * FROM t4 {outer} (t1 {last} (t2 {inner} t3 USING (a)) USING (a)) USING (a) ORDER BY b, d, e, x"
                    ),
                );
                check(
                    &both,
                    &format!(
                        "SELECT * FROM (t4 {outer} t1 USING (a)) {last} (t2 NATURAL {inner} t3) USING (a) ORDER BY b, d, e, x"
                    ),
                );
            }
        }
    }
}

#[test]
fn columns_of_subqueries_go_by_the_names_they_are_written_by() {
    let both = Both::with(
        "CREATE TABLE t0(a, B); CREATE VIEW v AS SELECT A, b, oid, b COLLATE nocase FROM t0;
         CREATE VIEW v2 AS SELECT * FROM (SELECT A, b, t0.Oid, \"xx\" FROM t0); INSERT INTO t0 VALUES (1, 2)",
    );
    for sql in [
        "SELECT * FROM (SELECT A, b, oid, t0.b FROM t0)",
        "SELECT oid, \"b:1\" FROM (SELECT A, b, oid, t0.b FROM t0)",
        "SELECT * FROM v",
        "SELECT * FROM v2",
        "WITH x AS (SELECT A, b, oid, \"zz\" FROM t0) SELECT * FROM x",
        "SELECT A, b, oid, \"zz\" FROM t0",
        "SELECT * FROM (SELECT A AS k, (b), +b, b COLLATE nocase FROM t0)",
        "SELECT * FROM (SELECT A FROM t0 UNION SELECT b FROM t0) ORDER BY 1",
        "WITH x AS MATERIALIZED (SELECT A, (b) FROM t0) SELECT * FROM x",
        "SELECT * FROM (SELECT [B], main.t0.A FROM t0)",
        "SELECT * FROM (t0 JOIN (SELECT A AS z, oid FROM t0))",
        "SELECT \"ba\", oid FROM (SELECT \"ba\", oid FROM t0)",
    ] {
        check(&both, sql);
    }
}
