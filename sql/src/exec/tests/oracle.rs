//! Whole queries, compared with SQLite row by row; in order when the query says ORDER BY.

use crate::connection::Connection;
use crate::value::{Value, ValueRef};

/// Both engines with the same content.
pub(super) struct Pair {
    ours: Connection,
    sqlite: rusqlite::Connection,
}

impl Pair {
    pub(super) fn new(setup: &str) -> Pair {
        let ours = Connection::open_in_memory().unwrap();
        ours.execute_batch(setup).unwrap();
        let sqlite = rusqlite::Connection::open_in_memory().unwrap();
        sqlite.execute_batch(setup).unwrap();
        Pair { ours, sqlite }
    }

    /// Runs the query on both, twice on ours (the second run reuses operators).
    pub(super) fn check(&self, query: &str) {
        let expected = self.sqlite_rows(query);
        let mut statement = match (self.ours.prepare(query), &expected) {
            (Ok(statement), _) => statement,
            (Err(_), Err(_)) => return,
            (Err(error), Ok(_)) => panic!("{query}: {error}"),
        };
        for run in 1..=2 {
            let mut found = Vec::new();
            let outcome = loop {
                match statement.step() {
                    Ok(true) => {
                        let row = (0..statement.column_count()).map(|n| Value::from(statement.value(n)));
                        found.push(row.collect::<Vec<Value>>());
                    }
                    Ok(false) => break Ok(()),
                    Err(error) => break Err(error.to_string()),
                }
            };
            match (&expected, outcome) {
                (Ok(expected), Ok(())) => assert!(
                    same(query, &found, expected),
                    "run {run}: {query}\n ours   {}\n sqlite {}",
                    brief(&found, expected),
                    brief(expected, &found),
                ),
                (Err(_), Err(_)) => {}
                (expected, outcome) => {
                    panic!(
                        "run {run}: {query}\n ours {outcome:?}\n sqlite {:?}",
                        expected.as_ref().err()
                    )
                }
            }
            statement.reset();
        }
    }

    fn sqlite_rows(&self, query: &str) -> Result<Vec<Vec<Value>>, rusqlite::Error> {
        let mut statement = self.sqlite.prepare(query)?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..width).map(|n| match row.get_ref(n).unwrap() {
                rusqlite::types::ValueRef::Null => Value::Null,
                rusqlite::types::ValueRef::Integer(v) => Value::Integer(v),
                rusqlite::types::ValueRef::Real(v) => Value::Real(v),
                rusqlite::types::ValueRef::Text(v) => Value::from(ValueRef::Text(v)),
                rusqlite::types::ValueRef::Blob(v) => Value::from(ValueRef::Blob(v)),
            });
            all.push(values.collect());
        }
        Ok(all)
    }
}

/// Without ORDER BY the engines may have taken different indexes, and so the rows may come in another order.
fn same(query: &str, found: &[Vec<Value>], expected: &[Vec<Value>]) -> bool {
    if query.contains("ORDER BY") {
        return found == expected;
    }
    let sorted = |rows: &[Vec<Value>]| {
        let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
        rows.sort();
        rows
    };
    sorted(found) == sorted(expected)
}

/// The rows around the first that differs.
fn brief(rows: &[Vec<Value>], other: &[Vec<Value>]) -> String {
    let first = rows
        .iter()
        .zip(other)
        .position(|(a, b)| a != b)
        .unwrap_or(rows.len().min(other.len()));
    let from = first.saturating_sub(1);
    format!(
        "{} rows, from {from}: {:?}",
        rows.len(),
        &rows[from..rows.len().min(from + 6)]
    )
}

const SETUP: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT, c REAL, d INT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
      INSERT INTO t SELECT i, CASE i % 11 WHEN 0 THEN NULL WHEN 1 THEN 'x' || i WHEN 2 THEN i + 0.5 ELSE i % 17 END,
        CASE WHEN i % 13 = 0 THEN NULL ELSE substr('Alpha beta GAMMA delta', i % 17 + 1, i % 6) END,
        CASE WHEN i % 7 = 0 THEN NULL ELSE (i * 37 % 101) / 4.0 END, i * 7919 % 97 FROM n;
    CREATE TABLE u(k, v TEXT COLLATE NOCASE, w);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
      INSERT INTO u SELECT CASE i % 9 WHEN 0 THEN NULL WHEN 1 THEN '5' WHEN 2 THEN i * 1.0 ELSE i % 31 END,
        substr('aLPHA BETA gamma', i % 13 + 1, i % 5), i FROM n;
    CREATE INDEX t_d ON t(d);
    CREATE INDEX t_ba ON t(b, a DESC);
    CREATE TABLE wr(x TEXT, y INT, z, PRIMARY KEY(y, x)) WITHOUT ROWID;
    INSERT INTO wr SELECT b || id, d, c FROM t WHERE b IS NOT NULL;
    CREATE TABLE empty(p, q);
