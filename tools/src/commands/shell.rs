//! `shell`: statements and dot commands, one after the other.

use crate::cli::Shell;
use crate::error::{Exit, Failure};

/// Runs the shell: with an editor when a person sits at both ends, else over `-c` or standard input. The exit code is that of the first
/// failure; `.exit 7` ends the process itself.
///
/// # Errors
/// A file that cannot be opened, an output that is closed.
pub(super) fn shell(arguments: &Shell) -> Result<Exit, Failure> {
    crate::shell::run(arguments)
}
