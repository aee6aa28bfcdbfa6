//! One face for all peers. What is prepared beforehand, timed, and judged afterwards are three steps:
//!
//! ```text
//!   prepare (inputs are made)  ->  Timed (the work)  ->  Judged (the answer's checksum; then all is dropped)
//! ```

use std::path::Path;

use crate::work::{Failure, Line};

/// The work, ready to be timed.
pub type Timed<'p> = Box<dyn FnOnce() -> Result<Judged<'p>, Failure> + 'p>;

/// The answer, ready to be judged.
pub type Judged<'p> = Box<dyn FnOnce() -> Result<u32, Failure> + 'p>;

/// A way to work with the database.
pub trait Peer {
    /// What the table calls it.
    fn name(&self) -> &'static str;

    /// Opens a database, and closes the one before.
    fn open(&mut self, file: &Path) -> Result<(), Failure>;

    /// Closes the database.
    fn close(&mut self);

    /// Makes the inputs of a work. Without an identity map, tracked works are the plain ones.
    fn prepare(&mut self, line: Line) -> Result<Timed<'_>, Failure>;

    /// The time of the timed step as the peer itself took it, in nanoseconds, where it is in another process.
    fn own_time(&self) -> Option<u64> {
        None
    }

    /// Rounds that are enough, for those who are so slow that noise is no matter.
    fn rounds_max(&self) -> usize {
        usize::MAX
    }
}
