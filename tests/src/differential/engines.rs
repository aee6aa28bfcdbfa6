//! The two engines side by side: one statement, two outcomes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use aludel_sql::Connection as Ours;
use rusqlite::Connection as Theirs;

use crate::subject::{Datum, Failure, aludel, sqlite};

/// Queries that return more rows are not compared: their time is better spent on others.
pub(super) const ROWS_MAX: usize = 20_000;

/// What one engine says to one statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// The rows.
    pub(super) rows: Vec<Vec<Datum>>,
    /// How it failed.
    pub(super) error: Option<Failure>,
    /// Rows changed by the last change.
    pub(super) changes: u64,
    /// The rowid of the last insertion.
    pub(super) last_rowid: i64,
    /// No transaction is open.
    pub(super) autocommit: bool,
    /// It panicked with this message.
    pub(super) panic: Option<String>,
    /// There are more rows than anybody compares.
    pub(super) too_many: bool,
}

/// A database in memory of each engine.
pub(super) struct Engines {
    /// Aludel.
    pub(super) ours: Ours,
    /// SQLite.
    pub(super) theirs: Theirs,
}

impl Engines {
    /// Two empty databases.
    ///
    /// # Errors
    /// The engines'.
    pub(super) fn open() -> Result<Engines, String> {
        let ours = Ours::open_in_memory().map_err(|error| error.to_string())?;
        let theirs = Theirs::open_in_memory().map_err(|error| error.to_string())?;
        // What the two differ in by default.
        for sql in ["PRAGMA foreign_keys = ON", "PRAGMA trusted_schema = ON"] {
            ours.execute_batch(sql).map_err(|error| error.to_string())?;
            theirs.execute_batch(sql).map_err(|error| error.to_string())?;
        }
        Ok(Engines { ours, theirs })
    }

    /// What Aludel says.
    pub(super) fn our_outcome(&self, sql: &str) -> Outcome {
        let mut outcome = Outcome::default();
        let ran = catch_unwind(AssertUnwindSafe(|| {
            (outcome.rows, outcome.error, outcome.too_many) = aludel::rows_of(&self.ours, sql, ROWS_MAX);
        }));
        if let Err(what) = ran {
            outcome.panic = Some(panic_text(what.as_ref()));
            return outcome;
        }
        outcome.changes = self.ours.changes();
        outcome.last_rowid = self.ours.last_insert_rowid();
        outcome.autocommit = self.ours.is_autocommit();
        outcome
    }

    /// Whether SQLite finds a row without parent in its own database that is none in ours, of a table whose keys may not wait for the end of a
    /// transaction.
    pub(super) fn theirs_is_orphaned(&self) -> bool {
        const CHECK: &str = "PRAGMA foreign_key_check";
        let (theirs, mut ours) = (self.their_outcome(CHECK), self.our_outcome(CHECK).rows);
        let is_new = |row: &Vec<Datum>| match ours.iter().position(|own| own == row) {
            Some(known) => {
                ours.swap_remove(known);
                false
            }
            None => true,
        };
        let waiting = if theirs.autocommit {
            Vec::new()
        } else {
            self.their_waiting_tables()
        };
        let new: Vec<_> = theirs.rows.into_iter().filter(is_new).collect();
        new.iter()
            .filter_map(|row| row.first())
            .any(|table| !waiting.contains(table))
    }

    /// The tables of SQLite's database whose keys may wait for the end of the transaction; all of them under `PRAGMA defer_foreign_keys`.
    fn their_waiting_tables(&self) -> Vec<Datum> {
        const WAITING: &str = "SELECT name FROM pragma_defer_foreign_keys, sqlite_schema WHERE type = 'table' AND (defer_foreign_keys OR sql LIKE '%DEFERR%')";
        self.their_outcome(WAITING).rows.into_iter().flatten().collect()
    }

    /// Has SQLite read its schema again. In a transaction it goes on with the one that an ALTER TABLE has made which failed then and was undone.
    pub(super) fn forget_their_schema(&self) {
        self.their_outcome("PRAGMA writable_schema = RESET");
    }

    /// What SQLite says in a copy of its database without indexes that name a descending column; `None` when there are none.
    pub(super) fn their_outcome_ascending(&mut self, sql: &str) -> Option<Outcome> {
        const DESCENDING: &str = "SELECT 'DROP INDEX \"' || name || '\"' FROM sqlite_schema WHERE type = 'index' AND sql LIKE '%DESC%'";
        let file = self.theirs.serialize("main").ok()?;
        let mut copy = Engines::open().ok()?;
        let whole = copy
            .theirs
            .deserialize_read_exact("main", &*file, file.len(), false);
        whole.ok()?;
        let drops = copy.their_outcome(DESCENDING).rows;
        for drop in &drops {
            if let [Datum::Text(drop)] = drop.as_slice() {
                copy.theirs.execute_batch(&String::from_utf8_lossy(drop)).ok()?;
            }
        }
        (!drops.is_empty()).then(|| Outcome {
            changes: self.theirs.changes(),
            last_rowid: self.theirs.last_insert_rowid(),
            autocommit: self.theirs.is_autocommit(),
            ..copy.their_outcome(sql)
        })
    }

    /// What SQLite says.
    pub(super) fn their_outcome(&self, sql: &str) -> Outcome {
        let (rows, error, too_many) = sqlite::rows_of(&self.theirs, sql, ROWS_MAX);
        Outcome {
            rows,
            error,
            too_many,
            changes: self.theirs.changes(),
            last_rowid: self.theirs.last_insert_rowid(),
            autocommit: self.theirs.is_autocommit(),
            panic: None,
        }
    }
}

fn panic_text(what: &(dyn std::any::Any + Send)) -> String {
    let text = what.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| what.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a text")
        .to_owned()
}
