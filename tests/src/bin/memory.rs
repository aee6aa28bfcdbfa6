//! `memory [--budget MIB] [--times N] [WORD..]`: statements over N times more data than the memory budget. It fails when one of them holds more than
//! twice the budget at any time, or answers wrongly. With words, only cases that have one of them in their names run.
//!
//! The budget is set by `PRAGMA soft_heap_limit`; half of it is the cache of changed pages. What is held is counted by the allocator; the process's own peak, as the system saw it, is shown
//! beside it. Answers are sums over the whole result, or over what a write has left, that are known beforehand.

use std::process::ExitCode;

use aludel_sql::Connection;
use aludel_tests::damage::Meter;
use clap::Parser;

#[path = "damage/allocator.rs"]
mod allocator;

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

/// Checks that memory stays bounded where data does not.
#[derive(Parser)]
struct Arguments {
    /// The budget in MiB.
    #[arg(long, default_value_t = 4)]
    budget: usize,
    /// How many times more data than the budget.
    #[arg(long, default_value_t = 10)]
    times: usize,
    /// Words in the names of the cases to run.
    words: Vec<String>,
}

/// Bytes of a row: a number, a key, and a text of 40 bytes, as batches hold them.
const ROW_BYTES: usize = 64;

/// A statement over `rows` rows, and what it must answer.
struct Case {
    name: &'static str,
    sql: String,
    answer: Vec<i64>,
    /// Asked afterwards, for the answer to a write.
    asked: Option<String>,
}

