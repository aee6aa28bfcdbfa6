//! What operators and kernels may touch while a statement runs.

use std::sync::atomic::{AtomicBool, Ordering};

use aludel_storage::format::PageNo;

use crate::connection::State;
use crate::error::{Error, Result};
use crate::functions::Environment;
use crate::plan::expr::Register;
use crate::plan::physical::DatabaseIndex;
use crate::value::{Value, ValueRef};
use crate::virtual_table::VirtualContext;

/// The world of a running statement. It is lent to each call; operators keep no reference to it.
pub struct ExecContext<'a> {
    /// The connection: databases by [`DatabaseIndex`](crate::plan::physical::DatabaseIndex), counters and settings, and all that nested
    /// statements need.
    pub(crate) state: &'a mut State,
    /// The bound parameters; those past the end are NULL.
    pub parameters: &'a [Value],
    /// Values from outer rows.
    pub registers: &'a mut Vec<Value>,
    /// Set by another thread to stop the statement.
    pub interrupt: &'a AtomicBool,
    /// Differs for each run of a statement, and for each firing of a trigger; the same in all calls of one run. What
    /// is computed once a run (uncorrelated subqueries) is kept under this number.
    pub run: u64,
}

impl ExecContext<'_> {
    /// Fails when the statement was interrupted. Operators ask once a batch.
    #[inline]
    pub fn check_interrupt(&self) -> Result<()> {
        if self.interrupt.load(Ordering::Relaxed) {
            Err(Error::Interrupt)
        } else if self.state.hooks.watches_progress() {
            self.state.hooks.tell_progress()
        } else {
            Ok(())
        }
    }

    /// The connection as virtual tables see it.
    pub(crate) fn virtual_context(&mut self) -> VirtualContext<'_> {
        VirtualContext::new(self.state, self.interrupt)
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

    /// Puts a value into a register; allocates only when a text grows.
    pub fn set_register(&mut self, register: Register, value: ValueRef<'_>) {
        if self.registers.len() <= register.0 {
            self.registers.resize(register.0 + 1, Value::Null);
        }
        self.registers[register.0].assign(value);
    }
}

/// State of a connection that statements read and change.
#[derive(Debug)]
pub struct Session {
    /// Counters, clock, random numbers and limits, as functions see them too.
    pub environment: Environment,
    /// The most bytes that one sort or hash table of a statement holds before it spills.
    pub memory_budget_bytes: usize,
    /// The most rows that a scan hands on at once.
    pub batch_rows_max: usize,
    /// Numbers the runs of statements and programs.
    pub runs: u64,
    /// Foreign keys that were found broken and are to be looked at again.
    pub foreign_keys: super::write::Ledger,
    /// How many programs (triggers, foreign key actions) run inside each other.
    pub(crate) depth: usize,
    /// How many may.
    pub(crate) trigger_depth_max: usize,
    /// The triggers that run now, by identity.
    pub(crate) firing: Vec<usize>,
    /// A table that programs may not write for now.
    pub(crate) pinned: Option<Pin>,
}

/// A table one row of which is being updated while programs run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pin {
    database: DatabaseIndex,
    root: PageNo,
    depth: usize,
}

impl Pin {
    /// Pins the table at `root` against programs deeper than `depth`.
    pub(crate) fn new(database: DatabaseIndex, root: PageNo, depth: usize) -> Pin {
        Pin {
            database,
            root,
            depth,
        }
    }

    /// Whether a program at `depth` must leave that table alone.
    pub(crate) fn holds(&self, database: DatabaseIndex, root: PageNo, depth: usize) -> bool {
        depth > self.depth && self.root == root && self.database == database
    }
}

impl Default for Session {
    fn default() -> Session {
        Session {
            environment: Environment::default(),
            memory_budget_bytes: 256 << 20,
            batch_rows_max: super::BATCH_ROWS_MAX,
            runs: 0,
            foreign_keys: Default::default(),
            depth: 0,
            trigger_depth_max: super::write::TRIGGER_DEPTH_MAX,
            firing: Vec::new(),
            pinned: None,
        }
    }
}
