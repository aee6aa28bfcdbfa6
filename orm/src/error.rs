//! The crate's error: what can go wrong in any of its layers.

use std::time::Duration;

use crate::dialect::CompileError;
use crate::drivers::{DriverError, Failure};
use crate::engine::UrlError;
use crate::types::DecodeError;

/// The result of most calls of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Anything that goes wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine's URL.
    #[error(transparent)]
    Url(#[from] UrlError),

    /// A statement that this backend has no words for.
    #[error(transparent)]
    Compile(#[from] CompileError),

    /// The database, or the way to it.
    #[error(transparent)]
    Driver(#[from] Box<DriverError>),

    /// A value read does not fit its field.
    #[error("{place}: {error}")]
    Decode {
        /// The column.
        place: String,
        /// What does not fit.
        error: DecodeError,
    },

    /// No connection came free in time.
    #[error(
        "no connection came free within {waited:?}: all {max} are in use; commit or drop a session or connection, or raise `pool_size`"
    )]
    PoolTimeout {
        /// The time waited.
        waited: Duration,
        /// The most connections.
        max: usize,
    },

    /// There is no row of that key.
    #[error("no row of `{table}` has the key {key}")]
    NotFound {
        /// The table.
        table: &'static str,
        /// The key.
        key: String,
    },

    /// A query that must find a row found none.
    #[error("the query found no row (in: {sql})")]
    NoRow {
        /// The query.
        sql: String,
    },

    /// A query that must find one row found more.
    #[error("the query found more than one row (in: {sql})")]
    ManyRows {
        /// The query.
        sql: String,
    },

    /// A row was changed or deleted by someone else since it was read.
    #[error(
        "stale: the row of `{table}` with the key {key} was changed or deleted since it was read; roll back, refresh and try again"
    )]
    Stale {
        /// The table.
        table: &'static str,
        /// The key.
        key: String,
    },

    /// A handle of another session, or of an entity that this session let go.
    #[error("{0}")]
    Handle(HandleError),

    /// A row cannot be written because its keys form a circle, or are missing.
    #[error("{0}")]
    Flush(String),

    /// Another entity of that key is in the session already.
    #[error("the session has another row of `{table}` with the key {key}: change that one, or use `merge`")]
    DuplicateKey {
        /// The table.
        table: &'static str,
        /// The key.
        key: String,
    },

    /// A relation was loaded for one entity after the other more often than the session allows.
    #[error(
        "the relation `{relation}` was loaded {count} times one by one: load it with the query by `.with(..)`, or at once by `session.load(..)`"
    )]
    ManyLoads {
        /// The relation.
        relation: String,
        /// The loads.
        count: u64,
    },

    /// The session only reads.
    #[error("the session is read-only: {0}")]
    ReadOnly(&'static str),

    /// The schema cannot be put in order or is not what it should be.
    #[error("{0}")]
    Schema(String),

    /// A migration is not what it should be, or cannot run now.
    #[error("{0}")]
    Migration(String),

    /// A migration failed while it ran.
    #[error("migration {version} ({name}) failed on its way {way}: {error}")]
    MigrationFailed {
        /// Its version.
        version: i64,
        /// Its name.
        name: String,
        /// Up or down.
        way: &'static str,
        /// What it ran into.
        error: Box<Error>,
    },

    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
}

/// What is wrong with a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandleError {
    /// It was made by another session.
    #[error(
        "this handle belongs to another session: handles are only good in the session that gave them out"
    )]
    OtherSession,
    /// What it stood for is gone.
    #[error(
        "this handle's entity is no longer in the session: it was deleted and committed, expunged, or its insert was rolled back"
    )]
    Gone,
}

impl Error {
    pub(crate) fn decode(place: impl Into<String>, error: DecodeError) -> Error {
        Error::Decode {
            place: place.into(),
            error,
        }
    }

    /// The family of a driver's error: which constraint, busy, and so on.
    pub fn failure(&self) -> Option<Failure> {
        match self {
            Error::Driver(error) => Some(error.failure()),
            Error::MigrationFailed { error, .. } => error.failure(),
            _ => None,
        }
    }
}

impl From<DriverError> for Error {
    fn from(error: DriverError) -> Error {
        Error::Driver(Box::new(error))
    }
}

impl From<HandleError> for Error {
    fn from(error: HandleError) -> Error {
        Error::Handle(error)
    }
}
