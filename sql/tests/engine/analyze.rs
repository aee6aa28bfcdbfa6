//! EXPLAIN ANALYZE: the statement runs, and the counts are those of its rows.

use aludel_sql::Connection;

use crate::both::Both;

/// Detail, rows and loops of each line; times are those of the day.
fn lines(connection: &Connection, sql: &str) -> Vec<(String, i64, i64)> {
    let mut statement = connection.prepare(sql).unwrap();
    assert!(statement.is_explain());
    assert_eq!(
        statement.column_names(),
        ["id", "parent", "detail", "estimate", "rows", "loops", "ms"]
    );
    let mut rows = statement.query(()).unwrap();
    let mut lines: Vec<(String, i64, i64)> = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let (id, parent): (i64, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
        assert_eq!(id, lines.len() as i64 + 1);
        assert!(parent < id);
        assert!(row.get::<f64>(6).unwrap() >= 0.0);
        lines.push((row.get(2).unwrap(), row.get(4).unwrap(), row.get(5).unwrap()));
    }
    lines
}

fn shop() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE posts(author INTEGER, likes INTEGER);
             CREATE INDEX by_author ON posts(author);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO users SELECT i, 'user ' || i FROM n;
             INSERT INTO posts SELECT users.id % 10 + 1, users.id FROM users, (VALUES (1), (2), (3)); ANALYZE",
        )
        .unwrap();
    connection
}

#[test]
fn a_query_tells_what_each_operator_did() {
    let connection = shop();
    let line = |detail: &str, rows, loops| (detail.to_owned(), rows, loops);
    assert_eq!(
        lines(
            &connection,
            "EXPLAIN ANALYZE SELECT author, sum(likes) FROM posts GROUP BY author ORDER BY 2 DESC LIMIT 3"
        )
        .iter()
        .map(|(detail, rows, _)| (detail.as_str(), *rows))
        .filter(|(detail, _)| detail.starts_with("LIMIT")
            || detail.starts_with("GROUP")
            || detail.starts_with("SCAN"))
        .collect::<Vec<_>>()
        .len(),
        3
    );
    let looped = lines(
        &connection,
        "EXPLAIN ANALYZE SELECT name, (SELECT count(*) FROM posts WHERE author = id) FROM users WHERE id <= 5",
    );
    let search = looped
        .iter()
        .find(|(detail, ..)| detail.contains("by_author"))
        .unwrap();
    assert_eq!(
        search,
        &line("SEARCH posts USING COVERING INDEX by_author (author=?)", 1500, 5)
    );
    let users = looped
        .iter()
        .find(|(detail, ..)| detail.starts_with("SEARCH users"))
        .unwrap();
    assert_eq!(users, &line("SEARCH users USING PRIMARY KEY (rowid<?)", 5, 1));
}

#[test]
fn estimates_stand_beside_the_counts() {
    let connection = shop();
    // Estimates are powers of the tenth root of two.
    let estimate: i64 = connection
        .query_row("EXPLAIN ANALYZE SELECT * FROM posts", (), |row| row.get(3))
        .unwrap();
    assert!((2800..3200).contains(&estimate), "{estimate}");
}

/// A join that looks its inner rows up by key does that itself; what it looks up has a line all the same, in which nothing is counted.
#[test]
fn what_a_join_looks_up_by_key_has_a_line() {
    let connection = shop();
    let sql = "SELECT name, likes FROM posts JOIN users ON users.id = posts.author";
    let search = "SEARCH users USING PRIMARY KEY (rowid=?)";
    let plan = connection.plan(sql).unwrap();
    let line = plan.iter().find(|line| line.detail == search).unwrap();
    assert_eq!(plan[line.parent - 1].detail, "NESTED LOOP");
    assert!(line.estimate.is_some());
    let mut statement = connection.prepare(&format!("EXPLAIN ANALYZE {sql}")).unwrap();
    let mut rows = statement.query(()).unwrap();
    let mut counted = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let detail: String = row.get(2).unwrap();
        counted.push((detail, row.get::<Option<i64>>(4).unwrap()));
    }
    assert!(counted.contains(&(search.to_owned(), None)), "{counted:?}");
    assert!(
        counted.contains(&("NESTED LOOP".to_owned(), Some(3000))),
        "{counted:?}"
    );
}