";

fn check_all(queries: &[&str]) {
    let pair = Pair::new(SETUP);
    queries.iter().for_each(|query| pair.check(query));
}

#[test]
fn expressions() {
    check_all(&[
        "SELECT a + c, a - d, a * c, a / d, a % 5, -a, a || b, ~d, a & 3, a | 8, d << 2, d >> 1 FROM t",
        "SELECT id FROM t WHERE a > 5 AND (b LIKE '%a%' OR c IS NULL)",
        "SELECT id FROM t WHERE NOT (a > 5 OR b LIKE 'A%')",
        "SELECT a > 5, a = b, a IS b, a IS NOT NULL, c BETWEEN 3 AND 9.5, NOT b, a <> 3 AND c < 5 FROM t",
        "SELECT CASE WHEN a > 9 THEN b WHEN c > 9 THEN c ELSE d END, CASE d % 3 WHEN 0 THEN 'z' WHEN 1 THEN a END FROM t",
        "SELECT coalesce(a, b, c, d), ifnull(c, b), nullif(d, 5), iif(a > 3, b, c) FROM t",
        "SELECT a IN (1, 2, 'x12', 3.5), a NOT IN (1, NULL), d IN (id, 5), b IN ('A', 'Al') FROM t",
        "SELECT CAST(a AS TEXT), CAST(b AS INTEGER), CAST(c AS INT), CAST(a AS NUMERIC), CAST(d AS REAL) FROM t",
        "SELECT b GLOB 'A*', b LIKE '_l%', b LIKE 'a\\%' ESCAPE '\\', a LIKE '1%', b NOT LIKE '%a' FROM t",
        "SELECT length(b), upper(b), substr(b, 2, 2), abs(c - 9), round(c), typeof(a), max(a, d), min(b, 'M') FROM t",
        "SELECT id FROM t WHERE a = '5' OR d = '5' OR c = '5.25'",
        "SELECT abs(-9223372036854775808)",
        "SELECT 9223372036854775807 + id, 9223372036854775807 * d, -9223372036854775807 - id FROM t WHERE id < 6",
        "SELECT 1 / 0, 1 % 0, 1.0 / 0, 5 / 2, -5 / 2, 5 % -3, 5.5 % 2, 1e308 * 10",
        "SELECT json_array(b, json_array(a, 1)), json_object('k', json('[1]')) FROM t WHERE id < 4",
        "SELECT id IS TRUE, b IS NOT TRUE, c IS FALSE, NULL IS TRUE FROM t",
    ]);
}

#[test]
fn scans_and_seeks() {
    check_all(&[
        "SELECT * FROM t",
        "SELECT * FROM t ORDER BY id DESC LIMIT 7",
        "SELECT * FROM t WHERE id = 17",
        "SELECT * FROM t WHERE id IN (5, 500, 3, 5, NULL)",
        "SELECT * FROM t WHERE id > 100 AND id <= 110.5",
        "SELECT d, id FROM t WHERE d = 40",
        "SELECT * FROM t WHERE d BETWEEN 10 AND 12 ORDER BY d, id",
        "SELECT b, a, id FROM t WHERE b = 'Alp' ORDER BY a DESC, id",
        "SELECT * FROM t WHERE b = 'Alp' AND a > 3 ORDER BY id",
        "SELECT * FROM t WHERE d IN (4, 8, 15) ORDER BY d DESC, id",
        "SELECT * FROM wr",
        "SELECT * FROM wr WHERE y = 40",
        "SELECT * FROM wr WHERE y > 90 ORDER BY y DESC, x DESC",
        "SELECT count(*) FROM t",
        "SELECT count(*) FROM wr",
        "SELECT count(*), count(b), count(DISTINCT b) FROM t",
        "SELECT min(id), max(id), min(d), max(d) FROM t",
        "SELECT max(d) FROM t WHERE d < 50",
        "SELECT rowid, oid, _rowid_ FROM u LIMIT 3",
        "SELECT * FROM t WHERE d = 5 OR id = 7 OR d = 96 ORDER BY id",
    ]);
}

