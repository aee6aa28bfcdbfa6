//! A mix of the kinds of work that SQLite's own speed test does, each with its own clock.
//!
//! Texts are numbers in words, as there: `four hundred twelve thousand thirty-three`. The tables hold the same rows: `plain` without index, `keyed`
//! by an integer key with an index on each other column, `named` by a text key.

use std::path::Path;

use rusqlite::{Connection, Result, params};

use super::peer::Param;
use super::template::Template;
use super::workloads::{Start, Work, Workload, integer, scramble};

/// Writes the tables into a new file: a twentieth of the rows that a standard run has in its large table.
pub(super) fn build(path: &Path, rows: u64) -> Result<()> {
    let mut database = Connection::open(path)?;
    database.execute_batch(
        "PRAGMA journal_mode=off; PRAGMA synchronous=off;
         CREATE TABLE plain(a INTEGER, b INTEGER, c TEXT);
         CREATE TABLE keyed(a INTEGER PRIMARY KEY, b INTEGER, c TEXT);
         CREATE TABLE named(c TEXT PRIMARY KEY, a INTEGER, b INTEGER);
         CREATE INDEX keyed_b ON keyed(b);
         CREATE INDEX keyed_c ON keyed(c);
         CREATE TABLE links(source INTEGER, target INTEGER);
         CREATE INDEX links_source ON links(source);",
    )?;
    let transaction = database.transaction()?;
    let count = size(rows);
    {
        let mut plain = transaction.prepare("INSERT INTO plain VALUES(?, ?, ?)")?;
        let mut keyed = transaction.prepare("INSERT INTO keyed VALUES(?, ?, ?)")?;
        let mut named = transaction.prepare("INSERT OR IGNORE INTO named VALUES(?, ?, ?)")?;
        let mut links = transaction.prepare("INSERT INTO links VALUES(?, ?)")?;
        for n in 0..count {
            let b = scramble(n) % (2 * count);
            let c = words(b);
            plain.execute(params![n as i64 + 1, b as i64, c])?;
            keyed.execute(params![n as i64 + 1, b as i64, c])?;
            named.execute(params![c, n as i64 + 1, b as i64])?;
            links.execute(params![
                (scramble(n) % count) as i64 + 1,
                (scramble(!n) % count) as i64 + 1
            ])?;
        }
    }
    transaction.commit()?;
    database.close().map_err(|(_, error)| error)
}

/// Rows of each table.
fn size(rows: u64) -> u64 {
    rows / 20
}

/// A number in English words.
fn words(n: u64) -> String {
    const SMALL: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] = [
        "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let after = |rest: u64, between: &str| match rest {
        0 => String::new(),
        rest => format!("{between}{}", words(rest)),
    };
    match n {
        0..20 => String::from(SMALL[n as usize]),
        20..100 => format!("{}{}", TENS[n as usize / 10], after(n % 10, "-")),
        100..1000 => format!("{} hundred{}", words(n / 100), after(n % 100, " ")),
        1000..1_000_000 => format!("{} thousand{}", words(n / 1000), after(n % 1000, " ")),
        _ => format!("{} million{}", words(n / 1_000_000), after(n % 1_000_000, " ")),
    }
}

const RELAXED: &str = "PRAGMA synchronous=off;";
const CONTENT: &str = "SELECT count(*), sum(a), sum(b), sum(length(c)), max(c) FROM keyed";
const PLAIN_CONTENT: &str = "SELECT count(*), sum(a), sum(b), sum(length(c)), max(c) FROM plain";

type Parameters = fn(u64, u64, &mut Vec<Param>);
type Times = fn(u64) -> u64;

fn row(n: u64, b: u64, out: &mut Vec<Param>) {
    out.extend([integer(n + 1), integer(b), Param::Text(words(b))]);
}

/// The `n`-th row in a random order of keys: an odd factor and a power of two visit each number once.
fn random_row(n: u64, rows: u64, out: &mut Vec<Param>) {
    let slots = size(rows).next_power_of_two();
    row(
        n.wrapping_mul(0x9e37_79b9) % slots,
        scramble(n) % (2 * size(rows)),
        out,
    );
}

