//! What runs a query: a session or a connection.

use super::{Delete, Insert, InsertInto, Query, Selection, Update};
use crate::dialect::{Dialect, render};
use crate::engine::{Connection, RowStream};
use crate::error::{Error, Result};
use crate::expr::Statement;
use crate::mapper::{Entity, Required};
use crate::types::{RawHandle, Value};

/// Stands where a query has nothing to run it: see [`Query::on`](super::Query::on).
#[derive(Clone, Copy, Debug, Default)]
pub struct Detached;

/// What statements run on: a [`Session`](crate::Session) or a [`Connection`].
pub trait Executor {
    /// Gets ready to read: a session writes out its changes first.
    #[doc(hidden)]
    fn before_statement(&mut self, writes: bool) -> Result<()>;

    /// The connection.
    #[doc(hidden)]
    fn connection(&mut self) -> Result<&mut Connection>;

    /// The SQL to render.
    #[doc(hidden)]
    fn dialect(&self) -> &dyn Dialect;

    /// The key behind a handle that was used as a value.
    #[doc(hidden)]
    fn resolve(&self, handle: RawHandle) -> Result<Value<'static>>;
}

impl Executor for Connection {
    fn before_statement(&mut self, _: bool) -> Result<()> {
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut Connection> {
        Ok(self)
    }

    fn dialect(&self) -> &dyn Dialect {
        Connection::dialect(self)
    }

    fn resolve(&self, _: RawHandle) -> Result<Value<'static>> {
        Err(Error::Handle(crate::error::HandleError::OtherSession))
    }
}

impl<E: Executor> Executor for &mut E {
    fn before_statement(&mut self, writes: bool) -> Result<()> {
        E::before_statement(self, writes)
    }

    fn connection(&mut self) -> Result<&mut Connection> {
        E::connection(self)
    }

    fn dialect(&self) -> &dyn Dialect {
        E::dialect(self)
    }

    fn resolve(&self, handle: RawHandle) -> Result<Value<'static>> {
        E::resolve(self, handle)
    }
}

/// Renders a statement, runs it and lets `read` have its rows.
pub(crate) fn run<E: Executor, T>(
    executor: &mut E,
    statement: Statement<'_>,
    read: impl FnOnce(&mut RowStream<'_>) -> Result<T>,
) -> Result<T> {
    let writes = match statement {
        // Where there are no locks on rows, only a transaction that writes keeps others out.
        Statement::Select(select) => select.lock.is_some(),
        _ => true,
    };
    executor.before_statement(writes)?;
    let rendered = render(statement, executor.dialect())?;
    let params = resolved(executor, &rendered.params)?;
    let mut prepared = executor.connection()?.prepare(rendered.sql)?;
    let mut rows = prepared.query(&params)?;
    read(&mut rows)
}

/// Renders a statement and runs it for its effect: the rows changed.
pub(crate) fn execute<E: Executor>(executor: &mut E, statement: Statement<'_>) -> Result<u64> {
    executor.before_statement(true)?;
    let rendered = render(statement, executor.dialect())?;
    let params = resolved(executor, &rendered.params)?;
    let outcome = executor.connection()?.prepare(rendered.sql)?.execute(&params)?;
    Ok(outcome.rows)
}

/// The values to bind, with keys in the place of handles.
fn resolved<'v, E: Executor>(executor: &E, params: &[&'v Value<'static>]) -> Result<Vec<Value<'v>>> {
    let resolve = |value: &&'v Value<'static>| match value {
        Value::Pending(handle) => executor.resolve(*handle),
        other => Ok(other.borrowed()),
    };
    params.iter().map(resolve).collect()
}

/// Typed queries on a connection, without a session.
impl Connection {
    /// A query that runs here; its rows are plain values.
    pub fn query<T: Entity>(&mut self) -> Query<T, T::Columns<Required>, &mut Connection> {
        Query::start(self)
    }

    /// An INSERT of these entities, in one statement for many.
    pub fn insert<T: Entity>(&mut self, entities: impl IntoIterator<Item = T>) -> Insert<T, &mut Connection> {
        Insert::start(self, entities)
    }

    /// An INSERT of the rows of a query into these columns.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Draft {
    ///     #[column(primary_key)]
    ///     id: Id<Draft>,
    ///     title: String,
    /// }
    ///
    /// #[derive(Entity)]
    /// struct Book {
    ///     #[column(primary_key)]
    ///     id: Id<Book>,
    ///     title: String,
    ///     pages: i64,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// # let engine = Engine::open("sqlite::memory:")?;
    /// # engine.create_all(schema![Draft, Book])?;
    /// # let mut connection = engine.connect()?;
    /// # connection.insert(["a", "b"].map(Draft::new)).run()?;
    /// let drafts = query::<Draft>().order_by(|d| d.id).select(|d| (d.title, val::<i64>(0)));
    /// let inserted = connection.insert_into::<Book, _>(|b| (b.title, b.pages)).rows(drafts)?;
    /// assert_eq!(inserted, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn insert_into<T: Entity, C: Selection>(
        &mut self,
        columns: impl FnOnce(T::Columns<Required>) -> C,
    ) -> InsertInto<C, &mut Connection> {
        InsertInto::start::<T>(self, columns)
    }

    /// An UPDATE of many rows.
    pub fn update<T: Entity>(&mut self) -> Update<T, &mut Connection> {
        Update::start(self)
    }

    /// A DELETE of many rows.
    pub fn delete<T: Entity>(&mut self) -> Delete<T, &mut Connection> {
        Delete::start(self)
    }
}
