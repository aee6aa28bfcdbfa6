//! More rows than there is memory for, and look-ups that become hash tables on the way: the same rows as SQLite's, in the same order.

use crate::both::{Both, run_ours, run_theirs};

const SCHEMA: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, k INT, s TEXT COLLATE NOCASE, r, g INT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO t SELECT i, i * 7919 % 4001, CASE i % 3 WHEN 0 THEN 'Name ' ELSE 'nAME ' END || (i * 31 % 1777),
        CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN i / 7.0 WHEN 2 THEN 'x' || i % 50 ELSE i % 100 END, i % 10 FROM n;
    CREATE TABLE u(id INTEGER PRIMARY KEY, k INT, s TEXT, w);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
      INSERT INTO u SELECT i, CASE WHEN i % 17 = 0 THEN NULL ELSE i * 48271 % 6007 END, 'name ' || (i % 2500), i * 0.5 FROM n;
    CREATE TABLE x(a INT, b INT, c TEXT, d);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
      INSERT INTO x SELECT i * 271 % 701, i % 13, 'c' || i % 29, CASE WHEN i % 4 = 0 THEN i END FROM n;
    CREATE INDEX x_ab ON x(a, b);
    CREATE INDEX x_c ON x(c);
";

/// Runs each query on both, ours with so much memory for each sort, grouping and join.
#[track_caller]
fn check(budget: usize, queries: &[&str]) {
    let both = Both::with(SCHEMA);
    run_ours(&both.ours, &format!("PRAGMA soft_heap_limit = {budget}")).unwrap();
    for sql in queries {
        let (mut ours, mut theirs) = (run_ours(&both.ours, sql), run_theirs(&both.theirs, sql));
        if sql.starts_with("/* any order */") {
            ours.as_mut().map(|rows| rows.sort()).ok();
            theirs.as_mut().map(|rows| rows.sort()).ok();
        }
        let differs = |(ours, theirs): (&Vec<Vec<String>>, &Vec<Vec<String>>)| {
            let rows = ours.iter().zip(theirs).position(|(a, b)| a != b);
            rows.or((ours.len() != theirs.len()).then_some(ours.len().min(theirs.len())))
        };
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                if let Some(row) = differs((ours, theirs)) {
                    panic!(
                        "{budget}: {sql}\n{} rows, {} in SQLite; row {row} is {:?} instead of {:?}",
                        ours.len(),
                        theirs.len(),
                        ours.get(row),
                        theirs.get(row)
                    );
                }
            }
            _ => assert_eq!(ours, theirs, "{sql}"),
        }
    }
}

const BUDGETS: [usize; 2] = [40_000, 1 << 30];

#[test]
fn groups_beyond_the_budget() {
    for budget in BUDGETS {
        check(
            budget,
            &[
                "SELECT k, count(*), sum(id), min(s), max(r), avg(id) FROM t GROUP BY k",
                "SELECT s, k, count(*), group_concat(id) FROM t GROUP BY s, k % 5",
                "SELECT lower(s), max(id), r, k FROM t GROUP BY s",
                "SELECT k, count(DISTINCT g), sum(DISTINCT r) FROM t GROUP BY k % 1500",
                "SELECT r, typeof(r), count(*) FROM t GROUP BY r HAVING count(*) > 1",
                "SELECT g, group_concat(s ORDER BY k DESC), count(*) FILTER (WHERE id % 2) FROM t GROUP BY g",
                "SELECT k, json_group_array(id) FROM t WHERE id < 2000 GROUP BY k",
                "SELECT count(*) FROM (SELECT k, id % 7 FROM t GROUP BY 1, 2)",
            ],
        );
    }
}

/// What a subquery sorts comes out as text, and what an aggregate sorts is JSON or text as with SQLite, whether the sort needed files or not.
#[test]
fn json_in_sorted_runs() {
    for budget in BUDGETS {
        check(
            budget,
            &[
                "SELECT json_group_array(j) FROM (SELECT json_object('k', k, 's', s) AS j, r FROM t ORDER BY s, id LIMIT 4000)",
                "SELECT json_group_array(json_object('k', k, 's', s) ORDER BY s, id) FROM t WHERE id <= 4000",
                "SELECT json_array(k, json_object('s', s)) FROM t ORDER BY s, id",
            ],
        );
    }
}

