//! Rows that are no table: subqueries in FROM, common table expressions, recursive ones, lists of values.
//!
//! ```text
//!   query.subquery()                     (SELECT ..) AS sub
//!   query.cte()                          WITH cte AS (SELECT ..)      read as often as wanted, computed once where the backend does
//!   recursive(start).union_all(|r| ..)   WITH RECURSIVE cte AS (start UNION ALL step)
//!   values(rows)                         WITH cte AS (VALUES ..)
//!          │
//!          ▼
//!      RowSet<H>    H: what closures get of it: `Column<i64>`, `(Column<String>, Column<i64>)`, `UserColumns`
//! ```
//!
//! A [`RowSet`] stands where an entity would: a query begins with it ([`RowSet::query`]) or joins it
//! ([`Query::join_rows`]). Its columns are named by their place (`c0`, `c1`, ..), those of whole entities keep their names.

use std::marker::PhantomData;
use std::sync::Arc;

use super::executor::Detached;
use super::select::{JoinOn, JoinedQuery, Query};
use super::selection::Selection;
use super::source::{Append, SingleSource, Source};
use crate::expr::{
    self, ArrayColumn, Column, Compound, CompoundOp, Cte, Expr, FromItem, JoinKind, Name, Operand, Relation,
    Select, SourceId, Values,
};
use crate::mapper::{Columns, Entity, Optional};
use crate::types::{ColumnType, Kind, Value};

/// The elements of an array as a source, `T` each: see [`Query::join_elements`].
#[derive(Debug)]
pub struct Elements<T>(PhantomData<fn() -> T>);

/// What the elements of that array are.
type ElementOf<O> = <<O as Operand>::Value as ArrayColumn>::Item;

impl<T: ColumnType> Source for Elements<T> {
    type Columns = Column<T>;
}

impl<T: ColumnType> SingleSource for Elements<T> {
    fn columns(source: SourceId) -> Column<T> {
        Column::new(source, expr::VALUE)
    }
}

/// The handles of a [`RowSet`]: a column, a tuple of columns, or the columns of an entity.
pub trait Handles: Selection + Copy + 'static {
    /// The same behind a left join.
    type Optional: Handles;

    /// The handles of that source.
    #[doc(hidden)]
    fn at(source: SourceId) -> Self;

    /// The source that they are of.
    #[doc(hidden)]
    fn source(&self) -> SourceId;

    /// The names of the columns.
    #[doc(hidden)]
    fn names() -> Vec<Name>;
}

/// A selection whose rows other queries can read from.
#[diagnostic::on_unimplemented(
    message = "the rows of `{Self}` cannot be a source: their columns would have no names of their own",
    note = "select columns and expressions, a tuple of these, or one whole entity"
)]
pub trait Derived: Selection {
    /// What closures get of it.
    type Handles: Handles;

    /// Are its columns named by their place?
    #[doc(hidden)]
    const BY_PLACE: bool;
}

/// One column of a [`Derived`] tuple.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be one column of a source",
    note = "select columns and expressions, a tuple of these, or one whole entity"
)]
pub trait DerivedColumn: Selection {
    /// The type of its value.
    type Value: ColumnType;
}

const NAMES: [&str; 10] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"];

impl<T: ColumnType> DerivedColumn for Column<T> {
    type Value = T;
}

impl<T: ColumnType> DerivedColumn for Expr<T> {
    type Value = T;
}

impl<T: ColumnType> Derived for Column<T> {
    type Handles = Column<T>;
    const BY_PLACE: bool = true;
}

impl<T: ColumnType> Derived for Expr<T> {
    type Handles = Column<T>;
    const BY_PLACE: bool = true;
}

impl<C: Columns> Derived for C {
    type Handles = C;
    const BY_PLACE: bool = false;
}

impl<T: ColumnType> Handles for Column<T> {
    type Optional = Column<T::Nullable>;

    fn at(source: SourceId) -> Self {
        Column::new(source, NAMES[0])
    }

    fn source(&self) -> SourceId {
        (*self).source()
    }

