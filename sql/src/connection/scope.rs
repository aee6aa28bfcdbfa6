//! Transactions and savepoints as values: what was begun ends with its scope.
//!
//! ```text
//!   Connection ── transaction() ──▶ Transaction ── savepoint() ──▶ Savepoint ── savepoint() ──▶ ..
//!        ▲            borrows it            ▲           borrows it
//!        └── Deref ─────────────────────────┴── Deref
//! ```
//!
//! Each borrows what it lies in, so the compiler sees to it that the inner one ends first. One that is dropped without a word is rolled back,
//! so that `?` in its midst takes its changes back; [`DropBehavior`] makes that otherwise.

use std::ops::Deref;

use super::Connection;
use crate::error::Result;

/// Which locks BEGIN takes (SQLite's documentation, `lang_transaction`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TransactionBehavior {
    /// None before the first statement reads or writes.
    #[default]
    Deferred,
    /// The one of the writer, at once: who comes second waits here, not in the midst of its work.
    Immediate,
    /// And, but for the log, keeps readers out.
    Exclusive,
}

/// What becomes of a transaction or savepoint that is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DropBehavior {
    /// Its changes are taken back.
    #[default]
    Rollback,
    /// They are kept; a failure to do so takes them back.
    Commit,
    /// Nothing: it stays open.
    Ignore,
}

/// A transaction that ends with its scope. Statements go through it as through the connection.
///
/// ```
/// use aludel_sql::Connection;
///
/// # fn main() -> aludel_sql::Result<()> {
/// let mut bank = Connection::open_in_memory()?;
/// bank.execute_batch("CREATE TABLE account(owner, cents); INSERT INTO account VALUES ('a', 500), ('b', 0)")?;
/// let transfer = bank.transaction()?;
/// transfer.execute("UPDATE account SET cents = cents - 100 WHERE owner = 'a'", ())?;
/// transfer.execute("UPDATE account SET cents = cents + 100 WHERE owner = 'b'", ())?;
/// transfer.commit()?;
/// let sum: i64 = bank.query_row("SELECT sum(cents) FROM account", (), |row| row.get(0))?;
/// assert_eq!(sum, 500);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Transaction<'c> {
    connection: &'c Connection,
    drop_behavior: DropBehavior,
    /// It ended already.
    done: bool,
}

/// A savepoint that ends with its scope: a part of a transaction that can be taken back alone.
///
/// ```
/// # fn main() -> aludel_sql::Result<()> {
/// let mut connection = aludel_sql::Connection::open_in_memory()?;
/// connection.execute_batch("CREATE TABLE t(a)")?;
/// let mut whole = connection.transaction()?;
/// whole.execute("INSERT INTO t VALUES (1)", ())?;
/// {
///     let part = whole.savepoint()?;
///     part.execute("INSERT INTO t VALUES (2)", ())?;
///     // Dropped: only the second row is gone.
/// }
/// whole.commit()?;
/// let count: i64 = connection.query_row("SELECT count(*) FROM t", (), |row| row.get(0))?;
/// assert_eq!(count, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Savepoint<'c> {
    connection: &'c Connection,
    name: String,
    /// How many savepoints of this kind it lies in.
    depth: usize,
    drop_behavior: DropBehavior,
    done: bool,
}

impl Connection {
    /// Begins a transaction that takes its locks when it needs them.
    ///
    /// # Errors
    /// `cannot start a transaction within a transaction`.
    pub fn transaction(&mut self) -> Result<Transaction<'_>> {
        Transaction::begin(self, TransactionBehavior::Deferred)
    }

    /// As [`Connection::transaction`], with the locks that are asked for.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) when another connection has them.
    pub fn transaction_with_behavior(&mut self, behavior: TransactionBehavior) -> Result<Transaction<'_>> {
        Transaction::begin(self, behavior)
    }

    /// As [`Connection::transaction`], for who has only a shared reference; that no other transaction is open shows when it runs.
    ///
    /// # Errors
    /// `cannot start a transaction within a transaction`.
    pub fn unchecked_transaction(&self) -> Result<Transaction<'_>> {
        Transaction::begin(self, TransactionBehavior::Deferred)
    }

    /// Opens a savepoint; outside of a transaction it is one by itself.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) while a statement writes.
    pub fn savepoint(&mut self) -> Result<Savepoint<'_>> {
        Savepoint::open(self, 0)
    }
}

