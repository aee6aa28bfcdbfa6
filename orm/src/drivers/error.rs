//! What goes wrong below the ORM.

use std::fmt;

/// The family that a driver's error belongs to: what code can react to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// A UNIQUE or PRIMARY KEY constraint.
    Unique,
    /// A FOREIGN KEY constraint.
    ForeignKey,
    /// A NOT NULL constraint.
    NotNull,
    /// A CHECK constraint.
    Check,
    /// Another constraint.
    Constraint,
    /// Someone else holds a lock, or committed first: the transaction can be tried again.
    Busy,
    /// The statement is wrong: syntax, unknown table or column.
    Statement,
    /// The database cannot be opened, reached, read or written.
    Storage,
    /// The call was interrupted.
    Interrupted,
    /// Anything else.
    Other,
}

/// An error of the database or of the way to it.
#[derive(Debug)]
pub struct DriverError(Box<Inner>);

/// Apart, so that a result which may be an error is no larger than what it is for.
#[derive(Debug)]
struct Inner {
    failure: Failure,
    message: String,
    sql: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl DriverError {
    /// An error of that family.
    pub fn new(failure: Failure, message: impl Into<String>) -> DriverError {
        DriverError(Box::new(Inner {
            failure,
            message: message.into(),
            sql: None,
            source: None,
        }))
    }

    /// With the backend's own error as its source.
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> DriverError {
        self.0.source = Some(Box::new(source));
        self
    }

    /// With the statement that failed.
    pub fn with_sql(mut self, sql: &str) -> DriverError {
        self.0.sql.get_or_insert_with(|| sql.to_owned());
        self
    }

    /// The family.
    pub fn failure(&self) -> Failure {
        self.0.failure
    }

    /// The backend's message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The text of the statement that failed, where it was one.
    pub fn sql(&self) -> Option<&str> {
        self.0.sql.as_deref()
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.sql {
            Some(sql) => write!(f, " (in: {sql})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DriverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}