#[test]
fn distinct_rows_beyond_the_budget() {
    for budget in BUDGETS {
        check(
            budget,
            &[
                "SELECT DISTINCT k FROM t",
                "SELECT DISTINCT s FROM t",
                "SELECT DISTINCT r, g FROM t",
                "SELECT DISTINCT s, r FROM t LIMIT 100 OFFSET 2000",
                "SELECT k, s FROM t UNION SELECT k, s FROM u ORDER BY 1, 2",
                "SELECT DISTINCT json_array(k) FROM t",
            ],
        );
    }
}

#[test]
fn hash_joins_beyond_the_budget() {
    for budget in BUDGETS {
        check(
            budget,
            &[
                "SELECT t.id, u.id, u.w FROM t JOIN u ON u.k = t.k ORDER BY t.id, u.id",
                "SELECT t.id, u.id FROM t LEFT JOIN u ON u.k = t.k AND u.w > 100 ORDER BY t.id, u.id",
                "/* any order */ SELECT t.id, u.id, t.s FROM t RIGHT JOIN u ON u.k = t.k",
                "/* any order */ SELECT t.id, u.id FROM t FULL JOIN u ON u.k = t.k AND t.s = u.s",
                "SELECT t.id, u.id FROM t, u WHERE t.s = u.s ORDER BY t.id, u.id",
                "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.w < t.id)",
                "SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k)",
                "SELECT count(*), sum(t.id * u.id) FROM t JOIN u ON u.k = t.k AND u.s <> t.s",
            ],
        );
    }
}

#[test]
fn lookups_that_become_hash_tables() {
    for budget in BUDGETS {
        check(
            budget,
            &[
                "SELECT t.id, u.w FROM t JOIN u ON u.id = t.k",
                "SELECT t.id, u.w FROM t LEFT JOIN u ON u.id = t.k AND u.w > 700",
                "SELECT t.id, u.w FROM t LEFT JOIN u ON u.id = t.k WHERE u.w IS NULL OR u.w > t.id",
                "SELECT t.id, x.b, x.d FROM t JOIN x ON x.a = t.k WHERE t.id > 5 ORDER BY t.id, x.b, x.rowid",
                "/* any order */ SELECT t.id, x.b, x.d FROM t JOIN x ON x.a = t.k",
                "SELECT t.id, x.b FROM t JOIN x ON x.a = t.k AND x.b = t.g ORDER BY t.id, x.rowid",
                "SELECT t.id, x.b FROM t LEFT JOIN x ON x.a = t.k AND x.b = t.g AND x.d > t.id",
                "SELECT id FROM t WHERE EXISTS (SELECT * FROM x WHERE x.a = t.k)",
                "SELECT id FROM t WHERE EXISTS (SELECT * FROM x WHERE x.a = t.k AND x.d > t.id % 900)",
                "SELECT id FROM t WHERE NOT EXISTS (SELECT * FROM x WHERE x.a = t.k AND x.b <> t.g)",
                "SELECT id, EXISTS (SELECT 1 FROM x WHERE x.a = t.k AND upper(x.c) = 'C1') FROM t",
                "SELECT id FROM t WHERE id % 2 = 0 AND EXISTS (SELECT 1 FROM u WHERE u.id = t.k AND u.s = t.s)",
                "SELECT t.id, u.id FROM t JOIN u ON u.id = t.r",
                "SELECT t.id, (SELECT sum(x.d) FROM x WHERE x.a = t.k AND x.b = t.g) FROM t",
                "SELECT t.id, u.w FROM t JOIN u ON u.id = t.k LIMIT 10 OFFSET 3000",
                "SELECT count(*) FROM t JOIN u ON u.id = t.k JOIN x ON x.a = u.id AND x.b = t.g",
                "SELECT a.id, b.id FROM t a JOIN t b ON b.id = a.k WHERE b.s LIKE 'name 1%' AND abs(b.id) > 10",
            ],
        );
    }
}

#[test]
fn an_or_over_several_tables() {
    check(
        1 << 30,
        &[
            "/* any order */ SELECT t.id, u.id FROM t, u WHERE t.k = u.id AND t.g = 1 AND u.w < 50 OR t.k = u.id AND t.g = 2 AND u.w > 1400",
            "/* any order */ SELECT t.id, u.id FROM t, u WHERE (t.k = u.id AND t.g = 1) OR (t.k = u.id)",
            "/* any order */ SELECT t.id, u.id FROM t LEFT JOIN u ON t.k = u.id WHERE t.g = 1 AND u.w IS NULL OR t.g = 2 AND u.w > 1400",
            "/* any order */ SELECT t.id, x.b FROM t, x WHERE (t.id = 5 AND x.a = 3) OR (t.id = 6 AND x.a = 4) OR (t.id = 6 AND x.a = 5)",
        ],
    );
}
