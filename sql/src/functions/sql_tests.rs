//! Functions as SQL calls them: what only shows when calls are nested, compiled and run by the whole engine.

use crate::connection::Connection;
use crate::functions::oracle::Oracle;
use crate::value::cast::cast;
use crate::value::{Affinity, Value};

/// All rows of a query by this engine.
fn ours(connection: &Connection, sql: &str) -> Result<Vec<Vec<Value>>, String> {
    let run = || -> crate::Result<Vec<Vec<Value>>> {
        let mut statement = connection.prepare(sql)?;
        let mut rows = Vec::new();
        while statement.step()? {
            rows.push(
                (0..statement.column_count())
                    .map(|i| Value::from(statement.value(i)))
                    .collect(),
            );
        }
        Ok(rows)
    };
    run().map_err(|e| e.to_string())
}

/// Runs queries here and in SQLite.
pub(crate) fn check(setup: &str, queries: &[&str]) {
    let (oracle, connection) = (Oracle::new(), Connection::open_in_memory().unwrap());
    oracle.sqlite().execute_batch(setup).unwrap();
    connection.execute_batch(setup).unwrap();
    let failures: Vec<String> = queries
        .iter()
        .filter_map(|sql| {
            let (ours, theirs) = (ours(&connection, sql), oracle.rows(sql, &[]));
            (ours != theirs).then(|| format!("{sql}\n  ours:   {ours:?}\n  sqlite: {theirs:?}"))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs queries of one value here; the expected answer is its text, or the message of the error.
pub(crate) fn check_answers(cases: &[(&str, &str)]) {
    let connection = Connection::open_in_memory().unwrap();
    for (sql, expected) in cases {
        let answer = match ours(&connection, sql) {
            Ok(rows) => match cast(rows[0][0].as_ref(), Affinity::Text) {
                Value::Text(text) => text.to_string(),
                other => format!("{other:?}"),
            },
            Err(message) => message,
        };
        assert_eq!(answer, *expected, "{sql}");
    }
}

#[test]
fn nested_calls() {
    check(
        "",
        &[
            "SELECT json_array(json('[1]'), '[1]', json_object('a', json_array(1)))",
            "SELECT json_array(json_extract('{\"a\":[1]}', '$.a'), json_extract('{\"a\":\"[1]\"}', '$.a'))",
            "SELECT json_array('[1]' -> '$', '[1]' ->> '$', '{\"a\":5}' -> 'a', '{\"a\":5}' ->> 'a')",
            "SELECT json_set('{}', '$.a', json('[1]'), '$.b', '[1]')",
            "SELECT json_array(coalesce(NULL, json('[1]')), CASE WHEN 1 THEN json('[1]') END, iif(1, json('[2]'), 0))",
            "SELECT json_object('k', json_quote('x'), 'm', json_quote(json('{}')))",
            "SELECT subtype(json('1')), subtype('1'), subtype(json_extract('[1]','$[0]'))",
            "SELECT '{\"a\":{\"b\":[1,2]}}' -> 'a' -> 'b' ->> 1",
            "SELECT coalesce(NULL, 1, abs(-9223372036854775808)), ifnull(NULL, 2), iif(0, 1), iif(NULL, 1, 0, 2, 3)",
            "SELECT likely(1), unlikely(0), likelihood('x', 0.5), nullif(1, 1.0), nullif('a' COLLATE NOCASE, 'A')",
            "SELECT max('a' COLLATE NOCASE, 'B'), min('a', 'B' COLLATE NOCASE), max('a', 'B')",
            "SELECT printf('%s-%d-%.2f', 'a', 5, 1.005), format('%Q', NULL)",
            "SELECT 'abc' LIKE 'A%', 'abc' GLOB 'A*', 'a%c' LIKE 'a\\%c' ESCAPE '\\', 'abc' NOT LIKE 'x', NULL LIKE 'a', like('a%', 'ABC')",
            "SELECT substr('hello', 2, 3), replace('aXbX', 'X', '--'), upper('é'), hex('é'), unicode('é'), char(233, 65)",
            "SELECT date('2024-01-31', '+1 month'), strftime('%j', '2024-12-31'), julianday('2000-01-01'), typeof(unixepoch())",
            "SELECT date('now') = date(), typeof(current_timestamp), length(current_date), current_time IS NOT NULL",
            "SELECT abs(-9223372036854775808)",
            "SELECT json('{')",
            "SELECT nosuchfunction(1)",
            "SELECT abs()",
            "SELECT abs(1, 2)",
            "SELECT round(2.5), round(-0.5), sign(-3), 7 % 3, -7 / 2, 5 / 0, 1 << 65, ~5, 'a' || 1 || 2.5",
            "SELECT CAST('12abc' AS INTEGER), CAST(1e20 AS TEXT), CAST(x'3132' AS TEXT), CAST('1e2' AS NUMERIC), 0.1 + 0.2, 1e22, 100.0",
            "SELECT typeof(zeroblob(3)), length(zeroblob(3)), quote(zeroblob(2)), total_changes() >= 0, typeof(random())",
            "SELECT last_insert_rowid(), changes(), sqlite_version()",
        ],
    );
}

#[test]
fn aggregates_and_windows() {
    let setup = "CREATE TABLE t(a, b); INSERT INTO t VALUES(1,'x'),(2,'y'),(NULL,'z'),(2.5,'x'),('3','y'),('q',NULL),(9223372036854775807,'w')";
    check(
        setup,
        &[
            "SELECT count(*), count(a), count(DISTINCT b), total(a), avg(a), min(a), max(a), typeof(sum(a)) FROM t",
            "SELECT group_concat(b), group_concat(b, '-'), string_agg(b, '') FROM t",
            "SELECT group_concat(DISTINCT b) FROM t",
            "SELECT group_concat(b ORDER BY b DESC) FROM t",
            "SELECT json_group_array(a), json_group_object(b, a) FROM t",
            "SELECT b, count(*), min(a), max(a) FROM t GROUP BY b ORDER BY b",
            "SELECT sum(a) FROM t WHERE typeof(a) = 'integer'",
            "SELECT sum(a) OVER (ORDER BY rowid ROWS 1 PRECEDING) FROM t WHERE rowid < 5",
            "SELECT group_concat(b, '.') OVER (ORDER BY rowid ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM t",
            "SELECT json_group_array(b) OVER (ORDER BY rowid ROWS 2 PRECEDING) FROM t",
            "SELECT count(*) FILTER (WHERE b = 'x'), avg(a) FILTER (WHERE a < 3) FROM t",
            "SELECT sum(a), min(a), group_concat(a), count(a), total(a), json_group_array(a) FROM t WHERE 0",
            "SELECT max(a), b FROM t",
        ],
    );
}

#[test]
fn bytes_of_text_are_those_of_the_encoding() {
    let queries = [
        "SELECT hex(CAST('aé' AS BLOB)), CAST(x'61006200' AS TEXT), CAST(x'00610062' AS TEXT), hex('aé'), length('aé')",
        "SELECT CAST(x'310032002E003500' AS REAL), CAST(x'00310032' AS INTEGER), CAST(x'31003200' AS NUMERIC)",
        "SELECT octet_length('aé'), octet_length(12), octet_length(x'00'), hex(CAST(12 AS BLOB))",
    ];
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        check(
            &format!("PRAGMA encoding = '{encoding}'; CREATE TABLE t(a)"),
            &queries,
        );
        // Before there is a file, its encoding holds already.
        check(&format!("PRAGMA encoding = '{encoding}'"), &queries);
    }
}

#[test]
fn the_clock_is_refused_where_results_must_stay() {
    let setup = "CREATE TABLE c(x CHECK(date(x) > '2000')); CREATE TABLE g(x, y AS (date(x)) STORED); CREATE TABLE i(x); CREATE INDEX ix ON i(datetime(x));
        CREATE TABLE w(x, m); INSERT INTO w VALUES('now', 0)";
    check(
        setup,
        &[
            "INSERT INTO c VALUES('now') RETURNING x",
            "INSERT INTO c VALUES('2020-01-01') RETURNING x",
            "INSERT INTO g VALUES('now') RETURNING x",
            "INSERT INTO g VALUES('2020-01-01') RETURNING y",
            "INSERT INTO i VALUES('now') RETURNING x",
            "CREATE INDEX wx ON w(date(x))",
            "CREATE INDEX wy ON w(m) WHERE date(x) > '2000'",
            "SELECT 'abc' MATCH 'a'",
            "SELECT 'abc' REGEXP 'a'",
            "SELECT typeof(-00000009223372036854775808)",
        ],
    );
}
