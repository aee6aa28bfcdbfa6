//! Failures and exit codes.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; for `check` and `diff`: clean, same |
//! | 1 | done; findings or differences exist |
//! | 2 | usage, or SQL that does not compile or run |
//! | 3 | the file cannot be opened: missing, no permission, not a database |
//! | 4 | damage stopped part of the answer; what is printed is right but not all |
//! | 5 | busy, or the file changed while it was read |
//! | 6 | a bug in dbtool |
//! | 130 | interrupted |

use std::fmt;
use std::io;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::inspect::ImageError;
use crate::inspect::content::ContentError;

/// How the program ended, as its exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All done, nothing found.
    Done,
    /// All done, findings exist.
    Findings,
    /// The call was wrong.
    Usage,
    /// The file cannot be opened.
    CannotOpen,
    /// Damage stopped part of the answer.
    Damaged,
    /// Somebody else has the file locked, or changed it meanwhile.
    Busy,
    /// A panic.
    Bug,
    /// Stopped by the user.
    Interrupted,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::CannotOpen => 3,
            Exit::Damaged => 4,
            Exit::Busy => 5,
            Exit::Bug => 6,
            Exit::Interrupted => 130,
        }
    }
}

/// Runs the program. A panic is a bug of ours: it is told as one, after the message that the panic itself prints, and is an exit code of its own.
pub fn run_guarded(run: impl FnOnce() -> Exit + panic::UnwindSafe) -> Exit {
    panic::catch_unwind(run).unwrap_or_else(|_| {
        eprintln!("dbtool: this is a bug of dbtool; please report it with the message above and the file");
        Exit::Bug
    })
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The file cannot be opened.
    #[error("cannot open {}: {reason}", file.display())]
    CannotOpen {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The engine refused a statement.
    #[error("{}", SqlFailure { error, sql })]
    Sql {
        /// What it says.
        error: aludel_sql::Error,
        /// The statement.
        sql: String,
    },
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
    /// There is no image of the file, or none to rely on.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A new file cannot be written.
    #[error("cannot write {}: {reason}", file.display())]
    CannotWrite {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// Damage is in the way of all of the answer.
    #[error("{0}")]
    Damage(String),
    /// Stopped by the user.
    #[error("interrupted: there is no part of the answer to print")]
    Interrupted,
    /// The call makes no sense.
    #[error("{0}")]
    Usage(String),
}

impl Failure {
    /// A file that cannot be opened.
    pub fn cannot_open(file: &Path, reason: impl fmt::Display) -> Failure {
        Failure::CannotOpen {
            file: file.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// A new file that cannot be written.
    pub fn cannot_write(file: &Path, reason: impl fmt::Display) -> Failure {
        Failure::CannotWrite {
            file: file.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// A statement that the engine refused.
    pub fn sql(error: aludel_sql::Error, sql: &str) -> Failure {
        Failure::Sql {
            error,
            sql: sql.to_owned(),
        }
    }

    /// Whether the reader of our output has gone away, which is no failure of ours.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The exit code that tells it.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::CannotOpen { .. } | Failure::CannotWrite { .. } => Exit::CannotOpen,
            Failure::Sql { error, .. } => exit_of_code(error.extended_code()),
            Failure::Output(_) | Failure::Damage(_) => Exit::Damaged,
            Failure::Image(error) => match error {
                ImageError::Busy { .. } | ImageError::Changed { .. } => Exit::Busy,
                ImageError::Read { .. } => Exit::Damaged,
                _ => Exit::CannotOpen,
            },
            Failure::Interrupted => Exit::Interrupted,
            Failure::Usage(_) => Exit::Usage,
        }
    }
}

impl From<ContentError> for Failure {
    fn from(error: ContentError) -> Failure {
        match error {
            ContentError::Output(error) => Failure::Output(error),
            error if error.is_interrupt() => Failure::Interrupted,
            error if error.is_contradiction() => Failure::Damage(format!(
                "the schema names a table that it does not define: {error}"
            )),
            ContentError::Sql { error, sql } => Failure::Sql { error, sql },
        }
    }
}

/// The exit code for SQLite's result code.
fn exit_of_code(code: i32) -> Exit {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const INTERRUPT: i32 = 9;
    const IO: i32 = 10;
    const CORRUPT: i32 = 11;
    const CANT_OPEN: i32 = 14;
    const NOT_A_DATABASE: i32 = 26;
    match code & 0xff {
        BUSY | LOCKED => Exit::Busy,
        INTERRUPT => Exit::Interrupted,
        IO | CORRUPT => Exit::Damaged,
        CANT_OPEN | NOT_A_DATABASE => Exit::CannotOpen,
        _ => Exit::Usage,
    }
}

/// The message, and a caret under the place in the statement when it is known.
struct SqlFailure<'a> {
    error: &'a aludel_sql::Error,
    sql: &'a str,
}

impl fmt::Display for SqlFailure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        if exit_of_code(self.error.extended_code()) == Exit::Interrupted {
            return f.write_str(": what is printed is part of the answer");
        }
        let Some(before) = self.error.offset().and_then(|offset| self.sql.get(..offset)) else {
            return Ok(());
        };
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = self.sql[line_start..].lines().next().unwrap_or_default();
        let column = before[line_start..].chars().count();
        write!(f, "\n  {line}\n  {:>width$}", "^", width = column + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_stands_under_the_place() {
        let error = aludel_sql::Error::syntax("near \"FORM\": syntax error", 9);
        let failure = Failure::sql(error, "SELECT 1\nFORM t");
        assert_eq!(failure.to_string(), "near \"FORM\": syntax error\n  FORM t\n  ^");
        assert_eq!(failure.exit(), Exit::Usage);
    }

    #[test]
    fn a_panic_is_a_bug_of_ours_and_has_its_exit_code() {
        assert_eq!(run_guarded(|| panic!("the bug of a test")).code(), 6);
        assert_eq!(run_guarded(|| Exit::Findings).code(), 1);
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        assert!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).is_broken_pipe());
    }
}
