//! The workloads, as data.

use std::sync::atomic::{AtomicU64, Ordering};

use super::peer::{Failure, Param, Peer, PeerName};
use super::template::{Template, Templates};
use super::{speedtest, tpch};

/// A kind of work, run on either engine.
pub struct Workload {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it starts from.
    pub start: Start,
    /// Statements run before the clock starts.
    pub setup: &'static str,
    /// A query that shows what the work has changed: both engines must answer alike afterwards.
    pub check: &'static str,
    /// What is measured.
    pub work: Work,
}

/// Stands in the next text that nobody has prepared yet.
static NEXT_TEXT: AtomicU64 = AtomicU64::new(10);

/// What a workload starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// One copy of a template, opened once; the work leaves it as it was.
    Shared(Template),
    /// A new copy of a template for each round.
    Copy(Template),
    /// A new empty file for each round.
    Empty,
}

impl Start {
    /// Whether all rounds run on one file that stays open.
    pub(super) fn is_kept(self) -> bool {
        matches!(self, Start::Shared(_))
    }
}

/// What is measured.
pub enum Work {
    /// A query, fetched whole.
    Query(&'static str),
    /// A query, fetched whole; outside of the clock the answers are compared value by value.
    Answer(&'static str),
    /// One prepared statement, run many times inside a transaction, commit included. Its parameters are made before the clock starts: to
    /// make a text may take as long as to store it.
    Repeated {
        /// The statement.
        sql: &'static str,
        /// How often, by the size of the large table.
        times: fn(u64) -> u64,
        /// Its parameters at the n-th time; a generator of numbers that look random is at hand.
        parameters: fn(u64, u64, &mut Vec<Param>),
    },
    /// One prepared statement, run many times, each its own transaction.
    Commits {
        /// The statement.
        sql: &'static str,
        /// How often.
        times: u64,
    },
    /// Statements run once.
    Batch(&'static str),
    /// Opening the file and reading one row, this often.
    OpenAndQuery(&'static str, u64),
    /// Compiling a statement, this often. Each time another number stands between the parts of the text, so that none was there before.
    Prepare([&'static str; 2], u64),
    /// Preparing one text, this often.
    PrepareAgain(&'static str, u64),
    /// Statements that are compiled, run once and dropped, this many, in one transaction that is taken back. Each has a text of its own, which is
    /// made of its number and the size of the large table.
    FirstRuns(fn(u64, u64) -> String, u64),
}

/// The parameters of the runs of a repeated statement, or the texts of statements that run once, in their order.
#[derive(Default)]
pub(super) struct Inputs {
    texts: Vec<String>,
    values: Vec<Param>,
    /// Where each run's parameters end.
    ends: Vec<usize>,
}

impl Inputs {
    fn runs(&self) -> impl Iterator<Item = &[Param]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.values[start..*end])
    }
}

/// A number that looks random, the same for the same `n`: SplitMix64's finalizer.
pub(super) fn scramble(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

pub(super) fn integer(n: u64) -> Param {
    Param::Integer(n as i64)
}

fn random_key(n: u64, rows: u64, out: &mut Vec<Param>) {
    out.push(integer(scramble(n) % rows + 1));
}

/// The text that the template stores in `t.name` at row `i`.
fn template_name(i: u64) -> String {
    let digits = (i * 7919 % 1_000_003).to_string();
    let hex: String = digits.bytes().map(|b| format!("{b:02X}")).collect();
    let skip = (i % 7) as usize;
    (hex + "abcdefghijklmnopqrstuvwxyz")
        .chars()
        .skip(skip)
        .take(20)
        .collect()
}

const RELAXED: &str = "PRAGMA synchronous=off;";

/// Workloads that belong together, with a mean of their own.
pub struct Suite {
    /// Its name on the command line; the one that runs when none is named comes first.
    pub name: &'static str,
    /// Its workloads in the order in which they run.
    pub workloads: Vec<Workload>,
}

/// All workloads.
pub fn suites() -> Vec<Suite> {
    let suite = |name, workloads| Suite { name, workloads };
    vec![
        suite("standard", standard()),
        suite("tpch", tpch::workloads()),
        suite("speedtest", speedtest::workloads()),
    ]
}

/// The single kinds of work.
fn standard() -> Vec<Workload> {
    vec![
        Workload {
            name: "point-rowid",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Repeated {
                sql: "SELECT id, name, k, r FROM t WHERE id = ?",
                times: |rows| rows / 5,
                parameters: random_key,
            },
        },
        Workload {
            name: "point-index",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Repeated {
                sql: "SELECT id, k, r FROM t WHERE name = ?",
                times: |rows| rows / 10,
                parameters: |n, rows, out| out.push(Param::Text(template_name(scramble(n) % rows + 1))),
            },
        },
        Workload {
            name: "insert",
            start: Start::Empty,
            setup: "PRAGMA synchronous=off; CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, k INT, r REAL);",
            check: "",
            work: Work::Repeated {
                sql: "INSERT INTO t VALUES(?, ?, ?, ?)",
                times: |rows| rows / 2,
                parameters: |n, _, out| {
                    out.extend([
                        integer(n + 1),
                        Param::Text(template_name(n)),
                        integer(scramble(n) >> 40),
                        Param::Real(n as f64 / 3.0),
                    ]);
                },
            },
        },
        Workload {
            name: "insert-indexed",
            start: Start::Empty,
            setup: "PRAGMA synchronous=off; CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, k INT, r REAL);
                CREATE INDEX t_name ON t(name); CREATE INDEX t_k ON t(k);",
            check: "",
            work: Work::Repeated {
                sql: "INSERT INTO t VALUES(?, ?, ?, ?)",
                times: |rows| rows / 5,
                parameters: |n, _, out| {
                    out.extend([
                        integer(n + 1),
                        Param::Text(template_name(n)),
                        integer(scramble(n) >> 40),
                        Param::Real(n as f64 / 3.0),
                    ]);
                },
            },
        },
        Workload {
            name: "insert-random-text-pk",
            start: Start::Empty,
            setup: "PRAGMA synchronous=off; CREATE TABLE t(k TEXT PRIMARY KEY, v INT);",
            check: "",
            work: Work::Repeated {
                sql: "INSERT INTO t VALUES(?, ?)",
                times: |rows| rows / 5,
                parameters: |n, _, out| {
                    out.extend([Param::Text(format!("{:016x}", scramble(n))), integer(n)])
                },
            },
        },
        Workload {
            name: "update",
            start: Start::Copy(Template::Standard),
            setup: RELAXED,
            check: "",
            work: Work::Repeated {
                sql: "UPDATE t SET k = ? WHERE id = ?",
                times: |rows| rows / 10,
                parameters: |n, rows, out| out.extend([integer(n), integer(scramble(n) % rows + 1)]),
            },
        },
        Workload {
            name: "delete",
            start: Start::Copy(Template::Standard),
            setup: RELAXED,
            check: "",
            work: Work::Repeated {
                sql: "DELETE FROM p WHERE id = ?",
                times: |rows| rows / 20,
                parameters: |n, rows, out| out.push(integer(scramble(n) % (rows / 10) + 1)),
            },
        },
        Workload {
            name: "commit-full",
            start: Start::Empty,
            setup: "PRAGMA synchronous=full; CREATE TABLE t(id INTEGER PRIMARY KEY, v INT);",
            check: "",
            work: Work::Commits {
                sql: "INSERT INTO t(v) VALUES(7)",
                times: 50,
            },
        },
        Workload {
            name: "commit-normal",
            start: Start::Empty,
            setup: "PRAGMA journal_mode=wal; PRAGMA synchronous=normal; CREATE TABLE t(id INTEGER PRIMARY KEY, v INT);",
            check: "",
            work: Work::Commits {
                sql: "INSERT INTO t(v) VALUES(7)",
                times: 2_000,
            },
        },
        Workload {
            name: "scan-agg",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Query("SELECT count(*), sum(k), sum(r) FROM t"),
        },
        Workload {
            name: "scan-like",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Query("SELECT count(k) FROM t WHERE name LIKE '%7abc%'"),
        },
        Workload {
            name: "group-100",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Query("SELECT g, count(*), sum(k) FROM t GROUP BY g"),
        },
        Workload {
            name: "group-100k",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Query("SELECT k, count(*), sum(g) FROM t GROUP BY k"),
        },
        Workload {
            name: "order-by",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Query("SELECT id, name FROM t ORDER BY r"),
        },
        Workload {
            name: "join-indexed",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Query("SELECT count(*), sum(u.w) FROM t JOIN u ON u.id = t.k"),
        },
        Workload {
            name: "join-unindexed",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Query("SELECT count(*), sum(u.w) FROM t JOIN u ON u.k = t.k"),
        },
        Workload {
            name: "range-100",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Repeated {
                sql: "SELECT * FROM t WHERE id BETWEEN ?1 AND ?1 + 99",
                times: |rows| rows / 100,
                parameters: random_key,
            },
        },
        Workload {
            name: "fetch-all",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Query("SELECT * FROM t"),
        },
        Workload {
            name: "open-first-query",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::OpenAndQuery("SELECT name FROM t WHERE id = 4711", 200),
        },
        Workload {
            name: "prepare",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Prepare(
                [
                    "SELECT t.id, t.name, u.w, p.b FROM t JOIN u ON u.id = t.k JOIN p ON p.id = u.w
             WHERE t.name = ?1 AND p.a > ?2 ORDER BY t.id LIMIT ",
                    "",
                ],
                2_000,
            ),
        },
        Workload {
            name: "prepare-point",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Prepare(["SELECT name FROM t WHERE id = ", ""], 2_000),
        },
        Workload {
            name: "prepare-insert",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Prepare(["INSERT INTO u(id, k, w) VALUES (?1, ?2, ", ")"], 2_000),
        },
        Workload {
            name: "prepare-update",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Prepare(["UPDATE t SET k = ?1 WHERE id = ", ""], 2_000),
        },
        Workload {
            name: "prepare-delete",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Prepare(["DELETE FROM t WHERE id = ", ""], 2_000),
        },
        Workload {
            name: "first-run-point",
            start: Start::Shared(Template::Standard),
            setup: RELAXED,
            check: "",
            work: Work::FirstRuns(|n, _| format!("SELECT name FROM t WHERE id = {n}"), 2_000),
        },
        Workload {
            name: "first-run-insert",
            start: Start::Shared(Template::Standard),
            setup: RELAXED,
            check: "",
            work: Work::FirstRuns(
                |n, rows| format!("INSERT INTO u(id, k, w) VALUES ({}, {n}, 7)", rows + n),
                2_000,
            ),
        },
        Workload {
            name: "first-run-update",
            start: Start::Shared(Template::Standard),
            setup: RELAXED,
            check: "",
            work: Work::FirstRuns(|n, _| format!("UPDATE t SET k = {n} WHERE id = {n}"), 2_000),
        },
        Workload {
            name: "first-run-delete",
            start: Start::Shared(Template::Standard),
            setup: RELAXED,
            check: "",
            work: Work::FirstRuns(|n, _| format!("DELETE FROM p WHERE id = {n}"), 2_000),
        },
        Workload {
            name: "prepare-again",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::PrepareAgain(
                "SELECT t.id, t.name, u.w, p.b FROM t JOIN u ON u.id = t.k JOIN p ON p.id = u.w
             WHERE t.name = ?1 AND p.a > ?2 ORDER BY t.id LIMIT 10",
                2_000,
            ),
        },
        Workload {
            name: "recursive-cte",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Query(
                "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000) SELECT count(*), sum(x) FROM c",
            ),
        },
        Workload {
            name: "window-sum",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Query(
                "SELECT sum(s) FROM (SELECT sum(k) OVER (PARTITION BY g ORDER BY id) AS s FROM t)",
            ),
        },
        Workload {
            name: "json-extract",
            start: Start::Shared(Template::Standard),
            setup: "",
            check: "",
            work: Work::Query("SELECT sum(json_extract(doc, '$.a.b')) FROM j"),
        },
        Workload {
            name: "create-index",
            start: Start::Copy(Template::Standard),
            setup: RELAXED,
            check: "",
            work: Work::Batch("CREATE INDEX t_k ON t(k)"),
        },
        Workload {
            name: "bulk-update",
            start: Start::Copy(Template::Standard),
            setup: RELAXED,
            check: "",
            work: Work::Batch("UPDATE t SET r = r + 1.0"),
        },
    ]
}

impl Work {
    /// Does the work once on an open database and returns a checksum of what it saw.
    pub(super) fn perform(
        &self,
        peer: &dyn Peer,
        name: PeerName,
        path: &std::path::Path,
        inputs: &Inputs,
    ) -> Result<u64, Failure> {
        match self {
            Work::Query(sql) | Work::Answer(sql) => {
                peer.with_statement(sql, &mut |statement| statement.run(&[]))
            }
            Work::Repeated { sql, .. } => {
                peer.batch("BEGIN")?;
                let sum = peer.with_statement(sql, &mut |statement| {
                    let mut sum = 0_u64;
                    for parameters in inputs.runs() {
                        sum = sum.wrapping_add(statement.run(parameters)?);
                    }
                    Ok(sum)
                })?;
                peer.batch("COMMIT")?;
                Ok(sum)
            }
            Work::Commits { sql, times } => peer.with_statement(sql, &mut |statement| {
                (0..*times).try_fold(0_u64, |sum, _| Ok(sum.wrapping_add(statement.run(&[])?)))
            }),
            Work::Batch(sql) => peer.batch(sql).map(|()| 0),
            Work::OpenAndQuery(sql, times) => (0..*times).try_fold(0_u64, |sum, _| {
                let opened = name.open(path)?;
                Ok(sum.wrapping_add(opened.with_statement(sql, &mut |statement| statement.run(&[]))?))
            }),
            Work::Prepare([before, after], times) => (0..*times).try_fold(0, |_, _| {
                let number = NEXT_TEXT.fetch_add(1, Ordering::Relaxed);
                peer.prepare_only(&format!("{before}{number}{after}")).map(|()| 0)
            }),
            Work::PrepareAgain(sql, times) => {
                (0..*times).try_fold(0, |_, _| peer.prepare_only(sql).map(|()| 0))
            }
            Work::FirstRuns(..) => {
                peer.batch("BEGIN")?;
                let mut sum = 0_u64;
                for text in &inputs.texts {
                    sum = sum.wrapping_add(peer.with_statement(text, &mut |statement| statement.run(&[]))?);
                }
                peer.batch("ROLLBACK")?;
                Ok(sum)
            }
        }
    }

    /// The parameters of all its runs, or the texts of its statements.
    pub(super) fn inputs(&self, rows: u64) -> Inputs {
        let mut inputs = Inputs::default();
        if let Work::FirstRuns(text, times) = self {
            inputs.texts = (1..=*times).map(|n| text(n, rows)).collect();
        }
        if let Work::Repeated {
            times, parameters, ..
        } = self
        {
            for n in 0..times(rows) {
                parameters(n, rows, &mut inputs.values);
                inputs.ends.push(inputs.values.len());
            }
        }
        inputs
    }

    /// The statement, where the work is one that reads.
    pub(super) fn query(&self) -> Option<&'static str> {
        match self {
            Work::Query(sql) | Work::Answer(sql) | Work::Repeated { sql, .. } => Some(sql),
            _ => None,
        }
    }

    /// How many single works one round holds: times are given for one of them.
    pub(super) fn count(&self, templates: &Templates) -> u64 {
        match self {
            Work::Query(_) | Work::Answer(_) | Work::Batch(_) => 1,
            Work::Repeated { times, .. } => times(templates.rows()),
            Work::Commits { times, .. }
            | Work::OpenAndQuery(_, times)
            | Work::Prepare(_, times)
            | Work::PrepareAgain(_, times)
            | Work::FirstRuns(_, times) => *times,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_as_the_template_makes_them() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        for i in [1_u64, 6, 7, 999_999, 123_456] {
            let sql =
                "SELECT substr(hex(?1 * 7919 % 1000003) || 'abcdefghijklmnopqrstuvwxyz', 1 + ?1 % 7, 20)";
            let theirs: String = database.query_row(sql, [i as i64], |row| row.get(0)).unwrap();
            assert_eq!(template_name(i), theirs);
        }
    }

    #[test]
    fn names_are_unique() {
        let suites = suites();
        let workloads = suites.iter().flat_map(|suite| &suite.workloads);
        let mut names: Vec<_> = workloads.map(|workload| workload.name).collect();
        names.extend(suites.iter().map(|suite| suite.name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