#[test]
fn groups() {
    check_all(&[
        "SELECT d % 10, count(*), sum(c), avg(a), min(b), max(b), total(d) FROM t GROUP BY d % 10",
        "SELECT b, count(*) FROM t GROUP BY b",
        "SELECT v, count(*), group_concat(w) FROM u GROUP BY v",
        "SELECT a, b, count(*) FROM t GROUP BY a, b HAVING count(*) > 1",
        "SELECT d, id, max(c) FROM t GROUP BY d",
        "SELECT d, id, min(c), b FROM t GROUP BY d ORDER BY 3, 1",
        "SELECT d % 5, count(DISTINCT a), sum(DISTINCT d), count(*) FILTER (WHERE c > 5) FROM t GROUP BY 1",
        "SELECT group_concat(b, '-' ORDER BY id DESC) FROM t WHERE id < 20",
        "SELECT d % 3, group_concat(DISTINCT d % 7 ORDER BY d % 7 DESC) FROM t GROUP BY d % 3",
        "SELECT sum(x) FROM (SELECT 9223372036854775807 AS x UNION ALL SELECT 1)",
        "SELECT count(*), sum(p), max(q), p FROM empty",
        "SELECT p, count(*) FROM empty GROUP BY p",
        "SELECT sum(d) + count(*), max(d) - min(d) FROM t",
        "SELECT json_group_array(d) FROM t WHERE id < 9",
        "SELECT DISTINCT b FROM t ORDER BY b",
        "SELECT DISTINCT d % 7, d % 3 FROM t ORDER BY 1, 2",
        "SELECT DISTINCT v FROM u ORDER BY v",
        "SELECT b FROM t UNION SELECT v FROM u ORDER BY 1",
        "SELECT d FROM t INTERSECT SELECT k FROM u ORDER BY 1",
        "SELECT d FROM t EXCEPT SELECT k FROM u ORDER BY 1",
    ]);
}

#[test]
fn joins() {
    check_all(&[
        "SELECT t.id, u.w FROM t JOIN u ON t.d = u.k ORDER BY 1, 2",
        "SELECT t.id, u.w FROM t LEFT JOIN u ON t.d = u.k ORDER BY 1, 2",
        "SELECT t.id, u.w FROM u LEFT JOIN t ON t.d = u.k AND t.id > 200 ORDER BY 2, 1",
        "SELECT t.id, u.w FROM t RIGHT JOIN u ON t.d = u.k ORDER BY 2, 1",
        "SELECT t.id, u.w FROM t FULL JOIN u ON t.d = u.k AND t.c > 5 ORDER BY 1, 2",
        "SELECT t.id, u.w FROM t FULL JOIN u ON t.b = u.v ORDER BY 1, 2",
        "SELECT count(*) FROM t, u WHERE t.b = u.v",
        "SELECT count(*) FROM t, u WHERE u.v = t.b",
        "SELECT x.id, y.id FROM t x JOIN t y ON x.a = y.id ORDER BY 1, 2",
        "SELECT x.id, y.id FROM t x LEFT JOIN t y ON x.a = y.id AND y.c > 10 ORDER BY 1, 2",
        "SELECT count(*) FROM t x JOIN t y ON x.d < y.d AND x.id < 20",
        "SELECT u.w, (SELECT count(*) FROM t WHERE t.d = u.k) FROM u",
        "SELECT w FROM u WHERE EXISTS (SELECT 1 FROM t WHERE t.d = u.k AND t.c > 3)",
        "SELECT w FROM u WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.d = u.k)",
        "SELECT w FROM u WHERE k IN (SELECT d FROM t WHERE id < 50)",
        "SELECT w FROM u WHERE k NOT IN (SELECT d FROM t WHERE id < 50)",
        "SELECT w FROM u WHERE k NOT IN (SELECT a FROM t)",
        "SELECT w FROM u WHERE (k, w) IN (SELECT d, id FROM t)",
        "SELECT k IN (SELECT p FROM empty), k NOT IN (SELECT p FROM empty), NULL IN (SELECT p FROM empty) FROM u",
        "SELECT id, (SELECT max(w) FROM u WHERE k > t.d), (SELECT w FROM u ORDER BY w DESC) FROM t WHERE id < 30",
        "SELECT * FROM empty JOIN t ON p = id",
        "SELECT count(*), count(p) FROM t LEFT JOIN empty ON p = id",
        "SELECT t.id, wr.x FROM t JOIN wr ON wr.y = t.d AND wr.x = t.b || t.id ORDER BY 1 LIMIT 20",
        "SELECT a.w, b.w, c.w FROM u a, u b, u c WHERE a.k = b.w AND b.k = c.w ORDER BY 1, 2, 3",
        "SELECT (SELECT x.id + y.w FROM u y WHERE y.w = x.d) FROM t x",
        "SELECT id FROM t WHERE a = (SELECT max(k) FROM u WHERE u.w < t.id)",
        "SELECT id FROM t ORDER BY (SELECT count(*) FROM u WHERE u.w < t.d), id LIMIT 10",
    ]);
}

