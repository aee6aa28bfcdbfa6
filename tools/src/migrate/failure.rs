//! What goes wrong, and its exit code; the codes are those of [`Exit`](crate::error::Exit).

use std::io;
use std::path::{Path, PathBuf};

use crate::error::Exit;

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The call makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The database, or a migration.
    #[error(transparent)]
    Database(#[from] aludel::Error),
    /// A file cannot be read or written.
    #[error("cannot {what} {}: {error}", file.display())]
    File {
        /// Read or write.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(super) fn file(what: &'static str, file: &Path, error: io::Error) -> Failure {
        let file = file.to_owned();
        Failure::File { what, file, error }
    }

    /// Whether the reader of our output has gone away, which is no failure of ours.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The exit code that tells it.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) | Failure::Output(_) => Exit::Usage,
            Failure::File { .. } => Exit::CannotOpen,
            Failure::Database(error) => match error.failure() {
                Some(aludel::Failure::Busy) => Exit::Busy,
                Some(aludel::Failure::Storage) => Exit::CannotOpen,
                _ => Exit::Usage,
            },
        }
    }
}