    fn names() -> Vec<Name> {
        vec![NAMES[0].into()]
    }
}

impl<C: Columns> Handles for C {
    type Optional = <C::Entity as Entity>::Columns<Optional>;

    fn at(source: SourceId) -> Self {
        Columns::at(source)
    }

    fn source(&self) -> SourceId {
        Columns::source(self)
    }

    fn names() -> Vec<Name> {
        let columns = C::Entity::META.columns.iter();
        columns.map(|column| column.name.into()).collect()
    }
}

macro_rules! tuples {
    ($count:literal: $($name:ident)*) => {
        impl<$($name: DerivedColumn),*> Derived for ($($name,)*) {
            type Handles = ($(Column<$name::Value>,)*);
            const BY_PLACE: bool = true;
        }

        impl<$($name: ColumnType),*> Handles for ($(Column<$name>,)*) {
            type Optional = ($(Column<$name::Nullable>,)*);

            fn at(source: SourceId) -> Self {
                let mut names = NAMES.iter();
                ($(Column::<$name>::new(source, names.next().copied().unwrap_or_default()),)*)
            }

            fn source(&self) -> SourceId {
                self.0.source()
            }

            fn names() -> Vec<Name> {
                NAMES.iter().take($count).map(|name| (*name).into()).collect()
            }
        }

        impl<$($name: ColumnType),*> ValueRow for ($($name,)*) {
            type Handles = ($(Column<$name>,)*);

            fn kinds() -> Vec<Kind> {
                vec![$($name::KIND),*]
            }

            #[allow(non_snake_case)]
            fn values(self) -> Vec<Value<'static>> {
                let ($($name,)*) = self;
                vec![$($name.encode().into_owned()),*]
            }
        }
    };
}
tuples!(1: A);
tuples!(2: A B);
tuples!(3: A B C);
tuples!(4: A B C D);
tuples!(5: A B C D E);
tuples!(6: A B C D E F);
tuples!(7: A B C D E F G);
tuples!(8: A B C D E F G H);
tuples!(9: A B C D E F G H I);
tuples!(10: A B C D E F G H I J);

/// Rows that queries can read from as from a table. Cheap to clone; each use is a source of its own.
pub struct RowSet<H> {
    relation: Relation,
    handles: PhantomData<fn() -> H>,
}

#[diagnostic::do_not_recommend]
impl<H: Handles> Source for RowSet<H> {
    type Columns = H;
}

impl<H: Handles> SingleSource for RowSet<H> {
    fn columns(source: SourceId) -> H {
        H::at(source)
    }
}

impl<H: Handles> RowSet<H> {
    pub(crate) fn new(relation: Relation) -> RowSet<H> {
        RowSet {
            relation,
            handles: PhantomData,
        }
    }

    fn of_cte(columns: Vec<Name>, select: Select, source: SourceId, recursive: bool) -> RowSet<H> {
        RowSet::new(Relation::Cte(Arc::new(Cte {
            source,
            columns,
            select,
            recursive,
            materialized: None,
        })))
    }

    pub(crate) fn relation(&self) -> Relation {
        self.relation.clone()
    }

    /// A query over these rows: run it with [`Query::on`].
    pub fn query(&self) -> Query<RowSet<H>> {
        let source = SourceId::fresh();
        let columns = H::at(source);
        let mut select = Box::new(Select::default());
        select.from.push(FromItem {
            source,
            relation: self.relation.clone(),
            join: None,
        });
        columns.push_outputs(&mut select.columns);
        Query::from_select(select, columns)
    }

    /// Of a common table expression: computed once and kept, or made part of each query that reads it. A hint, which not every backend takes.
    pub fn materialized(mut self, once: bool) -> RowSet<H> {
        if let Relation::Cte(cte) = &mut self.relation {
            Arc::make_mut(cte).materialized = Some(once);
        }
        self
    }
}

