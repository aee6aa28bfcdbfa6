//! Queries whose rows become tracked entities.

use super::Session;
use super::store::Store;
use crate::dialect::render;
use crate::error::{Error, Result};
use crate::expr::{Column, Expr, Select, Statement};
use crate::mapper::{Columns, Entity, Handle, Mode, RowReader};
use crate::query::{Executor, Query, Selection, Source};
use crate::types::{ColumnType, Value};

/// A selection whose entities can be tracked: a whole source becomes a handle, everything else its value.
pub trait Tracked: Selection {
    /// What a row becomes: `Handle<User>`, `(Handle<User>, i64)`, `Option<Handle<Post>>` behind a left join.
    type Handles;

    /// Reads a row.
    #[doc(hidden)]
    fn track(row: RowReader<'_>, tracker: &mut Tracker<'_>) -> Result<Self::Handles>;
}

/// Where rows are tracked.
#[doc(hidden)]
pub struct Tracker<'s> {
    pub(super) store: &'s mut Store,
}

impl std::fmt::Debug for Tracker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tracker")
    }
}

impl<T: ColumnType> Tracked for Column<T> {
    type Handles = T;

    fn track(row: RowReader<'_>, _: &mut Tracker<'_>) -> Result<T> {
        row.get(0)
    }
}

impl<T: ColumnType> Tracked for Expr<T> {
    type Handles = T;

    fn track(row: RowReader<'_>, _: &mut Tracker<'_>) -> Result<T> {
        row.get(0)
    }
}

impl<C: Columns> Tracked for C {
    type Handles = <C::Mode as Mode>::Row<Handle<C::Entity>>;

    #[inline]
    fn track(row: RowReader<'_>, tracker: &mut Tracker<'_>) -> Result<Self::Handles> {
        let present = || C::Entity::META.key.iter().any(|i| !row.value(*i).is_null());
        <C::Mode as Mode>::row(present, || tracker.store.track::<C::Entity>(&row))
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Tracked),*> Tracked for ($($name,)*) {
            type Handles = ($($name::Handles,)*);

            #[allow(unused_assignments)]
            fn track(row: RowReader<'_>, tracker: &mut Tracker<'_>) -> Result<Self::Handles> {
                let mut rest = row;
                Ok(($({
                    let part = $name::track(rest, tracker)?;
                    rest = rest.skip($name::width());
                    part
                },)*))
            }
        }
    };
}
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);

impl<S: Source, O: Tracked> Query<S, O, &mut Session> {
    /// All rows, with their entities tracked: handles. A row that the session has already keeps its values.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn all(self) -> Result<Vec<O::Handles>> {
        let session = self.executor;
        let mut all = Vec::new();
        session.run_tracked(&self.select, |row, tracker| {
            all.push(O::track(row, tracker)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// The first row, tracked.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn first(self) -> Result<Option<O::Handles>> {
        Ok(self.limit(1).all()?.into_iter().next())
    }

    /// The only row, tracked.
    ///
    /// # Errors
    /// [`Error::NoRow`] or [`Error::ManyRows`] where it is not one; else as [`all`](Self::all).
    pub fn one(mut self) -> Result<O::Handles> {
        if self.select.limit.is_none() {
            self = self.limit(2);
        }
        let sql = self.to_sql();
        let mut rows = self.all()?.into_iter();
        match (rows.next(), rows.next()) {
            (Some(row), None) => Ok(row),
            (None, _) => Err(Error::NoRow { sql }),
            (Some(_), Some(_)) => Err(Error::ManyRows { sql }),
        }
    }
}

impl Session {
    /// Runs a select and hands each row over together with the identity map.
    pub(super) fn run_tracked(
        &mut self,
        select: &Select,
        mut each: impl FnMut(RowReader<'_>, &mut Tracker<'_>) -> Result<()>,
    ) -> Result<()> {
        self.before_statement(select.lock.is_some())?;
        let rendered = render(Statement::Select(select), self.engine.dialect())?;
        let mut params: Vec<Value<'_>> = Vec::with_capacity(rendered.params.len());
        for value in &rendered.params {
            params.push(match value {
                Value::Pending(handle) => self.store.key_of(*handle)?,
                other => other.borrowed(),
            });
        }
        let Session { store, link, .. } = self;
        let mut prepared = link.as_mut().ok_or(Error::Closed)?.prepare(rendered.sql)?;
        let mut rows = prepared.query(&params)?;
        let mut tracker = Tracker { store };
        while let Some(row) = rows.next()? {
            each(RowReader::new(row), &mut tracker)?;
        }
        drop(rows);
        drop(prepared);
        self.tell_loaded()
    }
}
