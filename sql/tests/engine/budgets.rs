//! The same rows in the same order, however little memory a statement may take and however many rows travel together.

use aludel_sql::Connection;
use aludel_sql::connection::Otherwise;

use crate::both::{Outcome, run_ours};

const SCHEMA: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, k INT, s TEXT COLLATE NOCASE, r, g INT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
      INSERT INTO t SELECT i, i * 7919 % 1201, CASE i % 3 WHEN 0 THEN 'Name ' ELSE 'nAME ' END || (i * 31 % 777),
        CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN i / 7.0 WHEN 2 THEN 'x' || i % 50 ELSE i % 100 END, i % 3 FROM n;
    CREATE TABLE u(id INTEGER PRIMARY KEY, k INT, s TEXT, w);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
      INSERT INTO u SELECT i, CASE WHEN i % 17 = 0 THEN NULL ELSE i * 48271 % 2007 END, 'name ' || (i % 900), i * 0.5 FROM n;
    CREATE INDEX t_g ON t(g, k);
    CREATE TABLE w(a TEXT, b INT, c, PRIMARY KEY(a, b)) WITHOUT ROWID;
    INSERT INTO w SELECT s, id, r FROM t;
    CREATE TABLE d(k COLLATE NOCASE, s TEXT);
    INSERT INTO d SELECT CASE WHEN id % 4 THEN k ELSE s END, s FROM t;
    CREATE INDEX d_k ON d(k DESC, s);
    CREATE VIEW v AS SELECT k, s, count(*) AS n FROM t GROUP BY k, s;
";

/// Runs the statements in turn, once with memory for everything and then with little.
#[track_caller]
fn check(statements: &[&str]) {
    let run = |budget: usize, batch_rows_max: usize| -> Vec<Outcome> {
        let ours = Connection::open_in_memory().unwrap();
        run_all(&ours, SCHEMA);
        let otherwise = Otherwise {
            batch_rows_max,
            ..Otherwise::default()
        };
        ours.run_otherwise(otherwise).unwrap();
        run_all(&ours, &format!("PRAGMA soft_heap_limit = {budget}"));
        statements.iter().map(|sql| run_ours(&ours, sql)).collect()
    };
    let expected = run(1 << 30, 1024);
    for (budget, batch_rows_max) in [(2_000, 1024), (20_000, 7), (2_000, 1), (20_000, 1024)] {
        let found = run(budget, batch_rows_max);
        for ((sql, expected), found) in statements.iter().zip(&expected).zip(&found) {
            let rows = |outcome: &Outcome| outcome.as_ref().map_or(0, Vec::len);
            assert!(
                found == expected,
                "budget {budget}, batches of {batch_rows_max}: {sql}\n{} rows instead of {}; {:?}",
                rows(found),
                rows(expected),
                first_difference(found, expected),
            );
        }
    }
}

fn run_all(ours: &Connection, sql: &str) {
    ours.execute_batch(sql).unwrap();
}

fn first_difference(a: &Outcome, b: &Outcome) -> String {
    match (a, b) {
        (Ok(a), Ok(b)) => {
            let place = a
                .iter()
                .zip(b)
                .position(|(a, b)| a != b)
                .unwrap_or(a.len().min(b.len()));
            format!("row {place} is {:?} instead of {:?}", a.get(place), b.get(place))
        }
        _ => format!("{a:?} instead of {b:?}"),
    }
}

#[test]
fn set_operations() {
    check(&[
        "SELECT k FROM t EXCEPT SELECT k FROM u",
        "SELECT k FROM t INTERSECT SELECT k FROM u",
        "SELECT s, k FROM t INTERSECT SELECT upper(s), k FROM t WHERE id % 3",
        "SELECT s FROM t EXCEPT SELECT s FROM u WHERE id % 2",
        "SELECT r, g FROM t EXCEPT SELECT r, 1 FROM t",
        "SELECT k, id FROM t EXCEPT SELECT 1, 2",
        "SELECT k FROM u INTERSECT SELECT k FROM u LIMIT 40 OFFSET 500",
        "SELECT k FROM t UNION SELECT id FROM u EXCEPT SELECT k + 1 FROM u INTERSECT SELECT id FROM t",
        "SELECT count(*), sum(k) FROM (SELECT k FROM t EXCEPT SELECT k FROM u)",
    ]);
}

