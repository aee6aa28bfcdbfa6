//! The supervisor's ledger: which commits were acknowledged, and by whom.

use std::collections::HashMap;

/// A commit as the process that made it knows it: the process's number and how manieth commit of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Commit {
    /// The process.
    pub worker: i64,
    /// The commit of that process.
    pub seq: i64,
}

/// Acknowledged commits by the counter's number that they took.
#[derive(Debug, Default)]
pub struct Ledger {
    commits: HashMap<i64, Commit>,
}

impl Ledger {
    /// Notes an acknowledged commit; the other one that took the same number, if there is one.
    pub fn note(&mut self, number: i64, commit: Commit) -> Option<Commit> {
        self.commits.insert(number, commit)
    }

    /// The number of commits.
    pub fn len(&self) -> usize {
        self.commits.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (i64, Commit)> + '_ {
        self.commits.iter().map(|(number, commit)| (*number, *commit))
    }
}