fn cases(rows: i64) -> Vec<Case> {
    let case = |name, sql: &str, answer: &[i64]| Case {
        name,
        sql: sql.replace("#ROWS", &rows.to_string()),
        answer: answer.to_vec(),
        asked: None,
    };
    let write = |name, sql: &str, asked: &str, answer: &[i64]| Case {
        asked: Some(asked.to_owned()),
        ..case(name, sql, answer)
    };
    let sum = rows * (rows + 1) / 2;
    vec![
        case(
            "ORDER BY a number",
            "SELECT count(*), sum(k), sum(length(s)) FROM (SELECT k, s FROM t ORDER BY k DESC LIMIT -1)",
            &[rows, sum - rows, rows * 40],
        ),
        case(
            "ORDER BY a text",
            "SELECT count(*), sum(length(s)) FROM (SELECT s, id FROM t ORDER BY s, id DESC LIMIT -1)",
            &[rows, rows * 40],
        ),
        case(
            "GROUP BY a number",
            "SELECT count(*), sum(n), sum(m) FROM (SELECT k, count(*) AS n, max(id) AS m FROM t GROUP BY k)",
            &[rows, rows, sum],
        ),
        case(
            "GROUP BY a text",
            "SELECT count(*), sum(n) FROM (SELECT s, sum(id) AS n FROM t GROUP BY s)",
            &[rows, sum],
        ),
        case(
            "DISTINCT",
            "SELECT count(*) FROM (SELECT DISTINCT s, k FROM t)",
            &[rows],
        ),
        case(
            "UNION",
            "SELECT count(*), sum(k) FROM (SELECT k FROM t UNION SELECT id - 1 FROM t)",
            &[rows, sum - rows],
        ),
        case(
            "hash join",
            "SELECT count(*), sum(b.id) FROM t AS a JOIN t AS b ON b.k = a.id - 1 AND length(a.s) = length(b.s)",
            &[rows, sum],
        ),
        case(
            "LEFT JOIN",
            "SELECT count(*), count(b.id) FROM t AS a LEFT JOIN t AS b ON b.s = a.s AND b.id <> a.id",
            &[rows, 0],
        ),
        case(
            "INTERSECT",
            "SELECT count(*), sum(k) FROM (SELECT k FROM t INTERSECT SELECT id - 1 FROM t)",
            &[rows, sum - rows],
        ),
        case(
            "EXCEPT, nothing left",
            "SELECT count(*) FROM (SELECT s, k FROM t EXCEPT SELECT s, k FROM t WHERE id > 0)",
            &[0],
        ),
        case(
            "EXCEPT, all left",
            "SELECT count(*), sum(k) FROM (SELECT s, k FROM t EXCEPT SELECT 'x', 1)",
            &[rows, sum - rows],
        ),
        case(
            "IN a number",
            "SELECT count(*), sum(id) FROM t WHERE k + 0 IN (SELECT id - 1 FROM t) OR id < 0",
            &[rows, sum],
        ),
        case(
            "NOT IN a text",
            "SELECT sum(s || '' NOT IN (SELECT s FROM t)), sum(s || 'x' NOT IN (SELECT s FROM t)) FROM t",
            &[0, rows],
        ),
        case(
            "IN, several columns",
            "SELECT sum((k, s) IN (SELECT k, s FROM t)), sum((k, id) IN (SELECT id - 1, k + 1 FROM t) IS NULL) FROM t",
            &[rows, 0],
        ),
        case(
            "IN, by rowid",
            "SELECT count(*), sum(id) FROM t WHERE id IN (SELECT k FROM t WHERE id > 0)",
            &[rows - 1, sum - rows],
        ),
        case(
            "count(DISTINCT)",
            "SELECT count(DISTINCT k), count(DISTINCT s), sum(DISTINCT id) FROM t",
            &[rows, rows, sum],
        ),
        case(
            "DISTINCT in groups",
            "SELECT sum(a), sum(b), count(*) FROM (SELECT count(DISTINCT s) AS a, sum(DISTINCT id) AS b FROM t GROUP BY k % 5)",
            &[rows, sum, 5],
        ),
        case(
            "DISTINCT, many groups",
            "SELECT sum(a), count(*) FROM (SELECT count(DISTINCT s) AS a FROM t GROUP BY k)",
            &[rows, rows],
        ),
        case(
            "DISTINCT, sorted groups",
            "SELECT sum(a), count(*) FROM (SELECT count(DISTINCT s) AS a FROM t GROUP BY id)",
            &[rows, rows],
        ),
        case(
            "ORDER BY in aggregate",
            "SELECT length(group_concat(k % 10, '' ORDER BY s DESC)) FROM t",
            &[rows],
        ),
        case(
            "ORDER BY in groups",
            "SELECT sum(a), count(*) FROM (SELECT length(group_concat('x', '' ORDER BY s)) AS a FROM t GROUP BY id / 3)",
            &[rows, rows / 3 + 1],
        ),
        case(
            "window, one partition",
            "SELECT sum(a), sum(b), count(*) FROM (SELECT row_number() OVER w AS a, lag(k, 1, 0) OVER w AS b FROM t WINDOW w AS (ORDER BY id))",
            &[sum, sum - rows - last_key(rows), rows],
        ),
        case(
            "window, sums",
            "SELECT sum(a), max(b), count(*) FROM (SELECT count(*) OVER (ORDER BY k ROWS 1 PRECEDING) AS a, sum(id) OVER () AS b FROM t)",
            &[2 * rows - 1, sum, rows],
        ),
        case(
            "window, range",
            "SELECT sum(a), max(b) FROM (SELECT count(*) OVER w AS a, length(max(s) OVER w) AS b FROM t WINDOW w AS (ORDER BY k RANGE BETWEEN 2 PRECEDING AND 2 FOLLOWING))",
            &[5 * rows - 6, 40],
        ),
        case(
            "window, groups",
            "SELECT sum(a), sum(b) FROM (SELECT count(*) OVER w AS a, rank() OVER w - dense_rank() OVER w AS b FROM t WINDOW w AS (ORDER BY s GROUPS 3 PRECEDING))",
            &[4 * rows - 6, 0],
        ),
        case(
            "window, exclude",
            "SELECT sum(a), sum(length(b)) FROM (SELECT count(*) OVER w AS a, last_value(s) OVER w AS b FROM t
             WINDOW w AS (ORDER BY k ROWS 2 PRECEDING EXCLUDE CURRENT ROW))",
            &[2 * rows - 3, 40 * (rows - 1)],
        ),
        case(
            "window, partitions",
            "SELECT sum(a), count(*) FROM (SELECT count(*) OVER (PARTITION BY k % 2) AS a, s FROM t)",
            &[(rows / 2) * (rows / 2) + (rows / 2 + 1) * (rows / 2 + 1), rows],
        ),
        case(
            "common table",
            "WITH c AS MATERIALIZED (SELECT id, k, s FROM t) SELECT count(*), sum(a.id), sum(length(b.s)) FROM c AS a JOIN c AS b ON a.id = b.k + 1",
            &[rows, sum, rows * 40],
        ),
        case(
            "view, twice",
            "WITH c AS (SELECT s, count(*) AS n FROM t GROUP BY s) SELECT count(*), sum(a.n) FROM c AS a, c AS b WHERE a.s = b.s",
            &[rows, rows],
        ),
        case(
            "recursive UNION",
            "WITH RECURSIVE c(a) AS (SELECT 1 UNION SELECT a + 1 FROM c WHERE a < #ROWS) SELECT count(*), sum(a) FROM c",
            &[rows, sum],
        ),
        case(
            "recursive queue",
            "WITH RECURSIVE c(a, s, n) AS (SELECT id, s, 0 FROM t UNION ALL SELECT a, s, 1 FROM c WHERE n = 0) SELECT count(*), sum(a) FROM c",
            &[2 * rows, 2 * sum],
        ),
        case(
            "recursive, ordered",
            "WITH RECURSIVE c(a, s, n) AS (SELECT id, s, 0 FROM t UNION ALL SELECT a, s, 1 FROM c WHERE n = 0 ORDER BY 2) SELECT count(*), sum(a) FROM c",
            &[2 * rows, 2 * sum],
        ),
        write(
            "RETURNING",
            "UPDATE t SET k = k WHERE id > 0 RETURNING id, k, s",
            "SELECT count(*), sum(id) FROM t",
            &[rows, sum],
        ),
        write(
            "UPDATE of keys",
            "UPDATE t SET id = -id",
            "SELECT count(*), -sum(id) FROM t",
            &[rows, sum],
        ),
        write(
            "UPDATE back",
            "UPDATE t SET id = -id WHERE s IN (SELECT s FROM t)",
            "SELECT count(*), sum(id) FROM t",
            &[rows, sum],
        ),
        write(
            "UPDATE FROM",
            "UPDATE t SET k = u.k FROM t AS u WHERE u.id = t.id",
            "SELECT count(*), sum(k) FROM t",
            &[rows, sum - rows],
        ),
        write(
            "CREATE TABLE AS",
            "CREATE TABLE copy AS SELECT id, k, s FROM t ORDER BY s",
            "SELECT count(*), sum(id) FROM copy",
            &[rows, sum],
        ),
        write(
            "CREATE INDEX",
            "CREATE INDEX copy_s ON copy(s, k)",
            "SELECT count(*), sum(id) FROM copy",
            &[rows, sum],
        ),
        case(
            "OR of indexes",
            "SELECT count(*), sum(id) FROM copy WHERE s >= '0' OR id = 5 OR s = 'x'",
            &[rows, sum],
        ),
        write(
            "INSERT from itself",
            "INSERT INTO copy SELECT id, k, s || 'x' FROM copy",
            "SELECT count(*), sum(id) FROM copy",
            &[2 * rows, 2 * sum],
        ),
        write(
            "DELETE",
            "DELETE FROM copy WHERE s IN (SELECT s || 'x' FROM t)",
            "SELECT count(*), sum(id) FROM copy",
            &[rows, sum],
        ),
        write(
            "DROP COLUMN",
            "ALTER TABLE t DROP COLUMN k",
            "SELECT count(*), sum(length(s)) FROM t",
            &[rows, rows * 40],
        ),
        write(
            "VACUUM",
            "VACUUM",
            "SELECT count(*), sum(id) FROM copy",
            &[rows, sum],
        ),
    ]
}