#[test]
fn a_write_is_done_and_counted() {
    let connection = shop();
    let count = |sql: &str| connection.query_row(sql, (), |row| row.get::<i64>(0)).unwrap();
    for (sql, detail, rows) in [
        (
            "EXPLAIN ANALYZE INSERT INTO posts SELECT id, 0 FROM users WHERE id > 990",
            "INSERT INTO posts",
            10,
        ),
        (
            "EXPLAIN ANALYZE UPDATE posts SET likes = -1 WHERE author = 3",
            "UPDATE posts",
            300,
        ),
        (
            "EXPLAIN ANALYZE DELETE FROM posts WHERE likes = -1",
            "DELETE FROM posts",
            300,
        ),
        (
            "EXPLAIN ANALYZE INSERT INTO users VALUES (5000, 'x'), (5001, 'y') RETURNING id",
            "INSERT INTO users",
            2,
        ),
    ] {
        let lines = lines(&connection, sql);
        assert_eq!(lines[0], (detail.to_owned(), rows, 1), "{sql}");
        assert!(lines.len() > 1, "{sql}: {lines:?}");
    }
    assert_eq!(count("SELECT count(*) FROM posts"), 2710);
    assert_eq!(count("SELECT count(*) FROM users"), 1002);
}

#[test]
fn each_run_counts_anew_and_takes_its_parameters() {
    let connection = shop();
    let mut statement = connection
        .prepare("EXPLAIN ANALYZE SELECT * FROM users WHERE id <= ?1")
        .unwrap();
    for bound in [7_i64, 3, 0] {
        let mut rows = statement.query((bound,)).unwrap();
        let row = rows.next().unwrap().unwrap();
        assert_eq!(row.get::<i64>(4).unwrap(), bound);
    }
}

#[test]
fn what_fails_fails_and_what_is_a_command_is_explained() {
    let connection = shop();
    let error = connection
        .query_row("EXPLAIN ANALYZE SELECT abs(-9223372036854775808)", (), |_| Ok(()))
        .unwrap_err();
    assert_eq!(error.to_string(), "integer overflow");
    let both = Both::with("CREATE TABLE t(a)");
    both.check("EXPLAIN QUERY PLAN ANALYZE t");
    let both = Both::with("CREATE TABLE analyze_me(a)");
    both.check_loosely("EXPLAIN ANALYZE CREATE TABLE u(a); EXPLAIN ANALYZE EXPLAIN SELECT 1");
}

/// What the scans of a table gave and how often they began.
fn scanned(connection: &Connection, sql: &str, table: &str) -> (i64, i64) {
    let all = lines(connection, &format!("EXPLAIN ANALYZE {sql}"));
    let reads = |detail: &str| {
        let mut words = detail.split(' ');
        matches!(words.next(), Some("SCAN" | "SEARCH")) && words.next() == Some(table)
    };
    let found = all.iter().filter(|(detail, ..)| reads(detail));
    found.fold((0, 0), |sum, (_, rows, loops)| (sum.0 + rows, sum.1 + loops))
}

#[test]
fn what_nothing_is_joined_with_is_not_read() {
    let connection = shop();
    connection
        .execute_batch("CREATE TABLE prices(likes INTEGER); INSERT INTO prices SELECT likes FROM posts")
        .unwrap();
    for (rows, sql) in [
        (
            0,
            "SELECT count(*) FROM users JOIN prices ON prices.likes + 0 = users.id + 0 WHERE users.name = 'nobody'",
        ),
        (
            0,
            "SELECT count(*) FROM users LEFT JOIN prices ON prices.likes + 0 = users.id + 0 WHERE users.name = 'nobody'",
        ),
        (
            0,
            "SELECT name FROM users WHERE name = 'nobody' EXCEPT SELECT likes FROM prices",
        ),
        (
            0,
            "SELECT name FROM users WHERE name = 'nobody' INTERSECT SELECT likes FROM prices",
        ),
        (
            3000,
            "SELECT name FROM users WHERE id = 7 EXCEPT SELECT likes FROM prices",
        ),
    ] {
        assert_eq!(scanned(&connection, sql, "prices").0, rows, "{sql}");
    }
}

