//! The sources of a query, as types: one entity, or a tuple of them.

use crate::expr::{Node, SourceId};
use crate::mapper::{Entity, Optional, Required, live};
use crate::query::executor::Detached;
use crate::query::rows::{Handles, RowSet};
use crate::query::select::Query;
use crate::query::selection::Selection;

#[diagnostic::on_unimplemented(message = "`{Self}` is no entity, and no query can read from it")]
/// What a query reads from: an entity, a left-joined one ([`Maybe`]), or a tuple of these.
pub trait Source: 'static {
    /// What closures get: the columns, or a tuple of them.
    type Columns: Selection + Copy;
}

/// What [`query`](crate::query()) begins with: an entity.
///
/// The query is the trait's type, because one that is named as such has a bound of its own, which a type that is no
/// entity would miss a second time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entity",
    label = "not an entity",
    note = "put `#[derive(Entity)]` on the struct"
)]
pub trait Queryable {
    /// Its query: `Query<Self>`.
    type Query;

    #[doc(hidden)]
    fn query() -> Self::Query;
}

#[diagnostic::do_not_recommend]
impl<T: Entity> Queryable for T {
    type Query = Query<T>;

    fn query() -> Query<T> {
        Query::start(Detached)
    }
}

/// One source of a query.
pub trait SingleSource: Source {
    /// The columns of that source.
    #[doc(hidden)]
    fn columns(source: SourceId) -> Self::Columns;

    /// The condition that its rows are not marked as deleted, where there are marks.
    #[doc(hidden)]
    fn live(_: SourceId) -> Option<Node> {
        None
    }
}

/// An entity behind a left join: its columns may be NULL, and a row of it is an `Option`.
#[derive(Debug)]
pub struct Maybe<T>(std::marker::PhantomData<fn() -> T>);

#[diagnostic::do_not_recommend]
impl<T: Entity> Source for T {
    type Columns = T::Columns<Required>;
}

impl<T: Entity> SingleSource for T {
    fn columns(source: SourceId) -> Self::Columns {
        crate::mapper::Columns::at(source)
    }

    fn live(source: SourceId) -> Option<Node> {
        live(T::META, source)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Entity> Source for Maybe<T> {
    type Columns = T::Columns<Optional>;
}

impl<T: Entity> SingleSource for Maybe<T> {
    fn columns(source: SourceId) -> Self::Columns {
        crate::mapper::Columns::at(source)
    }

    fn live(source: SourceId) -> Option<Node> {
        live(T::META, source)
    }
}

/// A source with one more joined to it.
pub trait Append<N: SingleSource>: Source {
    /// The tuple of all.
    type Joined: Source;

    /// The tuple of all columns.
    #[doc(hidden)]
    fn append(columns: Self::Columns, next: N::Columns) -> <Self::Joined as Source>::Columns;
}

impl<T: Entity, N: SingleSource> Append<N> for T {
    type Joined = (T, N);

    fn append(columns: Self::Columns, next: N::Columns) -> (Self::Columns, N::Columns) {
        (columns, next)
    }
}

/// After a right or full join.
impl<T: Entity, N: SingleSource> Append<N> for Maybe<T> {
    type Joined = (Maybe<T>, N);

    fn append(columns: Self::Columns, next: N::Columns) -> (Self::Columns, N::Columns) {
        (columns, next)
    }
}

impl<H: Handles, N: SingleSource> Append<N> for RowSet<H> {
    type Joined = (RowSet<H>, N);

    fn append(columns: H, next: N::Columns) -> (H, N::Columns) {
        (columns, next)
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($name: SingleSource),*> Source for ($($name,)*) {
            type Columns = ($($name::Columns,)*);
        }
    };
}
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);

macro_rules! appends {
    ($($name:ident)*) => {
        impl<$($name: SingleSource,)* N: SingleSource> Append<N> for ($($name,)*) {
            type Joined = ($($name,)* N);

            #[allow(non_snake_case)]
            fn append(columns: Self::Columns, next: N::Columns) -> ($($name::Columns,)* N::Columns) {
                let ($($name,)*) = columns;
                ($($name,)* next)
            }
        }
    };
}
appends!(A B);
appends!(A B C);
appends!(A B C D);
appends!(A B C D E);