/// A range of the values of `b` that holds about `width` rows.
fn range_of_b(n: u64, rows: u64, width: u64, out: &mut Vec<Param>) {
    let low = scramble(n) % (2 * size(rows));
    out.extend([integer(low), integer(low + 2 * width)]);
}

fn some_key(n: u64, rows: u64, out: &mut Vec<Param>) {
    out.push(integer(scramble(n) % size(rows) + 1));
}

/// Queries that leave the file as it was.
fn reading(name: &'static str, sql: &'static str, times: Times, parameters: Parameters) -> Workload {
    Workload {
        name,
        start: Start::Shared(Template::Speedtest),
        setup: "",
        check: "",
        work: Work::Repeated {
            sql,
            times,
            parameters,
        },
    }
}

/// Changes to a fresh copy of the file.
fn writing(
    name: &'static str,
    sql: &'static str,
    check: &'static str,
    times: Times,
    parameters: Parameters,
) -> Workload {
    Workload {
        name,
        start: Start::Copy(Template::Speedtest),
        setup: RELAXED,
        check,
        work: Work::Repeated {
            sql,
            times,
            parameters,
        },
    }
}

/// Statements run once on a fresh copy of the file.
fn batch(name: &'static str, sql: &'static str, check: &'static str) -> Workload {
    Workload {
        name,
        start: Start::Copy(Template::Speedtest),
        setup: RELAXED,
        check,
        work: Work::Batch(sql),
    }
}

/// Rows inserted into a table that is new.
fn filling(name: &'static str, setup: &'static str, sql: &'static str, parameters: Parameters) -> Workload {
    Workload {
        name,
        start: Start::Empty,
        setup,
        check: PLAIN_CONTENT,
        work: Work::Repeated {
            sql,
            times: size,
            parameters,
        },
    }
}

const INSERT: &str = "INSERT INTO plain VALUES(?, ?, ?)";

/// The workloads, in the order in which SQLite's test has their like.
pub(super) fn workloads() -> Vec<Workload> {
    let mut all = fills();
    all.extend(searches());
    all.extend(changes());
    all.extend(larger());
    all
}

fn fills() -> Vec<Workload> {
    vec![
        filling(
            "st-insert",
            "PRAGMA synchronous=off; CREATE TABLE plain(a INTEGER, b INTEGER, c TEXT)",
            INSERT,
            |n, rows, out| row(n, scramble(n) % (2 * size(rows)), out),
        ),
        filling(
            "st-insert-ordered-key",
            "PRAGMA synchronous=off; CREATE TABLE plain(a INTEGER UNIQUE, b INTEGER, c TEXT)",
            INSERT,
            |n, rows, out| row(n, scramble(n) % (2 * size(rows)), out),
        ),
        filling(
            "st-insert-random-key",
            "PRAGMA synchronous=off; CREATE TABLE plain(a INTEGER UNIQUE, b INTEGER, c TEXT)",
            INSERT,
            random_row,
        ),
        filling(
            "st-insert-three-indexes",
            "PRAGMA synchronous=off; CREATE TABLE plain(a INTEGER, b INTEGER, c TEXT);
             CREATE INDEX x ON plain(a); CREATE INDEX y ON plain(b); CREATE INDEX z ON plain(c)",
            INSERT,
            random_row,
        ),
        filling(
            "st-replace-integer-key",
            "PRAGMA synchronous=off; CREATE TABLE plain(a INTEGER PRIMARY KEY, b INTEGER, c TEXT)",
            "REPLACE INTO plain VALUES(?, ?, ?)",
            |n, rows, out| {
                let b = scramble(n) % (size(rows) / 2);
                row(b, b, out);
            },
        ),
        filling(
            "st-replace-text-key",
            "PRAGMA synchronous=off; CREATE TABLE plain(a INTEGER, b INTEGER, c TEXT PRIMARY KEY)",
            "REPLACE INTO plain VALUES(?, ?, ?)",
            |n, rows, out| {
                let b = scramble(n) % (size(rows) / 2);
                row(b, b, out);
            },
        ),
        filling(
            "st-insert-without-rowid",
            "PRAGMA synchronous=off; CREATE TABLE plain(a INTEGER PRIMARY KEY, b INTEGER, c TEXT) WITHOUT ROWID",
            INSERT,
            random_row,
        ),
    ]
}