impl<'c> Transaction<'c> {
    fn begin(connection: &'c Connection, behavior: TransactionBehavior) -> Result<Transaction<'c>> {
        connection.execute_batch(match behavior {
            TransactionBehavior::Deferred => "BEGIN DEFERRED",
            TransactionBehavior::Immediate => "BEGIN IMMEDIATE",
            TransactionBehavior::Exclusive => "BEGIN EXCLUSIVE",
        })?;
        Ok(Transaction {
            connection,
            drop_behavior: DropBehavior::default(),
            done: false,
        })
    }

    /// What is done when it is dropped.
    #[must_use]
    pub fn drop_behavior(&self) -> DropBehavior {
        self.drop_behavior
    }

    /// Sets what is done when it is dropped.
    pub fn set_drop_behavior(&mut self, behavior: DropBehavior) {
        self.drop_behavior = behavior;
    }

    /// Opens a savepoint in it.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) while a statement writes.
    pub fn savepoint(&mut self) -> Result<Savepoint<'_>> {
        Savepoint::open(self.connection, 0)
    }

    /// Keeps its changes.
    ///
    /// # Errors
    /// Those of COMMIT: a foreign key that is still broken, a busy or full disk, a commit hook that says no. The changes are taken back then.
    pub fn commit(mut self) -> Result<()> {
        self.end(DropBehavior::Commit)
    }

    /// Takes its changes back.
    ///
    /// # Errors
    /// Those of the file.
    pub fn rollback(mut self) -> Result<()> {
        self.end(DropBehavior::Rollback)
    }

    /// Ends it as dropping it would, and tells what went wrong.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub fn finish(mut self) -> Result<()> {
        self.end(self.drop_behavior)
    }

    fn end(&mut self, behavior: DropBehavior) -> Result<()> {
        // An error may have ended it (ON CONFLICT ROLLBACK, a full disk).
        if std::mem::replace(&mut self.done, true) || self.connection.is_autocommit() {
            return Ok(());
        }
        match behavior {
            DropBehavior::Ignore => Ok(()),
            DropBehavior::Rollback => self.connection.execute_batch("ROLLBACK"),
            DropBehavior::Commit => {
                let committed = self.connection.execute_batch("COMMIT");
                if committed.is_err() && !self.connection.is_autocommit() {
                    self.connection.execute_batch("ROLLBACK")?;
                }
                committed
            }
        }
    }
}

impl<'c> Savepoint<'c> {
    fn open(connection: &'c Connection, depth: usize) -> Result<Savepoint<'c>> {
        let name = format!("scope_{depth}");
        connection.execute_batch(&format!("SAVEPOINT {name}"))?;
        Ok(Savepoint {
            connection,
            name,
            depth,
            drop_behavior: DropBehavior::default(),
            done: false,
        })
    }

    /// What is done when it is dropped.
    #[must_use]
    pub fn drop_behavior(&self) -> DropBehavior {
        self.drop_behavior
    }

    /// Sets what is done when it is dropped.
    pub fn set_drop_behavior(&mut self, behavior: DropBehavior) {
        self.drop_behavior = behavior;
    }

    /// Opens a savepoint in it.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) while a statement writes.
    pub fn savepoint(&mut self) -> Result<Savepoint<'_>> {
        Savepoint::open(self.connection, self.depth + 1)
    }

    /// Keeps its changes, as part of what it lies in.
    ///
    /// # Errors
    /// Those of RELEASE; of COMMIT, where it lies in no transaction.
    pub fn commit(mut self) -> Result<()> {
        self.end(DropBehavior::Commit)
    }

    /// Takes its changes back, and goes on.
    ///
    /// # Errors
    /// Those of ROLLBACK TO.
    pub fn rollback(&mut self) -> Result<()> {
        self.connection
            .execute_batch(&format!("ROLLBACK TO {}", self.name))
    }

    /// Ends it as dropping it would, and tells what went wrong.
    ///
    /// # Errors
    /// As [`Savepoint::commit`].
    pub fn finish(mut self) -> Result<()> {
        self.end(self.drop_behavior)
    }

    fn end(&mut self, behavior: DropBehavior) -> Result<()> {
        if std::mem::replace(&mut self.done, true) || self.connection.is_autocommit() {
            return Ok(());
        }
        let release = format!("RELEASE {}", self.name);
        match behavior {
            DropBehavior::Ignore => Ok(()),
            DropBehavior::Commit => {
                let released = self.connection.execute_batch(&release);
                if released.is_err() && !self.connection.is_autocommit() {
                    self.rollback()?;
                    self.connection.execute_batch(&release)?;
                }
                released
            }
            DropBehavior::Rollback => {
                self.rollback()?;
                self.connection.execute_batch(&release)
            }
        }
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Deref for Savepoint<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // Whoever wants to know what went wrong asks `finish`.
        let _ = self.end(self.drop_behavior);
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        let _ = self.end(self.drop_behavior);
    }
}
