//! `memory [--budget MIB] [--times N]`: sorts, groups and joins N times more data than the memory budget, and fails when a statement holds
//! more than twice the budget at any time, or answers wrongly.
//!
//! The budget is set by `PRAGMA soft_heap_limit`. What is held is counted by the allocator; the process's own peak, as the system saw it, is shown
//! beside it. Answers are sums over the whole result that are known beforehand.

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
}

/// Bytes of a row: a number, a key, and a text of 40 bytes, as batches hold them.
const ROW_BYTES: usize = 64;

/// A statement over `rows` rows, and what it must answer.
struct Case {
    name: &'static str,
    sql: String,
    answer: Vec<i64>,
}

fn cases(rows: i64) -> Vec<Case> {
    let case = |name, sql: &str, answer: &[i64]| Case {
        name,
        sql: sql.replace("ROWS", &rows.to_string()),
        answer: answer.to_vec(),
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
    ]
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
         PRAGMA soft_heap_limit={budget};"
    ))?;
    println!("{rows} rows, {} KiB for each statement", budget >> 10);
    let mut bounded = true;
    for case in cases(rows) {
        let mut statement = database.prepare(&case.sql)?;
        ALLOCATOR.reset();
        let mut answer = Vec::new();
        while statement.step()? {
            for column in 0..statement.column_count() {
                answer.push(statement.get::<i64>(column)?);
            }
        }
        let peak = ALLOCATOR.peak();
        let verdict = match (answer == case.answer, peak <= 2 * budget) {
            (false, _) => "WRONG",
            (true, false) => "TOO MUCH",
            (true, true) => "ok",
        };
        bounded &= verdict == "ok";
        println!("{:<20}{:>10} KiB  {verdict}", case.name, peak >> 10);
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