#[test]
fn aggregates_with_distinct_and_order() {
    check(&[
        "SELECT count(DISTINCT k), sum(DISTINCT r), group_concat(DISTINCT s) FROM t",
        "SELECT g, count(DISTINCT k), group_concat(DISTINCT s), total(DISTINCT r) FROM t GROUP BY g",
        "SELECT g, count(DISTINCT s) FILTER (WHERE id % 2), sum(DISTINCT k) FROM t NOT INDEXED GROUP BY g",
        "SELECT k % 300, count(DISTINCT s), group_concat(DISTINCT id % 5) FROM t GROUP BY 1",
        "SELECT g, group_concat(DISTINCT s ORDER BY s DESC) FROM t GROUP BY g",
        "SELECT group_concat(s, '-' ORDER BY r, id DESC) FROM t",
        "SELECT g, k, group_concat(s ORDER BY id DESC), count(DISTINCT r) FROM t GROUP BY g, k",
        "SELECT g, group_concat(id ORDER BY s, k), max(id), s FROM t GROUP BY g",
        "SELECT a, count(DISTINCT c), group_concat(DISTINCT b) FROM w GROUP BY a",
        "SELECT a, json_group_array(c ORDER BY b DESC), count(DISTINCT b % 3) FROM w GROUP BY a HAVING count(*) > 1",
        "SELECT g, count(DISTINCT k) FROM t GROUP BY g ORDER BY g DESC",
        "SELECT median(k), count(DISTINCT w) FROM u",
        "SELECT sum(DISTINCT k), count(DISTINCT s), count(*) FROM t WHERE id < 0",
    ]);
}

#[test]
fn subqueries_on_the_right_of_in() {
    check(&[
        "SELECT id FROM t WHERE k + 0 IN (SELECT k FROM u)",
        "SELECT id, k IN (SELECT k FROM u), k NOT IN (SELECT k FROM u WHERE k IS NOT NULL) FROM t",
        "SELECT id, r IN (SELECT r FROM t), s IN (SELECT s FROM u) FROM t",
        "SELECT id, (k, g) IN (SELECT k, id % 3 FROM u), (s, k) NOT IN (SELECT s, k FROM u) FROM t WHERE id < 300",
        "SELECT count(*) FROM t WHERE s IN (SELECT upper(s) FROM u) AND id NOT IN (SELECT w FROM u)",
        "SELECT id FROM t WHERE id IN (SELECT k FROM u) ORDER BY k",
        "SELECT id FROM t WHERE id IN (SELECT k FROM u UNION ALL SELECT w FROM u UNION ALL SELECT s FROM u)",
        "SELECT id FROM t WHERE id IN (SELECT w FROM u) ORDER BY id DESC",
        "SELECT id, k FROM t WHERE g = 1 AND k IN (SELECT w FROM u) ORDER BY k DESC",
        "SELECT k, s FROM d WHERE k IN (SELECT k FROM u) AND s > 'N'",
        "SELECT k, s FROM d WHERE k IN (SELECT s FROM d AS e UNION ALL SELECT id FROM u) ORDER BY k, s",
        "SELECT a, b FROM w WHERE a IN (SELECT s FROM u) AND b IN (SELECT id FROM u WHERE id < 900)",
        "SELECT a FROM w WHERE a IN (SELECT replace(s, 'n', 'N') FROM u) ORDER BY a DESC, b DESC",
        "SELECT id FROM u WHERE (SELECT count(*) FROM t WHERE t.k IN (SELECT id FROM u) AND t.g = u.id % 4) > 100 AND id < 20",
        "SELECT id, g FROM t WHERE g = 1 OR id IN (SELECT w FROM u) OR g = 2 AND k > 300",
        "DELETE FROM t WHERE k IN (SELECT k FROM u WHERE id % 2)",
        "SELECT count(*), sum(id) FROM t",
    ]);
}

