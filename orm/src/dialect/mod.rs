//! What differs between databases: quoting, placeholders, type names, features, and the text of a statement.
//!
//! A statement is a tree ([`expr`](crate::expr)); [`Dialect`] is the list of answers that the one renderer asks for when it
//! writes the tree as text. What a backend cannot do is a [`CompileError`] here, before anything runs.

mod keywords;
mod mysql;
mod postgresql;
mod render;
mod spelling;
mod sqlite;

use std::borrow::Cow;
use std::fmt::Debug;

pub use keywords::is_keyword;
pub use mysql::Mysql;
pub use postgresql::Postgresql;
pub(crate) use render::render;
pub use sqlite::Sqlite;

use crate::engine::Connection;
use crate::error::{Error, Result};
use crate::expr::{Interval, JsonStep, Portable};
use crate::schema::Schema;
use crate::types::{Kind, Value};

/// One backend's way of writing SQL.
///
/// The defaults are standard SQL; a dialect states only what differs. Implement it, and
/// [`Driver`](crate::drivers::Driver), to add a backend from outside of this crate.
pub trait Dialect: Debug + Send + Sync + 'static {
    /// The name, as in messages and URLs: `sqlite`.
    fn name(&self) -> &'static str;

    /// Does the backend have this feature?
    fn supports(&self, feature: Feature) -> bool;

    /// How a column of that kind is declared.
    fn type_name(&self, kind: Kind) -> Cow<'static, str>;

    /// How it is declared in a strict table, where that differs.
    fn strict_type_name(&self, kind: Kind) -> Cow<'static, str> {
        self.type_name(kind)
    }

    /// How a column is declared that a key or an index is over, where that differs.
    fn key_type_name(&self, kind: Kind) -> Cow<'static, str> {
        self.type_name(kind)
    }

    /// The type's name in a CAST, where that differs.
    fn cast_name(&self, kind: Kind) -> Cow<'static, str> {
        self.type_name(kind)
    }

    /// Appends a name, quoted where it must be.
    fn push_name(&self, name: &str, sql: &mut String) {
        if is_plain_name(name) {
            sql.push_str(name);
        } else {
            push_quoted(name, '"', sql);
        }
    }

    /// Appends the placeholder of the parameter of that number, counted from 1.
    fn push_placeholder(&self, number: usize, sql: &mut String) {
        sql.push('?');
        push_number(number as u64, sql);
    }

    /// The type that a parameter with this value is cast to inside of an expression, where the backend cannot see it for itself.
    fn parameter_type(&self, value: &Value<'_>) -> Option<&'static str> {
        let _ = value;
        None
    }

    /// The type that the values of a VALUES list are cast to, where the backend does not see what they are.
    fn value_type(&self, kind: Kind) -> Option<Cow<'static, str>> {
        let _ = kind;
        None
    }

    /// The expression of the current date and time.
    fn now(&self) -> &'static str {
        "CURRENT_TIMESTAMP"
    }

    /// How two values are compared that may both be NULL.
    fn null_safe(&self) -> NullSafe {
        NullSafe::DistinctFrom
    }

    /// How an INSERT says what to do with a row that is there already.
    fn conflicts(&self) -> Conflicts {
        Conflicts::OnConflict
    }

    /// What an INSERT of nothing but defaults says after the table's name.
    fn default_row(&self) -> &'static str {
        " DEFAULT VALUES"
    }

    /// May a computed column be declared NOT NULL?
    fn computed_not_null(&self) -> bool {
        true
    }

    /// How LIKE without regard to case is written.
    fn insensitive_like(&self) -> InsensitiveLike {
        InsensitiveLike::Lower
    }

    /// The backend's name for a function of the standard name.
    fn function_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        Cow::Borrowed(name)
    }

    /// How a function is spelled that differs between backends, with `{0}`, `{1}` where its arguments go; `None` where there is none.
    fn spelling(&self, function: Portable) -> Option<&'static str> {
        let _ = function;
        None
    }

    /// What stands before and after a date or time of that kind to make it later by an interval; `None` where there is no way.
    fn time_plus(&self, kind: Kind, interval: Interval) -> Option<(String, String)> {
        let _ = (kind, interval);
        None
    }

    /// A path into JSON, as the functions that [`spelling`](Self::spelling) names take it.
    ///
    /// # Errors
    /// [`CompileError::BadName`] for a key that a path cannot have.
    fn json_path(&self, path: &[JsonStep]) -> std::result::Result<String, CompileError> {
        spelling::json_path(path, |key, text| {
            if key.contains('"') {
                return Err(CompileError::BadName {
                    name: key.to_owned(),
                    why: "a path into JSON has no way to write a quote within a key",
                });
            }
            push_quoted(key, '"', text);
            Ok(())
        })
    }

    /// What stands before and after an array to make rows of its elements, in one column `value`, and whether the source's name says so; `None` where
    /// there is no way.
    fn elements(&self, element: Kind) -> Option<(Cow<'static, str>, Cow<'static, str>, bool)> {
        let _ = element;
        None
    }

    /// The aggregate that makes an array, and an array without elements; `None` where there is none.
    fn array_aggregate(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// How texts of a group are put together in one.
    fn joined_texts(&self) -> JoinedTexts {
        JoinedTexts::StringAgg
    }

    /// What a select ends with that locks its rows against writers, but not against others that do the same.
    fn share_lock(&self) -> &'static str {
        " FOR SHARE"
    }

    /// How an UPDATE or DELETE reads a second source.
    fn write_join(&self) -> WriteJoin {
        WriteJoin::From
    }

    /// The operator that divides whole numbers and drops what is left over.
    fn whole_division(&self) -> &'static str {
        " / "
    }

    /// How truth values are written in the text of a statement.
    fn boolean(&self, value: bool) -> &'static str {
        if value { "TRUE" } else { "FALSE" }
    }

    /// What stands for "no limit" where an offset needs a limit before it; `None` where it does not.
    fn unlimited(&self) -> Option<&'static str> {
        None
    }

    /// How an INSERT tells the key that the database chose.
    fn generated_key(&self) -> GeneratedKey {
        GeneratedKey::Returning
    }

    /// The declaration of an integer key that the database assigns, after the column's name.
    fn auto_key(&self, kind: Kind) -> String {
        format!(
            "{} GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
            self.type_name(kind)
        )
    }

    /// A column's type with a collation behind it.
    fn with_collation(&self, declared: &str, collation: &str) -> String {
        let mut sql = format!("{declared} COLLATE ");
        self.push_name(collation, &mut sql);
        sql
    }

    /// How tables and columns get comments.
    fn comments(&self) -> Comments {
        Comments::None
    }

    /// The words of ALTER TABLE that drop a foreign key, before its name; `None` where ALTER TABLE cannot.
    fn drop_foreign_key(&self) -> Option<&'static str> {
        Some("DROP CONSTRAINT")
    }

    /// The statement after which a transaction checks all foreign keys at its end.
    fn defer_foreign_keys(&self) -> Option<&'static str> {
        None
    }

    /// Reads the schema of a live database.
    ///
    /// # Errors
    /// Whatever the queries run into; [`Error::Schema`] where there is no way to read it.
    fn reflect(&self, connection: &mut Connection) -> Result<Schema> {
        let _ = connection;
        let name = self.name();
        Err(Error::Schema(format!("{name} databases cannot be reflected")))
    }

    /// A wanted schema in the words in which [`reflect`](Self::reflect) would tell it, had it been created. The live database is not changed.
    ///
    /// # Errors
    /// Whatever the backend says to it; [`Error::Compile`] where it has no words for a part of it.
    fn as_reflected(&self, connection: &mut Connection, wanted: &Schema) -> Result<Schema> {
        let _ = connection;
        Ok(wanted.clone())
    }

    /// How tables are changed.
    fn alter_table(&self) -> AlterTable {
        AlterTable::Standard
    }

    /// Do views keep the columns that they stand on from being changed?
    fn views_hold_columns(&self) -> bool {
        false
    }

    /// What keeps two processes from migrating at once, beside the transactions themselves.
    fn migration_lock(&self) -> Option<MigrationLock> {
        None
    }

    /// How foreign keys are not enforced for a while.
    fn foreign_key_switch(&self) -> Option<ForeignKeySwitch> {
        None
    }

    /// Can a row that refers to itself be deleted as it is? Otherwise the reference has to be NULL first.
    fn deletes_what_refers_to_itself(&self) -> bool {
        true
    }

    /// The most parameters one statement may have.
    fn parameters_max(&self) -> usize {
        32_766
    }

    /// The statement that begins a transaction.
    fn begin(&self, mode: TransactionMode) -> &'static str {
        match mode {
            TransactionMode::ReadOnly => "BEGIN READ ONLY",
            TransactionMode::Deferred | TransactionMode::Write => "BEGIN",
        }
    }

    /// The statements that begin a transaction of that level; `None` where [`begin`](Self::begin) gives it, or a stricter one, as it is.
    ///
    /// # Errors
    /// [`CompileError::Unsupported`] where the backend cannot promise the level.
    fn begin_isolated(
        &self,
        mode: TransactionMode,
        level: Isolation,
    ) -> std::result::Result<Option<Cow<'static, str>>, CompileError> {
        let _ = (mode, level);
        Err(CompileError::Unsupported {
            dialect: self.name(),
            what: "isolation levels",
        })
    }
}

