//! `bench`: what storage does on this machine and disk.

use std::io::Write;

use crate::cli::Bench;
use crate::error::{Exit, Failure};

/// Measures in a scratch folder beside the file, and prints.
///
/// # Errors
/// A file that cannot be opened, a folder that cannot be written, an output that is closed.
pub(super) fn bench(bench: &Bench, out: &mut dyn Write) -> Result<Exit, Failure> {
    crate::bench::run(bench, out)
}