#[test]
fn common_tables() {
    check_all(&[
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT count(*), sum(i) FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 100",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20 OFFSET 5) SELECT i FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i * 3 % 101 FROM n) SELECT * FROM n",
        "WITH RECURSIVE tree(id, depth) AS (SELECT 1, 0 UNION ALL SELECT t.id, depth + 1 FROM tree JOIN t ON t.id IN (tree.id * 2, tree.id * 2 + 1)) SELECT * FROM tree",
        "WITH RECURSIVE tree(id, depth) AS (SELECT 1, 0 UNION ALL SELECT t.id, depth + 1 FROM t JOIN tree ON t.id / 2 = tree.id ORDER BY 2 DESC, 1) SELECT * FROM tree",
        "WITH RECURSIVE p(n, a, b) AS (VALUES(1, 0, 1) UNION ALL SELECT n + 1, b, a + b FROM p WHERE n < 60) SELECT * FROM p",
        "WITH x AS (SELECT d, count(*) AS n FROM t GROUP BY d) SELECT a.d, b.d FROM x a JOIN x b ON a.n = b.n AND a.d < b.d ORDER BY 1, 2",
        "WITH x AS MATERIALIZED (SELECT * FROM u), y AS (SELECT k FROM x) SELECT count(*) FROM x JOIN y ON x.k = y.k",
        "SELECT w, (WITH z AS (SELECT d FROM t WHERE d = u.k) SELECT count(*) FROM z) FROM u",
        "WITH RECURSIVE s(i, j) AS (SELECT 1, 1 UNION SELECT j, (i + j) % 10 FROM s UNION SELECT j, 0 FROM s WHERE i = 5) SELECT * FROM s ORDER BY 1, 2",
        "VALUES (1, 'a'), (2, 'b')",
        "SELECT * FROM (VALUES (3), (1), (2)) ORDER BY 1",
    ]);
}

#[test]
fn windows_and_order() {
    check_all(&[
        "SELECT id, sum(d) OVER (PARTITION BY a ORDER BY id), row_number() OVER (ORDER BY d, id) FROM t ORDER BY id",
        "SELECT id FROM t ORDER BY a, b DESC, id",
        "SELECT id FROM t ORDER BY a DESC NULLS LAST, c NULLS FIRST, id LIMIT 50",
        "SELECT id FROM t ORDER BY v FROM u",
        "SELECT v, w FROM u ORDER BY v, w DESC",
        "SELECT id FROM t ORDER BY c LIMIT 10 OFFSET 390",
        "SELECT id FROM t ORDER BY id LIMIT -1 OFFSET 395",
        "SELECT id FROM t LIMIT 'x'",
        "SELECT id FROM t LIMIT 0",
        "SELECT b, c FROM t ORDER BY length(b), b COLLATE NOCASE, id",
    ]);
}

#[test]
fn filters_in_stages() {
    check_all(&[
        "SELECT * FROM t WHERE d > 20 AND c > 5 AND b LIKE '%a%' AND d < 90",
        "SELECT id FROM t WHERE c > 5 AND c + d > 40 AND b IS NOT NULL",
        "SELECT count(*) FROM t WHERE d >= 0 AND c IS NULL AND length(b) > 2",
        "SELECT * FROM u WHERE w > 50 AND k > 3 AND v = 'BETA'",
        "SELECT a FROM t WHERE d % 2 = 0 AND (c > 3 OR b = 'beta') AND id > 17",
    ]);
}

#[test]
fn values_of_every_size() {
    let pair = Pair::new(
        "CREATE TABLE v(i, r REAL, s, b);
         WITH RECURSIVE n(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM n WHERE k < 200)
           INSERT INTO v SELECT
             CASE k % 3 WHEN 0 THEN (1 << (k % 63)) - k WHEN 1 THEN -(1 << (k % 63)) ELSE k % 2 END,
             CASE k % 5 WHEN 0 THEN k WHEN 1 THEN k / 3.0 WHEN 2 THEN NULL ELSE -k END,
             substr(hex(zeroblob(300)) || k, -(k * 7 % 310)),
             CASE k % 4 WHEN 0 THEN zeroblob(k) WHEN 1 THEN 'x' WHEN 2 THEN k END FROM n;
         CREATE TABLE long(a, b, c); INSERT INTO long SELECT i, printf('%5000s', s), r FROM v;
         ALTER TABLE v ADD COLUMN late DEFAULT 'later';
         INSERT INTO v SELECT i, r, s, b, 'new' FROM v;",
    );
    for query in [
        "SELECT * FROM v",
        "SELECT r, i, r FROM v WHERE i > 0",
        "SELECT late, length(s), typeof(b) FROM v",
        "SELECT late, s FROM v WHERE s LIKE '%12%'",
        "SELECT a, c FROM long",
        "SELECT a, length(b), c FROM long WHERE c > 10",
        "SELECT sum(i), sum(r), count(b), max(s) FROM v",
    ] {
        pair.check(query);
    }
}
