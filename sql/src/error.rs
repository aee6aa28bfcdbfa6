//! The one error of the SQL engine.
//!
//! Every failure carries three things that a program written for SQLite looks at: the primary and the extended result code, the
//! message that SQLite has for the case (that is what `Display` prints), and where one exists the byte offset into the SQL text. The
//! variants form families by who is wrong: the file or the world ([`Error::Storage`], [`Error::Busy`], ...), the statement
//! ([`Error::Syntax`], [`Error::Sql`]), the data that a statement brings ([`Error::Constraint`], [`Error::Mismatch`]) or the calling program
//! ([`Error::Misuse`], [`Error::Range`], [`Error::Conversion`]).

use std::fmt;

/// Result of the SQL engine's fallible operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong between a text of SQL and its rows. `Display` is SQLite's message.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The page store failed: damaged file, I/O, locks, disk full.
    #[error("{}", .0.message())]
    Storage(#[from] aludel_storage::Error),
    /// The text is not SQL (`near "x": syntax error`, `unrecognized token: "@"`, `incomplete input`).
    #[error("{message}")]
    Syntax {
        /// SQLite's message.
        message: String,
        /// Byte offset of the offending token.
        offset: Option<usize>,
    },
    /// The statement is well-formed but cannot be done: unknown names, misused aggregates, failing functions.
    #[error("{message}")]
    Sql {
        /// SQLite's message.
        message: String,
        /// Byte offset of the part of the statement that is at fault, where it is known.
        offset: Option<usize>,
    },
    /// As `Sql`, with a result code of its own.
    #[error("{message}")]
    Coded {
        /// The extended result code.
        code: i32,
        /// SQLite's message.
        message: String,
        /// As in `Sql`.
        offset: Option<usize>,
    },
    /// A row breaks a constraint.
    #[error("{message}")]
    Constraint {
        /// Which kind of constraint.
        kind: ConstraintKind,
        /// SQLite's message, such as `UNIQUE constraint failed: t.a`.
        message: String,
    },
    /// RAISE() of a trigger program.
    #[error("{message}")]
    Raise {
        /// What it does to the statement.
        action: RaiseAction,
        /// The message that it was given.
        message: String,
    },
    /// A value has no place where it was put: a rowid that is not an integer, a row id or LIMIT that is no number.
    #[error("datatype mismatch")]
    Mismatch,
    /// A text, blob or row would be larger than the limit.
    #[error("string or blob too big")]
    TooBig,
    /// The interface was used in a way that its documentation rules out.
    #[error("{message}")]
    Misuse {
        /// What was wrong.
        message: String,
    },
    /// Another program or statement asked this one to stop.
    #[error("interrupted")]
    Interrupt,
    /// A parameter or column index that the statement does not have.
    #[error("column index out of range")]
    Range,
    /// The connection itself is busy with something that rules the operation out.
    #[error("{message}")]
    Busy {
        /// SQLite's message.
        message: String,
    },
    /// A table is in use by another statement of the same connection.
    #[error("{message}")]
    Locked {
        /// SQLite's message.
        message: String,
    },
    /// The connection or the database must not be written.
    #[error("{message}")]
    ReadOnly {
        /// SQLite's message.
        message: String,
    },
    /// The schema changed under a statement that could not be compiled anew.
    #[error("database schema has changed")]
    Schema,
    /// An authorizer or a safety setting forbids the operation.
    #[error("{message}")]
    Auth {
        /// SQLite's message.
        message: String,
    },
    /// A statement was ended by ROLLBACK or by a callback.
    #[error("{message}")]
    Abort {
        /// SQLite's message.
        message: String,
    },
    /// The schema tables hold what no schema can be made of.
    #[error("{message}")]
    Corrupt {
        /// SQLite's message, such as `malformed database schema (t)`.
        message: String,
    },
    /// A query that must return a row returned none.
    #[error("query returned no rows")]
    NoRows,
    /// A query that must return one row returned more.
    #[error("query returned more than one row")]
    ManyRows,
    /// A statement that must change one row changed another number of them.
    #[error("the statement changed {count} rows instead of one")]
    ChangedRows {
        /// How many it changed.
        count: usize,
    },
    /// A value of the result does not convert to the type asked for.
    #[error("column {column}: cannot convert {from} to {to}")]
    Conversion {
        /// Zero-based column.
        column: usize,
        /// Storage class or value found.
        from: String,
        /// Type asked for.
        to: String,
    },
    /// A user function or callback returned an error of its own.
    #[error("{message}")]
    User {
        /// SQLite result code that the callback chose (1 when it chose none).
        code: i32,
        /// Message of the callback.
        message: String,
    },
}