fn searches() -> Vec<Workload> {
    vec![
        reading(
            "st-range-unindexed",
            "SELECT count(*), avg(b), sum(length(c)) FROM plain WHERE b BETWEEN ? AND ?",
            |_| 10,
            |n, rows, out| range_of_b(n, rows, 100, out),
        ),
        reading(
            "st-like-unindexed",
            "SELECT count(*), avg(b), sum(length(c)) FROM plain WHERE c LIKE ?",
            |_| 10,
            |n, _, out| out.push(Param::Text(format!("%{}%", words(scramble(n) % 1000)))),
        ),
        reading(
            "st-order-by",
            "SELECT a, b, c FROM plain WHERE c LIKE ? ORDER BY a",
            |_| 10,
            |n, _, out| out.push(Param::Text(format!("%{}%", words(scramble(n) % 100)))),
        ),
        reading(
            "st-order-by-limit",
            "SELECT a, b, c FROM plain WHERE c LIKE ? ORDER BY a LIMIT 10",
            |_| 10,
            |n, _, out| out.push(Param::Text(format!("%{}%", words(scramble(n) % 100)))),
        ),
        reading(
            "st-range-indexed",
            "SELECT count(*), avg(b), sum(length(c)), group_concat(a) FROM keyed WHERE b BETWEEN ? AND ?",
            |rows| size(rows) / 5,
            |n, rows, out| range_of_b(n, rows, 10, out),
        ),
        reading(
            "st-range-key",
            "SELECT count(*), avg(b), sum(length(c)) FROM keyed WHERE a BETWEEN ?1 AND ?1 + 9",
            |rows| size(rows) / 5,
            some_key,
        ),
        reading(
            "st-range-text",
            "SELECT count(*), avg(b), sum(length(c)) FROM keyed WHERE c BETWEEN ?1 AND ?1 || ' ~'",
            |rows| size(rows) / 5,
            |n, rows, out| {
                out.push(Param::Text(words(
                    scramble(n) % (2 * size(rows)) / 1000 * 1000 + 100,
                )))
            },
        ),
        reading(
            "st-prefix-like",
            "SELECT count(*), sum(b) FROM keyed WHERE c GLOB 'eight thousand four*'",
            |_| 100,
            |_, _, _| {},
        ),
        reading(
            "st-key-reads",
            "SELECT b, c FROM keyed WHERE a = ?",
            size,
            some_key,
        ),
        reading(
            "st-text-key-reads",
            "SELECT a, b FROM named WHERE c = ?",
            size,
            |n, rows, out| out.push(Param::Text(words(scramble(n) % (2 * size(rows))))),
        ),
    ]
}