#[test]
fn exists_reads_as_far_as_the_first_match() {
    let connection = shop();
    // Each author has 100 likes, of which two in three pass.
    connection
        .execute_batch(
            "CREATE TABLE likes(id INTEGER PRIMARY KEY, author INTEGER, likes INTEGER) WITHOUT ROWID; CREATE INDEX of_author ON likes(author);
             INSERT INTO likes SELECT likes, author, likes FROM posts GROUP BY likes",
        )
        .unwrap();
    let sql = "SELECT count(*) FROM users WHERE id <= 10 AND NOT EXISTS (SELECT 1 FROM likes WHERE author = users.id AND likes % 3 > 0)";
    let (rows, loops) = scanned(&connection, sql, "likes");
    assert_eq!(loops, 10);
    assert!(rows < 100, "{rows}");
}

#[test]
fn members_of_a_union_give_their_first_rows_only() {
    let connection = shop();
    let sql = "SELECT id FROM users UNION ALL SELECT author FROM posts ORDER BY 1 LIMIT 4";
    for table in ["users", "posts"] {
        let (rows, _) = scanned(&connection, sql, table);
        assert!((4..100).contains(&rows), "{table}: {rows}");
    }
    let both = Both::with(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 5), (2, 4), (3, 3), (4, NULL), (5, 1)",
    );
    for sql in [
        "SELECT a FROM t UNION ALL SELECT b FROM t ORDER BY 1 LIMIT 3",
        "SELECT a FROM t UNION ALL SELECT b FROM t ORDER BY 1 DESC LIMIT 3 OFFSET 2",
        "SELECT a FROM t UNION ALL SELECT b FROM t ORDER BY 1 LIMIT -1 OFFSET 2",
        "SELECT a FROM t UNION ALL SELECT b FROM t ORDER BY 1 LIMIT 9223372036854775807 OFFSET 9",
        "SELECT DISTINCT a % 2 FROM t UNION ALL SELECT max(b) FROM t GROUP BY a % 2 ORDER BY 1 LIMIT 3 OFFSET 1",
        "SELECT a FROM t UNION ALL VALUES (2), (9) UNION ALL SELECT b FROM t WHERE a > 2 ORDER BY 1 DESC NULLS FIRST LIMIT 4",
        "SELECT * FROM (SELECT a, b FROM t UNION ALL SELECT b, a FROM t ORDER BY 2, 1 LIMIT 4) WHERE a IS NOT NULL",
    ] {
        both.check(sql);
    }
}

/// Window functions take the order in which rows come, by all of the keys or by the last of them.
#[test]
fn windows_sort_by_no_more_keys_than_it_takes() {
    let connection = shop();
    let sorts = |window: &str| {
        let sql = format!(
            "EXPLAIN ANALYZE SELECT sum(likes) OVER ({window}) FROM posts INDEXED BY by_author WHERE author > 0"
        );
        let lines = lines(&connection, &sql);
        let sorts = lines.iter().filter(|(detail, ..)| detail.starts_with("SORT"));
        sorts
            .map(|(detail, ..)| detail.clone())
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(sorts("PARTITION BY author"), "");
    assert_eq!(sorts("PARTITION BY author ORDER BY rowid"), "");
    assert_eq!(sorts("PARTITION BY author ORDER BY rowid, likes"), "");
    assert_eq!(sorts("ORDER BY author, rowid"), "");
    assert_eq!(
        sorts("PARTITION BY likes ORDER BY author, rowid"),
        "SORT BY 1 KEY"
    );
    assert_eq!(sorts("PARTITION BY likes ORDER BY author"), "SORT BY 1 KEY");
    assert_eq!(
        sorts("PARTITION BY author ORDER BY likes"),
        "SORT BY 2 KEYS, 1 SORTED BEFORE"
    );
    assert_eq!(sorts("PARTITION BY likes ORDER BY rowid"), "SORT BY 2 KEYS");
    assert_eq!(
        sorts("PARTITION BY author ORDER BY rowid DESC"),
        "SORT BY 2 KEYS, 1 SORTED BEFORE"
    );
    assert_eq!(
        sorts("PARTITION BY likes ORDER BY author COLLATE nocase"),
        "SORT BY 2 KEYS"
    );
    assert_eq!(
        sorts("PARTITION BY likes ORDER BY author NULLS LAST"),
        "SORT BY 2 KEYS"
    );
}