/// What RAISE() does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RaiseAction {
    /// Skip the rest of the trigger and the row.
    Ignore,
    /// Roll the transaction back.
    Rollback,
    /// Undo the statement.
    Abort,
    /// Stop where the statement is.
    Fail,
}

/// Which constraint a row breaks; decides the extended code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConstraintKind {
    /// CHECK.
    Check,
    /// A commit hook said no.
    CommitHook,
    /// FOREIGN KEY.
    ForeignKey,
    /// An application's function raised it.
    Function,
    /// NOT NULL.
    NotNull,
    /// PRIMARY KEY.
    PrimaryKey,
    /// RAISE in a trigger.
    Trigger,
    /// UNIQUE.
    Unique,
    /// A virtual table.
    VirtualTable,
    /// One that is told apart no further.
    Any,
    /// The rowid itself.
    RowId,
    /// A row that is pinned by a trigger.
    Pinned,
    /// The datatype of a column of a STRICT table.
    Datatype,
}

impl ConstraintKind {
    const fn extended_code(self) -> i32 {
        let minor = match self {
            ConstraintKind::Any => 0,
            ConstraintKind::Check => 1,
            ConstraintKind::CommitHook => 2,
            ConstraintKind::ForeignKey => 3,
            ConstraintKind::Function => 4,
            ConstraintKind::NotNull => 5,
            ConstraintKind::PrimaryKey => 6,
            ConstraintKind::Trigger => 7,
            ConstraintKind::Unique => 8,
            ConstraintKind::VirtualTable => 9,
            ConstraintKind::RowId => 10,
            ConstraintKind::Pinned => 11,
            ConstraintKind::Datatype => 12,
        };
        CODE_CONSTRAINT | minor << 8
    }
}

const CODE_ERROR: i32 = 1;
const CODE_MISSING_COLLATION: i32 = CODE_ERROR | 1 << 8;
const CODE_ABORT: i32 = 4;
const CODE_BUSY: i32 = 5;
const CODE_LOCKED: i32 = 6;
const CODE_READONLY: i32 = 8;
const CODE_INTERRUPT: i32 = 9;
const CODE_CORRUPT: i32 = 11;
const CODE_SCHEMA: i32 = 17;
const CODE_TOOBIG: i32 = 18;
const CODE_CONSTRAINT: i32 = 19;
const CODE_MISMATCH: i32 = 20;
const CODE_MISUSE: i32 = 21;
const CODE_AUTH: i32 = 23;
const CODE_RANGE: i32 = 25;
const CODE_DONE: i32 = 101;

impl Error {
    /// An [`Error::Sql`] whose place in the text is not known.
    pub fn sql(message: impl Into<String>) -> Error {
        Error::Sql {
            message: message.into(),
            offset: None,
        }
    }

    /// An [`Error::Sql`] about the text at byte `offset`.
    pub fn sql_at(message: impl Into<String>, offset: usize) -> Error {
        Error::Sql {
            message: message.into(),
            offset: Some(offset),
        }
    }

    /// An [`Error::Syntax`] about the token at byte `offset`.
    pub fn syntax(message: impl Into<String>, offset: usize) -> Error {
        Error::Syntax {
            message: message.into(),
            offset: Some(offset),
        }
    }

    /// `no such collation sequence: x`, for which SQLite has an extended code.
    pub fn no_such_collation(name: &str) -> Error {
        Error::Coded {
            code: CODE_MISSING_COLLATION,
            message: format!("no such collation sequence: {name}"),
            offset: None,
        }
    }

    /// An [`Error::Constraint`].
    pub fn constraint(kind: ConstraintKind, message: impl Into<String>) -> Error {
        Error::Constraint {
            kind,
            message: message.into(),
        }
    }