/// What not every backend has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Feature {
    /// `RETURNING` on INSERT, UPDATE and DELETE.
    Returning,
    /// `NULLS FIRST` and `NULLS LAST`.
    NullsOrder,
    /// `FILTER (WHERE ..)` on aggregates.
    AggregateFilter,
    /// Window functions.
    Window,
    /// `FULL JOIN`.
    FullJoin,
    /// `LATERAL` subqueries in FROM.
    Lateral,
    /// `MATERIALIZED` and `NOT MATERIALIZED` on common table expressions.
    MaterializedHint,
    /// `VALUES (..), (..)` as a query.
    ValuesList,
    /// `FOR UPDATE` and its like. Without it, a transaction that writes keeps all others out.
    RowLocks,
    /// Partial indexes.
    PartialIndex,
    /// Indexes over expressions.
    ExpressionIndex,
    /// Indexes that carry columns beside their key (`INCLUDE`).
    IncludeColumns,
    /// Foreign keys that are checked at the commit.
    DeferrableKeys,
    /// `CREATE INDEX IF NOT EXISTS`.
    IndexIfNotExists,
    /// A failed statement leaves its transaction as it was before it. (Where it does not, the transaction has to be rolled back, as a
    /// whole or to a savepoint, before anything else.)
    StatementRollback,
    /// Computed columns that are not stored.
    VirtualColumns,
    /// DDL inside of a transaction.
    TransactionalDdl,
    /// Foreign keys that are declared inside of CREATE TABLE even if the table referred to does not exist yet.
    ForwardReferences,
}

