//! RIGHT and FULL joins: the sources so far become ones whose row may be missing.

use super::rows::{Handles, RowSet};
use super::select::{JoinOn, JoinedQuery, Query};
use super::source::{Append, Maybe, SingleSource, Source};
use crate::expr::JoinKind;
use crate::mapper::{Columns, Entity};
use crate::relation;

/// Sources that a right or full join can stand after.
pub trait OuterJoined: Source {
    /// The same, with columns that may be NULL and rows that may be missing.
    type Outer: Source;

    /// The columns, as they are then.
    #[doc(hidden)]
    fn outer(columns: Self::Columns) -> <Self::Outer as Source>::Columns;
}

/// One such source.
#[doc(hidden)]
pub trait OuterSingle: SingleSource {
    /// The same, with columns that may be NULL.
    type Single: SingleSource;

    /// The columns, as they are then.
    fn single(columns: Self::Columns) -> <Self::Single as Source>::Columns;
}

impl<T: Entity> OuterSingle for T {
    type Single = Maybe<T>;

    fn single(columns: Self::Columns) -> <Maybe<T> as Source>::Columns {
        Columns::at(Columns::source(&columns))
    }
}

impl<T: Entity> OuterSingle for Maybe<T> {
    type Single = Maybe<T>;

    fn single(columns: Self::Columns) -> Self::Columns {
        columns
    }
}

impl<H: Handles> OuterSingle for RowSet<H> {
    type Single = RowSet<H::Optional>;

    fn single(columns: H) -> H::Optional {
        Handles::at(Handles::source(&columns))
    }
}

impl<S: OuterSingle> OuterJoined for S {
    type Outer = S::Single;

    fn outer(columns: Self::Columns) -> <Self::Outer as Source>::Columns {
        S::single(columns)
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: OuterSingle),*> OuterJoined for ($($name,)*) {
            type Outer = ($($name::Single,)*);

            #[allow(non_snake_case)]
            fn outer(columns: Self::Columns) -> <Self::Outer as Source>::Columns {
                let ($($name,)*) = columns;
                ($($name::single($name),)*)
            }
        }
    };
}
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);

impl<S: OuterJoined, X> Query<S, S::Columns, X> {
    /// Joins along a relation and keeps rows of the new source without a partner: the columns of the sources so far are then all `Option`s.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "users")]
    /// #[has_many(posts: Post, by = author)]
    /// struct User {
    ///     #[column(primary_key)]
    ///     id: Id<User>,
    ///     name: String,
    /// }
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "posts")]
    /// struct Post {
    ///     #[column(primary_key)]
    ///     id: Id<Post>,
    ///     author: Option<Fk<User>>,
    ///     title: String,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// # let engine = Engine::open("sqlite::memory:")?;
    /// # engine.create_all(schema![User, Post])?;
    /// # let mut session = engine.session()?;
    /// session.add(Post::new("by nobody"));
    /// let titles: Vec<(Option<String>, String)> = session
    ///     .query::<User>()
    ///     .right_join(|u| u.posts)
    ///     .select(|(u, p)| (u.name, p.title))
    ///     .fetch()?;
    /// assert_eq!(titles, [(None, "by nobody".to_owned())]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn right_join<R: relation::Relation>(
        self,
        relation: impl FnOnce(S::Columns) -> R,
    ) -> JoinedQuery<S::Outer, R::Target, X>
    where
        S::Outer: Append<R::Target>,
    {
        let path = relation(self.columns).path();
        self.outer().along(&path, JoinKind::Right)
    }

    /// Joins along a relation and keeps rows without a partner of both sides.
    pub fn full_join<R: relation::Relation>(
        self,
        relation: impl FnOnce(S::Columns) -> R,
    ) -> JoinedQuery<S::Outer, Maybe<R::Target>, X>
    where
        S::Outer: Append<Maybe<R::Target>>,
    {
        let path = relation(self.columns).path();
        self.outer().along(&path, JoinKind::Full)
    }

    /// Right-joins an entity on any condition.
    pub fn right_join_on<N: Entity>(self) -> JoinOn<S::Outer, N, X>
    where
        S::Outer: Append<N>,
    {
        JoinOn::new(self.outer(), JoinKind::Right, N::META.relation())
    }

    /// Full-joins an entity on any condition.
    pub fn full_join_on<N: Entity>(self) -> JoinOn<S::Outer, Maybe<N>, X>
    where
        S::Outer: Append<Maybe<N>>,
    {
        JoinOn::new(self.outer(), JoinKind::Full, N::META.relation())
    }

    fn outer(self) -> Query<S::Outer, <S::Outer as Source>::Columns, X> {
        let columns = S::outer(self.columns);
        self.with_sources(columns)
    }
}