/// The index on (g, k) brings rows in the order of g, and those on (k DESC, s) in that of k.
#[test]
fn input_that_comes_sorted_in_part() {
    check(&[
        "SELECT id, g, s FROM t ORDER BY g, s, id",
        "SELECT id, g, s FROM t ORDER BY g, s DESC, id LIMIT 20",
        "SELECT id, g, k FROM t ORDER BY g, s, id LIMIT 30 OFFSET 490",
        "SELECT g, k, id FROM t INDEXED BY t_g ORDER BY g DESC, k DESC, s, id LIMIT 700 OFFSET 20",
        "SELECT k, s FROM d INDEXED BY d_k ORDER BY k DESC, s COLLATE NOCASE, rowid",
        "SELECT k, s FROM d ORDER BY k DESC, s COLLATE NOCASE DESC, rowid LIMIT 50",
        "SELECT a, b, c FROM w ORDER BY a, c, b",
        "SELECT DISTINCT g, s FROM t ORDER BY g, s COLLATE BINARY LIMIT 400 OFFSET 300",
        "SELECT t.id, u.id FROM t JOIN u ON u.id = t.k ORDER BY t.g, u.w LIMIT 25 OFFSET 100",
        "SELECT id, r FROM t INDEXED BY t_g WHERE g > 0 LIMIT 10 OFFSET 700",
        "SELECT id, r FROM t INDEXED BY t_g WHERE g > 0 LIMIT 10 OFFSET 7000",
        "SELECT id, r FROM t INDEXED BY t_g WHERE g >= 0 AND r IS NOT NULL LIMIT 10 OFFSET 600",
        "SELECT id, r FROM (SELECT * FROM t INDEXED BY t_g WHERE g >= 0 LIMIT 500 OFFSET 99) LIMIT 10 OFFSET 450",
    ]);
}

