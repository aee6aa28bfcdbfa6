//! What a statement is about to do, and whether it may: the questions that compiling it puts to an authorizer.
//!
//! They are asked while names are bound, where it is known what each of them means; without an authorizer nothing is asked, and nothing is
//! collected for it. Expressions that the schema brings along (checks, defaults, generated columns, indexes) ask nothing when rows are written or
//! read: they were asked about when they were made, as in SQLite.

use crate::error::{Error, Result};

/// Answers to an authorizer's questions.
pub type Authorize<'a> = &'a dyn Fn(AuthContext<'_>) -> Authorization;

/// An authorizer's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authorization {
    /// It may be done.
    Allow,
    /// It is left out, and the rest done: a column reads NULL, an assignment is not made, a statement does nothing. A DELETE is done all the same,
    /// but row by row.
    Ignore,
    /// The statement does not compile.
    Deny,
}

/// What BEGIN, SAVEPOINT and their kin do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionOperation {
    /// BEGIN, SAVEPOINT.
    Begin,
    /// COMMIT, END.
    Commit,
    /// RELEASE.
    Release,
    /// ROLLBACK, ROLLBACK TO.
    Rollback,
}

/// What a statement is about to do. The database is in [`AuthContext::database`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthAction<'a> {
    /// CREATE INDEX, and each index that a constraint of a new table brings.
    CreateIndex {
        /// Its name.
        index: &'a str,
        /// The table.
        table: &'a str,
    },
    /// CREATE TABLE.
    CreateTable {
        /// The table.
        table: &'a str,
    },
    /// CREATE INDEX on a temporary table.
    CreateTempIndex {
        /// Its name.
        index: &'a str,
        /// The table.
        table: &'a str,
    },
    /// CREATE TEMP TABLE.
    CreateTempTable {
        /// The table.
        table: &'a str,
    },
    /// CREATE TEMP TRIGGER.
    CreateTempTrigger {
        /// Its name.
        trigger: &'a str,
        /// The table.
        table: &'a str,
    },
    /// CREATE TEMP VIEW.
    CreateTempView {
        /// Its name.
        view: &'a str,
    },
    /// CREATE TRIGGER.
    CreateTrigger {
        /// Its name.
        trigger: &'a str,
        /// The table.
        table: &'a str,
    },
    /// CREATE VIEW.
    CreateView {
        /// Its name.
        view: &'a str,
    },
    /// DELETE, and what goes out of the schema table.
    Delete {
        /// The table.
        table: &'a str,
    },
    /// DROP INDEX.
    DropIndex {
        /// Its name.
        index: &'a str,
        /// The table.
        table: &'a str,
    },
    /// DROP TABLE.
    DropTable {
        /// The table.
        table: &'a str,
    },
    /// DROP INDEX of a temporary table.
    DropTempIndex {
        /// Its name.
        index: &'a str,
        /// The table.
        table: &'a str,
    },
    /// DROP TABLE of a temporary table.
    DropTempTable {
        /// The table.
        table: &'a str,
    },
    /// DROP TRIGGER of a temporary trigger, also with its table.
    DropTempTrigger {
        /// Its name.
        trigger: &'a str,
        /// The table.
        table: &'a str,
    },
    /// DROP VIEW of a temporary view.
    DropTempView {
        /// Its name.
        view: &'a str,
    },
    /// DROP TRIGGER, also with its table.
    DropTrigger {
        /// Its name.
        trigger: &'a str,
        /// The table.
        table: &'a str,
    },
    /// DROP VIEW.
    DropView {
        /// Its name.
        view: &'a str,
    },
    /// INSERT, and what goes into the schema table.
    Insert {
        /// The table.
        table: &'a str,
    },
    /// PRAGMA; the value where it has one.
    Pragma {
        /// Its name, as written.
        pragma: &'a str,
        /// Its value, as text.
        value: Option<&'a str>,
    },
    /// A column is read: `ROWID` for a rowid that has no name of its own, and an empty name for a table whose rows are read without any column.
    Read {
        /// The table.
        table: &'a str,
        /// The column.
        column: &'a str,
    },
    /// SELECT, also inside other statements.
    Select,
    /// BEGIN, COMMIT, ROLLBACK.
    Transaction {
        /// Which of them.
        operation: TransactionOperation,
    },
    /// UPDATE: one question for each column that is set.
    Update {
        /// The table.
        table: &'a str,
        /// The column.
        column: &'a str,
    },
    /// ATTACH; `None` for a name that is computed.
    Attach {
        /// The file.
        file: Option<&'a str>,
    },
    /// DETACH; `None` for a name that is computed.
    Detach {
        /// The name that it has here.
        database: Option<&'a str>,
    },
    /// ALTER TABLE; the column, where one is dropped.
    AlterTable {
        /// The table.
        table: &'a str,
        /// The column.
        column: Option<&'a str>,
    },
    /// REINDEX and CREATE INDEX: one question for each index.
    Reindex {
        /// Its name.
        index: &'a str,
    },
    /// ANALYZE: one question for each table.
    Analyze {
        /// The table.
        table: &'a str,
    },
    /// CREATE VIRTUAL TABLE.
    CreateVirtualTable {
        /// The table.
        table: &'a str,
        /// The module.
        module: &'a str,
    },
    /// DROP TABLE of a virtual table.
    DropVirtualTable {
        /// The table.
        table: &'a str,
        /// The module.
        module: &'a str,
    },
    /// A function is called, also by an operator such as LIKE.
    Function {
        /// Its name.
        function: &'a str,
    },
    /// SAVEPOINT, RELEASE, ROLLBACK TO.
    Savepoint {
        /// Which of them.
        operation: TransactionOperation,
        /// The name.
        name: &'a str,
    },
    /// A common table refers to itself.
    Recursive,
}