impl<S: Source, O: Derived> Query<S, O, Detached> {
    /// The query's rows as a source of other queries: a subquery in FROM.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Post {
    ///     #[column(primary_key)]
    ///     id: Id<Post>,
    ///     author: String,
    ///     likes: i64,
    /// }
    ///
    /// // The mean of the authors' sums.
    /// let sums = query::<Post>().group_by(|p| p.author).select(|p| (p.author, p.likes.sum())).subquery();
    /// let mean = sums.query().select(|(_, sum)| sum.avg());
    /// assert_eq!(
    ///     mean.to_sql(),
    ///     "SELECT avg(c1) FROM (SELECT author AS c0, sum(likes) AS c1 FROM post GROUP BY author) AS sub"
    /// );
    /// ```
    pub fn subquery(self) -> RowSet<O::Handles> {
        RowSet::new(Relation::Select(Box::new(labelled::<O>(self.select))))
    }

    /// The query's rows as a common table expression: a source that several parts of a statement read.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Post {
    ///     #[column(primary_key)]
    ///     id: Id<Post>,
    ///     author: String,
    ///     likes: i64,
    /// }
    ///
    /// let sums = query::<Post>().group_by(|p| p.author).select(|p| (p.author, p.likes.sum())).cte();
    /// let most = sums.query().select(|(_, sum)| sum.max()).scalar();
    /// let best = sums.query().filter(|(_, sum)| sum.eq(most)).select(|(author, _)| author);
    /// assert_eq!(
    ///     best.to_sql(),
    ///     "WITH cte (c0, c1) AS (SELECT author, sum(likes) FROM post GROUP BY author) \
    ///      SELECT c0 FROM cte AS c WHERE c1 = (SELECT max(c_2.c1) FROM cte AS c_2)"
    /// );
    /// ```
    pub fn cte(self) -> RowSet<O::Handles> {
        RowSet::of_cte(O::Handles::names(), *self.select, SourceId::fresh(), false)
    }
}

/// A common table expression that reads itself: `start` gives the first rows, and a step is repeated on the rows that came last, until
/// it gives none.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Folder {
///     #[column(primary_key)]
///     id: Id<Folder>,
///     parent: Option<Fk<Folder>>,
///     name: String,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Folder])?;
/// let mut session = engine.session()?;
/// let home = session.add(Folder::new("home"));
/// let src = session.add(Folder { parent: Some(home.into()), ..Folder::new("src") });
/// session.add(Folder { parent: Some(src.into()), ..Folder::new("bin") });
///
/// let tree = recursive(query::<Folder>().filter(|f| f.parent.is_null()).select(|f| (f.id, val::<i64>(0)))).union_all(
///     |above| {
///         query::<Folder>()
///             .join_rows(above)
///             .on(|(f, (id, _))| f.parent.eq(id))
///             .select(|(f, (_, depth))| (f.id, depth + 1))
///     },
/// );
/// let deep: Vec<(String, i64)> = query::<Folder>()
///     .join_rows(&tree)
///     .on(|(f, (id, _))| f.id.eq(id))
///     .order_by(|(_, (_, depth))| depth)
///     .select(|(f, (_, depth))| (f.name, depth))
///     .on(&mut session)
///     .fetch()?;
/// assert_eq!(deep, [("home".to_owned(), 0), ("src".to_owned(), 1), ("bin".to_owned(), 2)]);
/// # Ok(())
/// # }
/// ```
pub fn recursive<S: Source, O: Derived>(start: Query<S, O, Detached>) -> Recursive<O> {
    Recursive {
        start: start.select,
        selection: PhantomData,
    }
}

/// A recursive common table expression whose step is still to be said.
#[must_use = "say the step: `.union_all(..)` or `.union(..)`"]
pub struct Recursive<O> {
    start: Box<Select>,
    selection: PhantomData<fn() -> O>,
}

impl<O: Derived> Recursive<O> {
    /// The step, from the rows that came last to further ones. Rows that come again are kept, and followed again: over a graph with circles it
    /// does not end.
    pub fn union_all<S: Source, P: Selection<Row = O::Row>>(
        self,
        step: impl FnOnce(&RowSet<O::Handles>) -> Query<S, P, Detached>,
    ) -> RowSet<O::Handles> {
        self.with_step(CompoundOp::UnionAll, step)
    }