/// The key of the last row.
fn last_key(rows: i64) -> i64 {
    rows * 7919 % rows
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("memory: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let budget = arguments.budget << 20;
    // A prime number of rows, so that every factor permutes the keys.
    let rows = next_prime((budget * arguments.times / ROW_BYTES) as i64);
    let folder = tempfile::tempdir()?;
    let database = Connection::open(folder.path().join("memory.db"))?;
    database.execute_batch(&format!(
        "PRAGMA synchronous=off; CREATE TABLE t(id INTEGER PRIMARY KEY, k INT, s TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO t SELECT i, i * 7919 % {rows}, printf('%040d', i * 48271 % {rows}) FROM n;
         PRAGMA soft_heap_limit={budget}; PRAGMA cache_size=-{};",
        budget >> 11
    ))?;
    println!("{rows} rows, {} KiB for each statement", budget >> 10);
    let mut bounded = true;
    let wanted = |name: &str| {
        arguments.words.is_empty() || arguments.words.iter().any(|word| name.contains(word.as_str()))
    };
    for case in cases(rows).into_iter().filter(|case| wanted(case.name)) {
        let mut statement = database.prepare(&case.sql)?;
        ALLOCATOR.reset();
        let mut answer = Vec::new();
        while statement.step()? {
            for column in 0..statement.column_count() {
                if case.asked.is_none() {
                    answer.push(statement.get::<i64>(column)?);
                }
            }
        }
        let peak = ALLOCATOR.peak();
        drop(statement);
        if let Some(asked) = &case.asked {
            let mut statement = database.prepare(asked)?;
            while statement.step()? {
                for column in 0..statement.column_count() {
                    answer.push(statement.get::<i64>(column)?);
                }
            }
        }
        let verdict = match (answer == case.answer, peak <= 2 * budget) {
            (false, _) => "WRONG",
            (true, false) => "TOO MUCH",
            (true, true) => "ok",
        };
        bounded &= verdict == "ok";
        println!("{:<26}{:>10} KiB  {verdict}", case.name, peak >> 10);
        if answer != case.answer {
            println!("  {answer:?} instead of {:?}", case.answer);
        }
    }
    if let Some(peak) = resident_peak() {
        println!("the process as the system saw it: {peak} KiB at most");
    }
    Ok(bounded)
}

fn next_prime(from: i64) -> i64 {
    let is_prime = |n: i64| {
        (2..)
            .take_while(|factor| factor * factor <= n)
            .all(|factor| n % factor != 0)
    };
    (from.max(100_003)..).find(|n| is_prime(*n)).unwrap_or(from)
}

/// The most memory that the process has had, in KiB, its map of the database file included.
fn resident_peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
