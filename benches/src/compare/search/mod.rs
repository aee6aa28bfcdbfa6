//! A search for queries that are slower than on SQLite.
//!
//! The workloads measure what somebody thought of. This makes queries that nobody thought of, over tables of a shop, runs each on both
//! engines on the same file, and tells the ones at which Aludel takes longer:
//!
//! ```text
//!   seed -> query -> both engines, three times each, alternating -> ratio of the shortest times
//!                                                                       │ over the bound
//!                                                                       v
//!                                          again, with more rounds -> still over: reported, with both plans
//! ```
//!
//! A ratio of single queries is noisy; what is looked for are kinds of queries, so that a seed of some hundred queries shows each kind
//! several times. Answers are compared as well, as sums over their rows that do not depend on order.

mod query;
mod shop;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::peer::{Failure, Peer, PeerName};
use super::template::Templates;

/// What is searched.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// The first query's number; the next queries follow it.
    pub seed: u64,
    /// How many queries.
    pub queries: u64,
    /// The ratio over which a query is reported.
    pub over: f64,
}

/// What came of one query.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its number: a search of one query that begins with it makes it again.
    pub seed: u64,
    /// Its text.
    pub sql: String,
    /// Our shortest time.
    pub ours: Duration,
    /// SQLite's.
    pub sqlite: Duration,
    /// Whether the rows were the same.
    pub agreed: bool,
    /// Where it is to be reported: how each engine plans it, a step a line.
    pub plans: Vec<String>,
}

impl Found {
    /// Ours over SQLite's: lower is better.
    pub fn ratio(&self) -> f64 {
        self.ours.as_secs_f64() / self.sqlite.as_secs_f64()
    }
}

/// Queries that run longer than this on SQLite are given up: what they cost is a join without a condition.
const LONGEST: Duration = Duration::from_millis(400);

/// Rounds of each engine at first.
const ROUNDS: usize = 3;

/// Rounds where the first ones were over the bound.
const ROUNDS_AGAIN: usize = 9;

/// Runs a search and hands over what came of each query that both engines ran.
///
/// # Errors
/// When the shop cannot be built or opened.
pub fn search(search: Search, templates: &Templates, found: &mut dyn FnMut(&Found)) -> Result<(), Failure> {
    let path = templates.empty("shop.db")?;
    shop::build(&path).map_err(|error| error.to_string())?;
    let ours = PeerName::Ours.open(&path)?;
    let theirs = Limited::open(&path).map_err(|error| error.to_string())?;
    for seed in search.seed..search.seed + search.queries {
        let sql = query::query(seed);
        let Some(mut result) = try_one(&*ours, &theirs, seed, &sql, search.over) else {
            continue;
        };
        if !result.agreed || result.ratio() > search.over {
            result.plans = plans(&*ours, &theirs, &sql);
        }
        found(&result);
    }
    Ok(())
}

/// SQLite, which gives up what takes too long.
struct Limited {
    connection: rusqlite::Connection,
    opened: Instant,
    /// In milliseconds after it was opened.
    deadline: Arc<AtomicU64>,
}

impl Limited {
    fn open(path: &Path) -> rusqlite::Result<Limited> {
        let mut connection = rusqlite::Connection::open(path)?;
        let (opened, deadline) = (Instant::now(), Arc::new(AtomicU64::new(u64::MAX)));
        let until = Arc::clone(&deadline);
        let late = move || opened.elapsed().as_millis() > u128::from(until.load(Ordering::Relaxed));
        connection.progress_handler(10_000, Some(late))?;
        Ok(Limited {
            connection,
            opened,
            deadline,
        })
    }

    fn time(&self, sql: &str) -> Option<(Duration, u64)> {
        let deadline = self.opened.elapsed() + LONGEST;
        self.deadline
            .store(deadline.as_millis() as u64, Ordering::Relaxed);
        time(&self.connection, sql)
    }
}

fn time(peer: &dyn Peer, sql: &str) -> Option<(Duration, u64)> {
    let start = Instant::now();
    let sum = peer
        .with_statement(sql, &mut |statement| statement.run(&[]))
        .ok()?;
    Some((start.elapsed(), sum))
}

fn try_one(ours: &dyn Peer, theirs: &Limited, seed: u64, sql: &str, over: f64) -> Option<Found> {
    let mut found = alternate(ours, theirs, seed, sql, ROUNDS)?;
    if found.ratio() > over {
        found = alternate(ours, theirs, seed, sql, ROUNDS_AGAIN)?;
    }
    Some(found)
}

/// The shortest times of some rounds; `None` where SQLite does not run the query, or not in time.
fn alternate(ours: &dyn Peer, theirs: &Limited, seed: u64, sql: &str, rounds: usize) -> Option<Found> {
    let mut best = [Duration::MAX; 2];
    let mut agreed = true;
    for _ in 0..rounds {
        let (their_time, their_sum) = theirs.time(sql)?;
        let Some((our_time, our_sum)) = time(ours, sql) else {
            agreed = false;
            break;
        };
        agreed &= our_sum == their_sum || !is_determined(sql);
        best = [best[0].min(our_time), best[1].min(their_time)];
    }
    Some(Found {
        seed,
        sql: sql.to_owned(),
        ours: best[0],
        sqlite: best[1],
        agreed,
        plans: Vec::new(),
    })
}

/// Whether equal orders of other rows cannot show: windows number equal rows as they come, and LIMIT takes the first of them.
fn is_determined(sql: &str) -> bool {
    ![" OVER ", " LIMIT "].iter().any(|word| sql.contains(word))
}

fn plans(ours: &dyn Peer, theirs: &Limited, sql: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let peers: [(&str, &dyn Peer); 2] = [("sqlite", &theirs.connection), ("ours", ours)];
    for (name, peer) in peers {
        let mut steps = |statement: &mut dyn super::peer::Prepared| {
            for row in statement.answer()? {
                if let Some(rusqlite::types::Value::Text(step)) = row.last() {
                    lines.push(format!("  {name:<8}{step}"));
                }
            }
            Ok(0)
        };
        if let Err(error) = peer.with_statement(&format!("EXPLAIN QUERY PLAN {sql}"), &mut steps) {
            lines.push(format!("  {name:<8}{error}"));
        }
    }
    lines
}
