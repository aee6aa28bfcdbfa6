//! Statements that are kept apart from their connection.
//!
//! A [`Statement`] borrows its connection, so no struct can have both. Who runs one statement over and over from different places asks the
//! connection's cache for it each time, or keeps it here: what is kept is the program with its buffers and its parameters, and for each
//! use it is lent to its connection.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Body, Statement};
use crate::connection::Connection;
use crate::error::{Error, Result};

/// A statement that a struct can keep beside its connection.
///
/// ```
/// # use aludel_sql::{Connection, DetachedStatement};
/// struct Doubler {
///     double: DetachedStatement,
///     connection: Connection,
/// }
///
/// impl Doubler {
///     fn double(&mut self, number: i64) -> aludel_sql::Result<i64> {
///         self.double
///             .with(&self.connection, |double| double.query_row([number], |row| row.get(0)))?
///     }
/// }
///
/// # fn main() -> aludel_sql::Result<()> {
/// let connection = Connection::open_in_memory()?;
/// let double = connection.prepare_detached("SELECT ?1 * 2")?;
/// let mut doubler = Doubler { double, connection };
/// assert_eq!(doubler.double(21)?, 42);
/// assert_eq!(doubler.double(4)?, 8);
/// # Ok(())
/// # }
/// ```
pub struct DetachedStatement {
    /// Whose it is: no other connection has this flag.
    connection: Arc<AtomicBool>,
    /// Not there only while it is lent.
    body: Option<Box<Body>>,
}

impl Connection {
    /// Compiles the first statement of `sql`, to be kept beside the connection.
    ///
    /// # Errors
    /// As [`Connection::prepare`].
    pub fn prepare_detached(&self, sql: &str) -> Result<DetachedStatement> {
        let body = Body::prepare(&mut *self.state()?, sql)?;
        Ok(DetachedStatement {
            connection: self.own_flag(),
            body: Some(body),
        })
    }
}

impl DetachedStatement {
    /// The text that it was prepared from, up to its semicolon.
    pub fn sql(&self) -> &str {
        self.body.as_deref().map_or("", Body::sql)
    }

    /// Lends it to its connection for a while; it is reset afterwards, and its parameters stay bound. When the schema has changed it is
    /// compiled anew, as any statement.
    ///
    /// # Errors
    /// [`Error::Misuse`] with another connection than the one that prepared it, or after a panic in an earlier call.
    #[inline]
    pub fn with<R>(
        &mut self,
        connection: &Connection,
        run: impl FnOnce(&mut Statement<'_>) -> R,
    ) -> Result<R> {
        if !connection.has_flag(&self.connection) {
            return Err(Error::misuse(
                "a detached statement runs on the connection that prepared it",
            ));
        }
        if self.body.is_none() {
            return Err(Error::misuse(
                "the detached statement is lost: what ran with it panicked",
            ));
        }
        let mut statement = Statement {
            connection,
            body: self.body.take(),
            place: None,
        };
        let result = run(&mut statement);
        statement.reset();
        self.body = statement.body.take();
        Ok(result)
    }
}

impl std::fmt::Debug for DetachedStatement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DetachedStatement")
            .field("sql", &self.sql())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ValueRef;

    #[test]
    fn is_compiled_anew_when_the_schema_changes() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)")
            .unwrap();
        let mut all = connection.prepare_detached("SELECT * FROM t").unwrap();
        let count = |statement: &mut Statement<'_>| {
            assert!(statement.step().unwrap());
            statement.values().len()
        };
        assert_eq!(all.with(&connection, count).unwrap(), 1);
        connection
            .execute_batch("ALTER TABLE t ADD b; DROP TABLE IF EXISTS u")
            .unwrap();
        assert_eq!(all.with(&connection, count).unwrap(), 2);
        // It was reset, so nothing keeps the table.
        connection.execute_batch("DROP TABLE t").unwrap();
        assert!(all.with(&connection, |all| all.step().is_err()).unwrap());
    }

    #[test]
    fn keeps_its_parameters_and_sees_other_writes() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'x')")
            .unwrap();
        let mut one = connection
            .prepare_detached("SELECT b FROM t WHERE a = ?1")
            .unwrap();
        let read = |statement: &mut Statement<'_>| match statement.step().unwrap() {
            true => statement.get::<String>(0).unwrap(),
            false => "none".to_owned(),
        };
        assert_eq!(one.with(&connection, read).unwrap(), "none");
        one.with(&connection, |one| one.bind_all([ValueRef::Integer(1)]))
            .unwrap()
            .unwrap();
        for text in ["x", "y", "z"] {
            connection.execute("UPDATE t SET b = ?1", [text]).unwrap();
            assert_eq!(one.with(&connection, read).unwrap(), text);
        }
        connection.execute_batch("BEGIN; UPDATE t SET b = 'w'").unwrap();
        assert_eq!(one.with(&connection, read).unwrap(), "w");
        connection.execute_batch("ROLLBACK").unwrap();
        assert_eq!(one.with(&connection, read).unwrap(), "z");
    }

    #[test]
    fn belongs_to_its_connection() {
        let connections = [(); 2].map(|()| Connection::open_in_memory().unwrap());
        let mut statement = connections[0].prepare_detached("SELECT 1").unwrap();
        let refused = statement.with(&connections[1], |_| ()).unwrap_err();
        assert!(matches!(refused, Error::Misuse { .. }), "{refused}");
        assert!(
            statement
                .with(&connections[0], |one| one.step().unwrap())
                .unwrap()
        );
    }
}
