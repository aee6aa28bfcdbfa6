//! What operators and kernels may touch while a statement runs.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::catalog::Database;
use crate::error::{Error, Result};
use crate::plan::expr::Register;
use crate::value::Value;

/// The world of a running statement. It is lent to each call; operators keep no reference to it.
pub struct ExecContext<'a> {
    /// The open databases by [`DatabaseIndex`](crate::plan::physical::DatabaseIndex).
    pub databases: &'a mut [Database],
    /// The bound parameters; those past the end are NULL.
    pub parameters: &'a [Value],
    /// Values from outer rows.
    pub registers: &'a mut Vec<Value>,
    /// Counters and settings of the connection that functions and writes read and change.
    pub session: &'a mut Session,
    /// Set by another thread to stop the statement.
    pub interrupt: &'a AtomicBool,
}

impl ExecContext<'_> {
    /// Fails when the statement was interrupted. Operators ask once a batch.
    #[inline]
    pub fn check_interrupt(&self) -> Result<()> {
        if self.interrupt.load(Ordering::Relaxed) { Err(Error::Interrupt) } else { Ok(()) }
    }

    /// A bound parameter, counted from 0.
    #[inline]
    pub fn parameter(&self, index: usize) -> &Value {
        self.parameters.get(index).unwrap_or(&Value::Null)
    }

    /// The value in a register.
    #[inline]
    pub fn register(&self, register: Register) -> &Value {
        self.registers.get(register.0).unwrap_or(&Value::Null)
    }

    /// Puts a value into a register.
    pub fn set_register(&mut self, register: Register, value: Value) {
        if self.registers.len() <= register.0 {
            self.registers.resize(register.0 + 1, Value::Null);
        }
        self.registers[register.0] = value;
    }
}

/// State of a connection that statements read and change.
#[derive(Debug)]
pub struct Session {
    /// Rows changed by the last INSERT, UPDATE or DELETE.
    pub changes: i64,
    /// Rows changed since the connection was opened.
    pub total_changes: i64,
    /// The rowid of the last INSERT into a rowid table.
    pub last_insert_rowid: i64,
    /// The time that all of one statement sees: milliseconds since julian day 0. `None` until the statement asks.
    pub now_ms: Option<i64>,
    /// Whether LIKE tells upper from lower case (PRAGMA case_sensitive_like).
    pub case_sensitive_like: bool,
    /// The most bytes that sorts and hash tables of one statement hold before they spill.
    pub memory_budget_bytes: usize,
    /// State of random(); seeded from the system when the connection is opened.
    pub random_state: [u64; 4],
}