/// How two values are compared that may both be NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullSafe {
    /// `a IS b`, `a IS NOT b`.
    Is,
    /// `a IS NOT DISTINCT FROM b`, `a IS DISTINCT FROM b`.
    DistinctFrom,
    /// `a <=> b`, `NOT (a <=> b)`.
    Spaceship,
}

/// How an INSERT says what to do with a row that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflicts {
    /// `ON CONFLICT (..) DO ..`, with the row that was to be inserted as `excluded`.
    OnConflict,
    /// `ON DUPLICATE KEY UPDATE ..`, with its values as `VALUES(column)`. Any unique key counts.
    OnDuplicateKey,
    /// Not at all.
    None,
}

/// How tables are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlterTable {
    /// `ALTER TABLE .. ALTER COLUMN .. TYPE ..`, a statement for each part.
    Standard,
    /// `ALTER TABLE .. MODIFY COLUMN ..`, with the whole definition.
    Modify,
    /// A new table takes the place of the old one.
    Rebuild,
}

/// A lock of the server that one connection holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationLock {
    /// A query that takes it, and gives 1 where it was free.
    pub acquire: &'static str,
    /// The statement that lets go of it.
    pub release: &'static str,
}

/// Statements around a time in which foreign keys are not enforced. They run outside of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignKeySwitch {
    /// A query that gives 1 where they are enforced.
    pub is_on: &'static str,
    /// Enforced no more.
    pub off: &'static str,
    /// Enforced again.
    pub on: &'static str,
    /// A query that gives a row for each row that refers to nothing, the first column naming its table.
    pub check: Option<&'static str>,
}

/// How tables and columns get comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comments {
    /// Not at all.
    None,
    /// `COMMENT 'text'` inside of the declaration.
    Inline,
    /// `COMMENT ON .. IS 'text'`.
    Apart,
}

/// How texts of a group are put together in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinedTexts {
    /// `string_agg(text, separator ORDER BY ..)`
    StringAgg,
    /// `group_concat(text ORDER BY .. SEPARATOR ..)`
    GroupConcat,
}