    /// The step; a row that was there already is dropped, so that circles come to an end.
    pub fn union<S: Source, P: Selection<Row = O::Row>>(
        self,
        step: impl FnOnce(&RowSet<O::Handles>) -> Query<S, P, Detached>,
    ) -> RowSet<O::Handles> {
        self.with_step(CompoundOp::Union, step)
    }

    fn with_step<S: Source, P>(
        self,
        op: CompoundOp,
        step: impl FnOnce(&RowSet<O::Handles>) -> Query<S, P, Detached>,
    ) -> RowSet<O::Handles> {
        let source = SourceId::fresh();
        let own = RowSet::new(Relation::Recursive(source));
        let select = step(&own).select;
        let mut start = *self.start;
        start.compound.push(Compound { op, select });
        RowSet::of_cte(O::Handles::names(), start, source, true)
    }
}

impl<O> std::fmt::Debug for Recursive<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recursive")
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}

/// A row of [`values`]: a tuple of values.
pub trait ValueRow {
    /// What closures get of it.
    type Handles: Handles;

    /// The types.
    #[doc(hidden)]
    fn kinds() -> Vec<Kind>;

    /// The values.
    #[doc(hidden)]
    fn values(self) -> Vec<Value<'static>>;
}

/// Rows that the program has, as a source: to join a table with a list of pairs in one statement.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Item {
///     #[column(primary_key)]
///     id: Id<Item>,
///     price: i64,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Item])?;
/// let mut session = engine.session()?;
/// session.add_all([10, 25, 40].map(Item::new));
///
/// let basket = values([(Id::<Item>::from(1), 3_i64), (Id::from(3), 1)]); // item, pieces
/// let total: i64 = query::<Item>()
///     .join_rows(&basket)
///     .on(|(item, (id, _))| item.id.eq(id))
///     .select(|(item, (_, pieces))| (item.price * pieces).sum().or_else(0))
///     .on(&mut session)
///     .fetch_one()?;
/// assert_eq!(total, 3 * 10 + 40);
/// # Ok(())
/// # }
/// ```
pub fn values<R: ValueRow>(rows: impl IntoIterator<Item = R>) -> RowSet<R::Handles> {
    let select = Select {
        values: Some(Box::new(Values {
            kinds: R::kinds(),
            rows: rows.into_iter().map(ValueRow::values).collect(),
        })),
        ..Select::default()
    };
    RowSet::of_cte(R::Handles::names(), select, SourceId::fresh(), false)
}

/// The select with its columns named by their place, if they are to be.
fn labelled<O: Derived>(mut select: Box<Select>) -> Select {
    if O::BY_PLACE {
        for (column, name) in select.columns.iter_mut().zip(NAMES) {
            column.label = Some(name.into());
        }
    }
    *select
}

impl<S: Source, X> Query<S, S::Columns, X> {
    /// Joins rows that are no table on a condition: `.join_rows(&sums).on(|(u, (id, sum))| u.id.eq(id))`.
    pub fn join_rows<H: Handles>(self, rows: &RowSet<H>) -> JoinOn<S, RowSet<H>, X>
    where
        S: Append<RowSet<H>>,
    {
        JoinOn::new(self, JoinKind::Inner, rows.relation.clone())
    }

    /// Left-joins rows that are no table: their columns are all `Option`s.
    pub fn left_join_rows<H: Handles>(self, rows: &RowSet<H>) -> JoinOn<S, RowSet<H::Optional>, X>
    where
        S: Append<RowSet<H::Optional>>,
    {
        JoinOn::new(self, JoinKind::Left, rows.relation.clone())
    }

