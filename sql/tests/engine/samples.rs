//! ANALYZE: the same rows in sqlite_stat1 and sqlite_stat4 as SQLite writes for the same file.

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;

/// The rows of the statistics tables, samples decoded, sorted.
fn statistics(path: &std::path::Path, with_samples: bool) -> Vec<String> {
    let sqlite = rusqlite::Connection::open(path).unwrap();
    let mut rows = Vec::new();
    let mut tables = vec!["sqlite_stat1"];
    tables.extend(with_samples.then_some("sqlite_stat4"));
    for table in tables {
        let mut statement = sqlite.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let width = statement.column_count();
        let mut found = statement.query(()).unwrap();
        while let Some(row) = found.next().unwrap() {
            let texts: Vec<String> = (0..width)
                .map(|column| match row.get_ref(column).unwrap() {
                    rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    rusqlite::types::ValueRef::Blob(blob) => decoded(blob),
                    other => format!("{other:?}"),
                })
                .collect();
            rows.push(format!("{table}: {}", texts.join(" | ")));
        }
    }
    rows.sort();
    rows
}

fn decoded(record: &[u8]) -> String {
    let view = aludel_storage::format::record::RecordView::parse(record).unwrap();
    let values: Vec<String> = view.columns().map(|value| shown(value.unwrap())).collect();
    format!("({})", values.join(", "))
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => format!("'{}'", String::from_utf8_lossy(text)),
        other => format!("{other:?}"),
    }
}

const SCHEMA: &str = "
    CREATE TABLE skewed(a INTEGER PRIMARY KEY, kind TEXT, n INT, r REAL, u UNIQUE);
    CREATE INDEX by_kind ON skewed(kind);
    CREATE INDEX by_kind_n ON skewed(kind COLLATE NOCASE, n DESC);
    CREATE INDEX by_r ON skewed(r);
    CREATE INDEX by_part ON skewed(n) WHERE kind = 'rare';
    CREATE INDEX by_length ON skewed(length(kind), n);
    CREATE UNIQUE INDEX by_all ON skewed(n, kind, a);
    CREATE TABLE plain(a, b);
    CREATE TABLE keyed(k TEXT, l INT, v, PRIMARY KEY(k, l)) WITHOUT ROWID;
    CREATE INDEX keyed_v ON keyed(v);
    CREATE TABLE no_rows(a PRIMARY KEY);
    CREATE TABLE strict_one(a INT NOT NULL UNIQUE, b INT NOT NULL, UNIQUE(b, a));
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
        INSERT INTO skewed SELECT i, CASE WHEN i % 100 = 0 THEN 'rare' WHEN i % 7 = 0 THEN 'Some' WHEN i % 31 = 0 THEN NULL ELSE 'many' END,
            (i * 7919) % 50, (i * 31) % 17, nullif(i % 400, 0) * 1000 + i FROM n;
    INSERT INTO plain VALUES (1, 2), (3, 4);
    INSERT INTO keyed SELECT kind, a, n FROM skewed WHERE kind IS NOT NULL AND a < 700;
    INSERT INTO strict_one SELECT a, a % 13 FROM skewed WHERE a < 300;
";

/// Two copies of one file, one for each engine.
fn files(folder: &tempfile::TempDir, schema: &str) -> [std::path::PathBuf; 2] {
    let [ours, theirs] = ["ours.db", "theirs.db"].map(|name| folder.path().join(name));
    rusqlite::Connection::open(&ours)
        .unwrap()
        .execute_batch(schema)
        .unwrap();
    std::fs::copy(&ours, &theirs).unwrap();
    [ours, theirs]
}