#[test]
fn windows() {
    let frames = [
        "",
        "ORDER BY k",
        "ORDER BY k ROWS BETWEEN 3 PRECEDING AND 2 FOLLOWING",
        "ORDER BY s ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
        "ORDER BY k DESC RANGE BETWEEN 20 PRECEDING AND 10 FOLLOWING",
        "ORDER BY r RANGE BETWEEN 5.5 PRECEDING AND CURRENT ROW",
        "ORDER BY r DESC NULLS LAST RANGE BETWEEN 3 FOLLOWING AND 7 FOLLOWING",
        "ORDER BY r RANGE BETWEEN 9 PRECEDING AND 4 PRECEDING",
        "ORDER BY s GROUPS BETWEEN 2 PRECEDING AND 1 FOLLOWING",
        "ORDER BY g GROUPS BETWEEN 1 PRECEDING AND 1 PRECEDING",
        "ORDER BY k / 40 ROWS BETWEEN 20 PRECEDING AND 20 FOLLOWING EXCLUDE GROUP",
        "ORDER BY k / 40 GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES",
        "ORDER BY k RANGE BETWEEN 30 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW",
    ];
    let mut queries = Vec::new();
    for (n, frame) in frames.iter().enumerate() {
        let partition = ["", "PARTITION BY g", "PARTITION BY s"][n % 3];
        queries.push(format!(
            "SELECT id, sum(k) OVER w, count(r) FILTER (WHERE id % 2) OVER w, max(s) OVER w, first_value(id) OVER w,
               last_value(s) OVER w, nth_value(k, 3) OVER w FROM t WINDOW w AS ({partition} {frame})"
        ));
    }
    for partition in ["", "PARTITION BY g", "PARTITION BY id % 700"] {
        queries.push(format!(
            "SELECT id, row_number() OVER w, rank() OVER w, dense_rank() OVER w, percent_rank() OVER w, cume_dist() OVER w,
               ntile(7) OVER w, lag(s, 5, 'none') OVER w, lead(k) OVER w FROM t WINDOW w AS ({partition} ORDER BY k / 3)"
        ));
    }
    queries.push(
        "SELECT g, sum(n) OVER (ORDER BY g), avg(n) OVER (PARTITION BY n % 2 ORDER BY g) FROM (SELECT g, count(*) AS n FROM t GROUP BY g)"
            .to_owned(),
    );
    queries.push("SELECT k, group_concat(id) OVER (PARTITION BY k), rank() OVER (ORDER BY s) FROM t LIMIT 50 OFFSET 700".to_owned());
    check(&queries.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn tables_of_a_statement() {
    check(&[
        "WITH c AS MATERIALIZED (SELECT k, s, id FROM t) SELECT a.id, b.id FROM c AS a JOIN c AS b ON a.k = b.k AND a.id <> b.id",
        "WITH c AS MATERIALIZED (SELECT s, sum(k) AS n FROM t GROUP BY s) SELECT x.s, y.n FROM c x, c y WHERE x.n = y.n + 1",
        "WITH c AS (SELECT k, s FROM t ORDER BY s LIMIT 900) SELECT (SELECT count(*) FROM c), k FROM c EXCEPT SELECT 1, k FROM c WHERE k % 3",
        "SELECT a.k, b.n FROM v AS a, v AS b WHERE a.k = b.k AND a.n < b.n",
        "SELECT a.n FROM v AS a LEFT JOIN v AS b ON a.s = b.s AND b.k > a.k WHERE b.k IS NULL",
    ]);
}

#[test]
fn recursion() {
    check(&[
        "WITH RECURSIVE c(a, b) AS (SELECT id, k FROM u WHERE id < 500 UNION SELECT a + 1, b FROM c WHERE a % 7) SELECT a, b FROM c",
        "WITH RECURSIVE c(a) AS (SELECT 1 UNION SELECT (a * 7 + 3) % 4001 FROM c) SELECT a FROM c",
        "WITH RECURSIVE c(a, s) AS (SELECT 1, 'x' UNION SELECT (a * 3) % 1201, s || a % 5 FROM c, (SELECT 1 UNION SELECT 2) WHERE length(s) < 9) SELECT * FROM c",
        "WITH RECURSIVE c(a, n) AS (SELECT id, 0 FROM u UNION ALL SELECT a * 2 % 997, n + 1 FROM c WHERE n < 3) SELECT a, n FROM c",
        "WITH RECURSIVE c(a, n) AS (SELECT id, 0 FROM u WHERE id < 600 UNION ALL SELECT a * 5 % 997, n + 1 FROM c WHERE n < 3 ORDER BY 1, 2 DESC) SELECT a, n FROM c",
        "WITH RECURSIVE c(s, n) AS (SELECT s, 0 FROM u UNION SELECT substr(s, 2), n + 1 FROM c WHERE n < 4 ORDER BY 2 DESC, 1) SELECT s, n FROM c LIMIT 1500",
        "WITH RECURSIVE c(p, n) AS (VALUES('', 0) UNION ALL SELECT p || d, n + 1 FROM c, (SELECT 'a' AS d UNION ALL SELECT 'b' UNION ALL SELECT 'c') WHERE n < 6) SELECT count(*), sum(length(p)), max(p) FROM c",
    ]);
}

#[test]
fn writes() {
    check(&[
        "INSERT INTO t(k, s, r, g) SELECT id, s, r, g FROM t RETURNING id, k, s",
        "UPDATE t SET k = k + 1, g = (SELECT count(*) FROM u WHERE u.id < t.k % 10) WHERE id % 2 RETURNING id, g, s",
        "UPDATE t SET id = id + 100000 WHERE k % 3 = 0",
        "UPDATE t SET s = u.s, k = u.id FROM u WHERE u.k = t.k OR u.k = t.id",
        "UPDATE w SET b = b + 5000 WHERE c IS NULL",
        "UPDATE w SET c = t.r FROM t WHERE t.s = w.a",
        "DELETE FROM t WHERE g IN (SELECT g FROM t WHERE id < 3) AND id % 5 = 1 RETURNING *",
        "DELETE FROM w WHERE b % 7 = 2",
        "CREATE TABLE copy AS SELECT * FROM t ORDER BY s, id",
        "CREATE INDEX copy_s ON copy(s, k DESC)",
        "ALTER TABLE copy DROP COLUMN r",
        "ALTER TABLE t DROP COLUMN r",
        "ALTER TABLE w DROP COLUMN c",
        "VACUUM",
        "SELECT * FROM copy",
        "SELECT * FROM t",
        "SELECT * FROM w",
        "PRAGMA integrity_check",
    ]);
}
