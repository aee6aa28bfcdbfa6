//! Statement logging and counting.
//!
//! Each run of a statement is one `tracing` event of the target `aludel::statement` at level DEBUG, and one line on standard
//! error where the engine echoes. Neither costs anything but a load while nobody listens.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::types::Value;

thread_local! {
    static STATEMENTS: Cell<u64> = const { Cell::new(0) };
}

/// How many statements this thread has run, over all engines. See [`assert_statements!`](crate::assert_statements).
pub fn statements_run() -> u64 {
    STATEMENTS.get()
}

/// Who is told about statements.
#[derive(Debug, Default)]
pub(crate) struct Log {
    echo: AtomicBool,
}

/// A statement that is running and will be reported when it ends.
pub(crate) struct Running {
    started: Option<Instant>,
}

impl Log {
    pub(crate) fn set_echo(&self, on: bool) {
        self.echo.store(on, Ordering::Relaxed);
    }

    pub(crate) fn start(&self) -> Running {
        STATEMENTS.set(STATEMENTS.get() + 1);
        let wanted = self.echo.load(Ordering::Relaxed)
            || tracing::enabled!(target: "aludel::statement", tracing::Level::DEBUG);
        Running {
            started: wanted.then(Instant::now),
        }
    }

    /// Reports a statement that ended. `params` are shown as SQL.
    #[inline]
    pub(crate) fn finish(&self, running: &Running, sql: &str, params: &[Value<'_>], rows: u64) {
        if let Some(started) = running.started {
            self.report(started, sql, params, rows);
        }
    }

    #[cold]
    fn report(&self, started: Instant, sql: &str, params: &[Value<'_>], rows: u64) {
        let elapsed = started.elapsed();
        let shown: Vec<String> = params.iter().map(ToString::to_string).collect();
        let params = shown.join(", ");
        if self.echo.load(Ordering::Relaxed) {
            eprintln!("[aludel] {sql}; [{params}] rows={rows} {elapsed:.1?}");
        }
        tracing::debug!(target: "aludel::statement", sql, params, rows, ?elapsed);
    }
}

/// Runs an expression and asserts that it took that many statements; gives the expression's value.
///
/// ```
/// use aludel::prelude::*;
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// let mut connection = engine.connect()?;
/// assert_statements!(1, connection.execute("CREATE TABLE t (x)", &[])?);
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! assert_statements {
    ($expected:expr, $run:expr) => {{
        let before = $crate::statements_run();
        let result = $run;
        let after = $crate::statements_run();
        assert_eq!(
            after - before,
            $expected,
            "statements run by `{}`",
            stringify!($run)
        );
        result
    }};
}