fn compare(schema: &str, script: &str, with_samples: bool) {
    let folder = tempfile::tempdir().unwrap();
    let [ours, theirs] = files(&folder, schema);
    Connection::open(&ours).unwrap().execute_batch(script).unwrap();
    rusqlite::Connection::open(&theirs)
        .unwrap()
        .execute_batch(script)
        .unwrap();
    let (own, expected) = (statistics(&ours, with_samples), statistics(&theirs, with_samples));
    let missing: Vec<_> = expected.iter().filter(|row| !own.contains(row)).collect();
    let added: Vec<_> = own.iter().filter(|row| !expected.contains(row)).collect();
    assert!(
        missing.is_empty() && added.is_empty() && own.len() == expected.len(),
        "{script}\nmissing {missing:#?}\nadded {added:#?}"
    );
    let sqlite = rusqlite::Connection::open(&ours).unwrap();
    let sound: String = sqlite
        .query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn samples_are_sqlites() {
    compare(SCHEMA, "ANALYZE", true);
}

#[test]
fn one_table_or_index_is_analyzed_anew() {
    for script in [
        "ANALYZE; DELETE FROM skewed WHERE a % 3 = 0; ANALYZE skewed",
        "ANALYZE; DELETE FROM skewed WHERE a % 3 = 0; ANALYZE by_kind",
        "ANALYZE; DELETE FROM keyed; ANALYZE keyed",
        "ANALYZE; DELETE FROM keyed; ANALYZE main",
        "ANALYZE skewed",
        "ANALYZE; DROP INDEX by_kind; DROP TABLE keyed",
        "ANALYZE; DELETE FROM sqlite_stat4; ANALYZE plain",
    ] {
        compare(SCHEMA, script, true);
    }
}

#[test]
fn a_limit_makes_analyze_shorter() {
    for limit in [1, 10, 100, 1000, 100_000] {
        compare(SCHEMA, &format!("PRAGMA analysis_limit = {limit}; ANALYZE"), true);
    }
}

/// Tables of all sizes around the number of samples, drawn by a seed that is printed.
#[test]
fn samples_of_drawn_tables_are_sqlites() {
    let seed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(1, |now| now.as_nanos() as u64)
        | 1;
    println!("seed {seed}");
    let mut state = seed;
    let mut draw = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for rows in [1, 2, 23, 24, 25, 26, 60, 300] {
        let mut schema = "CREATE TABLE t(a, b, c); CREATE INDEX i ON t(a, b, c); CREATE INDEX j ON t(c); CREATE UNIQUE INDEX k ON t(b, rowid);"
            .replace("CREATE UNIQUE INDEX k ON t(b, rowid);", "");
        for _ in 0..rows {
            schema += &format!(
                "INSERT INTO t VALUES ({}, {}, '{}');",
                draw(4),
                draw(10),
                draw(rows * 2)
            );
        }
        compare(&schema, "ANALYZE", true);
    }
}

fn plan(rows: impl Iterator<Item = String>) -> String {
    rows.collect::<Vec<_>>().join("; ")
}

/// The plans of queries with constants over a file that SQLite has analyzed: the choice between scan and index, and which index, is SQLite's. (Partial
/// indexes and skip-scans have rules of their own.)
#[test]
fn plans_follow_the_samples() {
    let folder = tempfile::tempdir().unwrap();
    let [path, _] = files(&folder, SCHEMA);
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("DROP INDEX by_part; ANALYZE")
        .unwrap();
    let (ours, theirs) = (
        Connection::open(&path).unwrap(),
        rusqlite::Connection::open(&path).unwrap(),
    );
    let mut wrong = Vec::new();
    for sql in [
        "SELECT * FROM skewed WHERE kind = 'rare'",
        "SELECT * FROM skewed WHERE kind = 'many'",
        "SELECT * FROM skewed WHERE kind = 'none'",
        "SELECT * FROM skewed WHERE kind = 'many' AND n = 7",
        "SELECT * FROM skewed WHERE kind = 'rare' AND n = 7",
        "SELECT * FROM skewed WHERE kind IN ('rare', 'none')",
        "SELECT * FROM skewed WHERE kind IS NULL",
        "SELECT * FROM skewed WHERE r = 3",
        "SELECT * FROM skewed WHERE r > 15",
        "SELECT * FROM skewed WHERE r > 1",
        "SELECT * FROM skewed WHERE r BETWEEN 2 AND 3 AND kind = 'rare'",
        "SELECT * FROM skewed WHERE r BETWEEN 2 AND 14 AND kind = 'rare'",
        "SELECT * FROM skewed WHERE u < 2000 AND kind = 'many'",
        "SELECT * FROM skewed WHERE u > 2000 AND kind = 'many'",
        "SELECT * FROM skewed WHERE u > 390000 AND kind = 'rare'",
        "SELECT * FROM skewed WHERE kind = ? AND r = 3",
        "SELECT * FROM skewed AS s JOIN skewed AS t ON s.n = t.n WHERE s.kind = 'rare' AND t.kind = 'many'",
        "SELECT * FROM skewed AS s JOIN skewed AS t ON s.n = t.n WHERE s.kind = 'many' AND t.kind = 'rare'",
        "SELECT * FROM skewed WHERE length(kind) = 4 AND kind = 'rare'",
    ] {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let mut own = ours.prepare(&sql).unwrap();
        let own = plan(
            own.query_map((), |row| row.get::<String>(3))
                .unwrap()
                .map(Result::unwrap),
        );
        let mut other = theirs.prepare(&sql).unwrap();
        let mut rows = other.raw_query();
        let mut lines = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            lines.push(row.get::<_, String>(3).unwrap());
        }
        let other = plan(lines.into_iter());
        if own != other {
            wrong.push(format!("{sql}\n   {own}\n   {other}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever sqlite_stat4 says, plans are made and answers stay what they are.
#[test]
fn hostile_samples_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let [path, _] = files(&folder, SCHEMA);
    let queries = [
        "SELECT count(*) FROM skewed WHERE kind = 'rare'",
        "SELECT count(*) FROM skewed WHERE kind = 'many' AND n BETWEEN 3 AND 9",
        "SELECT count(*) FROM skewed WHERE kind IN ('rare', 'Some', 'none') AND r > 3 AND r < 12",
        "SELECT count(*) FROM skewed WHERE kind > 'm' AND kind < 's'",
        "SELECT count(*) FROM skewed AS s JOIN keyed ON l = s.a WHERE v = 7 AND s.kind = 'rare'",
    ];
    let answers = |connection: &Connection| {
        queries.map(|sql| connection.query_row(sql, (), |row| row.get::<i64>(0)).unwrap())
    };
    let expected = answers(&Connection::open(&path).unwrap());
    let huge = u64::MAX;
    let contents = [
        "DELETE FROM sqlite_stat4".to_owned(),
        "UPDATE sqlite_stat4 SET sample = x''".to_owned(),
        "UPDATE sqlite_stat4 SET sample = x'ff'".to_owned(),
        "UPDATE sqlite_stat4 SET sample = zeroblob(100)".to_owned(),
        "UPDATE sqlite_stat4 SET sample = 'text', neq = NULL".to_owned(),
        "UPDATE sqlite_stat4 SET neq = '', nlt = 'x', ndlt = '-1'".to_owned(),
        format!("UPDATE sqlite_stat4 SET neq = '{huge} {huge} {huge} {huge}', nlt = '{huge} 0 {huge} 0', ndlt = '{huge} {huge} {huge} 1'"),
        "UPDATE sqlite_stat4 SET neq = '0 0 0 0', nlt = '0 0 0 0', ndlt = '0 0 0 0'".to_owned(),
        "UPDATE sqlite_stat4 SET nlt = '9 9 9', ndlt = '9 9 9' WHERE rowid % 2".to_owned(),
        "UPDATE sqlite_stat1 SET stat = '0 0 0 0'".to_owned(),
        format!("UPDATE sqlite_stat1 SET stat = '{huge} {huge} 1'"),
        "DELETE FROM sqlite_stat1".to_owned(),
        "INSERT INTO sqlite_stat4 SELECT tbl, idx, neq, nlt, ndlt, sample FROM sqlite_stat4, (VALUES (1), (2), (3)) ORDER BY random()".to_owned(),
        "UPDATE sqlite_stat4 SET idx = 'by_r'".to_owned(),
    ];
    for content in contents {
        let sqlite = rusqlite::Connection::open(&path).unwrap();
        sqlite.execute_batch("ANALYZE").unwrap();
        sqlite.execute_batch(&content).unwrap();
        drop(sqlite);
        let connection = Connection::open(&path).unwrap();
        assert_eq!(answers(&connection), expected, "{content}");
    }
}