    /// Joins the rows that a query gives for each row so far: `LATERAL`. The query uses the handles that the closure gets.
    ///
    /// Not every backend has it: rendering is an error where there is none.
    ///
    /// ```
    /// use aludel::dialect::Postgresql;
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "users")]
    /// struct User {
    ///     #[column(primary_key)]
    ///     id: Id<User>,
    /// }
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "posts")]
    /// struct Post {
    ///     #[column(primary_key)]
    ///     id: Id<Post>,
    ///     author: Fk<User>,
    ///     likes: i64,
    /// }
    ///
    /// // The two posts of each user that are liked most.
    /// let best = query::<User>().join_lateral(|u| {
    ///     query::<Post>()
    ///         .filter(|p| p.author.eq(u.id))
    ///         .order_by(|p| p.likes.desc())
    ///         .limit(2)
    ///         .select(|p| (p.id, p.likes))
    /// });
    /// assert!(best.to_sql_in(&Postgresql).unwrap().contains("JOIN LATERAL (SELECT posts.id AS c0"));
    /// assert!(best.to_sql_in(&aludel::dialect::Sqlite).is_err());
    /// ```
    pub fn join_lateral<S2: Source, O: Derived>(
        self,
        query: impl FnOnce(S::Columns) -> Query<S2, O, Detached>,
    ) -> JoinedQuery<S, RowSet<O::Handles>, X>
    where
        S: Append<RowSet<O::Handles>>,
    {
        let select = labelled::<O>(query(self.columns).select);
        JoinOn::new(self, JoinKind::Inner, Relation::Lateral(Box::new(select))).on(|_| always())
    }

    /// Joins the elements of an array as rows: one for each element of each row. What closures get is the element.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Post {
    ///     #[column(primary_key)]
    ///     id: Id<Post>,
    ///     tags: Vec<String>,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// let engine = Engine::open("sqlite::memory:")?;
    /// engine.create_all(schema![Post])?;
    /// let mut session = engine.session()?;
    /// session.add(Post::new(["a", "b"].map(String::from)));
    /// session.add(Post::new(["b"].map(String::from)));
    /// let uses: Vec<(String, i64)> = session
    ///     .query::<Post>()
    ///     .join_elements(|p| p.tags)
    ///     .group_by(|(_, tag)| tag)
    ///     .order_by(|(_, tag)| tag)
    ///     .select(|(_, tag)| (tag, count_all()))
    ///     .fetch()?;
    /// assert_eq!(uses, [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn join_elements<O: Operand<Value: ArrayColumn>>(
        self,
        array: impl FnOnce(S::Columns) -> O,
    ) -> JoinedQuery<S, Elements<ElementOf<O>>, X>
    where
        S: Append<Elements<ElementOf<O>>>,
    {
        let relation = expr::elements(array(self.columns));
        JoinOn::new(self, JoinKind::Inner, relation).on(|_| always())
    }

    /// As [`join_elements`](Self::join_elements), and keeps rows whose array has no elements.
    pub fn left_join_elements<O: Operand<Value: ArrayColumn>>(
        self,
        array: impl FnOnce(S::Columns) -> O,
    ) -> JoinedQuery<S, Elements<<ElementOf<O> as ColumnType>::Nullable>, X>
    where
        S: Append<Elements<<ElementOf<O> as ColumnType>::Nullable>>,
    {
        let relation = expr::elements(array(self.columns));
        JoinOn::new(self, JoinKind::Left, relation).on(|_| always())
    }

    /// As [`join_lateral`](Self::join_lateral), and keeps rows for which the query gives none.
    pub fn left_join_lateral<S2: Source, O: Derived>(
        self,
        query: impl FnOnce(S::Columns) -> Query<S2, O, Detached>,
    ) -> JoinedQuery<S, RowSet<<O::Handles as Handles>::Optional>, X>
    where
        S: Append<RowSet<<O::Handles as Handles>::Optional>>,
    {
        let select = labelled::<O>(query(self.columns).select);
        JoinOn::new(self, JoinKind::Left, Relation::Lateral(Box::new(select))).on(|_| always())
    }
}

fn always() -> Expr<bool> {
    expr::all_of(std::iter::empty::<Expr<bool>>())
}

impl<H> Clone for RowSet<H> {
    fn clone(&self) -> RowSet<H> {
        RowSet {
            relation: self.relation.clone(),
            handles: PhantomData,
        }
    }
}

impl<H> std::fmt::Debug for RowSet<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RowSet").field(&self.relation).finish()
    }
}