fn changes() -> Vec<Workload> {
    vec![
        writing(
            "st-update-ranges",
            "UPDATE keyed SET c = upper(c) WHERE b BETWEEN ? AND ?",
            CONTENT,
            |rows| size(rows) / 20,
            |n, rows, out| range_of_b(n, rows, 10, out),
        ),
        writing(
            "st-update-rows",
            "UPDATE keyed SET b = ?2 WHERE a = ?1",
            CONTENT,
            size,
            |n, rows, out| out.extend([integer(scramble(n) % size(rows) + 1), integer(n)]),
        ),
        batch("st-update-all", "UPDATE keyed SET b = b + 1", CONTENT),
        writing(
            "st-delete-ranges",
            "DELETE FROM keyed WHERE b BETWEEN ? AND ?",
            CONTENT,
            |rows| size(rows) / 50,
            |n, rows, out| range_of_b(n, rows, 10, out),
        ),
        writing(
            "st-delete-rows",
            "DELETE FROM keyed WHERE a = ?",
            CONTENT,
            |rows| size(rows) / 2,
            some_key,
        ),
        batch(
            "st-delete-and-refill",
            "BEGIN; DELETE FROM keyed; INSERT INTO keyed SELECT a, b, c FROM plain; COMMIT",
            CONTENT,
        ),
        batch("st-refill-replace", "REPLACE INTO keyed SELECT a, b, c FROM plain", CONTENT),
        batch(
            "st-insert-select-random",
            "BEGIN; DELETE FROM keyed; INSERT INTO keyed SELECT a, b, c FROM plain ORDER BY b; COMMIT",
            CONTENT,
        ),
        batch(
            "st-create-indexes",
            "BEGIN; CREATE UNIQUE INDEX p1 ON plain(a); CREATE INDEX p2 ON plain(b); CREATE INDEX p3 ON plain(c);
             CREATE INDEX p4 ON plain(b, c); CREATE INDEX p5 ON plain(c, a); COMMIT",
            PLAIN_CONTENT,
        ),
        batch(
            "st-add-column",
            "ALTER TABLE plain ADD COLUMN d INT DEFAULT 123; SELECT sum(d) FROM plain; UPDATE plain SET d = a",
            "SELECT count(*), sum(a), sum(d) FROM plain",
        ),
        batch("st-vacuum", "DELETE FROM plain WHERE b % 3 = 0; VACUUM", PLAIN_CONTENT),
    ]
}

fn larger() -> Vec<Workload> {
    vec![
        reading(
            "st-four-way-join",
            "SELECT count(*), sum(k2.b), max(k3.c) FROM plain, links, keyed AS k2, keyed AS k3
             WHERE plain.b BETWEEN ? AND ? AND links.source = plain.a AND k2.a = links.target AND k3.a = k2.b",
            |_| 50,
            |n, rows, out| range_of_b(n, rows, 100, out),
        ),
        reading(
            "st-subquery-in-result",
            "SELECT sum((SELECT count(*) FROM links WHERE source = plain.a)) FROM plain WHERE b BETWEEN ? AND ?",
            |_| 20,
            |n, rows, out| range_of_b(n, rows, 500, out),
        ),
        reading(
            "st-subquery-in-where",
            "SELECT count(*), sum(b) FROM keyed AS k WHERE b > (SELECT avg(b) FROM keyed WHERE a BETWEEN k.a - 2 AND k.a + 2) AND a <= ?",
            |_| 2,
            |_, rows, out| out.push(integer(size(rows) / 2)),
        ),
        reading(
            "st-distinct",
            "SELECT count(*) FROM (SELECT DISTINCT b / ?, c FROM plain)",
            |_| 2,
            |n, _, out| out.push(integer(n + 1)),
        ),
        reading(
            "st-group-by",
            "SELECT b % ?, count(*), min(c), max(a) FROM plain GROUP BY 1",
            |_| 5,
            |n, _, out| out.push(integer(n * 100 + 7)),
        ),
        reading(
            "st-compound",
            "SELECT a FROM plain WHERE b < ?1 UNION SELECT a FROM keyed WHERE b > ?1 EXCEPT SELECT target FROM links",
            |_| 2,
            |_, rows, out| out.push(integer(size(rows))),
        ),
        reading(
            "st-integrity-check",
            "PRAGMA integrity_check",
            |_| 1,
            |_, _, _| {},
        ),
        batch("st-analyze", "ANALYZE", "SELECT * FROM sqlite_stat1 ORDER BY tbl, idx"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_in_words() {
        let cases = [
            (0, "zero"),
            (21, "twenty-one"),
            (100, "one hundred"),
            (412_033, "four hundred twelve thousand thirty-three"),
            (1_000_001, "one million one"),
        ];
        for (number, said) in cases {
            assert_eq!(words(number), said);
        }
    }
}