impl AuthAction<'_> {
    /// SQLite's number for it.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            AuthAction::CreateIndex { .. } => 1,
            AuthAction::CreateTable { .. } => 2,
            AuthAction::CreateTempIndex { .. } => 3,
            AuthAction::CreateTempTable { .. } => 4,
            AuthAction::CreateTempTrigger { .. } => 5,
            AuthAction::CreateTempView { .. } => 6,
            AuthAction::CreateTrigger { .. } => 7,
            AuthAction::CreateView { .. } => 8,
            AuthAction::Delete { .. } => 9,
            AuthAction::DropIndex { .. } => 10,
            AuthAction::DropTable { .. } => 11,
            AuthAction::DropTempIndex { .. } => 12,
            AuthAction::DropTempTable { .. } => 13,
            AuthAction::DropTempTrigger { .. } => 14,
            AuthAction::DropTempView { .. } => 15,
            AuthAction::DropTrigger { .. } => 16,
            AuthAction::DropView { .. } => 17,
            AuthAction::Insert { .. } => 18,
            AuthAction::Pragma { .. } => 19,
            AuthAction::Read { .. } => 20,
            AuthAction::Select => 21,
            AuthAction::Transaction { .. } => 22,
            AuthAction::Update { .. } => 23,
            AuthAction::Attach { .. } => 24,
            AuthAction::Detach { .. } => 25,
            AuthAction::AlterTable { .. } => 26,
            AuthAction::Reindex { .. } => 27,
            AuthAction::Analyze { .. } => 28,
            AuthAction::CreateVirtualTable { .. } => 29,
            AuthAction::DropVirtualTable { .. } => 30,
            AuthAction::Function { .. } => 31,
            AuthAction::Savepoint { .. } => 32,
            AuthAction::Recursive => 33,
        }
    }
}

/// A question to an authorizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuthContext<'a> {
    /// What is about to be done.
    pub action: AuthAction<'a>,
    /// The database that it is done to, where there is one: `main`, `temp`, or as ATTACH named it.
    pub database: Option<&'a str>,
    /// The innermost trigger, view or common table on whose behalf it is done; `None` for what the statement says itself.
    pub accessor: Option<&'a str>,
}

/// Asks; `true` means that it is to be left out.
///
/// # Errors
/// `not authorized`.
pub(crate) fn ask(authorize: Authorize<'_>, context: AuthContext<'_>) -> Result<bool> {
    match authorize(context) {
        Authorization::Allow => Ok(false),
        Authorization::Ignore => Ok(true),
        Authorization::Deny => Err(Error::Auth {
            message: "not authorized".to_owned(),
        }),
    }
}