    /// An [`Error::Misuse`].
    pub fn misuse(message: impl Into<String>) -> Error {
        Error::Misuse {
            message: message.into(),
        }
    }

    /// SQLite's primary result code.
    pub fn code(&self) -> i32 {
        self.extended_code() & 0xff
    }

    /// SQLite's extended result code.
    pub fn extended_code(&self) -> i32 {
        match self {
            Error::Storage(e) => e.code(),
            Error::Syntax { .. } | Error::Sql { .. } => CODE_ERROR,
            Error::Constraint { kind, .. } => kind.extended_code(),
            Error::Raise { .. } => ConstraintKind::Trigger.extended_code(),
            Error::Mismatch | Error::Conversion { .. } => CODE_MISMATCH,
            Error::TooBig => CODE_TOOBIG,
            Error::Misuse { .. } => CODE_MISUSE,
            Error::Interrupt => CODE_INTERRUPT,
            Error::Range => CODE_RANGE,
            Error::Busy { .. } => CODE_BUSY,
            Error::Locked { .. } => CODE_LOCKED,
            Error::ReadOnly { .. } => CODE_READONLY,
            Error::Schema => CODE_SCHEMA,
            Error::Auth { .. } => CODE_AUTH,
            Error::Abort { .. } => CODE_ABORT,
            Error::Corrupt { .. } => CODE_CORRUPT,
            Error::NoRows | Error::ManyRows | Error::ChangedRows { .. } => CODE_DONE,
            Error::User { code, .. } | Error::Coded { code, .. } => *code,
        }
    }

    /// Byte offset into the SQL text of what is at fault, where it is known.
    pub fn offset(&self) -> Option<usize> {
        match self {
            Error::Syntax { offset, .. } | Error::Sql { offset, .. } | Error::Coded { offset, .. } => *offset,
            _ => None,
        }
    }

    /// The same error, pointing to `offset` unless it already points somewhere.
    #[must_use]
    pub fn at(mut self, offset: usize) -> Error {
        if let Error::Syntax { offset: place, .. }
        | Error::Sql { offset: place, .. }
        | Error::Coded { offset: place, .. } = &mut self
        {
            place.get_or_insert(offset);
        }
        self
    }
}

impl From<crate::syntax::ParseError> for Error {
    fn from(error: crate::syntax::ParseError) -> Error {
        Error::Syntax {
            message: error.message,
            offset: error.offset.map(|offset| offset as usize),
        }
    }
}

impl fmt::Display for ConstraintKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConstraintKind::Check => "CHECK",
            ConstraintKind::CommitHook => "commit hook",
            ConstraintKind::ForeignKey => "FOREIGN KEY",
            ConstraintKind::Function => "function",
            ConstraintKind::NotNull => "NOT NULL",
            ConstraintKind::PrimaryKey => "PRIMARY KEY",
            ConstraintKind::Trigger => "trigger",
            ConstraintKind::Unique => "UNIQUE",
            ConstraintKind::VirtualTable => "virtual table",
            ConstraintKind::RowId => "rowid",
            ConstraintKind::Pinned => "pinned row",
            ConstraintKind::Datatype => "datatype",
            ConstraintKind::Any => "constraint",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sqlites() {
        for (error, primary, extended) in [
            (Error::sql("no such table: t"), 1, 1),
            (
                Error::constraint(ConstraintKind::Unique, "UNIQUE constraint failed: t.a"),
                19,
                2067,
            ),
            (
                Error::constraint(ConstraintKind::ForeignKey, "FOREIGN KEY constraint failed"),
                19,
                787,
            ),
            (Error::constraint(ConstraintKind::Datatype, "x"), 19, 3091),
            (Error::Mismatch, 20, 20),
            (Error::TooBig, 18, 18),
        ] {
            assert_eq!(
                (error.code(), error.extended_code()),
                (primary, extended),
                "{error}"
            );
        }
    }

    #[test]
    fn the_first_offset_stays() {
        assert_eq!(Error::sql("x").at(7).offset(), Some(7));
        assert_eq!(Error::sql_at("x", 3).at(7).offset(), Some(3));
        assert_eq!(Error::TooBig.at(7).offset(), None);
    }
}