/// How an UPDATE or DELETE reads a second source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteJoin {
    /// `UPDATE a SET .. FROM b WHERE ..`, `DELETE FROM a USING b WHERE ..`
    From,
    /// `UPDATE a SET .. FROM b WHERE ..`, `DELETE FROM a WHERE EXISTS (SELECT .. FROM b WHERE ..)`
    FromOrExists,
    /// `UPDATE a JOIN b ON .. SET ..`, `DELETE a FROM a JOIN b ON ..`
    Join,
}

/// How LIKE without regard to case is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsensitiveLike {
    /// LIKE itself ignores case.
    Like,
    /// There is an `ILIKE`.
    Ilike,
    /// `lower(a) LIKE lower(b)`.
    Lower,
}

/// How an INSERT tells the key that the database chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeneratedKey {
    /// The connection knows the last one.
    LastInsertId,
    /// `RETURNING`.
    Returning,
}

/// What a transaction is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionMode {
    /// Reads, and perhaps writes later.
    #[default]
    Deferred,
    /// Will write: takes the right to write at once, so that it cannot fail half-way for a concurrent writer.
    Write,
    /// Will not write.
    ReadOnly,
}

/// What a transaction may see of others that run beside it: the levels of the SQL standard. A backend may give a stricter one than it is asked for.
///
/// ```
/// use aludel::prelude::*;
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// let strict = engine.with_isolation(Isolation::Serializable);
/// let done = strict.transaction_with_retry(5, |session| {
///     // what is read here stays true until the commit, or the whole is run again
///     session.sql("SELECT 1").scalar::<i64>()
/// })?;
/// assert_eq!(done, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isolation {
    /// Changes of others show before they are committed.
    ReadUncommitted,
    /// Each statement sees what was committed before it began.
    ReadCommitted,
    /// All statements see what was committed before the first of them.
    RepeatableRead,
    /// As if one transaction ran after the other. A transaction that cannot be put in such an order fails with
    /// [`Failure::Busy`](crate::Failure::Busy): run it again
    /// ([`Engine::transaction_with_retry`](crate::Engine::transaction_with_retry)).
    Serializable,
}

impl Isolation {
    /// The level's name in SQL: `REPEATABLE READ`.
    pub fn sql(self) -> &'static str {
        match self {
            Isolation::ReadUncommitted => "READ UNCOMMITTED",
            Isolation::ReadCommitted => "READ COMMITTED",
            Isolation::RepeatableRead => "REPEATABLE READ",
            Isolation::Serializable => "SERIALIZABLE",
        }
    }
}

/// A statement that this backend cannot run, found before it runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The backend has no such feature.
    #[error("{dialect} has no {what}")]
    Unsupported {
        /// The backend.
        dialect: &'static str,
        /// What it has not.
        what: &'static str,
    },
    /// A column handle from another query.
    #[error(
        "column `{column}` belongs to a source that is not part of this query: use only the handles that this query's closures get, or those of a query around it"
    )]
    ForeignColumn {
        /// The column.
        column: String,
    },
    /// A name with characters that no quoting can carry.
    #[error("`{name}` cannot be a name in SQL: {why}")]
    BadName {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// `.over(..)` or `.filter_where(..)` on an expression that is no function call.
    #[error("{what} needs a function call before it, such as `.count()` or `row_number()`")]
    NotAFunction {
        /// The method that was called.
        what: &'static str,
    },
    /// The statement is put together in a way that SQL does not know.
    #[error("{0}")]
    Malformed(&'static str),
    /// The expression is nested too deep.
    #[error("the expression is nested deeper than {max} levels")]
    TooDeep {
        /// The most levels.
        max: usize,
    },
}

/// May a name stand without quotes? Lower-case letters, digits and `_`, and not a keyword: so it means the same in
/// every dialect.
pub fn is_plain_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let starts = bytes
        .first()
        .is_some_and(|b| b.is_ascii_lowercase() || *b == b'_');
    starts
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
        && !is_keyword(name)
}

/// Appends `name` between quotes, with the quotes inside of it doubled.
pub(crate) fn push_quoted(name: &str, quote: char, sql: &mut String) {
    sql.push(quote);
    for c in name.chars() {
        if c == quote {
            sql.push(quote);
        }
        sql.push(c);
    }
    sql.push(quote);
}

pub(crate) fn push_number(number: u64, sql: &mut String) {
    if number >= 10 {
        push_number(number / 10, sql);
    }
    sql.push(char::from(b'0' + (number % 10) as u8));
}
