//! Damaged files: whatever the bytes, an answer or an error, in bounded time and memory.
//!
//! ```text
//!   seeds: damaged files from a folder ─┐
//!          files made here, of each ────┼──▶ mutate ──▶ trial: open, schema, check, read all, write, vacuum, recover
//!          shape, with log or journal ──┘                └──▶ the same file read by SQLite: the same rows where it finds no error
//! ```
//!
//! - D1. Nothing panics.
//! - D2. No step takes longer than [`Limits::time`] for a file of its size.
//! - D3. Our engine never holds more memory than [`Limits::memory`].
//! - D4. Where SQLite reads a whole table without an error, we read the same rows. In a file in which SQLite's own integrity check
//!   finds damage, we may say so instead: SQLite takes bytes behind the end of a page or of a record for values, and we do not. Such tables are
//!   counted.
//! - D5. What is recovered passes the integrity check.
//!
//! A case is named `SEED:NUMBER`; the number is that of the mutation, 0 for none, and all follows from it.

mod image;
mod mutate;
mod mutate_beside;
mod run;
mod seeds;
mod trial;

use std::time::Duration;

pub use image::Image;
pub use run::{Options, Tally, replay, run};
pub use trial::{Findings, Kind};

/// What a trial may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Each step.
    pub time: Duration,
    /// Bytes at any moment.
    pub memory: usize,
}

impl Limits {
    /// 2 s for each begun MiB; 64 MiB and four times the file.
    pub fn of(len: usize) -> Limits {
        let begun = u32::try_from(len.div_ceil(1 << 20).max(1)).unwrap_or(u32::MAX);
        Limits {
            time: Duration::from_secs(2) * begun,
            memory: (64 << 20) + 4 * len,
        }
    }
}

/// What measures this thread's memory. The program brings it, because it takes an allocator.
pub trait Meter: Sync {
    /// Forgets the highest mark so far.
    fn reset(&self);

    /// The most bytes at any moment since then, more than at that time.
    fn peak(&self) -> usize;
}
