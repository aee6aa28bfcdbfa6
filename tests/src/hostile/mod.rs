//! Hostile SQL: scripts that fuzzers found, and statements that are mutated from them and from random sessions.
//!
//! - H1. A statement gets an answer or an error; it never panics, and the stack never runs out.
//! - H2. A statement that is interrupted ends soon: [`STATEMENT_MS_MAX`] after its start it is asked to, [`GRACE_MS`] later it has to have ended.
//! - H3. A statement never holds more than [`BYTES_MAX`] at once.
//!
//! Each script has a database of its own; mutated statements share one for a while.

mod mutate;
mod run;
mod script;

pub use run::{Options, Tally, run};
pub use script::{Script, read_scripts};

/// A statement that takes longer is interrupted.
pub const STATEMENT_MS_MAX: u64 = 1_000;

/// So long after it was asked to, a statement still runs: it hangs.
pub const GRACE_MS: u64 = 10_000;

/// The most memory: one value of the greatest length, twice, and what surrounds it.
pub const BYTES_MAX: usize = 3 << 30;
